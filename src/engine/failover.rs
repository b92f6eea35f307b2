//! Several provider accounts of one channel: how they stand, and which of them takes what.

use std::collections::BTreeMap;

use super::{Account, Call, Engine, EngineError, Turn};
use crate::{
    failover::{Lane, SPARE, Standing, choose, judge, leaves},
    family::contact::Channel,
    instant::{MINUTE, Millis},
    store::{Lease, StoreError, Tx},
};

/// How often accounts are judged at least, where turns are and one of them is not in order.
const JUDGED: Millis = MINUTE;

/// How often, where all are: what fails says so by itself, and only late receipts come to light by looking.
const IN_ORDER: Millis = 5 * MINUTE;

/// After this long a question about an account is lost: its time-out is shorter.
const LOST: Millis = 5 * MINUTE;

/// What the engine knows of the accounts that stand in for each other.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// When they were judged last.
    at: Millis,
    /// Whether a call said since then what may change the judgement.
    news: bool,
    /// Those that were not healthy.
    doubted: BTreeMap<String, Lane>,
    /// When which of them was asked whether it works. A question may be lost with its lane.
    asked: BTreeMap<String, Millis>,
}

impl Watch {
    /// A call of this account ended, and speaks against it or not.
    pub(super) fn heard(&mut self, lane: &str, against: bool) {
        self.news |= against || self.doubted.contains_key(lane);
    }

    /// An account was asked whether it works.
    pub(super) fn answered(&mut self) {
        self.news = true;
    }

    /// When this account is asked next, if it is down.
    fn probe_at(&self, name: &str, lane: &Lane) -> Option<Millis> {
        let lost = self.asked.get(name).map_or(0, |at| at + LOST);
        lane.probe_at().map(|at| at.max(lost))
    }

    /// When an account that is down is asked next.
    pub(super) fn wake_at(&self) -> Option<Millis> {
        let down = self.doubted.iter();
        down.filter_map(|(name, lane)| self.probe_at(name, lane))
            .min()
    }
}

/// Which account takes the messages that one transaction composes.
pub(super) struct Roads {
    /// Per channel with several: their names, the preferred one first, and how they stand.
    lanes: Vec<(Channel, Vec<String>, Vec<Lane>)>,
    /// The accounts on trial that have nothing to carry.
    trials: Vec<String>,
    now: Millis,
}

impl Roads {
    /// The account of a channel for a message; none where there is one account, or none in order. What is not
    /// urgent may be what proves an account that was down.
    pub(super) fn choose(&mut self, channel: Channel, urgent: bool) -> Option<&str> {
        let (_, names, lanes) = self.lanes.iter().find(|(one, ..)| *one == channel)?;
        if !urgent && let Some(at) = self.trials.iter().position(|name| names.contains(name)) {
            let tried = self.trials.swap_remove(at);
            return names
                .iter()
                .find(|name| **name == tried)
                .map(String::as_str);
        }
        choose(lanes, urgent, self.now).map(|at| names[at].as_str())
    }
}

impl Engine {
    /// The channels that have several accounts, with their names, the preferred one first.
    fn doubled(&self) -> Vec<(Channel, Vec<&str>)> {
        let mut channels: Vec<(Channel, Vec<&str>)> = Vec::new();
        for account in &self.accounts {
            match channels
                .iter_mut()
                .find(|(channel, _)| *channel == account.channel)
            {
                Some((_, names)) => names.push(&account.lane),
                None => channels.push((account.channel, vec![&account.lane])),
            }
        }
        channels.retain(|(_, names)| names.len() > 1);
        channels
    }

    /// The channels that are configured, each once.
    pub(super) fn channels(&self) -> Vec<Channel> {
        let mut channels: Vec<Channel> = self.accounts.iter().map(|one| one.channel).collect();
        channels.dedup();
        channels
    }

    /// Judges the accounts that stand in for each other, and has what is ready on one that is not in order
    /// go by another one.
    pub(super) async fn judge_lanes(&mut self, now: Millis) -> Result<(), EngineError> {
        let doubled: Vec<String> = self
            .doubled()
            .into_iter()
            .flat_map(|(_, names)| names)
            .map(str::to_owned)
            .collect();
        if doubled.is_empty() {
            return Ok(());
        }
        let rests = |name: &String| self.lease(name).is_some_and(|one| one.rests_until > now);
        let in_order = self.watch.doubted.is_empty() && !doubled.iter().any(rests);
        let every = if in_order { IN_ORDER } else { JUDGED };
        let due = self.watch.news || !(0..every).contains(&(now - self.watch.at));
        for name in doubled {
            let Some(account) = self.account(&name).cloned() else {
                continue;
            };
            if due {
                self.judge_lane(&account, now).await?;
            }
            self.leave_lane(&account, now).await?;
        }
        if due {
            (self.watch.at, self.watch.news) = (now, false);
        }
        Ok(())
    }

    async fn judge_lane(&mut self, account: &Account, now: Millis) -> Result<(), EngineError> {
        let name = account.lane.as_str();
        let Some(lease) = self.lease(name).cloned() else {
            return Ok(());
        };
        let Some(mut tx) = self.begin(&lease).await? else {
            return Ok(());
        };
        let lane = tx.standings(&[name]).await?.remove(0);
        let evidence = tx.evidence(name, account.reports).await?;
        let judged = judge(&lane, &evidence, now);
        if let Some(judged) = &judged {
            tx.stand(name, judged).await?;
            if judged.standing == Standing::Down && lane.standing.in_use() {
                let today = self.today(now);
                tx.tell_of_lane(name, judged.since, today, now).await?;
            }
        }
        tx.commit().await?;
        if let Some(judged) = &judged {
            tell(name, &lane, judged);
        }
        let lane = judged.unwrap_or(lane);
        if lane.standing == Standing::Healthy {
            self.watch.doubted.remove(name);
        } else {
            self.watch.doubted.insert(name.to_owned(), lane);
        }
        Ok(())
    }

    /// Has what is ready on an account that is down, or rests and has something urgent, go by another one.
    async fn leave_lane(&mut self, account: &Account, now: Millis) -> Result<(), EngineError> {
        let name = account.lane.as_str();
        let Some(lease) = self.lease(name).cloned() else {
            return Ok(());
        };
        let doubted = self.watch.doubted.get(name);
        let down = doubted.is_some_and(|lane| lane.standing == Standing::Down);
        if lease.rests_until <= now && !down {
            return Ok(());
        }
        if !self.store.has_ready(name).await? {
            return Ok(());
        }
        let names: Vec<String> = self
            .doubled()
            .into_iter()
            .find(|(channel, _)| *channel == account.channel)
            .map(|(_, names)| names.into_iter().map(str::to_owned).collect())
            .unwrap_or_default();
        let Some(mut tx) = self.begin(&lease).await? else {
            return Ok(());
        };
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let lanes = tx.standings(&all).await?;
        let own = names.iter().position(|one| one == name);
        for urgent in [true, false] {
            let Some(to) = choose(&lanes, urgent, now).filter(|to| Some(*to) != own) else {
                continue;
            };
            if own.is_some_and(|own| leaves(&lanes[own], urgent, now)) {
                let moved = tx.hand_over(name, &names[to], urgent, now).await?;
                if moved > 0 {
                    tracing::info!(
                        from = name,
                        to = names[to],
                        urgent,
                        moved,
                        "messages go by another account"
                    );
                }
            }
        }
        Ok(tx.commit().await?)
    }

    /// Which accounts take what is composed in a transaction.
    pub(super) async fn roads(&self, tx: &mut Tx, now: Millis) -> Result<Roads, StoreError> {
        let mut roads = Roads {
            lanes: Vec::new(),
            trials: Vec::new(),
            now,
        };
        for (channel, names) in self.doubled() {
            let lanes = tx.standings(&names).await?;
            for (name, lane) in names.iter().zip(&lanes) {
                if lane.standing == Standing::Trial
                    && lane.rests_until <= now
                    && !tx.is_tried(name).await?
                {
                    roads.trials.push((*name).to_owned());
                }
            }
            let names = names.into_iter().map(str::to_owned).collect();
            roads.lanes.push((channel, names, lanes));
        }
        Ok(roads)
    }

    /// The account that takes a message.
    pub(super) fn carrier(
        &self,
        roads: &mut Roads,
        channel: Channel,
        urgent: bool,
    ) -> Option<Account> {
        let account = match roads.choose(channel, urgent) {
            Some(name) => self.account(name),
            None => self.accounts.iter().find(|one| one.channel == channel),
        };
        account.cloned()
    }

    /// Asks the accounts that are down whether they work.
    pub(super) fn probe(&mut self, turn: &mut Turn, now: Millis) {
        let due = |(name, lane): &(&String, &Lane)| {
            let at = self.watch.probe_at(name, lane);
            at.is_some_and(|at| at <= now)
        };
        let due = self.watch.doubted.iter().filter(due);
        let due: Vec<Lease> = due
            .filter_map(|(name, _)| self.lease(name).cloned())
            .collect();
        for lease in due {
            self.watch.asked.insert(lease.lane.clone(), now);
            turn.calls.push(Call::Probe { lease });
        }
    }

    /// An account takes what is ready on accounts of its channel that are not configured any more, where it is
    /// the preferred one.
    pub(super) async fn take_in(&self, tx: &mut Tx, account: &Account) -> Result<(), StoreError> {
        let of_channel = |one: &&Account| one.channel == account.channel;
        let names: Vec<&str> = self
            .accounts
            .iter()
            .filter(of_channel)
            .map(|one| one.lane.as_str())
            .collect();
        if names.first() == Some(&account.lane.as_str()) {
            tx.take_in(account.channel.code(), &names, &account.lane)
                .await?;
        }
        // Whom nobody stands in for is judged by nobody.
        if names.len() == 1 {
            let spare = (account.channel == Channel::Sms).then_some(SPARE);
            for name in [Some(account.lane.as_str()), spare].into_iter().flatten() {
                tx.stand(name, &Lane::default()).await?;
            }
        }
        Ok(())
    }
}

/// Says in the log that an account stands otherwise.
fn tell(name: &str, was: &Lane, is: &Lane) {
    let (was, now) = (was.standing.code(), is.standing.code());
    match is.standing {
        Standing::Down => {
            let why = is.because.map(crate::failover::Why::code);
            tracing::error!(
                lane = name,
                was,
                why,
                falls = is.falls,
                "this account is down; its messages go by another one"
            );
        }
        Standing::Suspect => tracing::info!(lane = name, was, now, "something failed"),
        Standing::Trial | Standing::Healthy => {
            tracing::warn!(lane = name, was, now, "this account stands better");
        }
    }
}
