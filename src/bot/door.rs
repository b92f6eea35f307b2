//! The door: who is let in, by the code of an invitation, and what everybody else learns, which is nothing.

use serde_json::json;

use super::{
    BotError,
    code::Code,
    page::{Choice, Page},
    turn::{Reply, Turn},
};
use crate::{
    instant::{HOUR, Millis},
    store::{Guest, Invite},
    text::ContentLevel,
    zone,
};

/// How many wrong codes may be typed in one chat within [`FORGIVEN`].
const WRONG: i64 = 5;

/// How many wrong codes may be typed in all chats together within [`FORGIVEN`]: at this rate a code that
/// lives two weeks is guessed once in many thousand years.
const WRONG_IN_ALL: i64 = 300;

/// After so long wrong codes are forgotten.
const FORGIVEN: Millis = HOUR;

/// Who somebody may be to a student, with the sentence on the button.
const RELATIONS: [(&str, &str); 4] = [
    ("mother", "door.mother"),
    ("father", "door.father"),
    ("guardian", "door.guardian"),
    ("other", "door.other"),
];

impl Turn<'_> {
    /// What somebody hears whom nobody knows.
    pub(super) fn greet(&self) -> Result<Reply, BotError> {
        Ok(Page::new(self.tell("door.greeting")?).into())
    }

    /// Somebody shows a code, or writes something else.
    pub(super) async fn knock(&mut self, text: &str) -> Result<Reply, BotError> {
        let Some(code) = Code::read(text) else {
            return if self.is_stranger() {
                self.greet()
            } else {
                self.home().await
            };
        };
        self.forgive();
        let all = self.tx.wrong_codes(self.now - FORGIVEN).await?;
        if self.dialogue.failures >= WRONG || all >= WRONG_IN_ALL {
            return Ok(Page::new(self.tell("door.too_often")?).into());
        }
        let invite = self.tx.invite(&self.links.invite(&code)).await?;
        if let Some(invite) = invite.filter(|invite| !invite.revoked) {
            return self.invited(&invite).await;
        }
        self.dialogue.failures += 1;
        self.dialogue.failing_since.get_or_insert(self.now);
        Ok(Page::new(self.tell("door.wrong")?).into())
    }

    /// Forgets wrong codes that are long ago.
    fn forgive(&mut self) {
        let since = self.dialogue.failing_since;
        if since.is_some_and(|since| self.now - since >= FORGIVEN) {
            self.dialogue.failures = 0;
            self.dialogue.failing_since = None;
        }
    }

    async fn invited(&mut self, invite: &Invite) -> Result<Reply, BotError> {
        if let Some(chat) = &invite.used_in {
            if chat == self.chat {
                return self.home().await;
            }
            // Both sides hear of it: one of them has somebody else's card.
            let warning = self.tell("door.used_warning")?;
            let place = (self.channel, chat.as_str());
            self.tx.say(place, &warning, self.now).await?;
            return Ok(Page::new(self.tell("door.used")?).into());
        }
        if invite.expires_at <= self.now {
            let day = zone::local(invite.expires_at, self.manner.zone).date();
            let data = json!({ "date": day.to_string() });
            return Ok(Page::new(self.say("door.expired", &data)?).into());
        }
        match invite.guest {
            Guest::Staff(_) => self.admit(invite).await,
            Guest::Guardian {
                guardian_id,
                student_id,
            } => self.admit_guardian(invite, guardian_id, student_id).await,
        }
    }

    async fn admit_guardian(
        &mut self,
        invite: &Invite,
        guardian: i64,
        student: i64,
    ) -> Result<Reply, BotError> {
        let child = self.tx.child(student, guardian, self.today).await?;
        let Some(child) = child.filter(|child| child.class.is_some()) else {
            return Ok(Page::new(self.tell("door.left")?).into());
        };
        let (agreed, signed) = self.tx.agreed(guardian, student).await?;
        let (data, messenger) = (agreed.contains("data"), agreed.contains("messenger"));
        if !(data && messenger) {
            let missing = json!({ "data": !data, "messenger": !messenger });
            return Ok(Page::new(self.say("door.no_consent", &missing)?).into());
        }
        if !self.let_in(invite).await? {
            return Ok(Page::new(self.tell("door.used")?).into());
        }
        let hear = self.children().await?;
        if !hear.iter().any(|one| one.id == student) {
            // The register says that this family hears on paper, or not at all.
            return Ok(Page::new(self.tell("door.barred")?).into());
        }
        let school = self.tx.school_names().await?;
        let class = child.class.as_ref().map(|(_, class)| class.to_string());
        let named = match self.manner.content {
            ContentLevel::Full => Some(child.known_as.clone()),
            ContentLevel::NoNames | ContentLevel::Ping => None,
        };
        let text = self.say(
            "door.who",
            &json!({
                "school": school.name,
                "child": named,
                "class": class,
                "date": signed.map(|day| day.to_string()),
            }),
        )?;
        let mut row = Vec::new();
        for (relation, words) in RELATIONS {
            let choice = Choice::Relation {
                guardian,
                student,
                relation: relation.to_owned(),
            };
            row.push(self.button(words, choice)?);
        }
        Ok(Reply {
            pages: vec![Page::new(text).row(row)],
            menu: true,
            ..Reply::default()
        })
    }

    async fn admit(&mut self, invite: &Invite) -> Result<Reply, BotError> {
        if !self.let_in(invite).await? {
            return Ok(Page::new(self.tell("door.used")?).into());
        }
        let school = self.tx.school_names().await?;
        let text = self.say("door.staff", &json!({ "school": school.name }))?;
        let mut rows = self.staff_rows().await?;
        rows.extend(self.lead_rows().await?);
        let page = rows.into_iter().fold(Page::new(text), Page::row);
        Ok(Reply {
            pages: vec![page],
            menu: true,
            ..Reply::default()
        })
    }

    async fn let_in(&mut self, invite: &Invite) -> Result<bool, BotError> {
        let place = (self.channel, self.chat);
        let admitted = self.tx.let_in(invite, place, self.now).await?;
        if admitted {
            self.owners = self.tx.owners(self.channel, self.chat, self.today).await?;
            self.learn_language().await?;
            self.dialogue.failures = 0;
            self.dialogue.failing_since = None;
        }
        Ok(admitted)
    }

    /// Somebody says who they are to the student.
    pub(super) async fn related(
        &mut self,
        guardian: i64,
        student: i64,
        relation: &str,
    ) -> Result<Reply, BotError> {
        let known = RELATIONS.iter().any(|(code, _)| *code == relation);
        if known && self.owners.guardians.contains(&guardian) {
            self.tx.name_relation(guardian, student, relation).await?;
        }
        self.presets("door.presets")
    }
}
