//! `sheets`: the printed sheets of a class and week.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use indicatif::ProgressBar;

use super::Failure;
use crate::{
    clock::{self, Clock},
    config::Config,
    journal::class_name::ClassName,
    paper::press::Press,
    store::Store,
    text::Templates,
    week::Week,
    zone,
};

/// The arguments of `sheets`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The class, as people write it; all classes without it
    #[arg(long)]
    class: Option<ClassName>,
    /// The week, as in 2026-W42, or one of its days; this week without it
    #[arg(long)]
    week: Option<Week>,
    /// The folder for the files; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    let week = arguments.week.unwrap_or(Week::of(today));
    let mut classes = store.classes(today).await?;
    if let Some(wanted) = &arguments.class {
        let known: Vec<String> = classes.iter().map(|(_, class)| class.plain()).collect();
        classes.retain(|(_, class)| class == wanted);
        if classes.is_empty() {
            return Err(Failure::Usage(format!(
                "no student attends {wanted} today; classes are: {}",
                known.join(", ")
            )));
        }
    }
    let templates = Templates::load(config.templates.as_deref()).context("templates.directory")?;
    let named = store.policy_name().await?;
    let regulation = config.regulation(named.as_deref().unwrap_or(&config.school.policy))?;
    let telling = store.clone().telling(regulation.policy.remarks);
    let press = Press {
        rhythm: regulation.policy.paper,
        certified: regulation.policy.certified,
        ..Press::new(config, telling, templates, zone)?
    };
    let progress = if classes.len() > 1 {
        ProgressBar::new(u64::try_from(classes.len()).unwrap_or_default())
    } else {
        ProgressBar::hidden()
    };
    let mut random = clock::random();
    let idle = store.classes_in_holidays(week).await?;
    let mut failed = 0;
    let mut sheets = 0;
    for (id, class) in &classes {
        let printed = press
            .print((*id, class), week, &arguments.out, now, &mut random)
            .await;
        progress.inc(1);
        match printed {
            Ok(Some(printed)) => {
                sheets += printed.sheets;
                progress.suspend(|| {
                    let file = printed.file.display();
                    println!(
                        "{file}: {} sheets on {} pages",
                        printed.sheets, printed.pages
                    );
                });
            }
            Ok(None) if idle.contains(id) => {
                progress.suspend(|| println!("{class}: holidays, no sheets"));
            }
            Ok(None) => progress.suspend(|| println!("{class}: nobody hears on paper")),
            Err(error) => {
                failed += 1;
                progress.suspend(|| eprintln!("{class}: {}", crate::app::story(&error)));
            }
        }
    }
    progress.finish_and_clear();
    if failed > 0 {
        return Err(Failure::Failed(anyhow!(
            "{failed} classes have no sheets; their families are told of nothing yet"
        )));
    }
    eprintln!("week {week}: {sheets} sheets");
    Ok(())
}
