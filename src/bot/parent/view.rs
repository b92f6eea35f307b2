//! The journal as a family's views show it: from the rows of a class's week to what sentences are filled with.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::{
    bot::BotError,
    journal::cell::{DEBT, News},
    paper::content::{Attendance, ClassWeek, Mark, StudentWeek, average, subject_of},
    text::{Item, Language, Templates},
};

/// How many days ahead «today» looks for tests, meetings and changes.
const AHEAD: u64 = 2;

/// One student's journal.
pub(super) struct Journal<'a> {
    pub(super) class: &'a ClassWeek,
    pub(super) student: &'a StudentWeek,
    pub(super) today: NaiveDate,
    pub(super) language: Language,
    pub(super) templates: &'a Templates,
    /// How a lesson is called by its number.
    pub(super) lesson: &'a dyn Fn(i64) -> Result<String, BotError>,
}

impl Journal<'_> {
    /// The day, and what is due next.
    pub(super) fn day(&self) -> Result<Value, BotError> {
        let mut day = self.of(self.today)?;
        let due_on = self.student.homework.iter().map(|item| item.date).min();
        let due: Vec<Value> = self
            .student
            .homework
            .iter()
            .filter(|item| Some(item.date) == due_on)
            .map(task)
            .collect();
        let near = self.today + Days::new(AHEAD);
        let mut ahead = Vec::new();
        for item in self.student.ahead.iter().filter(|item| item.date <= near) {
            let sentence = self.templates.sentence(self.language, item)?;
            let when = self.language.short_weekday(item.date);
            ahead.push(format!("{when}: {sentence}"));
        }
        day["due"] = json!(due);
        day["due_on"] = json!(due_on.map(|day| day.to_string()));
        day["ahead"] = json!(ahead);
        Ok(day)
    }

    /// The days of the week that have something.
    pub(super) fn week(&self) -> Result<Value, BotError> {
        let monday = self.class.week.monday();
        let mut days = Vec::new();
        for day in (0..7).map(|day| monday + Days::new(day)) {
            let shown = self.of(day)?;
            let empty = |key: &str| shown[key].as_array().is_none_or(Vec::is_empty);
            if !(empty("marks") && empty("missed") && empty("late")) {
                days.push(shown);
            }
        }
        let friday = monday + Days::new(4);
        Ok(json!({ "label": self.language.days(monday, friday), "days": days }))
    }

    /// What is to be done at home, by the days on which it is due.
    pub(super) fn homework(&self) -> Value {
        let mut days: BTreeMap<NaiveDate, Vec<Value>> = BTreeMap::new();
        for item in &self.student.homework {
            days.entry(item.date).or_default().push(task(item));
        }
        let days: Vec<Value> = days
            .into_iter()
            .map(|(day, tasks)| json!({ "date": day.to_string(), "tasks": tasks }))
            .collect();
        json!({ "days": days })
    }

    /// The marks since the term began, by subjects, with their averages.
    pub(super) fn marks(&self) -> Value {
        let mut subjects: Vec<(i64, Value)> = Vec::new();
        let ids: BTreeSet<i64> = self.marked().map(|mark| mark.subject_id).collect();
        for id in ids {
            let marks: Vec<&Mark> = self.marked().filter(|mark| mark.subject_id == id).collect();
            let (position, name) = self.class.subjects.get(&id).cloned().unwrap_or_default();
            let values: Vec<&str> = marks.iter().map(|mark| value(mark)).collect();
            let line = json!({
                "subject": name,
                "values": values.join(" "),
                "average": average(&marks),
            });
            subjects.push((position, line));
        }
        subjects.sort_by_key(|(position, _)| *position);
        let subjects: Vec<Value> = subjects.into_iter().map(|(_, line)| line).collect();
        json!({ "subjects": subjects })
    }

    /// The days on which something was missed.
    pub(super) fn absences(&self) -> Result<Value, BotError> {
        let days: BTreeSet<NaiveDate> =
            self.student.attendance.iter().map(|one| one.date).collect();
        let mut shown = Vec::new();
        for day in days {
            shown.push(json!({
                "date": day.to_string(),
                "missed": self.attendance(day, false)?,
                "late": self.attendance(day, true)?,
            }));
        }
        Ok(json!({ "days": shown }))
    }

    /// The marks, where the grade has any.
    fn marked(&self) -> impl Iterator<Item = &Mark> {
        let graded = self.class.grade > 1;
        self.student.marks.iter().filter(move |_| graded)
    }

    fn of(&self, day: NaiveDate) -> Result<Value, BotError> {
        let mut marks: Vec<(i64, Value)> = Vec::new();
        let of_day: Vec<&Mark> = self.marked().filter(|mark| mark.date == day).collect();
        let ids: BTreeSet<i64> = of_day.iter().map(|mark| mark.subject_id).collect();
        for id in ids {
            let (position, name) = self.class.subjects.get(&id).cloned().unwrap_or_default();
            let values: Vec<String> = of_day
                .iter()
                .filter(|mark| mark.subject_id == id)
                .map(|mark| match &mark.work_kind {
                    Some(kind) => format!("{} ({kind})", value(mark)),
                    None => value(mark).to_owned(),
                })
                .collect();
            marks.push((
                position,
                json!({ "subject": name, "values": values.join(", ") }),
            ));
        }
        marks.sort_by_key(|(position, _)| *position);
        let marks: Vec<Value> = marks.into_iter().map(|(_, line)| line).collect();
        Ok(json!({
            "date": day.to_string(),
            "marks": marks,
            "missed": self.attendance(day, false)?,
            "late": self.attendance(day, true)?,
        }))
    }

    /// The lessons of a day that the student missed, or came late to.
    fn attendance(&self, day: NaiveDate, late: bool) -> Result<Vec<String>, BotError> {
        let lessons: Vec<_> = self.class.lessons.iter().collect();
        let of_day = |one: &&Attendance| one.date == day && one.late == late;
        let mut named = Vec::new();
        for one in self.student.attendance.iter().filter(of_day) {
            let subject = subject_of(one, &lessons)
                .and_then(|id| self.class.subjects.get(&id))
                .map(|(_, name)| name.clone());
            named.push(match subject {
                Some(name) => name,
                None => (self.lesson)(one.number)?,
            });
        }
        Ok(named)
    }
}

/// A mark as families read it: a bare point is taken for dirt.
fn value(mark: &Mark) -> &str {
    if mark.value == DEBT {
        "долг"
    } else {
        &mark.value
    }
}

fn task(item: &Item) -> Value {
    let text = match &item.news {
        News::Entered(text) | News::Corrected { new: text, .. } => text.as_str(),
        News::Withdrawn(_) => "",
    };
    json!({ "subject": item.subject, "text": text })
}
