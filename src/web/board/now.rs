//! «Сейчас»: whether everything runs, and what needs a decision. What changes by itself is a part of the page that is
//! made once for all who look.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    Board,
    chart::{Numbers, columns},
    fault::Fault,
    fields::Fields,
    view::Shared,
    visit::Visit,
    week::{Share, short},
};
use crate::{
    alarm::Alarm,
    breaker::Kind,
    family::contact::Channel,
    instant::{DAY, HOUR, MINUTE, Millis},
    money::month,
    store::Hold,
    text::Language,
    user::{Room, deed::Deed},
    week::Week,
    zone,
};

/// The channels that the tables show, in their order.
pub(super) const CHANNELS: [Channel; 3] = [Channel::Telegram, Channel::Email, Channel::Sms];

/// How many hours and weeks the pictures go back.
const HOURS: i64 = 24;
const WEEKS: u64 = 6;

/// A journal to which nothing was written by noon of a school day, or that is read later than this, is late.
const LAG: Millis = 5 * MINUTE;

/// A queue whose oldest message waits longer than this is one that a person has to look at.
pub(super) const OLD: Millis = 15 * MINUTE;

/// The pictures that were drawn last, by language.
#[derive(Clone, Default)]
pub(super) struct Pictures(Arc<Mutex<BTreeMap<Language, Drawn>>>);

/// When they were drawn, and what they are.
type Drawn = (Millis, Arc<Vec<Value>>);

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/", get(now))
        .route("/pause", post(pause))
}

async fn now(State(board): State<Board>, visit: Visit) -> Result<Response, Fault> {
    let data = json!({
        "pulse": &*board.fresh(visit.language()).await?,
        "pictures": &*board.pictures(visit.language()).await?,
        "token": visit.token,
        "decides": visit.user.role.decides(),
    });
    board.page(&visit, Room::Now, "now", data).await
}

async fn pause(State(board): State<Board>, visit: Visit, _: Fields) -> Result<Response, Fault> {
    visit.must_decide()?;
    let mut tx = board.deed(&visit, &Deed::Pause).await?;
    tx.pause(board.now()).await?;
    board.done(tx).await?;
    Ok(Redirect::to("/").into_response())
}

impl Board {
    /// What changes by itself, in a language.
    pub(super) async fn pulse_of(&self, language: Language) -> Result<Shared, Fault> {
        let now = self.now();
        let today = self.today();
        let reading = self.store.reading().await?;
        let mut decisions = Vec::new();
        for hold in self.store.holds().await? {
            decisions.push(json!({ "id": hold.id, "words": self.of_hold(language, &hold)?, "at": self.at(hold.opened_at) }));
        }
        let mut alarms = Vec::new();
        for (alarm, since) in self.store.lasting_alarms().await? {
            // What waits for a decision stands below.
            if !matches!(alarm, Alarm::Held(_)) {
                alarms.push(json!({
                    "words": self.of_alarm(language, alarm)?, "page": Some(alarm.page()).filter(|page| page != "/"),
                    "since": self.at(since),
                }));
            }
        }
        let week = self.ledger(Week::of(today)).await?;
        let before = self.ledger(Week::of(today - Days::new(7))).await?;
        let (share, last) = (Share::of(week.iter()), Share::of(before.iter()));
        let printing: Vec<Value> = self
            .store
            .print_queue()
            .await?
            .into_iter()
            .filter(|run| run.state == "unsure" || now - run.since > HOUR)
            .map(|run| json!({ "class": run.class.to_string(), "unsure": run.state == "unsure" }))
            .collect();
        let failed: Vec<Value> = self
            .store
            .failed_runs()
            .await?
            .into_iter()
            .map(|(class, week, why)| json!({ "class": class.to_string(), "week": week, "why": self.views.said(language, &why) }))
            .collect();
        let spending = self.store.spending(&month(today)).await?;
        let spent: i64 = spending.iter().map(|one| one.cost.0).sum();
        let budget = self.config.budget.map(|budget| budget.month.0);
        let lag = reading.oldest.map_or(0, |oldest| (now - oldest).max(0));
        let turned = now - self.pulse.last();
        let data = json!({
            "time": self.at(now),
            "stopped": turned > MINUTE,
            "quarantine": self.store.quarantined().await?,
            "journal": {
                "last": reading.last.map(|at| self.at(at)), "unplanned": reading.unplanned,
                "minutes": lag / MINUTE, "late": lag > LAG,
            },
            "channels": self.channels(language).await?,
            "alarms": alarms,
            "decisions": decisions,
            "printing": printing,
            "failed": failed,
            "week": {
                "informed": share.informed, "all": share.all, "percent": share.percent(), "red": share.red,
                "last_red": last.red, "last": Week::of(today - Days::new(7)).to_string(),
            },
            "money": (spent > 0 || budget.is_some()).then(|| json!({
                "spent": spent / 100, "budget": budget.map(|all| all / 100),
                "short": budget.is_some_and(|all| (all - spent) * 5 < all),
            })),
            "complaints": self.store.open_complaints().await?.len(),
        });
        Ok(self.views.part(language, "pulse", &data)?.into())
    }

    /// How each channel stands, what it carried yesterday and what waits for it.
    async fn channels(&self, language: Language) -> Result<Vec<Value>, Fault> {
        let say = |name: &str| self.views.say(language, name, &Value::Null);
        let (now, today) = (self.now(), self.today());
        let waiting = self.store.waiting(now).await?;
        let lanes = self.store.lanes().await?;
        let midnight = zone::instant(today.into(), self.zone);
        let yesterday: BTreeMap<Channel, (i64, i64, i64)> = self
            .store
            .messages_between(midnight - DAY, midnight)
            .await?
            .into_iter()
            .map(|(channel, sent, arrived, lost)| (channel, (sent, arrived, lost)))
            .collect();
        let configured = self.config.channels();
        let mut channels = Vec::new();
        for channel in CHANNELS {
            let wait = waiting.get(channel.code()).cloned().unwrap_or_default();
            let (sent, arrived, lost) = yesterday.get(&channel).copied().unwrap_or_default();
            let lane = lanes
                .iter()
                .find(|(name, _)| name.as_str() == channel.code())
                .map(|(_, lane)| lane);
            let off = !configured.contains(&channel);
            let rests = lane.is_some_and(|lane| lane.rests_until > now);
            let down = lane.is_some_and(|lane| lane.standing.code() != "healthy");
            let state = match (off, rests, down) {
                (true, ..) => "off",
                (_, true, _) => "rests",
                (_, _, true) => "down",
                _ => "works",
            };
            let age = wait.oldest.map(|oldest| now - oldest);
            channels.push(json!({
                "name": say(&format!("channel.{}", channel.code()))?,
                "state": state,
                "state_words": say(&format!("lane.{state}"))?,
                "sent": sent, "arrived": arrived, "lost": lost,
                "much_lost": sent > 0 && lost * 100 > sent * 3,
                "percent": (sent > 0).then(|| tenths(lost * 1000 / sent.max(1))),
                "ready": wait.ready, "doubt": wait.in_doubt,
                "minutes": age.map(|age| age / MINUTE),
                "old": age.is_some_and(|age| age > OLD),
            }));
        }
        Ok(channels)
    }

    /// An alarm, in a sentence.
    pub(super) fn of_alarm(&self, language: Language, alarm: Alarm) -> Result<String, Fault> {
        let code = alarm.to_string();
        let (kind, channel) = code.split_once(':').unwrap_or((&code, ""));
        let of = match channel {
            "" => String::new(),
            channel => self
                .views
                .say(language, &format!("channel.{channel}"), &Value::Null)?,
        };
        let name = format!("alarm.{kind}");
        Ok(self.views.say(language, &name, &json!({ "of": of }))?)
    }

    /// What waits for a decision, in a sentence.
    pub(super) fn of_hold(&self, language: Language, hold: &Hold) -> Result<String, Fault> {
        let name = format!("hold.{}", hold.kind);
        let known = if self.views.has(&name) {
            name
        } else {
            "hold.other".to_owned()
        };
        // Behind the colon stands what the command line asks.
        let of = hold.what.split(": ").next().unwrap_or_default();
        let (kind, rest) = match of.split_once(' ') {
            Some(("class", rest)) => ("hold_of.class", rest),
            Some(("import", rest)) => ("hold_of.import", rest),
            _ if of == "students without a class" => ("hold_of.no_class", of),
            _ => ("hold_of.other", of),
        };
        let whose = self.views.say(language, kind, &json!({ "of": rest }))?;
        Ok(self.views.say(
            language,
            &known,
            &json!({ "count": hold.count, "whose": whose }),
        )?)
    }

    /// Whether the kind of a question is one about somebody's rights, or the pause.
    pub(super) fn answers_of(hold: &Hold) -> (bool, bool) {
        (
            !Kind::about_rights(&hold.kind) && hold.kind != Kind::Pause.code(),
            hold.kind == Kind::Pause.code(),
        )
    }

    /// The pictures, as they were a minute ago at most: they show days and weeks.
    async fn pictures(&self, language: Language) -> Result<Arc<Vec<Value>>, Fault> {
        let now = self.now();
        let mut drawn = self.pictures.0.lock().await;
        if let Some((at, pictures)) = drawn.get(&language)
            && (0..MINUTE).contains(&(now - at))
        {
            return Ok(pictures.clone());
        }
        let pictures = Arc::new(self.draw(language).await?);
        drawn.insert(language, (now, pictures.clone()));
        Ok(pictures)
    }

    async fn draw(&self, language: Language) -> Result<Vec<Value>, Fault> {
        let mut pictures = Vec::new();
        pictures.extend(self.by_hour(language).await?);
        pictures.extend(self.by_week(language).await?);
        pictures.extend(self.receipts(language).await?);
        pictures.extend(self.money(language).await?);
        Ok(pictures)
    }

    async fn by_hour(&self, language: Language) -> Result<Option<Value>, Fault> {
        let now = self.now();
        let since = (now / HOUR - HOURS + 1) * HOUR;
        let fates = ["arrived", "under_way", "lost"];
        let mut values = vec![vec![0.0; usize::try_from(HOURS)?]; fates.len()];
        for (hour, _, fate, count) in self.store.by_hour(since).await? {
            let place = usize::try_from(hour)
                .ok()
                .filter(|hour| *hour < values[0].len());
            let series = fates.iter().position(|known| *known == fate);
            if let (Some(place), Some(series)) = (place, series) {
                values[series][place] += f64::from(i32::try_from(count)?);
            }
        }
        let hour = |at: i64| {
            zone::local(since + at * HOUR, self.zone)
                .format("%-H")
                .to_string()
        };
        let names: Result<Vec<String>, anyhow::Error> = fates
            .iter()
            .map(|fate| {
                self.views
                    .say(language, &format!("fate.{fate}"), &Value::Null)
            })
            .collect();
        let numbers = Numbers {
            places: (0..HOURS).map(hour).collect(),
            series: names?.into_iter().zip(values).collect(),
            most: None,
        };
        Ok(columns(
            &self.views.say(language, "picture.hours", &Value::Null)?,
            &numbers,
        )?)
    }

    async fn by_week(&self, language: Language) -> Result<Option<Value>, Fault> {
        let this = Week::of(self.today());
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for back in (0..WEEKS).rev() {
            let week = Week::of(this.monday() - Days::new(7 * back));
            let share = Share::of(self.ledger(week).await?.iter());
            places.push(short(week.monday()));
            values.push(f64::from(i32::try_from(share.percent().unwrap_or(0))?));
        }
        let name = self.views.say(language, "picture.informed", &Value::Null)?;
        let numbers = Numbers {
            places,
            series: vec![(name, values)],
            most: Some(100.0),
        };
        Ok(columns(
            &self.views.say(language, "picture.weeks", &Value::Null)?,
            &numbers,
        )?)
    }

    async fn receipts(&self, language: Language) -> Result<Option<Value>, Fault> {
        let mut series = Vec::new();
        for (channel, counts) in self.store.receipt_delays(self.now() - 7 * DAY).await? {
            let name = self
                .views
                .say(language, &format!("channel.{channel}"), &Value::Null)?;
            let mut values = Vec::new();
            for count in counts {
                values.push(f64::from(i32::try_from(count)?));
            }
            series.push((name, values));
        }
        let mut places = Vec::new();
        for at in 0..5 {
            places.push(
                self.views
                    .say(language, &format!("picture.within_{at}"), &Value::Null)?,
            );
        }
        let numbers = Numbers {
            places,
            series,
            most: None,
        };
        Ok(columns(
            &self.views.say(language, "picture.receipts", &Value::Null)?,
            &numbers,
        )?)
    }

    async fn money(&self, language: Language) -> Result<Option<Value>, Fault> {
        let today = self.today();
        let (mut places, mut values) = (Vec::new(), Vec::new());
        for back in (0..6).rev() {
            let day = first_of_month(today, back);
            let spent: i64 = self
                .store
                .spending(&month(day))
                .await?
                .iter()
                .map(|one| one.cost.0)
                .sum();
            places.push(day.format("%m.%Y").to_string());
            values.push(f64::from(i32::try_from(spent / 100)?));
        }
        let name = self.views.say(language, "picture.roubles", &Value::Null)?;
        let budget = self
            .config
            .budget
            .map(|budget| i32::try_from(budget.month.0 / 100))
            .transpose()?;
        let most = budget
            .map(f64::from)
            .filter(|most| values.iter().all(|value| value <= most));
        let numbers = Numbers {
            places,
            series: vec![(name, values)],
            most,
        };
        Ok(columns(
            &self.views.say(language, "picture.money", &Value::Null)?,
            &numbers,
        )?)
    }
}

/// The first day of the month so many months ago.
fn first_of_month(day: NaiveDate, back: u32) -> NaiveDate {
    let first = day.with_day(1).unwrap_or(day);
    first
        .checked_sub_months(chrono::Months::new(back))
        .unwrap_or(first)
}

/// «97,8»
fn tenths(thousandth: i64) -> String {
    format!("{},{}", thousandth / 10, thousandth % 10)
}
