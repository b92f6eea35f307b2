//! What a channel is given.

use std::{fmt, sync::Arc};

use crate::chat::Button;

/// One composed text to one address.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The message's public name, 16 Crockford characters. It becomes the Message-ID, the client
    /// reference or whatever else the provider keeps, and is the same in every attempt.
    pub reference: String,
    /// A number from 1 to 2³¹−1 for providers that know no longer names; one per attempt.
    pub client_ref: u32,
    /// Phone number in E.164 with `+`, e-mail address, chat id: whatever the channel sends to.
    pub address: String,
    /// The subject, on channels that show one. It never contains a mark or a remark, because lock
    /// screens show it.
    pub subject: Option<String>,
    /// The complete text for channels and readers without HTML.
    pub text: String,
    /// The same content as HTML, on channels that can show it.
    pub html: Option<String>,
    /// The dates that it speaks of as an iCalendar file, on channels that can attach one.
    pub calendar: Option<String>,
    /// Reference of the message that this one corrects, so that both stand together.
    pub follows: Option<String>,
    /// The messages whose text is no longer right: a channel that can replaces what stands there before
    /// it sends this one. Where that fails, this one is sent all the same.
    pub replaces: Vec<Replaced>,
    /// When the text was composed, in milliseconds since 1970 UTC. It is the message's date in
    /// every attempt.
    pub composed_at: i64,
    /// What the reader can press below the text, on channels that have buttons: rows of them. In a mail
    /// they are links, and [`Button::data`] is the address.
    pub buttons: Vec<Vec<Button>>,
    /// What comes with it, on channels that carry files.
    pub files: Vec<File>,
    /// Whether it goes to a family, which may take no more of them; what employees hear belongs to their
    /// work.
    pub to_family: bool,
}

/// Prints the reference alone: addresses, names and texts never reach a log (design §8).
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// A file that comes with a message, or is sent into a chat.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// What it is called, with its ending.
    pub name: String,
    /// Its kind, as `image/jpeg`.
    pub mime: String,
    /// What is in it, shared by all who receive it.
    pub content: Arc<[u8]>,
}

/// Prints neither name nor content.
impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({} bytes)", self.content.len())
    }
}

/// An earlier message at the same address, with what it shall say from now on.
#[derive(Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The provider's name for it.
    pub provider_ref: String,
    /// Its new text.
    pub text: String,
    /// The buttons that stay below it: a messenger takes away those that it is not told of again.
    pub buttons: Vec<Vec<Button>>,
}

/// Prints no text, as [`Message`] does.
impl fmt::Debug for Replaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replaced")
            .field("provider_ref", &self.provider_ref)
            .finish_non_exhaustive()
    }
}

/// A message that was handed over, or may have been, as far as its provider can recognise it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    /// See [`Message::reference`].
    pub reference: String,
    /// See [`Message::client_ref`], of the attempt in question.
    pub client_ref: u32,
    /// The name that the provider gave the message, if its answer arrived.
    pub provider_ref: Option<String>,
    /// The address that the attempt went to.
    pub address: String,
}

/// Prints no address, as [`Message`] does.
impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}
