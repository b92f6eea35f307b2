//! The consent register as people keep it: rows are added and never changed.

use chrono::NaiveDate;
use serde::Serialize;
use sqlx::AnyConnection;

use super::{
    Store, StoreError,
    lane::Tx,
    people::on_paper,
    press::class_name,
    rows::{int, some_int, some_text, text},
};
use crate::{
    family::{
        consent::{ConsentState, Purpose},
        service::{Ground, OnPaper},
    },
    instant::Millis,
    journal::class_name::ClassName,
};

/// A row to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// That a guardian answers for a student, with their names.
#[derive(Debug, Clone)]
pub struct Tie {
    /// `guardian.id`
    pub guardian_id: i64,
    /// Surname, given name and patronymic.
    pub guardian: [Option<String>; 3],
    /// `student.id`
    pub student_id: i64,
    /// Surname, given name and patronymic.
    pub student: [Option<String>; 3],
    /// The class, as the register writes it.
    pub class: Option<ClassName>,
    /// `guardianship.relation`
    pub relation: String,
}

/// How a family is served, to be written down.
#[derive(Debug, Clone)]
pub struct NewServiceMode<'a> {
    /// Who agreed.
    pub guardian_id: i64,
    /// For which student.
    pub student_id: i64,
    /// On paper, or electronically.
    pub paper: bool,
    /// On what ground.
    pub ground: Option<Ground>,
    /// The statement that proves it.
    pub statement: &'a str,
    /// From this day.
    pub from_on: NaiveDate,
    /// To this day, if it is known.
    pub to_on: Option<NaiveDate>,
}

impl Store {
    /// Who answers for whom; for one student, or all.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn ties(&self, student: Option<i64>) -> Result<Vec<Tie>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.guardian_id, t.student_id, t.relation, g.surname, g.given_name, g.patronymic, \
             s.surname AS s_surname, s.given_name AS s_given, s.patronymic AS s_patronymic, \
             c.grade, c.letter FROM guardianship t JOIN guardian g ON g.id = t.guardian_id \
             JOIN student s ON s.id = t.student_id LEFT JOIN enrolment e ON e.id = \
             (SELECT MAX(o.id) FROM enrolment o WHERE o.student_id = t.student_id) \
             LEFT JOIN class c ON c.id = e.class_id WHERE CAST($1 AS BIGINT) = 0 OR t.student_id = $1 \
             ORDER BY t.priority, t.guardian_id, t.student_id",
        )
        .bind(student.unwrap_or(0))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Tie {
                    guardian_id: int(row, "guardian_id")?,
                    guardian: [
                        some_text(row, "surname")?,
                        some_text(row, "given_name")?,
                        some_text(row, "patronymic")?,
                    ],
                    student_id: int(row, "student_id")?,
                    student: [
                        some_text(row, "s_surname")?,
                        some_text(row, "s_given")?,
                        some_text(row, "s_patronymic")?,
                    ],
                    class: match some_int(row, "grade")? {
                        Some(_) => Some(class_name(row)?),
                        None => None,
                    },
                    relation: text(row, "relation")?,
                })
            })
            .collect()
    }

    /// Adds all these rows to the register, or none.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_consents(&self, rows: &[NewConsent], now: Millis) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        for row in rows {
            add(&mut tx.db, row, now).await?;
        }
        tx.commit().await
    }

    /// Writes down how a family is served; false where the guardian does not answer for the student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_service_mode(&self, mode: &NewServiceMode<'_>) -> Result<bool, StoreError> {
        let mut tx = self.transaction().await?;
        let added = tx.add_service_mode(mode).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Adds a row to the register; false where the guardian does not answer for the student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_consent(&self, consent: &NewConsent, now: Millis) -> Result<bool, StoreError> {
        let mut tx = self.transaction().await?;
        let added = tx.add_consent(consent, now).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// The guardians who hear of a student on paper today because that was agreed.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn agreed_on_paper(
        &self,
        student: i64,
        today: NaiveDate,
    ) -> Result<Vec<OnPaper>, StoreError> {
        let mut db = self.pool.acquire().await?;
        on_paper(&mut db, &format!("student_id = {student}"), today).await
    }

    /// The register, oldest first: of one student, or whole.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn consents(&self, student: Option<i64>) -> Result<Vec<ConsentRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.guardian_id, g.surname AS g_surname, g.given_name AS g_given, c.student_id, \
             s.surname AS s_surname, s.given_name AS s_given, c.purpose, c.state, c.document, \
             c.signed_on, c.recorded_at, (SELECT MAX(o.id) FROM consent o \
                 WHERE o.guardian_id = c.guardian_id AND o.student_id = c.student_id \
                 AND o.purpose = c.purpose) - c.id AS later \
             FROM consent c JOIN guardian g ON g.id = c.guardian_id \
             JOIN student s ON s.id = c.student_id \
             WHERE CAST($1 AS BIGINT) = 0 OR c.student_id = $1 ORDER BY c.id",
        )
        .bind(student.unwrap_or(0))
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

/// How a family took a consent back by itself.
pub(super) struct TakenBack<'a> {
    /// `consent.purpose`
    pub(super) purpose: Purpose,
    /// `consent.route`
    pub(super) route: &'a str,
    /// What shows it.
    pub(super) document: &'a str,
    /// The address by which they said so, if it was one of theirs.
    pub(super) contact_id: Option<i64>,
}

impl Tx {
    /// Writes down how a family is served; false where the guardian does not answer for the student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_service_mode(
        &mut self,
        mode: &NewServiceMode<'_>,
    ) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO service_mode (guardian_id, student_id, mode, ground, statement, from_on, to_on) \
             SELECT g.guardian_id, g.student_id, $3, $4, $5, $6, $7 \
             FROM guardianship g WHERE g.guardian_id = $1 AND g.student_id = $2",
        )
        .bind(mode.guardian_id)
        .bind(mode.student_id)
        .bind(if mode.paper { "paper" } else { "electronic" })
        .bind(mode.ground.map(Ground::code))
        .bind(mode.statement)
        .bind(mode.from_on.to_string())
        .bind(mode.to_on.map(|day| day.to_string()))
        .execute(&mut *self.db)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// Adds a row to the register; false where the guardian does not answer for the student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_consent(
        &mut self,
        consent: &NewConsent,
        now: Millis,
    ) -> Result<bool, StoreError> {
        add(&mut self.db, consent, now).await
    }

    /// Withdraws what a guardian agreed to, of each student for whom it still holds; says of how many.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub(super) async fn take_back_consent(
        &mut self,
        guardian: i64,
        how: &TakenBack<'_>,
        today: NaiveDate,
        now: Millis,
    ) -> Result<u64, StoreError> {
        let withdrawn = sqlx::query(
            "INSERT INTO consent (guardian_id, student_id, purpose, state, route, document, signed_on, \
             recorded_at, contact_id) SELECT c.guardian_id, c.student_id, $2, 'withdrawn', $3, $4, $5, $6, \
             CAST($7 AS BIGINT) FROM consent c WHERE c.guardian_id = $1 AND c.purpose = $2 AND c.state = 'given' \
             AND NOT EXISTS (SELECT 1 FROM consent o WHERE o.guardian_id = c.guardian_id \
                 AND o.student_id = c.student_id AND o.purpose = c.purpose AND o.id > c.id)",
        )
        .bind(guardian)
        .bind(how.purpose.code())
        .bind(how.route)
        .bind(how.document)
        .bind(today.to_string())
        .bind(now)
        .bind(how.contact_id)
        .execute(&mut *self.db)
        .await?;
        Ok(withdrawn.rows_affected())
    }
}

async fn add(
    db: &mut AnyConnection,
    consent: &NewConsent,
    now: Millis,
) -> Result<bool, StoreError> {
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
    .execute(db)
    .await?;
    Ok(added.rows_affected() == 1)
}
