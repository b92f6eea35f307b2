//! What holds of the decisions about people whatever the people are: drawn by chance, and shrunk to the
//! smallest case where it does not.

#![expect(clippy::expect_used, reason = "a case that cannot be made has failed")]

use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use proptest::{collection::vec, prelude::*, sample::select};
use vestnik::{
    breaker::Burst,
    family::{
        Guardian, People,
        consent::{Consent, ConsentState, Purpose, state},
        contact::{Channel, Contact, Health},
        preference::{Event, Preference, Preset, Timing},
        rights::{Guardianship, Returned, Rights, barred, closed, hearers},
        route::{Route, WhyPaper, route},
        service::{Ground, OnPaper, on_paper},
    },
    instant::Millis,
    journal::{
        cell::{Cell, CellChange, Known},
        entry::{Content, Entry},
        fact::Fact,
    },
    may_send::{Leaving, Verdict, may_send},
    plan::{Decision, Look, OpenNotice, Stage, plan},
    quiet::Quiet,
};

/// Few of each, so that they meet.
const GUARDIANS: std::ops::RangeInclusive<i64> = 1..=3;
const STUDENT: i64 = 7;
const OTHER_STUDENT: i64 = 8;
const CONFIGURED: [Channel; 3] = [Channel::Sms, Channel::Email, Channel::Telegram];

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (0u64..20).prop_map(|days| today() - Days::new(10) + Days::new(days))
}

fn student() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(STUDENT), 1 => Just(OTHER_STUDENT)]
}

fn tie() -> impl Strategy<Value = Guardianship> {
    let rights = prop_oneof![
        6 => Just(Rights::Full),
        1 => Just(Rights::InformedOnly),
        1 => Just(Rights::Deprived),
    ];
    let date = || prop_oneof![3 => Just(None), 1 => day().prop_map(Some)];
    (GUARDIANS, student(), rights, date(), date()).prop_map(
        |(guardian_id, student_id, rights, restricted_from, restricted_to)| Guardianship {
            guardian_id,
            student_id,
            rights,
            restricted_from,
            restricted_to,
        },
    )
}

fn contact() -> impl Strategy<Value = Contact> {
    let health = prop_oneof![
        5 => Just(Health::Ok),
        1 => Just(Health::Soft),
        1 => Just(Health::Hard),
        1 => Just(Health::Blocked),
        1 => Just(Health::Complained),
    ];
    (
        GUARDIANS,
        select(&CONFIGURED[..]),
        0..3,
        1i64..4,
        health,
        prop::bool::weighted(0.1),
    )
        .prop_map(
            |(guardian_id, channel, address, rank, health, ended)| Contact {
                id: 0,
                guardian_id,
                channel,
                address: format!("{}{address}", channel.code()),
                rank,
                health,
                ended,
            },
        )
}

fn consent() -> impl Strategy<Value = Consent> {
    let states = prop_oneof![
        6 => Just(ConsentState::Given),
        1 => Just(ConsentState::Refused),
        1 => Just(ConsentState::Withdrawn),
    ];
    (GUARDIANS, student(), select(&Purpose::ALL[..]), states).prop_map(
        |(guardian_id, student_id, purpose, state)| Consent {
            id: 0,
            guardian_id,
            student_id,
            purpose,
            state,
        },
    )
}

fn timing() -> impl Strategy<Value = Timing> {
    select(&[Timing::AtOnce, Timing::Daily, Timing::Weekly, Timing::Never][..])
}

fn preference() -> impl Strategy<Value = Preference> {
    let event = prop_oneof![Just(None), Just(Some(Event::Mark))];
    (GUARDIANS, event, select(&CONFIGURED[..]), timing()).prop_map(
        |(guardian_id, event, channel, timing)| Preference {
            guardian_id,
            event,
            channel,
            timing,
        },
    )
}

prop_compose! {
    /// People as the database may hold them: one tie a pair, one line of the matrix a channel, ids in order.
    fn people()(
        presets in vec(prop_oneof![
            3 => Just(None),
            1 => Just(Some(Preset::AtOnce)),
            1 => Just(Some(Preset::Important)),
            1 => Just(Some(Preset::Paper)),
        ], 3),
        mut ties in vec(tie(), 1..6),
        mut contacts in vec(contact(), 0..8),
        mut consents in vec(consent(), 0..24),
        mut preferences in vec(preference(), 0..4),
        agreed in prop_oneof![4 => Just(None), 1 => GUARDIANS.prop_map(Some)],
        returned in prop_oneof![Just(None), (GUARDIANS, day()).prop_map(Some)],
        of_age in prop_oneof![6 => Just(None), 1 => GUARDIANS.prop_map(Some)],
    ) -> People {
        ties.sort_by_key(|tie| (tie.guardian_id, tie.student_id));
        ties.dedup_by_key(|tie| (tie.guardian_id, tie.student_id));
        preferences.sort_by_key(|line| (line.guardian_id, line.channel, line.event));
        preferences.dedup_by_key(|line| (line.guardian_id, line.channel, line.event));
        for (id, contact) in (1..).zip(&mut contacts) {
            contact.id = id;
        }
        for (id, consent) in (1..).zip(&mut consents) {
            consent.id = id;
        }
        People {
            guardians: (1..).zip(presets).map(|(id, preset)| Guardian {
                id,
                preset,
                ..Guardian::default()
            }).collect(),
            guardianships: ties,
            contacts,
            consents,
            preferences,
            resting: std::collections::BTreeSet::new(),
            on_paper: agreed.into_iter().map(|guardian_id| OnPaper {
                guardian_id,
                student_id: STUDENT,
                ground: Ground::Refused,
                statement: None,
                from_on: None,
            }).collect(),
            returned: returned.into_iter().map(|(guardian_id, restricted_to)| Returned {
                guardian_id,
                student_id: STUDENT,
                restricted_to,
            }).collect(),
            of_age: of_age.into_iter().map(|guardian_id| (guardian_id, STUDENT)).collect(),
        }
    }
}

fn event() -> impl Strategy<Value = Event> {
    select(Event::ALL)
}

fn roads(people: &People, event: Event) -> Vec<Route> {
    people
        .guardians
        .iter()
        .map(|guardian| route(people, guardian, STUDENT, event, &CONFIGURED, today()))
        .collect()
}

/// The same people with every list the other way round.
fn reversed(people: &People) -> People {
    let mut people = people.clone();
    people.guardianships.reverse();
    people.contacts.reverse();
    people.consents.reverse();
    people.preferences.reverse();
    people.on_paper.reverse();
    people
}

fn given(people: &People, guardian_id: i64, channel: Channel) -> bool {
    let both = [Some(Purpose::Data), channel.purpose()];
    both.into_iter().flatten().all(|purpose| {
        state(&people.consents, guardian_id, STUDENT, purpose) == ConsentState::Given
    })
}

proptest! {
    #[test]
    fn the_order_of_rows_decides_nothing(people in people(), event in event()) {
        prop_assert_eq!(roads(&people, event), roads(&reversed(&people), event));
        prop_assert_eq!(
            hearers(&people, STUDENT, today()),
            hearers(&reversed(&people), STUDENT, today())
        );
    }

    #[test]
    fn a_road_has_consent_a_living_address_and_nobody_restricted_on_it(
        people in people(), event in event(),
    ) {
        for (guardian, road) in people.guardians.iter().zip(roads(&people, event)) {
            let Route::Electronic { contacts, timing } = road else { continue };
            prop_assert!(!contacts.is_empty());
            prop_assert_ne!(timing, Timing::Never);
            prop_assert!(on_paper(&people, guardian.id, STUDENT).is_none());
            for id in contacts {
                let contact = people.contacts.iter().find(|one| one.id == id).expect("a contact");
                prop_assert_eq!(contact.guardian_id, guardian.id);
                prop_assert!(!contact.ended && contact.health.usable());
                prop_assert!(given(&people, guardian.id, contact.channel));
                prop_assert!(!closed(&people, &contact.address, STUDENT, today()));
                for owner in people.contacts.iter().filter(|one| {
                    one.address == contact.address && !one.ended
                }) {
                    for tie in people.guardianships.iter().filter(|tie| {
                        tie.guardian_id == owner.guardian_id && tie.student_id == STUDENT
                    }) {
                        prop_assert_eq!(barred(&people, tie, today()), None);
                    }
                }
            }
        }
    }

    #[test]
    fn what_others_consent_to_and_want_is_not_this_guardians_business(
        people in people(), event in event(), more in vec(consent(), 0..6), lines in vec(preference(), 0..3),
    ) {
        let before = roads(&people, event);
        for (at, guardian) in people.guardians.iter().enumerate() {
            let mut others = people.clone();
            let next = i64::try_from(others.consents.len()).expect("few") + 1;
            others.consents.extend((next..).zip(more.clone()).map(|(id, row)| Consent { id, ..row }));
            others.consents.retain(|row| {
                row.id < next || row.guardian_id != guardian.id || row.student_id != STUDENT
            });
            let theirs = lines.iter().filter(|line| line.guardian_id != guardian.id).cloned();
            others.preferences.extend(theirs);
            prop_assert_eq!(&roads(&others, event)[at], &before[at]);
        }
    }

    #[test]
    fn one_more_consent_never_closes_a_road(
        people in people(), event in event(), guardian in GUARDIANS, purpose in select(&Purpose::ALL[..]),
    ) {
        let electronic = |people: &People| -> Vec<bool> {
            let electronic = |road: &Route| matches!(road, Route::Electronic { .. });
            roads(people, event).iter().map(electronic).collect()
        };
        let mut more = people.clone();
        more.consents.push(Consent {
            id: 1_000,
            guardian_id: guardian,
            student_id: STUDENT,
            purpose,
            state: ConsentState::Given,
        });
        // Where the matrix says never on the channel that opens, the reason on paper may change, no more.
        for (before, after) in electronic(&people).into_iter().zip(electronic(&more)) {
            prop_assert!(after || !before);
        }
    }

    #[test]
    fn a_restriction_only_takes_away(people in people(), event in event(), guardian in GUARDIANS) {
        let mut restricted = people.clone();
        for tie in &mut restricted.guardianships {
            if tie.guardian_id == guardian {
                tie.rights = Rights::Deprived;
            }
        }
        let before = hearers(&people, STUDENT, today());
        let after = hearers(&restricted, STUDENT, today());
        prop_assert!(!after.contains(&guardian));
        let others: Vec<i64> = before.into_iter().filter(|id| *id != guardian).collect();
        prop_assert_eq!(after, others);
        for (road, was) in roads(&restricted, event).iter().zip(roads(&people, event)) {
            if matches!(was, Route::Sheet(WhyPaper::Agreed(_) | WhyPaper::Chosen | WhyPaper::NoContact)) {
                prop_assert_eq!(road, &was);
            }
        }
    }

    #[test]
    fn nobody_hears_again_by_the_calendar_alone(people in people(), days in 0u64..400) {
        let later = today() + Days::new(days);
        for tie in &people.guardianships {
            let confirmed = people.returned.iter().any(|one| one.guardian_id == tie.guardian_id);
            if barred(&people, tie, today()).is_some() && !confirmed {
                prop_assert!(barred(&people, tie, later).is_some());
            }
        }
    }

    #[test]
    fn what_may_leave_has_consent_a_right_and_no_night(
        people in people(),
        minute in 0u32..1440,
        quiet in (0u32..1440, 0u32..1440),
        urgent: bool,
        useful in prop_oneof![3 => Just(None), 1 => (0i64..48).prop_map(Some)],
        tells in vec((GUARDIANS, student()), 1..3),
    ) {
        let time = |minute: u32| {
            NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).expect("a time")
        };
        let now: NaiveDateTime = today().and_time(time(minute));
        let address = people.contacts.first().map_or("", |one| one.address.as_str());
        let contacts: Vec<&Contact> =
            people.contacts.iter().filter(|one| one.address == address).collect();
        let leaving = Leaving {
            tells: &tells,
            contacts: &contacts,
            urgent,
            quiet: Quiet::Between(time(quiet.0), time(quiet.1)),
            useful_until: useful.map(|hours| now + chrono::TimeDelta::hours(hours - 24)),
        };
        match may_send(&leaving, &people, now) {
            Verdict::Go => {
                prop_assert!(urgent || !leaving.quiet.contains(now.time()));
                prop_assert!(leaving.useful_until.is_none_or(|until| until > now));
                for (guardian, student) in &tells {
                    prop_assert!(hearers(&people, *student, today()).contains(guardian));
                    let contact = contacts.iter().find(|one| one.guardian_id == *guardian);
                    let contact = contact.expect("an address");
                    prop_assert!(!contact.ended && contact.health.usable());
                    prop_assert!(on_paper(&people, *guardian, *student).is_none());
                    for purpose in [Some(Purpose::Data), contact.channel.purpose()] {
                        let purpose = purpose.expect("no paper is drawn");
                        let state = state(&people.consents, *guardian, *student, purpose);
                        prop_assert_eq!(state, ConsentState::Given);
                    }
                    prop_assert!(!closed(&people, address, *student, today()));
                }
            }
            Verdict::Wait(until) => {
                prop_assert!(!urgent && until > now && !leaving.quiet.contains(until.time()));
                // Neither does it leave then if nothing else is in the way: waiting ends.
                let then = Leaving { useful_until: None, ..leaving.clone() };
                let awake = until.date() != today() || may_send(&then, &people, until) == Verdict::Go;
                prop_assert!(awake);
            }
            Verdict::Stop(_) => {}
        }
    }
}

fn cell() -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(&["2", "3", "4", "5", "."][..]), 0..3)
}

fn known(told: bool, values: &[&'static str]) -> Known {
    let cell: Cell = values.iter().copied().collect();
    if told {
        Known::Told(cell)
    } else {
        Known::Untold(cell)
    }
}

prop_compose! {
    fn look()(
        now in cell(),
        before in cell(),
        told in vec((GUARDIANS, cell()), 0..3),
        open in vec((GUARDIANS, any::<bool>(), cell(), select(&[Stage::Open, Stage::Composed, Stage::Leaving][..])), 0..3),
        attends in prop::bool::weighted(0.9),
        grade in 1i64..11,
    ) -> Look {
        let entry = |value: &&str| Entry { value: (*value).to_owned(), ..Entry::default() };
        let changes = before.iter().map(|value| CellChange { old: Some((*value).to_owned()), new: None })
            .chain(now.iter().map(|value| CellChange { old: None, new: Some((*value).to_owned()) }));
        let mut told: Vec<(i64, Cell)> =
            told.into_iter().map(|(id, values)| (id, values.into_iter().collect())).collect();
        told.sort_by_key(|(id, _)| *id);
        told.dedup_by_key(|(id, _)| *id);
        let mut open: Vec<OpenNotice> = open.into_iter().map(|(guardian_id, was_told, values, stage)| OpenNotice {
            id: guardian_id + 50,
            guardian_id,
            basis: known(was_told, &values),
            perhaps: None,
            stage,
        }).collect();
        open.sort_by_key(|notice| notice.guardian_id);
        open.dedup_by_key(|notice| notice.guardian_id);
        Look {
            fact: Fact::mark(STUDENT, 3, today(), None),
            content: Content { entries: now.iter().map(entry).collect(), ..Content::default() },
            changes: changes.collect(),
            people_only: false,
            grade: Some(grade),
            graded: true,
            attends,
            class_id: Some(1),
            burst: Burst::Class(1),
            term_closed: false,
            told,
            missed: Vec::new(),
            acknowledged: Vec::new(),
            open,
        }
    }
}

const SETTLING: Millis = 1_800_000;

fn whom(look: &Look, decision: &Decision) -> i64 {
    let of_notice = |id: &i64| {
        let open = look.open.iter().find(|notice| notice.id == *id);
        open.expect("an open notice").guardian_id
    };
    match decision {
        Decision::Open { guardian_id, .. } | Decision::None { guardian_id, .. } => *guardian_id,
        Decision::Keep { notice_id, .. }
        | Decision::Recall { notice_id }
        | Decision::LookAgain { notice_id }
        | Decision::Close { notice_id, .. } => of_notice(notice_id),
    }
}

proptest! {
    #[test]
    fn what_only_people_changed_opens_nothing_and_decides_what_is_open_the_same(people in people(), look in look()) {
        let all = plan(&look, &people, today(), SETTLING, 1_000);
        let is_open = |one: &&Decision| look.open.iter().any(|notice| notice.guardian_id == whom(&look, one));
        let of_open: Vec<&Decision> = all.iter().filter(is_open).collect();
        let look = Look { people_only: true, ..look.clone() };
        let decisions = plan(&look, &people, today(), SETTLING, 1_000);
        prop_assert_eq!(decisions.iter().collect::<Vec<_>>(), of_open);
    }

    #[test]
    fn each_guardian_has_one_decision_whatever_the_order(people in people(), look in look()) {
        let decisions = plan(&look, &people, today(), SETTLING, 1_000);
        let mut whose: Vec<i64> = decisions.iter().map(|one| whom(&look, one)).collect();
        let count = whose.len();
        whose.dedup();
        prop_assert_eq!(whose.len(), count, "one each, in the order of their ids");
        for tie in people.guardianships.iter().filter(|tie| tie.student_id == STUDENT) {
            prop_assert!(whose.contains(&tie.guardian_id), "nobody is forgotten");
        }
        let mut turned = look.clone();
        turned.told.reverse();
        turned.open.reverse();
        prop_assert_eq!(&plan(&turned, &reversed(&people), today(), SETTLING, 1_000), &decisions);
    }

    #[test]
    fn what_is_opened_is_news_to_somebody_who_may_hear(people in people(), look in look()) {
        for decision in plan(&look, &people, today(), SETTLING, 1_000) {
            if let Decision::Open { guardian_id, due_at, .. } = decision {
                prop_assert!(hearers(&people, STUDENT, today()).contains(&guardian_id));
                prop_assert!(look.attends && look.grade != Some(1));
                prop_assert_eq!(due_at, 1_000 + SETTLING);
                let told = look.told.iter().find(|(id, _)| *id == guardian_id);
                prop_assert!(told.is_none_or(|(_, cell)| *cell != look.content.cell()));
            }
        }
    }

    #[test]
    fn a_plan_that_was_carried_out_has_nothing_more_to_do(people in people(), look in look()) {
        let mut after = look.clone();
        for decision in plan(&look, &people, today(), SETTLING, 1_000) {
            let guardian = whom(&look, &decision);
            match decision {
                Decision::Open { guardian_id, basis, .. } => after.open.push(OpenNotice {
                    id: guardian_id + 50,
                    guardian_id,
                    basis,
                    perhaps: None,
                    stage: Stage::Open,
                }),
                Decision::Close { .. } => after.open.retain(|notice| notice.guardian_id != guardian),
                Decision::Recall { notice_id } => {
                    for notice in after.open.iter_mut().filter(|notice| notice.id == notice_id) {
                        notice.stage = Stage::Open;
                    }
                }
                Decision::Keep { .. } | Decision::LookAgain { .. } | Decision::None { .. } => {}
            }
        }
        // The second look finds no new change.
        let closed: Vec<i64> = look.open.iter().map(|one| one.guardian_id)
            .filter(|id| after.open.iter().all(|one| one.guardian_id != *id)).collect();
        after.changes.clear();
        for decision in plan(&after, &people, today(), SETTLING, 2_000) {
            let guardian = whom(&after, &decision);
            match decision {
                Decision::Keep { .. } | Decision::LookAgain { .. } | Decision::None { .. } => {}
                // Whose notice ended has learned nothing from it, and stands where they were before.
                Decision::Open { .. } if closed.contains(&guardian) => {}
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }
}
