//! Imports: compares a load with what is there, and writes only the differences.
//!
//! Comparing reads and holds no lock, so that teachers go on working meanwhile. Writing is one
//! transaction, which begins by making sure that nothing has moved since the comparison.

mod baseline;
mod compare;
mod write;

use std::collections::BTreeMap;

use sqlx::Row;

use super::{Store, StoreError};
use crate::{
    instant::Millis,
    journal::{
        cell::News,
        fact::Fact,
        import::{Load, Table},
    },
};
use compare::Difference;

/// How often a comparison is made anew because somebody wrote meanwhile.
const TRIES: usize = 5;

/// How an import is to be made.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Take everything as known: nobody is told of it.
    pub baseline: bool,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Per table: rows inserted, updated and deleted.
    pub counts: BTreeMap<Table, [usize; 3]>,
    /// The marks that changed and are not taken as known.
    pub marks: Vec<MarkChange>,
    /// How many new students no file has named; a stand-in serves until one does.
    pub nameless: usize,
    /// Per table, how many rows were taken as known, because they are the first of their kind in their
    /// class or of their student.
    pub baseline: BTreeMap<Table, usize>,
}

/// A mark that an import changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkChange {
    /// Where; none for a student or subject that the database does not know yet.
    pub fact: Option<Fact>,
    /// What stood there.
    pub old: Option<String>,
    /// What stands there now.
    pub new: Option<String>,
}

/// Why an import was not made. Nothing of it is in the database.
#[derive(Debug, thiserror::Error)]
pub enum ImportFailure {
    /// A record may mean several rows.
    #[error("«{what}» may be several: {candidates}; give each its own key, or the date of birth")]
    Ambiguous {
        /// Who.
        what: String,
        /// The rows.
        candidates: String,
    },
    /// A diary of a student whom nobody has named.
    #[error(
        "the diary of {0} is of a student whom nobody has named: add the file of diary/init, or import the students first"
    )]
    Nameless(String),
    /// Somebody kept writing.
    #[error("the journal was being written all the time: try again in a minute")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ImportFailure {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Imports a load: whole, or not at all.
    ///
    /// # Errors
    /// [`ImportFailure`]; then nothing was written.
    pub async fn import(
        &self,
        load: &Load,
        options: ImportOptions,
        now: Millis,
    ) -> Result<ImportReport, ImportFailure> {
        for _ in 0..TRIES {
            let before = self.watermark().await?;
            let difference = Difference::find(self, load, options.baseline).await?;
            let report = difference.report();
            if options.dry_run || difference.is_empty() {
                return Ok(report);
            }
            if self.write(load, &difference, before, now).await? {
                return Ok(report);
            }
        }
        Err(ImportFailure::Busy)
    }

    /// Moves whenever somebody writes a watched row or another import ends.
    async fn watermark(&self) -> Result<[i64; 2], StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT COALESCE(MAX(id), 0) FROM change) AS changes, \
             (SELECT COALESCE(MAX(id), 0) FROM import) AS imports",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok([row.try_get("changes")?, row.try_get("imports")?])
    }
}

impl MarkChange {
    /// The change as those hear it who knew what stood there.
    pub fn news(&self) -> News {
        match (self.old.clone(), self.new.clone()) {
            (None, Some(new)) => News::Entered(new),
            (old, Some(new)) => News::Corrected { old, new },
            (old, None) => News::Withdrawn(old),
        }
    }
}
