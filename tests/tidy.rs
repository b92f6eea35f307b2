//! What a review would otherwise have to say again and again.

#![expect(
    clippy::unwrap_used,
    reason = "a file that cannot be read is a test that fails"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below these rooms with this ending.
fn files(rooms: &[&str], ending: &str) -> Vec<PathBuf> {
    let mut open: Vec<PathBuf> = rooms.iter().map(|room| root().join(room)).collect();
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else if path.extension().is_some_and(|end| end == ending) {
            found.push(path);
        }
    }
    assert!(!found.is_empty(), "no .{ending} below {rooms:?}");
    found
}

#[test]
fn every_path_that_the_architecture_names_exists() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rooms = [
        "src",
        "channels",
        "migrations",
        "tests",
        "config",
        "templates",
    ];
    let paths: Vec<_> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            rooms
                .iter()
                .any(|room| word.split('/').next() == Some(room))
        })
        .collect();
    assert!(paths.len() > 10, "{paths:?}");
    for path in paths {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}");
    }
}

#[test]
fn sql_stands_in_the_store_alone() {
    for file in files(&["src", "channels"], "rs") {
        let in_store = file.strip_prefix(root().join("src/store")).is_ok();
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            in_store || !text.contains("sqlx::"),
            "SQL in {}",
            file.display()
        );
    }
}

#[test]
fn every_file_can_be_read_in_one_sitting() {
    let sources = files(&["src", "channels", "tests"], "rs")
        .into_iter()
        .chain(files(&["migrations"], "sql"));
    for file in sources {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= 600, "{} has {lines} lines", file.display());
    }
}

#[test]
fn each_mutant_still_has_its_place() {
    for patch in files(&["tests/mutants"], "patch") {
        let text = fs::read_to_string(&patch).unwrap();
        let mut source = String::new();
        let mut before: Vec<String> = Vec::new();
        for line in text.lines().chain(["@@"]) {
            if let Some(path) = line.strip_prefix("+++ b/") {
                source = fs::read_to_string(root().join(path)).unwrap();
            } else if line.starts_with("@@") && !before.is_empty() {
                let hunk = before.join("\n");
                assert!(source.contains(&hunk), "{}:\n{hunk}", patch.display());
                before.clear();
            } else if let Some(kept) = line
                .strip_prefix([' ', '-'])
                .filter(|_| !line.starts_with("---"))
            {
                before.push(kept.to_owned());
            } else if line.starts_with("diff ") && !before.is_empty() {
                let hunk = before.join("\n");
                assert!(source.contains(&hunk), "{}:\n{hunk}", patch.display());
                before.clear();
            }
        }
    }
}

/// The sentences in a source of Rust, without those of its tests: literals that begin and end like one.
fn sentences(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let lines: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let mut found = Vec::new();
    // Where a line of a literal ends with a backslash, it goes on with the next one.
    for literal in lines.join("\n").split('"').skip(1).step_by(2) {
        let text: Vec<&str> = literal.split("\\\n").map(str::trim_start).collect();
        let text = text.concat();
        let begins = text.chars().next().is_some_and(|c| c.is_ascii_uppercase());
        if begins && text.contains(' ') && text.ends_with('.') && !text.contains('{') {
            found.push(text);
        }
    }
    found
}

#[test]
fn what_a_channel_says_has_its_russian_words() {
    let catalogue = fs::read_to_string(root().join("templates/web/board/said.ru.toml")).unwrap();
    let known: toml::Table = toml::from_str(&catalogue).unwrap();
    let mut said = Vec::new();
    for file in files(
        &[
            "channels/contract/src",
            "channels/email/src",
            "channels/printer/src",
            "channels/smpp/src",
            "channels/sms/src",
            "channels/telegram/src",
        ],
        "rs",
    ) {
        if !file.ends_with("sandbox.rs") {
            said.extend(sentences(&fs::read_to_string(&file).unwrap()));
        }
    }
    for file in files(&["channels/sms/gateways"], "toml") {
        let gateway: toml::Table = toml::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        for table in ["errors", "statuses"] {
            let answers = gateway.get(table).and_then(toml::Value::as_table);
            let texts = answers.into_iter().flat_map(toml::Table::values);
            let texts = texts.filter_map(|one| one.get("text")?.as_str());
            said.extend(texts.filter(|text| !text.contains('{')).map(str::to_owned));
        }
    }
    assert!(said.len() > 150, "{said:?}");
    said.retain(|sentence| !known.contains_key(sentence));
    assert_eq!(said, Vec::<String>::new(), "said.ru.toml lacks them");
}
