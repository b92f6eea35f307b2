//! Until when the journal has to know something: what staff are reminded of when it does not.

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::policy::HomeworkEntry;

/// When the homework of a day has to be in the journal, where the class's last lesson, and the school's, end
/// at these times. A day whose end nobody has written down ends at midnight.
pub fn homework_due(
    rule: HomeworkEntry,
    day: NaiveDate,
    class: Option<NaiveTime>,
    school: Option<NaiveTime>,
) -> NaiveDateTime {
    let midnight = (day + Days::new(1)).and_time(NaiveTime::MIN);
    let after = |end: Option<NaiveTime>, millis| {
        end.map_or(midnight, |end| {
            day.and_time(end) + TimeDelta::milliseconds(millis)
        })
    };
    match rule {
        HomeworkEntry::At(time) => day.and_time(time),
        HomeworkEntry::AfterClass(period) => after(class, period.0),
        HomeworkEntry::AfterSchool(period) => after(school, period.0),
        HomeworkEntry::EndOfDay => midnight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_shift_has_its_homework_late_in_the_evening() {
        let day = NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date");
        let time = |text: &str| Some(text.parse().expect("a time"));
        let due = |rule: &str| {
            let rule = rule.parse().expect("a rule");
            homework_due(rule, day, time("18:30:00"), time("19:10:00")).to_string()
        };
        assert_eq!(due("17:00"), "2026-10-14 17:00:00");
        assert_eq!(due("class+3h"), "2026-10-14 21:30:00");
        assert_eq!(due("school+5h"), "2026-10-15 00:10:00");
        assert_eq!(due("end_of_day"), "2026-10-15 00:00:00");
        let unknown = homework_due("class+3h".parse().expect("a rule"), day, None, None);
        assert_eq!(unknown.to_string(), "2026-10-15 00:00:00");
    }
}
