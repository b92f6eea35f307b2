//! What somebody has to look at: what it is seen from, what is known of it already, and who is told.

use chrono::NaiveDate;
use sqlx::any::AnyRow;

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{int, some_int, text},
};
use crate::{
    alarm::{Alarm, SAME, Told},
    family::contact::Channel,
    instant::{HOUR, Millis},
    journal::fact::{Fact, Place},
    text::StaffNews,
    week::Week,
};

/// Who is told: who runs the program, and who leads the school; deputies where those are fewer than two.
const WHO: &str = "WITH leads AS (SELECT w.staff_id, w.role FROM (SELECT id AS staff_id, role FROM staff \
     UNION SELECT staff_id, role FROM duty WHERE (from_on IS NULL OR from_on <= $1) AND (to_on IS NULL OR to_on >= $1)) w \
     JOIN staff f ON f.id = w.staff_id AND (f.from_on IS NULL OR f.from_on <= $1) AND (f.to_on IS NULL OR f.to_on >= $1)) \
     SELECT DISTINCT staff_id FROM leads WHERE role IN ('admin', 'director') \
     OR (role = 'deputy' AND (SELECT COUNT(DISTINCT staff_id) FROM leads WHERE role IN ('admin', 'director')) < 2) \
     ORDER BY staff_id";

impl Store {
    /// The alarms that last, the oldest first, each with when it began.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lasting_alarms(&self) -> Result<Vec<(Alarm, Millis)>, StoreError> {
        let sql = "SELECT code, began_at FROM alarm WHERE ended_at IS NULL ORDER BY began_at, id";
        let rows = sqlx::query(sql).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| Ok((known(row)?, int(row, "began_at")?)))
            .collect()
    }
}

fn known(row: &AnyRow) -> Result<Alarm, StoreError> {
    Alarm::from_code(&text(row, "code")?).ok_or(StoreError::Content("alarm.code"))
}

impl Tx {
    /// Per channel, how long its oldest message has waited, and the calls of the last hour with those of them that were
    /// rejected.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn carriers(
        &mut self,
        now: Millis,
    ) -> Result<(Vec<(Channel, Millis)>, Vec<(Channel, i64, i64)>), StoreError> {
        let sql = format!(
            "SELECT channel, MIN(CASE WHEN attempts > 0 THEN composed_at ELSE not_before END) AS oldest FROM message \
             WHERE state IN ('ready', 'in_doubt') AND channel <> 'paper' AND (not_before <= {now} OR attempts > 0) \
             GROUP BY channel"
        );
        let mut waiting = Vec::new();
        for row in &self.all(sql).await? {
            if let (Some(channel), Some(oldest)) = (
                Channel::from_code(&text(row, "channel")?),
                some_int(row, "oldest")?,
            ) {
                waiting.push((channel, now - oldest));
            }
        }
        let sql = format!(
            "SELECT m.channel, COUNT(*) AS n, CAST(SUM(CASE WHEN a.outcome = 'rejected' THEN 1 ELSE 0 END) AS BIGINT) \
             AS rejected FROM attempt a JOIN message m ON m.id = a.message_id WHERE a.finished_at >= {} \
             GROUP BY m.channel",
            now - HOUR
        );
        let mut calls = Vec::new();
        for row in &self.all(sql).await? {
            if let Some(channel) = Channel::from_code(&text(row, "channel")?) {
                calls.push((channel, int(row, "n")?, int(row, "rejected")?));
            }
        }
        Ok((waiting, calls))
    }

    /// How long the oldest change of the journal has waited to be read.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lag(&mut self, now: Millis) -> Result<Millis, StoreError> {
        let sql =
            "SELECT MIN(written_at) AS oldest FROM change WHERE planned_at IS NULL".to_owned();
        let rows = self.all(sql).await?;
        let oldest = rows
            .first()
            .map(|row| some_int(row, "oldest"))
            .transpose()?
            .flatten();
        Ok(oldest.map_or(0, |oldest| (now - oldest).max(0)))
    }

    /// Whether there are lessons on this day, and nothing was written into the journal since `midnight`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn silent(&mut self, today: NaiveDate, midnight: Millis) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT (SELECT COUNT(*) FROM lesson WHERE date = '{today}' AND state IN ('planned', 'held')) AS lessons, \
             (SELECT written_at FROM change WHERE op <> 'recheck' ORDER BY id DESC LIMIT 1) AS last"
        );
        let rows = self.all(sql).await?;
        let Some(row) = rows.first() else {
            return Ok(false);
        };
        let wrote = some_int(row, "last")?.is_some_and(|last| last >= midnight);
        Ok(int(row, "lessons")? > 0 && !wrote)
    }

    /// The questions that wait for a decision: `hold.id`. Who stopped all sending knows it.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn open_holds(&mut self) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT id FROM hold WHERE decided_at IS NULL AND kind <> 'pause' ORDER BY id"
            .to_owned();
        self.all(sql)
            .await?
            .iter()
            .map(|row| int(row, "id"))
            .collect()
    }

    /// Since when the oldest result of a term or an exam waits to be told by a channel.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn oldest_result(&mut self) -> Result<Option<Millis>, StoreError> {
        // The conditions are those of the index notice_of_results.
        let sql = "SELECT seen_at FROM notice WHERE event IN ('term_result', 'exam') \
             AND state IN ('settling', 'waiting', 'in_message', 'held') AND waits_for IS DISTINCT FROM 'sheet' \
             AND guardian_id IS NOT NULL ORDER BY seen_at LIMIT 1";
        let rows = self.all(sql.to_owned()).await?;
        rows.first().map(|row| int(row, "seen_at")).transpose()
    }

    /// How many guardians should have heard something of a student in each of these weeks and have heard nothing since the
    /// first of them began.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn unheard(&mut self, [first, second]: [Week; 2]) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM (SELECT guardian_id, student_id FROM notice WHERE state = 'red' \
             AND week IN ('{first}', '{second}') AND guardian_id IS NOT NULL GROUP BY guardian_id, student_id \
             HAVING COUNT(DISTINCT week) = 2) pair \
             WHERE NOT EXISTS (SELECT 1 FROM notice heard WHERE heard.student_id = pair.student_id \
             AND heard.guardian_id = pair.guardian_id AND heard.week >= '{first}' \
             AND heard.state IN ('informed', 'told_by_paper'))"
        );
        let rows = self.all(sql).await?;
        rows.first().map_or(Ok(0), |row| int(row, "n"))
    }

    /// Which texts of SMS operators were told of.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn told_texts(&mut self) -> Result<Vec<Told>, StoreError> {
        let sql = "SELECT operator, text, state FROM sms_template".to_owned();
        self.all(sql)
            .await?
            .iter()
            .map(|row| {
                Ok((
                    text(row, "operator")?,
                    text(row, "text")?,
                    text(row, "state")?,
                ))
            })
            .collect()
    }

    /// The alarms that last.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn lasting(&mut self) -> Result<Vec<(i64, Alarm)>, StoreError> {
        let sql = "SELECT id, code FROM alarm WHERE ended_at IS NULL ORDER BY id".to_owned();
        let rows = self.all(sql).await?;
        rows.iter()
            .map(|row| Ok((int(row, "id")?, known(row)?)))
            .collect()
    }

    /// An alarm is over.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end_alarm(&mut self, id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query("UPDATE alarm SET ended_at = $2 WHERE id = $1")
            .bind(id)
            .bind(now)
            .execute(&mut *self.db)
            .await?;
        Ok(())
    }

    /// Raises an alarm, and has who leads the school told of it, not before `heard`. One that was over for a short while
    /// goes on, and nobody is told of it again.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn raise_alarm(
        &mut self,
        alarm: Alarm,
        today: NaiveDate,
        heard: Millis,
        now: Millis,
    ) -> Result<(), StoreError> {
        let again = sqlx::query(
            "UPDATE alarm SET ended_at = NULL WHERE id = \
             (SELECT MAX(id) FROM alarm WHERE code = $1) AND ended_at > $2",
        )
        .bind(alarm.to_string())
        .bind(now - SAME)
        .execute(&mut *self.db)
        .await?;
        if again.rows_affected() > 0 {
            return Ok(());
        }
        let row = sqlx::query("INSERT INTO alarm (code, began_at) VALUES ($1, $2) RETURNING id")
            .bind(alarm.to_string())
            .bind(now)
            .fetch_one(&mut *self.db)
            .await?;
        let fact = Fact {
            student_id: 0,
            place: Place::Alarm(int(&row, "id")?),
        };
        let rows = sqlx::query(WHO)
            .bind(today.to_string())
            .fetch_all(&mut *self.db)
            .await?;
        for row in &rows {
            self.open_for_staff(int(row, "staff_id")?, None, fact, now, heard, now)
                .await?;
        }
        Ok(())
    }

    /// What staff read of an alarm; none where it is over.
    pub(super) async fn alarm_news(&mut self, id: i64) -> Result<Option<StaffNews>, StoreError> {
        let sql = format!("SELECT code FROM alarm WHERE id = {id} AND ended_at IS NULL");
        let rows = self.all(sql).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        Ok(Alarm::from_code(&text(row, "code")?).map(StaffNews::of_alarm))
    }
}
