//! A mail server that lives in the process: it takes mails as a relay does, and delivers none. What
//! it took stands in the database, where the page reads it.

use async_trait::async_trait;
use vestnik_contract::{Channel, Fault, Message, Outcome, Reason};
use vestnik_email::{Account, mime};

/// A relay that knows every address but those that begin with `nobody`.
#[derive(Debug, Clone)]
pub struct Mailbox {
    account: Account,
}

impl Mailbox {
    /// The relay of this account, which is never called.
    pub fn new(account: Account) -> Self {
        Self { account }
    }
}

#[async_trait]
impl Channel for Mailbox {
    async fn send(&self, message: &Message) -> Outcome {
        // The mail is built as for a relay, so that what cannot be sent shows here too.
        match mime(message, &self.account) {
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
