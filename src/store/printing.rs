//! The runs that wait for a printer: booked before it hears of them, so that none is printed twice because an
//! answer was lost.

use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    press::class_name,
    rows::{int, some_int, some_text, text},
};
use crate::{instant::Millis, journal::class_name::ClassName};

/// A run whose file lies in its folder and has not come out of a printer yet.
#[derive(Clone)]
pub struct Queued {
    /// `print_run.id`
    pub id: i64,
    /// The class.
    pub class: ClassName,
    /// `print_run.week`
    pub week: String,
    /// The file.
    pub file: String,
    /// `print_run.state`: `printing`, or `unsure` where a person has to look.
    pub state: String,
    /// The name of its job, once it is booked.
    pub job_name: Option<String>,
    /// The number that the printer gave the job.
    pub job_id: Option<i64>,
    /// What the printer says, or why nobody knows.
    pub says: Option<String>,
    /// When the run began.
    pub since: Millis,
}

const QUEUED: &str = "SELECT r.id, r.week, r.file, r.state, r.job_name, r.job_id, r.printer_says, r.data_at, \
     c.grade, c.letter FROM print_run r JOIN class c ON c.id = r.class_id \
     WHERE r.file IS NOT NULL AND r.state IN ('printing', 'unsure')";

impl Store {
    /// The runs that have not come out, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn print_queue(&self) -> Result<Vec<Queued>, StoreError> {
        let sql = format!("{QUEUED} ORDER BY r.id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(queued).collect()
    }

    /// Books a job for a run; false where it is booked, printed or decided already.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn book_job(&self, run: i64, name: &str, now: Millis) -> Result<bool, StoreError> {
        let booked = sqlx::query(
            "UPDATE print_run SET job_name = $2, sent_at = $3 WHERE id = $1 AND state = 'printing' \
             AND job_name IS NULL",
        )
        .bind(run)
        .bind(name)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(booked.rows_affected() == 1)
    }

    /// The printer certainly did not take a booked job: the run waits for another one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn unbook_job(&self, run: i64, says: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE print_run SET job_name = NULL, sent_at = NULL, job_id = NULL, printer_says = $2 \
             WHERE id = $1 AND state = 'printing'",
        )
        .bind(run)
        .bind(says)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The printer took the job, and gave it this number.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn job_taken(&self, run: i64, job: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE print_run SET job_id = $2, printer_says = NULL WHERE id = $1")
            .bind(run)
            .bind(job)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// What the printer says of a run, or wants before it prints it; nothing where all is well.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn printer_says(&self, run: i64, says: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("UPDATE print_run SET printer_says = $2 WHERE id = $1 AND state = 'printing'")
            .bind(run)
            .bind(says)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Nobody but a person who looks can say whether a run came out.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn run_is_unsure(&self, run: i64, why: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE print_run SET state = 'unsure', printer_says = $2 WHERE id = $1 AND state = 'printing'",
        )
        .bind(run)
        .bind(why)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A person looked, and the run did not come out: it is printed again. False where nobody asked.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn print_again(&self, run: i64) -> Result<bool, StoreError> {
        let again = sqlx::query(
            "UPDATE print_run SET state = 'printing', job_name = NULL, sent_at = NULL, job_id = NULL, \
             printer_says = NULL WHERE id = $1 AND state = 'unsure'",
        )
        .bind(run)
        .execute(&self.pool)
        .await?;
        Ok(again.rows_affected() == 1)
    }

    /// A run came out: its sheets are printed, its notices told on paper. False where it has not been waiting.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn run_came_out(&self, run: &Queued, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        tx.finish_run(run.id, &run.file, now).await?;
        tx.commit().await
    }
}

fn queued(row: &AnyRow) -> Result<Queued, StoreError> {
    Ok(Queued {
        id: int(row, "id")?,
        class: class_name(row)?,
        week: text(row, "week")?,
        file: text(row, "file")?,
        state: text(row, "state")?,
        job_name: some_text(row, "job_name")?,
        job_id: some_int(row, "job_id")?,
        says: some_text(row, "printer_says")?,
        since: int(row, "data_at")?,
    })
}

/// A run whose pages the school's office has not got yet.
#[derive(Debug, Clone)]
pub struct ForOffice {
    /// `print_run.id`
    pub id: i64,
    /// The class.
    pub class: ClassName,
    /// `print_run.week`
    pub week: String,
    /// How many sheets it has.
    pub sheets: i64,
    /// The file.
    pub file: std::path::PathBuf,
}

impl Store {
    /// The runs begun since then whose pages lie in the folder and were not mailed to the office, nor tried after `tried`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn runs_for_office(
        &self,
        since: Millis,
        tried: Millis,
    ) -> Result<Vec<ForOffice>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.week, r.sheets, r.file, c.grade, c.letter FROM print_run r JOIN class c ON c.id = r.class_id \
             WHERE r.file IS NOT NULL AND r.office_state IS NULL AND r.data_at >= $1 \
             AND (r.office_tried_at IS NULL OR r.office_tried_at <= $2) ORDER BY r.id",
        )
        .bind(since)
        .bind(tried)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(ForOffice {
                    id: int(row, "id")?,
                    class: class_name(row)?,
                    week: text(row, "week")?,
                    sheets: int(row, "sheets")?,
                    file: text(row, "file")?.into(),
                })
            })
            .collect()
    }

    /// Whether the office has the pages of a run: `sent`, `failed` for good, or none where it is tried again.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn office_has(
        &self,
        run: i64,
        state: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE print_run SET office_state = $2, office_tried_at = $3 WHERE id = $1")
            .bind(run)
            .bind(state)
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
