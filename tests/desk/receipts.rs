//! Stories of what providers say by themselves: receipts of texts in parts, and families who answer.

use vestnik_contract::{
    Delivery, Fault, Outcome, Reason, Received,
    received::{Part, Parts, Receipt, Text},
};

use crate::desk::{Desk, FAMILY};
use crate::support::both;

/// The number of Ivan, as providers write it.
const IVAN: &str = "+79000000012";

fn mark(day: u32, value: &str) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day:02}', '{value}')"
    )
}

/// A desk whose SMS are taken under the names of their attempts and never asked about.
async fn ivan_alone(store: &vestnik::store::Store) -> Desk {
    let mut desk = Desk::with_centre(store);
    desk.sql(FAMILY).await;
    desk.sql(
        "DELETE FROM guardianship WHERE guardian_id = 1; UPDATE guardian SET preset = 'at_once'",
    )
    .await;
    desk
}

/// Has a mark sent to Ivan, and the centre take it in parts under these names.
async fn send(desk: &mut Desk, day: u32, names: &[&str]) {
    let first = names.first().map(|name| (*name).to_owned());
    desk.provider(move |_| Outcome::Accepted {
        provider_ref: first.clone(),
    });
    desk.sql(&mark(day, "5")).await;
    desk.minutes(30).await;
    if names.len() > 1 {
        take(desk, names).await;
    }
}

/// The centre took the last message in parts; one without a name was not taken.
async fn take(desk: &mut Desk, names: &[&str]) {
    let parts = names
        .iter()
        .map(|name| Part {
            provider_ref: Some((*name).to_owned()).filter(|name| !name.is_empty()),
            reports: true,
        })
        .collect();
    let client_ref = desk.calls.last().unwrap().1.client_ref;
    say(desk, Received::Parts(Parts { client_ref, parts })).await;
}

async fn say(desk: &mut Desk, received: Received) {
    desk.store
        .keep_received("sms", &[received], desk.now)
        .await
        .unwrap();
    desk.work().await;
}

fn receipt(name: &str, spellings: &[&str], delivery: Delivery) -> Received {
    Received::Receipt(Receipt {
        provider_ref: name.to_owned(),
        spellings: spellings.iter().map(|one| (*one).to_owned()).collect(),
        address: Some(IVAN.to_owned()),
        delivery: Some(delivery),
    })
}

fn failed() -> Delivery {
    Delivery::Undelivered {
        reason: Reason::new("smpp_undeliv", "It was not delivered.", Fault::Provider),
    }
}

async fn state(desk: &Desk) -> String {
    desk.text("SELECT state FROM message WHERE lane = 'sms' ORDER BY id DESC LIMIT 1")
        .await
}

#[tokio::test]
async fn a_text_in_parts_is_delivered_when_all_of_them_are() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        send(&mut desk, 14, &["00001A", "00001B", "00001C"]).await;
        assert_eq!(state(&desk).await, "accepted");
        say(
            &mut desk,
            receipt(
                "27",
                &["27", "39", "1b"],
                Delivery::UnderWay { provider_ref: None },
            ),
        )
        .await;
        for (name, spelling) in [("28", "1c"), ("28", "1c"), ("26", "1a")] {
            say(
                &mut desk,
                receipt(name, &[name, spelling], Delivery::Delivered),
            )
            .await;
            assert_eq!(state(&desk).await, "accepted", "the second part is open");
        }
        say(&mut desk, receipt("27", &["27", "1b"], Delivery::Delivered)).await;
        assert_eq!(state(&desk).await, "delivered");
        let kept = "SELECT COUNT(*) FROM receipt WHERE spellings IS NOT NULL";
        assert_eq!(desk.number(kept).await, 4, "what came twice is kept once");
        let open = "SELECT COUNT(*) FROM receipt WHERE matched_at IS NULL";
        assert_eq!(desk.number(open).await, 0);
    }
}

#[tokio::test]
async fn a_receipt_may_come_before_anybody_knows_the_name() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        send(&mut desk, 14, &["7001"]).await;
        for name in ["8001", "8002"] {
            say(&mut desk, receipt(name, &[name], Delivery::Delivered)).await;
        }
        desk.minutes(5).await;
        assert_eq!(
            state(&desk).await,
            "accepted",
            "they are of another message"
        );
        take(&mut desk, &["8001", "8002"]).await;
        assert_eq!(state(&desk).await, "delivered");
        // And of a text in one piece.
        desk.minutes(60).await;
        say(&mut desk, receipt("7002", &["7002"], Delivery::Delivered)).await;
        send(&mut desk, 15, &["7002"]).await;
        assert_eq!(state(&desk).await, "delivered");
    }
}

#[tokio::test]
async fn the_first_part_speaks_for_the_others_after_an_hour() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        send(&mut desk, 14, &["1", "2", "3"]).await;
        say(&mut desk, receipt("1", &["1"], Delivery::Delivered)).await;
        desk.minutes(59).await;
        assert_eq!(state(&desk).await, "accepted");
        desk.minutes(1).await;
        assert_eq!(state(&desk).await, "delivered");
    }
}

#[tokio::test]
async fn half_a_text_informs_nobody() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        send(&mut desk, 14, &["1", "2", "3"]).await;
        say(&mut desk, receipt("1", &["1"], Delivery::Delivered)).await;
        say(&mut desk, receipt("3", &["3"], failed())).await;
        assert_eq!(state(&desk).await, "undelivered");
        assert_eq!(
            desk.notices().await.get("waiting"),
            Some(&1),
            "it goes on by another road"
        );
        // The centre has tried once more.
        for name in ["2", "3"] {
            say(&mut desk, receipt(name, &[name], Delivery::Delivered)).await;
        }
        assert_eq!(state(&desk).await, "delivered");
        assert_eq!(desk.notices().await.get("waiting"), None);
    }
}

#[tokio::test]
async fn a_text_that_left_in_part_goes_on_by_another_road_whatever_its_receipts_say() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        desk.provider(|_| Outcome::InDoubt {
            reason: Reason::new("timeout_partly", "Nobody knows.", Fault::Provider),
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        take(&mut desk, &["1", "", ""]).await;
        say(&mut desk, receipt("1", &["1"], Delivery::Delivered)).await;
        assert_eq!(state(&desk).await, "unresolved");
        assert_eq!(
            desk.notices().await.get("waiting"),
            Some(&1),
            "half a text informs nobody"
        );
    }
}

#[tokio::test]
async fn a_receipt_is_of_the_message_to_its_own_number() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        desk.sql(
            "INSERT INTO guardian (surname, given_name, preset) VALUES ('Бабушкина', 'Вера', 'at_once');
             INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 1);
             INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'sms', '+79000000033');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (3, 1, 'data', 'given');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (3, 1, 'sms', 'given')",
        )
        .await;
        // In hexadecimal, 16 is 10: the other message's name.
        desk.provider(|message| Outcome::Accepted {
            provider_ref: Some(if message.address == IVAN { "16" } else { "10" }.into()),
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        say(
            &mut desk,
            receipt("10", &["10", "16", "a"], Delivery::Delivered),
        )
        .await;
        let delivered = "SELECT address FROM message WHERE state = 'delivered'";
        assert_eq!(desk.text(delivered).await, IVAN);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM message WHERE state = 'delivered'")
                .await,
            1
        );
    }
}

#[tokio::test]
async fn whoever_answers_stop_gets_no_further_sms_and_the_class_teacher_hears_of_it() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
             UPDATE class SET class_teacher_id = 1;
             INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@example.org')",
        )
        .await;
        let stop = |text: &str| {
            Received::Text(Text {
                from: IVAN.to_owned(),
                text: text.to_owned(),
            })
        };
        let withdrawn = "SELECT COUNT(*) FROM consent WHERE state = 'withdrawn' AND route = 'sms' \
             AND guardian_id = 2 AND contact_id = 2 AND purpose = 'sms'";
        send(&mut desk, 14, &["1"]).await;
        say(&mut desk, stop("Спасибо")).await;
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM incoming").await,
            0,
            "nobody waits for it"
        );
        // The next mark is settling when the answer comes, twice.
        desk.sql(&mark(13, "4")).await;
        for _ in 0..2 {
            say(&mut desk, stop("Стоп!")).await;
        }
        assert_eq!(desk.number(withdrawn).await, 1);
        let calls = desk.texts();
        assert_eq!(calls.len(), 2, "{calls:?}");
        assert_eq!(calls[1].1, "anna@example.org");
        assert!(
            calls[1]
                .2
                .contains("– Маша С., 5 «А»: SMS им больше не идут"),
            "{}",
            calls[1].2
        );
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 2, "no SMS, and the teacher is told once");
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM notice WHERE guardian_id = 2 AND waits_for = 'sheet'"
            )
            .await,
            1,
            "{:?}",
            desk.notices().await
        );
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(desk.calls.len(), 2);
        // On paper the family wants SMS again, and later no more.
        desk.until("2026-10-15T09:00:00").await;
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'sms', 'given')")
            .await;
        send(&mut desk, 15, &["2"]).await;
        assert_eq!(desk.calls.last().unwrap().1.address, IVAN);
        say(&mut desk, stop("STOP")).await;
        assert_eq!(desk.number(withdrawn).await, 2);
        assert_eq!(desk.calls.last().unwrap().1.address, "anna@example.org");
    }
}

/// The receipt came before the call was answered, and the answer never did.
#[tokio::test]
async fn a_call_whose_receipt_came_first_is_closed_by_whoever_takes_the_lane() {
    for base in both().await {
        let mut first = Desk::with(&base.store, 0, "first");
        first.sql(FAMILY).await;
        first.write(&mark(14, "3")).await;
        assert_eq!(first.turn(&mut Vec::new()).await.len(), 1);
        first
            .write("INSERT INTO receipt (lane, message_id, kind, received_at) SELECT lane, id, 'delivered', state_at FROM message")
            .await;
        first.turn(&mut Vec::new()).await;
        assert_eq!(first.newest().await.state, "delivered");
        let open = "SELECT COUNT(*) FROM attempt WHERE finished_at IS NULL";
        assert_eq!(first.number(open).await, 1);
        let mut second = Desk::with(&base.store, 0, "second");
        second.now = first.now + 20_000;
        second.sql("UPDATE lane SET expires_at = 0").await;
        second.work().await;
        assert_eq!(second.number(open).await, 0);
        assert_eq!(second.newest().await.state, "delivered");
    }
}

/// What a text said that never arrived is known to nobody: neither is its withdrawal told, nor is the same mark
/// kept back when it is entered again.
#[tokio::test]
async fn what_a_text_said_that_did_not_arrive_is_not_taken_back_and_is_news_again() {
    for again in [false, true] {
        for base in both().await {
            let mut desk = ivan_alone(&base.store).await;
            send(&mut desk, 14, &["1"]).await;
            desk.sql("DELETE FROM mark").await;
            let newest = "SELECT basis_told FROM notice ORDER BY id DESC LIMIT 1";
            assert_eq!(desk.number(newest).await, 1, "the withdrawal settles");
            say(&mut desk, receipt("1", &["1"], failed())).await;
            assert_eq!(state(&desk).await, "undelivered");
            if again {
                desk.sql(&mark(14, "5")).await;
            }
            desk.minutes(60).await;
            let texts: Vec<String> = desk.texts().into_iter().map(|(.., text)| text).collect();
            let told = "Школа 12. Маша 14.10: матем 5";
            assert_eq!(texts, vec![told; 1 + usize::from(again)]);
            let newest = "SELECT COALESCE(reason, state) FROM notice ORDER BY id DESC LIMIT 1";
            let expected = if again {
                "informed"
            } else {
                "withdrawn_before_told"
            };
            assert_eq!(desk.text(newest).await, expected);
        }
    }
}

/// The receipt that it did not arrive was wrong: it did, and the withdrawal is news after all.
#[tokio::test]
async fn what_arrived_after_all_is_taken_back() {
    for base in both().await {
        let mut desk = ivan_alone(&base.store).await;
        send(&mut desk, 14, &["1"]).await;
        desk.sql("UPDATE mark SET value = '3'").await;
        say(&mut desk, receipt("1", &["1"], failed())).await;
        say(&mut desk, receipt("1", &["1"], Delivery::Delivered)).await;
        desk.minutes(60).await;
        let last = &desk.calls.last().unwrap().1.text;
        assert!(last.contains("было 5, теперь 3"), "{last}");
        assert_eq!(desk.calls.len(), 2);
    }
}
