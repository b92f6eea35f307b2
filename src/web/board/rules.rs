//! «Правила»: the policy that holds, rule by rule with its clause, and who would hear of an event, when and why.

use axum::{Router, extract::State, response::Response, routing::get};
use serde_json::{Value, json};

use super::{Board, fault::Fault, fields::Fields, visit::Visit};
use crate::{cli::told_of, family::preference::Event, policy::RULES, user::Room};

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/rules", get(rules).post(route))
}

async fn rules(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    shown(&board, &visit, None, "").await
}

async fn shown(
    board: &Board,
    visit: &Visit,
    told: Option<Value>,
    who: &str,
) -> Result<Response, Fault> {
    let regulation = &board.regulation;
    let mut rows = Vec::new();
    for (rule, acted) in RULES {
        if let Some(line) = regulation.lines.get(*rule) {
            let words = board.say(visit, &format!("rule.{rule}"), &Value::Null)?;
            rows.push(json!({ "rule": words, "value": line.value, "clause": line.clause, "acted": acted }));
        }
    }
    let mut events = Vec::new();
    for event in Event::ALL {
        let words = board.say(visit, &format!("event.{}", event.code()), &Value::Null)?;
        events.push(json!({ "code": event.code(), "words": words }));
    }
    let data = json!({
        "name": regulation.name, "name_in_words": regulation.title, "rows": rows, "events": events,
        "told": told, "who": who, "token": visit.token,
    });
    board.page(visit, Room::Rules, "rules", data).await
}

/// Who would hear of an event about a student.
async fn route(
    State(board): State<Board>,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Fault> {
    let who = fields.get("who").unwrap_or_default();
    let event = fields
        .get("event")
        .and_then(Event::from_code)
        .ok_or(Fault::Nothing)?;
    let found = board.store.search_students(who, board.today()).await?;
    let told = match &found[..] {
        [one] => {
            let name = match &one.class {
                Some((_, class)) => format!("{}, {}", one.name, class.plain()),
                None => one.name.clone(),
            };
            let language = visit.language();
            let lines = told_of(
                &board.store,
                &board.config,
                (one.id, &name),
                event,
                (board.zone, board.now()),
                language,
            );
            json!({ "lines": lines.await? })
        }
        [] => json!({ "lines": [board.say(&visit, "rules.nobody", &Value::Null)?] }),
        several => {
            let names: Vec<String> = several.iter().map(|one| one.name.clone()).collect();
            json!({ "lines": [board.say(&visit, "rules.several", &json!({ "names": names.join(", ") }))?] })
        }
    };
    shown(&board, &visit, Some(told), who).await
}
