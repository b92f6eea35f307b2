//! From configured accounts to channels that the driver can use.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use vestnik_contract::Channel as _;
use vestnik_email::Email;
use vestnik_sms::{CallbackPlace, Settings, Sms, gateway::Gateway};
use vestnik_telegram::Telegram;

use crate::{
    app::Provider,
    config::{Config, EmailAccount, SmsAccount, TelegramAccount},
    engine::Account,
    family::contact::Channel,
    instant::SECOND,
    next::{EMAIL_DOUBT, InDoubt},
};

/// All accounts of the configuration.
///
/// # Errors
/// The key to correct, for an account that cannot work.
pub fn configured(config: &Config) -> Result<Vec<Provider>> {
    let mut providers = Vec::new();
    if let Some(account) = &config.email {
        let channel = email(account)?;
        providers.push(Provider::new(
            email_lane(),
            Arc::new(channel),
            account.limits,
        ));
    }
    if let Some(account) = &config.sms {
        let channel = sms(account)?;
        let mut lane = sms_lane(channel.answers_queries());
        // Who can only be asked by the name that it gave cannot be asked about an answer that was lost.
        if !channel.answers_doubts() {
            lane.in_doubt = InDoubt::UrgentOnly;
        }
        providers.push(Provider::new(lane, Arc::new(channel), account.limits));
    }
    if let Some(account) = &config.telegram {
        let channel = telegram(account)?;
        providers.push(Provider::new(
            telegram_lane(),
            Arc::new(channel),
            account.limits,
        ));
    }
    Ok(providers)
}

/// The channels whose providers say whether a message arrived.
pub fn reports(config: &Config) -> Vec<Channel> {
    let account = config.sms.as_ref().and_then(|account| sms(account).ok());
    let reports = account.is_some_and(|channel| channel.reports());
    reports.then_some(Channel::Sms).into_iter().collect()
}

/// The Telegram bot as a channel.
///
/// # Errors
/// The key to correct.
pub fn telegram(account: &TelegramAccount) -> Result<Telegram> {
    Telegram::new(&vestnik_telegram::Settings {
        token: account.token.reveal().to_owned(),
        api_url: account.api_url.clone(),
        proxy: account
            .proxy
            .as_ref()
            .map(|proxy| proxy.reveal().to_owned()),
        timeout: account.limits.timeout,
    })
    .context("channels.telegram")
}

/// The mail relay as a channel.
///
/// # Errors
/// The key to correct.
pub fn email(account: &EmailAccount) -> Result<Email> {
    let url = account.url.reveal();
    let mut relay = vestnik_email::Account::new(
        url,
        account.tls.as_deref(),
        &account.from,
        account.limits.timeout,
    )?;
    if let Some(password) = &account.password {
        relay = relay.with_password(password.reveal().to_owned())?;
    }
    Ok(Email::new(relay))
}

/// The SMS gateway as a channel, its descriptor proved on its recorded exchanges.
///
/// # Errors
/// The key to correct, or where the descriptor differs from its exchanges.
pub fn sms(account: &SmsAccount) -> Result<Sms> {
    let gateway = Gateway::find(&account.gateway, &account.beside)?;
    if account.login.is_empty() && gateway.wants_login() {
        bail!("channels.sms.login is missing: the gateway wants it");
    }
    let secret = account.callback_secret.as_ref();
    Sms::new(Settings {
        gateway,
        base_url: account.base_url.clone(),
        login: account.login.clone(),
        password: account.password.reveal().to_owned(),
        sender: account.sender.clone(),
        timeout: account.limits.timeout,
        callback: account.public_url.as_ref().map(|url| CallbackPlace {
            public_url: url.trim_end_matches('/').to_owned(),
            path: CALLBACK.to_owned(),
            secret: secret.map(|secret| secret.reveal().to_owned()),
        }),
    })
    .context("channels.sms")
}

/// Where SMS gateways post receipts.
pub const CALLBACK: &str = "/callback/sms";

/// The lane of the mail relay.
pub fn email_lane() -> Account {
    Account {
        lane: "email".into(),
        channel: Channel::Email,
        in_doubt: InDoubt::ResendOnce(EMAIL_DOUBT),
        answers_queries: false,
        address_pause: 0,
    }
}

/// The lane of the SMS gateway.
pub fn sms_lane(answers_queries: bool) -> Account {
    Account {
        lane: "sms".into(),
        channel: Channel::Sms,
        in_doubt: if answers_queries {
            InDoubt::AskThenResendOnce
        } else {
            InDoubt::UrgentOnly
        },
        answers_queries,
        address_pause: 0,
    }
}

/// The lane of the Telegram bot. It cannot be asked what became of a message, and a second copy is a
/// nuisance.
pub fn telegram_lane() -> Account {
    Account {
        lane: "telegram".into(),
        channel: Channel::Telegram,
        in_doubt: InDoubt::UrgentOnly,
        answers_queries: false,
        // One message a second in one chat, by the Bot API's own advice.
        address_pause: SECOND,
    }
}
