//! A fact: the place in the journal whose value a family is told.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;

/// The place of marks in the journal: one student's cell for one lesson of one subject.
///
/// What a family was told is remembered per fact, not per row, so that a mark that is deleted and
/// entered again is the same fact (design §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarkFact {
    /// `student.id`
    pub student_id: i64,
    /// `subject.id`
    pub subject_id: i64,
    /// The date of the lesson, not of the entry.
    pub date: NaiveDate,
    /// `lesson.id`, if the journal says which lesson of the day it was.
    pub lesson_id: Option<i64>,
}

/// Writes the key under which the database keeps the fact: `mark/STUDENT/SUBJECT/DATE/LESSON`,
/// with lesson 0 where none is named.
impl fmt::Display for MarkFact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            student_id,
            subject_id,
            date,
            lesson_id,
        } = self;
        write!(
            f,
            "mark/{student_id}/{subject_id}/{date}/{}",
            lesson_id.unwrap_or(0)
        )
    }
}

/// Why a text is no fact's key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("«{0}» is no fact: a mark's key reads mark/STUDENT/SUBJECT/DATE/LESSON")]
pub struct FactError(String);

impl FromStr for MarkFact {
    type Err = FactError;

    fn from_str(key: &str) -> Result<Self, FactError> {
        let parse = || {
            let mut parts = key.strip_prefix("mark/")?.split('/');
            let fact = Self {
                student_id: parts.next()?.parse().ok()?,
                subject_id: parts.next()?.parse().ok()?,
                date: parts.next()?.parse().ok()?,
                lesson_id: Some(parts.next()?.parse().ok()?).filter(|id| *id != 0),
            };
            parts.next().is_none().then_some(fact)
        };
        parse().ok_or_else(|| FactError(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_its_fact() {
        for key in ["mark/7/3/2026-10-14/0", "mark/7/3/2026-10-14/91"] {
            let fact: MarkFact = key.parse().expect("a key");
            assert_eq!(fact.to_string(), key);
        }
        assert!("mark/7/3/14.10.2026/0".parse::<MarkFact>().is_err());
        assert!("homework/7".parse::<MarkFact>().is_err());
    }
}
