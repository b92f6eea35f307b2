//! What gateways say by themselves, and what they say that nobody understood.

use std::collections::BTreeMap;

use vestnik_contract::{Delivery, Fault, Reason};
use vestnik_sms::Receipt;

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{int, some_text, text},
};
use crate::instant::Millis;

impl Store {
    /// Keeps receipts as they came, whether their message is known or not; one that is there already is not
    /// kept twice. Says how many are new.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails; then what was not kept has to be asked for again.
    pub async fn keep_receipts(
        &self,
        lane: &str,
        receipts: &[Receipt],
        now: Millis,
    ) -> Result<usize, StoreError> {
        let mut new = 0;
        for receipt in receipts {
            let (kind, reason) = match &receipt.delivery {
                Some(Delivery::Delivered) => ("delivered", None),
                Some(Delivery::Undelivered { reason }) => ("undelivered", Some(reason)),
                Some(Delivery::UnderWay { .. }) => ("under_way", None),
                Some(Delivery::NotFound) => ("not_found", None),
                None => ("unknown", None),
            };
            let client_ref = receipt.client_ref.map(i64::from);
            let (column, name) = match (&receipt.provider_ref, client_ref) {
                (Some(name), _) => ("provider_ref = $3", name.clone()),
                (None, Some(own)) => ("client_ref = CAST($3 AS BIGINT)", own.to_string()),
                (None, None) => continue,
            };
            let known = sqlx::query(sqlx::AssertSqlSafe(format!(
                "SELECT id FROM receipt WHERE lane = $1 AND kind = $2 AND {column} LIMIT 1"
            )))
            .bind(lane)
            .bind(kind)
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
            if known.is_some() {
                continue;
            }
            sqlx::query(
                "INSERT INTO receipt (lane, provider_ref, client_ref, kind, raw, code, detail, fault, \
                 received_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            )
            .bind(lane)
            .bind(receipt.provider_ref.as_deref())
            .bind(client_ref)
            .bind(kind)
            .bind(&receipt.raw)
            .bind(reason.map(|reason| reason.code.clone()))
            .bind(reason.map(Reason::sentences))
            .bind(reason.map(|reason| reason.fault.code()))
            .bind(now)
            .execute(&self.pool)
            .await?;
            new += 1;
        }
        Ok(new)
    }

    /// Per lane, how many answers and receipts nobody understood, ever.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn not_understood(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT lane, COUNT(*) AS n FROM (SELECT lane FROM attempt WHERE answer IS NOT NULL \
             UNION ALL SELECT lane FROM receipt WHERE kind = 'unknown') strange GROUP BY lane",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((text(row, "lane")?, int(row, "n")?)))
            .collect()
    }

    /// The messages, newest first, whose provider answered since `since` what nobody understood.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn strange_answers(&self, since: Millis) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT m.ref, m.id FROM message m JOIN attempt a ON a.message_id = m.id \
             WHERE a.answer IS NOT NULL AND a.started_at > $1 ORDER BY m.id DESC LIMIT 20",
        )
        .bind(since)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| text(row, "ref")).collect()
    }
}

impl Tx {
    /// Keeps what a provider answered to a question about a message where nobody understood it, beside the
    /// message's last call.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_answer(&mut self, message_id: i64, answer: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE attempt SET answer = $2 \
             WHERE id = (SELECT MAX(id) FROM attempt WHERE message_id = $1)",
        )
        .bind(message_id)
        .bind(answer)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

/// Why a receipt says that a message was not delivered, where its provider said why.
pub(super) fn reason(row: &sqlx::any::AnyRow) -> Result<Option<Reason>, StoreError> {
    let (code, detail) = (some_text(row, "code")?, some_text(row, "detail")?);
    let fault = match some_text(row, "fault")?.as_deref() {
        Some("address") => Fault::Address,
        Some("message") => Fault::Message,
        Some("account") => Fault::Account,
        _ => Fault::Provider,
    };
    Ok(code
        .zip(detail)
        .map(|(code, detail)| Reason::new(code, detail, fault)))
}
