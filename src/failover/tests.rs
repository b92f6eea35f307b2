use std::time::Duration;

use proptest::prelude::*;
use vestnik_contract::Reason;

use super::*;

fn call(at: Millis, phone: i64, word: Word) -> Spoken {
    Spoken {
        from: at - SECOND,
        to: at,
        phone,
        word,
    }
}

fn said(calls: Vec<Spoken>) -> Evidence {
    Evidence {
        calls,
        awaited: Vec::new(),
    }
}

/// What a lane that was healthy becomes by these calls.
fn becomes(calls: Vec<Spoken>, now: Millis) -> Lane {
    let healthy = Lane {
        since: -HOUR,
        ..Lane::default()
    };
    judge(&healthy, &said(calls), now).unwrap_or(healthy)
}

/// What it stands as after so many minutes of asking and trying, each of which succeeds.
fn recovered(mut lane: Lane, minutes: i64) -> Lane {
    let mut calls = Vec::new();
    let start = lane.since;
    for minute in 1..=minutes {
        let now = start + minute * MINUTE;
        if lane.probe_at().is_some_and(|at| at <= now) {
            (lane.probes, lane.probed_at) = (lane.probes + 1, now);
        }
        if lane.standing == Standing::Trial {
            calls.push(call(now, minute, Word::Taken));
        }
        lane = judge(&lane, &said(calls.clone()), now).unwrap_or(lane);
    }
    lane
}

#[test]
fn wilson_says_what_a_few_calls_prove() {
    // By the formula of the paper, with z = 1.96.
    for (part, whole, expected) in [
        (0, 0, 0.0),
        (1, 1, 0.2065),
        (3, 3, 0.4385),
        (3, 6, 0.1876),
        (20, 100, 0.1334),
    ] {
        let found = at_least(part, whole);
        assert!(
            (found - expected).abs() < 1e-3,
            "{part} of {whole}: {found}"
        );
    }
}

#[test]
fn one_error_among_three_calls_an_hour_makes_nobody_leave() {
    for word in [Word::Call, Word::Lane] {
        let calls = (1..=3).map(|n| call(n * 20 * MINUTE, n, Word::Taken));
        let calls: Vec<_> = calls.chain([call(80 * MINUTE, 4, word)]).collect();
        assert_eq!(becomes(calls, 80 * MINUTE).standing, Standing::Suspect);
        assert_eq!(
            becomes(vec![call(MINUTE, 1, word)], MINUTE).standing,
            Standing::Suspect
        );
    }
}

#[test]
fn an_outage_is_seen_after_few_calls_and_a_blip_is_none() {
    let outage = (0..3).map(|n| call(n * 40 * SECOND, n, Word::Lane));
    let down = becomes(outage.collect(), 2 * MINUTE);
    assert_eq!(
        (down.standing, down.because, down.falls),
        (Standing::Down, Some(Why::Outage), 1)
    );
    // The same message that is tried again and again, because the account refuses everybody.
    let one = (0..3).map(|n| call(n * 40 * SECOND, 7, Word::Lane));
    assert_eq!(becomes(one.collect(), 2 * MINUTE).standing, Standing::Down);
    let blip = (0..10).map(|n| call(n * SECOND, n, Word::Lane));
    assert_eq!(becomes(blip.collect(), MINUTE).standing, Standing::Suspect);
    // Calls that hang until their time is over, ten at once.
    let hang = (0..10).map(|n| Spoken {
        from: 0,
        ..call(30 * SECOND, n, Word::Call)
    });
    assert_eq!(becomes(hang.collect(), MINUTE).standing, Standing::Down);
}

#[test]
fn one_phone_that_fails_all_day_is_one_failure() {
    let calls = (1..40).map(|n| call(n * 5 * MINUTE, 7, Word::Call));
    assert_eq!(
        becomes(calls.collect(), 200 * MINUTE).standing,
        Standing::Suspect
    );
}

#[test]
fn what_is_wrong_with_an_address_or_a_text_is_nobodys_fault() {
    let reason = |fault| Reason::new("x", "x", fault);
    let deferred = |fault, scope| Outcome::Deferred {
        reason: reason(fault),
        retry_after: Some(Duration::from_mins(1)),
        scope,
    };
    let rejected = |fault| Outcome::Rejected {
        reason: reason(fault),
    };
    assert_eq!(blame(&rejected(Fault::Address)), None);
    assert_eq!(blame(&rejected(Fault::Message)), None);
    assert_eq!(blame(&deferred(Fault::Address, Scope::Message)), None);
    assert_eq!(blame(&rejected(Fault::Account)), Some(Word::Call));
    assert_eq!(
        blame(&deferred(Fault::Account, Scope::Lane)),
        Some(Word::Lane)
    );
    assert_eq!(
        blame(&deferred(Fault::Provider, Scope::Message)),
        Some(Word::Call)
    );
    let doubt = Outcome::InDoubt {
        reason: reason(Fault::Network),
    };
    assert_eq!(blame(&doubt), Some(Word::Call));
}

#[test]
fn an_account_that_rests_for_long_is_left_and_a_short_pause_is_not() {
    let resting = |since, until| Lane {
        rests_since: Some(since),
        rests_until: until,
        ..Lane::default()
    };
    let judged = |lane: &Lane, now| judge(lane, &Evidence::default(), now);
    let short = judged(&resting(0, MINUTE), 0).expect("a suspicion");
    assert_eq!(short.standing, Standing::Suspect);
    let long = judged(&resting(0, HOUR), 0).expect("a judgement");
    assert_eq!(
        (long.standing, long.because),
        (Standing::Down, Some(Why::Rests))
    );
    let again = judged(&resting(0, PATIENCE + MINUTE), PATIENCE).expect("a judgement");
    assert_eq!(again.standing, Standing::Down);
}

#[test]
fn it_comes_back_by_three_answers_and_three_messages_and_falls_back_by_one() {
    let outage = (0..3).map(|n| call(n * 40 * SECOND, n, Word::Lane));
    let down = becomes(outage.collect(), 2 * MINUTE);
    assert_eq!(recovered(down.clone(), 14).standing, Standing::Down);
    let trial = recovered(down.clone(), 15);
    assert_eq!(trial.standing, Standing::Trial);
    assert_eq!(recovered(down.clone(), 18).standing, Standing::Healthy);
    let failed = call(trial.since + MINUTE, 9, Word::Call);
    let again = judge(&trial, &said(vec![failed]), trial.since + MINUTE).expect("a judgement");
    assert_eq!(
        (again.standing, again.falls, again.probes),
        (Standing::Down, 2, 0)
    );
    assert_eq!(
        recovered(again.clone(), 29).standing,
        Standing::Down,
        "longer"
    );
    assert_eq!(recovered(again, 30).standing, Standing::Trial);
    // Without an answer it stays down.
    assert_eq!(
        judge(&down, &Evidence::default(), down.since + 9 * HOUR),
        None
    );
}

/// Texts of one phone each, taken a minute apart from `from` on, whose receipts take so long.
fn texts(from: Millis, delays: &[Option<Millis>]) -> Vec<Awaited> {
    (0..)
        .zip(delays)
        .map(|(n, delay)| Awaited {
            taken: from + n * MINUTE,
            arrived: delay.map(|delay| from + n * MINUTE + delay),
            phone: n,
        })
        .collect()
}

#[test]
fn late_receipts_count_by_what_is_usual_and_phones_that_are_off_do_not() {
    let before = texts(0, &[Some(20 * SECOND); 40]);
    let (now, since) = (24 * HOUR, 22 * HOUR);
    let judged = |after: Vec<Awaited>, before: &[Awaited]| {
        let evidence = Evidence {
            calls: Vec::new(),
            awaited: before.iter().copied().chain(after).collect(),
        };
        judge(&Lane::default(), &evidence, now).map(|lane| lane.because)
    };
    let late = [Some(20 * MINUTE); 10];
    assert_eq!(
        judged(texts(since, &late), &before),
        Some(Some(Why::Late)),
        "as late as never before"
    );
    assert_eq!(
        judged(texts(since, &[None; 10]), &before),
        Some(Some(Why::Late)),
        "not at all"
    );
    let mut few = [Some(20 * SECOND); 10];
    few[..4].fill(None);
    assert_eq!(
        judged(texts(since, &few), &before),
        None,
        "four of ten phones are off"
    );
    let one = Awaited {
        taken: since,
        arrived: None,
        phone: 7,
    };
    assert_eq!(
        judged(vec![one; 30], &before),
        None,
        "one phone that is off"
    );
    let slow = texts(0, &[Some(10 * MINUTE); 40]);
    assert_eq!(
        judged(texts(since, &late), &slow),
        None,
        "it is always like that"
    );
    assert_eq!(
        judged(texts(since, &late[..3]), &before),
        None,
        "three texts prove nothing"
    );
    assert_eq!(
        judged(texts(now - 3 * MINUTE, &[None; 3]), &before),
        None,
        "nothing is late yet"
    );
}

#[test]
fn the_preferred_account_carries_what_it_can_and_what_is_urgent_waits_for_none() {
    let lane = |standing, rests_until| Lane {
        standing,
        rests_until,
        ..Lane::default()
    };
    let good = lane(Standing::Healthy, 0);
    let both = |first: Lane| [first, good.clone()];
    for (first, calm, urgent) in [
        (lane(Standing::Healthy, 0), 0, 0),
        (lane(Standing::Healthy, 60), 0, 1),
        (lane(Standing::Suspect, 0), 0, 1),
        (lane(Standing::Trial, 0), 1, 1),
        (lane(Standing::Down, 0), 1, 1),
    ] {
        let lanes = both(first);
        assert_eq!(choose(&lanes, false, 0), Some(calm), "{lanes:?}");
        assert_eq!(choose(&lanes, true, 0), Some(urgent), "{lanes:?}");
    }
    let down = lane(Standing::Down, 0);
    assert_eq!(
        choose(&[down.clone(), down.clone()], true, 0),
        None,
        "it stays where it is"
    );
    assert!(leaves(&down, false, 0) && !leaves(&good, true, 0));
}

prop_compose! {
    /// Calls of one afternoon, oldest first.
    fn calls()(
        calls in prop::collection::vec((1i64..90, 0i64..6, 0u8..3), 1..40)
    ) -> Vec<Spoken> {
        let mut at = 0;
        calls
            .into_iter()
            .map(|(pause, phone, word)| {
                at += pause * 5 * SECOND;
                call(at, phone, [Word::Taken, Word::Call, Word::Lane][usize::from(word)])
            })
            .collect()
    }
}

proptest! {
    /// More failures never make an account look better.
    #[test]
    fn the_judgement_is_monotone(calls in calls(), which: prop::sample::Index, lane: bool) {
        let now = calls.last().map_or(0, |call| call.to);
        let better = becomes(calls.clone(), now).standing;
        let mut worse = calls;
        let at = which.index(worse.len());
        if worse[at].word == Word::Taken {
            worse[at].word = if lane { Word::Lane } else { Word::Call };
        }
        prop_assert!(becomes(worse, now).standing >= better);
    }

    /// However calls end, an account that fell stays down for a while and comes back by a trial only: there
    /// are at most as many falls as the growing pauses between them leave room for.
    #[test]
    fn it_does_not_flap(calls in prop::collection::vec(0u8..3, 1..400)) {
        let mut lane = Lane::default();
        let (mut spoken, mut falls, mut last) = (Vec::new(), 0, lane.standing);
        for (n, word) in (1..).zip(&calls) {
            let now = n * MINUTE;
            if lane.probe_at().is_some_and(|at| at <= now) {
                (lane.probes, lane.probed_at) = (lane.probes + 1, now);
            }
            if lane.standing != Standing::Down {
                let word = [Word::Taken, Word::Call, Word::Lane][usize::from(*word)];
                spoken.push(call(now, n, word));
            }
            lane = judge(&lane, &said(spoken.clone()), now).unwrap_or(lane);
            let (was, is) = (last, lane.standing);
            prop_assert!(was != Standing::Down || matches!(is, Standing::Down | Standing::Trial));
            prop_assert!(!(is == Standing::Trial && was.in_use()));
            falls += usize::from(is == Standing::Down && was != Standing::Down);
            last = is;
        }
        // 15, 30, 60, 120 and then 240 minutes.
        let mut room = 1;
        let mut minutes = 15;
        for pause in [30, 60, 120, 240, 240] {
            room += usize::from(calls.len() >= minutes);
            minutes += pause;
        }
        prop_assert!(falls <= room, "{falls} falls in {} minutes", calls.len());
    }

    /// A provider that works, but for one call in ten at most as single failures, is not left.
    #[test]
    fn seldom_failures_are_lived_with(gaps in prop::collection::vec(9usize..30, 1..8)) {
        let mut words = Vec::new();
        for gap in gaps {
            words.extend(std::iter::repeat_n(Word::Taken, gap));
            words.push(Word::Call);
            words.push(Word::Taken);
        }
        let mut lane = Lane::default();
        let mut spoken = Vec::new();
        for (n, word) in (1..).zip(words) {
            spoken.push(call(n * 20 * SECOND, n, word));
            lane = judge(&lane, &said(spoken.clone()), n * 20 * SECOND).unwrap_or(lane);
            prop_assert!(lane.standing.in_use());
        }
    }
}
