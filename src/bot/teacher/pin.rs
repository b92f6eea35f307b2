//! The PIN of staff: pressed on buttons, so that it stays in no history of a chat.

use serde_json::json;

use super::{
    super::{
        BotError,
        page::{Choice, Page, State},
        turn::{Reply, Turn},
    },
    Task,
};
use crate::instant::{HOUR, Millis};

/// How many digits it has.
const DIGITS: usize = 5;

/// For how long nobody asks again.
const SESSION: Millis = 8 * HOUR;

/// How often it may be wrong.
const WRONG: i64 = 5;

/// For how long it is not asked for after that.
const LOCKED: Millis = HOUR;

impl Turn<'_> {
    /// Whether the PIN was given within the last eight hours.
    pub(in crate::bot) fn in_session(&self) -> bool {
        self.dialogue
            .session_until
            .is_some_and(|until| self.now < until)
    }

    /// Asks for the PIN before something is done.
    pub(in crate::bot) async fn ask_pin(&mut self, then: Choice) -> Result<Reply, BotError> {
        let before = std::mem::take(&mut self.state);
        self.state = State::Pin {
            entered: String::new(),
            again: None,
            then: Box::new(then),
            before: Box::new(before),
        };
        self.keypad().await
    }

    /// A digit was pressed.
    pub(super) async fn digit(&mut self, digit: u8) -> Result<Reply, BotError> {
        let State::Pin { entered, .. } = &mut self.state else {
            return self.home().await;
        };
        if digit > 9 {
            return self.keypad().await;
        }
        entered.push(char::from(b'0' + digit));
        if entered.len() < DIGITS {
            return self.keypad().await;
        }
        self.entered().await
    }

    /// The last digit is taken back.
    pub(super) fn erase(&mut self) -> Result<Reply, BotError> {
        if let State::Pin { entered, .. } = &mut self.state {
            entered.pop();
        }
        self.pad("teacher.pin")
    }

    /// All digits are there.
    async fn entered(&mut self) -> Result<Reply, BotError> {
        let (
            Some(staff),
            State::Pin {
                entered,
                again,
                then,
                before,
            },
        ) = (self.staff(), std::mem::take(&mut self.state))
        else {
            return self.home().await;
        };
        let seal = self.links.pin(staff, &entered);
        let kept = self.tx.pin(staff).await?;
        let right = match (&kept, &again) {
            (Some(kept), _) => kept.seal == seal,
            (None, Some(first)) => *first == entered,
            (None, None) => {
                // A new one is entered twice.
                self.state = State::Pin {
                    entered: String::new(),
                    again: Some(entered),
                    then,
                    before,
                };
                return self.pad("teacher.pin_again");
            }
        };
        if !right {
            let failures = kept.as_ref().map_or(0, |kept| kept.failures) + 1;
            if kept.is_some() {
                let locked = (failures >= WRONG).then_some(self.now + LOCKED);
                self.tx.pin_failed(staff, failures, locked).await?;
            }
            self.state = State::Pin {
                entered: String::new(),
                again: None,
                then,
                before,
            };
            return self.keypad_or("teacher.pin_wrong").await;
        }
        self.tx.keep_pin(staff, &seal, self.now).await?;
        self.dialogue.session_until = Some(self.now + SESSION);
        self.state = *before;
        Box::pin(self.choose(*then)).await
    }

    async fn keypad(&mut self) -> Result<Reply, BotError> {
        self.keypad_or("teacher.pin").await
    }

    /// The keypad below this sentence, or that it is locked, or that there is no PIN yet.
    async fn keypad_or(&mut self, sentence: &str) -> Result<Reply, BotError> {
        let Some(staff) = self.staff() else {
            return self.home().await;
        };
        let kept = self.tx.pin(staff).await?;
        let locked = kept.as_ref().and_then(|kept| kept.locked_until);
        if locked.is_some_and(|until| self.now < until) {
            self.state = State::Idle;
            let text = self.tell("teacher.pin_locked")?;
            return Ok(Page::new(text).row(self.back()?).into());
        }
        if kept.is_none() && sentence == "teacher.pin" {
            return self.pad("teacher.pin_new");
        }
        self.pad(sentence)
    }

    fn pad(&self, sentence: &str) -> Result<Reply, BotError> {
        let entered = match &self.state {
            State::Pin { entered, .. } => entered.len(),
            _ => 0,
        };
        let dots = "●".repeat(entered) + &"○".repeat(DIGITS.saturating_sub(entered));
        let mut page = Page::new(self.say(sentence, &json!({ "dots": dots }))?);
        let digit = |digit: u8| (digit.to_string(), Choice::Staff(Task::Digit(digit)));
        for row in [[1, 2, 3], [4, 5, 6], [7, 8, 9]] {
            page = page.row(row.map(digit).to_vec());
        }
        let erase = self.button("teacher.erase_button", Choice::Staff(Task::Erase))?;
        let cancel = self.button("teacher.cancel_button", Choice::Home)?;
        Ok(page.row(vec![erase, digit(0), cancel]).into())
    }
}
