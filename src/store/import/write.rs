//! Writes differences in one transaction.

use std::collections::HashMap;

use sqlx::{Any, AssertSqlSafe, Row, Transaction, query::Query};

use super::{
    ImportFailure,
    compare::{Difference, Write},
};
use crate::{
    instant::Millis,
    journal::import::{Field, Load, Record, Table},
    store::{
        Store, StoreError,
        rows::{int, text, values},
    },
};

/// How many rows one INSERT carries.
const ROWS: usize = 100;

/// The ids of all rows that records name, old and new.
type Ids<'a> = HashMap<(Table, &'a str), i64>;

impl Store {
    /// Writes; false where somebody wrote since the comparison, and nothing was done.
    pub(super) async fn write(
        &self,
        load: &Load,
        difference: &Difference<'_>,
        before: [i64; 2],
        now: Millis,
    ) -> Result<bool, ImportFailure> {
        let mut tx = self.pool.begin().await?;
        // The first statement writes: from here on nobody else does, on SQLite.
        let row = sqlx::query(
            "INSERT INTO import (source, files, started_at, rows_read) VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(load.prefix.split('/').next().unwrap_or_default())
        .bind(load.files.join("\n"))
        .bind(now)
        .bind(i64::try_from(load.rows).unwrap_or(i64::MAX))
        .fetch_one(&mut *tx)
        .await?;
        let import = int(&row, "id")?;
        let moved = sqlx::query(
            "SELECT (SELECT COALESCE(MAX(id), 0) FROM change) AS changes, \
             (SELECT COALESCE(MAX(id), 0) FROM import WHERE id < $1) AS imports",
        )
        .bind(import)
        .fetch_one(&mut *tx)
        .await?;
        let now_at: [i64; 2] = [moved.try_get("changes")?, moved.try_get("imports")?];
        if now_at != before {
            tx.rollback().await?;
            return Ok(false);
        }
        sqlx::query("INSERT INTO writing (import_id, baseline) VALUES ($1, 0)")
            .bind(import)
            .execute(&mut *tx)
            .await?;
        let mut ids: Ids<'_> = difference.ids.clone();
        // People first, aloud: who they are decides who hears. Then what everybody is taken to know,
        // then the news.
        let people = |table: Table| table < Table::Lesson;
        run(
            &mut tx,
            &mut ids,
            difference.news.iter().filter(|(table, _)| people(*table)),
        )
        .await?;
        run(
            &mut tx,
            &mut ids,
            difference.known.iter().filter(|(table, _)| people(*table)),
        )
        .await?;
        baseline(&mut tx, true).await?;
        run(
            &mut tx,
            &mut ids,
            difference.known.iter().filter(|(table, _)| !people(*table)),
        )
        .await?;
        baseline(&mut tx, false).await?;
        run(
            &mut tx,
            &mut ids,
            difference.news.iter().filter(|(table, _)| !people(*table)),
        )
        .await?;
        for (table, id, key) in &difference.aliases {
            sqlx::query("INSERT INTO alias (entity, entity_id, source_key) VALUES ($1, $2, $3)")
                .bind(table.name())
                .bind(*id)
                .bind(*key)
                .execute(&mut *tx)
                .await?;
        }
        remember_baselines(&mut tx, &ids, difference, import, now).await?;
        sqlx::query("DELETE FROM writing").execute(&mut *tx).await?;
        finish(&mut tx, difference, import, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn baseline(tx: &mut Transaction<'static, Any>, on: bool) -> Result<(), StoreError> {
    sqlx::query("UPDATE writing SET baseline = $1")
        .bind(i64::from(on))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn run<'d, 'a: 'd>(
    tx: &mut Transaction<'static, Any>,
    ids: &mut Ids<'a>,
    writes: impl Iterator<Item = &'d (Table, Write<'a>)>,
) -> Result<(), StoreError> {
    let mut writes: Vec<&(Table, Write<'a>)> = writes.collect();
    writes.sort_by_key(|(table, _)| *table);
    let mut batch: Vec<&'a Record> = Vec::new();
    for (table, write) in writes {
        if let Write::Insert(record) = write {
            let same = |first: &&Record| {
                first.table == *table
                    && first.fields.len() == record.fields.len()
                    && first
                        .fields
                        .iter()
                        .zip(&record.fields)
                        .all(|(a, b)| a.0 == b.0)
            };
            if batch.len() >= ROWS || !batch.first().is_none_or(same) {
                insert(tx, ids, &std::mem::take(&mut batch)).await?;
            }
            batch.push(record);
            continue;
        }
        // What is updated may name rows that are still in hand.
        insert(tx, ids, &std::mem::take(&mut batch)).await?;
        match write {
            Write::Insert(_) => {}
            Write::Update(id, columns) => {
                let sets: Vec<String> = columns
                    .iter()
                    .enumerate()
                    .map(|(at, (column, _))| format!("{column} = ${}", at + 2))
                    .collect();
                let sql = format!(
                    "UPDATE {} SET {} WHERE id = $1",
                    table.name(),
                    sets.join(", ")
                );
                let mut query = sqlx::query(AssertSqlSafe(sql)).bind(*id);
                for (_, field) in columns {
                    query = bind(query, field, ids);
                }
                query.execute(&mut **tx).await?;
            }
            Write::Rename(id, record) => {
                let mut sets: Vec<String> = record
                    .fields
                    .iter()
                    .enumerate()
                    .map(|(at, (column, _))| format!("{column} = ${}", at + 2))
                    .collect();
                if table.has_key() {
                    sets.push(format!("source_key = ${}", sets.len() + 2));
                }
                let sql = format!(
                    "UPDATE {} SET {} WHERE id = $1",
                    table.name(),
                    sets.join(", ")
                );
                let mut query = sqlx::query(AssertSqlSafe(sql)).bind(*id);
                for (_, field) in &record.fields {
                    query = bind(query, field, ids);
                }
                if table.has_key() {
                    query = query.bind(record.key.as_str());
                }
                query.execute(&mut **tx).await?;
            }
            Write::Delete(id) => {
                let sql = format!("DELETE FROM {} WHERE id = $1", table.name());
                sqlx::query(AssertSqlSafe(sql))
                    .bind(*id)
                    .execute(&mut **tx)
                    .await?;
            }
        }
    }
    insert(tx, ids, &batch).await
}

async fn insert<'a>(
    tx: &mut Transaction<'static, Any>,
    ids: &mut Ids<'a>,
    records: &[&'a Record],
) -> Result<(), StoreError> {
    let Some(first) = records.first() else {
        return Ok(());
    };
    let table = first.table;
    let mut columns: Vec<&str> = first.fields.iter().map(|(column, _)| *column).collect();
    let mut returning = "";
    if table.has_key() {
        columns.push("source_key");
        returning = " RETURNING id, source_key";
    }
    if table == Table::Enrolment {
        end_earlier_classes(tx, ids, records).await?;
    }
    let sql = format!(
        "INSERT INTO {} ({}) VALUES {}{returning}",
        table.name(),
        columns.join(", "),
        values(records.len(), columns.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
    for record in records {
        for (_, field) in &record.fields {
            query = bind(query, field, ids);
        }
        if table.has_key() {
            query = query.bind(&record.key);
        }
    }
    let rows = query.fetch_all(&mut **tx).await?;
    for row in &rows {
        let key = text(row, "source_key")?;
        if let Some(record) = records.iter().find(|record| record.key == key) {
            ids.insert((table, record.key.as_str()), int(row, "id")?);
        }
    }
    Ok(())
}

/// Who is in a new class is no longer in the old one.
async fn end_earlier_classes(
    tx: &mut Transaction<'static, Any>,
    ids: &Ids<'_>,
    records: &[&Record],
) -> Result<(), StoreError> {
    for record in records {
        let (Some(Field::Of(table, student)), Some(Field::Text(from))) =
            (record.field("student_id"), record.field("from_on"))
        else {
            continue;
        };
        let Some(student) = ids.get(&(*table, student.as_str())) else {
            continue;
        };
        let last = from
            .parse::<chrono::NaiveDate>()
            .ok()
            .and_then(|day| day.pred_opt());
        sqlx::query("UPDATE enrolment SET to_on = $2 WHERE student_id = $1 AND to_on IS NULL")
            .bind(*student)
            .bind(last.map(|day| day.to_string()))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

fn bind<'q>(
    query: Query<'q, Any, <Any as sqlx::Database>::Arguments>,
    field: &'q Field,
    ids: &Ids<'_>,
) -> Query<'q, Any, <Any as sqlx::Database>::Arguments> {
    match field {
        Field::Text(text) => query.bind(text.as_str()),
        Field::Int(number) => query.bind(*number),
        Field::Real(number) => query.bind(*number),
        Field::Of(table, key) => query.bind(ids.get(&(*table, key.as_str())).copied()),
    }
}

async fn remember_baselines(
    tx: &mut Transaction<'static, Any>,
    ids: &Ids<'_>,
    difference: &Difference<'_>,
    import: i64,
    now: Millis,
) -> Result<(), StoreError> {
    let of_class = difference
        .new_classes
        .iter()
        .map(|(class, table)| (class, None, table));
    let of_student = difference
        .new_students
        .iter()
        .map(|((student, table), class)| (class, Some(student), table));
    for (class, student, table) in of_class.chain(of_student) {
        let Some(class) = ids.get(&(Table::Class, class.as_str())) else {
            continue;
        };
        let student = student.and_then(|key| ids.get(&(Table::Student, key.as_str())).copied());
        sqlx::query(
            "INSERT INTO baseline (class_id, student_id, kind, import_id, taken_at) \
             VALUES ($1, $2, $5, $3, $4)",
        )
        .bind(*class)
        .bind(student)
        .bind(import)
        .bind(now)
        .bind(table.name())
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn finish(
    tx: &mut Transaction<'static, Any>,
    difference: &Difference<'_>,
    import: i64,
    now: Millis,
) -> Result<(), StoreError> {
    let counts = difference.report().counts;
    let sum = |at: usize| {
        i64::try_from(counts.values().map(|counts| counts[at]).sum::<usize>()).unwrap_or(0)
    };
    sqlx::query(
        "UPDATE import SET state = 'done', finished_at = $2, inserted = $3, updated = $4, deleted = $5 \
         WHERE id = $1",
    )
    .bind(import)
    .bind(now)
    .bind(sum(0))
    .bind(sum(1))
    .bind(sum(2))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
