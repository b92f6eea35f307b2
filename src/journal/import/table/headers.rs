//! Which column is which: by the school's mapping, else by the words that schools use.

use std::collections::BTreeMap;

use super::{
    super::{File, ImportError, ImportErrors},
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
    Purpose,
    State,
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
        &[
            "документ",
            "основание",
            "номер согласия",
            "заявление",
            "номер заявления",
            "document",
        ],
    ),
    (
        Column::SignedOn,
        "signed_on",
        &[
            "дата согласия",
            "дата документа",
            "дата заявления",
            "дата подписания",
            "дата",
            "signed on",
            "date",
        ],
    ),
    (
        Column::Purpose,
        "purpose",
        &["цель", "цели", "цель согласия", "на что", "purpose"],
    ),
    (
        Column::State,
        "state",
        &["ответ", "решение", "состояние", "статус", "state"],
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
    /// Reads a mapping file; all that is wrong with it is noted among the errors.
    pub(super) fn parse(file: &File, errors: &mut ImportErrors) -> Self {
        let mut mapping = Self::default();
        match Self::columns(file) {
            Err(error) => errors.add(error),
            Ok(columns) => {
                for (header, field) in columns {
                    match COLUMNS.iter().find(|(_, name, _)| *name == field) {
                        Some((column, ..)) => {
                            mapping.columns.insert(bare(&header), *column);
                        }
                        None => errors.add(no_field(file, header, field)),
                    }
                }
            }
        }
        mapping
    }

    fn columns(file: &File) -> Result<Vec<(String, String)>, ImportError> {
        let wrong = |problem: &str, remedy: &str| ImportError::whole(&file.name, problem, remedy);
        let text = std::str::from_utf8(file.content())
            .map_err(|_| wrong("is no UTF-8", "save the mapping as UTF-8"))?;
        let table: toml::Table = toml::from_str(text).map_err(|error| {
            let before = error.span().map_or("", |span| &text[..span.start]);
            ImportError {
                row: Some(format!("line {}", before.matches('\n').count() + 1)),
                ..wrong(error.message(), "write \"Заголовок\" = \"student\"")
            }
        })?;
        let remedy = "write [columns] and below it \"Заголовок\" = \"student\"";
        let columns = table.get("columns").and_then(toml::Value::as_table);
        let columns = columns.ok_or_else(|| wrong("has no [columns]", remedy))?;
        let text = |value: &toml::Value| value.as_str().unwrap_or_default().to_owned();
        Ok(columns
            .iter()
            .map(|(header, field)| (header.clone(), text(field)))
            .collect())
    }
}

fn no_field(file: &File, header: String, field: String) -> ImportError {
    let names = COLUMNS.iter().map(|(_, name, _)| *name);
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(name, &field));
    let remedy = format!("did you mean {}?", nearest.unwrap_or_default());
    ImportError {
        column: Some(header),
        value: Some(field),
        ..ImportError::whole(&file.name, "is no field", &remedy)
    }
}

/// Names the columns of a table; none where one that has to be there is missing, or where two mean
/// the same, which is noted among the errors.
pub(super) fn recognise(
    file: &File,
    sheet: &Sheet,
    mapping: &Mapping,
    class_known: bool,
    errors: &mut ImportErrors,
) -> Option<Vec<Option<Column>>> {
    let columns = mapping.columns_of(sheet);
    let has = |column| columns.contains(&Some(column));
    let named = has(Column::Student) || has(Column::StudentSurname);
    let needed = [
        (named, "the student's name"),
        (
            !named || has(Column::Student) || has(Column::StudentGivenName),
            "the student's given name",
        ),
        (has(Column::Class) || class_known, "the class"),
    ];
    checked(file, sheet, columns, &needed, errors)
}

/// Names the columns of a register of consents, as [`recognise`] does.
pub(super) fn recognise_register(
    file: &File,
    sheet: &Sheet,
    mapping: &Mapping,
    errors: &mut ImportErrors,
) -> Option<Vec<Option<Column>>> {
    let columns = mapping.columns_of(sheet);
    let has = |column| columns.contains(&Some(column));
    let split = [
        Column::ConsentAll,
        Column::ConsentData,
        Column::ConsentSms,
        Column::ConsentEmail,
        Column::ConsentMessenger,
    ];
    let student =
        has(Column::Student) || (has(Column::StudentSurname) && has(Column::StudentGivenName));
    let guardian =
        has(Column::Guardian) || (has(Column::GuardianSurname) && has(Column::GuardianGivenName));
    let answered = (has(Column::Purpose) && has(Column::State)) || split.into_iter().any(has);
    let needed = [
        (student, "the student's name"),
        (guardian, "the guardian's name"),
        (answered, "the purpose and the answer"),
        (has(Column::Document), "the document"),
    ];
    checked(file, sheet, columns, &needed, errors)
}

/// The columns, where all that are needed are there and no two mean the same.
fn checked(
    file: &File,
    sheet: &Sheet,
    columns: Vec<Option<Column>>,
    needed: &[(bool, &str)],
    errors: &mut ImportErrors,
) -> Option<Vec<Option<Column>>> {
    let mut good = true;
    for (_, what) in needed.iter().filter(|(there, _)| !there) {
        let seen = sheet.headers.join(", ");
        let remedy = format!("name it in a mapping file (--mapping); the columns are: {seen}");
        let problem = format!("has no column for {what}");
        errors.add(ImportError::whole(&file.name, &problem, &remedy));
        good = false;
    }
    for (at, column) in columns.iter().enumerate() {
        let earlier = columns[..at].iter().position(|earlier| {
            earlier == column && column.is_some_and(|column| column != Column::Ignore)
        });
        if let Some(earlier) = earlier {
            let earlier = sheet.headers.get(earlier).map_or("", String::as_str);
            errors.add(ImportError {
                column: sheet.headers.get(at).cloned(),
                ..ImportError::whole(
                    &file.name,
                    &format!("means the same as the column {earlier}"),
                    "map one of the two to \"ignore\" in a mapping file",
                )
            });
            good = false;
        }
    }
    good.then_some(columns)
}

/// Whether these cells are a table's header: titles above it name no student.
pub(super) fn is_header(cells: &[String], mapping: &Mapping) -> bool {
    let student = [Column::Student, Column::StudentSurname];
    let meant: Vec<Column> = cells
        .iter()
        .filter_map(|cell| mapping.meaning(cell))
        .collect();
    meant.len() > 1 && student.iter().any(|column| meant.contains(column))
}

impl Mapping {
    /// What the columns of a table hold.
    fn columns_of(&self, sheet: &Sheet) -> Vec<Option<Column>> {
        let headers = sheet.headers.iter();
        headers.map(|header| self.meaning(header)).collect()
    }

    /// What a column of this header holds: by the school's word, else by the usual ones.
    fn meaning(&self, header: &str) -> Option<Column> {
        let header = bare(header);
        let usual = || {
            let known = |(.., words): &&(Column, &str, &[&str])| words.contains(&header.as_str());
            COLUMNS.iter().find(known).map(|(column, ..)| *column)
        };
        self.columns.get(&header).copied().or_else(usual)
    }
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
