//! `may_send`: the last word before a message leaves.
//!
//! A message is composed from what was true then. Between composing and sending a consent may be
//! withdrawn, a court may decide and night may fall, so everything is asked again.

use std::fmt;

use chrono::NaiveDateTime;

use crate::{
    family::{
        People,
        contact::Contact,
        rights,
        route::{WhyPaper, open_contact},
    },
    quiet::Quiet,
};

/// Whether a message may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Go,
    /// Not before this moment in the school's zone: the family sleeps.
    Wait(NaiveDateTime),
    /// Never: its notices look for another road.
    Stop(WhyStop),
}

/// Why a message must not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyStop {
    /// The recipient must not hear of one of the students.
    NoRight,
    /// The address may not be used any more.
    Address(WhyPaper),
    /// The address has been given up.
    Ended,
    /// The message came too late to be of use.
    Expired,
}

/// The reason as `explain` says it.
impl fmt::Display for WhyStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRight => f.write_str("the recipient must not hear of this student"),
            Self::Address(why) => why.fmt(f),
            Self::Ended => f.write_str("the address has been given up"),
            Self::Expired => f.write_str("it would have come too late to be of use"),
        }
    }
}

/// What is asked of a message before it leaves.
#[derive(Debug, Clone)]
pub struct Leaving<'a> {
    /// Whom it is for and of which students: `(guardian_id, student_id)`; several where an address
    /// is shared.
    pub tells: &'a [(i64, i64)],
    /// The address of each recipient, as it stands now.
    pub contacts: &'a [&'a Contact],
    /// Whether it is urgent: then quiet hours do not hold it.
    pub urgent: bool,
    /// The recipients' quiet hours.
    pub quiet: Quiet,
    /// Until when it is of use, in the school's zone.
    pub useful_until: Option<NaiveDateTime>,
}

/// Decides about one message. One reason against it stops it whole, because its text speaks of all
/// its students; what remains is composed anew without what was wrong.
pub fn may_send(leaving: &Leaving<'_>, people: &People, now: NaiveDateTime) -> Verdict {
    let today = now.date();
    if leaving.useful_until.is_some_and(|until| until <= now) {
        return Verdict::Stop(WhyStop::Expired);
    }
    for &(guardian_id, student_id) in leaving.tells {
        if !rights::hearers(people, student_id, today).contains(&guardian_id) {
            return Verdict::Stop(WhyStop::NoRight);
        }
        let Some(contact) = leaving
            .contacts
            .iter()
            .find(|contact| contact.guardian_id == guardian_id)
        else {
            return Verdict::Stop(WhyStop::Ended);
        };
        if contact.ended {
            return Verdict::Stop(WhyStop::Ended);
        }
        if let Err(why) = open_contact(people, contact, student_id, today) {
            return Verdict::Stop(WhyStop::Address(why));
        }
    }
    let over_at = leaving.quiet.over_at(now);
    if leaving.urgent || over_at == now {
        Verdict::Go
    } else {
        Verdict::Wait(over_at)
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;
    use crate::family::{
        consent::{Consent, ConsentState, Purpose},
        contact::{Channel, Health},
        rights::{Guardianship, Rights},
    };

    fn at(hour: u32) -> NaiveDateTime {
        NaiveDate::from_ymd_opt(2026, 10, 14)
            .and_then(|day| day.and_hms_opt(hour, 0, 0))
            .expect("a time")
    }

    fn people() -> People {
        let given = |id, purpose| Consent {
            id,
            guardian_id: 1,
            student_id: 7,
            purpose,
            state: ConsentState::Given,
        };
        People {
            guardianships: vec![Guardianship {
                guardian_id: 1,
                student_id: 7,
                rights: Rights::Full,
                restricted_from: None,
                restricted_to: None,
            }],
            consents: vec![given(1, Purpose::Data), given(2, Purpose::Email)],
            ..People::default()
        }
    }

    fn verdict(people: &People, urgent: bool, now: NaiveDateTime) -> Verdict {
        let contact = Contact {
            id: 1,
            guardian_id: 1,
            channel: Channel::Email,
            address: "home@example.org".into(),
            rank: 1,
            health: Health::Ok,
            ended: false,
        };
        let leaving = Leaving {
            tells: &[(1, 7)],
            contacts: &[&contact],
            urgent,
            quiet: "21:00-07:30".parse().expect("quiet hours"),
            useful_until: Some(at(23)),
        };
        may_send(&leaving, people, now)
    }

    #[test]
    fn a_consent_withdrawn_after_composing_stops_the_message() {
        let mut people = people();
        assert_eq!(verdict(&people, false, at(18)), Verdict::Go);
        let state = ConsentState::Withdrawn;
        people.consents.push(Consent {
            id: 3,
            guardian_id: 1,
            student_id: 7,
            purpose: Purpose::Email,
            state,
        });
        let why = WhyStop::Address(WhyPaper::Consent(Purpose::Email, state));
        assert_eq!(
            verdict(&people, true, at(18)),
            Verdict::Stop(why),
            "urgent or not"
        );
    }

    #[test]
    fn night_holds_all_but_what_is_urgent_and_age_ends_it() {
        assert_eq!(verdict(&people(), true, at(22)), Verdict::Go);
        assert!(matches!(
            verdict(&people(), false, at(22)),
            Verdict::Wait(_)
        ));
        assert_eq!(
            verdict(&people(), true, at(23)),
            Verdict::Stop(WhyStop::Expired)
        );
    }

    #[test]
    fn a_court_order_stops_what_is_under_way() {
        let mut people = people();
        people.guardianships[0].rights = Rights::Deprived;
        assert_eq!(
            verdict(&people, false, at(18)),
            Verdict::Stop(WhyStop::NoRight)
        );
    }
}
