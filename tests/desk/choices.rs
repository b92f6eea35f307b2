//! The pages by which families say how they want to hear: over HTTP, as a browser, a scanner and a mail
//! provider meet them.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use vestnik::{
    clock::Clock,
    family::{
        contact::Channel,
        preference::Event,
        route::{Route, route},
    },
    instant::{DAY, MINUTE},
    links::Links,
    secret::Secret,
    store::Store,
    web::family::Families,
};

use crate::desk::{Desk, FAMILY};
use crate::support::both;

const NAME: &str = "7XK2M4QZ9R3TB6WA";

pub(crate) struct Site {
    address: String,
    pub(crate) links: Arc<Links>,
}

/// The pages on loopback; the machine's clock counts there.
#[expect(clippy::disallowed_methods, reason = "the site ends with the test")]
pub(crate) async fn site(store: &Store) -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let page = "https://school.example.org";
    let links = Arc::new(Links::new(Secret::new("a key"), Some(page), None));
    let families = Families::new(
        store.clone(),
        links.clone(),
        Clock::Wall,
        chrono_tz::Europe::Moscow,
    );
    let router = families.unwrap().router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Site { address, links }
}

impl Site {
    async fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: school.example.org\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    pub(crate) async fn get(&self, path: &str) -> String {
        self.ask("GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> String {
        self.ask("POST", path, body).await
    }

    /// A link of Olga's that ends so much later than now.
    async fn link(&self, store: &Store, later: i64) -> String {
        let until = Clock::Wall.now() + later;
        store
            .issue_link(NAME, 1, until, Clock::Wall.now())
            .await
            .unwrap();
        let url = self.links.preferences(NAME, until).unwrap();
        url.strip_prefix("https://school.example.org")
            .unwrap()
            .to_owned()
    }
}

/// By which channels, in the words of the route, Olga hears of a mark.
async fn olga_hears(desk: &Desk) -> String {
    let today = chrono::NaiveDate::from_ymd_opt(2026, 10, 14).unwrap();
    let people = desk.store.people(&[1], today).await.unwrap();
    let olga = people.guardian(1).unwrap();
    let channels = [Channel::Email, Channel::Sms];
    match route(&people, olga, 1, Event::Mark, &channels, today) {
        Route::Electronic { contacts, timing } => format!("{contacts:?} {timing:?}"),
        Route::Sheet(why) => format!("sheet {}", why.code()),
    }
}

#[tokio::test]
async fn a_family_sets_its_own_hours_and_only_a_post_does_it() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let site = site(&desk.store).await;
        let path = site.link(&desk.store, DAY).await;
        let page = site.get(&path).await;
        assert!(page.starts_with("HTTP/1.1 200"), "{page}");
        for header in [
            "cache-control: no-store",
            "referrer-policy: no-referrer",
            "content-security-policy: default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
            "x-content-type-options: nosniff",
        ] {
            assert!(page.to_lowercase().contains(header), "{header}\n{page}");
        }
        for personal in ["Соколова", "Ольга", "Маша", "olga@example.org"] {
            assert!(!page.contains(personal), "{personal}");
        }
        assert!(page.contains("value=\"at_once\" checked"), "{page}");
        assert!(page.contains("name=\"email\"") && !page.contains("name=\"sms\""));
        let before = desk.store.choices(1).await.unwrap();
        let answer = site
            .post(&path, "preset=daily&email=weekly&quiet=own&quiet_from=20%3A00&quiet_to=08%3A00&large_print=1")
            .await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        assert!(
            answer.contains(&format!("location: {path}?saved=1")),
            "{answer}"
        );
        let chosen = desk.store.choices(1).await.unwrap();
        assert_ne!(chosen, before);
        assert_eq!(
            chosen.to_string(),
            "preset=daily quiet=20:00-08:00 large_print=1 email=weekly"
        );
        assert_eq!(olga_hears(&desk).await, "[1] Weekly");
        let saved = site.get(&format!("{path}?saved=1")).await;
        assert!(
            saved.contains("Сохранено") && saved.contains("value=\"weekly\" selected"),
            "{saved}"
        );
        let told = desk.store.family_choices(0).await.unwrap();
        assert_eq!(
            (told.len(), told[0].guardian.as_str(), told[0].way.as_str()),
            (1, "Соколова Ольга", "page")
        );
        site.post(&path, "preset=daily&email=&quiet=usual").await;
        assert_eq!(
            desk.store.choices(1).await.unwrap().to_string(),
            "preset=daily quiet=usual large_print=0 email=usual"
        );
    }
}

#[tokio::test]
async fn nothing_by_mail_leads_to_the_next_road_and_nothing_at_all_to_paper() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO contact (guardian_id, channel, address, rank) VALUES (1, 'sms', '+79000000011', 2);
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'sms', 'given');
             INSERT INTO preference (guardian_id, event, channel, timing) VALUES (1, 'mark', 'email', 'at_once')",
        )
        .await;
        let site = site(&desk.store).await;
        let path = site.link(&desk.store, DAY).await;
        assert!(
            site.get(&path)
                .await
                .contains("Школа записала ваши пожелания")
        );
        assert_eq!(olga_hears(&desk).await, "[1] AtOnce");
        site.post(&path, "preset=daily&email=never&sms=").await;
        assert_eq!(olga_hears(&desk).await, "[3] Daily");
        site.post(&path, "preset=daily&email=never&sms=never").await;
        assert_eq!(olga_hears(&desk).await, "sheet never_by_channel");
        site.post(&path, "preset=paper&email=&sms=").await;
        assert_eq!(olga_hears(&desk).await, "sheet chosen");
    }
}

#[tokio::test]
async fn a_link_ends_and_what_is_filled_in_wrongly_changes_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let site = site(&desk.store).await;
        let path = site.link(&desk.store, DAY).await;
        let before = desk.store.choices(1).await.unwrap();
        for (form, words) in [
            ("preset=hourly&email=", "Выберите, как часто"),
            ("", "Выберите, как часто"),
            ("preset=daily&email=hourly", "Выберите время"),
            (
                "preset=daily&email=&quiet=own&quiet_from=20&quiet_to=8",
                "Напишите часы тишины",
            ),
            (
                "preset=daily&email=&quiet=own&quiet_from=08%3A00&quiet_to=07%3A00",
                "слишком длинные",
            ),
        ] {
            let answer = site.post(&path, form).await;
            assert!(
                answer.starts_with("HTTP/1.1 422") && answer.contains(words),
                "{form}: {answer}"
            );
        }
        let long = format!("preset=daily&email=&x={}", "x".repeat(5_000));
        assert!(site.post(&path, &long).await.starts_with("HTTP/1.1 413"));
        let forged = path.replace(NAME, "7XK2M4QZ9R3TB6WB");
        assert!(
            site.post(&forged, "preset=paper")
                .await
                .starts_with("HTTP/1.1 404")
        );
        assert_eq!(desk.store.choices(1).await.unwrap(), before);
        let ended = site
            .links
            .preferences(NAME, Clock::Wall.now() - MINUTE)
            .unwrap();
        let ended = ended.strip_prefix("https://school.example.org").unwrap();
        assert!(site.get(ended).await.starts_with("HTTP/1.1 404"));
        // A newer link takes the place of the older one.
        let now = Clock::Wall.now();
        desk.store
            .issue_link("0123456789ABCDEF", 1, now + DAY, now)
            .await
            .unwrap();
        assert!(site.get(&path).await.starts_with("HTTP/1.1 404"));
    }
}

#[tokio::test]
async fn the_headers_own_post_ends_the_mails_and_a_scanner_does_not() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let site = site(&desk.store).await;
        desk.sql("INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '5')").await;
        desk.minutes(30).await;
        let reference = desk.calls.last().unwrap().1.reference.clone();
        let marks = site.links.clone().marker().marks(&reference);
        let url = marks.leave_by_page.unwrap();
        let path = url.strip_prefix("https://school.example.org").unwrap();
        let page = site.get(path).await;
        assert!(page.contains("Больше не получать писем школы?"), "{page}");
        assert!(
            olga_hears(&desk).await.starts_with("[1]"),
            "looking changes nothing"
        );
        let answer = site.post(path, "List-Unsubscribe=One-Click").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("Писем больше не будет"), "{answer}");
        assert_eq!(olga_hears(&desk).await, "sheet consent_email_withdrawn");
        let told = desk.store.family_choices(0).await.unwrap();
        assert_eq!(
            (told[0].what.as_str(), told[0].way.as_str()),
            ("no_email", "link")
        );
        let forged = path.replace(&reference, NAME);
        assert!(site.post(&forged, "").await.starts_with("HTTP/1.1 404"));
        // Who hammers at a link is told to wait.
        let mut last = String::new();
        for _ in 0..25 {
            last = site.get(path).await;
        }
        assert!(
            last.starts_with("HTTP/1.1 429") && last.contains("retry-after: 60"),
            "{last}"
        );
    }
}
