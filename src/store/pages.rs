//! Lists for the pages and for metrics.

use std::collections::BTreeMap;

use super::{
    Store, StoreError,
    history::{name, veiled},
    rows::{int, some_text, text},
};
use crate::instant::Millis;

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

impl Store {
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
