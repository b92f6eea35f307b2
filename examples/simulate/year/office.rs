//! What the secretary does: people, papers, backlogs and the results of terms.

use std::fmt::Write;

use chrono::{Datelike, Days, NaiveDate};
use rand::RngExt;
use serde_json::json;
use vestnik::family::contact::Channel;

use super::{Loading, Year};
use crate::school::SUBJECTS;

impl Year {
    /// Transfers, leavers, consents, restrictions and addresses: some of a year's on each day.
    pub(super) fn office(&mut self, date: NaiveDate, today: NaiveDate, sql: &mut String) {
        let students = i64::try_from(self.school.class_of.len()).unwrap();
        let cases = 1 + students / 100;
        for _ in 0..cases {
            let student = self.random.random_range(1..=students);
            let ties = self.school.ties.range((0, 0)..).map(|(tie, _)| *tie);
            let of_student: Vec<(i64, i64)> = ties.filter(|(_, other)| *other == student).collect();
            let Some((guardian, _)) = of_student.first().copied() else {
                continue;
            };
            match self.random.random_range(0..12) {
                0 => self.transfer(student, date, sql),
                1 if self.random.random_bool(0.2) => self.leave(student, date, sql),
                2..5 => {
                    let purpose =
                        ["data", "sms", "email", "messenger"][self.random.random_range(0..4)];
                    let holds = self.school.consents.contains(&(guardian, student, purpose));
                    self.school.consent(guardian, student, purpose, !holds, sql);
                }
                5..7 => self.restrict(guardian, student, today, sql),
                7..10 => self.contact(guardian, sql),
                _ => {}
            }
        }
    }

    fn transfer(&mut self, student: i64, date: NaiveDate, sql: &mut String) {
        let Some(Some(from)) = self.school.class_of.get(&student).copied() else {
            return;
        };
        let to = from % self.school.classes + 1;
        let yesterday = date - Days::new(1);
        let _ = writeln!(
            sql,
            "UPDATE enrolment SET to_on = '{yesterday}' WHERE student_id = {student} AND to_on IS NULL;\n\
             INSERT INTO enrolment (student_id, class_id, number, from_on) VALUES ({student}, {to}, {student}, '{date}');"
        );
        self.school.class_of.insert(student, Some(to));
        self.journal.leave_class(student);
    }

    fn leave(&mut self, student: i64, date: NaiveDate, sql: &mut String) {
        let yesterday = date - Days::new(1);
        let _ = writeln!(
            sql,
            "UPDATE enrolment SET to_on = '{yesterday}' WHERE student_id = {student} AND to_on IS NULL;"
        );
        self.school.class_of.insert(student, None);
        self.journal.leave_class(student);
    }

    /// A court decides, or decides otherwise.
    fn restrict(&mut self, guardian: i64, student: i64, today: NaiveDate, sql: &mut String) {
        let restricted = self.school.ties[&(guardian, student)];
        let columns = if restricted {
            "rights = 'full', restricted_from = NULL".to_owned()
        } else if self.random.random_bool(0.5) {
            "rights = 'deprived'".to_owned()
        } else {
            format!("restricted_from = '{today}'")
        };
        let _ = writeln!(
            sql,
            "UPDATE guardianship SET {columns} WHERE guardian_id = {guardian} AND student_id = {student};"
        );
        self.school.ties.insert((guardian, student), !restricted);
    }

    /// An address is given up, and mostly another one given.
    fn contact(&mut self, guardian: i64, sql: &mut String) {
        let contacts = &mut self.school.guardians.get_mut(&guardian).unwrap().contacts;
        let living = contacts.iter_mut().find(|contact| !contact.ended);
        let channel = match living {
            Some(contact) => {
                contact.ended = true;
                let _ = writeln!(
                    sql,
                    "UPDATE contact SET ended_at = 1 WHERE id = {};",
                    contact.id
                );
                contact.channel
            }
            None => Channel::Sms,
        };
        if self.random.random_bool(0.9) {
            let address = self.school.new_address(guardian, channel);
            self.school.add_contact(guardian, channel, address, sql);
        }
    }

    /// A class's backlog comes at once: an answer of the electronic journal for three days, with what it
    /// brought for them before.
    pub(super) fn load(&mut self, date: NaiveDate) {
        let class = self.random.random_range(1..=self.school.classes);
        let mut students = serde_json::Map::new();
        for student in self.school.students_of(class) {
            let mut lessons = Vec::new();
            for subject in 1..=SUBJECTS {
                let mut marks = Vec::new();
                for back in 0..3 {
                    let day = date - Days::new(back);
                    let key = format!("mark/{subject}/{day}");
                    if self.journal.value(student, &key).is_none() && self.random.random_bool(0.1) {
                        let value = self.value();
                        self.journal.set(student, &key, Some(&value));
                        self.loaded.insert((student, key.clone()));
                    }
                    if !self.loaded.contains(&(student, key.clone())) {
                        continue;
                    }
                    if let Some(value) = self.journal.value(student, &key) {
                        marks.push(json!({
                            "value": value, "countas": value, "count": true, "nm": "1",
                            "date": day.to_string(), "lesson_id": format!("{class}{subject}{}", day.ordinal()),
                        }));
                    }
                }
                lessons.push(json!({
                    "name": format!("Предмет {subject}"), "lesson_id": subject.to_string(), "marks": marks,
                }));
            }
            students.insert(
                student.to_string(),
                json!({"name": student.to_string(), "title": format!("Ученик S{student}"), "lessons": lessons}),
            );
        }
        let answer =
            json!({"response": {"state": 200, "error": null, "result": {"students": students}}});
        self.loading = Some(Loading {
            class,
            from: date - Days::new(2),
            to: date,
            answer: answer.to_string(),
        });
    }

    pub(super) fn results(&mut self, term: i64, sql: &mut String) {
        for class in 1..=self.school.classes {
            for student in self.school.students_of(class) {
                for subject in 1..=SUBJECTS {
                    let value = ["5", "4", "3"][self.random.random_range(0..3)];
                    let _ = writeln!(
                        sql,
                        "INSERT INTO term_result (student_id, subject_id, term_id, value) VALUES ({student}, {subject}, {term}, '{value}');"
                    );
                    self.journal.set(
                        student,
                        &format!("term_result/{subject}/{term}"),
                        Some(value),
                    );
                }
            }
        }
        for value in ["5", "4", "3"] {
            self.journal.texts.remove(value);
        }
    }
}
