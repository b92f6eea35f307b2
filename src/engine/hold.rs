//! Which of the notices that are about to be opened wait for a person's decision.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    breaker::{Burst, Kind, Tally, WINDOW, doubtful, tripped, whole_class},
    family::preference::Event,
    instant::Millis,
    journal::{
        cell::{News, news_of},
        fact::{Fact, Place},
    },
    plan::{Decision, Look},
    policy::Policy,
    store::{StoreError, Tx},
};

/// By fact and guardian: the hold that a new notice waits for.
pub(super) type Held = BTreeMap<(Fact, i64), i64>;

/// A notice that the plan wants to open.
struct Opening<'a> {
    look: &'a Look,
    guardian_id: i64,
    event: Event,
    urgent: bool,
    vanished: bool,
}

/// Asks the breaker about all that the plan opens. What a burst opened before it tripped, and has not
/// left yet, is held with the rest.
pub(super) async fn hold(
    tx: &mut Tx,
    decided: &[(&Look, Vec<Decision>)],
    policy: &Policy,
    zone: Tz,
    now: Millis,
) -> Result<Held, StoreError> {
    let openings = openings(decided);
    let mut held = Held::new();
    if openings.is_empty() {
        return Ok(held);
    }
    if let Some(question) = tx.restored().await? {
        let all = openings
            .iter()
            .map(|one| ((one.look.fact, one.guardian_id), question));
        return Ok(all.collect());
    }
    let away = classes_away(tx, &openings, policy, now).await?;
    let bursts = bursts(tx, &openings, policy, now).await?;
    for one in openings.iter().filter(|one| !one.urgent) {
        let key = (one.look.fact, one.guardian_id);
        let burst = one.look.burst;
        let hold = match (
            absence(one).and_then(|place| away.get(&place)),
            bursts.get(&burst),
        ) {
            (Some(hold), _) | (None, Some(hold)) => Some(*hold),
            (None, None) => match doubtful(one.look, one.event, policy, zone) {
                Some(kind) => Some(tx.hold(kind, &burst.to_string(), now).await?),
                None => None,
            },
        };
        held.extend(hold.map(|hold| (key, hold)));
    }
    Ok(held)
}

fn openings<'a>(decided: &[(&'a Look, Vec<Decision>)]) -> Vec<Opening<'a>> {
    let mut openings = Vec::new();
    for (look, decisions) in decided {
        for decision in decisions {
            if let Decision::Open {
                guardian_id,
                basis,
                event,
                urgent,
                ..
            } = decision
            {
                let news = news_of(look.fact.place, basis, &look.content.cell());
                openings.push(Opening {
                    look,
                    guardian_id: *guardian_id,
                    event: *event,
                    urgent: *urgent,
                    vanished: news.iter().any(|item| matches!(item, News::Withdrawn(_))),
                });
            }
        }
    }
    openings
}

/// The bursts that are more than a day's work, each with its hold.
async fn bursts(
    tx: &mut Tx,
    openings: &[Opening<'_>],
    policy: &Policy,
    now: Millis,
) -> Result<BTreeMap<Burst, i64>, StoreError> {
    let mut tallies: BTreeMap<Burst, (Tally, BTreeSet<Fact>, usize)> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for one in openings {
        let (tally, vanished, changes) = tallies.entry(one.look.burst).or_default();
        tally.notices += 1;
        if one.vanished {
            vanished.insert(one.look.fact);
        }
        if seen.insert(one.look.fact) {
            *changes += one.look.changes.len();
        }
    }
    let all: Vec<Burst> = tallies.keys().copied().collect();
    let before = tx.tally(&all, now - WINDOW).await?;
    let coming = tx.coming(&all).await?;
    let mut holds = BTreeMap::new();
    for (burst, (mut tally, vanished, changes)) in tallies {
        tally.vanished = vanished.len();
        // What the rest of an import is going to open is judged by what came of this part.
        let rest = coming
            .get(&burst)
            .map_or(0, |all| all.saturating_sub(changes));
        tally.notices += (tally.notices * rest).div_ceil(changes.max(1));
        tally.vanished += (tally.vanished * rest).div_ceil(changes.max(1));
        if let Some(earlier) = before.get(&burst) {
            tally.notices += earlier.notices;
            tally.vanished += earlier.vanished;
        }
        let Some(kind) = tripped(tally, policy) else {
            continue;
        };
        if tx.let_pass(burst, now - WINDOW).await? {
            continue;
        }
        let hold = tx.hold(kind, &burst.to_string(), now).await?;
        tx.hold_burst(hold, burst, now - WINDOW, now).await?;
        holds.insert(burst, hold);
    }
    Ok(holds)
}

/// A lesson that a student missed, by class.
type Missed = (i64, NaiveDate, i64);

fn absence(one: &Opening<'_>) -> Option<Missed> {
    match (one.event, one.look.fact.place, one.look.class_id) {
        (Event::Absence, Place::Attendance { date, number }, Some(class)) => {
            Some((class, date, number))
        }
        _ => None,
    }
}

/// The lessons that a whole class missed, each with its hold: one question for each class and day.
async fn classes_away(
    tx: &mut Tx,
    openings: &[Opening<'_>],
    policy: &Policy,
    now: Millis,
) -> Result<BTreeMap<Missed, i64>, StoreError> {
    let missed: BTreeSet<Missed> = openings.iter().filter_map(absence).collect();
    let mut away = BTreeMap::new();
    if policy.whole_class_absent.0.is_none() {
        return Ok(away);
    }
    for lesson @ (class, date, number) in missed {
        let (absent, students) = tx.absent(class, date, number).await?;
        if !whole_class(absent, students, policy) {
            continue;
        }
        let burst = format!("class:{class}:{date}");
        if tx.answered(Kind::WholeClass, &burst).await? {
            continue;
        }
        let hold = tx.hold(Kind::WholeClass, &burst, now).await?;
        tx.hold_absences(hold, class, date, number, now).await?;
        away.insert(lesson, hold);
    }
    Ok(away)
}
