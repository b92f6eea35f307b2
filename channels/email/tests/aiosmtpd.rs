//! E-mail against a real server, in each way of protecting the connection.
//!
//! `VESTNIK_TEST_PYTHON` names a Python that has aiosmtpd; `tests/run` sets it.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use vestnik_contract::{Channel, Fault, Message, Outcome};
use vestnik_email::{Account, Email, Trust};

const SERVER: &str = r#"
import asyncio, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

mode, certificate, key, folder = sys.argv[1:]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)

class Keep:
    count = 0
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        Keep.count += 1
        with open(f"{folder}/{Keep.count}.eml", "wb") as file:
            file.write(envelope.content)
        return "250 OK"

def authenticate(server, session, envelope, mechanism, data):
    right = data.login == b"school" and data.password == b"secret"
    return AuthResult(success=right, handled=False)

def smtp():
    return SMTP(Keep(), authenticator=authenticate, auth_required=mode != "plain",
        require_starttls=mode == "starttls", auth_require_tls=mode == "starttls",
        tls_context=context if mode == "starttls" else None)

async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(smtp, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"#;

struct Server {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(mode: &str) -> Option<Server> {
    let Ok(python) = std::env::var("VESTNIK_TEST_PYTHON") else {
        println!("skipped: VESTNIK_TEST_PYTHON is not set; tests/run sets it");
        return None;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into(), "127.0.0.1".into()])
        .expect("a certificate");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    };
    let script = file("server.py", SERVER);
    let certificate = file("certificate.pem", &made.cert.pem());
    let key = file("key.pem", &made.signing_key.serialize_pem());
    let mut process = Command::new(python)
        .arg(script)
        .arg(mode)
        .args([&certificate, &key])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a Python");
    let mut line = String::new();
    let output = process.stdout.take().expect("its output");
    BufReader::new(output)
        .read_line(&mut line)
        .expect("the port");
    let port = line.trim().parse().expect("a port");
    Some(Server {
        process,
        port,
        folder,
    })
}

fn account(server: &Server, scheme: &str, login: &str, tls: Option<&str>) -> Account {
    let url = format!("{scheme}://{login}localhost:{}", server.port);
    let timeout = Duration::from_secs(10);
    let mut account =
        Account::new(&url, tls, "Школа № 12 <school@example.org>", timeout).expect("an account");
    let pem = std::fs::read(server.folder.path().join("certificate.pem")).expect("the certificate");
    account.trust = Trust { pem: Some(pem) };
    account
}

fn message(address: &str) -> Message {
    Message {
        reference: "0123456789ABCDEF".into(),
        client_ref: 1,
        address: address.into(),
        subject: Some("Школа № 12: Маша, новое в дневнике за 14 октября".into()),
        text: "Математика: 5\n".into(),
        html: Some("<p>Математика: <strong>5</strong></p>".into()),
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: 1_791_990_600_000,
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: true,
    }
}

fn first_mail(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("1.eml")).expect("a mail")
}

#[tokio::test]
async fn a_mail_arrives_in_the_clear_on_the_same_machine() {
    let Some(server) = start("plain") else { return };
    let email = Email::new(account(&server, "smtp", "", None));
    assert!(matches!(
        email.send(&message("parent@example.org")).await,
        Outcome::Accepted { .. }
    ));
    let mail = first_mail(server.folder.path());
    assert!(
        mail.contains("Message-ID: <0123456789ABCDEF@example.org>"),
        "{mail}"
    );
    assert!(mail.contains("multipart/alternative"), "{mail}");
    assert!(matches!(
        email.send(&message("nobody@example.org")).await,
        Outcome::Rejected { reason } if reason.fault == Fault::Address
    ));
}

#[tokio::test]
async fn a_mail_arrives_by_starttls_and_login() {
    let Some(server) = start("starttls") else {
        return;
    };
    let email = Email::new(account(&server, "smtp", "school:secret@", Some("starttls")));
    assert_eq!(
        email.check().await.map_err(|reason| reason.code),
        Ok("the mail server answers and takes the login".into())
    );
    assert!(matches!(
        email.send(&message("parent@example.org")).await,
        Outcome::Accepted { .. }
    ));
    assert!(first_mail(server.folder.path()).contains("0123456789ABCDEF"));
    let wrong = Email::new(account(&server, "smtp", "school:guess@", Some("starttls")));
    let reason = wrong.check().await.expect_err("a wrong password");
    assert_eq!(
        (reason.code.as_str(), reason.fault),
        ("smtp_535", Fault::Account)
    );
}

#[tokio::test]
async fn a_mail_arrives_by_tls_from_the_first_byte_and_an_unknown_certificate_is_refused() {
    let Some(server) = start("implicit") else {
        return;
    };
    // The server sees TLS from its first byte and not that it is TLS, so it offers no login here.
    let mut strange = account(&server, "smtps", "", None);
    strange.trust = Trust::default();
    let reason = Email::new(strange).check().await.expect_err("a stranger");
    assert_eq!(
        (reason.code.as_str(), reason.fault),
        ("tls", Fault::Account)
    );
    let email = Email::new(account(&server, "smtps", "", None));
    assert!(email.check().await.is_ok());
}
