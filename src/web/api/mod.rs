//! `/api/v1`: other programs write the journal and read messages, the ledger and consents. Its description,
//! `/api/v1/openapi.json`, is made from the code; what goes wrong is told as problem+json (RFC 9457).

mod consents;
mod journal;
mod ledger;
mod messages;
mod problem;

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono_tz::Tz;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use self::problem::Problem;
use crate::{
    clock::Clock,
    config::Config,
    links::hex,
    policy::Regulation,
    store::{ApiToken, Store},
};

/// A batch of rows has no more bytes than this.
const BATCH: usize = 16 * 1024 * 1024;

/// A program may ask so often in a minute.
const EACH_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("that is not zero");

/// What programs may do, by the codes of `api_token.scopes`.
pub const SCOPES: [&str; 5] = [
    "journal.write",
    "messages.read",
    "ledger.read",
    "consents.read",
    "consents.write",
];

/// What the API needs.
#[derive(Clone)]
pub struct Api {
    /// Where everything is.
    pub store: Store,
    /// What the administrator decided.
    pub config: Arc<Config>,
    /// The rules that hold.
    pub regulation: Arc<Regulation>,
    /// The school's zone.
    pub zone: Tz,
    /// The time.
    pub clock: Clock,
    /// Has the engine look at once at what was written.
    pub look: Arc<Notify>,
    rate: Arc<DefaultKeyedRateLimiter<i64>>,
}

/// The description of the API.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "vestnik",
        description = "What other programs may write and read: the journal, messages, the ledger of who is informed, and consents."
    ),
    paths(
        journal::ingest,
        messages::list,
        messages::one,
        ledger::ledger,
        consents::list,
        consents::add,
    ),
    modifiers(&Tokens)
)]
struct Description;

/// Every path asks for a token.
struct Tokens;

impl Modify for Tokens {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        if let Some(components) = description.components.as_mut() {
            components.add_security_scheme("token", SecurityScheme::Http(scheme));
        }
    }
}

/// The description, as it is served.
pub fn description() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// What is kept of a token.
pub fn hashed(token: &str) -> String {
    hex(&Sha256::digest(token.as_bytes()))
}

impl Api {
    /// Prepares the paths.
    pub fn new(
        store: Store,
        (config, regulation): (Arc<Config>, Arc<Regulation>),
        (zone, clock): (Tz, Clock),
        look: Arc<Notify>,
    ) -> Self {
        Self {
            store,
            config,
            regulation,
            zone,
            clock,
            look,
            rate: Arc::new(RateLimiter::keyed(Quota::per_minute(EACH_MINUTE))),
        }
    }

    /// The paths.
    pub fn router(self) -> Router {
        let guarded = Router::new()
            .merge(journal::routes())
            .merge(messages::routes())
            .merge(ledger::routes())
            .merge(consents::routes())
            .method_not_allowed_fallback(|| async { Problem::method() })
            .route_layer(from_fn_with_state(self.clone(), known));
        Router::new()
            .nest("/api/v1", guarded)
            .route(
                "/api/v1/openapi.json",
                get(|| async { Json(description()) }),
            )
            .layer(DefaultBodyLimit::max(BATCH))
            .with_state(self)
    }
}

/// Lets in whose token is known, not too often.
async fn known(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(given) = bearer(request.headers()) else {
        return Problem::unknown().into_response();
    };
    let token = match api.store.token(&hashed(given)).await {
        Ok(Some(token)) => token,
        Ok(None) => return Problem::unknown().into_response(),
        Err(error) => return Problem::failed(&error.into()).into_response(),
    };
    api.rate.retain_recent();
    if api.rate.check_key(&token.id).is_err() {
        return Problem::too_often().into_response();
    }
    request.extensions_mut().insert(token);
    next.run(request).await
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// That a program may do this.
fn allowed(token: &ApiToken, scope: &str) -> Result<(), Problem> {
    if token.scopes.iter().any(|one| one == scope) {
        Ok(())
    } else {
        Err(Problem::forbidden(scope))
    }
}
