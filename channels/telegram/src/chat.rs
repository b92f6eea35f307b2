//! Conversations by the Bot API: updates by long polling or from a webhook, screens with buttons below
//! them, and the menu of a chat (core.telegram.org/bots/api#getting-updates).

use std::time::Duration;

use async_trait::async_trait;
use teloxide::{
    payloads::{
        AnswerCallbackQuerySetters, GetUpdatesSetters, SetMyCommandsSetters, SetWebhookSetters,
    },
    prelude::Requester,
    types::{
        self, AllowedUpdate, BotCommand, BotCommandScope, CallbackQueryId, ChatId,
        InlineKeyboardButton, InlineKeyboardMarkup, Recipient, UpdateKind,
    },
};
use vestnik_contract::{
    Action, Attachment, Button, Command, Fault, File, Hook, Messenger, Outcome, Reason, Screen,
    Update,
};

use crate::{Failure, MAX_TEXT, Telegram, chat_id, classify, length, no_address};

/// How long one call waits for updates. Proxies hang up on what is silent for a minute.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// What people may do that means something here.
const WANTED: [AllowedUpdate; 3] = [
    AllowedUpdate::Message,
    AllowedUpdate::CallbackQuery,
    AllowedUpdate::MyChatMember,
];

/// How long the words of an answered press may be.
const MAX_WORDS: usize = 200;

/// Buttons as the Bot API takes them; none where there are none.
pub(crate) fn keyboard(rows: &[Vec<Button>]) -> Option<InlineKeyboardMarkup> {
    let button = |one: &Button| InlineKeyboardButton::callback(&one.label, &one.data);
    let rows = rows.iter().filter(|row| !row.is_empty());
    let rows: Vec<Vec<_>> = rows.map(|row| row.iter().map(button).collect()).collect();
    (!rows.is_empty()).then(|| InlineKeyboardMarkup::new(rows))
}

/// An update as a webhook posts it; none for what cannot be read, which is nobody's loss: Telegram says
/// the same thing again only where it hears that it was not taken.
pub fn read(body: &[u8]) -> Option<Update> {
    serde_json::from_slice::<types::Update>(body)
        .ok()
        .map(update)
}

fn update(update: types::Update) -> Update {
    let id = i64::from(update.id.0);
    let private = update.chat().is_some_and(types::Chat::is_private);
    let chat = update.chat().map(|chat| chat.id.to_string());
    Update {
        id,
        chat: chat.unwrap_or_default(),
        private,
        action: action(update.kind),
    }
}

fn action(kind: UpdateKind) -> Action {
    match kind {
        UpdateKind::Message(message) => said(&message),
        UpdateKind::CallbackQuery(press) => match press.data {
            Some(data) => Action::Pressed {
                press: press.id.0,
                message: press.message.map(|message| message.id().to_string()),
                data,
            },
            None => Action::Other,
        },
        UpdateKind::MyChatMember(member) => {
            let gone = |one: &types::ChatMember| one.is_banned() || one.is_left();
            match (gone(&member.old_chat_member), gone(&member.new_chat_member)) {
                (_, true) => Action::Left,
                (true, false) => Action::Returned,
                (false, false) => Action::Other,
            }
        }
        _ => Action::Other,
    }
}

fn said(message: &types::Message) -> Action {
    if let Some(text) = message.text() {
        return Action::Said(text.to_owned());
    }
    if let Some(new) = message.migrate_to_chat_id() {
        return Action::MovedTo(new.to_string());
    }
    let caption = message.caption().map(str::to_owned);
    if let Some(document) = message.document() {
        let mime = document.mime_type.as_ref().map(ToString::to_string);
        return Action::Attached(Attachment {
            file: document.file.id.0.clone(),
            name: document.file_name.clone(),
            mime: mime.unwrap_or_else(|| "application/octet-stream".to_owned()),
            bytes: u64::from(document.file.size),
            caption,
        });
    }
    // A photo comes in several sizes, the largest last.
    match message.photo().and_then(<[_]>::last) {
        Some(photo) => Action::Attached(Attachment {
            file: photo.file.id.0.clone(),
            name: None,
            mime: "image/jpeg".to_owned(),
            bytes: u64::from(photo.file.size),
            caption,
        }),
        None => Action::Other,
    }
}

#[async_trait]
impl Messenger for Telegram {
    async fn updates(&self, after: i64) -> Result<Vec<Update>, Reason> {
        let seconds = u32::try_from(PATIENCE.as_secs()).unwrap_or_default();
        let offset = i32::try_from(after + 1).unwrap_or_default();
        let call = self
            .ear
            .get_updates()
            .offset(offset)
            .timeout(seconds)
            .allowed_updates(WANTED);
        match call.await {
            Ok(updates) => Ok(updates.into_iter().map(update).collect()),
            Err(error) => Err(reason(classify::outcome(&error))),
        }
    }

    async fn bring_to(&self, hook: Option<&Hook>) -> Outcome {
        let Some(hook) = hook else {
            let call = self.bot.delete_webhook();
            return done(self.within(async { call.await }).await);
        };
        let Ok(url) = hook.url.parse() else {
            return Outcome::Rejected {
                reason: Reason::new(
                    "telegram_hook",
                    "The address of the webhook is none: check web.public_url.",
                    Fault::Account,
                ),
            };
        };
        let call = self
            .bot
            .set_webhook(url)
            .secret_token(hook.secret.clone())
            .allowed_updates(WANTED);
        done(self.within(async { call.await }).await)
    }

    async fn show(&self, chat: &str, screen: &Screen) -> Outcome {
        let Some(chat) = chat_id(chat) else {
            return Outcome::Rejected {
                reason: no_address(),
            };
        };
        // What is too long comes in pieces, the buttons below the last.
        let pieces = pieces(&screen.text);
        let mut outcome = classify::timed_out();
        for (at, piece) in pieces.iter().enumerate() {
            let last = at + 1 == pieces.len();
            let buttons = if last { &screen.buttons[..] } else { &[] };
            outcome = self.text(chat, piece, buttons).await;
            if !matches!(outcome, Outcome::Accepted { .. }) {
                break;
            }
        }
        outcome
    }

    async fn alter(&self, chat: &str, message: &str, screen: &Screen) -> Outcome {
        self.edit(chat, message, &screen.text, &screen.buttons)
            .await
    }

    async fn heard(&self, press: &str, words: Option<&str>) -> Outcome {
        let mut call = self
            .bot
            .answer_callback_query(CallbackQueryId(press.to_owned()));
        if let Some(words) = words {
            call = call
                .text(words.chars().take(MAX_WORDS).collect::<String>())
                .show_alert(true);
        }
        done(self.within(async { call.await }).await)
    }

    async fn menu(&self, chat: &str, commands: &[Command]) -> Outcome {
        let Some(chat) = chat_id(chat) else {
            return Outcome::Rejected {
                reason: no_address(),
            };
        };
        let commands = commands
            .iter()
            .map(|one| BotCommand::new(&one.name, &one.words));
        let call = self
            .bot
            .set_my_commands(commands)
            .scope(BotCommandScope::Chat {
                chat_id: Recipient::Id(ChatId(chat.0)),
            });
        done(self.within(async { call.await }).await)
    }

    async fn document(&self, chat: &str, file: &File) -> Outcome {
        match chat_id(chat) {
            Some(chat) => self.file(chat, file).await,
            None => Outcome::Rejected {
                reason: no_address(),
            },
        }
    }

    async fn fetch(&self, file: &str, most: u64) -> Result<Vec<u8>, Reason> {
        self.content(file, most).await
    }

    async fn name(&self) -> Result<String, Reason> {
        match self.within(async { self.bot.get_me().await }).await {
            Ok(me) => Ok(me.username().to_owned()),
            Err(Failure::Time) => Err(classify::no_answer()),
            Err(Failure::Api(error)) => Err(reason(classify::outcome(&error))),
        }
    }
}

/// A call whose answer says nothing but that it worked.
fn done<T>(answer: Result<T, Failure>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Accepted { provider_ref: None },
        Err(Failure::Time) => classify::timed_out(),
        Err(Failure::Api(error)) => classify::outcome(&error),
    }
}

/// Why a call failed.
pub(crate) fn reason(outcome: Outcome) -> Reason {
    match outcome {
        Outcome::Deferred { reason, .. }
        | Outcome::Rejected { reason }
        | Outcome::InDoubt { reason } => reason,
        Outcome::Accepted { .. } => classify::no_answer(),
    }
}

/// A text in pieces that Telegram takes, cut between lines where that can be.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let fits = |piece: &String, more: &str| length(piece) + length(more) <= MAX_TEXT;
        if let Some(piece) = pieces.last_mut().filter(|piece| fits(piece, line)) {
            piece.push_str(line);
            continue;
        }
        let mut piece = String::new();
        for letter in line.chars() {
            if length(&piece) + letter.len_utf16() > MAX_TEXT {
                pieces.push(std::mem::take(&mut piece));
            }
            piece.push(letter);
        }
        pieces.push(piece);
    }
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_lines_and_loses_nothing() {
        let line = "Математика – № 214, 216; русский язык – упр. 87.\n";
        let text = line.repeat(200);
        let cut = pieces(&text);
        assert!(cut.len() > 1);
        assert!(cut.iter().all(|piece| length(piece) <= MAX_TEXT));
        assert!(cut.iter().all(|piece| piece.ends_with(".\n")));
        assert_eq!(cut.concat(), text);
        let endless = "👍".repeat(5_000);
        assert_eq!(pieces(&endless).concat(), endless);
        assert!(
            pieces(&endless)
                .iter()
                .all(|piece| length(piece) <= MAX_TEXT)
        );
    }

    #[test]
    fn no_update_is_too_strange_to_be_read() {
        // Whole updates with one value replaced by another kind of value.
        let update = r#"{"update_id":8,"callback_query":{"id":"9","from":{"id":77,"is_bot":false,
            "first_name":"О"},"chat_instance":"1","data":"abc.1","message":{"message_id":5,"date":1792000000,
            "text":"x","chat":{"id":77,"type":"private","first_name":"О"}}}}"#;
        for (at, _) in update.char_indices() {
            let _ = read(&update.as_bytes()[..at]);
        }
        for value in [
            "null",
            "-1",
            "1e400",
            "[]",
            "{}",
            "\"\\ud800\"",
            "true",
            "18446744073709551616",
        ] {
            for key in [
                "8",
                "\"9\"",
                "77",
                "false",
                "\"abc.1\"",
                "1792000000",
                "\"private\"",
            ] {
                let _ = read(update.replacen(key, value, 1).as_bytes());
            }
        }
    }

    #[test]
    fn what_people_do_is_read_as_telegram_writes_it() {
        let update = |body: &str| read(body.as_bytes()).expect("an update");
        let said = update(
            r#"{"update_id":7,"message":{"message_id":1,"date":1792000000,"text":"/start ABC",
            "chat":{"id":77,"type":"private","first_name":"О"},"from":{"id":77,"is_bot":false,"first_name":"О"}}}"#,
        );
        assert_eq!((said.id, said.chat.as_str(), said.private), (7, "77", true));
        assert_eq!(said.action, Action::Said("/start ABC".into()));
        let pressed = update(
            r#"{"update_id":8,"callback_query":{"id":"9","from":{"id":77,"is_bot":false,"first_name":"О"},
            "chat_instance":"1","data":"abc.1","message":{"message_id":5,"date":1792000000,"text":"x",
            "chat":{"id":77,"type":"private","first_name":"О"}}}}"#,
        );
        let press = Action::Pressed {
            press: "9".into(),
            message: Some("5".into()),
            data: "abc.1".into(),
        };
        assert_eq!(pressed.action, press);
        assert_eq!(pressed.chat, "77");
        let group = update(
            r#"{"update_id":9,"message":{"message_id":1,"date":1792000000,"text":"x",
            "chat":{"id":-5,"type":"group","title":"5А"}}}"#,
        );
        assert!(!group.private);
        let unknown = update(r#"{"update_id":10,"something_new":{"a":1}}"#);
        assert_eq!(unknown.action, Action::Other);
        for broken in ["", "{}", "[]", "\u{0}", r#"{"update_id":"x"}"#] {
            assert_eq!(read(broken.as_bytes()), None, "{broken}");
        }
    }
}
