//! When a cron line runs next, by the school's clock.

use chrono::DateTime;
use chrono_tz::Tz;
use cron::Schedule;

use crate::instant::Millis;

/// The first run strictly after an instant; none where the line never matches again.
pub fn next(schedule: &Schedule, zone: Tz, after: Millis) -> Option<Millis> {
    let after = DateTime::from_timestamp_millis(after)?.with_timezone(&zone);
    schedule
        .after(&after)
        .next()
        .map(|run| run.timestamp_millis())
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
}
