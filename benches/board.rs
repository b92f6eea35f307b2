//! The board over a large school's years: a million messages, a hundred thousand open notices; how long each page takes,
//! and what fifty open pages cost.
//!
//! `cargo bench --bench board` takes three minutes, most of them to fill the database.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures time, and fails loudly"
)]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::AssertSqlSafe;
use tokio::{net::TcpListener, sync::Notify};
use vestnik::{
    clock::Clock,
    config::Config,
    instant::{DAY, Millis},
    links::Links,
    secret::Secret,
    store::{NewUser, Session, Store},
    text::Templates,
    user::{Role, deed::Deed},
    web::{
        board::{Board, Parts},
        health::Pulse,
    },
};

/// How often each page is asked for.
const TIMES: usize = 40;

/// How many open pages hear of what is new.
const OPEN: usize = 50;

/// What people have done in a year.
const DEEDS: usize = 5_000;

/// For how long that is watched.
const WATCHED: Duration = Duration::from_mins(1);

/// The school: 40 classes of 25, each student with a parent who hears by mail.
fn school(now: Millis) -> Vec<String> {
    let numbers = |count: i64| {
        format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})")
    };
    let year = 365 * DAY;
    vec![
        "INSERT INTO school (name) VALUES ('Школа № 12')".into(),
        "INSERT INTO school_year (starts_on, ends_on, state) VALUES ('2025-09-01', '2027-08-31', 'open')".into(),
        "INSERT INTO subject (name) VALUES ('Математика')".into(),
        format!("{} INSERT INTO class (grade, letter, year_id) SELECT 1 + i % 10, CAST(i / 10 AS TEXT), 1 FROM n", numbers(40)),
        format!("{} INSERT INTO student (surname, given_name) SELECT 'Ученик' || i, 'Имя' FROM n", numbers(1000)),
        "INSERT INTO enrolment (student_id, class_id, number) SELECT id, 1 + id % 40, id FROM student".into(),
        format!("{} INSERT INTO guardian (surname, given_name, preset) SELECT 'Родитель' || i, 'Имя', 'at_once' FROM n", numbers(1000)),
        "INSERT INTO guardianship (guardian_id, student_id) SELECT id, id FROM guardian".into(),
        "INSERT INTO contact (guardian_id, channel, address) SELECT id, 'email', 'p' || id || '@example.org' FROM guardian".into(),
        "INSERT INTO consent (guardian_id, student_id, purpose, state) SELECT id, id, 'data', 'given' FROM guardian".into(),
        "INSERT INTO consent (guardian_id, student_id, purpose, state) SELECT id, id, 'email', 'given' FROM guardian".into(),
        // What the trigger wrote of all that is looked at.
        format!("UPDATE change SET seen_at = {now}, planned_at = {now}"),
        format!(
            "{} INSERT INTO message (ref, lane, channel, guardian_id, address, body_text, state, rank, not_before, attempts, \
             composed_at, state_at, reason) SELECT printf('%016X', i), 'email', CASE i % 3 WHEN 0 THEN 'email' WHEN 1 THEN 'sms' \
             ELSE 'telegram' END, 1 + i % 1000, 'p' || (1 + i % 1000) || '@example.org', 'Новое в дневнике: математика 5', \
             CASE WHEN i % 50 = 0 THEN 'undelivered' WHEN i % 7 = 0 THEN 'accepted' ELSE 'delivered' END, 6, \
             {now} - {year} + CAST(i * ({year} / 1000000.0) AS INTEGER), 1, {now} - {year} + CAST(i * ({year} / 1000000.0) AS INTEGER), \
             {now} - {year} + CAST(i * ({year} / 1000000.0) AS INTEGER) + 5000, 'x' FROM n",
            numbers(1_000_000)
        ),
        format!(
            "INSERT INTO attempt (message_id, number, lane, epoch, client_ref, started_at, finished_at, outcome) \
             SELECT id, 1, lane, 1, id, composed_at + 100, composed_at + 900, 'accepted' FROM message WHERE composed_at > {now} - {} ",
            30 * DAY
        ),
        format!(
            "{} INSERT INTO notice (guardian_id, student_id, fact, event, basis, state, waits_for, due_at, seen_at, state_at, week) \
             SELECT 1 + i % 1000, 1 + i % 1000, 'mark/' || (1 + i % 1000) || '/1/2026-10-14/' || i, 'mark', '[]', 'waiting', 'window', \
             {now} + {DAY}, {now}, {now}, '2026-W42' FROM n",
            numbers(100_000)
        ),
        // What was told in the last month, for the proofs.
        format!(
            "{} INSERT INTO notice (guardian_id, student_id, fact, event, basis, state, seen_at, state_at, week) \
             SELECT 1 + i % 1000, 1 + i % 1000, 'mark/' || (1 + i % 1000) || '/1/2026-10-14/' || (1000000 + i), 'mark', '[]', \
             'informed', {now} - {month} + i * ({month} / 60000), {now}, '2026-W41' FROM n",
            numbers(60_000),
            month = 30 * DAY
        ),
        "INSERT INTO message_notice (message_id, notice_id, value) SELECT 840000 + id, id, '[\"5\"]' FROM notice \
         WHERE state = 'informed'"
            .into(),
        // The paper of a year: a seventh of the families has a sheet each week.
        format!(
            "{} INSERT INTO print_run (class_id, week, state, sheets, data_at, printed_at) \
             SELECT class.id, printf('2026-W%02d', 9 + i), 'printed', 4, {now}, {now} FROM n, class",
            numbers(34)
        ),
        format!(
            "INSERT INTO sheet (print_run_id, guardian_id, student_id, week, number, check_code, state, reason, state_at, row_number) \
             SELECT r.id, e.student_id, e.student_id, r.week, 1, r.id || '-' || e.student_id, 'handed_out', 'chosen', {now}, 1 \
             FROM print_run r JOIN enrolment e ON e.class_id = r.class_id WHERE e.student_id % 7 = 0"
        ),
        "ANALYZE".into(),
    ]
}

/// A database with all of it, and a session of an administrator: what its cookie holds.
async fn filled(folder: &std::path::Path, now: Millis) -> (Store, String) {
    let store = Store::open(&format!("sqlite:{}", folder.join("school.db").display()))
        .await
        .unwrap();
    for statement in school(now) {
        sqlx::query(AssertSqlSafe(statement))
            .execute(store.pool())
            .await
            .unwrap();
    }
    for _ in 0..DEEDS {
        let begun = store.deed((None, "benchmark"), &Deed::LoggedIn, now).await;
        begun.unwrap().commit().await.unwrap();
    }
    let mut tx = store
        .deed((None, "benchmark"), &Deed::LoggedIn, now)
        .await
        .unwrap();
    let new = NewUser {
        login: "zavuch",
        name: "Завуч",
        role: Role::Admin,
        staff_id: None,
        language: "ru",
        password: "none",
    };
    let id = tx.add_user(&new, now).await.unwrap().unwrap();
    tx.set_password(id, "none", false, None).await.unwrap();
    tx.set_second(id, Some("none")).await.unwrap();
    let user = vestnik::user::User {
        id,
        login: "zavuch".into(),
        name: "Завуч".into(),
        role: Role::Admin,
        staff_id: None,
        language: "ru".into(),
        given: false,
        second: Some("none".into()),
    };
    let session = Session {
        user,
        token: "token".into(),
        agent_hash: vestnik::web::api::hashed("bench"),
        open: true,
    };
    tx.begin_session(&vestnik::web::api::hashed("key"), &session, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    (store, "key".into())
}

async fn serve(store: Store) -> SocketAddr {
    let config = Config::defaults().unwrap();
    let zone = store.school(&config.school).await.unwrap();
    let regulation = config.regulation("default").unwrap();
    let parts = Parts {
        store,
        regulation: Arc::new(regulation),
        config: Arc::new(config),
        templates: Templates::embedded().unwrap(),
        providers: Vec::new(),
        zone,
        clock: Clock::Wall,
        pulse: Pulse::new(Clock::Wall),
        look: Arc::new(Notify::new()),
        backups: None,
    };
    let links = Arc::new(Links::new(Secret::new("x".repeat(32)), None, None));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let board = Board::new(parts, links).unwrap();
    tokio::spawn(async move { axum::serve(listener, board.router()).await.unwrap() });
    address
}

fn ask(address: SocketAddr, cookie: &str, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: bench\r\nCookie: vestnik={cookie}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

/// How long a page takes: the median and the 95th percentile, and the first time.
fn measured(address: SocketAddr, cookie: &str, path: &str) -> (Duration, Duration, Duration) {
    let once = || {
        let begun = Instant::now();
        let mut answer = String::new();
        ask(address, cookie, path)
            .read_to_string(&mut answer)
            .unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200"),
            "{path}: {}",
            &answer[..answer.len().min(300)]
        );
        begun.elapsed()
    };
    let first = once();
    let mut times: Vec<Duration> = (0..TIMES).map(|_| once()).collect();
    times.sort_unstable();
    (times[TIMES / 2], times[TIMES * 95 / 100], first)
}

/// The seconds of processor time that this process has used (proc(5)).
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let now = Clock::Wall.now();
    let (store, cookie) = runtime.block_on(filled(folder.path(), now));
    let message = "00000000000F0000";
    let address = runtime.block_on(serve(store));
    println!("| page | median | 95th percentile | the first time |");
    println!("|---|---|---|---|");
    for path in [
        "/",
        "/week",
        "/week/1",
        "/director",
        "/messages",
        "/messages?channel=sms&state=undelivered",
        "/messages?before=500000",
        "/families/7",
        "/families/7/proof",
        "/paper",
        "/paper/1/2026-W43",
        "/announcements",
        "/providers",
        "/rules",
        "/journal",
        "/audit",
        "/users",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("/messages/{message}")])
    {
        let (median, high, first) = measured(address, &cookie, &path);
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        println!(
            "| `{path}` | {:.1} ms | {:.1} ms | {:.1} ms |",
            millis(median),
            millis(high),
            millis(first)
        );
    }
    let open: Vec<TcpStream> = (0..OPEN).map(|_| ask(address, &cookie, "/live")).collect();
    std::thread::sleep(Duration::from_secs(10));
    let before = processor();
    std::thread::sleep(WATCHED);
    let used = (processor() - before) / WATCHED.as_secs_f64();
    println!(
        "{} open pages cost {:.2} % of a core",
        open.len(),
        used * 100.0
    );
}
