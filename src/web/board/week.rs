//! «Неделя»: the ledger. Classes with how many are informed, down to each student and guardian with the evidence or the
//! reason.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use chrono::{Days, NaiveDate};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Board, fault::Fault, visit::Visit};
use crate::{
    instant::{MINUTE, Millis},
    journal::class_name::ClassName,
    ledger::{Line, share},
    policy::Evidence,
    providers,
    store::LedgerQuestion,
    text::{Language, words},
    user::Room,
    week::Week,
};

/// How long what the ledger said of the whole school is shown, unless somebody does something: it is computed from the
/// whole week. Little happens in a week that is over.
const SHOWN: Millis = MINUTE;
const OVER_SHOWN: Millis = 10 * MINUTE;

/// What the ledger said last, by week.
#[derive(Clone, Default)]
pub(super) struct Weeks(Arc<Mutex<BTreeMap<Week, Said>>>);

/// What it said of a week, and when.
type Said = (Millis, Arc<Vec<Line>>);

impl Weeks {
    /// What it said is asked anew.
    pub(super) async fn forget(&self) {
        self.0.lock().await.clear();
    }
}

/// How many are informed, of how many something was due to.
pub(super) struct Share {
    pub(super) informed: usize,
    pub(super) all: usize,
    pub(super) red: usize,
}

impl Share {
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a Line> + Clone) -> Self {
        let (informed, all) = share(lines.clone());
        Self {
            informed,
            all,
            red: lines.filter(|line| line.cell.red).count(),
        }
    }

    pub(super) fn percent(&self) -> Option<usize> {
        (self.all > 0).then(|| self.informed * 100 / self.all)
    }
}

impl Board {
    /// The ledger of a week and class as it is now; of the whole school without a class.
    pub(super) async fn ledger_of(
        &self,
        week: Week,
        class: Option<&ClassName>,
    ) -> Result<Vec<Line>, Fault> {
        let configured = self.config.channels();
        let reports = providers::reports(&self.config);
        let question = LedgerQuestion {
            week,
            class,
            today: self.today(),
            zone: self.zone,
            configured: &configured,
            reports: &reports,
            policy: &self.regulation.policy,
        };
        Ok(self.store.ledger(&question).await?)
    }

    /// The ledger of a week and the whole school, as it was a minute ago at most.
    pub(super) async fn ledger(&self, week: Week) -> Result<Arc<Vec<Line>>, Fault> {
        let now = self.now();
        let this = Week::of(self.today());
        let shown = |week: &Week| if *week < this { OVER_SHOWN } else { SHOWN };
        let mut weeks = self.weeks.0.lock().await;
        if let Some((at, lines)) = weeks.get(&week)
            && (0..shown(&week)).contains(&(now - at))
        {
            return Ok(lines.clone());
        }
        let lines = Arc::new(self.ledger_of(week, None).await?);
        weeks.retain(|week, (at, _)| (0..shown(week)).contains(&(now - *at)));
        weeks.insert(week, (now, lines.clone()));
        Ok(lines)
    }

    /// Why a family is not informed, in a sentence; nothing where it is.
    pub(super) fn why(&self, visit: &Visit, line: &Line) -> Result<Option<String>, Fault> {
        let Some(why) = line.cell.why else {
            return Ok(None);
        };
        let words = self.say(visit, &format!("why.{}", why.code()), &Value::Null)?;
        let paper = match &line.cell.why_paper {
            Some(code) => Some(self.why_paper(visit, code)?),
            None => None,
        };
        Ok(Some(match paper {
            Some(paper) => format!("{words} ({paper})"),
            None => words,
        }))
    }

    /// Why a family hears on paper, from the code that is kept.
    pub(super) fn why_paper(&self, visit: &Visit, code: &str) -> Result<String, Fault> {
        let bare = match code.strip_prefix("consent_") {
            Some(rest) => rest
                .split_once('_')
                .map_or("no_consent", |(_, state)| state),
            None => code,
        };
        let name = format!("paper_because.{bare}");
        let known = if self.views.has(&name) {
            name
        } else {
            "paper_because.other".to_owned()
        };
        self.say(visit, &known, &Value::Null)
    }
}

pub(super) fn routes() -> Router<Board> {
    Router::new()
        .route("/week", get(week))
        .route("/week/{class}", get(class))
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    pub(super) week: Option<String>,
}

impl Asked {
    /// The week that is asked for, or this one.
    pub(super) fn week(&self, board: &Board) -> Week {
        let asked = self.week.as_deref().and_then(|text| text.parse().ok());
        asked.unwrap_or_else(|| Week::of(board.today()))
    }
}

/// The week with the one before it and the one after, as links.
fn frame(board: &Board, visit: &Visit, week: Week) -> Value {
    let (this, next) = (Week::of(board.today()), board.next_sheets());
    json!({
        "week": week.to_string(),
        "label": label(visit, week),
        "before": Week::of(week.monday() - Days::new(7)).to_string(),
        "after": (week < this.max(next)).then(|| week.later(1).to_string()),
        "closed": week == this && this < next,
    })
}

async fn week(
    State(board): State<Board>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    let week = asked.week(&board);
    let lines = board.ledger(week).await?;
    let classes: Vec<(i64, ClassName)> = board.store.classes(board.today()).await?;
    let mut rows = Vec::new();
    let mut whole: Vec<&Line> = Vec::new();
    for (id, name) in classes.iter().filter(|(id, _)| visit.sees(*id)) {
        let own: Vec<&Line> = lines
            .iter()
            .filter(|line| line.class.as_ref() == Some(name))
            .collect();
        let share = Share::of(own.iter().copied());
        let of = |evidence: Evidence| {
            own.iter()
                .filter(|line| line.cell.evidence >= Some(evidence))
                .count()
        };
        let on_paper = own
            .iter()
            .filter(|line| line.cell.why_paper.is_some())
            .count();
        let first = own.iter().find(|line| line.cell.red);
        let red = match first {
            Some(line) => Some(format!(
                "{}: {}",
                line.student,
                board.why(&visit, line)?.unwrap_or_default()
            )),
            None => None,
        };
        rows.push(json!({
            "id": id, "class": name.to_string(), "guardians": own.len(), "all": share.all,
            "informed": share.informed, "percent": share.percent(), "red": share.red,
            "acknowledged": of(Evidence::E3), "on_paper": on_paper, "because": red,
        }));
        whole.extend(own);
    }
    let share = Share::of(whole.iter().copied());
    let data = json!({
        "of": frame(&board, &visit, week),
        "rows": rows,
        "percent": share.percent(), "informed": share.informed, "all": share.all, "red": share.red,
        "decides": visit.user.role.decides(),
    });
    board.page(&visit, Room::Week, "week", data).await
}

async fn class(
    State(board): State<Board>,
    visit: Visit,
    Path(class): Path<i64>,
    Query(asked): Query<Asked>,
) -> Result<Response, Fault> {
    visit.must_see(class)?;
    let classes = board.store.classes(board.today()).await?;
    let Some((_, name)) = classes.iter().find(|(id, _)| *id == class) else {
        return Err(Fault::Nothing);
    };
    let week = asked.week(&board);
    let lines = board.ledger_of(week, Some(name)).await?;
    let mut own: Vec<&Line> = lines.iter().collect();
    // Who did not hear comes first.
    own.sort_by_key(|line| (!line.cell.red, line.cell.informed || !line.cell.counts()));
    let share = Share::of(own.iter().copied());
    let mut rows = Vec::new();
    for line in own {
        rows.push(json!({
            "student_id": line.student_id, "student": line.student, "guardian": line.guardian,
            "evidence": line.cell.evidence.map(Evidence::code), "informed": line.cell.informed,
            "red": line.cell.red, "why": board.why(&visit, line)?, "counts": line.cell.counts(),
        }));
    }
    let data = json!({
        "of": frame(&board, &visit, week), "id": class, "class": name.to_string(), "rows": rows,
        "percent": share.percent(), "informed": share.informed, "all": share.all, "red": share.red,
    });
    board.page(&visit, Room::Week, "class", data).await
}

/// A week as its page is headed: «2–8 ноября», or 02.11–08.11 for who reads English.
pub(super) fn label(visit: &Visit, week: Week) -> String {
    match visit.language() {
        Language::Russian => words::days(week.monday(), week.sunday()),
        Language::English => between(week),
    }
}

/// «02.11–08.11»
pub(super) fn between(week: Week) -> String {
    format!("{}–{}", short(week.monday()), short(week.sunday()))
}

/// «12.10»
pub(super) fn short(day: NaiveDate) -> String {
    day.format("%d.%m").to_string()
}
