//! `compose`: from duties that are due to one message for one address, or to a later hour, or to
//! the weekly sheet.
//!
//! The family is the unit: what is due for one address at one time makes one message, for all its
//! children and for all guardians who share the address.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::{
    family::{
        Guardian, People,
        contact::{Channel, Health},
        preference::Timing,
        route::{Route, WhyPaper, route},
    },
    instant::{HOUR, Millis},
    journal::{
        cell::{Cell, Known, News, news},
        fact::MarkFact,
    },
    plan::{self, WhyNone},
    quiet::Quiet,
    schedule,
    text::{Item, Letter, Occasion, School, StudentNews},
    zone,
};

/// How long a composed message is of use. After that its notices look for another road, because
/// news of the day before yesterday on a phone is a nuisance and on the sheet is not.
pub const USEFUL: Millis = 48 * HOUR;

/// How many facts one message tells at most. Twenty marks make an SMS of about ten parts, the most
/// that gateways take; no mail reader minds two hundred.
fn most_facts(channel: Channel) -> usize {
    match channel {
        Channel::Sms => 20,
        Channel::Email | Channel::Telegram | Channel::Paper => 200,
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
    pub fact: MarkFact,
    /// What they know.
    pub basis: Known,
    /// When its settling ended, if it has not waited for its window yet.
    pub settled_at: Option<Millis>,
    /// What stands in the cell now.
    pub entries: Vec<Entry>,
    /// The contacts that have already failed to carry it.
    pub tried: Vec<i64>,
    /// The message by which they last heard of the fact, with its address, if it may still be under
    /// way.
    pub told_in: Option<(i64, String)>,
}

/// One mark of a cell, with what is said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The mark.
    pub value: String,
    /// «контрольная»
    pub work_kind: Option<String>,
    /// The teacher's comment.
    pub comment: Option<String>,
}

impl Entry {
    /// The bag of values that these marks make.
    pub fn cell(entries: &[Self]) -> Cell {
        entries.iter().map(|entry| entry.value.as_str()).collect()
    }
}

/// The words for what the facts name by number.
#[derive(Clone, Default)]
pub struct Names {
    /// The school.
    pub school: School,
    /// Per student: the name that texts use, and the class.
    pub students: BTreeMap<i64, (String, Option<String>)>,
    /// Per subject: its name, and its short name for SMS.
    pub subjects: BTreeMap<i64, (String, Option<String>)>,
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
    /// The notices it carries, each with the cell that it tells.
    pub notices: Vec<(i64, MarkFact, Cell)>,
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
    let mut groups: BTreeMap<(Channel, String), Vec<Member<'_>>> = BTreeMap::new();
    for one in due {
        let (fate, contacts) = fate(one, people, configured, hours, now);
        fates.push((one.notice_id, fate));
        for (contact_id, timing) in contacts {
            let Some(contact) = people.contacts.iter().find(|c| c.id == contact_id) else {
                continue;
            };
            groups
                .entry((contact.channel, contact.address.clone()))
                .or_default()
                .push((one, contact_id, timing));
        }
    }
    let mut drafts = Vec::with_capacity(groups.len());
    for ((channel, address), mut members) in groups {
        members.sort_by_key(|(due, ..)| (due.fact, due.guardian_id));
        let mut rest = members.as_slice();
        while !rest.is_empty() {
            let (part, later) = rest.split_at(cut(rest, most_facts(channel)));
            drafts.push(draft(channel, &address, part, names, hours, now));
            rest = later;
        }
    }
    (fates, drafts)
}

/// How many of the members, sorted by fact, tell no more than `most` facts.
fn cut(members: &[Member<'_>], most: usize) -> usize {
    let mut facts = 0;
    let mut last = None;
    for (at, (due, ..)) in members.iter().enumerate() {
        if last != Some(due.fact) {
            facts += 1;
            last = Some(due.fact);
        }
        if facts > most {
            return at;
        }
    }
    members.len()
}

fn fate(
    due: &Due,
    people: &People,
    configured: &[Channel],
    hours: &Hours,
    now: Millis,
) -> (Fate, Vec<(i64, Timing)>) {
    let close = |reason| (Fate::Close(reason), Vec::new());
    let cell = due.cell();
    let news = news(&due.basis, &cell);
    if news.is_empty() {
        return close(match due.basis {
            Known::Untold(_) => WhyNone::WithdrawnBeforeTold,
            Known::Told(_) => WhyNone::EqualAgain,
        });
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
        plan::event(&news),
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
    if let Some(until) = guardian.paused_to.filter(|until| *until >= today) {
        let after = zone::instant((until + chrono::Days::new(1)).into(), hours.zone);
        return (window(&hours.daily, after), Vec::new());
    }
    let wait = match (timing, due.settled_at) {
        (Timing::Daily, Some(at)) => window(&hours.daily, at),
        (Timing::Weekly, Some(at)) => window(&hours.weekly, at),
        _ => Fate::Message,
    };
    if wait != Fate::Message {
        return (wait, Vec::new());
    }
    if let Some(until) = hours.night(guardian, now) {
        return (Fate::Quiet(until), Vec::new());
    }
    let contacts = contacts.into_iter().map(|id| (id, timing)).collect();
    (Fate::Message, contacts)
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
    let occasion = match members.iter().map(|(.., timing)| *timing).max() {
        Some(Timing::Weekly) => Occasion::Weekly,
        Some(Timing::Daily) => Occasion::Daily,
        _ => Occasion::AtOnce,
    };
    // Two guardians with one address share the message. Where one of them knows more, the text
    // follows that one: the phone has shown it to both.
    let mut said: BTreeMap<MarkFact, &Due> = BTreeMap::new();
    for (due, ..) in members {
        let known = said.entry(due.fact).or_insert(due);
        if matches!(
            (&known.basis, &due.basis),
            (Known::Untold(_), Known::Told(_))
        ) {
            *known = due;
        }
    }
    let mut students: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    for (fact, due) in &said {
        let subject = names.subject(fact.subject_id, channel);
        for news in news(&due.basis, &due.cell()) {
            let entry = due.entry_of(&news);
            students.entry(fact.student_id).or_default().push(Item {
                subject: subject.clone(),
                date: fact.date,
                work_kind: entry.and_then(|entry| entry.work_kind.clone()),
                comment: entry.and_then(|entry| entry.comment.clone()),
                news,
            });
        }
    }
    let mut students: Vec<StudentNews> = students
        .into_iter()
        .map(|(id, mut items)| {
            items.sort_by(|a, b| (a.date, &a.subject).cmp(&(b.date, &b.subject)));
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
            .map(|(due, ..)| (due.notice_id, due.fact, due.cell()))
            .collect(),
        letter: Letter {
            school: names.school.clone(),
            occasion,
            date: zone::local(now, hours.zone).date(),
            students,
        },
        follows,
        address: address.to_owned(),
    }
}

impl Names {
    fn subject(&self, id: i64, channel: Channel) -> String {
        let (name, short) = self.subjects.get(&id).cloned().unwrap_or_default();
        match (channel, short) {
            (Channel::Sms, Some(short)) => short,
            _ => name,
        }
    }
}

impl Due {
    /// The cell as it reads now.
    pub fn cell(&self) -> Cell {
        Entry::cell(&self.entries)
    }

    /// The mark that a piece of news speaks of.
    fn entry_of(&self, news: &News) -> Option<&Entry> {
        let value = match news {
            News::Entered(value) | News::Corrected { new: value, .. } => value,
            News::Withdrawn(_) => return None,
        };
        self.entries.iter().find(|entry| entry.value == *value)
    }
}
