//! When a school teaches: terms, holidays, and days that differ from the rule.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::week::Week;

/// The grades that a row speaks of, from and to; all where a bound is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grades {
    /// The first.
    pub from: Option<i64>,
    /// The last.
    pub to: Option<i64>,
}

impl Grades {
    /// Whether it speaks of this grade. Who has none is meant by every row.
    pub fn covers(self, grade: Option<i64>) -> bool {
        grade.is_none_or(|grade| {
            self.from.is_none_or(|from| from <= grade) && self.to.is_none_or(|to| grade <= to)
        })
    }
}

/// From one day to another, both of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub to: NaiveDate,
    /// For whom.
    pub grades: Grades,
}

/// A day that differs from the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day.
    pub date: NaiveDate,
    /// For whom.
    pub grades: Grades,
    /// Whether there is school.
    pub school: bool,
}

/// What a school has written down of its year.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// The days that differ from the rule.
    pub days: Vec<Day>,
    /// Quarters, trimesters and so on.
    pub terms: Vec<Span>,
    /// School years.
    pub years: Vec<Span>,
}

impl Calendar {
    /// Whether a grade has school on a day. What stands in the calendar comes first, then the terms.
    /// After the last term that is known nobody has said anything yet, and the school year decides, or
    /// else the custom: from September to May.
    pub fn teaches(&self, grade: Option<i64>, day: NaiveDate) -> bool {
        let mut named = self
            .days
            .iter()
            .filter(|one| one.date == day && one.grades.covers(grade));
        if let Some(last) = named.next_back() {
            return last.school;
        }
        if day.weekday() == Weekday::Sun {
            return false;
        }
        let year = school_year(day);
        let of_year = |span: &&Span| span.grades.covers(grade) && school_year(span.from) == year;
        let inside = |span: &Span| (span.from..=span.to).contains(&day);
        let terms: Vec<&Span> = self.terms.iter().filter(of_year).collect();
        if terms.iter().any(|term| inside(term)) {
            return true;
        }
        if terms.iter().any(|term| day < term.to) {
            return false;
        }
        let years: Vec<&Span> = self.years.iter().filter(of_year).collect();
        if years.is_empty() {
            !(6..=8).contains(&day.month())
        } else {
            years.iter().any(|year| inside(year))
        }
    }

    /// Whether a grade has school on any day of a week. A Saturday that nobody speaks of is free where
    /// the five days before are.
    pub fn teaches_in(&self, grade: Option<i64>, week: Week) -> bool {
        let mut days = week.monday().iter_days().take(7);
        days.any(|day| {
            let workday = !matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
            (workday || self.names(grade, day)) && self.teaches(grade, day)
        })
    }

    /// Whether a grade has holidays in the whole of a week because the school has written so. What
    /// custom alone says makes no holidays: a sheet too many is better than one too few.
    pub fn rests_in(&self, grade: Option<i64>, week: Week) -> bool {
        let year = school_year(week.monday());
        let mut spans = self.terms.iter().chain(&self.years);
        let written = spans.any(|span| span.grades.covers(grade) && school_year(span.from) == year)
            || week
                .monday()
                .iter_days()
                .take(7)
                .any(|day| self.names(grade, day));
        written && !self.teaches_in(grade, week)
    }

    fn names(&self, grade: Option<i64>, day: NaiveDate) -> bool {
        let mut days = self.days.iter();
        days.any(|one| one.date == day && one.grades.covers(grade))
    }
}

/// The year in whose autumn the school year of a day began.
fn school_year(day: NaiveDate) -> i32 {
    if day.month() >= 8 {
        day.year()
    } else {
        day.year() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn span(from: &str, to: &str) -> Span {
        Span {
            from: day(from),
            to: day(to),
            grades: Grades::default(),
        }
    }

    fn week(text: &str) -> Week {
        text.parse().expect("a week")
    }

    #[test]
    fn between_two_terms_are_holidays_and_after_the_last_known_nobody_knows() {
        let calendar = Calendar {
            terms: vec![
                span("2026-09-01", "2026-10-25"),
                span("2026-11-05", "2026-12-30"),
            ],
            ..Calendar::default()
        };
        assert!(calendar.teaches(Some(5), day("2026-10-23")));
        assert!(!calendar.teaches(Some(5), day("2026-10-28")));
        assert!(!calendar.teaches_in(Some(5), week("2026-W44")));
        assert!(
            calendar.teaches_in(Some(5), week("2026-W45")),
            "Thursday is school"
        );
        assert!(calendar.teaches_in(Some(5), week("2027-W06")));
        assert!(!calendar.teaches_in(Some(5), week("2027-W27")));
    }

    #[test]
    fn a_day_of_the_calendar_outweighs_the_terms_for_its_grades() {
        let calendar = Calendar {
            days: vec![
                Day {
                    date: day("2026-10-14"),
                    grades: Grades {
                        from: Some(1),
                        to: Some(1),
                    },
                    school: false,
                },
                Day {
                    date: day("2026-10-18"),
                    grades: Grades::default(),
                    school: true,
                },
            ],
            ..Calendar::default()
        };
        assert!(!calendar.teaches(Some(1), day("2026-10-14")));
        assert!(calendar.teaches(Some(2), day("2026-10-14")));
        assert!(calendar.teaches(Some(2), day("2026-10-18")), "a Sunday");
        assert!(!calendar.teaches(Some(2), day("2026-10-11")));
    }

    #[test]
    fn where_nothing_is_known_the_summer_is_free() {
        let calendar = Calendar::default();
        assert!(calendar.teaches_in(None, week("2026-W42")));
        assert!(!calendar.teaches_in(None, week("2026-W28")));
    }
}
