//! What conversations are made of: where one stands, what a page shows, and what can be chosen on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    admin::Lead,
    teacher::{Draft, Task},
};
use crate::{store::InquiryKind, week::Week};

/// Where a conversation stands: what the next typed text means.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Nothing is awaited.
    #[default]
    Idle,
    /// The text is a question, or says what is wrong.
    Asking {
        /// Which of them.
        kind: InquiryKind,
        /// `student.id`
        student: i64,
        /// What it is about, in the family's words.
        about: Option<String>,
        /// What was typed, while it waits to be confirmed.
        text: Option<String>,
    },
    /// The text is a word to many, or the same in fewer words.
    Drafting(Box<Draft>),
    /// The text answers a family.
    Answering {
        /// `inquiry.id`
        inquiry: i64,
        /// What was typed, while it waits to be confirmed.
        text: Option<String>,
    },
    /// The text is a note to one family.
    Noting {
        /// `student.id`
        student: i64,
        /// `remark.kind`
        kind: String,
        /// What was typed, while it waits to be confirmed.
        text: Option<String>,
    },
    /// The text says who got a sheet, or whose slip came back.
    Paper {
        /// `class.id`
        class: i64,
        /// The week of the register.
        week: Week,
        /// Whether slips are meant.
        slips: bool,
    },
    /// A PIN is pressed, digit by digit.
    Pin {
        /// The digits so far.
        entered: String,
        /// The new PIN, while it is entered once more.
        again: Option<String>,
        /// What waits for it.
        then: Box<Choice>,
        /// The conversation that it interrupted.
        before: Box<State>,
    },
}

/// Prints no words.
impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl State {
    /// `dialogue.state`
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Asking { .. } => "asking",
            Self::Drafting(_) => "drafting",
            Self::Answering { .. } => "answering",
            Self::Noting { .. } => "noting",
            Self::Paper { .. } => "paper",
            Self::Pin { .. } => "pin",
        }
    }
}

/// A view of the journal that a family may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum View {
    /// The day and what is due tomorrow.
    Today,
    /// The week by days.
    Week,
    /// What is to be done at home.
    Homework,
    /// The marks of the term by subjects.
    Marks,
    /// What was missed in the last two weeks.
    Absences,
}

/// What a button stands for. The button itself holds only an opaque name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Choice {
    /// The main menu.
    Home,
    /// Who somebody is to the student.
    Relation {
        /// `guardian.id`
        guardian: i64,
        /// `student.id`
        student: i64,
        /// `guardianship.relation`
        relation: String,
    },
    /// How often a family wants to hear: `guardian.preset`.
    Preset(String),
    /// A view of one child, or of the only one.
    Show(View, Option<i64>),
    /// What was announced lately, to one child or the only one.
    Announced(Option<i64>),
    /// The list of children.
    Children,
    /// The settings.
    Settings,
    /// The presets, to choose another one.
    Presets,
    /// The kinds of news, to choose a time for each.
    Matrix,
    /// One kind of news: the place in the list.
    Kind(usize),
    /// When one kind comes: the place in the list, and `preference.timing`, or as the preset says.
    Timing(usize, Option<String>),
    /// The quiet hours.
    Quiet,
    /// `guardian.quiet`; none for the school's.
    QuietHours(Option<String>),
    /// The languages.
    Languages,
    /// `guardian.language`
    Language(String),
    /// The pauses.
    Pauses,
    /// For so many days; none to end one.
    Pause(Option<u64>),
    /// Why the last messages came.
    Why,
    /// A question to many, `announcement.id`, to answer it.
    Poll(i64),
    /// This answer to it, from 1.
    Answer(i64, usize),
    /// A file of an announcement: `attachment.id`.
    File(i64),
    /// What a button below a message stands for, once more.
    Below(String),
    /// To ask, or say what is wrong, of one child or the only one.
    Ask(InquiryKind, Option<i64>),
    /// What is wrong: an entry, in words.
    About(i64, String),
    /// To send what was typed.
    SendInquiry,
    /// To leave.
    Stop,
    /// To leave, for sure.
    StopNow,
    /// Something that only staff do.
    Staff(Task),
    /// Something that only who leads the school does.
    Lead(Lead),
}

/// A page of a conversation.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// What it says.
    pub(crate) text: String,
    /// What can be chosen: rows of words and meanings.
    pub(crate) rows: Vec<Vec<(String, Choice)>>,
}

/// Prints no words.
impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({} rows)", self.rows.len())
    }
}

impl Page {
    /// A page that only says something.
    pub(crate) fn new(text: String) -> Self {
        Self {
            text,
            rows: Vec::new(),
        }
    }

    /// With one more row.
    #[must_use]
    pub(crate) fn row(mut self, row: Vec<(String, Choice)>) -> Self {
        self.rows.push(row);
        self
    }
}
