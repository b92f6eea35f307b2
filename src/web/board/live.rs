//! What changes by itself, sent to the pages that are open (server-sent events, HTML §9.2): made once for all of them,
//! and only while somebody looks.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::get,
};
use futures::{Stream, StreamExt, stream};
use tokio::{sync::Mutex, time::Instant, time::sleep_until};

use super::{Board, fault::Fault, view::Shared, visit::Visit};
use crate::{
    instant::{Millis, SECOND},
    text::Language,
};

/// How often open pages hear of what is new.
const EVERY: Duration = Duration::from_secs(5);

/// How long a part serves all who ask.
const SERVES: Millis = 4 * SECOND;

/// What was made last, by language.
#[derive(Clone, Default)]
pub(super) struct Live(Arc<Mutex<BTreeMap<Language, (Millis, Shared)>>>);

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/live", get(live))
}

impl Board {
    /// What changes by itself, as it is now; pages that are open hear of nothing older.
    pub(super) async fn fresh(&self, language: Language) -> Result<Shared, Fault> {
        let mut made = self.live.0.lock().await;
        let part = self.pulse_of(language).await?;
        made.insert(language, (self.now(), part.clone()));
        Ok(part)
    }

    /// What changes by itself, as it was a moment ago at most.
    async fn shared(&self, language: Language) -> Result<Shared, Fault> {
        // Who asks while it is made waits for it, and does not make it once more.
        let mut made = self.live.0.lock().await;
        let now = self.now();
        if let Some((at, part)) = made.get(&language)
            && (0..SERVES).contains(&(now - at))
        {
            return Ok(part.clone());
        }
        let part = self.pulse_of(language).await?;
        made.insert(language, (now, part.clone()));
        Ok(part)
    }
}

async fn live(State(board): State<Board>, visit: Visit) -> Response {
    let events = events(board, visit);
    Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response()
}

/// One event for each time that the part is another one; none any more when the session is over.
fn events(board: Board, visit: Visit) -> impl Stream<Item = Result<Event, Infallible>> {
    let begun = Instant::now();
    let before: Option<Shared> = None;
    stream::unfold(
        (board, visit, begun, before),
        |(board, visit, due, before)| async move {
            sleep_until(due).await;
            let lasts = board.store.session_lasts(&visit.key_hash, board.now());
            lasts.await.ok().filter(|lasts| *lasts)?;
            let part = board.shared(visit.language()).await.ok();
            let event = match &part {
                Some(part)
                    if part.trim_start().starts_with('<') && Some(part) != before.as_ref() =>
                {
                    Some(Event::default().event("pulse").data(one_line(part)))
                }
                _ => None,
            };
            Some((event, (board, visit, due + EVERY, part)))
        },
    )
    .filter_map(|event| async move { event.map(Ok) })
}

/// Without its line breaks, which would part the event.
fn one_line(part: &str) -> String {
    part.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
