//! What families press below messages.

use vestnik::{policy::Policy, store::Guest, text::ContentLevel};

use crate::{
    desk::{Desk, FAMILY},
    ledger::{ledger, seen},
    support::both,
    talk::{Talk, read},
};

/// Olga hears at once by the bot in chat 77, and knows how to talk to it.
async fn by_bot(desk: &mut Desk) -> Talk {
    desk.sql(FAMILY).await;
    desk.sql(
        "DELETE FROM contact; DELETE FROM guardianship WHERE guardian_id = 2;
         INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'messenger', 'given')",
    )
    .await;
    let mut talk = Talk::beside(desk, ContentLevel::Full).await;
    let olga = Guest::Guardian {
        guardian_id: 1,
        student_id: 1,
    };
    let code = talk.invite(olga, desk.now).await;
    talk.says(desk, 77, code.letters()).await;
    talk.presses(desk, 77, "Мама").await;
    talk.presses(desk, 77, "Сразу").await;
    talk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_is_acknowledged_once_and_the_ledger_knows() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = by_bot(&mut desk).await;
        desk.sql(
            "INSERT INTO announcement (class_id, title, text, confirm) \
             VALUES (1, 'Собрание', 'Собрание 20.10 в 18:00, каб. 24', 'one')",
        )
        .await;
        desk.minutes(31).await;
        let told = talk.last(77);
        assert!(
            read(&told)
                .ends_with("[Ознакомлен(а)]\n[Вопрос учителю] [Ошибка в журнале]\n[Настройки]"),
            "{}",
            read(&told)
        );
        let noted = talk.presses(&mut desk, 77, "Ознакомлен(а)").await;
        assert_eq!(noted.message_id, told.message_id, "in its place");
        assert_eq!(
            noted.text,
            format!("{}\n\nОзнакомлен(а) 14 октября, 09:31.", told.text)
        );
        assert!(!read(&noted).contains("[Ознакомлен(а)]"));
        // The old button, which another device may still show, changes nothing.
        talk.chats.press(77, told.message_id, &told.buttons[0][0].1);
        talk.work(&mut desk).await;
        let rows = "SELECT COUNT(*) FROM acknowledgement WHERE kind = 'button' AND guardian_id = 1";
        assert_eq!(desk.number(rows).await, 1);
        let lines = ledger(&desk, "2026-W42", &Policy::defaults().unwrap()).await;
        assert_eq!(seen(&lines), [(1, Some("E3"), None, false)]);
        // Nobody else's chat acknowledges it.
        talk.chats.press(78, told.message_id, &told.buttons[0][0].1);
        talk.work(&mut desk).await;
        assert!(!talk.last(78).text.contains("Собрание"));
        assert_eq!(desk.number(rows).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_stays_where_it_is_when_somebody_asks_below_it_and_is_edited_when_corrected() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = by_bot(&mut desk).await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')")
            .await;
        desk.minutes(31).await;
        let told = talk.last(77);
        assert!(read(&told).ends_with("[Вопрос учителю] [Ошибка в журнале]\n[Настройки]"));
        let words = talk.presses(&mut desk, 77, "Вопрос учителю").await;
        assert!(words.message_id > told.message_id);
        assert!(words.text.starts_with("Напишите вопрос"), "{}", words.text);

        desk.sql("UPDATE mark SET value = '4'").await;
        desk.minutes(31).await;
        let shown = talk.chats.shown(77);
        let edited = shown
            .iter()
            .find(|one| one.message_id == told.message_id)
            .unwrap();
        assert_eq!(edited.before, std::slice::from_ref(&told.text));
        assert!(edited.text.contains("исправлено"), "{}", edited.text);
        assert_eq!(edited.buttons, told.buttons, "they are still there");
        assert!(shown.last().unwrap().text.contains('4'));
    }
}
