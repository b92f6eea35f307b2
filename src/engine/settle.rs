//! From what happened to a message to its next state.

use vestnik_contract::{Delivery, Fault, Outcome, Reason};

use super::{Account, Engine, EngineError, RECEIPT_KEPT, Report};
use crate::{
    failover::{Word, blame},
    family::contact::Channel,
    instant::{HOUR, MINUTE, Millis},
    next::{Happened, RECEIPT_PATIENCE, Standing, State, Step, next, next_question},
    store::{Lease, StoreError, Tx},
};

/// How many overdue messages one turn looks at per lane.
const OVERDUE: usize = 200;

/// How long the other parts of a text are waited for when one has arrived. A phone that is on takes
/// them within the minute; providers that report of the first part alone never say more.
const PARTS_PATIENCE: Millis = HOUR;

impl Engine {
    /// Settles the reports of calls that ended, all of one lane in one commit.
    pub(super) async fn settle(
        &mut self,
        reports: &mut Vec<Report>,
        now: Millis,
    ) -> Result<(), EngineError> {
        for account in self.accounts.clone() {
            let of_lane = |report: &Report| report.lease().lane == account.lane;
            if !reports.iter().any(of_lane) {
                continue;
            }
            let Some(lease) = self.lease(&account.lane).cloned() else {
                // The lane is lost, and its new holder has already put these in doubt. What the
                // provider said is kept, so that a person can see it.
                let late: Vec<Report> = reports.extract_if(.., |report| of_lane(report)).collect();
                self.keep_late(&account, &late, now).await?;
                continue;
            };
            let Some(mut tx) = self.begin(&lease).await? else {
                continue;
            };
            for report in reports.iter().filter(|report| of_lane(report)) {
                self.settle_one(&mut tx, &account, report, now).await?;
            }
            tx.commit().await?;
            reports.retain(|report| !of_lane(report));
        }
        Ok(())
    }

    /// Follows the receipts that came by themselves, or too late for the daemon that made the call.
    pub(super) async fn receipts(&mut self, now: Millis) -> Result<(), EngineError> {
        let work = self.work(now).await?;
        for account in self.accounts.clone() {
            if work.lane(&account.lane).receipts == 0 {
                continue;
            }
            let Some(lease) = self.lease(&account.lane).cloned() else {
                continue;
            };
            let Some(mut tx) = self.begin(&lease).await? else {
                continue;
            };
            let since = now - RECEIPT_KEPT;
            tx.gather_receipts(&account.lane, since, PARTS_PATIENCE, now)
                .await?;
            for receipt in tx.receipts(&account.lane, now - RECEIPT_KEPT).await? {
                if let Some(delivery) = receipt.delivery {
                    let because = match &delivery {
                        Delivery::Undelivered { reason } => Some(reason.clone()),
                        _ => None,
                    };
                    self.follow(
                        &mut tx,
                        &account,
                        receipt.message_id,
                        Happened::Answered(Some(delivery)),
                        because.as_ref(),
                        now,
                    )
                    .await?;
                }
                tx.match_receipt(receipt.id, receipt.message_id, now)
                    .await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn settle_one(
        &mut self,
        tx: &mut Tx,
        account: &Account,
        report: &Report,
        now: Millis,
    ) -> Result<(), EngineError> {
        match report {
            Report::Called {
                attempt_id,
                message_id,
                outcome,
                ..
            } => {
                let blames = blame(outcome);
                self.watch.heard(&account.lane, blames.is_some());
                let blames = blames.and_then(Word::code);
                let known = !tx.finish_attempt(*attempt_id, outcome, blames, now).await?;
                let happened = match outcome {
                    // The attempt was given up as lost, and yet it was taken: that is a receipt.
                    Outcome::Accepted { provider_ref } if known => {
                        tx.keep_receipt(&account.lane, *message_id, "under_way", now)
                            .await?;
                        let provider_ref = provider_ref.clone();
                        Happened::Answered(Some(Delivery::UnderWay { provider_ref }))
                    }
                    _ if known => return Ok(()),
                    outcome => Happened::Called(outcome.clone()),
                };
                let because = match outcome {
                    Outcome::Accepted { .. } => None,
                    Outcome::Deferred { reason, .. }
                    | Outcome::Rejected { reason }
                    | Outcome::InDoubt { reason } => Some(reason),
                };
                self.follow(tx, account, *message_id, happened, because, now)
                    .await
            }
            Report::Asked {
                message_id, answer, ..
            } => {
                if let Ok(delivery) = answer {
                    let kind = match delivery {
                        Delivery::NotFound => "not_found",
                        Delivery::UnderWay { .. } => "under_way",
                        Delivery::Delivered => "delivered",
                        Delivery::Undelivered { .. } => "undelivered",
                    };
                    tx.keep_receipt(&account.lane, *message_id, kind, now)
                        .await?;
                }
                if let Err(reason) = answer
                    && let Some(words) = &reason.answer
                {
                    tx.keep_answer(*message_id, words).await?;
                }
                let because = match answer {
                    Ok(Delivery::Undelivered { reason }) | Err(reason) => Some(reason),
                    Ok(_) => None,
                };
                let happened = Happened::Answered(answer.as_ref().ok().cloned());
                self.follow(tx, account, *message_id, happened, because, now)
                    .await
            }
            Report::Probed { answer, .. } => {
                self.watch.answered();
                if let Err(reason) = answer {
                    tracing::warn!(lane = account.lane, %reason, "this account does not work yet");
                }
                Ok(tx.probed(&account.lane, answer.is_ok(), now).await?)
            }
        }
    }

    /// Asks [`next`] what follows, and does it.
    async fn follow(
        &mut self,
        tx: &mut Tx,
        account: &Account,
        message_id: i64,
        happened: Happened,
        because: Option<&Reason>,
        now: Millis,
    ) -> Result<(), EngineError> {
        let Some((standing, since)) = tx.standing(message_id).await? else {
            return Ok(());
        };
        let step = next(standing, happened, account.in_doubt, now, &mut self.random);
        // Another account has it now, and says itself what becomes of its copy.
        let failed = matches!(step, Step::Settle(State::Undelivered | State::NoReceipt));
        if failed && tx.lane_of(message_id).await? != account.lane {
            return Ok(());
        }
        let taken = matches!(step, Step::Accept { .. } | Step::Settle(State::Delivered));
        if taken && matches!(standing.state, State::Ended | State::Undelivered) {
            tx.take_back(message_id, since, now).await?;
        }
        match step {
            Step::Accept { provider_ref } => {
                accept(tx, account, message_id, provider_ref.as_deref(), now).await?;
            }
            Step::Settle(state) => {
                if tx
                    .raise(message_id, state, None, None, because, now)
                    .await?
                {
                    tx.carried_by(message_id, &account.lane).await?;
                    settled(tx, message_id, state, because, now).await?;
                }
            }
            Step::Retry {
                at,
                lane,
                possible_duplicate,
            } => {
                tx.retry(message_id, at, possible_duplicate, now).await?;
                if lane {
                    let why = because.map_or_else(String::new, ToString::to_string);
                    tx.rest(&account.lane, at, &why, now).await?;
                    self.rest(&account.lane, at);
                }
            }
            Step::Doubt { at } => {
                if !tx
                    .raise(message_id, State::InDoubt, None, Some(at), because, now)
                    .await?
                {
                    tx.look_at(message_id, at).await?;
                }
                tx.remember_told(message_id, now).await?;
            }
            Step::Reject(reason) => {
                if reason.fault == Fault::Address {
                    let blocked = reason.code.ends_with("_blocked");
                    let health = if blocked { "blocked" } else { "hard" };
                    tx.blame_address(message_id, health, &reason, now).await?;
                }
                if reason.code.ends_with("_full") {
                    tx.blame_address(message_id, "soft", &reason, now).await?;
                }
                tx.end(message_id, "rejected", &reason.to_string(), now)
                    .await?;
            }
            Step::Unresolved => {
                let why = "Nobody could say whether it was taken; its notices go on.";
                tx.end(message_id, "unresolved", why, now).await?;
            }
            Step::GiveUp => {
                let why =
                    because.map_or_else(|| "It was put off too often.".into(), ToString::to_string);
                tx.end(message_id, "expired", &why, now).await?;
            }
            Step::Ignore => ask_later(tx, message_id, standing, since, now).await?,
        }
        Ok(())
    }

    /// Takes over what was under way when another held the lane.
    pub(super) async fn adopt(&mut self, lease: &Lease, now: Millis) -> Result<(), EngineError> {
        let Some(account) = self.account(&lease.lane).cloned() else {
            return Ok(());
        };
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        self.take_in(&mut tx, &account).await?;
        for message_id in tx.orphans(lease).await? {
            tx.lose_attempts(message_id, now).await?;
            let lost = Reason::new(
                "lost",
                "The program ended while the call was under way.",
                Fault::Network,
            );
            self.follow(
                &mut tx,
                &account,
                message_id,
                Happened::Lost,
                Some(&lost),
                now,
            )
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Lets time pass for doubts and receipts. Where the provider can be asked, `send` asks it
    /// instead, but for receipts that nobody waits for any longer.
    pub(super) async fn overdue(&mut self, now: Millis) -> Result<(), EngineError> {
        let work = self.work(now).await?;
        for account in self.accounts.clone() {
            let waits = work.lane(&account.lane);
            let over = if account.answers_queries {
                waits.silent
            } else {
                waits.overdue
            };
            if over == 0 {
                continue;
            }
            let Some(lease) = self.lease(&account.lane).cloned() else {
                continue;
            };
            let Some(mut tx) = self.begin(&lease).await? else {
                continue;
            };
            for message_id in tx.overdue(&account.lane, OVERDUE, now).await? {
                let Some((standing, since)) = tx.standing(message_id).await? else {
                    continue;
                };
                // A text whose other parts are silent has arrived with the first.
                if standing.state == State::Accepted && tx.some_parts_arrived(message_id).await? {
                    let arrived = Happened::Answered(Some(Delivery::Delivered));
                    self.follow(&mut tx, &account, message_id, arrived, None, now)
                        .await?;
                    continue;
                }
                let over = match standing.state {
                    State::Accepted => now - since >= RECEIPT_PATIENCE,
                    _ => !account.answers_queries,
                };
                if over {
                    self.follow(&mut tx, &account, message_id, Happened::TimeUp, None, now)
                        .await?;
                }
            }
            tx.commit().await?;
        }
        Ok(())
    }

    async fn keep_late(
        &self,
        account: &Account,
        reports: &[Report],
        now: Millis,
    ) -> Result<(), StoreError> {
        for report in reports {
            if let Report::Called {
                message_id,
                outcome: Outcome::Accepted { .. },
                ..
            } = report
            {
                self.store
                    .keep_late(&account.lane, *message_id, now)
                    .await?;
            }
        }
        Ok(())
    }

    fn rest(&mut self, lane: &str, until: Millis) {
        for (lease, _) in &mut self.leases {
            if lease.lane == lane {
                lease.rests_until = lease.rests_until.max(until);
            }
        }
    }
}

impl Report {
    /// The lane that the call went by.
    pub fn lease(&self) -> &Lease {
        match self {
            Self::Called { lease, .. } | Self::Asked { lease, .. } | Self::Probed { lease, .. } => {
                lease
            }
        }
    }
}

/// The provider has it: its recipients are informed.
async fn accept(
    tx: &mut Tx,
    account: &Account,
    message_id: i64,
    provider_ref: Option<&str>,
    now: Millis,
) -> Result<(), StoreError> {
    let patience = if account.answers_queries {
        MINUTE
    } else {
        RECEIPT_PATIENCE
    };
    let look_at = Some(now + patience);
    let accepted = tx
        .raise(
            message_id,
            State::Accepted,
            provider_ref,
            look_at,
            None,
            now,
        )
        .await?;
    // The Bot API names the new chat beside the message where the old one is no more.
    let moved = provider_ref.and_then(|name| name.split_once('/'));
    if let (Channel::Telegram, Some((chat, _))) = (account.channel, moved) {
        tx.move_address(message_id, chat).await?;
    }
    tx.lane_works(&account.lane).await?;
    if accepted {
        tx.carried_by(message_id, &account.lane).await?;
        tx.remember_told(message_id, now).await?;
        tx.inform(message_id, now).await?;
    }
    Ok(())
}

async fn settled(
    tx: &mut Tx,
    message_id: i64,
    state: State,
    because: Option<&Reason>,
    now: Millis,
) -> Result<(), StoreError> {
    match state {
        State::Delivered => {
            tx.heal_address(message_id, now).await?;
            tx.remember_told(message_id, now).await?;
            tx.told_after_all(message_id, now).await?;
            tx.inform(message_id, now).await
        }
        State::Undelivered => {
            // A mail of an old address may come back when the contact has a new one, and what was refused
            // as spam says nothing against the address.
            if let Some(reason) = because
                && reason.fault != Fault::Message
                && tx.still_has_address(message_id).await?
            {
                let hard = reason.fault == Fault::Address;
                tx.blame_address(message_id, if hard { "hard" } else { "soft" }, reason, now)
                    .await?;
            }
            tx.reopen_notices(message_id, now).await
        }
        _ => Ok(()),
    }
}

/// An accepted message whose provider has nothing new is asked about again.
async fn ask_later(
    tx: &mut Tx,
    message_id: i64,
    standing: Standing,
    since: Millis,
    now: Millis,
) -> Result<(), StoreError> {
    if standing.state == State::Accepted {
        tx.look_at(message_id, next_question(since, now)).await?;
    }
    Ok(())
}
