//! The week's mail: what the printed sheet shows, for all children of the family in one mail.

use std::collections::BTreeMap;

use super::{Engine, EngineError};
use crate::{
    compose::Draft,
    family::contact::Channel,
    instant::Millis,
    paper::content::{ClassWeek, Household, StudentWeek, sheet},
    store::Tx,
    text::Occasion,
    week::Week,
};

/// The classes whose week was read for the mails of this turn.
pub(super) type Classes = BTreeMap<i64, Option<(ClassWeek, Vec<StudentWeek>)>>;

impl Engine {
    /// Puts the week of each student into a mail that tells of the week. The news stands there all the
    /// same: the table shows the journal, and the news what the family has to hear.
    pub(super) async fn with_weeks(
        &self,
        tx: &mut Tx,
        draft: &mut Draft,
        classes: &mut Classes,
        now: Millis,
    ) -> Result<(), EngineError> {
        if draft.channel != Channel::Email || draft.letter.occasion != Occasion::Weekly {
            return Ok(());
        }
        let today = draft.letter.date;
        let nobody = Household::default();
        for student in &mut draft.letter.students {
            let Some(class_id) = tx.class_of(student.id, today).await? else {
                continue;
            };
            if let std::collections::btree_map::Entry::Vacant(place) = classes.entry(class_id) {
                let week = Week::told_on(today);
                place.insert(tx.class_week(class_id, (week, week), today, now).await?);
            }
            let Some(Some((class, students))) = classes.get(&class_id) else {
                continue;
            };
            if let Some(own) = students.iter().find(|one| one.id == student.id) {
                student.week = Some(sheet(class, own, &nobody, &[], &self.templates)?);
            }
        }
        Ok(())
    }
}
