//! The files that come with announcements: their content, each once, and what they are called.

use sha2::{Digest, Sha256};
use sqlx::Row;
use vestnik_contract::File;

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{ids, int, text},
};
use crate::{
    instant::{DAY, Millis},
    links::hex,
};

/// How long a file is kept that no announcement carries: until its draft is forgotten.
const KEPT: Millis = 7 * DAY;

/// A file that is kept, by its name and the hash of its content.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Kept {
    /// What it is called.
    pub name: String,
    /// Its kind, as `image/jpeg`.
    pub mime: String,
    /// `file.sha256`
    pub sha256: String,
    /// How long it is.
    pub bytes: usize,
}

/// Prints no name.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept({} bytes)", self.bytes)
    }
}

/// A file of an announcement.
#[derive(Clone, PartialEq, Eq)]
pub struct Attached {
    /// `attachment.id`
    pub id: i64,
    /// What it is called.
    pub name: String,
}

/// Prints no name.
impl std::fmt::Debug for Attached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attached({})", self.id)
    }
}

impl Store {
    /// As [`Tx::keep_file`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_file(
        &self,
        (name, mime): (&str, &str),
        content: &[u8],
        now: Millis,
    ) -> Result<Kept, StoreError> {
        let mut tx = self.transaction().await?;
        let kept = tx.keep_file((name, mime), content, now).await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// A file of an announcement, with what is in it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn attachment(&self, id: i64) -> Result<Option<File>, StoreError> {
        let mut tx = self.snapshot().await?;
        let file = tx.file_of(id).await?;
        tx.commit().await?;
        Ok(file)
    }
}

impl Tx {
    /// Keeps the content of a file, once, and forgets those that no announcement came to carry.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_file(
        &mut self,
        (name, mime): (&str, &str),
        content: &[u8],
        now: Millis,
    ) -> Result<Kept, StoreError> {
        sqlx::query(
            "DELETE FROM file WHERE stored_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.sha256 = file.sha256)",
        )
        .bind(now - KEPT)
        .execute(&mut *self.db)
        .await?;
        let sha256 = hex(&Sha256::digest(content));
        sqlx::query(
            "INSERT INTO file (sha256, content, stored_at) VALUES ($1, $2, $3) \
             ON CONFLICT (sha256) DO UPDATE SET stored_at = excluded.stored_at",
        )
        .bind(&sha256)
        .bind(content)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(Kept {
            name: name.to_owned(),
            mime: mime.to_owned(),
            sha256,
            bytes: content.len(),
        })
    }

    /// Has these files come with an announcement.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub(super) async fn attach(
        &mut self,
        announcement: i64,
        files: &[Kept],
    ) -> Result<(), StoreError> {
        for file in files {
            sqlx::query(
                "INSERT INTO attachment (announcement_id, name, mime, sha256, bytes) \
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(announcement)
            .bind(&file.name)
            .bind(&file.mime)
            .bind(&file.sha256)
            .bind(i64::try_from(file.bytes).unwrap_or(i64::MAX))
            .execute(&mut *self.db)
            .await?;
        }
        Ok(())
    }

    /// What comes with these announcements; nothing comes with what was taken back.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn attached(&mut self, announcements: &[i64]) -> Result<Vec<Attached>, StoreError> {
        let sql = format!(
            "SELECT f.id, f.name FROM attachment f JOIN announcement a ON a.id = f.announcement_id \
             WHERE a.cancelled_at IS NULL AND a.id IN ({}) ORDER BY f.id",
            ids(announcements)
        );
        self.all(sql)
            .await?
            .iter()
            .map(|row| {
                Ok(Attached {
                    id: int(row, "id")?,
                    name: text(row, "name")?,
                })
            })
            .collect()
    }

    /// The announcement that a file comes with: `announcement.id`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn carrier_of(&mut self, attachment: i64) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query("SELECT announcement_id FROM attachment WHERE id = $1")
            .bind(attachment)
            .fetch_optional(&mut *self.db)
            .await?;
        row.map(|row| int(&row, "announcement_id")).transpose()
    }

    /// As [`Store::attachment`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn file_of(&mut self, attachment: i64) -> Result<Option<File>, StoreError> {
        let row = sqlx::query(
            "SELECT a.name, a.mime, f.content FROM attachment a JOIN file f ON f.sha256 = a.sha256 \
             WHERE a.id = $1",
        )
        .bind(attachment)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let content: Vec<u8> = row.try_get("content")?;
        Ok(Some(File {
            name: text(&row, "name")?,
            mime: text(&row, "mime")?,
            content: content.into(),
        }))
    }
}
