//! Mails a second into a server on this machine, beside lettre's own pool, nodemailer and Postfix' smtp-source,
//! in one run. Each mail is built from its message, with both forms of the text; smtp-source sends one again
//! and again.
//!
//! `cargo bench -p vestnik-email -- 127.0.0.1:2530`, with a server that takes everything there. nodemailer takes
//! part where `VESTNIK_BENCH_NODEMAILER` names its folder.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the clock and runs beside itself"
)]

use std::{
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor, transport::smtp::PoolConfig};
use vestnik_contract::{Channel, Message, Outcome};
use vestnik_email::{Account, Email, Signature, mime};

/// How often each is measured; the median counts.
const ROUNDS: usize = 5;

fn message(number: usize) -> Message {
    let lines: String = (0..20)
        .map(|line| format!("- Математика, урок {line}: 5 (контрольная работа)\n"))
        .collect::<Vec<_>>()
        .concat();
    Message {
        reference: format!("{number:016}"),
        client_ref: 1,
        address: format!("parent{}@example.org", number % 500),
        subject: Some("Школа № 12: Маша, новое в дневнике за 14 октября".into()),
        html: Some(format!(
            "<!DOCTYPE html><html lang=\"ru\"><body><pre>{lines}</pre></body></html>"
        )),
        text: lines,
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: 1_791_990_600_000,
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: true,
    }
}

fn account(server: &str, signed: bool) -> Account {
    let url = format!("smtp://{server}");
    let from = "Школа № 12 <school@example.org>";
    let mut account = Account::new(&url, None, from, Duration::from_secs(30)).expect("an account");
    if signed {
        let key = include_str!("../channels/email/tests/data/dkim.pem");
        account.signature = Some(Signature::new("example.org", "vestnik", key).expect("a key"));
    }
    account
}

/// So many mails by so many tasks at once; returns mails a second.
async fn timed<F, R>(mails: usize, tasks: usize, send: F) -> f64
where
    F: Fn(usize) -> R + Send + Sync + 'static,
    R: Future<Output = bool> + Send,
{
    let send = Arc::new(send);
    let begin = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|task| {
            let send = send.clone();
            tokio::spawn(async move {
                for number in (task..mails).step_by(tasks) {
                    assert!(send(number).await, "a mail was not taken");
                }
            })
        })
        .collect();
    for task in running {
        task.await.expect("a task");
    }
    rate(mails, begin.elapsed())
}

fn rate(mails: usize, took: Duration) -> f64 {
    f64::from(u32::try_from(mails).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

async fn ours(server: &str, mails: usize, tasks: usize, signed: bool) -> f64 {
    let email = Arc::new(Email::new(account(server, signed)));
    timed(mails, tasks, move |number| {
        let email = email.clone();
        async move { matches!(email.send(&message(number)).await, Outcome::Accepted { .. }) }
    })
    .await
}

async fn lettres(server: &str, mails: usize, tasks: usize) -> f64 {
    let (host, port) = server.split_once(':').expect("host:port");
    let pool = PoolConfig::new().max_size(u32::try_from(tasks).expect("few"));
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port.parse().expect("a port"))
        .pool_config(pool)
        .build();
    let account = account(server, false);
    timed(mails, tasks, move |number| {
        let (transport, mail) = (transport.clone(), mime(&message(number), &account));
        async move { transport.send(mail.expect("a mail")).await.is_ok() }
    })
    .await
}

/// Postfix' own source sends one mail of the same size again and again.
fn source(server: &str, mails: usize, tasks: usize) -> Option<f64> {
    let size = mime(&message(0), &account(server, false))
        .ok()?
        .formatted()
        .len();
    // Debian keeps it where only root looks.
    let program = ["/usr/sbin/smtp-source", "/usr/bin/smtp-source"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists())?;
    let [tasks, count, size] = [tasks, mails, size].map(|number| number.to_string());
    let begin = Instant::now();
    let status = Command::new(program)
        .args(["-s", &tasks, "-m", &count, "-l", &size, "-d"])
        .args([
            "-f",
            "school@example.org",
            "-t",
            "parent@example.org",
            server,
        ])
        .status()
        .ok()?;
    status.success().then(|| rate(mails, begin.elapsed()))
}

/// nodemailer's own pool, which builds each mail too; its start is not counted.
const NODEMAILER: &str = r#"
const [folder, place, mails, tasks, text, html] = process.argv.slice(1);
const [host, port] = place.split(":");
const pool = require(folder).createTransport({
    host, port: Number(port), pool: true, maxConnections: Number(tasks), maxMessages: Infinity, ignoreTLS: true,
});
async function main() {
    let next = 0;
    const begin = process.hrtime.bigint();
    await Promise.all(Array.from({ length: Number(tasks) }, async () => {
        while (next < Number(mails)) {
            const number = next++;
            await pool.sendMail({
                from: "Школа № 12 <school@example.org>", to: `parent${number % 500}@example.org`,
                subject: "Школа № 12: Маша, новое в дневнике за 14 октября", text, html,
                messageId: `<${String(number).padStart(16, "0")}@example.org>`,
            });
        }
    }));
    console.log(Number(mails) / (Number(process.hrtime.bigint() - begin) / 1e9));
    pool.close();
}
main().catch((error) => { console.error(error); process.exit(1); });
"#;

fn nodemailer(server: &str, mails: usize, tasks: usize) -> Option<f64> {
    let folder = std::env::var("VESTNIK_BENCH_NODEMAILER").ok()?;
    let message = message(0);
    let html = message.html.unwrap_or_default();
    let output = Command::new("node")
        .args(["-e", NODEMAILER, &folder, server])
        .args([&mails.to_string(), &tasks.to_string(), &message.text, &html])
        .output()
        .expect("Node.js");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let servers: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word.contains(':'))
        .collect();
    if servers.is_empty() {
        println!(
            "name a server that takes everything: cargo bench -p vestnik-email -- 127.0.0.1:2530"
        );
    }
    println!(
        "| server | connections | vestnik | signed | lettre's pool | nodemailer | smtp-source | vestnik / source | vestnik / nodemailer |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for server in servers {
        for tasks in [1, 8, 32] {
            let mails = 2_000;
            let mut rates = [const { Vec::new() }; 5];
            for _ in 0..ROUNDS {
                rates[0].push(ours(&server, mails, tasks, false).await);
                rates[4].extend(source(&server, mails, tasks));
                rates[3].extend(nodemailer(&server, mails, tasks));
                rates[1].push(ours(&server, mails / 4, tasks, true).await);
                rates[2].push(lettres(&server, mails / 10, tasks).await);
            }
            let [own, signed, pool, node, source] = rates.map(median);
            println!(
                "| {server} | {tasks} | {own:.0} | {signed:.0} | {pool:.0} | {node:.0} | {source:.0} | {:.2} | {:.1} |",
                own / source,
                own / node
            );
        }
    }
}
