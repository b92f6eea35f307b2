//! The words of `route`, in Russian and English, for a screen of eighty columns.

use chrono::NaiveDateTime;

use super::Picture;
use crate::{
    family::{
        Guardian,
        consent::Purpose,
        contact::{Channel, Contact, Health},
        preference::{self, Event, Preset, Timing},
        rights::{self, WhyBarred},
        route::{Route, WhyPaper, open_contact, route},
        service::{self, Ground},
    },
    quiet::Quiet,
    store::Tie,
};

/// How wide a screen is.
const WIDTH: usize = 80;

/// A language of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Russian,
    English,
}

impl Language {
    pub(super) fn from_code(code: &str) -> Option<Self> {
        match code {
            "ru" => Some(Self::Russian),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    fn say<'a>(self, russian: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::Russian => russian,
            Self::English => english,
        }
    }
}

/// How each guardian would hear of the event, or why not, line by line.
pub(super) fn tell(picture: &Picture<'_>, student: &str, language: Language) -> Vec<String> {
    let now = picture.local().format("%d.%m.%Y %H:%M");
    let about = event(picture.event, language);
    let heading = match language {
        Language::Russian => format!("{student}: {about}. Сейчас {now}."),
        Language::English => format!("{student}: {about}. It is {now}."),
    };
    let mut lines = wrapped("", "", &heading);
    if picture.ties.is_empty() {
        let nobody = language.say(
            "Представителей не записано.",
            "Nobody answers for the student.",
        );
        lines.push(nobody.to_owned());
    }
    for tie in picture.ties {
        lines.push(String::new());
        lines.extend(guardian(picture, tie, language));
    }
    lines
}

/// «Соколова Ольга»
pub(super) fn name([surname, given_name, _]: &[Option<String>; 3]) -> String {
    let words = [surname.as_deref(), given_name.as_deref()];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn guardian(picture: &Picture<'_>, tie: &Tie, language: Language) -> Vec<String> {
    let who = format!(
        "{}, {}",
        name(&tie.guardian),
        relation(&tie.relation, language)
    );
    let today = picture.local().date();
    let people = picture.people;
    let pair = (tie.guardian_id, tie.student_id);
    let held = people
        .guardianships
        .iter()
        .find(|one| (one.guardian_id, one.student_id) == pair);
    let barred = held.and_then(|held| rights::barred(people, held, today));
    let Some(guardian) = people.guardian(tie.guardian_id) else {
        return Vec::new();
    };
    if let Some(why) = barred {
        let not = language.say("не узнаёт", "does not hear");
        let mut lines = wrapped("", "  ", &format!("{who}: {not}."));
        lines.extend(reason(&self::barred(why, language), language));
        return lines;
    }
    let found = route(
        people,
        guardian,
        picture.student_id,
        picture.event,
        picture.configured,
        today,
    );
    let quiet = guardian
        .quiet
        .unwrap_or(picture.config.regulation.policy.quiet);
    let (how, why) = match &found {
        Route::Electronic { contacts, timing } => {
            let used: Vec<&Contact> = people
                .contacts
                .iter()
                .filter(|contact| contacts.contains(&contact.id))
                .collect();
            let roads: Vec<&str> = used.iter().map(|one| by(one.channel, language)).collect();
            let roads = roads.join(language.say(" и ", " and "));
            let how = format!("{roads}, {}", when(picture, *timing, quiet, language));
            (how, decided(picture, guardian, &used, *timing, language))
        }
        Route::Sheet(why) => {
            let at = picture.next(&picture.config.weekly_sheets);
            let at = at.map_or_else(String::new, |at| format!(" {}", moment(at, language)));
            let how = language.say(
                "из листка на бумаге, ближайший",
                "from the printed sheet, the next one",
            );
            (
                format!("{how}{at}"),
                paper(picture, guardian, *why, language),
            )
        }
    };
    let hears = language.say("узнаёт", "hears");
    let mut lines = wrapped("", "  ", &format!("{who}: {hears} {how}."));
    lines.extend(reason(&why, language));
    let mut channels = Vec::new();
    for one in people.contacts_of(guardian.id) {
        let spare = channels.contains(&one.channel);
        channels.push(one.channel);
        lines.extend(contact(picture, one, spare, language));
    }
    lines.push(quiet_line(quiet, guardian.quiet.is_some(), language));
    if let Some(until) = guardian.paused_to.filter(|until| *until >= today) {
        let until = until.format("%d.%m.%Y");
        lines.push(match language {
            Language::Russian => format!("  Пауза по просьбе семьи до {until}, кроме срочного."),
            Language::English => {
                format!("  Paused by the family until {until}, but for what is urgent.")
            }
        });
    }
    lines
}

/// What a person reads after «why».
fn reason(why: &str, language: Language) -> Vec<String> {
    let because = language.say("Почему", "Why");
    wrapped("  ", "    ", &format!("{because}: {why}."))
}

fn when(picture: &Picture<'_>, timing: Timing, quiet: Quiet, language: Language) -> String {
    let urgent = picture.event == Event::Urgent;
    let at = picture.told_at(timing, quiet, urgent);
    let at = at.map_or_else(String::new, |at| moment(at, language));
    let how = match timing {
        Timing::AtOnce => language.say(
            "сразу: запись этой минуты уйдёт",
            "at once: what is entered now leaves",
        ),
        Timing::Daily => language.say(
            "раз в день, ближайшая сводка",
            "once a day, the next digest",
        ),
        Timing::Weekly => language.say(
            "раз в неделю, ближайшая сводка",
            "once a week, the next digest",
        ),
        Timing::Never => language.say("никогда", "never"),
    };
    format!("{how} {at}")
}

/// «14.10 в 18:10»
fn moment(at: NaiveDateTime, language: Language) -> String {
    let at_word = language.say("в", "at");
    format!("{} {at_word} {}", at.format("%d.%m"), at.format("%H:%M"))
}

/// Which line of the family's matrix, or which preset, decided.
fn decided(
    picture: &Picture<'_>,
    guardian: &Guardian,
    used: &[&Contact],
    timing: Timing,
    language: Language,
) -> String {
    let own = used.first().and_then(|contact| {
        preference::chosen(
            &picture.people.preferences,
            guardian.id,
            picture.event,
            contact.channel,
        )
    });
    if own.is_some() {
        let channels: Vec<&str> = used
            .iter()
            .map(|one| channel(one.channel, language))
            .collect();
        let timing = match timing {
            Timing::AtOnce => language.say("сразу", "at once"),
            Timing::Daily => language.say("раз в день", "once a day"),
            Timing::Weekly => language.say("раз в неделю", "once a week"),
            Timing::Never => language.say("никогда", "never"),
        };
        let chose = language.say("так выбрала семья", "the family chose so");
        return format!("{chose}: {} – {timing}", channels.join(", "));
    }
    let preset = match guardian.preset.unwrap_or_default() {
        Preset::Important => language.say("«только важное»", "«important»"),
        Preset::Daily => language.say("«раз в день»", "«daily»"),
        Preset::AtOnce => language.say("«сразу»", "«at_once»"),
        Preset::Paper => language.say("«бумага»", "«paper»"),
    };
    match (guardian.preset, language) {
        (Some(_), Language::Russian) => format!("семья выбрала режим {preset}"),
        (None, Language::Russian) => {
            format!("семья режима не выбирала, действует обычный – {preset}")
        }
        (Some(_), Language::English) => format!("the family chose the preset {preset}"),
        (None, Language::English) => {
            format!("the family chose no preset, the usual one holds: {preset}")
        }
    }
}

/// Why on paper, with the statement where there is one.
fn paper(picture: &Picture<'_>, guardian: &Guardian, why: WhyPaper, language: Language) -> String {
    let why_words = match (why, language) {
        (_, Language::English) => why.to_string(),
        (WhyPaper::Agreed(ground), _) => ground_words(ground).to_owned(),
        (why, _) => closed(why).to_owned(),
    };
    let agreed = service::on_paper(picture.people, guardian.id, picture.student_id)
        .filter(|_| matches!(why, WhyPaper::Agreed(_)));
    let Some(agreed) = agreed else {
        return why_words;
    };
    let statement = agreed.statement.as_ref().map(|statement| {
        let word = language.say("заявление", "statement");
        format!(", {word} {statement}")
    });
    let from = agreed.from_on.map(|day| {
        let word = language.say("от", "of");
        format!(" {word} {}", day.format("%d.%m.%Y"))
    });
    let from = from.filter(|_| statement.is_some());
    [Some(why_words), statement, from]
        .into_iter()
        .flatten()
        .collect()
}

fn ground_words(ground: Ground) -> &'static str {
    match ground {
        Ground::Refused => "семья отказалась от электронного сервиса",
        Ground::NoAccess => "у семьи нет доступа к электронному сервису",
        Ground::NoConsent => "семья не дала согласия на электронный сервис",
        Ground::Unreachable => "с семьёй нет электронной связи",
        Ground::Chosen => "семья предпочла бумагу",
    }
}

/// Why an address is closed, or a family is on paper.
fn closed(why: WhyPaper) -> &'static str {
    use crate::family::consent::ConsentState::{Given, NotAsked, Refused, Withdrawn};
    match why {
        WhyPaper::Chosen => "семья выбрала бумагу",
        WhyPaper::Agreed(ground) => ground_words(ground),
        WhyPaper::NoContact => "у школы нет ни одного подходящего адреса",
        WhyPaper::Consent(Purpose::Data, state) => match state {
            Refused => "в обработке данных отказано",
            Withdrawn => "согласие на обработку данных отозвано",
            NotAsked | Given => "согласия на обработку данных нет",
        },
        WhyPaper::Consent(_, state) => match state {
            Refused => "от этого способа отказались",
            Withdrawn => "согласие на этот способ отозвано",
            NotAsked | Given => "согласия на этот способ нет",
        },
        WhyPaper::Failed => "ни один способ не сработал вовремя",
        WhyPaper::Unreachable => "по известным адресам сообщения не доходят",
        WhyPaper::ClosedAddress => "этим адресом пользуется тот, кому сообщать нельзя",
        WhyPaper::NoMoney => "деньги на SMS в этом месяце закончились",
        WhyPaper::NeverByChannel => "семья просила не сообщать об этом ни одним из своих способов",
    }
}

fn barred(why: WhyBarred, language: Language) -> String {
    if language == Language::English {
        return why.to_string();
    }
    match why {
        WhyBarred::Deprived => "лишение родительских прав".into(),
        WhyBarred::Restricted(None) => "права ограничены".into(),
        WhyBarred::Restricted(Some(to)) => {
            format!("права ограничены по {}", to.format("%d.%m.%Y"))
        }
        WhyBarred::Unconfirmed(to) => format!(
            "срок ограничения прав истёк {}, но школа этого ещё не подтвердила (vestnik held list)",
            to.format("%d.%m.%Y")
        ),
        WhyBarred::OfAge => "ученик совершеннолетний и получает сведения сам".into(),
    }
}

/// An address: masked, its health, whether it may be used; then the consents that it needs.
fn contact(picture: &Picture<'_>, one: &Contact, spare: bool, language: Language) -> Vec<String> {
    let today = picture.local().date();
    let open = open_contact(picture.people, one, picture.student_id, today);
    let state = match open {
        _ if !picture.configured.contains(&one.channel) => language
            .say(
                "школа этим способом не пользуется",
                "the school has no such channel",
            )
            .to_owned(),
        // What holds for the family as a whole is said above.
        Err(WhyPaper::Agreed(_)) => language.say("закрыт", "closed").to_owned(),
        Err(why) if language == Language::English => format!("closed, {why}"),
        Err(why) => format!("закрыт: {}", closed(why)),
        Ok(()) if spare => language.say("запасной", "in reserve").to_owned(),
        Ok(()) => language.say("открыт", "open").to_owned(),
    };
    let health = match one.health {
        Health::Ok => language.say("исправен", "in order"),
        Health::Soft => language.say("недавно был сбой", "failed lately"),
        Health::Silent => language.say("давно не отвечает", "has not answered for days"),
        Health::Tried => language.say("сейчас не сработал", "failed just now"),
        Health::Hard => language.say("не существует", "does not exist"),
        Health::Blocked => language.say("владелец нас заблокировал", "blocked by its owner"),
        Health::Complained => language.say("владелец пожаловался", "its owner complained"),
    };
    let line = format!(
        "{} {} – {health}, {state}",
        channel(one.channel, language),
        masked(one)
    );
    let mut lines = wrapped("  ", "    ", &line);
    let consents = consents(picture, one, language);
    if !consents.is_empty() {
        lines.extend(wrapped("    ", "      ", &consents));
    }
    lines
}

/// The end of an address, enough to tell it from another.
fn masked(contact: &Contact) -> String {
    let tail = |text: &str, count: usize| -> String {
        let skip = text.chars().count().saturating_sub(count);
        text.chars().skip(skip).collect()
    };
    match contact.address.split_once('@') {
        Some((name, _)) => format!("…{}@…", tail(name, 2)),
        None => format!("…{}", tail(&contact.address, 4)),
    }
}

/// «согласие: обработка данных и почта – дано (заявление № 14 от 01.09.2026)»; equal answers are said
/// together.
fn consents(picture: &Picture<'_>, contact: &Contact, language: Language) -> String {
    let Some(own) = contact.channel.purpose() else {
        return String::new();
    };
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for purpose in [Purpose::Data, own] {
        let row = picture.register.iter().find(|row| {
            row.holds && row.guardian_id == contact.guardian_id && row.purpose == purpose.code()
        });
        let state = match row.map(|row| row.state.as_str()) {
            Some("given") => language.say("дано", "given"),
            Some("refused") => language.say("отказ", "refused"),
            Some("withdrawn") => language.say("отозвано", "withdrawn"),
            _ => language.say("не запрашивалось", "not asked for"),
        };
        let day = row.and_then(|row| row.signed_on.as_deref()).map(day);
        let of = language.say("от", "of");
        let proof = match (row.and_then(|row| row.document.as_deref()), day) {
            (Some(document), Some(day)) => format!(" ({document} {of} {day})"),
            (Some(document), None) => format!(" ({document})"),
            (None, Some(day)) => format!(" ({of} {day})"),
            (None, None) => String::new(),
        };
        let answer = format!("{state}{proof}");
        let word = match purpose {
            Purpose::Data => language.say("обработка данных", "data"),
            Purpose::Sms => "SMS",
            Purpose::Email => language.say("почта", "e-mail"),
            Purpose::Messenger => language.say("мессенджер", "messenger"),
        };
        match groups.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, words)) => words.push(word),
            None => groups.push((answer, vec![word])),
        }
    }
    let and = language.say(" и ", " and ");
    let said: Vec<String> = groups
        .into_iter()
        .map(|(answer, words)| format!("{} – {answer}", words.join(and)))
        .collect();
    let heading = language.say("согласие", "consent");
    format!("{heading}: {}", said.join("; "))
}

/// «01.09.2026» of «2026-09-01».
fn day(text: &str) -> String {
    text.parse::<chrono::NaiveDate>().map_or_else(
        |_| text.to_owned(),
        |day| day.format("%d.%m.%Y").to_string(),
    )
}

fn quiet_line(quiet: Quiet, own: bool, language: Language) -> String {
    let whose = match (own, language) {
        (true, Language::Russian) => "выбраны семьёй",
        (false, Language::Russian) => "как у всей школы",
        (true, Language::English) => "the family's own",
        (false, Language::English) => "the school's",
    };
    match (quiet, language) {
        (Quiet::Off, Language::Russian) => format!("  Тихих часов нет ({whose})."),
        (Quiet::Off, Language::English) => format!("  No quiet hours ({whose})."),
        (hours, Language::Russian) => {
            format!("  Тихие часы {hours}, {whose}; срочное уходит и тогда.")
        }
        (hours, Language::English) => {
            format!("  Quiet hours {hours}, {whose}; what is urgent leaves all the same.")
        }
    }
}

fn channel(channel: Channel, language: Language) -> &'static str {
    match channel {
        Channel::Sms => "SMS",
        Channel::Email => language.say("электронная почта", "e-mail"),
        Channel::Telegram => "Telegram",
        Channel::Paper => language.say("бумага", "paper"),
    }
}

/// «по электронной почте»
fn by(channel: Channel, language: Language) -> &'static str {
    match channel {
        Channel::Sms => language.say("по SMS", "by SMS"),
        Channel::Email => language.say("по электронной почте", "by e-mail"),
        Channel::Telegram => language.say("в Telegram", "by Telegram"),
        Channel::Paper => language.say("на бумаге", "on paper"),
    }
}

fn relation(code: &str, language: Language) -> &str {
    let russian = match code {
        "mother" => "мать",
        "father" => "отец",
        "adoptive" => "усыновитель",
        "guardian" => "опекун",
        "trustee" => "попечитель",
        "tutor" => "воспитатель",
        "self" => "сам обучающийся",
        _ => "представитель",
    };
    language.say(russian, if code == "other" { "guardian" } else { code })
}

fn event(event: Event, language: Language) -> &'static str {
    let russian = match event {
        Event::Urgent => "срочное сообщение",
        Event::Announcement => "объявление",
        Event::ScheduleChange => "изменение расписания",
        Event::Mark => "отметка",
        Event::MarkWithdrawn => "снятие отметки",
        Event::MarkCorrected => "исправление отметки",
        Event::Absence => "пропуск",
        Event::Lateness => "опоздание",
        Event::AttendanceCorrected => "исправление пропуска",
        Event::Praise => "благодарность",
        Event::Achievement => "достижение",
        Event::Remark => "замечание",
        Event::Appeal => "обращение к семье",
        Event::Forecast => "прогноз отметки",
        Event::Preliminary => "предварительная отметка",
        Event::TermResult => "итоговая отметка",
        Event::Exam => "результат экзамена",
        Event::Homework => "домашнее задание",
        Event::Test => "контрольная работа",
        Event::ClassEvent => "мероприятие класса",
        Event::Service => "сообщение о самом сервисе",
    };
    language.say(russian, event.code())
}

/// A sentence in lines of a screen's width.
fn wrapped(first: &str, then: &str, text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = first.to_owned();
    let mut begun = false;
    for word in text.split_whitespace() {
        let length = line.chars().count() + 1 + word.chars().count();
        if begun && length > WIDTH {
            lines.push(std::mem::replace(&mut line, then.to_owned()));
            begun = false;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    lines.push(line);
    lines
}
