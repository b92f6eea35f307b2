//! Calls that leave the engine, what the providers answer, and the end of a process in between.

use rand::RngExt;
use vestnik::{
    engine::{Call, Report},
    family::contact::Channel,
    instant::SECOND,
    quiet::Quiet,
    store::Store,
};
use vestnik_contract::{Message, Outcome, Scope};

use super::{Event, Flight, Going, PERMITS, World, engine, run_sql, stream, up, url};
use crate::{checks, providers::Push};

impl World {
    /// The process ends. What had left is with the providers or on the way; what they answer is lost.
    pub(super) async fn crash(&mut self, unmade: Vec<Call>) {
        self.summary.crashes += 1;
        for call in unmade {
            if let Call::Send { message, .. } = call {
                self.providers.doubtful.insert(message.reference);
            }
        }
        self.doubt_all().await;
        self.reports.clear();
        let flights = std::mem::take(&mut self.flights);
        for (id, flight) in flights {
            // The bytes of some are on their way all the same.
            let on_the_way = flight.report.is_none() && self.trouble.random_bool(0.5);
            if on_the_way && matches!(flight.what, Going::Send { .. }) {
                self.flights.insert(id, flight);
            }
        }
        self.rests.retain(|_, (_, since)| *since < self.time);
        if self.trouble.random_bool(0.3) {
            self.store = Store::open(&url(self.folder.path())).await.unwrap();
            self.press.store = self.store.clone();
        }
        let random = stream(self.plan.seed, 100 + self.summary.crashes);
        self.engine = engine(&self.store, &self.templates, &self.rules, self.plan, random);
    }

    /// After a failure the school itself cannot say what became of any call that is under way, even where its
    /// answer is still to come.
    pub(super) async fn doubt_all(&mut self) {
        for flight in self.flights.values() {
            if let Going::Send { message, .. } = &flight.what {
                self.providers.doubtful.insert(message.reference.clone());
            }
        }
        for report in &self.reports {
            if let Report::Called { message_id, .. } = report {
                let reference = reference_of(&self.store, *message_id).await;
                self.providers.doubtful.insert(reference);
            }
        }
    }

    /// Calls leave the engine: each is judged in this moment.
    pub(super) fn leave(&mut self, calls: Vec<Call>) -> Result<(), String> {
        for call in calls {
            let lease = call.lease().clone();
            let what = match call {
                Call::Send {
                    attempt_id,
                    message_id,
                    message,
                    ..
                } => {
                    self.judge_call(&lease.lane, &message)?;
                    Going::Send {
                        attempt_id,
                        message_id,
                        message,
                    }
                }
                Call::Ask {
                    message_id, sent, ..
                } => Going::Ask { message_id, sent },
                Call::Probe { .. } => Going::Probe,
            };
            let (there, back) = self.providers.latency();
            self.next += 1;
            let id = self.next;
            self.flights.insert(
                id,
                Flight {
                    what,
                    lease,
                    report: None,
                },
            );
            // Answers that come in one breath are settled in one turn.
            let answered = up(self.time + back, 20 * SECOND);
            self.at(self.time + there, Event::Arrive(id));
            self.at(answered, Event::Report(id));
        }
        Ok(())
    }

    fn judge_call(&mut self, lane: &str, message: &Message) -> Result<(), String> {
        let now = self.now();
        let unlawful = |what: &str| {
            Err(format!(
                "message {} left by {lane} {what}",
                message.reference
            ))
        };
        if let Some((until, _)) = self.rests.get(lane).filter(|(until, _)| now < *until) {
            return unlawful(&format!(
                "{} ms before its provider wanted to hear again",
                until - now
            ));
        }
        let channel = channel_of(lane);
        let sends: Vec<(&str, &Message)> = self
            .flights
            .values()
            .filter_map(|flight| match &flight.what {
                Going::Send { message, .. } => Some((flight.lease.lane.as_str(), message)),
                Going::Ask { .. } | Going::Probe => None,
            })
            .filter(|(other, _)| channel_of(other) == channel)
            .collect();
        if sends.iter().filter(|(other, _)| *other == lane).count() >= PERMITS {
            return unlawful("without a permit");
        }
        let doubtful = &self.providers.doubtful;
        // Of some it is known how they ended, or never will be.
        let going = |(_, other): &&(&str, &Message)| {
            !doubtful.contains(&other.reference) && !self.reported.contains(&other.client_ref)
        };
        let mut going = sends.iter().filter(going);
        if going.any(|(_, other)| other.address == message.address) {
            return unlawful("while another one was going to the same address");
        }
        let quiet: Quiet = self.rules.hours.quiet;
        match checks::lawful(&self.year.school, message, channel, quiet, now) {
            Ok(hearers) => {
                self.owners.insert(message.reference.clone(), hearers.len());
                self.hearers.insert(message.reference.clone(), hearers);
                Ok(())
            }
            Err(why) => unlawful(&format!("to {why}")),
        }
    }

    pub(super) fn arrive(&mut self, id: u64) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        let lane = flight.lease.lane.clone();
        let lease = flight.lease.clone();
        let report = match &flight.what {
            Going::Send {
                attempt_id,
                message_id,
                message,
            } => Report::Called {
                attempt_id: *attempt_id,
                message_id: *message_id,
                lease,
                outcome: self.providers.receive(&lane, message, self.time),
            },
            Going::Ask { message_id, sent } => Report::Asked {
                message_id: *message_id,
                lease,
                answer: self.providers.answer(&lane, sent, self.time),
            },
            Going::Probe => Report::Probed {
                lease,
                answer: self.providers.works(&lane, self.time),
            },
        };
        flight.report = Some(report);
    }

    /// A receipt comes by itself. What it says of a message counts as its answer does.
    pub(super) async fn receipt(&mut self, push: &Push) {
        let (name, value) = if push.by_own_name {
            ("provider_ref", format!("'p{}'", push.client_ref))
        } else {
            ("client_ref", push.client_ref.to_string())
        };
        self.reported.insert(push.client_ref);
        let (lane, kind, now) = (&push.lane, push.kind, self.now());
        run_sql(
            &self.store,
            &format!(
                "INSERT INTO receipt (lane, {name}, kind, received_at) VALUES ('{lane}', {value}, '{kind}', {now})"
            ),
        )
        .await;
    }

    pub(super) fn report(&mut self, id: u64) {
        let Some(flight) = self.flights.remove(&id) else {
            return;
        };
        let Some(report) = flight.report else { return };
        if let Report::Called {
            outcome:
                Outcome::Deferred {
                    retry_after: Some(pause),
                    scope: Scope::Lane,
                    ..
                },
            ..
        } = &report
        {
            let until = self.now() + i64::try_from(pause.as_millis()).unwrap();
            self.rests
                .insert(flight.lease.lane.clone(), (until, self.time));
        }
        self.reports.push(report);
    }
}

/// The channel that a lane serves.
fn channel_of(lane: &str) -> Channel {
    let channel = lane.split('_').next().unwrap();
    Channel::from_code(channel).unwrap()
}

async fn reference_of(store: &Store, message_id: i64) -> String {
    let row = sqlx::query("SELECT ref FROM message WHERE id = $1")
        .bind(message_id)
        .fetch_one(store.pool())
        .await
        .unwrap();
    sqlx::Row::get(&row, 0)
}
