//! What was paid for messages.

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{int, text},
};
use crate::{family::route::WhyPaper, money::Kopecks};

/// What handing one message over costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// `spending.month`
    pub month: String,
    /// How many SMS it makes.
    pub parts: i64,
    /// What they cost together.
    pub cost: Kopecks,
}

/// What one account took in a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spending {
    /// The account.
    pub lane: String,
    /// How many SMS.
    pub parts: i64,
    /// What they cost.
    pub cost: Kopecks,
}

impl Tx {
    /// What a month has cost, and what the messages will cost that are composed and have not left.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn spent(&mut self, month: &str) -> Result<Kopecks, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE((SELECT SUM(cost) FROM spending WHERE month = $1), 0) \
             + COALESCE((SELECT SUM(cost) FROM message WHERE state = 'ready'), 0) AS BIGINT) AS cost",
        )
        .bind(month)
        .fetch_one(&mut *self.db)
        .await?;
        Ok(Kopecks(int(&row, "cost")?))
    }

    /// Charges a call to its month; returns `spending.id`.
    pub(super) async fn spend(&mut self, lane: &str, charge: &Charge) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO spending (lane, month, parts, cost) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (lane, month) DO UPDATE SET parts = spending.parts + excluded.parts, \
             cost = spending.cost + excluded.cost RETURNING id",
        )
        .bind(lane)
        .bind(&charge.month)
        .bind(charge.parts)
        .bind(charge.cost.0)
        .fetch_one(&mut *self.db)
        .await?;
        int(&row, "id")
    }

    /// Takes the charge of a call back: its provider did not take the message.
    pub(super) async fn refund(&mut self, attempt_id: i64) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE spending SET parts = parts - (SELECT parts FROM attempt WHERE id = $1), \
             cost = cost - (SELECT cost FROM attempt WHERE id = $1) \
             WHERE id = (SELECT spending_id FROM attempt WHERE id = $1)",
        )
        .bind(attempt_id)
        .execute(&mut *self.db)
        .await?;
        sqlx::query("UPDATE attempt SET parts = 0, cost = 0, spending_id = NULL WHERE id = $1")
            .bind(attempt_id)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }
}

impl Store {
    /// What each account took in a month, by name.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn spending(&self, month: &str) -> Result<Vec<Spending>, StoreError> {
        let rows =
            sqlx::query("SELECT lane, parts, cost FROM spending WHERE month = $1 ORDER BY lane")
                .bind(month)
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(Spending {
                    lane: text(row, "lane")?,
                    parts: int(row, "parts")?,
                    cost: Kopecks(int(row, "cost")?),
                })
            })
            .collect()
    }

    /// What the messages will cost that are composed and have not left.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn cost_of_ready(&self) -> Result<Kopecks, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(cost), 0) AS BIGINT) AS cost FROM message WHERE state = 'ready'",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Kopecks(int(&row, "cost")?))
    }

    /// How many families wait for their sheet because there is no money for an SMS.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn without_money(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(DISTINCT guardian_id) AS n FROM notice \
             WHERE state = 'waiting' AND waits_for = 'sheet' AND reason = $1",
        )
        .bind(WhyPaper::NoMoney.code())
        .fetch_one(&self.pool)
        .await?;
        int(&row, "n")
    }
}
