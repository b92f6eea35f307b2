//! What providers say by themselves: kept first, and followed in the next turn.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;
use vestnik_contract::{
    Delivery, Received,
    received::{Parts, Receipt, Text},
};

use super::{
    Store, StoreError,
    consent::TakenBack,
    lane::Tx,
    rows::{int, some_text, text},
};
use crate::{
    family::{
        consent::{Purpose, asks_to_stop},
        contact::{Channel, comparable},
    },
    instant::{DAY, HOUR, Millis},
    receipt::{Part, some_arrived, whole},
};

/// For how long the same word about the same message is the same word. Providers number from the
/// beginning again, later.
const SAME: Millis = 3 * DAY;

/// A receipt `r` that has not found its message, received after `$2`.
pub(super) const OPEN: &str = "r.received_at > $2 AND r.matched_at IS NULL \
     AND r.message_id IS NULL AND r.spellings IS NOT NULL";

/// A receipt `r` and a message `m` at its address. By which lane it left its attempt knows: a message that
/// one gateway did not take may have gone on by another.
const AT_ADDRESS: &str = "m.channel = 'sms' AND m.address = r.address";

/// Whether a name that a provider gave is spelled so in a receipt `r`.
fn spelled(column: &str) -> String {
    format!("r.spellings LIKE '% ' || LOWER(LTRIM({column}, '0')) || ' %'")
}

/// How a receipt `r` finds a part `p` of a message: by address and name, or without an address by the name
/// alone. `CROSS JOIN` keeps SQLite from beginning with all messages: open receipts are few.
pub(super) fn to_parts() -> [String; 2] {
    [
        format!(
            "FROM receipt r CROSS JOIN message m CROSS JOIN message_part p CROSS JOIN attempt a \
             WHERE {AT_ADDRESS} AND p.message_id = m.id AND a.id = p.attempt_id AND a.lane = r.lane AND {}",
            spelled("p.provider_ref")
        ),
        "FROM receipt r CROSS JOIN message_part p CROSS JOIN attempt a \
         WHERE r.address IS NULL AND p.provider_ref = r.raw AND a.id = p.attempt_id AND a.lane = r.lane"
            .to_owned(),
    ]
}

/// How it finds a whole message `m`: by the name that the answer to one of its calls gave it, or that an
/// answer to a question did.
pub(super) fn to_messages() -> [String; 3] {
    [
        format!(
            "FROM receipt r CROSS JOIN message m CROSS JOIN attempt a \
             WHERE {AT_ADDRESS} AND a.message_id = m.id AND a.lane = r.lane AND {}",
            spelled("a.provider_ref")
        ),
        "FROM receipt r CROSS JOIN attempt a CROSS JOIN message m \
         WHERE r.address IS NULL AND a.lane = r.lane AND a.provider_ref = r.raw AND m.id = a.message_id"
            .to_owned(),
        "FROM receipt r CROSS JOIN message m \
         WHERE r.address IS NULL AND m.lane = r.lane AND m.provider_ref = r.raw"
            .to_owned(),
    ]
}

/// A text from a phone that has to be settled.
#[derive(Clone, PartialEq, Eq)]
pub struct Incoming {
    /// `incoming.id`
    pub id: i64,
    /// The number that wrote.
    pub address: String,
}

/// Prints no number.
impl std::fmt::Debug for Incoming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Incoming({})", self.id)
    }
}

impl Store {
    /// Keeps what a provider said by itself, all of it or nothing. Keeping the same twice keeps it once.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_received(
        &self,
        lane: &str,
        received: &[Received],
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        for one in received {
            match one {
                Received::Parts(parts) => tx.keep_parts(lane, parts, now).await?,
                Received::Receipt(receipt) => tx.keep_pushed(lane, receipt, now).await?,
                Received::Text(text) => tx.keep_text(lane, text, now).await?,
            }
        }
        tx.commit().await
    }
}

impl Tx {
    async fn keep_parts(
        &mut self,
        lane: &str,
        parts: &Parts,
        now: Millis,
    ) -> Result<(), StoreError> {
        for (number, part) in (1_i64..).zip(&parts.parts) {
            sqlx::query(
                "INSERT INTO message_part (message_id, attempt_id, number, provider_ref, reports, state_at) \
                 SELECT a.message_id, a.id, $3, $4, $5, $6 FROM attempt a WHERE a.id = \
                 (SELECT MAX(o.id) FROM attempt o WHERE o.lane = $1 AND o.client_ref = $2) \
                 ON CONFLICT (attempt_id, number) DO NOTHING",
            )
            .bind(lane)
            .bind(i64::from(parts.client_ref))
            .bind(number)
            .bind(part.provider_ref.as_deref())
            .bind(i64::from(part.reports))
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(())
    }

    async fn keep_pushed(
        &mut self,
        lane: &str,
        receipt: &Receipt,
        now: Millis,
    ) -> Result<(), StoreError> {
        let kind = match &receipt.delivery {
            Some(Delivery::Delivered) => "delivered",
            Some(Delivery::Undelivered { .. }) => "undelivered",
            Some(Delivery::UnderWay { .. }) => "under_way",
            Some(Delivery::NotFound) | None => "unknown",
        };
        sqlx::query(
            "INSERT INTO receipt (lane, kind, raw, spellings, address, received_at) \
             SELECT l.name, $2, $3, $4, $5, $6 FROM (SELECT $1 AS name) l \
             WHERE NOT EXISTS (SELECT 1 FROM receipt o WHERE o.lane = $1 AND o.kind = $2 \
                 AND o.raw = $3 AND COALESCE(o.address, '') = COALESCE($5, '') AND o.received_at > $7)",
        )
        .bind(lane)
        .bind(kind)
        .bind(&receipt.provider_ref)
        .bind(format!(" {} ", receipt.spellings.join(" ")))
        .bind(receipt.address.as_deref())
        .bind(now)
        .bind(now - SAME)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    async fn keep_text(
        &mut self,
        lane: &str,
        received: &Text,
        now: Millis,
    ) -> Result<(), StoreError> {
        if !asks_to_stop(&received.text) {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO incoming (lane, address, text, received_at) \
             SELECT l.name, $2, $3, $4 FROM (SELECT $1 AS name) l \
             WHERE NOT EXISTS (SELECT 1 FROM incoming o WHERE o.lane = $1 AND o.address = $2 \
                 AND (o.settled_at IS NULL OR o.received_at > $5))",
        )
        .bind(lane)
        .bind(&received.from)
        .bind(received.text.trim())
        .bind(now)
        .bind(now - HOUR)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Finds the messages of receipts that came by themselves, by address and name; without an address
    /// by the name alone. What a part's receipt means for the whole text becomes a receipt of the whole.
    /// A message of which only some parts have spoken is looked at again after `patience`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn gather_receipts(
        &mut self,
        lane: &str,
        since: Millis,
        patience: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut touched: BTreeMap<i64, i64> = BTreeMap::new();
        for found in to_parts() {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT r.id, r.kind, MAX(p.id) AS part_id {found} \
                 AND r.lane = $1 AND {OPEN} GROUP BY r.id, r.kind ORDER BY r.id"
            )))
            .bind(lane)
            .bind(since)
            .fetch_all(&mut *self.db)
            .await?;
            for row in &rows {
                let part = self
                    .part_spoke(int(row, "part_id")?, &text(row, "kind")?, now)
                    .await?;
                if let Some((message, attempt)) = part {
                    self.match_receipt(int(row, "id")?, message, now).await?;
                    touched.insert(attempt, message);
                }
            }
        }
        for found in to_messages() {
            sqlx::query(AssertSqlSafe(format!(
                "UPDATE receipt SET message_id = (SELECT MAX(m.id) {found} \
                 AND r.id = receipt.id) WHERE id IN (SELECT r.id {found} AND r.lane = $1 AND {OPEN})"
            )))
            .bind(lane)
            .bind(since)
            .execute(&mut *self.db)
            .await?;
        }
        for (attempt, message) in touched {
            let parts = self.parts(attempt).await?;
            match whole(&parts) {
                Some(kind) => self.whole_spoke(lane, message, kind, now).await?,
                None if some_arrived(&parts) => {
                    sqlx::query(
                        "UPDATE message SET not_before = $2 WHERE id = $1 AND state = 'accepted'",
                    )
                    .bind(message)
                    .bind(now + patience)
                    .execute(&mut *self.db)
                    .await?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Raises a part; says whose part it is.
    async fn part_spoke(
        &mut self,
        part: i64,
        kind: &str,
        now: Millis,
    ) -> Result<Option<(i64, i64)>, StoreError> {
        if matches!(kind, "delivered" | "undelivered") {
            sqlx::query(
                "UPDATE message_part SET state = $2, state_at = $3 WHERE id = $1 \
                 AND state <> 'delivered' AND state <> $2",
            )
            .bind(part)
            .bind(kind)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        let row = sqlx::query("SELECT message_id, attempt_id FROM message_part WHERE id = $1")
            .bind(part)
            .fetch_optional(&mut *self.db)
            .await?;
        row.map(|row| Ok((int(&row, "message_id")?, int(&row, "attempt_id")?)))
            .transpose()
    }

    /// Writes a receipt of a whole text, once.
    async fn whole_spoke(
        &mut self,
        lane: &str,
        message: i64,
        kind: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO receipt (lane, message_id, kind, received_at) \
             SELECT $2, m.id, $3, $4 FROM message m WHERE m.id = $1 AND NOT EXISTS (SELECT 1 FROM receipt o \
                 WHERE o.message_id = $1 AND o.kind = $3 AND o.spellings IS NULL)",
        )
        .bind(message)
        .bind(lane)
        .bind(kind)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Whether some parts of a message's last attempt arrived, and nothing speaks against the others.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn some_parts_arrived(&mut self, message: i64) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT MAX(attempt_id) AS attempt FROM message_part WHERE message_id = $1",
        )
        .bind(message)
        .fetch_one(&mut *self.db)
        .await?;
        let Some(attempt) = super::rows::some_int(&row, "attempt")? else {
            return Ok(false);
        };
        let parts = self.parts(attempt).await?;
        Ok(some_arrived(&parts))
    }

    async fn parts(&mut self, attempt: i64) -> Result<Vec<Part>, StoreError> {
        let rows = sqlx::query(
            "SELECT provider_ref, reports, state FROM message_part WHERE attempt_id = $1",
        )
        .bind(attempt)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Part {
                    taken: some_text(row, "provider_ref")?.is_some(),
                    reports: int(row, "reports")? == 1,
                    arrived: match text(row, "state")?.as_str() {
                        "delivered" => Some(true),
                        "undelivered" => Some(false),
                        _ => None,
                    },
                })
            })
            .collect()
    }

    /// The texts from phones that have to be settled, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn incoming(&mut self) -> Result<Vec<Incoming>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, address FROM incoming WHERE settled_at IS NULL ORDER BY id LIMIT 200",
        )
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Incoming {
                    id: int(row, "id")?,
                    address: text(row, "address")?,
                })
            })
            .collect()
    }

    /// Takes the consent to SMS back for all who own a number, of each student it was given for, and
    /// notes that its text is settled. Says how many consents that were.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn withdraw_sms(
        &mut self,
        stop: &Incoming,
        today: NaiveDate,
        now: Millis,
    ) -> Result<u64, StoreError> {
        // People type one number in many ways.
        let rows = sqlx::query(
            "SELECT id, guardian_id, address FROM contact WHERE channel = 'sms' \
             AND guardian_id IS NOT NULL AND ended_at IS NULL ORDER BY id DESC",
        )
        .fetch_all(&mut *self.db)
        .await?;
        let mut owners = BTreeMap::new();
        for row in &rows {
            if comparable(Channel::Sms, &text(row, "address")?) == stop.address {
                owners.insert(int(row, "guardian_id")?, int(row, "id")?);
            }
        }
        let mut withdrawn = 0;
        for (guardian, contact) in owners {
            let how = TakenBack {
                purpose: Purpose::Sms,
                route: "sms",
                document: "SMS «СТОП» с номера семьи",
                contact_id: Some(contact),
            };
            withdrawn += self.take_back_consent(guardian, &how, today, now).await?;
        }
        sqlx::query("UPDATE incoming SET settled_at = $2 WHERE id = $1")
            .bind(stop.id)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(withdrawn)
    }
}
