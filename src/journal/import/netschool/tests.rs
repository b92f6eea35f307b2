//! The traps of diaries, each with the answer that a family would want.

use proptest::prelude::*;
use serde_json::json;

use super::super::{
    Field, File, ImportErrors, Load, Natural, Options, Record, Source, Table, read,
};

const DIARY: &[u8] = include_bytes!("../../../../tests/data/netschool/diary_51001.json");
const STUDENTS: &[u8] = include_bytes!("../../../../tests/data/netschool/students.json");
const TYPES: &[u8] = include_bytes!("../../../../tests/data/netschool/types.json");
const TERMS: &[u8] = include_bytes!("../../../../tests/data/netschool/terms.json");

fn file(name: &str, bytes: impl Into<Vec<u8>>) -> File {
    File {
        name: name.into(),
        bytes: bytes.into(),
    }
}

fn options(class: Option<&str>) -> Options {
    Options {
        source: Source::Netschool,
        class: class.map(|class| class.parse().expect("a class")),
        mapping: None,
        days: None,
        today: "2026-11-16".parse().expect("a date"),
    }
}

fn import(files: &[File]) -> Result<Load, ImportErrors> {
    read(files, &options(None))
}

/// The week of one student, with everything that it takes to be understood.
fn whole_week() -> Load {
    import(&[
        file("diary.json", DIARY),
        file("students.json", STUDENTS),
        file("types.json", TYPES),
        file("terms.json", TERMS),
    ])
    .expect("a good week")
}

/// What is wrong with these files, as the person who made them reads it.
fn complaint(files: &[File]) -> String {
    import(files).expect_err("a fault").to_string()
}

fn of(load: &Load, table: Table) -> Vec<&Record> {
    let of_table = |record: &&Record| record.table == table;
    load.records.iter().filter(of_table).collect()
}

fn by_key<'a>(load: &'a Load, key: &str) -> &'a Record {
    let whole = format!("netschool/main/{key}");
    let named = load.records.iter().find(|record| record.key == whole);
    named.unwrap_or_else(|| panic!("no {whole}"))
}

fn text<'a>(record: &'a Record, column: &str) -> Option<&'a str> {
    match record.fields.iter().find(|(name, _)| *name == column) {
        Some((_, Field::Text(text))) => Some(text),
        Some((_, Field::Of(_, key))) => key.strip_prefix("netschool/main/"),
        _ => None,
    }
}

/// A week of the class 6Б with these lessons on the Tuesday.
fn week(lessons: impl Into<serde_json::Value>) -> serde_json::Value {
    let lessons = lessons.into();
    json!({
        "weekStart": "2026-11-09T00:00:00", "weekEnd": "2026-11-15T00:00:00", "className": "6Б",
        "weekDays": [{"date": "2026-11-10T00:00:00", "lessons": lessons}]
    })
}

/// A lesson with one assignment and the mark for it.
fn marked(student: i64, assignment: i64, mark: impl Into<serde_json::Value>) -> serde_json::Value {
    let mark = mark.into();
    json!({
        "classmeetingId": 9001, "number": 1, "subjectName": "Математика",
        "assignments": [{"id": assignment, "typeId": 10, "weight": 1,
            "mark": {"studentId": student, "mark": mark, "dutyMark": false}}]
    })
}

fn diary(name: &str, tree: &serde_json::Value) -> File {
    file(name, tree.to_string())
}

#[test]
fn a_week_brings_its_marks_with_lesson_work_and_comment() {
    let load = whole_week();
    let mark = by_key(&load, "mark/7002/51001");
    assert_eq!(text(mark, "value"), Some("4"));
    assert_eq!(text(mark, "date"), Some("2026-11-10"));
    assert_eq!(text(mark, "lesson_id"), Some("lesson/9001"));
    assert_eq!(text(mark, "subject_id"), Some("subject/Математика"));
    assert_eq!(text(mark, "work_kind"), Some("Контрольная работа"));
    assert_eq!(
        text(mark, "comment"),
        Some("Проверь знак в третьем примере")
    );
    assert!(mark.fields.contains(&("weight", Field::Real(20.0))));
}

#[test]
fn a_mark_on_homework_is_a_mark_and_the_homework_stays() {
    let load = whole_week();
    let mark = by_key(&load, "mark/7001/51001");
    assert_eq!(text(mark, "value"), Some("5"));
    assert_eq!(text(mark, "work_kind"), Some("Домашнее задание"));
    let weight = mark.fields.iter().find(|(column, _)| *column == "weight");
    assert_eq!(weight, None, "homework has weight 0, which is none");
    assert_eq!(
        text(by_key(&load, "homework/7001"), "text"),
        Some("§ 9, № 412")
    );
}

#[test]
fn a_point_is_a_debt_and_dashes_are_no_homework() {
    let load = whole_week();
    assert_eq!(text(by_key(&load, "mark/7004/51001"), "value"), Some("."));
    assert_eq!(of(&load, Table::Homework).len(), 1);
    for none in ["-", "----", "---Не указана---", "Не задано", " — "] {
        let lesson = json!({"classmeetingId": 1, "subjectName": "Физика",
            "assignments": [{"id": 1, "typeId": 3, "assignmentName": none}]});
        let load = import(&[
            diary("diary_5100.json", &week(json!([lesson]))),
            file("students.json", STUDENTS),
        ])
        .expect("a week without homework");
        assert!(of(&load, Table::Homework).is_empty(), "{none}");
    }
}

#[test]
fn two_lessons_with_one_number_stay_two_and_a_club_has_no_assignments() {
    let load = whole_week();
    let numbers: Vec<&(_, Field)> = of(&load, Table::Lesson)
        .iter()
        .flat_map(|lesson| &lesson.fields)
        .filter(|(column, _)| *column == "number")
        .collect();
    assert_eq!(numbers.iter().filter(|it| it.1 == Field::Int(3)).count(), 2);
    assert_eq!(text(by_key(&load, "lesson/9009"), "room"), None);
}

#[test]
fn a_dictionary_of_students_is_a_list_and_everything_after_the_surname_is_the_name() {
    let load = whole_week();
    let student = by_key(&load, "student/51001");
    assert_eq!(text(student, "surname"), Some("Соловьёва"));
    let korean = import(&[
        diary("diary_5100.json", &week(json!([marked(5100, 1, json!(5))]))),
        file("students.json", STUDENTS),
    ])
    .expect("a good diary");
    assert_eq!(
        text(by_key(&korean, "student/5100"), "given_name"),
        Some("Чжи Хун")
    );
}

#[test]
fn quarters_are_numbered_in_figures_and_in_roman() {
    let load = whole_week();
    let number = |key: &str| by_key(&load, key).fields.iter().find(|it| it.0 == "number");
    for (key, want) in [("term/1", 1), ("term/2", 2), ("term/3", 3)] {
        assert_eq!(
            number(key).map(|it| &it.1),
            Some(&Field::Int(want)),
            "{key}"
        );
    }
    assert_eq!(
        text(by_key(&load, "term/2"), "starts_on"),
        Some("2026-11-03")
    );
}

#[test]
fn a_student_is_recognised_in_the_class_of_the_diary() {
    let load = whole_week();
    let Natural::Student { class, .. } = &by_key(&load, "student/51001").natural else {
        panic!("a student is recognised by name");
    };
    assert_eq!(*class, "6Б".parse().ok());
    let enrolments = of(&load, Table::Enrolment);
    assert_eq!(text(enrolments[0], "from_on"), Some("2026-11-16"));
}

#[test]
fn of_two_weeks_the_later_says_where_the_student_is_now() {
    let mut later = week(json!([marked(51001, 2, json!(4))]));
    later["className"] = json!("6В");
    later["weekStart"] = json!("2026-11-16");
    later["weekEnd"] = json!("2026-11-22");
    later["weekDays"][0]["date"] = json!("2026-11-17");
    let files = [
        file("a.json", DIARY),
        diary("b.json", &later),
        file("students.json", STUDENTS),
    ];
    let load = import(&files).expect("two good weeks");
    let enrolments = of(&load, Table::Enrolment);
    assert_eq!(enrolments.len(), 1, "nobody is in two classes");
    assert_eq!(text(enrolments[0], "class_id"), Some("class/6В"));
}

#[test]
fn two_exports_of_one_week_contradict_each_other() {
    let told = complaint(&[file("mon.json", DIARY), file("fri.json", DIARY)]);
    assert!(told.contains("fri.json"), "{told}");
    assert!(told.contains("mon.json"), "{told}");
    assert!(told.contains("leave out the older one"), "{told}");
}

#[test]
fn a_week_without_marks_belongs_to_whom_its_name_says() {
    let empty = week(json!([]));
    for name in [
        "diary_51001.json",
        "51001.json",
        "5100/2026-11-09 51001.json",
    ] {
        let load = import(&[diary(name, &empty), file("students.json", STUDENTS)])
            .expect("the name says whose it is");
        assert_eq!(
            load.diaries[0].student.as_deref(),
            Some("netschool/main/student/51001"),
            "{name}"
        );
    }
    let told = complaint(&[diary("week.json", &empty), file("students.json", STUDENTS)]);
    assert!(
        told.contains("week.json does not say whose diary"),
        "{told}"
    );
    assert!(told.contains("put the student's id"), "{told}");
}

#[test]
fn a_diary_of_several_students_is_refused() {
    let two = week(json!([
        marked(51001, 1, json!(5)),
        marked(5100, 2, json!(4))
    ]));
    let told = complaint(&[diary("class.json", &two)]);
    assert!(
        told.contains("class.json holds marks of several students"),
        "{told}"
    );
    assert!(told.contains("one diary per student"), "{told}");
}

#[test]
fn a_class_that_the_file_misspells_can_be_named() {
    let mut odd = week(json!([marked(51001, 1, json!(5))]));
    odd["className"] = json!("Группа 1");
    let told = complaint(&[diary("d.json", &odd)]);
    assert!(
        told.contains("Группа 1") && told.contains("--class"),
        "{told}"
    );
    let load = read(&[diary("d.json", &odd)], &options(Some("6Б"))).expect("named");
    assert_eq!(load.diaries[0].class.to_string(), "6 «Б»");
    odd["className"] = json!(null);
    let told = complaint(&[diary("d.json", &odd)]);
    assert!(told.contains("className is missing"), "{told}");
}

#[test]
fn marks_are_figures_or_words() {
    for (mark, want) in [
        (json!(5), Some("5")),
        (json!(" зач "), Some("зач")),
        (json!(4.5), Some("4.5")),
        (json!(""), None),
        (json!(null), None),
    ] {
        let load = import(&[diary("d.json", &week(json!([marked(1, 1, mark)])))]);
        let load = load.expect("a mark");
        let marks = of(&load, Table::Mark);
        assert_eq!(marks.first().and_then(|it| text(it, "value")), want);
    }
    let told = complaint(&[diary("d.json", &week(json!([marked(1, 77, json!([5]))])))]);
    assert!(
        told.contains("d.json, assignment 77, mark «[5]» is no mark"),
        "{told}"
    );
}

#[test]
fn what_is_not_as_it_should_be_is_named_by_its_place() {
    let text = String::from_utf8(DIARY.to_vec()).expect("UTF-8");
    let half = &text[..text.find("9004").expect("the fourth lesson")];
    let told = complaint(&[file("d.json", half)]);
    assert!(
        told.contains("d.json, line 26 ends in the middle"),
        "{told}"
    );

    let told = complaint(&[file("d.json", text.replace("\"Шахматы\"", "17"))]);
    assert!(
        told.contains("weekDays[0].lessons[3].subjectName"),
        "{told}"
    );

    let told = complaint(&[file("d.json", text.replace("Шахматы", " "))]);
    assert!(told.contains("lesson 9009, subjectName"), "{told}");

    let told = complaint(&[file("e.json", text.replace("2026-11-15", "the end"))]);
    assert!(
        told.contains("e.json, weekEnd «the endT00:00:00» is no date"),
        "{told}"
    );

    let told = complaint(&[file("d.json", text.replace("2026-11-15", "2026-11-09"))]);
    assert!(told.contains("lies outside the diary's own week"), "{told}");
}

#[test]
fn a_file_that_is_no_diary_says_what_it_is() {
    for (bytes, want) in [
        (
            &b"<!DOCTYPE html><title>Log in</title>"[..],
            "is a web page",
        ),
        (b"\xEF\xBB\xBF \n<html>", "is a web page"),
        (b" \n", "is empty"),
        (b"\xEF\xBB\xBF", "is empty"),
        (b"PK\x03\x04...", "is an Excel workbook"),
        (b"\xFF\xFE{\0", "UTF-16"),
        (b"student;mark", "--from table"),
        (b"[]", "is none of diary"),
        (b"{\"announcements\": []}", "is none of diary"),
    ] {
        let told = complaint(&[file("x.json", bytes)]);
        assert!(told.contains("x.json") && told.contains(want), "{told}");
    }
    let told = complaint(&[file("students.json", STUDENTS)]);
    assert!(told.contains("has no diary"), "{told}");
}

#[test]
fn a_byte_order_mark_is_no_fault() {
    let marked = [&b"\xEF\xBB\xBF"[..], DIARY].concat();
    assert_eq!(import(&[file("d.json", marked)]).expect("a diary").rows, 4);
}

#[test]
fn every_bad_file_is_told_at_once() {
    let files: Vec<File> = (0..130)
        .map(|n| file(&format!("{n}.json"), b"{".as_slice()))
        .collect();
    let errors = import(&files).expect_err("all are bad");
    assert_eq!((errors.errors.len(), errors.more), (100, 30));
    assert!(errors.to_string().ends_with("and 30 more"), "{errors}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), json in any::<bool>()) {
        let start = if json { &b"{\"weekDays\":"[..] } else { &[] };
        let _ = import(&[file("x", [start, &bytes].concat())]);
    }

    #[test]
    fn no_value_in_a_diary_makes_it_panic(
        date in ".{0,12}", class in ".{0,6}", subject in ".{0,6}", mark in ".{0,4}", number in any::<i64>(),
    ) {
        let mut tree = week(json!([marked(number, number, json!(mark))]));
        tree["weekStart"] = json!(date);
        tree["className"] = json!(class);
        tree["weekDays"][0]["lessons"][0]["subjectName"] = json!(subject);
        let _ = import(&[diary("x", &tree)]);
    }
}
