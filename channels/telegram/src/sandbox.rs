//! A Bot API server that lives in the process: it answers as the Bot API is documented, and sends
//! nothing.
//!
//! The demo shows what it received, tests have people talk to the bot, and ask it to misbehave: the last
//! four digits of a chat's number choose how.
//!
//! | chat | behaviour |
//! |---|---|
//! | 403 | the bot is blocked |
//! | 4031 | the account is gone |
//! | 400 | no such chat |
//! | 429 | too many requests, retry after 2 s |
//! | -401 | the group has become -100401 |
//! | 401 | the token is unknown |
//! | 409 | another program uses the token |
//! | 500 | takes it, and a proxy answers 502 with a page |
//! | 504 | takes it and never answers |
//! | 413 | reads the request and closes |

mod people;

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{self, FromRequest, Multipart, Path, Request},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::Notify,
    time::{Instant, timeout},
};

use crate::{MAX_TEXT, length};

/// The only token that the sandbox knows.
pub const TOKEN: &str = "123456:TESTTOKEN";

/// What the Bot API says where two programs use one token.
const CONFLICT: &str = "Conflict: terminated by other getUpdates request; make sure that only one bot \
                        instance is running";

/// What arrived in a chat.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Received {
    /// The chat.
    pub chat: i64,
    /// The number of the message.
    pub message_id: i64,
    /// The text, or the caption of a file.
    pub text: String,
    /// What the text was before each edit, oldest first.
    pub before: Vec<String>,
    /// The name and the bytes of a file.
    pub document: Option<(String, Vec<u8>)>,
    /// The buttons below it: what stands on each, and its data.
    pub buttons: Vec<Vec<(String, String)>>,
}

/// Prints no words.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Received({})", self.message_id)
    }
}

/// What the sandbox has received, to be looked at while it runs, and what its people do.
#[derive(Debug, Clone, Default)]
pub struct Chats {
    state: Arc<Mutex<State>>,
    /// Told when somebody did something, or asks for it.
    news: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    received: Vec<Received>,
    /// What people did and the bot has not confirmed, by its number.
    updates: Vec<(i64, Value)>,
    last_update: i64,
    /// Which of those that ask for updates is the newest.
    poller: u64,
    menus: BTreeMap<i64, Vec<String>>,
    alerts: Vec<String>,
    /// What people attached, by the names that the bot is told.
    files: BTreeMap<String, Vec<u8>>,
    /// Where updates are brought, and what proves them.
    hook: Option<(String, String)>,
}

impl Chats {
    /// Everything that arrived, oldest first.
    pub fn all(&self) -> Vec<Received> {
        self.with(|state| state.received.clone())
    }

    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone)]
struct Sandbox {
    chats: Chats,
    latency: Duration,
}

/// Serves the Bot API on `listener` until it is dropped; every answer takes `latency`.
///
/// # Errors
/// What the socket says.
pub async fn serve(listener: TcpListener, chats: Chats, latency: Duration) -> io::Result<()> {
    let router = Router::new()
        .route("/{token}/{method}", any(call))
        .route("/file/{token}/{file}", get(file))
        .with_state(Sandbox { chats, latency });
    axum::serve(listener, router).await
}

/// The fields of a call, however they came.
#[derive(Default)]
struct Call {
    chat: i64,
    message_id: i64,
    text: String,
    document: Option<(String, Vec<u8>)>,
    buttons: Vec<Vec<(String, String)>>,
    /// All of it, where it came as JSON.
    body: Value,
}

async fn call(
    extract::State(sandbox): extract::State<Sandbox>,
    Path((token, method)): Path<(String, String)>,
    request: Request<Body>,
) -> Response {
    if !sandbox.latency.is_zero() {
        // A time-out round what never ends is the pause.
        let _ = timeout(sandbox.latency, std::future::pending::<()>()).await;
    }
    if token.strip_prefix("bot") != Some(TOKEN) {
        return refuse(StatusCode::UNAUTHORIZED, "Unauthorized", &Value::Null);
    }
    let Some(call) = read(request).await else {
        return bad("can't parse the request");
    };
    // Methods are case-blind, as the real ones are.
    match method.to_ascii_lowercase().as_str() {
        "getme" => ok(&json!({
            "id": 123_456, "is_bot": true, "first_name": "Школа", "username": "school_test_bot",
            "can_join_groups": false, "can_read_all_group_messages": false,
            "supports_inline_queries": false, "can_connect_to_business": false,
            "has_main_web_app": false
        })),
        "sendmessage" | "senddocument" | "sendphoto" => send(&sandbox, call).await,
        "editmessagetext" => edit(&sandbox, &call),
        "getfile" => {
            let file = call.body["file_id"].as_str().unwrap_or_default();
            match sandbox.chats.file(file) {
                Some(content) => ok(&json!({
                    "file_id": file, "file_unique_id": file, "file_size": content.len(), "file_path": file
                })),
                None => bad("wrong file_id or the file is temporarily unavailable"),
            }
        }
        "getupdates" => updates(&sandbox, &call.body).await,
        "setwebhook" => {
            let word = |key: &str| call.body[key].as_str().unwrap_or_default().to_owned();
            let hook = (word("url"), word("secret_token"));
            sandbox.chats.with(|state| state.hook = Some(hook));
            ok(&json!(true))
        }
        "deletewebhook" => {
            sandbox.chats.with(|state| state.hook = None);
            ok(&json!(true))
        }
        "answercallbackquery" => {
            let words = call.body["text"].as_str().map(str::to_owned);
            sandbox.chats.with(|state| state.alerts.extend(words));
            ok(&json!(true))
        }
        "setmycommands" => {
            let chat = call.body["scope"]["chat_id"].as_i64().unwrap_or_default();
            let commands = call.body["commands"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let names = commands.iter().filter_map(|one| one["command"].as_str());
            let names = names.map(str::to_owned).collect();
            sandbox.chats.with(|state| state.menus.insert(chat, names));
            ok(&json!(true))
        }
        _ => refuse(StatusCode::NOT_FOUND, "Not Found", &Value::Null),
    }
}

async fn read(request: Request<Body>) -> Option<Call> {
    let kind = request
        .headers()
        .get(CONTENT_TYPE)?
        .to_str()
        .ok()?
        .to_owned();
    if kind.starts_with("multipart/") {
        return multipart(Multipart::from_request(request, &()).await.ok()?).await;
    }
    let bytes = Bytes::from_request(request, &()).await.ok()?;
    let body: Value = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).ok()?
    };
    let text = |key: &str| body.get(key).and_then(Value::as_str).map(str::to_owned);
    let number = |key: &str| body.get(key).and_then(Value::as_i64);
    Some(Call {
        chat: number("chat_id").unwrap_or_default(),
        message_id: number("message_id").unwrap_or_default(),
        text: text("text").unwrap_or_default(),
        document: None,
        buttons: buttons(&body),
        body,
    })
}

/// What can be pressed, as the call has it.
fn buttons(body: &Value) -> Vec<Vec<(String, String)>> {
    let word = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        let buttons = row.as_array().into_iter().flatten();
        buttons
            .map(|one| (word(one, "text"), word(one, "callback_data")))
            .collect()
    };
    let rows = body["reply_markup"]["inline_keyboard"].as_array();
    rows.into_iter().flatten().map(row).collect()
}

/// What is in a file that somebody attached.
async fn file(
    extract::State(sandbox): extract::State<Sandbox>,
    Path((token, file)): Path<(String, String)>,
) -> Response {
    let content = sandbox.chats.file(&file);
    match content.filter(|_| token.strip_prefix("bot") == Some(TOKEN)) {
        Some(content) => content.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What people did, as soon as they did something. Who asks while another one waits takes its place.
async fn updates(sandbox: &Sandbox, body: &Value) -> Response {
    let patience = Duration::from_secs(body["timeout"].as_u64().unwrap_or_default());
    let offset = body["offset"].as_i64().unwrap_or_default();
    let until = Instant::now() + patience;
    match sandbox.chats.wait(offset, until).await {
        Some(updates) => ok(&json!(updates)),
        None => refuse(StatusCode::CONFLICT, CONFLICT, &Value::Null),
    }
}

async fn multipart(mut form: Multipart) -> Option<Call> {
    let mut call = Call::default();
    while let Some(field) = form.next_field().await.ok()? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(str::to_owned);
        let bytes = field.bytes().await.ok()?;
        match (name.as_str(), file) {
            ("chat_id", _) => call.chat = String::from_utf8_lossy(&bytes).parse().ok()?,
            ("caption", _) => call.text = String::from_utf8_lossy(&bytes).into_owned(),
            (_, Some(file)) => call.document = Some((file, bytes.to_vec())),
            (name, None) => call.body[name] = json!(String::from_utf8_lossy(&bytes)),
        }
    }
    Some(call)
}

async fn send(sandbox: &Sandbox, call: Call) -> Response {
    match behaviour(call.chat) {
        403 => return refuse_403("bot was blocked by the user"),
        4031 => return refuse_403("user is deactivated"),
        400 => return bad("chat not found"),
        401 => return refuse(StatusCode::UNAUTHORIZED, "Unauthorized", &Value::Null),
        409 => {
            return refuse(StatusCode::CONFLICT, CONFLICT, &Value::Null);
        }
        429 => {
            let wait = json!({"retry_after": 2});
            return refuse(
                StatusCode::TOO_MANY_REQUESTS,
                "Too Many Requests: retry after 2",
                &wait,
            );
        }
        -401 => {
            let new = json!({"migrate_to_chat_id": -100_401});
            let why = "Bad Request: group chat was upgraded to a supergroup chat";
            return refuse(StatusCode::BAD_REQUEST, why, &new);
        }
        _ => {}
    }
    if call.document.is_none() && call.text.trim().is_empty() {
        return bad("message text is empty");
    }
    if length(&call.text) > MAX_TEXT {
        return bad("message is too long");
    }
    let chat = call.chat;
    let received = sandbox.chats.with(|state| {
        let received = Received {
            chat,
            message_id: i64::try_from(state.received.len())
                .unwrap_or(i64::MAX)
                .saturating_add(1),
            text: call.text,
            before: Vec::new(),
            document: call.document,
            buttons: call.buttons,
        };
        state.received.push(received.clone());
        received
    });
    match behaviour(chat) {
        500 => {
            let page = "<html><body>502 Bad Gateway</body></html>";
            (StatusCode::BAD_GATEWAY, page).into_response()
        }
        504 => std::future::pending().await,
        // A body that ends with an error closes the connection.
        413 => Response::new(Body::from_stream(Broken)),
        _ => ok(&message(&received)),
    }
}

/// The digits that choose; the numbers of groups are negative and count whole.
fn behaviour(chat: i64) -> i64 {
    if chat < 0 { chat } else { chat % 10_000 }
}

fn edit(sandbox: &Sandbox, call: &Call) -> Response {
    let edited = sandbox.chats.with(|state| {
        let one = state
            .received
            .iter_mut()
            .find(|one| one.chat == call.chat && one.message_id == call.message_id)
            .ok_or("message to edit not found")?;
        if one.text == call.text && one.buttons == call.buttons {
            return Err(
                "message is not modified: specified new message content and reply markup are exactly \
                 the same as a current content and reply markup of the message",
            );
        }
        one.before.push(std::mem::replace(&mut one.text, call.text.clone()));
        one.buttons.clone_from(&call.buttons);
        Ok(message(one))
    });
    edited.map_or_else(bad, |message| ok(&message))
}

fn message(received: &Received) -> Value {
    let mut message = json!({
        "message_id": received.message_id,
        "date": 1_792_000_000,
        "chat": {"id": received.chat, "type": "private", "first_name": "Получатель"},
    });
    match &received.document {
        None => message["text"] = json!(received.text),
        Some((name, bytes)) => {
            message["document"] = json!({
                "file_id": "sandbox", "file_unique_id": "sandbox", "file_name": name,
                "file_size": bytes.len()
            });
        }
    }
    message
}

fn ok(result: &Value) -> Response {
    Json(json!({"ok": true, "result": result})).into_response()
}

fn bad(why: &str) -> Response {
    let why = format!("Bad Request: {why}");
    refuse(StatusCode::BAD_REQUEST, &why, &Value::Null)
}

fn refuse_403(why: &str) -> Response {
    refuse(
        StatusCode::FORBIDDEN,
        &format!("Forbidden: {why}"),
        &Value::Null,
    )
}

fn refuse(status: StatusCode, why: &str, parameters: &Value) -> Response {
    let mut body = json!({"ok": false, "error_code": status.as_u16(), "description": why});
    if !parameters.is_null() {
        body["parameters"] = parameters.clone();
    }
    (status, Json(body)).into_response()
}

/// A body that breaks off.
struct Broken;

impl futures_core::Stream for Broken {
    type Item = io::Result<Bytes>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())))
    }
}
