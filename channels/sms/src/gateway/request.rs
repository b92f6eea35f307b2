//! A request of a descriptor, from its table to what goes over the wire.

use std::collections::BTreeMap;

use form_urlencoded::Serializer;
use serde::Deserialize;

use super::{
    answer::Format,
    pattern::{Node, Pattern, Slot, Values},
    rule::Rule,
};

/// How something is asked, and how the answer is read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    #[serde(default)]
    method: Method,
    path: Pattern,
    #[serde(default)]
    headers: BTreeMap<String, Pattern>,
    #[serde(default)]
    query: BTreeMap<String, Field>,
    form: Option<BTreeMap<String, Field>>,
    json: Option<Node>,
    /// How the answer is written.
    #[serde(default)]
    pub(crate) answer: Format,
    /// What the answer means: the first rule that fits decides.
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    #[default]
    Post,
    Get,
}

/// One value, or several under one name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Field {
    One(Pattern),
    Several(Vec<Pattern>),
}

/// A request as it goes out.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
}

impl Method {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Get => "GET",
        }
    }
}

impl Request {
    /// The request with its places filled.
    pub(crate) fn prepare(&self, values: &Values) -> Prepared {
        let mut target = self.path.fill_path(values).unwrap_or_default();
        if !self.query.is_empty() {
            target.push('?');
            target.push_str(&encoded(&self.query, values));
        }
        let mut headers: Vec<(String, String)> = self
            .headers
            .iter()
            .filter_map(|(name, pattern)| Some((name.clone(), pattern.fill(values)?)))
            .collect();
        let (body, kind) = match (&self.form, &self.json) {
            (Some(form), _) => (
                Some(encoded(form, values)),
                "application/x-www-form-urlencoded",
            ),
            (None, Some(json)) => (
                json.fill(values).map(|value| value.to_string()),
                "application/json",
            ),
            (None, None) => (None, ""),
        };
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        Prepared {
            method: self.method,
            target,
            headers,
            body,
        }
    }

    /// Whether any of it names this place.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        let fields = self
            .query
            .values()
            .chain(self.form.iter().flat_map(BTreeMap::values));
        let mut in_fields = fields.flat_map(|field| match field {
            Field::One(one) => std::slice::from_ref(one),
            Field::Several(several) => several,
        });
        in_fields.any(|pattern| pattern.has(slot))
            || self.path.has(slot)
            || self.headers.values().any(|pattern| pattern.has(slot))
            || self.json.as_ref().is_some_and(|json| json.has(slot))
    }
}

fn encoded(fields: &BTreeMap<String, Field>, values: &Values) -> String {
    let mut form = Serializer::new(String::new());
    for (name, field) in fields {
        let patterns = match field {
            Field::One(one) => std::slice::from_ref(one),
            Field::Several(several) => several,
        };
        for value in patterns.iter().filter_map(|pattern| pattern.fill(values)) {
            form.append_pair(name, &value);
        }
    }
    form.finish()
}
