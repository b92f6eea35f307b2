//! What parents may ask for, each child's only by who may hear of it.

mod inquiry;
mod poll;
mod settings;
mod view;

use serde_json::{Value, json};

use super::{
    BotError,
    below::shortened,
    page::{Choice, Page, View},
    turn::{Reply, Turn},
};
use crate::{
    family::{contact::Channel, preference::Event},
    instant::{DAY, Millis},
    store::{Child, InquiryKind},
    text::ContentLevel,
    week::Week,
    zone,
};

/// How far back announcements are shown: whoever connects late finds them there.
const LATELY: Millis = 14 * DAY;

/// How many of the last messages «why did this come» speaks of.
const EXPLAINED: i64 = 3;

impl Turn<'_> {
    /// The main menu.
    pub(super) async fn home(&mut self) -> Result<Reply, BotError> {
        let school = self.tx.school_names().await?;
        let children = self.children().await?;
        let called: Vec<String> = children
            .iter()
            .map(|child| self.called(child))
            .collect::<Result<_, _>>()?;
        let data = json!({
            "school": school.name,
            "children": called,
            "guardian": !self.owners.guardians.is_empty(),
        });
        let mut page = Page::new(self.say("parent.home", &data)?);
        if !children.is_empty() && self.manner.content != ContentLevel::Ping {
            page =
                page.row(vec![
                    self.button("parent.today_button", Choice::Show(View::Today, None))?,
                    self.button("parent.week_button", Choice::Show(View::Week, None))?,
                ])
                .row(vec![
                    self.button("parent.homework_button", Choice::Show(View::Homework, None))?,
                    self.button("parent.marks_button", Choice::Show(View::Marks, None))?,
                ])
                .row(vec![
                    self.button("parent.absences_button", Choice::Show(View::Absences, None))?,
                ]);
        }
        if !children.is_empty() {
            let announced = Choice::Announced(None);
            page = page.row(vec![self.button("parent.announced_button", announced)?]);
            page = page.row(vec![
                self.button(
                    "parent.question_button",
                    Choice::Ask(InquiryKind::Question, None),
                )?,
                self.button(
                    "parent.mistake_button",
                    Choice::Ask(InquiryKind::Mistake, None),
                )?,
            ]);
        }
        for row in self.staff_rows().await? {
            page = page.row(row);
        }
        for row in self.lead_rows().await? {
            page = page.row(row);
        }
        if !self.owners.guardians.is_empty() {
            page = page.row(vec![
                self.button("parent.settings_button", Choice::Settings)?,
                self.button("parent.why_button", Choice::Why)?,
            ]);
        }
        Ok(Reply {
            pages: vec![page],
            menu: true,
            ..Reply::default()
        })
    }

    /// The row that leads back.
    pub(super) fn back(&self) -> Result<Vec<(String, Choice)>, BotError> {
        Ok(vec![self.button("parent.back_button", Choice::Home)?])
    }

    /// The children of this chat.
    pub(super) async fn list_children(&mut self) -> Result<Reply, BotError> {
        let children = self.children().await?;
        let called: Vec<String> = children
            .iter()
            .map(|child| self.called(child))
            .collect::<Result<_, _>>()?;
        let text = self.say("parent.children", &json!({ "children": called }))?;
        Ok(Page::new(text).row(self.back()?).into())
    }

    /// The child that is meant: the one with this id, or the only one. Where several might be, a page that asks.
    pub(super) async fn meant(
        &mut self,
        student: Option<i64>,
        choice: impl Fn(i64) -> Choice,
    ) -> Result<Result<Child, Reply>, BotError> {
        let mut children = self.children().await?;
        if let Some(student) = student {
            children.retain(|child| child.id == student);
        }
        if children.len() == 1 {
            return Ok(Ok(children.remove(0)));
        }
        if children.is_empty() {
            return Ok(Err(self.home().await?));
        }
        let mut page = Page::new(self.tell("parent.which")?);
        for child in &children {
            page = page.row(vec![(self.called(child)?, choice(child.id))]);
        }
        Ok(Err(page.row(self.back()?).into()))
    }

    /// A view of the journal, as it stands now.
    pub(super) async fn show(
        &mut self,
        view: View,
        student: Option<i64>,
    ) -> Result<Reply, BotError> {
        if self.manner.content == ContentLevel::Ping {
            let text = self.tell("parent.ping")?;
            return Ok(Page::new(text).row(self.back()?).into());
        }
        let child = match self
            .meant(student, |id| Choice::Show(view, Some(id)))
            .await?
        {
            Ok(child) => child,
            Err(reply) => return Ok(reply),
        };
        let Some((class_id, _)) = child.class else {
            return self.home().await;
        };
        let week = Week::of(self.today);
        let from = match view {
            View::Absences => Week::of(self.today - chrono::Days::new(7)),
            _ => week,
        };
        let (today, now) = (self.today, self.now);
        let read = self.tx.class_week(class_id, (from, week), today, now);
        let Some((class, students)) = read.await? else {
            return self.home().await;
        };
        let Some(own) = students.iter().find(|one| one.id == child.id) else {
            return self.home().await;
        };
        let lesson = |number: i64| {
            if number == 0 {
                self.tell("parent.whole_day")
            } else {
                self.say("parent.lesson", &json!({ "number": number }))
            }
        };
        let journal = view::Journal {
            class: &class,
            student: own,
            today,
            language: self.language,
            templates: self.templates,
            lesson: &lesson,
        };
        let (sentence, mut data) = match view {
            View::Today => ("parent.day", journal.day()?),
            View::Week => ("parent.week", journal.week()?),
            View::Homework => ("parent.homework", journal.homework()),
            View::Marks => ("parent.marks", journal.marks()),
            View::Absences => ("parent.absences", journal.absences()?),
        };
        data["child"] = Value::String(self.called(&child)?);
        data["first_grade"] = Value::Bool(class.grade <= 1);
        let page = Page::new(self.say(sentence, &data)?);
        let student = Some(child.id);
        let views = [
            ("parent.today_button", View::Today),
            ("parent.week_button", View::Week),
            ("parent.homework_button", View::Homework),
            ("parent.marks_button", View::Marks),
        ];
        let mut others = Vec::new();
        for (words, other) in views.into_iter().filter(|(_, other)| *other != view) {
            others.push(self.button(words, Choice::Show(other, student))?);
        }
        let page = others
            .chunks(2)
            .fold(page, |page, row| page.row(row.to_vec()));
        Ok(page.row(self.back()?).into())
    }

    /// What was announced lately. What the school says to many any messenger may carry.
    pub(super) async fn announced(&mut self, student: Option<i64>) -> Result<Reply, BotError> {
        let child = match self
            .meant(student, |id| Choice::Announced(Some(id)))
            .await?
        {
            Ok(child) => child,
            Err(reply) => return Ok(reply),
        };
        let Some((class, _)) = child.class else {
            return self.home().await;
        };
        let since = self.now - LATELY;
        let words = self
            .tx
            .announced_to((child.id, class), since, self.now)
            .await?;
        let lines: Vec<Value> = words
            .iter()
            .map(|one| {
                let at = one.send_at.unwrap_or(self.now);
                let day = zone::local(at, self.manner.zone).date();
                json!({ "date": day.to_string(), "text": one.text })
            })
            .collect();
        let data = json!({ "child": self.called(&child)?, "lines": lines });
        let mut page = Page::new(self.say("parent.announced", &data)?);
        for one in words.iter().filter(|one| !one.answers.is_empty()) {
            let question = json!({ "question": shortened(&one.text) });
            let words = self.say("parent.answer_button", &question)?;
            page = page.row(vec![(words, Choice::Poll(one.id))]);
        }
        let ids: Vec<i64> = words.iter().map(|one| one.id).collect();
        for file in self.tx.attached(&ids).await? {
            let name = json!({ "name": shortened(&file.name) });
            let words = self.say("parent.file_button", &name)?;
            page = page.row(vec![(words, Choice::File(file.id))]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// Why the last messages came: their kinds, the consent and the preset.
    pub(super) async fn why(&mut self) -> Result<Reply, BotError> {
        let told = self
            .tx
            .last_messages(self.channel, self.chat, EXPLAINED)
            .await?;
        let mut messages = Vec::new();
        for (at, events) in told {
            let local = zone::local(at, self.manner.zone);
            let mut named = Vec::new();
            for event in events.iter().filter_map(|code| Event::from_code(code)) {
                named.push(self.tell(&format!("event.{}", event.code()))?);
            }
            messages.push(json!({
                "date": local.date().to_string(),
                "time": local.format("%H:%M").to_string(),
                "events": named,
            }));
        }
        let mut signed = None;
        for child in self.children().await? {
            let (_, day) = self.tx.agreed(child.guardian_id, child.id).await?;
            signed = signed.max(day);
        }
        let data = json!({
            "messages": messages,
            "date": signed.map(|day| day.to_string()),
            "preset": self.preset_in_words().await?,
        });
        let text = self.say("parent.why", &data)?;
        Ok(Page::new(text)
            .row(vec![
                self.button("parent.settings_button", Choice::Settings)?,
                self.button("parent.stop_button", Choice::Stop)?,
            ])
            .row(self.back()?)
            .into())
    }

    /// Asks once more before somebody leaves.
    pub(super) fn stop(&self) -> Result<Reply, BotError> {
        let text = self.tell("parent.stop")?;
        let row = vec![
            self.button("parent.stop_sure", Choice::StopNow)?,
            self.button("parent.stop_not", Choice::Home)?,
        ];
        Ok(Page::new(text).row(row).into())
    }

    /// Withdraws the consent to messages in messengers; the class teacher is told.
    pub(super) async fn stop_now(&mut self) -> Result<Reply, BotError> {
        let guardians = self.owners.guardians.clone();
        let (today, now) = (self.today, self.now);
        let place: (Channel, &str) = (self.channel, self.chat);
        self.tx
            .leave_messenger(&guardians, place, today, now)
            .await?;
        Ok(Page::new(self.tell("parent.stopped")?).into())
    }
}
