//! The rule of results: one message with all subjects of a term, when the set is complete or when the
//! regulation's hours are over (regulation 002 §2.6).

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use chrono_tz::Tz;

use crate::{
    compose::Due,
    instant::{MINUTE, Millis},
    journal::{
        cell::News,
        fact::{Place, Stage},
    },
    pace::Pace,
    quiet::Quiet,
    zone,
};

/// How long before its deadline a result leaves, so that a provider has time to take it.
const MARGIN: Millis = 15 * MINUTE;

/// Whose results of which term belong together: guardian, student, term.
type Set = (i64, i64, i64);

/// The pace of each notice of a final result or an exam. `incomplete` names the students and terms of
/// which a result is still to come, `within` is the regulation's time, and `leave_by` says when a
/// guardian's message leaves at the latest for a deadline.
pub fn paces(
    due: &[Due],
    incomplete: &BTreeSet<(i64, i64)>,
    within: Millis,
    leave_by: impl Fn(i64, Millis) -> Millis,
    now: Millis,
) -> BTreeMap<i64, Pace> {
    let mut paces = BTreeMap::new();
    let mut sets: BTreeMap<Set, Vec<&Due>> = BTreeMap::new();
    for one in due {
        let Place::TermResult { term_id, stage, .. } = one.fact.place else {
            continue;
        };
        let first = one
            .news()
            .iter()
            .all(|news| matches!(news, News::Entered(_)));
        match stage {
            Stage::Forecast | Stage::Preliminary => {}
            Stage::Final if first => {
                let set = (one.guardian_id, one.fact.student_id, term_id);
                sets.entry(set).or_default().push(one);
            }
            // A correction belongs to no set: the family has seen the rest.
            Stage::Final | Stage::Exam if one.settling() => {}
            Stage::Final | Stage::Exam => {
                paces.insert(one.notice_id, Pace::AtOnce);
            }
        }
    }
    for ((guardian, student, term), set) in sets {
        let (settling, settled): (Vec<&Due>, Vec<&Due>) =
            set.into_iter().partition(|one| one.settling());
        let complete = settling.is_empty() && !incomplete.contains(&(student, term));
        let deadline = settled.iter().map(|one| received(one) + within).min();
        let Some(leave) = deadline.map(|deadline| leave_by(guardian, deadline)) else {
            continue;
        };
        let pace = if complete || leave <= now {
            Pace::AtOnce
        } else {
            Pace::Until(leave)
        };
        paces.extend(settled.iter().map(|one| (one.notice_id, pace)));
    }
    paces
}

/// When the school had the result, or else when it stood in the journal.
fn received(due: &Due) -> Millis {
    let received = due.content.entries.iter().filter_map(|one| one.received_at);
    received.min().unwrap_or(due.seen_at)
}

/// When a message leaves at the latest so that its deadline holds: a little before, and before the
/// night if the deadline falls into it.
pub fn leave_by(deadline: Millis, quiet: Quiet, zone: Tz) -> Millis {
    let at = deadline - MARGIN;
    let night = quiet.began_at(zone::local(at, zone));
    night.map_or(at, |began| {
        zone::instant(began - TimeDelta::milliseconds(MARGIN), zone)
    })
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDateTime;

    use super::*;
    use crate::{
        instant::HOUR,
        journal::{
            cell::{Cell, Known},
            entry::{Content, Entry},
            fact::Fact,
        },
    };

    const DAY: Millis = 24 * HOUR;

    fn due(subject_id: i64, stage: Stage) -> Due {
        Due {
            notice_id: subject_id,
            guardian_id: 1,
            fact: Fact {
                student_id: 7,
                place: Place::TermResult {
                    subject_id,
                    term_id: 3,
                    stage,
                },
            },
            basis: Known::Untold(Cell::default()),
            settled_at: Some(HOUR),
            seen_at: HOUR,
            early: false,
            released: false,
            content: Content {
                entries: vec![Entry {
                    value: "4".into(),
                    ..Entry::default()
                }],
                ..Content::default()
            },
            tried: Vec::new(),
            told_in: None,
        }
    }

    fn pace(due: &[Due], complete: bool, now: Millis) -> Vec<Pace> {
        let incomplete = if complete {
            BTreeSet::new()
        } else {
            BTreeSet::from([(7, 3)])
        };
        paces(due, &incomplete, DAY, |_, deadline| deadline, now)
            .into_values()
            .collect()
    }

    #[test]
    fn results_wait_for_their_set_or_the_deadline_of_the_first() {
        let mut two = [due(1, Stage::Final), due(2, Stage::Final)];
        two[1].seen_at = 3 * HOUR;
        assert_eq!(pace(&two, true, 4 * HOUR), [Pace::AtOnce; 2]);
        assert_eq!(pace(&two, false, 4 * HOUR), [Pace::Until(DAY + HOUR); 2]);
        assert_eq!(pace(&two, false, DAY + HOUR), [Pace::AtOnce; 2]);
        two[1].content.entries[0].received_at = Some(0);
        assert_eq!(pace(&two, false, 4 * HOUR), [Pace::Until(DAY); 2]);
        two[1].early = true;
        assert_eq!(
            pace(&two, true, 4 * HOUR),
            [Pace::Until(DAY + HOUR)],
            "the second has not settled"
        );
    }

    #[test]
    fn exams_and_corrections_wait_for_nobody_and_forecasts_are_none_of_it() {
        let mut corrected = due(1, Stage::Final);
        corrected.basis = Known::Told("3".split(' ').collect());
        assert_eq!(pace(&[corrected], false, 0), [Pace::AtOnce]);
        assert_eq!(pace(&[due(1, Stage::Exam)], false, 0), [Pace::AtOnce]);
        assert_eq!(pace(&[due(1, Stage::Forecast)], false, 0), []);
        assert_eq!(pace(&[due(1, Stage::Preliminary)], false, 0), []);
    }

    #[test]
    fn what_would_be_late_after_the_night_leaves_before_it() {
        let quiet: Quiet = "21:00-07:30".parse().expect("quiet hours");
        let zone = chrono_tz::Europe::Moscow;
        let leaves = |deadline: &str| {
            let deadline: NaiveDateTime = deadline.parse().expect("a time");
            zone::local(leave_by(zone::instant(deadline, zone), quiet, zone), zone).to_string()
        };
        assert_eq!(leaves("2026-10-24T15:00:00"), "2026-10-24 14:45:00");
        assert_eq!(leaves("2026-10-24T23:00:00"), "2026-10-24 20:45:00");
        assert_eq!(leaves("2026-10-24T06:00:00"), "2026-10-23 20:45:00");
        assert_eq!(leaves("2026-10-24T07:40:00"), "2026-10-23 20:45:00");
    }
}
