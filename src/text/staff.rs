//! Words for staff: whose family cannot be reached, who changes class, and what the journal lacks. They hold
//! no mark.

use std::{collections::BTreeMap, fmt};

use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ContentLevel, Language, School, TemplateError, Templates, Text, view};
use crate::{
    alarm::Alarm,
    failover::Why,
    family::contact::{Channel, Health},
};

/// The folder of their templates.
const FOLDER: &str = "staff";

/// One thing that a member of staff has to know.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffNews {
    /// Whom it is about: «Маша С., 5 «А»», or the class.
    pub who: String,
    /// What.
    pub matter: Matter,
}

/// What staff have to know.
#[derive(Clone, PartialEq, Eq)]
pub enum Matter {
    /// An address of the family fails.
    Failing(Channel, Health),
    /// The family answered an SMS with «СТОП».
    Stopped,
    /// The family takes no more mails.
    Left,
    /// The student changes class.
    Moved {
        /// The class that the student leaves.
        from: String,
        /// The class that the student joins.
        to: String,
        /// The first day there.
        on: NaiveDate,
    },
    /// The family hears on paper and has had none since this day, or ever.
    NoPaper(Option<NaiveDate>),
    /// A lesson's homework is not in the journal.
    NoHomework {
        /// Its subject.
        subject: String,
        /// Its day.
        date: NaiveDate,
    },
    /// The marks of a test are not in the journal.
    NoMarks {
        /// Its subject.
        subject: String,
        /// Its day.
        date: NaiveDate,
    },
    /// A provider account is down, and another one carries its messages.
    Gateway(Why),
    /// Somebody has to look at something.
    Alarm(Alarm),
    /// The family asks something.
    Asked {
        /// In these words.
        words: String,
    },
    /// The family says that an entry is wrong.
    Mistaken {
        /// Which one, and why.
        words: String,
        /// The last day on which it is answered in time.
        answer_by: NaiveDate,
    },
}

impl StaffNews {
    /// That somebody has to look at something.
    pub fn of_alarm(alarm: Alarm) -> Self {
        let who = match alarm {
            Alarm::Queue(channel) | Alarm::Failures(channel) => carrier(channel),
            Alarm::Lag | Alarm::Silent => "журнал",
            Alarm::Money => "деньги на SMS",
            Alarm::Held(_) => "нужно решение",
            Alarm::Results => "итоговые отметки",
            Alarm::Unheard => "семьи без новостей",
            Alarm::Texts => "тексты SMS",
            Alarm::Backup => "резервная копия",
        };
        Self {
            who: who.to_owned(),
            matter: Matter::Alarm(alarm),
        }
    }

    /// That an SMS gateway is down: the preferred one, or the spare one.
    pub fn of_gateway(spare: bool, why: Why) -> Self {
        let who = if spare {
            "запасной SMS-шлюз"
        } else {
            "основной SMS-шлюз"
        };
        Self {
            who: who.to_owned(),
            matter: Matter::Gateway(why),
        }
    }
}

/// Prints no name.
impl fmt::Debug for StaffNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StaffNews({})", view_of(self, None).matter)
    }
}

/// One item as templates see it, and as the sample writes it.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Item {
    matter: String,
    who: String,
    why: Option<String>,
    from: Option<String>,
    to: Option<String>,
    subject: Option<String>,
    date: Option<NaiveDate>,
    words: Option<String>,
    /// Where on the board it stands.
    link: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    school: super::samples::SampleSchool,
    news: Vec<Item>,
}

/// `board` is where the board is found, if it is found from outside.
fn view_of(news: &StaffNews, board: Option<&str>) -> Item {
    let item = |matter: &str| Item {
        matter: matter.to_owned(),
        who: news.who.clone(),
        ..Item::default()
    };
    match &news.matter {
        Matter::Failing(channel, health) => Item {
            why: Some(format!("{}:{}", code(*health), channel.code())),
            ..item("failing")
        },
        Matter::Stopped => item("stopped"),
        Matter::Left => item("left"),
        Matter::Moved { from, to, on } => Item {
            from: Some(from.clone()),
            to: Some(to.clone()),
            date: Some(*on),
            ..item("moved")
        },
        Matter::NoPaper(since) => Item {
            date: *since,
            ..item("no_paper")
        },
        Matter::NoHomework { subject, date } => Item {
            subject: Some(subject.clone()),
            date: Some(*date),
            ..item("no_homework")
        },
        Matter::NoMarks { subject, date } => Item {
            subject: Some(subject.clone()),
            date: Some(*date),
            ..item("no_marks")
        },
        Matter::Gateway(why) => Item {
            why: Some(format!("gateway:{}", why.code())),
            ..item("gateway")
        },
        Matter::Alarm(alarm) => Item {
            why: Some(format!("alarm:{alarm}")),
            link: board.map(|board| format!("{}{}", board.trim_end_matches('/'), alarm.page())),
            ..item("alarm")
        },
        Matter::Asked { words } => Item {
            words: Some(words.clone()),
            ..item("asked")
        },
        Matter::Mistaken { words, answer_by } => Item {
            words: Some(words.clone()),
            date: Some(*answer_by),
            ..item("mistaken")
        },
    }
}

/// A channel, as who leads the school calls it.
fn carrier(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "SMS",
        Channel::Email => "почта",
        Channel::Telegram => "Telegram",
        Channel::Paper => "бумага",
    }
}

fn code(health: Health) -> &'static str {
    match health {
        Health::Blocked => "blocked",
        Health::Complained => "complained",
        Health::Hard => "hard",
        Health::Silent | Health::Ok | Health::Soft | Health::Tried => "silent",
    }
}

/// What happened to an address, in a teacher's words.
pub(super) fn trouble(why: &str) -> &str {
    match why.split_once(':') {
        Some(("blocked", _)) => "родители остановили бота",
        Some(("complained", _)) => "на письма школы пожаловались",
        Some(("silent", "email")) => "письма больше недели возвращаются",
        Some(("silent", _)) => "телефон больше недели не отвечает",
        Some(("hard", "sms")) => "такого номера телефона нет",
        Some(("hard", "email")) => "такого адреса почты нет",
        Some(("hard", _)) => "чат с ботом закрыт",
        Some(("gateway", "late")) => "отчёты о доставке сильно опаздывают",
        Some(("gateway", "rests")) => "давно не принимает сообщения",
        Some(("gateway", _)) => "отвечает ошибками",
        Some(("alarm", what)) => alarming(what),
        _ => why,
    }
}

/// What somebody has to look at.
fn alarming(code: &str) -> &str {
    match Alarm::from_code(code) {
        Some(Alarm::Queue(_)) => "сообщения ждут больше 15 минут, провайдер их не принимает",
        Some(Alarm::Failures(_)) => "за час отклонено больше 3 % сообщений",
        Some(Alarm::Lag) => "изменения не читаются больше 5 минут, семьи узнают поздно",
        Some(Alarm::Silent) => "сегодня есть уроки, а записей с утра нет",
        Some(Alarm::Money) => "осталось меньше 20 %, потом сообщения пойдут на бумагу",
        Some(Alarm::Held(_)) => "необычное удержано и ждёт вас",
        Some(Alarm::Results) => "семьи их ещё не знают, а срок по регламенту почти вышел",
        Some(Alarm::Unheard) => "вторую неделю подряд до них ничего не дошло",
        Some(Alarm::Texts) => {
            "оператор знает не все, такие SMS он сочтёт рекламой; что делать, покажет vestnik check"
        }
        Some(Alarm::Backup) => "новой давно нет, проверьте, кто её делает",
        None => code,
    }
}

/// What templates see: the news by their matter, in the order of the first of each.
fn data(school: &School, items: &[Item]) -> Value {
    let mut order: Vec<&str> = Vec::new();
    let mut sections: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for item in items {
        if !order.contains(&item.matter.as_str()) {
            order.push(&item.matter);
        }
        let clean = |value: &Option<String>| value.as_deref().map(view::one_line);
        sections.entry(&item.matter).or_default().push(json!({
            "matter": item.matter,
            "who": view::one_line(&item.who),
            "why": item.why,
            "from": clean(&item.from),
            "to": clean(&item.to),
            "subject": clean(&item.subject),
            "date": item.date.map(|date| date.to_string()),
            "words": clean(&item.words),
            "link": item.link,
        }));
    }
    let sections: Vec<Value> = order
        .iter()
        .map(|matter| json!({ "matter": matter, "items": sections[matter] }))
        .collect();
    json!({
        "school": view::one_line(&school.name),
        "short_school": view::one_line(&school.short_name),
        "phone": school.phone.as_deref().map(view::one_line),
        "sections": sections,
    })
}

/// Reads the sample.
fn read(sample: &str) -> Result<(School, Vec<Item>), TemplateError> {
    let name = format!("{FOLDER}/sample.json");
    let sample: Sample = serde_json::from_str(sample).map_err(|error| TemplateError::Broken {
        name,
        line: error.line(),
        problem: error.to_string(),
    })?;
    let school = School {
        name: sample.school.name,
        short_name: sample.school.short_name,
        phone: sample.school.phone,
    };
    Ok((school, sample.news))
}

impl Templates {
    /// One message for one member of staff. `board` is where the board is found, if it is found from outside.
    ///
    /// # Errors
    /// [`TemplateError::Broken`], as [`Templates::render`].
    pub fn for_staff(
        &self,
        channel: Channel,
        level: ContentLevel,
        school: &School,
        board: Option<&str>,
        news: &[StaffNews],
    ) -> Result<Text, TemplateError> {
        let items: Vec<Item> = news.iter().map(|one| view_of(one, board)).collect();
        self.staff(channel, level, school, &items)
    }

    fn staff(
        &self,
        channel: Channel,
        level: ContentLevel,
        school: &School,
        items: &[Item],
    ) -> Result<Text, TemplateError> {
        let data = data(school, items);
        let set = |file: &str| self.set(Language::Russian, &format!("{FOLDER}/{file}"), &data);
        Ok(match channel {
            Channel::Sms => Text {
                subject: None,
                text: view::lines(&set("sms.hbs")?),
                html: None,
            },
            Channel::Telegram if level != ContentLevel::Full => Text {
                subject: None,
                text: view::lines(&set("telegram.ping.hbs")?),
                html: None,
            },
            Channel::Email | Channel::Telegram | Channel::Paper => Text {
                subject: match channel {
                    Channel::Email => Some(view::one_line(&set("email.subject.hbs")?)),
                    _ => None,
                },
                text: view::paragraphs(&set("email.txt.hbs")?),
                html: None,
            },
        })
    }

    /// The SMS of the sample, item by item, and each with the next one, from a school of this name.
    ///
    /// # Errors
    /// [`TemplateError`] with the file to mend.
    pub(super) fn staff_samples(
        &self,
        sample: &str,
        school: &str,
    ) -> Result<Vec<String>, TemplateError> {
        let (mut sender, news) = read(sample)?;
        school.clone_into(&mut sender.short_name);
        let singles = news.iter().map(std::slice::from_ref);
        let several = news.chunks(super::MATTERS).chain(news.windows(2));
        singles
            .chain(several)
            .map(|items| {
                let text = self.staff(Channel::Sms, ContentLevel::Full, &sender, items)?;
                Ok(text.text)
            })
            .collect()
    }

    /// Renders the sample, whole and item by item, and looks for what must not be lost.
    ///
    /// # Errors
    /// [`TemplateError`] with the file to mend.
    pub(super) fn try_staff(&self, sample: &str) -> Result<(), TemplateError> {
        let (school, news) = read(sample)?;
        let loses = |file: &str, field| TemplateError::Loses {
            name: format!("{FOLDER}/{file}"),
            field,
        };
        let singles = news.iter().map(std::slice::from_ref);
        for items in singles.chain([news.as_slice()]) {
            for channel in [Channel::Sms, Channel::Email, Channel::Telegram] {
                let text = self.staff(channel, ContentLevel::Full, &school, items)?;
                let file = if channel == Channel::Sms {
                    "sms.hbs"
                } else {
                    "email.txt.hbs"
                };
                for item in items {
                    if !text.text.contains(&item.who) {
                        return Err(loses(file, "who"));
                    }
                    let subject = item.subject.as_deref();
                    if subject.is_some_and(|subject| !text.text.contains(subject)) {
                        return Err(loses(file, "subject"));
                    }
                    let lost = |part: &Option<String>| {
                        let part = part.as_deref().filter(|_| channel != Channel::Sms);
                        part.is_some_and(|part| !text.text.contains(part))
                    };
                    if lost(&item.words) {
                        return Err(loses(file, "words"));
                    }
                    if lost(&item.link) {
                        return Err(loses(file, "link"));
                    }
                }
                if text.subject.is_some_and(|subject| subject.is_empty()) {
                    return Err(loses("email.subject.hbs", "short_school"));
                }
            }
            self.staff(Channel::Telegram, ContentLevel::Ping, &school, items)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn staff_read_one_message_of_all_matters_and_a_messenger_names_nobody() {
        let templates = Templates::embedded().expect("templates");
        let school = School {
            name: "Школа № 12".into(),
            short_name: "Школа 12".into(),
            phone: None,
        };
        let day = NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date");
        let news = [
            StaffNews {
                who: "Маша С., 5 «А»".into(),
                matter: Matter::Failing(Channel::Sms, Health::Hard),
            },
            StaffNews {
                who: "5 «А»".into(),
                matter: Matter::NoHomework {
                    subject: "Русский язык".into(),
                    date: day,
                },
            },
        ];
        let words = |channel, level, news: &[StaffNews]| {
            let text = templates.for_staff(channel, level, &school, None, news);
            text.expect("words")
        };
        let mail = words(Channel::Email, ContentLevel::Full, &news);
        assert_eq!(
            mail.subject.as_deref(),
            Some("Школа 12: что нужно вашему классу")
        );
        assert!(
            mail.text
                .contains("– Маша С., 5 «А»: такого номера телефона нет\n\nПожалуйста"),
            "{}",
            mail.text
        );
        assert!(
            mail.text.contains("– 5 «А»: Русский язык, 14 октября"),
            "{}",
            mail.text
        );
        assert_eq!(
            words(Channel::Sms, ContentLevel::Full, &news).text,
            "Школа 12: не доходят сообщения. Маша С., 5 «А»: такого номера телефона нет. Сверьте адреса. \
             нет ДЗ в журнале. 5 «А»: Русский язык, 14.10"
        );
        let ping = words(Channel::Telegram, ContentLevel::Ping, &news).text;
        assert!(
            !ping.contains("Маша") && ping.contains("не доходят сообщения: 1"),
            "{ping}"
        );
        let one = words(Channel::Email, ContentLevel::Full, &news[1..]);
        assert_eq!(
            one.subject.as_deref(),
            Some("Школа 12: нет домашнего задания в журнале")
        );
    }
}
