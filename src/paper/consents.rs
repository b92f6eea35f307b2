//! Forms of consent for the guardians of a class: for each purpose that nobody asked them about (regulation 002
//! §2.1, 152-ФЗ art. 9).

use vestnik_sheet::{CONSENTS, Consents, Form, Pdf};

use super::press::{PaperError, Press};
use crate::{
    family::{
        consent::{self, ConsentState, Purpose},
        contact::Channel,
        rights,
    },
    instant::Millis,
    week::Week,
    zone,
};

impl Press {
    /// Sets the forms of a class, in the order of its register: those of one student, or all; of these purposes,
    /// as far as a guardian has not answered yet. None where nobody attends the class or everything is answered.
    ///
    /// # Errors
    /// [`PaperError`]
    pub async fn consents(
        &self,
        (class, student): (i64, Option<i64>),
        purposes: &[Purpose],
        now: Millis,
    ) -> Result<Option<Pdf>, PaperError> {
        let today = zone::local(now, self.zone).date();
        let week = Week::of(today);
        let mut tx = self.store.snapshot().await?;
        let read = tx.class_week(class, (week, week), today, now).await?;
        let Some((class, students)) = read else {
            return Ok(None);
        };
        let ids: Vec<i64> = students.iter().map(|one| one.id).collect();
        let people = tx.people(&ids, today).await?;
        let homes = tx.homes(&ids).await?;
        tx.commit().await?;
        let mut forms = Vec::new();
        for one in students
            .iter()
            .filter(|one| student.is_none_or(|id| id == one.id))
        {
            for guardian in rights::hearers(&people, one.id, today) {
                let name = homes.get(&(guardian, one.id)).map(|(name, _)| name.clone());
                for purpose in purposes {
                    let state = consent::state(&people.consents, guardian, one.id, *purpose);
                    if state != ConsentState::NotAsked {
                        continue;
                    }
                    let channel = match purpose {
                        Purpose::Sms => Some(Channel::Sms),
                        Purpose::Email => Some(Channel::Email),
                        Purpose::Data | Purpose::Messenger => None,
                    };
                    let known = people.contacts_of(guardian);
                    let known = known
                        .iter()
                        .find(|contact| Some(contact.channel) == channel);
                    forms.push(Form {
                        purpose: purpose.code().to_owned(),
                        guardian: name.clone().unwrap_or_default(),
                        student: one.name.clone(),
                        address: known.map(|contact| contact.address.clone()),
                    });
                }
            }
        }
        if forms.is_empty() {
            return Ok(None);
        }
        let consents = Consents {
            school: class.school.name,
            phone: class.school.phone,
            class: class.class,
            forms,
        };
        Ok(Some(self.child.render(&consents, CONSENTS).await?))
    }
}
