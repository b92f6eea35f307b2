//! From one channel to the next: late receipts, lanes that are out of order, addresses that answer
//! nothing.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, any::AnyRow};
use vestnik_contract::{Delivery, Fault, Reason};

use super::{
    StoreError,
    lane::Tx,
    rows::{ids, int, some_text, text},
};
use crate::{
    family::{contact::Unanswered, preference::Event},
    instant::{DAY, Millis},
};

/// How many receipts one transaction follows.
const RECEIPTS: i64 = 200;

/// How far back unanswered messages speak against an address.
const REMEMBERED: Millis = 60 * DAY;

/// A later word about a message, as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// `receipt.id`
    pub id: i64,
    /// The message that it belongs to.
    pub message_id: i64,
    /// What it says; none where nothing follows from it.
    pub delivery: Option<Delivery>,
}

/// A lane that is out of order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resting {
    /// `lane.name`
    pub lane: String,
    /// Since when.
    pub since: Millis,
    /// When it is tried again.
    pub until: Millis,
    /// Why.
    pub because: String,
}

/// A message that is ready on such a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stalled {
    /// `message.id`
    pub id: i64,
    /// Whether it is urgent.
    pub urgent: bool,
    /// Whom it tells what of whom: `(guardian_id, student_id, event)`.
    pub tells: BTreeSet<(i64, i64, Event)>,
}

/// The message that a receipt `r` is about, by any of the names that we or the provider gave it.
pub(super) const MESSAGE_OF: &str = "COALESCE(r.message_id, \
     (SELECT MAX(a.message_id) FROM attempt a WHERE a.lane = r.lane AND a.client_ref = r.client_ref), \
     (SELECT MAX(a.message_id) FROM attempt a WHERE a.lane = r.lane AND a.provider_ref = r.provider_ref), \
     (SELECT MAX(m.id) FROM message m WHERE m.lane = r.lane AND m.provider_ref = r.provider_ref))";

impl Tx {
    /// The receipts of a lane since `since` whose message is known by now, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn receipts(
        &mut self,
        lane: &str,
        since: Millis,
    ) -> Result<Vec<Receipt>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT * FROM (SELECT r.id, r.kind, r.lane, r.raw, r.provider_ref, r.code, r.detail, r.fault, \
             {MESSAGE_OF} AS message_id \
             FROM receipt r WHERE r.matched_at IS NULL AND r.lane = $1 AND r.received_at > $2) known \
             WHERE message_id IS NOT NULL ORDER BY id LIMIT $3"
        )))
        .bind(lane)
        .bind(since)
        .bind(RECEIPTS)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(receipt).collect()
    }

    /// Notes that a receipt found its message and was followed.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn match_receipt(
        &mut self,
        receipt: i64,
        message_id: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE receipt SET matched_at = $2, message_id = $3 WHERE id = $1")
            .bind(receipt)
            .bind(now)
            .bind(message_id)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// A message that ended at `ended_at` without informing has arrived after all: what was composed in
    /// its place since then, and has not left, is cancelled, and what that carried beside is composed
    /// anew. The plan looks once more at what it told, because the journal may have moved on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn take_back(
        &mut self,
        message_id: i64,
        ended_at: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "UPDATE message SET state = 'cancelled', state_at = $3, \
             reason = 'what it repeats had arrived after all' \
             WHERE state = 'ready' AND id <> $1 AND composed_at >= $2 AND id IN \
             (SELECT c.message_id FROM message_notice c JOIN message_notice own \
              ON own.notice_id = c.notice_id WHERE own.message_id = $1) RETURNING id",
        )
        .bind(message_id)
        .bind(ended_at)
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            self.return_notices(int(row, "id")?, now).await?;
        }
        sqlx::query(
            "UPDATE notice SET look_again = 1 WHERE guardian_id IS NOT NULL AND id IN \
             (SELECT notice_id FROM message_notice WHERE message_id = $1)",
        )
        .bind(message_id)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// A message arrived: its address answers again, for all who own it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn heal_address(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE contact SET health = 'ok', health_reason = NULL, health_at = $2 \
             WHERE health = 'soft' AND EXISTS (SELECT 1 FROM message m JOIN contact own \
                 ON own.id = m.contact_id WHERE m.id = $1 AND own.channel = contact.channel \
                 AND own.address = contact.address)",
        )
        .bind(message_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// A lane's provider took something: the trouble is over.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lane_works(&mut self, lane: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE lane SET rests_since = NULL WHERE name = $1 AND rests_since IS NOT NULL",
        )
        .bind(lane)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// The lanes that are out of order.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn resting_lanes(&mut self, now: Millis) -> Result<Vec<Resting>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, rests_since, rests_until, rests_because FROM lane \
             WHERE rests_until > $1 AND rests_since IS NOT NULL ORDER BY name",
        )
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        let resting = |row: &AnyRow| {
            Ok(Resting {
                lane: text(row, "name")?,
                since: int(row, "rests_since")?,
                until: int(row, "rests_until")?,
                because: some_text(row, "rests_because")?.unwrap_or_default(),
            })
        };
        rows.iter().map(resting).collect()
    }

    /// What is ready on a lane, urgent first, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn stalled(&mut self, lane: &str, limit: usize) -> Result<Vec<Stalled>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, urgency FROM message WHERE lane = $1 AND state = 'ready' \
             AND guardian_id IS NOT NULL ORDER BY urgency, id LIMIT $2",
        )
        .bind(lane)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *self.db)
        .await?;
        let mut stalled = Vec::new();
        for row in &rows {
            stalled.push(Stalled {
                id: int(row, "id")?,
                urgent: int(row, "urgency")? < 2,
                tells: BTreeSet::new(),
            });
        }
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT c.message_id, n.guardian_id, n.student_id, n.event FROM message_notice c \
             JOIN notice n ON n.id = c.notice_id WHERE n.guardian_id IS NOT NULL \
             AND n.student_id IS NOT NULL AND c.message_id IN ({})",
            ids(stalled.iter().map(|one| &one.id))
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let message = int(row, "message_id")?;
            let event = Event::from_code(&text(row, "event")?)
                .ok_or(StoreError::Content("notice.event"))?;
            let tells = (int(row, "guardian_id")?, int(row, "student_id")?, event);
            if let Some(one) = stalled.iter_mut().find(|one| one.id == message) {
                one.tells.insert(tells);
            }
        }
        Ok(stalled)
    }

    /// Per address that a lane sends to: what it has left unanswered since it last answered, or since
    /// a person looked at it. Whoever was looked at since the last night is stamped with `now` first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn unanswered(
        &mut self,
        lane: &str,
        now: Millis,
    ) -> Result<Vec<Unanswered>, StoreError> {
        sqlx::query(
            "UPDATE contact SET health_at = $1 \
             WHERE health = 'ok' AND health_reason = 'verified' AND health_at IS NULL",
        )
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        let rows = sqlx::query(
            "SELECT c.id, COUNT(*) AS n, MIN(m.composed_at) AS since, MAX(m.composed_at) AS last, \
             CASE WHEN c.health_reason = 'tried_again' THEN c.health_at ELSE 0 END AS tried_at \
             FROM message m JOIN contact c ON c.id = m.contact_id \
             WHERE m.lane = $1 AND m.state IN ('no_receipt', 'undelivered') AND m.composed_at > $2 \
             AND c.health IN ('ok', 'soft') AND COALESCE(c.health_reason, '') <> 'silent' \
             AND m.composed_at > CASE WHEN c.health = 'ok' THEN COALESCE(c.health_at, 0) ELSE 0 END \
             AND NOT EXISTS (SELECT 1 FROM message d WHERE d.channel = m.channel \
                 AND d.address = m.address AND d.state = 'delivered' AND d.composed_at >= m.composed_at) \
             GROUP BY c.id, c.health_reason, c.health_at ORDER BY c.id",
        )
        .bind(lane)
        .bind(now - REMEMBERED)
        .fetch_all(&mut *self.db)
        .await?;
        let unanswered = |row: &AnyRow| {
            Ok(Unanswered {
                contact_id: int(row, "id")?,
                count: int(row, "n")?,
                since: int(row, "since")?,
                last: int(row, "last")?,
                tried_at: int(row, "tried_at")?,
            })
        };
        rows.iter().map(unanswered).collect()
    }

    /// Notes that these addresses answer nothing, for all who own them.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn fall_silent(&mut self, contacts: &[i64], now: Millis) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE contact SET health = 'soft', health_reason = 'silent', health_at = $1 \
             WHERE health IN ('ok', 'soft') AND EXISTS (SELECT 1 FROM contact own \
                 WHERE own.id IN ({}) AND own.channel = contact.channel \
                 AND own.address = contact.address)",
            ids(contacts)
        )))
        .persistent(false)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Lets addresses that have been silent since before `since` be tried again.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn try_silent_again(&mut self, since: Millis, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE contact SET health_reason = 'tried_again', health_at = $2 \
             WHERE health = 'soft' AND health_reason = 'silent' AND health_at < $1",
        )
        .bind(since)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

fn receipt(row: &AnyRow) -> Result<Receipt, StoreError> {
    let kind = text(row, "kind")?;
    let lane = text(row, "lane")?;
    let failed = |text: &str, fault| Delivery::Undelivered {
        reason: Reason::new(kind.clone(), text, fault),
    };
    // Mails come back with a status; what a gateway wrote is kept as it is.
    let status = some_text(row, "raw")?.filter(|_| lane == "email");
    let said = super::receipts::reason(row)?;
    let delivery = match kind.as_str() {
        "undelivered" | "bounced" if status.is_some() => Some(came_back(&kind, status)),
        "undelivered" if said.is_some() => said.map(|reason| Delivery::Undelivered { reason }),
        "delivered" | "read" => Some(Delivery::Delivered),
        "undelivered" => Some(failed(
            "The provider could not deliver it.",
            Fault::Provider,
        )),
        "bounced" => Some(failed(
            "The mailbox does not exist or takes no mail: ask the family for another address.",
            Fault::Address,
        )),
        "under_way" => Some(Delivery::UnderWay {
            provider_ref: some_text(row, "provider_ref")?,
        }),
        _ => None,
    };
    Ok(Receipt {
        id: int(row, "id")?,
        message_id: int(row, "message_id")?,
        delivery,
    })
}

/// What a mail that came back says.
fn came_back(kind: &str, status: Option<String>) -> Delivery {
    let status = status.unwrap_or_default();
    let (text, fault) = match (kind, status.as_str()) {
        ("bounced", _) => (
            "The mailbox does not exist or takes no mail: ask the family for another address.",
            Fault::Address,
        ),
        (_, status) if status.starts_with("5.7.") => (
            "The recipient's mail server refuses mail from this sender, perhaps as spam.",
            Fault::Message,
        ),
        _ => (
            "The mail came back: the mailbox is full or its server failed.",
            Fault::Provider,
        ),
    };
    Delivery::Undelivered {
        reason: Reason::new(format!("mail_{status}"), text, fault),
    }
}
