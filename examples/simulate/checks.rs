//! The invariants, judged by the providers' own logs, the sheets, and the simulator's own list of
//! what was written to the journal. Only the reason why somebody was not told is read from the
//! product's tables.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use sqlx::{AssertSqlSafe, Row};
use vestnik::{
    compose::USEFUL,
    family::contact::Channel,
    instant::{HOUR, Millis},
    quiet::Quiet,
    store::Store,
    week::Week,
    zone,
};
use vestnik_contract::Message;
use vestnik_sheet::{Batch, Sheet};

use crate::{
    school::{School, purpose},
    words::{self, Told},
    year::Journal,
};

/// A sheet that was printed, read by the checker when it was fixed.
#[derive(Debug, Clone)]
pub(crate) struct Printed {
    pub(crate) at: Millis,
    pub(crate) reference: String,
    /// Guardian and what the sheet says.
    pub(crate) told: Vec<(i64, Told)>,
}

/// Whether a call may leave in this moment; nothing of it is read from the product's tables.
///
/// # Errors
/// What is unlawful about it.
pub(crate) fn lawful(
    school: &School,
    message: &Message,
    channel: Channel,
    quiet: Quiet,
    now: Millis,
) -> Result<BTreeSet<(i64, i64)>, String> {
    let told = words::read(&message.text);
    let owners = school.owners(channel, &message.address);
    if owners.is_empty() {
        return Err("an address that nobody has any more".into());
    }
    if now >= message.composed_at + USEFUL {
        return Err("a message of no use any more".into());
    }
    let students: BTreeSet<i64> = told.iter().map(|one| one.student).collect();
    let mut hearers = BTreeSet::new();
    for student in &students {
        let tie = |guardian: &i64| school.ties.get(&(*guardian, *student)).copied();
        if owners.iter().any(|guardian| tie(guardian) == Some(true)) {
            return Err(format!(
                "the address belongs to somebody who must not hear of student {student}"
            ));
        }
        let consents = |guardian: i64| {
            ["data", purpose(channel)]
                .iter()
                .all(|what| school.consents.contains(&(guardian, *student, *what)))
        };
        let before = hearers.len();
        let may = |guardian: &&i64| tie(guardian) == Some(false) && consents(**guardian);
        hearers.extend(
            owners
                .iter()
                .filter(may)
                .map(|guardian| (*guardian, *student)),
        );
        if hearers.len() == before {
            return Err(format!(
                "no owner of the address may hear of student {student} by {}",
                channel.code()
            ));
        }
    }
    let time = zone::local(now, school.zone).time();
    let asleep = |guardian: &i64| {
        school.guardians[guardian]
            .quiet
            .unwrap_or(quiet)
            .contains(time)
    };
    if !told.iter().any(|one| one.urgent) && hearers.iter().all(|(guardian, _)| asleep(guardian)) {
        return Err(format!("at {time}, in quiet hours"));
    }
    Ok(hearers)
}

/// Whether sheets are for nobody who must not hear of their student.
///
/// # Errors
/// Whom a sheet must not be for.
pub(crate) fn lawful_sheets(school: &School, batch: &Batch) -> Result<(), String> {
    for sheet in &batch.sheets {
        let student = words::number(&sheet.student);
        for name in sheet.for_whom.iter().flat_map(|names| names.split(", ")) {
            let guardian = words::number(name);
            if school.ties.get(&(guardian, student)) != Some(&false) {
                return Err(format!(
                    "a sheet of student {student} is for guardian {guardian}, who must not hear"
                ));
            }
        }
    }
    Ok(())
}

/// What a sheet says to the guardians whom it is for.
pub(crate) fn read_batch(
    batch: &Batch,
    reference: &str,
    journal: &Journal,
    week: Week,
    at: Millis,
) -> Printed {
    let mut told = Vec::new();
    for sheet in &batch.sheets {
        let student = words::number(&sheet.student);
        let says = read_sheet(sheet, student, journal, week);
        for guardian in sheet.for_whom.iter().flat_map(|names| names.split(", ")) {
            let guardian = words::number(guardian);
            told.extend(says.iter().map(|one| (guardian, one.clone())));
        }
    }
    Printed {
        at,
        reference: reference.to_owned(),
        told,
    }
}

fn read_sheet(sheet: &Sheet, student: i64, journal: &Journal, week: Week) -> Vec<Told> {
    let mut told = Vec::new();
    let mut tell = |key: String, new: &str| {
        told.push(Told {
            student,
            key,
            old: None,
            new: Some(new.to_owned()),
            urgent: false,
        });
    };
    let day = |text: &str| words::near(text.rsplit(' ').next().unwrap_or_default(), week.monday());
    for line in &sheet.subjects {
        for mark in &line.marks {
            if let Some(date) = day(&mark.day) {
                let value = if mark.value == "долг" {
                    "."
                } else {
                    &mark.value
                };
                tell(format!("mark/{}/{date}", words::number(&line.name)), value);
            }
        }
    }
    for one in &sheet.homework {
        if let Some(date) = day(&one.due) {
            tell(
                format!("homework/{}/{date}", words::number(&one.subject)),
                &one.text,
            );
        }
    }
    for text in sheet
        .remarks
        .iter()
        .map(|one| &one.text)
        .chain(sheet.announcements.iter().map(|one| &one.text))
    {
        if let Some(key) = journal.texts.get(text) {
            tell(key.clone(), text);
        }
    }
    for one in &sheet.term_results {
        let key = format!(
            "term_result/{}/{}",
            words::number(&one.subject),
            words::number(&one.term)
        );
        tell(key, &one.value);
    }
    // The table counts what was missed; it tells of it where it counts what the journal has.
    let of_week: Vec<(&String, &str)> = missed(journal, student, week);
    let lessons = of_week.iter().filter(|(_, code)| *code != "late").count();
    let late = of_week.len() - lessons;
    let says = |what: &str, count: usize| {
        count == 0
            || sheet
                .summary
                .iter()
                .any(|line| line.to_lowercase().contains(&format!("{what}: {count}")))
    };
    if says("уроков пропущено", lessons) && says("опозданий", late) {
        for (key, code) in of_week {
            tell(key.clone(), code);
        }
    }
    for sentence in sheet.corrections.iter().chain(&sheet.ahead) {
        told.extend(words::read_sentence(student, sentence));
    }
    told
}

/// What a student missed in a week.
fn missed(journal: &Journal, student: i64, week: Week) -> Vec<(&String, &str)> {
    let of_student = journal
        .cells
        .range((student, "attendance/".to_owned())..(student, "attendance0".to_owned()));
    of_student
        .filter_map(|((_, key), cell)| {
            let date: NaiveDate = key.split('/').nth(1)?.parse().ok()?;
            (Week::of(date) == week).then_some((key, cell.value.as_deref()?))
        })
        .collect()
}

/// States that only rise, for which a late receipt may raise what had ended; the triggers that note what fell, and what stands still though it is due.
pub(crate) const WATCH: &str = "
    CREATE TABLE simulated_fall (what TEXT NOT NULL);
    CREATE TRIGGER simulated_fall_of_message AFTER UPDATE OF state ON message
    WHEN (NEW.rank < OLD.rank AND NOT (OLD.state IN ('sending', 'in_doubt') AND NEW.state = 'ready'))
        OR (OLD.state IN ('superseded', 'cancelled', 'suppressed', 'delivered') AND NEW.state <> OLD.state)
        OR (OLD.state IN ('rejected', 'unresolved', 'expired') AND NEW.state NOT IN (OLD.state, 'accepted', 'delivered'))
    BEGIN INSERT INTO simulated_fall VALUES ('message ' || OLD.ref || ' fell from ' || OLD.state || ' to ' || NEW.state); END;
    CREATE TRIGGER simulated_fall_of_notice AFTER UPDATE OF state ON notice
    WHEN OLD.state IN ('closed', 'red', 'told_by_paper', 'merged') AND NEW.state <> OLD.state
    BEGIN INSERT INTO simulated_fall VALUES ('notice ' || OLD.id || ' fell from ' || OLD.state || ' to ' || NEW.state); END;";

/// How many changes of watched rows there have been.
pub(crate) async fn changes(store: &Store) -> i64 {
    let row = sqlx::query("SELECT COALESCE(MAX(id), 0) AS newest FROM change")
        .fetch_one(store.pool())
        .await
        .unwrap();
    row.get("newest")
}

/// Nothing fell, and nothing stands still without saying what it waits for.
pub(crate) async fn states(store: &Store, now: Millis) -> Result<(), String> {
    let questions = [
        "SELECT what FROM simulated_fall LIMIT 1".to_owned(),
        "SELECT 'change ' || id || ' was never planned' FROM change WHERE planned_at IS NULL LIMIT 1".to_owned(),
        format!("SELECT 'notice ' || id || ' is ' || state || ' though it is due' FROM notice WHERE state IN ('settling', 'waiting') AND due_at < {} LIMIT 1", now - HOUR),
        "SELECT 'notice ' || id || ' waits for nothing' FROM notice WHERE state IN ('settling', 'waiting', 'held') AND due_at IS NULL AND hold_id IS NULL AND COALESCE(waits_for, '') NOT IN ('sheet', 'deadline', 'decision') LIMIT 1".to_owned(),
        "SELECT 'notice ' || id || ' stands in no message that is under way' FROM notice n WHERE state = 'in_message' AND NOT EXISTS (SELECT 1 FROM message_notice c JOIN message m ON m.id = c.message_id WHERE c.notice_id = n.id AND m.state IN ('ready', 'sending', 'in_doubt')) LIMIT 1".to_owned(),
        format!("SELECT 'message ' || ref || ' is ' || state || ' for days' FROM message WHERE state IN ('ready', 'sending', 'in_doubt') AND state_at < {} LIMIT 1", now - 60 * HOUR),
        "SELECT 'an open attempt of a message that is ' || m.state FROM attempt a JOIN message m ON m.id = a.message_id WHERE a.finished_at IS NULL AND m.state <> 'sending' LIMIT 1".to_owned(),
    ];
    for question in questions {
        let row = sqlx::query(AssertSqlSafe(question))
            .fetch_optional(store.pool())
            .await
            .unwrap();
        if let Some(row) = row {
            return Err(row.get(0));
        }
    }
    Ok(())
}

/// What each gateway took is in the books, as so many parts at least: what is in doubt may stand there too.
pub(crate) async fn charged(store: &Store, taken: &BTreeMap<String, usize>) -> Result<(), String> {
    for (lane, parts) in taken {
        let row = sqlx::query("SELECT COALESCE(SUM(parts), 0) FROM spending WHERE lane = $1")
            .bind(lane)
            .fetch_one(store.pool())
            .await
            .unwrap();
        let charged: i64 = row.get(0);
        if charged < i64::try_from(*parts).unwrap() {
            return Err(format!(
                "{lane} took {parts} SMS and was paid for {charged}"
            ));
        }
    }
    Ok(())
}

/// After a week is closed, nothing that waited for its sheet still does.
pub(crate) async fn week_closed(store: &Store, printed: Millis) -> Result<(), String> {
    let row = sqlx::query("SELECT id FROM notice WHERE state = 'waiting' AND waits_for = 'sheet' AND state_at < $1 LIMIT 1")
        .bind(printed)
        .fetch_optional(store.pool())
        .await
        .unwrap();
    match row {
        Some(row) => Err(format!(
            "notice {} missed its sheet and is not red",
            row.get::<i64, _>(0)
        )),
        None => Ok(()),
    }
}

/// The messages that are shown as possible duplicates.
pub(crate) async fn shown(store: &Store) -> BTreeSet<String> {
    let rows = sqlx::query("SELECT ref FROM message WHERE resent = 1")
        .fetch_all(store.pool())
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
