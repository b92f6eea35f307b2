//! `consent`: the register that decides who may be written to.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::{Failure, register, show::only};
use crate::{
    clock::Clock,
    config::Config,
    family::{
        consent::{ConsentState, Purpose},
        service::Ground,
    },
    store::{NewConsent, NewServiceMode, Store},
    zone,
};

/// What is done with the register.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Record how a guardian answered
    #[command(
        after_help = "Example: vestnik consent add --guardian \"Соколова Ольга\" \
        --student \"Соколова Мария\" --purpose email --state given --document \"заявление № 14\" --date 01.09.2026\n\
        Every electronic channel needs data beside its own purpose."
    )]
    Add {
        #[command(flatten)]
        answer: Answer,
        /// given, refused or withdrawn
        #[arg(long)]
        state: String,
    },
    /// Record that a guardian took a consent back; what is not sent yet is stopped at once
    Withdraw {
        #[command(flatten)]
        answer: Answer,
    },
    /// Record that a family is served on paper, or electronically again, and on what ground
    #[command(
        after_help = "Example: vestnik consent mode --guardian \"Соколова Ольга\" --student \"Соколова Мария\" \
        --mode paper --ground refused --statement \"№ 14\" --date 01.09.2026\n\
        On paper nothing is sent, whatever was consented to; the consents themselves stay as they are."
    )]
    Mode(Agreement),
    /// Read a register that was kept on paper or in a spreadsheet
    #[command(
        after_help = "Example: vestnik consent import register.xlsx --dry-run\n\
        Columns are recognised by their headers: student, guardian, purpose and answer (or a column for each \
        purpose), document, date. All of it is added, or nothing."
    )]
    Import(register::Arguments),
    /// Show the register
    List {
        /// As JSON, with what no longer holds
        #[arg(long)]
        json: bool,
    },
}

/// Who answered, for whom and for what.
#[derive(Debug, Args)]
pub(super) struct Answer {
    /// An id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO")]
    guardian: String,
    /// An id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO")]
    student: String,
    /// data, sms, email or messenger
    #[arg(long)]
    purpose: String,
    /// The paper that proves it
    #[arg(long, value_name = "TEXT")]
    document: String,
    /// The day it was signed
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
}

/// How a family is served.
#[derive(Debug, Args)]
pub(super) struct Agreement {
    /// An id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO")]
    guardian: String,
    /// An id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO")]
    student: String,
    /// paper or electronic
    #[arg(long)]
    mode: String,
    /// refused, `no_access`, `no_consent`, unreachable or chosen; paper needs one
    #[arg(long)]
    ground: Option<String>,
    /// The statement that proves it
    #[arg(long, value_name = "TEXT")]
    statement: String,
    /// From this day; today without it
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
    /// To this day
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Add { answer, state } => {
            let state = ConsentState::STORED
                .into_iter()
                .find(|known| known.code() == state)
                .ok_or_else(|| {
                    Failure::Usage(format!(
                        "--state: «{state}» is not known; write given, refused or withdrawn"
                    ))
                })?;
            add(store, config, answer, state).await
        }
        Action::Withdraw { answer } => add(store, config, answer, ConsentState::Withdrawn).await,
        Action::Mode(mode) => agree(store, config, mode).await,
        Action::Import(arguments) => register::run(store, config, arguments).await,
        Action::List { json } => list(store, *json).await,
    }
}

async fn add(
    store: &Store,
    config: &Config,
    answer: &Answer,
    state: ConsentState,
) -> Result<(), Failure> {
    let purpose = Purpose::from_code(&answer.purpose).ok_or_else(|| {
        let given = &answer.purpose;
        Failure::Usage(format!(
            "--purpose: «{given}» is not known; write data, sms, email or messenger"
        ))
    })?;
    let now = Clock::Wall.now();
    let today = zone::local(now, store.school(&config.school).await?).date();
    let signed_on = answer
        .date
        .as_deref()
        .map(|text| day("--date", text))
        .transpose()?;
    if signed_on.is_some_and(|day| day > today) {
        return Err(Failure::Usage(
            "--date has not come yet: write the day on which it was signed".into(),
        ));
    }
    let signed_on = signed_on.map(|day| day.to_string());
    let guardian = only(
        "guardian",
        &answer.guardian,
        store.find_guardians(&answer.guardian).await?,
    )?;
    let student = only(
        "student",
        &answer.student,
        store.find_students(&answer.student).await?,
    )?;
    let consent = NewConsent {
        guardian_id: guardian.id,
        student_id: student.id,
        purpose,
        state,
        document: answer.document.clone(),
        signed_on,
    };
    let before = store.consents(Some(student.id)).await?;
    if !store.add_consent(&consent, now).await? {
        return Err(no_tie(&guardian.name, &student.name));
    }
    // What was recorded last holds; that it was signed earlier may be a slip.
    let newest = before
        .iter()
        .find(|row| row.holds && row.guardian_id == guardian.id && row.purpose == purpose.code());
    if let Some(day) = newest.and_then(|row| row.signed_on.as_ref())
        && consent
            .signed_on
            .as_ref()
            .is_some_and(|signed| signed < day)
    {
        eprintln!(
            "It was signed before what held until now ({day}), and holds from now on all the same."
        );
    }
    println!(
        "{}: {} for {} is {}",
        guardian.name,
        purpose.code(),
        student.name,
        state.code()
    );
    Ok(())
}

fn no_tie(guardian: &str, student: &str) -> Failure {
    Failure::Usage(format!(
        "{guardian} does not answer for {student}: record the guardianship first"
    ))
}

async fn agree(store: &Store, config: &Config, mode: &Agreement) -> Result<(), Failure> {
    let paper = match mode.mode.as_str() {
        "paper" => true,
        "electronic" => false,
        other => {
            return Err(Failure::Usage(format!(
                "--mode: «{other}» is not known; write paper or electronic"
            )));
        }
    };
    let known = Ground::ALL.map(Ground::code).join(", ");
    let ground = match &mode.ground {
        None if paper => return Err(Failure::Usage(format!("--ground: write one of {known}"))),
        None => None,
        Some(code) => Some(Ground::from_code(code).ok_or_else(|| {
            Failure::Usage(format!(
                "--ground: «{code}» is not known; write one of {known}"
            ))
        })?),
    };
    let today = zone::local(Clock::Wall.now(), store.school(&config.school).await?).date();
    let from_on = mode
        .date
        .as_deref()
        .map(|text| day("--date", text))
        .transpose()?;
    let from_on = from_on.unwrap_or(today);
    let to_on = mode
        .until
        .as_deref()
        .map(|text| day("--until", text))
        .transpose()?;
    if to_on.is_some_and(|to| to < from_on) {
        return Err(Failure::Usage("--until is before --date".into()));
    }
    let guardian = only(
        "guardian",
        &mode.guardian,
        store.find_guardians(&mode.guardian).await?,
    )?;
    let student = only(
        "student",
        &mode.student,
        store.find_students(&mode.student).await?,
    )?;
    let agreed = NewServiceMode {
        guardian_id: guardian.id,
        student_id: student.id,
        paper,
        ground,
        statement: &mode.statement,
        from_on,
        to_on,
    };
    if !store.add_service_mode(&agreed).await? {
        return Err(no_tie(&guardian.name, &student.name));
    }
    let until = to_on.map_or_else(String::new, |to| format!(" to {to}"));
    println!(
        "{}: {} for {} from {from_on}{until}",
        guardian.name, mode.mode, student.name
    );
    Ok(())
}

fn day(option: &str, text: &str) -> Result<NaiveDate, Failure> {
    ["%d.%m.%Y", "%Y-%m-%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text.trim(), format).ok())
        .ok_or_else(|| Failure::Usage(format!("{option}: «{text}» is no date; write 01.09.2026")))
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let rows = store.consents(None).await?;
    if json {
        println!(
            "{}",
            serde_json::to_string_pretty(&rows).map_err(anyhow::Error::from)?
        );
        return Ok(());
    }
    for row in rows.iter().filter(|row| row.holds) {
        let document = row.document.as_deref().unwrap_or("no document");
        let signed = row
            .signed_on
            .as_deref()
            .map_or_else(String::new, |day| format!(", {day}"));
        println!(
            "{} for {}: {} {} ({document}{signed})",
            row.guardian, row.student, row.purpose, row.state
        );
    }
    if rows.is_empty() {
        println!("nobody has been asked yet");
    }
    Ok(())
}
