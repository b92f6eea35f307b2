//! The bot of `serve`: who talks, and where the messenger brings what people do.

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use chrono_tz::Tz;
use tokio::sync::{Notify, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vestnik_contract::Hook;

use crate::{
    app::Provider,
    bot::{Bot, Manner, WAITING, Words},
    clock::{self, Clock},
    config::Config,
    links::Links,
    providers,
    quiet::Quiet,
    store::Store,
    text::Templates,
    web::hook::{Hooks, MESSENGER, PATH},
};

/// A bot, and the page to which its messenger brings what people do.
pub(super) struct Talk {
    bot: Bot,
    hooks: Option<Hooks>,
}

impl Talk {
    /// The bot, where there is a messenger that people can talk to.
    ///
    /// # Errors
    /// The key to correct.
    pub(super) fn new(
        config: &Config,
        store: &Store,
        providers: &[Provider],
        links: Option<Arc<Links>>,
        (zone, quiet): (Tz, Quiet),
        look: &Arc<Notify>,
    ) -> Result<Option<Self>> {
        let Some(account) = &config.telegram else {
            return Ok(None);
        };
        let Some(links) = links else {
            tracing::warn!("the bot only sends: without a key of links nobody can be let in");
            return Ok(None);
        };
        let lane = providers::telegram_lane();
        let pace = providers
            .iter()
            .find(|provider| provider.account.lane == lane.lane)
            .map(Provider::pace);
        let sms = config.sms.as_ref();
        let manner = Manner {
            zone,
            quiet,
            content: account.content,
            channels: config.channels(),
            tariff: config.tariff(),
            lane: sms.map_or("sms", |account| account.place.lane()).to_owned(),
        };
        let bot = Bot::new(
            store.clone(),
            (Arc::new(providers::telegram(account)?), lane.channel),
            Words::embedded()?,
            Templates::load(config.templates.as_deref())?,
            links.clone(),
            manner,
            (Clock::Wall, clock::random()),
            pace.unwrap_or_default(),
            look.clone(),
        );
        let Some(page) = config.public_url.as_ref().filter(|_| account.webhook) else {
            return Ok(Some(Self { bot, hooks: None }));
        };
        let (bring, brought) = mpsc::channel(WAITING);
        let hook = Hook {
            url: format!("{}{PATH}", page.trim_end_matches('/')),
            secret: links.hook(MESSENGER),
        };
        Ok(Some(Self {
            bot: bot.with_hook(hook, brought),
            hooks: Some(Hooks::new(links, bring)),
        }))
    }

    /// Talks `beside`, until `stop`, and returns the page to which the messenger brings what people do.
    pub(super) fn begin(
        self,
        beside: &TaskTracker,
        holder: String,
        alone: bool,
        stop: &CancellationToken,
    ) -> Router {
        beside.spawn(self.bot.run(holder, alone, stop.clone()));
        self.hooks.map(Hooks::router).unwrap_or_default()
    }
}
