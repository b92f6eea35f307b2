//! What a family signed: consents, and that it is served on paper. Rows are added to the registers and never changed.

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::{
    Board,
    families::{back, seen},
    fault::Fault,
    fields::Fields,
    visit::Visit,
};
use crate::{
    family::{
        consent::{ConsentState, Purpose},
        service::Ground,
    },
    store::{NewConsent, NewServiceMode},
    user::deed::Deed,
};

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/families/{student}/consent", post(consent))
        .route("/families/{student}/mode", post(mode))
}

/// What a form says of the paper: its name, and the day that stands on it, which has come.
fn document(
    board: &Board,
    visit: &Visit,
    fields: &Fields,
) -> Result<(String, Option<NaiveDate>), Fault> {
    let say = |name: &str| board.say(visit, name, &Value::Null);
    let Some(document) = fields.get("document") else {
        return Err(Fault::Cannot(say("family.no_paper")?));
    };
    let Some(text) = fields.get("day") else {
        return Ok((document.to_owned(), None));
    };
    let day = ["%Y-%m-%d", "%d.%m.%Y"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text, format).ok());
    match day {
        Some(day) if day <= board.today() => Ok((document.to_owned(), Some(day))),
        Some(_) => Err(Fault::Cannot(say("family.not_yet")?)),
        None => Err(Fault::Cannot(board.say(
            visit,
            "family.no_day",
            &json!({ "typed": text }),
        )?)),
    }
}

async fn consent(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
    fields: Fields,
) -> Result<Response, Fault> {
    seen(&board, &visit, student).await?;
    let guardian = fields.number("guardian").ok_or(Fault::Nothing)?;
    let said = fields.get("state").unwrap_or_default();
    let state = ConsentState::STORED
        .into_iter()
        .find(|known| known.code() == said)
        .ok_or(Fault::Nothing)?;
    let purposes: Vec<Purpose> = fields
        .all("purpose")
        .filter_map(Purpose::from_code)
        .collect();
    if purposes.is_empty() {
        let words = board.say(&visit, "family.no_purpose", &Value::Null)?;
        return Err(Fault::Cannot(words));
    }
    let (document, day) = document(&board, &visit, &fields)?;
    let codes: Vec<&str> = purposes.iter().map(|purpose| purpose.code()).collect();
    let deed = Deed::Consent {
        guardian,
        student,
        purposes: codes,
        state: state.code(),
    };
    let mut tx = board.deed(&visit, &deed).await?;
    for purpose in purposes {
        let new = NewConsent {
            guardian_id: guardian,
            student_id: student,
            purpose,
            state,
            document: document.clone(),
            signed_on: day.map(|day| day.to_string()),
        };
        if !tx.add_consent(&new, board.now()).await? {
            return Err(Fault::Nothing);
        }
    }
    board.done(tx).await?;
    board.weeks.forget().await;
    Ok(back(student))
}

async fn mode(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
    fields: Fields,
) -> Result<Response, Fault> {
    seen(&board, &visit, student).await?;
    let guardian = fields.number("guardian").ok_or(Fault::Nothing)?;
    let ground = match fields.get("ground") {
        Some("electronic") => None,
        Some(code) => Some(Ground::from_code(code).ok_or(Fault::Nothing)?),
        None => return Err(Fault::Nothing),
    };
    let (document, day) = document(&board, &visit, &fields)?;
    let deed = Deed::ServiceMode {
        guardian,
        student,
        ground: ground.map(Ground::code),
    };
    let mut tx = board.deed(&visit, &deed).await?;
    let agreed = NewServiceMode {
        guardian_id: guardian,
        student_id: student,
        paper: ground.is_some(),
        ground,
        statement: &document,
        from_on: day.unwrap_or_else(|| board.today()),
        to_on: None,
    };
    if !tx.add_service_mode(&agreed).await? {
        return Err(Fault::Nothing);
    }
    board.done(tx).await?;
    board.weeks.forget().await;
    Ok(back(student))
}
