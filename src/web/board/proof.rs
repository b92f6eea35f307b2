//! The proof for a complaint: what the family of a student was to hear in some days, what was said when and by what, and
//! what became of it. One page, to be printed and signed.

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Board,
    family::{full, picture},
    fault::Fault,
    messages::stage,
    visit::Visit,
};
use crate::{
    store::{Carrier, Telling},
    user::{Room, deed::Deed},
    zone,
};

/// How many days back the page looks where nobody asks for others.
const USUAL: u64 = 30;

pub(super) fn routes() -> Router<Board> {
    Router::new().route("/families/{student}/proof", get(proof))
}

#[derive(Debug, Default, Deserialize)]
struct Asked {
    from: Option<String>,
    to: Option<String>,
}

impl Asked {
    /// The first and the last day.
    fn days(&self, today: NaiveDate) -> (NaiveDate, NaiveDate) {
        let day = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        let to = day(&self.to).unwrap_or(today).min(today);
        let from = day(&self.from).unwrap_or(to - Days::new(USUAL)).min(to);
        (from, to)
    }
}

async fn proof(
    State(board): State<Board>,
    visit: Visit,
    Path(student): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let mut data = picture(&board, &visit, student, true).await?;
    let (from, to) = asked.days(board.today());
    let deed = Deed::Proof {
        student,
        from: from.to_string(),
        to: to.to_string(),
    };
    board.deed(&visit, &deed).await?.commit().await?;
    let midnight = |day: NaiveDate| zone::instant(day.into(), board.zone);
    let between = (midnight(from), midnight(to + Days::new(1)));
    let told = board.store.proof(student, between).await?;
    for guardian in data["guardians"].as_array_mut().into_iter().flatten() {
        let id = guardian["id"].as_i64();
        let own: Vec<&Telling> = told
            .iter()
            .filter(|one| Some(one.guardian_id) == id)
            .collect();
        guardian["told"] = json!(messages(&board, &visit, &own)?);
        guardian["untold"] = json!(untold(&board, &visit, &own)?);
    }
    let shown = |day: NaiveDate| day.format("%d.%m.%Y").to_string();
    data["made"] = json!(
        zone::local(board.now(), board.zone)
            .format("%d.%m.%Y, %H:%M")
            .to_string()
    );
    data["from"] = json!(from.to_string());
    data["to"] = json!(to.to_string());
    data["days"] = json!(format!("{}–{}", shown(from), shown(to)));
    board.page(&visit, Room::Families, "proof", data).await
}

/// What was said, message by message.
fn messages(board: &Board, visit: &Visit, told: &[&Telling]) -> Result<Vec<Value>, Fault> {
    let mut messages: Vec<(&Carrier, Vec<&Telling>)> = Vec::new();
    for one in told {
        let Some(carrier) = &one.carrier else {
            continue;
        };
        let known = messages
            .iter_mut()
            .find(|(known, _)| known.reference == carrier.reference);
        match known {
            Some((_, carried)) => carried.push(one),
            None => messages.push((carrier, vec![one])),
        }
    }
    messages.sort_by_key(|(carrier, _)| carrier.composed_at);
    let message = |(carrier, carried): &(&Carrier, Vec<&Telling>)| {
        let state = stage(&carrier.channel, &carrier.state);
        let facts: Result<Vec<String>, Fault> =
            carried.iter().map(|one| of(board, visit, one)).collect();
        // Whoever sees own classes only reads nothing of a brother or a sister in another one.
        let text = Some(&carrier.text).filter(|_| visit.classes.is_none() || !carrier.of_others);
        // Where it stands accepted, that is said already.
        let accepted = carrier.accepted_at.filter(|_| state != "accepted");
        let acknowledged = carried.iter().filter_map(|one| one.acknowledged_at).min();
        let sheet = match carrier.sheet {
            Some((stand, at)) => Some(json!({
                "words": board.say(visit, &format!("sheet.{}", stand.code()), &Value::Null)?, "at": board.at(at),
            })),
            None => None,
        };
        Ok(json!({
            "reference": carrier.reference, "composed": board.at(carrier.composed_at),
            "channel": board.say(visit, &format!("channel.{}", carrier.channel), &Value::Null)?,
            "address": carrier.address, "text": text, "facts": facts?,
            "accepted": accepted.map(|at| board.at(at)),
            "words": board.say(visit, &format!("state.{state}"), &Value::Null)?, "since": board.at(carrier.state_at),
            "sheet": sheet, "acknowledged": acknowledged.map(|at| board.at(at)),
        }))
    };
    messages.iter().map(message).collect()
}

/// What was not said yet, or will not be, and why.
fn untold(board: &Board, visit: &Visit, told: &[&Telling]) -> Result<Vec<Value>, Fault> {
    let mut untold: Vec<Value> = Vec::new();
    let mut seen = None;
    for one in told {
        let heard = matches!(
            one.state.as_str(),
            "informed" | "told_by_paper" | "in_message"
        );
        // It is one thing however many messages failed to carry it.
        if heard || seen.replace(one.notice_id) == Some(one.notice_id) {
            continue;
        }
        let reason = one.reason.as_deref().unwrap_or_default();
        let name = match one.state.as_str() {
            state @ ("red" | "merged") => format!("untold.{state}"),
            _ => format!("untold.{reason}"),
        };
        let name = if board.views.has(&name) {
            &name
        } else {
            "untold.other"
        };
        untold.push(json!({
            "what": of(board, visit, one)?, "seen": board.at(one.seen_at),
            "why": board.say(visit, name, &Value::Null)?,
            "because": (one.state == "red").then(|| board.why_paper(visit, reason)).transpose()?,
        }));
    }
    Ok(untold)
}

/// «отметка, Математика, 14.10.2026; в журнале 14.10, 10:02»
fn of(board: &Board, visit: &Visit, one: &Telling) -> Result<String, Fault> {
    let event = board.say(visit, &format!("event.{}", one.event), &Value::Null)?;
    let day = one.date.map(|day| day.format("%d.%m.%Y").to_string());
    let what = full(&[Some(event), one.subject.clone(), day], ", ");
    let data = json!({ "what": what, "at": one.written_at.map(|at| board.at(at)) });
    board.say(visit, "proof.fact", &data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_are_the_last_thirty_unless_others_are_asked_for() {
        let day = |text: &str| -> NaiveDate { text.parse().expect("a day") };
        let today = day("2026-11-29");
        let asked = |from: &str, to: &str| {
            let asked = Asked {
                from: Some(from.into()),
                to: Some(to.into()),
            };
            asked.days(today)
        };
        assert_eq!(Asked::default().days(today), (day("2026-10-30"), today));
        assert_eq!(
            asked("2026-09-01", "2026-09-30"),
            (day("2026-09-01"), day("2026-09-30"))
        );
        assert_eq!(
            asked("2026-10-30", "2027-01-01"),
            (day("2026-10-30"), today),
            "tomorrow is not proved"
        );
        assert_eq!(
            asked("2026-12-01", "2026-11-01"),
            (day("2026-11-01"), day("2026-11-01"))
        );
        assert_eq!(asked("../", ""), (day("2026-10-30"), today));
    }
}
