//! Templates and sentences of the board: `templates/web/board`, one file of sentences for each language.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context as _;
use axum::response::{Html, IntoResponse, Response};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, RenderContext, RenderError,
    RenderErrorReason,
};
use serde_json::{Value, json};

use super::{fault::Fault, said::Said, visit::Visit};
use crate::{
    text::Language,
    user::{Role, Room},
};

const SENTENCES: [(Language, &str); 2] = [
    (
        Language::Russian,
        include_str!("../../../templates/web/board/ru.toml"),
    ),
    (
        Language::English,
        include_str!("../../../templates/web/board/en.toml"),
    ),
];

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../templates/web/board/", $name, ".hbs")))),*]
    };
}

const TEMPLATES: [(&str, &str); 31] = templates![
    "layout",
    "table",
    "sheets",
    "became",
    "picture",
    "sorry",
    "login",
    "code",
    "password",
    "second",
    "now",
    "pulse",
    "held",
    "week",
    "class",
    "director",
    "messages",
    "message",
    "families",
    "family",
    "proof",
    "complaints",
    "paper",
    "register",
    "announcements",
    "announcement",
    "providers",
    "rules",
    "journal",
    "audit",
    "users",
];

/// All templates, in each language.
pub(super) struct Views {
    registries: BTreeMap<Language, Handlebars<'static>>,
    said: Said,
}

/// `{{t "now.title" count=3}}`: a sentence of the page's language, with its own data.
struct Sentence;

impl HelperDef for Sentence {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let missing = || RenderErrorReason::ParamNotFoundForIndex("t", 0);
        let name = helper
            .param(0)
            .and_then(|name| name.value().as_str())
            .ok_or_else(missing)?;
        let data: serde_json::Map<String, Value> = helper
            .hash()
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.value().clone()))
            .collect();
        let said = registry.render(&sentence(name), &Value::Object(data));
        out.write(&said.map_err(|error| {
            RenderError::from(RenderErrorReason::NestedError(Box::new(error)))
        })?)?;
        Ok(())
    }
}

/// Under which name a registry knows a sentence.
fn sentence(name: &str) -> String {
    format!("t:{name}")
}

impl Views {
    /// The templates that come with the program.
    pub(super) fn embedded() -> anyhow::Result<Self> {
        let mut registries = BTreeMap::new();
        for (language, file) in SENTENCES {
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            language.register(&mut registry);
            registry.register_helper("t", Box::new(Sentence));
            for (name, source) in TEMPLATES {
                registry.register_template_string(name, source)?;
            }
            for (name, source) in sentences(file)
                .with_context(|| format!("templates/web/board/{}.toml", language.code()))?
            {
                registry
                    .register_template_string(&sentence(&name), source.trim_end())
                    .context(name)?;
            }
            registries.insert(language, registry);
        }
        let said = Said::embedded()?;
        Ok(Self { registries, said })
    }

    /// A sentence.
    pub(super) fn say(
        &self,
        language: Language,
        name: &str,
        data: &Value,
    ) -> anyhow::Result<String> {
        let said = self.registry(language)?.render(&sentence(name), data);
        // It is escaped once more where a page shows it.
        Ok(unescaped(&said.with_context(|| name.to_owned())?))
    }

    /// What a provider, a printer or the program said of a failure, in a language.
    pub(super) fn said(&self, language: Language, said: &str) -> String {
        self.said.of(language, said)
    }

    /// Whether there is such a sentence.
    pub(super) fn has(&self, name: &str) -> bool {
        let registry = self.registries.get(&Language::Russian);
        registry.is_some_and(|registry| registry.has_template(&sentence(name)))
    }

    fn registry(&self, language: Language) -> anyhow::Result<&Handlebars<'static>> {
        self.registries
            .get(&language)
            .context("a language without pages")
    }

    /// Something that is put into a page that is there already.
    pub(super) fn part(
        &self,
        language: Language,
        name: &str,
        data: &Value,
    ) -> anyhow::Result<String> {
        Ok(self.registry(language)?.render(name, data)?)
    }

    /// A page of a room, in its frame.
    pub(super) fn page(
        &self,
        visit: &Visit,
        (room, school): (Room, &str),
        name: &str,
        mut data: Value,
    ) -> Result<Response, Fault> {
        let language = visit.language();
        let title = self.say(language, &format!("{}.title", room.code()), &Value::Null)?;
        let rooms = Room::ALL
            .into_iter()
            .filter(|one| visit.user.role.opens(*one));
        let menu: Result<Vec<Value>, anyhow::Error> = rooms
            .map(|one| {
                let name = self.say(language, &format!("{}.title", one.code()), &Value::Null)?;
                Ok(json!({ "path": one.path(), "name": name, "here": one == room }))
            })
            .collect();
        data["frame"] = json!({
            "language": language.code(),
            "title": title,
            "school": school,
            "menu": menu?,
            "user": visit.user.name,
            "token": visit.token,
            "live": room == Room::Now,
        });
        Ok(Html(self.part(language, name, &data)?).into_response())
    }

    /// A page of the door, which has no menu.
    pub(super) fn door(
        &self,
        language: Language,
        name: &str,
        mut data: Value,
    ) -> Result<Response, Fault> {
        let title = self.say(language, &format!("door.{name}"), &Value::Null)?;
        let token = data.get("token").cloned().unwrap_or(Value::Null);
        data["frame"] = json!({
            "language": language.code(), "title": title, "school": "", "menu": [], "user": Value::Null,
            "token": token, "live": false,
        });
        Ok(Html(self.part(language, name, &data)?).into_response())
    }

    /// What is shown in place of a page.
    pub(super) fn sorry(
        &self,
        visit: Option<&Visit>,
        language: Language,
        name: &str,
        words: Option<&str>,
    ) -> Response {
        let home = visit.map_or("/login".to_owned(), |visit| home(visit.user.role));
        let said = self.say(language, name, &json!({ "words": words }));
        let data = json!({
            "words": said.unwrap_or_default(),
            "home": home,
            "frame": {
                "language": language.code(), "title": "vestnik", "school": "", "menu": [], "user": Value::Null,
                "token": Value::Null, "live": false,
            },
        });
        match self.part(language, "sorry", &data) {
            Ok(page) => Html(page).into_response(),
            Err(error) => {
                tracing::error!(error = crate::app::story(error.as_ref()), "no excuse");
                "?".into_response()
            }
        }
    }
}

/// The first room of a role.
pub(super) fn home(role: Role) -> String {
    let first = Room::ALL.into_iter().find(|room| role.opens(*room));
    first.map_or("/".to_owned(), Room::path)
}

/// A path as the value in a query.
pub(super) fn encoded(path: &str) -> String {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    path.as_bytes()
        .iter()
        .map(|byte| {
            if plain(byte) {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#x3D;", "=")
        .replace("&#x60;", "`")
        .replace("&amp;", "&")
}

/// The sentences of a file by their names: `[now] title = "…"` is `now.title`.
fn sentences(file: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let rooms: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(file)?;
    let named = |(room, list): (String, BTreeMap<String, String>)| {
        list.into_iter()
            .map(move |(name, words)| (format!("{room}.{name}"), words))
    };
    Ok(rooms.into_iter().flat_map(named).collect())
}

/// Pages that are shared by many who look.
pub(super) type Shared = Arc<str>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_things() {
        let names = |at: usize| {
            let all = sentences(SENTENCES[at].1).expect("sentences");
            all.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(names(0), names(1));
        assert!(Views::embedded().is_ok());
    }

    /// A sentence that no page says is one that nobody keeps right.
    #[test]
    fn pages_say_what_there_is_and_nothing_else() {
        let all = sentences(SENTENCES[0].1).expect("sentences");
        for (template, source) in TEMPLATES {
            for rest in source
                .split("{{t \"")
                .skip(1)
                .chain(source.split("(t \"").skip(1))
            {
                let name = rest.split('"').next().unwrap_or_default();
                assert!(all.contains_key(name), "{template}.hbs says {name}");
            }
        }
    }

    #[test]
    fn a_path_is_one_value() {
        assert_eq!(encoded("/week?a=1&b"), "%2Fweek%3Fa%3D1%26b");
        assert_eq!(unescaped("&lt;b&gt; &amp;lt;"), "<b> &lt;");
    }
}
