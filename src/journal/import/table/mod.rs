//! Tables of people as CSV: classes, students, guardians, contacts and consents, in whatever columns
//! a school has.

mod decode;
mod headers;
mod row;

use std::collections::BTreeSet;

use super::{Field, File, ImportError, ImportErrors, Load, Natural, Options, Record, Table};
use decode::Sheet;
use headers::{Column, Mapping};
use row::{Guardian, Person, Row};

const PREFIX: &str = "table/main/";

pub(super) fn read(files: &[File], options: &Options, errors: &mut ImportErrors) -> Load {
    let mut load = Load {
        prefix: PREFIX.into(),
        files: files.iter().map(|file| file.name.clone()).collect(),
        ..Load::default()
    };
    let mapping = match options.mapping.as_ref().map(Mapping::parse).transpose() {
        Ok(mapping) => mapping.unwrap_or_default(),
        Err(error) => {
            errors.add(error);
            return load;
        }
    };
    let mut guardians = Vec::new();
    for file in files {
        let recognised = decode::sheet(file).and_then(|sheet| {
            let columns = headers::recognise(file, &sheet, &mapping, options.class.is_some())?;
            Ok((sheet, columns))
        });
        match recognised {
            Ok((sheet, columns)) => {
                for row in rows(file, &sheet, &columns, options, errors) {
                    load.rows += 1;
                    add(&mut load, &mut guardians, &row, options);
                }
            }
            Err(error) => errors.add(error),
        }
    }
    load
}

fn rows(
    file: &File,
    sheet: &Sheet,
    columns: &[Option<Column>],
    options: &Options,
    errors: &mut ImportErrors,
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (line, cells) in &sheet.rows {
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        match row::read(columns, cells, options.class.as_ref()) {
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

/// A guardian whom an earlier row named, with what tells namesakes apart.
struct Known {
    person: Person,
    marks: BTreeSet<String>,
    key: String,
}

fn add(load: &mut Load, guardians: &mut Vec<Known>, row: &Row, options: &Options) {
    let class_key = format!("{PREFIX}class/{}{}", row.class.grade, row.class.letter);
    load.add(Record {
        natural: Natural::Class(row.class.clone()),
        ..Record::new(Table::Class, class_key.clone())
            .with("grade", Field::Int(i64::from(row.class.grade)))
            .with("letter", Field::Text(row.class.letter.clone()))
    });
    let student = &row.student;
    let student_key = format!("{PREFIX}student/{}", row.student_name());
    load.add(Record {
        natural: Natural::Student {
            surname: student.surname.clone(),
            given_name: student.given_name.clone(),
            birth_on: row.birth_on.clone(),
            class: Some(row.class.clone()),
        },
        ..Record::new(Table::Student, student_key.clone())
            .text("surname", Some(&student.surname))
            .text("given_name", Some(&student.given_name))
            .text("patronymic", student.patronymic.as_deref())
            .text("gender", row.gender)
            .text("birth_on", row.birth_on.as_deref())
    });
    load.add(
        Record::new(Table::Enrolment, format!("{student_key}/{class_key}"))
            .with("student_id", Field::Of(Table::Student, student_key.clone()))
            .with("class_id", Field::Of(Table::Class, class_key))
            .text("from_on", Some(&options.today.to_string())),
    );
    for guardian in &row.guardians {
        let key = guardian_key(guardians, guardian, &student_key);
        add_guardian(load, guardian, &key, &student_key);
    }
}

/// The key of a guardian: a row with the same name that shares an address or a student is the same
/// person. Without either, two namesakes stay two.
fn guardian_key(known: &mut Vec<Known>, guardian: &Guardian, student: &str) -> String {
    let mut marks: BTreeSet<String> = guardian
        .contacts
        .iter()
        .map(|(_, address)| address.clone())
        .collect();
    let anchor = marks.first().cloned().unwrap_or_else(|| student.to_owned());
    marks.insert(student.to_owned());
    let same = known
        .iter_mut()
        .find(|other| other.person == guardian.person && !other.marks.is_disjoint(&marks));
    if let Some(same) = same {
        same.marks.extend(marks);
        return same.key.clone();
    }
    let key = format!("{PREFIX}guardian/{}/{anchor}", guardian.person.words());
    known.push(Known {
        person: guardian.person.clone(),
        marks,
        key: key.clone(),
    });
    key
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
            .with("guardian_id", Field::Of(Table::Guardian, key.to_owned()))
            .with("student_id", Field::Of(Table::Student, student.to_owned()))
            .text("relation", guardian.relation),
    );
    for (at, (channel, address)) in guardian.contacts.iter().enumerate() {
        let rank = i64::try_from(at).unwrap_or(0) + 1;
        load.add(
            Record::new(Table::Contact, format!("{key}/{channel}/{address}"))
                .with("guardian_id", Field::Of(Table::Guardian, key.to_owned()))
                .text("channel", Some(channel))
                .text("address", Some(address))
                .with("rank", Field::Int(rank))
                .text("source", Some("import")),
        );
    }
    for (purpose, state) in &guardian.consents {
        load.add(
            Record::new(Table::Consent, format!("{key}/{student}/{purpose}"))
                .with("guardian_id", Field::Of(Table::Guardian, key.to_owned()))
                .with("student_id", Field::Of(Table::Student, student.to_owned()))
                .text("purpose", Some(purpose))
                .text("state", Some(state))
                .text("document", guardian.document.as_deref())
                .text("signed_on", guardian.signed_on.as_deref()),
        );
    }
}

#[cfg(test)]
mod tests;
