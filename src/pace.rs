//! The pace: what the rules of its kind say of a notice's hour, beside what the family wants.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::{
    absence,
    compose::{Due, Hours},
    family::{People, contact::Channel},
    instant::Millis,
    journal::{entry::Content, fact::Fact},
    money::Purse,
    policy::Policy,
    quiet::Quiet,
    results,
};

/// What the rules of its kind say of a notice's hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// The family's own timing holds.
    AsAsked,
    /// As an alarm: by the family's timing of absences, whatever came before it today.
    Alarm,
    /// An alarm was false: it takes the alarm's road and timing.
    FalseAlarm,
    /// With the day's digest at the earliest.
    Digest,
    /// At once, whatever the family's timing.
    AtOnce,
    /// Not before this hour, unless something makes it complete.
    Until(Millis),
    /// Its hour has not come, and nothing brings it forward.
    Stay,
}

/// What the rules look at beside the notices themselves.
#[derive(Debug, Clone)]
pub struct Circumstances {
    /// The school's rules.
    pub policy: Policy,
    /// The absences of today that somebody was told of, or is being told of.
    pub told_away: Vec<ToldAway>,
    /// The students and terms of which a result is still to come.
    pub incomplete: BTreeSet<(i64, i64)>,
    /// How many messages that count against the daily cap each address has had today.
    pub sent_today: BTreeMap<(Channel, String), usize>,
    /// The money for SMS, where a month is limited.
    pub purse: Option<Purse>,
}

/// An absence that somebody knows of.
#[derive(Debug, Clone)]
pub struct ToldAway {
    /// Who knows.
    pub guardian_id: i64,
    /// Of what.
    pub fact: Fact,
    /// What stands there now.
    pub content: Content,
}

/// The pace of each notice, by `notice.id`.
pub fn paces(
    due: &[Due],
    people: &People,
    hours: &Hours,
    around: &Circumstances,
    today: NaiveDate,
    now: Millis,
) -> BTreeMap<i64, Pace> {
    let quiet = |guardian_id: i64| {
        let guardian = people.guardian(guardian_id);
        guardian.map_or(Quiet::Off, |guardian| hours.quiet_of(guardian))
    };
    let mut paces: BTreeMap<i64, Pace> = due
        .iter()
        .map(|one| (one.notice_id, Pace::AsAsked))
        .collect();
    let alarm = around.policy.absence_alarm;
    paces.extend(absence::paces(due, &around.told_away, alarm, today));
    let within = around.policy.term_results.0;
    let leave_by =
        |guardian_id, deadline| results::leave_by(deadline, quiet(guardian_id), hours.zone);
    paces.extend(results::paces(
        due,
        &around.incomplete,
        within,
        leave_by,
        now,
    ));
    for one in due.iter().filter(|one| one.early) {
        let pace = paces.entry(one.notice_id).or_insert(Pace::Stay);
        if !matches!(pace, Pace::Alarm | Pace::AtOnce) {
            *pace = Pace::Stay;
        }
    }
    paces
}
