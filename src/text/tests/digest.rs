//! Digests: what comes first, and how they are numbered.

use super::*;

#[test]
fn praise_is_read_first_and_a_late_entry_names_both_days() {
    let late = Item {
        entered: Some(day(14)),
        ..item("Математика", day(8), entered("5"))
    };
    let gone = told(Event::Praise, None, day(7), withdrawn("Ошибка"));
    let praise = told(Event::Praise, None, day(14), entered("За доклад"));
    let won = told(Event::Achievement, None, day(13), entered("Олимпиада"));
    let items = vec![gone, late, praise, won];
    assert_eq!(
        sms(vec![student("Маша", items.clone())]),
        "Школа 12. Маша 13.10: достижение – Олимпиада. 14.10: благодарность – За доклад. \
         07.10: благодарность – запись снята. 08.10: Математика 5"
    );
    let (_, text, html) = mail(&letter(vec![student("Маша", items.clone())]));
    let late = " – работа 8 октября, отметка внесена 14 октября";
    assert!(text.contains(&format!("Математика: 5{late}\n")), "{text}");
    assert!(html.contains(late), "{html}");
    let messenger = TEMPLATES
        .render(
            Channel::Telegram,
            ContentLevel::Full,
            &letter(vec![student("Маша", items)]),
        )
        .expect("a text")
        .text;
    for text in [text, html, messenger] {
        let praise = text.find("За доклад").expect("praise");
        let mark = text.find("Математика").expect("a mark");
        assert!(
            text.find("Олимпиада").expect("won") < praise && praise < mark,
            "{text}"
        );
    }
}

#[test]
fn the_weeks_digest_names_its_number_as_the_sheet_does() {
    let masha = vec![student(
        "Маша",
        vec![item("Математика", day(14), entered("5"))],
    )];
    let weekly = Letter {
        occasion: Occasion::Weekly,
        number: Some(6),
        ..letter(masha.clone())
    };
    let text = TEMPLATES
        .render(Channel::Email, ContentLevel::Full, &weekly)
        .expect("a text");
    assert_eq!(
        text.subject.as_deref(),
        Some("Школа № 12: Маша, сводка № 6, новое в дневнике за неделю по 14 октября")
    );
    assert!(
        text.text.contains("Сводка № 6. Новое в дневнике за неделю"),
        "{}",
        text.text
    );
    assert!(text.html.expect("HTML").contains("Сводка № 6."));
    let chat = TEMPLATES
        .render(Channel::Telegram, ContentLevel::Full, &weekly)
        .expect("a text");
    assert!(
        chat.text.starts_with("Школа № 12. Сводка № 6. Новое"),
        "{}",
        chat.text
    );
    let daily = TEMPLATES
        .render(Channel::Email, ContentLevel::Full, &letter(masha))
        .expect("a text");
    assert!(!daily.text.contains('6'), "{}", daily.text);
}
