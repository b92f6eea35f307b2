//! Stories of the daemon on all four channels: a real mail server, the gateway and the Bot API on loopback,
//! and paper.

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no power is cut here")]
mod program;

use std::{fs, path::PathBuf, process::Command, time::Duration};

use desk::FAMILY;
use program::{Program, Smtp, config, databases, get, open, sql, status, wait};
use tokio::net::TcpListener;
use vestnik_smpp::sandbox::{Centre, PASSWORD, SYSTEM_ID};
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
            wait(Duration::from_mins(3), || files().len() >= 4),
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
    assert!(told.contains("1 sheets on 2 pages"), "{told}");
    let unknown = program.run(&["sheets", "--class", "9Я", "--out", "now"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_the_daemon_name_nobody_and_its_metrics_are_sound() {
    for database in databases().await {
        let (chats, channel) = bot("full").await;
        let program = Program::new(
            &config(&database, &channel).replace("[web]", "state_dir = \"{folder}\"\n[web]"),
        );
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
        for path in [
            "/",
            "/messages?channel=telegram&state=accepted",
            "/families/1",
        ] {
            let page = get(&program, path);
            assert!(
                page.starts_with("HTTP/1.1 303"),
                "who has not logged in goes to the door: {page}"
            );
            for personal in ["Маша", "Соколова", "Бабушкина", "7700770077"] {
                assert!(!page.contains(personal), "{personal}: {page}");
            }
            assert!(page.contains("content-security-policy"), "{page}");
        }
        let metrics = get(&program, "/metrics");
        let (_, body) = metrics.split_once("\r\n\r\n").expect("a body");
        for line in [
            "vestnik_messages{channel=\"telegram\",state=\"accepted\"} 1",
            "vestnik_attempts_total{lane=\"telegram\",outcome=\"accepted\"} 1",
            "vestnik_changes_unplanned 0",
            "vestnik_ledger_cells{state=\"informed\"} ",
            "vestnik_ledger_cells{state=\"red\"} 0",
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

/// An SMS centre on loopback, and the configuration that leads there.
#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
async fn centre() -> (Centre, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let centre = Centre::default();
    tokio::spawn(vestnik_smpp::sandbox::serve(listener, centre.clone()));
    let config = format!(
        "[channels.sms]\ngateway = \"smpp\"\nurl = \"smpp://{address}\"\nsystem_id = \"{SYSTEM_ID}\"\n\
         password = \"{PASSWORD}\"\nsender = \"SCHOOL12\"\ntimeout = \"2s\"\n[log]\nlevel = \"debug\"\n"
    );
    (centre, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sms_centre_carries_and_reports_and_a_family_that_answers_stop_is_left_alone() {
    for database in databases().await {
        let (centre, channel) = centre().await;
        let program = Program::new(&config(&database, &channel));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(
            &store,
            "UPDATE guardian SET preset = 'at_once'; UPDATE contact SET address = '8 900 000-00-11' WHERE id = 2",
        )
        .await;
        let checked = program.print(&["check"]);
        assert!(checked.contains("answers as «SANDBOX»"), "{checked}");
        let daemon = program.serve();
        let mark = |day: u32| {
            format!(
                "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day}', '5')"
            )
        };
        sql(&store, &mark(14)).await;
        let delivered = || status(&program)["messages"]["sms"]["delivered"] == 1;
        assert!(
            wait(Duration::from_secs(20), delivered),
            "{}",
            program.log()
        );
        assert!(wait(Duration::from_secs(10), || centre.answers().len() > 1));
        let taken = centre.submitted();
        assert!(
            taken
                .iter()
                .all(|one| one.to == "79000000011" && one.from == "SCHOOL12")
        );
        let consents = program.print(&["consent", "list"]);
        assert!(
            consents.contains("sms withdrawn (SMS «СТОП» с номера семьи"),
            "{consents}"
        );
        sql(&store, &mark(15)).await;
        // His second mark, and both of Olga, who has no channel here.
        let on_paper = || status(&program)["notices"]["waiting"] == 3;
        assert!(
            wait(Duration::from_secs(10), on_paper),
            "{}",
            status(&program)
        );
        assert_eq!(centre.submitted().len(), taken.len(), "no further SMS");
        assert_eq!(daemon.stop(), Some(0));
        assert_eq!(
            centre.binds(),
            ["transmitter", "transceiver"],
            "check and serve"
        );
        assert_eq!(centre.unbinds(), 2);
        let log = program.log();
        for secret in ["Маша", "Математика", PASSWORD, "9000000011"] {
            assert!(!log.contains(secret), "{secret}: {log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_office_gets_the_pages_of_each_class_by_mail_once() {
    let Some(smtp) = Smtp::start() else { return };
    let channels = format!(
        "[channels.email]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"Школа <school@example.org>\"\n\
         [channels.print]\nspool_dir = \"spool\"\noffice = \"office@example.org\"\n\
         [schedule]\nweekly_sheets = \"0/5 * * * * *\"\n",
        smtp.port
    );
    for database in databases().await {
        let before = smtp.mails().len();
        let program = Program::new(&config(&database, &channels));
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(&store, "UPDATE guardian SET preset = 'paper'").await;
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        program.print(&["sheets", "--class", "5А", "--out", "now"]);
        let daemon = program.serve();
        let mails = smtp.wait_for(before + 1);
        assert!(
            mails[before].starts_with("To: office@example.org\nSubject: Листки 5 «А», неделя "),
            "{}",
            mails[before]
        );
        let sent = "SELECT COUNT(*) FROM print_run WHERE office_state = 'sent'";
        let mut count = 0_i64;
        for _ in 0..200 {
            count = sqlx::query_scalar(sent)
                .fetch_one(store.pool())
                .await
                .expect("a number");
            if count > 0 {
                break;
            }
            tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>())
                .await
                .ok();
        }
        assert!(count > 0, "{}", program.log());
        assert_eq!(daemon.stop(), Some(0));
        assert!(!program.log().contains("office@example.org"));
    }
}
