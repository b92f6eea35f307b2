//! What goes with a mail and what comes back: dates, bounces, and readers who want no more of them.

use std::sync::Arc;

use chrono::NaiveDate;
use vestnik::{links::Links, returns::look, secret::Secret};
use vestnik_contract::{Fault, Outcome, Reason};

use crate::desk::{Desk, FAMILY};
use crate::support::both;

const MAILBOX: &str = "bounces@school.example.org/INBOX";

fn links() -> Arc<Links> {
    let (page, mailbox) = ("https://school.example.org", "bounces@school.example.org");
    Arc::new(Links::new(Secret::new("a key"), Some(page), Some(mailbox)))
}

fn mark(day: u32, value: &str) -> String {
    format!(
        "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-{day}', '{value}')"
    )
}

/// Olga alone, by mail.
async fn olga_alone(desk: &mut Desk) {
    desk.sql(FAMILY).await;
    desk.sql("DELETE FROM guardianship WHERE guardian_id = 2")
        .await;
}

/// A sample of what a server writes, about this message; `leave` sends it to the address for leaving.
fn sample(name: &str, reference: &str, leave: bool) -> Vec<u8> {
    let path = format!(
        "{}/channels/email/tests/data/returned/{name}.eml",
        env!("CARGO_MANIFEST_DIR")
    );
    let marks = links().marker().marks(reference);
    let to = if leave {
        marks.leave_by_mail
    } else {
        marks.returns_to
    }
    .unwrap();
    let old = "bounces+7XK2M4QZ9R3TB6WA0123456789ABCDEF@school.example.org";
    std::fs::read_to_string(path)
        .unwrap()
        .replace(old, &to)
        .into_bytes()
}

/// It comes to the mailbox, and the engine looks. True where it is new and about a message of ours.
async fn comes(desk: &mut Desk, mail: &[u8]) -> bool {
    let today = NaiveDate::from_ymd_opt(2026, 10, 14).unwrap();
    let ours = desk
        .store
        .keep_returned(&look(mail, &links()), (MAILBOX, 1, 7), (today, desk.now))
        .await
        .unwrap();
    desk.work().await;
    ours
}

async fn health(desk: &Desk) -> String {
    desk.text("SELECT health || ' ' || COALESCE(health_reason, '') FROM contact WHERE id = 1")
        .await
}

async fn sent(desk: &mut Desk, mark: &str) -> String {
    desk.sql(mark).await;
    desk.minutes(30).await;
    desk.calls.last().unwrap().1.reference.clone()
}

#[tokio::test]
async fn a_dead_mailbox_is_written_to_no_more_and_its_family_reads_on_paper() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        let reference = sent(&mut desk, &mark(14, "5")).await;
        assert_eq!(desk.notices().await.get("informed"), Some(&1));
        let mail = sample("postfix_unknown", &reference, false);
        assert!(comes(&mut desk, &mail).await);
        assert_eq!(health(&desk).await, "hard mail_5.1.1");
        let state = "SELECT state FROM message";
        assert_eq!(desk.text(state).await, "undelivered");
        let why = "SELECT reason FROM notice WHERE state = 'waiting' AND waits_for = 'sheet'";
        assert_eq!(desk.text(why).await, "unreachable");
        let calls = desk.calls.len();
        sent(&mut desk, &mark(13, "4")).await;
        assert_eq!(desk.calls.len(), calls, "nothing more goes there");
        // The same mail once more, as a mailbox brings it whose numbers were given anew.
        desk.sql("UPDATE contact SET health = 'ok', health_reason = NULL")
            .await;
        assert!(!comes(&mut desk, &mail).await);
        assert_eq!(health(&desk).await, "ok ");
        assert_eq!(desk.store.mailbox(MAILBOX).await.unwrap(), (1, 7));
    }
}

#[tokio::test]
async fn whoever_verifies_the_address_takes_it_off_the_list() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        let reference = sent(&mut desk, &mark(14, "5")).await;
        comes(&mut desk, &sample("exchange_old", &reference, false)).await;
        let list = desk.store.suppressed().await.unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!((list[0].id, list[0].health.as_str()), (1, "hard"));
        let before = desk
            .store
            .reactivate(1, "звонок 15.10", desk.now)
            .await
            .unwrap();
        assert_eq!(before.as_deref(), Some("hard"));
        assert!(desk.store.suppressed().await.unwrap().is_empty());
        desk.work().await;
        desk.sql(&mark(13, "4")).await;
        desk.minutes(30).await;
        assert_eq!(desk.calls.last().unwrap().1.address, "olga@example.org");
        assert_eq!(desk.store.reactivate(99, "", desk.now).await.unwrap(), None);
        desk.sql("UPDATE contact SET health = 'complained' WHERE id = 1")
            .await;
        let before = desk.store.reactivate(1, "звонок", desk.now).await.unwrap();
        assert_eq!(before.as_deref(), Some("complained"));
        assert_eq!(
            desk.store.suppressed().await.unwrap().len(),
            1,
            "that takes a consent"
        );
    }
}

#[tokio::test]
async fn a_server_that_gave_up_after_days_of_later_makes_no_dead_address() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        let reference = sent(&mut desk, &mark(14, "5")).await;
        assert!(comes(&mut desk, &sample("postfix_delayed", &reference, false)).await);
        assert_eq!(health(&desk).await, "ok ", "it is not failed yet");
        assert_eq!(desk.notices().await.get("informed"), Some(&1));
        assert!(comes(&mut desk, &sample("postfix_given_up", &reference, false)).await);
        assert_eq!(health(&desk).await, "soft mail_4.2.1");
        let why = "SELECT reason FROM notice WHERE state = 'waiting' AND waits_for = 'sheet'";
        assert_eq!(desk.text(why).await, "failed", "this news goes on paper");
        let next = sent(&mut desk, &mark(13, "4")).await;
        assert_ne!(next, reference, "the next goes there again");
        // It is taken, and nothing comes back: the address is well.
        desk.until("2026-10-15T12:00:00").await;
        desk.until("2026-10-17T12:00:00").await;
        assert_eq!(health(&desk).await, "ok ");
    }
}

#[tokio::test]
async fn a_mailbox_that_is_full_for_a_week_rests_and_is_tried_again() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        for (day, value) in [("14", "5"), ("15", "4"), ("19", "3")] {
            desk.until(&format!("2026-10-{day}T10:00:00")).await;
            let reference = sent(&mut desk, &mark(day.parse().unwrap(), value)).await;
            assert!(comes(&mut desk, &sample("postfix_full", &reference, false)).await);
            assert_eq!(health(&desk).await, "soft mail_5.2.2");
        }
        desk.until("2026-10-22T12:00:00").await;
        assert_eq!(health(&desk).await, "soft silent");
        let calls = desk.calls.len();
        sent(&mut desk, &mark(22, "2")).await;
        assert_eq!(desk.calls.len(), calls);
        desk.until("2026-11-06T12:00:00").await;
        assert_eq!(health(&desk).await, "soft tried_again");
    }
}

#[tokio::test]
async fn what_is_forged_or_no_bounce_changes_nothing() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        let reference = sent(&mut desk, &mark(14, "5")).await;
        let other = "0123456789ABCDEF";
        let mut forged = sample("postfix_unknown", &reference, false);
        let text = String::from_utf8(forged.clone()).unwrap();
        let seal = text.split(&format!("bounces+{reference}")).nth(1).unwrap()[..16].to_owned();
        forged = text.replace(&seal, other).into_bytes();
        assert!(
            !comes(&mut desk, &forged).await,
            "a seal that somebody made up"
        );
        let unknown = sample("postfix_unknown", other, false);
        assert!(
            !comes(&mut desk, &unknown).await,
            "a message that is not there any more"
        );
        assert!(!comes(&mut desk, b"").await);
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM returned_mail WHERE kind = 'unknown'")
                .await,
            3
        );
        for name in [
            "out_of_office",
            "vacation_by_nobody",
            "read_receipt",
            "answer",
            "delivered",
        ] {
            assert!(
                comes(&mut desk, &sample(name, &reference, false)).await,
                "{name}"
            );
        }
        assert!(comes(&mut desk, &sample("postfix_refused", &reference, false)).await);
        assert_eq!(
            health(&desk).await,
            "ok ",
            "spam says nothing against the address"
        );
        let why = "SELECT reason FROM notice WHERE state = 'waiting' AND waits_for = 'sheet'";
        assert_eq!(desk.text(why).await, "failed", "and yet it was not read");
    }
}

#[tokio::test]
async fn a_bounce_of_the_old_address_says_nothing_about_the_new_one() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        let reference = sent(&mut desk, &mark(14, "5")).await;
        desk.sql("UPDATE contact SET address = 'Olga.New@example.org' WHERE id = 1")
            .await;
        assert!(comes(&mut desk, &sample("qmail", &reference, false)).await);
        assert_eq!(health(&desk).await, "ok ");
    }
}

#[tokio::test]
async fn a_refused_login_is_the_channels_fault_and_a_full_mailbox_no_dead_one() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        desk.provider(|_| {
            vestnik_contract::classify::smtp(
                535,
                None,
                vestnik_contract::classify::SmtpStage::Session,
            )
        });
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert_eq!(health(&desk).await, "ok ");
        assert_eq!(
            desk.number("SELECT COUNT(*) FROM lane WHERE rests_because LIKE '%smtp_535%'")
                .await,
            1
        );
        desk.provider(|_| {
            vestnik_contract::classify::smtp(
                552,
                Some((5, 2, 2)),
                vestnik_contract::classify::SmtpStage::Recipient,
            )
        });
        desk.minutes(10).await;
        assert_eq!(health(&desk).await, "soft smtp_552_full");
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("smtp_550", "The mailbox does not exist.", Fault::Address),
        });
        desk.sql(&mark(13, "5")).await;
        desk.minutes(30).await;
        assert_eq!(health(&desk).await, "hard smtp_550");
    }
}

/// By the link in the header or by a mail: the consent is taken back, the register says by what, and the
/// family reads on paper.
#[tokio::test]
async fn who_wants_no_more_mails_reads_on_paper_and_the_school_sees_why() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        for by_mail in [false, true] {
            if by_mail {
                desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'email', 'given')").await;
            } else {
                olga_alone(&mut desk).await;
            }
            let day = if by_mail { 13 } else { 14 };
            let reference = sent(&mut desk, &mark(day, "5")).await;
            let today = NaiveDate::from_ymd_opt(2026, 10, 14).unwrap();
            if by_mail {
                assert!(comes(&mut desk, &sample("answer", &reference, true)).await);
            } else {
                for _ in 0..2 {
                    assert!(
                        desk.store
                            .leave_mail(&reference, (today, desk.now))
                            .await
                            .unwrap()
                    );
                }
                assert!(
                    !desk
                        .store
                        .leave_mail("0123456789ABCDEF", (today, desk.now))
                        .await
                        .unwrap()
                );
            }
            let withdrawn = desk.store.consents(Some(1)).await.unwrap();
            let withdrawn: Vec<_> = withdrawn
                .iter()
                .filter(|row| row.state == "withdrawn")
                .collect();
            assert_eq!(withdrawn.len(), 1 + usize::from(by_mail));
            let document = withdrawn.last().unwrap().document.clone();
            assert_eq!(document, Some(format!("отписка из письма {reference}")));
            desk.sql(&mark(day - 2, "4")).await;
            desk.minutes(30).await;
            assert_eq!(
                desk.calls.last().unwrap().1.reference,
                reference,
                "no further mail"
            );
            let why =
                "SELECT MAX(reason) FROM notice WHERE state = 'waiting' AND waits_for = 'sheet'";
            assert_eq!(desk.text(why).await, "consent_email_withdrawn");
        }
    }
}

#[tokio::test]
async fn a_meeting_comes_as_a_date_and_its_change_replaces_it() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        desk.sql("INSERT INTO class_event (class_id, date, starts_at, text, place) VALUES (1, '2026-10-20', '18:00', 'собрание', 'кабинет 24')").await;
        desk.minutes(30).await;
        let first = desk.calls.last().unwrap().1.calendar.clone().unwrap();
        assert!(first.contains("DTSTART:20261020T150000Z"), "{first}");
        let line = |file: &str, name: &str| {
            let found = file.lines().find(|line| line.starts_with(name)).unwrap();
            found.trim().to_owned()
        };
        desk.sql("UPDATE class_event SET starts_at = '17:30'").await;
        desk.minutes(30).await;
        let second = desk.calls.last().unwrap().1.calendar.clone().unwrap();
        assert!(second.contains("DTSTART:20261020T143000Z"), "{second}");
        assert_eq!(line(&first, "UID:"), line(&second, "UID:"));
        let revision = |file: &str| line(file, "SEQUENCE:")[9..].parse::<i64>().unwrap();
        assert!(revision(&second) > revision(&first));
        desk.sql(&mark(14, "5")).await;
        desk.minutes(30).await;
        assert_eq!(
            desk.calls.last().unwrap().1.calendar,
            None,
            "a mark is no date"
        );
    }
}

/// Two children in one class, told once a week by mail: one mail with a table for each, as the printed sheet
/// has it, and the news by its days.
#[tokio::test]
async fn the_weeks_mail_shows_the_week_of_every_child_as_the_sheet_does() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        desk.sql(
            "INSERT INTO student (surname, given_name, short_name) VALUES ('Соколов', 'Пётр', 'Петя');
             INSERT INTO enrolment (student_id, class_id) VALUES (2, 1);
             INSERT INTO guardianship (guardian_id, student_id) VALUES (1, 2);
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 2, 'data', 'given');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 2, 'email', 'given');
             INSERT INTO preference (guardian_id, channel, timing) VALUES (1, 'email', 'weekly');
             INSERT INTO mark (student_id, subject_id, date, value, work_kind) VALUES (1, 1, '2026-10-14', '5', 'контрольная');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-13', '4');
             INSERT INTO mark (student_id, subject_id, date, value) VALUES (2, 2, '2026-10-12', '3');
             INSERT INTO homework (class_id, subject_id, due_on, text) VALUES (1, 1, '2026-10-19', '№ 214 <b>')",
        )
        .await;
        desk.minutes(60).await;
        assert!(desk.calls.is_empty(), "{:?}", desk.texts());
        desk.until("2026-10-16T16:00:00").await;
        assert_eq!(desk.calls.len(), 1, "{:?}", desk.texts());
        let mail = &desk.calls[0].1;
        let subject = mail.subject.clone().unwrap();
        assert!(
            subject.contains("Маша") && subject.contains("Петя"),
            "{subject}"
        );
        for line in [
            "За неделю 2 отметки.",
            "- Математика: 4 (13.10), 5 (14.10, контрольная); средняя 4,50",
            "- Русский язык: 3 (12.10); средняя 3,00",
            "Задания\n- пн 19.10 Математика: № 214 <b>",
            "Новое за неделю",
            "14 октября, среда\n- Математика: 5 (контрольная)",
        ] {
            assert!(mail.text.contains(line), "{line}\n{}", mail.text);
        }
        let html = mail.html.clone().unwrap();
        for piece in [
            "<html lang=\"ru\">",
            "<th scope=\"col\">Предмет</th>",
            "<th scope=\"row\">Математика</th>",
            "№ 214 &lt;b&gt;",
        ] {
            assert!(html.contains(piece), "{piece}\n{html}");
        }
        assert_eq!(html.matches("<table>").count(), 2, "one for each child");
        for remote in ["http:", "https:", "url(", "<img", "<script"] {
            assert!(!html.contains(remote), "{remote}");
        }
        assert_eq!(desk.notices().await.get("informed"), Some(&5));
    }
}

/// By the link or by an empty mail: the class teacher hears of it once, as of a «СТОП». The teacher's own mail
/// has no such link, because an employee does not leave by one.
#[tokio::test]
async fn a_class_teacher_hears_that_a_family_takes_no_more_mails() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        olga_alone(&mut desk).await;
        desk.sql(
            "INSERT INTO staff (surname, given_name) VALUES ('Иванова', 'Анна');
             UPDATE class SET class_teacher_id = 1;
             INSERT INTO contact (staff_id, channel, address) VALUES (1, 'email', 'anna@example.org')",
        )
        .await;
        let today = NaiveDate::from_ymd_opt(2026, 10, 14).unwrap();
        for (round, by_mail) in [false, true].into_iter().enumerate() {
            if by_mail {
                desk.sql("INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'email', 'given')").await;
            }
            let reference = sent(&mut desk, &mark(if by_mail { 13 } else { 14 }, "5")).await;
            assert!(desk.calls.last().unwrap().1.to_family);
            for _ in 0..2 {
                if by_mail {
                    comes(&mut desk, &sample("answer", &reference, true)).await;
                } else {
                    let left = desk.store.leave_mail(&reference, (today, desk.now)).await;
                    assert!(left.unwrap());
                    desk.work().await;
                }
            }
            assert_eq!(desk.calls.len(), 2 * (round + 1), "{:?}", desk.texts());
            let told = &desk.calls.last().unwrap().1;
            assert_eq!(told.address, "anna@example.org");
            assert!(!told.to_family, "no link to leave");
            assert!(
                told.text
                    .contains("– Маша С., 5 «А»: письма им больше не идут"),
                "{}",
                told.text
            );
        }
    }
}
