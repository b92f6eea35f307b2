//! Generated school years, each proved to keep the invariants: many short ones with crashes, a full
//! one, and one twice.

#![expect(
    clippy::unwrap_used,
    reason = "a simulated school that cannot be made has failed"
)]

#[path = "../examples/simulate/checks.rs"]
mod checks;
#[path = "../examples/simulate/heard.rs"]
mod heard;
#[path = "../examples/simulate/lives.rs"]
mod lives;
#[path = "../examples/simulate/logs.rs"]
mod logs;
#[path = "../examples/simulate/providers.rs"]
mod providers;
#[path = "../examples/simulate/run/mod.rs"]
mod run;
#[path = "../examples/simulate/school.rs"]
mod school;
#[path = "../examples/simulate/words.rs"]
mod words;
#[path = "../examples/simulate/year/mod.rs"]
mod year;

use lives::live_all;
use run::{Plan, Summary, live};

/// Lives through the years of these seeds.
fn prove(seeds: std::ops::RangeInclusive<u64>, students: i64, days: u64) -> Vec<Summary> {
    let plans: Vec<Plan> = seeds
        .map(|seed| Plan {
            seed,
            students,
            days,
        })
        .collect();
    let mut summaries = Vec::new();
    let mut broken = Vec::new();
    live_all(&plans, |_, lived, _| match lived {
        Ok(summary) => summaries.push(summary),
        Err(one) => broken.push(one.to_string()),
    });
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    summaries
}

#[test]
fn in_short_years_nothing_is_lost_and_nothing_unlawful_leaves() {
    let seeds = std::env::var("VESTNIK_TEST_SEEDS").map_or(40, |count| count.parse().unwrap());
    let summaries = prove(1..=seeds, 40, 30);
    let sum = |count: fn(&Summary) -> u64| summaries.iter().map(count).sum::<u64>();
    // A year in which nothing happens proves nothing.
    assert!(sum(|one| one.crashes) >= 5 * seeds);
    assert!(sum(|one| one.told) >= 500 * seeds);
    assert!(summaries.iter().all(|one| one.sheets >= 10));
    // The second gateway has carried something, and not everything.
    let spare = |one: &Summary| u64::try_from(one.spare).unwrap();
    assert!(sum(spare) > 0);
    assert!(sum(spare) < sum(|one| u64::try_from(one.sms).unwrap()) / 2);
}

#[test]
fn a_full_year_keeps_what_a_month_keeps() {
    prove(1001..=1001, 24, 210);
}

#[test]
fn the_same_seed_is_the_same_year() {
    let plan = Plan {
        seed: 7,
        students: 30,
        days: 14,
    };
    let once = || live(plan, None, |_| {}).unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(once().digest, once().digest);
}
