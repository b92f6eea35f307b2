//! Importers: from another system's files to records, without a database.
//!
//! A reader turns bytes into a [`Load`] or into every error that it finds. What of it is new is
//! found by the store, which compares.

mod eljur;
mod error;
mod load;
mod netschool;
mod table;
mod term;

use chrono::NaiveDate;

pub use error::{ImportError, ImportErrors};
pub use load::{Diary, Field, Load, Natural, Record, Table};
pub use table::{Answer, Named};

use crate::journal::class_name::ClassName;

/// A file above this size is no export of one school: it is refused before it is read.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Where files come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// «Сетевой город. Образование»: JSON of diaries, students, assignment types and terms.
    Netschool,
    /// ЭлЖур: JSON of rules, periods, marks, homework, results and diaries.
    Eljur,
    /// Tables of people as CSV or XLSX, in whatever columns a school has.
    Table,
}

impl Source {
    /// The code on the command line and in source keys.
    pub fn code(self) -> &'static str {
        match self {
            Self::Netschool => "netschool",
            Self::Eljur => "eljur",
            Self::Table => "table",
        }
    }

    /// The source with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Netschool, Self::Eljur, Self::Table]
            .into_iter()
            .find(|source| source.code() == code)
    }
}

/// A file to be read.
#[derive(Clone)]
pub struct File {
    /// Its name, for messages.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

impl File {
    /// The content without a byte order mark.
    fn content(&self) -> &[u8] {
        self.bytes
            .strip_prefix(b"\xEF\xBB\xBF")
            .unwrap_or(&self.bytes)
    }
}

/// What the caller knows about the files.
#[derive(Clone)]
pub struct Options {
    /// Where they come from.
    pub source: Source,
    /// The class they are about, where they do not say it themselves.
    pub class: Option<ClassName>,
    /// Which column is which, for tables.
    pub mapping: Option<File>,
    /// The days that the files were asked for, where they do not say it themselves.
    pub days: Option<(NaiveDate, NaiveDate)>,
    /// Today in the school's zone; a moved student's new class begins on it.
    pub today: NaiveDate,
}

/// Reads all files as one load: whole, or not at all.
///
/// # Errors
/// Every row that cannot be read, with file, place, value and remedy.
pub fn read(files: &[File], options: &Options) -> Result<Load, ImportErrors> {
    let mut errors = ImportErrors::default();
    for file in files {
        if let Some(problem) = unreadable(file, options.source) {
            errors.add(problem);
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let load = match options.source {
        Source::Netschool => netschool::read(files, options, &mut errors),
        Source::Eljur => eljur::read(files, options, &mut errors),
        Source::Table => table::read(files, options, &mut errors),
    };
    if errors.is_empty() {
        Ok(load)
    } else {
        Err(errors)
    }
}

/// Reads a register of consents that was kept on paper or in a spreadsheet: whole, or not at all.
///
/// # Errors
/// Every row that cannot be read, with file, place, value and remedy.
pub fn read_register(file: &File, mapping: Option<&File>) -> Result<Vec<Answer>, ImportErrors> {
    let mut errors = ImportErrors::default();
    if let Some(problem) = unreadable(file, Source::Table) {
        errors.add(problem);
        return Err(errors);
    }
    let answers = table::read_register(file, mapping, &mut errors);
    if errors.is_empty() {
        Ok(answers)
    } else {
        Err(errors)
    }
}

/// Refuses a file by its size, before it is read.
///
/// # Errors
/// A file above [`MAX_BYTES`].
pub fn refuse_size(name: &str, bytes: u64) -> Result<(), ImportError> {
    if bytes > MAX_BYTES {
        return Err(ImportError::whole(
            name,
            "is larger than 64 MB",
            "export one class or one quarter at a time",
        ));
    }
    Ok(())
}

/// What is wrong with a file as a whole.
fn unreadable(file: &File, source: Source) -> Option<ImportError> {
    let wrong = |problem: &str, remedy: &str| Some(ImportError::whole(&file.name, problem, remedy));
    if let Err(problem) = refuse_size(
        &file.name,
        u64::try_from(file.bytes.len()).unwrap_or(u64::MAX),
    ) {
        return Some(problem);
    }
    let start = file.content().trim_ascii_start();
    if start.is_empty() {
        return wrong("is empty", "export it again");
    }
    let workbook = start.starts_with(b"PK\x03\x04");
    if workbook && source == Source::Table {
        return None;
    }
    for (signature, problem, remedy) in [
        (
            &b"PK\x03\x04"[..],
            "is an Excel workbook or an archive",
            "use --from table for tables of people",
        ),
        (
            b"\xD0\xCF\x11\xE0",
            "is an old Excel workbook",
            "open it and save it as XLSX or as CSV (UTF-8)",
        ),
        (b"\xFF\xFE", "is written in UTF-16", "save it as UTF-8"),
        (b"\xFE\xFF", "is written in UTF-16", "save it as UTF-8"),
        (
            b"<",
            "is a web page, perhaps the login page",
            "log in and export the data again",
        ),
    ] {
        if start.starts_with(signature) {
            return wrong(problem, remedy);
        }
    }
    let json = start.starts_with(b"{") || start.starts_with(b"[");
    match source {
        Source::Netschool | Source::Eljur if !json => {
            wrong("is no JSON", "use --from table for CSV files")
        }
        Source::Table if json => wrong(
            "is JSON and no table",
            "use --from netschool or --from eljur for diaries",
        ),
        _ => None,
    }
}
