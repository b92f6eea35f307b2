//! Conversations with the bot, against the sandbox.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

use std::time::Duration;

use tokio::net::TcpListener;
use vestnik_contract::{Action, Button, Command, Messenger, Outcome, Screen};
use vestnik_telegram::{
    Settings, Telegram,
    sandbox::{self, Chats, TOKEN},
};

async fn bot(chats: &Chats) -> Telegram {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let chats = chats.clone();
    #[expect(clippy::disallowed_methods, reason = "it ends with the test")]
    tokio::spawn(sandbox::serve(listener, chats, Duration::ZERO));
    Telegram::new(&Settings {
        token: TOKEN.into(),
        api_url: Some(url),
        proxy: None,
        timeout: Duration::from_secs(5),
    })
    .unwrap()
}

fn screen(text: &str, labels: &[&str]) -> Screen {
    let button = |(at, label): (usize, &&str)| Button {
        label: (*label).to_owned(),
        data: format!("name.{at}"),
    };
    Screen {
        text: text.to_owned(),
        buttons: vec![labels.iter().enumerate().map(button).collect()],
    }
}

#[tokio::test]
async fn somebody_writes_presses_and_reads_the_answer_in_its_place() {
    let chats = Chats::default();
    let bot = bot(&chats).await;
    chats.says(77, "/start");
    let updates = bot.updates(0).await.unwrap();
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0].action, Action::Said("/start".into()));
    assert!(updates[0].private);

    let shown = bot.show("77", &screen("Кто вы?", &["Мама", "Папа"])).await;
    assert!(matches!(shown, Outcome::Accepted { .. }));
    assert!(chats.presses(77, "Папа"));
    assert!(!chats.presses(77, "Дядя"), "there is no such button");
    // What is confirmed is not said again.
    let updates = bot.updates(updates[0].id).await.unwrap();
    let Action::Pressed {
        press,
        message,
        data,
    } = &updates[0].action
    else {
        panic!("a press");
    };
    assert_eq!((data.as_str(), updates.len()), ("name.1", 1));
    bot.heard(press, Some("Хорошо")).await;
    assert_eq!(chats.alerts(), ["Хорошо"]);
    let message = message.clone().unwrap();
    for _ in 0..2 {
        let altered = bot.alter("77", &message, &screen("Готово", &[])).await;
        assert!(matches!(altered, Outcome::Accepted { .. }), "{altered:?}");
    }
    let shown = chats.shown(77);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].text, "Готово");
    assert!(shown[0].buttons.is_empty());
}

#[tokio::test]
async fn what_is_longer_than_a_message_comes_in_pieces_with_the_buttons_below_the_last() {
    let chats = Chats::default();
    let bot = bot(&chats).await;
    let long = "Домашнее задание\n".repeat(400);
    bot.show("77", &screen(&long, &["Назад"])).await;
    let shown = chats.shown(77);
    assert_eq!(shown.len(), 2);
    assert!(shown[0].buttons.is_empty());
    assert_eq!(shown[1].buttons[0][0].0, "Назад");
}

#[tokio::test]
async fn each_chat_has_its_own_menu_and_says_when_it_leaves() {
    let chats = Chats::default();
    let bot = bot(&chats).await;
    let commands = [Command {
        name: "segodnya".into(),
        words: "Сегодня".into(),
    }];
    let set = bot.menu("77", &commands).await;
    assert!(matches!(set, Outcome::Accepted { .. }), "{set:?}");
    assert_eq!(chats.menu(77), ["segodnya"]);
    assert!(chats.menu(78).is_empty());
    chats.blocks(77);
    chats.returns(77);
    let updates = bot.updates(0).await.unwrap();
    let actions: Vec<_> = updates.iter().map(|one| &one.action).collect();
    assert_eq!(actions, [&Action::Left, &Action::Returned]);
}

#[tokio::test]
async fn a_file_with_words_under_it_is_named_and_a_group_is_no_private_chat() {
    let chats = Chats::default();
    let bot = bot(&chats).await;
    chats.attaches(77, "Экскурсия.pdf", &[0; 2_000], Some("Согласие"));
    chats.says(-5, "5А");
    let updates = bot.updates(0).await.unwrap();
    let Action::Attached(file) = &updates[0].action else {
        panic!("a file");
    };
    assert_eq!(file.name.as_deref(), Some("Экскурсия.pdf"));
    assert_eq!(
        (file.bytes, file.caption.as_deref()),
        (2_000, Some("Согласие"))
    );
    assert!(!updates[1].private);
}

#[tokio::test]
async fn of_two_programs_with_one_token_the_first_is_told_so() {
    let chats = Chats::default();
    let (first, second) = (bot(&chats).await, bot(&chats).await);
    let story = async {
        let (early, late) = tokio::join!(first.updates(0), async {
            let late = second.updates(0);
            let write = async {
                // The second asks before anything happens; what happens then is its own.
                while chats.pollers() < 2 {
                    tokio::task::yield_now().await;
                }
                chats.says(77, "/start");
            };
            tokio::join!(late, write).0
        });
        let refused = early.err().or(None);
        (refused, late)
    };
    let (refused, late) = tokio::time::timeout(Duration::from_secs(20), story)
        .await
        .unwrap();
    match refused {
        Some(reason) => {
            assert_eq!(reason.code, "telegram_409");
            assert_eq!(late.unwrap().len(), 1);
        }
        // The first asked after the second.
        None => assert_eq!(late.unwrap_err().code, "telegram_409"),
    }
}
