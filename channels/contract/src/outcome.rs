//! What a channel answers.

use std::{fmt, time::Duration};

/// How one attempt ended, as far as the channel can know. What follows from it is decided by the
/// core, never by the channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has taken the message and answers for it from now on.
    Accepted {
        /// The name the provider gave it, needed to match receipts.
        provider_ref: Option<String>,
    },
    /// It was certainly not taken, and the same call may succeed later.
    Deferred {
        /// What the provider said.
        reason: Reason,
        /// How long the provider asked to be left alone (`Retry-After`, flood control).
        retry_after: Option<Duration>,
        /// Whether only this message has to wait, or everything that goes through this account.
        scope: Scope,
    },
    /// It was not taken and never will be: repeating the call is pointless.
    Rejected {
        /// What the provider said.
        reason: Reason,
    },
    /// Nobody can tell whether it was taken: the answer was lost, cut off or not understood.
    InDoubt {
        /// What happened.
        reason: Reason,
    },
}

impl Outcome {
    /// Why it was not taken, where it was not.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Accepted { .. } => None,
            Self::Deferred { reason, .. }
            | Self::Rejected { reason }
            | Self::InDoubt { reason } => Some(reason),
        }
    }

    /// The same outcome with the answer that was not understood.
    #[must_use]
    pub fn with_answer(mut self, answer: &str) -> Self {
        if let Self::Deferred { reason, .. }
        | Self::Rejected { reason }
        | Self::InDoubt { reason } = &mut self
        {
            *reason = reason.clone().with_answer(answer);
        }
        self
    }
}

/// How far a deferral reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This message alone.
    Message,
    /// Every message of the provider account: a wrong password, no money, flood control.
    Lane,
}

/// Why, in a code for programs and in words for people. Neither may contain an address, a name or
/// a message text, because both are logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Reason {
    /// The provider's own code with its family in front: `smtp_550`, `http_429`, `smsc_3`,
    /// `timeout`.
    pub code: String,
    /// One sentence that a school secretary understands, with the remedy if there is one.
    pub text: String,
    /// Whose fault it is, which decides who can mend it.
    pub fault: Fault,
    /// What the school's administrator can do about it, in the school's language.
    pub remedy: Option<String>,
    /// What the provider answered, where that was not understood. It may hold an address and stays in the
    /// database.
    pub answer: Option<String>,
}

/// How many characters of an answer that was not understood are kept.
pub const ANSWER_KEPT: usize = 2000;

impl Reason {
    /// A reason from its three parts.
    pub fn new(code: impl Into<String>, text: impl Into<String>, fault: Fault) -> Self {
        Self {
            code: code.into(),
            text: text.into(),
            fault,
            remedy: None,
            answer: None,
        }
    }

    /// The same reason with what the administrator can do about it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Option<String>) -> Self {
        self.remedy = remedy;
        self
    }

    /// The same reason with the answer that was not understood, up to [`ANSWER_KEPT`] characters.
    #[must_use]
    pub fn with_answer(mut self, answer: &str) -> Self {
        self.answer = Some(answer.chars().take(ANSWER_KEPT).collect());
        self
    }

    /// The diagnosis with its remedy.
    pub fn sentences(&self) -> String {
        match &self.remedy {
            Some(remedy) => format!("{} {remedy}", self.text),
            None => self.text.clone(),
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.code, self.fault)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.sentences(), self.code)
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The address does not exist or wants no messages: the family's contact has to be corrected.
    Address,
    /// This text is not acceptable: too long, looks like spam, not a registered template.
    Message,
    /// The school's account: password, money, sender name, IP address.
    Account,
    /// The provider has trouble of its own.
    Provider,
    /// The way to the provider: name resolution, connection, TLS, time-out.
    Network,
}

impl Fault {
    /// The code under which the database keeps it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Message => "message",
            Self::Account => "account",
            Self::Provider => "provider",
            Self::Network => "network",
        }
    }
}

/// What a provider says about a message that it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// It does not know the message: the call never reached it.
    NotFound,
    /// It has the message and is still trying.
    UnderWay {
        /// The name the provider gave it, for attempts whose answer was lost.
        provider_ref: Option<String>,
    },
    /// It is on the recipient's device.
    Delivered,
    /// It will not arrive.
    Undelivered {
        /// What the provider said.
        reason: Reason,
    },
}
