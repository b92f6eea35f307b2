//! What comes back by mail, and what families decide by links.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    consent::TakenBack,
    lane::Tx,
    rows::{ids, int, some_int, text},
};
use crate::{
    family::{
        consent::Purpose,
        contact::{Channel, Unanswered, comparable},
    },
    instant::{DAY, Millis},
};

/// How far back undelivered mails speak against an address.
const REMEMBERED: Millis = 60 * DAY;

/// How long a mail must have been accepted to count as arrived: until then its bounce may come.
const TOOK: Millis = DAY;

/// A mail that came back.
#[derive(Debug, Clone)]
pub struct Returned {
    /// What tells it from every other: a hash of its bytes.
    pub mark: String,
    /// `returned_mail.kind`
    pub kind: &'static str,
    /// The status that it names.
    pub status: Option<String>,
    /// The reference of the message that it is about, as its sealed address says.
    pub reference: Option<String>,
}

/// By which way a family told us something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The page of preferences.
    Page,
    /// The link in a mail.
    Link,
    /// A mail to the address in a mail.
    Mail,
    /// The bot.
    Bot,
}

impl Way {
    fn code(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Link => "link",
            Self::Mail => "mail",
            Self::Bot => "bot",
        }
    }
}

/// An address that is not written to any more, or carefully.
#[derive(Clone)]
pub struct Suppressed {
    /// `contact.id`
    pub id: i64,
    /// Whose it is.
    pub owner: String,
    /// `contact.channel`
    pub channel: String,
    /// `contact.health`
    pub health: String,
    /// `contact.health_reason`
    pub reason: Option<String>,
    /// Since when.
    pub since: Option<Millis>,
}

impl Store {
    /// How far a mailbox was read: its validity and the last mail.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn mailbox(&self, name: &str) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query("SELECT validity, last_uid FROM mailbox WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await?;
        match row {
            Some(row) => Ok((int(&row, "validity")?, int(&row, "last_uid")?)),
            None => Ok((0, 0)),
        }
    }

    /// Keeps a mail that came back, and how far its mailbox is read with it. What follows from it is
    /// written in the same commit; a mail that is known already changes nothing. Returns whether it was
    /// new and about a message of ours.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_returned(
        &self,
        returned: &Returned,
        (mailbox, validity, uid): (&str, i64, i64),
        (today, now): (NaiveDate, Millis),
    ) -> Result<bool, StoreError> {
        let mut tx = self.transaction().await?;
        let message = match &returned.reference {
            Some(reference) => tx.mail_of(reference).await?,
            None => None,
        };
        let new = sqlx::query(
            "INSERT INTO returned_mail (mark, kind, status, message_id, received_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (mark) DO NOTHING",
        )
        .bind(&returned.mark)
        .bind(if message.is_some() {
            returned.kind
        } else {
            "unknown"
        })
        .bind(returned.status.as_deref())
        .bind(message)
        .bind(now)
        .execute(&mut *tx.db)
        .await?;
        let new = new.rows_affected() == 1;
        if let (true, Some(message)) = (new, message) {
            let receipt = match returned.kind {
                "dead" => Some("bounced"),
                "undelivered" | "refused" => Some("undelivered"),
                _ => None,
            };
            if let Some(kind) = receipt {
                sqlx::query(
                    "INSERT INTO receipt (lane, message_id, kind, raw, received_at) \
                     SELECT lane, id, $2, $3, $4 FROM message WHERE id = $1",
                )
                .bind(message)
                .bind(kind)
                .bind(returned.status.as_deref())
                .bind(now)
                .execute(&mut *tx.db)
                .await?;
            }
            if returned.kind == "leave" {
                tx.leave(message, Way::Mail, today, now).await?;
            }
        }
        sqlx::query(
            "INSERT INTO mailbox (name, validity, last_uid) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET validity = excluded.validity, last_uid = excluded.last_uid",
        )
        .bind(mailbox)
        .bind(validity)
        .bind(uid)
        .execute(&mut *tx.db)
        .await?;
        tx.commit().await?;
        Ok(new && message.is_some())
    }

    /// The school's name.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn school_name(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT name FROM school ORDER BY id LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| text(&row, "name")).transpose()
    }

    /// The mail with this reference to a family; staff do not leave by a link.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn family_mail(&self, reference: &str) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM message WHERE ref = $1 AND channel = 'email' AND guardian_id IS NOT NULL",
        )
        .bind(reference)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| int(&row, "id")).transpose()
    }

    /// The readers of a mail want no more of them. Returns whether there is such a mail; asked again it
    /// changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn leave_mail(
        &self,
        reference: &str,
        (today, now): (NaiveDate, Millis),
    ) -> Result<bool, StoreError> {
        let Some(message) = self.family_mail(reference).await? else {
            return Ok(false);
        };
        let mut tx = self.transaction().await?;
        tx.leave(message, Way::Link, today, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The addresses that are not written to, or carefully, by owner.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn suppressed(&self) -> Result<Vec<Suppressed>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.id, c.channel, c.health, c.health_reason, c.health_at, \
             COALESCE(g.surname, s.surname) AS surname, COALESCE(g.given_name, s.given_name) AS given_name \
             FROM contact c LEFT JOIN guardian g ON g.id = c.guardian_id \
             LEFT JOIN staff s ON s.id = c.staff_id \
             WHERE c.health <> 'ok' AND c.ended_at IS NULL ORDER BY surname, given_name, c.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Suppressed {
                    id: int(row, "id")?,
                    owner: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                    channel: text(row, "channel")?,
                    health: text(row, "health")?,
                    reason: super::rows::some_text(row, "health_reason")?,
                    since: some_int(row, "health_at")?,
                })
            })
            .collect()
    }

    /// A person has verified an address: it is written to again. Returns its health before; none where
    /// there is no such address. Who complained stays suppressed: that takes a new consent and a new row.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn reactivate(
        &self,
        contact: i64,
        document: &str,
        now: Millis,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT health FROM contact WHERE id = $1 AND ended_at IS NULL")
            .bind(contact)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let before = text(&row, "health")?;
        if before != "complained" {
            sqlx::query("UPDATE contact SET verified_at = $2, document = $3 WHERE id = $1")
                .bind(contact)
                .bind(now)
                .bind(document)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(before))
    }
}

impl Tx {
    /// The mail with this reference.
    async fn mail_of(&mut self, reference: &str) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT id FROM message WHERE ref = $1 AND channel = 'email'")
            .bind(reference)
            .fetch_optional(&mut *self.db)
            .await?;
        row.map(|row| int(&row, "id")).transpose()
    }

    /// Whoever a mail was for takes back the consent to mails, for each of their students; the class teacher
    /// gets word.
    async fn leave(
        &mut self,
        message: i64,
        way: Way,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT n.guardian_id, m.ref, m.address FROM message_notice c JOIN notice n ON n.id = c.notice_id \
             JOIN message m ON m.id = c.message_id \
             WHERE c.message_id = $1 AND n.guardian_id IS NOT NULL ORDER BY n.guardian_id",
        )
        .bind(message)
        .fetch_all(&mut *self.db)
        .await?;
        let mut told = false;
        for row in &rows {
            let guardian = int(row, "guardian_id")?;
            let contact_id = self.email_of(guardian, &text(row, "address")?).await?;
            let document = format!("отписка из письма {}", text(row, "ref")?);
            let how = TakenBack {
                purpose: Purpose::Email,
                route: way.code(),
                document: &document,
                contact_id,
            };
            let withdrawn = self.take_back_consent(guardian, &how, today, now).await?;
            if withdrawn > 0 {
                told = true;
                self.note_choice(guardian, "no_email", way, Some(message), now)
                    .await?;
            }
        }
        if told {
            self.tell_teachers_of_stops(today, now).await?;
        }
        Ok(())
    }

    /// The contact of a guardian that has this address; one may be written in many ways.
    async fn email_of(&mut self, guardian: i64, address: &str) -> Result<Option<i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, address FROM contact WHERE guardian_id = $1 AND channel = 'email' \
             AND ended_at IS NULL ORDER BY id",
        )
        .bind(guardian)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            if comparable(Channel::Email, &text(row, "address")?) == address {
                return Ok(Some(int(row, "id")?));
            }
        }
        Ok(None)
    }

    /// Notes what a family decided by itself.
    pub(super) async fn note_choice(
        &mut self,
        guardian: i64,
        what: &str,
        way: Way,
        message: Option<i64>,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO family_choice (guardian_id, what, way, message_id, at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(guardian)
        .bind(what)
        .bind(way.code())
        .bind(message)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Whether the contact of a message still has the address that the message went to: a bounce of an old
    /// address says nothing about the one that took its place.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn still_has_address(&mut self, message_id: i64) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT m.address AS sent_to, c.address, c.channel FROM message m \
             JOIN contact c ON c.id = m.contact_id WHERE m.id = $1",
        )
        .bind(message_id)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let Some(channel) = Channel::from_code(&text(&row, "channel")?) else {
            return Ok(false);
        };
        Ok(comparable(channel, &text(&row, "address")?) == text(&row, "sent_to")?)
    }

    /// Per address of a lane that takes mails and does not say what arrived: what came back from it since
    /// a mail was last taken for good.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn bouncing(
        &mut self,
        lane: &str,
        now: Millis,
    ) -> Result<Vec<Unanswered>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.id, COUNT(*) AS n, MIN(m.composed_at) AS since, MAX(m.composed_at) AS last, \
             CASE WHEN c.health_reason = 'tried_again' THEN c.health_at ELSE 0 END AS tried_at \
             FROM message m JOIN contact c ON c.id = m.contact_id \
             WHERE m.lane = $1 AND m.state = 'undelivered' AND m.composed_at > $2 \
             AND c.health = 'soft' AND COALESCE(c.health_reason, '') <> 'silent' \
             AND NOT EXISTS (SELECT 1 FROM message d WHERE d.channel = m.channel \
                 AND d.address = m.address AND d.state IN ('accepted', 'no_receipt', 'delivered') \
                 AND d.composed_at >= m.composed_at AND d.composed_at < $3) \
             GROUP BY c.id, c.health_reason, c.health_at ORDER BY c.id",
        )
        .bind(lane)
        .bind(now - REMEMBERED)
        .bind(now - TOOK)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Unanswered {
                    contact_id: int(row, "id")?,
                    count: int(row, "n")?,
                    since: int(row, "since")?,
                    last: int(row, "last")?,
                    tried_at: int(row, "tried_at")?,
                })
            })
            .collect()
    }

    /// Addresses that failed lately and have taken a mail for good since then are well again.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn recover(&mut self, lane: &str, now: Millis) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT c.id FROM contact c JOIN message d ON d.contact_id = c.id AND d.lane = $1 \
             AND d.state IN ('accepted', 'no_receipt', 'delivered') \
             AND d.composed_at > COALESCE(c.health_at, 0) AND d.composed_at < $2 \
             WHERE c.health = 'soft' AND COALESCE(c.health_reason, '') <> 'silent' \
             AND NOT EXISTS (SELECT 1 FROM message b WHERE b.contact_id = c.id \
                 AND b.state = 'undelivered' AND b.composed_at >= d.composed_at)",
        )
        .bind(lane)
        .bind(now - TOOK)
        .fetch_all(&mut *self.db)
        .await?;
        let well = rows
            .iter()
            .map(|row| int(row, "id"))
            .collect::<Result<Vec<_>, _>>()?;
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE contact SET health = 'ok', health_reason = NULL, health_at = $1 WHERE id IN ({})",
            ids(&well)
        )))
        .persistent(false)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}
