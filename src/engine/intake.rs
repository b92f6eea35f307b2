//! From changes to notices, and from notices to messages.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rand::{Rng, RngExt};
use serde_json::{Value, json};

use super::{
    Engine, EngineError,
    changes::{Sorted, audiences, touches},
    hold::{Held, hold},
    weekly::Classes,
};
use crate::{
    compose::{Draft, Fate, compose},
    family::contact::Channel,
    instant::Millis,
    journal::fact::Fact,
    plan::{Decision, Look, plan},
    store::{Lease, NewMessage, NewNotice, StoreError, Tx},
    text::{ContentLevel, Templates, Text, calendar::calendar, transliterated},
    week::Week,
    zone,
};

/// How many changes are planned in one transaction, so that an alarm waits for a slice and not for
/// an import.
const SLICE: i64 = 500;

/// How many facts they may concern. A word to the whole school concerns all its students, and comes
/// whole; what else came with it waits for the next slice.
const FACTS: usize = 1_500;

impl Engine {
    /// Plans one slice of changes; true if there may be more.
    pub(super) async fn intake(&mut self, lease: &Lease, now: Millis) -> Result<bool, EngineError> {
        if !self.work(now).await?.unplanned {
            return Ok(false);
        }
        let today = self.today(now);
        let Some(mut tx) = self.begin_snapshot(lease).await? else {
            return Ok(false);
        };
        let (mut sorted, full) = slice(&mut tx, today, now).await?;
        if !sorted.guardians.is_empty() || !sorted.students.is_empty() {
            for fact in tx.open_facts(&sorted.guardians, &sorted.students).await? {
                let (touched, changes) = sorted.facts.entry(fact).or_default();
                touched.people_only = changes.is_empty();
            }
            tx.reroute(&sorted.guardians, &sorted.students, now).await?;
        }
        let mut changes_of: BTreeMap<i64, Vec<Fact>> = BTreeMap::new();
        let mut touched = BTreeMap::new();
        for (fact, (what, changes)) in sorted.facts {
            for change in changes {
                changes_of.entry(change).or_default().push(fact);
            }
            touched.insert(fact, what);
        }
        for one in tx.ready_of(&sorted.guardians, &sorted.students).await? {
            let students: Vec<i64> = one.tells.iter().map(|(_, student)| *student).collect();
            let people = tx.people(&students, today).await?;
            self.allow(&mut tx, &one, &people, now).await?;
        }
        let looks = tx.looks(touched, today, now).await?;
        let students: BTreeSet<i64> = looks.iter().map(|look| look.fact.student_id).collect();
        let students: Vec<i64> = students.into_iter().collect();
        let people = tx.people(&students, today).await?;
        let mut decided = Vec::with_capacity(looks.len());
        for look in &looks {
            let decisions = plan(look, &people, today, self.rules.policy.settling.0, now);
            decided.push((look, decisions));
        }
        let held = hold(
            &mut tx,
            &decided,
            &self.rules.policy,
            self.rules.hours.zone,
            now,
        )
        .await?;
        let week = self.rules.week(now);
        write(&mut tx, &decided, &changes_of, &held, week, now).await?;
        for (changes, outcome) in [
            (&sorted.people, json!({"rerouted": true})),
            (&sorted.silent, json!({"none": "nothing of it is told"})),
            (
                &sorted.nobody,
                json!({"none": "nobody attends whom it concerns"}),
            ),
        ] {
            if !changes.is_empty() {
                tx.planned(changes, &outcome, now).await?;
            }
        }
        if !sorted.students.is_empty() {
            let touched: Vec<i64> = sorted.students.iter().copied().collect();
            tx.end_leavers(Some(&touched), today, now).await?;
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
        if !self.work(now).await?.due {
            return Ok(false);
        }
        let today = self.today(now);
        let Some(mut tx) = self.begin_snapshot(lease).await? else {
            return Ok(false);
        };
        let (due, mut people) = tx.due(today, now).await?;
        people.resting = self.resting_channels(&mut tx, now).await?;
        let facts: BTreeSet<Fact> = due.iter().map(|one| one.fact).collect();
        let mut names = tx.names(&facts, today).await?;
        names.fitting = self.fitting.clone();
        let configured = self.channels();
        let midnight = zone::instant(today.into(), self.rules.hours.zone);
        let mut around = tx
            .circumstances(&due, &people, &self.rules.policy, (today, midnight, now))
            .await?;
        around.purse = self.purse(&mut tx, now).await?;
        let hours = &self.rules.hours;
        let (fates, mut drafts) = compose(&due, &people, &names, &configured, hours, &around, now);
        for (notice, fate) in fates {
            match fate {
                Fate::Close(reason) => tx.close_notice(notice, reason.code(), now).await?,
                Fate::Window(at) => tx.wait(notice, "window", Some(at), None, now).await?,
                Fate::Deadline(at) => tx.wait(notice, "deadline", Some(at), None, now).await?,
                Fate::Quiet(at) => tx.wait(notice, "quiet", Some(at), None, now).await?,
                Fate::Sheet(why) => {
                    tx.wait(notice, "sheet", None, Some(&why.code()), now)
                        .await?;
                }
                Fate::Message | Fate::Stay => {}
            }
        }
        let mut classes = Classes::new();
        let mut roads = self.roads(&mut tx, now).await?;
        for draft in &mut drafts {
            self.with_weeks(&mut tx, draft, &mut classes, now).await?;
            let Some(account) = self.carrier(&mut roads, draft.channel, draft.urgent) else {
                continue;
            };
            let text = self.words(draft)?;
            let (parts, cost) = self.priced(&account, &draft.address, &text.text);
            let message = NewMessage {
                reference: reference(&mut self.random),
                lane: &account.lane,
                channel: draft.channel.code(),
                guardian_id: draft.guardian_id,
                contact_id: draft.contact_id,
                address: &draft.address,
                text,
                parts,
                cost,
                urgent: draft.urgent,
                alarm: draft.alarm,
                useful_until: draft.useful_until,
                follows: draft.follows,
                calendar: self.calendar(draft, now),
                amends: self.amendments(draft)?,
                notices: &draft.notices,
            };
            tx.insert_message(&message, now).await?;
        }
        tx.commit().await?;
        Ok(self.work(now).await?.due)
    }
}

impl Engine {
    /// What is added to the messages that a draft corrects. Only a messenger can replace what it showed,
    /// and where it says only that there is something new there is nothing to correct.
    fn amendments(&self, draft: &Draft) -> Result<Vec<(i64, String)>, EngineError> {
        let level = self.rules.content;
        if draft.channel != Channel::Telegram || level == ContentLevel::Ping {
            return Ok(Vec::new());
        }
        let today = draft.letter.date;
        let mut amendments = Vec::new();
        for (earlier, news) in &draft.amends {
            let lines = news
                .iter()
                .map(|(student, item)| self.templates.amendment(level, student, item, today))
                .collect::<Result<Vec<_>, _>>()?;
            amendments.push((*earlier, lines.join("\n")));
        }
        Ok(amendments)
    }

    /// The meetings of a mail as a file beside it.
    fn calendar(&self, draft: &Draft, now: Millis) -> Option<String> {
        let meetings = (draft.channel == Channel::Email).then_some(&draft.meetings)?;
        calendar(meetings, &draft.letter.school, self.rules.hours.zone, now)
    }

    /// Sets a draft in words. Where a school's own template fails on content that no sample had, the
    /// one that comes with the program serves: one slip must not silence everybody.
    fn words(&self, draft: &Draft) -> Result<Text, EngineError> {
        let level = self.rules.content;
        let own = self.templates.render(draft.channel, level, &draft.letter);
        let mut text = own.or_else(|error| {
            tracing::error!(%error, "a template failed; the embedded one serves");
            Templates::embedded()?.render(draft.channel, level, &draft.letter)
        })?;
        self.in_letters(draft.channel, &mut text);
        Ok(text)
    }

    /// Puts an SMS into Latin letters where the account wants them.
    pub(super) fn in_letters(&self, channel: Channel, text: &mut Text) {
        let latin = self.fitting.as_ref().is_some_and(|fitting| fitting.latin);
        if latin && channel == Channel::Sms {
            text.text = transliterated(&text.text);
        }
    }
}

/// Takes the oldest unplanned changes; true if there may be more.
async fn slice(tx: &mut Tx, today: NaiveDate, now: Millis) -> Result<(Sorted, bool), StoreError> {
    let mut changes = tx.unplanned(SLICE).await?;
    let mut full = i64::try_from(changes.len()).unwrap_or(SLICE) == SLICE;
    let members = tx.members(&audiences(&changes, today, now), today).await?;
    let mut sorted = Sorted::default();
    let mut taken = 0;
    for change in &changes {
        let touches = touches(change, &members, tx.remarks(), today, now);
        if taken > 0 && sorted.facts.len() + touches.as_ref().map_or(0, Vec::len) > FACTS {
            full = true;
            break;
        }
        sorted.add(change, touches);
        taken += 1;
    }
    changes.truncate(taken);
    if full {
        let known: BTreeSet<Fact> = sorted.facts.keys().copied().collect();
        let later = tx.unplanned_after(&changes, known.iter()).await?;
        let members = tx.members(&audiences(&later, today, now), today).await?;
        for change in &later {
            let Some(touches) = touches(change, &members, tx.remarks(), today, now) else {
                continue;
            };
            if !touches.is_empty() && touches.iter().all(|(fact, _)| known.contains(fact)) {
                sorted.add(change, Some(touches));
            }
        }
    }
    Ok((sorted, full))
}

/// Writes the plan's decisions and what became of each change.
async fn write(
    tx: &mut Tx,
    decided: &[(&Look, Vec<Decision>)],
    changes_of: &BTreeMap<i64, Vec<Fact>>,
    held: &Held,
    week: Week,
    now: Millis,
) -> Result<(), EngineError> {
    let mut first: BTreeMap<Fact, i64> = BTreeMap::new();
    for (change, facts) in changes_of {
        for fact in facts {
            first.entry(*fact).or_insert(*change);
        }
    }
    let mut notices = Vec::new();
    for (look, decisions) in decided {
        for decision in decisions {
            if let Decision::Open {
                guardian_id,
                basis,
                event,
                urgent,
                due_at,
            } = decision
            {
                notices.push(NewNotice {
                    guardian_id: *guardian_id,
                    fact: look.fact,
                    event: *event,
                    urgent: *urgent,
                    basis: basis.clone(),
                    due_at: *due_at,
                    change_id: first.get(&look.fact).copied(),
                    burst: Some(look.burst),
                    week,
                    hold_id: held.get(&(look.fact, *guardian_id)).copied(),
                });
            }
        }
    }
    let opened = tx.open_notices(&notices, now).await?;
    let mut outcomes: BTreeMap<Fact, serde_json::Map<String, Value>> = BTreeMap::new();
    for (look, decisions) in decided {
        let outcome = outcomes.entry(look.fact).or_default();
        for decision in decisions {
            let (whose, what) = carry_out(tx, look, decision, &opened, now).await?;
            outcome.insert(whose, what);
        }
    }
    // Changes of the same facts have the same outcome and are written together; homework of a class
    // joins the outcomes of all its students, and a guardian may have several of them in it.
    let mut same: BTreeMap<&[Fact], Vec<i64>> = BTreeMap::new();
    for (change, facts) in changes_of {
        same.entry(facts).or_default().push(*change);
    }
    for (facts, changes) in same {
        let several = facts
            .windows(2)
            .any(|two| two[0].student_id != two[1].student_id);
        let mut outcome = serde_json::Map::new();
        for fact in facts {
            for (whose, what) in outcomes.get(fact).into_iter().flatten() {
                let whose = if several {
                    format!("{whose}/{}", fact.student_id)
                } else {
                    whose.clone()
                };
                outcome.insert(whose, what.clone());
            }
        }
        if outcome.is_empty() {
            outcome.insert("none".into(), "nobody answers for the student".into());
        }
        tx.planned(&changes, &Value::Object(outcome), now).await?;
    }
    Ok(())
}

/// Carries one decision out, and says for `change.outcome` whom it concerns and what it was.
async fn carry_out(
    tx: &mut Tx,
    look: &Look,
    decision: &Decision,
    opened: &BTreeMap<(Fact, i64), i64>,
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

/// A message's public name: 80 random bits as 16 characters of Crockford's alphabet, which has no
/// letters that are mistaken for digits.
pub fn reference(random: &mut impl Rng) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..16)
        .map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]))
        .collect()
}
