//! Starts of the program, and what a restored or copied database sets aside.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    Dialect, Store, StoreError, Verdict,
    lane::Tx,
    rows::{ids, int, parsed, some_int, text},
};
use crate::{
    breaker::Kind,
    instant::Millis,
    journal::fact::Fact,
    quarantine::{Mark, Seen, Standing, judge},
    zone,
};

/// A start that is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// What the file has to say from now on.
    pub mark: Mark,
    /// How the database stands.
    pub standing: Standing,
    /// Whether nothing may be sent.
    pub quarantined: bool,
}

/// The question of a restored copy has this before the instant of the last call.
const RESTORED: &str = "restored:";

impl Store {
    /// Writes a start down, and opens a quarantine where the database is an older copy or comes from
    /// another machine. The file is to be written when this has returned.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn start(
        &self,
        machine: &str,
        file: Option<Mark>,
        now: Millis,
    ) -> Result<Begun, StoreError> {
        let mut tx = self.transaction().await?;
        let rows = sqlx::query("SELECT machine, epoch FROM instance ORDER BY started_at, id")
            .fetch_all(&mut *tx.db)
            .await?;
        let instances = rows
            .iter()
            .map(|row| Ok((text(row, "machine")?, int(row, "epoch")?)))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let row = sqlx::query(
            "SELECT (SELECT MAX(id) FROM attempt) AS attempt, (SELECT MAX(id) FROM notice) AS notice",
        )
        .fetch_one(&mut *tx.db)
        .await?;
        let attempt = some_int(&row, "attempt")?.unwrap_or_default();
        let seen = Seen {
            machine: machine.to_owned(),
            file,
            attempt,
            fresh: some_int(&row, "notice")?.is_none(),
            shared: self.dialect == Dialect::Postgres,
            instances,
        };
        let standing = judge(&seen);
        let file = file.unwrap_or_default();
        let own = seen.instances.iter().find(|(name, _)| name == machine);
        let epoch = own.map_or(0, |(_, epoch)| *epoch).max(file.epoch) + 1;
        sqlx::query(
            "INSERT INTO instance (machine, epoch, started_at) VALUES ($1, $2, $3) \
             ON CONFLICT (machine) DO UPDATE SET epoch = excluded.epoch, started_at = excluded.started_at",
        )
        .bind(machine)
        .bind(epoch)
        .bind(now)
        .execute(&mut *tx.db)
        .await?;
        match standing {
            Standing::Usual => {}
            Standing::Moved => {
                tx.hold(Kind::Quarantine, "moved", now).await?;
            }
            Standing::Restored => {
                let burst = format!("{RESTORED}{}", file.sent_at);
                let hold = tx.hold(Kind::Quarantine, &burst, now).await?;
                tx.set_aside(hold, now).await?;
            }
        }
        tx.commit().await?;
        Ok(Begun {
            mark: Mark {
                epoch,
                attempt,
                sent_at: file.sent_at,
            },
            standing,
            quarantined: self.quarantined().await?,
        })
    }

    /// Whether nothing may be sent because a person has not said yet that this database may.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn quarantined(&self) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM hold WHERE kind = 'quarantine' AND decided_at IS NULL LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }
}

impl Tx {
    /// The question that everything new waits for in a restored database, while it is open: what a later
    /// import brings back may have been told before.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn restored(&mut self) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM hold WHERE kind = 'quarantine' AND decided_at IS NULL \
             AND burst LIKE 'restored:%' ORDER BY id LIMIT 1",
        )
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| int(&row, "id")).transpose()
    }

    /// Sets aside what a restored database was about to send: it may have left before. The messages end
    /// unresolved, and what they told counts as perhaps known; their notices and all others that are
    /// open, but for those that wait for the sheet, wait for the question's answer.
    async fn set_aside(&mut self, hold: i64, now: Millis) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "UPDATE message SET state = 'unresolved', state_at = $1, \
             reason = 'the database was restored: it may have left before' \
             WHERE state IN ('ready', 'sending', 'in_doubt') AND channel <> 'paper' RETURNING id",
        )
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        let messages = rows
            .iter()
            .map(|row| int(row, "id"))
            .collect::<Result<Vec<_>, _>>()?;
        for message in &messages {
            self.lose_attempts(*message, now).await?;
            self.remember_told(*message, now).await?;
        }
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET state = 'held', waits_for = 'decision', due_at = NULL, reason = NULL, \
             hold_id = $1, state_at = $2 WHERE (state = 'settling' \
             OR (state = 'waiting' AND waits_for <> 'sheet') OR (state = 'in_message' AND id IN \
                 (SELECT notice_id FROM message_notice WHERE message_id IN ({}))))",
            ids(&messages)
        )))
        .persistent(false)
        .bind(hold)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// A person has decided about a quarantine; returns how many notices go on or end.
    ///
    /// - *Release*: this database sends. In a restored one, what was planned before its last call or is
    ///   about a day up to then may have been told: it goes on this week's sheet, where a repetition does
    ///   no harm, and never out a second time. What is newer goes its way.
    /// - *Summarise*: everything goes on this week's sheet.
    /// - *Drop*: everything that was composed or planned ends untold, but what waits for the sheet. That
    ///   is right where another machine goes on sending the same.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub(super) async fn end_quarantine(
        &mut self,
        hold: i64,
        burst: &str,
        verdict: Verdict,
        now: Millis,
    ) -> Result<u64, StoreError> {
        if verdict == Verdict::Drop {
            return self.drop_all(now).await;
        }
        let sent_at = burst.strip_prefix(RESTORED).and_then(|at| at.parse().ok());
        let sent_at: Millis = sent_at.unwrap_or_default();
        let school = sqlx::query("SELECT timezone FROM school ORDER BY id LIMIT 1")
            .fetch_optional(&mut *self.db)
            .await?;
        let zone = match school {
            Some(row) => text(&row, "timezone")?
                .parse()
                .map_err(|_| StoreError::Content("school.timezone"))?,
            None => chrono_tz::Tz::UTC,
        };
        let last_day: NaiveDate = zone::local(sent_at, zone).date();
        let rows = sqlx::query(
            "SELECT id, fact, seen_at, guardian_id FROM notice WHERE hold_id = $1 AND state = 'held'",
        )
        .bind(hold)
        .fetch_all(&mut *self.db)
        .await?;
        let (mut told, mut new) = (Vec::new(), Vec::new());
        for row in &rows {
            let fact: Option<Fact> = match some_int(row, "guardian_id")? {
                Some(_) => Some(parsed(row, "fact")?),
                None => None,
            };
            let day = fact.and_then(|fact| fact.place.date());
            let perhaps_told = verdict == Verdict::Summarise
                || int(row, "seen_at")? <= sent_at
                || day.is_some_and(|day| day <= last_day);
            let id = int(row, "id")?;
            if perhaps_told {
                told.push(id);
            } else {
                new.push(id);
            }
        }
        for (list, set) in [
            (
                &told,
                "state = 'waiting', waits_for = 'sheet', due_at = NULL, reason = 'restored'",
            ),
            (
                &new,
                "state = 'settling', waits_for = 'settling', due_at = $1",
            ),
        ] {
            sqlx::query(AssertSqlSafe(format!(
                "UPDATE notice SET {set}, state_at = $1 WHERE id IN ({})",
                ids(list)
            )))
            .persistent(false)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(u64::try_from(rows.len()).unwrap_or_default())
    }

    async fn drop_all(&mut self, now: Millis) -> Result<u64, StoreError> {
        let ended = sqlx::query(
            "UPDATE notice SET state = 'closed', waits_for = NULL, due_at = NULL, reason = 'dropped', \
             state_at = $1 WHERE state = 'settling' OR (state = 'waiting' AND waits_for <> 'sheet') \
             OR (state = 'held' AND hold_id IN (SELECT id FROM hold WHERE kind = 'quarantine')) \
             OR (state = 'in_message' AND id IN (SELECT c.notice_id FROM message_notice c \
                 JOIN message m ON m.id = c.message_id WHERE m.state IN ('ready', 'in_doubt') \
                 AND m.channel <> 'paper'))",
        )
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        sqlx::query(
            "UPDATE message SET state = 'cancelled', state_at = $1, \
             reason = 'composed before the database was restored or moved, and dropped' \
             WHERE state IN ('ready', 'in_doubt') AND channel <> 'paper'",
        )
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(ended.rows_affected())
    }
}
