//! What a family sets by itself on its page of preferences.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError, Way,
    lane::Tx,
    rows::{int, some_text, text},
};
use crate::{family::contact::Channel, instant::Millis, text::Language};

/// How a guardian wants to hear, by the codes of the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// `guardian.preset`
    pub preset: Option<String>,
    /// `guardian.quiet`
    pub quiet: Option<String>,
    /// `guardian.large_print`
    pub large_print: bool,
    /// Per channel with an address: `preference.timing` of all events; none for the preset's.
    pub channels: BTreeMap<String, Option<String>>,
    /// Whether the school has written down wishes about single events.
    pub single: bool,
}

/// What a family decided, for the school to see.
#[derive(Clone)]
pub struct FamilyChoice {
    /// Who.
    pub guardian: String,
    /// What.
    pub what: String,
    /// By which way: page, link or mail.
    pub way: String,
    /// When.
    pub at: Millis,
}

impl Store {
    /// Issues a link under this name. Those that the guardian had before lead nowhere from now on.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn issue_link(
        &self,
        name: &str,
        guardian: i64,
        expires_at: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        sqlx::query(
            "UPDATE preference_link SET revoked_at = $2 WHERE guardian_id = $1 AND revoked_at IS NULL",
        )
        .bind(guardian)
        .bind(now)
        .execute(&mut *tx.db)
        .await?;
        sqlx::query(
            "INSERT INTO preference_link (name, guardian_id, issued_at, expires_at) VALUES ($1, $2, $3, $4)",
        )
        .bind(name)
        .bind(guardian)
        .bind(now)
        .bind(expires_at)
        .execute(&mut *tx.db)
        .await?;
        tx.commit().await
    }

    /// Whose link this is, if it still leads somewhere.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn link(&self, name: &str, now: Millis) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT guardian_id FROM preference_link \
             WHERE name = $1 AND revoked_at IS NULL AND expires_at > $2",
        )
        .bind(name)
        .bind(now)
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| int(&row, "guardian_id")).transpose()
    }

    /// How a guardian wants to hear now.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn choices(&self, guardian: i64) -> Result<Choices, StoreError> {
        let row = sqlx::query("SELECT preset, quiet, large_print FROM guardian WHERE id = $1")
            .bind(guardian)
            .fetch_one(&self.pool)
            .await?;
        let mut choices = Choices {
            preset: some_text(&row, "preset")?,
            quiet: some_text(&row, "quiet")?,
            large_print: int(&row, "large_print")? == 1,
            ..Choices::default()
        };
        let rows = sqlx::query(
            "SELECT DISTINCT channel FROM contact WHERE guardian_id = $1 AND ended_at IS NULL \
             AND channel IN ('sms', 'email', 'telegram')",
        )
        .bind(guardian)
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            choices.channels.insert(text(row, "channel")?, None);
        }
        let rows =
            sqlx::query("SELECT event, channel, timing FROM preference WHERE guardian_id = $1")
                .bind(guardian)
                .fetch_all(&self.pool)
                .await?;
        for row in &rows {
            if text(row, "event")? != "*" {
                choices.single = true;
            } else if let Some(timing) = choices.channels.get_mut(&text(row, "channel")?) {
                *timing = Some(text(row, "timing")?);
            }
        }
        Ok(choices)
    }

    /// Writes down how a guardian wants to hear. A channel by which they want nothing loses what was
    /// wished of single events, too: «nothing» means nothing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn choose(
        &self,
        guardian: i64,
        choices: &Choices,
        now: Millis,
    ) -> Result<(), StoreError> {
        let mut tx = self.transaction().await?;
        sqlx::query("UPDATE guardian SET preset = $2, quiet = $3, large_print = $4 WHERE id = $1")
            .bind(guardian)
            .bind(choices.preset.as_deref())
            .bind(choices.quiet.as_deref())
            .bind(i64::from(choices.large_print))
            .execute(&mut *tx.db)
            .await?;
        for (channel, timing) in &choices.channels {
            let never = timing.as_deref() == Some("never");
            sqlx::query(
                "DELETE FROM preference WHERE guardian_id = $1 AND channel = $2 AND (event = '*' OR $3 = 1)",
            )
            .bind(guardian)
            .bind(channel)
            .bind(i64::from(never))
            .execute(&mut *tx.db)
            .await?;
            if let Some(timing) = timing {
                sqlx::query(
                    "INSERT INTO preference (guardian_id, event, channel, timing) VALUES ($1, '*', $2, $3)",
                )
                .bind(guardian)
                .bind(channel)
                .bind(timing)
                .execute(&mut *tx.db)
                .await?;
            }
        }
        tx.note_choice(guardian, &choices.to_string(), Way::Page, None, now)
            .await?;
        tx.commit().await
    }

    /// What families decided by themselves since then, newest first.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn family_choices(&self, since: Millis) -> Result<Vec<FamilyChoice>, StoreError> {
        let rows = sqlx::query(
            "SELECT g.surname, g.given_name, f.what, f.way, f.at FROM family_choice f \
             JOIN guardian g ON g.id = f.guardian_id WHERE f.at >= $1 ORDER BY f.at DESC, f.id DESC",
        )
        .bind(since)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(FamilyChoice {
                    guardian: format!("{} {}", text(row, "surname")?, text(row, "given_name")?),
                    what: text(row, "what")?,
                    way: text(row, "way")?,
                    at: int(row, "at")?,
                })
            })
            .collect()
    }
}

/// One thing that a guardian sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// `guardian.preset`
    Preset(String),
    /// `guardian.quiet`; none for the school's.
    Quiet(Option<String>),
    /// `guardian.language`
    Language(String),
    /// `guardian.paused_to`; none for no pause.
    PausedTo(Option<NaiveDate>),
    /// When some events come by one channel; none for the preset's time.
    Timing {
        /// `preference.channel`
        channel: Channel,
        /// `preference.event`
        events: Vec<&'static str>,
        /// `preference.timing`
        timing: Option<String>,
    },
}

/// What a guardian chose, as far as it is a matter of no single channel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Own {
    /// `guardian.preset`
    pub preset: Option<String>,
    /// `guardian.quiet`
    pub quiet: Option<String>,
    /// `guardian.paused_to`
    pub paused_to: Option<NaiveDate>,
}

impl Tx {
    /// The language of the texts for a guardian.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn language_of(&mut self, guardian: i64) -> Result<Language, StoreError> {
        let row = sqlx::query("SELECT language FROM guardian WHERE id = $1")
            .bind(guardian)
            .fetch_one(&mut *self.db)
            .await?;
        let code = some_text(&row, "language")?;
        Ok(code
            .and_then(|code| Language::from_code(&code))
            .unwrap_or_default())
    }

    /// What a guardian chose.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn own_choices(&mut self, guardian: i64) -> Result<Own, StoreError> {
        let row = sqlx::query("SELECT preset, quiet, paused_to FROM guardian WHERE id = $1")
            .bind(guardian)
            .fetch_one(&mut *self.db)
            .await?;
        Ok(Own {
            preset: some_text(&row, "preset")?,
            quiet: some_text(&row, "quiet")?,
            paused_to: some_text(&row, "paused_to")?.and_then(|day| day.parse().ok()),
        })
    }

    /// The times that a guardian chose for single events of a channel: event to timing.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn timings(
        &mut self,
        guardian: i64,
        channel: Channel,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let rows = sqlx::query(
            "SELECT event, timing FROM preference WHERE guardian_id = $1 AND channel = $2",
        )
        .bind(guardian)
        .bind(channel.code())
        .fetch_all(&mut *self.db)
        .await?;
        rows.iter()
            .map(|row| Ok((text(row, "event")?, text(row, "timing")?)))
            .collect()
    }

    /// Sets one thing for a guardian, who did so in the bot, and notes it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn set_for(
        &mut self,
        guardian: i64,
        setting: &Setting,
        now: Millis,
    ) -> Result<(), StoreError> {
        let (column, value) = match setting {
            Setting::Preset(preset) => ("preset", Some(preset.clone())),
            Setting::Quiet(hours) => ("quiet", hours.clone()),
            Setting::Language(code) => ("language", Some(code.clone())),
            Setting::PausedTo(day) => ("paused_to", day.map(|day| day.to_string())),
            Setting::Timing {
                channel,
                events,
                timing,
            } => {
                self.set_timing(guardian, *channel, events, timing.as_deref())
                    .await?;
                let timing = timing.as_deref().unwrap_or("usual");
                let what = format!("{} {}={timing}", events.join(","), channel.code());
                return self.note_choice(guardian, &what, Way::Bot, None, now).await;
            }
        };
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE guardian SET {column} = $2 WHERE id = $1"
        )))
        .bind(guardian)
        .bind(value.as_deref())
        .execute(&mut *self.db)
        .await?;
        let what = format!("{column}={}", value.as_deref().unwrap_or("usual"));
        self.note_choice(guardian, &what, Way::Bot, None, now).await
    }

    async fn set_timing(
        &mut self,
        guardian: i64,
        channel: Channel,
        events: &[&'static str],
        timing: Option<&str>,
    ) -> Result<(), StoreError> {
        for event in events {
            sqlx::query(
                "DELETE FROM preference WHERE guardian_id = $1 AND channel = $2 AND event = $3",
            )
            .bind(guardian)
            .bind(channel.code())
            .bind(*event)
            .execute(&mut *self.db)
            .await?;
            if let Some(timing) = timing {
                sqlx::query(
                    "INSERT INTO preference (guardian_id, event, channel, timing) VALUES ($1, $2, $3, $4)",
                )
                .bind(guardian)
                .bind(*event)
                .bind(channel.code())
                .bind(timing)
                .execute(&mut *self.db)
                .await?;
            }
        }
        Ok(())
    }
}

/// As the register of choices keeps it: «preset=paper quiet=21:00-07:30 email=never».
impl std::fmt::Display for Choices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let usual = "usual";
        write!(f, "preset={}", self.preset.as_deref().unwrap_or(usual))?;
        write!(f, " quiet={}", self.quiet.as_deref().unwrap_or(usual))?;
        write!(f, " large_print={}", u8::from(self.large_print))?;
        for (channel, timing) in &self.channels {
            write!(f, " {channel}={}", timing.as_deref().unwrap_or(usual))?;
        }
        Ok(())
    }
}
