//! A teacher's own desk: a colleague who stands in, and what to do when somebody else has the phone.

use chrono::Days;
use serde_json::json;

use super::{
    super::{
        BotError,
        page::{Choice, Page},
        turn::{Reply, Turn},
    },
    Task,
};

/// For how many days a colleague may stand in.
const DAYS: [(u64, &str); 4] = [
    (1, "teacher.day_1"),
    (3, "teacher.day_3"),
    (7, "teacher.day_7"),
    (14, "teacher.day_14"),
];

impl Turn<'_> {
    /// The colleagues who may stand in.
    pub(super) async fn delegate(&mut self) -> Result<Reply, BotError> {
        let Some(staff) = self.staff() else {
            return self.home().await;
        };
        let colleagues = self.tx.colleagues(staff, self.today).await?;
        let mut page = Page::new(self.tell("teacher.delegate")?);
        for (id, name) in colleagues {
            page = page.row(vec![(name, Choice::Staff(Task::DelegateTo(id)))]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// For how long.
    pub(super) async fn delegate_to(&mut self, colleague: i64) -> Result<Reply, BotError> {
        let Some(name) = self.colleague(colleague).await? else {
            return self.delegate().await;
        };
        let mut page = Page::new(self.say("teacher.delegate_to", &json!({ "name": name }))?);
        for (days, words) in DAYS {
            let task = Task::DelegateFor(colleague, days);
            page = page.row(vec![self.button(words, Choice::Staff(task))?]);
        }
        Ok(page.row(self.back()?).into())
    }

    /// A colleague stands in from today on.
    pub(super) async fn delegate_for(
        &mut self,
        colleague: i64,
        days: u64,
    ) -> Result<Reply, BotError> {
        let known = DAYS.iter().any(|(known, _)| *known == days);
        let name = self.colleague(colleague).await?.filter(|_| known);
        let (Some(name), Some(staff)) = (name, self.staff()) else {
            return self.delegate().await;
        };
        if !self.in_session() {
            return self
                .ask_pin(Choice::Staff(Task::DelegateFor(colleague, days)))
                .await;
        }
        let until = self.today + Days::new(days - 1);
        self.tx
            .delegate(staff, colleague, self.today, until)
            .await?;
        let data = json!({ "name": name, "date": until.to_string() });
        Ok(Page::new(self.say("teacher.delegated", &data)?)
            .row(self.back()?)
            .into())
    }

    async fn colleague(&mut self, id: i64) -> Result<Option<String>, BotError> {
        let Some(staff) = self.staff() else {
            return Ok(None);
        };
        let colleagues = self.tx.colleagues(staff, self.today).await?;
        Ok(colleagues
            .into_iter()
            .find_map(|(one, name)| (one == id).then_some(name)))
    }

    /// Asks once more before a member of staff is cut off.
    pub(super) fn cut_off(&self) -> Result<Reply, BotError> {
        let row = vec![
            self.button(
                "teacher.cut_off_sure_button",
                Choice::Staff(Task::CutOffNow),
            )?,
            self.button("parent.back_button", Choice::Home)?,
        ];
        Ok(Page::new(self.tell("teacher.cut_off")?).row(row).into())
    }

    /// Cuts all chats of a member of staff off, and stops what has not left. Whoever cries needs no PIN.
    pub(super) async fn cut_off_now(&mut self) -> Result<Reply, BotError> {
        if let Some(staff) = self.staff() {
            self.tx.cut_off(staff, self.now).await?;
            self.dialogue.session_until = None;
            self.owners.staff = None;
        }
        Ok(Page::new(self.tell("teacher.is_cut_off")?).into())
    }
}
