//! A family's week that never was, to try templates with.

use crate::data::{Announcement, Batch, Homework, Mark, Remark, Sheet, Subject, TermResult};

/// A class with one family.
pub fn sample() -> Batch {
    Batch {
        school: "Школа № 12".into(),
        phone: Some("(343) 215-40-12".into()),
        class: "5 «Б»".into(),
        class_teacher: Some("Иванова Анна Петровна".into()),
        week: "12–16 октября 2026".into(),
        certified: None,
        several: false,
        duplex: false,
        register: Vec::new(),
        extract: None,
        sheets: vec![sheet()],
    }
}

fn sheet() -> Sheet {
    Sheet {
        language: "ru".into(),
        week: None,
        large: false,
        plain: false,
        number: 7,
        code: "5Б-07-17-К4".into(),
        duplicate: false,
        student: "Соколова Мария".into(),
        for_whom: Some("Соколова Ольга Викторовна".into()),
        reason: Some("Вы выбрали листок на бумаге.".into()),
        summary: vec![
            "За неделю 6 отметок.".into(),
            "Уроков пропущено: 1, опозданий: 1.".into(),
        ],
        subjects: vec![
            subject(
                "Русский язык",
                5,
                &[("4", "12.10"), ("3", "13.10"), ("4", "14.10")],
                Some("3,88"),
            ),
            subject("Литература", 3, &[("5", "15.10")], Some("4,75")),
            Subject {
                late: 1,
                ..subject("Математика", 5, &[("5", "14.10")], Some("4,57"))
            },
            Subject {
                missed: 1,
                ..subject("Английский язык", 3, &[], Some("4,00"))
            },
            subject("История", 2, &[("5", "13.10")], Some("4,67")),
            subject("Физическая культура", 3, &[], Some("5,00")),
            subject("Основы духовно-нравственной культуры", 1, &[], None),
        ],
        corrections: vec!["чт 08.10. Русский язык: исправлено, было 3, теперь 4 (диктант)".into()],
        term_results: vec![TermResult {
            term: "Прогноз: 1-я четверть".into(),
            subject: "Русский язык".into(),
            value: "4".into(),
        }],
        remarks: vec![Remark {
            day: "15.10".into(),
            subject: Some("Благодарность".into()),
            text: "За участие в олимпиаде по биологии".into(),
        }],
        homework: vec![
            Homework {
                due: "пн 19.10".into(),
                subject: "Математика".into(),
                text: "№ 214, 216".into(),
            },
            Homework {
                due: "пн 19.10".into(),
                subject: "Русский язык".into(),
                text: "упр. 87, повторить корень слова".into(),
            },
        ],
        ahead: vec![
            "вт 20.10. Событие: 18:00, родительское собрание, кабинет 24".into(),
            "чт 22.10. Предстоит: Математика: контрольная работа".into(),
        ],
        announcements: vec![Announcement {
            title: None,
            text: "Каникулы – с 26 октября по 3 ноября.".into(),
            answers: Vec::new(),
        }],
        note: None,
    }
}

fn subject(name: &str, lessons: u32, marks: &[(&str, &str)], average: Option<&str>) -> Subject {
    let mark = |(value, day): &(&str, &str)| Mark {
        value: (*value).into(),
        day: (*day).into(),
        kind: None,
    };
    Subject {
        name: name.into(),
        lessons: Some(lessons),
        marks: marks.iter().map(mark).collect(),
        average: average.map(Into::into),
        late: 0,
        missed: 0,
    }
}
