//! Stories of absences: when they are an alarm, and what becomes of it, on both databases.

use crate::desk::{Desk, FAMILY, classmates};
use crate::support::both;
use vestnik::{
    policy::{AbsenceAlarm, Policy},
    store::Store,
};

async fn school(store: &Store, alarm: AbsenceAlarm) -> Desk {
    let policy = Policy {
        absence_alarm: alarm,
        ..Policy::defaults().unwrap()
    };
    let mut desk = Desk::governed(store, policy, "holder");
    desk.sql(FAMILY).await;
    // Both hear of absences at once: the mother by mail, the father by SMS.
    desk.sql("UPDATE guardian SET preset = 'important' WHERE id = 2")
        .await;
    desk
}

#[tokio::test]
async fn an_alarm_leaves_before_the_marks_of_the_whole_class() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        classmates(&desk, 6).await;
        let marks = (1..=6).map(|n| format!("({n}, 1, '2026-10-14', '5')"));
        let marks = marks.collect::<Vec<_>>().join(",");
        desk.write(&format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES {marks}"
        ))
        .await;
        desk.sql(
            "INSERT INTO attendance (student_id, date, number, code) VALUES (6, '2026-10-14', 1, 'absent');
             INSERT INTO attendance (student_id, date, number, code) VALUES (6, '2026-10-14', 2, 'absent')",
        )
        .await;
        desk.minutes(31).await;
        let sms: Vec<_> = desk
            .texts()
            .into_iter()
            .filter(|(lane, ..)| lane == "sms")
            .collect();
        assert!(sms.len() >= 5, "{sms:?}");
        assert_eq!(sms[0].1, "+79000000026", "{sms:?}");
    }
}

async fn missed(desk: &mut Desk, number: i64) {
    desk.sql(&format!(
        "INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', {number}, 'absent')"
    ))
    .await;
}

/// What arrived since the last call, by lane.
fn heard(desk: &mut Desk) -> Vec<(String, String)> {
    std::mem::take(&mut desk.calls)
        .into_iter()
        .map(|(lane, message)| (lane, message.text))
        .collect()
}

fn sms(desk: &mut Desk) -> Vec<String> {
    let heard = heard(desk);
    let sms = heard.into_iter().filter(|(lane, _)| lane == "sms");
    sms.map(|(_, text)| text).collect()
}

#[tokio::test]
async fn one_missed_lesson_waits_for_the_digest_and_the_second_brings_it_along() {
    for base in both().await {
        let mut desk = school(&base.store, AbsenceAlarm::SecondLesson).await;
        missed(&mut desk, 1).await;
        desk.minutes(40).await;
        assert!(heard(&mut desk).is_empty(), "one lesson may be a slip");
        assert_eq!(desk.notices().await.get("waiting"), Some(&2));
        missed(&mut desk, 2).await;
        desk.minutes(30).await;
        let heard_now = heard(&mut desk);
        assert_eq!(heard_now.len(), 2, "one message each: {heard_now:?}");
        assert!(
            heard_now.iter().any(|(lane, text)| lane == "sms"
                && text == "Школа 12. Маша 14.10: пропуск – 1-й и 2-й уроки"),
            "{heard_now:?}"
        );
        for number in 3..=6 {
            missed(&mut desk, number).await;
            desk.minutes(40).await;
        }
        assert!(heard(&mut desk).is_empty(), "one alarm a day");
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 14.10: пропуск – 3-й, 4-й, 5-й и 6-й уроки"]
        );
    }
}

#[tokio::test]
async fn a_single_missed_lesson_is_in_the_days_digest() {
    for base in both().await {
        let mut desk = school(&base.store, AbsenceAlarm::SecondLesson).await;
        missed(&mut desk, 1).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(sms(&mut desk), ["Школа 12. Маша 14.10: пропуск – 1-й урок"]);
        // What the teacher enters later about a day that is over is no alarm.
        desk.until("2026-10-15T10:00:00").await;
        missed(&mut desk, 2).await;
        missed(&mut desk, 3).await;
        desk.minutes(60).await;
        assert!(heard(&mut desk).is_empty());
        desk.until("2026-10-15T18:10:00").await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 14.10: пропуск – 2-й и 3-й уроки"]
        );
    }
}

#[tokio::test]
async fn the_class_teachers_word_is_enough_where_the_policy_says_so() {
    for (alarm, by_teacher, by_other) in [
        (AbsenceAlarm::FirstLesson, 2, 2),
        (AbsenceAlarm::SecondLesson, 2, 0),
        (AbsenceAlarm::ClassTeacher, 2, 0),
    ] {
        for base in both().await {
            let mut desk = school(&base.store, alarm).await;
            desk.sql(
                "INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
                 INSERT INTO staff (surname, given_name) VALUES ('Петрова', 'Инна');
                 UPDATE class SET class_teacher_id = 1",
            )
            .await;
            for (who, calls) in [(1, by_teacher), (2, by_other)] {
                desk.sql(&format!(
                    "INSERT INTO attendance (student_id, date, number, code, entered_by) VALUES (1, '2026-10-14', 1, 'absent', {who})"
                ))
                .await;
                desk.minutes(30).await;
                let told = heard(&mut desk).len();
                assert_eq!(told, calls, "{alarm:?}, entered by {who}");
                desk.sql("DELETE FROM attendance").await;
                desk.minutes(30).await;
                desk.calls.clear();
            }
        }
    }
}

#[tokio::test]
async fn a_false_alarm_is_taken_back_at_once_with_an_apology_and_an_untold_one_in_silence() {
    for base in both().await {
        let mut desk = school(&base.store, AbsenceAlarm::SecondLesson).await;
        // The father wants corrections once a week; that his child is there he must know now.
        desk.sql("INSERT INTO preference (guardian_id, event, channel, timing) VALUES (2, 'attendance_corrected', 'sms', 'weekly')").await;
        missed(&mut desk, 1).await;
        desk.sql("DELETE FROM attendance").await;
        desk.minutes(60).await;
        assert!(heard(&mut desk).is_empty(), "nobody was told");
        missed(&mut desk, 1).await;
        missed(&mut desk, 2).await;
        desk.minutes(30).await;
        assert_eq!(heard(&mut desk).len(), 2);
        desk.sql("DELETE FROM attendance").await;
        desk.minutes(30).await;
        let back = heard(&mut desk);
        assert_eq!(back.len(), 2, "{back:?}");
        for (lane, text) in back {
            assert!(text.contains("пропуска не было"), "{text}");
            assert!(
                lane == "sms" || text.contains("приносим извинения"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn a_cause_is_no_alarm_and_comes_with_the_digest() {
    for base in both().await {
        let mut desk = school(&base.store, AbsenceAlarm::SecondLesson).await;
        for number in 1..=2 {
            desk.sql(&format!("INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', {number}, 'ill')")).await;
        }
        for number in 3..=4 {
            missed(&mut desk, number).await;
        }
        desk.minutes(30).await;
        assert_eq!(
            sms(&mut desk),
            ["Школа 12. Маша 14.10: пропуск – 3-й и 4-й уроки"]
        );
        desk.sql("UPDATE attendance SET code = 'excused' WHERE number > 2")
            .await;
        desk.minutes(60).await;
        assert!(heard(&mut desk).is_empty());
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            sms(&mut desk),
            [
                "Школа 12. Маша 14.10: пропуск – 1-й и 2-й уроки (по болезни); исправлено – \
              3-й и 4-й уроки: пропуск по уважительной причине"
            ]
        );
    }
}

#[tokio::test]
async fn at_night_no_alarm_leaves() {
    for base in both().await {
        let mut desk = school(&base.store, AbsenceAlarm::FirstLesson).await;
        desk.until("2026-10-14T20:45:00").await;
        missed(&mut desk, 6).await;
        desk.until("2026-10-15T07:29:00").await;
        assert!(heard(&mut desk).is_empty());
        desk.until("2026-10-15T18:10:00").await;
        assert_eq!(heard(&mut desk).len(), 2);
    }
}
