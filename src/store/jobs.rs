//! Scheduled jobs: each of their times is claimed once.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use super::{StoreError, lane::Tx, notices::OPEN, rows::ids};
use crate::instant::Millis;

impl Tx {
    /// Claims a job for one of its times; false where it was claimed before.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn claim(
        &mut self,
        job: &str,
        due_at: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let claimed = sqlx::query(
            "INSERT INTO schedule_run (job, due_at, claimed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (job, due_at) DO NOTHING",
        )
        .bind(job)
        .bind(due_at)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// Notes how a job ended.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn finish_job(
        &mut self,
        job: &str,
        due_at: Millis,
        outcome: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE schedule_run SET finished_at = $3, outcome = $4 WHERE job = $1 AND due_at = $2",
        )
        .bind(job)
        .bind(due_at)
        .bind(now)
        .bind(outcome)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Turns notices red that have waited for the sheet since before `printed`. Their reason, why they
    /// were to be told on paper, stays. Notices of students in the `idle` classes go on waiting: they had
    /// no sheets. Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn redden(
        &mut self,
        printed: Millis,
        idle: &BTreeSet<i64>,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let red = sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET state = 'red', waits_for = NULL, state_at = $2, \
             reason = COALESCE(reason, 'not_told') \
             WHERE state = 'waiting' AND waits_for = 'sheet' AND state_at < $1 \
             AND COALESCE(student_id, 0) NOT IN (SELECT student_id FROM enrolment WHERE class_id IN ({}))",
            ids(idle)
        )))
        .persistent(false)
        .bind(printed)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(red.rows_affected())
    }

    /// Forgets changes that were planned before `planned`; those of marks and term results, which are
    /// the register of what was changed when, only from before `register`. What somebody has still to be told
    /// of keeps its change, which proves where it came from. Returns how many went.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn forget_changes(
        &mut self,
        planned: Millis,
        register: Millis,
    ) -> Result<u64, StoreError> {
        let gone = sqlx::query(AssertSqlSafe(format!(
            "DELETE FROM change WHERE (planned_at < $2 \
             OR (planned_at < $1 AND entity NOT IN ('mark', 'term_result'))) \
             AND NOT EXISTS (SELECT 1 FROM notice n WHERE n.change_id = change.id AND n.state IN {OPEN})"
        )))
        .bind(planned)
        .bind(register)
        .execute(&mut *self.db)
        .await?;
        Ok(gone.rows_affected())
    }
}
