//! A week of that school: what teachers enter, and when.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use rand::{Rng, RngExt, seq::IndexedRandom};

use super::school::School;

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
                let subject = (class + lesson + usize::try_from(day).unwrap_or(0) * 2)
                    % school.subjects.len();
                // Lessons begin at half past eight and take forty-five minutes, with breaks.
                let minutes = i64::try_from(lesson).unwrap_or(0) * 60 + 50;
                let end =
                    date.and_hms_opt(8, 30, 0).unwrap_or_default() + TimeDelta::minutes(minutes);
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
    entries.sort_by_key(|entry| entry.at);
    entries
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
