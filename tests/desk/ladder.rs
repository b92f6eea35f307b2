//! Stories of the ladder: from a channel that fails to the next one, and at last to paper.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::desk::{Desk, FAMILY};
use crate::support::both;
use vestnik_contract::{Fault, Outcome, Reason, Scope};

/// Olga has a phone under her e-mail address.
const OLGAS_PHONE: &str = "
    INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'sms', '+79000000011', 2);
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'sms', 'given')";

fn mark(day: u32, value: &str) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day:02}', '{value}')"
    )
}

fn reason(fault: Fault) -> Reason {
    Reason::new("test", "The test says so.", fault)
}

/// Ivan's messages by phone, after Olga's were taken out of the way.
async fn ivan_alone(desk: &mut Desk) {
    desk.sql(FAMILY).await;
    desk.sql(
        "DELETE FROM guardianship WHERE guardian_id = 1; UPDATE guardian SET preset = 'at_once'",
    )
    .await;
}

fn to(desk: &Desk, lane: &str) -> usize {
    desk.calls.iter().filter(|(by, _)| by == lane).count()
}

/// A password that is wrong is no family's fault: after two hours the next channel carries the news,
/// and when the mail works again nothing comes twice.
#[tokio::test]
async fn what_waits_for_an_account_out_of_order_takes_the_next_channel() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(OLGAS_PHONE).await;
        let broken = Arc::new(AtomicBool::new(true));
        let state = broken.clone();
        desk.provider(move |message| {
            if message.address.contains('@') && state.load(Ordering::Relaxed) {
                return Outcome::Deferred {
                    reason: Reason::new("smtp_535", "The password is wrong.", Fault::Account),
                    retry_after: Some(std::time::Duration::from_mins(5)),
                    scope: Scope::Lane,
                };
            }
            Outcome::Accepted { provider_ref: None }
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert!(to(&desk, "email") > 0);
        for _ in 0..5 {
            desk.minutes(10).await;
        }
        assert_eq!(to(&desk, "sms"), 0, "it may be mended yet");
        for _ in 0..8 {
            desk.minutes(10).await;
        }
        assert_eq!(to(&desk, "sms"), 1, "after two hours her phone hears");
        assert_eq!(desk.calls.last().unwrap().1.address, "+79000000011");
        let ended = desk
            .text("SELECT reason FROM message WHERE channel = 'email' AND state = 'expired'")
            .await;
        assert!(
            ended.contains("out of order: The password is wrong."),
            "{ended}"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM contact WHERE health <> 'ok'")
                .await,
            0,
            "no address is to blame"
        );
        // The next mark does not wait another two hours.
        desk.sql(&mark(13, "4")).await;
        desk.minutes(30).await;
        assert_eq!(to(&desk, "sms"), 2);
        broken.store(false, Ordering::Relaxed);
        desk.minutes(60).await;
        desk.sql(&mark(12, "3")).await;
        desk.minutes(30).await;
        assert_eq!(to(&desk, "sms"), 2);
        let last = &desk.calls.last().unwrap().1;
        assert!(last.address.contains('@') && last.text.contains("12 октября"));
        assert!(!last.text.contains("14 октября,"), "{}", last.text);
    }
}

/// Where there is no other channel the news waits for the account, but not past this week's sheet.
#[tokio::test]
async fn without_another_channel_it_waits_until_the_sheets_are_printed() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("smsc_3", "The balance is used up.", Fault::Account),
            retry_after: Some(std::time::Duration::from_hours(3)),
            scope: Scope::Lane,
        });
        desk.until("2026-10-15T09:00:00").await;
        desk.sql(&mark(14, "5")).await;
        desk.until("2026-10-15T09:30:00").await;
        desk.until("2026-10-15T13:00:00").await;
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE state = 'ready'")
                .await,
            1
        );
        for hour in ["16", "19"] {
            desk.until(&format!("2026-10-15T{hour}:00:00")).await;
        }
        for time in ["07:31", "10:40", "11:05"] {
            desk.until(&format!("2026-10-16T{time}:00")).await;
        }
        // Sheets are printed on Friday at one.
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM notice WHERE waits_for = 'sheet' AND reason = 'failed'"
            )
            .await,
            2,
            "{:?}",
            desk.notices().await
        );
    }
}

/// Nothing that was sent for a week arrived: the phone is silent, and the next address is used until
/// the phone answers again.
#[tokio::test]
async fn an_address_that_answers_nothing_for_a_week_is_passed_over_until_it_answers() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan_alone(&mut desk).await;
        desk.answer = Err(reason(Fault::Network));
        for day in ["14", "15"] {
            desk.until(&format!("2026-10-{day}T10:00:00")).await;
            desk.sql(&mark(day.parse().unwrap(), "5")).await;
            desk.minutes(30).await;
        }
        assert_eq!(to(&desk, "sms"), 2);
        for day in 16..=20 {
            desk.until(&format!("2026-10-{day}T12:00:00")).await;
        }
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE state = 'no_receipt'")
                .await,
            2
        );
        let health =
            "SELECT health || ' ' || COALESCE(health_reason, '') FROM contact WHERE id = 2";
        assert_eq!(desk.text(health).await, "ok ", "five days are no week");
        desk.until("2026-10-22T04:00:00").await;
        assert_eq!(desk.text(health).await, "soft silent");
        desk.until("2026-10-22T10:00:00").await;
        desk.sql(&mark(22, "4")).await;
        desk.minutes(30).await;
        assert_eq!(to(&desk, "sms"), 2, "nothing more goes there");
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE state = 'waiting' AND waits_for = 'sheet'")
                .await,
            "unreachable"
        );
        // The receipt of the second message comes a week late.
        desk.sql(&format!(
            "INSERT INTO receipt (lane, message_id, kind, received_at) VALUES ('sms', 2, 'delivered', {})",
            desk.now
        ))
        .await;
        assert_eq!(desk.text(health).await, "ok ");
        assert_eq!(
            to(&desk, "sms"),
            3,
            "what waited for the sheet goes by phone"
        );
    }
}

/// A secretary asks the family and notes that the number is right, or another one.
#[tokio::test]
async fn an_address_that_a_person_corrects_or_verifies_is_tried_again() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan_alone(&mut desk).await;
        desk.provider(|_| Outcome::Rejected {
            reason: reason(Fault::Address),
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        let health = "SELECT health FROM contact WHERE id = 2";
        assert_eq!(desk.text(health).await, "hard");
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        desk.sql("UPDATE contact SET address = '+79000000013' WHERE id = 2")
            .await;
        assert_eq!(desk.text(health).await, "ok");
        desk.sql(&mark(13, "4")).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.last().unwrap().1.address, "+79000000013");
        desk.sql("UPDATE contact SET health = 'complained' WHERE id = 2")
            .await;
        desk.sql("UPDATE contact SET verified_at = 1 WHERE id = 2")
            .await;
        assert_eq!(
            desk.text(health).await,
            "complained",
            "that is no typing error"
        );
        desk.sql("UPDATE contact SET health = 'soft' WHERE id = 2")
            .await;
        desk.sql("UPDATE contact SET verified_at = 2 WHERE id = 2")
            .await;
        assert_eq!(desk.text(health).await, "ok");
    }
}

/// The bot's message was given up as lost, and its notices went on by mail; before the mail leaves, the
/// word comes that the bot's message had been taken.
#[tokio::test]
async fn a_message_that_arrived_after_all_cancels_what_was_composed_in_its_place() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "DELETE FROM guardianship WHERE guardian_id = 2;
             INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'telegram', '77', 0);
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'messenger', 'given')",
        )
        .await;
        desk.provider(|message| match message.address.as_str() {
            "77" => Outcome::InDoubt {
                reason: reason(Fault::Network),
            },
            _ => Outcome::Deferred {
                reason: reason(Fault::Provider),
                retry_after: None,
                scope: Scope::Message,
            },
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert_eq!((to(&desk, "telegram"), to(&desk, "email")), (1, 1));
        // Another mark joins the queue of the address, in a message of its own.
        desk.sql(&format!(
            "INSERT INTO receipt (lane, message_id, kind, received_at) VALUES ('telegram', 1, 'under_way', {})",
            desk.now
        ))
        .await;
        assert_eq!(
            desk.text("SELECT state FROM message WHERE channel = 'email'")
                .await,
            "cancelled"
        );
        assert_eq!(
            desk.text("SELECT state FROM message WHERE channel = 'telegram'")
                .await,
            "accepted"
        );
        assert_eq!(desk.notices().await.get("informed"), Some(&1));
        desk.minutes(60).await;
        assert_eq!(to(&desk, "email"), 1, "nothing is repeated");
    }
}

/// What was on its way to the sheet leaves it, and where the journal has moved on meanwhile the family
/// hears what is right.
#[tokio::test]
async fn a_late_receipt_takes_a_notice_off_the_sheet_and_a_newer_value_is_a_correction() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan_alone(&mut desk).await;
        desk.provider(|_| Outcome::Rejected {
            reason: reason(Fault::Message),
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE waits_for = 'sheet'")
                .await,
            "failed"
        );
        desk.sql("UPDATE mark SET value = '3'").await;
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        desk.sql(&format!(
            "INSERT INTO receipt (lane, message_id, kind, received_at) VALUES ('sms', 1, 'delivered', {})",
            desk.now
        ))
        .await;
        assert_eq!(
            desk.text("SELECT state FROM message WHERE id = 1").await,
            "delivered"
        );
        assert_eq!(desk.notices().await.get("informed"), Some(&1));
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 2);
        let text = &desk.calls[1].1.text;
        assert!(text.contains("было 5") && text.contains('3'), "{text}");
        let again = desk
            .number("SELECT COUNT(*) FROM receipt WHERE matched_at IS NULL")
            .await;
        assert_eq!(again, 0);
    }
}

/// The class teacher, whoever stands in and the house tutor hear once a day whose address fails; who is a
/// guardian of the child hears nothing of the other one's address.
#[tokio::test]
async fn the_class_teacher_is_told_whose_address_fails_once_and_without_a_mark() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan_alone(&mut desk).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
             INSERT INTO staff (surname, given_name) VALUES ('Петров', 'Пётр');
             INSERT INTO staff (surname, given_name) VALUES ('Орлова', 'Вера');
             INSERT INTO staff (surname, given_name) VALUES ('Соколова', 'Нина');
             UPDATE class SET class_teacher_id = 1;
             INSERT INTO duty (staff_id, role, class_id, to_on) VALUES (2, 'class_teacher', 1, '2026-10-13');
             INSERT INTO duty (staff_id, role, class_id) VALUES (3, 'tutor', 1);
             INSERT INTO duty (staff_id, role, class_id) VALUES (4, 'tutor', 1);
             INSERT INTO guardian (surname, given_name, staff_id) VALUES ('Соколова', 'Нина', 4);
             INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 1);
             INSERT INTO contact (staff_id, channel, address, rank) VALUES (1, 'email', 'anna@example.org', 1);
             INSERT INTO contact (staff_id, channel, address, rank) VALUES (1, 'sms', '+79000000099', 2);
             INSERT INTO contact (staff_id, channel, address) VALUES (2, 'email', 'petr@example.org');
             INSERT INTO contact (staff_id, channel, address) VALUES (4, 'email', 'nina@example.org')",
        )
        .await;
        desk.provider(|message| match message.address.as_str() {
            "+79000000012" => Outcome::Rejected {
                reason: reason(Fault::Address),
            },
            "anna@example.org" => Outcome::Rejected {
                reason: reason(Fault::Message),
            },
            _ => Outcome::Accepted { provider_ref: None },
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1);
        desk.until("2026-10-14T18:10:00").await;
        let told = desk.texts();
        assert_eq!(told.len(), 3, "{told:?}");
        assert_eq!(told[1].1, "anna@example.org");
        assert!(
            told[1]
                .2
                .contains("– Маша С., 5 «А»: такого номера телефона нет"),
            "{}",
            told[1].2
        );
        assert!(!told[1].2.contains("Математика"), "{}", told[1].2);
        assert_eq!(
            told[2].1, "+79000000099",
            "her mail failed, her phone did not"
        );
        let status = base.store.status(desk.now).await.unwrap();
        assert_eq!(status.untold_to_staff, 1, "the tutor has no address");
        desk.until("2026-10-15T18:10:00").await;
        assert_eq!(desk.calls.len(), 3, "it is told once");
        // The family gives a new number, and that fails as well.
        desk.sql("UPDATE contact SET address = '+79000000013' WHERE id = 2")
            .await;
        desk.provider(|message| match message.address.as_str() {
            "+79000000013" => Outcome::Rejected {
                reason: reason(Fault::Address),
            },
            _ => Outcome::Accepted { provider_ref: None },
        });
        desk.sql(&mark(15, "4")).await;
        desk.minutes(30).await;
        desk.until("2026-10-16T18:10:00").await;
        assert_eq!(desk.calls.last().unwrap().1.address, "anna@example.org");
    }
}
