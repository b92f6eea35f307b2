//! `/callback/telegram`: where Telegram brings what people do, if it is not asked for it.
//!
//! What is brought is acknowledged when it has been handled and written down; until then Telegram brings it
//! again (core.telegram.org/bots/api#setwebhook).

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode},
    routing::post,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{bot::Brought, links::Links};

/// The path.
pub const PATH: &str = "/callback/telegram";

/// The name under which its word is sealed.
pub const MESSENGER: &str = "telegram";

/// An update takes a few kilobytes.
const LONGEST: usize = 256 * 1024;

/// How long somebody who brings something waits.
const PATIENCE: Duration = Duration::from_secs(20);

/// The header that proves who brings it.
const PROOF: &str = "x-telegram-bot-api-secret-token";

/// Who takes what is brought.
#[derive(Clone)]
pub struct Hooks {
    links: Arc<Links>,
    bot: mpsc::Sender<Brought>,
}

impl Hooks {
    /// For this bot.
    pub fn new(links: Arc<Links>, bot: mpsc::Sender<Brought>) -> Self {
        Self { links, bot }
    }

    /// The page.
    pub fn router(self) -> Router {
        Router::new()
            .route(PATH, post(bring))
            .layer(DefaultBodyLimit::max(LONGEST))
            .with_state(self)
    }

    async fn take(&self, body: &[u8]) -> StatusCode {
        let Some(update) = vestnik_telegram::chat::read(body) else {
            // It would be brought for ever.
            tracing::warn!("what Telegram brought cannot be read and is left out");
            return StatusCode::OK;
        };
        let (handled, answer) = oneshot::channel();
        let sent = self.bot.send((update, handled));
        match timeout(PATIENCE, async { sent.await.ok().and(answer.await.ok()) }).await {
            Ok(Some(true)) => StatusCode::OK,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

async fn bring(State(hooks): State<Hooks>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let said = headers.get(PROOF).and_then(|value| value.to_str().ok());
    if !said.is_some_and(|said| hooks.links.is_hook(MESSENGER, said)) {
        tracing::warn!("somebody brings what is not Telegram's");
        return StatusCode::FORBIDDEN;
    }
    hooks.take(&body).await
}
