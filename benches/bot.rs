//! The bot at the platform's limit: a word to 3,000 chats, and an absence alarm in its middle.
//!
//! `cargo bench --bench bot` takes two minutes. The emulator counts as Telegram is known to: a bucket of 30
//! calls that fills by 30 a second, counted when a call arrives, and one message a second in one chat.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures time, and fails loudly"
)]

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{Json, Router, extract, http::StatusCode, response::IntoResponse, routing::any};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::{net::TcpListener, sync::Notify};
use tokio_util::sync::CancellationToken;
use vestnik::{
    app::{self, Provider},
    clock::{self, Clock},
    config::{Config, Limits},
    engine::Engine,
    policy::{Period, Policy},
    providers,
    quiet::Quiet,
    store::Store,
    text::{ContentLevel, Templates},
};
use vestnik_telegram::{PER_SECOND, Settings, Telegram};

/// How many chats there are.
const CHATS: i64 = 3_000;

/// The chats begin here, so that none is mistaken for another thing.
const FIRST: i64 = 100_000;

/// How long the word may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_mins(5);

/// What arrived at the emulator.
#[derive(Default)]
struct Arrived {
    /// When the bucket was last looked at, and what was in it.
    bucket: Option<(Instant, f64)>,
    /// When the last message of each chat came.
    chats: BTreeMap<i64, Instant>,
    /// When each message came: its chat and text.
    messages: Vec<(Instant, i64, String)>,
    /// How many calls were refused.
    refused: usize,
}

impl Arrived {
    /// Takes a message, or says how long to wait.
    fn take(&mut self, chat: i64, text: String, now: Instant) -> Result<usize, f64> {
        let limit = f64::from(PER_SECOND);
        let (then, left) = self.bucket.unwrap_or((now, limit));
        let left = limit.min(left + (now - then).as_secs_f64() * limit);
        let early = self
            .chats
            .get(&chat)
            .is_some_and(|last| now - *last < Duration::from_secs(1));
        if left < 1.0 || early {
            self.bucket = Some((now, left));
            self.refused += 1;
            return Err(1.0);
        }
        self.bucket = Some((now, left - 1.0));
        self.chats.insert(chat, now);
        self.messages.push((now, chat, text));
        Ok(self.messages.len())
    }
}

type Emulator = Arc<Mutex<Arrived>>;

async fn call(
    extract::State(emulator): extract::State<Emulator>,
    Json(body): Json<Value>,
) -> impl IntoResponse {
    let now = Instant::now();
    let chat = body["chat_id"].as_i64().unwrap_or_default();
    let text = body["text"].as_str().unwrap_or_default().to_owned();
    let taken = emulator.lock().unwrap().take(chat, text, now);
    match taken {
        Ok(id) => {
            let message = json!({
                "message_id": id, "date": 1_792_000_000, "text": "…",
                "chat": {"id": chat, "type": "private", "first_name": "Имя"}
            });
            (StatusCode::OK, Json(json!({"ok": true, "result": message})))
        }
        Err(wait) => {
            let refusal = json!({
                "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 1",
                "parameters": {"retry_after": wait}
            });
            (StatusCode::TOO_MANY_REQUESTS, Json(refusal))
        }
    }
}

async fn sql(store: &Store, text: &str) {
    sqlx::query(AssertSqlSafe(text.to_owned()))
        .execute(store.pool())
        .await
        .unwrap();
}

/// A school of one endless class, each family in a chat of its own.
async fn school(store: &Store) {
    sql(
        store,
        "INSERT INTO school (name, short_name) VALUES ('Школа № 12', 'Школа 12')",
    )
    .await;
    sql(store, "INSERT INTO class (grade, letter) VALUES (5, 'А')").await;
    let rows = |row: &dyn Fn(i64) -> String| {
        let rows: Vec<String> = (1..=CHATS).map(row).collect();
        rows.join(",")
    };
    let of = [
        (
            "student (surname, given_name)",
            rows(&|n| format!("('Ученик{n}', 'Имя{n}')")),
        ),
        (
            "enrolment (student_id, class_id)",
            rows(&|n| format!("({n}, 1)")),
        ),
        (
            "guardian (surname, given_name, preset)",
            rows(&|n| format!("('Мать{n}', 'Ольга', 'at_once')")),
        ),
        (
            "guardianship (guardian_id, student_id)",
            rows(&|n| format!("({n}, {n})")),
        ),
        (
            "contact (guardian_id, channel, address)",
            rows(&|n| format!("({n}, 'telegram', '{}')", FIRST + n)),
        ),
        (
            "consent (guardian_id, student_id, purpose, state)",
            rows(&|n| format!("({n}, {n}, 'data', 'given'), ({n}, {n}, 'messenger', 'given')")),
        ),
    ];
    sql(
        store,
        "INSERT INTO writing (import_id, baseline) VALUES (NULL, 1)",
    )
    .await;
    for (table, values) in of {
        sql(store, &format!("INSERT INTO {table} VALUES {values}")).await;
    }
    sql(store, "DELETE FROM writing").await;
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("school.db").display());
    let store = Store::open(&url).await.unwrap();
    school(&store).await;
    let emulator = Emulator::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/{token}/{method}", any(call))
        .with_state(emulator.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let telegram = Telegram::new(&Settings {
        token: "123456:TESTTOKEN".into(),
        api_url: Some(format!("http://{address}")),
        proxy: None,
        timeout: Duration::from_secs(10),
    })
    .unwrap();
    let limits = Limits {
        concurrency: 10,
        rate: Some(format!("{PER_SECOND}/s").parse().unwrap()),
        timeout: Duration::from_secs(10),
    };
    let provider = Provider::new(providers::telegram_lane(), Arc::new(telegram), limits);
    let policy = Policy {
        settling: Period(0),
        quiet: Quiet::Off,
        breaker: "off".parse().unwrap(),
        ..Policy::defaults().unwrap()
    };
    let config = Config::defaults().unwrap();
    let mut rules = app::rules(&config, chrono_tz::Europe::Moscow, policy);
    rules.content = ContentLevel::Full;
    let engine = Engine::new(
        store.clone(),
        Templates::embedded().unwrap(),
        rules,
        vec![provider.account.clone()],
        "bench".into(),
        true,
        clock::random(),
    );
    let (look, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let wake = {
        let (store, look, stop) = (store.clone(), look.clone(), stop.clone());
        tokio::spawn(async move { store.wake(look, stop).await })
    };
    let providers = [provider];
    let run = app::run(
        engine,
        &providers,
        Clock::Wall,
        look.clone(),
        stop.clone(),
        Duration::from_secs(5),
        |_| {},
    );
    let story = async {
        let alarm = tell(&store, &emulator).await;
        stop.cancel();
        alarm
    };
    let ((), alarm) = tokio::join!(run, story);
    wake.await.unwrap();
    report(&emulator.lock().unwrap(), alarm);
}

/// Announces something to all, and has a student missed in the middle; says how long the alarm took from
/// the second missed lesson's row to the emulator.
async fn tell(store: &Store, emulator: &Emulator) -> Option<Duration> {
    sql(
        store,
        "INSERT INTO announcement (class_id, text, send_at) VALUES (1, 'Завтра субботник', 1)",
    )
    .await;
    let began = Instant::now();
    let count = || emulator.lock().unwrap().messages.len();
    let pause = Duration::from_millis(10);
    while count() < usize::try_from(CHATS / 2).unwrap() && began.elapsed() < PATIENCE {
        tokio::time::sleep(pause).await;
    }
    // The last chat of the queue: its turn would come much later.
    let today = chrono::DateTime::from_timestamp_millis(Clock::Wall.now())
        .unwrap()
        .with_timezone(&chrono_tz::Europe::Moscow)
        .date_naive();
    let missed = |number: i64| {
        format!(
            "INSERT INTO attendance (student_id, date, number, code) VALUES ({}, '{today}', {number}, 'absent')",
            CHATS - 1
        )
    };
    sql(store, &missed(1)).await;
    sql(store, &missed(2)).await;
    let written = Instant::now();
    let alarm = || {
        let arrived = emulator.lock().unwrap();
        let of = |(_, chat, text): &&(Instant, i64, String)| {
            *chat == FIRST + CHATS - 1 && text.contains("урок")
        };
        arrived
            .messages
            .iter()
            .find(of)
            .map(|(at, ..)| *at - written)
    };
    let all = || {
        let arrived = emulator.lock().unwrap();
        let told = arrived
            .messages
            .iter()
            .filter(|(_, _, text)| text.contains("субботник"));
        told.count() >= usize::try_from(CHATS).unwrap()
    };
    while !(all() && alarm().is_some()) && began.elapsed() < PATIENCE {
        tokio::time::sleep(pause).await;
    }
    alarm()
}

#[expect(clippy::print_stdout, reason = "a benchmark reports")]
fn report(arrived: &Arrived, alarm: Option<Duration>) {
    let told: Vec<Instant> = arrived
        .messages
        .iter()
        .filter(|(_, _, text)| text.contains("субботник"))
        .map(|(at, ..)| *at)
        .collect();
    let (Some(first), Some(last)) = (told.first(), told.last()) else {
        println!("nothing arrived");
        return;
    };
    let took = (*last - *first).as_secs_f64();
    // What the platform would have let pass in this time: a full bucket, and what flowed in.
    let all = f64::from(u32::try_from(arrived.messages.len()).unwrap());
    let limit = f64::from(PER_SECOND) * took + f64::from(PER_SECOND);
    println!("{} of {CHATS} chats told in {took:.1} s", told.len());
    println!("{:.1} % of the limit used", 100.0 * all / limit);
    println!("{} calls refused", arrived.refused);
    match alarm {
        Some(alarm) => println!("the alarm left after {:.2} s", alarm.as_secs_f64()),
        None => println!("the alarm never left"),
    }
}
