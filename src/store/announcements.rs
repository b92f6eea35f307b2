//! Words to many: whose classes they may go to, their rows, and what became of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{
    Kept, Store, StoreError,
    lane::Tx,
    people::people,
    press::class_name,
    rows::{ids, int, some_int, some_text, text},
    staff::TEACHERS,
};
use crate::{
    family::{People, contact::Channel},
    instant::Millis,
    journal::{
        class_name::ClassName,
        entry::answers,
        fact::{Fact, Place},
    },
};

/// A word to many, to be written down.
#[derive(Clone)]
pub struct NewAnnouncement<'a> {
    /// `staff.id` of its author; none from the command line.
    pub author: Option<i64>,
    /// The classes.
    pub classes: &'a [i64],
    /// The text.
    pub text: &'a str,
    /// The same in fewer words, for SMS.
    pub sms: Option<&'a str>,
    /// Whether it breaks into the night.
    pub urgent: bool,
    /// `announcement.confirm`
    pub confirm: &'a str,
    /// What families can answer; empty where nothing is asked.
    pub answers: &'a [String],
    /// What comes with it.
    pub files: &'a [Kept],
    /// Not before then.
    pub send_at: Millis,
}

/// A class with those who answer for its students.
#[derive(Debug, Clone, Default)]
pub struct ClassPeople {
    /// The students, in the order of the register.
    pub students: Vec<i64>,
    /// Their surnames.
    pub surnames: BTreeSet<String>,
    /// Who answers for them.
    pub people: People,
}

/// What became of a word for one guardian of one student.
#[derive(Clone)]
pub struct Heard {
    /// `student.id`
    pub student_id: i64,
    /// `guardian.id`
    pub guardian_id: i64,
    /// «Соколова О.»
    pub guardian: String,
    /// `notice.state`
    pub state: String,
    /// `notice.waits_for`
    pub waits_for: Option<String>,
    /// The channel and the state of the message that carries it.
    pub message: Option<(String, String)>,
    /// Whether they acknowledged it.
    pub acknowledged: bool,
}

/// A word that was sent, in a list.
#[derive(Clone)]
pub struct Announced {
    /// `announcement.id`
    pub id: i64,
    /// The text.
    pub text: String,
    /// `announcement.confirm`
    pub confirm: String,
    /// Whether it breaks into the night.
    pub urgent: bool,
    /// Not before then.
    pub send_at: Option<Millis>,
    /// When it was withdrawn.
    pub cancelled_at: Option<Millis>,
    /// What families can answer; empty where nothing is asked.
    pub answers: Vec<String>,
}

/// The classes of a member of staff: those of TEACHERS, or all for who leads the school.
const LEADS: &str = "(SELECT id FROM staff WHERE id = $2 AND role IN ('admin', 'director', 'deputy') \
     UNION SELECT staff_id FROM duty WHERE staff_id = $2 AND role IN ('admin', 'director', 'deputy') \
     AND (from_on IS NULL OR from_on <= $1) AND (to_on IS NULL OR to_on >= $1))";

/// Whether an announcement `a` concerns the student `$1` of the class `$2`.
pub(super) const CONCERNED: &str = "(EXISTS (SELECT 1 FROM announcement_audience u WHERE u.announcement_id = a.id \
         AND (u.class_id = $2 OR u.student_id = $1)) \
     OR (NOT EXISTS (SELECT 1 FROM announcement_audience u WHERE u.announcement_id = a.id) \
         AND (a.class_id = $2 OR a.class_id IS NULL)))";

impl Store {
    /// Writes a word to many down.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn announce(&self, new: &NewAnnouncement<'_>) -> Result<i64, StoreError> {
        let mut tx = self.transaction().await?;
        let id = tx.announce(new).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Takes a word back; false where there is none that could be.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn cancel_announcement(&self, id: i64, now: Millis) -> Result<bool, StoreError> {
        let mut tx = self.transaction().await?;
        let cancelled = tx.cancel_announcement(id, now).await?;
        tx.commit().await?;
        Ok(cancelled)
    }

    /// The students of these classes and who answers for them.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn people_of_classes(
        &self,
        classes: &[i64],
        today: NaiveDate,
    ) -> Result<ClassPeople, StoreError> {
        let mut tx = self.snapshot().await?;
        let people = tx.people_of_classes(classes, today).await?;
        tx.commit().await?;
        Ok(people)
    }
}

impl Tx {
    /// The classes that a member of staff may speak to today.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn classes_of(
        &mut self,
        staff: i64,
        today: NaiveDate,
    ) -> Result<Vec<(i64, ClassName)>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT c.id, c.grade, c.letter FROM class c WHERE \
             (c.id IN (SELECT class_id FROM {TEACHERS} w WHERE w.staff_id = $2) OR EXISTS {LEADS}) \
             AND EXISTS (SELECT 1 FROM enrolment e WHERE e.class_id = c.id \
                 AND (e.from_on IS NULL OR e.from_on <= $1) AND (e.to_on IS NULL OR e.to_on >= $1)) \
             ORDER BY c.grade, c.letter"
        )))
        .bind(today.to_string())
        .bind(staff)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, class_name(row)?)))
            .collect()
    }

    /// The chats of those who lead the school.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lead_chats(
        &mut self,
        channel: Channel,
        today: NaiveDate,
    ) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT TRIM(c.address) AS chat FROM contact c JOIN staff s ON s.id = c.staff_id \
             AND (s.from_on IS NULL OR s.from_on <= $2) AND (s.to_on IS NULL OR s.to_on >= $2) \
             WHERE c.channel = $1 AND c.ended_at IS NULL AND (s.role IN ('admin', 'director', 'deputy') \
             OR EXISTS (SELECT 1 FROM duty d WHERE d.staff_id = s.id \
                 AND d.role IN ('admin', 'director', 'deputy') \
                 AND (d.from_on IS NULL OR d.from_on <= $2) AND (d.to_on IS NULL OR d.to_on >= $2))) \
             ORDER BY chat",
        )
        .bind(channel.code())
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(|row| text(row, "chat")).collect()
    }

    /// The chats of all members of staff: `staff.id` and chat.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn staff_chats(
        &mut self,
        channel: Channel,
        today: NaiveDate,
    ) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT s.id, TRIM(c.address) AS chat FROM contact c JOIN staff s ON s.id = c.staff_id \
             AND (s.from_on IS NULL OR s.from_on <= $2) AND (s.to_on IS NULL OR s.to_on >= $2) \
             WHERE c.channel = $1 AND c.ended_at IS NULL ORDER BY s.id, chat",
        )
        .bind(channel.code())
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, text(row, "chat")?)))
            .collect()
    }

    /// Whether a member of staff leads the school: admin, director or deputy.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn leads(&mut self, staff: i64, today: NaiveDate) -> Result<bool, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT COUNT(*) AS n FROM {LEADS} l"
        )))
        .bind(today.to_string())
        .bind(staff)
        .fetch_one(&mut *self.db)
        .await?;
        Ok(int(&row, "n")? > 0)
    }

    /// As [`Store::people_of_classes`].
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn people_of_classes(
        &mut self,
        classes: &[i64],
        today: NaiveDate,
    ) -> Result<ClassPeople, StoreError> {
        let sql = format!(
            "SELECT s.id, s.surname FROM enrolment e JOIN student s ON s.id = e.student_id \
             WHERE e.class_id IN ({}) AND (e.from_on IS NULL OR e.from_on <= '{today}') \
             AND (e.to_on IS NULL OR e.to_on >= '{today}') \
             ORDER BY e.class_id, e.number, s.surname, s.given_name, s.id",
            ids(classes)
        );
        let mut of = ClassPeople::default();
        for row in &self.all(sql).await? {
            of.students.push(int(row, "id")?);
            of.surnames.insert(text(row, "surname")?);
        }
        of.people = people(&mut self.db, &of.students, today).await?;
        Ok(of)
    }

    /// As [`Store::announce`]. One class stands in the row itself, several are its audience.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn announce(&mut self, new: &NewAnnouncement<'_>) -> Result<i64, StoreError> {
        let one = match new.classes {
            [one] => Some(*one),
            _ => None,
        };
        let row = sqlx::query(
            "INSERT INTO announcement (class_id, author_id, text, sms_text, urgency, confirm, state, \
             send_at, answers) VALUES ($1, $2, $3, $4, $5, $6, 'ready', $7, $8) RETURNING id",
        )
        .bind(one)
        .bind(new.author)
        .bind(new.text)
        .bind(new.sms)
        .bind(if new.urgent { "urgent" } else { "normal" })
        .bind(new.confirm)
        .bind(new.send_at)
        .bind((!new.answers.is_empty()).then(|| json!(new.answers).to_string()))
        .fetch_one(&mut *self.db)
        .await?;
        let id = int(&row, "id")?;
        if one.is_none() {
            for class in new.classes {
                sqlx::query(
                    "INSERT INTO announcement_audience (announcement_id, class_id) VALUES ($1, $2)",
                )
                .bind(id)
                .bind(*class)
                .execute(&mut *self.db)
                .await?;
            }
        }
        self.attach(id, new.files).await?;
        Ok(id)
    }

    /// Takes a word back: nobody hears it who has not heard it, and who has hears that it is withdrawn.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn cancel_announcement(&mut self, id: i64, now: Millis) -> Result<bool, StoreError> {
        let cancelled = sqlx::query(
            "UPDATE announcement SET state = 'cancelled', cancelled_at = $2 WHERE id = $1 \
             AND state = 'ready' AND cancelled_at IS NULL",
        )
        .bind(id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(cancelled.rows_affected() == 1)
    }

    /// Writes down that these students' families are reminded of a word; who has acknowledged it hears nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn remind(
        &mut self,
        new: &NewAnnouncement<'_>,
        of: i64,
        students: &[i64],
    ) -> Result<i64, StoreError> {
        let id = self.announce(new).await?;
        sqlx::query("UPDATE announcement SET reminds_id = $2 WHERE id = $1")
            .bind(id)
            .bind(of)
            .execute(&mut *self.db)
            .await?;
        for student in students {
            sqlx::query(
                "INSERT INTO announcement_audience (announcement_id, student_id) VALUES ($1, $2)",
            )
            .bind(id)
            .bind(*student)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(id)
    }

    /// When somebody was last reminded of a word.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn reminded_at(&mut self, of: i64) -> Result<Option<Millis>, StoreError> {
        let row = sqlx::query("SELECT MAX(send_at) AS at FROM announcement WHERE reminds_id = $1")
            .bind(of)
            .fetch_one(&mut *self.db)
            .await?;
        some_int(&row, "at")
    }

    /// One word, if it exists, with its classes.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn announcement(
        &mut self,
        id: i64,
    ) -> Result<Option<(Announced, Vec<i64>)>, StoreError> {
        let row = sqlx::query(
            "SELECT id, text, confirm, urgency, send_at, cancelled_at, answers, class_id FROM announcement WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let mut classes: Vec<i64> = some_int(&row, "class_id")?.into_iter().collect();
        let sql = format!(
            "SELECT class_id FROM announcement_audience WHERE announcement_id = {id} AND class_id IS NOT NULL"
        );
        for listed in &self.all(sql).await? {
            classes.push(int(listed, "class_id")?);
        }
        Ok(Some((announced(&row)?, classes)))
    }

    /// What was announced to a student since then and still holds, newest first: for who came late.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn announced_to(
        &mut self,
        (student, class): (i64, i64),
        since: Millis,
        now: Millis,
    ) -> Result<Vec<Announced>, StoreError> {
        let rows = sqlx::query(
            AssertSqlSafe(format!("SELECT a.id, a.text, a.confirm, a.urgency, a.send_at, a.cancelled_at, a.answers FROM announcement a \
             WHERE a.state = 'ready' AND a.cancelled_at IS NULL AND a.reminds_id IS NULL \
             AND a.send_at >= $3 AND a.send_at <= $4 AND (a.valid_to IS NULL OR a.valid_to > $4) \
             AND {CONCERNED} ORDER BY a.id DESC LIMIT 5")),
        )
        .bind(student)
        .bind(class)
        .bind(since)
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(announced).collect()
    }

    /// The last words to many, whoever wrote them, newest first, each with its classes; without any it is for all.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn announced(
        &mut self,
        limit: i64,
    ) -> Result<Vec<(Announced, Vec<i64>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, text, confirm, urgency, send_at, cancelled_at, answers, class_id FROM announcement \
             WHERE reminds_id IS NULL AND state <> 'draft' ORDER BY id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&mut *self.db)
        .await?;
        let mut list = Vec::new();
        for row in &rows {
            let mut classes: Vec<i64> = some_int(row, "class_id")?.into_iter().collect();
            let one = announced(row)?;
            let sql = format!(
                "SELECT class_id FROM announcement_audience WHERE announcement_id = {} AND class_id IS NOT NULL",
                one.id
            );
            for listed in &self.all(sql).await? {
                classes.push(int(listed, "class_id")?);
            }
            list.push((one, classes));
        }
        Ok(list)
    }

    /// The last words of a member of staff, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn announced_by(
        &mut self,
        staff: i64,
        limit: i64,
    ) -> Result<Vec<Announced>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, text, confirm, urgency, send_at, cancelled_at, answers FROM announcement WHERE author_id = $1 \
             ORDER BY id DESC LIMIT $2",
        )
        .bind(staff)
        .bind(limit)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(announced).collect()
    }

    /// What became of a word, for each guardian whom it concerns.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn heard(&mut self, id: i64, students: &[i64]) -> Result<Vec<Heard>, StoreError> {
        let facts: Vec<String> = students
            .iter()
            .map(|student_id| {
                let place = Place::Announcement(id);
                let student_id = *student_id;
                format!("'{}'", Fact { student_id, place })
            })
            .collect();
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT n.id, n.student_id, n.guardian_id, n.state, n.waits_for, \
             g.surname, g.given_name, m.channel, m.state AS message_state, \
             (SELECT COUNT(*) FROM acknowledgement a WHERE a.notice_id = n.id) AS acknowledged \
             FROM notice n JOIN guardian g ON g.id = n.guardian_id \
             LEFT JOIN message_notice c ON c.id = \
             (SELECT MAX(l.id) FROM message_notice l WHERE l.notice_id = n.id) \
             LEFT JOIN message m ON m.id = c.message_id WHERE n.fact IN ({}) ORDER BY n.id",
            facts.join(",")
        );
        let mut newest: BTreeMap<(i64, i64), Heard> = BTreeMap::new();
        for row in &self.all(sql).await? {
            let (student_id, guardian_id) = (int(row, "student_id")?, int(row, "guardian_id")?);
            let initial: String = text(row, "given_name")?.chars().take(1).collect();
            let heard = Heard {
                student_id,
                guardian_id,
                guardian: format!("{} {initial}.", text(row, "surname")?),
                state: text(row, "state")?,
                waits_for: some_text(row, "waits_for")?,
                message: some_text(row, "channel")?.zip(some_text(row, "message_state")?),
                acknowledged: int(row, "acknowledged")? > 0,
            };
            newest.insert((student_id, guardian_id), heard);
        }
        Ok(newest.into_values().collect())
    }
}

fn announced(row: &sqlx::any::AnyRow) -> Result<Announced, StoreError> {
    Ok(Announced {
        id: int(row, "id")?,
        text: text(row, "text")?,
        confirm: text(row, "confirm")?,
        urgent: text(row, "urgency")? == "urgent",
        send_at: some_int(row, "send_at")?,
        cancelled_at: some_int(row, "cancelled_at")?,
        answers: answers(some_text(row, "answers")?.as_deref()),
    })
}
