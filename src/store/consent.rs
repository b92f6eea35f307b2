//! The consent register as people keep it: rows are added and never changed.

use serde::Serialize;

use super::{
    Store, StoreError,
    rows::{int, some_int, some_text, text},
};
use crate::{
    family::consent::{ConsentState, Purpose},
    instant::Millis,
};

/// A row to be added.
#[derive(Debug, Clone)]
pub struct NewConsent {
    /// Who answered.
    pub guardian_id: i64,
    /// For which student.
    pub student_id: i64,
    /// For what.
    pub purpose: Purpose,
    /// How.
    pub state: ConsentState,
    /// The paper that proves it.
    pub document: String,
    /// The day it was signed, `YYYY-MM-DD`.
    pub signed_on: Option<String>,
}

/// A row of the register, in the shape of `consent list --json`.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentRow {
    /// `guardian.id`
    pub guardian_id: i64,
    /// «Соколова Ольга»
    pub guardian: String,
    /// `student.id`
    pub student_id: i64,
    /// «Соколова Мария»
    pub student: String,
    /// `consent.purpose`
    pub purpose: String,
    /// `consent.state`
    pub state: String,
    /// The paper that proves it.
    pub document: Option<String>,
    /// The day it was signed.
    pub signed_on: Option<String>,
    /// When it was recorded, in milliseconds since 1970 UTC.
    pub recorded_at: Option<Millis>,
    /// Whether no later row speaks of the same.
    pub holds: bool,
}

impl Store {
    /// Adds a row to the register; false where the guardian does not answer for the student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_consent(&self, consent: &NewConsent, now: Millis) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO consent (guardian_id, student_id, purpose, state, document, signed_on, \
             recorded_at, route) SELECT g.guardian_id, g.student_id, $3, $4, $5, $6, $7, 'paper' \
             FROM guardianship g WHERE g.guardian_id = $1 AND g.student_id = $2",
        )
        .bind(consent.guardian_id)
        .bind(consent.student_id)
        .bind(consent.purpose.code())
        .bind(consent.state.code())
        .bind(&consent.document)
        .bind(consent.signed_on.as_deref())
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// The whole register, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn consents(&self) -> Result<Vec<ConsentRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.guardian_id, g.surname AS g_surname, g.given_name AS g_given, c.student_id, \
             s.surname AS s_surname, s.given_name AS s_given, c.purpose, c.state, c.document, \
             c.signed_on, c.recorded_at, (SELECT MAX(o.id) FROM consent o \
                 WHERE o.guardian_id = c.guardian_id AND o.student_id = c.student_id \
                 AND o.purpose = c.purpose) - c.id AS later \
             FROM consent c JOIN guardian g ON g.id = c.guardian_id \
             JOIN student s ON s.id = c.student_id ORDER BY c.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let name = |surname, given| -> Result<String, StoreError> {
                    Ok(format!("{} {}", text(row, surname)?, text(row, given)?))
                };
                Ok(ConsentRow {
                    guardian_id: int(row, "guardian_id")?,
                    guardian: name("g_surname", "g_given")?,
                    student_id: int(row, "student_id")?,
                    student: name("s_surname", "s_given")?,
                    purpose: text(row, "purpose")?,
                    state: text(row, "state")?,
                    document: some_text(row, "document")?,
                    signed_on: some_text(row, "signed_on")?,
                    recorded_at: some_int(row, "recorded_at")?,
                    holds: int(row, "later")? == 0,
                })
            })
            .collect()
    }
}
