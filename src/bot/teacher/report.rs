//! What became of a word to many: how far it has spread, whom it did not reach, and what is done about that.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    super::{
        BotError, Words, WordsError,
        page::{Choice, Page},
        turn::{Reply, Turn},
    },
    Task,
    announce::{channel_words, names},
    poll::{Given, counted, given},
};
use crate::{
    family::contact::Channel,
    instant::{MINUTE, Millis},
    store::{Announced, Heard, NewAnnouncement},
    text::Language,
};

/// How many words the list of reports has.
const LISTED: i64 = 8;

/// How many names a report has at most.
const NAMED: usize = 20;

/// How long nobody is reminded again.
const REMINDED: Millis = 60 * MINUTE;

/// How far a word has spread, in numbers and sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The sentences.
    pub(crate) text: String,
    /// Whether nothing is under way any more.
    pub(crate) ended: bool,
    /// How many families were asked to acknowledge it and have not.
    pub(crate) unacknowledged: BTreeSet<i64>,
}

/// The report of a word, from what became of it for each guardian, by name where the messenger may carry
/// names.
///
/// # Errors
/// [`WordsError`], which a test rules out.
pub(crate) fn told(
    words: &Words,
    announced: &Announced,
    heard: &[Heard],
    given: &Given,
    (named, now): (bool, Millis),
) -> Result<Told, WordsError> {
    let language = Language::Russian;
    let say = |name: &str, data: &Value| words.say(language, name, data);
    let (mut informed, mut paper, mut waits) = (0_usize, 0_usize, 0_usize);
    let (mut leaving, mut doubt) = (0_usize, 0_usize);
    let mut lost = Vec::new();
    for one in heard {
        let message = one.message.as_ref();
        match one.state.as_str() {
            "informed" => informed += 1,
            "told_by_paper" => paper += 1,
            "in_message" => match message {
                Some((channel, _)) if channel == Channel::Paper.code() => paper += 1,
                Some((_, state)) if state == "in_doubt" => doubt += 1,
                _ => leaving += 1,
            },
            "settling" | "waiting" => match one.waits_for.as_deref() {
                Some("sheet") => paper += 1,
                Some("window" | "quiet" | "deadline") => waits += 1,
                _ => leaving += 1,
            },
            "held" => waits += 1,
            _ => lost.push(one),
        }
    }
    let mut unreached = unreached(words, heard)?;
    for one in lost {
        unreached.push(say("teacher.not_told", &json!({ "name": one.guardian }))?);
    }
    let most = if named { NAMED } else { 0 };
    let more = unreached.len().saturating_sub(most);
    unreached.truncate(most);
    let poll = !announced.answers.is_empty();
    let asked = announced.confirm != "none" || poll;
    let families: BTreeSet<i64> = heard.iter().map(|one| one.student_id).collect();
    let acknowledged = |student: &i64| {
        let own = heard.iter().filter(|one| one.student_id == *student);
        if poll {
            given.contains_key(student)
        } else if announced.confirm == "both" {
            own.clone().all(|one| one.acknowledged)
        } else {
            own.clone().any(|one| one.acknowledged)
        }
    };
    let unacknowledged: BTreeSet<i64> = families
        .iter()
        .copied()
        .filter(|student| asked && !acknowledged(student))
        .collect();
    let begun = announced.send_at.is_none_or(|at| at <= now);
    let quiet = leaving + waits + doubt == 0 && !heard.is_empty();
    let ended = announced.cancelled_at.is_some() || (begun && quiet);
    let data = json!({
        "cancelled": announced.cancelled_at.is_some(),
        "begun": begun,
        "ended": ended,
        "all": heard.len(),
        "done": informed + paper,
        "informed": informed,
        "paper": paper,
        "waits": waits,
        "leaving": leaving,
        "doubt": doubt,
        "lost": !unreached.is_empty() || more > 0,
        "unreached": unreached,
        "more": (more > 0).then_some(more),
        "asked": asked && !poll,
        "poll": poll.then(|| counted(&announced.answers, given, &families)),
        "acknowledged": families.len() - unacknowledged.len(),
        "families": families.len(),
    });
    Ok(Told {
        text: say("teacher.report", &data)?,
        ended,
        unacknowledged,
    })
}

/// Whether somebody hears on the weekly sheet, or not at all.
fn on_paper(one: &Heard) -> bool {
    match one.state.as_str() {
        "settling" | "waiting" => one.waits_for.as_deref() == Some("sheet"),
        "told_by_paper" | "red" => true,
        "in_message" => one
            .message
            .as_ref()
            .is_some_and(|(channel, _)| channel == Channel::Paper.code()),
        _ => false,
    }
}

/// Whoever was to hear electronically and did not, by name and channel.
fn unreached(words: &Words, heard: &[Heard]) -> Result<Vec<String>, WordsError> {
    let say = |name: &str, data: &Value| words.say(Language::Russian, name, data);
    let mut unreached = Vec::new();
    for one in heard {
        let failed = one.message.as_ref().filter(|(_, state)| {
            matches!(
                state.as_str(),
                "rejected" | "undelivered" | "expired" | "suppressed" | "unresolved"
            )
        });
        let instead = matches!(one.state.as_str(), "settling" | "waiting" | "told_by_paper");
        if let Some((channel, _)) = failed.filter(|_| instead) {
            let channel = Channel::from_code(channel).map_or("teacher.by_nothing", channel_words);
            let data = json!({ "name": one.guardian, "channel": say(channel, &Value::Null)? });
            unreached.push(say("teacher.failed_by", &data)?);
        }
    }
    Ok(unreached)
}

impl Turn<'_> {
    /// The last words of this member of staff.
    pub(super) async fn reports(&mut self) -> Result<Reply, BotError> {
        let Some(staff) = self.staff() else {
            return self.home().await;
        };
        let words = self.tx.announced_by(staff, LISTED).await?;
        let sentence = if words.is_empty() {
            "teacher.no_reports"
        } else {
            "teacher.reports"
        };
        let mut page = Page::new(self.tell(sentence)?);
        for one in words {
            let short: String = one.text.chars().take(30).collect();
            page = page.row(vec![(short, Choice::Staff(Task::Report(one.id)))]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// What became of one word, with what can be done.
    pub(super) async fn report(&mut self, id: i64) -> Result<Reply, BotError> {
        let Some((announced, heard)) = self.of_mine(id).await? else {
            return self.home().await;
        };
        let given = given(&self.tx.answers_to(id).await?);
        let named = (self.names(), self.now);
        let told = told(self.words, &announced, &heard, &given, named)?;
        let data = json!({ "text": announced.text, "report": told.text });
        let mut page = Page::new(self.say("teacher.report_page", &data)?);
        if !announced.answers.is_empty() {
            let answers = Choice::Staff(Task::Answers(id));
            page = page.row(vec![self.button("teacher.answers_button", answers)?]);
        }
        if announced.cancelled_at.is_none() {
            if !told.unacknowledged.is_empty() {
                let words = self.say(
                    "teacher.remind_button",
                    &json!({ "count": told.unacknowledged.len() }),
                )?;
                page = page.row(vec![(words, Choice::Staff(Task::Remind(id)))]);
            }
            if announced.urgent && self.names() && heard.iter().any(on_paper) {
                let calls = Choice::Staff(Task::Calls(id));
                page = page.row(vec![self.button("teacher.calls_button", calls)?]);
            }
            let refresh = self.button("teacher.refresh_button", Choice::Staff(Task::Report(id)))?;
            let back = self.button("teacher.withdraw_button", Choice::Staff(Task::Withdraw(id)))?;
            page = page.row(vec![refresh, back]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// Whom to call: what is urgent does not wait for a sheet.
    pub(super) async fn calls(&mut self, id: i64) -> Result<Reply, BotError> {
        let Some((_, mut heard)) = self.of_mine(id).await? else {
            return self.home().await;
        };
        heard.retain(|one| self.names() && on_paper(one));
        let guardians: Vec<i64> = heard.iter().map(|one| one.guardian_id).collect();
        let phones = self.tx.phones(&guardians).await?;
        let mut lines = Vec::new();
        for one in &heard {
            let child = self.tx.child(one.student_id, 0, self.today).await?;
            let data = json!({
                "name": one.guardian,
                "child": child.map(|child| child.known_as),
                "phone": phones.get(&one.guardian_id),
            });
            lines.push(self.say("teacher.call", &data)?);
        }
        let text = self.say("teacher.calls", &json!({ "lines": lines }))?;
        let back = self.button("parent.back_button", Choice::Staff(Task::Report(id)))?;
        Ok(Page::new(text).row(vec![back]).into())
    }

    /// The word is stopped before it leaves.
    pub(super) async fn halt(&mut self, id: i64) -> Result<Reply, BotError> {
        let Some((announced, _)) = self.of_mine(id).await? else {
            return self.home().await;
        };
        let early = announced.send_at.is_some_and(|at| self.now < at);
        if !early {
            return self.report(id).await;
        }
        self.tx.cancel_announcement(id, self.now).await?;
        let text = self.tell("teacher.halted")?;
        Ok(Page::new(text).row(self.back()?).into())
    }

    /// Asks once more before a word is taken back.
    pub(super) async fn withdraw(&mut self, id: i64) -> Result<Reply, BotError> {
        if self.of_mine(id).await?.is_none() {
            return self.home().await;
        }
        let row = vec![
            self.button(
                "teacher.withdraw_sure_button",
                Choice::Staff(Task::WithdrawNow(id)),
            )?,
            self.button("parent.back_button", Choice::Staff(Task::Report(id)))?,
        ];
        Ok(Page::new(self.tell("teacher.withdraw")?).row(row).into())
    }

    /// A word is taken back: who has heard it hears that, too.
    pub(super) async fn withdraw_now(&mut self, id: i64) -> Result<Reply, BotError> {
        if self.of_mine(id).await?.is_none() {
            return self.home().await;
        }
        if !self.in_session() {
            return self.ask_pin(Choice::Staff(Task::WithdrawNow(id))).await;
        }
        self.tx.cancel_announcement(id, self.now).await?;
        self.report(id).await
    }

    /// Those who have not acknowledged a word hear it once more, nobody else.
    pub(super) async fn remind(&mut self, id: i64) -> Result<Reply, BotError> {
        let (Some((announced, heard)), Some(staff)) = (self.of_mine(id).await?, self.staff())
        else {
            return self.home().await;
        };
        if !self.in_session() {
            return self.ask_pin(Choice::Staff(Task::Remind(id))).await;
        }
        let given = given(&self.tx.answers_to(id).await?);
        let named = (self.names(), self.now);
        let told = told(self.words, &announced, &heard, &given, named)?;
        let last = self.tx.reminded_at(id).await?;
        if told.unacknowledged.is_empty() || last.is_some_and(|at| self.now - at < REMINDED) {
            let alert = Some(self.tell("teacher.reminded_lately")?);
            let report = self.report(id).await?;
            return Ok(Reply { alert, ..report });
        }
        let students: Vec<i64> = told.unacknowledged.into_iter().collect();
        let text = self.say("teacher.reminder", &json!({ "text": announced.text }))?;
        let new = NewAnnouncement {
            author: Some(staff),
            classes: &[],
            text: &text,
            sms: None,
            urgent: false,
            confirm: &announced.confirm,
            answers: &announced.answers,
            files: &[],
            send_at: self.now + MINUTE,
        };
        self.tx.remind(&new, id, &students).await?;
        let data = json!({ "count": students.len(), "poll": !announced.answers.is_empty() });
        let text = self.say("teacher.reminding", &data)?;
        Ok(Page::new(text).row(self.back()?).into())
    }

    /// A word of this member of staff, or of their classes, with what became of it.
    pub(super) async fn of_mine(
        &mut self,
        id: i64,
    ) -> Result<Option<(Announced, Vec<Heard>)>, BotError> {
        let Some((announced, classes)) = self.tx.announcement(id).await? else {
            return Ok(None);
        };
        let own = self.own(&classes).await?;
        if classes.is_empty() || own.len() != classes.len() {
            return Ok(None);
        }
        let of = self.tx.people_of_classes(&classes, self.today).await?;
        let heard = self.tx.heard(id, &of.students).await?;
        Ok(Some((announced, heard)))
    }

    /// «5 «А»» of a class's id, for who may speak to it.
    pub(super) async fn class_called(&mut self, class: i64) -> Result<Option<String>, BotError> {
        let own = self.own(&[class]).await?;
        Ok((!own.is_empty()).then(|| names(&own)))
    }
}
