//! Which notices share a message, and which get into none: because it would be too long, because the address has
//! had its day's messages, or because the month's money is spent.

use std::collections::{BTreeMap, BTreeSet};

use super::{Draft, Due, Fate, Road, Scene, draft::draft, fate, fit};
use crate::{
    family::{
        contact::{Channel, Contact},
        preference::{Event, Timing},
        route::WhyPaper,
    },
    instant::Millis,
    money::{Kopecks, Purse, Stand},
    text::{CHILDREN, Language},
};

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

/// A notice that goes to an address.
#[derive(Clone)]
pub(super) struct Member<'a> {
    pub due: &'a Due,
    pub contact_id: i64,
    /// The language that its guardian reads.
    pub language: Language,
    /// The timing that the family asked for.
    pub timing: Timing,
    /// When it joins the day's digest, if the address has had its day's messages; none for what passes
    /// the daily cap.
    folds: Option<Millis>,
    /// When it can still be told if it does not fit; none for what cannot wait.
    waits: Option<Millis>,
    /// What it is told as.
    pub event: Event,
}

/// Whether it is urgent, and to which address it goes.
type Group = (bool, Channel, String);

/// The notices on their way into messages.
pub(super) struct Packing<'a> {
    scene: &'a Scene<'a>,
    configured: &'a [Channel],
    fates: BTreeMap<i64, Fate>,
    /// What is due for each address. What is urgent makes a message of its own: company would have to share
    /// its hour.
    groups: BTreeMap<Group, Vec<Member<'a>>>,
    drafts: Vec<Draft>,
    /// What found no place in a message to one address, and what becomes of it if no other carries it.
    left: Vec<(i64, Fate)>,
    /// What the month costs with the drafts.
    spent: Kopecks,
}

impl<'a> Packing<'a> {
    pub(super) fn new(scene: &'a Scene<'a>, configured: &'a [Channel]) -> Self {
        Self {
            scene,
            configured,
            fates: BTreeMap::new(),
            groups: BTreeMap::new(),
            drafts: Vec::new(),
            left: Vec::new(),
            spent: scene.purse().map_or(Kopecks(0), |purse| purse.spent),
        }
    }

    /// Decides about a notice by itself.
    pub(super) fn take(&mut self, due: &'a Due) {
        let (fate, road) = fate(due, self.scene, self.configured);
        self.fates.insert(due.notice_id, fate);
        if let Some(road) = road {
            self.join(due, &road);
        }
    }

    /// Puts a notice with what else is due for its addresses.
    fn join(&mut self, due: &'a Due, road: &Road) {
        let people = self.scene.people;
        let contacts = road
            .contacts
            .iter()
            .filter_map(|id| people.contacts.iter().find(|contact| contact.id == *id));
        for contact in contacts {
            let group = (due.content.urgent, contact.channel, contact.address.clone());
            let members = self.groups.entry(group).or_default();
            let same = |one: &Member<'_>| {
                one.due.notice_id == due.notice_id && one.contact_id == contact.id
            };
            if !members.iter().any(same) {
                members.push(self.scene.member(due, contact, road));
            }
        }
    }

    /// Makes the messages, and says what becomes of every notice. SMS come first, those first that matter
    /// most: what the money does not suffice for may join the messages of other channels.
    pub(super) fn pack(mut self) -> (Vec<(i64, Fate)>, Vec<Draft>) {
        let mut sms: Vec<Group> = self
            .groups
            .keys()
            .filter(|(_, channel, _)| channel.costs())
            .cloned()
            .collect();
        sms.sort_by_key(|group| {
            let members = self.groups.get(group).into_iter().flatten();
            let first = members.map(|one| fit::importance(one.event)).min();
            (!group.0, first)
        });
        for group in sms {
            self.pack_group(group);
        }
        while let Some(group) = self.groups.keys().next().cloned() {
            self.pack_group(group);
        }
        // What another of the family's addresses carries is told.
        let told: BTreeSet<i64> = self
            .drafts
            .iter()
            .flat_map(|draft| draft.notices.iter().map(|(notice, ..)| *notice))
            .collect();
        for (notice, fate) in self.left {
            if !told.contains(&notice) {
                self.fates.insert(notice, fate);
            }
        }
        (self.fates.into_iter().collect(), self.drafts)
    }

    fn pack_group(&mut self, group: Group) {
        let Some(mut members) = self.groups.remove(&group) else {
            return;
        };
        let scene = self.scene;
        let (urgent, channel, address) = group;
        let sms = scene
            .names
            .fitting
            .as_ref()
            .filter(|_| channel == Channel::Sms);
        let limited = sms.is_some_and(|sms| sms.parts.is_some()) && !urgent;
        let to = (channel, address);
        let mut sent = scene
            .around
            .sent_today
            .get(&to)
            .copied()
            .unwrap_or_default();
        let (channel, address) = to;
        members.sort_by_key(|one| (one.due.fact, one.due.guardian_id));
        if limited {
            fit::sort(&mut members);
        }
        while !members.is_empty() {
            let mut held = cut(&members, channel);
            if let Some(sms) = sms {
                let draft = |part: &[Member<'_>]| scene.draft(channel, &address, part);
                held = sms.held(&members[..held], limited, draft);
            }
            let mut rest = members.split_off(held);
            // What does not fit is told by the next digest, if that is not too late for it.
            if limited {
                let waits =
                    |one: &mut Member<'_>| one.waits.is_some() && !crowded_out(&members, one);
                let waiting = rest.extract_if(.., waits);
                let waiting =
                    waiting.filter_map(|one| Some((one.due.notice_id, Fate::Window(one.waits?))));
                self.left.extend(waiting);
            }
            let folds: Option<Vec<Millis>> = members.iter().map(|one| one.folds).collect();
            let cap = scene.around.policy.daily_cap;
            if let Some(digests) = folds.filter(|_| cap.passed_by(sent + 1)) {
                let notices = members.iter().map(|one| one.due.notice_id);
                self.left
                    .extend(notices.zip(digests.into_iter().map(Fate::Window)));
            } else {
                let part = self.affordable(channel, &address, members);
                if !part.is_empty() {
                    self.drafts.push(scene.draft(channel, &address, &part));
                }
            }
            sent += 1;
            members = rest;
        }
    }

    /// Those of the members whose message the school can pay for; the others go another way.
    fn affordable(
        &mut self,
        channel: Channel,
        address: &str,
        mut part: Vec<Member<'a>>,
    ) -> Vec<Member<'a>> {
        let scene = self.scene;
        let Some(purse) = scene.purse().filter(|_| channel.costs()) else {
            return part;
        };
        let cost = |part: &[Member<'_>]| scene.cost(purse, &scene.draft(channel, address, part));
        let stand = purse.budget.stand(self.spent.and(cost(&part)));
        if stand != Stand::Fits {
            part.retain(|one| at_any_price(one.event) || !self.goes_otherwise(one, stand));
        }
        if !part.is_empty() {
            self.spent = self.spent.and(cost(&part));
        }
        part
    }

    /// Sends a notice by a way that costs nothing, or less. False where it has to be paid for.
    fn goes_otherwise(&mut self, member: &Member<'a>, stand: Stand) -> bool {
        let due = member.due;
        let free: Vec<Channel> = self
            .configured
            .iter()
            .copied()
            .filter(|one| !one.costs())
            .collect();
        let (fate, road) = fate(due, self.scene, &free);
        let fate = match (fate, member.folds) {
            (Fate::Message, _) => {
                if let Some(road) = road {
                    self.join(due, &road);
                }
                return true;
            }
            (Fate::Sheet(_), Some(digest)) if stand == Stand::AboveSoft => Fate::Window(digest),
            (Fate::Sheet(_), None) if stand == Stand::AboveSoft => return false,
            (Fate::Sheet(_), _) => Fate::Sheet(WhyPaper::NoMoney),
            (fate, _) => fate,
        };
        self.left.push((due.notice_id, fate));
        true
    }
}

impl Scene<'_> {
    fn member<'a>(&self, due: &'a Due, contact: &Contact, road: &Road) -> Member<'a> {
        let guardian = self.people.guardian(contact.guardian_id);
        Member {
            due,
            contact_id: contact.id,
            language: guardian.map(|one| one.language).unwrap_or_default(),
            timing: road.timing,
            folds: road.folds,
            waits: road.waits,
            event: road.event,
        }
    }

    fn draft(&self, channel: Channel, address: &str, part: &[Member<'_>]) -> Draft {
        draft(channel, address, part, self.names, self.hours, self.now)
    }

    fn purse(&self) -> Option<&Purse> {
        self.around.purse.as_ref()
    }

    fn cost(&self, purse: &Purse, draft: &Draft) -> Kopecks {
        let parts = self
            .names
            .fitting
            .as_ref()
            .map_or(1, |sms| sms.parts(draft));
        purse.prices.of(&draft.address, parts)
    }
}

/// Whether this is told by SMS even where the month's money is spent: a family must not learn on Friday that the
/// child did not arrive on Monday, nor go on believing it.
fn at_any_price(event: Event) -> bool {
    matches!(
        event,
        Event::Urgent | Event::Absence | Event::AttendanceCorrected
    )
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
