//! A desk: the engine with a clock that the test turns, and a provider that answers as the test says.

#![expect(
    clippy::unwrap_used,
    reason = "a desk that does not work has failed the test"
)]

use std::{collections::BTreeMap, sync::Arc};

use rand::{SeedableRng, rngs::StdRng};
use sqlx::{AssertSqlSafe, Row};
use vestnik::{
    bot::Words,
    compose::Hours,
    engine::{Account, Call, Engine, Report, Rules, Surroundings},
    instant::{MINUTE, Millis},
    links::Links,
    money::Tariff,
    next::{EMAIL_DOUBT, InDoubt},
    policy::{Period, Policy},
    providers,
    quarantine::Watermark,
    store::{History, Store},
    text::{ContentLevel, Templates},
    zone,
};
use vestnik_contract::{Delivery, Message, Outcome, Reason};

const ZONE: chrono_tz::Tz = chrono_tz::Europe::Moscow;

/// How the provider answers a call.
pub(crate) type Provider = Box<dyn FnMut(&Message) -> Outcome>;

pub(crate) struct Desk {
    pub(crate) store: Store,
    engine: Engine,
    /// The school's zone.
    zone: chrono_tz::Tz,
    /// What the clock shows.
    pub(crate) now: Millis,
    provider: Provider,
    spare: Provider,
    /// What the provider says when it is asked.
    pub(crate) answer: Result<Delivery, Reason>,
    /// What it says when it is asked whether the account works.
    pub(crate) works: Result<(), Reason>,
    /// What was handed over, accepted or not: lane and message.
    pub(crate) calls: Vec<(String, Message)>,
    /// When each of them left, and whether it may have arrived.
    pub(crate) left: Vec<(Millis, bool)>,
}

impl Desk {
    /// A desk at nine in the morning of Wednesday, 14 October 2026, that settles for half an hour and
    /// sends the day's digest at ten past six.
    pub(crate) fn open(store: &Store) -> Self {
        Self::with(store, 30 * MINUTE, "holder")
    }

    pub(crate) fn with(store: &Store, settling: Millis, holder: &str) -> Self {
        let policy = Policy {
            settling: Period(settling),
            ..Policy::defaults().unwrap()
        };
        Self::governed(store, policy, holder)
    }

    /// A desk of a school with this policy.
    pub(crate) fn governed(store: &Store, policy: Policy, holder: &str) -> Self {
        Self::ruled(store, policy, holder, ZONE, ContentLevel::Full)
    }

    /// A desk of a school with this policy in this zone.
    pub(crate) fn placed(store: &Store, policy: Policy, holder: &str, zone: chrono_tz::Tz) -> Self {
        Self::ruled(store, policy, holder, zone, ContentLevel::Full)
    }

    /// A desk whose messenger may carry so much.
    pub(crate) fn at_level(store: &Store, content: ContentLevel) -> Self {
        Self::ruled(store, Policy::defaults().unwrap(), "holder", ZONE, content)
    }

    fn ruled(
        store: &Store,
        policy: Policy,
        holder: &str,
        zone: chrono_tz::Tz,
        content: ContentLevel,
    ) -> Self {
        let sms = vec![providers::sms_lane(true)];
        Self::with_sms(store, (policy, zone, content), holder, sms)
    }

    /// A desk whose SMS are carried by a centre, which reports by itself and cannot be asked.
    pub(crate) fn with_centre(store: &Store) -> Self {
        let usual = (Policy::defaults().unwrap(), ZONE, ContentLevel::Full);
        Self::with_sms(store, usual, "holder", vec![providers::sms_lane(false)])
    }

    /// A desk with a second gateway for what the first one cannot carry.
    pub(crate) fn with_spare(store: &Store, holder: &str, answers_queries: bool) -> Self {
        let usual = (Policy::defaults().unwrap(), ZONE, ContentLevel::Full);
        let both = vec![
            providers::sms_lane(answers_queries),
            providers::spare_lane(answers_queries),
        ];
        Self::with_sms(store, usual, holder, both)
    }

    fn with_sms(
        store: &Store,
        (policy, zone, content): (Policy, chrono_tz::Tz, ContentLevel),
        holder: &str,
        sms: Vec<Account>,
    ) -> Self {
        let rules = Rules {
            policy,
            hours: Hours {
                zone,
                daily: "0 10 18 * * *".parse().unwrap(),
                weekly: "0 0 16 * * Fri".parse().unwrap(),
                quiet: "21:00-07:30".parse().unwrap(),
            },
            sheets: "0 0 13 * * Fri".parse().unwrap(),
            content,
        };
        let mut accounts = vec![providers::email_lane()];
        accounts.extend(sms);
        accounts.push(providers::telegram_lane());
        assert_eq!(accounts[0].in_doubt, InDoubt::ResendOnce(EMAIL_DOUBT));
        let engine = Engine::new(
            store.clone(),
            Templates::embedded().unwrap(),
            rules,
            accounts,
            holder.to_owned(),
            true,
            // Two daemons draw different names for their messages.
            StdRng::seed_from_u64(7 + u64::from(holder != "holder")),
        );
        Self {
            store: store.clone(),
            engine,
            zone,
            now: zone::instant("2026-10-14T09:00:00".parse().unwrap(), zone),
            provider: accepts(),
            spare: accepts(),
            answer: Ok(Delivery::Delivered),
            works: Ok(()),
            calls: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Has the engine write beside the database what it has sent.
    pub(crate) fn watermark(self, watermark: Watermark) -> Self {
        let engine = self.engine.with_watermark(Some(watermark));
        Self { engine, ..self }
    }

    /// Has the engine make no SMS of more parts, and write them in Latin letters with `latin`.
    pub(crate) fn sms(self, parts: usize, latin: bool) -> Self {
        let engine = self.engine.fitting(Some(parts), latin);
        Self { engine, ..self }
    }

    /// Has the engine pay for SMS.
    pub(crate) fn paying(self, tariff: Tariff) -> Self {
        let engine = self.engine.with_tariff(tariff);
        Self { engine, ..self }
    }

    /// Has messages by the messenger carry buttons.
    pub(crate) fn with_buttons(self) -> Self {
        let words = Words::embedded().unwrap();
        let engine = self.engine.with_buttons(Some(words));
        Self { engine, ..self }
    }

    /// Has mails lead to a page with what they ask.
    pub(crate) fn with_answers(self, answers: (Words, Arc<Links>)) -> Self {
        let engine = self.engine.with_answers(Some(answers));
        Self { engine, ..self }
    }

    /// Has the engine raise alarms of what is around the database.
    pub(crate) fn amid(self, surroundings: Surroundings) -> Self {
        let engine = self.engine.with_surroundings(surroundings);
        Self { engine, ..self }
    }

    /// From now on the provider answers like this.
    pub(crate) fn provider(&mut self, provider: impl FnMut(&Message) -> Outcome + 'static) {
        self.provider = Box::new(provider);
    }

    /// From now on the second gateway answers like this.
    pub(crate) fn spare(&mut self, provider: impl FnMut(&Message) -> Outcome + 'static) {
        self.spare = Box::new(provider);
    }

    /// Runs SQL as a teacher's program or an administrator would, and lets the engine see it.
    pub(crate) async fn sql(&mut self, sql: &str) {
        self.write(sql).await;
        self.work().await;
    }

    /// Runs SQL that the engine does not see yet.
    pub(crate) async fn write(&self, sql: &str) {
        for statement in sql
            .split(';')
            .filter(|statement| !statement.trim().is_empty())
        {
            sqlx::query(AssertSqlSafe(statement.to_owned()))
                .execute(self.store.pool())
                .await
                .unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.store.pool())
            .await
            .unwrap();
        row.try_get(0).unwrap()
    }

    /// One text from the database.
    pub(crate) async fn text(&self, sql: &str) -> String {
        let row = sqlx::query(AssertSqlSafe(sql.to_owned()))
            .fetch_one(self.store.pool())
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        row.try_get(0).unwrap()
    }

    /// One turn; its calls are left to the caller.
    pub(crate) async fn turn(&mut self, reports: &mut Vec<Report>) -> Vec<Call> {
        let (turn, result) = self
            .engine
            .turn(self.now, reports, &mut |_, want| want)
            .await;
        result.unwrap();
        turn.calls
    }

    /// Turns until nothing is left to do at this moment, and answers all calls.
    pub(crate) async fn work(&mut self) {
        let mut reports = Vec::new();
        for _ in 0..50 {
            let calls = self.turn(&mut reports).await;
            if calls.is_empty() && reports.is_empty() {
                return;
            }
            for call in calls {
                reports.push(match call {
                    Call::Send {
                        attempt_id,
                        message_id,
                        lease,
                        message,
                    } => {
                        let outcome = match lease.lane.as_str() {
                            "sms_spare" => (self.spare)(&message),
                            _ => (self.provider)(&message),
                        };
                        self.calls.push((lease.lane.clone(), message));
                        let arrived =
                            matches!(outcome, Outcome::Accepted { .. } | Outcome::InDoubt { .. });
                        self.left.push((self.now, arrived));
                        Report::Called {
                            attempt_id,
                            message_id,
                            lease,
                            outcome,
                        }
                    }
                    Call::Probe { lease } => Report::Probed {
                        lease,
                        answer: self.works.clone(),
                    },
                    Call::Ask {
                        message_id, lease, ..
                    } => Report::Asked {
                        message_id,
                        lease,
                        answer: self.answer.clone(),
                    },
                });
            }
        }
        panic!("the engine does not come to rest");
    }

    /// Turns the clock to a time of the school's zone and works.
    pub(crate) async fn until(&mut self, time: &str) {
        self.now = zone::instant(time.parse().unwrap(), self.zone);
        self.work().await;
    }

    /// Turns the clock on by so many minutes and works.
    pub(crate) async fn minutes(&mut self, minutes: i64) {
        self.now += minutes * MINUTE;
        self.work().await;
    }

    /// The texts that were handed over, by lane and address.
    pub(crate) fn texts(&self) -> Vec<(String, String, String)> {
        self.calls
            .iter()
            .map(|(lane, message)| (lane.clone(), message.address.clone(), message.text.clone()))
            .collect()
    }

    /// The newest message with its history.
    pub(crate) async fn newest(&self) -> History {
        self.store.newest(1).await.unwrap().remove(0)
    }

    /// How many notices are in each state.
    pub(crate) async fn notices(&self) -> BTreeMap<String, i64> {
        self.store.status(self.now).await.unwrap().notices
    }
}

/// An instant by the school's clock.
pub(crate) fn at(time: &str) -> Millis {
    zone::instant(time.parse().unwrap(), ZONE)
}

/// A provider that takes everything.
pub(crate) fn accepts() -> Provider {
    Box::new(|message| Outcome::Accepted {
        provider_ref: Some(message.client_ref.to_string()),
    })
}

/// A school with Masha of 5А, her mother Olga by e-mail and her father Ivan by SMS, both consenting;
/// Olga hears at once, Ivan once a day.
pub(crate) const FAMILY: &str = "
    INSERT INTO school (name, short_name) VALUES ('Школа № 12', 'Школа 12');
    INSERT INTO class (grade, letter) VALUES (5, 'А');
    INSERT INTO subject (name, short_name) VALUES ('Математика', 'матем');
    INSERT INTO subject (name, short_name) VALUES ('Русский язык', 'рус');
    INSERT INTO student (surname, given_name, short_name) VALUES ('Соколова', 'Мария', 'Маша');
    INSERT INTO enrolment (student_id, class_id) VALUES (1, 1);
    INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколова', 'Ольга', 'at_once');
    INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколов', 'Иван', 'daily');
    INSERT INTO guardianship (guardian_id, student_id) VALUES (1, 1);
    INSERT INTO guardianship (guardian_id, student_id) VALUES (2, 1);
    INSERT INTO contact (guardian_id, channel, address) VALUES (1, 'email', 'olga@example.org');
    INSERT INTO contact (guardian_id, channel, address) VALUES (2, 'sms', '+7 900 000-00-12');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'data', 'given');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'email', 'given');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'data', 'given');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (2, 1, 'sms', 'given')";

/// The others of the class, up to the number `last`, each with a father who hears at once by SMS.
pub(crate) async fn classmates(desk: &Desk, last: i64) {
    for n in 2..=last {
        desk.write(&format!(
            "INSERT INTO student (surname, given_name, short_name) VALUES ('Соколова', 'Анна', 'Аня{n}');
             INSERT INTO enrolment (student_id, class_id) VALUES ({n}, 1);
             INSERT INTO guardian (surname, given_name, preset) VALUES ('Соколов', 'Пётр', 'at_once');
             INSERT INTO guardianship (guardian_id, student_id) VALUES ({g}, {n});
             INSERT INTO contact (guardian_id, channel, address) VALUES ({g}, 'sms', '+7900000002{n}');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({g}, {n}, 'data', 'given');
             INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES ({g}, {n}, 'sms', 'given')",
            g = n + 1
        ))
        .await;
    }
}

/// Olga hears by the bot alone, Ivan not at all.
pub(crate) const BY_BOT: &str = "DELETE FROM guardianship WHERE guardian_id = 2; DELETE FROM contact;
    INSERT INTO contact (guardian_id, channel, address) VALUES (1, 'telegram', '77');
    INSERT INTO consent (guardian_id, student_id, purpose, state) VALUES (1, 1, 'messenger', 'given')";
