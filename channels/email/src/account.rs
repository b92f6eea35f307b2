//! A relay account, as the configuration gives it.

use std::{fmt, time::Duration};

use lettre::message::Mailbox;
use url::{Host, Url};

use crate::{marks::Marker, signature::Signature};

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Not at all. Only for a relay on the same machine.
    None,
    /// STARTTLS (RFC 3207), which must succeed.
    Starttls,
    /// From the first byte (RFC 8314).
    Implicit,
}

/// Which certificates are trusted beside the machine's own roots.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// A school's own certificate authority, in PEM.
    pub pem: Option<Vec<u8>>,
}

/// A relay account.
#[derive(Clone)]
pub struct Account {
    /// Host name or address of the relay.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// User name and password.
    pub login: Option<(String, String)>,
    /// Who writes: «Школа № 12 <school@example.org>».
    pub from: Mailbox,
    /// After this long without an end, a call is given up.
    pub timeout: Duration,
    /// Certificates to trust.
    pub trust: Trust,
    /// How mails are signed, if they are.
    pub signature: Option<Signature>,
    /// What each mail carries so that what comes back is known.
    pub marker: Marker,
    /// How many mails may be on their way to one domain at the same time, if there is a limit.
    pub per_domain: Option<usize>,
}

/// Prints no login.
impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

/// Why an account cannot be used. The URL may hold a password and is never repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The URL is none of a relay.
    #[error("channels.email.url: {0}; write smtp://host:587 or smtps://host:465")]
    Url(&'static str),
    /// The word for TLS is unknown.
    #[error("channels.email.tls: «{0}» is none of none, starttls and required")]
    Tls(String),
    /// A password would cross the network in the clear.
    #[error(
        "channels.email.tls: none would send the password unprotected to another machine; write starttls"
    )]
    ClearPassword,
    /// The sender is no mailbox.
    #[error("channels.email.from: «{0}» is no sender; write \"Школа № 12 <school@example.org>\"")]
    From(String),
    /// The key of the signature cannot be used.
    #[error("channels.email.dkim_key_file: {0}; write one with openssl genrsa 2048")]
    Dkim(&'static str),
}

impl Account {
    /// Reads the account from `channels.email.url`, `tls` and `from`.
    ///
    /// `tls` may be `none`, `starttls` or `required`; without it, a relay on this machine is talked
    /// to in the clear and any other with STARTTLS.
    ///
    /// # Errors
    /// [`AccountError`] with the key to correct.
    pub fn new(
        url: &str,
        tls: Option<&str>,
        from: &str,
        timeout: Duration,
    ) -> Result<Self, AccountError> {
        let parsed = Url::parse(url).map_err(|_| AccountError::Url("it is no URL"))?;
        let implicit = match parsed.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(AccountError::Url("it must begin with smtp:// or smtps://")),
        };
        let host = parsed.host_str().filter(|host| !host.is_empty());
        let host = host
            .ok_or(AccountError::Url("it names no host"))?
            .to_owned();
        let here = is_here(&parsed);
        let tls = match (tls, implicit) {
            (None | Some("required"), true) => Tls::Implicit,
            (Some("none"), true) => {
                return Err(AccountError::Url(
                    "smtps:// is always protected: drop tls = \"none\"",
                ));
            }
            (Some("starttls"), true) => {
                return Err(AccountError::Url(
                    "STARTTLS begins in the clear: write smtp://",
                ));
            }
            (Some("none"), false) => Tls::None,
            (Some("starttls" | "required"), false) => Tls::Starttls,
            (None, false) => {
                if here {
                    Tls::None
                } else {
                    Tls::Starttls
                }
            }
            (Some(other), _) => return Err(AccountError::Tls(other.to_owned())),
        };
        let login = match (parsed.username(), parsed.password()) {
            ("", _) => None,
            (user, password) => Some((decoded(user), decoded(password.unwrap_or_default()))),
        };
        if tls == Tls::None && !here && login.is_some() {
            return Err(AccountError::ClearPassword);
        }
        Ok(Self {
            host,
            port: parsed.port().unwrap_or(if implicit { 465 } else { 587 }),
            tls,
            login,
            from: from
                .parse()
                .map_err(|_| AccountError::From(from.to_owned()))?,
            timeout,
            trust: Trust::default(),
            signature: None,
            marker: Marker::default(),
            per_domain: None,
        })
    }

    /// The same account with a password from elsewhere, such as a file.
    ///
    /// # Errors
    /// [`AccountError::ClearPassword`] where it would cross the network unprotected, and
    /// [`AccountError::Url`] where the URL names no user.
    pub fn with_password(mut self, password: String) -> Result<Self, AccountError> {
        let Some((user, _)) = self.login else {
            return Err(AccountError::Url(
                "a password needs its user: smtp://user@host",
            ));
        };
        self.login = Some((user, password));
        Ok(self)
    }
}

/// Whether a URL leads to this machine.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name == "127.0.0.1",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Undoes percent-encoding, in which passwords stand in URLs.
pub(crate) fn decoded(text: &str) -> String {
    let parsed = url::form_urlencoded::parse(text.replace('+', "%2B").as_bytes())
        .next()
        .map(|(key, _)| key.into_owned());
    parsed.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: &str = "Школа № 12 <school@example.org>";

    fn account(url: &str, tls: Option<&str>) -> Result<Account, AccountError> {
        Account::new(url, tls, FROM, Duration::from_secs(30))
    }

    #[test]
    fn a_url_says_host_port_and_protection() {
        let local = account("smtp://127.0.0.1:2525", None).expect("an account");
        assert_eq!((local.port, local.tls), (2525, Tls::None));
        let relay = account("smtp://user:p%40ss+word@mail.example.org", None).expect("an account");
        assert_eq!((relay.port, relay.tls), (587, Tls::Starttls));
        assert_eq!(relay.login, Some(("user".into(), "p@ss+word".into())));
        let relay = account("smtps://mail.example.org", None).expect("an account");
        assert_eq!((relay.port, relay.tls), (465, Tls::Implicit));
    }

    #[test]
    fn what_cannot_work_is_refused_without_repeating_a_password() {
        for (url, tls) in [
            ("mail.example.org", None),
            ("http://user:secret@mail.example.org", None),
            ("smtp://user:secret@mail.example.org", Some("none")),
            ("smtp://user:secret@mail.example.org", Some("maybe")),
            ("smtps://user:secret@mail.example.org", Some("none")),
        ] {
            let error = account(url, tls).expect_err(url).to_string();
            assert!(error.starts_with("channels.email."), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(Account::new("smtp://localhost", None, "school", Duration::ZERO).is_err());
        let debug = format!("{:?}", account("smtp://user:secret@localhost", None));
        assert!(!debug.contains("secret"), "{debug}");
    }
}
