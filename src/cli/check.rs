//! `check` and `send-test`: what is wrong and how to mend it.

use anyhow::{Result, anyhow};
use rand::RngExt;
use vestnik_contract::{Channel as _, Message, Outcome};
use vestnik_sms::{gateway::Gateway, phone};

use super::Failure;
use crate::{
    clock::{self, Clock},
    config::{Config, ConfigErrors},
    providers,
    text::Templates,
};

pub(super) async fn run(config: Result<Config, ConfigErrors>) -> Result<(), Failure> {
    let mut bad = 0;
    let mut line = |good: bool, what: &str, words: String| {
        bad += usize::from(!good);
        println!("{} {what}: {words}", if good { "ok   " } else { "WRONG" });
    };
    let config = match config {
        Ok(config) => config,
        Err(errors) => {
            for error in &errors.0 {
                line(false, "configuration", error.clone());
            }
            return Err(Failure::Failed(anyhow!(
                "the configuration has to be corrected first"
            )));
        }
    };
    line(true, "configuration", "every key is known".into());
    for warning in &config.warnings {
        println!("note  configuration: {warning}");
    }
    match Templates::load(config.templates.as_deref()) {
        Ok(_) => line(true, "templates", "each was tried with its sample".into()),
        Err(error) => line(false, "templates", error.to_string()),
    }
    match super::open(&config).await {
        Ok(store) => {
            let zone = store.school(&config.school).await?;
            line(
                true,
                "database",
                format!("at this program's version; the school's zone is {zone}"),
            );
        }
        Err(error) => line(false, "database", crate::app::story(error.as_ref())),
    }
    match &config.email {
        None => println!("note  email: not configured; set channels.email.url"),
        Some(account) => match providers::email(account) {
            Err(error) => line(false, "email", error.to_string()),
            Ok(channel) => match channel.check().await {
                Ok(words) => line(true, "email", words),
                Err(reason) => line(false, "email", reason.to_string()),
            },
        },
    }
    match &config.sms {
        None => {
            let known = Gateway::names().join(", ");
            println!("note  sms: not configured; set channels.sms.gateway to one of: {known}");
        }
        Some(account) => match providers::sms(account) {
            Err(error) => line(false, "sms", crate::app::story(error.as_ref())),
            Ok(channel) => match channel.check().await {
                Ok(words) => line(true, "sms", words),
                Err(reason) => line(false, "sms", reason.to_string()),
            },
        },
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::Failed(anyhow!("one thing is wrong"))),
        n => Err(Failure::Failed(anyhow!("{n} things are wrong"))),
    }
}

pub(super) async fn send_test(
    config: &Config,
    channel: &str,
    address: &str,
) -> Result<(), Failure> {
    let mut random = clock::random();
    let number: u32 = random.random_range(1..=u32::MAX / 2);
    let mut message = Message {
        reference: format!("TEST{number:012X}"),
        client_ref: number,
        address: address.to_owned(),
        subject: Some(format!("{}: проверка связи", config.school.name)),
        text: format!(
            "{}: проверка связи.",
            config
                .school
                .short_name
                .as_ref()
                .unwrap_or(&config.school.name)
        ),
        html: None,
        follows: None,
        composed_at: Clock::Wall.now(),
    };
    let missing = |key: &str| Failure::Usage(format!("{channel} is not configured: set {key}"));
    let outcome = match channel {
        "email" => {
            let account = config
                .email
                .as_ref()
                .ok_or_else(|| missing("channels.email.url"))?;
            providers::email(account)?.send(&message).await
        }
        "sms" => {
            let account = config
                .sms
                .as_ref()
                .ok_or_else(|| missing("channels.sms.gateway"))?;
            message.address = phone::normalise(address)
                .map_err(|error| Failure::Usage(format!("«{address}» {error}")))?;
            providers::sms(account)?.send(&message).await
        }
        other => {
            return Err(Failure::Usage(format!(
                "«{other}» is no channel: write email or sms"
            )));
        }
    };
    match outcome {
        Outcome::Accepted { provider_ref } => {
            let named = provider_ref.map_or_else(String::new, |name| format!(" as {name}"));
            println!("accepted by the provider{named}");
            Ok(())
        }
        Outcome::Deferred { reason, .. } => Err(Failure::Failed(anyhow!("put off: {reason}"))),
        Outcome::Rejected { reason } => Err(Failure::Failed(anyhow!("rejected: {reason}"))),
        Outcome::InDoubt { reason } => Err(Failure::Failed(anyhow!("in doubt: {reason}"))),
    }
}
