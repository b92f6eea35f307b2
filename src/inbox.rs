//! What providers say by themselves, from the channel's hand into the database.

use std::{future::pending, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;
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
struct Inbox {
    /// Where it is kept.
    store: Store,
    /// The account.
    lane: String,
    /// When it came.
    clock: Clock,
    /// Told that a turn has something to settle.
    look: Arc<Notify>,
    /// When the program ends.
    stop: CancellationToken,
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

/// Those who listen to the providers, one for each account.
pub struct Ears<'a> {
    ears: Vec<(&'a Provider, Inbox)>,
}

/// An ear for each provider.
pub fn ears<'a>(
    providers: &'a [Provider],
    store: &Store,
    clock: Clock,
    look: &Arc<Notify>,
    stop: &CancellationToken,
) -> Ears<'a> {
    let ear = |provider: &'a Provider| {
        let inbox = Inbox {
            store: store.clone(),
            lane: provider.account.lane.clone(),
            clock,
            look: look.clone(),
            stop: stop.clone(),
        };
        (provider, inbox)
    };
    Ears {
        ears: providers.iter().map(ear).collect(),
    }
}

impl Ears<'_> {
    /// Listens as long as the driver's turns go on, so that the last calls have their answers too, and
    /// then takes leave of the providers. The ears are open before the first message leaves.
    pub async fn beside(self, turns: impl Future<Output = ()>) {
        let ended = CancellationToken::new();
        let ears = self
            .ears
            .into_iter()
            .map(|(provider, inbox)| listen(provider, inbox, &ended));
        let turns = async {
            turns.await;
            ended.cancel();
        };
        tokio::join!(join_all(ears), turns);
    }
}

/// Listens to one provider until `ended`. In quarantine it does not: what a provider has to say is said
/// to the database that sent the messages.
async fn listen(provider: &Provider, inbox: Inbox, ended: &CancellationToken) {
    let listening = async {
        while !matches!(inbox.store.quarantined().await, Ok(false)) {
            let _ = timeout(QUARANTINE, pending::<()>()).await;
        }
        provider.listen(Arc::new(inbox)).await;
        pending::<()>().await;
    };
    tokio::select! {
        () = ended.cancelled() => {}
        () = listening => {}
    }
    let _ = timeout(FAREWELL, provider.close()).await;
}
