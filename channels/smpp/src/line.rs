//! One session with an SMS centre, and the next one when it ends.
//!
//! The library ends a session on its first trouble and makes no other. Whoever wants to send asks
//! [`Line::session`], which gives the living one or makes one, unless the last failure is too fresh.

use std::{
    future::pending,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::{FutureExt, Stream, StreamExt};
use rusmpp::{
    CommandId, Pdu,
    pdus::{BindTransceiver, BindTransmitter, DeliverSmResp},
    types::COctetString,
    values::InterfaceVersion,
};
use rusmppc::{Client, ConnectionBuilder, Event, error::Error};
use rustls::ClientConfig;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, timeout, timeout_at},
};
use vestnik_contract::{Fault, Outcome, Reason, Received, Sink, classify};

use crate::{Settings, deliver, endpoint::Endpoint};

/// How long the line rests after its first failure; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// How long at most, unless the centre refused the login.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// A session that ends sooner counts as a failure: a centre that throws us out again and again is not
/// asked again and again.
const SOLID: Duration = Duration::from_secs(30);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// The longest PDU that is read: `message_payload` may hold 64 KiB.
const LONGEST_PDU: usize = 70_000;
/// How many PDUs are kept in one go.
const HANDFUL: usize = 100;

/// A session that is bound.
#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) client: Client,
    /// What the centre calls itself.
    pub(crate) centre: String,
    receives: bool,
}

/// Why there is no session, and how long to wait before the next try.
pub(crate) struct Unavailable {
    pub(crate) reason: Reason,
    pub(crate) pause: Duration,
}

/// The account's line.
pub(crate) struct Line {
    pub(crate) settings: Settings,
    pub(crate) window: Semaphore,
    endpoint: Endpoint,
    tls: Option<Arc<ClientConfig>>,
    state: Mutex<State>,
    sink: OnceLock<Arc<dyn Sink>>,
}

#[derive(Default)]
struct State {
    session: Option<(Session, Instant)>,
    failures: u32,
    /// Until when the line rests, and why.
    rest: Option<(Instant, Reason)>,
}

impl State {
    fn fail(&mut self, reason: Reason, pause: Option<Duration>) -> Unavailable {
        let doubled = FIRST_PAUSE * 2u32.saturating_pow(self.failures.min(10));
        let pause = pause.unwrap_or_else(|| doubled.min(LONGEST_PAUSE));
        self.failures += 1;
        self.rest = Some((Instant::now() + pause, reason.clone()));
        Unavailable { reason, pause }
    }
}

impl Line {
    pub(crate) fn new(
        settings: Settings,
        endpoint: Endpoint,
        tls: Option<Arc<ClientConfig>>,
    ) -> Self {
        Self {
            window: Semaphore::new(settings.window),
            settings,
            endpoint,
            tls,
            state: Mutex::default(),
            sink: OnceLock::new(),
        }
    }

    /// The session, made anew where it has ended. Whoever comes meanwhile waits for the same try.
    pub(crate) async fn session(&self) -> Result<Session, Unavailable> {
        let mut state = self.state.lock().await;
        let listening = self.sink.get().is_some();
        if let Some((session, since)) = state.session.take() {
            if session.client.is_active() && session.receives == listening {
                state.session = Some((session.clone(), since));
                return Ok(session);
            }
            if session.client.is_active() {
                farewell(&session.client).await;
            } else if since.elapsed() < SOLID {
                let ended = Reason::new(
                    "connection_lost",
                    "The SMS centre ended the session soon after it began.",
                    Fault::Provider,
                );
                return Err(state.fail(ended, None));
            } else {
                state.failures = 0;
            }
        }
        if let Some((until, reason)) = &state.rest {
            let pause = until.saturating_duration_since(Instant::now());
            if !pause.is_zero() {
                let reason = reason.clone();
                return Err(Unavailable { reason, pause });
            }
        }
        match self.bind(listening).await {
            Ok(session) => {
                state.rest = None;
                state.session = Some((session.clone(), Instant::now()));
                Ok(session)
            }
            Err((reason, pause)) => Err(state.fail(reason, pause)),
        }
    }

    /// Connects and binds: as a transceiver where somebody listens, else as a transmitter, which no
    /// receipts are sent to that another process waits for.
    async fn bind(&self, listening: bool) -> Result<Session, (Reason, Option<Duration>)> {
        let settings = &self.settings;
        let limit = settings.timeout.min(Duration::from_secs(10));
        let stream = self
            .endpoint
            .connect(self.tls.as_ref(), limit)
            .await
            .map_err(|reason| (reason, None))?;
        // The library thinks itself of version 5.0 and refuses a bind with any other; what 3.4 has is
        // the same there.
        let (client, events) = ConnectionBuilder::new()
            .disable_interface_version_check()
            .enquire_link_interval(settings.enquire_link)
            .enquire_link_response_timeout(settings.timeout.min(settings.enquire_link))
            .response_timeout(settings.timeout)
            .max_command_length(LONGEST_PDU)
            .connected(stream);
        let system_id = COctetString::from_string(settings.system_id.clone()).unwrap_or_default();
        let password = COctetString::from_string(settings.password.clone()).unwrap_or_default();
        let kind = COctetString::from_string(settings.system_type.clone()).unwrap_or_default();
        let centre = if listening {
            let bind = BindTransceiver::builder()
                .interface_version(InterfaceVersion::Smpp3_4)
                .system_id(system_id)
                .password(password)
                .system_type(kind)
                .build();
            let answer = timeout(limit, client.bind_transceiver(bind)).await;
            answer.map(|bound| bound.map(|answer| answer.system_id.as_str().to_owned()))
        } else {
            let bind = BindTransmitter::builder()
                .interface_version(InterfaceVersion::Smpp3_4)
                .system_id(system_id)
                .password(password)
                .system_type(kind)
                .build();
            let answer = timeout(limit, client.bind_transmitter(bind)).await;
            answer.map(|bound| bound.map(|answer| answer.system_id.as_str().to_owned()))
        };
        let refused = match centre {
            Ok(Ok(centre)) => {
                self.read(client.clone(), events);
                return Ok(Session {
                    client,
                    centre,
                    receives: listening,
                });
            }
            Ok(Err(Error::UnexpectedResponse { response })) => {
                match classify::smpp(u32::from(response.status())) {
                    Outcome::Deferred {
                        reason,
                        retry_after,
                        ..
                    } => (reason, retry_after),
                    Outcome::Rejected { reason } | Outcome::InDoubt { reason } => {
                        (reason, Some(classify::ACCOUNT_PAUSE))
                    }
                    Outcome::Accepted { .. } => (silent(), None),
                }
            }
            Ok(Err(_)) | Err(_) => (silent(), None),
        };
        let _ = client.close().await;
        Err(refused)
    }

    /// Reads what the centre says by itself, until the session ends.
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the session, and a session that is dropped ends"
    )]
    fn read(&self, client: Client, events: impl Stream<Item = Event> + Unpin + Send + 'static) {
        let (sink, ids) = (self.sink.get().cloned(), self.settings.receipt_ids);
        tokio::spawn(async move {
            let mut events = events;
            while let Some(first) = events.next().await {
                let mut handful = vec![first];
                while handful.len() < HANDFUL {
                    match events.next().now_or_never() {
                        Some(Some(event)) => handful.push(event),
                        _ => break,
                    }
                }
                let delivers = delivers(&handful);
                let received: Vec<Received> = delivers
                    .iter()
                    .filter_map(|(_, deliver)| deliver::read(deliver, ids))
                    .collect();
                // What could not be kept is not answered: the centre says it again.
                let kept = match &sink {
                    Some(sink) if !received.is_empty() => sink.keep(&received).await,
                    _ => true,
                };
                for (sequence, _) in delivers.iter().filter(|_| kept) {
                    // Nothing but 0 is answered: some centres end the session on anything else.
                    let _ = client
                        .deliver_sm_resp(*sequence, DeliverSmResp::default())
                        .await;
                }
                if ends(&client, &handful).await {
                    break;
                }
            }
            let _ = client.close().await;
        });
    }

    /// Keeps a session alive and hands on what it says, for as long as it is polled.
    pub(crate) async fn listen(&self, sink: Arc<dyn Sink>) {
        let _ = self.sink.set(sink);
        loop {
            match self.session().await {
                Ok(session) => session.client.closed().await,
                Err(Unavailable { pause, .. }) => pause_until(Instant::now() + pause).await,
            }
        }
    }

    /// Hands something on to whoever listens.
    pub(crate) async fn keep(&self, received: &[Received]) {
        if let Some(sink) = self.sink.get() {
            sink.keep(received).await;
        }
    }

    /// Unbinds.
    pub(crate) async fn close(&self) {
        let session = self.state.lock().await.session.take();
        if let Some((session, _)) = session {
            farewell(&session.client).await;
        }
    }
}

fn silent() -> Reason {
    Reason::new(
        "bind",
        "The SMS centre took the connection and did not answer the login: check url, and whether this \
         machine's address is allowed.",
        Fault::Provider,
    )
}

/// The `deliver_sm` among these events, with their sequence numbers.
fn delivers(events: &[Event]) -> Vec<(u32, &rusmpp::pdus::DeliverSm)> {
    let of = |event: &'_ Event| match event {
        Event::Incoming(command) => Some(command.sequence_number()),
        Event::Error(_) => None,
    };
    events
        .iter()
        .filter_map(|event| {
            let sequence = of(event)?;
            match event {
                Event::Incoming(command) => match command.pdu() {
                    Some(Pdu::DeliverSm(deliver)) => Some((sequence, deliver)),
                    _ => None,
                },
                Event::Error(_) => None,
            }
        })
        .collect()
}

/// Whether the session ends with these events. An unbind of the centre's is answered.
async fn ends(client: &Client, events: &[Event]) -> bool {
    for event in events {
        match event {
            Event::Error(_) => return true,
            Event::Incoming(command) if command.id() == CommandId::Unbind => {
                let _ = client.unbind_resp(command.sequence_number()).await;
                return true;
            }
            Event::Incoming(_) => {}
        }
    }
    false
}

async fn farewell(client: &Client) {
    let _ = timeout(FAREWELL, client.unbind()).await;
    let _ = client.close().await;
}

/// Waits.
pub(crate) async fn pause_until(instant: Instant) {
    // A time-out round what never ends is the pause.
    let _ = timeout_at(instant, pending::<()>()).await;
}
