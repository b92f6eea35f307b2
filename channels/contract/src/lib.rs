//! The contract between vestnik and its channels.
//!
//! A channel turns one [`Message`] into one call to a provider and classifies the answer as an
//! [`Outcome`]. It knows no database, no template, no retry and no other channel: whether to try
//! again, to wait or to take another road is decided by `next` in the core.
//!
//! Read in this order: [`message`] (what goes in), [`outcome`] (what comes out), [`received`] (what comes
//! by itself), [`chat`] (what people do in a messenger), [`Channel`] (the trait), [`classify`] (the one table of HTTP statuses, SMTP and SMPP codes)
//! and [`conformance`] (the tests that every channel has to pass).

pub mod chat;
pub mod classify;
pub mod conformance;
pub mod message;
pub mod outcome;
pub mod received;

pub use chat::{Action, Attachment, Button, Command, Hook, Messenger, Screen, Update};
pub use message::{File, Message, Replaced, Sent};
pub use outcome::{Delivery, Fault, Outcome, Reason, Scope};
pub use received::{Received, Sink};

use std::sync::Arc;

use async_trait::async_trait;

/// One provider account: a mail relay, an SMS login, a bot token, a printer.
///
/// Implementations are cheap to share and hold their own connections. The caller puts its own
/// time-out round every call and treats its end as [`Outcome::InDoubt`], so an implementation may
/// be dropped at any await point.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Hands one message to the provider and classifies the answer.
    ///
    /// An answer nobody has documented is never a success: it is [`Outcome::InDoubt`] when the
    /// message may have been taken, and [`Outcome::Deferred`] when it was certainly not.
    async fn send(&self, message: &Message) -> Outcome;

    /// Asks the provider what became of a message that was sent or may have been sent.
    ///
    /// # Errors
    /// The reason why no answer could be had; the question may be asked again later.
    async fn query(&self, sent: &Sent) -> Result<Delivery, Reason> {
        let _ = sent;
        Err(Reason::new(
            "no_status_query",
            "this provider cannot be asked",
            Fault::Provider,
        ))
    }

    /// Whether [`Channel::query`] can be answered, so that a message in doubt is asked about
    /// before it is sent again.
    fn answers_queries(&self) -> bool {
        false
    }

    /// Proves that the account works without telling anybody anything: connects, logs in, asks for
    /// the balance. Returns a sentence for the person who runs `vestnik check`.
    ///
    /// # Errors
    /// What is wrong and how to mend it.
    async fn check(&self) -> Result<String, Reason>;

    /// Asks, as [`Channel::check`] does, whether the account works, beside messages that are under way.
    ///
    /// # Errors
    /// What is wrong and how to mend it.
    async fn probe(&self) -> Result<(), Reason> {
        self.check().await.map(drop)
    }

    /// Hands on what the provider says by itself, for as long as the future is polled: receipts and
    /// texts of its users. A channel whose provider says nothing by itself returns at once.
    ///
    /// It is called once, before the first message; a channel that is never listened to, as by
    /// `vestnik send-test`, must not take from its provider what another process waits for.
    async fn listen(&self, sink: Arc<dyn Sink>) {
        drop(sink);
    }

    /// Takes leave of the provider, so that it does not hold a dead connection for alive.
    async fn close(&self) {}
}
