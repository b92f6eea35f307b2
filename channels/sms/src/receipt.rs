//! Later words about messages that a gateway posts or keeps until they are fetched.

use std::fmt;

use vestnik_contract::Delivery;

/// A delivery report. The same one may come twice, early and in any order.
#[derive(Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The name that the provider gave the message.
    pub provider_ref: Option<String>,
    /// The number of the attempt, where the provider gives it back.
    pub client_ref: Option<u32>,
    /// What it says; none where it was not understood.
    pub delivery: Option<Delivery>,
    /// As it came, up to [`vestnik_contract::outcome::ANSWER_KEPT`] characters; may hold an address.
    pub raw: String,
}

/// Prints nothing that came from outside.
impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({:?})", self.delivery)
    }
}
