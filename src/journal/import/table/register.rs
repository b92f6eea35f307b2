//! A register of consents as a table: who answered, for which student, for what, how, and by which paper.

use super::{
    super::{File, ImportErrors},
    headers::{self, Column, Mapping},
    row::{Cells, Fault, GUARDIAN_PARTS, Person, state},
    rows, sheet,
};
use crate::{
    family::consent::{ConsentState, Purpose},
    journal::class_name::ClassName,
};

/// A person as a register names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// «Соколова»
    pub surname: String,
    /// «Ольга»
    pub given_name: String,
    /// «Викторовна»
    pub patronymic: Option<String>,
}

/// One line of the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The line, for messages.
    pub line: u64,
    /// Who answered.
    pub guardian: Named,
    /// For which student.
    pub student: Named,
    /// The student's class, where the register names it.
    pub class: Option<ClassName>,
    /// For what, and how.
    pub answers: Vec<(Purpose, ConsentState)>,
    /// The paper that proves it.
    pub document: String,
    /// The day it was signed, `YYYY-MM-DD`.
    pub signed_on: Option<String>,
}

impl From<Person> for Named {
    fn from(person: Person) -> Self {
        Self {
            surname: person.surname,
            given_name: person.given_name,
            patronymic: person.patronymic,
        }
    }
}

/// Reads a register; all that is wrong with it is noted among the errors.
pub(in super::super) fn read(
    file: &File,
    mapping: Option<&File>,
    errors: &mut ImportErrors,
) -> Vec<Answer> {
    let mapping = mapping.map_or_else(Mapping::default, |file| Mapping::parse(file, errors));
    if !errors.is_empty() {
        return Vec::new();
    }
    let Some(sheet) = sheet(file, &mapping, errors) else {
        return Vec::new();
    };
    let Some(columns) = headers::recognise_register(file, &sheet, &mapping, errors) else {
        return Vec::new();
    };
    rows(file, &sheet, errors, |line, texts| {
        answer(line, &columns, texts)
    })
}

fn answer(line: u64, columns: &[Option<Column>], texts: &[String]) -> Result<Answer, Vec<Fault>> {
    let mut cells = Cells {
        columns,
        texts,
        faults: Vec::new(),
    };
    let student = cells.student();
    let before = cells.faults.len();
    let guardian = cells.person(Column::Guardian, Some(GUARDIAN_PARTS));
    if guardian.is_none() && cells.faults.len() == before {
        cells.fault(Column::Guardian, "is missing", "write who answered");
    }
    let class = cells.get(Column::Class).and_then(|text| {
        let class = text.parse().ok();
        if class.is_none() {
            let remedy = "write grade and letter, as in 5А";
            cells.fault(Column::Class, "is no class", remedy);
        }
        class
    });
    let answers = answers(&mut cells);
    let document = cells.get(Column::Document);
    if document.is_none() {
        let remedy = "write the number of the paper that proves it";
        cells.fault(Column::Document, "is missing", remedy);
    }
    let signed_on = cells.date(Column::SignedOn);
    match (student, guardian, document) {
        (Some(student), Some(guardian), Some(document)) if cells.faults.is_empty() => Ok(Answer {
            line,
            guardian: guardian.into(),
            student: student.into(),
            class,
            answers,
            document,
            signed_on,
        }),
        _ => Err(cells.faults),
    }
}

/// What was answered: one answer for all the purposes of a cell, or a column for each purpose.
fn answers(cells: &mut Cells<'_>) -> Vec<(Purpose, ConsentState)> {
    let typed = |(purpose, state): (&str, &str)| {
        let known = ConsentState::STORED.into_iter();
        let state = known.into_iter().find(|known| known.code() == state);
        Purpose::from_code(purpose).zip(state)
    };
    let mut answers: Vec<_> = cells.consents().into_iter().filter_map(typed).collect();
    if let Some(text) = cells.get(Column::Purpose) {
        let answer = cells.get(Column::State).unwrap_or_default();
        let Some(state) = state(&answer) else {
            let remedy = "write да, нет or отозвано";
            cells.fault(Column::State, "is no answer", remedy);
            return answers;
        };
        let text = text.to_lowercase().replace(" и ", ",");
        for word in text.split([',', ';', '/', '+', '\n']).map(str::trim) {
            match purpose(word) {
                Some(purpose) => answers.extend(typed((purpose, state))),
                None if word.is_empty() => {}
                None => {
                    let remedy = "write данные, SMS, почта or мессенджер, several with commas";
                    cells.fault(Column::Purpose, "is no purpose", remedy);
                }
            }
        }
    }
    if answers.is_empty() && cells.faults.is_empty() {
        let remedy = "write for what and how was answered, or take the row out";
        cells.fault(Column::Purpose, "holds no answer", remedy);
    }
    answers
}

fn purpose(word: &str) -> Option<&'static str> {
    match word {
        "data"
        | "данные"
        | "пдн"
        | "персональные данные"
        | "обработка"
        | "обработка персональных данных" => Some("data"),
        "sms" | "смс" => Some("sms"),
        "email" | "e-mail" | "почта" | "эл. почта" | "электронная почта" => {
            Some("email")
        }
        "messenger" | "мессенджер" | "telegram" | "телеграм" | "телеграмм" => {
            Some("messenger")
        }
        _ => None,
    }
}
