//! Extracts from the journal on request: of one student or a class, of any weeks, certified or not (regulations
//! 001 §3.8 and 003 §5.1). They tell nobody anything and are no part of the register.

use chrono::Datelike;
use vestnik_sheet::{Batch, Pdf, Purpose};

use super::{
    content::{self, Household},
    press::{PaperError, Press},
};
use crate::{instant::Millis, week::Week, zone};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Extract {
    /// `class.id`
    pub class: i64,
    /// `student.id`; none for all of the class.
    pub student: Option<i64>,
    /// The first week and the last one.
    pub weeks: (Week, Week),
    /// Its number in the school's register, if it has one.
    pub number: Option<String>,
    /// Whether it is laid out to be signed by the director and sealed.
    pub certified: bool,
    /// Whether it is made for an archive, as PDF/A-2.
    pub archived: bool,
}

impl Press {
    /// Sets an extract. None where nobody attends the class.
    ///
    /// # Errors
    /// [`PaperError`]
    pub async fn extract(&self, asked: &Extract, now: Millis) -> Result<Option<Pdf>, PaperError> {
        let today = zone::local(now, self.zone).date();
        let mut tx = self.store.snapshot().await?;
        let read = tx.class_week(asked.class, asked.weeks, today, now).await?;
        tx.commit().await?;
        let Some((class, students)) = read else {
            return Ok(None);
        };
        let nobody = Household::default();
        let mut batch = Batch {
            school: class.school.name.clone(),
            phone: class.school.phone.clone(),
            class: class.class.clone(),
            class_teacher: class.class_teacher.clone(),
            week: class.week.label_from(class.from, true),
            certified: asked
                .certified
                .then(|| class.director.clone().unwrap_or_default()),
            several: class.from < class.week,
            duplex: self.duplex,
            register: Vec::new(),
            extract: Some(asked.number.clone().unwrap_or_default()),
            sheets: Vec::new(),
        };
        let wanted = |id: i64| asked.student.is_none_or(|student| student == id);
        for student in students.iter().filter(|student| wanted(student.id)) {
            let mut page = content::sheet(&class, student, &nobody, &[], &self.templates)?;
            // An extract says what was; what lies ahead is for the weekly sheet.
            page.homework.clear();
            page.ahead.clear();
            batch.sheets.push(page);
        }
        if batch.sheets.is_empty() {
            return Ok(None);
        }
        let day = |number: u32| u8::try_from(number).unwrap_or(1);
        let purpose = if asked.archived {
            Purpose::Archive(today.year(), day(today.month()), day(today.day()))
        } else {
            Purpose::Print
        };
        let pdf = self.child.render_for(&batch, &self.layout, purpose);
        Ok(Some(pdf.await?))
    }
}
