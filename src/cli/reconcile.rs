//! `reconcile`: proves that the tables agree, and names each gap.

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;
use serde::Serialize;

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    instant::SECOND,
    store::{CHECKS, Checked, Store},
    zone,
};

/// One check of `reconcile --json`.
#[derive(Debug, Serialize)]
struct Line {
    check: &'static str,
    count: usize,
    table: &'static str,
    ids: Vec<i64>,
    what: &'static str,
}

pub(super) async fn run(store: &Store, config: &Config, json: bool) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let began = Clock::Wall.now();
    let today = zone::local(began, zone).date();
    let bar = ProgressBar::hidden();
    bar.set_length(u64::try_from(CHECKS.len()).unwrap_or_default());
    let found = store
        .reconcile(today, began, |done| {
            if bar.is_hidden() && Clock::Wall.now() - began > SECOND {
                bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            }
            bar.set_position(u64::try_from(done).unwrap_or_default());
        })
        .await?;
    bar.finish_and_clear();
    let gaps: usize = found.iter().map(|one| one.count).sum();
    if json {
        let lines: Vec<Line> = found.iter().map(line).collect();
        println!(
            "{}",
            serde_json::to_string_pretty(&lines).context("the checks as JSON")?
        );
    } else {
        for one in &found {
            println!("{}", words(one));
        }
    }
    if gaps > 0 {
        return Err(Failure::Failed(anyhow!(
            "{gaps} gaps: the tables do not agree"
        )));
    }
    eprintln!("everything agrees");
    Ok(())
}

fn line(one: &Checked) -> Line {
    Line {
        check: one.check.name,
        count: one.count,
        table: one.check.table,
        ids: one.ids.clone(),
        what: one.check.words,
    }
}

fn words(one: &Checked) -> String {
    if one.count == 0 {
        return format!("ok   {:<27}  0", one.check.name);
    }
    let ids: Vec<String> = one.ids.iter().map(ToString::to_string).collect();
    let more = if one.count > ids.len() { " …" } else { "" };
    format!(
        "GAP  {:<27}  {}  {}: {} {}{more}",
        one.check.name,
        one.count,
        one.check.words,
        one.check.table,
        ids.join(", ")
    )
}
