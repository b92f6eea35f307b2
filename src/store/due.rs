//! What composing reads and writes: notices that are due, names, and messages.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    StoreError,
    calendar::first_of_september,
    lane::Tx,
    notices::{basis, json, perhaps, precedence},
    rows::{ids, int, parsed, some_int, some_text, text, values},
};
use crate::{
    compose::{Due, Earlier, Names},
    family::People,
    instant::Millis,
    journal::{cell::Cell, class_name::ClassName, fact::Fact},
    money::Kopecks,
    text::{School, Text},
};

/// The columns of [`Earlier`] for the notices `n`.
pub(super) const EARLIER: &str = "m.id AS told_in, m.address AS told_at_address, \
     CASE WHEN m.state IN ('ready', 'sending', 'in_doubt') THEN 1 ELSE 0 END AS told_leaving, \
     s.number AS told_on_sheet FROM notice n \
     LEFT JOIN told t ON t.guardian_id = n.guardian_id AND t.fact = n.fact \
     LEFT JOIN message m ON m.id = t.message_id AND m.state IN \
         ('ready', 'sending', 'in_doubt', 'accepted', 'no_receipt', 'delivered') \
     LEFT JOIN sheet s ON s.message_id = m.id";

/// The columns of [`Due`] for the notices `n`, beside [`PERHAPS`] and [`EARLIER`].
const DUE: &str = "n.id, n.guardian_id, n.student_id, n.fact, n.basis, n.basis_told, n.state, n.due_at, \
     n.seen_at, n.hold_id";

/// What a notice `n`, or one that it took over from, told in the newest message of which nobody can say whether
/// it was taken.
pub(super) const PERHAPS: &str = "(SELECT c.value FROM message_notice c JOIN message pm ON pm.id = c.message_id \
     WHERE c.notice_id IN (SELECT n.id UNION ALL SELECT o.id FROM notice o \
         WHERE o.merged_into = n.id AND o.fact = n.fact) AND pm.state IN ('unresolved', 'rejected', 'expired', 'undelivered') \
     AND EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = pm.id AND a.outcome IN ('in_doubt', 'lost')) \
     ORDER BY pm.id DESC LIMIT 1) AS perhaps";

/// How many guardians are composed for in one transaction.
const GUARDIANS: i64 = 200;

/// A message to be written down.
#[derive(Clone)]
pub struct NewMessage<'a> {
    /// Its public name.
    pub reference: String,
    /// The lane it leaves by.
    pub lane: &'a str,
    /// `contact.channel`
    pub channel: &'static str,
    /// The first owner of the address.
    pub guardian_id: i64,
    /// The contact.
    pub contact_id: i64,
    /// The address in comparable form.
    pub address: &'a str,
    /// The words.
    pub text: Text,
    /// The dates that it speaks of, as a file.
    pub calendar: Option<String>,
    /// How many SMS it makes; 1 elsewhere.
    pub parts: i64,
    /// What they cost.
    pub cost: Kopecks,
    /// Whether it leaves at once, even at night.
    pub urgent: bool,
    /// Whether it leaves before everything that is not urgent.
    pub alarm: bool,
    /// Until when it is of use.
    pub useful_until: Millis,
    /// The message that it corrects.
    pub follows: Option<i64>,
    /// What is added to the earlier messages that it corrects, by their ids.
    pub amends: Vec<(i64, String)>,
    /// The notices it carries, each with the cell that it tells.
    pub notices: &'a [(i64, Fact, Cell)],
}

impl Tx {
    /// Notices whose time has come, for whole families at a time, and the people who decide about
    /// them. Absences and results that wait for company are among them before their time.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn due(
        &mut self,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(Vec<Due>, People), StoreError> {
        let rows = sqlx::query(
            "SELECT guardian_id FROM notice WHERE state IN ('settling', 'waiting') \
             AND due_at <= $1 AND guardian_id IS NOT NULL \
             GROUP BY guardian_id ORDER BY MIN(due_at), guardian_id LIMIT $2",
        )
        .bind(now)
        .bind(GUARDIANS)
        .fetch_all(&mut *self.db)
        .await?;
        let mut guardians = rows
            .iter()
            .map(|row| int(row, "guardian_id"))
            .collect::<Result<BTreeSet<_>, _>>()?;
        if guardians.is_empty() {
            return Ok((Vec::new(), People::default()));
        }
        // Who shares an address with them is composed for in the same breath, or one phone would
        // get two messages.
        let mut rows = self.due_of(&guardians, now).await?;
        let mut people = self.people(&students(&rows)?, today).await?;
        let owners: BTreeSet<i64> = people.contacts.iter().map(|c| c.guardian_id).collect();
        if !owners.is_subset(&guardians) {
            guardians.extend(owners);
            rows = self.due_of(&guardians, now).await?;
            people = self.people(&students(&rows)?, today).await?;
        }
        let due = self.dues(&rows, today, now).await?;
        Ok((due, people))
    }

    /// The notices that wait for a person's decision about a hold, as they would be if it were released, and the
    /// people who decide about them.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn held_due(
        &mut self,
        hold_id: i64,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(Vec<Due>, People), StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT {DUE}, {PERHAPS}, {EARLIER} WHERE n.state = 'held' AND n.hold_id = $1 \
             AND n.guardian_id IS NOT NULL ORDER BY n.id"
        )))
        .bind(hold_id)
        .fetch_all(&mut *self.db)
        .await?;
        let people = self.people(&students(&rows)?, today).await?;
        let due = self.dues(&rows, today, now).await?;
        Ok((due, people))
    }

    /// Notices with what stands in their places now.
    pub(super) async fn dues(
        &mut self,
        rows: &[AnyRow],
        today: NaiveDate,
        now: Millis,
    ) -> Result<Vec<Due>, StoreError> {
        let facts = rows
            .iter()
            .map(|row| parsed(row, "fact"))
            .collect::<Result<BTreeSet<Fact>, _>>()?;
        let contents = self.contents(&facts, today, now).await?;
        let mut tried = self.tried(rows).await?;
        let mut due = Vec::with_capacity(rows.len());
        for row in rows {
            let fact: Fact = parsed(row, "fact")?;
            let notice_id = int(row, "id")?;
            let content = contents.get(&fact).cloned().unwrap_or_default();
            due.push(Due {
                notice_id,
                guardian_id: int(row, "guardian_id")?,
                basis: basis(row)?.or_perhaps(perhaps(row)?, &content.cell()),
                settled_at: match text(row, "state")?.as_str() {
                    "settling" => Some(int(row, "due_at")?),
                    _ => None,
                },
                content,
                tried: tried.remove(&notice_id).unwrap_or_default(),
                seen_at: int(row, "seen_at")?,
                early: some_int(row, "due_at")?.is_some_and(|at| at > now),
                released: some_int(row, "hold_id")?.is_some(),
                told_in: match some_int(row, "told_in")? {
                    Some(message_id) => Some(Earlier {
                        message_id,
                        address: text(row, "told_at_address")?,
                        leaving: int(row, "told_leaving")? == 1,
                        sheet: some_int(row, "told_on_sheet")?,
                    }),
                    None => None,
                },
                fact,
            });
        }
        Ok(due)
    }

    async fn due_of(
        &mut self,
        guardians: &BTreeSet<i64>,
        now: Millis,
    ) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(AssertSqlSafe(format!(
            "SELECT {DUE}, {PERHAPS}, {EARLIER} WHERE n.state IN ('settling', 'waiting') \
             AND n.guardian_id IN ({}) AND (n.due_at <= $1 \
             OR (n.due_at > $1 AND (n.waits_for = 'deadline' OR n.event = 'term_result' \
                 OR (n.event = 'absence' AND n.waits_for = 'window')))) \
             ORDER BY n.id",
            ids(guardians)
        )))
        .persistent(false)
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?)
    }

    /// The contacts whose messages ended without carrying these notices.
    pub(super) async fn tried(
        &mut self,
        notices: &[AnyRow],
    ) -> Result<BTreeMap<i64, Vec<i64>>, StoreError> {
        let notices = notices
            .iter()
            .map(|row| int(row, "id"))
            .collect::<Result<Vec<_>, _>>()?;
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT c.notice_id, m.contact_id FROM message_notice c \
             JOIN message m ON m.id = c.message_id WHERE c.notice_id IN ({}) AND m.contact_id IS NOT NULL \
             AND m.again = 0 AND m.state IN ('rejected', 'unresolved', 'expired', 'undelivered')",
            ids(&notices)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let mut tried: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in &rows {
            let contact = int(row, "contact_id")?;
            tried
                .entry(int(row, "notice_id")?)
                .or_default()
                .push(contact);
        }
        Ok(tried)
    }

    /// The words for these facts.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn names(
        &mut self,
        facts: &BTreeSet<Fact>,
        today: NaiveDate,
    ) -> Result<Names, StoreError> {
        let mut names = Names {
            about: self.about(facts, today).await?,
            year_from: self
                .year_from(today)
                .await?
                .unwrap_or_else(|| first_of_september(today)),
            ..Names::default()
        };
        let students: BTreeSet<i64> = facts.iter().map(|fact| fact.student_id).collect();
        let school =
            sqlx::query("SELECT name, short_name, phone, timezone FROM school ORDER BY id LIMIT 1")
                .fetch_optional(&mut *self.db)
                .await?;
        if let Some(row) = school {
            let name = text(&row, "name")?;
            names.zone = text(&row, "timezone")?.parse().ok();
            names.school = School {
                short_name: some_text(&row, "short_name")?.unwrap_or_else(|| name.clone()),
                phone: some_text(&row, "phone")?,
                name,
            };
        }
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT s.id, s.given_name, s.short_name, c.grade, c.letter FROM student s \
             LEFT JOIN enrolment e ON e.student_id = s.id AND (e.from_on IS NULL OR e.from_on <= $1) \
             AND (e.to_on IS NULL OR e.to_on >= $1) \
             LEFT JOIN class c ON c.id = e.class_id WHERE s.id IN ({}) ORDER BY e.id",
            ids(&students)
        )))
        .persistent(false)
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let given = text(row, "given_name")?;
            let name = some_text(row, "short_name")?.unwrap_or(given);
            let class = match some_int(row, "grade")? {
                Some(grade) => Some(
                    ClassName {
                        grade: u8::try_from(grade).unwrap_or_default(),
                        letter: some_text(row, "letter")?.unwrap_or_default(),
                    }
                    .to_string(),
                ),
                None => None,
            };
            names.students.insert(int(row, "id")?, (name, class));
        }
        Ok(names)
    }

    /// Has a notice wait: `waits_for` is one of the codes of `notice.waits_for`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn wait(
        &mut self,
        notice_id: i64,
        waits_for: &str,
        due_at: Option<Millis>,
        reason: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notice SET state = 'waiting', waits_for = $2, due_at = $3, reason = $4, \
             state_at = $5 WHERE id = $1 AND state IN ('settling', 'waiting')",
        )
        .bind(notice_id)
        .bind(waits_for)
        .bind(due_at)
        .bind(reason)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Writes a composed message and puts its notices into it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn insert_message(
        &mut self,
        message: &NewMessage<'_>,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO message (ref, lane, channel, guardian_id, contact_id, address, subject, \
             body_text, body_html, parts, not_before, useful_until, follows_id, composed_at, state_at, urgency, \
             calendar, cost) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $11, $11, $14, \
             $15, $16) \
             RETURNING id",
        )
        .bind(&message.reference)
        .bind(message.lane)
        .bind(message.channel)
        .bind(message.guardian_id)
        .bind(message.contact_id)
        .bind(message.address)
        .bind(message.text.subject.as_deref())
        .bind(&message.text.text)
        .bind(message.text.html.as_deref())
        .bind(message.parts)
        .bind(now)
        .bind(message.useful_until)
        .bind(message.follows)
        .bind(precedence(message.urgent, message.alarm))
        .bind(message.calendar.as_deref())
        .bind(message.cost.0)
        .fetch_one(&mut *self.db)
        .await?;
        let id = int(&row, "id")?;
        for (earlier, note) in &message.amends {
            sqlx::query("INSERT INTO amendment (message_id, earlier_id, note) VALUES ($1, $2, $3)")
                .bind(id)
                .bind(*earlier)
                .bind(note)
                .execute(&mut *self.db)
                .await?;
        }
        for batch in message.notices.chunks(100) {
            let sql = format!(
                "INSERT INTO message_notice (message_id, notice_id, value) VALUES {}",
                values(batch.len(), 3)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for (notice, _, cell) in batch {
                query = query.bind(id).bind(*notice).bind(json(cell));
            }
            query.execute(&mut *self.db).await?;
        }
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET state = 'in_message', waits_for = NULL, due_at = NULL, reason = NULL, \
             state_at = $1 WHERE state IN ('settling', 'waiting') AND id IN ({})",
            ids(message.notices.iter().map(|(notice, ..)| notice))
        )))
        .persistent(false)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(id)
    }
}

fn students(rows: &[AnyRow]) -> Result<Vec<i64>, StoreError> {
    let students = rows
        .iter()
        .map(|row| int(row, "student_id"))
        .collect::<Result<BTreeSet<_>, _>>()?;
    Ok(students.into_iter().collect())
}
