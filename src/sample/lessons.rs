//! What happens in that week beside marks: lessons, homework, absences, words.

use chrono::{Days, NaiveTime, TimeDelta};
use rand::{Rng, RngExt, seq::IndexedRandom};

use super::{
    school::School,
    week::{Deed, Entry, MONDAY, end_of, subject_of},
};

const LESSONS: usize = 5;

const PRAISE: [&str; 4] = [
    "За доклад о Волге",
    "Второе место в школьной олимпиаде по биологии",
    "Помогает одноклассникам",
    "Выразительно читает стихи",
];
const REMARKS: [&str; 3] = [
    "Не выполняет задания на уроке",
    "Забывает тетрадь",
    "Разговаривает во время контрольной",
];
const FORECASTS: [&str; 4] = ["5", "4", "4", "3"];

/// All of it, in no order.
pub(super) fn beside_marks(school: &School, random: &mut impl Rng) -> Vec<Entry> {
    let mut entries = Vec::new();
    for day in 0..5 {
        for class in 0..school.classes.len() {
            lessons(&mut entries, school, class, day, random);
        }
        attendance(&mut entries, school, day, random);
        remarks(&mut entries, school, day, random);
    }
    forecasts(&mut entries, school, random);
    words_to_many(&mut entries);
    entries
}

/// Each lesson is written up when it is over, with homework for the day after tomorrow at the latest.
fn lessons(
    entries: &mut Vec<Entry>,
    school: &School,
    class: usize,
    day: usize,
    random: &mut impl Rng,
) {
    let date = MONDAY + Days::new(u64::try_from(day).unwrap_or(0));
    for lesson in 0..LESSONS {
        let subject = subject_of(school, class, lesson, day);
        let at = end_of(date, lesson);
        let number = i64::try_from(lesson).unwrap_or(0) + 1;
        let held = Deed::Lesson {
            class,
            subject,
            date,
            number,
            state: "held",
        };
        entries.push(Entry { at, deed: held });
        if random.random_bool(0.6) {
            let pause = if day == 4 { 3 } else { 1 };
            let due = date + Days::new(pause);
            let task: u32 = random.random_range(12..240);
            let text = match school.subjects[subject].0 {
                "Математика" => format!("№ {task}, {}", task + 2),
                "Русский язык" => format!("упр. {task}"),
                "Физическая культура" => "принести форму".to_owned(),
                _ => format!("§ {}, пересказ", task / 8),
            };
            let deed = Deed::Homework {
                class,
                subject,
                due,
                text,
            };
            entries.push(Entry {
                at: at + TimeDelta::minutes(5),
                deed,
            });
        }
    }
    // One lesson of tomorrow will not be.
    if day == class && day < 4 {
        let tomorrow = date + Days::new(1);
        let deed = Deed::Lesson {
            class,
            subject: subject_of(school, class, 0, day + 1),
            date: tomorrow,
            number: 6,
            state: "cancelled",
        };
        entries.push(Entry {
            at: date.and_hms_opt(14, 20, 0).unwrap_or_default(),
            deed,
        });
    }
}

/// Some miss a lesson, some are late, and a mother writes a note on the next morning.
fn attendance(entries: &mut Vec<Entry>, school: &School, day: usize, random: &mut impl Rng) {
    let date = MONDAY + Days::new(u64::try_from(day).unwrap_or(0));
    for student in 0..school.students.len() {
        let lesson = random.random_range(0..LESSONS);
        let number = i64::try_from(lesson).unwrap_or(0) + 1;
        let (code, minutes) = match random.random_range(0..40) {
            0 => ("absent", None),
            1 => ("late", Some(random.random_range(3..15))),
            _ => continue,
        };
        let at = end_of(date, lesson) - TimeDelta::minutes(30);
        let deed = Deed::Attend {
            student,
            date,
            number,
            code,
            minutes,
        };
        entries.push(Entry { at, deed });
        if code == "absent" && random.random_bool(0.4) {
            let deed = Deed::Excuse {
                student,
                date,
                code: "ill",
            };
            entries.push(Entry {
                at: at + TimeDelta::hours(23),
                deed,
            });
        }
    }
}

fn remarks(entries: &mut Vec<Entry>, school: &School, day: usize, random: &mut impl Rng) {
    let date = MONDAY + Days::new(u64::try_from(day).unwrap_or(0));
    for student in 0..school.students.len() {
        let (kind, texts): (_, &[&'static str]) = match random.random_range(0..60) {
            0 => ("praise", &PRAISE),
            1 => ("remark", &REMARKS),
            _ => continue,
        };
        let deed = Deed::Remark {
            student,
            date,
            kind,
            text: texts.choose(random).copied().unwrap_or_default(),
            // Every second remark stays among teachers.
            tell: kind == "praise" || random.random_bool(0.5),
        };
        entries.push(Entry {
            at: end_of(date, LESSONS) + TimeDelta::minutes(random.random_range(0..30)),
            deed,
        });
    }
}

/// On Thursday the ninth grade learns what to expect of the quarter.
fn forecasts(entries: &mut Vec<Entry>, school: &School, random: &mut impl Rng) {
    let thursday = (MONDAY + Days::new(3))
        .and_hms_opt(15, 0, 0)
        .unwrap_or_default();
    let last = school.classes.len() - 1;
    for (student, _) in school
        .students
        .iter()
        .enumerate()
        .filter(|(_, one)| one.class == last)
    {
        for subject in 0..3 {
            let value = FORECASTS.choose(random).copied().unwrap_or("4");
            let deed = Deed::Forecast {
                student,
                subject,
                value,
            };
            entries.push(Entry { at: thursday, deed });
        }
    }
}

fn words_to_many(entries: &mut Vec<Entry>) {
    let at = |day: u64, hour, minute| {
        let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default();
        (MONDAY + Days::new(day)).and_time(time)
    };
    entries.push(Entry {
        at: at(1, 11, 0),
        deed: Deed::Announce {
            class: Some(2),
            title: Some("Собрание"),
            text: "Родительское собрание во вторник, 20 октября, в 18:00, кабинет 24.",
            short: "собрание 20.10 в 18:00, каб. 24",
            urgent: false,
        },
    });
    entries.push(Entry {
        at: at(3, 16, 40),
        deed: Deed::Announce {
            class: None,
            title: None,
            text: "Завтра, 16 октября, занятия начнутся в 9:20: утром не будет воды.",
            short: "16.10 занятия с 9:20, утром нет воды",
            urgent: true,
        },
    });
}
