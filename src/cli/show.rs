//! `status` and `explain`: what is told about what happens.

use anyhow::{Result, anyhow};

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    explain::tell,
    store::{Found, Status, Store},
};

pub(super) async fn status(store: &Store, json: bool) -> Result<(), Failure> {
    let status = store.status(Clock::Wall.now()).await?;
    print_status(&status, json)?;
    Ok(())
}

/// Prints a status for a person or for a program.
pub(super) fn print_status(status: &Status, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(status)?);
        return Ok(());
    }
    for (channel, states) in &status.messages {
        let states: Vec<String> = states
            .iter()
            .map(|(state, n)| format!("{state} {n}"))
            .collect();
        println!("{channel:<10} {}", states.join(", "));
    }
    if status.messages.is_empty() {
        println!("no messages yet");
    }
    let notices: Vec<String> = status
        .notices
        .iter()
        .map(|(state, n)| format!("{state} {n}"))
        .collect();
    println!(
        "{:<10} {}",
        "notices",
        if notices.is_empty() {
            "none".into()
        } else {
            notices.join(", ")
        }
    );
    println!("{:<10} {}", "unplanned", status.changes_unplanned);
    println!(
        "{:<10} {} now, {} possible duplicates ever",
        "in doubt", status.in_doubt, status.possible_duplicates
    );
    for (lane, stands) in &status.lanes {
        let since = chrono::DateTime::from_timestamp_millis(stands.since).unwrap_or_default();
        let since = since.format("%Y-%m-%d %H:%M UTC");
        let why = stands.because.unwrap_or_default();
        match stands.standing {
            "down" => {
                println!(
                    "{lane} is down since {since} ({why}): another account takes its messages"
                );
            }
            "trial" => println!("{lane} is tried since {since}, one message at a time"),
            "suspect" => println!("{lane} is suspect: something failed, and it is still used"),
            _ => {}
        }
    }
    for (lane, why) in &status.resting {
        println!("{lane} rests: {why}");
    }
    Ok(())
}

pub(super) async fn explain(
    store: &Store,
    config: &Config,
    reference: &str,
) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let history = store.history(&reference.trim().to_uppercase()).await?;
    let history =
        history.ok_or_else(|| Failure::Failed(anyhow!("no message is called {reference}")))?;
    for line in tell(&history, zone) {
        println!("{line}");
    }
    Ok(())
}

/// The one who is meant; candidates are listed where there are several.
pub(super) fn only(kind: &str, who: &str, mut found: Vec<Found>) -> Result<Found, Failure> {
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => Err(Failure::Usage(format!(
            "no {kind} is called «{who}»: give an id, a source key, or surname and given name"
        ))),
        (Some(last), false) => {
            found.push(last);
            let list: Vec<String> = found
                .iter()
                .map(|one| format!("  {}  {} {}", one.id, one.name, one.hint))
                .collect();
            Err(Failure::Usage(format!(
                "«{who}» may be several; give the id:\n{}",
                list.join("\n")
            )))
        }
    }
}
