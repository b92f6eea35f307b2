//! The numbers of 200 generated students, as their sheets say them, against a second computation from the rows
//! of the journal that knows nothing of the first.

use std::collections::{BTreeMap, BTreeSet};

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use vestnik::{family::contact::Channel, journal::class_name::ClassName, paper::press::Press};
use vestnik_sheet::{Batch, Sheet};

use crate::{desk::Desk, paper::press, support::both};

const CLASSES: usize = 8;
const IN_CLASS: usize = 25;
const SUBJECTS: [&str; 6] = [
    "Русский язык",
    "Математика",
    "История",
    "Биология",
    "Физика",
    "Труд",
];

/// The school days from the term's beginning to the sheet's Friday.
fn days() -> Vec<String> {
    (5..=9)
        .chain(12..=16)
        .map(|day| format!("2026-10-{day:02}"))
        .collect()
}

/// What a test knows of a student: it wrote it.
#[derive(Default)]
struct Known {
    /// By subject: day, value, weight.
    marks: BTreeMap<usize, Vec<(String, String, f64)>>,
    /// Lessons missed and come late to, in this week: by subject.
    missed: BTreeMap<usize, usize>,
    late: BTreeMap<usize, usize>,
}

/// How many lessons of a subject a class had in this week: by class and subject.
type Held = BTreeMap<(usize, usize), usize>;

/// What each class does in each lesson: the subject, and whether it was held; by class, day and number.
type Timetable = BTreeMap<(usize, String, u32), (usize, bool)>;

/// Whether a day is in the week that the sheets speak of.
fn in_week(day: &str) -> bool {
    day >= "2026-10-12"
}

/// The classes and their lessons, as the dice fall.
async fn timetable(desk: &Desk, random: &mut StdRng) -> (Timetable, Held) {
    let mut sql = vec![
        "INSERT INTO school (name, short_name) VALUES ('Школа № 12', 'Школа 12');
         INSERT INTO school_year (starts_on, ends_on) VALUES ('2026-09-01', '2027-05-31');
         INSERT INTO term (kind, number, starts_on, ends_on) VALUES ('quarter', 1, '2026-10-05', '2026-10-25')"
            .to_owned(),
    ];
    for subject in SUBJECTS {
        sql.push(format!("INSERT INTO subject (name) VALUES ('{subject}')"));
    }
    let (mut lessons, mut held) = (Timetable::new(), Held::new());
    for class in 0..CLASSES {
        let grade = class + 4;
        sql.push(format!(
            "INSERT INTO class (year_id, grade, letter) VALUES (1, {grade}, 'А')"
        ));
        for (day, number) in days()
            .iter()
            .flat_map(|day| (1..=5).map(move |at| (day, at)))
        {
            let subject = random.random_range(0..SUBJECTS.len());
            let is_held = random.random_bool(0.9);
            let state = if is_held { "held" } else { "cancelled" };
            sql.push(format!(
                "INSERT INTO lesson (class_id, subject_id, date, number, state) \
                 VALUES ({}, {}, '{day}', {number}, '{state}')",
                class + 1,
                subject + 1
            ));
            lessons.insert((class, day.clone(), number), (subject, is_held));
            if is_held && in_week(day) {
                *held.entry((class, subject)).or_default() += 1;
            }
        }
    }
    desk.write(&sql.join(";\n")).await;
    (lessons, held)
}

/// A student with a family on paper, and with marks and absences as the dice fall.
async fn student(desk: &Desk, at: usize, lessons: &Timetable, random: &mut StdRng) -> Known {
    let (class, id) = (at / IN_CLASS, at + 1);
    let mut known = Known::default();
    let mut sql = vec![format!(
        "INSERT INTO student (surname, given_name) VALUES ('Ученик{id:03}', 'Имя');
         INSERT INTO enrolment (student_id, class_id, number) VALUES ({id}, {}, {});
         INSERT INTO guardian (surname, given_name) VALUES ('Мать{id}', 'Имя');
         INSERT INTO guardianship (guardian_id, student_id) VALUES ({id}, {id})",
        class + 1,
        at % IN_CLASS + 1
    )];
    let own = lessons
        .iter()
        .filter(|((of, ..), (_, held))| *of == class && *held);
    for ((_, day, number), (subject, _)) in own {
        if random.random_bool(0.3) {
            let value = *["2", "3", "4", "5", "5", "зач"].choose(random).unwrap();
            let weight = *[1.0, 1.0, 2.0].choose(random).unwrap();
            sql.push(format!(
                "INSERT INTO mark (student_id, subject_id, date, value, weight) \
                 VALUES ({id}, {}, '{day}', '{value}', {weight})",
                subject + 1
            ));
            let marks = known.marks.entry(*subject).or_default();
            marks.push((day.clone(), value.to_owned(), weight));
        }
        let code = match random.random_range(0..20) {
            0 => "absent",
            1 => "ill",
            2 => "late",
            _ => continue,
        };
        sql.push(format!(
            "INSERT INTO attendance (student_id, date, number, code) VALUES ({id}, '{day}', {number}, '{code}')"
        ));
        if in_week(day) {
            let count = match code {
                "late" => &mut known.late,
                _ => &mut known.missed,
            };
            *count.entry(*subject).or_default() += 1;
        }
    }
    desk.write(&sql.join(";\n")).await;
    known
}

/// «4,33» of marks with weights, as a teacher reckons it with a pencil: to two decimals, half up.
fn average(marks: &[(String, String, f64)]) -> Option<String> {
    let counted = marks
        .iter()
        .filter_map(|(_, value, weight)| Some((value.parse::<f64>().ok()?, weight)));
    let (sum, weights) = counted.fold((0.0, 0.0), |(sum, weights), (value, weight)| {
        (sum + value * weight, weights + weight)
    });
    (weights > 0.0).then(|| {
        let hundredths = (sum / weights * 100.0 + 0.5 + 1e-9).floor();
        let hundredths = format!("{hundredths:.0}");
        let (whole, part) = hundredths.split_at(hundredths.len() - 2);
        format!("{whole},{part}")
    })
}

fn equal(sheet: &Sheet, known: &Known, held: &Held, class: usize) {
    let who = &sheet.student;
    for (at, name) in SUBJECTS.iter().enumerate() {
        let line = sheet.subjects.iter().find(|one| one.name == *name);
        let marks = known.marks.get(&at).map_or(&[][..], Vec::as_slice);
        let week: BTreeSet<(String, String)> = marks
            .iter()
            .filter(|(day, ..)| in_week(day))
            .map(|(day, value, _)| (format!("{}.10", &day[8..]), value.clone()))
            .collect();
        let lessons = held.get(&(class, at)).copied().unwrap_or(0);
        let Some(line) = line else {
            assert_eq!((lessons, week.len()), (0, 0), "{who} {name}");
            continue;
        };
        let said: BTreeSet<(String, String)> = line
            .marks
            .iter()
            .map(|mark| (mark.day.clone(), mark.value.clone()))
            .collect();
        assert_eq!(said, week, "{who} {name}");
        assert_eq!(line.average, average(marks), "{who} {name} {marks:?}");
        assert_eq!(line.lessons.unwrap_or(0) as usize, lessons, "{who} {name}");
        let missed = known.missed.get(&at).copied().unwrap_or(0);
        assert_eq!(line.missed as usize, missed, "{who} {name}");
        let late = known.late.get(&at).copied().unwrap_or(0);
        assert_eq!(line.late as usize, late, "{who} {name}");
    }
}

#[tokio::test]
async fn each_number_of_two_hundred_sheets_is_what_the_journal_says() {
    for base in both().await {
        let mut random = StdRng::seed_from_u64(2026);
        let mut desk = Desk::open(&base.store);
        let (lessons, held) = timetable(&desk, &mut random).await;
        let mut known = Vec::new();
        for at in 0..CLASSES * IN_CLASS {
            known.push(student(&desk, at, &lessons, &mut random).await);
        }
        desk.work().await;
        desk.until("2026-10-16T15:00:00").await;
        let press = Press {
            configured: vec![Channel::Email],
            ..press(&desk.store)
        };
        let mut compared = 0;
        for class in 0..CLASSES {
            let name = ClassName {
                grade: u8::try_from(class + 4).unwrap(),
                letter: "А".into(),
            };
            let id = i64::try_from(class + 1).unwrap();
            let week = "2026-W42".parse().unwrap();
            let begun = press
                .begin((id, &name), week, desk.now, &mut random)
                .await
                .unwrap()
                .unwrap();
            let batch: Batch = begun.batch;
            assert_eq!(batch.sheets.len(), IN_CLASS);
            for (at, sheet) in batch.sheets.iter().enumerate() {
                equal(sheet, &known[class * IN_CLASS + at], &held, class);
                compared += 1;
            }
        }
        assert_eq!(compared, 200);
    }
}
