//! A gateway that lives in the process: it answers as smsc.ru documents it, and sends nothing.
//!
//! The demo shows what it received, and tests ask it to misbehave: the last two digits of a number
//! choose how.
//!
//! | digits | behaviour |
//! |---|---|
//! | 90 | error 3, no money |
//! | 91 | error 7, bad number |
//! | 92 | error 8, no operator delivers |
//! | 93 | takes it and answers error 9, seen already |
//! | 94 | takes it and answers HTTP 500 |
//! | 95 | HTTP 429 with Retry-After 2, not taken |
//! | 96 | takes it and never answers |
//! | 97 | takes it and answers with a page instead of JSON |
//! | 98 | takes it; its status stays «under way» |
//! | 99 | takes it; its status is «not delivered» |

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::json;
use tokio::{net::TcpListener, time::timeout};

use crate::parts;

/// The login of the sandbox.
pub const LOGIN: &str = "school";
/// Its password.
pub const PASSWORD: &str = "sandbox";

/// A message that arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct Received {
    /// The number, in digits.
    pub phone: String,
    /// The words.
    pub text: String,
    /// The sender's own number of the message.
    pub client_ref: String,
    /// How many parts it makes.
    pub parts: usize,
}

/// Prints no number and no words.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Received({})", self.client_ref)
    }
}

/// What the sandbox has received, to be looked at while it runs.
#[derive(Debug, Clone, Default)]
pub struct Inbox {
    received: Arc<Mutex<Vec<Received>>>,
}

impl Inbox {
    /// Everything that arrived, oldest first.
    pub fn all(&self) -> Vec<Received> {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn push(&self, received: Received) {
        self.received
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(received);
    }

    fn find(&self, client_ref: &str) -> Option<Received> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received
            .iter()
            .rev()
            .find(|one| one.client_ref == client_ref)
            .cloned()
    }
}

/// Serves the gateway on `listener` until it is dropped; every answer takes `latency`.
///
/// # Errors
/// What the socket says.
pub async fn serve(listener: TcpListener, inbox: Inbox, latency: Duration) -> io::Result<()> {
    axum::serve(listener, router(inbox, latency)).await
}

/// The gateway's paths.
pub fn router(inbox: Inbox, latency: Duration) -> Router {
    Router::new()
        .route("/sys/send.php", post(send))
        .route("/sys/status.php", post(status))
        .route("/sys/balance.php", post(balance))
        .with_state(Sandbox { inbox, latency })
}

#[derive(Clone)]
struct Sandbox {
    inbox: Inbox,
    latency: Duration,
}

type Fields = Form<BTreeMap<String, String>>;

async fn send(State(sandbox): State<Sandbox>, Form(form): Fields) -> Response {
    pause(sandbox.latency).await;
    if let Some(refusal) = refuse(&form) {
        return refusal;
    }
    let field = |name: &str| form.get(name).cloned().unwrap_or_default();
    let received = Received {
        parts: parts::count(&field("mes")).parts,
        phone: field("phones"),
        text: field("mes"),
        client_ref: field("id"),
    };
    if received.text.is_empty() || received.client_ref.parse::<u32>().is_err() {
        return error(1, "parameters error");
    }
    let digits = received.phone.get(received.phone.len().saturating_sub(2)..);
    match digits {
        Some("90") => return error(3, "no money"),
        Some("91") => return error(7, "invalid number"),
        Some("92") => return error(8, "message can not be delivered"),
        Some("95") => {
            return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, "2")]).into_response();
        }
        _ => {}
    }
    if sandbox.inbox.find(&received.client_ref).is_some() {
        return error(9, "duplicate request, wait a minute");
    }
    let answer = json!({
        "id": received.client_ref.parse::<u32>().unwrap_or_default(),
        "cnt": received.parts,
        "cost": format!("{:.2}", 4.55 * f64::from(u32::try_from(received.parts).unwrap_or(1))),
        "balance": "1500.40",
    });
    let digits = digits.map(str::to_owned);
    sandbox.inbox.push(received);
    match digits.as_deref() {
        Some("93") => error(9, "duplicate request, wait a minute"),
        Some("94") => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some("96") => std::future::pending().await,
        Some("97") => "<html><body>Technical works</body></html>".into_response(),
        _ => Json(answer).into_response(),
    }
}

async fn status(State(sandbox): State<Sandbox>, Form(form): Fields) -> Response {
    pause(sandbox.latency).await;
    if let Some(refusal) = refuse(&form) {
        return refusal;
    }
    let known = form.get("id").and_then(|id| sandbox.inbox.find(id));
    let status = match known {
        None => -3,
        Some(one) if one.phone.ends_with("98") => 0,
        Some(one) if one.phone.ends_with("99") => 20,
        Some(_) => 1,
    };
    Json(json!({"status": status, "last_date": "", "err": 0})).into_response()
}

async fn balance(State(sandbox): State<Sandbox>, Form(form): Fields) -> Response {
    pause(sandbox.latency).await;
    refuse(&form).unwrap_or_else(|| Json(json!({"balance": "1500.40"})).into_response())
}

fn refuse(form: &BTreeMap<String, String>) -> Option<Response> {
    let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
    let known = is("login", LOGIN) && is("psw", PASSWORD);
    (!known).then(|| error(2, "authorise error"))
}

/// Errors come with HTTP 200.
fn error(code: u32, words: &str) -> Response {
    Json(json!({"error": words, "error_code": code})).into_response()
}

async fn pause(latency: Duration) {
    if !latency.is_zero() {
        // A time-out round what never ends is the pause.
        let _ = timeout(latency, std::future::pending::<()>()).await;
    }
}
