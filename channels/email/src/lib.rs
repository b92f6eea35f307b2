//! E-mail over SMTP, behind vestnik's channel contract.
//!
//! [`account`] says which relay and how, [`mime()`] builds the mail, [`Email`] hands it over through
//! a few sessions that are kept open.

pub mod account;
pub mod mailbox;
pub mod marks;
mod mime;
pub mod returned;
mod session;
pub mod signature;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout},
};
use vestnik_contract::{Channel, Fault, Message, Outcome, Reason, Scope};

pub use account::{Account, AccountError, Tls, Trust};
pub use lettre::message::Mailbox;
pub use marks::{Marker, Marks};
pub use mime::mime;
pub use signature::Signature;

use crate::session::{Failure, Session};

/// An idle session older than this is not used again: relays close them without a word.
const IDLE: Duration = Duration::from_secs(20);

/// After this many mails a session is closed, before the relay's own limit does.
const MAILS: u32 = 100;

/// E-mail by one relay account.
#[derive(Debug)]
pub struct Email {
    account: Account,
    /// The mails on their way, by the domains that they go to.
    domains: Mutex<HashMap<String, Weak<Semaphore>>>,
    idle: Mutex<Vec<(Session, Instant)>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({} mails)", self.carried)
    }
}

/// How far a call has come, for the moment at which its time is over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing of the mail's content has left.
    Before,
    /// It may have been taken.
    Content,
}

impl Email {
    /// Prepares the account; nothing connects yet.
    pub fn new(account: Account) -> Self {
        Self {
            account,
            domains: Mutex::default(),
            idle: Mutex::default(),
        }
    }

    /// The account that it sends by.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A place among the mails on their way to a domain; none where it is not free in time. Without a
    /// limit there is always one.
    async fn place(&self, address: &str) -> Option<Option<OwnedSemaphorePermit>> {
        let Some(most) = self.account.per_domain else {
            return Some(None);
        };
        let domain = address
            .rsplit('@')
            .next()
            .unwrap_or_default()
            .to_lowercase();
        let places = {
            let mut domains = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
            domains.retain(|_, places| places.strong_count() > 0);
            let known = domains.get(&domain).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let places = Arc::new(Semaphore::new(most));
                domains.insert(domain, Arc::downgrade(&places));
                places
            })
        };
        // The call itself has its own time, within the driver's.
        let place = timeout(self.account.timeout / 2, places.acquire_owned()).await;
        place.ok().and_then(Result::ok).map(Some)
    }

    fn take(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((session, since)) = idle.pop() {
            if since.elapsed() < IDLE {
                return Some(session);
            }
        }
        None
    }

    fn give_back(&self, session: Session) {
        if session.carried < MAILS {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push((session, Instant::now()));
        }
    }

    async fn hand_over(&self, message: &Message, stage: &mut Stage) -> Outcome {
        let mail = match mime(message, &self.account) {
            Ok(mail) => mail,
            Err(reason) => return Outcome::Rejected { reason },
        };
        let (Some(from), Some(to)) = (mail.envelope().from(), mail.envelope().to().first()) else {
            let reason = Reason::new("bad_mail", "The mail has no envelope.", Fault::Message);
            return Outcome::Rejected { reason };
        };
        // A kept session may have been closed by the relay meanwhile. Until the mail's content is
        // asked for, starting over on a new one cannot double anything.
        let mut kept = self.take();
        let mut session = loop {
            let fresh = kept.is_none();
            let mut session = match kept.take() {
                Some(session) => session,
                None => match Session::open(&self.account).await {
                    Ok(session) => session,
                    Err(failure) => return before(failure),
                },
            };
            let asked = match session.envelope(from, to).await {
                Ok(()) => session.data().await,
                Err(failure) => Err(failure),
            };
            match asked {
                Ok(()) => break session,
                Err(failure) if !fresh && failure.is_about_the_session() => {}
                Err(failure) => {
                    if matches!(failure, Failure::Refused(_)) && session.reset().await {
                        self.give_back(session);
                    }
                    return before(failure);
                }
            }
        };
        *stage = Stage::Content;
        match session.content(&mail.formatted()).await {
            Ok(provider_ref) => {
                self.give_back(session);
                Outcome::Accepted { provider_ref }
            }
            Err(Failure::Refused(outcome)) => {
                if session.reset().await {
                    self.give_back(session);
                }
                outcome
            }
            Err(Failure::Broken) => doubt(
                "connection_lost",
                "The connection broke before the mail server confirmed the mail.",
            ),
        }
    }
}

#[async_trait]
impl Channel for Email {
    async fn send(&self, message: &Message) -> Outcome {
        let mut stage = Stage::Before;
        let Some(_place) = self.place(&message.address).await else {
            return Outcome::Deferred {
                reason: Reason::new(
                    "domain_busy",
                    "Too many mails are on their way to this domain.",
                    Fault::Provider,
                ),
                retry_after: None,
                scope: Scope::Message,
            };
        };
        // lettre's own time-out covers connecting only: a server that accepts and never speaks would
        // hold the call for ever.
        let call = timeout(self.account.timeout, self.hand_over(message, &mut stage)).await;
        match (call, stage) {
            (Ok(outcome), _) => outcome,
            (Err(_), Stage::Before) => Outcome::Deferred {
                reason: Reason::new(
                    "timeout",
                    "The mail server did not answer in time.",
                    Fault::Network,
                ),
                retry_after: None,
                scope: Scope::Message,
            },
            (Err(_), Stage::Content) => doubt(
                "timeout",
                "The mail server did not confirm the mail in time.",
            ),
        }
    }

    async fn check(&self) -> Result<String, Reason> {
        let check = async {
            let mut session = Session::open(&self.account).await?;
            session.noop().await?;
            session.quit().await;
            Ok(())
        };
        let failure = match timeout(self.account.timeout, check).await {
            Ok(Ok(())) => return Ok("the mail server answers and takes the login".to_owned()),
            Ok(Err(failure)) => failure,
            Err(_) => Failure::Broken,
        };
        match before(failure) {
            Outcome::Deferred { reason, .. }
            | Outcome::Rejected { reason }
            | Outcome::InDoubt { reason } => Err(reason),
            Outcome::Accepted { .. } => Ok(String::new()),
        }
    }
}

impl Failure {
    /// Whether a new session may fare better: the old one broke, or the relay closed it (421).
    fn is_about_the_session(&self) -> bool {
        match self {
            Self::Broken => true,
            Self::Refused(Outcome::Deferred { reason, .. }) => reason.code == "smtp_421",
            Self::Refused(_) => false,
        }
    }
}

/// A failure before any content left: the mail was certainly not taken.
fn before(failure: Failure) -> Outcome {
    match failure {
        Failure::Refused(Outcome::InDoubt { reason }) => Outcome::Deferred {
            reason,
            retry_after: None,
            scope: Scope::Message,
        },
        Failure::Refused(outcome) => outcome,
        Failure::Broken => Outcome::Deferred {
            reason: Reason::new(
                "connect",
                "The mail server cannot be reached, or does not speak SMTP: check url and the network.",
                Fault::Network,
            ),
            retry_after: None,
            scope: Scope::Message,
        },
    }
}

fn doubt(code: &str, text: &str) -> Outcome {
    Outcome::InDoubt {
        reason: Reason::new(code, text, Fault::Network),
    }
}
