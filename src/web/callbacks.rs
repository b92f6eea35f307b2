//! `/callback/sms`: receipts that an SMS gateway posts. What proves to be the provider's is written down as
//! it came, and the engine is woken; what it means is the engine's business.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::any,
};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;
use vestnik_sms::{Sms, gateway::Refused};

use crate::{clock::Clock, config::SmsPlace, providers, store::Store};

/// A hundred receipts of a gateway take a few kilobytes.
const LONGEST: usize = 64 * 1024;

/// The account that receipts come for.
#[derive(Clone)]
pub struct Callbacks {
    store: Store,
    sms: Arc<Sms>,
    place: SmsPlace,
    lane: String,
    look: Arc<Notify>,
    clock: Clock,
}

impl Callbacks {
    /// Receipts for the account of this place; `look` wakes the engine.
    pub fn new(
        store: Store,
        sms: Arc<Sms>,
        place: SmsPlace,
        look: Arc<Notify>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            sms,
            place,
            lane: place.lane().to_owned(),
            look,
            clock,
        }
    }

    /// The path, with the secret behind it where the gateway does not sign.
    pub fn router(self) -> Router {
        let path = providers::callback(self.place);
        Router::new()
            .route(path, any(bare))
            .route(&format!("{path}/{{secret}}"), any(with_secret))
            .layer(DefaultBodyLimit::max(LONGEST))
            .with_state(self)
    }

    /// Fetches receipts as often as the gateway wants it, until `stop`; ends at once where it keeps none.
    pub async fn fetch(self, stop: CancellationToken) {
        let Some(pause) = self.sms.polls_every() else {
            return;
        };
        // A time-out round the end of the program is the pause.
        while timeout(pause, stop.cancelled()).await.is_err() {
            match self.sms.poll().await {
                Ok(receipts) if receipts.is_empty() => {}
                // What was fetched is not given again: it is tried until it is on the disk.
                Ok(receipts) => {
                    while !self.keep(&receipts).await
                        && timeout(pause, stop.cancelled()).await.is_err()
                    {}
                }
                Err(reason) => {
                    tracing::warn!(
                        lane = self.lane,
                        code = reason.code,
                        why = reason.text,
                        "receipts could not be fetched"
                    );
                }
            }
        }
    }

    /// Writes receipts down and wakes the engine; false where the database fails.
    async fn keep(&self, receipts: &[vestnik_sms::Receipt]) -> bool {
        let kept = self
            .store
            .keep_receipts(&self.lane, receipts, self.clock.now())
            .await;
        match kept {
            Ok(0) => true,
            Ok(_) => {
                self.look.notify_one();
                true
            }
            Err(error) => {
                tracing::error!(
                    error = crate::app::story(&error),
                    "receipts could not be kept"
                );
                false
            }
        }
    }

    async fn hear(
        &self,
        secret: Option<&str>,
        query: Option<&str>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response {
        let header = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        match self
            .sms
            .hear(secret, query.unwrap_or_default(), &header, body)
        {
            Ok(heard) if self.keep(&heard.receipts).await => heard.reply.into_response(),
            Ok(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            Err(Refused::None) => StatusCode::NOT_FOUND.into_response(),
            Err(refused) => {
                tracing::warn!(lane = self.lane, why = %refused, "a receipt was refused");
                match refused {
                    Refused::Forged => StatusCode::FORBIDDEN.into_response(),
                    _ => StatusCode::BAD_REQUEST.into_response(),
                }
            }
        }
    }
}

async fn bare(
    State(callbacks): State<Callbacks>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    callbacks
        .hear(None, query.as_deref(), &headers, &body)
        .await
}

async fn with_secret(
    State(callbacks): State<Callbacks>,
    Path(secret): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    callbacks
        .hear(Some(&secret), query.as_deref(), &headers, &body)
        .await
}
