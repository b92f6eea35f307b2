//! How people write the name of a class, and the class they mean.

use std::{fmt, str::FromStr};

/// A class by grade and letter: «5А», «5 «А»», «5-А» and «05-A» with a Latin letter are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClassName {
    /// From 1 to 12: some evening schools have a twelfth grade.
    pub grade: u8,
    /// One Cyrillic capital, or a few («КАД» for cadets); empty where a grade has one class only.
    /// Ё and Й are letters of their own.
    pub letter: String,
}

/// Why a text names no class.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("«{0}» is no class: write grade and letter, as in 5А")]
pub struct ClassNameError(String);

impl FromStr for ClassName {
    type Err = ClassNameError;

    fn from_str(text: &str) -> Result<Self, ClassNameError> {
        let wrong = || ClassNameError(text.to_owned());
        let bare: String = text.chars().filter(|c| c.is_alphanumeric()).collect();
        let digits = bare.chars().take_while(char::is_ascii_digit).count();
        let grade: u8 = bare[..digits].parse().map_err(|_| wrong())?;
        let letter: String = bare[digits..]
            .to_uppercase()
            .chars()
            .map(as_cyrillic)
            .collect();
        let cyrillic = letter.chars().all(|c| matches!(c, 'А'..='Я' | 'Ё'));
        if !(1..=12).contains(&grade) || !cyrillic || letter.chars().count() > 4 {
            return Err(wrong());
        }
        Ok(Self { grade, letter })
    }
}

impl ClassName {
    /// The class without quotes or spaces, as in a file's name: 5А.
    pub fn plain(&self) -> String {
        format!("{}{}", self.grade, self.letter)
    }
}

/// Writes the class as a school does: 5 «А».
impl fmt::Display for ClassName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.letter.as_str() {
            "" => write!(f, "{}", self.grade),
            letter => write!(f, "{} «{letter}»", self.grade),
        }
    }
}

/// The Cyrillic capital that a Latin one is mistaken for.
fn as_cyrillic(capital: char) -> char {
    match capital {
        'A' => 'А',
        'B' => 'В',
        'E' => 'Е',
        'K' => 'К',
        'M' => 'М',
        'H' => 'Н',
        'O' => 'О',
        'P' => 'Р',
        'C' => 'С',
        'T' => 'Т',
        'X' => 'Х',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn all_spellings_of_a_class_are_one_class() {
        let fifth = ClassName {
            grade: 5,
            letter: "А".into(),
        };
        for text in [
            "5А", "5а", "5 «А»", "5\"А\"", "5-А", "05-A", " 5 a ", "5 'А' ",
        ] {
            assert_eq!(text.parse(), Ok(fifth.clone()), "{text}");
        }
        assert_eq!(
            "10 б".parse::<ClassName>().map(|class| class.to_string()),
            Ok("10 «Б»".into())
        );
        assert_ne!("5Е".parse::<ClassName>(), "5Ё".parse());
    }

    #[test]
    fn what_is_no_class_is_refused() {
        for text in ["", "А", "0А", "13А", "5Q", "5А/Английский 1", "учитель"]
        {
            assert!(text.parse::<ClassName>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(grade in 1u8..=12, letter in "[А-Я]?") {
            let class = ClassName { grade, letter };
            prop_assert_eq!(class.to_string().parse(), Ok(class));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = text.parse::<ClassName>();
        }
    }
}
