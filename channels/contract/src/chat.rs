//! Conversations: what people do in a messenger's chat, and what they are shown there.
//!
//! A messenger carries them both ways and understands none of it: who somebody is, what a press means
//! and what may be shown is decided by the bot.

use std::fmt;

use async_trait::async_trait;

use crate::{
    message::File,
    outcome::{Outcome, Reason},
};

/// Something that somebody did in a chat.
#[derive(Clone, PartialEq, Eq)]
pub struct Update {
    /// The messenger's number for it. It rises, so that what was handled is known after a restart.
    pub id: i64,
    /// The chat, as [`crate::Message::address`] names it.
    pub chat: String,
    /// Whether only one person reads the chat. Nothing personal is shown in any other.
    pub private: bool,
    /// What was done.
    pub action: Action,
}

/// Prints neither chat nor words.
impl fmt::Debug for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Update({})", self.id)
    }
}

/// What somebody did.
#[derive(Clone, PartialEq, Eq)]
pub enum Action {
    /// Wrote a text.
    Said(String),
    /// Pressed a button.
    Pressed {
        /// The messenger's name for the press, by which it is answered.
        press: String,
        /// The message with the button, where the messenger still has it.
        message: Option<String>,
        /// [`Button::data`]
        data: String,
    },
    /// Sent a file or a photo.
    Attached(Attachment),
    /// Wants no more messages: has blocked the bot, or put it out.
    Left,
    /// Wants them again.
    Returned,
    /// The chat is another one from now on.
    MovedTo(String),
    /// Something that means nothing here: a sticker, a place, a call.
    Other,
}

/// Prints no words.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Said(_) => "Said",
            Self::Pressed { .. } => "Pressed",
            Self::Attached(_) => "Attached",
            Self::Left => "Left",
            Self::Returned => "Returned",
            Self::MovedTo(_) => "MovedTo",
            Self::Other => "Other",
        })
    }
}

/// A file that somebody sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The messenger's name for it, by which it is fetched and sent again.
    pub file: String,
    /// What it is called, where it has a name.
    pub name: Option<String>,
    /// Its kind, as `image/jpeg`.
    pub mime: String,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// What was written under it.
    pub caption: Option<String>,
}

/// What is shown in a chat: a text, and what can be pressed below it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Screen {
    /// The text, without any markup.
    pub text: String,
    /// Rows of buttons.
    pub buttons: Vec<Vec<Button>>,
}

/// Prints no words.
impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Screen({} rows)", self.buttons.len())
    }
}

/// Something to press.
#[derive(Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What comes back when it is pressed: an opaque name of at most 64 bytes.
    pub data: String,
}

/// Prints no words.
impl fmt::Debug for Button {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Button")
    }
}

/// An entry of the menu beside the field where texts are typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name in Latin letters, without the slash.
    pub name: String,
    /// What it does, in the reader's language.
    pub words: String,
}

/// Where a messenger brings what people do.
#[derive(Clone, PartialEq, Eq)]
pub struct Hook {
    /// The address: HTTPS.
    pub url: String,
    /// What the messenger says to prove that it is the one.
    pub secret: String,
}

/// Prints no secret.
impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// A messenger that people can talk to. One account serves one program at a time.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Waits for what people do after the update `after`, and confirms that one and all before it. It
    /// returns nothing where nobody did anything for a while.
    ///
    /// # Errors
    /// Why nothing could be had; it may be asked again.
    async fn updates(&self, after: i64) -> Result<Vec<Update>, Reason>;

    /// Has the messenger bring what people do to an address, or, without one, keep it until it is asked for.
    /// [`Messenger::updates`] is refused while there is one.
    async fn bring_to(&self, hook: Option<&Hook>) -> Outcome;

    /// Shows a screen in a chat. What it refuses as unreadable markup is shown as plain text.
    async fn show(&self, chat: &str, screen: &Screen) -> Outcome;

    /// Puts a screen in the place of a message. One that says the same already counts as replaced.
    async fn alter(&self, chat: &str, message: &str, screen: &Screen) -> Outcome;

    /// Answers a press, so that the button stops waiting; `words` are shown for a moment.
    async fn heard(&self, press: &str, words: Option<&str>) -> Outcome;

    /// Sets the menu of one chat.
    async fn menu(&self, chat: &str, commands: &[Command]) -> Outcome;

    /// Sends a file into a chat, a picture so that it is seen at once.
    async fn document(&self, chat: &str, file: &File) -> Outcome;

    /// What is in a file that somebody sent, by [`Attachment::file`].
    ///
    /// # Errors
    /// Why it could not be had, or that it has more than `most` bytes.
    async fn fetch(&self, file: &str, most: u64) -> Result<Vec<u8>, Reason>;

    /// The public name by which people find the bot, without `@`.
    ///
    /// # Errors
    /// Why it could not be had.
    async fn name(&self) -> Result<String, Reason>;
}
