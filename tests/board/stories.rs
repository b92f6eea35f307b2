//! The round of the morning, and what a class teacher sees.

use crate::{
    browser::Browser,
    program::{databases, sql},
    school::{PASSWORD, School, code, first_login},
};

#[tokio::test(flavor = "multi_thread")]
async fn the_round_of_the_morning() {
    for database in databases().await {
        let (Some(browser), Some(school)) = (
            Browser::start("ru", true).await,
            School::open(&database).await,
        ) else {
            return;
        };
        let drawn = school.add("zavuch", "admin", None);
        first_login(&browser, &school, "zavuch", &drawn).await;
        browser.at("/").await;
        let text = browser.text().await;
        for words in [
            "Сейчас",
            "Решать нечего.",
            "почта",
            "работает",
            "прочитан полностью",
            "Новой резервной копии давно нет",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        held_burst(&browser, &school).await;
        wrong_address(&browser, &school).await;
        complaint(&browser, &school).await;
        signed(&browser, &school).await;
        month(&browser, &school).await;
        browser.open(&school.url("/providers")).await;
        browser.fill("address", "ничей").await;
        browser.click("Отправить").await;
        browser
            .says("Это не адрес почты: уточните его у семьи.")
            .await;
        let audit = school.url("/audit");
        browser.open(&audit).await;
        let text = browser.text().await;
        for words in [
            "Цепочка записей цела.",
            "исправлен: Соколова Ольга",
            "сообщить",
            "Настроен второй фактор",
            "Соколова Ольга (ученик: Соколова Мария): почта – отозвано",
            "Петров Пётр (ученик: Петров Илья): на бумаге, отказ от электронной формы",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("olga"), "no address: {text}");
    }
}

/// Many marks at once are held; who looks sees what would leave, and decides.
async fn held_burst(browser: &Browser, school: &School) {
    school.many_marks(4, 4).await;
    let home = school.url("/");
    browser.until(&home, "необычно много сразу").await;
    browser.click("необычно много сразу").await;
    let text = browser.text().await;
    assert!(
        text.contains("Если сообщить, уйдёт") && text.contains("почта"),
        "{text}"
    );
    browser.click("Сообщить семьям").await;
    browser.at("/").await;
    browser.says("Решать нечего.").await;
    school.smtp.wait_for(1);
}

/// A family with a wrong address hears nothing; corrected, it hears what waited.
async fn wrong_address(browser: &Browser, school: &School) {
    school.mark(1, "5").await;
    browser.open(&school.url("/families")).await;
    browser.fill("who", "соколова").await;
    browser.click("Найти").await;
    browser.at("/families").await;
    browser.click("Соколова Мария, 5 «А»").await;
    browser.at("/families/1").await;
    let text = browser.text().await;
    assert!(
        text.contains("olga@exmaple.org – не существует: исправьте"),
        "{text}"
    );
    browser.click("Изменить").await;
    browser.fill("address1", "это не адрес").await;
    browser.click("Исправить").await;
    browser.says("не адрес почты").await;
    browser.open(&school.url("/families/1")).await;
    browser.click("Изменить").await;
    browser.fill("address1", "Olga@example.org").await;
    browser.fill("document1", "заявление № 31").await;
    browser.click("Исправить").await;
    let mails = school.mails_to("olga@example.org", 1);
    assert!(mails[0].contains("Математика: 5"), "{}", mails[0]);
    browser.until(&school.url("/families/1"), "принято").await;
    browser.open(&school.url("/week")).await;
    browser.says("5 «А»").await;
    browser.click("5 «А»").await;
    browser.says("Соколова Мария").await;
}

async fn complaint(browser: &Browser, school: &School) {
    browser.open(&school.url("/families/1")).await;
    browser.click("Записать жалобу").await;
    browser.fill("text", "Отметка пришла на день позже").await;
    browser.press("form[action$='/complaint'] button").await;
    browser.says("Отметка пришла на день позже").await;
    browser.open(&school.url("/")).await;
    browser.says("Жалоб без ответа: 1").await;
    browser.open(&school.url("/families/1")).await;
    browser
        .fill("answer1", "Адрес был неверным, исправлен")
        .await;
    browser.press("form[action$='/complaint/1'] button").await;
    browser.says("Адрес был неверным, исправлен").await;
    browser.click("Выписка для жалобы").await;
    let text = browser.text().await;
    for words in [
        "заявление № 21",
        "отметка, Математика, ",
        "Математика: 5",
        ": принято ",
        "Отметка пришла на день позже",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

/// A mother takes back that she hears by mail, and hears no more; a father refused the electronic form.
async fn signed(browser: &Browser, school: &School) {
    let family = school.url("/families/1");
    browser.open(&family).await;
    browser.click("Записать согласие или отказ").await;
    browser.fill("signed1", "заявление № 40").await;
    browser.press("form[action$='/consent'] button").await;
    browser.says("Отметьте, на что семья согласилась").await;
    browser.open(&family).await;
    browser.click("Записать согласие или отказ").await;
    browser.press("input[name='purpose'][value='email']").await;
    browser.press("#state1 option[value='withdrawn']").await;
    browser.fill("signed1", "заявление № 40").await;
    browser.fill("day1", "11112025").await;
    browser.press("form[action$='/consent'] button").await;
    browser
        .says("почта: отозвано, 11.11.2025, заявление № 40")
        .await;
    let before = school.mails_to("roza@example.org", 0).len();
    school.mark(1, "2").await;
    school.mark(3, "5").await;
    school.mails_to("roza@example.org", before + 1);
    let mails = school.mails_to("olga@example.org", 1);
    assert_eq!(mails.len(), 1, "{mails:?}");
    browser.open(&school.url("/families/2")).await;
    browser.click("Записать, как семья узнаёт").await;
    browser.press("#ground2 option[value='refused']").await;
    browser.fill("statement2", "заявление № 41").await;
    browser.press("form[action$='/mode'] button").await;
    browser.says("на бумаге: отказ от электронной формы").await;
    browser.open(&school.url("/families/1/proof")).await;
    let text = browser.text().await;
    assert!(
        text.contains("почта – отозвано, 11.11.2025 (заявление № 40), записано")
            && text.contains("больше не действует"),
        "what held before is part of the proof: {text}"
    );
    assert!(text.contains("ждёт листка недели"), "{text}");
}

/// The sheet that the director signs once a month.
async fn month(browser: &Browser, school: &School) {
    browser.open(&school.url("/week")).await;
    browser.click("Лист директора").await;
    browser.at("/director").await;
    let text = browser.text().await;
    for words in [
        "Информирование семей: ",
        "5 «А»",
        "Жалоб: 1, с ответом: 1.",
        "Резервных копий нет.",
        ": Новой резервной копии давно нет",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    browser.click("Месяцем раньше").await;
    browser.says("Месяцем позже").await;
    assert!(browser.text().await.contains("Не было."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_class_teacher_sees_the_own_class_and_no_other() {
    let (Some(browser), Some(school)) = (
        Browser::start("ru", false).await,
        School::open("sqlite:{folder}/school.db").await,
    ) else {
        return;
    };
    school.mark(2, "4").await;
    let drawn = school.add("ivanova", "class_teacher", Some("Иванова Анна"));
    let secret = first_login(&browser, &school, "ivanova", &drawn).await;
    browser.at("/week").await;
    let text = browser.text().await;
    assert!(
        text.contains("5 «А»") && !text.contains("7 «Б»") && !text.contains("Сообщения"),
        "{text}"
    );
    for path in [
        "/week/2",
        "/families/4",
        "/paper/2/2026-W48",
        "/messages",
        "/",
        "/users",
        "/audit",
        "/live",
        "/director",
    ] {
        browser.open(&school.url(path)).await;
        browser.says("Здесь ничего нет").await;
    }
    browser.open(&school.url("/families")).await;
    browser.fill("who", "Ким").await;
    browser.click("Найти").await;
    browser.says("Никого не нашлось").await;
    browser.open(&school.url("/families/2")).await;
    browser.says("Петров Илья").await;
    of_two_classes(&browser, &school).await;
    browser.open(&school.url("/families/2")).await;
    // Without a script the language changes, too, and so does who is logged in.
    browser.click("English").await;
    assert!(
        browser.text().await.contains("Who answers") || browser.text().await.contains("Week"),
        "{}",
        browser.text().await
    );
    browser.click("Log out").await;
    browser.at("/login").await;
    browser.open(&school.url("/families/2")).await;
    browser.at("/login").await;
    browser.fill("login", "ivanova").await;
    browser.fill("password", PASSWORD).await;
    browser.press("main button").await;
    browser.at("/login/code").await;
    browser.fill("code", "000000").await;
    browser.press("main button").await;
    assert!(
        browser.text().await.contains("Код не подходит")
            || browser.text().await.contains("The code is wrong")
    );
    browser.fill("code", &code(&secret, 1)).await;
    browser.press("main button").await;
    browser.at("/families/2").await;
}

/// A mother has a child in another class, too, and heard of both in one mail: what it says of the other one is not for
/// the class teacher of this one.
async fn of_two_classes(browser: &Browser, school: &School) {
    let today = School::day(0);
    sql(
        &school.store,
        &format!(
            "INSERT INTO guardianship (guardian_id, student_id, relation) VALUES (3, 4, 'mother');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (3, 4, 'data', 'given'), (3, 4, 'email', 'given');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (3, 1, '{today}', '5'), (4, 1, '{today}', '2')"
        ),
    )
    .await;
    let mails = school.mails_to("roza@example.org", 1);
    assert!(
        mails[0].contains("Амина") && mails[0].contains("Лев"),
        "{mails:?}"
    );
    browser
        .until(&school.url("/families/3/proof"), "отметка, Математика")
        .await;
    let text = browser.text().await;
    assert!(
        text.contains("и о других детях") && !text.contains("Лев"),
        "{text}"
    );
}

/// A mark's burst is decided, an address corrected and a sheet handed out without a mouse and without a script.
#[tokio::test(flavor = "multi_thread")]
async fn who_uses_no_mouse_gets_everywhere() {
    let (Some(browser), Some(school)) = (
        Browser::start("ru", false).await,
        School::open("sqlite:{folder}/school.db").await,
    ) else {
        return;
    };
    let drawn = school.add("zavuch", "admin", None);
    first_login(&browser, &school, "zavuch", &drawn).await;
    browser.at("/").await;
    school.many_marks(4, 4).await;
    browser
        .until(&school.url("/"), "необычно много сразу")
        .await;
    browser.tab_to("К содержанию").await;
    browser.key("\u{e007}").await;
    browser.tab_to("необычно много сразу").await;
    browser.key("\u{e007}").await;
    browser.says("Если сообщить, уйдёт").await;
    browser.tab_to("Сообщить одной фразой").await;
    browser.key("\u{e007}").await;
    browser.says("Решать нечего.").await;
    browser.tab_to("Семьи").await;
    browser.key("\u{e007}").await;
    browser.at("/families").await;
    browser.tab_to("Ученик: фамилия").await;
    browser.key("Соколова\u{e007}").await;
    browser.says("Соколова Мария, 5 «А»").await;
    browser.tab_to("Соколова Мария").await;
    browser.key("\u{e007}").await;
    browser.says("не существует: исправьте").await;
    browser.tab_to("Изменить").await;
    browser.key("\u{e007}").await;
    browser.tab_to("Адрес").await;
    // All of it is replaced.
    browser.key("\u{e009}a").await;
    browser.key("olga@example.org").await;
    browser.tab_to("Исправить").await;
    browser.key("\u{e007}").await;
    browser.says("olga@example.org – работает").await;
    school
        .program
        .print(&["sheets", "--class", "5А", "--out", "now"]);
    browser.open(&school.url("/paper")).await;
    browser.tab_to("5 «А»").await;
    browser.key("\u{e007}").await;
    browser.says("напечатан").await;
    browser.tab_to("Отметьте строки").await;
    browser.key("все").await;
    browser.tab_to("Отметить").await;
    browser.key("\u{e007}").await;
    browser.says("выдан, через ученика").await;
    // The sheet stands with its family, and its story says who noted what.
    browser.open(&school.url("/families/2")).await;
    let text = browser.text().await;
    assert!(
        text.contains("Листки") && text.contains("выдан, через ученика"),
        "{text}"
    );
    let sheet = &school.store.newest(1).await.expect("messages")[0].reference;
    browser
        .open(&school.url(&format!("/messages/{sheet}")))
        .await;
    let text = browser.text().await;
    assert!(
        text.contains("напечатано, бумага") && text.contains("Листок выдан"),
        "{text}"
    );
}
