//! «Семьи»: who answers for a student, by which consents and addresses, everything that was ever sent, and what the
//! family complains of. A search travels in the form, not in the address of a page: nobody's name stands in a history.

use axum::{
    Router,
    extract::{Path, State},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Board,
    family::{complaint, picture},
    fault::Fault,
    fields::Fields,
    visit::Visit,
};
use crate::{
    family::contact::is_mail,
    store::{KINDS, Tie},
    user::{Room, deed::Deed},
};

/// How many are found at once.
const FOUND: usize = 50;

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

async fn family(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
) -> Result<Response, Fault> {
    let data = picture(&board, &visit, student, false).await?;
    board.page(&visit, Room::Families, "family", data).await
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
    let deed = Deed::AddAddress { guardian, channel };
    let mut tx = board.deed(&visit, &deed).await?;
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
    let guardian = known.guardian_id;
    match fields.get("deed") {
        Some("end") => {
            let deed = Deed::EndAddress { guardian, contact };
            let mut tx = board.deed(&visit, &deed).await?;
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
            let deed = Deed::CorrectAddress { guardian, contact };
            let mut tx = board.deed(&visit, &deed).await?;
            tx.end_address((contact, student), board.now()).await?;
            let (who, what) = (
                (guardian, student),
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
            let deed = Deed::VerifyAddress { guardian, contact };
            let tx = board.deed(&visit, &deed).await?;
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
    let deed = Deed::Complaint { student, kind };
    let mut tx = board.deed(&visit, &deed).await?;
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
    let deed = Deed::AnswerComplaint {
        student,
        complaint: id,
    };
    let mut tx = board.deed(&visit, &deed).await?;
    if !tx
        .answer_complaint((id, student), words, visit.user.id, board.now())
        .await?
    {
        return Err(Fault::Nothing);
    }
    board.done(tx).await?;
    Ok(back(student))
}
