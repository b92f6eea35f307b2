//! Questions to the class teacher, and what a family says is wrong. Nobody sees the other's number.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, Weekday};
use serde_json::json;

use super::super::{
    BotError,
    page::{Choice, Page, State},
    turn::{Reply, Turn},
};
use crate::{
    instant::{DAY, Millis},
    store::{InquiryKind, NewInquiry},
    text::ContentLevel,
    week::Week,
    zone,
};

/// How many inquiries a guardian may make in a day.
const A_DAY: i64 = 5;

/// Until when a mistake is answered: three days by the calendar (regulation 001, annex 6.1 №1).
const ANSWERED_IN: u64 = 3;

/// How many entries there are to choose from.
const ENTRIES: usize = 8;

/// When class teachers are disturbed.
const OFFICE: (u32, u32) = (8, 19);

impl Turn<'_> {
    /// Somebody wants to ask, or to say that something is wrong.
    pub(crate) async fn ask(
        &mut self,
        kind: InquiryKind,
        student: Option<i64>,
    ) -> Result<Reply, BotError> {
        let child = match self
            .meant(student, |id| Choice::Ask(kind, Some(id)))
            .await?
        {
            Ok(child) => child,
            Err(reply) => return Ok(reply),
        };
        let asked = self
            .tx
            .asked_since(child.guardian_id, self.now - DAY)
            .await?;
        if asked >= A_DAY {
            let school = self.tx.school_names().await?;
            let text = self.say("parent.asked_enough", &json!({ "phone": school.phone }))?;
            return Ok(Page::new(text).row(self.back()?).into());
        }
        let called = json!({ "child": self.called(&child)? });
        if kind == InquiryKind::Mistake && self.manner.content != ContentLevel::Ping {
            let mut page = Page::new(self.say("parent.which_entry", &called)?);
            for entry in self
                .entries(child.id, child.class.as_ref().map(|(id, _)| *id))
                .await?
            {
                page = page.row(vec![(entry.clone(), Choice::About(child.id, entry))]);
            }
            let other = Choice::About(child.id, String::new());
            let other = self.button("parent.other_entry", other)?;
            return Ok(page.row(vec![other]).row(self.back()?).into());
        }
        self.await_words(kind, child.id, None, &called)
    }

    /// Which entry is wrong has been chosen.
    pub(crate) async fn about(&mut self, student: i64, about: String) -> Result<Reply, BotError> {
        let choice = |id| Choice::Ask(InquiryKind::Mistake, Some(id));
        let child = match self.meant(Some(student), choice).await? {
            Ok(child) => child,
            Err(reply) => return Ok(reply),
        };
        let about = (!about.is_empty()).then_some(about);
        let data = json!({ "child": self.called(&child)?, "about": about });
        self.await_words(InquiryKind::Mistake, child.id, about, &data)
    }

    fn await_words(
        &mut self,
        kind: InquiryKind,
        student: i64,
        about: Option<String>,
        data: &serde_json::Value,
    ) -> Result<Reply, BotError> {
        let mut data = data.clone();
        data["about"] = json!(about);
        let sentence = match kind {
            InquiryKind::Question => "parent.ask_question",
            InquiryKind::Mistake => "parent.ask_mistake",
        };
        let text = self.say(sentence, &data)?;
        self.state = State::Asking {
            kind,
            student,
            about,
            text: None,
        };
        Ok(Page::new(text).row(self.back()?).into())
    }

    /// The words have been typed: they are shown once more before they leave.
    pub(crate) fn typed_inquiry(&mut self, typed: &str) -> Result<Reply, BotError> {
        let State::Asking { about, text, .. } = &mut self.state else {
            return Ok(Reply::default());
        };
        *text = Some(typed.to_owned());
        let data = json!({ "about": about.clone(), "text": typed });
        let row = vec![
            self.button("parent.send_button", Choice::SendInquiry)?,
            self.button("parent.cancel_button", Choice::Home)?,
        ];
        Ok(Page::new(self.say("parent.check", &data)?).row(row).into())
    }

    /// The inquiry leaves for the class teacher.
    pub(crate) async fn send_inquiry(&mut self) -> Result<Reply, BotError> {
        let state = std::mem::take(&mut self.state);
        let State::Asking {
            kind,
            student,
            about,
            text: Some(text),
        } = state
        else {
            let gone = Some(self.tell("parent.gone")?);
            let home = self.home().await?;
            return Ok(Reply {
                alert: gone,
                ..home
            });
        };
        let choice = |id| Choice::Ask(kind, Some(id));
        let child = match self.meant(Some(student), choice).await? {
            Ok(child) => child,
            Err(reply) => return Ok(reply),
        };
        let local = zone::local(self.now, self.manner.zone);
        let answer_on = (kind == InquiryKind::Mistake).then(|| self.today + Days::new(ANSWERED_IN));
        let end_of = |day: NaiveDate| -> Millis {
            let midnight = (day + Days::new(1)).and_time(NaiveTime::MIN);
            zone::instant(midnight, self.manner.zone) - 1
        };
        let new = NewInquiry {
            kind,
            guardian_id: child.guardian_id,
            student_id: child.id,
            about: about.as_deref(),
            text: &text,
            place: (self.channel, self.chat),
            answer_by: answer_on.map(end_of),
            heard_at: zone::instant(in_office(local), self.manner.zone),
        };
        let teachers = self.tx.inquire(&new, self.today, self.now).await?;
        let words = if teachers == 0 {
            let school = self.tx.school_names().await?;
            self.say("parent.nobody", &json!({ "phone": school.phone }))?
        } else if let Some(day) = answer_on {
            self.say("parent.sent_mistake", &json!({ "date": day.to_string() }))?
        } else {
            self.tell("parent.sent_question")?
        };
        Ok(Page::new(words).row(self.back()?).into())
    }

    /// The newest entries about a student, as buttons name them.
    async fn entries(&mut self, student: i64, class: Option<i64>) -> Result<Vec<String>, BotError> {
        let Some(class) = class else {
            return Ok(Vec::new());
        };
        let week = Week::of(self.today);
        let from = Week::of(self.today - Days::new(14));
        let (today, now) = (self.today, self.now);
        let read = self.tx.class_week(class, (from, week), today, now).await?;
        let Some((class, students)) = read else {
            return Ok(Vec::new());
        };
        let mut entries: Vec<(NaiveDate, String)> = Vec::new();
        for own in students.iter().filter(|one| one.id == student) {
            for mark in own.marks.iter().filter(|_| class.grade > 1) {
                let subject = class.subjects.get(&mark.subject_id);
                let data = json!({
                    "date": mark.date.to_string(),
                    "subject": subject.map(|(_, name)| name),
                    "value": mark.value,
                });
                entries.push((mark.date, self.say("parent.entry_mark", &data)?));
            }
            for one in own.attendance.iter().filter(|one| !one.late) {
                let lesson = match one.number {
                    0 => self.tell("parent.whole_day")?,
                    number => self.say("parent.lesson", &json!({ "number": number }))?,
                };
                let data = json!({ "date": one.date.to_string(), "lesson": lesson });
                entries.push((one.date, self.say("parent.entry_missed", &data)?));
            }
        }
        entries.sort_by_key(|(day, _)| std::cmp::Reverse(*day));
        entries.truncate(ENTRIES);
        Ok(entries.into_iter().map(|(_, words)| words).collect())
    }
}

/// The first moment from `now` on at which a class teacher may be disturbed: on workdays, in office hours.
fn in_office(now: NaiveDateTime) -> NaiveDateTime {
    let (opens, closes) = OFFICE;
    let at = |day: NaiveDate, hour| day.and_hms_opt(hour, 0, 0).unwrap_or(now);
    let weekend = |day: NaiveDate| matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
    let mut day = now.date();
    if !weekend(day) && now < at(day, opens) {
        return at(day, opens);
    }
    if !weekend(day) && now < at(day, closes) {
        return now;
    }
    day = day + Days::new(1);
    while weekend(day) {
        day = day + Days::new(1);
    }
    at(day, opens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn teachers_are_disturbed_on_workdays_from_eight_to_seven() {
        let at = |text: &str| in_office(text.parse().expect("a time")).to_string();
        assert_eq!(at("2026-10-14T07:59:00"), "2026-10-14 08:00:00");
        assert_eq!(at("2026-10-14T12:30:00"), "2026-10-14 12:30:00");
        assert_eq!(at("2026-10-14T19:00:00"), "2026-10-15 08:00:00");
        assert_eq!(at("2026-10-16T19:30:00"), "2026-10-19 08:00:00");
        assert_eq!(at("2026-10-17T10:00:00"), "2026-10-19 08:00:00");
    }
}
