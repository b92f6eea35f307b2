//! The family: who may hear of a student, by which channel, and when.
//!
//! [`People`] is a snapshot of the rows that decide it. Everything here is a function of such a
//! snapshot; nothing reads a database or a clock.

pub mod consent;
pub mod contact;
pub mod preference;
pub mod rights;
pub mod road;
pub mod route;
pub mod service;

use std::collections::BTreeSet;

use chrono::NaiveDate;

use consent::Consent;
use contact::{Channel, Contact};
use preference::{Preference, Preset};
use rights::{Guardianship, Returned};
use service::OnPaper;

use crate::{
    quiet::Quiet,
    text::{Frame, Language},
};

/// A guardian: a person who answers for a student.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guardian {
    /// `guardian.id`
    pub id: i64,
    /// The pattern of channels and times they chose; the policy's where they chose none.
    pub preset: Option<Preset>,
    /// Their own quiet hours; the policy's where they named none.
    pub quiet: Option<Quiet>,
    /// The language of the texts for them, of those that there are templates in.
    pub language: Language,
    /// The language of the frame of their sheets.
    pub frame: Frame,
    /// Whether they asked for large print.
    pub large_print: bool,
    /// Whether they asked for plain words, one thought to a line.
    pub plain: bool,
    /// Until this day they asked to hear nothing but what is urgent.
    pub paused_to: Option<NaiveDate>,
}

/// All that decides who hears of the students in question.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// Every guardian of the students, and every other living owner of their addresses.
    pub guardians: Vec<Guardian>,
    /// Who answers for whom.
    pub guardianships: Vec<Guardianship>,
    /// Their addresses.
    pub contacts: Vec<Contact>,
    /// The consent register, in the order of its ids.
    pub consents: Vec<Consent>,
    /// What they asked for.
    pub preferences: Vec<Preference>,
    /// The agreements on paper that hold today (`service_mode`).
    pub on_paper: Vec<OnPaper>,
    /// The restrictions of which staff has confirmed that they are over.
    pub returned: Vec<Returned>,
    /// The guardians, each with the student, whose duty ended when the student came of age: staff
    /// decided so.
    pub of_age: Vec<(i64, i64)>,
    /// The channels that are out of order today: they carry nothing where another one is open.
    pub resting: BTreeSet<Channel>,
}

impl People {
    /// The guardian with this id.
    pub fn guardian(&self, id: i64) -> Option<&Guardian> {
        self.guardians.iter().find(|guardian| guardian.id == id)
    }

    /// The addresses of one guardian that are not ended, in the order in which they are tried.
    pub fn contacts_of(&self, guardian_id: i64) -> Vec<&Contact> {
        let mut contacts: Vec<_> = self
            .contacts
            .iter()
            .filter(|contact| contact.guardian_id == guardian_id && !contact.ended)
            .collect();
        contacts.sort_by_key(|contact| (contact.rank, contact.id));
        contacts
    }
}
