//! What goes wrong, as programs read it (RFC 9457).

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::journal::ingest::Wrong;

/// A problem.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: `about:blank`, which means what the status means.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong, and the remedy.
    detail: String,
    /// The places that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong>,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
        }
    }

    /// Nobody knows the token.
    pub(super) fn unknown() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "send a token as «Authorization: Bearer …»; vestnik token add makes one",
        )
    }

    /// The token is not for this.
    pub(super) fn forbidden(scope: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            format!("the token has no scope {scope}"),
        )
    }

    /// There is nothing of this name.
    pub(super) fn nothing() -> Self {
        Self::missing("there is nothing of this name")
    }

    /// What is named is not there.
    pub(super) fn missing(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// The path is there, the method is not.
    pub(super) fn method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "this path has no such method: see /api/v1/openapi.json",
        )
    }

    /// It was asked too often.
    pub(super) fn too_often() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "120 requests a minute are allowed: wait a minute",
        )
    }

    /// It does not go with what is there.
    pub(super) fn conflict(detail: &str, errors: Vec<Wrong>) -> Self {
        Self {
            errors,
            ..Self::new(StatusCode::CONFLICT, detail)
        }
    }

    /// What was sent is wrong.
    pub(super) fn wrong(detail: impl Into<String>, errors: Vec<Wrong>) -> Self {
        Self {
            errors,
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
        }
    }

    /// Something failed.
    pub(super) fn failed(error: &anyhow::Error) -> Self {
        tracing::error!(error = crate::app::story(error.as_ref()), "the API failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "it failed, and nothing was done; see the log",
        )
    }
}

impl<E: Into<anyhow::Error>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::failed(&error.into())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self)).into_response();
        let kind = header::HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

/// A body of JSON, or a problem that says what is wrong with it.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => {
                let status = match &rejection {
                    JsonRejection::JsonDataError(_) => StatusCode::UNPROCESSABLE_ENTITY,
                    other => other.status(),
                };
                Err(Problem::new(status, plain(&rejection.body_text())))
            }
        }
    }
}

/// What stands behind the question mark, or a problem.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let asked = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        asked
            .map(|axum::extract::Query(asked)| Self(asked))
            .map_err(|rejection: QueryRejection| {
                Problem::new(StatusCode::BAD_REQUEST, plain(&rejection.body_text()))
            })
    }
}

/// A part of the path, or a problem.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        named
            .map(|axum::extract::Path(named)| Self(named))
            .map_err(|_: PathRejection| Problem::nothing())
    }
}

/// The words of the library, without what was sent: it may be about a child.
fn plain(words: &str) -> String {
    let cut = words.split(": invalid value").next().unwrap_or(words);
    let cut = cut.split(": invalid type").next().unwrap_or(cut);
    cut.to_owned()
}
