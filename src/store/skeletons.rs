//! Where the registration of SMS texts stands with each operator.

use super::{
    Store, StoreError,
    rows::{int, text},
};
use crate::instant::Millis;

/// The registration of one text with one operator. Without one the text is a draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The operator.
    pub operator: String,
    /// Which skeleton it was.
    pub name: String,
    /// The text.
    pub text: String,
    /// `submitted`, `registered` or `revoked`.
    pub state: String,
    /// Since when.
    pub state_at: Millis,
}

impl Store {
    /// All registrations, by operator.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn registrations(&self) -> Result<Vec<Registration>, StoreError> {
        let rows = sqlx::query(
            "SELECT operator, name, text, state, state_at FROM sms_template ORDER BY operator, id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Registration {
                    operator: text(row, "operator")?,
                    name: text(row, "name")?,
                    text: text(row, "text")?,
                    state: text(row, "state")?,
                    state_at: int(row, "state_at")?,
                })
            })
            .collect()
    }

    /// Writes down where the registration of a text stands.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn register(&self, one: &Registration) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO sms_template (operator, name, text, state, state_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (operator, text) DO UPDATE SET name = excluded.name, state = excluded.state, \
             state_at = excluded.state_at",
        )
        .bind(&one.operator)
        .bind(&one.name)
        .bind(&one.text)
        .bind(&one.state)
        .bind(one.state_at)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The school's name in SMS; none before the first start.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn short_name(&self) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT COALESCE(short_name, name) AS name FROM school ORDER BY id LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| text(&row, "name")).transpose()
    }
}
