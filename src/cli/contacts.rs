//! `contacts`: the addresses that are not written to, and how one comes off that list.

use anyhow::anyhow;
use clap::Subcommand;
use serde_json::json;

use super::Failure;
use crate::{clock::Clock, config::Config, store::Store, zone};

/// What is done with addresses.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List the addresses that failed, with the reason; the addresses themselves stay in the database
    Suppressed {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write to an address again that a person has verified
    #[command(
        after_help = "Example: vestnik contacts reactivate 17 --document \"звонок матери 15.10.\"\n\
        Who complained stays on the list: record a new consent and a new address."
    )]
    Reactivate {
        /// The number in the list
        contact: i64,
        /// How it was verified
        #[arg(long, value_name = "TEXT")]
        document: String,
    },
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Suppressed { json } => list(store, config, *json).await,
        Action::Reactivate { contact, document } => {
            let now = Clock::Wall.now();
            match store.reactivate(*contact, document, now).await?.as_deref() {
                None => Err(Failure::Usage(format!(
                    "there is no address with the number {contact}: vestnik contacts suppressed lists them"
                ))),
                Some("complained") => Err(Failure::Failed(anyhow!(
                    "its owner complained: ask for a new consent and record the address anew"
                ))),
                Some("ok") => {
                    println!("{contact} was written to all the time; it counts as verified now");
                    Ok(())
                }
                Some(before) => {
                    println!("{contact} was {before} and is written to again");
                    Ok(())
                }
            }
        }
    }
}

async fn list(store: &Store, config: &Config, as_json: bool) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let suppressed = store.suppressed().await?;
    if as_json {
        let list: Vec<_> = suppressed
            .iter()
            .map(|one| {
                json!({
                    "contact_id": one.id,
                    "owner": one.owner,
                    "channel": one.channel,
                    "health": one.health,
                    "reason": one.reason,
                    "since": one.since.map(|at| zone::timestamp(at, zone)),
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    for one in &suppressed {
        let since = one.since.map_or_else(String::new, |at| {
            format!(" since {}", zone::local(at, zone).date())
        });
        let reason = one.reason.as_deref().unwrap_or("no reason is noted");
        println!(
            "{}  {}, {}: {} ({reason}){since}",
            one.id, one.owner, one.channel, one.health
        );
    }
    if suppressed.is_empty() {
        eprintln!("every address is well");
    }
    Ok(())
}
