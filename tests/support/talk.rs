//! A bot that people talk to through the sandbox of the Bot API, beside a desk whose messenger it is.

#![expect(
    clippy::unwrap_used,
    reason = "a conversation that cannot begin has failed the test"
)]

use std::{sync::Arc, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use tokio::{net::TcpListener, runtime::Handle, sync::Notify, task::block_in_place};
use vestnik::{
    app::Pace,
    bot::{Bot, Manner, Words, code::Code},
    clock::Clock,
    family::contact::Channel,
    instant::{DAY, Millis},
    links::Links,
    money::Tariff,
    secret::Secret,
    store::{Guest, NewInvite, Store},
    text::{ContentLevel, Templates},
};
use vestnik_contract::{Channel as Carrier, Messenger, Update};
use vestnik_telegram::{
    Settings, Telegram,
    sandbox::{self, Chats, Received, TOKEN},
};

use crate::desk::{Desk, Provider, accepts};

pub(crate) struct Talk {
    pub(crate) chats: Chats,
    bot: Bot,
    telegram: Telegram,
    store: Store,
    links: Arc<Links>,
    random: StdRng,
    content: ContentLevel,
    after: i64,
}

impl Talk {
    /// Beside this desk, whose messages by the bot arrive in the same chats.
    pub(crate) async fn beside(desk: &mut Desk, content: ContentLevel) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let chats = Chats::default();
        #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
        tokio::spawn(sandbox::serve(listener, chats.clone(), Duration::ZERO));
        let telegram = Telegram::new(&Settings {
            token: TOKEN.into(),
            api_url: Some(url),
            proxy: None,
            timeout: Duration::from_secs(5),
        })
        .unwrap();
        desk.provider(carrier(&telegram));
        let links = Arc::new(Links::new(Secret::new("k".repeat(64)), None, None));
        let bot = bot(&desk.store, &telegram, &links, content, 5);
        Self {
            chats,
            bot,
            telegram,
            store: desk.store.clone(),
            links,
            random: StdRng::seed_from_u64(11),
            content,
            after: 0,
        }
    }

    /// The provider that carries messages into the chats, and takes all others.
    pub(crate) fn carrier(&self) -> Provider {
        carrier(&self.telegram)
    }

    /// The process ends and another one begins: what was not confirmed is said again.
    pub(crate) fn restart(&mut self) {
        self.bot = bot(&self.store, &self.telegram, &self.links, self.content, 6);
        self.after = 0;
    }

    /// Invites somebody; the code is good for two weeks.
    pub(crate) async fn invite(&mut self, guest: Guest, now: Millis) -> Code {
        let code = Code::draw(&mut self.random);
        let invite = NewInvite {
            code_hash: self.links.invite(&code),
            guest,
            expires_at: now + 14 * DAY,
        };
        self.store.issue_invites(&[invite], now).await.unwrap();
        code
    }

    /// Handles these updates, as if the messenger had brought them.
    pub(crate) async fn take(&mut self, updates: &[Update], now: Millis) -> bool {
        self.bot.take(updates, now).await
    }

    /// What people did and nobody has handled.
    pub(crate) async fn updates(&mut self) -> Vec<Update> {
        if self.chats.newest() <= self.after {
            return Vec::new();
        }
        let updates = self.telegram.updates(self.after).await.unwrap();
        self.after = updates.last().map_or(self.after, |last| last.id);
        updates
    }

    /// Handles all that people did, and has the engine see it.
    pub(crate) async fn work(&mut self, desk: &mut Desk) {
        self.handle(desk).await;
        desk.work().await;
    }

    /// Somebody presses button after button, and the bot answers.
    pub(crate) async fn presses_all(&mut self, desk: &Desk, chat: i64, labels: &[String]) {
        for label in labels {
            let shown = self.last(chat);
            let there = self.chats.presses(chat, label);
            assert!(there, "no «{label}» in {}", read(&shown));
            self.handle(desk).await;
        }
    }

    async fn handle(&mut self, desk: &Desk) {
        loop {
            let updates = self.updates().await;
            if updates.is_empty() {
                break;
            }
            assert!(self.bot.take(&updates, desk.now).await);
        }
        self.bot.say_all(desk.now).await.unwrap();
    }

    /// Somebody writes, and the bot answers.
    pub(crate) async fn says(&mut self, desk: &mut Desk, chat: i64, text: &str) -> Received {
        self.chats.says(chat, text);
        self.work(desk).await;
        self.last(chat)
    }

    /// Somebody presses a button that is there, and the bot answers.
    pub(crate) async fn presses(&mut self, desk: &mut Desk, chat: i64, label: &str) -> Received {
        let shown = self.last(chat);
        assert!(
            self.chats.presses(chat, label),
            "no «{label}» in {}",
            read(&shown)
        );
        self.work(desk).await;
        self.last(chat)
    }

    /// Somebody presses a button anywhere in the chat, and the bot answers.
    pub(crate) async fn presses_any(&mut self, desk: &mut Desk, chat: i64, label: &str) {
        assert!(self.chats.presses(chat, label), "no «{label}»");
        self.work(desk).await;
    }

    /// What the chat shows at its end.
    pub(crate) fn last(&self, chat: i64) -> Received {
        self.chats.shown(chat).pop().unwrap_or_default()
    }
}

fn carrier(telegram: &Telegram) -> Provider {
    let telegram = telegram.clone();
    let mut others = accepts();
    Box::new(move |message| {
        // Other addresses are phones and mailboxes.
        if message.address.parse::<i64>().is_err() || message.address.starts_with('+') {
            return others(message);
        }
        block_in_place(|| Handle::current().block_on(telegram.send(message)))
    })
}

fn bot(
    store: &Store,
    telegram: &Telegram,
    links: &Arc<Links>,
    content: ContentLevel,
    seed: u64,
) -> Bot {
    let manner = Manner {
        zone: chrono_tz::Europe::Moscow,
        quiet: "21:00-07:30".parse().unwrap(),
        content,
        channels: vec![Channel::Email, Channel::Sms, Channel::Telegram],
        tariff: Tariff::default(),
        lane: "sms".to_owned(),
    };
    Bot::new(
        store.clone(),
        (Arc::new(telegram.clone()), Channel::Telegram),
        Words::embedded().unwrap(),
        Templates::embedded().unwrap(),
        links.clone(),
        manner,
        (Clock::Wall, StdRng::seed_from_u64(seed)),
        Pace::default(),
        Arc::new(Notify::new()),
    )
}

/// A message as its reader sees it: the text, and what can be pressed.
pub(crate) fn read(message: &Received) -> String {
    let mut text = message.text.clone();
    for row in &message.buttons {
        let labels: Vec<String> = row.iter().map(|(label, _)| format!("[{label}]")).collect();
        text.push('\n');
        text.push_str(&labels.join(" "));
    }
    text
}
