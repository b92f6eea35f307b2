//! Conversations with the bot: where they stand, what can be pressed, whose they are, and who is invited.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError, Way,
    consent::TakenBack,
    lane::Tx,
    people::people,
    press::class_name,
    rows::{ids, int, some_int, some_text, text},
};
use crate::{
    family::{consent::Purpose, contact::Channel, rights, route::open_contact},
    instant::{DAY, Millis},
    journal::class_name::ClassName,
    text::School,
};

/// How long what can be pressed is remembered.
const REMEMBERED: Millis = 60 * DAY;

/// Where a conversation stands.
#[derive(Clone, Default)]
pub struct Dialogue {
    /// What the next text means, as JSON.
    pub data: Option<String>,
    /// The last update that was handled.
    pub update_id: i64,
    /// When that was.
    pub updated_at: Millis,
    /// How many wrong codes were typed since [`Dialogue::failing_since`].
    pub failures: i64,
    /// When the first of them was.
    pub failing_since: Option<Millis>,
    /// Until when a member of staff needs no PIN.
    pub session_until: Option<Millis>,
}

/// An answer that was written down and perhaps not shown.
#[derive(Clone)]
pub struct Unanswered {
    /// `dialogue.chat`
    pub chat: String,
    /// The update that it answers.
    pub update_id: i64,
    /// The answer, as JSON.
    pub answer: String,
}

/// Whose chat it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners {
    /// The guardians, `guardian.id`.
    pub guardians: Vec<i64>,
    /// The member of staff, `staff.id`.
    pub staff: Option<i64>,
}

/// A child whose guardian may hear of it in this chat.
#[derive(Clone)]
pub struct Child {
    /// `student.id`
    pub id: i64,
    /// Whose child it is, of the chat's owners.
    pub guardian_id: i64,
    /// «Маша»
    pub name: String,
    /// «Мария С.»
    pub known_as: String,
    /// Its class today.
    pub class: Option<(i64, ClassName)>,
    /// Its number in the class register.
    pub number: Option<i64>,
}

impl Store {
    /// The answers of the last hour that may not have been shown.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn unanswered(
        &self,
        channel: Channel,
        now: Millis,
    ) -> Result<Vec<Unanswered>, StoreError> {
        let rows = sqlx::query(
            "SELECT chat, update_id, answer FROM dialogue WHERE channel = $1 AND answer IS NOT NULL \
             AND updated_at > $2 ORDER BY id",
        )
        .bind(channel.code())
        .bind(now - DAY / 24)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Unanswered {
                    chat: text(row, "chat")?,
                    update_id: int(row, "update_id")?,
                    answer: text(row, "answer")?,
                })
            })
            .collect()
    }

    /// The answer to this update has been shown.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn answered(
        &self,
        channel: Channel,
        chat: &str,
        update_id: i64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE dialogue SET answer = NULL WHERE channel = $1 AND chat = $2 AND update_id = $3",
        )
        .bind(channel.code())
        .bind(chat)
        .bind(update_id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Where the conversation in a chat stands: `dialogue.state`; none where there is none.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn dialogue_state(
        &self,
        channel: Channel,
        chat: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT state FROM dialogue WHERE channel = $1 AND chat = $2")
            .bind(channel.code())
            .bind(chat)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| text(&row, "state")).transpose()
    }
}

impl Tx {
    /// Where the conversation in a chat stands.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn dialogue(&mut self, channel: Channel, chat: &str) -> Result<Dialogue, StoreError> {
        let row = sqlx::query(
            "SELECT data, update_id, updated_at, failures, failing_since, session_until FROM dialogue \
             WHERE channel = $1 AND chat = $2",
        )
        .bind(channel.code())
        .bind(chat)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else {
            return Ok(Dialogue::default());
        };
        Ok(Dialogue {
            data: some_text(&row, "data")?,
            update_id: int(&row, "update_id")?,
            updated_at: int(&row, "updated_at")?,
            failures: int(&row, "failures")?,
            failing_since: some_int(&row, "failing_since")?,
            session_until: some_int(&row, "session_until")?,
        })
    }

    /// Writes down where a conversation stands, and what its last update is answered. `state` is
    /// `dialogue.state`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_dialogue(
        &mut self,
        (channel, chat): (Channel, &str),
        dialogue: &Dialogue,
        state: &str,
        answer: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO dialogue (channel, chat, state, data, update_id, updated_at, answer, failures, \
             failing_since, session_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (channel, chat) \
             DO UPDATE SET state = excluded.state, data = excluded.data, update_id = excluded.update_id, \
             updated_at = excluded.updated_at, answer = excluded.answer, failures = excluded.failures, \
             failing_since = excluded.failing_since, session_until = excluded.session_until",
        )
        .bind(channel.code())
        .bind(chat)
        .bind(state)
        .bind(dialogue.data.as_deref())
        .bind(dialogue.update_id)
        .bind(dialogue.updated_at)
        .bind(answer)
        .bind(dialogue.failures)
        .bind(dialogue.failing_since)
        .bind(dialogue.session_until)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// How many wrong codes were typed in all chats since then.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn wrong_codes(&mut self, since: Millis) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COALESCE(SUM(failures), 0) AS BIGINT) AS n FROM dialogue WHERE failing_since > $1",
        )
        .bind(since)
        .fetch_one(&mut *self.db)
        .await?;
        int(&row, "n")
    }

    /// Remembers what can be pressed under a name, and forgets what is old.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_screen(
        &mut self,
        name: &str,
        (channel, chat): (Channel, &str),
        choices: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM screen WHERE channel = $1 AND chat = $2 AND shown_at < $3")
            .bind(channel.code())
            .bind(chat)
            .bind(now - REMEMBERED)
            .execute(&mut *self.db)
            .await?;
        sqlx::query(
            "INSERT INTO screen (name, channel, chat, choices, shown_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(name)
        .bind(channel.code())
        .bind(chat)
        .bind(choices)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// What can be pressed under this name, in this chat and no other.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn screen(
        &mut self,
        name: &str,
        channel: Channel,
        chat: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT choices FROM screen WHERE name = $1 AND channel = $2 AND chat = $3",
        )
        .bind(name)
        .bind(channel.code())
        .bind(chat)
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| text(&row, "choices")).transpose()
    }

    /// Whose chat it is.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn owners(
        &mut self,
        channel: Channel,
        chat: &str,
        today: NaiveDate,
    ) -> Result<Owners, StoreError> {
        let rows = sqlx::query(
            "SELECT c.guardian_id, s.id AS staff_id FROM contact c LEFT JOIN staff s ON s.id = c.staff_id \
             AND (s.from_on IS NULL OR s.from_on <= $3) AND (s.to_on IS NULL OR s.to_on >= $3) \
             WHERE c.channel = $1 AND TRIM(c.address) = $2 AND c.ended_at IS NULL ORDER BY c.id",
        )
        .bind(channel.code())
        .bind(chat)
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        let mut owners = Owners::default();
        for row in &rows {
            owners.guardians.extend(some_int(row, "guardian_id")?);
            owners.staff = owners.staff.or(some_int(row, "staff_id")?);
        }
        Ok(owners)
    }

    /// The children of whom the owners of a chat may hear there: whoever has the right to, by an address that
    /// is open, with consent.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn children(
        &mut self,
        channel: Channel,
        chat: &str,
        guardians: &[i64],
        today: NaiveDate,
    ) -> Result<Vec<Child>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT student_id FROM guardianship WHERE guardian_id IN ({})",
            ids(guardians)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let students = rows
            .iter()
            .map(|row| int(row, "student_id"))
            .collect::<Result<Vec<_>, _>>()?;
        let people = people(&mut self.db, &students, today).await?;
        let mut children: Vec<Child> = Vec::new();
        for student in students {
            let hearers = rights::hearers(&people, student, today);
            let open = people.contacts.iter().find(|contact| {
                contact.channel == channel
                    && contact.address == chat
                    && guardians.contains(&contact.guardian_id)
                    && hearers.contains(&contact.guardian_id)
                    && open_contact(&people, contact, student, today).is_ok()
            });
            if let Some(contact) = open {
                let child = self.child(student, contact.guardian_id, today).await?;
                children.extend(child.filter(|child| child.class.is_some()));
            }
        }
        children.sort_by_key(|child| {
            let grade = child.class.as_ref().map(|(_, class)| class.grade);
            (std::cmp::Reverse(grade), child.id)
        });
        Ok(children)
    }

    /// A student as texts name it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn child(
        &mut self,
        student: i64,
        guardian_id: i64,
        today: NaiveDate,
    ) -> Result<Option<Child>, StoreError> {
        let row = sqlx::query(
            "SELECT s.surname, s.given_name, s.short_name, e.number, c.id AS class_id, c.grade, c.letter \
             FROM student s LEFT JOIN enrolment e ON e.student_id = s.id \
             AND (e.from_on IS NULL OR e.from_on <= $2) AND (e.to_on IS NULL OR e.to_on >= $2) \
             LEFT JOIN class c ON c.id = e.class_id WHERE s.id = $1 ORDER BY e.id DESC LIMIT 1",
        )
        .bind(student)
        .bind(today.to_string())
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let given = text(&row, "given_name")?;
        let initial: String = text(&row, "surname")?.chars().take(1).collect();
        Ok(Some(Child {
            id: student,
            guardian_id,
            known_as: format!("{given} {initial}."),
            number: some_int(&row, "number")?,
            name: some_text(&row, "short_name")?.unwrap_or(given),
            class: match some_int(&row, "class_id")? {
                Some(id) => Some((id, class_name(&row)?)),
                None => None,
            },
        }))
    }

    /// Writes down who somebody is to a student, where the register did not say it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn name_relation(
        &mut self,
        guardian: i64,
        student: i64,
        relation: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE guardianship SET relation = $3 WHERE guardian_id = $1 AND student_id = $2 \
             AND relation = 'other'",
        )
        .bind(guardian)
        .bind(student)
        .bind(relation)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Notes that the owners of a chat want no messages there, or want them again.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn chat_is(
        &mut self,
        (channel, chat): (Channel, &str),
        open: bool,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (health, reason) = if open {
            ("ok", None)
        } else {
            ("blocked", Some("left"))
        };
        sqlx::query(
            "UPDATE contact SET health = $3, health_reason = $4, health_at = $5 WHERE channel = $1 \
             AND TRIM(address) = $2 AND ended_at IS NULL AND health <> $3 AND health <> 'complained'",
        )
        .bind(channel.code())
        .bind(chat)
        .bind(health)
        .bind(reason)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// A chat is another one from now on; its conversation goes with it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn move_chat(
        &mut self,
        channel: Channel,
        from: &str,
        to: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE contact SET address = $3 WHERE channel = $1 AND TRIM(address) = $2 AND ended_at IS NULL",
        )
        .bind(channel.code())
        .bind(from)
        .bind(to)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Which of these purposes a guardian has agreed to for a student, and the day on which the newest of
    /// these consents was signed.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn agreed(
        &mut self,
        guardian: i64,
        student: i64,
    ) -> Result<(BTreeSet<String>, Option<NaiveDate>), StoreError> {
        let rows = sqlx::query(
            "SELECT c.purpose, c.signed_on FROM consent c WHERE c.guardian_id = $1 AND c.student_id = $2 \
             AND c.state = 'given' AND NOT EXISTS (SELECT 1 FROM consent o \
                 WHERE o.guardian_id = c.guardian_id AND o.student_id = c.student_id \
                 AND o.purpose = c.purpose AND o.id > c.id)",
        )
        .bind(guardian)
        .bind(student)
        .fetch_all(&mut *self.db)
        .await?;
        let mut purposes = BTreeSet::new();
        let mut signed: Option<NaiveDate> = None;
        for row in &rows {
            purposes.insert(text(row, "purpose")?);
            let day = some_text(row, "signed_on")?.and_then(|day| day.parse().ok());
            signed = signed.max(day);
        }
        Ok((purposes, signed))
    }

    /// The last messages to a chat: when they were composed, and of which events they told.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn last_messages(
        &mut self,
        channel: Channel,
        chat: &str,
        limit: i64,
    ) -> Result<Vec<(Millis, Vec<String>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.id, m.composed_at, n.event FROM message m JOIN message_notice c ON c.message_id = m.id \
             JOIN notice n ON n.id = c.notice_id WHERE m.id IN (SELECT id FROM message \
                 WHERE channel = $1 AND address = $2 AND guardian_id IS NOT NULL \
                 AND state IN ('accepted', 'no_receipt', 'delivered') ORDER BY id DESC LIMIT $3) \
             GROUP BY m.id, m.composed_at, n.event ORDER BY m.id DESC, n.event",
        )
        .bind(channel.code())
        .bind(chat)
        .bind(limit)
        .fetch_all(&mut *self.db)
        .await?;
        let mut messages: Vec<(i64, Millis, Vec<String>)> = Vec::new();
        for row in &rows {
            let id = int(row, "id")?;
            let event = text(row, "event")?;
            match messages.last_mut().filter(|(last, ..)| *last == id) {
                Some((_, _, events)) => events.push(event),
                None => messages.push((id, int(row, "composed_at")?, vec![event])),
            }
        }
        Ok(messages
            .into_iter()
            .map(|(_, at, events)| (at, events))
            .collect())
    }

    /// Withdraws for these guardians the consent to messages by messengers, as they asked in this chat; their
    /// class teachers are told.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn leave_messenger(
        &mut self,
        guardians: &[i64],
        (channel, chat): (Channel, &str),
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        for guardian in guardians {
            let contact = sqlx::query(
                "SELECT id FROM contact WHERE guardian_id = $1 AND channel = $2 AND TRIM(address) = $3 \
                 AND ended_at IS NULL",
            )
            .bind(*guardian)
            .bind(channel.code())
            .bind(chat)
            .fetch_optional(&mut *self.db)
            .await?;
            let how = TakenBack {
                purpose: Purpose::Messenger,
                route: "bot",
                document: "отключено в боте",
                contact_id: contact.map(|row| int(&row, "id")).transpose()?,
            };
            self.take_back_consent(*guardian, &how, today, now).await?;
            self.note_choice(*guardian, "no_messenger", Way::Bot, None, now)
                .await?;
        }
        self.tell_teachers_of_stops(today, now).await
    }

    /// The school as texts name it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn school_names(&mut self) -> Result<School, StoreError> {
        let row = sqlx::query("SELECT name, short_name, phone FROM school ORDER BY id LIMIT 1")
            .fetch_optional(&mut *self.db)
            .await?;
        let Some(row) = row else {
            return Ok(School::default());
        };
        let name = text(&row, "name")?;
        Ok(School {
            short_name: some_text(&row, "short_name")?.unwrap_or_else(|| name.clone()),
            name,
            phone: some_text(&row, "phone")?,
        })
    }
}
