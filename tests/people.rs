//! Stories of the commands about people: the register of consents, the service mode, and why somebody hears;
//! and of what commands print.

#![expect(clippy::expect_used, reason = "a story that cannot be told has failed")]

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no provider is needed here")]
mod program;

use desk::FAMILY;
use program::{Program, config, open, sql};

/// The family before anybody was asked.
fn unasked() -> &'static str {
    FAMILY
        .split_once("INSERT INTO consent")
        .expect("consents")
        .0
}

const RELAY: &str =
    "[channels.email]\nurl = \"smtp://127.0.0.1:1\"\nfrom = \"school@example.org\"\n";
const DATABASE: &str = "sqlite:{folder}/school.db";

fn write(program: &Program, name: &str, text: &str) {
    std::fs::write(program.folder.path().join(name), text).expect("a file");
}

/// What a command says when it fails, with its exit code.
fn refusal(program: &Program, arguments: &[&str]) -> (i32, String) {
    let output = program.run(arguments);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("a code"), words)
}

/// A register of the secretary's own columns, with answers that came later than others.
const REGISTER: &str = "Обучающийся;Родитель;Цель;Ответ;Номер заявления;Дата
Соколова Мария;Соколова Ольга;данные, почта;да;№ 14;01.09.2025
Соколова Мария;Соколова Ольга;почта;отзыв;№ 31;20.09.2025
Соколова Мария;СОКОЛОВ Иван;данные и смс;согласен;№ 15;02.09.2025
";

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_register_is_read_whole_and_once() {
    let program = Program::new(&config(DATABASE, RELAY));
    let store = open(&program, DATABASE).await;
    sql(&store, unasked()).await;
    write(&program, "register.csv", REGISTER);
    let import = ["consent", "import", "register.csv"];
    let dry = program.print(&[&import[..], &["--dry-run"]].concat());
    assert_eq!(
        dry.trim(),
        "5 answers would be added, 0 were registered before"
    );
    assert_eq!(
        program.print(&["consent", "list"]).trim(),
        "nobody has been asked yet"
    );
    let added = program.print(&import);
    assert_eq!(added.trim(), "5 answers added, 0 were registered before");
    let list = program.print(&["consent", "list"]);
    assert!(
        list.contains("Соколова Ольга for Соколова Мария: email withdrawn (№ 31, 2025-09-20)"),
        "{list}"
    );
    assert_eq!(list.lines().count(), 4, "{list}");
    let again = program.print(&import);
    assert_eq!(
        again.trim(),
        "nothing new; 5 answers were registered before"
    );

    // An old paper turns up: the consent that was withdrawn does not come back with it.
    write(
        &program,
        "old.csv",
        "ФИО ученика;ФИО родителя;Согласие e-mail;Документ;Дата подписания
Соколова Мария;Соколова Ольга;да;№ 9;15.08.2025
",
    );
    let output = program.run(&["consent", "import", "old.csv"]);
    assert!(output.status.success());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        words.contains("old.csv, line 2: something newer is registered"),
        "{words}"
    );
    assert_eq!(program.print(&["consent", "list"]), list);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_with_a_bad_row_adds_nothing_and_names_each() {
    let program = Program::new(&config(DATABASE, RELAY));
    let store = open(&program, DATABASE).await;
    sql(&store, FAMILY).await;
    let before = program.print(&["consent", "list", "--json"]);
    write(
        &program,
        "bad.csv",
        "Ученик;Родитель;Цель;Ответ;Документ;Дата
Соколова Мария;Соколова Ольга;почта;отказ;№ 14;01.09.2025
Соколова Мария;Соколова Ольга;голубь;да;№ 15;01.09.2025
Соколова Мария;Соколова Ольга;почта;может быть;№ 16;01.09.2025
Соколова Мария;Соколова Ольга;почта;да;;вчера
",
    );
    let (code, words) = refusal(&program, &["consent", "import", "bad.csv"]);
    assert_eq!(code, 1);
    for part in [
        "bad.csv, line 3, Цель «голубь» is no purpose: write данные, SMS, почта or мессенджер",
        "bad.csv, line 4, Ответ «может быть» is no answer: write да, нет or отозвано",
        "bad.csv, line 5, Документ is missing: write the number of the paper",
        "bad.csv, line 5, Дата «вчера» is no date",
    ] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
    write(
        &program,
        "strange.csv",
        "Ученик;Родитель;Цель;Ответ;Документ;Дата
Соколова Мария;Белова Вера;почта;да;№ 1;01.09.2025
Никто Никакой;Соколова Ольга;почта;да;№ 2;01.09.2025
Соколова Мария;Соколова Ольга;почта;да;№ 3;01.09.2095
Соколова Мария;Соколова Ольга;почта;отказ;№ 14;01.09.2025
",
    );
    let (code, words) = refusal(&program, &["consent", "import", "strange.csv"]);
    assert_eq!(code, 1);
    for part in [
        "line 2, guardian «Белова Вера» does not answer for this student",
        "line 3, student «Никто Никакой» is no student with a guardian",
        "line 4, date «2095-09-01» has not come yet",
    ] {
        assert!(words.contains(part), "{part} is not in {words}");
    }
    let (_, words) = refusal(
        &program,
        &["consent", "import", "bad.csv", "--mapping", "strange.csv"],
    );
    assert!(words.contains("strange.csv"), "{words}");
    assert_eq!(
        program.print(&["consent", "list", "--json"]),
        before,
        "all or nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_mode_names_its_ground_and_statement() {
    let program = Program::new(&config(DATABASE, RELAY));
    let store = open(&program, DATABASE).await;
    sql(&store, FAMILY).await;
    let who = [
        "--guardian",
        "Соколова Ольга",
        "--student",
        "Соколова Мария",
        "--statement",
        "№ 14",
    ];
    let mode = |rest: &[&'static str]| [&["consent", "mode"], &who[..], rest].concat();
    let said = program.print(&mode(&[
        "--mode",
        "paper",
        "--ground",
        "refused",
        "--date",
        "01.09.2025",
    ]));
    assert_eq!(
        said.trim(),
        "Соколова Ольга: paper for Соколова Мария from 2025-09-01"
    );
    let route = |rest: &[&str]| {
        let route = ["route", "--student", "Соколова Мария", "--event", "mark"];
        program.print(&[&route[..], rest].concat())
    };
    let json: serde_json::Value = serde_json::from_str(&route(&["--json"])).expect("JSON");
    assert_eq!(json[0]["channel"], "paper");
    assert_eq!(
        json[0]["why"],
        "the family refused the electronic service, statement № 14 of 2025-09-01"
    );
    let russian = route(&[]).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        russian.contains(
            "Почему: семья отказалась от электронного сервиса, заявление № 14 от 01.09.2025."
        ),
        "{russian}"
    );
    for (wrong, words) in [
        (
            &["--mode", "paper"][..],
            "--ground: write one of refused, no_access",
        ),
        (&["--mode", "pigeon"], "write paper or electronic"),
        (
            &["--mode", "paper", "--ground", "lazy"],
            "«lazy» is not known",
        ),
        (
            &[
                "--mode",
                "paper",
                "--ground",
                "chosen",
                "--date",
                "02.09.2025",
                "--until",
                "01.09.2025",
            ],
            "--until is before --date",
        ),
    ] {
        let (code, said) = refusal(&program, &mode(wrong));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(words), "{said}");
    }
    program.print(&mode(&["--mode", "electronic"]));
    let json: serde_json::Value = serde_json::from_str(&route(&["--json"])).expect("JSON");
    assert_eq!(json[0]["channel"], "email", "the newest word holds");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_two_guardians_hear_fits_one_screen_in_two_languages() {
    let sms = "[channels.sms]\ngateway = \"smsc\"\nbase_url = \"http://127.0.0.1:1\"\nlogin = \"a\"\npassword = \"b\"\n";
    let program = Program::new(&config(DATABASE, &format!("{RELAY}{sms}")));
    let store = open(&program, DATABASE).await;
    sql(&store, unasked()).await;
    sql(
        &store,
        "UPDATE guardianship SET relation = 'mother' WHERE guardian_id = 1; UPDATE guardianship SET relation = 'father' WHERE guardian_id = 2;
         INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'sms', '+79000000011', 2);
         INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'telegram', '40000001', 3);
         INSERT INTO consent (guardian_id, student_id, purpose, state, document, signed_on) VALUES (1, 1, 'data', 'given', 'заявление № 14', '2025-09-01');
         INSERT INTO consent (guardian_id, student_id, purpose, state, document, signed_on) VALUES (1, 1, 'email', 'given', 'заявление № 14', '2025-09-01');
         INSERT INTO consent (guardian_id, student_id, purpose, state, document, signed_on) VALUES (1, 1, 'sms', 'refused', 'заявление № 15', '2025-09-02');
         INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'data', 'given');
         INSERT INTO preference (guardian_id, event, channel, timing) VALUES (1, 'mark', 'email', 'daily');
         UPDATE guardian SET quiet = '22:00-06:00' WHERE id = 2",
    )
    .await;
    let route = |event: &str, language: &[&str]| {
        let route = ["route", "--student", "Соколова Мария", "--event", event];
        program.print(&[&route[..], language].concat())
    };
    for (language, parts) in [
        (
            &[][..],
            &[
                "Соколова Ольга, мать: узнаёт по электронной почте, раз в день, ближайшая сводка",
                "Почему: так выбрала семья: электронная почта – раз в день.",
                "электронная почта …ga@… – исправен, открыт",
                "согласие: обработка данных и почта – дано (заявление № 14 от 01.09.2025)",
                "SMS …0011 – исправен, закрыт: от этого способа отказались",
                "SMS – отказ (заявление № 15 от 02.09.2025)",
                "Telegram …0001 – исправен, школа этим способом не пользуется",
                "Соколов Иван, отец: узнаёт из листка на бумаге, ближайший ",
                "Почему: согласия на этот способ нет.",
                "Тихие часы 22:00-06:00, выбраны семьёй",
            ][..],
        ),
        (
            &["--language", "en"],
            &[
                "Соколова Ольга, mother: hears by e-mail, once a day, the next digest",
                "Why: the family chose so: e-mail – once a day.",
                "SMS …0011 – in order, closed, consent to «sms» is refused",
                "Соколов Иван, father: hears from the printed sheet, the next one ",
            ],
        ),
    ] {
        let told = route("mark", language);
        let words: Vec<&str> = told.split_whitespace().collect();
        let words = words.join(" ");
        for part in parts {
            assert!(words.contains(part), "«{part}» is not in\n{told}");
        }
        let widest = told.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80) && told.lines().count() <= 24, "{told}");
        assert!(!told.contains("olga@") && !told.contains("+7900"), "{told}");
    }
    assert!(route("absence", &[]).contains("Почему: семья выбрала режим «сразу»."));
    let (code, words) = refusal(
        &program,
        &[
            "route",
            "--student",
            "1",
            "--event",
            "mark",
            "--language",
            "fr",
        ],
    );
    assert_eq!(
        (code, words.contains("write ru or en")),
        (2, true),
        "{words}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_paper_is_a_warning_and_a_future_one_a_slip() {
    let program = Program::new(&config(DATABASE, RELAY));
    let store = open(&program, DATABASE).await;
    sql(&store, FAMILY).await;
    let add = |state: &'static str, date: &'static str| {
        let who = [
            "--guardian",
            "Соколова Ольга",
            "--student",
            "Соколова Мария",
            "--purpose",
            "email",
        ];
        let what = ["--state", state, "--document", "№ 1", "--date", date];
        program.run(&[&["consent", "add"], &who[..], &what[..]].concat())
    };
    assert!(add("withdrawn", "10.09.2025").status.success());
    let earlier = add("given", "01.09.2025");
    let words = String::from_utf8_lossy(&earlier.stderr).into_owned();
    assert!(
        earlier.status.success() && words.contains("before what held until now (2025-09-10)"),
        "{words}"
    );
    let future = add("given", "01.09.2095");
    let words = String::from_utf8_lossy(&future.stderr).into_owned();
    assert_eq!(
        (future.status.code(), words.contains("has not come yet")),
        (Some(2), true),
        "{words}"
    );
}

/// `vestnik ledger | head` ends when `head` has read enough; a full disk is another matter.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_read_enough_breaks_no_command_and_a_full_disk_is_named() {
    let program = Program::new(&config(DATABASE, RELAY));
    let store = open(&program, DATABASE).await;
    sql(&store, FAMILY).await;
    let week = ["--week", "2026-W42"];
    for arguments in [
        &["ledger"][..],
        &[&["ledger", "--csv"], &week[..]].concat(),
        &["policy", "show", "tkk"],
        &["policy", "diff", "natashinskaya", "tkk"],
        &["consent", "list"],
        &["held", "list"],
        &["status"],
        &["reconcile"],
        &["route", "--student", "1", "--event", "mark"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program
            .command(arguments)
            .stdout(writer)
            .output()
            .expect("it runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {words}");
        assert!(!words.contains("panicked"), "{arguments:?}: {words}");
    }
    let full = std::fs::File::options().write(true).open("/dev/full");
    let output = program
        .command(&["policy", "show"])
        .stdout(full.expect("a disk"))
        .output()
        .expect("it runs");
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("vestnik: the output was lost"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_month_has_cost_is_told_in_roubles_and_where_it_stands() {
    let sms = "[channels.sms]\ngateway = \"smsc\"\nlogin = \"school\"\npassword = \"x\"\nprice = 3.50\n\
        monthly_budget = 100\n";
    let program = Program::new(&config(DATABASE, sms));
    let store = open(&program, DATABASE).await;
    sql(&store, FAMILY).await;
    sql(
        &store,
        "INSERT INTO spending (lane, month, parts, cost) VALUES ('sms', '2026-10', 24, 8400)",
    )
    .await;
    let told = program.print(&["budget", "--month", "2026-10"]);
    for words in [
        "24 SMS",
        "84.00 roubles",
        "80.00 roubles",
        "Above the soft stop",
    ] {
        assert!(told.contains(words), "{words} in {told}");
    }
    let json = program.print(&["budget", "--month", "2026-10", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["spent"], 8400);
    assert_eq!(json["budget"]["stands"], "above_soft_stop");
    let (code, words) = refusal(&program, &["budget", "--month", "October"]);
    assert_eq!(
        (code, words.contains("write 2026-10")),
        (2, true),
        "{words}"
    );
}

#[test]
fn a_budget_without_prices_is_refused_with_what_is_missing() {
    let sms = "[channels.sms]\ngateway = \"smsc\"\nlogin = \"school\"\npassword = \"x\"\n\
        monthly_budget = 100\nsoft_stop = \"120%\"\n";
    let program = Program::new(&config(DATABASE, sms));
    let (code, words) = refusal(&program, &["budget"]);
    assert_eq!(code, 1, "{words}");
    for key in ["channels.sms.price", "channels.sms.soft_stop"] {
        assert!(words.contains(key), "{key} in {words}");
    }
}
