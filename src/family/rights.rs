//! Rights: who may hear of a student, apart from how they are related.

use std::fmt;

use chrono::NaiveDate;

use crate::family::People;

/// What a guardian may do for a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    /// Everything.
    Full,
    /// To be informed, and no more: a house tutor, or the parent of an adult student who wants it so.
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
    /// The last day of the restriction, which ends when staff confirms it; open where it has a
    /// beginning only.
    pub restricted_to: Option<NaiveDate>,
}

/// That the end of a restriction was confirmed by staff, who have seen that the court did not prolong it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned {
    /// The guardian.
    pub guardian_id: i64,
    /// The student.
    pub student_id: i64,
    /// The last day of the restriction that is over; another day is another restriction.
    pub restricted_to: NaiveDate,
}

/// Why a guardian must not hear of a student.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyBarred {
    /// A court took the rights away.
    Deprived,
    /// A restriction is in force, to this day if it has an end.
    Restricted(Option<NaiveDate>),
    /// The restriction was to end on this day, and nobody has confirmed yet that it did.
    Unconfirmed(NaiveDate),
    /// The student is of age, and staff decided that the guardians' duty ended with it.
    OfAge,
}

/// The reason as `route` says it.
impl fmt::Display for WhyBarred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must not hear of this student: ")?;
        match self {
            Self::Deprived => f.write_str("the rights were taken away"),
            Self::Restricted(None) => f.write_str("the rights are restricted"),
            Self::Restricted(Some(to)) => write!(f, "the rights are restricted until {to}"),
            Self::Unconfirmed(to) => write!(
                f,
                "the restriction ended on {to}, and nobody has confirmed it (vestnik held list)"
            ),
            Self::OfAge => f.write_str("the student is of age"),
        }
    }
}

/// Why this guardian must not hear of the student on this day; none where they may.
pub fn barred(people: &People, tie: &Guardianship, today: NaiveDate) -> Option<WhyBarred> {
    let pair = (tie.guardian_id, tie.student_id);
    if tie.rights == Rights::Deprived {
        return Some(WhyBarred::Deprived);
    }
    if people.of_age.contains(&pair) && tie.rights != Rights::InformedOnly {
        return Some(WhyBarred::OfAge);
    }
    let begun = tie.restricted_from.is_none_or(|from| from <= today);
    match (tie.restricted_from, tie.restricted_to) {
        (None, None) => None,
        _ if !begun => None,
        (_, Some(to)) if to < today => {
            let confirmed = people
                .returned
                .iter()
                .any(|one| (one.guardian_id, one.student_id) == pair && one.restricted_to == to);
            (!confirmed).then_some(WhyBarred::Unconfirmed(to))
        }
        (_, to) => Some(WhyBarred::Restricted(to)),
    }
}

/// The guardians who may hear of a student today, in the order of their ids.
pub fn hearers(people: &People, student_id: i64, today: NaiveDate) -> Vec<i64> {
    let mut ids: Vec<_> = people
        .guardianships
        .iter()
        .filter(|tie| tie.student_id == student_id && barred(people, tie, today).is_none())
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
                    && barred(people, tie, today).is_some()
            })
        })
}
