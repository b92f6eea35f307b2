//! The store: the only room with SQL.
//!
//! Statements are written once, for both databases, through [`sqlx::Any`] with `$n` placeholders.
//! What cannot be shared is chosen by [`Dialect`].

mod alarms;
mod announcements;
mod below;
mod board;
mod bot;
mod calendar;
mod choices;
mod circumstances;
mod connection;
mod consent;
mod delays;
mod desk;
mod dispatch;
mod due;
mod failover;
mod families;
mod files;
mod gaps;
mod handout;
mod history;
mod hold;
mod import;
mod ingest;
mod inquiries;
mod instance;
mod intake;
mod invites;
mod jobs;
mod journal;
mod ladder;
mod lane;
mod leavers;
mod ledger;
mod mail;
mod money;
mod month;
mod notices;
mod outcome;
mod pages;
mod paper;
mod people;
mod policy;
mod polls;
mod press;
mod printing;
mod proof;
mod questions;
mod receipts;
mod received;
mod reconcile;
mod rows;
mod sample;
mod skeletons;
mod staff;
mod status;
mod summary;
mod terms;
mod undelivered;
mod users;
mod wake;
mod work;

pub use announcements::{Announced, ClassPeople, Heard, NewAnnouncement};
pub use below::Pressed;
pub use board::{Corrected, Filter, InList, Load, Reading, Waiting, Written};
pub use bot::{Child, Dialogue, Owners, Unanswered};
pub use choices::{Choices, FamilyChoice, Own, Setting};
pub use consent::{ConsentRow, NewConsent, NewServiceMode, Tie};
pub use delays::Taken;
pub use desk::{Pin, Watched};
pub use dispatch::{Earlier, Question, Ready};
pub use due::NewMessage;
pub use families::{Address, Complaint, FoundStudent, KINDS};
pub use files::{Attached, Kept};
pub use handout::{Entry, Reprint, SheetDeed};
pub use history::{Attempt, Carried, History};
pub use hold::{Hold, Verdict};
pub use import::{ImportFailure, ImportOptions, ImportReport, MarkChange};
pub use ingest::{ApiToken, IngestError, Ingested};
pub use inquiries::{Inquiry, InquiryKind, NewInquiry, Saying};
pub use instance::Begun;
pub use intake::{Change, Touched};
pub use invites::{Guest, Invite, Invitee, NewInvite};
pub use journal::Members;
pub use ladder::{Receipt, Resting, Stalled};
pub use lane::{LEASE, Lease, Tx};
pub use ledger::LedgerQuestion;
pub use mail::{Returned, Suppressed, Way};
pub use money::{Charge, Spending};
pub use month::Month;
pub use notices::NewNotice;
pub use pages::{Listed, Told};
pub use policy::PolicyVersion;
pub use polls::{NewAnswer, Poll};
pub use press::{NewSheet, OpenRun};
pub use printing::{ForOffice, Queued};
pub use proof::{Carrier, Telling};
pub use received::Incoming;
pub use reconcile::{CHECKS, Check, Checked};
pub use sample::Rows;
pub use skeletons::Registration;
pub use staff::{StaffDue, StaffMessage};
pub use status::{Found, Status};
pub use terms::Term;
pub use users::{IDLE, Known, LONGEST, NewUser, Session};
pub use work::{LaneWork, Work};

use std::{
    fs::{File, TryLockError},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use sqlx::{
    AnyConnection, AnyPool, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
    migrate::{MigrateError, Migrator},
};

use tokio::time::timeout;

use crate::{policy::Remarks, secret::Secret};

/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// One file, one daemon.
    Sqlite,
    /// Many schools or many daemons.
    Postgres,
}

/// An open database of the right version.
#[derive(Debug, Clone)]
pub struct Store {
    pool: AnyPool,
    kept: connection::Kept,
    dialect: Dialect,
    url: Secret,
    remarks: Remarks,
}

/// Why the store cannot work.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL names neither database. The URL itself may hold a password and is not repeated.
    #[error("database.url names no database: write sqlite:vestnik.db or postgres://user@host/name")]
    Url,
    /// The database holds migrations that this program does not know.
    #[error(
        "the database was migrated to version {0}, which is newer than this program: install the newer program"
    )]
    Newer(i64),
    /// There is no database at the URL, or it refuses.
    #[error(
        "the database cannot be opened: check database.url, and that the database runs and lets vestnik in"
    )]
    Unreachable(#[source] sqlx::Error),
    /// Whoever listens there says nothing.
    #[error("the database does not answer: check database.url")]
    Silent,
    /// There is no file yet.
    #[error("there is no database {}: vestnik serve or vestnik migrate makes it", .0.display())]
    Missing(PathBuf),
    /// It lacks migrations that this program knows.
    #[error("the database is older than this program: run vestnik migrate")]
    Older,
    /// Another program runs on the same SQLite file.
    #[error(
        "another vestnik is running on this database: stop it first, two would send everything twice"
    )]
    Locked,
    /// The file that proves that nobody else runs cannot be made.
    #[error("the lock file beside the database cannot be made")]
    Lock(#[source] std::io::Error),
    /// A migration failed.
    #[error("the database could not be migrated")]
    Migrate(#[source] MigrateError),
    /// A column holds what this program never writes there.
    #[error("column {0} holds a value that cannot be read: correct the row by hand")]
    Content(&'static str),
    /// Anything else the database says.
    #[error("the database answered with an error")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether somebody else wrote the same rows meanwhile, so that it may be tried again (SQLSTATE
    /// 40001 of PostgreSQL).
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().as_deref() == Some("40001")
            }
            _ => false,
        }
    }
}

impl Store {
    /// Opens the database and brings it to this program's version.
    ///
    /// A SQLite file is made if there is none. It is kept in WAL mode, and every commit is synced,
    /// because an attempt must be on the disk before its call leaves.
    ///
    /// # Errors
    /// [`StoreError`]: a URL that names no database, one that cannot be reached, or one that is
    /// newer than this program.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let store = Self::connect(url).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Opens a database that is there, as it is: for commands that only look.
    ///
    /// # Errors
    /// As [`Store::open`], and [`StoreError::Missing`] or [`StoreError::Older`] where it would have to
    /// be made or migrated first.
    pub async fn look(url: &str) -> Result<Self, StoreError> {
        if let Some(file) = file_of(url).filter(|file| !file.exists()) {
            return Err(StoreError::Missing(file));
        }
        let store = Self::connect(url).await?;
        let newest = sqlx::query("SELECT MAX(version) AS version FROM _sqlx_migrations")
            .fetch_one(&store.pool)
            .await
            .map_err(|_| StoreError::Older)?;
        let known = store
            .migrator()
            .iter()
            .map(|migration| migration.version)
            .max();
        match (rows::some_int(&newest, "version")?, known) {
            (Some(newest), Some(known)) if newest > known => Err(StoreError::Newer(newest)),
            (newest, known) if newest < known => Err(StoreError::Older),
            _ => Ok(store),
        }
    }

    async fn connect(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let (dialect, url) = dialect(url)?;
        let options = AnyConnectOptions::from_str(&url).map_err(|_| StoreError::Url)?;
        // The pool would try for long and then say only that time is up.
        let first = timeout(PATIENCE, AnyConnection::connect_with(&options)).await;
        match first {
            Ok(Ok(connection)) => connection.close().await?,
            Ok(Err(error)) => return Err(StoreError::Unreachable(error)),
            Err(_) => return Err(StoreError::Silent),
        }
        let pool = AnyPoolOptions::new()
            .max_connections(5)
            .acquire_timeout(PATIENCE)
            // A file does not hang up; asking it before each statement would double their number.
            .test_before_acquire(dialect == Dialect::Postgres)
            .after_connect(move |connection, _| Box::pin(prepare(connection, dialect)))
            .connect_with(options)
            .await?;
        Ok(Self {
            pool,
            kept: connection::Kept::default(),
            dialect,
            url: Secret::new(url),
            remarks: Remarks::Ticked,
        })
    }

    /// The same database, read as the policy says: which remarks say something to families.
    #[must_use]
    pub fn telling(self, remarks: Remarks) -> Self {
        Self { remarks, ..self }
    }

    /// The file of a SQLite database.
    pub fn file(&self) -> Option<PathBuf> {
        file_of(self.url.reveal())
    }

    /// Makes sure that this is the only daemon on a SQLite file, for as long as the lock is kept.
    /// The operating system releases it when the program ends, however it ends. On PostgreSQL the
    /// lanes decide, and there is no lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`] where another one runs.
    pub fn lock(&self) -> Result<Option<File>, StoreError> {
        let Some(mut path) = self.file().map(PathBuf::into_os_string) else {
            return Ok(None);
        };
        path.push(".lock");
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StoreError::Lock)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
            Err(TryLockError::Error(error)) => Err(StoreError::Lock(error)),
        }
    }

    fn migrator(&self) -> &'static Migrator {
        match self.dialect {
            Dialect::Sqlite => &SQLITE,
            Dialect::Postgres => &POSTGRES,
        }
    }

    /// Which database it is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The connections. Only this room and its tests use them.
    pub fn pool(&self) -> &AnyPool {
        &self.pool
    }

    /// Brings the database to this program's version; does nothing where it is.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a database that a newer program has migrated.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        let migrator = self.migrator();
        let mut connection = self.pool.acquire().await?;
        let result = migrator.run(&mut *connection).await;
        if result.is_err() {
            // A migration that fails leaves its lock with the connection: nobody else would ever
            // get it.
            connection.close().await?;
        }
        result.map_err(|error| match error {
            MigrateError::VersionMissing(version) => StoreError::Newer(version),
            other => StoreError::Migrate(other),
        })
    }
}

/// The file that a SQLite URL names.
fn file_of(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    path.split('?').next().map(PathBuf::from)
}

/// Tells the databases apart and completes a SQLite URL.
fn dialect(url: &str) -> Result<(Dialect, String), StoreError> {
    match url.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => {
            let mode = if path.contains('?') { "" } else { "?mode=rwc" };
            Ok((Dialect::Sqlite, format!("{url}{mode}")))
        }
        Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
            Ok((Dialect::Postgres, url.to_owned()))
        }
        _ => Err(StoreError::Url),
    }
}

/// What each new SQLite connection needs. The busy time-out covers other programs that write for a
/// moment, such as an administrator's `sqlite3`.
async fn prepare(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), sqlx::Error> {
    if dialect == Dialect::Sqlite {
        for pragma in [
            "PRAGMA busy_timeout = 10000",
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA foreign_keys = ON",
        ] {
            connection.execute(pragma).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_names_no_database_is_refused_without_repeating_it() {
        for url in [
            "",
            "vestnik.db",
            "sqlite:",
            "mysql://root:secret@localhost/x",
            "postgres:x",
        ] {
            let error = dialect(url).expect_err(url);
            assert!(error.to_string().contains("sqlite:vestnik.db"), "{error}");
            assert!(!error.to_string().contains("secret"));
        }
    }
}
