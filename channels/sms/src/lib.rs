//! SMS over HTTP gateways, behind vestnik's channel contract.
//!
//! [`gateway`] says how a provider is talked to, [`Sms`] talks. [`parts`] counts what a text costs,
//! [`phone`] reads numbers as people write them, [`septets`] writes texts as SMS centres read them.

pub mod gateway;
pub mod parts;
pub mod phone;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod septets;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, Response, StatusCode, redirect};
use serde_json::Value;
use vestnik_contract::{Channel, Delivery, Fault, Message, Outcome, Reason, Scope, Sent, classify};

use crate::gateway::{Gateway, GatewayError};

/// A gateway account.
#[derive(Clone)]
pub struct Settings {
    /// How the provider is talked to.
    pub gateway: Gateway,
    /// Where, if not at the provider's usual address.
    pub base_url: Option<String>,
    /// The account.
    pub login: String,
    /// Its password or key.
    pub password: String,
    /// The registered sender name.
    pub sender: Option<String>,
    /// After this long without an answer a message is in doubt.
    pub timeout: Duration,
}

/// Prints neither login nor password.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("gateway", &self.gateway.name)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// Why an account cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum SmsError {
    /// The descriptor is wrong.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    /// The address is no address.
    #[error("channels.sms.base_url: {0}")]
    BaseUrl(&'static str),
    /// TLS could not be set up.
    #[error("TLS cannot be used on this machine: {0}")]
    Tls(String),
}

/// SMS by one account of one HTTP gateway.
#[derive(Debug)]
pub struct Sms {
    settings: Settings,
    base_url: String,
    client: Client,
}

/// How a request failed before an answer was read.
enum Failure {
    /// Nothing left this machine.
    NotSent(Reason),
    /// It may have arrived.
    Unanswered(Reason),
    /// The provider answered with this status and nothing that could be read.
    Status(StatusCode, Option<Duration>),
}

impl Sms {
    /// Prepares the account; nothing is sent yet.
    ///
    /// # Errors
    /// [`SmsError`] with the key to correct.
    pub fn new(settings: Settings) -> Result<Self, SmsError> {
        let base_url = settings
            .base_url
            .as_ref()
            .unwrap_or(&settings.gateway.base_url);
        let base_url = base_url.trim_end_matches('/').to_owned();
        let url = reqwest::Url::parse(&base_url)
            .map_err(|_| SmsError::BaseUrl("is no address: write it as https://smsc.ru"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(SmsError::BaseUrl("must begin with https://"));
        }
        // The provider is set for this client alone: a library must not choose it for the process.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let client = Client::builder()
            .tls_backend_preconfigured(tls(provider)?)
            .redirect(redirect::Policy::none())
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)))
            .timeout(settings.timeout)
            .build()
            .map_err(|error| SmsError::Tls(error.to_string()))?;
        Ok(Self {
            settings,
            base_url,
            client,
        })
    }

    fn fields<'a>(
        &self,
        fields: impl IntoIterator<Item = (&'a String, &'a String)>,
        phone: &str,
        text: &str,
        client_ref: u32,
    ) -> Vec<(String, String)> {
        let phone = self.settings.gateway.phone(phone);
        let client_ref = client_ref.to_string();
        fields
            .into_iter()
            .filter_map(|(name, pattern)| {
                let value = match pattern.as_str() {
                    "{login}" => self.settings.login.clone(),
                    "{password}" => self.settings.password.clone(),
                    "{phone}" => phone.clone(),
                    "{text}" => text.to_owned(),
                    "{sender}" => self.settings.sender.clone()?,
                    "{client_ref}" => client_ref.clone(),
                    constant => constant.to_owned(),
                };
                Some((name.clone(), value))
            })
            .collect()
    }

    /// Posts a form and reads the JSON of the answer. Login and password travel in the body: a URL
    /// would stand in the logs of every proxy.
    async fn post(&self, path: &str, form: Vec<(String, String)>) -> Result<Value, Failure> {
        let answer = self
            .client
            .post(format!("{}{path}", self.base_url))
            .form(&form)
            .send()
            .await
            .map_err(|error| broken(&error))?;
        let status = answer.status();
        let pause = retry_after(&answer);
        let body = answer.bytes().await.map_err(|error| broken(&error))?;
        match serde_json::from_slice(&body) {
            Ok(value @ Value::Object(_)) if status.is_success() => Ok(value),
            _ => Err(Failure::Status(status, pause)),
        }
    }
}

#[async_trait]
impl Channel for Sms {
    async fn send(&self, message: &Message) -> Outcome {
        let send = &self.settings.gateway.send;
        let form = self.fields(
            &send.fields,
            &message.address,
            &message.text,
            message.client_ref,
        );
        match self.post(&send.path, form).await {
            Err(Failure::NotSent(reason)) => Outcome::Deferred {
                reason,
                retry_after: None,
                scope: Scope::Message,
            },
            Err(Failure::Unanswered(reason)) => Outcome::InDoubt { reason },
            Err(Failure::Status(status, pause)) => classify::http(status.as_u16(), pause),
            Ok(answer) => match (
                scalar(&answer, &send.error_at),
                scalar(&answer, &send.answer_at),
            ) {
                (Some(code), _) => self.settings.gateway.error(&code),
                (None, Some(id)) => Outcome::Accepted {
                    provider_ref: Some(id),
                },
                (None, None) => classify::http(200, None),
            },
        }
    }

    async fn query(&self, sent: &Sent) -> Result<Delivery, Reason> {
        let Some(status) = &self.settings.gateway.status else {
            return Err(Reason::new(
                "no_status_query",
                "This gateway cannot be asked.",
                Fault::Provider,
            ));
        };
        let form = self.fields(&status.fields, &sent.address, "", sent.client_ref);
        let answer = self
            .post(&status.path, form)
            .await
            .map_err(Failure::reason)?;
        match (
            scalar(&answer, &status.error_at),
            scalar(&answer, &status.answer_at),
        ) {
            (Some(code), _) => Err(self.settings.gateway.complaint(&code)),
            (None, Some(code)) => self.settings.gateway.delivery(&code),
            (None, None) => Err(Failure::Status(StatusCode::OK, None).reason()),
        }
    }

    fn answers_queries(&self) -> bool {
        self.settings.gateway.status.is_some()
    }

    async fn check(&self) -> Result<String, Reason> {
        let balance = &self.settings.gateway.balance;
        let form = self.fields(&balance.fields, "", "", 0);
        let answer = self
            .post(&balance.path, form)
            .await
            .map_err(Failure::reason)?;
        match (
            scalar(&answer, &balance.error_at),
            scalar(&answer, &balance.answer_at),
        ) {
            (Some(code), _) => Err(self.settings.gateway.complaint(&code)),
            (None, Some(money)) => Ok(format!(
                "{} answers; balance {money}",
                self.settings.gateway.name
            )),
            (None, None) => Err(Failure::Status(StatusCode::OK, None).reason()),
        }
    }
}

impl Failure {
    fn reason(self) -> Reason {
        match self {
            Self::NotSent(reason) | Self::Unanswered(reason) => reason,
            Self::Status(status, pause) => match classify::http(status.as_u16(), pause) {
                Outcome::Deferred { reason, .. }
                | Outcome::Rejected { reason }
                | Outcome::InDoubt { reason } => reason,
                Outcome::Accepted { .. } => Reason::new(
                    "http",
                    "The gateway's answer was not understood.",
                    Fault::Provider,
                ),
            },
        }
    }
}

/// TLS 1.2 and 1.3 by ring, with the machine's own root certificates.
fn tls(provider: Arc<rustls::crypto::CryptoProvider>) -> Result<rustls::ClientConfig, SmsError> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SmsError::Tls(error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// A broken connection, told apart by whether anything can have arrived.
fn broken(error: &reqwest::Error) -> Failure {
    if error.is_connect() {
        return Failure::NotSent(Reason::new(
            "connect",
            "The gateway cannot be reached: check the network and base_url.",
            Fault::Network,
        ));
    }
    let (code, text) = if error.is_timeout() {
        ("timeout", "The gateway did not answer in time.")
    } else {
        (
            "connection_lost",
            "The connection broke before the gateway answered.",
        )
    };
    Failure::Unanswered(Reason::new(code, text, Fault::Network))
}

/// The pause in seconds; the form with a date is not used by any gateway.
fn retry_after(answer: &Response) -> Option<Duration> {
    let value = answer.headers().get(reqwest::header::RETRY_AFTER)?;
    value
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// A number or text at a JSON pointer, as text: providers write one and the same code both ways.
fn scalar(answer: &Value, pointer: &str) -> Option<String> {
    match answer.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
