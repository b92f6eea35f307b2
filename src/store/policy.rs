//! Which policy holds, and which one held.

use super::{
    Store, StoreError,
    rows::{int, some_text, text},
};
use crate::instant::Millis;

/// A policy that held from a moment on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// Its name.
    pub name: String,
    /// Its rules, line by line, with their clauses.
    pub content: String,
    /// From when on.
    pub valid_from: Millis,
}

impl Store {
    /// The name of the policy that the school's row names.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn policy_name(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT policy FROM school ORDER BY id LIMIT 1")
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(None), |row| some_text(&row, "policy"))
    }

    /// Remembers what holds from now on; nothing where it held before. True if it is new.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_policy(
        &self,
        name: &str,
        content: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let before = self.policy_on(now).await?;
        if before.is_some_and(|before| before.name == name && before.content == content) {
            return Ok(false);
        }
        sqlx::query("INSERT INTO policy_version (name, content, valid_from) VALUES ($1, $2, $3)")
            .bind(name)
            .bind(content)
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(true)
    }

    /// What held at a moment; none before the daemon's first start.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn policy_on(&self, at: Millis) -> Result<Option<PolicyVersion>, StoreError> {
        let row = sqlx::query(
            "SELECT name, content, valid_from FROM policy_version WHERE valid_from <= $1 \
             ORDER BY valid_from DESC, id DESC LIMIT 1",
        )
        .bind(at)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(PolicyVersion {
                name: text(&row, "name")?,
                content: text(&row, "content")?,
                valid_from: int(&row, "valid_from")?,
            })
        })
        .transpose()
    }
}
