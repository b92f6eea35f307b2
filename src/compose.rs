//! `compose`: from duties that are due to one message for one address, or to a later hour, or to
//! the weekly sheet.
//!
//! The family is the unit: what is due for one address at one time makes one message, for all its
//! children and for all guardians who share the address.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

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
    text::{CHILDREN, Item, Language, Letter, School, calendar::Meeting},
    zone,
};

mod draft;
mod fit;
#[cfg(test)]
mod tests;

use draft::draft;
pub use draft::{item, shared};
pub use fit::Fitting;

/// How long a composed message is of use. After that its notices look for another road, because
/// news of the day before yesterday on a phone is a nuisance and on the sheet is not.
pub const USEFUL: Millis = 48 * HOUR;

/// How many facts, and how many characters of theirs, one message tells at most. Twenty marks make an
/// SMS of about ten parts, the most that gateways take; the Bot API takes 4096 characters; no mail
/// reader minds two hundred facts.
fn most(channel: Channel) -> (usize, usize) {
    match channel {
        Channel::Sms => (20, 560),
        Channel::Telegram => (60, 3500),
        Channel::Email | Channel::Paper => (200, 100_000),
    }
}

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
    /// The meetings that it tells of.
    pub meetings: Vec<Meeting>,
    /// What it corrects in each earlier message to this address: of whom, and what.
    pub amends: BTreeMap<i64, Vec<(String, Item)>>,
}

/// A notice that goes to an address.
struct Member<'a> {
    due: &'a Due,
    contact_id: i64,
    /// The language that its guardian reads.
    language: Language,
    /// The timing that the family asked for.
    timing: Timing,
    /// When it joins the day's digest, if the address has had its day's messages; none for what passes
    /// the daily cap.
    folds: Option<Millis>,
    /// When it can still be told if it does not fit; none for what cannot wait.
    waits: Option<Millis>,
    /// What it is told as.
    event: Event,
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
    let paces = paces(due, people, hours, around, today, now);
    let mut fates = BTreeMap::new();
    // What is urgent makes a message of its own: company would have to share its hour.
    let mut groups: BTreeMap<(bool, Channel, String), Vec<Member<'_>>> = BTreeMap::new();
    for one in due {
        let pace = paces.get(&one.notice_id).copied().unwrap_or(Pace::AsAsked);
        let (fate, road) = fate(one, pace, people, names, configured, hours, now);
        fates.insert(one.notice_id, fate);
        let Some(road) = road else { continue };
        for contact_id in road.contacts {
            let Some(contact) = people.contacts.iter().find(|c| c.id == contact_id) else {
                continue;
            };
            groups
                .entry((one.content.urgent, contact.channel, contact.address.clone()))
                .or_default()
                .push(Member {
                    due: one,
                    contact_id,
                    language: people
                        .guardian(contact.guardian_id)
                        .map(|guardian| guardian.language)
                        .unwrap_or_default(),
                    timing: road.timing,
                    folds: road.folds,
                    waits: road.waits,
                    event: road.event,
                });
        }
    }
    let mut drafts: Vec<Draft> = Vec::with_capacity(groups.len());
    let mut folded = Vec::new();
    for ((urgent, channel, address), mut members) in groups {
        let sms = names.fitting.as_ref().filter(|_| channel == Channel::Sms);
        let limited = sms.is_some_and(|sms| sms.parts.is_some()) && !urgent;
        let mut sent = around
            .sent_today
            .get(&(channel, address.clone()))
            .copied()
            .unwrap_or_default();
        members.sort_by_key(|one| (one.due.fact, one.due.guardian_id));
        if limited {
            fit::sort(&mut members);
        }
        while !members.is_empty() {
            let mut held = cut(&members, channel);
            if let Some(sms) = sms {
                let draft = |part: &[Member<'_>]| draft(channel, &address, part, names, hours, now);
                held = sms.held(&members[..held], limited, draft);
            }
            let mut rest = members.split_off(held);
            let part = &members;
            sent += 1;
            let folds: Option<Vec<Millis>> = part.iter().map(|one| one.folds).collect();
            match folds.filter(|_| around.policy.daily_cap.passed_by(sent)) {
                Some(digests) => {
                    let notices = part.iter().map(|one| one.due.notice_id);
                    folded.extend(notices.zip(digests));
                }
                None => drafts.push(draft(channel, &address, part, names, hours, now)),
            }
            // What did not fit is told by the next digest, if that is not too late for it.
            if limited {
                let waits = |one: &mut Member<'_>| one.waits.is_some() && !crowded_out(part, one);
                let waiting = rest.extract_if(.., waits);
                folded.extend(waiting.filter_map(|one| Some((one.due.notice_id, one.waits?))));
            }
            members = rest;
        }
    }
    // What another of the family's addresses carries is told.
    let told = |notice: i64| {
        let mut all = drafts.iter().flat_map(|draft| &draft.notices);
        all.any(|(carried, ..)| *carried == notice)
    };
    for (notice, digest) in folded {
        if !told(notice) {
            fates.insert(notice, Fate::Window(digest));
        }
    }
    (fates.into_iter().collect(), drafts)
}

/// How many of the members, with those of one fact side by side, make one message; at least one fact.
fn cut(members: &[Member<'_>], channel: Channel) -> usize {
    let (facts, characters) = most(channel);
    let (mut told, mut length) = (0, 0);
    let mut last = None;
    for (at, one @ Member { due, .. }) in members.iter().enumerate() {
        if channel == Channel::Sms && crowded_out(&members[..at], one) {
            return at;
        }
        if last != Some(due.fact) {
            told += 1;
            length += due.length();
            last = Some(due.fact);
        }
        if told > facts || (length > characters && told > 1) {
            return at;
        }
    }
    members.len()
}

/// Whether an SMS that carries this part names as many children as one may, and this member's is not among them.
fn crowded_out(part: &[Member<'_>], one: &Member<'_>) -> bool {
    let named: BTreeSet<i64> = part.iter().map(|one| one.due.fact.student_id).collect();
    named.len() >= CHILDREN && !named.contains(&one.due.fact.student_id)
}

/// How a notice leaves now.
struct Road {
    contacts: Vec<i64>,
    timing: Timing,
    folds: Option<Millis>,
    waits: Option<Millis>,
    event: Event,
}

fn fate(
    due: &Due,
    pace: Pace,
    people: &People,
    names: &Names,
    configured: &[Channel],
    hours: &Hours,
    now: Millis,
) -> (Fate, Option<Road>) {
    let today = zone::local(now, hours.zone).date();
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
