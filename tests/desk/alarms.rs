//! Stories of who leads the school being told that somebody has to look, once while it lasts.

use std::{fs, time::Duration};

use vestnik::{backup::Backups, engine::Surroundings};
use vestnik_contract::{Fault, Outcome, Reason, Scope};

use crate::{
    desk::{Desk, FAMILY, accepts},
    results::{school, set},
    support::both,
};

const STAFF: &str = "
    INSERT INTO staff (surname, given_name, role) VALUES ('Админов', 'Пётр', 'admin'), ('Седова', 'Вера', 'director'), ('Завучева', 'Нина', 'deputy');
    INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'admin@example.org'), (2, 'email', 'director@example.org'), (3, 'email', 'deputy@example.org')";

/// The mails to staff so far: address and text.
fn to_staff(desk: &Desk) -> Vec<(String, String)> {
    let own = desk.calls.iter().filter(|(_, message)| !message.to_family);
    own.map(|(_, message)| (message.address.clone(), message.text.clone()))
        .collect()
}

/// The alarms that last.
async fn lasting(desk: &Desk) -> Vec<String> {
    let alarms = desk.store.lasting_alarms().await.expect("alarms");
    alarms.iter().map(|(alarm, _)| alarm.to_string()).collect()
}

/// Lets so many minutes pass, one by one.
async fn pass(desk: &mut Desk, minutes: i64) {
    for _ in 0..minutes {
        desk.minutes(1).await;
    }
}

#[tokio::test]
async fn messages_that_wait_too_long_are_told_to_two_people_once() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.write(FAMILY).await;
        desk.write(STAFF).await;
        desk.write("UPDATE guardian SET preset = 'at_once'; DELETE FROM contact WHERE channel = 'email' AND guardian_id IS NOT NULL").await;
        desk.work().await;
        // SMS are not taken, each for a reason of its own; mails are.
        desk.provider(|message| {
            if message.address.contains('@') {
                return Outcome::Accepted { provider_ref: None };
            }
            Outcome::Deferred {
                reason: Reason::new("busy", "Busy.", Fault::Provider),
                retry_after: None,
                scope: Scope::Message,
            }
        });
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await;
        pass(&mut desk, 44).await;
        assert_eq!(
            to_staff(&desk),
            [],
            "they wait for less than a quarter of an hour"
        );
        pass(&mut desk, 10).await;
        let told = to_staff(&desk);
        let mut who: Vec<&str> = told.iter().map(|(address, _)| address.as_str()).collect();
        who.sort_unstable();
        assert_eq!(
            who,
            ["admin@example.org", "director@example.org"],
            "two are enough: {told:?}"
        );
        assert!(
            told[0]
                .1
                .contains("– SMS: сообщения ждут больше 15 минут, провайдер их не принимает"),
            "{}",
            told[0].1
        );
        pass(&mut desk, 120).await;
        assert_eq!(
            to_staff(&desk).len(),
            2,
            "nobody is told twice while it lasts"
        );
        // It is over, and comes again soon: that is the same.
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        pass(&mut desk, 90).await;
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM alarm WHERE ended_at IS NULL")
                .await,
            0
        );
        assert_eq!(to_staff(&desk).len(), 2);
    }
}

#[tokio::test]
async fn a_journal_that_nobody_wrote_by_noon_of_a_school_day_is_an_alarm() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.write(FAMILY).await;
        desk.write(STAFF).await;
        desk.write("INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-15', 1, 'planned')").await;
        desk.provider(accepts());
        desk.work().await;
        // The database has a clock of its own, and the school's is turned by the test.
        desk.write("UPDATE change SET written_at = 1").await;
        desk.until("2026-10-15T11:59:00").await;
        assert_eq!(to_staff(&desk), []);
        desk.until("2026-10-15T12:05:00").await;
        let told = to_staff(&desk);
        assert_eq!(told.len(), 2);
        assert!(
            told[0]
                .1
                .contains("– журнал: сегодня есть уроки, а записей с утра нет"),
            "{}",
            told[0].1
        );
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-15', '5')").await;
        pass(&mut desk, 6).await;
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM alarm WHERE ended_at IS NULL")
                .await,
            0
        );
    }
}

#[tokio::test]
async fn results_that_families_do_not_know_after_three_quarters_of_their_time_are_an_alarm() {
    for base in both().await {
        let mut desk = school(&base.store).await.amid(Surroundings {
            board: Some("https://vestnik.example.org/".to_owned()),
            ..Surroundings::default()
        });
        desk.write(STAFF).await;
        // The marks of another subject are missing, so this one waits for them.
        desk.until("2026-10-14T14:00:00").await;
        set(&mut desk, 1, "final", "5").await;
        desk.until("2026-10-15T07:59:00").await;
        assert_eq!(to_staff(&desk), []);
        desk.until("2026-10-15T08:05:00").await;
        let own: Vec<_> = desk
            .calls
            .iter()
            .filter(|(_, message)| !message.to_family)
            .collect();
        assert_eq!(own.len(), 2, "{own:?}");
        let message = &own[0].1;
        assert_eq!(
            message.subject.as_deref(),
            Some("Школа 12: посмотрите: итоговые отметки")
        );
        assert!(
            message.text.contains(
                "– итоговые отметки: семьи их ещё не знают, а срок по регламенту почти вышел: https://vestnik.example.org/week"
            ),
            "{}",
            message.text
        );
        assert_eq!(lasting(&desk).await, ["results"]);
        // What is there leaves in time, and then it is over.
        desk.until("2026-10-15T13:45:00").await;
        pass(&mut desk, 6).await;
        assert!(desk.calls.iter().any(|(_, message)| message.to_family));
        assert!(lasting(&desk).await.is_empty());
    }
}

#[tokio::test]
async fn a_family_that_heard_nothing_for_two_weeks_is_an_alarm_until_it_hears() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.write(STAFF).await;
        desk.sql("UPDATE contact SET health = 'hard' WHERE guardian_id = 1; DELETE FROM guardianship WHERE guardian_id = 2").await;
        desk.provider(accepts());
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4')").await;
        desk.until("2026-10-14T12:00:00").await;
        desk.until("2026-10-19T09:00:00").await;
        pass(&mut desk, 6).await;
        assert!(lasting(&desk).await.is_empty(), "it is one week");
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-19', '3')").await;
        desk.until("2026-10-20T12:00:00").await;
        desk.until("2026-10-25T23:00:00").await;
        assert!(
            lasting(&desk).await.is_empty(),
            "the second one is not over"
        );
        desk.until("2026-10-26T09:00:00").await;
        pass(&mut desk, 6).await;
        assert_eq!(lasting(&desk).await, ["unheard"]);
        let told = to_staff(&desk);
        let of_it = told.iter().filter(|(_, text)| {
            text.contains("– семьи без новостей: вторую неделю подряд до них ничего не дошло")
        });
        assert_eq!(of_it.count(), 2, "{told:?}");
        // Nobody names the family in a mail.
        assert!(
            told.iter().all(|(_, text)| !text.contains("Соколова, ")),
            "{told:?}"
        );
        desk.sql("UPDATE contact SET health = 'ok' WHERE guardian_id = 1")
            .await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-26', '5')").await;
        pass(&mut desk, 40).await;
        assert!(
            lasting(&desk).await.is_empty(),
            "{:?}",
            desk.notices().await
        );
    }
}

#[tokio::test]
async fn texts_that_an_operator_lacks_and_a_backup_that_is_old_are_alarms() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let backups = Backups::new(folder.path().to_owned(), Duration::from_hours(26));
        backups.look();
        let mut desk = Desk::open(&base.store).amid(Surroundings {
            operators: vec!["МТС".to_owned()],
            texts: vec!["Школа 12. %w".to_owned(), "Школа 12: %w".to_owned()],
            backups: Some(backups.clone()),
            ..Surroundings::default()
        });
        desk.write(FAMILY).await;
        desk.write(STAFF).await;
        pass(&mut desk, 6).await;
        assert_eq!(lasting(&desk).await, ["backup"]);
        let told = to_staff(&desk);
        assert!(
            told.iter()
                .any(|(_, text)| text.contains("– резервная копия: новой давно нет")),
            "{told:?}"
        );
        fs::write(folder.path().join("vestnik.db"), "everything").expect("a file");
        backups.look();
        pass(&mut desk, 6).await;
        assert!(lasting(&desk).await.is_empty());
        desk.sql("INSERT INTO sms_template (operator, name, text, state, state_at) VALUES ('МТС', 'weekly', 'Школа 12. %w', 'registered', 1)").await;
        pass(&mut desk, 6).await;
        assert_eq!(lasting(&desk).await, ["texts"]);
        desk.sql("INSERT INTO sms_template (operator, name, text, state, state_at) VALUES ('МТС', 'weekly', 'Школа 12: %w', 'submitted', 1)").await;
        pass(&mut desk, 6).await;
        assert!(
            lasting(&desk).await.is_empty(),
            "what was handed in is not lacking"
        );
    }
}
