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

/// How long the files of one announcement may be together, in bytes: what mail servers take.
pub const MAX_FILE: u64 = 5 * 1024 * 1024;

/// How many files come with one announcement.
pub const MAX_FILES: usize = 3;

/// How many answers a question has, and how long each may be: what fits on buttons.
pub const ANSWERS: std::ops::RangeInclusive<usize> = 2..=4;
const MAX_ANSWER: usize = 40;

/// The files that families can open, and that are no programs: their ending and kind.
const KINDS: [(&str, &str); 14] = [
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("png", "image/png"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("doc", "application/msword"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("odt", "application/vnd.oasis.opendocument.text"),
    ("xls", "application/vnd.ms-excel"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("ods", "application/vnd.oasis.opendocument.spreadsheet"),
    ("ppt", "application/vnd.ms-powerpoint"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("odp", "application/vnd.oasis.opendocument.presentation"),
];

/// The endings of files that may come with an announcement.
pub fn endings() -> String {
    let endings: Vec<&str> = KINDS.iter().map(|(ending, _)| *ending).collect();
    endings.join(", ")
}

/// The name under which a file comes with an announcement, and its kind; none for what may not come. A photo
/// of a messenger has no name.
pub fn file(name: Option<&str>, mime: &str, number: usize) -> Option<(String, &'static str)> {
    let photo = || match mime {
        "image/jpeg" => Some(format!("фото {number}.jpg")),
        _ => None,
    };
    let name = name.map(str::to_owned).or_else(photo)?;
    let (stem, ending) = name.rsplit_once('.')?;
    let ending = ending.to_lowercase();
    let (ending, mime) = KINDS.iter().find(|(known, _)| *known == ending)?;
    let letters = stem.chars().filter(|c| {
        c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | ',' | '(' | ')' | '№')
    });
    let stem: String = letters.take(60).collect();
    let stem = stem.trim_matches([' ', '.']);
    let stem = if stem.is_empty() { "файл" } else { stem };
    Some((format!("{stem}.{ending}"), mime))
}

/// The answers in a text, one in a line or between slashes; none where they are too few, too many, too long
/// or not all different.
pub fn answers(text: &str) -> Option<Vec<String>> {
    let mut answers: Vec<String> = Vec::new();
    for one in text.split(['\n', '/']) {
        let words: Vec<&str> = one.split_whitespace().collect();
        let answer = words.join(" ");
        if !answer.is_empty() {
            answers.push(answer);
        }
    }
    let alike: BTreeSet<String> = answers.iter().map(|one| one.to_lowercase()).collect();
    let short = answers.iter().all(|one| one.chars().count() <= MAX_ANSWER);
    (ANSWERS.contains(&answers.len()) && alike.len() == answers.len() && short).then_some(answers)
}

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
    fn files_that_families_can_open_come_under_harmless_names() {
        let named = |name: &str| file(Some(name), "application/octet-stream", 1);
        let taken = |name: &str| named(name).map(|(name, _)| name);
        assert_eq!(taken("Афиша (1).JPG").as_deref(), Some("Афиша (1).jpg"));
        assert_eq!(taken("../../etc/план.pdf").as_deref(), Some("etcплан.pdf"));
        assert_eq!(
            taken("a\r\nBcc: x\u{202e}.pdf").as_deref(),
            Some("aBcc x.pdf")
        );
        assert_eq!(taken(".pdf").as_deref(), Some("файл.pdf"));
        for refused in [
            "вирус.exe",
            "page.html",
            "фото.jpg.scr",
            "без окончания",
            "",
        ] {
            assert_eq!(taken(refused), None, "{refused}");
        }
        let photo = file(None, "image/jpeg", 2);
        assert_eq!(photo, Some(("фото 2.jpg".to_owned(), "image/jpeg")));
        assert_eq!(file(None, "video/mp4", 1), None);
    }

    #[test]
    fn answers_are_two_to_four_and_all_different() {
        let read = |text: &str| answers(text).map(|answers| answers.join("|"));
        assert_eq!(
            read("едем\n не  едем \n\n").as_deref(),
            Some("едем|не едем")
        );
        assert_eq!(read("да / нет").as_deref(), Some("да|нет"));
        for refused in [
            "",
            "да",
            "да\nДа",
            "1\n2\n3\n4\n5",
            &format!("да\n{}", "о".repeat(41)),
        ] {
            assert_eq!(read(refused), None, "{refused}");
        }
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
