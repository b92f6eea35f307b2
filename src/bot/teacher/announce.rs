//! The wizard: a word to a class, looked at from all sides before it leaves.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        BotError,
        page::{Choice, Page, State},
        turn::{Reply, Turn},
    },
    Task,
};
use crate::{
    announce::{Audience, Note, notes},
    family::{contact::Channel, preference::Event},
    instant::{Millis, SECOND},
    journal::cell::News,
    store::{ClassPeople, Kept, NewAnnouncement},
    text::{Item, Language, Letter, Occasion, StudentNews},
    zone,
};

/// How long a word waits in which its author may stop it.
const HOLD: Millis = 60 * SECOND;

/// How many lines a list of names has at most.
const LISTED: usize = 60;

/// The prepared texts: what stands on the button, and the text.
const PREPARED: [(&str, &str); 4] = [
    ("teacher.meeting_button", "teacher.meeting"),
    ("teacher.excursion_button", "teacher.excursion"),
    ("teacher.lessons_button", "teacher.lessons"),
    ("teacher.bring_button", "teacher.bring"),
];

/// A word to many that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// The classes.
    classes: Vec<i64>,
    /// The text, once it is written.
    pub(super) text: Option<String>,
    /// The same in fewer words.
    sms: Option<String>,
    /// What the next text is.
    #[serde(default)]
    pub(super) expects: Expects,
    urgent: bool,
    /// `announcement.confirm`
    confirm: String,
    /// What families can answer; empty where nothing is asked.
    #[serde(default)]
    pub(super) answers: Vec<String>,
    /// What comes with it.
    #[serde(default)]
    pub(super) files: Vec<Kept>,
}

/// What is typed next while a word is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Expects {
    /// The text.
    #[default]
    Text,
    /// The same in fewer words.
    Short,
    /// What families can answer.
    Answers,
}

impl Draft {
    fn to(classes: Vec<i64>) -> Self {
        Self {
            classes,
            text: None,
            sms: None,
            expects: Expects::Text,
            urgent: false,
            confirm: "none".to_owned(),
            answers: Vec::new(),
            files: Vec::new(),
        }
    }

    /// A text was typed.
    pub(super) fn write(&mut self, text: &str) {
        if self.expects == Expects::Short && self.text.is_some() {
            self.sms = Some(text.to_owned());
        } else {
            self.text = Some(text.to_owned());
            self.sms = None;
        }
        self.expects = Expects::Text;
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        // What cannot be written confirms nothing.
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(json).into()
    }
}

impl Turn<'_> {
    /// Whom to speak to.
    pub(super) async fn announce(&mut self) -> Result<Reply, BotError> {
        let classes = self.classes().await?;
        if let [(only, _)] = classes[..] {
            return self.announce_to(&[only]).await;
        }
        let mut page = Page::new(self.tell("teacher.which_class")?);
        for row in classes.chunks(3) {
            let button = |(id, class): &(i64, crate::journal::class_name::ClassName)| {
                (class.to_string(), Choice::Staff(Task::To(vec![*id])))
            };
            page = page.row(row.iter().map(button).collect());
        }
        let all = Task::To(classes.iter().map(|(id, _)| *id).collect());
        let all = self.button("teacher.all_classes_button", Choice::Staff(all))?;
        Ok(page.row(vec![all]).row(self.back()?).into())
    }

    /// What to say.
    pub(super) async fn announce_to(&mut self, classes: &[i64]) -> Result<Reply, BotError> {
        let own = self.own(classes).await?;
        if own.is_empty() {
            return self.home().await;
        }
        let called = names(&own);
        self.state = State::Drafting(Box::new(Draft::to(
            own.into_iter().map(|(id, _)| id).collect(),
        )));
        let mut page = Page::new(self.say("teacher.what", &json!({ "classes": called }))?);
        let mut row = Vec::new();
        for (at, (words, _)) in PREPARED.iter().enumerate() {
            row.push(self.button(words, Choice::Staff(Task::Prepared(at)))?);
        }
        page = page.row(row[..2].to_vec()).row(row[2..].to_vec());
        Ok(page.row(self.back()?).into())
    }

    /// A prepared text, to be copied and filled in.
    pub(super) fn prepared(&mut self, at: usize) -> Result<Reply, BotError> {
        let (_, name) = PREPARED.get(at).unwrap_or(&PREPARED[0]);
        let data = json!({ "prepared": self.tell(name)? });
        Ok(Page::new(self.say("teacher.prepared", &data)?)
            .row(self.back()?)
            .into())
    }

    /// The text is written anew.
    pub(super) fn rewrite(&mut self) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state {
            draft.expects = Expects::Text;
        }
        Ok(Page::new(self.tell("teacher.rewrite")?)
            .row(self.back()?)
            .into())
    }

    /// The text for SMS is written.
    pub(super) fn shorten(&mut self) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state {
            draft.expects = Expects::Short;
        }
        let back = self.button("parent.back_button", Choice::Staff(Task::Draft))?;
        Ok(Page::new(self.tell("teacher.shorten")?)
            .row(vec![back])
            .into())
    }

    pub(super) async fn set_urgent(&mut self, urgent: bool) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state {
            draft.urgent = urgent;
        }
        self.check().await
    }

    pub(super) async fn set_confirm(&mut self, confirm: String) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state
            && ["none", "one", "both"].contains(&confirm.as_str())
        {
            draft.confirm = confirm;
        }
        self.check().await
    }

    /// The draft from all sides, and the button that sends it.
    pub(super) async fn check(&mut self) -> Result<Reply, BotError> {
        let Some((draft, text)) = self.draft() else {
            return self.home().await;
        };
        let own = self.own(&draft.classes).await?;
        let Some(staff) = self.staff().filter(|_| own.len() == draft.classes.len()) else {
            self.state = State::Idle;
            return self.home().await;
        };
        let (of, audience) = self.audience(&draft).await?;
        let sms = self.as_sms(&draft, &text).await?;
        let (manner, tariff) = (self.manner, &self.manner.tariff);
        let (parts, cost) = audience.sms(&sms, tariff, &manner.lane);
        let phones = audience
            .by_channel()
            .get(&Channel::Sms)
            .copied()
            .unwrap_or(0);
        let send_at = self.send_at(&draft);
        let local = zone::local(send_at, manner.zone);
        let data = json!({
            "text": text,
            "sms": (phones > 0).then_some(&sms),
            "sms_signs": sms.chars().count(),
            "sms_parts": if phones > 0 { parts / phones.max(1) } else { 0 },
            "sms_all": parts,
            "sms_cost": (cost.0 > 0).then(|| cost.to_string()),
            "notes": self.in_words(&notes(&text, &of.surnames))?,
            "classes": names(&own),
            "students": audience.students,
            "reached": audience.reached(),
            "unreached": audience.listeners.len() - audience.reached(),
            "channels": self.by_channel(&audience)?,
            "later": audience.later(),
            "night": send_at > self.now + HOLD,
            "morning": local.format("%-H:%M").to_string(),
            "urgent": draft.urgent,
            "confirm": self.confirm_in_words(&draft.confirm)?,
            "answers": draft.answers.join(" / "),
            "files": named(&draft.files),
            "without_files": without_files(&audience),
        });
        let page = Page::new(self.say("teacher.check", &data)?);
        let page = self.check_rows(page, &draft, phones > 0)?;
        let page = if audience.reached() > 0 {
            let words = self.say(
                "teacher.send_button",
                &json!({ "count": audience.reached() }),
            )?;
            let token = self.offer(&draft, staff);
            page.row(vec![(words, Choice::Staff(Task::Send(token)))])
        } else {
            page
        };
        let page = page.row(vec![
            self.button("teacher.rewrite_button", Choice::Staff(Task::Rewrite))?,
            self.button("teacher.discard_button", Choice::Staff(Task::Discard))?,
        ]);
        Ok(page.into())
    }

    /// What can be looked at and changed before a draft leaves.
    fn check_rows(&self, page: Page, draft: &Draft, by_sms: bool) -> Result<Page, BotError> {
        let mut looks = Vec::new();
        if self.names() {
            looks.push(self.button("teacher.list_button", Choice::Staff(Task::List))?);
        }
        looks.push(self.button("teacher.preview_button", Choice::Staff(Task::Preview))?);
        let mut page = page.row(looks);
        if by_sms {
            let shorten = Choice::Staff(Task::Shorten);
            page = page.row(vec![self.button("teacher.shorten_button", shorten)?]);
        }
        let mut confirms = Vec::new();
        // Who answers has read it.
        let asks = !draft.answers.is_empty();
        let others = CONFIRMS.iter().filter(|(code, _)| *code != draft.confirm);
        for (code, words) in others.filter(|_| !asks) {
            let task = Task::Confirm((*code).to_owned());
            confirms.push(self.button(words, Choice::Staff(task))?);
        }
        let urgent = if draft.urgent {
            "teacher.not_urgent_button"
        } else {
            "teacher.urgent_button"
        };
        let urgent = self.button(urgent, Choice::Staff(Task::Urgent(!draft.urgent)))?;
        let mut last = vec![urgent];
        last.push(if asks {
            self.button("teacher.no_poll_button", Choice::Staff(Task::NoPoll))?
        } else {
            self.button("teacher.poll_button", Choice::Staff(Task::MakePoll))?
        });
        let page = if asks { page } else { page.row(confirms) };
        let mut page = page.row(last);
        if !draft.files.is_empty() {
            page = page.row(vec![
                self.button("teacher.detach_button", Choice::Staff(Task::Detach))?,
            ]);
        }
        Ok(page)
    }

    /// By name, whom it reaches and how.
    pub(super) async fn list(&mut self) -> Result<Reply, BotError> {
        let Some((draft, _)) = self.draft() else {
            return self.home().await;
        };
        if !self.names() {
            return self.check().await;
        }
        let (_, audience) = self.audience(&draft).await?;
        let ids: Vec<i64> = audience
            .listeners
            .iter()
            .map(|one| one.guardian_id)
            .collect();
        let known = self.tx.guardian_initials(&ids).await?;
        let mut lines = Vec::new();
        for one in audience.listeners.iter().take(LISTED) {
            let name = known.get(&one.guardian_id).cloned().unwrap_or_default();
            let by = match one.channel {
                Some(channel) => self.tell(channel_words(channel))?,
                None => self.tell("teacher.by_nothing")?,
            };
            lines.push(format!("{name} – {by}"));
        }
        let more = audience.listeners.len().saturating_sub(LISTED);
        let data = json!({ "lines": lines, "more": (more > 0).then_some(more) });
        let back = self.button("parent.back_button", Choice::Staff(Task::Draft))?;
        Ok(Page::new(self.say("teacher.list", &data)?)
            .row(vec![back])
            .into())
    }

    /// The word as each channel shows it.
    pub(super) async fn preview(&mut self) -> Result<Reply, BotError> {
        let Some((draft, text)) = self.draft() else {
            return self.home().await;
        };
        let (of, audience) = self.audience(&draft).await?;
        let mut shown = Vec::new();
        for channel in audience.by_channel().into_keys() {
            let words = match channel {
                Channel::Paper => on_paper(&draft, &text),
                channel => self.rendered(&draft, &text, channel, &of).await?,
            };
            let channel = self.tell(channel_words(channel))?;
            shown.push(json!({ "channel": channel, "text": words }));
        }
        let back = self.button("parent.back_button", Choice::Staff(Task::Draft))?;
        let text = self.say("teacher.preview", &json!({ "shown": shown }))?;
        Ok(Page::new(text).row(vec![back]).into())
    }

    /// It is to leave: with the PIN, in a minute, or in the morning.
    pub(super) async fn send(&mut self, token: String) -> Result<Reply, BotError> {
        let (Some((draft, text)), Some(staff)) = (self.draft(), self.staff()) else {
            return self.home().await;
        };
        if !self.in_session() {
            return self.ask_pin(Choice::Staff(Task::Send(token))).await;
        }
        if !self.tokens.take(&token, self.chat, staff, &draft, self.now) {
            let alert = Some(self.tell("teacher.outdated")?);
            let check = self.check().await?;
            return Ok(Reply { alert, ..check });
        }
        let own = self.own(&draft.classes).await?;
        if own.len() != draft.classes.len() {
            self.state = State::Idle;
            return self.home().await;
        }
        let send_at = self.send_at(&draft);
        let new = NewAnnouncement {
            author: Some(staff),
            classes: &draft.classes,
            text: &text,
            sms: draft.sms.as_deref(),
            urgent: draft.urgent,
            confirm: &draft.confirm,
            answers: &draft.answers,
            files: &draft.files,
            send_at,
        };
        let id = self.tx.announce(&new).await?;
        self.state = State::Idle;
        let local = zone::local(send_at, self.manner.zone);
        let data = json!({
            "night": send_at > self.now + HOLD,
            "morning": local.format("%-H:%M").to_string(),
        });
        let halt = self.button("teacher.halt_button", Choice::Staff(Task::Halt(id)))?;
        let page = Page::new(self.say("teacher.leaving", &data)?).row(vec![halt]);
        Ok(Reply {
            watches: Some(id),
            ..page.into()
        })
    }

    /// The draft, if there is one with a text.
    fn draft(&self) -> Option<(Draft, String)> {
        let State::Drafting(draft) = &self.state else {
            return None;
        };
        Some((Draft::clone(draft), draft.text.clone()?))
    }

    /// When it leaves: not in the night, unless it is urgent.
    fn send_at(&self, draft: &Draft) -> Millis {
        let soon = self.now + HOLD;
        if draft.urgent {
            return soon;
        }
        let local = zone::local(soon, self.manner.zone);
        zone::instant(self.manner.quiet.over_at(local), self.manner.zone).max(soon)
    }

    async fn audience(&mut self, draft: &Draft) -> Result<(ClassPeople, Audience), BotError> {
        let of = self
            .tx
            .people_of_classes(&draft.classes, self.today)
            .await?;
        let channels = &self.manner.channels;
        let audience = Audience::of(&of.people, &of.students, draft.urgent, channels, self.today);
        Ok((of, audience))
    }

    async fn as_sms(&mut self, draft: &Draft, text: &str) -> Result<String, BotError> {
        let of = ClassPeople::default();
        self.rendered(draft, text, Channel::Sms, &of).await
    }

    /// The word as a message of this channel, to the first student's family.
    async fn rendered(
        &mut self,
        draft: &Draft,
        text: &str,
        channel: Channel,
        of: &ClassPeople,
    ) -> Result<String, BotError> {
        let child = match of.students.first() {
            Some(student) => self.tx.child(*student, 0, self.today).await?,
            None => None,
        };
        let event = if draft.urgent {
            Event::Urgent
        } else {
            Event::Announcement
        };
        let item = Item {
            event,
            subject: None,
            date: self.today,
            number: None,
            title: None,
            term: None,
            news: News::Entered(text.to_owned()),
            work_kind: None,
            comment: None,
            short: draft.sms.clone(),
            answers: draft.answers.clone(),
            files: (!draft.files.is_empty()).then(|| named(&draft.files)),
            entered: None,
        };
        let name = child
            .as_ref()
            .map_or_else(|| "Маша".to_owned(), |child| child.name.clone());
        let class = child.and_then(|child| child.class.map(|(_, class)| class.plain()));
        let letter = Letter {
            school: self.tx.school_names().await?,
            language: Language::Russian,
            occasion: Occasion::AtOnce,
            date: self.today,
            number: None,
            students: vec![StudentNews {
                id: of.students.first().copied().unwrap_or_default(),
                name,
                class,
                items: vec![item],
                week: None,
            }],
        };
        let level = self.manner.content;
        Ok(self.templates.render(channel, level, &letter)?.text)
    }

    fn in_words(&self, notes: &[Note]) -> Result<Vec<String>, BotError> {
        notes
            .iter()
            .map(|note| match note {
                Note::Link => self.tell("teacher.note_link"),
                Note::Surname(word) => self.say("teacher.note_surname", &json!({ "word": word })),
                Note::Loud => self.tell("teacher.note_loud"),
                Note::Money => self.tell("teacher.note_money"),
                Note::Secret => self.tell("teacher.note_secret"),
            })
            .collect()
    }

    fn by_channel(&self, audience: &Audience) -> Result<Vec<Value>, BotError> {
        audience
            .by_channel()
            .into_iter()
            .map(|(channel, count)| {
                let channel = self.tell(channel_words(channel))?;
                Ok(json!({ "channel": channel, "count": count }))
            })
            .collect()
    }

    fn confirm_in_words(&self, code: &str) -> Result<String, BotError> {
        let known = CONFIRMS.iter().find(|(known, _)| *known == code);
        let (_, words) = known.unwrap_or(&CONFIRMS[0]);
        Ok(self.tell(words)?.to_lowercase())
    }
}

/// `announcement.confirm`, and what stands on the button.
const CONFIRMS: [(&str, &str); 3] = [
    ("none", "teacher.confirm_none"),
    ("one", "teacher.confirm_one"),
    ("both", "teacher.confirm_both"),
];

/// «афиша.jpg, программа.pdf»
fn named(files: &[Kept]) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    names.join(", ")
}

/// How many hear by what carries no files.
fn without_files(audience: &Audience) -> usize {
    let by = audience.by_channel();
    let on = |channel| by.get(&channel).copied().unwrap_or(0);
    on(Channel::Sms) + on(Channel::Paper)
}

/// The word as the sheet shows it, with a box to tick for each answer.
fn on_paper(draft: &Draft, text: &str) -> String {
    let mut shown = text.to_owned();
    for answer in &draft.answers {
        shown.push_str(" ☐ ");
        shown.push_str(answer);
    }
    shown
}

/// How staff call a channel.
pub(in crate::bot) fn channel_words(channel: Channel) -> &'static str {
    match channel {
        Channel::Sms => "teacher.by_sms",
        Channel::Email => "teacher.by_email",
        Channel::Telegram => "teacher.by_telegram",
        Channel::Paper => "teacher.by_paper",
    }
}

/// «5 «А», 5 «Б»»
pub(super) fn names(classes: &[(i64, crate::journal::class_name::ClassName)]) -> String {
    let names: Vec<String> = classes.iter().map(|(_, class)| class.to_string()).collect();
    names.join(", ")
}
