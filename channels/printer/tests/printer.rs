//! The channel at a printer: what it takes, what it refuses, and what nobody knows.

use std::{net::SocketAddr, time::Duration};

use tokio::{io::AsyncReadExt, net::TcpListener};
use vestnik_contract::{Delivery, Fault, Outcome};
use vestnik_printer::{
    Condition, Printer,
    sandbox::{Mode, Sandbox},
};

const PDF: &[u8] = b"%PDF-1.7 sheets";

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
async fn printer() -> (Printer, Sandbox) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let sandbox = Sandbox::default();
    let router = sandbox.clone().router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (at(address), sandbox)
}

fn at(address: SocketAddr) -> Printer {
    let address = format!("ipp://{address}/ipp/print");
    Printer::new(&address, Duration::from_secs(2), false).expect("a printer")
}

fn numbered(number: &str) -> Delivery {
    Delivery::UnderWay {
        provider_ref: Some(number.into()),
    }
}

#[tokio::test]
async fn a_job_is_taken_comes_out_and_is_found_by_its_name() {
    let (printer, sandbox) = printer().await;
    assert_eq!(printer.condition().await, Ok(Condition::default()));
    let taken = printer.print("vestnik 17", PDF).await;
    let number = match &taken {
        Outcome::Accepted { provider_ref } => provider_ref.clone(),
        _ => None,
    };
    assert_eq!(number.as_deref(), Some("1"), "{taken:?}");
    assert_eq!(printer.job(1).await, Ok(Delivery::Delivered));
    assert_eq!(printer.job(2).await, Ok(Delivery::NotFound));
    assert_eq!(printer.find("vestnik 17").await, Ok(numbered("1")));
    assert_eq!(printer.find("vestnik 18").await, Ok(Delivery::NotFound));
    assert_eq!(sandbox.jobs()[0].document, PDF);
}

#[tokio::test]
async fn a_jam_is_said_in_words_and_the_job_goes_on_when_it_is_over() {
    let (printer, sandbox) = printer().await;
    sandbox.becomes(Mode::Jammed);
    let jammed = Condition {
        blocked: true,
        words: Some("Paper is jammed in the printer: take it out.".into()),
    };
    assert_eq!(printer.condition().await, Ok(jammed));
    let taken = printer.print("vestnik 17", PDF).await;
    assert!(matches!(taken, Outcome::Accepted { .. }), "{taken:?}");
    assert_eq!(printer.job(1).await, Ok(numbered("1")));
    let busy = printer.print("vestnik 18", PDF).await;
    assert!(matches!(busy, Outcome::Deferred { .. }), "{busy:?}");
    sandbox.becomes(Mode::Ready);
    assert_eq!(printer.job(1).await, Ok(Delivery::Delivered));
    sandbox.becomes(Mode::Broken);
    printer.print("vestnik 18", PDF).await;
    let gone = printer.job(2).await.expect("an answer");
    assert!(matches!(gone, Delivery::Undelivered { .. }), "{gone:?}");
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
    let printer_there = at(address);
    let (doubt, ()) = tokio::join!(printer_there.print("vestnik 17", PDF), hangs_up);
    assert!(matches!(doubt, Outcome::InDoubt { .. }), "{doubt:?}");
    drop(listener);
    let away = printer_there.print("vestnik 17", PDF).await;
    assert!(
        matches!(&away, Outcome::Deferred { reason, .. } if reason.fault == Fault::Network),
        "{away:?}"
    );
    let (printer, sandbox) = printer().await;
    sandbox.becomes(Mode::AnswerLost);
    let doubt = printer.print("vestnik 17", PDF).await;
    assert!(matches!(doubt, Outcome::InDoubt { .. }), "{doubt:?}");
    assert_eq!(printer.find("vestnik 17").await, Ok(numbered("1")));
}
