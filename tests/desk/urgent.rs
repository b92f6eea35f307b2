//! An urgent word to a whole class by every road that there is.

use vestnik::text::ContentLevel;
use vestnik_contract::{Fault, Outcome, Reason};

use crate::{
    desk::Desk,
    support::both,
    talk::Talk,
    teacher::{ANNA, class_of, pin},
};

/// Nine mothers in the messenger, of whom one has blocked the bot, eight mailboxes, of which one is gone, six
/// phones, of which one is never on, and four families on paper.
fn roads_of_27() -> Vec<(&'static str, String)> {
    let mut roads = vec![("telegram", "10403".to_owned())];
    roads.extend((201..209).map(|chat| ("telegram", chat.to_string())));
    roads.extend((1..9).map(|at| ("email", format!("family{at}@example.org"))));
    roads.extend((11..17).map(|at| ("sms", format!("+790000000{at}"))));
    roads.extend((0..4).map(|_| ("", String::new())));
    roads
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_word_reaches_27_families_by_all_that_there_is_and_the_others_are_called() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        class_of(&desk, &roads_of_27()).await;
        desk.work().await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let code = talk.invite(ANNA, desk.now).await;
        talk.says(&mut desk, 600, code.letters()).await;
        let mut carrier = talk.carrier();
        desk.provider(move |message| match message.address.as_str() {
            "family3@example.org" => Outcome::Rejected {
                reason: Reason::new("smtp_550", "no such mailbox", Fault::Address),
            },
            "+79000000016" => Outcome::Rejected {
                reason: Reason::new("sms_absent", "the number is not in use", Fault::Address),
            },
            _ => carrier(message),
        });
        talk.says(&mut desk, 600, "/obyavlenie").await;
        talk.says(&mut desk, 600, "Завтра уроков нет: авария отопления")
            .await;
        let check = talk.presses(&mut desk, 600, "Сделать срочным").await;
        assert!(
            check
                .text
                .contains("27 учеников, 27 получателей – SMS 6, почта 8, Telegram 9, бумага 4."),
            "{}",
            check.text
        );
        talk.presses(&mut desk, 600, "Отправить 27 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        desk.minutes(2).await;
        talk.work(&mut desk).await;
        let report = talk.last(600).text;
        assert!(
            report.starts_with("Готово.\nДоставлено 20. Бумага: 7 – в листках недели."),
            "{report}"
        );
        for who in ["Мать2 О.: Telegram", "Мать13 О.: почта", "Мать24 О.: SMS"]
        {
            let line = format!("{who} – не дошло, пойдёт другим путём или на листке.");
            assert!(report.contains(&line), "{line}\n{report}");
        }
        for chat in 201..209 {
            assert_eq!(talk.chats.shown(chat).len(), 1, "one word, once");
        }
        // What is urgent does not wait for a sheet.
        talk.presses(&mut desk, 600, "Кому дошло").await;
        let calls = talk.presses(&mut desk, 600, "Список для звонков").await;
        for who in [2, 13, 24, 25, 26, 27, 28] {
            assert!(
                calls.text.contains(&format!("Мать{who} О. (Имя{who} У.)")),
                "{}",
                calls.text
            );
        }
        assert_eq!(calls.text.lines().count(), 8, "{}", calls.text);
    }
}
