//! What a class's sheets are made of: its week, the notices that wait for paper, and the homes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use sqlx::{Row, any::AnyRow};

use super::{
    StoreError,
    calendar::first_of_september,
    due::{EARLIER, PERHAPS},
    lane::Tx,
    press::class_name,
    rows::{ids, int, parsed, some_int, some_text, text},
};
use crate::{
    compose::{Due, item},
    family::contact::Channel,
    instant::Millis,
    journal::{
        cell::News,
        entry::{self, Audience},
        fact::Fact,
    },
    paper::content::{Attendance, ClassWeek, Lesson, Mark, StudentWeek},
    text::School,
    week::Week,
};

/// How many days after the week its sheet looks ahead: to the end of the next one.
const AHEAD: u64 = 7;

impl Tx {
    /// A class's week with its students, in the order of the register, told from the week `from` on. Days from
    /// `today` on lie ahead.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn class_week(
        &mut self,
        class_id: i64,
        (from, week): (Week, Week),
        today: NaiveDate,
        now: Millis,
    ) -> Result<Option<(ClassWeek, Vec<StudentWeek>)>, StoreError> {
        let class = sqlx::query(
            "SELECT c.grade, c.letter, t.surname, t.given_name, t.patronymic, s.name, s.short_name, \
             s.phone, s.director, y.starts_on FROM class c JOIN school s ON s.id = c.school_id \
             LEFT JOIN staff t ON t.id = c.class_teacher_id \
             LEFT JOIN school_year y ON y.id = c.year_id WHERE c.id = $1",
        )
        .bind(class_id)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = class else { return Ok(None) };
        let mut students = self.students_of(class_id, today).await?;
        let mut class = class_row(&row, (from, week))?;
        class.lessons = self.lessons_of(class_id, &students, &class).await?;
        self.marks(&class, &mut students).await?;
        self.attendance(&class, &mut students).await?;
        self.ahead(class_id, week, &mut students, today, now)
            .await?;
        let subjects: BTreeSet<i64> = class
            .lessons
            .iter()
            .map(|lesson| lesson.subject_id)
            .chain(
                students
                    .iter()
                    .flat_map(|one| one.marks.iter().map(|mark| mark.subject_id)),
            )
            .collect();
        let sql = format!(
            "SELECT id, name, position FROM subject WHERE id IN ({})",
            ids(&subjects)
        );
        for row in &self.all(sql).await? {
            let position = some_int(row, "position")?.unwrap_or(i64::MAX);
            class
                .subjects
                .insert(int(row, "id")?, (position, text(row, "name")?));
        }
        Ok(Some((class, students)))
    }

    /// The class of a student on this day.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn class_of(
        &mut self,
        student_id: i64,
        today: NaiveDate,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT MAX(class_id) AS class_id FROM enrolment WHERE student_id = $1 \
             AND (from_on IS NULL OR from_on <= $2) AND (to_on IS NULL OR to_on >= $2)",
        )
        .bind(student_id)
        .bind(today.to_string())
        .fetch_one(&mut *self.db)
        .await?;
        some_int(&row, "class_id")
    }

    async fn students_of(
        &mut self,
        class_id: i64,
        today: NaiveDate,
    ) -> Result<Vec<StudentWeek>, StoreError> {
        let sql = format!(
            "SELECT s.id, s.surname, s.given_name, e.number FROM enrolment e \
             JOIN student s ON s.id = e.student_id WHERE e.class_id = {class_id} \
             AND (e.from_on IS NULL OR e.from_on <= '{today}') \
             AND (e.to_on IS NULL OR e.to_on >= '{today}') \
             ORDER BY e.number, s.surname, s.given_name, s.id"
        );
        let mut students = Vec::new();
        for row in &self.all(sql).await? {
            students.push(StudentWeek {
                id: int(row, "id")?,
                name: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                number: some_int(row, "number")?,
                ..StudentWeek::default()
            });
        }
        let sql = format!(
            "SELECT student_id, subgroup_id FROM subgroup_member WHERE student_id IN ({}) \
             AND (from_on IS NULL OR from_on <= '{today}') AND (to_on IS NULL OR to_on >= '{today}')",
            ids(students.iter().map(|one| &one.id))
        );
        for row in &self.all(sql).await? {
            let student = int(row, "student_id")?;
            if let Some(one) = students.iter_mut().find(|one| one.id == student) {
                one.subgroups.insert(int(row, "subgroup_id")?);
            }
        }
        Ok(students)
    }

    async fn lessons_of(
        &mut self,
        class_id: i64,
        students: &[StudentWeek],
        class: &ClassWeek,
    ) -> Result<Vec<Lesson>, StoreError> {
        let subgroups: BTreeSet<i64> = students
            .iter()
            .flat_map(|one| one.subgroups.iter().copied())
            .collect();
        let sql = format!(
            "SELECT id, subject_id, subgroup_id, date, number, state FROM lesson \
             WHERE subject_id IS NOT NULL AND date BETWEEN '{}' AND '{}' \
             AND state IN ('planned', 'held') AND (class_id = {class_id} OR subgroup_id IN ({})) \
             ORDER BY date, number, id",
            class.from.monday(),
            class.week.sunday(),
            ids(&subgroups)
        );
        self.all(sql)
            .await?
            .iter()
            .map(|row| {
                Ok(Lesson {
                    id: int(row, "id")?,
                    subject_id: int(row, "subject_id")?,
                    subgroup_id: some_int(row, "subgroup_id")?,
                    date: parsed(row, "date")?,
                    number: some_int(row, "number")?,
                    held: text(row, "state")? == "held",
                })
            })
            .collect()
    }

    /// The marks from the beginning of the class's term, or else of the year, to the week's end.
    async fn marks(
        &mut self,
        class: &ClassWeek,
        students: &mut [StudentWeek],
    ) -> Result<(), StoreError> {
        let sunday = class.week.sunday();
        let term = sqlx::query(
            "SELECT MAX(starts_on) AS starts_on FROM term WHERE kind <> 'year' \
             AND starts_on <= $1 AND ends_on >= $2 \
             AND (grade_from IS NULL OR grade_from <= $3) AND (grade_to IS NULL OR grade_to >= $3)",
        )
        .bind(sunday.to_string())
        .bind(class.week.monday().to_string())
        .bind(class.grade)
        .fetch_one(&mut *self.db)
        .await?;
        let from = some_text(&term, "starts_on")?
            .and_then(|day| day.parse().ok())
            .unwrap_or(class.year_from)
            .min(class.from.monday());
        let sql = format!(
            "SELECT student_id, subject_id, date, value, counts, counted_as, weight, work_kind \
             FROM mark WHERE student_id IN ({}) AND date BETWEEN '{from}' AND '{sunday}' \
             ORDER BY date, position, id",
            ids(students.iter().map(|one| &one.id))
        );
        for row in &self.all(sql).await? {
            let value = text(row, "value")?;
            let as_number = || value.trim_end_matches(['+', '-']).parse::<f64>().ok();
            let counted_as: Option<f64> = row.try_get("counted_as")?;
            let mark = Mark {
                subject_id: int(row, "subject_id")?,
                date: parsed(row, "date")?,
                counted: if int(row, "counts")? == 1 {
                    counted_as.or_else(as_number)
                } else {
                    None
                },
                weight: row.try_get("weight")?,
                work_kind: some_text(row, "work_kind")?,
                value,
            };
            let student = int(row, "student_id")?;
            if let Some(one) = students.iter_mut().find(|one| one.id == student) {
                one.marks.push(mark);
            }
        }
        Ok(())
    }

    async fn attendance(
        &mut self,
        class: &ClassWeek,
        students: &mut [StudentWeek],
    ) -> Result<(), StoreError> {
        let sql = format!(
            "SELECT student_id, date, number, lesson_id, code FROM attendance \
             WHERE student_id IN ({}) AND date BETWEEN '{}' AND '{}' AND code <> 'exempt' ORDER BY id",
            ids(students.iter().map(|one| &one.id)),
            class.from.monday(),
            class.week.sunday()
        );
        for row in &self.all(sql).await? {
            let one = Attendance {
                date: parsed(row, "date")?,
                number: int(row, "number")?,
                lesson_id: some_int(row, "lesson_id")?,
                late: text(row, "code")? == "late",
            };
            let student = int(row, "student_id")?;
            if let Some(of) = students.iter_mut().find(|of| of.id == student) {
                of.attendance.push(one);
            }
        }
        Ok(())
    }

    /// What lies ahead of each student: homework, tests, meetings and changes of the timetable.
    async fn ahead(
        &mut self,
        class_id: i64,
        week: Week,
        students: &mut [StudentWeek],
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let wanted: BTreeSet<i64> = students.iter().map(|one| one.id).collect();
        let tomorrow = today + Days::new(1);
        let (first, last) = (
            tomorrow.max(week.monday()),
            week.sunday() + Days::new(AHEAD),
        );
        let days = format!("BETWEEN '{first}' AND '{last}'");
        let of_class = format!("(class_id = {class_id} OR class_id IS NULL)");
        let mut facts = BTreeSet::new();
        for (entity, sql) in [
            (
                "homework",
                format!(
                    "SELECT * FROM homework WHERE {of_class} AND COALESCE(due_on, assigned_on) {days}"
                ),
            ),
            (
                "lesson",
                format!("SELECT * FROM lesson WHERE {of_class} AND date {days}"),
            ),
            (
                "test_plan",
                format!("SELECT * FROM test_plan WHERE {of_class} AND date {days}"),
            ),
            (
                "class_event",
                format!("SELECT * FROM class_event WHERE {of_class} AND date {days}"),
            ),
        ] {
            let mut readings = Vec::new();
            for row in &self.all(sql).await? {
                let reading = entry::read(entity, &super::journal::object(row)?, today, now);
                readings.extend(reading.filter(|one| one.entry.is_some() && !one.over));
            }
            let audiences: BTreeSet<Audience> = readings.iter().map(|one| one.audience).collect();
            let members = self.members(&audiences, today).await?;
            for reading in &readings {
                for student_id in members.get(&reading.audience).into_iter().flatten() {
                    if wanted.contains(student_id) {
                        facts.insert(Fact {
                            student_id: *student_id,
                            place: reading.place,
                        });
                    }
                }
            }
        }
        let contents = self.contents(&facts, today, now).await?;
        let names = self.names(&facts, today).await?;
        for (fact, content) in contents {
            let Some(student) = students.iter_mut().find(|one| one.id == fact.student_id) else {
                continue;
            };
            for entry in &content.entries {
                let news = News::Entered(entry.value.clone());
                let item = item(fact, &content, news, &names, Channel::Paper, today);
                if fact.place.entity() == "homework" {
                    student.homework.push(item);
                } else {
                    student.ahead.push(item);
                }
            }
        }
        for student in students {
            student
                .homework
                .sort_by(|a, b| (a.date, &a.subject).cmp(&(b.date, &b.subject)));
            student
                .ahead
                .sort_by_key(|one| (one.date, one.number, one.event));
        }
        Ok(())
    }

    /// The notices about these students that wait for the sheet.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn due_on_paper(
        &mut self,
        students: &[i64],
        today: NaiveDate,
        now: Millis,
    ) -> Result<Vec<Due>, StoreError> {
        let sql = format!(
            "SELECT n.id, n.guardian_id, n.fact, n.basis, n.basis_told, n.state, n.due_at, n.seen_at, n.hold_id, \
             {PERHAPS}, {EARLIER} WHERE n.state = 'waiting' AND n.waits_for = 'sheet' \
             AND n.guardian_id IS NOT NULL AND n.student_id IN ({}) ORDER BY n.id",
            ids(students)
        );
        let rows = self.all(sql).await?;
        self.dues(&rows, today, now).await
    }

    /// The names of guardians, and the home that each shares with others for a student:
    /// `(guardian_id, student_id)` to name and home.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn homes(
        &mut self,
        students: &[i64],
    ) -> Result<BTreeMap<(i64, i64), (String, Option<String>)>, StoreError> {
        let sql = format!(
            "SELECT t.guardian_id, t.student_id, t.home, g.surname, g.given_name, g.patronymic \
             FROM guardianship t JOIN guardian g ON g.id = t.guardian_id WHERE t.student_id IN ({})",
            ids(students)
        );
        let rows = self.all(sql).await?;
        rows.iter()
            .map(|row| {
                let key = (int(row, "guardian_id")?, int(row, "student_id")?);
                Ok((key, (person(row)?, some_text(row, "home")?)))
            })
            .collect()
    }
}

fn class_row(row: &AnyRow, (from, week): (Week, Week)) -> Result<ClassWeek, StoreError> {
    let name = text(row, "name")?;
    let first = some_text(row, "starts_on")?.and_then(|day| day.parse().ok());
    Ok(ClassWeek {
        school: School {
            short_name: some_text(row, "short_name")?.unwrap_or_else(|| name.clone()),
            phone: some_text(row, "phone")?,
            name,
        },
        class: class_name(row)?.to_string(),
        grade: int(row, "grade")?,
        class_teacher: match some_text(row, "surname")? {
            Some(_) => Some(person(row)?),
            None => None,
        },
        director: some_text(row, "director")?,
        from,
        week,
        year_from: first.unwrap_or_else(|| first_of_september(week.monday())),
        lessons: Vec::new(),
        subjects: BTreeMap::new(),
    })
}

/// «Соколова Ольга Викторовна»
fn person(row: &AnyRow) -> Result<String, StoreError> {
    let names = [
        some_text(row, "surname")?,
        some_text(row, "given_name")?,
        some_text(row, "patronymic")?,
    ];
    Ok(names.into_iter().flatten().collect::<Vec<_>>().join(" "))
}
