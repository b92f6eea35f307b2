//! What [`crate::failover`] reads and writes: how accounts stand, what speaks for and against them, and the
//! messages that go from one to the other.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{int, some_int, some_text, text},
};
use crate::{
    failover::{Awaited, Evidence, Lane, SPARE, Spoken, Standing, Why, Word},
    instant::Millis,
    journal::fact::{Fact, Place},
    text::StaffNews,
};

/// How many calls of an account are looked at.
const CALLS: i64 = 300;

const LANE: &str = "SELECT id, name, standing, standing_since, standing_because, falls, probes, probed_at, \
     rests_since, rests_until FROM lane";

impl Store {
    /// How all accounts stand that were ever used.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lanes(&self) -> Result<BTreeMap<String, Lane>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(LANE))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((text(row, "name")?, lane(row)?)))
            .collect()
    }

    /// Whether anything is ready on a lane.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn has_ready(&self, lane: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM message WHERE lane = $1 AND state = 'ready' LIMIT 1")
            .bind(lane)
            .fetch_optional(&mut *self.borrow().await?)
            .await?;
        Ok(row.is_some())
    }
}

impl Tx {
    /// How these accounts stand, in this order. One that was never used is healthy.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn standings(&mut self, names: &[&str]) -> Result<Vec<Lane>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(LANE))
            .fetch_all(&mut *self.db)
            .await?;
        let mut known = BTreeMap::new();
        for row in &rows {
            known.insert(text(row, "name")?, lane(row)?);
        }
        let lanes = names
            .iter()
            .map(|name| known.remove(*name).unwrap_or_default());
        Ok(lanes.collect())
    }

    /// What the newest calls of an account, and their receipts if there are any, say about it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn evidence(&mut self, lane: &str, reports: bool) -> Result<Evidence, StoreError> {
        let rows = sqlx::query(
            "SELECT a.started_at, a.finished_at, a.outcome, a.blames, m.state, m.state_at, \
             COALESCE(m.contact_id, -m.id) AS phone FROM (SELECT id, message_id, started_at, finished_at, \
                 outcome, blames FROM attempt WHERE lane = $1 ORDER BY id DESC LIMIT $2) a \
             JOIN message m ON m.id = a.message_id \
             WHERE a.outcome = 'accepted' OR a.blames IS NOT NULL ORDER BY a.finished_at, a.id",
        )
        .bind(lane)
        .bind(CALLS)
        .fetch_all(&mut *self.db)
        .await?;
        let mut evidence = Evidence::default();
        for row in &rows {
            let (to, phone) = (int(row, "finished_at")?, int(row, "phone")?);
            let word = match some_text(row, "blames")?.as_deref() {
                Some("lane") => Word::Lane,
                Some(_) => Word::Call,
                None => Word::Taken,
            };
            evidence.calls.push(Spoken {
                from: int(row, "started_at")?,
                to,
                phone,
                word,
            });
            let arrived = match text(row, "state")?.as_str() {
                "delivered" => Some(int(row, "state_at")?),
                "accepted" | "no_receipt" => None,
                _ => continue,
            };
            if reports && word == Word::Taken {
                evidence.awaited.push(Awaited {
                    taken: to,
                    arrived,
                    phone,
                });
            }
        }
        Ok(evidence)
    }

    /// Writes down how an account stands from now on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn stand(&mut self, name: &str, lane: &Lane) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE lane SET standing = $2, standing_since = $3, standing_because = $4, falls = $5, \
             probes = $6, probed_at = $7 WHERE name = $1",
        )
        .bind(name)
        .bind(lane.standing.code())
        .bind(lane.since)
        .bind(lane.because.map(Why::code))
        .bind(i64::from(lane.falls))
        .bind(i64::try_from(lane.probes).unwrap_or(i64::MAX))
        .bind(lane.probed_at)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Notes that an account that is down was asked, and whether it answered.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn probed(&mut self, name: &str, works: bool, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE lane SET probes = CASE WHEN $2 = 1 THEN probes + 1 ELSE 0 END, probed_at = $3 \
             WHERE name = $1 AND standing = 'down'",
        )
        .bind(name)
        .bind(i64::from(works))
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Gives what is ready on one account, urgent or not, to another one of its channel. Nobody knows better
    /// than `ready` that it was not taken; the check at sending is the last word on its hour.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn hand_over(
        &mut self,
        from: &str,
        to: &str,
        urgent: bool,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let moved = sqlx::query(
            "UPDATE message SET lane = $2, \
             not_before = CASE WHEN not_before > $3 THEN $3 ELSE not_before END \
             WHERE lane = $1 AND state = 'ready' \
             AND CASE WHEN urgency < 2 THEN 1 ELSE 0 END = $4",
        )
        .bind(from)
        .bind(to)
        .bind(now)
        .bind(i64::from(urgent))
        .execute(&mut *self.db)
        .await?;
        Ok(moved.rows_affected())
    }

    /// Gives what is ready on accounts that are not configured any more to one that is: `names` are those of
    /// its channel.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn take_in(
        &mut self,
        channel: &str,
        names: &[&str],
        to: &str,
    ) -> Result<u64, StoreError> {
        let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        let moved = sqlx::query(AssertSqlSafe(format!(
            "UPDATE message SET lane = $1 WHERE state = 'ready' AND channel = $2 AND lane NOT IN ({})",
            names.join(", ")
        )))
        .persistent(false)
        .bind(to)
        .bind(channel)
        .execute(&mut *self.db)
        .await?;
        Ok(moved.rows_affected())
    }

    /// Whether a message of an account is about to leave or under way.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn is_tried(&mut self, lane: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 AS n WHERE EXISTS (SELECT 1 FROM message WHERE lane = $1 AND state = 'ready') \
             OR EXISTS (SELECT 1 FROM attempt WHERE lane = $1 AND finished_at IS NULL)",
        )
        .bind(lane)
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(row.is_some())
    }

    /// The account that has a message, or will have it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lane_of(&mut self, message_id: i64) -> Result<String, StoreError> {
        let row = sqlx::query("SELECT lane FROM message WHERE id = $1")
            .bind(message_id)
            .fetch_one(&mut *self.db)
            .await?;
        text(&row, "lane")
    }

    /// Notes that a message is with this account, whichever was to carry it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn carried_by(&mut self, message_id: i64, lane: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET lane = $2 WHERE id = $1 AND lane <> $2")
            .bind(message_id)
            .bind(lane)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Opens a notice for each administrator, or else the director, that an account is down since `since`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_of_lane(
        &mut self,
        name: &str,
        since: Millis,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT w.staff_id, l.id AS lane_id FROM lane l CROSS JOIN \
             (SELECT id AS staff_id, role FROM staff UNION SELECT staff_id, role FROM duty \
              WHERE (from_on IS NULL OR from_on <= $1) AND (to_on IS NULL OR to_on >= $1)) w \
             JOIN staff f ON f.id = w.staff_id AND (f.from_on IS NULL OR f.from_on <= $1) \
             AND (f.to_on IS NULL OR f.to_on >= $1) \
             WHERE l.name = $2 AND (w.role = 'admin' OR (w.role = 'director' \
                 AND NOT EXISTS (SELECT 1 FROM staff o WHERE o.role = 'admin') \
                 AND NOT EXISTS (SELECT 1 FROM duty d WHERE d.role = 'admin'))) ORDER BY w.staff_id",
        )
        .bind(today.to_string())
        .bind(name)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let fact = Fact {
                student_id: 0,
                place: Place::Lane(int(row, "lane_id")?),
            };
            self.open_for_staff(int(row, "staff_id")?, None, fact, since, now, now)
                .await?;
        }
        Ok(())
    }

    /// What staff read of an account that is down; none where it is in use again.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub(super) async fn lane_news(&mut self, id: i64) -> Result<Option<StaffNews>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!("{LANE} WHERE id = $1")))
            .bind(id)
            .fetch_optional(&mut *self.db)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let spare = text(&row, "name")? == SPARE;
        let lane = lane(&row)?;
        let why = lane.because.filter(|_| !lane.standing.in_use());
        Ok(why.map(|why| StaffNews::of_gateway(spare, why)))
    }
}

fn lane(row: &AnyRow) -> Result<Lane, StoreError> {
    let number = |column| -> Result<i64, StoreError> { int(row, column) };
    Ok(Lane {
        standing: Standing::from_code(&text(row, "standing")?)
            .ok_or(StoreError::Content("lane.standing"))?,
        since: number("standing_since")?,
        because: some_text(row, "standing_because")?
            .as_deref()
            .and_then(Why::from_code),
        falls: u32::try_from(number("falls")?).unwrap_or(u32::MAX),
        probes: usize::try_from(number("probes")?).unwrap_or_default(),
        probed_at: number("probed_at")?,
        rests_since: some_int(row, "rests_since")?,
        rests_until: number("rests_until")?,
    })
}
