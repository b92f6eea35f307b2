//! A gateway's descriptor: how one provider is talked to, as data.
//!
//! A further provider is one more file in `gateways/`, not more code.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;
use vestnik_contract::{Delivery, Fault, Outcome, Reason, Scope, classify::ACCOUNT_PAUSE};

const EMBEDDED: &[(&str, &str)] = &[("smsc", include_str!("../gateways/smsc.toml"))];

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
    /// How a message is handed over.
    pub(crate) send: Request,
    /// How it is asked about a message, if it can be.
    pub(crate) status: Option<Request>,
    /// How the account is looked at.
    pub(crate) balance: Request,
    errors: BTreeMap<String, ErrorLine>,
    #[serde(default)]
    statuses: BTreeMap<String, StatusLine>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PhoneForm {
    /// 79123456789
    Digits,
    /// +79123456789
    E164,
}

/// A request by POST, and where its answer holds what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// JSON pointer (RFC 6901) to what was asked for: the message's name, its status, the balance.
    pub(crate) answer_at: String,
    /// JSON pointer to the error code.
    pub(crate) error_at: String,
    pub(crate) fields: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorLine {
    class: ErrorClass,
    fault: FaultName,
    text: String,
    /// Seconds.
    pause: Option<u64>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ErrorClass {
    Rejected,
    Deferred,
    Account,
    InDoubt,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FaultName {
    Address,
    Message,
    Account,
    Provider,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusLine {
    outcome: StatusOutcome,
    fault: Option<FaultName>,
    #[serde(default)]
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusOutcome {
    NotFound,
    UnderWay,
    Delivered,
    Undelivered,
}

/// Why a descriptor cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// No file of this name.
    #[error("channels.sms.gateway: «{0}» is not known; known are {known}", known = Gateway::names().join(", "))]
    Unknown(String),
    /// It does not parse.
    #[error("gateway descriptor: {0}")]
    Parse(#[from] toml::de::Error),
    /// A placeholder that is never filled.
    #[error("gateway descriptor: [{table}] {field} uses an unknown placeholder; known are {known}", known = PLACEHOLDERS.join(" "))]
    Placeholder {
        /// The table.
        table: &'static str,
        /// The field.
        field: String,
    },
}

const PLACEHOLDERS: [&str; 6] = [
    "{login}",
    "{password}",
    "{phone}",
    "{text}",
    "{sender}",
    "{client_ref}",
];

impl Gateway {
    /// The names of the gateways that come with the program.
    pub fn names() -> Vec<&'static str> {
        EMBEDDED.iter().map(|(name, _)| *name).collect()
    }

    /// The gateway of this name.
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
        let tables = [
            ("send.fields", Some(&gateway.send.fields)),
            (
                "status.fields",
                gateway.status.as_ref().map(|status| &status.fields),
            ),
            ("balance.fields", Some(&gateway.balance.fields)),
        ];
        for (table, fields) in tables {
            for (field, value) in fields.into_iter().flatten() {
                let rest = PLACEHOLDERS
                    .iter()
                    .fold(value.clone(), |rest, known| rest.replace(known, ""));
                if rest.contains(['{', '}']) {
                    let field = field.clone();
                    return Err(GatewayError::Placeholder { table, field });
                }
            }
        }
        Ok(gateway)
    }

    /// A number as this provider wants it.
    pub(crate) fn phone(&self, e164: &str) -> String {
        match self.phone {
            PhoneForm::Digits => e164.trim_start_matches('+').to_owned(),
            PhoneForm::E164 => e164.to_owned(),
        }
    }

    /// What an error code means for a message that was being handed over. A code that the table does
    /// not know may hide a success.
    pub(crate) fn error(&self, code: &str) -> Outcome {
        let Some(line) = self.errors.get(code) else {
            return Outcome::InDoubt {
                reason: self.unknown(code),
            };
        };
        let reason = Reason::new(
            format!("{}_{code}", self.name),
            line.text.clone(),
            line.fault.into(),
        );
        let pause = line.pause.map(Duration::from_secs);
        match line.class {
            ErrorClass::Rejected => Outcome::Rejected { reason },
            ErrorClass::InDoubt => Outcome::InDoubt { reason },
            ErrorClass::Deferred => Outcome::Deferred {
                reason,
                retry_after: pause,
                scope: Scope::Message,
            },
            ErrorClass::Account => Outcome::Deferred {
                reason,
                retry_after: Some(pause.unwrap_or(ACCOUNT_PAUSE)),
                scope: Scope::Lane,
            },
        }
    }

    /// What an error code means where a question was asked.
    pub(crate) fn complaint(&self, code: &str) -> Reason {
        match self.errors.get(code) {
            Some(line) => Reason::new(
                format!("{}_{code}", self.name),
                line.text.clone(),
                line.fault.into(),
            ),
            None => self.unknown(code),
        }
    }

    /// What a status means.
    pub(crate) fn delivery(&self, status: &str) -> Result<Delivery, Reason> {
        let Some(line) = self.statuses.get(status) else {
            return Err(self.unknown(status));
        };
        Ok(match line.outcome {
            StatusOutcome::NotFound => Delivery::NotFound,
            StatusOutcome::UnderWay => Delivery::UnderWay { provider_ref: None },
            StatusOutcome::Delivered => Delivery::Delivered,
            StatusOutcome::Undelivered => Delivery::Undelivered {
                reason: Reason::new(
                    format!("{}_status_{status}", self.name),
                    line.text.clone(),
                    line.fault.map_or(Fault::Provider, Fault::from),
                ),
            },
        })
    }

    fn unknown(&self, code: &str) -> Reason {
        // The code is the provider's: only what looks like one is repeated.
        let code: String = code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(12)
            .collect();
        Reason::new(
            format!("{}_{code}", self.name),
            "The gateway answered with a code that its documents do not name.",
            Fault::Provider,
        )
    }
}

impl From<FaultName> for Fault {
    fn from(name: FaultName) -> Self {
        match name {
            FaultName::Address => Self::Address,
            FaultName::Message => Self::Message,
            FaultName::Account => Self::Account,
            FaultName::Provider => Self::Provider,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_descriptor_that_comes_along_parses_under_its_own_name() {
        for name in Gateway::names() {
            let gateway = Gateway::by_name(name).expect(name);
            assert_eq!(gateway.name, name);
        }
    }

    #[test]
    fn a_slip_in_a_descriptor_is_named() {
        let error = Gateway::by_name("smcs").expect_err("a slip").to_string();
        assert!(error.contains("known are smsc"), "{error}");
        let source = EMBEDDED[0].1;
        let error = Gateway::parse(&source.replace("{phone}", "{fone}"))
            .expect_err("a slip")
            .to_string();
        assert!(error.contains("[send.fields] phones"), "{error}");
        let error = Gateway::parse(&source.replace("answer_at", "answr_at"))
            .expect_err("a slip")
            .to_string();
        assert!(error.contains("answr_at"), "{error}");
    }

    #[test]
    fn a_code_that_nobody_documented_is_no_success() {
        let gateway = Gateway::by_name("smsc").expect("smsc");
        assert!(matches!(gateway.error("77"), Outcome::InDoubt { .. }));
        assert!(gateway.delivery("99").is_err());
    }
}
