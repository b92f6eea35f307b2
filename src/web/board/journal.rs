//! «Журнал»: what was loaded, what changed last, and the marks that were changed.

use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::{Value, json};

use super::{Board, fault::Fault, visit::Visit};
use crate::user::Room;

/// How many loads, changes and corrections are shown.
const SHOWN: i64 = 30;

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/journal", get(journal))
}

async fn journal(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    let reading = board.store.reading().await?;
    let mut loads = Vec::new();
    for one in board.store.loads(SHOWN).await? {
        let [read, inserted, updated, deleted] = one.rows;
        loads.push(json!({
            "id": one.id, "source": one.source, "at": board.at(one.started_at),
            "words": board.say(&visit, &format!("load.{}", one.state), &Value::Null)?, "bad": one.state == "failed",
            "read": read, "inserted": inserted, "updated": updated, "deleted": deleted,
        }));
    }
    let mut written = Vec::new();
    for one in board.store.written(SHOWN).await? {
        let name = format!("entity.{}", one.entity);
        let what = if board.views.has(&name) {
            board.say(&visit, &name, &Value::Null)?
        } else {
            one.entity.clone()
        };
        written.push(json!({
            "at": board.at(one.written_at), "what": what,
            "op": board.say(&visit, &format!("op.{}", one.op), &Value::Null)?,
            "import": one.import_id, "planned": one.planned_at.map(|at| board.at(at)),
        }));
    }
    let mut corrected = Vec::new();
    for one in board.store.corrected(SHOWN).await? {
        corrected.push(json!({
            "at": board.at(one.at), "student": one.student, "subject": one.subject, "date": one.date,
            "before": one.values.0, "after": one.values.1, "import": one.import_id,
        }));
    }
    let data = json!({
        "last": reading.last.map(|at| board.at(at)), "unplanned": reading.unplanned,
        "loads": loads, "written": written, "corrected": corrected,
    });
    board.page(&visit, Room::Journal, "journal", data).await
}
