//! What the plan reads and writes: changes, looks and open notices.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    StoreError,
    due::PERHAPS,
    lane::Tx,
    notices::{OPEN, basis, cell, perhaps},
    people,
    rows::{ids, int, parsed, placeholders, some_int, some_text, text},
};
use crate::{
    breaker::Burst,
    family::People,
    instant::Millis,
    journal::{
        cell::{Cell, CellChange, Known},
        entry,
        fact::{Fact, Place},
    },
    plan::{Look, OpenNotice, Stage},
};

/// A change that nobody has looked at yet.
#[derive(Debug, Clone)]
pub struct Change {
    /// `change.id`
    pub id: i64,
    /// The table.
    pub entity: String,
    /// The row.
    pub entity_id: i64,
    /// The row's columns before; null where it appeared.
    pub old: Value,
    /// The row's columns after; null where it went.
    pub new: Value,
    /// The import that wrote it, if one did.
    pub import_id: Option<i64>,
}

/// What happened to a fact.
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// What each change did to it, oldest first.
    pub steps: Vec<CellChange>,
    /// Whether what went had lost its meaning before.
    pub over: bool,
    /// The import that changed it, if one did.
    pub import_id: Option<i64>,
    /// Whether nothing did: somebody's circumstances changed who has an open notice of it.
    pub people_only: bool,
}

impl Tx {
    /// The oldest changes that are not planned.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn unplanned(&mut self, limit: i64) -> Result<Vec<Change>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, entity, entity_id, old, new, import_id FROM change WHERE planned_at IS NULL \
             ORDER BY id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(change).collect()
    }

    /// The later unplanned changes that may concern these facts: those of the marks in hand and of the
    /// marks that stand there now, all that took a mark away, and all of other tables. A place's
    /// changes must be undone together, so the plan takes them along, however far behind they stand.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn unplanned_after(
        &mut self,
        slice: &[Change],
        facts: impl Iterator<Item = &Fact>,
    ) -> Result<Vec<Change>, StoreError> {
        let facts: Vec<&Fact> = facts.collect();
        let Some(last) = slice.last().filter(|_| !facts.is_empty()) else {
            return Ok(Vec::new());
        };
        let in_hand = slice.iter().filter(|change| change.entity == "mark");
        let mut marks: BTreeSet<i64> = in_hand.map(|change| change.entity_id).collect();
        let of_marks = facts.iter().filter_map(|fact| match fact.place {
            Place::Mark { date, .. } => Some((fact.student_id, format!("'{date}'"))),
            _ => None,
        });
        let (students, days): (BTreeSet<i64>, BTreeSet<String>) = of_marks.unzip();
        if !students.is_empty() {
            let there = sqlx::query(AssertSqlSafe(format!(
                "SELECT id FROM mark WHERE student_id IN ({}) AND date IN ({})",
                ids(&students),
                days.into_iter().collect::<Vec<_>>().join(",")
            )))
            .persistent(false)
            .fetch_all(&mut *self.db)
            .await?;
            for row in &there {
                marks.insert(int(row, "id")?);
            }
        }
        let tables: Vec<String> = entry::TOLD
            .iter()
            .map(|table| format!("'{table}'"))
            .collect();
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT id, entity, entity_id, old, new, import_id FROM change WHERE planned_at IS NULL \
             AND id > $1 AND entity IN ({}) \
             AND (entity <> 'mark' OR op <> 'insert' OR entity_id IN ({})) ORDER BY id",
            tables.join(","),
            ids(&marks)
        )))
        .persistent(false)
        .bind(last.id)
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter().map(change).collect()
    }

    /// Everybody who decides about these students.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn people(
        &mut self,
        students: &[i64],
        today: NaiveDate,
    ) -> Result<People, StoreError> {
        people::people(&mut self.db, students, today).await
    }

    /// All that the plan needs to know of these facts.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn looks(
        &mut self,
        facts: BTreeMap<Fact, Touched>,
        today: NaiveDate,
        now: Millis,
    ) -> Result<Vec<Look>, StoreError> {
        let students: BTreeSet<i64> = facts.keys().map(|fact| fact.student_id).collect();
        let subjects: BTreeSet<i64> = facts
            .keys()
            .filter_map(|fact| fact.place.subject_id())
            .collect();
        let wanted: BTreeSet<Fact> = facts.keys().copied().collect();
        let mut contents = self.contents(&wanted, today, now).await?;
        let ungraded: BTreeSet<i64> = sqlx::query(AssertSqlSafe(format!(
            "SELECT id FROM subject WHERE graded = 0 AND id IN ({})",
            ids(&subjects)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?
        .iter()
        .map(|row| int(row, "id"))
        .collect::<Result<_, _>>()?;
        let enrolments = self.enrolments(&students).await?;
        let closed = self.closed_terms(now).await?;
        let mut told = self.told(facts.keys()).await?;
        let mut missed = self.missed(facts.keys()).await?;
        let acknowledged = self.reminded_of(facts.keys()).await?;
        let mut open = self.open(facts.keys()).await?;
        let mut looks = Vec::with_capacity(facts.len());
        for (fact, touched) in facts {
            let of_student = enrolments.get(&fact.student_id);
            let current = of_student.and_then(|all| all.iter().find(|one| one.covers(today)));
            let mut content = contents.remove(&fact).unwrap_or_default();
            content.over |= touched.over;
            let subject = fact.place.subject_id();
            let term_closed = fact.place.date().is_some_and(|date| {
                let grade = current.map(|one| one.grade);
                closed.iter().any(|term| term.covers(date, grade))
            });
            looks.push(Look {
                burst: match (touched.import_id, current) {
                    (Some(import), _) => Burst::Import(import),
                    (None, Some(enrolment)) => Burst::Class(enrolment.class_id),
                    (None, None) => Burst::School,
                },
                class_id: current.map(|one| one.class_id),
                term_closed,
                content,
                changes: touched.steps,
                people_only: touched.people_only,
                grade: current.map(|one| one.grade),
                graded: subject.is_none_or(|subject| !ungraded.contains(&subject)),
                // A school that keeps no enrolments still has students.
                attends: of_student.is_none() || current.is_some(),
                told: told.remove(&fact).unwrap_or_default(),
                missed: missed.remove(&fact).unwrap_or_default(),
                acknowledged: acknowledged.get(&fact).cloned().unwrap_or_default(),
                open: open.remove(&fact).unwrap_or_default(),
                fact,
            });
        }
        Ok(looks)
    }

    /// The terms whose results are set.
    async fn closed_terms(&mut self, now: Millis) -> Result<Vec<ClosedTerm>, StoreError> {
        let rows = sqlx::query(
            "SELECT starts_on, ends_on, grade_from, grade_to FROM term WHERE closed_at <= $1",
        )
        .bind(now)
        .fetch_all(&mut *self.db)
        .await?;
        let term = |row: &AnyRow| {
            Ok(ClosedTerm {
                from: parsed(row, "starts_on")?,
                to: parsed(row, "ends_on")?,
                grades: (some_int(row, "grade_from")?, some_int(row, "grade_to")?),
            })
        };
        rows.iter().map(term).collect()
    }

    async fn enrolments(
        &mut self,
        students: &BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, Vec<Enrolment>>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT e.student_id, e.class_id, e.from_on, e.to_on, c.grade FROM enrolment e \
             JOIN class c ON c.id = e.class_id WHERE e.student_id IN ({}) ORDER BY e.id DESC",
            ids(students)
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let mut enrolments: BTreeMap<i64, Vec<Enrolment>> = BTreeMap::new();
        for row in &rows {
            let one = Enrolment {
                from: super::rows::some_parsed(row, "from_on")?,
                to: super::rows::some_parsed(row, "to_on")?,
                grade: int(row, "grade")?,
                class_id: int(row, "class_id")?,
            };
            enrolments
                .entry(int(row, "student_id")?)
                .or_default()
                .push(one);
        }
        Ok(enrolments)
    }

    async fn told(
        &mut self,
        facts: impl Iterator<Item = &Fact>,
    ) -> Result<BTreeMap<Fact, Vec<(i64, Cell)>>, StoreError> {
        let mut told: BTreeMap<Fact, Vec<(i64, Cell)>> = BTreeMap::new();
        let rows = self
            .by_facts(
                "SELECT guardian_id, fact, value FROM told WHERE guardian_id IS NOT NULL AND fact IN",
                facts,
            )
            .await?;
        for row in &rows {
            let cell = cell(&text(row, "value")?, "told.value")?;
            let entry = told.entry(parsed(row, "fact")?).or_default();
            entry.push((int(row, "guardian_id")?, cell));
        }
        Ok(told)
    }

    /// What guardians knew before news of which they heard nothing until their week was over; of several such
    /// news before the last.
    async fn missed(
        &mut self,
        facts: impl Iterator<Item = &Fact>,
    ) -> Result<BTreeMap<Fact, Vec<(i64, Known)>>, StoreError> {
        let mut missed: BTreeMap<Fact, Vec<(i64, Known)>> = BTreeMap::new();
        let rows = self
            .by_facts(
                "SELECT id, guardian_id, fact, basis, basis_told FROM notice \
                 WHERE state = 'red' AND guardian_id IS NOT NULL AND fact IN",
                facts,
            )
            .await?;
        let rows: BTreeMap<i64, &AnyRow> = rows
            .iter()
            .map(|row| Ok((int(row, "id")?, row)))
            .collect::<Result<_, StoreError>>()?;
        for row in rows.into_values() {
            let (fact, guardian) = (parsed::<Fact>(row, "fact")?, int(row, "guardian_id")?);
            let of_fact = missed.entry(fact).or_default();
            of_fact.retain(|(other, _)| *other != guardian);
            of_fact.push((guardian, basis(row)?));
        }
        Ok(missed)
    }

    /// Who has acknowledged the words that these facts only remind of.
    async fn reminded_of(
        &mut self,
        facts: impl Iterator<Item = &Fact>,
    ) -> Result<BTreeMap<Fact, Vec<i64>>, StoreError> {
        let words = facts.filter_map(|fact| match fact.place {
            Place::Announcement(id) => Some((id, *fact)),
            _ => None,
        });
        let words: Vec<(i64, Fact)> = words.collect();
        let mut acknowledged: BTreeMap<Fact, Vec<i64>> = BTreeMap::new();
        if words.is_empty() {
            return Ok(acknowledged);
        }
        let sql = format!(
            "SELECT id, reminds_id FROM announcement WHERE reminds_id IS NOT NULL AND id IN ({})",
            ids(words.iter().map(|(id, _)| id))
        );
        for row in &self.all(sql).await? {
            let (id, first) = (int(row, "id")?, int(row, "reminds_id")?);
            for (_, fact) in words.iter().filter(|(word, _)| *word == id) {
                let earlier = Fact {
                    place: Place::Announcement(first),
                    ..*fact
                };
                let rows = sqlx::query(
                    "SELECT DISTINCT n.guardian_id FROM notice n JOIN acknowledgement a ON a.notice_id = n.id \
                     WHERE n.fact = $1 AND n.guardian_id IS NOT NULL",
                )
                .bind(earlier.to_string())
                .fetch_all(&mut *self.db)
                .await?;
                let guardians = rows
                    .iter()
                    .map(|row| int(row, "guardian_id"))
                    .collect::<Result<Vec<_>, _>>()?;
                acknowledged.insert(*fact, guardians);
            }
        }
        Ok(acknowledged)
    }

    async fn open(
        &mut self,
        facts: impl Iterator<Item = &Fact>,
    ) -> Result<BTreeMap<Fact, Vec<OpenNotice>>, StoreError> {
        let sql = format!(
            "SELECT n.id, n.guardian_id, n.fact, n.basis, n.basis_told, n.state, {PERHAPS}, \
             (SELECT MAX(CASE WHEN m.state = 'ready' THEN 0 ELSE 1 END) FROM message_notice c \
              JOIN message m ON m.id = c.message_id WHERE c.notice_id = n.id \
              AND m.state IN ('ready', 'sending', 'in_doubt', 'accepted')) AS leaving \
             FROM notice n WHERE n.guardian_id IS NOT NULL AND n.state IN {OPEN} AND n.fact IN"
        );
        let mut open: BTreeMap<Fact, Vec<OpenNotice>> = BTreeMap::new();
        for row in &self.by_facts(&sql, facts).await? {
            let stage = match (text(row, "state")?.as_str(), some_int(row, "leaving")?) {
                ("in_message", Some(1)) => Stage::Leaving,
                ("in_message", _) => Stage::Composed,
                _ => Stage::Open,
            };
            open.entry(parsed(row, "fact")?)
                .or_default()
                .push(OpenNotice {
                    id: int(row, "id")?,
                    guardian_id: int(row, "guardian_id")?,
                    basis: basis(row)?,
                    perhaps: perhaps(row)?,
                    stage,
                });
        }
        Ok(open)
    }

    /// Runs `sql IN (facts)` in batches that both databases take.
    async fn by_facts(
        &mut self,
        sql: &str,
        facts: impl Iterator<Item = &Fact>,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let keys: Vec<String> = facts.map(ToString::to_string).collect();
        let mut rows = Vec::new();
        for batch in keys.chunks(500) {
            let sql = format!("{sql} ({})", placeholders(1, batch.len()));
            let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for key in batch {
                query = query.bind(key);
            }
            rows.extend(query.fetch_all(&mut *self.db).await?);
        }
        Ok(rows)
    }

    /// Notes that changes are planned, and what became of them.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn planned(
        &mut self,
        changes: &[i64],
        outcome: &Value,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE change SET planned_at = $1, seen_at = COALESCE(seen_at, $1), outcome = $2 \
             WHERE id IN ({})",
            ids(changes)
        )))
        .persistent(false)
        .bind(now)
        .bind(outcome.to_string())
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}

struct Enrolment {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    grade: i64,
    class_id: i64,
}

struct ClosedTerm {
    from: NaiveDate,
    to: NaiveDate,
    grades: (Option<i64>, Option<i64>),
}

impl ClosedTerm {
    fn covers(&self, day: NaiveDate, grade: Option<i64>) -> bool {
        let (first, last) = self.grades;
        let of_grade = |grade: i64| {
            first.is_none_or(|first| first <= grade) && last.is_none_or(|last| grade <= last)
        };
        (self.from..=self.to).contains(&day) && grade.is_none_or(of_grade)
    }
}

impl Enrolment {
    fn covers(&self, day: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day <= to)
    }
}

fn change(row: &AnyRow) -> Result<Change, StoreError> {
    let json = |column: &'static str| -> Result<Value, StoreError> {
        match some_text(row, column)? {
            Some(text) => serde_json::from_str(&text).map_err(|_| StoreError::Content("change")),
            None => Ok(Value::Null),
        }
    };
    Ok(Change {
        id: int(row, "id")?,
        entity: text(row, "entity")?,
        entity_id: int(row, "entity_id")?,
        old: json("old")?,
        new: json("new")?,
        import_id: some_int(row, "import_id")?,
    })
}
