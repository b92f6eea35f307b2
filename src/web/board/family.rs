//! What is known of the family of a student, as its page and its proof show it.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{Board, families::seen, fault::Fault, visit::Visit, week::between};
use crate::{
    family::{
        consent::Purpose,
        service::{Ground, OnPaper},
    },
    journal::class_name::ClassName,
    ledger::Line,
    store::{Address, Complaint, ConsentRow, Filter, KINDS, Tie},
    week::Week,
};

/// How many messages of a guardian and sheets of a student a page lists.
const SHOWN: i64 = 30;

/// What is known of all guardians of a student.
struct Known {
    addresses: Vec<Address>,
    consents: Vec<ConsentRow>,
    on_paper: Vec<OnPaper>,
    /// How they stand; the first line of each counts.
    weeks: Vec<Line>,
}

/// What is known of a family; with `all` also the consents that hold no longer.
pub(super) async fn picture(
    board: &Board,
    visit: &Visit,
    student: i64,
    all: bool,
) -> Result<Value, Fault> {
    let ties = seen(board, visit, student).await?;
    let name = board.store.student_name(student).await?.unwrap_or_default();
    let class = ties
        .first()
        .and_then(|tie| tie.class.as_ref())
        .map(ToString::to_string);
    let mut consents = board.store.consents(Some(student)).await?;
    consents.retain(|one| all || one.holds);
    let class_name = ties.first().and_then(|tie| tie.class.as_ref());
    // The proof says it message by message.
    let mut weeks = if all {
        Vec::new()
    } else {
        standing(board, class_name).await?
    };
    weeks.retain(|line| line.student_id == student);
    let known = Known {
        addresses: board.store.addresses(student).await?,
        consents,
        on_paper: board.store.agreed_on_paper(student, board.today()).await?,
        weeks,
    };
    let mut guardians = Vec::new();
    for tie in &ties {
        guardians.push(guardian(board, visit, tie, &known).await?);
    }
    let sheets = board.store.sheets_of(student, SHOWN).await?;
    let sheets: Result<Vec<Value>, Fault> = sheets
        .iter()
        .map(|one| super::paper::row(board, visit, one))
        .collect();
    let complaints = board.store.complaints(student).await?;
    let complaints: Result<Vec<Value>, Fault> = complaints
        .iter()
        .map(|one| complaint(board, visit, one))
        .collect();
    let choices = |table: &str, codes: Vec<&str>| -> Result<Vec<Value>, Fault> {
        let choice = |code: &&str| {
            let words = board.say(visit, &format!("{table}.{code}"), &Value::Null)?;
            Ok(json!({ "code": code, "words": words }))
        };
        codes.iter().map(choice).collect()
    };
    let purposes = choices("purpose", Purpose::ALL.map(Purpose::code).to_vec())?;
    let grounds = choices("ground", Ground::ALL.map(Ground::code).to_vec())?;
    let kinds = choices("complaint", KINDS.to_vec())?;
    Ok(json!({
        "id": student, "student": name, "class": class, "guardians": guardians, "sheets": sheets?,
        "complaints": complaints?, "kinds": kinds, "purposes": purposes, "grounds": grounds,
        "token": visit.token,
    }))
}

/// One who answers for the student.
async fn guardian(board: &Board, visit: &Visit, tie: &Tie, known: &Known) -> Result<Value, Fault> {
    let id = tie.guardian_id;
    let addresses = known.addresses.iter().filter(|one| one.guardian_id == id);
    let addresses: Result<Vec<Value>, Fault> =
        addresses.map(|one| address(board, visit, one)).collect();
    let consents = known.consents.iter().filter(|one| one.guardian_id == id);
    let consents: Result<Vec<Value>, Fault> =
        consents.map(|one| consent(board, visit, one)).collect();
    let choices = board.store.choices(id).await?;
    let preset = match &choices.preset {
        Some(preset) => Some(board.say(visit, &format!("preset.{preset}"), &Value::Null)?),
        None => None,
    };
    let filter = Filter {
        guardian: Some(id),
        ..Filter::default()
    };
    let messages = board.store.list(&filter, SHOWN).await?;
    let messages: Result<Vec<Value>, Fault> = messages
        .iter()
        .map(|one| super::messages::line(board, visit, one))
        .collect();
    let line = known.weeks.iter().find(|line| line.guardian_id == id);
    let agreed = known.on_paper.iter().find(|one| one.guardian_id == id);
    Ok(json!({
        "id": id, "name": full(&tie.guardian, " "),
        "relation": board.say(visit, &format!("relation.{}", tie.relation), &Value::Null)?,
        "addresses": addresses?, "consents": consents?, "preset": preset, "quiet": choices.quiet,
        "paper": agreed.map(|one| agreement(board, visit, one)).transpose()?, "messages": messages?,
        "week": line.map(|line| between(line.week)), "counts": line.is_some_and(|line| line.cell.counts()),
        "informed": line.map(|line| line.cell.informed), "red": line.is_some_and(|line| line.cell.red),
        "why": line.map(|line| board.why(visit, line)).transpose()?.flatten(),
    }))
}

/// How each guardian of a class stands: in the week that counts now, or, where nothing has come in since the sheets of
/// this one, in this one.
async fn standing(board: &Board, class: Option<&ClassName>) -> Result<Vec<Line>, Fault> {
    let (this, next) = (Week::of(board.today()), board.next_sheets());
    let mut lines = board.ledger_of(next, class).await?;
    if this < next {
        lines.retain(|line| line.cell.counts());
        lines.extend(board.ledger_of(this, class).await?);
    }
    Ok(lines)
}

fn address(board: &Board, visit: &Visit, one: &Address) -> Result<Value, Fault> {
    let health = if one.ended_at.is_some() {
        "ended"
    } else {
        &one.health
    };
    Ok(json!({
        "id": one.id,
        "channel": board.say(visit, &format!("channel.{}", one.channel), &Value::Null)?,
        "address": one.address, "health": health,
        "words": board.say(visit, &format!("health.{health}"), &Value::Null)?,
        "bad": !matches!(health, "ok" | "ended"), "ended": one.ended_at.is_some(),
        "document": one.document, "verified": one.verified_at.map(|at| board.at(at)),
    }))
}

fn agreement(board: &Board, visit: &Visit, one: &OnPaper) -> Result<Value, Fault> {
    Ok(json!({
        "ground": board.say(visit, &format!("ground.{}", one.ground.code()), &Value::Null)?,
        "statement": one.statement, "since": one.from_on.map(|day| day.format("%d.%m.%Y").to_string()),
    }))
}

fn consent(board: &Board, visit: &Visit, one: &ConsentRow) -> Result<Value, Fault> {
    Ok(json!({
        "purpose": board.say(visit, &format!("purpose.{}", one.purpose), &Value::Null)?,
        "state": board.say(visit, &format!("consent.{}", one.state), &Value::Null)?,
        "given": one.state == "given", "document": one.document, "signed": one.signed_on.as_deref().map(day),
        "recorded": one.recorded_at.map(|at| board.at(at)), "holds": one.holds,
    }))
}

/// «01.09.2026»
fn day(iso: &str) -> String {
    iso.parse::<NaiveDate>()
        .map_or_else(|_| iso.to_owned(), |day| day.format("%d.%m.%Y").to_string())
}

pub(super) fn complaint(board: &Board, visit: &Visit, one: &Complaint) -> Result<Value, Fault> {
    Ok(json!({
        "id": one.id, "text": one.text, "at": board.at(one.received_at), "answer": one.answer,
        "answered": one.answered_at.map(|at| board.at(at)),
        "kind": board.say(visit, &format!("complaint.{}", one.kind), &Value::Null)?,
    }))
}

/// What there is, with this between.
pub(super) fn full(parts: &[Option<String>], between: &str) -> String {
    let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
    parts.join(between)
}
