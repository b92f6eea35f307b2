//! Texts that a checker can read: the product's own templates, each with a code beside its words.
//!
//! The school of the simulator replaces every template by itself plus `⟦…⟧`, which any school may do.
//! The words stay, so that lengths are real once the codes are taken out.

use std::{fs, path::Path};

use chrono::{Datelike, NaiveDate};

/// The events whose fragments say what happened to a place in the journal.
const CODED: [&str; 14] = [
    "absence",
    "announcement",
    "appeal",
    "attendance_corrected",
    "homework",
    "lateness",
    "mark",
    "mark_corrected",
    "mark_withdrawn",
    "praise",
    "remark",
    "service",
    "term_result",
    "urgent",
];

/// What one text says of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The student's number.
    pub(crate) student: i64,
    /// The place, as [`crate::journal`] names it.
    pub(crate) key: String,
    /// What stood there, where the text says it.
    pub(crate) old: Option<String>,
    /// What stands there; none for a withdrawal.
    pub(crate) new: Option<String>,
    /// Whether it may come at night.
    pub(crate) urgent: bool,
}

/// Writes the school's own templates into a folder.
pub(crate) fn write_templates(folder: &Path) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/messages");
    for event in CODED {
        for file in ["sms.hbs", "email.txt.hbs"] {
            let path = source.join(event).join(file);
            if !path.exists() {
                continue;
            }
            let words = fs::read_to_string(&path).unwrap();
            let code = format!(
                "⟦{event}|{{{{#if subject}}}}{{{{subject}}}}{{{{/if}}}}|{{{{date}}}}|{{{{lesson}}}}|\
                 {{{{#if old}}}}{{{{old}}}}{{{{/if}}}}|{{{{#if new}}}}{{{{new}}}}{{{{/if}}}}⟧"
            );
            fs::create_dir_all(folder.join(event)).unwrap();
            fs::write(
                folder.join(event).join(file),
                format!("{}{code}", words.trim_end()),
            )
            .unwrap();
        }
    }
    fs::create_dir_all(folder.join("frame")).unwrap();
    for file in ["sms.hbs", "email.txt.hbs", "telegram.hbs"] {
        let words = fs::read_to_string(source.join("frame").join(file)).unwrap();
        let coded = words
            .replace("{{#each students}}", "{{#each students}}⟦@{{name}}⟧")
            .replace("{{#each groups}}", "{{#each groups}}⟦#{{subject}}⟧");
        fs::write(folder.join("frame").join(file), coded).unwrap();
    }
}

/// The codes in a text, in their order.
fn codes(text: &str) -> Vec<&str> {
    text.split('⟦')
        .skip(1)
        .filter_map(|part| part.split('⟧').next())
        .collect()
}

/// The words that a family sees.
pub(crate) fn without_codes(text: &str) -> String {
    let mut bare = String::new();
    for (at, part) in text.split('⟦').enumerate() {
        let rest = if at == 0 {
            part
        } else {
            part.split_once('⟧').map_or("", |(_, rest)| rest)
        };
        bare.push_str(rest);
    }
    bare
}

/// The first number in a text.
pub(crate) fn number(text: &str) -> i64 {
    let digits: String = text
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(0)
}

/// What a message says.
pub(crate) fn read(text: &str) -> Vec<Told> {
    let (mut student, mut heading) = (0, "");
    let mut told = Vec::new();
    for code in codes(text) {
        if let Some(name) = code.strip_prefix('@') {
            student = number(name);
        } else if let Some(name) = code.strip_prefix('#') {
            heading = name;
        } else {
            told.extend(one(student, heading, code));
        }
    }
    told
}

/// What a sentence of a sheet says.
pub(crate) fn read_sentence(student: i64, sentence: &str) -> Vec<Told> {
    codes(sentence)
        .into_iter()
        .filter_map(|code| one(student, sentence, code))
        .collect()
}

fn one(student: i64, heading: &str, code: &str) -> Option<Told> {
    let parts: Vec<&str> = code.split('|').collect();
    let [event, subject, date, lesson, old, new] = parts[..] else {
        return None;
    };
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (old, new) = (some(old), some(new));
    let text = new.as_deref().or(old.as_deref()).unwrap_or_default();
    let key = match event {
        "mark" | "mark_corrected" | "mark_withdrawn" => format!("mark/{}/{date}", number(subject)),
        "absence" | "lateness" | "attendance_corrected" => {
            format!("attendance/{date}/{}", number(lesson))
        }
        "homework" => format!("homework/{}/{date}", number(subject)),
        "remark" | "praise" | "appeal" => format!("remark/{date}/{event}"),
        "term_result" => format!("term_result/{}/{}", number(subject), number(heading)),
        "announcement" | "urgent" => format!("announcement/{}", number(text)),
        "service" => format!("service/{text}"),
        _ => return None,
    };
    Some(Told {
        student,
        key,
        old,
        new,
        urgent: event == "urgent",
    })
}

/// The date of «14.10», near another day.
pub(crate) fn near(day_month: &str, near: NaiveDate) -> Option<NaiveDate> {
    let (day, month) = day_month.split_once('.')?;
    let (day, month) = (
        u32::try_from(number(day)).ok()?,
        u32::try_from(number(month)).ok()?,
    );
    [near.year() - 1, near.year(), near.year() + 1]
        .into_iter()
        .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
        .min_by_key(|date| (*date - near).num_days().abs())
}
