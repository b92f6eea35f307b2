//! A mail server that lives in the process: it takes mails as a relay does, and delivers none. What
//! it took stands in the database, where the page reads it.

use async_trait::async_trait;
use vestnik_contract::{Channel, Fault, Message, Outcome, Reason};
use vestnik_email::{Mailbox as Sender, mime};

/// A relay that knows every address but those that begin with `nobody`.
#[derive(Debug, Clone)]
pub struct Mailbox {
    from: Sender,
}

impl Mailbox {
    /// The relay of a school that writes as `from`.
    pub fn new(from: Sender) -> Self {
        Self { from }
    }
}

#[async_trait]
impl Channel for Mailbox {
    async fn send(&self, message: &Message) -> Outcome {
        // The mail is built as for a relay, so that what cannot be sent shows here too.
        match mime(message, &self.from) {
            Err(reason) => Outcome::Rejected { reason },
            Ok(_) if message.address.starts_with("nobody") => Outcome::Rejected {
                reason: Reason::new("smtp_550", "The mailbox does not exist.", Fault::Address),
            },
            Ok(_) => Outcome::Accepted { provider_ref: None },
        }
    }

    async fn check(&self) -> Result<String, Reason> {
        Ok("the sandbox takes everything".into())
    }
}
