//! Texts of a descriptor with places to be filled, and what fills them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Map, Number, Value};

/// What a place may be filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Login,
    Password,
    /// Login and password as the header of Basic authentication has them (RFC 7617).
    Basic,
    Phone,
    Text,
    Sender,
    ClientRef,
    Reference,
    ProviderRef,
    CallbackUrl,
}

const SLOTS: [(&str, Slot); 10] = [
    ("login", Slot::Login),
    ("password", Slot::Password),
    ("basic", Slot::Basic),
    ("phone", Slot::Phone),
    ("text", Slot::Text),
    ("sender", Slot::Sender),
    ("client_ref", Slot::ClientRef),
    ("reference", Slot::Reference),
    ("provider_ref", Slot::ProviderRef),
    ("callback_url", Slot::CallbackUrl),
];

/// What the places of one request are filled with.
#[derive(Clone, Default)]
pub(crate) struct Values {
    pub(crate) login: String,
    pub(crate) password: String,
    pub(crate) sender: Option<String>,
    pub(crate) callback_url: Option<String>,
    /// As the provider wants it.
    pub(crate) phone: String,
    pub(crate) text: String,
    pub(crate) client_ref: u32,
    pub(crate) reference: String,
    pub(crate) provider_ref: Option<String>,
}

impl Values {
    fn of(&self, slot: Slot) -> Option<String> {
        Some(match slot {
            Slot::Login => self.login.clone(),
            Slot::Password => self.password.clone(),
            Slot::Basic => STANDARD.encode(format!("{}:{}", self.login, self.password)),
            Slot::Phone => self.phone.clone(),
            Slot::Text => self.text.clone(),
            Slot::Sender => return self.sender.clone(),
            Slot::ClientRef => self.client_ref.to_string(),
            Slot::Reference => self.reference.clone(),
            Slot::ProviderRef => return self.provider_ref.clone(),
            Slot::CallbackUrl => return self.callback_url.clone(),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Slot(Slot),
}

/// A text with places in braces: `Bearer {password}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(Vec<Piece>);

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after
                .split_once('}')
                .ok_or_else(|| format!("«{text}»: a brace is not closed"))?;
            let known = SLOTS.iter().find(|(known, _)| *known == name);
            let Some((_, slot)) = known else {
                let known: Vec<String> = SLOTS
                    .iter()
                    .map(|(name, _)| format!("{{{name}}}"))
                    .collect();
                return Err(format!(
                    "«{text}» uses the unknown placeholder {{{name}}}; known are {}",
                    known.join(" ")
                ));
            };
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            pieces.push(Piece::Slot(*slot));
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }
}

impl Pattern {
    /// The text with its places filled; none where there is nothing to fill one with, so that the field is
    /// left out.
    pub(crate) fn fill(&self, values: &Values) -> Option<String> {
        self.fill_with(values, |value| value)
    }

    /// As [`Pattern::fill`], with what fills the places made fit for a path.
    pub(crate) fn fill_path(&self, values: &Values) -> Option<String> {
        self.fill_with(values, |value| {
            utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string()
        })
    }

    fn fill_with(&self, values: &Values, fit: impl Fn(String) -> String) -> Option<String> {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => Some(text.clone()),
                Piece::Slot(slot) => values.of(*slot).map(&fit),
            })
            .collect()
    }

    /// Whether it names this place.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        self.0.contains(&Piece::Slot(slot))
    }
}

/// A JSON body with places. A text `"{phone:integer}"` becomes a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "toml::Value")]
pub(crate) enum Node {
    Pattern(Pattern),
    Integer(Pattern),
    Constant(Value),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

impl TryFrom<toml::Value> for Node {
    type Error = String;

    fn try_from(value: toml::Value) -> Result<Self, String> {
        Ok(match value {
            toml::Value::String(text) => match text.strip_suffix(":integer}") {
                Some(name) if name.starts_with('{') => {
                    Self::Integer(Pattern::try_from(format!("{name}}}"))?)
                }
                _ => Self::Pattern(Pattern::try_from(text)?),
            },
            toml::Value::Integer(number) => Self::Constant(number.into()),
            toml::Value::Float(number) => Self::Constant(number.into()),
            toml::Value::Boolean(yes) => Self::Constant(yes.into()),
            toml::Value::Datetime(at) => Self::Constant(at.to_string().into()),
            toml::Value::Array(list) => Self::List(
                list.into_iter()
                    .map(Self::try_from)
                    .collect::<Result<_, _>>()?,
            ),
            toml::Value::Table(table) => Self::Table(
                table
                    .into_iter()
                    .map(|(key, value)| Ok((key, Self::try_from(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
        })
    }
}

impl Node {
    /// The body with its places filled; what cannot be filled is left out.
    pub(crate) fn fill(&self, values: &Values) -> Option<Value> {
        Some(match self {
            Self::Pattern(pattern) => pattern.fill(values)?.into(),
            Self::Integer(pattern) => Value::Number(
                pattern
                    .fill(values)?
                    .parse::<u64>()
                    .map(Number::from)
                    .ok()?,
            ),
            Self::Constant(value) => value.clone(),
            Self::List(list) => list.iter().filter_map(|node| node.fill(values)).collect(),
            Self::Table(table) => Value::Object(
                table
                    .iter()
                    .filter_map(|(key, node)| Some((key.clone(), node.fill(values)?)))
                    .collect::<Map<_, _>>(),
            ),
        })
    }

    /// Whether a text in it names this place.
    pub(crate) fn has(&self, slot: Slot) -> bool {
        match self {
            Self::Pattern(pattern) | Self::Integer(pattern) => pattern.has(slot),
            Self::Constant(_) => false,
            Self::List(list) => list.iter().any(|node| node.has(slot)),
            Self::Table(table) => table.iter().any(|(_, node)| node.has(slot)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<Pattern, String> {
        Pattern::try_from(text.to_owned())
    }

    #[test]
    fn what_a_family_wrote_is_never_taken_for_a_place() {
        let values = Values {
            text: "{password} — {".into(),
            password: "secret".into(),
            ..Values::default()
        };
        let filled = pattern("<{text}>").expect("a pattern").fill(&values);
        assert_eq!(filled.as_deref(), Some("<{password} — {>"));
    }

    #[test]
    fn a_field_that_nothing_fills_is_left_out() {
        let sender = pattern("{sender}").expect("a pattern");
        assert_eq!(sender.fill(&Values::default()), None);
        let path = pattern("/a/{login}/b").expect("a pattern");
        let values = Values {
            login: "x/../y".into(),
            ..Values::default()
        };
        assert_eq!(
            path.fill_path(&values).as_deref(),
            Some("/a/x%2F%2E%2E%2Fy/b")
        );
    }

    #[test]
    fn a_slip_is_named_with_what_would_be_right() {
        let error = pattern("{fone}").expect_err("a slip");
        assert!(
            error.contains("{fone}") && error.contains("{phone}"),
            "{error}"
        );
        assert!(pattern("{phone").is_err());
    }
}
