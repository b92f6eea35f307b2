//! The engine: joins the decisions to the store, turn by turn.
//!
//! It never calls a provider and never waits for one. A turn takes the reports of calls that ended,
//! and gives back the calls that may leave now; whoever drives it makes them.

mod alarms;
mod changes;
mod failover;
mod hold;
mod intake;
mod jobs;
mod ladder;
mod money;
mod send;
mod settle;
mod silence;
mod staff;
mod terms;
mod weekly;
mod withdraw;

pub use alarms::Surroundings;
pub use intake::reference;

use std::{collections::BTreeMap, sync::Arc};

use rand::rngs::StdRng;
use vestnik_contract::{Delivery, File, Message, Outcome, Reason, Sent};

use crate::{
    bot::{Words, WordsError},
    compose::{Fitting, Hours},
    config::SmsAccount,
    family::contact::Channel,
    instant::{HOUR, Millis},
    links::Links,
    money::Tariff,
    next::InDoubt,
    policy::Policy,
    quarantine::Watermark,
    schedule,
    store::{LEASE, Lease, Store, StoreError, Tx, Work},
    text::{ContentLevel, TemplateError, Templates},
    week::Week,
    zone,
};

/// How long a receipt waits for the message that it belongs to (design §5).
const RECEIPT_KEPT: Millis = 24 * HOUR;

/// The lane of planning and composing.
const PLAN: &str = "plan";

/// One provider account, as the engine sees it.
#[derive(Debug, Clone)]
pub struct Account {
    /// `lane.name`
    pub lane: String,
    /// The channel that it serves.
    pub channel: Channel,
    /// What its nature makes of a doubt.
    pub in_doubt: InDoubt,
    /// Whether its provider can be asked about a message.
    pub answers_queries: bool,
    /// Whether its provider says, asked or by itself, what arrived.
    pub reports: bool,
    /// How long one address rests between two messages.
    pub address_pause: Millis,
}

/// What the school decides about the engine.
#[derive(Debug, Clone)]
pub struct Rules {
    /// What the regulation says.
    pub policy: Policy,
    /// Windows, quiet hours and zone.
    pub hours: Hours,
    /// When the sheets of the week are printed.
    pub sheets: cron::Schedule,
    /// How much of the content a messenger may carry.
    pub content: ContentLevel,
}

impl Rules {
    /// The week, by the ISO calendar, in which a family should hear of what comes in now: the one whose
    /// sheets are printed next.
    pub fn week(&self, now: Millis) -> Week {
        let printed = schedule::next(&self.sheets, self.hours.zone, now).unwrap_or(now);
        Week::of(zone::local(printed, self.hours.zone).date())
    }
}

/// How a call ended.
#[derive(Debug)]
pub enum Report {
    /// A message was handed over, or not.
    Called {
        /// `attempt.id`
        attempt_id: i64,
        /// `message.id`
        message_id: i64,
        /// The lane, with the epoch that it was booked under.
        lease: Lease,
        /// The channel's answer.
        outcome: Outcome,
    },
    /// A provider was asked about a message.
    Asked {
        /// `message.id`
        message_id: i64,
        /// The lane, with the epoch that it was booked under.
        lease: Lease,
        /// The answer, or why there is none.
        answer: Result<Delivery, Reason>,
    },
    /// A provider was asked whether the account works.
    Probed {
        /// The lane, with the epoch that it was asked under.
        lease: Lease,
        /// That it does, or why not.
        answer: Result<(), Reason>,
    },
}

/// A call that may leave.
#[derive(Debug)]
pub enum Call {
    /// Hand a message over. The attempt is committed.
    Send {
        /// `attempt.id`
        attempt_id: i64,
        /// `message.id`
        message_id: i64,
        /// The lane, with the epoch that it was booked under.
        lease: Lease,
        /// What to hand over.
        message: Message,
    },
    /// Ask about a message.
    Ask {
        /// `message.id`
        message_id: i64,
        /// The lane, with the epoch that it was booked under.
        lease: Lease,
        /// What about.
        sent: Sent,
    },
    /// Ask whether the account works.
    Probe {
        /// The lane, with the epoch that it is asked under.
        lease: Lease,
    },
}

/// What a turn gives back.
#[derive(Debug, Default)]
pub struct Turn {
    /// The calls that may leave now.
    pub calls: Vec<Call>,
    /// When something falls due that nobody will announce.
    pub wake_at: Option<Millis>,
    /// Whether work was left over: changes beyond the slice, or messages beyond the permits.
    pub more: bool,
}

/// Why a turn failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The database failed; nothing of the step happened, and the next turn does it again.
    #[error("the database could not keep up")]
    Store(#[from] StoreError),
    /// A template failed on real content, although it passed its samples.
    #[error("a text could not be composed")]
    Template(#[from] TemplateError),
    /// A button has no words.
    #[error("a button could not be named")]
    Words(#[from] WordsError),
}

/// Answers how many calls a lane may start now, of so many that it has; asked before anything is
/// booked.
pub type Permits<'a> = dyn FnMut(&str, usize) -> usize + Send + 'a;

/// The engine.
pub struct Engine {
    store: Store,
    templates: Templates,
    rules: Rules,
    accounts: Vec<Account>,
    holder: String,
    alone: bool,
    random: StdRng,
    leases: Vec<(Lease, Millis)>,
    week_closed: Option<Millis>,
    tidied: Option<Millis>,
    day_begun: Option<Millis>,
    watermark: Option<Watermark>,
    teachers_at: Millis,
    homework_at: Millis,
    alarms_at: Millis,
    terms_at: Millis,
    silence_broken: Option<Millis>,
    work: Option<Work>,
    /// How the accounts that stand in for each other stand.
    watch: failover::Watch,
    /// How long an SMS may be.
    fitting: Option<Fitting>,
    /// What SMS cost and may cost.
    tariff: Tariff,
    /// What the bot says, where there is one that hears what is pressed.
    words: Option<Words>,
    /// How readers of mails answer what they are asked, where they find pages.
    answers: Option<(Words, Arc<Links>)>,
    /// What alarms are about and the database does not know.
    surroundings: Surroundings,
    /// The files of this turn, by `attachment.id`.
    files: BTreeMap<i64, File>,
}

impl Engine {
    /// An engine that acts as `holder`. `alone` says that nobody else can hold a lane of this
    /// database, which a lock on a SQLite file proves.
    pub fn new(
        store: Store,
        templates: Templates,
        rules: Rules,
        accounts: Vec<Account>,
        holder: String,
        alone: bool,
        random: StdRng,
    ) -> Self {
        Self {
            store: store.telling(rules.policy.remarks),
            templates,
            rules,
            accounts,
            holder,
            alone,
            random,
            leases: Vec::new(),
            week_closed: None,
            tidied: None,
            day_begun: None,
            watermark: None,
            teachers_at: 0,
            homework_at: 0,
            alarms_at: 0,
            terms_at: 0,
            silence_broken: None,
            work: None,
            watch: failover::Watch::default(),
            fitting: None,
            tariff: Tariff::default(),
            words: None,
            answers: None,
            surroundings: Surroundings::default(),
            files: BTreeMap::new(),
        }
    }

    /// The same engine, whose SMS are as long and in such letters as this account wants them.
    #[must_use]
    pub fn with_sms(self, account: Option<&SmsAccount>) -> Self {
        match account {
            Some(account) => self.fitting(account.parts, account.transliterate),
            None => self,
        }
    }

    /// The same engine, whose SMS have at most so many parts, and leave in Latin letters with `latin`.
    #[must_use]
    pub fn fitting(mut self, parts: Option<usize>, latin: bool) -> Self {
        self.fitting = Some(Fitting {
            templates: self.templates.clone(),
            parts,
            latin,
        });
        self
    }

    /// The same engine, whose SMS cost and may cost so much.
    #[must_use]
    pub fn with_tariff(mut self, tariff: Tariff) -> Self {
        self.tariff = tariff;
        self
    }

    /// The same engine, whose mails lead to a page on which their readers answer what they are asked.
    #[must_use]
    pub fn with_answers(mut self, answers: Option<(Words, Arc<Links>)>) -> Self {
        self.answers = answers;
        self
    }

    /// The same engine, whose messages by a messenger have buttons that a bot hears.
    #[must_use]
    pub fn with_buttons(mut self, words: Option<Words>) -> Self {
        self.words = words;
        self
    }

    /// The same engine, which raises alarms of what is around the database, too.
    #[must_use]
    pub fn with_surroundings(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// The same engine, which writes beside the database what it has sent.
    #[must_use]
    pub fn with_watermark(mut self, watermark: Option<Watermark>) -> Self {
        self.watermark = watermark;
        self
    }

    /// One turn: settles reports, sends what is ready, plans what changed, composes what is due, and
    /// sends again. `permits` is asked before anything is booked.
    ///
    /// # Errors
    /// [`EngineError`] beside what the turn had done before: each step is one transaction, so that
    /// stands, and its calls must be made. Reports that could not be settled stay in `reports`.
    pub async fn turn(
        &mut self,
        now: Millis,
        reports: &mut Vec<Report>,
        permits: &mut Permits<'_>,
    ) -> (Turn, Result<(), EngineError>) {
        let mut turn = Turn::default();
        self.work = None;
        let result = self.steps(&mut turn, now, reports, permits).await;
        if result.is_err() {
            // Nobody knows which commit arrived. Under new epochs, what was booked and has no call
            // is found like the leavings of another daemon.
            self.leases.clear();
        }
        (turn, result)
    }

    async fn steps(
        &mut self,
        turn: &mut Turn,
        now: Millis,
        reports: &mut Vec<Report>,
        permits: &mut Permits<'_>,
    ) -> Result<(), EngineError> {
        self.hold(now).await?;
        self.settle(reports, now).await?;
        self.receipts(now).await?;
        self.overdue(now).await?;
        self.judge_lanes(now).await?;
        self.leave_stalled_lanes(now).await?;
        self.send(turn, permits, now).await?;
        if let Some(lease) = self.lease(PLAN).cloned() {
            self.withdraw(&lease, now).await?;
            self.begin_day(&lease, now).await?;
            let more = self.intake(&lease, now).await?;
            turn.more |= more;
            // Who hears of news in the rest of the changes does not hear that there is none.
            if !more {
                self.break_silence(&lease, now).await?;
            }
            self.tell_of_terms(&lease, now).await?;
            turn.more |= self.compose(&lease, now).await?;
            self.jobs(&lease, now).await?;
            self.tell_teachers(&lease, now).await?;
            self.tell_of_homework(&lease, now).await?;
            self.look_for_alarms(&lease, now).await?;
            self.compose_for_staff(&lease, now).await?;
            self.send(turn, permits, now).await?;
        }
        let wake_at = self.work(now).await?.wake_at;
        let due = self.watch.wake_at().filter(|at| *at > now);
        turn.wake_at = [wake_at, due].into_iter().flatten().min();
        Ok(())
    }

    /// Gives the lanes back, so that the next daemon need not wait for their leases to run out.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn release(&mut self) -> Result<(), StoreError> {
        self.leases.clear();
        self.store.release(&self.holder).await
    }

    fn lease(&self, lane: &str) -> Option<&Lease> {
        self.leases
            .iter()
            .map(|(lease, _)| lease)
            .find(|lease| lease.lane == lane)
    }

    /// What waits now. It is asked again only where the turn has begun a transaction since.
    async fn work(&mut self, now: Millis) -> Result<Work, StoreError> {
        if let Some(work) = &self.work {
            return Ok(work.clone());
        }
        let work = self.store.work(now - RECEIPT_KEPT, now).await?;
        self.work = Some(work.clone());
        Ok(work)
    }

    /// Begins a transaction under a lease. Where the lease was lost there is none, and the lane is let go.
    async fn begin(&mut self, lease: &Lease) -> Result<Option<Tx>, StoreError> {
        let tx = self.store.fenced(lease).await?;
        self.begun(lease, tx.is_some());
        Ok(tx)
    }

    /// As [`Engine::begin`], and all its statements see one state of the database.
    async fn begin_snapshot(&mut self, lease: &Lease) -> Result<Option<Tx>, StoreError> {
        let tx = self.store.fenced_snapshot(lease).await?;
        self.begun(lease, tx.is_some());
        Ok(tx)
    }

    fn begun(&mut self, lease: &Lease, held: bool) {
        self.work = None;
        if !held {
            self.leases.retain(|(one, _)| one != lease);
        }
    }

    fn account(&self, lane: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.lane == lane)
    }

    fn today(&self, now: Millis) -> chrono::NaiveDate {
        zone::local(now, self.rules.hours.zone).date()
    }

    /// Renews the lanes that are held, in the last two thirds of a lease, and takes those that are free.
    /// Such a lane brings the messages that were under way there.
    async fn hold(&mut self, now: Millis) -> Result<(), EngineError> {
        let lanes: Vec<String> = self
            .accounts
            .iter()
            .map(|account| account.lane.clone())
            .chain([PLAN.to_owned()])
            .collect();
        let fresh = |at: Millis| (0..LEASE / 3).contains(&(now - at));
        if !self.leases.iter().all(|(_, at)| fresh(*at)) {
            let renewed = self.store.renew(&self.holder, now).await?;
            self.leases.retain_mut(|(held, at)| {
                let same = |one: &&Lease| one.lane == held.lane && one.epoch == held.epoch;
                renewed.iter().find(same).is_some_and(|one| {
                    (*held, *at) = (one.clone(), now);
                    true
                })
            });
        }
        for lane in lanes {
            if self.lease(&lane).is_some() {
                continue;
            }
            let taken = self
                .store
                .take(&lane, &self.holder, self.alone, now)
                .await?;
            let Some(lease) = taken else { continue };
            self.adopt(&lease, now).await?;
            self.leases.push((lease, now));
        }
        Ok(())
    }
}

impl Call {
    /// The lane that it goes by.
    pub fn lease(&self) -> &Lease {
        match self {
            Self::Send { lease, .. } | Self::Ask { lease, .. } | Self::Probe { lease } => lease,
        }
    }
}
