//! «Сообщения»: every message, by channel and state, and the story of one.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit};
use crate::{
    journal::cell::DEBT,
    store::{Attempt, Carried, Filter, History, InList, SheetDeed},
    user::{Room, deed::Deed},
};

/// How many messages one page lists.
const SHOWN: usize = 50;

/// The states by which the list can be narrowed.
const STATES: [&str; 14] = [
    "ready",
    "sending",
    "in_doubt",
    "accepted",
    "delivered",
    "no_receipt",
    "undelivered",
    "rejected",
    "unresolved",
    "expired",
    "superseded",
    "cancelled",
    "suppressed",
    "merged",
];

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/messages", get(list).post(of_person))
        .route("/messages/{reference}", get(one))
        .route("/messages/{reference}/deed", post(deed))
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    channel: Option<String>,
    state: Option<String>,
    before: Option<i64>,
}

async fn list(
    State(board): State<Board>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let named = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = Filter {
        channel: named(asked.channel),
        state: named(asked.state),
        before: asked.before,
        guardian: None,
    };
    page(&board, &visit, &filter, None).await
}

/// The messages to a person: the search travels in the form.
async fn of_person(
    State(board): State<Board>,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Fault> {
    let who = fields.get("who").unwrap_or_default().to_owned();
    let found = if who.chars().count() < 2 {
        Vec::new()
    } else {
        board.store.find_guardians(&who).await?
    };
    let [one] = &found[..] else {
        let list: Vec<Value> = found
            .iter()
            .map(|one| json!({ "id": one.id, "name": one.name }))
            .collect();
        return page(
            &board,
            &visit,
            &Filter::default(),
            Some(json!({ "who": who, "found": list })),
        )
        .await;
    };
    let filter = Filter {
        guardian: Some(one.id),
        ..Filter::default()
    };
    page(
        &board,
        &visit,
        &filter,
        Some(json!({ "who": one.name, "found": [] })),
    )
    .await
}

async fn page(
    board: &Board,
    visit: &Visit,
    filter: &Filter,
    person: Option<Value>,
) -> Result<Response, Fault> {
    let nobody = person.as_ref().is_some_and(|_| filter.guardian.is_none());
    let limit = i64::try_from(SHOWN + 1)?;
    let mut messages = if nobody {
        Vec::new()
    } else {
        board.store.list(filter, limit).await?
    };
    let more = messages.len() > SHOWN;
    messages.truncate(SHOWN);
    let older = messages.last().map(|one| one.id).filter(|_| more);
    let lines: Result<Vec<Value>, Fault> =
        messages.iter().map(|one| line(board, visit, one)).collect();
    let mut states = Vec::new();
    for state in STATES.iter().filter(|state| **state != "merged") {
        let words = board.say(visit, &format!("state.{state}"), &Value::Null)?;
        states.push(json!({ "state": state, "words": words, "chosen": filter.state.as_deref() == Some(state) }));
    }
    let mut channels = Vec::new();
    for channel in ["telegram", "email", "sms", "paper"] {
        let words = board.say(visit, &format!("channel.{channel}"), &Value::Null)?;
        channels.push(json!({ "channel": channel, "words": words, "chosen": filter.channel.as_deref() == Some(channel) }));
    }
    let data = json!({
        "token": visit.token, "person": person, "states": states, "channels": channels, "list": lines?,
        "older": older.map(|id| format!(
            "/messages?channel={}&state={}&before={id}",
            super::view::encoded(filter.channel.as_deref().unwrap_or_default()),
            super::view::encoded(filter.state.as_deref().unwrap_or_default()),
        )),
    });
    board.page(visit, Room::Messages, "messages", data).await
}

/// A message in a list.
pub(super) fn line(board: &Board, visit: &Visit, one: &InList) -> Result<Value, Fault> {
    Ok(json!({
        "reference": one.reference,
        "channel": board.say(visit, &format!("channel.{}", one.channel), &Value::Null)?,
        "state": one.state,
        "words": board.say(visit, &format!("state.{}", stage(&one.channel, &one.state)), &Value::Null)?,
        "good": good(&one.state), "bad": bad(&one.state),
        "guardian": one.guardian, "address": one.address,
        "composed": board.at(one.composed_at), "since": board.at(one.state_at),
        "linked": visit.user.role.opens(Room::Messages),
    }))
}

/// The words for a state: what came out of the printer is not delivered yet.
pub(super) fn stage<'a>(channel: &str, state: &'a str) -> &'a str {
    if channel == "paper" && state == "delivered" {
        "printed"
    } else {
        state
    }
}

fn good(state: &str) -> bool {
    matches!(state, "accepted" | "delivered" | "no_receipt")
}

fn bad(state: &str) -> bool {
    matches!(state, "rejected" | "undelivered" | "unresolved" | "expired")
}

async fn one(
    State(board): State<Board>,
    visit: Visit,
    Path(reference): Path<String>,
) -> Result<Response, Fault> {
    let history = board
        .store
        .history(&reference)
        .await?
        .ok_or(Fault::Nothing)?;
    let stage = stage(&history.channel, &history.state);
    let deeds = board.store.deeds_of(&history.reference).await?;
    let say = |name: &str, data: &Value| board.say(&visit, name, data);
    let data = json!({
        "reference": history.reference, "token": visit.token,
        "channel": say(&format!("channel.{}", history.channel), &Value::Null)?,
        "state": history.state, "words": say(&format!("state.{stage}"), &Value::Null)?,
        "good": good(&history.state), "bad": bad(&history.state),
        "next": say(&format!("state_next.{stage}"), &Value::Null)?,
        "guardian": history.guardian, "address": history.address,
        "subject": history.subject, "text": history.text,
        "story": story(&board, &visit, &history, &deeds)?,
        "doubt": history.possible_duplicate,
        "may_cancel": history.state == "ready" && visit.user.role.decides(),
        "may_again": bad(&history.state) && history.channel != "paper" && visit.user.role.decides(),
    });
    board.page(&visit, Room::Messages, "message", data).await
}

/// From the journal's row to the last receipt, in the order of time.
fn story(
    board: &Board,
    visit: &Visit,
    history: &History,
    deeds: &[SheetDeed],
) -> Result<Vec<Value>, Fault> {
    let mut lines: Vec<(i64, String)> = Vec::new();
    for notice in &history.notices {
        lines.extend(carried(board, visit, notice)?);
    }
    let composed = json!({ "parts": history.parts, "sms": history.channel == "sms" });
    lines.push((
        history.composed_at,
        board.say(visit, "story.composed", &composed)?,
    ));
    for one in &history.attempts {
        lines.push((one.started_at, attempt(board, visit, one)?));
    }
    for (kind, at) in &history.receipts {
        let name = format!("receipt.{kind}");
        let known = if board.views.has(&name) {
            name
        } else {
            "receipt.other".to_owned()
        };
        lines.push((*at, board.say(visit, &known, &json!({ "kind": kind }))?));
    }
    for one in deeds {
        let stand = board.say(visit, &format!("sheet.{}", one.stand.code()), &Value::Null)?;
        let data = json!({ "stand": stand, "by": one.by });
        lines.push((one.at, board.say(visit, "story.sheet", &data)?));
    }
    let state = stage(&history.channel, &history.state);
    let state = board.say(visit, &format!("state.{state}"), &Value::Null)?;
    let reason = history.reason.as_deref().map(|why| board.said(visit, why));
    let now = json!({ "state": state, "reason": reason });
    lines.push((history.state_at, board.say(visit, "story.state", &now)?));
    lines.sort_by_key(|(at, _)| *at);
    Ok(lines
        .into_iter()
        .map(|(at, words)| json!({ "at": board.at(at), "words": words }))
        .collect())
}

/// What a message says of a fact, from the JSON that is kept; nothing where it says that there is nothing any more.
fn value(board: &Board, visit: &Visit, kept: &str) -> Result<Option<String>, Fault> {
    let values: Vec<String> = serde_json::from_str(kept).unwrap_or_default();
    let mut words = Vec::new();
    for value in values {
        words.push(if value == DEBT {
            board.say(visit, "story.debt", &Value::Null)?
        } else {
            format!("«{value}»")
        });
    }
    Ok(Some(words.join(", ")).filter(|words| !words.is_empty()))
}

fn carried(board: &Board, visit: &Visit, notice: &Carried) -> Result<Vec<(i64, String)>, Fault> {
    let event = board.say(visit, &format!("event.{}", notice.event), &Value::Null)?;
    let data = json!({
        "student": notice.student, "guardian": notice.guardian, "event": event, "value": value(board, visit, &notice.value)?,
        "import": notice.change.and_then(|(_, import)| import),
    });
    let mut lines = Vec::new();
    if let Some((written, _)) = notice.change {
        lines.push((
            written.min(notice.seen_at),
            board.say(visit, "story.written", &data)?,
        ));
    }
    lines.push((notice.seen_at, board.say(visit, "story.seen", &data)?));
    Ok(lines)
}

fn attempt(board: &Board, visit: &Visit, one: &Attempt) -> Result<String, Fault> {
    let outcome = match &one.outcome {
        Some(outcome) => board.say(visit, &format!("outcome.{outcome}"), &Value::Null)?,
        None => board.say(visit, "outcome.under_way", &Value::Null)?,
    };
    let detail = one.detail.as_deref().map(|said| board.said(visit, said));
    let data =
        json!({ "number": one.number, "outcome": outcome, "detail": detail, "code": one.code });
    board.say(visit, "story.attempt", &data)
}

async fn deed(
    State(board): State<Board>,
    visit: Visit,
    Path(reference): Path<String>,
    fields: Fields,
) -> Result<Response, Fault> {
    visit.must_decide()?;
    let now = board.now();
    let what = fields.get("deed").unwrap_or_default();
    let mut tx = board
        .deed(
            &visit,
            &Deed::Message {
                reference: &reference,
                what,
            },
        )
        .await?;
    let done = match what {
        "cancel" => tx.cancel_message(&reference, now).await?,
        "paper" => tx.message_to_paper(&reference, now).await?,
        "again" => tx.message_again(&reference, now).await? > 0,
        _ => return Err(Fault::Nothing),
    };
    if !done {
        return Err(Fault::Cannot(board.say(
            &visit,
            &format!("message.not_{what}"),
            &Value::Null,
        )?));
    }
    board.done(tx).await?;
    board.weeks.forget().await;
    Ok(Redirect::to(&format!("/messages/{reference}")).into_response())
}
