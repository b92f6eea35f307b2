//! The helpers that templates may use.

use chrono::{Datelike, NaiveDate};
use handlebars::{Handlebars, handlebars_helper};

const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// Registers `day`, `short_day`, `mark` and `plural`.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    handlebars_helper!(day_helper: |date: str| on_day(date, long_day));
    handlebars_helper!(short_day_helper: |date: str| on_day(date, short_day));
    handlebars_helper!(mark_helper: |value: str| mark(value));
    handlebars_helper!(plural_helper: |n: u64, one: str, few: str, many: str| {
        plural(n, one, few, many).to_owned()
    });
    registry.register_helper("day", Box::new(day_helper));
    registry.register_helper("short_day", Box::new(short_day_helper));
    registry.register_helper("mark", Box::new(mark_helper));
    registry.register_helper("plural", Box::new(plural_helper));
}

fn on_day(date: &str, write: impl Fn(NaiveDate) -> String) -> String {
    date.parse().map_or_else(|_| date.to_owned(), write)
}

/// «14 октября»
fn long_day(date: NaiveDate) -> String {
    format!("{} {}", date.day(), MONTHS[date.month0() as usize])
}

/// «14.10»
fn short_day(date: NaiveDate) -> String {
    date.format("%d.%m").to_string()
}

/// A mark as it is read aloud: a bare point on a screen is taken for dirt.
fn mark(value: &str) -> String {
    match value {
        "." => "точка (долг)".to_owned(),
        other => other.to_owned(),
    }
}

/// The Russian form of a noun after a number: 1 отметка, 2 отметки, 5 отметок, 11 отметок.
fn plural<'a>(n: u64, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_their_form() {
        let form = |n| plural(n, "отметка", "отметки", "отметок");
        for n in [1, 21, 101] {
            assert_eq!(form(n), "отметка", "{n}");
        }
        for n in [2, 4, 22] {
            assert_eq!(form(n), "отметки", "{n}");
        }
        for n in [0, 5, 11, 12, 14, 111] {
            assert_eq!(form(n), "отметок", "{n}");
        }
    }

    #[test]
    fn days_read_as_people_write_them() {
        let date = NaiveDate::from_ymd_opt(2026, 9, 1).expect("a date");
        assert_eq!(
            (long_day(date), short_day(date)),
            ("1 сентября".into(), "01.09".into())
        );
    }
}
