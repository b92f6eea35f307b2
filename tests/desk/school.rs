//! Family situations that come from how a school works: house tutors, subgroups, shifts, holidays, zones and
//! September.
//! The table of all situations stands in `families.rs`.

use crate::desk::{Desk, FAMILY};
use crate::families::{consent, heard, mark, sheets, who};
use crate::support::both;
use vestnik::policy::{Limit, Period, Policy, Switch};

/// F5.13: a house tutor is informed like others; the parents, four hundred kilometres away, read by post.
#[tokio::test]
async fn a_house_tutor_hears_and_the_parents_read_by_post() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "UPDATE guardianship SET relation = 'tutor', rights = 'informed_only', home = 'корпус 2', document = 'приказ № 7' WHERE guardian_id = 1;
             UPDATE guardianship SET home = 'Вологда' WHERE guardian_id = 2;
             INSERT INTO service_mode (guardian_id, student_id, mode, ground, statement, from_on) VALUES (2, 1, 'paper', 'no_access', '№ 14', '2026-09-01')",
        )
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(who(&mut desk), ["olga@example.org"]);
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE guardian_id = 2")
                .await,
            "agreed_no_access"
        );
        let sheets = sheets(&desk, (1, 5, "А"), "2026-W42").await;
        assert_eq!(sheets.len(), 1);
        assert_eq!(sheets[0]["for_whom"], "Соколов Иван");
        assert_eq!(
            sheets[0]["reason"],
            "Вы сообщили, что у вас нет доступа в интернет."
        );
    }
}

/// F5.14: a class learns English in two halves with two teachers; each half has its own lessons, marks and
/// homework.
#[tokio::test]
async fn each_subgroup_has_its_own_lessons() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&format!(
            "UPDATE guardian SET preset = 'at_once';
             INSERT INTO subject (name, short_name) VALUES ('Английский язык', 'англ');
             INSERT INTO staff (surname, given_name) VALUES ('Первая', 'Анна'); INSERT INTO staff (surname, given_name) VALUES ('Вторая', 'Инна');
             INSERT INTO subgroup (class_id, subject_id, name) VALUES (1, 3, '1'); INSERT INTO subgroup (class_id, subject_id, name) VALUES (1, 3, '2');
             INSERT INTO student (surname, given_name) VALUES ('Титов', 'Егор');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1);
             DELETE FROM guardianship WHERE guardian_id = 2;
             INSERT INTO guardianship (guardian_id, student_id) VALUES (2, 2);
             INSERT INTO subgroup_member (subgroup_id, student_id) VALUES (1, 1); INSERT INTO subgroup_member (subgroup_id, student_id) VALUES (2, 2);
             INSERT INTO lesson (subgroup_id, subject_id, date, number, state, teacher_id) VALUES (1, 3, '2026-10-14', 2, 'held', 1);
             INSERT INTO lesson (subgroup_id, subject_id, date, number, state, teacher_id) VALUES (2, 3, '2026-10-14', 2, 'held', 2);
             INSERT INTO lesson (subgroup_id, subject_id, date, number, state, teacher_id) VALUES (2, 3, '2026-10-15', 3, 'held', 2);{}",
            consent(2, 2, "sms")
        ))
        .await;
        desk.sql("INSERT INTO homework (subgroup_id, subject_id, due_on, text) VALUES (1, 3, '2026-10-16', 'Unit 4'); INSERT INTO homework (subgroup_id, subject_id, due_on, text) VALUES (2, 3, '2026-10-16', 'Unit 5')").await;
        desk.sql("INSERT INTO mark (student_id, subject_id, lesson_id, date, value) VALUES (1, 3, 1, '2026-10-14', '5')").await;
        desk.minutes(30).await;
        let all = heard(&mut desk);
        assert_eq!(all.len(), 2, "{all:?}");
        for (address, text) in &all {
            let first = address == "olga@example.org";
            assert_eq!(text.contains("Unit 4"), first, "{text}");
            assert_eq!(text.contains("Unit 5"), !first, "{text}");
            assert_eq!(text.contains("Английский язык: 5"), first, "{text}");
        }
        desk.sql("UPDATE guardian SET preset = 'paper'").await;
        let sheets = sheets(&desk, (1, 5, "А"), "2026-W42").await;
        let lessons = |at: usize| sheets[at]["subjects"][0]["lessons"].clone();
        assert_eq!(
            (lessons(0), lessons(1)),
            (1.into(), 2.into()),
            "of one's own half"
        );
    }
}

/// F5.15: who learns by a plan of their own has its subjects and homework, and the class does not hear of them.
#[tokio::test]
async fn a_plan_of_ones_own_has_its_own_subjects() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "UPDATE guardian SET preset = 'paper'; INSERT INTO subject (name) VALUES ('Логопедия');
             INSERT INTO student (surname, given_name) VALUES ('Титов', 'Егор');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1);
             INSERT INTO guardianship (guardian_id, student_id) VALUES (2, 2); DELETE FROM guardianship WHERE guardian_id = 2 AND student_id = 1;
             INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-14', 1, 'held');
             INSERT INTO homework (student_id, subject_id, due_on, text) VALUES (1, 3, '2026-10-19', 'карточка 8')",
        )
        .await;
        desk.sql(&mark(1, 3, "2026-10-14", "зач")).await;
        desk.minutes(30).await;
        let sheets = sheets(&desk, (1, 5, "А"), "2026-W42").await;
        let subjects = |at: usize| -> Vec<&str> {
            let lines = sheets[at]["subjects"].as_array().unwrap();
            lines
                .iter()
                .map(|line| line["name"].as_str().unwrap())
                .collect()
        };
        assert_eq!(subjects(0), ["Логопедия", "Математика"]);
        assert_eq!(subjects(1), ["Математика"]);
        assert_eq!(sheets[0]["homework"][0]["text"], "карточка 8");
        assert_eq!(sheets[1]["homework"].as_array().map(Vec::len), Some(0));
    }
}

/// F5.17: entered, changed, deleted and entered again within ten minutes is one message, with the last word.
#[tokio::test]
async fn ten_minutes_of_second_thoughts_are_one_message() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&mark(1, 1, "2026-10-14", "3")).await;
        desk.minutes(3).await;
        desk.sql("UPDATE mark SET value = '4'").await;
        desk.minutes(3).await;
        desk.sql("DELETE FROM mark").await;
        desk.minutes(3).await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        for _ in 0..12 {
            desk.minutes(10).await;
        }
        let all = heard(&mut desk);
        assert_eq!(all.len(), 1, "{all:?}");
        assert!(
            all[0].1.contains("Математика: 5") && !all[0].1.contains("было"),
            "{}",
            all[0].1
        );
    }
}

/// F5.20: a week of two school days has its sheet; a week of holidays has none, and what waits has the next one.
#[tokio::test]
async fn a_short_week_has_a_sheet_and_holidays_have_none() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "UPDATE guardian SET preset = 'paper';
             INSERT INTO term (school_id, kind, number, starts_on, ends_on) VALUES (1, 'quarter', 1, '2026-09-01', '2026-10-27');
             INSERT INTO term (school_id, kind, number, starts_on, ends_on) VALUES (1, 'quarter', 2, '2026-11-09', '2026-12-29');
             INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-26', 1, 'held');
             INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-27', 1, 'held')",
        )
        .await;
        desk.until("2026-10-27T09:00:00").await;
        desk.sql(&mark(1, 1, "2026-10-27", "5")).await;
        desk.until("2026-10-30T13:00:00").await;
        let short = sheets(&desk, (1, 5, "А"), "2026-W44").await;
        assert_eq!(short[0]["subjects"][0]["lessons"], 2);
        assert_eq!(short[0]["subjects"][0]["marks"][0]["value"], "5");

        // A correction after the sheets, and then a week without school.
        desk.until("2026-10-30T15:00:00").await;
        desk.sql("UPDATE mark SET value = '4'").await;
        desk.until("2026-11-06T13:00:00").await;
        assert!(sheets(&desk, (1, 5, "А"), "2026-W45").await.is_empty());
        desk.until("2026-11-09T08:00:00").await;
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM notice WHERE state = 'waiting' AND event = 'mark_corrected'"
            )
            .await,
            2,
            "nobody could have been told: {:?}",
            desk.notices().await
        );
        desk.until("2026-11-13T13:00:00").await;
        let after = sheets(&desk, (1, 5, "А"), "2026-W46").await;
        let correction = after[0]["corrections"][0].as_str().unwrap();
        assert!(
            correction
                .starts_with("К листку № 9: вт 27.10. Математика: исправлено, было 5, теперь 4"),
            "{correction}"
        );
    }
}

/// F5.20: a day in the calendar speaks for itself, and terms that nobody wrote down make no holidays.
#[tokio::test]
async fn only_what_is_written_down_is_a_holiday() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET preset = 'paper'; INSERT INTO class (grade, letter) VALUES (1, 'А')").await;
        let week = |week: &str| week.parse().unwrap();
        let idle = desk
            .store
            .classes_in_holidays(week("2026-W42"))
            .await
            .unwrap();
        assert!(
            idle.is_empty(),
            "a sheet too many is better than one too few"
        );
        desk.sql("INSERT INTO term (school_id, kind, number, starts_on, ends_on) VALUES (1, 'quarter', 1, '2026-09-01', '2026-10-27')").await;
        let idle = desk
            .store
            .classes_in_holidays(week("2026-W50"))
            .await
            .unwrap();
        assert!(idle.is_empty(), "the second term is not entered yet");
        // The first grade has a week of its own in February.
        for day in 15..=19 {
            desk.sql(&format!("INSERT INTO calendar_day (date, grade_from, grade_to, kind) VALUES ('2027-02-{day}', 1, 1, 'holiday')")).await;
        }
        let idle = desk
            .store
            .classes_in_holidays(week("2027-W07"))
            .await
            .unwrap();
        assert_eq!(idle.into_iter().collect::<Vec<_>>(), [2]);
        desk.sql("INSERT INTO calendar_day (date, kind) VALUES ('2027-02-20', 'study')")
            .await;
        let idle = desk
            .store
            .classes_in_holidays(week("2027-W07"))
            .await
            .unwrap();
        assert!(idle.is_empty(), "Saturday is a day of study");
    }
}

/// F5.21: the second shift's homework is entered until 21:30; its families have it in the morning, when the night
/// is over, and the evening's marks with the next digest.
#[tokio::test]
async fn the_second_shifts_homework_is_there_in_the_morning() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE class SET shift = 2; UPDATE guardian SET preset = 'daily'")
            .await;
        desk.until("2026-10-14T19:10:00").await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T21:30:00").await;
        desk.sql("INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 2, '2026-10-15', 'упр. 9')").await;
        for time in ["14T22:00", "15T00:30", "15T07:29"] {
            desk.until(&format!("2026-10-{time}:00")).await;
            assert!(desk.calls.is_empty(), "{:?}", desk.texts());
        }
        desk.until("2026-10-15T07:30:00").await;
        let morning = heard(&mut desk);
        assert_eq!(morning.len(), 2);
        assert!(
            morning.iter().all(|(_, text)| text.contains("упр. 9")),
            "{morning:?}"
        );
        desk.until("2026-10-15T18:10:00").await;
        let evening = heard(&mut desk);
        assert_eq!(evening.len(), 2);
        assert!(
            evening.iter().all(|(_, text)| text.contains('4')),
            "{evening:?}"
        );
    }
}

/// F5.22: a school in UTC+7 lives by its own clock, wherever its server stands.
#[tokio::test]
async fn a_school_lives_by_its_own_clock() {
    for base in both().await {
        let zone = chrono_tz::Asia::Novosibirsk;
        let policy = Policy {
            settling: Period(30 * 60_000),
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::placed(&base.store, policy, "holder", zone);
        desk.sql(FAMILY).await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:09:59").await;
        assert_eq!(desk.calls.len(), 1, "who hears at once");
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(desk.calls.len(), 2);
        let left = chrono::DateTime::from_timestamp_millis(desk.left[1].0).unwrap();
        assert_eq!(left.to_rfc3339(), "2026-10-14T11:10:00+00:00");
        // Half past eleven at night is the fourteenth for a server, and quiet here.
        desk.until("2026-10-14T23:30:00").await;
        desk.sql(&mark(1, 2, "2026-10-14", "5")).await;
        desk.until("2026-10-15T00:30:00").await;
        desk.until("2026-10-15T07:29:00").await;
        assert_eq!(desk.calls.len(), 2, "it is night");
        desk.until("2026-10-15T07:30:00").await;
        assert_eq!(desk.calls.len(), 3);
        let left = chrono::DateTime::from_timestamp_millis(desk.left[2].0).unwrap();
        assert_eq!(left.to_rfc3339(), "2026-10-15T00:30:00+00:00");
    }
}

/// F5.25: 5 000 rows imported in September flood nobody: as a baseline they are known to all, and otherwise they
/// wait for a person.
#[tokio::test]
async fn five_thousand_rows_in_september_are_no_flood() {
    for base in both().await {
        let policy = Policy {
            breaker: Limit(Some(500)),
            nothing_new: Switch::Off,
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::governed(&base.store, policy, "holder");
        desk.sql(FAMILY).await;
        let others = |row: &dyn Fn(u32) -> String| -> String {
            let rows: Vec<String> = (2..=125).map(row).collect();
            rows.join(",")
        };
        desk.sql(&format!(
            "DELETE FROM guardianship WHERE guardian_id = 2;
             INSERT INTO student (surname, given_name) VALUES {};
             INSERT INTO guardianship (guardian_id, student_id) VALUES {};
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES {};
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES {}",
            others(&|n| format!("('Ученик', 'Номер{n}')")),
            others(&|n| format!("(1, {n})")),
            others(&|n| format!("(1, {n}, 'data', 'given')")),
            others(&|n| format!("(1, {n}, 'email', 'given')")),
        ))
        .await;
        desk.until("2026-09-21T09:00:00").await;
        for (import, baseline) in [(1, 1), (2, 0)] {
            let rows: Vec<String> = (0..5_000)
                .map(|n| {
                    let (student, subject, day) = (n / 40 + 1, n % 2 + 1, n / 2 % 20 + 1);
                    format!("({student}, {subject}, '2026-09-{day:02}', {import}, '4')")
                })
                .collect();
            desk.write(&format!(
                "DELETE FROM writing; INSERT INTO import (source, started_at) VALUES ('netschool', 0);
                 INSERT INTO writing (import_id, baseline) VALUES ({import}, {baseline});
                 INSERT INTO mark (student_id, subject_id, date, position, value) VALUES {};
                 DELETE FROM writing",
                rows.join(",")
            ))
            .await;
            while desk
                .number("SELECT COUNT(*) FROM change WHERE planned_at IS NULL")
                .await
                > 0
            {
                desk.work().await;
            }
            desk.minutes(60).await;
            desk.until("2026-09-22T09:00:00").await;
            assert!(
                desk.calls.is_empty(),
                "import {import}: {:?}",
                desk.calls.len()
            );
            let holds = desk.store.holds().await.unwrap();
            if baseline == 1 {
                assert!(holds.is_empty(), "all of it is known");
                assert_eq!(desk.number("SELECT COUNT(*) FROM notice").await, 0);
            } else {
                assert_eq!(holds.len(), 1);
                assert_eq!(holds[0].kind, "volume");
                assert_eq!(desk.notices().await.get("held"), Some(&holds[0].count));
                assert_eq!(desk.notices().await.len(), 1, "nothing else waits");
            }
        }
    }
}
