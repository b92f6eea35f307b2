//! `GET /messages` and `GET /messages/{reference}`: every message and what became of it, without addresses and texts.

#![expect(
    unused_qualifications,
    reason = "utoipa qualifies what its macro is given"
)]

use axum::{Extension, Json, Router, extract::State, routing::get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, allowed,
    problem::{Asked, Named, Problem},
};
use crate::{
    store::{ApiToken, Filter},
    zone,
};

/// How many messages one answer lists at most.
const MOST: i64 = 500;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/messages", get(list))
        .route("/messages/{reference}", get(one))
}

/// Which messages are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// `sms`, `email`, `telegram` or `paper`
    channel: Option<String>,
    /// Of this state
    state: Option<String>,
    /// Older than this one: the `id` of the last answer's last message
    #[param(minimum = 1)]
    before: Option<i64>,
    /// How many, 100 without it
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// A message.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Listed {
    /// To ask for older ones by.
    id: i64,
    /// Its name.
    reference: String,
    /// The channel.
    channel: String,
    /// Its state.
    state: String,
    /// When it was composed, by the school's clock.
    composed_at: String,
    /// Since when it is in its state.
    state_at: String,
}

/// A message with what happened to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Told {
    /// Its name.
    reference: String,
    /// The channel.
    channel: String,
    /// Its state.
    state: String,
    /// Why, where the state needs a reason.
    reason: Option<String>,
    /// When it was composed, by the school's clock.
    composed_at: String,
    /// Since when it is in its state.
    state_at: String,
    /// Whether a second copy may have arrived.
    possible_duplicate: bool,
    /// The calls to the provider.
    attempts: Vec<Call>,
}

/// A call to a provider.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Call {
    /// From 1 on.
    number: i64,
    /// When it left.
    started_at: String,
    /// How it ended; none while it is under way.
    outcome: Option<String>,
    /// The provider's code.
    code: Option<String>,
}

/// Lists messages, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/messages",
    tag = "messages",
    security(("token" = ["messages.read"])),
    params(Wanted),
    responses(
        (status = 200, description = "The messages", body = Vec<Listed>),
        (status = 400, description = "The question is not understood", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is not for this", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A number is out of its bounds", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(api): State<Api>,
    Extension(token): Extension<ApiToken>,
    Asked(wanted): Asked<Wanted>,
) -> Result<Json<Vec<Listed>>, Problem> {
    allowed(&token, "messages.read")?;
    let limit = wanted.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) || wanted.before.is_some_and(|before| before < 1) {
        return Err(Problem::wrong(
            format!("limit: 1 to {MOST}; before: from 1 on"),
            Vec::new(),
        ));
    }
    let plain = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\0'));
    if plain(&wanted.channel) || plain(&wanted.state) {
        return Ok(Json(Vec::new()));
    }
    let filter = Filter {
        channel: wanted.channel,
        state: wanted.state,
        guardian: None,
        before: wanted.before,
    };
    let messages = api.store.list(&filter, limit).await?;
    let listed = messages.into_iter().map(|one| Listed {
        id: one.id,
        reference: one.reference,
        channel: one.channel,
        state: one.state,
        composed_at: zone::timestamp(one.composed_at, api.zone),
        state_at: zone::timestamp(one.state_at, api.zone),
    });
    Ok(Json(listed.collect()))
}

/// Tells what happened to a message.
#[utoipa::path(
    get,
    path = "/api/v1/messages/{reference}",
    tag = "messages",
    security(("token" = ["messages.read"])),
    params(("reference" = String, Path, description = "Its name", max_length = 64)),
    responses(
        (status = 200, description = "The message", body = Told),
        (status = 401, description = "The token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is not for this", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none of this name", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn one(
    State(api): State<Api>,
    Extension(token): Extension<ApiToken>,
    Named(reference): Named<String>,
) -> Result<Json<Told>, Problem> {
    allowed(&token, "messages.read")?;
    if !reference.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err(Problem::nothing());
    }
    let history = api
        .store
        .history(&reference)
        .await?
        .ok_or_else(Problem::nothing)?;
    let at = |instant| zone::timestamp(instant, api.zone);
    Ok(Json(Told {
        reference: history.reference,
        channel: history.channel,
        state: history.state,
        reason: history.reason,
        composed_at: at(history.composed_at),
        state_at: at(history.state_at),
        possible_duplicate: history.possible_duplicate,
        attempts: history
            .attempts
            .into_iter()
            .map(|call| Call {
                number: call.number,
                started_at: at(call.started_at),
                outcome: call.outcome,
                code: call.code,
            })
            .collect(),
    }))
}
