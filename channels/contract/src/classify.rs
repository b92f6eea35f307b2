//! One table of HTTP statuses, SMTP reply codes and SMPP statuses for all channels.
//!
//! A channel may know better: a gateway that answers «no money» with HTTP 200 reads the body first.
//! Where it does not, this table speaks, and [`crate::conformance`] proves that it does.

use std::time::Duration;

use crate::outcome::{Fault, Outcome, Reason, Scope};

/// How long an account that was refused is left alone before the next try, unless the provider
/// names a time. Long enough not to get a login locked, short enough that a mended password shows
/// within a coffee break.
pub const ACCOUNT_PAUSE: Duration = Duration::from_mins(5);

/// How long one account waits after a 429 that names no time.
pub const FLOOD_PAUSE: Duration = Duration::from_secs(30);

/// Classifies an HTTP status that came with no readable body.
///
/// 2xx is in doubt, not accepted: providers of this field answer errors with 200, so only a body
/// that was understood makes a success. 408, 500, 502 and 504 may come after the provider took the
/// message (RFC 9110 §15.6), 503 says that it did not.
pub fn http(status: u16, retry_after: Option<Duration>) -> Outcome {
    let code = format!("http_{status}");
    let reason = |text: &str, fault| Reason::new(code.clone(), text, fault);
    let lane = |reason, pause| Outcome::Deferred {
        reason,
        retry_after: Some(retry_after.unwrap_or(pause)),
        scope: Scope::Lane,
    };
    match status {
        401 | 402 | 403 | 407 => lane(
            reason(
                "The provider refuses the account: check login, password, balance and allowed addresses.",
                Fault::Account,
            ),
            ACCOUNT_PAUSE,
        ),
        404 | 405 | 410 | 301 | 302 | 303 | 307 | 308 => lane(
            reason(
                "The provider's address is wrong: check base_url.",
                Fault::Account,
            ),
            ACCOUNT_PAUSE,
        ),
        429 => lane(
            reason("The provider asks to send more slowly.", Fault::Provider),
            FLOOD_PAUSE,
        ),
        503 => Outcome::Deferred {
            reason: reason(
                "The provider is not available at the moment.",
                Fault::Provider,
            ),
            retry_after,
            scope: Scope::Message,
        },
        425 | 409 => Outcome::Deferred {
            reason: reason(
                "The provider cannot take this message yet.",
                Fault::Provider,
            ),
            retry_after,
            scope: Scope::Message,
        },
        408 | 500 | 502 | 504 | 505..=599 => Outcome::InDoubt {
            reason: reason(
                "The provider failed while it worked on the message.",
                Fault::Provider,
            ),
        },
        400..=499 | 501 => Outcome::Rejected {
            reason: reason("The provider does not accept this message.", Fault::Message),
        },
        _ => Outcome::InDoubt {
            reason: reason("The provider's answer was not understood.", Fault::Provider),
        },
    }
}

/// The step of the SMTP dialogue that a reply belongs to (RFC 5321 §4.3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpStage {
    /// Greeting, EHLO, STARTTLS, AUTH and MAIL FROM: about the account, whatever the recipient.
    Session,
    /// RCPT TO: about the address.
    Recipient,
    /// DATA and the reply to the final dot: about this mail.
    Data,
}

/// Classifies a negative SMTP reply by its basic code, its enhanced status code (RFC 3463) if the
/// server gave one, and the stage it came at.
pub fn smtp(code: u16, enhanced: Option<(u8, u16, u16)>, stage: SmtpStage) -> Outcome {
    let name = format!("smtp_{code}");
    let reason = |text: &str, fault| Reason::new(name.clone(), text, fault);
    let lane = |text: &str| Outcome::Deferred {
        reason: reason(text, Fault::Account),
        retry_after: Some(ACCOUNT_PAUSE),
        scope: Scope::Lane,
    };
    match (code, enhanced, stage) {
        // RFC 4954 §6: authentication is required, failed or too weak. The mailbox is not to blame.
        (530 | 534 | 535 | 538, ..) => {
            lane("The mail server refuses the login: check user name, password and TLS.")
        }
        // RFC 3463 §3.8: class 7 is about policy. At RCPT it may be the recipient's own filter.
        (400..=499, _, SmtpStage::Session) | (421, ..) => Outcome::Deferred {
            reason: reason(
                "The mail server is busy and asks to come back later.",
                Fault::Provider,
            ),
            retry_after: None,
            scope: Scope::Message,
        },
        (400..=499, ..) => Outcome::Deferred {
            reason: reason(
                "The mail server cannot deliver to this mailbox at the moment.",
                Fault::Provider,
            ),
            retry_after: None,
            scope: Scope::Message,
        },
        (500..=599, _, SmtpStage::Session) => {
            lane("The mail server refuses the session: check url, tls and the sender address.")
        }
        (500..=599, Some((5, 7, _)), SmtpStage::Recipient) => Outcome::Rejected {
            reason: reason(
                "The recipient's mail server refuses mail from this sender.",
                Fault::Message,
            ),
        },
        // A full mailbox is a 5xx with many providers, and empties again.
        (552, None, SmtpStage::Recipient) | (500..=599, Some((5, 2, 2)), SmtpStage::Recipient) => {
            Outcome::Rejected {
                reason: Reason::new(
                    format!("{name}_full"),
                    "The mailbox is full: the family has to make room in it.",
                    Fault::Provider,
                ),
            }
        }
        (500..=599, _, SmtpStage::Recipient) => Outcome::Rejected {
            reason: reason(
                "The mailbox does not exist or takes no mail: ask the family for another address.",
                Fault::Address,
            ),
        },
        (500..=599, _, SmtpStage::Data) => Outcome::Rejected {
            reason: reason(
                "The mail server does not accept this mail, perhaps as spam.",
                Fault::Message,
            ),
        },
        _ => Outcome::InDoubt {
            reason: reason(
                "The mail server's answer was not understood.",
                Fault::Provider,
            ),
        },
    }
}

/// How long an SMS centre that asks to send more slowly is left alone.
pub const THROTTLE_PAUSE: Duration = Duration::from_secs(1);

/// How long a message waits whose recipient, or whose centre, has a full queue.
pub const QUEUE_PAUSE: Duration = Duration::from_secs(5);

/// Classifies a negative `command_status` of SMPP 3.4 §5.1.3, whatever it answers.
///
/// A response with a status other than zero says that the message was not taken. Codes that belong to
/// one operator (0x400 and up) are tried again, because nobody knows what they mean; those that the
/// standard gives no chance go on by another road.
pub fn smpp(status: u32) -> Outcome {
    let code = format!("smpp_{status:#04x}");
    let reason = |text: &str, fault| Reason::new(code.clone(), text, fault);
    let account = |text: &str| Outcome::Deferred {
        reason: reason(text, Fault::Account),
        retry_after: Some(ACCOUNT_PAUSE),
        scope: Scope::Lane,
    };
    let provider = |text: &str, retry_after, scope| Outcome::Deferred {
        reason: reason(text, Fault::Provider),
        retry_after,
        scope,
    };
    match status {
        0x0E | 0x0F => account(
            "The SMS centre refuses the login: check system_id, password and allowed addresses.",
        ),
        0x53 => account("The SMS centre does not know this system_type: ask the operator for it."),
        0x0A | 0x48 | 0x49 => account(
            "The SMS centre does not know this sender: check sender, sender_ton and sender_npi.",
        ),
        0x03 | 0x15 | 0x50 | 0x51 => {
            account("The SMS centre does not offer what this account asks of it: ask the operator.")
        }
        0x04 | 0x05 | 0x0D => provider(
            "The SMS centre takes no further session of this account at the moment.",
            Some(Duration::from_mins(1)),
            Scope::Lane,
        ),
        0x58 => provider(
            "The SMS centre asks to send more slowly.",
            Some(THROTTLE_PAUSE),
            Scope::Lane,
        ),
        0x14 => provider(
            "The SMS centre's queue is full.",
            Some(QUEUE_PAUSE),
            Scope::Message,
        ),
        0x0B => Outcome::Rejected {
            reason: reason(
                "The SMS centre knows no such number: ask the family for another one.",
                Fault::Address,
            ),
        },
        0x01
        | 0x02
        | 0x06
        | 0x07
        | 0x33..=0x45
        | 0x54..=0x57
        | 0x61..=0x63
        | 0x65
        | 0x66
        | 0xC0..=0xFE => Outcome::Rejected {
            reason: reason(
                "The SMS centre does not accept this message.",
                Fault::Message,
            ),
        },
        0 => Outcome::InDoubt {
            reason: reason(
                "The SMS centre's answer was not understood.",
                Fault::Provider,
            ),
        },
        _ => provider(
            "The SMS centre cannot take this message at the moment.",
            None,
            Scope::Message,
        ),
    }
}
