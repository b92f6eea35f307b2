//! What families read, and what a school may change of it.

use std::{fs, sync::LazyLock};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

mod accessible;
mod digest;

static TEMPLATES: LazyLock<Templates> =
    LazyLock::new(|| Templates::embedded().expect("the templates that come with the program"));

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, day).expect("a date")
}

fn entered(value: &str) -> News {
    News::Entered(value.into())
}

fn corrected(old: Option<&str>, new: &str) -> News {
    News::Corrected {
        old: old.map(Into::into),
        new: new.into(),
    }
}

fn withdrawn(value: &str) -> News {
    News::Withdrawn(Some(value.into()))
}

fn item(subject: &str, date: NaiveDate, news: News) -> Item {
    let event = match news {
        News::Entered(_) => Event::Mark,
        News::Corrected { .. } => Event::MarkCorrected,
        News::Withdrawn(_) => Event::MarkWithdrawn,
    };
    told(event, Some(subject), date, news)
}

fn told(event: Event, subject: Option<&str>, date: NaiveDate, news: News) -> Item {
    Item {
        event,
        subject: subject.map(Into::into),
        date,
        number: None,
        title: None,
        term: None,
        news,
        work_kind: None,
        comment: None,
        short: None,
        answers: Vec::new(),
        files: None,
        entered: None,
    }
}

fn student(name: &str, items: Vec<Item>) -> StudentNews {
    StudentNews {
        id: 0,
        week: None,
        name: name.into(),
        class: Some("5Б".into()),
        items,
    }
}

fn letter(students: Vec<StudentNews>) -> Letter {
    Letter {
        language: Language::Russian,
        school: School {
            name: "Школа № 12".into(),
            short_name: "Школа 12".into(),
            phone: Some("(343) 215-40-12".into()),
        },
        occasion: Occasion::Daily,
        date: day(14),
        number: None,
        students,
    }
}

fn sms(students: Vec<StudentNews>) -> String {
    let text = TEMPLATES.render(Channel::Sms, ContentLevel::Full, &letter(students));
    text.expect("a text").text
}

fn mail(letter: &Letter) -> (String, String, String) {
    let mail = TEMPLATES
        .render(Channel::Email, ContentLevel::Full, letter)
        .expect("a mail");
    (
        mail.subject.expect("a subject"),
        mail.text,
        mail.html.expect("an HTML part"),
    )
}

#[test]
fn one_piece_of_news_is_one_segment() {
    for (news, words) in [
        (entered("5"), "5"),
        (entered("н/а"), "н/а"),
        (entered("."), "точка (долг)"),
        (corrected(Some("3"), "4"), "– исправлено, было 3, теперь 4"),
        (corrected(None, "4"), "– изменено, теперь 4"),
        (withdrawn("2"), "– отметка 2 снята"),
        (withdrawn("."), "– долг снят"),
    ] {
        let text = sms(vec![student("Маша", vec![item("матем", day(14), news)])]);
        assert_eq!(text, format!("Школа 12. Маша 14.10: матем {words}"));
        assert!(text.encode_utf16().count() <= 70, "{text}");
    }
}

#[test]
fn a_digest_has_a_line_for_each_child_and_says_nothing_twice() {
    let masha = student(
        "Маша",
        vec![
            item("матем", day(14), entered("5")),
            item("рус", day(14), entered("4")),
            item("матем", day(13), entered("4")),
            item("рус", day(14), corrected(Some("2"), "3")),
            item("рус", day(14), entered("5")),
            item("лит", day(14), entered("5")),
        ],
    );
    let petya = student("Петя", vec![item("чтение", day(14), entered("5"))]);
    assert_eq!(
        sms(vec![masha, petya]),
        "Школа 12. Маша 13.10: матем 4. 14.10: матем 5, рус 4 и 5, рус – исправлено, было 2, теперь 3; лит 5\n\
         Петя 14.10: чтение 5"
    );
}

#[test]
fn a_mail_is_complete_in_its_text_and_its_subject_tells_a_lock_screen_nothing() {
    let dictation = Item {
        work_kind: Some("диктант".into()),
        comment: Some("Старалась".into()),
        ..item("Русский язык", day(12), corrected(Some("3"), "4"))
    };
    let masha = student(
        "Маша",
        vec![dictation, item("История", day(14), entered("."))],
    );
    let petya = student("Петя", vec![item("Чтение", day(14), entered("осв"))]);
    let (subject, text, html) = mail(&letter(vec![masha, petya]));
    assert_eq!(
        subject,
        "Школа № 12: Маша и Петя, новое в дневнике за 14 октября"
    );
    assert_eq!(
        text,
        "Школа № 12\n\
         Новое в дневнике за 14 октября\n\
         \n\
         Маша, 5Б\n\
         \n\
         12 октября, понедельник\n\
         - Русский язык: исправлено, было 3, теперь 4 (диктант), приносим извинения. Учитель пишет: «Старалась»\n\
         \n\
         14 октября, среда\n\
         - История: точка (долг)\n\
         \n\
         Петя, 5Б\n\
         \n\
         14 октября, среда\n\
         - Чтение: осв (освобождение)\n\
         \n\
         Если здесь ошибка, скажите об этом классному руководителю или позвоните в школу: (343) 215-40-12.\n\
         \n\
         Вы получаете это письмо, потому что дали школе согласие. Выбрать другой способ или отказаться от писем \
         можно у классного руководителя. Кто отказался от писем, получает сводку на бумаге.\n\
         \n\
         Школа не присылает ссылок для входа и не просит кодов и паролей."
    );
    assert_eq!(words_of(&html), words_of(&text), "both parts say the same");
}

/// The words of a text or of an HTML body, without tags and punctuation.
fn words_of(text: &str) -> Vec<String> {
    let body = text.split_once("<body>").map_or(text, |(_, body)| body);
    let mut tag = false;
    let mut bare = String::new();
    for c in body.chars() {
        tag = (tag || c == '<') && c != '>';
        bare.push(if tag || !c.is_alphanumeric() { ' ' } else { c });
    }
    bare.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn a_week_is_named_as_a_week() {
    let mut letter = letter(vec![student(
        "Маша",
        vec![item("История", day(12), entered("4"))],
    )]);
    letter.occasion = Occasion::Weekly;
    let (subject, ..) = mail(&letter);
    assert_eq!(
        subject,
        "Школа № 12: Маша, новое в дневнике за неделю по 14 октября"
    );
}

#[test]
fn a_mail_asks_for_nothing_from_outside() {
    let (_, text, html) = mail(&letter(vec![student("Маша", vec![])]));
    for part in [text, html] {
        for outside in ["http", "href", "src=", "url(", "<img", "<script"] {
            assert!(!part.contains(outside), "{outside}");
        }
    }
}

#[test]
fn a_teacher_s_remark_stays_in_its_place() {
    let comment = "хорошо\r\nBcc: all\n\u{202e}<b>но</b>\u{0}";
    let one = Item {
        comment: Some(comment.into()),
        ..item("История\n", day(14), entered("4"))
    };
    let (subject, text, html) = mail(&letter(vec![student("Ма\nша", vec![one])]));
    assert!(subject.contains(": Ма ша, "), "{subject}");
    assert!(
        text.contains("История: 4. Учитель пишет: «хорошо Bcc: all <b>но</b>»\n"),
        "{text}"
    );
    assert!(
        html.contains("«хорошо Bcc: all &lt;b&gt;но&lt;/b&gt;»"),
        "{html}"
    );
}

/// A folder with one file of a school's own.
fn own(name: &str, content: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, content).expect("a file");
    folder
}

fn refusal(name: &str, content: &str) -> String {
    let folder = own(name, content);
    let error = Templates::load(Some(folder.path())).expect_err(content);
    error.to_string()
}

#[test]
fn a_school_may_reword() {
    let folder = own(
        "mark/sms.hbs",
        "поставлено {{new}} ({{short_weekday date}})\n",
    );
    let templates = Templates::load(Some(folder.path())).expect("a change of words");
    let letter = letter(vec![student(
        "Маша",
        vec![item("лит", day(14), entered("5"))],
    )]);
    let text = templates
        .render(Channel::Sms, ContentLevel::Full, &letter)
        .expect("a text");
    assert_eq!(
        text.text,
        "Школа 12. Маша 14.10: лит поставлено 5 (ср 14.10)"
    );
}

#[test]
fn a_school_may_not_lose_what_families_must_hear() {
    for (name, content, field) in [
        ("mark/sms.hbs", "новая отметка 14.10", "new"),
        ("mark/email.html.hbs", "<b>новая отметка</b>", "new"),
        ("mark_corrected/email.txt.hbs", "теперь {{new}}", "old"),
        ("mark_withdrawn/sms.hbs", "снято", "old"),
        (
            "frame/sms.hbs",
            "{{#each students}}{{#each days}}{{#each groups}}{{subject}} {{list items}}{{/each}}{{/each}}{{/each}}",
            "name",
        ),
        (
            "frame/sms.hbs",
            "{{#each students}}{{name}} {{#each days}}{{#each groups}}{{list items}}{{/each}}{{/each}}{{/each}}",
            "subject",
        ),
        (
            "frame/email.txt.hbs",
            "{{#each students}}{{name}} {{#each days}}{{#each groups}}{{subject}} {{items.[0]}}{{/each}}{{/each}}{{/each}}",
            "items",
        ),
    ] {
        let error = refusal(name, content);
        let expected = format!("template {name}: {{{{{field}}}}} of the sample is missing");
        assert!(error.starts_with(&expected), "{error}");
    }
    let error = refusal(
        "frame/email.subject.hbs",
        "{{#if (eq occasion \"weekly\")}}Неделя{{/if}}",
    );
    assert!(
        error.contains("email.subject.hbs, line 1: the subject is empty"),
        "{error}"
    );
}

#[test]
fn a_refused_file_is_named_with_its_line_and_a_remedy() {
    for (name, content, expected) in [
        (
            "mark/sms.hbs",
            "{{new}}\n{{#if comment}}",
            "template mark/sms.hbs, line 2: ",
        ),
        (
            "mark/sms.hbs",
            "{{new}}\n{{teacher}}",
            "template mark/sms.hbs, line 2: there is no field «teacher»",
        ),
        (
            "frame/sms.hbs",
            "\n\n{{name}}",
            "template frame/sms.hbs, line 3: there is no field «name» at this place",
        ),
        (
            "mark/smss.hbs",
            "{{new}}",
            "template mark/smss.hbs is not one that vestnik uses; did you mean mark/sms.hbs?",
        ),
        (
            "mark/sample.json",
            "{\n\"scool\": {}}",
            "template mark/sample.json, line 2: unknown field `scool`",
        ),
    ] {
        let error = refusal(name, content);
        assert!(error.starts_with(expected), "{error}");
    }
    assert!(Templates::load(Some(own(".mark.swp", "").path())).is_ok());
}

#[test]
fn nothing_prints_a_child() {
    let letter = letter(vec![student(
        "Маша",
        vec![item("лит", day(14), entered("5"))],
    )]);
    let text = TEMPLATES
        .render(Channel::Sms, ContentLevel::Full, &letter)
        .expect("a text");
    let news = &letter.students[0].items;
    let printed = format!("{letter:?} {:?} {news:?} {text:?}", letter.students);
    for secret in ["Маша", "5Б", "лит", "14.10", "Entered"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

#[test]
fn a_messenger_carries_as_much_as_the_school_allows() {
    let remark = told(
        Event::Remark,
        Some("История"),
        day(14),
        entered("Маша шумела"),
    );
    let meeting = told(
        Event::Announcement,
        None,
        day(14),
        entered("Собрание в 18:00"),
    );
    let marked = Item {
        comment: Some("Маша старалась".into()),
        ..item("Математика", day(14), entered("5"))
    };
    let task = |subject, task| told(Event::Homework, Some(subject), day(15), entered(task));
    let letter = letter(vec![student(
        "Маша",
        vec![
            marked,
            item("Математика", day(14), entered("4")),
            remark,
            meeting,
            task("Математика", "№ 1, 2"),
            task("История", "§ 7"),
        ],
    )]);
    let text = |level| {
        let text = TEMPLATES.render(Channel::Telegram, level, &letter);
        text.expect("a text").text
    };
    assert_eq!(
        text(ContentLevel::Full),
        "Школа № 12. Новое в дневнике, 14 октября\n\nМаша, 5Б\n\n14 октября, среда\n\
         – Объявление: Собрание в 18:00\n– Математика: 5. Учитель пишет: «Маша старалась»; 4\n\
         – Замечание: История: «Маша шумела»\n\n15 октября, четверг\n– Домашнее задание:\n\
         · Математика: № 1, 2\n· История: § 7"
    );
    let nameless = text(ContentLevel::NoNames);
    assert!(!nameless.contains("Маша"), "{nameless}");
    assert!(
        nameless.contains("Ваш ребёнок, 5Б") && nameless.contains("Математика: 5"),
        "{nameless}"
    );
    assert_eq!(
        text(ContentLevel::Ping),
        "Школа № 12: в электронном дневнике есть новые записи за 14 октября. Подробности в дневнике или у \
         классного руководителя, телефон школы (343) 215-40-12.\nОбъявление: Собрание в 18:00"
    );
}

/// What people and importers may put into a field: words, control characters, and what looks like
/// HTML or a template.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[а-яё0-9 ,.;/]{0,12}",
        "[<>&\"'`={}#\\\\а\r\n\t\0\u{1b}\u{85}\u{2028}\u{202e}\u{feff}]{0,12}",
    ]
}

fn any_news() -> impl Strategy<Value = News> {
    prop_oneof![
        any_text().prop_map(News::Entered),
        (prop::option::of(any_text()), any_text())
            .prop_map(|(old, new)| News::Corrected { old, new }),
        proptest::option::of(any_text()).prop_map(News::Withdrawn),
    ]
}

fn any_item() -> impl Strategy<Value = Item> {
    let subject = prop_oneof![Just("рус".to_owned()), any_text()];
    (
        prop::sample::select(Event::ALL),
        subject,
        1..29u32,
        any_news(),
        prop::array::uniform4(prop::option::of(any_text())),
        prop::option::of(0..9i64),
    )
        .prop_map(|(event, subject, date, news, texts, number)| {
            let [work_kind, comment, title, short] = texts;
            let mark = matches!(
                event,
                Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn
            );
            let event = if mark {
                item("", day(date), news.clone()).event
            } else {
                event
            };
            Item {
                event,
                subject: Some(subject),
                date: day(date),
                number,
                title,
                term: number.map(|number| ("quarter".into(), number)),
                news,
                work_kind,
                comment,
                short,
                answers: Vec::new(),
                files: None,
                entered: mark.then(|| day(date)),
            }
        })
}

fn any_letter() -> impl Strategy<Value = Letter> {
    let items = prop::collection::vec(any_item(), 0..5);
    let student =
        (any_text(), prop::option::of(any_text()), items).prop_map(|(name, class, items)| {
            StudentNews {
                id: 0,
                week: None,
                name,
                class,
                items,
            }
        });
    let school = ([any_text(), any_text()], prop::option::of(any_text())).prop_map(
        |([name, short_name], phone)| School {
            name,
            short_name,
            phone,
        },
    );
    let occasion = prop::sample::select(vec![Occasion::AtOnce, Occasion::Daily, Occasion::Weekly]);
    (school, occasion, prop::collection::vec(student, 0..4)).prop_map(
        |(school, occasion, students)| Letter {
            language: Language::Russian,
            school,
            occasion,
            date: day(14),
            number: None,
            students,
        },
    )
}

/// The same letter with harmless words in the same places.
fn harmless(letter: &Letter) -> Letter {
    let word = || "слово".to_owned();
    let mut letter = letter.clone();
    letter.school.name = word();
    letter.school.phone = letter.school.phone.map(|_| word());
    for student in &mut letter.students {
        student.name = word();
        student.class = student.class.as_ref().map(|class| {
            if class.is_empty() {
                String::new()
            } else {
                word()
            }
        });
    }
    letter
}

proptest! {
    #[test]
    fn any_content_makes_texts_that_name_it_and_stay_in_their_lines(letter in any_letter()) {
        let sms = TEMPLATES.render(Channel::Sms, ContentLevel::Full, &letter).expect("a text").text;
        let (subject, text, html) = mail(&letter);
        prop_assert!(!subject.chars().any(char::is_control));
        for part in [&sms, &text, &html] {
            let hidden = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            prop_assert!(!part.contains(hidden));
        }
        prop_assert!(sms.lines().count() <= letter.students.len().max(1));
        for item in letter.students.iter().flat_map(|student| &student.items) {
            // The values of other events are words of the journal's own, set in words of ours.
            let mark = matches!(item.event, Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn);
            if let News::Entered(new) | News::Corrected { new, .. } = &item.news
                && new != crate::journal::cell::DEBT
                && mark
            {
                prop_assert!(sms.contains(&view::one_line(new)));
                prop_assert!(text.contains(&view::one_line(new)));
                prop_assert!(html.contains(&Part::Html.clean(new)));
            }
        }
    }

    #[test]
    fn data_opens_no_tag_and_no_entity(letter in any_letter()) {
        let (_, _, html) = mail(&letter);
        let body = html.replace("<!DOCTYPE html>", "");
        for tag in body.split('<').skip(1) {
            let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
            let ours = ["html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "ul", "li", "strong", "br", "footer", "p"];
            prop_assert!(ours.contains(&name.as_str()), "{name}");
        }
        let tags = |html: &str| html.matches('<').count();
        prop_assert_eq!(tags(&html), tags(&mail(&harmless(&letter)).2));
        for entity in html.split('&').skip(1) {
            let known = ["lt;", "gt;", "amp;", "quot;", "#x"];
            prop_assert!(known.iter().any(|known| entity.starts_with(known)), "{entity}");
        }
    }
}
