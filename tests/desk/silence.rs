//! Stories of weeks that brought nothing, on both databases.

use crate::desk::{Desk, FAMILY};
use crate::ledger::{ledger, seen};
use crate::support::both;
use vestnik::policy::{Policy, ServiceNotice, Switch};

const WORDS: &str = "за неделю новых отметок нет";

/// Masha's family, who heard of a mark in the week of 12 October.
async fn begun(store: &vestnik::store::Store, policy: &Policy) -> Desk {
    let mut desk = Desk::governed(store, policy.clone(), "holder");
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4')",
    )
    .await;
    desk.until("2026-10-14T18:10:00").await;
    assert_eq!(desk.calls.len(), 2);
    desk.until("2026-10-16T17:00:00").await;
    assert_eq!(desk.calls.len(), 2, "the week had news");
    desk
}

#[tokio::test]
async fn a_week_without_news_is_told_once_at_the_time_of_its_digest() {
    for base in both().await {
        let policy = Policy::defaults().unwrap();
        let mut desk = begun(&base.store, &policy).await;
        desk.until("2026-10-23T15:59:00").await;
        assert_eq!(desk.calls.len(), 2);
        let before = ledger(&desk, "2026-W43", &policy).await;
        assert_eq!(seen(&before)[0], (1, None, Some("pending"), false));
        desk.until("2026-10-23T16:00:07").await;
        let texts = desk.texts();
        assert_eq!(texts.len(), 4, "mother and father");
        for (lane, _, text) in &texts[2..] {
            assert!(text.contains(WORDS), "{lane}: {text}");
        }
        let mail = desk.calls[2..]
            .iter()
            .find(|(lane, _)| lane == "email")
            .unwrap();
        assert!(
            mail.1.subject.as_deref().unwrap().contains("сводка № 8"),
            "{:?}",
            mail.1.subject
        );
        desk.until("2026-10-24T12:00:00").await;
        let after = ledger(&desk, "2026-W43", &policy).await;
        assert_eq!(
            seen(&after),
            [(1, Some("E1"), None, false), (2, Some("E2"), None, false)]
        );
        desk.minutes(3 * 24 * 60).await;
        assert_eq!(desk.calls.len(), 4, "it is said once");
    }
}

#[tokio::test]
async fn nobody_hears_of_silence_in_the_first_week_in_holidays_or_against_the_rule() {
    for base in both().await {
        let policy = Policy {
            service_notice: ServiceNotice::Off,
            ..Policy::defaults().unwrap()
        };
        let mut desk = begun(&base.store, &policy).await;
        desk.write(
            "INSERT INTO calendar_day (date, kind) VALUES ('2026-10-19', 'holiday');
             INSERT INTO term (school_id, kind, number, starts_on, ends_on) VALUES (1, 'quarter', 1, '2026-09-01', '2026-10-18');
             INSERT INTO term (school_id, kind, number, starts_on, ends_on) VALUES (1, 'quarter', 2, '2026-10-26', '2026-12-30')",
        )
        .await;
        desk.until("2026-10-23T16:00:00").await;
        assert_eq!(desk.calls.len(), 2, "holidays");
        desk.until("2026-10-26T09:00:00").await;
        let holidays = ledger(&desk, "2026-W43", &policy).await;
        assert_eq!(seen(&holidays)[0], (1, None, Some("holidays"), false));
        // A class that keeps a timetable and has no lessons is free as well.
        desk.write("INSERT INTO lesson (class_id, subject_id, date, number) VALUES (1, 1, '2026-10-14', 1)")
            .await;
        desk.until("2026-10-30T16:00:00").await;
        assert_eq!(desk.calls.len(), 2, "no lessons");
        desk.write("INSERT INTO lesson (class_id, subject_id, date, number) VALUES (1, 1, '2026-11-05', 1)")
            .await;
        desk.until("2026-11-06T16:00:00").await;
        assert_eq!(desk.calls.len(), 4);
    }
    for base in both().await {
        let off = Policy {
            nothing_new: Switch::Off,
            ..Policy::defaults().unwrap()
        };
        let mut desk = begun(&base.store, &off).await;
        desk.until("2026-10-23T16:00:00").await;
        assert_eq!(desk.calls.len(), 2, "the regulation does not want it");
        let quiet = ledger(&desk, "2026-W43", &off).await;
        assert_eq!(seen(&quiet)[0], (1, None, Some("no_news"), false));
    }
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO student (surname, given_name) VALUES ('Новый', 'Пётр');
                  INSERT INTO guardianship (guardian_id, student_id) VALUES (1, 2)",
        )
        .await;
        desk.until("2026-10-16T16:00:00").await;
        desk.until("2026-10-23T16:00:00").await;
        assert!(
            desk.calls.is_empty(),
            "a journal without a word has no news"
        );
        let policy = Policy::defaults().unwrap();
        let lines = ledger(&desk, "2026-W43", &policy).await;
        assert_eq!(seen(&lines)[0], (1, None, Some("not_started"), false));
    }
}

#[tokio::test]
async fn after_an_outage_it_is_caught_up_with_once_and_news_meanwhile_take_its_place() {
    for base in both().await {
        let policy = Policy::defaults().unwrap();
        let mut desk = begun(&base.store, &policy).await;
        desk.until("2026-10-22T09:00:00").await;
        // The daemon was down on Friday.
        desk.until("2026-10-24T10:00:00").await;
        assert_eq!(desk.calls.len(), 4);
        desk.until("2026-10-24T11:00:00").await;
        assert_eq!(desk.calls.len(), 4);

        // A mark of Friday afternoon belongs to the next sheet, and yet the week was not silent.
        desk.until("2026-10-30T14:00:00").await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-30', '5')")
            .await;
        desk.until("2026-10-30T16:00:00").await;
        assert_eq!(desk.calls.len(), 5, "the mother hears of the mark at once");
        assert!(!desk.calls[4].1.text.contains(WORDS));
    }
}

#[tokio::test]
async fn one_phone_gets_one_message_and_a_family_on_paper_its_sheet() {
    for base in both().await {
        let policy = Policy::defaults().unwrap();
        let mut desk = begun(&base.store, &policy).await;
        desk.sql(
            "INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколова', 'Нина', 'paper');
             INSERT INTO guardianship (guardian_id, student_id, home) VALUES (3, 1, 'дача');
             UPDATE contact SET ended_at = 1 WHERE guardian_id = 2;
             INSERT INTO contact (guardian_id, channel, address) VALUES (2, 'email', 'olga@example.org');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'email', 'given')",
        )
        .await;
        desk.until("2026-10-23T16:00:00").await;
        assert_eq!(desk.calls.len(), 3, "both parents read one mail");
        desk.until("2026-10-26T09:00:00").await;
        let unprinted = ledger(&desk, "2026-W43", &policy).await;
        assert_eq!(seen(&unprinted)[2], (3, None, Some("no_sheet"), true));
        desk.write(
            "INSERT INTO sheet (guardian_id, student_id, week, state, state_at) VALUES (3, 1, '2026-W43', 'printed', 1)",
        )
        .await;
        assert_eq!(
            seen(&ledger(&desk, "2026-W43", &policy).await),
            [
                (1, Some("E1"), None, false),
                (2, Some("E1"), None, false),
                (3, Some("E1"), None, false),
            ]
        );
    }
}
