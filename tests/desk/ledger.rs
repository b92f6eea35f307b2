//! A week in the informing ledger: who was informed, how surely, and why others were not, on both databases.

use crate::desk::{Desk, FAMILY};
use crate::support::both;
use vestnik::{
    family::contact::Channel,
    ledger::{Line, share},
    policy::{Evidence, Policy, Switch},
    store::LedgerQuestion,
};

/// The ledger of a week as the desk's clock sees it.
pub(crate) async fn ledger(desk: &Desk, week: &str, policy: &Policy) -> Vec<Line> {
    let zone = chrono_tz::Europe::Moscow;
    let question = LedgerQuestion {
        week: week.parse().unwrap(),
        class: None,
        today: vestnik::zone::local(desk.now, zone).date(),
        zone,
        configured: &[Channel::Email, Channel::Sms, Channel::Telegram],
        reports: &[Channel::Sms],
        policy,
    };
    desk.store.ledger(&question).await.unwrap()
}

/// Evidence, reason and redness of each guardian, in the order of their ids.
pub(crate) fn seen(lines: &[Line]) -> Vec<(i64, Option<&str>, Option<&str>, bool)> {
    let mut seen: Vec<_> = lines
        .iter()
        .map(|line| {
            let evidence = line.cell.evidence.map(Evidence::code);
            (
                line.guardian_id,
                evidence,
                line.cell.reason(),
                line.cell.red,
            )
        })
        .collect();
    seen.sort_unstable();
    seen
}

/// Beside Masha's parents a grandmother who chose paper, an aunt without any address, and an uncle who
/// must not hear.
const RELATIVES: &str = "
    INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколова', 'Нина', 'paper');
    INSERT INTO guardian (surname, given_name) VALUES ('Орлова', 'Вера');
    INSERT INTO guardian (surname, given_name) VALUES ('Орлов', 'Пётр');
    INSERT INTO guardianship (guardian_id, student_id, home) VALUES (3, 1, 'дача');
    INSERT INTO guardianship (guardian_id, student_id, home) VALUES (4, 1, 'город');
    INSERT INTO guardianship (guardian_id, student_id, rights) VALUES (5, 1, 'deprived')";

/// What the press does, without a page: the grandmother's sheet comes out.
async fn print_for_grandmother(desk: &Desk) {
    desk.write(&format!(
        "INSERT INTO message (ref, lane, channel, guardian_id, address, body_text, state, rank, not_before, composed_at, state_at)
         VALUES ('SHEET', 'paper', 'paper', 3, 'code', '', 'delivered', 6, {now}, {now}, {now});
         INSERT INTO sheet (guardian_id, student_id, week, state, message_id, state_at)
         VALUES (3, 1, '2026-W42', 'printed', (SELECT MAX(id) FROM message), {now});
         INSERT INTO message_notice (message_id, notice_id, value)
         SELECT (SELECT MAX(id) FROM message), id, '[]' FROM notice WHERE guardian_id = 3 AND waits_for = 'sheet';
         UPDATE notice SET state = 'told_by_paper', waits_for = NULL WHERE guardian_id = 3 AND waits_for = 'sheet'",
        now = desk.now
    ))
    .await;
}

#[tokio::test]
async fn each_family_has_the_evidence_of_its_road_and_who_cannot_be_reached_is_red() {
    for base in both().await {
        let policy = Policy::defaults().unwrap();
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(RELATIVES).await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4')")
            .await;
        let settling = ledger(&desk, "2026-W42", &policy).await;
        assert_eq!(
            seen(&settling)[0],
            (1, Some("E0"), Some("settling"), false),
            "nobody has heard, and nobody should have yet"
        );
        assert_eq!(settling.len(), 4, "who must not hear has no line");

        desk.answer = Ok(vestnik_contract::Delivery::UnderWay { provider_ref: None });
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            seen(&ledger(&desk, "2026-W42", &policy).await),
            [
                (1, Some("E1"), None, false),
                (2, Some("E1"), Some("awaits_receipt"), false),
                (3, Some("E0"), Some("chosen"), false),
                (4, Some("E0"), Some("no_contact"), false),
            ]
        );
        desk.answer = Ok(vestnik_contract::Delivery::Delivered);
        desk.until("2026-10-14T20:00:00").await;
        desk.until("2026-10-16T13:00:00").await;
        print_for_grandmother(&desk).await;
        desk.until("2026-10-18T23:00:00").await;
        let told = |red| {
            vec![
                (1, Some("E1"), None, false),
                (2, Some("E2"), None, false),
                (3, Some("E1"), None, false),
                (4, Some("E0"), Some("no_contact"), red),
            ]
        };
        let sunday = ledger(&desk, "2026-W42", &policy).await;
        assert_eq!(seen(&sunday), told(false), "the week is not over");
        desk.until("2026-10-19T08:00:00").await;
        let monday = ledger(&desk, "2026-W42", &policy).await;
        assert_eq!(seen(&monday), told(true));
        assert_eq!(share(&monday), (3, 4));
        let red = monday.iter().find(|line| line.cell.red).unwrap();
        assert_eq!(red.guardian, "Орлова Вера");
        assert_eq!(
            red.cell.to_string(),
            "no sheet told it by the week's end (no address is known)"
        );

        desk.write(
            "UPDATE sheet SET state = 'slip_back';
             INSERT INTO acknowledgement (notice_id, guardian_id, kind, channel, at)
             SELECT id, 1, 'button', 'telegram', 0 FROM notice WHERE guardian_id = 1",
        )
        .await;
        let signed = ledger(&desk, "2026-W42", &policy).await;
        assert_eq!(
            (seen(&signed)[0].1, seen(&signed)[2].1),
            (Some("E3"), Some("E4"))
        );
    }
}

#[tokio::test]
async fn what_is_closed_does_not_count_and_what_is_merged_counts_as_its_summary() {
    for base in both().await {
        let policy = Policy {
            nothing_new: Switch::Off,
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::governed(&base.store, policy.clone(), "holder");
        desk.sql(FAMILY).await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4')")
            .await;
        desk.sql("DELETE FROM mark").await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            seen(&ledger(&desk, "2026-W42", &policy).await)[0],
            (1, None, Some("no_news"), false),
            "it went before anybody was told"
        );
        // One of two notices of the mother was summed up in the other, which has informed her.
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-14', '5')")
            .await;
        desk.until("2026-10-14T19:00:00").await;
        desk.write(
            "INSERT INTO notice (guardian_id, student_id, fact, event, basis, state, merged_into, week, seen_at, state_at)
             SELECT 1, 1, 'summary/1/1', 'service', '[]', 'merged', MAX(id), '2026-W42', 0, 0 FROM notice
             WHERE guardian_id = 1 AND state = 'informed'",
        )
        .await;
        assert_eq!(
            seen(&ledger(&desk, "2026-W42", &policy).await)[0],
            (1, Some("E1"), None, false)
        );
        desk.write("UPDATE notice SET state = 'held', waits_for = 'decision' WHERE guardian_id = 1 AND state = 'informed'")
            .await;
        assert_eq!(
            seen(&ledger(&desk, "2026-W42", &policy).await)[0],
            (1, Some("E0"), Some("held"), false)
        );
    }
}
