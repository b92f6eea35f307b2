//! Signed mails, judged by two verifiers that are not ours: dkimpy and Mail::DKIM.
//!
//! `VESTNIK_TEST_PYTHON` names a Python that has dkimpy, beside which Perl has Mail::DKIM; `tests/run` sees
//! to both.

use std::{
    io::Write,
    process::{Command, Stdio},
    time::Duration,
};

use vestnik_contract::Message;
use vestnik_email::{Account, Marker, Marks, Signature, mime};

/// What both verifiers say of a mail, which is the same; none where there is no Python for it.
fn verify(mail: &[u8]) -> Option<bool> {
    let Ok(python) = std::env::var("VESTNIK_TEST_PYTHON") else {
        println!("skipped: VESTNIK_TEST_PYTHON is not set; tests/run sets it");
        return None;
    };
    let [one, other] = [(python.as_str(), "verify.py"), ("perl", "verify.pl")]
        .map(|verifier| judged(verifier, mail));
    assert_eq!(one, other, "dkimpy and Mail::DKIM");
    Some(one)
}

fn judged((program, script): (&str, &str), mail: &[u8]) -> bool {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let mut child = Command::new(program)
        .args([format!("{data}/{script}"), format!("{data}/dkim.pub")])
        .arg("vestnik._domainkey.example.org")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a verifier");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(mail).expect("a mail");
    drop(input);
    let output = child.wait_with_output().expect("an answer");
    assert!(output.status.success(), "{script} failed");
    output.stdout == b"good\n"
}

fn account() -> Account {
    let from = "Школа № 12 <school@example.org>";
    let mut account = Account::new("smtp://localhost", None, from, Duration::ZERO).expect("one");
    let key = include_str!("data/dkim.pem");
    account.signature = Some(Signature::new("example.org", "vestnik", key).expect("a key"));
    account
}

fn message() -> Message {
    Message {
        reference: "0123456789ABCDEF".into(),
        client_ref: 1,
        address: "parent@example.org".into(),
        subject: Some(
            "Школа № 12: Маша и её брат Константин, новое в дневнике за 14 октября".into(),
        ),
        text: "Математика: 5\n.\n\n  с пробелами  \n".into(),
        html: None,
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: 1_791_990_600_000,
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: true,
    }
}

#[test]
fn every_form_of_mail_verifies_and_a_changed_one_does_not() {
    let full = Message {
        html: Some("<p>Математика: <strong>5</strong></p>".into()),
        calendar: Some("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".into()),
        follows: Some("FEDCBA9876543210".into()),
        ..message()
    };
    let mut marked = account();
    marked.marker = Marker::new(|reference| Marks {
        returns_to: Some(format!("bounces+{reference}@example.org")),
        leave_by_page: Some(format!(
            "https://school.example.org/leave/{reference}0123456789ABCDEF"
        )),
        leave_by_mail: Some(format!("bounces+{reference}0123456789ABCDEF@example.org")),
    });
    for (message, account) in [
        (message(), account()),
        (full.clone(), account()),
        (full, marked),
    ] {
        let mail = mime(&message, &account).expect("a mail").formatted();
        let Some(good) = verify(&mail) else { return };
        assert!(good, "{}", String::from_utf8_lossy(&mail));
        let text = String::from_utf8(mail).expect("ASCII");
        for (from, to) in [
            (
                "List-Unsubscribe: <",
                "List-Unsubscribe: <https://elsewhere.example/>, <",
            ),
            ("From: ", "From: x"),
            ("\r\n\r\n", "\r\n\r\nx"),
        ] {
            let changed = text.replacen(from, to, 1);
            assert_ne!(changed, text);
            assert_eq!(verify(changed.as_bytes()), Some(false), "{from}");
        }
    }
}
