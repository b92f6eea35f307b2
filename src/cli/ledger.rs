//! `ledger`: for each student and guardian, whether they heard in a week, and why not.

use std::{collections::BTreeMap, fmt::Write};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::Failure;
use crate::{
    clock::Clock,
    config::Config,
    journal::class_name::ClassName,
    ledger::{Line, share},
    policy::Evidence,
    providers,
    store::{LedgerQuestion, Store},
    week::Week,
    zone,
};

/// The arguments of `ledger`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The week, as in 2026-W47, or one of its days; this week without it
    #[arg(long)]
    week: Option<Week>,
    /// The class, as people write it; all classes without it
    #[arg(long)]
    class: Option<ClassName>,
    /// As JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// As a table for Excel: semicolons, and a byte order mark
    #[arg(long)]
    csv: bool,
}

/// One line of `ledger --json`.
#[derive(Debug, Serialize)]
struct Row<'a> {
    student_id: i64,
    student: &'a str,
    guardian_id: i64,
    guardian: &'a str,
    class: Option<String>,
    week: String,
    evidence: Option<&'static str>,
    reason: Option<&'a str>,
    informed: bool,
    red: bool,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let today = zone::local(Clock::Wall.now(), zone).date();
    let named = store.policy_name().await?;
    let name = named.as_deref().unwrap_or(&config.school.policy);
    let regulation = config.regulation(name)?;
    let question = LedgerQuestion {
        week: arguments.week.unwrap_or(Week::of(today)),
        class: arguments.class.as_ref(),
        today,
        zone,
        configured: &config.channels(),
        reports: &providers::reports(config),
        policy: &regulation.policy,
    };
    let lines = store.ledger(&question).await?;
    if let Some(class) = arguments.class.as_ref().filter(|_| lines.is_empty()) {
        let known: Vec<String> = store
            .classes(today)
            .await?
            .iter()
            .map(|(_, class)| class.plain())
            .collect();
        if !known.contains(&class.plain()) {
            return Err(Failure::Usage(format!(
                "there is no class {class}; classes are: {}",
                known.join(", ")
            )));
        }
    }
    if arguments.json {
        let rows: Vec<Row<'_>> = lines.iter().map(row).collect();
        println!(
            "{}",
            serde_json::to_string_pretty(&rows).context("the ledger as JSON")?
        );
    } else if arguments.csv {
        print!("{}", csv(&lines));
    } else {
        print!("{}", table(&lines, question.week));
    }
    Ok(())
}

fn row(line: &Line) -> Row<'_> {
    Row {
        student_id: line.student_id,
        student: &line.student,
        guardian_id: line.guardian_id,
        guardian: &line.guardian,
        class: line.class.as_ref().map(ClassName::plain),
        week: line.week.to_string(),
        evidence: line.cell.evidence.map(Evidence::code),
        reason: line.cell.reason(),
        informed: line.cell.informed,
        red: line.cell.red,
    }
}

/// Semicolons and a byte order mark: a Russian Excel opens it by a double click.
fn csv(lines: &[Line]) -> String {
    let mut text = String::from(
        "\u{feff}class;student_id;student;guardian_id;guardian;week;evidence;informed;red;reason\r\n",
    );
    for line in lines {
        let row = row(line);
        let reason = if row.informed {
            String::new()
        } else {
            line.cell.to_string()
        };
        let yes = |flag| if flag { "1" } else { "0" }.to_owned();
        let fields = [
            row.class.unwrap_or_default(),
            row.student_id.to_string(),
            row.student.to_owned(),
            row.guardian_id.to_string(),
            row.guardian.to_owned(),
            row.week,
            row.evidence.unwrap_or_default().to_owned(),
            yes(row.informed),
            yes(row.red),
            reason,
        ];
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(";"));
        text.push_str("\r\n");
    }
    text
}

/// A field of the table. What Excel would take for a formula is given to it as text.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t']);
    let field = if formula {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if field.contains([';', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

/// Per class a heading, and under it first those who did not hear.
fn table(lines: &[Line], week: Week) -> String {
    let mut classes: BTreeMap<Option<&ClassName>, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        classes.entry(line.class.as_ref()).or_default().push(line);
    }
    if classes.is_empty() {
        return format!("{week}: no student attends.\n");
    }
    let mut text = String::new();
    for (class, mut lines) in classes {
        let (informed, all) = share(lines.iter().copied());
        let class = class.map_or_else(|| "without a class".to_owned(), ToString::to_string);
        let counted = match all {
            0 => "nothing was due".to_owned(),
            all => format!("{informed} of {all} informed, {} %", informed * 100 / all),
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{class}, {week}: {counted}");
        lines.sort_by_key(|line| {
            (
                !line.cell.red,
                line.cell.informed,
                line.cell.evidence.is_none(),
            )
        });
        for line in lines {
            let sign = if line.cell.red { "RED" } else { "" };
            let evidence = line.cell.evidence.map_or("–", Evidence::code);
            let _ = writeln!(
                text,
                "  {sign:<3}  {evidence:<2}  {:<28}  {:<36}  {}",
                line.student, line.guardian, line.cell
            );
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Cell, Why};

    fn line(student: &str, cell: Cell) -> Line {
        Line {
            student_id: 1,
            student: student.into(),
            guardian_id: 2,
            guardian: "Соколова; Ольга".into(),
            class: "5А".parse().ok(),
            week: "2026-W42".parse().expect("a week"),
            cell,
        }
    }

    fn lines() -> Vec<Line> {
        let informed = Cell {
            evidence: Some(Evidence::E1),
            informed: true,
            red: false,
            why: None,
            why_paper: None,
        };
        let red = Cell {
            evidence: Some(Evidence::E0),
            informed: false,
            red: true,
            why: Some(Why::Red),
            why_paper: Some("no_contact".into()),
        };
        vec![line("=Анна", informed), line("Яна", red)]
    }

    #[test]
    fn the_table_shows_who_did_not_hear_first_and_says_why() {
        let text = table(&lines(), "2026-W42".parse().expect("a week"));
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "5 «А», 2026-W42: 1 of 2 informed, 50 %");
        assert!(rows[1].contains("RED") && rows[1].contains("Яна"), "{text}");
        assert!(
            rows[1].ends_with("by the week's end (no address is known)"),
            "{text}"
        );
    }

    #[test]
    fn a_spreadsheet_reads_it_and_runs_nothing() {
        let text = csv(&lines());
        assert!(text.starts_with("\u{feff}class;student_id;"));
        assert!(
            text.contains("5А;1;'=Анна;2;\"Соколова; Ольга\";2026-W42;E1;1;0;\r\n"),
            "{text}"
        );
    }
}
