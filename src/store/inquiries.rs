//! What families ask and say is wrong, and what the bot says by itself.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    lane::Tx,
    press::class_name,
    rows::{ids, int, some_int, some_text, text},
    staff::TEACHERS,
};
use crate::{
    family::contact::Channel,
    instant::{DAY, Millis},
    journal::{
        class_name::ClassName,
        fact::{Fact, Place},
    },
    paper::handout::Tick,
    text::{Matter, StaffNews},
    zone,
};

/// Until when a mistake is answered: three days by the calendar (regulation 001, annex 6.1 №1).
const ANSWERED_IN: Millis = 3 * DAY;

/// What a family wants to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum InquiryKind {
    /// A question to the class teacher.
    Question,
    /// That an entry of the journal is wrong (regulation 001, annex 6.1 №1).
    Mistake,
}

impl InquiryKind {
    /// `inquiry.kind`
    pub fn code(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Mistake => "mistake",
        }
    }
}

/// What a family asks.
#[derive(Clone)]
pub struct NewInquiry<'a> {
    /// Which kind.
    pub kind: InquiryKind,
    /// Who asks.
    pub guardian_id: i64,
    /// Of which student.
    pub student_id: i64,
    /// Of which entry, in words.
    pub about: Option<&'a str>,
    /// The question.
    pub text: &'a str,
    /// By which messenger, and in which chat it is answered.
    pub place: (Channel, &'a str),
    /// Until when it is to be answered.
    pub answer_by: Option<Millis>,
    /// When the class teacher hears of it: in office hours.
    pub heard_at: Millis,
}

/// Something that the bot says by itself.
#[derive(Clone)]
pub struct Saying {
    /// `saying.id`
    pub id: i64,
    /// Where.
    pub chat: String,
    /// The words.
    pub text: String,
}

/// What a family asked and nobody has answered.
#[derive(Clone)]
pub struct Inquiry {
    /// `inquiry.id`
    pub id: i64,
    /// Which kind.
    pub kind: InquiryKind,
    /// «Мария С., 5 «А»»
    pub student: String,
    /// The student's class.
    pub class: ClassName,
    /// «Соколова Ольга»
    pub guardian: String,
    /// Of which entry, in words.
    pub about: Option<String>,
    /// The question.
    pub text: String,
    /// Until when it is to be answered.
    pub answer_by: Option<Millis>,
}

impl Store {
    /// What the bot has to say by itself, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn sayings(&self, channel: Channel, limit: i64) -> Result<Vec<Saying>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, chat, text FROM saying WHERE channel = $1 AND state = 'waiting' ORDER BY id LIMIT $2",
        )
        .bind(channel.code())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Saying {
                    id: int(row, "id")?,
                    chat: text(row, "chat")?,
                    text: text(row, "text")?,
                })
            })
            .collect()
    }

    /// What became of something that the bot said: shown, or lost for the reason with this code.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn said(&self, id: i64, lost: Option<&str>, now: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE saying SET state = $2, code = $3, state_at = $4 WHERE id = $1")
            .bind(id)
            .bind(if lost.is_some() { "lost" } else { "shown" })
            .bind(lost)
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}

impl Tx {
    /// Has the bot say something by itself.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn say(
        &mut self,
        (channel, chat): (Channel, &str),
        words: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO saying (channel, chat, text, said_at, state_at) VALUES ($1, $2, $3, $4, $4)",
        )
        .bind(channel.code())
        .bind(chat)
        .bind(words)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// How many inquiries a guardian made since then.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn asked_since(&mut self, guardian: i64, since: Millis) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM inquiry WHERE guardian_id = $1 AND asked_at > $2",
        )
        .bind(guardian)
        .bind(since)
        .fetch_one(&mut *self.db)
        .await?;
        int(&row, "n")
    }

    /// Writes an inquiry down and has the class teacher told of it; says how many teachers there are.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn inquire(
        &mut self,
        new: &NewInquiry<'_>,
        today: NaiveDate,
        now: Millis,
    ) -> Result<usize, StoreError> {
        let row = sqlx::query(
            "INSERT INTO inquiry (kind, guardian_id, student_id, about, text, channel, chat, asked_at, \
             answer_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        )
        .bind(new.kind.code())
        .bind(new.guardian_id)
        .bind(new.student_id)
        .bind(new.about)
        .bind(new.text)
        .bind(new.place.0.code())
        .bind(new.place.1)
        .bind(now)
        .bind(new.answer_by)
        .fetch_one(&mut *self.db)
        .await?;
        let place = Place::Inquiry(int(&row, "id")?);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT w.staff_id FROM {TEACHERS} w JOIN enrolment e ON e.class_id = w.class_id \
             AND (e.from_on IS NULL OR e.from_on <= $1) AND (e.to_on IS NULL OR e.to_on >= $1) \
             JOIN staff f ON f.id = w.staff_id \
             AND (f.from_on IS NULL OR f.from_on <= $1) AND (f.to_on IS NULL OR f.to_on >= $1) \
             WHERE e.student_id = $2 ORDER BY w.staff_id"
        )))
        .bind(today.to_string())
        .bind(new.student_id)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let fact = Fact {
                student_id: new.student_id,
                place,
            };
            self.open_for_staff(
                int(row, "staff_id")?,
                Some(new.student_id),
                fact,
                0,
                new.heard_at,
                now,
            )
            .await?;
        }
        Ok(rows.len())
    }

    /// What the families of these classes ask and nobody has answered, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn open_inquiries(
        &mut self,
        classes: &[i64],
        today: NaiveDate,
    ) -> Result<Vec<Inquiry>, StoreError> {
        let sql = format!(
            "SELECT i.id, i.kind, i.about, i.text, i.answer_by, g.surname, g.given_name, \
             s.surname AS s_surname, s.given_name AS s_given, c.grade, c.letter FROM inquiry i \
             JOIN guardian g ON g.id = i.guardian_id JOIN student s ON s.id = i.student_id \
             JOIN enrolment e ON e.student_id = s.id AND (e.from_on IS NULL OR e.from_on <= '{today}') \
             AND (e.to_on IS NULL OR e.to_on >= '{today}') JOIN class c ON c.id = e.class_id \
             WHERE i.answered_at IS NULL AND e.class_id IN ({}) ORDER BY i.id LIMIT 20",
            ids(classes)
        );
        self.all(sql)
            .await?
            .iter()
            .map(|row| {
                let initial: String = text(row, "s_surname")?.chars().take(1).collect();
                let (given, class) = (text(row, "s_given")?, class_name(row)?);
                Ok(Inquiry {
                    id: int(row, "id")?,
                    kind: if text(row, "kind")? == "mistake" {
                        InquiryKind::Mistake
                    } else {
                        InquiryKind::Question
                    },
                    student: format!("{given} {initial}., {class}"),
                    class,
                    guardian: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                    about: some_text(row, "about")?,
                    text: text(row, "text")?,
                    answer_by: some_int(row, "answer_by")?,
                })
            })
            .collect()
    }

    /// Answers an inquiry: `words` are said in the chat in which it was made.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answer_inquiry(
        &mut self,
        id: i64,
        staff: i64,
        answer: &str,
        words: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let answered = sqlx::query(
            "UPDATE inquiry SET answer = $2, answered_by = $3, answered_at = $4 \
             WHERE id = $1 AND answered_at IS NULL",
        )
        .bind(id)
        .bind(answer)
        .bind(staff)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        if answered.rows_affected() == 1 {
            // What was asked on paper is answered there.
            sqlx::query(
                "INSERT INTO saying (channel, chat, text, said_at, state_at) \
                 SELECT channel, chat, $2, $3, $3 FROM inquiry WHERE id = $1 AND channel <> 'paper'",
            )
            .bind(id)
            .bind(words)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(())
    }

    /// What a family ticked on the slip of a sheet becomes an inquiry, once: the class teacher hears of it, and the answer
    /// comes on the family's next sheet.
    pub(super) async fn inquire_by_slip(
        &mut self,
        sheet: i64,
        boxes: &BTreeSet<Tick>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let asked: Vec<&str> = boxes.iter().filter_map(|tick| tick.asks()).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let row = sqlx::query(
            "SELECT guardian_id, student_id, number, check_code FROM sheet WHERE id = $1",
        )
        .bind(sheet)
        .fetch_one(&mut *self.db)
        .await?;
        let code = some_text(&row, "check_code")?.unwrap_or_default();
        let known =
            sqlx::query("SELECT 1 AS one FROM inquiry WHERE channel = 'paper' AND chat = $1")
                .bind(&code)
                .fetch_optional(&mut *self.db)
                .await?;
        if known.is_some() {
            return Ok(());
        }
        let kind = if boxes.contains(&Tick::Mistake) {
            InquiryKind::Mistake
        } else {
            InquiryKind::Question
        };
        let number = some_int(&row, "number")?.unwrap_or_default();
        let text = format!(
            "на корешке листка № {number} отмечено: {}",
            asked.join(", ")
        );
        let today = zone::local(now, self.zone().await?).date();
        let new = NewInquiry {
            kind,
            guardian_id: int(&row, "guardian_id")?,
            student_id: int(&row, "student_id")?,
            about: None,
            text: &text,
            place: (Channel::Paper, &code),
            answer_by: (kind == InquiryKind::Mistake).then_some(now + ANSWERED_IN),
            heard_at: now,
        };
        self.inquire(&new, today, now).await?;
        Ok(())
    }

    /// The answers to what these guardians asked on paper about a student, which no sheet has told yet; from now on one
    /// has.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answers_on_paper(
        &mut self,
        student: i64,
        guardians: &[i64],
        now: Millis,
    ) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "UPDATE inquiry SET told_at = {now} WHERE channel = 'paper' AND student_id = {student} \
             AND guardian_id IN ({}) AND answered_at IS NOT NULL AND told_at IS NULL RETURNING answer",
            ids(guardians)
        );
        let rows = self.all(sql).await?;
        rows.iter().map(|row| text(row, "answer")).collect()
    }

    /// What a teacher hears of an inquiry, until somebody has answered it.
    pub(super) async fn inquiry_news(
        &mut self,
        id: i64,
        who: String,
    ) -> Result<Option<StaffNews>, StoreError> {
        let row = sqlx::query(
            "SELECT kind, about, text, answer_by FROM inquiry WHERE id = $1 AND answered_at IS NULL",
        )
        .bind(id)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let words = match some_text(&row, "about")? {
            Some(about) => format!("{about}. {}", text(&row, "text")?),
            None => text(&row, "text")?,
        };
        let answer_by = match some_int(&row, "answer_by")? {
            Some(at) => Some(zone::local(at, self.zone().await?).date()),
            None => None,
        };
        let matter =
            match answer_by.filter(|_| text(&row, "kind").is_ok_and(|kind| kind == "mistake")) {
                Some(answer_by) => Matter::Mistaken { words, answer_by },
                None => Matter::Asked { words },
            };
        Ok(Some(StaffNews { who, matter }))
    }
}
