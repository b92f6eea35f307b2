//! The store suite: the same questions to both databases, with the same answers.

#![expect(
    clippy::unwrap_used,
    reason = "a statement that fails is a test that fails"
)]

mod support;

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AnyPool, AssertSqlSafe, Executor, Row};
use support::both;
use vestnik::store::Dialect;

/// The [t] tables of the public contract, each with an insert, an update and the columns it needs.
const NOTICED: [(&str, &str, &str); 17] = [
    (
        "subgroup_member",
        "(subgroup_id, student_id) VALUES (1, 1)",
        "from_on = '2026-09-01'",
    ),
    (
        "enrolment",
        "(student_id, class_id) VALUES (1, 1)",
        "to_on = '2026-10-14'",
    ),
    (
        "lesson",
        "(class_id, subject_id, date, number) VALUES (1, 1, '2026-10-14', 2)",
        "state = 'held'",
    ),
    (
        "mark",
        "(student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4')",
        "value = '5'",
    ),
    (
        "attendance",
        "(student_id, date, number, code) VALUES (1, '2026-10-14', 2, 'absent')",
        "code = 'ill'",
    ),
    (
        "homework",
        "(class_id, subject_id, text) VALUES (1, 1, '№ 214')",
        "text = '№ 216'",
    ),
    (
        "remark",
        "(student_id, date, text) VALUES (1, '2026-10-14', 'нет формы')",
        "notify_parents = 1",
    ),
    (
        "term_result",
        "(student_id, subject_id, term_id, value) VALUES (1, 1, 1, '4')",
        "value = '5'",
    ),
    (
        "test_plan",
        "(class_id, subject_id, date) VALUES (1, 1, '2026-10-20')",
        "kind = 'контрольная'",
    ),
    (
        "class_event",
        "(class_id, date, text) VALUES (1, '2026-10-20', 'собрание')",
        "starts_at = '18:00'",
    ),
    (
        "announcement",
        "(class_id, text) VALUES (1, 'собрание')",
        "state = 'cancelled'",
    ),
    (
        "guardian",
        "(surname, given_name) VALUES ('Ким', 'Ен Су')",
        "preset = 'at_once'",
    ),
    (
        "guardianship",
        "(guardian_id, student_id) VALUES (1, 1)",
        "rights = 'deprived'",
    ),
    (
        "contact",
        "(guardian_id, channel, address) VALUES (1, 'sms', '+79000000011')",
        "health = 'hard'",
    ),
    (
        "consent",
        "(guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'given')",
        "",
    ),
    (
        "service_mode",
        "(guardian_id, student_id, mode) VALUES (1, 1, 'paper')",
        "ground = 'chosen'",
    ),
    (
        "preference",
        "(guardian_id, channel, timing) VALUES (1, 'sms', 'daily')",
        "timing = 'never'",
    ),
];

async fn run(pool: &AnyPool, sql: &str) -> Result<(), sqlx::Error> {
    pool.execute(AssertSqlSafe(sql.to_owned())).await.map(drop)
}

/// A school with one class, student, subject and guardian, written without a change.
async fn small_school(pool: &AnyPool) {
    for sql in [
        "INSERT INTO school (name) VALUES ('Школа № 12')",
        "INSERT INTO school_year (starts_on, ends_on) VALUES ('2026-09-01', '2027-05-31')",
        "INSERT INTO class (year_id, grade, letter) VALUES (1, 5, 'Б')",
        "INSERT INTO term (kind, starts_on, ends_on) VALUES ('quarter', '2026-09-01', '2026-10-24')",
        "INSERT INTO subject (name) VALUES ('Математика')",
        "INSERT INTO subgroup (class_id, subject_id, name) VALUES (1, 1, '1 подгруппа')",
        "INSERT INTO student (surname, given_name) VALUES ('Соколова', 'Мария')",
        "INSERT INTO guardian (surname, given_name) VALUES ('Соколова', 'Ольга')",
        "DELETE FROM change",
    ] {
        run(pool, sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

/// The changes of a table as `(op, old is there, new is there)`, oldest first.
async fn changes(pool: &AnyPool, table: &str) -> Vec<(String, bool, bool)> {
    let rows = sqlx::query("SELECT op, old, new FROM change WHERE entity = $1 ORDER BY id")
        .bind(table)
        .fetch_all(pool)
        .await
        .unwrap();
    let there = |row: &sqlx::any::AnyRow, at: usize| row.get::<Option<String>, _>(at).is_some();
    rows.iter()
        .map(|row| (row.get(0), there(row, 1), there(row, 2)))
        .collect()
}

#[tokio::test]
async fn every_write_to_a_watched_table_is_noticed_whoever_makes_it() {
    for base in both().await {
        let pool = base.store.pool();
        small_school(pool).await;
        for (table, row, update) in NOTICED {
            run(pool, &format!("INSERT INTO {table} {row}"))
                .await
                .unwrap();
            let mut expected = vec![("insert".to_owned(), false, true)];
            // Consents are append-only: that they refuse is another test.
            if !update.is_empty() {
                let last = format!("id = (SELECT MAX(id) FROM {table})");
                run(pool, &format!("UPDATE {table} SET {update} WHERE {last}"))
                    .await
                    .unwrap();
                run(pool, &format!("UPDATE {table} SET {update} WHERE {last}"))
                    .await
                    .unwrap();
                run(pool, &format!("DELETE FROM {table} WHERE {last}"))
                    .await
                    .unwrap();
                expected.extend([
                    ("update".to_owned(), true, true),
                    ("delete".to_owned(), true, false),
                ]);
            }
            let seen = changes(pool, table).await;
            assert_eq!(
                seen,
                expected,
                "{table} on {:?}; an update of nothing is no change",
                base.store.dialect()
            );
        }
    }
}

#[tokio::test]
async fn a_change_holds_old_and_new_values_and_no_address() {
    for base in both().await {
        let pool = base.store.pool();
        small_school(pool).await;
        run(pool, "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')").await.unwrap();
        run(pool, "UPDATE mark SET value = '4', lesson_id = NULL")
            .await
            .unwrap();
        let row =
            sqlx::query("SELECT entity_id, old, new, written_at FROM change WHERE op = 'update'")
                .fetch_one(pool)
                .await
                .unwrap();
        let json = |at: usize| serde_json::from_str::<Value>(&row.get::<String, _>(at)).unwrap();
        assert_eq!(
            (json(1)["value"].clone(), json(2)["value"].clone()),
            ("3".into(), "4".into())
        );
        assert_eq!(json(2)["id"], row.get::<i64, _>(0));
        assert_eq!(
            (json(2)["date"].clone(), json(2)["lesson_id"].clone()),
            ("2026-10-14".into(), Value::Null)
        );
        assert!(
            row.get::<i64, _>(3) > 1_700_000_000_000,
            "written_at counts milliseconds"
        );

        run(
            pool,
            "INSERT INTO contact (guardian_id, channel, address) VALUES (1, 'sms', '+79000000011')",
        )
        .await
        .unwrap();
        let row = sqlx::query("SELECT new FROM change WHERE entity = 'contact'")
            .fetch_one(pool)
            .await
            .unwrap();
        assert!(!row.get::<String, _>(0).contains("+79000000011"));
    }
}

#[tokio::test]
async fn a_baseline_is_silent_and_an_import_signs_its_changes() {
    for base in both().await {
        let pool = base.store.pool();
        small_school(pool).await;
        let mut import = pool.begin().await.unwrap();
        for sql in [
            "INSERT INTO writing (import_id, baseline) VALUES (77, 1)",
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-12', '5')",
            "UPDATE writing SET baseline = 0",
            "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '4')",
            "DELETE FROM writing",
        ] {
            import.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
        }
        import.commit().await.unwrap();
        let rows = sqlx::query("SELECT import_id, new FROM change")
            .fetch_all(pool)
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "the baseline row made none");
        assert_eq!(rows[0].get::<i64, _>(0), 77);
        assert!(rows[0].get::<String, _>(1).contains("2026-10-14"));
    }
}

#[tokio::test]
async fn what_would_rewrite_history_is_refused_in_words() {
    for base in both().await {
        let pool = base.store.pool();
        small_school(pool).await;
        run(pool, "INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'given')").await.unwrap();
        for sql in [
            "UPDATE consent SET state = 'refused'",
            "DELETE FROM consent",
        ] {
            let error = run(pool, sql).await.expect_err(sql).to_string();
            assert!(error.contains("add a row with the new state"), "{error}");
        }
        if base.store.dialect() == Dialect::Postgres {
            let error = run(pool, "TRUNCATE mark")
                .await
                .expect_err("TRUNCATE")
                .to_string();
            assert!(error.contains("use DELETE FROM mark"), "{error}");
        }
    }
}

#[tokio::test]
async fn bad_values_are_refused_by_the_name_of_the_rule() {
    for base in both().await {
        let pool = base.store.pool();
        small_school(pool).await;
        for (sql, rule) in [
            (
                "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '14.10.2026', '4')",
                "mark_date_is_yyyy_mm_dd",
            ),
            (
                "INSERT INTO preference (guardian_id, channel, timing) VALUES (1, 'sms', 'often')",
                "preference_timing_is_known",
            ),
            (
                "INSERT INTO homework (subject_id, text) VALUES (1, 'x')",
                "homework_has_one_audience",
            ),
            (
                "INSERT INTO contact (channel, address) VALUES ('sms', 'x')",
                "contact_has_one_owner",
            ),
            (
                "INSERT INTO notice (guardian_id, fact, event, basis, state, seen_at, state_at) VALUES (1, 'x', 'mark', '[]', 'closed', 1, 1)",
                "notice_names_its_reason",
            ),
        ] {
            let error = run(pool, sql).await.expect_err(sql).to_string();
            assert!(error.contains(rule), "{error}");
        }
    }
}

#[tokio::test]
async fn one_recipient_has_one_open_notice_of_a_fact() {
    for base in both().await {
        let pool = base.store.pool();
        let notice = |state: &str| {
            format!(
                "INSERT INTO notice (guardian_id, fact, event, basis, state, waits_for, reason, seen_at, state_at) \
                 VALUES (1, 'mark/1/1/2026-10-14/0', 'mark', '[]', '{state}', 'settling', 'equal_again', 1, 1)"
            )
        };
        run(pool, &notice("closed")).await.unwrap();
        run(pool, &notice("settling")).await.unwrap();
        assert!(
            run(pool, &notice("waiting")).await.is_err(),
            "a second open one"
        );
        run(pool, &notice("informed")).await.unwrap();
    }
}

/// Columns in order, each with whether it may be NULL, by table.
type Shape = BTreeMap<String, Vec<(String, bool)>>;

async fn shape(pool: &AnyPool, dialect: Dialect) -> Shape {
    let sql = match dialect {
        Dialect::Sqlite => {
            "SELECT m.name, c.name, CASE WHEN c.\"notnull\" = 1 OR c.pk > 0 THEN 0 ELSE 1 END \
             FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\' \
             ORDER BY m.name, c.cid"
        }
        Dialect::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CASE WHEN is_nullable = 'YES' THEN 1 ELSE 0 END \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' \
             ORDER BY table_name, ordinal_position"
        }
    };
    let mut shape = Shape::new();
    for row in sqlx::query(sql).fetch_all(pool).await.unwrap() {
        let nullable = row
            .try_get::<i64, _>(2)
            .unwrap_or_else(|_| row.get::<i32, _>(2).into())
            == 1;
        shape
            .entry(row.get(0))
            .or_default()
            .push((row.get(1), nullable));
    }
    shape
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_and_nullability() {
    let bases = both().await;
    let mut shapes = Vec::new();
    for base in &bases {
        shapes.push(shape(base.store.pool(), base.store.dialect()).await);
    }
    for shape in &shapes {
        assert!(shape.len() > 50, "{} tables", shape.len());
        assert!(shape["mark"].contains(&("counted_as".to_owned(), true)));
    }
    for pair in shapes.windows(2) {
        for (table, columns) in &pair[0] {
            assert_eq!(Some(columns), pair[1].get(table), "{table}");
        }
        assert_eq!(pair[0].len(), pair[1].len());
    }
}

#[tokio::test]
async fn which_rules_held_on_a_day_is_remembered() {
    for base in both().await {
        let store = &base.store;
        run(
            store.pool(),
            "INSERT INTO school (name) VALUES ('Школа № 12')",
        )
        .await
        .unwrap();
        assert_eq!(store.policy_on(1_000).await.unwrap(), None);
        assert!(
            store
                .keep_policy("default", "a = 1\n", 1_000)
                .await
                .unwrap()
        );
        assert!(
            !store
                .keep_policy("default", "a = 1\n", 2_000)
                .await
                .unwrap()
        );
        assert!(store.keep_policy("tkk", "a = 2\n", 3_000).await.unwrap());
        let held = store.policy_on(2_999).await.unwrap().unwrap();
        assert_eq!((held.name.as_str(), held.valid_from), ("default", 1_000));
        let held = store.policy_on(9_000).await.unwrap().unwrap();
        assert_eq!(
            (held.name.as_str(), held.content.as_str()),
            ("tkk", "a = 2\n")
        );
    }
}

#[tokio::test]
async fn opening_again_changes_nothing_and_a_newer_database_is_refused() {
    for base in both().await {
        let pool = base.store.pool();
        run(pool, "INSERT INTO school (name) VALUES ('Школа № 12')")
            .await
            .unwrap();
        run(
            pool,
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 9999, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 100",
        )
        .await
        .unwrap();
        let error = base.store.migrate().await.expect_err("a newer database");
        assert!(error.to_string().contains("9999"), "{error}");
        run(pool, "DELETE FROM _sqlx_migrations WHERE version = 9999")
            .await
            .unwrap();
        base.store.migrate().await.unwrap();
        let row = sqlx::query("SELECT COUNT(*) FROM school")
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!(row.get::<i64, _>(0), 1);
    }
}
