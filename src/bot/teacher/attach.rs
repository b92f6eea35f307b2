//! The files that come with a word to many.

use serde_json::json;
use vestnik_contract::Attachment;

use super::super::{
    BotError,
    page::{Page, State},
    turn::{Reply, Turn},
};
use crate::announce::{MAX_FILE, MAX_FILES, endings, file};

impl Turn<'_> {
    /// A file was sent while a word to many is written: it comes with it, and what stands below it is the
    /// text where there is none yet.
    pub(in crate::bot) async fn attach(&mut self, sent: &Attachment) -> Result<Reply, BotError> {
        let State::Drafting(draft) = &self.state else {
            return self.home().await;
        };
        let number = draft.files.len() + 1;
        let known: usize = draft.files.iter().map(|file| file.bytes).sum();
        let together = u64::try_from(known).unwrap_or(u64::MAX) + sent.bytes;
        let Some((name, mime)) = file(sent.name.as_deref(), &sent.mime, number) else {
            let data = json!({ "endings": endings() });
            return self.not_attached(&self.say("teacher.file_kind", &data)?);
        };
        if number > MAX_FILES || together > MAX_FILE {
            let data = json!({ "most": MAX_FILES, "megabytes": MAX_FILE / 1024 / 1024 });
            return self.not_attached(&self.say("teacher.file_much", &data)?);
        }
        let Some(content) = self.brought else {
            return self.not_attached(&self.tell("teacher.file_failed")?);
        };
        let kept = self.tx.keep_file((&name, mime), content, self.now).await?;
        let State::Drafting(draft) = &mut self.state else {
            return self.home().await;
        };
        draft.files.push(kept);
        match sent.caption.as_deref().map(str::trim) {
            Some(caption) if draft.text.is_none() && !caption.is_empty() => {
                draft.text = Some(caption.to_owned());
            }
            _ => {}
        }
        if draft.text.is_some() {
            return self.check().await;
        }
        Ok(Page::new(self.tell("teacher.file_first")?)
            .row(self.back()?)
            .into())
    }

    /// No file comes with it any more.
    pub(super) async fn detach(&mut self) -> Result<Reply, BotError> {
        if let State::Drafting(draft) = &mut self.state {
            draft.files.clear();
        }
        self.check().await
    }

    fn not_attached(&self, why: &str) -> Result<Reply, BotError> {
        Ok(Page::new(why.to_owned()).row(self.back()?).into())
    }
}
