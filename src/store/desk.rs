//! What staff keep in the bot: their PIN, who stands in, the notes they write, and the words they watch.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{ids, int, some_int, some_text, text},
};
use crate::{family::contact::Channel, instant::Millis};

/// The PIN of a member of staff.
#[derive(Clone)]
pub struct Pin {
    /// What is kept of it.
    pub seal: String,
    /// How often it was wrong since it was right.
    pub failures: i64,
    /// Until when it is not asked for.
    pub locked_until: Option<Millis>,
}

/// A word to many that its author watches.
#[derive(Clone)]
pub struct Watched {
    /// `announcing.id`
    pub id: i64,
    /// `announcement.id`
    pub announcement_id: i64,
    /// The chat.
    pub chat: String,
    /// The messenger's name for the message that tells how it spreads.
    pub message: String,
    /// What it says now.
    pub shown: Option<String>,
    /// Since when.
    pub shown_at: Millis,
}

impl Store {
    /// Notes in which message an author watches a word spread.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn watch(
        &self,
        announcement: i64,
        (channel, chat): (Channel, &str),
        message: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO announcing (announcement_id, channel, chat, message, shown_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (announcement_id, channel, chat) \
             DO UPDATE SET message = excluded.message",
        )
        .bind(announcement)
        .bind(channel.code())
        .bind(chat)
        .bind(message)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The words that are watched and still spread.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn watched(&self, channel: Channel) -> Result<Vec<Watched>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, announcement_id, chat, message, shown, shown_at FROM announcing \
             WHERE channel = $1 AND ended_at IS NULL ORDER BY id",
        )
        .bind(channel.code())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Watched {
                    id: int(row, "id")?,
                    announcement_id: int(row, "announcement_id")?,
                    chat: text(row, "chat")?,
                    message: text(row, "message")?,
                    shown: some_text(row, "shown")?,
                    shown_at: int(row, "shown_at")?,
                })
            })
            .collect()
    }

    /// Notes what the message of a watched word says now, and whether that is its last word.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn watched_at(
        &self,
        id: i64,
        shown: &str,
        ended: bool,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE announcing SET shown = $2, shown_at = $3, ended_at = CAST($4 AS BIGINT) WHERE id = $1",
        )
        .bind(id)
        .bind(shown)
        .bind(now)
        .bind(ended.then_some(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl Tx {
    /// The PIN of a member of staff, if there is one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn pin(&mut self, staff: i64) -> Result<Option<Pin>, StoreError> {
        let row =
            sqlx::query("SELECT seal, failures, locked_until FROM staff_pin WHERE staff_id = $1")
                .bind(staff)
                .fetch_optional(&mut *self.db)
                .await?;
        row.map(|row| {
            Ok(Pin {
                seal: text(&row, "seal")?,
                failures: int(&row, "failures")?,
                locked_until: some_int(&row, "locked_until")?,
            })
        })
        .transpose()
    }

    /// Keeps a PIN that is new or was right.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_pin(
        &mut self,
        staff: i64,
        seal: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO staff_pin (staff_id, seal, set_at) VALUES ($1, $2, $3) \
             ON CONFLICT (staff_id) DO UPDATE SET failures = 0, locked_until = NULL",
        )
        .bind(staff)
        .bind(seal)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// A PIN was wrong.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn pin_failed(
        &mut self,
        staff: i64,
        failures: i64,
        locked_until: Option<Millis>,
    ) -> Result<(), StoreError> {
        // Whoever waited begins anew.
        let failures = if locked_until.is_some() { 0 } else { failures };
        sqlx::query(
            "UPDATE staff_pin SET failures = $2, locked_until = CAST($3 AS BIGINT) WHERE staff_id = $1",
        )
        .bind(staff)
        .bind(failures)
        .bind(locked_until)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Guardians as lists name them: «Соколова О.»
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn guardian_initials(
        &mut self,
        guardians: &[i64],
    ) -> Result<BTreeMap<i64, String>, StoreError> {
        let sql = format!(
            "SELECT id, surname, given_name FROM guardian WHERE id IN ({})",
            ids(guardians)
        );
        self.all(sql)
            .await?
            .iter()
            .map(|row| {
                let initial: String = text(row, "given_name")?.chars().take(1).collect();
                let name = format!("{} {initial}.", text(row, "surname")?);
                Ok((int(row, "id")?, name))
            })
            .collect()
    }

    /// A phone number of each of these guardians, as the school has it; whoever consented to nothing can still be
    /// called.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn phones(&mut self, guardians: &[i64]) -> Result<BTreeMap<i64, String>, StoreError> {
        let sql = format!(
            "SELECT guardian_id, address FROM contact WHERE channel IN ('call', 'sms') \
             AND ended_at IS NULL AND guardian_id IN ({}) ORDER BY channel DESC, rank DESC, id DESC",
            ids(guardians)
        );
        // The last one stays: a number for calls, of the first rank.
        self.all(sql)
            .await?
            .iter()
            .map(|row| Ok((int(row, "guardian_id")?, text(row, "address")?)))
            .collect()
    }

    /// The colleagues of a member of staff who work today.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn colleagues(
        &mut self,
        staff: i64,
        today: NaiveDate,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, surname, given_name FROM staff WHERE id <> $1 AND role <> 'secretary' \
             AND (from_on IS NULL OR from_on <= $2) AND (to_on IS NULL OR to_on >= $2) \
             ORDER BY surname, given_name, id LIMIT 90",
        )
        .bind(staff)
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| {
                let name = format!("{} {}", text(row, "surname")?, text(row, "given_name")?);
                Ok((int(row, "id")?, name))
            })
            .collect()
    }

    /// Has a colleague stand in for a class teacher in these days.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn delegate(
        &mut self,
        staff: i64,
        colleague: i64,
        from_on: NaiveDate,
        to_on: NaiveDate,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO duty (staff_id, role, class_id, from_on, to_on, granted_by) \
             SELECT $2, 'class_teacher', c.id, $3, $4, $1 FROM class c WHERE c.class_teacher_id = $1",
        )
        .bind(staff)
        .bind(colleague)
        .bind(from_on.to_string())
        .bind(to_on.to_string())
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Somebody else has the access of a member of staff: their chats end, their codes let nobody in, and
    /// what they announced and has not left is stopped.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn cut_off(&mut self, staff: i64, now: Millis) -> Result<(), StoreError> {
        for sql in [
            "UPDATE contact SET ended_at = $2 WHERE staff_id = $1 AND ended_at IS NULL \
             AND channel IN ('telegram', 'max', 'viber')",
            "UPDATE invite SET revoked_at = $2 WHERE staff_id = $1 AND used_at IS NULL AND revoked_at IS NULL",
            "UPDATE announcement SET state = 'cancelled', cancelled_at = $2 WHERE author_id = $1 \
             AND state = 'ready' AND cancelled_at IS NULL AND send_at > $2",
        ] {
            sqlx::query(sql)
                .bind(staff)
                .bind(now)
                .execute(&mut *self.db)
                .await?;
        }
        sqlx::query("DELETE FROM staff_pin WHERE staff_id = $1")
            .bind(staff)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Writes a note of a teacher into the journal, for its families to hear.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_remark(
        &mut self,
        student: i64,
        kind: &str,
        words: &str,
        author: i64,
        today: NaiveDate,
    ) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(
            "INSERT INTO remark (student_id, date, kind, text, notify_parents, author_id) \
             VALUES ($1, $2, $3, $4, 1, $5)",
        ))
        .bind(student)
        .bind(today.to_string())
        .bind(kind)
        .bind(words)
        .bind(author)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}
