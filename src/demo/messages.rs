//! `/messages` and `/messages/REF`: the messages of invented families by state, and one message's timeline. Nobody logs
//! in to them.

use std::sync::Arc;

use anyhow::Result;
use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use chrono_tz::Tz;
use handlebars::Handlebars;
use serde::Deserialize;
use serde_json::{Value, json};
use vestnik_sms::parts;

use crate::{
    explain::tell,
    instant::Millis,
    store::{History, Listed, Store},
    web::page::{answer, templates},
    zone,
};

/// How many messages one page lists.
const SHOWN: usize = 100;

/// What the pages need.
#[derive(Clone)]
pub(super) struct Messages {
    store: Store,
    zone: Tz,
    templates: Arc<Handlebars<'static>>,
}

/// What is to be listed.
#[derive(Debug, Default, Deserialize)]
struct Filter {
    channel: Option<String>,
    state: Option<String>,
    before: Option<i64>,
}

impl Messages {
    /// Prepares the pages.
    ///
    /// # Errors
    /// A template that does not parse, which a test rules out.
    pub(super) fn new(store: Store, zone: Tz) -> Result<Self> {
        Ok(Self {
            store,
            zone,
            templates: Arc::new(templates()?),
        })
    }

    /// The paths.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/messages", get(list))
            .route("/messages/{reference}", get(one))
            .with_state(self)
    }

    async fn list(&self, filter: &Filter) -> Result<String> {
        let named = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (channel, state) = (named(&filter.channel), named(&filter.state));
        let listed = self
            .store
            .messages(
                channel.as_deref(),
                state.as_deref(),
                filter.before,
                i64::try_from(SHOWN + 1).unwrap_or(i64::MAX),
            )
            .await?;
        let more = listed.len() > SHOWN;
        let last = listed.iter().take(SHOWN).next_back().map(|one| one.id);
        let counts: Vec<Value> = self
            .store
            .message_states()
            .await?
            .into_iter()
            .map(|(channel, states)| json!({"channel": channel, "states": states}))
            .collect();
        let paper: Vec<String> = self
            .store
            .failed_runs()
            .await?
            .into_iter()
            .map(|(class, week, why)| format!("{class} has no sheets for {week}: {why}"))
            .collect();
        // What is held may name people, so that the page says only how much there is.
        let held = self.store.holds().await?.len();
        let data = json!({
            "paper": paper,
            "held": (held > 0).then(|| format!("{held} {}", if held == 1 { "question waits" } else { "questions wait" })),
            "counts": counts,
            "channel": channel.unwrap_or_default(),
            "state": state.unwrap_or_default(),
            "list": listed.iter().take(SHOWN).map(|one| self.line(one)).collect::<Vec<_>>(),
            "older": if more { last } else { None },
        });
        Ok(self.templates.render("messages", &data)?)
    }

    fn line(&self, one: &Listed) -> Value {
        json!({
            "reference": one.reference,
            "channel": one.channel,
            "state": one.state,
            "reason": one.reason,
            "guardian": one.guardian,
            "address": one.address,
            "attempts": one.attempts,
            "composed": at(one.composed_at, self.zone),
            "since": at(one.state_at, self.zone),
            "doubt": one.possible_duplicate,
        })
    }

    async fn one(&self, reference: &str) -> Result<Option<String>> {
        let Some(history) = self.store.history(reference).await? else {
            return Ok(None);
        };
        let mut data = card(&history, self.zone);
        let lines = tell(&history, self.zone);
        data["story"] = json!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>());
        Ok(Some(self.templates.render("message", &data)?))
    }
}

/// A message as pages show it.
pub(super) fn card(history: &History, zone: Tz) -> Value {
    let pieces: Vec<&str> = match history.channel.as_str() {
        "sms" => parts::split(&history.text),
        "telegram" | "paper" if !history.text.is_empty() => vec![&history.text],
        _ => Vec::new(),
    };
    let ending = if pieces.len() == 1 { "part" } else { "parts" };
    json!({
        "reference": history.reference,
        "channel": history.channel,
        "guardian": history.guardian,
        "address": history.address,
        "subject": history.subject,
        "pieces": pieces,
        "parts": format!("{} {ending}", pieces.len()),
        "html": history.html,
        "state": history.state,
        "at": at(history.composed_at, zone),
        "doubt": history.possible_duplicate,
    })
}

/// «Wed 14.10. 18:10»
pub(super) fn at(instant: Millis, zone: Tz) -> String {
    zone::local(instant, zone)
        .format("%a %d.%m. %H:%M")
        .to_string()
}

async fn list(State(messages): State<Messages>, Query(filter): Query<Filter>) -> Response {
    answer(messages.list(&filter).await.map(Some))
}

async fn one(State(messages): State<Messages>, Path(reference): Path<String>) -> Response {
    answer(messages.one(&reference).await)
}
