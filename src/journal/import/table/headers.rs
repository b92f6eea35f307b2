//! Which column is which: by the school's mapping, else by the words that schools use.

use std::collections::BTreeMap;

use super::{
    super::{File, ImportError},
    decode::Sheet,
};

/// What a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Student,
    StudentSurname,
    StudentGivenName,
    StudentPatronymic,
    Gender,
    BirthOn,
    Class,
    Guardian,
    GuardianSurname,
    GuardianGivenName,
    GuardianPatronymic,
    Relation,
    Phone,
    Email,
    Mother,
    MotherPhone,
    MotherEmail,
    Father,
    FatherPhone,
    FatherEmail,
    Preset,
    ConsentData,
    ConsentSms,
    ConsentEmail,
    ConsentMessenger,
    ConsentAll,
    Document,
    SignedOn,
    Ignore,
}

/// The name in a mapping file, and the headers that mean it, in lower case and without punctuation.
const COLUMNS: &[(Column, &str, &[&str])] = &[
    (
        Column::Student,
        "student",
        &[
            "фио",
            "фио ученика",
            "ученик",
            "обучающийся",
            "фио обучающегося",
            "фамилия имя отчество",
            "student",
        ],
    ),
    (
        Column::StudentSurname,
        "student_surname",
        &[
            "фамилия ученика",
            "фамилия обучающегося",
            "фамилия",
            "surname",
        ],
    ),
    (
        Column::StudentGivenName,
        "student_given_name",
        &["имя ученика", "имя обучающегося", "имя", "given name"],
    ),
    (
        Column::StudentPatronymic,
        "student_patronymic",
        &[
            "отчество ученика",
            "отчество обучающегося",
            "отчество",
            "patronymic",
        ],
    ),
    (Column::Gender, "gender", &["пол", "gender"]),
    (
        Column::BirthOn,
        "birth_on",
        &["дата рождения", "д р", "др", "birth date", "date of birth"],
    ),
    (Column::Class, "class", &["класс", "class"]),
    (
        Column::Guardian,
        "guardian",
        &[
            "фио родителя",
            "родитель",
            "представитель",
            "фио представителя",
            "законный представитель",
            "guardian",
            "parent",
        ],
    ),
    (
        Column::GuardianSurname,
        "guardian_surname",
        &[
            "фамилия родителя",
            "фамилия представителя",
            "guardian surname",
        ],
    ),
    (
        Column::GuardianGivenName,
        "guardian_given_name",
        &["имя родителя", "имя представителя", "guardian given name"],
    ),
    (
        Column::GuardianPatronymic,
        "guardian_patronymic",
        &[
            "отчество родителя",
            "отчество представителя",
            "guardian patronymic",
        ],
    ),
    (
        Column::Relation,
        "relation",
        &["степень родства", "родство", "кем приходится", "relation"],
    ),
    (
        Column::Phone,
        "phone",
        &[
            "телефон родителя",
            "телефон представителя",
            "мобильный телефон",
            "сотовый телефон",
            "телефон",
            "phone",
            "mobile",
        ],
    ),
    (
        Column::Email,
        "email",
        &[
            "e mail родителя",
            "email родителя",
            "e mail",
            "email",
            "почта",
            "эл почта",
            "электронная почта",
        ],
    ),
    (
        Column::Mother,
        "mother",
        &["мать", "мама", "фио матери", "mother"],
    ),
    (
        Column::MotherPhone,
        "mother_phone",
        &["телефон матери", "телефон мамы", "mother phone"],
    ),
    (
        Column::MotherEmail,
        "mother_email",
        &[
            "e mail матери",
            "email матери",
            "почта матери",
            "mother email",
        ],
    ),
    (
        Column::Father,
        "father",
        &["отец", "папа", "фио отца", "father"],
    ),
    (
        Column::FatherPhone,
        "father_phone",
        &["телефон отца", "телефон папы", "father phone"],
    ),
    (
        Column::FatherEmail,
        "father_email",
        &["e mail отца", "email отца", "почта отца", "father email"],
    ),
    (
        Column::Preset,
        "preset",
        &["как сообщать", "режим", "preset"],
    ),
    (
        Column::ConsentData,
        "consent_data",
        &[
            "согласие на обработку",
            "согласие пдн",
            "согласие на обработку персональных данных",
            "consent data",
        ],
    ),
    (
        Column::ConsentSms,
        "consent_sms",
        &["согласие sms", "согласие смс", "consent sms"],
    ),
    (
        Column::ConsentEmail,
        "consent_email",
        &[
            "согласие e mail",
            "согласие email",
            "согласие почта",
            "consent email",
        ],
    ),
    (
        Column::ConsentMessenger,
        "consent_messenger",
        &[
            "согласие мессенджер",
            "согласие telegram",
            "consent messenger",
        ],
    ),
    (Column::ConsentAll, "consent", &["согласие", "consent"]),
    (
        Column::Document,
        "document",
        &["документ", "основание", "номер согласия", "document"],
    ),
    (
        Column::SignedOn,
        "signed_on",
        &["дата согласия", "дата документа", "signed on"],
    ),
    (
        Column::Ignore,
        "ignore",
        &["№", "no", "п п", "логин", "родители", "примечание"],
    ),
];

/// The school's own names of columns: `"Заголовок" = "field"` below `[columns]`.
#[derive(Default)]
pub(super) struct Mapping {
    columns: BTreeMap<String, Column>,
}

impl Mapping {
    /// Reads a mapping file.
    pub(super) fn parse(file: &File) -> Result<Self, ImportError> {
        let wrong =
            |problem: String, remedy: &str| ImportError::whole(&file.name, &problem, remedy);
        let text = std::str::from_utf8(&file.bytes)
            .map_err(|_| wrong("is no UTF-8".into(), "save the mapping as UTF-8"))?;
        let table: toml::Table =
            toml::from_str(text).map_err(|error| wrong(error.to_string(), "correct the line"))?;
        let columns = table
            .get("columns")
            .and_then(toml::Value::as_table)
            .ok_or_else(|| {
                wrong(
                    "has no [columns]".into(),
                    "write [columns] and below it \"Заголовок\" = \"student\"",
                )
            })?;
        let mut mapping = Self::default();
        for (header, field) in columns {
            let field = field.as_str().unwrap_or_default();
            let column = COLUMNS
                .iter()
                .find(|(_, name, _)| *name == field)
                .ok_or_else(|| {
                    let nearest = COLUMNS
                        .iter()
                        .map(|(_, name, _)| *name)
                        .min_by_key(|name| strsim::damerau_levenshtein(name, field));
                    let remedy = format!("did you mean {}?", nearest.unwrap_or_default());
                    ImportError {
                        column: Some(header.clone()),
                        value: Some(field.to_owned()),
                        ..wrong("is no field".into(), &remedy)
                    }
                })?;
            mapping.columns.insert(bare(header), column.0);
        }
        Ok(mapping)
    }
}

/// Names the columns of a table, or says which one is missing.
pub(super) fn recognise(
    file: &File,
    sheet: &Sheet,
    mapping: &Mapping,
    class_known: bool,
) -> Result<Vec<Option<Column>>, ImportError> {
    let columns: Vec<Option<Column>> = sheet
        .headers
        .iter()
        .map(|header| {
            let header = bare(header);
            mapping.columns.get(&header).copied().or_else(|| {
                let known =
                    |(.., words): &&(Column, &str, &[&str])| words.contains(&header.as_str());
                COLUMNS.iter().find(known).map(|(column, ..)| *column)
            })
        })
        .collect();
    let has = |column| columns.contains(&Some(column));
    let need = |there: bool, what: &str| {
        if there {
            return Ok(());
        }
        let seen = sheet.headers.join(", ");
        let remedy = format!("name it in a mapping file (--mapping); the columns are: {seen}");
        Err(ImportError::whole(
            &file.name,
            &format!("has no column for {what}"),
            &remedy,
        ))
    };
    need(
        has(Column::Student) || has(Column::StudentSurname),
        "the student's name",
    )?;
    need(has(Column::Class) || class_known, "the class")?;
    for (at, column) in columns.iter().enumerate() {
        let twice =
            column.is_some_and(|column| column != Column::Ignore) && columns[..at].contains(column);
        if twice {
            return Err(ImportError {
                column: sheet.headers.get(at).cloned(),
                ..ImportError::whole(
                    &file.name,
                    "means the same as an earlier column",
                    "map one of the two to \"ignore\" in a mapping file",
                )
            });
        }
    }
    Ok(columns)
}

/// A header as it compares: lower case, letters and digits, single spaces.
fn bare(header: &str) -> String {
    let lower = header
        .to_lowercase()
        .replace("ф.и.о.", "фио")
        .replace("ф. и. о.", "фио");
    let spaced: String = lower
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || c == '№' {
                c
            } else {
                ' '
            }
        })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}
