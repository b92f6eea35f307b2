//! What families answer where an announcement asks something.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    announcements::CONCERNED,
    lane::Tx,
    rows::{ids, int, parsed, some_text, text},
};
use crate::{
    family::contact::Channel,
    instant::Millis,
    journal::{
        entry::answers,
        fact::{Fact, Place},
    },
};

/// A question to many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// `announcement.id`
    pub announcement_id: i64,
    /// What is asked: the text of the announcement.
    pub question: String,
    /// What can be answered; the first is number 1.
    pub answers: Vec<String>,
}

/// One answer, and how it came.
#[derive(Debug, Clone, Copy)]
pub struct NewAnswer {
    /// `announcement.id`
    pub announcement_id: i64,
    /// The number of the answer, from 1.
    pub number: usize,
    /// By what it came.
    pub channel: Channel,
    /// `staff.id` of who entered it for the family; none where it answered itself.
    pub entered_by: Option<i64>,
    /// When.
    pub at: Millis,
}

impl Store {
    /// What a mail to a family asks, and what the family has answered: `poll_answer.number`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn asked_by_mail(
        &self,
        reference: &str,
    ) -> Result<Vec<(Poll, Option<usize>)>, StoreError> {
        let mut tx = self.snapshot().await?;
        let asked = match tx.mail_with(reference).await? {
            None => Vec::new(),
            Some(message) => {
                let pairs = tx.readers(message).await?;
                let polls = tx.polls_in(message).await?;
                let mut asked = Vec::new();
                for poll in polls {
                    let given = tx.answers_to(poll.announcement_id).await?;
                    let own = pairs.iter().find_map(|pair| given.get(pair).copied());
                    asked.push((poll, own));
                }
                asked
            }
        };
        tx.commit().await?;
        Ok(asked)
    }

    /// The readers of a mail answer what it asks; false where it does not ask that, or not any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answer_by_mail(
        &self,
        reference: &str,
        answer: &NewAnswer,
    ) -> Result<bool, StoreError> {
        let mut tx = self.transaction().await?;
        let mut answered = false;
        if let Some(message) = tx.mail_with(reference).await? {
            let polls = tx.polls_in(message).await?;
            let asked = polls
                .iter()
                .any(|poll| poll.announcement_id == answer.announcement_id);
            if asked {
                let pairs = tx.readers(message).await?;
                answered = tx.answer_poll(answer, &pairs).await?;
            }
        }
        tx.commit().await?;
        Ok(answered)
    }
}

impl Tx {
    /// What these announcements ask, each question once: a reminder asks what its first word asked. What was
    /// taken back asks nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn polls(&mut self, announcements: &[i64]) -> Result<Vec<Poll>, StoreError> {
        let sql = format!(
            "SELECT a.id, a.text, a.answers FROM announcement a WHERE a.answers IS NOT NULL \
             AND a.cancelled_at IS NULL AND a.reminds_id IS NULL AND a.id IN \
             (SELECT COALESCE(o.reminds_id, o.id) FROM announcement o WHERE o.id IN ({})) ORDER BY a.id",
            ids(announcements)
        );
        self.all(sql)
            .await?
            .iter()
            .map(|row| {
                Ok(Poll {
                    announcement_id: int(row, "id")?,
                    question: text(row, "text")?,
                    answers: answers(some_text(row, "answers")?.as_deref()),
                })
            })
            .collect()
    }

    /// Writes an answer down for these guardians and students, in the place of an earlier one, and that they
    /// have read the question where they answered it themselves. False where it is not asked any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answer_poll(
        &mut self,
        answer: &NewAnswer,
        pairs: &[(i64, i64)],
    ) -> Result<bool, StoreError> {
        let polls = self.polls(&[answer.announcement_id]).await?;
        let known = polls
            .first()
            .is_some_and(|poll| (1..=poll.answers.len()).contains(&answer.number));
        if !known || pairs.is_empty() {
            return Ok(false);
        }
        for (guardian, student) in pairs {
            sqlx::query(
                "INSERT INTO poll_answer (announcement_id, guardian_id, student_id, number, channel, entered_by, at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (announcement_id, guardian_id, student_id) \
                 DO UPDATE SET number = excluded.number, channel = excluded.channel, \
                 entered_by = excluded.entered_by, at = excluded.at",
            )
            .bind(answer.announcement_id)
            .bind(*guardian)
            .bind(*student)
            .bind(i64::try_from(answer.number).unwrap_or_default())
            .bind(answer.channel.code())
            .bind(answer.entered_by)
            .bind(answer.at)
            .execute(&mut *self.db)
            .await?;
            if answer.entered_by.is_none() {
                let kind = match answer.channel {
                    Channel::Email => "link",
                    _ => "button",
                };
                let by = (kind, answer.channel);
                self.acknowledge_word(answer.announcement_id, (*guardian, *student), by, answer.at)
                    .await?;
            }
        }
        Ok(true)
    }

    /// Notes that a guardian has read an announcement of a student, by itself or by a reminder, where it has
    /// been told by either.
    pub(super) async fn acknowledge_word(
        &mut self,
        announcement: i64,
        (guardian, student): (i64, i64),
        (kind, channel): (&str, Channel),
        now: Millis,
    ) -> Result<(), StoreError> {
        let reminders = format!("SELECT id FROM announcement WHERE reminds_id = {announcement}");
        let mut words = vec![announcement];
        for row in &self.all(reminders).await? {
            words.push(int(row, "id")?);
        }
        for word in words {
            let fact = Fact {
                student_id: student,
                place: Place::Announcement(word),
            };
            sqlx::query(
                "INSERT INTO acknowledgement (notice_id, guardian_id, kind, channel, at) \
                 SELECT n.id, n.guardian_id, $3, $4, $5 FROM notice n \
                 WHERE n.fact = $1 AND n.guardian_id = $2 \
                 AND EXISTS (SELECT 1 FROM message_notice c WHERE c.notice_id = n.id) \
                 AND NOT EXISTS (SELECT 1 FROM acknowledgement a WHERE a.notice_id = n.id \
                     AND a.guardian_id = n.guardian_id AND a.kind = $3)",
            )
            .bind(fact.to_string())
            .bind(guardian)
            .bind(kind)
            .bind(channel.code())
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(())
    }

    /// Whether an announcement that holds concerns a student of a class.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn concerns(
        &mut self,
        announcement: i64,
        (student, class): (i64, i64),
    ) -> Result<bool, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT COUNT(*) AS n FROM announcement a WHERE a.id = $3 AND a.state = 'ready' \
             AND a.cancelled_at IS NULL AND {CONCERNED}"
        )))
        .bind(student)
        .bind(class)
        .bind(announcement)
        .fetch_one(&mut *self.db)
        .await?;
        Ok(int(&row, "n")? > 0)
    }

    /// Who answered what: numbers from 1 by guardian and student.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answers_to(
        &mut self,
        announcement: i64,
    ) -> Result<BTreeMap<(i64, i64), usize>, StoreError> {
        let rows = sqlx::query(
            "SELECT guardian_id, student_id, number FROM poll_answer WHERE announcement_id = $1",
        )
        .bind(announcement)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| {
                let pair = (int(row, "guardian_id")?, int(row, "student_id")?);
                Ok((
                    pair,
                    usize::try_from(int(row, "number")?).unwrap_or_default(),
                ))
            })
            .collect()
    }

    /// The mail to a family with this reference: `message.id`.
    async fn mail_with(&mut self, reference: &str) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT id FROM message WHERE ref = $1 AND channel = 'email' AND guardian_id IS NOT NULL",
        )
        .bind(reference)
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| int(&row, "id")).transpose()
    }

    /// What a message asks.
    async fn polls_in(&mut self, message: i64) -> Result<Vec<Poll>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT n.fact FROM message_notice c JOIN notice n ON n.id = c.notice_id \
             WHERE c.message_id = $1",
        )
        .bind(message)
        .fetch_all(&mut *self.db)
        .await?;
        let mut words = BTreeSet::new();
        for row in &rows {
            let fact: Fact = parsed(row, "fact")?;
            if let Place::Announcement(id) = fact.place {
                words.insert(id);
            }
        }
        let words: Vec<i64> = words.into_iter().collect();
        self.polls(&words).await
    }

    /// Who reads a message, and of whom: guardians and students.
    async fn readers(&mut self, message: i64) -> Result<Vec<(i64, i64)>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT n.guardian_id, n.student_id, n.fact FROM message_notice c JOIN notice n ON n.id = c.notice_id \
             WHERE c.message_id = $1 AND n.guardian_id IS NOT NULL AND n.student_id IS NOT NULL",
        )
        .bind(message)
        .fetch_all(&mut *self.db)
        .await?;
        let mut readers = BTreeSet::new();
        for row in &rows {
            let fact: Fact = parsed(row, "fact")?;
            if matches!(fact.place, Place::Announcement(_)) {
                readers.insert((int(row, "guardian_id")?, int(row, "student_id")?));
            }
        }
        Ok(readers.into_iter().collect())
    }
}
