//! SMS a second beside Kannel and wrk, in one run on this machine. Debian's packages kannel and wrk are needed:
//!
//! `cargo bench -p vestnik-smpp`
//!
//! Over HTTP Kannel takes messages and keeps them, from our channel and from wrk, which asks for one and the same
//! URL again and again. Meanwhile its line to the centre is cut, so that what it took is ready in its memory. Over
//! SMPP the centre of the sandbox takes that from Kannel, and as much from our channel; both through a gate, as cuts
//! the line, with ten messages under way.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and runs beside itself"
)]

#[path = "../channels/smpp/tests/support/kannel.rs"]
#[expect(dead_code, reason = "no box holds its breath here")]
mod kannel;
#[path = "../channels/smpp/tests/support/mod.rs"]
#[expect(dead_code, reason = "nothing comes back here")]
mod support;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kannel::Kannel;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};
use vestnik_contract::{Channel, Outcome};
use vestnik_smpp::sandbox::{self, Centre, PASSWORD};
use vestnik_sms::{Settings, Sms, gateway::Gateway};

/// How often each is measured; the median counts.
const ROUNDS: usize = 5;

/// How many SMS are sent each time.
const TEXTS: usize = 3_000;

/// How many SMPP messages may be under way: Kannel's default.
const WINDOW: usize = 10;

const TEXT: &str = "Школа 12. Маша 14.10: матем 5, рус 4 и 3. Итог недели в пятницу";

/// The centre sends no receipt for a number that ends so.
fn number(at: usize) -> String {
    format!("+7916{:05}13", at % 100_000)
}

fn gateway(http: u16) -> Sms {
    Sms::new(Settings {
        gateway: Gateway::by_name("kannel").expect("a descriptor"),
        base_url: Some(format!("http://127.0.0.1:{http}")),
        login: "daemon".into(),
        password: "s3cret".into(),
        sender: Some("SCHOOL57".into()),
        timeout: Duration::from_secs(30),
        callback: None,
    })
    .expect("a channel")
}

fn rate(count: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

/// All texts by so many tasks at once; returns texts a second.
async fn ours(channel: Arc<dyn Channel>, tasks: usize) -> f64 {
    let next = Arc::new(AtomicUsize::new(0));
    let begin = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let (channel, next) = (channel.clone(), next.clone());
            tokio::spawn(async move {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= TEXTS {
                        return;
                    }
                    let outcome = channel.send(&support::message(&number(at), TEXT, 1)).await;
                    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
                }
            })
        })
        .collect();
    for task in running {
        task.await.expect("a task");
    }
    rate(TEXTS, begin.elapsed())
}

/// What wrk reaches with as many connections.
async fn wrk(http: u16, connections: usize) -> f64 {
    let text = TEXT
        .bytes()
        .fold(String::new(), |url, byte| format!("{url}%{byte:02X}"));
    let to = number(0).replace('+', "%2B");
    let url = format!(
        "http://127.0.0.1:{http}/cgi-bin/sendsms?username=daemon&password=s3cret&from=SCHOOL57&to={to}&text={text}\
         &charset=UTF-8&coding=2&dlr-mask=27"
    );
    let output = tokio::process::Command::new("wrk")
        .args(["-t", "1", "-d", "1", "-c", &connections.to_string(), &url])
        .output()
        .await
        .expect("Debian's package wrk");
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!report.contains("Non-2xx"), "{report}");
    let rate = report.split("Requests/sec:").nth(1);
    let rate = rate.and_then(|rest| rest.split_whitespace().next());
    rate.and_then(|word| word.parse().ok()).expect("a rate")
}

/// What stands before the centre, and can be shut.
#[derive(Clone)]
struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// An open one, and where it is.
    async fn before(centre: SocketAddr) -> (Self, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("an address");
        let gate = Self(Arc::new(watch::Sender::new(true)));
        let open = gate.0.clone();
        tokio::spawn(async move {
            while let Ok((mut outside, _)) = listener.accept().await {
                let mut open = open.subscribe();
                if !*open.borrow_and_update() {
                    continue;
                }
                tokio::spawn(async move {
                    let mut inside = TcpStream::connect(centre).await.expect("the centre");
                    for line in [&outside, &inside] {
                        line.set_nodelay(true).expect("a line");
                    }
                    tokio::select! {
                        _ = copy_bidirectional(&mut outside, &mut inside) => {}
                        _ = open.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        (gate, place)
    }

    fn set(&self, open: bool) {
        self.0.send_replace(open);
    }
}

/// How fast Kannel empties its memory into the centre, from the first SMS that comes through the gate on.
async fn kannels(gate: &Gate, centre: &Centre) -> f64 {
    let before = centre.taken();
    gate.set(true);
    while centre.taken() == before {
        support::wait(Duration::from_millis(1)).await;
    }
    let begin = Instant::now();
    let mut took = None;
    let (mut last, mut quiet) = (before, Instant::now());
    while quiet.elapsed() < Duration::from_secs(1) {
        support::wait(Duration::from_millis(2)).await;
        let now = centre.taken();
        if now > last {
            (last, quiet) = (now, Instant::now());
        }
        if took.is_none() && now - before >= TEXTS {
            took = Some(rate(now - before, begin.elapsed()));
        }
    }
    took.expect("as many as were given to it")
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let centre = Centre::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let place = listener.local_addr().expect("an address");
    tokio::spawn(sandbox::serve(listener, centre.clone()));
    let (gate, kannels_place) = Gate::before(place).await;
    let (_open, place) = Gate::before(place).await;
    let kannel = Kannel::start(kannels_place, PASSWORD, false).await;
    let http: Arc<dyn Channel> = Arc::new(gateway(kannel.http));
    let mut settings = support::settings(&format!("smpp://{place}"));
    (settings.password, settings.window) = (PASSWORD.into(), WINDOW);
    settings.timeout = Duration::from_secs(30);
    let (smpp, _desk) = support::listening(settings).await;
    let smpp: Arc<dyn Channel> = smpp;
    println!(
        "| way | connections or window | vestnik | beside it | ratio |\n|---|---|---|---|---|"
    );
    let (mut own_line, mut kannels_line) = (Vec::new(), Vec::new());
    for connections in [1, 8, 32] {
        let (mut own, mut beside) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            gate.set(false);
            kannel.bound(false).await;
            own.push(ours(http.clone(), connections).await);
            beside.push(wrk(kannel.http, connections).await);
            kannels_line.push(kannels(&gate, &centre).await);
            own_line.push(ours(smpp.clone(), WINDOW).await);
        }
        let (own, beside) = (median(own), median(beside));
        println!(
            "| HTTP, wrk | {connections} | {own:.0} | {beside:.0} | {:.2} |",
            own / beside
        );
    }
    let (own, beside) = (median(own_line), median(kannels_line));
    println!(
        "| SMPP, Kannel | {WINDOW} | {own:.0} | {beside:.0} | {:.2} |",
        own / beside
    );
}
