//! What a reader brings: records that know their table, their key and whom they belong to.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::ImportError;
use crate::journal::class_name::ClassName;

/// A table that imports fill, in the order in which rows can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `class`
    Class,
    /// `subject`
    Subject,
    /// `term`
    Term,
    /// `student`
    Student,
    /// `guardian`
    Guardian,
    /// `enrolment`
    Enrolment,
    /// `guardianship`
    Guardianship,
    /// `contact`
    Contact,
    /// `consent`
    Consent,
    /// `lesson`
    Lesson,
    /// `mark`
    Mark,
    /// `homework`
    Homework,
    /// `attendance`
    Attendance,
    /// `term_result`
    TermResult,
}

impl Table {
    /// All tables, in writing order.
    pub const ALL: [Self; 14] = [
        Self::Class,
        Self::Subject,
        Self::Term,
        Self::Student,
        Self::Guardian,
        Self::Enrolment,
        Self::Guardianship,
        Self::Contact,
        Self::Consent,
        Self::Lesson,
        Self::Mark,
        Self::Homework,
        Self::Attendance,
        Self::TermResult,
    ];

    /// Its name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Subject => "subject",
            Self::Term => "term",
            Self::Student => "student",
            Self::Guardian => "guardian",
            Self::Enrolment => "enrolment",
            Self::Guardianship => "guardianship",
            Self::Contact => "contact",
            Self::Consent => "consent",
            Self::Lesson => "lesson",
            Self::Mark => "mark",
            Self::Homework => "homework",
            Self::Attendance => "attendance",
            Self::TermResult => "term_result",
        }
    }

    /// Whether its rows are named by a `source_key`; the others are named by what they connect.
    pub fn has_key(self) -> bool {
        !matches!(
            self,
            Self::Enrolment
                | Self::Guardianship
                | Self::Contact
                | Self::Consent
                | Self::Attendance
                | Self::TermResult
        )
    }

    /// Whether families are told of its rows, so that a first file of them is a baseline.
    pub fn is_told(self) -> bool {
        matches!(
            self,
            Self::Mark | Self::Homework | Self::Attendance | Self::TermResult
        )
    }

    /// The columns by which a row without a key is recognised.
    pub fn identity(self) -> &'static [&'static str] {
        match self {
            Self::Enrolment => &["student_id", "class_id"],
            Self::Guardianship => &["guardian_id", "student_id"],
            Self::Contact => &["guardian_id", "channel", "address"],
            Self::Consent => &["guardian_id", "student_id", "purpose"],
            Self::Attendance => &["student_id", "date", "number"],
            Self::TermResult => &["student_id", "subject_id", "term_id", "stage"],
            _ => &["source_key"],
        }
    }
}

/// A column's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Field {
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A weight.
    Real(f64),
    /// The id of the row with this key in that table.
    Of(Table, String),
}

/// How a row that another source made, or a person typed, is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Natural {
    /// By its key alone.
    #[default]
    Key,
    /// A class by its name.
    Class(ClassName),
    /// A subject by its name.
    Subject(String),
    /// A student by name within a class, and by the date of birth where both know it.
    Student {
        /// Surname.
        surname: String,
        /// Given name.
        given_name: String,
        /// Date of birth.
        birth_on: Option<String>,
        /// The class.
        class: Option<ClassName>,
    },
    /// A guardian by name among those who already answer for one of these students.
    Guardian {
        /// Surname.
        surname: String,
        /// Given name.
        given_name: String,
        /// Keys of students.
        students: Vec<String>,
    },
}

/// A row as its source knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The table.
    pub table: Table,
    /// `source/installation/key`; for rows without a key, a text that tells them apart in the load.
    pub key: String,
    /// How else it may be recognised.
    pub natural: Natural,
    /// Its columns. What is not named is left as it is.
    pub fields: Vec<(&'static str, Field)>,
    /// The student whom it is about, so that the first diary can be told from the second.
    pub student: Option<String>,
    /// Whether the name is only a stand-in, because no file says it.
    pub nameless: bool,
}

impl Record {
    /// What it says in a column, if it says anything.
    pub fn field(&self, column: &str) -> Option<&Field> {
        let named = self.fields.iter().find(|(name, _)| *name == column);
        named.map(|(_, field)| field)
    }

    /// A record that is recognised by its key.
    pub(super) fn new(table: Table, key: impl Into<String>) -> Self {
        Self {
            table,
            key: key.into(),
            natural: Natural::Key,
            fields: Vec::new(),
            student: None,
            nameless: false,
        }
    }

    /// With a further column.
    pub(super) fn with(mut self, column: &'static str, field: Field) -> Self {
        self.fields.push((column, field));
        self
    }

    /// With the id of the row with this key in that table.
    pub(super) fn of(self, column: &'static str, table: Table, key: &str) -> Self {
        self.with(column, Field::Of(table, key.to_owned()))
    }

    /// Takes over what `later` says and this one does not.
    fn complete(&mut self, later: Self) {
        for (column, field) in later.fields {
            if self.fields.iter().all(|(known, _)| *known != column) {
                self.fields.push((column, field));
            }
        }
        match (&mut self.natural, later.natural) {
            (
                Natural::Student { birth_on, .. },
                Natural::Student {
                    birth_on: known, ..
                },
            ) => *birth_on = birth_on.take().or(known),
            (Natural::Guardian { students, .. }, Natural::Guardian { students: more, .. }) => {
                students.extend(more);
            }
            _ => {}
        }
    }

    /// With a text, where there is one.
    pub(super) fn text(self, column: &'static str, text: Option<&str>) -> Self {
        match text.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => self.with(column, Field::Text(text.to_owned())),
            None => self,
        }
    }
}

/// What is known of one student, or of a class, for some days. It is complete, so what is missing from
/// it is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diary {
    /// The file that holds it.
    pub file: String,
    /// The student's key; none where it speaks of a class.
    pub student: Option<String>,
    /// The class.
    pub class: ClassName,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// Of what it is complete.
    pub of: Vec<Table>,
}

/// All that a set of files brings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Load {
    /// What stands before the key of each of this source's rows: `netschool/main/`.
    pub prefix: String,
    /// The files' names.
    pub files: Vec<String>,
    /// How many rows the files had.
    pub rows: usize,
    /// The records, in no particular order, each key once per table.
    pub records: Vec<Record>,
    /// Which diaries are complete.
    pub diaries: Vec<Diary>,
    pub(super) seen: HashMap<(Table, String), usize>,
}

impl Load {
    /// Adds what a file is complete for.
    ///
    /// # Errors
    /// Another file that is complete for the same of the same days: two snapshots of one thing would
    /// contradict each other.
    pub(super) fn add_diary(&mut self, diary: Diary) -> Result<(), ImportError> {
        let same = |other: &&Diary| {
            other.student == diary.student
                && other.class == diary.class
                && other.of.iter().any(|table| diary.of.contains(table))
                && other.from <= diary.to
                && diary.from <= other.to
        };
        if let Some(other) = self.diaries.iter().find(same) {
            return Err(ImportError::whole(
                &diary.file,
                &format!("is about the same student and days as {}", other.file),
                "leave out the older one",
            ));
        }
        self.diaries.push(diary);
        Ok(())
    }

    /// Adds a class, and returns its key.
    pub(super) fn add_class(&mut self, class: &ClassName) -> String {
        let key = format!("{}class/{}", self.prefix, class.plain());
        self.add(Record {
            natural: Natural::Class(class.clone()),
            ..Record::new(Table::Class, key.clone())
                .with("grade", Field::Int(i64::from(class.grade)))
                .with("letter", Field::Text(class.letter.clone()))
        });
        key
    }

    /// Adds a subject by its name, and returns its key.
    pub(super) fn add_subject(&mut self, name: &str) -> String {
        let key = format!("{}subject/{name}", self.prefix);
        self.add(Record {
            natural: Natural::Subject(name.to_owned()),
            ..Record::new(Table::Subject, key.clone()).text("name", Some(name))
        });
        key
    }

    /// Adds a record. Where its key is already there, it adds what that record does not say.
    pub(super) fn add(&mut self, record: Record) {
        let name = (record.table, record.key.clone());
        if let Some(earlier) = self
            .seen
            .get(&name)
            .and_then(|at| self.records.get_mut(*at))
        {
            earlier.complete(record);
        } else {
            self.seen.insert(name, self.records.len());
            self.records.push(record);
        }
    }
}
