//! Marks, diaries, homework and results: from one student's part of an answer to records.

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    super::{Field, ImportError, Load, Record, Table},
    Of, PREFIX, Reader, date, days, items,
    shape::{int, links, members_of, real, text},
    span, term_key,
};

/// Lessons beyond this are no hours of a day: where an answer gives a lesson's id and not its hour, the
/// id stands for it.
const NO_HOUR: i64 = 1_000;

/// What a letter among the marks says of attendance (formats §8).
fn attendance(value: &str) -> Option<&'static str> {
    // Latin letters look the same and are typed as often.
    let letter = value.to_lowercase().replace('h', "н").replace('b', "в");
    Some(match letter.trim_end_matches('.') {
        "н" => "absent",
        "б" => "ill",
        "уп" | "от" | "у" => "excused",
        "нп" => "unexcused",
        "оп" => "late",
        "осв" => "exempt",
        _ => return None,
    })
}

/// Where something stands in the journal.
struct Place<'a> {
    of: &'a Of<'a>,
    subject: String,
    subject_key: String,
    date: NaiveDate,
    /// The lesson's id, where the answer gives one.
    lesson: Option<String>,
    /// The lesson's hour, where the answer gives one.
    number: Option<i64>,
}

impl Reader<'_> {
    /// getmarks: by subject. It is complete for the days that were asked for, or else for those from
    /// the first to the last that it names.
    pub(super) fn marks(
        &self,
        load: &mut Load,
        of: &Of<'_>,
        student: &Value,
    ) -> Result<(), ImportError> {
        let mut named = Vec::new();
        for (_, lesson) in members_of(student, "lessons") {
            let Some(subject) = text(lesson, "name") else {
                return Err(self.wrong(
                    &format!("student {}", of.id),
                    None,
                    "has a subject without a name",
                ));
            };
            for (_, mark) in members_of(lesson, "marks") {
                let written = text(mark, "date");
                let place = format!("student {}, {subject}", of.id);
                let date = written
                    .as_deref()
                    .and_then(date)
                    .ok_or_else(|| self.wrong(&place, written, "is no date"))?;
                named.push(date);
                let place = Place {
                    lesson: text(mark, "lesson_id"),
                    ..Place::new(load, of, subject.clone(), date)
                };
                place.add(load, mark);
            }
        }
        let days = self.options.days.or_else(|| span(&named));
        if let Some(days) = days {
            let tables = vec![Table::Mark, Table::Attendance];
            self.complete(load, Some(of.key), of.class, days, tables)?;
        }
        Ok(())
    }

    /// getdiary: by day and lesson. It is complete for its days.
    pub(super) fn diary(
        &self,
        load: &mut Load,
        of: &Of<'_>,
        student: &Value,
    ) -> Result<(), ImportError> {
        let mut named = Vec::new();
        for (name, day) in days(student) {
            let date = self.day(of.id, name)?;
            named.push(date);
            for (_, item) in items(day) {
                let Some(subject) = text(item, "name") else {
                    continue;
                };
                let number = int(item, "num");
                let group = text(item, "grp").unwrap_or_default();
                let lesson = text(item, "lesson_id").unwrap_or_else(|| {
                    format!(
                        "{}/{date}/{}/{subject}/{group}",
                        of.class.plain(),
                        number.unwrap_or(0)
                    )
                });
                let place = Place {
                    lesson: Some(lesson),
                    number,
                    ..Place::new(load, of, subject, date)
                };
                place.lesson(load, item);
                for (_, mark) in members_of(item, "assessments") {
                    place.add(load, mark);
                }
                place.homework(load, item);
            }
        }
        if let Some(days) = span(&named) {
            let tables = vec![Table::Mark, Table::Attendance];
            self.complete(load, Some(of.key), of.class, days, tables)?;
        }
        Ok(())
    }

    /// gethomework of students: by day and subject. Each sees the tasks of their own groups, so that
    /// what one does not see is not gone.
    pub(super) fn homework(
        &self,
        load: &mut Load,
        of: &Of<'_>,
        student: &Value,
    ) -> Result<(), ImportError> {
        for (name, day) in days(student) {
            let date = self.day(of.id, name)?;
            for (key, item) in items(day) {
                let Some(subject) = text(item, "name").or_else(|| key.map(str::to_owned)) else {
                    continue;
                };
                Place::new(load, of, subject, date).homework(load, item);
            }
        }
        Ok(())
    }

    /// gethomework of a class: complete for the class and its days.
    pub(super) fn homework_of_class(
        &self,
        load: &mut Load,
        result: &Value,
    ) -> Result<(), ImportError> {
        let class = self.options.class.clone().ok_or_else(|| {
            ImportError::whole(
                &self.file.name,
                "does not say of which class it is",
                "name the class with --class, as in --class 7Б",
            )
        })?;
        let of = Of {
            id: "",
            key: "",
            class: &class,
        };
        let mut named = Vec::new();
        for (name, day) in days(result) {
            let date = self.day(&class.plain(), name)?;
            named.push(date);
            for (key, item) in items(day) {
                let Some(subject) = text(item, "name").or_else(|| key.map(str::to_owned)) else {
                    continue;
                };
                Place::new(load, &of, subject, date).homework(load, item);
            }
        }
        if let Some(days) = self.options.days.or_else(|| span(&named)) {
            self.complete(load, None, &class, days, vec![Table::Homework])?;
        }
        Ok(())
    }

    /// getfinalassessments: by subject and period. Whoever asks gets all results there are.
    pub(super) fn results(
        &self,
        load: &mut Load,
        of: &Of<'_>,
        student: &Value,
    ) -> Result<(), ImportError> {
        for (_, item) in members_of(student, "items") {
            let Some(subject) = text(item, "name") else {
                continue;
            };
            let subject_key = load.add_subject(&subject);
            for (_, result) in members_of(item, "assessments") {
                load.rows += 1;
                let (Some(period), Some(value)) = (text(result, "period"), text(result, "value"))
                else {
                    continue;
                };
                let exam = period.to_lowercase().contains("экзамен");
                let term = if exam { "Год" } else { period.as_str() };
                if !self.context.periods.contains_key(term) {
                    return Err(ImportError {
                        row: Some(format!("student {}, {subject}", of.id)),
                        column: Some("period".into()),
                        value: Some(period),
                        ..ImportError::whole(
                            &self.file.name,
                            "is no period that any of the files names",
                            "add the answer of getperiods",
                        )
                    });
                }
                let status = if value.eq_ignore_ascii_case("н/а") || value == "Н/А" {
                    "not_certified"
                } else {
                    "set"
                };
                let stage = if exam { "exam" } else { "final" };
                let key = format!("{PREFIX}term_result/{}/{subject}/{period}", of.id);
                let mut record = Record::new(Table::TermResult, key.clone())
                    .text("source_key", Some(&key))
                    .of("student_id", Table::Student, of.key)
                    .of("subject_id", Table::Subject, &subject_key)
                    .of("term_id", Table::Term, &term_key(term))
                    .text("stage", Some(stage))
                    .text("value", Some(&value))
                    .text("status", Some(status));
                record.student = Some(of.key.to_owned());
                load.add(record);
            }
        }
        let today = self.options.today;
        self.complete(
            load,
            Some(of.key),
            of.class,
            (today, today),
            vec![Table::TermResult],
        )
    }

    fn day(&self, whose: &str, name: Option<String>) -> Result<NaiveDate, ImportError> {
        let read = name.as_deref().and_then(date);
        read.ok_or_else(|| self.wrong(&format!("student {whose}, days"), name, "is no day"))
    }
}

impl<'a> Place<'a> {
    /// A place of a subject, which is added, on a day.
    fn new(load: &mut Load, of: &'a Of<'a>, subject: String, date: NaiveDate) -> Self {
        Self {
            of,
            subject_key: load.add_subject(&subject),
            subject,
            date,
            lesson: None,
            number: None,
        }
    }

    fn lesson_key(&self) -> Option<String> {
        let lesson = self.lesson.as_ref()?;
        Some(format!("{PREFIX}lesson/{lesson}"))
    }

    fn lesson(&self, load: &mut Load, item: &Value) {
        let Some(key) = self.lesson_key() else {
            return;
        };
        let class = load.add_class(self.of.class);
        let clock =
            |field: &str| text(item, field).and_then(|time| time.get(..5).map(str::to_owned));
        let mut record = Record::new(Table::Lesson, key)
            .of("class_id", Table::Class, &class)
            .of("subject_id", Table::Subject, &self.subject_key)
            .with("date", Field::Text(self.date.to_string()))
            .text("starts_at", clock("starttime").as_deref())
            .text("ends_at", clock("endtime").as_deref())
            .text("room", text(item, "room").as_deref())
            .text("topic", text(item, "topic").as_deref());
        if let Some(number) = self.number {
            record = record.with("number", Field::Int(number));
        }
        load.add(record);
    }

    /// A mark, or the letter of an absence. A blank with a comment is neither.
    fn add(&self, load: &mut Load, mark: &Value) {
        load.rows += 1;
        let Some(value) = text(mark, "value") else {
            return;
        };
        if self.number.is_none() {
            self.lesson(load, &Value::Null);
        }
        match attendance(&value) {
            Some(code) => self.absence(load, &value, code),
            None => self.mark(load, mark, &value),
        }
    }

    fn mark(&self, load: &mut Load, mark: &Value, value: &str) {
        let lesson = self.lesson.as_deref().unwrap_or_default();
        let position = int(mark, "nm").unwrap_or(1);
        let key = format!(
            "{PREFIX}mark/{}/{}/{}/{lesson}/{position}",
            self.of.id, self.subject, self.date
        );
        let kind = mark
            .get("mtype")
            .and_then(|kind| text(kind, "type"))
            .or_else(|| text(mark, "control_type"));
        let counts = mark.get("count").and_then(Value::as_bool).unwrap_or(true);
        let mut record = Record::new(Table::Mark, key)
            .of("student_id", Table::Student, self.of.key)
            .of("subject_id", Table::Subject, &self.subject_key)
            .text("date", Some(&self.date.to_string()))
            .with("position", Field::Int(position))
            .text("value", Some(value))
            .with("counts", Field::Int(i64::from(counts)))
            .text("work_kind", kind.as_deref())
            .text("comment", text(mark, "comment").as_deref());
        if let Some(lesson) = self.lesson_key() {
            record = record.of("lesson_id", Table::Lesson, &lesson);
        }
        let weight = real(mark, "weight_float").or_else(|| real(mark, "weight"));
        if let Some(weight) = weight.filter(|weight| *weight > 0.0) {
            record = record.with("weight", Field::Real(weight));
        }
        record.student = Some(self.of.key.to_owned());
        load.add(record);
    }

    fn absence(&self, load: &mut Load, letter: &str, code: &'static str) {
        let by_id = || {
            let id: i64 = self.lesson.as_ref()?.parse().ok()?;
            Some(NO_HOUR + id)
        };
        let number = self.number.or_else(by_id).unwrap_or(0);
        let key = format!("{PREFIX}attendance/{}/{}/{number}", self.of.id, self.date);
        let mut record = Record::new(Table::Attendance, key.clone())
            .text("source_key", Some(&key))
            .of("student_id", Table::Student, self.of.key)
            .text("date", Some(&self.date.to_string()))
            .with("number", Field::Int(number))
            .text("code", Some(code))
            .text("letter", Some(letter));
        if let Some(lesson) = self.lesson_key() {
            record = record.of("lesson_id", Table::Lesson, &lesson);
        }
        record.student = Some(self.of.key.to_owned());
        load.add(record);
    }

    fn homework(&self, load: &mut Load, item: &Value) {
        let group = text(item, "grp");
        for (key, task) in members_of(item, "homework") {
            let Some(task_text) = text(task, "value") else {
                continue;
            };
            load.rows += 1;
            let id = text(task, "id")
                .or_else(|| key.map(str::to_owned))
                .unwrap_or_default();
            let words = match &group {
                Some(group) => format!("({group}) {task_text}"),
                None => task_text,
            };
            let individual = task.get("individual").and_then(Value::as_bool) == Some(true)
                && !self.of.key.is_empty();
            let key = format!("{PREFIX}homework/{id}");
            let mut record =
                if individual {
                    let mut record = Record::new(Table::Homework, format!("{key}/{}", self.of.id))
                        .of("student_id", Table::Student, self.of.key);
                    record.student = Some(self.of.key.to_owned());
                    record
                } else {
                    let class = load.add_class(self.of.class);
                    Record::new(Table::Homework, key).of("class_id", Table::Class, &class)
                };
            record = record
                .of("subject_id", Table::Subject, &self.subject_key)
                .text("due_on", Some(&self.date.to_string()))
                .text("text", Some(&words))
                .text("links", links(item).as_deref());
            load.add(record);
        }
    }
}
