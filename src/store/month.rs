//! What the director's sheet counts in a month.

use super::{
    Store, StoreError,
    rows::{int, some_int, text},
};
use crate::{alarm::Alarm, instant::Millis, week::Week};

/// What happened in a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Month {
    /// Sheets that were printed for its weeks, without duplicates.
    pub printed: i64,
    /// Those of them that were handed out.
    pub handed_out: i64,
    /// Those whose slip came back.
    pub slips: i64,
    /// Marks that were changed or taken out.
    pub corrected: i64,
    /// Complaints that came in.
    pub complaints: i64,
    /// Those of them that are answered.
    pub answered: i64,
    /// What somebody had to look at, without the questions that waited for a decision: from when, until when.
    pub alarms: Vec<(Alarm, Millis, Option<Millis>)>,
}

impl Store {
    /// What happened between two instants, and with the sheets of the weeks from the first to the last.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn month(
        &self,
        (from, to): (Millis, Millis),
        first: Option<Week>,
        last: Option<Week>,
    ) -> Result<Month, StoreError> {
        let week = |week: Option<Week>| week.map(|week| week.to_string()).unwrap_or_default();
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM change WHERE entity = 'mark' AND op IN ('update', 'delete') \
             AND written_at >= $1 AND written_at < $2) AS corrected, \
             (SELECT COUNT(*) FROM complaint WHERE received_at >= $1 AND received_at < $2) AS complaints, \
             (SELECT COUNT(*) FROM complaint WHERE received_at >= $1 AND received_at < $2 \
             AND answered_at IS NOT NULL) AS answered, COUNT(*) AS printed, \
             CAST(COALESCE(SUM(CASE WHEN state IN ('handed_out', 'slip_back', 'no_slip') THEN 1 ELSE 0 END), 0) \
             AS BIGINT) AS handed_out, \
             CAST(COALESCE(SUM(CASE WHEN state = 'slip_back' THEN 1 ELSE 0 END), 0) AS BIGINT) AS slips \
             FROM sheet WHERE week >= $3 AND week <= $4 AND state NOT IN ('ready', 'in_run', 'spoiled', 'reprinted')",
        )
        .bind(from)
        .bind(to)
        .bind(week(first))
        .bind(week(last))
        .fetch_one(&self.pool)
        .await?;
        let mut month = Month {
            printed: int(&row, "printed")?,
            handed_out: int(&row, "handed_out")?,
            slips: int(&row, "slips")?,
            corrected: int(&row, "corrected")?,
            complaints: int(&row, "complaints")?,
            answered: int(&row, "answered")?,
            alarms: Vec::new(),
        };
        let rows = sqlx::query(
            "SELECT code, began_at, ended_at FROM alarm WHERE began_at < $2 AND COALESCE(ended_at, $2) >= $1 \
             ORDER BY began_at, id",
        )
        .bind(from)
        .bind(to)
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let alarm = Alarm::from_code(&text(row, "code")?);
            let alarm = alarm.ok_or(StoreError::Content("alarm.code"))?;
            if !matches!(alarm, Alarm::Held(_)) {
                let ended = some_int(row, "ended_at")?;
                month.alarms.push((alarm, int(row, "began_at")?, ended));
            }
        }
        Ok(month)
    }
}
