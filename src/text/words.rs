//! The helpers that templates may use.

use chrono::{Datelike, NaiveDate};
use handlebars::{Handlebars, handlebars_helper};
use serde_json::Value;

use crate::journal::cell::DEBT;

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

/// From Monday: in full, and as calendars print it.
const WEEKDAYS: [(&str, &str); 7] = [
    ("понедельник", "пн"),
    ("вторник", "вт"),
    ("среда", "ср"),
    ("четверг", "чт"),
    ("пятница", "пт"),
    ("суббота", "сб"),
    ("воскресенье", "вс"),
];

/// The names that templates may call: those registered here, and those of the template engine that
/// only decide and repeat. Its `log` is not among them: templates see names and marks, which
/// belong in no log.
pub(super) const HELPERS: &[&str] = &[
    "day",
    "short_day",
    "weekday",
    "short_weekday",
    "mark",
    "mark_in_words",
    "list",
    "plural",
    "if",
    "unless",
    "each",
    "with",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "len",
];

/// Registers the helpers.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    handlebars_helper!(day_helper: |date: str| of_date(date, day));
    handlebars_helper!(short_day_helper: |date: str| of_date(date, short_day));
    handlebars_helper!(weekday_helper: |date: str| of_date(date, weekday));
    handlebars_helper!(short_weekday_helper: |date: str| of_date(date, short_weekday));
    handlebars_helper!(mark_helper: |value: str| mark(value).to_owned());
    handlebars_helper!(mark_in_words_helper: |value: str| mark_in_words(value).to_owned());
    handlebars_helper!(list_helper: |items: array| list(items));
    handlebars_helper!(plural_helper: |n: u64, one: str, few: str, many: str| {
        plural(n, one, few, many).to_owned()
    });
    registry.register_helper("day", Box::new(day_helper));
    registry.register_helper("short_day", Box::new(short_day_helper));
    registry.register_helper("weekday", Box::new(weekday_helper));
    registry.register_helper("short_weekday", Box::new(short_weekday_helper));
    registry.register_helper("mark", Box::new(mark_helper));
    registry.register_helper("mark_in_words", Box::new(mark_in_words_helper));
    registry.register_helper("list", Box::new(list_helper));
    registry.register_helper("plural", Box::new(plural_helper));
}

fn of_date(date: &str, write: impl Fn(NaiveDate) -> String) -> String {
    date.parse().map_or_else(|_| date.to_owned(), write)
}

/// «14 октября»
fn day(date: NaiveDate) -> String {
    format!("{} {}", date.day(), MONTHS[date.month0() as usize])
}

/// «14.10»
fn short_day(date: NaiveDate) -> String {
    date.format("%d.%m").to_string()
}

/// «среда»
fn weekday(date: NaiveDate) -> String {
    names_of(date).0.to_owned()
}

/// «ср 14.10»
fn short_weekday(date: NaiveDate) -> String {
    format!("{} {}", names_of(date).1, short_day(date))
}

fn names_of(date: NaiveDate) -> (&'static str, &'static str) {
    WEEKDAYS[date.weekday().num_days_from_monday() as usize]
}

/// A mark where room is short. A bare point is explained all the same: on a screen it is taken for
/// dirt, and a screen reader passes it over.
fn mark(value: &str) -> &str {
    match value {
        DEBT => "точка (долг)",
        other => other,
    }
}

/// A mark with its abbreviation spelt out, in words that agree with a boy's name and a girl's.
fn mark_in_words(value: &str) -> &str {
    match value {
        "н/а" => "н/а (нет аттестации)",
        "осв" => "осв (освобождение)",
        other => mark(other),
    }
}

/// «4», «4 и 3», «4, 3 и 5»; entries that have a comma of their own are parted by semicolons.
fn list(items: &[Value]) -> String {
    let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    match items.as_slice() {
        items if items.iter().any(|item| item.contains(',')) => items.join("; "),
        [before @ .., last] if !before.is_empty() => format!("{} и {last}", before.join(", ")),
        items => items.concat(),
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
    use handlebars::RenderErrorReason;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_take_their_form() {
        let form = |n| plural(n, "отметка", "отметки", "отметок");
        for n in [1, 21, 101] {
            assert_eq!(form(n), "отметка", "{n}");
        }
        for n in [2, 4, 22, 104] {
            assert_eq!(form(n), "отметки", "{n}");
        }
        for n in [0, 5, 11, 12, 14, 111] {
            assert_eq!(form(n), "отметок", "{n}");
        }
    }

    #[test]
    fn days_read_as_people_write_them() {
        let date = NaiveDate::from_ymd_opt(2026, 9, 1).expect("a date");
        let ways = [day, short_day, weekday, short_weekday].map(|way| way(date));
        assert_eq!(ways, ["1 сентября", "01.09", "вторник", "вт 01.09"]);
    }

    #[test]
    fn a_mark_says_what_it_means() {
        assert_eq!(mark("."), "точка (долг)");
        assert_eq!(mark("н/а"), "н/а", "an SMS has no room for more");
        assert_eq!(mark_in_words("н/а"), "н/а (нет аттестации)");
        assert_eq!(mark_in_words("осв"), "осв (освобождение)");
        assert_eq!(mark_in_words("4-"), "4-");
    }

    #[test]
    fn a_list_reads_as_it_is_spoken() {
        let list = |items: &[&str]| list(json!(items).as_array().expect("an array"));
        assert_eq!(list(&[]), "");
        assert_eq!(list(&["4"]), "4");
        assert_eq!(list(&["4", "3"]), "4 и 3");
        assert_eq!(list(&["4", "3", "5"]), "4, 3 и 5");
        assert_eq!(list(&["было 3, теперь 4", "5"]), "было 3, теперь 4; 5");
    }

    #[test]
    fn every_helper_that_templates_may_call_exists() {
        let mut registry = Handlebars::new();
        register(&mut registry);
        for name in HELPERS {
            let outcome = registry.render_template(&format!("{{{{{name} 1 2 3 4}}}}"), &());
            let missing = outcome
                .is_err_and(|error| matches!(error.reason(), RenderErrorReason::HelperNotFound(_)));
            assert!(!missing, "{name}");
        }
    }
}
