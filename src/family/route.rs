//! The route: by which addresses and when one guardian hears of one event of one student, or why
//! only on paper.

use std::fmt;

use chrono::NaiveDate;

use crate::family::{
    Guardian, People,
    consent::{self, ConsentState, Purpose},
    contact::{Channel, Contact, Health},
    preference::{self, Event, Preset, Timing},
    rights,
    service::{self, Ground},
};

/// How somebody hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// By these contacts, all at the same time.
    Electronic {
        /// `contact.id` of each; at least one.
        contacts: Vec<i64>,
        /// When; never [`Timing::Never`].
        timing: Timing,
    },
    /// On the weekly sheet, for this reason.
    Sheet(WhyPaper),
}

/// Why a family hears on paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhyPaper {
    /// The family chose paper: its preset says so.
    Chosen,
    /// The school and the family agreed on paper, on this ground.
    Agreed(Ground),
    /// There is no address that any configured channel could use.
    NoContact,
    /// Consent for this purpose is not given, but in this state.
    Consent(Purpose, ConsentState),
    /// Every address has failed for good.
    Unreachable,
    /// The addresses are good, but no channel could carry it in time.
    Failed,
    /// Every address is shared with somebody who must not hear of the student.
    ClosedAddress,
    /// There is no other way than SMS, and the month's money for them is spent.
    NoMoney,
    /// The family's own matrix says never on each of its channels.
    NeverByChannel,
}

impl WhyPaper {
    /// The code in `notice.reason`.
    pub fn code(self) -> String {
        match self {
            // Whether by preset or by statement, the family chose it.
            Self::Chosen | Self::Agreed(Ground::Chosen) => "chosen".into(),
            Self::Agreed(ground) => format!("agreed_{}", ground.code()),
            Self::NoContact => "no_contact".into(),
            Self::Consent(purpose, state) => {
                format!("consent_{}_{}", purpose.code(), state.code())
            }
            Self::Unreachable => "unreachable".into(),
            Self::Failed => "failed".into(),
            Self::ClosedAddress => "closed_address".into(),
            Self::NoMoney => "no_money".into(),
            Self::NeverByChannel => "never_by_channel".into(),
        }
    }
}

/// The reason as `route` and `explain` say it.
impl fmt::Display for WhyPaper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chosen => f.write_str("the family chose paper"),
            Self::Agreed(ground) => ground.fmt(f),
            Self::NoContact => {
                f.write_str("no address is known that a configured channel could use")
            }
            Self::Consent(purpose, state) => {
                let word = match state {
                    ConsentState::Given => "given",
                    ConsentState::Refused => "refused",
                    ConsentState::Withdrawn => "withdrawn",
                    ConsentState::NotAsked => "not asked for",
                };
                write!(f, "consent to «{}» is {word}", purpose.code())
            }
            Self::Unreachable => f.write_str("every address has failed for good"),
            Self::Failed => f.write_str("no channel could carry it in time"),
            Self::ClosedAddress => {
                f.write_str("the address is shared with a person who must not hear of this student")
            }
            Self::NoMoney => f.write_str("the month's money for SMS is spent"),
            Self::NeverByChannel => {
                f.write_str("the family asked not to hear of this by any of its channels")
            }
        }
    }
}

/// Whether one contact may carry news of one student today.
pub fn open_contact(
    people: &People,
    contact: &Contact,
    student_id: i64,
    today: NaiveDate,
) -> Result<(), WhyPaper> {
    if let Some(agreed) = service::on_paper(people, contact.guardian_id, student_id) {
        return Err(WhyPaper::Agreed(agreed.ground));
    }
    let purposes = contact
        .channel
        .purpose()
        .map(|purpose| [Purpose::Data, purpose]);
    for purpose in purposes.into_iter().flatten() {
        let state = consent::state(&people.consents, contact.guardian_id, student_id, purpose);
        if state != ConsentState::Given {
            return Err(WhyPaper::Consent(purpose, state));
        }
    }
    if rights::closed(people, &contact.address, student_id, today) {
        return Err(WhyPaper::ClosedAddress);
    }
    match contact.health {
        health if health.usable() => Ok(()),
        Health::Tried => Err(WhyPaper::Failed),
        _ => Err(WhyPaper::Unreachable),
    }
}

/// How a guardian hears of an event.
///
/// Lines of the family's own matrix come first: of the channels they name, those with the soonest
/// timing all carry it. Where the matrix is silent, the preset picks one channel by rank; for a digest, which
/// nobody waits for, the first that costs the school nothing. A fact is told once, at the earliest time the family asked for; it is not repeated on a later channel.
/// What no channel may carry goes on the sheet with the reason of the first address that failed.
pub fn route(
    people: &People,
    guardian: &Guardian,
    student_id: i64,
    event: Event,
    configured: &[Channel],
    today: NaiveDate,
) -> Route {
    let preset = guardian.preset.unwrap_or_default();
    if let Some(agreed) = service::on_paper(people, guardian.id, student_id) {
        return Route::Sheet(WhyPaper::Agreed(agreed.ground));
    }
    let mut why = None;
    let mut open = Vec::new();
    for contact in people.contacts_of(guardian.id) {
        if !configured.contains(&contact.channel) || contact.channel == Channel::Paper {
            continue;
        }
        match open_contact(people, contact, student_id, today) {
            Ok(()) => open.push(contact),
            Err(reason) => why = why.or(Some(reason)),
        }
    }
    // One address a channel: a second phone is the rung below, not a second copy.
    let mut seen = Vec::new();
    open.retain(|contact| {
        !seen.contains(&contact.channel) && {
            seen.push(contact.channel);
            true
        }
    });

    // What is urgent is not put off by a line that speaks of everything.
    let choice = |contact: &Contact| {
        let chosen = preference::chosen(&people.preferences, guardian.id, event, contact.channel);
        chosen.map(|timing| match timing {
            Timing::Daily | Timing::Weekly if event == Event::Urgent => Timing::AtOnce,
            timing => timing,
        })
    };
    let soonest = open
        .iter()
        .filter_map(|contact| choice(contact))
        .filter(|timing| *timing != Timing::Never)
        .min();
    if let Some(timing) = soonest {
        let contacts = open
            .iter()
            .filter(|contact| choice(contact) == Some(timing))
            .map(|contact| contact.id)
            .collect();
        return Route::Electronic { contacts, timing };
    }
    let timing = preset.timing(event);
    if preset == Preset::Paper || timing == Timing::Never {
        return Route::Sheet(WhyPaper::Chosen);
    }
    let mut left: Vec<&&Contact> = open.iter().filter(|one| choice(one).is_none()).collect();
    if timing != Timing::AtOnce {
        left.sort_by_key(|contact| contact.channel.costs());
    }
    match left.first() {
        Some(contact) => Route::Electronic {
            contacts: vec![contact.id],
            timing,
        },
        None if !open.is_empty() => Route::Sheet(WhyPaper::NeverByChannel),
        None => Route::Sheet(why.unwrap_or(WhyPaper::NoContact)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::{
        consent::Consent,
        preference::Preference,
        rights::{Guardianship, Returned, Rights},
        service::OnPaper,
    };

    const MOTHER: i64 = 1;
    const FATHER: i64 = 2;
    const MASHA: i64 = 7;
    const BOTH: [Channel; 2] = [Channel::Sms, Channel::Email];

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
    }

    fn guardian(id: i64, preset: Option<Preset>) -> Guardian {
        Guardian {
            id,
            preset,
            ..Guardian::default()
        }
    }

    fn contact(id: i64, guardian_id: i64, channel: Channel, address: &str) -> Contact {
        Contact {
            id,
            guardian_id,
            channel,
            address: address.into(),
            rank: id,
            health: Health::Ok,
            ended: false,
        }
    }

    /// Parents with a phone each and one e-mail address, who have consented to everything.
    fn people() -> People {
        let tie = |guardian_id| Guardianship {
            guardian_id,
            student_id: MASHA,
            rights: Rights::Full,
            restricted_from: None,
            restricted_to: None,
        };
        let mut consents = Vec::new();
        for guardian_id in [MOTHER, FATHER] {
            for purpose in [Purpose::Data, Purpose::Sms, Purpose::Email] {
                let id = i64::try_from(consents.len()).expect("few");
                consents.push(Consent {
                    id,
                    guardian_id,
                    student_id: MASHA,
                    purpose,
                    state: ConsentState::Given,
                });
            }
        }
        People {
            guardians: vec![guardian(MOTHER, None), guardian(FATHER, None)],
            guardianships: vec![tie(MOTHER), tie(FATHER)],
            contacts: vec![
                contact(1, MOTHER, Channel::Email, "home@example.org"),
                contact(2, MOTHER, Channel::Sms, "+79000000011"),
                contact(3, FATHER, Channel::Email, "home@example.org"),
            ],
            consents,
            ..People::default()
        }
    }

    #[test]
    fn who_agreed_on_paper_hears_on_paper_whatever_else_is_registered() {
        let mut people = people();
        people.on_paper = vec![OnPaper {
            guardian_id: MOTHER,
            student_id: MASHA,
            ground: Ground::NoAccess,
            statement: None,
            from_on: None,
        }];
        let why = WhyPaper::Agreed(Ground::NoAccess);
        assert_eq!(mothers_route(&people), Route::Sheet(why));
        assert_eq!(why.code(), "agreed_no_access");
    }

    fn mothers_route(people: &People) -> Route {
        route(
            people,
            &people.guardians[0],
            MASHA,
            Event::Mark,
            &BOTH,
            today(),
        )
    }

    fn wants(people: &mut People, event: Option<Event>, channel: Channel, timing: Timing) {
        people.preferences.push(Preference {
            guardian_id: MOTHER,
            event,
            channel,
            timing,
        });
    }

    #[test]
    fn without_a_word_of_theirs_they_hear_once_a_day_by_their_first_address() {
        assert_eq!(
            mothers_route(&people()),
            Route::Electronic {
                contacts: vec![1],
                timing: Timing::Daily
            }
        );
    }

    #[test]
    fn two_channels_at_once_both_carry_it_and_a_later_one_does_not_repeat_it() {
        let mut people = people();
        wants(
            &mut people,
            Some(Event::Mark),
            Channel::Email,
            Timing::AtOnce,
        );
        wants(&mut people, None, Channel::Sms, Timing::AtOnce);
        assert_eq!(
            mothers_route(&people),
            Route::Electronic {
                contacts: vec![1, 2],
                timing: Timing::AtOnce
            }
        );
        people.preferences[0].timing = Timing::Daily;
        assert_eq!(
            mothers_route(&people),
            Route::Electronic {
                contacts: vec![2],
                timing: Timing::AtOnce
            }
        );
    }

    #[test]
    fn never_on_a_channel_means_the_next_one_and_never_on_all_means_paper() {
        let mut people = people();
        wants(&mut people, None, Channel::Email, Timing::Never);
        assert_eq!(
            mothers_route(&people),
            Route::Electronic {
                contacts: vec![2],
                timing: Timing::Daily
            }
        );
        wants(&mut people, None, Channel::Sms, Timing::Never);
        assert_eq!(
            mothers_route(&people),
            Route::Sheet(WhyPaper::NeverByChannel)
        );
    }

    #[test]
    fn not_asked_refused_and_withdrawn_all_mean_paper() {
        let mut people = people();
        people.contacts.truncate(1);
        for state in [ConsentState::Refused, ConsentState::Withdrawn] {
            people.consents.push(Consent {
                id: 90,
                guardian_id: MOTHER,
                student_id: MASHA,
                purpose: Purpose::Email,
                state,
            });
            assert_eq!(
                mothers_route(&people),
                Route::Sheet(WhyPaper::Consent(Purpose::Email, state))
            );
            people.consents.pop();
        }
        people.consents.clear();
        assert_eq!(
            mothers_route(&people),
            Route::Sheet(WhyPaper::Consent(Purpose::Data, ConsentState::NotAsked))
        );
    }

    #[test]
    fn an_address_shared_with_somebody_restricted_is_closed() {
        let mut people = people();
        people.guardianships[1].restricted_from = Some(today());
        assert_eq!(
            mothers_route(&people),
            Route::Electronic {
                contacts: vec![2],
                timing: Timing::Daily
            }
        );
        assert_eq!(rights::hearers(&people, MASHA, today()), [MOTHER]);
        people.guardianships[1].restricted_from = today().succ_opt();
        assert_eq!(
            rights::hearers(&people, MASHA, today()),
            [MOTHER, FATHER],
            "not yet"
        );
    }

    #[test]
    fn a_restriction_ends_when_staff_has_confirmed_that_its_day_is_over() {
        let mut people = people();
        let ended = today().pred_opt().expect("yesterday");
        people.guardianships[1].restricted_to = Some(ended);
        assert_eq!(rights::hearers(&people, MASHA, today()), [MOTHER]);
        let confirmed = |restricted_to| Returned {
            guardian_id: FATHER,
            student_id: MASHA,
            restricted_to,
        };
        people.returned = vec![confirmed(today())];
        assert_eq!(
            rights::hearers(&people, MASHA, today()),
            [MOTHER],
            "that was another restriction"
        );
        people.returned = vec![confirmed(ended)];
        assert_eq!(rights::hearers(&people, MASHA, today()), [MOTHER, FATHER]);
        people.of_age = vec![(MOTHER, MASHA), (FATHER, MASHA)];
        people.guardianships[0].rights = Rights::InformedOnly;
        assert_eq!(
            rights::hearers(&people, MASHA, today()),
            [MOTHER],
            "whom the adult student wants to be informed"
        );
    }

    #[test]
    fn a_dead_address_leaves_the_next_rung() {
        let mut people = people();
        people.contacts[0].health = Health::Hard;
        assert_eq!(
            mothers_route(&people),
            Route::Electronic {
                contacts: vec![2],
                timing: Timing::Daily
            }
        );
        people.contacts[1].health = Health::Blocked;
        assert_eq!(mothers_route(&people), Route::Sheet(WhyPaper::Unreachable));
    }
}
