//! What each evidence proves, and that the lowest speaks for the week.

use proptest::prelude::*;

use super::*;

fn measure(over: bool) -> Measure {
    Measure {
        informed: Evidence::E1,
        reports: vec![Channel::Sms],
        over,
        paper_over: over,
    }
}

fn duty(stage: Stage, carriers: &[(Channel, &str)]) -> Duty {
    Duty {
        stage,
        why_paper: None,
        carriers: carriers
            .iter()
            .map(|(channel, state)| Carrier {
                channel: *channel,
                state: (*state).to_owned(),
            })
            .collect(),
        acknowledged: None,
    }
}

fn of(duties: Vec<Duty>, over: bool) -> Cell {
    let silence = Silence::Nothing(Why::NoNews);
    cell(&Entries { duties, silence }, &measure(over))
}

#[test]
fn each_carrier_proves_what_it_can() {
    let proves = |channel, state| {
        let cell = of(vec![duty(Stage::Informed, &[(channel, state)])], true);
        (
            cell.evidence.map(Evidence::code),
            cell.informed,
            cell.reason().map(str::to_owned),
        )
    };
    let none = |why: &str| Some(why.to_owned());
    for (channel, state, expected) in [
        (Channel::Email, "accepted", (Some("E1"), true, None)),
        (Channel::Email, "no_receipt", (Some("E1"), true, None)),
        (Channel::Sms, "delivered", (Some("E2"), true, None)),
        (
            Channel::Sms,
            "accepted",
            (Some("E1"), false, none("awaits_receipt")),
        ),
        (
            Channel::Sms,
            "no_receipt",
            (Some("E1"), false, none("no_receipt")),
        ),
        (
            Channel::Sms,
            "in_doubt",
            (Some("E0"), false, none("in_doubt")),
        ),
        (Channel::Paper, "printed", (Some("E1"), true, None)),
        (Channel::Paper, "handed_out", (Some("E2"), true, None)),
        (Channel::Paper, "slip_back", (Some("E4"), true, None)),
        (
            Channel::Paper,
            "not_handed",
            (Some("E0"), false, none("not_handed")),
        ),
        (
            Channel::Paper,
            "missing",
            (Some("E0"), false, none("missing")),
        ),
    ] {
        assert_eq!(proves(channel, state), expected, "{channel:?} {state}");
    }
}

#[test]
fn a_button_proves_more_than_a_receipt_and_a_slip_more_than_a_button() {
    let mut one = duty(Stage::Informed, &[(Channel::Email, "accepted")]);
    one.acknowledged = Some(Evidence::E3);
    assert_eq!(of(vec![one.clone()], false).evidence, Some(Evidence::E3));
    one.acknowledged = Some(Evidence::E4);
    assert_eq!(of(vec![one], false).evidence, Some(Evidence::E4));
}

#[test]
fn what_is_not_told_is_red_when_the_week_is_over_and_says_why() {
    let mut waits = duty(Stage::Sheet, &[]);
    waits.why_paper = Some("consent_data_not_asked".into());
    let before = of(vec![waits.clone()], false);
    assert!(!before.red && !before.informed);
    assert_eq!(before.reason(), Some("consent_data_not_asked"));
    let after = of(
        vec![Duty {
            stage: Stage::Red,
            ..waits
        }],
        true,
    );
    assert!(after.red);
    assert_eq!(
        after.to_string(),
        "no sheet told it by the week's end (consent to «data» is not asked for)"
    );
}

#[test]
fn a_silent_week_counts_by_its_word_or_its_sheet() {
    let silent = |silence, over| {
        cell(
            &Entries {
                duties: vec![],
                silence,
            },
            &measure(over),
        )
    };
    assert!(silent(Silence::Message, true).red);
    assert!(!silent(Silence::Message, false).red);
    let printed = silent(Silence::OnPaper(vec!["printed".into()]), true);
    assert_eq!((printed.evidence, printed.red), (Some(Evidence::E1), false));
    let none = silent(Silence::OnPaper(vec![]), true);
    assert_eq!((none.red, none.reason()), (true, Some("no_sheet")));
    let holidays = silent(Silence::Nothing(Why::Holidays), true);
    assert_eq!((holidays.red, holidays.counts()), (false, false));
}

#[test]
fn every_reason_has_a_code_of_its_own() {
    let mut codes: Vec<&str> = Why::ALL.iter().map(|why| why.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), Why::ALL.len());
}

fn any_duty() -> impl Strategy<Value = Duty> {
    let stage = prop::sample::select(vec![
        Stage::Settling,
        Stage::Window,
        Stage::Sheet,
        Stage::Held,
        Stage::InMessage,
        Stage::Informed,
        Stage::ToldByPaper,
        Stage::Red,
    ]);
    let carrier = (
        prop::sample::select(vec![Channel::Sms, Channel::Email, Channel::Paper]),
        prop::sample::select(vec![
            "ready",
            "accepted",
            "no_receipt",
            "delivered",
            "undelivered",
            "printed",
            "missing",
        ]),
    );
    let acknowledged = prop::option::of(prop::sample::select(vec![Evidence::E3, Evidence::E4]));
    (stage, prop::collection::vec(carrier, 0..3), acknowledged).prop_map(
        |(stage, carriers, acknowledged)| Duty {
            acknowledged,
            ..duty(stage, &carriers)
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_duties_means_nothing(
        duties in prop::collection::vec(any_duty(), 1..6), over: bool, turn in 0..6usize
    ) {
        let mut turned = duties.clone();
        let by = turn % turned.len();
        turned.rotate_left(by);
        for duty in &mut turned {
            duty.carriers.reverse();
        }
        prop_assert_eq!(of(duties, over), of(turned, over));
    }

    #[test]
    fn the_lowest_evidence_wins(duties in prop::collection::vec(any_duty(), 1..6)) {
        let each = duties.iter().map(|duty| of(vec![duty.clone()], true));
        let (mut lowest, mut informed) = (Evidence::E4, true);
        for one in each {
            lowest = lowest.min(one.evidence.expect("something was due"));
            informed &= one.informed;
        }
        let cell = of(duties, true);
        prop_assert_eq!(cell.evidence, Some(lowest));
        prop_assert_eq!((cell.informed, cell.red), (informed, !informed));
    }

    #[test]
    fn one_more_duty_never_raises_a_cell(
        duties in prop::collection::vec(any_duty(), 1..5), more in any_duty()
    ) {
        let before = of(duties.clone(), true);
        let after = of([duties, vec![more]].concat(), true);
        prop_assert!(after.evidence <= before.evidence);
        prop_assert!(before.informed || !after.informed);
    }

    #[test]
    fn who_is_not_informed_has_a_reason(duties in prop::collection::vec(any_duty(), 1..5), over: bool) {
        let cell = of(duties, over);
        prop_assert_eq!(cell.informed, cell.reason().is_none());
    }
}
