//! `import`: another system's files.

use std::{fs, io::IsTerminal, path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow};
use chrono::NaiveDate;
use clap::Args;
use indicatif::ProgressBar;

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    family::{preference::Event, rights, route::Route},
    journal::{
        class_name::ClassName,
        import::{File, Options, Source, read, refuse_size},
    },
    store::{ImportOptions, ImportReport, MarkChange, Store},
    zone,
};

/// The arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// netschool, eljur or table
    #[arg(long, value_name = "SOURCE")]
    from: String,
    /// Files or folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The class, where the files do not name it
    #[arg(long, value_name = "7Б")]
    class: Option<String>,
    /// Which column is which, for tables: [columns] with "Заголовок" = "student"
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// The days that ЭлЖур was asked for, as in 2026-11-09..2026-11-15: what is missing from them is gone.
    /// Without it these are the days that the files name
    #[arg(long, value_name = "FROM..TO", value_parser = days)]
    days: Option<(NaiveDate, NaiveDate)>,
    /// Only say what would change and who would hear
    #[arg(long)]
    dry_run: bool,
    /// Take all of it as known: nobody is told
    #[arg(long)]
    baseline: bool,
}

/// Two days as FROM..TO.
fn days(text: &str) -> Result<(NaiveDate, NaiveDate), String> {
    let parsed = text
        .split_once("..")
        .and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    match parsed {
        Some((from, to)) if from <= to => Ok((from, to)),
        _ => Err("write two days as in 2026-11-09..2026-11-15".into()),
    }
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let source = Source::from_code(&arguments.from).ok_or_else(|| {
        Failure::Usage(format!(
            "--from: «{}» is not known; write netschool, eljur or table",
            arguments.from
        ))
    })?;
    let class = arguments
        .class
        .as_deref()
        .map(str::parse::<ClassName>)
        .transpose();
    let class = class.map_err(|error| Failure::Usage(format!("--class: {error}")))?;
    let progress = progress();
    progress.set_message("reading files");
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, &mut files)?;
    }
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let options = Options {
        source,
        class,
        mapping: arguments.mapping.as_ref().map(file).transpose()?,
        days: arguments.days,
        today: zone::local(now, zone).date(),
    };
    let load = read(&files, &options)?;
    progress.set_message(format!("comparing {} rows with the journal", load.rows));
    let how = ImportOptions {
        dry_run: arguments.dry_run,
        baseline: arguments.baseline,
    };
    let report = store.import(&load, how, now).await?;
    progress.finish_and_clear();
    tell(&report, arguments.dry_run);
    if arguments.dry_run {
        for line in hearers(store, config, &report, options.today).await? {
            println!("{line}");
        }
    }
    Ok(())
}

fn progress() -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// A file, or every file of a folder.
fn collect(path: &PathBuf, files: &mut Vec<File>) -> Result<()> {
    if !path.is_dir() {
        files.push(file(path)?);
        return Ok(());
    }
    let entries = fs::read_dir(path).with_context(|| path.display().to_string())?;
    let mut inside = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| path.display().to_string())?;
    inside.sort();
    for entry in inside.iter().filter(|entry| entry.is_file()) {
        files.push(file(entry)?);
    }
    if files.is_empty() {
        return Err(anyhow!("{} has no files", path.display()));
    }
    Ok(())
}

pub(super) fn file(path: &PathBuf) -> Result<File> {
    let name = path.display().to_string();
    let size = fs::metadata(path).with_context(|| name.clone())?.len();
    refuse_size(&name, size).map_err(|error| anyhow!("{error}"))?;
    let bytes = fs::read(path).with_context(|| name.clone())?;
    Ok(File { name, bytes })
}

fn tell(report: &ImportReport, dry_run: bool) {
    if report.counts.is_empty() {
        println!("nothing new");
        return;
    }
    println!(
        "{}",
        if dry_run {
            "would be written:"
        } else {
            "written:"
        }
    );
    for (table, [inserted, updated, deleted]) in &report.counts {
        let mut words = Vec::new();
        for (count, word) in [
            (inserted, "new"),
            (updated, "changed"),
            (deleted, "removed"),
        ] {
            if *count > 0 {
                words.push(format!("{count} {word}"));
            }
        }
        println!("  {:<13} {}", table.name(), words.join(", "));
    }
    if report.nameless > 0 {
        println!(
            "{} students are named by no file and stand as «Ученик №»: import the file of diary/init",
            report.nameless
        );
    }
    for (table, count) in &report.baseline {
        println!(
            "{count} rows of {} are the first of their class or student: nobody is told of them",
            table.name()
        );
    }
}

/// Who would hear of the marks that would change.
async fn hearers(
    store: &Store,
    config: &Config,
    report: &ImportReport,
    today: NaiveDate,
) -> Result<Vec<String>> {
    let students: Vec<i64> = report
        .marks
        .iter()
        .filter_map(|mark| mark.fact.map(|fact| fact.student_id))
        .collect();
    let people = store.people(&students, today).await?;
    let names = store
        .guardian_names(people.guardianships.iter().map(|tie| &tie.guardian_id))
        .await?;
    let configured = config.channels();
    let mut lines = Vec::new();
    for mark in &report.marks {
        let Some(fact) = mark.fact else {
            lines.push(format!(
                "{}: nobody answers for the student yet",
                words(mark)
            ));
            continue;
        };
        let event = Event::of(fact.place, false, &mark.news());
        let mut who = Vec::new();
        for id in rights::hearers(&people, fact.student_id, today) {
            let Some(guardian) = people.guardian(id) else {
                continue;
            };
            let name = names.get(&id).cloned().unwrap_or_default();
            let route = crate::family::route::route(
                &people,
                guardian,
                fact.student_id,
                event,
                &configured,
                today,
            );
            who.push(match route {
                Route::Sheet(why) => format!("{name} on paper ({why})"),
                Route::Electronic { contacts, .. } => {
                    let channels: Vec<&str> = contacts
                        .iter()
                        .filter_map(|id| people.contacts.iter().find(|contact| contact.id == *id))
                        .map(|contact| contact.channel.code())
                        .collect();
                    format!("{name} by {}", channels.join(" and "))
                }
            });
        }
        let who = if who.is_empty() {
            "nobody".to_owned()
        } else {
            who.join(", ")
        };
        lines.push(format!(
            "student {}, {}: {} would be heard by {who}",
            fact.student_id,
            fact.place.date().unwrap_or(today),
            words(mark)
        ));
    }
    Ok(lines)
}

fn words(mark: &MarkChange) -> String {
    match (&mark.old, &mark.new) {
        (None, Some(new)) => format!("{new} entered"),
        (Some(old), Some(new)) => format!("{old} becomes {new}"),
        (Some(old), None) => format!("{old} removed"),
        (None, None) => "nothing".into(),
    }
}
