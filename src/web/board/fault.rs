//! Why a page is not shown, and what is shown instead.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Board, visit::Visit};

/// Nothing from elsewhere, no script but the board's own, in no frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Why a page is not shown.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is nothing of this name, or not for who asks: the two look alike.
    Nothing,
    /// The form was not filled in on a page of this session.
    Stale,
    /// It was tried too often.
    TooOften,
    /// What was asked for cannot be done: why, in a sentence for who asked.
    Cannot(String),
    /// Something failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What the outermost layer makes a page of.
#[derive(Debug, Clone)]
struct Excuse {
    sentence: &'static str,
    words: Option<String>,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, sentence, words) = match self {
            Self::Nothing => (StatusCode::NOT_FOUND, "sorry.nothing", None),
            Self::Stale => (StatusCode::FORBIDDEN, "sorry.stale", None),
            Self::TooOften => (StatusCode::TOO_MANY_REQUESTS, "sorry.too_often", None),
            Self::Cannot(words) => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "sorry.cannot",
                Some(words),
            ),
            Self::Failed(error) => {
                tracing::error!(
                    error = crate::app::story(error.as_ref()),
                    "no page of the board"
                );
                (StatusCode::INTERNAL_SERVER_ERROR, "sorry.failed", None)
            }
        };
        let mut response = status.into_response();
        response.extensions_mut().insert(Excuse { sentence, words });
        response
    }
}

/// Puts headers on every answer, and makes a page of what is none.
pub(super) async fn dressed(State(board): State<Board>, request: Request, next: Next) -> Response {
    let language = super::door::language(request.headers());
    let response = next.run(request).await;
    let mut response = match response.extensions().get::<Excuse>().cloned() {
        Some(excuse) => {
            let visit = response.extensions().get::<Visit>().cloned();
            let language = visit.as_ref().map_or(language, Visit::language);
            let page = board.views.sorry(
                visit.as_ref(),
                language,
                excuse.sentence,
                excuse.words.as_deref(),
            );
            (response.status(), page).into_response()
        }
        None => response,
    };
    let headers: [(HeaderName, &'static str); 6] = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // What somebody was looking at is told to nobody.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ];
    for (name, value) in headers {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if !response.headers().contains_key(header::CACHE_CONTROL) {
        let never = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, never);
    }
    response
}
