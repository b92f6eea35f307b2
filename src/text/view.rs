//! What templates see of a letter: plain values under the names that `fields` lists, cleaned of
//! everything that could break out of its place.

use serde_json::{Value, json};

use super::{Item, Language, Letter, Occasion, StudentNews, TemplateError};
use crate::{family::preference::Event, journal::cell::News};

/// How much of a free text an SMS and a messenger carry; the whole stands in mails and on the sheet.
const LONGEST: [usize; 2] = [200, 3_000];

/// How many words of it an SMS carries, so that one fact never has more than operators know of a child.
const VALUE_WORDS: usize = 35;

/// How many words of a student's name an SMS carries.
const NAME_WORDS: usize = 4;

/// One of the texts that make up a message, by the file name of its templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Sms,
    Subject,
    Plain,
    Html,
    Messenger,
    /// That a messenger which may carry no personal data says only that there is something new.
    Ping,
}

impl Part {
    /// The file of its frame.
    pub(super) fn frame(self) -> &'static str {
        match self {
            Self::Sms => "sms.hbs",
            Self::Subject => "email.subject.hbs",
            Self::Plain => "email.txt.hbs",
            Self::Html => "email.html.hbs",
            Self::Messenger => "telegram.hbs",
            Self::Ping => "telegram.ping.hbs",
        }
    }

    /// The file of its fragments in the folder of each event.
    pub(super) fn fragment(self) -> &'static str {
        match self {
            Self::Sms => "sms.hbs",
            Self::Html => "email.html.hbs",
            Self::Subject | Self::Plain | Self::Messenger | Self::Ping => "email.txt.hbs",
        }
    }

    /// A value as this part may contain it. HTML is escaped here and not by the template engine, so
    /// that no template can leave it out.
    pub(super) fn clean(self, value: &str) -> String {
        let bare = one_line(value);
        match self {
            Self::Html => handlebars::html_escape(&bare),
            Self::Sms => clipped(first_words(bare, VALUE_WORDS), LONGEST[0]),
            Self::Messenger | Self::Ping => clipped(bare, LONGEST[1]),
            Self::Subject | Self::Plain => bare,
        }
    }
}

/// What a fragment sees of one piece of news.
pub(super) fn item(part: Part, language: Language, item: &Item) -> Value {
    let (new, old) = match &item.news {
        News::Entered(new) => (Some(new), None),
        News::Corrected { old, new } => (Some(new), old.as_ref()),
        News::Withdrawn(old) => (None, old.as_ref()),
    };
    let clean = |value: &str| part.clean(value);
    json!({
        "subject": item.subject.as_deref().map(clean),
        "event": item.event.code(),
        "lesson": clean(&language.lesson(item, part == Part::Sms)),
        "date": item.date.to_string(),
        "new": new.map(|value| clean(value)),
        "old": old.map(|value| clean(value)),
        "work_kind": item.work_kind.as_deref().map(clean),
        "comment": item.comment.as_deref().map(clean),
        "short": item.short.as_deref().map(clean),
        "answers": (!item.answers.is_empty()).then(|| clean(&item.answers.join(" / "))),
        "files": item.files.as_deref().map(clean),
        "entered": item.entered.map(|day| day.to_string()),
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
            Part::Subject | Part::Ping => Vec::new(),
            _ => days(part, letter.language, student, &mut set)?,
        };
        students.push(json!({
            "name": named(part, letter.language, &student.name),
            "class": student.class.as_deref().map(clean),
            "count": student.items.len(),
            "week": week(part, student),
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
        "number": letter.number,
        "names": names,
        "students": students,
        "announcements": if part == Part::Ping { to_all(part, letter, &mut set)? } else { Vec::new() },
    }))
}

/// The name of a student. SMS have one of a few words, whoever is registered by more or by none: no other fits
/// the texts that operators know.
fn named(part: Part, language: Language, name: &str) -> String {
    let name = part.clean(name);
    match part {
        Part::Sms if name.is_empty() => language.somebody().to_owned(),
        Part::Sms => name
            .split(' ')
            .take(NAME_WORDS)
            .collect::<Vec<_>>()
            .join(" "),
        _ => name,
    }
}

/// The week as the printed sheet shows it, where a mail has it.
fn week(part: Part, student: &StudentNews) -> Value {
    let Some(sheet) = student
        .week
        .as_ref()
        .filter(|_| matches!(part, Part::Plain | Part::Html))
    else {
        return Value::Null;
    };
    let clean = |value: &String| part.clean(value);
    let subjects: Vec<Value> = sheet
        .subjects
        .iter()
        .map(|subject| {
            let marks: Vec<Value> = subject
                .marks
                .iter()
                .map(|mark| {
                    json!({
                        "value": clean(&mark.value),
                        "on": clean(&mark.day),
                        "kind": mark.kind.as_ref().map(clean),
                    })
                })
                .collect();
            json!({
                "subject": clean(&subject.name),
                "marks": marks,
                "average": subject.average.as_ref().map(clean),
                "missed": subject.missed,
                "late": subject.late,
            })
        })
        .collect();
    let homework: Vec<Value> = sheet
        .homework
        .iter()
        .map(|one| {
            json!({"due": clean(&one.due), "subject": clean(&one.subject), "text": clean(&one.text)})
        })
        .collect();
    json!({
        "summary": sheet.summary.iter().map(clean).collect::<Vec<_>>(),
        "subjects": subjects,
        "ahead": sheet.ahead.iter().map(clean).collect::<Vec<_>>(),
        "homework": homework,
    })
}

/// What the school says to all: it names no child, so that any messenger may carry it.
fn to_all(
    part: Part,
    letter: &Letter,
    set: &mut impl FnMut(&Item) -> Result<String, TemplateError>,
) -> Result<Vec<Value>, TemplateError> {
    let items = letter.students.iter().flat_map(|student| &student.items);
    items
        .filter(|item| matches!(item.event, Event::Urgent | Event::Announcement))
        .map(|item| {
            Ok(json!({
                "subject": part.clean(&letter.language.heading(item, false)),
                "text": set(item)?,
            }))
        })
        .collect()
}

/// The letter without names, and without the texts in which teachers may have written some.
pub(super) fn without_names(letter: &Letter) -> Letter {
    let mut letter = letter.clone();
    let language = letter.language;
    for student in &mut letter.students {
        language.somebody().clone_into(&mut student.name);
        for item in &mut student.items {
            item.comment = None;
            let free = matches!(
                item.event,
                Event::Remark | Event::Praise | Event::Appeal | Event::Achievement
            );
            if free && let News::Entered(text) | News::Corrected { new: text, .. } = &mut item.news
            {
                language.withheld().clone_into(text);
            }
        }
    }
    letter
}

/// The news by day, and within a day by subject and kind, so that an SMS says «рус 4 и 3». Subjects
/// keep the order in which the letter has them. Praise comes before everything, whatever its day.
fn days(
    part: Part,
    language: Language,
    student: &StudentNews,
    set: &mut impl FnMut(&Item) -> Result<String, TemplateError>,
) -> Result<Vec<Value>, TemplateError> {
    let short = part == Part::Sms;
    let mut items: Vec<(String, &Item)> = student
        .items
        .iter()
        .map(|item| (language.heading(item, short), item))
        .collect();
    let order: Vec<String> = items.iter().map(|(heading, _)| heading.clone()).collect();
    items.sort_by_cached_key(|(heading, item)| {
        let position = order.iter().position(|other| other == heading);
        // Marks stand by subject, a corrected one beside the others; all else by kind.
        let (kind, within) = match item.event {
            Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn => (Event::Mark, item.event),
            event => (event, event),
        };
        (!item.leads(), item.date, kind, position, within)
    });
    let mut days = Vec::new();
    for day in items.chunk_by(|(_, left), (_, right)| left.date == right.date) {
        let mut groups = Vec::new();
        for group in day.chunk_by(|(heading, left), (other, right)| {
            (heading, left.event) == (other, right.event)
        }) {
            let (heading, first) = &group[0];
            groups.push(json!({
                "subject": part.clean(heading),
                "event": first.event.code(),
                "items": group.iter().map(|(_, item)| set(item)).collect::<Result<Vec<_>, _>>()?,
            }));
        }
        let (_, first) = &day[0];
        days.push(json!({ "date": first.date.to_string(), "groups": groups }));
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

/// No more than `most` words of a text in one line.
fn first_words(text: String, most: usize) -> String {
    match text.match_indices(' ').nth(most - 1) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// No more than `most` characters, cut between words.
fn clipped(text: String, most: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(most) else {
        return text;
    };
    let cut = text[..end].rfind(' ').unwrap_or(end);
    format!("{}…", text[..cut].trim_end())
}

/// A text of several lines, each as [`one_line`], without empty ones.
pub(super) fn lines(text: &str) -> String {
    let lines = text.lines().map(one_line);
    lines
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

/// As [`lines`], with an empty line where there was one or were several.
pub(super) fn paragraphs(text: &str) -> String {
    let mut paragraphs: Vec<Vec<String>> = vec![Vec::new()];
    for line in text.lines().map(one_line) {
        match (line.is_empty(), paragraphs.last_mut()) {
            (true, _) => paragraphs.push(Vec::new()),
            (false, Some(last)) => last.push(line),
            (false, None) => {}
        }
    }
    paragraphs.retain(|lines| !lines.is_empty());
    let paragraphs: Vec<String> = paragraphs.iter().map(|lines| lines.join("\n")).collect();
    paragraphs.join("\n\n")
}

/// U+2028 and U+2029 need no mention: they are white space, which is folded anyway.
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
