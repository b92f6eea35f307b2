//! `invite`: one-time codes by which families and staff connect to the bot.

use std::{
    fs::File,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use chrono::Datelike;
use clap::Args;
use serde_json::json;
use vestnik_contract::Messenger;
use vestnik_sheet::{CARDS, Card, Cards};

use super::{Failure, show::only};
use crate::{
    bot::code::Code,
    clock::{self, Clock},
    config::Config,
    instant::{DAY, Millis},
    journal::class_name::ClassName,
    links::Links,
    paper::press::child,
    providers,
    store::{Guest, Invitee, NewInvite, Store},
    text::words,
    zone,
};

/// The arguments of `invite`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// All guardians of a class who are not connected yet
    #[arg(long, value_name = "CLASS", conflicts_with_all = ["guardian", "staff"])]
    class: Option<ClassName>,
    /// One guardian: an id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO", conflicts_with = "staff")]
    guardian: Option<String>,
    /// A member of staff: an id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO", required_unless_present_any = ["class", "guardian"])]
    staff: Option<String>,
    /// For how many days the codes let somebody in
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(i64).range(1..=60))]
    days: i64,
    /// Cards to cut apart, as a PDF
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// An invitation with its code, which is kept nowhere.
struct Issued {
    code: Code,
    to: Invitee,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    if config.telegram.is_none() {
        return Err(Failure::Usage(
            "there is no bot to connect to: set channels.telegram.token_file".into(),
        ));
    }
    let mut random = clock::random();
    let links = Links::open(config, store.file(), &mut random)?.ok_or_else(|| {
        Failure::Usage(
            "there is no key for codes: set web.link_key_file or database.state_dir".into(),
        )
    })?;
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    let invitees = match (&arguments.class, &arguments.guardian, &arguments.staff) {
        (Some(class), ..) => {
            let classes = store.classes(today).await?;
            let found = classes.iter().find(|(_, known)| known == class);
            let (id, _) = found.ok_or_else(|| unknown(class, &classes))?;
            store.invitees_of_class(*id, today).await?
        }
        (None, Some(who), _) => {
            let guardian = only("guardian", who, store.find_guardians(who).await?)?;
            store.invitees_of_guardian(guardian.id, today).await?
        }
        (None, None, Some(who)) => {
            let staff = only("member of staff", who, store.find_staff(who).await?)?;
            vec![Invitee {
                guest: Guest::Staff(staff.id),
                name: staff.name,
                student: None,
                class: None,
            }]
        }
        (None, None, None) => Vec::new(),
    };
    if invitees.is_empty() {
        eprintln!("nobody is left to invite: all are connected, or answer for no student");
    }
    let expires_at = now + arguments.days * DAY;
    let issued: Vec<Issued> = invitees
        .into_iter()
        .map(|to| Issued {
            code: Code::draw(&mut random),
            to,
        })
        .collect();
    let rows: Vec<NewInvite> = issued
        .iter()
        .map(|one| NewInvite {
            code_hash: links.invite(&one.code),
            guest: one.to.guest,
            expires_at,
        })
        .collect();
    let pdf = match &arguments.out {
        Some(_) if !issued.is_empty() => Some(cards(config, store, &issued, expires_at).await?),
        _ => None,
    };
    // Nobody is shut out by cards that could not be printed.
    store.issue_invites(&rows, now).await?;
    if let (Some(path), Some(pdf)) = (&arguments.out, pdf) {
        write_private(path, &pdf.bytes).with_context(|| format!("{}", path.display()))?;
        eprintln!(
            "{}: {} cards on {} pages",
            path.display(),
            issued.len(),
            pdf.pages
        );
    }
    print(&issued, expires_at, zone, arguments.json)?;
    Ok(())
}

/// The cards as pages. Where the bot's name cannot be had, they have no picture.
async fn cards(
    config: &Config,
    store: &Store,
    issued: &[Issued],
    expires_at: Millis,
) -> Result<vestnik_sheet::Pdf, Failure> {
    let name = match &config.telegram {
        Some(account) => providers::telegram(account)?.name().await,
        None => return Err(Failure::Usage("there is no bot".into())),
    };
    let name = name
        .inspect_err(|reason| eprintln!("the cards have no picture: {reason}"))
        .ok();
    let zone = store.school(&config.school).await?;
    let day = zone::local(expires_at, zone).date();
    let card = |one: &Issued| Card {
        whom: one.to.name.clone(),
        of: one.to.student.as_ref().map(|student| match &one.to.class {
            Some(class) => format!("{student}, {class}"),
            None => student.clone(),
        }),
        code: one.code.to_string(),
        link: name
            .as_ref()
            .map(|name| format!("https://t.me/{name}?start={}", one.code.letters())),
    };
    let cards = Cards {
        school: store.school_name().await?.unwrap_or_default(),
        bot: name.as_ref().map(|name| format!("@{name}")),
        until: format!("{} {}", words::day(day), day.year()),
        cards: issued.iter().map(card).collect(),
    };
    Ok(child(config)?.render(&cards, CARDS).await?)
}

/// Writes a file that only its owner may read: it lets people in.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// That no student attends a class.
pub(super) fn unknown(class: &ClassName, classes: &[(i64, ClassName)]) -> Failure {
    let known: Vec<String> = classes.iter().map(|(_, class)| class.plain()).collect();
    Failure::Usage(format!(
        "no student attends {class} today; classes are: {}",
        known.join(", ")
    ))
}

fn print(
    issued: &[Issued],
    expires_at: Millis,
    zone: chrono_tz::Tz,
    as_json: bool,
) -> Result<(), Failure> {
    let until = zone::timestamp(expires_at, zone);
    if as_json {
        let list: Vec<_> = issued
            .iter()
            .map(|one| {
                json!({
                    "code": one.code.to_string(),
                    "guardian": one.to.name,
                    "student": one.to.student,
                    "expires_at": until,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    for one in issued {
        let student = one.to.student.as_deref().unwrap_or("staff");
        println!("{}  {}, {student}", one.code, one.to.name);
    }
    if !issued.is_empty() {
        eprintln!("valid until {until}; older codes of the same people let nobody in any more");
    }
    Ok(())
}
