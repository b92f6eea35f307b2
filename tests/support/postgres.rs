//! Databases on a PostgreSQL server.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot have its database has failed"
)]

use std::{
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AnyConnection, Connection, Executor};

/// An empty database on a PostgreSQL server.
pub(crate) async fn new_database(server: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    sqlx::any::install_default_drivers();
    let name = format!(
        "test_{}_{}",
        process::id(),
        NUMBER.fetch_add(1, Ordering::Relaxed)
    );
    let mut connection = AnyConnection::connect(server).await.unwrap();
    connection
        .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .await
        .unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    format!("{base}/{name}")
}
