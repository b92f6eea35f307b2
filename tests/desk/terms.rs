//! Stories of the calendar of terms: at the beginning families hear that the service is theirs to choose, and
//! before the end what may be expected.

use vestnik::{
    policy::{Policy, ServiceNotice},
    store::Store,
};

use crate::desk::{Desk, FAMILY};
use crate::families::{heard, sheets};
use crate::support::both;

/// A quarter ends on 30 October; grades from 10 on have half-years. Ivan reads paper.
async fn school(store: &Store, policy: Policy) -> Desk {
    let mut desk = Desk::governed(store, policy, "holder");
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'sms', 'refused');
         INSERT INTO subject (name, short_name) VALUES ('История', 'ист');
         INSERT INTO subject (name, graded) VALUES ('Разговоры о важном', 0);
         INSERT INTO term (kind, number, starts_on, ends_on, grade_to) VALUES ('quarter', 1, '2026-09-01', '2026-10-30', 9);
         INSERT INTO term (kind, number, starts_on, ends_on, grade_from) VALUES ('half_year', 1, '2026-09-01', '2026-10-30', 10);
         INSERT INTO term (kind, number, starts_on, ends_on, grade_to) VALUES ('quarter', 2, '2026-11-09', '2026-12-29', 9);
         INSERT INTO writing (baseline) VALUES (1);
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-08-30', '2');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-09-10', '5');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-09-17', '4');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-09-24', '4');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-09-24', '3');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 3, '2026-09-24', '5');
         INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 4, '2026-09-24', '5');
         INSERT INTO term_result (student_id, subject_id, term_id, stage, value) VALUES (1, 3, 1, 'preliminary', '5');
         DELETE FROM writing",
    )
    .await;
    desk
}

/// The outlook goes out ten days before the end, once, with the averages of what the school has not set itself, and
/// it calls itself no result. Who reads paper has it on the sheet.
#[tokio::test]
async fn ten_days_before_a_terms_end_families_hear_what_may_be_expected() {
    for base in both().await {
        let mut desk = school(&base.store, Policy::defaults().unwrap()).await;
        desk.until("2026-10-19T18:10:00").await;
        assert!(heard(&mut desk).is_empty());
        desk.until("2026-10-20T18:10:00").await;
        let told = heard(&mut desk);
        assert_eq!(told.len(), 1, "{told:?}");
        let words: Vec<&str> = told[0].1.split_whitespace().collect();
        let words = words.join(" ");
        assert!(
            words.contains(
                "- Прогноз: 1-я четверть: предварительно, средний балл на сегодня – Математика 4,33; Русский язык 3,00. Это ещё не итоги"
            ),
            "{words}"
        );
        assert!(
            !words.contains("История") && !words.contains("Разговоры") && !words.contains("Итоги:")
        );
        assert_eq!(
            desk.number(
                "SELECT COUNT(*) FROM notice WHERE event = 'forecast' AND waits_for = 'sheet'"
            )
            .await,
            1
        );
        desk.until("2026-10-23T13:00:00").await;
        let printed = sheets(&desk, (1, 5, "А"), "2026-W43").await;
        let result = &printed[0]["term_results"][0];
        assert_eq!(result["term"], "Прогноз: 1-я четверть");
        let value = result["value"].as_str().unwrap();
        assert!(
            value.starts_with("предварительно, ") && value.ends_with("Это ещё не итоги"),
            "{value}"
        );
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-23', '5')").await;
        desk.until("2026-10-29T18:10:00").await;
        let again = heard(&mut desk);
        assert!(
            again.iter().all(|(_, text)| !text.contains("Прогноз")),
            "{again:?}"
        );
    }
}

/// In a phone there is room for short names; and nobody hears it in the last hour.
#[tokio::test]
async fn a_phone_hears_the_outlook_in_short() {
    for base in both().await {
        let mut desk = school(&base.store, Policy::defaults().unwrap()).await;
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'sms', 'given')").await;
        desk.until("2026-10-20T18:10:00").await;
        let told = heard(&mut desk);
        let sms = told.iter().find(|(to, _)| to.starts_with('+')).unwrap();
        assert_eq!(
            sms.1,
            "Школа 12. Маша 20.10: прогноз 1 четв – предварительно, средний балл: матем 4,33; рус 3,00"
        );
    }
}

/// With the first week's digest of a term, and on its sheet, families hear that they may choose; off means off.
#[tokio::test]
async fn at_a_terms_beginning_families_hear_that_the_service_is_theirs_to_choose() {
    for base in both().await {
        let mut desk = school(&base.store, Policy::defaults().unwrap()).await;
        desk.sql("UPDATE guardian SET preset = 'daily'").await;
        desk.until("2026-11-09T18:10:00").await;
        heard(&mut desk);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE fact = 'service_notice/1/3'")
                .await,
            2
        );
        desk.until("2026-11-13T13:00:00").await;
        let printed = sheets(&desk, (1, 5, "А"), "2026-W46").await;
        let words = printed[0]["announcements"].to_string();
        assert!(words.contains("Это добровольно"), "{words}");
        desk.until("2026-11-13T16:00:00").await;
        let told = heard(&mut desk);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0]
                .1
                .contains("Это добровольно: отказаться или выбрать другой способ"),
            "{}",
            told[0].1
        );
        desk.until("2026-11-20T18:10:00").await;
        assert!(
            heard(&mut desk)
                .iter()
                .all(|(_, text)| !text.contains("добровольно")),
            "once a term"
        );
    }
    for base in both().await {
        let off = Policy {
            service_notice: ServiceNotice::Off,
            ..Policy::defaults().unwrap()
        };
        let mut desk = school(&base.store, off).await;
        desk.until("2026-11-20T18:10:00").await;
        assert!(
            heard(&mut desk)
                .iter()
                .all(|(_, text)| !text.contains("добровольно"))
        );
    }
}
