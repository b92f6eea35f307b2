//! Lanes: who may act for a provider account, or plan, at this moment.
//!
//! The lease is the claim. Whoever takes a lane from another raises its epoch, and every
//! transaction of a holder begins by touching the lane's row with its epoch: a holder that was
//! overtaken while it slept finds no such row and drops what it has in hand.

use sqlx::{AssertSqlSafe, Executor, any::AnyRow};

use super::{
    Dialect, Store, StoreError,
    connection::Borrowed,
    rows::{int, some_text, text},
};
use crate::{
    instant::{Millis, SECOND},
    policy::Remarks,
};

/// How long a lane stays with a holder that says nothing. Long enough for a stalled disk, short
/// enough that another daemon takes over before a family notices.
pub const LEASE: Millis = 15 * SECOND;

/// A lane that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// `lane.name`
    pub lane: String,
    /// `lane.epoch` of this holder.
    pub epoch: i64,
    /// Nothing leaves by this lane until then.
    pub rests_until: Millis,
}

/// A transaction of the engine.
///
/// It begins and ends by statements of its own: a full disk makes SQLite roll back by itself, which
/// leaves sqlx's count of open transactions wrong and a later one open for ever. A connection whose
/// transaction did not end well is closed.
#[derive(Debug)]
pub struct Tx {
    pub(super) db: Borrowed,
    ended: bool,
    pub(super) remarks: Remarks,
    pub(super) dialect: Dialect,
}

impl Drop for Tx {
    fn drop(&mut self) {
        if !self.ended {
            self.db.close_on_drop();
        }
    }
}

impl Tx {
    /// Which remarks say something to families.
    pub fn remarks(&self) -> Remarks {
        self.remarks
    }

    /// Makes it last; on SQLite it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError`] where the database could not; then nothing of it happened.
    pub async fn commit(self) -> Result<(), StoreError> {
        self.finish("COMMIT").await
    }

    async fn finish(mut self, how: &'static str) -> Result<(), StoreError> {
        self.db.execute(how).await?;
        self.ended = true;
        Ok(())
    }
}

impl Store {
    /// Takes a lane that is free for `holder`; none while another one holds it. The lane gets a new epoch,
    /// even where it comes from the same holder: what was booked before is looked at as what another left
    /// behind.
    ///
    /// `alone` says that no other holder can be alive, which an operating system's lock on a SQLite
    /// file proves: then a lease that has not run out is no obstacle. Leases run on the database's
    /// clock where daemons on several machines share it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn take(
        &self,
        lane: &str,
        holder: &str,
        alone: bool,
        now: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        let clock = self.lease_clock();
        let free = if alone { "1 = 1" } else { "1 = 0" };
        let take = format!(
            "UPDATE lane SET epoch = epoch + 1, holder = $3, expires_at = {clock} + {LEASE} \
             WHERE name = $2 AND (holder IS NULL OR holder = $3 OR expires_at < {clock} OR {free}) \
             RETURNING name, epoch, rests_until"
        );
        let attempt = || {
            sqlx::query(AssertSqlSafe(take.clone()))
                .bind(now)
                .bind(lane)
                .bind(holder)
                .fetch_optional(&self.pool)
        };
        let mut row = attempt().await?;
        // A lane that was never taken has no row.
        if row.is_none() {
            let made =
                sqlx::query("INSERT INTO lane (name) VALUES ($1) ON CONFLICT (name) DO NOTHING")
                    .bind(lane)
                    .execute(&self.pool)
                    .await?;
            if made.rows_affected() == 1 {
                row = attempt().await?;
            }
        }
        row.as_ref().map(lease).transpose()
    }

    /// Renews the leases of all lanes that `holder` has, and says which they are and under which epochs.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn renew(&self, holder: &str, now: Millis) -> Result<Vec<Lease>, StoreError> {
        let clock = self.lease_clock();
        let rows = sqlx::query(AssertSqlSafe(format!(
            "UPDATE lane SET expires_at = {clock} + {LEASE} WHERE holder = $2 \
             RETURNING name, epoch, rests_until"
        )))
        .bind(now)
        .bind(holder)
        .fetch_all(&mut *self.borrow().await?)
        .await?;
        rows.iter().map(lease).collect()
    }

    /// The instant by which leases are counted, of which `$1` is the caller's.
    fn lease_clock(&self) -> &'static str {
        match self.dialect {
            Dialect::Sqlite => "$1",
            Dialect::Postgres => {
                "(CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) + 0 * $1)"
            }
        }
    }

    /// Gives all lanes of a holder back, so that the next one need not wait.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn release(&self, holder: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE lane SET holder = NULL, expires_at = 0 WHERE holder = $1")
            .bind(holder)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Begins a transaction under a lease; none where the lease was lost.
    ///
    /// The first statement writes, so that on SQLite the transaction is the one writer from its
    /// beginning and reads what is true until it commits.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn fenced(&self, lease: &Lease) -> Result<Option<Tx>, StoreError> {
        self.begin(lease, false).await
    }

    /// As [`Store::fenced`], and all its statements see one state of the database, as the plan needs
    /// it: a change it has not seen must not show in the values it compares.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn fenced_snapshot(&self, lease: &Lease) -> Result<Option<Tx>, StoreError> {
        self.begin(lease, true).await
    }

    /// Begins a transaction of somebody who holds no lane, such as a command. All its statements see one
    /// state of the database; on SQLite it is the one writer from its beginning.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn transaction(&self) -> Result<Tx, StoreError> {
        let begin = match self.dialect {
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            Dialect::Sqlite => "BEGIN IMMEDIATE",
        };
        self.begun(begin).await
    }

    /// Begins a transaction that only reads, and all of whose statements see one state of the database. It
    /// keeps nobody from writing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn snapshot(&self) -> Result<Tx, StoreError> {
        let begin = match self.dialect {
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
            Dialect::Sqlite => "BEGIN",
        };
        self.begun(begin).await
    }

    async fn begin(&self, lease: &Lease, snapshot: bool) -> Result<Option<Tx>, StoreError> {
        let begin = match (snapshot, self.dialect) {
            (true, Dialect::Postgres) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
            _ => "BEGIN",
        };
        let mut tx = self.begun(begin).await?;
        let held = sqlx::query("UPDATE lane SET epoch = epoch WHERE name = $1 AND epoch = $2")
            .bind(&lease.lane)
            .bind(lease.epoch)
            .execute(&mut *tx.db)
            .await?;
        if held.rows_affected() == 0 {
            tx.finish("ROLLBACK").await?;
            return Ok(None);
        }
        Ok(Some(tx))
    }

    async fn begun(&self, begin: &'static str) -> Result<Tx, StoreError> {
        let mut tx = Tx {
            db: self.borrow().await?,
            ended: false,
            remarks: self.remarks,
            dialect: self.dialect,
        };
        tx.db.execute(begin).await?;
        Ok(tx)
    }

    /// Why a lane rests, if it does: a sentence for `status`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn resting(&self, now: Millis) -> Result<Vec<(String, Option<String>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT name, rests_because FROM lane WHERE rests_until > $1 ORDER BY name",
        )
        .bind(now)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((text(row, "name")?, some_text(row, "rests_because")?)))
            .collect()
    }
}

fn lease(row: &AnyRow) -> Result<Lease, StoreError> {
    Ok(Lease {
        lane: text(row, "name")?,
        epoch: int(row, "epoch")?,
        rests_until: int(row, "rests_until")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_transaction_that_the_database_ended_by_itself_leaves_no_lock_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("school.db").display());
        let store = Store::open(&url).await.expect("a database");
        let lease = store
            .take("plan", "test", true, 0)
            .await
            .expect("a lane")
            .expect("a lease");
        let mut tx = store
            .fenced(&lease)
            .await
            .expect("a database")
            .expect("a transaction");
        // As SQLite does on a full disk.
        tx.db.execute("ROLLBACK").await.expect("the end");
        assert!(tx.commit().await.is_err());
        for _ in 0..10 {
            drop(
                store
                    .fenced(&lease)
                    .await
                    .expect("a database")
                    .expect("a transaction"),
            );
        }
        store.release("test").await.expect("nobody holds a lock");
    }
}
