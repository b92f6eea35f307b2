//! A real browser: Chromium, driven through ChromeDriver (W3C WebDriver), with one window.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, wd::WebDriverCompatibleCommand};
use hyper::Method;
use serde_json::{Value, json};

use crate::program::wait;

/// A browser that closes with the test.
pub(crate) struct Browser {
    pub(crate) page: Client,
    driver: Child,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Browser {
    /// Starts it, in this language, with scripts or without; none where there is no ChromeDriver.
    pub(crate) async fn start(language: &str, scripts: bool) -> Option<Self> {
        let port = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("an address").port()
        };
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(driver) = driver else {
            println!("skipped: there is no chromedriver; tests/run installs it");
            return None;
        };
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        assert!(
            wait(Duration::from_secs(20), listens),
            "chromedriver listens"
        );
        let scripts = if scripts { 1 } else { 2 };
        let capabilities = json!({
            "goog:chromeOptions": {
                "args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                    format!("--lang={language}"), "--window-size=1440,1000",
                ],
                "prefs": {
                    "profile.managed_default_content_settings.javascript": scripts,
                    "intl.accept_languages": language,
                },
            },
        });
        let Value::Object(capabilities) = capabilities else {
            return None;
        };
        let page = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser");
        Some(Self { page, driver })
    }

    /// Opens a page.
    pub(crate) async fn open(&self, url: &str) {
        self.page.goto(url).await.expect("a page");
    }

    /// What the page says.
    pub(crate) async fn text(&self) -> String {
        // A page that is on its way out has no text any more.
        for _ in 0..50 {
            if let Ok(body) = self.page.find(Locator::Css("body")).await
                && let Ok(text) = body.text().await
            {
                return text;
            }
        }
        panic!("the page has no text")
    }

    /// Waits until the page is this one.
    pub(crate) async fn at(&self, path: &str) {
        let mut last = String::new();
        for _ in 0..100 {
            let url = self.page.current_url().await.expect("an address");
            url.path().clone_into(&mut last);
            if last == path {
                return;
            }
            tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>())
                .await
                .ok();
        }
        panic!("it is {last} and not {path}: {}", self.text().await);
    }

    /// Types into a field by its id.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        let field = self.page.find(Locator::Id(id)).await;
        let field = field.unwrap_or_else(|error| panic!("no field {id}: {error}"));
        field.clear().await.expect("a field");
        field.send_keys(text).await.expect("a field");
    }

    /// Clicks on a link, button or summary that says this, and waits for the page that follows.
    pub(crate) async fn click(&self, words: &str) {
        let path = format!(
            "//*[self::a or self::button or self::summary][contains(normalize-space(.), \"{words}\")]"
        );
        // What changes by itself may be put in its place anew while it is clicked.
        let mut last = None;
        for _ in 0..20 {
            match self.page.find(Locator::XPath(&path)).await {
                Ok(found) => match found.click().await {
                    Ok(()) => return,
                    Err(error) => last = Some(error),
                },
                Err(error) => last = Some(error),
            }
        }
        panic!("nothing says «{words}»: {last:?}\n{}", self.text().await);
    }

    /// Presses a key where the keyboard is.
    pub(crate) async fn key(&self, key: &str) {
        let here = self.page.active_element().await.expect("a place");
        here.send_keys(key).await.expect("a key");
    }

    /// Goes on with the tabulator until what is reached says this, as who uses no mouse does.
    pub(crate) async fn tab_to(&self, words: &str) {
        for _ in 0..60 {
            self.key("\u{e004}").await;
            let said = self
                .page
                .execute(
                    "const one = document.activeElement; return one.tagName === 'DIV' ? '' : one.innerText || one.labels?.[0]?.innerText || ''",
                    vec![],
                )
                .await
                .expect("words");
            if said.as_str().is_some_and(|said| said.contains(words)) {
                return;
            }
        }
        panic!(
            "the keyboard never reaches «{words}»:\n{}",
            self.text().await
        );
    }

    /// Clicks on what this selector finds.
    pub(crate) async fn press(&self, selector: &str) {
        let found = self.page.find(Locator::Css(selector)).await;
        let found = found.unwrap_or_else(|error| panic!("no {selector}: {error}"));
        found.click().await.expect("a click");
    }

    /// Waits until the page that is open says this.
    pub(crate) async fn says(&self, words: &str) {
        for _ in 0..100 {
            if self.text().await.contains(words) {
                return;
            }
            tokio::time::timeout(Duration::from_millis(50), std::future::pending::<()>())
                .await
                .ok();
        }
        panic!("it never says «{words}»:\n{}", self.text().await);
    }

    /// Waits until the page says this, opening it again and again.
    pub(crate) async fn until(&self, url: &str, words: &str) {
        for _ in 0..100 {
            self.open(url).await;
            if self.text().await.contains(words) {
                return;
            }
            tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>())
                .await
                .ok();
        }
        panic!("{url} never says «{words}»:\n{}", self.text().await);
    }

    /// Tells the browser something that WebDriver has no word for (Chrome DevTools Protocol).
    pub(crate) async fn command(&self, method: &str, parameters: Value) {
        let command = Devtools {
            body: json!({ "cmd": method, "params": parameters }).to_string(),
        };
        self.page.issue_cmd(command).await.expect("a command");
    }
}

/// A command of ChromeDriver's own.
#[derive(Debug)]
struct Devtools {
    body: String,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        base.join(&format!(
            "session/{}/goog/cdp/execute",
            session.unwrap_or_default()
        ))
    }

    fn method_and_body(&self, _: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.clone()))
    }
}
