//! The school's year: its zone, when it teaches, and of whom something was said in a week.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    lane::Tx,
    notices::OPEN,
    rows::{ids, int, parsed, some_int, text},
};
use crate::{
    instant::Millis,
    journal::{
        calendar::{Calendar, Day, Grades, Span},
        class_name::ClassName,
    },
    ledger::{Pupil, SchoolWeek},
    week::Week,
    zone,
};

impl Store {
    /// The classes that have holidays in the whole of this week.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn classes_in_holidays(&self, week: Week) -> Result<BTreeSet<i64>, StoreError> {
        let mut tx = self.snapshot().await?;
        let classes = tx.classes_in_holidays(week).await?;
        tx.commit().await?;
        Ok(classes)
    }
}

impl Tx {
    /// The classes that have holidays in the whole of this week: the school has written so, and no
    /// lesson is planned.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn classes_in_holidays(&mut self, week: Week) -> Result<BTreeSet<i64>, StoreError> {
        let calendar = self.calendar().await?;
        let idle = format!(
            "SELECT c.id, c.grade FROM class c WHERE NOT EXISTS (SELECT 1 FROM lesson l \
             WHERE l.class_id = c.id AND l.state IN ('planned', 'held') \
             AND l.date BETWEEN '{}' AND '{}')",
            week.monday(),
            week.sunday()
        );
        let mut classes = BTreeSet::new();
        for row in &self.all(idle).await? {
            if calendar.rests_in(some_int(row, "grade")?, week) {
                classes.insert(int(row, "id")?);
            }
        }
        Ok(classes)
    }

    /// The zone of the school's row; Moscow's where there is none yet.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a zone that is none.
    pub async fn zone(&mut self) -> Result<Tz, StoreError> {
        let row = sqlx::query("SELECT timezone FROM school ORDER BY id LIMIT 1")
            .fetch_optional(&mut *self.db)
            .await?;
        row.map_or(Ok(Tz::Europe__Moscow), |row| parsed(&row, "timezone"))
    }

    /// The day on which the school year began that a day belongs to, where the school has written it down.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn year_from(&mut self, day: NaiveDate) -> Result<Option<NaiveDate>, StoreError> {
        let row = sqlx::query(
            "SELECT starts_on FROM school_year WHERE starts_on <= $1 AND ends_on >= $1 \
             ORDER BY starts_on DESC LIMIT 1",
        )
        .bind(day.to_string())
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| parsed(&row, "starts_on")).transpose()
    }

    /// When the school teaches.
    async fn calendar(&mut self) -> Result<Calendar, StoreError> {
        let grades = |row: &AnyRow| -> Result<Grades, StoreError> {
            Ok(Grades {
                from: some_int(row, "grade_from")?,
                to: some_int(row, "grade_to")?,
            })
        };
        let mut calendar = Calendar::default();
        let days = "SELECT date, grade_from, grade_to, kind FROM calendar_day ORDER BY id";
        for row in &self.all(days.to_owned()).await? {
            calendar.days.push(Day {
                date: parsed(row, "date")?,
                grades: grades(row)?,
                school: matches!(text(row, "kind")?.as_str(), "study" | "short"),
            });
        }
        let terms = "SELECT kind, starts_on, ends_on, grade_from, grade_to FROM term \
                     UNION ALL SELECT 'year', starts_on, ends_on, NULL, NULL FROM school_year";
        for row in &self.all(terms.to_owned()).await? {
            let span = Span {
                from: parsed(row, "starts_on")?,
                to: parsed(row, "ends_on")?,
                grades: grades(row)?,
            };
            match text(row, "kind")?.as_str() {
                "year" => calendar.years.push(span),
                _ => calendar.terms.push(span),
            }
        }
        Ok(calendar)
    }

    /// The students who attend in a week, of one class or of all. A school that keeps no enrolments still
    /// has students.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn pupils(
        &mut self,
        from: NaiveDate,
        to: NaiveDate,
        class: Option<&ClassName>,
    ) -> Result<Vec<Pupil>, StoreError> {
        let sql = format!(
            "SELECT s.id, s.surname, s.given_name, c.id AS class_id, c.grade, c.letter FROM student s \
             LEFT JOIN enrolment e ON e.student_id = s.id \
             AND (e.from_on IS NULL OR e.from_on <= '{to}') AND (e.to_on IS NULL OR e.to_on >= '{from}') \
             LEFT JOIN class c ON c.id = e.class_id WHERE e.id IS NOT NULL \
             OR NOT EXISTS (SELECT 1 FROM enrolment o WHERE o.student_id = s.id) \
             ORDER BY s.id, e.id"
        );
        let mut pupils: Vec<Pupil> = Vec::new();
        for row in &self.all(sql).await? {
            let pupil = Pupil {
                id: int(row, "id")?,
                name: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                class: match some_int(row, "class_id")? {
                    Some(id) => Some((id, super::press::class_name(row)?)),
                    None => None,
                },
            };
            // Who moved in the middle of the week belongs to the newer class.
            pupils.retain(|earlier| earlier.id != pupil.id);
            pupils.push(pupil);
        }
        if let Some(wanted) = class {
            pupils.retain(|one| one.class.as_ref().is_some_and(|(_, name)| name == wanted));
        }
        Ok(pupils)
    }

    /// What decides whether a week was silent for these students.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn school_week(
        &mut self,
        pupils: &[Pupil],
        week: Week,
        zone: Tz,
    ) -> Result<SchoolWeek, StoreError> {
        let students: Vec<i64> = pupils.iter().map(|pupil| pupil.id).collect();
        let lessons = "SELECT DISTINCT COALESCE(l.class_id, g.class_id) AS id FROM lesson l \
                       LEFT JOIN subgroup g ON g.id = l.subgroup_id \
                       WHERE COALESCE(l.class_id, g.class_id) IS NOT NULL";
        let in_week = format!(
            "{lessons} AND l.state IN ('planned', 'held') AND l.date BETWEEN '{}' AND '{}'",
            week.monday(),
            week.sunday()
        );
        let (from, to) = bounds(week, zone);
        let known = format!(
            "SELECT s.id FROM student s WHERE s.id IN ({}) AND (\
             EXISTS (SELECT 1 FROM notice n WHERE n.student_id = s.id AND n.seen_at < {to}) \
             OR EXISTS (SELECT 1 FROM mark m WHERE m.student_id = s.id) \
             OR EXISTS (SELECT 1 FROM attendance a WHERE a.student_id = s.id))",
            ids(&students)
        );
        let first = "SELECT MIN(at) AS at FROM (SELECT MIN(taken_at) AS at FROM baseline \
                     UNION ALL SELECT MIN(seen_at) FROM notice) firsts";
        let first = sqlx::query(first).fetch_one(&mut *self.db).await?;
        Ok(SchoolWeek {
            week,
            calendar: self.calendar().await?,
            timetabled: self.set(lessons.to_owned()).await?,
            with_lessons: self.set(in_week).await?,
            begun: some_int(&first, "at")?.is_some_and(|first| first < from),
            known: self.set(known).await?,
            spoken_of: self.spoken_of(&students, week, zone).await?,
        })
    }

    /// The students of whom something was said in a week, or is about to be. What is said of the service
    /// itself does not count.
    pub(super) async fn spoken_of(
        &mut self,
        students: &[i64],
        week: Week,
        zone: Tz,
    ) -> Result<BTreeSet<i64>, StoreError> {
        let (from, to) = bounds(week, zone);
        self.set(format!(
            "SELECT DISTINCT student_id AS id FROM notice WHERE student_id IN ({}) \
             AND event <> 'service' AND state <> 'closed' AND seen_at < {to} AND (seen_at >= {from} \
             OR (state IN {OPEN} AND COALESCE(waits_for, '') <> 'sheet') \
             OR (state = 'informed' AND state_at >= {from}))",
            ids(students)
        ))
        .await
    }

    async fn set(&mut self, sql: String) -> Result<BTreeSet<i64>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(sql))
            .persistent(false)
            .fetch_all(&mut *self.db)
            .await?;
        rows.iter().map(|row| int(row, "id")).collect()
    }
}

/// The instants at which a week begins and ends.
fn bounds(week: Week, zone: Tz) -> (Millis, Millis) {
    let at = |day: NaiveDate| zone::instant(day.into(), zone);
    (at(week.monday()), at(week.monday() + Days::new(7)))
}

/// When a school year began that nobody has written down.
pub(super) fn first_of_september(day: NaiveDate) -> NaiveDate {
    let year = if day.month() >= 9 {
        day.year()
    } else {
        day.year() - 1
    };
    NaiveDate::from_ymd_opt(year, 9, 1).unwrap_or(day)
}
