//! What templates see of a letter: plain values under the names that `fields` lists, cleaned of
//! everything that could break out of its place.

use serde_json::{Value, json};

use super::{Item, Letter, Occasion, StudentNews, TemplateError};
use crate::journal::cell::News;

/// One of the texts that make up a message, by the file name of its templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Sms,
    Subject,
    Plain,
    Html,
}

impl Part {
    /// The file name in each template folder.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Sms => "sms.hbs",
            Self::Subject => "email.subject.hbs",
            Self::Plain => "email.txt.hbs",
            Self::Html => "email.html.hbs",
        }
    }

    /// A value as this part may contain it. HTML is escaped here and not by the template engine, so
    /// that no template can leave it out.
    pub(super) fn clean(self, value: &str) -> String {
        let bare = one_line(value);
        match self {
            Self::Html => handlebars::html_escape(&bare),
            Self::Sms | Self::Subject | Self::Plain => bare,
        }
    }
}

/// What a fragment sees of one piece of news.
pub(super) fn item(part: Part, item: &Item) -> Value {
    let (new, old) = match &item.news {
        News::Entered(new) => (Some(new), None),
        News::Corrected { old, new } => (Some(new), old.as_ref()),
        News::Withdrawn(old) => (None, old.as_ref()),
    };
    let clean = |value: &str| part.clean(value);
    json!({
        "subject": clean(&item.subject),
        "date": item.date.to_string(),
        "new": new.map(|value| clean(value)),
        "old": old.map(|value| clean(value)),
        "work_kind": item.work_kind.as_deref().map(clean),
        "comment": item.comment.as_deref().map(clean),
    })
}

/// What a frame sees of the letter; `set` sets one piece of news in words. A subject line is given
/// no news at all, because lock screens show it.
pub(super) fn letter(
    part: Part,
    letter: &Letter,
    mut set: impl FnMut(&Item) -> Result<String, TemplateError>,
) -> Result<Value, TemplateError> {
    let clean = |value: &str| part.clean(value);
    let mut students = Vec::with_capacity(letter.students.len());
    for student in &letter.students {
        let days = match part {
            Part::Subject => Vec::new(),
            Part::Sms | Part::Plain | Part::Html => days(part, student, &mut set)?,
        };
        students.push(json!({
            "name": clean(&student.name),
            "class": student.class.as_deref().map(clean),
            "count": student.items.len(),
            "days": days,
        }));
    }
    let mut names: Vec<String> = Vec::new();
    for student in &letter.students {
        let name = clean(&student.name);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(json!({
        "school": clean(&letter.school.name),
        "short_school": clean(&letter.school.short_name),
        "phone": letter.school.phone.as_deref().map(clean),
        "occasion": match letter.occasion {
            Occasion::AtOnce => "at_once",
            Occasion::Daily => "daily",
            Occasion::Weekly => "weekly",
        },
        "date": letter.date.to_string(),
        "names": names,
        "students": students,
    }))
}

/// The news by day, and within a day by subject and kind, so that an SMS says «рус 4 и 3». Subjects
/// keep the order in which the letter has them.
fn days(
    part: Part,
    student: &StudentNews,
    set: &mut impl FnMut(&Item) -> Result<String, TemplateError>,
) -> Result<Vec<Value>, TemplateError> {
    let mut items: Vec<&Item> = student.items.iter().collect();
    let position = |item: &Item| {
        let same = |other: &Item| other.subject == item.subject;
        student.items.iter().position(same)
    };
    items.sort_by_cached_key(|item| (item.date, position(item), item.event()));
    let mut days = Vec::new();
    for day in items.chunk_by(|left, right| left.date == right.date) {
        let mut groups = Vec::new();
        for group in day.chunk_by(|left, right| {
            (&left.subject, left.event()) == (&right.subject, right.event())
        }) {
            groups.push(json!({
                "subject": part.clean(&group[0].subject),
                "event": group[0].event().code(),
                "items": group.iter().map(|item| set(item)).collect::<Result<Vec<_>, _>>()?,
            }));
        }
        days.push(json!({ "date": day[0].date.to_string(), "groups": groups }));
    }
    Ok(days)
}

/// A value on one line, without control characters and the marks that turn the direction of
/// writing: what somebody typed must not look like a second message, nor become a header.
pub(super) fn one_line(text: &str) -> String {
    let bare: String = text
        .chars()
        .filter(|c| !turns_direction(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text of several lines, each as [`one_line`], without empty ones.
pub(super) fn lines(text: &str) -> String {
    let lines = text.lines().map(one_line);
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// U+2028 and U+2029 need no mention: they are white space, which is folded anyway.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
