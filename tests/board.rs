//! The board in a real browser: who is let in, the round of the morning, and what people do there; with scripts and
//! without, by mouse and by keyboard.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "not every counterpart is needed here")]
mod program;

use std::{
    fs,
    time::{Duration, SystemTime},
};

use browser::Browser;
use fantoccini::Locator;
use program::{Daemon, Program, Smtp, config, databases, get, open, sql, wait};
use totp_rs::{Builder, Secret};
use vestnik::store::Store;

/// Two classes with their teachers, four students; the mother of the first has a wrong address, the second family has
/// none, the third hears by mail.
const SCHOOL: &str = "
    INSERT INTO school (id, name, short_name, phone, director) VALUES (1, 'Школа № 12', 'Школа 12', '(343) 215-40-12', 'Седова В. П.') ON CONFLICT DO NOTHING;
    UPDATE school SET director = 'Седова В. П.', phone = '(343) 215-40-12';
    INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher'), ('Кузнецова', 'Тамара', 'class_teacher');
    INSERT INTO school_year (starts_on, ends_on, state) VALUES ('2026-09-01', '2027-08-31', 'open');
    INSERT INTO class (grade, letter, class_teacher_id, year_id) VALUES (5, 'А', 1, 1), (7, 'Б', 2, 1);
    INSERT INTO subject (name) VALUES ('Математика');
    INSERT INTO student (id, surname, given_name) VALUES (1, 'Соколова', 'Мария'), (2, 'Петров', 'Илья'), (3, 'Юсупова', 'Амина'), (4, 'Ким', 'Лев');
    INSERT INTO enrolment (student_id, class_id, number) VALUES (1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 1);
    INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколова', 'Ольга', 'at_once'), ('Петров', 'Пётр', 'at_once'), ('Юсупова', 'Роза', 'at_once'), ('Ким', 'Вера', 'at_once');
    INSERT INTO guardianship (guardian_id, student_id, relation) VALUES (1, 1, 'mother'), (2, 2, 'father'), (3, 3, 'mother'), (4, 4, 'mother');
    INSERT INTO contact (guardian_id, channel, address, health) VALUES (1, 'email', 'olga@exmaple.org', 'hard');
    INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'email', 'roza@example.org'), (4, 'email', 'vera@example.org')";

/// Who consents to mails.
const CONSENTS: &str = "
    INSERT INTO consent (guardian_id, student_id, purpose, state, document) VALUES
        (1, 1, 'data', 'given', 'заявление № 21'), (1, 1, 'email', 'given', 'заявление № 21'),
        (2, 2, 'data', 'given', 'заявление № 22'), (2, 2, 'email', 'given', 'заявление № 22'),
        (3, 3, 'data', 'given', 'заявление № 23'), (3, 3, 'email', 'given', 'заявление № 23'),
        (4, 4, 'data', 'given', 'заявление № 24'), (4, 4, 'email', 'given', 'заявление № 24')";

/// A password of one's own.
const PASSWORD: &str = "липа у школы 12";

/// The school with its daemon and a mail server.
struct School {
    program: Program,
    store: Store,
    smtp: Smtp,
    _daemon: Daemon,
    site: String,
}

impl School {
    async fn open(database: &str) -> Option<Self> {
        let smtp = Smtp::start()?;
        let channels = format!(
            "breaker = 3\n[channels.email]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"school@example.org\"\n[channels.print]\nspool_dir = \"{{folder}}/sheets\"\n",
            smtp.port
        );
        let program = Program::new(&config(database, &channels));
        let store = open(&program, database).await;
        sql(&store, SCHOOL).await;
        sql(&store, CONSENTS).await;
        let daemon = program.serve();
        let listens = || program.log().contains("listen=");
        assert!(wait(Duration::from_secs(20), listens), "{}", program.log());
        let log = program.log();
        let address = log
            .split("listen=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        let site = format!("http://{}", address.expect("an address"));
        Some(Self {
            program,
            store,
            smtp,
            _daemon: daemon,
            site,
        })
    }

    /// Lets somebody look: the password that is drawn.
    fn add(&self, login: &str, role: &str, staff: Option<&str>) -> String {
        let mut arguments = vec!["user", "add", login, "--role", role];
        arguments.extend(staff.iter().flat_map(|who| ["--staff", *who]));
        let said = self.program.print(&arguments);
        said.split_whitespace()
            .nth(1)
            .expect("a password")
            .to_owned()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.site)
    }

    /// Today, as the journal writes it.
    fn today() -> String {
        #[expect(
            clippy::disallowed_methods,
            reason = "the daemon's clock is the machine's"
        )]
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a time");
        let now = chrono::DateTime::from_timestamp(i64::try_from(now.as_secs()).expect("few"), 0)
            .expect("a time");
        // Moscow.
        (now + chrono::TimeDelta::hours(3)).date_naive().to_string()
    }

    async fn mark(&self, student: i64, value: &str) {
        let today = Self::today();
        sql(&self.store, &format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES ({student}, 1, '{today}', '{value}')"
        )).await;
    }
}

/// The code that an app would show, so many steps from now.
fn code(secret: &str, steps: u64) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "apps show codes by the machine's clock"
    )]
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("a time");
    let bare: String = secret.split_whitespace().collect();
    let codes = Builder::new()
        .with_secret(Secret::try_from_base32(&bare).expect("a secret"))
        .with_account_name("x")
        .build()
        .expect("codes");
    codes.generate(now.as_secs() + 30 * steps).to_string()
}

/// Logs in for the first time: a password of one's own, then the second factor. Returns its secret.
async fn first_login(browser: &Browser, school: &School, login: &str, drawn: &str) -> String {
    browser.open(&school.url("/")).await;
    browser.at("/login").await;
    browser.fill("login", login).await;
    browser.fill("password", drawn).await;
    browser.press("main button").await;
    browser.at("/login/password").await;
    browser.fill("password", PASSWORD).await;
    browser.fill("again", PASSWORD).await;
    browser.press("main button").await;
    browser.at("/login/second").await;
    let secret = browser
        .page
        .find(Locator::Css("code"))
        .await
        .expect("a secret");
    let secret = secret.text().await.expect("a secret");
    browser.fill("code", &code(&secret, 0)).await;
    browser.press("main button").await;
    secret
}

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
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        held_burst(&browser, &school).await;
        wrong_address(&browser, &school).await;
        complaint(&browser, &school).await;
        let audit = school.url("/audit");
        browser.open(&audit).await;
        let text = browser.text().await;
        for words in [
            "Цепочка записей цела.",
            "is corrected",
            "release",
            "set up the second factor",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        assert!(!text.contains("olga"), "no address: {text}");
    }
}

/// Many marks at once are held; who looks sees what would leave, and decides.
async fn held_burst(browser: &Browser, school: &School) {
    for day in 1..=4 {
        let of = format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES (4, 1, '2026-11-{:02}', '4')",
            10 + day
        );
        sql(&school.store, &of).await;
    }
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
    assert!(browser.text().await.contains("Решать нечего."));
    school.smtp.wait_for(1);
}

/// A family with a wrong address hears nothing; corrected, it hears what waited.
async fn wrong_address(browser: &Browser, school: &School) {
    let before = school.smtp.mails().len();
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
    assert!(
        browser.text().await.contains("не адрес почты"),
        "{}",
        browser.text().await
    );
    browser.open(&school.url("/families/1")).await;
    browser.click("Изменить").await;
    browser.fill("address1", "Olga@example.org").await;
    browser.fill("document1", "заявление № 31").await;
    browser.click("Исправить").await;
    let mails = school.smtp.wait_for(before + 1);
    assert!(
        mails[before].contains("olga@example.org") && mails[before].contains("Математика: 5"),
        "{}",
        mails[before]
    );
    browser.until(&school.url("/families/1"), "принято").await;
    browser.open(&school.url("/week")).await;
    assert!(browser.text().await.contains("5 «А»"));
    browser.click("5 «А»").await;
    assert!(
        browser.text().await.contains("Соколова Мария"),
        "{}",
        browser.text().await
    );
}

async fn complaint(browser: &Browser, school: &School) {
    browser.open(&school.url("/families/1")).await;
    browser.click("Записать жалобу").await;
    browser.fill("text", "Отметка пришла на день позже").await;
    browser.press("form[action$='/complaint'] button").await;
    assert!(
        browser
            .text()
            .await
            .contains("Отметка пришла на день позже")
    );
    browser.open(&school.url("/")).await;
    assert!(browser.text().await.contains("Жалоб без ответа: 1"));
    browser.open(&school.url("/families/1")).await;
    browser
        .fill("answer1", "Адрес был неверным, исправлен")
        .await;
    browser.press("form[action$='/complaint/1'] button").await;
    assert!(
        browser
            .text()
            .await
            .contains("Адрес был неверным, исправлен")
    );
    browser.click("Выписка для жалобы").await;
    let text = browser.text().await;
    assert!(
        text.contains("заявление № 21") && text.contains("доставлен") | text.contains("принято"),
        "{text}"
    );
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
        assert!(
            browser.text().await.contains("Здесь ничего нет"),
            "{path}: {}",
            browser.text().await
        );
    }
    browser.open(&school.url("/families")).await;
    browser.fill("who", "Ким").await;
    browser.click("Найти").await;
    assert!(
        browser.text().await.contains("Никого не нашлось"),
        "{}",
        browser.text().await
    );
    browser.open(&school.url("/families/2")).await;
    assert!(browser.text().await.contains("Петров Илья"));
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

/// What a browser of somebody else would send: status, location and body.
fn raw(school: &School, request: &str) -> String {
    use std::io::{Read, Write};
    let address = school.site.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).expect("a daemon");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nobody_or_somebody_else_gets_nowhere() {
    let (Some(browser), Some(school)) = (
        Browser::start("ru", true).await,
        School::open("sqlite:{folder}/school.db").await,
    ) else {
        return;
    };
    let drawn = school.add("zavuch", "admin", None);
    first_login(&browser, &school, "zavuch", &drawn).await;
    let cookie = browser
        .page
        .get_named_cookie("vestnik")
        .await
        .expect("a cookie");
    assert_eq!(cookie.http_only(), Some(true), "no script reads it");
    let agent = browser
        .page
        .execute("return navigator.userAgent", vec![])
        .await
        .expect("a name");
    let agent = agent.as_str().expect("a name").to_owned();
    let own = format!(
        "User-Agent: {agent}\r\nCookie: vestnik={}\r\n",
        cookie.value()
    );

    // A form of another site: it has the cookie, and not the token.
    let forged = post("/pause", &own, "token=guessed");
    assert!(raw(&school, &forged).starts_with("HTTP/1.1 403"));
    let forged = post(
        "/pause",
        &format!("{own}Sec-Fetch-Site: cross-site\r\n"),
        "",
    );
    assert!(raw(&school, &forged).starts_with("HTTP/1.1 403"));
    browser.open(&school.url("/")).await;
    assert!(
        browser.text().await.contains("Решать нечего."),
        "nothing was stopped"
    );

    // Text in the place of a template stays text.
    browser.open(&school.url("/families")).await;
    browser
        .fill("who", "{{frame.token}}<script>alert(1)</script>")
        .await;
    browser.click("Найти").await;
    let source = browser.page.source().await.expect("a page");
    assert!(!source.contains("<script>alert(1)"), "{source}");
    assert!(browser.text().await.contains("Никого не нашлось"));

    // A stolen cookie in another browser is none, and ends the session for both.
    let thief = format!(
        "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: thief\r\nCookie: vestnik={}\r\n\r\n",
        cookie.value()
    );
    assert!(raw(&school, &thief).contains("location: /login"));
    browser.open(&school.url("/")).await;
    browser.at("/login").await;
    assert!(
        school
            .program
            .log()
            .contains("turned up in another browser")
    );

    // Nobody is led elsewhere, and who guesses waits.
    let door = get(&school.program, "/login?to=https://evil.example/");
    assert!(!door.contains("evil.example"), "{door}");
    let mut answers = Vec::new();
    for guess in 0..14 {
        let body = format!("login=zavuch&password=guess-{guess}&to=//evil.example");
        let answer = raw(&school, &post("/login", "", &body));
        answers.push(
            answer
                .split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_owned(),
        );
        assert!(!answer.contains("evil.example"), "{answer}");
    }
    assert!(
        answers.contains(&"422".to_owned()) && answers.contains(&"429".to_owned()),
        "{answers:?}"
    );
    let log = school.program.log();
    for secret in ["guess-", PASSWORD, "olga@", "Соколова", cookie.value()] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}

/// A school in which every page has something to show.
async fn furnished(school: &School) {
    let today = School::today();
    school.mark(4, "5").await;
    school.smtp.wait_for(1);
    for student in 1..=3 {
        school.mark(student, "5").await;
    }
    sql(
        &school.store,
        &format!(
            "UPDATE mark SET value = '4' WHERE student_id = 3;
             INSERT INTO announcement (class_id, author_id, text, confirm, send_at) VALUES (1, 1, 'Собрание в среду в 18:00, каб. 24', 'one', 1);
             INSERT INTO import (source, started_at, finished_at, rows_read, inserted, state) VALUES ('netschool', 1790000000000, 1790000001000, 412, 38, 'done');
             INSERT INTO complaint (student_id, guardian_id, kind, text, received_at) VALUES (1, 1, 'not_arrived', 'Не пришло', 1790000000000);
             INSERT INTO attendance (student_id, date, number, code) VALUES (2, '{today}', 0, 'absent');
             UPDATE guardian SET preset = 'paper' WHERE id IN (2, 3)"
        ),
    )
    .await;
    for day in 1..=4 {
        sql(&school.store, &format!("INSERT INTO mark (student_id, subject_id, date, value) VALUES (4, 1, '2026-11-0{day}', '3')")).await;
    }
    let week = today.clone();
    school
        .program
        .print(&["sheets", "--class", "5А", "--week", &week, "--out", "now"]);
}

/// The pages of the board, by the paths that lead there.
async fn paths(school: &School) -> Vec<String> {
    let mut tx = school.store.snapshot().await.expect("a database");
    let week = tx.weeks_on_paper(1).await.expect("weeks");
    tx.commit().await.expect("a database");
    let message = school
        .store
        .newest(1)
        .await
        .expect("messages")
        .remove(0)
        .reference;
    let hold = school.store.holds().await.expect("questions").remove(0).id;
    let week = week.first().expect("sheets").to_string();
    [
        "/",
        "/week",
        "/week/1",
        "/director",
        "/messages",
        "/families",
        "/families/1",
        "/families/1/proof",
        "/complaints",
        "/paper",
        "/announcements",
        "/announcements/1",
        "/providers",
        "/rules",
        "/journal",
        "/audit",
        "/users",
        "/nothing-here",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([
        format!("/messages/{message}"),
        format!("/held/{hold}"),
        format!("/paper/1/{week}"),
    ])
    .collect()
}

/// What axe finds wrong with the page that is open: rules and places.
async fn violations(browser: &Browser, axe: &str) -> String {
    let script = format!(
        "const done = arguments[arguments.length - 1]; {axe}; axe.run(document, {{ resultTypes: ['violations'] }})\
         .then(found => done(found.violations.map(one => one.id + ': ' + one.help + ' ' + \
         one.nodes.map(node => node.target.join(' ') + ' ' + (node.any[0]?.message ?? '')).join('; ')).join('\\n')), error => done(String(error)));"
    );
    let said = browser
        .page
        .execute_async(&script, vec![])
        .await
        .expect("axe");
    said.as_str().unwrap_or("axe said nothing").to_owned()
}

/// Has the browser show pages as one in the dark would, or in the light.
async fn light(browser: &Browser, scheme: &str) {
    browser
        .command("Emulation.setEmulatedMedia", serde_json::json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] }))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_for_everybody() {
    let (Some(browser), Some(school)) = (
        Browser::start("ru", true).await,
        School::open("sqlite:{folder}/school.db").await,
    ) else {
        return;
    };
    let Some(axe) = std::env::var_os("VESTNIK_TEST_AXE") else {
        println!("skipped: VESTNIK_TEST_AXE is not set; tests/run sets it");
        return;
    };
    let axe = fs::read_to_string(axe).expect("axe");
    furnished(&school).await;
    browser.until(&school.url("/login"), "Вход").await;
    assert_eq!(violations(&browser, &axe).await, "", "/login");
    let drawn = school.add("zavuch", "admin", None);
    first_login(&browser, &school, "zavuch", &drawn).await;
    browser.at("/").await;
    browser
        .until(&school.url("/"), "необычно много сразу")
        .await;
    let pages = paths(&school).await;
    for (width, scheme) in [
        (1440, "light"),
        (360, "light"),
        (1440, "dark"),
        (360, "dark"),
    ] {
        browser
            .page
            .set_window_size(width, 1000)
            .await
            .expect("a window");
        light(&browser, scheme).await;
        for page in &pages {
            browser.open(&school.url(page)).await;
            let found = violations(&browser, &axe).await;
            assert_eq!(found, "", "{page}, {width} pixels, {scheme}");
            let wide = browser
                .page
                .execute(
                    "return document.documentElement.scrollWidth - innerWidth",
                    vec![],
                )
                .await;
            let wide = wide.expect("a number").as_i64().expect("a number");
            assert!(wide <= 0, "{page} is {wide} pixels wider than {width}");
        }
        picture(&browser, &school, width, scheme).await;
    }
}

/// Pictures for the README, and for who looks at what people are shown: where `VESTNIK_LOOK` names a folder.
async fn picture(browser: &Browser, school: &School, width: u32, scheme: &str) {
    let Ok(folder) = std::env::var("VESTNIK_LOOK") else {
        return;
    };
    for page in paths(school).await {
        browser.open(&school.url(&page)).await;
        let name = page.trim_matches('/').replace('/', "-");
        let name = if name.is_empty() { "now" } else { &name };
        let shot = browser.page.screenshot().await.expect("a picture");
        fs::write(format!("{folder}/{name}-{width}-{scheme}.png"), shot).expect("a file");
    }
}
