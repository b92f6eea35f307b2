//! Each request is somebody's: the session behind its cookie, and the rooms that it opens.

use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use axum_extra::extract::cookie::CookieJar;
use sha2::{Digest, Sha256};

use super::{Board, door::cookie_name, fault::Fault};
use crate::{
    links::hex,
    text::Language,
    user::{Room, User},
};

/// Who asks for a page.
#[derive(Clone)]
pub(super) struct Visit {
    /// Who.
    pub(super) user: User,
    /// What every form of the session says.
    pub(super) token: String,
    /// The session: the hash of what its cookie holds.
    pub(super) key_hash: String,
    /// Whether the second factor was given.
    pub(super) open: bool,
    /// The classes that it is limited to; none where it sees the whole school.
    pub(super) classes: Option<Vec<i64>>,
}

impl Visit {
    /// The language of the pages.
    pub(super) fn language(&self) -> Language {
        Language::from_code(&self.user.language).unwrap_or_default()
    }

    /// Whether it may see this class.
    pub(super) fn sees(&self, class: i64) -> bool {
        self.classes.as_ref().is_none_or(|own| own.contains(&class))
    }

    /// That it may see this class; else there is none.
    pub(super) fn must_see(&self, class: i64) -> Result<(), Fault> {
        if self.sees(class) {
            Ok(())
        } else {
            Err(Fault::Nothing)
        }
    }

    /// That it may decide for the whole school; else there is nothing to decide.
    pub(super) fn must_decide(&self) -> Result<(), Fault> {
        if self.user.role.decides() {
            Ok(())
        } else {
            Err(Fault::Nothing)
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(Fault::Nothing)
    }
}

/// What is kept of a secret that a browser brings.
pub(super) fn hashed(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// What a browser calls itself, hashed.
pub(super) fn agent(headers: &HeaderMap) -> String {
    let name = headers
        .get(header::USER_AGENT)
        .map(header::HeaderValue::as_bytes);
    hex(&Sha256::digest(name.unwrap_or_default()))
}

/// Lets in whose session is open; others go to the door. What is shown then carries who asked for it.
pub(super) async fn enter(
    State(board): State<Board>,
    mut request: Request,
    next: Next,
) -> Response {
    let found = match session(&board, request.headers()).await {
        Ok(found) => found,
        Err(fault) => return fault.into_response(),
    };
    let path = request.uri().path().to_owned();
    let Some(visit) = found else {
        let to = request
            .uri()
            .path_and_query()
            .map_or("/", |whole| whole.as_str());
        let door = match *request.method() {
            Method::GET if to != "/" => format!("/login?to={}", super::view::encoded(to)),
            _ => "/login".to_owned(),
        };
        return Redirect::to(&door).into_response();
    };
    // One step after the other: a password of one's own, then the second factor.
    let step = match (visit.open, visit.user.given, &visit.user.second) {
        (false, ..) => Some("/login/code"),
        (true, true, _) => Some("/login/password"),
        (true, false, None) => Some("/login/second"),
        (true, false, Some(_)) => None,
    };
    if let Some(step) = step.filter(|step| path != *step && path != "/logout") {
        return Redirect::to(step).into_response();
    }
    request.extensions_mut().insert(visit.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(visit);
    response
}

/// The session of a request; none where there is none, or where its cookie turned up in another browser, which ends it.
async fn session(board: &Board, headers: &HeaderMap) -> Result<Option<Visit>, Fault> {
    let jar = CookieJar::from_headers(headers);
    let Some(cookie) = jar.get(cookie_name(board)) else {
        return Ok(None);
    };
    let key_hash = hashed(cookie.value());
    let now = board.now();
    let Some(session) = board.store.session(&key_hash, now).await? else {
        return Ok(None);
    };
    if session.agent_hash != agent(headers) {
        board.store.end_session(&key_hash).await?;
        tracing::warn!(
            user = session.user.id,
            "a session turned up in another browser and is ended"
        );
        return Ok(None);
    }
    let classes = match session.user.staff_id {
        _ if !session.user.role.own_classes_only() => None,
        Some(staff) => Some(board.store.classes_of_staff(staff, board.today()).await?),
        None => Some(Vec::new()),
    };
    Ok(Some(Visit {
        user: session.user,
        token: session.token,
        key_hash,
        open: session.open,
        classes,
    }))
}

/// Lets in whose role opens the room; for others there is none.
pub(super) async fn room(room: Room, request: Request, next: Next) -> Response {
    let may = request
        .extensions()
        .get::<Visit>()
        .is_some_and(|visit| visit.user.role.opens(room));
    if may {
        next.run(request).await
    } else {
        Fault::Nothing.into_response()
    }
}
