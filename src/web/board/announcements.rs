//! «Объявления»: words to many, and to whom they came.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit};
use crate::{
    journal::class_name::ClassName,
    store::Announced,
    user::{Room, deed::Deed},
};

/// How many are listed.
const SHOWN: i64 = 50;

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/announcements", get(list))
        .route("/announcements/{id}", get(one))
        .route("/announcements/{id}/withdraw", post(withdraw))
}

fn line(board: &Board, one: &Announced) -> Value {
    json!({
        "id": one.id, "text": one.text, "urgent": one.urgent, "answers": one.answers,
        "at": one.send_at.map(|at| board.at(at)), "withdrawn": one.cancelled_at.map(|at| board.at(at)),
    })
}

async fn list(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    let mut tx = board.store.snapshot().await?;
    let mut rows = Vec::new();
    for (one, classes) in tx.announced(SHOWN).await? {
        if visit.classes.is_none() || classes.iter().any(|class| visit.sees(*class)) {
            rows.push(line(&board, &one));
        }
    }
    tx.commit().await?;
    board
        .page(
            &visit,
            Room::Announcements,
            "announcements",
            json!({ "rows": rows }),
        )
        .await
}

/// An announcement whose classes the visit may see, at least one of them.
async fn found(
    board: &Board,
    visit: &Visit,
    id: i64,
) -> Result<(Announced, Vec<(i64, ClassName)>), Fault> {
    let mut tx = board.store.snapshot().await?;
    let found = tx.announcement(id).await?;
    tx.commit().await?;
    let (one, ids) = found.ok_or(Fault::Nothing)?;
    let classes = board.store.classes(board.today()).await?;
    // Without classes it is for all of them.
    let meant = |id: &i64| (ids.is_empty() || ids.contains(id)) && visit.sees(*id);
    let classes: Vec<(i64, ClassName)> = classes.into_iter().filter(|(id, _)| meant(id)).collect();
    if visit.classes.is_some() && classes.is_empty() {
        return Err(Fault::Nothing);
    }
    Ok((one, classes))
}

async fn one(
    State(board): State<Board>,
    visit: Visit,
    Path(id): Path<i64>,
) -> Result<Response, Fault> {
    let (one, classes) = found(&board, &visit, id).await?;
    let mut rows = Vec::new();
    for (class, name) in &classes {
        let people = board
            .store
            .people_of_classes(&[*class], board.today())
            .await?;
        let mut tx = board.store.snapshot().await?;
        let heard = tx.heard(id, &people.students).await?;
        tx.commit().await?;
        if heard.is_empty() {
            continue;
        }
        let of = |states: &[&str]| {
            heard
                .iter()
                .filter(|one| states.contains(&one.state.as_str()))
                .count()
        };
        let waits = heard
            .iter()
            .filter(|one| one.waits_for.as_deref() == Some("sheet"))
            .count();
        rows.push(json!({
            "class": name.to_string(), "all": heard.len(), "informed": of(&["informed", "told_by_paper"]),
            "paper": waits, "lost": of(&["red"]),
            "acknowledged": heard.iter().filter(|one| one.acknowledged).count(),
        }));
    }
    let mut data = line(&board, &one);
    data["rows"] = json!(rows);
    data["token"] = json!(visit.token);
    data["may_withdraw"] = json!(one.cancelled_at.is_none() && visit.user.role.decides());
    board
        .page(&visit, Room::Announcements, "announcement", data)
        .await
}

async fn withdraw(
    State(board): State<Board>,
    visit: Visit,
    Path(id): Path<i64>,
    _: Fields,
) -> Result<Response, Fault> {
    visit.must_decide()?;
    found(&board, &visit, id).await?;
    let mut tx = board
        .deed(&visit, &Deed::WithdrawAnnouncement { announcement: id })
        .await?;
    tx.cancel_announcement(id, board.now()).await?;
    board.done(tx).await?;
    Ok(Redirect::to(&format!("/announcements/{id}")).into_response())
}
