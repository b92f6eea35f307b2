//! One row of a table: a student, and perhaps those who answer for them.

use chrono::NaiveDate;
use vestnik_sms::phone;

use super::headers::Column;
use crate::{family::contact::is_mail, journal::class_name::ClassName};

/// A name in three parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) surname: String,
    pub(super) given_name: String,
    pub(super) patronymic: Option<String>,
}

/// A guardian named in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guardian {
    pub(super) person: Person,
    pub(super) relation: Option<&'static str>,
    pub(super) preset: Option<&'static str>,
    /// Channel and address.
    pub(super) contacts: Vec<(&'static str, String)>,
    /// Purpose and state.
    pub(super) consents: Vec<(&'static str, &'static str)>,
    pub(super) document: Option<String>,
    pub(super) signed_on: Option<String>,
}

/// A row that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) student: Person,
    pub(super) class: ClassName,
    pub(super) gender: Option<&'static str>,
    pub(super) birth_on: Option<String>,
    pub(super) guardians: Vec<Guardian>,
}

/// What is wrong with a cell.
pub(super) struct Fault {
    pub(super) column: Option<usize>,
    pub(super) value: Option<String>,
    pub(super) problem: String,
    pub(super) remedy: String,
}

impl Person {
    /// Surname first, as registers write it. A patronymic is known by its ending, so that «Пак Чжи
    /// Хун» has none; that of «Алиев Рустам Айдар оглы» has two words.
    fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (surname, rest) = words.split_first()?;
        let last = rest.last()?.to_lowercase();
        let ends = |endings: &[&str]| endings.iter().any(|ending| last.ends_with(ending));
        let of_patronymic = match rest.len() {
            3.. if ends(&["оглы", "оглу", "кызы", "гызы", "улы", "уулу"]) => {
                2
            }
            2.. if ends(&["ич", "вна", "чна", "шна"]) => 1,
            _ => 0,
        };
        let (given, patronymic) = rest.split_at(rest.len() - of_patronymic);
        Some(Self {
            surname: (*surname).to_owned(),
            given_name: given.join(" "),
            patronymic: Some(patronymic.join(" ")).filter(|text| !text.is_empty()),
        })
    }

    /// All its words.
    pub(super) fn words(&self) -> String {
        let words = [
            Some(&self.surname),
            Some(&self.given_name),
            self.patronymic.as_ref(),
        ];
        words
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Row {
    /// What a student is known by in later files: the name and the date of birth, else the class.
    pub(super) fn student_name(&self) -> String {
        let anchor = self
            .birth_on
            .clone()
            .unwrap_or_else(|| format!("{}{}", self.class.grade, self.class.letter));
        format!(
            "{} {}/{anchor}",
            self.student.surname, self.student.given_name
        )
    }
}

/// The day that a spreadsheet counts from 30 December 1899, where a date lost its format.
fn serial(text: &str) -> Option<NaiveDate> {
    let days: u64 = text.parse().ok()?;
    NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(chrono::Days::new(days))
}

/// The cells of one row by their columns.
pub(super) struct Cells<'a> {
    pub(super) columns: &'a [Option<Column>],
    pub(super) texts: &'a [String],
    pub(super) faults: Vec<Fault>,
}

impl Cells<'_> {
    /// The student whom the line is about, who must be named.
    pub(super) fn student(&mut self) -> Option<Person> {
        let parts = [
            Column::StudentSurname,
            Column::StudentGivenName,
            Column::StudentPatronymic,
        ];
        let student = self.person(Column::Student, Some(parts));
        if student.is_none() && self.faults.is_empty() {
            self.fault(Column::Student, "is missing", "write the student's name");
        }
        student
    }

    fn at(&self, column: Column) -> Option<(usize, &str)> {
        let at = self
            .columns
            .iter()
            .position(|known| *known == Some(column))?;
        let text = self.texts.get(at)?.trim();
        (!text.is_empty()).then_some((at, text))
    }

    fn has(&self, column: Column) -> bool {
        self.columns.contains(&Some(column))
    }

    /// Of two columns that may hold a name, the one that the table has.
    fn named(&self, whole: Column, part: Column) -> Column {
        if self.has(whole) { whole } else { part }
    }

    pub(super) fn get(&self, column: Column) -> Option<String> {
        self.at(column).map(|(_, text)| text.to_owned())
    }

    pub(super) fn fault(&mut self, column: Column, problem: &str, remedy: &str) {
        let at = self.columns.iter().position(|known| *known == Some(column));
        self.faults.push(Fault {
            column: at,
            value: at
                .and_then(|at| self.texts.get(at))
                .filter(|text| !text.is_empty())
                .cloned(),
            problem: problem.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    pub(super) fn person(&mut self, whole: Column, parts: Option<[Column; 3]>) -> Option<Person> {
        if let Some(text) = self.get(whole) {
            let person = Person::parse(&text);
            if person.is_none() {
                self.fault(whole, "is no full name", "write surname and given name");
            }
            return person;
        }
        let [surname, given, patronymic] = parts?;
        let surname_text = self.get(surname)?;
        let Some(given_name) = self.get(given) else {
            self.fault(given, "is missing", "write the given name");
            return None;
        };
        Some(Person {
            surname: surname_text,
            given_name,
            patronymic: self.get(patronymic),
        })
    }

    pub(super) fn date(&mut self, column: Column) -> Option<String> {
        let text = self.get(column)?;
        let date = ["%d.%m.%Y", "%Y-%m-%d", "%d/%m/%Y"]
            .iter()
            .find_map(|format| NaiveDate::parse_from_str(&text, format).ok())
            .or_else(|| serial(&text))
            .filter(|date| (1920..2100).contains(&chrono::Datelike::year(date)));
        if date.is_none() {
            self.fault(column, "is no date", "write it as 14.03.2012");
        }
        date.map(|date| date.to_string())
    }

    /// Every number and address in a cell; several stand there with commas, semicolons or «и».
    fn contacts(&mut self, phones: Column, mails: Column) -> Vec<(&'static str, String)> {
        let mut contacts = Vec::new();
        let pieces = |text: Option<String>| -> Vec<String> {
            let text = text.unwrap_or_default().replace(" и ", ",");
            let pieces = text
                .split([',', ';', '\n', '/'])
                .map(|piece| piece.trim().to_owned());
            pieces.filter(|piece| !piece.is_empty()).collect()
        };
        for mail in pieces(self.get(mails)) {
            if is_mail(&mail) {
                contacts.push(("email", mail.to_lowercase()));
            } else {
                self.fault(
                    mails,
                    "is no e-mail address",
                    "write it as name@example.org, or leave it empty",
                );
            }
        }
        let number = self.get(phones).unwrap_or_default();
        if number.to_uppercase().contains("E+") {
            let remedy = "format the column as text, correct the number and export again";
            self.fault(phones, "is a number that Excel has rounded", remedy);
            return contacts;
        }
        for number in pieces(Some(number)) {
            match phone::normalise(&number) {
                Ok(number) => contacts.push(("sms", number)),
                Err(error) => self.fault(
                    phones,
                    &error.to_string(),
                    "correct the number, or leave it empty",
                ),
            }
        }
        contacts
    }

    pub(super) fn consents(&mut self) -> Vec<(&'static str, &'static str)> {
        let mut consents = Vec::new();
        for (column, purposes) in [
            (Column::ConsentAll, &["data", "sms", "email"][..]),
            (Column::ConsentData, &["data"][..]),
            (Column::ConsentSms, &["sms"][..]),
            (Column::ConsentEmail, &["email"][..]),
            (Column::ConsentMessenger, &["messenger"][..]),
        ] {
            let Some(text) = self.get(column) else {
                continue;
            };
            let Some(state) = state(&text) else {
                self.fault(
                    column,
                    "is no answer",
                    "write да, нет or отозвано; leave it empty where nobody asked",
                );
                continue;
            };
            consents.extend(purposes.iter().map(|purpose| (*purpose, state)));
        }
        consents
    }

    fn preset(&mut self) -> Option<&'static str> {
        match self.get(Column::Preset)?.to_lowercase().as_str() {
            "только важное" | "important" => Some("important"),
            "раз в день" | "daily" => Some("daily"),
            "сразу" | "at_once" => Some("at_once"),
            "бумага" | "paper" => Some("paper"),
            _ => {
                self.fault(
                    Column::Preset,
                    "is not known",
                    "write только важное, раз в день, сразу or бумага",
                );
                None
            }
        }
    }
}

/// What an answer in a register means.
pub(super) fn state(text: &str) -> Option<&'static str> {
    match text.to_lowercase().as_str() {
        "да" | "+" | "yes" | "1" | "дано" | "согласие" | "согласен" | "согласна" | "given" => {
            Some("given")
        }
        "нет"
        | "-"
        | "no"
        | "0"
        | "отказ"
        | "отказано"
        | "не согласен"
        | "не согласна"
        | "refused" => Some("refused"),
        "отозвано" | "отзыв" | "withdrawn" => Some("withdrawn"),
        _ => None,
    }
}

/// Reads one row; all that is wrong with it at once.
pub(super) fn read(
    columns: &[Option<Column>],
    cells: &[String],
    class: Option<&ClassName>,
) -> Result<Row, Vec<Fault>> {
    let mut cells = Cells {
        columns,
        texts: cells,
        faults: Vec::new(),
    };
    let student = cells.student();
    let named = match cells.get(Column::Class) {
        Some(text) => {
            let named = text.parse::<ClassName>().ok();
            if named.is_none() {
                cells.fault(
                    Column::Class,
                    "is no class",
                    "write grade and letter, as in 5А",
                );
            }
            named
        }
        None => class.cloned(),
    };
    if named.is_none() && cells.get(Column::Class).is_none() {
        cells.fault(
            Column::Class,
            "is missing",
            "write grade and letter, as in 5А",
        );
    }
    let gender = match cells
        .get(Column::Gender)
        .map(|text| text.to_lowercase())
        .as_deref()
    {
        None => None,
        Some("м" | "муж" | "мужской" | "m" | "male") => Some("male"),
        Some("ж" | "жен" | "женский" | "f" | "female") => Some("female"),
        Some(_) => {
            cells.fault(
                Column::Gender,
                "is not known",
                "write М or Ж, or leave it empty",
            );
            None
        }
    };
    let birth_on = cells.date(Column::BirthOn);
    let guardians = guardians(&mut cells);
    match (student, named) {
        (Some(student), Some(class)) if cells.faults.is_empty() => Ok(Row {
            student,
            class,
            gender,
            birth_on,
            guardians,
        }),
        _ => Err(cells.faults),
    }
}

pub(super) const GUARDIAN_PARTS: [Column; 3] = [
    Column::GuardianSurname,
    Column::GuardianGivenName,
    Column::GuardianPatronymic,
];

fn guardians(cells: &mut Cells<'_>) -> Vec<Guardian> {
    let consents = cells.consents();
    let preset = cells.preset();
    let document = cells.get(Column::Document);
    let signed_on = cells.date(Column::SignedOn);
    let parts = GUARDIAN_PARTS;
    let mut guardians = Vec::new();
    for (whole, parts, relation, phones, mails) in [
        (
            Column::Guardian,
            Some(parts),
            None,
            Column::Phone,
            Column::Email,
        ),
        (
            Column::Mother,
            None,
            Some("mother"),
            Column::MotherPhone,
            Column::MotherEmail,
        ),
        (
            Column::Father,
            None,
            Some("father"),
            Column::FatherPhone,
            Column::FatherEmail,
        ),
    ] {
        let person = cells.person(whole, parts);
        let contacts = cells.contacts(phones, mails);
        let Some(person) = person else {
            let column = parts.map_or(whole, |_| cells.named(whole, GUARDIAN_PARTS[0]));
            if !contacts.is_empty() && cells.has(column) {
                cells.fault(column, "is missing", "write whose number or address it is");
            }
            continue;
        };
        let relation = relation.or_else(|| relation_of(cells));
        guardians.push(Guardian {
            person,
            relation,
            preset,
            contacts,
            consents: consents.clone(),
            document: document.clone(),
            signed_on: signed_on.clone(),
        });
    }
    guardians
}

fn relation_of(cells: &mut Cells<'_>) -> Option<&'static str> {
    let text = cells.get(Column::Relation)?.to_lowercase();
    let known = [
        (&["мать", "мама", "mother"][..], "mother"),
        (&["отец", "папа", "father"][..], "father"),
        (&["опекун", "опекунша", "guardian"][..], "guardian"),
        (&["попечитель", "trustee"][..], "trustee"),
        (&["усыновитель", "adoptive"][..], "adoptive"),
        (&["воспитатель", "tutor"][..], "tutor"),
    ];
    let found = known
        .iter()
        .find(|(words, _)| words.contains(&text.as_str()));
    Some(found.map_or("other", |(_, relation)| relation))
}
