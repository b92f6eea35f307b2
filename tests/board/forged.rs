//! Who is nobody, or somebody else.

use crate::{
    browser::Browser,
    program::get,
    school::{PASSWORD, School, first_login},
};

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
    browser.says("Решать нечего.").await;

    injected(&browser, &school).await;

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

/// Text in the place of a template stays text.
async fn injected(browser: &Browser, school: &School) {
    browser.open(&school.url("/families")).await;
    browser
        .fill("who", "{{frame.token}}<script>alert(1)</script>")
        .await;
    browser.click("Найти").await;
    let source = browser.page.source().await.expect("a page");
    assert!(!source.contains("<script>alert(1)"), "{source}");
    browser.says("Никого не нашлось").await;
}
