//! Parents talk to the bot: from the card to the first digest, and all that they may ask.

use vestnik::{store::Guest, text::ContentLevel};

use crate::{
    desk::{Desk, FAMILY},
    support::both,
    talk::{Talk, read},
};

const OLGA: Guest = Guest::Guardian {
    guardian_id: 1,
    student_id: 1,
};

/// The family's mother consents to messages by messengers; it has no other address.
const CONSENT: &str = "DELETE FROM contact;
    INSERT INTO consent (guardian_id, student_id, purpose, state, signed_on)
        VALUES (1, 1, 'messenger', 'given', '2026-09-02');
    INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-14', 1, 'held');
    INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 2, '2026-10-14', 2, 'held')";

async fn school(desk: &mut Desk) {
    desk.sql(FAMILY).await;
    desk.sql(CONSENT).await;
}

/// Olga, connected in chat 77.
async fn connected(desk: &mut Desk) -> Talk {
    school(desk).await;
    let mut talk = Talk::beside(desk, ContentLevel::Full).await;
    let code = talk.invite(OLGA, desk.now).await;
    talk.says(desk, 77, &format!("/start {}", code.letters()))
        .await;
    talk.presses(desk, 77, "Мама").await;
    talk.presses(desk, 77, "Раз в день").await;
    talk
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mother_comes_in_by_her_card_and_hears_the_days_digest_at_ten_past_six() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        school(&mut desk).await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let code = talk.invite(OLGA, desk.now).await;
        let hello = talk.says(&mut desk, 77, "/start").await;
        assert!(
            hello.text.contains("введите код с карточки"),
            "{}",
            hello.text
        );
        assert!(!hello.text.contains("12"), "strangers learn no school");
        let who = talk
            .says(&mut desk, 77, &code.to_string().to_lowercase())
            .await;
        assert_eq!(
            read(&who),
            "Здравствуйте! Это бот школы: Школа № 12. Вы ввели код семьи: Мария С., 5 «А».\n\
             Письменное согласие от 2 сентября есть в реестре школы.\n\n\
             Кем вы приходитесь ребёнку?\n[Мама] [Папа] [Опекун] [Другое]"
        );
        assert!(talk.chats.menu(77).contains(&"segodnya".to_owned()));
        let presets = talk.presses(&mut desk, 77, "Мама").await;
        assert_eq!(presets.text, "Что присылать?");
        assert_eq!(presets.message_id, who.message_id, "one place, edited");
        let done = talk.presses(&mut desk, 77, "Раз в день").await;
        assert!(
            done.text
                .starts_with("Готово: раз в день. Ночью, с 21:00 до 7:30, я молчу."),
            "{}",
            done.text
        );
        let relation = "SELECT relation FROM guardianship WHERE guardian_id = 1";
        assert_eq!(desk.text(relation).await, "mother");

        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')")
            .await;
        desk.until("2026-10-14T18:09:00").await;
        assert_eq!(talk.last(77).message_id, done.message_id, "not yet");
        desk.until("2026-10-14T18:10:00").await;
        let digest = talk.last(77);
        assert!(digest.text.contains("Маша"), "{}", digest.text);
        assert!(digest.text.contains("Математика"), "{}", digest.text);

        // The card lets in nobody else, and both sides hear of it.
        let other = talk.says(&mut desk, 78, code.letters()).await;
        assert!(other.text.contains("уже подключились"), "{}", other.text);
        assert!(talk.last(77).text.contains("ещё раз ввёл код"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_consent_the_code_waits_and_the_paper_is_named() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("DELETE FROM contact").await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let code = talk.invite(OLGA, desk.now).await;
        let refused = talk.says(&mut desk, 77, code.letters()).await;
        assert!(
            refused.text.contains("Сначала подпишите согласие"),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("на сообщения в мессенджере"));
        assert!(
            !refused.text.contains("персональных данных"),
            "that is there"
        );
        assert!(!refused.text.contains("Мария"), "nothing is told before");
        assert_eq!(desk.number("SELECT COUNT(*) FROM contact").await, 0);
        desk.sql(CONSENT).await;
        let who = talk.says(&mut desk, 77, code.letters()).await;
        assert!(who.text.contains("Мария С."), "{}", who.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_are_soon_refused_and_old_ones_say_when_they_ended() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        school(&mut desk).await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Full).await;
        let old = talk.invite(OLGA, desk.now).await;
        let code = talk.invite(OLGA, desk.now).await;
        let revoked = talk.says(&mut desk, 80, old.letters()).await;
        assert!(
            revoked.text.starts_with("Такого кода нет"),
            "a newer one took its place"
        );
        for _ in 0..4 {
            talk.says(&mut desk, 80, "KM7E-XA2T").await;
        }
        let full = talk.says(&mut desk, 80, code.letters()).await;
        assert!(full.text.starts_with("Слишком много"), "{}", full.text);
        desk.minutes(61).await;
        let who = talk.says(&mut desk, 80, code.letters()).await;
        assert!(who.text.contains("Мария С."), "{}", who.text);

        let late = talk
            .invite(OLGA, desk.now - 15 * vestnik::instant::DAY)
            .await;
        let expired = talk.says(&mut desk, 81, late.letters()).await;
        assert!(
            expired.text.contains("был верным до 13 октября"),
            "{}",
            expired.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_sees_the_day_the_week_homework_marks_and_absences() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        desk.sql(
            "INSERT INTO mark (student_id, subject_id, date, value, work_kind) VALUES (1, 1, '2026-10-14', '5', 'контрольная');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-14', '4');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 2, '2026-10-12', '3');
             INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', 2, 'absent');
             INSERT INTO homework (class_id, subject_id, assigned_on, due_on, text) VALUES (1, 1, '2026-10-14', '2026-10-15', '№ 214, 216')",
        )
        .await;
        let day = talk.says(&mut desk, 77, "/segodnya").await;
        assert_eq!(
            day.text,
            "Маша, 5 «А» – среда, 14 октября\n\n\
             Отметки: Математика – 5 (контрольная); Русский язык – 4.\n\
             Пропуски: Русский язык.\n\n\
             На чт 15.10:\n– Математика: № 214, 216"
        );
        let week = talk.presses(&mut desk, 77, "Неделя").await;
        assert!(
            week.text
                .contains("понедельник, 12.10\nОтметки: Русский язык – 3."),
            "{}",
            week.text
        );
        let homework = talk.presses(&mut desk, 77, "Домашние задания").await;
        assert!(
            homework
                .text
                .contains("На чт 15.10:\n– Математика: № 214, 216"),
            "{}",
            homework.text
        );
        let marks = talk.presses(&mut desk, 77, "Отметки").await;
        assert!(
            marks.text.contains("Русский язык: 3 4. Средний балл 3,50"),
            "{}",
            marks.text
        );
        let absences = talk.says(&mut desk, 77, "/propuski").await;
        assert!(
            absences
                .text
                .contains("ср 14.10: не было на уроках: Русский язык."),
            "{}",
            absences.text
        );
        let children = talk.says(&mut desk, 77, "/deti").await;
        assert!(children.text.contains("Маша, 5 «А»"), "{}", children.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_set_by_buttons_and_hold() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        talk.says(&mut desk, 77, "/nastroyki").await;
        talk.presses(&mut desk, 77, "По видам новостей").await;
        talk.presses(&mut desk, 77, "Домашние задания").await;
        let matrix = talk.presses(&mut desk, 77, "сразу").await;
        assert!(
            matrix.text.contains("Домашние задания – сразу"),
            "{}",
            matrix.text
        );
        assert_eq!(talk.chats.alerts().pop().as_deref(), Some("Записано."));
        let timing =
            "SELECT timing FROM preference WHERE event = 'homework' AND channel = 'telegram'";
        assert_eq!(desk.text(timing).await, "at_once");
        talk.presses(&mut desk, 77, "Назад").await;
        talk.presses(&mut desk, 77, "Часы тишины").await;
        let settings = talk.presses(&mut desk, 77, "22:00–07:00").await;
        assert!(
            settings.text.contains("с 22:00 до 7:00"),
            "{}",
            settings.text
        );
        talk.presses(&mut desk, 77, "Пауза").await;
        let paused = talk.presses(&mut desk, 77, "Неделя").await;
        assert!(
            paused.text.contains("Пауза до 21 октября"),
            "{}",
            paused.text
        );
        talk.presses(&mut desk, 77, "Язык / Language").await;
        let english = talk.presses(&mut desk, 77, "English").await;
        assert!(
            english.text.contains("A pause until 21 October"),
            "{}",
            english.text
        );
        talk.presses(&mut desk, 77, "How often").await;
        let done = talk.presses(&mut desk, 77, "Only paper").await;
        assert!(done.text.starts_with("Done: only paper."), "{}", done.text);
        assert_eq!(
            desk.text("SELECT preset FROM guardian WHERE id = 1").await,
            "paper"
        );
        let kept = "SELECT COUNT(*) FROM family_choice WHERE way = 'bot'";
        assert_eq!(desk.number(kept).await, 6, "with the first preset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_hears_no_more_and_the_register_and_the_teacher_know() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher');
             UPDATE class SET class_teacher_id = 1;
             INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@school.example')",
        )
        .await;
        let why = talk.says(&mut desk, 77, "/pochemu").await;
        assert!(
            why.text.contains("письменное согласие от 2 сентября"),
            "{}",
            why.text
        );
        talk.says(&mut desk, 77, "/stop").await;
        let stopped = talk.presses(&mut desk, 77, "Отключить").await;
        assert!(stopped.text.contains("на бумаге"), "{}", stopped.text);
        let state =
            "SELECT state FROM consent WHERE purpose = 'messenger' ORDER BY id DESC LIMIT 1";
        assert_eq!(desk.text(state).await, "withdrawn");
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')")
            .await;
        let before = talk.chats.shown(77).len();
        desk.until("2026-10-15T19:00:00").await;
        assert_eq!(talk.chats.shown(77).len(), before);
        let told = desk
            .texts()
            .into_iter()
            .find(|(_, to, _)| to == "anna@school.example");
        assert!(told.unwrap().2.contains("родители остановили бота"));
        // Old buttons show nothing any more.
        let day = talk.says(&mut desk, 77, "/segodnya").await;
        assert!(
            day.text.contains("Сейчас школа не сообщает"),
            "{}",
            day.text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_reaches_the_class_teacher_in_office_hours_and_a_mistake_has_its_clock() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher');
             UPDATE class SET class_teacher_id = 1;
             INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@school.example');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')",
        )
        .await;
        desk.until("2026-10-14T20:00:00").await;
        talk.says(&mut desk, 77, "/vopros").await;
        let check = talk.says(&mut desk, 77, "Когда собрание?").await;
        assert!(check.text.contains("«Когда собрание?»"), "{}", check.text);
        let sent = talk.presses(&mut desk, 77, "Отправить").await;
        assert!(sent.text.starts_with("Отправлено."), "{}", sent.text);
        let to_anna = |desk: &Desk| -> Vec<String> {
            let own = |(_, to, text): (String, String, String)| {
                (to == "anna@school.example").then_some(text)
            };
            desk.texts().into_iter().filter_map(own).collect()
        };
        assert!(to_anna(&desk).is_empty(), "it is after seven");
        desk.until("2026-10-15T08:00:00").await;
        let mails = to_anna(&desk);
        assert_eq!(mails.len(), 1);
        assert!(
            mails[0].contains("Маша С., 5 «А»: Когда собрание?"),
            "{}",
            mails[0]
        );

        talk.says(&mut desk, 77, "/oshibka").await;
        let words = talk.presses(&mut desk, 77, "14.10 Математика – 3").await;
        assert!(
            words.text.contains("14.10 Математика – 3"),
            "{}",
            words.text
        );
        talk.says(&mut desk, 77, "Была четвёрка").await;
        let sent = talk.presses(&mut desk, 77, "Отправить").await;
        assert!(sent.text.contains("до 18 октября"), "{}", sent.text);
        let mails = to_anna(&desk);
        assert!(
            mails[1].contains("14.10 Математика – 3. Была четвёрка Ответить до 18 октября."),
            "{}",
            mails[1]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_nothing_is_done_twice_and_a_half_typed_question_lives() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        talk.says(&mut desk, 77, "/vopros").await;
        let check = talk.says(&mut desk, 77, "Когда собрание?").await;
        let shown = talk.chats.shown(77).len();
        talk.restart();
        talk.work(&mut desk).await;
        assert_eq!(
            talk.chats.shown(77).len(),
            shown,
            "what is handled is handled"
        );
        assert_eq!(talk.last(77), check);
        let sent = talk.presses(&mut desk, 77, "Отправить").await;
        assert!(sent.text.contains("Записано"), "{}", sent.text);
        assert_eq!(desk.number("SELECT COUNT(*) FROM inquiry").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_shown_what_is_not_theirs() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        let home = talk.says(&mut desk, 77, "/pomosch").await;
        let data = home.buttons[0][0].1.clone();
        // Another chat presses the same button, and a stranger writes commands.
        talk.chats.press(99, home.message_id, &data);
        talk.work(&mut desk).await;
        talk.says(&mut desk, 99, "/segodnya").await;
        let shown = talk.chats.shown(99);
        assert!(
            shown.iter().all(|one| !one.text.contains("Маша")),
            "{shown:?}"
        );
        // A court decides: nothing is shown from now on.
        desk.sql("UPDATE guardianship SET rights = 'deprived' WHERE guardian_id = 1")
            .await;
        let day = talk.presses(&mut desk, 77, "Сегодня").await;
        assert!(!day.text.contains("Маша"), "{}", day.text);
        // A group learns nothing at all.
        talk.says(&mut desk, -5, "/segodnya").await;
        assert!(talk.chats.shown(-5).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messenger_without_content_names_no_child_and_shows_no_journal() {
    for base in both().await {
        let mut desk = Desk::at_level(&base.store, ContentLevel::Ping);
        school(&mut desk).await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Ping).await;
        let code = talk.invite(OLGA, desk.now).await;
        let who = talk.says(&mut desk, 77, code.letters()).await;
        assert!(who.text.contains("код семьи: 5 «А»."), "{}", who.text);
        talk.presses(&mut desk, 77, "Мама").await;
        talk.presses(&mut desk, 77, "Сразу").await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')")
            .await;
        desk.minutes(31).await;
        let day = talk.says(&mut desk, 77, "/segodnya").await;
        assert!(day.text.starts_with("По правилам школы"), "{}", day.text);
        let shown = talk.chats.shown(77);
        assert!(shown.len() > 2);
        for one in shown {
            assert!(
                !one.text.contains("Маш") && !one.text.contains("Мари"),
                "{}",
                one.text
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_blocks_the_bot_hears_on_paper_until_they_come_back() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let mut talk = connected(&mut desk).await;
        talk.chats.blocks(77);
        talk.work(&mut desk).await;
        assert_eq!(desk.text("SELECT health FROM contact").await, "blocked");
        talk.chats.returns(77);
        talk.work(&mut desk).await;
        assert_eq!(desk.text("SELECT health FROM contact").await, "ok");
    }
}
