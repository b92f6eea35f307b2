//! «Сетевой город. Образование»: diaries, students, assignment types and terms as its web service
//! gives them.
//!
//! Ids differ between servers and a mark's id is that of its assignment, which a whole class shares:
//! a mark's key is assignment and student.

mod shape;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    Diary, Field, File, ImportError, ImportErrors, Load, Natural, Options, Record, Table, term,
};
use crate::journal::{cell::DEBT, class_name::ClassName};
use shape::{Assignment, DiaryFile, Kind, Lesson, Student, Term};

/// The assignment type of homework on every server that was seen.
const HOMEWORK: i64 = 3;

/// What the files are, before they are put together.
#[derive(Default)]
struct Files<'a> {
    diaries: Vec<(&'a File, DiaryFile)>,
    students: Vec<Student>,
    kinds: BTreeMap<i64, String>,
    terms: Vec<Term>,
}

pub(super) fn read(files: &[File], options: &Options, errors: &mut ImportErrors) -> Load {
    let mut load = Load {
        prefix: "netschool/main/".into(),
        files: files.iter().map(|file| file.name.clone()).collect(),
        ..Load::default()
    };
    let mut sorted = Files::default();
    for file in files {
        if let Err(error) = sorted.add(file) {
            errors.add(error);
        }
    }
    for term in &sorted.terms {
        if let Some(term) = term_record(&load.prefix, term) {
            load.add(term);
        }
    }
    // The latest first: it says in which class the student is now.
    sorted
        .diaries
        .sort_by(|(_, a), (_, b)| b.week_start.cmp(&a.week_start));
    for (file, diary) in &sorted.diaries {
        if let Err(error) = add_diary(&mut load, &sorted, file, diary, options) {
            errors.add(error);
        }
    }
    if sorted.diaries.is_empty() && errors.is_empty() {
        let all = load.files.join(", ");
        let remedy = "add the diary: student/diary for one week";
        errors.add(ImportError::whole(&all, "has no diary", remedy));
    }
    load
}

impl<'a> Files<'a> {
    /// Recognises a file by its content.
    fn add(&mut self, file: &'a File) -> Result<(), ImportError> {
        let tree: Value = serde_json::from_slice(file.content()).map_err(|error| ImportError {
            row: Some(format!("line {}", error.line())),
            ..ImportError::whole(
                &file.name,
                if error.is_eof() {
                    "ends in the middle"
                } else {
                    "is no valid JSON"
                },
                "export it again",
            )
        })?;
        let shape = |error: serde_path_to_error::Error<serde_json::Error>| ImportError {
            row: Some(error.path().to_string()),
            ..ImportError::whole(
                &file.name,
                &format!("is not as the web service gives it ({})", error.inner()),
                "export it again; if that does not help, the server's version is not known",
            )
        };
        let first = tree
            .as_array()
            .and_then(|array| array.first())
            .unwrap_or(&tree);
        let has = |key: &str| first.get(key).is_some();
        if has("weekDays") {
            let diaries = if tree.is_array() {
                tree
            } else {
                Value::Array(vec![tree])
            };
            let diaries: Vec<DiaryFile> =
                serde_path_to_error::deserialize(diaries).map_err(shape)?;
            self.diaries
                .extend(diaries.into_iter().map(|diary| (file, diary)));
        } else if has("students") {
            // An array, or a dictionary keyed "0", "1".
            let students = match &tree["students"] {
                Value::Object(keyed) => keyed.values().cloned().collect(),
                other => other.clone(),
            };
            let students: Vec<Student> =
                serde_path_to_error::deserialize(students).map_err(shape)?;
            self.students.extend(students);
        } else if has("abbr") {
            let kinds: Vec<Kind> = serde_path_to_error::deserialize(tree).map_err(shape)?;
            self.kinds
                .extend(kinds.into_iter().map(|kind| (kind.id, kind.name)));
        } else if has("startDate") && has("endDate") {
            let terms: Vec<Term> = serde_path_to_error::deserialize(tree).map_err(shape)?;
            self.terms.extend(terms);
        } else {
            return Err(ImportError::whole(
                &file.name,
                "is none of diary, students (diary/init), assignment types and terms",
                "leave it out",
            ));
        }
        Ok(())
    }
}

fn add_diary(
    load: &mut Load,
    files: &Files<'_>,
    file: &File,
    diary: &DiaryFile,
    options: &Options,
) -> Result<(), ImportError> {
    let wrong = |problem: &str, remedy: &str| ImportError::whole(&file.name, problem, remedy);
    let student = whose(files, file, diary)?;
    let known = files.students.iter().find(|one| one.id == student);
    let class = class_of(file, diary, known, options)?;
    let day = |field: &str, value: &str| {
        value
            .get(..10)
            .and_then(|date| date.parse::<NaiveDate>().ok())
            .ok_or_else(|| ImportError {
                column: Some(field.to_owned()),
                value: Some(value.to_owned()),
                ..wrong("is no date", "export it again")
            })
    };
    let (from, to) = (
        day("weekStart", &diary.week_start)?,
        day("weekEnd", &diary.week_end)?,
    );
    let prefix = load.prefix.clone();
    let student_key = format!("{prefix}student/{student}");
    load.add_diary(Diary {
        file: file.name.clone(),
        student: Some(student_key.clone()),
        class: class.clone(),
        from,
        to,
        of: vec![Table::Mark],
    })?;
    let class_key = load.add_class(&class);
    load.add(student_record(&student_key, student, known, &class));
    // One per student: of several weeks the latest comes first.
    load.add(
        Record::new(Table::Enrolment, student_key.clone())
            .of("student_id", Table::Student, &student_key)
            .of("class_id", Table::Class, &class_key)
            .text("from_on", Some(&options.today.to_string())),
    );
    for week_day in &diary.week_days {
        let date = day("weekDays.date", &week_day.date)?;
        if date < from || to < date {
            return Err(ImportError {
                column: Some("weekDays.date".into()),
                value: Some(week_day.date.clone()),
                ..wrong("lies outside the diary's own week", "export it again")
            });
        }
        for lesson in &week_day.lessons {
            let place = Place {
                prefix: &prefix,
                student: &student_key,
                class: &class_key,
                subject: &format!("{prefix}subject/{}", lesson.subject_name.trim()),
                lesson: &format!("{prefix}lesson/{}", lesson.classmeeting_id),
                date,
            };
            place.add(load, lesson, student, &files.kinds, file)?;
        }
    }
    Ok(())
}

/// Whose diary it is. It says so only in its marks; without any, by the students' file or its name.
fn whose(files: &Files<'_>, file: &File, diary: &DiaryFile) -> Result<i64, ImportError> {
    let mut by_marks = diary
        .week_days
        .iter()
        .flat_map(|day| &day.lessons)
        .flat_map(|lesson| &lesson.assignments)
        .filter_map(|assignment| assignment.mark.as_ref())
        .map(|mark| mark.student_id);
    if let Some(first) = by_marks.next() {
        return if by_marks.all(|other| other == first) {
            Ok(first)
        } else {
            let problem = "holds marks of several students";
            Err(ImportError::whole(
                &file.name,
                problem,
                "export one diary per student",
            ))
        };
    }
    // The last number of the path that is a student's: folders may have numbers too.
    let named = file
        .name
        .rsplit(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse::<i64>().ok())
        .find(|number| files.students.iter().any(|one| one.id == *number));
    match (files.students.as_slice(), named) {
        ([only], _) => Ok(only.id),
        (_, Some(named)) => Ok(named),
        _ => Err(ImportError::whole(
            &file.name,
            "does not say whose diary it is, because it has no mark",
            "put the student's id into the file's name, as in diary_472001.json, and add diary/init",
        )),
    }
}

/// The class: the diary's, else the student's, else the one that the caller names.
fn class_of(
    file: &File,
    diary: &DiaryFile,
    known: Option<&Student>,
    options: &Options,
) -> Result<ClassName, ImportError> {
    let written = diary
        .class_name
        .as_deref()
        .or_else(|| known.and_then(|one| one.class_name.as_deref()));
    let read = written.and_then(|name| name.parse().ok());
    read.or_else(|| options.class.clone()).ok_or_else(|| {
        let remedy = "name the class with --class, as in --class 5А";
        ImportError {
            column: Some("className".into()),
            value: written.map(str::to_owned),
            ..ImportError::whole(
                &file.name,
                if written.is_some() {
                    "is no class"
                } else {
                    "is missing"
                },
                remedy,
            )
        }
    })
}

/// A student without a name in any file may still be known to the database by key; else a stand-in
/// serves until a file names them.
fn student_record(key: &str, id: i64, known: Option<&Student>, class: &ClassName) -> Record {
    let Some(known) = known else {
        let record = Record::new(Table::Student, key)
            .text("surname", Some("Ученик"))
            .text("given_name", Some(&format!("№ {id}")));
        return Record {
            nameless: true,
            ..record
        };
    };
    let mut words = known.nick_name.split_whitespace();
    let surname = words.next().unwrap_or_default().to_owned();
    let given_name = words.collect::<Vec<_>>().join(" ");
    Record {
        natural: Natural::Student {
            surname: surname.clone(),
            given_name: given_name.clone(),
            birth_on: None,
            class: Some(class.clone()),
        },
        ..Record::new(Table::Student, key)
            .text("surname", Some(&surname))
            .text(
                "given_name",
                Some(if given_name.is_empty() {
                    &surname
                } else {
                    &given_name
                }),
            )
    }
}

fn lesson_record(
    key: &str,
    lesson: &Lesson,
    date: NaiveDate,
    class: &str,
    subject: &str,
) -> Record {
    let clock = |time: &Option<String>| {
        time.as_deref()
            .filter(|time| time.len() == 5)
            .map(str::to_owned)
    };
    let mut record = Record::new(Table::Lesson, key)
        .of("class_id", Table::Class, class)
        .of("subject_id", Table::Subject, subject)
        .with("date", Field::Text(date.to_string()))
        .text("starts_at", clock(&lesson.start_time).as_deref())
        .text("ends_at", clock(&lesson.end_time).as_deref())
        .text("room", lesson.room.as_deref());
    if let Some(number) = lesson.number {
        record = record.with("number", Field::Int(number));
    }
    record
}

fn term_record(prefix: &str, term: &Term) -> Option<Record> {
    let (kind, number) = term::named(&term.name)?;
    Some(
        Record::new(Table::Term, format!("{prefix}term/{}", term.id))
            .text("kind", Some(kind))
            .with("number", Field::Int(number))
            .text("starts_on", term.start_date.get(..10))
            .text("ends_on", term.end_date.get(..10)),
    )
}

/// Where an assignment stands.
struct Place<'a> {
    prefix: &'a str,
    student: &'a str,
    class: &'a str,
    subject: &'a str,
    lesson: &'a str,
    date: NaiveDate,
}

impl Place<'_> {
    /// Adds a lesson with its homework and marks.
    fn add(
        &self,
        load: &mut Load,
        lesson: &Lesson,
        student: i64,
        kinds: &BTreeMap<i64, String>,
        file: &File,
    ) -> Result<(), ImportError> {
        let name = lesson.subject_name.trim();
        if name.is_empty() {
            return Err(ImportError {
                row: Some(format!("lesson {}", lesson.classmeeting_id)),
                column: Some("subjectName".into()),
                ..ImportError::whole(&file.name, "is empty", "export it again")
            });
        }
        load.add_subject(name);
        load.add(lesson_record(
            self.lesson,
            lesson,
            self.date,
            self.class,
            self.subject,
        ));
        for assignment in &lesson.assignments {
            load.rows += 1;
            if let Some(homework) = self.homework(assignment) {
                load.add(homework);
            }
            if let Some(mark) = self.mark(assignment, student, kinds, file)? {
                load.add(mark);
            }
        }
        Ok(())
    }

    fn homework(&self, assignment: &Assignment) -> Option<Record> {
        let text = named(assignment.name.as_deref())?;
        (assignment.type_id == HOMEWORK).then(|| {
            Record::new(
                Table::Homework,
                format!("{}homework/{}", self.prefix, assignment.id),
            )
            .of("class_id", Table::Class, self.class)
            .of("subject_id", Table::Subject, self.subject)
            .of("lesson_id", Table::Lesson, self.lesson)
            .text("due_on", Some(&self.date.to_string()))
            .text("text", Some(text))
        })
    }

    fn mark(
        &self,
        assignment: &Assignment,
        student: i64,
        kinds: &BTreeMap<i64, String>,
        file: &File,
    ) -> Result<Option<Record>, ImportError> {
        let Some(mark) = &assignment.mark else {
            return Ok(None);
        };
        let value = match &mark.value {
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::String(text)) if !text.trim().is_empty() => text.trim().to_owned(),
            // The point: work that the student still owes.
            None | Some(Value::Null | Value::String(_)) if mark.debt => DEBT.to_owned(),
            None | Some(Value::Null | Value::String(_)) => return Ok(None),
            Some(other) => {
                return Err(ImportError {
                    row: Some(format!("assignment {}", assignment.id)),
                    column: Some("mark".into()),
                    value: Some(other.to_string()),
                    ..ImportError::whole(&file.name, "is no mark", "export it again")
                });
            }
        };
        let key = format!("{}mark/{}/{student}", self.prefix, assignment.id);
        let comment = assignment
            .mark_comment
            .as_ref()
            .and_then(|comment| comment.name.as_deref());
        let mut record = Record::new(Table::Mark, key)
            .of("student_id", Table::Student, self.student)
            .of("subject_id", Table::Subject, self.subject)
            .of("lesson_id", Table::Lesson, self.lesson)
            .text("date", Some(&self.date.to_string()))
            .text("value", Some(&value))
            .text(
                "work_kind",
                kinds.get(&assignment.type_id).map(String::as_str),
            )
            .text("comment", comment);
        if let Some(weight) = assignment.weight.filter(|weight| *weight > 0.0) {
            record = record.with("weight", Field::Real(weight));
        }
        record.student = Some(self.student.to_owned());
        Ok(Some(record))
    }
}

/// An assignment's name, unless it is one of the dashes that stand for none.
fn named(name: Option<&str>) -> Option<&str> {
    let name = name?.trim();
    let bare = name.trim_matches(['-', '–', '—', '.', ' ']).to_lowercase();
    let none =
        bare.is_empty() || bare == "не указана" || bare == "не задано" || bare == "не указано";
    (!none).then_some(name)
}

#[cfg(test)]
mod tests;
