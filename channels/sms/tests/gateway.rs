//! SMS against servers that answer as documents say, and as they do on bad days.

#![expect(
    clippy::disallowed_methods,
    reason = "the counterpart of a test runs beside it"
)]

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestnik_contract::{
    Channel, Delivery, Fault, Message, Outcome, Scope, Sent,
    conformance::{self, Class},
};
use vestnik_sms::{
    Settings, Sms,
    gateway::Gateway,
    sandbox::{self, Inbox},
};

fn settings(base_url: String) -> Settings {
    Settings {
        gateway: Gateway::by_name("smsc").expect("smsc"),
        base_url: Some(base_url),
        login: sandbox::LOGIN.into(),
        password: sandbox::PASSWORD.into(),
        sender: Some("SCHOOL12".into()),
        timeout: Duration::from_millis(400),
        callback: None,
    }
}

fn message(phone: &str, client_ref: u32) -> Message {
    Message {
        reference: "0123456789ABCDEF".into(),
        client_ref,
        address: phone.into(),
        subject: None,
        text: "Школа 12. Маша: матем 14.10 5".into(),
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

async fn sandbox() -> (Sms, Inbox) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let inbox = Inbox::default();
    tokio::spawn(sandbox::serve(listener, inbox.clone(), Duration::ZERO));
    (Sms::new(settings(url)).expect("a channel"), inbox)
}

/// A server that gives every request the same bytes.
async fn answering(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

async fn answer_of(body: &str) -> Outcome {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let sms = Sms::new(settings(answering(head + body).await)).expect("a channel");
    sms.send(&message("+79123456780", 7)).await
}

#[tokio::test]
async fn every_http_status_means_what_the_shared_table_says() {
    for (status, class) in conformance::http_cases() {
        // 204 and 304 end with their head; all others carry an empty body here.
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        let sms = Sms::new(settings(answering(head).await)).expect("a channel");
        let outcome = sms.send(&message("+79123456780", 7)).await;
        assert_eq!(Class::from(&outcome), class, "{status}: {outcome:?}");
    }
}

#[tokio::test]
async fn recorded_answers_read_as_smsc_documents_them() {
    let accepted = answer_of(r#"{"id":1001,"cnt":2,"cost":"9.10","balance":"1491.30"}"#).await;
    assert_eq!(
        accepted,
        Outcome::Accepted {
            provider_ref: Some("1001".into())
        }
    );
    for (code, class, lane) in [
        (1, Class::Rejected, false),
        (2, Class::Deferred, true),
        (3, Class::Deferred, true),
        (4, Class::Deferred, true),
        (5, Class::Rejected, false),
        (6, Class::Rejected, false),
        (7, Class::Rejected, false),
        (8, Class::Rejected, false),
        (9, Class::InDoubt, false),
        (10, Class::InDoubt, false),
    ] {
        let outcome = answer_of(&format!(
            r#"{{"error":"words","error_code":{code},"id":1001}}"#
        ))
        .await;
        assert_eq!(Class::from(&outcome), class, "{code}: {outcome:?}");
        let rests = matches!(
            outcome,
            Outcome::Deferred {
                scope: Scope::Lane,
                ..
            }
        );
        assert_eq!(rests, lane, "{code}");
    }
    assert!(
        matches!(answer_of("{}").await, Outcome::InDoubt { .. }),
        "no id is no success"
    );
    assert!(matches!(answer_of("[1001]").await, Outcome::InDoubt { .. }));
}

#[tokio::test]
async fn a_message_arrives_as_it_was_written_and_its_delivery_can_be_asked() {
    let (sms, inbox) = sandbox().await;
    let outcome = sms.send(&message("+79123456780", 7)).await;
    assert_eq!(
        outcome,
        Outcome::Accepted {
            provider_ref: Some("7".into())
        }
    );
    let received = inbox.all();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].phone, "79123456780");
    assert_eq!(received[0].text, "Школа 12. Маша: матем 14.10 5");
    assert_eq!(received[0].parts, 1);
    assert_eq!(
        sms.query(&sent("+79123456780", 7)).await,
        Ok(Delivery::Delivered)
    );
    assert_eq!(
        sms.query(&sent("+79123456780", 8)).await,
        Ok(Delivery::NotFound)
    );
    assert_eq!(
        sms.check().await,
        Ok("smsc answers; balance 1500.40".into())
    );
}

fn sent(phone: &str, client_ref: u32) -> Sent {
    Sent {
        reference: "0123456789ABCDEF".into(),
        client_ref,
        provider_ref: None,
        address: phone.into(),
    }
}

#[tokio::test]
async fn bad_days_are_told_apart() {
    let (sms, inbox) = sandbox().await;
    let send = async |phone: &str, client_ref| sms.send(&message(phone, client_ref)).await;
    assert!(matches!(
        send("+79120000090", 1).await,
        Outcome::Deferred {
            scope: Scope::Lane,
            ..
        }
    ));
    assert!(matches!(
        send("+79120000091", 2).await,
        Outcome::Rejected { reason } if reason.fault == Fault::Address && reason.code == "smsc_7"
    ));
    let pause = Some(Duration::from_secs(2));
    assert!(matches!(
        send("+79120000095", 3).await,
        Outcome::Deferred { retry_after, scope: Scope::Lane, .. } if retry_after == pause
    ));
    assert!(inbox.all().is_empty(), "none of these was taken");
    for (phone, client_ref) in [
        ("+79120000093", 4),
        ("+79120000094", 5),
        ("+79120000096", 6),
        ("+79120000097", 7),
    ] {
        let outcome = send(phone, client_ref).await;
        assert!(
            matches!(outcome, Outcome::InDoubt { .. }),
            "{phone}: {outcome:?}"
        );
        assert_eq!(
            sms.query(&sent(phone, client_ref)).await,
            Ok(Delivery::Delivered),
            "it was taken"
        );
    }
    send("+79120000099", 8).await;
    assert!(matches!(
        sms.query(&sent("+79120000099", 8)).await,
        Ok(Delivery::Undelivered { .. })
    ));
}

#[tokio::test]
async fn a_wrong_password_rests_the_lane_and_a_closed_port_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let sms = Sms::new(settings(url)).expect("a channel");
    let outcome = sms.send(&message("+79123456780", 1)).await;
    assert!(
        matches!(&outcome, Outcome::Deferred { reason, scope: Scope::Message, .. } if reason.fault == Fault::Network),
        "{outcome:?}"
    );
    let (_, inbox) = sandbox().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(sandbox::serve(listener, inbox, Duration::ZERO));
    let wrong = Settings {
        password: "guess".into(),
        ..settings(url)
    };
    let sms = Sms::new(wrong).expect("a channel");
    assert!(matches!(
        sms.send(&message("+79123456780", 1)).await,
        Outcome::Deferred { reason, scope: Scope::Lane, .. } if reason.fault == Fault::Account
    ));
    assert!(sms.check().await.is_err());
}
