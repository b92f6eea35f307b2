//! Stories of families on paper whose sheets come each second week or each month, and of those who had none.

use std::path::Path;

use rand::{SeedableRng, rngs::StdRng};
use vestnik::{
    family::contact::Channel,
    journal::class_name::ClassName,
    ledger::Line,
    paper::press::Press,
    policy::{Paper, Policy},
    store::{LedgerQuestion, Store},
    week::Week,
};
use vestnik_sheet::Batch;

use crate::desk::{Desk, FAMILY};
use crate::families::{heard, mark};
use crate::paper::press;
use crate::support::both;

const CONFIGURED: [Channel; 3] = [Channel::Email, Channel::Sms, Channel::Telegram];

/// Ivan refused; Anna teaches the class.
async fn school(store: &Store, policy: &Policy) -> Desk {
    let mut desk = Desk::governed(store, policy.clone(), "holder");
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'sms', 'refused');
         INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
         INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@example.org');
         UPDATE class SET class_teacher_id = 1",
    )
    .await;
    desk
}

/// What the class's sheets of a week say; they come out.
async fn print(desk: &Desk, rhythm: Paper, week: &str) -> Option<Batch> {
    let press = Press {
        rhythm,
        ..press(&desk.store)
    };
    let class = ClassName {
        grade: 5,
        letter: "А".into(),
    };
    let drawn = desk.number("SELECT COUNT(*) FROM message").await;
    let mut random = StdRng::seed_from_u64(u64::try_from(drawn).unwrap() + 77);
    let week: Week = week.parse().unwrap();
    let begun = press
        .begin((1, &class), week, desk.now, &mut random)
        .await
        .unwrap()?;
    press
        .finish(&begun, Path::new("sheets.pdf"), Ok(()), desk.now)
        .await
        .unwrap();
    Some(begun.batch)
}

/// Ivan's week in the ledger.
async fn ivan(desk: &Desk, policy: &Policy, week: &str) -> Line {
    let zone = chrono_tz::Europe::Moscow;
    let question = LedgerQuestion {
        week: week.parse().unwrap(),
        class: None,
        today: vestnik::zone::local(desk.now, zone).date(),
        zone,
        configured: &CONFIGURED,
        reports: &[],
        policy,
    };
    let lines = desk.store.ledger(&question).await.unwrap();
    lines
        .into_iter()
        .find(|line| line.guardian_id == 2)
        .unwrap()
}

/// Where paper comes each second week, a sheet speaks of both, and the week between is not red; where the second
/// one fails to come, what waited is.
#[tokio::test]
async fn a_sheet_of_two_weeks_speaks_of_both_and_the_first_is_not_red_meanwhile() {
    for base in both().await {
        let policy = Policy {
            paper: Paper::Fortnightly,
            ..Policy::defaults().unwrap()
        };
        let mut desk = school(&base.store, &policy).await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-16T13:00:00").await;
        let first = print(&desk, policy.paper, "2026-W42").await.unwrap();
        assert_eq!(
            (first.week.as_str(), first.several),
            ("12–16 октября 2026", false)
        );

        desk.until("2026-10-20T09:00:00").await;
        desk.sql(&mark(1, 1, "2026-10-20", "5")).await;
        desk.until("2026-10-23T13:00:00").await;
        let between = |week: &'static str| {
            let store = desk.store.clone();
            async move {
                store
                    .classes_between(week.parse().unwrap(), 2)
                    .await
                    .unwrap()
                    .len()
            }
        };
        assert_eq!(
            (between("2026-W43").await, between("2026-W44").await),
            (1, 0)
        );
        desk.until("2026-10-26T09:00:00").await;
        assert_eq!(desk.notices().await.get("red"), None);
        assert!(!ivan(&desk, &policy, "2026-W43").await.cell.red);

        desk.until("2026-10-27T09:00:00").await;
        desk.sql(&mark(1, 2, "2026-10-27", "3")).await;
        desk.until("2026-10-30T13:00:00").await;
        let second = print(&desk, policy.paper, "2026-W44").await.unwrap();
        assert_eq!(
            (second.week.as_str(), second.several),
            ("19–30 октября 2026", true)
        );
        let sheet = &second.sheets[0];
        let marks: Vec<_> = sheet
            .subjects
            .iter()
            .flat_map(|one| {
                one.marks
                    .iter()
                    .map(|mark| (mark.day.as_str(), mark.value.as_str()))
            })
            .collect();
        assert_eq!(marks, [("20.10", "5"), ("27.10", "3")]);
        assert_eq!(sheet.summary[0], "За 2 недели 2 отметки.");
        assert!(sheet.corrections.is_empty(), "{:?}", sheet.corrections);
        desk.until("2026-11-02T09:00:00").await;
        assert_eq!(desk.notices().await.get("red"), None);
        assert!(ivan(&desk, &policy, "2026-W43").await.cell.informed);

        desk.sql(&mark(1, 1, "2026-11-02", "5")).await;
        desk.until("2026-11-09T09:00:00").await;
        assert_eq!(
            desk.notices().await.get("red"),
            None,
            "their sheets are due now"
        );
        desk.until("2026-11-16T09:00:00").await;
        assert_eq!(
            desk.notices().await.get("red"),
            Some(&1),
            "they did not come"
        );
        assert!(ivan(&desk, &policy, "2026-W45").await.cell.red);
    }
}

/// A family on paper that had no sheet for a month is an alarm for its class teacher, once a month, and for
/// whoever asks `check`; a sheet ends it.
#[tokio::test]
async fn a_month_without_paper_is_an_alarm() {
    for base in both().await {
        let policy = Policy::defaults().unwrap();
        let mut desk = school(&base.store, &policy).await;
        let limit = policy.paper_alarm.0;
        let without = |desk: &Desk| {
            let (store, now) = (desk.store.clone(), desk.now);
            let today = vestnik::zone::local(now, chrono_tz::Europe::Moscow).date();
            async move {
                store
                    .without_paper(&CONFIGURED, limit, today, now)
                    .await
                    .unwrap()
            }
        };
        desk.until("2026-11-09T09:00:00").await;
        heard(&mut desk);
        assert_eq!(
            without(&desk).await,
            0,
            "vestnik is here for less than that"
        );
        desk.until("2026-11-16T09:00:00").await;
        let told: Vec<_> = heard(&mut desk)
            .into_iter()
            .filter(|(to, _)| to == "anna@example.org")
            .collect();
        assert_eq!((told.len(), without(&desk).await), (1, 1), "{told:?}");
        assert!(
            told[0].1.contains("– Маша С., 5 «А»: листков ещё не было"),
            "{}",
            told[0].1
        );
        desk.until("2026-11-30T09:00:00").await;
        assert!(
            heard(&mut desk)
                .iter()
                .all(|(to, _)| to != "anna@example.org"),
            "once"
        );
        desk.sql(&mark(1, 1, "2026-11-30", "5")).await;
        desk.until("2026-12-04T13:00:00").await;
        print(&desk, Paper::Weekly, "2026-W49").await.unwrap();
        assert_eq!(without(&desk).await, 0);
    }
}

/// What a school forgets by its rule is never what somebody has still to be told of.
#[tokio::test]
async fn the_register_forgets_by_the_schools_rule_and_nothing_that_is_still_due() {
    for base in both().await {
        let policy = Policy {
            register_kept: "60d".parse().unwrap(),
            paper: Paper::Monthly,
            ..Policy::defaults().unwrap()
        };
        let mut desk = school(&base.store, &policy).await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:10:00").await;
        desk.sql("UPDATE notice SET waits_for = 'decision', state = 'held' WHERE guardian_id = 2")
            .await;
        desk.sql(&mark(1, 2, "2026-10-14", "4")).await;
        desk.sql("UPDATE mark SET value = '5' WHERE subject_id = 2")
            .await;
        desk.until("2026-10-15T18:10:00").await;
        desk.until("2026-10-19T09:00:00").await;
        assert_eq!(desk.notices().await.get("red"), Some(&1));
        desk.until("2026-12-10T03:30:00").await;
        let marks = "SELECT COUNT(*) FROM change WHERE entity = 'mark'";
        assert_eq!(desk.number(marks).await, 3, "the register");
        desk.until("2026-12-20T03:30:00").await;
        assert_eq!(
            desk.number(marks).await,
            1,
            "what is held is not proved by nothing"
        );
        let default = Policy::defaults().unwrap().register_kept.0;
        assert!(default >= 5 * 365 * vestnik::instant::DAY, "five years");
    }
}
