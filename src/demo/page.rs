//! The demo's pages: what arrived, and each message's history.

use std::sync::Arc;

use anyhow::Result;
use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use chrono_tz::Tz;
use handlebars::Handlebars;
use serde_json::{Value, json};
use vestnik_sms::parts;

use crate::{
    clock::Clock,
    explain::tell,
    store::{History, Store},
    zone,
};

/// How many messages of each channel the page shows.
const SHOWN: usize = 12;

/// What the pages need.
#[derive(Clone)]
pub(super) struct Pages {
    store: Store,
    clock: Clock,
    zone: Tz,
    templates: Arc<Handlebars<'static>>,
}

impl Pages {
    /// Prepares the pages.
    ///
    /// # Errors
    /// A template that does not parse, which a test rules out.
    pub(super) fn new(store: Store, clock: Clock, zone: Tz) -> Result<Self> {
        let mut templates = Handlebars::new();
        templates.set_strict_mode(true);
        templates.register_template_string("demo", include_str!("../../templates/web/demo.hbs"))?;
        templates
            .register_template_string("message", include_str!("../../templates/web/message.hbs"))?;
        templates.register_partial("style", include_str!("../../templates/web/style.hbs"))?;
        Ok(Self {
            store,
            clock,
            zone,
            templates: Arc::new(templates),
        })
    }

    /// The paths. They show names and texts, so they listen on this machine only.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/", get(all))
            .route("/messages/{reference}", get(one))
            .with_state(self)
    }

    fn at(&self, instant: i64) -> String {
        zone::local(instant, self.zone)
            .format("%a %d.%m. %H:%M")
            .to_string()
    }

    fn card(&self, history: &History) -> Value {
        let pieces: Vec<&str> = if history.channel == "sms" {
            parts::split(&history.text)
        } else {
            Vec::new()
        };
        let ending = if pieces.len() == 1 { "part" } else { "parts" };
        json!({
            "reference": history.reference,
            "guardian": history.guardian,
            "address": history.address,
            "subject": history.subject,
            "pieces": pieces,
            "parts": format!("{} {ending}", pieces.len()),
            "html": history.html,
            "state": history.state,
            "at": self.at(history.composed_at),
            "doubt": history.possible_duplicate,
        })
    }

    async fn overview(&self) -> Result<String> {
        let now = self.clock.now();
        let status = self.store.status(now).await?;
        let newest = self.store.newest(200).await?;
        let of = |channel: &str| -> Vec<Value> {
            newest
                .iter()
                .filter(|history| history.channel == channel)
                .take(SHOWN)
                .map(|history| self.card(history))
                .collect()
        };
        let messages: Vec<Value> = status
            .messages
            .iter()
            .map(|(channel, states)| json!({"channel": channel, "states": states}))
            .collect();
        let data = json!({
            "now": zone::local(now, self.zone).format("%A, %d %B %Y, %H:%M").to_string(),
            "messages": messages,
            "notices": status.notices,
            "in_doubt": status.in_doubt,
            "duplicates": status.possible_duplicates,
            "sms": of("sms"),
            "email": of("email"),
            "list": newest.iter().take(60).map(|history| self.card(history)).collect::<Vec<_>>(),
        });
        Ok(self.templates.render("demo", &data)?)
    }

    fn story(&self, history: &History) -> Result<String> {
        let mut data = self.card(history);
        let lines = tell(history, self.zone);
        data["story"] = json!(lines.iter().map(|line| line.trim()).collect::<Vec<_>>());
        data["channel"] = json!(history.channel);
        Ok(self.templates.render("message", &data)?)
    }
}

async fn all(State(pages): State<Pages>) -> Response {
    answer(pages.overview().await)
}

async fn one(State(pages): State<Pages>, Path(reference): Path<String>) -> Response {
    match pages.store.history(&reference).await {
        Ok(Some(history)) => answer(pages.story(&history)),
        Ok(None) => (StatusCode::NOT_FOUND, "no message is called so").into_response(),
        Err(error) => answer(Err(error.into())),
    }
}

/// Nothing from elsewhere, no script: a mail that is shown here must not run anything.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; img-src 'none'";

fn answer(page: Result<String>) -> Response {
    match page {
        Ok(page) => {
            let headers = [
                (header::CONTENT_SECURITY_POLICY, POLICY),
                (header::CACHE_CONTROL, "no-store"),
            ];
            (headers, Html(page)).into_response()
        }
        Err(error) => {
            tracing::error!(error = crate::app::story(error.as_ref()), "a page failed");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page failed; see the log",
            )
                .into_response()
        }
    }
}
