//! SMS straight to an operator's SMS centre by SMPP 3.4, behind vestnik's channel contract.
//!
//! [`Smpp`] is the channel. A session that lives and is made anew is in `line`, the way to the centre in
//! `endpoint`; `pieces` turns a text into what PDUs carry, `deliver` reads what comes back.

mod deliver;
mod endpoint;
mod line;
mod pieces;
#[cfg(feature = "sandbox")]
pub mod sandbox;
mod submit;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
pub use deliver::ReceiptIds;
pub use pieces::Splitting;
use vestnik_contract::{
    Channel, Fault, Message, Outcome, Reason, Received, Scope, Sink, classify,
    received::{Part, Parts},
};

use crate::{
    endpoint::Endpoint,
    line::{Line, Unavailable},
    pieces::pieces,
    submit::{Addresses, Refusal},
};

/// The name in `channels.sms.gateway`.
pub const GATEWAY: &str = "smpp";

/// An account with an SMS centre.
#[derive(Clone)]
pub struct Settings {
    /// `smpp://host:port`, or `smpps://host:port` for TLS.
    pub url: String,
    /// A file with the certificates to trust in place of the machine's own.
    pub ca_file: Option<PathBuf>,
    /// The login: at most 15 letters.
    pub system_id: String,
    /// Its password: at most 8 letters.
    pub password: String,
    /// What the operator calls this kind of client; mostly empty.
    pub system_type: String,
    /// The registered sender: a name or a number.
    pub sender: Option<String>,
    /// Its type of number; without it, what suits the sender.
    pub sender_ton: Option<u8>,
    /// Its numbering plan; without it, what suits the sender.
    pub sender_npi: Option<u8>,
    /// How many submits may be without an answer.
    pub window: usize,
    /// How often an idle line is tried.
    pub enquire_link: Duration,
    /// How long texts are put into several SMS.
    pub splitting: Splitting,
    /// How receipts spell the name of a message.
    pub receipt_ids: ReceiptIds,
    /// Of which parts of a text receipts are asked.
    pub receipts: Receipts,
    /// After this long without an answer a message is in doubt.
    pub timeout: Duration,
}

/// Prints neither login nor password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Of which parts of a text receipts are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipts {
    /// Of each: the text is delivered when all its parts are.
    Every,
    /// Of the first: centres that count receipts, or answer one a text.
    First,
    /// Of none: the account has no receipts.
    Off,
}

impl Receipts {
    /// All ways, by the names of the configuration.
    pub const ALL: [(&'static str, Self); 3] = [
        ("every", Self::Every),
        ("first", Self::First),
        ("off", Self::Off),
    ];

    /// The way of this name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find_map(|(name, receipts)| (name == code).then_some(receipts))
    }

    /// Whether a receipt is asked of the part at this place.
    fn of(self, place: usize) -> bool {
        match self {
            Self::Every => true,
            Self::First => place == 0,
            Self::Off => false,
        }
    }
}

/// Why an account cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SmppError {
    /// The address is no address.
    #[error("channels.sms.url: {0}")]
    Url(&'static str),
    /// A text of the account that SMPP has no room for.
    #[error("channels.sms.{key}: at most {most} letters, digits and signs of ASCII")]
    TooLong {
        /// The key.
        key: &'static str,
        /// How many there may be.
        most: usize,
    },
    /// The window is none.
    #[error("channels.sms.window: write a number from 1 on")]
    Window,
    /// The certificates cannot be read.
    #[error("channels.sms.ca_file: {0} cannot be used: {1}")]
    CaFile(PathBuf, String),
    /// TLS could not be set up.
    #[error("TLS cannot be used on this machine: {0}")]
    Tls(String),
}

/// SMS by one account of one SMS centre.
pub struct Smpp {
    line: Arc<Line>,
    addresses: Addresses,
}

impl fmt::Debug for Smpp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.line.settings.fmt(f)
    }
}

impl Smpp {
    /// Prepares the account; nothing is connected yet.
    ///
    /// # Errors
    /// [`SmppError`] with the key to correct.
    pub fn new(settings: Settings) -> Result<Self, SmppError> {
        let endpoint = Endpoint::parse(&settings.url)?;
        let texts = [
            ("system_id", settings.system_id.as_str(), 15),
            ("password", settings.password.as_str(), 8),
            ("system_type", settings.system_type.as_str(), 12),
            ("sender", settings.sender.as_deref().unwrap_or_default(), 20),
        ];
        for (key, text, most) in texts {
            if text.len() > most || !text.is_ascii() || text.contains('\0') {
                return Err(SmppError::TooLong { key, most });
            }
        }
        if settings.window == 0 {
            return Err(SmppError::Window);
        }
        let tls = endpoint
            .tls
            .then(|| endpoint::tls(settings.ca_file.as_deref()))
            .transpose()?;
        let addresses = Addresses::new(&settings);
        Ok(Self {
            line: Arc::new(Line::new(settings, endpoint, tls)),
            addresses,
        })
    }

    /// Submits the parts of a text one after the other, all in one session, and notes what became of
    /// each.
    ///
    /// The first one decides whether the text was taken at all. Once it was, the phone may show it: what
    /// goes wrong with a later part leaves the message in doubt, whatever the reason, because a copy may
    /// be a second one for the family, and no copy leaves them with half a text.
    async fn submit_all(&self, message: &Message, parts: &mut Vec<Part>) -> Outcome {
        let settings = &self.line.settings;
        let Some(pieces) = pieces(&message.text, settings.splitting, message.client_ref) else {
            return Outcome::Rejected {
                reason: Reason::new(
                    "smpp_too_long",
                    "The text makes more than 255 parts.",
                    Fault::Message,
                ),
            };
        };
        let Some(to) = Addresses::to(&message.address) else {
            return Outcome::Rejected {
                reason: Reason::new(
                    "smpp_address",
                    "This is no phone number in international form: correct it in the contact.",
                    Fault::Address,
                ),
            };
        };
        // The driver's own time-out is twice this one; what is known of the parts shall be kept before.
        let deadline = tokio::time::Instant::now() + settings.timeout * 3 / 2;
        let session = match self.line.session().await {
            Ok(session) => session,
            Err(unavailable) => return unavailable.outcome(),
        };
        parts.extend((0..pieces.len()).map(|place| Part {
            provider_ref: None,
            reports: settings.receipts.of(place),
        }));
        for (place, piece) in pieces.iter().enumerate() {
            let pdu = self.addresses.submit(&to, piece, parts[place].reports);
            let taken = self.line.submit(&session, pdu, place > 0, deadline).await;
            match taken {
                Ok(id) => parts[place].provider_ref = Some(id),
                Err(refusal) if place == 0 => return refusal.outcome(),
                Err(refusal) => {
                    return Outcome::InDoubt {
                        reason: partly(&refusal),
                    };
                }
            }
        }
        Outcome::Accepted {
            provider_ref: parts[0].provider_ref.clone(),
        }
    }
}

/// Why a text is in doubt that left in part.
fn partly(refusal: &Refusal) -> Reason {
    let code = match refusal {
        Refusal::NotSent(reason) | Refusal::Unknown(reason) => reason.code.clone(),
        Refusal::Status(status) => format!("smpp_{status:#04x}"),
    };
    Reason::new(
        format!("{code}_partly"),
        "The SMS centre took the beginning of the text; nobody knows whether the rest arrives.",
        Fault::Provider,
    )
}

impl Smpp {
    /// The name under which the SMS centre answers.
    async fn alive(&self) -> Result<String, Reason> {
        let session = self.line.session().await;
        let session = session.map_err(|Unavailable { reason, .. }| reason)?;
        session.client.enquire_link().await.map_err(|_| {
            Reason::new(
                "enquire_link",
                "The SMS centre took the login and then did not answer.",
                Fault::Provider,
            )
        })?;
        Ok(session.centre)
    }
}

#[async_trait]
impl Channel for Smpp {
    async fn send(&self, message: &Message) -> Outcome {
        let mut parts = Vec::new();
        let outcome = self.submit_all(message, &mut parts).await;
        let taken = parts.iter().any(|part| part.provider_ref.is_some());
        if taken && parts.len() > 1 {
            let parts = Received::Parts(Parts {
                client_ref: message.client_ref,
                parts,
            });
            self.line.keep(&[parts]).await;
        }
        outcome
    }

    async fn check(&self) -> Result<String, Reason> {
        let centre = self.alive().await;
        self.line.close().await;
        centre.map(|centre| format!("{} answers as «{centre}»", self.line.settings.url))
    }

    /// On the session that there is: its receipts go on coming.
    async fn probe(&self) -> Result<(), Reason> {
        self.alive().await.map(drop)
    }

    async fn listen(&self, sink: Arc<dyn Sink>) {
        self.line.listen(sink).await;
    }

    async fn close(&self) {
        self.line.close().await;
    }
}

impl Unavailable {
    /// Nothing leaves without a session, whatever it is: the account rests as long as the line does.
    fn outcome(self) -> Outcome {
        Outcome::Deferred {
            reason: self.reason,
            retry_after: Some(self.pause),
            scope: Scope::Lane,
        }
    }
}

impl Refusal {
    fn outcome(self) -> Outcome {
        match self {
            Self::NotSent(reason) => Outcome::Deferred {
                reason,
                retry_after: None,
                scope: Scope::Message,
            },
            Self::Unknown(reason) => Outcome::InDoubt { reason },
            Self::Status(status) => classify::smpp(status),
        }
    }
}
