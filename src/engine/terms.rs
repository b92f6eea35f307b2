//! What families hear by the calendar of terms: at the beginning that the service is theirs to choose, and before
//! the end what may be expected.

use chrono::{Days, NaiveDate};

use super::{Engine, EngineError};
use crate::{
    family::{People, preference::Event, rights},
    instant::{DAY, Millis},
    journal::{
        calendar::Grades,
        cell::{Cell, Known},
        fact::{Fact, Place},
    },
    ledger::Pupil,
    policy::ServiceNotice,
    schedule,
    store::{Lease, NewNotice},
    week::Week,
    zone,
};

/// How many days after a term's beginning its word is still one of the beginning.
const BEGINNING: u64 = 14;

impl Engine {
    /// At the time of the day's digest: opens what the terms ask for, once a term.
    pub(super) async fn tell_of_terms(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        if now < self.terms_at {
            return Ok(());
        }
        let (hours, policy) = (self.rules.hours.clone(), self.rules.policy.clone());
        let next = schedule::next(&hours.daily, hours.zone, now).unwrap_or(Millis::MAX);
        let Some(due) = schedule::last(&hours.daily, hours.zone, now) else {
            return Ok(());
        };
        let today = self.today(now);
        let week = self.rules.week(now);
        let Some(mut tx) = self.begin_snapshot(lease).await? else {
            return Ok(());
        };
        for term in tx.terms_on(today).await? {
            let at = |day: NaiveDate| zone::instant(day.into(), hours.zone);
            let before = u64::try_from(policy.forecast.0 / DAY).unwrap_or_default();
            let begun = today < term.starts_on + Days::new(BEGINNING);
            let ending = today + Days::new(before) >= term.ends_on && today < term.ends_on;
            for (wanted, job, day, place, event) in [
                (
                    begun && policy.service_notice == ServiceNotice::Term,
                    format!("service_notice/{}", term.id),
                    term.starts_on,
                    Place::Notice(term.id),
                    Event::Service,
                ),
                (
                    ending && before > 0,
                    format!("outlook/{}", term.id),
                    term.ends_on,
                    Place::Outlook(term.id),
                    Event::Forecast,
                ),
            ] {
                if !wanted || !tx.claim(&job, at(day), now).await? {
                    continue;
                }
                let mut pupils = tx.pupils(today, today, None).await?;
                pupils.retain(|pupil| concerns(pupil, term.grades, event));
                let students: Vec<i64> = pupils.iter().map(|pupil| pupil.id).collect();
                let people = tx.people(&students, today).await?;
                let notices = notices(&students, &people, place, event, (today, week, due));
                tx.open_notices(&notices, now).await?;
                let outcome = format!("{} notices", notices.len());
                tx.finish_job(&job, at(day), &outcome, now).await?;
            }
        }
        tx.commit().await?;
        self.terms_at = next;
        Ok(())
    }
}

/// Whether a term's word is for a student: the first grade has no marks, and so no outlook.
fn concerns(pupil: &Pupil, grades: Grades, event: Event) -> bool {
    let grade = pupil
        .class
        .as_ref()
        .map(|(_, class)| i64::from(class.grade));
    grades.covers(grade) && !(event == Event::Forecast && grade == Some(1))
}

fn notices(
    students: &[i64],
    people: &People,
    place: Place,
    event: Event,
    (today, week, due_at): (NaiveDate, Week, Millis),
) -> Vec<NewNotice> {
    let mut notices = Vec::new();
    for &student_id in students {
        for guardian_id in rights::hearers(people, student_id, today) {
            notices.push(NewNotice {
                guardian_id,
                fact: Fact { student_id, place },
                event,
                urgent: false,
                basis: Known::Untold(Cell::default()),
                due_at,
                change_id: None,
                burst: None,
                week,
                hold_id: None,
            });
        }
    }
    notices
}
