//! The director's sheet: how families were informed in a month, to be printed and signed (product table F4).

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    response::Response,
    routing::get,
};
use chrono::{Datelike, Days, Months, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    Board,
    fault::Fault,
    now::CHANNELS,
    visit::Visit,
    week::{Share, between},
};
use crate::{
    backup::Backups,
    family::contact::Channel,
    instant::{MINUTE, Millis},
    journal::class_name::ClassName,
    ledger::Line,
    user::Room,
    week::Week,
    zone,
};

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/director", get(director))
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    month: Option<String>,
}

impl Asked {
    /// The first day of the month that is asked for as in 2026-11, or of this one. Of a month to come there is nothing
    /// to say.
    fn month(&self, today: NaiveDate) -> NaiveDate {
        let asked = self.month.as_deref().unwrap_or_default();
        let asked: Option<NaiveDate> = format!("{asked}-01").parse().ok();
        asked
            .filter(|first| *first <= today)
            .unwrap_or_else(|| today.with_day(1).unwrap_or(today))
    }
}

/// A week and its ledger.
type Told = (Week, Arc<Vec<Line>>);

/// The weeks that end in this month and have begun.
fn weeks_of(first: NaiveDate, next: NaiveDate, today: NaiveDate) -> Vec<Week> {
    let mut week = Week::of(first);
    let mut weeks = Vec::new();
    while week.sunday() < next && week.monday() <= today {
        weeks.push(week);
        week = week.later(1);
    }
    weeks
}

async fn director(
    State(board): State<Board>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    visit.must_decide()?;
    let today = board.today();
    let first = asked.month(today);
    let next = first + Months::new(1);
    let mut told: Vec<Told> = Vec::new();
    for week in weeks_of(first, next, today) {
        told.push((week, board.ledger(week).await?));
    }
    let lines = || told.iter().flat_map(|(_, lines)| lines.iter());
    let share = Share::of(lines());
    let midnight = |day: NaiveDate| zone::instant(day.into(), board.zone);
    let (from, to) = (midnight(first), midnight(next));
    let counts = board
        .store
        .month(
            (from, to),
            told.first().map(|(week, _)| *week),
            told.last().map(|(week, _)| *week),
        )
        .await?;
    let mut incidents = Vec::new();
    for (alarm, began, ended) in &counts.alarms {
        incidents.push(json!({
            "words": board.of_alarm(visit.language(), *alarm)?, "from": board.at(*began),
            "to": ended.map(|at| board.at(at)),
        }));
    }
    let named = |day: NaiveDate| format!("{}-{:02}", day.year(), day.month());
    let month = board.say(&visit, &format!("month.m{}", first.month()), &Value::Null)?;
    let data = json!({
        "month": month, "year": first.year(),
        "before": named(first - Months::new(1)),
        "after": (next <= today).then(|| named(next)),
        "weeks": told.iter().map(|(week, _)| between(*week)).collect::<Vec<_>>(),
        "rows": rows(&told, &board.store.classes(today).await?),
        "percent": share.percent(), "informed": share.informed, "all": share.all,
        "red": red(&board, &visit, &told).await?,
        "channels": channels(&board, &visit, (from, to)).await?,
        "printed": counts.printed, "handed_out": counts.handed_out, "slips": counts.slips,
        "corrected": counts.corrected, "complaints": counts.complaints, "answered": counts.answered,
        "incidents": incidents,
        "watched": board.backups.is_some(),
        "backup": board.backups.as_ref().and_then(Backups::newest).map(|at| board.at(at)),
        "made": today.format("%d.%m.%Y").to_string(),
    });
    board.page(&visit, Room::Week, "director", data).await
}

/// How many of each class were informed, week by week and in all.
fn rows(told: &[Told], classes: &[(i64, ClassName)]) -> Vec<Value> {
    let mut rows = Vec::new();
    for (_, class) in classes {
        let own = |lines: &Arc<Vec<Line>>| -> Vec<Line> {
            let own = lines
                .iter()
                .filter(|line| line.class.as_ref() == Some(class));
            own.cloned().collect()
        };
        let weeks: Vec<Vec<Line>> = told.iter().map(|(_, lines)| own(lines)).collect();
        let share = Share::of(weeks.iter().flatten());
        rows.push(json!({
            "class": class.to_string(),
            "weeks": weeks.iter().map(|own| Share::of(own.iter()).percent()).collect::<Vec<_>>(),
            "informed": share.informed, "all": share.all, "percent": share.percent(), "red": share.red,
        }));
    }
    rows
}

/// Who was not informed in which weeks and why, and whether that is over: what the last week says of them.
async fn red(board: &Board, visit: &Visit, told: &[Told]) -> Result<Vec<Value>, Fault> {
    let mut pairs: BTreeMap<(i64, i64), Vec<(Week, &Line)>> = BTreeMap::new();
    for (week, lines) in told {
        for line in lines.iter().filter(|line| line.cell.red) {
            let pair = (line.student_id, line.guardian_id);
            pairs.entry(pair).or_default().push((*week, line));
        }
    }
    let latest = board.ledger(Week::of(board.today())).await?;
    let before = board.ledger(Week::of(board.today() - Days::new(7))).await?;
    let mut red = Vec::new();
    for (pair, lines) in pairs {
        let Some((last, line)) = lines.last() else {
            continue;
        };
        let of_pair = |line: &&Line| (line.student_id, line.guardian_id) == pair;
        let since = before.iter().chain(latest.iter()).filter(of_pair);
        let mut since = since.filter(|line| line.week > *last);
        red.push(json!({
            "class": line.class.as_ref().map(ToString::to_string), "student": line.student, "guardian": line.guardian,
            "weeks": lines.iter().map(|(week, _)| between(*week)).collect::<Vec<_>>().join(", "),
            "why": board.why(visit, line)?,
            "over": since.any(|line| line.cell.informed && line.cell.counts()),
        }));
    }
    red.sort_by_key(|one| (one["class"].to_string(), one["student"].to_string()));
    Ok(red)
}

/// What the channels carried in a month, as it was a minute ago at most: a large school's month is a hundred thousand
/// messages.
#[derive(Default)]
pub(super) struct Carried(Mutex<Option<Count>>);

/// For which month, when it was counted, and what: what each channel sent, what arrived and what was lost.
type Count = ((Millis, Millis), Millis, Vec<(Channel, i64, i64, i64)>);

impl Carried {
    async fn of(
        &self,
        board: &Board,
        month: (Millis, Millis),
    ) -> Result<Vec<(Channel, i64, i64, i64)>, Fault> {
        let now = board.now();
        let mut known = self.0.lock().await;
        if let Some((of, at, carried)) = &*known
            && *of == month
            && (0..MINUTE).contains(&(now - at))
        {
            return Ok(carried.clone());
        }
        let carried = board.store.messages_between(month.0, month.1).await?;
        *known = Some((month, now, carried.clone()));
        Ok(carried)
    }
}

/// What each channel carried.
async fn channels(
    board: &Board,
    visit: &Visit,
    month: (Millis, Millis),
) -> Result<Vec<Value>, Fault> {
    let carried = board.carried.of(board, month).await?;
    let mut channels = Vec::new();
    for channel in CHANNELS {
        let own = carried.iter().find(|(one, ..)| *one == channel);
        let Some((_, sent, arrived, lost)) = own else {
            continue;
        };
        let name = board.say(visit, &format!("channel.{}", channel.code()), &Value::Null)?;
        channels.push(json!({ "name": name, "sent": sent, "arrived": arrived, "lost": lost }));
    }
    Ok(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_the_weeks_that_end_in_it_and_have_begun() {
        let day = |text: &str| -> NaiveDate { text.parse().expect("a day") };
        let weeks = |today: &str| -> Vec<String> {
            weeks_of(day("2026-11-01"), day("2026-12-01"), day(today))
                .into_iter()
                .map(between)
                .collect()
        };
        assert_eq!(weeks("2026-11-01"), ["26.10–01.11"]);
        assert_eq!(
            weeks("2026-12-24"),
            [
                "26.10–01.11",
                "02.11–08.11",
                "09.11–15.11",
                "16.11–22.11",
                "23.11–29.11"
            ]
        );
        let asked = |month: &str| {
            Asked {
                month: Some(month.into()),
            }
            .month(day("2026-11-29"))
        };
        assert_eq!(asked("2026-10"), day("2026-10-01"));
        for strange in ["2026-12", "2026-13", "", "../etc"] {
            assert_eq!(asked(strange), day("2026-11-01"), "{strange}");
        }
    }
}
