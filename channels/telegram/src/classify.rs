//! What an error of the Bot API means.
//!
//! | answer | outcome |
//! |---|---|
//! | 429 | put off by as long as it says; the token rests |
//! | 403 blocked, deactivated, kicked; 400 no such chat | rejected: the address |
//! | 400 text too long, empty or not to be parsed; any other 400 | rejected: the message |
//! | 401, 404 | put off; the token rests: it is wrong |
//! | 409 | put off; the token rests: another program uses it |
//! | no connection | put off; the token rests |
//! | time-out, reset, 5xx, no JSON | in doubt: it may have been taken |

use std::time::Duration;

use teloxide::{ApiError, RequestError};
use vestnik_contract::{Fault, Outcome, Reason, Scope};

/// How long a token rests whose bot cannot work.
const REST: Duration = Duration::from_mins(5);

/// The outcome of a call that failed so.
pub(crate) fn outcome(error: &RequestError) -> Outcome {
    match error {
        RequestError::RetryAfter(seconds) => Outcome::Deferred {
            reason: Reason::new(
                "telegram_429",
                "Telegram asks the bot to send more slowly.",
                Fault::Provider,
            ),
            retry_after: Some(seconds.duration()),
            scope: Scope::Lane,
        },
        RequestError::Api(error) => api(error),
        RequestError::MigrateToChatId(_) => Outcome::Rejected {
            reason: Reason::new(
                "telegram_migrated",
                "The chat has become another one more than once.",
                Fault::Address,
            ),
        },
        RequestError::Network(error) if error.is_connect() => Outcome::Deferred {
            reason: Reason::new(
                "telegram_unreachable",
                "Telegram cannot be reached: check the network, api_url and proxy.",
                Fault::Network,
            ),
            retry_after: None,
            scope: Scope::Lane,
        },
        RequestError::Network(error) if error.is_timeout() => timed_out(),
        RequestError::Network(_) | RequestError::Io(_) => in_doubt(
            "telegram_lost",
            "The connection broke after the message may have been taken.",
        ),
        // Whatever stands between answered in Telegram's place, or Telegram with what nobody knows.
        RequestError::InvalidJson { .. } => in_doubt(
            "telegram_unreadable",
            "The answer is none of the Bot API's: the message may have been taken.",
        ),
    }
}

fn api(error: &ApiError) -> Outcome {
    let address = |code, text| rejected(code, text, Fault::Address);
    let message = |code, text| rejected(code, text, Fault::Message);
    let rest = |code, text| Outcome::Deferred {
        reason: Reason::new(code, text, Fault::Account),
        retry_after: Some(REST),
        scope: Scope::Lane,
    };
    match error {
        ApiError::BotBlocked => address("telegram_blocked", "The recipient has blocked the bot."),
        ApiError::UserDeactivated => {
            address("telegram_deactivated", "The recipient's account is gone.")
        }
        ApiError::ChatNotFound | ApiError::UserNotFound | ApiError::GroupDeactivated => {
            address("telegram_no_chat", "The chat does not exist for this bot.")
        }
        ApiError::BotKicked | ApiError::BotKickedFromSupergroup => {
            address("telegram_kicked", "The bot was put out of the chat.")
        }
        ApiError::CantInitiateConversation | ApiError::CantTalkWithBots => address(
            "telegram_not_started",
            "The recipient has not started the bot.",
        ),
        ApiError::InvalidToken => rest(
            "telegram_token",
            "Telegram does not know this token, or api_url leads elsewhere.",
        ),
        ApiError::TerminatedByOtherGetUpdates => other_program(),
        ApiError::MessageIsTooLong | ApiError::EditedMessageIsTooLong => message(
            "telegram_too_long",
            "The text is longer than Telegram takes.",
        ),
        ApiError::MessageTextIsEmpty => message("telegram_empty", "The text is empty."),
        ApiError::CantParseEntities(_) => message(
            "telegram_entities",
            "The text has marks that Telegram cannot read.",
        ),
        ApiError::Unknown(text) => unknown(text),
        _ => message("telegram_400", "Telegram refuses the message."),
    }
}

/// Errors that the library has no name for, by how their texts begin.
fn unknown(text: &str) -> Outcome {
    let text = text.to_lowercase();
    let begins = |prefix: &str| text.starts_with(prefix);
    if begins("forbidden") {
        return rejected(
            "telegram_403",
            "Telegram forbids the bot to write there.",
            Fault::Address,
        );
    }
    if begins("unauthorized") || begins("not found") {
        return api(&ApiError::InvalidToken);
    }
    if begins("conflict") {
        return other_program();
    }
    if begins("too many requests") {
        return Outcome::Deferred {
            reason: Reason::new(
                "telegram_429",
                "Telegram asks the bot to send more slowly.",
                Fault::Provider,
            ),
            retry_after: None,
            scope: Scope::Lane,
        };
    }
    if begins("internal") || begins("bad gateway") || begins("gateway") {
        return in_doubt(
            "telegram_500",
            "Telegram failed: the message may have been taken.",
        );
    }
    rejected(
        "telegram_400",
        "Telegram refuses the message.",
        Fault::Message,
    )
}

/// Whether an edit failed only because the text reads so already.
pub(crate) fn is_unchanged(error: &RequestError) -> bool {
    matches!(error, RequestError::Api(ApiError::MessageNotModified))
}

/// A call that took too long: nobody knows.
pub(crate) fn timed_out() -> Outcome {
    Outcome::InDoubt {
        reason: no_answer(),
    }
}

/// That no answer came in time.
pub(crate) fn no_answer() -> Reason {
    let text = "Telegram did not answer in time.";
    Reason::new("telegram_timeout", text, Fault::Network)
}

fn other_program() -> Outcome {
    Outcome::Deferred {
        reason: Reason::new(
            "telegram_409",
            "Another program uses the same token: stop it, or ask BotFather for a new one.",
            Fault::Account,
        ),
        retry_after: Some(REST),
        scope: Scope::Lane,
    }
}

fn rejected(code: &'static str, text: &'static str, fault: Fault) -> Outcome {
    Outcome::Rejected {
        reason: Reason::new(code, text, fault),
    }
}

fn in_doubt(code: &'static str, text: &'static str) -> Outcome {
    Outcome::InDoubt {
        reason: Reason::new(code, text, Fault::Network),
    }
}
