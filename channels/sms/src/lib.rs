//! SMS over HTTP gateways, behind vestnik's channel contract.
//!
//! [`gateway`] says how a provider is talked to, [`Sms`] talks. [`parts`] counts what a text costs,
//! [`phone`] reads numbers as people write them, [`septets`] writes texts as SMS centres read them.

pub mod gateway;
pub mod parts;
pub mod phone;
pub mod receipt;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod septets;

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{Client, Response, redirect};
use vestnik_contract::{Channel, Delivery, Fault, Message, Outcome, Reason, Scope, Sent};

pub use receipt::Receipt;

use crate::gateway::{
    Answer, Gateway, GatewayError, Heard, ID_SEPARATOR, Incoming, Method, Refused, Request, Slot,
    Values,
};

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
    /// Where the provider may post receipts, if anywhere.
    pub callback: Option<CallbackPlace>,
}

/// Where a provider may post receipts.
#[derive(Clone)]
pub struct CallbackPlace {
    /// The address of this program as the provider sees it, without a slash at its end.
    pub public_url: String,
    /// The path for receipts: `/callback/sms`.
    pub path: String,
    /// The secret that the school and the provider share.
    pub secret: Option<String>,
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
}

impl Failure {
    fn reason(self) -> Reason {
        match self {
            Self::NotSent(reason) | Self::Unanswered(reason) => reason,
        }
    }
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

    /// The gateway's descriptor.
    pub fn gateway(&self) -> &Gateway {
        &self.settings.gateway
    }

    /// Whether the provider can be asked about a message whose answer was lost: by a number of ours, not by
    /// the name that it gave.
    pub fn answers_doubts(&self) -> bool {
        let status = self.settings.gateway.status.as_ref();
        status.is_some_and(|status| {
            !status.has(Slot::ProviderRef)
                && (status.has(Slot::ClientRef) || status.has(Slot::Reference))
        })
    }

    /// Whether the provider says what became of a message, asked or by itself.
    pub fn reports(&self) -> bool {
        let gateway = &self.settings.gateway;
        let called = gateway.callback.is_some() && self.settings.callback.is_some();
        gateway.status.is_some() || gateway.poll.is_some() || called
    }

    /// Reads what came to the address for receipts; `secret` is what follows it, `query` what follows a
    /// question mark.
    ///
    /// # Errors
    /// [`Refused`], whereupon nothing of it may be believed.
    pub fn hear(
        &self,
        secret: Option<&str>,
        query: &str,
        header: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        body: &[u8],
    ) -> Result<Heard, Refused> {
        let place = self.settings.callback.as_ref().ok_or(Refused::None)?;
        let mut url = format!("{}{}", place.public_url, place.path);
        for (mark, rest) in [('/', secret.unwrap_or_default()), ('?', query)] {
            if !rest.is_empty() {
                url.push(mark);
                url.push_str(rest);
            }
        }
        let incoming = Incoming {
            url: &url,
            query,
            header,
            body,
            secret,
        };
        let values = self.values("", "", 0, "");
        self.settings
            .gateway
            .hear(&incoming, place.secret.as_deref(), &values)
    }

    /// How often [`Sms::poll`] should be called, for a provider that keeps receipts until they are fetched.
    pub fn polls_every(&self) -> Option<Duration> {
        let poll = self.settings.gateway.poll.as_ref()?;
        Some(Duration::from_secs(poll.every.max(1)))
    }

    /// Fetches the receipts that the provider has kept. What was fetched is not given again, so that the
    /// caller has to keep all of it.
    ///
    /// # Errors
    /// The reason why nothing could be fetched; nothing is lost by it.
    pub async fn poll(&self) -> Result<Vec<Receipt>, Reason> {
        let Some(poll) = &self.settings.gateway.poll else {
            return Ok(Vec::new());
        };
        let values = self.values("", "", 0, "");
        let (answer, _) = self
            .call(&poll.request, &values)
            .await
            .map_err(Failure::reason)?;
        self.settings.gateway.fetched(poll, &answer, &values)
    }

    /// The address that receipts go to, as the provider has to know it.
    pub fn callback_url(&self) -> Option<String> {
        let place = self.settings.callback.as_ref()?;
        let callback = self.settings.gateway.callback.as_ref()?;
        let bare = format!("{}{}", place.public_url, place.path);
        if callback.signature.is_some() {
            return Some(bare);
        }
        let secret = place.secret.as_ref()?;
        Some(format!("{bare}/{secret}"))
    }

    fn values(&self, phone: &str, text: &str, client_ref: u32, reference: &str) -> Values {
        Values {
            login: self.settings.login.clone(),
            password: self.settings.password.clone(),
            sender: self.settings.sender.clone(),
            callback_url: self.callback_url(),
            phone: self.settings.gateway.phone(phone),
            text: text.to_owned(),
            client_ref,
            reference: reference.to_owned(),
            provider_ref: None,
        }
    }

    /// Makes one request and reads the answer, whatever its status, with the pause that it asks for.
    async fn call(
        &self,
        request: &Request,
        values: &Values,
    ) -> Result<(Answer, Option<Duration>), Failure> {
        let prepared = request.prepare(values);
        let url = format!("{}{}", self.base_url, prepared.target);
        let mut call = match prepared.method {
            Method::Post => self.client.post(url),
            Method::Get => self.client.get(url),
        };
        for (name, value) in &prepared.headers {
            call = call.header(name, value);
        }
        if let Some(body) = prepared.body {
            call = call.body(body);
        }
        let mut answer = call.send().await.map_err(|error| broken(&error))?;
        let (status, pause) = (answer.status().as_u16(), retry_after(&answer));
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| broken(&error))? {
            body.extend_from_slice(&chunk);
            if body.len() > LONGEST_ANSWER {
                let text = "The gateway's answer has no end.";
                return Err(Failure::Unanswered(Reason::new(
                    "answer_too_long",
                    text,
                    Fault::Provider,
                )));
            }
        }
        Ok((Answer::read(request.answer, status, &body), pause))
    }

    /// Asks about one of a message's names.
    async fn ask(
        &self,
        status: &Request,
        sent: &Sent,
        provider_ref: Option<&str>,
    ) -> Result<Delivery, Reason> {
        let mut values = self.values(&sent.address, "", sent.client_ref, &sent.reference);
        values.provider_ref = provider_ref.map(str::to_owned);
        let (answer, _) = self.call(status, &values).await.map_err(Failure::reason)?;
        self.settings
            .gateway
            .delivery(&status.rules, &answer, &values)
    }
}

/// More than a thousand receipts are fetched at once nowhere.
const LONGEST_ANSWER: usize = 1 << 20;

#[async_trait]
impl Channel for Sms {
    async fn send(&self, message: &Message) -> Outcome {
        let values = self.values(
            &message.address,
            &message.text,
            message.client_ref,
            &message.reference,
        );
        match self.call(&self.settings.gateway.send, &values).await {
            Err(Failure::NotSent(reason)) => Outcome::Deferred {
                reason,
                retry_after: None,
                scope: Scope::Message,
            },
            Err(Failure::Unanswered(reason)) => Outcome::InDoubt { reason },
            Ok((answer, pause)) => self.settings.gateway.outcome(&answer, pause, &values),
        }
    }

    /// Where a provider names each part, the message is delivered when all of them are.
    async fn query(&self, sent: &Sent) -> Result<Delivery, Reason> {
        let unasked = |text| Err(Reason::new("no_status_query", text, Fault::Provider));
        let Some(status) = &self.settings.gateway.status else {
            return unasked("This gateway cannot be asked.");
        };
        let Some(names) = &sent.provider_ref else {
            if status.has(Slot::ProviderRef) {
                return unasked("This gateway can only be asked by the name that it gave.");
            }
            return self.ask(status, sent, None).await;
        };
        if !status.has(Slot::ProviderRef) {
            return self.ask(status, sent, Some(names)).await;
        }
        let mut all = Vec::new();
        for name in names.split(ID_SEPARATOR) {
            all.push(self.ask(status, sent, Some(name)).await?);
        }
        Ok(together(all))
    }

    fn answers_queries(&self) -> bool {
        self.settings.gateway.status.is_some()
    }

    async fn check(&self) -> Result<String, Reason> {
        let gateway = &self.settings.gateway;
        let values = self.values("", "", 0, "");
        if let Some(balance) = &gateway.balance {
            let (answer, _) = self.call(balance, &values).await.map_err(Failure::reason)?;
            let money = gateway.money(&balance.rules, &answer, &values)?;
            return Ok(format!("{} answers; balance {money}", gateway.name));
        }
        Ok(format!(
            "{} cannot be asked whether the account works: try vestnik send-test sms NUMBER",
            gateway.name
        ))
    }
}

/// What is said of the parts, said of the whole: the worst of what is final, and else that it is under
/// way.
fn together(parts: Vec<Delivery>) -> Delivery {
    let known = parts.iter().any(|part| *part != Delivery::NotFound);
    let mut under_way = false;
    for part in parts {
        match part {
            Delivery::Undelivered { .. } => return part,
            Delivery::Delivered => {}
            Delivery::UnderWay { .. } | Delivery::NotFound => under_way = true,
        }
    }
    match (known, under_way) {
        (false, _) => Delivery::NotFound,
        (true, true) => Delivery::UnderWay { provider_ref: None },
        (true, false) => Delivery::Delivered,
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
