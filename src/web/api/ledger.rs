//! `GET /ledger`: who was informed in a week, how surely, and why not.

#![expect(
    unused_qualifications,
    reason = "utoipa qualifies what its macro is given"
)]

use axum::{Extension, Json, Router, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, allowed,
    problem::{Asked, Problem},
};
use crate::{
    journal::class_name::ClassName,
    policy::Evidence,
    providers,
    store::{ApiToken, LedgerQuestion},
    week::Week,
    zone,
};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/ledger", get(ledger))
}

/// Which part of the ledger is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The week, as `2026-W42`, or one of its days; this week without it
    #[param(pattern = "^[0-9]{4}-(W[0-9]{2}|[0-9]{2}-[0-9]{2})$")]
    week: Option<String>,
    /// The class, as people write it; all classes without it
    class: Option<String>,
}

/// A student and a guardian in a week.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Cell {
    /// `student.id`
    student_id: i64,
    /// `guardian.id`
    guardian_id: i64,
    /// The class, where the school keeps classes.
    class: Option<String>,
    /// The week.
    week: String,
    /// `E0` to `E4`; none where nothing was due.
    evidence: Option<String>,
    /// Whether that is enough.
    informed: bool,
    /// Whether the week ended without it.
    red: bool,
    /// Why the evidence is no higher, as a code.
    reason: Option<String>,
}

/// Tells who was informed in a week.
#[utoipa::path(
    get,
    path = "/api/v1/ledger",
    tag = "ledger",
    security(("token" = ["ledger.read"])),
    params(Wanted),
    responses(
        (status = 200, description = "The ledger", body = Vec<Cell>),
        (status = 400, description = "The question is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is not for this", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such week or class", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The week is written otherwise", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ledger(
    State(api): State<Api>,
    Extension(token): Extension<ApiToken>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Vec<Cell>>, Problem> {
    allowed(&token, "ledger.read")?;
    let today = zone::local(api.clock.now(), api.zone).date();
    let week = match wanted.week.as_deref() {
        Some(text) => text.parse().map_err(|_| no_week(text))?,
        None => Week::of(today),
    };
    let class: Option<ClassName> = match wanted.class.as_deref() {
        Some(text) => {
            let none = |_| Problem::missing("there is no such class: write it as 5А");
            Some(text.parse().map_err(none)?)
        }
        None => None,
    };
    let configured = api.config.channels();
    let reports = providers::reports(&api.config);
    let question = LedgerQuestion {
        week,
        class: class.as_ref(),
        today,
        zone: api.zone,
        configured: &configured,
        reports: &reports,
        policy: &api.regulation.policy,
    };
    let lines = api.store.ledger(&question).await?;
    let cell = |line: crate::ledger::Line| Cell {
        student_id: line.student_id,
        guardian_id: line.guardian_id,
        class: line.class.as_ref().map(ClassName::plain),
        week: line.week.to_string(),
        evidence: line
            .cell
            .evidence
            .map(|evidence: Evidence| evidence.code().to_owned()),
        informed: line.cell.informed,
        red: line.cell.red,
        reason: line.cell.reason().map(str::to_owned),
    };
    Ok(Json(lines.into_iter().map(cell).collect()))
}

/// Why a text is no week: it is written otherwise, or the year has none of this number.
fn no_week(text: &str) -> Problem {
    let written = text.len() == 8 || text.len() == 10;
    if written && text.is_ascii() && text.as_bytes().get(4) == Some(&b'-') {
        Problem::missing("there is no such week or day")
    } else {
        Problem::wrong(
            "week: write it as 2026-W42, or as one of its days",
            Vec::new(),
        )
    }
}
