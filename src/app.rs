//! The driver: gives the engine its turns, makes the calls that it books, and stops in order.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono_tz::Tz;
use futures::FutureExt;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vestnik_contract::{Channel, Fault, Message, Outcome, Reason, Sink};

use crate::{
    clock::Clock,
    compose::Hours,
    config::{Config, Limits, Rate},
    engine::{Account, Call, Engine, Report, Rules, Turn},
    instant::Millis,
    policy::Policy,
    text::ContentLevel,
};

/// Polling is the truth, wake-ups are hints: this is how late a change is seen where a hint is lost.
const POLL: Duration = Duration::from_secs(1);

/// How long to wait after a turn that failed; a full disk does not empty by hammering at it.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// How long a lane that used up its rate waits before it asks again.
const RATE_PAUSE: Duration = Duration::from_millis(100);

/// One provider account with what limits its use.
#[derive(Clone)]
pub struct Provider {
    /// How the engine sees it.
    pub account: Account,
    channel: Arc<dyn Channel>,
    calls: Arc<Semaphore>,
    rate: Pace,
    timeout: Duration,
}

impl Provider {
    /// Sends one message beside the engine's own: a test that a person asked for, or pages for the office.
    pub async fn send_beside(&self, message: &Message) -> Outcome {
        self.channel.send(message).await
    }

    /// An account that is used within its limits.
    pub fn new(account: Account, channel: Arc<dyn Channel>, limits: Limits) -> Self {
        Self {
            account,
            channel,
            calls: Arc::new(Semaphore::new(limits.concurrency)),
            rate: Pace::of(limits.rate),
            // The channel has its own time-outs; this one is for a channel that lost itself.
            timeout: limits.timeout * 2,
        }
    }

    /// Hands on what the provider says by itself, for as long as the future is polled.
    pub async fn listen(&self, sink: Arc<dyn Sink>) {
        self.channel.listen(sink).await;
    }

    /// Takes leave of the provider.
    pub async fn close(&self) {
        self.channel.close().await;
    }

    /// How fast the account may be used, for others that use it too.
    pub fn pace(&self) -> Pace {
        self.rate.clone()
    }

    /// Up to `want` permits, as many as concurrency and rate allow now.
    fn permits(&self, want: usize) -> Vec<OwnedSemaphorePermit> {
        let mut permits = Vec::new();
        while permits.len() < want {
            let Ok(permit) = self.calls.clone().try_acquire_owned() else {
                break;
            };
            if !self.rate.admits() {
                break;
            }
            permits.push(permit);
        }
        permits
    }
}

/// How fast an account may be used, by all who use it.
#[derive(Debug, Clone, Default)]
pub struct Pace(Option<Arc<DefaultDirectRateLimiter>>);

impl Pace {
    fn of(rate: Option<Rate>) -> Self {
        Self(rate.map(|rate| Arc::new(RateLimiter::direct(quota(rate)))))
    }

    /// Whether one call may leave now.
    fn admits(&self) -> bool {
        self.0.as_ref().is_none_or(|rate| rate.check().is_ok())
    }

    /// Waits until one call may leave.
    pub async fn wait(&self) {
        if let Some(rate) = &self.0 {
            rate.until_ready().await;
        }
    }
}

/// The rate as governor takes it. A rate per second may come as a burst of nearly that many, because a call on
/// its way may overtake another and the provider counts when they arrive; one per hour or day is spread evenly,
/// because a provider counts a burst as abuse.
fn quota(rate: Rate) -> Quota {
    let each = rate.per / rate.count.get();
    let burst = rate
        .count
        .get()
        .saturating_mul(5)
        .div_euclid(6)
        .min(60 / u32::try_from(rate.per.as_secs()).unwrap_or(60).max(1));
    let burst = std::num::NonZeroU32::new(burst.max(1)).unwrap_or(rate.count);
    Quota::with_period(each)
        .unwrap_or_else(|| Quota::per_second(rate.count))
        .allow_burst(burst)
}

/// What the engine goes by in a school of this zone and policy.
pub fn rules(config: &Config, zone: Tz, policy: Policy) -> Rules {
    Rules {
        hours: Hours {
            zone,
            daily: config.daily.clone(),
            weekly: config.weekly.clone(),
            quiet: policy.quiet,
        },
        policy,
        sheets: config.weekly_sheets.clone(),
        content: config
            .telegram
            .as_ref()
            .map_or(ContentLevel::Ping, |account| account.content),
    }
}

/// Runs the engine until `stop`, then waits up to `grace` for calls under way and gives the lanes
/// back. What is still under way after that is in doubt at the next start, and shown as such.
///
/// `look` is told when a row may have changed. `turned` is called after each turn that worked, with
/// the instant of the turn.
pub async fn run(
    mut engine: Engine,
    providers: &[Provider],
    clock: Clock,
    look: Arc<Notify>,
    stop: CancellationToken,
    grace: Duration,
    turned: impl Fn(Millis),
) {
    let tasks = TaskTracker::new();
    let (report, mut reports) = mpsc::unbounded_channel();
    let mut desk = Desk {
        providers,
        clock,
        tasks: &tasks,
        report,
        unsettled: Vec::new(),
        occupied: Vec::new(),
    };
    while !stop.is_cancelled() {
        let (pause, failed) = desk.turn(&mut engine, &turned).await;
        let deadline = Instant::now() + pause;
        tokio::select! {
            () = stop.cancelled() => {}
            () = look.notified(), if !failed => {}
            Some(ended) = reports.recv() => desk.take(ended),
            _ = timeout_at(deadline, std::future::pending::<()>()) => {}
        }
        while let Ok(ended) = reports.try_recv() {
            desk.take(ended);
        }
    }
    tasks.close();
    let _ = timeout(grace, tasks.wait()).await;
    while let Ok(ended) = reports.try_recv() {
        desk.take(ended);
    }
    let mut unsettled = desk.unsettled;
    let (_, settled) = engine
        .turn(clock.now(), &mut unsettled, &mut |_, _| 0)
        .await;
    if let Err(error) = settled {
        tracing::error!(error = story(&error), "the last reports could not be kept");
    }
    if let Err(error) = engine.release().await {
        tracing::error!(error = story(&error), "the lanes could not be given back");
    }
}

/// A call that ended, with the permit that it holds until the database knows.
type Ended = (Report, Option<OwnedSemaphorePermit>);

/// What the driver has in hand between turns.
struct Desk<'a> {
    providers: &'a [Provider],
    clock: Clock,
    tasks: &'a TaskTracker,
    report: mpsc::UnboundedSender<Ended>,
    unsettled: Vec<Report>,
    /// The permits of the unsettled. A call is under way until its end is on the disk, so that a
    /// crash leaves no more in doubt than may be under way.
    occupied: Vec<OwnedSemaphorePermit>,
}

impl Desk<'_> {
    fn take(&mut self, (report, permit): Ended) {
        self.unsettled.push(report);
        self.occupied.extend(permit);
    }

    /// One turn with its calls started; says how long to wait for the next, and whether it failed.
    async fn turn(&mut self, engine: &mut Engine, turned: &impl Fn(Millis)) -> (Duration, bool) {
        let now = self.clock.now();
        let mut permits: BTreeMap<String, Vec<OwnedSemaphorePermit>> = BTreeMap::new();
        let mut short = false;
        let (providers, occupied) = (self.providers, &mut self.occupied);
        let mut give = |lane: &str, want: usize| {
            // Permits are asked for after the reports were settled.
            occupied.clear();
            let provider = providers.iter().find(|one| one.account.lane == lane);
            let given = provider.map(|one| one.permits(want)).unwrap_or_default();
            let count = given.len();
            short |= count < want;
            permits.entry(lane.to_owned()).or_default().extend(given);
            count
        };
        let (turn, result) = engine.turn(now, &mut self.unsettled, &mut give).await;
        let Turn {
            calls,
            wake_at,
            more,
        } = turn;
        if self.unsettled.is_empty() {
            self.occupied.clear();
        }
        for call in calls {
            let permit = permits.get_mut(&call.lease().lane).and_then(Vec::pop);
            self.start(call, permit);
        }
        match result {
            Err(error) => {
                tracing::error!(
                    error = story(&error),
                    "a turn failed; nothing is lost, it will be tried again"
                );
                return (AFTER_FAILURE, true);
            }
            Ok(()) => turned(now),
        }
        if more {
            return (Duration::ZERO, false);
        }
        let wait = wake_at.map_or(POLL, |at| self.clock.until(at).min(POLL));
        let wait = if short { wait.min(RATE_PAUSE) } else { wait };
        (wait, false)
    }

    fn start(&self, call: Call, permit: Option<OwnedSemaphorePermit>) {
        let lane = &call.lease().lane;
        let Some(provider) = self.providers.iter().find(|one| one.account.lane == *lane) else {
            return;
        };
        let (channel, limit) = (provider.channel.clone(), provider.timeout);
        let report = self.report.clone();
        self.tasks.spawn(async move {
            let ended = make(call, channel.as_ref(), limit).await;
            // The receiver is gone only when the program ends; then the call is in doubt anyway.
            let _ = report.send((ended, permit));
        });
    }
}

/// Makes one call and reports how it ended.
async fn make(call: Call, channel: &dyn Channel, limit: Duration) -> Report {
    let lost = || Reason::new("timeout", "The call did not end in time.", Fault::Network);
    match call {
        Call::Send {
            attempt_id,
            message_id,
            lease,
            message,
        } => {
            let call = AssertUnwindSafe(channel.send(&message)).catch_unwind();
            let outcome = match timeout(limit, call).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Outcome::InDoubt { reason: broken() },
                Err(_) => Outcome::InDoubt { reason: lost() },
            };
            log(&message.reference, &lease.lane, &outcome);
            Report::Called {
                attempt_id,
                message_id,
                lease,
                outcome,
            }
        }
        Call::Ask {
            message_id,
            lease,
            sent,
        } => {
            let call = AssertUnwindSafe(channel.query(&sent)).catch_unwind();
            let answer = match timeout(limit, call).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(broken()),
                Err(_) => Err(lost()),
            };
            if let Err(reason) = &answer {
                tracing::warn!(
                    message = sent.reference,
                    lane = lease.lane,
                    code = reason.code,
                    "no answer about a message"
                );
            }
            Report::Asked {
                message_id,
                lease,
                answer,
            }
        }
        Call::Probe { lease } => {
            let call = AssertUnwindSafe(channel.probe()).catch_unwind();
            let answer = match timeout(limit, call).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(broken()),
                Err(_) => Err(lost()),
            };
            Report::Probed { lease, answer }
        }
    }
}

/// The reason of a call that a fault in a channel ended.
fn broken() -> Reason {
    let text = "The channel failed in a way that is a fault of the program: please report it.";
    Reason::new("panic", text, Fault::Provider)
}

fn log(message: &str, lane: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Accepted { .. } => tracing::info!(message, lane, "accepted"),
        Outcome::Deferred { reason, .. } => {
            tracing::warn!(
                message,
                lane,
                code = reason.code,
                why = reason.text,
                "put off"
            );
        }
        Outcome::Rejected { reason } => {
            tracing::warn!(
                message,
                lane,
                code = reason.code,
                why = reason.text,
                "rejected"
            );
        }
        Outcome::InDoubt { reason } => {
            tracing::warn!(
                message,
                lane,
                code = reason.code,
                why = reason.text,
                "in doubt"
            );
        }
    }
}

/// An error with its causes in one line.
pub fn story(error: &dyn std::error::Error) -> String {
    let mut story = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !story.contains(&cause_text) {
            story = format!("{story}: {cause_text}");
        }
        source = cause.source();
    }
    story
}
