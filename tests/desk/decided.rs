//! Stories of what a person decides about one message on the board: not to send it, to put it on the sheet, and to try a
//! failed one once more.

use vestnik::user::deed::Deed;
use vestnik_contract::{Fault, Outcome, Reason};

use crate::{
    desk::{Desk, FAMILY, accepts},
    support::both,
};

const MARK: &str =
    "INSERT INTO mark (student_id, subject_id, date, value) VALUES (1, 1, '2026-10-14', '3')";

/// The mother alone hears, by mail, with the digest; its message is ready, and nothing takes it yet.
async fn composed(desk: &mut Desk) -> String {
    desk.write(FAMILY).await;
    desk.write("DELETE FROM guardianship WHERE guardian_id = 2")
        .await;
    desk.work().await;
    desk.provider(|_| Outcome::Deferred {
        reason: Reason::new("busy", "Busy.", Fault::Provider),
        retry_after: None,
        scope: vestnik_contract::Scope::Message,
    });
    desk.sql(MARK).await;
    desk.until("2026-10-14T18:11:00").await;
    assert_eq!(desk.text("SELECT state FROM message").await, "ready");
    desk.text("SELECT ref FROM message").await
}

/// A deed on a message, as the board does it: whether there was anything to do.
async fn decided(desk: &Desk, reference: &str, what: &str) -> bool {
    let by = (None, "zavuch");
    let mut tx = desk
        .store
        .deed(by, &Deed::Message { reference, what }, desk.now)
        .await
        .unwrap();
    let done = match what {
        "cancel" => tx.cancel_message(reference, desk.now).await.unwrap(),
        "paper" => tx.message_to_paper(reference, desk.now).await.unwrap(),
        _ => tx.message_again(reference, desk.now).await.unwrap() > 0,
    };
    tx.commit().await.unwrap();
    done
}

#[tokio::test]
async fn a_message_that_is_stopped_tells_nobody_and_another_one_cannot_be() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let reference = composed(&mut desk).await;
        let calls = desk.calls.len();
        assert!(decided(&desk, &reference, "cancel").await);
        assert!(
            !decided(&desk, &reference, "cancel").await,
            "it is stopped already"
        );
        desk.provider(accepts());
        desk.minutes(24 * 60).await;
        assert_eq!(desk.calls.len(), calls, "nothing leaves");
        assert_eq!(
            desk.text("SELECT state || ' ' || reason FROM notice").await,
            "closed dropped"
        );
        assert_eq!(desk.text("SELECT state FROM message").await, "cancelled");
        assert_eq!(desk.store.audit_broken().await.unwrap(), None);
        assert_eq!(desk.store.audit(None, 10).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn what_a_message_says_can_wait_for_the_sheet_instead() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let reference = composed(&mut desk).await;
        let calls = desk.calls.len();
        assert!(decided(&desk, &reference, "paper").await);
        desk.provider(accepts());
        desk.minutes(24 * 60).await;
        assert_eq!(desk.calls.len(), calls, "nothing leaves");
        let waits = "SELECT state || ' ' || waits_for FROM notice";
        assert_eq!(desk.text(waits).await, "waiting sheet");
        assert_eq!(desk.text("SELECT state FROM message").await, "superseded");
    }
}

#[tokio::test]
async fn a_failed_message_is_tried_once_more_by_the_same_address() {
    for base in both().await {
        let mut desk = Desk::open(&base.store);
        let reference = composed(&mut desk).await;
        assert!(
            !decided(&desk, &reference, "again").await,
            "it has not failed"
        );
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("smtp_554", "Refused.", Fault::Provider),
        });
        desk.minutes(60).await;
        assert_eq!(desk.text("SELECT state FROM message").await, "rejected");
        assert_eq!(desk.text("SELECT waits_for FROM notice").await, "sheet");
        desk.provider(accepts());
        let calls = desk.calls.len();
        assert!(decided(&desk, &reference, "again").await);
        desk.minutes(1).await;
        assert_eq!(desk.calls.len(), calls + 1);
        assert_eq!(desk.text("SELECT state FROM notice").await, "informed");
        assert!(!decided(&desk, &reference, "again").await, "once");
    }
}

/// An open page hears of what is new by itself, which keeps nobody logged in.
#[tokio::test]
async fn a_session_that_nobody_uses_is_over_after_two_hours_and_any_after_twelve() {
    use vestnik::{
        instant::HOUR,
        store::{NewUser, Session},
        user::Role,
    };
    for base in both().await {
        let store = &base.store;
        let new = NewUser {
            login: "zavuch",
            name: "Завуч",
            role: Role::Deputy,
            staff_id: None,
            language: "ru",
            password: "none",
        };
        let mut tx = store
            .deed(
                (None, "test"),
                &Deed::AddUser {
                    login: "zavuch",
                    role: "deputy",
                },
                0,
            )
            .await
            .unwrap();
        tx.add_user(&new, 0).await.unwrap();
        tx.commit().await.unwrap();
        let user = store.known("zavuch").await.unwrap().unwrap().user;
        let session = Session {
            user,
            token: "token".into(),
            agent_hash: "agent".into(),
            open: true,
        };
        let mut tx = store
            .deed((None, "test"), &Deed::LoggedIn, 0)
            .await
            .unwrap();
        tx.begin_session("key", &session, 0).await.unwrap();
        tx.commit().await.unwrap();
        for at in [1, 2 * HOUR - 1] {
            assert!(store.session_lasts("key", at).await.unwrap());
        }
        assert!(
            !store.session_lasts("key", 2 * HOUR).await.unwrap(),
            "nobody used it"
        );
        // Used each hour it lasts, but not longer than half a day.
        for hour in 1..12 {
            assert!(
                store.session("key", hour * HOUR).await.unwrap().is_some(),
                "{hour}"
            );
        }
        assert!(store.session("key", 12 * HOUR).await.unwrap().is_none());
        let mut tx = store
            .deed((None, "test"), &Deed::EndUser { login: "zavuch" }, 0)
            .await
            .unwrap();
        assert!(tx.end_user("zavuch", 0).await.unwrap());
        tx.commit().await.unwrap();
        assert!(store.known("zavuch").await.unwrap().is_none());
        let forged = "UPDATE audit SET about = 'y' WHERE id = 1";
        assert!(
            sqlx::query(forged).execute(store.pool()).await.is_err(),
            "it stays written down"
        );
    }
}
