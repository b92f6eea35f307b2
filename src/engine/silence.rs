//! Tells families that a week brought nothing, so that silence is never ambiguous.

use super::{Engine, EngineError, Rules};
use crate::{
    family::{
        People,
        preference::Event,
        rights,
        route::{Route, route},
    },
    instant::{HOUR, Millis},
    journal::{
        cell::{Cell, Known},
        fact::{Fact, Place},
    },
    ledger::{Pupil, SchoolWeek},
    policy::Switch,
    schedule,
    store::{Lease, NewNotice},
    week::Week,
    zone,
};

/// A time that passed longer ago is not caught up with: the next one is near.
const CATCH_UP: Millis = 5 * 24 * HOUR;

impl Engine {
    /// At the time of the week's digest: who heard nothing in the week hears that there was nothing.
    /// Families on paper have their sheet, which says so by itself.
    pub(super) async fn break_silence(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        let Rules { policy, hours, .. } = &self.rules;
        let last = schedule::last(&hours.weekly, hours.zone, now);
        let due = last.filter(|due| now - due < CATCH_UP);
        let Some(due) = due.filter(|_| policy.nothing_new == Switch::On) else {
            return Ok(());
        };
        if self.silence_broken == Some(due) {
            return Ok(());
        }
        let Some(mut tx) = self.begin_snapshot(lease).await? else {
            return Ok(());
        };
        if tx.claim("nothing_new", due, now).await? {
            let today = self.today(now);
            let week = Week::told_on(zone::local(due, self.rules.hours.zone).date());
            let pupils = tx.pupils(today, today, None).await?;
            let school = tx.school_week(&pupils, week, self.rules.hours.zone).await?;
            let students: Vec<i64> = pupils.iter().map(|pupil| pupil.id).collect();
            let people = tx.people(&students, today).await?;
            let notices = self.silences(&pupils, &school, &people, due, today);
            tx.open_notices(&notices, now).await?;
            let outcome = format!("{} notices", notices.len());
            tx.finish_job("nothing_new", due, &outcome, now).await?;
        }
        tx.commit().await?;
        self.silence_broken = Some(due);
        Ok(())
    }

    /// The notices that say so. They are due at the digest's time, however late it is noticed.
    fn silences(
        &self,
        pupils: &[Pupil],
        school: &SchoolWeek,
        people: &People,
        due: Millis,
        today: chrono::NaiveDate,
    ) -> Vec<NewNotice> {
        let configured: Vec<_> = self.accounts.iter().map(|one| one.channel).collect();
        let mut notices = Vec::new();
        for pupil in pupils.iter().filter(|pupil| school.silent(pupil).is_ok()) {
            for guardian_id in rights::hearers(people, pupil.id, today) {
                let road = people.guardian(guardian_id).map(|guardian| {
                    route(
                        people,
                        guardian,
                        pupil.id,
                        Event::Service,
                        &configured,
                        today,
                    )
                });
                let Some(Route::Electronic { .. }) = road else {
                    continue;
                };
                notices.push(NewNotice {
                    guardian_id,
                    fact: Fact {
                        student_id: pupil.id,
                        place: Place::Silence {
                            monday: school.week.monday(),
                        },
                    },
                    event: Event::Service,
                    urgent: false,
                    basis: Known::Untold(Cell::default()),
                    due_at: due,
                    change_id: None,
                    burst: None,
                    week: school.week,
                    hold_id: None,
                });
            }
        }
        notices
    }
}
