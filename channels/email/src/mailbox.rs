//! The mailbox to which undeliverable mails come back, over IMAP (RFC 3501, IDLE of RFC 2177).

use std::{fmt, time::Duration};

use async_imap::extensions::idle::IdleResponse;
use futures_util::TryStreamExt;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use crate::{
    account::{Trust, decoded, is_here},
    session::encrypt,
};

/// After this long without an answer a step is given up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much of a mail is read: reports say what they have to say before they quote.
const SIZE: usize = 256 * 1024;

/// How many mails are fetched at once.
const BATCH: usize = 50;

/// An account with a mailbox.
#[derive(Clone)]
pub struct Mailbox {
    host: String,
    port: u16,
    encrypted: bool,
    user: String,
    password: String,
    folder: String,
    trust: Trust,
}

/// Prints no login.
impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({}:{})", self.host, self.port)
    }
}

/// Why a mailbox cannot be read. None of it repeats the URL, which may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum MailboxError {
    /// The URL is none of a mailbox.
    #[error("channels.email.bounce_imap_url: {0}; write imaps://user@host")]
    Url(&'static str),
    /// Nobody answers there, or the connection broke.
    #[error("the mailbox for bounces cannot be reached: check bounce_imap_url and the network")]
    Unreachable,
    /// Its certificate is not trusted.
    #[error(
        "the certificate of the mailbox for bounces is not trusted: check the host in bounce_imap_url"
    )]
    Untrusted,
    /// It refuses the login.
    #[error("the mailbox for bounces refuses the login: check user and bounce_password_file")]
    Login,
    /// It has no such folder.
    #[error("the mailbox for bounces has no such folder: check the path of bounce_imap_url")]
    Folder,
}

impl From<async_imap::error::Error> for MailboxError {
    fn from(_: async_imap::error::Error) -> Self {
        Self::Unreachable
    }
}

/// How far a mailbox was read: the numbers of mails hold as long as its validity is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// UIDVALIDITY
    pub validity: u32,
    /// The last mail that was read.
    pub last: u32,
}

/// A mail of a mailbox.
#[derive(Clone)]
pub struct Fetched {
    /// Where it stands.
    pub position: Position,
    /// Its beginning, as it came.
    pub raw: Vec<u8>,
}

/// Prints the position only.
impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({:?})", self.position)
    }
}

trait Wire: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + fmt::Debug> Wire for T {}

/// An open mailbox.
pub struct Open {
    /// Taken while it waits, and gone when it broke.
    session: Option<async_imap::Session<Box<dyn Wire>>>,
    validity: u32,
    idles: bool,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Open")
    }
}

/// Gives a step its time.
async fn within<T, E: Into<MailboxError>>(
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, MailboxError> {
    let ended = timeout(PATIENCE, step).await;
    ended
        .map_err(|_| MailboxError::Unreachable)?
        .map_err(Into::into)
}

impl Mailbox {
    /// Reads the account from `imaps://user:password@host:port/folder`. A password from elsewhere takes the
    /// place of the URL's; without a folder it is INBOX.
    ///
    /// # Errors
    /// [`MailboxError::Url`] with what is wrong.
    pub fn new(url: &str, password: Option<&str>, trust: Trust) -> Result<Self, MailboxError> {
        let parsed = Url::parse(url).map_err(|_| MailboxError::Url("it is no URL"))?;
        let host = parsed.host_str().filter(|host| !host.is_empty());
        let host = host
            .ok_or(MailboxError::Url("it names no host"))?
            .to_owned();
        let encrypted = match parsed.scheme() {
            "imaps" => true,
            "imap" if is_here(&parsed) => false,
            "imap" => {
                return Err(MailboxError::Url(
                    "it would send the password unprotected to another machine",
                ));
            }
            _ => return Err(MailboxError::Url("it must begin with imaps://")),
        };
        if parsed.username().is_empty() {
            return Err(MailboxError::Url("it names no user"));
        }
        let own = decoded(parsed.password().unwrap_or_default());
        let folder = decoded(parsed.path().trim_matches('/'));
        Ok(Self {
            host,
            port: parsed.port().unwrap_or(if encrypted { 993 } else { 143 }),
            encrypted,
            user: decoded(parsed.username()),
            password: password.map_or(own, ToOwned::to_owned),
            folder: if folder.is_empty() {
                "INBOX".into()
            } else {
                folder
            },
            trust,
        })
    }

    /// A name under which the database remembers how far it was read.
    pub fn name(&self) -> String {
        format!("{}@{}:{}/{}", self.user, self.host, self.port, self.folder)
    }

    /// Connects, logs in and opens the folder.
    ///
    /// # Errors
    /// [`MailboxError`] with the remedy.
    pub async fn open(&self) -> Result<Open, MailboxError> {
        let unreachable = |_| MailboxError::Unreachable;
        let address = (self.host.as_str(), self.port);
        let connecting = async { TcpStream::connect(address).await.map_err(unreachable) };
        let stream = within(connecting).await?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let wire: Box<dyn Wire> = if self.encrypted {
            let handshake = async {
                encrypt(stream, &self.host, &self.trust)
                    .await
                    .map_err(|error| match error.kind() {
                        std::io::ErrorKind::InvalidData => MailboxError::Untrusted,
                        _ => MailboxError::Unreachable,
                    })
            };
            Box::new(within(handshake).await?)
        } else {
            Box::new(stream)
        };
        let mut client = async_imap::Client::new(wire);
        let greeting = async { client.read_response().await.map_err(unreachable) };
        within(greeting).await?.ok_or(MailboxError::Unreachable)?;
        let login = async {
            let logged_in = client.login(&self.user, &self.password).await;
            logged_in.map_err(|(error, _)| match error {
                async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_) => {
                    MailboxError::Login
                }
                _ => MailboxError::Unreachable,
            })
        };
        let mut session = within(login).await?;
        let capabilities = within(session.capabilities()).await?;
        let selecting = async {
            session
                .select(&self.folder)
                .await
                .map_err(|error| match error {
                    async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_) => {
                        MailboxError::Folder
                    }
                    _ => MailboxError::Unreachable,
                })
        };
        let selected = within(selecting).await?;
        Ok(Open {
            idles: capabilities.has_str("IDLE"),
            validity: selected.uid_validity.unwrap_or_default(),
            session: Some(session),
        })
    }
}

impl Open {
    /// The oldest mails after this position, a batch of them. A mailbox whose numbers hold no longer is
    /// read from its beginning.
    ///
    /// # Errors
    /// [`MailboxError::Unreachable`] where the connection broke.
    pub async fn after(&mut self, position: Position) -> Result<Vec<Fetched>, MailboxError> {
        let last = if position.validity == self.validity {
            position.last
        } else {
            0
        };
        let validity = self.validity;
        let session = self.session.as_mut().ok_or(MailboxError::Unreachable)?;
        let asked = format!("UID {}:*", u64::from(last) + 1);
        let found = within(session.uid_search(&asked)).await?;
        // «n:*» names the last mail even where it is older than n.
        let mut uids: Vec<u32> = found.into_iter().filter(|uid| *uid > last).collect();
        uids.sort_unstable();
        let mut mails = Vec::new();
        for uid in uids.into_iter().take(BATCH) {
            let what = format!("(UID BODY.PEEK[]<0.{SIZE}>)");
            let fetch = async {
                let mut parts = session.uid_fetch(uid.to_string(), what).await?;
                let mut raw = Vec::new();
                while let Some(part) = parts.try_next().await? {
                    if part.uid == Some(uid) {
                        raw = part.body().unwrap_or_default().to_vec();
                    }
                }
                Ok::<_, async_imap::error::Error>(raw)
            };
            let position = Position {
                validity,
                last: uid,
            };
            mails.push(Fetched {
                position,
                raw: within(fetch).await?,
            });
        }
        Ok(mails)
    }

    /// Waits until something comes, or this long.
    ///
    /// # Errors
    /// [`MailboxError::Unreachable`] where the connection broke.
    pub async fn wait(&mut self, longest: Duration, poll: Duration) -> Result<(), MailboxError> {
        let session = self.session.take().ok_or(MailboxError::Unreachable)?;
        if !self.idles {
            let mut session = session;
            let _ = timeout(poll, std::future::pending::<()>()).await;
            within(session.noop()).await?;
            self.session = Some(session);
            return Ok(());
        }
        let mut idle = session.idle();
        within(idle.init()).await?;
        let woken = {
            let (woken, _stop) = idle.wait_with_timeout(longest);
            // The library's own time-out is trusted, and watched.
            timeout(longest + PATIENCE, woken).await
        };
        let woken = woken.map_err(|_| MailboxError::Unreachable)??;
        let session = within(idle.done()).await?;
        if !matches!(woken, IdleResponse::NewData(_) | IdleResponse::Timeout) {
            return Err(MailboxError::Unreachable);
        }
        self.session = Some(session);
        Ok(())
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        if let Some(session) = self.session.as_mut() {
            let _ = timeout(Duration::from_secs(2), session.logout()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_everything_but_a_password_in_the_clear() {
        let own = Mailbox::new(
            "imaps://bounces%40example.org:p%40ss@mail.example.org/In%20box",
            None,
            Trust::default(),
        );
        let own = own.expect("a mailbox");
        assert_eq!(
            own.name(),
            "bounces@example.org@mail.example.org:993/In box"
        );
        assert_eq!(own.password, "p@ss");
        let other = Mailbox::new(
            "imap://bounces@localhost:2143",
            Some("word"),
            Trust::default(),
        );
        let other = other.expect("a mailbox");
        assert_eq!((other.port, other.folder.as_str()), (2143, "INBOX"));
        assert_eq!(other.password, "word");
        for url in [
            "imap://bounces:secret@mail.example.org",
            "imaps://mail.example.org",
            "pop3://bounces:secret@mail.example.org",
            "secret",
        ] {
            let error = Mailbox::new(url, None, Trust::default())
                .expect_err(url)
                .to_string();
            assert!(
                error.starts_with("channels.email.bounce_imap_url: "),
                "{error}"
            );
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(!format!("{own:?}").contains("p@ss"));
    }
}
