//! From configured accounts to channels that the driver can use.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use vestnik_contract::Channel as Carrier;
use vestnik_email::{Email, Marker, Signature, Trust, mailbox::Mailbox};
use vestnik_smpp::{Receipts, Smpp};
use vestnik_sms::{CallbackPlace, Settings, Sms, gateway::Gateway};
use vestnik_telegram::Telegram;

use crate::{
    app::Provider,
    config::{
        BounceMailbox, Config, EmailAccount, SmppAccount, SmsAccount, SmsPlace, TelegramAccount,
    },
    engine::Account,
    failover::SPARE,
    family::contact::Channel,
    instant::SECOND,
    next::{EMAIL_DOUBT, InDoubt},
    secret::Secret,
};

/// All accounts of the configuration; `marker` says what each mail carries.
///
/// # Errors
/// The key to correct, for an account that cannot work.
pub fn configured(config: &Config, marker: Marker) -> Result<Vec<Provider>> {
    let mut providers = Vec::new();
    if let Some(account) = &config.email {
        let channel = email(account, marker)?;
        providers.push(Provider::new(
            email_lane(),
            Arc::new(channel),
            account.limits,
        ));
    }
    for account in config.gateways() {
        let channel = sms_carrier(account)?;
        let mut lane = match account.place {
            SmsPlace::Preferred => sms_lane(channel.answers_queries()),
            SmsPlace::Spare => spare_lane(channel.answers_queries()),
        };
        lane.reports = reported(account);
        // Who can only be asked by the name that it gave cannot be asked about an answer that was lost.
        if account.smpp.is_none() && !sms(account)?.answers_doubts() {
            lane.in_doubt = InDoubt::UrgentOnly;
        }
        providers.push(Provider::new(lane, channel, account.limits));
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
    let reports = config.sms.is_some() && config.gateways().all(reported);
    reports.then_some(Channel::Sms).into_iter().collect()
}

fn reported(account: &SmsAccount) -> bool {
    match &account.smpp {
        Some(centre) => centre.receipts != Receipts::Off,
        None => sms(account).is_ok_and(|channel| channel.reports()),
    }
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

/// The mail relay as a channel; `marker` says what each mail carries.
///
/// # Errors
/// The key to correct.
pub fn email(account: &EmailAccount, marker: Marker) -> Result<Email> {
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
    if let Some(dkim) = &account.dkim {
        let signature = Signature::new(&dkim.domain, &dkim.selector, dkim.key.reveal())?;
        relay.signature = Some(signature);
    }
    relay.marker = marker;
    relay.per_domain = account.per_domain;
    Ok(Email::new(relay))
}

/// The mailbox in which undeliverable mails are read, where there is one.
///
/// # Errors
/// The key to correct.
pub fn bounces(config: &Config) -> Result<Option<Mailbox>> {
    let account = config
        .email
        .as_ref()
        .and_then(|email| email.bounces.as_ref());
    let open = |account: &BounceMailbox| {
        let password = account.password.as_ref().map(Secret::reveal);
        Mailbox::new(account.url.reveal(), password, Trust::default())
    };
    Ok(account.map(open).transpose()?)
}

/// The SMS gateway as a channel, its descriptor proved on its recorded exchanges.
///
/// # Errors
/// The key to correct, or where the descriptor differs from its exchanges.
pub fn sms(account: &SmsAccount) -> Result<Sms> {
    let gateway = Gateway::find(&account.gateway, &account.beside)?;
    if account.login.is_empty() && gateway.wants_login() {
        bail!(
            "{}.login is missing: the gateway wants it",
            account.place.table()
        );
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
            path: callback(account.place).to_owned(),
            secret: secret.map(|secret| secret.reveal().to_owned()),
        }),
    })
    .context(account.place.table())
}

/// The operators with whom the texts of SMS have to be registered: those of the configuration, or the gateway's.
pub fn operators(account: &SmsAccount) -> Vec<String> {
    let own = || {
        let gateway = Gateway::find(&account.gateway, &account.beside);
        gateway.map(|gateway| gateway.operators).unwrap_or_default()
    };
    account.operators.clone().unwrap_or_else(own)
}

/// What carries SMS: an HTTP gateway, or an SMS centre.
///
/// # Errors
/// The key to correct.
pub fn sms_carrier(account: &SmsAccount) -> Result<Arc<dyn Carrier>> {
    Ok(match &account.smpp {
        Some(centre) => Arc::new(smpp(account, centre)?),
        None => Arc::new(sms(account)?),
    })
}

/// The SMS centre as a channel.
///
/// # Errors
/// The key to correct.
fn smpp(account: &SmsAccount, centre: &SmppAccount) -> Result<Smpp> {
    Ok(Smpp::new(vestnik_smpp::Settings {
        url: centre.url.clone(),
        ca_file: centre.ca_file.clone(),
        system_id: account.login.clone(),
        password: account.password.reveal().to_owned(),
        system_type: centre.system_type.clone(),
        sender: account.sender.clone(),
        sender_ton: centre.sender_ton,
        sender_npi: centre.sender_npi,
        window: centre.window,
        enquire_link: centre.enquire_link,
        splitting: centre.splitting,
        receipts: centre.receipts,
        receipt_ids: centre.receipt_ids,
        timeout: account.limits.timeout,
    })?)
}

/// Where an SMS gateway posts receipts.
pub fn callback(place: SmsPlace) -> &'static str {
    match place {
        SmsPlace::Preferred => "/callback/sms",
        SmsPlace::Spare => "/callback/sms-spare",
    }
}

/// The lane of the mail relay.
pub fn email_lane() -> Account {
    Account {
        lane: "email".into(),
        channel: Channel::Email,
        in_doubt: InDoubt::ResendOnce(EMAIL_DOUBT),
        answers_queries: false,
        reports: false,
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
        reports: answers_queries,
        address_pause: 0,
    }
}

/// The lane of the SMS gateway that takes what the other cannot.
pub fn spare_lane(answers_queries: bool) -> Account {
    Account {
        lane: SPARE.into(),
        ..sms_lane(answers_queries)
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
        reports: false,
        // One message a second in one chat, by the Bot API's own advice.
        address_pause: SECOND,
    }
}
