//! What an answer means: ordered rules, the first that fits decides, and the tables of codes that they
//! look into.

use std::{collections::BTreeMap, time::Duration};

use regex::Regex;
use serde::Deserialize;
use serde_json::Value;
use vestnik_contract::{
    Delivery, Fault, Outcome, Reason, Scope, classify, classify::ACCOUNT_PAUSE,
};

use super::{
    Gateway,
    answer::{Answer, Pointer},
    pattern::Values,
};

/// A rule fits where all that it names fits.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// HTTP statuses: `200`, or `4xx` for a hundred of them.
    #[serde(default)]
    http: Vec<String>,
    /// Where a number or text has to stand.
    at: Option<Pointer>,
    /// Where an empty list, an empty table or null has to stand.
    empty: Option<Pointer>,
    /// What it has to be, if not anything.
    #[serde(default)]
    is: Vec<String>,
    /// What it has to look like. Its first group, if it has one, is what counts from then on.
    like: Option<Look>,
    /// What follows.
    pub(super) then: Then,
    /// The code to look up, in place of what stands there.
    code: Option<String>,
    /// Where the provider's name for the message stands; several are kept together.
    id: Option<Pointer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Then {
    /// The message was taken.
    Accepted,
    /// The code stands in `errors`.
    Error,
    /// The code stands in `statuses`.
    Status,
    /// It is how much money is left.
    Balance,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
struct Look(Regex);

impl TryFrom<String> for Look {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Regex::new(&text)
            .map(Self)
            .map_err(|error| error.to_string())
    }
}

/// A rule that fitted.
pub(super) struct Match {
    pub(super) then: Then,
    /// What stands there, or the rule's own code.
    pub(super) found: Vec<String>,
    /// The provider's names for the message.
    pub(super) ids: Option<Vec<String>>,
}

impl Rule {
    /// What it makes of an answer; nothing where it does not fit.
    pub(super) fn read(&self, answer: &Answer, values: &Values) -> Option<Match> {
        if !self.http.is_empty() && !self.http.iter().any(|class| covers(class, answer.status)) {
            return None;
        }
        if let Some(empty) = &self.empty {
            let nothing = |value: &&Value| match value {
                Value::Null => true,
                Value::Array(list) => list.is_empty(),
                Value::Object(table) => table.is_empty(),
                _ => false,
            };
            let places = empty.find(answer.tree.as_ref()?, values);
            if places.is_empty() || !places.iter().all(nothing) {
                return None;
            }
        }
        let mut found = Vec::new();
        if let Some(at) = &self.at {
            for text in at.scalars(answer.tree.as_ref()?, values) {
                if !self.is.is_empty() && !self.is.contains(&text) {
                    continue;
                }
                match &self.like {
                    None => found.push(text),
                    Some(Look(look)) => {
                        let Some(groups) = look.captures(&text) else {
                            continue;
                        };
                        found.push(
                            groups
                                .get(1)
                                .map_or(text.clone(), |group| group.as_str().into()),
                        );
                    }
                }
            }
            if found.is_empty() {
                return None;
            }
        }
        if let Some(code) = &self.code {
            found = vec![code.clone()];
        }
        let ids = match &self.id {
            None => None,
            Some(id) => {
                let ids = id.scalars(answer.tree.as_ref()?, values);
                // A success without the name that comes with it is not the documented one.
                let named = !ids.is_empty() && ids.iter().all(|id| !id.is_empty());
                Some(named.then_some(ids)?)
            }
        };
        Some(Match {
            then: self.then,
            found,
            ids,
        })
    }

    /// Whether it can match an HTTP status class that does not exist.
    pub(super) fn fault(&self) -> Option<String> {
        let wrong = self.http.iter().find(|class| {
            let class = class.as_bytes();
            let hundred = class.ends_with(b"xx");
            class.len() != 3 || !(hundred || class.iter().all(u8::is_ascii_digit))
        });
        if let Some(class) = wrong {
            return Some(format!("http: «{class}» is no status: write 404 or 4xx"));
        }
        if self.http.is_empty() && self.at.is_none() && self.empty.is_none() {
            return Some("a rule names `http`, `at` or `empty`".to_owned());
        }
        let needs = matches!(self.then, Then::Error | Then::Status | Then::Balance);
        (needs && self.at.is_none() && self.code.is_none())
            .then(|| "without `at` it needs a `code`".to_owned())
    }
}

fn covers(class: &str, status: u16) -> bool {
    match class.strip_suffix("xx") {
        Some(hundred) => hundred.parse() == Ok(status / 100),
        None => class.parse() == Ok(status),
    }
}

/// One line of `errors`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ErrorLine {
    class: ErrorClass,
    fault: FaultName,
    /// The diagnosis in English.
    text: String,
    /// What the administrator does about it, in Russian.
    remedy: String,
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

/// One line of `statuses`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatusLine {
    outcome: StatusOutcome,
    fault: Option<FaultName>,
    #[serde(default)]
    text: String,
    remedy: Option<String>,
}

/// From the word that says least to the one that says most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StatusOutcome {
    NotFound,
    UnderWay,
    Undelivered,
    Delivered,
}

impl StatusLine {
    /// Whether an administrator who reads it would learn nothing.
    pub(super) fn silent(&self) -> bool {
        self.outcome == StatusOutcome::Undelivered
            && (self.text.is_empty() || self.remedy.is_none())
    }
}

/// The tables of codes.
pub(super) type Errors = BTreeMap<String, ErrorLine>;
pub(super) type Statuses = BTreeMap<String, StatusLine>;

impl Gateway {
    /// What the answer to a message that was being handed over means.
    pub(crate) fn outcome(
        &self,
        answer: &Answer,
        retry_after: Option<Duration>,
        values: &Values,
    ) -> Outcome {
        match read(&self.send.rules, answer, values) {
            Some(Match {
                then: Then::Accepted,
                ids,
                ..
            }) => Outcome::Accepted {
                provider_ref: ids.map(|ids| ids.join(ID_SEPARATOR)),
            },
            Some(Match { found, .. }) => {
                let code = found.first().map_or("", String::as_str);
                self.refusal(code, answer, retry_after)
            }
            None => unread(answer, retry_after),
        }
    }

    /// What an answer about one name of a message says.
    ///
    /// # Errors
    /// The provider's complaint, or that it was not understood.
    pub(crate) fn delivery(
        &self,
        rules: &[Rule],
        answer: &Answer,
        values: &Values,
    ) -> Result<Delivery, Reason> {
        match read(rules, answer, values) {
            Some(Match {
                then: Then::Status,
                found,
                ..
            }) => self
                .strongest(&found)
                .ok_or_else(|| self.unknown(found.first().map_or("", String::as_str), answer)),
            Some(Match { found, .. }) => {
                Err(self.complaint(found.first().map_or("", String::as_str), answer))
            }
            None => Err(unread_question(answer)),
        }
    }

    /// How much money is left.
    ///
    /// # Errors
    /// The provider's complaint, or that it was not understood.
    pub(crate) fn money(
        &self,
        rules: &[Rule],
        answer: &Answer,
        values: &Values,
    ) -> Result<String, Reason> {
        match read(rules, answer, values) {
            Some(Match {
                then: Then::Balance,
                found,
                ..
            }) => Ok(found.join(" ")),
            Some(Match { found, .. }) => {
                Err(self.complaint(found.first().map_or("", String::as_str), answer))
            }
            None => Err(unread_question(answer)),
        }
    }

    /// The complaint of an answer that is one.
    pub(super) fn refused(
        &self,
        rules: &[Rule],
        answer: &Answer,
        values: &Values,
    ) -> Option<Reason> {
        let found = read(rules, answer, values)?.found;
        Some(self.complaint(found.first().map_or("", String::as_str), answer))
    }

    /// The word that says most: a message that arrived has been on its way before.
    pub(super) fn strongest(&self, codes: &[String]) -> Option<Delivery> {
        let lines = codes
            .iter()
            .filter_map(|code| Some((code, self.statuses.get(code)?)));
        let (code, line) = lines.max_by_key(|(_, line)| line.outcome)?;
        Some(match line.outcome {
            StatusOutcome::NotFound => Delivery::NotFound,
            StatusOutcome::UnderWay => Delivery::UnderWay { provider_ref: None },
            StatusOutcome::Delivered => Delivery::Delivered,
            StatusOutcome::Undelivered => Delivery::Undelivered {
                reason: Reason::new(
                    self.code(&format!("status_{code}")),
                    line.text.clone(),
                    line.fault.map_or(Fault::Provider, Fault::from),
                )
                .with_remedy(line.remedy.clone()),
            },
        })
    }

    /// What a code of `errors` means for a message that was being handed over. A code that the table does
    /// not know may hide a success.
    fn refusal(&self, code: &str, answer: &Answer, retry_after: Option<Duration>) -> Outcome {
        let Some(line) = self.errors.get(code) else {
            return Outcome::InDoubt {
                reason: self.unknown(code, answer),
            };
        };
        let reason = self.complaint(code, answer);
        let pause = retry_after.or(line.pause.map(Duration::from_secs));
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

    /// What a code of `errors` means where a question was asked.
    fn complaint(&self, code: &str, answer: &Answer) -> Reason {
        match self.errors.get(code) {
            Some(line) => Reason::new(self.code(code), line.text.clone(), line.fault.into())
                .with_remedy(Some(line.remedy.clone())),
            None => self.unknown(code, answer),
        }
    }

    /// A code or an answer that the descriptor does not know: what came is kept, so that somebody can look
    /// it up.
    fn unknown(&self, code: &str, answer: &Answer) -> Reason {
        Reason::new(
            self.code(if code.is_empty() { "unknown" } else { code }),
            "The gateway answered with a code that its descriptor does not name.",
            Fault::Provider,
        )
        .with_remedy(Some(UNKNOWN.to_owned()))
        .with_answer(&answer.raw)
    }

    /// A code under the gateway's name. It is the provider's: only what looks like one is repeated.
    fn code(&self, code: &str) -> String {
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        };
        let code: String = code.chars().take(24).map(plain).collect();
        format!("{}_{code}", self.name)
    }
}

/// What the administrator does about an answer that nobody understood.
const UNKNOWN: &str = "Шлюз ответил не так, как описано: сам ответ хранится в базе (vestnik explain НОМЕР). \
    Пришлите его разработчикам или дополните описание шлюза.";

/// Between the names of one message, where a provider names each of its parts.
pub(crate) const ID_SEPARATOR: &str = ",";

/// The first rule that fits.
fn read(rules: &[Rule], answer: &Answer, values: &Values) -> Option<Match> {
    rules.iter().find_map(|rule| rule.read(answer, values))
}

/// An answer that no rule fits: what its HTTP status says, with the words that were not understood.
fn unread(answer: &Answer, retry_after: Option<Duration>) -> Outcome {
    let outcome = classify::http(answer.status, retry_after);
    if answer.raw.trim().is_empty() {
        return outcome;
    }
    outcome.with_answer(&answer.raw)
}

/// As [`unread`], where a question was asked.
pub(super) fn unread_question(answer: &Answer) -> Reason {
    unread(answer, None).reason().cloned().unwrap_or_else(|| {
        Reason::new(
            "http",
            "The gateway's answer was not understood.",
            Fault::Provider,
        )
    })
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
