//! `check` and `send-test`: what is wrong and how to mend it.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use chrono_tz::Tz;
use rand::RngExt;
use vestnik_contract::{Channel, Message, Outcome};

use vestnik_email::Marker;
use vestnik_sms::{gateway::Gateway, phone};

use super::{Failure, sms_templates};
use crate::{
    backup,
    clock::{self, Clock},
    config::{Config, ConfigErrors, SmsAccount},
    failover::SPARE,
    instant::{DAY, HOUR, Millis},
    paper::press,
    policy::Contacts,
    providers,
    store::Store,
    text::{Frame, Language, Templates, in_letters},
    zone,
};

/// How far back strange answers are a fault of today.
const WEEK: Millis = 7 * DAY;

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
            let untold = store.untold_to_staff(Clock::Wall.now()).await?;
            if untold > 0 {
                println!(
                    "note  staff: {untold} families' addresses fail and their class teachers have no address: \
                     add a contact for each class teacher"
                );
            }
            notes(&store, &config, zone).await?;
            if store.quarantined().await? {
                line(false, "quarantine", super::QUARANTINE.into());
            }
        }
        Err(error) => line(false, "database", crate::app::story(error.as_ref())),
    }
    let title = &config.regulation.title;
    line(
        true,
        "policy",
        format!("{}, {title}", config.regulation.name),
    );
    for (name, words) in sheets(&config)
        .await
        .into_iter()
        .chain(backups(&config))
        .chain(waiting(&config).await)
        .chain(sms_templates::check(&config).await)
        .chain(providers(&config).await)
    {
        match words {
            Ok(words) => line(true, name, words),
            Err(words) => line(false, name, words),
        }
    }
    match bad {
        0 => Ok(()),
        1 => Err(Failure::Failed(anyhow!("one thing is wrong"))),
        n => Err(Failure::Failed(anyhow!("{n} things are wrong"))),
    }
}

/// What a person should know of the families and the staff, although nothing is wrong with vestnik.
async fn notes(store: &Store, config: &Config, zone: Tz) -> Result<()> {
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    let named = store.policy_name().await?;
    let policy = config
        .regulation(named.as_deref().unwrap_or(&config.school.policy))?
        .policy;
    let alone = store.without_teacher(today).await?;
    if !alone.is_empty() {
        println!(
            "note  staff: no class teacher is named for {}: nobody hears whose family cannot be reached; set \
             class.class_teacher_id, or a row of duty",
            alone.join(", ")
        );
    }
    let undocumented = store.undocumented().await?;
    if policy.contacts == Contacts::Documented && undocumented > 0 {
        println!(
            "note  contacts: {undocumented} addresses of families have no document and were never verified; write \
             contact.document, contact.verified_at, or the document of the consent to their channel"
        );
    }
    for (language, guardians) in store.languages().await? {
        if Language::from_code(&language).is_none() {
            println!(
                "note  templates: {guardians} guardians asked for «{language}», which has no templates; they read \
                 Russian{}. Templates there are: {}",
                match Frame::from_code(&language) {
                    Frame::Of(_) => "",
                    Frame::Tatar | Frame::Bashkir | Frame::Sakha =>
                        ", and the labels of sheets in their own",
                },
                Language::ALL.map(Language::code).join(", ")
            );
        }
    }
    let limit = policy.paper_alarm.0;
    let without = store
        .without_paper(&config.channels(), limit, today, now)
        .await?;
    if without > 0 {
        println!(
            "note  paper: {without} guardians on paper have had no sheet for {} days: vestnik ledger says who; \
             vestnik sheets makes theirs",
            limit / DAY
        );
    }
    Ok(())
}

/// A line of the report: of what, and what is right or wrong with it.
pub(super) type Line = (&'static str, Result<String, String>);

/// Asks each configured provider whether the account works.
async fn providers(config: &Config) -> Vec<Line> {
    let mut channels: Vec<(&'static str, Result<Arc<dyn Channel>>)> = Vec::new();
    match &config.email {
        Some(account) => {
            channels.push(("email", boxed(providers::email(account, Marker::default()))));
        }
        None => println!("note  email: not configured; set channels.email.url"),
    }
    let mut lines = Vec::new();
    for account in config.gateways() {
        if account.smpp.is_none() {
            lines.extend(gateway(account));
        }
        channels.push((account.place.lane(), providers::sms_carrier(account)));
    }
    if config.sms.is_none() {
        let known = Gateway::names().join(", ");
        println!("note  sms: not configured; set channels.sms.gateway to one of: {known}, smpp");
    }
    match &config.telegram {
        Some(account) => channels.push(("telegram", boxed(providers::telegram(account)))),
        None => println!("note  telegram: not configured; set channels.telegram.token_file"),
    }
    match providers::bounces(config) {
        Ok(None) => {}
        Ok(Some(mailbox)) => lines.push((
            "bounces",
            match mailbox.open().await {
                Ok(open) => {
                    open.close().await;
                    Ok("the mailbox answers and takes the login".into())
                }
                Err(error) => Err(error.to_string()),
            },
        )),
        Err(error) => lines.push(("bounces", Err(crate::app::story(error.as_ref())))),
    }
    for (name, channel) in channels {
        let words = match channel {
            Ok(channel) => channel.check().await.map_err(|reason| reason.to_string()),
            Err(error) => Err(crate::app::story(error.as_ref())),
        };
        lines.push((name, words));
    }
    lines
}

/// Proves the gateway's descriptor on its recorded exchanges, without a network. One that cannot be used is
/// named with the account.
fn gateway(account: &SmsAccount) -> Option<Line> {
    let sms = providers::sms(account).ok()?;
    let gateway = sms.gateway();
    let proved = gateway.prove().ok()?;
    match sms.callback_url() {
        Some(_) if gateway.wants_callback_url() => {}
        Some(url) => println!(
            "note  gateway: let {} post its receipts to {url}",
            gateway.name
        ),
        None if gateway.takes_callbacks() => println!(
            "note  gateway: {} can post receipts; set web.public_url and {}.callback_secret_file",
            gateway.name,
            account.place.table()
        ),
        None => {}
    }
    let words = format!("{}, proved on {proved} recorded exchanges", gateway.name);
    Some(("gateway", Ok(words)))
}

fn boxed<C: Channel + 'static>(channel: Result<C>) -> Result<Arc<dyn Channel>> {
    channel.map(|channel| Arc::new(channel) as Arc<dyn Channel>)
}

/// Looks whether backups arrive, where it is said that somebody makes them.
fn backups(config: &Config) -> Option<Line> {
    let Some((folder, within)) = &config.backups else {
        println!("note  backup: nobody here watches your backups; set database.backup_dir");
        return None;
    };
    let told = format!("database.backup_dir: {}", folder.display());
    let words = match backup::newest(folder) {
        Err(error) => Err(format!("{told} cannot be read: {error}")),
        Ok(None) => Err(format!("{told} holds no backup: see to who makes them")),
        Ok(Some(at)) => {
            let age = Clock::Wall.now() - at;
            let hours = age / HOUR;
            if u128::try_from(age).is_ok_and(|age| age > within.as_millis()) {
                Err(format!(
                    "{told} has had no new backup for {hours} hours: see to who makes them"
                ))
            } else {
                Ok(format!("the newest is {hours} hours old"))
            }
        }
    };
    Some(("backup", words))
}

/// Tries the layout of the sheet with its sample, and the folder for its files.
async fn sheets(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let tried = match (press::layout(config), press::child(config)) {
        (Ok(layout), Ok(child)) => child
            .render(&vestnik_sheet::sample(), &layout)
            .await
            .map(|pdf| format!("the layout sets its sample on {} page", pdf.pages))
            .map_err(|error| format!("the layout fails: {error}")),
        (Err(error), _) | (_, Err(error)) => Err(crate::app::story(error.as_ref())),
    };
    lines.push(("sheets", tried));
    if let Some(folder) = &config.print.spool_dir {
        let writable = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::NamedTempFile::new_in(folder))
            .map(|_| format!("{} takes them", folder.display()))
            .map_err(|error| {
                format!(
                    "channels.print.spool_dir: {} takes no file: {error}",
                    folder.display()
                )
            });
        lines.push(("sheets", writable));
        if let Some(printer) = &config.print.printer {
            let condition = printer.condition().await;
            let ready = match condition.map_err(|reason| reason.to_string()) {
                Ok(stands) if stands.blocked => Err(stands.words.unwrap_or_default()),
                Ok(stands) => Ok(stands
                    .words
                    .unwrap_or_else(|| "the printer is ready".to_owned())),
                Err(reason) => Err(reason),
            };
            lines.push(("printer", ready));
        }
    } else {
        println!(
            "note  sheets: the daemon makes none; set channels.print.spool_dir, or run vestnik sheets"
        );
    }
    lines
}

/// Says how much waits for a person, and returns the classes whose last run of sheets failed. A database
/// that cannot be opened has been named already.
async fn waiting(config: &Config) -> Vec<Line> {
    let mut lines = Vec::new();
    let Ok(store) = super::open(config).await else {
        return lines;
    };
    match store.holds().await.map(|holds| holds.len()) {
        Ok(1) => println!("note  held: one question waits for a person: vestnik held list"),
        Ok(0) | Err(_) => {}
        Ok(n) => println!("note  held: {n} questions wait for a person: vestnik held list"),
    }
    if let Ok(strange) = store.strange_answers(Clock::Wall.now() - WEEK).await
        && let Some(newest) = strange.first()
    {
        let words = format!(
            "answers of a provider were not understood in the last week, {} at least; the newest: \
             vestnik explain {newest}. Complete the gateway's file, or report it",
            strange.len()
        );
        lines.push(("answers", Err(words)));
    }
    if let Ok(failed) = store.failed_runs().await {
        lines.extend(failed.into_iter().map(|(class, week, why)| {
            ("sheets", Err(format!("{class} has none for {week}: {why}")))
        }));
    }
    lines
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
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: Clock::Wall.now(),
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: false,
    };
    let missing = |key: &str| Failure::Usage(format!("{channel} is not configured: set {key}"));
    let outcome = match channel {
        "email" => {
            let account = config
                .email
                .as_ref()
                .ok_or_else(|| missing("channels.email.url"))?;
            providers::email(account, Marker::default())?
                .send(&message)
                .await
        }
        "sms" | SPARE => {
            let (account, key) = match channel {
                SPARE => (&config.sms_spare, "channels.sms.spare.gateway"),
                _ => (&config.sms, "channels.sms.gateway"),
            };
            let account = account.as_ref().ok_or_else(|| missing(key))?;
            message.address = phone::normalise(address)
                .map_err(|error| Failure::Usage(format!("«{address}» {error}")))?;
            message.text = in_letters(&message.text, account.transliterate);
            let carrier = providers::sms_carrier(account)?;
            let outcome = carrier.send(&message).await;
            carrier.close().await;
            outcome
        }
        "telegram" => {
            let account = config
                .telegram
                .as_ref()
                .ok_or_else(|| missing("channels.telegram.token_file"))?;
            providers::telegram(account)?.send(&message).await
        }
        other => {
            return Err(Failure::Usage(format!(
                "«{other}» is no channel: write email, sms, sms_spare or telegram"
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
