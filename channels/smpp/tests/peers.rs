//! The same stories against SMS centres of other people, by hand:
//!
//! ```text
//! VESTNIK_TEST_SMPP=smpp://school:secret@127.0.0.1:2775 \
//!     cargo test -p vestnik-smpp --test peers -- --ignored --nocapture
//! ```
//!
//! The centre chooses its behaviour by the last two digits of a number, as the sandbox does; of one that only
//! delivers ask for the stories whose names contain `arrive`. Beside it are named
//!
//! - `VESTNIK_TEST_SMPP_TLS`: its address with TLS, as `smpps://localhost:2776`, and `VESTNIK_TEST_SMPP_CA`,
//!   the certificate to trust;
//! - `VESTNIK_TEST_SMPP_PROXY`: its address through a proxy that can break the line, and
//!   `VESTNIK_TEST_SMPP_BREAK` and `VESTNIK_TEST_SMPP_MEND`, the commands that let it swallow everything and
//!   let it work again;
//! - `VESTNIK_TEST_SMPP_UNBIND`: a command that has the centre unbind all sessions.

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "no desk refuses here")]
mod support;

use std::{env, process::Command, time::Duration};

use support::{LONG, listening, message, settings};
use vestnik_contract::{Channel, Delivery, Fault, Outcome, Scope};
use vestnik_smpp::{Settings, Smpp, Splitting};

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// The centre, with its login, that the variable names.
fn named(name: &str) -> Settings {
    let url = variable(name);
    let (scheme, rest) = url.split_once("://").expect("smpp://…");
    let (login, place) = rest.split_once('@').unwrap_or(("school:secret", rest));
    let (system_id, password) = login.split_once(':').expect("login:password@");
    let mut settings = settings(&format!("{scheme}://{place}"));
    settings.system_id = system_id.into();
    settings.password = password.into();
    settings.timeout = Duration::from_secs(3);
    settings
}

fn run(name: &str) {
    let command = variable(name);
    let status = Command::new("sh").args(["-c", &command]).status();
    assert!(status.is_ok_and(|status| status.success()), "{command}");
}

/// A number with these last digits that no run before has used.
fn number(digits: &str) -> String {
    let process = std::process::id() % 100_000;
    format!("+7916{process:05}{digits}")
}

#[tokio::test]
#[ignore = "needs the SMS centre that VESTNIK_TEST_SMPP names"]
async fn a_long_text_arrives_in_every_way_of_splitting() {
    let settings = named("VESTNIK_TEST_SMPP");
    for (name, splitting) in Splitting::ALL {
        let settings = Settings {
            splitting,
            ..settings.clone()
        };
        let (smpp, desk) = listening(settings).await;
        let outcome = smpp.send(&message(&number("00"), LONG, 7)).await;
        assert!(
            matches!(outcome, Outcome::Accepted { .. }),
            "{name}: {outcome:?}"
        );
        let count = if splitting == Splitting::MessagePayload {
            1
        } else {
            3
        };
        let receipts = desk.receipts(count).await;
        let delivered = receipts
            .iter()
            .filter(|one| one.delivery == Some(Delivery::Delivered));
        assert_eq!(delivered.count(), count, "{name}");
        if let Some(parts) = desk.parts() {
            for part in parts.parts {
                let id = part.provider_ref.expect("taken");
                assert!(
                    receipts.iter().any(|one| one.spellings.contains(&id)),
                    "{name}"
                );
            }
        }
        smpp.close().await;
        println!("{name}: {count} PDU(s) taken and delivered");
    }
}

#[tokio::test]
#[ignore = "needs the SMS centre that VESTNIK_TEST_SMPP names"]
async fn at_signs_and_emoji_arrive() {
    let settings = named("VESTNIK_TEST_SMPP");
    let (smpp, desk) = listening(settings).await;
    for text in ["Lesson [5] @ 10:00, 5€", "Ура 🎒 школа"] {
        let outcome = smpp.send(&message(&number("00"), text, 1)).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    desk.receipts(2).await;
    smpp.close().await;
}

#[tokio::test]
#[ignore = "needs the SMS centre that VESTNIK_TEST_SMPP names"]
async fn refusals_and_receipts_have_their_meaning() {
    let settings = named("VESTNIK_TEST_SMPP");
    let (smpp, desk) = listening(settings).await;
    let send = async |digits: &str| smpp.send(&message(&number(digits), "Привет", 1)).await;
    let throttled = send("01").await;
    assert!(
        matches!(&throttled, Outcome::Deferred { scope: Scope::Lane, reason, .. } if reason.code == "smpp_0x58"),
        "{throttled:?}"
    );
    assert!(matches!(send("01").await, Outcome::Accepted { .. }));
    let full = send("02").await;
    assert!(
        matches!(&full, Outcome::Deferred { scope: Scope::Message, reason, .. } if reason.code == "smpp_0x14"),
        "{full:?}"
    );
    let nobody = send("03").await;
    assert!(
        matches!(&nobody, Outcome::Rejected { reason } if reason.fault == Fault::Address),
        "{nobody:?}"
    );
    let nack = send("14").await;
    assert!(matches!(nack, Outcome::Rejected { .. }), "{nack:?}");
    println!("01 throttled, 02 queue full, 03 bad number, 14 generic_nack: as they should");
    desk.receipts(1).await;
    for (digits, what, count, delivered) in [
        ("04", "UNDELIV", 1, false),
        ("05", "EXPIRED", 1, false),
        ("06", "receipt before the answer", 1, true),
        ("09", "receipt twice", 2, true),
        ("10", "id in hexadecimal", 1, true),
        ("12", "answer after two seconds", 1, true),
        ("15", "receipt in fields only", 1, true),
        ("16", "ENROUTE, then DELIVRD", 2, true),
    ] {
        desk.clear();
        let outcome = send(digits).await;
        let Outcome::Accepted {
            provider_ref: Some(id),
        } = outcome
        else {
            panic!("{what}: {outcome:?}")
        };
        let receipts = desk.receipts(count).await;
        assert!(
            receipts.iter().all(|one| one.spellings.contains(&id)),
            "{what}: {receipts:?} {id}"
        );
        assert_eq!(
            receipts[0].address.as_deref(),
            Some(number(digits).as_str()),
            "{what}"
        );
        let last = &receipts[count - 1].delivery;
        assert_eq!(
            *last == Some(Delivery::Delivered),
            delivered,
            "{what}: {last:?}"
        );
        println!("{digits} {what}: as it should");
    }
    let outcome = smpp.send(&message(&number("06"), LONG, 5)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    println!("06 in three parts, each receipt before its answer: as it should");
    desk.clear();
    send("11").await;
    let text = desk.text().await;
    assert_eq!((text.from, text.text.as_str()), (number("11"), "СТОП"));
    println!("11 СТОП: handed on");
    smpp.close().await;
}

#[tokio::test]
#[ignore = "needs the SMS centre that VESTNIK_TEST_SMPP names"]
async fn what_gets_lost_is_in_doubt_and_the_line_comes_back() {
    let settings = named("VESTNIK_TEST_SMPP");
    for (digits, what) in [("07", "no answer"), ("08", "reset")] {
        let (smpp, _desk) = listening(settings.clone()).await;
        for text in ["Привет", LONG] {
            support::accepted(&smpp, &number("13")).await;
            let outcome = smpp.send(&message(&number(digits), text, 1)).await;
            assert!(
                matches!(outcome, Outcome::InDoubt { .. }),
                "{what}: {outcome:?}"
            );
        }
        support::accepted(&smpp, &number("13")).await;
        smpp.close().await;
        println!("{digits} {what}: in doubt, and the next one accepted");
    }
}

#[tokio::test]
#[ignore = "needs a command that has the centre unbind"]
async fn an_unbind_of_the_centre_is_followed_by_a_new_session() {
    let settings = named("VESTNIK_TEST_SMPP");
    let (smpp, desk) = listening(settings).await;
    support::accepted(&smpp, &number("00")).await;
    desk.receipts(1).await;
    run("VESTNIK_TEST_SMPP_UNBIND");
    support::wait(Duration::from_millis(500)).await;
    support::accepted(&smpp, &number("00")).await;
    desk.receipts(2).await;
    smpp.close().await;
    println!("unbind by the centre: bound again, and receipts come");
}

#[tokio::test]
#[ignore = "needs a proxy that breaks the line"]
async fn a_black_hole_is_noticed_and_left() {
    let mut settings = named("VESTNIK_TEST_SMPP_PROXY");
    settings.enquire_link = Duration::from_secs(1);
    settings.timeout = Duration::from_secs(2);
    let (smpp, desk) = listening(settings).await;
    support::accepted(&smpp, &number("00")).await;
    desk.receipts(1).await;
    run("VESTNIK_TEST_SMPP_BREAK");
    let outcome = smpp.send(&message(&number("00"), LONG, 1)).await;
    assert!(matches!(outcome, Outcome::InDoubt { .. }), "{outcome:?}");
    // The line is tried, found dead and left; until it is mended nothing leaves.
    let mut last = smpp.send(&message(&number("00"), "Привет", 2)).await;
    for _ in 0..10 {
        if matches!(
            last,
            Outcome::Deferred {
                scope: Scope::Lane,
                ..
            }
        ) {
            break;
        }
        last = smpp.send(&message(&number("00"), "Привет", 2)).await;
    }
    assert!(
        matches!(
            last,
            Outcome::Deferred {
                scope: Scope::Lane,
                ..
            }
        ),
        "{last:?}"
    );
    run("VESTNIK_TEST_SMPP_MEND");
    support::accepted(&smpp, &number("00")).await;
    smpp.close().await;
    println!("black hole: in doubt, then put off, then accepted again");
}

#[tokio::test]
#[ignore = "needs the SMS centre with TLS that VESTNIK_TEST_SMPP_TLS names"]
async fn tls_is_spoken_and_a_foreign_certificate_refused() {
    let mut settings = named("VESTNIK_TEST_SMPP_TLS");
    let untrusted = Smpp::new(settings.clone()).expect("a channel");
    let reason = untrusted.check().await.expect_err("nobody trusts it");
    assert_eq!(reason.code, "tls");
    assert!(reason.text.contains("certificate"), "{reason}");
    settings.ca_file = Some(variable("VESTNIK_TEST_SMPP_CA").into());
    let (smpp, desk) = listening(settings).await;
    let outcome = smpp.send(&message(&number("00"), LONG, 7)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    desk.receipts(3).await;
    smpp.close().await;
    println!("TLS: three parts taken and delivered; without ca_file refused");
}
