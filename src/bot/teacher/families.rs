//! Single families: what they ask, notes to them, and whom nothing electronic reaches.

use serde_json::json;

use super::{
    super::{
        BotError,
        page::{Choice, Page, State},
        turn::{Reply, Turn},
    },
    Task,
    announce::names,
};
use crate::{
    family::{
        preference::Event,
        rights,
        route::{Route, WhyPaper, route},
    },
    journal::class_name::ClassName,
    paper::content::reason,
    store::{Child, InquiryKind},
    zone,
};

/// The kinds of notes: `remark.kind`, and what stands on the button. Praise comes first.
const KINDS: [(&str, &str); 4] = [
    ("praise", "teacher.kind_praise"),
    ("achievement", "teacher.kind_achievement"),
    ("appeal", "teacher.kind_appeal"),
    ("remark", "teacher.kind_remark"),
];

/// How many lines a list of families has at most.
const LISTED: usize = 40;

impl Turn<'_> {
    /// What families ask and nobody has answered.
    pub(super) async fn inquiries(&mut self) -> Result<Reply, BotError> {
        let classes: Vec<i64> = self
            .classes()
            .await?
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        let open = self.tx.open_inquiries(&classes, self.today).await?;
        let sentence = if open.is_empty() {
            "teacher.no_inquiries"
        } else {
            "teacher.inquiries"
        };
        let mut page = Page::new(self.tell(sentence)?);
        for one in open {
            let words = match one.kind {
                InquiryKind::Question => "teacher.inquiry_question",
                InquiryKind::Mistake => "teacher.inquiry_mistake",
            };
            let who = if self.names() {
                one.student
            } else {
                self.nameless(&one.class)?
            };
            let words = self.say(words, &json!({ "who": who }))?;
            page = page.row(vec![(words, Choice::Staff(Task::Inquiry(one.id)))]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// One of them; what is typed next answers it.
    pub(super) async fn inquiry(&mut self, id: i64) -> Result<Reply, BotError> {
        let classes: Vec<i64> = self
            .classes()
            .await?
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        let open = self.tx.open_inquiries(&classes, self.today).await?;
        let Some(one) = open.into_iter().find(|one| one.id == id) else {
            let alert = Some(self.tell("teacher.answered_already")?);
            let list = self.inquiries().await?;
            return Ok(Reply { alert, ..list });
        };
        let day = one
            .answer_by
            .map(|at| zone::local(at, self.manner.zone).date().to_string());
        let data = json!({
            "who": if self.names() { one.student } else { self.nameless(&one.class)? },
            "from": self.names().then_some(one.guardian),
            "about": one.about,
            "text": one.text,
            "date": day,
        });
        self.state = State::Answering {
            inquiry: id,
            text: None,
        };
        let back = self.button("parent.back_button", Choice::Staff(Task::Inquiries))?;
        Ok(Page::new(self.say("teacher.inquiry", &data)?)
            .row(vec![back])
            .into())
    }

    /// The answer leaves for the chat in which the family asked.
    pub(super) async fn send_answer(&mut self) -> Result<Reply, BotError> {
        if !self.in_session() {
            return self.ask_pin(Choice::Staff(Task::SendAnswer)).await;
        }
        let state = std::mem::take(&mut self.state);
        let (
            State::Answering {
                inquiry,
                text: Some(text),
            },
            Some(staff),
        ) = (state, self.staff())
        else {
            return self.inquiries().await;
        };
        let classes: Vec<i64> = self
            .classes()
            .await?
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        let open = self.tx.open_inquiries(&classes, self.today).await?;
        let Some(one) = open.into_iter().find(|one| one.id == inquiry) else {
            let alert = Some(self.tell("teacher.answered_already")?);
            let list = self.inquiries().await?;
            return Ok(Reply { alert, ..list });
        };
        let data = json!({ "question": one.text, "answer": text });
        let words = self.say("teacher.answer", &data)?;
        self.tx
            .answer_inquiry(inquiry, staff, &text, &words, self.now)
            .await?;
        let alert = Some(self.tell("teacher.answered")?);
        let list = self.inquiries().await?;
        Ok(Reply { alert, ..list })
    }

    /// To which class's family a note goes.
    pub(super) async fn note(&mut self) -> Result<Reply, BotError> {
        let classes = self.classes().await?;
        if let [(only, _)] = classes[..] {
            return self.note_to(only).await;
        }
        let mut page = Page::new(self.tell("teacher.which_class")?);
        for row in classes.chunks(3) {
            let button = |(id, class): &(i64, ClassName)| {
                (class.to_string(), Choice::Staff(Task::NoteTo(*id)))
            };
            page = page.row(row.iter().map(button).collect());
        }
        Ok(page.row(self.back()?).into())
    }

    /// To which student's family.
    pub(super) async fn note_to(&mut self, class: i64) -> Result<Reply, BotError> {
        let Some(called) = self.class_called(class).await? else {
            return self.home().await;
        };
        let of = self.tx.people_of_classes(&[class], self.today).await?;
        let mut page = Page::new(self.say("teacher.which_student", &json!({ "class": called }))?);
        let mut row = Vec::new();
        for student in of.students {
            if let Some(child) = self.tx.child(student, 0, self.today).await? {
                row.push((
                    self.child_called(&child)?,
                    Choice::Staff(Task::NoteFor(student)),
                ));
            }
            if row.len() == 2 {
                page = page.row(std::mem::take(&mut row));
            }
        }
        Ok(page.row(row).row(self.back()?).into())
    }

    /// Which kind of note.
    pub(super) async fn note_for(&mut self, student: i64) -> Result<Reply, BotError> {
        let Some(who) = self.own_student(student).await? else {
            return self.home().await;
        };
        let mut page = Page::new(self.say("teacher.which_kind", &json!({ "who": who }))?);
        for (kind, words) in KINDS {
            let task = Task::NoteKind(student, kind.to_owned());
            page = page.row(vec![self.button(words, Choice::Staff(task))?]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// What is typed next is the note.
    pub(super) async fn note_kind(&mut self, student: i64, kind: &str) -> Result<Reply, BotError> {
        let Some(who) = self.own_student(student).await? else {
            return self.home().await;
        };
        let Some((kind, words)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            return self.note_for(student).await;
        };
        self.state = State::Noting {
            student,
            kind: (*kind).to_owned(),
            text: None,
        };
        let data = json!({ "who": who, "kind": self.tell(words)? });
        Ok(Page::new(self.say("teacher.note", &data)?)
            .row(self.back()?)
            .into())
    }

    /// The note is an entry of the journal, and goes the way of all of them.
    pub(super) async fn send_note(&mut self) -> Result<Reply, BotError> {
        if !self.in_session() {
            return self.ask_pin(Choice::Staff(Task::SendNote)).await;
        }
        let state = std::mem::take(&mut self.state);
        let (
            State::Noting {
                student,
                kind,
                text: Some(text),
            },
            Some(staff),
        ) = (state, self.staff())
        else {
            return self.home().await;
        };
        if self.own_student(student).await?.is_none() {
            return self.home().await;
        }
        self.tx
            .add_remark(student, &kind, &text, staff, self.today)
            .await?;
        Ok(Page::new(self.tell("teacher.noted")?)
            .row(self.back()?)
            .into())
    }

    /// Families that nothing electronic reaches, and why.
    pub(super) async fn unreachable_families(&mut self) -> Result<Reply, BotError> {
        let own = self.classes().await?;
        let classes: Vec<i64> = own.iter().map(|(id, _)| *id).collect();
        let of = self.tx.people_of_classes(&classes, self.today).await?;
        let mut found = Vec::new();
        for student in &of.students {
            for guardian in rights::hearers(&of.people, *student, self.today) {
                let Some(one) = of.people.guardian(guardian) else {
                    continue;
                };
                let event = Event::Announcement;
                let channels = &self.manner.channels;
                let by = route(&of.people, one, *student, event, channels, self.today);
                if let Route::Sheet(why) = by
                    && matches!(
                        why,
                        WhyPaper::NoContact
                            | WhyPaper::Unreachable
                            | WhyPaper::Failed
                            | WhyPaper::ClosedAddress
                    )
                {
                    found.push((guardian, *student, why));
                }
            }
        }
        let ids: Vec<i64> = found.iter().map(|(guardian, ..)| *guardian).collect();
        let known = self.tx.guardian_initials(&ids).await?;
        let most = if self.names() { LISTED } else { 0 };
        let more = found.len().saturating_sub(most);
        let mut lines = Vec::new();
        for (guardian, student, why) in found.into_iter().take(most) {
            let child = self.tx.child(student, guardian, self.today).await?;
            let child = child.map(|child| child.known_as).unwrap_or_default();
            let name = known.get(&guardian).cloned().unwrap_or_default();
            lines.push(format!("{name} ({child}): {}", staff_reason(why)));
        }
        let data = json!({
            "classes": names(&own),
            "lines": lines,
            "more": (more > 0).then_some(more),
        });
        Ok(Page::new(self.say("teacher.unreachable", &data)?)
            .row(self.back()?)
            .into())
    }

    /// «Мария С.», for who may speak to the student's class.
    async fn own_student(&mut self, student: i64) -> Result<Option<String>, BotError> {
        let child = self.tx.child(student, 0, self.today).await?;
        let Some(child) = child else { return Ok(None) };
        let Some((class, _)) = child.class else {
            return Ok(None);
        };
        let Some(class) = self.class_called(class).await? else {
            return Ok(None);
        };
        let name = self.child_called(&child)?;
        Ok(Some(format!("{name}, {class}")))
    }

    /// «Мария С.», or the number in the register where the messenger may carry no names.
    pub(super) fn child_called(&self, child: &Child) -> Result<String, BotError> {
        if self.names() {
            return Ok(child.known_as.clone());
        }
        let data = json!({ "number": child.number, "id": child.id });
        self.say("teacher.by_number", &data)
    }

    /// «ученик 5 «А»»
    fn nameless(&self, class: &ClassName) -> Result<String, BotError> {
        self.say("parent.nameless", &json!({ "class": class.to_string() }))
    }
}

/// Why a family hears on paper, in a teacher's words.
fn staff_reason(why: WhyPaper) -> String {
    match why {
        WhyPaper::NoContact => "нет ни телефона, ни почты".to_owned(),
        WhyPaper::Unreachable | WhyPaper::Failed => {
            "сообщения не доходят, сверьте адреса".to_owned()
        }
        WhyPaper::ClosedAddress => "адрес общий с тем, кому сообщать нельзя".to_owned(),
        other => reason(other).to_owned(),
    }
}
