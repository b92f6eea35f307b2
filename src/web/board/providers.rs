//! «Каналы»: who carries messages, how they stand, what they said last that was not understood, and a test message.

use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit};
use crate::{
    clock,
    engine::reference,
    instant::DAY,
    money::month,
    user::{Room, deed::Deed},
};
use vestnik_contract::Message;

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/providers", get(list))
        .route("/providers/test", post(test))
}

async fn list(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    shown(&board, &visit, None).await
}

async fn shown(board: &Board, visit: &Visit, said: Option<Value>) -> Result<Response, Fault> {
    let now = board.now();
    let lanes = board.store.lanes().await?;
    let resting = board.store.resting(now).await?;
    let spending = board.store.spending(&month(board.today())).await?;
    let strange = board.store.not_understood().await?;
    let mut rows = Vec::new();
    for provider in board.providers.iter() {
        let account = &provider.account;
        let lane = lanes
            .iter()
            .find(|(name, _)| **name == account.lane)
            .map(|(_, lane)| lane);
        let why = resting.iter().find(|(name, _)| *name == account.lane);
        let standing = lane.map_or("healthy", |lane| lane.standing.code());
        let state = if why.is_some() { "rests" } else { standing };
        let spent = spending.iter().find(|one| one.lane == account.lane);
        rows.push(json!({
            "lane": account.lane,
            "channel": board.say(visit, &format!("channel.{}", account.channel.code()), &Value::Null)?,
            "state": state,
            "words": board.say(visit, &format!("standing.{state}"), &Value::Null)?,
            "good": state == "healthy", "bad": matches!(state, "down" | "rests"),
            "since": lane.filter(|lane| lane.since > 0).map(|lane| board.at(lane.since)),
            "because": lane.and_then(|lane| lane.because).map(crate::failover::Why::code),
            "says": why.and_then(|(_, why)| why.as_deref()).map(|why| board.said(visit, why)),
            "spent": spent.map(|one| one.cost.to_string()), "parts": spent.map(|one| one.parts),
            "strange": strange.get(&account.lane),
        }));
    }
    let data = json!({
        "rows": rows, "token": visit.token, "said": said,
        "answers": board.store.strange_answers(now - 7 * DAY).await?,
        "tests": visit.user.role.decides(),
    });
    board.page(visit, Room::Providers, "providers", data).await
}

/// Sends a test message by an account, to an address of who asks.
async fn test(State(board): State<Board>, visit: Visit, fields: Fields) -> Result<Response, Fault> {
    visit.must_decide()?;
    let lane = fields.get("lane").unwrap_or_default();
    let address = fields.get("address").unwrap_or_default();
    let provider = board
        .providers
        .iter()
        .find(|one| one.account.lane == lane)
        .ok_or(Fault::Nothing)?;
    if address.is_empty() {
        return Err(Fault::Cannot(board.say(
            &visit,
            "providers.no_address",
            &Value::Null,
        )?));
    }
    board
        .deed(&visit, &Deed::Test { lane })
        .await?
        .commit()
        .await?;
    let school = board.store.school_name().await?.unwrap_or_default();
    let text = board.say(&visit, "providers.test_text", &json!({ "school": school }))?;
    let message = Message {
        reference: reference(&mut clock::random()),
        client_ref: rand::Rng::next_u32(&mut clock::random()) / 2 + 1,
        address: address.to_owned(),
        subject: Some(text.clone()),
        text,
        html: None,
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: board.now(),
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: false,
    };
    let outcome = provider.send_beside(&message).await;
    let said = match outcome.reason() {
        None => {
            json!({ "good": true, "words": board.say(&visit, "providers.taken", &Value::Null)? })
        }
        Some(reason) => {
            json!({ "good": false, "words": board.said(&visit, &reason.sentences()), "code": reason.code })
        }
    };
    shown(&board, &visit, Some(said)).await
}
