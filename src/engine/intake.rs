//! From changes to notices, and from notices to messages.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, RngExt};
use serde_json::{Value, json};
use vestnik_sms::parts;

use super::{Engine, EngineError};
use crate::{
    compose::{Draft, Fate, USEFUL, compose},
    family::contact::Channel,
    instant::Millis,
    journal::{cell::CellChange, fact::MarkFact},
    plan::{Decision, Look, plan},
    store::{Change, Lease, NewMessage, NewNotice, Tx},
    text::{Templates, Text},
};

/// How many changes are planned in one transaction, so that an alarm waits for a slice and not for
/// an import.
const SLICE: i64 = 500;

/// What the changes of one slice are about.
#[derive(Default)]
struct Sorted {
    /// Per cell what happened to it, oldest first, and the changes that say so.
    cells: BTreeMap<MarkFact, (Vec<CellChange>, Vec<i64>)>,
    /// Guardians whose circumstances changed.
    guardians: BTreeSet<i64>,
    /// Students whose circumstances changed.
    students: BTreeSet<i64>,
    /// Changes about people: they re-route, and open nothing.
    people: Vec<i64>,
    /// Changes that this version tells nobody of.
    silent: Vec<i64>,
}

impl Engine {
    /// Plans one slice of changes; true if there may be more.
    pub(super) async fn intake(&mut self, lease: &Lease, now: Millis) -> Result<bool, EngineError> {
        if !self.store.has_unplanned().await? {
            return Ok(false);
        }
        let today = self.today(now);
        let Some(mut tx) = self.store.fenced_snapshot(lease).await? else {
            self.leases.retain(|(held, _)| held != lease);
            return Ok(false);
        };
        let changes = tx.unplanned(SLICE).await?;
        let full = i64::try_from(changes.len()).unwrap_or(SLICE) == SLICE;
        let mut sorted = Sorted::default();
        for change in &changes {
            sorted.add(change);
        }
        if full {
            let known: BTreeSet<MarkFact> = sorted.cells.keys().copied().collect();
            for change in tx.unplanned_after(&changes, known.iter()).await? {
                if cells_of(&change)
                    .iter()
                    .all(|(fact, _)| known.contains(fact))
                {
                    sorted.add(&change);
                }
            }
        }
        if !sorted.guardians.is_empty() || !sorted.students.is_empty() {
            for fact in tx.open_facts(&sorted.guardians, &sorted.students).await? {
                sorted.cells.entry(fact).or_default();
            }
            tx.reroute(&sorted.guardians, &sorted.students, now).await?;
        }
        let changes_of: BTreeMap<MarkFact, Vec<i64>> = sorted
            .cells
            .iter()
            .map(|(fact, (_, changes))| (*fact, changes.clone()))
            .collect();
        let cells = sorted
            .cells
            .into_iter()
            .map(|(fact, (cells, _))| (fact, cells))
            .collect();
        for one in tx.ready_of(&sorted.guardians, &sorted.students).await? {
            let students: Vec<i64> = one.tells.iter().map(|(_, student)| *student).collect();
            let people = tx.people(&students, today).await?;
            self.allow(&mut tx, &one, &people, now).await?;
        }
        let looks = tx.looks(cells, today).await?;
        let students: BTreeSet<i64> = looks.iter().map(|look| look.fact.student_id).collect();
        let students: Vec<i64> = students.into_iter().collect();
        let people = tx.people(&students, today).await?;
        let mut decided = Vec::with_capacity(looks.len());
        for look in &looks {
            let decisions = plan(look, &people, today, self.rules.settling, now);
            decided.push((look, decisions));
        }
        write(&mut tx, &decided, &changes_of, now).await?;
        if !sorted.people.is_empty() {
            tx.planned(&sorted.people, &json!({"rerouted": true}), now)
                .await?;
        }
        if !sorted.silent.is_empty() {
            let reason = json!({"none": "this version tells of marks only"});
            tx.planned(&sorted.silent, &reason, now).await?;
        }
        tx.commit().await?;
        Ok(full)
    }

    /// Composes what is due; true if there may be more.
    pub(super) async fn compose(
        &mut self,
        lease: &Lease,
        now: Millis,
    ) -> Result<bool, EngineError> {
        if !self.store.has_due(now).await? {
            return Ok(false);
        }
        let today = self.today(now);
        let Some(mut tx) = self.store.fenced_snapshot(lease).await? else {
            self.leases.retain(|(held, _)| held != lease);
            return Ok(false);
        };
        let (due, people) = tx.due(today, now).await?;
        let names = tx.names(due.iter().map(|one| &one.fact), today).await?;
        let configured: Vec<Channel> = self.accounts.iter().map(|one| one.channel).collect();
        let (fates, drafts) = compose(&due, &people, &names, &configured, &self.rules.hours, now);
        for (notice, fate) in fates {
            match fate {
                Fate::Close(reason) => tx.close_notice(notice, reason.code(), now).await?,
                Fate::Window(at) => tx.wait(notice, "window", Some(at), None, now).await?,
                Fate::Quiet(at) => tx.wait(notice, "quiet", Some(at), None, now).await?,
                Fate::Sheet(why) => {
                    tx.wait(notice, "sheet", None, Some(&why.code()), now)
                        .await?;
                }
                Fate::Message => {}
            }
        }
        for draft in &drafts {
            let Some(account) = self
                .accounts
                .iter()
                .find(|one| one.channel == draft.channel)
            else {
                continue;
            };
            let text = self.words(draft)?;
            let parts = match draft.channel {
                Channel::Sms => i64::try_from(parts::count(&text.text).parts).unwrap_or(1),
                Channel::Email | Channel::Telegram | Channel::Paper => 1,
            };
            let message = NewMessage {
                reference: reference(&mut self.random),
                lane: &account.lane,
                channel: draft.channel.code(),
                guardian_id: draft.guardian_id,
                contact_id: draft.contact_id,
                address: &draft.address,
                text,
                parts,
                useful_until: now + USEFUL,
                follows: draft.follows,
                notices: &draft.notices,
            };
            tx.insert_message(&message, now).await?;
        }
        tx.commit().await?;
        self.store.has_due(now).await.map_err(EngineError::from)
    }
}

impl Engine {
    /// Sets a draft in words. Where a school's own template fails on content that no sample had, the
    /// one that comes with the program serves: one slip must not silence everybody.
    fn words(&self, draft: &Draft) -> Result<Text, EngineError> {
        let own = self.templates.render(draft.channel, &draft.letter);
        own.or_else(|error| {
            tracing::error!(%error, "a template failed; the embedded one serves");
            Ok(Templates::embedded()?.render(draft.channel, &draft.letter)?)
        })
    }
}

/// Writes the plan's decisions and what became of each change.
async fn write(
    tx: &mut Tx,
    decided: &[(&Look, Vec<Decision>)],
    changes_of: &BTreeMap<MarkFact, Vec<i64>>,
    now: Millis,
) -> Result<(), EngineError> {
    let mut notices = Vec::new();
    for (look, decisions) in decided {
        let change_id = changes_of
            .get(&look.fact)
            .and_then(|ids| ids.first().copied());
        for decision in decisions {
            if let Decision::Open {
                guardian_id,
                basis,
                event,
                due_at,
            } = decision
            {
                notices.push(NewNotice {
                    guardian_id: *guardian_id,
                    fact: look.fact,
                    event: *event,
                    basis: basis.clone(),
                    due_at: *due_at,
                    change_id,
                });
            }
        }
    }
    let opened = tx.open_notices(&notices, now).await?;
    for (look, decisions) in decided {
        let mut outcome = serde_json::Map::new();
        for decision in decisions {
            let (whose, what) = carry_out(tx, look, decision, &opened, now).await?;
            outcome.insert(whose, what);
        }
        if outcome.is_empty() {
            outcome.insert("none".into(), "nobody answers for the student".into());
        }
        let changes = changes_of.get(&look.fact).map_or(&[][..], Vec::as_slice);
        if !changes.is_empty() {
            tx.planned(changes, &Value::Object(outcome), now).await?;
        }
    }
    Ok(())
}

/// Carries one decision out, and says for `change.outcome` whom it concerns and what it was.
async fn carry_out(
    tx: &mut Tx,
    look: &Look,
    decision: &Decision,
    opened: &BTreeMap<(MarkFact, i64), i64>,
    now: Millis,
) -> Result<(String, Value), EngineError> {
    let guardian = |notice_id: i64| {
        let open = look.open.iter().find(|notice| notice.id == notice_id);
        open.map_or_else(String::new, |notice| notice.guardian_id.to_string())
    };
    Ok(match decision {
        Decision::Open { guardian_id, .. } => {
            let notice = opened.get(&(look.fact, *guardian_id));
            (guardian_id.to_string(), json!({ "notice": notice }))
        }
        Decision::Keep { notice_id, event } => {
            tx.keep_notice(*notice_id, *event).await?;
            (guardian(*notice_id), json!({ "notice": notice_id }))
        }
        Decision::Recall { notice_id } => {
            if !tx.recall(*notice_id, now).await? {
                tx.look_again(*notice_id).await?;
            }
            (guardian(*notice_id), json!({ "notice": notice_id }))
        }
        Decision::LookAgain { notice_id } => {
            tx.look_again(*notice_id).await?;
            (guardian(*notice_id), json!({ "after_notice": notice_id }))
        }
        Decision::Close { notice_id, reason } => {
            // A message that carries it must not leave either.
            if tx.recall(*notice_id, now).await? {
                tx.close_notice(*notice_id, reason.code(), now).await?;
            } else {
                tx.look_again(*notice_id).await?;
            }
            (guardian(*notice_id), json!({ "none": reason.code() }))
        }
        Decision::None {
            guardian_id,
            reason,
        } => (guardian_id.to_string(), json!({ "none": reason.code() })),
    })
}

impl Sorted {
    fn add(&mut self, change: &Change) {
        let id = |value: &Value, column: &str| value.get(column).and_then(Value::as_i64);
        let both = |column: &str| [id(&change.old, column), id(&change.new, column)];
        match change.entity.as_str() {
            "mark" => {
                let cells = cells_of(change);
                if cells.is_empty() {
                    self.silent.push(change.id);
                }
                for (fact, step) in cells {
                    let (steps, changes) = self.cells.entry(fact).or_default();
                    steps.extend(step);
                    if !changes.contains(&change.id) {
                        changes.push(change.id);
                    }
                }
            }
            "guardian" => {
                self.guardians.extend(both("id").into_iter().flatten());
                self.people.push(change.id);
            }
            "guardianship" | "contact" | "consent" | "service_mode" | "preference" => {
                self.guardians
                    .extend(both("guardian_id").into_iter().flatten());
                self.people.push(change.id);
            }
            "enrolment" => {
                self.students
                    .extend(both("student_id").into_iter().flatten());
                self.people.push(change.id);
            }
            _ => self.silent.push(change.id),
        }
    }
}

/// The cells that a change of a mark touches: two, where it moved from one to the other.
fn cells_of(change: &Change) -> Vec<(MarkFact, Option<CellChange>)> {
    if let Some(key) = change.new.get("fact").and_then(Value::as_str) {
        return key.parse().map(|fact| (fact, None)).into_iter().collect();
    }
    let value = |row: &Value| row.get("value").and_then(Value::as_str).map(str::to_owned);
    let (before, after) = (fact_of(&change.old), fact_of(&change.new));
    let (old, new) = (value(&change.old), value(&change.new));
    let step = |old, new| Some(CellChange { old, new });
    match (before, after) {
        (Some(before), Some(after)) if before != after => {
            vec![(before, step(old, None)), (after, step(None, new))]
        }
        (_, Some(fact)) | (Some(fact), None) => vec![(fact, step(old, new))],
        (None, None) => Vec::new(),
    }
}

fn fact_of(row: &Value) -> Option<MarkFact> {
    Some(MarkFact {
        student_id: row.get("student_id")?.as_i64()?,
        subject_id: row.get("subject_id")?.as_i64()?,
        date: row.get("date")?.as_str()?.parse().ok()?,
        lesson_id: row.get("lesson_id")?.as_i64(),
    })
}

/// A message's public name: 80 random bits as 16 characters of Crockford's alphabet, which has no
/// letters that are mistaken for digits.
fn reference(random: &mut impl Rng) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..16)
        .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
        .collect()
}
