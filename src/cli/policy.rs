//! `policy`: which rules hold, by which clause, and how two schools differ.

use anyhow::anyhow;
use chrono::{Days, NaiveDate};
use clap::Subcommand;

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    policy::{RULES, Regulation},
    store::Store,
    zone,
};

/// What is asked of the policies.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Show each rule with its clause; without a name those that hold in this school
    #[command(
        after_help = "Example: vestnik policy show tkk\n         vestnik policy show --on 2026-10-14"
    )]
    Show {
        /// A policy that comes with the program, or a file beside the configuration
        name: Option<String>,
        /// What held on this day
        #[arg(long, value_name = "DATE", conflicts_with = "name")]
        on: Option<NaiveDate>,
    },
    /// Show the rules in which two policies differ, with both clauses
    #[command(after_help = "Example: vestnik policy diff natashinskaya tkk")]
    Diff {
        /// The one
        left: String,
        /// The other
        right: String,
    },
}

pub(super) async fn run(config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Show { on: Some(day), .. } => held_on(config, *day).await,
        Action::Show { name, on: None } => {
            let regulation = match name {
                Some(name) => named(config, name)?,
                None => current(config).await?,
            };
            show(&regulation);
            Ok(())
        }
        Action::Diff { left, right } => {
            diff(&named(config, left)?, &named(config, right)?);
            Ok(())
        }
    }
}

/// A policy without the school's own rules over it: what the regulation itself says.
fn named(config: &Config, name: &str) -> Result<Regulation, Failure> {
    config
        .regulation_alone(name)
        .map_err(|errors| Failure::Usage(errors.0.join("; ")))
}

/// What holds in this school: its row names the policy, the configuration may override rules.
async fn current(config: &Config) -> Result<Regulation, Failure> {
    let row = match Store::look(config.database.reveal()).await {
        Ok(store) => store.policy_name().await?,
        Err(_) => None,
    };
    let name = row.unwrap_or_else(|| config.school.policy.clone());
    Ok(config.regulation(&name)?)
}

fn show(regulation: &Regulation) {
    println!("{}: {}", regulation.name, regulation.title);
    for (rule, acted) in RULES {
        let Some(line) = regulation.lines.get(*rule) else {
            continue;
        };
        let later = if *acted { "" } else { " (not acted on yet)" };
        println!("  {rule:<19} {:<14} {}{later}", line.value, line.clause);
    }
}

fn diff(left: &Regulation, right: &Regulation) {
    let lines = left.diff(right);
    if lines.is_empty() {
        println!("{} and {} say the same.", left.name, right.name);
    }
    for (rule, one, other) in lines {
        println!("{rule}");
        for (regulation, line) in [(left, one), (right, other)] {
            println!(
                "  {:<22} {:<14} {}",
                regulation.name, line.value, line.clause
            );
        }
    }
}

async fn held_on(config: &Config, day: NaiveDate) -> Result<(), Failure> {
    let store = super::look(config).await?;
    let zone = store.school(&config.school).await?;
    let end = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let now = Clock::Wall.now();
    let at = (zone::instant(end.into(), zone) - 1).min(now);
    let version = store.policy_on(at).await?.ok_or_else(|| {
        anyhow!("no policy is remembered of {day}: the daemon had not run by then")
    })?;
    let since = zone::local(version.valid_from, zone).format("%d.%m.%Y %H:%M");
    println!("{} since {since}", version.name);
    for line in version.content.lines() {
        println!("  {line}");
    }
    Ok(())
}
