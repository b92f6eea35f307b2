//! Stories of the engine under a clock that the test turns, on both databases.

use std::time::Duration;

use crate::desk::{Desk, FAMILY, at};
use crate::support::both;
use vestnik::policy::{Limit, Policy};
use vestnik_contract::{Delivery, Fault, Outcome, Reason, Scope};

fn to<'a>(desk: &'a Desk, lane: &str) -> Vec<&'a str> {
    desk.calls
        .iter()
        .filter(|(other, _)| other == lane)
        .map(|(_, message)| message.text.as_str())
        .collect()
}

const MARK_3: &str =
    "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')";

#[tokio::test]
async fn a_mark_settles_and_is_told_at_once_or_with_the_digest() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.work().await;
        assert!(desk.calls.is_empty(), "it settles");
        desk.minutes(30).await;
        assert_eq!(to(&desk, "email").len(), 1);
        assert!(
            to(&desk, "email")[0].contains("Математика: 3"),
            "{:?}",
            desk.texts()
        );
        assert!(to(&desk, "sms").is_empty(), "the father wants the digest");
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(to(&desk, "sms"), ["Школа 12. Маша 14.10: матем 3"]);
        assert_eq!(
            desk.calls[1].1.address, "+79000000012",
            "in the form that a gateway takes"
        );
        assert_eq!(desk.notices().await.get("informed"), Some(&2));
        desk.until("2026-10-15T18:10:00").await;
        assert_eq!(desk.calls.len(), 2, "nothing is told twice");
    }
}

#[tokio::test]
async fn second_thoughts_within_the_settling_time_are_nobodys_business() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.minutes(10).await;
        desk.sql("DELETE FROM mark").await;
        desk.minutes(60).await;
        assert!(desk.calls.is_empty());
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE guardian_id = 1")
                .await,
            "withdrawn_before_told"
        );
        desk.sql(MARK_3).await;
        desk.minutes(30).await;
        desk.calls.clear();
        // Deleted and entered again: the row is another one, the cell is the same.
        desk.sql("DELETE FROM mark").await;
        desk.minutes(5).await;
        desk.sql(MARK_3).await;
        desk.minutes(60).await;
        assert!(desk.calls.is_empty(), "{:?}", desk.texts());
    }
}

#[tokio::test]
async fn three_four_five_after_three_was_told_is_one_correction_and_then_a_withdrawal() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.minutes(31).await;
        desk.calls.clear();
        desk.sql("UPDATE mark SET value = '4'").await;
        desk.minutes(10).await;
        desk.sql("UPDATE mark SET value = '5'").await;
        desk.minutes(20).await;
        assert_eq!(desk.calls.len(), 1, "{:?}", desk.texts());
        assert!(
            desk.calls[0].1.text.contains("было 3, теперь 5"),
            "{:?}",
            desk.texts()
        );
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            to(&desk, "sms"),
            ["Школа 12. Маша 14.10: матем 5"],
            "the father never heard of 3"
        );
        desk.calls.clear();
        desk.sql("DELETE FROM mark").await;
        desk.minutes(30).await;
        assert!(
            desk.calls[0].1.text.contains("отметка 5 снята"),
            "{:?}",
            desk.texts()
        );
    }
}

#[tokio::test]
async fn a_change_that_meets_a_leaving_message_becomes_a_correction() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.now = at("2026-10-14T09:31:00");
        let mut calls = desk.turn(&mut Vec::new()).await;
        let vestnik::engine::Call::Send {
            attempt_id,
            message_id,
            lease,
            ..
        } = calls.remove(0)
        else {
            panic!("a call to send");
        };
        desk.sql("UPDATE mark SET value = '4'").await;
        assert!(
            desk.turn(&mut Vec::new()).await.is_empty(),
            "the message is on its way"
        );
        let outcome = Outcome::Accepted { provider_ref: None };
        let mut reports = vec![vestnik::engine::Report::Called {
            attempt_id,
            message_id,
            lease,
            outcome,
        }];
        desk.turn(&mut reports).await;
        desk.minutes(31).await;
        assert!(
            to(&desk, "email")[0].contains("было 3, теперь 4"),
            "{:?}",
            desk.texts()
        );
    }
}

#[tokio::test]
async fn a_change_before_the_message_left_calls_it_back() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET preset = 'at_once'").await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("smtp_450", "busy", Fault::Provider),
            retry_after: Some(Duration::from_mins(10)),
            scope: Scope::Message,
        });
        desk.sql(MARK_3).await;
        desk.minutes(31).await;
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        desk.sql("UPDATE mark SET value = '4'").await;
        let told: Vec<_> = to(&desk, "email");
        assert_eq!(told.len(), 2, "one try of the first, one of the second");
        assert!(
            told[1].contains("Математика: 4") && !told[1].contains("было"),
            "{told:?}"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE state = 'superseded'")
                .await,
            2
        );
    }
}

#[tokio::test]
async fn consent_withdrawn_after_composing_stops_the_message_and_says_why() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET quiet = '09:00-12:00' WHERE id = 1")
            .await;
        desk.sql(MARK_3).await;
        desk.until("2026-10-14T12:00:00").await;
        assert_eq!(
            to(&desk, "email").len(),
            1,
            "the night of a shift worker is over"
        );
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-14', '4')").await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("smtp_450", "busy", Fault::Provider),
            retry_after: Some(Duration::from_mins(10)),
            scope: Scope::Message,
        });
        desk.minutes(31).await;
        assert_eq!(
            desk.newest().await.state,
            "ready",
            "composed, and put off by the provider"
        );
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'email', 'withdrawn')").await;
        let before = desk.calls.len();
        desk.minutes(60).await;
        assert_eq!(desk.calls.len(), before, "nothing leaves");
        let history = desk.newest().await;
        assert_eq!(history.state, "suppressed");
        assert!(
            history
                .reason
                .expect("a reason")
                .contains("consent to «email» is withdrawn")
        );
        assert_eq!(
            desk.text("SELECT waits_for FROM notice WHERE guardian_id = 1 AND state = 'waiting'")
                .await,
            "sheet"
        );
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'email', 'given')").await;
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        desk.minutes(1).await;
        assert!(
            to(&desk, "email")
                .last()
                .expect("a mail")
                .contains("Русский язык: 4"),
            "given again, told again"
        );
    }
}

#[tokio::test]
async fn one_family_gets_one_message_for_all_children_and_one_per_shared_phone() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO student (surname, given_name, short_name) VALUES ('Соколов', 'Пётр', 'Петя');
             INSERT INTO guardianship (guardian_id, student_id) VALUES (2, 2);
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 2, 'data', 'given');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 2, 'sms', 'given');
             UPDATE guardian SET preset = 'daily' WHERE id = 1;
             UPDATE contact SET channel = 'sms', address = '8 (900) 000-00-12' WHERE guardian_id = 1;
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'sms', 'given')",
        )
        .await;
        desk.sql(MARK_3).await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (2, 2, '2026-10-14', '5')").await;
        desk.minutes(60).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(desk.calls.len(), 1, "{:?}", desk.texts());
        let text = &desk.calls[0].1.text;
        assert!(
            text.contains("Маша 14.10: матем 3") && text.contains("Петя 14.10: рус 5"),
            "{text}"
        );
        assert_eq!(
            desk.notices().await.get("informed"),
            Some(&3),
            "both guardians are informed"
        );
    }
}

#[tokio::test]
async fn without_consent_a_notice_waits_for_the_sheet_and_a_restricted_guardian_hears_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'refused');
             UPDATE guardianship SET restricted_from = '2026-09-01' WHERE guardian_id = 2",
        )
        .await;
        desk.sql(MARK_3).await;
        desk.until("2026-10-14T18:10:00").await;
        desk.until("2026-10-16T18:10:00").await;
        assert!(desk.calls.is_empty(), "{:?}", desk.texts());
        assert_eq!(desk.notices().await.get("waiting"), Some(&1));
        desk.until("2026-10-19T08:00:00").await;
        assert_eq!(
            desk.notices().await.get("red"),
            Some(&1),
            "nobody printed a sheet"
        );
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'given')").await;
        desk.until("2026-10-19T18:10:00").await;
        assert!(desk.calls.is_empty(), "last week's news does not pour out");
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE guardian_id = 1")
                .await,
            "consent_data_refused"
        );
        let outcome = desk
            .text("SELECT outcome FROM change WHERE entity = 'mark'")
            .await;
        assert!(
            outcome.contains("\"2\":{\"none\":\"no_right\"}"),
            "{outcome}"
        );
    }
}

#[tokio::test]
async fn nothing_leaves_at_night_and_what_is_due_then_leaves_in_the_morning() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.until("2026-10-14T20:45:00").await;
        desk.sql(MARK_3).await;
        desk.until("2026-10-14T21:15:00").await;
        desk.until("2026-10-15T07:29:00").await;
        assert!(to(&desk, "email").is_empty(), "{:?}", desk.texts());
        desk.until("2026-10-15T07:30:00").await;
        assert_eq!(to(&desk, "email").len(), 1);
    }
}

#[tokio::test]
async fn a_dead_address_leads_to_the_next_channel_and_then_to_paper() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'sms', '+79000000011', 2);
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'sms', 'given')",
        )
        .await;
        desk.provider(|message| {
            if message.address.contains('@') {
                Outcome::Rejected {
                    reason: Reason::new("smtp_550", "no such user", Fault::Address),
                }
            } else {
                Outcome::Accepted {
                    provider_ref: Some("1".into()),
                }
            }
        });
        desk.sql(MARK_3).await;
        desk.minutes(31).await;
        assert_eq!(to(&desk, "sms"), ["Школа 12. Маша 14.10: матем 3"]);
        assert_eq!(
            desk.text("SELECT health FROM contact WHERE id = 1").await,
            "hard"
        );
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("x", "spam", Fault::Message),
        });
        desk.sql("UPDATE mark SET value = '4'").await;
        desk.minutes(31).await;
        assert_eq!(
            desk.text("SELECT waits_for FROM notice WHERE guardian_id = 1 AND state = 'waiting'")
                .await,
            "sheet"
        );
    }
}

#[tokio::test]
async fn a_doubt_is_asked_about_and_a_message_that_never_arrived_is_sent_once_more() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET preset = 'at_once'").await;
        let lost = || Outcome::InDoubt {
            reason: Reason::new("timeout", "no answer", Fault::Network),
        };
        desk.provider(move |_| lost());
        desk.answer = Ok(Delivery::NotFound);
        desk.sql(MARK_3).await;
        desk.minutes(31).await;
        assert_eq!(
            desk.store
                .status(desk.now)
                .await
                .expect("a status")
                .in_doubt,
            2
        );
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        for _ in 0..30 {
            desk.minutes(1).await;
        }
        assert_eq!(
            to(&desk, "sms").len(),
            2,
            "asked at 1, 5 and 15 minutes, then sent again"
        );
        assert_eq!(to(&desk, "email").len(), 2, "sent again after 15 minutes");
        let status = desk.store.status(desk.now).await.expect("a status");
        assert_eq!((status.in_doubt, status.possible_duplicates), (0, 2));
        let references: std::collections::BTreeSet<_> = desk
            .calls
            .iter()
            .map(|(_, message)| message.reference.clone())
            .collect();
        assert_eq!(references.len(), 2, "the same message under the same name");
    }
}

#[tokio::test]
async fn a_receipt_raises_and_an_undelivered_message_goes_on() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.until("2026-10-14T18:10:00").await;
        desk.minutes(2).await;
        assert_eq!(
            desk.text("SELECT state FROM message WHERE channel = 'sms'")
                .await,
            "delivered"
        );
        let phone_off = Reason::new("smsc_status_20", "not delivered", Fault::Provider);
        desk.answer = Ok(Delivery::Undelivered { reason: phone_off });
        desk.sql("UPDATE mark SET value = '5'").await;
        desk.until("2026-10-15T18:10:00").await;
        desk.minutes(2).await;
        let state = desk
            .text("SELECT state FROM message WHERE channel = 'sms' ORDER BY id DESC LIMIT 1")
            .await;
        assert_eq!(state, "undelivered");
        let waits = "SELECT waits_for FROM notice WHERE guardian_id = 2 AND state = 'waiting'";
        assert_eq!(
            desk.text(waits).await,
            "sheet",
            "no further address is known"
        );
    }
}

#[tokio::test]
async fn what_another_daemon_left_behind_is_in_doubt_and_its_late_writes_are_refused() {
    for base in both().await {
        let mut first = Desk::with(&base.store, 0, "first");
        first.sql(FAMILY).await;
        first.write(MARK_3).await;
        let calls = first.turn(&mut Vec::new()).await;
        assert_eq!(calls.len(), 1);
        // The first is suspended; the second takes its lanes and finds the call without an end.
        let mut second = Desk::with(&base.store, 0, "second");
        second.now = first.now + 20_000;
        let sqlite = vestnik::store::Dialect::Sqlite == base.store.dialect();
        if !sqlite {
            second.sql("UPDATE lane SET expires_at = 0").await;
        }
        second.work().await;
        assert_eq!(second.newest().await.state, "in_doubt");
        let vestnik::engine::Call::Send {
            attempt_id,
            message_id,
            lease,
            ..
        } = &calls[0]
        else {
            panic!("a call to send");
        };
        let outcome = Outcome::Accepted { provider_ref: None };
        let mut late = vec![vestnik::engine::Report::Called {
            attempt_id: *attempt_id,
            message_id: *message_id,
            lease: lease.clone(),
            outcome,
        }];
        first.turn(&mut late).await;
        assert_eq!(
            second.newest().await.state,
            "in_doubt",
            "the first has lost the lane"
        );
    }
}

#[tokio::test]
async fn an_account_out_of_order_rests_as_a_whole() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("smtp_535", "wrong password", Fault::Account),
            retry_after: Some(Duration::from_mins(5)),
            scope: Scope::Lane,
        });
        desk.sql(MARK_3).await;
        desk.minutes(31).await;
        desk.minutes(4).await;
        assert_eq!(desk.calls.len(), 1, "the lane rests");
        let resting = desk.store.status(desk.now).await.expect("a status").resting;
        assert!(
            resting
                .get("email")
                .expect("e-mail rests")
                .contains("wrong password"),
            "{resting:?}"
        );
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        desk.minutes(2).await;
        assert_eq!(desk.calls.len(), 2);
    }
}

#[tokio::test]
async fn the_register_of_marks_is_kept_for_years_and_other_changes_for_a_month() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.until("2026-11-10T09:00:00").await;
        assert!(
            desk.number("SELECT COUNT(*) FROM change WHERE entity = 'guardian'")
                .await
                > 0
        );
        desk.until("2026-11-20T09:00:00").await;
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM change WHERE entity <> 'mark'")
                .await,
            0
        );
        assert_eq!(desk.number("SELECT COUNT(*) FROM change").await, 1);
        desk.until("2032-01-10T09:00:00").await;
        assert_eq!(desk.number("SELECT COUNT(*) FROM change").await, 0);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM schedule_run WHERE finished_at IS NULL")
                .await,
            0
        );
    }
}

#[tokio::test]
async fn a_cells_changes_are_read_together_however_far_apart_they_were_written() {
    for base in both().await {
        // So much at once would wait for a person; here it is meant.
        let patient = Policy {
            breaker: Limit(None),
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::governed(&base.store, patient, "holder");
        desk.sql(FAMILY).await;
        // Between the first and the last change of one cell lie more than a slice of others.
        let between: Vec<String> = (1..=700)
            .map(|day| {
                format!(
                    "(1, 2, '{}', '5')",
                    chrono::NaiveDate::default() + chrono::Days::new(day)
                )
            })
            .collect();
        desk.write(MARK_3).await;
        desk.write(&format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES {}",
            between.join(",")
        ))
        .await;
        desk.write("UPDATE mark SET value = '4' WHERE subject_id = 1")
            .await;
        desk.work().await;
        desk.minutes(31).await;
        let told: Vec<_> = to(&desk, "email")
            .into_iter()
            .filter(|text| text.contains("Математика"))
            .collect();
        assert_eq!(told.len(), 1);
        assert!(
            told[0].contains("Математика: 4"),
            "a mark and no correction: {}",
            told[0]
        );
    }
}

#[tokio::test]
async fn a_change_of_people_in_the_very_minute_of_the_digest_puts_nobody_off_until_tomorrow() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(MARK_3).await;
        desk.minutes(31).await;
        desk.now = at("2026-10-14T18:10:02");
        desk.sql("UPDATE guardian SET language = 'ru' WHERE id = 2")
            .await;
        assert_eq!(to(&desk, "sms").len(), 1);
    }
}
