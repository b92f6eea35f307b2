//! Tables of people as CSV or XLSX: classes, students, guardians, contacts and consents, in whatever
//! columns a school has.

mod decode;
mod headers;
mod register;
mod row;
mod workbook;

use std::collections::BTreeSet;

use super::{Field, File, ImportError, ImportErrors, Load, Natural, Options, Record, Table};
pub use register::{Answer, Named};

use decode::Sheet;
use headers::{Column, Mapping};
pub(super) use register::read as read_register;
use row::{Guardian, Person, Row};

use crate::journal::class_name::ClassName;

const PREFIX: &str = "table/main/";

pub(super) fn read(files: &[File], options: &Options, errors: &mut ImportErrors) -> Load {
    let mut load = Load {
        prefix: PREFIX.into(),
        files: files.iter().map(|file| file.name.clone()).collect(),
        ..Load::default()
    };
    let mapping = match &options.mapping {
        Some(file) => Mapping::parse(file, errors),
        None => Mapping::default(),
    };
    if !errors.is_empty() {
        return load;
    }
    let mut known = Known::default();
    for file in files {
        let Some(sheet) = sheet(file, &mapping, errors) else {
            continue;
        };
        let class_known = options.class.is_some();
        let Some(columns) = headers::recognise(file, &sheet, &mapping, class_known, errors) else {
            continue;
        };
        let read = |line, cells: &[String]| {
            row::read(&columns, cells, options.class.as_ref()).map(|row| (line, row))
        };
        for (line, row) in rows(file, &sheet, errors, read) {
            load.rows += 1;
            match known.student(&row) {
                Ok(student) => add(&mut load, &mut known, &row, &student, options),
                Err(clash) => errors.add(ImportError {
                    row: Some(format!("line {line}")),
                    ..clash.told(&file.name, &sheet, &columns)
                }),
            }
        }
    }
    load
}

/// The headers and rows of a file; none where it cannot be read, which is noted among the errors.
fn sheet(file: &File, mapping: &Mapping, errors: &mut ImportErrors) -> Option<Sheet> {
    let sheet = if workbook::is_workbook(file) {
        workbook::sheet(file, |cells| headers::is_header(cells, mapping))
    } else {
        decode::sheet(file, errors)
    };
    sheet.map_err(|error| errors.add(error)).ok()
}

/// Why a row's student cannot be told.
enum Clash {
    /// It may be one of several of this name.
    Several(String),
    /// The same person stands in two classes.
    TwoClasses(ClassName, ClassName),
}

impl Clash {
    fn told(self, file: &str, sheet: &Sheet, columns: &[Option<Column>]) -> ImportError {
        match self {
            Self::Several(name) => ImportError {
                value: Some(name),
                ..ImportError::whole(
                    file,
                    "may be several students",
                    "add a column with the date of birth",
                )
            },
            Self::TwoClasses(here, there) => {
                let at = columns
                    .iter()
                    .position(|column| *column == Some(Column::Class));
                ImportError {
                    column: at.and_then(|at| sheet.headers.get(at).cloned()),
                    value: Some(format!("{}{}", here.grade, here.letter)),
                    ..ImportError::whole(
                        file,
                        &format!("cannot be: the same student is in {there} as well"),
                        "leave one of the two rows out",
                    )
                }
            }
        }
    }
}

/// What `read` makes of each line that is not empty; its faults are added to the errors.
fn rows<T>(
    file: &File,
    sheet: &Sheet,
    errors: &mut ImportErrors,
    read: impl Fn(u64, &[String]) -> Result<T, Vec<row::Fault>>,
) -> Vec<T> {
    let mut rows = Vec::new();
    for (line, cells) in &sheet.rows {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        match read(*line, cells) {
            Ok(row) => rows.push(row),
            Err(faults) => {
                for fault in faults {
                    errors.add(ImportError {
                        row: Some(format!("line {line}")),
                        column: fault.column.and_then(|at| sheet.headers.get(at).cloned()),
                        value: fault.value,
                        ..ImportError::whole(&file.name, &fault.problem, &fault.remedy)
                    });
                }
            }
        }
    }
    rows
}

/// Who was named in earlier rows, with what tells namesakes apart.
#[derive(Default)]
struct Known {
    students: Vec<(Person, ClassName, Option<String>, String)>,
    guardians: Vec<(Person, BTreeSet<String>, String)>,
}

impl Known {
    /// The key of a row's student. The same name in the same class is the same student, unless two
    /// dates of birth say otherwise; a row without a date that may mean two is an error.
    fn student(&mut self, row: &Row) -> Result<String, Clash> {
        let elsewhere = self.students.iter().find(|(person, class, birth_on, _)| {
            person.surname == row.student.surname
                && person.given_name == row.student.given_name
                && birth_on.is_some()
                && *birth_on == row.birth_on
                && *class != row.class
        });
        if let Some((_, there, ..)) = elsewhere {
            return Err(Clash::TwoClasses(row.class.clone(), there.clone()));
        }
        let mut same: Vec<_> = self
            .students
            .iter_mut()
            .filter(|(person, class, birth_on, _)| {
                let born = [birth_on, &row.birth_on]
                    .into_iter()
                    .flatten()
                    .collect::<BTreeSet<_>>();
                person.surname == row.student.surname
                    && person.given_name == row.student.given_name
                    && *class == row.class
                    && born.len() < 2
            })
            .collect();
        match same.as_mut_slice() {
            [] => {
                let key = format!("{PREFIX}student/{}", row.student_name());
                let person = row.student.clone();
                self.students
                    .push((person, row.class.clone(), row.birth_on.clone(), key.clone()));
                Ok(key)
            }
            [(_, _, birth_on, key)] => {
                *birth_on = birth_on.take().or_else(|| row.birth_on.clone());
                Ok(key.clone())
            }
            _ => Err(Clash::Several(row.student.words())),
        }
    }

    /// The key of a guardian: a row with the same name that shares an address or a student is the
    /// same person. Without either, two namesakes stay two.
    fn guardian(&mut self, guardian: &Guardian, student: &str) -> String {
        let mut marks: BTreeSet<String> = guardian
            .contacts
            .iter()
            .map(|(_, address)| address.clone())
            .collect();
        let anchor = marks.first().cloned().unwrap_or_else(|| student.to_owned());
        marks.insert(student.to_owned());
        let same = self
            .guardians
            .iter_mut()
            .find(|(person, others, _)| *person == guardian.person && !others.is_disjoint(&marks));
        if let Some((_, others, key)) = same {
            others.extend(marks);
            return key.clone();
        }
        let key = format!("{PREFIX}guardian/{}/{anchor}", guardian.person.words());
        self.guardians
            .push((guardian.person.clone(), marks, key.clone()));
        key
    }
}

fn add(load: &mut Load, known: &mut Known, row: &Row, student_key: &str, options: &Options) {
    let class_key = load.add_class(&row.class);
    let student = &row.student;
    load.add(Record {
        natural: Natural::Student {
            surname: student.surname.clone(),
            given_name: student.given_name.clone(),
            birth_on: row.birth_on.clone(),
            class: Some(row.class.clone()),
        },
        ..Record::new(Table::Student, student_key)
            .text("surname", Some(&student.surname))
            .text("given_name", Some(&student.given_name))
            .text("patronymic", student.patronymic.as_deref())
            .text("gender", row.gender)
            .text("birth_on", row.birth_on.as_deref())
    });
    load.add(
        Record::new(Table::Enrolment, format!("{student_key}/{class_key}"))
            .of("student_id", Table::Student, student_key)
            .of("class_id", Table::Class, &class_key)
            .text("from_on", Some(&options.today.to_string())),
    );
    for guardian in &row.guardians {
        let key = known.guardian(guardian, student_key);
        add_guardian(load, guardian, &key, student_key);
    }
}

fn add_guardian(load: &mut Load, guardian: &Guardian, key: &str, student: &str) {
    let person = &guardian.person;
    load.add(Record {
        natural: Natural::Guardian {
            surname: person.surname.clone(),
            given_name: person.given_name.clone(),
            students: vec![student.to_owned()],
        },
        ..Record::new(Table::Guardian, key)
            .text("surname", Some(&person.surname))
            .text("given_name", Some(&person.given_name))
            .text("patronymic", person.patronymic.as_deref())
            .text("preset", guardian.preset)
    });
    load.add(
        Record::new(Table::Guardianship, format!("{key}/{student}"))
            .of("guardian_id", Table::Guardian, key)
            .of("student_id", Table::Student, student)
            .text("relation", guardian.relation),
    );
    for (at, (channel, address)) in guardian.contacts.iter().enumerate() {
        let rank = i64::try_from(at).unwrap_or(0) + 1;
        load.add(
            Record::new(Table::Contact, format!("{key}/{channel}/{address}"))
                .of("guardian_id", Table::Guardian, key)
                .text("channel", Some(channel))
                .text("address", Some(address))
                .with("rank", Field::Int(rank))
                .text("source", Some("import")),
        );
    }
    for (purpose, state) in &guardian.consents {
        load.add(
            Record::new(Table::Consent, format!("{key}/{student}/{purpose}"))
                .of("guardian_id", Table::Guardian, key)
                .of("student_id", Table::Student, student)
                .text("purpose", Some(purpose))
                .text("state", Some(state))
                .text("document", guardian.document.as_deref())
                .text("signed_on", guardian.signed_on.as_deref()),
        );
    }
}

#[cfg(test)]
mod tests;
