//! The press, class by class.

use std::path::Path;

use chrono::{Days, NaiveDate, Weekday};
use rand::RngExt;
use vestnik::{
    instant::{HOUR, MINUTE, Millis, SECOND},
    paper::press::Begun,
    schedule,
    week::Week,
    zone,
};

use super::{Event, World};
use crate::checks;

impl World {
    pub(super) fn schedule_press(&mut self) {
        let zone = self.year.school.zone;
        let at = schedule::next(&self.rules.sheets, zone, self.now()).unwrap() - self.skew;
        self.at(at + SECOND, Event::Press);
        let day = zone::local(at, zone).date();
        let monday = day.week(Weekday::Mon).first_day() + Days::new(7);
        let closed = zone::instant(monday.and_hms_opt(2, 0, 0).unwrap(), zone);
        self.at(closed - self.skew, Event::WeekClosed(closed));
        self.at(at - 2 * HOUR, Event::Decide);
    }

    /// The press runs, class by class; the power may fail between fixing and telling.
    pub(super) async fn print(&mut self) -> Result<(), String> {
        let (now, zone) = (self.now(), self.year.school.zone);
        let due = schedule::last(&self.rules.sheets, zone, now).unwrap();
        let day = zone::local(due, zone).date();
        for begun in self.press.broken_off(now).await.unwrap() {
            self.lay(&begun, day).await;
        }
        let week = Week::of(day);
        let mut failed = false;
        for (class_id, name) in self.store.classes(self.today()).await.unwrap() {
            if !self
                .store
                .claim_printing(class_id, due, now - 10 * MINUTE, now)
                .await
                .unwrap()
            {
                continue;
            }
            // The printer stands still until the week is over: who waited for this sheet must turn red.
            if self.trouble.random_range(0..30) == 0 {
                self.finished(class_id, due, "no printer").await;
                continue;
            }
            let begun = self
                .press
                .begin((class_id, &name), week, now, &mut self.paper)
                .await;
            let Some(begun) = begun.map_err(|error| format!("the press: {error}"))? else {
                self.finished(class_id, due, "0 sheets").await;
                continue;
            };
            checks::lawful_sheets(&self.year.school, &begun.batch)?;
            match self.trouble.random_range(0..40) {
                // The power fails while the pages are set.
                0 => failed = true,
                1 => {
                    let why = Err("no toner".to_owned());
                    self.press
                        .finish(&begun, Path::new(&begun.file), why, now)
                        .await
                        .unwrap();
                    failed = true;
                }
                _ => {
                    self.lay(&begun, day).await;
                    self.finished(class_id, due, "printed").await;
                }
            }
        }
        if failed {
            self.at(self.time + 25 * MINUTE, Event::Press);
        } else {
            self.schedule_press();
        }
        Ok(())
    }

    async fn finished(&self, class_id: i64, due: Millis, what: &str) {
        let done = self.store.finish_printing(class_id, due, what, self.now());
        done.await.unwrap();
    }

    /// The sheets lie in the tray: the checker reads them before the product knows.
    async fn lay(&mut self, begun: &Begun, day: NaiveDate) {
        let (now, reference) = (self.now(), format!("run {}", begun.run));
        let printed = checks::read_batch(
            &begun.batch,
            &reference,
            &self.year.journal,
            Week::of(day),
            self.time,
        );
        self.summary.sheets += begun.batch.sheets.len();
        self.printed.push(printed);
        self.press
            .finish(begun, Path::new(&begun.file), Ok(()), now)
            .await
            .unwrap();
    }
}
