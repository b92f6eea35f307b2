//! The roads of one event: how each guardian of a student hears of it, or why not; for `route` and the
//! pages.

use chrono::NaiveDate;

use super::{
    People,
    contact::Channel,
    preference::{Event, Timing},
    rights,
    route::{Route, WhyPaper, route},
    service,
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
        if let Some(why) = rights::barred(people, tie, today) {
            roads.push(Road {
                hears: false,
                why: why.to_string(),
                ..road
            });
            continue;
        }
        let Some(guardian) = people.guardian(tie.guardian_id) else {
            continue;
        };
        match route(people, guardian, student_id, event, configured, today) {
            Route::Sheet(why) => roads.push(Road {
                channel: Some(Channel::Paper),
                why: with_statement(why, people, guardian.id, student_id),
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

/// «the family refused the electronic service, statement № 14 of 2026-09-01»
fn with_statement(why: WhyPaper, people: &People, guardian_id: i64, student_id: i64) -> String {
    let statement = service::on_paper(people, guardian_id, student_id)
        .filter(|_| matches!(why, WhyPaper::Agreed(_)))
        .and_then(|agreed| Some((agreed.statement.as_ref()?, agreed.from_on)));
    match statement {
        Some((statement, Some(from))) => format!("{why}, statement {statement} of {from}"),
        Some((statement, None)) => format!("{why}, statement {statement}"),
        None => why.to_string(),
    }
}
