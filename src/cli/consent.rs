//! `consent`: the register that decides who may be written to.

use chrono::NaiveDate;
use clap::{Args, Subcommand};

use super::{Failure, show::only};
use crate::{
    clock::Clock,
    family::consent::{ConsentState, Purpose},
    store::{NewConsent, Store},
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

pub(super) async fn run(store: &Store, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Add { answer, state } => {
            let states = [
                ConsentState::Given,
                ConsentState::Refused,
                ConsentState::Withdrawn,
            ];
            let state = states
                .into_iter()
                .find(|known| known.code() == state)
                .ok_or_else(|| {
                    Failure::Usage(format!(
                        "--state: «{state}» is not known; write given, refused or withdrawn"
                    ))
                })?;
            add(store, answer, state).await
        }
        Action::Withdraw { answer } => add(store, answer, ConsentState::Withdrawn).await,
        Action::List { json } => list(store, *json).await,
    }
}

async fn add(store: &Store, answer: &Answer, state: ConsentState) -> Result<(), Failure> {
    let purposes = [
        Purpose::Data,
        Purpose::Sms,
        Purpose::Email,
        Purpose::Messenger,
    ];
    let known = purposes
        .into_iter()
        .find(|known| known.code() == answer.purpose);
    let purpose = known.ok_or_else(|| {
        let given = &answer.purpose;
        Failure::Usage(format!(
            "--purpose: «{given}» is not known; write data, sms, email or messenger"
        ))
    })?;
    let signed_on = answer.date.as_deref().map(day).transpose()?;
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
    if !store.add_consent(&consent, Clock::Wall.now()).await? {
        return Err(Failure::Usage(format!(
            "{} does not answer for {}: record the guardianship first",
            guardian.name, student.name
        )));
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

fn day(text: &str) -> Result<String, Failure> {
    ["%d.%m.%Y", "%Y-%m-%d"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text.trim(), format).ok())
        .map(|day| day.to_string())
        .ok_or_else(|| Failure::Usage(format!("--date: «{text}» is no date; write 01.09.2026")))
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let rows = store.consents().await?;
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
