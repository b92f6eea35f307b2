//! What staff have to know of their classes: who changes class, which family on paper had none, and what the
//! journal lacks when its time is over.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime};
use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    calendar::first_of_september,
    lane::Tx,
    rows::{int, parsed, some_int, some_text, text},
    staff::TEACHERS,
};
use crate::{
    entries::homework_due,
    family::contact::Channel,
    instant::{DAY, Millis},
    journal::{
        class_name::ClassName,
        fact::{Fact, Place},
    },
    paper::alarm::{Served, without_paper},
    policy::HomeworkEntry,
    text::{Matter, StaffNews},
};

/// How long a gap that is older than its time is still worth a word: longer than a daemon is off, and shorter
/// than what a school has from before it had vestnik.
const NEWS: u64 = 7;

/// How long ago a class must have had homework for a lesson without any to be a gap: there are classes, and
/// schools, that write none down.
const IN_USE: u64 = 60;

/// A lesson `l` of the class `c` after which homework is due and is not in the journal.
const WITHOUT_HOMEWORK: &str = "l.state IN ('planned', 'held') AND c.grade > 1 AND s.graded = 1 \
     AND NOT EXISTS (SELECT 1 FROM homework h WHERE h.subject_id = l.subject_id \
         AND (h.class_id = c.id OR h.subgroup_id = l.subgroup_id OR h.student_id IN \
             (SELECT e.student_id FROM enrolment e WHERE e.class_id = c.id)) \
         AND (h.lesson_id = l.id OR h.assigned_on = l.date \
             OR (h.lesson_id IS NULL AND h.assigned_on IS NULL AND h.due_on > l.date)))";

/// A test `t` of the class `c` of which nobody has a mark.
const WITHOUT_MARKS: &str = "c.grade > 1 AND s.graded = 1 AND NOT EXISTS (SELECT 1 FROM mark m \
     JOIN enrolment e ON e.student_id = m.student_id AND e.class_id = c.id \
     WHERE m.subject_id = t.subject_id AND m.date = t.date)";

/// Classes with their own lessons, and those of their groups.
const LESSONS: &str = "lesson l LEFT JOIN subgroup g ON g.id = l.subgroup_id \
     JOIN class c ON c.id = COALESCE(l.class_id, g.class_id) JOIN subject s ON s.id = l.subject_id";

const TESTS: &str = "test_plan t LEFT JOIN subgroup g ON g.id = t.subgroup_id \
     JOIN class c ON c.id = COALESCE(t.class_id, g.class_id) JOIN subject s ON s.id = t.subject_id";

impl Store {
    /// How many guardians on paper have had none for so long.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn without_paper(
        &self,
        configured: &[Channel],
        limit: Millis,
        today: NaiveDate,
        now: Millis,
    ) -> Result<usize, StoreError> {
        let mut tx = self.snapshot().await?;
        let without = tx.without_paper(configured, limit, today, now).await?;
        tx.commit().await?;
        Ok(without.len())
    }

    /// How many addresses of families of today's students neither a document nor their owner's own hand proves: no
    /// document, never verified, and no consent to their channel that names one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn undocumented(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM contact c WHERE c.guardian_id IS NOT NULL AND c.ended_at IS NULL \
             AND c.channel IN ('sms', 'email', 'telegram') AND c.document IS NULL AND c.verified_at IS NULL \
             AND COALESCE(c.source, '') NOT IN ('written', 'edoc', 'self', 'self_bound', 'bot') \
             AND NOT EXISTS (SELECT 1 FROM consent d WHERE d.guardian_id = c.guardian_id \
                 AND d.document IS NOT NULL AND d.state = 'given' AND (d.contact_id = c.id \
                 OR d.purpose = CASE c.channel WHEN 'telegram' THEN 'messenger' ELSE c.channel END))",
        )
        .fetch_one(&self.pool)
        .await?;
        int(&row, "n")
    }

    /// The classes that have students and no class teacher.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn without_teacher(&self, today: NaiveDate) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT c.grade, c.letter FROM class c WHERE EXISTS (SELECT 1 FROM enrolment e \
             WHERE e.class_id = c.id AND (e.from_on IS NULL OR e.from_on <= $1) \
             AND (e.to_on IS NULL OR e.to_on >= $1)) \
             AND NOT EXISTS (SELECT 1 FROM {TEACHERS} w WHERE w.class_id = c.id) \
             ORDER BY c.grade, c.letter, c.id"
        )))
        .bind(today.to_string())
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| class(row, "grade", "letter"))
            .collect()
    }
}

impl Tx {
    /// Tells the teachers of both classes of each student who changed class within the last week. Who moves
    /// up at the end of the year does not change class.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_of_moves(&mut self, today: NaiveDate, now: Millis) -> Result<(), StoreError> {
        let week_ago = today - Days::new(NEWS);
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT DISTINCT e.id AS enrolment_id, e.student_id, w.staff_id FROM enrolment e \
             JOIN class c ON c.id = e.class_id \
             JOIN enrolment o ON o.student_id = e.student_id AND o.class_id <> e.class_id \
             AND o.to_on IS NOT NULL AND o.to_on >= '{week_ago}' AND o.to_on <= e.from_on \
             JOIN class p ON p.id = o.class_id AND (p.grade = c.grade OR p.year_id = c.year_id) \
             JOIN {TEACHERS} w ON w.class_id IN (e.class_id, o.class_id) \
             WHERE e.from_on > '{week_ago}' AND e.from_on <= $1 \
             AND (e.to_on IS NULL OR e.to_on >= $1) ORDER BY w.staff_id, enrolment_id"
        )))
        .persistent(false)
        .bind(today.to_string())
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let student_id = int(row, "student_id")?;
            let place = Place::Moved(int(row, "enrolment_id")?);
            let fact = Fact { student_id, place };
            self.open_for_staff(int(row, "staff_id")?, Some(student_id), fact, 0, now, now)
                .await?;
        }
        Ok(())
    }

    /// Tells whoever teaches it that a test's marks are not in the journal so many days later.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_of_marks(
        &mut self,
        after: Millis,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        let days = u64::try_from(after / DAY).unwrap_or_default();
        let over = today - Days::new(days);
        let from = over - Days::new(NEWS);
        let rows = self
            .all(format!(
                "SELECT t.id, t.subject_id, c.id AS class_id, t.date, CAST(NULL AS BIGINT) AS teacher_id FROM {TESTS} \
                 WHERE t.date >= '{from}' AND t.date < '{over}' AND {WITHOUT_MARKS} ORDER BY t.id"
            ))
            .await?;
        for row in &rows {
            let place = Place::NoMarks(int(row, "id")?);
            self.tell_whoever_teaches(row, place, today, (now, now))
                .await?;
        }
        Ok(())
    }

    /// Tells whoever teaches it that a lesson's homework is not in the journal although its time is over.
    /// `local` is now by the school's clock, and `heard` says when staff may hear of it. Returns the next
    /// such time today.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_of_homework(
        &mut self,
        rule: HomeworkEntry,
        local: NaiveDateTime,
        heard: Millis,
        now: Millis,
    ) -> Result<Option<NaiveDateTime>, StoreError> {
        let today = local.date();
        let mut next = None;
        // An evening's time may be over when the day is, and the daemon may have been off.
        for day in [today - Days::new(1), today] {
            let ends = self.lessons_end(day).await?;
            let school = ends.values().flatten().max().copied();
            let mut late = BTreeSet::new();
            for (class, end) in &ends {
                let due = homework_due(rule, day, *end, school);
                if due <= local {
                    late.insert(*class);
                } else {
                    next = Some(next.map_or(due, |other: NaiveDateTime| other.min(due)));
                }
            }
            let used = day - Days::new(IN_USE);
            let rows = self
                .all(format!(
                    "SELECT MAX(l.id) AS id, l.subject_id, c.id AS class_id, l.date, \
                     MAX(COALESCE(l.substitute_id, l.teacher_id)) AS teacher_id FROM {LESSONS} \
                     WHERE l.date = '{day}' AND {WITHOUT_HOMEWORK} AND EXISTS (SELECT 1 FROM homework u \
                         WHERE (u.class_id = c.id OR u.subgroup_id = l.subgroup_id) \
                         AND COALESCE(u.assigned_on, u.due_on) >= '{used}') \
                     GROUP BY l.subject_id, c.id, l.subgroup_id, l.date ORDER BY id"
                ))
                .await?;
            for row in &rows {
                if late.contains(&int(row, "class_id")?) {
                    let place = Place::NoHomework(int(row, "id")?);
                    self.tell_whoever_teaches(row, place, today, (heard, now))
                        .await?;
                }
            }
        }
        Ok(next)
    }

    /// When each class's last lesson of a day ends, as the lesson says or the bells do.
    async fn lessons_end(
        &mut self,
        day: NaiveDate,
    ) -> Result<BTreeMap<i64, Option<NaiveTime>>, StoreError> {
        let weekday = day.weekday().number_from_monday();
        let rows = self
            .all(format!(
                "SELECT c.id AS class_id, MAX(COALESCE(l.ends_at, b.ends_at)) AS ends_at FROM {LESSONS} \
                 LEFT JOIN bell b ON b.shift = c.shift AND b.number = l.number \
                 AND (b.weekday IS NULL OR b.weekday = {weekday}) \
                 WHERE l.date = '{day}' AND l.state IN ('planned', 'held') GROUP BY c.id"
            ))
            .await?;
        let mut ends = BTreeMap::new();
        for row in &rows {
            let end = some_text(row, "ends_at")?;
            let end = end.and_then(|end| NaiveTime::parse_from_str(&end, "%H:%M").ok());
            ends.insert(int(row, "class_id")?, end);
        }
        Ok(ends)
    }

    /// Opens the notice for the lesson's teacher, or whoever has the subject in the class, or the class
    /// teachers, or the deputies: the first of these that there are.
    async fn tell_whoever_teaches(
        &mut self,
        row: &AnyRow,
        place: Place,
        today: NaiveDate,
        (heard, now): (Millis, Millis),
    ) -> Result<(), StoreError> {
        let (class, subject) = (int(row, "class_id")?, int(row, "subject_id")?);
        let mut staff: Vec<i64> = some_int(row, "teacher_id")?.into_iter().collect();
        let there = format!(
            "(from_on IS NULL OR from_on <= '{today}') AND (to_on IS NULL OR to_on >= '{today}')"
        );
        for sql in [
            format!(
                "SELECT DISTINCT staff_id AS id FROM duty WHERE role = 'teacher' AND class_id = {class} \
                 AND subject_id = {subject} AND {there}"
            ),
            format!(
                "SELECT class_teacher_id AS id FROM class WHERE id = {class} AND class_teacher_id IS NOT NULL"
            ),
            format!("SELECT id FROM staff WHERE role = 'deputy' AND {there}"),
        ] {
            if staff.is_empty() {
                let rows = self.all(sql).await?;
                staff = rows
                    .iter()
                    .map(|row| int(row, "id"))
                    .collect::<Result<_, _>>()?;
            }
        }
        let fact = Fact {
            student_id: 0,
            place,
        };
        for one in staff {
            self.open_for_staff(one, None, fact, 0, heard, now).await?;
        }
        Ok(())
    }

    /// The guardians on paper, each with the student, whose home has had no sheet for so long: since the last one,
    /// since the school year began or vestnik did, or since they agreed on paper.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn without_paper(
        &mut self,
        configured: &[Channel],
        limit: Millis,
        today: NaiveDate,
        now: Millis,
    ) -> Result<Vec<(i64, i64)>, StoreError> {
        let zone = self.zone().await?;
        let at = |day: NaiveDate| crate::zone::instant(day.into(), zone);
        let begun = self
            .all("SELECT MIN(claimed_at) AS at FROM schedule_run".to_owned())
            .await?;
        let begun = begun.first().map(|row| some_int(row, "at")).transpose()?;
        let year = self.year_from(today).await?;
        let year = year.unwrap_or_else(|| first_of_september(today));
        let begun = begun.flatten().unwrap_or(now).max(at(year));
        if now - begun <= limit {
            return Ok(Vec::new());
        }
        let pupils = self.pupils(today, today, None).await?;
        let students: Vec<i64> = pupils.iter().map(|pupil| pupil.id).collect();
        let people = self.people(&students, today).await?;
        let homes = self.homes(&students).await?;
        let mut served = Served {
            homes: homes
                .into_iter()
                .map(|(who, (_, home))| (who, home))
                .collect(),
            ..Served::default()
        };
        let rows = self
            .all(format!(
                "SELECT student_id, guardian_id FROM sheet WHERE COALESCE(handed_at, state_at) > {} \
                 AND state NOT IN ('ready', 'in_run', 'spoiled', 'not_handed', 'missing')",
                now - limit
            ))
            .await?;
        for row in &rows {
            let home = served.home(int(row, "guardian_id")?, int(row, "student_id")?);
            served.lately.insert(home);
        }
        let since = crate::zone::local(now - limit, zone);
        let since = if since.time() == NaiveTime::MIN {
            since.date()
        } else {
            since.date() + Days::new(1)
        };
        Ok(without_paper(
            &people, &students, &served, configured, since, today,
        ))
    }

    /// Tells class teachers which families on paper have had none for so long, once in that time.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_of_paper(
        &mut self,
        configured: &[Channel],
        limit: Millis,
        today: NaiveDate,
        now: Millis,
    ) -> Result<(), StoreError> {
        for (guardian, student) in self.without_paper(configured, limit, today, now).await? {
            let rows = sqlx::query(AssertSqlSafe(format!(
                "SELECT DISTINCT w.staff_id FROM enrolment e JOIN {TEACHERS} w ON w.class_id = e.class_id \
                 WHERE e.student_id = $2 AND (e.from_on IS NULL OR e.from_on <= $1) \
                 AND (e.to_on IS NULL OR e.to_on >= $1) ORDER BY w.staff_id"
            )))
            .bind(today.to_string())
            .bind(student)
            .fetch_all(&mut *self.db)
            .await?;
            let fact = Fact {
                student_id: student,
                place: Place::NoPaper(guardian),
            };
            for row in &rows {
                let staff = int(row, "staff_id")?;
                self.open_for_staff(staff, Some(student), fact, now - limit, now, now)
                    .await?;
            }
        }
        Ok(())
    }

    /// What a staff notice says, as it is now; none where it is not so any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub(super) async fn gap(
        &mut self,
        place: Place,
        student_id: i64,
        who: String,
        today: NaiveDate,
    ) -> Result<Option<StaffNews>, StoreError> {
        let sql = match place {
            Place::Moved(enrolment) => format!(
                "SELECT c.grade, c.letter, p.grade AS from_grade, p.letter AS from_letter, e.from_on AS date, \
                 NULL AS subject FROM enrolment e JOIN class c ON c.id = e.class_id \
                 JOIN enrolment o ON o.student_id = e.student_id AND o.class_id <> e.class_id \
                 AND o.to_on <= e.from_on JOIN class p ON p.id = o.class_id \
                 WHERE e.id = {enrolment} AND (e.to_on IS NULL OR e.to_on >= '{today}') \
                 ORDER BY o.to_on DESC, o.id DESC LIMIT 1"
            ),
            Place::NoHomework(lesson) => format!(
                "SELECT c.grade, c.letter, l.date, s.name AS subject FROM {LESSONS} \
                 WHERE l.id = {lesson} AND {WITHOUT_HOMEWORK}"
            ),
            Place::NoMarks(test) => format!(
                "SELECT c.grade, c.letter, t.date, s.name AS subject FROM {TESTS} \
                 WHERE t.id = {test} AND {WITHOUT_MARKS}"
            ),
            Place::NoPaper(guardian) => {
                let since = self.last_sheet(guardian, student_id).await?;
                return Ok(Some(StaffNews {
                    who,
                    matter: Matter::NoPaper(since),
                }));
            }
            Place::Lane(id) => return self.lane_news(id).await,
            Place::Alarm(id) => return self.alarm_news(id).await,
            Place::Inquiry(id) => return self.inquiry_news(id, who).await,
            _ => return Ok(None),
        };
        let rows = self.all(sql).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let class = class(row, "grade", "letter")?;
        let date = parsed(row, "date")?;
        let subject = some_text(row, "subject")?.unwrap_or_default();
        Ok(Some(match place {
            Place::Moved(_) => StaffNews {
                who,
                matter: Matter::Moved {
                    from: self::class(row, "from_grade", "from_letter")?,
                    to: class,
                    on: date,
                },
            },
            Place::NoHomework(_) => StaffNews {
                who: class,
                matter: Matter::NoHomework { subject, date },
            },
            _ => StaffNews {
                who: class,
                matter: Matter::NoMarks { subject, date },
            },
        }))
    }

    /// The day of the last sheet that came out for a guardian's home.
    async fn last_sheet(
        &mut self,
        guardian: i64,
        student: i64,
    ) -> Result<Option<NaiveDate>, StoreError> {
        let zone = self.zone().await?;
        let rows = self
            .all(format!(
                "SELECT MAX(COALESCE(x.handed_at, x.state_at)) AS at FROM sheet x \
                 JOIN guardianship t ON t.guardian_id = {guardian} AND t.student_id = {student} \
                 LEFT JOIN guardianship o ON o.guardian_id = x.guardian_id AND o.student_id = x.student_id \
                 WHERE x.student_id = {student} AND x.state NOT IN ('ready', 'in_run', 'spoiled', 'not_handed', 'missing') \
                 AND (x.guardian_id = {guardian} OR COALESCE(o.home, '') = COALESCE(t.home, ''))"
            ))
            .await?;
        let at = rows.first().map(|row| some_int(row, "at")).transpose()?;
        Ok(at.flatten().map(|at| crate::zone::local(at, zone).date()))
    }
}

fn class(row: &AnyRow, grade: &str, letter: &str) -> Result<String, StoreError> {
    let class = ClassName {
        grade: u8::try_from(int(row, grade)?).unwrap_or_default(),
        letter: text(row, letter)?,
    };
    Ok(class.to_string())
}
