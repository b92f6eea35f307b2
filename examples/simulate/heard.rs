//! What each guardian heard, from the providers' own logs and the sheets, against what was written.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::Row;
use vestnik::{
    instant::{HOUR, Millis},
    store::Store,
    week::Week,
};

use crate::{
    checks::Printed,
    providers::Providers,
    school::School,
    words::{self, Told},
    year::Journal,
};

/// Something that somebody was told, by whatever carried it.
#[derive(Debug, Clone)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "four questions that each check asks in another combination"
)]
pub(crate) struct Heard {
    pub(crate) at: Millis,
    /// The message, or the print run.
    pub(crate) reference: String,
    pub(crate) value: Option<String>,
    /// Whether the school could know that it arrived.
    pub(crate) sure: bool,
    /// Whether it arrived, as far as the school was told.
    pub(crate) arrived: bool,
    /// Whether it stood in the table of a sheet, which shows the journal and corrects nothing.
    pub(crate) shown: bool,
    /// Whether it was said of this student, and not to all in the name of a sibling.
    pub(crate) own: bool,
}

/// Per guardian, student and place: all that was heard, oldest first.
pub(crate) type Hearing = BTreeMap<(i64, i64, String), Vec<Heard>>;

/// All that was heard, from the providers' logs and the sheets.
pub(crate) fn hearing(
    school: &School,
    providers: &Providers,
    hearers: &BTreeMap<String, BTreeSet<(i64, i64)>>,
    printed: &[Printed],
) -> Hearing {
    let mut hearing = Hearing::new();
    for taken in &providers.log {
        let reference = &taken.message.reference;
        for told in words::read(&taken.message.text) {
            for (guardian, of) in hearers.get(reference).into_iter().flatten() {
                if *of != told.student {
                    continue;
                }
                for student in reached(school, *guardian, &told) {
                    let place = (*guardian, student, told.key.clone());
                    hearing.entry(place).or_default().push(Heard {
                        at: taken.at,
                        reference: reference.clone(),
                        value: told.new.clone(),
                        sure: !providers.doubtful.contains(reference),
                        arrived: !providers.returned.contains(reference),
                        shown: false,
                        own: student == told.student,
                    });
                }
            }
        }
    }
    for sheet in printed {
        for (guardian, told) in &sheet.told {
            for student in reached(school, *guardian, told) {
                let place = (*guardian, student, told.key.clone());
                hearing.entry(place).or_default().push(Heard {
                    at: sheet.at,
                    reference: sheet.reference.clone(),
                    value: told.new.clone(),
                    sure: true,
                    arrived: true,
                    shown: told.old.is_none(),
                    own: student == told.student,
                });
            }
        }
    }
    for heard in hearing.values_mut() {
        // One message may tell of two facts in this place, a mark typed by hand that went and one of an import
        // that came: what stands there now is what counts.
        heard.sort_by_key(|one| (one.at, one.value.is_some()));
    }
    hearing
}

/// Of which of their students a guardian knows it now: what the school says to all, it says to the
/// family of siblings once.
fn reached(school: &School, guardian: i64, told: &Told) -> Vec<i64> {
    let to_all = told.key.starts_with("announcement/");
    let ties = school.ties.range((guardian, 0)..(guardian + 1, 0));
    let students = ties.map(|((_, student), _)| *student);
    students
        .filter(|one| to_all || *one == told.student)
        .collect()
}

/// No copy beyond the doubt, and no news twice.
pub(crate) fn duplicates(
    providers: &Providers,
    hearing: &Hearing,
    owners: &BTreeMap<String, usize>,
    shown: &BTreeSet<String>,
) -> Result<(), String> {
    let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
    for taken in &providers.log {
        *copies.entry(&taken.message.reference).or_default() += 1;
    }
    for (reference, count) in copies {
        let most = if providers.doubtful.contains(reference) {
            2
        } else {
            1
        };
        if count > most {
            return Err(format!("message {reference} was sent {count} times"));
        }
        if count > 1 && !shown.contains(reference) {
            return Err(format!(
                "the second copy of message {reference} is not shown as a possible duplicate"
            ));
        }
    }
    for ((guardian, student, key), heard) in hearing {
        let messages: Vec<&Heard> = heard
            .iter()
            .filter(|one| one.own && !one.reference.starts_with("run "))
            .collect();
        let again = messages.windows(2).find(|pair| {
            let same = pair[0].value == pair[1].value && pair[0].reference != pair[1].reference;
            let shared = pair
                .iter()
                .any(|one| owners.get(&one.reference).is_some_and(|count| *count > 1));
            // What a sheet took back in between is news when it stands there again.
            let taken_back = heard.iter().any(|one| {
                let between = pair[0].at <= one.at && one.at <= pair[1].at;
                one.own && between && one.value != pair[0].value
            });
            same && !shared && !taken_back && messages.iter().all(|one| one.sure)
        });
        if let Some(pair) = again {
            return Err(format!(
                "guardian {guardian} heard {key} of student {student} twice, by {} and {}",
                pair[0].reference, pair[1].reference
            ));
        }
    }
    Ok(())
}

/// Who was told a mark of a week is not told that the week brought none.
pub(crate) fn silences(hearing: &Hearing) -> Result<(), String> {
    for ((guardian, student, key), heard) in hearing {
        let week = key.strip_prefix("service/nothing:");
        let Some(week) = week.and_then(|monday| monday.parse().ok()).map(Week::of) else {
            continue;
        };
        let mark = |slash: char| (*guardian, *student, format!("mark{slash}"));
        for ((.., mark), told) in hearing.range(mark('/')..mark('0')) {
            let date = mark.rsplit('/').next().and_then(|date| date.parse().ok());
            let before = told.iter().rfind(|one| one.at < heard[0].at);
            if date.map(Week::of) == Some(week) && before.is_some_and(|one| one.value.is_some()) {
                return Err(format!(
                    "guardian {guardian} was told {mark} of student {student}, and then that the week brought nothing"
                ));
            }
        }
    }
    Ok(())
}

/// No change is lost: whoever should hear heard the last state, or the tables say why not.
pub(crate) async fn lost(
    store: &Store,
    journal: &Journal,
    school: &School,
    hearing: &Hearing,
    noted: &Noted,
    now: Millis,
) -> Result<u64, String> {
    let reasons = Reasons::read(store, noted, now).await;
    let mut told = 0;
    for ((student, key), cell) in journal.cells.iter().filter(|(_, cell)| !cell.void) {
        let ties = school
            .ties
            .iter()
            .filter(|((_, other), restricted)| other == student && !**restricted);
        for ((guardian, _), _) in ties {
            let heard = hearing.get(&(*guardian, *student, key.clone()));
            let arrived: Vec<&Heard> = heard
                .into_iter()
                .flatten()
                .filter(|one| one.arrived)
                .collect();
            let said = arrived.iter().rfind(|one| !one.shown);
            let last = said.map(|one| &one.value);
            let newest = arrived.last().map(|one| &one.value);
            match (last, newest) {
                (_, Some(value)) | (Some(value), _) if *value == cell.value => told += 1,
                (None, _) if cell.value.is_none() => {}
                _ => {
                    let why = reasons.why(*guardian, *student, key, last.is_some());
                    if let Err(state) = why {
                        return Err(format!(
                            "guardian {guardian} last heard {last:?} of {key} of student {student}, \
                             the journal has {:?}, and there is no reason: {state}",
                            cell.value
                        ));
                    }
                }
            }
        }
    }
    Ok(told)
}

/// Per guardian, student and place: why the plan opened no notice, by its newest word.
pub(crate) type Noted = BTreeMap<(i64, i64, String), String>;

/// Reads what the plan noted; changes are forgotten after a month.
pub(crate) async fn note(store: &Store, none: &mut Noted) {
    let rows = sqlx::query(
            "SELECT c.outcome, c.entity, COALESCE(c.new, c.old) AS row FROM change c \
             WHERE c.outcome LIKE '%none%' AND c.entity IN ('mark', 'attendance', 'homework', 'remark', 'term_result', 'announcement') ORDER BY c.id",
        )
        .fetch_all(store.pool())
        .await
        .unwrap();
    for row in &rows {
        let (outcome, entity, values): (String, String, Option<String>) =
            (row.get("outcome"), row.get("entity"), row.get("row"));
        let (Ok(outcome), Ok(values)) = (
            serde_json::from_str::<serde_json::Value>(&outcome),
            serde_json::from_str::<serde_json::Value>(&values.unwrap_or_default()),
        ) else {
            continue;
        };
        let Some((student, key)) = place_of_row(&entity, &values) else {
            continue;
        };
        for (whose, why) in outcome.as_object().into_iter().flatten() {
            // What is told to a class names the student beside the guardian.
            let (guardian, of) = match whose.split_once('/') {
                Some((guardian, of)) => (guardian, of.parse().unwrap()),
                None => (whose.as_str(), student),
            };
            if let (Ok(guardian), Some(why)) = (
                guardian.parse::<i64>(),
                why.get("none").and_then(|why| why.as_str()),
            ) {
                none.insert((guardian, of, key.clone()), why.to_owned());
            }
        }
    }
}

/// State and reason of a notice, and whether it is overdue.
type Standing = (String, Option<String>, bool);

/// Why somebody was not told, as the product says it.
struct Reasons<'a> {
    /// The newest notice of a guardian, student and place: state and reason.
    notices: BTreeMap<(i64, i64, String), Standing>,
    /// What the plan noted instead of a notice, newest last.
    none: &'a Noted,
}

impl<'a> Reasons<'a> {
    async fn read(store: &Store, none: &'a Noted, now: Millis) -> Self {
        let rows = sqlx::query("SELECT guardian_id, fact, state, reason, waits_for, due_at FROM notice WHERE guardian_id IS NOT NULL ORDER BY id")
            .fetch_all(store.pool())
            .await
            .unwrap();
        let mut notices = BTreeMap::new();
        for row in &rows {
            let fact: String = row.get("fact");
            let Some((student, key)) = place(&fact) else {
                continue;
            };
            let due: Option<i64> = row.get("due_at");
            let overdue = due.is_some_and(|at| at < now - HOUR);
            notices.insert(
                (row.get("guardian_id"), student, key),
                (row.get("state"), row.get("reason"), overdue),
            );
        }
        Self { notices, none }
    }

    /// Whether there is a reason. That it is as it was, or went before it was told, is none where the
    /// provider's log says something else.
    fn why(&self, guardian: i64, student: i64, key: &str, heard: bool) -> Result<(), String> {
        let valid = |reason: &str| match reason {
            "equal_again" => false,
            "withdrawn_before_told" => !heard,
            _ => true,
        };
        let place = (guardian, student, key.to_owned());
        let all = (guardian, 0, key.to_owned());
        let by_plan = self
            .none
            .get(&place)
            .or_else(|| self.none.get(&all))
            .is_some_and(|why| valid(why));
        match self.notices.get(&place) {
            Some((state, reason, overdue)) => {
                let reason = reason.as_deref().unwrap_or_default();
                let open =
                    matches!(state.as_str(), "settling" | "waiting" | "in_message") && !overdue;
                if matches!(state.as_str(), "red" | "held" | "merged")
                    || open
                    || (state == "closed" && valid(reason))
                    || by_plan
                {
                    Ok(())
                } else {
                    Err(format!("its notice is {state} {reason}"))
                }
            }
            None if by_plan => Ok(()),
            None => Err("there is no notice".into()),
        }
    }
}

/// The student and the simulator's name of a place, from `notice.fact`.
fn place(fact: &str) -> Option<(i64, String)> {
    let parts: Vec<&str> = fact.split('/').collect();
    let student = parts.get(1)?.parse().ok()?;
    let key = match parts[..] {
        ["mark", _, subject, date, _] => format!("mark/{subject}/{date}"),
        ["attendance", _, date, number] => format!("attendance/{date}/{number}"),
        ["homework", _, subject, date] => format!("homework/{subject}/{date}"),
        ["remark", _, date, kind, _] => format!("remark/{date}/{kind}"),
        ["term_result", _, subject, term, _] => format!("term_result/{subject}/{term}"),
        ["announcement", _, id] => format!("announcement/{id}"),
        _ => return None,
    };
    Some((student, key))
}

/// The same, from a row of the journal; student 0 where it concerns a class.
fn place_of_row(entity: &str, row: &serde_json::Value) -> Option<(i64, String)> {
    let int = |column: &str| row.get(column).and_then(serde_json::Value::as_i64);
    let text = |column: &str| row.get(column).and_then(serde_json::Value::as_str);
    let student = int("student_id").unwrap_or(0);
    let key = match entity {
        "mark" => format!("mark/{}/{}", int("subject_id")?, text("date")?),
        "attendance" => format!("attendance/{}/{}", text("date")?, int("number")?),
        "homework" => format!("homework/{}/{}", int("subject_id")?, text("due_on")?),
        "remark" => format!("remark/{}/{}", text("date")?, text("kind")?),
        "term_result" => format!("term_result/{}/{}", int("subject_id")?, int("term_id")?),
        "announcement" => format!("announcement/{}", int("id")?),
        _ => return None,
    };
    Some((student, key))
}
