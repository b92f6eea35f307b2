//! The tables agree after a story, and each check names the row that was broken by hand, on both databases.

use crate::desk::{Desk, FAMILY};
use crate::support::{Base, both};
use vestnik::{
    store::{CHECKS, Checked},
    zone,
};

/// What does not agree.
pub(crate) async fn gaps(desk: &Desk) -> Vec<Checked> {
    let today = zone::local(desk.now, chrono_tz::Europe::Moscow).date();
    let checked = desk.store.reconcile(today, desk.now, |_| ()).await.unwrap();
    assert_eq!(checked.len(), CHECKS.len());
    checked.into_iter().filter(|one| one.count > 0).collect()
}

/// A week with news at once and in the digest, a correction, a withdrawal, something held back by the
/// family's wish for paper, and a silent week after it.
async fn story(base: &Base) -> Desk {
    let mut desk = Desk::open(&base.store);
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколова', 'Нина', 'paper');
         INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 1)",
    )
    .await;
    for (subject, value) in [(1, "4"), (2, "5")] {
        desk.sql(&format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, {subject}, '2026-10-14', '{value}')"
        ))
        .await;
    }
    desk.until("2026-10-14T18:10:00").await;
    desk.sql("UPDATE mark SET value = '3' WHERE subject_id = 1")
        .await;
    desk.until("2026-10-15T18:10:00").await;
    desk.sql("DELETE FROM mark WHERE subject_id = 2").await;
    desk.until("2026-10-16T18:10:00").await;
    desk.until("2026-10-23T18:10:00").await;
    desk
}

#[tokio::test]
async fn after_a_story_everything_agrees() {
    for base in both().await {
        let desk = story(&base).await;
        assert!(desk.calls.len() >= 6, "{}", desk.calls.len());
        let gaps = gaps(&desk).await;
        assert!(gaps.is_empty(), "{gaps:?}");
    }
}

/// What breaks each check, one after the other, and the row that it must name.
const BREAKS: &[(&str, &str, &str)] = &[
    (
        "mark_without_change",
        "INSERT INTO writing (baseline) VALUES (1);
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-22', '5');
         DELETE FROM writing",
        "SELECT MAX(id) FROM mark",
    ),
    (
        "change_without_outcome",
        "UPDATE change SET outcome = NULL WHERE id = (SELECT id FROM change WHERE entity = 'mark' ORDER BY id LIMIT 1 OFFSET 0)",
        "SELECT id FROM change WHERE entity = 'mark' ORDER BY id LIMIT 1 OFFSET 0",
    ),
    (
        "change_without_outcome",
        r#"UPDATE change SET outcome = '{"1":{"notice":1},"2":{"none":"left"}}'
           WHERE id = (SELECT id FROM change WHERE entity = 'mark' ORDER BY id LIMIT 1 OFFSET 1)"#,
        "SELECT id FROM change WHERE entity = 'mark' ORDER BY id LIMIT 1 OFFSET 1",
    ),
    (
        "change_without_outcome",
        r#"UPDATE change SET outcome = '{"1":{"notice":99999},"2":{"none":"left"},"3":{"none":"left"}}'
           WHERE id = (SELECT id FROM change WHERE entity = 'mark' ORDER BY id LIMIT 1 OFFSET 2)"#,
        "SELECT id FROM change WHERE entity = 'mark' ORDER BY id LIMIT 1 OFFSET 2",
    ),
    (
        "notice_without_week",
        "INSERT INTO notice (guardian_id, student_id, fact, event, basis, due_at, waits_for, seen_at, state_at)
         VALUES (1, 1, 'mark/1/1/2026-10-13/0', 'mark', '[]', 1, 'settling', 1, 1)",
        "SELECT MAX(id) FROM notice",
    ),
    (
        "notice_without_hour",
        "UPDATE notice SET state = 'waiting', waits_for = 'window', due_at = NULL
         WHERE id = (SELECT MIN(id) FROM notice)",
        "SELECT MIN(id) FROM notice",
    ),
    (
        "held_without_hold",
        "UPDATE notice SET state = 'held', waits_for = 'decision' WHERE id = (SELECT MIN(id) FROM notice)",
        "SELECT MIN(id) FROM notice",
    ),
    (
        "open_without_right",
        "INSERT INTO notice (guardian_id, student_id, fact, event, basis, due_at, waits_for, seen_at, state_at, week)
         VALUES (77, 1, 'mark/1/1/2026-10-13/0', 'mark', '[]', 1, 'settling', 1, 1, '2026-W43')",
        "SELECT MAX(id) FROM notice",
    ),
    (
        "merged_into_nothing",
        "UPDATE notice SET state = 'merged', merged_into = 99999 WHERE id = (SELECT MIN(id) FROM notice)",
        "SELECT MIN(id) FROM notice",
    ),
    (
        "in_message_without_message",
        "UPDATE notice SET state = 'in_message' WHERE id = (SELECT MIN(id) FROM notice)",
        "SELECT MIN(id) FROM notice",
    ),
    (
        "informed_without_message",
        "DELETE FROM message_notice WHERE notice_id =
         (SELECT MAX(id) FROM notice WHERE guardian_id = 1 AND state = 'informed')",
        "SELECT MAX(id) FROM notice WHERE guardian_id = 1 AND state = 'informed'",
    ),
    (
        "told_by_paper_without_sheet",
        "UPDATE notice SET state = 'told_by_paper', waits_for = NULL
         WHERE id = (SELECT MAX(id) FROM notice WHERE guardian_id = 1 AND state = 'informed')",
        "SELECT MAX(id) FROM notice WHERE state = 'told_by_paper'",
    ),
    (
        "red_before_its_week_ended",
        "UPDATE notice SET week = '2026-W43' WHERE id = (SELECT MAX(id) FROM notice WHERE state = 'red')",
        "SELECT MAX(id) FROM notice WHERE state = 'red'",
    ),
    (
        "message_without_notice",
        "INSERT INTO message (ref, lane, channel, address, body_text, not_before, composed_at, state_at)
         VALUES ('EMPTY', 'email', 'email', 'a@example.org', 'x', 1, 1, 1)",
        "SELECT MAX(id) FROM message",
    ),
    (
        "end_without_reason",
        "INSERT INTO message (ref, lane, channel, address, body_text, not_before, composed_at, state_at, state, reason)
         VALUES ('ENDED', 'email', 'email', 'a@example.org', 'x', 1, 1, 1, 'rejected', '')",
        "SELECT MAX(id) FROM message",
    ),
    (
        "sending_without_attempt",
        "INSERT INTO message (ref, lane, channel, address, body_text, not_before, composed_at, state_at, state)
         VALUES ('LOST', 'email', 'email', 'a@example.org', 'x', 1, 1, 1, 'sending');
         INSERT INTO message_notice (message_id, notice_id, value) SELECT (SELECT MAX(id) FROM message), MIN(id), '[]' FROM notice",
        "SELECT MAX(id) FROM message",
    ),
    (
        "spending_wrong",
        "UPDATE spending SET cost = cost + 1 WHERE id = (SELECT MIN(id) FROM spending)",
        "SELECT MIN(id) FROM spending",
    ),
    (
        "attempt_without_end",
        "UPDATE attempt SET finished_at = NULL, outcome = NULL WHERE id = (SELECT MIN(id) FROM attempt)",
        "SELECT MIN(id) FROM attempt",
    ),
    (
        "receipt_unmatched",
        "INSERT INTO receipt (lane, kind, received_at) VALUES ('sms', 'delivered', 1)",
        "SELECT MAX(id) FROM receipt",
    ),
    (
        "told_otherwise",
        "UPDATE told SET value = '[\"2\"]' WHERE id = (SELECT MIN(id) FROM told)",
        "SELECT MIN(id) FROM told",
    ),
    (
        "informed_and_not_told",
        "DELETE FROM told WHERE fact LIKE 'silence/%' AND guardian_id = 1",
        "SELECT id FROM notice WHERE fact LIKE 'silence/%' AND guardian_id = 1",
    ),
    (
        "sheet_and_message_differ",
        "INSERT INTO message (ref, lane, channel, address, body_text, not_before, composed_at, state_at, state, reason)
         VALUES ('SHEET', 'paper', 'paper', 'code', 'x', 1, 1, 1, 'cancelled', 'the sheet could not be printed');
         INSERT INTO sheet (guardian_id, student_id, week, state, message_id, state_at)
         SELECT 3, 1, '2026-W42', 'printed', MAX(id), 1 FROM message",
        "SELECT MAX(id) FROM sheet",
    ),
];

#[tokio::test]
async fn each_check_names_the_row_that_breaks_it_and_no_other_does() {
    for check in CHECKS {
        assert!(
            BREAKS.iter().any(|(name, ..)| *name == check.name),
            "nothing breaks {}",
            check.name
        );
    }
    for base in both().await {
        let desk = story(&base).await;
        let mut before = gaps(&desk).await;
        for (name, sql, row) in BREAKS {
            desk.write(sql).await;
            let after = gaps(&desk).await;
            let count = |found: &[Checked], of: &str| {
                let one = found.iter().find(|one| one.check.name == of);
                one.map_or(0, |one| one.count)
            };
            for check in CHECKS {
                let (then, now) = (count(&before, check.name), count(&after, check.name));
                if check.name == *name {
                    assert_eq!(now, then + 1, "{name}: {sql}");
                } else {
                    assert!(now <= then, "{} has a gap by {sql}", check.name);
                }
            }
            let found = after.iter().find(|one| one.check.name == *name).unwrap();
            let id = desk.number(row).await;
            assert!(found.ids.contains(&id), "{name} does not name {id}");
            before = after;
        }
    }
}
