//! Who leads the school: the morning's summary, what needs a decision, how the providers stand, and the switch
//! that stops all sending.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    BotError, Words, WordsError,
    page::{Choice, Page},
    turn::{Reply, Turn},
};
use crate::{
    breaker::Kind,
    family::contact::Channel,
    instant::{DAY, HOUR, MINUTE, Millis},
    money::month,
    store::{Hold, Store, StoreError, Verdict},
    text::Language,
    zone,
};

/// How many decisions are listed.
const LISTED: usize = 20;

/// What who leads the school may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Lead {
    /// Yesterday, the queue, the money and what needs a decision.
    Summary,
    /// What needs a decision.
    Decisions,
    /// One of them: `hold.id`.
    Decision(i64),
    /// Families hear of it.
    Release(i64),
    /// Families hear how much there is.
    Summarise(i64),
    /// Nobody hears of it.
    Drop(i64),
    /// How the providers stand.
    Providers,
    /// Asks before all sending stops.
    Pause,
    /// All sending stops.
    PauseNow,
    /// Sending goes on.
    Resume(i64),
}

/// What is known about a school's yesterday and now.
pub(super) struct Picture {
    /// Of yesterday's messages by channel: how many there were, arrived, and did not.
    pub(super) yesterday: Vec<(Channel, i64, i64, i64)>,
    /// How many messages wait for nothing but a permit.
    pub(super) ready: i64,
    /// How long the oldest of them has waited.
    pub(super) oldest: Option<Millis>,
    /// What the month's SMS have cost, and may cost, in kopecks.
    pub(super) money: (i64, Option<i64>),
    /// What waits for a decision.
    pub(super) holds: Vec<Hold>,
    /// The classes whose sheets should have come out of the printer, each with whether nobody is sure.
    pub(super) printing: Vec<(String, bool)>,
}

impl Picture {
    /// The picture at this moment.
    pub(super) async fn of(
        store: &Store,
        manner: &super::Manner,
        now: Millis,
    ) -> Result<Self, StoreError> {
        let today = zone::local(now, manner.zone).date();
        let midnight = zone::instant(today.into(), manner.zone);
        let status = store.status(now).await?;
        let ready = status
            .messages
            .iter()
            .filter(|(channel, _)| *channel != "paper");
        let ready = ready.filter_map(|(_, states)| states.get("ready")).sum();
        let spending = store.spending(&month(today)).await?;
        let budget = manner.tariff.budget.as_ref();
        Ok(Self {
            yesterday: store.messages_between(midnight - DAY, midnight).await?,
            ready,
            oldest: status.oldest_ready_ms,
            money: (
                spending.iter().map(|one| one.cost.0).sum(),
                budget.map(|budget| budget.month.0),
            ),
            holds: store.holds().await?,
            printing: store
                .print_queue()
                .await?
                .into_iter()
                .map(|run| (run.class.to_string(), run.state == "unsure", run.since))
                .filter(|(_, unsure, since)| *unsure || now - since > HOUR)
                .map(|(class, unsure, _)| (class, unsure))
                .collect(),
        })
    }

    /// The summary of the morning.
    pub(super) fn tell(
        &self,
        words: &Words,
        school: &str,
        manner: &super::Manner,
        now: Millis,
    ) -> Result<String, WordsError> {
        let say = |name: &str, data: &Value| words.say(Language::Russian, name, data);
        let local = zone::local(now, manner.zone);
        let sum =
            |pick: fn(&(Channel, i64, i64, i64)) -> i64| self.yesterday.iter().map(pick).sum();
        let (sent, arrived, lost): (i64, i64, i64) =
            (sum(|one| one.1), sum(|one| one.2), sum(|one| one.3));
        let mut by = Vec::new();
        for (channel, _, _, lost) in self.yesterday.iter().filter(|one| one.3 > 0) {
            let channel = say(super::teacher::channel_words(*channel), &Value::Null)?;
            by.push(json!({ "channel": channel, "count": lost }));
        }
        let mut decisions = Vec::new();
        for hold in &self.holds {
            decisions.push(in_words(words, hold)?);
        }
        let mut printing = Vec::new();
        for (class, unsure) in &self.printing {
            let name = if *unsure {
                "admin.print_unsure"
            } else {
                "admin.print_waits"
            };
            printing.push(say(name, &json!({ "class": class }))?);
        }
        let roubles = |kopecks: i64| (kopecks / 100).to_string();
        let (spent, may) = self.money;
        say(
            "admin.summary",
            &json!({
                "school": school,
                "date": local.date().to_string(),
                "time": local.format("%-H:%M").to_string(),
                "sent": sent,
                // In tenths, so that one of a thousand is seen.
                "percent": (sent > 0).then(|| tenths(arrived * 1000 / sent.max(1))),
                "lost": lost,
                "by": by,
                "ready": self.ready,
                "minutes": self.oldest.map(|waited| waited / MINUTE),
                "money": (spent > 0 || may.is_some()).then(|| roubles(spent)),
                "budget": may.map(roubles),
                "decisions": decisions,
                "printing": printing,
                "count": self.holds.len(),
            }),
        )
    }
}

/// «97,8»
fn tenths(thousandth: i64) -> String {
    format!("{},{}", thousandth / 10, thousandth % 10)
}

/// What waits for a decision, in a sentence.
fn in_words(words: &Words, hold: &Hold) -> Result<String, WordsError> {
    let name = match hold.kind.as_str() {
        "volume" => "admin.hold_volume",
        "disappearance" => "admin.hold_disappearance",
        "back_dated" => "admin.hold_back_dated",
        "term_closed" => "admin.hold_term_closed",
        "correction" => "admin.hold_correction",
        "whole_class" => "admin.hold_whole_class",
        "restriction_over" => "admin.hold_restriction_over",
        "of_age" => "admin.hold_of_age",
        "pause" => "admin.hold_pause",
        _ => "admin.hold_other",
    };
    let data = json!({ "count": hold.count, "what": hold.what });
    words.say(Language::Russian, name, &data)
}

impl Turn<'_> {
    /// Whether it is who leads the school that reads this chat.
    pub(super) async fn leads(&mut self) -> Result<bool, BotError> {
        match self.owners.staff {
            Some(staff) => Ok(self.tx.leads(staff, self.today).await?),
            None => Ok(false),
        }
    }

    /// The buttons of who leads the school on the main menu.
    pub(super) async fn lead_rows(&mut self) -> Result<Vec<Vec<(String, Choice)>>, BotError> {
        if !self.leads().await? {
            return Ok(Vec::new());
        }
        Ok(vec![
            vec![
                self.button("admin.summary_button", Choice::Lead(Lead::Summary))?,
                self.button("admin.decisions_button", Choice::Lead(Lead::Decisions))?,
            ],
            vec![
                self.button("admin.providers_button", Choice::Lead(Lead::Providers))?,
                self.button("admin.pause_button", Choice::Lead(Lead::Pause))?,
            ],
        ])
    }

    /// The commands of an administrator's chat (product table C1).
    pub(super) fn lead_commands() -> [(&'static str, &'static str, Lead); 4] {
        [
            ("status", "admin.summary_button", Lead::Summary),
            ("uderzhano", "admin.decisions_button", Lead::Decisions),
            ("ochered", "admin.providers_button", Lead::Providers),
            ("pauza", "admin.pause_button", Lead::Pause),
        ]
    }

    /// Does what who leads the school chose, if they still do.
    pub(super) async fn lead(&mut self, lead: Lead) -> Result<Reply, BotError> {
        if !self.leads().await? {
            return self.home().await;
        }
        match lead {
            Lead::Summary => self.summary().await,
            Lead::Decisions => self.decisions().await,
            Lead::Decision(id) => self.decision(id).await,
            Lead::Release(id) | Lead::Resume(id) => self.decide(id, Verdict::Release, lead).await,
            Lead::Summarise(id) => self.decide(id, Verdict::Summarise, lead).await,
            Lead::Drop(id) => self.decide(id, Verdict::Drop, lead).await,
            Lead::Providers => self.providers().await,
            Lead::Pause => self.pause_sending().await,
            Lead::PauseNow => self.pause_now().await,
        }
    }

    async fn summary(&mut self) -> Result<Reply, BotError> {
        let picture = Picture::of(self.store, self.manner, self.now).await?;
        let school = self.tx.school_names().await?;
        let text = picture.tell(self.words, &school.name, self.manner, self.now)?;
        let mut page = Page::new(text);
        if !picture.holds.is_empty() {
            let choice = Choice::Lead(Lead::Decisions);
            page = page.row(vec![self.button("admin.decisions_button", choice)?]);
        }
        Ok(page.row(self.back()?).into())
    }

    async fn decisions(&mut self) -> Result<Reply, BotError> {
        let holds = self.store.holds().await?;
        let sentence = if holds.is_empty() {
            "admin.no_decisions"
        } else {
            "admin.decisions"
        };
        let mut page = Page::new(self.tell(sentence)?);
        for hold in holds.iter().take(LISTED) {
            let words = in_words(self.words, hold)?;
            page = page.row(vec![(words, Choice::Lead(Lead::Decision(hold.id)))]);
        }
        Ok(page.row(self.back()?).into())
    }

    async fn decision(&mut self, id: i64) -> Result<Reply, BotError> {
        let holds = self.store.holds().await?;
        let Some(hold) = holds.into_iter().find(|hold| hold.id == id) else {
            return self.decided().await;
        };
        let local = zone::local(hold.opened_at, self.manner.zone);
        let data = json!({
            "what": in_words(self.words, &hold)?,
            // Behind the colon stands what the command line asks.
            "details": hold.what.split(": ").next().filter(|_| self.names()),
            "date": local.date().to_string(),
            "time": local.format("%-H:%M").to_string(),
        });
        let mut page = Page::new(self.say("admin.decision", &data)?);
        if hold.kind == Kind::Pause.code() {
            let resume = Choice::Lead(Lead::Resume(id));
            page = page.row(vec![self.button("admin.resume_button", resume)?]);
        } else {
            let mut row =
                vec![self.button("admin.release_button", Choice::Lead(Lead::Release(id)))?];
            if !Kind::about_rights(&hold.kind) {
                row.push(self.button("admin.summarise_button", Choice::Lead(Lead::Summarise(id)))?);
            }
            row.push(self.button("admin.drop_button", Choice::Lead(Lead::Drop(id)))?);
            page = page.row(row);
        }
        let back = self.button("parent.back_button", Choice::Lead(Lead::Decisions))?;
        Ok(page.row(vec![back]).into())
    }

    async fn decide(&mut self, id: i64, verdict: Verdict, lead: Lead) -> Result<Reply, BotError> {
        if !self.in_session() {
            return self.ask_pin(Choice::Lead(lead)).await;
        }
        let staff = self.staff();
        if self
            .tx
            .decide(id, verdict, staff, self.now)
            .await?
            .is_none()
        {
            return self.decided().await;
        }
        let text = self.tell("admin.decided")?;
        let list = Choice::Lead(Lead::Decisions);
        let row = vec![self.button("admin.decisions_button", list)?];
        Ok(Page::new(text).row(row).row(self.back()?).into())
    }

    async fn decided(&mut self) -> Result<Reply, BotError> {
        let alert = Some(self.tell("admin.decided_already")?);
        let list = self.decisions().await?;
        Ok(Reply { alert, ..list })
    }

    /// How the providers stand, and what waits for them.
    async fn providers(&mut self) -> Result<Reply, BotError> {
        let status = self.store.status(self.now).await?;
        let mut lines = Vec::new();
        for channel in &self.manner.channels {
            let lane = channel.code();
            let states = status.messages.get(lane);
            let count = |state: &str| states.and_then(|all| all.get(state)).copied().unwrap_or(0);
            let stands = status.lanes.get(lane);
            let words = if status.resting.contains_key(lane) {
                "admin.provider_rests"
            } else if stands.is_some_and(|one| one.standing != "healthy") {
                "admin.provider_down"
            } else {
                "admin.provider_works"
            };
            let data = json!({
                "channel": self.tell(super::teacher::channel_words(*channel))?,
                "why": status.resting.get(lane),
                "ready": count("ready"),
                "doubt": count("in_doubt"),
            });
            lines.push(self.say(words, &data)?);
        }
        let text = self.say("admin.providers", &json!({ "lines": lines }))?;
        Ok(Page::new(text).row(self.back()?).into())
    }

    async fn pause_sending(&mut self) -> Result<Reply, BotError> {
        let holds = self.store.holds().await?;
        if let Some(hold) = holds.iter().find(|hold| hold.kind == Kind::Pause.code()) {
            return self.decision(hold.id).await;
        }
        let text = self.tell("admin.pause")?;
        let row = vec![
            self.button("admin.pause_sure_button", Choice::Lead(Lead::PauseNow))?,
            self.button("parent.back_button", Choice::Home)?,
        ];
        Ok(Page::new(text).row(row).into())
    }

    async fn pause_now(&mut self) -> Result<Reply, BotError> {
        if !self.in_session() {
            return self.ask_pin(Choice::Lead(Lead::PauseNow)).await;
        }
        self.tx.pause(self.now).await?;
        Ok(Page::new(self.tell("admin.paused")?)
            .row(self.back()?)
            .into())
    }
}
