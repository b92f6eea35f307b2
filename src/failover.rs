//! `failover`: which of several provider accounts of one channel takes new messages.
//!
//! A school has few messages, so that rules made for thousands a minute would switch by chance, or never.
//! GOV.UK Notify takes a provider's share down after 50 errors in a minute, or where 15 % of a quarter of an
//! hour's texts were slow and not everybody's are; before 2020 it gave one up at a single error, and the next
//! one broke under the load. What is taken from there: no single error switches, slowness counts as well, and
//! coming back is slower than leaving. What is scaled down to three calls an hour:
//!
//! * **A run**: so many failures without one success between them, of as many phones, spread over longer than
//!   a blip. An outage is seen by it within minutes.
//! * **A rate**: the lower end of Wilson's interval for the share of failures (E. B. Wilson, «Probable
//!   inference», JASA 22, 1927). It says how bad a provider is at least, however few its calls are, so that
//!   the same bound serves for four calls and for four hundred.
//! * **A rest**: an account without money, or one that its provider shut for long, needs no statistics.
//! * **A lag**: receipts come much later than they use to from this very provider. Phones that are off are
//!   not its fault: each counts once, what it reports as not delivered is no lag, and the share that is
//!   usual is taken off.
//!
//! A failure is what speaks against the account or the provider; that a number does not exist, or that a text
//! is refused, says nothing against either. An account that is down is asked whether it works, waits a while
//! that grows with each fall of a day, and is then tried with one message at a time.

use std::collections::{BTreeMap, BTreeSet};

use vestnik_contract::{Fault, Outcome, Scope};

use crate::instant::{HOUR, MINUTE, Millis, SECOND};

/// The lane of the SMS gateway that takes what the preferred one cannot.
pub const SPARE: &str = "sms_spare";

/// How many failures in a row, of as many phones, are an outage.
const RUN: usize = 3;

/// Failures that all happen within this are one blip.
const BLIP: Millis = 30 * SECOND;

/// The share of failures that an account has at least, as far as its calls prove it, when it is given up.
const RATE: f64 = 0.2;

/// A share of late receipts that is proved to be higher makes an account slow.
const SLOW: f64 = 0.3;

/// Of as many phones at least.
const SLOW_PHONES: usize = 5;

/// A receipt is never late before this.
const LATE: Millis = 5 * MINUTE;

/// How many receipts say what is usual; with fewer, [`LATE`] is tripled.
const USUAL: usize = 20;

/// For how long calls and receipts speak for or against an account.
pub const MEMORY: Millis = 6 * HOUR;

/// How long an account may rest before what is not urgent goes by another one; and how long it is left
/// alone at least once it is down.
pub const PATIENCE: Millis = 15 * MINUTE;

/// How often an account that is down is asked at first.
const PROBE: Millis = 5 * MINUTE;

/// How many answers in a row let an account be tried, and how many messages then prove it.
const PROOFS: usize = 3;

/// A fall that follows another one within this makes the wait longer.
const RECENT: Millis = 24 * HOUR;

/// How an account stands, by the codes of `lane.standing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum Standing {
    /// It works.
    #[default]
    Healthy,
    /// Something failed, too little to give it up. What is urgent goes by another one.
    Suspect,
    /// It was down, and is tried with one message at a time.
    Trial,
    /// Nothing goes by it.
    Down,
}

impl Standing {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Healthy, Self::Suspect, Self::Trial, Self::Down];

    /// The code in the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Suspect => "suspect",
            Self::Trial => "trial",
            Self::Down => "down",
        }
    }

    /// The standing with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// Whether messages of every kind may go by it.
    pub fn in_use(self) -> bool {
        matches!(self, Self::Healthy | Self::Suspect)
    }
}

/// Why an account is down, by the codes of `lane.standing_because`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Why {
    /// One failure after another.
    Outage,
    /// Too many failures among its calls.
    Errors,
    /// It rests for long.
    Rests,
    /// Its receipts come late.
    Late,
}

impl Why {
    /// The code in the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::Outage => "outage",
            Self::Errors => "errors",
            Self::Rests => "rests",
            Self::Late => "late",
        }
    }

    /// The one with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Outage, Self::Errors, Self::Rests, Self::Late]
            .into_iter()
            .find(|one| one.code() == code)
    }
}

/// An account, as it was judged last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lane {
    /// How it stands.
    pub standing: Standing,
    /// Since when.
    pub since: Millis,
    /// Why it is down, or was before its trial.
    pub because: Option<Why>,
    /// How often it fell, each time within a day of the last.
    pub falls: u32,
    /// How many questions in a row it has answered.
    pub probes: usize,
    /// When it was asked last.
    pub probed_at: Millis,
    /// Since when it is out of order, if it is.
    pub rests_since: Option<Millis>,
    /// Nothing leaves by it until then.
    pub rests_until: Millis,
}

/// How a call speaks of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// It was taken.
    Taken,
    /// It failed, perhaps for this phone alone.
    Call,
    /// It failed for whoever would have called.
    Lane,
}

impl Word {
    /// What a failure says, by the codes of `attempt.blames`.
    pub fn code(self) -> Option<&'static str> {
        match self {
            Self::Taken => None,
            Self::Call => Some("call"),
            Self::Lane => Some("lane"),
        }
    }
}

/// A call that speaks for or against the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spoken {
    /// When it left.
    pub from: Millis,
    /// When it ended.
    pub to: Millis,
    /// Which phone it was for, by a number that only tells phones apart.
    pub phone: i64,
    /// What it says.
    pub word: Word,
}

/// A text that was taken, and its receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Awaited {
    /// When it was taken.
    pub taken: Millis,
    /// When its receipt said that it arrived.
    pub arrived: Option<Millis>,
    /// Which phone it was for.
    pub phone: i64,
}

/// What speaks for or against an account.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// Its calls, oldest first.
    pub calls: Vec<Spoken>,
    /// The texts that it took, without those that it says did not arrive; none where it gives no receipts.
    pub awaited: Vec<Awaited>,
}

/// What the outcome of a call says against an account. What no other message would have met is not its fault.
pub fn blame(outcome: &Outcome) -> Option<Word> {
    let (reason, word) = match outcome {
        Outcome::Accepted { .. } => return None,
        Outcome::InDoubt { .. } => return Some(Word::Call),
        Outcome::Rejected { reason } => (reason, Word::Call),
        Outcome::Deferred { reason, scope, .. } => match scope {
            Scope::Lane => (reason, Word::Lane),
            Scope::Message => (reason, Word::Call),
        },
    };
    (!matches!(reason.fault, Fault::Address | Fault::Message)).then_some(word)
}

/// The lower end of Wilson's 95 % interval for a share of which `part` in `whole` were seen; 0 of nothing.
pub fn at_least(part: usize, whole: usize) -> f64 {
    const Z: f64 = 1.96;
    let [part, whole] = [part, whole].map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
    if whole == 0.0 {
        return 0.0;
    }
    let share = part / whole;
    let spread = Z * (share * (1.0 - share) / whole + Z * Z / (4.0 * whole * whole)).sqrt();
    (share + Z * Z / (2.0 * whole) - spread) / (1.0 + Z * Z / whole)
}

/// Judges an account anew. None where it stands as it stood.
pub fn judge(lane: &Lane, evidence: &Evidence, now: Millis) -> Option<Lane> {
    let from = lane.since.max(now - MEMORY);
    let mut calls: Vec<Spoken> = evidence.calls.clone();
    calls.retain(|call| call.from >= from);
    calls.sort_by_key(|call| call.to);
    let rests = lane.rests_until > now;
    let (standing, because) = match lane.standing {
        Standing::Healthy | Standing::Suspect => match trouble(lane, &calls, evidence, now) {
            Some(why) => (Standing::Down, Some(why)),
            None if rests || calls.last().is_some_and(Spoken::failed) => (Standing::Suspect, None),
            None => (Standing::Healthy, None),
        },
        Standing::Trial if calls.iter().any(Spoken::failed) => (Standing::Down, Some(Why::Errors)),
        Standing::Trial if calls.len() >= PROOFS && !rests => (Standing::Healthy, None),
        Standing::Down => {
            let proofs = match lane.probes + since_failure(&calls, lane.probed_at) {
                _ if rests || now - lane.since < lane.cooling() => 0,
                proofs => proofs,
            };
            if proofs < PROOFS {
                return None;
            }
            (Standing::Trial, lane.because)
        }
        Standing::Trial => return None,
    };
    if standing == lane.standing {
        return None;
    }
    let fell = standing == Standing::Down;
    // Suspicion is a nuance of being in use, and remembers what speaks against it.
    let since = if standing.in_use() && lane.standing.in_use() {
        lane.since
    } else {
        now
    };
    let soon = lane.falls > 0 && now - lane.since < RECENT;
    let falls = match fell {
        true if soon || lane.standing == Standing::Trial => lane.falls + 1,
        true => 1,
        false => lane.falls,
    };
    Some(Lane {
        standing,
        since,
        because,
        falls,
        probes: if fell { 0 } else { lane.probes },
        probed_at: if fell { now } else { lane.probed_at },
        ..lane.clone()
    })
}

/// How many messages in a row were taken, after the last failure and the last question.
fn since_failure(calls: &[Spoken], probed_at: Millis) -> usize {
    let taken = calls.iter().rev().take_while(|call| !call.failed());
    taken.filter(|call| call.to > probed_at).count()
}

/// Why an account that is in use has to be given up, if it has.
fn trouble(lane: &Lane, calls: &[Spoken], evidence: &Evidence, now: Millis) -> Option<Why> {
    let long = |since| lane.rests_until - since >= PATIENCE || now - since >= PATIENCE;
    if lane.rests_until > now && lane.rests_since.is_some_and(long) {
        return Some(Why::Rests);
    }
    let run: Vec<Spoken> = calls
        .iter()
        .rev()
        .take_while(|call| call.failed())
        .copied()
        .collect();
    if failures(&run) >= RUN {
        return Some(Why::Outage);
    }
    let failed: Vec<Spoken> = calls.iter().filter(|call| call.failed()).copied().collect();
    let (bad, good) = (failures(&failed), calls.len() - failed.len());
    if bad >= RUN && at_least(bad, bad + good) > RATE {
        return Some(Why::Errors);
    }
    slow(&evidence.awaited, lane.since, now).then_some(Why::Late)
}

/// How many failures these are: those of one phone are one, those that would have been anybody's are one in
/// each moment, and those that all happened in one moment are none.
fn failures(failed: &[Spoken]) -> usize {
    let from = failed.iter().map(|call| call.from).min();
    let to = failed.iter().map(|call| call.to).max();
    if from.zip(to).is_none_or(|(from, to)| to - from < BLIP) {
        return 0;
    }
    let of = |word| failed.iter().filter(move |call| call.word == word);
    let phones: BTreeSet<i64> = of(Word::Call).map(|call| call.phone).collect();
    let mut moments: Vec<Millis> = of(Word::Lane).map(|call| call.to).collect();
    moments.sort_unstable();
    moments.dedup_by(|later, moment| *later - *moment < BLIP);
    phones.len() + moments.len()
}

/// Whether the receipts of the last hours are late, by the measure of those before.
fn slow(awaited: &[Awaited], since: Millis, now: Millis) -> bool {
    let recent = now - MEMORY;
    let (before, after): (Vec<&Awaited>, Vec<&Awaited>) =
        awaited.iter().partition(|one| one.taken < recent);
    let mut delays: Vec<Millis> = before.iter().filter_map(|one| one.delay()).collect();
    delays.sort_unstable();
    let bound = if delays.len() < USUAL {
        3 * LATE
    } else {
        LATE.max(4 * delays[delays.len() / 2])
    };
    // Of a phone that answered in time, another text that did not arrive yet says nothing of the provider.
    let share = |texts: &[&Awaited]| {
        let mut phones: BTreeMap<i64, bool> = BTreeMap::new();
        for one in texts.iter().filter(|one| now - one.taken > bound) {
            let late = one.delay().is_none_or(|delay| delay > bound);
            *phones.entry(one.phone).or_insert(true) &= late;
        }
        (phones.values().filter(|late| **late).count(), phones.len())
    };
    let (late, all) = share(&before);
    let [late, all] = [late, all].map(|n| f64::from(u32::try_from(n).unwrap_or(u32::MAX)));
    let usual = if all < 10.0 { 0.1 } else { late / all };
    let after: Vec<&Awaited> = after.into_iter().filter(|one| one.taken >= since).collect();
    let (late, all) = share(&after);
    late >= SLOW_PHONES && at_least(late, all) > SLOW.max(2.0 * usual)
}

impl Spoken {
    /// Whether it speaks against the account.
    fn failed(&self) -> bool {
        self.word != Word::Taken
    }
}

impl Awaited {
    fn delay(&self) -> Option<Millis> {
        self.arrived.map(|at| at - self.taken)
    }
}

impl Lane {
    /// How much longer than at the first fall everything takes.
    fn patience(&self, first: Millis, most: Millis) -> Millis {
        first
            .saturating_mul(1 << self.falls.saturating_sub(1).min(10))
            .min(most)
    }

    /// How long it is left alone at least.
    fn cooling(&self) -> Millis {
        self.patience(PATIENCE, 4 * HOUR)
    }

    /// When it is asked next whether it works; none while it is in use or tried.
    pub fn probe_at(&self) -> Option<Millis> {
        (self.standing == Standing::Down).then(|| {
            let at = self.probed_at + self.patience(PROBE, HOUR);
            at.max(self.rests_until)
        })
    }
}

/// Which of a channel's accounts, the preferred one first, takes a new message; none where none is in
/// order, whereupon the preferred one keeps what it has.
pub fn choose(lanes: &[Lane], urgent: bool, now: Millis) -> Option<usize> {
    let awake = |lane: &Lane| lane.rests_until <= now;
    let first = |fits: &dyn Fn(&Lane) -> bool| lanes.iter().position(fits);
    if urgent {
        return first(&|lane| lane.standing == Standing::Healthy && awake(lane))
            .or_else(|| first(&|lane| lane.standing == Standing::Suspect && awake(lane)))
            .or_else(|| first(&|lane| lane.standing == Standing::Trial && awake(lane)));
    }
    first(&|lane| lane.standing.in_use())
}

/// Whether what is ready on an account goes by the one that [`choose`] names.
pub fn leaves(lane: &Lane, urgent: bool, now: Millis) -> bool {
    lane.standing == Standing::Down || (urgent && lane.rests_until > now)
}

#[cfg(test)]
mod tests;
