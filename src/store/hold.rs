//! What waits for a person: bursts, doubtful entries, and what is decided about them.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{ids, int, parsed, some_int, text},
};
use crate::{
    breaker::{Burst, Kind, Tally},
    instant::Millis,
    journal::{
        class_name::ClassName,
        fact::{Fact, Place},
    },
};

/// Something that waits for a person's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// `hold.id`
    pub id: i64,
    /// `hold.kind`
    pub kind: String,
    /// How many notices wait for it.
    pub count: i64,
    /// Since when.
    pub opened_at: Millis,
    /// What it is, and what is asked.
    pub what: String,
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Families hear of it.
    Release,
    /// Nobody hears of it.
    Drop,
    /// Each family hears in one sentence how much there is.
    Summarise,
}

impl Verdict {
    /// The code in `hold.decision`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Drop => "drop",
            Self::Summarise => "summarise",
        }
    }
}

impl Tx {
    /// How much of these bursts was opened before: of an import ever, else after `since`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tally(
        &mut self,
        bursts: &[Burst],
        since: Millis,
    ) -> Result<BTreeMap<Burst, Tally>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT burst, COUNT(*) AS n, \
             COUNT(DISTINCT CASE WHEN event = 'mark_withdrawn' THEN fact END) AS vanished \
             FROM notice WHERE burst IN ({}) AND (burst LIKE 'import:%' OR seen_at > $1) GROUP BY burst",
            keys(bursts)
        )))
        .persistent(false)
        .bind(since)
        .fetch_all(&mut *self.db)
        .await?;
        let tally = |row: &AnyRow| {
            let tally = Tally {
                notices: usize::try_from(int(row, "n")?).unwrap_or_default(),
                vanished: usize::try_from(int(row, "vanished")?).unwrap_or_default(),
            };
            Ok((parsed(row, "burst")?, tally))
        };
        rows.iter().map(tally).collect()
    }

    /// How many changes of these imports are not planned yet.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn coming(&mut self, bursts: &[Burst]) -> Result<BTreeMap<Burst, usize>, StoreError> {
        let imports: Vec<i64> = bursts
            .iter()
            .filter_map(|burst| match burst {
                Burst::Import(id) => Some(*id),
                _ => None,
            })
            .collect();
        if imports.is_empty() {
            return Ok(BTreeMap::new());
        }
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT import_id, COUNT(*) AS n FROM change WHERE planned_at IS NULL \
             AND import_id IN ({}) GROUP BY import_id",
            ids(&imports)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let coming = |row: &AnyRow| {
            let count = usize::try_from(int(row, "n")?).unwrap_or_default();
            Ok((Burst::Import(int(row, "import_id")?), count))
        };
        rows.iter().map(coming).collect()
    }

    /// Whether a person has let this burst pass: an import ever, else after `since`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn let_pass(&mut self, burst: Burst, since: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM hold WHERE kind IN ('volume', 'disappearance') AND decision = 'release' \
             AND burst = $1 AND (burst LIKE 'import:%' OR decided_at > $2) LIMIT 1",
        )
        .bind(burst.to_string())
        .bind(since)
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(row.is_some())
    }

    /// Whether a person has answered a question of this kind.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answered(&mut self, kind: Kind, burst: &str) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM hold WHERE kind = $1 AND burst = $2 AND decision = 'release' LIMIT 1",
        )
        .bind(kind.code())
        .bind(burst)
        .fetch_optional(&mut *self.db)
        .await?;
        Ok(row.is_some())
    }

    /// Opens a question, or finds the one that is open.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn hold(&mut self, kind: Kind, burst: &str, now: Millis) -> Result<i64, StoreError> {
        let open = sqlx::query(
            "SELECT id FROM hold WHERE kind = $1 AND burst = $2 AND decided_at IS NULL",
        )
        .bind(kind.code())
        .bind(burst)
        .fetch_optional(&mut *self.db)
        .await?;
        if let Some(row) = open {
            return int(&row, "id");
        }
        let whose = self.whose(burst).await?;
        let row = sqlx::query(
            "INSERT INTO hold (kind, burst, what, opened_at) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(kind.code())
        .bind(burst)
        .bind(format!("{whose}: {}", kind.words()))
        .bind(now)
        .fetch_one(&mut *self.db)
        .await?;
        int(&row, "id")
    }

    /// What a burst is called: «class 5А», «import 3 (netschool)».
    async fn whose(&mut self, burst: &str) -> Result<String, StoreError> {
        let mut parts = burst.split(':');
        let (kind, id) = (parts.next().unwrap_or_default(), parts.next());
        let id: i64 = id.and_then(|id| id.parse().ok()).unwrap_or_default();
        let day = parts
            .next()
            .map(|day| format!(", {day}"))
            .unwrap_or_default();
        match kind {
            "import" => {
                let row = sqlx::query("SELECT source FROM import WHERE id = $1")
                    .bind(id)
                    .fetch_optional(&mut *self.db)
                    .await?;
                let source = row.map_or(Ok(String::new()), |row| text(&row, "source"))?;
                Ok(format!("import {id} ({source})"))
            }
            "class" => {
                let row = sqlx::query("SELECT grade, letter FROM class WHERE id = $1")
                    .bind(id)
                    .fetch_optional(&mut *self.db)
                    .await?;
                let Some(row) = row else {
                    return Ok("a class".into());
                };
                let name = ClassName {
                    grade: u8::try_from(int(&row, "grade")?).unwrap_or_default(),
                    letter: super::rows::some_text(&row, "letter")?.unwrap_or_default(),
                };
                Ok(format!("class {name}{day}"))
            }
            "guardianship" | "student" => self.whose_rights(burst).await,
            "restored" => Ok("the database is older than what was sent from it".into()),
            "moved" => Ok("another machine sent from this database".into()),
            _ => Ok("students without a class".into()),
        }
    }

    /// Holds what a burst has opened and what has not been composed yet.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn hold_burst(
        &mut self,
        hold: i64,
        burst: Burst,
        since: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notice SET state = 'held', waits_for = 'decision', due_at = NULL, reason = NULL, \
             hold_id = $1, state_at = $4 WHERE burst = $2 AND urgency > 1 \
             AND (burst LIKE 'import:%' OR seen_at > $3) AND state IN ('settling', 'waiting')",
        )
        .bind(hold)
        .bind(burst.to_string())
        .bind(since)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// How many students of a class missed a lesson, and how many the class has that day.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn absent(
        &mut self,
        class: i64,
        date: NaiveDate,
        number: i64,
    ) -> Result<(usize, usize), StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS students, COUNT(a.id) AS absent FROM enrolment e \
             LEFT JOIN attendance a ON a.student_id = e.student_id AND a.date = $2 \
             AND COALESCE(a.number, 0) = $3 AND a.code NOT IN ('late', 'exempt') \
             WHERE e.class_id = $1 AND (e.from_on IS NULL OR e.from_on <= $2) \
             AND (e.to_on IS NULL OR e.to_on >= $2)",
        )
        .bind(class)
        .bind(date.to_string())
        .bind(number)
        .fetch_one(&mut *self.db)
        .await?;
        let count = |column| -> Result<usize, StoreError> {
            Ok(usize::try_from(int(&row, column)?).unwrap_or_default())
        };
        Ok((count("absent")?, count("students")?))
    }

    /// Holds the absences of a class in one lesson that nobody was told of yet.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn hold_absences(
        &mut self,
        hold: i64,
        class: i64,
        date: NaiveDate,
        number: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT n.id, n.fact FROM notice n WHERE n.event = 'absence' \
             AND n.state IN ('settling', 'waiting') AND n.student_id IN \
             (SELECT student_id FROM enrolment WHERE class_id = $1)",
        )
        .bind(class)
        .fetch_all(&mut *self.db)
        .await?;
        let mut missed = Vec::new();
        for row in &rows {
            let fact: Fact = parsed(row, "fact")?;
            if fact.place == (Place::Attendance { date, number }) {
                missed.push(int(row, "id")?);
            }
        }
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET state = 'held', waits_for = 'decision', due_at = NULL, reason = NULL, \
             hold_id = $1, state_at = $2 WHERE id IN ({})",
            ids(&missed)
        )))
        .persistent(false)
        .bind(hold)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

impl Store {
    /// What waits for a person, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let rows = sqlx::query(
            "SELECT h.id, h.kind, h.what, h.opened_at, \
             (SELECT COUNT(*) FROM notice n WHERE n.hold_id = h.id AND n.state = 'held') AS n \
             FROM hold h WHERE h.decided_at IS NULL ORDER BY h.opened_at, h.id",
        )
        .fetch_all(&self.pool)
        .await?;
        let hold = |row: &AnyRow| {
            Ok(Hold {
                id: int(row, "id")?,
                kind: text(row, "kind")?,
                count: int(row, "n")?,
                opened_at: int(row, "opened_at")?,
                what: text(row, "what")?,
            })
        };
        rows.iter().map(hold).collect()
    }

    /// Decides about what is held; returns how many notices go on or end. None where nothing of that
    /// number waits.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn decide(
        &self,
        hold: i64,
        verdict: Verdict,
        now: Millis,
    ) -> Result<Option<u64>, StoreError> {
        let mut tx = self.transaction().await?;
        let count = tx.decide(hold, verdict, None, now).await?;
        tx.commit().await?;
        Ok(count)
    }
}

impl Tx {
    /// As [`Store::decide`], by this member of staff.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn decide(
        &mut self,
        hold: i64,
        verdict: Verdict,
        staff: Option<i64>,
        now: Millis,
    ) -> Result<Option<u64>, StoreError> {
        let decided = sqlx::query(
            "UPDATE hold SET decided_at = $2, decision = $3, decided_by = CAST($4 AS BIGINT) WHERE id = $1 AND decided_at IS NULL \
             AND ($3 <> 'summarise' OR kind NOT IN ('restriction_over', 'of_age')) \
             RETURNING kind, burst",
        )
        .bind(hold)
        .bind(now)
        .bind(verdict.code())
        .bind(staff)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = decided else {
            return Ok(None);
        };
        let count = match verdict {
            _ if text(&row, "kind")? == Kind::Quarantine.code() => {
                let burst = text(&row, "burst")?;
                self.end_quarantine(hold, &burst, verdict, now).await?
            }
            Verdict::Release => self.release_held(hold, now).await?,
            Verdict::Drop => self.drop_held(hold, now).await?,
            Verdict::Summarise => self.summarise_held(hold, now).await?,
        };
        self.answer(hold, now).await?;
        Ok(Some(count))
    }

    /// Stops all sending until somebody releases it; a second time it changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn pause(&mut self, now: Millis) -> Result<(), StoreError> {
        self.hold(Kind::Pause, "all", now).await?;
        Ok(())
    }

    async fn release_held(&mut self, hold: i64, now: Millis) -> Result<u64, StoreError> {
        let released = sqlx::query(
            "UPDATE notice SET state = 'settling', waits_for = 'settling', due_at = $2, state_at = $2 \
             WHERE hold_id = $1 AND state = 'held'",
        )
        .bind(hold)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(released.rows_affected())
    }

    async fn drop_held(&mut self, hold: i64, now: Millis) -> Result<u64, StoreError> {
        let dropped = sqlx::query(
            "UPDATE notice SET state = 'closed', reason = 'dropped', waits_for = NULL, state_at = $2 \
             WHERE hold_id = $1 AND state = 'held'",
        )
        .bind(hold)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(dropped.rows_affected())
    }

    /// One notice for each guardian and student takes the place of all of theirs.
    async fn summarise_held(&mut self, hold: i64, now: Millis) -> Result<u64, StoreError> {
        let families = sqlx::query(
            "SELECT guardian_id, student_id, MIN(week) AS week, MIN(change_id) AS change_id \
             FROM notice WHERE hold_id = $1 AND state = 'held' AND guardian_id IS NOT NULL \
             GROUP BY guardian_id, student_id",
        )
        .bind(hold)
        .fetch_all(&mut *self.db)
        .await?;
        let mut merged = 0;
        for row in &families {
            let (guardian, student) = (int(row, "guardian_id")?, int(row, "student_id")?);
            let fact = Fact {
                student_id: student,
                place: Place::Summary(hold),
            };
            let summary = sqlx::query(
                "INSERT INTO notice (guardian_id, student_id, fact, event, basis, due_at, change_id, \
                 week, seen_at, state_at, waits_for) \
                 VALUES ($1, $2, $3, 'service', '[]', $4, $5, $6, $4, $4, 'settling') RETURNING id",
            )
            .bind(guardian)
            .bind(student)
            .bind(fact.to_string())
            .bind(now)
            .bind(some_int(row, "change_id")?)
            .bind(super::rows::some_text(row, "week")?)
            .fetch_one(&mut *self.db)
            .await?;
            let into = sqlx::query(
                "UPDATE notice SET state = 'merged', waits_for = NULL, merged_into = $4, state_at = $5 \
                 WHERE hold_id = $1 AND state = 'held' AND guardian_id = $2 AND student_id = $3",
            )
            .bind(hold)
            .bind(guardian)
            .bind(student)
            .bind(int(&summary, "id")?)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
            merged += into.rows_affected();
        }
        Ok(merged)
    }
}

/// The keys of bursts as the inside of `IN (…)`; they hold letters, digits and a colon.
fn keys(bursts: &[Burst]) -> String {
    let keys: Vec<String> = bursts.iter().map(|burst| format!("'{burst}'")).collect();
    keys.join(",")
}
