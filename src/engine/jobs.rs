//! Jobs that the calendar starts: each runs once for each of its times, whichever daemon comes first.

use chrono::{Days, NaiveDate, NaiveTime, Weekday};

use super::{Engine, EngineError};
use crate::{
    instant::{HOUR, Millis},
    schedule,
    store::Lease,
    week::Week,
    zone,
};

/// When a school sleeps and its backups are done.
const TIDY_AT: NaiveTime = match NaiveTime::from_hms_opt(3, 30, 0) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// How long a planned change is kept, unless it belongs to the register of changed marks.
const CHANGES_KEPT: Millis = 30 * 24 * HOUR;

impl Engine {
    /// Runs the jobs whose time has come.
    pub(super) async fn jobs(&mut self, lease: &Lease, now: Millis) -> Result<(), EngineError> {
        let today = self.today(now);
        let monday = today.week(Weekday::Mon).first_day();
        let at = |day: NaiveDate, time| zone::instant(day.and_time(time), self.rules.hours.zone);
        let (week, night) = (at(monday, NaiveTime::MIN), at(today, TIDY_AT));
        if self.week_closed != Some(week) {
            self.close_week(lease, week, now).await?;
        }
        if night <= now && self.tidied != Some(night) {
            self.tidy(lease, night, now).await?;
        }
        Ok(())
    }

    /// What a new day changes by its date is planned before anything of the day is composed, and what only
    /// a person may decide is asked.
    pub(super) async fn begin_day(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        let zone = self.rules.hours.zone;
        let today = self.today(now);
        let midnight = zone::instant(today.and_time(NaiveTime::MIN), zone);
        if self.day_begun == Some(midnight) {
            return Ok(());
        }
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        let before = tx.claimed_before("day", midnight).await?;
        if tx.claim("day", midnight, now).await? {
            // Days on which no daemon ran are made up for.
            let last = before.map_or_else(
                || today.pred_opt().unwrap_or(today),
                |at| zone::local(at, zone).date(),
            );
            let dates = tx.dates_come(last, today, now).await?;
            let asked = tx.ask(today, now).await?;
            let outcome = format!("{dates} dates, {asked} questions");
            tx.finish_job("day", midnight, &outcome, now).await?;
        }
        tx.commit().await?;
        self.day_begun = Some(midnight);
        Ok(())
    }

    /// What waited for last week's sheet and was not told is red: the school has to know, and news of
    /// that week must not pour out when an address is added months later. What came after the sheets
    /// were due has the next week's, and a week of holidays, or between the
    /// sheets of several weeks, has none.
    async fn close_week(
        &mut self,
        lease: &Lease,
        week: Millis,
        now: Millis,
    ) -> Result<(), EngineError> {
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        if tx.claim("week", week, now).await? {
            let printed = schedule::last(&self.rules.sheets, self.rules.hours.zone, week);
            let monday = zone::local(week, self.rules.hours.zone).date() - Days::new(7);
            let mut idle = tx.classes_in_holidays(Week::of(monday)).await?;
            let rhythm = self.rules.policy.paper.weeks();
            idle.extend(tx.classes_between(Week::of(monday), rhythm).await?);
            let configured: Vec<_> = self.accounts.iter().map(|one| one.channel).collect();
            let limit = self.rules.policy.paper_alarm.0;
            let today = self.today(now);
            tx.tell_of_paper(&configured, limit, today, now).await?;
            let red = tx.redden(printed.unwrap_or(week), &idle, now).await?;
            tx.finish_job("week", week, &format!("{red} notices red"), now)
                .await?;
        }
        tx.commit().await?;
        self.week_closed = Some(week);
        Ok(())
    }

    async fn tidy(&mut self, lease: &Lease, night: Millis, now: Millis) -> Result<(), EngineError> {
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        if tx.claim("tidy", night, now).await? {
            let register = self.rules.policy.register_kept.0.max(CHANGES_KEPT);
            let gone = tx
                .forget_changes(now - CHANGES_KEPT, now - register)
                .await?;
            self.listen(&mut tx, now).await?;
            tx.finish_job("tidy", night, &format!("{gone} changes forgotten"), now)
                .await?;
        }
        tx.commit().await?;
        self.tidied = Some(night);
        Ok(())
    }
}
