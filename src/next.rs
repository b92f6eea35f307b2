//! `next`: from what happened to a message to what happens next.
//!
//! A channel classifies, this module decides. The rules are those of design §5: states only rise,
//! a doubt is settled by the channel's own policy, and a failure ends the message but not the duty.

use rand::{Rng, RngExt};
use vestnik_contract::{Delivery, Outcome, Reason, Scope};

use crate::instant::{HOUR, MINUTE, Millis, SECOND};

/// Where a message stands, by the codes of `message.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// It waits for its turn.
    Ready,
    /// A call is under way.
    Sending,
    /// Nobody knows whether it was taken.
    InDoubt,
    /// It left, and ended without informing anybody. Only the word that it was taken after all raises
    /// it.
    Ended,
    /// The provider answers for it.
    Accepted,
    /// Accepted long ago, and nothing came back.
    NoReceipt,
    /// The provider gave up.
    Undelivered,
    /// It is on the recipient's device.
    Delivered,
}

impl State {
    /// The code in the database and in `status --json`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Sending => "sending",
            Self::InDoubt => "in_doubt",
            Self::Ended => "ended",
            Self::Accepted => "accepted",
            Self::NoReceipt => "no_receipt",
            Self::Undelivered => "undelivered",
            Self::Delivered => "delivered",
        }
    }

    /// The state with this code, if it is one that a receipt can still raise or that is the highest.
    pub fn from_code(code: &str) -> Option<Self> {
        [
            Self::Ready,
            Self::Sending,
            Self::InDoubt,
            Self::Accepted,
            Self::NoReceipt,
            Self::Undelivered,
            Self::Delivered,
        ]
        .into_iter()
        .find(|state| state.code() == code)
    }

    /// The rank that receipts may only raise (design §5).
    pub fn rank(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Sending => 1,
            Self::InDoubt | Self::Ended => 2,
            Self::Accepted => 3,
            Self::NoReceipt => 4,
            Self::Undelivered => 5,
            Self::Delivered => 6,
        }
    }
}

/// What a channel's nature makes of a doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InDoubt {
    /// The receiving side drops a repeated Message-ID, so one more copy does little harm: send
    /// again once, after this long.
    ResendOnce(Millis),
    /// The provider can be asked; where it does not know, send again once.
    AskThenResendOnce,
    /// A repeated message is a nuisance that costs money: again once if it is urgent, else its
    /// notices go on to the next digest or sheet.
    UrgentOnly,
}

/// When a provider is asked about a message in doubt, counted from the doubt (design §5).
pub const ASK_AFTER: [Millis; 3] = [MINUTE, 5 * MINUTE, 15 * MINUTE];

/// How a doubt about an e-mail waits before it is sent again: greylisting and slow content filters
/// have answered by then.
pub const EMAIL_DOUBT: Millis = 15 * MINUTE;

/// After this many tries that were put off, the message ends and its notices go on. With the
/// back-off below that is about a working day.
pub const ATTEMPTS: u32 = 12;

/// When a provider that had nothing new about a message accepted at `since` is asked again: after as long
/// as it has been accepted already, soon at first, then ever more rarely. The instants are round, so that
/// messages of one hour are asked about in one turn.
pub fn next_question(since: Millis, now: Millis) -> Millis {
    let pause = (now - since).clamp(MINUTE, 6 * HOUR);
    let round = (pause / 4).max(MINUTE);
    (now + pause + round - 1) / round * round
}

/// How long receipts are waited for.
pub const RECEIPT_PATIENCE: Millis = 72 * HOUR;

/// How long a lane may be out of order before what is not urgent takes the next rung. A password is
/// mended, or money paid in, within a morning; after that families would hear a day late.
pub const STALLED: Millis = 2 * HOUR;

/// Whether what is ready on a lane that has rested since `since` and rests until `until` goes on by
/// another road. What is urgent does so at once, but not for a pause that is shorter than looking for
/// one.
pub fn stalled(since: Millis, until: Millis, urgent: bool, now: Millis) -> bool {
    let bound = if urgent { MINUTE } else { STALLED };
    until > now && (now - since >= bound || until - since >= bound)
}

/// A message, as far as the next step depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands.
    pub state: State,
    /// How many calls were made to hand it over, including the one that this is about.
    pub attempts: u32,
    /// Whether it was already sent again after a doubt.
    pub resent: bool,
    /// How often the provider was asked about the present doubt.
    pub asked: u32,
    /// Whether it is urgent.
    pub urgent: bool,
}

/// What happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A call to hand it over ended like this.
    Called(Outcome),
    /// The provider answered a question, or could not (`None`).
    Answered(Option<Delivery>),
    /// Its process died, or its lane was taken over, while the call was under way.
    Lost,
    /// The waiting time of a doubt, or of receipts, is over.
    TimeUp,
}

/// What happens next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is with the provider.
    Accept {
        /// The provider's name for it.
        provider_ref: Option<String>,
    },
    /// A receipt raised it to this final state.
    Settle(State),
    /// Try again at `at`.
    Retry {
        /// Not before.
        at: Millis,
        /// Whether the whole lane rests until then.
        lane: bool,
        /// Whether the recipient may get a second copy.
        possible_duplicate: bool,
    },
    /// Remain in doubt and look again at `at`: ask the provider, or let the time be over.
    Doubt {
        /// When.
        at: Millis,
    },
    /// The provider refused it: its notices go on to the next channel.
    Reject(Reason),
    /// It stays unresolved: its notices go on, marked as perhaps known.
    Unresolved,
    /// It was put off too often: its notices go on.
    GiveUp,
    /// Nothing to do: it already stands higher.
    Ignore,
}

/// Decides what follows from what happened.
pub fn next(
    message: Standing,
    happened: Happened,
    in_doubt: InDoubt,
    now: Millis,
    random: &mut impl Rng,
) -> Step {
    match happened {
        Happened::Called(_) | Happened::Lost if message.state.rank() > State::Sending.rank() => {
            Step::Ignore
        }
        Happened::Called(Outcome::Accepted { provider_ref }) => Step::Accept { provider_ref },
        Happened::Called(Outcome::Rejected { reason }) => Step::Reject(reason),
        Happened::Called(Outcome::Deferred {
            retry_after, scope, ..
        }) => {
            // An account that is out of order says nothing against the message.
            if message.attempts >= ATTEMPTS && scope == Scope::Message {
                return Step::GiveUp;
            }
            let asked = retry_after.map_or(0, |pause| {
                Millis::try_from(pause.as_millis())
                    .unwrap_or(HOUR)
                    .min(24 * HOUR)
            });
            let at = now + asked.max(backoff(message.attempts, random));
            Step::Retry {
                at,
                lane: scope == Scope::Lane,
                possible_duplicate: false,
            }
        }
        Happened::Called(Outcome::InDoubt { .. }) | Happened::Lost => doubt(message, in_doubt, now),
        Happened::Answered(Some(delivery)) => answered(message, delivery, in_doubt, now),
        Happened::Answered(None) if message.state == State::InDoubt => {
            ask_again(message, in_doubt, now)
        }
        Happened::TimeUp => match message.state {
            State::InDoubt => after_doubt(message, in_doubt, now),
            State::Accepted => Step::Settle(State::NoReceipt),
            _ => Step::Ignore,
        },
        Happened::Answered(None) => Step::Ignore,
    }
}

/// How long to wait after the `attempts`-th try was put off: 15 s doubling to an hour, each spread
/// by half so that a provider that comes back is not met by all at once.
pub fn backoff(attempts: u32, random: &mut impl Rng) -> Millis {
    let full = (15 * SECOND)
        .saturating_mul(1 << attempts.saturating_sub(1).min(10))
        .min(HOUR);
    random.random_range(full / 2..=full)
}

fn doubt(message: Standing, in_doubt: InDoubt, now: Millis) -> Step {
    match in_doubt {
        InDoubt::ResendOnce(after) => Step::Doubt { at: now + after },
        InDoubt::AskThenResendOnce => ask_again(message, in_doubt, now),
        InDoubt::UrgentOnly => after_doubt(message, in_doubt, now),
    }
}

fn ask_again(message: Standing, in_doubt: InDoubt, now: Millis) -> Step {
    let asked = usize::try_from(message.asked).unwrap_or(usize::MAX);
    match ASK_AFTER.get(asked) {
        // The pauses count from the doubt; each question is asked one gap after the last.
        Some(after) => Step::Doubt {
            at: now + after - asked.checked_sub(1).map_or(0, |last| ASK_AFTER[last]),
        },
        None => after_doubt(message, in_doubt, now),
    }
}

fn answered(message: Standing, delivery: Delivery, in_doubt: InDoubt, now: Millis) -> Step {
    let higher = |state: State| {
        if state.rank() > message.state.rank() {
            Step::Settle(state)
        } else {
            Step::Ignore
        }
    };
    match delivery {
        Delivery::Delivered => higher(State::Delivered),
        Delivery::Undelivered { .. } if message.state == State::Ended => Step::Ignore,
        Delivery::Undelivered { .. } => higher(State::Undelivered),
        Delivery::UnderWay { provider_ref } if message.state.rank() < State::Accepted.rank() => {
            Step::Accept { provider_ref }
        }
        Delivery::NotFound if message.state == State::InDoubt => ask_again(message, in_doubt, now),
        Delivery::UnderWay { .. } | Delivery::NotFound => Step::Ignore,
    }
}

fn after_doubt(message: Standing, in_doubt: InDoubt, now: Millis) -> Step {
    let again = !message.resent && (in_doubt != InDoubt::UrgentOnly || message.urgent);
    if again {
        Step::Retry {
            at: now,
            lane: false,
            possible_duplicate: true,
        }
    } else {
        Step::Unresolved
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};
    use vestnik_contract::Fault;

    use super::*;

    const EMAIL: InDoubt = InDoubt::ResendOnce(EMAIL_DOUBT);

    fn sending() -> Standing {
        Standing {
            state: State::Sending,
            attempts: 1,
            resent: false,
            asked: 0,
            urgent: false,
        }
    }

    fn reason() -> Reason {
        Reason::new("smtp_450", "busy", Fault::Provider)
    }

    fn step(message: Standing, happened: Happened, in_doubt: InDoubt) -> Step {
        next(
            message,
            happened,
            in_doubt,
            0,
            &mut StdRng::seed_from_u64(7),
        )
    }

    fn deferred(retry_after: Option<Duration>, scope: Scope) -> Happened {
        Happened::Called(Outcome::Deferred {
            reason: reason(),
            retry_after,
            scope,
        })
    }

    #[test]
    fn the_provider_names_the_pause_and_the_lane_rests_with_it() {
        let pause = Duration::from_mins(5);
        let expected = Step::Retry {
            at: 5 * MINUTE,
            lane: true,
            possible_duplicate: false,
        };
        assert_eq!(
            step(sending(), deferred(Some(pause), Scope::Lane), EMAIL),
            expected
        );
    }

    #[test]
    fn put_off_too_often_gives_up_but_a_broken_account_does_not_use_up_tries() {
        let last = Standing {
            attempts: ATTEMPTS,
            ..sending()
        };
        assert_eq!(
            step(last, deferred(None, Scope::Message), EMAIL),
            Step::GiveUp
        );
        assert!(matches!(
            step(last, deferred(None, Scope::Lane), EMAIL),
            Step::Retry { .. }
        ));
    }

    #[test]
    fn an_email_in_doubt_is_sent_again_once_and_shown_as_possible_duplicate() {
        assert_eq!(
            step(sending(), Happened::Lost, EMAIL),
            Step::Doubt { at: EMAIL_DOUBT }
        );
        let doubted = Standing {
            state: State::InDoubt,
            ..sending()
        };
        let again = Step::Retry {
            at: 0,
            lane: false,
            possible_duplicate: true,
        };
        assert_eq!(step(doubted, Happened::TimeUp, EMAIL), again);
        assert_eq!(
            step(
                Standing {
                    resent: true,
                    ..doubted
                },
                Happened::TimeUp,
                EMAIL
            ),
            Step::Unresolved
        );
    }

    #[test]
    fn a_gateway_is_asked_at_one_five_and_fifteen_minutes_before_a_second_copy() {
        let ask = InDoubt::AskThenResendOnce;
        let (mut doubted, mut now, mut asked_at) = (sending(), 0, Vec::new());
        let mut step = next(
            doubted,
            Happened::Lost,
            ask,
            now,
            &mut StdRng::seed_from_u64(7),
        );
        doubted.state = State::InDoubt;
        while let Step::Doubt { at } = step {
            asked_at.push(at);
            now = at;
            doubted.asked += 1;
            step = next(
                doubted,
                Happened::Answered(Some(Delivery::NotFound)),
                ask,
                now,
                &mut StdRng::seed_from_u64(7),
            );
        }
        assert_eq!(asked_at, ASK_AFTER);
        assert_eq!(
            step,
            Step::Retry {
                at: now,
                lane: false,
                possible_duplicate: true
            }
        );
    }

    #[test]
    fn without_a_status_query_only_what_is_urgent_is_repeated() {
        assert_eq!(
            step(sending(), Happened::Lost, InDoubt::UrgentOnly),
            Step::Unresolved
        );
        let urgent = Standing {
            urgent: true,
            ..sending()
        };
        let again = Step::Retry {
            at: 0,
            lane: false,
            possible_duplicate: true,
        };
        assert_eq!(step(urgent, Happened::Lost, InDoubt::UrgentOnly), again);
    }

    #[test]
    fn a_receipt_may_come_before_the_answer_and_only_raises() {
        assert_eq!(
            step(
                sending(),
                Happened::Answered(Some(Delivery::Delivered)),
                EMAIL
            ),
            Step::Settle(State::Delivered)
        );
        let delivered = Standing {
            state: State::Delivered,
            ..sending()
        };
        let late = Happened::Answered(Some(Delivery::Undelivered { reason: reason() }));
        assert_eq!(step(delivered, late, EMAIL), Step::Ignore);
        let accepted = Happened::Called(Outcome::Accepted { provider_ref: None });
        assert_eq!(
            step(delivered, accepted, EMAIL),
            Step::Ignore,
            "the answer after its receipt"
        );
    }

    #[test]
    fn what_ended_is_raised_only_by_the_word_that_it_was_taken_after_all() {
        let ended = Standing {
            state: State::Ended,
            resent: true,
            ..sending()
        };
        let answer = |delivery| step(ended, Happened::Answered(Some(delivery)), EMAIL);
        assert_eq!(answer(Delivery::Delivered), Step::Settle(State::Delivered));
        let provider_ref = Some("7".to_owned());
        let under_way = Delivery::UnderWay {
            provider_ref: provider_ref.clone(),
        };
        assert_eq!(answer(under_way), Step::Accept { provider_ref });
        assert_eq!(answer(Delivery::NotFound), Step::Ignore);
        let failed = Delivery::Undelivered { reason: reason() };
        assert_eq!(answer(failed), Step::Ignore);
        for happened in [Happened::TimeUp, Happened::Lost, Happened::Answered(None)] {
            assert_eq!(step(ended, happened, EMAIL), Step::Ignore);
        }
    }

    #[test]
    fn a_lane_out_of_order_keeps_what_is_not_urgent_for_two_hours_and_what_is_urgent_not_at_all() {
        let pause = 5 * MINUTE;
        assert!(!stalled(0, pause, false, 0));
        assert!(stalled(0, pause, true, 0));
        assert!(!stalled(0, 30 * SECOND, true, 0), "a flood pause");
        assert!(stalled(0, STALLED + pause, false, STALLED));
        assert!(stalled(0, 24 * HOUR, false, 0), "it is known to be late");
        assert!(!stalled(0, pause, false, pause), "it is tried again");
    }

    proptest! {
        #[test]
        fn every_wait_ends_and_is_spread(attempts in 1u32..=40, seed: u64) {
            let wait = backoff(attempts, &mut StdRng::seed_from_u64(seed));
            prop_assert!((7_500..=HOUR).contains(&wait));
        }
    }
}
