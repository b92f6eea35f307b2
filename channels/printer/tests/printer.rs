//! The channel at a printer that answers as the test says, byte by byte as IPP has it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode as Http, routing::post};
use ipp::{
    model::{DelimiterTag, IppVersion, StatusCode},
    request::IppRequestResponse,
    value::IppValue,
};
use tokio::{io::AsyncReadExt, net::TcpListener};
use vestnik_contract::{Delivery, Fault, Outcome};
use vestnik_printer::Printer;

/// What the printer was asked, and what it answers next.
#[derive(Clone, Default)]
struct Script {
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
    answers: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Script {
    fn with<T>(list: &Mutex<Vec<T>>, look: impl FnOnce(&mut Vec<T>) -> Option<T>) -> Option<T> {
        look(&mut list.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn says(&self, answer: Vec<u8>) {
        Self::with(&self.answers, |answers| {
            answers.push(answer);
            None
        });
    }

    fn asked(&self) -> Vec<u8> {
        Self::with(&self.asked, Vec::pop).expect("it was asked")
    }
}

async fn answer(State(script): State<Script>, body: Bytes) -> Result<Vec<u8>, Http> {
    Script::with(&script.asked, |asked| {
        asked.push(body.to_vec());
        None
    });
    let next = |answers: &mut Vec<Vec<u8>>| (!answers.is_empty()).then(|| answers.remove(0));
    Script::with(&script.answers, next).ok_or(Http::NOT_FOUND)
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
async fn printer() -> (Printer, Script) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let script = Script::default();
    let router = Router::new()
        .route("/ipp/print", post(answer))
        .with_state(script.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (at(address), script)
}

fn at(address: SocketAddr) -> Printer {
    let address = format!("ipp://{address}/ipp/print");
    Printer::new(&address, Duration::from_secs(2), false).expect("a printer")
}

/// An answer with one group of attributes.
fn says(status: StatusCode, tag: DelimiterTag, attributes: &[(&'static str, IppValue)]) -> Vec<u8> {
    let mut answer =
        IppRequestResponse::new_response(IppVersion::v2_0(), status, 1).expect("an answer");
    for (name, value) in attributes {
        answer.attributes_mut().add(
            tag,
            value
                .clone()
                .named(name.parse::<ipp::value::IppName>().expect("a name")),
        );
    }
    answer.to_bytes().to_vec()
}

fn job(state: i32) -> [(&'static str, IppValue); 3] {
    let name = IppValue::new_name_without_language("vestnik r17").expect("a name");
    [
        ("job-id", IppValue::new_integer(4)),
        ("job-name", name),
        ("job-state", IppValue::Enum(state)),
    ]
}

#[tokio::test]
async fn a_job_is_taken_and_completed_on_a4_and_one_side() {
    let (printer, script) = printer().await;
    script.says(says(
        StatusCode::SuccessfulOk,
        DelimiterTag::JobAttributes,
        &job(5),
    ));
    let taken = printer.print("vestnik r17", b"%PDF-1.7 sheets").await;
    let ref_is = |wanted: &str| matches!(&taken, Outcome::Accepted { provider_ref: Some(known) } if known == wanted);
    assert!(ref_is("4"), "{taken:?}");
    let asked = script.asked();
    let asked = String::from_utf8_lossy(&asked);
    for words in [
        "iso_a4_210x297mm",
        "one-sided",
        "application/pdf",
        "vestnik r17",
        "%PDF-1.7 sheets",
    ] {
        assert!(asked.contains(words), "{words}");
    }
    for (state, wanted) in [
        (5, "under way"),
        (6, "under way"),
        (9, "done"),
        (8, "gone"),
        (7, "gone"),
    ] {
        script.says(says(
            StatusCode::SuccessfulOk,
            DelimiterTag::JobAttributes,
            &job(state),
        ));
        let known = match printer.job(4).await.expect("an answer") {
            Delivery::UnderWay { .. } => "under way",
            Delivery::Delivered => "done",
            Delivery::Undelivered { .. } => "gone",
            Delivery::NotFound => "unknown",
        };
        assert_eq!(known, wanted, "{state}");
    }
}

#[tokio::test]
async fn busy_is_later_a_lost_answer_is_in_doubt_and_the_job_is_found_by_its_name() {
    let (printer, script) = printer().await;
    let none = DelimiterTag::OperationAttributes;
    script.says(says(StatusCode::ServerErrorBusy, none, &[]));
    let busy = printer.print("vestnik r17", b"%PDF").await;
    assert!(matches!(busy, Outcome::Deferred { .. }), "{busy:?}");
    script.says(says(
        StatusCode::ClientErrorDocumentFormatNotSupported,
        none,
        &[],
    ));
    let refused = printer.print("vestnik r17", b"%PDF").await;
    assert!(matches!(refused, Outcome::Rejected { .. }), "{refused:?}");
    script.says(b"half an ans".to_vec());
    let broken = printer.print("vestnik r17", b"%PDF").await;
    assert!(matches!(broken, Outcome::InDoubt { .. }), "{broken:?}");
    script.says(says(
        StatusCode::SuccessfulOk,
        DelimiterTag::JobAttributes,
        &[],
    ));
    script.says(says(
        StatusCode::SuccessfulOk,
        DelimiterTag::JobAttributes,
        &job(9),
    ));
    let found = printer.find("vestnik r17").await.expect("an answer");
    let number = Delivery::UnderWay {
        provider_ref: Some("4".into()),
    };
    assert_eq!(found, number);
    for _ in 0..2 {
        script.says(says(
            StatusCode::SuccessfulOk,
            DelimiterTag::JobAttributes,
            &job(9),
        ));
    }
    let other = printer.find("vestnik r18").await.expect("an answer");
    assert_eq!(other, Delivery::NotFound);
}

#[tokio::test]
async fn who_is_away_hears_nothing_and_who_hangs_up_may_have_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let hangs_up = async {
        let (mut stream, _) = listener.accept().await.expect("a call");
        let mut bytes = [0; 512];
        let _ = stream.read(&mut bytes).await;
    };
    let printer = at(address);
    let (doubt, ()) = tokio::join!(printer.print("vestnik r17", b"%PDF"), hangs_up);
    assert!(matches!(doubt, Outcome::InDoubt { .. }), "{doubt:?}");
    drop(listener);
    let away = printer.print("vestnik r17", b"%PDF").await;
    assert!(
        matches!(&away, Outcome::Deferred { reason, .. } if reason.fault == Fault::Network),
        "{away:?}"
    );
}

#[tokio::test]
async fn what_it_wants_is_said_and_nothing_where_it_is_ready() {
    let (printer, script) = printer().await;
    for (reasons, state, wanted) in [
        ("none", 3, None),
        (
            "media-empty-error",
            3,
            Some("The printer has no paper: put A4 in."),
        ),
        (
            "none",
            5,
            Some("The printer has stopped: look at its display."),
        ),
    ] {
        let reasons = IppValue::new_keyword(reasons).expect("a keyword");
        script.says(says(
            StatusCode::SuccessfulOk,
            DelimiterTag::PrinterAttributes,
            &[
                ("printer-state", IppValue::Enum(state)),
                ("printer-state-reasons", reasons),
                ("printer-is-accepting-jobs", IppValue::Boolean(true)),
            ],
        ));
        let wants = printer.wants().await.expect("an answer");
        assert_eq!(wants.as_deref(), wanted);
    }
    assert!(printer.wants().await.is_err(), "404 is no printer");
}
