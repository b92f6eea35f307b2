//! Hints that somebody wrote. A hint may be lost: polling is the truth.

use std::{path::Path, sync::Arc, time::Duration};

use notify::{EventKind, RecursiveMode, Watcher, recommended_watcher};
use sqlx::postgres::PgListener;
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Dialect, Store};

/// How long to wait before a broken connection is made anew.
const RECONNECT: Duration = Duration::from_secs(5);

impl Store {
    /// Calls `look.notify_one()` whenever somebody may have written, until `stop`.
    ///
    /// On SQLite it watches the write-ahead log grow, on PostgreSQL it listens to what the triggers
    /// send with each commit.
    pub async fn wake(&self, look: Arc<Notify>, stop: CancellationToken) {
        match (self.dialect, self.file()) {
            (Dialect::Sqlite, Some(file)) => {
                let watcher = watch(&file, look);
                if watcher.is_none() {
                    tracing::warn!(
                        "the database file cannot be watched; changes are seen within a second"
                    );
                }
                stop.cancelled().await;
            }
            (Dialect::Sqlite, None) => stop.cancelled().await,
            (Dialect::Postgres, _) => {
                while !stop.is_cancelled() {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        Err(_) = self.listen(&look) => {
                            let _ = timeout(RECONNECT, stop.cancelled()).await;
                        }
                    }
                }
            }
        }
    }

    async fn listen(&self, look: &Notify) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(self.url.reveal()).await?;
        listener.listen("vestnik_change").await?;
        loop {
            // What was written while nobody listened is found by this first look.
            look.notify_one();
            listener.recv().await?;
        }
    }
}

fn watch(file: &Path, look: Arc<Notify>) -> Option<impl Watcher> {
    let name = file.file_name()?.to_owned();
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let ours = move |path: &Path| {
        path.file_name().is_some_and(|other| {
            other
                .as_encoded_bytes()
                .starts_with(name.as_encoded_bytes())
        })
    };
    let mut watcher = recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event
            && matches!(event.kind, EventKind::Modify(_) | EventKind::Create(_))
            && event.paths.iter().any(|path| ours(path))
        {
            look.notify_one();
        }
    })
    .ok()?;
    watcher.watch(folder, RecursiveMode::NonRecursive).ok()?;
    Some(watcher)
}
