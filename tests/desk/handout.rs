//! Sheets after they were printed: handed out, kept, signed, spoiled and printed once more; each family's proof
//! in the ledger, on both databases.

use std::{path::Path, process::Command};

use rand::{SeedableRng, rngs::StdRng};
use vestnik::{
    family::contact::Channel,
    journal::class_name::ClassName,
    paper::{
        extract::Extract,
        handout::{Deed, How, Refused, Stand, Tick},
        press::{PaperError, Press},
    },
    policy::Policy,
    store::{Entry, Guest},
    text::ContentLevel,
};

use crate::{
    desk::Desk,
    ledger::{ledger, seen},
    paper::press,
    support::both,
    talk::{Talk, read},
    teacher::{class_on_paper, pin},
};

const WEEK: &str = "2026-W42";

/// Class 5А of Anna Ivanova, whose ten families hear on paper, each of one mark; its sheets are printed on
/// Friday.
async fn printed(desk: &mut Desk, folder: &Path) -> Press {
    class_on_paper(desk).await;
    desk.write("INSERT INTO subject (name) VALUES ('Математика')")
        .await;
    for student in 2..12 {
        desk.write(&format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES ({student}, 1, '2026-10-14', '5')"
        ))
        .await;
    }
    desk.work().await;
    desk.until("2026-10-16T13:00:00").await;
    let press = Press {
        configured: vec![Channel::Email, Channel::Sms, Channel::Telegram],
        ..press(&desk.store)
    };
    let class = ClassName {
        grade: 5,
        letter: "А".into(),
    };
    let week = WEEK.parse().unwrap();
    let mut random = StdRng::seed_from_u64(41);
    let sheets = press
        .print((1, &class), week, folder, desk.now, &mut random)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(sheets.sheets, 10);
    // The register comes first.
    assert_eq!(sheets.pages, 11);
    let text = pdf_text(&sheets.file);
    assert!(text.contains("Реестр выдачи листков"), "{text}");
    press
}

fn pdf_text(file: &Path) -> String {
    let output = Command::new("pdftotext")
        .args(["-raw".as_ref(), file.as_os_str(), "-".as_ref()])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

async fn register(desk: &Desk) -> Vec<Entry> {
    let week = WEEK.parse().unwrap();
    desk.store.sheet_register(1, week).await.unwrap()
}

/// The evidence of a student's only guardian in the ledger, and why there is no more.
async fn proof(desk: &Desk, guardian: i64) -> (String, String) {
    let lines = ledger(desk, WEEK, &Policy::defaults().unwrap()).await;
    let seen = seen(&lines);
    let (_, evidence, why, _) = seen.iter().find(|(id, ..)| *id == guardian).unwrap();
    (
        evidence.unwrap_or_default().to_owned(),
        why.unwrap_or_default().to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_teacher_hands_out_and_the_ledger_knows_who_has_what() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store).with_buttons();
        printed(&mut desk, folder.path()).await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let code = talk.invite(Guest::Staff(1), desk.now).await;
        talk.says(&mut desk, 600, code.letters()).await;

        let shown = talk.says(&mut desk, 600, "/listki").await;
        assert!(
            shown
                .text
                .starts_with("Листки на бумаге, 5 «А», № 7: 10 листков.\nВыдано 0, корешков вернулось 0.\n1. Ученик2 Имя2 – напечатан, выдача не отмечена"),
            "{}",
            shown.text
        );
        assert_eq!(proof(&desk, 1).await.0, "E1");
        talk.presses(&mut desk, 600, "Листки в PDF").await;
        let (name, pages) = talk.last(600).document.unwrap();
        assert_eq!(name, "2026-W42_5А_r1.pdf");
        assert!(pages.starts_with(b"%PDF-"));
        talk.presses(&mut desk, 600, "Выданы не все").await;
        let wrong = talk.says(&mut desk, 600, "все, кроме 11").await;
        assert!(wrong.text.contains("номера от 1 до 10"), "{}", wrong.text);
        let why = talk.says(&mut desk, 600, "все, кроме 3 и 7").await;
        assert!(
            why.text
                .contains("№ 3, Ученик4 Имя4: почему листок не выдан?"),
            "{}",
            why.text
        );
        talk.presses(&mut desk, 600, "болеет").await;
        let shown = talk.presses(&mut desk, 600, "не пришёл за листком").await;
        for line in [
            "Выдано 8, корешков вернулось 0.",
            "3. Ученик4 Имя4 – не выдан: болеет",
            "7. Ученик8 Имя8 – не выдан: не пришёл за листком",
        ] {
            assert!(shown.text.contains(line), "{line}\n{}", shown.text);
        }
        assert_eq!(proof(&desk, 1).await.0, "E2");
        let (evidence, why) = proof(&desk, 3).await;
        assert_eq!((evidence.as_str(), why.as_str()), ("E0", "not_handed"));

        slips(&mut talk, &mut desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_monday_the_class_teacher_is_reminded_of_sheets_that_nobody_accounted_for() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store).with_buttons();
        printed(&mut desk, folder.path()).await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let code = talk.invite(Guest::Staff(1), desk.now).await;
        talk.says(&mut desk, 600, code.letters()).await;
        talk.says(&mut desk, 600, "/listki").await;
        talk.presses(&mut desk, 600, "Выданы не все").await;
        talk.says(&mut desk, 600, "1-9").await;
        desk.until("2026-10-19T14:00:00").await;
        talk.work(&mut desk).await;
        let reminder = "Выдача 1 листка прошлой недели не отмечена. Отметить: /listki.";
        assert_eq!(talk.last(600).text, reminder);
        talk.restart();
        desk.minutes(30).await;
        talk.work(&mut desk).await;
        let shown = talk.chats.shown(600);
        let reminders = shown.iter().filter(|one| one.text == reminder);
        assert_eq!(reminders.count(), 1, "once");
    }
}

/// Slips come back: by rows, by the code that was typed, and by a photo.
async fn slips(talk: &mut Talk, desk: &mut Desk) {
    talk.presses(desk, 600, "Вернулись корешки").await;
    talk.says(desk, 600, "1").await;
    assert_eq!(proof(desk, 1).await.0, "E4");
    let second = register(desk).await.remove(1);
    talk.presses(desk, 600, "Вернулись корешки").await;
    let latin = second.code.to_lowercase().replace('-', " ");
    let taken = talk.says(desk, 600, &latin).await;
    assert!(taken.text.contains(&second.code), "{}", taken.text);
    let strange = talk.says(desk, 600, "9Я-01-01-А1").await;
    assert!(strange.text.starts_with("Таких кодов"), "{}", strange.text);
    // The slip of one who did not get the sheet, they said, proves that it is there.
    let third = register(desk).await.remove(2);
    talk.chats
        .attaches(600, "корешок.png", &photo(&third.code), None);
    talk.work(desk).await;
    assert!(
        talk.last(600).text.contains(&third.code),
        "{}",
        talk.last(600).text
    );
    assert_eq!(proof(desk, 3).await.0, "E4");
    talk.chats.attaches(600, "стена.jpg", b"no picture", None);
    talk.work(desk).await;
    assert!(talk.last(600).text.starts_with("На фото не видно кода"));
    let shown = talk.says(desk, 600, "/listki").await;
    assert!(
        shown.text.contains("Выдано 9, корешков вернулось 3."),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("7. Ученик8 Имя8 – не выдан"));
    assert!(
        !read(&shown).contains("[Все выданы]") && read(&shown).contains("[Выданы не все]"),
        "nothing is left of which nobody said anything"
    );
    let deeds = desk.number("SELECT COUNT(*) FROM sheet_deed").await;
    assert_eq!(deeds, 10 + 3, "each word is kept");
}

/// A picture of a code, as a phone might take it.
fn photo(code: &str) -> Vec<u8> {
    const MODULE: usize = 6;
    const MARGIN: usize = 5 * MODULE;
    let picture = qrcode::QrCode::with_error_correction_level(code, qrcode::EcLevel::M).unwrap();
    let (width, colors) = (picture.width(), picture.to_colors());
    let side = u32::try_from(width * MODULE + 2 * MARGIN).unwrap();
    let image = image::GrayImage::from_fn(side, side, |x, y| {
        let at = |pixel: u32| {
            let inside = (pixel as usize).checked_sub(MARGIN)? / MODULE;
            (inside < width).then_some(inside)
        };
        let dark = at(x)
            .zip(at(y))
            .is_some_and(|(x, y)| colors[y * width + x] == qrcode::Color::Dark);
        image::Luma([if dark { 20 } else { 235 }])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spoiled_sheet_is_printed_once_more_as_it_was_and_the_duplicate_is_the_proof() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store);
        let press = printed(&mut desk, folder.path()).await;
        let sheet = register(&desk).await.remove(4);
        // What changes afterwards is news, and not on the duplicate.
        desk.sql("UPDATE mark SET value = '2' WHERE student_id = 6")
            .await;
        let mut random = StdRng::seed_from_u64(91);
        let again = press.reprint(&sheet.code, folder.path(), desk.now, &mut random);
        let again = again.await.unwrap().unwrap();
        let text = pdf_text(&again.file);
        assert_eq!(again.pages, 1);
        assert!(
            text.contains("дубликат") && text.contains("5 (14.10)"),
            "{text}"
        );
        let now = register(&desk).await;
        assert_eq!(now.len(), 10, "the duplicate stands for the first one");
        let duplicate = now.iter().find(|one| one.code == sheet.code).unwrap();
        assert!(duplicate.duplicate && duplicate.row == sheet.row);
        assert_eq!(duplicate.stand, Stand::Printed);
        let deed = Deed::HandOut(How::InPerson, Some("отцу".into()));
        let say = async |id| {
            let said = desk.store.say_of_sheet(id, &deed, None, desk.now);
            said.await.unwrap()
        };
        assert_eq!(say(sheet.id).await, Err(Refused::Replaced));
        assert_eq!(say(duplicate.id).await, Ok(Stand::HandedOut));
        assert_eq!(proof(&desk, sheet.guardian_id).await.0, "E2");
        // The duplicate is lost, too; the third copy stands for both, and its slip for what the first one told.
        let say_of = async |id, deed: Deed| {
            let said = desk.store.say_of_sheet(id, &deed, None, desk.now);
            said.await.unwrap()
        };
        assert_eq!(say_of(duplicate.id, Deed::Lose).await, Ok(Stand::Missing));
        let copy = press.reprint(&sheet.code, folder.path(), desk.now, &mut random);
        copy.await.unwrap().unwrap();
        let now = register(&desk).await;
        assert_eq!(now.len(), 10);
        let copy = now.iter().find(|one| one.code == sheet.code).unwrap();
        assert_eq!(proof(&desk, sheet.guardian_id).await.0, "E1");
        let signed = Deed::TakeSlip(std::collections::BTreeSet::new());
        assert_eq!(say_of(copy.id, signed).await, Ok(Stand::SlipBack));
        assert_eq!(proof(&desk, sheet.guardian_id).await.0, "E4");
        let slips = desk.number("SELECT COUNT(*) FROM acknowledgement WHERE kind = 'slip'");
        assert_eq!(slips.await, 1, "what the first sheet told is signed");
        let third = press.reprint(&sheet.code, folder.path(), desk.now, &mut random);
        assert!(matches!(third.await, Err(PaperError::Signed)));
        assert!(
            press
                .reprint("9Я-01-01-А1", folder.path(), desk.now, &mut random)
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_extract_says_what_was_tells_nobody_and_can_be_archived() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store);
        let press = printed(&mut desk, folder.path()).await;
        let before = desk.number("SELECT COUNT(*) FROM sheet").await;
        let week = WEEK.parse().unwrap();
        let mut asked = Extract {
            class: 1,
            student: Some(2),
            weeks: (week, week),
            number: Some("14".into()),
            certified: true,
            archived: true,
        };
        let pdf = press.extract(&asked, desk.now).await.unwrap().unwrap();
        assert_eq!(pdf.pages, 1);
        let file = folder.path().join("extract.pdf");
        std::fs::write(&file, &pdf.bytes).unwrap();
        let text = pdf_text(&file);
        for words in [
            "Ученик2 Имя2, 5 «А»",
            "Выписка из электронного журнала № 14",
            "Период 12–17 октября 2026",
            "5 (14.10)",
            "Верно. Директор",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(!text.contains("отрежьте"), "{text}");
        let bytes = String::from_utf8_lossy(&pdf.bytes);
        assert!(bytes.contains("pdfaid:part"), "it says that it is PDF/A");
        asked.student = None;
        let all = press.extract(&asked, desk.now).await.unwrap().unwrap();
        assert_eq!(all.pages, 10);
        asked.student = Some(1);
        assert!(press.extract(&asked, desk.now).await.unwrap().is_none());
        let after = desk.number("SELECT COUNT(*) FROM sheet").await;
        assert_eq!(before, after);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_nothing_electronic_works_families_are_called_and_told_the_homework() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store);
        class_on_paper(&desk).await;
        desk.write(
            "INSERT INTO subject (name) VALUES ('Математика');
             INSERT INTO homework (class_id, subject_id, assigned_on, due_on, text)
                 VALUES (1, 1, '2026-10-14', '2026-10-15', '№ 214, 216');
             INSERT INTO contact (guardian_id, channel, address) VALUES (1, 'sms', '+79000000011');
             UPDATE guardianship SET rights = 'deprived' WHERE guardian_id = 2",
        )
        .await;
        desk.work().await;
        let pdf = press(&desk.store)
            .calls(1, desk.now)
            .await
            .unwrap()
            .unwrap();
        let file = folder.path().join("calls.pdf");
        std::fs::write(&file, &pdf.bytes).unwrap();
        let text = pdf_text(&file);
        for words in [
            "Список для звонков",
            "чт 15.10. Математика: № 214, 216",
            "+79000000011",
            "телефона нет",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(
            !text.contains("Мать3"),
            "who must not hear is not called\n{text}"
        );
    }
}

/// What a family ticks on its slip is a question like any other: the class teacher hears of it, and answers on the next
/// sheet.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_on_a_slip_is_answered_on_the_next_sheet() {
    for base in both().await {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Desk::open(&base.store).with_buttons();
        let press = printed(&mut desk, folder.path()).await;
        let first = register(&desk).await.remove(0);
        let boxes = std::collections::BTreeSet::from([Tick::Read, Tick::Question, Tick::Call]);
        for _ in 0..2 {
            let slip = Deed::TakeSlip(boxes.clone());
            let said = desk.store.say_of_sheet(first.id, &slip, None, desk.now);
            assert!(said.await.unwrap().is_ok());
        }
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM inquiry").await,
            1,
            "taken twice, asked once"
        );
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let code = talk.invite(Guest::Staff(1), desk.now).await;
        talk.says(&mut desk, 600, code.letters()).await;
        let asked = talk.presses(&mut desk, 600, "Вопросы семей").await;
        assert!(asked.text.contains("Семьи спрашивают"), "{}", asked.text);
        let asked = talk.presses(&mut desk, 600, "Имя2 У., 5 «А»: вопрос").await;
        assert!(
            asked
                .text
                .contains("на корешке листка № 7 отмечено: есть вопрос, позвоните мне"),
            "{}",
            asked.text
        );
        talk.says(&mut desk, 600, "Позвоню в среду после 18:00.")
            .await;
        talk.presses(&mut desk, 600, "Отправить").await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM saying WHERE channel = 'paper'")
                .await,
            0
        );
        desk.until("2026-10-23T13:00:00").await;
        let class = ClassName {
            grade: 5,
            letter: "А".into(),
        };
        let mut random = StdRng::seed_from_u64(91);
        let next = press
            .print(
                (1, &class),
                "2026-W43".parse().unwrap(),
                folder.path(),
                desk.now,
                &mut random,
            )
            .await
            .unwrap()
            .unwrap();
        let text = pdf_text(&next.file);
        assert_eq!(
            text.matches("Позвоню в среду после 18:00.").count(),
            1,
            "on one sheet: {text}"
        );
        assert!(text.contains("От классного руководителя"), "{text}");
    }
}
