//! `compose`: from duties that are due to one message for one address, or to a later hour, or to
//! the weekly sheet.
//!
//! The family is the unit: what is due for one address at one time makes one message, for all its
//! children and for all guardians who share the address.

use std::{collections::BTreeMap, fmt};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    family::{
        Guardian, People,
        contact::{Channel, Health},
        preference::{Event, Timing},
        rights,
        route::{Route, WhyPaper, route},
    },
    instant::{HOUR, Millis},
    journal::{
        cell::{Cell, Known, News, news_of},
        entry::{About, Content},
        fact::Fact,
    },
    pace::{Circumstances, Pace, paces},
    plan::WhyNone,
    quiet::Quiet,
    schedule,
    text::{Item, Letter, School, calendar::Meeting},
    zone,
};

mod draft;
mod fit;
mod pack;
#[cfg(test)]
mod tests;

pub use draft::{item, shared};
pub use fit::Fitting;
use pack::Packing;

/// How long a composed message is of use. After that its notices look for another road, because
/// news of the day before yesterday on a phone is a nuisance and on the sheet is not.
pub const USEFUL: Millis = 48 * HOUR;

/// A notice whose time has come.
#[derive(Debug, Clone)]
pub struct Due {
    /// `notice.id`
    pub notice_id: i64,
    /// Whom to tell.
    pub guardian_id: i64,
    /// What.
    pub fact: Fact,
    /// What they know.
    pub basis: Known,
    /// When its settling ends or ended, if it has not waited for its window yet.
    pub settled_at: Option<Millis>,
    /// When the change that it came from was seen.
    pub seen_at: Millis,
    /// Whether it is here before its time, because what is due may bring it forward.
    pub early: bool,
    /// Whether a person has decided that families shall hear of it.
    pub released: bool,
    /// What stands there now.
    pub content: Content,
    /// The contacts that have already failed to carry it.
    pub tried: Vec<i64>,
    /// The message by which they last heard of the fact, if it arrived or may still do so.
    pub told_in: Option<Earlier>,
}

/// A message that told a fact before.
#[derive(Clone, PartialEq, Eq)]
pub struct Earlier {
    /// `message.id`
    pub message_id: i64,
    /// Where it went.
    pub address: String,
    /// Whether it may still be under way.
    pub leaving: bool,
    /// The number of the sheet that it is, if it is one.
    pub sheet: Option<i64>,
}

/// Prints no address.
impl fmt::Debug for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Earlier({})", self.message_id)
    }
}

/// The words for what the facts name by number.
#[derive(Clone, Default)]
pub struct Names {
    /// The school.
    pub school: School,
    /// The first day of the school year.
    pub year_from: NaiveDate,
    /// Per student: the name that texts use, and the class.
    pub students: BTreeMap<i64, (String, Option<String>)>,
    /// Per fact: what its place is called.
    pub about: BTreeMap<Fact, About>,
    /// The school's zone, in which a day of entry is a day.
    pub zone: Option<Tz>,
    /// How long an SMS may be, if any leave.
    pub fitting: Option<Fitting>,
}

/// The school's rules about time.
#[derive(Debug, Clone)]
pub struct Hours {
    /// The school's zone.
    pub zone: Tz,
    /// When the day's digest is due.
    pub daily: cron::Schedule,
    /// When the week's digest is due.
    pub weekly: cron::Schedule,
    /// The quiet hours of whoever named none.
    pub quiet: Quiet,
}

impl Hours {
    /// The quiet hours of one guardian.
    pub fn quiet_of(&self, guardian: &Guardian) -> Quiet {
        guardian.quiet.unwrap_or(self.quiet)
    }

    /// Until when this guardian's night lasts, if it is night now.
    fn night(&self, guardian: &Guardian, now: Millis) -> Option<Millis> {
        let local = zone::local(now, self.zone);
        let over = self.quiet_of(guardian).over_at(local);
        (over > local).then(|| zone::instant(over, self.zone))
    }
}

/// What becomes of a notice that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It has become pointless.
    Close(WhyNone),
    /// It waits for a digest's window.
    Window(Millis),
    /// It waits for the night to end.
    Quiet(Millis),
    /// It waits for its company, until then.
    Deadline(Millis),
    /// It goes on waiting for what it waits for.
    Stay,
    /// It waits for the weekly sheet.
    Sheet(WhyPaper),
    /// It is in one of the drafts.
    Message,
}

/// A message before its words are set.
#[derive(Clone)]
pub struct Draft {
    /// The channel.
    pub channel: Channel,
    /// The contact it goes to; the first of several owners'.
    pub contact_id: i64,
    /// Its owner.
    pub guardian_id: i64,
    /// The address, in comparable form.
    pub address: String,
    /// Whether it leaves at once, even at night.
    pub urgent: bool,
    /// Until when it is of use.
    pub useful_until: Millis,
    /// The notices it carries, each with the cell that it tells.
    pub notices: Vec<(i64, Fact, Cell)>,
    /// What it says.
    pub letter: Letter,
    /// The message to this address that it corrects, or that it must not overtake.
    pub follows: Option<i64>,
    /// Whether it is an alarm of the day: it leaves before everything that is not urgent.
    pub alarm: bool,
    /// The meetings that it tells of.
    pub meetings: Vec<Meeting>,
    /// What it corrects in each earlier message to this address: of whom, and what.
    pub amends: BTreeMap<i64, Vec<(String, Item)>>,
}

/// Decides about all notices that are due.
pub fn compose(
    due: &[Due],
    people: &People,
    names: &Names,
    configured: &[Channel],
    hours: &Hours,
    around: &Circumstances,
    now: Millis,
) -> (Vec<(i64, Fate)>, Vec<Draft>) {
    let today = zone::local(now, hours.zone).date();
    let scene = Scene {
        people,
        names,
        hours,
        around,
        paces: paces(due, people, hours, around, today, now),
        today,
        now,
    };
    let mut packing = Packing::new(&scene, configured);
    for one in due {
        packing.take(one);
    }
    packing.pack()
}

/// What holds for all that is decided at one moment.
struct Scene<'a> {
    people: &'a People,
    names: &'a Names,
    hours: &'a Hours,
    around: &'a Circumstances,
    paces: BTreeMap<i64, Pace>,
    today: NaiveDate,
    now: Millis,
}

/// How a notice leaves now.
struct Road {
    contacts: Vec<i64>,
    timing: Timing,
    folds: Option<Millis>,
    waits: Option<Millis>,
    event: Event,
}

/// What becomes of a notice if these channels may carry it.
fn fate(due: &Due, scene: &Scene<'_>, configured: &[Channel]) -> (Fate, Option<Road>) {
    let Scene {
        people,
        names,
        hours,
        today,
        now,
        ..
    } = *scene;
    let pace = scene.paces.get(&due.notice_id).copied();
    let pace = pace.unwrap_or(Pace::AsAsked);
    let urgent = due.content.urgent;
    let (guardian, event) = match told_as(due, people, today) {
        _ if pace == Pace::Stay => return (Fate::Stay, None),
        Err(reason) => return (Fate::Close(reason), None),
        Ok(both) => both,
    };
    let asked = if pace == Pace::FalseAlarm {
        Event::Absence
    } else {
        event
    };
    let (contacts, asked) = match found(due, people, guardian, asked, configured, today) {
        Route::Sheet(why) => return (Fate::Sheet(why), None),
        Route::Electronic { contacts, timing } => (contacts, timing),
    };
    let timing = match pace {
        Pace::Digest => asked.max(Timing::Daily),
        Pace::AtOnce => Timing::AtOnce,
        _ => asked,
    };
    // What is early comes along with an alarm, and not for a digest.
    if due.early && timing != Timing::AtOnce {
        return (Fate::Stay, None);
    }
    // Where no further run of a schedule exists, waiting for it would be silence. A window that
    // passed while nobody looked has come now.
    let window = |schedule: &cron::Schedule, after: Millis| {
        schedule::next(schedule, hours.zone, after - 1).filter(|at| *at > now)
    };
    let paused = guardian
        .paused_to
        .filter(|until| *until >= today && !urgent);
    if let Some(until) = paused {
        let after = zone::instant((until + chrono::Days::new(1)).into(), hours.zone);
        let fate = window(&hours.daily, after).map_or(Fate::Message, Fate::Window);
        return (fate, None);
    }
    if let Pace::Until(at) = pace {
        return (Fate::Deadline(at), None);
    }
    // A window that opens when the lesson has begun is too late for what is needed there.
    let needed = names.about.get(&due.fact).and_then(|about| about.date);
    let late = |at: &Millis, timing| {
        let opens = zone::local(*at, hours.zone).date();
        needed_by_then(event, timing) && needed.is_some_and(|day| day >= today && day <= opens)
    };
    let wait = match (timing, due.settled_at) {
        (Timing::Daily, Some(at)) => window(&hours.daily, at),
        (Timing::Weekly, Some(at)) => window(&hours.weekly, at),
        _ => None,
    };
    if let Some(at) = wait.filter(|at| !late(at, timing)) {
        return (Fate::Window(at), None);
    }
    if let Some(until) = hours.night(guardian, now).filter(|_| !urgent) {
        return (Fate::Quiet(until), None);
    }
    // Digests pass the daily cap, or what joins them would never leave; so do alarms and results.
    let may_wait = pace == Pace::AsAsked && !urgent;
    let digest = |after: Millis| {
        window(&hours.daily, after)
            .filter(|_| may_wait)
            .filter(|at| !late(at, Timing::Daily))
    };
    let folds = due.settled_at.filter(|_| timing == Timing::AtOnce);
    let folds = folds.and_then(|_| digest(now));
    // The digest of this very moment is the one that it does not fit into.
    let waits = digest(now + 1);
    let road = Road {
        contacts,
        timing,
        folds,
        waits,
        event,
    };
    (Fate::Message, Some(road))
}

/// The road of a notice: by a channel that is in order, or else by one that is not.
fn found(
    due: &Due,
    people: &People,
    guardian: &Guardian,
    asked: Event,
    configured: &[Channel],
    today: NaiveDate,
) -> Route {
    let left = without(people, &due.tried);
    let by = |channels: &[Channel]| {
        let student = due.fact.student_id;
        route(&left, guardian, student, asked, channels, today)
    };
    let in_order: Vec<Channel> = configured
        .iter()
        .copied()
        .filter(|channel| !people.resting.contains(channel))
        .collect();
    match by(&in_order) {
        Route::Sheet(_) => by(configured),
        electronic @ Route::Electronic { .. } => electronic,
    }
}

/// Whom a notice is for and what it is told as, or why it has become pointless.
fn told_as<'a>(
    due: &Due,
    people: &'a People,
    today: NaiveDate,
) -> Result<(&'a Guardian, Event), WhyNone> {
    let news = due.news();
    let event = Event::of_all(due.fact.place, due.content.urgent, &news);
    let event = event.ok_or(match due.basis {
        Known::Untold(_) => WhyNone::WithdrawnBeforeTold,
        Known::Told(_) => WhyNone::EqualAgain,
    })?;
    if due.content.over {
        return Err(WhyNone::Over);
    }
    let hearers = rights::hearers(people, due.fact.student_id, today);
    let guardian = people
        .guardian(due.guardian_id)
        .filter(|guardian| hearers.contains(&guardian.id));
    Ok((guardian.ok_or(WhyNone::NoRight)?, event))
}

/// Whether news of this event is of use only before its day. Who wants homework once a week does not
/// want it every evening.
fn needed_by_then(event: Event, timing: Timing) -> bool {
    match event {
        Event::ScheduleChange | Event::Test | Event::ClassEvent => true,
        Event::Homework => timing == Timing::Daily,
        _ => false,
    }
}

/// The people without the addresses that have already failed for this notice.
fn without(people: &People, tried: &[i64]) -> People {
    let mut people = people.clone();
    for contact in &mut people.contacts {
        if tried.contains(&contact.id) && contact.health.usable() {
            contact.health = Health::Tried;
        }
    }
    people
}

impl Due {
    /// Whether it still awaits second thoughts.
    pub fn settling(&self) -> bool {
        self.early && self.settled_at.is_some()
    }

    /// What has to be said now.
    pub fn news(&self) -> Vec<News> {
        news_of(self.fact.place, &self.basis, &self.content.cell())
    }

    /// About how many characters its news take.
    fn length(&self) -> usize {
        let told: usize = self
            .news()
            .iter()
            .map(|news| match news {
                News::Entered(new) => new.chars().count(),
                News::Corrected { old, new } => {
                    old.as_ref().map_or(0, |old| old.chars().count()) + new.chars().count()
                }
                News::Withdrawn(old) => old.as_ref().map_or(0, |old| old.chars().count()),
            })
            .sum();
        told + 20
    }
}
