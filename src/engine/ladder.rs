//! The ladder: what a channel cannot carry goes on to the next one, and the last rung is paper.

use std::collections::BTreeSet;

use super::{Account, Engine, EngineError};
use crate::{
    family::{
        contact::{Channel, SILENT_RESTS, Unanswered, silent},
        route::{Route, route},
    },
    instant::Millis,
    next::{STALLED, stalled},
    schedule,
    store::{Resting, StoreError, Tx},
};

/// How many messages leave a lane that is out of order in one turn.
const BATCH: usize = 200;

impl Engine {
    /// Has what waits for a lane that is out of order look for another road, where there is one, or
    /// where this week's sheets are about to be printed. No address is to blame for it.
    pub(super) async fn leave_stalled_lanes(&mut self, now: Millis) -> Result<(), EngineError> {
        let sheets = schedule::next(&self.rules.sheets, self.rules.hours.zone, now);
        let printed_soon = sheets.is_some_and(|at| at - now <= STALLED);
        for account in self.accounts.clone() {
            let Some(lease) = self.lease(&account.lane).cloned() else {
                continue;
            };
            if lease.rests_until <= now {
                continue;
            }
            let Some(mut tx) = self.begin(&lease).await? else {
                continue;
            };
            let resting = tx.resting_lanes(now).await?;
            if let Some(own) = resting.iter().find(|one| one.lane == account.lane)
                && stalled(own.since, own.until, true, now)
            {
                self.leave(&mut tx, own, &resting, printed_soon, now)
                    .await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn leave(
        &self,
        tx: &mut Tx,
        own: &Resting,
        resting: &[Resting],
        printed_soon: bool,
        now: Millis,
    ) -> Result<(), EngineError> {
        let today = self.today(now);
        let avoided = self.avoided(resting);
        let open: Vec<Channel> = self
            .accounts
            .iter()
            .map(|account| account.channel)
            .filter(|channel| !avoided.contains(channel) && !self.serves(&own.lane, *channel))
            .collect();
        for message in tx.stalled(&own.lane, BATCH).await? {
            if !stalled(own.since, own.until, message.urgent, now) {
                continue;
            }
            let students: Vec<i64> = message.tells.iter().map(|(_, id, _)| *id).collect();
            let people = tx.people(&students, today).await?;
            let by_another = message.tells.iter().all(|(guardian, student, event)| {
                people.guardian(*guardian).is_some_and(|guardian| {
                    let found = route(&people, guardian, *student, *event, &open, today);
                    matches!(found, Route::Electronic { .. })
                })
            });
            if by_another || (printed_soon && !message.urgent) {
                let why = format!("the channel is out of order: {}", own.because);
                tx.end(message.id, "expired", &why, now).await?;
            }
        }
        Ok(())
    }

    fn serves(&self, lane: &str, channel: Channel) -> bool {
        let account = self.account(lane);
        account.is_some_and(|account| account.channel == channel)
    }

    /// The channels that carry nothing new where another one is open.
    fn avoided(&self, resting: &[Resting]) -> BTreeSet<Channel> {
        // New notices have waited for nothing yet, so that the lane is what counts, not the message.
        let out_of_order = |account: &Account| {
            let mut long = resting
                .iter()
                .filter(|one| one.until - one.since >= STALLED);
            long.any(|one| one.lane == account.lane)
        };
        let mut channels: BTreeSet<Channel> = self.channels().into_iter().collect();
        // A channel is as good as the best of its accounts.
        for account in self.accounts.iter().filter(|one| !out_of_order(one)) {
            channels.remove(&account.channel);
        }
        channels
    }

    /// As [`Engine::avoided`], of what the lanes' rows say.
    pub(super) async fn resting_channels(
        &self,
        tx: &mut Tx,
        now: Millis,
    ) -> Result<BTreeSet<Channel>, StoreError> {
        Ok(self.avoided(&tx.resting_lanes(now).await?))
    }

    /// What speaks against the addresses of a lane: where its provider says what arrived, silence, and by
    /// mail what came back.
    async fn unanswered(
        &self,
        tx: &mut Tx,
        account: &Account,
        now: Millis,
    ) -> Result<Vec<Unanswered>, StoreError> {
        if account.answers_queries {
            return tx.unanswered(&account.lane, now).await;
        }
        if account.channel != Channel::Email {
            return Ok(Vec::new());
        }
        tx.recover(&account.lane, now).await?;
        tx.bouncing(&account.lane, now).await
    }

    /// Looks for addresses that have answered nothing for days, where their channel says what arrived,
    /// and gives those another chance that have been silent for long.
    pub(super) async fn listen(&self, tx: &mut Tx, now: Millis) -> Result<(), StoreError> {
        tx.try_silent_again(now - SILENT_RESTS, now).await?;
        for account in &self.accounts {
            let unanswered = self.unanswered(tx, account, now).await?;
            let found: Vec<i64> = unanswered
                .iter()
                .filter(|one| silent(one, now))
                .map(|one| one.contact_id)
                .collect();
            if !found.is_empty() {
                tx.fall_silent(&found, now).await?;
            }
        }
        Ok(())
    }
}
