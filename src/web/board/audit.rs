//! «Действия»: what people did, in words; and whether the chain of it is whole.

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Board, fault::Fault, visit::Visit};
use crate::user::Room;

/// How many one page lists.
const SHOWN: usize = 100;

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/audit", get(list))
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    before: Option<i64>,
}

async fn list(
    State(board): State<Board>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    visit.must_decide()?;
    let mut entries = board
        .store
        .audit(asked.before, i64::try_from(SHOWN + 1)?)
        .await?;
    let more = entries.len() > SHOWN;
    entries.truncate(SHOWN);
    let rows: Vec<Value> = entries
        .iter()
        .map(|one| json!({ "id": one.id, "at": board.at(one.at), "who": one.who, "words": one.words }))
        .collect();
    let data = json!({
        "rows": rows, "broken": board.store.audit_broken().await?,
        "older": entries.last().map(|one| one.id).filter(|_| more),
    });
    board.page(&visit, Room::Audit, "audit", data).await
}
