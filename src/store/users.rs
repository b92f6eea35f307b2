//! Who may look at the board, with which browsers, and what was done there.

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use super::{
    Dialect, Store, StoreError,
    lane::Tx,
    rows::{int, some_int, some_text, text},
};
use crate::{
    instant::{HOUR, MINUTE, Millis},
    user::{
        Role, User,
        chain::{BEGINNING, Entry, broken, link},
        deed::Deed,
    },
};

/// After so many wrong passwords or codes in a row nobody gets in for a while.
const WRONG: i64 = 10;

/// For so long.
const LOCKED: Millis = 15 * MINUTE;

/// After so long without a page a session is over.
pub const IDLE: Millis = 2 * HOUR;

/// After so long it is over in any case.
pub const LONGEST: Millis = 12 * HOUR;

/// Somebody to be let in.
#[derive(Clone)]
pub struct NewUser<'a> {
    /// What they log in with.
    pub login: &'a str,
    /// What they are called.
    pub name: &'a str,
    /// What they may see and do.
    pub role: Role,
    /// Who they are among the staff.
    pub staff_id: Option<i64>,
    /// `ru` or `en`
    pub language: &'a str,
    /// The hash of their password.
    pub password: &'a str,
}

/// What is asked at the door.
#[derive(Clone)]
pub struct Known {
    /// Who it is.
    pub user: User,
    /// The hash of the password.
    pub password: String,
    /// The step of the last code that let them in.
    pub second_step: i64,
    /// Until when nobody gets in by this login.
    pub locked_until: Millis,
}

/// A browser that somebody has logged in with.
#[derive(Clone)]
pub struct Session {
    /// Who.
    pub user: User,
    /// What every form says again.
    pub token: String,
    /// What the browser calls itself, hashed.
    pub agent_hash: String,
    /// Whether the second factor was given.
    pub open: bool,
}

const USER: &str = "u.id, u.login, u.name, u.role, u.staff_id, u.language, u.given, u.second";

fn user(row: &AnyRow) -> Result<User, StoreError> {
    Ok(User {
        id: int(row, "id")?,
        login: text(row, "login")?,
        name: text(row, "name")?,
        role: Role::from_code(&text(row, "role")?).ok_or(StoreError::Content("board_user.role"))?,
        staff_id: some_int(row, "staff_id")?,
        language: text(row, "language")?,
        given: int(row, "given")? == 1,
        second: some_text(row, "second")?,
    })
}

impl Store {
    /// Everybody who may look at the board, by login.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let sql =
            format!("SELECT {USER} FROM board_user u WHERE u.ended_at IS NULL ORDER BY u.login");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(user).collect()
    }

    /// Who has this login; none for nobody.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn known(&self, login: &str) -> Result<Option<Known>, StoreError> {
        let sql = format!(
            "SELECT {USER}, u.password, u.second_step, u.locked_until FROM board_user u \
             WHERE u.login = $1 AND u.ended_at IS NULL"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(login)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(Known {
                user: user(&row)?,
                password: text(&row, "password")?,
                second_step: int(&row, "second_step")?,
                locked_until: int(&row, "locked_until")?,
            })
        })
        .transpose()
    }

    /// The session whose cookie has this hash, and that it was seen now; none where it is over or its user may not
    /// look any more.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn session(
        &self,
        key_hash: &str,
        now: Millis,
    ) -> Result<Option<Session>, StoreError> {
        let sql = format!(
            "SELECT {USER}, s.token, s.agent_hash, s.stage, s.seen_at FROM session s \
             JOIN board_user u ON u.id = s.user_id WHERE s.key_hash = $1 AND u.ended_at IS NULL \
             AND s.seen_at > $2 AND s.begun_at > $3"
        );
        let row = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(key_hash)
            .bind(now - IDLE)
            .bind(now - LONGEST)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        // Once a minute is enough to know that it is used.
        if int(&row, "seen_at")? < now - MINUTE {
            sqlx::query("UPDATE session SET seen_at = $2 WHERE key_hash = $1")
                .bind(key_hash)
                .bind(now)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(Session {
            user: user(&row)?,
            token: text(&row, "token")?,
            agent_hash: text(&row, "agent_hash")?,
            open: text(&row, "stage")? == "open",
        }))
    }

    /// Whether the session whose cookie has this hash lasts. That is asked by what an open page does by itself, and keeps
    /// nobody logged in.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn session_lasts(&self, key_hash: &str, now: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT 1 AS one FROM session s JOIN board_user u ON u.id = s.user_id WHERE s.key_hash = $1 \
             AND s.stage = 'open' AND u.ended_at IS NULL AND s.seen_at > $2 AND s.begun_at > $3",
        )
        .bind(key_hash)
        .bind(now - IDLE)
        .bind(now - LONGEST)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end_session(&self, key_hash: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session WHERE key_hash = $1")
            .bind(key_hash)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// A wrong password or code was given: after some in a row the login is locked for a while. Says whether it is
    /// locked from now on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn wrong(&self, user: i64, now: Millis) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "UPDATE board_user SET locked_until = CASE WHEN wrong + 1 >= $2 THEN $3 ELSE locked_until END, \
             wrong = CASE WHEN wrong + 1 >= $2 THEN 0 ELSE wrong + 1 END WHERE id = $1 RETURNING locked_until",
        )
        .bind(user)
        .bind(WRONG)
        .bind(now + LOCKED)
        .fetch_one(&self.pool)
        .await?;
        Ok(int(&row, "locked_until")? > now)
    }

    /// The language of somebody's pages from now on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn set_language(&self, user: i64, language: &str) -> Result<(), StoreError> {
        sqlx::query("UPDATE board_user SET language = $2 WHERE id = $1")
            .bind(user)
            .bind(language)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The classes of a member of staff today: `class.id`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn classes_of_staff(
        &self,
        staff: i64,
        today: NaiveDate,
    ) -> Result<Vec<i64>, StoreError> {
        let mut tx = self.snapshot().await?;
        let classes = tx.classes_of(staff, today).await?;
        tx.commit().await?;
        Ok(classes.into_iter().map(|(id, _)| id).collect())
    }

    /// The newest entries of what was done before this one, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn audit(&self, before: Option<i64>, limit: i64) -> Result<Vec<Entry>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, who, deed, about, before_hash, hash FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(entry).collect()
    }

    /// Where the chain of what was done is broken: the first entry that does not follow; none where it is whole.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn audit_broken(&self) -> Result<Option<i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, who, deed, about, before_hash, hash FROM audit ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await?;
        let entries: Vec<Entry> = rows.iter().map(entry).collect::<Result<_, _>>()?;
        Ok(broken(&entries))
    }
}

fn entry(row: &AnyRow) -> Result<Entry, StoreError> {
    Ok(Entry {
        id: int(row, "id")?,
        at: int(row, "at")?,
        who: text(row, "who")?,
        deed: text(row, "deed")?,
        about: text(row, "about")?,
        before: text(row, "before_hash")?,
        hash: text(row, "hash")?,
    })
}

impl Store {
    /// Begins a transaction in which something is done, and writes it down there first: nothing is done that does not
    /// stand in the chain, and nothing stands there that was not done.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn deed(
        &self,
        by: (Option<i64>, &str),
        deed: &Deed<'_>,
        now: Millis,
    ) -> Result<Tx, StoreError> {
        let mut tx = self.transaction().await?;
        tx.record(by, deed, now).await?;
        Ok(tx)
    }
}

impl Tx {
    /// Lets somebody in; none where the login is taken.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn add_user(
        &mut self,
        new: &NewUser<'_>,
        now: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "INSERT INTO board_user (login, name, role, staff_id, language, password, added_at) \
             VALUES ($1, $2, $3, CAST($4 AS BIGINT), $5, $6, $7) ON CONFLICT (login) DO NOTHING RETURNING id",
        )
        .bind(new.login)
        .bind(new.name)
        .bind(new.role.code())
        .bind(new.staff_id)
        .bind(new.language)
        .bind(new.password)
        .bind(now)
        .fetch_optional(&mut *self.db)
        .await?;
        row.map(|row| int(&row, "id")).transpose()
    }

    /// Lets somebody in no more, and ends their sessions. Says whether there was anybody.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end_user(&mut self, login: &str, now: Millis) -> Result<bool, StoreError> {
        // The login is free again: what was done keeps it.
        let row = sqlx::query(
            "UPDATE board_user SET ended_at = $2, login = login || ' #' || CAST(id AS TEXT) \
             WHERE login = $1 AND ended_at IS NULL RETURNING id",
        )
        .bind(login)
        .bind(now)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(false) };
        self.end_sessions(int(&row, "id")?, None).await?;
        Ok(true)
    }

    /// Sets a password, which ends the lock and all sessions but the one with this hash.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn set_password(
        &mut self,
        user: i64,
        password: &str,
        given: bool,
        keep: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE board_user SET password = $2, given = $3, wrong = 0, locked_until = 0 WHERE id = $1",
        )
        .bind(user)
        .bind(password)
        .bind(i64::from(given))
        .execute(&mut *self.db)
        .await?;
        self.end_sessions(user, keep).await
    }

    /// Sets what the secret of the second factor is made from; with none it is to be set up anew.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn set_second(&mut self, user: i64, second: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("UPDATE board_user SET second = $2, second_step = 0 WHERE id = $1")
            .bind(user)
            .bind(second)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Begins a session. Those of the same user that are over are forgotten.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn begin_session(
        &mut self,
        key_hash: &str,
        session: &Session,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session WHERE seen_at <= $1 OR begun_at <= $2")
            .bind(now - IDLE)
            .bind(now - LONGEST)
            .execute(&mut *self.db)
            .await?;
        sqlx::query(
            "INSERT INTO session (key_hash, user_id, token, agent_hash, stage, begun_at, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(key_hash)
        .bind(session.user.id)
        .bind(&session.token)
        .bind(&session.agent_hash)
        .bind(if session.open { "open" } else { "password" })
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        if session.open {
            sqlx::query("UPDATE board_user SET wrong = 0 WHERE id = $1")
                .bind(session.user.id)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
    }

    /// A code of this step lets in; false where one of this step or later did already.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn use_code(&mut self, user: i64, step: i64) -> Result<bool, StoreError> {
        let used = sqlx::query(
            "UPDATE board_user SET second_step = $2 WHERE id = $1 AND second_step < $2",
        )
        .bind(user)
        .bind(step)
        .execute(&mut *self.db)
        .await?;
        Ok(used.rows_affected() == 1)
    }

    /// Forgets a session that is followed by another one.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn forget_session(&mut self, key_hash: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session WHERE key_hash = $1")
            .bind(key_hash)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    async fn end_sessions(&mut self, user: i64, keep: Option<&str>) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session WHERE user_id = $1 AND key_hash <> $2")
            .bind(user)
            .bind(keep.unwrap_or_default())
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Writes down what was done, as the last link of the chain. It is the first statement of its transaction.
    async fn record(
        &mut self,
        (user, who): (Option<i64>, &str),
        deed: &Deed<'_>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (deed, about) = deed.written();
        if self.dialect == Dialect::Postgres {
            // Two at once would both follow the same entry.
            sqlx::query("LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE")
                .execute(&mut *self.db)
                .await?;
        }
        let row = sqlx::query("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")
            .fetch_optional(&mut *self.db)
            .await?;
        let before = row.map_or_else(|| Ok(BEGINNING.to_owned()), |row| text(&row, "hash"))?;
        sqlx::query(
            "INSERT INTO audit (at, user_id, who, deed, about, before_hash, hash) \
             VALUES ($1, CAST($2 AS BIGINT), $3, $4, $5, $6, $7)",
        )
        .bind(now)
        .bind(user)
        .bind(who)
        .bind(&deed)
        .bind(&about)
        .bind(&before)
        .bind(link(&before, now, who, &deed, &about))
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}
