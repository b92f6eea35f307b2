//! SMPP against an SMS centre that takes what it should, and misbehaves as real ones do.

#![expect(
    clippy::disallowed_methods,
    reason = "the counterpart of a test runs beside it"
)]

#[path = "support/mod.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use futures::{SinkExt, StreamExt};
use rusmpp::{
    Command, CommandStatus, Pdu,
    pdus::{BindTransceiverResp, SubmitSmResp},
    tokio_codec::CommandCodec,
};
use support::{Desk, LONG, message, settings};
use tokio::net::TcpListener;
use tokio_util::codec::Framed;
use vestnik_contract::{
    Channel, Delivery, Fault, Outcome, Received, Scope,
    conformance::{self, Class},
};
use vestnik_smpp::{
    Receipts, Settings, Smpp, Splitting,
    sandbox::{self, Centre, PASSWORD},
};

async fn centre() -> (Settings, Centre) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smpp://{}", listener.local_addr().expect("an address"));
    let centre = Centre::default();
    tokio::spawn(sandbox::serve(listener, centre.clone()));
    let settings = Settings {
        password: PASSWORD.into(),
        ..settings(&url)
    };
    (settings, centre)
}

/// A channel that somebody listens to, its centre, and what it handed on.
async fn listening(change: impl FnOnce(&mut Settings)) -> (Arc<Smpp>, Centre, Desk) {
    let (mut settings, centre) = centre().await;
    change(&mut settings);
    let (smpp, desk) = support::listening(settings).await;
    (smpp, centre, desk)
}

#[tokio::test]
async fn a_long_text_leaves_in_parts_and_each_reports() {
    for splitting in Splitting::ALL.map(|(_, splitting)| splitting) {
        let (smpp, centre, desk) = listening(|settings| settings.splitting = splitting).await;
        let outcome = smpp.send(&message("+79161234500", LONG, 7)).await;
        let Outcome::Accepted { provider_ref } = outcome else {
            panic!("{outcome:?}")
        };
        let submitted = centre.submitted();
        let count = if splitting == Splitting::MessagePayload {
            1
        } else {
            3
        };
        assert_eq!(submitted.len(), count, "{splitting:?}");
        let header = matches!(splitting, Splitting::Udh8 | Splitting::Udh16);
        for one in &submitted {
            assert_eq!(one.esm_class, if header { 0x40 } else { 0 });
            assert_eq!((one.registered_delivery, one.data_coding), (1, 8));
            assert_eq!(one.from, "SCHOOL57");
        }
        let receipts = desk.receipts(count).await;
        assert!(
            receipts
                .iter()
                .all(|one| one.delivery == Some(Delivery::Delivered))
        );
        let Some(parts) = desk.parts() else {
            assert_eq!(count, 1, "one PDU is no parts");
            continue;
        };
        let names: Vec<_> = parts
            .parts
            .iter()
            .filter_map(|part| part.provider_ref.clone())
            .collect();
        assert_eq!((parts.client_ref, names.len()), (7, 3));
        assert_eq!(names.first(), provider_ref.as_ref());
        for (name, receipt) in names.iter().zip(&receipts) {
            assert!(receipt.spellings.contains(name), "{receipt:?}");
            assert_eq!(receipt.address.as_deref(), Some("+79161234500"));
        }
        assert!(centre.answers().iter().all(|status| *status == 0));
    }
}

#[tokio::test]
async fn the_alphabet_of_gsm_is_ours_and_an_emoji_leaves_whole() {
    let (smpp, centre, _desk) = listening(|_| {}).await;
    let send = async |text: &str| smpp.send(&message("+79161234513", text, 1)).await;
    assert!(matches!(
        send("Lesson @ 10:00").await,
        Outcome::Accepted { .. }
    ));
    assert!(matches!(send("Ура 🎒").await, Outcome::Accepted { .. }));
    let submitted = centre.submitted();
    assert_eq!(
        (submitted[0].data_coding, submitted[0].octets[7]),
        (0, 0),
        "@"
    );
    assert_eq!(submitted[1].data_coding, 8);
    assert_eq!(submitted[1].octets[8..], [0xD8, 0x3C, 0xDF, 0x92]);
}

#[tokio::test]
async fn what_the_centre_answers_has_its_class() {
    let (smpp, _centre, _desk) = listening(|_| {}).await;
    let send = async |digits: &str| {
        smpp.send(&message(&format!("+791612345{digits}"), "Привет", 1))
            .await
    };
    match send("01").await {
        Outcome::Deferred {
            reason,
            retry_after,
            scope,
        } => {
            assert_eq!((reason.code.as_str(), scope), ("smpp_0x58", Scope::Lane));
            assert_eq!(retry_after, Some(Duration::from_secs(1)));
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(send("01").await, Outcome::Accepted { .. }));
    match send("02").await {
        Outcome::Deferred {
            reason,
            retry_after,
            scope,
        } => {
            assert_eq!((reason.code.as_str(), scope), ("smpp_0x14", Scope::Message));
            assert_eq!(retry_after, Some(Duration::from_secs(5)));
        }
        other => panic!("{other:?}"),
    }
    match send("03").await {
        Outcome::Rejected { reason } => assert_eq!(reason.fault, Fault::Address),
        other => panic!("{other:?}"),
    }
    match send("14").await {
        Outcome::Rejected { reason } => assert_eq!(reason.fault, Fault::Message),
        other => panic!("{other:?}"),
    }
    let nowhere = smpp.send(&message("89161234500", "Привет", 1)).await;
    assert!(matches!(nowhere, Outcome::Rejected { .. }), "{nowhere:?}");
}

#[tokio::test]
async fn a_lost_answer_is_in_doubt_and_the_line_comes_back() {
    let (smpp, centre, _desk) = listening(|_| {}).await;
    for digits in ["07", "08"] {
        let outcome = smpp
            .send(&message(&format!("+791612345{digits}"), "Привет", 1))
            .await;
        assert!(
            matches!(outcome, Outcome::InDoubt { .. }),
            "{digits}: {outcome:?}"
        );
    }
    // The first try after a reset meets a line that rests; nothing of it leaves.
    let resting = smpp.send(&message("+79161234513", "Привет", 2)).await;
    match resting {
        Outcome::Deferred {
            scope, retry_after, ..
        } => {
            assert_eq!(scope, Scope::Lane);
            assert!(retry_after.expect("a pause") <= Duration::from_secs(1));
        }
        other => panic!("{other:?}"),
    }
    support::accepted(&smpp, "+79161234513").await;
    assert_eq!(centre.binds(), ["transceiver", "transceiver"]);
}

#[tokio::test]
async fn an_unbind_of_the_centre_is_answered_and_the_session_made_anew() {
    let (smpp, centre, _desk) = listening(|_| {}).await;
    support::accepted(&smpp, "+79161234522").await;
    support::until("it is bound again", || centre.binds().len() == 2).await;
    support::accepted(&smpp, "+79161234513").await;
    assert_eq!(centre.open(), 1);
}

#[tokio::test]
async fn half_a_text_is_in_doubt_and_its_parts_are_known() {
    for digits in ["17", "18"] {
        let (smpp, _centre, desk) = listening(|_| {}).await;
        let outcome = smpp
            .send(&message(&format!("+791612345{digits}"), LONG, 9))
            .await;
        let Outcome::InDoubt { reason } = outcome else {
            panic!("{digits}: {outcome:?}")
        };
        assert!(reason.code.ends_with("_partly"), "{reason:?}");
        let parts = desk.parts().expect("the first part was taken").parts;
        let known: Vec<bool> = parts
            .iter()
            .map(|part| part.provider_ref.is_some())
            .collect();
        assert_eq!(known, [true, false, false], "{digits}");
    }
}

#[tokio::test]
async fn a_part_that_is_throttled_waits_within_the_call() {
    let (smpp, centre, desk) =
        listening(|settings| settings.timeout = Duration::from_secs(2)).await;
    let outcome = smpp.send(&message("+79161234519", LONG, 9)).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert_eq!(centre.submitted().len(), 3);
    assert_eq!(desk.parts().expect("three").parts.len(), 3);
}

#[tokio::test]
async fn receipts_are_asked_of_the_parts_that_the_school_wants() {
    for (receipts, asked) in [
        (Receipts::Every, [1, 1, 1]),
        (Receipts::First, [1, 0, 0]),
        (Receipts::Off, [0, 0, 0]),
    ] {
        let (smpp, centre, desk) = listening(|settings| settings.receipts = receipts).await;
        smpp.send(&message("+79161234500", LONG, 7)).await;
        let on_the_line: Vec<u8> = centre
            .submitted()
            .iter()
            .map(|one| one.registered_delivery)
            .collect();
        assert_eq!(on_the_line, asked);
        let parts = desk.parts().expect("three").parts;
        let reports: Vec<u8> = parts.iter().map(|part| u8::from(part.reports)).collect();
        assert_eq!(reports, asked);
    }
}

#[tokio::test]
async fn receipts_come_in_every_form_and_a_text_from_the_phone_with_them() {
    let (smpp, centre, desk) = listening(|_| {}).await;
    for (digits, count) in [("06", 1), ("09", 2), ("10", 1), ("15", 1), ("16", 2)] {
        desk.clear();
        let outcome = smpp
            .send(&message(&format!("+791612345{digits}"), "Привет", 1))
            .await;
        let Outcome::Accepted {
            provider_ref: Some(name),
        } = outcome
        else {
            panic!("{digits}: {outcome:?}")
        };
        let receipts = desk.receipts(count).await;
        assert!(
            receipts.iter().all(|one| one.spellings.contains(&name)),
            "{digits}: {receipts:?}"
        );
        assert_eq!(
            receipts[count - 1].delivery,
            Some(Delivery::Delivered),
            "{digits}"
        );
    }
    for digits in ["04", "05"] {
        desk.clear();
        smpp.send(&message(&format!("+791612345{digits}"), "Привет", 1))
            .await;
        let receipts = desk.receipts(1).await;
        assert!(matches!(
            receipts[0].delivery,
            Some(Delivery::Undelivered { .. })
        ));
    }
    desk.clear();
    smpp.send(&message("+79161234521", LONG, 1)).await;
    let receipts = desk.receipts(3).await;
    assert!(matches!(
        receipts[2].delivery,
        Some(Delivery::Undelivered { .. })
    ));
    desk.clear();
    smpp.send(&message("+79161234520", LONG, 1)).await;
    smpp.send(&message("+79161234500", "Привет", 1)).await;
    let receipts = desk.receipts(2).await;
    let addresses: Vec<_> = receipts
        .iter()
        .filter_map(|one| one.address.as_deref())
        .collect();
    assert_eq!(
        addresses,
        ["+79161234520", "+79161234500"],
        "one of three parts reports"
    );
    desk.clear();
    smpp.send(&message("+79161234511", "Привет", 1)).await;
    let text = desk.text().await;
    assert_eq!(
        (text.from.as_str(), text.text.as_str()),
        ("+79161234511", "СТОП")
    );
    support::until("every word is answered", || centre.answers().len() == 16).await;
    assert!(centre.answers().iter().all(|status| *status == 0));
}

#[tokio::test]
async fn what_cannot_be_kept_is_not_answered() {
    let (smpp, centre, desk) = listening(|_| {}).await;
    desk.refuse();
    support::accepted(&smpp, "+79161234500").await;
    desk.receipts(1).await;
    support::accepted(&smpp, "+79161234513").await;
    assert!(centre.answers().is_empty());
}

#[tokio::test]
async fn who_only_tries_takes_no_receipts_and_says_good_bye() {
    let (settings, centre) = centre().await;
    let smpp = Smpp::new(settings).expect("a channel");
    let words = smpp.check().await.expect("it works");
    assert!(words.ends_with("answers as «SANDBOX»"), "{words}");
    assert_eq!(centre.binds(), ["transmitter"]);
    assert_eq!(centre.unbinds(), 1);
    assert!(matches!(
        smpp.send(&message("+79161234513", "Привет", 1)).await,
        Outcome::Accepted { .. }
    ));
    smpp.close().await;
    assert_eq!(centre.unbinds(), 2);
}

#[tokio::test]
async fn a_wrong_password_and_a_dead_port_are_named_and_put_the_account_to_rest() {
    let (mut settings, _centre) = centre().await;
    settings.password = "wrong".into();
    let smpp = Smpp::new(settings.clone()).expect("a channel");
    let reason = smpp.check().await.expect_err("a wrong password");
    assert_eq!(
        (reason.code.as_str(), reason.fault),
        ("smpp_0x0e", Fault::Account)
    );
    match smpp.send(&message("+79161234500", "Привет", 1)).await {
        Outcome::Deferred {
            retry_after, scope, ..
        } => {
            assert_eq!(scope, Scope::Lane);
            assert!(retry_after.expect("a pause") > Duration::from_mins(4));
        }
        other => panic!("{other:?}"),
    }
    settings.url = "smpp://127.0.0.1:1".into();
    let reason = Smpp::new(settings)
        .expect("a channel")
        .check()
        .await
        .expect_err("nobody there");
    assert_eq!(
        (reason.code.as_str(), reason.fault),
        ("connect", Fault::Network)
    );
}

#[tokio::test]
async fn a_window_holds_back_what_the_centre_has_not_answered() {
    let (smpp, centre, _desk) = listening(|settings| settings.window = 1).await;
    support::accepted(&smpp, "+79161234513").await;
    let (first, second) = (
        message("+79161234507", "Привет", 1),
        message("+79161234513", "Привет", 2),
    );
    let (lost, waited) = tokio::join!(smpp.send(&first), async {
        support::until("the first is under way", || centre.submitted().len() == 2).await;
        smpp.send(&second).await
    });
    assert!(matches!(lost, Outcome::InDoubt { .. }), "{lost:?}");
    assert!(matches!(waited, Outcome::Accepted { .. }), "{waited:?}");
    assert_eq!(centre.submitted().len(), 3);
}

/// A centre that binds everybody and answers every `submit_sm` with one status.
async fn answering(status: CommandStatus) -> Settings {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("smpp://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut line = Framed::new(stream, CommandCodec::new());
            while let Some(Ok(command)) = line.next().await {
                let (status, pdu): (_, Pdu) = match command.pdu() {
                    Some(Pdu::SubmitSm(_)) => (status, SubmitSmResp::default().into()),
                    Some(Pdu::Unbind) => (CommandStatus::EsmeRok, Pdu::UnbindResp),
                    _ => (
                        CommandStatus::EsmeRok,
                        BindTransceiverResp::default().into(),
                    ),
                };
                let answer = Command::builder()
                    .status(status)
                    .sequence_number(command.sequence_number())
                    .pdu(pdu);
                let _ = line.send(answer).await;
            }
        }
    });
    settings(&url)
}

#[tokio::test]
async fn every_status_has_the_class_of_the_common_table() {
    for (status, class) in conformance::smpp_cases() {
        let (smpp, _desk) = support::listening(answering(CommandStatus::from(status)).await).await;
        let outcome = smpp.send(&message("+79161234500", "Привет", 1)).await;
        assert_eq!(Class::from(&outcome), class, "{status:#04x}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_account_that_cannot_work_is_refused_with_the_key() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings("smpp://127.0.0.1:2775");
        change(&mut settings);
        Smpp::new(settings).expect_err("it cannot work").to_string()
    };
    assert!(
        refused(|one| one.password = "123456789".into())
            .contains("channels.sms.password: at most 8")
    );
    assert!(refused(|one| one.sender = Some("Школа".into())).contains("channels.sms.sender"));
    assert!(refused(|one| one.window = 0).contains("channels.sms.window"));
    let missing = refused(|one| {
        one.url = "smpps://127.0.0.1".into();
        one.ca_file = Some("/nowhere/ca.pem".into());
    });
    assert!(
        missing.contains("channels.sms.ca_file: /nowhere/ca.pem"),
        "{missing}"
    );
}

#[test]
fn nothing_secret_is_printed() {
    let smpp = Smpp::new(settings("smpp://127.0.0.1:2775")).expect("a channel");
    let printed = format!(
        "{smpp:?} {:?}",
        Received::Text(vestnik_contract::received::Text {
            from: "+79161234500".into(),
            text: "СТОП".into(),
        })
    );
    assert!(
        !printed.contains("secret") && !printed.contains("7916"),
        "{printed}"
    );
}
