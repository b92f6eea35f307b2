//! The roads of one event: how each guardian of a student hears of it, or why not; for `route` and the
//! pages.

use chrono::NaiveDate;

use super::{
    People,
    contact::Channel,
    preference::{Event, Timing},
    rights,
    route::{Route, route},
};

/// How one guardian hears by one channel, or that they do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Road {
    /// `guardian.id`
    pub guardian_id: i64,
    /// Whether they hear at all; on paper is heard.
    pub hears: bool,
    /// By what.
    pub channel: Option<Channel>,
    /// When, but for the sheet, which comes with the week.
    pub timing: Option<Timing>,
    /// Why so.
    pub why: String,
}

/// How every guardian of a student hears of an event; one line for each channel.
pub fn roads(
    people: &People,
    student_id: i64,
    event: Event,
    configured: &[Channel],
    today: NaiveDate,
) -> Vec<Road> {
    let hearers = rights::hearers(people, student_id, today);
    let ties = people
        .guardianships
        .iter()
        .filter(|tie| tie.student_id == student_id);
    let mut roads = Vec::new();
    for tie in ties {
        let road = Road {
            guardian_id: tie.guardian_id,
            hears: true,
            channel: None,
            timing: None,
            why: "consent is given, and the family asked for it".into(),
        };
        let guardian = people.guardian(tie.guardian_id);
        let Some(guardian) = guardian.filter(|guardian| hearers.contains(&guardian.id)) else {
            roads.push(Road {
                hears: false,
                why: "must not hear of this student".into(),
                ..road
            });
            continue;
        };
        match route(people, guardian, student_id, event, configured, today) {
            Route::Sheet(why) => roads.push(Road {
                channel: Some(Channel::Paper),
                why: why.to_string(),
                ..road
            }),
            Route::Electronic { contacts, timing } => {
                let owned = |id: &i64| people.contacts.iter().find(|contact| contact.id == *id);
                roads.extend(contacts.iter().filter_map(owned).map(|contact| Road {
                    channel: Some(contact.channel),
                    timing: Some(timing),
                    ..road.clone()
                }));
            }
        }
    }
    roads
}
