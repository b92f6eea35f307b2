//! «Действия»: what people did, in words; and whether the chain of it is whole.

use std::collections::BTreeMap;

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Board, fault::Fault, visit::Visit};
use crate::user::{
    Room,
    chain::{Entry, HERE},
};

/// How many one page lists.
const SHOWN: usize = 100;

/// What a deed can be about by a code, and the sentences for its codes.
const CODES: [(&str, &str); 8] = [
    ("channel", "channel"),
    ("ground", "ground"),
    ("kind", "complaint"),
    ("purposes", "purpose"),
    ("role", "role"),
    ("state", "consent"),
    ("verdict", "verdict"),
    ("what", "done"),
];

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
    let mut names = BTreeMap::new();
    let mut rows = Vec::new();
    for one in &entries {
        let who = match one.who.as_str() {
            HERE => board.say(&visit, "audit.command_line", &Value::Null)?,
            login => login.to_owned(),
        };
        rows.push(json!({
            "id": one.id, "at": board.at(one.at), "who": who,
            "words": words(&board, &visit, one, &mut names).await?,
        }));
    }
    let data = json!({
        "rows": rows, "broken": board.store.audit_broken().await?,
        "older": entries.last().map(|one| one.id).filter(|_| more),
    });
    board.page(&visit, Room::Audit, "audit", data).await
}

/// The names of students and guardians that were asked for so far: by what they are and their id.
type Names = BTreeMap<(&'static str, i64), String>;

/// What was done, in words, with the names that stand nowhere in the chain.
async fn words(
    board: &Board,
    visit: &Visit,
    entry: &Entry,
    names: &mut Names,
) -> Result<String, Fault> {
    let sentence = format!("deed.{}", entry.deed);
    let about: Option<Map<String, Value>> = serde_json::from_str(&entry.about).ok();
    let Some(mut about) = about.filter(|_| board.views.has(&sentence)) else {
        // An older program wrote it.
        return Ok(entry.about.clone());
    };
    for (field, table) in CODES {
        if let Some(known) = about.get_mut(field) {
            *known = spoken(board, visit, table, known)?;
        }
    }
    for field in ["student", "guardian"] {
        let Some(id) = about.get(field).and_then(Value::as_i64) else {
            continue;
        };
        let name = match names.get(&(field, id)) {
            Some(name) => name.clone(),
            None => named(board, field, id).await?,
        };
        about.insert(field.to_owned(), json!(name));
        names.insert((field, id), name);
    }
    board.say(visit, &sentence, &Value::Object(about))
}

/// The words for a code, or for several.
fn spoken(board: &Board, visit: &Visit, table: &str, codes: &Value) -> Result<Value, Fault> {
    let say = |code: &str| {
        let name = format!("{table}.{code}");
        if board.views.has(&name) {
            board.say(visit, &name, &Value::Null)
        } else {
            Ok(code.to_owned())
        }
    };
    match codes {
        Value::String(code) => Ok(json!(say(code)?)),
        Value::Array(codes) => {
            let words: Result<Vec<String>, Fault> =
                codes.iter().filter_map(Value::as_str).map(say).collect();
            Ok(json!(words?.join(", ")))
        }
        other => Ok(other.clone()),
    }
}

/// The name of a student or a guardian; the id where there is none any more.
async fn named(board: &Board, what: &str, id: i64) -> Result<String, Fault> {
    let name = if what == "student" {
        board.store.student_name(id).await?
    } else {
        board.store.guardian_name(id).await?
    };
    Ok(name.unwrap_or_else(|| format!("№ {id}")))
}

#[cfg(test)]
mod tests {
    use super::{super::view::Views, *};
    use crate::{text::Language, user::deed::Deed};

    /// One deed of each kind.
    fn deeds() -> Vec<Deed<'static>> {
        let (guardian, student, contact) = (1, 2, 3);
        let login = "zavuch";
        vec![
            Deed::GavePassword,
            Deed::LoggedIn,
            Deed::Locked { login },
            Deed::NewPassword,
            Deed::SecondFactor,
            Deed::AddUser {
                login,
                role: "admin",
            },
            Deed::ResetUser { login },
            Deed::EndUser { login },
            Deed::Pause,
            Deed::DecideHold {
                hold: 7,
                verdict: "summarise",
            },
            Deed::WithdrawAnnouncement { announcement: 4 },
            Deed::Message {
                reference: "R",
                what: "cancel",
            },
            Deed::AddAddress {
                guardian,
                channel: "sms",
            },
            Deed::EndAddress { guardian, contact },
            Deed::CorrectAddress { guardian, contact },
            Deed::VerifyAddress { guardian, contact },
            Deed::Consent {
                guardian,
                student,
                purposes: vec!["data", "sms"],
                state: "withdrawn",
            },
            Deed::ServiceMode {
                guardian,
                student,
                ground: None,
            },
            Deed::Complaint {
                student,
                kind: "not_arrived",
            },
            Deed::AnswerComplaint {
                student,
                complaint: 5,
            },
            Deed::Proof {
                student,
                from: "2026-10-30".into(),
                to: "2026-11-29".into(),
            },
            Deed::PrintRun {
                run: 6,
                what: "came_out",
            },
            Deed::Sheets {
                class: "5 «А»",
                week: "2026-W48".into(),
                what: "hand_out",
                sheets: 3,
            },
            Deed::Test { lane: "email" },
        ]
    }

    #[test]
    fn every_deed_is_told_in_both_languages() {
        let views = Views::embedded().expect("pages");
        for deed in deeds() {
            let (code, about) = deed.written();
            let about: Map<String, Value> = serde_json::from_str(&about).expect("an object");
            for (field, table) in CODES {
                let codes = about.get(field).and_then(Value::as_str);
                for known in codes.iter().filter(|known| !known.is_empty()) {
                    assert!(views.has(&format!("{table}.{known}")), "{table}.{known}");
                }
            }
            for language in [Language::Russian, Language::English] {
                let words = views.say(language, &format!("deed.{code}"), &json!(about));
                assert!(words.is_ok_and(|words| !words.is_empty()), "{code}");
            }
        }
    }
}
