//! Quarantine: a restored or copied database sends nothing until a person says that it may.
//!
//! A backup does not know what was sent after it was made. Each start raises an epoch in the database,
//! and then in a file that no backup holds; each call raises a watermark there. A file that knows more
//! than its database shows that the database is an older copy.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::instant::Millis;

/// What the file says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// `instance.epoch` of the last start.
    pub epoch: i64,
    /// The newest `attempt.id` whose call may have left.
    pub attempt: i64,
    /// When that was.
    pub sent_at: Millis,
}

impl FromStr for Mark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split_whitespace().map(str::parse);
        let mut next = || numbers.next().and_then(Result::ok).ok_or(());
        Ok(Self {
            epoch: next()?,
            attempt: next()?,
            sent_at: next()?,
        })
    }
}

/// The file beside the database, or in the service's state directory.
#[derive(Debug)]
pub struct Watermark {
    path: PathBuf,
    mark: Mark,
}

impl Watermark {
    /// The file of a SQLite database, or of a PostgreSQL database where a folder for it is known.
    pub fn place(database: Option<PathBuf>, folder: Option<&Path>) -> Option<PathBuf> {
        match (database, folder) {
            (_, Some(folder)) => Some(folder.join("vestnik.epoch")),
            (Some(file), None) => {
                let mut name = file.into_os_string();
                name.push(".epoch");
                Some(name.into())
            }
            (None, None) => None,
        }
    }

    /// What the file says, if there is one. One that cannot be read says nothing: a crash may have cut
    /// it, and then the database knows as much.
    ///
    /// # Errors
    /// What the file system says.
    pub fn read(path: &Path) -> io::Result<Option<Mark>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(text.parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes what a start has committed to the database, synced. The database comes first: a crash
    /// between the two leaves an older file, which says nothing against the database.
    ///
    /// # Errors
    /// What the file system says.
    pub fn begin(path: PathBuf, mark: Mark) -> io::Result<Self> {
        let watermark = Self { path, mark };
        watermark.write()?.sync_all()?;
        Ok(watermark)
    }

    /// Raises the mark before the calls of a commit leave. It is not synced: only a power cut loses it,
    /// and after that a restored copy looks newer by a few messages at most.
    ///
    /// # Errors
    /// What the file system says.
    pub fn raise(&mut self, attempt: i64, now: Millis) -> io::Result<()> {
        if attempt > self.mark.attempt {
            self.mark.attempt = attempt;
            self.mark.sent_at = now.max(self.mark.sent_at);
            self.write()?;
        }
        Ok(())
    }

    /// One line of fixed length, in place, so that no crash leaves half of a longer one.
    fn write(&self) -> io::Result<File> {
        let Mark {
            epoch,
            attempt,
            sent_at,
        } = self.mark;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.path)?;
        file.write_all(format!("{epoch:>20} {attempt:>20} {sent_at:>20}\n").as_bytes())?;
        Ok(file)
    }
}

/// What is known when a daemon starts.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// This machine.
    pub machine: String,
    /// What the file says.
    pub file: Option<Mark>,
    /// The machines that sent from this database, with their epochs, in the order of their last starts.
    pub instances: Vec<(String, i64)>,
    /// The newest `attempt.id` of the database; 0 for none.
    pub attempt: i64,
    /// Whether the database has never told anybody anything.
    pub fresh: bool,
    /// Whether several machines may send from it at the same time.
    pub shared: bool,
}

/// What follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The database goes on where it stopped, or begins.
    Usual,
    /// The database is older than what was sent from this machine.
    Restored,
    /// Another machine sent from it last, and may still do so.
    Moved,
}

/// Judges a start.
pub fn judge(seen: &Seen) -> Standing {
    let own = seen
        .instances
        .iter()
        .find(|(machine, _)| *machine == seen.machine);
    let known = own.map_or(0, |(_, epoch)| *epoch);
    if seen.fresh && seen.instances.is_empty() {
        return Standing::Usual;
    }
    let newer = |file: Mark| file.epoch > known || file.attempt > seen.attempt;
    let last = seen.instances.last().map(|(machine, _)| machine);
    match (own, last) {
        // A file that came along with the database says nothing about this machine.
        (None, Some(_)) => Standing::Moved,
        _ if seen.file.is_some_and(newer) => Standing::Restored,
        (Some(_), Some(last)) if !seen.shared && *last != seen.machine => Standing::Moved,
        _ => Standing::Usual,
    }
}

/// A name for this machine that tells it from others and says nothing else. Machines without an id,
/// such as containers, share one: there the file alone is asked.
pub fn machine() -> String {
    let id = fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let id = id.trim();
    if id.is_empty() {
        return "unnamed".into();
    }
    // FNV-1a: stable for ever, and the id itself stays on the machine.
    let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(file: Option<(i64, i64)>, instances: &[(&str, i64)]) -> Seen {
        let instances = instances
            .iter()
            .map(|(name, epoch)| ((*name).into(), *epoch));
        Seen {
            machine: "a".into(),
            file: file.map(|(epoch, attempt)| Mark {
                epoch,
                attempt,
                sent_at: 1,
            }),
            instances: instances.collect(),
            attempt: 10,
            fresh: false,
            shared: false,
        }
    }

    #[test]
    fn a_file_that_is_older_or_gone_is_no_quarantine() {
        for file in [None, Some((3, 10)), Some((2, 10)), Some((3, 9))] {
            assert_eq!(judge(&seen(file, &[("a", 3)])), Standing::Usual, "{file:?}");
        }
        assert_eq!(
            judge(&seen(None, &[])),
            Standing::Usual,
            "an older version's"
        );
        let first = Seen {
            fresh: true,
            ..seen(Some((9, 9)), &[])
        };
        assert_eq!(judge(&first), Standing::Usual, "a new database");
    }

    #[test]
    fn a_file_that_knows_more_is_a_restored_copy() {
        for file in [(4, 10), (3, 11)] {
            assert_eq!(judge(&seen(Some(file), &[("a", 3)])), Standing::Restored);
        }
        assert_eq!(judge(&seen(Some((4, 11)), &[])), Standing::Restored);
    }

    #[test]
    fn another_machine_has_to_be_released_once_unless_it_is_one_of_several() {
        assert_eq!(judge(&seen(None, &[("b", 3)])), Standing::Moved);
        assert_eq!(judge(&seen(Some((3, 10)), &[("b", 3)])), Standing::Moved);
        let back = seen(Some((3, 10)), &[("a", 3), ("b", 5)]);
        assert_eq!(judge(&back), Standing::Moved);
        let shared = Seen {
            shared: true,
            ..back
        };
        assert_eq!(judge(&shared), Standing::Usual);
    }

    #[test]
    fn the_file_is_read_as_it_was_written_and_a_broken_one_says_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("school.db.epoch");
        assert_eq!(Watermark::read(&path).expect("no file"), None);
        let mark = Mark {
            epoch: 3,
            attempt: 1_000,
            sent_at: 5,
        };
        let mut watermark = Watermark::begin(path.clone(), mark).expect("a file");
        watermark.raise(999, 9).expect("a file");
        assert_eq!(Watermark::read(&path).expect("a file"), Some(mark));
        watermark.raise(1_001, 9).expect("a file");
        let raised = Watermark::read(&path).expect("a file");
        assert_eq!(
            raised.map(|mark| (mark.attempt, mark.sent_at)),
            Some((1_001, 9))
        );
        fs::write(&path, "3 10").expect("a file");
        assert_eq!(Watermark::read(&path).expect("a file"), None);
    }
}
