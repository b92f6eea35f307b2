//! What teachers and secretaries do in a school year, as SQL, and the journal as the simulator knows
//! it: its own list of what was written, which no table of the product can talk it out of.

mod office;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use chrono::{Datelike, Days, NaiveDate, Weekday};
use rand::{RngExt, rngs::StdRng};
use vestnik::{
    instant::{HOUR, MINUTE, Millis, SECOND},
    zone,
};

use crate::school::{SUBJECTS, School};

/// How many lessons a day has.
const LESSONS: i64 = 6;

/// What stands in one place for one student.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    /// The value; none where it was taken away.
    pub(crate) value: Option<String>,
    /// Whether it concerns the student no more: the class was another one then.
    pub(crate) void: bool,
}

/// The journal as it was written.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// By student and place.
    pub(crate) cells: BTreeMap<(i64, String), Cell>,
    /// The place of each text that occurs once.
    pub(crate) texts: BTreeMap<String, String>,
    /// How many rows were written, changed or deleted.
    pub(crate) writes: u64,
}

impl Journal {
    fn set(&mut self, student: i64, key: &str, value: Option<&str>) {
        self.writes += 1;
        if let Some(text) = value {
            self.texts.insert(text.to_owned(), key.to_owned());
        }
        let cell = Cell {
            value: value.map(str::to_owned),
            void: false,
        };
        self.cells.insert((student, key.to_owned()), cell);
    }

    /// What stands in a place.
    pub(crate) fn value(&self, student: i64, key: &str) -> Option<&str> {
        self.cells.get(&(student, key.to_owned()))?.value.as_deref()
    }

    /// A student's class facts end with the class.
    fn leave_class(&mut self, student: i64) {
        let theirs = self
            .cells
            .range_mut((student, String::new())..(student + 1, String::new()));
        for ((_, key), cell) in theirs {
            if key.starts_with("homework/") || key.starts_with("announcement/") {
                cell.void = true;
            }
        }
    }
}

/// Something that somebody does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// The lessons of one hour of a part of the classes.
    Lesson {
        date: NaiveDate,
        hour: i64,
        part: i64,
    },
    /// A mark is entered, changed or deleted.
    Mark {
        student: i64,
        subject: i64,
        date: NaiveDate,
        value: Option<String>,
    },
    /// An absence is entered, changed or deleted.
    Attendance {
        student: i64,
        date: NaiveDate,
        hour: i64,
        code: Option<&'static str>,
    },
    /// Homework is changed or taken back.
    Homework {
        class: i64,
        subject: i64,
        due: NaiveDate,
        text: Option<String>,
    },
    /// A word to a class, or to all.
    Announce { class: Option<i64>, urgent: bool },
    /// It is taken back.
    Cancel { id: i64 },
    /// A word about a student.
    Remark {
        student: i64,
        date: NaiveDate,
        kind: &'static str,
    },
    /// The secretary's hour.
    Office { date: NaiveDate },
    /// A backlog is loaded at once.
    Load { date: NaiveDate },
    /// The results of a term.
    Results { term: i64 },
}

/// A deed, so long after this one.
type Later = Vec<(Millis, Deed)>;

/// The year.
pub(crate) struct Year {
    pub(crate) school: School,
    pub(crate) journal: Journal,
    random: StdRng,
    announcements: i64,
    audience: BTreeMap<i64, (Option<i64>, String)>,
    texts: i64,
    /// Which marks came by an import.
    loaded: BTreeSet<(i64, String)>,
    /// The import that is to be made now.
    pub(crate) loading: Option<Loading>,
    /// How long it is until the digests leave.
    pub(crate) to_digest: Millis,
}

/// An answer of the electronic journal about a class.
#[derive(Debug)]
pub(crate) struct Loading {
    pub(crate) class: i64,
    pub(crate) from: NaiveDate,
    pub(crate) to: NaiveDate,
    pub(crate) answer: String,
}

impl Year {
    /// The year of a school.
    pub(crate) fn new(school: School, random: StdRng) -> Self {
        Self {
            school,
            journal: Journal::default(),
            random,
            announcements: 0,
            audience: BTreeMap::new(),
            texts: 0,
            loaded: BTreeSet::new(),
            loading: None,
            to_digest: HOUR,
        }
    }

    /// What happens on one day: each deed with its instant.
    pub(crate) fn day(&mut self, date: NaiveDate) -> Vec<(Millis, Deed)> {
        let zone = self.school.zone;
        let at = |hour: u32, minute: u32| {
            zone::instant(date.and_hms_opt(hour, minute, 0).unwrap(), zone)
        };
        if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) || is_holiday(date) {
            return Vec::new();
        }
        let mut deeds = Vec::new();
        let parts = (self.school.classes / 12).clamp(1, 2);
        for hour in 1..=LESSONS {
            for part in 0..parts {
                let minute = u32::try_from(10 + 17 * part).unwrap();
                let begins = at(7 + u32::try_from(hour).unwrap(), minute);
                deeds.push((begins, Deed::Lesson { date, hour, part }));
            }
        }
        deeds.push((at(11, 5), Deed::Office { date }));
        if self.random.random_bool(0.12) {
            let class = self.random.random_range(1..=self.school.classes);
            let class = self.random.random_bool(0.8).then_some(class);
            deeds.push((
                at(14, 40),
                Deed::Announce {
                    class,
                    urgent: false,
                },
            ));
        }
        if self.random.random_bool(0.02) {
            let hour = self.random.random_range(5..23);
            deeds.push((
                at(hour, 12),
                Deed::Announce {
                    class: None,
                    urgent: true,
                },
            ));
        }
        if self.random.random_bool(0.05) {
            deeds.push((at(16, 20), Deed::Load { date }));
        }
        for (term, last) in [(1, (10, 23)), (2, (12, 29)), (3, (3, 19))] {
            if (date.month(), date.day()) == last {
                deeds.push((at(15, 0), Deed::Results { term }));
            }
        }
        deeds
    }

    /// Does it: the SQL, and what follows from it later.
    pub(crate) fn perform(&mut self, deed: Deed, today: NaiveDate) -> (String, Later) {
        let (mut sql, mut later) = (String::new(), Later::new());
        match deed {
            Deed::Lesson { date, hour, part } => {
                let parts = (self.school.classes / 12).clamp(1, 2);
                for class in (1..=self.school.classes).filter(|class| class % parts == part) {
                    self.lesson(class, date, hour, &mut sql, &mut later);
                }
            }
            Deed::Mark {
                student,
                subject,
                date,
                value,
            } => {
                self.mark(student, subject, date, value.as_deref(), &mut sql);
            }
            Deed::Attendance {
                student,
                date,
                hour,
                code,
            } => {
                self.attend(student, date, hour, code, &mut sql);
            }
            Deed::Homework {
                class,
                subject,
                due,
                text,
            } => {
                self.homework(class, subject, due, text.as_deref(), &mut sql);
            }
            Deed::Announce { class, urgent } => self.announce(class, urgent, &mut sql, &mut later),
            Deed::Cancel { id } => self.cancel(id, &mut sql),
            Deed::Remark {
                student,
                date,
                kind,
            } => self.remark(student, date, kind, &mut sql),
            Deed::Office { date } => self.office(date, today, &mut sql),
            Deed::Load { date } => self.load(date),
            Deed::Results { term } => self.results(term, &mut sql),
        }
        (sql, later)
    }

    fn text(&mut self, what: &str) -> String {
        self.texts += 1;
        format!("{what} {}", self.texts)
    }

    /// Minutes, hours or days: second thoughts come at all times, and some while the digests leave.
    fn delay(&mut self) -> Millis {
        match self.random.random_range(0..5) {
            4 => self.to_digest + self.random.random_range(0..4) * 20 * SECOND,
            0 => self.random.random_range(1..9) * 5 * MINUTE,
            1 => self.random.random_range(2..9) * 20 * MINUTE,
            2 => self.random.random_range(3..30) * HOUR,
            _ => self.random.random_range(1..7) * 24 * HOUR,
        }
    }

    fn value(&mut self) -> String {
        let values = ["5", "4", "4", "3", "3", "2", "5", "."];
        values[self.random.random_range(0..values.len())].to_owned()
    }

    fn lesson(
        &mut self,
        class: i64,
        date: NaiveDate,
        hour: i64,
        sql: &mut String,
        later: &mut Later,
    ) {
        let subject = (class + i64::from(date.ordinal()) * 3 + hour) % SUBJECTS + 1;
        for student in self.school.students_of(class) {
            let draw: f64 = self.random.random_range(0.0..1.0);
            if draw < 0.025 {
                let code = if self.random.random_bool(0.2) {
                    "late"
                } else {
                    "absent"
                };
                self.attend(student, date, hour, Some(code), sql);
                if self.random.random_bool(0.35) {
                    let code = match self.random.random_range(0..3) {
                        0 => Some("ill"),
                        1 => Some("excused"),
                        _ => None,
                    };
                    later.push((
                        self.delay(),
                        Deed::Attendance {
                            student,
                            date,
                            hour,
                            code,
                        },
                    ));
                }
            } else if draw < 0.15 {
                let value = self.value();
                self.mark(student, subject, date, Some(&value), sql);
                self.second_thoughts(student, subject, date, &value, later);
            } else if draw < 0.153 {
                let kind = ["remark", "praise"][self.random.random_range(0..2)];
                later.push((
                    self.delay(),
                    Deed::Remark {
                        student,
                        date,
                        kind,
                    },
                ));
            }
        }
        if self.random.random_bool(0.12) {
            let due = date + Days::new(self.random.random_range(1..6));
            let text = self.text("упр.");
            self.homework(class, subject, due, Some(&text), sql);
            if self.random.random_bool(0.15) {
                let text = self.random.random_bool(0.6).then(|| self.text("упр."));
                later.push((
                    self.delay(),
                    Deed::Homework {
                        class,
                        subject,
                        due,
                        text,
                    },
                ));
            }
        }
    }

    /// 3→4→5, deleted, deleted and entered again.
    fn second_thoughts(
        &mut self,
        student: i64,
        subject: i64,
        date: NaiveDate,
        value: &str,
        later: &mut Later,
    ) {
        let mark = |value: Option<String>| Deed::Mark {
            student,
            subject,
            date,
            value,
        };
        let first = self.delay();
        match self.random.random_range(0..100) {
            0..5 => {
                let new = self.value();
                later.push((first, mark(Some(new))));
            }
            5..7 => {
                let (one, two) = (self.value(), self.value());
                let second = first + self.delay();
                later.extend([(first, mark(Some(one))), (second, mark(Some(two)))]);
            }
            7..9 => later.push((first, mark(None))),
            9..11 => {
                let second = first + self.delay();
                later.extend([(first, mark(None)), (second, mark(Some(value.to_owned())))]);
            }
            _ if value == "." => {
                let new = self.value();
                later.push((first, mark(Some(new))));
            }
            _ => {}
        }
    }

    fn attends(&self, student: i64) -> bool {
        self.school
            .class_of
            .get(&student)
            .copied()
            .flatten()
            .is_some()
    }

    fn mark(
        &mut self,
        student: i64,
        subject: i64,
        date: NaiveDate,
        value: Option<&str>,
        sql: &mut String,
    ) {
        let key = format!("mark/{subject}/{date}");
        let stands = self.journal.value(student, &key);
        if !self.attends(student) || stands == value {
            return;
        }
        let place =
            format!("student_id = {student} AND subject_id = {subject} AND date = '{date}'");
        if stands.is_none() {
            self.loaded.remove(&(student, key.clone()));
        }
        let _ = match (stands, value) {
            (None, Some(new)) => writeln!(
                sql,
                "INSERT INTO mark (student_id, subject_id, date, value) VALUES ({student}, {subject}, '{date}', '{new}');"
            ),
            (_, Some(new)) => writeln!(sql, "UPDATE mark SET value = '{new}' WHERE {place};"),
            (_, None) => writeln!(sql, "DELETE FROM mark WHERE {place};"),
        };
        self.journal.set(student, &key, value);
        self.journal.texts.remove(value.unwrap_or_default());
    }

    fn attend(
        &mut self,
        student: i64,
        date: NaiveDate,
        hour: i64,
        code: Option<&str>,
        sql: &mut String,
    ) {
        let key = format!("attendance/{date}/{hour}");
        let stands = self.journal.value(student, &key);
        if !self.attends(student) || stands == code {
            return;
        }
        let place = format!("student_id = {student} AND date = '{date}' AND number = {hour}");
        let _ = match (stands, code) {
            (None, Some(new)) => writeln!(
                sql,
                "INSERT INTO attendance (student_id, date, number, code) VALUES ({student}, '{date}', {hour}, '{new}');"
            ),
            (_, Some(new)) => writeln!(sql, "UPDATE attendance SET code = '{new}' WHERE {place};"),
            (_, None) => writeln!(sql, "DELETE FROM attendance WHERE {place};"),
        };
        self.journal.set(student, &key, code);
        self.journal.texts.remove(code.unwrap_or_default());
    }

    fn homework(
        &mut self,
        class: i64,
        subject: i64,
        due: NaiveDate,
        text: Option<&str>,
        sql: &mut String,
    ) {
        let key = format!("homework/{subject}/{due}");
        let students = self.school.students_of(class);
        let place = format!("class_id = {class} AND subject_id = {subject} AND due_on = '{due}'");
        let Some(first) = students.iter().find(|student| {
            self.journal
                .cells
                .get(&(**student, key.clone()))
                .is_none_or(|cell| !cell.void)
        }) else {
            return;
        };
        let stands = self.journal.value(*first, &key).is_some();
        let _ = match (stands, text) {
            (false, Some(new)) => writeln!(
                sql,
                "INSERT INTO homework (class_id, subject_id, due_on, text) VALUES ({class}, {subject}, '{due}', '{new}');"
            ),
            (true, Some(new)) => writeln!(sql, "UPDATE homework SET text = '{new}' WHERE {place};"),
            (true, None) => writeln!(sql, "DELETE FROM homework WHERE {place};"),
            (false, None) => return,
        };
        for student in students {
            self.journal.set(student, &key, text);
        }
    }

    fn announce(&mut self, class: Option<i64>, urgent: bool, sql: &mut String, later: &mut Later) {
        self.announcements += 1;
        let id = self.announcements;
        let text = format!("Объявление {id}: приходите");
        let urgency = if urgent { "urgent" } else { "normal" };
        let of_class = class.map_or("NULL".to_owned(), |class| class.to_string());
        let _ = writeln!(
            sql,
            "INSERT INTO announcement (class_id, text, urgency) VALUES ({of_class}, '{text}', '{urgency}');"
        );
        self.spread(id, class, Some(&text));
        self.audience.insert(id, (class, text));
        if self.random.random_bool(0.2) {
            later.push((self.delay(), Deed::Cancel { id }));
        }
    }

    fn cancel(&mut self, id: i64, sql: &mut String) {
        let Some((class, _)) = self.audience.remove(&id) else {
            return;
        };
        let _ = writeln!(
            sql,
            "UPDATE announcement SET state = 'cancelled' WHERE id = {id};"
        );
        self.spread(id, class, None);
    }

    fn spread(&mut self, id: i64, class: Option<i64>, text: Option<&str>) {
        let here = self.school.class_of.iter().filter(|(_, attends)| {
            attends.is_some_and(|attends| class.is_none_or(|class| class == attends))
        });
        let students: Vec<i64> = here.map(|(student, _)| *student).collect();
        for student in students {
            self.journal
                .set(student, &format!("announcement/{id}"), text);
        }
    }

    fn remark(&mut self, student: i64, date: NaiveDate, kind: &'static str, sql: &mut String) {
        let key = format!("remark/{date}/{kind}");
        if !self.attends(student) || self.journal.value(student, &key).is_some() {
            return;
        }
        let text = self.text("Слово учителя");
        let _ = writeln!(
            sql,
            "INSERT INTO remark (student_id, date, kind, text, notify_parents) VALUES ({student}, '{date}', '{kind}', '{text}', 1);"
        );
        self.journal.set(student, &key, Some(&text));
    }
}

/// The holidays between the terms.
pub(crate) fn is_holiday(date: NaiveDate) -> bool {
    let day = (date.month(), date.day());
    ((10, 26)..=(11, 1)).contains(&day)
        || (12, 31) <= day
        || day <= (1, 10)
        || ((3, 22)..=(3, 28)).contains(&day)
        || ((6, 1)..(9, 1)).contains(&day)
}
