//! Stories of SMS that cost something: what they cost, what a month may cost, and who hears how when it is spent.

use std::collections::BTreeMap;

use vestnik::{
    compose::{Fitting, Hours},
    family::contact::Channel,
    money::{Budget, Kopecks, Percent, Prices, Tariff},
    policy::{Limit, Policy},
    preview::{Preview, Previews},
    store::{Spending, Store, Verdict},
    text::Templates,
};
use vestnik_contract::{Fault, Outcome, Reason, Scope};

use crate::desk::{Desk, FAMILY, classmates};
use crate::families::{consent, mark};
use crate::reconcile::gaps;
use crate::support::both;

/// Three roubles for a part, four by the second gateway.
fn tariff(budget: Option<(i64, [u16; 2])>) -> Tariff {
    let price = |usual, by_prefix: &str| Prices {
        usual: Kopecks(usual),
        by_prefix: by_prefix.parse().unwrap(),
    };
    Tariff {
        prices: BTreeMap::from([
            ("sms".into(), price(300, "+7916 2.80")),
            ("sms_spare".into(), price(400, "")),
        ]),
        budget: budget.map(|(month, [soft, hard])| Budget {
            month: Kopecks(month),
            soft: Percent(soft),
            hard: Percent(hard),
        }),
    }
}

/// Masha's family; Ivan, who has a phone only, hears at once.
async fn school(store: &Store, budget: Option<(i64, [u16; 2])>) -> Desk {
    let mut desk = Desk::open(store).sms(10, false).paying(tariff(budget));
    desk.sql(FAMILY).await;
    desk.sql("UPDATE guardian SET preset = 'at_once' WHERE id = 2")
        .await;
    desk
}

async fn october(desk: &Desk) -> Vec<(String, i64, i64)> {
    let spending = desk.store.spending("2026-10").await.unwrap();
    spending
        .into_iter()
        .map(|Spending { lane, parts, cost }| (lane, parts, cost.0))
        .collect()
}

fn sms(desk: &mut Desk) -> Vec<String> {
    let calls = std::mem::take(&mut desk.calls);
    let sms = calls
        .into_iter()
        .filter(|(lane, _)| lane.starts_with("sms"));
    sms.map(|(_, message)| message.text).collect()
}

async fn how_ivan_waits(desk: &Desk) -> String {
    desk.text(
        "SELECT waits_for || ' ' || COALESCE(reason, '') FROM notice WHERE guardian_id = 2 \
         AND state = 'waiting'",
    )
    .await
}

#[tokio::test]
async fn what_leaves_is_charged_to_its_month_by_parts_and_by_the_number() {
    for base in both().await {
        let mut desk = school(&base.store, None).await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk).len(), 1);
        assert_eq!(october(&desk).await, [("sms".into(), 1, 300)]);
        desk.sql("UPDATE contact SET address = '+79161234567' WHERE id = 2")
            .await;
        desk.sql(&mark(1, 2, "2026-10-14", "4")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk).len(), 1);
        assert_eq!(october(&desk).await, [("sms".into(), 2, 580)]);
        let cost = "SELECT SUM(cost) FROM attempt WHERE lane = 'sms'";
        assert_eq!(
            desk.number(&format!("SELECT CAST(({cost}) AS BIGINT)"))
                .await,
            580
        );
        let broken = gaps(&desk).await;
        assert!(broken.iter().all(|one| one.count == 0), "{broken:?}");
    }
}

#[tokio::test]
async fn what_the_gateway_refused_costs_nothing() {
    for base in both().await {
        let mut desk = school(&base.store, None).await;
        desk.provider(|_| Outcome::Rejected {
            reason: Reason::new("bad_number", "No such number.", Fault::Address),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk).len(), 1);
        assert_eq!(october(&desk).await, [("sms".into(), 0, 0)]);
    }
}

#[tokio::test]
async fn what_nobody_knows_of_stays_charged() {
    for base in both().await {
        let mut desk = school(&base.store, None).await;
        desk.provider(|_| Outcome::InDoubt {
            reason: Reason::new("timeout", "The answer was lost.", Fault::Network),
        });
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        assert_eq!(october(&desk).await, [("sms".into(), 1, 300)]);
    }
}

#[tokio::test]
async fn above_the_soft_stop_what_is_not_urgent_waits_for_the_digest() {
    for base in both().await {
        // One SMS of three roubles is within four, a second one is not.
        let mut desk = school(&base.store, Some((1_000, [40, 100]))).await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk).len(), 1, "at once, as he likes it");
        desk.sql(&mark(1, 2, "2026-10-14", "4")).await;
        desk.minutes(31).await;
        desk.sql(&mark(1, 1, "2026-10-13", "3")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk), [] as [&str; 0], "it waits");
        desk.until("2026-10-14T18:10:00").await;
        let told = sms(&mut desk);
        assert_eq!(told.len(), 1, "both in one: {told:?}");
        assert_eq!(october(&desk).await, [("sms".into(), 2, 600)]);
    }
}

#[tokio::test]
async fn above_the_hard_stop_the_sheet_tells_why_and_alarms_pass() {
    for base in both().await {
        let mut desk = school(&base.store, Some((500, [100, 100]))).await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk).len(), 1);
        desk.sql(&mark(1, 2, "2026-10-14", "4")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk), [] as [&str; 0]);
        assert_eq!(how_ivan_waits(&desk).await, "sheet no_money");
        assert_eq!(desk.store.without_money().await.unwrap(), 1);
        for number in [1, 2] {
            desk.sql(&format!(
                "INSERT INTO attendance (student_id, date, number, code) VALUES (1, '2026-10-14', {number}, 'absent')"
            ))
            .await;
        }
        desk.minutes(31).await;
        let told = sms(&mut desk);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("пропуск"), "{told:?}");
        assert_eq!(october(&desk).await, [("sms".into(), 2, 600)]);
    }
}

#[tokio::test]
async fn where_the_money_is_spent_another_address_of_the_family_serves() {
    for base in both().await {
        let mut desk = school(&base.store, Some((100, [100, 100]))).await;
        desk.sql(&format!(
            "INSERT INTO contact (guardian_id, channel, address, rank) VALUES (2, 'email', 'ivan@example.org', 9);
             {}",
            consent(2, 1, "email")
        ))
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        let calls: Vec<&str> = desk
            .calls
            .iter()
            .map(|(_, message)| message.address.as_str())
            .collect();
        assert_eq!(calls.len(), 2, "{calls:?}");
        assert!(calls.contains(&"ivan@example.org"), "{calls:?}");
        assert_eq!(october(&desk).await, []);
    }
}

#[tokio::test]
async fn a_new_month_has_new_money() {
    for base in both().await {
        let mut desk = school(&base.store, Some((500, [100, 100]))).await;
        desk.until("2026-10-30T09:00:00").await;
        for subject in [1, 2] {
            desk.sql(&mark(1, subject, "2026-10-30", "5")).await;
            desk.minutes(31).await;
        }
        assert_eq!(sms(&mut desk).len(), 1);
        desk.until("2026-11-02T09:00:00").await;
        desk.sql(&mark(1, 1, "2026-11-02", "5")).await;
        desk.minutes(31).await;
        assert_eq!(sms(&mut desk).len(), 1);
        assert_eq!(october(&desk).await, [("sms".into(), 1, 300)]);
        let november = desk.store.spending("2026-11").await.unwrap();
        assert_eq!(november[0].cost, Kopecks(300));
    }
}

#[tokio::test]
async fn what_is_composed_and_waits_counts_as_spent() {
    for base in both().await {
        let mut desk = school(&base.store, Some((500, [100, 100]))).await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("busy", "Later.", Fault::Network),
            retry_after: None,
            scope: Scope::Message,
        });
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.minutes(31).await;
        assert_eq!(october(&desk).await, [("sms".into(), 0, 0)]);
        assert_eq!(desk.store.cost_of_ready().await.unwrap(), Kopecks(300));
        desk.sql(&mark(1, 2, "2026-10-14", "4")).await;
        desk.minutes(31).await;
        assert_eq!(how_ivan_waits(&desk).await, "sheet no_money");
    }
}

#[tokio::test]
async fn a_digest_goes_by_what_costs_nothing_before_it_goes_by_sms() {
    for base in both().await {
        let mut desk = school(&base.store, None).await;
        desk.sql(&format!(
            "UPDATE guardian SET preset = 'daily' WHERE id = 2;
             INSERT INTO contact (guardian_id, channel, address, rank) VALUES (2, 'email', 'ivan@example.org', 9);
             {}",
            consent(2, 1, "email")
        ))
        .await;
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        desk.until("2026-10-14T18:10:00").await;
        assert_eq!(october(&desk).await, []);
        let addresses = desk.calls.iter().map(|(_, one)| one.address.as_str());
        assert!(addresses.into_iter().any(|one| one == "ivan@example.org"));
    }
}

/// What a release of the only hold would send.
async fn preview(desk: &Desk) -> Preview {
    let tariff = tariff(None);
    let hours = Hours {
        zone: chrono_tz::Europe::Moscow,
        daily: "0 10 18 * * *".parse().unwrap(),
        weekly: "0 0 16 * * Fri".parse().unwrap(),
        quiet: "21:00-07:30".parse().unwrap(),
    };
    let previews = Previews {
        hours: &hours,
        policy: &Policy::defaults().unwrap(),
        configured: &[Channel::Email, Channel::Sms],
        fitting: Fitting {
            templates: Templates::embedded().unwrap(),
            parts: None,
            latin: false,
        },
        lane: "sms",
        tariff: &tariff,
    };
    let holds = desk.store.holds().await.unwrap();
    let [hold] = &holds[..] else {
        panic!("{holds:?}");
    };
    previews
        .of_hold(&desk.store, hold.id, desk.now)
        .await
        .unwrap()
}

#[tokio::test]
async fn what_a_release_costs_is_known_before_and_is_what_it_costs() {
    for base in both().await {
        let policy = Policy {
            breaker: Limit(Some(5)),
            ..Policy::defaults().unwrap()
        };
        let mut desk = Desk::governed(&base.store, policy, "holder").paying(tariff(None));
        desk.write(FAMILY).await;
        classmates(&desk, 6).await;
        desk.write("UPDATE guardian SET preset = 'paper' WHERE id = 7")
            .await;
        desk.work().await;
        let marks: String = (1..=6)
            .flat_map(|student| [1, 2].map(|subject| mark(student, subject, "2026-10-14", "5")))
            .collect();
        desk.sql(&format!(
            "INSERT INTO import (source, started_at) VALUES ('netschool', 0);
             INSERT INTO writing (import_id, baseline) VALUES (1, 0); {marks} DELETE FROM writing"
        ))
        .await;
        desk.minutes(31).await;
        assert!(desk.calls.is_empty());
        desk.until("2026-10-14T23:00:00").await;
        let preview = preview(&desk).await;
        assert_eq!(preview.channels["email"].messages, 1);
        assert_eq!(preview.channels["sms"].messages, 5, "Ivan and four fathers");
        assert_eq!(preview.on_paper, 2, "both marks of one child");
        let holds = desk.store.holds().await.unwrap();
        let released = desk
            .store
            .decide(holds[0].id, Verdict::Release, desk.now)
            .await;
        assert_eq!(released.unwrap(), Some(14));
        desk.until("2026-10-15T18:10:00").await;
        assert_eq!(sms(&mut desk).len(), 5);
        let sms = preview.channels["sms"];
        let parts = i64::try_from(sms.parts).unwrap();
        assert_eq!(october(&desk).await, [("sms".into(), parts, sms.cost.0)]);
        assert_eq!(preview.cost(), sms.cost);
    }
}

#[tokio::test]
async fn what_the_second_gateway_carries_costs_what_it_asks() {
    for base in both().await {
        let mut desk = Desk::with_spare(&base.store, "holder", true).paying(tariff(None));
        desk.write(FAMILY).await;
        desk.sql("UPDATE guardian SET preset = 'at_once' WHERE id = 2")
            .await;
        desk.provider(|_| Outcome::Deferred {
            reason: Reason::new("connect", "The gateway is not reached.", Fault::Network),
            retry_after: None,
            scope: Scope::Lane,
        });
        desk.sql(&mark(1, 1, "2026-10-14", "5")).await;
        for _ in 0..40 {
            desk.minutes(2).await;
        }
        let spending = october(&desk).await;
        assert_eq!(
            spending,
            [("sms".into(), 0, 0), ("sms_spare".into(), 1, 400)]
        );
    }
}
