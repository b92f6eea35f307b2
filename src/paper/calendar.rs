//! When the press runs: at the times of `schedule.weekly_sheets`, once for each class. A time that passed
//! while the daemon was off is caught up with.

use std::{path::PathBuf, time::Duration};

use rand::rngs::StdRng;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    office::Office,
    press::{PaperError, Press},
    queue::Queue,
};
use crate::{
    app::story,
    clock::Clock,
    instant::{HOUR, MINUTE, Millis},
    schedule,
    week::Week,
    zone,
};

/// How long a claim holds that came to nothing, before the class is tried again.
const AGAIN: Millis = 10 * MINUTE;

/// A time that passed longer ago is not caught up with: the next one is near.
const CATCH_UP: Millis = 5 * 24 * HOUR;

/// How often the calendar is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// How often the printer is looked at while it has something to do.
const AT_THE_PRINTER: Duration = Duration::from_secs(2);

/// What the press needs to run by itself.
pub struct Calendar {
    /// Makes the sheets.
    pub press: Press,
    /// Where they go.
    pub folder: PathBuf,
    /// When.
    pub schedule: cron::Schedule,
    /// What time it is.
    pub clock: Clock,
    /// The queue before the printer, where there is one.
    pub queue: Option<Queue>,
    /// What mails the pages to the office, where there is one.
    pub office: Option<Office>,
}

impl Calendar {
    /// Runs until `stop`.
    pub async fn run(self, mut random: StdRng, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let now = self.clock.now();
            if let Err(error) = self.round(now, &mut random).await {
                tracing::error!(error = story(&error), "sheets could not be made");
            }
            if let Some(office) = &self.office
                && let Err(error) = office.round(now, &mut random).await
            {
                tracing::error!(error = story(&error), "the office waits for the database");
            }
            let next = schedule::next(&self.schedule, self.press.zone, now);
            let look = if self.printing(now, &mut random).await {
                AT_THE_PRINTER
            } else {
                LOOK
            };
            let wait = next.map_or(look, |at| self.clock.until(at).min(look));
            let _ = timeout(wait.max(Duration::from_millis(20)), stop.cancelled()).await;
        }
    }

    /// Looks after the printer; says whether it has anything to do.
    async fn printing(&self, now: Millis, random: &mut StdRng) -> bool {
        let Some(queue) = &self.queue else {
            return false;
        };
        match queue.round(now, random).await {
            Ok(busy) => busy,
            Err(error) => {
                tracing::error!(error = story(&error), "the printer waits for the database");
                false
            }
        }
    }

    /// Makes what is due. One class that fails does not keep the others from their paper.
    async fn round(&self, now: Millis, random: &mut StdRng) -> Result<(), PaperError> {
        let resumed = self.press.resume(&self.folder, now).await?;
        if resumed > 0 {
            tracing::info!(runs = resumed, "print runs that broke off came out");
        }
        let zone = self.press.zone;
        let Some(due) =
            schedule::last(&self.schedule, zone, now).filter(|due| now - due < CATCH_UP)
        else {
            return Ok(());
        };
        // What was due before this school had vestnik is nobody's to catch up with.
        let since = self.press.store.first_job().await?;
        if since.is_none_or(|since| due < since) {
            return Ok(());
        }
        let week = Week::told_on(zone::local(due, zone).date());
        let store = &self.press.store;
        let idle = store.classes_in_holidays(week).await?;
        for (class_id, class) in store.classes(zone::local(now, zone).date()).await? {
            if !store
                .claim_printing(class_id, due, now - AGAIN, now)
                .await?
            {
                continue;
            }
            let rhythm = self.press.rhythm.weeks();
            if store
                .classes_between(week, rhythm)
                .await?
                .contains(&class_id)
            {
                let outcome = "their sheets come in a later week";
                store.finish_printing(class_id, due, outcome, now).await?;
                continue;
            }
            if store.is_served(class_id, due).await? {
                let outcome = "its sheets were begun before the program ended";
                store.finish_printing(class_id, due, outcome, now).await?;
                continue;
            }
            let class = (class_id, &class);
            let press = Press {
                due: Some(due),
                ..self.press.clone()
            };
            match press.print(class, week, &self.folder, now, random).await {
                Ok(printed) => {
                    let sheets = printed.as_ref().map_or(0, |printed| printed.sheets);
                    let outcome = if idle.contains(&class.0) {
                        "holidays".to_owned()
                    } else {
                        format!("{sheets} sheets")
                    };
                    store.finish_printing(class_id, due, &outcome, now).await?;
                    tracing::info!(class = class_id, sheets, "sheets are printed");
                }
                Err(error) => {
                    tracing::error!(class = class_id, error = story(&error), "no sheets yet");
                }
            }
        }
        Ok(())
    }
}
