//! Addresses: the channels they belong to and their health.

use std::fmt;

use crate::{
    family::consent::Purpose,
    instant::{DAY, Millis},
};

/// The road a message takes, by the codes of `contact.channel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    /// A text message to a mobile phone.
    Sms,
    /// An e-mail.
    Email,
    /// The Telegram bot.
    Telegram,
    /// The printed weekly sheet. It needs no consent and is always left.
    Paper,
}

impl Channel {
    /// The code in the database, in `status --json` and on the pages.
    pub fn code(self) -> &'static str {
        match self {
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Telegram => "telegram",
            Self::Paper => "paper",
        }
    }

    /// The channel with this code, if this version speaks it.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Sms, Self::Email, Self::Telegram, Self::Paper]
            .into_iter()
            .find(|channel| channel.code() == code)
    }

    /// Whether the school pays for every message.
    pub fn costs(self) -> bool {
        self == Self::Sms
    }

    /// The purpose that a consent must name beside `data` (design §6); none for paper.
    pub fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Sms => Some(Purpose::Sms),
            Self::Email => Some(Purpose::Email),
            Self::Telegram => Some(Purpose::Messenger),
            Self::Paper => None,
        }
    }
}

/// An address in the form that compares: people type one number in many ways, and two guardians
/// with one phone must be found to share it. What cannot be read is compared as it stands.
pub fn comparable(channel: Channel, address: &str) -> String {
    let bare = address.trim();
    match channel {
        Channel::Sms => vestnik_sms::phone::normalise(bare).unwrap_or_else(|_| bare.to_owned()),
        Channel::Email => bare.to_lowercase(),
        Channel::Telegram | Channel::Paper => bare.to_owned(),
    }
}

/// For how long an address must have answered nothing to count as silent. A week covers a phone that
/// is mended or a family without network on holiday, and loses one sheet at most.
pub const SILENT_AFTER: Millis = 7 * DAY;

/// How many messages must be unanswered: one alone may have been lost on its way.
const SILENT_MESSAGES: i64 = 2;

/// How long a silent address rests before it is tried once more.
pub const SILENT_RESTS: Millis = 14 * DAY;

/// What an address has left unanswered although its provider says what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unanswered {
    /// `contact.id`
    pub contact_id: i64,
    /// How many messages.
    pub count: i64,
    /// Since when: when the first of them was composed.
    pub since: Millis,
    /// When the last of them was composed.
    pub last: Millis,
    /// When it was last given another chance; 0 for never.
    pub tried_at: Millis,
}

/// Whether an address counts as silent: then the next one is used until it answers again.
pub fn silent(unanswered: &Unanswered, now: Millis) -> bool {
    unanswered.count >= SILENT_MESSAGES
        && now - unanswered.since >= SILENT_AFTER
        && unanswered.last > unanswered.tried_at
}

/// What experience says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Nothing speaks against it.
    Ok,
    /// It failed lately and may recover.
    Soft,
    /// It has answered nothing for days.
    Silent,
    /// It failed for what is to be told now.
    Tried,
    /// It does not exist.
    Hard,
    /// Its owner blocked us.
    Blocked,
    /// Its owner complained.
    Complained,
}

impl Health {
    /// Whether anything may still be sent there.
    pub fn usable(self) -> bool {
        matches!(self, Self::Ok | Self::Soft)
    }
}

/// One address of one guardian.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact {
    /// `contact.id`
    pub id: i64,
    /// Whose address it is.
    pub guardian_id: i64,
    /// The channel that uses it.
    pub channel: Channel,
    /// The address in the form that compares: E.164, lower-case e-mail, chat id.
    pub address: String,
    /// The order in which addresses are tried, 1 first.
    pub rank: i64,
    /// What experience says of it.
    pub health: Health,
    /// Whether its owner gave it up.
    pub ended: bool,
}

/// Prints no address (design §8).
impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contact")
            .field("id", &self.id)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Whether a text is an e-mail address, as far as can be said without writing to it.
pub fn is_mail(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lost_message_or_a_few_days_make_no_silence() {
        let quiet = Unanswered {
            contact_id: 1,
            count: 2,
            since: 0,
            last: DAY,
            tried_at: 0,
        };
        assert!(silent(&quiet, SILENT_AFTER));
        assert!(!silent(&quiet, SILENT_AFTER - 1));
        assert!(!silent(&Unanswered { count: 1, ..quiet }, 30 * DAY));
        let again = Unanswered {
            tried_at: 2 * DAY,
            ..quiet
        };
        assert!(!silent(&again, 30 * DAY), "nothing was tried since");
        let answered_nothing = Unanswered {
            last: 3 * DAY,
            ..again
        };
        assert!(silent(&answered_nothing, 30 * DAY));
    }
}
