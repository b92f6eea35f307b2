//! The words: from what is to be told to the text of a message.
//!
//! Per event and channel there is a fragment for one piece of news: what happened to a mark. Per
//! channel there is a frame that says whose it is, in which subject and when, and holds the
//! fragments together. A school may replace any of them by a file of its own.

pub mod calendar;
mod english;
mod fields;
mod files;
mod language;
mod samples;
mod skeleton;
mod staff;
mod subjects;
#[cfg(test)]
mod tests;
mod transliterate;
mod view;
pub(crate) mod words;

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use chrono::NaiveDate;
use handlebars::{Handlebars, RenderErrorReason, no_escape};
use serde_json::Value;
use vestnik_sheet::Sheet;

pub use language::{Frame, Language};
pub use skeleton::{CHILDREN, Homeless, MATTERS, Skeleton, WORDS, homeless, skeletons};
pub use staff::{Matter, StaffNews};
pub use subjects::abbreviation;
pub(crate) use transliterate::in_letters;
pub use transliterate::transliterated;
use view::Part;

use crate::{
    family::{contact::Channel, preference::Event},
    journal::cell::News,
};

/// All that one message says.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// Who writes.
    pub school: School,
    /// The language of what stands around the news.
    pub language: Language,
    /// Why now.
    pub occasion: Occasion,
    /// Today in the school's zone.
    pub date: NaiveDate,
    /// «сводка № 6»: which week of the school year the week's digest is about.
    pub number: Option<u32>,
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
    /// `student.id`
    pub id: i64,
    /// «Маша»: the name that texts use, in the nominative.
    pub name: String,
    /// «5Б»
    pub class: Option<String>,
    /// What is new, the subjects in the order in which they are to be told.
    pub items: Vec<Item>,
    /// The week as the printed sheet shows it, in the week's mail.
    pub week: Option<Sheet>,
}

/// One piece of news.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is told as.
    pub event: Event,
    /// «Русский язык», or its short name for SMS; none where no subject is meant or known.
    pub subject: Option<String>,
    /// The day that it is about.
    pub date: NaiveDate,
    /// The number of the lesson, where attendance or the timetable is meant.
    pub number: Option<i64>,
    /// The title of an announcement.
    pub title: Option<String>,
    /// The term of a result: its kind by the codes of `term.kind`, and its number.
    pub term: Option<(String, i64)>,
    /// What happened, in the values of [`crate::journal::entry::Entry`].
    pub news: News,
    /// «контрольная»
    pub work_kind: Option<String>,
    /// What the teacher added, or who stands in.
    pub comment: Option<String>,
    /// The text of an announcement in fewer words.
    pub short: Option<String>,
    /// What families can answer, where an announcement asks something.
    pub answers: Vec<String>,
    /// The names of the files that come with an announcement.
    pub files: Option<String>,
    /// When a mark was entered, where that was more than a day after its work.
    pub entered: Option<NaiveDate>,
}

impl Item {
    /// Whether it stands before all else that is told of a student: praise is read first, or not at all.
    pub fn leads(&self) -> bool {
        matches!(self.event, Event::Praise | Event::Achievement)
            && !matches!(self.news, News::Withdrawn(_))
    }
}

/// How much of the content a messenger may carry (design §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContentLevel {
    /// Everything.
    Full,
    /// Everything but names, comments and remarks.
    NoNames,
    /// That there is something new, and what the school says to all.
    #[default]
    Ping,
}

impl ContentLevel {
    /// The level with this name of `channels.telegram.content`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "full" => Some(Self::Full),
            "no_names" => Some(Self::NoNames),
            "ping" => Some(Self::Ping),
            _ => None,
        }
    }
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

/// Prints counts only.
impl fmt::Debug for StudentNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StudentNews({} items)", self.items.len())
    }
}

/// Prints the event only.
impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({})", self.event.code())
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
    /// It does not parse, or names a field or helper that does not exist.
    #[error("template {name}, line {line}: {problem}")]
    Broken {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// Why, and what would be right. It quotes the template, never a letter.
        problem: String,
    },
    /// It parses, but what families have to hear is not in its text.
    #[error(
        "template {name}: {{{{{field}}}}} of the sample is missing in the text. Whatever the words, \
         each message names the student, the subject and the mark, and a correction the old one too"
    )]
    Loses {
        /// The file.
        name: String,
        /// The field that should be in its text.
        field: &'static str,
    },
}

/// All templates, parsed and tried.
#[derive(Clone)]
pub struct Templates {
    registries: Arc<BTreeMap<Language, Handlebars<'static>>>,
}

/// Prints the number of templates: their parsed content fills pages.
impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self
            .registries
            .values()
            .map(|one| one.get_templates().len())
            .sum();
        write!(f, "Templates({count})")
    }
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
        let files = files::read(directory)?;
        let mut registries: BTreeMap<Language, Handlebars<'static>> = BTreeMap::new();
        for (file, source) in &files {
            if Path::new(file).extension().is_none_or(|end| end != "hbs") {
                continue;
            }
            let (language, name) = Language::of_file(file);
            let registry = registries.entry(language).or_insert_with(|| {
                let mut registry = Handlebars::new();
                registry.set_strict_mode(true);
                // Values come escaped from `view`, and fragments must not be escaped a second time.
                registry.register_escape_fn(no_escape);
                language.register(&mut registry);
                registry
            });
            registry
                .register_template_string(name, source.trim_end())
                .map_err(|error| TemplateError::Broken {
                    name: (*file).to_owned(),
                    line: error.pos().map_or(1, |(line, _)| line),
                    problem: error.reason().to_string(),
                })?;
            if let Some(template) = registry.get_template(name) {
                fields::check(file, name, template)?;
            }
        }
        let templates = Self {
            registries: Arc::new(registries),
        };
        samples::try_all(&templates, &files)?;
        Ok(templates)
    }

    /// Sets a letter in words for a channel; `level` is what a messenger may carry. The sheet has a
    /// layout of its own and takes its sentences from [`Templates::sentence`].
    ///
    /// # Errors
    /// [`TemplateError::Broken`] where a school's own template fails on content that its sample did
    /// not have.
    pub fn render(
        &self,
        channel: Channel,
        level: ContentLevel,
        letter: &Letter,
    ) -> Result<Text, TemplateError> {
        let plain = |text: String| Text {
            subject: None,
            text: view::lines(&text),
            html: None,
        };
        let spaced = |text: String| Text {
            subject: None,
            text: view::paragraphs(&text),
            html: None,
        };
        match channel {
            Channel::Email => Ok(Text {
                subject: Some(view::one_line(&self.part(Part::Subject, letter)?)),
                text: self.part(Part::Plain, letter)?,
                html: Some(self.part(Part::Html, letter)?),
            }),
            Channel::Telegram if level == ContentLevel::Ping => {
                self.part(Part::Ping, letter).map(plain)
            }
            Channel::Telegram if level == ContentLevel::NoNames => self
                .part(Part::Messenger, &view::without_names(letter))
                .map(spaced),
            Channel::Telegram => self.part(Part::Messenger, letter).map(spaced),
            Channel::Sms | Channel::Paper => self.part(Part::Sms, letter).map(plain),
        }
    }

    /// One piece of news as a sentence of the weekly sheet: «Русский язык: исправлено, было 3».
    ///
    /// # Errors
    /// [`TemplateError::Broken`], as [`Templates::render`].
    pub fn sentence(&self, language: Language, item: &Item) -> Result<String, TemplateError> {
        let told = self.fragment(Part::Plain, language, item)?;
        let heading = language.heading(item, false);
        Ok(view::one_line(&format!("{heading}: {told}")))
    }

    /// A line for the message that told what is corrected now: «✎ 15.10 исправлено за 14.10, Маша».
    ///
    /// # Errors
    /// [`TemplateError::Broken`], as [`Templates::render`].
    pub fn amendment(
        &self,
        level: ContentLevel,
        student: &str,
        item: &Item,
        today: NaiveDate,
    ) -> Result<String, TemplateError> {
        let mut item = item.clone();
        let whose = if level == ContentLevel::Full && !student.is_empty() {
            format!(", {}", view::one_line(student))
        } else {
            item.comment = None;
            String::new()
        };
        let (today, day) = (words::short_day(today), words::short_day(item.date));
        let sentence = self.sentence(Language::Russian, &item)?;
        Ok(format!("✎ {today} к записи за {day}{whose}. {sentence}"))
    }

    /// The letter in the frame of one part.
    fn part(&self, part: Part, letter: &Letter) -> Result<String, TemplateError> {
        let language = letter.language;
        let set = |item: &Item| self.fragment(part, language, item);
        let data = view::letter(part, letter, set)?;
        self.set(language, &format!("frame/{}", part.frame()), &data)
    }

    /// One piece of news, as one part tells it.
    fn fragment(
        &self,
        part: Part,
        language: Language,
        item: &Item,
    ) -> Result<String, TemplateError> {
        let name = self.fragment_of(part, language, item.event);
        self.set(language, &name, &view::item(part, language, item))
    }

    /// The template that tells an event in one part: its own, the one of the plain mail, or the one of any event.
    fn fragment_of(&self, part: Part, language: Language, event: Event) -> String {
        let plain = Part::Plain.fragment();
        let ways = [
            format!("{}/{}", event.code(), part.fragment()),
            format!("{}/{plain}", event.code()),
            format!("any/{}", part.fragment()),
        ];
        let has = |name: &String| {
            let registry = self.registries.get(&language);
            registry.is_some_and(|registry| registry.has_template(name))
        };
        let own = ways.into_iter().find(has);
        own.unwrap_or_else(|| format!("any/{plain}"))
    }

    fn set(&self, language: Language, name: &str, data: &Value) -> Result<String, TemplateError> {
        let broken = |line, problem| TemplateError::Broken {
            name: language.file(name),
            line,
            problem,
        };
        self.registries
            .get(&language)
            .ok_or_else(|| broken(1, "there are no templates of this language".to_owned()))?
            .render(name, data)
            .map_err(|error| TemplateError::Broken {
                name: language.file(name),
                line: error.line_no.unwrap_or(1),
                problem: match error.reason() {
                    RenderErrorReason::MissingVariable(Some(field)) => {
                        format!("there is no field «{field}» at this place")
                    }
                    reason => reason.to_string(),
                },
            })
    }
}
