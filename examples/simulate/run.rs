//! The event loop: the real engine and store under a clock that the simulator turns, with a heap of
//! instants instead of tasks.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{Days, NaiveDate, Weekday};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use vestnik::{
    compose::Hours,
    engine::{Account, Call, Engine, Report, Rules},
    family::contact::Channel,
    instant::{HOUR, MINUTE, Millis, SECOND},
    paper::press::{Begun, Press},
    policy::{Limit, Period, Policy, ServiceNotice},
    providers::{email_lane, sms_lane, telegram_lane},
    quiet::Quiet,
    schedule,
    store::{Lease, Store, Verdict},
    text::{ContentLevel, Templates},
    week::Week,
    zone,
};
use vestnik_contract::{Message, Outcome, Scope, Sent};
use vestnik_sheet::Child;

use crate::{
    checks::{self, Printed},
    providers::Providers,
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
    Wake,
    Crash,
    Jump(Millis),
    Press,
    WeekClosed,
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
    /// By lane: until when, by the machine's clock, its provider asked to be left alone.
    rests: BTreeMap<String, (Millis, Millis)>,
    hearers: BTreeMap<String, BTreeSet<(i64, i64)>>,
    owners: BTreeMap<String, usize>,
    printed: Vec<Printed>,
    noted: checks::Noted,
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
    vec![email_lane(), sms_lane(true), telegram_lane()]
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
        let lived = world.live(&mut progress).await;
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
        };
        let mut world = Self {
            engine: engine(&store, &templates, &rules, stream(plan.seed, 2)),
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
            rests: BTreeMap::new(),
            hearers: BTreeMap::new(),
            owners: BTreeMap::new(),
            printed: Vec::new(),
            noted: checks::Noted::new(),
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
            idle &= matches!(event, Event::Arrive(_));
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
                    self.at(at, Event::Deed(deed));
                }
                let tomorrow = date + Days::new(1);
                let at = zone::instant(tomorrow.into(), self.year.school.zone);
                if at < self.last_deed {
                    self.at(at, Event::Day(tomorrow));
                }
            }
            Event::Deed(deed) => {
                let today = self.today();
                let (sql, later) = self.year.perform(deed, today);
                if !sql.is_empty() {
                    run_sql(&self.store, &format!("BEGIN IMMEDIATE;\n{sql}COMMIT;")).await;
                }
                for (delay, deed) in later {
                    if self.time + delay < self.last_deed {
                        self.at(self.time + delay, Event::Deed(deed));
                    }
                }
            }
            Event::Arrive(id) => self.arrive(id),
            Event::Report(id) => self.report(id),
            Event::Wake => self.wake = None,
            Event::Crash => {
                let within = self.trouble.random_range(1..=9);
                self.arm(within).await;
            }
            Event::Jump(by) => self.skew += by,
            Event::Press => self.print().await?,
            Event::WeekClosed => {
                let printed =
                    schedule::last(&self.rules.sheets, self.year.school.zone, self.now()).unwrap();
                // In a week of holidays nobody has a sheet, and what waits has the next one.
                let friday = zone::local(printed, self.year.school.zone).date();
                let mut days = Week::of(friday).monday().iter_days().take(5);
                if !days.all(is_holiday) {
                    checks::week_closed(&self.store, printed).await?;
                }
                checks::note(&self.store, &mut self.noted).await;
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
            for flight in self.flights.values() {
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
                    self.leave(turn.calls)?;
                }
                continue;
            }
            let more = turn.more;
            self.leave(turn.calls)?;
            let crowded = self.flights.len() >= PERMITS;
            if !more || (crowded && self.reports.is_empty()) {
                let wake = turn.wake_at.unwrap_or(now + HOUR).max(now + SECOND);
                self.sleep(wake - self.skew);
                return Ok(());
            }
        }
        Err("the engine does not come to rest".into())
    }

    /// Wakes up a little late, as a busy machine does.
    fn sleep(&mut self, until: Millis) {
        let until = up(until + SECOND, 20 * SECOND);
        if self.wake.is_none_or(|wake| until < wake) {
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

    /// The process ends. What had left is with the providers or on the way; what they answer is lost.
    async fn crash(&mut self, unmade: Vec<Call>) {
        self.summary.crashes += 1;
        for call in unmade {
            if let Call::Send { message, .. } = call {
                self.providers.doubtful.insert(message.reference);
            }
        }
        let flights = std::mem::take(&mut self.flights);
        for (id, flight) in flights {
            let Going::Send { message, .. } = &flight.what else {
                continue;
            };
            self.providers.doubtful.insert(message.reference.clone());
            // The bytes of some are on their way all the same.
            if flight.report.is_none() && self.trouble.random_bool(0.5) {
                self.flights.insert(id, flight);
            }
        }
        for report in self.reports.drain(..) {
            if let Report::Called { message_id, .. } = report {
                let reference = reference_of(&self.store, message_id).await;
                self.providers.doubtful.insert(reference);
            }
        }
        self.rests.retain(|_, (_, since)| *since < self.time);
        if self.trouble.random_bool(0.3) {
            self.store = Store::open(&url(self.folder.path())).await.unwrap();
            self.press.store = self.store.clone();
        }
        let random = stream(self.plan.seed, 100 + self.summary.crashes);
        self.engine = engine(&self.store, &self.templates, &self.rules, random);
    }

    /// Calls leave the engine: each is judged in this moment.
    fn leave(&mut self, calls: Vec<Call>) -> Result<(), String> {
        for call in calls {
            let lease = call.lease().clone();
            let what = match call {
                Call::Send {
                    attempt_id,
                    message_id,
                    message,
                    ..
                } => {
                    self.judge_call(&lease.lane, &message)?;
                    Going::Send {
                        attempt_id,
                        message_id,
                        message,
                    }
                }
                Call::Ask {
                    message_id, sent, ..
                } => Going::Ask { message_id, sent },
            };
            let (there, back) = self.providers.latency();
            self.next += 1;
            let id = self.next;
            self.flights.insert(
                id,
                Flight {
                    what,
                    lease,
                    report: None,
                },
            );
            // Answers that come in one breath are settled in one turn.
            let answered = up(self.time + back, 5 * SECOND);
            self.at(self.time + there, Event::Arrive(id));
            self.at(answered, Event::Report(id));
        }
        Ok(())
    }

    fn judge_call(&mut self, lane: &str, message: &Message) -> Result<(), String> {
        let now = self.now();
        let unlawful = |what: &str| {
            Err(format!(
                "message {} left by {lane} {what}",
                message.reference
            ))
        };
        if let Some((until, _)) = self.rests.get(lane).filter(|(until, _)| now < *until) {
            return unlawful(&format!(
                "{} ms before its provider wanted to hear again",
                until - now
            ));
        }
        let under_way = self
            .flights
            .values()
            .filter(|flight| flight.lease.lane == lane);
        let sends: Vec<&Message> = under_way
            .filter_map(|flight| match &flight.what {
                Going::Send { message, .. } => Some(message),
                Going::Ask { .. } => None,
            })
            .collect();
        if sends.len() >= PERMITS {
            return unlawful("without a permit");
        }
        let doubtful = &self.providers.doubtful;
        if sends
            .iter()
            .any(|other| other.address == message.address && !doubtful.contains(&other.reference))
        {
            return unlawful("while another one was going to the same address");
        }
        let channel = Channel::from_code(lane).unwrap();
        let quiet: Quiet = self.rules.hours.quiet;
        match checks::lawful(&self.year.school, message, channel, quiet, now) {
            Ok(hearers) => {
                self.owners.insert(message.reference.clone(), hearers.len());
                self.hearers.insert(message.reference.clone(), hearers);
                Ok(())
            }
            Err(why) => unlawful(&format!("to {why}")),
        }
    }

    fn arrive(&mut self, id: u64) {
        let Some(flight) = self.flights.get_mut(&id) else {
            return;
        };
        let lane = flight.lease.lane.clone();
        let lease = flight.lease.clone();
        let report = match &flight.what {
            Going::Send {
                attempt_id,
                message_id,
                message,
            } => Report::Called {
                attempt_id: *attempt_id,
                message_id: *message_id,
                lease,
                outcome: self.providers.receive(&lane, message, self.time),
            },
            Going::Ask { message_id, sent } => Report::Asked {
                message_id: *message_id,
                lease,
                answer: self.providers.answer(sent, self.time),
            },
        };
        flight.report = Some(report);
    }

    fn report(&mut self, id: u64) {
        let Some(flight) = self.flights.remove(&id) else {
            return;
        };
        let Some(report) = flight.report else { return };
        if let Report::Called {
            outcome:
                Outcome::Deferred {
                    retry_after: Some(pause),
                    scope: Scope::Lane,
                    ..
                },
            ..
        } = &report
        {
            let until = self.now() + i64::try_from(pause.as_millis()).unwrap();
            self.rests
                .insert(flight.lease.lane.clone(), (until, self.time));
        }
        self.reports.push(report);
    }

    fn schedule_press(&mut self) {
        let zone = self.year.school.zone;
        let at = schedule::next(&self.rules.sheets, zone, self.now()).unwrap() - self.skew;
        self.at(at + SECOND, Event::Press);
        let day = zone::local(at, zone).date();
        let monday = day.week(Weekday::Mon).first_day() + Days::new(7);
        self.at(
            zone::instant(monday.and_hms_opt(2, 0, 0).unwrap(), zone),
            Event::WeekClosed,
        );
        self.at(at - 2 * HOUR, Event::Decide);
    }

    /// The press runs, class by class; the power may fail between fixing and telling.
    async fn print(&mut self) -> Result<(), String> {
        let (now, zone) = (self.now(), self.year.school.zone);
        let due = schedule::last(&self.rules.sheets, zone, now).unwrap();
        let day = zone::local(due, zone).date();
        for begun in self.press.broken_off(now).await.unwrap() {
            self.lay(&begun, day).await;
        }
        let week = Week::of(day);
        let mut failed = false;
        for (class_id, name) in self.store.classes(self.today()).await.unwrap() {
            if !self
                .store
                .claim_printing(class_id, due, now - 10 * MINUTE, now)
                .await
                .unwrap()
            {
                continue;
            }
            let begun = self
                .press
                .begin((class_id, &name), week, now, &mut self.paper)
                .await;
            let Some(begun) = begun.map_err(|error| format!("the press: {error}"))? else {
                self.store
                    .finish_printing(class_id, due, "0 sheets", now)
                    .await
                    .unwrap();
                continue;
            };
            checks::lawful_sheets(&self.year.school, &begun.batch)?;
            match self.trouble.random_range(0..40) {
                // The power fails while the pages are set.
                0 => failed = true,
                1 => {
                    let why = Err("no toner".to_owned());
                    self.press
                        .finish(&begun, Path::new(&begun.file), why, now)
                        .await
                        .unwrap();
                    failed = true;
                }
                _ => {
                    self.lay(&begun, day).await;
                    self.store
                        .finish_printing(class_id, due, "printed", now)
                        .await
                        .unwrap();
                }
            }
        }
        if failed {
            self.at(self.time + 25 * MINUTE, Event::Press);
        } else {
            self.schedule_press();
        }
        Ok(())
    }

    /// The sheets lie in the tray: the checker reads them before the product knows.
    async fn lay(&mut self, begun: &Begun, day: NaiveDate) {
        let (now, reference) = (self.now(), format!("run {}", begun.run));
        let printed = checks::read_batch(
            &begun.batch,
            &reference,
            &self.year.journal,
            Week::of(day),
            self.time,
        );
        self.summary.sheets += begun.batch.sheets.len();
        self.printed.push(printed);
        self.press
            .finish(begun, Path::new(&begun.file), Ok(()), now)
            .await
            .unwrap();
    }

    /// All that is judged when the year is over.
    async fn judge(&mut self) -> Result<(), String> {
        let now = self.now();
        checks::states(&self.store, now).await?;
        checks::note(&self.store, &mut self.noted).await;
        let hearing = checks::hearing(
            &self.year.school,
            &self.providers,
            &self.hearers,
            &self.printed,
        );
        self.summary.told = checks::lost(
            &self.store,
            &self.year.journal,
            &self.year.school,
            &hearing,
            &self.noted,
            now,
        )
        .await?;
        let shown: BTreeSet<String> = checks::shown(&self.store).await;
        checks::duplicates(&self.providers, &hearing, &self.owners, &shown)?;
        self.count();
        Ok(())
    }

    fn count(&mut self) {
        let mut seen = BTreeSet::new();
        let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
        for taken in &self.providers.log {
            if !seen.insert(taken.message.reference.clone()) {
                self.summary.copies += 1;
            }
            if taken.lane == "sms" {
                self.summary.sms += 1;
                self.summary.parts +=
                    vestnik_sms::parts::count(&words::without_codes(&taken.message.text)).parts;
            }
            let line = format!(
                "{} {} {} {}",
                taken.at, taken.message.reference, taken.message.client_ref, taken.message.text
            );
            for byte in line.bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        for printed in &self.printed {
            let line = format!(
                "{} {} {}",
                printed.at,
                printed.reference,
                printed.told.len()
            );
            for byte in line.bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        self.summary.digest = digest;
        self.summary.taken = self.providers.log.len();
        self.summary.doubtful = self.providers.doubtful.len();
        self.summary.writes = self.year.journal.writes;
        self.summary.families = self.year.school.guardians.len();
    }
}

/// The next multiple of a step.
fn up(at: Millis, step: Millis) -> Millis {
    (at + step - 1) / step * step
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("school.db").display())
}

fn engine(store: &Store, templates: &Templates, rules: &Rules, random: StdRng) -> Engine {
    Engine::new(
        store.clone(),
        templates.clone(),
        rules.clone(),
        accounts(),
        "simulator".to_owned(),
        true,
        random,
    )
}

async fn reference_of(store: &Store, message_id: i64) -> String {
    let row = sqlx::query("SELECT ref FROM message WHERE id = $1")
        .bind(message_id)
        .fetch_one(store.pool())
        .await
        .unwrap();
    sqlx::Row::get(&row, 0)
}

async fn run_sql(store: &Store, sql: &str) {
    let mut connection = store.pool().acquire().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"));
}
