//! The printed weekly sheet: data and a template in, a PDF out.
//!
//! Typst sets the pages. It is large, and a template is a program, so it runs in a process of its own:
//! [`Child`] starts one for each class, gives it bounds of time and memory, and lets nothing of it stay
//! behind. The template sees the data as a JSON file and never as source, so that no name and no
//! homework can be taken for markup.

mod calls;
mod cards;
mod child;
mod clean;
mod consents;
mod data;
mod picture;
mod render;
mod sample;
mod summary;

pub use calls::{Call, Calls};
pub use cards::{Card, Cards};
pub use child::{Child, work};
pub use consents::{Consents, Form};
pub use data::{Announcement, Batch, Homework, Mark, Remark, Row, Sheet, Subject, TermResult};
pub use picture::{codes, picture};
pub use render::{Pdf, Purpose, render, render_for};
pub use sample::sample;
pub use summary::{Summary, Table};

/// Something to be printed: the data that a template sees.
pub trait Paper {
    /// The data, fit for paper.
    ///
    /// # Errors
    /// What cannot be written as JSON.
    fn data(&self) -> serde_json::Result<serde_json::Value>;
}

impl Paper for Batch {
    fn data(&self) -> serde_json::Result<serde_json::Value> {
        let mut data = serde_json::to_value(clean::batch(self.clone()))?;
        let sheets = data["sheets"].as_array_mut().into_iter().flatten();
        for sheet in sheets {
            // The slip is recognised by a phone, too.
            sheet["picture"] = sheet["code"].as_str().and_then(picture).into();
        }
        Ok(data)
    }
}

/// The layout of calls: `templates/sheets/calls.typ`.
pub const CALLS: &str = include_str!("../../../templates/sheets/calls.typ");

/// The layout of invitations: `templates/sheets/cards.typ`.
pub const CARDS: &str = include_str!("../../../templates/sheets/cards.typ");

/// The layout of forms of consent: `templates/sheets/consents.typ`.
pub const CONSENTS: &str = include_str!("../../../templates/sheets/consents.typ");

/// The layout of the results of terms: `templates/sheets/summary.typ`.
pub const SUMMARY: &str = include_str!("../../../templates/sheets/summary.typ");

/// The layout that comes with the program: `templates/sheets/week.typ`.
pub const WEEK: &str = include_str!("../../../templates/sheets/week.typ");

/// Why there are no pages. None of it quotes the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum RenderError {
    /// The template is wrong.
    #[error("line {line}: {message}")]
    Template {
        /// Counted from 1; 0 where no line is to blame.
        line: usize,
        /// What typst says.
        message: String,
    },
    /// The child took too long.
    #[error("it took longer than {0} s and was stopped: the template may never end")]
    TimedOut(u64),
    /// The child died.
    #[error("the process that sets the pages died ({0}): the template may need too much memory")]
    Died(String),
    /// The child wrote more than any class needs.
    #[error("the pages are larger than {0} MB")]
    TooLarge(usize),
    /// The child could not be started.
    #[error("the process that sets the pages cannot be started: {0}")]
    NoProgram(String),
}
