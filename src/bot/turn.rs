//! One update of one conversation: who did what, what it means now, and what is answered.

use chrono::NaiveDate;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use vestnik_contract::{Action, Update};

use super::{
    BotError, Manner, Words,
    answer::{Answer, Shown},
    below::{self, Press},
    page::{Choice, Page, State, View},
    teacher::{Task, Tokens},
};
use crate::{
    engine::reference,
    family::contact::Channel,
    instant::Millis,
    links::Links,
    store::{Child, Dialogue, InquiryKind, Owners, Pressed, Store, Tx},
    text::{ContentLevel, Language, Templates},
    zone,
};

/// The longest text that is read. Nobody asks more, and nobody answers it.
const MAX_READ: usize = 2_000;

/// What is answered, before it has names for its buttons.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) pages: Vec<Page>,
    pub(super) alert: Option<String>,
    /// Whether the chat gets its menu.
    pub(super) menu: bool,
    /// Whether it comes below what was pressed, and not in its place.
    pub(super) apart: bool,
    /// The files that come after the pages: `attachment.id`.
    pub(super) files: Vec<i64>,
    /// The run whose sheets come as a document: `print_run.id`.
    pub(super) run: Option<i64>,
    /// The word to many that is watched in the first page: `announcement.id`.
    pub(super) watches: Option<i64>,
}

impl From<Page> for Reply {
    fn from(page: Page) -> Self {
        Self {
            pages: vec![page],
            ..Self::default()
        }
    }
}

/// All that one update is answered from.
pub(super) struct Turn<'a> {
    pub(super) tx: &'a mut Tx,
    /// For questions that change nothing.
    pub(super) store: &'a Store,
    pub(super) channel: Channel,
    pub(super) words: &'a Words,
    pub(super) templates: &'a Templates,
    pub(super) links: &'a Links,
    pub(super) manner: &'a Manner,
    pub(super) tokens: &'a mut Tokens,
    pub(super) random: &'a mut StdRng,
    pub(super) chat: &'a str,
    /// What is in the file that was sent, where it is wanted and could be had.
    pub(super) brought: Option<&'a [u8]>,
    /// What the pictures in it say, where slips are awaited.
    pub(super) codes: &'a [String],
    pub(super) language: Language,
    pub(super) state: State,
    pub(super) dialogue: Dialogue,
    pub(super) owners: Owners,
    pub(super) now: Millis,
    pub(super) today: NaiveDate,
}

impl Dialogue {
    /// Where it stands; nowhere where that cannot be read any more.
    pub(super) fn state(&self) -> State {
        let read = |data: &String| serde_json::from_str(data).ok();
        self.data.as_ref().and_then(read).unwrap_or_default()
    }
}

impl Turn<'_> {
    /// A sentence.
    pub(super) fn say(&self, name: &str, data: &Value) -> Result<String, BotError> {
        Ok(self.words.say(self.language, name, data)?)
    }

    /// A sentence that needs nothing.
    pub(super) fn tell(&self, name: &str) -> Result<String, BotError> {
        self.say(name, &Value::Null)
    }

    /// A button with these words.
    pub(super) fn button(&self, name: &str, choice: Choice) -> Result<(String, Choice), BotError> {
        Ok((self.tell(name)?, choice))
    }

    /// Speaks as the first of the chat's guardians reads.
    pub(super) async fn learn_language(&mut self) -> Result<(), BotError> {
        if let Some(guardian) = self.owners.guardians.first() {
            self.language = self.tx.language_of(*guardian).await?;
        }
        Ok(())
    }

    /// Decides what somebody meant.
    pub(super) async fn act(&mut self, action: &Action) -> Result<Reply, BotError> {
        match action {
            Action::Said(text) => self.said(text).await,
            Action::Pressed { data, .. } => self.pressed(data).await,
            Action::Left | Action::Returned => {
                let open = matches!(action, Action::Returned);
                let place = (self.channel, self.chat);
                self.tx.chat_is(place, open, self.now).await?;
                Ok(Reply::default())
            }
            Action::MovedTo(chat) => {
                self.tx.move_chat(self.channel, self.chat, chat).await?;
                Ok(Reply::default())
            }
            Action::Attached(file) if matches!(self.state, State::Drafting(_)) => {
                self.attach(file).await
            }
            Action::Attached(_) if matches!(self.state, State::Paper { .. }) => {
                self.photographed().await
            }
            Action::Attached(_) | Action::Other => {
                if self.is_stranger() {
                    return self.greet();
                }
                Ok(Page::new(self.tell("parent.only_text")?).into())
            }
        }
    }

    /// Whether nobody is known to read this chat.
    pub(super) fn is_stranger(&self) -> bool {
        self.owners.guardians.is_empty() && self.owners.staff.is_none()
    }

    async fn said(&mut self, text: &str) -> Result<Reply, BotError> {
        let text: String = text.chars().take(MAX_READ).collect();
        let text = text.trim();
        if let Some(command) = text.strip_prefix('/') {
            let (name, rest) = command
                .split_once(char::is_whitespace)
                .unwrap_or((command, ""));
            // In groups commands name their bot.
            let name = name.split('@').next().unwrap_or_default().to_lowercase();
            return self.commanded(&name, rest.trim()).await;
        }
        if self.is_stranger() {
            return self.knock(text).await;
        }
        if let State::Asking { .. } = self.state {
            return self.typed_inquiry(text);
        }
        if let Some(reply) = self.typed(text).await? {
            return Ok(reply);
        }
        self.knock(text).await
    }

    async fn commanded(&mut self, name: &str, rest: &str) -> Result<Reply, BotError> {
        if name == "start" && !rest.is_empty() {
            return self.knock(rest).await;
        }
        if self.is_stranger() {
            return self.greet();
        }
        self.state = State::Idle;
        let choice = match name {
            "segodnya" => Choice::Show(View::Today, None),
            "nedelya" => Choice::Show(View::Week, None),
            "dz" => Choice::Show(View::Homework, None),
            "otmetki" => Choice::Show(View::Marks, None),
            "propuski" => Choice::Show(View::Absences, None),
            "deti" => Choice::Children,
            "nastroyki" => Choice::Settings,
            "pochemu" => Choice::Why,
            "vopros" => Choice::Ask(InquiryKind::Question, None),
            "oshibka" => Choice::Ask(InquiryKind::Mistake, None),
            "stop" => Choice::Stop,
            _ => {
                let tasks = Self::staff_commands();
                let task = tasks.into_iter().find(|(known, ..)| *known == name);
                let leads = Self::lead_commands();
                let lead = leads.into_iter().find(|(known, ..)| *known == name);
                match (task, lead) {
                    (Some((.., task)), _) => Choice::Staff(task),
                    (None, Some((.., lead))) => Choice::Lead(lead),
                    (None, None) => Choice::Home,
                }
            }
        };
        self.choose(choice).await
    }

    async fn pressed(&mut self, data: &str) -> Result<Reply, BotError> {
        if self.is_stranger() {
            return self.greet();
        }
        if let Some((reference, press)) = below::read(data) {
            return self.below(reference, press).await;
        }
        let known = match data.split_once('.') {
            Some((name, at)) => {
                let choices = self.tx.screen(name, self.channel, self.chat).await?;
                let choices = choices.and_then(|json| serde_json::from_str(&json).ok());
                let choices: Vec<Choice> = choices.unwrap_or_default();
                let at = at.parse::<usize>().ok();
                at.and_then(|at| choices.get(at).cloned())
            }
            None => None,
        };
        if let Some(choice) = known {
            return self.choose(choice).await;
        }
        // A message of the past, or somebody who tries what is not theirs.
        let alert = Some(self.tell("parent.gone")?);
        let home = self.home().await?;
        Ok(Reply { alert, ..home })
    }

    /// A button below the message with this reference was pressed.
    async fn below(&mut self, reference: &str, press: Press) -> Result<Reply, BotError> {
        let place = (self.channel, self.chat);
        match self.tx.pressed(reference, place).await? {
            Some(message) => Box::pin(self.pressed_below(&message, press)).await,
            None => self.home().await,
        }
    }

    /// A button below a message of the engine was pressed. The message stays where it is.
    async fn pressed_below(&mut self, message: &Pressed, press: Press) -> Result<Reply, BotError> {
        let choice = match press {
            Press::Acknowledge => {
                let guardians = self.owners.guardians.clone();
                self.tx
                    .acknowledge(message.id, &guardians, self.channel, self.now)
                    .await?;
                let local = zone::local(self.now, self.manner.zone);
                let data = json!({
                    "text": message.text,
                    "date": local.date().to_string(),
                    "time": local.format("%H:%M").to_string(),
                });
                let page = Page::new(self.say("parent.acknowledged", &data)?).row(vec![
                    self.button(
                        "parent.question_button",
                        Choice::Ask(InquiryKind::Question, None),
                    )?,
                    self.button("parent.settings_button", Choice::Settings)?,
                ]);
                return Ok(page.into());
            }
            Press::Answer(poll, answer) => {
                return self.answered_below(message, (poll, answer)).await;
            }
            Press::Poll(at) => {
                let below = self.tx.below(message.id).await?;
                match below.polls.get(at - 1) {
                    Some(poll) => Choice::Poll(poll.announcement_id),
                    None => Choice::Home,
                }
            }
            Press::File(at) => {
                let below = self.tx.below(message.id).await?;
                match below.files.get(at - 1) {
                    Some(file) => Choice::File(file.id),
                    None => Choice::Home,
                }
            }
            Press::Question => Choice::Ask(InquiryKind::Question, None),
            Press::Mistake => Choice::Ask(InquiryKind::Mistake, None),
            Press::Settings => Choice::Settings,
            Press::Inquiries => Choice::Staff(Task::Inquiries),
        };
        let reply = self.choose(choice).await?;
        Ok(Reply {
            apart: true,
            ..reply
        })
    }

    /// Does what was chosen. Each choice asks again whether whoever chose it may.
    pub(super) async fn choose(&mut self, choice: Choice) -> Result<Reply, BotError> {
        if !matches!(
            choice,
            Choice::SendInquiry | Choice::About(..) | Choice::Staff(_)
        ) {
            self.state = State::Idle;
        }
        match choice {
            Choice::Home => self.home().await,
            Choice::Relation {
                guardian,
                student,
                relation,
            } => self.related(guardian, student, &relation).await,
            Choice::Preset(preset) => self.preset(&preset).await,
            Choice::Show(view, student) => self.show(view, student).await,
            Choice::Announced(student) => self.announced(student).await,
            Choice::Poll(announcement) => self.poll(announcement).await,
            Choice::Answer(announcement, number) => self.answer(announcement, number).await,
            Choice::File(attachment) => self.file(attachment).await,
            Choice::Below(data) => match below::read(&data) {
                Some((reference, press)) => self.below(reference, press).await,
                None => self.home().await,
            },
            Choice::Children => self.list_children().await,
            Choice::Settings => self.settings().await,
            Choice::Presets => self.presets("parent.presets"),
            Choice::Matrix => self.matrix().await,
            Choice::Kind(at) => self.kind(at),
            Choice::Timing(at, timing) => self.timing(at, timing.as_deref()).await,
            Choice::Quiet => self.quiet(),
            Choice::QuietHours(hours) => self.quiet_hours(hours).await,
            Choice::Languages => self.languages(),
            Choice::Language(code) => self.speak(&code).await,
            Choice::Pauses => self.pauses(),
            Choice::Pause(days) => self.pause(days).await,
            Choice::Why => self.why().await,
            Choice::Ask(kind, student) => self.ask(kind, student).await,
            Choice::About(student, about) => self.about(student, about).await,
            Choice::SendInquiry => self.send_inquiry().await,
            Choice::Stop => self.stop(),
            Choice::StopNow => self.stop_now().await,
            Choice::Staff(task) => Box::pin(self.work(task)).await,
            Choice::Lead(lead) => Box::pin(self.lead(lead)).await,
        }
    }

    /// The children of whom this chat may hear now.
    pub(super) async fn children(&mut self) -> Result<Vec<Child>, BotError> {
        let guardians = self.owners.guardians.clone();
        let children = self
            .tx
            .children(self.channel, self.chat, &guardians, self.today);
        Ok(children.await?)
    }

    /// Whether this messenger may carry the names of families.
    pub(super) fn names(&self) -> bool {
        self.manner.content == ContentLevel::Full
    }

    /// How a child is called in this messenger: «Маша, 5 «А»», or the class alone where no name may be said.
    pub(super) fn called(&self, child: &Child) -> Result<String, BotError> {
        let class = child.class.as_ref().map(|(_, class)| class.to_string());
        let class = class.unwrap_or_default();
        Ok(match self.manner.content {
            ContentLevel::Full => format!("{}, {class}", child.name),
            ContentLevel::NoNames | ContentLevel::Ping => {
                self.say("parent.nameless", &json!({ "class": class }))?
            }
        })
    }

    /// Gives the buttons names, and writes down where the conversation stands.
    pub(super) async fn finish(
        &mut self,
        update: &Update,
        reply: Reply,
    ) -> Result<Answer, BotError> {
        let mut answer = Answer {
            alert: reply.alert,
            ..Answer::default()
        };
        if let Action::Pressed { press, message, .. } = &update.action {
            answer.press = Some(press.clone());
            answer.instead = message.clone().filter(|_| !reply.apart);
        }
        for page in reply.pages {
            let name = reference(&mut *self.random);
            let mut choices = Vec::new();
            let mut buttons = Vec::new();
            for row in page.rows {
                let mut shown = Vec::new();
                for (label, choice) in row {
                    shown.push((label, format!("{name}.{}", choices.len())));
                    choices.push(choice);
                }
                buttons.push(shown);
            }
            if !choices.is_empty() {
                let choices = serde_json::to_string(&choices)?;
                let place = (self.channel, self.chat);
                self.tx
                    .keep_screen(&name, place, &choices, self.now)
                    .await?;
            }
            answer.shown.push(Shown {
                text: page.text,
                buttons,
            });
        }
        if reply.menu {
            answer.menu = self.menu().await?;
        }
        answer.watches = reply.watches;
        answer.files = reply.files;
        answer.run = reply.run;
        self.dialogue.data = match &self.state {
            State::Idle => None,
            state => Some(serde_json::to_string(state)?),
        };
        self.dialogue.update_id = update.id;
        self.dialogue.updated_at = self.now;
        let kept = serde_json::to_string(&answer)?;
        self.tx
            .keep_dialogue(
                (self.channel, self.chat),
                &self.dialogue,
                self.state.code(),
                Some(&kept),
            )
            .await?;
        Ok(answer)
    }

    /// The commands of this chat (product table C1).
    async fn menu(&mut self) -> Result<Vec<(String, String)>, BotError> {
        let mut menu = Vec::new();
        if !self.classes().await?.is_empty() {
            for (name, words, _) in Self::staff_commands() {
                menu.push((name.to_owned(), self.tell(words)?));
            }
        }
        if self.leads().await? {
            for (name, words, _) in Self::lead_commands() {
                menu.push((name.to_owned(), self.tell(words)?));
            }
        }
        if self.owners.guardians.is_empty() {
            return Ok(menu);
        }
        let commands = [
            ("segodnya", "parent.today_button"),
            ("nedelya", "parent.week_button"),
            ("dz", "parent.homework_button"),
            ("otmetki", "parent.marks_button"),
            ("propuski", "parent.absences_button"),
            ("deti", "parent.children_button"),
            ("nastroyki", "parent.settings_button"),
            ("pochemu", "parent.why_button"),
            ("stop", "parent.stop_button"),
            ("pomosch", "parent.help_button"),
        ];
        for (name, words) in commands {
            menu.push((name.to_owned(), self.tell(words)?));
        }
        Ok(menu)
    }
}
