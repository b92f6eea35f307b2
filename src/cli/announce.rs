//! `announce`: a word to classes from the shell, looked at as the bot's wizard looks at it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::json;
use vestnik_contract::File;

use super::Failure;
use crate::{
    announce::{self, Audience, MAX_FILE, MAX_FILES, Note, notes},
    clock::Clock,
    config::Config,
    instant::{Millis, SECOND},
    journal::class_name::ClassName,
    store::{NewAnnouncement, Store},
    zone,
};

/// How long it waits in which it may be cancelled.
const HOLD: Millis = 60 * SECOND;

/// Whose confirmation is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Confirm {
    /// Of one parent of each student
    One,
    /// Of both
    Both,
}

/// The arguments of `announce`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(super) struct Arguments {
    /// The class; several times for several
    #[arg(long, value_name = "CLASS", required_unless_present_any = ["all", "cancel"])]
    class: Vec<ClassName>,
    /// All classes
    #[arg(long, conflicts_with = "class")]
    all: bool,
    /// What is announced
    #[arg(
        long,
        required_unless_present = "cancel",
        default_value = "",
        hide_default_value = true
    )]
    text: String,
    /// The same in fewer words, for SMS
    #[arg(long, value_name = "TEXT")]
    sms: Option<String>,
    /// It breaks into the night
    #[arg(long)]
    urgent: bool,
    /// Families confirm that they have read it
    #[arg(long)]
    confirm: Option<Confirm>,
    /// What families can answer, where it asks something; twice to four times
    #[arg(long, value_name = "TEXT")]
    answer: Vec<String>,
    /// A file that comes with it; at most three, together up to 5 MB
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Take this one back instead: who has heard it hears that, too
    #[arg(long, value_name = "ID", conflicts_with_all = ["class", "all", "text", "answer", "file"])]
    cancel: Option<i64>,
    /// Only say whom it would reach
    #[arg(long)]
    dry_run: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    if let Some(id) = arguments.cancel {
        if store.cancel_announcement(id, Clock::Wall.now()).await? {
            eprintln!("announcement {id} is taken back");
            return Ok(());
        }
        return Err(Failure::Usage(format!(
            "there is no announcement {id} that could be taken back"
        )));
    }
    let text = arguments.text.trim();
    if text.is_empty() {
        return Err(Failure::Usage(
            "--text: there is nothing to announce".into(),
        ));
    }
    let answers = asked(&arguments.answer)?;
    let files = read(&arguments.file)?;
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    let classes = chosen(&store.classes(today).await?, arguments)?;
    let of = store.people_of_classes(&classes, today).await?;
    let channels = config.channels();
    let audience = Audience::of(&of.people, &of.students, arguments.urgent, &channels, today);
    for note in notes(text, &of.surnames) {
        eprintln!("look again: {}", in_words(&note));
    }
    let named = store.policy_name().await?;
    let policy = config.regulation(named.as_deref().unwrap_or(&config.school.policy))?;
    let soon = now + HOLD;
    let send_at = if arguments.urgent {
        soon
    } else {
        let local = zone::local(soon, zone);
        zone::instant(policy.policy.quiet.over_at(local), zone).max(soon)
    };
    let id = if arguments.dry_run {
        None
    } else {
        let mut kept = Vec::new();
        for file in &files {
            let called = (file.name.as_str(), file.mime.as_str());
            kept.push(store.keep_file(called, &file.content, now).await?);
        }
        let new = NewAnnouncement {
            author: None,
            classes: &classes,
            text,
            sms: arguments.sms.as_deref(),
            urgent: arguments.urgent,
            confirm: match arguments.confirm {
                None => "none",
                Some(Confirm::One) => "one",
                Some(Confirm::Both) => "both",
            },
            answers: &answers,
            files: &kept,
            send_at,
        };
        Some(store.announce(&new).await?)
    };
    print(
        id,
        &audience,
        &zone::timestamp(send_at, zone),
        arguments.json,
    )
}

/// What can be answered.
fn asked(typed: &[String]) -> Result<Vec<String>, Failure> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    announce::answers(&typed.join("\n")).ok_or_else(|| {
        Failure::Usage(
            "--answer: a question has two to four different answers of at most 40 characters"
                .into(),
        )
    })
}

/// What comes with it.
fn read(paths: &[PathBuf]) -> Result<Vec<File>, Failure> {
    let refuse =
        |path: &Path, why: &str| Failure::Usage(format!("--file: {}: {why}", path.display()));
    let mut files = Vec::new();
    let mut together = 0;
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let endings = announce::endings();
        let (name, mime) = announce::file(name, "", 1)
            .ok_or_else(|| refuse(path, &format!("families open files such as {endings}")))?;
        // Asked for before it is read: nobody wants a film in memory.
        let length = fs::metadata(path)
            .map_err(|error| refuse(path, &error.to_string()))?
            .len();
        together += length;
        if together > MAX_FILE || files.len() == MAX_FILES {
            return Err(refuse(path, "at most three files, together up to 5 MB"));
        }
        let content = fs::read(path).map_err(|error| refuse(path, &error.to_string()))?;
        files.push(File {
            name,
            mime: mime.to_owned(),
            content: content.into(),
        });
    }
    Ok(files)
}

/// The classes that are meant.
fn chosen(known: &[(i64, ClassName)], arguments: &Arguments) -> Result<Vec<i64>, Failure> {
    if arguments.all {
        return Ok(known.iter().map(|(id, _)| *id).collect());
    }
    arguments
        .class
        .iter()
        .map(|wanted| {
            let found = known.iter().find(|(_, class)| class == wanted);
            found.map(|(id, _)| *id).ok_or_else(|| {
                let known: Vec<String> = known.iter().map(|(_, class)| class.plain()).collect();
                Failure::Usage(format!(
                    "no student attends {wanted} today; classes are: {}",
                    known.join(", ")
                ))
            })
        })
        .collect()
}

fn print(
    id: Option<i64>,
    audience: &Audience,
    send_at: &str,
    as_json: bool,
) -> Result<(), Failure> {
    let channels = audience.by_channel();
    if as_json {
        let channels: serde_json::Map<String, serde_json::Value> = channels
            .iter()
            .map(|(channel, count)| (channel.code().to_owned(), json!(count)))
            .collect();
        let line = json!({
            "id": id,
            "students": audience.students,
            "guardians": audience.reached(),
            "must_not_hear": audience.listeners.len() - audience.reached(),
            "with_a_digest": audience.later(),
            "channels": channels,
            "send_at": send_at,
        });
        println!("{}", serde_json::to_string_pretty(&line)?);
        return Ok(());
    }
    let by: Vec<String> = channels
        .iter()
        .map(|(channel, count)| format!("{} {count}", channel.code()))
        .collect();
    println!(
        "{} students, {} guardians: {}",
        audience.students,
        audience.reached(),
        by.join(", ")
    );
    if audience.later() > 0 {
        println!(
            "{} of them with their digest, as they chose",
            audience.later()
        );
    }
    match id {
        Some(id) => eprintln!(
            "announcement {id} leaves at {send_at}; vestnik announce --cancel {id} stops it"
        ),
        None => eprintln!("nothing was written down"),
    }
    Ok(())
}

fn in_words(note: &Note) -> String {
    match note {
        Note::Link => "there is a link in it; the school promises none to log in".into(),
        Note::Surname(word) => format!("«{word}» looks like a student's surname"),
        Note::Loud => "it shouts".into(),
        Note::Money => "it speaks of money, as fraudsters do".into(),
        Note::Secret => "it asks for a code or a password, which the school never does".into(),
    }
}
