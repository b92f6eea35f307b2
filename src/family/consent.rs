//! The consent register: per guardian, student and purpose, with four states.
//!
//! Regulation 002 §2.1 has consent *and* refusal registered before anything is delivered. No row
//! means that nobody has asked, which is not a consent.

/// What a consent is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Processing of personal data at all; every electronic channel needs it (152-ФЗ art. 9).
    Data,
    /// Mailing over a mobile network (126-ФЗ art. 44.1).
    Sms,
    /// E-mail.
    Email,
    /// Messengers.
    Messenger,
}

impl Purpose {
    /// All purposes.
    pub const ALL: [Self; 4] = [Self::Data, Self::Sms, Self::Email, Self::Messenger];

    /// The purpose with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }

    /// The code in `consent.purpose`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Messenger => "messenger",
        }
    }
}

/// How a guardian answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConsentState {
    /// Consent was given.
    Given,
    /// It was asked for and refused.
    Refused,
    /// It was given and taken back.
    Withdrawn,
    /// Nobody has asked; there is no row.
    NotAsked,
}

impl ConsentState {
    /// The answers that the register keeps; that nobody asked is no row.
    pub const STORED: [Self; 3] = [Self::Given, Self::Refused, Self::Withdrawn];

    /// The code in `consent.state`; `not_asked` is never stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::NotAsked => "not_asked",
        }
    }
}

/// One row of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// `consent.id`; the newest row wins.
    pub id: i64,
    /// Who answered.
    pub guardian_id: i64,
    /// For which student.
    pub student_id: i64,
    /// For what.
    pub purpose: Purpose,
    /// How.
    pub state: ConsentState,
}

/// The newest word of a guardian on one student and one purpose.
pub fn state(
    register: &[Consent],
    guardian_id: i64,
    student_id: i64,
    purpose: Purpose,
) -> ConsentState {
    register
        .iter()
        .filter(|row| {
            (row.guardian_id, row.student_id, row.purpose) == (guardian_id, student_id, purpose)
        })
        .max_by_key(|row| row.id)
        .map_or(ConsentState::NotAsked, |row| row.state)
}

/// Words by which people, and the forms of operators, ask for no further SMS.
const STOP: [&str; 6] = [
    "стоп",
    "stop",
    "отписаться",
    "отписка",
    "отпишите",
    "unsubscribe",
];

/// Whether somebody who answers an SMS wants no further one: a text of at most three words that begins
/// with «СТОП» or its like. Phones with two alphabets mix their letters.
pub fn asks_to_stop(text: &str) -> bool {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let Some(first) = words.first().filter(|_| words.len() <= 3) else {
        return false;
    };
    let cyrillic: String = first
        .chars()
        .map(|c| match c {
            'c' => 'с',
            't' => 'т',
            'o' => 'о',
            'n' => 'п',
            other => other,
        })
        .collect();
    STOP.contains(&first.as_str()) || STOP.contains(&cyrillic.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_wants_no_further_sms_is_understood() {
        for text in [
            "СТОП",
            "стоп",
            " Стоп! ",
            "STOP",
            "stop.",
            "«СТОП»",
            "Стоп смс",
            "CTOП",
            "Отписаться",
        ] {
            assert!(asks_to_stop(text), "{text}");
        }
        for text in [
            "",
            "Спасибо",
            "Хорошо, остановка у школы",
            "Стоп, мы уже вышли из дома и едем",
            "не стоп",
            "+",
        ] {
            assert!(!asks_to_stop(text), "{text}");
        }
    }
}
