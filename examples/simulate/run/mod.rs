//! The event loop: the real engine and store under a clock that the simulator turns, with a heap of
//! instants instead of tasks.

mod calls;
mod import;
mod press;
mod verdict;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{Days, NaiveDate};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use vestnik::{
    compose::Hours,
    engine::{Account, Engine, Report, Rules},
    family::contact::Channel,
    instant::{HOUR, MINUTE, Millis, SECOND},
    money::{Budget, Kopecks, Percent, Prices, Tariff},
    paper::press::Press,
    policy::{Limit, Period, Policy, ServiceNotice},
    providers::{email_lane, sms_lane, spare_lane, telegram_lane},
    schedule,
    store::{Lease, Store, Verdict},
    text::{ContentLevel, Templates},
    week::Week,
    zone,
};
use vestnik_contract::{Message, Sent};
use vestnik_sheet::Child;

use crate::{
    checks::{self, Printed},
    heard,
    logs::Ear,
    providers::{Providers, Push},
    school::School,
    words,
    year::{Deed, Year, is_holiday},
};

/// How many calls of one lane may be under way.
const PERMITS: usize = 10;

/// How long life is watched after the last deed: until receipts, doubts and sheets are through.
const REST_DAYS: u64 = 8;

/// Makes the transaction that the simulator chose fail at its first statement. Each transaction of a
/// turn begins by touching its lane's row.
const CRASH: &str = "
    CREATE TABLE simulated_crash (transactions INTEGER NOT NULL);
    INSERT INTO simulated_crash VALUES (0);
    CREATE TRIGGER simulated_crash BEFORE UPDATE OF epoch ON lane
    WHEN (SELECT transactions FROM simulated_crash) > 0
    BEGIN
        UPDATE simulated_crash SET transactions = transactions - 1;
        SELECT RAISE(ABORT, 'simulated crash') WHERE (SELECT transactions FROM simulated_crash) = 0;
    END;";

/// What is lived through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) students: i64,
    pub(crate) days: u64,
}

/// What happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Summary {
    pub(crate) writes: u64,
    pub(crate) turns: u64,
    pub(crate) crashes: u64,
    pub(crate) failures: u64,
    pub(crate) taken: usize,
    pub(crate) doubtful: usize,
    pub(crate) copies: usize,
    pub(crate) sheets: usize,
    pub(crate) told: u64,
    pub(crate) sms: usize,
    pub(crate) spare: usize,
    pub(crate) parts: usize,
    pub(crate) families: usize,
    /// A digest of all logs: two equal runs have equal ones.
    pub(crate) digest: u64,
}

/// An invariant that broke.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) plan: Plan,
    pub(crate) on: String,
    pub(crate) what: String,
}

/// The seed that broke it, and the command that does it again.
impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan {
            seed,
            students,
            days,
        } = self.plan;
        write!(
            f,
            "seed {seed} FAILED on {}: {}\n  cargo run --release --example simulate -- --seed {seed} --students {students} --days {days}",
            self.on, self.what
        )
    }
}

/// What happens at an instant.
enum Event {
    Deed(Deed),
    Day(NaiveDate),
    Arrive(u64),
    Report(u64),
    Receipt(Push),
    Wake,
    Crash,
    Jump(Millis),
    Press,
    WeekClosed(Millis),
    Decide,
}

/// A call that left the engine.
struct Flight {
    what: Going,
    lease: Lease,
    report: Option<Report>,
}

enum Going {
    Send {
        attempt_id: i64,
        message_id: i64,
        message: Message,
    },
    Ask {
        message_id: i64,
        sent: Sent,
    },
    Probe,
}

struct World {
    plan: Plan,
    folder: TempDir,
    store: Store,
    engine: Engine,
    templates: Templates,
    rules: Rules,
    press: Press,
    year: Year,
    providers: Providers,
    heap: BinaryHeap<Reverse<(Millis, u64)>>,
    events: BTreeMap<u64, Event>,
    next: u64,
    /// The true time, and how wrong the machine's clock is.
    time: Millis,
    skew: Millis,
    wake: Option<Millis>,
    flights: BTreeMap<u64, Flight>,
    reports: Vec<Report>,
    /// The calls of which the provider said by itself what became of them, perhaps before it answered.
    reported: BTreeSet<u32>,
    /// By lane: until when, by the machine's clock, its provider asked to be left alone.
    rests: BTreeMap<String, (Millis, Millis)>,
    hearers: BTreeMap<String, BTreeSet<(i64, i64)>>,
    owners: BTreeMap<String, usize>,
    printed: Vec<Printed>,
    noted: heard::Noted,
    crash_armed: bool,
    trouble: StdRng,
    paper: StdRng,
    summary: Summary,
    last_deed: Millis,
}

fn stream(seed: u64, concern: u64) -> StdRng {
    StdRng::seed_from_u64(seed.wrapping_mul(1_000_003).wrapping_add(concern))
}

fn accounts() -> Vec<Account> {
    vec![
        email_lane(),
        sms_lane(true),
        spare_lane(true),
        telegram_lane(),
    ]
}

fn rules(zone: chrono_tz::Tz) -> Rules {
    let policy = Policy {
        breaker: Limit(None),
        disappearance: Limit(None),
        // What the calendar of terms says has no row that the judge could expect.
        service_notice: ServiceNotice::Off,
        forecast: Period(0),
        ..Policy::defaults().unwrap()
    };
    Rules {
        hours: Hours {
            zone,
            daily: "0 10 18 * * *".parse().unwrap(),
            weekly: "0 0 16 * * Fri".parse().unwrap(),
            quiet: "21:00-07:30".parse().unwrap(),
        },
        policy,
        sheets: "0 0 13 * * Fri".parse().unwrap(),
        content: ContentLevel::Full,
    }
}

/// Lives through a year.
///
/// # Errors
/// The first invariant that broke.
pub(crate) fn live(
    plan: Plan,
    keep: Option<&Path>,
    mut progress: impl FnMut(u64),
) -> Result<Summary, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut world = World::new(plan).await;
        let (ear, _listening) = Ear::listen();
        let lived = world.live(&mut progress).await.and_then(|()| ear.judge());
        let today = world.today();
        if let Some(file) = keep {
            let into = format!("VACUUM INTO '{}'", file.display());
            run_sql(&world.store, &into).await;
        }
        lived.map_err(|what| Broken {
            plan,
            on: format!("{today}, {} ms", world.time),
            what,
        })?;
        Ok(world.summary)
    })
}

/// Memory where the system offers some: a year writes as much as a school does in ten.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::Builder::new()
            .prefix("vestnik-simulate-")
            .tempdir_in(memory)
            .unwrap()
    } else {
        TempDir::new().unwrap()
    }
}

impl World {
    async fn new(plan: Plan) -> Self {
        let folder = folder();
        let store = Store::open(&url(folder.path())).await.unwrap();
        let (school, sql) = School::generate(plan.students, &mut stream(plan.seed, 1));
        let words = folder.path().join("words");
        words::write_templates(&words);
        let templates = Templates::load(Some(&words)).unwrap();
        let rules = rules(school.zone);
        run_sql(
            &store,
            &format!("BEGIN;{CRASH}{}{sql}COMMIT;", checks::WATCH),
        )
        .await;
        let first = NaiveDate::from_ymd_opt(2026, 9, 1).unwrap();
        let start = zone::instant(first.into(), school.zone);
        let last_deed = zone::instant((first + Days::new(plan.days)).into(), school.zone);
        let press = Press {
            store: store.clone(),
            templates: templates.clone(),
            child: Child {
                program: PathBuf::new(),
                args: Vec::new(),
                timeout: Duration::ZERO,
                memory: 0,
            },
            layout: String::new(),
            zone: school.zone,
            configured: vec![Channel::Email, Channel::Sms, Channel::Telegram],
            rhythm: rules.policy.paper,
            certified: rules.policy.certified,
            duplex: false,
            queued: false,
            due: None,
        };
        let mut world = Self {
            engine: engine(&store, &templates, &rules, plan, stream(plan.seed, 2)),
            providers: Providers::new(start, last_deed, stream(plan.seed, 3)),
            year: Year::new(school, stream(plan.seed, 4)),
            trouble: stream(plan.seed, 5),
            paper: stream(plan.seed, 6),
            plan,
            folder,
            store,
            templates,
            rules,
            press,
            heap: BinaryHeap::new(),
            events: BTreeMap::new(),
            next: 0,
            time: start,
            skew: 0,
            wake: None,
            flights: BTreeMap::new(),
            reports: Vec::new(),
            reported: BTreeSet::new(),
            rests: BTreeMap::new(),
            hearers: BTreeMap::new(),
            owners: BTreeMap::new(),
            printed: Vec::new(),
            noted: heard::Noted::new(),
            crash_armed: false,
            summary: Summary::default(),
            last_deed,
        };
        world.at(start, Event::Day(first));
        world.schedule_press();
        world.troubles(start);
        world
    }

    /// Crashes, and clocks that are set.
    fn troubles(&mut self, start: Millis) {
        let mut at = start + HOUR;
        while at < self.last_deed {
            self.at(at, Event::Crash);
            at += self.trouble.random_range(HOUR..3 * 24 * HOUR);
        }
        let mut at = start + HOUR;
        while at < self.last_deed {
            at += self.trouble.random_range(24 * HOUR..30 * 24 * HOUR);
            let jump = self.trouble.random_range(-9..=9) * MINUTE;
            let back = at + self.trouble.random_range(1..40) * HOUR;
            self.at(at, Event::Jump(jump));
            self.at(back, Event::Jump(-jump));
        }
    }

    fn at(&mut self, at: Millis, event: Event) {
        self.next += 1;
        self.events.insert(self.next, event);
        self.heap.push(Reverse((at.max(self.time), self.next)));
    }

    /// What the machine's clock shows.
    fn now(&self) -> Millis {
        self.time + self.skew
    }

    fn today(&self) -> NaiveDate {
        zone::local(self.now(), self.year.school.zone).date()
    }

    async fn live(&mut self, progress: &mut impl FnMut(u64)) -> Result<(), String> {
        let end = self.last_deed + i64::try_from(REST_DAYS).unwrap() * 24 * HOUR;
        let (mut day, mut idle) = (0, true);
        while let Some(Reverse((at, id))) = self.heap.pop() {
            if at > end {
                break;
            }
            self.time = at;
            let Some(event) = self.events.remove(&id) else {
                continue;
            };
            if matches!(event, Event::Day(_)) {
                day += 1;
                progress(day);
            }
            // That a provider has it, the engine cannot know yet.
            idle &= match event {
                Event::Arrive(_) => true,
                Event::Wake => self.wake != Some(at),
                _ => false,
            };
            self.happen(event).await?;
            let same = |heap: &BinaryHeap<Reverse<(Millis, u64)>>| {
                heap.peek().is_some_and(|Reverse((next, _))| *next == at)
            };
            if !same(&self.heap) {
                if !idle {
                    self.turn().await?;
                }
                idle = true;
            }
        }
        self.time = end;
        self.turn().await?;
        self.judge().await
    }

    async fn happen(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Day(date) => {
                for (at, deed) in self.year.day(date) {
                    self.at(up(at, 20 * SECOND), Event::Deed(deed));
                }
                let tomorrow = date + Days::new(1);
                let at = zone::instant(tomorrow.into(), self.year.school.zone);
                if at < self.last_deed {
                    self.at(at, Event::Day(tomorrow));
                }
            }
            Event::Deed(deed) => {
                let today = self.today();
                let zone = self.year.school.zone;
                // The engine wakes up within a minute.
                let digest = schedule::next(&self.rules.hours.daily, zone, self.now());
                self.year.to_digest = digest.map_or(HOUR, |at| at - self.now()) + MINUTE;
                let (sql, later) = self.year.perform(deed, today);
                if !sql.is_empty() {
                    run_sql(&self.store, &format!("BEGIN IMMEDIATE;\n{sql}COMMIT;")).await;
                }
                if let Some(loading) = self.year.loading.take() {
                    self.import(&loading).await?;
                }
                for (delay, deed) in later {
                    if self.time + delay < self.last_deed {
                        self.at(self.time + delay, Event::Deed(deed));
                    }
                }
            }
            Event::Arrive(id) => {
                self.arrive(id);
                for push in std::mem::take(&mut self.providers.pushes) {
                    self.at(push.at, Event::Receipt(push));
                }
            }
            Event::Receipt(push) => self.receipt(&push).await,
            Event::Report(id) => self.report(id),
            Event::Wake => {}
            Event::Crash => {
                let within = self.trouble.random_range(1..=9);
                self.arm(within).await;
            }
            Event::Jump(by) => self.skew += by,
            Event::Press => self.print().await?,
            // The clock was put back meanwhile: for the program the week is not over.
            Event::WeekClosed(closed) if self.now() < closed => {
                self.at(closed - self.skew, event);
            }
            Event::WeekClosed(_) => {
                let printed =
                    schedule::last(&self.rules.sheets, self.year.school.zone, self.now()).unwrap();
                // In a week of holidays nobody has a sheet, and what waits has the next one.
                let friday = zone::local(printed, self.year.school.zone).date();
                let mut days = Week::of(friday).monday().iter_days().take(5);
                if !days.all(is_holiday) {
                    checks::week_closed(&self.store, printed).await?;
                }
                heard::note(&self.store, &mut self.noted).await;
            }
            Event::Decide => {
                for hold in self.store.holds().await.unwrap() {
                    let verdict = [Verdict::Release, Verdict::Drop, Verdict::Summarise]
                        [self.trouble.random_range(0..3)];
                    self.store
                        .decide(hold.id, verdict, self.now())
                        .await
                        .unwrap();
                }
            }
        }
        Ok(())
    }

    /// Turns until nothing is left to do in this moment.
    async fn turn(&mut self) -> Result<(), String> {
        for _ in 0..400 {
            let mut taken: BTreeMap<String, usize> = BTreeMap::new();
            let calls = self.flights.values();
            // That an account is asked whether it works needs no permit.
            for flight in calls.filter(|flight| !matches!(flight.what, Going::Probe)) {
                *taken.entry(flight.lease.lane.clone()).or_default() += 1;
            }
            let mut permits = |lane: &str, want: usize| {
                let under_way = taken.entry(lane.to_owned()).or_default();
                let free = want.min(PERMITS - *under_way);
                *under_way += free;
                free
            };
            let now = self.time + self.skew;
            let (turn, result) = self.engine.turn(now, &mut self.reports, &mut permits).await;
            self.summary.turns += 1;
            if let Err(error) = result {
                let crash = self.crash_armed && format!("{error:?}").contains("simulated crash");
                if !crash {
                    return Err(format!("a turn failed: {error:?}"));
                }
                self.arm(0).await;
                self.summary.failures += 1;
                if self.trouble.random_bool(0.7) {
                    self.crash(turn.calls).await;
                } else {
                    // The database failed for a moment; what was booked leaves all the same.
                    self.doubt_all().await;
                    self.leave(turn.calls)?;
                }
                continue;
            }
            let more = turn.more;
            self.leave(turn.calls)?;
            let crowded = self.flights.len() >= PERMITS;
            if !more || (crowded && self.reports.is_empty()) {
                // The daemon looks far more often; an hour is enough for what the calendar starts.
                let wake = turn.wake_at.unwrap_or(Millis::MAX);
                let wake = wake.clamp(now + SECOND, now + HOUR);
                self.sleep(wake - self.skew);
                return Ok(());
            }
        }
        Err("the engine does not come to rest".into())
    }

    /// Wakes up a little late, as a busy machine does; an earlier alarm counts no more.
    fn sleep(&mut self, until: Millis) {
        let until = up(until + SECOND, MINUTE);
        if self.wake != Some(until) {
            self.wake = Some(until);
            self.at(until, Event::Wake);
        }
    }

    async fn arm(&mut self, transactions: i64) {
        self.crash_armed = transactions > 0;
        run_sql(
            &self.store,
            &format!("UPDATE simulated_crash SET transactions = {transactions}"),
        )
        .await;
    }
}

/// The next multiple of a step.
fn up(at: Millis, step: Millis) -> Millis {
    (at + step - 1) / step * step
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("school.db").display())
}

/// Three roubles for an SMS; in one year of three the money ends before the month does.
fn tariff(plan: Plan) -> Tariff {
    let price = |usual| Prices {
        usual: Kopecks(usual),
        ..Prices::default()
    };
    let budget = Budget {
        month: Kopecks(1_000 * plan.students),
        soft: Percent(50),
        hard: Percent(100),
    };
    Tariff {
        prices: [("sms".into(), price(300)), ("sms_spare".into(), price(420))].into(),
        budget: plan.seed.is_multiple_of(3).then_some(budget),
    }
}

fn engine(
    store: &Store,
    templates: &Templates,
    rules: &Rules,
    plan: Plan,
    random: StdRng,
) -> Engine {
    let engine = Engine::new(
        store.clone(),
        templates.clone(),
        rules.clone(),
        accounts(),
        "simulator".to_owned(),
        true,
        random,
    );
    engine.with_tariff(tariff(plan))
}

async fn run_sql(store: &Store, sql: &str) {
    let mut connection = store.pool().acquire().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}
