//! Stories of the daily cap: what is too much for one day joins the digest, on both databases.

use crate::desk::{Desk, FAMILY};
use crate::support::both;
use vestnik::{
    policy::{Limit, Policy},
    store::Store,
};

async fn school(store: &Store, cap: Option<usize>) -> Desk {
    let policy = Policy {
        daily_cap: Limit(cap),
        ..Policy::defaults().unwrap()
    };
    let mut desk = Desk::governed(store, policy, "holder");
    desk.sql(FAMILY).await;
    desk
}

/// A mark of the student, told to the mother half an hour later.
async fn mark(desk: &mut Desk, day: u32) {
    desk.sql(&format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day:02}', '4')"
    ))
    .await;
    desk.minutes(30).await;
}

/// The mails that the mother, who hears at once, got since the last call.
fn mails(desk: &mut Desk) -> Vec<String> {
    std::mem::take(&mut desk.calls)
        .into_iter()
        .filter(|(lane, _)| lane == "email")
        .map(|(_, message)| message.text)
        .collect()
}

#[tokio::test]
async fn the_fourth_message_of_a_day_joins_the_digest_and_what_comes_after_it_tomorrows() {
    for base in both().await {
        let mut desk = school(&base.store, Some(3)).await;
        for day in 5..=9 {
            mark(&mut desk, day).await;
        }
        assert_eq!(mails(&mut desk).len(), 3);
        desk.until("2026-10-14T18:10:00").await;
        let digest = mails(&mut desk);
        assert_eq!(digest.len(), 1, "{digest:?}");
        assert!(
            digest[0].contains("8 октября") && digest[0].contains("9 октября"),
            "{}",
            digest[0]
        );
        mark(&mut desk, 12).await;
        assert!(mails(&mut desk).is_empty(), "the day's digest is over");
        desk.until("2026-10-15T18:10:00").await;
        let digest = mails(&mut desk);
        assert_eq!(digest.len(), 1);
        assert!(digest[0].contains("12 октября"), "{}", digest[0]);
    }
}

#[tokio::test]
async fn a_new_day_and_a_school_without_a_cap_count_from_nothing() {
    for base in both().await {
        let mut desk = school(&base.store, Some(1)).await;
        mark(&mut desk, 5).await;
        mark(&mut desk, 6).await;
        assert_eq!(mails(&mut desk).len(), 1);
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(mails(&mut desk).len(), 1, "the digest");
        desk.until("2026-10-15T09:00:00").await;
        mark(&mut desk, 7).await;
        assert_eq!(mails(&mut desk).len(), 1);
    }
    for base in both().await {
        let mut desk = school(&base.store, None).await;
        for day in 5..=9 {
            mark(&mut desk, day).await;
        }
        assert_eq!(mails(&mut desk).len(), 5);
    }
}

#[tokio::test]
async fn urgent_words_results_and_alarms_pass_the_cap_and_only_the_alarm_counts() {
    for base in both().await {
        let mut desk = school(&base.store, Some(2)).await;
        desk.sql(
            "INSERT INTO term (kind, number, starts_on, ends_on) VALUES ('quarter', 1, '2026-09-01', '2026-10-25');
             INSERT INTO announcement (text, urgency) VALUES ('Уроков нет', 'urgent');
             INSERT INTO term_result (student_id, subject_id, term_id, value) VALUES (1, 1, 1, '5')",
        )
        .await;
        desk.minutes(30).await;
        assert_eq!(mails(&mut desk).len(), 2, "neither counts");
        mark(&mut desk, 5).await;
        assert_eq!(mails(&mut desk).len(), 1);
        for number in 1..=2 {
            desk.sql(&format!("INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', {number}, 'absent')")).await;
        }
        desk.minutes(30).await;
        assert_eq!(mails(&mut desk).len(), 1, "the alarm is the second");
        mark(&mut desk, 6).await;
        assert!(mails(&mut desk).is_empty());
        desk.sql("INSERT INTO term_result (student_id, subject_id, term_id, value) VALUES (1, 2, 1, '5')").await;
        desk.minutes(30).await;
        let passed = mails(&mut desk);
        assert_eq!(passed.len(), 1);
        assert!(passed[0].contains("Итоги"), "{}", passed[0]);
    }
}
