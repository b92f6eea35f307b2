//! Tries every template before anybody relies on it: first with its sample, then with words that
//! no template can contain by chance, to see that none of them is lost.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;

use super::{
    Item, Language, Letter, Occasion, School, StudentNews, TemplateError, Templates,
    view::{self, Part},
};
use crate::{family::preference::Event, journal::cell::News};

/// All texts of all channels.
const PARTS: [Part; 6] = [
    Part::Sms,
    Part::Subject,
    Part::Plain,
    Part::Html,
    Part::Messenger,
    Part::Ping,
];

/// A letter as a sample file writes it. Its pieces of news are all of the folder's event.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    school: SampleSchool,
    occasion: SampleOccasion,
    date: NaiveDate,
    students: Vec<SampleStudent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleSchool {
    pub(super) name: String,
    pub(super) short_name: String,
    pub(super) phone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum SampleOccasion {
    AtOnce,
    Daily,
    Weekly,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleStudent {
    name: String,
    class: Option<String>,
    items: Vec<SampleItem>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleItem {
    subject: Option<String>,
    date: NaiveDate,
    number: Option<i64>,
    title: Option<String>,
    term: Option<(String, i64)>,
    old: Option<String>,
    new: Option<String>,
    work_kind: Option<String>,
    comment: Option<String>,
    short: Option<String>,
    #[serde(default)]
    answers: Vec<String>,
    files: Option<String>,
    entered: Option<NaiveDate>,
}

/// Reads the sample of an event.
///
/// # Errors
/// [`TemplateError::Broken`] with the line and the reason.
pub(super) fn read(event: Event, name: &str, source: &str) -> Result<Letter, TemplateError> {
    let broken = |line, problem| TemplateError::Broken {
        name: name.to_owned(),
        line,
        problem,
    };
    let sample: Sample =
        serde_json::from_str(source).map_err(|error| broken(error.line(), error.to_string()))?;
    let mut students = Vec::new();
    for student in sample.students {
        let items = student.items.into_iter().map(|item| item.read(event));
        students.push(StudentNews {
            id: 0,
            week: None,
            name: student.name,
            class: student.class,
            items: items
                .collect::<Result<_, _>>()
                .map_err(|problem| broken(1, problem))?,
        });
    }
    if students.iter().all(|student| student.items.is_empty()) {
        return Err(broken(1, "a sample needs at least one item".to_owned()));
    }
    Ok(Letter {
        school: School {
            name: sample.school.name,
            short_name: sample.school.short_name,
            phone: sample.school.phone,
        },
        occasion: match sample.occasion {
            SampleOccasion::AtOnce => Occasion::AtOnce,
            SampleOccasion::Daily => Occasion::Daily,
            SampleOccasion::Weekly => Occasion::Weekly,
        },
        date: sample.date,
        language: Language::Russian,
        number: matches!(sample.occasion, SampleOccasion::Weekly).then_some(6),
        students,
    })
}

impl SampleItem {
    fn read(self, event: Event) -> Result<Item, String> {
        let needs = |field: &str| {
            let code = event.code();
            format!("each item of a {code} sample needs «{field}»")
        };
        if names_subject(event) && self.subject.is_none() {
            return Err(needs("subject"));
        }
        let news = match (event, self.old, self.new) {
            (Event::Mark | Event::MarkCorrected, _, None) => return Err(needs("new")),
            (Event::MarkCorrected, old, Some(new)) => News::Corrected { old, new },
            (Event::MarkWithdrawn, old, _) | (_, old, None) => News::Withdrawn(old),
            (Event::Mark, _, Some(new)) | (_, None, Some(new)) => News::Entered(new),
            (_, old, Some(new)) => News::Corrected { old, new },
        };
        Ok(Item {
            event,
            subject: self.subject,
            date: self.date,
            number: self.number,
            title: self.title,
            term: self.term,
            news,
            work_kind: self.work_kind,
            comment: self.comment,
            short: self.short,
            answers: self.answers,
            files: self.files,
            entered: self.entered,
        })
    }
}

/// Whether news of this event always has a subject.
fn names_subject(event: Event) -> bool {
    use Event as E;
    matches!(
        event,
        E::Mark
            | E::MarkCorrected
            | E::MarkWithdrawn
            | E::Homework
            | E::Forecast
            | E::Preliminary
            | E::TermResult
            | E::Exam
            | E::Test
    )
}

/// Whether a text must quote what was right before: a family may have drawn its conclusions from it.
fn quotes_old(event: Event) -> bool {
    use Event as E;
    matches!(
        event,
        E::MarkCorrected
            | E::MarkWithdrawn
            | E::Forecast
            | E::Preliminary
            | E::TermResult
            | E::Exam
    )
}

/// Whether an SMS keeps the text to itself: phones lie on tables.
fn keeps_text(event: Event, part: Part) -> bool {
    part == Part::Sms && matches!(event, Event::Remark | Event::Appeal)
}

/// Renders the sample of each event, as it stands and without all that may be absent, and looks for
/// what must not be lost.
///
/// # Errors
/// [`TemplateError`] with the file to mend.
pub(super) fn try_all(
    templates: &Templates,
    files: &BTreeMap<&'static str, String>,
) -> Result<(), TemplateError> {
    templates.try_staff(files.get("staff/sample.json").map_or("", String::as_str))?;
    for &event in Event::ALL {
        let name = format!("{}/sample.json", event.code());
        let full = read(
            event,
            &name,
            files.get(name.as_str()).map_or("", String::as_str),
        )?;
        let occasions = [Occasion::AtOnce, Occasion::Daily, Occasion::Weekly];
        let ways = Language::ALL.map(|language| occasions.map(|occasion| (language, occasion)));
        for (language, occasion) in ways.into_iter().flatten() {
            let mut full = Letter {
                language,
                occasion,
                ..full.clone()
            };
            if occasion == Occasion::Weekly {
                for student in &mut full.students {
                    student.week = vestnik_sheet::sample().sheets.into_iter().next();
                }
            }
            for letter in [bare(full.clone()), full] {
                for part in PARTS {
                    templates.part(part, &letter)?;
                    loses_nothing(templates, part, &marked(letter.clone()))?;
                }
            }
        }
    }
    Ok(())
}

/// The letter without anything that may be absent.
pub(super) fn bare(mut letter: Letter) -> Letter {
    letter.school.phone = None;
    for student in &mut letter.students {
        student.class = None;
        student.week = None;
        for item in &mut student.items {
            item.work_kind = None;
            item.comment = None;
            item.short = None;
            item.answers.clear();
            item.files = None;
            item.entered = None;
            item.title = None;
            item.number = None;
            item.term = None;
            if !names_subject(item.event) {
                item.subject = None;
            }
            if let News::Corrected { old, .. } | News::Withdrawn(old) = &mut item.news {
                *old = None;
            }
        }
    }
    letter
}

/// The letter with words of its own for all that must not be lost: in «14.10: 4» nobody can tell
/// whether the mark is there.
fn marked(mut letter: Letter) -> Letter {
    let mut words: Vec<(bool, String)> = Vec::new();
    // Equal subjects stay equal, so that a frame is tried with two marks in one subject.
    let mut mark = |field: &mut String, shared: bool| {
        let word = (shared, field.clone());
        let known = words.iter().position(|other| shared && *other == word);
        let number = known.unwrap_or(words.len());
        words.push(word);
        *field = format!("⟦{number}⟧");
    };
    for student in &mut letter.students {
        mark(&mut student.name, false);
        for item in &mut student.items {
            if let Some(subject) = &mut item.subject {
                mark(subject, true);
            }
            item.short = None;
            match &mut item.news {
                News::Entered(value) | News::Withdrawn(Some(value)) => mark(value, false),
                News::Withdrawn(None) => {}
                News::Corrected { old, new } => {
                    if let Some(old) = old {
                        mark(old, false);
                    }
                    mark(new, false);
                }
            }
        }
    }
    letter
}

/// Looks for the marked words: the marks in the fragments, everything in the frame. A subject line
/// names no marks, but must not be empty.
fn loses_nothing(templates: &Templates, part: Part, letter: &Letter) -> Result<(), TemplateError> {
    let language = letter.language;
    let frame = language.file(&format!("frame/{}", part.frame()));
    let whole = templates.part(part, letter)?;
    if part == Part::Subject {
        return if view::one_line(&whole).is_empty() {
            Err(TemplateError::Broken {
                name: frame,
                line: 1,
                problem: "the subject is empty".to_owned(),
            })
        } else {
            Ok(())
        };
    }
    if part == Part::Ping {
        return Ok(());
    }
    let kept = |name: &str, text: &str, what: &[(&'static str, &str)]| match what
        .iter()
        .find(|(_, word)| !text.contains(word))
    {
        None => Ok(()),
        Some((field, _)) => Err(TemplateError::Loses {
            name: name.to_owned(),
            field,
        }),
    };
    for student in &letter.students {
        kept(&frame, &whole, &[("name", &student.name)])?;
        for item in &student.items {
            let (new, old) = match &item.news {
                News::Entered(new) => (Some(new), None),
                News::Corrected { old, new } => (Some(new), old.as_ref()),
                News::Withdrawn(old) => (None, old.as_ref()),
            };
            let new = new.filter(|_| !keeps_text(item.event, part));
            let old = old.filter(|_| quotes_old(item.event));
            let marks: Vec<(&str, &str)> = old
                .map(|old| ("old", old.as_str()))
                .into_iter()
                .chain(new.map(|new| ("new", new.as_str())))
                .collect();
            let fragment = language.file(&templates.fragment_of(part, language, item.event));
            kept(
                &fragment,
                &templates.fragment(part, language, item)?,
                &marks,
            )?;
            if let Some(subject) = item.subject.as_deref() {
                kept(&frame, &whole, &[("subject", subject)])?;
            }
            let marks: Vec<_> = marks.iter().map(|(_, word)| ("items", *word)).collect();
            kept(&frame, &whole, &marks)?;
        }
    }
    Ok(())
}
