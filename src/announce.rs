//! A word to many: what is remarkable about its text, and whom it reaches by what.
//!
//! All of it is a function of values, and the bot and the command line say the same.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use vestnik_sms::parts;

use crate::{
    family::{
        People,
        contact::Channel,
        preference::{Event, Timing},
        road::roads,
    },
    money::{Kopecks, Tariff},
};

/// Something that the author should look at before a text goes to many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// It has a link: the school promises never to send one to log in.
    Link,
    /// It names somebody who may be a student of the class: others read it too.
    Surname(String),
    /// It shouts: many capitals or exclamation marks.
    Loud,
    /// It asks for money or a card: what fraudsters write.
    Money,
    /// It asks for a code or a password, which the school never does.
    Secret,
}

/// What is remarkable about a text, where the class's students have these surnames.
pub fn notes(text: &str, surnames: &BTreeSet<String>) -> Vec<Note> {
    let mut notes = Vec::new();
    let lower = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if has(&["http://", "https://", "www.", "t.me/", ".ru/", ".com/"]) {
        notes.push(Note::Link);
    }
    let named: BTreeSet<&str> = text
        .split(|c: char| !c.is_alphabetic() && c != '-')
        .filter(|word| surnames.iter().any(|surname| declined(word, surname)))
        .collect();
    notes.extend(named.into_iter().map(|word| Note::Surname(word.to_owned())));
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = text.chars().filter(|c| c.is_uppercase()).count();
    if text.contains("!!") || (letters > 20 && capitals * 2 > letters) {
        notes.push(Note::Loud);
    }
    if has(&["карт", "перевед", "оплат", "сдать деньги", "сдаём деньги"])
    {
        notes.push(Note::Money);
    }
    if has(&["пароль", "код из", "пришлите код", "сообщите код"]) {
        notes.push(Note::Secret);
    }
    notes
}

/// Whether a word may be this surname in one of its cases: «Соколовой» is «Соколова».
fn declined(word: &str, surname: &str) -> bool {
    // Where all letters are capitals they tell nothing.
    let mut letters = word.chars();
    let capital = letters.next().is_some_and(char::is_uppercase)
        && letters.next().is_some_and(char::is_lowercase);
    let stem = |text: &str| {
        let lower = text.to_lowercase();
        let bare = lower.trim_end_matches(['а', 'я', 'й', 'и', 'ы', 'о', 'у', 'е', 'ь', 'ю']);
        bare.to_owned()
    };
    let stem = stem(surname);
    let long = stem.chars().count();
    let word = word.to_lowercase();
    capital && long >= 3 && word.starts_with(&stem) && word.chars().count() <= long + 3
}

/// Somebody whom it reaches, or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `guardian.id`
    pub guardian_id: i64,
    /// `student.id`: the first of the guardian's students in the audience.
    pub student_id: i64,
    /// By what; none for who must not hear.
    pub channel: Option<Channel>,
    /// When, but for paper.
    pub timing: Option<Timing>,
    /// Where it goes by SMS, for its price.
    pub phone: Option<String>,
}

/// Whom a word reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audience {
    /// How many students it concerns.
    pub students: usize,
    /// Their guardians, each once.
    pub listeners: Vec<Listener>,
}

impl Audience {
    /// Whom a word to these students reaches.
    pub fn of(
        people: &People,
        students: &[i64],
        urgent: bool,
        configured: &[Channel],
        today: NaiveDate,
    ) -> Self {
        let event = if urgent {
            Event::Urgent
        } else {
            Event::Announcement
        };
        let mut listeners: Vec<Listener> = Vec::new();
        for student in students {
            for road in roads(people, *student, event, configured, today) {
                let known = listeners
                    .iter_mut()
                    .find(|one| one.guardian_id == road.guardian_id);
                // Who must not hear of one child may hear of another.
                if known.as_ref().is_some_and(|one| one.channel.is_some())
                    || (known.is_some() && !road.hears)
                {
                    continue;
                }
                let phone = people
                    .contacts_of(road.guardian_id)
                    .into_iter()
                    .find(|contact| Some(contact.channel) == road.channel)
                    .filter(|contact| contact.channel == Channel::Sms)
                    .map(|contact| contact.address.clone());
                let listener = Listener {
                    guardian_id: road.guardian_id,
                    student_id: *student,
                    channel: road.channel,
                    timing: road.timing,
                    phone,
                };
                match known {
                    Some(known) => *known = listener,
                    None => listeners.push(listener),
                }
            }
        }
        Self {
            students: students.len(),
            listeners,
        }
    }

    /// How many guardians hear at all.
    pub fn reached(&self) -> usize {
        self.listeners
            .iter()
            .filter(|one| one.channel.is_some())
            .count()
    }

    /// How many hear by each channel.
    pub fn by_channel(&self) -> BTreeMap<Channel, usize> {
        let mut count = BTreeMap::new();
        for channel in self.listeners.iter().filter_map(|one| one.channel) {
            *count.entry(channel).or_default() += 1;
        }
        count
    }

    /// How many hear only with a digest.
    pub fn later(&self) -> usize {
        let digest = |one: &&Listener| matches!(one.timing, Some(Timing::Daily | Timing::Weekly));
        self.listeners.iter().filter(digest).count()
    }

    /// How many SMS this text makes in all, and what they cost by a lane.
    pub fn sms(&self, text: &str, tariff: &Tariff, lane: &str) -> (usize, Kopecks) {
        let parts = parts::count(text).parts;
        let phones = self.listeners.iter().filter_map(|one| one.phone.as_ref());
        phones.fold((0, Kopecks(0)), |(count, cost), phone| {
            (count + parts, cost.and(tariff.cost(lane, phone, parts)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<Note> {
        let surnames = ["Соколова", "Ким", "Белый", "Орлов"].map(str::to_owned);
        notes(text, &surnames.into())
    }

    #[test]
    fn a_text_for_many_names_no_child_and_shouts_at_nobody() {
        assert_eq!(
            said("Собрание 20.10 в 18:00, каб. 24. Приходите, пожалуйста!"),
            []
        );
        let named = |word: &str| vec![Note::Surname(word.to_owned())];
        assert_eq!(said("Поздравляем Соколову с победой"), named("Соколову"));
        assert_eq!(said("Благодарим семью Белого"), named("Белого"));
        assert_eq!(said("Орлов дежурит"), named("Орлов"));
        assert_eq!(said("Над городом летает орёл, белый и большой"), []);
        assert_eq!(said("Срочно!! Все в зал"), [Note::Loud]);
        assert_eq!(said("ЗАВТРА ВСЕМ ПРИЙТИ В БЕЛОЙ РУБАШКЕ"), [Note::Loud]);
        assert_eq!(said("Запись: https://example.org/x"), [Note::Link]);
        assert_eq!(said("Сдать деньги на театр до пятницы"), [Note::Money]);
        assert_eq!(said("Пришлите код из сообщения"), [Note::Secret]);
    }
}
