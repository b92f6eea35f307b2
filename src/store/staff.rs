//! What staff are told: which families of their classes cannot be reached, and what the gaps of `gaps.rs` are.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    lane::Tx,
    people::health,
    rows::{ids, int, parsed, some_int, some_text, text},
};
use crate::{
    family::contact::{Channel, Contact, Health, comparable},
    instant::{DAY, Millis},
    journal::{
        class_name::ClassName,
        fact::{Fact, Place},
    },
    money::Kopecks,
    text::{Matter, StaffNews, Text},
};

/// A duty to tell a member of staff, whose time has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffDue {
    /// `notice.id`
    pub notice_id: i64,
    /// Whom to tell.
    pub staff_id: i64,
    /// What; none where it is not so any more.
    pub news: Option<StaffNews>,
    /// The contacts that have already failed to carry it.
    pub tried: Vec<i64>,
}

/// A class's teacher, whoever stands in, and the house tutor, with their classes.
pub(super) const TEACHERS: &str = "(SELECT id AS class_id, class_teacher_id AS staff_id FROM class \
     WHERE class_teacher_id IS NOT NULL UNION SELECT class_id, staff_id FROM duty \
     WHERE role IN ('class_teacher', 'tutor') AND class_id IS NOT NULL \
     AND (from_on IS NULL OR from_on <= $1) AND (to_on IS NULL OR to_on >= $1))";

/// The addresses `c` that a person has to look at.
const FAILING: &str = "c.ended_at IS NULL AND (c.health IN ('hard', 'blocked', 'complained') \
     OR (c.health = 'soft' AND c.health_reason = 'silent'))";

/// That the owner of the address `c` answered an SMS about the student of `t` with «СТОП», or left by a
/// mail's link, an empty mail or the bot, and nobody has given the consent again.
const STOPPED: &str = "EXISTS (SELECT 1 FROM consent k WHERE k.contact_id = c.id \
     AND k.guardian_id = t.guardian_id AND k.student_id = t.student_id AND k.route IN ('sms', 'link', 'mail', 'bot') \
     AND k.state = 'withdrawn' AND k.id = (SELECT MAX(o.id) FROM consent o \
         WHERE o.guardian_id = k.guardian_id AND o.student_id = k.student_id AND o.purpose = k.purpose))";

/// When that was.
const STOPPED_AT: &str = "(SELECT MAX(k.recorded_at) FROM consent k WHERE k.contact_id = c.id \
     AND k.guardian_id = t.guardian_id AND k.student_id = t.student_id AND k.route IN ('sms', 'link', 'mail', 'bot'))";

/// A message to a member of staff.
#[derive(Clone)]
pub struct StaffMessage<'a> {
    /// Its public name.
    pub reference: String,
    /// The lane it leaves by.
    pub lane: &'a str,
    /// Where it goes.
    pub contact: &'a Contact,
    /// The words.
    pub words: &'a Text,
    /// How many SMS it makes; 1 elsewhere.
    pub parts: i64,
    /// What they cost.
    pub cost: Kopecks,
    /// The notices that it carries.
    pub notices: &'a [i64],
    /// Until when it is of use.
    pub useful_until: Millis,
}

impl Store {
    /// How many failing addresses no teacher could be told of in the last week, because none of theirs
    /// has an address.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn untold_to_staff(&self, now: Millis) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM notice WHERE staff_id IS NOT NULL AND state = 'closed' \
             AND reason = 'no_contact' AND state_at > $1",
        )
        .bind(now - 7 * DAY)
        .fetch_one(&self.pool)
        .await?;
        int(&row, "n")
    }
}

impl Tx {
    /// Opens a notice for each teacher of a student whose family has an address that fails, once for each
    /// time that it began to fail. A teacher who is a guardian of the student hears nothing of the other
    /// guardians' addresses.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_teachers(&mut self, today: NaiveDate, now: Millis) -> Result<(), StoreError> {
        self.tell_teachers_of(FAILING, "c.health_at", today, now)
            .await
    }

    /// The same of families who take no more SMS or mails, by a word of their own.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_teachers_of_stops(
        &mut self,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let open = format!("c.ended_at IS NULL AND {STOPPED}");
        self.tell_teachers_of(&open, STOPPED_AT, today, now).await
    }

    async fn tell_teachers_of(
        &mut self,
        which: &str,
        since: &str,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT c.id AS contact_id, COALESCE({since}, 0) AS since, t.student_id, w.staff_id \
             FROM contact c JOIN guardianship t ON t.guardian_id = c.guardian_id AND t.rights <> 'deprived' \
             JOIN enrolment e ON e.student_id = t.student_id \
             AND (e.from_on IS NULL OR e.from_on <= $1) AND (e.to_on IS NULL OR e.to_on >= $1) \
             JOIN {TEACHERS} w ON w.class_id = e.class_id \
             JOIN staff f ON f.id = w.staff_id \
             AND (f.from_on IS NULL OR f.from_on <= $1) AND (f.to_on IS NULL OR f.to_on >= $1) \
             WHERE {which} AND NOT EXISTS (SELECT 1 FROM guardian g JOIN guardianship own \
                 ON own.guardian_id = g.id WHERE g.staff_id = w.staff_id AND own.student_id = t.student_id) \
             ORDER BY w.staff_id, t.student_id, contact_id"
        )))
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let student_id = int(row, "student_id")?;
            let place = Place::Contact(int(row, "contact_id")?);
            let fact = Fact { student_id, place };
            let since = int(row, "since")?;
            self.open_for_staff(
                int(row, "staff_id")?,
                Some(student_id),
                fact,
                since,
                now,
                now,
            )
            .await?;
        }
        Ok(())
    }

    /// Opens a notice for a member of staff, unless one of the same is open or was opened from `since` on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub(super) async fn open_for_staff(
        &mut self,
        staff_id: i64,
        student_id: Option<i64>,
        fact: Fact,
        since: Millis,
        due_at: Millis,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let opened = sqlx::query(
            "INSERT INTO notice (staff_id, student_id, fact, event, basis, state, waits_for, due_at, \
             seen_at, state_at) SELECT $1, $2, $3, 'service', '[]', 'waiting', 'window', $6, $4, $4 \
             WHERE NOT EXISTS (SELECT 1 FROM notice o WHERE o.staff_id = $1 AND o.fact = $3 \
             AND (o.seen_at >= $5 OR o.state IN ('settling', 'waiting', 'in_message', 'held')))",
        )
        .bind(staff_id)
        .bind(student_id)
        .bind(fact.to_string())
        .bind(now)
        .bind(since)
        .bind(due_at)
        .execute(&mut *self.db)
        .await?;
        Ok(opened.rows_affected() == 1)
    }

    /// What staff are to be told now.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn staff_due(
        &mut self,
        today: NaiveDate,
        now: Millis,
    ) -> Result<Vec<StaffDue>, StoreError> {
        let rows = sqlx::query(
            "SELECT n.id, n.staff_id, n.fact, s.given_name, s.surname, s.short_name, \
             (SELECT MAX(e.class_id) FROM enrolment e WHERE e.student_id = s.id \
              AND (e.from_on IS NULL OR e.from_on <= $1) AND (e.to_on IS NULL OR e.to_on >= $1)) AS class_id \
             FROM notice n LEFT JOIN student s ON s.id = n.student_id WHERE n.staff_id IS NOT NULL \
             AND n.state IN ('settling', 'waiting') AND n.due_at <= $2 ORDER BY n.staff_id, n.id",
        )
        .bind(today.to_string())
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        let mut tried = self.tried(&rows).await?;
        let mut due = Vec::new();
        for row in &rows {
            let notice_id = int(row, "id")?;
            let fact: Fact = parsed(row, "fact")?;
            let who = self.student_of(row).await?;
            due.push(StaffDue {
                notice_id,
                staff_id: int(row, "staff_id")?,
                news: match fact.place {
                    Place::Contact(contact) => self.failing(contact, fact.student_id, who).await?,
                    place => self.gap(place, fact.student_id, who, today).await?,
                },
                tried: tried.remove(&notice_id).unwrap_or_default(),
            });
        }
        Ok(due)
    }

    /// «Маша С., 5 «А»»
    async fn student_of(&mut self, row: &AnyRow) -> Result<String, StoreError> {
        let Some(given) = some_text(row, "given_name")? else {
            return Ok(String::new());
        };
        let name = some_text(row, "short_name")?.unwrap_or(given);
        let initial: String = text(row, "surname")?.chars().take(1).collect();
        let class = sqlx::query("SELECT grade, letter FROM class WHERE id = $1")
            .bind(some_int(row, "class_id")?)
            .fetch_optional(&mut *self.db)
            .await?;
        let Some(class) = class else {
            return Ok(format!("{name} {initial}."));
        };
        let class = ClassName {
            grade: u8::try_from(int(&class, "grade")?).unwrap_or_default(),
            letter: some_text(&class, "letter")?.unwrap_or_default(),
        };
        Ok(format!("{name} {initial}., {class}"))
    }

    async fn failing(
        &mut self,
        contact: i64,
        student_id: i64,
        who: String,
    ) -> Result<Option<StaffNews>, StoreError> {
        let row = sqlx::query(AssertSqlSafe(format!(
            "SELECT c.channel, c.health, c.health_reason, CASE WHEN {STOPPED} THEN 1 ELSE 0 END AS stopped \
             FROM contact c JOIN guardianship t ON t.guardian_id = c.guardian_id AND t.student_id = $2 \
             WHERE c.id = $1 AND (({FAILING}) OR (c.ended_at IS NULL AND {STOPPED}))"
        )))
        .bind(contact)
        .bind(student_id)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let channel = Channel::from_code(&text(&row, "channel")?);
        let health = health(&row)?;
        let stopped = int(&row, "stopped")? == 1;
        Ok(channel.map(|channel| StaffNews {
            who,
            matter: match (stopped, channel) {
                (true, Channel::Email) => Matter::Left,
                (true, Channel::Telegram) => Matter::Failing(channel, Health::Blocked),
                (true, _) => Matter::Stopped,
                (false, _) => Matter::Failing(channel, health),
            },
        }))
    }

    /// The addresses of these members of staff, in the order in which they are tried.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn staff_contacts(
        &mut self,
        staff: &BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, Vec<Contact>>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT id, staff_id, channel, address, rank, health, health_reason FROM contact \
             WHERE ended_at IS NULL AND staff_id IN ({}) ORDER BY rank, id",
            ids(staff)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let mut contacts: BTreeMap<i64, Vec<Contact>> = BTreeMap::new();
        for row in &rows {
            let Some(channel) = Channel::from_code(&text(row, "channel")?) else {
                continue;
            };
            contacts
                .entry(int(row, "staff_id")?)
                .or_default()
                .push(Contact {
                    id: int(row, "id")?,
                    guardian_id: 0,
                    channel,
                    address: comparable(channel, &text(row, "address")?),
                    rank: int(row, "rank")?,
                    health: health(row)?,
                    ended: false,
                });
        }
        Ok(contacts)
    }

    /// Writes a message to a member of staff and puts its notices into it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn insert_staff_message(
        &mut self,
        message: &StaffMessage<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let StaffMessage { contact, words, .. } = message;
        let row = sqlx::query(
            "INSERT INTO message (ref, lane, channel, contact_id, address, subject, body_text, \
             not_before, useful_until, composed_at, state_at, parts, cost) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $8, $8, $10, $11) RETURNING id",
        )
        .bind(&message.reference)
        .bind(message.lane)
        .bind(contact.channel.code())
        .bind(contact.id)
        .bind(&contact.address)
        .bind(words.subject.as_deref())
        .bind(&words.text)
        .bind(now)
        .bind(message.useful_until)
        .bind(message.parts)
        .bind(message.cost.0)
        .fetch_one(&mut *self.db)
        .await?;
        let id = int(&row, "id")?;
        for notice in message.notices {
            sqlx::query(
                "INSERT INTO message_notice (message_id, notice_id, value) VALUES ($1, $2, '[]')",
            )
            .bind(id)
            .bind(*notice)
            .execute(&mut *self.db)
            .await?;
            sqlx::query(
                "UPDATE notice SET state = 'in_message', waits_for = NULL, due_at = NULL, \
                 state_at = $2 WHERE id = $1",
            )
            .bind(*notice)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(())
    }
}
