//! From ready messages to calls.

use rand::RngExt;
use serde_json::Value;
use vestnik_contract::{Button, Message};

use super::{Account, Call, Engine, EngineError, Permits, Turn};
use crate::{
    bot::buttons,
    family::{
        People,
        contact::{Channel, Contact},
    },
    instant::{MINUTE, Millis},
    may_send::{Leaving, Verdict, WhyStop, may_send},
    store::{Lease, Ready, Tx},
    zone,
};

/// How many messages one commit books at most.
const BATCH: usize = 50;

impl Engine {
    /// Books what may leave by each held lane, up to its permits.
    pub(super) async fn send(
        &mut self,
        turn: &mut Turn,
        permits: &mut Permits<'_>,
        now: Millis,
    ) -> Result<(), EngineError> {
        let work = self.work(now).await?;
        if work.quarantined || work.paused {
            return Ok(());
        }
        self.probe(turn, now);
        for account in self.accounts.clone() {
            let Some(lease) = self.lease(&account.lane).cloned() else {
                continue;
            };
            if lease.rests_until > now {
                continue;
            }
            let waits = work.lane(&account.lane);
            let questions = if account.answers_queries {
                waits.overdue
            } else {
                0
            };
            if waits.ready + questions == 0 {
                continue;
            }
            let free = permits(&account.lane, (waits.ready + questions).min(BATCH));
            if free == 0 {
                continue;
            }
            let Some(mut tx) = self.begin(&lease).await? else {
                continue;
            };
            let mut calls = Vec::new();
            for message_id in tx.overdue(&account.lane, free.min(questions), now).await? {
                if let Some(question) = tx.sent(message_id).await? {
                    tx.asked(message_id, now + MINUTE).await?;
                    calls.push(Call::Ask {
                        message_id,
                        lease: lease.clone(),
                        sent: question.sent,
                    });
                }
            }
            let limit = free - calls.len();
            let ready = tx
                .ready(&account.lane, limit, account.address_pause, now)
                .await?;
            let students: Vec<i64> = ready
                .iter()
                .flat_map(|one| one.tells.iter().map(|(_, student)| *student))
                .collect();
            let people = if ready.is_empty() {
                People::default()
            } else {
                tx.people(&students, self.today(now)).await?
            };
            for one in ready {
                if !self.allow(&mut tx, &one, &people, now).await? {
                    continue;
                }
                calls.extend(self.book(&mut tx, &account, &lease, one, now).await?);
            }
            tx.commit().await?;
            self.mark(&calls, now);
            turn.calls.extend(calls);
        }
        // Many read one file in one turn; between turns none is kept in memory.
        self.files.clear();
        Ok(())
    }

    /// Books a message that may leave; none where it is not ready any more.
    async fn book(
        &mut self,
        tx: &mut Tx,
        account: &Account,
        lease: &Lease,
        ready: Ready,
        now: Millis,
    ) -> Result<Option<Call>, EngineError> {
        let client_ref = self.random.random_range(1..=u32::MAX / 2);
        let charge = self.charge(account, &ready, now);
        let booked = tx.book(ready.id, client_ref, charge.as_ref(), lease, now);
        let Some(attempt_id) = booked.await? else {
            return Ok(None);
        };
        let mut message = ready.message;
        message.client_ref = client_ref;
        match account.channel {
            Channel::Telegram => self.in_chat(tx, ready.id, &mut message).await?,
            Channel::Email if message.to_family => self.by_mail(tx, ready.id, &mut message).await?,
            _ => {}
        }
        Ok(Some(Call::Send {
            attempt_id,
            message_id: ready.id,
            lease: lease.clone(),
            message,
        }))
    }

    /// What only a messenger can do: buttons below the message, and corrections in the messages before it.
    async fn in_chat(
        &self,
        tx: &mut Tx,
        message_id: i64,
        message: &mut Message,
    ) -> Result<(), EngineError> {
        let mut earlier = tx.replaced(message_id).await?;
        if let Some(words) = &self.words {
            let below = tx.below(message_id).await?;
            message.buttons = buttons(words, &message.reference, &below)?;
            for one in &mut earlier {
                let below = tx.below(one.id).await?;
                one.now.buttons = buttons(words, &one.reference, &below)?;
            }
        }
        message.replaces = earlier.into_iter().map(|one| one.now).collect();
        Ok(())
    }

    /// What only a mail can do: files come with it, and a link leads to what it asks.
    async fn by_mail(
        &mut self,
        tx: &mut Tx,
        message_id: i64,
        message: &mut Message,
    ) -> Result<(), EngineError> {
        let below = tx.below(message_id).await?;
        for attached in &below.files {
            let known = self.files.get(&attached.id).cloned();
            let file = match known {
                Some(file) => Some(file),
                None => tx.file_of(attached.id).await?,
            };
            if let Some(file) = file {
                self.files.insert(attached.id, file.clone());
                message.files.push(file);
            }
        }
        if let Some((words, links)) = self.answers.as_ref().filter(|_| !below.polls.is_empty())
            && let Some(data) = links.answers(&message.reference)
        {
            let label = words.say(below.language, "parent.answer_link", &Value::Null)?;
            message.buttons = vec![vec![Button { label, data }]];
        }
        Ok(())
    }

    /// Raises the watermark above the calls that are about to leave. Where it cannot be written they
    /// leave all the same: families hear now, and a copy is restored perhaps never.
    fn mark(&mut self, calls: &[Call], now: Millis) {
        let attempts = calls.iter().filter_map(|call| match call {
            Call::Send { attempt_id, .. } => Some(*attempt_id),
            Call::Ask { .. } | Call::Probe { .. } => None,
        });
        if let (Some(watermark), Some(newest)) = (&mut self.watermark, attempts.max())
            && let Err(error) = watermark.raise(newest, now)
        {
            tracing::error!(%error, "the watermark beside the database cannot be written");
        }
    }

    /// Asks [`may_send`] one last time, and acts on any answer but «go».
    pub(super) async fn allow(
        &self,
        tx: &mut Tx,
        ready: &Ready,
        people: &People,
        now: Millis,
    ) -> Result<bool, EngineError> {
        let hours = &self.rules.hours;
        let local = zone::local(now, hours.zone);
        let contacts: Vec<&Contact> = people
            .contacts
            .iter()
            .filter(|contact| {
                Some(contact.channel) == Channel::from_code(&ready.channel)
                    && contact.address == ready.message.address
            })
            .collect();
        let quiet = ready
            .tells
            .iter()
            .filter_map(|(guardian, _)| people.guardian(*guardian))
            .map(|guardian| hours.quiet_of(guardian))
            .max_by_key(|quiet| quiet.over_at(local))
            .unwrap_or(hours.quiet);
        let leaving = Leaving {
            tells: &ready.tells,
            contacts: &contacts,
            urgent: ready.urgent,
            quiet,
            useful_until: ready
                .useful_until
                .map(|until| zone::local(until, hours.zone)),
        };
        match may_send(&leaving, people, local) {
            Verdict::Go => return Ok(true),
            Verdict::Wait(until) => {
                tx.postpone(ready.id, zone::instant(until, hours.zone))
                    .await?;
            }
            Verdict::Stop(why) => {
                let state = if why == WhyStop::Expired {
                    "expired"
                } else {
                    "suppressed"
                };
                tx.end(ready.id, state, &why.to_string(), now).await?;
            }
        }
        Ok(false)
    }
}
