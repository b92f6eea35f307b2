//! From a text to what SMS centres carry: octets under a data coding, in as many pieces as it takes.
//!
//! The library's own encoders are not used: the one for UCS-2 knows no letter outside the basic plane,
//! so that one emoji fails a whole message, and what it sends under data coding 0 is ASCII, which SMS
//! centres read as the GSM alphabet, so that `@` arrives as `¡`.

use vestnik_sms::{
    parts::{Alphabet, split_at},
    septets,
};

/// How a text that is too long for one SMS is put into several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Splitting {
    /// A user data header with a reference of 8 bits: what phones and operators know best.
    Udh8,
    /// The same with 16 bits; each part has room for one letter less.
    Udh16,
    /// The optional fields `sar_*`, from which the SMS centre makes the header.
    Sar,
    /// One PDU with the whole text; the SMS centre splits it and reports once.
    MessagePayload,
}

impl Splitting {
    /// All ways, by the names of the configuration.
    pub const ALL: [(&'static str, Self); 4] = [
        ("udh8", Self::Udh8),
        ("udh16", Self::Udh16),
        ("sar", Self::Sar),
        ("message_payload", Self::MessagePayload),
    ];

    /// The way of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find_map(|(name, splitting)| (name == code).then_some(splitting))
    }
}

/// The data coding of the GSM 7 bit alphabet.
pub(crate) const GSM7: u8 = 0;
/// The data coding of UTF-16 in network order.
pub(crate) const UCS2: u8 = 8;

/// What one PDU carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// [`GSM7`] or [`UCS2`].
    pub(crate) data_coding: u8,
    /// The text, with its header where it has one.
    pub(crate) octets: Vec<u8>,
    /// Whether the octets begin with a header.
    pub(crate) header: bool,
    /// For [`Splitting::Sar`]: reference, number of parts, and its own number from 1 on.
    pub(crate) sar: Option<(u16, u8, u8)>,
    /// Whether the octets go into `message_payload`.
    pub(crate) payload: bool,
}

/// The pieces of a text; none where it makes more parts than a header can count. `reference` tells the
/// parts of one text from those of the next to the same phone.
pub(crate) fn pieces(text: &str, splitting: Splitting, reference: u32) -> Option<Vec<Piece>> {
    let alphabet = Alphabet::of(text);
    let data_coding = match alphabet {
        Alphabet::Gsm7 => GSM7,
        Alphabet::Ucs2 => UCS2,
    };
    let plain = |octets| Piece {
        data_coding,
        octets,
        header: false,
        sar: None,
        payload: false,
    };
    let room = match (splitting, alphabet) {
        (Splitting::Udh16, Alphabet::Gsm7) => 152,
        (Splitting::Udh16, Alphabet::Ucs2) => 66,
        _ => alphabet.joined(),
    };
    let parts = split_at(text, room);
    let [low, high] = [reference.to_le_bytes()[0], reference.to_le_bytes()[1]];
    if parts.len() == 1 {
        return Some(vec![plain(encode(text, alphabet))]);
    }
    if splitting == Splitting::MessagePayload {
        let mut whole = plain(encode(text, alphabet));
        whole.payload = true;
        return Some(vec![whole]);
    }
    let total = u8::try_from(parts.len()).ok()?;
    let piece = |(part, number): (&&str, u8)| {
        let octets = encode(part, alphabet);
        let headed = |header: &[u8]| {
            let mut piece = plain([header, &octets].concat());
            piece.header = true;
            piece
        };
        match splitting {
            Splitting::Udh8 => headed(&[5, 0, 3, low, total, number]),
            Splitting::Udh16 => headed(&[6, 8, 4, high, low, total, number]),
            Splitting::Sar | Splitting::MessagePayload => {
                let mut piece = plain(octets);
                piece.sar = Some((u16::from_be_bytes([high, low]), total, number));
                piece
            }
        }
    };
    Some(parts.iter().zip(1..=total).map(piece).collect())
}

fn encode(text: &str, alphabet: Alphabet) -> Vec<u8> {
    let utf16 = || text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    match alphabet {
        Alphabet::Gsm7 => septets::encode(text).unwrap_or_else(utf16),
        Alphabet::Ucs2 => utf16(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A text put together again, as a phone does it.
    fn read(pieces: &[Piece]) -> String {
        let body = |piece: &Piece| {
            let skip = if piece.header {
                usize::from(piece.octets[0]) + 1
            } else {
                0
            };
            piece.octets[skip..].to_vec()
        };
        if pieces[0].data_coding == GSM7 {
            return pieces
                .iter()
                .map(|piece| septets::decode(&body(piece)))
                .collect();
        }
        let text = |piece: &Piece| {
            let units: Vec<u16> = body(piece)
                .chunks(2)
                .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
                .collect();
            String::from_utf16(&units).expect("no part ends within a letter")
        };
        pieces.iter().map(text).collect()
    }

    #[test]
    fn the_headers_are_those_of_the_standard() {
        let text = "ж".repeat(150);
        let udh8 = pieces(&text, Splitting::Udh8, 0x0102_0304).expect("three parts");
        assert_eq!(udh8.len(), 3);
        assert_eq!(udh8[0].octets.len(), 140);
        assert_eq!(udh8[1].octets[..8], [5, 0, 3, 4, 3, 2, 0x04, 0x36]);
        let udh16 = pieces(&text, Splitting::Udh16, 0x0102_0304).expect("three parts");
        assert_eq!(udh16[0].octets.len(), 7 + 132);
        assert_eq!(udh16[2].octets[..7], [6, 8, 4, 3, 4, 3, 3]);
        let sar = pieces(&text, Splitting::Sar, 0x0102_0304).expect("three parts");
        assert_eq!(sar[1].sar, Some((0x0304, 3, 2)));
        let whole = pieces(&text, Splitting::MessagePayload, 1).expect("one");
        assert_eq!((whole.len(), whole[0].octets.len()), (1, 300));
        assert!(whole[0].payload);
    }

    #[test]
    fn a_short_text_has_no_header_and_its_at_is_an_at() {
        let short = pieces("Lesson @ 10:00", Splitting::Udh8, 7).expect("one");
        assert_eq!((short[0].data_coding, short[0].octets[7]), (GSM7, 0x00));
        assert!(!short[0].header && !short[0].payload);
        assert_eq!(pieces(&"ж".repeat(70_000), Splitting::Udh8, 7), None);
    }

    proptest! {
        #[test]
        fn a_phone_reads_what_was_written(
            text in "[a-zA-Z@€\\[ж-я🎒😀 ]{1,600}", reference: u32, way in 0usize..4,
        ) {
            let pieces = pieces(&text, Splitting::ALL[way].1, reference).expect("not so many parts");
            prop_assert_eq!(read(&pieces), text);
            for piece in &pieces {
                let limit = if piece.data_coding == GSM7 { 160 } else { 140 };
                prop_assert!(piece.payload || piece.octets.len() <= limit);
            }
        }
    }
}
