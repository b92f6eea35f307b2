//! The program itself, with counterparts over loopback.

#![expect(
    clippy::unwrap_used,
    reason = "a program that cannot be started has failed the test"
)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use vestnik::store::Store;

#[path = "postgres.rs"]
mod postgres;

/// A folder with a configuration, and the program in it.
pub(crate) struct Program {
    pub(crate) folder: TempDir,
    config: PathBuf,
}

impl Program {
    /// With this configuration. `{folder}` stands for the folder.
    pub(crate) fn new(config: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("vestnik.toml");
        let text = config.replace("{folder}", &folder.path().display().to_string());
        std::fs::write(&path, text).unwrap();
        Self {
            folder,
            config: path,
        }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn print(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts the daemon; it writes to `serve.log`.
    pub(crate) fn serve(&self) -> Daemon {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("serve.log"))
            .unwrap();
        Daemon(self.command(&["serve"]).stderr(log).spawn().unwrap())
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vestnik"));
        command
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .env_clear()
            .current_dir(self.folder.path());
        command
    }

    /// The log of all daemons so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }
}

/// A running daemon, killed when it is dropped.
pub(crate) struct Daemon(pub(crate) Child);

impl Daemon {
    /// As a power cut would.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// As a service manager does.
    pub(crate) fn stop(mut self) -> Option<i32> {
        let id = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A real SMTP server that keeps each mail as a file.
pub(crate) struct Smtp {
    process: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

/// It reads each mail with a parser that is not ours.
const SERVER: &str = r#"
import asyncio, email, email.policy, os, sys
from aiosmtpd.smtp import SMTP

class Keep:
    count = 0
    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        text = mail.get_body(("plain",)).get_content()
        name = f"{sys.argv[1]}/{Keep.count:05}"
        with open(f"{name}.part", "w") as file:
            file.write(f"To: {envelope.rcpt_tos[0]}\nSubject: {mail['subject']}\n\n{text}")
        os.rename(f"{name}.part", f"{name}.txt")
        return "250 OK"

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Keep()), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

impl Smtp {
    /// Starts it; none where `VESTNIK_TEST_PYTHON` names no Python that has aiosmtpd.
    pub(crate) fn start() -> Option<Self> {
        let Ok(python) = std::env::var("VESTNIK_TEST_PYTHON") else {
            println!("skipped: VESTNIK_TEST_PYTHON is not set; tests/run sets it");
            return None;
        };
        let folder = TempDir::new().unwrap();
        let script = folder.path().join("server.py");
        std::fs::write(&script, SERVER).unwrap();
        let mut process = Command::new(python)
            .arg(&script)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Some(Self {
            port: line.trim().parse().unwrap(),
            process,
            folder,
        })
    }

    /// The mails that arrived, oldest first: recipient, subject and text part.
    pub(crate) fn mails(&self) -> Vec<String> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
            .collect();
        files.sort();
        files
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap())
            .collect()
    }

    /// Waits until so many mails have arrived, and returns them.
    pub(crate) fn wait_for(&self, count: usize) -> Vec<String> {
        let arrived = wait(Duration::from_secs(10), || self.mails().len() >= count);
        assert!(arrived, "{} of {count} mails arrived", self.mails().len());
        self.mails()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The databases to tell a story on: a file in the program's folder, and PostgreSQL where there is
/// one.
pub(crate) async fn databases() -> Vec<String> {
    let mut urls = vec!["sqlite:{folder}/school.db".to_owned()];
    if let Ok(server) = std::env::var("VESTNIK_TEST_POSTGRES") {
        urls.push(postgres::new_database(&server).await);
    }
    urls
}

pub(crate) fn config(database: &str, channels: &str) -> String {
    format!(
        "[database]\nurl = \"{database}\"\n[web]\nlisten = \"127.0.0.1:0\"\n\
         [rules]\nsettling = \"0s\"\nquiet = \"off\"\n{channels}"
    )
}

pub(crate) async fn open(program: &Program, database: &str) -> Store {
    let folder = program.folder.path().display().to_string();
    Store::open(&database.replace("{folder}", &folder))
        .await
        .expect("the database")
}

pub(crate) async fn sql(store: &Store, text: &str) {
    for statement in text
        .split(';')
        .filter(|statement| !statement.trim().is_empty())
    {
        sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(store.pool())
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

pub(crate) fn status(program: &Program) -> serde_json::Value {
    serde_json::from_str(&program.print(&["status", "--json"])).expect("JSON")
}

/// What the daemon answers at a path, with the head of the answer.
pub(crate) fn get(program: &Program, path: &str) -> String {
    let log = program.log();
    let address = log
        .split("listen=")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next());
    let mut stream = std::net::TcpStream::connect(address.expect("an address")).expect("a daemon");
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// Polls until something is true; false at the deadline.
pub(crate) fn wait(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    #[expect(clippy::disallowed_methods, reason = "a deadline of a test")]
    let deadline = Instant::now() + limit;
    loop {
        if done() {
            return true;
        }
        #[expect(clippy::disallowed_methods, reason = "a deadline of a test")]
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
