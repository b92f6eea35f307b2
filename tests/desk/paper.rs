//! Stories of the families who hear on paper: from the journal's row to the page and its proof, on both
//! databases. The pages are set by the real program in its child process and read by pdftotext.

use std::{path::Path, process::Command, time::Duration};

use crate::desk::{BY_BOT, Desk, FAMILY};
use crate::support::both;
use rand::{SeedableRng, rngs::StdRng};
use vestnik::{
    family::contact::Channel,
    journal::class_name::ClassName,
    paper::press::{CHILD, PaperError, Press, Printed, STALE},
    policy::{Certified, Paper},
    store::Store,
    text::Templates,
    week::Week,
};
use vestnik_contract::{Fault, Outcome, Reason};
use vestnik_sheet::{Child, RenderError, WEEK};

pub(crate) fn press(store: &Store) -> Press {
    Press {
        store: store.clone(),
        templates: Templates::embedded().expect("templates"),
        child: Child {
            program: env!("CARGO_BIN_EXE_vestnik").into(),
            args: vec![CHILD.into()],
            timeout: Duration::from_mins(1),
            memory: 2 << 30,
        },
        layout: WEEK.to_owned(),
        zone: chrono_tz::Europe::Moscow,
        configured: vec![Channel::Sms, Channel::Email],
        rhythm: Paper::Weekly,
        certified: Certified::Extracts,
        duplex: false,
        queued: false,
        due: None,
    }
}

async fn print(
    press: &Press,
    week: &str,
    folder: &Path,
    desk: &Desk,
) -> Result<Option<Printed>, PaperError> {
    let class = ClassName {
        grade: 5,
        letter: "А".into(),
    };
    let week: Week = week.parse().expect("a week");
    let random = &mut StdRng::seed_from_u64(7);
    // Each run draws other references.
    let mut random = StdRng::from_rng(random);
    let skip = desk.number("SELECT COUNT(*) FROM message").await;
    for _ in 0..skip * 16 {
        let _ = rand::Rng::next_u64(&mut random);
    }
    press
        .print((1, &class), week, folder, desk.now, &mut random)
        .await
}

fn read(file: &Path) -> String {
    let output = Command::new("pdftotext")
        .args(["-raw".as_ref(), file.as_os_str(), "-".as_ref()])
        .output()
        .expect("pdftotext of poppler-utils is needed");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Masha's family, whose mother has refused and whose father may be reached by SMS; lessons of a week.
async fn school(store: &Store) -> Desk {
    let mut desk = Desk::open(store);
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'refused');
         INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-13', 1, 'held');
         INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-14', 1, 'held');
         INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 2, '2026-10-14', 2, 'held')",
    )
    .await;
    desk
}

/// Nobody could say whether the bot told it: whoever did hear of it would go on believing it.
#[tokio::test]
async fn what_was_perhaps_told_is_taken_back_on_the_sheet() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(BY_BOT).await;
        desk.provider(|_| Outcome::InDoubt {
            reason: Reason::new("timeout", "It did not end in time.", Fault::Provider),
        });
        for value in ["5", "2"] {
            desk.sql(&format!(
                "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '{value}')"
            ))
            .await;
        }
        desk.minutes(30).await;
        assert_eq!(desk.text("SELECT state FROM message").await, "unresolved");
        desk.sql("DELETE FROM mark WHERE value = '2'").await;
        desk.until("2026-10-16T13:00:00").await;
        let press = Press {
            configured: vec![Channel::Telegram],
            ..press(&base.store)
        };
        let printed = print(&press, "2026-W42", folder.path(), &desk)
            .await
            .expect("a run")
            .expect("sheets");
        let text = read(&printed.file);
        assert!(text.contains("Математика: отметка 2 снята"), "{text}");
    }
}

#[tokio::test]
async fn who_refused_reads_on_paper_what_the_others_read_and_it_is_proved() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = school(&base.store).await;
        desk.sql(
            "INSERT INTO mark (student_id, subject_id, date, value, work_kind) VALUES (1, 1, '2026-10-13', '5', 'контрольная');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4');
             INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', 2, 'absent');
             INSERT INTO remark (student_id, date, kind, text, notify_parents) VALUES (1, '2026-10-14', 'praise', 'За #доклад *о* Волге', 1);
             INSERT INTO remark (student_id, date, text) VALUES (1, '2026-10-14', 'Шумела');
             INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 1, '2026-10-15', '№ 1, вчерашнее');
             INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 2, '2026-10-19', 'упр. 87');
             INSERT INTO test_plan (class_id, subject_id, date, kind) VALUES (1, 1, '2026-10-22', 'контрольная работа');
             INSERT INTO announcement (class_id, text) VALUES (1, 'Собрание 20 октября в 18:00')",
        )
        .await;
        desk.until("2026-10-14T20:00:00").await;
        desk.until("2026-10-16T13:00:00").await;
        let press = press(&base.store);
        let printed = print(&press, "2026-W42", folder.path(), &desk)
            .await
            .expect("a run")
            .expect("sheets");
        assert_eq!((printed.sheets, printed.pages), (1, 2));
        let text = read(&printed.file);
        for part in [
            "Школа № 12",
            "Неделя 12–16 октября 2026",
            "Соколова Мария, 5 «А»",
            "Листок № 7",
            "Для кого: Соколова Ольга",
            "За неделю 2 отметки. Уроков пропущено: 1.",
            "Математика 2 5 (13.10, контрольная), 4 (14.10) 4,50 – –",
            "Русский язык 1 – – 1 –",
            "14.10 Благодарность: «За #доклад *о* Волге»",
            "чт 22.10. Предстоит: Математика: контрольная работа",
            "пн 19.10. Русский язык: упр. 87",
            "Собрание 20 октября в 18:00",
            "Вы отказались от электронных сообщений.",
        ] {
            assert!(text.contains(part), "«{part}» is missing: {text}");
        }
        for part in ["Шумела", "вчерашнее", "Соколов Иван"] {
            assert!(!text.contains(part), "«{part}» must not be there: {text}");
        }
        let notices = desk.notices().await;
        assert_eq!(notices.get("told_by_paper"), Some(&7), "{notices:?}");
        assert_eq!(notices.get("waiting"), None, "{notices:?}");
        let status = base.store.status(desk.now).await.expect("a status");
        assert_eq!(
            status.messages["paper"].get("printed"),
            Some(&1),
            "{status:?}"
        );
        assert_eq!(
            status.messages["paper"].len(),
            1,
            "sheets count, not their messages"
        );
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE guardian_id = 1 AND state = 'closed'")
                .await,
            "over",
            "yesterday's homework is not to be done any more"
        );

        its_correction_is_on_the_next_sheet(&mut desk, &press, folder.path()).await;
    }
}

/// The correction of what was printed names it.
async fn its_correction_is_on_the_next_sheet(desk: &mut Desk, press: &Press, folder: &Path) {
    desk.sql("UPDATE mark SET value = '3' WHERE date = '2026-10-14'")
        .await;
    desk.until("2026-10-19T08:00:00").await;
    assert_eq!(
        desk.notices().await.get("red"),
        None,
        "it came after the sheets"
    );
    desk.until("2026-10-23T13:00:00").await;
    let printed = print(press, "2026-W43", folder, desk)
        .await
        .expect("a run")
        .expect("sheets");
    let text = read(&printed.file);
    assert!(
        text.contains("К листку № 7: ср 14.10. Математика: исправлено, было 4, теперь 3"),
        "{text}"
    );
    assert!(
        text.contains("За неделю новых отметок нет. Пропусков и опозданий нет."),
        "{text}"
    );
    assert!(text.contains("Листок № 8"), "{text}");
}

#[tokio::test]
async fn a_second_print_is_a_duplicate_and_a_silent_week_is_said_aloud() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let desk = school(&base.store).await;
        let press = press(&base.store);
        for _ in 0..2 {
            let printed = print(&press, "2026-W42", folder.path(), &desk)
                .await
                .expect("a run")
                .expect("a sheet");
            assert!(read(&printed.file).contains("За неделю новых отметок нет."));
        }
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM sheet WHERE duplicate_of IS NOT NULL")
                .await,
            1
        );
        let files = std::fs::read_dir(folder.path())
            .expect("the folder")
            .count();
        assert_eq!(files, 2, "one file a run, and nothing else");
    }
}

#[tokio::test]
async fn what_no_channel_could_carry_goes_on_the_sheet_of_who_hears_electronically() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = school(&base.store).await;
        let press = press(&base.store);
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("full", "The box is full.", Fault::Message),
        });
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')").await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(desk.calls.len(), 1, "the father's SMS was tried");
        let printed = print(&press, "2026-W42", folder.path(), &desk)
            .await
            .expect("a run")
            .expect("sheets");
        assert_eq!(printed.sheets, 1, "they live together");
        assert!(read(&printed.file).contains("Для кого: Соколова Ольга, Соколов Иван"));
        assert_eq!(desk.notices().await.get("told_by_paper"), Some(&2));
    }
}

#[tokio::test]
async fn two_homes_get_two_sheets_and_who_is_kept_away_gets_none() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = school(&base.store).await;
        let press = press(&base.store);
        desk.sql(
            "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'sms', 'withdrawn');
             UPDATE guardianship SET home = 'у отца' WHERE guardian_id = 2",
        )
        .await;
        let printed = print(&press, "2026-W42", folder.path(), &desk)
            .await
            .expect("a run");
        assert_eq!(printed.expect("sheets").sheets, 2);
        let codes = desk
            .number("SELECT COUNT(DISTINCT check_code) FROM sheet")
            .await;
        assert_eq!(codes, 2, "slips of two homes are told apart");
        desk.sql("UPDATE guardianship SET restricted_from = '2026-09-01' WHERE guardian_id = 2")
            .await;
        let printed = print(&press, "2026-W42", folder.path(), &desk)
            .await
            .expect("a run");
        let printed = printed.expect("sheets");
        assert_eq!(printed.sheets, 1);
        assert!(!read(&printed.file).contains("Соколов Иван"));
    }
}

#[tokio::test]
async fn a_bad_layout_delays_paper_only_and_what_it_was_to_tell_waits() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = school(&base.store).await;
        let good = press(&base.store);
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')").await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(desk.calls.len(), 1, "the father has heard");
        let endless =
            "#{ let s = 0; for a in range(100000) { for b in range(100000) { s += 1 } } }";
        for (layout, told) in [("\n#nothing", "line 2"), (endless, "was stopped")] {
            let bad = Press {
                layout: layout.into(),
                child: Child {
                    timeout: Duration::from_secs(2),
                    ..good.child.clone()
                },
                ..good.clone()
            };
            let error = print(&bad, "2026-W42", folder.path(), &desk)
                .await
                .expect_err(layout);
            assert!(matches!(
                error,
                PaperError::Render(RenderError::Template { .. } | RenderError::TimedOut(_))
            ));
            let failed = base.store.failed_runs().await.expect("the runs");
            assert!(failed[0].2.contains(told), "{failed:?}");
            desk.work().await;
            assert_eq!(
                desk.notices().await.get("waiting"),
                Some(&1),
                "it waits for the next run"
            );
            assert_eq!(
                std::fs::read_dir(folder.path())
                    .expect("the folder")
                    .count(),
                0
            );
        }
        let printed = print(&good, "2026-W42", folder.path(), &desk)
            .await
            .expect("a run");
        assert_eq!(printed.expect("sheets").sheets, 1);
        assert!(base.store.failed_runs().await.expect("the runs").is_empty());
        assert_eq!(desk.notices().await.get("told_by_paper"), Some(&1));
    }
}

#[tokio::test]
async fn a_run_that_broke_off_is_printed_again_as_it_was_and_told_once() {
    for base in both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let mut desk = school(&base.store).await;
        let good = press(&base.store);
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')").await;
        desk.until("2026-10-14T18:10:00").await;
        let slow = Press {
            layout: "#{ let s = 0; for a in range(100000) { for b in range(100000) { s += 1 } } }"
                .into(),
            ..good.clone()
        };
        let broken_off = tokio::time::timeout(
            Duration::from_secs(2),
            print(&slow, "2026-W42", folder.path(), &desk),
        );
        assert!(
            broken_off.await.is_err(),
            "the program ends while the child works"
        );
        // A correction meanwhile: what stands on the sheet is what was fixed.
        desk.sql("UPDATE mark SET value = '2'").await;
        assert_eq!(
            good.resume(folder.path(), desk.now).await.expect("a look"),
            0,
            "it may be alive"
        );
        desk.now += STALE;
        assert_eq!(
            good.resume(folder.path(), desk.now).await.expect("a run"),
            1
        );
        let file = std::fs::read_dir(folder.path())
            .expect("the folder")
            .next()
            .expect("a file");
        let text = read(&file.expect("a file").path());
        assert!(
            text.contains("5 (14.10)") && !text.contains("2 (14.10)"),
            "{text}"
        );
        assert_eq!(desk.notices().await.get("told_by_paper"), Some(&1));
        desk.minutes(60).await;
        assert_eq!(
            desk.notices().await.get("waiting"),
            Some(&1),
            "the correction has the next sheet"
        );
        assert_eq!(
            good.resume(folder.path(), desk.now).await.expect("a look"),
            0
        );
    }
}
