//! Doubles of the providers: each keeps an append-only log of its own and has the faults that real
//! ones have.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use rand::{RngExt, rngs::StdRng};
use vestnik::instant::{HOUR, MINUTE, Millis, SECOND};
use vestnik_contract::{Delivery, Fault, Message, Outcome, Reason, Scope, Sent};

/// A message that a provider took. Entries are never changed.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) at: Millis,
    pub(crate) lane: String,
    pub(crate) message: Message,
}

/// What becomes of an SMS.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Delivered(Millis),
    Undelivered(Millis),
    /// It arrives, and the receipt does not.
    Silent,
}

/// Hours in which a provider does not work.
#[derive(Debug, Clone, Copy)]
struct Outage {
    from: Millis,
    to: Millis,
    /// Whether it takes messages and says nothing.
    silent: bool,
}

/// A receipt that an SMS provider sends by itself.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    pub(crate) at: Millis,
    pub(crate) lane: String,
    /// By which of its names it calls the message, which is the number of the call.
    pub(crate) client_ref: u32,
    pub(crate) by_own_name: bool,
    pub(crate) kind: &'static str,
}

/// All providers of the school.
pub(crate) struct Providers {
    /// What was taken, oldest first.
    pub(crate) log: Vec<Taken>,
    /// The messages of which the school cannot know whether they were taken, or did not arrive.
    pub(crate) doubtful: BTreeSet<String>,
    /// The messages of which the school was told that they did not arrive.
    pub(crate) returned: BTreeSet<String>,
    /// The receipts that are on their way.
    pub(crate) pushes: Vec<Push>,
    fates: BTreeMap<u32, (usize, Fate)>,
    dead: BTreeMap<String, bool>,
    outages: BTreeMap<&'static str, Vec<Outage>>,
    healthy_from: Millis,
    random: StdRng,
}

impl Providers {
    /// Providers that have their outages between two instants and work well afterwards.
    pub(crate) fn new(from: Millis, to: Millis, mut random: StdRng) -> Self {
        let mut outages = BTreeMap::new();
        for lane in ["email", "sms", "telegram", "sms_spare"] {
            let mut of_lane = Vec::new();
            let mut at = from;
            loop {
                at += random.random_range(24 * HOUR..25 * 24 * HOUR);
                if at >= to {
                    break;
                }
                of_lane.push(Outage {
                    from: at,
                    to: at + random.random_range(30 * MINUTE..6 * HOUR),
                    silent: random.random_bool(0.3),
                });
            }
            // SMS are few, and leave in the evening: an outage at any hour would meet none of them.
            let mut day = from;
            while lane.starts_with("sms") && day < to {
                day += random.random_range(2..12) * 24 * HOUR;
                let begins = day + random.random_range(17 * 60..19 * 60) * MINUTE;
                of_lane.push(Outage {
                    from: begins,
                    to: (begins + random.random_range(30 * MINUTE..4 * HOUR)).min(to),
                    silent: random.random_bool(0.3),
                });
            }
            outages.insert(lane, of_lane);
        }
        Self {
            log: Vec::new(),
            doubtful: BTreeSet::new(),
            returned: BTreeSet::new(),
            pushes: Vec::new(),
            fates: BTreeMap::new(),
            dead: BTreeMap::new(),
            outages,
            healthy_from: to,
            random,
        }
    }

    /// How long a call takes until the provider has it, and until its answer is there.
    pub(crate) fn latency(&mut self) -> (Millis, Millis) {
        let there = self.random.random_range(1..4) * 250 - 1;
        let back = match self.random.random_range(0..50) {
            0 => 40 * SECOND,
            _ => self.random.random_range(1..4) * SECOND,
        };
        (there, back)
    }

    /// A provider is handed a message.
    pub(crate) fn receive(&mut self, lane: &str, message: &Message, at: Millis) -> Outcome {
        let outage = self.outages[lane]
            .iter()
            .find(|outage| outage.from <= at && at < outage.to)
            .copied();
        if let Some(outage) = outage {
            if outage.silent {
                return self.doubt(lane, message, at);
            }
            return deferred("connect", None, Scope::Lane);
        }
        if at >= self.healthy_from {
            return self.take(lane, message, at);
        }
        let random = &mut self.random;
        let dead = self
            .dead
            .entry(message.address.clone())
            .or_insert_with(|| random.random_bool(0.02));
        if *dead {
            return Outcome::Rejected {
                reason: Reason::new("550", "There is no such address.", Fault::Address),
            };
        }
        match self.random.random_range(0..1000) {
            0..7 => self.doubt(lane, message, at),
            7..15 => deferred("450", None, Scope::Message),
            15..20 if lane != "email" => {
                let pause = Duration::from_secs(self.random.random_range(5..180));
                deferred("429", Some(pause), Scope::Lane)
            }
            20..22 => {
                self.dead.insert(message.address.clone(), true);
                Outcome::Rejected {
                    reason: Reason::new(
                        "403",
                        "The recipient has blocked the school.",
                        Fault::Address,
                    ),
                }
            }
            22..24 => Outcome::Rejected {
                reason: Reason::new("554", "It looks like spam.", Fault::Message),
            },
            _ => self.take(lane, message, at),
        }
    }

    /// The answer never comes, whether or not the message was taken.
    fn doubt(&mut self, lane: &str, message: &Message, at: Millis) -> Outcome {
        if self.random.random_bool(0.5) {
            self.take(lane, message, at);
        }
        self.doubtful.insert(message.reference.clone());
        Outcome::InDoubt {
            reason: Reason::new("timeout", "The call did not end in time.", Fault::Network),
        }
    }

    fn take(&mut self, lane: &str, message: &Message, at: Millis) -> Outcome {
        if lane.starts_with("sms") {
            let fate = match self.random.random_range(0..100) {
                0..3 if at < self.healthy_from => Fate::Silent,
                3..6 if at < self.healthy_from => {
                    Fate::Undelivered(at + self.random.random_range(1..300) * MINUTE)
                }
                6..12 => Fate::Delivered(at + self.random.random_range(1..60) * HOUR / 2),
                _ => Fate::Delivered(at + self.random.random_range(2..50) * SECOND),
            };
            self.fates
                .insert(message.client_ref, (self.log.len(), fate));
            self.push(lane, message.client_ref, fate, at);
        }
        self.log.push(Taken {
            at,
            lane: lane.to_owned(),
            message: message.clone(),
        });
        Outcome::Accepted {
            provider_ref: Some(format!("p{}", message.client_ref)),
        }
    }

    /// Some receipts come by themselves: in the moment of taking and thereby before the call is answered,
    /// twice, or with an older one behind.
    fn push(&mut self, lane: &str, client_ref: u32, fate: Fate, at: Millis) {
        let Fate::Delivered(then) = fate else { return };
        let by_own_name = self.random.random_bool(0.5);
        let mut push = |at, kind| {
            self.pushes.push(Push {
                at,
                lane: lane.to_owned(),
                client_ref,
                by_own_name,
                kind,
            });
        };
        match self.random.random_range(0..8) {
            0 => push(at, "delivered"),
            1 => push(then, "delivered"),
            2 => {
                push(then, "delivered");
                push(then + MINUTE, "delivered");
            }
            3 => {
                push(then, "delivered");
                push(then + SECOND, "under_way");
            }
            _ => {}
        }
    }

    /// A provider is asked whether its account works.
    pub(crate) fn works(&self, lane: &str, at: Millis) -> Result<(), Reason> {
        let mut outages = self.outages[lane].iter();
        if outages.any(|outage| outage.from <= at && at < outage.to) {
            return Err(Reason::new("connect", "Later, please.", Fault::Provider));
        }
        Ok(())
    }

    /// An SMS provider is asked about a message.
    pub(crate) fn answer(
        &mut self,
        lane: &str,
        sent: &Sent,
        at: Millis,
    ) -> Result<Delivery, Reason> {
        if self.random.random_bool(0.02) {
            return Err(Reason::new(
                "timeout",
                "The call did not end in time.",
                Fault::Network,
            ));
        }
        let known = self.fates.get(&sent.client_ref).copied();
        // What the other provider took, this one does not know.
        let known = known.filter(|(entry, _)| self.log[*entry].lane == lane);
        let Some((entry, fate)) = known else {
            return Ok(Delivery::NotFound);
        };
        Ok(match fate {
            Fate::Delivered(then) if then <= at => Delivery::Delivered,
            Fate::Undelivered(then) if then <= at => {
                let reference = self.log[entry].message.reference.clone();
                self.doubtful.insert(reference.clone());
                self.returned.insert(reference);
                Delivery::Undelivered {
                    reason: Reason::new(
                        "expired",
                        "The phone was off for too long.",
                        Fault::Provider,
                    ),
                }
            }
            _ => Delivery::UnderWay {
                provider_ref: Some(format!("p{}", sent.client_ref)),
            },
        })
    }
}

fn deferred(code: &str, retry_after: Option<Duration>, scope: Scope) -> Outcome {
    Outcome::Deferred {
        reason: Reason::new(code, "Later, please.", Fault::Provider),
        retry_after,
        scope,
    }
}
