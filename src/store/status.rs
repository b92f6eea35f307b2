//! What is told about the whole: counts by state, and who is meant by a name.

use std::collections::BTreeMap;

use serde::Serialize;
use sqlx::{AssertSqlSafe, Row};

use super::{
    Store, StoreError,
    rows::{int, some_int, some_text, text},
};
use crate::{failover::Why, instant::Millis, journal::school::School};

/// The state of everything, in the shape of `status --json`.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct Status {
    /// Per channel and state, how many messages.
    pub messages: BTreeMap<String, BTreeMap<String, i64>>,
    /// Per state, how many notices.
    pub notices: BTreeMap<String, i64>,
    /// Changes that nobody has looked at yet.
    pub changes_unplanned: i64,
    /// Notices that wait for a person's decision.
    pub held: i64,
    /// Messages of which nobody knows whether they were taken, now.
    pub in_doubt: i64,
    /// Messages that were sent once more after a doubt, ever.
    pub possible_duplicates: i64,
    /// How long the oldest message that could leave has waited, in milliseconds.
    pub oldest_ready_ms: Option<i64>,
    /// Failing addresses of families that no teacher could be told of in the last week.
    pub untold_to_staff: i64,
    /// Whether nothing is sent because the database was restored or moved.
    pub quarantine: bool,
    /// How each account stands that was used.
    pub lanes: BTreeMap<String, LaneStatus>,
    /// Per lane that rests: why.
    pub resting: BTreeMap<String, String>,
}

/// How an account stands.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct LaneStatus {
    /// `healthy`, `suspect`, `trial` or `down`.
    pub standing: &'static str,
    /// Since when, in milliseconds UTC; 0 where it never stood otherwise.
    pub since: Millis,
    /// Why it is down, or was before its trial.
    pub because: Option<&'static str>,
}

/// Somebody found by id, key or name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The row's id.
    pub id: i64,
    /// «Соколова Мария»
    pub name: String,
    /// What tells namesakes apart: the class, or the source key.
    pub hint: String,
}

impl Store {
    /// Counts everything.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn status(&self, now: Millis) -> Result<Status, StoreError> {
        let mut status = Status::default();
        let rows = sqlx::query(
            "SELECT channel, state, COUNT(*) AS n FROM message WHERE channel <> 'paper' \
             GROUP BY channel, state",
        )
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let of_channel = status.messages.entry(text(row, "channel")?).or_default();
            of_channel.insert(text(row, "state")?, int(row, "n")?);
        }
        let sheets = sqlx::query("SELECT state, COUNT(*) AS n FROM sheet GROUP BY state")
            .fetch_all(&self.pool)
            .await?;
        for row in &sheets {
            let of_paper = status.messages.entry("paper".into()).or_default();
            of_paper.insert(text(row, "state")?, int(row, "n")?);
        }
        let rows = sqlx::query("SELECT state, COUNT(*) AS n FROM notice GROUP BY state")
            .fetch_all(&self.pool)
            .await?;
        for row in &rows {
            status.notices.insert(text(row, "state")?, int(row, "n")?);
        }
        status.held = status.notices.get("held").copied().unwrap_or_default();
        status.changes_unplanned = self
            .one("SELECT COUNT(*) FROM change WHERE planned_at IS NULL")
            .await?;
        status.in_doubt = self
            .one("SELECT COUNT(*) FROM message WHERE state = 'in_doubt'")
            .await?;
        status.possible_duplicates = self
            .one("SELECT COUNT(*) FROM message WHERE resent = 1")
            .await?;
        let row = sqlx::query(
            "SELECT MIN(not_before) AS at FROM message WHERE state = 'ready' AND not_before <= $1",
        )
        .bind(now)
        .fetch_one(&self.pool)
        .await?;
        status.oldest_ready_ms = some_int(&row, "at")?.map(|at| now - at);
        status.untold_to_staff = self.untold_to_staff(now).await?;
        status.quarantine = self.quarantined().await?;
        status.lanes = self
            .lanes()
            .await?
            .into_iter()
            .filter(|(name, _)| name != "plan" && name != "bot")
            .map(|(name, lane)| {
                let stands = LaneStatus {
                    standing: lane.standing.code(),
                    since: lane.since,
                    because: lane.because.map(Why::code),
                };
                (name, stands)
            })
            .collect();
        status.resting = self
            .resting(now)
            .await?
            .into_iter()
            .map(|(lane, why)| (lane, why.unwrap_or_default()))
            .collect();
        Ok(status)
    }

    async fn one(&self, sql: &'static str) -> Result<i64, StoreError> {
        Ok(sqlx::query(sql).fetch_one(&self.pool).await?.try_get(0)?)
    }

    /// Makes the school's row where there is none, and returns the school's zone.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a zone that is none.
    pub async fn school(&self, seed: &School) -> Result<chrono_tz::Tz, StoreError> {
        sqlx::query(
            "INSERT INTO school (name, short_name, phone, timezone, language, policy) \
             SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT 1 FROM school)",
        )
        .bind(&seed.name)
        .bind(seed.short_name.as_deref())
        .bind(seed.phone.as_deref())
        .bind(seed.timezone.name())
        .bind(&seed.language)
        .bind(&seed.policy)
        .execute(&self.pool)
        .await?;
        let row = sqlx::query("SELECT timezone FROM school ORDER BY id LIMIT 1")
            .fetch_one(&self.pool)
            .await?;
        text(&row, "timezone")?
            .parse()
            .map_err(|_| StoreError::Content("school.timezone"))
    }

    /// The language of the school's texts: `ru`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn language(&self) -> Result<String, StoreError> {
        let row = sqlx::query("SELECT language FROM school ORDER BY id LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        row.map_or_else(|| Ok("ru".to_owned()), |row| text(&row, "language"))
    }

    /// The students whom `who` may mean: an id, a source key, or «Фамилия Имя».
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn find_students(&self, who: &str) -> Result<Vec<Found>, StoreError> {
        let class = "(SELECT CAST(c.grade AS TEXT) || c.letter FROM enrolment e \
                     JOIN class c ON c.id = e.class_id WHERE e.student_id = p.id ORDER BY e.id DESC LIMIT 1)";
        self.find("student", class, who).await
    }

    /// The guardians whom `who` may mean.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn find_guardians(&self, who: &str) -> Result<Vec<Found>, StoreError> {
        self.find("guardian", "p.source_key", who).await
    }

    /// The members of staff whom `who` may mean.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn find_staff(&self, who: &str) -> Result<Vec<Found>, StoreError> {
        self.find("staff", "p.role", who).await
    }

    async fn find(&self, table: &str, hint: &str, who: &str) -> Result<Vec<Found>, StoreError> {
        let id: i64 = who.trim().parse().unwrap_or(-1);
        let (surname, given) = who
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((who.trim(), ""));
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT p.id, p.surname, p.given_name, p.source_key, {hint} AS hint FROM {table} p \
             WHERE p.id = $1 OR p.source_key = $2 OR p.source_key LIKE '%/' || $2 \
             OR (p.surname = $3 AND (p.given_name = $4 OR $4 = '')) ORDER BY p.surname, p.given_name, p.id"
        )))
        .bind(id)
        .bind(who.trim())
        .bind(surname)
        .bind(given.split_whitespace().next().unwrap_or_default())
        .fetch_all(&self.pool)
        .await?;
        let mut found = Vec::new();
        for row in &rows {
            let one = Found {
                id: int(row, "id")?,
                name: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                hint: some_text(row, "hint")?.unwrap_or_default(),
            };
            // An id that is one is meant, whatever else a key may end with.
            if one.id == id {
                return Ok(vec![one]);
            }
            found.push(one);
        }
        Ok(found)
    }
}
