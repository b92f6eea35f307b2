//! Which families on paper have had none for too long.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::family::{
    People,
    contact::Channel,
    preference::Event,
    rights,
    route::{Route, route},
    service,
};

/// A student with the home that a sheet went to; none is the home that nobody has named.
pub type Home = (i64, Option<String>);

/// Who had a sheet.
#[derive(Debug, Clone, Default)]
pub struct Served {
    /// By guardian and student: where they live.
    pub homes: BTreeMap<(i64, i64), Option<String>>,
    /// The homes that had one lately.
    pub lately: BTreeSet<Home>,
}

impl Served {
    /// The home of a guardian, as the student's sheets go there.
    pub fn home(&self, guardian: i64, student: i64) -> Home {
        let home = self.homes.get(&(guardian, student));
        (student, home.cloned().flatten())
    }
}

/// The guardians on paper, each with the student, whose home has had no sheet lately; who agreed on paper on
/// `since` or later has not had the time.
pub fn without_paper(
    people: &People,
    students: &[i64],
    served: &Served,
    configured: &[Channel],
    since: NaiveDate,
    today: NaiveDate,
) -> Vec<(i64, i64)> {
    let mut without = Vec::new();
    for &student in students {
        for guardian_id in rights::hearers(people, student, today) {
            let Some(guardian) = people.guardian(guardian_id) else {
                continue;
            };
            let road = route(people, guardian, student, Event::Mark, configured, today);
            let agreed = service::on_paper(people, guardian_id, student);
            let new = agreed
                .and_then(|one| one.from_on)
                .is_some_and(|from| from >= since);
            let had = served.lately.contains(&served.home(guardian_id, student));
            if matches!(road, Route::Sheet(_)) && !new && !had {
                without.push((guardian_id, student));
            }
        }
    }
    without
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::{
        Guardian,
        rights::{Guardianship, Rights},
    };

    #[test]
    fn a_home_without_a_sheet_is_named_and_one_sheet_serves_who_lives_together() {
        let tie = |guardian_id| Guardianship {
            guardian_id,
            student_id: 7,
            rights: Rights::Full,
            restricted_from: None,
            restricted_to: None,
        };
        let people = People {
            guardians: [1, 2, 3]
                .map(|id| Guardian {
                    id,
                    ..Guardian::default()
                })
                .to_vec(),
            guardianships: [1, 2, 3].map(tie).to_vec(),
            ..People::default()
        };
        let served = Served {
            homes: BTreeMap::from([((3, 7), Some("father".to_owned()))]),
            lately: BTreeSet::from([(7, None)]),
        };
        let day = NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date");
        let without = without_paper(&people, &[7], &served, &[], day, day);
        assert_eq!(without, [(3, 7)]);
        let nobody = without_paper(&people, &[7], &Served::default(), &[], day, day);
        assert_eq!(nobody, [(1, 7), (2, 7), (3, 7)]);
    }
}
