//! The provider accounts of the configuration.

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use super::read::Keys;
use crate::{secret::Secret, text::ContentLevel};

/// A mail relay.
#[derive(Debug, Clone)]
pub struct EmailAccount {
    /// `smtp://…` or `smtps://…`; may hold a password.
    pub url: Secret,
    /// The password, where the URL has none.
    pub password: Option<Secret>,
    /// `none`, `starttls` or `required`.
    pub tls: Option<String>,
    /// Who writes.
    pub from: String,
    /// How it may be used.
    pub limits: Limits,
}

/// An account with an SMS gateway.
#[derive(Debug, Clone)]
pub struct SmsAccount {
    /// The gateway's name.
    pub gateway: String,
    /// Where it answers, if elsewhere than usual.
    pub base_url: Option<String>,
    /// The account.
    pub login: String,
    /// Its password.
    pub password: Secret,
    /// The registered sender name.
    pub sender: Option<String>,
    /// How many parts a message has at most, if that is limited.
    pub parts: Option<usize>,
    /// Whether it leaves in Latin letters.
    pub transliterate: bool,
    /// Where a gateway's file is looked for: the folder of the configuration.
    pub beside: PathBuf,
    /// Where the provider finds the daemon, to post receipts.
    pub public_url: Option<String>,
    /// The secret that school and provider share for them.
    pub callback_secret: Option<Secret>,
    /// How it may be used.
    pub limits: Limits,
}

/// How fast a provider may be used.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls at the same time.
    pub concurrency: usize,
    /// Messages in a time, if the provider limits them.
    pub rate: Option<Rate>,
    /// After this long a call is given up.
    pub timeout: Duration,
}

/// So many messages in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// A Telegram bot.
#[derive(Debug, Clone)]
pub struct TelegramAccount {
    /// What BotFather gave.
    pub token: Secret,
    /// Where the Bot API answers, if elsewhere than usual.
    pub api_url: Option<String>,
    /// The way there, if not straight; may hold a password.
    pub proxy: Option<Secret>,
    /// How much of the content it may carry.
    pub content: ContentLevel,
    /// How it may be used.
    pub limits: Limits,
}

/// How the sheets of the week are made.
#[derive(Debug, Clone)]
pub struct Print {
    /// The folder into which the daemon lays them, one PDF for each class and week.
    pub spool_dir: Option<PathBuf>,
    /// After this long a class is given up, and tried again later.
    pub timeout: Duration,
}

fn limits(keys: &mut Keys, table: &str) -> Limits {
    let concurrency: Option<NonZeroU32> =
        keys.parsed(&format!("{table}.concurrency"), "write a number from 1 on");
    Limits {
        concurrency: concurrency.map_or(1, |count| count.get() as usize),
        rate: keys.parsed(
            &format!("{table}.rate"),
            "write 10/s, 100/min, 500/h or 500/day",
        ),
        timeout: keys
            .duration(&format!("{table}.timeout"))
            .unwrap_or(Duration::from_secs(30)),
    }
}

pub(super) fn email(keys: &mut Keys) -> Option<EmailAccount> {
    let limits = limits(keys, "channels.email");
    let password = keys.secret("channels.email.password");
    let from = keys.text("channels.email.from");
    let tls = keys.text("channels.email.tls");
    let url = keys.text("channels.email.url")?;
    if from.is_none() {
        keys.fault(
            "channels.email.from",
            "is missing: write \"Школа № 12 <school@example.org>\"",
        );
    }
    Some(EmailAccount {
        url: Secret::new(url),
        password,
        tls,
        from: from?,
        limits,
    })
}

pub(super) fn sms(keys: &mut Keys) -> Option<SmsAccount> {
    let limits = limits(keys, "channels.sms");
    let password = keys.secret("channels.sms.password");
    let login = keys.text("channels.sms.login");
    let gateway = keys.text("channels.sms.gateway")?;
    let parts = keys.text("channels.sms.parts").unwrap_or_default();
    let most: Option<NonZeroU32> = parts.parse().ok();
    if most.is_none() && parts != "off" {
        let problem = format!("«{parts}» is not understood: write a number from 1 on, or off");
        keys.fault("channels.sms.parts", problem);
    }
    let latin = keys.parsed("channels.sms.transliterate", "write true or false");
    let callback_secret = keys.secret("channels.sms.callback_secret");
    if password.is_none() {
        keys.fault("channels.sms.password", "is missing: the gateway wants it");
    }
    Some(SmsAccount {
        gateway,
        base_url: keys.text("channels.sms.base_url"),
        login: login.unwrap_or_default(),
        password: password?,
        sender: keys.text("channels.sms.sender"),
        parts: most.map(|most| most.get() as usize),
        transliterate: latin.unwrap_or_default(),
        beside: keys.places.beside.clone(),
        public_url: keys.text("web.public_url"),
        callback_secret,
        limits,
    })
}

pub(super) fn telegram(keys: &mut Keys) -> Option<TelegramAccount> {
    let limits = limits(keys, "channels.telegram");
    let proxy = keys.secret("channels.telegram.proxy");
    let level = keys.text("channels.telegram.content").unwrap_or_default();
    let content = ContentLevel::from_code(&level);
    if content.is_none() {
        keys.fault(
            "channels.telegram.content",
            format!("«{level}» is not known: write full, no_names or ping"),
        );
    }
    let api_url = keys.text("channels.telegram.api_url");
    let token = keys.secret("channels.telegram.token")?;
    if content.is_some_and(|content| content != ContentLevel::Ping) {
        keys.warnings.push(
            "channels.telegram.content: a state school in Russia may not put personal data into \
             foreign messengers (149-ФЗ, article 10, part 8); ping carries none"
                .into(),
        );
    }
    Some(TelegramAccount {
        token,
        api_url,
        proxy,
        content: content?,
        limits,
    })
}

pub(super) fn print(keys: &mut Keys) -> Option<Print> {
    let folder = keys.text("channels.print.spool_dir");
    Some(Print {
        spool_dir: folder.map(|folder| keys.places.beside.join(folder)),
        timeout: keys.duration("channels.print.timeout")?,
    })
}
