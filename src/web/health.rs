//! `/healthz`: whether the engine still turns.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use serde_json::json;

use crate::{
    clock::Clock,
    instant::{Millis, SECOND},
};

/// An engine that has not turned for this long is not well.
const STALE: Millis = 30 * SECOND;

/// When the engine last turned without an error.
#[derive(Debug, Clone)]
pub struct Pulse {
    at: Arc<AtomicI64>,
    clock: Clock,
}

impl Pulse {
    /// A pulse that beats now.
    pub fn new(clock: Clock) -> Self {
        let at = Arc::new(AtomicI64::new(clock.now()));
        Self { at, clock }
    }

    /// A turn worked at this instant.
    pub fn beat(&self, now: Millis) {
        self.at.store(now, Ordering::Relaxed);
    }

    /// When the engine last turned without an error.
    pub fn last(&self) -> Millis {
        self.at.load(Ordering::Relaxed)
    }

    fn age(&self) -> Millis {
        self.clock.now() - self.last()
    }
}

/// The path, with nothing on it that needs a login.
pub fn router(pulse: Pulse) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .with_state(pulse)
}

async fn healthz(State(pulse): State<Pulse>) -> impl IntoResponse {
    let age = pulse.age();
    let (code, status) = if age < STALE {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "stale")
    };
    (
        code,
        Json(json!({"status": status, "last_turn_ms_ago": age})),
    )
}
