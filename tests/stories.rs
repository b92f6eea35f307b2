//! Stories of the daemon from a row in the journal to a real mail server or gateway.

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
mod program;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use desk::FAMILY;
use program::{Program, Smtp, config, databases, get, open, sql, status, wait};
use tokio::net::TcpListener;
use vestnik::store::Store;
use vestnik_sms::sandbox::{self, Inbox};

fn email(smtp: &Smtp) -> String {
    format!(
        "[channels.email]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"Школа № 12 <school@example.org>\"\n",
        smtp.port
    )
}

/// Whether everything that was written has come to its end.
fn at_rest(program: &Program) -> bool {
    let status = status(program);
    let busy = ["ready", "sending"].iter().any(|state| {
        let of = |channel: &serde_json::Value| channel[state].as_i64().unwrap_or(0) > 0;
        status["messages"]
            .as_object()
            .is_some_and(|messages| messages.values().any(of))
    });
    !busy && status["changes_unplanned"] == 0 && status["notices"]["settling"].is_null()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_written_by_hand_is_in_the_mail_and_so_are_its_correction_and_withdrawal() {
    for database in databases().await {
        let Some(smtp) = Smtp::start() else { return };
        let program = Program::new(&config(&database, &email(&smtp)));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        let daemon = program.serve();
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        let mails = smtp.wait_for(1);
        assert!(mails[0].contains("To: olga@example.org"), "{}", mails[0]);
        assert!(mails[0].contains("Математика: 3"), "{}", mails[0]);
        sql(&store, "UPDATE mark SET value = '4'").await;
        assert!(
            smtp.wait_for(2)[1].contains("было 3, теперь 4"),
            "{:?}",
            smtp.mails()
        );
        sql(&store, "DELETE FROM mark").await;
        assert!(
            smtp.wait_for(3)[2].contains("отметка 4 снята"),
            "{:?}",
            smtp.mails()
        );
        assert!(wait(Duration::from_secs(5), || at_rest(&program)));
        let reference = store.newest(1).await.expect("messages").remove(0).reference;
        let story = program.print(&["explain", &reference]);
        for part in [
            "Known before: «4». The message says: nothing.",
            "Attempt 1: ",
            "State: accepted",
            "mark_withdrawn",
        ] {
            assert!(story.contains(part), "{part} is not in\n{story}");
        }
        assert!(
            get(&program, "/healthz").contains("\"status\":\"ok\""),
            "{}",
            get(&program, "/healthz")
        );
        assert_eq!(daemon.stop(), Some(0));
        let log = program.log();
        for secret in [
            "olga@example.org",
            "Соколова",
            "Математика",
            "79000000012",
            "900 000",
        ] {
            assert!(!log.contains(secret), "{secret} stands in the log:\n{log}");
        }
        assert_eq!(smtp.mails().len(), 3);
    }
}

fn diary(student: u32, lessons: &[(u32, &[(u32, &str)])]) -> String {
    let lessons: Vec<serde_json::Value> = lessons
        .iter()
        .map(|(lesson, marks)| {
            let assignments: Vec<serde_json::Value> = marks
                .iter()
                .map(|(id, value)| {
                    serde_json::json!({"id": id, "typeId": 10, "assignmentName": "---", "weight": 10,
                        "mark": {"studentId": student, "mark": value.parse::<i64>().ok(), "dutyMark": *value == "."}})
                })
                .collect();
            serde_json::json!({"classmeetingId": lesson, "number": 1, "relay": 1, "room": null,
                "startTime": "08:30", "endTime": "09:15", "subjectName": format!("Предмет {lesson}"),
                "assignments": assignments})
        })
        .collect();
    serde_json::json!({"weekStart": "2026-10-12T00:00:00", "weekEnd": "2026-10-18T00:00:00", "className": "8А",
        "weekDays": [{"date": "2026-10-14T00:00:00", "lessons": lessons}]})
    .to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_diary_tells_each_of_four_families_once() {
    for database in databases().await {
        let Some(smtp) = Smtp::start() else { return };
        let program = Program::new(&config(&database, &email(&smtp)));
        let file = |name: &str, text: &str| {
            std::fs::write(program.folder.path().join(name), text).expect("a file");
        };
        let students: Vec<_> = (1..=4)
            .map(|n| serde_json::json!({"studentId": n, "nickName": format!("Ученик Номер{n}"), "className": null}))
            .collect();
        file(
            "init.json",
            &serde_json::json!({ "students": students }).to_string(),
        );
        file("1.json", &diary(1, &[(11, &[]), (12, &[(101, "5")])]));
        file("2.json", &diary(2, &[(11, &[(102, "4")])]));
        file("3.json", &diary(3, &[(11, &[(102, "3")])]));
        file("4.json", &diary(4, &[(11, &[(102, "5")])]));
        let import = [
            "import",
            "--from",
            "netschool",
            "init.json",
            "1.json",
            "2.json",
            "3.json",
            "4.json",
        ];
        program.print(&import);
        let store = open(&program, &database).await;
        let family = (1..=4).map(|n| {
            format!(
                "INSERT INTO guardian (surname, given_name, preset) VALUES ('Мама', 'Номер{n}', 'at_once');
                 INSERT INTO guardianship (guardian_id, student_id) VALUES ({n}, {n});
                 INSERT INTO contact (guardian_id, channel, address) VALUES ({n}, 'email', 'mama{n}@example.org');
                 INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({n}, {n}, 'data', 'given');
                 INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({n}, {n}, 'email', 'given');"
            )
        });
        sql(&store, &family.collect::<String>()).await;
        let _daemon = program.serve();
        file(
            "1.json",
            &diary(1, &[(11, &[(103, "4")]), (12, &[(101, "5")])]),
        );
        file("2.json", &diary(2, &[(11, &[(102, "5")])]));
        file("3.json", &diary(3, &[(11, &[])]));
        file("4.json", &diary(4, &[(11, &[(102, "5"), (104, "2")])]));
        let dry = program.print(&[&import[..], &["--dry-run"]].concat());
        assert!(dry.contains("2 new, 1 changed, 1 removed"), "{dry}");
        assert_eq!(dry.matches("would be heard by Мама").count(), 4, "{dry}");
        program.print(&import);
        let mails = smtp.wait_for(4);
        let of = |n: u32| {
            let to = format!("To: mama{n}@");
            mails
                .iter()
                .find(|mail| mail.contains(&to))
                .cloned()
                .unwrap_or_default()
        };
        assert!(of(1).contains("Предмет 11: 4"), "{}", of(1));
        assert!(of(2).contains("отметка изменена, теперь 5"), "{}", of(2));
        assert!(of(3).contains("отметка снята"), "{}", of(3));
        assert!(of(4).contains("Предмет 11: 2"), "{}", of(4));
        assert_eq!(program.print(&import).trim(), "nothing new");
        assert!(wait(Duration::from_secs(5), || at_rest(&program)));
        assert_eq!(smtp.mails().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_of_consents_is_kept_by_command_and_decides_at_once() {
    let relay = "[channels.email]\nurl = \"smtp://127.0.0.1:1\"\nfrom = \"school@example.org\"\n";
    let program = Program::new(&config("sqlite:{folder}/school.db", relay));
    let store = open(&program, "sqlite:{folder}/school.db").await;
    sql(&store, FAMILY).await;
    let route = || {
        let student = ["route", "--student", "Соколова Мария"];
        program.print(&[&student[..], &["--event", "mark", "--language", "en"]].concat())
    };
    assert!(route().contains("hears by e-mail"), "{}", route());
    let who = [
        "--guardian",
        "Соколова Ольга",
        "--student",
        "Соколова Мария",
        "--purpose",
        "email",
    ];
    let paper = ["--document", "заявление № 14", "--date", "14.10.2026"];
    let withdraw = [&["consent", "withdraw"], &who[..], &paper[..]].concat();
    program.print(&withdraw);
    let list = program.print(&["consent", "list"]);
    assert!(
        list.contains("email withdrawn (заявление № 14, 2026-10-14)"),
        "{list}"
    );
    assert_eq!(
        list.lines().count(),
        4,
        "what no longer holds is left out:\n{list}"
    );
    let all: serde_json::Value =
        serde_json::from_str(&program.print(&["consent", "list", "--json"])).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(5));
    assert!(
        route().contains("Why: consent to «email» is withdrawn."),
        "{}",
        route()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_register_refuses_what_it_cannot_place() {
    let program = Program::new(&config("sqlite:{folder}/school.db", ""));
    let store = open(&program, "sqlite:{folder}/school.db").await;
    sql(&store, FAMILY).await;
    let paper = ["--document", "заявление № 14"];
    for wrong in [
        [
            "consent",
            "add",
            "--guardian",
            "2",
            "--student",
            "1",
            "--purpose",
            "mail",
            "--state",
            "given",
        ],
        [
            "consent",
            "add",
            "--guardian",
            "2",
            "--student",
            "1",
            "--purpose",
            "sms",
            "--state",
            "yes",
        ],
        [
            "consent",
            "add",
            "--guardian",
            "9",
            "--student",
            "1",
            "--purpose",
            "sms",
            "--state",
            "given",
        ],
    ] {
        let output = program.run(&[&wrong[..], &paper[..]].concat());
        assert_eq!(
            output.status.code(),
            Some(2),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

const MESSAGES: usize = 1000;

/// One student, a thousand guardians with a phone each, and one mark.
async fn a_thousand_families(store: &Store) {
    let insert = |columns: &str, row: &dyn Fn(usize) -> String| {
        let rows: Vec<String> = (1..=MESSAGES).map(row).collect();
        format!("INSERT INTO {columns} VALUES {};", rows.join(","))
    };
    let consent = |purpose: &'static str| {
        insert(
            "consent (guardian_id, student_id, purpose, state)",
            &move |n| format!("({n}, 1, '{purpose}', 'given')"),
        )
    };
    let text = [
        "INSERT INTO school (name) VALUES ('Школа № 12');
         INSERT INTO subject (name, short_name) VALUES ('Математика', 'матем');
         INSERT INTO student (surname, given_name) VALUES ('Соколова', 'Мария');"
            .to_owned(),
        insert("guardian (surname, given_name, preset)", &|n| {
            format!("('Родитель', 'Номер{n}', 'at_once')")
        }),
        insert("guardianship (guardian_id, student_id)", &|n| {
            format!("({n}, 1)")
        }),
        insert("contact (guardian_id, channel, address)", &|n| {
            format!("({n}, 'sms', '+7900{n:05}10')")
        }),
        consent("data"),
        consent("sms"),
    ]
    .concat();
    sql(store, &text).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_messages_survive_ten_power_cuts() {
    for database in databases().await {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let inbox = Inbox::default();
        let gateway = sandbox::router(inbox.clone(), Duration::from_millis(50));
        #[expect(
            clippy::disallowed_methods,
            reason = "the counterpart of a test runs beside it"
        )]
        tokio::spawn(async move { axum::serve(listener, gateway).await });
        let channels = format!(
            "[channels.sms]\ngateway = \"smsc\"\nbase_url = \"http://{address}\"\nlogin = \"{}\"\n\
             password = \"{}\"\nconcurrency = 25\n",
            sandbox::LOGIN,
            sandbox::PASSWORD
        );
        // That a thousand people hear of one mark is no mishap here.
        let config = config(&database, &channels).replace("[rules]", "[rules]\nbreaker = \"off\"");
        let program = Program::new(&config);
        let store = open(&program, &database).await;
        a_thousand_families(&store).await;
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')").await;
        for cut in 0..10 {
            let daemon = program.serve();
            let before = inbox.all().len();
            let goal = (before + 20 + cut * 5).min(MESSAGES);
            let moved = wait(Duration::from_secs(30), || inbox.all().len() >= goal);
            assert!(
                moved,
                "{} messages, cut {cut}:\n{}",
                inbox.all().len(),
                program.log()
            );
            daemon.kill();
            // On PostgreSQL the next one would wait for the dead one's lease to run out.
            sql(&store, "UPDATE lane SET expires_at = 0").await;
        }
        let daemon = program.serve();
        assert!(
            wait(Duration::from_mins(1), || at_rest(&program)),
            "{}",
            status(&program)
        );
        daemon.stop();

        account_for_all(&program, &store, &inbox).await;
    }
}

/// Each message was received, or is known to be in doubt, and no copy is a surprise.
async fn account_for_all(program: &Program, store: &Store, inbox: &Inbox) {
    let mut received: BTreeMap<String, usize> = BTreeMap::new();
    for sms in inbox.all() {
        *received.entry(sms.phone).or_default() += 1;
    }
    let rows = sqlx::query("SELECT address, state, resent FROM message")
        .fetch_all(store.pool())
        .await
        .expect("messages");
    assert_eq!(rows.len(), MESSAGES, "each family has its message");
    let mut doubtful = BTreeSet::new();
    for row in &rows {
        use sqlx::Row;
        let address: String = row.get("address");
        let state: String = row.get("state");
        let phone = address.trim_start_matches('+').to_owned();
        let copies = received.get(&phone).copied().unwrap_or(0);
        let resent: i64 = row.get("resent");
        match state.as_str() {
            "accepted" | "delivered" => {
                assert!(copies >= 1, "{state}, but never received");
                assert!(
                    copies == 1 || resent == 1,
                    "{copies} copies that nobody knows of"
                );
            }
            "in_doubt" => {
                assert!(copies <= 1 + usize::try_from(resent).expect("0 or 1"));
                doubtful.insert(phone);
            }
            other => panic!("a message is {other}"),
        }
    }
    assert!(
        received.len() + doubtful.len() >= MESSAGES,
        "every family heard or is known as in doubt"
    );
    let in_doubt = status(program)["in_doubt"].as_u64();
    assert_eq!(
        in_doubt,
        Some(u64::try_from(doubtful.len()).expect("a number"))
    );
    assert!(
        doubtful.len() <= 10 * 25,
        "at most what was under way at each cut"
    );
}

#[test]
fn the_demo_tells_a_week_and_ends_by_itself() {
    let program = Program::new("");
    let status: serde_json::Value =
        serde_json::from_str(&program.print(&["demo", "--once"])).expect("JSON");
    let of = |channel: &str, state: &str| status["messages"][channel][state].as_i64().unwrap_or(0);
    assert!(
        of("email", "accepted") + of("email", "no_receipt") > 50,
        "{status}"
    );
    assert!(of("sms", "delivered") > 50, "{status}");
    assert!(
        of("telegram", "accepted") + of("telegram", "no_receipt") > 20,
        "{status}"
    );
    assert!(of("paper", "printed") > 20, "{status}");
    assert!(
        status["notices"]["told_by_paper"].as_i64() > Some(100),
        "{status}"
    );
    assert_eq!(status["changes_unplanned"], 0, "{status}");
    assert_eq!(of("email", "sending") + of("sms", "sending"), 0, "{status}");
}

#[test]
fn a_second_daemon_on_one_file_is_refused() {
    let program = Program::new(&config("sqlite:{folder}/school.db", ""));
    let _daemon = program.serve();
    assert!(
        wait(Duration::from_secs(10), || program
            .log()
            .contains("vestnik serves")),
        "{}",
        program.log()
    );
    let second = program.run(&["serve"]);
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(words.contains("another vestnik is running"), "{words}");
}

#[test]
fn looking_makes_no_database_and_errors_name_their_remedy() {
    let program = Program::new(&config("sqlite:{folder}/school.db", ""));
    let fails = |arguments: &[&str], code: i32, words: &str| {
        let output = program.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        assert!(error.contains(words), "{words} is not in {error}");
    };
    fails(&["status"], 1, "vestnik migrate makes it");
    assert!(!program.folder.path().join("school.db").exists());
    program.print(&["migrate"]);
    assert!(program.print(&["status"]).contains("no messages yet"));
    fails(&["explain", "0000000000000000"], 1, "no message is called");
    fails(
        &["route", "--student", "Никто", "--event", "mark"],
        2,
        "surname and given name",
    );
    fails(
        &["route", "--student", "1", "--event", "marks"],
        2,
        "mark_corrected",
    );
    fails(
        &["import", "--from", "netscool", "x"],
        2,
        "netschool, eljur or table",
    );
    fails(
        &["import", "--from", "table", "nowhere.csv"],
        1,
        "nowhere.csv",
    );
    fails(&["policy", "show", "nowhere"], 2, "known are default");
    let differ = program.print(&["policy", "diff", "natashinskaya", "tkk"]);
    assert!(
        differ.contains("§2.3.3") && !differ.contains("settling"),
        "{differ}"
    );
    fails(
        &["send-test", "pigeon", "x"],
        2,
        "email, sms, sms_spare or telegram",
    );
    fails(&["send-test", "sms", "x"], 2, "channels.sms.gateway");
    let broken = Program::new("[rules]\nsettlng = \"5m\"\n");
    let output = broken.run(&["serve"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("did you mean rules.settling?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_waits_for_a_person_who_is_asked_everywhere_and_decides_beside_the_daemon() {
    for database in databases().await {
        let Some(smtp) = Smtp::start() else { return };
        let config = config(&database, &email(&smtp)).replace("[rules]", "[rules]\nbreaker = 5");
        let program = Program::new(&config);
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        let _daemon = program.serve();
        let days = (1..=4).map(|day| format!("(1, 1, '2026-10-0{day}', '2')"));
        let marks = days.collect::<Vec<_>>().join(",");
        sql(
            &store,
            &format!("INSERT INTO mark (student_id, subject_id, date, value) VALUES {marks}"),
        )
        .await;
        let held = || status(&program)["held"] == 8;
        assert!(wait(Duration::from_secs(10), held), "{}", program.log());
        let list: serde_json::Value =
            serde_json::from_str(&program.print(&["held", "list", "--json"])).expect("JSON");
        assert_eq!(
            (&list[0]["kind"], &list[0]["count"]),
            (&"volume".into(), &8.into())
        );
        assert!(get(&program, "/metrics").contains("vestnik_holds{kind=\"volume\"} 1"));
        let check = String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
        assert!(check.contains("one question waits for a person"), "{check}");
        assert!(smtp.mails().is_empty());
        let id = list[0]["id"].to_string();
        assert!(
            program
                .print(&["held", "release", &id])
                .contains("8 notices go on")
        );
        assert!(
            smtp.wait_for(1)[0].contains("Математика: 2"),
            "{:?}",
            smtp.mails()
        );
        let again = program.run(&["held", "release", &id]);
        assert_ne!(again.status.code(), Some(0));
        let nothing = program.print(&["held", "list", "--json"]);
        assert_eq!(nothing.trim(), "[]");
    }
}
