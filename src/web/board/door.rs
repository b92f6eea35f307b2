//! The door: password, then a code that changes; a password of one's own and the second factor are set up here.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    Form, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use vestnik_sheet::picture;

use super::{
    Board,
    fault::Fault,
    fields::Fields,
    view::home,
    visit::{Visit, agent, hashed},
};
use crate::{
    clock,
    engine::reference,
    instant::SECOND,
    secret::Secret,
    store::{Known, Session},
    text::Language,
    user::{User, deed::Deed, login, password, second},
};

/// One login may be tried so often in a minute.
const EACH_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// All of them together.
const ALL_EACH_MINUTE: NonZeroU32 = NonZeroU32::new(120).expect("that is not zero");

/// So many passwords are tried at once: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;

/// What slows down who tries.
pub(super) struct Gate {
    each: DefaultKeyedRateLimiter<String>,
    all: DefaultDirectRateLimiter,
    at_once: Arc<Semaphore>,
    /// What the password of nobody is compared with, so that a login that there is takes no longer.
    nobody: String,
}

impl Gate {
    pub(super) fn new() -> anyhow::Result<Self> {
        let mut random = clock::random();
        let nobody = password::draw(&mut random);
        Ok(Self {
            each: RateLimiter::keyed(Quota::per_minute(EACH_MINUTE)),
            all: RateLimiter::direct(Quota::per_minute(ALL_EACH_MINUTE)),
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            nobody: password::hash(&nobody, &mut random)?,
        })
    }

    fn slowly(&self, login: &str) -> Result<(), Fault> {
        self.each.retain_recent();
        let each = self.each.check_key(&login.to_owned()).is_ok();
        if each && self.all.check().is_ok() {
            Ok(())
        } else {
            Err(Fault::TooOften)
        }
    }

    /// Whether it is the password that this was kept of.
    async fn is_right(&self, kept: Option<String>, typed: Secret) -> Result<bool, Fault> {
        let _one = self.at_once.clone().acquire_owned().await?;
        let known = kept.is_some();
        let kept = kept.unwrap_or_else(|| self.nobody.clone());
        let right = tokio::task::spawn_blocking(move || password::is_right(&kept, &typed)).await?;
        Ok(known && right)
    }
}

/// What nobody has to log in for.
pub(super) fn outside() -> Router<Board> {
    Router::new()
        .route("/login", get(ask).post(enter))
        .route("/board.css", get(style))
        .route("/board.js", get(script))
}

/// What belongs to no room.
pub(super) fn inside() -> Router<Board> {
    Router::new()
        .route("/login/code", get(ask_code).post(give_code))
        .route("/login/password", get(ask_password).post(set_password))
        .route("/login/second", get(show_second).post(set_second))
        .route("/logout", post(leave))
        .route("/language", post(change_language))
}

/// The name of the cookie. Browsers take one with this prefix over HTTPS only, for all paths, and from no other host
/// (RFC 6265bis §4.1.3.2).
pub(super) fn cookie_name(board: &Board) -> &'static str {
    if secure(board) {
        "__Host-vestnik"
    } else {
        "vestnik"
    }
}

fn secure(board: &Board) -> bool {
    board
        .config
        .public_url
        .as_deref()
        .is_some_and(|url| url.starts_with("https://"))
}

/// The language that a browser prefers, of those that there are pages in.
pub(super) fn language(headers: &HeaderMap) -> Language {
    let wanted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    let mut list = wanted.unwrap_or_default().split(',');
    list.find_map(|one| Language::from_code(one.split(';').next()?))
        .unwrap_or_default()
}

/// Where somebody wanted to go: a path of this board, and nothing else.
fn path(to: Option<&str>) -> Option<&str> {
    to.filter(|to| {
        to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\n', '\r', '\t'])
    })
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    to: Option<String>,
}

async fn ask(
    State(board): State<Board>,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let to = path(asked.to.as_deref());
    board.views.door(
        language(&headers),
        "login",
        json!({ "wrong": Value::Null, "login": "", "to": to }),
    )
}

#[derive(Deserialize)]
struct Typed {
    login: String,
    password: String,
    to: Option<String>,
}

async fn enter(
    State(board): State<Board>,
    headers: HeaderMap,
    jar: CookieJar,
    Form(typed): Form<Typed>,
) -> Result<Response, Fault> {
    let from = headers.get("sec-fetch-site");
    if from.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(Fault::Stale);
    }
    let to = path(typed.to.as_deref());
    let again = |wrong: &str| {
        let data = json!({ "wrong": wrong, "login": typed.login, "to": to });
        let page = board.views.door(language(&headers), "login", data)?;
        Ok::<_, Fault>((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let name = login(&typed.login);
    board.gate.slowly(name.as_deref().unwrap_or_default())?;
    let known = match &name {
        Some(login) => board.store.known(login).await?,
        None => None,
    };
    let now = board.now();
    let locked = known.as_ref().is_some_and(|known| known.locked_until > now);
    let kept = known.as_ref().map(|known| known.password.clone());
    let right = board
        .gate
        .is_right(kept, Secret::new(typed.password.clone()))
        .await?;
    match known {
        Some(known) if right && !locked => {
            let open = known.user.second.is_none();
            begin(&board, &headers, jar, (&known.user, open, None), to).await
        }
        Some(known) if !locked => {
            wrong(&board, &known.user).await?;
            again("door.wrong")
        }
        Some(_) => again("door.locked"),
        None => again("door.wrong"),
    }
}

/// A wrong password or code: whoever tries too often waits, and that stands written down.
async fn wrong(board: &Board, user: &User) -> Result<(), Fault> {
    if board.store.wrong(user.id, board.now()).await? {
        let deed = Deed::Locked { login: &user.login };
        let by = (Some(user.id), user.login.as_str());
        board
            .store
            .deed(by, &deed, board.now())
            .await?
            .commit()
            .await?;
        tracing::warn!(user = user.id, "too many wrong passwords or codes");
    }
    Ok(())
}

/// Begins a session in place of the one that came so far: nobody keeps the key that was there before a factor was given.
async fn begin(
    board: &Board,
    headers: &HeaderMap,
    jar: CookieJar,
    (user, open, step): (&User, bool, Option<i64>),
    to: Option<&str>,
) -> Result<Response, Fault> {
    let mut random = clock::random();
    let key = format!("{}{}", reference(&mut random), reference(&mut random));
    let session = Session {
        user: user.clone(),
        token: reference(&mut random),
        agent_hash: agent(headers),
        open,
    };
    let deed = if open {
        Deed::LoggedIn
    } else {
        Deed::GavePassword
    };
    let by = (Some(user.id), user.login.as_str());
    let mut tx = board.store.deed(by, &deed, board.now()).await?;
    if let Some(step) = step
        && !tx.use_code(user.id, step).await?
    {
        return Err(Fault::Stale);
    }
    if let Some(before) = jar.get(cookie_name(board)) {
        tx.forget_session(&hashed(before.value())).await?;
    }
    tx.begin_session(&hashed(&key), &session, board.now())
        .await?;
    tx.commit().await?;
    let cookie = Cookie::build((cookie_name(board), key))
        .path("/")
        .http_only(true)
        .secure(secure(board))
        .same_site(SameSite::Lax);
    let next = match (open, to) {
        (true, Some(to)) => to.to_owned(),
        (true, None) => home(user.role),
        (false, Some(to)) => format!("/login/code?to={}", super::view::encoded(to)),
        (false, None) => "/login/code".to_owned(),
    };
    Ok((jar.add(cookie), Redirect::to(&next)).into_response())
}

async fn ask_code(
    State(board): State<Board>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    if visit.open {
        return Ok(Redirect::to(&home(visit.user.role)).into_response());
    }
    let to = path(asked.to.as_deref());
    board.views.door(
        visit.language(),
        "code",
        json!({ "wrong": Value::Null, "token": visit.token, "to": to }),
    )
}

async fn give_code(
    State(board): State<Board>,
    headers: HeaderMap,
    jar: CookieJar,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Fault> {
    let Some(known) = board.store.known(&visit.user.login).await? else {
        return Err(Fault::Nothing);
    };
    let Some(made_from) = known.user.second.clone() else {
        return Ok(Redirect::to("/login/second").into_response());
    };
    board.gate.slowly(&visit.user.login)?;
    let to = path(fields.get("to"));
    let right = right_code(
        &board,
        &known,
        &made_from,
        fields.get("code").unwrap_or_default(),
    )
    .await?;
    if let Some(step) = right.filter(|_| known.locked_until <= board.now()) {
        return begin(&board, &headers, jar, (&known.user, true, Some(step)), to).await;
    }
    wrong(&board, &known.user).await?;
    let data = json!({ "wrong": "door.wrong_code", "token": visit.token, "to": to });
    let page = board.views.door(visit.language(), "code", data)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

/// The step of a code, if it is right.
async fn right_code(
    board: &Board,
    known: &Known,
    made_from: &str,
    typed: &str,
) -> Result<Option<i64>, Fault> {
    let school = board.store.school_name().await?.unwrap_or_default();
    let secret = board.links.second(known.user.id, made_from);
    let seconds = u64::try_from(board.now() / SECOND)?;
    let codes = second::codes(&secret, &school, &known.user.login);
    Ok(codes.and_then(|codes| second::step(&codes, typed, known.second_step, seconds)))
}

async fn ask_password(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    new_password(&board, &visit, None)
}

fn new_password(board: &Board, visit: &Visit, wrong: Option<&str>) -> Result<Response, Fault> {
    let data = json!({ "wrong": wrong, "token": visit.token, "shortest": password::SHORTEST });
    board.views.door(visit.language(), "password", data)
}

async fn set_password(
    State(board): State<Board>,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Fault> {
    let refuse = |wrong: &str| {
        let page = new_password(&board, &visit, Some(wrong))?;
        Ok::<_, Fault>((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let typed = Secret::new(fields.get("password").unwrap_or_default());
    if Some(typed.reveal()) != fields.get("again") {
        return refuse("door.not_alike");
    }
    if let Err(error) = password::check(&typed, &visit.user.login) {
        return refuse(match error {
            password::PasswordError::Short => "door.short",
            password::PasswordError::Long => "door.long",
            password::PasswordError::Plain => "door.plain",
        });
    }
    let Some(known) = board.store.known(&visit.user.login).await? else {
        return Err(Fault::Nothing);
    };
    if board
        .gate
        .is_right(Some(known.password), typed.clone())
        .await?
    {
        return refuse("door.same");
    }
    let hash =
        tokio::task::spawn_blocking(move || password::hash(&typed, &mut clock::random())).await??;
    let mut tx = board.deed(&visit, &Deed::NewPassword).await?;
    tx.set_password(visit.user.id, &hash, false, Some(&visit.key_hash))
        .await?;
    tx.commit().await?;
    Ok(Redirect::to(&home(visit.user.role)).into_response())
}

/// Shows the secret of a second factor that is being set up. What it is made from is the session's own, so that a page
/// that is opened twice shows the same.
async fn show_second(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    second_page(&board, &visit, None).await
}

async fn second_page(board: &Board, visit: &Visit, wrong: Option<&str>) -> Result<Response, Fault> {
    let school = board.store.school_name().await?.unwrap_or_default();
    let secret = board.links.second(visit.user.id, &visit.key_hash);
    let codes = second::codes(&secret, &school, &visit.user.login).ok_or(Fault::Nothing)?;
    let link = codes.to_url()?;
    let data = json!({
        "wrong": wrong,
        "token": visit.token,
        "picture": picture(&link).unwrap_or_default(),
        "secret": spaced(&link),
    });
    board.views.door(visit.language(), "second", data)
}

/// The secret in groups of four, for who types it.
fn spaced(link: &str) -> String {
    let secret = link
        .split("secret=")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .unwrap_or_default();
    let letters: Vec<char> = secret.chars().collect();
    let groups: Vec<String> = letters
        .chunks(4)
        .map(|group| group.iter().collect())
        .collect();
    groups.join(" ")
}

async fn set_second(
    State(board): State<Board>,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Fault> {
    let Some(known) = board.store.known(&visit.user.login).await? else {
        return Err(Fault::Nothing);
    };
    if known.user.second.is_some() {
        return Ok(Redirect::to(&home(visit.user.role)).into_response());
    }
    board.gate.slowly(&visit.user.login)?;
    let typed = fields.get("code").unwrap_or_default();
    let Some(step) = right_code(&board, &known, &visit.key_hash, typed).await? else {
        let page = second_page(&board, &visit, Some("door.wrong_code")).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    };
    let mut tx = board.deed(&visit, &Deed::SecondFactor).await?;
    tx.set_second(visit.user.id, Some(&visit.key_hash)).await?;
    tx.use_code(visit.user.id, step).await?;
    tx.commit().await?;
    Ok(Redirect::to(&home(visit.user.role)).into_response())
}

async fn leave(
    State(board): State<Board>,
    jar: CookieJar,
    visit: Visit,
    _: Fields,
) -> Result<Response, Fault> {
    board.store.end_session(&visit.key_hash).await?;
    let gone = Cookie::build((cookie_name(&board), ""))
        .path("/")
        .secure(secure(&board));
    Ok((jar.remove(gone), Redirect::to("/login")).into_response())
}

async fn change_language(
    State(board): State<Board>,
    visit: Visit,
    fields: Fields,
) -> Result<Response, Fault> {
    let wanted = fields
        .get("language")
        .and_then(Language::from_code)
        .unwrap_or_default();
    board
        .store
        .set_language(visit.user.id, wanted.code())
        .await?;
    Ok(Redirect::to(&home(visit.user.role)).into_response())
}

async fn style() -> impl IntoResponse {
    let kind = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (kind, include_str!("../../../templates/web/board/board.css"))
}

async fn script() -> impl IntoResponse {
    let kind = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (kind, include_str!("../../../templates/web/board/board.js"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(
            path(Some("/week?week=2026-W42")),
            Some("/week?week=2026-W42")
        );
        for elsewhere in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "/a\nb",
            "",
        ] {
            assert_eq!(path(Some(elsewhere)), None, "{elsewhere}");
        }
    }

    #[test]
    fn a_browser_that_prefers_english_is_asked_in_english() {
        let mut headers = HeaderMap::new();
        assert_eq!(language(&headers), Language::Russian);
        headers.insert(
            header::ACCEPT_LANGUAGE,
            "de-DE,de;q=0.9,en;q=0.8".parse().expect("a value"),
        );
        assert_eq!(language(&headers), Language::English);
    }
}
