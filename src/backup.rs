//! Watches the folder in which backups arrive. Somebody else makes them, and a backup that stopped is noticed on the
//! day on which it is needed, unless somebody looks.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use tokio_util::sync::CancellationToken;

use crate::instant::Millis;

/// How often the folder is looked at.
const EVERY: Duration = Duration::from_mins(5);

/// Before anybody looked.
const UNKNOWN: Millis = Millis::MAX;

/// When the newest backup arrived, as far as is known.
#[derive(Debug, Clone)]
pub struct Backups {
    folder: PathBuf,
    within: Millis,
    newest: Arc<AtomicI64>,
}

impl Backups {
    /// Backups arrive in this folder, and the newest one may be as old as `within`.
    pub fn new(folder: PathBuf, within: Duration) -> Self {
        Self {
            folder,
            within: Millis::try_from(within.as_millis()).unwrap_or(Millis::MAX),
            newest: Arc::new(AtomicI64::new(UNKNOWN)),
        }
    }

    /// Looks at the folder now and then until `stop`. It may lie on a server that does not answer: nobody else waits
    /// for it, and then the newest backup grows old.
    pub async fn watch(self, stop: CancellationToken) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = tick.tick() => {}
            }
            let own = self.clone();
            let looked = tokio::task::spawn_blocking(move || own.look());
            tokio::select! {
                () = stop.cancelled() => return,
                _ = looked => {}
            }
        }
    }

    /// Looks at the folder. What cannot be read holds no backup, and the log says why.
    pub fn look(&self) {
        let newest = newest(&self.folder).unwrap_or_else(|error| {
            tracing::warn!(%error, "database.backup_dir cannot be read");
            None
        });
        self.newest.store(newest.unwrap_or(0), Ordering::Relaxed);
    }

    /// When the newest backup arrived; none where there is none, or where nobody has looked yet.
    pub fn newest(&self) -> Option<Millis> {
        Some(self.newest.load(Ordering::Relaxed)).filter(|at| *at != UNKNOWN && *at != 0)
    }

    /// Whether the newest backup is too old, or there is none.
    pub fn overdue(&self, now: Millis) -> bool {
        let newest = self.newest.load(Ordering::Relaxed);
        newest != UNKNOWN && now - newest > self.within
    }
}

/// When the newest file of a folder was written. An empty file is no backup, and what begins with a dot is being written.
///
/// # Errors
/// [`io::Error`] where the folder cannot be read.
pub fn newest(folder: &Path) -> io::Result<Option<Millis>> {
    let mut newest = None;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = match entry.metadata() {
            // Whoever makes backups takes out old ones, even now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            about => about?,
        };
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || about.is_file() && about.len() == 0 {
            continue;
        }
        let at = about.modified()?.duration_since(UNIX_EPOCH);
        let at = at
            .ok()
            .and_then(|since| Millis::try_from(since.as_millis()).ok());
        newest = newest.max(at);
    }
    Ok(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, instant::HOUR};

    #[test]
    fn a_folder_without_a_fresh_backup_is_overdue_and_one_that_nobody_looked_at_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let backups = Backups::new(folder.path().to_owned(), Duration::from_hours(26));
        let now = Clock::Wall.now();
        assert!(!backups.overdue(now), "nobody has looked");
        backups.look();
        assert!(backups.overdue(now), "there is none");
        fs::write(folder.path().join("vestnik-1.db"), "").expect("a file");
        backups.look();
        assert!(backups.overdue(now), "an empty file is none");
        fs::write(folder.path().join("vestnik-2.db"), "everything").expect("a file");
        backups.look();
        assert!(!backups.overdue(now));
        assert!(backups.newest().is_some_and(|at| (at - now).abs() < HOUR));
        assert!(backups.overdue(now + 27 * HOUR));
        let gone = Backups::new(folder.path().join("elsewhere"), Duration::from_hours(26));
        gone.look();
        assert!(gone.overdue(now), "what cannot be read holds none");
    }
}
