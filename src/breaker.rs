//! The breaker: what looks like a mishap waits for a person's decision. A wrong mass message is the
//! worst that can happen.

use std::{fmt, str::FromStr};

use chrono_tz::Tz;

use crate::{
    family::preference::Event,
    instant::{MINUTE, Millis},
    journal::{entry::Content, fact::Place},
    plan::Look,
    policy::{Corrections, Policy, TermClosed},
    zone,
};

/// How far back entries of one class belong together.
pub const WINDOW: Millis = 10 * MINUTE;

/// Fewer students than this make no class that is away together.
const CLASS_AWAY: usize = 5;

/// What is held and decided together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Burst {
    /// All of one import: `import.id`.
    Import(i64),
    /// What came of one class in [`WINDOW`]: `class.id`.
    Class(i64),
    /// The same of students without a class.
    School,
}

/// Writes the key that `notice.burst` and `hold.burst` keep.
impl fmt::Display for Burst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Import(id) => write!(f, "import:{id}"),
            Self::Class(id) => write!(f, "class:{id}"),
            Self::School => f.write_str("school"),
        }
    }
}

impl FromStr for Burst {
    type Err = ();

    fn from_str(key: &str) -> Result<Self, ()> {
        let id = |text: &str| text.parse().map_err(|_| ());
        match key.split_once(':') {
            Some(("import", text)) => id(text).map(Self::Import),
            Some(("class", text)) => id(text).map(Self::Class),
            None if key == "school" => Ok(Self::School),
            _ => Err(()),
        }
    }
}

macro_rules! kinds {
    ($($(#[$of:meta])* $kind:ident = $code:literal, $words:literal;)*) => {
        /// Why something is held.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$of])* $kind,)*
        }

        impl Kind {
            /// The code in `hold.kind`.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)*
                }
            }

            /// What is asked of the person who decides.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$kind => $words,)*
                }
            }
        }
    };
}

impl Kind {
    /// Whether a hold of this kind asks about somebody's rights, so that it is answered by itself, by
    /// «release» or «drop».
    pub fn about_rights(code: &str) -> bool {
        [Self::RestrictionOver, Self::OfAge]
            .iter()
            .any(|kind| kind.code() == code)
    }
}

kinds! {
    /// More came at once than a school's day brings.
    Volume = "volume", "more at once than the policy's breaker lets pass: is it meant?";
    /// More went at once than a slip takes away.
    Disappearance = "disappearance", "much vanished at once: was it deleted on purpose?";
    /// An entry for a day long past.
    BackDated = "back_dated", "entered long after the lesson: shall families hear of it now?";
    /// An entry for a term whose results are set.
    TermClosed = "term_closed", "entered for a term that is closed: was it allowed?";
    /// A correction outside the policy's window, or without an entry in the register.
    Correction = "correction", "a mark was corrected outside the policy's window: was it allowed?";
    /// A whole class is away.
    WholeClass = "whole_class", "the whole class is away: an excursion, or shall families be alarmed?";
    /// A restriction of rights is over by its date.
    RestrictionOver = "restriction_over", "the restriction is over by its date: release where the guardian may hear again, drop where it was prolonged";
    /// A student has come of age.
    OfAge = "of_age", "of age: release where the guardians go on hearing, drop where the student hears alone";
    /// The database is a restored copy, or another machine sent from it last.
    Quarantine = "quarantine", "nothing is sent: is this the database that shall send from now on?";
    /// A person has stopped all sending.
    Pause = "pause", "nothing is sent, as a person wished: release it to go on";
}

/// How much of a burst there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Notices: those that are opened now, those that were opened before, and those that the rest of
    /// the burst is going to open.
    pub notices: usize,
    /// Facts that vanished, now and before.
    pub vanished: usize,
}

/// Whether a burst is more than a day's work; by what.
pub fn tripped(tally: Tally, policy: &Policy) -> Option<Kind> {
    if policy.disappearance.passed_by(tally.vanished) {
        Some(Kind::Disappearance)
    } else if policy.breaker.passed_by(tally.notices) {
        Some(Kind::Volume)
    } else {
        None
    }
}

/// Whether what is entered here waits for a person, however little it is.
///
/// How old an entry is, is the teacher's own claim: `entered_at` against the lesson's day. A row that
/// claims nothing is not judged.
pub fn doubtful(look: &Look, event: Event, policy: &Policy, zone: Tz) -> Option<Kind> {
    let (Place::Mark { date, .. } | Place::Attendance { date, .. }) = look.fact.place else {
        return None;
    };
    if external(&look.content) {
        return None;
    }
    let is_mark = matches!(look.fact.place, Place::Mark { .. });
    let late = |than: Millis| {
        let entered = look.content.entries.iter().filter_map(|one| one.entered_at);
        let end = zone::instant(date.into(), zone) + 24 * 60 * MINUTE;
        entered.max().is_some_and(|at| at - end > than)
    };
    if is_mark && look.term_closed && policy.term_closed == TermClosed::Hold {
        return Some(Kind::TermClosed);
    }
    match (event, policy.corrections) {
        (Event::MarkCorrected | Event::MarkWithdrawn, Corrections::Register) => {
            Some(Kind::Correction)
        }
        (Event::MarkCorrected, Corrections::Window(window)) if late(window.0) => {
            Some(Kind::Correction)
        }
        (Event::Mark | Event::Absence | Event::Lateness, _) if late(policy.back_dated.0) => {
            Some(Kind::BackDated)
        }
        _ => None,
    }
}

/// Marks that come from elsewhere with a document, as from a hospital, are no back-dating
/// (regulation 003 §2.3.5).
fn external(content: &Content) -> bool {
    !content.entries.is_empty() && content.entries.iter().all(|entry| entry.external)
}

/// Whether so many absent students of so many are the whole class, so that it is a question and no
/// alarm.
pub fn whole_class(absent: usize, students: usize, policy: &Policy) -> bool {
    absent >= CLASS_AWAY && policy.whole_class_absent.reached_by(absent, students)
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;
    use crate::{
        journal::{entry::Entry, fact::Fact},
        policy::{Limit, Period},
    };

    const ZONE: Tz = chrono_tz::Europe::Moscow;

    fn day() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
    }

    /// A mark for a lesson of 14 October that was entered so many days later.
    fn look(days: u64) -> Look {
        let at = zone::instant(
            (day() + Days::new(days))
                .and_hms_opt(12, 0, 0)
                .expect("noon"),
            ZONE,
        );
        Look {
            fact: Fact::mark(7, 3, day(), None),
            content: Content {
                entries: vec![Entry {
                    value: "4".into(),
                    entered_at: Some(at),
                    ..Entry::default()
                }],
                ..Content::default()
            },
            changes: Vec::new(),
            people_only: false,
            grade: Some(5),
            graded: true,
            attends: true,
            class_id: Some(1),
            burst: Burst::Class(1),
            term_closed: false,
            told: Vec::new(),
            missed: Vec::new(),
            acknowledged: Vec::new(),
            open: Vec::new(),
        }
    }

    fn policy() -> Policy {
        Policy::defaults().expect("a policy")
    }

    #[test]
    fn a_burst_is_more_than_the_limit_and_off_is_no_limit() {
        let mut policy = Policy {
            breaker: Limit(Some(500)),
            disappearance: Limit(Some(30)),
            ..policy()
        };
        let tally = |notices, vanished| Tally { notices, vanished };
        assert_eq!(tripped(tally(500, 30), &policy), None);
        assert_eq!(tripped(tally(501, 0), &policy), Some(Kind::Volume));
        assert_eq!(tripped(tally(40, 31), &policy), Some(Kind::Disappearance));
        policy.breaker = Limit(None);
        assert_eq!(tripped(tally(1_000_000, 0), &policy), None);
    }

    #[test]
    fn the_teachers_own_claim_says_what_is_back_dated() {
        let policy = policy();
        let kind = |look: &Look| doubtful(look, Event::Mark, &policy, ZONE);
        assert_eq!(kind(&look(14)), None);
        assert_eq!(kind(&look(16)), Some(Kind::BackDated));
        let mut silent = look(16);
        silent.content.entries[0].entered_at = None;
        assert_eq!(kind(&silent), None, "who claims nothing is not judged");
        let mut hospital = look(16);
        hospital.content.entries[0].external = true;
        assert_eq!(kind(&hospital), None);
    }

    #[test]
    fn corrections_wait_outside_the_window_and_always_where_they_are_forbidden() {
        let mut policy = policy();
        let kind =
            |days, policy: &Policy| doubtful(&look(days), Event::MarkCorrected, policy, ZONE);
        assert_eq!(kind(3, &policy), None);
        assert_eq!(kind(20, &policy), Some(Kind::Correction));
        policy.corrections = Corrections::Register;
        assert_eq!(kind(0, &policy), Some(Kind::Correction));
        policy.corrections = Corrections::Open;
        policy.back_dated = Period(0);
        assert_eq!(kind(20, &policy), None);
        let closed = Look {
            term_closed: true,
            ..look(0)
        };
        assert_eq!(
            doubtful(&closed, Event::Mark, &policy, ZONE),
            Some(Kind::TermClosed)
        );
    }

    #[test]
    fn four_of_five_are_the_whole_class_and_four_of_four_are_not() {
        let policy = policy();
        assert!(whole_class(24, 27, &policy));
        assert!(!whole_class(10, 27, &policy));
        assert!(!whole_class(4, 4, &policy), "four are no class");
    }
}
