//! Imports from files to tables, on both databases: what is written, what is told, and what is left.

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "here the provider always agrees")]
mod desk;
mod support;

use desk::{Desk, FAMILY};
use serde_json::{Value, json};
use support::both;
use vestnik::{
    journal::import::{File, ImportErrors, Options, Source, Table, read},
    store::{ImportFailure, ImportOptions, ImportReport},
};

fn file(name: &str, text: impl Into<String>) -> File {
    File {
        name: name.into(),
        bytes: text.into().into_bytes(),
    }
}

fn load(source: Source, files: &[File]) -> Result<vestnik::journal::import::Load, ImportErrors> {
    let options = Options {
        source,
        class: None,
        mapping: None,
        days: None,
        today: chrono::NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date"),
    };
    read(files, &options)
}

async fn import(
    desk: &mut Desk,
    source: Source,
    files: &[File],
) -> Result<ImportReport, ImportFailure> {
    let load = load(source, files).unwrap_or_else(|errors| panic!("{errors}"));
    let report = desk
        .store
        .import(&load, ImportOptions::default(), desk.now)
        .await;
    desk.work().await;
    report
}

const PEOPLE: &str = "\u{feff}ФИО ученика;Класс;Дата рождения;ФИО родителя;Степень родства;Телефон;E-mail;Согласие\n\
    Соколова Мария Ивановна;5А;01.02.2015;Соколова Ольга Петровна;мать;8 (900) 000-00-11;olga@example.org;да\n\
    Соколова Мария Ивановна;5 «А»;01.02.2015;Соколов Иван Ильич;отец;;ivan@example.org;нет\n\
    Соколов Пётр Иванович;2-Б;03.04.2018;Соколова Ольга Петровна;мать;8 (900) 000-00-11;olga@example.org;да\n";

fn students(list: &[(i64, &str)]) -> File {
    let students: Vec<Value> = list
        .iter()
        .map(|(id, name)| json!({"studentId": id, "nickName": name, "className": null}))
        .collect();
    file("init.json", json!({ "students": students }).to_string())
}

/// A week of one student: per lesson its marks by assignment.
fn diary(student: i64, lessons: &[(i64, &[(i64, i64)])]) -> File {
    let lessons: Vec<Value> = lessons
        .iter()
        .map(|(lesson, marks)| {
            let marks: Vec<Value> = marks
                .iter()
                .map(|(id, value)| json!({"id": id, "typeId": 10, "mark": {"studentId": student, "mark": value}}))
                .collect();
            json!({"classmeetingId": lesson, "number": 1, "subjectName": "Математика", "assignments": marks})
        })
        .collect();
    let week = json!({
        "weekStart": "2026-10-12T00:00:00", "weekEnd": "2026-10-18T00:00:00", "className": "5А",
        "weekDays": [{"date": "2026-10-14T00:00:00", "lessons": lessons}]
    });
    file(&format!("diary_{student}.json"), week.to_string())
}

#[tokio::test]
async fn people_are_imported_once_however_often_their_file_comes() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql("INSERT INTO school (name) VALUES ('Школа № 12')")
            .await;
        let files = [file("people.csv", PEOPLE)];
        import(&mut desk, Source::Table, &files)
            .await
            .expect("an import");
        assert_eq!(desk.number("SELECT COUNT(*) FROM student").await, 2);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM guardian").await,
            2,
            "one mother of two children"
        );
        assert_eq!(desk.number("SELECT COUNT(*) FROM guardianship").await, 3);
        assert_eq!(
            desk.text("SELECT address FROM contact WHERE channel = 'sms'")
                .await,
            "+79000000011"
        );
        let given = "SELECT COUNT(*) FROM consent WHERE state = 'given'";
        assert_eq!(
            desk.number(given).await,
            6,
            "data, sms and email for each child"
        );
        let changes = desk.number("SELECT COUNT(*) FROM change").await;
        let again = import(&mut desk, Source::Table, &files)
            .await
            .expect("an import");
        assert_eq!(again, ImportReport::default(), "nothing new");
        assert_eq!(desk.number("SELECT COUNT(*) FROM change").await, changes);
        let moved = PEOPLE
            .replace("5А;01.02", "6А;01.02")
            .replace("5 «А»", "6А");
        import(&mut desk, Source::Table, &[file("people.csv", moved)])
            .await
            .expect("an import");
        let open = "SELECT COUNT(*) FROM enrolment WHERE student_id = 1 AND to_on IS NULL";
        assert_eq!(desk.number(open).await, 1, "the old class has ended");
    }
}

#[tokio::test]
async fn a_diary_finds_its_student_and_a_newcomers_first_one_is_silent() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let init = students(&[(501, "Соколова Мария"), (502, "Новичков Олег")]);
        let first = [init.clone(), diary(501, &[(9, &[(70, 4)])])];
        let report = import(&mut desk, Source::Netschool, &first)
            .await
            .expect("an import");
        assert_eq!(
            (report.baseline.get(&Table::Mark), report.marks.len()),
            (Some(&1), 0)
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM student").await,
            1,
            "it is Masha"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM alias WHERE entity = 'student'")
                .await,
            1
        );
        // A mark typed by hand belongs to nobody's file.
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-14', '5')").await;
        let second = [
            init,
            diary(501, &[(9, &[(70, 4), (71, 3)])]),
            diary(502, &[(9, &[(71, 2)])]),
        ];
        let report = import(&mut desk, Source::Netschool, &second)
            .await
            .expect("an import");
        assert_eq!(
            (report.baseline.get(&Table::Mark), report.marks.len()),
            (Some(&1), 1),
            "the newcomer's are known, Masha's is news"
        );
        assert_eq!(desk.number("SELECT COUNT(*) FROM mark").await, 4);
        let signed = "SELECT COUNT(*) FROM change WHERE entity = 'mark' AND import_id IS NOT NULL";
        assert_eq!(desk.number(signed).await, 1);
        desk.minutes(31).await;
        let mails: Vec<_> = desk
            .texts()
            .into_iter()
            .filter(|(lane, ..)| lane == "email")
            .collect();
        assert_eq!(mails.len(), 1);
        let text = &mails[0].2;
        assert!(
            text.contains("Математика: 3") && text.contains("Русский язык: 5"),
            "{text}"
        );
        assert_eq!(
            import(&mut desk, Source::Netschool, &second)
                .await
                .expect("an import"),
            ImportReport::default()
        );
    }
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_the_same() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let init = students(&[(501, "Соколова Мария")]);
        import(
            &mut desk,
            Source::Netschool,
            &[init.clone(), diary(501, &[(9, &[(70, 4)])])],
        )
        .await
        .expect("an import");
        let files = [init, diary(501, &[(9, &[(70, 5)])])];
        let dry = ImportOptions {
            dry_run: true,
            baseline: false,
        };
        let load = load(Source::Netschool, &files).expect("a load");
        let said = desk
            .store
            .import(&load, dry, desk.now)
            .await
            .expect("a report");
        assert_eq!(desk.text("SELECT value FROM mark").await, "4");
        assert_eq!(desk.number("SELECT COUNT(*) FROM import").await, 1);
        let done = desk
            .store
            .import(&load, ImportOptions::default(), desk.now)
            .await
            .expect("a report");
        assert_eq!(said, done);
        assert_eq!(desk.text("SELECT value FROM mark").await, "5");
        let known = ImportOptions {
            dry_run: false,
            baseline: true,
        };
        let silent = self::load(
            Source::Netschool,
            &[files[0].clone(), diary(501, &[(9, &[(70, 2)])])],
        )
        .expect("a load");
        desk.store
            .import(&silent, known, desk.now)
            .await
            .expect("a report");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM change WHERE entity = 'mark'")
                .await,
            1,
            "the last one is silent"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_told_apart_is_not_imported_at_all() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO student (surname, given_name) VALUES ('Соколова', 'Мария');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1)",
        )
        .await;
        let files = [
            students(&[(501, "Соколова Мария")]),
            diary(501, &[(9, &[(70, 4)])]),
        ];
        let error = import(&mut desk, Source::Netschool, &files)
            .await
            .expect_err("two of one name");
        assert!(
            error.to_string().contains("may be several: 1, 2"),
            "{error}"
        );
        let nameless = [diary(501, &[(9, &[(70, 4)])])];
        let error = import(&mut desk, Source::Netschool, &nameless)
            .await
            .expect_err("nobody's diary");
        assert!(error.to_string().contains("diary/init"), "{error}");
        for table in ["mark", "lesson", "import", "baseline", "writing"] {
            assert_eq!(
                desk.number(&format!("SELECT COUNT(*) FROM {table}")).await,
                0,
                "{table}"
            );
        }
    }
}

#[test]
fn a_file_with_a_bad_row_is_no_load() {
    let bad = format!("{PEOPLE}Петров;5Ц Q;31.02.2015;;;;;\n");
    let errors = load(Source::Table, &[file("people.csv", bad)]).expect_err("a bad row");
    let words = errors.to_string();
    for part in [
        "people.csv, line 5, ФИО ученика «Петров»",
        "Класс «5Ц Q» is no class",
        "Дата рождения «31.02.2015»",
    ] {
        assert!(words.contains(part), "{part} is not in\n{words}");
    }
}

/// An answer of ЭлЖур.
fn answer(name: &str, result: &Value) -> File {
    let answer = json!({"response": {"state": 200, "error": null, "result": result}});
    file(name, answer.to_string())
}

/// All that ЭлЖур says of Masha: marks of 12–14 October by lesson, with their places in the cell, an
/// absence letter, homework of the class and a result.
fn eljur(marks: &[(&str, i64, &str)], letter: &str, task: &str, result: &str) -> Vec<File> {
    let marks: Vec<Value> = marks
        .iter()
        .map(|(date, lesson, value)| {
            let before = marks
                .iter()
                .take_while(|other| other.2 != *value || other.0 != *date)
                .filter(|other| other.1 == *lesson)
                .count();
            json!({"value": value, "date": date, "lesson_id": lesson.to_string(), "nm": before + 1, "count": true})
        })
        .chain([json!({"value": letter, "date": "2026-10-13", "lesson_id": "70", "nm": "1"})])
        .collect();
    vec![
        answer(
            "rules.json",
            &json!({"relations": {"students": {"1001": {"name": "1001", "title": "Соколова Мария",
                "lastname": "Соколова", "firstname": "Мария", "class": "5А"}}}}),
        ),
        answer(
            "periods.json",
            &json!({"students": [{"name": "1001", "periods": [
                {"name": "I четверть", "start": "20260901", "end": "20261025"}]}]}),
        ),
        answer(
            "marks.json",
            &json!({"students": {"1001": {"title": "Соколова Мария", "lessons": [
                {"name": "Математика", "marks": marks}]}}}),
        ),
        answer(
            "homework.json",
            &json!({"students": {"1001": {"title": "Соколова Мария", "days": {"20261015": {"items": {
                "Математика": {"homework": {"5501": {"id": 5501, "value": task}}}}}}}}}),
        ),
        answer(
            "results.json",
            &json!({"students": {"1001": {"title": "Соколова Мария", "items": [
                {"name": "Математика", "assessments": [{"period": "I четверть", "value": result}]}]}}}),
        ),
    ]
}

/// What the mother was sent since the last look.
fn mails(desk: &mut Desk) -> String {
    let calls = std::mem::take(&mut desk.calls);
    calls
        .into_iter()
        .filter(|(lane, _)| lane == "email")
        .map(|(_, message)| message.text)
        .collect()
}

#[tokio::test]
async fn eljur_is_compared_with_what_was_there_and_families_hear_the_difference_alone() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let first = [
            ("2026-10-12", 60, "3"),
            ("2026-10-14", 80, "5"),
            ("2026-10-14", 80, "4"),
        ];
        let files = eljur(&first, "н", "№ 1", "4");
        let report = import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        assert_eq!(report.baseline.values().sum::<usize>(), 6, "{report:?}");
        desk.minutes(60).await;
        assert!(desk.calls.is_empty(), "a first file tells nobody anything");
        let again = import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        assert_eq!(again, ImportReport::default(), "nothing new");

        // Corrected; the first of two marks in a cell deleted, which moves the second up; a new one.
        let second = [
            ("2026-10-12", 60, "4"),
            ("2026-10-14", 80, "4"),
            ("2026-10-14", 81, "5"),
        ];
        let files = eljur(&second, "б", "№ 2", "5");
        import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        desk.minutes(30).await;
        let text = mails(&mut desk);
        for part in [
            "12 октября, понедельник\n- Математика: отметка изменена, теперь 4\n",
            "- Математика: отметка снята\n",
            "- Математика: 5\n",
            "15 октября, четверг\n- Домашнее задание: Математика: № 2\n",
            "- Итоги: 1-я четверть: Математика: 5\n",
        ] {
            assert!(text.contains(part), "«{part}» is missing: {text}");
        }
        assert_eq!(text.matches("- ").count(), 5, "and nothing else: {text}");
        let cell = "SELECT COUNT(*) FROM mark WHERE date = '2026-10-14'";
        assert_eq!(desk.number(cell).await, 2);
        let third = import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        assert_eq!(third, ImportReport::default(), "nothing new");
        desk.minutes(60).await;
        assert!(desk.calls.iter().all(|(lane, _)| lane != "email"));
        desk.until("2026-10-14T18:10:00").await;
        let text = mails(&mut desk);
        let cause = "13 октября, вторник\n- Исправлено: Математика: пропуск по болезни\n";
        assert!(
            text.contains(cause),
            "a cause comes with the digest: {text}"
        );
        assert_eq!(text.matches("- ").count(), 1, "{text}");

        // Everything is known now, so that a withdrawal names its mark.
        let files = eljur(&second[..1], "н", "№ 2", "");
        import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        desk.minutes(30).await;
        let text = mails(&mut desk);
        assert!(text.contains("Математика: результат 5 снят"), "{text}");
        desk.until("2026-10-15T18:10:00").await;
        let text = text + &mails(&mut desk);
        assert!(
            text.contains("Исправлено: Математика: было «пропуск по болезни», верно «пропуск»"),
            "{text}"
        );
        assert!(
            !text.contains("отметка 5 снята"),
            "the file says nothing of the 14th any more: {text}"
        );
    }
}

#[tokio::test]
async fn lessons_that_get_other_numbers_are_nobodys_news() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let first = [("2026-10-12", 60, "3"), ("2026-10-14", 80, "5")];
        import(&mut desk, Source::Eljur, &eljur(&first, "н", "№ 1", "4"))
            .await
            .expect("an import");
        let renumbered = [("2026-10-12", 160, "3"), ("2026-10-14", 180, "4")];
        let mut files = eljur(&renumbered, "н", "№ 1", "4");
        let marks = String::from_utf8(files[2].bytes.clone()).expect("UTF-8");
        files[2].bytes = marks.replace("\"70\"", "\"170\"").into_bytes();
        let report = import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        assert_eq!(
            report.marks.len(),
            2,
            "the 5 went and the 4 came: {:?}",
            report.marks
        );
        desk.minutes(30).await;
        let text = mails(&mut desk);
        assert!(
            text.contains("14 октября") && !text.contains("12 октября"),
            "{text}"
        );
        assert!(
            !text.contains("13 октября"),
            "nor is the absence told anew: {text}"
        );
        assert_eq!(desk.number("SELECT COUNT(*) FROM mark").await, 2);
        assert_eq!(desk.number("SELECT COUNT(*) FROM attendance").await, 1);
        let again = import(&mut desk, Source::Eljur, &files)
            .await
            .expect("an import");
        assert_eq!(again, ImportReport::default(), "nothing new");
    }
}
