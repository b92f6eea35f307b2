//! What a conversation is answered, as the database keeps it until it has been shown.

use serde::{Deserialize, Serialize};
use vestnik_contract::{Button, Command, Screen};

/// An answer to one update.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    /// The press that waits for a word.
    pub(crate) press: Option<String>,
    /// What is shown for a moment.
    pub(crate) alert: Option<String>,
    /// The message in whose place the first screen comes.
    pub(crate) instead: Option<String>,
    /// The screens.
    pub(crate) shown: Vec<Shown>,
    /// The files, after the screens: `attachment.id`.
    #[serde(default)]
    pub(crate) files: Vec<i64>,
    /// The run whose sheets come as a document: `print_run.id`.
    #[serde(default)]
    pub(crate) run: Option<i64>,
    /// The word to many that is watched in the first screen: `announcement.id`.
    pub(crate) watches: Option<i64>,
    /// The menu of the chat: names and words; empty where it stays as it is.
    pub(crate) menu: Vec<(String, String)>,
}

/// A screen that can be written down.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// Its text.
    pub(crate) text: String,
    /// What stands on its buttons, and their data.
    pub(crate) buttons: Vec<Vec<(String, String)>>,
}

impl Answer {
    /// The screens as a messenger takes them.
    pub(crate) fn screens(&self) -> Vec<Screen> {
        let button = |(label, data): &(String, String)| Button {
            label: label.clone(),
            data: data.clone(),
        };
        let screen = |one: &Shown| Screen {
            text: one.text.clone(),
            buttons: one
                .buttons
                .iter()
                .map(|row| row.iter().map(button).collect())
                .collect(),
        };
        self.shown.iter().map(screen).collect()
    }

    /// The menu as a messenger takes it.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let command = |(name, words): &(String, String)| Command {
            name: name.clone(),
            words: words.clone(),
        };
        self.menu.iter().map(command).collect()
    }
}
