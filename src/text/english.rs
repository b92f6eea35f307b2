//! The helpers of English texts: the same as the Russian ones, in other words.

use chrono::{Datelike, NaiveDate};
use handlebars::{Handlebars, handlebars_helper};
use serde_json::Value;

use super::{
    Item,
    words::{short_day, span},
};
use crate::{family::preference::Event, journal::cell::DEBT};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

/// Registers the helpers over the Russian ones.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    handlebars_helper!(day_helper: |date: str| of_date(date, day));
    handlebars_helper!(weekday_helper: |date: str| of_date(date, |date| weekday(date).to_owned()));
    handlebars_helper!(short_weekday_helper: |date: str| of_date(date, short_weekday));
    handlebars_helper!(mark_helper: |value: str| mark(value).to_owned());
    handlebars_helper!(attendance_helper: |value: str| attendance(value));
    handlebars_helper!(lesson_change_helper: |value: str| lesson_change(value));
    handlebars_helper!(result_helper: |value: str| result(value));
    handlebars_helper!(service_helper: |value: str| service(value));
    handlebars_helper!(say_helper: |event: str, value: str| say(event, value));
    handlebars_helper!(list_helper: |items: array| list(items));
    registry.register_helper("day", Box::new(day_helper));
    registry.register_helper("weekday", Box::new(weekday_helper));
    registry.register_helper("short_weekday", Box::new(short_weekday_helper));
    registry.register_helper("mark", Box::new(mark_helper));
    registry.register_helper("attendance", Box::new(attendance_helper));
    registry.register_helper("lesson_change", Box::new(lesson_change_helper));
    registry.register_helper("result", Box::new(result_helper));
    registry.register_helper("service", Box::new(service_helper));
    registry.register_helper("say", Box::new(say_helper));
    registry.register_helper("list", Box::new(list_helper));
}

fn of_date(date: &str, write: impl Fn(NaiveDate) -> String) -> String {
    date.parse().map_or_else(|_| date.to_owned(), write)
}

fn day(date: NaiveDate) -> String {
    format!("{} {}", date.day(), MONTHS[date.month0() as usize])
}

fn weekday(date: NaiveDate) -> &'static str {
    WEEKDAYS[date.weekday().num_days_from_monday() as usize]
}

/// «Wed 14.10»
pub(super) fn short_weekday(date: NaiveDate) -> String {
    format!("{} {}", &weekday(date)[..3], short_day(date))
}

/// «12–16 October»
pub(super) fn days(from: NaiveDate, to: NaiveDate) -> String {
    span(from, to, day)
}

fn mark(value: &str) -> &str {
    match value {
        DEBT => "a point (work not handed in)",
        other => other,
    }
}

/// A value of the journal in words.
fn say(event: &str, value: &str) -> String {
    match Event::from_code(event) {
        Some(Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn) => mark(value).to_owned(),
        Some(Event::Absence | Event::Lateness | Event::AttendanceCorrected) => attendance(value),
        Some(Event::ScheduleChange) => lesson_change(value),
        Some(Event::Forecast | Event::Preliminary | Event::TermResult | Event::Exam) => {
            result(value)
        }
        Some(Event::Service) => service(value),
        _ => value.to_owned(),
    }
}

/// What an attendance entry says.
fn attendance(value: &str) -> String {
    match value.split_once(':') {
        Some(("late", minutes)) => format!("late by {minutes} min"),
        _ => match value {
            "absent" => "absent".to_owned(),
            "ill" => "absent (ill)".to_owned(),
            "excused" => "absent (excused)".to_owned(),
            "unexcused" => "absent (not excused)".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// What becomes of a lesson.
fn lesson_change(value: &str) -> String {
    match value.split_once(':') {
        Some(("moved", date)) => format!("the lesson is moved to {}", of_date(date, day)),
        Some(("substitute", _)) => "another teacher gives the lesson".to_owned(),
        _ => match value {
            "cancelled" => "there is no lesson".to_owned(),
            "moved" => "the lesson is moved".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// The result of a term.
pub(super) fn result(value: &str) -> String {
    match value.split_once(':') {
        Some(("deferred", date)) => format!("deferred to {}", of_date(date, day)),
        Some(("outlook", averages)) => {
            format!("preliminary, the average so far: {averages}. These are no results yet")
        }
        _ => match value {
            "deferred" => "deferred".to_owned(),
            "not_certified" => "not assessed".to_owned(),
            other => mark(other).to_owned(),
        },
    }
}

/// What the school says about the service itself.
pub(super) fn service(value: &str) -> String {
    let mut parts = value.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("nothing"), ..) => "no new marks this week".to_owned(),
        (Some("voluntary"), ..) => "news of the school diary reach you as this one does. The service is voluntary: \
             tell the class teacher if you want to leave it or to change the way (SMS, e-mail, bot, paper)"
            .to_owned(),
        (Some("summary"), Some(count), Some(from), Some(to)) => {
            let span = match (from.parse(), to.parse()) {
                (Ok(from), Ok(to)) => days(from, to),
                _ => format!("{from} – {to}"),
            };
            let entries = if count == "1" { "entry" } else { "entries" };
            format!("{count} {entries} of {span} came into the journal; the class teacher knows more")
        }
        _ => value.to_owned(),
    }
}

/// What stands over a group of news: the subject of marks, else what kind of news it is.
pub(super) fn heading(item: &Item, short: bool) -> String {
    let of_term = |what: &str| match &item.term {
        Some((kind, number)) => format!("{what}, {}", term(kind, *number)),
        None => what.to_owned(),
    };
    match item.event {
        Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn => {
            item.subject.clone().unwrap_or_else(|| "Mark".to_owned())
        }
        Event::Urgent => item.title.clone().unwrap_or_else(|| "Urgent".to_owned()),
        Event::Announcement => {
            let plain = || "Announcement".to_owned();
            item.title.clone().unwrap_or_else(plain)
        }
        Event::ScheduleChange if short => "Timetable".to_owned(),
        Event::ScheduleChange => "Change of the timetable".to_owned(),
        Event::Absence => "Absence".to_owned(),
        Event::Lateness => "Lateness".to_owned(),
        Event::AttendanceCorrected => "Attendance corrected".to_owned(),
        Event::Praise => "Praise".to_owned(),
        Event::Achievement => "Achievement".to_owned(),
        Event::Remark => "Teacher's remark".to_owned(),
        Event::Appeal => "The teacher asks".to_owned(),
        Event::Forecast => of_term("Outlook"),
        Event::Preliminary => of_term("Preliminary marks"),
        Event::TermResult => of_term("Results"),
        Event::Exam => "Exam".to_owned(),
        Event::Homework => "Homework".to_owned(),
        Event::Test => "Test ahead".to_owned(),
        Event::ClassEvent => "Event".to_owned(),
        Event::Service => "Diary".to_owned(),
    }
}

fn term(kind: &str, number: i64) -> String {
    match kind {
        "quarter" => format!("quarter {number}"),
        "trimester" => format!("trimester {number}"),
        "half_year" => format!("half-year {number}"),
        "module" => format!("module {number}"),
        _ => "the year".to_owned(),
    }
}

/// Which lesson is meant.
pub(super) fn lesson(item: &Item, short: bool) -> String {
    let hour = item.number.filter(|number| (1..=20).contains(number));
    match (&item.subject, hour) {
        (Some(subject), Some(number)) if !short => format!("{subject}, lesson {number}"),
        (Some(subject), _) => subject.clone(),
        (None, Some(number)) => format!("lesson {number}"),
        (None, None) if item.number.is_some_and(|number| number > 0) => "a lesson".to_owned(),
        (None, None) => "the day".to_owned(),
    }
}

/// «4», «4 and 3», «4, 3 and 5»
fn list(items: &[Value]) -> String {
    let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    match items.as_slice() {
        items if items.iter().any(|item| item.contains([',', '«'])) => items.join("; "),
        [before @ .., last] if !before.is_empty() => format!("{} and {last}", before.join(", ")),
        items => items.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_journal_have_english_words_and_texts_of_teachers_stay() {
        assert_eq!(say("absence", "ill"), "absent (ill)");
        assert_eq!(say("lateness", "late:10"), "late by 10 min");
        assert_eq!(say("homework", "ill"), "ill");
        assert_eq!(say("remark", "Забыл тетрадь"), "Забыл тетрадь");
        assert_eq!(
            say("term_result", "deferred:2026-11-06"),
            "deferred to 6 November"
        );
        assert_eq!(
            say("service", "nothing:2026-10-12"),
            "no new marks this week"
        );
        let date = NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date");
        assert_eq!(short_weekday(date), "Wed 14.10");
        assert_eq!(days(date, date.succ_opt().expect("a day")), "14–15 October");
    }
}
