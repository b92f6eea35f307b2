//! `compose`: from duties that are due to one message for one address, or to a later hour, or to
//! the weekly sheet.
//!
//! The family is the unit: what is due for one address at one time makes one message, for all its
//! children and for all guardians who share the address.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::{
    family::{
        Guardian, People,
        contact::{Channel, Health},
        preference::{Event, Timing},
        route::{Route, WhyPaper, route},
    },
    instant::{HOUR, Millis},
    journal::{
        cell::{Cell, Known, News, news_of},
        entry::{About, Content, Entry},
        fact::{Fact, Place},
    },
    plan::WhyNone,
    quiet::Quiet,
    schedule,
    text::{Item, Letter, Occasion, School, StudentNews},
    week::Week,
    zone,
};

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
    /// When its settling ended, if it has not waited for its window yet.
    pub settled_at: Option<Millis>,
    /// What stands there now.
    pub content: Content,
    /// The contacts that have already failed to carry it.
    pub tried: Vec<i64>,
    /// The message by which they last heard of the fact, with its address, if it may still be under
    /// way.
    pub told_in: Option<(i64, String)>,
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
    /// The message that it corrects, if that may still be under way to this address.
    pub follows: Option<i64>,
}

/// A notice that goes to an address: with its contact, and the timing that the family asked for.
type Member<'a> = (&'a Due, i64, Timing);

/// Decides about all notices that are due.
pub fn compose(
    due: &[Due],
    people: &People,
    names: &Names,
    configured: &[Channel],
    hours: &Hours,
    now: Millis,
) -> (Vec<(i64, Fate)>, Vec<Draft>) {
    let mut fates = Vec::with_capacity(due.len());
    // What is urgent makes a message of its own: company would have to share its hour.
    let mut groups: BTreeMap<(bool, Channel, String), Vec<Member<'_>>> = BTreeMap::new();
    for one in due {
        let (fate, contacts) = fate(one, people, names, configured, hours, now);
        fates.push((one.notice_id, fate));
        for (contact_id, timing) in contacts {
            let Some(contact) = people.contacts.iter().find(|c| c.id == contact_id) else {
                continue;
            };
            groups
                .entry((one.content.urgent, contact.channel, contact.address.clone()))
                .or_default()
                .push((one, contact_id, timing));
        }
    }
    let mut drafts = Vec::with_capacity(groups.len());
    for ((_, channel, address), mut members) in groups {
        members.sort_by_key(|(due, ..)| (due.fact, due.guardian_id));
        let mut rest = members.as_slice();
        while !rest.is_empty() {
            let (part, later) = rest.split_at(cut(rest, most(channel)));
            drafts.push(draft(channel, &address, part, names, hours, now));
            rest = later;
        }
    }
    (fates, drafts)
}

/// How many of the members, sorted by fact, tell no more than `facts` facts in `characters`; at least
/// one fact.
fn cut(members: &[Member<'_>], (facts, characters): (usize, usize)) -> usize {
    let (mut told, mut length) = (0, 0);
    let mut last = None;
    for (at, (due, ..)) in members.iter().enumerate() {
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

fn fate(
    due: &Due,
    people: &People,
    names: &Names,
    configured: &[Channel],
    hours: &Hours,
    now: Millis,
) -> (Fate, Vec<(i64, Timing)>) {
    let close = |reason| (Fate::Close(reason), Vec::new());
    let news = due.news();
    let urgent = due.content.urgent;
    let Some(event) = Event::of_all(due.fact.place, urgent, &news) else {
        return close(match due.basis {
            Known::Untold(_) => WhyNone::WithdrawnBeforeTold,
            Known::Told(_) => WhyNone::EqualAgain,
        });
    };
    if due.content.over {
        return close(WhyNone::Over);
    }
    let today = zone::local(now, hours.zone).date();
    let Some(guardian) = people.guardian(due.guardian_id).filter(|guardian| {
        crate::family::rights::hearers(people, due.fact.student_id, today).contains(&guardian.id)
    }) else {
        return close(WhyNone::NoRight);
    };
    let found = route(
        &without(people, &due.tried),
        guardian,
        due.fact.student_id,
        event,
        configured,
        today,
    );
    let (contacts, timing) = match found {
        Route::Sheet(why) => return (Fate::Sheet(why), Vec::new()),
        Route::Electronic { contacts, timing } => (contacts, timing),
    };
    // Where no further run of a schedule exists, waiting for it would be silence. A window that
    // passed while nobody looked has come now.
    let window = |schedule: &cron::Schedule, after: Millis| {
        schedule::next(schedule, hours.zone, after - 1)
            .filter(|at| *at > now)
            .map_or(Fate::Message, Fate::Window)
    };
    let paused = guardian
        .paused_to
        .filter(|until| *until >= today && !urgent);
    if let Some(until) = paused {
        let after = zone::instant((until + chrono::Days::new(1)).into(), hours.zone);
        return (window(&hours.daily, after), Vec::new());
    }
    let wait = match (timing, due.settled_at) {
        (Timing::Daily, Some(at)) => window(&hours.daily, at),
        (Timing::Weekly, Some(at)) => window(&hours.weekly, at),
        _ => Fate::Message,
    };
    // A window that opens when the lesson has begun is too late for what is needed there.
    let needed = names.about.get(&due.fact).and_then(|about| about.date);
    let late = |at: Millis| {
        let opens = zone::local(at, hours.zone).date();
        needed_by_then(event, timing) && needed.is_some_and(|day| day >= today && day <= opens)
    };
    match wait {
        Fate::Window(at) if !late(at) => return (wait, Vec::new()),
        _ => {}
    }
    if let Some(until) = hours.night(guardian, now).filter(|_| !urgent) {
        return (Fate::Quiet(until), Vec::new());
    }
    let contacts = contacts.into_iter().map(|id| (id, timing)).collect();
    (Fate::Message, contacts)
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
        if tried.contains(&contact.id) {
            contact.health = Health::Hard;
        }
    }
    people
}

fn draft(
    channel: Channel,
    address: &str,
    members: &[Member<'_>],
    names: &Names,
    hours: &Hours,
    now: Millis,
) -> Draft {
    // That a week brought nothing is said of the week, whenever it is said.
    let timing = |(due, _, timing): &Member<'_>| match due.fact.place {
        Place::Silence { .. } => Timing::Weekly,
        _ => *timing,
    };
    let occasion = match members.iter().map(timing).max() {
        Some(Timing::Weekly) => Occasion::Weekly,
        Some(Timing::Daily) => Occasion::Daily,
        _ => Occasion::AtOnce,
    };
    let said = shared(members.iter().map(|(due, ..)| *due));
    let today = zone::local(now, hours.zone).date();
    let mut students: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    let mut words_to_many: Vec<(Place, News)> = Vec::new();
    for (fact, due) in &said {
        for news in due.news() {
            // What the school says to the families of two siblings it says to this one once.
            if matches!(fact.place, Place::Announcement(_) | Place::ClassEvent(_)) {
                let word = (fact.place, news.clone());
                if words_to_many.contains(&word) {
                    continue;
                }
                words_to_many.push(word);
            }
            let item = item(*fact, &due.content, news, names, channel, today);
            students.entry(fact.student_id).or_default().push(item);
        }
    }
    let mut students: Vec<StudentNews> = students
        .into_iter()
        .map(|(id, mut items)| {
            items.sort_by(|a, b| {
                (a.date, &a.subject, a.number).cmp(&(b.date, &b.subject, b.number))
            });
            let (name, class) = names.students.get(&id).cloned().unwrap_or_default();
            StudentNews { name, class, items }
        })
        .collect();
    students.sort_by(|a, b| (&a.name, &a.class).cmp(&(&b.name, &b.class)));
    let follows = members
        .iter()
        .filter_map(|(due, ..)| due.told_in.as_ref())
        .filter(|(_, earlier)| earlier == address)
        .map(|(message, _)| *message)
        .max();
    Draft {
        channel,
        contact_id: members[0].1,
        guardian_id: members[0].0.guardian_id,
        notices: members
            .iter()
            .map(|(due, ..)| (due.notice_id, due.fact, due.content.cell()))
            .collect(),
        urgent: members.iter().any(|(due, ..)| due.content.urgent),
        useful_until: useful_until(members, names, hours, now),
        letter: Letter {
            school: names.school.clone(),
            occasion,
            date: today,
            number: (occasion == Occasion::Weekly)
                .then(|| Week::told_on(today).number_since(names.year_from)),
            students,
        },
        follows,
        address: address.to_owned(),
    }
}

/// What is said of each fact to people who share an address or a sheet. Where one of them knows more,
/// the text follows that one: the phone has shown it to all.
pub fn shared<'a>(due: impl Iterator<Item = &'a Due>) -> BTreeMap<Fact, &'a Due> {
    let mut said: BTreeMap<Fact, &Due> = BTreeMap::new();
    for due in due {
        let known = said.entry(due.fact).or_insert(due);
        if matches!(
            (&known.basis, &due.basis),
            (Known::Untold(_), Known::Told(_))
        ) {
            *known = due;
        }
    }
    said
}

/// A piece of news of a fact, with what its text needs.
pub fn item(
    fact: Fact,
    content: &Content,
    news: News,
    names: &Names,
    channel: Channel,
    today: NaiveDate,
) -> Item {
    let value = match &news {
        News::Entered(value) | News::Corrected { new: value, .. } => Some(value),
        News::Withdrawn(_) => None,
    };
    let spoken_of = |entry: &&Entry| Some(&entry.value) == value;
    let entry = content
        .entries
        .iter()
        .find(spoken_of)
        .cloned()
        .unwrap_or_default();
    let about = names.about.get(&fact).cloned().unwrap_or_default();
    Item {
        event: Event::of(fact.place, content.urgent, &news),
        subject: about.subject.map(|(name, short)| match channel {
            Channel::Sms => short.unwrap_or(name),
            _ => name,
        }),
        date: about.date.unwrap_or(today),
        number: about.number.filter(|number| *number > 0),
        title: about.title,
        term: about.term,
        work_kind: entry.work_kind,
        comment: entry.comment,
        short: entry.short,
        news,
    }
}

/// Two days, or less where all that is told has lost its meaning by then.
fn useful_until(members: &[Member<'_>], names: &Names, hours: &Hours, now: Millis) -> Millis {
    let ends = members.iter().map(|(due, ..)| {
        let day = names.about.get(&due.fact).and_then(|about| about.date);
        let bound = matches!(
            due.fact.place,
            Place::Lesson(_) | Place::Test { .. } | Place::ClassEvent(_)
        );
        let after = day.filter(|_| bound)?.succ_opt()?;
        Some(zone::instant(after.into(), hours.zone))
    });
    let last = ends
        .collect::<Option<Vec<_>>>()
        .and_then(|ends| ends.into_iter().max());
    last.map_or(now + USEFUL, |last| last.min(now + USEFUL))
}

impl Due {
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
