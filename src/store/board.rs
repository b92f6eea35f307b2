//! What the board shows of messages and the journal, each asked by an index: a page must not count a million rows.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    Store, StoreError,
    history::veiled,
    lane::Tx,
    rows::{int, some_int, some_text, text},
};
use crate::instant::{HOUR, Millis};

/// What waits for a channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many messages could leave, are leaving or failed to leave so far.
    pub ready: i64,
    /// Since when the oldest of them has waited.
    pub oldest: Option<Millis>,
    /// Of how many nobody knows whether they were taken.
    pub in_doubt: i64,
}

/// How the journal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// When something was written there last.
    pub last: Option<Millis>,
    /// How many changes nobody has looked at.
    pub unplanned: i64,
    /// When the oldest of these was written.
    pub oldest: Option<Millis>,
}

/// Which messages are to be listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this channel.
    pub channel: Option<String>,
    /// In this state.
    pub state: Option<String>,
    /// To this guardian.
    pub guardian: Option<i64>,
    /// Older than this one: `message.id`.
    pub before: Option<i64>,
}

/// A message in a list.
#[derive(Clone)]
pub struct InList {
    /// `message.id`
    pub id: i64,
    /// `message.ref`
    pub reference: String,
    /// The channel.
    pub channel: String,
    /// Its state.
    pub state: String,
    /// Whom it is for; none for staff.
    pub guardian: Option<String>,
    /// Where it goes, with its middle hidden.
    pub address: String,
    /// When it was composed.
    pub composed_at: Millis,
    /// Since when it is in its state.
    pub state_at: Millis,
}

/// A load of another system's files.
#[derive(Debug, Clone)]
pub struct Load {
    /// `import.id`
    pub id: i64,
    /// `import.source`
    pub source: String,
    /// When it began.
    pub started_at: Millis,
    /// `import.state`
    pub state: String,
    /// Rows that were read, inserted, updated and deleted.
    pub rows: [i64; 4],
}

/// A change of the journal, without what stood there.
#[derive(Debug, Clone)]
pub struct Written {
    /// `change.id`
    pub id: i64,
    /// The table.
    pub entity: String,
    /// `insert`, `update` or `delete`
    pub op: String,
    /// When.
    pub written_at: Millis,
    /// The import that wrote it.
    pub import_id: Option<i64>,
    /// When the engine had looked at it.
    pub planned_at: Option<Millis>,
}

/// A mark that was changed (regulation 003, annex 2).
#[derive(Clone)]
pub struct Corrected {
    /// When.
    pub at: Millis,
    /// Whose.
    pub student: String,
    /// In what.
    pub subject: String,
    /// The day of the mark.
    pub date: String,
    /// What stood there, and what stands there now; none where it was taken out.
    pub values: (String, Option<String>),
    /// The import that wrote it.
    pub import_id: Option<i64>,
}

impl Store {
    /// What waits, by channel.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn waiting(&self, now: Millis) -> Result<BTreeMap<String, Waiting>, StoreError> {
        // One that is tried again waits since it was composed, whenever it is tried next.
        let rows = sqlx::query(
            "SELECT channel, state, COUNT(*) AS n, \
             MIN(CASE WHEN attempts > 0 THEN composed_at ELSE not_before END) AS oldest FROM message \
             WHERE state IN ('ready', 'sending', 'in_doubt') AND channel <> 'paper' \
             AND (not_before <= $1 OR attempts > 0) GROUP BY channel, state",
        )
        .bind(now)
        .fetch_all(&self.pool)
        .await?;
        let mut waiting: BTreeMap<String, Waiting> = BTreeMap::new();
        for row in &rows {
            let one = waiting.entry(text(row, "channel")?).or_default();
            let count = int(row, "n")?;
            if text(row, "state")? == "in_doubt" {
                one.in_doubt += count;
            } else {
                one.ready += count;
                let oldest = some_int(row, "oldest")?;
                one.oldest = match (one.oldest, oldest) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
            }
        }
        Ok(waiting)
    }

    /// How the journal is read.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn reading(&self) -> Result<Reading, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT written_at FROM change WHERE op <> 'recheck' ORDER BY id DESC LIMIT 1) AS last, \
             COUNT(*) AS n, MIN(written_at) AS oldest FROM change WHERE planned_at IS NULL",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(Reading {
            last: some_int(&row, "last")?,
            unplanned: int(&row, "n")?,
            oldest: some_int(&row, "oldest")?,
        })
    }

    /// Messages composed since then by hour, channel and what became of them: `arrived`, `lost` or `under_way`. Hours
    /// are counted from `since`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn by_hour(
        &self,
        since: Millis,
    ) -> Result<Vec<(i64, String, String, i64)>, StoreError> {
        let sql = format!(
            "SELECT (composed_at - {since}) / {HOUR} AS hour, channel, CASE \
             WHEN state IN ('accepted', 'delivered', 'no_receipt') THEN 'arrived' \
             WHEN state IN ('rejected', 'undelivered', 'expired', 'unresolved') THEN 'lost' \
             ELSE 'under_way' END AS fate, COUNT(*) AS n FROM message \
             WHERE composed_at >= {since} AND channel <> 'paper' \
             AND state NOT IN ('superseded', 'cancelled', 'suppressed') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                Ok((
                    int(row, "hour")?,
                    text(row, "channel")?,
                    text(row, "fate")?,
                    int(row, "n")?,
                ))
            })
            .collect()
    }

    /// How long providers took to report that messages arrived which were composed since then, by channel: how many
    /// within 10 seconds, a minute, ten minutes, an hour, and later.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn receipt_delays(
        &self,
        since: Millis,
    ) -> Result<Vec<(String, [i64; 5])>, StoreError> {
        const BOUNDS: [i64; 4] = [10_000, 60_000, 600_000, 3_600_000];
        let step = |at: usize| {
            let from = if at == 0 { -1 } else { BOUNDS[at - 1] };
            let to = BOUNDS.get(at).copied().unwrap_or(i64::MAX);
            format!(
                "CAST(SUM(CASE WHEN d.delay > {from} AND d.delay <= {to} THEN 1 ELSE 0 END) AS BIGINT) AS n{at}"
            )
        };
        let steps: Vec<String> = (0..5).map(step).collect();
        let sql = format!(
            "SELECT channel, {} FROM (SELECT m.channel AS channel, m.state_at - (SELECT MAX(a.started_at) \
             FROM attempt a WHERE a.message_id = m.id) AS delay FROM message m \
             WHERE m.state = 'delivered' AND m.composed_at >= {since} AND m.channel <> 'paper') d \
             GROUP BY channel ORDER BY channel",
            steps.join(", ")
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| {
                let mut counts = [0; 5];
                for (at, count) in counts.iter_mut().enumerate() {
                    *count = int(row, &format!("n{at}"))?;
                }
                Ok((text(row, "channel")?, counts))
            })
            .collect()
    }

    /// Messages, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn list(&self, filter: &Filter, limit: i64) -> Result<Vec<InList>, StoreError> {
        let mut conditions = vec!["m.id < $1".to_owned()];
        // Each is bound behind the last one, and only where it is asked for: so that an index can be used.
        let texts: Vec<&String> = filter.channel.iter().chain(&filter.state).collect();
        let named = [("channel", &filter.channel), ("state", &filter.state)];
        let asked = named.iter().filter(|(_, value)| value.is_some());
        for (at, (column, _)) in asked.enumerate() {
            conditions.push(format!("m.{column} = ${}", at + 2));
        }
        if let Some(guardian) = filter.guardian {
            conditions.push(format!("m.guardian_id = {guardian}"));
        }
        let sql = format!(
            "SELECT m.id, m.ref, m.channel, m.state, m.address, m.composed_at, m.state_at, g.surname, g.given_name \
             FROM message m LEFT JOIN guardian g ON g.id = m.guardian_id WHERE {} ORDER BY m.id DESC LIMIT {limit}",
            conditions.join(" AND ")
        );
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(filter.before.unwrap_or(i64::MAX));
        for value in texts {
            query = query.bind(value);
        }
        let rows = query.fetch_all(&self.pool).await?;
        rows.iter().map(in_list).collect()
    }

    /// The loads of other systems' files, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn loads(&self, limit: i64) -> Result<Vec<Load>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, source, started_at, state, rows_read, inserted, updated, deleted FROM import \
             ORDER BY id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Load {
                    id: int(row, "id")?,
                    source: text(row, "source")?,
                    started_at: int(row, "started_at")?,
                    state: text(row, "state")?,
                    rows: [
                        int(row, "rows_read")?,
                        int(row, "inserted")?,
                        int(row, "updated")?,
                        int(row, "deleted")?,
                    ],
                })
            })
            .collect()
    }

    /// The last changes of the journal, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn written(&self, limit: i64) -> Result<Vec<Written>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, entity, op, written_at, import_id, planned_at FROM change WHERE op <> 'recheck' \
             ORDER BY id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Written {
                    id: int(row, "id")?,
                    entity: text(row, "entity")?,
                    op: text(row, "op")?,
                    written_at: int(row, "written_at")?,
                    import_id: some_int(row, "import_id")?,
                    planned_at: some_int(row, "planned_at")?,
                })
            })
            .collect()
    }

    /// The marks that were changed or taken out, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn corrected(&self, limit: i64) -> Result<Vec<Corrected>, StoreError> {
        let rows = sqlx::query(
            "SELECT old, new, written_at, import_id FROM change WHERE entity = 'mark' AND op IN ('update', 'delete') \
             ORDER BY id DESC LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut list = Vec::new();
        for row in &rows {
            let read = |column: &str| -> Result<serde_json::Value, StoreError> {
                let json = some_text(row, column)?.unwrap_or_else(|| "null".into());
                serde_json::from_str(&json).map_err(|_| StoreError::Content("change.new"))
            };
            let (old, new) = (read("old")?, read("new")?);
            let word = |json: &serde_json::Value, key: &str| {
                json.get(key)
                    .and_then(|value| value.as_str())
                    .map(str::to_owned)
            };
            let before = word(&old, "value").unwrap_or_default();
            let after = word(&new, "value");
            if after.as_ref() == Some(&before) {
                continue;
            }
            let id = |key: &str| {
                old.get(key)
                    .and_then(serde_json::Value::as_i64)
                    .unwrap_or_default()
            };
            list.push(Corrected {
                at: int(row, "written_at")?,
                student: self.name_of("student", id("student_id")).await?,
                subject: self.name_of("subject", id("subject_id")).await?,
                date: word(&old, "date").unwrap_or_default(),
                values: (before, after),
                import_id: some_int(row, "import_id")?,
            });
        }
        Ok(list)
    }

    async fn name_of(&self, table: &'static str, id: i64) -> Result<String, StoreError> {
        let columns = if table == "student" {
            "surname || ' ' || given_name"
        } else {
            "name"
        };
        let sql = format!("SELECT {columns} AS name FROM {table} WHERE id = {id}");
        let row = sqlx::query(AssertSqlSafe(sql))
            .fetch_optional(&self.pool)
            .await?;
        row.map_or(Ok(String::new()), |row| text(&row, "name"))
    }
}

impl Tx {
    /// A message that has not left is not sent, and nobody is told what it says by another. Says whether it was there.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn cancel_message(
        &mut self,
        reference: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let Some(id) = self
            .turned(reference, "cancelled", "cancelled by a person", now)
            .await?
        else {
            return Ok(false);
        };
        for notice in self.notices_of(id).await? {
            sqlx::query(
                "UPDATE notice SET state = 'closed', reason = 'dropped', waits_for = NULL, due_at = NULL, \
                 look_again = 0, state_at = $2 WHERE id = $1 AND state = 'in_message'",
            )
            .bind(notice)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        }
        Ok(true)
    }

    /// What a message says that has not left is told on the weekly sheet. Says whether it was there.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn message_to_paper(
        &mut self,
        reference: &str,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let Some(id) = self
            .turned(
                reference,
                "superseded",
                "put on the weekly sheet by a person",
                now,
            )
            .await?
        else {
            return Ok(false);
        };
        self.return_notices(id, now).await?;
        for notice in self.notices_of(id).await? {
            self.wait(notice, "sheet", None, Some("chosen"), now)
                .await?;
        }
        Ok(true)
    }

    /// What a message said that failed is tried once more by the same address, where nobody has been told it since.
    /// Returns how many duties go on; none where there is nothing to be tried.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn message_again(&mut self, reference: &str, now: Millis) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "UPDATE message SET again = 1 WHERE ref = $1 AND again = 0 AND channel <> 'paper' \
             AND state IN ('rejected', 'unresolved', 'expired', 'undelivered') RETURNING id",
        )
        .bind(reference)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(0) };
        let open = sqlx::query(
            "UPDATE notice SET waits_for = 'window', due_at = $2, reason = NULL, state_at = $2 \
             WHERE state = 'waiting' AND id IN (SELECT notice_id FROM message_notice WHERE message_id = $1)",
        )
        .bind(int(&row, "id")?)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(open.rows_affected())
    }

    /// Ends a message that stands ready; none where it does not.
    async fn turned(
        &mut self,
        reference: &str,
        state: &str,
        reason: &str,
        now: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "UPDATE message SET state = $2, reason = $3, state_at = $4 WHERE ref = $1 AND state = 'ready' RETURNING id",
        )
        .bind(reference)
        .bind(state)
        .bind(reason)
        .bind(now)
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| int(&row, "id")).transpose()
    }

    async fn notices_of(&mut self, message: i64) -> Result<Vec<i64>, StoreError> {
        let rows = sqlx::query("SELECT notice_id FROM message_notice WHERE message_id = $1")
            .bind(message)
            .fetch_all(&mut *self.db)
            .await?;
        rows.iter().map(|row| int(row, "notice_id")).collect()
    }
}

fn in_list(row: &AnyRow) -> Result<InList, StoreError> {
    let guardian = some_text(row, "surname")?.zip(some_text(row, "given_name")?);
    Ok(InList {
        id: int(row, "id")?,
        reference: text(row, "ref")?,
        channel: text(row, "channel")?,
        state: text(row, "state")?,
        guardian: guardian.map(|(surname, given)| format!("{surname} {given}")),
        address: veiled(&text(row, "address")?),
        composed_at: int(row, "composed_at")?,
        state_at: int(row, "state_at")?,
    })
}
