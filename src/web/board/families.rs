//! «Семьи»: who answers for a student, by which consents and addresses, everything that was ever sent, and what the
//! family complains of. A search travels in the form, not in the address of a page: nobody's name stands in a history.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit, week::between};
use crate::{
    family::{
        consent::Purpose,
        contact::is_mail,
        service::{Ground, OnPaper},
    },
    journal::class_name::ClassName,
    ledger::Line,
    store::{Address, Complaint, ConsentRow, Filter, KINDS, Tie},
    user::Room,
    week::Week,
};

/// How many are found at once.
const FOUND: usize = 50;

/// How many messages of a guardian are shown.
const MESSAGES: i64 = 30;

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/families", get(ask).post(find))
        .route("/complaints", get(complaints))
        .route("/families/{student}", get(family))
        .route("/families/{student}/address", post(add_address))
        .route(
            "/families/{student}/address/{contact}",
            post(change_address),
        )
        .route("/families/{student}/complaint", post(complain))
        .route("/families/{student}/complaint/{id}", post(answer))
        .route("/families/{student}/proof", get(proof))
}

async fn ask(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    let data = json!({ "token": visit.token, "who": "", "found": Value::Null, "more": false });
    board.page(&visit, Room::Families, "families", data).await
}

async fn find(State(board): State<Board>, visit: Visit, fields: Fields) -> Result<Response, Fault> {
    let who = fields.get("who").unwrap_or_default();
    let mut found = Vec::new();
    if who.chars().count() >= 2 {
        for one in board.store.search_students(who, board.today()).await? {
            let own = one.class.as_ref().is_some_and(|(id, _)| visit.sees(*id));
            if own || visit.classes.is_none() {
                let class = one.class.map(|(_, class)| class.to_string());
                found.push(json!({ "id": one.id, "name": one.name, "class": class }));
            }
        }
    }
    let more = found.len() > FOUND;
    found.truncate(FOUND);
    let data = json!({ "token": visit.token, "who": who, "found": found, "more": more });
    board.page(&visit, Room::Families, "families", data).await
}

/// Whether the student is one whom the visit may see; else there is none.
pub(super) async fn seen(board: &Board, visit: &Visit, student: i64) -> Result<Vec<Tie>, Fault> {
    let class = board.store.class_of(student, board.today()).await?;
    if visit.classes.is_some() && !class.is_some_and(|class| visit.sees(class)) {
        return Err(Fault::Nothing);
    }
    let ties = board.store.ties(Some(student)).await?;
    if ties.is_empty() && board.store.student_name(student).await?.is_none() {
        return Err(Fault::Nothing);
    }
    Ok(ties)
}

/// The complaints that nobody has answered.
async fn complaints(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    visit.must_decide()?;
    let mut rows = Vec::new();
    for (student_id, student, one) in board.store.open_complaints().await? {
        let mut row = complaint(&board, &visit, &one)?;
        row["student_id"] = json!(student_id);
        row["student"] = json!(student);
        rows.push(row);
    }
    board
        .page(
            &visit,
            Room::Families,
            "complaints",
            json!({ "rows": rows }),
        )
        .await
}

fn full(parts: &[Option<String>; 3]) -> String {
    parts
        .iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ")
}

async fn family(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
) -> Result<Response, Fault> {
    let data = picture(&board, &visit, student, false).await?;
    board.page(&visit, Room::Families, "family", data).await
}

/// The same on one page to be printed: what a school shows when somebody asks for a proof.
async fn proof(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
) -> Result<Response, Fault> {
    let mut data = picture(&board, &visit, student, true).await?;
    data["made"] = json!(board.at(board.now()));
    let words = format!("made the proof of student {student}");
    board.deed(&visit, "proof", &words).await?.commit().await?;
    board.page(&visit, Room::Families, "proof", data).await
}

/// What is known of a family; with `all` also the consents that hold no longer.
async fn picture(board: &Board, visit: &Visit, student: i64, all: bool) -> Result<Value, Fault> {
    let ties = seen(board, visit, student).await?;
    let name = board.store.student_name(student).await?.unwrap_or_default();
    let class = ties
        .first()
        .and_then(|tie| tie.class.as_ref())
        .map(ToString::to_string);
    let addresses = board.store.addresses(student).await?;
    let consents = board.store.consents(Some(student)).await?;
    let on_paper = board.store.agreed_on_paper(student, board.today()).await?;
    let class_name = ties.first().and_then(|tie| tie.class.as_ref());
    let weeks = standing(board, class_name).await?;
    let mut guardians = Vec::new();
    for tie in &ties {
        let own = addresses
            .iter()
            .filter(|one| one.guardian_id == tie.guardian_id);
        let addresses: Result<Vec<Value>, Fault> =
            own.map(|one| address(board, visit, one)).collect();
        let given = consents
            .iter()
            .filter(|one| one.guardian_id == tie.guardian_id && (all || one.holds));
        let consents: Result<Vec<Value>, Fault> =
            given.map(|one| consent(board, visit, one)).collect();
        let choices = board.store.choices(tie.guardian_id).await?;
        let filter = Filter {
            guardian: Some(tie.guardian_id),
            ..Filter::default()
        };
        let mut messages = Vec::new();
        for one in board.store.list(&filter, MESSAGES).await? {
            messages.push(super::messages::line(board, visit, &one)?);
        }
        let line = weeks
            .iter()
            .find(|line| (line.student_id, line.guardian_id) == (student, tie.guardian_id));
        let preset = match &choices.preset {
            Some(preset) => Some(board.say(visit, &format!("preset.{preset}"), &Value::Null)?),
            None => None,
        };
        let agreed = on_paper
            .iter()
            .find(|one| one.guardian_id == tie.guardian_id)
            .map(|one| agreement(board, visit, one))
            .transpose()?;
        guardians.push(json!({
            "paper": agreed,
            "id": tie.guardian_id, "name": full(&tie.guardian),
            "relation": board.say(visit, &format!("relation.{}", tie.relation), &Value::Null)?,
            "addresses": addresses?, "consents": consents?, "preset": preset, "quiet": choices.quiet,
            "messages": messages,
            "week": line.map(|line| between(line.week)), "counts": line.is_some_and(|line| line.cell.counts()),
            "informed": line.map(|line| line.cell.informed),
            "red": line.is_some_and(|line| line.cell.red),
            "why": line.map(|line| board.why(visit, line)).transpose()?.flatten(),
        }));
    }
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
        "id": student, "student": name, "class": class, "guardians": guardians,
        "complaints": complaints?, "kinds": kinds, "purposes": purposes, "grounds": grounds,
        "token": visit.token,
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

fn complaint(board: &Board, visit: &Visit, one: &Complaint) -> Result<Value, Fault> {
    Ok(json!({
        "id": one.id, "text": one.text, "at": board.at(one.received_at), "answer": one.answer,
        "answered": one.answered_at.map(|at| board.at(at)),
        "kind": board.say(visit, &format!("complaint.{}", one.kind), &Value::Null)?,
    }))
}

pub(super) fn back(student: i64) -> Response {
    Redirect::to(&format!("/families/{student}")).into_response()
}

/// An address as it is kept, or what is wrong with it in a sentence.
fn written(board: &Board, visit: &Visit, channel: &str, typed: &str) -> Result<String, Fault> {
    match channel {
        "sms" | "call" => vestnik_sms::phone::normalise(typed)
            .map_err(|error| Fault::Cannot(format!("{typed} {error}"))),
        "email" if is_mail(typed) => Ok(typed.to_lowercase()),
        _ => Err(Fault::Cannot(board.say(
            visit,
            "family.no_mail",
            &json!({ "typed": typed }),
        )?)),
    }
}

async fn add_address(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
    fields: Fields,
) -> Result<Response, Fault> {
    seen(&board, &visit, student).await?;
    let channel = fields.get("channel").unwrap_or_default();
    let typed = fields.get("address").unwrap_or_default();
    let document = fields.get("document").unwrap_or_default();
    let guardian = fields.number("guardian").ok_or(Fault::Nothing)?;
    if document.is_empty() {
        return Err(Fault::Cannot(board.say(
            &visit,
            "family.no_document",
            &Value::Null,
        )?));
    }
    let address = written(&board, &visit, channel, typed)?;
    let words = format!("a new {channel} address of guardian {guardian}");
    let mut tx = board.deed(&visit, "address.add", &words).await?;
    let (who, what) = ((guardian, student), (channel, address.as_str()));
    if !tx.add_address(who, what, document, board.now()).await? {
        return Err(Fault::Nothing);
    }
    board.done(tx).await?;
    board.weeks.forget().await;
    Ok(back(student))
}

async fn change_address(
    State(board): State<Board>,
    visit: Visit,
    Path((student, contact)): Path<(i64, i64)>,
    fields: Fields,
) -> Result<Response, Fault> {
    seen(&board, &visit, student).await?;
    let known = board.store.addresses(student).await?;
    let known = known
        .into_iter()
        .find(|one| one.id == contact)
        .ok_or(Fault::Nothing)?;
    match fields.get("deed") {
        Some("end") => {
            let words = format!("contact {contact} is given up");
            let mut tx = board.deed(&visit, "address.end", &words).await?;
            tx.end_address((contact, student), board.now()).await?;
            board.done(tx).await?;
        }
        Some("correct") => {
            let typed = fields.get("address").unwrap_or_default();
            let address = written(&board, &visit, &known.channel, typed)?;
            let document = fields
                .get("document")
                .or(known.document.as_deref())
                .unwrap_or("board");
            let words = format!(
                "contact {contact} of guardian {} is corrected",
                known.guardian_id
            );
            let mut tx = board.deed(&visit, "address.correct", &words).await?;
            tx.end_address((contact, student), board.now()).await?;
            let (who, what) = (
                (known.guardian_id, student),
                (known.channel.as_str(), address.as_str()),
            );
            tx.add_address(who, what, document, board.now()).await?;
            board.done(tx).await?;
        }
        Some("verified") => {
            let document = fields
                .get("document")
                .or(known.document.as_deref())
                .unwrap_or("board");
            let words = format!("contact {contact} was verified by a person");
            let tx = board.deed(&visit, "address.verify", &words).await?;
            board.done(tx).await?;
            board
                .store
                .reactivate(contact, document, board.now())
                .await?;
        }
        _ => return Err(Fault::Nothing),
    }
    board.weeks.forget().await;
    Ok(back(student))
}

async fn complain(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
    fields: Fields,
) -> Result<Response, Fault> {
    seen(&board, &visit, student).await?;
    let kind = fields
        .get("kind")
        .filter(|kind| KINDS.contains(kind))
        .ok_or(Fault::Nothing)?;
    let Some(words) = fields.get("text") else {
        return Err(Fault::Cannot(board.say(
            &visit,
            "family.no_text",
            &Value::Null,
        )?));
    };
    let deed = format!("a complaint ({kind}) about the news of student {student}");
    let mut tx = board.deed(&visit, "complaint", &deed).await?;
    tx.complain(
        (student, fields.number("guardian")),
        (kind, words),
        visit.user.id,
        board.now(),
    )
    .await?;
    board.done(tx).await?;
    Ok(back(student))
}

async fn answer(
    State(board): State<Board>,
    visit: Visit,
    Path((student, id)): Path<(i64, i64)>,
    fields: Fields,
) -> Result<Response, Fault> {
    seen(&board, &visit, student).await?;
    let Some(words) = fields.get("answer") else {
        return Err(Fault::Cannot(board.say(
            &visit,
            "family.no_text",
            &Value::Null,
        )?));
    };
    let mut tx = board
        .deed(
            &visit,
            "complaint.answer",
            &format!("complaint {id} was answered"),
        )
        .await?;
    if !tx
        .answer_complaint((id, student), words, visit.user.id, board.now())
        .await?
    {
        return Err(Fault::Nothing);
    }
    board.done(tx).await?;
    Ok(back(student))
}
