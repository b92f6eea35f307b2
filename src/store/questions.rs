//! What a new day brings by itself: dates that change who hears, and questions about rights that only a
//! person may answer.
//!
//! No court's term and no birthday opens or closes anything by itself. The question waits in `hold`, and
//! `people` reads the answer.

use chrono::{Datelike, NaiveDate};
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{
    StoreError,
    lane::Tx,
    rows::{int, some_int, some_text, text},
};
use crate::{breaker::Kind, instant::Millis};

/// When somebody is of age.
const OF_AGE: i32 = 18;

impl Tx {
    /// The last time for which a job was claimed before this one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn claimed_before(
        &mut self,
        job: &str,
        due_at: Millis,
    ) -> Result<Option<Millis>, StoreError> {
        let row = sqlx::query(
            "SELECT MAX(due_at) AS at FROM schedule_run WHERE job = $1 AND due_at < $2",
        )
        .bind(job)
        .bind(due_at)
        .fetch_one(&mut *self.db)
        .await?;
        some_int(&row, "at")
    }

    /// Has the plan look again at those whose circumstances change by a date after `last` and not after
    /// `today`: who leaves, moves, is restricted from now on, or has agreed on another service.
    /// Returns how many.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn dates_come(
        &mut self,
        last: NaiveDate,
        today: NaiveDate,
        now: Millis,
    ) -> Result<u64, StoreError> {
        // Who is there to a day is gone on the next.
        let begins = |column: &str| format!("({column} > '{last}' AND {column} <= '{today}')");
        let is_over = |column: &str| format!("({column} >= '{last}' AND {column} < '{today}')");
        let mut count = 0;
        for (entity, columns, when) in [
            (
                "guardianship",
                "guardian_id, student_id",
                begins("restricted_from"),
            ),
            (
                "enrolment",
                "NULL AS guardian_id, student_id",
                format!("{} OR {}", begins("from_on"), is_over("to_on")),
            ),
            (
                "service_mode",
                "guardian_id, student_id",
                format!("{} OR {}", begins("from_on"), is_over("to_on")),
            ),
        ] {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT id, {columns} FROM {entity} WHERE {when} ORDER BY id"
            )))
            .persistent(false)
            .fetch_all(&mut *self.db)
            .await?;
            for row in &rows {
                let whose = (some_int(row, "guardian_id")?, int(row, "student_id")?);
                self.hint(entity, int(row, "id")?, whose, now).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Writes a hint that nobody's row has changed, but what it means.
    async fn hint(
        &mut self,
        entity: &str,
        id: i64,
        (guardian, student): (Option<i64>, i64),
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO change (entity, entity_id, op, new, written_at) \
             VALUES ($1, $2, 'recheck', $3, $4)",
        )
        .bind(entity)
        .bind(id)
        .bind(json!({"guardian_id": guardian, "student_id": student}).to_string())
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Asks about restrictions whose last day is over and students who have come of age, each once.
    /// Returns how many questions are new.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn ask(&mut self, today: NaiveDate, now: Millis) -> Result<usize, StoreError> {
        let attends = format!(
            "EXISTS (SELECT 1 FROM enrolment e WHERE e.student_id = t.student_id \
             AND (e.from_on IS NULL OR e.from_on <= '{today}') \
             AND (e.to_on IS NULL OR e.to_on >= '{today}'))"
        );
        let unasked = |kind: Kind, key: &str| {
            format!(
                "NOT EXISTS (SELECT 1 FROM hold h WHERE h.kind = '{}' AND h.burst = {key})",
                kind.code()
            )
        };
        // Dates as text compare as days do, also with a 29 February of a year that has none.
        let born = format!("{:04}{}", today.year() - OF_AGE, today.format("-%m-%d"));
        let restriction = "'guardianship:' || CAST(t.id AS TEXT) || ':' || t.restricted_to";
        let student = "'student:' || CAST(t.student_id AS TEXT)";
        let mut asked = 0;
        for (kind, key, when) in [
            (
                Kind::RestrictionOver,
                restriction,
                format!("t.restricted_to < '{today}' AND t.rights <> 'deprived'"),
            ),
            (
                Kind::OfAge,
                student,
                format!("s.birth_on <= '{born}' AND t.relation NOT IN ('self', 'tutor')"),
            ),
        ] {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT DISTINCT {key} AS key FROM guardianship t JOIN student s ON s.id = t.student_id \
                 WHERE {when} AND {attends} AND {} ORDER BY key",
                unasked(kind, key)
            )))
            .persistent(false)
            .fetch_all(&mut *self.db)
            .await?;
            for row in &rows {
                self.hold(kind, &text(row, "key")?, now).await?;
                asked += 1;
            }
        }
        Ok(asked)
    }

    /// Whom a question about rights is about: «Соколов Иван and Соколова Мария, restricted to
    /// 2026-10-14 (решение суда № 2-114/2026)».
    pub(super) async fn whose_rights(&mut self, key: &str) -> Result<String, StoreError> {
        let mut parts = key.split(':');
        let (entity, id) = (parts.next().unwrap_or_default(), parts.next());
        let id: i64 = id.and_then(|id| id.parse().ok()).unwrap_or_default();
        if entity == "student" {
            let row =
                sqlx::query("SELECT surname, given_name, birth_on FROM student WHERE id = $1")
                    .bind(id)
                    .fetch_one(&mut *self.db)
                    .await?;
            let born = some_text(&row, "birth_on")?.unwrap_or_default();
            return Ok(format!(
                "{} {}, born {born}",
                text(&row, "surname")?,
                text(&row, "given_name")?
            ));
        }
        let row = sqlx::query(
            "SELECT g.surname, g.given_name, s.surname AS s_surname, s.given_name AS s_given, \
             t.restricted_to, t.document FROM guardianship t JOIN guardian g ON g.id = t.guardian_id \
             JOIN student s ON s.id = t.student_id WHERE t.id = $1",
        )
        .bind(id)
        .fetch_one(&mut *self.db)
        .await?;
        let document = some_text(&row, "document")?
            .map_or_else(String::new, |document| format!(" ({document})"));
        Ok(format!(
            "{} {} and {} {}, restricted to {}{document}",
            text(&row, "surname")?,
            text(&row, "given_name")?,
            text(&row, "s_surname")?,
            text(&row, "s_given")?,
            some_text(&row, "restricted_to")?.unwrap_or_default(),
        ))
    }

    /// Has the plan look again at those about whom a question was answered; nothing where it was about
    /// something else.
    pub(super) async fn answer(&mut self, hold: i64, now: Millis) -> Result<(), StoreError> {
        let row = sqlx::query("SELECT kind, burst FROM hold WHERE id = $1")
            .bind(hold)
            .fetch_one(&mut *self.db)
            .await?;
        if !Kind::about_rights(&text(&row, "kind")?) {
            return Ok(());
        }
        let key = text(&row, "burst")?;
        let of_student = key.starts_with("student:");
        let id: i64 = key
            .split(':')
            .nth(1)
            .and_then(|id| id.parse().ok())
            .unwrap_or_default();
        let column = if of_student { "student_id" } else { "id" };
        let ties = sqlx::query(AssertSqlSafe(format!(
            "SELECT id, guardian_id, student_id FROM guardianship WHERE {column} = $1"
        )))
        .bind(id)
        .fetch_all(&mut *self.db)
        .await?;
        for tie in &ties {
            let whose = (Some(int(tie, "guardian_id")?), int(tie, "student_id")?);
            self.hint("guardianship", int(tie, "id")?, whose, now)
                .await?;
        }
        Ok(())
    }
}
