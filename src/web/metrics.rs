//! `/metrics`: the state of everything for Prometheus, by its naming conventions
//! (prometheus.io/docs/practices/naming).

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::{
    Encoder, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use chrono_tz::Tz;
use tokio::sync::Mutex;

use super::health::Pulse;
use crate::{
    alarm::Alarm,
    clock::Clock,
    config::Config,
    failover::Standing,
    family::contact::Channel,
    instant::{MINUTE, Millis, SECOND},
    money::{Budget, month},
    policy::Policy,
    providers,
    store::{Hold, LedgerQuestion, Status, Store, StoreError},
    week::Week,
    zone,
};

/// What the metrics are made of.
#[derive(Clone)]
pub struct Metrics {
    /// Where the numbers come from, at each scrape.
    pub store: Store,
    /// Whether the engine turns.
    pub pulse: Pulse,
    /// How old things are.
    pub clock: Clock,
    /// How the ledger is read.
    pub ledger: Ledger,
    /// How long news took, since the daemon began.
    pub delays: Delays,
}

/// How long news took from the journal to the provider, by urgency: what was taken since the last scrape is added at
/// each one.
#[derive(Clone)]
pub struct Delays {
    histogram: HistogramVec,
    seen_to: Arc<Mutex<Millis>>,
}

/// Seconds within which news should be with the provider: urgent ones in half a minute, a day's digest in a day.
const WITHIN: [f64; 10] = [
    5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0,
];

impl Delays {
    /// Nothing yet; what was taken before `now` does not count.
    ///
    /// # Errors
    /// A name that Prometheus does not take, which a test rules out.
    pub fn since(now: Millis) -> prometheus::Result<Self> {
        let about = HistogramOpts::new(
            "vestnik_delay_seconds",
            "How long news took from the journal's row to the provider, by urgency: 0 is urgent, 3 weekly.",
        );
        Ok(Self {
            histogram: HistogramVec::new(about.buckets(WITHIN.to_vec()), &["urgency"])?,
            seen_to: Arc::new(Mutex::new(now)),
        })
    }

    async fn add(&self, store: &Store, now: Millis) -> Result<(), StoreError> {
        let mut seen_to = self.seen_to.lock().await;
        // A call that ended in this moment may not be written down yet.
        let to = now - 2 * SECOND;
        if to > *seen_to {
            for one in store.taken(*seen_to, to).await? {
                let seconds = f64::from(i32::try_from(one.delay / 1000).unwrap_or(i32::MAX));
                let urgency = one.urgency.to_string();
                self.histogram
                    .with_label_values(&[urgency.as_str()])
                    .observe(seconds);
            }
            *seen_to = to;
        }
        Ok(())
    }
}

/// How the ledger of this week is read, and what it said last: it is computed from the whole week, and a scrape comes
/// every few seconds.
#[derive(Clone)]
pub struct Ledger {
    zone: Tz,
    configured: Vec<Channel>,
    reports: Vec<Channel>,
    policy: Policy,
    budget: Option<Budget>,
    last: Arc<Mutex<Option<(Millis, Cells)>>>,
}

/// How long what the ledger said is shown.
const SHOWN: Millis = 5 * MINUTE;

/// How many cells of students and guardians are in each state.
type Cells = BTreeMap<&'static str, i64>;

impl Ledger {
    /// As it is configured, by the policy that governs.
    pub fn of(config: &Config, zone: Tz, policy: &Policy) -> Self {
        Self {
            zone,
            configured: config.channels(),
            reports: providers::reports(config),
            policy: policy.clone(),
            budget: config.budget,
            last: Arc::default(),
        }
    }

    async fn cells(&self, store: &Store, now: Millis) -> Result<Cells, StoreError> {
        let mut last = self.last.lock().await;
        let fresh = |(at, _): &&(Millis, Cells)| (0..SHOWN).contains(&(now - at));
        if let Some((_, cells)) = last.as_ref().filter(fresh) {
            return Ok(cells.clone());
        }
        let today = zone::local(now, self.zone).date();
        let question = LedgerQuestion {
            week: Week::of(today),
            class: None,
            today,
            zone: self.zone,
            configured: &self.configured,
            reports: &self.reports,
            policy: &self.policy,
        };
        let mut cells = Cells::from([("informed", 0), ("open", 0), ("red", 0), ("nothing_due", 0)]);
        for line in store.ledger(&question).await? {
            let state = match &line.cell {
                cell if cell.red => "red",
                cell if cell.informed => "informed",
                cell if cell.counts() => "open",
                _ => "nothing_due",
            };
            *cells.entry(state).or_default() += 1;
        }
        *last = Some((now, cells.clone()));
        Ok(cells)
    }
}

impl Metrics {
    /// The path.
    pub fn router(self) -> Router {
        Router::new()
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    async fn text(&self) -> anyhow::Result<Vec<u8>> {
        let status = self.store.status(self.clock.now()).await?;
        let registry = Registry::new();
        counts(&registry, &status)?;
        gauge(
            &registry,
            "vestnik_changes_unplanned",
            "Changes of the journal that nobody has looked at yet.",
            status.changes_unplanned,
        )?;
        gauge(
            &registry,
            "vestnik_messages_in_doubt",
            "Messages of which nobody knows whether they were taken.",
            status.in_doubt,
        )?;
        gauge(
            &registry,
            "vestnik_possible_duplicates",
            "Messages that were sent once more after a doubt, ever.",
            status.possible_duplicates,
        )?;
        holds(&registry, &self.store.holds().await?)?;
        alarms(&registry, &self.store.lasting_alarms().await?)?;
        self.queues(&registry).await?;
        self.delays.add(&self.store, self.clock.now()).await?;
        registry.register(Box::new(self.delays.histogram.clone()))?;
        self.money(&registry).await?;
        let cells = IntGaugeVec::new(
            Opts::new(
                "vestnik_ledger_cells",
                "Students' guardians by whether they are informed in this week.",
            ),
            &["state"],
        )?;
        for (state, count) in self.ledger.cells(&self.store, self.clock.now()).await? {
            cells.with_label_values(&[state]).set(count);
        }
        registry.register(Box::new(cells))?;
        let ages = GaugeVec::new(
            Opts::new(
                "vestnik_oldest_ready_seconds",
                "How long the oldest message that could leave has waited.",
            ),
            &[],
        )?;
        let millis = status.oldest_ready_ms.unwrap_or(0);
        let seconds = u32::try_from(millis / 1000).unwrap_or(u32::MAX);
        ages.with_label_values::<&str>(&[]).set(f64::from(seconds));
        registry.register(Box::new(ages))?;
        gauge(
            &registry,
            "vestnik_last_turn_timestamp_seconds",
            "When the engine last turned without an error.",
            self.pulse.last() / 1000,
        )?;
        self.calls(&registry).await?;
        let runs = IntGaugeVec::new(
            Opts::new("vestnik_print_runs", "Runs of the weekly sheets by state."),
            &["state"],
        )?;
        for (state, count) in self.store.print_runs().await? {
            runs.with_label_values(&[&state]).set(count);
        }
        registry.register(Box::new(runs))?;
        let mut text = Vec::new();
        TextEncoder::new().encode(&registry.gather(), &mut text)?;
        Ok(text)
    }

    /// What waits for each channel, and how far behind the reading of the journal is.
    async fn queues(&self, registry: &Registry) -> anyhow::Result<()> {
        let now = self.clock.now();
        let seconds = |since: Millis| {
            f64::from(i32::try_from((now - since) / 1000).unwrap_or(i32::MAX)).max(0.0)
        };
        let about = "Messages that could leave, by channel.";
        let depth = IntGaugeVec::new(Opts::new("vestnik_queue_messages", about), &["channel"])?;
        let about = "How long the oldest message of a channel could have left.";
        let oldest = GaugeVec::new(
            Opts::new("vestnik_queue_oldest_seconds", about),
            &["channel"],
        )?;
        let waiting = self.store.waiting(now).await?;
        for channel in self.ledger.configured.iter().map(|channel| channel.code()) {
            let one = waiting.get(channel).cloned().unwrap_or_default();
            depth.with_label_values(&[channel]).set(one.ready);
            oldest
                .with_label_values(&[channel])
                .set(one.oldest.map_or(0.0, seconds));
        }
        registry.register(Box::new(depth))?;
        registry.register(Box::new(oldest))?;
        let reading = self.store.reading().await?;
        let about = "How long the oldest change of the journal has waited to be read.";
        let lag = GaugeVec::new(Opts::new("vestnik_journal_lag_seconds", about), &[])?;
        lag.with_label_values::<&str>(&[])
            .set(reading.oldest.map_or(0.0, seconds));
        registry.register(Box::new(lag))?;
        let about = "When something was written into the journal last.";
        let last = reading.last.unwrap_or_default() / 1000;
        gauge(
            registry,
            "vestnik_journal_last_write_timestamp_seconds",
            about,
            last,
        )?;
        Ok(())
    }

    async fn money(&self, registry: &Registry) -> anyhow::Result<()> {
        let today = zone::local(self.clock.now(), self.ledger.zone).date();
        let labels = &["lane"];
        let about = "What SMS have cost in this calendar month, in kopecks.";
        let cost = IntGaugeVec::new(Opts::new("vestnik_spending_kopecks", about), labels)?;
        let about = "How many SMS they were.";
        let parts = IntGaugeVec::new(Opts::new("vestnik_spending_parts", about), labels)?;
        for one in self.store.spending(&month(today)).await? {
            cost.with_label_values(&[&one.lane]).set(one.cost.0);
            parts.with_label_values(&[&one.lane]).set(one.parts);
        }
        registry.register(Box::new(cost))?;
        registry.register(Box::new(parts))?;
        let budget = self.ledger.budget.map_or(0, |budget| budget.month.0);
        let about =
            "What SMS may cost in a calendar month, in kopecks; 0 where that is not limited.";
        gauge(registry, "vestnik_budget_kopecks", about, budget)?;
        let about = "Guardians who wait for their sheet because there is no money for an SMS.";
        let without = self.store.without_money().await?;
        Ok(gauge(registry, "vestnik_without_money", about, without)?)
    }

    async fn calls(&self, registry: &Registry) -> anyhow::Result<()> {
        let attempts = IntCounterVec::new(
            Opts::new(
                "vestnik_attempts_total",
                "Calls to providers by how they ended.",
            ),
            &["lane", "outcome"],
        )?;
        for ((lane, outcome), count) in self.store.attempts().await? {
            let count = u64::try_from(count).unwrap_or_default();
            attempts.with_label_values(&[&lane, &outcome]).inc_by(count);
        }
        registry.register(Box::new(attempts))?;
        let strange = IntCounterVec::new(
            Opts::new(
                "vestnik_not_understood_total",
                "Answers and receipts of providers that nobody understood.",
            ),
            &["lane"],
        )?;
        for (lane, count) in self.store.not_understood().await? {
            let count = u64::try_from(count).unwrap_or_default();
            strange.with_label_values(&[&lane]).inc_by(count);
        }
        registry.register(Box::new(strange))?;
        Ok(())
    }
}

fn counts(registry: &Registry, status: &Status) -> prometheus::Result<()> {
    let messages = IntGaugeVec::new(
        Opts::new(
            "vestnik_messages",
            "Messages, and sheets of paper, by channel and state.",
        ),
        &["channel", "state"],
    )?;
    for (channel, states) in &status.messages {
        for (state, count) in states {
            messages.with_label_values(&[channel, state]).set(*count);
        }
    }
    registry.register(Box::new(messages))?;
    let notices = IntGaugeVec::new(
        Opts::new(
            "vestnik_notices",
            "Duties to tell somebody something, by state.",
        ),
        &["state"],
    )?;
    for (state, count) in &status.notices {
        notices.with_label_values(&[state]).set(*count);
    }
    registry.register(Box::new(notices))?;
    let resting = IntGaugeVec::new(
        Opts::new(
            "vestnik_lane_resting",
            "Provider accounts that rest, because they are out of order.",
        ),
        &["lane"],
    )?;
    for lane in status.resting.keys() {
        resting.with_label_values(&[lane]).set(1);
    }
    registry.register(Box::new(resting))?;
    let standing = IntGaugeVec::new(
        Opts::new(
            "vestnik_lane_standing",
            "How provider accounts stand: healthy, suspect, trial or down.",
        ),
        &["lane", "standing"],
    )?;
    for (lane, stands) in &status.lanes {
        for one in Standing::ALL.map(Standing::code) {
            let is = i64::from(one == stands.standing);
            standing.with_label_values(&[lane.as_str(), one]).set(is);
        }
    }
    registry.register(Box::new(standing))
}

fn holds(registry: &Registry, holds: &[Hold]) -> prometheus::Result<()> {
    let open = IntGaugeVec::new(
        Opts::new(
            "vestnik_holds",
            "Questions that wait for a person's decision, by kind.",
        ),
        &["kind"],
    )?;
    for hold in holds {
        open.with_label_values(&[&hold.kind]).inc();
    }
    registry.register(Box::new(open))
}

fn alarms(registry: &Registry, lasting: &[(Alarm, Millis)]) -> prometheus::Result<()> {
    let open = IntGaugeVec::new(
        Opts::new(
            "vestnik_alarms",
            "What somebody has to look at, by code; two people are told of it.",
        ),
        &["code"],
    )?;
    for (alarm, _) in lasting {
        open.with_label_values(&[alarm.to_string()]).set(1);
    }
    registry.register(Box::new(open))
}

fn gauge(registry: &Registry, name: &str, help: &str, value: i64) -> prometheus::Result<()> {
    let gauge = IntGauge::new(name, help)?;
    gauge.set(value);
    registry.register(Box::new(gauge))
}

async fn metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.text().await {
        Ok(text) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(error) => {
            tracing::error!(error = crate::app::story(error.as_ref()), "no metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
