//! Stories of SMS gateways that a school describes in a file, and of the receipts that they post.

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no power is cut here")]
mod program;

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    time::Duration,
};

use desk::FAMILY;
use program::{Program, config, databases, get, open, sql, status, wait};
use tokio::net::TcpListener;
use vestnik_sms::sandbox::Inbox;

/// A gateway that sends nothing, and what it received.
#[expect(clippy::disallowed_methods, reason = "the gateway ends with the test")]
async fn sandbox() -> (SocketAddr, Inbox) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gateway = listener.local_addr().expect("an address");
    let inbox = Inbox::default();
    tokio::spawn(vestnik_sms::sandbox::serve(
        listener,
        inbox.clone(),
        Duration::ZERO,
    ));
    (gateway, inbox)
}

/// Posts a form to the daemon, and returns the answer with its head.
fn post(program: &Program, path: &str, form: &str) -> String {
    let log = program.log();
    let address = log
        .split("listen=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let mut stream = TcpStream::connect(address.expect("an address")).expect("a daemon");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// By a program that is not ours.
fn sha1(text: &str) -> String {
    let mut child = Command::new("sha1sum")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sha1sum");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(text.as_bytes()).expect("the text");
    drop(input);
    let output = child.wait_with_output().expect("its answer");
    String::from_utf8_lossy(&output.stdout)[..40].to_owned()
}

/// A school adds a gateway by a file beside its configuration: `check` proves it, a slip is named with the
/// exchange and the field, and its receipts come in by post.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_in_a_file_is_proved_and_posts_its_receipts() {
    let ours = include_str!("../channels/sms/gateways/smsc.toml")
        .replace("name = \"smsc\"", "name = \"ours\"")
        .replace("code = \"smsc_", "code = \"ours_");
    for database in databases().await {
        let (gateway, inbox) = sandbox().await;
        let channel = format!(
            "[channels.sms]\ngateway = \"our.toml\"\nbase_url = \"http://{gateway}\"\nlogin = \"school\"\n\
             password = \"sandbox\"\ncallback_secret = \"between-us\"\n"
        );
        let config = config(&database, &channel)
            .replace("[web]\n", "[web]\npublic_url = \"http://localhost\"\n");
        let program = Program::new(&config);
        let file = program.folder.path().join("our.toml");
        fs::write(&file, ours.replacen("id = \"/id\"", "id = \"/cnt\"", 1)).expect("a file");
        let wrong = String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
        assert!(
            wrong.contains(
                "WRONG sms: gateway descriptor ours: exchange «принято»: id: «1001» is expected"
            ),
            "{wrong}"
        );
        fs::write(&file, &ours).expect("a file");
        let right = program.print(&["check"]);
        assert!(
            right.contains("gateway: ours, proved on 9 recorded exchanges"),
            "{right}"
        );
        assert!(
            right.contains("post its receipts to http://localhost/callback/sms\n"),
            "{right}"
        );
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(&store, "UPDATE guardian SET preset = 'at_once'; UPDATE contact SET address = '+79000000098' WHERE id = 2").await;
        let daemon = program.serve();
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        let is = |state: &str| status(&program)["messages"]["sms"][state] == 1;
        assert!(
            wait(Duration::from_secs(10), || is("accepted")),
            "{}",
            program.log()
        );
        let id = inbox.all()[0].client_ref.clone();
        let signed = |id: &str, secret: &str| {
            let signature = sha1(&format!("{id}:79000000098:1:{secret}"));
            format!("id={id}&phone=79000000098&status=1&sha1={signature}")
        };
        let forged = post(&program, "/callback/sms", &signed(&id, "a-guess"));
        assert!(forged.starts_with("HTTP/1.1 403"), "{forged}");
        let long = format!("{}&x={}", signed(&id, "between-us"), "x".repeat(100_000));
        let long = post(&program, "/callback/sms", &long);
        assert!(long.starts_with("HTTP/1.1 413"), "{long}");
        assert!(is("accepted"), "nothing of it is believed");
        for _ in 0..2 {
            let taken = post(&program, "/callback/sms", &signed(&id, "between-us"));
            assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
        }
        assert!(
            wait(Duration::from_secs(10), || is("delivered")),
            "{}",
            program.log()
        );
        let metrics = get(&program, "/metrics");
        assert!(metrics.contains("vestnik_attempts_total"), "{metrics}");
        // A receipt that says what no document names is counted.
        let signature = sha1("7:79000000098:77:between-us");
        let strange = format!("id=7&phone=79000000098&status=77&sha1={signature}");
        post(&program, "/callback/sms", &strange);
        let counted =
            || get(&program, "/metrics").contains("vestnik_not_understood_total{lane=\"sms\"} 1");
        assert!(wait(Duration::from_secs(10), counted), "{}", program.log());
        drop(daemon);
        assert!(!program.log().contains("79000000098"), "{}", program.log());
    }
}

/// A school with two gateways: while the first one is down the second one carries its SMS, is shown as what it
/// is, and its receipts come to an address of their own.
#[tokio::test(flavor = "multi_thread")]
async fn the_spare_gateway_carries_and_reports_while_the_first_is_down() {
    for database in databases().await {
        let (gateway, inbox) = sandbox().await;
        let channel = format!(
            "[channels.sms]\ngateway = \"smsaero\"\nbase_url = \"http://127.0.0.1:9\"\nlogin = \"school\"\n\
             password = \"sandbox\"\n[channels.sms.spare]\ngateway = \"smsc\"\n\
             base_url = \"http://{gateway}\"\nlogin = \"school\"\npassword = \"sandbox\"\n\
             callback_secret = \"between-us\"\n"
        );
        let config = config(&database, &channel)
            .replace("[web]\n", "[web]\npublic_url = \"http://localhost\"\n");
        let program = Program::new(&config);
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(&store, "UPDATE guardian SET preset = 'at_once'; UPDATE contact SET address = '+79000000098' WHERE id = 2").await;
        // As a daemon that ended left it.
        sql(
            &store,
            "INSERT INTO lane (name, standing, standing_since, standing_because, falls, probed_at) \
             VALUES ('sms', 'down', 1700000000000, 'outage', 1, 1700000000000)",
        )
        .await;
        let checked = String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
        assert!(
            checked.contains("sms_spare: smsc answers; balance"),
            "{checked}"
        );
        assert!(checked.contains("WRONG sms: "), "{checked}");
        assert!(
            checked.contains("post its receipts to http://localhost/callback/sms-spare\n"),
            "{checked}"
        );
        let daemon = program.serve();
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        let is = |state: &str| status(&program)["messages"]["sms"][state] == 1;
        assert!(
            wait(Duration::from_secs(10), || is("accepted")),
            "{}",
            program.log()
        );
        let id = inbox.all()[0].client_ref.clone();
        let signature = sha1(&format!("{id}:79000000098:1:between-us"));
        let form = format!("id={id}&phone=79000000098&status=1&sha1={signature}");
        let other = post(&program, "/callback/sms", &form);
        assert!(!other.starts_with("HTTP/1.1 200"), "{other}");
        let taken = post(&program, "/callback/sms-spare", &form);
        assert!(taken.starts_with("HTTP/1.1 200"), "{taken}");
        assert!(
            wait(Duration::from_secs(10), || is("delivered")),
            "{}",
            program.log()
        );
        let metrics = get(&program, "/metrics");
        for line in [
            "vestnik_lane_standing{lane=\"sms\",standing=\"down\"} 1",
            "vestnik_lane_standing{lane=\"sms_spare\",standing=\"healthy\"} 1",
            "vestnik_attempts_total{lane=\"sms_spare\",outcome=\"accepted\"} 1",
        ] {
            assert!(metrics.contains(line), "{line}: {metrics}");
        }
        assert_eq!(status(&program)["lanes"]["sms"]["because"], "outage");
        let told = program.print(&["status"]);
        assert!(
            told.contains("sms is down since 2023-11-14 22:13 UTC (outage)"),
            "{told}"
        );
        drop(daemon);
        // Asked whether it works, the first one did not answer.
        assert!(
            program.log().contains("this account does not work yet"),
            "{}",
            program.log()
        );
    }
}

/// An SMS account that nobody is reached by.
const ACCOUNT: &str = "[channels.sms]\ngateway = \"megafon\"\nbase_url = \"http://127.0.0.1:9\"\n\
    login = \"school\"\npassword = \"secret\"\nsender = \"SCHOOL12\"\n";

/// Of five texts «one» is registered.
fn exports_what_is_not_registered(program: &Program) {
    let export = ["sms-templates", "export", "--operator", "МегаФон"];
    let table = program.print(&export);
    assert!(
        table.starts_with(
            "\u{feff}Отправитель;Тип;Название;Шаблон;Пример\r\nSCHOOL12;сервисный;two;\"Школа 12. "
        ),
        "{table}"
    );
    assert!(!table.contains("сервисный;one;"), "{table}");
    let whole = program.print(&[&export[..], &["--all"]].concat());
    assert!(
        whole.contains("\r\nSCHOOL12;сервисный;one;Школа 12. %w{1,4} %d.%d: %w{1,150};Школа 12. "),
        "{whole}"
    );
}

/// The texts of SMS go to an operator's form, and the register says where they stand; `check` says which are
/// not registered, and when they have changed since.
#[tokio::test(flavor = "multi_thread")]
async fn texts_of_sms_are_exported_and_what_operators_know_of_them_is_kept() {
    for database in databases().await {
        let program = Program::new(&config(&database, ACCOUNT));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        let check = || String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
        let record = |more: &[&str]| {
            program.print(&[&["sms-templates", "record", "--operator", "мегафон"], more].concat())
        };
        let list = || program.print(&["sms-templates", "list"]);
        let shown = list();
        assert!(
            shown.contains("one\n  Школа 12. %w{1,4} %d.%d: %w{1,150}\n"),
            "{shown}"
        );
        assert_eq!(
            shown.matches("МегаФон: not handed in").count(),
            5,
            "{shown}"
        );
        let said = record(&["--state", "submitted", "--on", "2026-10-12"]);
        assert_eq!(said, "МегаФон: one, two, three, four, staff submitted\n");
        record(&["--state", "registered", "--only", "one"]);
        let shown = list();
        assert_eq!(
            shown.matches("МегаФон: submitted since 12.10.2026").count(),
            4,
            "{shown}"
        );
        assert_eq!(
            shown.matches("МегаФон: registered since").count(),
            1,
            "{shown}"
        );
        let checked = check();
        assert!(
            checked.contains("МегаФон has yet to register two since 12.10.2026, three since")
                && !checked.contains("for advertising"),
            "{checked}"
        );
        // What is registered need not be handed in again.
        exports_what_is_not_registered(&program);
        record(&["--state", "registered"]);
        // A school of another name has other texts: the old ones are to be revoked.
        sql(&store, "UPDATE school SET short_name = 'Гимназия 3'").await;
        let checked = check();
        assert!(
            checked.contains(
                "МегаФон takes SMS for advertising that fit no registered text, and has not registered one \
                 (changed, its text of "
            ) && checked.contains("ok    sms-templates: every SMS fits one of 5 texts"),
            "{checked}"
        );
        let shown = list();
        assert_eq!(
            shown
                .matches("no SMS fits it any more, revoke it: МегаФон, registered")
                .count(),
            5,
            "{shown}"
        );
        record(&["--state", "revoked"]);
        for slip in [&["--only", "five"][..], &["--on", "2999-01-01"]] {
            let asked = [
                "sms-templates",
                "record",
                "--operator",
                "МТС",
                "--state",
                "submitted",
            ];
            let slip = program.run(&[&asked[..], slip].concat());
            assert_eq!(slip.status.code(), Some(2));
        }
        let json: serde_json::Value =
            serde_json::from_str(&program.print(&["sms-templates", "list", "--json"]))
                .expect("JSON");
        assert_eq!(json[0]["operators"][0]["state"], "draft", "{json}");
        assert_eq!(
            json[0]["text"], "Гимназия 3. %w{1,4} %d.%d: %w{1,150}",
            "{json}"
        );
    }
}

/// A school's own words for an SMS that fits no registered text are named before a family reads them.
#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_no_operator_knows_is_named_by_check() {
    let own = "[templates]\ndirectory = \"own\"\n";
    let channels = format!("{ACCOUNT}operators = \"МТС\"\n{own}");
    let program = Program::new(&config("sqlite:{folder}/school.db", &channels));
    let folder = program.folder.path().join("own/frame");
    fs::create_dir_all(&folder).expect("a folder");
    let frame = include_str!("../templates/messages/frame/sms.hbs");
    let frame = frame.replace("{{short_school}}. ", "{{short_school}}, дневник. ");
    fs::write(folder.join("sms.hbs"), frame).expect("a file");
    drop(open(&program, "sqlite:{folder}/school.db").await);
    let checked = String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
    assert!(
        checked.contains("ok    templates: ")
            && checked.contains("WRONG sms-templates: template frame/sms.hbs, line 1: it makes «Школа, дневник. Маша "),
        "{checked}"
    );
    let refused = program.run(&["sms-templates", "export", "--operator", "МТС"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        refused.stdout.is_empty(),
        "an operator must not register what no SMS fits"
    );
    // The remedy: the skeletons are changed with it, and the English words too.
    let english = include_str!("../templates/messages/en/frame/sms.hbs");
    let english = english.replace("{{short_school}}. ", "{{short_school}}, дневник. ");
    fs::create_dir_all(program.folder.path().join("own/en/frame")).expect("a folder");
    fs::write(program.folder.path().join("own/en/frame/sms.hbs"), english).expect("a file");
    let skeletons = include_str!("../templates/messages/frame/sms.skeletons.txt");
    let skeletons = skeletons.replace("{school}. ", "{school}, дневник. ");
    fs::write(folder.join("sms.skeletons.txt"), skeletons).expect("a file");
    let checked = String::from_utf8_lossy(&program.run(&["check"]).stdout).into_owned();
    assert!(
        checked.contains("ok    sms-templates: every SMS fits one of 5 texts")
            && checked.contains("note  sms-templates: МТС takes SMS"),
        "{checked}"
    );
}
