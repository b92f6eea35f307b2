//! What the stories of SMPP share: an account, a message, and a desk that keeps what comes.

use std::{
    future::pending,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::Notify,
    time::{Instant, timeout, timeout_at},
};
use vestnik_contract::{
    Channel, Message, Outcome, Received, Sink,
    received::{Parts, Receipt, Text},
};
use vestnik_smpp::{ReceiptIds, Receipts, Settings, Smpp, Splitting};

/// Three parts in Cyrillic, with an emoji where the first ends.
pub(crate) const LONG: &str = "Школа 57. Уважаемая Анна Сергеевна! Завтра, 23 ноября, уроки во 2-й 🎒 смене \
    начнутся на час позже, в 14:30, из-за ремонта отопления. Просим детей одеть теплее. Классный руководитель.";

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// An account with the login of the peers.
pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        url: url.to_owned(),
        ca_file: None,
        system_id: "school".into(),
        password: "secret".into(),
        system_type: String::new(),
        sender: Some("SCHOOL57".into()),
        sender_ton: None,
        sender_npi: None,
        window: 10,
        enquire_link: Duration::from_mins(1),
        splitting: Splitting::Udh8,
        receipt_ids: ReceiptIds::Auto,
        receipts: Receipts::Every,
        timeout: Duration::from_millis(400),
    }
}

pub(crate) fn message(phone: &str, text: &str, client_ref: u32) -> Message {
    Message {
        reference: "0123456789ABCDEF".into(),
        client_ref,
        address: phone.into(),
        subject: None,
        text: text.into(),
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

/// Keeps what a channel hands on.
#[derive(Clone, Default)]
pub(crate) struct Desk {
    kept: Arc<Mutex<Vec<Received>>>,
    came: Arc<Notify>,
    refuses: Arc<AtomicBool>,
}

#[async_trait]
impl Sink for Desk {
    async fn keep(&self, received: &[Received]) -> bool {
        self.held().extend(received.iter().cloned());
        self.came.notify_waiters();
        !self.refuses.load(Ordering::Relaxed)
    }
}

impl Desk {
    fn held(&self) -> std::sync::MutexGuard<'_, Vec<Received>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clear(&self) {
        self.held().clear();
    }

    pub(crate) fn refuse(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }

    pub(crate) fn parts(&self) -> Option<Parts> {
        self.held().iter().find_map(|one| match one {
            Received::Parts(parts) => Some(parts.clone()),
            _ => None,
        })
    }

    pub(crate) fn receipts_now(&self) -> Vec<Receipt> {
        self.held()
            .iter()
            .filter_map(|one| match one {
                Received::Receipt(receipt) => Some(receipt.clone()),
                _ => None,
            })
            .collect()
    }

    /// The receipts, once there are so many.
    pub(crate) async fn receipts(&self, count: usize) -> Vec<Receipt> {
        until("the receipts have come", || {
            self.receipts_now().len() >= count
        })
        .await;
        self.receipts_now()
    }

    /// The text of a phone, once it has come.
    pub(crate) async fn text(&self) -> Text {
        let text = || {
            self.held().iter().find_map(|one| match one {
                Received::Text(text) => Some(text.clone()),
                _ => None,
            })
        };
        until("a text has come", || text().is_some()).await;
        text().expect("it was there")
    }
}

/// A channel that somebody listens to.
#[expect(
    clippy::disallowed_methods,
    reason = "who listens does so as long as the test"
)]
pub(crate) async fn listening(settings: Settings) -> (Arc<Smpp>, Desk) {
    let smpp = Arc::new(Smpp::new(settings).expect("a channel"));
    let desk = Desk::default();
    let (ear, sink) = (smpp.clone(), Arc::new(desk.clone()));
    tokio::spawn(async move { ear.listen(sink).await });
    // The other task sets its ear up before this one is woken again.
    tokio::task::yield_now().await;
    (smpp, desk)
}

/// Sends until a line that rests is up again.
pub(crate) async fn accepted(smpp: &Smpp, phone: &str) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let outcome = smpp.send(&message(phone, "Привет", 3)).await;
        match outcome {
            Outcome::Accepted { provider_ref } => return provider_ref.unwrap_or_default(),
            Outcome::Deferred { retry_after, .. } if Instant::now() < end => {
                wait(retry_after.unwrap_or_default()).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

/// Waits for what must become true.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        wait(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn wait(pause: Duration) {
    let _ = timeout(pause, pending::<()>()).await;
    let _ = timeout_at(Instant::now(), pending::<()>()).await;
}
