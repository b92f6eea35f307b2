//! From instants to the school's wall clock and back.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, offset::LocalResult};
use chrono_tz::Tz;

use crate::instant::Millis;

/// What the school's clock shows at an instant. Instants beyond the calendar show its edge.
pub fn local(at: Millis, zone: Tz) -> NaiveDateTime {
    DateTime::from_timestamp_millis(at)
        .unwrap_or(if at < 0 {
            DateTime::<chrono::Utc>::MIN_UTC
        } else {
            DateTime::<chrono::Utc>::MAX_UTC
        })
        .with_timezone(&zone)
        .naive_local()
}

/// The instant at which the school's clock shows this. An hour that occurs twice in autumn means its
/// first occurrence; one that is skipped in spring means the moment of the jump's end.
pub fn instant(local: NaiveDateTime, zone: Tz) -> Millis {
    let mut at = local;
    // No zone ever skipped more than a day.
    for _ in 0..=96 {
        match zone.from_local_datetime(&at) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => {
                return time.timestamp_millis();
            }
            LocalResult::None => at += TimeDelta::minutes(15),
        }
    }
    local.and_utc().timestamp_millis()
}

/// An instant as programs exchange it, by the school's clock: `2026-10-14T18:10:00+03:00` (RFC 3339).
pub fn timestamp(at: Millis, zone: Tz) -> String {
    DateTime::from_timestamp_millis(at)
        .unwrap_or_default()
        .with_timezone(&zone)
        .to_rfc3339_opts(chrono::SecondsFormat::Secs, false)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::instant::HOUR;

    fn time(text: &str) -> NaiveDateTime {
        text.parse().expect("a time")
    }

    #[test]
    fn yekaterinburg_is_five_hours_ahead_and_never_jumps() {
        let zone = chrono_tz::Asia::Yekaterinburg;
        assert_eq!(instant(time("1970-01-01T05:00:00"), zone), 0);
        assert_eq!(local(0, zone), time("1970-01-01T05:00:00"));
    }

    #[test]
    fn a_skipped_hour_is_its_end_and_a_doubled_hour_its_first() {
        let zone = chrono_tz::Europe::Berlin;
        assert_eq!(
            instant(time("2026-03-29T02:30:00"), zone),
            instant(time("2026-03-29T03:00:00"), zone)
        );
        let doubled = instant(time("2026-10-25T02:30:00"), zone);
        assert_eq!(local(doubled, zone), local(doubled + HOUR, zone));
    }

    proptest! {
        #[test]
        fn what_the_clock_shows_leads_back(at in 0i64..4_000_000_000_000) {
            let zone = chrono_tz::Europe::Moscow;
            prop_assert_eq!(local(instant(local(at, zone), zone), zone), local(at, zone));
        }
    }
}
