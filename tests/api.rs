//! The API, as other programs use it: the daemon on loopback, on both databases.

#[path = "support/program.rs"]
#[expect(dead_code, reason = "not every counterpart is needed here")]
mod program;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    time::Duration,
};

use program::{Daemon, Program, config, databases, open, sql, wait};
use serde_json::{Value, json};
use vestnik::store::Store;

const SCHOOL: &str = "
    INSERT INTO school (name) VALUES ('Школа № 12');
    INSERT INTO school_year (starts_on, ends_on, state) VALUES ('2026-09-01', '2027-08-31', 'open');
    INSERT INTO class (grade, letter, year_id) VALUES (5, 'А', 1);
    INSERT INTO subject (name) VALUES ('Математика');
    INSERT INTO student (source_key, surname, given_name) VALUES ('ejournal/s-1', 'Соколова', 'Мария'), (NULL, 'Петров', 'Илья');
    INSERT INTO enrolment (student_id, class_id) VALUES (1, 1), (2, 1);
    INSERT INTO guardian (surname, given_name) VALUES ('Соколова', 'Ольга');
    INSERT INTO guardianship (guardian_id, student_id) VALUES (1, 1)";

struct School {
    program: Program,
    store: Store,
    _daemon: Daemon,
    address: String,
}

impl School {
    async fn open(database: &str) -> Self {
        let program = Program::new(&config(database, ""));
        let store = open(&program, database).await;
        sql(&store, SCHOOL).await;
        let daemon = program.serve();
        let listens = || program.log().contains("listen=");
        assert!(wait(Duration::from_secs(20), listens), "{}", program.log());
        let log = program.log();
        let address = log
            .split("listen=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        let address = address.expect("an address").to_owned();
        Self {
            program,
            store,
            _daemon: daemon,
            address,
        }
    }

    fn token(&self, scopes: &[&str]) -> String {
        let mut arguments = vec!["token", "add", "ejournal"];
        arguments.extend(scopes.iter().flat_map(|scope| ["--scope", *scope]));
        self.program.print(&arguments).trim().to_owned()
    }

    /// Status, head and body of an answer.
    fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, Value) {
        let mut stream = std::net::TcpStream::connect(&self.address).expect("a daemon");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        let answer = String::from_utf8(answer).expect("UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|text| text.parse().ok())
            .expect("a status");
        (
            status,
            head.to_lowercase(),
            serde_json::from_str(body).unwrap_or(Value::Null),
        )
    }

    fn post(&self, path: &str, token: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
        let headers =
            format!("Authorization: Bearer {token}\r\nContent-Type: application/json\r\n{key}");
        let (status, head, answer) = self.ask("POST", path, &headers, &body.to_string());
        if status >= 400 {
            assert!(head.contains("application/problem+json"), "{head}");
        }
        (status, answer)
    }

    async fn count(&self, table: &'static str) -> i64 {
        let statement = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement))
            .fetch_one(self.store.pool())
            .await
            .expect("a number")
    }
}

fn marks(count: usize) -> Value {
    let mark = |at: usize| {
        json!({
            "key": format!("m-{at}"), "student": if at.is_multiple_of(2) { "s-1" } else { "2" }, "subject": "математика",
            "date": format!("2026-10-{:02}", 1 + at % 28), "value": "4",
        })
    };
    json!({ "marks": (0..count).map(mark).collect::<Vec<_>>() })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_batch_twice_changes_nothing_and_a_large_one_is_one_transaction() {
    for database in databases().await {
        let school = School::open(&database).await;
        let token = school.token(&["journal.write"]);
        let batch = marks(10_000);
        let (status, first) = school.post("/api/v1/journal", &token, Some("batch-1"), &batch);
        assert_eq!(
            (status, &first["inserted"], &first["updated"]),
            (200, &json!(10_000), &json!(0)),
            "{first}"
        );
        assert_eq!(school.count("mark").await, 10_000);
        let changes = school.count("change WHERE op <> 'recheck'").await;
        let (status, again) = school.post("/api/v1/journal", &token, Some("batch-1"), &batch);
        assert_eq!((status, &again), (200, &first), "its answer was lost");
        let (status, same) = school.post("/api/v1/journal", &token, Some("batch-2"), &batch);
        assert_eq!(
            (status, &same["unchanged"], &same["import"]),
            (200, &json!(10_000), &Value::Null)
        );
        assert_eq!(
            school.count("change WHERE op <> 'recheck'").await,
            changes,
            "nothing was written"
        );
        let (status, used) = school.post("/api/v1/journal", &token, Some("batch-1"), &marks(1));
        assert_eq!(status, 409, "{used}");
        // One wrong row of many: none is written.
        let mut wrong = marks(10_000);
        wrong["marks"][7000]["value"] = json!("5");
        wrong["marks"][9999]["student"] = json!("s-404");
        let (status, told) = school.post("/api/v1/journal", &token, None, &wrong);
        assert_eq!(
            (status, &told["errors"][0]["pointer"]),
            (409, &json!("/marks/9999/student")),
            "{told}"
        );
        assert_eq!(school.count("mark WHERE value = '5'").await, 0);
        assert!(!told.to_string().contains("s-404"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_all_kinds_are_written_corrected_and_taken_out() {
    for database in databases().await {
        let school = School::open(&database).await;
        let token = school.token(&["journal.write"]);
        let batch = json!({
            "marks": [{ "key": "1", "student": "s-1", "subject": "Математика", "date": "2026-10-14", "value": "3", "work_kind": "контрольная" }],
            "attendance": [{ "key": "1", "student": "1", "date": "2026-10-14", "lesson": 2, "code": "late" }],
            "homework": [{ "key": "1", "class": "5-а", "subject": "Математика", "assigned_on": "2026-10-14", "due_on": "2026-10-15", "text": "№ 214" }],
            "remarks": [{ "key": "1", "student": "ejournal/s-1", "date": "2026-10-14", "kind": "praise", "text": "Молодец", "notify_parents": true }],
        });
        let (status, done) = school.post("/api/v1/journal", &token, None, &batch);
        assert_eq!((status, &done["inserted"]), (200, &json!(4)), "{done}");
        let corrected = json!({
            "marks": [{ "key": "1", "student": "s-1", "subject": "Математика", "date": "2026-10-14", "value": "4" }],
            "withdrawn": [{ "kind": "remark", "key": "1" }, { "kind": "homework", "key": "none" }],
        });
        let (status, done) = school.post("/api/v1/journal", &token, None, &corrected);
        let counts = (&done["updated"], &done["withdrawn"], &done["unchanged"]);
        assert_eq!(
            (status, counts),
            (200, (&json!(1), &json!(1), &json!(1))),
            "{done}"
        );
        assert_eq!(school.count("mark WHERE value = '4'").await, 1);
        assert_eq!(school.count("remark").await, 0);
        let twice = json!({ "attendance": [{ "key": "2", "student": "1", "date": "2026-10-14", "lesson": 2, "code": "ill" }] });
        let (status, told) = school.post("/api/v1/journal", &token, None, &twice);
        assert_eq!(
            (status, &told["errors"][0]["pointer"]),
            (409, &json!("/attendance/0/lesson"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_do_what_their_token_is_for_and_are_told_what_is_wrong() {
    let school = School::open("sqlite:{folder}/school.db").await;
    let token = school.token(&[
        "messages.read",
        "consents.read",
        "consents.write",
        "ledger.read",
    ]);
    let read = |path: &str, token: &str| {
        let (status, _, body) = school.ask(
            "GET",
            path,
            &format!("Authorization: Bearer {token}\r\n"),
            "",
        );
        (status, body)
    };
    assert_eq!(read("/api/v1/messages", "wrong").0, 401);
    let (status, head, _) = school.ask("GET", "/api/v1/messages", "", "");
    assert!(
        status == 401 && head.contains("www-authenticate: bearer"),
        "{head}"
    );
    assert_eq!(
        school.post("/api/v1/journal", &token, None, &json!({})).0,
        403
    );
    assert_eq!(read("/api/v1/messages?limit=1", &token), (200, json!([])));
    assert_eq!(read("/api/v1/messages?limit=0", &token).0, 422);
    assert_eq!(read("/api/v1/messages?limits=1", &token).0, 400);
    assert_eq!(read("/api/v1/messages/none", &token).0, 404);
    assert_eq!(read("/api/v1/ledger?week=2026-W42&class=5А", &token).0, 200);
    assert_eq!(read("/api/v1/ledger?week=soon", &token).0, 422);
    let new = json!({ "guardian_id": 1, "student_id": 1, "purpose": "sms", "state": "given", "document": "заявление № 7" });
    assert_eq!(school.post("/api/v1/consents", &token, None, &new).0, 201);
    let (status, register) = read("/api/v1/consents?student_id=1", &token);
    assert_eq!(
        (status, &register[0]["document"]),
        (200, &json!("заявление № 7")),
        "{register}"
    );
    let strange = json!({ "guardian_id": 1, "student_id": 2, "purpose": "sms", "state": "given", "document": "x" });
    assert_eq!(
        school.post("/api/v1/consents", &token, None, &strange).0,
        404
    );
    let unknown = json!({ "guardian_id": 1, "student_id": 1, "purpose": "fax", "state": "given", "document": "x" });
    assert_eq!(
        school.post("/api/v1/consents", &token, None, &unknown).0,
        422
    );
    let soon = json!({ "guardian_id": 1, "student_id": 1, "purpose": "sms", "state": "given", "document": "x", "signed_on": "2099-09-01" });
    let (status, body) = school.post("/api/v1/consents", &token, None, &soon);
    assert!(
        status == 409
            && body["detail"]
                .as_str()
                .is_some_and(|why| why.contains("signed_on")),
        "{body}"
    );
    school.program.print(&["token", "end", "ejournal"]);
    assert_eq!(read("/api/v1/messages", &token).0, 401, "it ends at once");
    assert!(!school.program.log().contains("заявление"));
}

/// What is described is what there is.
#[tokio::test(flavor = "multi_thread")]
async fn the_description_has_every_path() {
    let school = School::open("sqlite:{folder}/school.db").await;
    let (status, _, description) = school.ask("GET", "/api/v1/openapi.json", "", "");
    assert_eq!((status, &description["openapi"]), (200, &json!("3.1.0")));
    let paths = description["paths"].as_object().expect("paths");
    let described: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("methods");
            methods.keys().map(move |method| format!("{method} {path}"))
        })
        .collect();
    let known = [
        "get /api/v1/consents",
        "get /api/v1/ledger",
        "get /api/v1/messages",
        "get /api/v1/messages/{reference}",
        "post /api/v1/consents",
        "post /api/v1/journal",
    ];
    assert_eq!(described, known.map(str::to_owned).into());
    for path in &described {
        let (method, path) = path.split_once(' ').expect("a method");
        let (status, ..) = school.ask(
            &method.to_uppercase(),
            &path.replace("{reference}", "X"),
            "",
            "",
        );
        assert_eq!(status, 401, "{path} is there and asks for a token");
    }
}
