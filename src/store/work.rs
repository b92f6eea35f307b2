//! Cheap questions that tell whether a turn has anything to do, asked outside any transaction.

use sqlx::Row;

use super::{Store, StoreError, rows::some_int};
use crate::instant::Millis;

impl Store {
    /// Whether there are changes that nobody has planned.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn has_unplanned(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT id FROM change WHERE planned_at IS NULL LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Whether a notice's time has come.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn has_due(&self, now: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM notice WHERE state IN ('settling', 'waiting') AND due_at <= $1 \
             AND guardian_id IS NOT NULL LIMIT 1",
        )
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Whether a doubt or a receipt of this lane has waited long enough.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn has_overdue(&self, lane: &str, now: Millis) -> Result<bool, StoreError> {
        Ok(self.count_overdue(lane, now).await? > 0)
    }

    /// How many doubts and receipts of this lane have waited long enough.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn count_overdue(&self, lane: &str, now: Millis) -> Result<usize, StoreError> {
        self.count(
            "SELECT COUNT(*) FROM message WHERE lane = $1 AND state IN ('in_doubt', 'accepted') \
             AND not_before <= $2",
            lane,
            now,
        )
        .await
    }

    /// How many messages of this lane wait for nothing but a permit.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn count_ready(&self, lane: &str, now: Millis) -> Result<usize, StoreError> {
        self.count(
            "SELECT COUNT(*) FROM message WHERE lane = $1 AND state = 'ready' AND not_before <= $2",
            lane,
            now,
        )
        .await
    }

    async fn count(&self, sql: &'static str, lane: &str, now: Millis) -> Result<usize, StoreError> {
        let row = sqlx::query(sql)
            .bind(lane)
            .bind(now)
            .fetch_one(&self.pool)
            .await?;
        Ok(usize::try_from(row.try_get::<i64, _>(0)?).unwrap_or_default())
    }

    /// The next instant at which something falls due by itself.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn wake_at(&self, now: Millis) -> Result<Option<Millis>, StoreError> {
        let mut next: Option<Millis> = None;
        for sql in [
            "SELECT MIN(due_at) AS at FROM notice WHERE state IN ('settling', 'waiting') AND due_at > $1",
            "SELECT MIN(not_before) AS at FROM message \
             WHERE state IN ('ready', 'in_doubt', 'accepted') AND not_before > $1",
            "SELECT MIN(rests_until) AS at FROM lane WHERE rests_until > $1",
        ] {
            let row = sqlx::query(sql).bind(now).fetch_one(&self.pool).await?;
            let at = some_int(&row, "at")?;
            next = [next, at].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Keeps the answer to a call whose lane was lost meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_late(
        &self,
        lane: &str,
        message_id: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO receipt (lane, message_id, kind, received_at) VALUES ($1, $2, 'under_way', $3)",
        )
        .bind(lane)
        .bind(message_id)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
