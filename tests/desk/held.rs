//! Stories of what looks like a mishap and waits for a person, on both databases.

use crate::desk::Desk;
use crate::support::both;
use vestnik::{
    policy::{Corrections, Limit, Policy, Switch},
    store::Verdict,
};

/// 5А with students 1 to 6 and 5Б with student 7, each with a mother who hears at once by e-mail.
fn school() -> String {
    let mut sql = "INSERT INTO school (name) VALUES ('Школа № 12');
        INSERT INTO class (grade, letter) VALUES (5, 'А'); INSERT INTO class (grade, letter) VALUES (5, 'Б');
        INSERT INTO subject (name) VALUES ('Математика');
        INSERT INTO term (school_id, kind, number, starts_on, ends_on) VALUES (1, 'quarter', 1, '2026-09-01', '2026-10-25');"
        .to_owned();
    for id in 1..=7 {
        let class = if id == 7 { 2 } else { 1 };
        let family = format!(
            "INSERT INTO student (surname, given_name) VALUES ('Ученик', 'Имя{id}');
             INSERT INTO enrolment (student_id, class_id) VALUES ({id}, {class});
             INSERT INTO guardian (surname, given_name, preset) VALUES ('Мать', 'Имени{id}', 'at_once');
             INSERT INTO guardianship (guardian_id, student_id) VALUES ({id}, {id});
             INSERT INTO contact (guardian_id, channel, address) VALUES ({id}, 'email', 'mother{id}@example.org');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({id}, {id}, 'data', 'given');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({id}, {id}, 'email', 'given');"
        );
        sql.push_str(&family);
    }
    sql
}

fn policy() -> Policy {
    Policy {
        breaker: Limit(Some(10)),
        disappearance: Limit(Some(3)),
        nothing_new: Switch::Off,
        ..Policy::defaults().unwrap()
    }
}

fn mark(student: i64, day: u32) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES ({student}, 1, '2026-10-{day:02}', '4');"
    )
}

/// Two marks for each of six students, by one import.
fn import() -> String {
    let marks: String = (1..=6)
        .flat_map(|id| [mark(id, 13), mark(id, 14)])
        .collect();
    format!(
        "INSERT INTO import (source, started_at) VALUES ('netschool', 0);
         INSERT INTO writing (import_id, baseline) VALUES (1, 0); {marks} DELETE FROM writing"
    )
}

async fn only_hold(desk: &Desk) -> vestnik::store::Hold {
    let mut holds = desk.store.holds().await.unwrap();
    assert_eq!(holds.len(), 1, "{holds:?}");
    holds.remove(0)
}

#[tokio::test]
async fn a_burst_is_held_whole_and_nobody_elses_news_with_it() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        desk.write(&import()).await;
        desk.sql(&mark(7, 14)).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1, "only the other class hears");
        assert_eq!(desk.calls[0].1.address, "mother7@example.org");
        let hold = only_hold(&desk).await;
        assert_eq!((hold.kind.as_str(), hold.count), ("volume", 12));
        assert!(
            hold.what.starts_with("import 1 (netschool): "),
            "{}",
            hold.what
        );
        assert_eq!(desk.store.status(desk.now).await.unwrap().held, 12);

        let released = desk.store.decide(hold.id, Verdict::Release, desk.now).await;
        assert_eq!(released.unwrap(), Some(12));
        desk.work().await;
        assert_eq!(
            desk.calls.len(),
            7,
            "each family one message with both marks"
        );
        let again = desk.store.decide(hold.id, Verdict::Drop, desk.now).await;
        assert_eq!(again.unwrap(), None, "it was decided");
    }
}

#[tokio::test]
async fn a_burst_that_shows_late_holds_what_has_not_left_yet() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        for id in 1..=6 {
            desk.sql(&mark(id, 13)).await;
        }
        assert!(desk.store.holds().await.unwrap().is_empty());
        desk.minutes(5).await;
        for id in 1..=6 {
            desk.sql(&mark(id, 14)).await;
        }
        let hold = only_hold(&desk).await;
        assert_eq!((hold.kind.as_str(), hold.count), ("volume", 12));
        assert!(
            hold.what.starts_with("class 5 «А»: ") || hold.what.starts_with("class 5А: "),
            "{}",
            hold.what
        );
        desk.minutes(60).await;
        assert!(desk.calls.is_empty());
        // After the ten minutes the class's news goes its way.
        desk.sql(&mark(3, 12)).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1);
    }
}

#[tokio::test]
async fn what_is_dropped_is_told_to_nobody_and_what_is_summed_up_in_one_sentence() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        desk.sql(&import()).await;
        let hold = only_hold(&desk).await;
        desk.store
            .decide(hold.id, Verdict::Summarise, desk.now)
            .await
            .unwrap();
        desk.until("2026-10-16T16:00:00").await;
        assert_eq!(desk.calls.len(), 6);
        let text = &desk.calls[0].1.text;
        assert!(
            text.contains("за 13–14 октября в журнал внесено 2 записи"),
            "{text}"
        );
        assert_eq!(desk.notices().await.get("merged"), Some(&12));

        desk.sql(
            "INSERT INTO import (source, started_at) VALUES ('netschool', 0);
             INSERT INTO writing (import_id, baseline) VALUES (2, 0);
             UPDATE mark SET value = '5'; DELETE FROM writing",
        )
        .await;
        let hold = only_hold(&desk).await;
        let dropped = desk.store.decide(hold.id, Verdict::Drop, desk.now).await;
        assert_eq!(dropped.unwrap(), Some(12));
        desk.minutes(24 * 60).await;
        assert_eq!(desk.calls.len(), 6, "nobody hears of it");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE reason = 'dropped'")
                .await,
            12
        );
    }
}

#[tokio::test]
async fn much_that_vanishes_at_once_is_a_question() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        desk.sql(&(1..=6).map(|id| mark(id, 14)).collect::<String>())
            .await;
        desk.minutes(40).await;
        assert_eq!(desk.calls.len(), 6);
        desk.sql("DELETE FROM mark WHERE student_id < 5").await;
        desk.minutes(40).await;
        assert_eq!(desk.calls.len(), 6, "no withdrawal left");
        assert_eq!(only_hold(&desk).await.kind, "disappearance");
    }
}

#[tokio::test]
async fn entries_for_days_long_past_and_closed_terms_wait_for_a_person() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        // Entered on 14 October for lessons of 13 and of 1 September.
        for day in ["2026-10-13", "2026-09-01"] {
            desk.sql(&format!(
                "INSERT INTO mark (student_id, subject_id, date, value, entered_at) \
                 VALUES (1, 1, '{day}', '4', {})",
                desk.now
            ))
            .await;
        }
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1);
        assert_eq!(only_hold(&desk).await.kind, "back_dated");
        desk.sql("UPDATE term SET closed_at = 1").await;
        desk.sql(&mark(2, 14)).await;
        let kinds: Vec<String> = desk
            .store
            .holds()
            .await
            .unwrap()
            .into_iter()
            .map(|hold| hold.kind)
            .collect();
        assert_eq!(kinds, ["back_dated", "term_closed"]);
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1);
    }
}

#[tokio::test]
async fn where_corrections_are_forbidden_each_waits_for_its_entry_in_the_register() {
    for base in both().await {
        let forbids = Policy {
            corrections: Corrections::Register,
            ..policy()
        };
        let mut desk = Desk::governed(&base.store, forbids, "holder");
        desk.sql(&school()).await;
        desk.sql(&mark(1, 14)).await;
        desk.minutes(10).await;
        desk.sql("UPDATE mark SET value = '5'").await;
        desk.minutes(30).await;
        assert_eq!(
            desk.calls.len(),
            1,
            "before it was told it is no correction"
        );
        desk.sql("UPDATE mark SET value = '3'").await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.len(), 1);
        let hold = only_hold(&desk).await;
        assert_eq!(hold.kind, "correction");
        desk.store
            .decide(hold.id, Verdict::Release, desk.now)
            .await
            .unwrap();
        desk.work().await;
        assert!(
            desk.calls[1].1.text.contains("было 5, теперь 3"),
            "{}",
            desk.calls[1].1.text
        );
    }
}

/// F5.16: a whole class absent for an excursion raises a question and no alarms.
#[tokio::test]
async fn a_whole_class_that_is_away_is_a_question() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        for id in 1..=6 {
            desk.sql(&format!(
                "INSERT INTO attendance (student_id, date, number, code) VALUES ({id}, '2026-10-14', 1, 'absent')"
            ))
            .await;
        }
        desk.sql("INSERT INTO attendance (student_id, date, number, code) VALUES (7, '2026-10-14', 1, 'absent')").await;
        let hold = only_hold(&desk).await;
        assert_eq!((hold.kind.as_str(), hold.count), ("whole_class", 6));
        assert!(
            hold.what.contains("2026-10-14: the whole class is away"),
            "{}",
            hold.what
        );
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(desk.calls.len(), 1, "the one of the other class");
        assert_eq!(desk.calls[0].1.address, "mother7@example.org");
        desk.store
            .decide(hold.id, Verdict::Drop, desk.now)
            .await
            .unwrap();
        desk.minutes(24 * 60).await;
        assert_eq!(desk.calls.len(), 1);
    }
}

#[tokio::test]
async fn a_class_that_a_person_lets_families_hear_of_is_an_alarm_at_once() {
    for base in both().await {
        let mut desk = Desk::governed(&base.store, policy(), "holder");
        desk.sql(&school()).await;
        for id in 1..=6 {
            desk.sql(&format!(
                "INSERT INTO attendance (student_id, date, number, code) VALUES ({id}, '2026-10-14', 1, 'absent')"
            ))
            .await;
        }
        desk.minutes(60).await;
        assert!(desk.calls.is_empty());
        let hold = only_hold(&desk).await;
        desk.store
            .decide(hold.id, Verdict::Release, desk.now)
            .await
            .unwrap();
        desk.work().await;
        assert_eq!(desk.calls.len(), 6, "one lesson is enough: somebody looked");
    }
}
