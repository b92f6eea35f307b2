//! Confirmations: what is about to leave for many is confirmed by a button that is good once.

use std::collections::BTreeMap;

use super::{super::turn::Turn, announce::Draft};
use crate::{
    engine::reference,
    instant::{MINUTE, Millis},
};

/// How long a confirmation holds.
const CONFIRMED: Millis = 15 * MINUTE;

/// The confirmations that were offered: each for one chat, one member of staff and one draft as it was. They
/// live in memory, so that none outlives the program.
#[derive(Debug, Default)]
pub(crate) struct Tokens(BTreeMap<String, Token>);

#[derive(Debug)]
struct Token {
    chat: String,
    staff: i64,
    draft: [u8; 32],
    until: Millis,
}

impl Tokens {
    fn offer(&mut self, name: String, token: Token, now: Millis) {
        self.0
            .retain(|_, old| old.until > now && old.chat != token.chat);
        self.0.insert(name, token);
    }

    /// Uses a confirmation up; whether it was one for this.
    pub(super) fn take(
        &mut self,
        name: &str,
        chat: &str,
        staff: i64,
        draft: &Draft,
        now: Millis,
    ) -> bool {
        self.0.remove(name).is_some_and(|token| {
            token.chat == chat
                && token.staff == staff
                && token.draft == draft.hash()
                && token.until > now
        })
    }
}

impl Turn<'_> {
    /// Offers a confirmation of this draft, and says its name.
    pub(super) fn offer(&mut self, draft: &Draft, staff: i64) -> String {
        let name = reference(&mut *self.random);
        let token = Token {
            chat: self.chat.to_owned(),
            staff,
            draft: draft.hash(),
            until: self.now + CONFIRMED,
        };
        self.tokens.offer(name.clone(), token, self.now);
        name
    }
}
