//! Stories of the daemon and people who talk to its bot, through a Bot API server on loopback.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

#[path = "support/program.rs"]
#[expect(dead_code, reason = "nobody reads mails or pages here")]
mod program;

use std::time::Duration;

use program::{Daemon, Program, databases, open, sql, wait};
use tokio::net::TcpListener;
use vestnik::clock::Clock;
use vestnik_telegram::sandbox::{self, Chats, Received, TOKEN};

/// How long somebody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A school with two classes; the mothers of 5А are many.
const SCHOOL: &str = "
    INSERT INTO school (name, short_name) VALUES ('Школа № 12', 'Школа 12');
    INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher');
    INSERT INTO class (grade, letter, class_teacher_id) VALUES (5, 'А', 1);
    INSERT INTO subject (name, short_name) VALUES ('Математика', 'матем')";

/// How many families the class has.
const FAMILIES: i64 = 12;

/// Codes are sealed with a key, which has to be kept somewhere.
fn config(database: &str, channels: &str) -> String {
    program::config(database, channels).replace("[web]", "state_dir = \"{folder}\"\n[web]")
}

struct Talk {
    chats: Chats,
    channels: String,
}

impl Talk {
    async fn new(latency: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let chats = Chats::default();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(sandbox::serve(listener, chats.clone(), latency));
        Self {
            chats,
            channels: format!(
                "[channels.telegram]\ntoken = \"{TOKEN}\"\napi_url = \"{url}\"\ncontent = \"full\"\n\
                 timeout = \"5s\"\n"
            ),
        }
    }

    /// Waits until the chat shows these words at its end.
    fn wait(&self, program: &Program, chat: i64, words: &str) -> Received {
        let last = || self.chats.shown(chat).pop().unwrap_or_default();
        let shown = tokio::task::block_in_place(|| wait(PATIENCE, || last().text.contains(words)));
        assert!(
            shown,
            "«{words}» is not in {}\n{}",
            last().text,
            program.log()
        );
        last()
    }

    fn says(&self, program: &Program, chat: i64, text: &str, answer: &str) -> Received {
        self.chats.says(chat, text);
        self.wait(program, chat, answer)
    }

    fn presses(&self, program: &Program, chat: i64, label: &str, answer: &str) -> Received {
        assert!(self.chats.presses(chat, label), "there is no «{label}»");
        self.wait(program, chat, answer)
    }
}

/// The families of the class, each with a mother who agreed to messages by messengers.
async fn families(store: &vestnik::store::Store) {
    for n in 1..=FAMILIES {
        sql(
            store,
            &format!(
                "INSERT INTO student (surname, given_name, short_name) VALUES ('Ученик', 'Имя{n}', 'Имя{n}');
                 INSERT INTO enrolment (student_id, class_id) VALUES ({n}, 1);
                 INSERT INTO guardian (surname, given_name, preset) VALUES ('Мать{n}', 'Ольга', 'at_once');
                 INSERT INTO guardianship (guardian_id, student_id) VALUES ({n}, {n});
                 INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({n}, {n}, 'data', 'given');
                 INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({n}, {n}, 'messenger', 'given')"
            ),
        )
        .await;
    }
}

fn codes(program: &Program, who: &[&str]) -> Vec<String> {
    let mut arguments = vec!["invite", "--json"];
    arguments.extend(who);
    let list: serde_json::Value = serde_json::from_str(&program.print(&arguments)).unwrap();
    let code = |one: &serde_json::Value| one["code"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mother_comes_in_by_the_card_of_the_command_and_hears_of_a_mark() {
    for database in databases().await {
        let talk = Talk::new(Duration::ZERO).await;
        let program = Program::new(&config(&database, &talk.channels));
        let store = open(&program, &database).await;
        sql(&store, SCHOOL).await;
        families(&store).await;
        let daemon = program.serve();
        let code = codes(&program, &["--guardian", "Мать1"]).remove(0);
        talk.says(&program, 77, "/start", "введите код");
        talk.says(&program, 77, &code, "Имя1 У., 5 «А»");
        talk.presses(&program, 77, "Мама", "Что присылать?");
        talk.presses(&program, 77, "Сразу", "Готово: сразу");
        sql(
            &store,
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')",
        )
        .await;
        let told = talk.wait(&program, 77, "Математика");
        assert!(
            told.buttons
                .concat()
                .iter()
                .any(|(label, _)| label == "Вопрос учителю")
        );
        talk.presses(&program, 77, "Настройки", "Как часто: сразу.");
        assert_eq!(daemon.stop(), Some(0));
        let log = program.log();
        assert!(
            !log.contains("Имя1") && !log.contains("Мать1") && !log.contains(&code),
            "{log}"
        );
    }
}

/// A class teacher announces something urgent; the power is cut before it is confirmed. The draft lives, the
/// confirmation does not.
fn wizard(talk: &Talk, program: &Program) -> Daemon {
    let daemon = program.serve();
    let code = codes(program, &["--staff", "Иванова"]).remove(0);
    talk.says(program, 600, &code, "подключены как сотрудник");
    talk.says(program, 600, "/obyavlenie", "Напишите текст");
    talk.says(program, 600, "Завтра уроков нет", "Проверьте.");
    talk.presses(program, 600, "Сделать срочным", "придёт и ночью");
    daemon.kill();

    let daemon = program.serve();
    let all = format!("Отправить {FAMILIES} получателям");
    talk.presses(program, 600, &all, "Придумайте PIN");
    for round in ["●○○○○", "●●○○○", "●●●○○", "●●●●○", "Ещё раз"]
    {
        talk.presses(program, 600, "7", round);
    }
    for round in ["●○○○○", "●●○○○", "●●●○○", "●●●●○", "Проверьте."]
    {
        talk.presses(program, 600, "7", round);
    }
    talk.presses(program, 600, &all, "Отправлю через 60 секунд");
    daemon
}

#[tokio::test(flavor = "multi_thread")]
async fn power_cuts_in_the_wizard_and_in_the_fan_out_lose_nobody_and_tell_nobody_twice() {
    for database in databases().await {
        // Each call takes a while, so that the cut comes in the middle of the fan-out.
        let talk = Talk::new(Duration::from_millis(150)).await;
        let channels = format!("{}rate = \"5/s\"\nconcurrency = 2\n", talk.channels);
        let program = Program::new(&config(&database, &channels));
        let store = open(&program, &database).await;
        sql(&store, SCHOOL).await;
        families(&store).await;
        for n in 1..=FAMILIES {
            let chat = 1_000 + n;
            sql(
                &store,
                &format!("INSERT INTO contact (guardian_id, channel, address) VALUES ({n}, 'telegram', '{chat}')"),
            )
            .await;
        }
        let daemon = wizard(&talk, &program);
        // Nobody waits a minute in a test: the author's minute is over.
        let planned = || {
            let waiting = program::status(&program);
            waiting["notices"]["settling"].as_i64() == Some(FAMILIES)
        };
        assert!(
            tokio::task::block_in_place(|| wait(PATIENCE, planned)),
            "{}",
            program.log()
        );
        let now = Clock::Wall.now();
        sql(
            &store,
            &format!("UPDATE announcement SET send_at = {now}; UPDATE notice SET due_at = {now}"),
        )
        .await;
        let told = || {
            let of = |n: i64| talk.chats.shown(1_000 + n);
            (1..=FAMILIES).filter(|n| !of(*n).is_empty()).count()
        };
        assert!(
            tokio::task::block_in_place(|| wait(PATIENCE, || told() >= 3)),
            "{}",
            program.log()
        );
        daemon.kill();
        let cut = told();
        assert!(
            cut < usize::try_from(FAMILIES).unwrap(),
            "the cut came too late"
        );

        let daemon = program.serve();
        let everybody = || told() == usize::try_from(FAMILIES).unwrap();
        assert!(
            tokio::task::block_in_place(|| wait(PATIENCE, everybody)),
            "{} of {FAMILIES}\n{}",
            told(),
            program.log()
        );
        // What was under way at the cut may have arrived; the report says so until it is clear.
        let report = || talk.chats.shown(600).pop().unwrap_or_default().text;
        let clear = || report().contains("Готово.") || report().contains("Неясно, дошло ли");
        let clear = tokio::task::block_in_place(|| wait(PATIENCE, clear));
        assert!(
            clear,
            "{}\n{}\n{}",
            report(),
            program::status(&program),
            program.log()
        );
        let copies: i64 = (1..=FAMILIES)
            .map(|n| i64::try_from(talk.chats.shown(1_000 + n).len()).unwrap() - 1)
            .sum();
        let status = program::status(&program);
        let doubt = status["possible_duplicates"].as_i64().unwrap();
        assert!(
            copies <= doubt,
            "{copies} second copies, {doubt} of them shown: {status}"
        );
        assert_eq!(daemon.stop(), Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_program_with_the_same_token_is_named_in_the_log() {
    let talk = Talk::new(Duration::ZERO).await;
    let database = "sqlite:{folder}/school.db";
    let (first, second) = (
        Program::new(&config(database, &talk.channels)),
        Program::new(&config(database, &talk.channels)),
    );
    let _daemons = [first.serve(), second.serve()];
    let named = || {
        let log = first.log() + &second.log();
        log.contains("telegram_409") && log.contains("Another program uses the same token")
    };
    let seen = tokio::task::block_in_place(|| wait(PATIENCE, named));
    assert!(seen, "{}\n{}", first.log(), second.log());
}

/// Posts an update to the daemon, and says how it was answered.
fn bring(program: &Program, secret: &str, update: &str) -> u16 {
    use std::io::{Read, Write};
    let log = program.log();
    let address = log
        .split("listen=")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request = format!(
        "POST /callback/telegram HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         X-Telegram-Bot-Api-Secret-Token: {secret}\r\nContent-Length: {}\r\n\r\n{update}",
        update.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_telegram_brings_is_heard_once_and_only_from_telegram() {
    for database in databases().await {
        let talk = Talk::new(Duration::ZERO).await;
        let channels = format!("{}webhook = true\n", talk.channels);
        let config = config(&database, &channels);
        let config = config.replace(
            "[web]",
            "[web]\npublic_url = \"https://school.example.org/\"",
        );
        let program = Program::new(&config);
        let store = open(&program, &database).await;
        sql(&store, SCHOOL).await;
        families(&store).await;
        let daemon = program.serve();
        let ready = || talk.chats.hook().is_some() && program.log().contains("listen=");
        let set = tokio::task::block_in_place(|| wait(PATIENCE, ready));
        assert!(set, "{}", program.log());
        let (url, secret) = talk.chats.hook().unwrap();
        assert_eq!(url, "https://school.example.org/callback/telegram");
        talk.chats.says(77, "/start");
        let update = talk.chats.newest_update();
        let bring = |secret: &str, update: &str| {
            tokio::task::block_in_place(|| bring(&program, secret, update))
        };
        assert_eq!(bring("0123456789ABCDEF", &update), 403);
        assert_eq!(bring("", &update), 403);
        assert!(talk.chats.shown(77).is_empty());
        assert_eq!(bring(&secret, &update), 200);
        talk.wait(&program, 77, "введите код");
        // Brought again, it is answered once.
        assert_eq!(bring(&secret, &update), 200);
        assert_eq!(bring(&secret, "{nonsense"), 200);
        assert_eq!(talk.chats.shown(77).len(), 1);
        assert_eq!(daemon.stop(), Some(0));
        assert!(!program.log().contains(&secret));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shell_announces_to_the_same_families_as_the_wizard() {
    for database in databases().await {
        let talk = Talk::new(Duration::ZERO).await;
        let program = Program::new(&config(&database, &talk.channels));
        let store = open(&program, &database).await;
        sql(&store, SCHOOL).await;
        families(&store).await;
        sql(
            &store,
            "INSERT INTO contact (guardian_id, channel, address) VALUES (1, 'telegram', '1001')",
        )
        .await;
        let text = [
            "announce",
            "--class",
            "5-a",
            "--text",
            "Собрание в 18:00",
            "--json",
        ];
        let run = |more: &[&str]| {
            let arguments = [&text[..], more].concat();
            let printed = tokio::task::block_in_place(|| program.print(&arguments));
            serde_json::from_str::<serde_json::Value>(&printed).unwrap()
        };
        let dry = run(&["--dry-run"]);
        assert_eq!(dry["id"], serde_json::Value::Null);
        assert_eq!(dry["channels"]["telegram"], 1, "{dry}");
        assert_eq!(dry["channels"]["paper"], FAMILIES - 1, "{dry}");
        let plan = program.folder.path().join("План недели.PDF");
        std::fs::write(&plan, "%PDF-1.7").unwrap();
        let plan = plan.to_str().unwrap();
        let asks = ["--answer", "придём", "--answer", "не придём"];
        let sent = run(&[&asks[..], &["--file", plan]].concat());
        assert_eq!(sent["id"], 1, "the dry run wrote nothing");
        let daemon = program.serve();
        sql(&store, "UPDATE announcement SET send_at = 1").await;
        talk.wait(
            &program,
            1_001,
            "Собрание в 18:00 (приложено: План недели.pdf) – ответ: придём / не придём",
        );
        assert_eq!(daemon.stop(), Some(0));
        tokio::task::block_in_place(|| program.print(&["announce", "--cancel", "1"]));
        let again = program.run(&["announce", "--cancel", "1"]);
        assert_eq!(again.status.code(), Some(2));
        let wrong = program.run(&["announce", "--class", "9В", "--text", "x"]);
        assert_eq!(wrong.status.code(), Some(2));
        let program_file = [
            "announce", "--class", "5А", "--text", "x", "--file", "/bin/sh",
        ];
        assert_eq!(program.run(&program_file).status.code(), Some(2));
        let one = ["announce", "--class", "5А", "--text", "x", "--answer", "да"];
        assert_eq!(program.run(&one).status.code(), Some(2));
        let empty = program.run(&["announce", "--class", "5А", "--text", " "]);
        assert_eq!(empty.status.code(), Some(2));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cards_are_printed_for_the_owner_of_the_file_only() {
    use std::os::unix::fs::PermissionsExt;
    let talk = Talk::new(Duration::ZERO).await;
    let database = "sqlite:{folder}/school.db";
    let program = Program::new(&config(database, &talk.channels));
    let store = open(&program, database).await;
    sql(&store, SCHOOL).await;
    families(&store).await;
    let path = program.folder.path().join("cards.pdf");
    let run = |arguments: &[&str]| tokio::task::block_in_place(|| program.print(arguments));
    let printed = run(&["invite", "--class", "5а", "--out", path.to_str().unwrap()]);
    assert_eq!(printed.lines().count(), usize::try_from(FAMILIES).unwrap());
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::process::Command::new("pdftotext")
        .arg(&path)
        .arg("-")
        .output()
        .unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    let first = printed.split_whitespace().next().unwrap();
    assert!(
        text.contains(first) && text.contains("@school_test_bot"),
        "{text}"
    );
    let wrong = program.run(&["invite", "--class", "7Б"]);
    assert_eq!(wrong.status.code(), Some(2));
}
