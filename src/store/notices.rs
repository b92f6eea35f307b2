//! Notices: opened, kept, closed, called back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    StoreError,
    lane::Tx,
    rows::{ids, int, parsed, some_text, text, values},
};
use crate::{
    breaker::Burst,
    family::preference::Event,
    instant::Millis,
    journal::{
        cell::{Cell, Known},
        fact::Fact,
    },
    week::Week,
};

/// A duty to be written down.
#[derive(Debug, Clone)]
pub struct NewNotice {
    /// Whom to tell.
    pub guardian_id: i64,
    /// What.
    pub fact: Fact,
    /// What it will be told as.
    pub event: Event,
    /// Whether quiet hours do not hold it.
    pub urgent: bool,
    /// What they know.
    pub basis: Known,
    /// When the settling ends.
    pub due_at: Millis,
    /// The change it came from.
    pub change_id: Option<i64>,
    /// What it came with; none for what the school says about the service itself.
    pub burst: Option<Burst>,
    /// The week, by the ISO calendar, in which the family should hear of it.
    pub week: Week,
    /// The decision that it waits for, if it must.
    pub hold_id: Option<i64>,
}

/// The states of a duty that is neither done nor given up.
pub(super) const OPEN: &str = "('settling', 'waiting', 'in_message', 'held')";

impl Tx {
    /// The facts of the open notices of these guardians or students.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn open_facts(
        &mut self,
        guardians: &BTreeSet<i64>,
        students: &BTreeSet<i64>,
    ) -> Result<Vec<Fact>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT fact FROM notice WHERE state IN {OPEN} \
             AND (guardian_id IN ({}) OR student_id IN ({}))",
            ids(guardians),
            ids(students)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(|row| parsed(row, "fact")).collect()
    }

    /// Has the waiting notices of these guardians or students look for their road anew.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn reroute(
        &mut self,
        guardians: &BTreeSet<i64>,
        students: &BTreeSet<i64>,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET state = 'settling', waits_for = 'settling', due_at = $1, \
             reason = NULL, state_at = $1 WHERE state = 'waiting' AND (due_at IS NULL OR due_at > $1) \
             AND COALESCE(reason, '') <> 'restored' \
             AND (guardian_id IN ({}) OR student_id IN ({}))",
            ids(guardians),
            ids(students)
        )))
        .persistent(false)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Writes notices and returns their ids with whom and what they are for.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn open_notices(
        &mut self,
        notices: &[NewNotice],
        now: Millis,
    ) -> Result<BTreeMap<(Fact, i64), i64>, StoreError> {
        let mut written = BTreeMap::new();
        for batch in notices.chunks(100) {
            let sql = format!(
                "INSERT INTO notice (guardian_id, student_id, fact, event, urgency, basis, basis_told, \
                 due_at, change_id, seen_at, state_at, burst, week, hold_id, state, waits_for) VALUES {} \
                 RETURNING id, guardian_id, fact",
                values(batch.len(), 16)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for notice in batch {
                let held = notice.hold_id.is_some();
                query = query
                    .bind(notice.guardian_id)
                    .bind(notice.fact.student_id)
                    .bind(notice.fact.to_string())
                    .bind(notice.event.code())
                    .bind(urgency(notice.urgent))
                    .bind(json(notice.basis.cell()))
                    .bind(i64::from(matches!(notice.basis, Known::Told(_))))
                    .bind(Some(notice.due_at).filter(|_| !held))
                    .bind(notice.change_id)
                    .bind(now)
                    .bind(now)
                    .bind(notice.burst.map(|burst| burst.to_string()))
                    .bind(notice.week.to_string())
                    .bind(notice.hold_id)
                    .bind(if held { "held" } else { "settling" })
                    .bind(if held { "decision" } else { "settling" });
            }
            for row in &query.fetch_all(&mut *self.db).await? {
                let key = (parsed(row, "fact")?, int(row, "guardian_id")?);
                written.insert(key, int(row, "id")?);
            }
        }
        Ok(written)
    }

    /// Notes what an open notice will be told as.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_notice(&mut self, id: i64, event: Event) -> Result<(), StoreError> {
        sqlx::query("UPDATE notice SET event = $2 WHERE id = $1 AND event <> $2")
            .bind(id)
            .bind(event.code())
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Ends an open notice with its reason.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn close_notice(
        &mut self,
        id: i64,
        reason: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE notice SET state = 'closed', reason = $2, waits_for = NULL, due_at = NULL, \
             look_again = 0, state_at = $3 WHERE id = $1 AND state IN {OPEN}"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(id)
            .bind(reason)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Calls back the messages that carry a notice, if all of them still stand ready. Their notices
    /// wait to be composed anew, at once. False where one is going out.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn recall(&mut self, notice_id: i64, now: Millis) -> Result<bool, StoreError> {
        let carriers = sqlx::query(
            "SELECT m.id, m.state FROM message_notice c JOIN message m ON m.id = c.message_id \
             WHERE c.notice_id = $1 AND m.state IN ('ready', 'sending', 'in_doubt')",
        )
        .bind(notice_id)
        .fetch_all(&mut *self.db)
        .await?;
        if carriers
            .iter()
            .any(|row| text(row, "state").is_ok_and(|state| state != "ready"))
        {
            return Ok(false);
        }
        for row in &carriers {
            let id = int(row, "id")?;
            let recalled = sqlx::query(
                "UPDATE message SET state = 'superseded', reason = 'corrected before it left', \
                 state_at = $2 WHERE id = $1 AND state = 'ready'",
            )
            .bind(id)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
            if recalled.rows_affected() == 0 {
                return Ok(false);
            }
            self.return_notices(id, now).await?;
        }
        Ok(true)
    }

    /// Marks a notice whose fact changed while its message was leaving.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn look_again(&mut self, notice_id: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE notice SET look_again = 1 WHERE id = $1")
            .bind(notice_id)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }
}

/// `notice.urgency`: below 2 is urgent.
fn urgency(urgent: bool) -> i64 {
    if urgent { 1 } else { 2 }
}

/// `message.urgency`: the lower leaves first, and below 2 is urgent. What staff hear has 2.
pub(super) fn precedence(urgent: bool, alarm: bool) -> i64 {
    match (urgent, alarm) {
        (true, _) => urgency(true),
        (false, true) => 2,
        (false, false) => 3,
    }
}

/// A cell as the database keeps it: a JSON array of values.
pub(super) fn json(cell: &Cell) -> String {
    Value::from(cell.values().to_vec()).to_string()
}

/// Reads what [`json`] wrote.
pub(super) fn cell(json: &str, column: &'static str) -> Result<Cell, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Content(column))
}

/// What somebody knew when a notice was opened, from its two columns.
pub(super) fn basis(row: &AnyRow) -> Result<Known, StoreError> {
    let cell = cell(&text(row, "basis")?, "notice.basis")?;
    Ok(if int(row, "basis_told")? == 1 {
        Known::Told(cell)
    } else {
        Known::Untold(cell)
    })
}

/// What they were perhaps told since, from the column of [`PERHAPS`](super::due::PERHAPS).
pub(super) fn perhaps(row: &AnyRow) -> Result<Option<Cell>, StoreError> {
    let told = some_text(row, "perhaps")?;
    told.map(|told| cell(&told, "message_notice.value"))
        .transpose()
}
