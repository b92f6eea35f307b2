//! A gateway's descriptor: how one provider is talked to, as data.
//!
//! A further provider is one more file in `gateways/`, or beside a school's configuration, not more code.
//! Each file carries recorded exchanges, which prove it: [`Gateway::prove`].

mod answer;
mod callback;
mod exchange;
mod pattern;
mod request;
mod rule;

use std::{fs, path::Path};

use serde::Deserialize;

use callback::{Callback, Poll};
pub use callback::{Heard, Incoming, Refused};
use exchange::Exchange;

use rule::{Errors, Statuses, Then};

pub(crate) use answer::Answer;
pub(crate) use pattern::{Slot, Values};
pub(crate) use request::{Method, Request};
pub(crate) use rule::ID_SEPARATOR;

const EMBEDDED: &[(&str, &str)] = &[
    ("beeline", include_str!("../gateways/beeline.toml")),
    ("devino", include_str!("../gateways/devino.toml")),
    ("exolve", include_str!("../gateways/exolve.toml")),
    ("kannel", include_str!("../gateways/kannel.toml")),
    ("marketolog", include_str!("../gateways/marketolog.toml")),
    ("megafon", include_str!("../gateways/megafon.toml")),
    ("prostor", include_str!("../gateways/prostor.toml")),
    ("smsaero", include_str!("../gateways/smsaero.toml")),
    ("smsc", include_str!("../gateways/smsc.toml")),
    ("smsru", include_str!("../gateways/smsru.toml")),
    ("twilio", include_str!("../gateways/twilio.toml")),
];

/// One provider's HTTP interface.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// The name in the configuration, and the family of its error codes.
    pub name: String,
    /// Where it answers, unless the configuration says otherwise.
    pub base_url: String,
    /// How it wants phone numbers.
    phone: PhoneForm,
    /// The operators who take a text that is not registered with them for advertising.
    #[serde(default)]
    pub operators: Vec<String>,
    /// How a message is handed over.
    pub(crate) send: Request,
    /// How it is asked about a message, if it can be.
    pub(crate) status: Option<Request>,
    /// How the account is looked at, if it can be.
    pub(crate) balance: Option<Request>,
    /// How it posts receipts, if it does.
    pub(crate) callback: Option<Callback>,
    /// How it is asked for receipts, if it keeps them.
    pub(crate) poll: Option<Poll>,
    #[serde(default)]
    errors: Errors,
    #[serde(default)]
    statuses: Statuses,
    #[serde(default)]
    exchanges: Vec<Exchange>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PhoneForm {
    /// 79123456789
    Digits,
    /// +79123456789
    E164,
}

/// Why a descriptor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No file of this name.
    #[error("channels.sms.gateway: «{0}» is not known; known are {known}, or name a file such as our-gateway.toml", known = Gateway::names().join(", "))]
    Unknown(String),
    /// The file cannot be read.
    #[error("channels.sms.gateway: {0} cannot be read: {1}")]
    Unreadable(String, std::io::Error),
    /// It does not parse.
    #[error("gateway descriptor: {0}")]
    Parse(#[from] toml::de::Error),
    /// It parses and makes no sense.
    #[error("gateway descriptor {name}: [{table}] {problem}")]
    Wrong {
        /// The gateway.
        name: String,
        /// The table.
        table: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Its own exchanges contradict it.
    #[error("gateway descriptor {name}: {}", .differences.join("\n  "))]
    Unproved {
        /// The gateway.
        name: String,
        /// Each with exchange and field.
        differences: Vec<String>,
    },
}

impl Gateway {
    /// The names of the gateways that come with the program.
    pub fn names() -> Vec<&'static str> {
        EMBEDDED.iter().map(|(name, _)| *name).collect()
    }

    /// The gateway of this name, or the one in the file of this name in `beside`, with its exchanges
    /// proved.
    ///
    /// # Errors
    /// [`GatewayError`] with what is wrong, where, and what would be right.
    pub fn find(name: &str, beside: &Path) -> Result<Self, GatewayError> {
        let of_file = Path::new(name)
            .extension()
            .is_some_and(|kind| kind == "toml");
        let gateway = if of_file {
            let path = beside.join(name);
            let source = fs::read_to_string(&path)
                .map_err(|error| GatewayError::Unreadable(path.display().to_string(), error))?;
            Self::parse(&source)?
        } else {
            Self::by_name(name)?
        };
        gateway.prove()?;
        Ok(gateway)
    }

    /// The gateway of this name that comes with the program.
    ///
    /// # Errors
    /// [`GatewayError::Unknown`] with the known names.
    pub fn by_name(name: &str) -> Result<Self, GatewayError> {
        match EMBEDDED.iter().find(|(known, _)| *known == name) {
            Some((_, source)) => Self::parse(source),
            None => Err(GatewayError::Unknown(name.to_owned())),
        }
    }

    /// Reads a descriptor.
    ///
    /// # Errors
    /// [`GatewayError`] with table and key.
    pub fn parse(source: &str) -> Result<Self, GatewayError> {
        let gateway: Self = toml::from_str(source)?;
        match gateway.fault() {
            Some((table, problem)) => Err(GatewayError::Wrong {
                name: gateway.name,
                table,
                problem,
            }),
            None => Ok(gateway),
        }
    }

    /// Plays the recorded exchanges through, without a network; says how many there are.
    ///
    /// # Errors
    /// [`GatewayError::Unproved`] with each exchange and field that differs, or with what no exchange
    /// proves.
    pub fn prove(&self) -> Result<usize, GatewayError> {
        let differences = exchange::differences(self, &self.exchanges);
        if differences.is_empty() {
            return Ok(self.exchanges.len());
        }
        Err(GatewayError::Unproved {
            name: self.name.clone(),
            differences,
        })
    }

    /// Whether it posts receipts.
    pub fn takes_callbacks(&self) -> bool {
        self.callback.is_some()
    }

    /// Whether it is told with each message where receipts go.
    pub fn wants_callback_url(&self) -> bool {
        self.send.has(Slot::CallbackUrl)
    }

    /// Whether a login has to be configured; some accounts are known by their key alone.
    pub fn wants_login(&self) -> bool {
        self.send.has(Slot::Login) || self.send.has(Slot::Basic)
    }

    /// A number as this provider wants it.
    pub(crate) fn phone(&self, e164: &str) -> String {
        match self.phone {
            PhoneForm::Digits => e164.trim_start_matches('+').to_owned(),
            PhoneForm::E164 => e164.to_owned(),
        }
    }

    /// What parses and makes no sense: the table and the problem.
    fn fault(&self) -> Option<(String, String)> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(plain) {
            let problem = "name: small Latin letters, digits and underscores only";
            return Some(("gateway".to_owned(), problem.to_owned()));
        }
        let requests = [
            ("send", Some(&self.send), Then::Accepted),
            ("status", self.status.as_ref(), Then::Status),
            ("balance", self.balance.as_ref(), Then::Balance),
            (
                "poll.request",
                self.poll.as_ref().map(|poll| &poll.request),
                Then::Error,
            ),
        ];
        for (table, request, then) in requests {
            for (at, rule) in request
                .into_iter()
                .flat_map(|one| one.rules.iter().enumerate())
            {
                let strange = rule.then != then && rule.then != Then::Error;
                let problem = rule
                    .fault()
                    .or(strange.then(|| format!("then: {:?} means nothing here", rule.then)));
                if let Some(problem) = problem {
                    return Some((table.to_owned(), format!("rule {}: {problem}", at + 1)));
                }
            }
        }
        let silent = self.statuses.iter().find(|(_, line)| line.silent());
        if let Some((code, _)) = silent {
            let problem = "an undelivered message needs its text and its remedy".to_owned();
            return Some((format!("statuses.{code}"), problem));
        }
        let receipts = [
            ("callback", self.callback.as_ref().and_then(Callback::fault)),
            ("poll", self.poll.as_ref().and_then(Poll::fault)),
        ];
        receipts
            .into_iter()
            .find_map(|(table, problem)| Some((table.to_owned(), problem?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_that_comes_along_is_proved_by_its_exchanges_under_its_own_name() {
        for name in Gateway::names() {
            let gateway = Gateway::by_name(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(gateway.name, name);
            let proved = gateway.prove().unwrap_or_else(|error| panic!("{error}"));
            assert!(proved >= 4, "{name} is proved by {proved} exchanges only");
        }
    }

    #[test]
    fn a_slip_in_a_descriptor_is_named() {
        let error = Gateway::by_name("smcs").expect_err("a slip").to_string();
        assert!(error.contains("known are beeline"), "{error}");
        let source = EMBEDDED
            .iter()
            .find(|(name, _)| *name == "smsc")
            .expect("smsc")
            .1;
        for (right, wrong, named) in [
            ("{phone}", "{fone}", "{fone}"),
            ("path =", "pth =", "pth"),
            (
                "then = \"balance\"",
                "then = \"status\"",
                "[balance] rule 2",
            ),
            ("remedy = \"Номер", "remody = \"Номер", "remody"),
        ] {
            assert!(source.contains(right), "{right}");
            let error = Gateway::parse(&source.replace(right, wrong))
                .expect_err(wrong)
                .to_string();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }

    #[test]
    fn an_exchange_that_differs_is_named_with_its_field() {
        let source = EMBEDDED
            .iter()
            .find(|(name, _)| *name == "smsc")
            .expect("smsc")
            .1;
        for (right, wrong, named) in [
            (
                "mes = \"{text}\"",
                "text = \"{text}\"",
                "«принято»: request, mes",
            ),
            ("id = \"/id\"", "id = \"/cnt\"", "«принято»: id"),
            (
                "3 = { class = \"account\"",
                "3 = { class = \"rejected\"",
                "«нет денег»: outcome",
            ),
            (
                "{/id}:{/phone}",
                "{/phone}:{/id}",
                "«отчёт о доставке»: outcome",
            ),
        ] {
            assert!(source.contains(right), "{right}");
            let gateway = Gateway::parse(&source.replacen(right, wrong, 1)).expect(wrong);
            let error = gateway.prove().expect_err(wrong).to_string();
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_code_that_nobody_documented_is_no_success_and_is_kept() {
        for name in Gateway::names() {
            let gateway = Gateway::by_name(name).expect(name);
            let values = Values {
                phone: "79000000011".into(),
                ..Values::default()
            };
            let answer = Answer::read(
                answer::Format::Json,
                200,
                br#"{"surprise": [1, {"id": 7}]}"#,
            );
            let outcome = gateway.outcome(&answer, None, &values);
            let vestnik_contract::Outcome::InDoubt { reason } = outcome else {
                panic!("{name}: {outcome:?}");
            };
            assert_eq!(
                reason.answer.as_deref(),
                Some(r#"{"surprise": [1, {"id": 7}]}"#)
            );
        }
    }
}
