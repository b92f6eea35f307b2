//! The rule of absence: from when on a missed lesson is an alarm of its day.
//!
//! One missed lesson is often a teacher's slip, and seven alarms a day are none. What is no alarm goes
//! with the day's digest, so that nobody misses it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::{
    compose::Due,
    journal::{cell::News, entry::Entry, fact::Place},
    pace::{Pace, ToldAway},
    policy::AbsenceAlarm,
};

/// A lesson that a student missed without a known cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Missed {
    /// The lesson's number; 0 is the day.
    number: i64,
    /// Whether the class teacher says so, or a person has decided that families shall hear of it.
    vouched: bool,
}

/// The pace of each notice of attendance that the rule speaks of. `told` is what the same people were
/// told of today's absences.
pub fn paces(
    due: &[Due],
    told: &[ToldAway],
    alarm: AbsenceAlarm,
    today: NaiveDate,
) -> BTreeMap<i64, Pace> {
    let mut paces = BTreeMap::new();
    let mut missed: BTreeMap<(i64, i64), Vec<(i64, Missed)>> = BTreeMap::new();
    // What still settles may be a slip, and makes no alarm.
    for one in due.iter().filter(|one| !one.settling()) {
        let Place::Attendance { date, number } = one.fact.place else {
            continue;
        };
        let news = one.news();
        let Some(said) = news.first() else { continue };
        match said {
            News::Entered(value) if unexplained(value) && date == today => {
                let whose = (one.guardian_id, one.fact.student_id);
                let lesson = Missed {
                    number,
                    vouched: one.released || vouched(&one.content.entries),
                };
                missed
                    .entry(whose)
                    .or_default()
                    .push((one.notice_id, lesson));
            }
            News::Entered(value) if late(value) => {}
            News::Withdrawn(Some(old)) if late(old) => {}
            // Who was told that a child is missing must hear at once that it is not.
            News::Withdrawn(_) => {
                paces.insert(one.notice_id, Pace::FalseAlarm);
            }
            News::Corrected {
                old: Some(old),
                new,
            } if late(new) && !late(old) => {
                paces.insert(one.notice_id, Pace::FalseAlarm);
            }
            News::Entered(_) | News::Corrected { .. } => {
                paces.insert(one.notice_id, Pace::Digest);
            }
        }
    }
    for (whose, lessons) in missed {
        // An absence that was taken back and entered again has to be told anew.
        let anew = |lesson: &Missed| lessons.iter().any(|(_, one)| one.number == lesson.number);
        let known: Vec<Missed> = told
            .iter()
            .filter(|one| (one.guardian_id, one.fact.student_id) == whose)
            .filter_map(|one| lesson(one, today))
            .filter(|lesson| !anew(lesson))
            .collect();
        let all: Vec<Missed> = lessons
            .iter()
            .map(|(_, lesson)| *lesson)
            .chain(known.iter().copied())
            .collect();
        // Who has had the day's alarm hears of further lessons with the digest.
        let pace = if satisfied(&all, alarm) && !satisfied(&known, alarm) {
            Pace::Alarm
        } else {
            Pace::Digest
        };
        paces.extend(lessons.into_iter().map(|(notice, _)| (notice, pace)));
    }
    paces
}

/// Whether these lessons are enough for an alarm.
fn satisfied(missed: &[Missed], alarm: AbsenceAlarm) -> bool {
    let vouched = missed.iter().any(|one| one.vouched);
    let lessons: BTreeSet<i64> = missed.iter().map(|one| one.number).collect();
    match alarm {
        AbsenceAlarm::FirstLesson => !missed.is_empty(),
        // A whole day is more than one lesson.
        AbsenceAlarm::SecondLesson => vouched || lessons.len() > 1 || lessons.contains(&0),
        AbsenceAlarm::ClassTeacher => vouched,
    }
}

fn lesson(told: &ToldAway, today: NaiveDate) -> Option<Missed> {
    let entries = &told.content.entries;
    match told.fact.place {
        Place::Attendance { date, number } if date == today => entries
            .iter()
            .any(|entry| unexplained(&entry.value))
            .then(|| Missed {
                number,
                vouched: vouched(entries),
            }),
        _ => None,
    }
}

fn vouched(entries: &[Entry]) -> bool {
    entries.iter().any(|entry| entry.by_class_teacher)
}

/// Whether somebody is missing and nobody knows why.
fn unexplained(value: &str) -> bool {
    matches!(value, "absent" | "unexcused")
}

fn late(value: &str) -> bool {
    value.starts_with("late")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{
        cell::{Cell, Known},
        entry::Content,
        fact::Fact,
    };

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
    }

    fn content(value: &str, by_class_teacher: bool) -> Content {
        Content {
            entries: value
                .split_whitespace()
                .map(|value| Entry {
                    value: value.into(),
                    by_class_teacher,
                    ..Entry::default()
                })
                .collect(),
            ..Content::default()
        }
    }

    fn fact(number: i64) -> Fact {
        Fact {
            student_id: 7,
            place: Place::Attendance {
                date: today(),
                number,
            },
        }
    }

    fn due(number: i64, value: &str) -> Due {
        Due {
            notice_id: number,
            guardian_id: 1,
            fact: fact(number),
            basis: Known::Untold(Cell::default()),
            settled_at: Some(0),
            seen_at: 0,
            early: false,
            released: false,
            content: content(value, false),
            tried: Vec::new(),
            told_in: None,
        }
    }

    fn known(number: i64) -> ToldAway {
        ToldAway {
            guardian_id: 1,
            fact: fact(number),
            content: content("absent", false),
        }
    }

    fn pace(due: &[Due], told: &[ToldAway], alarm: AbsenceAlarm) -> Vec<Pace> {
        paces(due, told, alarm, today()).into_values().collect()
    }

    #[test]
    fn each_guard_has_its_first_alarm() {
        use AbsenceAlarm::{ClassTeacher, FirstLesson, SecondLesson};
        let first = [due(1, "absent")];
        let second = [due(1, "absent"), due(2, "unexcused")];
        let mut by_teacher = [due(1, "absent")];
        by_teacher[0].content = content("absent", true);
        assert_eq!(pace(&first, &[], FirstLesson), [Pace::Alarm]);
        assert_eq!(pace(&first, &[], SecondLesson), [Pace::Digest]);
        assert_eq!(pace(&second, &[], SecondLesson), [Pace::Alarm; 2]);
        assert_eq!(pace(&by_teacher, &[], SecondLesson), [Pace::Alarm]);
        assert_eq!(pace(&second, &[], ClassTeacher), [Pace::Digest; 2]);
        assert_eq!(pace(&by_teacher, &[], ClassTeacher), [Pace::Alarm]);
        assert_eq!(pace(&[due(0, "absent")], &[], SecondLesson), [Pace::Alarm]);
    }

    #[test]
    fn a_day_has_one_alarm_and_what_went_since_is_none() {
        let third = [due(3, "absent")];
        let alarm = AbsenceAlarm::SecondLesson;
        assert_eq!(pace(&third, &[known(1)], alarm), [Pace::Alarm]);
        assert_eq!(pace(&third, &[known(1), known(2)], alarm), [Pace::Digest]);
        let mut gone = known(2);
        gone.content = Content::default();
        assert_eq!(pace(&third, &[known(1), gone], alarm), [Pace::Alarm]);
        let again = [due(2, "absent")];
        assert_eq!(pace(&again, &[known(1), known(2)], alarm), [Pace::Alarm]);
    }

    #[test]
    fn a_cause_is_no_alarm_and_an_error_takes_the_alarms_road() {
        let alarm = AbsenceAlarm::FirstLesson;
        assert_eq!(pace(&[due(1, "ill")], &[], alarm), [Pace::Digest]);
        let told = |now: &str| Due {
            basis: Known::Told("absent".split(' ').collect()),
            ..due(1, now)
        };
        assert_eq!(pace(&[told("excused")], &[], alarm), [Pace::Digest]);
        assert_eq!(pace(&[told("")], &[], alarm), [Pace::FalseAlarm]);
        assert_eq!(pace(&[told("late:10")], &[], alarm), [Pace::FalseAlarm]);
        assert_eq!(pace(&[due(1, "late:10")], &[], alarm), []);
        let yesterday = paces(
            &[due(1, "absent")],
            &[],
            alarm,
            today().succ_opt().expect("a day"),
        );
        assert_eq!(yesterday.into_values().collect::<Vec<_>>(), [Pace::Digest]);
    }
}
