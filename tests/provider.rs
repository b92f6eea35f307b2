//! Mails through a real mail provider and back, by hand: they are signed, no spam, end by their own header, and
//! a mailbox that is dead leads to paper.
//!
//! `VESTNIK_TEST_MAIL=daemon:s3cret:school.test` names the user, password and domain of a provider on this
//! machine: submission with STARTTLS at 2587, IMAPS at 2993, the mailboxes `parent` and `bounces` with the same
//! password and what stands behind a `+`; mails to `nobody@gone.test` come back. `SSL_CERT_FILE` names its
//! authority, `VESTNIK_TEST_PYTHON` a Python that has dkimpy. Debian's packages libmail-dkim-perl and
//! spamassassin are needed beside it:
//!
//! ```text
//! cargo test --all-features --test provider -- --ignored --nocapture
//! ```

#[path = "support/desk.rs"]
#[expect(dead_code, reason = "only the family is used here")]
mod desk;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "no power is cut here, and no mail server kept")]
mod program;

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use desk::FAMILY;
use program::{Program, config, databases, open, sql, status, wait};
use serde_json::Value;

/// Writes what came for an address to a folder, and prints what a parser that is not ours reads in it.
const FETCH: &str = r#"
import email, email.policy, imaplib, json, ssl, sys
user, password, address, folder = sys.argv[1:]
box = imaplib.IMAP4_SSL("localhost", 2993, ssl_context=ssl.create_default_context())
box.login(user, password)
box.select("INBOX", readonly=True)
for number in box.search(None, "TO", address)[1][0].split():
    raw = box.fetch(number, "(RFC822)")[1][0][1]
    file = f"{folder}/{int(number):04}.eml"
    open(file, "wb").write(raw)
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    print(json.dumps({
        "file": file,
        "subject": mail["Subject"],
        "text": mail.get_body(("plain",)).get_content(),
        "types": [part.get_content_type() for part in mail.walk()],
        "leave": mail["List-Unsubscribe"],
        "post": mail["List-Unsubscribe-Post"],
        "defects": [str(one) for part in mail.walk() for one in part.defects],
    }))
"#;

/// Rules of SpamAssassin that may count against a mail of ours, each with its reason.
const COUNTED: [(&str, &str); 0] = [];

/// The mother hears, and nobody else.
const ALONE: &str = "DELETE FROM guardianship WHERE guardian_id = 2";

/// The user, the password and the domain.
fn provider() -> [String; 3] {
    let provider = std::env::var("VESTNIK_TEST_MAIL").expect("VESTNIK_TEST_MAIL");
    let mut words = provider.split(':').map(str::to_owned);
    [(); 3].map(|()| words.next().expect("user:password:domain"))
}

fn channel() -> String {
    let [user, password, domain] = provider();
    let key = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/channels/email/tests/data/dkim.pem"
    );
    format!(
        "[channels.email]\nurl = \"smtp://{user}:{password}@localhost:2587\"\ntls = \"starttls\"\n\
         from = \"Школа № 12 <{user}@{domain}>\"\nbounce_address = \"bounces@{domain}\"\n\
         bounce_imap_url = \"imaps://bounces:{password}@localhost:2993\"\n\
         dkim_domain = \"example.org\"\ndkim_selector = \"vestnik\"\ndkim_key_file = \"{key}\"\n"
    )
}

fn python(script: &str, arguments: &[&str]) -> Output {
    let python = std::env::var("VESTNIK_TEST_PYTHON").expect("VESTNIK_TEST_PYTHON");
    let output = Command::new(python)
        .args(["-c", script])
        .args(arguments)
        .output();
    output.expect("a Python")
}

/// What lies in the mailbox for this address.
fn mailbox(address: &str, folder: &Path) -> Vec<Value> {
    let password = &provider()[1];
    let folder = folder.display().to_string();
    let output = python(FETCH, &["parent", password, address, &folder]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let lines = String::from_utf8(output.stdout).expect("UTF-8");
    let read = |line| serde_json::from_str(line).expect("JSON");
    lines.lines().map(read).collect()
}

/// Waits until so many mails lie there.
fn arrived(count: usize, address: &str, program: &Program) -> Vec<Value> {
    let mails = || mailbox(address, program.folder.path());
    let all = wait(Duration::from_secs(30), || mails().len() >= count);
    let mails = mails();
    assert!(
        all,
        "{} of {count}: {}\n{}",
        mails.len(),
        status(program),
        program.log()
    );
    assert_eq!(mails.len(), count);
    mails
}

fn text<'a>(mail: &'a Value, key: &str) -> &'a str {
    mail[key].as_str().unwrap_or_default()
}

/// Two verifiers find the signature good, after all servers that the mail passed.
fn signed(file: &str) {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/channels/email/tests/data");
    let python = std::env::var("VESTNIK_TEST_PYTHON").expect("VESTNIK_TEST_PYTHON");
    for (program, script) in [(python.as_str(), "verify.py"), ("perl", "verify.pl")] {
        let output = Command::new(program)
            .args([format!("{data}/{script}"), format!("{data}/dkim.pub")])
            .arg("vestnik._domainkey.example.org")
            .stdin(File::open(file).expect("a mail"))
            .output();
        let said = String::from_utf8(output.expect("a verifier").stdout).expect("UTF-8");
        assert_eq!(said, "good\n", "{script}: {file}");
    }
}

/// No rule of SpamAssassin counts against a mail but those that are known, were it to come from a stranger: of
/// this machine all is trusted.
fn no_spam(file: &str) {
    let mail = fs::read_to_string(file).expect("ASCII");
    let (here, afar) = (
        "from [127.0.0.1] (localhost [127.0.0.1])",
        "from mail.school.test (mail.school.test [8.8.4.4])",
    );
    assert!(mail.contains(here), "{file}");
    let mail = mail.replace(here, afar).replace("ESMTPSA", "ESMTPS");
    let path = format!("{file}.afar");
    fs::write(&path, mail).expect("a file");
    let output = Command::new("spamassassin")
        .args(["--local", "--test-mode", "--nocreate-prefs"])
        .stdin(File::open(path).expect("a mail"))
        .output();
    let report = String::from_utf8(output.expect("Debian's spamassassin").stdout).expect("UTF-8");
    let (_, details) = report
        .split_once("Content analysis details:")
        .expect("details");
    let mut rules = 0;
    for line in details.lines() {
        let mut words = line.split_whitespace();
        let Some(points) = words.next().and_then(|word| word.parse::<f32>().ok()) else {
            continue;
        };
        let rule = words.next().unwrap_or_default();
        let known = COUNTED.iter().any(|(known, _)| *known == rule);
        assert!(points <= 0.0 || known, "{line}");
        rules += 1;
    }
    assert!(rules > 0, "{report}");
    println!("{details}");
}

/// A POST to a URL, as a mail provider makes it; the first line of the answer.
fn post(url: &str, form: &str) -> String {
    let rest = url.strip_prefix("http://").expect("a URL on this machine");
    let (place, path) = rest.split_once('/').expect("a path");
    let mut stream = TcpStream::connect(place).expect("the daemon");
    write!(
        stream,
        "POST /{path} HTTP/1.1\r\nHost: {place}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer.lines().next().unwrap_or_default().to_owned()
}

/// An address of the mailbox that no run before has had.
fn fresh() -> String {
    let number = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
    let number = number.expect("a port").port();
    let process = std::process::id();
    format!("parent+{process}-{number}@{}", provider()[2])
}

/// What a mail program finds in the mails of a family.
fn judge(mails: &[Value]) {
    for mail in mails {
        let file = text(mail, "file");
        signed(file);
        no_spam(file);
        assert_eq!(mail["defects"], serde_json::json!([]), "{file}");
        let types = mail["types"].to_string();
        assert!(
            types.contains("text/plain") && types.contains("text/html"),
            "{types}"
        );
        assert_eq!(text(mail, "post"), "List-Unsubscribe=One-Click");
        let lock_screen = text(mail, "subject");
        assert!(!lock_screen.contains("Математика"), "{lock_screen}");
    }
}

/// What is written into the journal, one after the other, and what the mail of each says.
const WRITTEN: [(&str, &str); 6] = [
    (
        "INSERT INTO mark (student_id, subject_id, date, value, work_kind) VALUES (1, 1, '2026-10-14', '3', 'контрольная')",
        "Математика: 3 (контрольная)",
    ),
    ("UPDATE mark SET value = '4'", "было 3, теперь 4"),
    ("DELETE FROM mark", "отметка 4 снята"),
    (
        "INSERT INTO class_event (class_id, date, starts_at, text, place) VALUES (1, '2126-10-20', '18:00', 'собрание', 'кабинет 24')",
        "собрание",
    ),
    (
        "INSERT INTO announcement (text, urgency) VALUES ('Завтра уроков нет, авария отопления.', 'urgent')",
        "авария отопления",
    ),
    (
        "UPDATE preference SET timing = 'weekly'; INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-14', '5')",
        "Русский язык: 5",
    ),
];

/// Mails of all shapes leave, arrive and are judged; then the reader follows the header of the last one, and
/// what is new waits for the sheet.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the mail provider that VESTNIK_TEST_MAIL names"]
async fn mails_arrive_signed_and_end_by_their_own_header() {
    for database in databases().await {
        let place = TcpListener::bind("127.0.0.1:0").and_then(|one| one.local_addr());
        let page = format!("http://{}", place.expect("a port"));
        let listen = format!(
            "listen = \"{}\"\npublic_url = \"{page}\"",
            page.strip_prefix("http://").unwrap_or_default()
        );
        let config = config(&database, &channel())
            .replacen("listen = \"127.0.0.1:0\"", &listen, 1)
            .replacen("[rules]", "[rules]\ndaily_cap = \"off\"", 1)
            .replacen("[database]", "[database]\nstate_dir = \"{folder}\"", 1)
            + "[schedule]\nweekly = \"*/2 * * * * *\"\n";
        let program = Program::new(&config);
        let store = open(&program, &database).await;
        let address = fresh();
        sql(&store, FAMILY).await;
        sql(
            &store,
            &format!(
                "UPDATE contact SET address = '{address}' WHERE id = 1; {ALONE};
                 INSERT INTO preference (guardian_id, channel, timing) VALUES (1, 'email', 'at_once')"
            ),
        )
        .await;
        let _daemon = program.serve();
        let mut count = 0;
        for (row, word) in WRITTEN {
            sql(&store, row).await;
            count += 1;
            let mails = arrived(count, &address, &program);
            let last = text(&mails[count - 1], "text");
            assert!(last.contains(word), "{word} is not in\n{last}");
        }
        let mails = mailbox(&address, program.folder.path());
        judge(&mails);
        assert!(mails[3]["types"].to_string().contains("text/calendar"));
        let header = text(&mails[count - 1], "leave");
        let url = header.trim_start_matches('<').split('>').next();
        let url = url.expect("a URL");
        assert!(url.starts_with(&page), "{header}");
        assert!(post(&format!("{url}x"), "List-Unsubscribe=One-Click").contains("404"));
        assert!(
            program
                .print(&["consent", "list", "--json"])
                .matches("withdrawn")
                .count()
                == 0
        );
        for _ in 0..2 {
            assert!(post(url, "List-Unsubscribe=One-Click").contains(" 200 "));
        }
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-13', '2')").await;
        let paper = || status(&program)["notices"]["waiting"] == 1;
        assert!(wait(Duration::from_secs(10), paper), "{}", status(&program));
        arrived(count, &address, &program);
        if let Ok(folder) = std::env::var("VESTNIK_TEST_KEEP") {
            for mail in &mails {
                let file = PathBuf::from(text(mail, "file"));
                let name = file.file_name().expect("a name");
                fs::copy(&file, Path::new(&folder).join(name)).expect("a copy");
            }
        }
    }
}

/// A real provider refuses a mailbox after it has taken the mail: its report comes back over IMAP, and the
/// family reads on paper.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the mail provider that VESTNIK_TEST_MAIL names"]
async fn a_real_report_of_a_dead_mailbox_leads_to_paper() {
    for database in databases().await {
        let folder = "[database]\nstate_dir = \"{folder}\"";
        let config = config(&database, &channel()).replacen("[database]", folder, 1);
        let program = Program::new(&config);
        let store = open(&program, &database).await;
        sql(&store, FAMILY).await;
        sql(
            &store,
            &format!("UPDATE contact SET address = 'nobody@gone.test' WHERE id = 1; {ALONE}"),
        )
        .await;
        let _daemon = program.serve();
        sql(&store, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        let suppressed = || {
            let list = program.print(&["contacts", "suppressed", "--json"]);
            list.contains("\"hard\"") && list.contains("\"mail_5.1.1\"")
        };
        assert!(
            wait(Duration::from_secs(30), suppressed),
            "{}",
            program.log()
        );
        let waiting = || {
            let now = status(&program);
            now["messages"]["email"]["undelivered"] == 1 && now["notices"]["waiting"] == 1
        };
        assert!(
            wait(Duration::from_secs(10), waiting),
            "{}",
            status(&program)
        );
        assert!(!program.log().contains("gone.test"), "{}", program.log());
    }
}
