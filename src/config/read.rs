//! Reads the merged configuration key by key, and collects everything that is wrong with it.

use std::{collections::BTreeMap, num::NonZeroU32, str::FromStr, time::Duration};

use figment::{
    Figment,
    value::{Dict, Value},
};

use super::{Rate, places::Places};
use crate::secret::Secret;

/// The keys of the configuration, by their dotted names, with the text of each value.
pub(super) struct Keys {
    values: BTreeMap<String, Value>,
    sources: Figment,
    pub(super) places: Places,
    pub(super) errors: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Keys {
    /// Flattens the merged tables, and refuses keys that nobody knows.
    pub(super) fn new(figment: Figment, known: &[String], places: Places) -> Self {
        let mut keys = Self {
            values: BTreeMap::new(),
            places,
            errors: Vec::new(),
            warnings: Vec::new(),
            sources: figment,
        };
        match keys.sources.extract::<Dict>() {
            Ok(tables) => keys.flatten("", &tables),
            Err(error) => keys.errors.push(error.to_string()),
        }
        let strange: Vec<String> = keys
            .values
            .keys()
            .filter(|key| {
                !known
                    .iter()
                    .any(|known| known == *key || of_school(key) == Some(known))
            })
            .cloned()
            .collect();
        for key in strange {
            let nearest = known
                .iter()
                .min_by_key(|known| strsim::damerau_levenshtein(known, &key))
                .map(|known| format!("; did you mean {known}?"))
                .unwrap_or_default();
            let source = keys.source(&key);
            keys.errors
                .push(format!("{key}: no such key{nearest} ({source})"));
        }
        keys
    }

    fn flatten(&mut self, prefix: &str, table: &Dict) {
        for (key, value) in table {
            let name = if prefix.is_empty() {
                key.clone()
            } else {
                format!("{prefix}.{key}")
            };
            match value {
                Value::Dict(_, inner) => self.flatten(&name, inner),
                other => {
                    self.values.insert(name, other.clone());
                }
            }
        }
    }

    /// Where a key was set.
    fn source(&self, key: &str) -> String {
        self.sources
            .find_metadata(key)
            .map_or_else(String::new, |metadata| match &metadata.source {
                Some(source) => source.to_string(),
                None => metadata.name.to_string(),
            })
    }

    /// Notes an error about a key.
    pub(super) fn fault(&mut self, key: &str, problem: impl std::fmt::Display) {
        let source = match self.source(key).as_str() {
            "" => String::new(),
            source => format!(" ({source})"),
        };
        self.errors.push(format!("{key}: {problem}{source}"));
    }

    /// The keys that are set below a table.
    pub(super) fn below<'a>(&'a self, table: &'a str) -> impl Iterator<Item = &'a String> {
        self.values.keys().filter(move |key| key.starts_with(table))
    }

    /// A text, if the key is set. Numbers are taken as their digits.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let text = match self.values.get(key)? {
            Value::String(_, text) => text.trim().to_owned(),
            Value::Num(_, number) => number.to_i128().map_or_else(
                || format!("{}", number.to_f64().unwrap_or_default()),
                |n| n.to_string(),
            ),
            Value::Bool(_, flag) => flag.to_string(),
            _ => {
                self.fault(key, "must be a text");
                return None;
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// A value that parses from its text.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, remedy: &str) -> Option<T> {
        let text = self.text(key)?;
        if let Ok(value) = text.parse() {
            Some(value)
        } else {
            self.fault(key, format!("«{text}» is not understood: {remedy}"));
            None
        }
    }

    /// A duration such as `30m`.
    pub(super) fn duration(&mut self, key: &str) -> Option<Duration> {
        let text = self.text(key)?;
        if let Ok(duration) = humantime::parse_duration(&text) {
            Some(duration)
        } else {
            self.fault(
                key,
                format!("«{text}» is no duration: write 30s, 15m or 2h"),
            );
            None
        }
    }

    /// A secret, from the key itself or from the file that its `_file` twin names.
    pub(super) fn secret(&mut self, key: &str) -> Option<Secret> {
        let twin = format!("{key}_file");
        match (self.text(key), self.text(&twin)) {
            (Some(_), Some(_)) => {
                self.fault(
                    &twin,
                    format!("{key} is set as well: remove one of the two"),
                );
                None
            }
            (Some(value), None) => Some(Secret::new(value)),
            (None, Some(name)) => match self.places.read(&name) {
                Ok(secret) => {
                    let warning = self.places.warning(&name);
                    self.warnings
                        .extend(warning.map(|warning| format!("{twin}: {warning}")));
                    Some(secret)
                }
                Err(problem) => {
                    self.fault(&twin, problem);
                    None
                }
            },
            (None, None) => None,
        }
    }
}

/// The key that `schools.KEY.channels.…` overrides for one school.
fn of_school(key: &str) -> Option<&str> {
    let (_, rest) = key.strip_prefix("schools.")?.split_once('.')?;
    Some(rest)
}

impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (count, unit) = text.split_once('/').ok_or(())?;
        let count: NonZeroU32 = count.trim().parse().map_err(|_| ())?;
        let seconds = match unit.trim() {
            "s" => 1,
            "min" | "m" => 60,
            "h" => 3600,
            "day" | "d" => 86400,
            _ => return Err(()),
        };
        Ok(Self {
            count,
            per: Duration::from_secs(seconds),
        })
    }
}
