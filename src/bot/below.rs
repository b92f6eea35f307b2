//! What can be pressed below a message that the engine sends.
//!
//! Such a button holds the message's reference, 80 random bits, and a letter: whoever presses it is asked
//! again whether the message was theirs.

use serde_json::{Value, json};
use vestnik_contract::Button;

use super::{Words, WordsError};
use crate::{
    store::{Attached, Poll},
    text::Language,
};

/// What the data of such a button begins with; names of screens have no such letter alone.
const MARK: &str = "m";

/// How many of the questions, or files, of one message have buttons; nobody sends more at once.
const MOST: usize = 9;

/// How many letters two answers may have to stand in one row.
const IN_ROW: usize = 24;

/// How much of a question stands on a button.
const SHORT: usize = 30;

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
    /// To answer a question of the message, by its place from 1.
    Poll(usize),
    /// This answer to it, from 1.
    Answer(usize, usize),
    /// A file that comes with the message, by its place from 1.
    File(usize),
}

const PRESSES: [(Press, &str, &str); 5] = [
    (Press::Acknowledge, "a", "parent.acknowledge_button"),
    (Press::Question, "q", "parent.question_button"),
    (Press::Mistake, "e", "parent.mistake_button"),
    (Press::Settings, "s", "parent.settings_button"),
    (Press::Inquiries, "i", "teacher.inquiries_button"),
];

/// What a message is to its reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Below {
    /// The reader's language.
    pub language: Language,
    /// Whether it is for a family; else for staff.
    pub family: bool,
    /// Whether it waits to be acknowledged.
    pub acknowledge: bool,
    /// Whether it speaks of what families ask.
    pub inquiries: bool,
    /// What it asks.
    pub polls: Vec<Poll>,
    /// What comes with it.
    pub files: Vec<Attached>,
}

/// The buttons below a message.
///
/// # Errors
/// [`WordsError`], which a test rules out.
pub(crate) fn buttons(
    words: &Words,
    reference: &str,
    below: &Below,
) -> Result<Vec<Vec<Button>>, WordsError> {
    let button = |press: Press| {
        let (_, _, name) = PRESSES
            .iter()
            .find(|(one, ..)| *one == press)
            .unwrap_or(&PRESSES[0]);
        Ok(Button {
            label: words.say(below.language, name, &Value::Null)?,
            data: data(reference, press),
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
    let mut all = special(words, reference, below)?;
    for row in rows {
        all.push(
            row.iter()
                .map(|press| button(*press))
                .collect::<Result<_, _>>()?,
        );
    }
    Ok(all)
}

/// The buttons of what a message asks, and of what comes with it.
///
/// # Errors
/// [`WordsError`], which a test rules out.
pub(crate) fn special(
    words: &Words,
    reference: &str,
    below: &Below,
) -> Result<Vec<Vec<Button>>, WordsError> {
    let mut rows = Vec::new();
    match &below.polls[..] {
        [] => {}
        [poll] => {
            let answer = |(at, label): (usize, &String)| Button {
                label: label.clone(),
                data: data(reference, Press::Answer(1, at)),
            };
            let answers: Vec<Button> = (1..).zip(&poll.answers).map(answer).collect();
            rows.extend(in_rows(answers, |one| &one.label));
        }
        polls => {
            for (at, poll) in (1..=MOST).zip(polls) {
                let label = words.say(
                    below.language,
                    "parent.answer_button",
                    &json!({ "question": shortened(&poll.question) }),
                )?;
                let data = data(reference, Press::Poll(at));
                rows.push(vec![Button { label, data }]);
            }
        }
    }
    for (at, file) in (1..=MOST).zip(&below.files) {
        let label = words.say(
            below.language,
            "parent.file_button",
            &json!({ "name": shortened(&file.name) }),
        )?;
        let data = data(reference, Press::File(at));
        rows.push(vec![Button { label, data }]);
    }
    Ok(rows)
}

/// Short answers stand two in a row, long ones alone.
pub(crate) fn in_rows<T>(answers: Vec<T>, label: impl Fn(&T) -> &str) -> Vec<Vec<T>> {
    let mut rows: Vec<Vec<T>> = Vec::new();
    for answer in answers {
        let length = |one: &T| label(one).chars().count();
        match rows.last_mut() {
            Some(row) if row.len() == 1 && length(&row[0]) + length(&answer) <= IN_ROW => {
                row.push(answer);
            }
            _ => rows.push(vec![answer]),
        }
    }
    rows
}

/// The beginning of a text, as long as a button is wide.
pub(crate) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= SHORT {
        return line.to_owned();
    }
    let cut: String = line.chars().take(SHORT - 1).collect();
    format!("{}…", cut.trim_end())
}

/// The data of a button.
fn data(reference: &str, press: Press) -> String {
    let code = match press {
        Press::Poll(at) => at.to_string(),
        Press::Answer(poll, answer) => format!("{poll}{answer}"),
        Press::File(at) => format!("f{at}"),
        press => {
            let known = PRESSES.iter().find(|(one, ..)| *one == press);
            known.map_or("", |(_, letter, _)| letter).to_owned()
        }
    };
    format!("{MARK}.{reference}.{code}")
}

/// The message that a button was pressed below, and what was asked for; none for any other button.
pub(crate) fn read(data: &str) -> Option<(&str, Press)> {
    let (reference, code) = data
        .strip_prefix(MARK)?
        .strip_prefix('.')?
        .split_once('.')?;
    let digit = |byte: u8| char::from(byte).to_digit(10).filter(|digit| *digit > 0);
    let place = |byte: u8| usize::try_from(digit(byte)?).ok();
    let press = match code.as_bytes() {
        [b'f', at] => Press::File(place(*at)?),
        [at] if at.is_ascii_digit() => Press::Poll(place(*at)?),
        [poll, answer] if poll.is_ascii_digit() => Press::Answer(place(*poll)?, place(*answer)?),
        _ => PRESSES.iter().find(|(_, one, _)| *one == code)?.0,
    };
    Some((reference, press))
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
        let rows = buttons(&words, "7XK2M4QZ9R3TB6WA", &below).expect("buttons");
        let data = &rows[0][0].data;
        assert!(rows.iter().flatten().all(|one| one.data.len() <= 64));
        assert_eq!(read(data), Some(("7XK2M4QZ9R3TB6WA", Press::Acknowledge)));
        for other in [
            "",
            "m",
            "m.",
            "m.x",
            "m.x.y",
            "m.x.0",
            "m.x.10",
            "m.x.f0",
            "m.x.1я",
            "7XK2M4QZ9R3TB6WA.0",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn one_question_is_answered_below_it_and_several_are_asked_one_by_one() {
        let words = Words::embedded().expect("sentences");
        let poll = |id, question: &str| Poll {
            announcement_id: id,
            question: question.into(),
            answers: ["едем", "не едем", "ещё не знаем, скажем до пятницы"]
                .map(String::from)
                .into(),
        };
        let mut below = Below {
            polls: vec![poll(1, "Кто едет в театр?")],
            files: vec![Attached {
                id: 5,
                name: "афиша.jpg".into(),
            }],
            ..Below::default()
        };
        let shown = |below: &Below| -> Vec<Vec<(String, Press)>> {
            let rows = special(&words, "REF", below).expect("buttons");
            let read = |one: Button| (one.label, read(&one.data).expect("a press").1);
            rows.into_iter()
                .map(|row| row.into_iter().map(read).collect())
                .collect()
        };
        let file = vec![("Файл: афиша.jpg".to_owned(), Press::File(1))];
        assert_eq!(
            shown(&below),
            [
                vec![
                    ("едем".into(), Press::Answer(1, 1)),
                    ("не едем".into(), Press::Answer(1, 2))
                ],
                vec![(
                    "ещё не знаем, скажем до пятницы".into(),
                    Press::Answer(1, 3)
                )],
                file.clone(),
            ]
        );
        below
            .polls
            .push(poll(2, "Нужны ли автобусные билеты на обратную дорогу?"));
        assert_eq!(
            shown(&below),
            [
                vec![("Ответить: Кто едет в театр?".into(), Press::Poll(1))],
                vec![(
                    "Ответить: Нужны ли автобусные билеты на…".into(),
                    Press::Poll(2)
                )],
                file,
            ]
        );
    }
}
