//! Weeks and forms of families that never were, from the emptiest to the fullest.
#![allow(
    clippy::allow_attributes,
    dead_code,
    reason = "each test file uses some of them"
)]

use vestnik_sheet::{
    Announcement, Batch, Consents, Form, Homework, Mark, Row, Sheet, Subject, Summary, Table,
    sample,
};

/// A class with this family.
pub(crate) fn one(sheet: Sheet) -> Batch {
    Batch {
        sheets: vec![sheet],
        ..sample()
    }
}

/// A week with so many subjects and marks.
pub(crate) fn full(subjects: usize, marks: usize) -> Sheet {
    let names = [
        "Русский язык",
        "Литература",
        "Родной (татарский) язык",
        "Иностранный язык (английский)",
        "Второй иностранный язык (немецкий)",
        "Алгебра",
        "Геометрия",
        "Вероятность и статистика",
        "Информатика",
        "История России. Всеобщая история",
        "Обществознание",
        "География",
        "Физика",
        "Химия",
        "Биология",
        "Изобразительное искусство",
        "Музыка",
        "Труд (технология)",
        "Физическая культура",
    ];
    let subjects = (0..subjects)
        .map(|at| Subject {
            name: names[at % names.len()].into(),
            lessons: Some(3),
            marks: (0..marks)
                .filter(|mark| mark % subjects == at)
                .map(|mark| Mark {
                    value: ["5", "4-", "н/а", "3"][mark % 4].into(),
                    day: format!("{}.10", 12 + mark % 5),
                    kind: (mark % 3 == 0).then(|| "контрольная работа".into()),
                })
                .collect(),
            average: Some("4,33".into()),
            late: u32::from(at.is_multiple_of(5)),
            missed: u32::try_from(at % 3).expect("few"),
        })
        .collect();
    Sheet {
        subjects,
        ..sample().sheets.remove(0)
    }
}

/// More than fits a side, with names and words that are as long as they come.
pub(crate) fn long() -> Sheet {
    let mut sheet = full(19, 40);
    sheet.student = "Константинопольская-Преображенская Александра-Виктория".into();
    sheet.homework = (0..20)
        .map(|at| Homework {
            due: "пн 19.10".into(),
            subject: format!("Предмет № {at}"),
            text: "выучить наизусть и пересказать своими словами ".repeat(6),
        })
        .collect();
    sheet.announcements[0].text = "я".repeat(400);
    sheet
}

/// A week without marks.
pub(crate) fn first_grade() -> Sheet {
    let mut sheet = full(6, 0);
    for subject in &mut sheet.subjects {
        subject.average = None;
    }
    sheet.term_results.clear();
    sheet
}

/// A question that is answered by boxes.
pub(crate) fn question() -> Announcement {
    Announcement {
        title: None,
        text: "Кто едет в театр 12 декабря?".into(),
        answers: vec!["едем".into(), "не едем".into()],
    }
}

/// A row of the register.
pub(crate) fn row(number: usize, variant: &str) -> Row {
    Row {
        row: number,
        code: format!("5Б-07-{number:02}-К4"),
        student: "Константинопольская Александра".into(),
        copy: "1/2".into(),
        variant: variant.into(),
        ground: "Вы выбрали листок на бумаге.".into(),
    }
}

/// The results of a class in one term.
pub(crate) fn summary_of_class(students: usize, subjects: usize) -> Summary {
    let subjects = full(subjects, 0).subjects;
    let row = |at: usize| {
        let values = (0..subjects.len()).map(|subject| match (at + subject) % 9 {
            8 => String::new(),
            7 if at.is_multiple_of(5) => "н/а".to_owned(),
            6 if at.is_multiple_of(7) => "отс".to_owned(),
            value => (3 + value % 3).to_string(),
        });
        (
            format!("Константинопольская-{at} Александра"),
            values.collect(),
        )
    };
    Summary {
        school: "Школа № 12".into(),
        class: "5 «А»".into(),
        class_teacher: Some("Иванова Анна Петровна".into()),
        year: "2026/27".into(),
        day: "27 ноября 2026".into(),
        certified: Some("Седова В. П.".into()),
        of_class: true,
        tables: vec![Table {
            title: "1-я четверть".into(),
            columns: subjects.iter().map(|one| one.name.clone()).collect(),
            rows: (1..=students).map(row).collect(),
        }],
    }
}

/// The results of a student in the terms of a year.
pub(crate) fn summary_of_student() -> Summary {
    let row = |subject: &Subject| {
        let values = ["4", "5", "", ""].map(str::to_owned).to_vec();
        (subject.name.clone(), values)
    };
    Summary {
        of_class: false,
        certified: None,
        tables: vec![Table {
            title: "Соколова Мария".into(),
            columns: ["1-я четверть", "2-я четверть", "3-я четверть", "год"]
                .map(str::to_owned)
                .to_vec(),
            rows: full(19, 0).subjects.iter().map(row).collect(),
        }],
        ..summary_of_class(1, 1)
    }
}

/// The forms of one guardian.
pub(crate) fn consents() -> Consents {
    let form = |purpose: &str| Form {
        purpose: purpose.into(),
        guardian: "Константинопольская-Преображенская Ольга Викторовна".into(),
        student: "Константинопольская-Преображенская Александра".into(),
        address: (purpose == "sms").then(|| "+7 900 000-00-11".into()),
    };
    Consents {
        school: "Школа № 12".into(),
        phone: Some("(343) 215-40-12".into()),
        class: "5 «А»".into(),
        forms: ["data", "sms", "email", "messenger"].map(form).to_vec(),
    }
}
