//! «Бумага»: the registers of sheets, what hangs before the printer, and what people say became of each sheet.

use std::collections::BTreeSet;

use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{
    Board,
    fault::Fault,
    fields::Fields,
    visit::Visit,
    week::{between, label},
};
use crate::{
    paper::handout::{Deed, How, Refused, Stand, TICKS, Tick, rows},
    store::Entry,
    user::{Room, deed},
    week::Week,
};

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/paper", get(registers))
        .route("/paper/queue/{run}", post(queue))
        .route("/paper/{class}/{week}", get(register).post(say))
        .route("/paper/{class}/{week}/pdf", get(pages))
}

async fn registers(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    let mut rows = Vec::new();
    for (id, name) in board.store.classes(board.today()).await? {
        if !visit.sees(id) {
            continue;
        }
        for week in board.store.weeks_on_paper(id).await? {
            let register = board.store.sheet_register(id, week).await?;
            let of = |stands: &[Stand]| {
                register
                    .iter()
                    .filter(|one| stands.contains(&one.stand))
                    .count()
            };
            rows.push(json!({
                "id": id, "class": name.to_string(), "week": week.to_string(), "label": label(&visit, week),
                "sheets": register.len(),
                "handed": of(&[Stand::HandedOut, Stand::SlipBack, Stand::NoSlip]), "slips": of(&[Stand::SlipBack]),
                "open": of(&[Stand::Printed]), "kept": of(&[Stand::NotHanded, Stand::Missing]),
            }));
        }
    }
    let whole = visit.classes.is_none();
    let mut waiting = Vec::new();
    for run in board
        .store
        .print_queue()
        .await?
        .into_iter()
        .filter(|_| whole)
    {
        waiting.push(json!({
            "id": run.id, "class": run.class.to_string(), "week": run.week, "since": board.at(run.since),
            "unsure": run.state == "unsure", "says": run.says.as_deref().map(|said| board.said(&visit, said)),
        }));
    }
    let data = json!({ "rows": rows, "waiting": waiting, "token": visit.token });
    board.page(&visit, Room::Paper, "paper", data).await
}

async fn queue(
    State(board): State<Board>,
    visit: Visit,
    Path(run): Path<i64>,
    fields: Fields,
) -> Result<Response, Fault> {
    if visit.classes.is_some() {
        return Err(Fault::Nothing);
    }
    let known = board.store.print_queue().await?;
    let known = known
        .into_iter()
        .find(|one| one.id == run && one.state == "unsure")
        .ok_or(Fault::Nothing)?;
    let what = fields.get("deed").unwrap_or_default();
    board
        .deed(&visit, &deed::Deed::PrintRun { run, what })
        .await?
        .commit()
        .await?;
    match what {
        "came_out" => board.store.run_came_out(&known, board.now()).await?,
        "again" => {
            board.store.print_again(run).await?;
        }
        _ => return Err(Fault::Nothing),
    }
    board.weeks.forget().await;
    Ok(Redirect::to("/paper").into_response())
}

async fn of(
    board: &Board,
    visit: &Visit,
    class: i64,
    week: &str,
) -> Result<(String, Week, Vec<Entry>), Fault> {
    visit.must_see(class)?;
    let week: Week = week.parse().map_err(|_| Fault::Nothing)?;
    let classes = board.store.classes(board.today()).await?;
    let (_, name) = classes
        .iter()
        .find(|(id, _)| *id == class)
        .ok_or(Fault::Nothing)?;
    let register = board.store.sheet_register(class, week).await?;
    if register.is_empty() {
        return Err(Fault::Nothing);
    }
    Ok((name.to_string(), week, register))
}

async fn register(
    State(board): State<Board>,
    visit: Visit,
    Path((class, week)): Path<(i64, String)>,
) -> Result<Response, Fault> {
    let (name, week, register) = of(&board, &visit, class, &week).await?;
    let rows: Result<Vec<Value>, Fault> = register
        .iter()
        .map(|one| row(&board, &visit, one))
        .collect();
    let data = json!({
        "id": class, "class": name, "week": week.to_string(), "label": label(&visit, week), "rows": rows?,
        "number": register.first().map(|one| one.number), "token": visit.token,
        "linked": visit.user.role.opens(Room::Families),
    });
    board.page(&visit, Room::Paper, "register", data).await
}

/// A sheet with what became of it.
pub(super) fn row(board: &Board, visit: &Visit, one: &Entry) -> Result<Value, Fault> {
    let ticked = one.slip.as_deref().unwrap_or_default();
    let mut boxes = Vec::new();
    for (_, code) in TICKS.iter().filter(|(_, code)| *code != "read") {
        if ticked.split(',').any(|known| known == *code) {
            boxes.push(board.say(visit, &format!("slip.{code}"), &Value::Null)?);
        }
    }
    let how = match &one.how {
        Some(how) => Some(board.say(visit, &format!("how.{how}"), &Value::Null)?),
        None => None,
    };
    Ok(json!({
        "row": one.row, "code": one.code, "student": one.student, "student_id": one.student_id,
        "number": one.number, "week": between(one.week), "stand": one.stand.code(),
        "words": board.say(visit, &format!("sheet.{}", one.stand.code()), &Value::Null)?,
        "good": matches!(one.stand, Stand::HandedOut | Stand::SlipBack | Stand::NoSlip),
        "bad": matches!(one.stand, Stand::NotHanded | Stand::Missing | Stand::Spoiled),
        "how": how, "to_whom": one.to_whom, "because": one.kept_because, "boxes": boxes, "by": one.by,
        "handed": one.handed_at.map(|at| board.at(at)), "slip": one.slip_at.map(|at| board.at(at)),
        "ground": match &one.why {
            Some(code) => Some(board.why_paper(visit, code)?),
            None => None,
        },
        "large": one.variant.as_deref() == Some("large"), "duplicate": one.duplicate,
    }))
}

async fn pages(
    State(board): State<Board>,
    visit: Visit,
    Path((class, week)): Path<(i64, String)>,
) -> Result<Response, Fault> {
    let (_, week, _) = of(&board, &visit, class, &week).await?;
    let mut tx = board.store.snapshot().await?;
    let run = tx.run_of(class, week).await?;
    tx.commit().await?;
    let path = match run {
        Some(run) => board.store.file_of_run(run).await?.ok_or(Fault::Nothing)?,
        None => return Err(Fault::Nothing),
    };
    let file = tokio::fs::read(&path).await.map_err(|_| Fault::Nothing)?;
    let kind = [(header::CONTENT_TYPE, "application/pdf")];
    Ok((kind, file).into_response())
}

/// What a person says of rows of the register: of all of them, or of none.
async fn say(
    State(board): State<Board>,
    visit: Visit,
    Path((class, week)): Path<(i64, String)>,
    fields: Fields,
) -> Result<Response, Fault> {
    let (name, week, register) = of(&board, &visit, class, &week).await?;
    let last = register.iter().map(|one| one.row).max().unwrap_or(0);
    let ticked: BTreeSet<usize> = fields
        .all("row")
        .filter_map(|row| row.parse().ok())
        .collect();
    let typed = fields.get("rows").unwrap_or_default();
    let wanted = if ticked.is_empty() {
        let wrong = board.say(&visit, "register.which", &json!({ "last": last }))?;
        rows(typed, last).ok_or(Fault::Cannot(wrong))?
    } else {
        ticked
    };
    let deed = match fields.get("deed") {
        Some("hand_out") => {
            let how = match fields.get("how") {
                Some("in_person") => How::InPerson,
                Some("post") => How::Post,
                _ => How::Student,
            };
            Deed::HandOut(how, fields.get("to_whom").map(str::to_owned))
        }
        Some("keep") => match fields.get("because") {
            Some(because) => Deed::Keep(because.to_owned()),
            None => {
                return Err(Fault::Cannot(board.say(
                    &visit,
                    "register.no_because",
                    &Value::Null,
                )?));
            }
        },
        Some("slip") => {
            let mut boxes = BTreeSet::from([Tick::Read]);
            boxes.extend(
                TICKS
                    .iter()
                    .filter(|(_, code)| fields.all("box").any(|one| one == *code))
                    .map(|(tick, _)| *tick),
            );
            Deed::TakeSlip(boxes)
        }
        Some("no_slip") => Deed::GiveUpSlip,
        Some("lost") => Deed::Lose,
        _ => return Err(Fault::Nothing),
    };
    let done = deed::Deed::Sheets {
        class: &name,
        week: week.to_string(),
        what: fields.get("deed").unwrap_or_default(),
        sheets: wanted.len(),
    };
    let mut tx = board.deed(&visit, &done).await?;
    for sheet in register.iter().filter(|one| wanted.contains(&one.row)) {
        let said = tx
            .say_of_sheet(sheet.id, &deed, visit.user.staff_id, board.now())
            .await?;
        if let Err(refused) = said {
            let name = match refused {
                Refused::NotPrinted => "refused.not_printed",
                Refused::NotHandedOut => "refused.not_handed_out",
                Refused::HandedOut => "refused.handed_out",
                Refused::Signed => "refused.signed",
                Refused::Replaced => "refused.replaced",
            };
            let why = board.say(&visit, name, &Value::Null)?;
            return Err(Fault::Cannot(format!("№ {}: {why}", sheet.row)));
        }
    }
    board.done(tx).await?;
    board.weeks.forget().await;
    Ok(Redirect::to(&format!("/paper/{class}/{week}")).into_response())
}
