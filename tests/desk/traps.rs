//! Traps of real journals (§9 of the formats), each a named test on both databases.
//!
//! | № | trap | test |
//! |---|---|---|
//! | 1 | the same mark again in a new import | here, `the_same_mark_in_a_new_import_is_told_once` |
//! | 2 | changed before the message left | `engine.rs`, `a_change_before_the_message_left_calls_it_back` |
//! | 3 | changed after it left | `engine.rs`, `three_four_five_after_three_was_told_is_one_correction_and_then_a_withdrawal` |
//! | 4 | deleted after it was told | the same |
//! | 5 | old marks in the first import | here, `what_was_there_before_the_first_import_is_known` |
//! | 13 | homework edited after the digest | here, `homework_edited_after_the_digest_is_a_change` |
//! | 19 | a parent of three | `families.rs`, `three_children_make_one_mail` |
//! | 31 | quiet hours across midnight | `engine.rs`, `nothing_leaves_at_night_and_what_is_due_then_leaves_in_the_morning`; here, `a_night_across_midnight_holds_on_both_sides_of_it` |
//! | 35 | consent withdrawn between composing and sending | here, `a_consent_withdrawn_in_the_queue_stops_the_message_on_every_channel` |

use std::time::Duration;

use crate::desk::{Desk, FAMILY};
use crate::families::{consent, heard, mark};
use crate::support::both;
use vestnik_contract::{Fault, Outcome, Reason, Scope};

/// Trap 1: a later import that brings the same mark in another row tells nobody anything.
#[tokio::test]
async fn the_same_mark_in_a_new_import_is_told_once() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(heard(&mut desk).len(), 2);
        desk.write(&format!(
            "INSERT INTO import (source, started_at) VALUES ('netschool', 0);
             INSERT INTO writing (import_id, baseline) VALUES (1, 0);
             DELETE FROM mark; {} DELETE FROM writing",
            mark(1, 1, "2026-10-14", "4")
        ))
        .await;
        desk.work().await;
        desk.until("2026-10-16T18:10:00").await;
        assert!(heard(&mut desk).is_empty());
    }
}

/// Trap 5: what stood in the journal before its first import is known to all; its correction names the new mark
/// alone, and a new mark is told as any other.
#[tokio::test]
async fn what_was_there_before_the_first_import_is_known() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.write(&format!(
            "INSERT INTO writing (import_id, baseline) VALUES (NULL, 1); {}{} DELETE FROM writing",
            mark(1, 1, "2026-10-12", "3"),
            mark(1, 1, "2026-10-13", "2")
        ))
        .await;
        desk.work().await;
        desk.minutes(60).await;
        assert!(heard(&mut desk).is_empty(), "no flood");
        desk.sql("UPDATE mark SET value = '4' WHERE value = '2'")
            .await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        let all = heard(&mut desk);
        assert_eq!(all.len(), 1, "{all:?}");
        let text = &all[0].1;
        assert!(
            text.contains("теперь 4") && !text.contains("было"),
            "{text}"
        );
        assert!(text.contains("Математика: 5"), "{text}");
    }
}

/// Trap 13: homework that is edited after the digest told it is told as a change, once.
#[tokio::test]
async fn homework_edited_after_the_digest_is_a_change() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 1, '2026-10-16', '№ 214')").await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(heard(&mut desk).len(), 2);
        desk.sql("UPDATE homework SET text = '№ 215'").await;
        desk.until("2026-10-15T18:10:00").await;
        let sms: Vec<_> = heard(&mut desk)
            .into_iter()
            .filter(|(address, _)| address.starts_with('+'))
            .collect();
        assert_eq!(sms.len(), 1, "{sms:?}");
        assert!(
            sms[0].1.contains("№ 215") && sms[0].1.contains("изменено"),
            "{}",
            sms[0].1
        );
    }
}

/// Trap 31: the night of 21:00–07:30 holds on both sides of midnight, a family's own as well.
#[tokio::test]
async fn a_night_across_midnight_holds_on_both_sides_of_it() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET preset = 'at_once'; UPDATE guardian SET quiet = '23:30-06:00' WHERE id = 2").await;
        desk.until("2026-10-14T23:10:00").await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        for time in ["14T23:45", "15T00:00", "15T00:01", "15T05:59"] {
            desk.until(&format!("2026-10-{time}:00")).await;
            assert!(desk.calls.is_empty(), "{time}: {:?}", desk.texts());
        }
        desk.until("2026-10-15T06:00:00").await;
        assert_eq!(heard(&mut desk)[0].0, "+79000000012");
        desk.until("2026-10-15T07:29:00").await;
        assert!(desk.calls.is_empty());
        desk.until("2026-10-15T07:30:00").await;
        assert_eq!(heard(&mut desk)[0].0, "olga@example.org");
    }
}

/// Trap 35: a message that stands ready when its consent is withdrawn never leaves, whatever would carry it.
#[tokio::test]
async fn a_consent_withdrawn_in_the_queue_stops_the_message_on_every_channel() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&format!(
            "INSERT INTO guardian (surname, given_name) VALUES ('Соколов', 'Пётр');
             INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 1);
             INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'telegram', '40000001');
             UPDATE guardian SET preset = 'at_once';{}",
            consent(3, 1, "messenger")
        ))
        .await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("busy", "later", Fault::Provider),
            retry_after: Some(Duration::from_mins(10)),
            scope: Scope::Message,
        });
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        assert_eq!(heard(&mut desk).len(), 3, "all were tried once");
        let ready = "SELECT COUNT(*) FROM message WHERE state = 'ready'";
        assert_eq!(desk.number(ready).await, 3);
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        for (left, (guardian, purpose)) in
            [(2, (1, "email")), (1, (2, "data")), (0, (3, "messenger"))]
        {
            desk.sql(&format!("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({guardian}, 1, '{purpose}', 'withdrawn')")).await;
            assert_eq!(desk.number(ready).await, left, "in the same turn");
        }
        desk.minutes(120).await;
        assert!(heard(&mut desk).is_empty());
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE state = 'suppressed' AND reason LIKE '%is withdrawn'").await,
            3
        );
        assert_eq!(
            desk.notices().await.get("waiting"),
            Some(&3),
            "for the sheet"
        );
    }
}
