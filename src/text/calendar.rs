//! Meetings as an iCalendar file (RFC 5545), so that a family's own calendar keeps them.
//!
//! Written here and not by a library, because those read the machine's clock.

use chrono::{DateTime, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use sha2::{Digest, Sha256};

use super::{School, view::one_line};
use crate::{
    instant::{MINUTE, Millis},
    links::hex,
    zone,
};

/// A line has no more bytes than this (RFC 5545 §3.1).
const WIDTH: usize = 75;

/// Revisions count minutes from here, 1 January 2025, so that they stay small.
const REVISIONS_FROM: Millis = 1_735_689_600_000;

/// A date that a family should keep.
#[derive(Clone, PartialEq, Eq)]
pub struct Meeting {
    /// `class_event.id`
    pub id: i64,
    /// The day.
    pub date: NaiveDate,
    /// «18:00, родительское собрание, кабинет 24»; the hour may be missing.
    pub what: String,
    /// Whether it will not take place.
    pub cancelled: bool,
}

/// Prints the number only.
impl std::fmt::Debug for Meeting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meeting({})", self.id)
    }
}

/// The file with these meetings; none where there are none. A later file with the same meeting replaces
/// what an earlier one said of it.
pub fn calendar(meetings: &[Meeting], school: &School, zone: Tz, now: Millis) -> Option<String> {
    if meetings.is_empty() {
        return None;
    }
    let mut file = String::new();
    let mut line = |text: &str| fold(&mut file, text);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//vestnik//RU");
    for meeting in meetings {
        let (time, what) = hour(&meeting.what);
        line("BEGIN:VEVENT");
        line(&format!(
            "UID:class-event-{}-{}",
            meeting.id,
            fingerprint(&school.name)
        ));
        line(&format!("DTSTAMP:{}", utc(now)));
        line(&format!(
            "SEQUENCE:{}",
            (now - REVISIONS_FROM).max(0) / MINUTE
        ));
        match time {
            Some(time) => {
                let at = zone::instant(meeting.date.and_time(time), zone);
                line(&format!("DTSTART:{}", utc(at)));
                // Nobody says how long a meeting lasts; without an end it would take no room.
                line("DURATION:PT1H");
            }
            None => line(&format!(
                "DTSTART;VALUE=DATE:{}",
                meeting.date.format("%Y%m%d")
            )),
        }
        let summary = format!("{}: {what}", school.name);
        line(&format!("SUMMARY:{}", escaped(&summary)));
        line(if meeting.cancelled {
            "STATUS:CANCELLED"
        } else {
            "STATUS:CONFIRMED"
        });
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    Some(file)
}

/// The hour at the beginning, and the rest.
fn hour(what: &str) -> (Option<NaiveTime>, &str) {
    let split = what.split_once(", ").unwrap_or((what, what));
    match NaiveTime::parse_from_str(split.0.trim(), "%H:%M") {
        Ok(time) => (Some(time), split.1),
        Err(_) => (None, what),
    }
}

/// Tells schools apart in a calendar that holds several.
fn fingerprint(name: &str) -> String {
    hex(&Sha256::digest(name.as_bytes())[..8])
}

fn utc(at: Millis) -> String {
    let time = DateTime::from_timestamp_millis(at).unwrap_or_default();
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value (RFC 5545 §3.3.11).
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in one_line(text).chars() {
        if matches!(letter, '\\' | ';' | ',') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// Adds a line, in as many as it needs, never cutting a letter.
fn fold(file: &mut String, text: &str) {
    let mut width = 0;
    for letter in text.chars() {
        if width + letter.len_utf8() > WIDTH {
            file.push_str("\r\n ");
            width = 1;
        }
        file.push(letter);
        width += letter.len_utf8();
    }
    file.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meeting(what: &str) -> Meeting {
        Meeting {
            id: 7,
            date: NaiveDate::from_ymd_opt(2026, 10, 20).expect("a date"),
            what: what.into(),
            cancelled: false,
        }
    }

    fn file(meeting: Meeting) -> String {
        let school = School {
            name: "Школа № 12".into(),
            ..School::default()
        };
        calendar(
            &[meeting],
            &school,
            chrono_tz::Asia::Yekaterinburg,
            1_791_990_600_000,
        )
        .expect("a file")
    }

    #[test]
    fn a_meeting_stands_at_its_hour_wherever_the_reader_is() {
        let file = file(meeting("18:00, собрание; о химии, кабинет 24"));
        for line in [
            "BEGIN:VCALENDAR",
            "DTSTART:20261020T130000Z",
            "DTSTAMP:20261014T151000Z",
            "STATUS:CONFIRMED",
            "END:VCALENDAR",
        ] {
            assert!(file.split("\r\n").any(|own| own == line), "{line}\n{file}");
        }
        let whole = file.replace("\r\n ", "");
        assert!(
            whole.contains("SUMMARY:Школа № 12: собрание\\; о химии\\, кабинет 24\r\n"),
            "{whole}"
        );
        assert!(file.split("\r\n").all(|line| line.len() <= WIDTH), "{file}");
    }

    #[test]
    fn without_an_hour_it_is_a_day_and_a_text_breaks_out_of_nothing() {
        let mut sly = meeting("экскурсия\r\nEND:VEVENT");
        sly.cancelled = true;
        let file = file(sly);
        assert!(file.contains("DTSTART;VALUE=DATE:20261020\r\n"), "{file}");
        assert!(file.contains("STATUS:CANCELLED\r\n"), "{file}");
        assert_eq!(file.matches("\r\nEND:VEVENT").count(), 1, "{file}");
        assert_eq!(calendar(&[], &School::default(), chrono_tz::UTC, 0), None);
    }
}
