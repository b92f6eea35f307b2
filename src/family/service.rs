//! The service mode: whether a school and a family have agreed on the electronic service or on paper, and on
//! what ground (regulation 002 §2.4).

use std::fmt;

use chrono::NaiveDate;

use crate::family::People;

/// Why a family is served on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// It refused the electronic service.
    Refused,
    /// It has no access to it.
    NoAccess,
    /// It gave no consent to it.
    NoConsent,
    /// It cannot be reached by it.
    Unreachable,
    /// It prefers paper; also where the register names no ground.
    Chosen,
}

impl Ground {
    /// All grounds that the register knows.
    pub const ALL: [Self; 5] = [
        Self::Refused,
        Self::NoAccess,
        Self::NoConsent,
        Self::Unreachable,
        Self::Chosen,
    ];

    /// The code in `service_mode.ground`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NoAccess => "no_access",
            Self::NoConsent => "no_consent",
            Self::Unreachable => "unreachable",
            Self::Chosen => "chosen",
        }
    }

    /// The ground with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ground| ground.code() == code)
    }
}

/// The ground as `route` and `explain` say it.
impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the family refused the electronic service",
            Self::NoAccess => "the family has no access to the electronic service",
            Self::NoConsent => "the family gave no consent to the electronic service",
            Self::Unreachable => "the family cannot be reached electronically",
            Self::Chosen => "the family chose paper",
        })
    }
}

/// That a guardian hears of a student on paper today, whatever else is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnPaper {
    /// The guardian.
    pub guardian_id: i64,
    /// The student.
    pub student_id: i64,
    /// On what ground.
    pub ground: Ground,
    /// The statement that proves it: «№ 14».
    pub statement: Option<String>,
    /// Since when.
    pub from_on: Option<NaiveDate>,
}

/// The agreement on paper between the school and this guardian, if there is one.
pub fn on_paper(people: &People, guardian_id: i64, student_id: i64) -> Option<&OnPaper> {
    people
        .on_paper
        .iter()
        .find(|one| (one.guardian_id, one.student_id) == (guardian_id, student_id))
}
