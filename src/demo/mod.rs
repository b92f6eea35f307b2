//! The demo: a sample school whose week is replayed in fast time through providers that live in the
//! process.

pub mod mailbox;
mod messages;
mod page;

use self::messages::Messages;

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use chrono::Days;
use rand::{SeedableRng, rngs::StdRng};
use tokio::{net::TcpListener, sync::Notify, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use vestnik_contract::Channel as _;
use vestnik_sms::{
    Settings, Sms,
    gateway::Gateway,
    sandbox::{self, Inbox},
};

use crate::{
    app::{self, Provider},
    clock::Clock,
    config::{Config, Limits},
    engine::{Engine, Rules},
    family::contact::Channel,
    instant::Millis,
    paper::{calendar::Calendar, press::Press},
    providers,
    sample::{
        school::School,
        week::{Entry, MONDAY, week},
    },
    store::{Status, Store},
    text::{ContentLevel, Templates},
    zone,
};
use vestnik_telegram::{
    Telegram,
    sandbox::{self as telegram, Chats},
};

use mailbox::Mailbox;
use page::Pages;

/// How many seconds of the school pass in one: an hour a second is a week in two minutes.
const SPEED: u32 = 3600;

/// Without anybody watching, the week may pass faster.
const SPEED_ONCE: u32 = 5 * SPEED;

/// How long calls under way may take when the demo is stopped.
const GRACE: Duration = Duration::from_millis(500);

/// How long a sandbox provider takes to answer.
const LATENCY: Duration = Duration::from_millis(20);

/// The channels of the demo's school; paper needs no account.
const CHANNELS: [Channel; 3] = [Channel::Sms, Channel::Email, Channel::Telegram];

/// How the demo is run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where the page listens; any free port for 0.
    pub port: u16,
    /// Replay the week and stop.
    pub once: bool,
}

/// Runs the demo until `stop`, or until the week is over with [`Options::once`]; returns how
/// everything stands then.
///
/// # Errors
/// What stands in the way: a port that is taken, a disk that is full.
pub async fn run(config: &Config, options: Options, stop: CancellationToken) -> Result<Status> {
    let folder = tempfile::tempdir().context("a folder for the demo's database")?;
    let url = format!("sqlite:{}", folder.path().join("demo.db").display());
    let sheets = folder.path().join("sheets");
    let store = Store::open(&url).await?;
    let mut random = StdRng::seed_from_u64(12);
    let school = School::sample(&mut random);
    let entries = week(&school, &mut random);
    let zone = store
        .school(&crate::journal::school::School {
            name: "Школа № 12".into(),
            short_name: Some("Школа 12".into()),
            phone: Some("(343) 215-40-12".into()),
            ..config.school.clone()
        })
        .await?;
    let begin = zone::instant(MONDAY.and_hms_opt(8, 30, 0).unwrap_or_default(), zone);
    let clock = Clock::fast(begin, if options.once { SPEED_ONCE } else { SPEED });

    let tasks = TaskTracker::new();
    let providers = sandboxes(&tasks, &stop).await?;
    let pages = TcpListener::bind(("127.0.0.1", options.port))
        .await
        .with_context(|| {
            format!(
                "port {} is not free: choose another with --port",
                options.port
            )
        })?;
    eprintln!(
        "The demo's page: http://{}  (Ctrl-C ends it)",
        pages.local_addr()?
    );
    let look = Pages::new(
        store.clone(),
        clock,
        zone,
        sheets.clone(),
        CHANNELS.to_vec(),
    )?;
    let messages = Messages::new(store.clone(), zone)?;
    let router = look.router().merge(messages.router());
    beside(&tasks, &stop, async move {
        let _ = axum::serve(pages, router).await;
    });
    let calendar = Calendar {
        press: Press {
            configured: CHANNELS.to_vec(),
            ..Press::new(config, store.clone(), Templates::embedded()?, zone)?
        },
        folder: sheets,
        schedule: config.weekly_sheets.clone(),
        clock,
        queue: None,
        office: None,
    };
    tasks.spawn(calendar.run(StdRng::seed_from_u64(13), stop.clone()));

    let look = Arc::new(Notify::new());
    let engine = engine(config, &store, &providers, zone, random)?;
    let rows = store.fill(&school).await?;
    tasks.spawn({
        let (store, stop, look) = (store.clone(), stop.clone(), look.clone());
        let once = options.once;
        async move {
            let replayed = replay(&store, entries, rows, clock, zone, &look).await;
            if let Err(error) = replayed {
                tracing::error!(error = app::story(error.as_ref()), "the week stopped");
            }
            if once {
                weekend(&store, clock, zone).await;
                stop.cancel();
            }
        }
    });
    app::run(engine, &providers, clock, look, stop, GRACE, |_| {}).await;
    tasks.close();
    let _ = timeout(GRACE, tasks.wait()).await;
    Ok(store.status(clock.now()).await?)
}

/// Runs something until it ends or the demo does.
fn beside(
    tasks: &TaskTracker,
    stop: &CancellationToken,
    work: impl Future<Output = ()> + Send + 'static,
) {
    let stop = stop.clone();
    tasks.spawn(async move {
        tokio::select! {
            () = work => {}
            () = stop.cancelled() => {}
        }
    });
}

/// The providers, which live in the process.
async fn sandboxes(tasks: &TaskTracker, stop: &CancellationToken) -> Result<Vec<Provider>> {
    let gateway = TcpListener::bind("127.0.0.1:0")
        .await
        .context("the sandbox gateway")?;
    let base_url = format!("http://{}", gateway.local_addr()?);
    beside(tasks, stop, async move {
        let _ = sandbox::serve(gateway, Inbox::default(), LATENCY).await;
    });
    let bot = TcpListener::bind("127.0.0.1:0")
        .await
        .context("the sandbox of the Bot API")?;
    let api_url = format!("http://{}", bot.local_addr()?);
    beside(tasks, stop, async move {
        let _ = telegram::serve(bot, Chats::default(), LATENCY).await;
    });
    let limits = Limits {
        concurrency: 10,
        rate: None,
        timeout: Duration::from_secs(5),
    };
    let relay = vestnik_email::Account::new(
        "smtp://localhost",
        None,
        "Школа № 12 <school@example.org>",
        limits.timeout,
    )?;
    let sms = Sms::new(Settings {
        gateway: Gateway::by_name("smsc")?,
        base_url: Some(base_url),
        login: sandbox::LOGIN.into(),
        password: sandbox::PASSWORD.into(),
        sender: None,
        timeout: limits.timeout,
        callback: None,
    })?;
    let sms_lane = providers::sms_lane(sms.answers_queries());
    let bot = Telegram::new(&vestnik_telegram::Settings {
        token: telegram::TOKEN.into(),
        api_url: Some(api_url),
        proxy: None,
        timeout: limits.timeout,
    })?;
    Ok(vec![
        Provider::new(
            providers::email_lane(),
            Arc::new(Mailbox::new(relay)),
            limits,
        ),
        Provider::new(sms_lane, Arc::new(sms), limits),
        Provider::new(providers::telegram_lane(), Arc::new(bot), limits),
    ])
}

fn engine(
    config: &Config,
    store: &Store,
    providers: &[Provider],
    zone: chrono_tz::Tz,
    random: StdRng,
) -> Result<Engine> {
    let accounts = providers
        .iter()
        .map(|provider| provider.account.clone())
        .collect();
    Ok(Engine::new(
        store.clone(),
        Templates::embedded()?,
        Rules {
            // The people are invented, and the page shall show what a bot can say.
            content: ContentLevel::Full,
            ..app::rules(config, zone, config.regulation.policy.clone())
        },
        accounts,
        "demo".into(),
        true,
        random,
    ))
}

/// Does what the people of the school do, each at its time.
async fn replay(
    store: &Store,
    entries: Vec<Entry>,
    mut rows: crate::store::Rows,
    clock: Clock,
    zone: chrono_tz::Tz,
    look: &Notify,
) -> Result<()> {
    for entry in entries {
        until(clock, zone::instant(entry.at, zone)).await;
        store.act(&entry.deed, &mut rows).await?;
        look.notify_one();
    }
    Ok(())
}

/// Saturday noon: the week's digests are out.
async fn weekend(store: &Store, clock: Clock, zone: chrono_tz::Tz) {
    let saturday = (MONDAY + Days::new(5))
        .and_hms_opt(12, 0, 0)
        .unwrap_or_default();
    until(clock, zone::instant(saturday, zone)).await;
    for _ in 0..100 {
        let busy = store.status(clock.now()).await.is_ok_and(|status| {
            let of = |state: &str| {
                status
                    .messages
                    .values()
                    .filter_map(|states| states.get(state))
                    .sum::<i64>()
            };
            of("sending") + of("ready") + status.changes_unplanned > 0
        });
        let printing = store
            .print_runs()
            .await
            .is_ok_and(|runs| runs.contains_key("printing") || !runs.contains_key("printed"));
        if !busy && !printing {
            return;
        }
        pause(Duration::from_millis(50)).await;
    }
}

async fn until(clock: Clock, at: Millis) {
    pause(clock.until(at)).await;
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        let _ = timeout(time, std::future::pending::<()>()).await;
    }
}
