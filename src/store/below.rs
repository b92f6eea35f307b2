//! What can be pressed below messages: what a message is to its reader, and that it was acknowledged.

use super::{
    StoreError,
    lane::Tx,
    rows::{ids, int, parsed, some_int, some_text, text},
};
use crate::{
    bot::Below,
    family::contact::Channel,
    instant::Millis,
    journal::fact::{Fact, Place},
    text::Language,
};

/// A message that was pressed below.
#[derive(Clone)]
pub struct Pressed {
    /// `message.id`
    pub id: i64,
    /// `message.ref`
    pub reference: String,
    /// What it says now, with what was corrected in it since.
    pub text: String,
}

impl Tx {
    /// What a message is to its reader.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn below(&mut self, message_id: i64) -> Result<Below, StoreError> {
        let rows = sqlx::query(
            "SELECT n.fact, n.event, n.guardian_id, g.language, \
             (SELECT MAX(a.id) FROM acknowledgement a WHERE a.notice_id = n.id) AS acknowledged \
             FROM message_notice c JOIN notice n ON n.id = c.notice_id \
             LEFT JOIN guardian g ON g.id = n.guardian_id WHERE c.message_id = $1 ORDER BY n.id",
        )
        .bind(message_id)
        .fetch_all(&mut *self.db)
        .await?;
        let mut below = Below::default();
        let (mut words, mut unread) = (Vec::new(), Vec::new());
        for row in &rows {
            let family = some_int(row, "guardian_id")?.is_some();
            let acknowledged = some_int(row, "acknowledged")?.is_some();
            below.family |= family;
            if let Some(code) = some_text(row, "language")? {
                below.language = Language::from_code(&code).unwrap_or_default();
            }
            let fact: Fact = parsed(row, "fact")?;
            match fact.place {
                Place::Inquiry(_) => below.inquiries = true,
                Place::Announcement(id) if family => {
                    words.push(id);
                    unread.extend((!acknowledged).then_some(id));
                }
                Place::TermResult { .. } if family && !acknowledged => {
                    below.acknowledge |=
                        matches!(text(row, "event")?.as_str(), "term_result" | "exam");
                }
                _ => {}
            }
        }
        if !words.is_empty() {
            below.polls = self.polls(&words).await?;
            below.files = self.attached(&words).await?;
            // Who answers has read it.
            let sql = format!(
                "SELECT COUNT(*) AS n FROM announcement WHERE confirm <> 'none' AND answers IS NULL \
                 AND id IN ({})",
                ids(&unread)
            );
            for row in &self.all(sql).await? {
                below.acknowledge |= int(row, "n")? > 0;
            }
        }
        Ok(below)
    }

    /// The message with this reference, if it went to this chat.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn pressed(
        &mut self,
        reference: &str,
        (channel, chat): (Channel, &str),
    ) -> Result<Option<Pressed>, StoreError> {
        let row = sqlx::query(
            "SELECT id, body_text FROM message WHERE ref = $1 AND channel = $2 AND address = $3",
        )
        .bind(reference)
        .bind(channel.code())
        .bind(chat)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut pressed = Pressed {
            id: int(&row, "id")?,
            reference: reference.to_owned(),
            text: text(&row, "body_text")?,
        };
        let notes = sqlx::query(
            "SELECT a.note FROM amendment a JOIN message m ON m.id = a.message_id \
             WHERE a.earlier_id = $1 AND m.state IN ('accepted', 'no_receipt', 'delivered') ORDER BY a.id",
        )
        .bind(pressed.id)
        .fetch_all(&mut *self.db)
        .await?;
        for note in &notes {
            pressed.text.push_str("\n\n");
            pressed.text.push_str(&text(note, "note")?);
        }
        Ok(Some(pressed))
    }

    /// Notes that these guardians have learned what a message says. Pressed twice it changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn acknowledge(
        &mut self,
        message_id: i64,
        guardians: &[i64],
        channel: Channel,
        now: Millis,
    ) -> Result<(), StoreError> {
        for guardian in guardians {
            sqlx::query(
                "INSERT INTO acknowledgement (notice_id, guardian_id, kind, channel, at) \
                 SELECT n.id, n.guardian_id, 'button', $3, $4 FROM message_notice c \
                 JOIN notice n ON n.id = c.notice_id WHERE c.message_id = $1 AND n.guardian_id = $2 \
                 AND NOT EXISTS (SELECT 1 FROM acknowledgement a WHERE a.notice_id = n.id \
                     AND a.guardian_id = n.guardian_id AND a.kind = 'button')",
            )
            .bind(message_id)
            .bind(*guardian)
            .bind(channel.code())
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        let rows = sqlx::query(
            "SELECT n.fact, n.guardian_id FROM message_notice c JOIN notice n ON n.id = c.notice_id \
             WHERE c.message_id = $1 AND n.guardian_id IS NOT NULL",
        )
        .bind(message_id)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let (fact, guardian): (Fact, i64) = (parsed(row, "fact")?, int(row, "guardian_id")?);
            if let Place::Announcement(id) = fact.place
                && guardians.contains(&guardian)
                && let Some(first) = self.reminded(id).await?
            {
                // Who has read the reminder has read what it reminds of.
                let who = (guardian, fact.student_id);
                self.acknowledge_word(first, who, ("button", channel), now)
                    .await?;
            }
        }
        Ok(())
    }

    /// The announcement that one reminds of.
    async fn reminded(&mut self, announcement: i64) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT reminds_id FROM announcement WHERE id = $1")
            .bind(announcement)
            .fetch_optional(&mut *self.db)
            .await?;
        let first = row.map(|row| some_int(&row, "reminds_id"));
        Ok(first.transpose()?.flatten())
    }
}
