//! The connection that one turn after the other uses.
//!
//! On SQLite a pool's connections take turns, and each reads anew what another one has written, and
//! prepares each statement for itself. The engine's statements therefore run on one connection that stays
//! out of the pool, as long as nobody else has it. PostgreSQL's pages are shared, and a connection that
//! rests in the pool is looked at before it is used again, because a server may go.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::{Any, AnyConnection, pool::PoolConnection};

use super::{Dialect, Store, StoreError};

/// Where it waits between two uses.
pub(super) type Kept = Arc<Mutex<Option<PoolConnection<Any>>>>;

/// A connection that goes back to where it came from.
#[derive(Debug)]
pub(super) struct Borrowed {
    connection: Option<PoolConnection<Any>>,
    kept: Option<Kept>,
}

impl Store {
    /// The kept connection, or another one while somebody has it.
    pub(super) async fn borrow(&self) -> Result<Borrowed, StoreError> {
        let kept = (self.dialect == Dialect::Sqlite).then(|| Arc::clone(&self.kept));
        let connection = kept.as_ref().and_then(take);
        let connection = match connection {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(Borrowed {
            connection: Some(connection),
            kept,
        })
    }
}

fn take(kept: &Kept) -> Option<PoolConnection<Any>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl Deref for Borrowed {
    type Target = AnyConnection;

    fn deref(&self) -> &AnyConnection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("it is there until the end"),
        }
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut AnyConnection {
        match &mut self.connection {
            Some(connection) => connection,
            None => unreachable!("it is there until the end"),
        }
    }
}

impl Borrowed {
    /// Has it closed instead of used again, once it is given back.
    pub(super) fn close_on_drop(&mut self) {
        self.kept = None;
        if let Some(connection) = &mut self.connection {
            connection.close_on_drop();
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(kept) = &self.kept {
            let mut place = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if place.is_none() {
                *place = self.connection.take();
            }
        }
    }
}
