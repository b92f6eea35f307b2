//! Answers of ЭлЖур in the shapes that its clients have seen, about people who do not exist.

use serde_json::{Value, json};

use super::super::{
    Field, File, ImportErrors, Load, Options, Record, Source, Table, read as read_all,
};

fn file(name: &str, result: &Value) -> File {
    let answer = json!({"response": {"state": 200, "error": null, "result": result}});
    File {
        name: name.into(),
        bytes: answer.to_string().into_bytes(),
    }
}

fn options(class: Option<&str>) -> Options {
    Options {
        source: Source::Eljur,
        class: class.map(|class| class.parse().expect("a class")),
        mapping: None,
        days: None,
        today: "2026-11-13".parse().expect("a date"),
    }
}

fn read(files: &[File]) -> Result<Load, ImportErrors> {
    read_all(files, &options(None))
}

fn refusal(files: &[File]) -> String {
    read(files).expect_err("an error").to_string()
}

fn rules() -> File {
    file(
        "rules.json",
        &json!({"roles": ["teacher"], "relations": {"students": {
            "1001": {"rel": "child", "name": "1001", "title": "Ветрова Алиса", "lastname": "Ветрова",
                "firstname": "Алиса", "gender": "female", "class": "7Б", "parallel": 7},
            "1002": {"name": 1002, "title": "Зорин Лев", "class": "7\"Б\"", "gender": ""},
        }, "groups": []}}),
    )
}

fn periods() -> File {
    file(
        "periods.json",
        &json!({"students": [{"name": "1001", "title": "Ветрова Алиса", "periods": [
            {"name": "I четверть", "disabled": false, "start": "20260901", "end": "20261024", "weeks": []},
            {"name": "II четверть", "start": "20261103", "end": "20261229"},
        ]}]}),
    )
}

/// Two marks and an absence in algebra, a late comer's letter, a blank with a comment.
fn marks() -> Value {
    json!({"students": {"1001": {"name": "1001", "title": "Ветрова Алиса", "lessons": [
        {"name": "Алгебра", "average": 0, "marks": [
            {"value": "5", "date": "2026-11-10", "lesson_id": "88010", "nm": "1", "count": true,
             "weight": 2, "weight_float": "2.00", "comment": "Второй способ",
             "mtype": {"id": 7, "type": "Контрольная работа", "short": "КР"}},
            {"value": "4-", "date": "2026-11-10", "lesson_id": "88010", "nm": 2, "count": true},
            {"value": "н", "date": "2026-11-11", "lesson_id": "88011", "nm": "1", "count": false},
            {"value": "Н", "date": "2026-11-12", "lesson_id": "88012", "nm": "1"},
        ]},
        {"name": "Русский язык", "averageConvert": 4, "marks": [
            {"value": "оп", "date": "2026-11-12", "lesson_id": 88013, "nm": "1", "mtype": {"id": 0, "type": "", "short": ""}},
            {"value": "", "comment": "Принести тетрадь", "date": "2026-11-12", "lesson_id": "88013", "nm": "2"},
        ]},
        {"name": "Физика", "average": "0", "marks": []},
    ]}}})
}

fn of(load: &Load, table: Table) -> Vec<&Record> {
    load.records
        .iter()
        .filter(|record| record.table == table)
        .collect()
}

fn texts<'a>(records: &[&'a Record], column: &str) -> Vec<&'a str> {
    records
        .iter()
        .filter_map(|record| match record.field(column) {
            Some(Field::Text(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

#[test]
fn marks_and_letters_are_told_apart() {
    let load = read(&[file("marks.json", &marks()), rules()]).expect("a load");
    let marks = of(&load, Table::Mark);
    assert_eq!(texts(&marks, "value"), ["5", "4-"]);
    assert_eq!(texts(&marks, "work_kind"), ["Контрольная работа"]);
    assert_eq!(texts(&marks, "comment"), ["Второй способ"]);
    assert_eq!(marks[0].field("weight"), Some(&Field::Real(2.0)));
    assert!(marks[0].key != marks[1].key, "two marks in one cell");
    let letters = of(&load, Table::Attendance);
    assert_eq!(texts(&letters, "code"), ["absent", "absent", "late"]);
    assert_eq!(texts(&letters, "letter"), ["н", "Н", "оп"]);
    assert_eq!(
        texts(&of(&load, Table::Student), "surname"),
        ["Ветрова", "Зорин"]
    );
    assert_eq!(
        of(&load, Table::Class).len(),
        1,
        "7Б and 7\"Б\" are one class"
    );
    let diary = &load.diaries[0];
    assert_eq!(
        (diary.from.to_string(), diary.to.to_string()),
        ("2026-11-10".into(), "2026-11-12".into())
    );
    assert_eq!(diary.of, [Table::Mark, Table::Attendance]);
    let asked = Options {
        days: Some((
            "2026-11-09".parse().expect("a day"),
            "2026-11-15".parse().expect("a day"),
        )),
        ..options(Some("7Б"))
    };
    let load = read_all(&[file("marks.json", &self::marks())], &asked).expect("a load");
    assert_eq!(
        load.diaries[0].from.to_string(),
        "2026-11-09",
        "as it was asked for"
    );
}

#[test]
fn a_diary_brings_lessons_marks_absences_and_homework() {
    let diary = json!({"students": {"1001": {"title": "Ветрова Алиса", "days": {
        "20261110": {"name": "20261110", "title": "Вторник", "items": {
            "1": {"name": "Алгебра", "lesson_id": "9001", "num": "1", "room": "34", "starttime": "08:30:00",
                "endtime": "09:15:00", "topic": "Степень", "grp": "",
                "homework": {"5501": {"id": 5501, "value": "№ 301–304", "individual": false}},
                "files": [{"toid": 5501, "filename": "Карточка.pdf", "link": "https://files.example/1"}],
                "assessments": [{"value": "4", "nm": "1", "control_type": "Контрольная работа"}]},
            "2": {"name": "Русский язык", "num": 2, "homework": [], "topic": null,
                "assessments": [{"value": "б", "nm": "1"}]},
        }},
        "20261111": {"name": "20261111", "alert": "holiday", "items": []},
    }}}});
    let load = read_all(&[file("diary.json", &diary)], &options(Some("7Б"))).expect("a load");
    let lessons = of(&load, Table::Lesson);
    assert_eq!(texts(&lessons, "topic"), ["Степень"]);
    assert_eq!(texts(&lessons, "starts_at"), ["08:30"]);
    assert_eq!(lessons[1].field("number"), Some(&Field::Int(2)));
    assert_eq!(texts(&of(&load, Table::Mark), "value"), ["4"]);
    let absences = of(&load, Table::Attendance);
    assert_eq!(texts(&absences, "code"), ["ill"]);
    assert_eq!(absences[0].field("number"), Some(&Field::Int(2)));
    let homework = of(&load, Table::Homework);
    assert_eq!(texts(&homework, "text"), ["№ 301–304"]);
    assert!(texts(&homework, "links")[0].contains("Карточка.pdf"));
    assert_eq!(
        load.diaries[0].to.to_string(),
        "2026-11-11",
        "a holiday is a day too"
    );
}

#[test]
fn homework_comes_by_student_and_by_class() {
    let by_student = json!({"students": {"1001": {"title": "Ветрова Алиса", "days": [
        {"name": "20261110", "items": {
            "Алгебра": {"name": "Алгебра", "homework": {"5501": {"id": 5501, "value": "§ 14"}}, "files": []},
            "Русский язык": {"homework": [{"id": "5503", "value": "Исправить диктант", "individual": true}]},
        }},
    ]}}});
    let load =
        read_all(&[file("homework.json", &by_student)], &options(Some("7Б"))).expect("a load");
    let homework = of(&load, Table::Homework);
    assert_eq!(texts(&homework, "text"), ["§ 14", "Исправить диктант"]);
    assert!(homework[0].field("class_id").is_some() && homework[1].field("student_id").is_some());
    assert!(
        load.diaries.is_empty(),
        "what one student does not see is not gone"
    );
    let by_class = json!({"days": {"20261110": {"items": [
        {"name": "Английский язык", "grp": "1 подгруппа", "homework": {"1": {"id": 5510, "value": "p. 40"}},
         "files": {"file": []}},
    ]}}});
    let load = read_all(&[file("class.json", &by_class)], &options(Some("7Б"))).expect("a load");
    assert_eq!(
        texts(&of(&load, Table::Homework), "text"),
        ["(1 подгруппа) p. 40"]
    );
    assert_eq!(load.diaries[0].student, None);
    assert_eq!(load.diaries[0].of, [Table::Homework]);
}

#[test]
fn results_need_their_periods() {
    let results = json!({"students": {"1001": {"title": "Ветрова Алиса", "items": [
        {"name": "Алгебра", "assessments": [
            {"period": "I четверть", "value": "4", "convert": 4}, {"period": "II четверть", "value": ""},
            {"period": "Год", "value": 5},
        ]},
        {"name": "Русский язык", "assessments": [{"period": "I четверть", "value": "н/а"}]},
    ]}}});
    let load = read(&[file("results.json", &results), periods(), rules()]).expect("a load");
    let records = of(&load, Table::TermResult);
    assert_eq!(
        texts(&records, "value"),
        ["4", "5", "н/а"],
        "an empty one is none yet"
    );
    assert_eq!(texts(&records, "status"), ["set", "set", "not_certified"]);
    let terms = of(&load, Table::Term);
    assert_eq!(texts(&terms, "kind"), ["quarter", "quarter", "year"]);
    let error = refusal(&[file("results.json", &results), rules()]);
    assert!(
        error.contains("student 1001, Алгебра, period «I четверть» is no period"),
        "{error}"
    );
    assert!(error.contains("add the answer of getperiods"), "{error}");
}

#[test]
fn what_cannot_be_read_is_named_with_its_remedy() {
    let raw = |text: &str| File {
        name: "a.json".into(),
        bytes: text.as_bytes().to_vec(),
    };
    for (file, expected) in [
        (
            raw(r#"{"response":{"state":403,"error":"Неверный токен","result":[]}}"#),
            "state «403» is an error answer",
        ),
        (
            raw(r#"{"response":{"state":200,"result":{"token":"SECRET","expires":"x"}}}"#),
            "holds a key to the journal: delete this file",
        ),
        (raw(r#"{"weekDays":[]}"#), "has no «response»"),
        (
            raw(r#"{"response":{"state":200,"result":"#),
            "line 1 ends in the middle",
        ),
        (
            file("a.json", &json!({"messages": [], "count": 0})),
            "is about messages",
        ),
        (
            file(
                "a.json",
                &json!({"students": {"1": {"days": {"20261110": {"items": {"1": {"num": "1", "name": "Физика"}}}}}}}),
            ),
            "is a timetable",
        ),
        (file("a.json", &json!({"students": []})), "names no student"),
        (file("a.json", &json!([])), "is none of getrules"),
    ] {
        let error = refusal(&[file]);
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("SECRET"), "{error}");
    }
    let classless = refusal(&[file("marks.json", &marks())]);
    assert!(
        classless.contains("student 1001 does not say in which class"),
        "{classless}"
    );
    let mut bad = marks();
    bad["students"]["1001"]["lessons"][0]["marks"][0]["date"] = json!("скоро");
    let error = refusal(&[file("marks.json", &bad), rules()]);
    assert!(
        error.contains("marks.json, student 1001, Алгебра «скоро» is no date"),
        "{error}"
    );
    let twice = refusal(&[file("a.json", &marks()), file("b.json", &marks()), rules()]);
    assert!(
        twice.contains("b.json is about the same student and days as a.json"),
        "{twice}"
    );
}
