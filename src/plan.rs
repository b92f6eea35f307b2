//! `plan`: from a changed fact to the duty to tell somebody, or the reason for telling nobody.
//!
//! The plan is level-triggered: it compares what a recipient knows with what the journal reads now.
//! It may therefore run twice for the same change, late, or for several changes at once, and comes
//! to the same end.

use chrono::NaiveDate;

use crate::{
    breaker::Burst,
    family::{People, preference::Event, rights},
    instant::{MINUTE, Millis},
    journal::{
        cell::{Cell, CellChange, Known, News, news_of},
        entry::Content,
        fact::{Fact, Place},
    },
};

/// A fact that may have changed, with all that the plan needs to know of it.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "questions that have nothing to do with each other"
)]
pub struct Look {
    /// The fact.
    pub fact: Fact,
    /// What stands there now.
    pub content: Content,
    /// The unplanned changes that led there, oldest first.
    pub changes: Vec<CellChange>,
    /// Whether it is looked at only because of who people are to each other, to a class or to a channel. Then
    /// what is open is decided again, and nothing is opened.
    pub people_only: bool,
    /// The student's grade, if an enrolment says which.
    pub grade: Option<i64>,
    /// Whether the subject, if there is one, is marked at all.
    pub graded: bool,
    /// Whether the student attends the school today.
    pub attends: bool,
    /// The class that the student attends today.
    pub class_id: Option<i64>,
    /// What it came with.
    pub burst: Burst,
    /// Whether it belongs to a term whose results are set.
    pub term_closed: bool,
    /// What each recipient was last told of the fact.
    pub told: Vec<(i64, Cell)>,
    /// What each recipient knew before the last news of it that never reached them, because their week was over.
    pub missed: Vec<(i64, Known)>,
    /// The recipients who have acknowledged what it only reminds of.
    pub acknowledged: Vec<i64>,
    /// The open notice of each recipient.
    pub open: Vec<OpenNotice>,
}

/// How long an urgent word is held: long enough to take it back, or to write down whom it is for.
pub const URGENT_HOLD: Millis = MINUTE;

/// An open notice, as far as the plan needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenNotice {
    /// `notice.id`
    pub id: i64,
    /// Whom it is for.
    pub guardian_id: i64,
    /// What they knew when it was opened.
    pub basis: Known,
    /// What a message told them since of which nobody can say whether it was taken.
    pub perhaps: Option<Cell>,
    /// How far it has come.
    pub stage: Stage,
}

/// How far an open notice has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It settles or waits: a change is taken in without anybody noticing.
    Open,
    /// It stands in a message that has not left.
    Composed,
    /// It stands in a message that is going out or in doubt: what changes now is a correction.
    Leaving,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Open a notice that settles until `due_at`.
    Open {
        /// Whom to tell.
        guardian_id: i64,
        /// What they know.
        basis: Known,
        /// What it will be told as, unless the journal changes again.
        event: Event,
        /// Whether quiet hours and settling do not hold it.
        urgent: bool,
        /// When the settling ends.
        due_at: Millis,
    },
    /// The open notice stays; only what it will be told as may have changed.
    Keep {
        /// `notice.id`
        notice_id: i64,
        /// What it will be told as.
        event: Event,
    },
    /// Call back the message that the notice stands in and compose anew.
    Recall {
        /// `notice.id`
        notice_id: i64,
    },
    /// The message is leaving: look again when its outcome is known.
    LookAgain {
        /// `notice.id`
        notice_id: i64,
    },
    /// The notice has become pointless.
    Close {
        /// `notice.id`
        notice_id: i64,
        /// Why.
        reason: WhyNone,
    },
    /// This recipient need not be told.
    None {
        /// Who.
        guardian_id: i64,
        /// Why.
        reason: WhyNone,
    },
}

/// Why somebody is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyNone {
    /// They know what the journal says.
    EqualAgain,
    /// It went before they were told of it.
    WithdrawnBeforeTold,
    /// The first grade gets no marks (regulation 000 §2.6).
    FirstGrade,
    /// The subject is not marked.
    Ungraded,
    /// The student has left.
    Left,
    /// They must not hear of the student.
    NoRight,
    /// The lesson, the meeting or the announcement is over.
    Over,
    /// It only reminds of what they have acknowledged.
    Acknowledged,
}

impl WhyNone {
    /// The code in `notice.reason` and `change.outcome`.
    pub fn code(self) -> &'static str {
        match self {
            Self::EqualAgain => "equal_again",
            Self::WithdrawnBeforeTold => "withdrawn_before_told",
            Self::FirstGrade => "first_grade",
            Self::Ungraded => "ungraded",
            Self::Left => "left",
            Self::NoRight => "no_right",
            Self::Over => "over",
            Self::Acknowledged => "acknowledged",
        }
    }
}

/// Plans one fact for every guardian of its student.
///
/// `settling` is how long a new notice waits for second thoughts. It runs from `now`, the moment
/// the change was seen, never from the teacher's own claim.
pub fn plan(
    look: &Look,
    people: &People,
    today: NaiveDate,
    settling: Millis,
    now: Millis,
) -> Vec<Decision> {
    let mut guardians: Vec<i64> = people
        .guardianships
        .iter()
        .filter(|tie| !look.people_only && tie.student_id == look.fact.student_id)
        .map(|tie| tie.guardian_id)
        .chain(look.open.iter().map(|notice| notice.guardian_id))
        .collect();
    guardians.sort_unstable();
    guardians.dedup();
    let hearers = rights::hearers(people, look.fact.student_id, today);
    guardians
        .into_iter()
        .map(|id| decide(look, id, hearers.contains(&id), settling, now))
        .collect()
}

fn decide(look: &Look, guardian_id: i64, hears: bool, settling: Millis, now: Millis) -> Decision {
    let open = look
        .open
        .iter()
        .find(|notice| notice.guardian_id == guardian_id);
    let basis = match open {
        Some(notice) => {
            let basis = notice.basis.clone();
            basis.or_perhaps(notice.perhaps.clone(), &look.content.cell())
        }
        None => known(look, guardian_id),
    };
    let news = news_of(look.fact.place, &basis, &look.content.cell());
    let needless = look.acknowledged.contains(&guardian_id);
    let barred = barred(look, hears).or(needless.then_some(WhyNone::Acknowledged));
    let reason = barred.or_else(|| news.is_empty().then(|| silence(&basis, look)));
    match (open, reason) {
        (Some(notice), _) if notice.stage == Stage::Leaving => Decision::LookAgain {
            notice_id: notice.id,
        },
        (Some(notice), Some(reason)) => Decision::Close {
            notice_id: notice.id,
            reason,
        },
        // Without a change of the cell it is people who changed, and `may_send` looks at those.
        (Some(notice), None) if notice.stage == Stage::Composed && !look.changes.is_empty() => {
            Decision::Recall {
                notice_id: notice.id,
            }
        }
        (Some(notice), None) => Decision::Keep {
            notice_id: notice.id,
            event: event(look, &news),
        },
        (None, Some(reason)) => Decision::None {
            guardian_id,
            reason,
        },
        (None, None) => Decision::Open {
            guardian_id,
            basis,
            event: event(look, &news),
            urgent: look.content.urgent,
            due_at: match look.content.not_before {
                // Whoever named an hour has had second thoughts before.
                Some(at) => at.max(now),
                None if look.content.urgent => now + settling.min(URGENT_HOLD),
                None => now + settling,
            },
        },
    }
}

/// What somebody without an open notice knows: what they were told, or what they knew before the news that never
/// reached them, or else what stood there before these changes and was never told to them.
fn known(look: &Look, guardian_id: i64) -> Known {
    if let Some((_, cell)) = look.told.iter().find(|(id, _)| *id == guardian_id) {
        return Known::Told(cell.clone());
    }
    match look.missed.iter().find(|(id, _)| *id == guardian_id) {
        Some((_, basis)) => basis.clone(),
        None => Known::Untold(look.content.cell().before(&look.changes)),
    }
}

fn barred(look: &Look, hears: bool) -> Option<WhyNone> {
    let marked = matches!(
        look.fact.place,
        Place::Mark { .. } | Place::TermResult { .. }
    );
    match () {
        () if !hears => Some(WhyNone::NoRight),
        () if !look.attends => Some(WhyNone::Left),
        () if look.content.over => Some(WhyNone::Over),
        () if marked && look.grade == Some(1) => Some(WhyNone::FirstGrade),
        () if marked && !look.graded => Some(WhyNone::Ungraded),
        () => None,
    }
}

fn silence(basis: &Known, look: &Look) -> WhyNone {
    let now = look.content.cell();
    match basis {
        Known::Untold(cell) if *cell != now || now.is_empty() => WhyNone::WithdrawnBeforeTold,
        _ => WhyNone::EqualAgain,
    }
}

fn event(look: &Look, news: &[News]) -> Event {
    Event::of_all(look.fact.place, look.content.urgent, news).unwrap_or(Event::Announcement)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        family::rights::{Guardianship, Rights},
        journal::entry::Entry,
    };

    const MOTHER: i64 = 1;
    const SETTLING: Millis = 1_800_000;

    fn cell(text: &str) -> Cell {
        text.split_whitespace().collect()
    }

    fn content(text: &str) -> Content {
        let entry = |value: &str| Entry {
            value: value.into(),
            ..Entry::default()
        };
        Content {
            entries: text.split_whitespace().map(entry).collect(),
            ..Content::default()
        }
    }

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
    }

    fn change(old: Option<&str>, new: Option<&str>) -> CellChange {
        CellChange {
            old: old.map(Into::into),
            new: new.map(Into::into),
        }
    }

    fn look(now: &str, changes: Vec<CellChange>) -> Look {
        Look {
            fact: Fact::mark(7, 3, today(), None),
            content: content(now),
            changes,
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

    fn mother() -> People {
        let tie = Guardianship {
            guardian_id: MOTHER,
            student_id: 7,
            rights: Rights::Full,
            restricted_from: None,
            restricted_to: None,
        };
        People {
            guardianships: vec![tie],
            ..People::default()
        }
    }

    fn decision(look: &Look) -> Decision {
        let mut all = plan(look, &mother(), today(), SETTLING, 1_000);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    fn notice(basis: Known, stage: Stage) -> OpenNotice {
        OpenNotice {
            id: 50,
            guardian_id: MOTHER,
            basis,
            perhaps: None,
            stage,
        }
    }

    #[test]
    fn a_new_mark_opens_a_notice_that_settles() {
        let expected = Decision::Open {
            guardian_id: MOTHER,
            basis: Known::Untold(cell("")),
            event: Event::Mark,
            urgent: false,
            due_at: 1_000 + SETTLING,
        };
        assert_eq!(
            decision(&look("4", vec![change(None, Some("4"))])),
            expected
        );
    }

    #[test]
    fn deleted_and_entered_again_while_settling_says_nothing() {
        let mut look = look("4", vec![change(None, Some("4"))]);
        look.open = vec![notice(Known::Told(cell("4")), Stage::Open)];
        assert_eq!(
            decision(&look),
            Decision::Close {
                notice_id: 50,
                reason: WhyNone::EqualAgain
            }
        );
    }

    #[test]
    fn three_four_five_after_three_was_told_is_one_correction() {
        let mut look = look("5", vec![change(Some("4"), Some("5"))]);
        look.open = vec![notice(Known::Told(cell("3")), Stage::Open)];
        assert_eq!(
            decision(&look),
            Decision::Keep {
                notice_id: 50,
                event: Event::MarkCorrected
            }
        );
        assert_eq!(
            news_of(look.fact.place, &look.open[0].basis, &look.content.cell()),
            [News::Corrected {
                old: Some("3".into()),
                new: "5".into()
            }]
        );
    }

    #[test]
    fn a_change_of_a_composed_message_calls_it_back_and_of_a_leaving_one_waits() {
        let mut look = look("5", vec![change(Some("4"), Some("5"))]);
        look.open = vec![notice(Known::Untold(cell("")), Stage::Composed)];
        assert_eq!(decision(&look), Decision::Recall { notice_id: 50 });
        look.open[0].stage = Stage::Leaving;
        assert_eq!(decision(&look), Decision::LookAgain { notice_id: 50 });
    }

    #[test]
    fn each_silence_has_its_reason() {
        let entered = vec![change(None, Some("4"))];
        let reason = |look: &Look| match decision(look) {
            Decision::None { reason, .. } => reason,
            other => panic!("told all the same: {other:?}"),
        };
        assert_eq!(
            reason(&Look {
                grade: Some(1),
                ..look("4", entered.clone())
            }),
            WhyNone::FirstGrade
        );
        assert_eq!(
            reason(&Look {
                graded: false,
                ..look("4", entered.clone())
            }),
            WhyNone::Ungraded
        );
        assert_eq!(
            reason(&Look {
                attends: false,
                ..look("4", entered.clone())
            }),
            WhyNone::Left
        );
        let passing = vec![change(None, Some("4")), change(Some("4"), None)];
        assert_eq!(reason(&look("", passing)), WhyNone::WithdrawnBeforeTold);
        let told = Look {
            told: vec![(MOTHER, cell("4"))],
            ..look("4", entered)
        };
        assert_eq!(reason(&told), WhyNone::EqualAgain);
    }

    #[test]
    fn an_urgent_word_is_held_for_a_minute_and_an_early_one_for_its_hour() {
        let word = |urgent, not_before| Look {
            fact: Fact {
                student_id: 7,
                place: Place::Announcement(4),
            },
            content: Content {
                urgent,
                not_before,
                ..content("Сбор")
            },
            ..look("Сбор", vec![change(None, Some("Сбор"))])
        };
        let due = |look: &Look| match decision(look) {
            Decision::Open { due_at, event, .. } => (due_at, event),
            other => panic!("not told: {other:?}"),
        };
        assert_eq!(due(&word(true, None)), (1_000 + URGENT_HOLD, Event::Urgent));
        assert_eq!(
            due(&word(false, None)),
            (1_000 + SETTLING, Event::Announcement)
        );
        let tomorrow = 90_000_000;
        assert_eq!(due(&word(true, Some(tomorrow))).0, tomorrow);
        assert_eq!(due(&word(false, Some(60_000))).0, 60_000);
        assert_eq!(due(&word(false, Some(10))).0, 1_000, "it has come");
    }

    #[test]
    fn who_has_acknowledged_a_word_is_not_reminded_of_it() {
        let reminder = Look {
            fact: Fact {
                student_id: 7,
                place: Place::Announcement(5),
            },
            acknowledged: vec![MOTHER],
            ..look("Сбор", vec![change(None, Some("Сбор"))])
        };
        assert!(matches!(
            decision(&reminder),
            Decision::None {
                reason: WhyNone::Acknowledged,
                ..
            }
        ));
        let other = Look {
            acknowledged: vec![MOTHER + 1],
            ..reminder
        };
        assert!(matches!(decision(&other), Decision::Open { .. }));
    }

    #[test]
    fn what_is_over_is_told_to_nobody_and_its_end_is_no_withdrawal() {
        let mut look = Look {
            fact: Fact {
                student_id: 7,
                place: Place::Lesson(9),
            },
            content: Content {
                over: true,
                ..Content::default()
            },
            told: vec![(MOTHER, cell("cancelled"))],
            ..look("", vec![change(Some("cancelled"), None)])
        };
        let over = Decision::None {
            guardian_id: MOTHER,
            reason: WhyNone::Over,
        };
        assert_eq!(decision(&look), over);
        look.grade = Some(1);
        look.content.over = false;
        assert!(
            matches!(decision(&look), Decision::Open { .. }),
            "the first grade has a timetable too"
        );
    }

    #[test]
    fn that_a_word_is_gone_is_news_only_to_those_who_heard_it() {
        let gone = |place, told| Look {
            fact: Fact {
                student_id: 7,
                place,
            },
            told,
            ..look("", vec![change(Some("Сбор"), None)])
        };
        let untold = decision(&gone(Place::Announcement(4), Vec::new()));
        let none = Decision::None {
            guardian_id: MOTHER,
            reason: WhyNone::WithdrawnBeforeTold,
        };
        assert_eq!(
            untold, none,
            "or a whole school would hear of one student's affair"
        );
        let told = vec![(MOTHER, cell("Сбор"))];
        let heard = decision(&gone(Place::Announcement(4), told));
        assert!(matches!(heard, Decision::Open { .. }), "{heard:?}");
    }
}
