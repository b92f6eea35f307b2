//! Jobs that the calendar starts: each runs once for each of its times, whichever daemon comes first.

use chrono::NaiveTime;

use super::{Engine, EngineError};
use crate::{
    instant::{HOUR, Millis},
    store::Lease,
    zone,
};

/// When a school sleeps and its backups are done.
const TIDY_AT: NaiveTime = match NaiveTime::from_hms_opt(3, 30, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// How long a planned change is kept, unless it belongs to the register of changed marks.
const CHANGES_KEPT: Millis = 30 * 24 * HOUR;

/// How long the register of changed marks and results is kept (regulation 000 §3.4: five years).
const REGISTER_KEPT: Millis = 5 * 366 * 24 * HOUR;

impl Engine {
    /// Runs the jobs whose time has come today.
    pub(super) async fn jobs(&mut self, lease: &Lease, now: Millis) -> Result<(), EngineError> {
        let due = zone::instant(self.today(now).and_time(TIDY_AT), self.rules.hours.zone);
        if now < due || self.tidied_for == Some(due) {
            return Ok(());
        }
        let Some(mut tx) = self.store.fenced(lease).await? else {
            return Ok(());
        };
        if tx.claim("tidy", due, now).await? {
            let gone = tx
                .forget_changes(now - CHANGES_KEPT, now - REGISTER_KEPT)
                .await?;
            tx.finish_job("tidy", due, &format!("{gone} changes forgotten"), now)
                .await?;
        }
        tx.commit().await?;
        self.tidied_for = Some(due);
        Ok(())
    }
}
