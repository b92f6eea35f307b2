//! `held`: what waits for a person's decision.

use std::fmt::Write;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::Failure;
use crate::{
    app,
    breaker::Kind,
    clock::Clock,
    config::Config,
    money::Kopecks,
    preview::{Preview, Previews},
    store::{Hold, Store, Verdict},
    text::Templates,
    zone,
};

/// What is done with what waits.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Show what waits, oldest first, with the number of notices
    #[command(after_help = "Example: vestnik held list --json")]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Families hear of it, as of anything else
    #[command(after_help = "Example: vestnik held release 3")]
    Release(Which),
    /// Nobody hears of it
    #[command(after_help = "Example: vestnik held drop 3")]
    Drop(Which),
    /// Each family hears in one sentence how much there is
    #[command(after_help = "Example: vestnik held summarise 3")]
    Summarise(Which),
}

/// What is decided about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Its number, as `held list` shows it
    id: Option<i64>,
    /// All that waits but questions about somebody's rights, which are answered one by one
    #[arg(long)]
    all: bool,
}

/// One line of `held list --json`.
#[derive(Debug, Serialize)]
struct Line {
    id: i64,
    kind: String,
    count: i64,
    opened_at: String,
    what: String,
    /// What would leave if it were released; none where a right is asked about.
    would_send: Option<Preview>,
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::List { json } => list(store, config, *json).await,
        Action::Release(which) => decide(store, which, Verdict::Release, "go on").await,
        Action::Drop(which) => decide(store, which, Verdict::Drop, "end untold").await,
        Action::Summarise(which) => decide(store, which, Verdict::Summarise, "are summed up").await,
    }
}

async fn list(store: &Store, config: &Config, json: bool) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let named = store.policy_name().await?;
    let policy = config.regulation(named.as_deref().unwrap_or(&config.school.policy))?;
    let store = &store.clone().telling(policy.policy.remarks);
    let rules = app::rules(config, zone, policy.policy);
    let templates = Templates::load(config.templates.as_deref()).context("templates.directory")?;
    let (channels, tariff) = (config.channels(), config.tariff());
    let previews = Previews::new(config, templates, &rules, &channels, &tariff);
    let mut lines = Vec::new();
    for hold in store.holds().await? {
        let would_send = if Kind::about_rights(&hold.kind) {
            None
        } else {
            Some(previews.of_hold(store, hold.id, Clock::Wall.now()).await?)
        };
        lines.push(Line {
            opened_at: zone::timestamp(hold.opened_at, zone),
            id: hold.id,
            kind: hold.kind,
            count: hold.count,
            what: hold.what,
            would_send,
        });
    }
    if json {
        println!(
            "{}",
            serde_json::to_string_pretty(&lines).map_err(anyhow::Error::from)?
        );
    } else if lines.is_empty() {
        println!("Nothing waits for a decision.");
    } else {
        for line in &lines {
            let notices = if line.count == 1 { "notice" } else { "notices" };
            println!(
                "{:>4}  {}  {:<16} {} {notices}, {}",
                line.id, line.opened_at, line.kind, line.count, line.what
            );
            if let Some(preview) = &line.would_send {
                println!("      released: {}", words(preview));
            }
        }
        eprintln!("Decide with vestnik held release, drop or summarise.");
    }
    Ok(())
}

/// «412 messages: email 250, sms 162 (240 SMS, 840.00 roubles); 42 notices on the sheet»
fn words(preview: &Preview) -> String {
    let total: usize = preview.channels.values().map(|one| one.messages).sum();
    let channels = preview.channels.iter().map(|(channel, one)| {
        let mut words = format!("{channel} {}", one.messages);
        if one.parts > one.messages || one.cost > Kopecks(0) {
            let _ = write!(words, " ({} SMS, {} roubles)", one.parts, one.cost);
        }
        words
    });
    let channels: Vec<String> = channels.collect();
    let mut words = match total {
        0 => "no message".to_owned(),
        1 => format!("1 message: {}", channels.join(", ")),
        _ => format!("{total} messages: {}", channels.join(", ")),
    };
    for (count, where_to) in [
        (preview.on_paper, "on the weekly sheet"),
        (preview.later, "later"),
        (preview.pointless, "pointless by now"),
    ] {
        if count > 0 {
            let _ = write!(words, "; {count} {where_to}");
        }
    }
    words
}

async fn decide(
    store: &Store,
    which: &Which,
    verdict: Verdict,
    words: &str,
) -> Result<(), Failure> {
    let holds = store.holds().await?;
    let about_rights = |hold: &&Hold| Kind::about_rights(&hold.kind);
    let ids = match which.id {
        Some(id) if verdict == Verdict::Summarise => {
            if holds.iter().filter(about_rights).any(|hold| hold.id == id) {
                return Err(Failure::Usage(format!(
                    "{id} asks about somebody's rights: write vestnik held release or drop"
                )));
            }
            vec![id]
        }
        Some(id) => vec![id],
        None => {
            let left = holds.iter().filter(about_rights).count();
            if left > 0 {
                eprintln!(
                    "{left} questions about somebody's rights are left: answer each by its number"
                );
            }
            // A pause is ended by its number, not by the way.
            let others = holds
                .iter()
                .filter(|hold| !about_rights(hold) && hold.kind != Kind::Pause.code());
            others.map(|hold| hold.id).collect()
        }
    };
    for id in ids {
        let count = store.decide(id, verdict, Clock::Wall.now()).await?;
        let count = count.ok_or_else(|| {
            anyhow!(
                "nothing of number {id} waits for a decision: vestnik held list shows what does"
            )
        })?;
        let notices = if count == 1 { "notice" } else { "notices" };
        if holds.iter().filter(about_rights).any(|hold| hold.id == id) {
            println!("{id}: answered");
        } else {
            println!("{id}: {count} {notices} {words}");
        }
    }
    Ok(())
}
