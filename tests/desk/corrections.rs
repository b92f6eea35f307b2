//! Stories of corrections: they stand beside what they correct.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::desk::{BY_BOT, Desk, FAMILY};
use crate::support::both;
use vestnik::text::ContentLevel;
use vestnik_contract::{Fault, Outcome, Reason};

fn mark(day: u32, value: &str) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day:02}', '{value}')"
    )
}

/// Olga hears by the bot alone, Ivan not at all.
async fn by_bot(desk: &mut Desk) {
    desk.sql(FAMILY).await;
    desk.sql(BY_BOT).await;
    let number = Arc::new(AtomicI64::new(100));
    desk.provider(move |_| Outcome::Accepted {
        provider_ref: Some(number.fetch_add(1, Ordering::Relaxed).to_string()),
    });
}

/// The mail that told it was taken long ago; its correction answers it without waiting for anything.
#[tokio::test]
async fn a_correction_answers_the_mail_that_told_it() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("DELETE FROM guardianship WHERE guardian_id = 2")
            .await;
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        desk.until("2026-10-15T10:00:00").await;
        desk.sql("UPDATE mark SET value = '3'").await;
        desk.minutes(30).await;
        desk.sql(&mark(15, "4")).await;
        desk.minutes(30).await;
        let mails: Vec<_> = desk.calls.iter().map(|(_, message)| message).collect();
        assert_eq!(mails.len(), 3);
        assert_eq!(
            mails[1].follows.as_deref(),
            Some(mails[0].reference.as_str())
        );
        assert_eq!(mails[2].follows, None, "a new mark answers nothing");
        assert!(mails.iter().all(|mail| mail.replaces.is_empty()));
    }
}

/// The bot's message keeps its words and says below what has changed, twice where it changed twice.
#[tokio::test]
async fn the_bot_also_amends_what_it_had_said() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        by_bot(&mut desk).await;
        desk.write(&mark(13, "4")).await;
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        let first = desk.calls[0].1.text.clone();
        desk.sql("UPDATE mark SET value = '3' WHERE date = '2026-10-14'")
            .await;
        desk.minutes(30).await;
        desk.sql("DELETE FROM mark WHERE date = '2026-10-13'").await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 3);
        assert!(desk.calls[0].1.replaces.is_empty());
        let once = &desk.calls[1].1.replaces[0];
        assert_eq!(once.provider_ref, "100");
        assert_eq!(
            once.text,
            format!(
                "{first}\n\n✎ 14.10 к записи за 14.10, Маша. Математика: исправлено, было 5, теперь 3, приносим извинения"
            )
        );
        let twice = &desk.calls[2].1.replaces[0];
        assert!(
            twice.text.starts_with(&format!("{}\n\n✎", once.text)),
            "{}",
            twice.text
        );
        assert_eq!(twice.provider_ref, "100");
    }
}

/// Where the bot may say only that there is something new, nothing is amended; without names, none is.
#[tokio::test]
async fn the_content_level_holds_for_amendments() {
    for (level, amended) in [(ContentLevel::Ping, false), (ContentLevel::NoNames, true)] {
        for base in both().await {
            let mut desk = Desk::at_level(&base.store, level);
            by_bot(&mut desk).await;
            desk.sql(&mark(14, "5")).await;
            desk.minutes(30).await;
            desk.sql("UPDATE mark SET value = '3', comment = 'Маша молодец'")
                .await;
            desk.minutes(30).await;
            assert_eq!(desk.calls.len(), 2);
            let replaces = &desk.calls[1].1.replaces;
            assert_eq!(!replaces.is_empty(), amended);
            assert!(replaces.iter().all(|one| !one.text.contains("Маша")));
        }
    }
}

/// What never arrived at this address is not answered there.
#[tokio::test]
async fn a_mail_that_was_refused_is_not_answered() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "DELETE FROM guardianship WHERE guardian_id = 2;
             INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'sms', '+79000000011', 2);
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'sms', 'given')",
        )
        .await;
        desk.provider(|message| {
            if message.address.contains('@') {
                let reason = Reason::new("smtp_554", "Spam.", Fault::Message);
                return Outcome::Rejected { reason };
            }
            Outcome::Accepted { provider_ref: None }
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        desk.provider(|_| Outcome::Accepted { provider_ref: None });
        desk.sql("UPDATE mark SET value = '3'").await;
        desk.minutes(30).await;
        let last = &desk.calls.last().unwrap().1;
        assert!(last.address.contains('@') && last.follows.is_none());
    }
}

/// Whoever had a mark on no sheet, because none was printed, knows nothing of it: that it was taken back is no
/// news to them, and that it was entered again is.
#[tokio::test]
async fn what_missed_its_sheet_is_news_when_it_is_entered_again() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "DELETE FROM guardianship WHERE guardian_id = 2;
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'refused')",
        )
        .await;
        let five = "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')";
        desk.sql(five).await;
        desk.until("2026-10-14T18:10:00").await;
        desk.until("2026-10-19T08:00:00").await;
        assert_eq!(desk.notices().await.get("red"), Some(&1));
        desk.sql("DELETE FROM mark").await;
        desk.until("2026-10-19T12:00:00").await;
        assert_eq!(desk.notices().await.get("waiting"), None);
        desk.sql(five).await;
        desk.until("2026-10-19T15:00:00").await;
        assert_eq!(desk.notices().await.get("waiting"), Some(&1));
        let event = "SELECT event FROM notice WHERE state = 'waiting'";
        assert_eq!(desk.text(event).await, "mark", "not a correction");
    }
}

/// What was announced to the old class is still true there: the mother, who has heard it, hears no word that it
/// is cancelled, which she would take for her other son's; the father, who has not, hears nothing of it.
#[tokio::test]
async fn who_changes_class_hears_no_withdrawal_of_what_the_class_still_expects() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO class (grade, letter) VALUES (5, 'Б');
             INSERT INTO announcement (class_id, text) VALUES (1, 'Сдаём по 200 ₽.');
             INSERT INTO class_event (class_id, date, text, place) VALUES (1, '2026-10-20', 'экскурсия', 'музей')",
        )
        .await;
        desk.until("2026-10-14T13:00:00").await;
        let heard = desk.texts().len();
        assert!(heard > 0);
        assert_eq!(
            desk.notices().await.get("waiting"),
            Some(&2),
            "the father's"
        );
        desk.sql("UPDATE enrolment SET to_on = '2026-10-13'; INSERT INTO enrolment (student_id, class_id, from_on) VALUES (1, 2, '2026-10-14')").await;
        desk.until("2026-10-16T13:00:00").await;
        assert_eq!(desk.texts().len(), heard, "{:?}", desk.texts());
        desk.sql(
            "INSERT INTO change (entity, entity_id, op, new, written_at)
             VALUES ('announcement', 1, 'recheck', '{\"fact\":\"announcement/1/1\"}', 0)",
        )
        .await;
        desk.until("2026-10-16T14:00:00").await;
        assert_eq!(desk.texts().len(), heard, "{:?}", desk.texts());
    }
}
