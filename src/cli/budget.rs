//! `budget`: what SMS have cost in a month, and what is left.

use anyhow::anyhow;
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    money::{Budget, Kopecks, month},
    store::Store,
    zone,
};

/// The arguments of `budget`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The month, as in 2026-10; this month without it
    #[arg(long, value_name = "MONTH")]
    month: Option<String>,
    /// As JSON, with sums in kopecks
    #[arg(long)]
    json: bool,
}

/// What `budget --json` prints.
#[derive(Debug, Serialize)]
struct Report {
    month: String,
    lanes: Vec<OfLane>,
    spent: Kopecks,
    /// What is composed and has not left; none of another month.
    ready: Option<Kopecks>,
    budget: Option<Limits>,
    /// Families that wait for their sheet because there is no money.
    families_without_money: Option<i64>,
}

#[derive(Debug, Serialize)]
struct OfLane {
    #[serde(rename = "lane")]
    name: String,
    parts: i64,
    cost: Kopecks,
}

#[derive(Debug, Serialize)]
struct Limits {
    month: Kopecks,
    soft_stop: Kopecks,
    hard_stop: Kopecks,
    stands: &'static str,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let this = month(zone::local(Clock::Wall.now(), zone).date());
    let wanted = arguments.month.as_deref().unwrap_or(&this);
    if NaiveDate::parse_from_str(&format!("{wanted}-01"), "%Y-%m-%d").is_err() || wanted.len() != 7
    {
        return Err(Failure::Usage(format!(
            "«{wanted}» is no month: write 2026-10"
        )));
    }
    let report = report(store, config.budget, wanted, wanted == this).await?;
    if arguments.json {
        let json = serde_json::to_string_pretty(&report).map_err(|error| anyhow!(error))?;
        println!("{json}");
    } else {
        print(&report);
    }
    Ok(())
}

async fn report(
    store: &Store,
    budget: Option<Budget>,
    month: &str,
    current: bool,
) -> Result<Report, Failure> {
    let lanes: Vec<OfLane> = store
        .spending(month)
        .await?
        .into_iter()
        .map(|one| OfLane {
            name: one.lane,
            parts: one.parts,
            cost: one.cost,
        })
        .collect();
    let spent = lanes.iter().fold(Kopecks(0), |sum, one| sum.and(one.cost));
    let (ready, without) = if current {
        let ready = store.cost_of_ready().await?;
        (Some(ready), Some(store.without_money().await?))
    } else {
        (None, None)
    };
    let so_far = spent.and(ready.unwrap_or_default());
    Ok(Report {
        month: month.to_owned(),
        budget: budget.map(|budget| Limits {
            month: budget.month,
            soft_stop: budget.month.share(budget.soft),
            hard_stop: budget.month.share(budget.hard),
            stands: budget.stand(so_far).code(),
        }),
        lanes,
        spent,
        ready,
        families_without_money: without,
    })
}

fn print(report: &Report) {
    println!("{}", report.month);
    for one in &report.lanes {
        println!(
            "{:>12} {:>8} SMS {:>12} roubles",
            one.name,
            one.parts,
            one.cost.to_string()
        );
    }
    println!("{:>12} {:>29} roubles", "spent", report.spent.to_string());
    if let Some(ready) = report.ready.filter(|ready| *ready > Kopecks(0)) {
        println!("{:>12} {:>29} roubles", "on the way", ready.to_string());
    }
    match &report.budget {
        None => eprintln!("The month is not limited: see channels.sms.monthly_budget."),
        Some(limits) => {
            for (name, sum) in [
                ("soft stop", limits.soft_stop),
                ("hard stop", limits.hard_stop),
                ("budget", limits.month),
            ] {
                println!("{name:>12} {:>29} roubles", sum.to_string());
            }
            let words = match limits.stands {
                "above_soft_stop" => {
                    "Above the soft stop: what is not urgent waits for the digest, or goes by what costs nothing."
                }
                "above_hard_stop" => {
                    "Above the hard stop: only alarms leave by SMS; the rest goes by what costs nothing, or on the \
                     sheet."
                }
                _ => "Below both stops.",
            };
            println!("{words}");
        }
    }
    if let Some(families) = report.families_without_money.filter(|count| *count > 0) {
        println!("{families} guardians wait for their sheet because the money is spent.");
    }
}
