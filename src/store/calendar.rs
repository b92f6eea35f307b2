//! The school's calendar: which weeks have school days.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{int, parsed, text},
};
use crate::week::Week;

/// Monday to Saturday.
const DAYS: u64 = 6;

impl Store {
    /// The classes that have holidays in the whole of this week.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn classes_in_holidays(&self, week: Week) -> Result<BTreeSet<i64>, StoreError> {
        let mut tx = self.transaction().await?;
        let classes = tx.classes_in_holidays(week).await?;
        tx.commit().await?;
        Ok(classes)
    }
}

impl Tx {
    /// The classes that have holidays in the whole of this week: no lesson is planned, and each day is a
    /// holiday by the calendar, or lies between two terms or after the school year.
    ///
    /// Terms that nobody wrote down make no holidays: a sheet too many is better than one too few.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds a date that is none.
    pub async fn classes_in_holidays(&mut self, week: Week) -> Result<BTreeSet<i64>, StoreError> {
        let (monday, sunday) = (week.monday(), week.sunday());
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT c.id, c.grade, CASE WHEN y.ends_on < '{monday}' THEN 1 ELSE 0 END AS year_over, \
             (SELECT COUNT(*) FROM lesson l WHERE l.class_id = c.id AND l.state IN ('planned', 'held') \
             AND l.date BETWEEN '{monday}' AND '{sunday}') AS lessons \
             FROM class c LEFT JOIN school_year y ON y.id = c.year_id"
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?;
        let mut classes = BTreeSet::new();
        for row in &rows {
            if int(row, "lessons")? > 0 {
                continue;
            }
            let year_over = int(row, "year_over")? == 1;
            if self
                .only_holidays(int(row, "grade")?, week, year_over)
                .await?
            {
                classes.insert(int(row, "id")?);
            }
        }
        Ok(classes)
    }

    async fn only_holidays(
        &mut self,
        grade: i64,
        week: Week,
        year_over: bool,
    ) -> Result<bool, StoreError> {
        let (monday, sunday) = (week.monday(), week.sunday());
        let of_grade = format!(
            "(grade_from IS NULL OR grade_from <= {grade}) AND (grade_to IS NULL OR grade_to >= {grade})"
        );
        let mut holidays = BTreeSet::new();
        for row in &sqlx::query(AssertSqlSafe(format!(
            "SELECT date, kind FROM calendar_day WHERE {of_grade} \
             AND date BETWEEN '{monday}' AND '{sunday}'"
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?
        {
            if text(row, "kind")? != "holiday" {
                return Ok(false);
            }
            holidays.insert(parsed::<NaiveDate>(row, "date")?);
        }
        let mut terms: Vec<(NaiveDate, NaiveDate)> = Vec::new();
        for row in &sqlx::query(AssertSqlSafe(format!(
            "SELECT starts_on, ends_on FROM term WHERE kind <> 'year' AND {of_grade}"
        )))
        .persistent(false)
        .fetch_all(&mut *self.db)
        .await?
        {
            terms.push((parsed(row, "starts_on")?, parsed(row, "ends_on")?));
        }
        let between = |day: NaiveDate| {
            terms.iter().any(|(_, to)| *to < day)
                && terms.iter().any(|(from, _)| day < *from)
                && !terms.iter().any(|(from, to)| (*from..=*to).contains(&day))
        };
        let free = |day: NaiveDate| year_over || holidays.contains(&day) || between(day);
        // A Saturday that nobody speaks of is free where the five days before are.
        let named = holidays.contains(&(monday + Days::new(5))) || between(monday + Days::new(5));
        let days = if named || year_over { DAYS } else { DAYS - 1 };
        Ok((0..days).all(|day| free(monday + Days::new(day))))
    }
}
