//! Traps of real gateways (§9 of the formats), each a named test against a server that answers as they do.
//! Those about time and receipts are in `tests/desk/gateways.rs`; 33 and 34 are in `parts`.

#![expect(
    clippy::disallowed_methods,
    reason = "the counterpart of a test runs beside it"
)]

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestnik_contract::{Channel, Delivery, Fault, Message, Outcome, Scope, Sent};
use vestnik_sms::{Settings, Sms, gateway::Gateway};

/// An account of this gateway at a server that gives its answers in turn, the last one for ever.
async fn account(gateway: &str, answers: &[(u16, &str)]) -> Sms {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answers: Vec<String> = answers
        .iter()
        .map(|(status, body)| {
            let length = body.len();
            format!(
                "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        })
        .collect();
    tokio::spawn(async move {
        let mut next = 0;
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let answer = &answers[next.min(answers.len() - 1)];
            let _ = stream.write_all(answer.as_bytes()).await;
            next += 1;
        }
    });
    Sms::new(Settings {
        gateway: Gateway::by_name(gateway).expect("a gateway"),
        base_url: Some(url),
        login: "LOGIN".into(),
        password: "PASSWORD".into(),
        sender: None,
        timeout: Duration::from_millis(400),
        callback: None,
    })
    .expect("an account")
}

fn message() -> Message {
    Message {
        reference: "0123456789ABCDEF".into(),
        client_ref: 7,
        address: "+79000000011".into(),
        subject: None,
        text: "Пример".into(),
        html: None,
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: 0,
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: true,
    }
}

fn sent(provider_ref: Option<&str>) -> Sent {
    Sent {
        reference: "0123456789ABCDEF".into(),
        client_ref: 7,
        provider_ref: provider_ref.map(str::to_owned),
        address: "+79000000011".into(),
    }
}

/// Trap 21.
#[tokio::test]
async fn http_200_with_an_error_in_it_is_an_error() {
    let megafon = r#"{"result":{"msg_id":"7","status":{"code":1,"description":"error"}}}"#;
    let outcome = account("megafon", &[(200, megafon)])
        .await
        .send(&message())
        .await;
    assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome:?}");
    let smsc = r#"{"error":"no money","error_code":3,"id":7}"#;
    let outcome = account("smsc", &[(200, smsc)]).await.send(&message()).await;
    assert!(
        matches!(&outcome, Outcome::Deferred { scope: Scope::Lane, reason, .. }
            if reason.remedy.as_ref().is_some_and(|remedy| remedy.contains("пополните"))),
        "{outcome:?}"
    );
}

/// Trap 22: the answer is lost after the message was sent.
#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_a_doubt() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
        }
    });
    for gateway in ["smsc", "smsru", "kannel", "beeline"] {
        let sms = Sms::new(Settings {
            gateway: Gateway::by_name(gateway).expect("a gateway"),
            base_url: Some(url.clone()),
            login: "LOGIN".into(),
            password: "PASSWORD".into(),
            sender: None,
            timeout: Duration::from_millis(400),
            callback: None,
        })
        .expect("an account");
        let outcome = sms.send(&message()).await;
        assert!(
            matches!(outcome, Outcome::InDoubt { .. }),
            "{gateway}: {outcome:?}"
        );
        let asks = ["smsc"].contains(&gateway);
        assert_eq!(
            sms.answers_doubts(),
            asks,
            "{gateway}: only by a number of ours"
        );
    }
}

/// Trap 25: each message is a call of its own, so that a bad number fails nobody else; and where the gateway
/// answers about several numbers, ours is looked for.
#[tokio::test]
async fn a_bad_number_fails_itself_alone() {
    let ours = r#"{"status":"OK","status_code":100,"sms":{"79000000011":{"status":"OK","status_code":100,"sms_id":"202645-1"},"79000000012":{"status":"ERROR","status_code":207}}}"#;
    let outcome = account("smsru", &[(200, ours)])
        .await
        .send(&message())
        .await;
    assert_eq!(
        outcome,
        Outcome::Accepted {
            provider_ref: Some("202645-1".into())
        }
    );
    let other = r#"{"status":"OK","status_code":100,"sms":{"79000000012":{"status":"OK","status_code":100,"sms_id":"202645-2"}}}"#;
    let outcome = account("smsru", &[(200, other)])
        .await
        .send(&message())
        .await;
    assert!(
        matches!(outcome, Outcome::InDoubt { .. }),
        "somebody else's success: {outcome:?}"
    );
}

/// Trap 26.
#[tokio::test]
async fn the_duplicate_of_smsc_was_probably_sent() {
    let nine = r#"{"error":"duplicate request, wait a minute","error_code":9}"#;
    let sms = account("smsc", &[(200, nine), (200, r#"{"status":1,"err":0}"#)]).await;
    let outcome = sms.send(&message()).await;
    assert!(matches!(outcome, Outcome::InDoubt { .. }), "{outcome:?}");
    assert_eq!(sms.query(&sent(None)).await, Ok(Delivery::Delivered));
}

/// Trap 27.
#[tokio::test]
async fn http_429_rests_the_whole_account_of_every_gateway() {
    for gateway in Gateway::names() {
        let outcome = account(gateway, &[(429, "")]).await.send(&message()).await;
        assert!(
            matches!(&outcome, Outcome::Deferred { scope: Scope::Lane, reason, .. } if reason.fault == Fault::Provider),
            "{gateway}: {outcome:?}"
        );
    }
}

/// Trap 28: names of messages are numbers that no float holds.
#[tokio::test]
async fn a_name_beyond_two_to_the_53_stays_exact() {
    for (gateway, answer) in [
        (
            "smsaero",
            r#"{"success":true,"data":[{"id":9007199254740993}],"message":null}"#,
        ),
        ("exolve", r#"{"message_id":9007199254740993}"#),
        ("smsc", r#"{"id":9007199254740993,"cnt":1}"#),
    ] {
        let outcome = account(gateway, &[(200, answer)])
            .await
            .send(&message())
            .await;
        assert_eq!(
            outcome,
            Outcome::Accepted {
                provider_ref: Some("9007199254740993".into())
            },
            "{gateway}"
        );
    }
}

/// A message in several parts is delivered when all of them are.
#[tokio::test]
async fn a_message_is_delivered_when_all_its_parts_are() {
    let (delivered, sent_on, refused) = (r#"{"State":0}"#, r#"{"State":-1}"#, r#"{"State":42}"#);
    for (parts, word) in [
        ([delivered, delivered], "Ok(Delivered)"),
        ([delivered, sent_on], "Ok(UnderWay { provider_ref: None })"),
        (
            [delivered, refused],
            "Ok(Undelivered { reason: devino_status_42 (Message) })",
        ),
    ] {
        let sms = account("devino", &[(200, parts[0]), (200, parts[1])]).await;
        let told = sms.query(&sent(Some("a-2-1,a-2-2"))).await;
        assert_eq!(format!("{told:?}"), word);
    }
}

/// An answer that has no end is not read to it.
#[tokio::test]
async fn an_answer_without_an_end_is_a_doubt() {
    let endless = "x".repeat(2 << 20);
    let outcome = account("kannel", &[(202, &endless)])
        .await
        .send(&message())
        .await;
    assert!(
        matches!(&outcome, Outcome::InDoubt { reason } if reason.code == "answer_too_long" || reason.code == "connection_lost"),
        "{outcome:?}"
    );
}
