//! What the people of the sandbox do: they write, press buttons, send files, and block the bot. What they
//! did waits, as at Telegram, until the bot asks for what comes after it.

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{Chats, Received, State};

/// When everything happens in the sandbox, in seconds since 1970.
const DATE: i64 = 1_792_000_000;

impl Chats {
    /// Somebody writes a text.
    pub fn says(&self, chat: i64, text: &str) {
        self.update(|id| json!({"message": {"message_id": id, "date": DATE, "text": text, "chat": of(chat), "from": user(chat)}}));
    }

    /// Somebody sends a file.
    pub fn attaches(&self, chat: i64, name: &str, content: &[u8], caption: Option<&str>) {
        let file = format!("file-{}", self.newest() + 1);
        self.with(|state| state.files.insert(file, content.to_vec()));
        self.update(|id| {
            let mut message = json!({
                "message_id": id, "date": DATE, "chat": of(chat), "from": user(chat),
                "document": {"file_id": format!("file-{id}"), "file_unique_id": format!("unique-{id}"),
                    "file_name": name, "mime_type": mime(name), "file_size": content.len()}
            });
            if let Some(caption) = caption {
                message["caption"] = json!(caption);
            }
            json!({ "message": message })
        });
    }

    /// What is in a file that somebody attached.
    pub(super) fn file(&self, name: &str) -> Option<Vec<u8>> {
        self.with(|state| state.files.get(name).cloned())
    }

    /// Somebody presses the newest button in the chat on which this stands; false where there is none.
    pub fn presses(&self, chat: i64, label: &str) -> bool {
        let found = self.with(|state| {
            state.received.iter().rev().find_map(|one| {
                let own = (one.chat == chat).then_some(one)?;
                let button = own
                    .buttons
                    .iter()
                    .flatten()
                    .find(|(words, _)| words == label)?;
                Some((own.message_id, button.1.clone()))
            })
        });
        let Some((message, data)) = found else {
            return false;
        };
        self.press(chat, message, &data);
        true
    }

    /// Somebody presses a button with this data, which no message may hold.
    pub fn press(&self, chat: i64, message: i64, data: &str) {
        self.update(|id| {
            json!({"callback_query": {
                "id": id.to_string(), "from": user(chat), "chat_instance": "sandbox", "data": data,
                "message": {"message_id": message, "date": DATE, "chat": of(chat), "text": "…"}
            }})
        });
    }

    /// Somebody blocks the bot.
    pub fn blocks(&self, chat: i64) {
        self.member(chat, "member", "kicked");
    }

    /// Somebody lets the bot in again.
    pub fn returns(&self, chat: i64) {
        self.member(chat, "kicked", "member");
    }

    fn member(&self, chat: i64, old: &str, new: &str) {
        let bot = json!({"id": 123_456, "is_bot": true, "first_name": "Школа"});
        let state = |status: &str| {
            let mut state = json!({"user": bot, "status": status});
            if status == "kicked" {
                state["until_date"] = json!(0);
            }
            state
        };
        self.update(|_| {
            json!({"my_chat_member": {
                "chat": of(chat), "from": user(chat), "date": DATE,
                "old_chat_member": state(old), "new_chat_member": state(new)
            }})
        });
    }

    /// What a chat shows now, oldest first.
    pub fn shown(&self, chat: i64) -> Vec<Received> {
        let own = |one: &&Received| one.chat == chat;
        self.with(|state| state.received.iter().filter(own).cloned().collect())
    }

    /// The menu of a chat: the names of its commands.
    pub fn menu(&self, chat: i64) -> Vec<String> {
        self.with(|state| state.menus.get(&chat).cloned().unwrap_or_default())
    }

    /// The words that answered presses, oldest first.
    pub fn alerts(&self) -> Vec<String> {
        self.with(|state| state.alerts.clone())
    }

    /// Where updates are to be brought, and what proves them.
    pub fn hook(&self) -> Option<(String, String)> {
        self.with(|state| state.hook.clone())
    }

    /// What a webhook would be told of the newest thing that somebody did.
    pub fn newest_update(&self) -> String {
        let newest = self.with(|state| state.updates.last().cloned());
        newest
            .map(|(_, update)| update.to_string())
            .unwrap_or_default()
    }

    /// How often updates were asked for.
    pub fn pollers(&self) -> u64 {
        self.with(|state| state.poller)
    }

    /// The number of the last thing that somebody did.
    pub fn newest(&self) -> i64 {
        self.with(|state| state.last_update)
    }

    fn update(&self, update: impl FnOnce(i64) -> Value) {
        self.with(|state| {
            state.last_update += 1;
            let id = state.last_update;
            let mut update = update(id);
            update["update_id"] = json!(id);
            state.updates.push((id, update));
        });
        self.news.notify_waiters();
    }

    /// What happened from `offset` on, as soon as something did; none where another poller came.
    pub(super) async fn wait(&self, offset: i64, until: Instant) -> Option<Vec<Value>> {
        if self.hook().is_some() {
            return None;
        }
        let mine = self.with(|state| {
            state.updates.retain(|(id, _)| *id >= offset);
            state.poller += 1;
            state.poller
        });
        self.news.notify_waiters();
        loop {
            let news = self.news.notified();
            let (other, updates) = self.with(|state: &mut State| {
                let updates = state.updates.iter().take(100);
                (
                    state.poller != mine,
                    updates.map(|(_, one)| one.clone()).collect::<Vec<_>>(),
                )
            });
            if other {
                return None;
            }
            if !updates.is_empty() || timeout_at(until, news).await.is_err() {
                return Some(updates);
            }
        }
    }
}

/// The kind of a file, as a phone says it.
fn mime(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "pdf")) => "application/pdf",
        Some((_, "jpg" | "jpeg")) => "image/jpeg",
        Some((_, "png")) => "image/png",
        _ => "application/octet-stream",
    }
}

fn of(chat: i64) -> Value {
    if chat < 0 {
        json!({"id": chat, "type": "group", "title": "5А"})
    } else {
        json!({"id": chat, "type": "private", "first_name": "Имя"})
    }
}

fn user(chat: i64) -> Value {
    json!({"id": chat.abs(), "is_bot": false, "first_name": "Имя"})
}
