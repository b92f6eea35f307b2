//! Answers as trees, whatever they are written in, and pointers into them.

use quick_xml::{Reader, escape::unescape, events::Event};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::pattern::{Pattern, Values};

/// How deep an answer in XML may nest. No gateway comes near, and a tree that does not end is no answer.
const DEEPEST: usize = 32;

/// How an answer is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Format {
    #[default]
    Json,
    /// An element is an object of its children by name; an attribute stands there as `@name`, text as
    /// `#text`. Children of one name are a list.
    Xml,
    /// The whole answer is one text.
    Text,
}

/// An answer as it came.
pub(crate) struct Answer {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The tree; none where it is not written as it should be.
    pub(crate) tree: Option<Value>,
    /// The bytes as text.
    pub(crate) raw: String,
}

impl Answer {
    pub(crate) fn read(format: Format, status: u16, body: &[u8]) -> Self {
        let raw = String::from_utf8_lossy(body).into_owned();
        let tree = match format {
            Format::Json => serde_json::from_str(raw.trim_start_matches('\u{feff}')).ok(),
            Format::Xml => xml(&raw),
            Format::Text => (!raw.trim().is_empty()).then(|| Value::String(raw.trim().to_owned())),
        };
        Self { status, tree, raw }
    }
}

/// XML as a tree; none where it is not well-formed.
fn xml(text: &str) -> Option<Value> {
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut open: Vec<(String, Map<String, Value>)> = vec![(String::new(), Map::new())];
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                if open.len() > DEEPEST {
                    return None;
                }
                open.push(element(&tag)?);
            }
            Event::Empty(tag) => {
                let (name, content) = element(&tag)?;
                add(&mut open.last_mut()?.1, name, Value::Object(content));
            }
            Event::End(_) => {
                let (name, content) = open.pop()?;
                add(&mut open.last_mut()?.1, name, Value::Object(content));
            }
            Event::Text(words) => write(&mut open.last_mut()?.1, &words.xml10_content()),
            Event::CData(words) => write(&mut open.last_mut()?.1, &words),
            Event::GeneralRef(name) => {
                let words = format!("&{};", &*name);
                write(&mut open.last_mut()?.1, &unescape(&words).ok()?);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let (_, root) = open.pop().filter(|_| open.is_empty())?;
    let one = !root.is_empty() && !root.contains_key("#text");
    one.then_some(Value::Object(root))
}

fn element(tag: &quick_xml::events::BytesStart<'_>) -> Option<(String, Map<String, Value>)> {
    let name = tag.name().as_ref().to_owned();
    let mut content = Map::new();
    for attribute in tag.attributes() {
        let attribute = attribute.ok()?;
        let name = attribute.key.as_ref().to_owned();
        let value = unescape(&attribute.value).ok()?.into_owned();
        content.insert(format!("@{name}"), value.into());
    }
    Some((name, content))
}

fn write(content: &mut Map<String, Value>, words: &str) {
    if let Some(Value::String(text)) = content.get_mut("#text") {
        text.push_str(words);
    } else if !words.trim().is_empty() {
        content.insert("#text".to_owned(), words.into());
    }
}

/// Children of one name become a list.
fn add(content: &mut Map<String, Value>, name: String, child: Value) {
    match content.get_mut(&name) {
        Some(Value::Array(list)) => list.push(child),
        Some(first) => *first = Value::Array(vec![first.take(), child]),
        None => {
            content.insert(name, child);
        }
    }
}

/// A place in a tree: a JSON pointer (RFC 6901) whose steps may also be `*`, every child, or
/// `[name=value]`, the elements of a list that have this value under this name. A step may have places to
/// be filled.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pointer(Vec<Step>);

#[derive(Debug, Clone)]
enum Step {
    Name(Pattern),
    All,
    With(String, Pattern),
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let steps = text.strip_prefix('/').ok_or_else(|| {
            format!("«{text}» is no pointer: it begins with a slash, as /data/id")
        })?;
        let step = |step: &str| {
            let bare = step.replace("~1", "/").replace("~0", "~");
            if bare == "*" {
                return Ok(Step::All);
            }
            match bare
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                Some(inner) => {
                    let (name, value) = inner
                        .split_once('=')
                        .ok_or_else(|| format!("«{bare}» is no step: write [name=value]"))?;
                    Ok(Step::With(
                        name.to_owned(),
                        Pattern::try_from(value.to_owned())?,
                    ))
                }
                None => Pattern::try_from(bare).map(Step::Name),
            }
        };
        steps
            .split('/')
            .map(step)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Pointer {
    /// What stands there, in order; nothing where there is no such place.
    pub(crate) fn find<'a>(&self, tree: &'a Value, values: &Values) -> Vec<&'a Value> {
        let mut found = vec![tree];
        for step in &self.0 {
            found = found
                .into_iter()
                .flat_map(|node| -> Vec<&Value> {
                    match (step, node) {
                        (Step::All, Value::Array(list)) => list.iter().collect(),
                        (Step::All, Value::Object(table)) => table.values().collect(),
                        (Step::Name(name), node) => {
                            let name = name.fill(values).unwrap_or_default();
                            match node {
                                Value::Object(table) => table.get(&name).into_iter().collect(),
                                Value::Array(list) => {
                                    let at = name.parse().ok();
                                    at.and_then(|at: usize| list.get(at)).into_iter().collect()
                                }
                                _ => Vec::new(),
                            }
                        }
                        (Step::With(name, value), Value::Array(list)) => {
                            let value = value.fill(values);
                            let fits = |node: &&Value| {
                                value.is_some() && node.get(name).and_then(scalar) == value
                            };
                            list.iter().filter(fits).collect()
                        }
                        _ => Vec::new(),
                    }
                })
                .collect();
        }
        found
    }

    /// The numbers and texts that stand there, as texts: providers write one and the same code both ways.
    pub(crate) fn scalars(&self, tree: &Value, values: &Values) -> Vec<String> {
        self.find(tree, values)
            .into_iter()
            .filter_map(scalar)
            .collect()
    }
}

/// A number, text or truth value as text; an element of XML with nothing but text is its text.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Object(element) => match element.get("#text") {
            Some(Value::String(text)) => Some(text.trim().to_owned()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pointer: &str, tree: &Value) -> Vec<String> {
        let pointer = Pointer::try_from(pointer.to_owned()).expect("a pointer");
        let values = Values {
            phone: "79000000011".into(),
            client_ref: 7,
            ..Values::default()
        };
        pointer.scalars(tree, &values)
    }

    #[test]
    fn a_number_is_found_in_a_map_and_in_a_list() {
        let map = serde_json::json!({"sms": {"79000000011": {"code": 100}, "79000000012": {"code": 207}}});
        assert_eq!(at("/sms/{phone}/code", &map), ["100"]);
        let list = serde_json::json!({"m": [{"id": "6", "s": "no"}, {"id": 7, "s": "yes"}]});
        assert_eq!(at("/m/[id={client_ref}]/s", &list), ["yes"]);
        assert_eq!(at("/m/*/s", &list), ["no", "yes"]);
        assert_eq!(at("/m/2/s", &list), [""; 0]);
        assert_eq!(at("", &serde_json::json!("text")), ["text"]);
    }

    #[test]
    fn xml_is_a_tree_like_any_other() {
        let read = |text: &str| Answer::read(Format::Xml, 200, text.as_bytes()).tree;
        let tree = read(
            "<?xml version=\"1.0\"?><a><b id=\"1\" t=\"x &amp; y\">да<![CDATA[ <нет>]]> &lt;</b><b id=\"2\"/></a>",
        )
        .expect("a tree");
        assert_eq!(at("/*/b/*/@id", &tree), ["1", "2"]);
        assert_eq!(at("/a/b/0/@t", &tree), ["x & y"]);
        assert_eq!(at("/a/b/0", &tree), ["да <нет> <"]);
        for broken in ["", "words", "<a><b></a>", "<a", "<a>&never;</a>"] {
            assert_eq!(read(broken), None, "{broken}");
        }
        assert_eq!(read(&"<a>".repeat(10_000)), None);
    }
}
