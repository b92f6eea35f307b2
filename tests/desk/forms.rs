//! What a school prints beside the weekly sheets: summaries of terms, forms of consent, and frames in the languages
//! of Russia; on both databases.

use std::process::Command;

use vestnik::{family::consent::Purpose, paper::summary::Asked};
use vestnik_sheet::Pdf;

use crate::{desk::Desk, paper::press, support::both, teacher::class_on_paper};

fn text(pdf: &Pdf) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pages.pdf");
    std::fs::write(&file, &pdf.bytes).unwrap();
    let output = Command::new("pdftotext")
        .args(["-raw".as_ref(), file.as_os_str(), "-".as_ref()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_has_the_results_of_a_class_by_terms_and_those_of_a_student_on_one_page() {
    for base in both().await {
        let desk = Desk::open(&base.store);
        class_on_paper(&desk).await;
        desk.write(
            "INSERT INTO subject (name, position) VALUES ('Математика', 2), ('Русский язык', 1);
             INSERT INTO term (kind, number, starts_on, ends_on) VALUES
                 ('quarter', 1, '2026-09-01', '2026-10-24'), ('quarter', 2, '2026-11-03', '2026-12-29'),
                 ('quarter', 1, '2025-09-01', '2025-10-24');
             INSERT INTO term_result (student_id, subject_id, term_id, stage, value, status) VALUES
                 (2, 1, 1, 'final', '4', 'set'), (2, 2, 1, 'final', '5', 'set'), (2, 1, 2, 'final', '3', 'set'),
                 (3, 1, 1, 'final', NULL, 'not_certified'), (3, 2, 1, 'preliminary', '2', 'set'),
                 (2, 2, 3, 'final', '2', 'set')",
        )
        .await;
        let press = press(&desk.store);
        let asked = Asked {
            class: 1,
            student: None,
            certified: true,
        };
        let pdf = press.summary(asked, desk.now).await.unwrap().unwrap();
        assert_eq!(pdf.pages, 2, "a page for each term of this year");
        let class = text(&pdf);
        for words in [
            "Сводная ведомость",
            "1-я четверть 2026/27 учебный год",
            "1 Ученик2 Имя2 5 4",
            "2 Ученик3 Имя3 – н/а",
            "Верно. Директор",
        ] {
            assert!(class.contains(words), "{words}\n{class}");
        }
        let asked = Asked {
            class: 1,
            student: Some(2),
            certified: false,
        };
        let pdf = press.summary(asked, desk.now).await.unwrap().unwrap();
        let student = text(&pdf);
        assert_eq!(pdf.pages, 1);
        assert!(
            student.contains("Русский язык 5 –\nМатематика 4 3"),
            "{student}"
        );
        assert!(!student.contains("Ученик3"), "{student}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_consent_are_made_for_what_nobody_was_asked() {
    for base in both().await {
        let desk = Desk::open(&base.store);
        class_on_paper(&desk).await;
        desk.write(
            "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 2, 'sms', 'refused');
             INSERT INTO contact (guardian_id, channel, address) VALUES (2, 'sms', '+79000000012');
             UPDATE guardianship SET rights = 'deprived' WHERE guardian_id = 3",
        )
        .await;
        let press = press(&desk.store);
        let sms = press.consents((1, None), &[Purpose::Sms], desk.now).await;
        let pdf = sms.unwrap().unwrap();
        assert_eq!(pdf.pages, 8, "one has answered, one must not hear");
        let forms = text(&pdf);
        assert!(forms.contains("Согласие на SMS-сообщения"), "{forms}");
        assert!(forms.contains("+79000000012"), "{forms}");
        let all = press.consents((1, Some(2)), &Purpose::ALL, desk.now).await;
        let pages = all.unwrap().map_or(0, |pdf| pdf.pages);
        assert_eq!(pages, 3, "the first guardian was asked about one of four");
        desk.write("UPDATE enrolment SET to_on = '2026-09-30'")
            .await;
        let nobody = press.consents((1, None), &Purpose::ALL, desk.now).await;
        assert!(nobody.unwrap().is_none());
    }
}
