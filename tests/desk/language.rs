//! Stories of the language, the large print and the plain words that guardians asked for, from the table to the
//! message and the sheet.

use crate::desk::{Desk, FAMILY};
use crate::families::{heard, mark, sheets};
use crate::support::both;

/// The mother reads English, the father wants a language that has no templates: he reads Russian. What teachers wrote
/// stays as it is.
#[tokio::test]
async fn each_guardian_reads_their_language_and_the_teachers_words_as_they_are() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET language = 'en-GB' WHERE id = 1; UPDATE guardian SET language = 'tt' WHERE id = 2").await;
        desk.sql(&format!(
            "{} INSERT INTO mark (student_id, subject_id, date, value, comment) VALUES (1, 2, '2026-10-14', '.', 'нет тетради');
             INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-13', 2, 'ill')",
            mark(1, 1, "2026-10-14", "5")
        ))
        .await;
        desk.until("2026-10-14T18:10:00").await;
        let told = heard(&mut desk);
        let to = |whom: &str| -> String {
            let all: Vec<&str> = told
                .iter()
                .filter(|(to, _)| to == whom)
                .map(|(_, text)| text.as_str())
                .collect();
            all.join(" ")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        let english = to("olga@example.org");
        for words in [
            "New in the diary, 14 October",
            "14 October, Wednesday - Математика: 5",
            "- Русский язык: a point (work not handed in). The teacher writes: «нет тетради»",
            "Absence: absent (ill)",
            "never asks for codes or passwords",
        ] {
            assert!(english.contains(words), "«{words}» is not in {english}");
        }
        assert!(
            !english.contains("Новое") && !english.contains("среда"),
            "{english}"
        );
        let russian = to("+79000000012");
        assert!(russian.contains("матем 5"), "{russian}");
        desk.sql("UPDATE mark SET value = '4' WHERE subject_id = 1")
            .await;
        desk.minutes(60).await;
        let corrected = heard(&mut desk).remove(0).1;
        assert!(
            corrected.contains("- Математика: corrected, was 5, now 4"),
            "{corrected}"
        );
        assert_eq!(
            base.store.languages().await.unwrap(),
            [("en-GB".to_owned(), 1), ("tt".to_owned(), 1)]
        );
    }
}

/// Paper: what one of a home asked for is on its sheet; English where all of the home read it.
#[tokio::test]
async fn a_sheet_has_the_print_and_the_language_of_its_home() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "UPDATE guardian SET preset = 'paper', language = 'en';
             UPDATE guardian SET large_print = 1, plain = 1 WHERE id = 2",
        )
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.sql("INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-13', 2, 'ill')").await;
        desk.until("2026-10-16T13:00:00").await;
        let sheet = sheets(&desk, (1, 5, "А"), "2026-W42").await.remove(0);
        assert_eq!(
            (&sheet["language"], &sheet["large"], &sheet["plain"]),
            (&"en".into(), &true.into(), &true.into())
        );
        assert_eq!(sheet["week"], "12–16 October 2026");
        assert_eq!(sheet["reason"], "You chose paper.");
        assert_eq!(
            sheet["summary"].to_string(),
            "[\"1 new mark.\",\"1 lesson missed.\"]"
        );
        desk.sql("UPDATE mark SET value = '4'; UPDATE guardian SET language = NULL WHERE id = 2")
            .await;
        desk.until("2026-10-23T13:00:00").await;
        let sheet = sheets(&desk, (1, 5, "А"), "2026-W43").await.remove(0);
        assert_eq!(sheet["language"], "ru", "they do not all read English");
        assert!(sheet["corrections"].to_string().contains("К листку № 7"));
    }
}
