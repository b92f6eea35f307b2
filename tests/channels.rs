//! Stories of the daemon on all four channels: a real mail server, the gateway and the Bot API on loopback,
//! and paper.

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no power is cut here")]
mod program;

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use desk::FAMILY;
use program::{Program, Smtp, config, databases, get, open, sql, status, wait};
use tokio::net::TcpListener;
use vestnik_sms::sandbox::Inbox;
use vestnik_telegram::sandbox::{self, Chats, TOKEN};

/// A bot on loopback, and the configuration that leads there.
#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
async fn bot(content: &str) -> (Chats, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let chats = Chats::default();
    tokio::spawn(sandbox::serve(listener, chats.clone(), Duration::ZERO));
    let config = format!(
        "[channels.telegram]\ntoken = \"{TOKEN}\"\napi_url = \"http://{address}\"\ncontent = \"{content}\"\n"
    );
    (chats, config)
}

/// Masha's grandmother hears by the bot, and her uncle not at all.
const GRANDMOTHER: &str = "
    INSERT INTO guardian (surname, given_name, preset) VALUES ('Бабушкина', 'Вера', 'at_once');
    INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 1);
    INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'telegram', '7700770077');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (3, 1, 'data', 'given');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (3, 1, 'messenger', 'given')";

fn texts(chats: &Chats) -> Vec<String> {
    chats.all().into_iter().map(|one| one.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_written_by_hand_is_in_the_chat_and_so_is_its_correction() {
    for database in databases().await {
        let (chats, channel) = bot("full").await;
        let program = Program::new(&config(&database, &channel));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(&store, GRANDMOTHER).await;
        let daemon = program.serve();
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        assert!(
            wait(Duration::from_secs(10), || chats.all().len() == 1),
            "{}",
            program.log()
        );
        let text = &texts(&chats)[0];
        assert!(text.starts_with("Школа № 12. Новое в дневнике, "), "{text}");
        assert!(
            text.ends_with("\n\nМаша, 5 «А»\n\n14 октября, среда\n– Математика: 3"),
            "{text}"
        );
        sql(&store, "UPDATE mark SET value = '4'").await;
        assert!(
            wait(Duration::from_secs(10), || chats.all().len() == 2),
            "{}",
            program.log()
        );
        assert!(texts(&chats)[1].contains("Математика: исправлено, было 3, теперь 4"));
        sql(&store, "INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 1, '2126-10-15', '<b>№ 1</b> & *2* _3_')").await;
        assert!(
            wait(Duration::from_secs(10), || chats.all().len() == 3),
            "{}",
            program.log()
        );
        assert!(
            texts(&chats)[2].contains("Математика: <b>№ 1</b> & *2* _3_"),
            "as it was written"
        );
        let accepted = || status(&program)["messages"]["telegram"]["accepted"] == 3;
        assert!(
            wait(Duration::from_secs(10), accepted),
            "{}",
            status(&program)
        );
        drop(daemon);
        let log = program.log();
        for secret in ["Маша", "Математика", "TESTTOKEN"] {
            assert!(!log.contains(secret), "{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_carries_nothing_of_a_child_but_what_the_school_says_to_all() {
    let (chats, channel) = bot("ping").await;
    let database = "sqlite:{folder}/school.db";
    let program = Program::new(&config(database, &channel));
    let store = open(&program, database).await;
    sql(&store, FAMILY).await;
    sql(&store, GRANDMOTHER).await;
    let _daemon = program.serve();
    sql(
        &store,
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')",
    )
    .await;
    assert!(
        wait(Duration::from_secs(10), || chats.all().len() == 1),
        "{}",
        program.log()
    );
    let text = texts(&chats).remove(0);
    for personal in ["Маша", "5 «А»", "Математика", "3."] {
        assert!(!text.contains(personal), "{text}");
    }
    assert!(text.contains("есть новые записи"), "{text}");
    sql(
        &store,
        "INSERT INTO announcement (text) VALUES ('Собрание в 18:00')",
    )
    .await;
    assert!(
        wait(Duration::from_secs(10), || chats.all().len() == 2),
        "{}",
        program.log()
    );
    assert!(
        texts(&chats)[1].contains("Объявление: Собрание в 18:00"),
        "{:?}",
        texts(&chats)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_that_has_become_another_one_is_learned() {
    let (chats, channel) = bot("full").await;
    let database = "sqlite:{folder}/school.db";
    let program = Program::new(&config(database, &channel));
    let store = open(&program, database).await;
    sql(&store, FAMILY).await;
    sql(&store, &GRANDMOTHER.replace("'7700770077'", "'-401'")).await;
    let _daemon = program.serve();
    for (count, value) in [(1, "3"), (2, "4")] {
        sql(&store, &format!("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, {count}, '2026-10-14', '{value}')")).await;
        assert!(
            wait(Duration::from_secs(10), || chats.all().len() == count),
            "{}",
            program.log()
        );
        let learned = || status(&program)["messages"]["telegram"]["accepted"] == count;
        assert!(
            wait(Duration::from_secs(10), learned),
            "{}",
            status(&program)
        );
    }
    assert!(chats.all().iter().all(|one| one.chat == -100_401));
    let moved = sqlx::query("SELECT id FROM contact WHERE address = '-100401'")
        .fetch_all(store.pool())
        .await;
    assert_eq!(moved.expect("contacts").len(), 1);
}

/// Resident memory of a process in KiB, without what its file maps.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .expect("a line");
    line.split_whitespace()
        .nth(1)
        .expect("a number")
        .parse()
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_prints_by_itself_and_is_no_larger_afterwards() {
    for database in databases().await {
        let channels = "[channels.print]\nspool_dir = \"spool\"\n[schedule]\nweekly_sheets = \"0/5 * * * * *\"\n";
        let program = Program::new(&config(&database, channels));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        let daemon = program.serve();
        let spool = program.folder.path().join("spool");
        let files = || -> Vec<PathBuf> {
            let entries = fs::read_dir(&spool).map(|entries| entries.flatten().collect::<Vec<_>>());
            entries
                .unwrap_or_default()
                .iter()
                .map(fs::DirEntry::path)
                .collect()
        };
        assert!(
            wait(Duration::from_secs(20), || files().len() == 1),
            "{}",
            program.log()
        );
        let before = memory(daemon.0.id());
        assert!(
            wait(Duration::from_mins(1), || files().len() >= 4),
            "{}",
            program.log()
        );
        let after = memory(daemon.0.id());
        assert!(
            after < before + 8 * 1024,
            "{before} KiB before, {after} KiB after"
        );
        let text = Command::new("pdftotext")
            .args(["-raw".as_ref(), files()[0].as_os_str(), "-".as_ref()])
            .output();
        let text = String::from_utf8(text.expect("poppler-utils").stdout).expect("UTF-8");
        assert!(text.contains("Соколова Мария, 5 «А»"), "{text}");
        assert_eq!(daemon.stop(), Some(0));
        assert!(!program.log().contains("Соколова"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_layout_that_never_ends_delays_paper_only_and_is_named() {
    let Some(smtp) = Smtp::start() else { return };
    let channels = format!(
        "[channels.email]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"Школа <school@example.org>\"\n\
         [channels.print]\nspool_dir = \"spool\"\ntimeout = \"2s\"\n[templates]\nsheet = \"week.typ\"\n\
         [schedule]\nweekly_sheets = \"0/5 * * * * *\"\n",
        smtp.port
    );
    let database = "sqlite:{folder}/school.db";
    let program = Program::new(&config(database, &channels));
    let layout = program.folder.path().join("week.typ");
    fs::write(
        &layout,
        "#{ let s = 0; for a in range(100000) { for b in range(100000) { s += 1 } } }",
    )
    .expect("a file");
    let store = open(&program, database).await;
    sql(&store, FAMILY).await;
    let _daemon = program.serve();
    let failed = || get(&program, "/metrics").contains("vestnik_print_runs{state=\"failed\"} 1");
    let listens = || program.log().contains("listen=");
    assert!(wait(Duration::from_secs(10), listens), "{}", program.log());
    sql(
        &store,
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')",
    )
    .await;
    assert!(
        smtp.wait_for(1)[0].contains("Математика: 3"),
        "mail does not wait for paper"
    );
    assert!(wait(Duration::from_secs(30), failed), "{}", program.log());
    assert!(program.log().contains("was stopped"), "{}", program.log());
    let page = get(&program, "/messages");
    assert!(page.contains("5 «А» has no sheets for"), "{page}");
    let check = program.run(&["check"]);
    let words = String::from_utf8_lossy(&check.stdout).into_owned();
    assert_eq!(check.status.code(), Some(1));
    assert!(
        words.contains("WRONG sheets: the layout fails: it took longer than 2 s"),
        "{words}"
    );
    assert!(
        words.contains("WRONG sheets: 5 «А» has none for"),
        "{words}"
    );
    // The command says the same, and works again when the layout does.
    let once = program.run(&["sheets", "--out", "now"]);
    assert_eq!(once.status.code(), Some(1));
    fs::remove_file(&layout).expect("a file");
    fs::write(&layout, vestnik_sheet::WEEK).expect("a file");
    let told = program.print(&["sheets", "--class", "5-A", "--out", "now"]);
    assert!(told.contains("1 sheets on 1 pages"), "{told}");
    let unknown = program.run(&["sheets", "--class", "9Я", "--out", "now"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_daemon_name_nobody_and_its_metrics_are_sound() {
    for database in databases().await {
        let (chats, channel) = bot("full").await;
        let program = Program::new(&config(&database, &channel));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(&store, GRANDMOTHER).await;
        let _daemon = program.serve();
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        assert!(
            wait(Duration::from_secs(10), || chats.all().len() == 1),
            "{}",
            program.log()
        );
        let accepted = || status(&program)["messages"]["telegram"]["accepted"] == 1;
        assert!(
            wait(Duration::from_secs(10), accepted),
            "{}",
            status(&program)
        );
        let list = get(&program, "/messages?channel=telegram&state=accepted");
        let reference = list
            .split("/messages/")
            .nth(1)
            .and_then(|rest| rest.get(..16))
            .expect("a message");
        let one = get(&program, &format!("/messages/{reference}"));
        assert!(
            one.contains("Attempt 1") && one.contains("State: accepted"),
            "{one}"
        );
        for page in [&list, &one] {
            for personal in ["Маша", "Соколова", "Бабушкина", "7700770077"] {
                assert!(
                    !page
                        .split("</style>")
                        .nth(1)
                        .expect("a page")
                        .contains(personal),
                    "{personal}: {page}"
                );
            }
            assert!(page.contains("content-security-policy"), "{page}");
        }
        assert!(get(&program, "/messages/nothing").starts_with("HTTP/1.1 404"));
        let metrics = get(&program, "/metrics");
        let (_, body) = metrics.split_once("\r\n\r\n").expect("a body");
        for line in [
            "vestnik_messages{channel=\"telegram\",state=\"accepted\"} 1",
            "vestnik_attempts_total{lane=\"telegram\",outcome=\"accepted\"} 1",
            "vestnik_changes_unplanned 0",
        ] {
            assert!(body.contains(line), "{body}");
        }
        sound(body);
    }
}

/// Prometheus' own tool finds nothing to complain of.
fn sound(metrics: &str) {
    use std::{io::Write, process::Stdio};
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else {
        println!("skipped: there is no promtool; tests/run fetches it");
        return;
    };
    tool.stdin
        .take()
        .expect("a pipe")
        .write_all(metrics.as_bytes())
        .expect("a tool that reads");
    let output = tool.wait_with_output().expect("a tool");
    let words = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && words.trim().is_empty(),
        "{words}\n{metrics}"
    );
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
#[expect(clippy::disallowed_methods, reason = "the gateway ends with the test")]
async fn a_gateway_in_a_file_is_proved_and_posts_its_receipts() {
    let ours = include_str!("../channels/sms/gateways/smsc.toml")
        .replace("name = \"smsc\"", "name = \"ours\"")
        .replace("code = \"smsc_", "code = \"ours_");
    for database in databases().await {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let gateway = listener.local_addr().expect("an address");
        let inbox = Inbox::default();
        tokio::spawn(vestnik_sms::sandbox::serve(
            listener,
            inbox.clone(),
            Duration::ZERO,
        ));
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
