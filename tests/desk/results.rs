//! Stories of the results of a term: together, in time, and never before they are final, on both
//! databases.

use crate::desk::{Desk, FAMILY};
use crate::support::both;
use vestnik::store::Store;

/// Masha has marks in two subjects in the first quarter; a third is not marked.
pub(crate) async fn school(store: &Store) -> Desk {
    let mut desk = Desk::open(store);
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO subject (name, graded) VALUES ('Разговоры о важном', 0);
         INSERT INTO term (kind, number, starts_on, ends_on) VALUES ('quarter', 1, '2026-09-01', '2026-10-30');
         INSERT INTO writing (baseline) VALUES (1);
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-01', '5');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-02', '4');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 3, '2026-10-02', '4');
         DELETE FROM writing",
    )
    .await;
    desk
}

pub(crate) async fn set(desk: &mut Desk, subject: i64, stage: &str, value: &str) {
    desk.sql(&format!(
        "INSERT INTO term_result (student_id, subject_id, term_id, stage, value) VALUES (1, {subject}, 1, '{stage}', '{value}')"
    ))
    .await;
}

/// The SMS that the father, who hears once a day, got since the last call.
fn sms(desk: &mut Desk) -> Vec<String> {
    std::mem::take(&mut desk.calls)
        .into_iter()
        .filter(|(lane, _)| lane == "sms")
        .map(|(_, message)| message.text)
        .collect()
}

#[tokio::test]
async fn the_results_of_all_subjects_are_one_message_when_the_last_is_set() {
    for base in both().await {
        let mut desk = school(&base.store).await;
        set(&mut desk, 1, "final", "5").await;
        desk.minutes(60).await;
        assert!(desk.calls.is_empty(), "one subject is missing");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE waits_for = 'deadline'")
                .await,
            2
        );
        desk.sql("INSERT INTO term_result (student_id, subject_id, term_id, status, deferred_to) VALUES (1, 2, 1, 'deferred', '2026-11-06')").await;
        desk.minutes(29).await;
        assert!(desk.calls.is_empty(), "the last one settles");
        desk.minutes(1).await;
        assert_eq!(desk.calls.len(), 2, "mother and father, one message each");
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 14.10: итоги 1 четв – матем 5 и рус отсрочка до 6 ноября"],
            "who hears once a day hears of this at once"
        );
        desk.until("2026-10-16T18:10:00").await;
        assert!(desk.calls.is_empty());
    }
}

#[tokio::test]
async fn an_incomplete_set_leaves_within_a_day_and_before_the_night() {
    for base in both().await {
        let mut desk = school(&base.store).await;
        desk.until("2026-10-14T12:00:00").await;
        set(&mut desk, 1, "final", "5").await;
        desk.until("2026-10-15T11:44:00").await;
        assert!(desk.calls.is_empty());
        desk.until("2026-10-15T11:45:00").await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 15.10: итоги 1 четв – матем 5"]
        );
        // The rest follows as soon as it is there and has settled.
        set(&mut desk, 2, "final", "4").await;
        desk.minutes(30).await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 15.10: итоги 1 четв – рус 4"]
        );
    }
    for base in both().await {
        let mut desk = school(&base.store).await;
        let received = crate::desk::at("2026-10-13T23:00:00");
        desk.sql(&format!(
            "INSERT INTO term_result (student_id, subject_id, term_id, value, received_at) VALUES (1, 1, 1, '5', {received})"
        ))
        .await;
        desk.until("2026-10-14T20:44:00").await;
        assert!(desk.calls.is_empty());
        desk.until("2026-10-14T20:45:00").await;
        assert_eq!(desk.calls.len(), 2, "the deadline falls into the night");
    }
}

#[tokio::test]
async fn an_exam_waits_for_nobody_and_a_forecast_is_no_result() {
    for base in both().await {
        let mut desk = school(&base.store).await;
        set(&mut desk, 1, "exam", "5").await;
        set(&mut desk, 1, "forecast", "4").await;
        set(&mut desk, 2, "preliminary", "4").await;
        desk.minutes(30).await;
        assert_eq!(sms(&mut desk), ["Школа 12. Маша 14.10: экзамен – матем 5"]);
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 14.10: прогноз 1 четв – матем 4; предв. отметки 1 четв – рус 4"]
        );
    }
}

#[tokio::test]
async fn a_result_that_was_told_is_corrected_at_once() {
    for base in both().await {
        let mut desk = school(&base.store).await;
        set(&mut desk, 1, "final", "5").await;
        set(&mut desk, 2, "final", "4").await;
        desk.minutes(30).await;
        assert_eq!(sms(&mut desk).len(), 1);
        desk.sql("UPDATE term_result SET value = '5' WHERE subject_id = 2")
            .await;
        desk.minutes(30).await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 14.10: итоги 1 четв – рус 5 (было 4)"]
        );
    }
}

/// A result that was received yesterday evening and set tonight has its day over in the night: it leaves as soon as the
/// night is, whatever is missing.
#[tokio::test]
async fn a_result_whose_time_is_over_at_night_leaves_in_the_morning() {
    for base in both().await {
        let mut desk = school(&base.store).await;
        desk.until("2026-10-14T21:30:00").await;
        desk.calls.clear();
        let received = crate::desk::at("2026-10-13T23:00:00");
        desk.sql(&format!(
            "INSERT INTO term_result (student_id, subject_id, term_id, value, received_at) VALUES (1, 1, 1, '5', {received})"
        ))
        .await;
        for minutes in [31, 60, 120, 240] {
            desk.minutes(minutes).await;
        }
        assert!(desk.calls.is_empty(), "nobody is woken");
        desk.until("2026-10-15T07:29:00").await;
        assert!(desk.calls.is_empty());
        desk.until("2026-10-15T07:30:00").await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 15.10: итоги 1 четв – матем 5"]
        );
    }
}
