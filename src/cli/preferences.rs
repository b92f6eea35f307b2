//! `preferences`: links by which families say how they want to hear, and what they said.

use clap::Subcommand;
use serde_json::json;

use super::{Failure, show::only};
use crate::{
    clock::{self, Clock},
    config::Config,
    engine::reference,
    instant::DAY,
    links::Links,
    store::Store,
    zone,
};

/// What is done with preferences.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Make a link for a guardian who asked for one; older links of theirs end
    #[command(
        after_help = "Example: vestnik preferences link --guardian \"Соколова Ольга\" --days 14\n\
        The page behind it asks for no password and names nobody: hand it out to its guardian only."
    )]
    Link {
        /// An id, a source key, or «Фамилия Имя»
        #[arg(long, value_name = "WHO")]
        guardian: String,
        /// For how many days it leads somewhere
        #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(i64).range(1..=366))]
        days: i64,
    },
    /// List what families decided by links and mails in the last 30 days
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Link { guardian, days } => link(store, config, guardian, *days).await,
        Action::List { json } => list(store, config, *json).await,
    }
}

async fn link(store: &Store, config: &Config, who: &str, days: i64) -> Result<(), Failure> {
    let missing = || {
        Failure::Usage(
            "web.public_url is not set: families would not find the page. Set it to where the daemon is \
             reached from outside"
                .into(),
        )
    };
    config.public_url.as_ref().ok_or_else(missing)?;
    let mut random = clock::random();
    let links = Links::open(config, store.file(), &mut random)?.ok_or_else(missing)?;
    let guardian = only("guardian", who, store.find_guardians(who).await?)?;
    let now = Clock::Wall.now();
    let expires_at = now + days * DAY;
    let name = reference(&mut random);
    let url = links.preferences(&name, expires_at).ok_or_else(missing)?;
    store
        .issue_link(&name, guardian.id, expires_at, now)
        .await?;
    println!("{url}");
    let zone = store.school(&config.school).await?;
    eprintln!(
        "for {}, until {}",
        guardian.name,
        zone::local(expires_at, zone).format("%d.%m.%Y %H:%M")
    );
    Ok(())
}

async fn list(store: &Store, config: &Config, as_json: bool) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let choices = store.family_choices(Clock::Wall.now() - 30 * DAY).await?;
    if as_json {
        let list: Vec<_> = choices
            .iter()
            .map(|one| {
                json!({
                    "guardian": one.guardian,
                    "what": one.what,
                    "way": one.way,
                    "at": zone::timestamp(one.at, zone),
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    for one in &choices {
        let at = zone::local(one.at, zone).format("%Y-%m-%d %H:%M");
        println!("{at}  {}, by {}: {}", one.guardian, one.way, one.what);
    }
    if choices.is_empty() {
        eprintln!("no family decided anything by itself");
    }
    Ok(())
}
