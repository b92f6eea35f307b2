//! The helpers that templates may use.

use chrono::{Datelike, NaiveDate};
use handlebars::{Handlebars, handlebars_helper};
use serde_json::Value;

use super::{Item, staff::trouble};
use crate::{family::preference::Event, journal::cell::DEBT};

const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

/// From Monday: in full, and as calendars print it.
const WEEKDAYS: [(&str, &str); 7] = [
    ("понедельник", "пн"),
    ("вторник", "вт"),
    ("среда", "ср"),
    ("четверг", "чт"),
    ("пятница", "пт"),
    ("суббота", "сб"),
    ("воскресенье", "вс"),
];

/// The names that templates may call: those registered here, and those of the template engine that
/// only decide and repeat. Its `log` is not among them: templates see names and marks, which
/// belong in no log.
pub(super) const HELPERS: &[&str] = &[
    "day",
    "short_day",
    "weekday",
    "short_weekday",
    "mark",
    "mark_in_words",
    "attendance",
    "attendance_gone",
    "cause",
    "lateness",
    "lesson_change",
    "result",
    "service",
    "trouble",
    "say",
    "list",
    "plural",
    "if",
    "unless",
    "each",
    "with",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "len",
];

/// Registers the helpers.
pub(super) fn register(registry: &mut Handlebars<'static>) {
    handlebars_helper!(day_helper: |date: str| of_date(date, day));
    handlebars_helper!(short_day_helper: |date: str| of_date(date, short_day));
    handlebars_helper!(weekday_helper: |date: str| of_date(date, weekday));
    handlebars_helper!(short_weekday_helper: |date: str| of_date(date, short_weekday));
    handlebars_helper!(mark_helper: |value: str| mark(value).to_owned());
    handlebars_helper!(mark_in_words_helper: |value: str| mark_in_words(value).to_owned());
    handlebars_helper!(attendance_helper: |value: str| attendance(value));
    handlebars_helper!(attendance_gone_helper: |value: str| attendance_gone(value).to_owned());
    handlebars_helper!(cause_helper: |value: str| cause(value));
    handlebars_helper!(lateness_helper: |value: str| lateness(value));
    handlebars_helper!(lesson_change_helper: |value: str| lesson_change(value));
    handlebars_helper!(result_helper: |value: str| result(value));
    handlebars_helper!(service_helper: |value: str| service(value));
    handlebars_helper!(say_helper: |event: str, value: str| say(event, value));
    handlebars_helper!(trouble_helper: |why: str| trouble(why).to_owned());
    handlebars_helper!(list_helper: |items: array| list(items));
    handlebars_helper!(plural_helper: |n: u64, one: str, few: str, many: str| {
        plural(n, one, few, many).to_owned()
    });
    registry.register_helper("day", Box::new(day_helper));
    registry.register_helper("short_day", Box::new(short_day_helper));
    registry.register_helper("weekday", Box::new(weekday_helper));
    registry.register_helper("short_weekday", Box::new(short_weekday_helper));
    registry.register_helper("mark", Box::new(mark_helper));
    registry.register_helper("mark_in_words", Box::new(mark_in_words_helper));
    registry.register_helper("attendance", Box::new(attendance_helper));
    registry.register_helper("attendance_gone", Box::new(attendance_gone_helper));
    registry.register_helper("cause", Box::new(cause_helper));
    registry.register_helper("lateness", Box::new(lateness_helper));
    registry.register_helper("lesson_change", Box::new(lesson_change_helper));
    registry.register_helper("result", Box::new(result_helper));
    registry.register_helper("service", Box::new(service_helper));
    registry.register_helper("say", Box::new(say_helper));
    registry.register_helper("trouble", Box::new(trouble_helper));
    registry.register_helper("list", Box::new(list_helper));
    registry.register_helper("plural", Box::new(plural_helper));
}

fn of_date(date: &str, write: impl Fn(NaiveDate) -> String) -> String {
    date.parse().map_or_else(|_| date.to_owned(), write)
}

/// «14 октября»
pub(crate) fn day(date: NaiveDate) -> String {
    format!("{} {}", date.day(), MONTHS[date.month0() as usize])
}

/// «14.10»
pub(crate) fn short_day(date: NaiveDate) -> String {
    date.format("%d.%m").to_string()
}

/// «среда»
fn weekday(date: NaiveDate) -> String {
    names_of(date).0.to_owned()
}

/// «ср 14.10»
pub(crate) fn short_weekday(date: NaiveDate) -> String {
    format!("{} {}", names_of(date).1, short_day(date))
}

fn names_of(date: NaiveDate) -> (&'static str, &'static str) {
    WEEKDAYS[date.weekday().num_days_from_monday() as usize]
}

/// A mark where room is short. A bare point is explained all the same: on a screen it is taken for
/// dirt, and a screen reader passes it over.
fn mark(value: &str) -> &str {
    match value {
        DEBT => "точка (долг)",
        other => other,
    }
}

/// A mark with its abbreviation spelt out, in words that agree with a boy's name and a girl's.
fn mark_in_words(value: &str) -> &str {
    match value {
        "н/а" => "н/а (нет аттестации)",
        "осв" => "осв (освобождение)",
        other => mark(other),
    }
}

/// What stands over a group of news: the subject of marks, else what kind of news it is.
pub(crate) fn heading(item: &Item, short: bool) -> String {
    let pick = |long: &str, brief: &str| if short { brief } else { long }.to_owned();
    let term = |long: &str, brief: &str| match &item.term {
        Some((kind, number)) => term(kind, *number, long, brief, short),
        None => pick(long, brief),
    };
    match item.event {
        Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn => item
            .subject
            .clone()
            .unwrap_or_else(|| pick("Отметка", "отметка")),
        Event::Urgent => item
            .title
            .clone()
            .unwrap_or_else(|| pick("Срочно", "срочно")),
        Event::Announcement => {
            let plain = || pick("Объявление", "объявление");
            item.title.clone().unwrap_or_else(plain)
        }
        Event::ScheduleChange => pick("Изменение в расписании", "расписание"),
        Event::Absence => pick("Пропуски", "пропуск"),
        Event::Lateness => pick("Опоздания", "опоздание"),
        Event::AttendanceCorrected => pick("Исправлено", "исправлено"),
        Event::Praise => pick("Благодарность", "благодарность"),
        Event::Achievement => pick("Достижение", "достижение"),
        Event::Remark => pick("Замечание", "запись учителя"),
        Event::Appeal => pick("Обращение учителя", "обращение учителя"),
        Event::Forecast => term("Прогноз", "прогноз"),
        Event::Preliminary => term("Предварительные отметки", "предв. отметки"),
        Event::TermResult => term("Итоги", "итоги"),
        Event::Exam => pick("Экзамен", "экзамен"),
        Event::Homework => pick("Домашнее задание", "ДЗ"),
        Event::Test => pick("Предстоит", "предстоит"),
        Event::ClassEvent => pick("Событие", "событие"),
        Event::Service => pick("Дневник", "дневник"),
    }
}

/// «1-я четверть», «год»
pub(crate) fn term_name(kind: &str, number: i64) -> String {
    let whole = term(kind, number, "", "", false);
    whole.trim_start_matches(": ").to_owned()
}

/// «Итоги: 1-я четверть», «итоги 1 четв»
fn term(kind: &str, number: i64, long: &str, brief: &str, short: bool) -> String {
    let (name, abbreviation, neuter) = match kind {
        "quarter" => ("четверть", "четв", false),
        "trimester" => ("триместр", "трим", true),
        "half_year" => ("полугодие", "полуг", true),
        "module" => ("модуль", "мод", true),
        _ if short => return format!("{brief} года"),
        _ => return format!("{long}: год"),
    };
    let ending = match (kind, neuter) {
        ("half_year", _) => "е",
        (_, true) => "й",
        (_, false) => "я",
    };
    if short {
        format!("{brief} {number} {abbreviation}")
    } else {
        format!("{long}: {number}-{ending} {name}")
    }
}

/// Hours that a day may have; a larger number stands for a lesson whose hour is not known.
const HOURS: std::ops::RangeInclusive<i64> = 1..=20;

/// Which lesson is meant: «Английский язык, 3-й урок», «англ», «3-й урок».
pub(super) fn lesson(item: &Item, short: bool) -> String {
    let hour = item.number.filter(|number| HOURS.contains(number));
    match (&item.subject, hour) {
        (Some(subject), Some(number)) if !short => format!("{subject}, {number}-й урок"),
        (Some(subject), _) => subject.clone(),
        (None, Some(number)) => format!("{number}-й урок"),
        (None, None) if item.number.is_some_and(|number| number > 0) => "урок".to_owned(),
        (None, None) if short => "день".to_owned(),
        (None, None) => "весь день".to_owned(),
    }
}

/// What an attendance entry says.
fn attendance(value: &str) -> String {
    match value {
        "absent" => "пропуск".to_owned(),
        "ill" => "пропуск по болезни".to_owned(),
        "excused" => "пропуск по уважительной причине".to_owned(),
        "unexcused" => "пропуск без уважительной причины".to_owned(),
        late if late.starts_with("late") => format!("опоздание{}", lateness(late)),
        other => other.to_owned(),
    }
}

/// A value of the journal in words, whatever it is told as.
fn say(event: &str, value: &str) -> String {
    match Event::from_code(event) {
        Some(Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn) => mark(value).to_owned(),
        Some(Event::Absence | Event::Lateness | Event::AttendanceCorrected) => attendance(value),
        Some(Event::ScheduleChange) => lesson_change(value),
        Some(Event::Forecast | Event::Preliminary | Event::TermResult | Event::Exam) => {
            result(value)
        }
        Some(Event::Service) => service(value),
        _ => value.to_owned(),
    }
}

/// That an attendance entry was wrong.
fn attendance_gone(value: &str) -> &'static str {
    if value.starts_with("late") {
        "опоздания не было"
    } else {
        "пропуска не было"
    }
}

/// Why somebody was not there, in brackets, where it is known.
fn cause(value: &str) -> String {
    match value {
        "absent" => String::new(),
        "ill" => " (по болезни)".to_owned(),
        "excused" => " (по уважительной причине)".to_owned(),
        "unexcused" => " (без уважительной причины)".to_owned(),
        other => format!(" ({other})"),
    }
}

/// How late somebody was, in brackets, where it is known.
fn lateness(value: &str) -> String {
    match value.strip_prefix("late") {
        Some("") => String::new(),
        Some(minutes) => format!(" ({} мин)", minutes.trim_start_matches(':')),
        None => format!(" ({value})"),
    }
}

/// What becomes of a lesson.
fn lesson_change(value: &str) -> String {
    match value.split_once(':') {
        Some(("moved", date)) => format!("урок перенесён на {}", of_date(date, day)),
        Some(("substitute", _)) => "урок проведёт другой учитель".to_owned(),
        _ => match value {
            "cancelled" => "урока не будет".to_owned(),
            "moved" => "урок перенесён".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// The result of a term.
pub(crate) fn result(value: &str) -> String {
    match value.split_once(':') {
        Some(("deferred", date)) => format!("отсрочка до {}", of_date(date, day)),
        Some(("outlook", averages)) => {
            format!("предварительно, средний балл на сегодня – {averages}. Это ещё не итоги")
        }
        _ => match value {
            "deferred" => "отсрочка".to_owned(),
            "not_certified" => "нет аттестации".to_owned(),
            other => mark_in_words(other).to_owned(),
        },
    }
}

/// «14 октября», «12–14 октября», «28 сентября – 2 октября»
pub(crate) fn days(from: NaiveDate, to: NaiveDate) -> String {
    span(from, to, day)
}

/// Days from one to another, where `day` writes a day with its month behind.
pub(super) fn span(from: NaiveDate, to: NaiveDate, day: impl Fn(NaiveDate) -> String) -> String {
    if from == to {
        day(from)
    } else if (from.year(), from.month()) == (to.year(), to.month()) {
        format!("{}–{}", from.day(), day(to))
    } else {
        format!("{} – {}", day(from), day(to))
    }
}

/// What the school says about the service itself.
pub(crate) fn service(value: &str) -> String {
    let mut parts = value.split(':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("nothing"), ..) => "за неделю новых отметок нет".to_owned(),
        (Some("voluntary"), ..) => "новости из дневника приходят вам так же, как эта. Это добровольно: отказаться или \
             выбрать другой способ (СМС, почта, бот, бумага) можно заявлением классному руководителю"
            .to_owned(),
        (Some("summary"), Some(count), Some(from), Some(to)) => {
            let n: u64 = count.parse().unwrap_or_default();
            let days = match (from.parse(), to.parse()) {
                (Ok(from), Ok(to)) => days(from, to),
                _ => format!("{from} – {to}"),
            };
            let entries = plural(n, "запись", "записи", "записей");
            format!(
                "за {days} в журнал внесено {n} {entries}, подробности у классного руководителя"
            )
        }
        _ => value.to_owned(),
    }
}

/// A lesson of the day, as a list names it.
const LESSON: &str = "-й урок";

/// «1-й и 2-й уроки (по болезни)» of «1-й урок (по болезни)» and «2-й урок (по болезни)»; none where they are no
/// lessons of the day, or where not the same is said of them.
fn lessons(items: &[&str]) -> Option<String> {
    let parted: Vec<(&str, &str)> = items
        .iter()
        .map(|item| item.split_once(LESSON))
        .collect::<Option<_>>()?;
    let (last, before) = parted.split_last()?;
    let number = |(number, _): &(&str, &str)| number.bytes().all(|byte| byte.is_ascii_digit());
    if before.is_empty() || !parted.iter().all(number) || before.iter().any(|one| one.1 != last.1) {
        return None;
    }
    let before: Vec<String> = before
        .iter()
        .map(|(number, _)| format!("{number}-й"))
        .collect();
    Some(format!(
        "{} и {}-й уроки{}",
        before.join(", "),
        last.0,
        last.1
    ))
}

/// «4», «4 и 3», «4, 3 и 5», «1-й и 2-й уроки»; entries that have a comma or a quotation of their own are parted
/// by semicolons.
fn list(items: &[Value]) -> String {
    let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    if let Some(lessons) = lessons(&items) {
        return lessons;
    }
    match items.as_slice() {
        items if items.iter().any(|item| item.contains([',', '«'])) => items.join("; "),
        [before @ .., last] if !before.is_empty() => format!("{} и {last}", before.join(", ")),
        items => items.concat(),
    }
}

/// The Russian form of a noun after a number: 1 отметка, 2 отметки, 5 отметок, 11 отметок.
pub(crate) fn plural<'a>(n: u64, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match (n % 10, n % 100) {
        (_, 11..=14) => many,
        (1, _) => one,
        (2..=4, _) => few,
        _ => many,
    }
}

#[cfg(test)]
mod tests {
    use handlebars::RenderErrorReason;
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_take_their_form() {
        let form = |n| plural(n, "отметка", "отметки", "отметок");
        for n in [1, 21, 101] {
            assert_eq!(form(n), "отметка", "{n}");
        }
        for n in [2, 4, 22, 104] {
            assert_eq!(form(n), "отметки", "{n}");
        }
        for n in [0, 5, 11, 12, 14, 111] {
            assert_eq!(form(n), "отметок", "{n}");
        }
    }

    #[test]
    fn days_read_as_people_write_them() {
        let date = NaiveDate::from_ymd_opt(2026, 9, 1).expect("a date");
        let ways = [day, short_day, weekday, short_weekday].map(|way| way(date));
        assert_eq!(ways, ["1 сентября", "01.09", "вторник", "вт 01.09"]);
    }

    #[test]
    fn a_mark_says_what_it_means() {
        assert_eq!(mark("."), "точка (долг)");
        assert_eq!(mark("н/а"), "н/а", "an SMS has no room for more");
        assert_eq!(mark_in_words("н/а"), "н/а (нет аттестации)");
        assert_eq!(mark_in_words("осв"), "осв (освобождение)");
        assert_eq!(mark_in_words("4-"), "4-");
    }

    #[test]
    fn every_value_of_the_journal_has_its_words() {
        assert_eq!(attendance("late:10"), "опоздание (10 мин)");
        assert_eq!(attendance("late"), "опоздание");
        assert_eq!(attendance("ill"), "пропуск по болезни");
        assert_eq!(cause("unexcused"), " (без уважительной причины)");
        assert_eq!(
            lesson_change("moved:2026-10-16"),
            "урок перенесён на 16 октября"
        );
        assert_eq!(
            lesson_change("substitute:5"),
            "урок проведёт другой учитель"
        );
        assert_eq!(result("deferred:2026-11-06"), "отсрочка до 6 ноября");
        assert_eq!(result("4"), "4");
        let name = |kind, number| term(kind, number, "Итоги", "итоги", false);
        assert_eq!(name("quarter", 1), "Итоги: 1-я четверть");
        assert_eq!(name("trimester", 2), "Итоги: 2-й триместр");
        assert_eq!(name("half_year", 1), "Итоги: 1-е полугодие");
        assert_eq!(name("year", 1), "Итоги: год");
        assert_eq!(term("quarter", 1, "Итоги", "итоги", true), "итоги 1 четв");
    }

    #[test]
    fn a_list_reads_as_it_is_spoken() {
        let list = |items: &[&str]| list(json!(items).as_array().expect("an array"));
        assert_eq!(list(&[]), "");
        assert_eq!(list(&["4"]), "4");
        assert_eq!(list(&["4", "3"]), "4 и 3");
        assert_eq!(list(&["4", "3", "5"]), "4, 3 и 5");
        assert_eq!(list(&["было 3, теперь 4", "5"]), "было 3, теперь 4; 5");
        assert_eq!(list(&["1-й урок", "2-й урок"]), "1-й и 2-й уроки");
        assert_eq!(
            list(&["1-й урок (ОРВИ)", "2-й урок (ОРВИ)", "3-й урок (ОРВИ)"]),
            "1-й, 2-й и 3-й уроки (ОРВИ)"
        );
        assert_eq!(
            list(&["1-й урок", "2-й урок (ОРВИ)"]),
            "1-й урок и 2-й урок (ОРВИ)"
        );
    }

    #[test]
    fn every_helper_that_templates_may_call_exists() {
        let mut registry = Handlebars::new();
        register(&mut registry);
        for name in HELPERS {
            let outcome = registry.render_template(&format!("{{{{{name} 1 2 3 4}}}}"), &());
            let missing = outcome
                .is_err_and(|error| matches!(error.reason(), RenderErrorReason::HelperNotFound(_)));
            assert!(!missing, "{name}");
        }
    }
}
