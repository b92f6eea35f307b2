//! `status`, `explain` and `route`: what is told about what happens and what would.

use anyhow::{Result, anyhow};
use chrono_tz::Tz;
use serde::Serialize;

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    explain::tell,
    family::{
        contact::Channel,
        preference::{Event, Timing},
        road::roads,
    },
    instant::Millis,
    quiet::Quiet,
    schedule,
    store::{Found, Status, Store},
    zone,
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

/// One line of `route --json`.
#[derive(Debug, Serialize)]
struct Line {
    guardian_id: i64,
    guardian: String,
    student_id: i64,
    student: String,
    hears: bool,
    channel: Option<&'static str>,
    when: Option<String>,
    why: String,
}

pub(super) async fn route(
    store: &Store,
    config: &Config,
    who: &str,
    event: &str,
    json: bool,
) -> Result<(), Failure> {
    let event = Event::from_code(event).ok_or_else(|| {
        Failure::Usage(format!(
            "«{event}» is no event: write one of {}",
            Event::ALL
                .iter()
                .map(|event| event.code())
                .collect::<Vec<_>>()
                .join(", ")
        ))
    })?;
    let student = only("student", who, store.find_students(who).await?)?;
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    let people = store.people(&[student.id], today).await?;
    let names = store
        .guardian_names(people.guardianships.iter().map(|tie| &tie.guardian_id))
        .await?;
    let configured = config.channels();
    let lines: Vec<Line> = roads(&people, student.id, event, &configured, today)
        .into_iter()
        .map(|road| Line {
            guardian_id: road.guardian_id,
            guardian: names.get(&road.guardian_id).cloned().unwrap_or_default(),
            student_id: student.id,
            student: student.name.clone(),
            hears: road.hears,
            channel: road.channel.map(Channel::code),
            when: match (road.channel, road.timing) {
                (Some(_), Some(timing)) => Some(when(config, timing, zone, now)),
                (Some(_), None) => Some("with the weekly sheet".into()),
                (None, _) => None,
            },
            why: road.why,
        })
        .collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&lines)?);
    } else if lines.is_empty() {
        println!("Nobody answers for {}.", student.name);
    } else {
        for line in &lines {
            let how = match (line.channel, &line.when) {
                (Some(channel), Some(when)) => format!("by {channel}, {when}"),
                _ => "does not hear".into(),
            };
            println!("{}: {how} – {}", line.guardian, line.why);
        }
    }
    Ok(())
}

fn when(config: &Config, timing: Timing, zone: Tz, now: Millis) -> String {
    let run = |line| {
        schedule::next(line, zone, now).map_or_else(String::new, |at| {
            format!(", next {}", zone::local(at, zone).format("%d.%m.%Y %H:%M"))
        })
    };
    match timing {
        Timing::AtOnce => {
            let settling = config.regulation.policy.settling;
            match config.regulation.policy.quiet {
                Quiet::Off => format!("{settling} after the journal changed"),
                quiet @ Quiet::Between(..) => {
                    format!("{settling} after the journal changed, but not {quiet}")
                }
            }
        }
        Timing::Daily => format!("with the day's digest{}", run(&config.daily)),
        Timing::Weekly => format!("with the week's digest{}", run(&config.weekly)),
        Timing::Never => "never".into(),
    }
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
