//! People do strange things in chats: nothing of it stops the bot, and nobody learns what is not theirs.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use vestnik::{store::Guest, text::ContentLevel};
use vestnik_contract::{Action, Attachment, Update};

use crate::{
    desk::{Desk, FAMILY},
    support::both,
    talk::Talk,
};

/// How many strange things are done.
const THINGS: usize = 400;

/// Words that no stranger may read.
const SECRETS: [&str; 6] = ["Маш", "Мари", "Соколов", "Математика", "5 «А»", "№ 12"];

/// Texts from both alphabets, from right to left, of no width, endless, and with what other programs take
/// for markup or commands.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[а-яА-Я0-9 .,!?-]{0,80}",
        Just("\u{202e}txet\u{200b}\u{feff}".to_owned()),
        Just("<b>x</b> & {{school}} *_[x](tg://user?id=1)".to_owned()),
        Just("\u{5e9}\u{5dc}\u{5d5}\u{5dd} /stop".to_owned()),
        Just("я".repeat(10_000)),
        Just("👨‍👩‍👧‍👦".repeat(1_000)),
        "/[a-z]{1,12}( [A-Z0-9]{0,70})?",
        "[2-9A-Z]{8}",
        Just("'; DROP TABLE guardian; --".to_owned()),
        Just(String::new()),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    let attachment = (
        texts(),
        any::<Option<String>>(),
        any::<u64>(),
        any::<Option<String>>(),
    )
        .prop_map(|(file, name, bytes, caption)| {
            Action::Attached(Attachment {
                file,
                name,
                mime: "application/pdf".into(),
                bytes,
                caption,
            })
        });
    let press = (texts(), any::<Option<u32>>()).prop_map(|(data, message)| Action::Pressed {
        press: "1".into(),
        message: message.map(|id| id.to_string()),
        data,
    });
    prop_oneof![
        4 => texts().prop_map(Action::Said),
        4 => press,
        1 => attachment,
        1 => Just(Action::Other),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_too_much_is_not_answered_and_nobody_else_waits() {
    let base = both().await.remove(0);
    let mut desk = Desk::open(&base.store);
    desk.sql(FAMILY).await;
    let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
    let says = |id: i64, chat: &str| Update {
        id,
        chat: chat.to_owned(),
        private: true,
        action: Action::Said("/start".into()),
    };
    let flood: Vec<Update> = (1..=300).map(|id| says(id, "99")).collect();
    assert!(talk.take(&flood, desk.now).await);
    let answered = talk.chats.shown(99).len();
    assert!((100..200).contains(&answered), "{answered}");
    assert!(talk.take(&[says(301, "98")], desk.now).await);
    assert_eq!(talk.chats.shown(98).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_texts_presses_and_files_stop_nothing_and_show_nobody_elses_child() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        desk.sql(FAMILY).await;
        desk.sql(
            "DELETE FROM contact;
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'messenger', 'given');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5');
             INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher');
             UPDATE class SET class_teacher_id = 1",
        )
        .await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let olga = talk
            .invite(
                Guest::Guardian {
                    guardian_id: 1,
                    student_id: 1,
                },
                desk.now,
            )
            .await;
        talk.says(&mut desk, 77, olga.letters()).await;
        let anna = talk.invite(Guest::Staff(1), desk.now).await;
        talk.says(&mut desk, 78, anna.letters()).await;
        let before = desk.number("SELECT COUNT(*) FROM guardian").await;

        // The seed is fixed: who sees it fail sees it again.
        let mut runner = TestRunner::new_with_rng(
            Config::default(),
            proptest::test_runner::TestRng::deterministic_rng(
                proptest::test_runner::RngAlgorithm::ChaCha,
            ),
        );
        let known: Vec<String> = [77, 78]
            .into_iter()
            .flat_map(|chat| talk.chats.shown(chat))
            .flat_map(|one| one.buttons.concat())
            .map(|(_, data)| data)
            .collect();
        let mut updates = Vec::new();
        for at in 0..THINGS {
            let action = actions().new_tree(&mut runner).unwrap().current();
            // Some press what is somebody else's.
            let action = match action {
                Action::Pressed { press, message, .. } if at % 3 == 0 => Action::Pressed {
                    press,
                    message,
                    data: known[at % known.len()].clone(),
                },
                other => other,
            };
            let chat = [77, 78, 99, -5][at % 4];
            updates.push(Update {
                id: 10_000 + i64::try_from(at).unwrap(),
                chat: i64::to_string(&chat),
                private: chat > 0,
                action,
            });
        }
        for some in updates.chunks(50) {
            assert!(
                talk.take(some, desk.now).await,
                "the database has nothing to do with it"
            );
            desk.work().await;
        }
        let stranger = talk.chats.shown(99);
        assert!(stranger.len() > 20, "everybody is answered");
        for one in &stranger {
            let secret = SECRETS.iter().find(|secret| one.text.contains(*secret));
            assert_eq!(secret, None, "{}", one.text);
        }
        assert!(talk.chats.shown(-5).is_empty(), "groups hear nothing");
        let teacher = talk.chats.shown(78);
        assert!(teacher.iter().all(|one| !one.text.contains("Математика")));
        assert_eq!(desk.number("SELECT COUNT(*) FROM guardian").await, before);
        assert_eq!(desk.number("SELECT COUNT(*) FROM announcement").await, 0);
        let home = talk.says(&mut desk, 77, "/pomosch").await;
        assert!(home.text.contains("Маша, 5 «А»"), "{}", home.text);
    }
}
