//! Lives through generated school years and proves the invariants of the design.
//!
//! `cargo run --release --example simulate -- --seed 7 --students 800 --days 210`

#![expect(
    clippy::unwrap_used,
    reason = "a simulated school that cannot be made has failed"
)]

mod checks;
mod heard;
mod lives;
mod logs;
mod providers;
mod run;
mod school;
mod words;
mod year;

use std::{
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use clap::Parser;
use indicatif::ProgressBar;
use lives::live_all;
use run::{Broken, Plan, Summary, live};

/// Lives through generated school years and proves the invariants.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seed of the year.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Many years: from the first seed up to, but without, the last.
    #[arg(long, value_name = "A..B", value_parser = range)]
    seeds: Option<Range<u64>>,
    /// How many students the school has.
    #[arg(long, default_value_t = 40)]
    students: i64,
    /// How many days the year has.
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// Where to keep the database of the year, to look at what went wrong.
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    keep: Option<PathBuf>,
}

fn range(text: &str) -> Result<Range<u64>, String> {
    let bounds = text
        .split_once("..")
        .and_then(|(from, to)| from.parse().ok().zip(to.parse().ok()));
    bounds
        .map(|(from, to)| from..to)
        .ok_or_else(|| format!("«{text}» is no range: write it as 1..201"))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let plan = |seed| Plan {
        seed,
        students: arguments.students,
        days: arguments.days,
    };
    let kept = if let Some(seeds) = arguments.seeds.clone() {
        let plans: Vec<Plan> = seeds.map(plan).collect();
        many(&plans)
    } else {
        one(plan(arguments.seed), arguments.keep.as_deref())
    };
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn one(plan: Plan, keep: Option<&Path>) -> bool {
    let bar = ProgressBar::new(plan.days);
    #[expect(
        clippy::disallowed_methods,
        reason = "how long a year takes is no part of it"
    )]
    let began = Instant::now();
    let lived = live(plan, keep, |day| bar.set_position(day));
    bar.finish_and_clear();
    tell(plan, &lived, began.elapsed().as_secs_f64());
    lived.is_ok()
}

/// Says of each year what happened when it is over, and at the end how many were kept.
fn many(plans: &[Plan]) -> bool {
    let bar = ProgressBar::new(plans.len() as u64);
    let mut kept = 0;
    live_all(plans, |plan, lived, seconds| {
        bar.suspend(|| tell(plan, &lived, seconds));
        bar.inc(1);
        kept += usize::from(lived.is_ok());
    });
    bar.finish_and_clear();
    println!("{kept} of {} years kept", plans.len());
    kept == plans.len()
}

fn tell(plan: Plan, lived: &Result<Summary, Broken>, seconds: f64) {
    let summary = match lived {
        Ok(summary) => summary,
        Err(broken) => return println!("{broken}"),
    };
    let per = |count: usize, by: f64| f64::from(u32::try_from(count).unwrap()) / by;
    let months = f64::from(u32::try_from(plan.days).unwrap()) / 30.0;
    let families = f64::from(u32::try_from(summary.families.max(1)).unwrap());
    println!(
        "seed {}: {seconds:.1} s, {} journal writes, {} turns, {} crashes, {} broken turns, {} messages taken, \
         {} in doubt, {} second copies, {} sheets, {} facts told; {:.2} parts an SMS, {:.1} SMS a guardian and month; {:016x}",
        plan.seed,
        summary.writes,
        summary.turns,
        summary.crashes,
        summary.failures,
        summary.taken,
        summary.doubtful,
        summary.copies,
        summary.sheets,
        summary.told,
        per(
            summary.parts,
            f64::from(u32::try_from(summary.sms.max(1)).unwrap())
        ),
        per(summary.sms, families * months),
        summary.digest,
    );
}
