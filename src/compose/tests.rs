//! What holds of `compose` whatever is due, whoever wants it, at any hour.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    family::{
        consent::{Consent, ConsentState, Purpose},
        contact::Contact,
        preference::Preset,
        rights::{Guardianship, Rights},
    },
    instant::MINUTE,
    journal::{
        entry::Entry,
        fact::{Place, RemarkKind, Stage},
    },
    money::{Budget, Kopecks, Percent, Prices, Purse},
    policy::{Limit, Policy},
    text::Language,
};

mod skeletons;

const ZONE: Tz = chrono_tz::Europe::Moscow;
const PRESETS: [Preset; 3] = [Preset::AtOnce, Preset::Important, Preset::Daily];

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, day).expect("a date")
}

/// A student, with a mother by mail and a father by SMS.
fn people(presets: [Preset; 2]) -> People {
    let mut people = People::default();
    for (id, channel, purpose) in [
        (1, Channel::Email, Purpose::Email),
        (2, Channel::Sms, Purpose::Sms),
    ] {
        people.guardians.push(Guardian {
            id,
            preset: Some(presets[usize::try_from(id).expect("small") - 1]),
            ..Guardian::default()
        });
        people.guardianships.push(Guardianship {
            guardian_id: id,
            student_id: 7,
            rights: Rights::Full,
            restricted_from: None,
            restricted_to: None,
        });
        people.contacts.push(Contact {
            id,
            guardian_id: id,
            channel,
            address: format!("address{id}"),
            rank: 0,
            health: Health::Ok,
            ended: false,
        });
        for (at, purpose) in [(0, Purpose::Data), (1, purpose)] {
            people.consents.push(Consent {
                id: 2 * id + at,
                guardian_id: id,
                student_id: 7,
                purpose,
                state: ConsentState::Given,
            });
        }
    }
    people
}

fn hours() -> Hours {
    Hours {
        zone: ZONE,
        daily: "0 10 18 * * *".parse().expect("a line"),
        weekly: "0 0 16 * * Fri".parse().expect("a line"),
        quiet: "21:00-07:30".parse().expect("quiet hours"),
    }
}

fn around(cap: Option<usize>, sent: usize, complete: bool) -> Circumstances {
    let mut incomplete = BTreeSet::from([(7, 3)]);
    incomplete.retain(|_| !complete);
    Circumstances {
        policy: Policy {
            daily_cap: Limit(cap),
            ..Policy::defaults().expect("a policy")
        },
        told_away: Vec::new(),
        incomplete,
        purse: None,
        sent_today: [(Channel::Email, 1), (Channel::Sms, 2)]
            .map(|(channel, id)| ((channel, format!("address{id}")), sent))
            .into(),
    }
}

/// Something that happened, for one of the two guardians.
fn any_due() -> impl Strategy<Value = Due> {
    let place = prop_oneof![
        (1..5i64, 12..15u32).prop_map(|(subject_id, date)| Place::Mark {
            subject_id,
            date: day(date),
            lesson_id: None,
        }),
        (0..4i64, 13..15u32).prop_map(|(number, date)| Place::Attendance {
            date: day(date),
            number,
        }),
        (1..5i64).prop_map(|subject_id| Place::TermResult {
            subject_id,
            term_id: 3,
            stage: Stage::Final,
        }),
        Just(Place::Remark {
            date: day(14),
            kind: RemarkKind::Praise,
            lesson_id: None,
        }),
        (1..3i64).prop_map(Place::Announcement),
    ];
    let told = prop::option::of(Just("3"));
    (place, 1..3i64, told, any::<[bool; 3]>()).prop_map(
        |(place, guardian_id, told, [waited, early, urgent])| {
            let value = match place {
                Place::Attendance { .. } => "absent",
                _ => "4",
            };
            let word = matches!(place, Place::Announcement(_));
            Due {
                notice_id: 0,
                guardian_id,
                fact: Fact {
                    student_id: 7,
                    place,
                },
                basis: told.map_or(Known::Untold(Cell::default()), |told| {
                    Known::Told(told.split(' ').collect())
                }),
                settled_at: (!waited).then_some(0),
                seen_at: zone::instant(day(14).into(), ZONE),
                early: early && !word,
                released: false,
                content: Content {
                    entries: vec![Entry {
                        value: value.into(),
                        ..Entry::default()
                    }],
                    urgent: urgent && word,
                    ..Content::default()
                },
                tried: Vec::new(),
                told_in: None,
            }
        },
    )
}

/// One notice for each guardian and fact, as the database has it.
fn any_dues() -> impl Strategy<Value = Vec<Due>> {
    prop::collection::vec(any_due(), 0..12).prop_map(|all| {
        let mut seen = BTreeSet::new();
        let mut dues: Vec<Due> = all
            .into_iter()
            .filter(|due| seen.insert((due.guardian_id, due.fact)))
            .collect();
        for (id, due) in (1..).zip(&mut dues) {
            due.notice_id = id;
        }
        dues
    })
}

fn composed(
    due: &[Due],
    presets: [usize; 2],
    around: &Circumstances,
    minute: i64,
) -> (Vec<(i64, Fate)>, Vec<Draft>) {
    let now = zone::instant(day(14).into(), ZONE) + minute * MINUTE;
    let due: Vec<Due> = due
        .iter()
        .cloned()
        .map(|mut due| {
            due.settled_at = due
                .settled_at
                .map(|_| if due.early { now + 5 * MINUTE } else { now });
            due
        })
        .collect();
    let people = people(presets.map(|at| PRESETS[at]));
    let channels = [Channel::Email, Channel::Sms];
    compose(
        &due,
        &people,
        &Names::default(),
        &channels,
        &hours(),
        around,
        now,
    )
}

proptest! {
    #[test]
    fn the_order_of_what_is_due_changes_nothing(
        due in any_dues(), presets in any::<[prop::sample::Index; 2]>(), minute in 0..1440i64,
        cap in prop::option::of(1..4usize), sent in 0..4usize, complete: bool, turn in 0..12usize,
    ) {
        let presets = presets.map(|at| at.index(PRESETS.len()));
        let around = around(cap, sent, complete);
        let mut turned = due.clone();
        turned.reverse();
        turned.rotate_left(turn % due.len().max(1));
        let (fates, drafts) = composed(&due, presets, &around, minute);
        let (others, again) = composed(&turned, presets, &around, minute);
        prop_assert_eq!(fates, others);
        let plain = |draft: &Draft| {
            (draft.channel, draft.address.clone(), draft.urgent, draft.notices.clone(), draft.letter.clone())
        };
        let (left, right): (Vec<_>, Vec<_>) =
            (drafts.iter().map(plain).collect(), again.iter().map(plain).collect());
        prop_assert!(left == right);
    }

    #[test]
    fn at_night_leaves_only_what_is_urgent_and_nothing_that_settles_ever(
        due in any_dues(), presets in any::<[prop::sample::Index; 2]>(), minute in 0..1440i64, complete: bool,
    ) {
        let presets = presets.map(|at| at.index(PRESETS.len()));
        let (_, drafts) = composed(&due, presets, &around(None, 0, complete), minute);
        let night = !(7 * 60 + 30..21 * 60).contains(&minute);
        prop_assert!(drafts.iter().all(|draft| draft.urgent || !night));
        for (notice, ..) in drafts.iter().flat_map(|draft| &draft.notices) {
            let told = due.iter().find(|due| due.notice_id == *notice).expect("it is due");
            prop_assert!(!told.settling());
        }
    }

    #[test]
    fn every_notice_has_one_fate_and_the_cap_folds_only_what_was_to_leave_at_once(
        due in any_dues(), presets in any::<[prop::sample::Index; 2]>(), minute in 0..1440i64,
        sent in 0..4usize, complete: bool,
    ) {
        let presets = presets.map(|at| at.index(PRESETS.len()));
        let (fates, drafts) = composed(&due, presets, &around(Some(3), sent, complete), minute);
        prop_assert_eq!(fates.len(), due.len());
        for (notice, fate) in &fates {
            let carried = drafts.iter().any(|draft| draft.notices.iter().any(|(id, ..)| id == notice));
            prop_assert_eq!(carried, *fate == Fate::Message);
        }
        // Beyond the cap a message has something in it that passes.
        let of = |notice: &i64| due.iter().find(|due| due.notice_id == *notice).expect("it is due");
        for draft in drafts.iter().filter(|draft| sent >= 3 && !draft.urgent) {
            let passes = draft.notices.iter().any(|(notice, fact, _)| {
                of(notice).settled_at.is_none()
                    || matches!(fact.place, Place::Attendance { .. } | Place::TermResult { .. })
            });
            // In the minute of the digest what joins it leaves with it.
            prop_assert!(passes || minute == 18 * 60 + 10);
        }
    }

    #[test]
    fn beyond_the_hard_stop_only_alarms_are_paid_for_and_everybody_has_a_fate(
        due in any_dues(), presets in any::<[prop::sample::Index; 2]>(), minute in 0..1440i64,
        complete: bool, spent in 0..1_500i64, soft in 0..100u16,
    ) {
        let presets = presets.map(|at| at.index(PRESETS.len()));
        let mut around = around(None, 0, complete);
        around.purse = Some(Purse {
            prices: Prices { usual: Kopecks(300), ..Prices::default() },
            budget: Budget { month: Kopecks(1_000), soft: Percent(soft), hard: Percent(100) },
            spent: Kopecks(spent),
        });
        let (fates, drafts) = composed(&due, presets, &around, minute);
        prop_assert_eq!(fates.len(), due.len());
        for (notice, fate) in &fates {
            let carried = drafts.iter().any(|draft| draft.notices.iter().any(|(id, ..)| id == notice));
            prop_assert_eq!(carried, *fate == Fate::Message);
        }
        let alarm = |(_, fact, _): &(i64, Fact, Cell)| matches!(fact.place, Place::Attendance { .. });
        let paid = drafts.iter().filter(|draft| draft.channel == Channel::Sms && !draft.urgent);
        let others = paid.filter(|draft| !draft.notices.iter().any(alarm)).count();
        prop_assert!(others == 0 || Kopecks(300).times(others).and(Kopecks(spent)) <= Kopecks(1_000));
    }
}
