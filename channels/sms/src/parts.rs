//! Which alphabet a text needs, and how many parts it makes (3GPP TS 23.038 and 23.040).

/// The basic GSM 7 bit alphabet: one septet each.
pub(crate) const GSM: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Its extension table: an escape and a septet.
pub(crate) const GSM_EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// The alphabet of a whole text: one letter that GSM lacks makes all of it UCS-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Septets: 160 alone, 153 in each of several parts.
    Gsm7,
    /// UTF-16 units: 70 alone, 67 in each of several parts.
    Ucs2,
}

/// How a text goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The alphabet.
    pub alphabet: Alphabet,
    /// Its length in units of the alphabet.
    pub units: usize,
    /// How many SMS are paid for.
    pub parts: usize,
}

impl Alphabet {
    /// The alphabet that this text needs.
    pub fn of(text: &str) -> Self {
        let gsm = |c| GSM.contains(c) || GSM_EXTENSION.contains(c);
        if text.chars().all(gsm) {
            Self::Gsm7
        } else {
            Self::Ucs2
        }
    }

    /// Units of one SMS that stands alone.
    pub fn alone(self) -> usize {
        match self {
            Self::Gsm7 => 160,
            Self::Ucs2 => 70,
        }
    }

    /// Units of each part of a longer text.
    pub fn joined(self) -> usize {
        match self {
            Self::Gsm7 => 153,
            Self::Ucs2 => 67,
        }
    }

    fn units(self, c: char) -> usize {
        match self {
            Self::Gsm7 if GSM_EXTENSION.contains(c) => 2,
            Self::Gsm7 => 1,
            Self::Ucs2 => c.len_utf16(),
        }
    }
}

/// Counts a text.
pub fn count(text: &str) -> Parts {
    let alphabet = Alphabet::of(text);
    let units = text.chars().map(|c| alphabet.units(c)).sum();
    Parts {
        alphabet,
        units,
        parts: split(text).len(),
    }
}

/// The text as its parts carry it. No part ends within a character: an emoji is two units, and half
/// of it is none.
pub fn split(text: &str) -> Vec<&str> {
    split_at(text, Alphabet::of(text).joined())
}

/// The same, with so many units in each of several parts: a longer header leaves less room.
pub fn split_at(text: &str, joined: usize) -> Vec<&str> {
    let alphabet = Alphabet::of(text);
    let units: usize = text.chars().map(|c| alphabet.units(c)).sum();
    if units <= alphabet.alone() {
        return vec![text];
    }
    let mut parts = Vec::new();
    let (mut begin, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        let needs = alphabet.units(c);
        if used + needs > joined {
            parts.push(&text[begin..at]);
            (begin, used) = (at, 0);
        }
        used += needs;
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_limits_are_those_of_the_standard() {
        for (text, parts) in [
            ("a".repeat(160), 1),
            ("a".repeat(161), 2),
            ("a".repeat(306), 2),
            ("a".repeat(307), 3),
            ("ж".repeat(70), 1),
            ("ж".repeat(71), 2),
            ("ж".repeat(134), 2),
            ("ж".repeat(135), 3),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
        ] {
            assert_eq!(
                count(&text).parts,
                parts,
                "{} characters",
                text.chars().count()
            );
        }
        assert_eq!(count("Школа 12. Маша 14.10: матем 5").units, 29);
        assert_eq!(count("цена «5»").alphabet, Alphabet::Ucs2);
        assert_eq!(count("").parts, 1);
    }

    #[test]
    fn an_emoji_is_two_units_and_stays_whole() {
        let text = format!("{}😀😀", "ж".repeat(66));
        assert_eq!(
            count(&text),
            Parts {
                alphabet: Alphabet::Ucs2,
                units: 70,
                parts: 1
            }
        );
        let parts = split(&format!("{text}ж"))
            .iter()
            .map(|p| p.encode_utf16().count())
            .collect::<Vec<_>>();
        assert_eq!(
            parts,
            [66, 5],
            "the second half of an emoji does not fit into 67"
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(text in "[a-z€ж😀\n]{0,400}") {
            let parts = split(&text);
            prop_assert_eq!(parts.concat(), text.clone());
            let alphabet = Alphabet::of(&text);
            let limit = if parts.len() == 1 { alphabet.alone() } else { alphabet.joined() };
            for part in &parts {
                prop_assert!(part.chars().map(|c| alphabet.units(c)).sum::<usize>() <= limit);
            }
            prop_assert_eq!(count(&text).parts, parts.len());
        }
    }
}
