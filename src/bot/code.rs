//! The codes of invitations, as cards print them and people type them.

use std::fmt;

use rand::{Rng, RngExt};

/// The letters of codes: none that is mistaken for another or for a digit.
const ALPHABET: &[u8] = b"23456789ACDEFGHJKMNPRTUVWXY";

/// How many letters a code has: 38 bits, which nobody guesses who may guess a few times an hour.
const LETTERS: usize = 8;

/// A code that lets one person in, once.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

/// Prints no letters: a code is a secret until it is used.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}

/// Writes the code as cards do: in two halves.
impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(LETTERS / 2);
        write!(f, "{first}-{second}")
    }
}

impl Code {
    /// A new one.
    pub fn draw(random: &mut impl Rng) -> Self {
        let letter = |_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]);
        Self((0..LETTERS).map(letter).collect())
    }

    /// The code that somebody typed: in whatever case, with or without the dash, in Latin letters or in those
    /// Cyrillic ones that look alike. None where it cannot be one.
    pub fn read(text: &str) -> Option<Self> {
        let mut code = String::new();
        for letter in text.chars() {
            if letter.is_whitespace() || matches!(letter, '-' | '–' | '—' | '.' | '«' | '»') {
                continue;
            }
            let mut upper = letter.to_uppercase();
            let letter = latin(upper.next().filter(|_| upper.next().is_none())?);
            let known = u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte));
            if !known || code.len() == LETTERS {
                return None;
            }
            code.push(letter);
        }
        (code.len() == LETTERS).then_some(Self(code))
    }

    /// The letters alone, as a link carries them.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

/// The letter or digit of codes that looks like this one.
fn latin(letter: char) -> char {
    match letter {
        'А' => 'A',
        'В' | 'B' => '8',
        'S' => '5',
        'Z' => '2',
        'З' => '3',
        'Е' => 'E',
        'К' => 'K',
        'М' => 'M',
        'Н' => 'H',
        'Р' => 'P',
        'С' => 'C',
        'Т' => 'T',
        'У' => 'Y',
        'Х' => 'X',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = Code("KM7EXA2T".to_owned());
        assert_eq!(code.to_string(), "KM7E-XA2T");
        for typed in ["KM7E-XA2T", "km7exa2t", " КМ7Е ХА2Т ", "км7е–ха2т"] {
            assert_eq!(Code::read(typed).as_ref(), Some(&code), "{typed}");
        }
        assert_eq!(Code::read("8825-ACD3"), Code::read("ВBZS-АСDЗ"));
        for wrong in [
            "",
            "KM7E-XA2",
            "KM7E-XA2TT",
            "KM7E-XA20",
            "привет!!",
            "ßßßßßßßß",
        ] {
            assert_eq!(Code::read(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_drawn_can_be_typed(seed: u64) {
            let code = Code::draw(&mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(Code::read(&code.to_string()), Some(code.clone()));
            prop_assert_eq!(Code::read(&code.letters().to_lowercase()), Some(code));
        }

        #[test]
        fn no_text_is_too_strange_to_be_read(text: String) {
            let _ = Code::read(&text);
        }
    }
}
