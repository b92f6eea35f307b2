//! The bot: parents are told and can ask, nobody types a command who does not want to.
//!
//! One core for all messengers. [`Bot`] takes what people do from a [`Messenger`], one update after the
//! other, decides in one transaction what it means, and shows the answer when that has been written down:
//! after a power cut nothing is done twice, and what was not shown is shown. What a button means stands in
//! the database under a name that nobody can guess; the button holds that name alone.

mod admin;
mod answer;
mod below;
pub mod code;
mod door;
mod page;
mod parent;
mod progress;
mod teacher;
mod turn;
mod words;

use std::{collections::BTreeMap, future::pending, num::NonZeroU32, sync::Arc, time::Duration};

use chrono_tz::Tz;
use futures::{StreamExt, stream};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    sync::{Notify, mpsc, oneshot},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use vestnik_contract::{Action, Hook, Messenger, Outcome, Screen, Update};

use crate::{
    announce::MAX_FILE,
    app::{Pace, story},
    clock::Clock,
    family::contact::Channel,
    instant::{DAY, Millis},
    links::Links,
    money::Tariff,
    quiet::Quiet,
    store::{Store, StoreError},
    text::{ContentLevel, TemplateError, Templates},
    zone,
};

use answer::Answer;
pub use below::Below;
pub(crate) use below::buttons;
use progress::Beside;
use teacher::Tokens;
use turn::Turn;
pub use words::{Words, WordsError};

/// The lane of whoever talks: a messenger serves one program at a time.
const LANE: &str = "bot";

/// How long to wait after the messenger or the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// The longest wait while the messenger goes on failing.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How often to look for what the bot has to say by itself, where nobody says that there is something.
const POLL: Duration = Duration::from_secs(1);

/// How many conversations are answered at once.
const AT_ONCE: usize = 8;

/// How often a call is tried that the messenger puts off.
const TRIES: usize = 4;

/// How much one chat may do in a minute, and at once; nobody who reads what is answered does more.
const A_MINUTE: NonZeroU32 = NonZeroU32::new(120).unwrap();

/// After so long without updates a messenger may begin to number them anew.
const NUMBERED_ANEW: Millis = 6 * DAY;

/// What the bot goes by.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The school's zone.
    pub zone: Tz,
    /// When families sleep, where they named no hours of their own.
    pub quiet: Quiet,
    /// How much of the content the messenger may carry.
    pub content: ContentLevel,
    /// The channels that are configured.
    pub channels: Vec<Channel>,
    /// What SMS cost.
    pub tariff: Tariff,
    /// The lane that carries SMS.
    pub lane: String,
}

/// Why an update could not be handled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BotError {
    /// The database failed: it is tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A sentence is wrong.
    #[error(transparent)]
    Words(#[from] WordsError),
    /// A template is wrong.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// What was to be remembered cannot be written.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// What was in a file that somebody sent.
#[derive(Default)]
struct Opened {
    /// The file, for a word to many.
    content: Option<Vec<u8>>,
    /// What the pictures in a photo say.
    codes: Vec<String>,
}

/// What a webhook brings, and whom to tell whether it was handled.
pub type Brought = (Update, oneshot::Sender<bool>);

/// How many updates of a webhook may wait.
pub const WAITING: usize = 100;

/// A bot of one messenger.
pub struct Bot {
    store: Store,
    messenger: Arc<dyn Messenger>,
    channel: Channel,
    words: Words,
    templates: Templates,
    links: Arc<Links>,
    manner: Manner,
    clock: Clock,
    random: StdRng,
    tokens: Tokens,
    pace: Pace,
    /// How much each chat did lately.
    patience: DefaultKeyedRateLimiter<String>,
    /// Where the messenger brings what people do, and what it brought; none where it is asked.
    hook: Option<(Hook, mpsc::Receiver<Brought>)>,
    /// Told that the bot has written something that a turn should see.
    look: Arc<Notify>,
}

impl Bot {
    /// A bot that talks through `messenger` on the database of `store`.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is one thing that the bot needs, and none goes with another"
    )]
    pub fn new(
        store: Store,
        (messenger, channel): (Arc<dyn Messenger>, Channel),
        words: Words,
        templates: Templates,
        links: Arc<Links>,
        manner: Manner,
        (clock, random): (Clock, StdRng),
        pace: Pace,
        look: Arc<Notify>,
    ) -> Self {
        Self {
            store,
            messenger,
            channel,
            words,
            templates,
            links,
            manner,
            clock,
            random,
            tokens: Tokens::default(),
            patience: RateLimiter::keyed(Quota::per_minute(A_MINUTE)),
            hook: None,
            pace,
            look,
        }
    }

    /// The same bot, to which the messenger brings what people do.
    #[must_use]
    pub fn with_hook(mut self, hook: Hook, brought: mpsc::Receiver<Brought>) -> Self {
        self.hook = Some((hook, brought));
        self
    }

    /// Talks until `stop`. `alone` says that no other process can be alive on this database.
    pub async fn run(mut self, holder: String, alone: bool, stop: CancellationToken) {
        let holder = format!("{holder}-bot");
        while !stop.is_cancelled() {
            let ours = match self.store.quarantined().await {
                // What people do is said to the database that spoke to them.
                Ok(true) => Ok(None),
                Ok(false) => {
                    let now = self.clock.now();
                    self.store.take(LANE, &holder, alone, now).await
                }
                Err(error) => Err(error),
            };
            match ours {
                Ok(Some(_)) => {
                    self.talk(&holder, &stop).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!(error = story(&error), "the bot waits"),
            }
            let _ = timeout(AFTER_FAILURE, stop.cancelled()).await;
        }
    }

    /// Talks as long as the lane is ours.
    async fn talk(&mut self, holder: &str, stop: &CancellationToken) {
        let mut beside = self.beside();
        self.resume().await;
        tokio::select! {
            () = stop.cancelled() => {}
            () = beside.run(holder) => {}
            () = self.listen() => {}
        }
    }

    /// Shows what was answered before the program ended and may not have been shown.
    async fn resume(&self) {
        let now = self.clock.now();
        match self.store.unanswered(self.channel, now).await {
            Ok(left) => {
                for one in left {
                    if let Ok(answer) = serde_json::from_str::<Answer>(&one.answer) {
                        self.deliver(&one.chat, one.update_id, &answer, now).await;
                    }
                }
            }
            Err(error) => tracing::error!(error = story(&error), "old answers cannot be read"),
        }
    }

    /// Takes updates for as long as it is polled.
    async fn listen(&mut self) {
        let hook = self.hook.as_ref().map(|(hook, _)| hook.clone());
        let set = calm(&self.pace, || self.messenger.bring_to(hook.as_ref())).await;
        if let Some(reason) = set.reason() {
            tracing::warn!(code = reason.code, why = reason.text, "the webhook");
        }
        if hook.is_some() {
            return self.receive().await;
        }
        let (mut after, mut pause) = (0, AFTER_FAILURE);
        loop {
            match self.messenger.updates(after).await {
                Ok(updates) => {
                    pause = AFTER_FAILURE;
                    if self.take(&updates, self.clock.now()).await {
                        after = updates.last().map_or(after, |last| last.id);
                        continue;
                    }
                }
                Err(reason) => {
                    tracing::warn!(code = reason.code, why = reason.text, "nobody can be heard");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
            let _ = timeout(pause, pending::<()>()).await;
        }
    }

    /// Takes what the messenger brings.
    async fn receive(&mut self) {
        loop {
            let Some((_, brought)) = &mut self.hook else {
                return;
            };
            let Some((update, handled)) = brought.recv().await else {
                // Nobody brings anything any more: the program ends.
                return pending().await;
            };
            let now = self.clock.now();
            // Who does not wait any more brings it again.
            let _ = handled.send(self.take(&[update], now).await);
        }
    }

    /// Handles updates in their order and shows the answers; false where they have to be handled again.
    pub async fn take(&mut self, updates: &[Update], now: Millis) -> bool {
        let mut answers: BTreeMap<&str, Vec<(i64, Answer)>> = BTreeMap::new();
        let mut all = true;
        for update in updates {
            match self.handle(update, now).await {
                Ok(Some(answer)) => {
                    let own = answers.entry(&update.chat).or_default();
                    own.push((update.id, answer));
                }
                Ok(None) => {}
                Err(BotError::Store(error)) => {
                    tracing::error!(error = story(&error), "an update waits for the database");
                    all = false;
                    break;
                }
                // It would fail for ever.
                Err(error) => {
                    tracing::error!(
                        error = story(&error),
                        update = update.id,
                        "an update failed"
                    );
                }
            }
        }
        self.look.notify_one();
        self.patience.retain_recent();
        let this = &*self;
        stream::iter(answers)
            .for_each_concurrent(AT_ONCE, |(chat, answers)| async move {
                for (update_id, answer) in answers {
                    this.deliver(chat, update_id, &answer, now).await;
                }
            })
            .await;
        all
    }

    /// Says what is to be said by itself and shows how watched words spread, once.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn say_all(&mut self, now: Millis) -> Result<(), StoreError> {
        let mut beside = self.beside();
        beside.tell_leads(now).await?;
        beside.remind_of_sheets(now).await?;
        beside.say(now).await?;
        beside.watch(now).await
    }

    fn beside(&mut self) -> Beside {
        Beside {
            store: self.store.clone(),
            messenger: self.messenger.clone(),
            channel: self.channel,
            clock: self.clock,
            manner: self.manner.clone(),
            morning: None,
            reminded: None,
            words: self.words.clone(),
            random: StdRng::from_rng(&mut self.random),
            pace: self.pace.clone(),
        }
    }

    /// Decides what an update means, and writes it down with its answer. None where it was handled
    /// before, or means nothing.
    async fn handle(&mut self, update: &Update, now: Millis) -> Result<Option<Answer>, BotError> {
        if !update.private || update.chat.is_empty() {
            return Ok(None);
        }
        if self.patience.check_key(&update.chat).is_err() {
            tracing::warn!(
                update = update.id,
                "a chat does too much and is not answered"
            );
            return Ok(None);
        }
        let brought = self.brought(update).await?;
        for _ in 0..TRIES {
            match self.once(update, &brought, now).await {
                Err(BotError::Store(error)) if error.is_conflict() => {}
                done => return done,
            }
        }
        self.once(update, &brought, now).await
    }

    async fn once(
        &mut self,
        update: &Update,
        brought: &Opened,
        now: Millis,
    ) -> Result<Option<Answer>, BotError> {
        let today = zone::local(now, self.manner.zone).date();
        let mut tx = self.store.transaction().await?;
        let dialogue = tx.dialogue(self.channel, &update.chat).await?;
        if update.id <= dialogue.update_id && now - dialogue.updated_at < NUMBERED_ANEW {
            return Ok(None);
        }
        let owners = tx.owners(self.channel, &update.chat, today).await?;
        let mut turn = Turn {
            tx: &mut tx,
            store: &self.store,
            channel: self.channel,
            words: &self.words,
            templates: &self.templates,
            links: &self.links,
            manner: &self.manner,
            tokens: &mut self.tokens,
            random: &mut self.random,
            chat: &update.chat,
            brought: brought.content.as_deref(),
            codes: &brought.codes,
            language: crate::text::Language::default(),
            state: dialogue.state(),
            dialogue,
            owners,
            now,
            today,
        };
        turn.learn_language().await?;
        let reply = turn.act(&update.action).await?;
        let answer = turn.finish(update, reply).await?;
        tx.commit().await?;
        Ok(Some(answer))
    }

    /// Shows an answer, and notes that it has been shown.
    async fn deliver(&self, chat: &str, update_id: i64, answer: &Answer, now: Millis) {
        if let Some(press) = &answer.press {
            let words = answer.alert.as_deref();
            calm(&self.pace, || self.messenger.heard(press, words)).await;
        }
        for (at, screen) in answer.screens().iter().enumerate() {
            let instead = answer.instead.as_deref().filter(|_| at == 0);
            let Some(message) = self.place(chat, screen, instead).await else {
                break;
            };
            if let Some(watched) = answer.watches.filter(|_| at == 0) {
                let place = (self.channel, chat);
                if let Err(error) = self.store.watch(watched, place, &message, now).await {
                    tracing::error!(error = story(&error), "nobody sees how a word spreads");
                }
            }
        }
        for file in &answer.files {
            match self.store.attachment(*file).await {
                Ok(Some(file)) => self.send_file(chat, &file).await,
                Ok(None) => {}
                Err(error) => tracing::error!(error = story(&error), "a file cannot be read"),
            }
        }
        if let Some(run) = answer.run {
            self.send_sheets(chat, run).await;
        }
        if !answer.menu.is_empty() {
            let commands = answer.commands();
            calm(&self.pace, || self.messenger.menu(chat, &commands)).await;
        }
        let answered = self.store.answered(self.channel, chat, update_id);
        if let Err(error) = answered.await {
            tracing::error!(error = story(&error), "an answer may be shown twice");
        }
    }

    /// Sends the sheets of a run into the chat of who may see them.
    async fn send_sheets(&self, chat: &str, run: i64) {
        let path = match self.store.file_of_run(run).await {
            Ok(Some(path)) => path,
            Ok(None) => return,
            Err(error) => {
                tracing::error!(error = story(&error), run, "a run cannot be read");
                return;
            }
        };
        match tokio::fs::read(&path).await {
            Ok(content) => {
                let file = vestnik_contract::File {
                    name: path.file_name().map_or_else(
                        || "sheets.pdf".to_owned(),
                        |name| name.to_string_lossy().into_owned(),
                    ),
                    mime: "application/pdf".to_owned(),
                    content: content.into(),
                };
                self.send_file(chat, &file).await;
            }
            Err(error) => tracing::error!(%error, run, "the file of a run cannot be read"),
        }
    }

    /// Sends a file into a chat.
    async fn send_file(&self, chat: &str, file: &vestnik_contract::File) {
        let sent = calm(&self.pace, || self.messenger.document(chat, file)).await;
        if let Some(reason) = sent.reason() {
            tracing::warn!(code = reason.code, why = reason.text, "a file was not sent");
        }
    }

    /// What is in the file that somebody sent, where it is awaited: a file for a word to many, or a photo of
    /// slips. It is fetched and read before the database is asked anything that it has to hold still for.
    async fn brought(&self, update: &Update) -> Result<Opened, BotError> {
        let Action::Attached(file) = &update.action else {
            return Ok(Opened::default());
        };
        let state = self.store.dialogue_state(self.channel, &update.chat);
        let state = state.await?.unwrap_or_default();
        if file.bytes > MAX_FILE || !matches!(state.as_str(), "drafting" | "paper") {
            return Ok(Opened::default());
        }
        self.pace.wait().await;
        let content = match self.messenger.fetch(&file.file, MAX_FILE).await {
            Ok(content) => content,
            Err(reason) => {
                tracing::warn!(code = reason.code, why = reason.text, "a file was not had");
                return Ok(Opened::default());
            }
        };
        if state == "drafting" {
            return Ok(Opened {
                content: Some(content),
                codes: Vec::new(),
            });
        }
        let codes = spawn_blocking(move || vestnik_sheet::codes(&content)).await;
        Ok(Opened {
            content: None,
            codes: codes.unwrap_or_default(),
        })
    }

    /// Puts a screen in the place of a message where there is one, or below it, and says which message it is;
    /// none where nothing more can be shown in this chat.
    async fn place(&self, chat: &str, screen: &Screen, instead: Option<&str>) -> Option<String> {
        if let Some(message) = instead {
            let altered = calm(&self.pace, || self.messenger.alter(chat, message, screen)).await;
            if matches!(altered, Outcome::Accepted { .. }) {
                return Some(message.to_owned());
            }
        }
        let shown = calm(&self.pace, || self.messenger.show(chat, screen)).await;
        if let Some(reason) = shown.reason() {
            tracing::warn!(
                code = reason.code,
                why = reason.text,
                "an answer was not shown"
            );
        }
        match shown {
            Outcome::Accepted { provider_ref } => Some(provider_ref.unwrap_or_default()),
            _ => None,
        }
    }
}

/// Makes a call at the pace that the messenger bears, and again where it asks for patience.
async fn calm<F: Future<Output = Outcome>>(pace: &Pace, call: impl Fn() -> F) -> Outcome {
    let mut outcome = Outcome::InDoubt {
        reason: vestnik_contract::Reason::new(
            "not_called",
            "The messenger was not called.",
            vestnik_contract::Fault::Network,
        ),
    };
    for _ in 0..TRIES {
        pace.wait().await;
        outcome = call().await;
        let Outcome::Deferred { retry_after, .. } = &outcome else {
            break;
        };
        let pause = retry_after
            .unwrap_or(AFTER_FAILURE)
            .min(Duration::from_mins(1));
        let _ = timeout(pause, pending::<()>()).await;
    }
    outcome
}
