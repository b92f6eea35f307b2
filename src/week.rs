//! Weeks: by their ISO number, as schools name their sheets.

use std::{fmt, str::FromStr};

use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde::{Deserialize, Serialize};

use crate::text::words;

/// A week from Monday to Sunday (ISO 8601).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Week {
    monday: NaiveDate,
}

/// Why a text is no week.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "«{0}» is no week: write year and week as in 2026-W42, or a day of the week as in 2026-10-14"
)]
pub struct WeekError(String);

impl Week {
    /// The week that a day belongs to.
    pub fn of(day: NaiveDate) -> Self {
        Self {
            monday: day.week(Weekday::Mon).first_day(),
        }
    }

    /// The week that is written about on a day: who writes on a Monday or a Tuesday writes about the one
    /// that is over.
    pub fn told_on(day: NaiveDate) -> Self {
        match day.weekday() {
            Weekday::Mon | Weekday::Tue => Self::of(day - Days::new(7)),
            _ => Self::of(day),
        }
    }

    /// Its first day.
    pub fn monday(self) -> NaiveDate {
        self.monday
    }

    /// Its last day.
    pub fn sunday(self) -> NaiveDate {
        self.monday + Days::new(6)
    }

    /// The week so many weeks later.
    #[must_use]
    pub fn later(self, weeks: u64) -> Self {
        Self::of(self.monday + Days::new(7 * weeks))
    }

    /// Which week of the school year it is, counted from 1, where the year began on `first_day`.
    pub fn number_since(self, first_day: NaiveDate) -> u32 {
        let weeks = (self.monday - Self::of(first_day).monday).num_weeks();
        u32::try_from(weeks + 1).unwrap_or(1)
    }

    /// «12–16 октября 2026»; the Saturday is named where the class has lessons on it.
    pub fn label(self, with_saturday: bool) -> String {
        self.label_from(self, with_saturday)
    }

    /// «5–16 октября 2026», from the first day of an earlier week on.
    pub fn label_from(self, first: Self, with_saturday: bool) -> String {
        let last = self.monday + Days::new(if with_saturday { 5 } else { 4 });
        format!("{} {}", words::days(first.monday, last), last.year())
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let week = self.monday.iso_week();
        write!(f, "{}-W{:02}", week.year(), week.week())
    }
}

impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.to_string()
    }
}

impl TryFrom<String> for Week {
    type Error = WeekError;

    fn try_from(text: String) -> Result<Self, WeekError> {
        text.parse()
    }
}

impl FromStr for Week {
    type Err = WeekError;

    fn from_str(text: &str) -> Result<Self, WeekError> {
        let wrong = || WeekError(text.to_owned());
        if let Ok(day) = text.parse() {
            return Ok(Self::of(day));
        }
        let (year, week) = text.split_once("-W").ok_or_else(wrong)?;
        let (year, week) = (year.parse().ok(), week.parse().ok());
        let monday = year
            .zip(week)
            .and_then(|(year, week)| NaiveDate::from_isoywd_opt(year, week, Weekday::Mon));
        monday.map(|monday| Self { monday }).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_named_by_its_number_or_by_one_of_its_days() {
        let week: Week = "2026-W42".parse().expect("a week");
        assert_eq!(week.to_string(), "2026-W42");
        assert_eq!("2026-10-14".parse(), Ok(week));
        assert_eq!(week.label(false), "12–16 октября 2026");
        assert_eq!(week.label(true), "12–17 октября 2026");
        let day = |text: &str| text.parse().expect("a date");
        assert_eq!(Week::told_on(day("2026-10-16")), week);
        assert_eq!(Week::told_on(day("2026-10-20")), week);
        let across: Week = "2026-W40".parse().expect("a week");
        assert_eq!(across.label(false), "28 сентября – 2 октября 2026");
        for wrong in ["2026-W60", "42", "next", "2026-42"] {
            assert!(wrong.parse::<Week>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn sheets_are_counted_from_the_first_of_september() {
        let first = NaiveDate::from_ymd_opt(2026, 9, 1).expect("a date");
        assert_eq!(Week::of(first).number_since(first), 1);
        let week: Week = "2026-W42".parse().expect("a week");
        assert_eq!(week.number_since(first), 7);
        let january: Week = "2027-W02".parse().expect("a week");
        assert_eq!(january.number_since(first), 20);
    }
}
