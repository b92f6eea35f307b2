//! What somebody has to look at now, said once while it lasts (product table F4). Prometheus has the same rules in
//! `config/prometheus/alerts.yml`, for schools that have one.

use std::{collections::BTreeSet, fmt};

use crate::{
    family::contact::Channel,
    instant::{HOUR, MINUTE, Millis},
};

/// A message that waits longer than this is one that a provider does not take.
const OLD: Millis = 15 * MINUTE;

/// A journal that is read later than this is read too late.
const LAG: Millis = 5 * MINUTE;

/// From so many calls in an hour on, a share of them says something.
const ENOUGH: i64 = 30;

/// An alarm that comes again so soon is the same one, and nobody is told of it twice.
pub const SAME: Millis = 6 * HOUR;

/// An alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alarm {
    /// The messages of a channel wait.
    Queue(Channel),
    /// Too many calls of a channel are rejected.
    Failures(Channel),
    /// The journal is read late.
    Lag,
    /// Nobody wrote into the journal on a school day.
    Silent,
    /// The money for SMS runs out.
    Money,
    /// Something waits for a decision: `hold.id`.
    Held(i64),
}

/// What the alarms are seen from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// Per channel, how long its oldest message has waited.
    pub waiting: Vec<(Channel, Millis)>,
    /// Per channel, how many calls of the last hour there were, and how many were rejected.
    pub calls: Vec<(Channel, i64, i64)>,
    /// How long the oldest change of the journal has waited to be read.
    pub lag: Millis,
    /// Whether it is past noon of a school day on which nobody wrote.
    pub silent: bool,
    /// What SMS have cost this month and what they may cost, in kopecks.
    pub money: Option<(i64, i64)>,
    /// The questions that wait for a decision.
    pub holds: Vec<i64>,
}

/// What somebody has to look at.
pub fn alarms(sight: &Sight) -> BTreeSet<Alarm> {
    let mut alarms = BTreeSet::new();
    let old = sight.waiting.iter().filter(|(_, age)| *age > OLD);
    alarms.extend(old.map(|(channel, _)| Alarm::Queue(*channel)));
    // More than three of a hundred.
    let failing = sight
        .calls
        .iter()
        .filter(|(_, all, rejected)| *all >= ENOUGH && rejected * 100 > all * 3);
    alarms.extend(failing.map(|(channel, ..)| Alarm::Failures(*channel)));
    if sight.lag > LAG {
        alarms.insert(Alarm::Lag);
    }
    if sight.silent {
        alarms.insert(Alarm::Silent);
    }
    // Less than a fifth is left.
    if sight
        .money
        .is_some_and(|(spent, budget)| budget > 0 && (budget - spent) * 5 < budget)
    {
        alarms.insert(Alarm::Money);
    }
    alarms.extend(sight.holds.iter().map(|hold| Alarm::Held(*hold)));
    alarms
}

/// `alarm.code`
impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Queue(channel) => write!(f, "queue:{}", channel.code()),
            Self::Failures(channel) => write!(f, "failures:{}", channel.code()),
            Self::Lag => f.write_str("lag"),
            Self::Silent => f.write_str("silent"),
            Self::Money => f.write_str("money"),
            Self::Held(hold) => write!(f, "held:{hold}"),
        }
    }
}

impl Alarm {
    /// The alarm with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        match code.split_once(':') {
            Some(("queue", channel)) => Channel::from_code(channel).map(Self::Queue),
            Some(("failures", channel)) => Channel::from_code(channel).map(Self::Failures),
            Some(("held", hold)) => hold.parse().ok().map(Self::Held),
            None if code == "lag" => Some(Self::Lag),
            None if code == "silent" => Some(Self::Silent),
            None if code == "money" => Some(Self::Money),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_day_alarms_nobody_and_each_trouble_alarms_once() {
        let quiet = Sight {
            waiting: vec![(Channel::Sms, OLD)],
            calls: vec![(Channel::Sms, 100, 3), (Channel::Email, 20, 20)],
            lag: LAG,
            silent: false,
            money: Some((8_000, 10_000)),
            holds: Vec::new(),
        };
        assert_eq!(alarms(&quiet), BTreeSet::new());
        let troubled = Sight {
            waiting: vec![(Channel::Sms, OLD + 1)],
            calls: vec![(Channel::Sms, 100, 4)],
            lag: LAG + 1,
            silent: true,
            money: Some((8_001, 10_000)),
            holds: vec![7],
        };
        let all = alarms(&troubled);
        assert_eq!(all.len(), 6);
        for one in all {
            assert_eq!(Alarm::from_code(&one.to_string()), Some(one));
        }
        assert_eq!(Alarm::from_code("queue:fax"), None);
    }
}
