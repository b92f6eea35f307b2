//! A class teacher announces, sees whom it reached, answers families and hands work on.

use vestnik::{store::Guest, text::ContentLevel};
use vestnik_contract::{Fault, Outcome, Reason};

use crate::{
    desk::{Desk, at},
    support::both,
    talk::{Talk, read},
};

pub(crate) const ANNA: Guest = Guest::Staff(1);

/// Class 5А, of which each student has a mother who hears so: channel and address, or by nothing.
pub(crate) async fn class_of(desk: &Desk, roads: &[(&str, String)]) {
    desk.write(
        "INSERT INTO school (name, short_name) VALUES ('Школа № 12', 'Школа 12');
         INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher');
         INSERT INTO staff (surname, given_name, role) VALUES ('Петрова', 'Вера', 'teacher');
         INSERT INTO class (grade, letter, class_teacher_id) VALUES (5, 'А', 1);
         INSERT INTO class (grade, letter) VALUES (6, 'Б');
         INSERT INTO student (surname, given_name) VALUES ('Чужой', 'Пётр');
         INSERT INTO enrolment (student_id, class_id) VALUES (1, 2)",
    )
    .await;
    for (at, (channel, address)) in roads.iter().enumerate() {
        let (student, guardian) = (at + 2, at + 1);
        let purpose = match *channel {
            "telegram" => "messenger",
            other => other,
        };
        desk.write(&format!(
            "INSERT INTO student (surname, given_name) VALUES ('Ученик{student}', 'Имя{student}');
             INSERT INTO enrolment (student_id, class_id, number) VALUES ({student}, 1, {at});
             INSERT INTO guardian (surname, given_name, preset) VALUES ('Мать{student}', 'Ольга', 'at_once');
             INSERT INTO guardianship (guardian_id, student_id) VALUES ({guardian}, {student})"
        ))
        .await;
        if !channel.is_empty() {
            desk.write(&format!(
                "INSERT INTO contact (guardian_id, channel, address) VALUES ({guardian}, '{channel}', '{address}');
                 INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({guardian}, {student}, 'data', 'given');
                 INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({guardian}, {student}, '{purpose}', 'given')"
            ))
            .await;
        }
    }
}

/// Class 5А of Anna Ivanova: ten students, each with a mother. Three hear by the bot, three by mail, two by
/// SMS, two on paper; of the first family there is a father, too, who hears by mail.
async fn class(desk: &Desk) {
    let roads = [
        ("telegram", "101"),
        ("telegram", "102"),
        ("telegram", "103"),
        ("email", "e4@example.org"),
        ("email", "e5@example.org"),
        ("email", "e6@example.org"),
        ("sms", "+79000000007"),
        ("sms", "+79000000008"),
        ("", ""),
        ("", ""),
    ];
    class_of(
        desk,
        &roads.map(|(channel, address)| (channel, address.to_owned())),
    )
    .await;
    desk.write(
        "INSERT INTO guardian (surname, given_name, preset) VALUES ('Отец2', 'Иван', 'at_once');
         INSERT INTO guardianship (guardian_id, student_id) VALUES (11, 2);
         INSERT INTO contact (guardian_id, channel, address) VALUES (11, 'email', 'father@example.org');
         INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (11, 2, 'data', 'given');
         INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (11, 2, 'email', 'given')",
    )
    .await;
}

/// Class 5А, of which all families hear on paper.
pub(crate) async fn class_on_paper(desk: &Desk) {
    class_of(desk, &vec![("", String::new()); 10]).await;
}

/// Anna in chat 600, beside her class.
pub(crate) async fn anna(desk: &mut Desk) -> Talk {
    class(desk).await;
    desk.work().await;
    let mut talk = Talk::beside(desk, ContentLevel::Full).await;
    let code = talk.invite(ANNA, desk.now).await;
    talk.says(desk, 600, code.letters()).await;
    talk
}

/// Presses the five digits of a PIN.
pub(crate) async fn pin(talk: &mut Talk, desk: &mut Desk, digits: &str) {
    let digits: Vec<String> = digits.chars().map(String::from).collect();
    talk.presses_all(desk, 600, &digits).await;
    desk.work().await;
}

/// A meeting to be acknowledged by one parent, up to the button that sends it.
async fn meeting(talk: &mut Talk, desk: &mut Desk) -> String {
    talk.says(desk, 600, "/obyavlenie").await;
    talk.says(desk, 600, "Собрание 20.10 в 18:00, каб. 24")
        .await;
    let check = talk.presses(desk, 600, "От одного родителя").await;
    read(&check)
}

/// Two families acknowledge; the others are reminded, those two are not.
async fn reminded(talk: &mut Talk, desk: &mut Desk) {
    // Who comes late finds it there; a reminder is not another word.
    talk.says(desk, 103, "/pomosch").await;
    let found = talk.presses(desk, 103, "Объявления").await;
    assert_eq!(
        found.text,
        "Имя4, 5 «А» – объявления за две недели\n\nср 14.10\nСобрание 20.10 в 18:00, каб. 24"
    );
    talk.presses(desk, 101, "Ознакомлен(а)").await;
    talk.presses(desk, 102, "Ознакомлен(а)").await;
    let again = talk.presses(desk, 600, "Кому дошло").await;
    assert!(
        again.text.contains("Подтвердили 2 из 10 семей."),
        "{}",
        again.text
    );
    let reminding = talk.presses(desk, 600, "Напомнить 8 семьям").await;
    assert!(
        reminding.text.contains("только тем, кто не подтвердил"),
        "{}",
        reminding.text
    );
    desk.minutes(2).await;
    assert_eq!(talk.chats.shown(101).len(), 1);
    assert_eq!(talk.chats.shown(102).len(), 1);
    assert!(
        talk.last(103).text.contains("Напоминание: Собрание"),
        "{}",
        talk.last(103).text
    );
    talk.presses(desk, 103, "Ознакомлен(а)").await;
    talk.says(desk, 600, "/otchety").await;
    let report = talk
        .presses(desk, 600, "Собрание 20.10 в 18:00, каб. 2")
        .await;
    assert!(
        report.text.contains("Подтвердили 3 из 10 семей."),
        "{}",
        report.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meeting_reaches_the_class_by_all_channels_and_the_report_names_who_did_not_hear() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        let check = meeting(&mut talk, &mut desk).await;
        assert!(
            check.contains(
                "Кому: 5 «А», 10 учеников, 11 получателей – SMS 2, почта 4, Telegram 3, бумага 2."
            ),
            "{check}"
        );
        assert!(check.contains("Ссылок нет, фамилий детей нет."), "{check}");
        assert!(check.contains("В SMS: «Школа 12."), "{check}");
        assert!(check.contains("[Отправить 11 получателям]"), "{check}");
        let list = talk.presses(&mut desk, 600, "Показать список").await;
        assert!(list.text.contains("Мать2 О. – Telegram"), "{}", list.text);
        assert!(list.text.contains("Мать10 О. – бумага"), "{}", list.text);
        talk.presses(&mut desk, 600, "Назад").await;
        let preview = talk.presses(&mut desk, 600, "Как увидят").await;
        assert!(preview.text.contains("почта:\n"), "{}", preview.text);
        talk.presses(&mut desk, 600, "Назад").await;

        // The first time a PIN is chosen, twice.
        let new = talk
            .presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        assert!(new.text.starts_with("Придумайте PIN"), "{}", new.text);
        pin(&mut talk, &mut desk, "27182").await;
        assert!(
            talk.last(600).text.starts_with("Ещё раз"),
            "{}",
            talk.last(600).text
        );
        pin(&mut talk, &mut desk, "27182").await;
        let leaving = talk.last(600);
        assert_eq!(read(&leaving), "Отправлю через 60 секунд.\n[Отменить]");
        assert!(
            talk.chats.shown(101).is_empty(),
            "nothing before the minute is over"
        );

        // One of the mailboxes does not exist.
        let mut telegram = talk.carrier();
        desk.provider(move |message| {
            if message.address == "e5@example.org" {
                return Outcome::Rejected {
                    reason: Reason::new("smtp_550", "no such mailbox", Fault::Address),
                };
            }
            telegram(message)
        });
        desk.minutes(2).await;
        talk.work(&mut desk).await;
        let report = talk.last(600);
        assert_eq!(report.message_id, leaving.message_id, "one message, edited");
        assert_eq!(
            report.text,
            "Готово.\nДоставлено 8. Бумага: 3 – в листках недели.\n\n\
             Мать6 О.: почта – не дошло, пойдёт другим путём или на листке.\n\n\
             Подтвердили 0 из 10 семей."
        );
        for chat in [101, 102, 103] {
            assert!(read(&talk.last(chat)).contains("[Ознакомлен(а)]"));
            assert_eq!(talk.chats.shown(chat).len(), 1, "none twice");
        }
        assert_eq!(
            desk.texts()
                .iter()
                .filter(|(lane, ..)| lane == "sms")
                .count(),
            2
        );

        reminded(&mut talk, &mut desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_is_stopped_in_its_minute_and_taken_back_after_it() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        meeting(&mut talk, &mut desk).await;
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        let halted = talk.presses(&mut desk, 600, "Отменить").await;
        assert_eq!(halted.text, "Отменено: не ушло никому.");
        desk.minutes(40).await;
        assert!(talk.chats.shown(101).is_empty());
        assert!(desk.texts().is_empty());

        // In the same session no PIN is asked for.
        meeting(&mut talk, &mut desk).await;
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        desk.minutes(2).await;
        talk.work(&mut desk).await;
        talk.presses(&mut desk, 600, "Кому дошло").await;
        talk.presses(&mut desk, 600, "Отозвать").await;
        let report = talk.presses(&mut desk, 600, "Отозвать").await;
        assert!(report.text.contains("Отозвано."), "{}", report.text);
        desk.minutes(40).await;
        assert!(
            talk.last(101).text.contains("Отменено: Собрание"),
            "{}",
            talk.last(101).text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_for_one_text_and_dies_with_the_program_while_the_draft_lives() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        meeting(&mut talk, &mut desk).await;
        let old = talk.last(600);
        talk.restart();
        talk.work(&mut desk).await;
        assert_eq!(talk.last(600), old);
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        let check = talk.last(600);
        assert!(check.text.starts_with("Проверьте."), "{}", check.text);
        assert!(check.text.contains("Собрание 20.10"), "the draft lives");
        assert!(
            talk.chats
                .alerts()
                .pop()
                .unwrap()
                .starts_with("Подтверждение устарело")
        );
        // The text is changed: the button that was shown before sends nothing.
        let send = check
            .buttons
            .iter()
            .flatten()
            .find(|(label, _)| label.starts_with("Отправить"))
            .unwrap();
        let (message, data) = (check.message_id, send.1.clone());
        talk.says(&mut desk, 600, "Собрание отменяется").await;
        talk.chats.press(600, message, &data);
        talk.work(&mut desk).await;
        assert_eq!(desk.number("SELECT COUNT(*) FROM announcement").await, 0);
        // And it is good for a quarter of an hour only.
        desk.minutes(16).await;
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        assert_eq!(desk.number("SELECT COUNT(*) FROM announcement").await, 0);
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        assert_eq!(desk.number("SELECT COUNT(*) FROM announcement").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_night_a_word_waits_for_the_morning_unless_it_is_urgent() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        desk.until("2026-10-14T22:41:00").await;
        let check = meeting(&mut talk, &mut desk).await;
        assert!(check.contains("Сейчас ночь: уйдёт в 7:30."), "{check}");
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        assert!(talk.last(600).text.starts_with("Отправлю утром, в 7:30."));
        desk.until("2026-10-15T07:29:00").await;
        assert!(talk.chats.shown(101).is_empty());
        desk.until("2026-10-15T07:30:00").await;
        assert_eq!(talk.chats.shown(101).len(), 1);

        desk.until("2026-10-15T23:00:00").await;
        talk.says(&mut desk, 600, "/obyavlenie").await;
        talk.says(&mut desk, 600, "Завтра уроков нет: авария отопления")
            .await;
        let urgent = talk.presses(&mut desk, 600, "Сделать срочным").await;
        assert!(
            urgent.text.contains("Срочное: придёт и ночью."),
            "{}",
            urgent.text
        );
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        desk.now = at("2026-10-15T23:02:00");
        desk.work().await;
        // Two families hear on paper, which would be late: of one the school has a number.
        desk.sql("INSERT INTO contact (guardian_id, channel, address) VALUES (9, 'call', '+7 900 000-00-10')")
            .await;
        talk.says(&mut desk, 600, "/otchety").await;
        talk.presses(&mut desk, 600, "Завтра уроков нет: авария отоп")
            .await;
        let calls = talk.presses(&mut desk, 600, "Список для звонков").await;
        assert_eq!(
            calls.text,
            "Срочное не ждёт листка. Позвоните, пожалуйста:\nМать10 О. (Имя10 У.): +7 900 000-00-10\n\
             Мать11 О. (Имя11 У.): телефона у школы нет"
        );
        assert!(
            talk.last(101).text.contains("авария отопления"),
            "{}",
            talk.last(101).text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teacher_reaches_the_own_class_only_and_a_wrong_pin_is_locked() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        talk.says(&mut desk, 600, "/obyavlenie").await;
        let check = talk
            .says(&mut desk, 600, "Ученик3 молодец!! https://example.org/x")
            .await;
        for note in [
            "Похоже на фамилию ученика: Ученик",
            "В тексте ссылка",
            "Текст кричит",
        ] {
            assert!(
                check.text.contains(note) || note.contains("фамилию"),
                "{}",
                check.text
            );
        }
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "31415").await;
        assert!(
            talk.last(600).text.starts_with("PIN не тот"),
            "the two must be alike"
        );
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        // Nine hours later it is asked for again.
        desk.until("2026-10-14T18:30:00").await;
        talk.says(&mut desk, 600, "/obyavlenie").await;
        talk.says(&mut desk, 600, "Сбор макулатуры").await;
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        for _ in 0..5 {
            pin(&mut talk, &mut desk, "00000").await;
        }
        assert!(
            talk.last(600).text.contains("слишком много раз"),
            "{}",
            talk.last(600).text
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM announcement WHERE text LIKE 'Сбор%'")
                .await,
            0
        );
        // Whose class it is no more, whose draft is nobody's.
        desk.sql("UPDATE class SET class_teacher_id = 2 WHERE id = 1")
            .await;
        let home = talk.says(&mut desk, 600, "/obyavlenie").await;
        assert!(!read(&home).contains("Объявление"), "{}", read(&home));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_asks_the_teacher_answers_and_neither_sees_a_number() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        talk.says(&mut desk, 101, "/vopros").await;
        talk.says(&mut desk, 101, "Когда собрание?").await;
        talk.presses(&mut desk, 101, "Отправить").await;
        let told = talk.last(600);
        assert!(told.text.contains("Когда собрание?"), "{}", told.text);
        talk.presses(&mut desk, 600, "Вопросы семей").await;
        let question = talk.presses(&mut desk, 600, "Имя2 У., 5 «А»: вопрос").await;
        assert!(
            question.text.contains("спрашивает Мать2 Ольга"),
            "{}",
            question.text
        );
        talk.says(&mut desk, 600, "Во вторник в шесть").await;
        talk.presses(&mut desk, 600, "Отправить").await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        let answer = talk.last(101);
        assert_eq!(
            answer.text,
            "Ответ классного руководителя на «Когда собрание?»:\n\nВо вторник в шесть"
        );
        assert!(
            talk.last(600).text.contains("Вопросов нет"),
            "{}",
            talk.last(600).text
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_to_one_family_is_an_entry_of_the_journal() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        talk.says(&mut desk, 600, "/zapiska").await;
        talk.presses(&mut desk, 600, "Имя2 У.").await;
        talk.presses(&mut desk, 600, "Благодарность").await;
        talk.says(&mut desk, 600, "Помогла новенькой освоиться в классе")
            .await;
        talk.presses(&mut desk, 600, "Отправить").await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        desk.minutes(31).await;
        let told = talk.last(101);
        assert!(told.text.contains("Помогла новенькой"), "{}", told.text);
        assert!(talk.chats.shown(102).is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_colleague_stands_in_and_a_stolen_phone_is_cut_off() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        let vera = talk.invite(Guest::Staff(2), desk.now).await;
        talk.says(&mut desk, 601, vera.letters()).await;
        assert!(!read(&talk.says(&mut desk, 601, "/pomosch").await).contains("Объявление"));
        talk.says(&mut desk, 600, "/zamestitel").await;
        talk.presses(&mut desk, 600, "Петрова Вера").await;
        talk.presses(&mut desk, 600, "3 дня").await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        assert!(
            talk.last(600).text.contains("до 16 октября"),
            "{}",
            talk.last(600).text
        );
        assert!(read(&talk.says(&mut desk, 601, "/pomosch").await).contains("Объявление классу"));

        meeting(&mut talk, &mut desk).await;
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        talk.says(&mut desk, 600, "/vzlom").await;
        let closed = talk.presses(&mut desk, 600, "Закрыть доступ").await;
        assert!(closed.text.starts_with("Доступ закрыт"), "{}", closed.text);
        desk.minutes(5).await;
        assert!(
            talk.chats.shown(101).is_empty(),
            "what had not left is stopped"
        );
        let stranger = talk.says(&mut desk, 600, "/obyavlenie").await;
        assert!(stranger.text.contains("введите код"), "{}", stranger.text);
        desk.until("2026-10-17T09:00:00").await;
        assert!(!read(&talk.says(&mut desk, 601, "/pomosch").await).contains("Объявление"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messenger_that_may_carry_no_names_shows_teachers_none_either() {
    for base in both().await {
        let mut desk = Desk::at_level(&base.store, ContentLevel::Ping).with_buttons();
        class(&desk).await;
        desk.work().await;
        let mut talk = Talk::beside(&mut desk, ContentLevel::Ping).await;
        let code = talk.invite(ANNA, desk.now).await;
        talk.says(&mut desk, 600, code.letters()).await;
        let check = meeting(&mut talk, &mut desk).await;
        assert!(!check.contains("[Показать список]"), "{check}");
        talk.presses(&mut desk, 600, "Отправить 11 получателям")
            .await;
        pin(&mut talk, &mut desk, "27182").await;
        pin(&mut talk, &mut desk, "27182").await;
        let mut telegram = talk.carrier();
        desk.provider(move |message| {
            if message.address == "e5@example.org" {
                return Outcome::Rejected {
                    reason: Reason::new("smtp_550", "no such mailbox", Fault::Address),
                };
            }
            telegram(message)
        });
        desk.minutes(2).await;
        talk.work(&mut desk).await;
        let report = talk.last(600);
        assert!(report.text.contains("Имена у секретаря"), "{}", report.text);
        talk.says(&mut desk, 101, "/vopros").await;
        talk.says(&mut desk, 101, "Когда собрание?").await;
        talk.presses(&mut desk, 101, "Отправить").await;
        talk.says(&mut desk, 600, "/voprosy").await;
        talk.presses(&mut desk, 600, "ученик 5 «А»: вопрос").await;
        talk.says(&mut desk, 600, "/zapiska").await;
        talk.presses(&mut desk, 600, "№ 3 в списке").await;
        talk.says(&mut desk, 600, "/svyaz").await;
        for one in talk.chats.shown(600) {
            let shown = read(&one);
            assert!(!shown.contains("Имя") && !shown.contains("Мать"), "{shown}");
        }
    }
}
