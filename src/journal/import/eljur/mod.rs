//! ЭлЖур: the answers of its API, one file each, as they were received.
//!
//! A mark has no id: its key is student, subject, date, lesson and the place in the cell, and what it
//! was before is known only by comparing. Absence letters stand among the marks.

mod answers;
mod shape;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    Diary, Field, File, ImportError, ImportErrors, Load, Natural, Options, Record, Table, term,
};
use crate::journal::class_name::ClassName;
use shape::{members, members_of, text};

const PREFIX: &str = "eljur/main/";

/// What kind of answer a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Rules,
    Periods,
    Marks,
    Diary,
    HomeworkOfStudents,
    HomeworkOfClass,
    Results,
}

/// What the rules say of a student.
struct Known {
    surname: String,
    given_name: String,
    gender: Option<String>,
    class: Option<ClassName>,
}

/// What all files together say.
#[derive(Default)]
struct Context {
    students: BTreeMap<String, Known>,
    /// Per name of a period: its kind, its number, and its days.
    periods: BTreeMap<String, (&'static str, i64, NaiveDate, NaiveDate)>,
}

/// One file's result.
struct Answer<'a> {
    file: &'a File,
    kind: Kind,
    result: Value,
}

pub(super) fn read(files: &[File], options: &Options, errors: &mut ImportErrors) -> Load {
    let mut load = Load {
        prefix: PREFIX.into(),
        files: files.iter().map(|file| file.name.clone()).collect(),
        ..Load::default()
    };
    let mut answers = Vec::new();
    for file in files {
        match open(file) {
            Ok(answer) => answers.push(answer),
            Err(error) => errors.add(error),
        }
    }
    // Who they are and when the terms are is needed by the others.
    answers.sort_by_key(|answer| answer.kind);
    let mut context = Context::default();
    for answer in &answers {
        let read = match answer.kind {
            Kind::Rules => context.rules(answer),
            Kind::Periods => context.periods(answer),
            _ => Ok(()),
        };
        if let Err(error) = read {
            errors.add(error);
        }
    }
    context.terms(&mut load);
    for answer in &answers {
        let reader = Reader {
            file: answer.file,
            context: &context,
            options,
        };
        if let Err(error) = reader.add(&mut load, answer) {
            errors.add(error);
        }
    }
    if errors.is_empty() && load.diaries.is_empty() && load.records.is_empty() {
        let all = load.files.join(", ");
        let remedy = "add the answers of getmarks, getdiary, gethomework or getfinalassessments";
        errors.add(ImportError::whole(
            &all,
            "say nothing of any student",
            remedy,
        ));
    }
    load
}

/// Opens the envelope and recognises the answer by its content.
fn open(file: &File) -> Result<Answer<'_>, ImportError> {
    let wrong = |problem: &str, remedy: &str| ImportError::whole(&file.name, problem, remedy);
    let mut tree: Value = serde_json::from_slice(file.content()).map_err(|error| ImportError {
        row: Some(format!("line {}", error.line())),
        ..wrong(
            if error.is_eof() {
                "ends in the middle"
            } else {
                "is no valid JSON"
            },
            "ask for it again",
        )
    })?;
    let Some(response) = tree.get_mut("response") else {
        return Err(wrong(
            "is no answer of ЭлЖур: it has no «response»",
            "keep the answer as it came; use --from netschool for «Сетевой город»",
        ));
    };
    let state = shape::int(response, "state");
    if state != Some(200) {
        return Err(ImportError {
            column: Some("state".into()),
            value: state.map(|state| state.to_string()),
            ..wrong("is an error answer of ЭлЖур", "log in and ask for it again")
        });
    }
    let result = response
        .get_mut("result")
        .map(Value::take)
        .unwrap_or_default();
    match kind(&result) {
        Ok(kind) => Ok(Answer { file, kind, result }),
        Err((problem, remedy)) => Err(wrong(problem, remedy)),
    }
}

fn kind(result: &Value) -> Result<Kind, (&'static str, &'static str)> {
    let has = |key: &str| result.get(key).is_some();
    if has("token") {
        return Err((
            "is the answer to a login and holds a key to the journal",
            "delete this file; nobody may keep it",
        ));
    }
    if has("relations") {
        return Ok(Kind::Rules);
    }
    if has("messages") || has("notices") || has("groups") || has("updates") {
        return Err(("is about messages and notices", "leave it out"));
    }
    if has("days") {
        let items = members_of(result, "days")
            .into_iter()
            .flat_map(|(_, day)| members_of(day, "items"));
        return if items
            .into_iter()
            .any(|(_, item)| item.get("homework").is_some())
        {
            Ok(Kind::HomeworkOfClass)
        } else {
            Err(("is a timetable, or has no homework", "leave it out"))
        };
    }
    let students = members_of(result, "students");
    if !has("students") {
        return Err((
            "is none of getrules, getperiods, getmarks, getdiary, gethomework and getfinalassessments",
            "leave it out",
        ));
    }
    let any = |key: &str| {
        students
            .iter()
            .any(|(_, student)| student.get(key).is_some())
    };
    if any("periods") {
        Ok(Kind::Periods)
    } else if any("lessons") {
        Ok(Kind::Marks)
    } else if any("days") {
        kind_of_days(&students)
    } else if any("items") {
        Ok(Kind::Results)
    } else {
        Err((
            "names no student who has anything",
            "ask for it again, or leave it out",
        ))
    }
}

/// A diary, homework and a timetable all are days of lessons.
fn kind_of_days(students: &[(Option<&str>, &Value)]) -> Result<Kind, (&'static str, &'static str)> {
    let items: Vec<&Value> = students
        .iter()
        .flat_map(|(_, student)| members_of(student, "days"))
        .flat_map(|(_, day)| members_of(day, "items"))
        .map(|(_, item)| item)
        .collect();
    let any = |key: &str| items.iter().any(|item| item.get(key).is_some());
    match (any("num"), any("homework"), any("assessments")) {
        (true, false, false) => Err(("is a timetable", "leave it out")),
        (true, ..) | (false, _, true) => Ok(Kind::Diary),
        _ => Ok(Kind::HomeworkOfStudents),
    }
}

impl Context {
    fn rules(&mut self, answer: &Answer<'_>) -> Result<(), ImportError> {
        let relations = answer.result.get("relations").unwrap_or(&Value::Null);
        for (key, student) in members_of(relations, "students") {
            let Some(id) = text(student, "name").or_else(|| key.map(str::to_owned)) else {
                continue;
            };
            let title = text(student, "title").unwrap_or_default();
            let (last, first) = title.split_once(' ').unwrap_or((title.as_str(), ""));
            let class = text(student, "class");
            let read = class.as_deref().map(str::parse::<ClassName>).transpose();
            let class = read.map_err(|_| ImportError {
                row: Some(format!("relations.students.{id}")),
                column: Some("class".into()),
                value: class.clone(),
                ..ImportError::whole(&answer.file.name, "is no class", "write it as 7Б")
            })?;
            let known = Known {
                surname: text(student, "lastname").unwrap_or_else(|| last.to_owned()),
                given_name: text(student, "firstname").unwrap_or_else(|| first.to_owned()),
                gender: text(student, "gender").filter(|one| one == "female" || one == "male"),
                class,
            };
            self.students.insert(id, known);
        }
        Ok(())
    }

    fn periods(&mut self, answer: &Answer<'_>) -> Result<(), ImportError> {
        for (_, student) in members_of(&answer.result, "students") {
            for (_, period) in members_of(student, "periods") {
                let Some(name) = text(period, "name") else {
                    continue;
                };
                let day = |key: &str| {
                    let value = text(period, key);
                    let read = value.as_deref().and_then(date);
                    read.ok_or_else(|| ImportError {
                        row: Some(format!("period {name}")),
                        column: Some(key.to_owned()),
                        value,
                        ..ImportError::whole(&answer.file.name, "is no date", "ask for it again")
                    })
                };
                if let Some((kind, number)) = term::named(&name) {
                    let days = (kind, number, day("start")?, day("end")?);
                    self.periods.insert(name, days);
                }
            }
        }
        // The year is no period of its own, and has results.
        let days = self.periods.values();
        let first = days.clone().map(|(.., start, _)| *start).min();
        let last = days.map(|(.., end)| *end).max();
        if let (Some(first), Some(last)) = (first, last) {
            self.periods
                .entry("Год".to_owned())
                .or_insert(("year", 1, first, last));
        }
        Ok(())
    }

    fn terms(&self, load: &mut Load) {
        for (name, (kind, number, start, end)) in &self.periods {
            load.add(
                Record::new(Table::Term, term_key(name))
                    .text("kind", Some(kind))
                    .with("number", Field::Int(*number))
                    .text("starts_on", Some(&start.to_string()))
                    .text("ends_on", Some(&end.to_string())),
            );
        }
    }
}

fn term_key(name: &str) -> String {
    format!("{PREFIX}term/{name}")
}

/// A day as `20261110`, `2026-11-10` or with a time behind it.
fn date(text: &str) -> Option<NaiveDate> {
    let plain: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
    NaiveDate::parse_from_str(&plain, "%Y%m%d").ok()
}

/// Reads one file.
struct Reader<'a> {
    file: &'a File,
    context: &'a Context,
    options: &'a Options,
}

impl Reader<'_> {
    fn add(&self, load: &mut Load, answer: &Answer<'_>) -> Result<(), ImportError> {
        match answer.kind {
            Kind::Rules => {
                for id in self.context.students.keys() {
                    self.student(load, id, None)?;
                }
                Ok(())
            }
            Kind::Periods => Ok(()),
            Kind::HomeworkOfClass => self.homework_of_class(load, &answer.result),
            _ => {
                for (key, student) in members_of(&answer.result, "students") {
                    let Some(id) = text(student, "name").or_else(|| key.map(str::to_owned)) else {
                        return Err(self.wrong("students", None, "has no student's id"));
                    };
                    let (student_key, class) =
                        self.student(load, &id, text(student, "title").as_deref())?;
                    let of = Of {
                        id: &id,
                        key: &student_key,
                        class: &class,
                    };
                    match answer.kind {
                        Kind::Marks => self.marks(load, &of, student)?,
                        Kind::Diary => self.diary(load, &of, student)?,
                        Kind::HomeworkOfStudents => self.homework(load, &of, student)?,
                        _ => self.results(load, &of, student)?,
                    }
                }
                Ok(())
            }
        }
    }

    fn wrong(&self, place: &str, value: Option<String>, problem: &str) -> ImportError {
        ImportError {
            row: Some(place.to_owned()),
            value,
            ..ImportError::whole(&self.file.name, problem, "ask for it again")
        }
    }

    /// Adds a student with class and enrolment; returns the student's key and the class.
    fn student(
        &self,
        load: &mut Load,
        id: &str,
        title: Option<&str>,
    ) -> Result<(String, ClassName), ImportError> {
        let known = self.context.students.get(id);
        let class = known
            .and_then(|known| known.class.clone())
            .or_else(|| self.options.class.clone())
            .ok_or_else(|| ImportError {
                row: Some(format!("student {id}")),
                ..ImportError::whole(
                    &self.file.name,
                    "does not say in which class the student is",
                    "add the answer of getrules, or name the class with --class, as in --class 7Б",
                )
            })?;
        let class_key = load.add_class(&class);
        let key = format!("{PREFIX}student/{id}");
        let (surname, given_name) = match (known, title) {
            (Some(known), _) => (known.surname.clone(), known.given_name.clone()),
            (None, Some(title)) => {
                let (surname, given) = title.split_once(' ').unwrap_or((title, title));
                (surname.to_owned(), given.trim().to_owned())
            }
            (None, None) => ("Ученик".to_owned(), format!("№ {id}")),
        };
        load.add(Record {
            natural: Natural::Student {
                surname: surname.clone(),
                given_name: given_name.clone(),
                birth_on: None,
                class: Some(class.clone()),
            },
            nameless: known.is_none() && title.is_none(),
            ..Record::new(Table::Student, key.clone())
                .text("surname", Some(&surname))
                .text("given_name", Some(&given_name))
                .text("gender", known.and_then(|known| known.gender.as_deref()))
        });
        load.add(
            Record::new(Table::Enrolment, key.clone())
                .of("student_id", Table::Student, &key)
                .of("class_id", Table::Class, &class_key)
                .text("from_on", Some(&self.options.today.to_string())),
        );
        Ok((key, class))
    }

    /// Notes that a file is complete for these days of a student, or of a class.
    fn complete(
        &self,
        load: &mut Load,
        student: Option<&str>,
        class: &ClassName,
        days: (NaiveDate, NaiveDate),
        of: Vec<Table>,
    ) -> Result<(), ImportError> {
        load.add_diary(Diary {
            file: self.file.name.clone(),
            student: student.map(str::to_owned),
            class: class.clone(),
            from: days.0,
            to: days.1,
            of,
        })
    }
}

/// Whom an answer is about.
struct Of<'a> {
    id: &'a str,
    key: &'a str,
    class: &'a ClassName,
}

/// The days that a file names anywhere, from the first to the last.
fn span(result: &[NaiveDate]) -> Option<(NaiveDate, NaiveDate)> {
    Some((*result.iter().min()?, *result.iter().max()?))
}

/// The days of a student's answer: each with its lessons.
fn days(student: &Value) -> Vec<(Option<String>, &Value)> {
    members_of(student, "days")
        .into_iter()
        .map(|(key, day)| (text(day, "name").or_else(|| key.map(str::to_owned)), day))
        .collect()
}

/// The items of a day with the names that key them.
fn items(day: &Value) -> Vec<(Option<&str>, &Value)> {
    day.get("items").map(members).unwrap_or_default()
}

#[cfg(test)]
mod tests;
