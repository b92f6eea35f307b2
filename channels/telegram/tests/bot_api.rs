//! The channel at a Bot API server: every answer that a notifying bot meets.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestnik_contract::{
    Action, Channel, Fault, File, Message, Messenger, Outcome, Reason, Replaced, Scope,
};
use vestnik_telegram::{
    MAX_TEXT, Settings, Telegram,
    sandbox::{self, Chats, TOKEN},
};

/// A loopback address with a port that nobody uses.
async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

fn bot(address: SocketAddr, token: &str) -> Telegram {
    Telegram::new(&Settings {
        token: token.into(),
        api_url: Some(format!("http://{address}")),
        proxy: None,
        timeout: Duration::from_secs(2),
    })
    .expect("a bot")
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
async fn school() -> (Telegram, Chats, SocketAddr) {
    let (listener, address) = listener().await;
    let chats = Chats::default();
    tokio::spawn(sandbox::serve(listener, chats.clone(), Duration::ZERO));
    (bot(address, TOKEN), chats, address)
}

fn message(chat: &str, text: &str) -> Message {
    Message {
        reference: "0123456789ABCDEF".into(),
        client_ref: 1,
        address: chat.into(),
        subject: None,
        text: text.into(),
        html: None,
        calendar: None,
        follows: None,
        replaces: Vec::new(),
        composed_at: 0,
        buttons: Vec::new(),
        files: Vec::new(),
        to_family: true,
    }
}

fn reason(outcome: &Outcome) -> &Reason {
    match outcome {
        Outcome::Rejected { reason }
        | Outcome::InDoubt { reason }
        | Outcome::Deferred { reason, .. } => reason,
        Outcome::Accepted { .. } => panic!("it was accepted"),
    }
}

#[tokio::test]
async fn a_text_arrives_as_it_was_written() {
    let (bot, chats, _) = school().await;
    let text = "Школа № 12. Маша, 5 «А»\n– Математика: 5 <b>*не жирно*</b> _ё_ & \u{a0}👍";
    let outcome = bot.send(&message("77", text)).await;
    assert_eq!(
        outcome,
        Outcome::Accepted {
            provider_ref: Some("1".into())
        }
    );
    assert_eq!(chats.all()[0].text, text);
    assert_eq!(chats.all()[0].chat, 77);
    assert_eq!(
        bot.check().await.expect("a bot"),
        "the bot answers as @school_test_bot"
    );
}

#[tokio::test]
async fn each_refusal_has_its_class_and_its_reason() {
    let (bot, chats, _) = school().await;
    for (chat, code, fault) in [
        ("403", "telegram_blocked", Fault::Address),
        ("4031", "telegram_deactivated", Fault::Address),
        ("400", "telegram_no_chat", Fault::Address),
        ("mama", "telegram_no_chat_id", Fault::Address),
    ] {
        let outcome = bot.send(&message(chat, "текст")).await;
        assert!(
            matches!(outcome, Outcome::Rejected { .. }),
            "{chat}: {outcome:?}"
        );
        assert_eq!(
            (reason(&outcome).code.as_str(), reason(&outcome).fault),
            (code, fault)
        );
    }
    for (text, code) in [
        ("а".repeat(MAX_TEXT + 1), "telegram_too_long"),
        (" \n".into(), "telegram_empty"),
    ] {
        let outcome = bot.send(&message("77", &text)).await;
        assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
        assert_eq!(
            (reason(&outcome).code.as_str(), reason(&outcome).fault),
            (code, Fault::Message)
        );
    }
    for (chat, code) in [
        ("429", "telegram_429"),
        ("401", "telegram_token"),
        ("409", "telegram_409"),
    ] {
        let outcome = bot.send(&message(chat, "текст")).await;
        assert!(
            matches!(
                outcome,
                Outcome::Deferred {
                    scope: Scope::Lane,
                    ..
                }
            ),
            "{chat}: {outcome:?}"
        );
        assert_eq!(reason(&outcome).code, code);
    }
    let Outcome::Deferred { retry_after, .. } = bot.send(&message("429", "текст")).await
    else {
        panic!("it was not put off");
    };
    assert_eq!(
        retry_after,
        Some(Duration::from_secs(2)),
        "as long as it says"
    );
    assert!(chats.all().is_empty(), "nothing of this was taken");
}

#[tokio::test]
async fn what_may_have_been_taken_is_in_doubt() {
    let (bot, chats, _) = school().await;
    for (chat, code) in [
        ("504", "telegram_timeout"),
        // The library sleeps ten seconds after a server's error, which is longer than our patience.
        ("500", "telegram_timeout"),
        ("413", "telegram_lost"),
    ] {
        let outcome = bot.send(&message(chat, "текст")).await;
        assert!(
            matches!(outcome, Outcome::InDoubt { .. }),
            "{chat}: {outcome:?}"
        );
        assert_eq!(reason(&outcome).code, code, "{chat}");
    }
    assert_eq!(chats.all().len(), 3);
}

#[tokio::test]
async fn a_chat_that_has_become_another_one_is_followed_once() {
    let (bot, chats, _) = school().await;
    let outcome = bot.send(&message("-401", "текст")).await;
    assert_eq!(
        outcome,
        Outcome::Accepted {
            provider_ref: Some("-100401/1".into())
        }
    );
    assert_eq!(chats.all()[0].chat, -100_401);
}

#[tokio::test]
async fn a_message_is_edited_and_a_file_is_sent() {
    let (bot, chats, _) = school().await;
    bot.send(&message("77", "было 3")).await;
    for _ in 0..2 {
        let outcome = bot.edit("77", "1", "верно 4", &[]).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    assert_eq!(chats.all()[0].text, "верно 4");
    assert_eq!(
        chats.all()[0].before,
        ["было 3"],
        "the same text is no second edit"
    );
    let outcome = bot.edit("77", "9", "верно 4", &[]).await;
    assert!(matches!(outcome, Outcome::Rejected { .. }), "{outcome:?}");
}

#[tokio::test]
async fn files_are_fetched_from_a_chat_and_sent_into_another() {
    let (bot, chats, _) = school().await;
    chats.attaches(77, "Листок № 6.pdf", b"%PDF-1.7", Some("5 «А»"));
    let update = bot.updates(0).await.expect("an update").remove(0);
    let Action::Attached(attachment) = update.action else {
        panic!("a file was sent");
    };
    assert_eq!(attachment.caption.as_deref(), Some("5 «А»"));
    let content = bot.fetch(&attachment.file, 100).await.expect("a file");
    assert_eq!(content, b"%PDF-1.7");
    let refused = bot.fetch(&attachment.file, 5).await.expect_err("too large");
    assert_eq!(refused.code, "too_large");
    assert!(bot.fetch("unknown", 100).await.is_err());
    for (name, mime) in [
        ("Листок № 6.pdf", "application/pdf"),
        ("афиша.jpg", "image/jpeg"),
    ] {
        let file = File {
            name: name.into(),
            mime: mime.into(),
            content: b"%PDF-1.7".as_slice().into(),
        };
        let outcome = bot.document("78", &file).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    let names: Vec<_> = chats
        .all()
        .into_iter()
        .filter_map(|one| one.document)
        .collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0], ("Листок № 6.pdf".into(), b"%PDF-1.7".to_vec()));
    assert_eq!(names[1].0, "афиша.jpg");
}

#[tokio::test]
async fn a_wrong_token_and_a_server_that_is_not_there_rest_the_bot() {
    let (_, _, address) = school().await;
    let outcome = bot(address, "123456:OTHER")
        .send(&message("77", "текст"))
        .await;
    assert!(
        matches!(
            outcome,
            Outcome::Deferred {
                scope: Scope::Lane,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(reason(&outcome).code, "telegram_token");
    assert_eq!(reason(&outcome).fault, Fault::Account);
    let (nobody, address) = listener().await;
    drop(nobody);
    let outcome = bot(address, TOKEN).send(&message("77", "текст")).await;
    assert!(
        matches!(
            outcome,
            Outcome::Deferred {
                scope: Scope::Lane,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert_eq!(reason(&outcome).code, "telegram_unreachable");
    let printed = format!("{outcome:?}");
    assert!(
        !printed.contains("TESTTOKEN") && !printed.contains("текст"),
        "{printed}"
    );
}

/// No status without the Bot API's own JSON is a success, and none of them ends a message: whatever
/// stands between answered in Telegram's place.
#[tokio::test]
async fn what_is_not_the_bot_api_is_never_a_success() {
    for status in [200, 204, 301, 400, 403, 404, 429, 500, 503] {
        let (listener, address) = listener().await;
        let answer = async {
            let (mut socket, _) = listener.accept().await.expect("a call");
            let mut request = vec![0; 4096];
            let _ = socket.read(&mut request).await.expect("a request");
            let page = "<html>proxy</html>";
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{page}",
                page.len()
            );
            socket.write_all(head.as_bytes()).await.expect("an answer");
        };
        let bot = bot(address, TOKEN);
        let message = message("77", "текст");
        let (outcome, ()) = tokio::join!(bot.send(&message), answer);
        assert!(
            matches!(outcome, Outcome::InDoubt { .. }),
            "{status}: {outcome:?}"
        );
    }
}

/// What is not right any more is replaced where it stands, and then the correction comes; where the old
/// message cannot be edited the correction comes all the same.
#[tokio::test]
async fn a_correction_also_replaces_what_it_corrects() {
    let (bot, chats, _) = school().await;
    bot.send(&message("77", "Математика: 5")).await;
    let replaces = |provider_ref: &str| {
        vec![Replaced {
            provider_ref: provider_ref.into(),
            text: "Математика: 5\n\n✎ теперь 3".into(),
            buttons: Vec::new(),
        }]
    };
    for (number, reference) in ["1", "77/1", "999", "nonsense"].into_iter().enumerate() {
        let correction = Message {
            replaces: replaces(reference),
            ..message("77", "исправлено, было 5, теперь 3")
        };
        let outcome = bot.send(&correction).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        assert_eq!(chats.all().len(), number + 2);
    }
    let first = &chats.all()[0];
    assert_eq!(first.text, "Математика: 5\n\n✎ теперь 3");
    assert_eq!(first.before, ["Математика: 5"]);
}
