//! What a provider says without being asked.

use std::fmt;

use async_trait::async_trait;

use crate::outcome::Delivery;

/// Something that a provider said by itself, or that became known while a message was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A text left in several parts, each under a name of its own. It is handed on before the outcome
    /// of the call, so that receipts find their message even if the outcome is lost.
    Parts(Parts),
    /// A word about a message that was handed over earlier.
    Receipt(Receipt),
    /// A text that somebody sent to the school.
    Text(Text),
}

/// In which parts a text left, or would have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// [`crate::Message::client_ref`] of the attempt.
    pub client_ref: u32,
    /// All parts, in their order.
    pub parts: Vec<Part>,
}

/// One part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name that the provider gave it; none where it did not, or nobody knows whether it did.
    pub provider_ref: Option<String>,
    /// Whether a receipt was asked for.
    pub reports: bool,
}

/// A word about a message. The same one may come twice, early, and in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The provider's name for the message, as the receipt writes it.
    pub provider_ref: String,
    /// How the answer to the call may have written that name: each in small letters and without
    /// leading zeros.
    pub spellings: Vec<String>,
    /// The address that the message went to, if the receipt says so.
    pub address: Option<String>,
    /// What it says; none where nothing follows from it.
    pub delivery: Option<Delivery>,
}

/// Prints no address, as [`crate::Message`] does.
impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipt")
            .field("provider_ref", &self.provider_ref)
            .field("delivery", &self.delivery)
            .finish_non_exhaustive()
    }
}

/// A text from somebody's phone.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// Who wrote: a number in E.164 with `+`, as [`crate::Message::address`] has it.
    pub from: String,
    /// The words.
    pub text: String,
}

/// Prints neither number nor words.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text")
    }
}

/// Where a channel lays what its provider says by itself.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Keeps all of it, and returns when it is on the disk. Keeping the same thing twice does no harm.
    /// False where the program ends before it could be kept: then the provider must not hear that
    /// it arrived, so that it says it again.
    async fn keep(&self, received: &[Received]) -> bool;
}
