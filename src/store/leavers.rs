//! With a student's last day what leads to the family ends as well: its codes, and its addresses where no other
//! student of theirs attends.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{StoreError, lane::Tx, rows::ids};
use crate::instant::Millis;

impl Tx {
    /// Ends what leads to the families of those who have left, of these students or of all, and opens it again
    /// where a student is back.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end_leavers(
        &mut self,
        students: Option<&[i64]>,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let of = |column: &str| {
            students.map_or("1 = 1".to_owned(), |students| {
                format!("{column} IN ({})", ids(students))
            })
        };
        let left = |student: &str| {
            format!(
                "(EXISTS (SELECT 1 FROM enrolment e WHERE e.student_id = {student}) \
                 AND NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.student_id = {student} \
                 AND (e.to_on IS NULL OR e.to_on >= '{today}')))"
            )
        };
        let theirs = format!(
            "guardian_id IN (SELECT o.guardian_id FROM guardianship o WHERE {})",
            of("o.student_id")
        );
        let attends = format!(
            "EXISTS (SELECT 1 FROM guardianship t WHERE t.guardian_id = contact.guardian_id AND NOT {})",
            left("t.student_id")
        );
        for sql in [
            format!(
                "UPDATE invite SET revoked_at = {now} WHERE used_at IS NULL AND revoked_at IS NULL \
                 AND student_id IS NOT NULL AND {} AND {}",
                of("student_id"),
                left("invite.student_id")
            ),
            format!(
                "UPDATE contact SET ended_at = {now}, health_reason = 'left' WHERE ended_at IS NULL \
                 AND {theirs} AND NOT {attends}"
            ),
            format!(
                "UPDATE contact SET ended_at = NULL, health_reason = NULL WHERE ended_at IS NOT NULL \
                 AND health_reason = 'left' AND {theirs} AND {attends}"
            ),
        ] {
            sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
    }
}
