//! Quiet hours: the part of the day in which only urgent messages leave.

use std::{fmt, str::FromStr};

use chrono::{Days, NaiveDateTime, NaiveTime};

/// A daily window in the school's zone, possibly across midnight, in which nothing but what is
/// urgent is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quiet {
    /// Messages leave at any hour.
    Off,
    /// From the first time (included) to the second (excluded).
    Between(NaiveTime, NaiveTime),
}

impl Quiet {
    /// Whether a message must wait at this time of day.
    pub fn contains(self, time: NaiveTime) -> bool {
        match self {
            Self::Off => false,
            Self::Between(from, to) if from <= to => from <= time && time < to,
            Self::Between(from, to) => from <= time || time < to,
        }
    }

    /// When the window began that `now` lies in; none outside of it.
    pub fn began_at(self, now: NaiveDateTime) -> Option<NaiveDateTime> {
        let Self::Between(from, _) = self else {
            return None;
        };
        let today = now.date().and_time(from);
        self.contains(now.time()).then(|| {
            if today <= now {
                today
            } else {
                today - Days::new(1)
            }
        })
    }

    /// The first moment from `now` on at which a message may leave; `now` itself outside the
    /// window.
    pub fn over_at(self, now: NaiveDateTime) -> NaiveDateTime {
        let Self::Between(_, to) = self else {
            return now;
        };
        if !self.contains(now.time()) {
            return now;
        }
        let today = now.date().and_time(to);
        if today > now {
            today
        } else {
            today + Days::new(1)
        }
    }
}

/// Why a text names no quiet hours.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("«{0}» names no quiet hours: write them as 21:00-07:30, or off")]
pub struct QuietError(String);

impl FromStr for Quiet {
    type Err = QuietError;

    fn from_str(text: &str) -> Result<Self, QuietError> {
        if text.trim() == "off" {
            return Ok(Self::Off);
        }
        let time = |part: &str| NaiveTime::parse_from_str(part.trim(), "%H:%M").ok();
        let both = text
            .split_once('-')
            .and_then(|(from, to)| time(from).zip(time(to)));
        both.map(|(from, to)| Self::Between(from, to))
            .ok_or_else(|| QuietError(text.to_owned()))
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Between(from, to) => write!(f, "{}-{}", from.format("%H:%M"), to.format("%H:%M")),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;

    fn at(hour: u32, minute: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, 10, 14)
            .and_then(|day| day.and_hms_opt(hour, minute, 0))
            .expect("a time of day")
    }

    #[test]
    fn the_night_ends_next_morning_before_midnight_and_today_after_it() {
        let quiet: Quiet = "21:00-07:30".parse().expect("quiet hours");
        assert_eq!(quiet.over_at(at(22, 0)), at(7, 30) + Days::new(1));
        assert_eq!(quiet.over_at(at(3, 0)), at(7, 30));
        assert_eq!(quiet.over_at(at(7, 30)), at(7, 30));
        assert_eq!(quiet.over_at(at(20, 59)), at(20, 59));
    }

    #[test]
    fn nonsense_is_refused_with_the_way_to_write_it() {
        let error = "nine to five".parse::<Quiet>().expect_err("nonsense");
        assert!(error.to_string().contains("21:00-07:30"), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_waits_longer_than_a_day_and_never_into_quiet(
            from in 0u32..1440, to in 0u32..1440, now in 0u32..1440,
        ) {
            let time = |minutes: u32| at(minutes / 60, minutes % 60);
            let quiet = Quiet::Between(time(from).time(), time(to).time());
            let over = quiet.over_at(time(now));
            prop_assert!(over >= time(now) && over - time(now) <= chrono::TimeDelta::days(1));
            prop_assert!(!quiet.contains(over.time()));
            let began = quiet.began_at(time(now));
            prop_assert_eq!(began.is_some(), quiet.contains(time(now).time()));
            prop_assert!(began.is_none_or(|at| at <= time(now) && time(now) - at < chrono::TimeDelta::days(1)));
            prop_assert_eq!(quiet.to_string().parse::<Quiet>(), Ok(quiet));
        }
    }
}
