//! What one message says: of whom, what, in which order, and which earlier message it corrects.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};

use super::{Draft, Due, Hours, Names, USEFUL, pack::Member};
use crate::{
    family::{
        contact::Channel,
        preference::{Event, Timing},
    },
    instant::Millis,
    journal::{
        cell::{Known, News},
        entry::{Content, Entry},
        fact::{Fact, Place},
    },
    text::{Item, Letter, Occasion, StudentNews, abbreviation, calendar::Meeting},
    week::Week,
    zone,
};

/// One message to one address, of all that its members tell.
pub(super) fn draft(
    channel: Channel,
    address: &str,
    members: &[Member<'_>],
    names: &Names,
    hours: &Hours,
    now: Millis,
) -> Draft {
    // That a week brought nothing is said of the week, whenever it is said.
    let timing = |one: &Member<'_>| match one.due.fact.place {
        Place::Silence { .. } => Timing::Weekly,
        _ => one.timing,
    };
    let occasion = match members.iter().map(timing).max() {
        Some(Timing::Weekly) => Occasion::Weekly,
        Some(Timing::Daily) => Occasion::Daily,
        _ => Occasion::AtOnce,
    };
    let said = shared(members.iter().map(|one| one.due));
    let today = zone::local(now, hours.zone).date();
    let mut students: BTreeMap<i64, Vec<Item>> = BTreeMap::new();
    let mut amends: BTreeMap<i64, Vec<(String, Item)>> = BTreeMap::new();
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
            let corrects = !matches!(news, News::Entered(_));
            let item = item(*fact, &due.content, news, names, channel, today);
            let earlier = due.told_in.as_ref();
            if let Some(earlier) = earlier.filter(|one| corrects && one.address == address) {
                let student = names.students.get(&fact.student_id);
                let name = student.map(|(name, _)| name.clone()).unwrap_or_default();
                let amended = amends.entry(earlier.message_id).or_default();
                amended.push((name, item.clone()));
            }
            students.entry(fact.student_id).or_default().push(item);
        }
    }
    let follows = members
        .iter()
        .filter_map(|one| one.due.told_in.as_ref())
        .filter(|earlier| earlier.leaving && earlier.address == address)
        .map(|earlier| earlier.message_id)
        .chain(amends.keys().copied())
        .max();
    let absent =
        |item: &Item| item.event == Event::Absence && !matches!(item.news, News::Withdrawn(_));
    Draft {
        alarm: occasion == Occasion::AtOnce && students.values().flatten().any(absent),
        channel,
        contact_id: members[0].contact_id,
        guardian_id: members[0].due.guardian_id,
        notices: members
            .iter()
            .map(|Member { due, .. }| (due.notice_id, due.fact, due.content.cell()))
            .collect(),
        urgent: members.iter().any(|one| one.due.content.urgent),
        useful_until: useful_until(members, names, hours, now),
        letter: Letter {
            school: names.school.clone(),
            language: members[0].language,
            occasion,
            date: today,
            number: (occasion == Occasion::Weekly)
                .then(|| Week::told_on(today).number_since(names.year_from)),
            students: by_student(students, names),
        },
        follows,
        meetings: meetings(&said, names),
        amends,
        address: address.to_owned(),
    }
}

/// The news of each student, in the order in which they are told.
fn by_student(students: BTreeMap<i64, Vec<Item>>, names: &Names) -> Vec<StudentNews> {
    let mut students: Vec<StudentNews> = students
        .into_iter()
        .map(|(id, mut items)| {
            items.sort_by(|a, b| {
                (a.date, &a.subject, a.number).cmp(&(b.date, &b.subject, b.number))
            });
            let (name, class) = names.students.get(&id).cloned().unwrap_or_default();
            StudentNews {
                id,
                name,
                class,
                items,
                week: None,
            }
        })
        .collect();
    students.sort_by(|a, b| (&a.name, &a.class).cmp(&(&b.name, &b.class)));
    students
}

/// The meetings among what is said, each once.
fn meetings(said: &BTreeMap<Fact, &Due>, names: &Names) -> Vec<Meeting> {
    let mut meetings: Vec<Meeting> = Vec::new();
    for (fact, due) in said {
        let Place::ClassEvent(id) = fact.place else {
            continue;
        };
        let date = names.about.get(fact).and_then(|about| about.date);
        let news = due.news();
        let what = news.first().and_then(spoken).cloned();
        if let (Some(date), Some(what)) = (date, what)
            && meetings.iter().all(|known| known.id != id)
        {
            let cancelled = matches!(news.first(), Some(News::Withdrawn(_)));
            meetings.push(Meeting {
                id,
                date,
                what,
                cancelled,
            });
        }
    }
    meetings
}

/// The value that news is about: the new one, or the one that is gone.
fn spoken(news: &News) -> Option<&String> {
    match news {
        News::Entered(value) | News::Corrected { new: value, .. } => Some(value),
        News::Withdrawn(old) => old.as_ref(),
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
    let entered = names.zone.zip(entry.entered_at);
    let entered = entered.map(|(zone, at)| zone::local(at, zone).date());
    let late = |day: &NaiveDate| {
        let work = fact.place.date();
        work.is_some_and(|work| *day - work > TimeDelta::days(1))
    };
    Item {
        event: Event::of(fact.place, content.urgent, &news),
        subject: about.subject.map(|(name, short)| match channel {
            Channel::Sms => short.unwrap_or_else(|| abbreviation(&name).to_owned()),
            _ => name,
        }),
        date: about.date.unwrap_or(today),
        number: about.number.filter(|number| *number > 0),
        title: about.title,
        term: about.term,
        work_kind: entry.work_kind,
        comment: entry.comment,
        short: entry.short,
        answers: entry.answers,
        files: entry.files,
        entered: entered.filter(late),
        news,
    }
}

/// Two days, or less where all that is told has lost its meaning by then.
fn useful_until(members: &[Member<'_>], names: &Names, hours: &Hours, now: Millis) -> Millis {
    let ends = members.iter().map(|Member { due, .. }| {
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
