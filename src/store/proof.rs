//! What each guardian of a student was to hear in some days, and what carried it: the proof for a complaint.

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    history::veiled,
    rows::{ids, int, parsed, some_int, some_text, text},
};
use crate::{instant::Millis, journal::fact::Fact, paper::handout::Stand};

/// One thing that one guardian was to hear, with one message that carried it, if any did.
#[derive(Clone)]
pub struct Telling {
    /// `notice.id`
    pub notice_id: i64,
    /// `guardian.id`
    pub guardian_id: i64,
    /// What it is told as.
    pub event: String,
    /// The subject that it is of.
    pub subject: Option<String>,
    /// The day that it is of.
    pub date: Option<NaiveDate>,
    /// When the journal's row changed, as far as that is still known.
    pub written_at: Option<Millis>,
    /// When the change was seen.
    pub seen_at: Millis,
    /// The notice's state now.
    pub state: String,
    /// Why, or what it waits for.
    pub reason: Option<String>,
    /// When a guardian confirmed it.
    pub acknowledged_at: Option<Millis>,
    /// What carried it.
    pub carrier: Option<Carrier>,
}

/// A message that carried something.
#[derive(Clone)]
pub struct Carrier {
    /// `message.ref`
    pub reference: String,
    /// Its channel.
    pub channel: String,
    /// Where it went, with its middle hidden.
    pub address: String,
    /// Its words.
    pub text: String,
    /// Whether they speak of another student, too.
    pub of_others: bool,
    /// When it was composed.
    pub composed_at: Millis,
    /// When a provider took it.
    pub accepted_at: Option<Millis>,
    /// Its state.
    pub state: String,
    /// Since when it is in its state.
    pub state_at: Millis,
    /// Of a sheet: where it stands, and since when.
    pub sheet: Option<(Stand, Millis)>,
}

impl Store {
    /// What was seen of a student between two instants, once for each message that carried it: guardian by guardian, the
    /// oldest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what is no fact.
    pub async fn proof(
        &self,
        student: i64,
        (from, to): (Millis, Millis),
    ) -> Result<Vec<Telling>, StoreError> {
        let rows = sqlx::query(
            "SELECT n.id, n.guardian_id, n.fact, n.event, n.state, n.reason, n.waits_for, n.seen_at, h.written_at, \
             (SELECT MIN(at) FROM acknowledgement k WHERE k.notice_id = n.id) AS acknowledged_at, \
             m.ref, m.channel, m.address, m.body_text, m.composed_at, m.state AS message_state, m.state_at, \
             (SELECT MIN(finished_at) FROM attempt a WHERE a.message_id = m.id AND a.outcome = 'accepted') \
             AS accepted_at, CASE WHEN EXISTS (SELECT 1 FROM message_notice o JOIN notice x ON x.id = o.notice_id \
             WHERE o.message_id = m.id AND x.student_id <> n.student_id) THEN 1 ELSE 0 END AS of_others, \
             s.state AS stand, s.state_at AS stand_at \
             FROM notice n LEFT JOIN change h ON h.id = n.change_id \
             LEFT JOIN message_notice c ON c.notice_id = n.id LEFT JOIN message m ON m.id = c.message_id \
             LEFT JOIN sheet s ON s.message_id = m.id \
             WHERE n.student_id = $1 AND n.seen_at >= $2 AND n.seen_at < $3 AND n.guardian_id IS NOT NULL \
             ORDER BY n.guardian_id, n.seen_at, n.id, m.id",
        )
        .bind(student)
        .bind(from)
        .bind(to)
        .fetch_all(&self.pool)
        .await?;
        let mut facts = Vec::with_capacity(rows.len());
        for row in &rows {
            facts.push(parsed::<Fact>(row, "fact")?);
        }
        let lessons = self.lessons(&facts).await?;
        let subjects = self.subjects().await?;
        let mut told = Vec::with_capacity(rows.len());
        for (row, fact) in rows.iter().zip(facts) {
            let lesson = fact
                .place
                .lesson_id()
                .and_then(|id| lessons.iter().find(|(known, ..)| *known == id));
            let subject = fact
                .place
                .subject_id()
                .or(lesson.map(|(_, subject, _)| *subject));
            let subject = subjects.iter().find(|(id, _)| Some(*id) == subject);
            told.push(Telling {
                subject: subject.map(|(_, name)| name.clone()),
                date: fact.place.date().or(lesson.map(|(.., date)| *date)),
                ..telling(row)?
            });
        }
        Ok(told)
    }

    /// The lessons that facts stand in: id, subject and day.
    async fn lessons(&self, facts: &[Fact]) -> Result<Vec<(i64, i64, NaiveDate)>, StoreError> {
        let wanted: Vec<i64> = facts
            .iter()
            .filter_map(|fact| fact.place.lesson_id())
            .collect();
        let sql = format!(
            "SELECT id, subject_id, date FROM lesson WHERE id IN ({})",
            ids(&wanted)
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        let lesson = |row: &AnyRow| {
            Ok((
                int(row, "id")?,
                int(row, "subject_id")?,
                parsed(row, "date")?,
            ))
        };
        rows.iter().map(lesson).collect()
    }

    async fn subjects(&self) -> Result<Vec<(i64, String)>, StoreError> {
        let rows = sqlx::query("SELECT id, name FROM subject")
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, text(row, "name")?)))
            .collect()
    }
}

fn telling(row: &AnyRow) -> Result<Telling, StoreError> {
    Ok(Telling {
        notice_id: int(row, "id")?,
        guardian_id: int(row, "guardian_id")?,
        event: text(row, "event")?,
        subject: None,
        date: None,
        written_at: some_int(row, "written_at")?,
        seen_at: int(row, "seen_at")?,
        state: text(row, "state")?,
        reason: some_text(row, "waits_for")?.or(some_text(row, "reason")?),
        acknowledged_at: some_int(row, "acknowledged_at")?,
        carrier: match some_text(row, "ref")? {
            Some(reference) => Some(carrier(row, reference)?),
            None => None,
        },
    })
}

fn carrier(row: &AnyRow, reference: String) -> Result<Carrier, StoreError> {
    let stand = some_text(row, "stand")?;
    let stand = stand.as_deref().and_then(Stand::from_code);
    Ok(Carrier {
        reference,
        channel: text(row, "channel")?,
        address: veiled(&text(row, "address")?),
        text: text(row, "body_text")?,
        of_others: int(row, "of_others")? == 1,
        composed_at: int(row, "composed_at")?,
        accepted_at: some_int(row, "accepted_at")?,
        state: text(row, "message_state")?,
        state_at: int(row, "state_at")?,
        sheet: stand.zip(some_int(row, "stand_at")?),
    })
}
