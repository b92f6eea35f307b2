//! What can be pressed below a message that the engine sends.
//!
//! Such a button holds the message's reference, 80 random bits, and a letter: whoever presses it is asked
//! again whether the message was theirs.

use serde_json::Value;
use vestnik_contract::Button;

use super::{Words, WordsError};
use crate::text::Language;

/// What the data of such a button begins with; names of screens have no such letter alone.
const MARK: &str = "m";

/// What a press below a message asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Press {
    /// «Ознакомлен(а)».
    Acknowledge,
    /// To ask the class teacher.
    Question,
    /// To say what is wrong.
    Mistake,
    /// The settings.
    Settings,
    /// What families ask, for their class teacher.
    Inquiries,
}

const PRESSES: [(Press, &str, &str); 5] = [
    (Press::Acknowledge, "a", "parent.acknowledge_button"),
    (Press::Question, "q", "parent.question_button"),
    (Press::Mistake, "e", "parent.mistake_button"),
    (Press::Settings, "s", "parent.settings_button"),
    (Press::Inquiries, "i", "teacher.inquiries_button"),
];

/// What a message is to its reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Below {
    /// The reader's language.
    pub language: Language,
    /// Whether it is for a family; else for staff.
    pub family: bool,
    /// Whether it waits to be acknowledged.
    pub acknowledge: bool,
    /// Whether it speaks of what families ask.
    pub inquiries: bool,
}

/// The buttons below a message.
///
/// # Errors
/// [`WordsError`], which a test rules out.
pub(crate) fn buttons(
    words: &Words,
    reference: &str,
    below: Below,
) -> Result<Vec<Vec<Button>>, WordsError> {
    let button = |press: Press| {
        let (_, letter, name) = PRESSES
            .iter()
            .find(|(one, ..)| *one == press)
            .unwrap_or(&PRESSES[0]);
        Ok(Button {
            label: words.say(below.language, name, &Value::Null)?,
            data: format!("{MARK}.{reference}.{letter}"),
        })
    };
    let rows: &[&[Press]] = match (below.family, below.acknowledge, below.inquiries) {
        (true, true, _) => &[
            &[Press::Acknowledge],
            &[Press::Question, Press::Mistake],
            &[Press::Settings],
        ],
        (true, false, _) => &[&[Press::Question, Press::Mistake], &[Press::Settings]],
        (false, _, true) => &[&[Press::Inquiries]],
        (false, _, false) => &[],
    };
    rows.iter()
        .map(|row| row.iter().map(|press| button(*press)).collect())
        .collect()
}

/// The message that a button was pressed below, and what was asked for; none for any other button.
pub(crate) fn read(data: &str) -> Option<(&str, Press)> {
    let (reference, letter) = data
        .strip_prefix(MARK)?
        .strip_prefix('.')?
        .split_once('.')?;
    let (press, ..) = PRESSES.iter().find(|(_, one, _)| *one == letter)?;
    Some((reference, *press))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pressed_is_read_and_fits_into_64_bytes() {
        let words = Words::embedded().expect("sentences");
        let below = Below {
            family: true,
            acknowledge: true,
            ..Below::default()
        };
        let rows = buttons(&words, "7XK2M4QZ9R3TB6WA", below).expect("buttons");
        let data = &rows[0][0].data;
        assert!(rows.iter().flatten().all(|one| one.data.len() <= 64));
        assert_eq!(read(data), Some(("7XK2M4QZ9R3TB6WA", Press::Acknowledge)));
        for other in ["", "m", "m.", "m.x", "m.x.y", "7XK2M4QZ9R3TB6WA.0"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
