//! Who leads the school hears in the morning how yesterday was, decides, and can stop everything.

use vestnik::{policy::Policy, store::Guest, text::ContentLevel};

use crate::{
    desk::{Desk, FAMILY, classmates},
    support::both,
    talk::{Talk, read},
};

/// The director in chat 600, the secretary in chat 601.
async fn director(desk: &mut Desk) -> Talk {
    desk.sql(FAMILY).await;
    desk.sql(
        "INSERT INTO staff (surname, given_name, role) VALUES ('Седова', 'Вера', 'director');
         INSERT INTO staff (surname, given_name, role) VALUES ('Птицына', 'Инна', 'secretary')",
    )
    .await;
    let mut talk = Talk::beside(desk, ContentLevel::Full).await;
    for (staff, chat) in [(1, 600), (2, 601)] {
        let code = talk.invite(Guest::Staff(staff), desk.now).await;
        talk.says(desk, chat, code.letters()).await;
    }
    talk
}

async fn pin(talk: &mut Talk, desk: &mut Desk) {
    let digits: Vec<String> = "2718227182".chars().map(String::from).collect();
    talk.presses_all(desk, 600, &digits).await;
    desk.work().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_morning_tells_the_director_alone_how_yesterday_was() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = director(&mut desk).await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')")
            .await;
        desk.until("2026-10-14T18:10:00").await;
        let (before, secretary) = (talk.chats.shown(600).len(), talk.chats.shown(601).len());
        desk.until("2026-10-15T07:44:00").await;
        talk.work(&mut desk).await;
        assert_eq!(talk.chats.shown(600).len(), before);
        desk.until("2026-10-15T07:46:00").await;
        for _ in 0..2 {
            talk.work(&mut desk).await;
        }
        assert_eq!(
            talk.last(600).text,
            "Школа № 12, 15 октября, 7:46.\nВчера: 2 сообщения, дошло 100,0 %.\nОчередь пуста."
        );
        assert_eq!(talk.chats.shown(600).len(), before + 1, "once");
        assert_eq!(talk.chats.shown(601).len(), secretary);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_burst_is_decided_in_the_chat_with_a_pin() {
    for base in both().await {
        let policy = Policy {
            breaker: "3".parse().unwrap(),
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::governed(&base.store, policy, "holder");
        let mut talk = director(&mut desk).await;
        classmates(&desk, 4).await;
        let marks = (1..=4).map(|n| format!("({n}, 1, '2026-10-14', '5')"));
        let marks = marks.collect::<Vec<_>>().join(",");
        desk.sql(&format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES {marks}"
        ))
        .await;
        let held = desk
            .number("SELECT COUNT(*) FROM notice WHERE state = 'held'")
            .await;
        assert_eq!(held, 5);
        let summary = talk.says(&mut desk, 600, "/status").await;
        assert!(
            summary
                .text
                .contains("Нужно решение (1):\n– Необычно много сразу: 5 записей"),
            "{}",
            summary.text
        );
        talk.presses(&mut desk, 600, "Нужно решение").await;
        let hold = talk
            .presses(&mut desk, 600, "Необычно много сразу: 5 записей")
            .await;
        assert!(
            read(&hold).contains("[Сообщить] [Одной фразой] [Не сообщать]"),
            "{}",
            read(&hold)
        );
        talk.presses(&mut desk, 600, "Не сообщать").await;
        pin(&mut talk, &mut desk).await;
        assert_eq!(talk.last(600).text, "Решено.");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE state = 'held'")
                .await,
            0
        );
        assert_eq!(desk.number("SELECT decided_by FROM hold").await, 1);
        desk.until("2026-10-15T19:00:00").await;
        assert!(
            desk.texts()
                .iter()
                .all(|(_, to, _)| !to.starts_with('+') && !to.contains('@'))
        );
        // The secretary decides nothing.
        let home = talk.says(&mut desk, 601, "/uderzhano").await;
        assert!(!read(&home).contains("решения"), "{}", read(&home));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_everything_and_loses_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = director(&mut desk).await;
        talk.says(&mut desk, 600, "/pauza").await;
        talk.presses(&mut desk, 600, "Остановить").await;
        pin(&mut talk, &mut desk).await;
        assert!(
            talk.last(600).text.starts_with("Отправка остановлена."),
            "{}",
            talk.last(600).text
        );
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')")
            .await;
        desk.minutes(60).await;
        assert!(desk.texts().is_empty());
        talk.says(&mut desk, 600, "/uderzhano").await;
        talk.presses(&mut desk, 600, "Отправка остановлена").await;
        talk.presses(&mut desk, 600, "Продолжить отправку").await;
        desk.minutes(1).await;
        let told = desk.texts();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].1, "olga@example.org");
        let works = talk.says(&mut desk, 600, "/ochered").await;
        assert!(works.text.contains("почта: работает"), "{}", works.text);
    }
}
