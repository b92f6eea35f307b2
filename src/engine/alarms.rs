//! Looks every five minutes whether somebody has to look at something, and tells who leads the school.

use std::collections::BTreeSet;

use chrono::Days;

use super::{Engine, EngineError};
use crate::{
    alarm::{Alarm, Sight, alarms, lacks_texts},
    backup::Backups,
    compose::Hours,
    instant::{MINUTE, Millis},
    money::month,
    store::Lease,
    week::Week,
    zone,
};

/// How often it looks.
const EVERY: Millis = 5 * MINUTE;

/// By this hour of a school day somebody has written into the journal.
const NOON: u32 = 12;

/// What alarms are about and the database does not know.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Where the board is found, if it is found from outside.
    pub board: Option<String>,
    /// The operators with whom the texts of SMS have to be registered.
    pub operators: Vec<String>,
    /// These texts.
    pub texts: Vec<String>,
    /// What watches the backups, if anything does.
    pub backups: Option<Backups>,
}

impl Engine {
    /// Raises alarms and ends those that are over. In the quiet hours nobody is told.
    pub(super) async fn look_for_alarms(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        if now < self.alarms_at {
            return Ok(());
        }
        self.alarms_at = now + EVERY;
        let Hours { zone, quiet, .. } = self.rules.hours;
        let local = zone::local(now, zone);
        let today = local.date();
        let budget = self.tariff.budget.map(|budget| budget.month.0);
        // Most looks find what is known already: those keep nobody from writing.
        let mut tx = self.store.snapshot().await?;
        let (waiting, calls) = tx.carriers(now).await?;
        let noon = today
            .and_hms_opt(NOON, 0, 0)
            .is_some_and(|noon| local >= noon);
        let around = &self.surroundings;
        let last = Week::of(today - Days::new(7));
        let within = self.rules.policy.term_results.0;
        let sight = Sight {
            waiting,
            calls,
            lag: tx.lag(now).await?,
            silent: noon && tx.silent(today, zone::instant(today.into(), zone)).await?,
            money: match budget {
                Some(budget) => Some((tx.spent(&month(today)).await?.0, budget)),
                None => None,
            },
            holds: tx.open_holds().await?,
            results: tx.oldest_result().await?.map(|at| (now - at, within)),
            unheard: tx
                .unheard([Week::of(last.monday() - Days::new(7)), last])
                .await?,
            texts: lacks_texts(&around.operators, &around.texts, &tx.told_texts().await?),
            backup: around
                .backups
                .as_ref()
                .is_some_and(|backups| backups.overdue(now)),
        };
        let seen = alarms(&sight);
        let lasting = tx.lasting().await?;
        tx.commit().await?;
        let known: BTreeSet<Alarm> = lasting.iter().map(|(_, alarm)| *alarm).collect();
        if seen == known {
            return Ok(());
        }
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        for (id, alarm) in &lasting {
            if !seen.contains(alarm) {
                tx.end_alarm(*id, now).await?;
            }
        }
        let heard = zone::instant(quiet.over_at(local), zone);
        for alarm in seen {
            if !known.contains(&alarm) {
                tracing::warn!(%alarm, "an alarm");
                tx.raise_alarm(alarm, today, heard, now).await?;
            }
        }
        Ok(tx.commit().await?)
    }
}
