//! The results of terms, as summaries show them.

use chrono::NaiveDate;

use super::{
    StoreError,
    lane::Tx,
    rows::{ids, int, some_int, some_text, text},
};
use crate::paper::summary::{Column, Result as TermResult};

impl Tx {
    /// The final results of these students in terms that begin from this day on, and their exams.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn results(
        &mut self,
        students: &[i64],
        from: NaiveDate,
    ) -> Result<Vec<TermResult>, StoreError> {
        let sql = format!(
            "SELECT r.student_id, r.stage, r.value, r.status, s.id AS subject_id, s.name AS subject, s.position, \
             t.kind, t.number, t.ends_on FROM term_result r JOIN subject s ON s.id = r.subject_id \
             JOIN term t ON t.id = r.term_id WHERE r.stage IN ('final', 'exam') AND t.starts_on >= '{from}' \
             AND r.student_id IN ({}) ORDER BY r.id",
            ids(students)
        );
        let rows = self.all(sql).await?;
        rows.iter()
            .map(|row| {
                let kind = text(row, "kind")?;
                Ok(TermResult {
                    student_id: int(row, "student_id")?,
                    subject: (
                        some_int(row, "position")?.unwrap_or(i64::MAX),
                        text(row, "subject")?,
                        int(row, "subject_id")?,
                    ),
                    column: Column {
                        whole_year: kind == "year",
                        exam: text(row, "stage")? == "exam",
                        ends_on: text(row, "ends_on")?,
                        number: int(row, "number")?,
                        kind,
                    },
                    value: match text(row, "status")?.as_str() {
                        "set" => some_text(row, "value")?.unwrap_or_default(),
                        "not_certified" => "н/а".to_owned(),
                        "deferred" => "отс".to_owned(),
                        _ => String::new(),
                    },
                })
            })
            .collect()
    }
}
