//! Kannel of Debian between our two halves, by hand:
//!
//! ```text
//! cargo test -p vestnik-smpp --test kannel -- --ignored --nocapture
//! ```
//!
//! A school that rents an operator's Kannel talks HTTP to it by the descriptor `kannel`; Kannel in turn is
//! a client of SMPP that somebody else wrote, so that it judges our SMS centre of the sandbox. Each story
//! starts a Kannel of its own on free ports. `VESTNIK_TEST_KANNEL_SMSC=127.0.0.1:2775` puts it in front of
//! another centre, with the login `school` and `secret` and the same meaning of a number's last digits.

#![expect(
    clippy::disallowed_methods,
    reason = "the counterparts of a test run beside it"
)]

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "Kannel asks for less than our own client does")]
mod support;

#[path = "support/kannel.rs"]
mod kannel;

use std::{
    env,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kannel::Kannel;
use support::{LONG, message};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestnik_contract::{Channel, Delivery, Fault, Outcome, Scope};
use vestnik_smpp::sandbox::{self, Centre, PASSWORD};
use vestnik_sms::{CallbackPlace, Receipt, Settings, Sms, gateway::Gateway};

/// The last step of the address for receipts.
const SECRET: &str = "0123456789abcdef";

/// The channel, and the receipts that Kannel has called in.
struct Desk {
    sms: Arc<Sms>,
    centre: Centre,
    receipts: Arc<Mutex<Vec<Receipt>>>,
}

impl Desk {
    fn held(&self) -> Vec<Receipt> {
        let held = self.receipts.lock();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was reported of the attempt with this number.
    fn of(&self, client_ref: u32) -> Vec<Delivery> {
        let held = self.held();
        let mine = held.iter().filter(|one| one.client_ref == Some(client_ref));
        mine.filter_map(|one| one.delivery.clone()).collect()
    }

    /// Waits for a receipt that ends the story of this attempt.
    async fn end_of(&self, client_ref: u32) -> Delivery {
        let last = |one: &Delivery| !matches!(one, Delivery::UnderWay { .. });
        let found = || self.of(client_ref).into_iter().find(last);
        for _ in 0..1500 {
            if let Some(end) = found() {
                return end;
            }
            support::wait(Duration::from_millis(10)).await;
        }
        panic!("attempt {client_ref} has no end: {:?}", self.of(client_ref));
    }

    async fn send(&self, phone: &str, text: &str, client_ref: u32) -> Outcome {
        self.sms.send(&message(phone, text, client_ref)).await
    }

    async fn accepted(&self, phone: &str, text: &str, client_ref: u32) {
        let outcome = self.send(phone, text, client_ref).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
}

/// The channel by the descriptor `kannel`.
fn channel(http: u16, public_url: &str, password: &str) -> Sms {
    Sms::new(Settings {
        gateway: Gateway::by_name("kannel").expect("a descriptor"),
        base_url: Some(format!("http://127.0.0.1:{http}")),
        login: "daemon".into(),
        password: password.into(),
        sender: Some("SCHOOL57".into()),
        timeout: Duration::from_secs(1),
        callback: Some(CallbackPlace {
            public_url: public_url.to_owned(),
            path: "/callback/sms".into(),
            secret: Some(SECRET.into()),
        }),
    })
    .expect("a channel")
}

/// A centre, Kannel before it, and our channel before Kannel.
async fn desk() -> (Kannel, Desk) {
    let centre = Centre::default();
    let (place, password) = if let Ok(named) = env::var("VESTNIK_TEST_KANNEL_SMSC") {
        (named.parse().expect("host:port"), "secret")
    } else {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("an address");
        tokio::spawn(sandbox::serve(listener, centre.clone()));
        (place, PASSWORD)
    };
    let kannel = Kannel::start(place, password, true).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let public_url = format!("http://{}", listener.local_addr().expect("an address"));
    let sms = Arc::new(channel(kannel.http, &public_url, "s3cret"));
    let receipts = Arc::default();
    tokio::spawn(hear(listener, Arc::clone(&sms), Arc::clone(&receipts)));
    let desk = Desk {
        sms,
        centre,
        receipts,
    };
    (kannel, desk)
}

/// The address for receipts, as the page of the daemon has it.
async fn hear(listener: TcpListener, sms: Arc<Sms>, receipts: Arc<Mutex<Vec<Receipt>>>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap_or_default();
        let head = String::from_utf8_lossy(&request[..length]).into_owned();
        let target = head.split(' ').nth(1).unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let secret = path.strip_prefix("/callback/sms/");
        let heard = sms.hear(secret, query, &|_| None, &[]).expect("a receipt");
        let keep = |receipts: &Mutex<Vec<Receipt>>| {
            let held = receipts.lock();
            held.unwrap_or_else(PoisonError::into_inner)
                .extend(heard.receipts);
        };
        keep(&receipts);
        let _ = stream
            .write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await;
    }
}

/// A number with these last digits that no run before has used.
fn number(digits: &str) -> String {
    format!("+7916{:05}{digits}", std::process::id() % 100_000)
}

#[tokio::test]
#[ignore = "needs Debian's package kannel"]
async fn a_long_text_leaves_whole_and_its_receipt_comes_back() {
    let (_kannel, desk) = desk().await;
    desk.accepted(&number("00"), LONG, 1001).await;
    assert_eq!(desk.end_of(1001).await, Delivery::Delivered);
    desk.accepted(&number("00"), "Lesson [5] @ 10:00, 5€ 🎒", 1002)
        .await;
    assert_eq!(desk.end_of(1002).await, Delivery::Delivered);
    let submitted = desk.centre.submitted();
    if submitted.is_empty() {
        println!("the texts are with the centre that was named");
        return;
    }
    let mut parts: Vec<_> = submitted.iter().filter(|one| one.place.1 == 3).collect();
    parts.sort_by_key(|one| one.place);
    assert_eq!(parts.len(), 3);
    let units: Vec<u16> = parts
        .iter()
        .flat_map(|part| part.octets[6..].chunks_exact(2))
        .map(|unit| u16::from_be_bytes([unit[0], unit[1]]))
        .collect();
    assert_eq!(String::from_utf16_lossy(&units), LONG);
    assert!(parts.iter().all(|part| part.from == "SCHOOL57"));
}

#[tokio::test]
#[ignore = "needs Debian's package kannel"]
async fn what_the_centre_says_comes_through_kannel() {
    let (_kannel, desk) = desk().await;
    for (client_ref, digits, delivered) in [
        (1, "00", true),
        (3, "03", false),
        (4, "04", false),
        (5, "05", false),
        (9, "09", true),
        (15, "15", true),
        (16, "16", true),
        (17, "01", true),
    ] {
        desk.accepted(&number(digits), "Привет", client_ref).await;
        let end = desk.end_of(client_ref).await;
        assert_eq!(end == Delivery::Delivered, delivered, "{digits}: {end:?}");
        println!("{digits}: {:?}", desk.of(client_ref));
    }
}

#[tokio::test]
#[ignore = "needs Debian's package kannel"]
async fn a_receipt_that_overtakes_its_answer_is_lost_in_kannel_and_says_nothing_wrong() {
    let (_kannel, desk) = desk().await;
    desk.accepted(&number("06"), "Привет", 6).await;
    desk.accepted(&number("00"), "Привет", 7).await;
    assert_eq!(desk.end_of(7).await, Delivery::Delivered);
    let wrong = |one: &Delivery| matches!(one, Delivery::Undelivered { .. } | Delivery::NotFound);
    assert!(!desk.of(6).iter().any(wrong), "{:?}", desk.of(6));
}

#[tokio::test]
#[ignore = "needs Debian's package kannel"]
async fn a_line_that_breaks_behind_kannel_is_kannels_to_mend() {
    let (_kannel, desk) = desk().await;
    // The centre unbinds: Kannel binds anew.
    desk.accepted(&number("22"), "Привет", 22).await;
    desk.accepted(&number("00"), "Привет", 122).await;
    assert_eq!(desk.end_of(122).await, Delivery::Delivered);
    // The centre takes a text and never answers.
    desk.accepted(&number("07"), "Привет", 7).await;
    desk.accepted(&number("00"), "Привет", 107).await;
    assert_eq!(desk.end_of(107).await, Delivery::Delivered);
    if desk.centre.binds().is_empty() {
        return; // with another centre the texts behind it may starve: Kannel gives it back for ever
    }
    // A centre that resets the line has it back at once, again and again: receipts may be lost with it,
    // the next text is taken all the same.
    desk.accepted(&number("08"), "Привет", 8).await;
    desk.accepted(&number("00"), "Привет", 108).await;
    support::until("the next one is taken", || !desk.of(108).is_empty()).await;
    assert!(!matches!(desk.of(108)[0], Delivery::Undelivered { .. }));
}

/// With the centre of the sandbox, which closes the line as soon as it is unbound.
#[tokio::test]
#[ignore = "needs Debian's package kannel"]
async fn an_outage_of_the_operator_puts_off_and_the_account_is_not_to_blame() {
    let (kannel, desk) = desk().await;
    if desk.centre.binds().is_empty() {
        return;
    }
    kannel.ask("stop-smsc?smsc=centre").await;
    let outcome = desk.send(&number("00"), LONG, 300).await;
    println!("while the centre is away: {outcome:?}");
    kannel.bound(false).await;
    kannel.ask("start-smsc?smsc=centre").await;
    kannel.bound(true).await;
    match outcome {
        Outcome::Accepted { .. } => {
            assert_eq!(desk.end_of(300).await, Delivery::Delivered);
        }
        // Kannel says it with the status of a wrong password.
        Outcome::Deferred { reason, scope, .. } => {
            assert_eq!(
                (reason.code.as_str(), scope),
                ("kannel_route", Scope::Message)
            );
            desk.accepted(&number("00"), LONG, 301).await;
            assert_eq!(desk.end_of(301).await, Delivery::Delivered);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
#[ignore = "needs Debian's package kannel"]
async fn what_kannel_itself_does_wrong_has_its_class() {
    let (mut kannel, desk) = desk().await;
    let stranger = channel(kannel.http, "http://127.0.0.1:9", "wrong");
    match stranger.send(&message(&number("00"), "Привет", 1)).await {
        Outcome::Deferred { scope, reason, .. } => {
            assert_eq!((scope, reason.fault), (Scope::Lane, Fault::Account));
        }
        other => panic!("{other:?}"),
    }
    // It takes the request and does not answer: nobody knows.
    kannel.signal("-STOP");
    let silent = desk.send(&number("00"), "Привет", 2).await;
    kannel.signal("-CONT");
    assert!(matches!(silent, Outcome::InDoubt { .. }), "{silent:?}");
    for child in &mut kannel.boxes {
        child.kill().expect("ended");
        child.wait().expect("ended");
    }
    let gone = desk.send(&number("00"), "Привет", 3).await;
    assert!(matches!(gone, Outcome::Deferred { .. }), "{gone:?}");
}
