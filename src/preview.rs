//! What would leave if what waits for a person's decision were told now: how many messages, and what they cost.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    compose::{Draft, Due, Fate, Fitting, Hours, Names, compose},
    config::Config,
    engine::Rules,
    family::{People, contact::Channel},
    instant::Millis,
    money::{Kopecks, Tariff},
    pace::Circumstances,
    policy::Policy,
    quiet::Quiet,
    store::{Store, StoreError},
    text::Templates,
    zone,
};

/// What is needed to know what messages would cost.
#[derive(Debug)]
pub struct Previews<'a> {
    /// The school's times and rules.
    pub hours: &'a Hours,
    /// The school's rules.
    pub policy: &'a Policy,
    /// The channels that are configured.
    pub configured: &'a [Channel],
    /// How long an SMS may be, and in which words.
    pub fitting: Fitting,
    /// The lane that carries SMS, if there is one.
    pub lane: &'a str,
    /// What they cost there.
    pub tariff: &'a Tariff,
}

/// What would leave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Preview {
    /// By channel: the messages.
    pub channels: BTreeMap<&'static str, Outlay>,
    /// How many notices would wait for the weekly sheet.
    pub on_paper: usize,
    /// How many would wait for another hour, because the family has paused messages.
    pub later: usize,
    /// How many nobody would be told of, because they have become pointless.
    pub pointless: usize,
}

/// The messages of one channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outlay {
    /// How many.
    pub messages: usize,
    /// How many SMS they make; as many as messages elsewhere.
    pub parts: usize,
    /// What they cost, in kopecks.
    pub cost: Kopecks,
}

impl Preview {
    /// What all of it costs.
    pub fn cost(&self) -> Kopecks {
        let costs = self.channels.values().map(|one| one.cost);
        costs.fold(Kopecks(0), Kopecks::and)
    }
}

impl<'a> Previews<'a> {
    /// As the configuration says.
    pub fn new(
        config: &Config,
        templates: Templates,
        rules: &'a Rules,
        configured: &'a [Channel],
        tariff: &'a Tariff,
    ) -> Self {
        let sms = config.sms.as_ref();
        Self {
            hours: &rules.hours,
            policy: &rules.policy,
            configured,
            fitting: Fitting {
                templates,
                parts: sms.and_then(|account| account.parts),
                latin: sms.is_some_and(|account| account.transliterate),
            },
            lane: sms.map_or("sms", |account| account.place.lane()),
            tariff,
        }
    }

    /// What would leave if a hold were released now and it were day everywhere. What else is due for the same
    /// families may join it, so that the messages may be fewer.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn of_hold(
        &self,
        store: &Store,
        hold_id: i64,
        now: Millis,
    ) -> Result<Preview, StoreError> {
        let today = zone::local(now, self.hours.zone).date();
        let mut tx = store.snapshot().await?;
        let (due, mut people) = tx.held_due(hold_id, today, now).await?;
        let facts = due.iter().map(|one| one.fact).collect();
        let names = tx.names(&facts, today).await?;
        let midnight = zone::instant(today.into(), self.hours.zone);
        let around = tx
            .circumstances(&due, &people, self.policy, (today, midnight, now))
            .await?;
        tx.commit().await?;
        for guardian in &mut people.guardians {
            guardian.quiet = Some(Quiet::Off);
        }
        Ok(self.of(&due, &people, names, &around, now))
    }

    fn of(
        &self,
        due: &[Due],
        people: &People,
        mut names: Names,
        around: &Circumstances,
        now: Millis,
    ) -> Preview {
        names.fitting = Some(self.fitting.clone());
        let (fates, drafts) = compose(
            due,
            people,
            &names,
            self.configured,
            self.hours,
            around,
            now,
        );
        let mut preview = Preview::default();
        for (_, fate) in fates {
            match fate {
                Fate::Message => {}
                Fate::Sheet(_) => preview.on_paper += 1,
                Fate::Close(_) => preview.pointless += 1,
                Fate::Window(_) | Fate::Quiet(_) | Fate::Deadline(_) | Fate::Stay => {
                    preview.later += 1;
                }
            }
        }
        for draft in &drafts {
            let outlay = preview.channels.entry(draft.channel.code()).or_default();
            let (parts, cost) = self.price(draft);
            outlay.messages += 1;
            outlay.parts += parts;
            outlay.cost = outlay.cost.and(cost);
        }
        preview
    }

    fn price(&self, draft: &Draft) -> (usize, Kopecks) {
        if !draft.channel.costs() {
            return (1, Kopecks(0));
        }
        let parts = self.fitting.parts(draft);
        let cost = self.tariff.cost(self.lane, &draft.address, parts);
        (parts, cost)
    }
}
