//! What waits for a decision: what it is, what would leave, and what a person says.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit};
use crate::{
    app,
    breaker::Kind,
    preview::Previews,
    store::{Hold, Verdict},
    user::{Room, deed::Deed},
};

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/held/{id}", get(held).post(decide))
}

async fn found(board: &Board, id: i64) -> Result<Hold, Fault> {
    let holds = board.store.holds().await?;
    holds
        .into_iter()
        .find(|hold| hold.id == id)
        .ok_or(Fault::Nothing)
}

async fn held(
    State(board): State<Board>,
    visit: Visit,
    Path(id): Path<i64>,
) -> Result<Response, Fault> {
    visit.must_decide()?;
    let hold = found(&board, id).await?;
    let (may_sum_up, is_pause) = Board::answers_of(&hold);
    let mut leaves = Vec::new();
    let mut preview = Value::Null;
    if !Kind::about_rights(&hold.kind) && !is_pause {
        let rules = app::rules(&board.config, board.zone, board.regulation.policy.clone());
        let (channels, tariff) = (board.config.channels(), board.config.tariff());
        let previews = Previews::new(
            &board.config,
            board.templates.clone(),
            &rules,
            &channels,
            &tariff,
        );
        let would = previews.of_hold(&board.store, hold.id, board.now()).await?;
        for (channel, outlay) in &would.channels {
            leaves.push(json!({
                "channel": board.say(&visit, &format!("channel.{channel}"), &Value::Null)?,
                "messages": outlay.messages, "parts": outlay.parts,
                "cost": (outlay.cost.0 > 0).then(|| outlay.cost.to_string()),
            }));
        }
        preview = json!({ "on_paper": would.on_paper, "later": would.later, "pointless": would.pointless });
    }
    let data = json!({
        "id": id,
        "words": board.of_hold(visit.language(), &hold)?,
        "opened": board.at(hold.opened_at), "count": hold.count,
        "leaves": leaves, "preview": preview, "pause": is_pause, "may_sum_up": may_sum_up,
        "token": visit.token,
    });
    board.page(&visit, Room::Now, "held", data).await
}

async fn decide(
    State(board): State<Board>,
    visit: Visit,
    Path(id): Path<i64>,
    fields: Fields,
) -> Result<Response, Fault> {
    visit.must_decide()?;
    let verdict = match fields.get("verdict") {
        Some("release") => Verdict::Release,
        Some("drop") => Verdict::Drop,
        Some("summarise") => Verdict::Summarise,
        _ => return Err(Fault::Nothing),
    };
    let hold = found(&board, id).await?;
    let deed = Deed::DecideHold {
        hold: hold.id,
        verdict: verdict.code(),
    };
    let mut tx = board.deed(&visit, &deed).await?;
    if tx
        .decide(id, verdict, visit.user.staff_id, board.now())
        .await?
        .is_none()
    {
        return Err(Fault::Cannot(board.say(
            &visit,
            "held.decided_already",
            &Value::Null,
        )?));
    }
    board.done(tx).await?;
    board.weeks.forget().await;
    Ok(Redirect::to("/").into_response())
}
