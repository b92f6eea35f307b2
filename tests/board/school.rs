//! The school that the stories are told of, and how people log in to its board.

use std::time::{Duration, SystemTime};

use fantoccini::Locator;
use totp_rs::{Builder, Secret};
use vestnik::store::Store;

use crate::{
    browser::Browser,
    program::{Daemon, Program, Smtp, config, open, sql, wait},
};

/// Two classes with their teachers, four students; the mother of the first has a wrong address, the second family has
/// none, the third hears by mail.
const SCHOOL: &str = "
    INSERT INTO school (name, short_name, phone, director) VALUES ('Школа № 12', 'Школа 12', '(343) 215-40-12', 'Седова В. П.');
    INSERT INTO staff (surname, given_name, role) VALUES ('Иванова', 'Анна', 'class_teacher'), ('Кузнецова', 'Тамара', 'class_teacher');
    INSERT INTO school_year (starts_on, ends_on, state) VALUES ('2026-09-01', '2099-08-31', 'open');
    INSERT INTO class (grade, letter, class_teacher_id, year_id) VALUES (5, 'А', 1, 1), (7, 'Б', 2, 1);
    INSERT INTO subject (name) VALUES ('Математика');
    INSERT INTO student (surname, given_name) VALUES ('Соколова', 'Мария'), ('Петров', 'Илья'), ('Юсупова', 'Амина'), ('Ким', 'Лев');
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
pub(crate) const PASSWORD: &str = "липа у школы 12";

/// The school with its daemon and a mail server.
pub(crate) struct School {
    pub(crate) program: Program,
    pub(crate) store: Store,
    pub(crate) smtp: Smtp,
    _daemon: Daemon,
    pub(crate) site: String,
}

impl School {
    pub(crate) async fn open(database: &str) -> Option<Self> {
        let smtp = Smtp::start()?;
        let channels = format!(
            "breaker = 3\n[channels.email]\nurl = \"smtp://127.0.0.1:{}\"\nfrom = \"school@example.org\"\n[channels.print]\nspool_dir = \"{{folder}}/sheets\"\n",
            smtp.port
        );
        let program = Program::new(&config(database, &channels).replace(
            "[web]",
            "state_dir = \"{folder}\"\nbackup_dir = \"{folder}/backups\"\n[web]",
        ));
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
    pub(crate) fn add(&self, login: &str, role: &str, staff: Option<&str>) -> String {
        let mut arguments = vec!["user", "add", login, "--role", role];
        arguments.extend(staff.iter().flat_map(|who| ["--staff", *who]));
        let said = self.program.print(&arguments);
        said.split_whitespace()
            .nth(1)
            .expect("a password")
            .to_owned()
    }

    /// Waits until so many mails have come to somebody, and returns them.
    pub(crate) fn mails_to(&self, address: &str, count: usize) -> Vec<String> {
        let first = format!("To: {address}");
        let own = || -> Vec<String> {
            let mails = self.smtp.mails().into_iter();
            mails.filter(|mail| mail.starts_with(&first)).collect()
        };
        let arrived = wait(Duration::from_secs(20), || own().len() >= count);
        assert!(arrived, "{} of {count} mails to {address}", own().len());
        own()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.site)
    }

    /// The day so many days ago, as the journal writes it.
    pub(crate) fn day(ago: u64) -> String {
        #[expect(
            clippy::disallowed_methods,
            reason = "the daemon's clock is the machine's"
        )]
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .expect("a time");
        let seconds = i64::try_from(now.as_secs()).expect("few");
        let now = chrono::DateTime::from_timestamp(seconds, 0).expect("a time");
        // Moscow.
        let today = (now + chrono::TimeDelta::hours(3)).date_naive();
        (today - chrono::Days::new(ago)).to_string()
    }

    /// So many marks of a student, of as many days, as somebody enters them who was late.
    pub(crate) async fn many_marks(&self, student: i64, count: u64) {
        for ago in 1..=count {
            let day = Self::day(ago);
            let of = format!(
                "INSERT INTO mark (student_id, subject_id, date, value) VALUES ({student}, 1, '{day}', '4')"
            );
            sql(&self.store, &of).await;
        }
    }

    pub(crate) async fn mark(&self, student: i64, value: &str) {
        let today = Self::day(0);
        sql(&self.store, &format!(
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES ({student}, 1, '{today}', '{value}')"
        )).await;
    }
}

/// The code that an app would show, so many steps from now.
pub(crate) fn code(secret: &str, steps: u64) -> String {
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
pub(crate) async fn first_login(
    browser: &Browser,
    school: &School,
    login: &str,
    drawn: &str,
) -> String {
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
