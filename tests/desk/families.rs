//! The family situations that must work (F5 of the product description), each a story in time on both
//! databases: from the rows of journal and family to what left, what the sheet says, or why not.
//!
//! | № | situation | test |
//! |---|---|---|
//! | 1 | divorced parents, two channels, two homes | here, `two_homes_hear_by_two_roads` |
//! | 2 | restricted by court until a date | here, `a_restriction_ends_when_staff_says_so` |
//! | 3 | one consents, the other refuses | here, `one_reads_mail_and_the_other_paper` |
//! | 4 | one phone of two parents; one e-mail for three children | `engine.rs`, `one_family_gets_one_message_for_all_children_and_one_per_shared_phone`; here, `three_children_make_one_mail` |
//! | 5 | a grandmother as guardian, another who only helps | here, `who_only_helps_hears_nothing` |
//! | 6 | consent withdrawn at 17:59, digest at 18:10 | here, `a_consent_withdrawn_a_minute_before_stops_the_digest_on_every_channel` |
//! | 7 | from 5 «А» to 5 «Б» on Wednesday | here, `who_moves_on_wednesday_has_one_sheet_with_all_marks` |
//! | 8 | a student leaves | here, `who_has_left_is_told_of_to_nobody` |
//! | 9 | a student turns 18 | here, `a_birthday_is_a_question_and_decides_nothing` |
//! | 10 | a teacher who is a parent in the class | here, `a_teacher_hears_as_a_parent_by_a_parents_rules` |
//! | 11 | twins with one initial | here, `twins_are_told_apart` |
//! | 12 | first and ninth grade in one digest | here, `a_first_grader_and_a_ninth_grader_share_a_digest` |
//! | 13 | a boarding cadet | `school.rs`, `a_house_tutor_hears_and_the_parents_read_by_post` |
//! | 14 | a subgroup with a teacher of its own | `school.rs`, `each_subgroup_has_its_own_lessons` |
//! | 15 | an individual plan | `school.rs`, `a_plan_of_ones_own_has_its_own_subjects` |
//! | 16 | a whole class on an excursion | `held.rs`, `a_whole_class_that_is_away_is_a_question` |
//! | 17 | entered, changed, deleted, entered again | `school.rs`, `ten_minutes_of_second_thoughts_are_one_message` |
//! | 18 | changed after the sheet was printed | `paper.rs`, `who_refused_reads_on_paper_what_the_others_read_and_it_is_proved` |
//! | 19 | a term's result deferred for illness | `results.rs`, `the_results_of_all_subjects_are_one_message_when_the_last_is_set` |
//! | 20 | two school days; holidays | `school.rs`, `a_short_week_has_a_sheet_and_holidays_have_none` |
//! | 21 | the second shift | `school.rs`, `the_second_shifts_homework_is_there_in_the_morning` |
//! | 22 | a school seven hours east of its server | `school.rs`, `a_school_lives_by_its_own_clock` |
//! | 23 | blocked, bounced, off | `paper.rs`, `what_no_channel_could_carry_goes_on_the_sheet_of_who_hears_electronically` |
//! | 24 | last week's backup restored | `quarantine.rs`, `a_restored_backup_sends_nothing_until_it_is_released_and_nothing_twice` |
//! | 25 | 5 000 rows imported in September | `school.rs`, `five_thousand_rows_in_september_are_no_flood` |

use crate::desk::{Desk, FAMILY};
use crate::paper;
use crate::support::both;
use rand::{SeedableRng, rngs::StdRng};
use vestnik::{
    journal::class_name::ClassName,
    store::{Hold, Verdict},
};

/// Who heard what since the last question: address and text.
pub(crate) fn heard(desk: &mut Desk) -> Vec<(String, String)> {
    desk.calls
        .drain(..)
        .map(|(_, message)| (message.address, message.text))
        .collect()
}

/// The addresses that heard since the last question.
pub(crate) fn who(desk: &mut Desk) -> Vec<String> {
    heard(desk)
        .into_iter()
        .map(|(address, _)| address)
        .collect()
}

/// Prints a class's week and gives back what its sheets say, whom they are for and why, as it was fixed for
/// the press; none where there are none.
pub(crate) async fn sheets(
    desk: &Desk,
    class: (i64, u8, &str),
    week: &str,
) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    let name = ClassName {
        grade: class.1,
        letter: class.2.into(),
    };
    let drawn = desk.number("SELECT COUNT(*) FROM message").await;
    let mut random = StdRng::seed_from_u64(u64::try_from(drawn).unwrap() + 1_000);
    let printed = paper::press(&desk.store)
        .print(
            (class.0, &name),
            week.parse().unwrap(),
            folder.path(),
            desk.now,
            &mut random,
        )
        .await
        .unwrap();
    let Some(printed) = printed else {
        return Vec::new();
    };
    let data = desk
        .text("SELECT data FROM print_run ORDER BY id DESC LIMIT 1")
        .await;
    let data: serde_json::Value = serde_json::from_str(&data).unwrap();
    let sheets = data["sheets"].as_array().unwrap().clone();
    assert_eq!(sheets.len(), printed.sheets);
    sheets
}

pub(crate) fn mark(student: i64, subject: i64, day: &str, value: &str) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) \
         VALUES ({student}, {subject}, '{day}', '{value}');"
    )
}

/// Consent of a guardian to data and another purpose.
pub(crate) fn consent(guardian: i64, student: i64, purpose: &str) -> String {
    ["data", purpose]
        .map(|purpose| {
            format!(
                "INSERT INTO consent (guardian_id, student_id, purpose, state) \
                 VALUES ({guardian}, {student}, '{purpose}', 'given');"
            )
        })
        .concat()
}

async fn holds(desk: &Desk) -> Vec<Hold> {
    desk.store.holds().await.unwrap()
}

/// F5.1: divorced parents with equal rights hear each by their own road and, on paper, at home.
#[tokio::test]
async fn two_homes_hear_by_two_roads() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardianship SET home = 'у матери' WHERE guardian_id = 1; UPDATE guardianship SET home = 'у отца' WHERE guardian_id = 2").await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(who(&mut desk), ["olga@example.org", "+79000000012"]);
        desk.sql("INSERT INTO service_mode (guardian_id, student_id, mode, ground) VALUES (1, 1, 'paper', 'chosen'); INSERT INTO service_mode (guardian_id, student_id, mode, ground) VALUES (2, 1, 'paper', 'no_access')").await;
        let sheets = sheets(&desk, (1, 5, "А"), "2026-W42").await;
        let homes: Vec<_> = sheets
            .iter()
            .map(|sheet| (sheet["for_whom"].clone(), sheet["reason"].clone()))
            .collect();
        assert_eq!(
            homes,
            [
                (
                    "Соколова Ольга".into(),
                    "Вы выбрали листок на бумаге.".into()
                ),
                (
                    "Соколов Иван".into(),
                    "Вы сообщили, что у вас нет доступа в интернет.".into()
                ),
            ]
        );
        assert_ne!(sheets[0]["code"], sheets[1]["code"]);
    }
}

/// F5.2: who is restricted by a court until a date hears again after staff has confirmed it, not before; and
/// the phone that both parents use is closed as long.
#[tokio::test]
async fn a_restriction_ends_when_staff_says_so() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE guardian SET preset = 'at_once'; UPDATE guardianship SET restricted_from = '2026-09-01', restricted_to = '2026-10-15', document = 'решение суда № 2-114/2026' WHERE guardian_id = 2").await;
        for verdict in [Verdict::Release, Verdict::Drop] {
            if verdict == Verdict::Drop {
                desk.sql(
                    "UPDATE guardianship SET restricted_to = '2026-10-18' WHERE guardian_id = 2",
                )
                .await;
            }
            let (last, after) = match verdict {
                Verdict::Release => ("2026-10-15", "2026-10-16"),
                _ => ("2026-10-18", "2026-10-19"),
            };
            desk.until(&format!("{last}T09:00:00")).await;
            desk.sql(&mark(1, 1, last, "4")).await;
            desk.minutes(60).await;
            assert_eq!(who(&mut desk), ["olga@example.org"], "it is in force");
            assert!(holds(&desk).await.is_empty());

            desk.until(&format!("{after}T00:00:00")).await;
            desk.until(&format!("{after}T09:00:00")).await;
            desk.sql(&mark(1, 1, after, "5")).await;
            desk.minutes(60).await;
            assert_eq!(who(&mut desk), ["olga@example.org"], "nobody confirmed it");
            let question = holds(&desk).await.remove(0);
            assert_eq!(question.kind, "restriction_over");
            assert!(
                question.what.starts_with(&format!(
                    "Соколов Иван and Соколова Мария, restricted to {last} (решение суда № 2-114/2026): "
                )),
                "{}",
                question.what
            );
            let summed = desk.store.decide(question.id, Verdict::Summarise, desk.now);
            assert_eq!(summed.await.unwrap(), None, "rights are no news to sum up");
            let decided = desk.store.decide(question.id, verdict, desk.now).await;
            assert_eq!(decided.unwrap(), Some(0));
            desk.work().await;
            desk.sql(&mark(1, 2, after, "3")).await;
            desk.minutes(60).await;
            let expected: &[&str] = match verdict {
                Verdict::Release => &["olga@example.org", "+79000000012"],
                _ => &["olga@example.org"],
            };
            assert_eq!(who(&mut desk), expected, "{verdict:?}");
            desk.minutes(24 * 60).await;
            assert!(holds(&desk).await.is_empty(), "it is asked once");
        }
    }
}

/// F5.2, the other side: what the mother could not hear because the phone was the father's as well goes out
/// when his restriction is over.
#[tokio::test]
async fn a_shared_phone_opens_again_with_the_right() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("UPDATE contact SET channel = 'sms', address = '8 (900) 000-00-12' WHERE guardian_id = 1; UPDATE guardianship SET restricted_to = '2026-10-13' WHERE guardian_id = 2").await;
        desk.sql(&consent(1, 1, "sms")).await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.minutes(60).await;
        assert!(who(&mut desk).is_empty());
        assert_eq!(
            desk.text("SELECT reason FROM notice WHERE guardian_id = 1")
                .await,
            "closed_address"
        );
        // The desk opened before the row was there: the question comes with the next day.
        desk.until("2026-10-15T09:00:00").await;
        let question = holds(&desk).await.remove(0);
        desk.store
            .decide(question.id, Verdict::Release, desk.now)
            .await
            .unwrap();
        desk.work().await;
        assert_eq!(who(&mut desk), ["+79000000012"]);
    }
}

/// F5.3: the mother consents and reads mail, the father refuses and reads paper.
#[tokio::test]
async fn one_reads_mail_and_the_other_paper() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'data', 'refused')").await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(who(&mut desk), ["olga@example.org"]);
        let sheets = sheets(&desk, (1, 5, "А"), "2026-W42").await;
        assert_eq!(sheets.len(), 1);
        assert_eq!(sheets[0]["for_whom"], "Соколов Иван");
        assert_eq!(
            sheets[0]["reason"],
            "Вы отказались от электронных сообщений."
        );
        let notices = desk.notices().await;
        assert_eq!(
            (notices.get("informed"), notices.get("told_by_paper")),
            (Some(&1), Some(&1))
        );
    }
}

/// F5.4 and trap 19: three children make one mail.
#[tokio::test]
async fn three_children_make_one_mail() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        for (id, name) in [(2, "Пётр"), (3, "Анна")] {
            desk.sql(&format!(
                "INSERT INTO student (surname, given_name) VALUES ('Соколов', '{name}');
                 INSERT INTO guardianship (guardian_id, student_id) VALUES (1, {id});{}",
                consent(1, id, "email")
            ))
            .await;
        }
        desk.sql("UPDATE guardian SET preset = 'daily'").await;
        for student in 1..=3 {
            desk.sql(&mark(student, 1, "2026-10-14", "5")).await;
        }
        desk.until("2026-10-14T18:10:00").await;
        let mails: Vec<_> = heard(&mut desk)
            .into_iter()
            .filter(|(address, _)| address == "olga@example.org")
            .collect();
        assert_eq!(mails.len(), 1, "{mails:?}");
        for name in ["Маша", "Пётр", "Анна"] {
            assert!(mails[0].1.contains(name), "{}", mails[0].1);
        }
    }
}

/// F5.5: a grandmother who is the guardian hears; the other one, whom no document names, does not.
#[tokio::test]
async fn who_only_helps_hears_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&format!(
            "UPDATE guardianship SET relation = 'guardian', document = 'акт об опеке № 3' WHERE guardian_id = 1;
             DELETE FROM guardianship WHERE guardian_id = 2;
             INSERT INTO guardian (surname, given_name, preset) VALUES ('Белова', 'Вера', 'at_once');
             INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'email', 'vera@example.org');{}",
            consent(3, 1, "email")
        ))
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(who(&mut desk), ["olga@example.org"]);
        assert!(sheets(&desk, (1, 5, "А"), "2026-W42").await.is_empty());
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE guardian_id = 3")
                .await,
            0
        );
    }
}

/// F5.6: a consent withdrawn at 17:59 stops the digest of 18:10, whatever carries it, within one turn.
#[tokio::test]
async fn a_consent_withdrawn_a_minute_before_stops_the_digest_on_every_channel() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        let roads = [
            (1, "email", "olga@example.org", "email"),
            (2, "sms", "+79000000012", "sms"),
            (3, "telegram", "40000001", "messenger"),
        ];
        desk.sql(&format!(
            "UPDATE guardian SET preset = 'daily';
             INSERT INTO guardian (surname, given_name) VALUES ('Соколов', 'Пётр');
             INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 1);
             INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'telegram', '40000001');{}",
            consent(3, 1, "messenger")
        ))
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T17:59:00").await;
        assert_eq!(desk.notices().await.get("waiting"), Some(&3));
        for (guardian, _, _, purpose) in roads {
            desk.sql(&format!("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({guardian}, 1, '{purpose}', 'withdrawn')")).await;
            let reason = format!(
                "SELECT reason FROM notice WHERE guardian_id = {guardian} AND waits_for = 'sheet'"
            );
            assert_eq!(
                desk.text(&reason).await,
                format!("consent_{purpose}_withdrawn"),
                "in the same turn"
            );
        }
        desk.until("2026-10-14T18:10:00").await;
        desk.until("2026-10-14T19:00:00").await;
        assert!(who(&mut desk).is_empty());
        // Nothing of it was a fault of the test: given again, each road carries the next day's news.
        for (guardian, _, _, purpose) in roads {
            desk.sql(&consent(guardian, 1, purpose)).await;
        }
        desk.until("2026-10-15T18:10:00").await;
        let mut all = who(&mut desk);
        all.sort_unstable();
        let mut expected = roads.map(|(_, _, address, _)| address);
        expected.sort_unstable();
        assert_eq!(all, expected);
    }
}

/// F5.7: who moves to another class on Wednesday has one sheet, in the new class, with the marks of both.
#[tokio::test]
async fn who_moves_on_wednesday_has_one_sheet_with_all_marks() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name, patronymic) VALUES ('Орлова', 'Нина', 'Львовна');
             INSERT INTO class (grade, letter, class_teacher_id) VALUES (5, 'Б', 1);
             INSERT INTO service_mode (guardian_id, student_id, mode, ground) VALUES (1, 1, 'paper', 'chosen')",
        )
        .await;
        desk.until("2026-10-12T09:00:00").await;
        desk.sql(&mark(1, 1, "2026-10-12", "4")).await;
        desk.until("2026-10-14T09:00:00").await;
        desk.sql("UPDATE enrolment SET to_on = '2026-10-13'; INSERT INTO enrolment (student_id, class_id, from_on) VALUES (1, 2, '2026-10-14')").await;
        desk.sql(&mark(1, 1, "2026-10-15", "5")).await;
        desk.until("2026-10-16T13:00:00").await;
        assert!(sheets(&desk, (1, 5, "А"), "2026-W42").await.is_empty());
        let sheets = sheets(&desk, (2, 5, "Б"), "2026-W42").await;
        assert_eq!(sheets.len(), 1);
        let marks: Vec<_> = sheets[0]["subjects"][0]["marks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|mark| mark["value"].clone())
            .collect();
        assert_eq!(marks, ["4", "5"]);
        let told = desk
            .number("SELECT COUNT(*) FROM notice WHERE state = 'told_by_paper'")
            .await;
        assert_eq!(told, 2, "both duties are done by the one sheet");
        assert!(holds(&desk).await.is_empty());
    }
}

/// F5.8: with a student's last day the queue ends, and so does paper; a last day that was known before ends
/// them when it is over.
#[tokio::test]
async fn who_has_left_is_told_of_to_nobody() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql("INSERT INTO service_mode (guardian_id, student_id, mode, ground) VALUES (1, 1, 'paper', 'chosen'); UPDATE guardian SET preset = 'important' WHERE id = 2").await;
        desk.sql("UPDATE enrolment SET to_on = '2026-10-14', reason = 'переезд'")
            .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.until("2026-10-14T20:00:00").await;
        assert_eq!(desk.notices().await.get("waiting"), Some(&2), "for Friday");
        desk.until("2026-10-15T00:00:00").await;
        assert_eq!(desk.notices().await.get("waiting"), None);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE state = 'closed' AND reason = 'left'")
                .await,
            2
        );
        desk.sql(&mark(1, 2, "2026-10-13", "5")).await;
        desk.until("2026-10-16T16:00:00").await;
        assert!(who(&mut desk).is_empty());
        assert!(sheets(&desk, (1, 5, "А"), "2026-W42").await.is_empty());
    }
}

/// F5.9: on the eighteenth birthday a question is put, and nothing is decided by itself. Where the student is to
/// hear alone, the guardians' duty ends but for whom the student wants to be informed.
#[tokio::test]
async fn a_birthday_is_a_question_and_decides_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&format!(
            "UPDATE student SET birth_on = '2008-10-15'; UPDATE guardian SET preset = 'at_once';
             INSERT INTO guardian (surname, given_name, preset, student_id) VALUES ('Соколова', 'Мария', 'at_once', 1);
             INSERT INTO guardianship (guardian_id, student_id, relation) VALUES (3, 1, 'self');
             INSERT INTO contact (guardian_id, channel, address) VALUES (3, 'email', 'masha@example.org');{}",
            consent(3, 1, "email")
        ))
        .await;
        desk.until("2026-10-14T23:00:00").await;
        assert!(holds(&desk).await.is_empty());
        desk.until("2026-10-15T09:00:00").await;
        let question = holds(&desk).await.remove(0);
        assert_eq!((question.kind.as_str(), question.count), ("of_age", 0));
        assert!(
            question
                .what
                .starts_with("Соколова Мария, born 2008-10-15: of age"),
            "{}",
            question.what
        );
        let all = ["+79000000012", "masha@example.org", "olga@example.org"];
        desk.sql(&mark(1, 1, "2026-10-15", "4")).await;
        desk.minutes(30).await;
        let mut heard = who(&mut desk);
        heard.sort_unstable();
        assert_eq!(heard, all, "until it is decided nothing changes");

        desk.sql(&mark(1, 2, "2026-10-15", "5")).await;
        desk.store
            .decide(question.id, Verdict::Drop, desk.now)
            .await
            .unwrap();
        desk.minutes(30).await;
        assert_eq!(
            who(&mut desk),
            ["masha@example.org"],
            "what settled dies too"
        );
        desk.sql("UPDATE guardianship SET rights = 'informed_only', document = 'заявление М. Соколовой' WHERE guardian_id = 1").await;
        desk.sql(&mark(1, 2, "2026-10-14", "3")).await;
        desk.minutes(30).await;
        let mut heard = who(&mut desk);
        heard.sort_unstable();
        assert_eq!(heard, ["masha@example.org", "olga@example.org"]);
        desk.until("2026-10-16T09:00:00").await;
        assert!(holds(&desk).await.is_empty(), "it is asked once");
    }
}

/// F5.10: a teacher of the class who is a parent in it hears of her own child only, at a parent's address and
/// with a parent's consent.
#[tokio::test]
async fn a_teacher_hears_as_a_parent_by_a_parents_rules() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name, role) VALUES ('Соколова', 'Ольга', 'class_teacher');
             UPDATE class SET class_teacher_id = 1; UPDATE guardian SET staff_id = 1 WHERE id = 1;
             INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'teacher@example.org');
             INSERT INTO student (surname, given_name) VALUES ('Чужой', 'Ребёнок');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1)",
        )
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.sql(&mark(2, 1, "2026-10-14", "2")).await;
        desk.minutes(30).await;
        assert_eq!(who(&mut desk), ["olga@example.org"]);
        desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'email', 'withdrawn')").await;
        desk.sql(&mark(1, 2, "2026-10-14", "5")).await;
        desk.minutes(30).await;
        assert!(
            who(&mut desk).is_empty(),
            "her office is no road around her consent"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE student_id = 2")
                .await,
            0,
            "she enters the other child's marks and is not told of them"
        );
    }
}

/// F5.11: twins whose names begin alike are told apart.
#[tokio::test]
async fn twins_are_told_apart() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&format!(
            "UPDATE student SET short_name = NULL;
             INSERT INTO student (surname, given_name) VALUES ('Соколова', 'Марина');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1);
             INSERT INTO guardianship (guardian_id, student_id) VALUES (2, 2);{}",
            consent(2, 2, "sms")
        ))
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.sql(&mark(2, 1, "2026-10-14", "2")).await;
        desk.until("2026-10-14T18:10:00").await;
        let sms = heard(&mut desk).pop().unwrap().1;
        assert!(
            sms.contains("Мария 14.10: матем 4") && sms.contains("Марина 14.10: матем 2"),
            "{sms}"
        );
    }
}

/// F5.12: one digest for a first-grader, who has no marks, and a ninth-grader.
#[tokio::test]
async fn a_first_grader_and_a_ninth_grader_share_a_digest() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        desk.sql(FAMILY).await;
        desk.sql(&format!(
            "UPDATE class SET grade = 9; INSERT INTO class (grade, letter) VALUES (1, 'А');
             INSERT INTO student (surname, given_name) VALUES ('Соколов', 'Пётр');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 2);
             INSERT INTO guardianship (guardian_id, student_id) VALUES (2, 2);
             INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (2, 2, '2026-10-16', 'прочитать с. 12');{}",
            consent(2, 2, "sms")
        ))
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "4")).await;
        desk.sql(&mark(2, 1, "2026-10-14", "5")).await;
        desk.until("2026-10-14T18:10:00").await;
        let sms: Vec<_> = heard(&mut desk)
            .into_iter()
            .filter(|(address, _)| address.starts_with('+'))
            .collect();
        assert_eq!(sms.len(), 1, "{sms:?}");
        let text = &sms[0].1;
        assert!(text.contains("Маша 14.10: матем 4"), "{text}");
        assert!(text.contains("прочитать с. 12"), "{text}");
        assert!(!text.contains("матем 5"), "{text}");
    }
}
