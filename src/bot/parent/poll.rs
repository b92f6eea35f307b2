//! What families are asked, and the files that come with what they are told.

use serde_json::json;

use super::super::{
    BotError,
    below::{in_rows, special},
    page::{Choice, Page},
    turn::{Reply, Turn},
};
use crate::{
    store::{Child, InquiryKind, NewAnswer, Poll, Pressed},
    zone,
};

impl Turn<'_> {
    /// A question to many, with what can be answered.
    pub(in crate::bot) async fn poll(&mut self, announcement: i64) -> Result<Reply, BotError> {
        let concerned = self.concerned(announcement).await?;
        let polls = self.tx.polls(&[announcement]).await?;
        let (Some(child), Some(poll)) = (concerned.first(), polls.into_iter().next()) else {
            return self.no_poll().await;
        };
        let given = self.tx.answers_to(announcement).await?;
        let own = given.get(&(child.guardian_id, child.id)).copied();
        Ok(self.poll_page(&poll, own)?.into())
    }

    /// A question is answered on its page.
    pub(in crate::bot) async fn answer(
        &mut self,
        announcement: i64,
        number: usize,
    ) -> Result<Reply, BotError> {
        if !self.write_answer(announcement, number).await? {
            return self.no_poll().await;
        }
        self.poll(announcement).await
    }

    /// A question is answered below the message that asks it; the message stays.
    pub(in crate::bot) async fn answered_below(
        &mut self,
        message: &Pressed,
        (poll, number): (usize, usize),
    ) -> Result<Reply, BotError> {
        let below = self.tx.below(message.id).await?;
        let asked = below.polls.get(poll.saturating_sub(1)).cloned();
        let Some(asked) = asked else {
            return self.no_poll().await;
        };
        if !self.write_answer(asked.announcement_id, number).await? {
            return self.no_poll().await;
        }
        let local = zone::local(self.now, self.manner.zone);
        let data = json!({
            "text": message.text,
            "answer": number.checked_sub(1).and_then(|at| asked.answers.get(at)),
            "date": local.date().to_string(),
            "time": local.format("%H:%M").to_string(),
        });
        let mut page = Page::new(self.say("parent.answered", &data)?);
        for row in special(self.words, &message.reference, &below)? {
            let choice =
                |button: vestnik_contract::Button| (button.label, Choice::Below(button.data));
            page = page.row(row.into_iter().map(choice).collect());
        }
        let page = page.row(vec![
            self.button(
                "parent.question_button",
                Choice::Ask(InquiryKind::Question, None),
            )?,
            self.button("parent.settings_button", Choice::Settings)?,
        ]);
        Ok(page.into())
    }

    /// A file of an announcement, for whom it concerns.
    pub(in crate::bot) async fn file(&mut self, attachment: i64) -> Result<Reply, BotError> {
        let carrier = self.tx.carrier_of(attachment).await?;
        let concerned = match carrier {
            Some(announcement) => !self.concerned(announcement).await?.is_empty(),
            None => false,
        };
        if !concerned {
            return self.no_poll().await;
        }
        Ok(Reply {
            files: vec![attachment],
            apart: true,
            ..Reply::default()
        })
    }

    /// The children of this chat whom an announcement that holds concerns.
    async fn concerned(&mut self, announcement: i64) -> Result<Vec<Child>, BotError> {
        let mut concerned = Vec::new();
        for child in self.children().await? {
            if let Some((class, _)) = child.class
                && self.tx.concerns(announcement, (child.id, class)).await?
            {
                concerned.push(child);
            }
        }
        Ok(concerned)
    }

    async fn write_answer(&mut self, announcement: i64, number: usize) -> Result<bool, BotError> {
        let concerned = self.concerned(announcement).await?;
        let pairs: Vec<(i64, i64)> = concerned
            .iter()
            .map(|child| (child.guardian_id, child.id))
            .collect();
        let answer = NewAnswer {
            announcement_id: announcement,
            number,
            channel: self.channel,
            entered_by: None,
            at: self.now,
        };
        Ok(self.tx.answer_poll(&answer, &pairs).await?)
    }

    fn poll_page(&self, poll: &Poll, own: Option<usize>) -> Result<Page, BotError> {
        let own = own.and_then(|number| poll.answers.get(number.checked_sub(1)?));
        let data = json!({ "question": poll.question, "answer": own });
        let mut page = Page::new(self.say("parent.poll", &data)?);
        let answers = (1..).zip(&poll.answers).map(|(number, label)| {
            let choice = Choice::Answer(poll.announcement_id, number);
            (label.clone(), choice)
        });
        for row in in_rows(answers.collect(), |(label, _)| label) {
            page = page.row(row);
        }
        Ok(page.row(self.back()?))
    }

    /// What was asked has been taken back, or never was asked here.
    async fn no_poll(&mut self) -> Result<Reply, BotError> {
        let alert = Some(self.tell("parent.gone")?);
        let home = self.home().await?;
        Ok(Reply { alert, ..home })
    }
}
