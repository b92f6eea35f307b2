//! Batches that other programs write: compared by their keys, written in one transaction, each key once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;
use utoipa::ToSchema;

use super::{
    Store, StoreError,
    lane::Tx,
    press::class_name,
    rows::{int, some_text, text},
};
use crate::{
    instant::Millis,
    journal::ingest::{
        AttendanceRow, Batch, HomeworkRow, MarkRow, RemarkRow, Withdrawn, Wrong, clean,
    },
};

/// A program that may use the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// `api_token.id`
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ingested {
    /// How many rows are new.
    pub inserted: u64,
    /// How many rows were changed.
    pub updated: u64,
    /// How many rows stood there already as they are.
    pub unchanged: u64,
    /// How many rows were taken out.
    pub withdrawn: u64,
    /// The number of the load, by which what looks like a mishap is held; none where nothing changed.
    pub import: Option<i64>,
}

/// Why a batch was not written.
#[derive(Debug)]
pub enum IngestError {
    /// These rows are wrong; none was written.
    Wrong(Vec<Wrong>),
    /// The key was used for another batch.
    KeyUsed,
    /// The database failed.
    Store(StoreError),
}

impl From<StoreError> for IngestError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for IngestError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// By what rows name students, subjects and classes.
struct Known {
    students: BTreeMap<String, i64>,
    subjects: BTreeMap<String, i64>,
    classes: BTreeMap<String, i64>,
}

impl Store {
    /// Lets a program use the API.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_token(
        &self,
        name: &str,
        token_hash: &str,
        scopes: &[&str],
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO api_token (name, token_hash, scopes, added_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(name)
        .bind(token_hash)
        .bind(scopes.join(" "))
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The programs that may use the API.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, name, scopes FROM api_token WHERE ended_at IS NULL ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(token).collect()
    }

    /// The program with this token; none for nobody.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn token(&self, token_hash: &str) -> Result<Option<ApiToken>, StoreError> {
        let row = sqlx::query(
            "SELECT id, name, scopes FROM api_token WHERE token_hash = $1 AND ended_at IS NULL",
        )
        .bind(token_hash)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(token).transpose()
    }

    /// Lets the programs of this name use the API no more. Says how many there were.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end_token(&self, name: &str, now: Millis) -> Result<u64, StoreError> {
        let ended =
            sqlx::query("UPDATE api_token SET ended_at = $2 WHERE name = $1 AND ended_at IS NULL")
                .bind(name)
                .bind(now)
                .execute(&self.pool)
                .await?;
        Ok(ended.rows_affected())
    }

    /// Writes a batch: all of it in one transaction, or nothing. With a key, which a program draws once for each batch,
    /// the same batch sent twice is answered as it was the first time.
    ///
    /// # Errors
    /// [`IngestError`]; then nothing was written.
    pub async fn ingest(
        &self,
        token: &ApiToken,
        batch: &Batch,
        (key, body_hash): (Option<&str>, &str),
        now: Millis,
    ) -> Result<Ingested, IngestError> {
        let mut tx = self.transaction().await?;
        if let Some(key) = key
            && let Some(answer) = tx.answered_batch(token.id, key, body_hash).await?
        {
            return Ok(answer);
        }
        let known = tx.known_names().await?;
        let mut wrong = batch.twice();
        let import = tx.begin_ingest(&token.name, batch.rows(), now).await?;
        let prefix = format!("api/{}/", token.name);
        let mut done = Ingested::default();
        for (at, one) in batch.marks.iter().enumerate() {
            tx.put_mark((&prefix, at), one, &known, &mut wrong, &mut done)
                .await?;
        }
        for (at, one) in batch.attendance.iter().enumerate() {
            tx.put_attendance((&prefix, at), one, &known, &mut wrong, &mut done)
                .await?;
        }
        for (at, one) in batch.homework.iter().enumerate() {
            tx.put_homework((&prefix, at), one, &known, &mut wrong, &mut done)
                .await?;
        }
        for (at, one) in batch.remarks.iter().enumerate() {
            tx.put_remark((&prefix, at), one, &known, &mut wrong, &mut done)
                .await?;
        }
        for one in &batch.withdrawn {
            tx.take_out(&prefix, one, &mut done).await?;
        }
        if !wrong.is_empty() {
            // The transaction is dropped with all that it wrote.
            return Err(IngestError::Wrong(wrong));
        }
        let changed = done.inserted + done.updated + done.withdrawn > 0;
        done.import = changed.then_some(import);
        tx.end_ingest(import, &done, now).await?;
        if let Some(key) = key {
            tx.remember_batch((token.id, key, body_hash), &done, now)
                .await?;
        }
        tx.commit().await?;
        Ok(done)
    }
}

fn token(row: &sqlx::any::AnyRow) -> Result<ApiToken, StoreError> {
    Ok(ApiToken {
        id: int(row, "id")?,
        name: text(row, "name")?,
        scopes: text(row, "scopes")?
            .split_whitespace()
            .map(str::to_owned)
            .collect(),
    })
}

/// Whether a statement that puts a row in its place made a new one, changed one, or found it as it is.
fn count(before: bool, affected: u64, done: &mut Ingested) {
    match (before, affected) {
        (_, 0) => done.unchanged += 1,
        (true, _) => done.updated += 1,
        (false, _) => done.inserted += 1,
    }
}

fn named(
    known: &BTreeMap<String, i64>,
    name: &str,
    wrong: &mut Vec<Wrong>,
    (list, row, field): (&str, usize, &str),
) -> Option<i64> {
    let found = known
        .get(name.trim())
        .or_else(|| known.get(&name.trim().to_lowercase()));
    if found.is_none() {
        let detail = format!("no {field} has this id, key or name: load the school's lists first");
        wrong.push(Wrong::new(list, row, field, detail));
    }
    found.copied()
}

impl Tx {
    async fn answered_batch(
        &mut self,
        token: i64,
        key: &str,
        hash: &str,
    ) -> Result<Option<Ingested>, IngestError> {
        let row = sqlx::query(
            "SELECT body_hash, answer FROM ingested WHERE token_id = $1 AND batch_key = $2",
        )
        .bind(token)
        .bind(key)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        if text(&row, "body_hash")? != hash {
            return Err(IngestError::KeyUsed);
        }
        let answer = serde_json::from_str(&text(&row, "answer")?);
        Ok(Some(
            answer.map_err(|_| StoreError::Content("ingested.answer"))?,
        ))
    }

    async fn remember_batch(
        &mut self,
        (token, key, hash): (i64, &str, &str),
        done: &Ingested,
        now: Millis,
    ) -> Result<(), StoreError> {
        let answer =
            serde_json::to_string(done).map_err(|_| StoreError::Content("ingested.answer"))?;
        sqlx::query("INSERT INTO ingested (token_id, batch_key, body_hash, answer, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(token)
            .bind(key)
            .bind(hash)
            .bind(answer)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    async fn known_names(&mut self) -> Result<Known, StoreError> {
        let mut known = Known {
            students: BTreeMap::new(),
            subjects: BTreeMap::new(),
            classes: BTreeMap::new(),
        };
        for row in &self
            .all("SELECT id, source_key FROM student ORDER BY id".to_owned())
            .await?
        {
            let id = int(row, "id")?;
            if let Some(key) = some_text(row, "source_key")? {
                if let Some((_, bare)) = key.rsplit_once('/') {
                    known.students.entry(bare.to_owned()).or_insert(id);
                }
                known.students.insert(key, id);
            }
            known.students.insert(id.to_string(), id);
        }
        for row in &self
            .all("SELECT id, source_key, name FROM subject ORDER BY id DESC".to_owned())
            .await?
        {
            let id = int(row, "id")?;
            known.subjects.insert(text(row, "name")?.to_lowercase(), id);
            if let Some(key) = some_text(row, "source_key")? {
                if let Some((_, bare)) = key.rsplit_once('/') {
                    known.subjects.entry(bare.to_owned()).or_insert(id);
                }
                known.subjects.insert(key, id);
            }
        }
        let newest = "SELECT id, grade, letter FROM class ORDER BY id".to_owned();
        for row in &self.all(newest).await? {
            known
                .classes
                .insert(class_name(row)?.plain(), int(row, "id")?);
        }
        Ok(known)
    }

    async fn begin_ingest(
        &mut self,
        source: &str,
        rows: usize,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "INSERT INTO import (source, started_at, rows_read) VALUES ($1, $2, $3) RETURNING id",
        )
        .bind(format!("api/{source}"))
        .bind(now)
        .bind(i64::try_from(rows).unwrap_or(i64::MAX))
        .fetch_one(&mut *self.db)
        .await?;
        let import = int(&row, "id")?;
        sqlx::query("INSERT INTO writing (import_id, baseline) VALUES ($1, 0)")
            .bind(import)
            .execute(&mut *self.db)
            .await?;
        Ok(import)
    }

    async fn end_ingest(
        &mut self,
        import: i64,
        done: &Ingested,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM writing")
            .execute(&mut *self.db)
            .await?;
        if done.import.is_none() {
            sqlx::query("DELETE FROM import WHERE id = $1")
                .bind(import)
                .execute(&mut *self.db)
                .await?;
            return Ok(());
        }
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        sqlx::query(
            "UPDATE import SET state = 'done', finished_at = $2, inserted = $3, updated = $4, deleted = $5 WHERE id = $1",
        )
        .bind(import)
        .bind(now)
        .bind(number(done.inserted))
        .bind(number(done.updated))
        .bind(number(done.withdrawn))
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    async fn is_known(&mut self, table: &'static str, key: &str) -> Result<bool, StoreError> {
        let sql = format!("SELECT 1 AS one FROM {table} WHERE source_key = $1");
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(key)
            .fetch_optional(&mut *self.db)
            .await?;
        Ok(row.is_some())
    }

    async fn put_mark(
        &mut self,
        (prefix, at): (&str, usize),
        one: &MarkRow,
        known: &Known,
        wrong: &mut Vec<Wrong>,
        done: &mut Ingested,
    ) -> Result<(), StoreError> {
        let student = named(
            &known.students,
            &one.student,
            wrong,
            ("marks", at, "student"),
        );
        let subject = named(
            &known.subjects,
            &one.subject,
            wrong,
            ("marks", at, "subject"),
        );
        let (Some(student), Some(subject)) = (student, subject) else {
            return Ok(());
        };
        let key = format!("{prefix}mark/{}", clean(&one.key));
        let before = self.is_known("mark", &key).await?;
        let put = sqlx::query(
            "INSERT INTO mark (source_key, student_id, subject_id, date, value, weight, work_kind, origin) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'api') ON CONFLICT (source_key) DO UPDATE SET \
             student_id = excluded.student_id, subject_id = excluded.subject_id, date = excluded.date, \
             value = excluded.value, weight = excluded.weight, work_kind = excluded.work_kind \
             WHERE mark.student_id <> excluded.student_id OR mark.subject_id <> excluded.subject_id \
             OR mark.date <> excluded.date OR mark.value <> excluded.value OR mark.weight <> excluded.weight \
             OR COALESCE(mark.work_kind, '') <> COALESCE(excluded.work_kind, '')",
        )
        .bind(&key)
        .bind(student)
        .bind(subject)
        .bind(one.date.to_string())
        .bind(clean(&one.value))
        .bind(one.weight)
        .bind(one.work_kind.as_deref().map(clean))
        .execute(&mut *self.db)
        .await?;
        count(before, put.rows_affected(), done);
        Ok(())
    }

    async fn put_attendance(
        &mut self,
        (prefix, at): (&str, usize),
        one: &AttendanceRow,
        known: &Known,
        wrong: &mut Vec<Wrong>,
        done: &mut Ingested,
    ) -> Result<(), StoreError> {
        let student = named(
            &known.students,
            &one.student,
            wrong,
            ("attendance", at, "student"),
        );
        let Some(student) = student else {
            return Ok(());
        };
        let key = format!("{prefix}attendance/{}", clean(&one.key));
        let taken = sqlx::query(
            "SELECT 1 AS one FROM attendance WHERE student_id = $1 AND date = $2 AND number = $3 \
             AND (source_key IS NULL OR source_key <> $4)",
        )
        .bind(student)
        .bind(one.date.to_string())
        .bind(one.lesson)
        .bind(&key)
        .fetch_optional(&mut *self.db)
        .await?;
        if taken.is_some() {
            let detail = "this student's lesson is entered already under another key: withdraw that one first";
            wrong.push(Wrong::new("attendance", at, "lesson", detail));
            return Ok(());
        }
        let before = self.is_known("attendance", &key).await?;
        let put = sqlx::query(
            "INSERT INTO attendance (source_key, student_id, date, number, code) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (source_key) DO UPDATE SET student_id = excluded.student_id, date = excluded.date, \
             number = excluded.number, code = excluded.code WHERE attendance.student_id <> excluded.student_id \
             OR attendance.date <> excluded.date OR attendance.number <> excluded.number \
             OR attendance.code <> excluded.code",
        )
        .bind(&key)
        .bind(student)
        .bind(one.date.to_string())
        .bind(one.lesson)
        .bind(one.code.code())
        .execute(&mut *self.db)
        .await?;
        count(before, put.rows_affected(), done);
        Ok(())
    }

    async fn put_homework(
        &mut self,
        (prefix, at): (&str, usize),
        one: &HomeworkRow,
        known: &Known,
        wrong: &mut Vec<Wrong>,
        done: &mut Ingested,
    ) -> Result<(), StoreError> {
        let written = one.class.parse::<crate::journal::class_name::ClassName>();
        let class = written.map_or_else(|_| one.class.clone(), |name| name.plain());
        let class = named(&known.classes, &class, wrong, ("homework", at, "class"));
        let subject = named(
            &known.subjects,
            &one.subject,
            wrong,
            ("homework", at, "subject"),
        );
        let (Some(class), Some(subject)) = (class, subject) else {
            return Ok(());
        };
        let key = format!("{prefix}homework/{}", clean(&one.key));
        let before = self.is_known("homework", &key).await?;
        let put = sqlx::query(
            "INSERT INTO homework (source_key, class_id, subject_id, assigned_on, due_on, text) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source_key) DO UPDATE SET class_id = excluded.class_id, \
             subject_id = excluded.subject_id, assigned_on = excluded.assigned_on, due_on = excluded.due_on, \
             text = excluded.text WHERE homework.class_id <> excluded.class_id \
             OR homework.subject_id <> excluded.subject_id OR homework.assigned_on <> excluded.assigned_on \
             OR homework.due_on <> excluded.due_on OR homework.text <> excluded.text",
        )
        .bind(&key)
        .bind(class)
        .bind(subject)
        .bind(one.assigned_on.to_string())
        .bind(one.due_on.to_string())
        .bind(clean(&one.text))
        .execute(&mut *self.db)
        .await?;
        count(before, put.rows_affected(), done);
        Ok(())
    }

    async fn put_remark(
        &mut self,
        (prefix, at): (&str, usize),
        one: &RemarkRow,
        known: &Known,
        wrong: &mut Vec<Wrong>,
        done: &mut Ingested,
    ) -> Result<(), StoreError> {
        let student = named(
            &known.students,
            &one.student,
            wrong,
            ("remarks", at, "student"),
        );
        let Some(student) = student else {
            return Ok(());
        };
        let key = format!("{prefix}remark/{}", clean(&one.key));
        let before = self.is_known("remark", &key).await?;
        let put = sqlx::query(
            "INSERT INTO remark (source_key, student_id, date, kind, text, notify_parents) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (source_key) DO UPDATE SET student_id = excluded.student_id, \
             date = excluded.date, kind = excluded.kind, text = excluded.text, \
             notify_parents = excluded.notify_parents WHERE remark.student_id <> excluded.student_id \
             OR remark.date <> excluded.date OR remark.kind <> excluded.kind OR remark.text <> excluded.text \
             OR remark.notify_parents <> excluded.notify_parents",
        )
        .bind(&key)
        .bind(student)
        .bind(one.date.to_string())
        .bind(one.kind.code())
        .bind(clean(&one.text))
        .bind(i64::from(one.notify_parents))
        .execute(&mut *self.db)
        .await?;
        count(before, put.rows_affected(), done);
        Ok(())
    }

    async fn take_out(
        &mut self,
        prefix: &str,
        one: &Withdrawn,
        done: &mut Ingested,
    ) -> Result<(), StoreError> {
        let table = one.kind.table();
        let sql = format!("DELETE FROM {table} WHERE source_key = $1");
        let gone = sqlx::query(AssertSqlSafe(sql))
            .bind(format!("{prefix}{table}/{}", clean(&one.key)))
            .execute(&mut *self.db)
            .await?;
        match gone.rows_affected() {
            0 => done.unchanged += 1,
            count => done.withdrawn += count,
        }
        Ok(())
    }
}
