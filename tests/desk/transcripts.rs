//! `docs/bot.md`: conversations as they are, so that the page cannot drift from the program.
//! `VESTNIK_WRITE_DOCS=1 cargo test --test desk transcripts` writes it anew.

use std::fmt::Write;

use vestnik::{store::Guest, text::ContentLevel};
use vestnik_telegram::sandbox::Received;

use crate::{
    desk::{Desk, FAMILY},
    support::both,
    talk::{Talk, read},
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/bot.md");

/// A school with a mother, a father who reads mails, and their class teacher.
const SCHOOL: &str = "DELETE FROM contact;
    UPDATE school SET phone = '(343) 215-40-12';
    INSERT INTO consent (guardian_id, student_id, purpose, state, signed_on)
        VALUES (1, 1, 'messenger', 'given', '2026-09-02');
    INSERT INTO contact (guardian_id, channel, address) VALUES (2, 'sms', '+79000000012');
    INSERT INTO staff (surname, given_name, patronymic, role) VALUES ('Иванова', 'Анна', 'Петровна', 'class_teacher');
    UPDATE class SET class_teacher_id = 1;
    INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-14', 1, 'held');
    INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 2, '2026-10-14', 2, 'held');
    INSERT INTO mark (student_id, subject_id, date, value, work_kind) VALUES (1, 1, '2026-10-14', '5', 'контрольная');
    INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-14', '3');
    INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', 2, 'absent');
    INSERT INTO homework (class_id, subject_id, assigned_on, due_on, text)
        VALUES (1, 1, '2026-10-14', '2026-10-15', '№ 214, 216')";

/// A page that is being written.
struct Page {
    text: String,
    talk: Talk,
    desk: Desk,
}

impl Page {
    fn heading(&mut self, words: &str) {
        let _ = write!(self.text, "\n## {words}\n");
    }

    /// Somebody writes.
    async fn says(&mut self, chat: i64, words: &str, shown: &str) {
        let answer = self.talk.says(&mut self.desk, chat, words).await;
        let _ = write!(self.text, "\n**{shown}**\n\n{}", quoted(&read(&answer)));
    }

    /// Somebody presses.
    async fn presses(&mut self, chat: i64, label: &str) {
        let before = self.talk.chats.shown(chat);
        self.talk.presses_any(&mut self.desk, chat, label).await;
        let after = self.talk.chats.shown(chat);
        let answer = after.iter().rfind(|one| !before.contains(one)).unwrap();
        let answer = quoted(&read(answer));
        let _ = write!(self.text, "\n**[{label}]**\n\n{answer}");
    }

    /// Somebody presses, and what is shown then is passed over.
    async fn presses_all(&mut self, chat: i64, labels: &[&str]) {
        for label in labels {
            self.talk.presses_any(&mut self.desk, chat, label).await;
        }
    }

    /// The chat shows something already: what was edited last, or what came last.
    fn shows(&mut self, chat: i64, words: &str) {
        let all = self.talk.chats.shown(chat);
        let report = |one: &&Received| {
            one.buttons
                .concat()
                .iter()
                .any(|(label, _)| label == "Кому дошло")
        };
        let shown = all
            .iter()
            .rfind(|one| report(one) && !one.before.is_empty());
        let shown = quoted(&read(shown.or(all.last()).unwrap()));
        let _ = write!(self.text, "\n*{words}*\n\n{shown}");
    }

    /// Time passes, and the chat shows something by itself.
    async fn later(&mut self, chat: i64, time: &str, words: &str) {
        let before = self.talk.chats.shown(chat);
        self.desk.until(time).await;
        self.talk.work(&mut self.desk).await;
        let after = self.talk.chats.shown(chat);
        let shown = after.iter().find(|one| !before.contains(one)).unwrap();
        let shown = quoted(&read(shown));
        let _ = write!(self.text, "\n*{words}*\n\n{shown}");
    }
}

/// A message as a quotation, line by line.
fn quoted(message: &str) -> String {
    message.lines().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "{}", format!("> {line}  ").trim_end());
        text
    })
}

/// The class teacher asks all families something.
async fn asked(page: &mut Page, pin: &[String]) {
    page.heading("A question to all families");
    page.says(78, "/obyavlenie", "/obyavlenie").await;
    let words = "Кто едет в театр 12 декабря?";
    page.talk
        .chats
        .attaches(78, "афиша.jpg", b"a picture", Some(words));
    page.talk.work(&mut page.desk).await;
    let check = quoted(&read(&page.talk.last(78)));
    let _ = write!(
        page.text,
        "\n*She sends a picture, афиша.jpg; below it stands: {words}*\n\n{check}"
    );
    page.presses(78, "Задать вопрос").await;
    page.presses(78, "да / нет").await;
    page.presses(78, "Отправить 2 получателям").await;
    page.talk.presses_all(&page.desk, 78, pin).await;
    page.desk.minutes(2).await;
    page.later(
        77,
        "2026-10-15T18:10:00",
        "The mother's chat, the next day at ten past six",
    )
    .await;
    page.presses(77, "да").await;
    page.presses_all(78, &["Кому дошло"]).await;
    page.presses(78, "Кто что ответил").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_the_bot_shows_conversations_as_they_are() {
    let base = both().await.remove(0);
    let mut desk = Desk::open(&base.store).with_buttons();
    desk.sql(FAMILY).await;
    desk.sql(SCHOOL).await;
    let talk = Talk::beside(&mut desk, ContentLevel::Full).await;
    let mut page = Page {
        text: "# The bot, in its own words\n\nA test writes this page from conversations with the program; what \
               people write or press is bold.\n"
            .to_owned(),
        talk,
        desk,
    };
    let olga = Guest::Guardian {
        guardian_id: 1,
        student_id: 1,
    };
    let code = page.talk.invite(olga, page.desk.now).await;
    page.heading("A mother comes in by her card");
    page.says(77, "/start", "/start").await;
    page.says(77, code.letters(), "KM7E-XA2T").await;
    page.presses(77, "Мама").await;
    page.presses(77, "Раз в день").await;
    page.heading("What she may ask");
    page.says(77, "/segodnya", "/segodnya").await;
    page.presses(77, "Отметки").await;
    page.says(77, "/propuski", "/propuski").await;
    page.says(77, "/nastroyki", "/nastroyki").await;
    page.presses(77, "По видам новостей").await;
    page.says(77, "/pochemu", "/pochemu").await;

    page.heading("Something is wrong");
    page.says(77, "/oshibka", "/oshibka").await;
    page.presses(77, "14.10 Русский язык – 3").await;
    page.says(
        77,
        "Была четвёрка, тетрадь у нас",
        "Была четвёрка, тетрадь у нас",
    )
    .await;
    page.presses(77, "Отправить").await;

    let anna = page.talk.invite(Guest::Staff(1), page.desk.now).await;
    page.heading("The class teacher answers");
    page.says(78, anna.letters(), "PXH4-29TN").await;
    page.says(78, "/voprosy", "/voprosy").await;
    page.presses(78, "Мария С., 5 «А»: ошибка в журнале").await;
    page.says(78, "Исправлю сегодня, спасибо", "Исправлю сегодня, спасибо")
        .await;
    page.presses(78, "Отправить").await;
    let digits: Vec<String> = "2718227182".chars().map(String::from).collect();
    page.talk.presses_all(&page.desk, 78, &digits).await;
    page.shows(77, "The mother's chat, when the PIN was chosen");

    page.heading("An announcement");
    page.says(78, "/obyavlenie", "/obyavlenie").await;
    let words = "Собрание 20.10 в 18:00, каб. 24";
    page.says(78, words, words).await;
    page.presses(78, "От одного родителя").await;
    page.presses(78, "Показать список").await;
    page.presses(78, "Назад").await;
    page.presses(78, "Отправить 2 получателям").await;
    page.later(
        77,
        "2026-10-14T18:10:00",
        "The mother's chat at ten past six",
    )
    .await;
    page.shows(78, "The teacher's chat");
    page.presses(77, "Ознакомлен(а)").await;
    page.presses(78, "Кому дошло").await;

    asked(&mut page, &digits[..5]).await;

    page.heading("She leaves");
    page.says(77, "/stop", "/stop").await;
    page.presses(77, "Отключить").await;

    if std::env::var_os("VESTNIK_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &page.text).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert_eq!(
        written, page.text,
        "VESTNIK_WRITE_DOCS=1 writes docs/bot.md anew"
    );
}
