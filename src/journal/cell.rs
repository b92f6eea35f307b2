//! The content of a journal cell, and what a family has to hear when it changes.

use serde::{Deserialize, Serialize};

use super::fact::Place;

/// A debt: the point that a teacher sets where work is still to be handed in.
pub const DEBT: &str = ".";

/// The marks in one cell as the teacher entered them.
///
/// A cell is a bag of values: positions shift when the first of two marks is deleted, and a family
/// that knows «5 and 4» must then hear that one mark went, not that one changed (formats §9, 6).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Cell {
    values: Vec<String>,
}

impl Cell {
    /// Whether nothing stands in the cell.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The values in ascending order of their text, so that equal cells compare equal.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The cell as it was before `changes`, oldest first, led to this state. A change of a value
    /// that is not there has been overtaken by a later one and is passed over.
    #[must_use]
    pub fn before(&self, changes: &[CellChange]) -> Self {
        let mut values = self.values.clone();
        for change in changes.iter().rev() {
            if let Some(new) = &change.new
                && let Some(at) = values.iter().position(|value| value == new)
            {
                values.remove(at);
            }
            values.extend(change.old.clone());
        }
        values.into()
    }
}

impl From<Vec<String>> for Cell {
    fn from(mut values: Vec<String>) -> Self {
        values.retain(|value| !value.trim().is_empty());
        values.sort();
        Self { values }
    }
}

impl From<Cell> for Vec<String> {
    fn from(cell: Cell) -> Self {
        cell.values
    }
}

impl<'a> FromIterator<&'a str> for Cell {
    fn from_iter<I: IntoIterator<Item = &'a str>>(values: I) -> Self {
        values
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .into()
    }
}

/// What one `change` row did to one cell: entered (`old` absent), deleted (`new` absent) or
/// replaced a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellChange {
    /// The value that stood there.
    pub old: Option<String>,
    /// The value that stands there instead.
    pub new: Option<String>,
}

/// What somebody knows of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// They were told these values by us.
    Told(Cell),
    /// They were never told by us: the values come from before the baseline, or from a time when
    /// they had no right to hear. What stood there may be said to nobody as «was», because to them
    /// it never was.
    Untold(Cell),
}

impl Known {
    /// The values, told or not.
    pub fn cell(&self) -> &Cell {
        match self {
            Self::Told(cell) | Self::Untold(cell) => cell,
        }
    }

    /// What somebody has to be taken to know who was `perhaps` told something since, when `now` stands
    /// there: nobody could say whether the message was taken. What still stands goes on being told, for
    /// they may not have heard it; what does not is corrected, for they may have.
    #[must_use]
    pub fn or_perhaps(self, perhaps: Option<Cell>, now: &Cell) -> Self {
        match perhaps {
            Some(cell) if cell != *now => Self::Told(cell),
            _ => self,
        }
    }
}

/// One thing that has to be said about a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A mark was entered, or a debt was closed by one.
    Entered(String),
    /// A mark was replaced. The old value is absent for whom it was never told to.
    Corrected {
        /// What they were told.
        old: Option<String>,
        /// What is right.
        new: String,
    },
    /// A mark is gone. The value is absent for whom it was never told to.
    Withdrawn(Option<String>),
}

/// What must be said to somebody who knows `known` when the cell reads `now`; nothing if they know
/// it all.
///
/// Values that went are paired with values that came: a pair is a correction. What is left over is
/// a new mark or a withdrawal. A debt that became a mark is told as a mark (design §7.3).
pub fn news(known: &Known, now: &Cell) -> Vec<News> {
    let mut gone = surplus(known.cell(), now)
        .into_iter()
        .collect::<std::collections::VecDeque<_>>();
    let mut news = Vec::new();
    for new in surplus(now, known.cell()) {
        news.push(match gone.pop_front() {
            None => News::Entered(new),
            Some(old) if old == DEBT => News::Entered(new),
            Some(old) => {
                let told = matches!(known, Known::Told(_));
                News::Corrected {
                    old: told.then_some(old),
                    new,
                }
            }
        });
    }
    let told = matches!(known, Known::Told(_));
    // Who was never told of a debt need not hear that it is gone.
    gone.retain(|old| told || old != DEBT);
    news.extend(
        gone.into_iter()
            .map(|old| News::Withdrawn(told.then_some(old))),
    );
    news
}

/// What must be said of this place to somebody who knows `known` when it reads `now`.
///
/// That a mark or a result is gone is said to those as well who only may have seen it in the journal.
/// Of everything else, who was never told of it need not hear that it is gone.
pub fn news_of(place: Place, known: &Known, now: &Cell) -> Vec<News> {
    let mut news = news(known, now);
    if !matches!(place, Place::Mark { .. } | Place::TermResult { .. }) {
        news.retain(|item| *item != News::Withdrawn(None));
    }
    news
}

/// The values of `left` that `right` does not have, each as often as it has more of them.
fn surplus(left: &Cell, right: &Cell) -> Vec<String> {
    let mut rest = right.values.clone();
    let missing = |value: &&String| match rest.iter().position(|other| other == *value) {
        Some(at) => {
            rest.remove(at);
            false
        }
        None => true,
    };
    left.values.iter().filter(missing).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cell(text: &str) -> Cell {
        text.split_whitespace().collect()
    }

    fn told(text: &str, now: &str) -> Vec<News> {
        news(&Known::Told(cell(text)), &cell(now))
    }

    fn corrected(old: &str, new: &str) -> News {
        News::Corrected {
            old: Some(old.into()),
            new: new.into(),
        }
    }

    #[test]
    fn each_kind_of_change_is_told_by_its_name() {
        assert_eq!(told("", "4"), [News::Entered("4".into())]);
        assert_eq!(told("3", "4"), [corrected("3", "4")]);
        assert_eq!(told("4", ""), [News::Withdrawn(Some("4".into()))]);
        assert_eq!(
            told("5 4", "4"),
            [News::Withdrawn(Some("5".into()))],
            "the rest did not change"
        );
        assert_eq!(
            told("4", "4 4"),
            [News::Entered("4".into())],
            "a second equal mark is news"
        );
        assert_eq!(
            told(".", "4"),
            [News::Entered("4".into())],
            "a closed debt is a mark"
        );
        assert_eq!(told("4 5", "5 4"), [], "order means nothing");
    }

    #[test]
    fn what_was_never_told_is_never_quoted() {
        let untold = |known, now| news(&Known::Untold(cell(known)), &cell(now));
        assert_eq!(
            untold("4", "5"),
            [News::Corrected {
                old: None,
                new: "5".into()
            }]
        );
        assert_eq!(
            untold("4", ""),
            [News::Withdrawn(None)],
            "they may have seen it in the journal"
        );
        assert_eq!(untold(".", ""), []);
        assert_eq!(
            untold("5", "5 4"),
            [News::Entered("4".into())],
            "a baseline value is not news"
        );
    }

    #[test]
    fn changes_are_undone_newest_first() {
        let step = |old: Option<&str>, new: Option<&str>| CellChange {
            old: old.map(Into::into),
            new: new.map(Into::into),
        };
        let changes = [step(Some("3"), Some("4")), step(Some("4"), Some("5"))];
        assert_eq!(cell("5").before(&changes), cell("3"));
        assert_eq!(
            cell("").before(&[step(None, Some("2")), step(Some("2"), None)]),
            cell("")
        );
    }

    fn any_cell() -> impl Strategy<Value = Cell> {
        prop::collection::vec(prop::sample::select(vec!["5", "4", "3", ".", "н/а"]), 0..5)
            .prop_map(|values| values.into_iter().collect())
    }

    proptest! {
        #[test]
        fn silence_means_that_they_know_it_all(known in any_cell(), now in any_cell()) {
            prop_assert_eq!(news(&Known::Told(known.clone()), &now).is_empty(), known == now);
        }

        #[test]
        fn who_believes_what_is_said_knows_the_journal(known in any_cell(), now in any_cell()) {
            let mut belief = known.values().to_vec();
            for item in news(&Known::Told(known.clone()), &now) {
                match item {
                    News::Entered(new) => {
                        // A mark in place of a debt closes the debt; any other mark is one more.
                        let closes = belief.iter().filter(|v| *v == DEBT).count()
                            > now.values().iter().filter(|v| *v == DEBT).count();
                        if closes && let Some(at) = belief.iter().position(|v| v == DEBT) {
                            belief.remove(at);
                        }
                        belief.push(new);
                    }
                    News::Corrected { old, new } => {
                        let at = belief.iter().position(|v| Some(v) == old.as_ref());
                        belief.remove(at.expect("a correction names what was told"));
                        belief.push(new);
                    }
                    News::Withdrawn(old) => {
                        let at = belief.iter().position(|v| Some(v) == old.as_ref());
                        belief.remove(at.expect("a withdrawal names what was told"));
                    }
                }
            }
            prop_assert_eq!(Cell::from(belief), now);
        }
    }
}
