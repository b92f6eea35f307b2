//! Stories of roads that end: a blocked bot, a family that left, a sheet that never came; and of what goes another
//! way at once.

use vestnik::{family::contact::Channel, policy::Policy, store::LedgerQuestion};
use vestnik_contract::{Fault, Outcome, Reason};

use crate::desk::{Desk, FAMILY};
use crate::families::{heard, mark, who};
use crate::support::both;

/// Olga reads the bot and has mail below it; Anna teaches the class.
const BOT: &str = "
    UPDATE contact SET channel = 'telegram', address = '77' WHERE id = 1;
    INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'email', 'olga@example.org', 2);
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'messenger', 'given');
    INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
    INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@example.org');
    UPDATE class SET class_teacher_id = 1";

/// F5.23: who stops the bot has closed that contact; the same news goes by the next channel at once, and the class
/// teacher hears in the evening that the bot was stopped.
#[tokio::test]
async fn a_blocked_bot_closes_its_contact_and_the_next_channel_carries_the_news() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(BOT).await;
        desk.provider(|message| match message.address.as_str() {
            "77" => Outcome::Rejected {
                reason: Reason::new(
                    "telegram_blocked",
                    "The recipient has blocked the bot.",
                    Fault::Address,
                ),
            },
            _ => Outcome::Accepted { provider_ref: None },
        });
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        assert_eq!(who(&mut desk), ["77", "olga@example.org"]);
        assert_eq!(
            desk.text("SELECT health FROM contact WHERE address = '77'")
                .await,
            "blocked"
        );
        desk.until("2026-10-14T18:10:00").await;
        let told = heard(&mut desk);
        let teacher = told
            .iter()
            .find(|(to, _)| to == "anna@example.org")
            .unwrap();
        assert!(
            teacher
                .1
                .contains("– Маша С., 5 «А»: родители остановили бота"),
            "{}",
            teacher.1
        );
        desk.sql(&mark(1, 2, "2026-10-14", "4")).await;
        desk.minutes(30).await;
        assert_eq!(
            who(&mut desk),
            ["olga@example.org"],
            "the bot is not tried again"
        );
    }
}

/// An urgent word that one channel refuses goes by the next one in the same minute, at night as well.
#[tokio::test]
async fn an_urgent_word_takes_the_next_channel_at_once() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(BOT).await;
        desk.provider(|message| match message.address.as_str() {
            "77" => Outcome::Rejected {
                reason: Reason::new("telegram_400", "It is refused.", Fault::Message),
            },
            _ => Outcome::Accepted { provider_ref: None },
        });
        desk.until("2026-10-14T23:00:00").await;
        heard(&mut desk);
        desk.sql("INSERT INTO announcement (title, text, urgency) VALUES ('Отмена уроков', 'Завтра уроков нет', 'urgent')").await;
        desk.minutes(1).await;
        let mut told = who(&mut desk);
        told.sort();
        assert_eq!(told, ["+79000000012", "77", "olga@example.org"]);
        assert_eq!(desk.notices().await.get("informed"), Some(&2));
    }
}

/// What was red for want of a receipt is told when the receipt comes after all; the ledger says so of its week.
#[tokio::test]
async fn a_receipt_that_comes_after_the_week_turns_red_into_informed() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("DELETE FROM guardianship WHERE guardian_id = 1; UPDATE guardian SET preset = 'at_once'").await;
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("test", "The test says so.", Fault::Message),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        desk.until("2026-10-19T09:00:00").await;
        assert_eq!(desk.notices().await.get("red"), Some(&1));
        desk.sql(&format!(
            "INSERT INTO receipt (lane, message_id, kind, received_at) VALUES ('sms', 1, 'delivered', {})",
            desk.now
        ))
        .await;
        let notices = desk.notices().await;
        assert_eq!(
            (notices.get("red"), notices.get("informed")),
            (None, Some(&1))
        );
        let policy = Policy::defaults().unwrap();
        let question = LedgerQuestion {
            week: "2026-W42".parse().unwrap(),
            class: None,
            today: "2026-10-19".parse().unwrap(),
            zone: chrono_tz::Europe::Moscow,
            configured: &[Channel::Sms],
            reports: &[Channel::Sms],
            policy: &policy,
        };
        let line = base.store.ledger(&question).await.unwrap().remove(0);
        assert!(line.cell.informed && !line.cell.red, "{}", line.cell);
        desk.minutes(60).await;
        assert_eq!(desk.calls.len(), 1, "nothing is repeated");
    }
}

/// F5.8: with the last student of a family its codes and addresses end; a sibling keeps the addresses, and who comes
/// back has them again. What the family had ended itself stays ended.
#[tokio::test]
async fn the_codes_and_addresses_of_a_family_that_left_end() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO student (surname, given_name) VALUES ('Соколов', 'Пётр');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1);
             INSERT INTO guardianship (guardian_id, student_id) VALUES (1, 2);
             INSERT INTO contact (guardian_id, channel, address, ended_at) VALUES (2, 'email', 'old@example.org', 5);
             INSERT INTO invite (code_hash, guardian_id, student_id, expires_at) VALUES ('a', 1, 1, 9999999999999);
             INSERT INTO invite (code_hash, guardian_id, student_id, expires_at, used_at) VALUES ('b', 2, 1, 9999999999999, 7);
             INSERT INTO invite (code_hash, guardian_id, student_id, expires_at) VALUES ('c', 1, 2, 9999999999999)",
        )
        .await;
        let open = "SELECT COUNT(*) FROM contact WHERE ended_at IS NULL AND guardian_id =";
        desk.sql("UPDATE enrolment SET to_on = '2026-10-14' WHERE student_id = 1")
            .await;
        assert_eq!(
            desk.number(&format!("{open} 2")).await,
            1,
            "the last day is theirs"
        );
        desk.until("2026-10-15T00:00:00").await;
        assert_eq!(desk.number(&format!("{open} 2")).await, 0);
        assert_eq!(desk.number(&format!("{open} 1")).await, 1, "Pyotr attends");
        let revoked = "SELECT COUNT(*) FROM invite WHERE revoked_at IS NOT NULL AND code_hash =";
        assert_eq!(desk.number(&format!("{revoked} 'a'")).await, 1);
        assert_eq!(
            desk.number(&format!("{revoked} 'b'")).await,
            0,
            "it was used"
        );
        assert_eq!(desk.number(&format!("{revoked} 'c'")).await, 0);
        desk.sql(
            "INSERT INTO enrolment (student_id, class_id, from_on) VALUES (1, 1, '2026-10-15')",
        )
        .await;
        assert_eq!(desk.number(&format!("{open} 2")).await, 1, "they are back");
        assert_eq!(
            desk.text("SELECT address FROM contact WHERE guardian_id = 2 AND ended_at IS NULL")
                .await,
            "+7 900 000-00-12"
        );
    }
}
