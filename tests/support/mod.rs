//! Both databases for the tests of the store: an empty one of each kind per test.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot have its database has failed"
)]

mod postgres;

use tempfile::TempDir;
use vestnik::store::Store;

/// An empty, migrated database that belongs to one test.
pub(crate) struct Base {
    /// The store on it.
    pub(crate) store: Store,
    _directory: Option<TempDir>,
}

/// A SQLite file, and a PostgreSQL database where `VESTNIK_TEST_POSTGRES` names a server whose user
/// may create databases. `tests/run` starts such a server.
pub(crate) async fn both() -> Vec<Base> {
    let directory = TempDir::new().unwrap();
    let url = format!("sqlite:{}", directory.path().join("vestnik.db").display());
    let mut bases = vec![Base {
        store: Store::open(&url).await.unwrap(),
        _directory: Some(directory),
    }];
    match std::env::var("VESTNIK_TEST_POSTGRES") {
        Ok(server) => bases.push(Base {
            store: Store::open(&postgres::new_database(&server).await)
                .await
                .unwrap(),
            _directory: None,
        }),
        Err(_) => {
            println!("skipped on PostgreSQL: VESTNIK_TEST_POSTGRES is not set; tests/run sets it");
        }
    }
    bases
}
