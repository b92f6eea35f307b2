//! Families as the board shows them: who is meant by a name, their addresses, and what they complain of.

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    lane::Tx,
    press::class_name,
    rows::{int, some_int, some_text, text},
};
use crate::{instant::Millis, journal::class_name::ClassName};

/// A student that a search found.
#[derive(Clone)]
pub struct FoundStudent {
    /// `student.id`
    pub id: i64,
    /// «Соколова Мария»
    pub name: String,
    /// The class that the student attends: `class.id`, and what it is called.
    pub class: Option<(i64, ClassName)>,
}

/// A word as names are written: with one capital letter.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    first + &letters.as_str().to_lowercase()
}

/// What a family complains of, by the codes of `complaint.kind`.
pub const KINDS: [&str; 6] = [
    "not_arrived",
    "of_another",
    "wrong",
    "too_often",
    "stop",
    "other",
];

/// A complaint.
#[derive(Clone)]
pub struct Complaint {
    /// `complaint.id`
    pub id: i64,
    /// `complaint.kind`
    pub kind: String,
    /// In the words of the family, or of who took it.
    pub text: String,
    /// When it came.
    pub received_at: Millis,
    /// What was answered.
    pub answer: Option<String>,
    /// When.
    pub answered_at: Option<Millis>,
}

/// An address of a family, as a person sees it.
#[derive(Clone)]
pub struct Address {
    /// `contact.id`
    pub id: i64,
    /// `guardian.id`
    pub guardian_id: i64,
    /// `contact.channel`
    pub channel: String,
    /// The address.
    pub address: String,
    /// `contact.health`
    pub health: String,
    /// Why.
    pub reason: Option<String>,
    /// When a person verified it.
    pub verified_at: Option<Millis>,
    /// The paper that proves it.
    pub document: Option<String>,
    /// When it was given up.
    pub ended_at: Option<Millis>,
}

fn complaint(row: &AnyRow) -> Result<Complaint, StoreError> {
    Ok(Complaint {
        id: int(row, "id")?,
        kind: text(row, "kind")?,
        text: text(row, "text")?,
        received_at: int(row, "received_at")?,
        answer: some_text(row, "answer")?,
        answered_at: some_int(row, "answered_at")?,
    })
}

impl Store {
    /// The students who are meant by the beginning of a surname, and of a name behind it; at most a hundred.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn search_students(
        &self,
        who: &str,
        today: NaiveDate,
    ) -> Result<Vec<FoundStudent>, StoreError> {
        // What stands for any letters in a pattern stands for nothing in a name.
        let plain = who.replace(['%', '_', '\\'], " ");
        let mut words = plain.split_whitespace().map(capital);
        let (surname, given) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let rows = sqlx::query(
            "SELECT s.id, s.surname, s.given_name, c.id AS class_id, c.grade, c.letter FROM student s \
             LEFT JOIN enrolment e ON e.student_id = s.id AND (e.from_on IS NULL OR e.from_on <= $3) \
             AND (e.to_on IS NULL OR e.to_on >= $3) LEFT JOIN class c ON c.id = e.class_id \
             WHERE s.surname LIKE $1 || '%' AND s.given_name LIKE $2 || '%' \
             ORDER BY s.surname, s.given_name, s.id LIMIT 100",
        )
        .bind(surname)
        .bind(given)
        .bind(today.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(FoundStudent {
                    id: int(row, "id")?,
                    name: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                    class: match some_int(row, "class_id")? {
                        Some(id) => Some((id, class_name(row)?)),
                        None => None,
                    },
                })
            })
            .collect()
    }

    /// What a student is called; none for nobody.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn student_name(&self, student: i64) -> Result<Option<String>, StoreError> {
        let row =
            sqlx::query("SELECT surname || ' ' || given_name AS name FROM student WHERE id = $1")
                .bind(student)
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| text(&row, "name")).transpose()
    }

    /// The name of a guardian: «Соколова Ольга».
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn guardian_name(&self, guardian: i64) -> Result<Option<String>, StoreError> {
        let row =
            sqlx::query("SELECT surname || ' ' || given_name AS name FROM guardian WHERE id = $1")
                .bind(guardian)
                .fetch_optional(&self.pool)
                .await?;
        row.map(|row| text(&row, "name")).transpose()
    }

    /// The complaints about a student's news, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn complaints(&self, student: i64) -> Result<Vec<Complaint>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, kind, text, received_at, answer, answered_at FROM complaint WHERE student_id = $1 \
             ORDER BY id DESC",
        )
        .bind(student)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(complaint).collect()
    }

    /// The complaints that nobody has answered, oldest first, each with `student.id` and the student's name.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn open_complaints(&self) -> Result<Vec<(i64, String, Complaint)>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.id, c.kind, c.text, c.received_at, c.answer, c.answered_at, c.student_id, \
             s.surname || ' ' || s.given_name AS name FROM complaint c JOIN student s ON s.id = c.student_id \
             WHERE c.answered_at IS NULL ORDER BY c.id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((int(row, "student_id")?, text(row, "name")?, complaint(row)?)))
            .collect()
    }

    /// Every address that the guardians of a student have or had.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn addresses(&self, student: i64) -> Result<Vec<Address>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.id, c.guardian_id, c.channel, c.address, c.health, c.health_reason, c.verified_at, c.document, \
             c.ended_at FROM contact c JOIN guardianship t ON t.guardian_id = c.guardian_id \
             WHERE t.student_id = $1 ORDER BY c.guardian_id, c.ended_at IS NOT NULL, c.rank, c.id",
        )
        .bind(student)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Address {
                    id: int(row, "id")?,
                    guardian_id: int(row, "guardian_id")?,
                    channel: text(row, "channel")?,
                    address: text(row, "address")?,
                    health: text(row, "health")?,
                    reason: some_text(row, "health_reason")?,
                    verified_at: some_int(row, "verified_at")?,
                    document: some_text(row, "document")?,
                    ended_at: some_int(row, "ended_at")?,
                })
            })
            .collect()
    }
}

impl Tx {
    /// Writes down what a family complains of.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn complain(
        &mut self,
        (student, guardian): (i64, Option<i64>),
        (kind, words): (&str, &str),
        by: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO complaint (student_id, guardian_id, kind, text, received_at, received_by) \
             VALUES ($1, CAST($2 AS BIGINT), $3, $4, $5, $6)",
        )
        .bind(student)
        .bind(guardian)
        .bind(kind)
        .bind(words)
        .bind(now)
        .bind(by)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Writes down what a family was answered; false where that is written down already.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answer_complaint(
        &mut self,
        (id, student): (i64, i64),
        answer: &str,
        by: i64,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let answered = sqlx::query(
            "UPDATE complaint SET answer = $3, answered_by = $4, answered_at = $5 \
             WHERE id = $1 AND student_id = $2 AND answered_at IS NULL",
        )
        .bind(id)
        .bind(student)
        .bind(answer)
        .bind(by)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(answered.rows_affected() == 1)
    }

    /// Gives a guardian an address, as a person wrote it down from a document. An address that the guardian gave up
    /// before is theirs again. False where the guardian does not answer for the student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_address(
        &mut self,
        (guardian, student): (i64, i64),
        (channel, address): (&str, &str),
        document: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let added = sqlx::query(
            "INSERT INTO contact (guardian_id, channel, address, source, document, verified_at) \
             SELECT t.guardian_id, $3, $4, 'board', $5, $6 FROM guardianship t \
             WHERE t.guardian_id = $1 AND t.student_id = $2 \
             ON CONFLICT (guardian_id, channel, address) DO UPDATE SET ended_at = NULL, \
             document = excluded.document, verified_at = excluded.verified_at, \
             health = CASE WHEN contact.health = 'complained' THEN contact.health ELSE 'ok' END",
        )
        .bind(guardian)
        .bind(student)
        .bind(channel)
        .bind(address)
        .bind(document)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(added.rows_affected() == 1)
    }

    /// A guardian of the student gives an address up. Says whether there was one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end_address(
        &mut self,
        (contact, student): (i64, i64),
        now: Millis,
    ) -> Result<bool, StoreError> {
        let ended = sqlx::query(
            "UPDATE contact SET ended_at = $3 WHERE id = $1 AND ended_at IS NULL AND guardian_id IN \
             (SELECT guardian_id FROM guardianship WHERE student_id = $2)",
        )
        .bind(contact)
        .bind(student)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(ended.rows_affected() == 1)
    }
}
