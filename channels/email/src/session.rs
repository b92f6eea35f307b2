//! One SMTP session, step by step, so that each refusal is known by the step that it answers.

use std::{
    fmt, io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters},
        commands::{Data, Mail, Noop, Rcpt, Rset},
        extension::ClientId,
    },
};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use vestnik_contract::{
    Fault, Outcome, Reason, Scope,
    classify::{self, SmtpStage},
};

use crate::account::{Account, Tls, Trust};

/// How long a greylisting server is left alone that names no time: most let the next try in after five
/// minutes.
const GREYLISTED: Duration = Duration::from_mins(5);

/// No server's wish is followed for longer.
const LONGEST: Duration = Duration::from_hours(4);

/// An open session.
pub(crate) struct Session {
    connection: AsyncSmtpConnection,
    /// How many mails it has carried.
    pub(crate) carried: u32,
}

/// How a step failed.
pub(crate) enum Failure {
    /// The server answered, or the account is wrong: this is the outcome.
    Refused(Outcome),
    /// The connection broke, or spoke what is not SMTP. What that means depends on the step.
    Broken,
}

impl Session {
    /// Connects, protects the connection and logs in.
    pub(crate) async fn open(account: &Account) -> Result<Self, Failure> {
        let stream = TcpStream::connect((account.host.as_str(), account.port))
            .await
            .map_err(|_| Failure::Broken)?;
        // Without this the last bytes of a mail wait 40 ms for an acknowledgement that the server
        // delays.
        stream.set_nodelay(true).map_err(|_| Failure::Broken)?;
        let hello = ClientId::default();
        let stream: Box<dyn AsyncTokioStream> = match account.tls {
            Tls::Implicit => Box::new(protect(stream, account).await?),
            Tls::None | Tls::Starttls => Box::new(stream),
        };
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &hello)
            .await
            .map_err(|error| session(&error))?;
        if account.tls == Tls::Starttls {
            if !connection.can_starttls() {
                return Err(refused_account(
                    "no_starttls",
                    "The mail server offers no STARTTLS: check url and tls.",
                ));
            }
            let parameters = starttls(account)?;
            connection
                .starttls(parameters, &hello)
                .await
                .map_err(|error| {
                    if error.is_tls() {
                        untrusted()
                    } else {
                        session(&error)
                    }
                })?;
        }
        if let Some((user, password)) = &account.login {
            let credentials = Credentials::new(user.clone(), password.clone());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                .map_err(|error| {
                    if error.is_client() {
                        refused_account(
                            "no_auth",
                            "The mail server offers no login that vestnik speaks.",
                        )
                    } else {
                        session(&error)
                    }
                })?;
        }
        Ok(Self {
            connection,
            carried: 0,
        })
    }

    /// Names sender and recipient. After a refusal the session goes on with the next mail.
    pub(crate) async fn envelope(&mut self, from: &Address, to: &Address) -> Result<(), Failure> {
        let mail = Mail::new(Some(from.clone()), Vec::new());
        self.connection
            .command(mail)
            .await
            .map_err(|error| session(&error))?;
        let rcpt = Rcpt::new(to.clone(), Vec::new());
        self.connection
            .command(rcpt)
            .await
            .map_err(|error| failure(&error, SmtpStage::Recipient))?;
        Ok(())
    }

    /// Asks to hand over a mail's content.
    pub(crate) async fn data(&mut self) -> Result<(), Failure> {
        match self.connection.command(Data).await {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&error, SmtpStage::Data)),
        }
    }

    /// Hands the content over. From here on a broken connection leaves a doubt: the server may have
    /// taken the mail before its answer was lost.
    pub(crate) async fn content(&mut self, mail: &[u8]) -> Result<Option<String>, Failure> {
        match self.connection.message(mail).await {
            Ok(response) => {
                self.carried += 1;
                Ok(response.message().next().and_then(queue_id))
            }
            Err(error) => Err(failure(&error, SmtpStage::Data)),
        }
    }

    /// Forgets a mail that was refused; false where the session is over.
    pub(crate) async fn reset(&mut self) -> bool {
        self.connection.command(Rset).await.is_ok()
    }

    /// Proves that the session is alive.
    pub(crate) async fn noop(&mut self) -> Result<(), Failure> {
        self.connection
            .command(Noop)
            .await
            .map_err(|error| session(&error))?;
        Ok(())
    }

    /// Says goodbye.
    pub(crate) async fn quit(mut self) {
        let _ = self.connection.quit().await;
    }
}

fn session(error: &SmtpError) -> Failure {
    failure(error, SmtpStage::Session)
}

fn failure(error: &SmtpError, stage: SmtpStage) -> Failure {
    match error.status() {
        Some(code) => {
            let code: u16 = u16::from(code);
            let words = std::error::Error::source(error).map(ToString::to_string);
            let words = words.unwrap_or_default();
            let outcome = classify::smtp(code, enhanced(&words), stage);
            Failure::Refused(patient(outcome, &words))
        }
        None => Failure::Broken,
    }
}

/// A deferral with the pause that the server asked for in its words. Greylisting lets nobody in who comes
/// back at once: who hurries is put off longer.
fn patient(outcome: Outcome, words: &str) -> Outcome {
    match outcome {
        Outcome::Deferred {
            reason,
            retry_after: None,
            scope,
        } => Outcome::Deferred {
            reason,
            retry_after: pause(words),
            scope,
        },
        other => other,
    }
}

/// «Greylisted, please try again in 300 seconds»
fn pause(words: &str) -> Option<Duration> {
    let words = words.to_lowercase();
    let greylisted = [
        "greylist",
        "graylist",
        "grey-list",
        "gray-list",
        "try again later",
    ]
    .iter()
    .any(|word| words.contains(word));
    let mut parts = words
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty());
    let mut asked = None;
    while let Some(part) = parts.next() {
        if !matches!(part, "in" | "after" | "retry" | "within") {
            continue;
        }
        let mut ahead = parts.clone();
        let Some(count) = ahead.next().and_then(|word| word.parse::<u64>().ok()) else {
            continue;
        };
        let unit = match ahead.next().unwrap_or_default() {
            unit if unit.starts_with("sec") || unit == "s" => 1,
            unit if unit.starts_with("min") || unit == "m" => 60,
            unit if unit.starts_with("hour") || unit == "h" => 3600,
            _ => continue,
        };
        asked = Some(Duration::from_secs(count.saturating_mul(unit)).min(LONGEST));
        break;
    }
    asked.or_else(|| greylisted.then_some(GREYLISTED))
}

/// The enhanced status code at the beginning of a reply's text (RFC 3463 §2).
fn enhanced(text: &str) -> Option<(u8, u16, u16)> {
    let mut parts = text.split_whitespace().next()?.split('.');
    let code = (
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    );
    (parts.next().is_none() && matches!(code.0, 2 | 4 | 5)).then_some(code)
}

/// The name that the server gave the mail, as Postfix, Exim and Sendmail write it. It only helps to
/// find the mail in the server's log.
fn queue_id(line: &str) -> Option<String> {
    let name = line
        .split_once("queued as ")
        .or_else(|| line.split_once("id="))
        .map(|(_, rest)| rest)?;
    let name: String = name
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(40)
        .collect();
    (!name.is_empty()).then_some(name)
}

fn refused_account(code: &str, text: &str) -> Failure {
    Failure::Refused(Outcome::Deferred {
        reason: Reason::new(code, text, Fault::Account),
        retry_after: Some(classify::ACCOUNT_PAUSE),
        scope: Scope::Lane,
    })
}

fn untrusted() -> Failure {
    refused_account(
        "tls",
        "The mail server's certificate is not trusted: check the host name in url.",
    )
}

fn starttls(account: &Account) -> Result<TlsParameters, Failure> {
    let mut parameters = TlsParameters::builder(account.host.clone());
    if let Some(pem) = &account.trust.pem {
        let certificate = Certificate::from_pem(pem).map_err(|_| untrusted())?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|_| untrusted())
}

/// TLS from the first byte. What is not trusted is [`io::ErrorKind::InvalidData`].
pub(crate) async fn encrypt(
    stream: TcpStream,
    host: &str,
    trust: &Trust,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = &trust.pem {
        use rustls::pki_types::{CertificateDer, pem::PemObject};
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).flatten());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

async fn protect(stream: TcpStream, account: &Account) -> Result<Protected, Failure> {
    let peer = stream.peer_addr().map_err(|_| Failure::Broken)?;
    let stream = encrypt(stream, &account.host, &account.trust)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => untrusted(),
            _ => Failure::Broken,
        })?;
    Ok(Protected { stream, peer })
}

/// A TLS stream in the form in which lettre takes one.
struct Protected {
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
}

impl fmt::Debug for Protected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protected({})", self.peer)
    }
}

impl AsyncTokioStream for Protected {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl AsyncRead for Protected {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Protected {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_enhanced_codes_are_read_as_such() {
        assert_eq!(enhanced("5.1.1 <x>: unknown"), Some((5, 1, 1)));
        assert_eq!(enhanced("10.0.0.1 blocked"), None);
        assert_eq!(enhanced("Mailbox full"), None);
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it() {
        let seconds = |text| pause(text).map(|pause| pause.as_secs());
        for (text, expected) in [
            (
                "4.7.1 Greylisted, please try again in 300 seconds",
                Some(300),
            ),
            (
                "4.2.0 <x@y>: Recipient address rejected: Greylisted",
                Some(300),
            ),
            ("Try again after 10 minutes", Some(600)),
            ("please retry in 2 hours", Some(7_200)),
            ("come back in 900 hours", Some(4 * 3_600)),
            ("4.2.1 The mailbox is busy", None),
            ("there are 3 seconds in it", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn the_queues_name_is_found() {
        assert_eq!(
            queue_id("2.0.0 Ok: queued as 4XyZ12"),
            Some("4XyZ12".into())
        );
        assert_eq!(queue_id("OK id=1rAbCd-000"), Some("1rAbCd".into()));
        assert_eq!(queue_id("Ok"), None);
    }
}
