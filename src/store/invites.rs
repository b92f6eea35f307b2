//! Invitations to the bot: one-time codes of which only a hash is kept.

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    lane::Tx,
    press::class_name,
    rows::{int, some_int, some_text, text},
};
use crate::{
    family::{contact::Channel, rights},
    instant::Millis,
    journal::class_name::ClassName,
};

/// An invitation to be issued.
#[derive(Debug, Clone)]
pub struct NewInvite {
    /// What is kept of its code.
    pub code_hash: String,
    /// Whom it lets in.
    pub guest: Guest,
    /// Until when.
    pub expires_at: Millis,
}

/// Whom an invitation lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    /// A guardian of a student.
    Guardian {
        /// `guardian.id`
        guardian_id: i64,
        /// `student.id`
        student_id: i64,
    },
    /// A member of staff, `staff.id`.
    Staff(i64),
}

/// An invitation that was issued.
#[derive(Debug, Clone)]
pub struct Invite {
    /// `invite.id`
    pub id: i64,
    /// Whom it lets in.
    pub guest: Guest,
    /// Until when.
    pub expires_at: Millis,
    /// The chat in which it was used.
    pub used_in: Option<String>,
    /// Whether a newer one took its place.
    pub revoked: bool,
}

/// Somebody who may be invited.
#[derive(Clone)]
pub struct Invitee {
    /// Whom the invitation would let in.
    pub guest: Guest,
    /// «Соколова Ольга»
    pub name: String,
    /// «Соколова Мария», for guardians.
    pub student: Option<String>,
    /// The student's class.
    pub class: Option<ClassName>,
}

impl Store {
    /// The guardians of a class's students who have no chat yet.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn invitees_of_class(
        &self,
        class_id: i64,
        today: NaiveDate,
    ) -> Result<Vec<Invitee>, StoreError> {
        let which = "e.class_id = $2 AND NOT EXISTS (SELECT 1 FROM contact k \
             WHERE k.guardian_id = t.guardian_id AND k.channel = 'telegram' AND k.ended_at IS NULL)";
        self.invitees(which, class_id, today).await
    }

    /// A guardian, once for each student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn invitees_of_guardian(
        &self,
        guardian: i64,
        today: NaiveDate,
    ) -> Result<Vec<Invitee>, StoreError> {
        self.invitees("t.guardian_id = $2", guardian, today).await
    }

    async fn invitees(
        &self,
        which: &str,
        id: i64,
        today: NaiveDate,
    ) -> Result<Vec<Invitee>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT t.guardian_id, t.student_id, g.surname, g.given_name, s.surname AS s_surname, \
             s.given_name AS s_given, c.grade, c.letter FROM guardianship t \
             JOIN guardian g ON g.id = t.guardian_id JOIN student s ON s.id = t.student_id \
             JOIN enrolment e ON e.student_id = t.student_id \
             AND (e.from_on IS NULL OR e.from_on <= $1) AND (e.to_on IS NULL OR e.to_on >= $1) \
             JOIN class c ON c.id = e.class_id WHERE {which} \
             ORDER BY e.number, s.surname, s.given_name, t.priority, t.guardian_id"
        )))
        .bind(today.to_string())
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        let mut invitees = Vec::new();
        for row in &rows {
            let (guardian_id, student_id) = (int(row, "guardian_id")?, int(row, "student_id")?);
            let people = self.people(&[student_id], today).await?;
            if !rights::hearers(&people, student_id, today).contains(&guardian_id) {
                continue;
            }
            let named = |surname, given| -> Result<String, StoreError> {
                Ok(format!("{} {}", text(row, surname)?, text(row, given)?))
            };
            invitees.push(Invitee {
                guest: Guest::Guardian {
                    guardian_id,
                    student_id,
                },
                name: named("surname", "given_name")?,
                student: Some(named("s_surname", "s_given")?),
                class: Some(class_name(row)?),
            });
        }
        Ok(invitees)
    }

    /// Issues invitations. Those that the same people had before let nobody in from now on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails; then none was issued.
    pub async fn issue_invites(&self, new: &[NewInvite], now: Millis) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        for one in new {
            let (guardian, student, staff) = match one.guest {
                Guest::Guardian {
                    guardian_id,
                    student_id,
                } => (Some(guardian_id), Some(student_id), None),
                Guest::Staff(staff) => (None, None, Some(staff)),
            };
            sqlx::query(
                "UPDATE invite SET revoked_at = $1 WHERE used_at IS NULL AND revoked_at IS NULL \
                 AND ((guardian_id = $2 AND student_id = $3) OR staff_id = $4)",
            )
            .bind(now)
            .bind(guardian)
            .bind(student)
            .bind(staff)
            .execute(&mut *tx.db)
            .await?;
            sqlx::query(
                "INSERT INTO invite (code_hash, guardian_id, student_id, staff_id, expires_at, issued_at) \
                 VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(&one.code_hash)
            .bind(guardian)
            .bind(student)
            .bind(staff)
            .bind(one.expires_at)
            .bind(now)
            .execute(&mut *tx.db)
            .await?;
        }
        tx.commit().await
    }
}

impl Tx {
    /// The invitation whose code leaves this behind.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn invite(&mut self, code_hash: &str) -> Result<Option<Invite>, StoreError> {
        let row = sqlx::query(
            "SELECT id, guardian_id, student_id, staff_id, expires_at, used_in, revoked_at FROM invite \
             WHERE code_hash = $1",
        )
        .bind(code_hash)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let pair = some_int(&row, "guardian_id")?.zip(some_int(&row, "student_id")?);
        let guest = match (pair, some_int(&row, "staff_id")?) {
            (Some((guardian_id, student_id)), _) => Guest::Guardian {
                guardian_id,
                student_id,
            },
            (None, Some(staff)) => Guest::Staff(staff),
            (None, None) => return Ok(None),
        };
        Ok(Some(Invite {
            id: int(&row, "id")?,
            guest,
            expires_at: int(&row, "expires_at")?,
            used_in: some_text(&row, "used_in")?,
            revoked: some_int(&row, "revoked_at")?.is_some(),
        }))
    }

    /// Lets a guest in: the invitation is used, and the chat is an address of theirs. False where somebody
    /// else was faster.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn let_in(
        &mut self,
        invite: &Invite,
        (channel, chat): (Channel, &str),
        now: Millis,
    ) -> Result<bool, StoreError> {
        let used = sqlx::query(
            "UPDATE invite SET used_at = $2, used_in = $3 WHERE id = $1 AND used_at IS NULL \
             AND revoked_at IS NULL",
        )
        .bind(invite.id)
        .bind(now)
        .bind(chat)
        .execute(&mut *self.db)
        .await?;
        if used.rows_affected() == 0 {
            return Ok(false);
        }
        let (owner, id) = match invite.guest {
            Guest::Guardian { guardian_id, .. } => ("guardian_id", guardian_id),
            Guest::Staff(staff) => ("staff_id", staff),
        };
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO contact ({owner}, channel, address, source, verified_at) \
             VALUES ($1, $2, $3, 'invite', $4) ON CONFLICT ({owner}, channel, address) DO UPDATE SET \
             ended_at = NULL, source = 'invite', verified_at = excluded.verified_at, health = 'ok', \
             health_reason = NULL"
        )))
        .bind(id)
        .bind(channel.code())
        .bind(chat)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(true)
    }
}
