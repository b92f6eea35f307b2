//! `/metrics`: the state of everything for Prometheus, by its naming conventions
//! (prometheus.io/docs/practices/naming).

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use prometheus::{
    Encoder, GaugeVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::health::Pulse;
use crate::{
    clock::Clock,
    store::{Hold, Status, Store},
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
    registry.register(Box::new(resting))
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
