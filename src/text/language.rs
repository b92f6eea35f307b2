//! The languages that texts come in. What teachers wrote is never translated: only what stands around it is.

use chrono::NaiveDate;
use handlebars::Handlebars;

use super::{Item, english, words};

/// A language that there are templates in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// The language of the school, and of whoever named none or one that has no templates.
    #[default]
    Russian,
    /// The second one.
    English,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Russian, Self::English];

    /// The code in `guardian.language` and of the folder of the templates.
    pub fn code(self) -> &'static str {
        match self {
            Self::Russian => "ru",
            Self::English => "en",
        }
    }

    /// The language with this code, however it is written: `en`, `EN`, `en-GB`; none where it has no templates.
    pub fn from_code(code: &str) -> Option<Self> {
        let bare = code.trim().to_lowercase();
        let bare = bare.split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|one| one.code() == bare)
    }

    /// The file of a template in this language.
    pub(super) fn file(self, name: &str) -> String {
        match self {
            Self::Russian => name.to_owned(),
            Self::English => format!("{}/{name}", self.code()),
        }
    }

    /// Whose template a file is, and its name among those of the language.
    pub(super) fn of_file(file: &str) -> (Self, &str) {
        let own = Self::ALL.into_iter().find_map(|one| {
            let name = file.strip_prefix(one.code())?.strip_prefix('/')?;
            Some((one, name))
        });
        own.unwrap_or((Self::Russian, file))
    }

    pub(crate) fn register(self, registry: &mut Handlebars<'static>) {
        words::register(registry);
        if self == Self::English {
            english::register(registry);
        }
    }

    /// What stands over a group of news: the subject of marks, else what kind of news it is.
    pub(crate) fn heading(self, item: &Item, short: bool) -> String {
        match self {
            Self::Russian => words::heading(item, short),
            Self::English => english::heading(item, short),
        }
    }

    /// Which lesson is meant.
    pub(super) fn lesson(self, item: &Item, short: bool) -> String {
        match self {
            Self::Russian => words::lesson(item, short),
            Self::English => english::lesson(item, short),
        }
    }

    /// «ср 14.10», «Wed 14.10»
    pub(crate) fn short_weekday(self, date: NaiveDate) -> String {
        match self {
            Self::Russian => words::short_weekday(date),
            Self::English => english::short_weekday(date),
        }
    }

    /// «12–16 октября», «12–16 October»
    pub(crate) fn days(self, from: NaiveDate, to: NaiveDate) -> String {
        match self {
            Self::Russian => words::days(from, to),
            Self::English => english::days(from, to),
        }
    }

    /// The result of a term.
    pub(crate) fn result(self, value: &str) -> String {
        match self {
            Self::Russian => words::result(value),
            Self::English => english::result(value),
        }
    }

    /// What the school says about the service itself.
    pub(crate) fn service(self, value: &str) -> String {
        match self {
            Self::Russian => words::service(value),
            Self::English => english::service(value),
        }
    }

    /// What files are called that come with a word: a sheet can only name them.
    pub(crate) fn beside(self) -> &'static str {
        match self {
            Self::Russian => "у классного руководителя",
            Self::English => "the class teacher has",
        }
    }

    /// The name of a student whom a messenger must not name.
    pub(super) fn somebody(self) -> &'static str {
        match self {
            Self::Russian => "Ваш ребёнок",
            Self::English => "Your child",
        }
    }

    /// In place of a teacher's word that a messenger must not carry.
    pub(super) fn withheld(self) -> &'static str {
        match self {
            Self::Russian => "текст у классного руководителя",
            Self::English => "ask the class teacher for the text",
        }
    }
}

/// The language of a sheet's frame and labels. There are more of them than of templates for messages: a label is a
/// word, and a message a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Frame {
    /// The language of the sentences, too.
    Of(Language),
    /// Tatar; the sentences are Russian.
    Tatar,
    /// Bashkir.
    Bashkir,
    /// Sakha (Yakut).
    Sakha,
}

impl Default for Frame {
    fn default() -> Self {
        Self::Of(Language::default())
    }
}

impl Frame {
    /// Those that are a sheet's only.
    pub const OF_SHEETS: [Self; 3] = [Self::Tatar, Self::Bashkir, Self::Sakha];

    /// The code in `guardian.language`, by which `templates/sheets/week.typ` has its labels.
    pub fn code(self) -> &'static str {
        match self {
            Self::Of(language) => language.code(),
            Self::Tatar => "tt",
            Self::Bashkir => "ba",
            Self::Sakha => "sah",
        }
    }

    /// The frame for who asked for this language; the school's for one that nobody here writes.
    pub fn from_code(code: &str) -> Self {
        let bare = code.trim().to_lowercase();
        let bare = bare.split(['-', '_']).next().unwrap_or_default();
        let of_sheet = Self::OF_SHEETS.into_iter().find(|one| one.code() == bare);
        of_sheet.unwrap_or_else(|| Self::Of(Language::from_code(bare).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_known_however_its_code_is_written() {
        for code in ["en", "EN", "en-GB", " en_US "] {
            assert_eq!(Language::from_code(code), Some(Language::English), "{code}");
        }
        assert_eq!(Language::from_code("ru"), Some(Language::Russian));
        assert_eq!(Language::from_code("tt"), None);
        assert_eq!(Frame::from_code("tt-RU"), Frame::Tatar);
        assert_eq!(Frame::from_code("en"), Frame::Of(Language::English));
        assert_eq!(Frame::from_code("uz"), Frame::Of(Language::Russian));
    }
}
