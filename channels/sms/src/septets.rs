//! The octets of a text in the GSM 7 bit alphabet, one septet in each: what an SMS centre reads under
//! data coding 0 (3GPP TS 23.038 §6.2.1).

use crate::parts::{GSM, GSM_EXTENSION};

/// Announces that the next septet is of the extension table; no letter.
const ESCAPE: u8 = 0x1B;
/// The septets of [`GSM_EXTENSION`], in its order.
const EXTENSION: [u8; 10] = [0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65];

/// The text in septets, not packed; none where a letter is not in the alphabet.
pub fn encode(text: &str) -> Option<Vec<u8>> {
    let mut septets = Vec::with_capacity(text.len());
    for c in text.chars() {
        if let Some(at) = GSM.chars().position(|known| known == c) {
            let at = u8::try_from(at).ok()?;
            septets.push(if at < ESCAPE { at } else { at + 1 });
        } else {
            let at = GSM_EXTENSION.chars().position(|known| known == c)?;
            septets.extend([ESCAPE, EXTENSION[at]]);
        }
    }
    Some(septets)
}

/// The text of these septets. What is none of the alphabet becomes a question mark.
pub fn decode(septets: &[u8]) -> String {
    let mut text = String::with_capacity(septets.len());
    let mut septets = septets.iter().copied();
    while let Some(septet) = septets.next() {
        let letter = match septet {
            ESCAPE => septets.next().and_then(|next| {
                let at = EXTENSION.iter().position(|known| *known == next)?;
                GSM_EXTENSION.chars().nth(at)
            }),
            below if below < ESCAPE => GSM.chars().nth(usize::from(below)),
            above => GSM.chars().nth(usize::from(above) - 1),
        };
        text.push(letter.unwrap_or('?'));
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_codes_are_those_of_the_standard() {
        let known = [
            ("@", &[0x00][..]),
            ("_", &[0x11]),
            ("Ξ", &[0x1A]),
            ("Æ", &[0x1C]),
            (" ", &[0x20]),
            ("¤", &[0x24]),
            ("A", &[0x41]),
            ("¿", &[0x60]),
            ("à", &[0x7F]),
            ("€", &[0x1B, 0x65]),
            ("[", &[0x1B, 0x3C]),
            ("|", &[0x1B, 0x40]),
        ];
        for (text, septets) in known {
            assert_eq!(encode(text).as_deref(), Some(septets), "{text}");
        }
        assert_eq!(encode("цена"), None);
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read_again(text in "[a-zA-Z0-9@£$¥èéÄÖÑÜ§äöñüà€\\[\\]{}|~^ \n]{0,200}") {
            let septets = encode(&text).expect("all of it is in the alphabet");
            prop_assert_eq!(decode(&septets), text);
        }

        #[test]
        fn nothing_panics(septets in prop::collection::vec(0..=255u8, 0..64)) {
            decode(&septets);
        }
    }
}
