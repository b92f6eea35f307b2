//! What the rules look at beside the notices that are due.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    StoreError,
    lane::Tx,
    rows::{ids, int, parsed, placeholders, text},
};
use crate::{
    compose::Due,
    family::{People, contact::Channel},
    instant::Millis,
    journal::fact::{Fact, Place},
    pace::{Circumstances, ToldAway},
    policy::Policy,
    week::Week,
};

impl Tx {
    /// What the rules look at beside these notices. `midnight` is when `today` began.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn circumstances(
        &mut self,
        due: &[Due],
        people: &People,
        policy: &Policy,
        (today, midnight, now): (NaiveDate, Millis, Millis),
    ) -> Result<Circumstances, StoreError> {
        Ok(Circumstances {
            told_away: self.told_away(due, today, now).await?,
            incomplete: self.incomplete(due).await?,
            sent_today: match policy.daily_cap.0 {
                Some(_) => self.sent_since(people, midnight).await?,
                None => BTreeMap::new(),
            },
            policy: policy.clone(),
            purse: None,
        })
    }

    /// The absences of today that somebody was told of, or is being told of, of the students of whom
    /// another one is due.
    async fn told_away(
        &mut self,
        due: &[Due],
        today: NaiveDate,
        now: Millis,
    ) -> Result<Vec<ToldAway>, StoreError> {
        let of_today =
            |fact: &Fact| matches!(fact.place, Place::Attendance { date, .. } if date == today);
        let students: BTreeSet<i64> = due
            .iter()
            .filter(|one| of_today(&one.fact))
            .map(|one| one.fact.student_id)
            .collect();
        if students.is_empty() {
            return Ok(Vec::new());
        }
        // A notice of today's belongs to this week, or to the next if the sheets are printed.
        let next = today + chrono::Days::new(7);
        let rows = self
            .all(format!(
                "SELECT guardian_id, fact FROM notice WHERE week IN ('{}', '{}') \
                 AND student_id IN ({}) AND event = 'absence' AND guardian_id IS NOT NULL \
                 AND state IN ('in_message', 'informed') ORDER BY id",
                Week::of(today),
                Week::of(next),
                ids(&students)
            ))
            .await?;
        let mut told = Vec::with_capacity(rows.len());
        for row in &rows {
            let fact: Fact = parsed(row, "fact")?;
            if of_today(&fact) {
                told.push((int(row, "guardian_id")?, fact));
            }
        }
        let facts = told.iter().map(|(_, fact)| *fact).collect();
        let contents = self.contents(&facts, today, now).await?;
        let away = told.into_iter().map(|(guardian_id, fact)| ToldAway {
            guardian_id,
            fact,
            content: contents.get(&fact).cloned().unwrap_or_default(),
        });
        Ok(away.collect())
    }

    /// The students and terms of which a result is still to come: a graded subject has marks in the
    /// term, or an earlier result of it, and no final one.
    async fn incomplete(&mut self, due: &[Due]) -> Result<BTreeSet<(i64, i64)>, StoreError> {
        let sets: BTreeSet<(i64, i64)> = due
            .iter()
            .filter_map(|one| match one.fact.place {
                Place::TermResult { term_id, .. } => Some((one.fact.student_id, term_id)),
                _ => None,
            })
            .collect();
        if sets.is_empty() {
            return Ok(BTreeSet::new());
        }
        let students = ids(&sets
            .iter()
            .map(|(student, _)| *student)
            .collect::<BTreeSet<_>>());
        let terms = ids(&sets.iter().map(|(_, term)| *term).collect::<BTreeSet<_>>());
        let without = |row: &str, term: &str| {
            format!(
                "NOT EXISTS (SELECT 1 FROM term_result f WHERE f.student_id = {row}.student_id \
                 AND f.subject_id = {row}.subject_id AND f.term_id = {term} AND f.stage = 'final' \
                 AND (f.status IN ('deferred', 'not_certified') \
                 OR (f.status = 'set' AND f.value IS NOT NULL)))"
            )
        };
        let rows = self
            .all(format!(
                "SELECT m.student_id, t.id AS term_id FROM term t \
                 JOIN mark m ON m.date >= t.starts_on AND m.date <= t.ends_on \
                 JOIN subject s ON s.id = m.subject_id WHERE s.graded = 1 AND t.id IN ({terms}) \
                 AND m.student_id IN ({students}) AND {} \
                 UNION SELECT r.student_id, r.term_id FROM term_result r \
                 JOIN subject s ON s.id = r.subject_id WHERE s.graded = 1 AND r.stage <> 'exam' \
                 AND r.term_id IN ({terms}) AND r.student_id IN ({students}) AND {}",
                without("m", "t.id"),
                without("r", "r.term_id")
            ))
            .await?;
        rows.iter()
            .map(|row| Ok((int(row, "student_id")?, int(row, "term_id")?)))
            .collect()
    }

    /// How many messages that count against the daily cap each of these people's addresses has had, or
    /// is about to have. What is urgent and what brings nothing but results does not count.
    async fn sent_since(
        &mut self,
        people: &People,
        since: Millis,
    ) -> Result<BTreeMap<(Channel, String), usize>, StoreError> {
        let addresses: BTreeSet<&str> = people
            .contacts
            .iter()
            .map(|contact| contact.address.as_str())
            .collect();
        let addresses: Vec<&str> = addresses.into_iter().collect();
        let mut sent = BTreeMap::new();
        for batch in addresses.chunks(500) {
            let sql = format!(
                "SELECT m.channel, m.address, COUNT(*) AS n FROM message m WHERE m.composed_at >= $1 \
                 AND m.urgency > 1 AND m.state IN ('ready', 'sending', 'in_doubt', 'accepted', \
                 'no_receipt', 'undelivered', 'delivered') AND m.address IN ({}) \
                 AND EXISTS (SELECT 1 FROM message_notice c JOIN notice n ON n.id = c.notice_id \
                 WHERE c.message_id = m.id AND n.event NOT IN ('term_result', 'exam')) \
                 GROUP BY m.channel, m.address",
                placeholders(2, batch.len())
            );
            let mut query = sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .bind(since);
            for address in batch {
                query = query.bind(*address);
            }
            for row in &query.fetch_all(&mut *self.db).await? {
                if let Some(channel) = Channel::from_code(&text(row, "channel")?) {
                    let count = usize::try_from(int(row, "n")?).unwrap_or_default();
                    sent.insert((channel, text(row, "address")?), count);
                }
            }
        }
        Ok(sent)
    }
}
