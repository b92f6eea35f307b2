//! What somebody has to look at now, said once while it lasts (product table F4). Prometheus has rules of the same kind
//! in `config/prometheus/alerts.yml`, for schools that have one.

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
    /// Results of a term are not told, and the regulation's hours are nearly over.
    Results,
    /// Families have heard nothing for two weeks.
    Unheard,
    /// An operator has registered texts of SMS, and lacks others.
    Texts,
    /// The last backup is too old.
    Backup,
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
    /// How long the oldest result of a term has waited to be told, and within which time it must be.
    pub results: Option<(Millis, Millis)>,
    /// How many guardians have heard nothing of a student for two weeks, although there was something in each of them.
    pub unheard: i64,
    /// Whether an operator lacks texts of SMS.
    pub texts: bool,
    /// Whether the last backup is too old.
    pub backup: bool,
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
    // Of 24 hours 18: the rest is for a person to do something.
    if sight
        .results
        .is_some_and(|(waited, within)| waited >= within / 4 * 3)
    {
        alarms.insert(Alarm::Results);
    }
    let others = [
        (sight.unheard > 0, Alarm::Unheard),
        (sight.texts, Alarm::Texts),
        (sight.backup, Alarm::Backup),
    ];
    alarms.extend(
        others
            .into_iter()
            .filter_map(|(so, alarm)| so.then_some(alarm)),
    );
    alarms
}

/// A text of SMS that an operator was told of: operator, text and `sms_template.state`.
pub type Told = (String, String, String);

/// Whether an operator that has registered some of the school's texts lacks others, so that it takes SMS for
/// advertising. One that has registered none yet is no alarm: the school has only begun. One that was handed a text
/// in does not lack it.
pub fn lacks_texts(operators: &[String], texts: &[String], told: &[Told]) -> bool {
    operators.iter().any(|operator| {
        let own: Vec<&Told> = told
            .iter()
            .filter(|(name, ..)| name.to_lowercase() == operator.to_lowercase())
            .collect();
        let begun = own.iter().any(|(.., state)| state == "registered");
        let known = |text: &String| {
            own.iter()
                .any(|(_, known, state)| known == text && state != "revoked")
        };
        begun && !texts.iter().all(known)
    })
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
            Self::Results => f.write_str("results"),
            Self::Unheard => f.write_str("unheard"),
            Self::Texts => f.write_str("texts"),
            Self::Backup => f.write_str("backup"),
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
            Some(_) => None,
            None => Some(match code {
                "lag" => Self::Lag,
                "silent" => Self::Silent,
                "money" => Self::Money,
                "results" => Self::Results,
                "unheard" => Self::Unheard,
                "texts" => Self::Texts,
                "backup" => Self::Backup,
                _ => return None,
            }),
        }
    }

    /// Where on the board its cause stands, and what can be done.
    pub fn page(self) -> String {
        match self {
            Self::Queue(_) | Self::Failures(_) | Self::Texts => "/providers".to_owned(),
            Self::Held(hold) => format!("/held/{hold}"),
            Self::Silent => "/journal".to_owned(),
            Self::Results | Self::Unheard => "/week".to_owned(),
            Self::Lag | Self::Money | Self::Backup => "/".to_owned(),
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
            results: Some((18 * HOUR - 1, 24 * HOUR)),
            ..Sight::default()
        };
        assert_eq!(alarms(&quiet), BTreeSet::new());
        let troubled = Sight {
            waiting: vec![(Channel::Sms, OLD + 1)],
            calls: vec![(Channel::Sms, 100, 4)],
            lag: LAG + 1,
            silent: true,
            money: Some((8_001, 10_000)),
            holds: vec![7],
            results: Some((18 * HOUR, 24 * HOUR)),
            unheard: 1,
            texts: true,
            backup: true,
        };
        let all = alarms(&troubled);
        assert_eq!(all.len(), 10);
        for one in all {
            assert_eq!(Alarm::from_code(&one.to_string()), Some(one));
        }
        assert_eq!(Alarm::from_code("queue:fax"), None);
    }

    #[test]
    fn an_operator_lacks_a_text_once_it_has_registered_others() {
        let operators = ["МТС".to_owned()];
        let texts = ["one".to_owned(), "two".to_owned()];
        let told = |rows: &[(&str, &str)]| -> Vec<Told> {
            rows.iter()
                .map(|(text, state)| ("мтс".into(), (*text).into(), (*state).into()))
                .collect()
        };
        let lacks = |rows: &[(&str, &str)]| lacks_texts(&operators, &texts, &told(rows));
        assert!(!lacks(&[]), "the school has not begun");
        assert!(!lacks(&[("one", "submitted")]));
        assert!(lacks(&[("one", "registered")]));
        assert!(!lacks(&[("one", "registered"), ("two", "submitted")]));
        assert!(lacks(&[("one", "registered"), ("two", "revoked")]));
        let other = [(
            "Билайн".to_owned(),
            "one".to_owned(),
            "registered".to_owned(),
        )];
        assert!(!lacks_texts(&operators, &texts, &other));
    }
}
