//! Stories of SMS that hold only so much: what is most important first, and the rest by the next digest.

use vestnik_sms::parts::{Alphabet, count};

use crate::desk::{Desk, FAMILY};
use crate::families::mark;
use crate::support::both;

/// Subjects that no school has to abbreviate.
const SUBJECTS: [(&str, &str); 9] = [
    ("Физика", "физ"),
    ("Химия", "хим"),
    ("Биология", "биол"),
    ("География", "геогр"),
    ("Литература", "лит"),
    ("Обществознание", "общ"),
    ("Информатика", "инф"),
    ("Английский язык", "англ"),
    ("Физическая культура", "физк"),
];

/// Masha's day: a mark in each subject, and homework for tomorrow.
async fn day_of_marks(desk: &mut Desk) {
    desk.sql(FAMILY).await;
    for (at, (subject, _)) in SUBJECTS.iter().enumerate() {
        let subject_id = i64::try_from(at).unwrap() + 3;
        desk.write(&format!("INSERT INTO subject (name) VALUES ('{subject}')"))
            .await;
        desk.write(&mark(1, subject_id, "2026-10-14", "5")).await;
    }
    desk.sql("INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 1, '2026-10-15', '№ 214')")
        .await;
}

fn to_ivan(desk: &mut Desk) -> Vec<String> {
    let texts = desk.texts();
    desk.calls.clear();
    let his = texts.into_iter().filter(|(lane, ..)| lane == "sms");
    his.map(|(_, _, text)| text).collect()
}

#[tokio::test]
async fn what_does_not_fit_waits_for_the_next_digest_and_nothing_is_lost() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).sms(1, false);
        day_of_marks(&mut desk).await;
        desk.until("2026-10-14T18:10:00").await;
        let first = to_ivan(&mut desk);
        assert_eq!(first.len(), 1, "{first:?}");
        assert_eq!(count(&first[0]).parts, 1, "{}", first[0]);
        assert!(
            first[0].contains("№ 214"),
            "tomorrow's homework goes first: {}",
            first[0]
        );
        let waiting = "SELECT COUNT(*) FROM notice WHERE guardian_id = 2 AND state = 'waiting' AND waits_for = 'window'";
        let left = desk.number(waiting).await;
        assert!(left > 0 && left < 9, "some fitted beside it: {left}");
        let mut told = first;
        for day in 15..=18 {
            desk.until(&format!("2026-10-{day}T18:10:00")).await;
            let next = to_ivan(&mut desk);
            assert!(next.iter().all(|text| count(text).parts == 1), "{next:?}");
            told.extend(next);
        }
        for (_, short) in SUBJECTS {
            let times = told
                .iter()
                .filter(|text| text.contains(&format!("{short} 5")))
                .count();
            assert_eq!(times, 1, "{short} in {told:?}");
        }
        let open = "SELECT COUNT(*) FROM notice WHERE guardian_id = 2 AND state <> 'informed'";
        assert_eq!(desk.number(open).await, 0);
    }
}

#[tokio::test]
async fn what_is_needed_tomorrow_is_told_today_in_whatever_parts() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).sms(1, false);
        desk.sql(FAMILY).await;
        for subject in [1, 2] {
            let text = "прочитать параграф и ответить на все вопросы в конце письменно";
            desk.sql(&format!("INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, {subject}, '2026-10-15', '{text}')")).await;
        }
        desk.until("2026-10-14T18:10:00").await;
        let told = to_ivan(&mut desk);
        assert_eq!(told.len(), 2, "each in a message of its own: {told:?}");
        assert_eq!(
            desk.notices().await.get("informed"),
            Some(&4),
            "to both parents"
        );
    }
}

#[tokio::test]
async fn latin_letters_hold_the_whole_day() {
    for base in both().await {
        let mut desk = Desk::open(&base.store).sms(1, true);
        day_of_marks(&mut desk).await;
        desk.until("2026-10-14T18:10:00").await;
        let told = to_ivan(&mut desk);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("Shkola 12. Masha 14.10: "),
            "{}",
            told[0]
        );
        assert!(
            told[0].contains("geogr 5") && told[0].contains("No 214"),
            "{}",
            told[0]
        );
        let counted = count(&told[0]);
        assert_eq!(
            (counted.alphabet, counted.parts),
            (Alphabet::Gsm7, 1),
            "{}",
            told[0]
        );
    }
}
