//! What a school reads out by telephone when nothing electronic works (regulation 000 §2.5.9).

use chrono::Datelike;
use vestnik_sheet::{CALLS, Call, Calls, Pdf};

use super::{
    content::{self, Household},
    press::{PaperError, Press},
};
use crate::{family::rights, instant::Millis, text::words, week::Week, zone};

impl Press {
    /// The calls of a class: homework and what lies ahead, to each family with a number. None where nobody
    /// attends the class.
    ///
    /// # Errors
    /// [`PaperError`]
    pub async fn calls(&self, class: i64, now: Millis) -> Result<Option<Pdf>, PaperError> {
        let today = zone::local(now, self.zone).date();
        let week = Week::of(today);
        let mut tx = self.store.snapshot().await?;
        let Some((class, students)) = tx.class_week(class, (week, week), today, now).await? else {
            return Ok(None);
        };
        let ids: Vec<i64> = students.iter().map(|student| student.id).collect();
        let people = tx.people(&ids, today).await?;
        let homes = tx.homes(&ids).await?;
        let nobody = Household::default();
        let mut read: Vec<String> = Vec::new();
        let mut calls = Vec::new();
        for student in &students {
            let page = content::sheet(&class, student, &nobody, &[], &self.templates)?;
            let homework = page.homework.iter();
            let homework =
                homework.map(|one| format!("{}. {}: {}", one.due, one.subject, one.text));
            for line in page.ahead.iter().cloned().chain(homework) {
                if !read.contains(&line) {
                    read.push(line);
                }
            }
            // Whoever must not hear is not called.
            let hearers = rights::hearers(&people, student.id, today);
            let phones = tx.phones(&hearers).await?;
            for guardian in hearers {
                let (name, _) = homes
                    .get(&(guardian, student.id))
                    .cloned()
                    .unwrap_or_default();
                calls.push(Call {
                    student: student.name.clone(),
                    guardian: name,
                    phone: phones.get(&guardian).cloned(),
                });
            }
        }
        tx.commit().await?;
        if calls.is_empty() {
            return Ok(None);
        }
        let calls = Calls {
            school: class.school.name.clone(),
            class: class.class.clone(),
            day: format!("{} {}", words::day(today), today.year()),
            words: read,
            calls,
        };
        Ok(Some(self.child.render(&calls, CALLS).await?))
    }
}
