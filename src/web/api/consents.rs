//! `/consents`: the register of consents. Rows are added and never changed.

#![expect(
    unused_qualifications,
    reason = "utoipa qualifies what its macro is given"
)]

use axum::{Extension, Json, Router, extract::State, http::StatusCode, routing::get};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, allowed,
    problem::{Asked, Body, Problem},
};
use crate::{
    family::consent::{ConsentState, Purpose},
    journal::ingest::{clean, whole},
    store::{ApiToken, NewConsent},
    zone,
};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/consents", get(list).post(add))
}

/// Whose consents are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `student.id`; all without it
    #[param(minimum = 1)]
    student_id: Option<i64>,
}

/// What a consent is for.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PurposeCode {
    /// Personal data.
    Data,
    /// SMS.
    Sms,
    /// Mails.
    Email,
    /// Messengers.
    Messenger,
}

/// What a guardian said.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateCode {
    /// Yes.
    Given,
    /// No.
    Refused,
    /// No more.
    Withdrawn,
}

/// A row to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRow {
    /// `guardian.id`
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1)]
    guardian_id: i64,
    /// `student.id`
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1)]
    student_id: i64,
    /// What for.
    purpose: PurposeCode,
    /// What was said.
    state: StateCode,
    /// The paper that proves it.
    #[schema(min_length = 1, max_length = 200, pattern = r"\S")]
    document: String,
    /// The day it was signed.
    signed_on: Option<NaiveDate>,
}

/// A row of the register.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Row {
    /// `guardian.id`
    guardian_id: i64,
    /// `student.id`
    student_id: i64,
    /// What for.
    purpose: String,
    /// What was said.
    state: String,
    /// The paper that proves it.
    document: Option<String>,
    /// The day it was signed.
    signed_on: Option<String>,
    /// Whether no later row speaks of the same.
    holds: bool,
}

/// Lists the register of consents, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/consents",
    tag = "consents",
    security(("token" = ["consents.read"])),
    params(Wanted),
    responses(
        (status = 200, description = "The register", body = Vec<Row>),
        (status = 400, description = "The question is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is not for this", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The number is none", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(token): Extension<ApiToken>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Vec<Row>>, Problem> {
    allowed(&token, "consents.read")?;
    if wanted.student_id.is_some_and(|id| id < 1) {
        return Err(Problem::wrong("student_id: from 1 on", Vec::new()));
    }
    let rows = api.store.consents(wanted.student_id).await?;
    let row = |one: crate::store::ConsentRow| Row {
        guardian_id: one.guardian_id,
        student_id: one.student_id,
        purpose: one.purpose,
        state: one.state,
        document: one.document,
        signed_on: one.signed_on,
        holds: one.holds,
    };
    Ok(Json(rows.into_iter().map(row).collect()))
}

/// Adds a row to the register of consents.
#[utoipa::path(
    post,
    path = "/api/v1/consents",
    tag = "consents",
    security(("token" = ["consents.write"])),
    request_body = NewRow,
    responses(
        (status = 201, description = "It is added"),
        (status = 400, description = "It is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is not for this", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The guardian does not answer for the student", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The day of the signature has not come yet", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "It is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "It says that it is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "It is wrong", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn add(
    State(api): State<Api>,
    Extension(token): Extension<ApiToken>,
    Body(new): Body<NewRow>,
) -> Result<StatusCode, Problem> {
    allowed(&token, "consents.write")?;
    let document = clean(&new.document);
    let count = document.chars().count();
    if !(1..=200).contains(&count) {
        return Err(Problem::wrong(
            "document: name the paper that proves it, in 1 to 200 characters",
            Vec::new(),
        ));
    }
    let today = zone::local(api.clock.now(), api.zone).date();
    if new.signed_on.is_some_and(|day| day > today) {
        let detail =
            "signed_on: this day has not come yet; give the day on which the paper was signed";
        return Err(Problem::conflict(detail, Vec::new()));
    }
    let consent = NewConsent {
        guardian_id: new.guardian_id,
        student_id: new.student_id,
        purpose: match new.purpose {
            PurposeCode::Data => Purpose::Data,
            PurposeCode::Sms => Purpose::Sms,
            PurposeCode::Email => Purpose::Email,
            PurposeCode::Messenger => Purpose::Messenger,
        },
        state: match new.state {
            StateCode::Given => ConsentState::Given,
            StateCode::Refused => ConsentState::Refused,
            StateCode::Withdrawn => ConsentState::Withdrawn,
        },
        document,
        signed_on: new.signed_on.map(|day| day.to_string()),
    };
    if !api.store.add_consent(&consent, api.clock.now()).await? {
        let detail = "this guardian does not answer for this student: load the families first";
        return Err(Problem::missing(detail));
    }
    api.look.notify_one();
    Ok(StatusCode::CREATED)
}
