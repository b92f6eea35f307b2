//! The words: from what is to be told to the text of a message.
//!
//! Per event and channel there is a fragment for one piece of news, and per channel a frame that
//! holds the fragments together. A school may replace any of them by a file of its own.

mod files;
mod samples;
mod words;

use std::{fmt, path::Path};

use chrono::NaiveDate;
use handlebars::{Handlebars, no_escape};
use serde_json::{Value, json};

use crate::{
    family::{contact::Channel, preference::Event},
    journal::cell::News,
};

/// All that one message says.
#[derive(Clone, PartialEq)]
pub struct Letter {
    /// Who writes.
    pub school: School,
    /// Why now.
    pub occasion: Occasion,
    /// Today in the school's zone.
    pub date: NaiveDate,
    /// The children, each with their news.
    pub students: Vec<StudentNews>,
}

/// The school, as texts name it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct School {
    /// «Школа № 12»
    pub name: String,
    /// «Школа 12», for SMS.
    pub short_name: String,
    /// Where to ask.
    pub phone: Option<String>,
}

/// Why a message is composed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// Something settled, and the family wants to hear at once.
    AtOnce,
    /// The day's digest.
    Daily,
    /// The week's digest.
    Weekly,
}

/// The news of one student.
#[derive(Clone, PartialEq, Eq)]
pub struct StudentNews {
    /// «Маша»: the name that texts use, in the nominative.
    pub name: String,
    /// «5Б»
    pub class: Option<String>,
    /// What is new.
    pub items: Vec<Item>,
}

/// One piece of news.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// «Русский язык», or its short name for SMS.
    pub subject: String,
    /// The date of the lesson.
    pub date: NaiveDate,
    /// What happened.
    pub news: News,
    /// «контрольная»
    pub work_kind: Option<String>,
    /// What the teacher added.
    pub comment: Option<String>,
}

/// The words of one message.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// The subject, on channels that show one.
    pub subject: Option<String>,
    /// The complete text.
    pub text: String,
    /// The same as HTML, on channels that show it.
    pub html: Option<String>,
}

/// Prints counts only: the words are about children.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: usize = self
            .students
            .iter()
            .map(|student| student.items.len())
            .sum();
        write!(f, "Letter({} students, {items} items)", self.students.len())
    }
}

/// Prints the length only.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} characters)", self.text.chars().count())
    }
}

/// What is wrong with a template, by its path below `templates/messages`.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The folder of the school's own templates cannot be read.
    #[error("templates.directory: {path} cannot be read: {source}")]
    Unreadable {
        /// The file or folder.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file that replaces nothing.
    #[error("template {name} is not one that vestnik uses; did you mean {nearest}?")]
    Unknown {
        /// The file.
        name: String,
        /// The known name nearest to it.
        nearest: String,
    },
    /// It does not parse, or uses a field that does not exist.
    #[error("template {name}: {problem}")]
    Broken {
        /// The file.
        name: String,
        /// Where and why.
        problem: String,
    },
    /// It parses, but what families have to hear is not in its text.
    #[error(
        "template {name} loses «{lost}» of its sample: the text must name the subject and each mark"
    )]
    Loses {
        /// The file.
        name: String,
        /// What its text should contain.
        lost: String,
    },
}

/// All templates, parsed and tried.
#[derive(Debug, Clone)]
pub struct Templates {
    registry: Handlebars<'static>,
}

impl Templates {
    /// The templates that come with the program.
    ///
    /// # Errors
    /// [`TemplateError`], which a test rules out.
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::load(None)
    }

    /// The templates that come with the program, those in `directory` replacing their namesakes.
    /// Each is rendered with its sample before anybody relies on it.
    ///
    /// # Errors
    /// [`TemplateError`] with the file and the remedy.
    pub fn load(directory: Option<&Path>) -> Result<Self, TemplateError> {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(no_escape);
        words::register(&mut registry);
        for (name, embedded) in files::TEMPLATES {
            let own = directory.map(|directory| directory.join(name));
            let source = match own.filter(|path| path.exists()) {
                Some(path) => std::fs::read_to_string(&path).map_err(|source| {
                    let path = path.display().to_string();
                    TemplateError::Unreadable { path, source }
                })?,
                None => (*embedded).to_owned(),
            };
            registry
                .register_template_string(name, source.trim_end())
                .map_err(|error| TemplateError::Broken {
                    name: (*name).to_owned(),
                    problem: error.to_string(),
                })?;
        }
        if let Some(directory) = directory {
            files::refuse_unknown(directory)?;
        }
        let templates = Self { registry };
        samples::try_all(&templates)?;
        Ok(templates)
    }

    /// Sets a letter in words for a channel.
    ///
    /// # Errors
    /// [`TemplateError::Broken`] where a school's own template fails on content that its sample did
    /// not have.
    pub fn render(&self, channel: Channel, letter: &Letter) -> Result<Text, TemplateError> {
        match channel {
            Channel::Email => Ok(Text {
                subject: Some(one_line(&self.frame("email.subject", letter, false)?)),
                text: self.frame("email.txt", letter, false)?,
                html: Some(self.frame("email.html", letter, true)?),
            }),
            Channel::Sms | Channel::Telegram | Channel::Paper => Ok(Text {
                subject: None,
                text: one_line(&self.frame("sms", letter, false)?),
                html: None,
            }),
        }
    }

    fn frame(&self, kind: &str, letter: &Letter, html: bool) -> Result<String, TemplateError> {
        let clean = |text: &str| {
            let bare = one_line(text);
            if html {
                handlebars::html_escape(&bare)
            } else {
                bare
            }
        };
        let mut students = Vec::new();
        for student in &letter.students {
            let mut lines = Vec::new();
            for item in &student.items {
                let data = item.data(&clean);
                lines.push(match kind {
                    "email.subject" => String::new(),
                    kind => self.set(&format!("{}/{kind}.hbs", item.event().code()), &data)?,
                });
            }
            students.push(json!({
                "name": clean(&student.name),
                "class": student.class.as_deref().map(clean),
                "items": lines,
                "count": lines.len(),
            }));
        }
        let data = json!({
            "school": clean(&letter.school.name),
            "short_school": clean(&letter.school.short_name),
            "phone": letter.school.phone.as_deref().map(clean),
            "occasion": match letter.occasion {
                Occasion::AtOnce => "at_once",
                Occasion::Daily => "daily",
                Occasion::Weekly => "weekly",
            },
            "date": letter.date.to_string(),
            "students": students,
            "names": letter.students.iter().map(|one| clean(&one.name)).collect::<Vec<_>>().join(", "),
        });
        self.set(&format!("frame/{kind}.hbs"), &data)
    }

    fn set(&self, name: &str, data: &Value) -> Result<String, TemplateError> {
        self.registry
            .render(name, data)
            .map_err(|error| TemplateError::Broken {
                name: name.to_owned(),
                problem: error.to_string(),
            })
    }
}

impl Item {
    /// The event whose fragment tells it.
    pub fn event(&self) -> Event {
        match self.news {
            News::Entered(_) => Event::Mark,
            News::Corrected { .. } => Event::MarkCorrected,
            News::Withdrawn(_) => Event::MarkWithdrawn,
        }
    }

    fn data(&self, clean: &impl Fn(&str) -> String) -> Value {
        let (new, old) = match &self.news {
            News::Entered(new) => (Some(new), None),
            News::Corrected { old, new } => (Some(new), old.as_ref()),
            News::Withdrawn(old) => (None, Some(old)),
        };
        json!({
            "subject": clean(&self.subject),
            "date": self.date.to_string(),
            "new": new.map(|value| clean(value)),
            "old": old.map(|value| clean(value)),
            "work_kind": self.work_kind.as_deref().map(clean),
            "comment": self.comment.as_deref().map(clean),
        })
    }
}

/// The text without line breaks and control characters: what a teacher typed must not make a second
/// message look like the school's, nor a header.
fn one_line(text: &str) -> String {
    let bare: String = text
        .chars()
        .map(|c| {
            if c.is_control() || c == '\u{2028}' || c == '\u{2029}' {
                ' '
            } else {
                c
            }
        })
        .collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, day).expect("a date")
    }

    fn item(subject: &str, news: News) -> Item {
        Item {
            subject: subject.into(),
            date: day(14),
            news,
            work_kind: None,
            comment: None,
        }
    }

    fn letter(students: Vec<StudentNews>) -> Letter {
        Letter {
            school: School {
                name: "Школа № 12".into(),
                short_name: "Школа 12".into(),
                phone: Some("(343) 215-40-12".into()),
            },
            occasion: Occasion::Daily,
            date: day(14),
            students,
        }
    }

    fn masha(items: Vec<Item>) -> StudentNews {
        StudentNews {
            name: "Маша".into(),
            class: Some("5Б".into()),
            items,
        }
    }

    fn sms(items: Vec<Item>) -> String {
        let templates = Templates::embedded().expect("templates");
        let letter = letter(vec![masha(items)]);
        templates
            .render(Channel::Sms, &letter)
            .expect("a text")
            .text
    }

    #[test]
    fn an_sms_says_what_happened_in_one_segment() {
        let corrected = News::Corrected {
            old: Some("3".into()),
            new: "4".into(),
        };
        for (news, expected) in [
            (News::Entered("5".into()), "Школа 12. Маша: матем 14.10 5"),
            (
                corrected,
                "Школа 12. Маша: матем 14.10 исправлено, не 3, а 4",
            ),
            (
                News::Corrected {
                    old: None,
                    new: "4".into(),
                },
                "Школа 12. Маша: матем 14.10 изменено, теперь 4",
            ),
            (
                News::Withdrawn("2".into()),
                "Школа 12. Маша: матем 14.10 снято 2",
            ),
        ] {
            let text = sms(vec![item("матем", news)]);
            assert_eq!(text, expected);
            assert!(text.encode_utf16().count() <= 70, "{text}");
        }
    }

    #[test]
    fn the_subject_of_a_mail_tells_a_lock_screen_nothing() {
        let templates = Templates::embedded().expect("templates");
        let news = item("Математика", News::Entered("2".into()));
        let mail = templates
            .render(Channel::Email, &letter(vec![masha(vec![news])]))
            .expect("a mail");
        let subject = mail.subject.expect("a subject");
        assert_eq!(subject, "Школа № 12: Маша, новое в дневнике за 14 октября");
        assert!(
            mail.text.contains("Математика, 14 октября: 2"),
            "{}",
            mail.text
        );
    }

    #[test]
    fn a_school_may_reword_but_not_lose_what_matters() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("mark")).expect("a folder");
        let path = folder.path().join("mark/sms.hbs");
        fs::write(&path, "{{subject}}: поставлено {{new}}").expect("a file");
        assert!(Templates::load(Some(folder.path())).is_ok());
        fs::write(&path, "{{subject}}: новая отметка").expect("a file");
        let error = Templates::load(Some(folder.path()))
            .expect_err("a loss")
            .to_string();
        assert!(error.contains("mark/sms.hbs loses"), "{error}");
        fs::write(&path, "{{subject}} {{teacher}}").expect("a file");
        let error = Templates::load(Some(folder.path()))
            .expect_err("an unknown field")
            .to_string();
        assert!(
            error.contains("mark/sms.hbs") && error.contains("teacher"),
            "{error}"
        );
        fs::rename(&path, folder.path().join("mark/smss.hbs")).expect("a rename");
        let error = Templates::load(Some(folder.path()))
            .expect_err("an unknown file")
            .to_string();
        assert!(error.contains("did you mean mark/sms.hbs"), "{error}");
    }

    proptest! {
        #[test]
        fn any_content_makes_a_text_that_names_it_and_breaks_nothing(
            name in ".{0,40}", subject in ".{0,40}", mark in "[^\\s\\p{C}]{1,5}", comment in ".{0,200}",
        ) {
            let templates = Templates::embedded().expect("templates");
            let one = Item { comment: Some(comment), ..item(&subject, News::Entered(mark.clone())) };
            let letter = letter(vec![StudentNews { name, class: None, items: vec![one] }]);
            let text = templates.render(Channel::Sms, &letter).expect("a text").text;
            prop_assert!(text.contains(&mark));
            prop_assert!(!text.chars().any(char::is_control));
            let mail = templates.render(Channel::Email, &letter).expect("a mail");
            prop_assert!(mail.text.contains(&mark));
            let html = mail.html.expect("html");
            let fixed = Item { comment: Some("x".into()), ..item("x", News::Entered("x".into())) };
            let fixed = Letter { students: vec![masha(vec![fixed])], ..letter };
            let fixed = templates.render(Channel::Email, &fixed).expect("a mail").html.expect("html");
            let tags = |html: &str| html.matches('<').count();
            prop_assert!(tags(&html) <= tags(&fixed), "data opens no tag");
        }
    }
}
