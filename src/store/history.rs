//! The history of one message: from the journal row to the last receipt.

use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    rows::{int, parsed, some_int, some_text, text},
};
use crate::{
    instant::Millis,
    journal::fact::{Fact, Place},
};

/// A message with everything that happened to it.
#[derive(Debug, Clone)]
pub struct History {
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
    /// Its subject.
    pub subject: Option<String>,
    /// Its words.
    pub text: String,
    /// Its words as HTML.
    pub html: Option<String>,
    /// How many SMS it makes.
    pub parts: i64,
    /// When it was composed.
    pub composed_at: Millis,
    /// Since when it is in its state.
    pub state_at: Millis,
    /// When something will be done about it, in a state that is not final.
    pub not_before: Millis,
    /// Whether a second copy may have arrived.
    pub possible_duplicate: bool,
    /// What it carries.
    pub notices: Vec<Carried>,
    /// The calls.
    pub attempts: Vec<Attempt>,
    /// What came back later: kind and when.
    pub receipts: Vec<(String, Millis)>,
}

/// A notice in a message.
#[derive(Debug, Clone)]
pub struct Carried {
    /// Whom.
    pub guardian: String,
    /// About whom.
    pub student: String,
    /// Of what: «mark in Русский язык of 2026-10-14».
    pub what: String,
    /// What it is told as.
    pub event: String,
    /// The notice's state now.
    pub state: String,
    /// Why, or what it waits for.
    pub reason: Option<String>,
    /// What the recipient knew before, as a JSON array.
    pub basis: String,
    /// What the message says, as a JSON array.
    pub value: String,
    /// When the journal's row changed, and by which import.
    pub change: Option<(Millis, Option<i64>)>,
    /// When the change was seen.
    pub seen_at: Millis,
}

/// One call.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// From 1 on.
    pub number: i64,
    /// When it left.
    pub started_at: Millis,
    /// When it ended.
    pub finished_at: Option<Millis>,
    /// How.
    pub outcome: Option<String>,
    /// The provider's code.
    pub code: Option<String>,
    /// In words.
    pub detail: Option<String>,
    /// What the provider answered, where nobody understood it.
    pub answer: Option<String>,
}

const MESSAGE: &str = "SELECT m.id, m.ref, m.channel, m.state, m.reason, m.address, m.subject, \
     m.body_text, m.body_html, m.parts, m.composed_at, m.state_at, m.not_before, m.resent, \
     g.surname, g.given_name FROM message m LEFT JOIN guardian g ON g.id = m.guardian_id";

impl Store {
    /// One message with its history; none where no message has this reference.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn history(&self, reference: &str) -> Result<Option<History>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!("{MESSAGE} WHERE m.ref = $1")))
            .bind(reference)
            .fetch_optional(&self.pool)
            .await?;
        match row {
            Some(row) => Ok(Some(self.with_history(&row).await?)),
            None => Ok(None),
        }
    }

    /// The newest messages with their histories, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn newest(&self, limit: i64) -> Result<Vec<History>, StoreError> {
        let sql = format!("{MESSAGE} ORDER BY m.id DESC LIMIT $1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let mut histories = Vec::with_capacity(rows.len());
        for row in &rows {
            histories.push(self.with_history(row).await?);
        }
        Ok(histories)
    }

    /// What a fact is about: «mark in Русский язык of 2026-10-14».
    pub(super) async fn what(&self, fact: Fact) -> Result<String, StoreError> {
        let mut what = fact.place.entity().replace('_', " ");
        let subject = sqlx::query(
            "SELECT s.name FROM subject s WHERE s.id = $1 \
             OR s.id = (SELECT l.subject_id FROM lesson l WHERE l.id = $2)",
        )
        .bind(fact.place.subject_id())
        .bind(fact.place.lesson_id())
        .fetch_optional(&self.pool)
        .await?;
        if let Some(row) = subject {
            what = format!("{what} in {}", text(&row, "name")?);
        }
        if let Some(date) = fact.place.date() {
            what = format!("{what} of {date}");
        }
        match fact.place {
            Place::Attendance { number, .. } if number > 0 => {
                what = format!("{what}, lesson {number}");
            }
            Place::Announcement(id)
            | Place::Lesson(id)
            | Place::ClassEvent(id)
            | Place::Summary(id)
            | Place::Contact(id) => {
                what = format!("{what} № {id}");
            }
            _ => {}
        }
        Ok(what)
    }

    async fn with_history(&self, row: &AnyRow) -> Result<History, StoreError> {
        let id = int(row, "id")?;
        let carried = sqlx::query(
            "SELECT n.fact, n.event, n.state, n.reason, n.waits_for, n.basis, n.seen_at, c.value, \
             g.surname AS g_surname, g.given_name AS g_given, s.surname AS s_surname, \
             s.given_name AS s_given, h.written_at, h.import_id FROM message_notice c \
             JOIN notice n ON n.id = c.notice_id LEFT JOIN guardian g ON g.id = n.guardian_id \
             LEFT JOIN student s ON s.id = n.student_id LEFT JOIN change h ON h.id = n.change_id \
             WHERE c.message_id = $1 ORDER BY c.id",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let mut notices = Vec::with_capacity(carried.len());
        for row in &carried {
            let what = self.what(parsed(row, "fact")?).await?;
            let waits = some_text(row, "waits_for")?.map(|what| format!("waits for {what}"));
            notices.push(Carried {
                guardian: name(row, "g_surname", "g_given")?,
                student: name(row, "s_surname", "s_given")?,
                what,
                event: text(row, "event")?,
                state: text(row, "state")?,
                reason: some_text(row, "reason")?.or(waits),
                basis: text(row, "basis")?,
                value: text(row, "value")?,
                change: match some_int(row, "written_at")? {
                    Some(at) => Some((at, some_int(row, "import_id")?)),
                    None => None,
                },
                seen_at: int(row, "seen_at")?,
            });
        }
        let attempts = sqlx::query(
            "SELECT number, started_at, finished_at, outcome, code, detail, answer FROM attempt \
             WHERE message_id = $1 ORDER BY number",
        )
        .bind(id)
        .fetch_all(&self.pool)
        .await?
        .iter()
        .map(attempt)
        .collect::<Result<_, _>>()?;
        let receipts =
            sqlx::query("SELECT kind, received_at FROM receipt WHERE message_id = $1 ORDER BY id")
                .bind(id)
                .fetch_all(&self.pool)
                .await?
                .iter()
                .map(|row| Ok((text(row, "kind")?, int(row, "received_at")?)))
                .collect::<Result<_, StoreError>>()?;
        Ok(History {
            reference: text(row, "ref")?,
            channel: text(row, "channel")?,
            state: text(row, "state")?,
            reason: some_text(row, "reason")?,
            guardian: name(row, "surname", "given_name")?,
            address: veiled(&text(row, "address")?),
            subject: some_text(row, "subject")?,
            text: text(row, "body_text")?,
            html: some_text(row, "body_html")?,
            parts: int(row, "parts")?,
            composed_at: int(row, "composed_at")?,
            state_at: int(row, "state_at")?,
            not_before: int(row, "not_before")?,
            possible_duplicate: int(row, "resent")? == 1,
            notices,
            attempts,
            receipts,
        })
    }
}

fn attempt(row: &AnyRow) -> Result<Attempt, StoreError> {
    Ok(Attempt {
        number: int(row, "number")?,
        started_at: int(row, "started_at")?,
        finished_at: some_int(row, "finished_at")?,
        outcome: some_text(row, "outcome")?,
        code: some_text(row, "code")?,
        detail: some_text(row, "detail")?,
        answer: some_text(row, "answer")?,
    })
}

pub(super) fn name(row: &AnyRow, surname: &str, given: &str) -> Result<String, StoreError> {
    let parts = [some_text(row, surname)?, some_text(row, given)?];
    Ok(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// An address with its middle hidden: enough to recognise it, too little to use it.
pub(super) fn veiled(address: &str) -> String {
    let name = address
        .split('@')
        .next()
        .unwrap_or_default()
        .chars()
        .count();
    let (head, tail) = if name > 8 { (3, 2) } else { (1, 0) };
    address
        .chars()
        .enumerate()
        .map(|(at, c)| {
            if at < head || at + tail >= name {
                c
            } else {
                '·'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_recognised_and_not_given_away() {
        assert_eq!(veiled("+79123456789"), "+79·······89");
        assert_eq!(veiled("olga@example.org"), "o···@example.org");
    }
}
