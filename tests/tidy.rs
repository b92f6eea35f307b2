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
