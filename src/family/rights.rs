//! Rights: who may hear of a student, apart from how they are related.

use chrono::NaiveDate;

use crate::family::People;

/// What a guardian may do for a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Everything.
    Full,
    /// To be informed, and no more.
    InformedOnly,
    /// Nothing, by a court's decision.
    Deprived,
}

/// That a guardian answers for a student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guardianship {
    /// The guardian.
    pub guardian_id: i64,
    /// The student.
    pub student_id: i64,
    /// What the guardian may do.
    pub rights: Rights,
    /// From this day on they must not hear.
    pub restricted_from: Option<NaiveDate>,
    /// The last day of the restriction; open where it has a beginning only.
    pub restricted_to: Option<NaiveDate>,
}

impl Guardianship {
    /// Whether this guardian must not hear of the student on this day.
    pub fn restricted(&self, today: NaiveDate) -> bool {
        let by_dates = match (self.restricted_from, self.restricted_to) {
            (None, None) => false,
            (from, to) => from.is_none_or(|from| from <= today) && to.is_none_or(|to| today <= to),
        };
        self.rights == Rights::Deprived || by_dates
    }
}

/// The guardians who may hear of a student today, in the order of their ids.
pub fn hearers(people: &People, student_id: i64, today: NaiveDate) -> Vec<i64> {
    let mut ids: Vec<_> = people
        .guardianships
        .iter()
        .filter(|tie| tie.student_id == student_id && !tie.restricted(today))
        .map(|tie| tie.guardian_id)
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Whether an address is closed for a student: one of its living owners must not hear of them, and
/// nobody can know which of the owners picks up the phone (design §6).
pub fn closed(people: &People, address: &str, student_id: i64, today: NaiveDate) -> bool {
    people
        .contacts
        .iter()
        .filter(|contact| contact.address == address && !contact.ended)
        .any(|contact| {
            people.guardianships.iter().any(|tie| {
                tie.guardian_id == contact.guardian_id
                    && tie.student_id == student_id
                    && tie.restricted(today)
            })
        })
}
