//! A sample school's week under a clock that the test turns: what must hold, whatever happens.

use std::{collections::BTreeMap, time::Duration};

use crate::desk::{Desk, at};
use crate::support::both;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::Row;
use vestnik::{
    journal::fact::Fact,
    sample::{school::School, week::week},
    zone,
};
use vestnik_contract::{Delivery, Fault, Message, Outcome, Reason, Scope};

/// Which of the sixteen situations of the sample school an address belongs to.
fn situation(address: &str) -> Option<usize> {
    let digits = |text: &str| {
        text.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    let number = match (address.strip_prefix("mama"), address.strip_prefix("papa")) {
        (Some(rest), _) | (_, Some(rest)) => digits(rest),
        _ if address.starts_with('+') => address.strip_prefix("+7900")?.get(..3)?.to_owned(),
        // A chat of the bot: the student counted from 1, and four digits for the sandbox.
        _ => {
            let student = address.get(..address.len() - 4)?.parse::<usize>().ok()?;
            (student - 1).to_string()
        }
    };
    number.parse::<usize>().ok().map(|student| student % 16)
}

/// Providers on a bad week: every fifth call is put off, refused or left in doubt.
fn bad_week(seed: u64) -> impl FnMut(&Message) -> Outcome {
    let mut random = StdRng::seed_from_u64(seed);
    move |_| {
        let reason = |fault| Reason::new("bad_week", "a fault of the test", fault);
        match random.random_range(0..40) {
            0..4 => Outcome::Deferred {
                reason: reason(Fault::Provider),
                retry_after: None,
                scope: Scope::Message,
            },
            4 => Outcome::Deferred {
                reason: reason(Fault::Account),
                retry_after: Some(Duration::from_mins(5)),
                scope: Scope::Lane,
            },
            5 => Outcome::Rejected {
                reason: reason(Fault::Message),
            },
            6..8 => Outcome::InDoubt {
                reason: reason(Fault::Network),
            },
            _ => Outcome::Accepted { provider_ref: None },
        }
    }
}

#[tokio::test]
async fn in_a_whole_week_every_family_hears_what_it_must_and_nobody_else() {
    live_through(None).await;
}

#[tokio::test]
async fn in_a_bad_week_too_nothing_is_lost_and_every_second_copy_is_known() {
    live_through(Some(7)).await;
}

async fn live_through(faults: Option<u64>) {
    for base in both().await {
        let random = &mut StdRng::seed_from_u64(12);
        let school = School::sample(random);
        let mut desk = Desk::open(&base.store);
        desk.sql("INSERT INTO school (name, short_name) VALUES ('Школа № 12', 'Школа 12')")
            .await;
        if let Some(seed) = faults {
            desk.provider(bad_week(seed));
            desk.answer = Ok(Delivery::NotFound);
        }
        let mut rows = base.store.fill(&school).await.expect("the school");
        for entry in week(&school, random) {
            desk.until(&entry.at.format("%Y-%m-%dT%H:%M:%S").to_string())
                .await;
            base.store
                .act(&entry.deed, &mut rows)
                .await
                .expect("a deed");
        }
        // What was put off or left in doubt has until Saturday's evening.
        while desk.now < at("2026-10-17T20:30:00") {
            desk.minutes(20).await;
        }
        assert!(desk.calls.len() > 300, "{} messages", desk.calls.len());
        who_must_not_hear_does_not(&desk);
        nothing_leaves_at_night(&desk);
        every_second_copy_is_known(&desk).await;
        every_change_has_its_outcome(&desk).await;
        who_was_told_knows_the_journal(&mut desk).await;
        let gaps = crate::reconcile::gaps(&desk).await;
        assert!(gaps.is_empty(), "{gaps:?}");
    }
}

fn who_must_not_hear_does_not(desk: &Desk) {
    let withdrawn = at("2026-10-14T17:59:00");
    for ((_, message), (left, _)) in desk.calls.iter().zip(&desk.left) {
        let address = &message.address;
        match situation(address) {
            Some(4 | 6) => assert!(
                address.starts_with("mama"),
                "the other one is barred or refuses"
            ),
            Some(5 | 14) => panic!("nobody was asked, or the family chose paper: {address}"),
            Some(15) => assert!(*left <= withdrawn, "the consent was withdrawn"),
            _ => {}
        }
    }
}

fn nothing_leaves_at_night(desk: &Desk) {
    let quiet: vestnik::quiet::Quiet = "21:00-07:30".parse().expect("quiet hours");
    for (left, _) in &desk.left {
        assert!(!quiet.contains(zone::local(*left, chrono_tz::Europe::Moscow).time()));
    }
}

/// A copy may arrive twice only where the first was in doubt, and then the message says so.
async fn every_second_copy_is_known(desk: &Desk) {
    let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
    for ((_, message), (_, arrived)) in desk.calls.iter().zip(&desk.left) {
        *copies.entry(&message.reference).or_default() += usize::from(*arrived);
    }
    for (reference, count) in copies {
        let resent = format!("SELECT resent FROM message WHERE ref = '{reference}'");
        let known = 1 + usize::try_from(desk.number(&resent).await).expect("0 or 1");
        assert!(count <= known, "{count} copies of {reference}");
    }
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM message WHERE state IN ('ready', 'sending', 'in_doubt')")
            .await,
        0
    );
}

async fn every_change_has_its_outcome(desk: &Desk) {
    let silent = "SELECT COUNT(*) FROM change WHERE planned_at IS NULL OR outcome IS NULL";
    assert_eq!(desk.number(silent).await, 0);
    let first_grade = "SELECT COUNT(*) FROM notice n JOIN enrolment e ON e.student_id = n.student_id \
                       JOIN class c ON c.id = e.class_id WHERE c.grade = 1 AND n.fact LIKE 'mark/%'";
    assert_eq!(
        desk.number(first_grade).await,
        0,
        "the first grade gets no marks"
    );
    let nameless = "SELECT COUNT(*) FROM notice WHERE state = 'waiting' AND waits_for = 'sheet' AND reason IS NULL";
    assert_eq!(desk.number(nameless).await, 0);
    let states = desk.notices().await;
    for passing in ["settling", "in_message", "held"] {
        assert_eq!(states.get(passing), None, "{states:?}");
    }
}

/// Whoever was told of a cell, and is not due to hear more of it, knows what the journal reads.
async fn who_was_told_knows_the_journal(desk: &mut Desk) {
    let mut cells: BTreeMap<Fact, Vec<String>> = BTreeMap::new();
    let marks = sqlx::query("SELECT student_id, subject_id, date, value FROM mark")
        .fetch_all(desk.store.pool())
        .await
        .expect("marks");
    for row in &marks {
        let date: String = row.get("date");
        let fact = Fact::mark(
            row.get("student_id"),
            row.get("subject_id"),
            date.parse().expect("a date"),
            None,
        );
        cells.entry(fact).or_default().push(row.get("value"));
    }
    let told = sqlx::query(
        "SELECT t.fact, t.value FROM told t WHERE NOT EXISTS (SELECT 1 FROM notice n \
         WHERE n.guardian_id = t.guardian_id AND n.fact = t.fact AND n.state = 'waiting') \
         AND t.fact LIKE 'mark/%'",
    )
    .fetch_all(desk.store.pool())
    .await
    .expect("what was told");
    assert!(told.len() > 300, "{}", told.len());
    for row in &told {
        let fact: String = row.get("fact");
        let value: String = row.get("value");
        let mut known: Vec<String> = serde_json::from_str(&value).expect("a cell");
        let mut now = cells
            .get(&fact.parse().expect("a fact"))
            .cloned()
            .unwrap_or_default();
        known.sort();
        now.sort();
        assert_eq!(known, now, "{fact}");
    }
}
