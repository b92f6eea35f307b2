//! Lists for the pages and for metrics.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    history::{name, veiled},
    press::class_name,
    rows::{int, parsed, some_text, text},
};
use crate::{family::contact::Channel, instant::Millis, journal::class_name::ClassName};

/// A line of the list of messages.
#[derive(Debug, Clone)]
pub struct Listed {
    /// `message.id`
    pub id: i64,
    /// `message.ref`
    pub reference: String,
    /// `contact.channel`
    pub channel: String,
    /// Its state.
    pub state: String,
    /// Why, where the state needs a reason.
    pub reason: Option<String>,
    /// Whom it is for.
    pub guardian: String,
    /// Where it goes, with its middle hidden.
    pub address: String,
    /// How many calls were made.
    pub attempts: i64,
    /// When it was composed.
    pub composed_at: Millis,
    /// Since when it is in its state.
    pub state_at: Millis,
    /// Whether a second copy may have arrived.
    pub possible_duplicate: bool,
}

/// A notice about a student, as a family's page tells it.
#[derive(Debug, Clone)]
pub struct Told {
    /// Whom.
    pub guardian: String,
    /// Of what.
    pub what: String,
    /// As what.
    pub event: String,
    /// What the message says, or else what they knew, as a JSON array.
    pub value: Option<String>,
    /// The notice's state.
    pub state: String,
    /// Why, or what it waits for.
    pub reason: Option<String>,
    /// Since when.
    pub state_at: Millis,
    /// The message that carries it: reference and channel.
    pub message: Option<(String, String)>,
}

impl Store {
    /// The students of a class today: id and name, in the order of the register.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn students_of(
        &self,
        class_id: i64,
        today: NaiveDate,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT s.id, s.surname, s.given_name FROM enrolment e JOIN student s ON s.id = e.student_id \
             WHERE e.class_id = $1 AND (e.from_on IS NULL OR e.from_on <= $2) \
             AND (e.to_on IS NULL OR e.to_on >= $2) ORDER BY e.number, s.surname, s.given_name, s.id",
        )
        .bind(class_id)
        .bind(today.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, name(row, "surname", "given_name")?)))
            .collect()
    }

    /// How many notices about each student of a class are in each state.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn class_notices(
        &self,
        class_id: i64,
    ) -> Result<BTreeMap<i64, BTreeMap<String, i64>>, StoreError> {
        let rows = sqlx::query(
            "SELECT n.student_id, n.state, COUNT(*) AS n FROM notice n WHERE n.student_id IN \
             (SELECT student_id FROM enrolment WHERE class_id = $1) GROUP BY n.student_id, n.state",
        )
        .bind(class_id)
        .fetch_all(&self.pool)
        .await?;
        let mut notices: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
        for row in &rows {
            let of_student = notices.entry(int(row, "student_id")?).or_default();
            of_student.insert(text(row, "state")?, int(row, "n")?);
        }
        Ok(notices)
    }

    /// The newest notices about a student, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn told_about(&self, student_id: i64, limit: i64) -> Result<Vec<Told>, StoreError> {
        let rows = sqlx::query(
            "SELECT n.fact, n.event, n.state, n.reason, n.waits_for, n.state_at, g.surname, g.given_name, \
             m.ref, m.channel, c.value FROM notice n LEFT JOIN guardian g ON g.id = n.guardian_id \
             LEFT JOIN message_notice c ON c.id = \
             (SELECT MAX(l.id) FROM message_notice l WHERE l.notice_id = n.id) \
             LEFT JOIN message m ON m.id = c.message_id WHERE n.student_id = $1 \
             ORDER BY n.id DESC LIMIT $2",
        )
        .bind(student_id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in &rows {
            told.push(self.told(row).await?);
        }
        Ok(told)
    }

    /// The newest corrections and withdrawals: whom, of whom, of what, and the message that told it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn corrections(&self, limit: i64) -> Result<Vec<(i64, String, Told)>, StoreError> {
        let rows = sqlx::query(
            "SELECT n.student_id, s.surname AS s_surname, s.given_name AS s_given, n.fact, n.event, \
             n.state, n.reason, n.waits_for, n.state_at, g.surname, g.given_name, m.ref, m.channel, \
             c.value FROM notice n JOIN student s ON s.id = n.student_id \
             JOIN guardian g ON g.id = n.guardian_id JOIN message_notice c ON c.notice_id = n.id \
             JOIN message m ON m.id = c.message_id WHERE n.state IN ('informed', 'told_by_paper') \
             AND n.event IN ('mark_corrected', 'mark_withdrawn', 'attendance_corrected') \
             ORDER BY n.state_at DESC, n.id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut corrections = Vec::with_capacity(rows.len());
        for row in &rows {
            let student = name(row, "s_surname", "s_given")?;
            corrections.push((int(row, "student_id")?, student, self.told(row).await?));
        }
        Ok(corrections)
    }

    /// For how many families sheets were printed, by the code of why they hear on paper.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn paper_reasons(&self) -> Result<Vec<(String, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT COALESCE(reason, 'undelivered') AS why, COUNT(DISTINCT guardian_id) AS n FROM sheet \
             WHERE state = 'printed' GROUP BY COALESCE(reason, 'undelivered') ORDER BY n DESC",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((text(row, "why")?, int(row, "n")?)))
            .collect()
    }

    async fn told(&self, row: &AnyRow) -> Result<Told, StoreError> {
        let waits = some_text(row, "waits_for")?.map(|what| format!("waits for {what}"));
        Ok(Told {
            guardian: name(row, "surname", "given_name")?,
            what: self.what(parsed(row, "fact")?).await?,
            event: text(row, "event")?,
            value: some_text(row, "value")?,
            state: text(row, "state")?,
            reason: some_text(row, "reason")?.or(waits),
            state_at: int(row, "state_at")?,
            message: some_text(row, "ref")?.zip(some_text(row, "channel")?),
        })
    }

    /// Where the newest sheets lie: class, how many sheets, and the file.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn sheet_files(&self) -> Result<Vec<(ClassName, i64, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.grade, c.letter, r.sheets, r.file FROM print_run r JOIN class c ON c.id = r.class_id \
             WHERE r.state = 'printed' ORDER BY r.id DESC LIMIT 20",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((class_name(row)?, int(row, "sheets")?, text(row, "file")?)))
            .collect()
    }

    /// Messages, newest first: those of a channel and a state where these are named, and older than
    /// `before`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn messages(
        &self,
        channel: Option<&str>,
        state: Option<&str>,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Listed>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.id, m.ref, m.channel, m.state, m.reason, m.address, m.attempts, m.composed_at, \
             m.state_at, m.resent, g.surname, g.given_name FROM message m \
             LEFT JOIN guardian g ON g.id = m.guardian_id \
             WHERE ($1 = '' OR m.channel = $1) AND ($2 = '' OR m.state = $2) AND m.id < $3 \
             ORDER BY m.id DESC LIMIT $4",
        )
        .bind(channel.unwrap_or_default())
        .bind(state.unwrap_or_default())
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Listed {
                    id: int(row, "id")?,
                    reference: text(row, "ref")?,
                    channel: text(row, "channel")?,
                    state: text(row, "state")?,
                    reason: some_text(row, "reason")?,
                    guardian: name(row, "surname", "given_name")?,
                    address: veiled(&text(row, "address")?),
                    attempts: int(row, "attempts")?,
                    composed_at: int(row, "composed_at")?,
                    state_at: int(row, "state_at")?,
                    possible_duplicate: int(row, "resent")? == 1,
                })
            })
            .collect()
    }

    /// How many messages there are by channel and state, sheets by the states of their messages.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn message_states(
        &self,
    ) -> Result<BTreeMap<String, BTreeMap<String, i64>>, StoreError> {
        let sql = "SELECT channel, state, COUNT(*) AS n FROM message GROUP BY channel, state";
        let mut states: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for row in &sqlx::query(sql).fetch_all(&self.pool).await? {
            let of_channel = states.entry(text(row, "channel")?).or_default();
            of_channel.insert(text(row, "state")?, int(row, "n")?);
        }
        Ok(states)
    }

    /// Of the messages that were composed in this time, by channel: how many there were, arrived, and did not.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn messages_between(
        &self,
        from: Millis,
        to: Millis,
    ) -> Result<Vec<(Channel, i64, i64, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT channel, COUNT(*) AS sent, \
             CAST(SUM(CASE WHEN state IN ('accepted', 'delivered', 'no_receipt') THEN 1 ELSE 0 END) AS BIGINT) AS arrived, \
             CAST(SUM(CASE WHEN state IN ('rejected', 'undelivered', 'expired', 'unresolved') THEN 1 ELSE 0 END) AS BIGINT) AS lost \
             FROM message WHERE channel <> 'paper' AND state NOT IN ('superseded', 'cancelled', 'suppressed') \
             AND composed_at >= $1 AND composed_at < $2 GROUP BY channel ORDER BY channel",
        )
        .bind(from)
        .bind(to)
        .fetch_all(&self.pool)
        .await?;
        let mut day = Vec::new();
        for row in &rows {
            if let Some(channel) = Channel::from_code(&text(row, "channel")?) {
                day.push((
                    channel,
                    int(row, "sent")?,
                    int(row, "arrived")?,
                    int(row, "lost")?,
                ));
            }
        }
        Ok(day)
    }

    /// How many calls ended how, ever: lane and outcome to count. A call under way has no outcome.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn attempts(&self) -> Result<BTreeMap<(String, String), i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT lane, COALESCE(outcome, 'under_way') AS outcome, COUNT(*) AS n FROM attempt \
             GROUP BY lane, COALESCE(outcome, 'under_way')",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok(((text(row, "lane")?, text(row, "outcome")?), int(row, "n")?)))
            .collect()
    }

    /// How many print runs are in each state.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn print_runs(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows = sqlx::query("SELECT state, COUNT(*) AS n FROM print_run GROUP BY state")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((text(row, "state")?, int(row, "n")?)))
            .collect()
    }
}
