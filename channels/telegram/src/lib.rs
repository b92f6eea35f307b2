//! Telegram as a vestnik channel, by the Bot API (core.telegram.org/bots/api).
//!
//! What is sent is plain text: no entity is parsed, so that nothing a teacher wrote can break a message.
//! The Bot API cannot be asked what became of a message, nor does it say that one was read: «accepted
//! by the platform» is all there is.

pub mod chat;
mod classify;
#[cfg(feature = "sandbox")]
pub mod sandbox;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use futures_util::StreamExt;
use reqwest::{Client, Proxy, Url};
use teloxide::{
    Bot, RequestError,
    net::Download,
    payloads::{EditMessageTextSetters, SendMessageSetters},
    prelude::Requester,
    types::{ChatId, FileId, InputFile, LinkPreviewOptions, MessageId, ReplyMarkup},
};
use tokio::time::timeout;
use vestnik_contract::{Button, Channel, Fault, File, Message, Outcome, Reason};

/// The longest text of a message, in UTF-16 units.
pub const MAX_TEXT: usize = 4096;

/// How many messages a bot may send in a second, to all chats together; the Bot API's own advice. In one
/// chat it is one a second, which the caller keeps by sending one message to an address at a time.
pub const PER_SECOND: u32 = 30;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a text is, as Telegram counts: in UTF-16 units.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A bot.
#[derive(Clone)]
pub struct Settings {
    /// What BotFather gave: digits, a colon, and a secret.
    pub token: String,
    /// Where the Bot API answers, if not at api.telegram.org.
    pub api_url: Option<String>,
    /// `http://`, `https://` or `socks5://` with what the proxy wants to know.
    pub proxy: Option<String>,
    /// After this long a call is given up.
    pub timeout: Duration,
}

/// Prints neither the token nor what the proxy is told.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Which setting cannot work, and what would.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SettingsError {
    /// The token is none.
    #[error("token: is no bot's token; BotFather gives one such as 123456:ABC-DEF")]
    Token,
    /// The address is none.
    #[error("api_url: is no address; write https://api.telegram.org, or leave it out")]
    ApiUrl,
    /// The proxy is none.
    #[error("proxy: is no proxy; write socks5://host:port or http://host:port")]
    Proxy,
    /// The machine's own certificates cannot be read.
    #[error("the machine's root certificates cannot be read: install ca-certificates")]
    Certificates,
}

/// A bot that sends, and that people can talk to.
#[derive(Clone)]
pub struct Telegram {
    bot: Bot,
    /// The same bot with the patience that waiting for updates takes.
    ear: Bot,
    timeout: Duration,
}

/// Prints no token.
impl fmt::Debug for Telegram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telegram").finish_non_exhaustive()
    }
}

impl Telegram {
    /// A bot by its settings. Nothing is sent yet.
    ///
    /// # Errors
    /// [`SettingsError`] with the setting to correct.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let (id, secret) = settings.token.split_once(':').ok_or(SettingsError::Token)?;
        let secret_fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let digits = !id.is_empty() && id.chars().all(|c| c.is_ascii_digit());
        if !digits || secret.is_empty() || !secret.chars().all(secret_fits) {
            return Err(SettingsError::Token);
        }
        Ok(Self {
            bot: bot(settings, settings.timeout)?,
            ear: bot(settings, chat::PATIENCE + settings.timeout)?,
            timeout: settings.timeout,
        })
    }

    /// Replaces a message. One that says the same already counts as replaced.
    pub async fn edit(
        &self,
        chat: &str,
        message_id: &str,
        text: &str,
        buttons: &[Vec<Button>],
    ) -> Outcome {
        let (Some(chat), Ok(id)) = (chat_id(chat), message_id.parse::<i32>()) else {
            return Outcome::Rejected {
                reason: no_address(),
            };
        };
        let mut call = self
            .bot
            .edit_message_text(chat, MessageId(id), text)
            .link_preview_options(no_preview());
        call.reply_markup = chat::keyboard(buttons);
        match self.within(async { call.await }).await {
            Ok(message) => accepted(message.id),
            Err(Failure::Time) => classify::timed_out(),
            Err(Failure::Api(error)) if classify::is_unchanged(&error) => accepted(MessageId(id)),
            Err(Failure::Api(error)) => classify::outcome(&error),
        }
    }

    /// Corrects what stands in the chat. Whatever becomes of it, it leaves the correction itself most of
    /// the time that there is.
    async fn replace(&self, message: &Message) {
        let edits = async {
            for earlier in &message.replaces {
                // A message that followed a chat to its new number is named `CHAT/MESSAGE`.
                let (chat, id) = earlier
                    .provider_ref
                    .split_once('/')
                    .unwrap_or((&message.address, &earlier.provider_ref));
                if length(&earlier.text) <= MAX_TEXT {
                    self.edit(chat, id, &earlier.text, &earlier.buttons).await;
                }
            }
        };
        let _ = timeout(self.timeout / 4, edits).await;
    }

    /// Sends a file; a picture is seen at once, with a caption neither needs.
    async fn file(&self, chat: ChatId, file: &File) -> Outcome {
        let input = InputFile::memory(file.content.to_vec()).file_name(file.name.clone());
        let sent = if matches!(file.mime.as_str(), "image/jpeg" | "image/png") {
            let call = self.bot.send_photo(chat, input);
            self.within(async { call.await }).await
        } else {
            let call = self.bot.send_document(chat, input);
            self.within(async { call.await }).await
        };
        match sent {
            Ok(message) => accepted(message.id),
            Err(Failure::Time) => classify::timed_out(),
            Err(Failure::Api(error)) => classify::outcome(&error),
        }
    }

    /// What is in a file that somebody sent (core.telegram.org/bots/api#getfile).
    async fn content(&self, file: &str, most: u64) -> Result<Vec<u8>, Reason> {
        let call = self.bot.get_file(FileId(file.to_owned()));
        let known = match self.within(async { call.await }).await {
            Ok(known) => known,
            Err(Failure::Time) => return Err(classify::no_answer()),
            Err(Failure::Api(error)) => return Err(chat::reason(classify::outcome(&error))),
        };
        let mut pieces = self.bot.download_file_stream(&known.path);
        let mut content = Vec::new();
        let read = async {
            while let Some(piece) = pieces.next().await {
                let piece = piece.map_err(|_| classify::no_answer())?;
                content.extend_from_slice(&piece);
                if u64::try_from(content.len()).unwrap_or(u64::MAX) > most {
                    return Err(too_large());
                }
            }
            Ok(())
        };
        timeout(self.timeout, read)
            .await
            .map_err(|_| classify::no_answer())??;
        Ok(content)
    }

    /// A text to a chat. Where the chat has become another one, it goes there, and the provider's name
    /// for the message is then `CHAT/MESSAGE`, so that the new address can be learned.
    async fn text(&self, chat: ChatId, text: &str, buttons: &[Vec<Button>]) -> Outcome {
        let to = |chat| {
            let mut call = self
                .bot
                .send_message(chat, text)
                .link_preview_options(no_preview());
            call.reply_markup = chat::keyboard(buttons).map(ReplyMarkup::InlineKeyboard);
            self.within(async { call.await })
        };
        match to(chat).await {
            Ok(message) => accepted(message.id),
            Err(Failure::Time) => classify::timed_out(),
            Err(Failure::Api(RequestError::MigrateToChatId(new))) => match to(new).await {
                Ok(message) => Outcome::Accepted {
                    provider_ref: Some(format!("{new}/{}", message.id)),
                },
                Err(Failure::Time) => classify::timed_out(),
                Err(Failure::Api(error)) => classify::outcome(&error),
            },
            Err(Failure::Api(error)) => classify::outcome(&error),
        }
    }

    /// The library waits ten seconds by itself after a server's error; the caller's patience is shorter.
    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, RequestError>>,
    ) -> Result<T, Failure> {
        match timeout(self.timeout, call).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Failure::Api(error)),
            Err(_) => Err(Failure::Time),
        }
    }
}

/// A client of the Bot API that waits so long for an answer.
fn bot(settings: &Settings, patience: Duration) -> Result<Bot, SettingsError> {
    let mut client = Client::builder()
        .connect_timeout(settings.timeout.min(CONNECT))
        .timeout(patience)
        .tcp_nodelay(true);
    if let Some(proxy) = &settings.proxy {
        // The library takes any word for a host.
        let known = ["http", "https", "socks5", "socks5h"];
        let url = Url::parse(proxy).map_err(|_| SettingsError::Proxy)?;
        if !known.contains(&url.scheme()) || !url.has_host() {
            return Err(SettingsError::Proxy);
        }
        client = client.proxy(Proxy::all(url).map_err(|_| SettingsError::Proxy)?);
    }
    let client = client.build().map_err(|_| SettingsError::Certificates)?;
    let bot = Bot::with_client(&settings.token, client);
    let Some(address) = &settings.api_url else {
        return Ok(bot);
    };
    let url = Url::parse(address).map_err(|_| SettingsError::ApiUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(SettingsError::ApiUrl);
    }
    Ok(bot.set_api_url(url))
}

/// Why a call did not succeed.
enum Failure {
    Api(RequestError),
    Time,
}

#[async_trait]
impl Channel for Telegram {
    async fn send(&self, message: &Message) -> Outcome {
        let Some(chat) = chat_id(&message.address) else {
            return Outcome::Rejected {
                reason: no_address(),
            };
        };
        if length(&message.text) > MAX_TEXT {
            let text = "The text is longer than Telegram takes: 4096 characters.";
            return Outcome::Rejected {
                reason: Reason::new("telegram_too_long", text, Fault::Message),
            };
        }
        self.replace(message).await;
        self.text(chat, &message.text, &message.buttons).await
    }

    async fn check(&self) -> Result<String, Reason> {
        match self.within(async { self.bot.get_me().await }).await {
            Ok(me) => Ok(format!("the bot answers as @{}", me.username())),
            Err(Failure::Time) => Err(classify::no_answer()),
            Err(Failure::Api(error)) => Err(match classify::outcome(&error) {
                Outcome::Deferred { reason, .. }
                | Outcome::Rejected { reason }
                | Outcome::InDoubt { reason } => reason,
                Outcome::Accepted { .. } => classify::no_answer(),
            }),
        }
    }
}

fn chat_id(address: &str) -> Option<ChatId> {
    address.trim().parse().ok().map(ChatId)
}

/// Why a file was not taken.
fn too_large() -> Reason {
    Reason::new(
        "too_large",
        "The file is larger than files may be.",
        Fault::Message,
    )
}

fn no_address() -> Reason {
    let text = "A chat of Telegram is named by a number, which the bot learns from /start.";
    Reason::new("telegram_no_chat_id", text, Fault::Address)
}

fn no_preview() -> LinkPreviewOptions {
    LinkPreviewOptions {
        is_disabled: true,
        url: None,
        prefer_small_media: false,
        prefer_large_media: false,
        show_above_text: false,
    }
}

fn accepted(id: MessageId) -> Outcome {
    Outcome::Accepted {
        provider_ref: Some(id.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            token: "123456:TESTTOKEN".into(),
            api_url: None,
            proxy: None,
            timeout: Duration::from_secs(5),
        }
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        let error = |settings: Settings| Telegram::new(&settings).err();
        for token in ["", "TESTTOKEN", "12:", ":x", "12:a b", "12:a/../b"] {
            let wrong = Settings {
                token: token.into(),
                ..settings()
            };
            assert_eq!(error(wrong), Some(SettingsError::Token), "{token}");
        }
        let api_url = Some("api.telegram.org".into());
        assert_eq!(
            error(Settings {
                api_url,
                ..settings()
            }),
            Some(SettingsError::ApiUrl)
        );
        for proxy in ["nonsense", "ftp://proxy:1", "socks5://"] {
            let proxy = Some(proxy.into());
            assert_eq!(
                error(Settings {
                    proxy,
                    ..settings()
                }),
                Some(SettingsError::Proxy)
            );
        }
        let proxy = Some("socks5://user:word@127.0.0.1:1080".into());
        let good = Settings {
            proxy,
            ..settings()
        };
        assert_eq!(error(good), None);
    }

    #[test]
    fn nothing_prints_the_token() {
        let telegram = Telegram::new(&settings()).expect("a bot");
        let printed = format!("{:?} {telegram:?}", settings());
        assert!(!printed.contains("TESTTOKEN"), "{printed}");
    }

    #[test]
    fn texts_are_counted_as_telegram_counts() {
        assert_eq!(length("Маша"), 4);
        assert_eq!(length("👍"), 2);
    }
}
