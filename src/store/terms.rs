//! What the calendar of terms asks for: the word at their beginning, and the outlook before their end.

use chrono::NaiveDate;
use sqlx::Row;

use super::{
    StoreError,
    lane::Tx,
    rows::{int, parsed, some_int, some_text, text},
};
use crate::journal::{
    calendar::Grades,
    entry::Entry,
    outlook::{Counted, outlook},
};

/// A term of the school's year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// `term.id`
    pub id: i64,
    /// Its first day.
    pub starts_on: NaiveDate,
    /// Its last day.
    pub ends_on: NaiveDate,
    /// Whose term it is.
    pub grades: Grades,
}

impl Tx {
    /// The terms that a day belongs to, the year itself left out.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn terms_on(&mut self, day: NaiveDate) -> Result<Vec<Term>, StoreError> {
        let rows = self
            .all(format!(
                "SELECT id, starts_on, ends_on, grade_from, grade_to FROM term WHERE kind <> 'year' \
                 AND starts_on <= '{day}' AND ends_on >= '{day}' ORDER BY id"
            ))
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Term {
                    id: int(row, "id")?,
                    starts_on: parsed(row, "starts_on")?,
                    ends_on: parsed(row, "ends_on")?,
                    grades: Grades {
                        from: some_int(row, "grade_from")?,
                        to: some_int(row, "grade_to")?,
                    },
                })
            })
            .collect()
    }

    /// What may be expected of a term as the marks stand: the average of each marked subject of which the
    /// school has set no result, nor what it expects itself. None where that leaves nothing.
    pub(super) async fn outlook(
        &mut self,
        student_id: i64,
        term_id: i64,
    ) -> Result<Option<Entry>, StoreError> {
        let rows = self
            .all(format!(
                "SELECT m.subject_id, s.position, s.name, s.short_name, m.value, m.counted_as, m.weight \
                 FROM mark m JOIN term t ON t.id = {term_id} AND m.date BETWEEN t.starts_on AND t.ends_on \
                 JOIN subject s ON s.id = m.subject_id AND s.graded = 1 \
                 WHERE m.student_id = {student_id} AND m.counts = 1 \
                 AND NOT EXISTS (SELECT 1 FROM term_result r WHERE r.student_id = m.student_id \
                     AND r.subject_id = m.subject_id AND r.term_id = t.id AND r.stage <> 'exam')"
            ))
            .await?;
        let marks = rows
            .iter()
            .map(|row| {
                Ok(Counted {
                    position: some_int(row, "position")?,
                    subject: text(row, "name")?,
                    short: some_text(row, "short_name")?,
                    entered: text(row, "value")?,
                    counted_as: row.try_get("counted_as")?,
                    weight: row.try_get("weight")?,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let Some((long, short)) = outlook(&marks) else {
            return Ok(None);
        };
        Ok(Some(Entry {
            value: format!("outlook:{long}"),
            short: Some(short),
            ..Entry::default()
        }))
    }
}
