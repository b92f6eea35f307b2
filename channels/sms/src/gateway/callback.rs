//! Receipts: those that a provider posts, and those that it keeps until they are fetched.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use form_urlencoded::parse;
use md5::{Digest, Md5};
use ring::{digest, hmac};
use serde::Deserialize;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use vestnik_contract::{Reason, outcome::ANSWER_KEPT};

use super::{
    Gateway,
    answer::{Answer, Format, Pointer, scalar},
    pattern::Values,
    request::Request,
    rule::unread_question,
};
use crate::receipt::Receipt;

/// How a provider posts receipts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Callback {
    /// Where the receipt stands.
    reads: Reads,
    /// The field whose numbered values (`data[0]`, `data[1]`…) are the receipts, each of several lines.
    lines: Option<String>,
    receipt: Records,
    /// How the provider proves that it wrote. Without it the secret stands in the address.
    pub(crate) signature: Option<Signature>,
    /// What it wants to hear.
    #[serde(default)]
    reply: String,
}

/// How a provider is asked for the receipts that it has kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Poll {
    /// Seconds between two questions.
    pub(crate) every: u64,
    pub(crate) request: Request,
    receipt: Records,
}

/// Where the receipts stand in a tree, and what in each of them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    /// The receipts; the whole tree if it is one.
    each: Option<Pointer>,
    /// Only those are receipts that have one of these values there.
    only: Option<Only>,
    /// The provider's name for the message.
    id: Option<Pointer>,
    /// The number of the attempt.
    own: Option<Pointer>,
    /// Codes of `statuses`; the first place that has a known one decides.
    status: Vec<Pointer>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Only {
    at: Pointer,
    is: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reads {
    Form,
    Json,
    Xml,
    Query,
}

/// A digest of what came and of a secret.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signature {
    hash: Hash,
    /// What is hashed: text with `{secret}`, `{login}`, `{password}`, `{url}`, `{fields}` (all fields by
    /// name, each name with its value), `{lines}` (the numbered values in their order) and `{/place}`.
    of: String,
    /// The field that has it.
    at: Option<Pointer>,
    /// Or the header.
    header: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hash {
    Md5,
    Sha1,
    Sha256,
    /// HMAC-SHA1 by the account's password, in base64.
    HmacSha1,
}

/// What came to the address for receipts.
pub struct Incoming<'a> {
    /// The address as the provider knows it, with its query.
    pub url: &'a str,
    /// The query.
    pub query: &'a str,
    /// The value of a header.
    pub header: &'a (dyn Fn(&str) -> Option<String> + Send + Sync),
    /// The body.
    pub body: &'a [u8],
    /// The last step of the address.
    pub secret: Option<&'a str>,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard {
    /// The receipts.
    pub receipts: Vec<Receipt>,
    /// What the provider wants to hear.
    pub reply: String,
}

/// Why something that came is no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The gateway posts none.
    #[error("this gateway posts no receipts")]
    None,
    /// It does not prove that the provider wrote it.
    #[error("the signature or the secret is not right")]
    Forged,
    /// It is not written as it should be.
    #[error("the receipt cannot be read")]
    Unreadable,
}

impl Gateway {
    /// Reads what came to the address for receipts. `secret` is the one that the school and the provider
    /// share for it; `values` know the account.
    ///
    /// # Errors
    /// [`Refused`], whereupon nothing of it may be believed.
    pub(crate) fn hear(
        &self,
        incoming: &Incoming<'_>,
        secret: Option<&str>,
        values: &Values,
    ) -> Result<Heard, Refused> {
        let callback = self.callback.as_ref().ok_or(Refused::None)?;
        if callback.signature.is_none() {
            let both = incoming
                .secret
                .zip(secret.filter(|secret| !secret.is_empty()));
            let right = both.is_some_and(|(given, secret)| same(given, secret));
            if !right {
                return Err(Refused::Forged);
            }
        }
        let tree = callback.tree(incoming).ok_or(Refused::Unreadable)?;
        let lines = callback.lines.as_deref().map(|name| numbered(&tree, name));
        if let Some(signature) = &callback.signature {
            let right = signature.right(&tree, lines.as_deref(), incoming, secret, values);
            if !right {
                return Err(Refused::Forged);
            }
        }
        let tree = match lines {
            Some(lines) => lines
                .iter()
                .map(|one| one.lines().map(Value::from).collect::<Value>())
                .collect(),
            None => tree,
        };
        Ok(Heard {
            receipts: callback.receipt.read(&tree, self, values),
            reply: callback.reply.clone(),
        })
    }

    /// The receipts that the provider had kept.
    ///
    /// # Errors
    /// The provider's complaint.
    pub(crate) fn fetched(
        &self,
        poll: &Poll,
        answer: &Answer,
        values: &Values,
    ) -> Result<Vec<Receipt>, Reason> {
        // The rules of a poll only know refusals: what none of them fits is the receipts.
        if let Some(complaint) = self.refused(&poll.request.rules, answer, values) {
            return Err(complaint);
        }
        match &answer.tree {
            Some(tree) if (200..300).contains(&answer.status) => {
                Ok(poll.receipt.read(tree, self, values))
            }
            _ => Err(unread_question(answer)),
        }
    }
}

impl Callback {
    fn tree(&self, incoming: &Incoming<'_>) -> Option<Value> {
        let fields = |bytes: &[u8]| {
            let pairs =
                parse(bytes).map(|(name, value)| (name.into_owned(), value.as_ref().into()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        match self.reads {
            Reads::Form => Some(fields(incoming.body)),
            Reads::Query => Some(fields(incoming.query.as_bytes())),
            Reads::Json => Answer::read(Format::Json, 200, incoming.body).tree,
            Reads::Xml => Answer::read(Format::Xml, 200, incoming.body).tree,
        }
    }

    /// Codes that the descriptor cannot look up, and what else a reader of it should hear of.
    pub(super) fn fault(&self) -> Option<String> {
        match &self.signature {
            Some(signature) if signature.at.is_some() == signature.header.is_some() => {
                Some("signature: name either `at` or `header`".to_owned())
            }
            _ => self.receipt.fault(),
        }
    }
}

impl Poll {
    pub(super) fn fault(&self) -> Option<String> {
        self.receipt.fault()
    }
}

impl Records {
    fn fault(&self) -> Option<String> {
        (self.id.is_none() && self.own.is_none())
            .then(|| "name `id` or `own`, by which the message is found".to_owned())
    }

    fn read(&self, tree: &Value, gateway: &Gateway, values: &Values) -> Vec<Receipt> {
        let records = match &self.each {
            Some(each) => each.find(tree, values),
            None => vec![tree],
        };
        let first = |place: Option<&Pointer>, record: &Value| {
            place.and_then(|place| place.scalars(record, values).into_iter().next())
        };
        let wanted = |record: &&Value| {
            self.only.as_ref().is_none_or(|only| {
                let kind = only.at.scalars(record, values);
                kind.iter().any(|kind| only.is.contains(kind))
            })
        };
        records
            .into_iter()
            .filter(wanted)
            .map(|record| Receipt {
                provider_ref: first(self.id.as_ref(), record),
                client_ref: first(self.own.as_ref(), record).and_then(|own| own.parse().ok()),
                delivery: self
                    .status
                    .iter()
                    .find_map(|place| gateway.strongest(&place.scalars(record, values))),
                raw: record.to_string().chars().take(ANSWER_KEPT).collect(),
            })
            .filter(|receipt| receipt.provider_ref.is_some() || receipt.client_ref.is_some())
            .collect()
    }
}

impl Signature {
    fn right(
        &self,
        tree: &Value,
        lines: Option<&[String]>,
        incoming: &Incoming<'_>,
        secret: Option<&str>,
        values: &Values,
    ) -> bool {
        let given = match (&self.at, &self.header) {
            (Some(at), _) => at.scalars(tree, values).into_iter().next(),
            (None, Some(header)) => (incoming.header)(header),
            (None, None) => None,
        };
        let signed = self.signed(tree, lines, incoming, secret, values);
        let (Some(given), Some(signed)) = (given, signed) else {
            return false;
        };
        let (right, given) = match self.hash {
            Hash::Md5 => (hex(&Md5::digest(signed)), given.to_lowercase()),
            Hash::Sha1 => (
                of(&digest::SHA1_FOR_LEGACY_USE_ONLY, &signed),
                given.to_lowercase(),
            ),
            Hash::Sha256 => (of(&digest::SHA256, &signed), given.to_lowercase()),
            Hash::HmacSha1 => {
                let key = hmac::Key::new(
                    hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                    values.password.as_bytes(),
                );
                (STANDARD.encode(hmac::sign(&key, signed.as_bytes())), given)
            }
        };
        same(&given, &right)
    }

    /// The text that is hashed; none where a place of it is empty, so that an account without a secret
    /// believes nobody.
    fn signed(
        &self,
        tree: &Value,
        lines: Option<&[String]>,
        incoming: &Incoming<'_>,
        secret: Option<&str>,
        values: &Values,
    ) -> Option<String> {
        let mut text = String::new();
        let mut rest = self.of.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}')?;
            text.push_str(before);
            text.push_str(&match name {
                "secret" => secret.filter(|secret| !secret.is_empty())?.to_owned(),
                "login" => values.login.clone(),
                "password" => values.password.clone(),
                "url" => incoming.url.to_owned(),
                "lines" => lines?.concat(),
                "fields" => fields(tree),
                place => {
                    let place = Pointer::try_from(place.to_owned()).ok()?;
                    place.scalars(tree, values).into_iter().next()?
                }
            });
            rest = behind;
        }
        text.push_str(rest);
        Some(text)
    }
}

/// All fields by name, each name with its value.
fn fields(tree: &Value) -> String {
    let mut fields: Vec<(&String, String)> = tree
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name, scalar(value).unwrap_or_default()))
        .collect();
    fields.sort();
    fields
        .into_iter()
        .flat_map(|(name, value)| [name.clone(), value])
        .collect()
}

/// The values of `name[0]`, `name[1]` and so on, by their numbers.
fn numbered(tree: &Value, name: &str) -> Vec<String> {
    let mut numbered: Vec<(u32, String)> = tree
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(field, value)| {
            let number = field
                .strip_prefix(name)?
                .strip_prefix('[')?
                .strip_suffix(']')?;
            Some((number.parse().ok()?, scalar(value)?))
        })
        .collect();
    numbered.sort();
    numbered.into_iter().map(|(_, value)| value).collect()
}

/// Whether two secrets are one, in a time that depends on their lengths alone.
fn same(given: &str, right: &str) -> bool {
    given.as_bytes().ct_eq(right.as_bytes()).into()
}

fn of(algorithm: &'static digest::Algorithm, text: &str) -> String {
    hex(digest::digest(algorithm, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or_default();
    let digits = bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    digits.collect()
}
