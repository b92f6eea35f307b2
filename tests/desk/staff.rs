//! Stories of what staff hear: who changes class, and what the journal lacks when its time is over.

use crate::desk::{Desk, FAMILY};
use crate::families::heard;
use crate::support::both;
use vestnik::{
    policy::{HomeworkEntry, Period, Policy},
    store::Store,
};

/// Anna teaches class 5А and Russian in it, Boris 5Б, and Vera is the deputy.
const STAFF: &str = "
    INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
    INSERT INTO staff (surname, given_name) VALUES ('Петров', 'Борис');
    INSERT INTO staff (surname, given_name, role) VALUES ('Седова', 'Вера', 'deputy');
    INSERT INTO class (grade, letter) VALUES (5, 'Б');
    UPDATE class SET class_teacher_id = 1 WHERE letter = 'А';
    UPDATE class SET class_teacher_id = 2 WHERE letter = 'Б';
    INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@example.org');
    INSERT INTO contact (staff_id, channel, address) VALUES (2, 'sms', '+79000000099');
    INSERT INTO contact (staff_id, channel, address) VALUES (3, 'email', 'vera@example.org')";

async fn school(store: &Store, policy: Policy) -> Desk {
    let mut desk = Desk::governed(store, policy, "holder");
    desk.sql(FAMILY).await;
    desk.sql(STAFF).await;
    desk
}

fn policy() -> Policy {
    Policy::defaults().unwrap()
}

/// F5.7: both class teachers hear once, by evening, that a student moved; who moves up in autumn moves nowhere.
#[tokio::test]
async fn both_class_teachers_hear_that_a_student_moved() {
    for base in both().await {
        let mut desk = school(&base.store, policy()).await;
        desk.sql(
            "INSERT INTO class (grade, letter) VALUES (4, 'А');
             INSERT INTO student (surname, given_name) VALUES ('Орлов', 'Пётр');
             INSERT INTO enrolment (student_id, class_id, from_on, to_on) VALUES (2, 3, '2025-09-01', '2026-10-13');
             INSERT INTO enrolment (student_id, class_id, from_on) VALUES (2, 1, '2026-10-14');
             UPDATE enrolment SET to_on = '2026-10-13' WHERE student_id = 1;
             INSERT INTO enrolment (student_id, class_id, from_on) VALUES (1, 2, '2026-10-14')",
        )
        .await;
        desk.until("2026-10-14T18:09:00").await;
        assert!(heard(&mut desk).is_empty());
        desk.until("2026-10-14T18:10:00").await;
        let mut told = heard(&mut desk);
        told.sort();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(
            told[0],
            (
                "+79000000099".to_owned(),
                "Школа 12: меняют класс. Маша С., 5 «Б»: 5 «А» – 5 «Б»".to_owned()
            )
        );
        assert_eq!(told[1].0, "anna@example.org");
        assert!(
            told[1]
                .1
                .contains("– Маша С., 5 «Б»: из 5 «А» в 5 «Б» с 14 октября"),
            "{}",
            told[1].1
        );
        desk.until("2026-10-16T18:10:00").await;
        assert!(heard(&mut desk).is_empty(), "once");
    }
}

/// A class that moves as a whole: what a teacher hears of it by SMS is in texts of a size that operators know, in
/// the letters that the account wants; a mail has all of it.
#[tokio::test]
async fn many_matters_are_told_by_several_sms_and_by_one_mail() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder").sms(4, true);
        desk.sql(FAMILY).await;
        desk.sql(STAFF).await;
        for student in 2..=8 {
            desk.sql(&format!(
                "INSERT INTO student (surname, given_name) VALUES ('Орлов', 'Пётр');
                 INSERT INTO enrolment (student_id, class_id, from_on, to_on)
                 VALUES ({student}, 1, '2026-09-01', '2026-10-13');
                 INSERT INTO enrolment (student_id, class_id, from_on) VALUES ({student}, 2, '2026-10-14')"
            ))
            .await;
        }
        desk.until("2026-10-14T18:10:00").await;
        let told = heard(&mut desk);
        let to = |address: &str| {
            let told = told.iter().filter(|(to, _)| to == address);
            told.map(|(_, text)| text.as_str()).collect::<Vec<_>>()
        };
        let sms = to("+79000000099");
        let mut counts: Vec<usize> = sms
            .iter()
            .map(|one| one.matches("Petr O.").count())
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, [1, 6], "{sms:?}");
        for one in &sms {
            assert!(
                one.starts_with("Shkola 12: menyayut klass. Petr O., "),
                "{one}"
            );
        }
        let mails = to("anna@example.org");
        assert_eq!(mails.len(), 1, "{mails:?}");
        assert_eq!(mails[0].matches("Пётр О.").count(), 7, "{}", mails[0]);
    }
}

/// Three lessons of Wednesday; homework of the first is in the journal.
const LESSONS: &str = "
    INSERT INTO subject (name, graded) VALUES ('Разговоры о важном', 0);
    INSERT INTO lesson (class_id, subject_id, date, number, ends_at, teacher_id) VALUES (1, 1, '2026-10-14', 1, '09:15', 2);
    INSERT INTO lesson (class_id, subject_id, date, number, ends_at) VALUES (1, 2, '2026-10-14', 2, '10:10');
    INSERT INTO lesson (class_id, subject_id, date, number, ends_at) VALUES (1, 3, '2026-10-14', 3, '11:00');
    INSERT INTO homework (class_id, subject_id, assigned_on, due_on, text) VALUES (1, 1, '2026-10-14', '2026-10-16', '№ 312')";

/// Homework that is not in the journal by its time: the subject's teacher hears; where nobody is named, the class
/// teacher. What was written down meanwhile is not missed, and no family hears of it.
#[tokio::test]
async fn homework_that_is_not_in_the_journal_in_time_is_missed() {
    for (rule, over) in [("17:00", "17:00"), ("class+3h", "14:00")] {
        for base in both().await {
            let homework_entry: HomeworkEntry = rule.parse().unwrap();
            let mut desk = school(
                &base.store,
                Policy {
                    homework_entry,
                    ..policy()
                },
            )
            .await;
            desk.sql(LESSONS).await;
            desk.until("2026-10-14T13:59:00").await;
            assert!(heard(&mut desk).iter().all(|(to, _)| to.contains("olga")));
            desk.until(&format!("2026-10-14T{over}:00")).await;
            let told = heard(&mut desk);
            let staff: Vec<_> = told.iter().filter(|(to, _)| !to.contains("olga")).collect();
            assert_eq!(staff.len(), 1, "{told:?}");
            assert_eq!(staff[0].0, "anna@example.org");
            assert!(
                staff[0].1.contains("– 5 «А»: Русский язык, 14 октября"),
                "{}",
                staff[0].1
            );
            assert!(!staff[0].1.contains("Математика") && !staff[0].1.contains("Разговоры"));
        }
    }
}

/// A second shift's time is over at night: its teacher hears in the morning, unless it was written down by then.
#[tokio::test]
async fn nobody_is_reminded_at_night_and_nobody_who_has_done_it_since() {
    for base in both().await {
        let homework_entry: HomeworkEntry = "class+3h".parse().unwrap();
        let mut desk = school(
            &base.store,
            Policy {
                homework_entry,
                ..policy()
            },
        )
        .await;
        desk.sql(LESSONS).await;
        desk.sql("UPDATE lesson SET ends_at = '18:30' WHERE number = 3; UPDATE lesson SET teacher_id = 2 WHERE number = 2; DELETE FROM homework WHERE subject_id = 1; INSERT INTO homework (class_id, subject_id, assigned_on, due_on, text) VALUES (1, 1, '2026-10-07', '2026-10-09', '№ 300')").await;
        for hour in 18..24 {
            desk.until(&format!("2026-10-14T{hour}:35:00")).await;
        }
        assert!(
            heard(&mut desk).iter().all(|(to, _)| to != "+79000000099"),
            "at night nobody hears"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE staff_id = 2 AND state = 'waiting'")
                .await,
            2
        );
        desk.write("INSERT INTO homework (class_id, subject_id, assigned_on, text) VALUES (1, 1, '2026-10-14', 'не задано')").await;
        desk.until("2026-10-15T07:30:00").await;
        let told: Vec<_> = heard(&mut desk)
            .into_iter()
            .filter(|(to, _)| to == "+79000000099")
            .collect();
        assert_eq!(
            told,
            [(
                "+79000000099".to_owned(),
                "Школа 12: нет ДЗ в журнале. 5 «А»: Русский язык, 14.10".to_owned()
            )]
        );
    }
}

/// The marks of a test have their days; then whoever teaches the subject hears, and where nobody is known, the
/// deputy.
#[tokio::test]
async fn marks_of_a_test_that_are_not_in_the_journal_in_time_are_missed() {
    for base in both().await {
        let mark_entry: Period = "3d".parse().unwrap();
        let mut desk = school(
            &base.store,
            Policy {
                mark_entry,
                ..policy()
            },
        )
        .await;
        desk.sql(
            "UPDATE class SET class_teacher_id = NULL WHERE letter = 'А';
             INSERT INTO test_plan (class_id, subject_id, date, kind) VALUES (1, 1, '2026-10-12', 'контрольная');
             INSERT INTO test_plan (class_id, subject_id, date, kind) VALUES (1, 2, '2026-10-12', 'диктант');
             INSERT INTO test_plan (class_id, subject_id, date, kind) VALUES (1, 2, '2026-05-12', 'диктант');
             INSERT INTO duty (staff_id, role, class_id, subject_id) VALUES (2, 'teacher', 1, 1);
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-13', '4')",
        )
        .await;
        desk.until("2026-10-15T18:10:00").await;
        let told = heard(&mut desk);
        assert!(
            told.iter().all(|(_, text)| !text.contains("за работу")),
            "the third day is theirs: {told:?}"
        );
        desk.until("2026-10-16T18:10:00").await;
        let mut told = heard(&mut desk);
        told.retain(|(_, text)| text.contains("отметок за работ"));
        told.sort();
        assert_eq!(told.len(), 2, "{told:?}");
        assert_eq!(
            told[0].1,
            "Школа 12: нет отметок за работу. 5 «А»: Математика, 12.10"
        );
        assert_eq!(told[1].0, "vera@example.org");
        assert!(
            told[1]
                .1
                .contains("– 5 «А»: Русский язык, работа 12 октября"),
            "{}",
            told[1].1
        );
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-12', '4')").await;
        desk.until("2026-10-20T18:10:00").await;
        assert!(
            heard(&mut desk)
                .iter()
                .all(|(_, text)| !text.contains("отметок за работ")),
            "once"
        );
    }
}
