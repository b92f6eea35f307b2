//! Print runs: begun, come out or failed, and when the press is due.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    lane::Tx,
    notices::json,
    rows::{ids, int, parsed, some_int, some_text, text, values},
};
use crate::{
    instant::Millis,
    journal::{cell::Cell, class_name::ClassName},
    week::Week,
};

/// A sheet to be written down.
#[derive(Clone)]
pub struct NewSheet {
    /// Its message's public name.
    pub reference: String,
    /// Whom it is for.
    pub guardian_id: i64,
    /// Of whom.
    pub student_id: i64,
    /// «Листок № 6»
    pub number: u32,
    /// What the slip is recognised by.
    pub code: String,
    /// What it says, for `explain` and the pages.
    pub text: String,
    /// Why it comes on paper.
    pub reason: Option<String>,
    /// `sheet.variant`: `large`, `plain` or nothing.
    pub variant: Option<&'static str>,
    /// The row of the register.
    pub row: i64,
    /// The notices it carries, each with the cell that it tells.
    pub notices: Vec<(i64, Cell)>,
}

/// A print run that has begun and not ended.
#[derive(Clone)]
pub struct OpenRun {
    /// `print_run.id`
    pub id: i64,
    /// `print_run.week`
    pub week: String,
    /// The class, as a file name has it.
    pub class: String,
    /// What it prints.
    pub data: Value,
}

impl Tx {
    /// The last week before this one for which a class's sheets came out.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a week that is none.
    pub async fn printed_before(
        &mut self,
        class_id: i64,
        week: Week,
    ) -> Result<Option<Week>, StoreError> {
        let sql = format!(
            "SELECT week FROM print_run WHERE class_id = {class_id} AND state = 'printed' \
             AND week < '{week}' ORDER BY week DESC LIMIT 1"
        );
        let rows = self.all(sql).await?;
        rows.first().map(|row| parsed(row, "week")).transpose()
    }

    /// The classes whose sheets speak of so many weeks and are not due in this one: theirs came out in one of
    /// the weeks before, and not in this one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a week that is none.
    pub async fn classes_between(
        &mut self,
        week: Week,
        weeks: u64,
    ) -> Result<BTreeSet<i64>, StoreError> {
        let sql = format!(
            "SELECT class_id, MAX(week) AS week FROM print_run WHERE state = 'printed' \
             AND class_id IS NOT NULL AND week <= '{week}' GROUP BY class_id"
        );
        let mut between = BTreeSet::new();
        for row in &self.all(sql).await? {
            let last: Week = parsed(row, "week")?;
            if last < week && week < last.later(weeks) {
                between.insert(int(row, "class_id")?);
            }
        }
        Ok(between)
    }

    /// Begins a print run: its sheets are in it, and the notices they carry stand in them. False where
    /// one of the notices does not wait for the sheet any more; then nothing may be printed. A sheet
    /// that came out before is a duplicate of the first one of its family and week.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn begin_run(
        &mut self,
        class_id: i64,
        week: Week,
        sheets: &[NewSheet],
        data: &Value,
        now: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "INSERT INTO print_run (class_id, week, state, sheets, data_at, data) \
             VALUES ($1, $2, 'printing', $3, $4, $5) RETURNING id",
        )
        .bind(class_id)
        .bind(week.to_string())
        .bind(i64::try_from(sheets.len()).unwrap_or(i64::MAX))
        .bind(now)
        .bind(data.to_string())
        .fetch_one(&mut *self.db)
        .await?;
        let run = int(&row, "id")?;
        for sheet in sheets {
            let message = sqlx::query(
                "INSERT INTO message (ref, lane, channel, guardian_id, address, body_text, state, \
                 rank, not_before, composed_at, state_at) \
                 VALUES ($1, 'paper', 'paper', $2, $3, $4, 'sending', 1, $5, $5, $5) RETURNING id",
            )
            .bind(&sheet.reference)
            .bind(sheet.guardian_id)
            .bind(&sheet.code)
            .bind(&sheet.text)
            .bind(now)
            .fetch_one(&mut *self.db)
            .await?;
            let message = int(&message, "id")?;
            if !self.put_into(message, &sheet.notices, now).await? {
                return Ok(None);
            }
            sqlx::query(
                "INSERT INTO sheet (print_run_id, guardian_id, student_id, week, number, check_code, \
                 state, reason, message_id, state_at, variant, row_number, duplicate_of) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'in_run', $7, $8, $9, $10, $11, \
                 (SELECT MIN(o.id) FROM sheet o JOIN print_run p ON p.id = o.print_run_id \
                     WHERE o.check_code = $6 AND o.week = $4 AND o.student_id = $3 \
                     AND o.state NOT IN ('ready', 'in_run') AND p.state <> 'failed'))",
            )
            .bind(run)
            .bind(sheet.guardian_id)
            .bind(sheet.student_id)
            .bind(week.to_string())
            .bind(i64::from(sheet.number))
            .bind(&sheet.code)
            .bind(sheet.reason.as_deref())
            .bind(message)
            .bind(now)
            .bind(sheet.variant)
            .bind(sheet.row)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(Some(run))
    }

    async fn put_into(
        &mut self,
        message: i64,
        notices: &[(i64, Cell)],
        now: Millis,
    ) -> Result<bool, StoreError> {
        for batch in notices.chunks(100) {
            let sql = format!(
                "INSERT INTO message_notice (message_id, notice_id, value) VALUES {}",
                values(batch.len(), 3)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for (notice, cell) in batch {
                query = query.bind(message).bind(*notice).bind(json(cell));
            }
            query.execute(&mut *self.db).await?;
            let taken = sqlx::query(AssertSqlSafe(format!(
                "UPDATE notice SET state = 'in_message', waits_for = NULL, due_at = NULL, \
                 state_at = $1 WHERE state = 'waiting' AND waits_for = 'sheet' AND id IN ({})",
                ids(batch.iter().map(|(notice, _)| notice))
            )))
            .persistent(false)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
            if taken.rows_affected() != u64::try_from(batch.len()).unwrap_or(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A run came out: its sheets are printed, its notices told on paper.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn finish_run(
        &mut self,
        run: i64,
        file: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let printed = sqlx::query(
            "UPDATE print_run SET state = 'printed', printed_at = $2, file = $3, reason = NULL \
             WHERE id = $1 AND state IN ('printing', 'unsure')",
        )
        .bind(run)
        .bind(now)
        .bind(file)
        .execute(&mut *self.db)
        .await?;
        if printed.rows_affected() == 0 {
            return Ok(());
        }
        // What was spoiled or lost is made good by its duplicate.
        sqlx::query(
            "UPDATE sheet SET state = 'reprinted', state_at = $2 WHERE state IN ('spoiled', 'missing', 'not_handed') \
             AND COALESCE(duplicate_of, id) IN (SELECT duplicate_of FROM sheet WHERE print_run_id = $1)",
        )
        .bind(run)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        for message in self.sheets_end(run, "printed", None, now).await? {
            sqlx::query(
                "UPDATE message SET state = 'delivered', rank = 6, state_at = $2 WHERE id = $1",
            )
            .bind(message)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
            self.remember_told(message, now).await?;
            self.tell_by_paper(message, now).await?;
        }
        Ok(())
    }

    /// Notes which time of the calendar a run serves.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn run_serves(&mut self, run: i64, due: Option<Millis>) -> Result<(), StoreError> {
        sqlx::query("UPDATE print_run SET due_at = $2 WHERE id = $1")
            .bind(run)
            .bind(due)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// The file of a run lies in its folder and waits for the printer.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lay_run(&mut self, run: i64, file: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE print_run SET file = $2 WHERE id = $1 AND state = 'printing'")
            .bind(run)
            .bind(file)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// A run did not come out: its notices wait for the next one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn fail_run(&mut self, run: i64, why: &str, now: Millis) -> Result<(), StoreError> {
        let failed = sqlx::query(
            "UPDATE print_run SET state = 'failed', reason = $2 WHERE id = $1 AND state = 'printing'",
        )
        .bind(run)
        .bind(why)
        .execute(&mut *self.db)
        .await?;
        if failed.rows_affected() == 0 {
            return Ok(());
        }
        for message in self.sheets_end(run, "spoiled", Some(why), now).await? {
            self.end(message, "cancelled", "the sheet could not be printed", now)
                .await?;
        }
        Ok(())
    }

    /// Ends the sheets of a run, and names their messages.
    async fn sheets_end(
        &mut self,
        run: i64,
        state: &str,
        why: Option<&str>,
        now: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(
            "UPDATE sheet SET state = $2, reason = COALESCE($3, reason), state_at = $4 \
             WHERE print_run_id = $1 AND state = 'in_run' RETURNING message_id",
        )
        .bind(run)
        .bind(state)
        .bind(why)
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(|row| int(row, "message_id")).collect()
    }
}

impl Store {
    /// Whether a run serves a class for one of its times already: the program may have ended after it began.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn is_served(&self, class_id: i64, due_at: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM print_run WHERE class_id = $1 AND due_at = $2 AND state <> 'failed'",
        )
        .bind(class_id)
        .bind(due_at)
        .fetch_one(&self.pool)
        .await?;
        Ok(int(&row, "n")? > 0)
    }

    /// Claims the printing of a class for one of its times; also where an earlier claim, from before
    /// `stale`, was never finished.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn claim_printing(
        &self,
        class_id: i64,
        due_at: Millis,
        stale: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let claimed = sqlx::query(
            "INSERT INTO schedule_run (job, due_at, claimed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (job, due_at) DO UPDATE SET claimed_at = excluded.claimed_at \
             WHERE schedule_run.finished_at IS NULL AND schedule_run.claimed_at < $4",
        )
        .bind(format!("sheets/{class_id}"))
        .bind(due_at)
        .bind(now)
        .bind(stale)
        .execute(&self.pool)
        .await?;
        Ok(claimed.rows_affected() == 1)
    }

    /// When the first scheduled job was claimed: when the engine first turned on this database.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn first_job(&self) -> Result<Option<Millis>, StoreError> {
        let row = sqlx::query("SELECT MIN(claimed_at) AS at FROM schedule_run")
            .fetch_one(&self.pool)
            .await?;
        some_int(&row, "at")
    }

    /// Notes that the printing of a class is done for one of its times.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn finish_printing(
        &self,
        class_id: i64,
        due_at: Millis,
        outcome: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE schedule_run SET finished_at = $3, outcome = $4 WHERE job = $1 AND due_at = $2",
        )
        .bind(format!("sheets/{class_id}"))
        .bind(due_at)
        .bind(now)
        .bind(outcome)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The classes whose sheets speak of so many weeks and are not due in this one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn classes_between(
        &self,
        week: Week,
        weeks: u64,
    ) -> Result<BTreeSet<i64>, StoreError> {
        let mut tx = self.snapshot().await?;
        let classes = tx.classes_between(week, weeks).await?;
        tx.commit().await?;
        Ok(classes)
    }

    /// The classes that have students today: id and name.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn classes(&self, today: NaiveDate) -> Result<Vec<(i64, ClassName)>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.id, c.grade, c.letter FROM class c WHERE EXISTS (SELECT 1 FROM enrolment e \
             WHERE e.class_id = c.id AND (e.from_on IS NULL OR e.from_on <= $1) \
             AND (e.to_on IS NULL OR e.to_on >= $1)) ORDER BY c.grade, c.letter, c.id",
        )
        .bind(today.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, class_name(row)?)))
            .collect()
    }

    /// The runs that began before `stale` and never ended: the program ended while it printed.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn open_runs(&self, stale: Millis) -> Result<Vec<OpenRun>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.week, r.data, c.grade, c.letter FROM print_run r \
             JOIN class c ON c.id = r.class_id WHERE r.state = 'printing' AND r.file IS NULL AND r.data_at <= $1 \
             ORDER BY r.id",
        )
        .bind(stale)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let data = serde_json::from_str(&text(row, "data")?)
                    .map_err(|_| StoreError::Content("print_run.data"))?;
                Ok(OpenRun {
                    id: int(row, "id")?,
                    week: text(row, "week")?,
                    class: class_name(row)?.plain(),
                    data,
                })
            })
            .collect()
    }

    /// The newest run of each class that failed and was not printed since: class, week and why.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn failed_runs(&self) -> Result<Vec<(ClassName, String, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.grade, c.letter, r.week, r.reason FROM print_run r \
             JOIN class c ON c.id = r.class_id WHERE r.state = 'failed' AND r.id = \
             (SELECT MAX(o.id) FROM print_run o WHERE o.class_id = r.class_id \
             AND o.state <> 'printing') ORDER BY r.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let why = some_text(row, "reason")?.unwrap_or_default();
                Ok((class_name(row)?, text(row, "week")?, why))
            })
            .collect()
    }
}

pub(super) fn class_name(row: &AnyRow) -> Result<ClassName, StoreError> {
    Ok(ClassName {
        grade: u8::try_from(int(row, "grade")?).unwrap_or_default(),
        letter: text(row, "letter")?,
    })
}
