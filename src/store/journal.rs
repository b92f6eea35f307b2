//! Reads the journal: what stands in the places that facts name, whom it concerns, and what the
//! places are called.

use std::collections::{BTreeMap, BTreeSet, btree_map};

use chrono::NaiveDate;
use serde_json::{Map, Value};
use sqlx::{
    AssertSqlSafe, Column, Row, ValueRef,
    any::{AnyRow, AnyTypeInfoKind},
};

use super::{
    StoreError,
    lane::Tx,
    rows::{ids, int, parsed, some_int, some_text, text},
};
use crate::{
    instant::Millis,
    journal::{
        entry::{self, About, Audience, Content, Entry, Reading},
        fact::{Fact, Place},
    },
    week::Week,
};

/// Who belongs to each audience today.
pub type Members = BTreeMap<Audience, Vec<i64>>;

impl Tx {
    /// What stands in the places of these facts. A fact of which nothing stands there is absent.
    pub(super) async fn contents(
        &mut self,
        facts: &BTreeSet<Fact>,
        today: NaiveDate,
        now: Millis,
    ) -> Result<BTreeMap<Fact, Content>, StoreError> {
        let mut readings: Vec<Reading> = Vec::new();
        for entity in entry::TOLD {
            let of_entity: Vec<&Fact> = facts
                .iter()
                .filter(|fact| fact.place.entity() == entity)
                .collect();
            for row in self.rows_of(entity, &of_entity).await? {
                let reading = entry::read(entity, &object(&row)?, today, now);
                readings.extend(reading.map(|one| one.telling(self.remarks)));
            }
        }
        let mut contents = self.said_by_the_service(facts).await?;
        let audiences = readings.iter().map(|reading| reading.audience).collect();
        let members = self.members(&audiences, today).await?;
        for reading in &readings {
            for student_id in members.get(&reading.audience).into_iter().flatten() {
                let fact = Fact {
                    student_id: *student_id,
                    place: reading.place,
                };
                if facts.contains(&fact) {
                    contents.entry(fact).or_default().add(reading);
                }
            }
        }
        // A row that stands has gone for nobody: for whoever has left its class it has lost its meaning.
        let standing = readings.iter().filter(|one| one.entry.is_some());
        let standing: BTreeSet<Place> = standing.map(|one| one.place).collect();
        let places = facts.iter().filter(|fact| fact.place.is_row());
        for fact in places.filter(|fact| standing.contains(&fact.place)) {
            let over = Content {
                over: true,
                ..Content::default()
            };
            contents.entry(*fact).or_insert(over);
        }
        Ok(contents)
    }

    /// What the school says about the service itself, of the facts that have no row.
    async fn said_by_the_service(
        &mut self,
        facts: &BTreeSet<Fact>,
    ) -> Result<BTreeMap<Fact, Content>, StoreError> {
        let mut contents = BTreeMap::new();
        let mut spoken: BTreeMap<NaiveDate, BTreeSet<i64>> = BTreeMap::new();
        for fact in facts {
            let word = |value| Entry {
                value,
                ..Entry::default()
            };
            let entry = match fact.place {
                Place::Silence { monday } => {
                    if let btree_map::Entry::Vacant(week) = spoken.entry(monday) {
                        let students: Vec<i64> = facts.iter().map(|fact| fact.student_id).collect();
                        let zone = self.zone().await?;
                        let of = self.spoken_of(&students, Week::of(monday), zone).await?;
                        week.insert(of);
                    }
                    let silent = !spoken[&monday].contains(&fact.student_id);
                    silent.then(|| word(format!("nothing:{monday}")))
                }
                Place::Summary(hold) => self.summary(fact.student_id, hold).await?.map(word),
                Place::Notice(_) => Some(word("voluntary".to_owned())),
                Place::Outlook(term) => self.outlook(fact.student_id, term).await?,
                _ => continue,
            };
            let content = Content {
                entries: entry.into_iter().collect(),
                ..Content::default()
            };
            contents.insert(*fact, content);
        }
        Ok(contents)
    }

    /// How much of a student a hold summed up, and of which days.
    async fn summary(&mut self, student_id: i64, hold: i64) -> Result<Option<String>, StoreError> {
        let rows = sqlx::query(
            "SELECT DISTINCT fact FROM notice WHERE hold_id = $1 AND student_id = $2 \
             AND state = 'merged'",
        )
        .bind(hold)
        .bind(student_id)
        .fetch_all(&mut *self.db)
        .await?;
        let facts = rows
            .iter()
            .map(|row| parsed(row, "fact"))
            .collect::<Result<Vec<Fact>, _>>()?;
        let days = || facts.iter().filter_map(|fact| fact.place.date());
        let (Some(first), Some(last)) = (days().min(), days().max()) else {
            return Ok(None);
        };
        Ok(Some(format!("summary:{}:{first}:{last}", facts.len())))
    }

    /// The rows of one table that may stand in the places of these facts.
    async fn rows_of(&mut self, entity: &str, facts: &[&Fact]) -> Result<Vec<AnyRow>, StoreError> {
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        let places = || facts.iter().map(|fact| fact.place);
        let students = ids(&facts
            .iter()
            .map(|fact| fact.student_id)
            .collect::<BTreeSet<_>>());
        let subjects = ids(&places()
            .filter_map(Place::subject_id)
            .collect::<BTreeSet<_>>());
        let days: BTreeSet<String> = places()
            .filter_map(Place::date)
            .map(|date| format!("'{date}'"))
            .collect();
        let days = days.into_iter().collect::<Vec<_>>().join(",");
        let rows: BTreeSet<i64> = places().filter_map(row_id).collect();
        let rows = ids(&rows);
        let sql = match entity {
            "mark" => format!(
                "SELECT * FROM mark WHERE student_id IN ({students}) AND date IN ({days}) \
                 ORDER BY position, id"
            ),
            "attendance" => format!(
                "SELECT a.*, CASE WHEN EXISTS (SELECT 1 FROM enrolment e JOIN class c \
                 ON c.id = e.class_id WHERE e.student_id = a.student_id \
                 AND c.class_teacher_id = a.entered_by AND (e.from_on IS NULL OR e.from_on <= a.date) \
                 AND (e.to_on IS NULL OR e.to_on >= a.date)) THEN 1 ELSE 0 END AS by_class_teacher \
                 FROM attendance a WHERE a.student_id IN ({students}) AND a.date IN ({days}) \
                 ORDER BY a.id"
            ),
            "remark" => format!(
                "SELECT * FROM remark WHERE student_id IN ({students}) AND date IN ({days}) \
                 ORDER BY id"
            ),
            "homework" => format!(
                "SELECT * FROM homework WHERE subject_id IN ({subjects}) \
                 AND COALESCE(due_on, assigned_on) IN ({days}) ORDER BY id"
            ),
            "term_result" => format!(
                "SELECT * FROM term_result WHERE student_id IN ({students}) \
                 AND term_id IN ({rows}) ORDER BY id"
            ),
            "lesson" => format!(
                "SELECT l.*, s.surname || ' ' || s.given_name || COALESCE(' ' || s.patronymic, '') \
                 AS substitute FROM lesson l LEFT JOIN staff s ON s.id = l.substitute_id \
                 WHERE l.id IN ({rows}) ORDER BY l.id"
            ),
            "test_plan" => format!(
                "SELECT * FROM test_plan WHERE subject_id IN ({subjects}) AND date IN ({days}) \
                 ORDER BY id"
            ),
            "announcement" => format!(
                "SELECT a.*, (SELECT string_agg(f.name, ', ') FROM attachment f \
                 WHERE f.announcement_id = a.id) AS files FROM announcement a \
                 WHERE a.id IN ({rows}) ORDER BY a.id"
            ),
            _ => format!("SELECT * FROM {entity} WHERE id IN ({rows}) ORDER BY id"),
        };
        Ok(sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(&mut *self.db)
            .await?)
    }

    /// Who belongs to these audiences today.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn members(
        &mut self,
        audiences: &BTreeSet<Audience>,
        today: NaiveDate,
    ) -> Result<Members, StoreError> {
        let mut members = Members::new();
        // Which audiences an announcement lists; one that lists none speaks to its class or to the school.
        let mut listed: BTreeMap<i64, BTreeSet<Audience>> = BTreeMap::new();
        let announcements: BTreeMap<i64, Option<i64>> = audiences
            .iter()
            .filter_map(|audience| match audience {
                Audience::Listed(id, class) => Some((*id, *class)),
                _ => None,
            })
            .collect();
        if !announcements.is_empty() {
            let sql = format!(
                "SELECT announcement_id, class_id, subgroup_id, student_id \
                 FROM announcement_audience WHERE announcement_id IN ({})",
                ids(announcements.keys())
            );
            for row in &self.all(sql).await? {
                let listed = listed.entry(int(row, "announcement_id")?).or_default();
                listed.extend(some_int(row, "class_id")?.map(Audience::Class));
                listed.extend(some_int(row, "subgroup_id")?.map(Audience::Subgroup));
                listed.extend(some_int(row, "student_id")?.map(Audience::Student));
            }
            for (id, class) in &announcements {
                let all = class.map_or(Audience::School, Audience::Class);
                listed.entry(*id).or_insert_with(|| BTreeSet::from([all]));
            }
        }
        let plain: BTreeSet<Audience> = audiences
            .iter()
            .chain(listed.values().flatten())
            .copied()
            .collect();
        self.plain_members(&plain, today, &mut members).await?;
        for (id, audiences) in listed {
            let students: BTreeSet<i64> = audiences
                .iter()
                .filter_map(|audience| members.get(audience))
                .flatten()
                .copied()
                .collect();
            let class = announcements.get(&id).copied().flatten();
            members.insert(Audience::Listed(id, class), students.into_iter().collect());
        }
        Ok(members)
    }

    async fn plain_members(
        &mut self,
        audiences: &BTreeSet<Audience>,
        today: NaiveDate,
        members: &mut Members,
    ) -> Result<(), StoreError> {
        let mut classes = BTreeSet::new();
        let mut subgroups = BTreeSet::new();
        for audience in audiences {
            match audience {
                Audience::Student(id) => {
                    members.insert(*audience, vec![*id]);
                }
                Audience::Class(id) => {
                    classes.insert(*id);
                }
                Audience::Subgroup(id) => {
                    subgroups.insert(*id);
                }
                Audience::Listed(..) | Audience::School => {}
            }
        }
        let current = format!(
            "(from_on IS NULL OR from_on <= '{today}') AND (to_on IS NULL OR to_on >= '{today}')"
        );
        if !classes.is_empty() {
            let sql = format!(
                "SELECT class_id, student_id FROM enrolment WHERE class_id IN ({}) AND {current} \
                 ORDER BY id",
                ids(&classes)
            );
            for row in &self.all(sql).await? {
                let class = Audience::Class(int(row, "class_id")?);
                members
                    .entry(class)
                    .or_default()
                    .push(int(row, "student_id")?);
            }
        }
        if !subgroups.is_empty() {
            let sql = format!(
                "SELECT subgroup_id, student_id FROM subgroup_member WHERE subgroup_id IN ({}) \
                 AND {current} ORDER BY id",
                ids(&subgroups)
            );
            for row in &self.all(sql).await? {
                let subgroup = Audience::Subgroup(int(row, "subgroup_id")?);
                members
                    .entry(subgroup)
                    .or_default()
                    .push(int(row, "student_id")?);
            }
        }
        if audiences.contains(&Audience::School) {
            // A school that keeps no enrolments still has students.
            let sql = format!(
                "SELECT s.id FROM student s WHERE EXISTS (SELECT 1 FROM enrolment \
                 WHERE student_id = s.id AND {current}) \
                 OR NOT EXISTS (SELECT 1 FROM enrolment WHERE student_id = s.id) ORDER BY s.id"
            );
            let rows = self.all(sql).await?;
            let students: Result<Vec<_>, _> = rows.iter().map(|row| int(row, "id")).collect();
            members.insert(Audience::School, students?);
        }
        Ok(())
    }

    /// What the places of these facts are called.
    pub(super) async fn about(
        &mut self,
        facts: &BTreeSet<Fact>,
        today: NaiveDate,
    ) -> Result<BTreeMap<Fact, About>, StoreError> {
        let places: Vec<Place> = facts.iter().map(|fact| fact.place).collect();
        let lessons = self.lessons(&places).await?;
        let timetable = self.timetable(facts, today).await?;
        let mut subjects: BTreeSet<i64> = places
            .iter()
            .filter_map(|place| place.subject_id())
            .collect();
        subjects.extend(lessons.values().filter_map(|lesson| lesson.subject_id));
        subjects.extend(timetable.values().flatten());
        let subjects = self.subjects(&subjects).await?;
        let terms = self.terms(&places).await?;
        let titles = self.titles(&places).await?;
        let event_days = self.event_days(&places).await?;
        let named = |fact: &Fact| {
            let lesson = fact.place.lesson_id().and_then(|id| lessons.get(&id));
            let mut about = About {
                date: fact.place.date().or(lesson.map(|lesson| lesson.date)),
                number: lesson.and_then(|lesson| lesson.number),
                ..About::default()
            };
            let mut subject = fact
                .place
                .subject_id()
                .or(lesson.and_then(|one| one.subject_id));
            match fact.place {
                Place::Attendance { date, number } => {
                    about.number = Some(number);
                    subject = timetable
                        .get(&(fact.student_id, date, number))
                        .copied()
                        .flatten();
                }
                Place::TermResult { term_id, .. } | Place::Outlook(term_id) => {
                    about.term = terms.get(&term_id).cloned();
                }
                Place::Announcement(id) => about.title = titles.get(&id).cloned(),
                Place::ClassEvent(id) => about.date = event_days.get(&id).copied(),
                _ => {}
            }
            about.subject = subject.and_then(|id| subjects.get(&id)).cloned();
            about
        };
        Ok(facts.iter().map(|fact| (*fact, named(fact))).collect())
    }

    async fn lessons(&mut self, places: &[Place]) -> Result<BTreeMap<i64, Lesson>, StoreError> {
        let wanted: BTreeSet<i64> = places.iter().filter_map(|one| one.lesson_id()).collect();
        let sql = format!(
            "SELECT id, subject_id, date, number FROM lesson WHERE id IN ({})",
            ids(&wanted)
        );
        let mut lessons = BTreeMap::new();
        for row in &self.all_of(&wanted, sql).await? {
            let lesson = Lesson {
                subject_id: some_int(row, "subject_id")?,
                date: parsed(row, "date")?,
                number: some_int(row, "number")?,
            };
            lessons.insert(int(row, "id")?, lesson);
        }
        Ok(lessons)
    }

    /// The subject of each lesson that attendance speaks of, by the timetable and by the lesson it
    /// names. None where the timetable has two subgroups at that hour.
    async fn timetable(
        &mut self,
        facts: &BTreeSet<Fact>,
        today: NaiveDate,
    ) -> Result<BTreeMap<(i64, NaiveDate, i64), Option<i64>>, StoreError> {
        let mut students = BTreeSet::new();
        let mut days = BTreeSet::new();
        for fact in facts {
            if let Place::Attendance { date, number } = fact.place
                && number > 0
            {
                students.insert(fact.student_id);
                days.insert(format!("'{date}'"));
            }
        }
        let wanted = students;
        let (students, days) = (ids(&wanted), days.into_iter().collect::<Vec<_>>().join(","));
        let sql = format!(
            "SELECT DISTINCT e.student_id, l.date, l.number, l.subject_id FROM lesson l \
             JOIN enrolment e ON e.class_id = l.class_id WHERE l.number IS NOT NULL \
             AND l.subject_id IS NOT NULL AND e.student_id IN ({students}) AND l.date IN ({days}) \
             AND (e.from_on IS NULL OR e.from_on <= '{today}') \
             AND (e.to_on IS NULL OR e.to_on >= '{today}') \
             UNION SELECT a.student_id, a.date, a.number, l.subject_id FROM attendance a \
             JOIN lesson l ON l.id = a.lesson_id WHERE l.subject_id IS NOT NULL \
             AND a.student_id IN ({students}) AND a.date IN ({days})"
        );
        let mut timetable: BTreeMap<_, Option<i64>> = BTreeMap::new();
        for row in &self.all_of(&wanted, sql).await? {
            let place = (
                int(row, "student_id")?,
                parsed(row, "date")?,
                int(row, "number")?,
            );
            let subject = Some(int(row, "subject_id")?);
            timetable
                .entry(place)
                .and_modify(|several| *several = None)
                .or_insert(subject);
        }
        Ok(timetable)
    }

    async fn subjects(
        &mut self,
        subjects: &BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, (String, Option<String>)>, StoreError> {
        let sql = format!(
            "SELECT id, name, short_name FROM subject WHERE id IN ({})",
            ids(subjects)
        );
        let rows = self.all_of(subjects, sql).await?;
        rows.iter()
            .map(|row| {
                let both = (text(row, "name")?, some_text(row, "short_name")?);
                Ok((int(row, "id")?, both))
            })
            .collect()
    }

    async fn terms(
        &mut self,
        places: &[Place],
    ) -> Result<BTreeMap<i64, (String, i64)>, StoreError> {
        let wanted = matching(places, |place| match place {
            Place::TermResult { term_id, .. } | Place::Outlook(term_id) => Some(term_id),
            _ => None,
        });
        let sql = format!(
            "SELECT id, kind, number FROM term WHERE id IN ({})",
            ids(&wanted)
        );
        let rows = self.all_of(&wanted, sql).await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, (text(row, "kind")?, int(row, "number")?))))
            .collect()
    }

    async fn titles(&mut self, places: &[Place]) -> Result<BTreeMap<i64, String>, StoreError> {
        let wanted = matching(places, |place| match place {
            Place::Announcement(id) => Some(id),
            _ => None,
        });
        let sql = format!(
            "SELECT id, title FROM announcement WHERE title IS NOT NULL AND id IN ({})",
            ids(&wanted)
        );
        let rows = self.all_of(&wanted, sql).await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, text(row, "title")?)))
            .collect()
    }

    async fn event_days(
        &mut self,
        places: &[Place],
    ) -> Result<BTreeMap<i64, NaiveDate>, StoreError> {
        let wanted = matching(places, |place| match place {
            Place::ClassEvent(id) => Some(id),
            _ => None,
        });
        let sql = format!(
            "SELECT id, date FROM class_event WHERE id IN ({})",
            ids(&wanted)
        );
        let rows = self.all_of(&wanted, sql).await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, parsed(row, "date")?)))
            .collect()
    }

    /// As [`Tx::all`], without asking where nothing is wanted.
    async fn all_of(
        &mut self,
        wanted: &BTreeSet<i64>,
        sql: String,
    ) -> Result<Vec<AnyRow>, StoreError> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        self.all(sql).await
    }

    pub(super) async fn all(&mut self, sql: String) -> Result<Vec<AnyRow>, StoreError> {
        Ok(sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(&mut *self.db)
            .await?)
    }
}

struct Lesson {
    subject_id: Option<i64>,
    date: NaiveDate,
    number: Option<i64>,
}

/// The row, or the term, that a place names by its id.
fn row_id(place: Place) -> Option<i64> {
    match place {
        Place::TermResult { term_id, .. } => Some(term_id),
        Place::Announcement(id) | Place::Lesson(id) | Place::ClassEvent(id) => Some(id),
        _ => None,
    }
}

fn matching(places: &[Place], id: impl Fn(Place) -> Option<i64>) -> BTreeSet<i64> {
    places.iter().copied().filter_map(id).collect()
}

/// A row as the log of changes writes it: an object of its columns.
pub(super) fn object(row: &AnyRow) -> Result<Value, StoreError> {
    let mut object = Map::new();
    for column in row.columns() {
        let at = column.ordinal();
        let raw = row.try_get_raw(at)?;
        let value = if raw.is_null() {
            Value::Null
        } else {
            match raw.type_info().kind() {
                AnyTypeInfoKind::SmallInt | AnyTypeInfoKind::Integer | AnyTypeInfoKind::BigInt => {
                    Value::from(row.try_get::<i64, _>(at)?)
                }
                AnyTypeInfoKind::Real | AnyTypeInfoKind::Double => {
                    Value::from(row.try_get::<f64, _>(at)?)
                }
                AnyTypeInfoKind::Text => Value::from(row.try_get::<String, _>(at)?),
                _ => return Err(StoreError::Content("a column of the journal")),
            }
        };
        object.insert(column.name().to_owned(), value);
    }
    Ok(Value::Object(object))
}
