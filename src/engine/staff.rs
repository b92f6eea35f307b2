//! Once a day class teachers are told which of their families cannot be reached.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, EngineError, reference};
use crate::{
    compose::USEFUL,
    family::contact::Contact,
    instant::Millis,
    schedule,
    store::{Lease, StaffDue},
    text::to_teacher,
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
            tx.finish_job("staff", due, "teachers are told", now)
                .await?;
        }
        tx.commit().await?;
        self.teachers_at = next;
        Ok(())
    }

    /// Composes what staff are to hear: one message each, to their first address that works. Employees
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
            if one.failing.is_none() {
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
        for (contact, due) in letters.values() {
            let Some(account) = self
                .accounts
                .iter()
                .find(|account| account.channel == contact.channel)
            else {
                continue;
            };
            let failing: Vec<_> = due.iter().filter_map(|one| one.failing.clone()).collect();
            let words = to_teacher(contact.channel, self.rules.content, &school, &failing);
            let notices: Vec<i64> = due.iter().map(|one| one.notice_id).collect();
            tx.insert_staff_message(
                &reference(&mut self.random),
                &account.lane,
                contact,
                &words,
                &notices,
                (now + USEFUL, now),
            )
            .await?;
        }
        Ok(tx.commit().await?)
    }
}
