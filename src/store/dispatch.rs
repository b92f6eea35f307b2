//! What sending reads and writes: messages that are ready, attempts, and what became of them.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, any::AnyRow};
use vestnik_contract::{Message, Replaced, Sent};

use super::{
    StoreError,
    lane::{Lease, Tx},
    money::Charge,
    rows::{ids, int, some_int, some_text, text},
};
use crate::instant::{MINUTE, Millis};

/// How long a message waits for the one that it corrects, where that one is in doubt (design §5).
const FOLLOWS_PATIENCE: Millis = 30 * MINUTE;

/// A message that may be booked.
#[derive(Clone)]
pub struct Ready {
    /// `message.id`
    pub id: i64,
    /// What the channel is given, but for the attempt's own number.
    pub message: Message,
    /// `contact.channel`
    pub channel: String,
    /// Whether it is urgent.
    pub urgent: bool,
    /// Until when it is of use.
    pub useful_until: Option<Millis>,
    /// Whom it tells of whom: `(guardian_id, student_id)`.
    pub tells: Vec<(i64, i64)>,
    /// How many SMS it makes; 1 elsewhere.
    pub parts: i64,
}

/// A message that a later one corrects.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// `message.id`
    pub id: i64,
    /// `message.ref`
    pub reference: String,
    /// What it says from now on.
    pub now: Replaced,
}

/// A message whose provider is to be asked about it.
#[derive(Debug, Clone)]
pub struct Question {
    /// `message.id`
    pub message_id: i64,
    /// How the provider may recognise it.
    pub sent: Sent,
}

impl Tx {
    /// The messages of a lane that could leave now: most urgent first, then oldest, one per address,
    /// none to an address that a call is under way to or that rests for `pause` after its last message,
    /// none before what it corrects.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn ready(
        &mut self,
        lane: &str,
        limit: usize,
        pause: Millis,
        now: Millis,
    ) -> Result<Vec<Ready>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.id, m.ref, m.channel, m.address, m.subject, m.body_text, m.body_html, m.calendar, m.urgency, \
             m.useful_until, m.composed_at, m.guardian_id, m.parts, \
             f.ref AS follows FROM message m \
             LEFT JOIN message f ON f.id = m.follows_id \
             WHERE m.state = 'ready' AND m.lane = $1 AND m.not_before <= $2 \
             AND NOT EXISTS (SELECT 1 FROM message o WHERE o.channel = m.channel \
                 AND o.address = m.address AND o.id <> m.id AND (o.state = 'sending' \
                     OR (o.state = 'accepted' AND o.state_at > $5))) \
             AND (f.id IS NULL OR f.state NOT IN ('ready', 'sending', 'in_doubt') \
                 OR (f.state = 'in_doubt' AND f.state_at <= $3)) \
             ORDER BY m.urgency, m.not_before, m.id LIMIT $4",
        )
        .bind(lane)
        .bind(now)
        .bind(now - FOLLOWS_PATIENCE)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX).saturating_mul(4))
        .bind(now - pause)
        .fetch_all(&mut *self.db)
        .await?;
        let mut ready: Vec<Ready> = Vec::new();
        for row in &rows {
            let one = candidate(row)?;
            let same = |other: &Ready| other.message.address == one.message.address;
            if ready.len() < limit && !ready.iter().any(same) {
                ready.push(one);
            }
        }
        self.tells(&mut ready).await?;
        Ok(ready)
    }

    /// The ready messages that tell these guardians, or of these students, something.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn ready_of(
        &mut self,
        guardians: &BTreeSet<i64>,
        students: &BTreeSet<i64>,
    ) -> Result<Vec<Ready>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT m.id, m.ref, m.channel, m.address, m.subject, m.body_text, m.body_html, m.calendar, m.urgency, \
             m.useful_until, m.composed_at, m.guardian_id, m.parts, \
             NULL AS follows FROM message m WHERE m.state = 'ready' \
             AND m.id IN (SELECT c.message_id FROM message_notice c JOIN notice n ON n.id = c.notice_id \
             WHERE n.guardian_id IN ({}) OR n.student_id IN ({}))",
            ids(guardians),
            ids(students)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let mut ready = rows.iter().map(candidate).collect::<Result<Vec<_>, _>>()?;
        self.tells(&mut ready).await?;
        Ok(ready)
    }

    async fn tells(&mut self, ready: &mut [Ready]) -> Result<(), StoreError> {
        let tells = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT c.message_id, n.guardian_id, n.student_id FROM message_notice c \
             JOIN notice n ON n.id = c.notice_id WHERE n.guardian_id IS NOT NULL \
             AND n.student_id IS NOT NULL AND c.message_id IN ({})",
            ids(ready.iter().map(|one| &one.id))
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &tells {
            let message = int(row, "message_id")?;
            let pair = (int(row, "guardian_id")?, int(row, "student_id")?);
            if let Some(one) = ready.iter_mut().find(|one| one.id == message) {
                one.tells.push(pair);
            }
        }
        Ok(())
    }

    /// Books a message: it is sending, and the attempt stands in the database, and in the month's spending,
    /// before its call can leave. Returns `attempt.id`; none where the message is not ready any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn book(
        &mut self,
        message_id: i64,
        client_ref: u32,
        charge: Option<&Charge>,
        lease: &Lease,
        now: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let booked = sqlx::query(
            "UPDATE message SET state = 'sending', rank = 1, epoch = $2, attempts = attempts + 1, \
             state_at = $3 WHERE id = $1 AND state = 'ready' RETURNING attempts",
        )
        .bind(message_id)
        .bind(lease.epoch)
        .bind(now)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = booked else { return Ok(None) };
        let spending = match charge {
            Some(charge) => Some(self.spend(&lease.lane, charge).await?),
            None => None,
        };
        let attempt = sqlx::query(
            "INSERT INTO attempt (message_id, number, lane, epoch, client_ref, started_at, parts, cost, \
             spending_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        )
        .bind(message_id)
        .bind(int(&row, "attempts")?)
        .bind(&lease.lane)
        .bind(lease.epoch)
        .bind(i64::from(client_ref))
        .bind(now)
        .bind(charge.map_or(0, |charge| charge.parts))
        .bind(charge.map_or(0, |charge| charge.cost.0))
        .bind(spending)
        .fetch_one(&mut *self.db)
        .await?;
        Ok(Some(int(&attempt, "id")?))
    }

    /// The earlier messages that a message corrects, each with all that has been corrected in it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn replaced(&mut self, message_id: i64) -> Result<Vec<Earlier>, StoreError> {
        let rows = sqlx::query(
            "SELECT e.id, e.ref, e.provider_ref, e.body_text, a.note FROM amendment own \
             JOIN message m ON m.id = own.message_id \
             JOIN message e ON e.id = own.earlier_id AND e.channel = m.channel AND e.address = m.address \
             JOIN amendment a ON a.earlier_id = e.id \
             JOIN message other ON other.id = a.message_id AND (other.id = m.id \
                 OR other.state IN ('accepted', 'no_receipt', 'delivered')) \
             WHERE own.message_id = $1 AND e.provider_ref IS NOT NULL ORDER BY e.id, a.id",
        )
        .bind(message_id)
        .fetch_all(&mut *self.db)
        .await?;
        let mut replaced: Vec<Earlier> = Vec::new();
        for row in &rows {
            let id = int(row, "id")?;
            if replaced.last().is_none_or(|last| last.id != id) {
                replaced.push(Earlier {
                    id,
                    reference: text(row, "ref")?,
                    now: Replaced {
                        provider_ref: text(row, "provider_ref")?,
                        text: text(row, "body_text")?,
                        buttons: Vec::new(),
                    },
                });
            }
            if let Some(earlier) = replaced.last_mut() {
                earlier.now.text.push_str("\n\n");
                earlier.now.text.push_str(&text(row, "note")?);
            }
        }
        Ok(replaced)
    }

    /// Puts a ready message off until `at`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn postpone(&mut self, message_id: i64, at: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET not_before = $2 WHERE id = $1 AND state = 'ready'")
            .bind(message_id)
            .bind(at)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Messages of a lane with a call that began when another held it: those processes are gone. A receipt may
    /// have said already how such a call ended.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn orphans(&mut self, lease: &Lease) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT message_id AS id FROM attempt WHERE finished_at IS NULL AND lane = $1 \
             AND epoch < $2 ORDER BY message_id",
        )
        .bind(&lease.lane)
        .bind(lease.epoch)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(|row| int(row, "id")).collect()
    }

    /// Notes that nobody will ever say how the open attempts of a message ended.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lose_attempts(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE attempt SET finished_at = $2, outcome = 'lost', code = 'lost', \
             detail = 'The program ended while the call was under way.' \
             WHERE message_id = $1 AND finished_at IS NULL",
        )
        .bind(message_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Messages in doubt, or waiting for a receipt, whose waiting time is over.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn overdue(
        &mut self,
        lane: &str,
        limit: usize,
        now: Millis,
    ) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT id FROM message WHERE lane = $1 AND state IN ('in_doubt', 'accepted') \
             AND not_before <= $2 ORDER BY not_before, id LIMIT $3",
        )
        .bind(lane)
        .bind(now)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(|row| int(row, "id")).collect()
    }

    /// How the provider that has a message may recognise it: by the name it gave, or by the number of the last
    /// attempt with it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn sent(&mut self, message_id: i64) -> Result<Option<Question>, StoreError> {
        let row = sqlx::query(
            "SELECT m.ref, m.address, m.provider_ref, a.client_ref FROM message m \
             JOIN attempt a ON a.message_id = m.id AND a.lane = m.lane WHERE m.id = $1 ORDER BY a.number DESC LIMIT 1",
        )
        .bind(message_id)
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| {
            Ok(Question {
                message_id,
                sent: Sent {
                    reference: text(&row, "ref")?,
                    client_ref: u32::try_from(int(&row, "client_ref")?).unwrap_or_default(),
                    provider_ref: some_text(&row, "provider_ref")?,
                    address: text(&row, "address")?,
                },
            })
        })
        .transpose()
    }

    /// Notes that the provider is being asked, and when to look again if no answer comes.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn asked(&mut self, message_id: i64, again_at: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET asked = asked + 1, not_before = $2 WHERE id = $1")
            .bind(message_id)
            .bind(again_at)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// When something of a message is to be looked at again, without a change of its state.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn look_at(&mut self, message_id: i64, at: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE message SET not_before = $2 WHERE id = $1")
            .bind(message_id)
            .bind(at)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }
}

fn candidate(row: &AnyRow) -> Result<Ready, StoreError> {
    Ok(Ready {
        id: int(row, "id")?,
        message: Message {
            reference: text(row, "ref")?,
            client_ref: 0,
            address: text(row, "address")?,
            subject: some_text(row, "subject")?,
            text: text(row, "body_text")?,
            html: some_text(row, "body_html")?,
            calendar: some_text(row, "calendar")?,
            follows: some_text(row, "follows")?,
            replaces: Vec::new(),
            composed_at: int(row, "composed_at")?,
            buttons: Vec::new(),
            files: Vec::new(),
            to_family: some_int(row, "guardian_id")?.is_some(),
        },
        channel: text(row, "channel")?,
        urgent: int(row, "urgency")? < 2,
        useful_until: some_int(row, "useful_until")?,
        tells: Vec::new(),
        parts: int(row, "parts")?,
    })
}
