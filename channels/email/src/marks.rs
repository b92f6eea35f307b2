//! What a mail carries so that what comes back is known: where it bounces to, and how its reader leaves.
//!
//! The channel is given both by whoever owns it, because only that one can tell a true mark from a forged
//! one.

use std::{fmt, sync::Arc};

/// The marks of one mail.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// The address that its bounces go to (VERP); the sender's own where there is none.
    pub returns_to: Option<String>,
    /// A page by which its reader takes no more mails. A POST there is enough (RFC 8058).
    pub leave_by_page: Option<String>,
    /// An address to which an empty mail says the same.
    pub leave_by_mail: Option<String>,
}

/// Says for the reference of a message what its mail carries.
#[derive(Clone)]
pub struct Marker(Arc<dyn Fn(&str) -> Marks + Send + Sync>);

impl Marker {
    /// A marker that asks this function.
    pub fn new(marks: impl Fn(&str) -> Marks + Send + Sync + 'static) -> Self {
        Self(Arc::new(marks))
    }

    /// The marks of the mail of a message.
    pub fn marks(&self, reference: &str) -> Marks {
        (self.0)(reference)
    }
}

impl Default for Marker {
    fn default() -> Self {
        Self::new(|_| Marks::default())
    }
}

/// Prints nothing of what it makes.
impl fmt::Debug for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marker")
    }
}
