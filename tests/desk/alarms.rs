//! Stories of who leads the school being told that somebody has to look, once while it lasts.

use vestnik_contract::{Fault, Outcome, Reason, Scope};

use crate::{
    desk::{Desk, FAMILY, accepts},
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
