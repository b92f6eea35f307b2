//! Stories of everything but marks: homework, attendance, remarks, results and words to many, under a
//! clock that the test turns, on both databases.

use crate::desk::{Desk, FAMILY};
use crate::support::both;
use vestnik::policy::{Policy, Remarks};

/// A second class with Petya, whose mother is Masha's, and a stranger's child in Masha's class.
const MORE: &str = "
    INSERT INTO class (grade, letter) VALUES (2, 'А');
    INSERT INTO student (surname, given_name, short_name) VALUES ('Соколов', 'Пётр', 'Петя');
    INSERT INTO enrolment (student_id, class_id) VALUES (2, 2);
    INSERT INTO guardianship (guardian_id, student_id) VALUES (1, 2);
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 2, 'data', 'given');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 2, 'email', 'given');
    INSERT INTO staff (surname, given_name, patronymic) VALUES ('Петрова', 'Инна', 'Олеговна')";

/// What arrived since the last call, by lane.
fn heard(desk: &mut Desk) -> Vec<(String, String)> {
    let calls = std::mem::take(&mut desk.calls);
    calls
        .into_iter()
        .map(|(lane, message)| (lane, message.text))
        .collect()
}

/// The text that came by mail, and it alone.
fn mailed(desk: &mut Desk) -> String {
    let heard = heard(desk);
    let mails: Vec<&String> = heard
        .iter()
        .filter(|(lane, _)| lane == "email")
        .map(|(_, text)| text)
        .collect();
    assert_eq!(mails.len(), 1, "{heard:?}");
    mails[0].clone()
}

async fn desk(store: &vestnik::store::Store) -> Desk {
    let mut desk = Desk::open(store);
    desk.sql(FAMILY).await;
    desk.sql(MORE).await;
    desk
}

#[tokio::test]
async fn homework_of_a_class_is_told_to_its_families_changed_and_taken_back() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO homework (class_id, subject_id, assigned_on, due_on, text) VALUES (1, 1, '2026-10-14', '2026-10-16', '№ 214, 216')").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains(
                "Маша, 5 «А»\n\n16 октября, пятница\n- Домашнее задание: Математика: № 214, 216\n"
            ),
            "{text}"
        );
        assert!(!text.contains("Петя"), "the other class has nothing to do");
        desk.sql("UPDATE homework SET text = '№ 218'").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains("Математика: изменено, теперь № 218"),
            "{text}"
        );
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            heard(&mut desk),
            [(
                "sms".to_owned(),
                "Школа 12. Маша 16.10: ДЗ – матем: № 218".to_owned()
            )],
            "who hears once a day hears the last word only"
        );
        desk.sql("DELETE FROM homework").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains("Математика: задание отменено (№ 218)"),
            "{text}"
        );
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE student_id = 2")
                .await,
            0
        );
    }
}

#[tokio::test]
async fn homework_for_tomorrow_does_not_wait_for_tomorrows_digest() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.until("2026-10-14T18:30:00").await;
        desk.sql("INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 1, '2026-10-15', '№ 5')").await;
        desk.sql("INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 2, '2026-10-16', 'упр. 7')").await;
        desk.minutes(30).await;
        let sms: Vec<_> = heard(&mut desk)
            .into_iter()
            .filter(|(lane, _)| lane == "sms")
            .collect();
        assert_eq!(sms.len(), 1, "{sms:?}");
        assert!(
            sms[0].1.contains("№ 5") && !sms[0].1.contains("упр. 7"),
            "{sms:?}"
        );
    }
}

#[tokio::test]
async fn an_absence_gets_its_cause_and_an_error_is_withdrawn() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO lesson (class_id, subject_id, date, number, state) VALUES (1, 1, '2026-10-14', 2, 'held')").await;
        desk.sql("UPDATE class SET class_teacher_id = 1; INSERT INTO attendance (student_id, date, number, code, entered_by) VALUES (1, '2026-10-14', 2, 'absent', 1)").await;
        desk.sql("INSERT INTO attendance (student_id, date, number, code, minutes_late) VALUES (1, '2026-10-14', 3, 'late', 10)").await;
        desk.sql("INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', 4, 'exempt')").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains("- Пропуски: Математика, 2-й урок\n- Опоздания: 3-й урок (10 мин)\n"),
            "{text}"
        );
        assert!(
            !text.contains("4-й урок"),
            "an exemption is agreed with the family"
        );
        desk.sql("UPDATE attendance SET code = 'ill' WHERE number = 2")
            .await;
        desk.minutes(30).await;
        assert!(heard(&mut desk).is_empty(), "a cause is no alarm");
        desk.until("2026-10-14T18:10:00").await;
        let text = mailed(&mut desk);
        assert!(
            text.contains(
                "Исправлено: Математика, 2-й урок: было «пропуск», верно «пропуск по болезни»"
            ),
            "{text}"
        );
        desk.sql("DELETE FROM attendance WHERE number = 2").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains("Математика, 2-й урок: пропуска не было, приносим извинения"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_remark_is_told_with_the_tick_only_and_an_sms_keeps_its_text_to_itself() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO remark (student_id, date, text) VALUES (1, '2026-10-14', 'Шумела на уроке')").await;
        desk.sql("INSERT INTO remark (student_id, date, kind, text, notify_parents) VALUES (1, '2026-10-14', 'praise', 'За доклад о Волге', 1)").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains("Благодарность: «За доклад о Волге»") && !text.contains("Шумела"),
            "{text}"
        );
        desk.sql("UPDATE remark SET notify_parents = 1").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(text.contains("Замечание: «Шумела на уроке»"), "{text}");
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            heard(&mut desk)[0].1,
            "Школа 12. Маша 14.10: благодарность – За доклад о Волге; запись учителя – текст у кл.рук."
        );
    }
}

#[tokio::test]
async fn a_school_that_tells_all_remarks_tells_those_without_the_tick_once() {
    for base in both().await {
        let policy = Policy {
            remarks: Remarks::All,
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::governed(&base.store, policy, "holder");
        desk.sql(FAMILY).await;
        desk.sql("INSERT INTO remark (student_id, date, text) VALUES (1, '2026-10-14', 'Шумела на уроке')").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(text.contains("Замечание: «Шумела на уроке»"), "{text}");
        desk.sql("UPDATE remark SET notify_parents = 1").await;
        desk.minutes(60).await;
        assert!(heard(&mut desk).is_empty(), "it is known");
    }
}

#[tokio::test]
async fn a_mark_entered_long_after_its_work_names_both_days_and_the_digest_begins_with_praise() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        let entered = crate::desk::at("2026-10-14T08:50:00");
        desk.sql(&format!(
            "INSERT INTO mark (student_id, subject_id, date, value, entered_at) VALUES (1, 1, '2026-10-08', '5', {entered});
             INSERT INTO mark (student_id, subject_id, date, value, entered_at) VALUES (1, 2, '2026-10-13', '4', {entered});
             INSERT INTO remark (student_id, date, kind, text, notify_parents) VALUES (1, '2026-10-14', 'praise', 'За доклад о Волге', 1)"
        ))
        .await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(
            text.contains("14 октября, среда\n- Благодарность: «За доклад о Волге»\n\n8 октября, четверг\n- Математика: 5 – работа 8 октября, отметка внесена 14 октября\n\n13 октября, вторник\n- Русский язык: 4\n"),
            "{text}"
        );
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            heard(&mut desk)[0].1,
            "Школа 12. Маша 14.10: благодарность – За доклад о Волге. 08.10: матем 5. 13.10: рус 4"
        );
    }
}

#[tokio::test]
async fn results_of_a_term_come_together_and_the_first_grade_has_none() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("UPDATE class SET grade = 1 WHERE id = 2").await;
        desk.sql("INSERT INTO term (kind, number, starts_on, ends_on) VALUES ('quarter', 1, '2026-09-01', '2026-10-25')").await;
        desk.sql(
            "INSERT INTO term_result (student_id, subject_id, term_id, value) VALUES (1, 1, 1, '5');
             INSERT INTO term_result (student_id, subject_id, term_id, value) VALUES (1, 2, 1, '4');
             INSERT INTO term_result (student_id, subject_id, term_id, value) VALUES (2, 2, 1, '4');
             INSERT INTO term_result (student_id, subject_id, term_id, stage, status) VALUES (1, 1, 1, 'exam', 'pending')",
        )
        .await;
        desk.minutes(30).await;
        assert_eq!(
            desk.calls.iter().filter(|(lane, _)| lane == "sms").count(),
            1,
            "who hears once a day hears of results at once"
        );
        let text = mailed(&mut desk);
        assert!(
            text.contains(
                "- Итоги: 1-я четверть: Математика: 5\n- Итоги: 1-я четверть: Русский язык: 4\n"
            ),
            "{text}"
        );
        assert!(
            !text.contains("Петя") && !text.contains("Экзамен"),
            "{text}"
        );
        desk.sql("UPDATE term_result SET status = 'deferred', deferred_to = '2026-11-06', value = NULL WHERE subject_id = 2 AND student_id = 1").await;
        desk.minutes(30).await;
        let heard = heard(&mut desk);
        let of = |lane: &str| {
            let found = heard.iter().find(|(other, _)| other == lane);
            &found.expect("a message").1
        };
        let text = of("email");
        assert!(
            text.contains("Русский язык: отсрочка до 6 ноября (исправлено, было 4)"),
            "{text}"
        );
        assert_eq!(
            of("sms"),
            "Школа 12. Маша 14.10: итоги 1 четв – рус отсрочка до 6 ноября (было 4)"
        );
    }
}

#[tokio::test]
async fn a_word_to_the_school_reaches_a_family_of_two_children_once() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO announcement (title, text, sms_text) VALUES ('Собрание', 'Родительское собрание 20 октября в 18:00.', 'собрание 20.10 в 18:00')").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert_eq!(text.matches("Родительское собрание").count(), 1, "{text}");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE guardian_id = 1 AND state = 'informed'")
                .await,
            2
        );
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(
            heard(&mut desk)[0].1,
            "Школа 12. Маша 14.10: Собрание – собрание 20.10 в 18:00"
        );
        desk.sql("UPDATE announcement SET state = 'cancelled', cancelled_at = 1")
            .await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(text.contains("Собрание: Отменено"), "{text}");
    }
}

#[tokio::test]
async fn a_word_for_one_student_is_not_told_to_the_class() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql(
            "INSERT INTO student (surname, given_name) VALUES ('Чужой', 'Иван');
             INSERT INTO enrolment (student_id, class_id) VALUES (3, 1);
             INSERT INTO guardian (surname, given_name, preset) VALUES ('Чужая', 'Анна', 'at_once');
             INSERT INTO guardianship (guardian_id, student_id) VALUES (3, 3)",
        )
        .await;
        desk.write(
            "INSERT INTO announcement (class_id, text) VALUES (1, 'Принесите справку');
             INSERT INTO announcement_audience (announcement_id, student_id) VALUES (1, 1)",
        )
        .await;
        desk.work().await;
        desk.minutes(30).await;
        assert!(mailed(&mut desk).contains("Принесите справку"));
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM notice WHERE student_id <> 1")
                .await,
            0
        );
    }
}

#[tokio::test]
async fn an_urgent_word_leaves_at_night_and_an_ordinary_one_waits_for_its_hour() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.until("2026-10-14T22:40:00").await;
        let early = crate::desk::at("2026-10-15T12:00:00");
        desk.write(&format!("INSERT INTO announcement (class_id, text, send_at) VALUES (1, 'Сбор макулатуры', {early})")).await;
        desk.sql("INSERT INTO announcement (text, urgency) VALUES ('Завтра уроков нет: авария отопления.', 'urgent')").await;
        assert!(
            heard(&mut desk).is_empty(),
            "it may be taken back for a minute"
        );
        desk.minutes(1).await;
        let heard_now = heard(&mut desk);
        assert_eq!(
            heard_now.len(),
            2,
            "mother and father, whatever they chose: {heard_now:?}"
        );
        assert!(heard_now.iter().all(|(_, text)| text.contains("Завтра уроков нет") && !text.contains("макулатуры")));
        desk.until("2026-10-15T11:59:00").await;
        assert!(heard(&mut desk).is_empty());
        desk.until("2026-10-15T12:00:00").await;
        assert!(mailed(&mut desk).contains("Сбор макулатуры"));
    }
}

#[tokio::test]
async fn an_audience_that_is_written_a_moment_later_still_narrows_an_urgent_word() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO announcement (text, urgency) VALUES ('Заберите Петю: температура', 'urgent')").await;
        desk.sql("INSERT INTO announcement_audience (announcement_id, student_id) VALUES (1, 2)")
            .await;
        desk.minutes(1).await;
        let heard_now = heard(&mut desk);
        assert_eq!(
            heard_now.len(),
            1,
            "Petya's mother, and not Masha's father: {heard_now:?}"
        );
        desk.sql("DELETE FROM announcement_audience; DELETE FROM announcement")
            .await;
        desk.minutes(60).await;
        let heard_now = heard(&mut desk);
        assert_eq!(
            heard_now.len(),
            1,
            "nor does he hear that it is over: {heard_now:?}"
        );
    }
}

#[tokio::test]
async fn a_draft_and_what_has_run_out_are_told_to_nobody() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO announcement (text, state) VALUES ('Черновик', 'draft')")
            .await;
        desk.sql("INSERT INTO announcement (text, valid_to) VALUES ('Вчерашнее', 1000)")
            .await;
        desk.until("2026-10-14T18:10:00").await;
        assert!(heard(&mut desk).is_empty());
        desk.sql("UPDATE announcement SET state = 'ready' WHERE id = 1")
            .await;
        desk.minutes(30).await;
        assert!(mailed(&mut desk).contains("Черновик"));
    }
}

#[tokio::test]
async fn a_lesson_that_will_not_be_as_planned_is_told_before_its_day() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql(
            "INSERT INTO lesson (class_id, subject_id, date, number) VALUES (1, 1, '2026-10-15', 1);
             INSERT INTO lesson (class_id, subject_id, date, number) VALUES (1, 2, '2026-10-15', 3);
             INSERT INTO lesson (class_id, subject_id, date, number) VALUES (1, 2, '2026-10-13', 3)",
        )
        .await;
        desk.until("2026-10-14T19:00:00").await;
        desk.sql("UPDATE lesson SET state = 'cancelled' WHERE id = 1")
            .await;
        desk.sql("UPDATE lesson SET substitute_id = 1 WHERE id = 2")
            .await;
        desk.sql("UPDATE lesson SET state = 'cancelled' WHERE id = 3")
            .await;
        desk.minutes(30).await;
        let both = heard(&mut desk);
        assert_eq!(both.len(), 2, "{both:?}");
        let mail = &both
            .iter()
            .find(|(lane, _)| lane == "email")
            .expect("a mail")
            .1;
        assert!(mail.contains("15 октября, четверг\n- Изменение в расписании: Математика, 1-й урок: урока не будет\n- Изменение в расписании: Русский язык, 3-й урок: урок проведёт другой учитель (Петрова Инна Олеговна)\n"), "{mail}");
        assert!(!mail.contains("13 октября"), "yesterday is over");
        let sms = &both
            .iter()
            .find(|(lane, _)| lane == "sms")
            .expect("an SMS")
            .1;
        assert_eq!(
            sms,
            "Школа 12. Маша 15.10: расписание – матем: урока не будет и рус: урок проведёт другой учитель"
        );
        // The teacher writes the lesson up on its day, and on the next.
        desk.until("2026-10-15T16:00:00").await;
        desk.sql("UPDATE lesson SET state = 'held', topic = 'Корень слова' WHERE id = 2")
            .await;
        desk.until("2026-10-16T16:00:00").await;
        desk.sql("UPDATE lesson SET substitute_id = NULL WHERE id = 2")
            .await;
        desk.until("2026-10-16T18:10:00").await;
        assert!(
            heard(&mut desk).is_empty(),
            "nothing is to be said of what is over"
        );
    }
}

#[tokio::test]
async fn a_test_and_a_meeting_are_announced() {
    for base in both().await {
        let mut desk = desk(&base.store).await;
        desk.sql("INSERT INTO test_plan (class_id, subject_id, date, kind) VALUES (1, 1, '2026-10-22', 'контрольная работа')").await;
        desk.sql("INSERT INTO class_event (class_id, date, starts_at, place, text) VALUES (1, '2026-10-20', '18:00', 'кабинет 24', 'родительское собрание')").await;
        desk.minutes(30).await;
        let text = mailed(&mut desk);
        assert!(text.contains("20 октября, вторник\n- Событие: 18:00, родительское собрание, кабинет 24\n\n22 октября, четверг\n- Предстоит: Математика: контрольная работа\n"), "{text}");
    }
}
