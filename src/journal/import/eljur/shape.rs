//! The JSON of ЭлЖур as PHP writes it: objects that are arrays when they are empty, numbers that are
//! texts, files in four forms.

use serde_json::Value;

/// The members of what may be an object, an array, or the empty array that stands for either. The key is
/// given where there is one.
pub(super) fn members(value: &Value) -> Vec<(Option<&str>, &Value)> {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, member)| (Some(key.as_str()), member))
            .collect(),
        Value::Array(array) => array.iter().map(|member| (None, member)).collect(),
        _ => Vec::new(),
    }
}

/// The members of a field that may not be there.
pub(super) fn members_of<'a>(value: &'a Value, key: &str) -> Vec<(Option<&'a str>, &'a Value)> {
    value.get(key).map(members).unwrap_or_default()
}

/// A text that says something; a number is its digits.
pub(super) fn text(value: &Value, key: &str) -> Option<String> {
    let text = match value.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// A whole number, written as one or as a text.
pub(super) fn int(value: &Value, key: &str) -> Option<i64> {
    text(value, key)?.parse().ok()
}

/// A number, written as one or as a text, with a point or a comma.
pub(super) fn real(value: &Value, key: &str) -> Option<f64> {
    text(value, key)?.replace(',', ".").parse().ok()
}

/// Files beside homework, as a JSON array of names and links: `[]`, `[{…}]`, `{"file": […]}` and
/// `{"0": {…}}` are all seen.
pub(super) fn links(item: &Value) -> Option<String> {
    let files = item.get("files")?;
    let files = files.get("file").unwrap_or(files);
    let links: Vec<Value> = members(files)
        .into_iter()
        .filter_map(|(_, file)| {
            let name = text(file, "filename")?;
            Some(serde_json::json!({"name": name, "href": text(file, "link")}))
        })
        .collect();
    (!links.is_empty()).then(|| Value::from(links).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_shapes_of_one_thing_are_one() {
        let keyed = json!({"a": 1, "b": 2});
        assert_eq!(members(&keyed).len(), 2);
        assert_eq!(members(&json!([1, 2])).len(), 2);
        assert!(members(&json!([])).is_empty() && members(&json!(null)).is_empty());
        let numbers = json!({"a": "4", "b": 4, "c": "", "d": "2.50", "e": " x "});
        assert_eq!(
            (int(&numbers, "a"), int(&numbers, "b"), int(&numbers, "c")),
            (Some(4), Some(4), None)
        );
        assert_eq!(real(&numbers, "d"), Some(2.5));
        assert_eq!(text(&numbers, "e").as_deref(), Some("x"));
        let one = json!({"toid": 1, "filename": "а.pdf", "link": "https://files.example/1"});
        for files in [json!([one]), json!({"file": [one]}), json!({"0": one})] {
            let found = links(&json!({"files": files})).expect("a link");
            assert!(found.contains("а.pdf"), "{found}");
        }
        assert_eq!(links(&json!({"files": []})), None);
    }
}
