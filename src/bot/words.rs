//! What the bot says: sentences by their names, from `templates/bot`, one file for each language.

use std::{collections::BTreeMap, fmt, sync::Arc};

use handlebars::{Handlebars, no_escape};
use serde_json::Value;

use crate::text::Language;

const FILES: [(Language, &str); 2] = [
    (
        Language::Russian,
        include_str!("../../templates/bot/ru.toml"),
    ),
    (
        Language::English,
        include_str!("../../templates/bot/en.toml"),
    ),
];

/// Why a sentence cannot be said.
#[derive(Debug, thiserror::Error)]
pub enum WordsError {
    /// The file does not parse.
    #[error("templates/bot/{language}.toml: {problem}")]
    Broken {
        /// `ru` or `en`.
        language: &'static str,
        /// What is wrong, without any value that was to be said.
        problem: String,
    },
    /// The sentence wants what it was not given.
    #[error("templates/bot: {name}: {problem}")]
    Sentence {
        /// The sentence.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// All sentences, parsed.
#[derive(Clone)]
pub struct Words {
    registries: Arc<BTreeMap<Language, Handlebars<'static>>>,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words")
    }
}

impl Words {
    /// The sentences that come with the program.
    ///
    /// # Errors
    /// [`WordsError::Broken`], which a test rules out.
    pub fn embedded() -> Result<Self, WordsError> {
        let mut registries = BTreeMap::new();
        for (language, file) in FILES {
            let broken = |problem: String| WordsError::Broken {
                language: language.code(),
                problem,
            };
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            // A chat shows plain text: there is nothing to escape.
            registry.register_escape_fn(no_escape);
            language.register(&mut registry);
            for (name, sentence) in read(file).map_err(broken)? {
                registry
                    .register_template_string(&name, sentence.trim_end())
                    .map_err(|error| broken(format!("{name}: {}", error.reason())))?;
            }
            registries.insert(language, registry);
        }
        Ok(Self {
            registries: Arc::new(registries),
        })
    }

    /// A sentence in a language, or else in Russian.
    ///
    /// # Errors
    /// [`WordsError::Sentence`], which tests of all screens rule out.
    pub fn say(&self, language: Language, name: &str, data: &Value) -> Result<String, WordsError> {
        let wrong = |problem: String| WordsError::Sentence {
            name: name.to_owned(),
            problem,
        };
        let registry = [language, Language::Russian]
            .into_iter()
            .filter_map(|one| self.registries.get(&one))
            .find(|registry| registry.has_template(name))
            .ok_or_else(|| wrong("there is no such sentence".to_owned()))?;
        let said = registry
            .render(name, data)
            .map_err(|error| wrong(error.reason().to_string()))?;
        Ok(tidy(&said))
    }
}

/// No line ends in blanks, and no more than one line is empty.
fn tidy(text: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// The sentences of a file by their names: `[parent] today = "…"` is `parent.today`.
fn read(file: &str) -> Result<BTreeMap<String, String>, String> {
    let rooms: BTreeMap<String, BTreeMap<String, String>> =
        toml::from_str(file).map_err(|error| error.to_string())?;
    let named = |(room, sentences): (String, BTreeMap<String, String>)| {
        sentences
            .into_iter()
            .map(move |(name, sentence)| (format!("{room}.{name}"), sentence))
    };
    Ok(rooms.into_iter().flat_map(named).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(of: Language) -> BTreeSet<String> {
        let file = FILES.iter().find(|(language, _)| *language == of);
        let names = read(file.expect("a language").1).expect("sentences");
        names.into_keys().collect()
    }

    #[test]
    fn all_sentences_parse_and_what_parents_read_is_there_in_english() {
        Words::embedded().expect("sentences");
        let parents = |name: &&String| name.starts_with("door.") || name.starts_with("parent.");
        let russian = names(Language::Russian);
        let english = names(Language::English);
        let missing: Vec<_> = russian.difference(&english).filter(parents).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let unknown: Vec<_> = english.difference(&russian).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn each_sentence_is_used_and_each_used_one_is_there() {
        let mut sources = String::new();
        let source = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut rooms = vec![source.join("bot"), source.join("engine")];
        while let Some(room) = rooms.pop() {
            for entry in std::fs::read_dir(room).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    rooms.push(path);
                } else {
                    sources.push_str(&std::fs::read_to_string(path).expect("a file"));
                }
            }
        }
        let unused: Vec<_> = names(Language::Russian)
            .into_iter()
            .filter(|name| !name.starts_with("event.") && !sources.contains(&format!("\"{name}\"")))
            .collect();
        assert!(unused.is_empty(), "{unused:?}");
    }
}
