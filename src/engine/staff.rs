//! What staff are told: once a day which families cannot be reached, who changes class and which marks are
//! late; and when its time is over, which homework is not in the journal.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, EngineError, reference};
use crate::{
    compose::{Hours, USEFUL},
    family::contact::{Channel, Contact},
    instant::{HOUR, Millis},
    schedule,
    store::{Lease, StaffDue, StaffMessage},
    text::{MATTERS, Templates},
    zone,
};

impl Engine {
    /// Looks at the time of the day's digest for addresses that began to fail.
    pub(super) async fn tell_teachers(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        if now < self.teachers_at {
            return Ok(());
        }
        let hours = &self.rules.hours;
        let next = schedule::next(&hours.daily, hours.zone, now).unwrap_or(Millis::MAX);
        let Some(due) = schedule::last(&hours.daily, hours.zone, now) else {
            return Ok(());
        };
        let today = self.today(now);
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        if tx.claim("staff", due, now).await? {
            tx.tell_teachers(today, now).await?;
            tx.tell_of_moves(today, now).await?;
            let after = self.rules.policy.mark_entry.0;
            tx.tell_of_marks(after, today, now).await?;
            tx.finish_job("staff", due, "teachers are told", now)
                .await?;
        }
        tx.commit().await?;
        self.teachers_at = next;
        Ok(())
    }

    /// Looks for homework that is not in the journal when its time is over. In the quiet hours nobody is told
    /// of it.
    pub(super) async fn tell_of_homework(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        if now < self.homework_at {
            return Ok(());
        }
        let Hours { zone, quiet, .. } = self.rules.hours;
        let local = zone::local(now, zone);
        let heard = zone::instant(quiet.over_at(local), zone);
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        let rule = self.rules.policy.homework_entry;
        let next = tx.tell_of_homework(rule, local, heard, now).await?;
        tx.commit().await?;
        // The timetable of a day may come during the day.
        let next = next.map_or(Millis::MAX, |at| zone::instant(at, zone));
        self.homework_at = next.min(now + HOUR);
        Ok(())
    }

    /// Composes what staff are to hear: one message each, or several SMS where one would be too long, to their first
    /// address that works. Employees
    /// give no consent; how much a messenger may carry holds for them as for families.
    pub(super) async fn compose_for_staff(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<(), EngineError> {
        if !self.work(now).await?.staff_due {
            return Ok(());
        }
        let today = self.today(now);
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        let due = tx.staff_due(today, now).await?;
        let staff: BTreeSet<i64> = due.iter().map(|one| one.staff_id).collect();
        let contacts = tx.staff_contacts(&staff).await?;
        let school = tx.names(&BTreeSet::new(), today).await?.school;
        let mut letters: BTreeMap<i64, (&Contact, Vec<&StaffDue>)> = BTreeMap::new();
        for one in &due {
            if one.news.is_none() {
                tx.close_notice(one.notice_id, "equal_again", now).await?;
                continue;
            }
            let own = contacts.get(&one.staff_id).map_or(&[][..], Vec::as_slice);
            let open = own.iter().find(|contact| {
                let served = self
                    .accounts
                    .iter()
                    .any(|account| account.channel == contact.channel);
                served && contact.health.usable() && !one.tried.contains(&contact.id)
            });
            match open {
                Some(contact) => letters
                    .entry(contact.id)
                    .or_insert((contact, Vec::new()))
                    .1
                    .push(one),
                None => tx.close_notice(one.notice_id, "no_contact", now).await?,
            }
        }
        let mut roads = self.roads(&mut tx, now).await?;
        for (contact, due) in letters.values() {
            let Some(account) = self.carrier(&mut roads, contact.channel, false) else {
                continue;
            };
            let (channel, level) = (contact.channel, self.rules.content);
            let most = if channel == Channel::Sms {
                MATTERS
            } else {
                due.len()
            };
            for due in due.chunks(most) {
                let news: Vec<_> = due.iter().filter_map(|one| one.news.clone()).collect();
                let board = self.surroundings.board.as_deref();
                let set = |templates: &Templates| {
                    templates.for_staff(channel, level, &school, board, &news)
                };
                let mut words = set(&self.templates).or_else(|error| {
                    tracing::error!(%error, "a template failed; the embedded one serves");
                    set(&Templates::embedded()?)
                })?;
                self.in_letters(channel, &mut words);
                let notices: Vec<i64> = due.iter().map(|one| one.notice_id).collect();
                let (parts, cost) = self.priced(&account, &contact.address, &words.text);
                let message = StaffMessage {
                    reference: reference(&mut self.random),
                    lane: &account.lane,
                    contact,
                    words: &words,
                    parts,
                    cost,
                    notices: &notices,
                    useful_until: now + USEFUL,
                };
                tx.insert_staff_message(&message, now).await?;
            }
        }
        Ok(tx.commit().await?)
    }
}
