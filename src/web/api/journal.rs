//! `POST /journal`: rows of the journal, all or none, each under the key of the program that sends it.

use axum::{Extension, Json, Router, extract::State, http::HeaderMap, routing::post};

use super::{
    Api, allowed, hashed,
    problem::{Body, Problem},
};
use crate::{
    journal::ingest::{Batch, MOST},
    store::{ApiToken, IngestError, Ingested},
};

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/journal", post(ingest))
}

/// Writes rows of the journal.
///
/// All of them are written in one transaction, or none. A row that is known by its key is corrected; one that stands
/// there as it is changes nothing. With an `Idempotency-Key`, drawn anew for each batch, a batch that is sent again
/// because its answer was lost is answered as it was the first time.
#[utoipa::path(
    post,
    path = "/api/v1/journal",
    tag = "journal",
    security(("token" = ["journal.write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Drawn anew for each batch", min_length = 1, max_length = 100)),
    request_body = Batch,
    responses(
        (status = 200, description = "It is written", body = Ingested),
        (status = 400, description = "It is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "The token is not known", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "The token is not for this", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The key was used for another batch, or rows name what the journal does not know; none was written", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "It is too large", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "It says that it is no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "Rows are wrong; none was written", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "Too often", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn ingest(
    State(api): State<Api>,
    Extension(token): Extension<ApiToken>,
    headers: HeaderMap,
    Body(batch): Body<Batch>,
) -> Result<Json<Ingested>, Problem> {
    allowed(&token, "journal.write")?;
    if batch.rows() > MOST {
        let detail = format!(
            "the batch has {} rows: {MOST} are allowed, send the rest in another one",
            batch.rows()
        );
        return Err(Problem::wrong(detail, Vec::new()));
    }
    let faults = batch.faults();
    if !faults.is_empty() {
        return Err(Problem::wrong("rows are wrong; none was written", faults));
    }
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok());
    if key.is_some_and(|key| key.is_empty() || key.len() > 100) {
        return Err(Problem::wrong(
            "Idempotency-Key: 1 to 100 characters are allowed",
            Vec::new(),
        ));
    }
    let body = hashed(&serde_json::to_string(&batch)?);
    let now = api.clock.now();
    match api.store.ingest(&token, &batch, (key, &body), now).await {
        Ok(done) => {
            api.look.notify_one();
            tracing::info!(
                token = token.id,
                inserted = done.inserted,
                updated = done.updated,
                "a batch is written"
            );
            Ok(Json(done))
        }
        Err(IngestError::Wrong(faults)) => Err(Problem::conflict(
            "rows do not go with what the journal knows, or with each other; none was written",
            faults,
        )),
        Err(IngestError::KeyUsed) => Err(Problem::conflict(
            "this Idempotency-Key was used for another batch: draw a new one",
            Vec::new(),
        )),
        Err(IngestError::Store(error)) => Err(error.into()),
    }
}
