//! Stories of SMS gateways: what their answers and receipts do to a message. Traps 20 to 28 and 32 of the
//! formats (§9), as far as the engine knows of them; `channels/sms/tests/traps.rs` has the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vestnik_contract::{Delivery, Fault, Outcome, Reason, Scope};
use vestnik_sms::Receipt;

use crate::desk::{Desk, FAMILY, classmates};
use crate::families::mark;
use crate::support::both;
use vestnik::engine::{Call, Report};

/// Masha's father alone, who hears at once by SMS.
async fn ivan(desk: &mut Desk) {
    desk.sql(FAMILY).await;
    desk.sql(
        "DELETE FROM guardianship WHERE guardian_id = 1; UPDATE guardian SET preset = 'at_once'",
    )
    .await;
}

fn receipt(name: &str, delivery: Option<Delivery>) -> Receipt {
    Receipt {
        provider_ref: Some(name.into()),
        client_ref: None,
        delivery,
        raw: format!("{{\"id\":\"{name}\"}}"),
    }
}

fn undelivered() -> Delivery {
    let reason = Reason::new(
        "smsru_status_104",
        "The phone was not reached in time.",
        Fault::Provider,
    );
    Delivery::Undelivered {
        reason: reason.with_remedy(Some("Телефон был выключен.".into())),
    }
}

async fn state(desk: &Desk) -> String {
    desk.text("SELECT state FROM message ORDER BY id DESC LIMIT 1")
        .await
}

/// Trap 20: the phone has another owner, who complained. The address is not written to again, and the family
/// hears on paper.
#[tokio::test]
async fn a_number_whose_owner_complained_is_given_up_and_its_family_gets_paper() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("smsru_215", "The subscriber complained.", Fault::Address)
                .with_remedy(Some("Спросите семью, на бумаге ли сообщать.".into())),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        assert_eq!(state(&desk).await, "rejected");
        let health = desk
            .text("SELECT health || ' ' || health_reason FROM contact WHERE id = 2")
            .await;
        assert_eq!(health, "hard smsru_215");
        let waits = desk
            .text("SELECT waits_for FROM notice WHERE guardian_id = 2")
            .await;
        assert_eq!(waits, "sheet");
        let reason = desk.newest().await.reason.unwrap_or_default();
        assert!(
            reason.contains("на бумаге"),
            "the administrator reads the remedy: {reason}"
        );
        desk.sql(&mark(1, 1, "2026-10-15", "5")).await;
        desk.minutes(60).await;
        assert_eq!(desk.calls.len(), 1, "it is not tried again");
    }
}

/// Trap 23: a receipt that comes before the answer to its own call finds its message when that is stored.
#[tokio::test]
async fn a_receipt_before_the_answer_finds_its_message() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.write(&mark(1, 1, "2026-10-14", "4")).await;
        let mut reports = Vec::new();
        desk.turn(&mut reports).await;
        desk.now += 30 * 60_000;
        let call = desk.turn(&mut reports).await.remove(0);
        let Call::Send {
            attempt_id,
            message_id,
            lease,
            ..
        } = call
        else {
            panic!("{call:?}");
        };
        // Known by the name that the answer has not brought yet.
        let word = [receipt("gw-1", Some(Delivery::Delivered))];
        assert_eq!(
            base.store
                .keep_receipts("sms", &word, desk.now)
                .await
                .unwrap(),
            1
        );
        assert!(desk.turn(&mut reports).await.is_empty());
        assert_eq!(state(&desk).await, "sending", "nobody knows whose it is");
        reports.push(Report::Called {
            attempt_id,
            message_id,
            lease,
            outcome: Outcome::Accepted {
                provider_ref: Some("gw-1".into()),
            },
        });
        desk.turn(&mut reports).await;
        assert_eq!(state(&desk).await, "delivered");
        assert_eq!(desk.notices().await.get("informed"), Some(&1));
    }
}

/// Trap 23, where the gateway gives our own number back: the attempt is known before its call left.
#[tokio::test]
async fn a_receipt_by_our_own_number_needs_no_answer_at_all() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.write(&mark(1, 1, "2026-10-14", "4")).await;
        let mut reports = Vec::new();
        desk.turn(&mut reports).await;
        desk.now += 30 * 60_000;
        let call = desk.turn(&mut reports).await.remove(0);
        let Call::Send {
            attempt_id,
            message_id,
            lease,
            message,
        } = call
        else {
            panic!("{call:?}");
        };
        let word = [Receipt {
            provider_ref: None,
            client_ref: Some(message.client_ref),
            ..receipt("", Some(Delivery::Delivered))
        }];
        base.store
            .keep_receipts("sms", &word, desk.now)
            .await
            .unwrap();
        desk.turn(&mut reports).await;
        assert_eq!(state(&desk).await, "delivered");
        // The answer that comes at last, or never, changes nothing.
        reports.push(Report::Called {
            attempt_id,
            message_id,
            lease,
            outcome: Outcome::InDoubt {
                reason: Reason::new("timeout", "late", Fault::Network),
            },
        });
        desk.turn(&mut reports).await;
        assert_eq!(state(&desk).await, "delivered");
        assert_eq!(
            base.store
                .keep_receipts("sms", &word, desk.now)
                .await
                .unwrap(),
            0,
            "twice"
        );
    }
}

/// Trap 24: the same receipt twice, and «sent» after «delivered», change nothing; «delivered» after «not
/// delivered» does.
#[tokio::test]
async fn receipts_twice_and_out_of_order_only_raise() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.provider(|_| Outcome::Accepted {
            provider_ref: Some("gw-1".into()),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        let sent = Some(Delivery::UnderWay { provider_ref: None });
        for (delivery, expected) in [
            (Some(undelivered()), "undelivered"),
            (Some(undelivered()), "undelivered"),
            (Some(Delivery::Delivered), "delivered"),
            (sent, "delivered"),
            (Some(Delivery::Delivered), "delivered"),
            (None, "delivered"),
        ] {
            let word = [receipt("gw-1", delivery)];
            base.store
                .keep_receipts("sms", &word, desk.now)
                .await
                .unwrap();
            desk.work().await;
            let message = desk
                .text("SELECT state FROM message WHERE provider_ref = 'gw-1'")
                .await;
            assert_eq!(message, expected);
        }
        let kept = desk
            .number("SELECT COUNT(*) FROM receipt WHERE provider_ref = 'gw-1' AND raw IS NOT NULL")
            .await;
        assert_eq!(kept, 4, "each once");
        let reason = desk
            .text("SELECT detail FROM receipt WHERE kind = 'undelivered'")
            .await;
        assert_eq!(
            reason,
            "The phone was not reached in time. Телефон был выключен."
        );
        assert_eq!(
            base.store.not_understood().await.unwrap().get("sms"),
            Some(&1)
        );
    }
}

/// A receipt of the first copy, after a second one was sent, is about the same message.
#[tokio::test]
async fn a_receipt_of_the_first_copy_counts_after_the_second_was_sent() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.provider(|_| Outcome::Accepted {
            provider_ref: Some("second".into()),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        desk.write("UPDATE attempt SET provider_ref = 'first'")
            .await;
        let word = [receipt("first", Some(Delivery::Delivered))];
        base.store
            .keep_receipts("sms", &word, desk.now)
            .await
            .unwrap();
        desk.work().await;
        assert_eq!(state(&desk).await, "delivered");
    }
}

/// Trap 26: «seen already» is no failure. The gateway is asked, and knows the message.
#[tokio::test]
async fn a_duplicate_that_the_gateway_names_is_asked_about() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.provider(|_| Outcome::InDoubt {
            reason: Reason::new("smsc_9", "Seen already.", Fault::Provider),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        assert_eq!(state(&desk).await, "in_doubt");
        desk.minutes(2).await;
        assert_eq!(state(&desk).await, "delivered");
        assert_eq!(desk.calls.len(), 1, "no second copy");
    }
}

/// Traps 27 and 32: money that ends, or a limit that is met, in the middle of a batch rests the whole
/// account; what is left leaves when it is over, each once, and no address is blamed.
#[tokio::test]
async fn money_that_ends_in_the_middle_of_a_batch_stops_the_rest_and_loses_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        classmates(&desk, 6).await;
        let empty = Arc::new(AtomicBool::new(false));
        let paid = empty.clone();
        let mut left = 3;
        desk.provider(move |_| {
            if paid.load(Ordering::Relaxed) || left > 0 {
                left -= 1;
                return Outcome::Accepted { provider_ref: None };
            }
            Outcome::Deferred {
                reason: Reason::new("smsc_3", "There is no money left.", Fault::Account),
                retry_after: Some(Duration::from_mins(5)),
                scope: Scope::Lane,
            }
        });
        for n in 1..=6 {
            desk.write(&mark(n, 1, "2026-10-14", "4")).await;
        }
        desk.work().await;
        desk.minutes(30).await;
        let count = "SELECT COUNT(*) FROM message WHERE state = ";
        assert_eq!(desk.number(&format!("{count}'accepted'")).await, 3);
        assert_eq!(desk.number(&format!("{count}'ready'")).await, 3);
        let tried = desk.calls.len();
        desk.minutes(2).await;
        assert_eq!(desk.calls.len(), tried, "the account rests");
        empty.store(true, Ordering::Relaxed);
        desk.minutes(10).await;
        assert_eq!(desk.notices().await.get("informed"), Some(&6));
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM contact WHERE health <> 'ok'")
                .await,
            0
        );
    }
}

/// An answer that nobody understood is kept beside the attempt, counted, and told by `explain`; pages that
/// nobody logged in to do not show it.
#[tokio::test]
async fn an_answer_that_nobody_understood_is_kept_and_told() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        ivan(&mut desk).await;
        desk.provider(|_| Outcome::InDoubt {
            reason: Reason::new("smsc_77", "The code is not named.", Fault::Provider)
                .with_answer(&"ы".repeat(3000)),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        let kept = desk.text("SELECT answer FROM attempt").await;
        assert_eq!(kept, "ы".repeat(2000), "bounded");
        assert_eq!(
            base.store.not_understood().await.unwrap().get("sms"),
            Some(&1)
        );
        let history = desk.newest().await;
        assert_eq!(
            base.store.strange_answers(0).await.unwrap(),
            std::slice::from_ref(&history.reference)
        );
        let told = |history: &vestnik::store::History| {
            vestnik::explain::tell(history, chrono_tz::Europe::Moscow).join("\n")
        };
        assert!(told(&history).contains("nobody understood: ыы"));
        // A question may be answered strangely as well.
        desk.answer = Err(Reason::new("smsc_status", "?", Fault::Provider).with_answer("<html>"));
        desk.minutes(2).await;
        assert_eq!(desk.text("SELECT answer FROM attempt").await, "<html>");
    }
}
