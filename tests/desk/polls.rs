//! A class teacher asks all families something and sends a file with it; they answer by what they hear by.

use vestnik::bot::Words;

use crate::{
    choices::{Site, site},
    desk::Desk,
    support::both,
    talk::{Talk, read},
    teacher::{anna, pin},
};

const POSTER: &[u8] = b"\xff\xd8\xff a poster";

/// A question with a poster leaves for the class.
async fn asked(desk: &mut Desk) -> Talk {
    let mut talk = anna(desk).await;
    talk.says(desk, 600, "/obyavlenie").await;
    talk.chats.attaches(
        600,
        "афиша.jpg",
        POSTER,
        Some("Кто едет в театр 12 декабря?"),
    );
    talk.work(desk).await;
    let check = talk.last(600);
    assert!(
        check.text.contains(
            "Приложено: афиша.jpg. На бумаге и в SMS файла не будет: 4 получателям отдайте его сами."
        ),
        "{}",
        check.text
    );
    talk.presses(desk, 600, "Задать вопрос").await;
    let wrong = talk.says(desk, 600, "да").await;
    assert!(
        wrong.text.starts_with("Нужно от двух до четырёх"),
        "{}",
        wrong.text
    );
    let check = talk.says(desk, 600, "едем\nне едем").await;
    assert!(
        check.text.contains("Вопрос семьям: едем / не едем."),
        "{}",
        check.text
    );
    let preview = talk.presses(desk, 600, "Как увидят").await;
    assert!(
        preview
            .text
            .contains("бумага:\nКто едет в театр 12 декабря? ☐ едем ☐ не едем"),
        "{}",
        preview.text
    );
    talk.presses(desk, 600, "Назад").await;
    talk.presses(desk, 600, "Отправить 11 получателям").await;
    pin(&mut talk, desk, "27182").await;
    pin(&mut talk, desk, "27182").await;
    desk.minutes(2).await;
    talk.work(desk).await;
    talk
}

/// By the bot: the question, its answers and the file.
async fn by_bot(talk: &mut Talk, desk: &mut Desk) {
    let told = talk.last(101);
    assert!(
        told.text.contains(
            "Кто едет в театр 12 декабря? (приложено: афиша.jpg) – ответ: едем / не едем"
        ),
        "{}",
        told.text
    );
    assert!(
        read(&told).contains("\n[едем] [не едем]\n[Файл: афиша.jpg]\n[Вопрос учителю]"),
        "{}",
        read(&told)
    );
    let answered = talk.presses(desk, 101, "едем").await;
    assert_eq!(answered.message_id, told.message_id, "it is edited");
    assert!(
        answered.text.contains("\n\nВаш ответ: едем. 14 октября, "),
        "{}",
        answered.text
    );
    talk.presses(desk, 101, "не едем").await;
    talk.presses(desk, 101, "Файл: афиша.jpg").await;
    let file = talk.last(101);
    assert_eq!(file.document, Some(("афиша.jpg".into(), POSTER.to_vec())));
    talk.presses(desk, 102, "едем").await;
}

/// By mail the file comes with it, and a link leads to the question.
async fn by_mail(desk: &Desk, site: &Site) {
    let (_, mail) = desk
        .calls
        .iter()
        .find(|(_, one)| one.address == "e4@example.org")
        .unwrap();
    assert_eq!(mail.files.len(), 1);
    assert_eq!(&mail.files[0].content[..], POSTER);
    let link = &mail.buttons[0][0].data;
    let path = link.strip_prefix("https://school.example.org").unwrap();
    let page = site.get(path).await;
    for part in [
        "Кто едет в театр 12 декабря?",
        "<span>не едем</span>",
        "value=\"1\" required>",
    ] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // Who only looks answers nothing, and neither does what the page did not offer.
    for body in [
        "",
        "poll=1",
        "poll=1&answer=0",
        "poll=1&answer=3",
        "poll=2&answer=1",
    ] {
        let answer = site.post(path, body).await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(!answer.contains("saved"), "{answer}");
    }
    let answer = site.post(path, "poll=1&answer=1").await;
    assert!(answer.contains("?saved=1"), "{answer}");
    let page = site.get(path).await;
    assert!(page.contains("value=\"1\" required checked>"), "{page}");
    let forged = site.get(&path.replace("answer/", "answer/0")).await;
    assert!(forged.starts_with("HTTP/1.1 404"), "{forged}");
    let sms = desk.texts().into_iter().find(|(lane, ..)| lane == "sms");
    assert!(
        sms.as_ref()
            .is_some_and(|(.., text)| text.ends_with("(файл у кл. рук.) – ответ: едем / не едем")),
        "{sms:?}"
    );
}

/// What families said on paper the class teacher enters.
async fn on_paper(talk: &mut Talk, desk: &mut Desk) {
    let report = talk.presses(desk, 600, "Кому дошло").await;
    assert!(
        report
            .text
            .contains("Ответили: едем – 2, не едем – 1. Не ответили: 7."),
        "{}",
        report.text
    );
    let list = talk.presses(desk, 600, "Кто что ответил").await;
    assert_eq!(
        list.text,
        "едем: 2 – Мать3 О., Мать5 О.\nне едем: 1 – Мать2 О."
    );
    talk.presses(desk, 600, "Внести ответ с бумаги").await;
    talk.presses(desk, 600, "Имя11 У.").await;
    talk.presses(desk, 600, "едем").await;
    talk.presses(desk, 600, "Назад").await;
    talk.presses(desk, 600, "Назад").await;
    let report = talk.last(600);
    assert!(
        report
            .text
            .contains("Ответили: едем – 3, не едем – 1. Не ответили: 6."),
        "{}",
        report.text
    );
}

/// A reminder asks the same question, and only of those who did not answer.
async fn reminded(talk: &mut Talk, desk: &mut Desk) {
    let reminding = talk.presses(desk, 600, "Напомнить 6 семьям").await;
    assert!(
        reminding.text.contains("только тем, кто не ответил"),
        "{}",
        reminding.text
    );
    let before = talk.chats.shown(101).len();
    desk.minutes(2).await;
    assert_eq!(talk.chats.shown(101).len(), before);
    assert!(talk.last(103).text.contains("Напоминание: Кто едет"));
    talk.presses(desk, 103, "не едем").await;
    let report = talk.says(desk, 600, "/otchety").await;
    assert!(read(&report).contains("[Напоминание: Кто едет в театр"));
    talk.presses(desk, 600, "Кто едет в театр 12 декабря?")
        .await;
    let report = talk.last(600);
    assert!(
        report
            .text
            .contains("Ответили: едем – 3, не едем – 2. Не ответили: 5."),
        "{}",
        report.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn families_answer_by_button_by_mail_and_on_paper_and_only_the_silent_are_reminded() {
    for base in both().await {
        let site = site(&base.store).await;
        let answers = (Words::embedded().unwrap(), site.links.clone());
        let mut desk = Desk::open(&base.store).with_buttons().with_answers(answers);
        let mut talk = asked(&mut desk).await;

        by_bot(&mut talk, &mut desk).await;
        by_mail(&desk, &site).await;
        on_paper(&mut talk, &mut desk).await;
        reminded(&mut talk, &mut desk).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_asks_nothing_and_strangers_get_no_file() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = asked(&mut desk).await;
        let told = talk.last(101);
        let data = |label: &str| {
            let buttons = told.buttons.iter().flatten();
            let found = buttons.filter(|(words, _)| words == label);
            found.map(|(_, data)| data.clone()).next().unwrap()
        };
        // Another family's button opens nothing, and neither does one that never was.
        for stolen in [
            data("едем"),
            data("Файл: афиша.jpg"),
            data("едем").replace(".11", ".19"),
        ] {
            talk.chats.press(102, 1, &stolen.replace(".19", ".93"));
            talk.work(&mut desk).await;
        }
        assert!(
            talk.chats
                .shown(102)
                .iter()
                .all(|one| one.document.is_none())
        );
        assert_eq!(desk.number("SELECT COUNT(*) FROM poll_answer").await, 0);
        talk.presses(&mut desk, 600, "Кому дошло").await;
        talk.presses(&mut desk, 600, "Отозвать").await;
        talk.presses(&mut desk, 600, "Отозвать").await;
        talk.chats.press(101, told.message_id, &data("едем"));
        talk.work(&mut desk).await;
        assert_eq!(desk.number("SELECT COUNT(*) FROM poll_answer").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_families_cannot_open_does_not_come_with_a_word() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).with_buttons();
        let mut talk = anna(&mut desk).await;
        talk.chats.attaches(600, "план.pdf", b"%PDF", None);
        talk.work(&mut desk).await;
        assert!(talk.last(600).text.starts_with("Я понимаю только текст"));
        talk.says(&mut desk, 600, "/obyavlenie").await;
        let large = vec![0; 5 * 1024 * 1024 + 1];
        for (name, content, says) in [
            ("план.exe", &b"MZ"[..], "Такой файл не приложить"),
            (
                "план.pdf",
                &large[..],
                "К объявлению прилагают не больше 3 файлов",
            ),
            (
                "план.pdf",
                &b"%PDF"[..],
                "Файл приложен. Теперь напишите текст",
            ),
        ] {
            talk.chats.attaches(600, name, content, None);
            talk.work(&mut desk).await;
            let shown = talk.last(600).text;
            assert!(shown.starts_with(says), "{shown}");
        }
        let check = talk.says(&mut desk, 600, "План недели").await;
        assert!(
            check.text.contains("Приложено: план.pdf."),
            "{}",
            check.text
        );
        let bare = talk.presses(&mut desk, 600, "Убрать файлы").await;
        assert!(!bare.text.contains("Приложено"), "{}", bare.text);
    }
}
