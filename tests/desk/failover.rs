//! Stories of a school with two SMS gateways: who takes what while one of them is out of order.

use vestnik::{
    engine::{Call, Report},
    instant::{MINUTE, SECOND},
    store::Store,
};
use vestnik_contract::{
    Delivery, Fault, Message, Outcome, Reason, Received, Scope,
    received::{Part, Parts, Receipt},
};

use crate::desk::{Desk, FAMILY, accepts, classmates};
use crate::families::mark;
use crate::support::both;

/// Masha's father and four others of her class, each with a phone, who hear at once by SMS; and an
/// administrator with a mailbox.
async fn class(desk: &mut Desk) {
    desk.write(FAMILY).await;
    desk.write(
        "DELETE FROM guardianship WHERE guardian_id = 1; UPDATE guardian SET preset = 'at_once';
         INSERT INTO staff (surname, given_name, role) VALUES ('Админов', 'Пётр', 'admin');
         INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'admin@example.org')",
    )
    .await;
    classmates(desk, 5).await;
    desk.work().await;
}

fn unreachable() -> Outcome {
    Outcome::Deferred {
        reason: Reason::new("connect", "The gateway is not reached.", Fault::Network),
        retry_after: None,
        scope: Scope::Lane,
    }
}

fn nobody_knows() -> Outcome {
    Outcome::InDoubt {
        reason: Reason::new("timeout", "The answer was lost.", Fault::Network),
    }
}

fn silent() -> Reason {
    Reason::new("timeout", "No answer.", Fault::Network)
}

/// How many SMS were handed over by a lane, taken or not.
fn by(desk: &Desk, lane: &str) -> usize {
    desk.calls.iter().filter(|(one, _)| one == lane).count()
}

async fn standing(desk: &Desk) -> String {
    let stands = "SELECT standing FROM lane WHERE name = 'sms'";
    desk.text(stands).await
}

/// Lets so many minutes pass as the daemon does, turn by turn.
async fn pass(desk: &mut Desk, minutes: i64) {
    for _ in 0..minutes * 4 {
        desk.now += 15 * SECOND;
        desk.work().await;
    }
}

/// Has the first gateway go down, by a mark of Masha.
async fn goes_down(desk: &mut Desk) {
    desk.provider(|_| unreachable());
    desk.works = Err(silent());
    desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
    desk.minutes(30).await;
    pass(desk, 5).await;
    assert_eq!(standing(desk).await, "down");
}

const TEXTS: &str = "SELECT COUNT(*) FROM message WHERE channel = 'sms'";

#[tokio::test]
async fn what_is_urgent_goes_by_the_spare_in_the_same_turn_and_the_rest_when_it_is_an_outage() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true);
        class(&mut desk).await;
        desk.provider(|message| match message.address.as_str() {
            "admin@example.org" => accepts()(message),
            _ => unreachable(),
        });
        desk.works = Err(silent());
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.now += 29 * MINUTE + 30 * SECOND;
        desk.sql("INSERT INTO announcement (text, urgency) VALUES ('Уроков нет', 'urgent')")
            .await;
        desk.now += 30 * SECOND;
        desk.work().await;
        assert_eq!((by(&desk, "sms"), by(&desk, "sms_spare")), (1, 0));
        assert_eq!(standing(&desk).await, "suspect", "one failure is none");
        desk.now += 30 * SECOND;
        desk.work().await;
        let urgent =
            format!("{TEXTS} AND urgency < 2 AND state = 'accepted' AND lane = 'sms_spare'");
        assert_eq!(
            desk.number(&urgent).await,
            5,
            "at once, and not by the one that fails"
        );
        assert_eq!(by(&desk, "sms"), 2, "the mark alone");
        let waiting = format!("{TEXTS} AND urgency > 1 AND state = 'ready' AND lane = 'sms'");
        assert_eq!(desk.number(&waiting).await, 1, "the mark can wait");
        pass(&mut desk, 4).await;
        assert_eq!(standing(&desk).await, "down");
        let because = "SELECT standing_because FROM lane WHERE name = 'sms'";
        assert_eq!(desk.text(because).await, "outage");
        assert_eq!(desk.number(&waiting).await, 0);
        let copies = "SELECT COUNT(*) FROM attempt WHERE outcome = 'accepted' AND message_id IN \
             (SELECT id FROM message WHERE channel = 'sms' AND urgency > 1)";
        assert_eq!(desk.number(copies).await, 1, "by one gateway only");
        // A new one does not try the first at all.
        let tried = by(&desk, "sms");
        desk.sql(&mark(2, 1, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        assert_eq!((by(&desk, "sms"), by(&desk, "sms_spare")), (tried, 7));
        pass(&mut desk, 60).await;
        let told: Vec<_> = desk
            .texts()
            .into_iter()
            .filter(|(_, address, _)| address == "admin@example.org")
            .collect();
        assert_eq!(told.len(), 1, "once");
        assert!(
            told[0].2.contains("– основной SMS-шлюз: отвечает ошибками"),
            "{}",
            told[0].2
        );
        let status = base.store.status(desk.now).await.unwrap();
        assert_eq!(status.lanes["sms"].standing, "down");
        assert_eq!(status.lanes["sms_spare"].standing, "healthy");
        assert_eq!(status.possible_duplicates, 0);
    }
}

#[tokio::test]
async fn it_comes_back_after_answers_and_single_messages_and_a_restart_forgets_nothing() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true);
        class(&mut desk).await;
        goes_down(&mut desk).await;
        let tried = by(&desk, "sms");
        // The process ends here, and another one goes on.
        let now = desk.now;
        let mut desk = Desk::with_spare(&base.store, "another", true);
        desk.now = now;
        desk.works = Err(silent());
        desk.sql(&mark(2, 1, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        assert_eq!(
            (by(&desk, "sms"), by(&desk, "sms_spare")),
            (0, 1),
            "{tried}"
        );
        assert_eq!(standing(&desk).await, "down", "it does not answer");
        // It answers: three times, and then one message proves nothing yet.
        desk.works = Ok(());
        pass(&mut desk, 30).await;
        assert_eq!(standing(&desk).await, "trial");
        desk.write(&mark(1, 2, "2026-10-14", "5")).await;
        desk.write(&mark(2, 2, "2026-10-14", "5")).await;
        desk.write(&mark(3, 2, "2026-10-14", "5")).await;
        desk.work().await;
        desk.minutes(30).await;
        assert_eq!(
            (by(&desk, "sms"), by(&desk, "sms_spare")),
            (1, 3),
            "one at a time"
        );
        assert_eq!(standing(&desk).await, "trial");
        desk.sql("INSERT INTO announcement (text, urgency) VALUES ('Уроков нет', 'urgent')")
            .await;
        desk.minutes(1).await;
        assert_eq!(
            (by(&desk, "sms"), by(&desk, "sms_spare")),
            (1, 8),
            "nothing urgent proves it"
        );
        for student in [4, 5] {
            desk.sql(&mark(student, 2, "2026-10-14", "5")).await;
            desk.minutes(30).await;
        }
        pass(&mut desk, 2).await;
        assert_eq!(standing(&desk).await, "healthy");
        let spare = by(&desk, "sms_spare");
        for student in [1, 2, 3] {
            desk.write(&mark(student, 1, "2026-10-13", "3")).await;
        }
        desk.work().await;
        desk.minutes(30).await;
        assert_eq!((by(&desk, "sms"), by(&desk, "sms_spare")), (6, spare));
    }
}

/// A message that fails in its trial goes by the spare in the same turn, and the account falls deeper.
#[tokio::test]
async fn a_trial_that_fails_costs_its_message_nothing() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true);
        class(&mut desk).await;
        goes_down(&mut desk).await;
        desk.works = Ok(());
        pass(&mut desk, 30).await;
        assert_eq!(standing(&desk).await, "trial");
        let tried = by(&desk, "sms");
        desk.sql(&mark(2, 1, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        assert_eq!(by(&desk, "sms"), tried + 1);
        assert_eq!(by(&desk, "sms_spare"), 2);
        assert_eq!(standing(&desk).await, "down");
        let falls = "SELECT falls FROM lane WHERE name = 'sms'";
        assert_eq!(desk.number(falls).await, 2);
    }
}

#[tokio::test]
async fn what_is_in_doubt_stays_with_its_gateway_until_the_rule_sends_it_again() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true);
        class(&mut desk).await;
        desk.provider(|message| match message.address.as_str() {
            "admin@example.org" => accepts()(message),
            _ => nobody_knows(),
        });
        desk.answer = Err(silent());
        desk.works = Err(silent());
        for student in [1, 2, 3] {
            desk.write(&mark(student, 1, "2026-10-14", "4")).await;
            desk.work().await;
            pass(&mut desk, 2).await;
        }
        pass(&mut desk, 30).await;
        assert_eq!(standing(&desk).await, "down");
        let doubtful = format!("{TEXTS} AND state = 'in_doubt' AND lane = 'sms'");
        let doubts = desk.number(&doubtful).await;
        assert!(doubts >= 2, "{doubts}");
        assert_eq!(
            by(&desk, "sms_spare"),
            0,
            "nothing in doubt moves by itself"
        );
        // The first gateway says of the last one that it arrived.
        let mut sms = desk.calls.iter().filter(|(lane, _)| lane == "sms");
        let last = sms.next_back().unwrap().1.client_ref;
        say(&desk.store, last, desk.now).await;
        desk.work().await;
        pass(&mut desk, 30).await;
        assert_eq!(
            by(&desk, "sms_spare"),
            2,
            "nobody could say what became of the others"
        );
        let listed = format!("{TEXTS} AND resent = 1 AND lane = 'sms_spare'");
        assert_eq!(desk.number(&listed).await, 2);
        let arrived = format!("{TEXTS} AND resent = 0 AND state = 'delivered' AND lane = 'sms'");
        assert_eq!(desk.number(&arrived).await, 1, "one message only");
        // The first copy of another one arrived after all: its receipt finds it with the spare.
        let first = desk.calls[0].1.client_ref;
        say(&desk.store, first, desk.now).await;
        desk.work().await;
        let delivered = format!("{TEXTS} AND state = 'delivered' AND resent = 1");
        assert_eq!(desk.number(&delivered).await, 1);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM receipt WHERE matched_at IS NULL")
                .await,
            0
        );
        let status = base.store.status(desk.now).await.unwrap();
        assert_eq!(status.possible_duplicates, 2);
    }
}

/// The first gateway says that the text with this number arrived.
async fn say(store: &Store, client_ref: u32, now: i64) {
    let word = vestnik_sms::Receipt {
        provider_ref: None,
        client_ref: Some(client_ref),
        delivery: Some(Delivery::Delivered),
        raw: "{}".into(),
    };
    store.keep_receipts("sms", &[word], now).await.unwrap();
}

/// A call that was booked.
struct Booked {
    attempt_id: i64,
    message_id: i64,
    lane: String,
    lease: vestnik::store::Lease,
}

impl Booked {
    fn ends(&self, outcome: Outcome) -> Report {
        Report::Called {
            attempt_id: self.attempt_id,
            message_id: self.message_id,
            lease: self.lease.clone(),
            outcome,
        }
    }
}

/// The one call of a turn that is told these reports.
async fn one_call(desk: &mut Desk, mut reports: Vec<Report>) -> (Booked, Message) {
    let mut calls = desk.turn(&mut reports).await;
    let Some(Call::Send {
        attempt_id,
        message_id,
        lease,
        message,
    }) = calls.pop()
    else {
        panic!("no message");
    };
    assert!(calls.is_empty(), "{calls:?}");
    let lane = lease.lane.clone();
    let booked = Booked {
        attempt_id,
        message_id,
        lane,
        lease,
    };
    (booked, message)
}

/// An SMS centre names the parts of a text that it took, and loses the answer; the text, which is urgent, goes
/// once more by the spare. Its receipts find it all the same, and that the first copy was not delivered says
/// nothing of the second.
#[tokio::test]
async fn the_receipts_of_a_centre_find_what_went_on_by_the_spare() {
    for (delivery, expected) in [
        (Delivery::Delivered, "delivered sms"),
        (
            Delivery::Undelivered {
                reason: Reason::new("smpp_undeliv", "Not delivered.", Fault::Provider),
            },
            "accepted sms_spare",
        ),
    ] {
        for base in both().await {
            let mut desk = Desk::with_spare(&base.store, "holder", false);
            class(&mut desk).await;
            goes_down(&mut desk).await;
            desk.write(
                "UPDATE lane SET standing = 'healthy', rests_until = 0, rests_since = NULL, \
                 standing_since = 1800000000000 WHERE name = 'sms'",
            )
            .await;
            desk.minutes(10).await;
            desk.provider(|_| nobody_knows());
            desk.write(
                "UPDATE enrolment SET to_on = '2026-10-01' WHERE student_id > 1;
                 INSERT INTO announcement (text, urgency) VALUES ('Уроков нет', 'urgent')",
            )
            .await;
            desk.work().await;
            desk.now += MINUTE;
            let (call, message) = one_call(&mut desk, Vec::new()).await;
            assert_eq!(call.lane, "sms");
            let parts = Parts {
                client_ref: message.client_ref,
                parts: vec![Part {
                    provider_ref: Some("1A".into()),
                    reports: true,
                }],
            };
            let said = [Received::Parts(parts)];
            let store = base.store.clone();
            store.keep_received("sms", &said, desk.now).await.unwrap();
            desk.write(
                "UPDATE lane SET standing = 'down', standing_since = 1800000000000, \
                        probed_at = 1800000000000 WHERE name = 'sms'",
            )
            .await;
            let answer = call.ends(nobody_knows());
            let (again, _) = one_call(&mut desk, vec![answer]).await;
            assert_eq!(again.lane, "sms_spare", "once more");
            let mut answers = vec![again.ends(accepts()(&message))];
            desk.turn(&mut answers).await;
            let receipt = Receipt {
                provider_ref: "26".into(),
                spellings: vec!["26".into(), "1a".into()],
                address: Some(message.address.clone()),
                delivery: Some(delivery.clone()),
            };
            let said = [Received::Receipt(receipt)];
            store.keep_received("sms", &said, desk.now).await.unwrap();
            desk.work().await;
            let stands = format!(
                "SELECT state || ' ' || lane FROM message WHERE id = {} AND resent = 1",
                call.message_id
            );
            assert_eq!(desk.text(&stands).await, expected);
            let open = "SELECT COUNT(*) FROM receipt WHERE matched_at IS NULL";
            assert_eq!(desk.number(open).await, 0);
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_phone_never_makes_the_school_leave_a_gateway() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true);
        class(&mut desk).await;
        desk.provider(|message| {
            if message.address == "+79000000022" {
                return accepts()(message);
            }
            Outcome::Rejected {
                reason: Reason::new("smsc_7", "There is no such number.", Fault::Address),
            }
        });
        for student in [1, 3, 4, 5] {
            desk.sql(&mark(student, 1, "2026-10-14", "2")).await;
            pass(&mut desk, 31).await;
        }
        assert_eq!(standing(&desk).await, "healthy");
        // One phone whose gateway says «later» all day is one phone.
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("smsc_busy", "The phone is busy.", Fault::Provider),
            retry_after: None,
            scope: Scope::Message,
        });
        desk.sql(&mark(2, 1, "2026-10-14", "3")).await;
        for _ in 0..9 {
            desk.minutes(35).await;
        }
        assert_eq!(standing(&desk).await, "suspect");
        assert_eq!(by(&desk, "sms_spare"), 0);
        let failed = "SELECT COUNT(*) FROM attempt WHERE blames = 'call'";
        assert!(desk.number(failed).await >= 5);
    }
}

/// Money that ends rests the account for long: nobody waits for statistics. When the spare is taken out of the
/// configuration, what it had is carried by the other one.
#[tokio::test]
async fn an_account_without_money_is_left_at_once_and_a_spare_that_is_gone_leaves_nothing_behind() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true);
        class(&mut desk).await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("smsc_3", "There is no money left.", Fault::Account),
            retry_after: Some(std::time::Duration::from_hours(1)),
            scope: Scope::Lane,
        });
        desk.spare(|_| unreachable());
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        assert_eq!(standing(&desk).await, "down");
        assert_eq!((by(&desk, "sms"), by(&desk, "sms_spare")), (1, 1));
        let now = desk.now;
        let mut desk = Desk::with(&base.store, 30 * MINUTE, "another");
        desk.now = now + 2 * 60 * MINUTE;
        desk.work().await;
        assert_eq!(by(&desk, "sms"), 1);
        assert_eq!(standing(&desk).await, "healthy", "nobody stands in for it");
        let informed = desk.notices().await.get("informed").copied();
        assert_eq!(informed, Some(2), "the father, and the administrator");
    }
}
