//! E-mail against a server that follows a script: every reply code at every step, and bad days.

#![expect(
    clippy::disallowed_methods,
    reason = "the counterpart of a test runs beside it"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use vestnik_contract::{
    Channel, Fault, Message, Outcome, Scope,
    classify::SmtpStage,
    conformance::{self, Class},
};
use vestnik_email::{Account, Email};

/// What the server does at a step instead of agreeing.
#[derive(Clone)]
enum Act {
    Say(String),
    HangUp,
    Silence,
}

/// A server whose steps are named by the verb, `GREETING` or `DOT`.
#[derive(Clone, Default)]
struct Script {
    acts: BTreeMap<&'static str, Act>,
    /// Hang up after this many mails of a session.
    mails: Option<usize>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    sessions: usize,
    mails: Vec<String>,
}

impl Script {
    fn at(step: &'static str, act: Act) -> Self {
        Self {
            acts: BTreeMap::from([(step, act)]),
            ..Self::default()
        }
    }

    fn mails(&self) -> Vec<String> {
        self.seen.lock().expect("the record").mails.clone()
    }

    fn sessions(&self) -> usize {
        self.seen.lock().expect("the record").sessions
    }

    async fn start(&self) -> Email {
        self.start_as("").await
    }

    async fn start_as(&self, user: &str) -> Email {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let script = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                script.seen.lock().expect("the record").sessions += 1;
                let script = script.clone();
                tokio::spawn(async move { script.session(stream).await });
            }
        });
        let url = format!("smtp://{user}127.0.0.1:{port}");
        let timeout = Duration::from_millis(500);
        Email::new(
            Account::new(&url, None, "Школа <school@example.org>", timeout).expect("an account"),
        )
    }

    async fn session(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        self.act(&mut stream, "GREETING", "220 ready").await?;
        let mut taken = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            match line.split([' ', '\r', ':']).next().unwrap_or_default() {
                "EHLO" => {
                    let usual = "250-here\r\n250 AUTH PLAIN";
                    self.act(&mut stream, "EHLO", usual).await?;
                }
                "AUTH" => self.act(&mut stream, "AUTH", "235 welcome").await?,
                "MAIL" => self.act(&mut stream, "MAIL", "250 ok").await?,
                "RCPT" => self.act(&mut stream, "RCPT", "250 ok").await?,
                "RSET" | "NOOP" => self.act(&mut stream, "RSET", "250 ok").await?,
                "DATA" => {
                    self.act(&mut stream, "DATA", "354 go on").await?;
                    if self.acts.contains_key("DATA") {
                        continue;
                    }
                    let mut mail = String::new();
                    while !mail.ends_with("\r\n.\r\n") {
                        if stream.read_line(&mut mail).await.ok()? == 0 {
                            return None;
                        }
                    }
                    self.seen.lock().expect("the record").mails.push(mail);
                    self.act(&mut stream, "DOT", "250 2.0.0 Ok: queued as 4ABC")
                        .await?;
                    taken += 1;
                    if self.mails == Some(taken) {
                        return None;
                    }
                }
                _ => self.act(&mut stream, "QUIT", "221 bye").await?,
            }
        }
    }

    async fn act(&self, stream: &mut BufReader<TcpStream>, step: &str, usual: &str) -> Option<()> {
        let reply = match self.acts.get(step) {
            None => usual.to_owned(),
            Some(Act::Say(reply)) => reply.clone(),
            Some(Act::HangUp) => return None,
            Some(Act::Silence) => std::future::pending().await,
        };
        stream
            .write_all(format!("{reply}\r\n").as_bytes())
            .await
            .ok()
    }
}

fn message(reference: &str) -> Message {
    Message {
        reference: reference.into(),
        client_ref: 1,
        address: "parent@example.org".into(),
        subject: Some("Школа № 12: новое в дневнике".into()),
        text: "Математика: 5\n.точка в начале\n".into(),
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

#[tokio::test]
async fn every_reply_code_at_every_step_means_what_the_shared_table_says() {
    for (code, stage, class) in conformance::smtp_cases() {
        let step = match stage {
            SmtpStage::Session => "MAIL",
            SmtpStage::Recipient => "RCPT",
            SmtpStage::Data => "DOT",
        };
        let script = Script::at(step, Act::Say(format!("{code} no")));
        let outcome = script
            .start()
            .await
            .send(&message("0123456789ABCDEF"))
            .await;
        assert_eq!(
            Class::from(&outcome),
            class,
            "{code} at {step}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_read_by_its_step_and_its_enhanced_code() {
    let outcome = async |step, reply: &str| {
        let script = Script::at(step, Act::Say(reply.into()));
        script
            .start_as("user:secret@")
            .await
            .send(&message("0123456789ABCDEF"))
            .await
    };
    assert!(matches!(
        outcome("RCPT", "550 5.1.1 no such user").await,
        Outcome::Rejected { reason } if reason.fault == Fault::Address
    ));
    assert!(matches!(
        outcome("RCPT", "550 5.7.1 we do not like you").await,
        Outcome::Rejected { reason } if reason.fault == Fault::Message
    ));
    assert!(matches!(
        outcome("AUTH", "535 5.7.8 wrong password").await,
        Outcome::Deferred { reason, scope: Scope::Lane, .. } if reason.fault == Fault::Account
    ));
    assert!(matches!(
        outcome("RCPT", "450 4.2.0 greylisted").await,
        Outcome::Deferred {
            scope: Scope::Message,
            retry_after: Some(pause),
            ..
        } if pause == Duration::from_mins(5)
    ));
    assert!(matches!(
        outcome("RCPT", "451 4.7.1 try again in 90 seconds").await,
        Outcome::Deferred { retry_after: Some(pause), .. } if pause == Duration::from_secs(90)
    ));
    assert!(matches!(
        outcome("RCPT", "552 5.2.2 mailbox full").await,
        Outcome::Rejected { reason } if reason.fault == Fault::Provider && reason.code == "smtp_552_full"
    ));
}

#[tokio::test]
async fn one_domain_does_not_take_all_the_sessions() {
    let script = Script::at("DOT", Act::Silence);
    let email = script.start_as("").await;
    let mut account = email.account().clone();
    account.per_domain = Some(1);
    let email = Email::new(account);
    let to = |address: &str| Message {
        address: address.into(),
        ..message("0123456789ABCDEF")
    };
    let (first, second, other) = (
        to("a@example.org"),
        to("b@EXAMPLE.org"),
        to("c@example.com"),
    );
    let (first, second, other) =
        tokio::join!(email.send(&first), email.send(&second), email.send(&other));
    assert!(matches!(first, Outcome::InDoubt { .. }), "{first:?}");
    assert!(matches!(other, Outcome::InDoubt { .. }), "{other:?}");
    assert!(
        matches!(&second, Outcome::Deferred { reason, .. } if reason.code == "domain_busy"),
        "{second:?}"
    );
}

#[tokio::test]
async fn before_the_content_nothing_was_taken_and_after_it_nobody_knows() {
    for step in ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"] {
        for act in [Act::HangUp, Act::Silence, Act::Say("what?".into())] {
            let script = Script::at(step, act);
            let outcome = script
                .start()
                .await
                .send(&message("0123456789ABCDEF"))
                .await;
            assert!(
                matches!(outcome, Outcome::Deferred { .. }),
                "{step}: {outcome:?}"
            );
            assert!(script.mails().is_empty());
        }
    }
    for act in [Act::HangUp, Act::Silence, Act::Say("what?".into())] {
        let outcome = Script::at("DOT", act)
            .start()
            .await
            .send(&message("0123456789ABCDEF"))
            .await;
        assert!(matches!(outcome, Outcome::InDoubt { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_session_carries_many_mails_and_one_that_died_is_replaced_without_a_double() {
    let script = Script {
        mails: Some(2),
        ..Script::default()
    };
    let email = script.start().await;
    for number in 0..5 {
        let outcome = email
            .send(&message(&format!("000000000000000{number}")))
            .await;
        let provider_ref = Some("4ABC".to_owned());
        assert_eq!(outcome, Outcome::Accepted { provider_ref });
    }
    assert_eq!(script.mails().len(), 5);
    assert_eq!(script.sessions(), 3);
    assert_eq!(
        email.check().await,
        Ok("the mail server answers and takes the login".into())
    );
}

#[tokio::test]
async fn after_a_refused_recipient_the_session_goes_on() {
    let script = Script::at("RCPT", Act::Say("550 5.1.1 no such user".into()));
    let email = script.start().await;
    for _ in 0..3 {
        assert!(matches!(
            email.send(&message("0123456789ABCDEF")).await,
            Outcome::Rejected { .. }
        ));
    }
    assert_eq!(script.sessions(), 1);
}

#[tokio::test]
async fn the_mail_arrives_whole_under_its_own_name() {
    let script = Script::default();
    let email = script.start().await;
    email.send(&message("0123456789ABCDEF")).await;
    let mail = script.mails().remove(0);
    assert!(
        mail.contains("Message-ID: <0123456789ABCDEF@example.org>"),
        "{mail}"
    );
    assert!(mail.contains("From: =?utf-8?"), "{mail}");
}

#[tokio::test]
async fn where_protection_is_demanded_and_not_offered_the_lane_rests() {
    let script = Script::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let session = script.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            session.session(stream).await;
        }
    });
    let url = format!("smtp://127.0.0.1:{port}");
    let account = Account::new(
        &url,
        Some("starttls"),
        "school@example.org",
        Duration::from_secs(1),
    );
    let email = Email::new(account.expect("an account"));
    let outcome = email.send(&message("0123456789ABCDEF")).await;
    assert!(
        matches!(&outcome, Outcome::Deferred { reason, scope: Scope::Lane, .. } if reason.code == "no_starttls"),
        "{outcome:?}"
    );
    assert!(script.mails().is_empty());
}

#[tokio::test]
async fn a_port_where_nobody_listens_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let url = format!("smtp://127.0.0.1:{port}");
    let account = Account::new(&url, None, "school@example.org", Duration::from_secs(1));
    let email = Email::new(account.expect("an account"));
    assert!(matches!(
        email.send(&message("0123456789ABCDEF")).await,
        Outcome::Deferred { .. }
    ));
    assert!(email.check().await.is_err());
}
