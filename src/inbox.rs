//! What providers say by themselves, from the channel's hand into the database.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;
use vestnik_contract::{Received, Sink};

use crate::{
    app::{Provider, story},
    clock::Clock,
    store::Store,
};

/// How long to wait after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// How often to ask whether a quarantine is over.
const QUARANTINE: Duration = Duration::from_secs(10);

/// How long a farewell to a provider may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// Where one account's channel lays what its provider says.
pub struct Inbox {
    /// Where it is kept.
    pub store: Store,
    /// The account.
    pub lane: String,
    /// When it came.
    pub clock: Clock,
    /// Told that a turn has something to settle.
    pub look: Arc<Notify>,
    /// When the program ends.
    pub stop: CancellationToken,
}

#[async_trait]
impl Sink for Inbox {
    /// Tries until it is kept: the provider waits for a word meanwhile, and says it again to the next
    /// process if none comes.
    async fn keep(&self, received: &[Received]) -> bool {
        loop {
            let now = self.clock.now();
            match self.store.keep_received(&self.lane, received, now).await {
                Ok(()) => {
                    self.look.notify_one();
                    return true;
                }
                Err(error) => tracing::error!(
                    lane = self.lane,
                    error = story(&error),
                    "what a provider says cannot be kept; it is tried again"
                ),
            }
            // A time-out round what ends with the program is the pause.
            let pause = timeout(AFTER_FAILURE, self.stop.cancelled());
            if pause.await.is_ok() {
                return false;
            }
        }
    }
}

/// Listens to one provider until `inbox.stop`, and takes leave of it when `ended` is. In quarantine it
/// does not: what a provider has to say is said to the database that sent the messages.
pub async fn listen(provider: &Provider, inbox: Inbox, ended: CancellationToken) {
    let stop = inbox.stop.clone();
    let store = inbox.store.clone();
    tokio::select! {
        () = ended.cancelled() => {}
        () = async {
            while !matches!(store.quarantined().await, Ok(false)) {
                let _ = timeout(QUARANTINE, stop.cancelled()).await;
                if stop.is_cancelled() {
                    return;
                }
            }
            provider.listen(Arc::new(inbox)).await;
            pending().await
        } => {}
    }
    let _ = timeout(FAREWELL, provider.close()).await;
}
