//! Recorded exchanges: what went over the wire once, and what it has to mean. They are a descriptor's
//! tests, and run without a network.

use std::collections::BTreeMap;

use form_urlencoded::parse;
use serde::Deserialize;
use serde_json::Value;
use vestnik_contract::{Delivery, Outcome, Reason, Scope};

use super::{
    Gateway,
    answer::Answer,
    callback::Incoming,
    pattern::Values,
    request::{Prepared, Request},
};
use crate::receipt::Receipt;

/// One exchange.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    name: String,
    of: Of,
    /// The request as it was sent, or as it came: first line, headers, an empty line, the body.
    request: Option<String>,
    /// The provider's name for the message that is asked about.
    id: Option<String>,
    /// The HTTP status of the answer.
    #[serde(default = "ok")]
    http: u16,
    /// The answer's body.
    answer: Option<String>,
    /// What it has to mean, by name.
    expect: BTreeMap<String, String>,
}

fn ok() -> u16 {
    200
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Of {
    Send,
    Status,
    Balance,
    Callback,
    Poll,
}

/// The account and the message of every recording.
pub(super) fn sample(gateway: &Gateway, id: Option<String>) -> Values {
    Values {
        login: "LOGIN".into(),
        password: "PASSWORD".into(),
        sender: Some("SCHOOL0".into()),
        callback_url: Some(url(gateway)),
        phone: gateway.phone("+79000000011"),
        text: "Пример".into(),
        client_ref: 1001,
        reference: "0123456789ABCDEF".into(),
        provider_ref: id,
    }
}

const SECRET: &str = "SECRET";

/// The address for receipts; a provider that signs needs no secret in it.
fn url(gateway: &Gateway) -> String {
    let signs = gateway
        .callback
        .as_ref()
        .is_some_and(|one| one.signature.is_some());
    let bare = "https://school.example/callback/sms";
    if signs {
        bare.into()
    } else {
        format!("{bare}/{SECRET}")
    }
}

/// Everything in which a descriptor and its recordings differ.
pub(super) fn differences(gateway: &Gateway, exchanges: &[Exchange]) -> Vec<String> {
    let mut differences: Vec<String> = [
        (Of::Send, true, "send"),
        (Of::Status, gateway.status.is_some(), "status"),
        (Of::Balance, gateway.balance.is_some(), "balance"),
        (Of::Callback, gateway.callback.is_some(), "callback"),
        (Of::Poll, gateway.poll.is_some(), "poll"),
    ]
    .into_iter()
    .filter(|(of, there, _)| *there && !exchanges.iter().any(|one| one.of == *of))
    .map(|(_, _, table)| format!("no exchange proves [{table}]: record one"))
    .collect();
    let mut sent = exchanges.iter().filter(|one| one.of == Of::Send);
    if !sent.any(|one| {
        one.expect
            .get("outcome")
            .is_some_and(|word| word != "accepted")
    }) {
        differences.push("no exchange shows a refusal: record one of [send]".into());
    }
    for exchange in exchanges {
        let found = exchange.play(gateway);
        differences.extend(
            found
                .into_iter()
                .map(|one| format!("exchange «{}»: {one}", exchange.name)),
        );
    }
    differences
}

impl Exchange {
    fn play(&self, gateway: &Gateway) -> Vec<String> {
        let values = sample(gateway, self.id.clone());
        let request = match self.of {
            Of::Callback => return self.hear(gateway, &values),
            Of::Send => Some(&gateway.send),
            Of::Status => gateway.status.as_ref(),
            Of::Balance => gateway.balance.as_ref(),
            Of::Poll => gateway.poll.as_ref().map(|poll| &poll.request),
        };
        let Some(request) = request else {
            return vec!["of: the descriptor has no such table".into()];
        };
        let mut found = match &self.request {
            Some(recorded) => compare(recorded, &request.prepare(&values)),
            None => Vec::new(),
        };
        if let Some(body) = &self.answer {
            let answer = Answer::read(request.answer, self.http, body.trim_end().as_bytes());
            found.extend(self.unmet(&self.meaning(gateway, request, &answer, &values)));
        } else if self.http != 200 {
            let answer = Answer::read(request.answer, self.http, b"");
            found.extend(self.unmet(&self.meaning(gateway, request, &answer, &values)));
        }
        found
    }

    fn meaning(
        &self,
        gateway: &Gateway,
        request: &Request,
        answer: &Answer,
        values: &Values,
    ) -> BTreeMap<&'static str, String> {
        match self.of {
            Of::Send => of_outcome(&gateway.outcome(answer, None, values)),
            Of::Status => of_delivery(&gateway.delivery(&request.rules, answer, values)),
            Of::Balance => match gateway.money(&request.rules, answer, values) {
                Ok(money) => BTreeMap::from([("outcome", "balance".into()), ("balance", money)]),
                Err(reason) => of_complaint(&reason),
            },
            Of::Poll => match gateway
                .poll
                .as_ref()
                .map(|poll| gateway.fetched(poll, answer, values))
            {
                Some(Ok(receipts)) => of_receipts(&receipts),
                Some(Err(reason)) => of_complaint(&reason),
                None => BTreeMap::new(),
            },
            Of::Callback => BTreeMap::new(),
        }
    }

    fn hear(&self, gateway: &Gateway, values: &Values) -> Vec<String> {
        let recorded = Recorded::read(self.request.as_deref().unwrap_or_default());
        let header = |name: &str| recorded.header(name).map(str::to_owned);
        let url = url(gateway);
        let incoming = Incoming {
            url: &url,
            query: recorded.query(),
            header: &header,
            body: recorded.body.as_bytes(),
            secret: Some(SECRET),
        };
        let heard = match gateway.hear(&incoming, Some(SECRET), values) {
            Ok(heard) => {
                let mut heard_as = of_receipts(&heard.receipts);
                heard_as.insert("reply", heard.reply);
                heard_as
            }
            Err(refused) => BTreeMap::from([("outcome", refused.to_string())]),
        };
        self.unmet(&heard)
    }

    /// What was expected and is not so.
    fn unmet(&self, is: &BTreeMap<&'static str, String>) -> Vec<String> {
        let mut unmet: Vec<String> = self
            .expect
            .iter()
            .filter_map(|(name, expected)| {
                let is = is.get(name.as_str());
                if is == Some(expected) {
                    return None;
                }
                let is = is.map_or("nothing", String::as_str);
                Some(format!(
                    "{name}: «{expected}» is expected, the descriptor gives «{is}»"
                ))
            })
            .collect();
        if !self.expect.contains_key("outcome") {
            unmet.push("expect: outcome is missing".into());
        }
        unmet
    }
}

fn of_outcome(outcome: &Outcome) -> BTreeMap<&'static str, String> {
    let word = match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Deferred {
            scope: Scope::Lane, ..
        } => "account",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Rejected { .. } => "rejected",
        Outcome::InDoubt { reason } if reason.answer.is_some() => "unknown",
        Outcome::InDoubt { .. } => "in_doubt",
    };
    let mut meaning = outcome.reason().map(of_complaint).unwrap_or_default();
    meaning.insert("outcome", word.into());
    if let Outcome::Accepted {
        provider_ref: Some(id),
    } = outcome
    {
        meaning.insert("id", id.clone());
    }
    if let Outcome::Deferred {
        retry_after: Some(pause),
        ..
    } = outcome
    {
        meaning.insert("pause", pause.as_secs().to_string());
    }
    meaning
}

fn of_delivery(delivery: &Result<Delivery, Reason>) -> BTreeMap<&'static str, String> {
    match delivery {
        Ok(Delivery::Undelivered { reason }) => {
            let mut meaning = of_complaint(reason);
            meaning.insert("outcome", word(delivery.as_ref().ok()).into());
            meaning
        }
        Ok(delivery) => BTreeMap::from([("outcome", word(Some(delivery)).into())]),
        Err(reason) => of_complaint(reason),
    }
}

fn of_complaint(reason: &Reason) -> BTreeMap<&'static str, String> {
    let word = if reason.answer.is_some() {
        "unknown"
    } else {
        "error"
    };
    BTreeMap::from([
        ("outcome", word.into()),
        ("code", reason.code.clone()),
        ("fault", reason.fault.code().into()),
    ])
}

/// «1001 delivered; 1002 undelivered», by the provider's name or else by the attempt's number.
fn of_receipts(receipts: &[Receipt]) -> BTreeMap<&'static str, String> {
    let words = receipts.iter().map(|receipt| {
        let own = receipt.client_ref.map(|own| own.to_string());
        let name = receipt.provider_ref.clone().or(own).unwrap_or_default();
        format!("{name} {}", word(receipt.delivery.as_ref()))
    });
    BTreeMap::from([
        ("outcome", "receipts".into()),
        ("receipts", words.collect::<Vec<_>>().join("; ")),
    ])
}

fn word(delivery: Option<&Delivery>) -> &'static str {
    match delivery {
        Some(Delivery::NotFound) => "not_found",
        Some(Delivery::UnderWay { .. }) => "under_way",
        Some(Delivery::Delivered) => "delivered",
        Some(Delivery::Undelivered { .. }) => "undelivered",
        None => "unknown",
    }
}

/// A request as it was recorded.
struct Recorded<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a str,
}

impl<'a> Recorded<'a> {
    fn read(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.trim().lines();
        let (method, target) = lines
            .next()
            .unwrap_or_default()
            .split_once(' ')
            .unwrap_or_default();
        let header = |line: &'a str| {
            let (name, value) = line.split_once(':')?;
            Some((name.trim(), value.trim()))
        };
        Self {
            method,
            target: target.trim(),
            headers: lines.filter_map(header).collect(),
            body: body.trim_end(),
        }
    }

    fn header(&self, name: &str) -> Option<&'a str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }

    fn query(&self) -> &'a str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }
}

/// Where a request as it was recorded and as it is built differ.
fn compare(recorded: &str, built: &Prepared) -> Vec<String> {
    let recorded = Recorded::read(recorded);
    let mut fields: Vec<(String, Option<String>, Option<String>)> = Vec::new();
    let mut put = |name: &str, left: Option<String>, right: Option<String>| {
        if left != right {
            fields.push((name.to_owned(), left, right));
        }
    };
    put(
        "method",
        Some(recorded.method.into()),
        Some(built.method.name().into()),
    );
    let path = |target: &str| Some(target.split('?').next().unwrap_or_default().to_owned());
    put("path", path(recorded.target), path(&built.target));
    let bare = |value: &str| value.split(';').next().unwrap_or_default().to_owned();
    for (name, value) in &recorded.headers {
        let mut there = built.headers.iter();
        let right = there.find(|(known, _)| known.eq_ignore_ascii_case(name));
        put(name, Some(bare(value)), right.map(|(_, value)| bare(value)));
    }
    for (name, value) in &built.headers {
        if recorded.header(name).is_none() {
            put(name, None, Some(bare(value)));
        }
    }
    let query = built.target.split_once('?').map_or("", |(_, query)| query);
    pairs(recorded.query(), query, &mut put);
    let body = built.body.as_deref().unwrap_or_default();
    match (
        serde_json::from_str::<Value>(recorded.body),
        serde_json::from_str::<Value>(body),
    ) {
        (Ok(left), Ok(right)) => {
            let (left, right) = (leaves(&left), leaves(&right));
            for name in left.keys().chain(right.keys()) {
                put(name, left.get(name).cloned(), right.get(name).cloned());
            }
        }
        _ => pairs(recorded.body, body, &mut put),
    }
    fields.dedup();
    fields
        .into_iter()
        .map(|(name, left, right)| {
            let shown = |value: Option<String>| {
                value.map_or("nothing".into(), |value| format!("«{value}»"))
            };
            format!(
                "request, {name}: recorded is {}, the descriptor gives {}",
                shown(left),
                shown(right)
            )
        })
        .collect()
}

/// Compares two lists of fields whatever their order.
fn pairs(left: &str, right: &str, put: &mut impl FnMut(&str, Option<String>, Option<String>)) {
    let read = |text: &str| {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in parse(text.as_bytes()) {
            fields
                .entry(name.into_owned())
                .or_default()
                .push(value.into_owned());
        }
        fields
    };
    let (left, right) = (read(left), read(right));
    for name in left
        .keys()
        .chain(right.keys().filter(|name| !left.contains_key(*name)))
    {
        let of =
            |fields: &BTreeMap<String, Vec<String>>| fields.get(name).map(|all| all.join("», «"));
        put(name, of(&left), of(&right));
    }
}

/// The leaves of a JSON tree by their pointers, each with its type: a number is no text.
fn leaves(tree: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    let mut open = vec![(String::new(), tree)];
    while let Some((at, node)) = open.pop() {
        match node {
            Value::Object(table) => {
                open.extend(
                    table
                        .iter()
                        .map(|(name, node)| (format!("{at}/{name}"), node)),
                );
            }
            Value::Array(list) => {
                open.extend(
                    list.iter()
                        .enumerate()
                        .map(|(n, node)| (format!("{at}/{n}"), node)),
                );
            }
            leaf => {
                leaves.insert(at, leaf.to_string());
            }
        }
    }
    leaves
}
