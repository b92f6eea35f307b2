//! A week of that school: what teachers enter, and when.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use rand::{Rng, RngExt, seq::IndexedRandom};

use super::{lessons, school::School};

/// Something that somebody does at a moment of the week.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When, by the school's clock.
    pub at: NaiveDateTime,
    /// What.
    pub deed: Deed,
}

/// What somebody does. Marks are named by their number in the week.
#[derive(Debug, Clone)]
pub enum Deed {
    /// A teacher enters a mark.
    Enter {
        /// Its number.
        mark: usize,
        /// Index of the student.
        student: usize,
        /// Index of the subject.
        subject: usize,
        /// The lesson's date.
        date: NaiveDate,
        /// The mark.
        value: &'static str,
        /// The kind of work.
        work_kind: Option<&'static str>,
    },
    /// A teacher corrects a mark.
    Correct {
        /// Its number.
        mark: usize,
        /// What is right.
        value: &'static str,
    },
    /// A teacher removes a mark.
    Remove {
        /// Its number.
        mark: usize,
    },
    /// A lesson was held, or will not be.
    Lesson {
        /// Index of the class.
        class: usize,
        /// Index of the subject.
        subject: usize,
        /// The day.
        date: NaiveDate,
        /// Its number.
        number: i64,
        /// `lesson.state`
        state: &'static str,
    },
    /// A teacher gives homework to a class.
    Homework {
        /// Index of the class.
        class: usize,
        /// Index of the subject.
        subject: usize,
        /// The day for which it is due.
        due: NaiveDate,
        /// The task.
        text: String,
    },
    /// Somebody was not there, or late.
    Attend {
        /// Index of the student.
        student: usize,
        /// The day.
        date: NaiveDate,
        /// The lesson's number.
        number: i64,
        /// `attendance.code`
        code: &'static str,
        /// How late.
        minutes: Option<i64>,
    },
    /// An absence gets its cause.
    Excuse {
        /// Index of the student.
        student: usize,
        /// The day.
        date: NaiveDate,
        /// `attendance.code`
        code: &'static str,
    },
    /// A teacher writes a word about a student.
    Remark {
        /// Index of the student.
        student: usize,
        /// The day.
        date: NaiveDate,
        /// `remark.kind`
        kind: &'static str,
        /// The word.
        text: &'static str,
        /// Whether parents are to hear it.
        tell: bool,
    },
    /// The expected result of the quarter.
    Forecast {
        /// Index of the student.
        student: usize,
        /// Index of the subject.
        subject: usize,
        /// The mark.
        value: &'static str,
    },
    /// A word to a class, or to the school.
    Announce {
        /// Index of the class; none for the school.
        class: Option<usize>,
        /// Its title.
        title: Option<&'static str>,
        /// The word.
        text: &'static str,
        /// The word in an SMS.
        short: &'static str,
        /// Whether it cannot wait.
        urgent: bool,
    },
    /// A guardian withdraws the consent to e-mail.
    Withdraw {
        /// Index of the guardian.
        guardian: usize,
        /// Index of the student.
        student: usize,
    },
}

/// The Monday on which the demo's week begins.
pub const MONDAY: NaiveDate = match NaiveDate::from_ymd_opt(2026, 10, 12) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

const VALUES: [&str; 8] = ["5", "5", "4", "4", "4", "3", "2", "."];
const KINDS: [Option<&str>; 5] = [
    None,
    None,
    Some("ответ на уроке"),
    Some("самостоятельная"),
    Some("контрольная"),
];

/// All that happens from Monday to Friday, in order.
pub fn week(school: &School, random: &mut impl Rng) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut marks = 0;
    for day in 0..5 {
        let date = MONDAY + Days::new(day);
        for class in 0..school.classes.len() {
            for lesson in 0..5 {
                let day = usize::try_from(day).unwrap_or(0);
                let subject = subject_of(school, class, lesson, day);
                let end = end_of(date, lesson);
                for (student, _) in school
                    .students
                    .iter()
                    .enumerate()
                    .filter(|(_, one)| one.class == class)
                {
                    if random.random_bool(0.3) {
                        let deed = Deed::Enter {
                            mark: marks,
                            student,
                            subject,
                            date,
                            value: VALUES.choose(random).copied().unwrap_or("4"),
                            work_kind: KINDS.choose(random).copied().flatten(),
                        };
                        let at = end + TimeDelta::minutes(random.random_range(0..40));
                        entries.push(Entry { at, deed });
                        second_thoughts(&mut entries, marks, at, random);
                        marks += 1;
                    }
                }
            }
        }
    }
    let wednesday = (MONDAY + Days::new(2))
        .and_hms_opt(17, 59, 0)
        .unwrap_or_default();
    for (guardian, student) in school.withdrawing() {
        entries.push(Entry {
            at: wednesday,
            deed: Deed::Withdraw { guardian, student },
        });
    }
    entries.extend(lessons::beside_marks(school, random));
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// Which subject a class has in a lesson, both counted from 0, on a day of the week.
pub(super) fn subject_of(school: &School, class: usize, lesson: usize, day: usize) -> usize {
    (class + lesson + day * 2) % school.subjects.len()
}

/// When a lesson, counted from 0, ends: they begin at half past eight and take 45 minutes, with breaks.
pub(super) fn end_of(date: NaiveDate, lesson: usize) -> NaiveDateTime {
    let minutes = i64::try_from(lesson).unwrap_or(0) * 60 + 50;
    date.and_hms_opt(8, 30, 0).unwrap_or_default() + TimeDelta::minutes(minutes)
}

/// Few marks are corrected within minutes, fewer on a later day, and some are taken back.
fn second_thoughts(
    entries: &mut Vec<Entry>,
    mark: usize,
    at: NaiveDateTime,
    random: &mut impl Rng,
) {
    let value = VALUES.choose(random).copied().unwrap_or("4");
    let later = match random.random_range(0..100) {
        0..3 => Some((TimeDelta::minutes(12), Deed::Correct { mark, value })),
        3..6 => Some((TimeDelta::hours(3), Deed::Correct { mark, value })),
        6..8 => Some((TimeDelta::hours(26), Deed::Correct { mark, value })),
        8..10 => Some((TimeDelta::hours(2), Deed::Remove { mark })),
        _ => None,
    };
    if let Some((pause, deed)) = later {
        entries.push(Entry {
            at: at + pause,
            deed,
        });
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_week_is_in_order_and_corrects_only_what_was_entered() {
        let random = &mut StdRng::seed_from_u64(12);
        let school = School::sample(random);
        let week = week(&school, random);
        assert!(week.is_sorted_by_key(|entry| entry.at));
        let entered = week
            .iter()
            .filter(|entry| matches!(entry.deed, Deed::Enter { .. }))
            .count();
        assert!((500..1500).contains(&entered), "{entered}");
        for entry in &week {
            if let Deed::Correct { mark, .. } | Deed::Remove { mark } = entry.deed {
                assert!(mark < entered);
            }
        }
    }
}
