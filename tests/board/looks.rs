//! Every page as people see it: for those who use a screen reader, a phone or a dark room.

use std::fs;

use crate::{
    browser::Browser,
    program::sql,
    school::{School, first_login},
};

/// A school in which every page has something to show.
async fn furnished(school: &School) {
    let today = School::day(0);
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
    school.many_marks(4, 4).await;
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
        "/families/4/proof",
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

/// Opens what is folded on the page.
async fn unfold(browser: &Browser) {
    let script = "document.querySelectorAll('details').forEach(one => { one.open = true; })";
    browser.page.execute(script, vec![]).await.expect("a page");
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
            let text = browser.text().await;
            assert!(
                !text.contains("сейчас не открывается"),
                "{page}: {}",
                school.program.log()
            );
            unfold(&browser).await;
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

/// Pictures of every page for who looks at what people are shown, where `VESTNIK_LOOK` names a folder; and with
/// `VESTNIK_WRITE_DOCS` those of the README.
async fn picture(browser: &Browser, school: &School, width: u32, scheme: &str) {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
    let of_readme = [
        ("/", 1440, "light", "board"),
        ("/families/1", 360, "dark", "board-phone"),
    ];
    for (page, wide, colours, name) in of_readme {
        if std::env::var_os("VESTNIK_WRITE_DOCS").is_some() && (wide, colours) == (width, scheme) {
            browser.open(&school.url(page)).await;
            let shot = browser.page.screenshot().await.expect("a picture");
            fs::write(format!("{docs}/{name}.png"), shot).expect("a file");
        }
    }
    let Ok(folder) = std::env::var("VESTNIK_LOOK") else {
        return;
    };
    let tall = browser.page.set_window_size(width, 2400).await;
    tall.expect("a window");
    for page in paths(school).await {
        browser.open(&school.url(&page)).await;
        unfold(browser).await;
        let name = page.trim_matches('/').replace('/', "-");
        let name = if name.is_empty() { "now" } else { &name };
        let shot = browser.page.screenshot().await.expect("a picture");
        fs::write(format!("{folder}/{name}-{width}-{scheme}.png"), shot).expect("a file");
    }
}
