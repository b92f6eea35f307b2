//! `serve`: the daemon.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use chrono_tz::Tz;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Notify,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vestnik_email::Marker;

use super::{sms_templates::Texts, talk::Talk};
use crate::{
    app::{self, Provider},
    backup::Backups,
    bot::Words,
    clock::{self, Clock},
    config::Config,
    engine::{Engine, Rules, Surroundings},
    family::contact::Channel,
    inbox,
    links::Links,
    paper::{calendar::Calendar, office::Office, press::Press, queue::Queue},
    policy::{Policy, Regulation},
    providers,
    quarantine::{self, Watermark},
    returns::Returns,
    store::{Dialect, Store},
    text::Templates,
    web::{
        api::Api,
        board::{Board, Parts},
        callbacks::Callbacks,
        family::Families,
        health::{self, Pulse},
        metrics::{Delays, Ledger, Metrics},
    },
};

/// How long calls under way may take when the daemon is stopped.
const GRACE: Duration = Duration::from_secs(10);

/// How long the start waits for the folder of backups.
const FIRST_LOOK: Duration = Duration::from_secs(5);

pub(super) async fn run(config: &Config) -> Result<()> {
    super::log(config)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let store = super::open(config).await?;
    let lock = store.lock()?;
    let watermark = begin(config, &store).await?;
    let zone = store.school(&config.school).await?;
    let regulation = regulation(config, &store).await?;
    let store = store.telling(regulation.policy.remarks);
    let templates = Templates::load(config.templates.as_deref())?;
    let mut random = clock::random();
    let links = Links::open(config, store.file(), &mut random)?;
    let marker = links.clone().map(Links::marker).unwrap_or_default();
    let providers = configured(config, marker)?;
    let (listener, listen) = listening(config).await?;
    let governs = (zone, &regulation.policy);
    let press = calendar(config, &store, &templates, governs, &providers)?;
    let ledger = Ledger::of(config, zone, &regulation.policy);
    let quiet = regulation.policy.quiet;
    let rules = app::rules(config, zone, regulation.policy.clone());
    let talks = config.telegram.is_some() && links.is_some();
    let engine = engine(config, &store, (templates.clone(), rules), &providers)
        .with_watermark(watermark)
        .with_buttons(talks.then(Words::embedded).transpose()?)
        .with_answers(answers(config, links.as_ref())?);

    let stop = stopped()?;
    let backups = backups(config).await;
    let engine = engine.with_surroundings(surroundings(config, &store, backups.as_ref()).await?);
    let look = Arc::new(Notify::new());
    let pulse = Pulse::new(Clock::Wall);
    let beside = TaskTracker::new();
    watch(&beside, &store, backups.clone(), (&look, &stop));
    let hooks = Talk::new(
        config,
        &store,
        &providers,
        links.clone(),
        (zone, quiet),
        &look,
    )?
    .map(|talk| talk.begin(&beside, holder(), store.dialect() == Dialect::Sqlite, &stop))
    .unwrap_or_default();
    beside.spawn({
        let receipts = receipts(config, &store, &look, &beside, &stop)?;
        let parts = Parts {
            store: store.clone(),
            config: Arc::new(config.clone()),
            regulation: Arc::new(regulation),
            templates,
            providers: providers.clone(),
            zone,
            clock: Clock::Wall,
            pulse: pulse.clone(),
            look: look.clone(),
            backups: backups.clone(),
        };
        let router = site(parts, links.clone(), ledger)?
            .merge(receipts)
            .merge(hooks);
        serve_pages(listener, router, stop.clone())
    });
    if let Some(calendar) = press {
        beside.spawn(calendar.run(clock::random(), stop.clone()));
    }
    if let Some(returns) = returns(config, &store, links, zone)? {
        beside.spawn(returns.run(stop.clone()));
    }
    tracing::info!(%listen, channels = providers.len(), "vestnik serves");
    work(engine, &providers, &store, &pulse, (&look, &stop)).await;
    beside.close();
    let _ = tokio::time::timeout(Duration::from_secs(1), beside.wait()).await;
    drop(lock);
    tracing::info!("vestnik has stopped");
    Ok(())
}

/// Where the pages listen.
async fn listening(config: &Config) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("web.listen: {} is not free", config.listen))?;
    let listen = listener.local_addr().context("web.listen")?;
    Ok((listener, listen))
}

/// Gives the engine its turns, and hears what providers say by themselves, until `stop`.
async fn work(
    engine: Engine,
    providers: &[Provider],
    store: &Store,
    pulse: &Pulse,
    (look, stop): (&Arc<Notify>, &CancellationToken),
) {
    let beat = |now| pulse.beat(now);
    let ears = inbox::ears(providers, store, Clock::Wall, look, stop);
    let turns = app::run(
        engine,
        providers,
        Clock::Wall,
        look.clone(),
        stop.clone(),
        GRACE,
        beat,
    );
    Box::pin(ears.beside(turns)).await;
}

/// Serves the pages until `stop`.
async fn serve_pages(listener: TcpListener, router: Router, stop: CancellationToken) {
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = serve.await {
        tracing::error!(%error, "the pages have stopped");
    }
}

/// All pages: those of families where their links lead to them, and the board where there is a key for it.
fn site(parts: Parts, links: Option<Arc<Links>>, ledger: Ledger) -> Result<Router> {
    let (store, zone) = (parts.store.clone(), parts.zone);
    let metrics = Metrics {
        store: store.clone(),
        pulse: parts.pulse.clone(),
        clock: Clock::Wall,
        ledger,
        delays: Delays::since(parts.clock.now())?,
    };
    let rules = (parts.config.clone(), parts.regulation.clone());
    let api = Api::new(
        store.clone(),
        rules,
        (zone, Clock::Wall),
        parts.look.clone(),
    );
    let mut router = health::router(parts.pulse.clone())
        .merge(metrics.router())
        .merge(api.router());
    let Some(links) = links else {
        tracing::warn!("there is no board: set web.link_key_file or database.state_dir");
        return Ok(router);
    };
    if parts.config.public_url.is_some() {
        let families = Families::new(store, links.clone(), Clock::Wall, zone)?;
        router = router.merge(families.router());
    }
    Ok(router.merge(Board::new(parts, links)?.router()))
}

/// All accounts of the configuration; without any, that is said.
fn configured(config: &Config, marker: Marker) -> Result<Vec<Provider>> {
    let providers = providers::configured(config, marker)?;
    if providers.is_empty() {
        tracing::warn!("no channel is configured: everything will wait for the weekly sheet");
    }
    Ok(providers)
}

/// The engine, under a name that no other process has.
fn engine(
    config: &Config,
    store: &Store,
    (templates, rules): (Templates, Rules),
    providers: &[Provider],
) -> Engine {
    let random = clock::random();
    let accounts = providers
        .iter()
        .map(|provider| provider.account.clone())
        .collect();
    let alone = store.dialect() == Dialect::Sqlite;
    Engine::new(
        store.clone(),
        templates,
        rules,
        accounts,
        holder(),
        alone,
        random,
    )
    .with_sms(config.sms.as_ref())
    .with_tariff(config.tariff())
}

/// What watches the backups, where it is said that they arrive somewhere. It has looked once, unless their folder does
/// not answer.
async fn backups(config: &Config) -> Option<Backups> {
    let (folder, within) = config.backups.clone()?;
    let backups = Backups::new(folder, within);
    let own = backups.clone();
    let looked = tokio::task::spawn_blocking(move || own.look());
    let _ = tokio::time::timeout(FIRST_LOOK, looked).await;
    Some(backups)
}

/// Watches, until `stop`, what changes without the engine: the database and the folder of backups.
fn watch(
    beside: &TaskTracker,
    store: &Store,
    backups: Option<Backups>,
    (look, stop): (&Arc<Notify>, &CancellationToken),
) {
    if let Some(backups) = backups {
        beside.spawn(backups.watch(stop.clone()));
    }
    let (store, look, stop) = (store.clone(), look.clone(), stop.clone());
    beside.spawn(async move { store.wake(look, stop).await });
}

/// What the engine raises alarms of beside what the database knows.
async fn surroundings(
    config: &Config,
    store: &Store,
    backups: Option<&Backups>,
) -> Result<Surroundings> {
    let mut around = Surroundings {
        board: config.public_url.clone(),
        backups: backups.cloned(),
        ..Surroundings::default()
    };
    if config.sms.is_some() {
        let texts = Texts::read(store, config).await?;
        around.operators = texts.operators;
        around.texts = texts.all.into_iter().map(|one| one.text).collect();
    }
    Ok(around)
}

/// A name that no other process has.
fn holder() -> String {
    format!("{:016x}", rand::Rng::next_u64(&mut clock::random()))
}

/// Writes this start down in the database, and then beside it.
async fn begin(config: &Config, store: &Store) -> Result<Option<Watermark>> {
    let place = Watermark::place(store.file(), config.state.as_deref());
    if place.is_none() {
        tracing::warn!(
            "no folder is known that no backup holds: a restored database would not be noticed. \
             Set database.state_dir"
        );
    }
    let unreadable = |path: &Path| format!("{} cannot be read or written", path.display());
    let mark = match &place {
        Some(path) => Watermark::read(path).with_context(|| unreadable(path))?,
        None => None,
    };
    let begun = store
        .start(&quarantine::machine(), mark, Clock::Wall.now())
        .await?;
    if begun.quarantined {
        tracing::error!(standing = ?begun.standing, "quarantine: {}", super::QUARANTINE);
    }
    place
        .map(|path| Watermark::begin(path.clone(), begun.mark).with_context(|| unreadable(&path)))
        .transpose()
}

/// What reads the mails that come back, where there is a mailbox for them.
fn returns(
    config: &Config,
    store: &Store,
    links: Option<Arc<Links>>,
    zone: Tz,
) -> Result<Option<Returns>> {
    let (Some(mailbox), Some(links)) = (providers::bounces(config)?, links) else {
        return Ok(None);
    };
    Ok(Some(Returns {
        mailbox,
        links,
        store: store.clone(),
        clock: Clock::Wall,
        zone,
    }))
}

/// Where the receipts of SMS gateways come in; those that they keep are fetched `beside`, until `stop`.
fn receipts(
    config: &Config,
    store: &Store,
    look: &Arc<Notify>,
    beside: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Router> {
    let mut router = Router::new();
    // An SMS centre says what became of a message on its own line.
    for account in config.gateways().filter(|one| one.smpp.is_none()) {
        let callbacks = Callbacks::new(
            store.clone(),
            Arc::new(providers::sms(account)?),
            account.place,
            look.clone(),
            Clock::Wall,
        );
        beside.spawn(callbacks.clone().fetch(stop.clone()));
        router = router.merge(callbacks.router());
    }
    Ok(router)
}

/// What prints the weekly sheets, where there is a folder for them.
fn calendar(
    config: &Config,
    store: &Store,
    templates: &Templates,
    (zone, policy): (Tz, &Policy),
    providers: &[Provider],
) -> Result<Option<Calendar>> {
    let Some(folder) = &config.print.spool_dir else {
        return Ok(None);
    };
    Ok(Some(Calendar {
        press: Press {
            rhythm: policy.paper,
            certified: policy.certified,
            queued: config.print.printer.is_some(),
            ..Press::new(config, store.clone(), templates.clone(), zone)?
        },
        folder: folder.clone(),
        schedule: config.weekly_sheets.clone(),
        clock: Clock::Wall,
        queue: config.print.printer.clone().map(|printer| Queue {
            store: store.clone(),
            printer,
        }),
        office: office(config, store, providers),
    }))
}

/// What mails the pages to the school's office, where it wants them.
fn office(config: &Config, store: &Store, providers: &[Provider]) -> Option<Office> {
    let by_mail = |one: &&Provider| one.account.channel == Channel::Email;
    Some(Office {
        store: store.clone(),
        provider: providers.iter().find(by_mail)?.clone(),
        address: config.print.office.clone()?,
    })
}

/// How readers of mails answer, where the daemon's pages are found from outside.
fn answers(config: &Config, links: Option<&Arc<Links>>) -> Result<Option<(Words, Arc<Links>)>> {
    let links = links.filter(|_| config.public_url.is_some());
    let pair = links.map(|links| Words::embedded().map(|words| (words, links.clone())));
    Ok(pair.transpose()?)
}

/// The policy that the school's row names, remembered where it is new.
async fn regulation(config: &Config, store: &Store) -> Result<Regulation> {
    let named = store.policy_name().await?;
    let name = named.as_deref().unwrap_or(&config.school.policy);
    let regulation = config.regulation(name)?;
    let new = store
        .keep_policy(name, &regulation.content(), Clock::Wall.now())
        .await?;
    if new {
        tracing::info!(policy = name, "these rules hold from now on");
    }
    Ok(regulation)
}

/// A token that is cancelled by Ctrl-C and by a service manager's SIGTERM.
pub(super) fn stopped() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    let cancel = stop.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends with the program and holds nothing"
    )]
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        cancel.cancel();
    });
    Ok(stop)
}
