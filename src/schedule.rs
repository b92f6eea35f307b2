//! When a cron line runs next, by the school's clock.

use chrono::DateTime;
use chrono_tz::Tz;
use cron::Schedule;

use crate::instant::{HOUR, Millis};

/// The first run strictly after an instant; none where the line never matches again.
pub fn next(schedule: &Schedule, zone: Tz, after: Millis) -> Option<Millis> {
    let after = DateTime::from_timestamp_millis(after)?.with_timezone(&zone);
    schedule
        .after(&after)
        .next()
        .map(|run| run.timestamp_millis())
}

/// How far back a run is looked for; rarer lines have no last run.
const LOOK_BACK: Millis = 35 * 24 * HOUR;

/// The last run before or at an instant, of the last five weeks.
pub fn last(schedule: &Schedule, zone: Tz, at: Millis) -> Option<Millis> {
    let from = DateTime::from_timestamp_millis(at - LOOK_BACK)?.with_timezone(&zone);
    schedule
        .after(&from)
        .map(|run| run.timestamp_millis())
        .take_while(|run| *run <= at)
        .last()
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;
    use crate::zone;

    #[test]
    fn the_days_digest_is_due_at_ten_past_six_where_the_school_stands() {
        let zone = chrono_tz::Asia::Yekaterinburg;
        let daily = Schedule::from_str("0 10 18 * * *").expect("a line");
        let morning = zone::instant("2026-10-14T08:00:00".parse().expect("a time"), zone);
        let run = next(&daily, zone, morning).expect("a run");
        assert_eq!(zone::local(run, zone).to_string(), "2026-10-14 18:10:00");
        let tomorrow = next(&daily, zone, run).expect("a run");
        assert_eq!(
            zone::local(tomorrow, zone).to_string(),
            "2026-10-15 18:10:00"
        );
    }

    #[test]
    fn the_last_run_is_found_and_a_rare_one_is_not() {
        let zone = chrono_tz::Europe::Moscow;
        let monday = zone::instant("2026-10-19T00:00:00".parse().expect("a time"), zone);
        let weekly = Schedule::from_str("0 0 13 * * Fri").expect("a line");
        let run = last(&weekly, zone, monday).expect("a run");
        assert_eq!(zone::local(run, zone).to_string(), "2026-10-16 13:00:00");
        assert_eq!(last(&weekly, zone, run), Some(run), "at the very instant");
        let yearly = Schedule::from_str("0 0 0 1 1 *").expect("a line");
        assert_eq!(last(&yearly, zone, monday), None);
    }
}
