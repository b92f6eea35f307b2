//! What the bot does beside listening: it keeps its lane, says what is to be said by itself, and shows authors
//! how their words spread.

use std::{future::pending, sync::Arc};

use rand::rngs::StdRng;
use tokio::time::timeout;
use vestnik_contract::{Button, Messenger, Outcome, Screen};

use super::{
    Manner, POLL, Words,
    admin::Picture,
    calm,
    page::Choice,
    teacher::{Task, given, told},
};
use crate::{
    app::{Pace, story},
    clock::Clock,
    engine::reference,
    family::contact::Channel,
    instant::{DAY, HOUR, Millis, SECOND},
    schedule,
    store::{LEASE, Store, StoreError, Watched},
    text::{ContentLevel, Language},
    zone,
};

/// How seldom a message is edited while a word spreads.
const EDITED: Millis = 3 * SECOND;

/// When who leads the school hears how yesterday was (product F4): cron with seconds, in the school's zone.
const MORNING: &str = "0 45 7 * * Mon-Sat";

/// When class teachers are reminded of the sheets that were printed last week: cron with seconds, as before.
const SHEETS: &str = "0 0 14 * * Mon";

/// A morning that is so long over is not told of any more.
const LATE: Millis = 3 * HOUR;

/// After so long nobody watches any more; the report can still be asked for.
const WATCHED: Millis = 72 * HOUR;

/// What goes on beside the listening.
pub(super) struct Beside {
    pub(super) store: Store,
    pub(super) messenger: Arc<dyn Messenger>,
    pub(super) channel: Channel,
    pub(super) clock: Clock,
    pub(super) manner: Manner,
    /// The last morning that was told of.
    pub(super) morning: Option<Millis>,
    /// The last time at which class teachers were reminded of sheets.
    pub(super) reminded: Option<Millis>,
    pub(super) words: Words,
    pub(super) random: StdRng,
    pub(super) pace: Pace,
}

impl Beside {
    /// Goes on until the lane is another's.
    pub(super) async fn run(&mut self, holder: &str) {
        let mut renewed = self.clock.now();
        loop {
            let now = self.clock.now();
            if now - renewed >= LEASE / 3 {
                match self.store.renew(holder, now).await {
                    Ok(lanes) if lanes.is_empty() => return,
                    Ok(_) => renewed = now,
                    Err(error) => tracing::error!(error = story(&error), "the bot's lane"),
                }
            }
            let said = self.say(now).await;
            let watched = self.watch(now).await;
            let morning = self.tell_leads(now).await;
            let reminded = self.remind_of_sheets(now).await;
            if let Err(error) = said.and(watched).and(morning).and(reminded) {
                tracing::error!(error = story(&error), "the bot cannot say what it should");
            }
            let _ = timeout(POLL, pending::<()>()).await;
        }
    }

    /// Says what waits to be said.
    pub(super) async fn say(&mut self, now: Millis) -> Result<(), StoreError> {
        for saying in self.store.sayings(self.channel, 30).await? {
            let screen = Screen {
                text: saying.text,
                buttons: Vec::new(),
            };
            let shown = calm(&self.pace, || self.messenger.show(&saying.chat, &screen)).await;
            let lost = match &shown {
                // Where nobody knows whether it was seen, once more would be a nuisance, and lost a lie.
                Outcome::Accepted { .. } | Outcome::InDoubt { .. } => None,
                Outcome::Rejected { reason } => Some(reason.code.as_str()),
                Outcome::Deferred { .. } => return Ok(()),
            };
            self.store.said(saying.id, lost, now).await?;
        }
        Ok(())
    }

    /// Tells who leads the school in the morning how yesterday was and what needs a decision.
    pub(super) async fn tell_leads(&mut self, now: Millis) -> Result<(), StoreError> {
        let Ok(line) = MORNING.parse() else {
            return Ok(());
        };
        let due = schedule::last(&line, self.manner.zone, now);
        let Some(due) = due.filter(|due| now - due < LATE && self.morning != Some(*due)) else {
            return Ok(());
        };
        let today = zone::local(now, self.manner.zone).date();
        let picture = Picture::of(&self.store, &self.manner, now).await?;
        let mut tx = self.store.transaction().await?;
        if tx.claim("morning", due, now).await? {
            let school = tx.school_names().await?;
            match picture.tell(&self.words, &school.name, &self.manner, now) {
                Ok(words) => {
                    for chat in tx.lead_chats(self.channel, today).await? {
                        tx.say((self.channel, &chat), &words, now).await?;
                    }
                }
                Err(error) => tracing::error!(%error, "the morning has no words"),
            }
            tx.finish_job("morning", due, "who leads the school is told", now)
                .await?;
        }
        tx.commit().await?;
        self.morning = Some(due);
        Ok(())
    }

    /// Reminds class teachers of sheets of which nobody has said who got them.
    pub(super) async fn remind_of_sheets(&mut self, now: Millis) -> Result<(), StoreError> {
        let Ok(line) = SHEETS.parse() else {
            return Ok(());
        };
        let due = schedule::last(&line, self.manner.zone, now);
        let Some(due) = due.filter(|due| now - due < LATE && self.reminded != Some(*due)) else {
            return Ok(());
        };
        let today = zone::local(now, self.manner.zone).date();
        let mut tx = self.store.transaction().await?;
        if tx.claim("sheets_reminder", due, now).await? {
            for (staff, chat) in tx.staff_chats(self.channel, today).await? {
                let classes = tx.classes_of(staff, today).await?;
                let classes: Vec<i64> = classes.into_iter().map(|(id, _)| id).collect();
                let count = tx.sheets_unaccounted(&classes, now - 2 * DAY).await?;
                let data = serde_json::json!({ "count": count });
                let words = self
                    .words
                    .say(Language::Russian, "teacher.paper_reminder", &data);
                match words {
                    Ok(words) if count > 0 => tx.say((self.channel, &chat), &words, now).await?,
                    Ok(_) => {}
                    Err(error) => tracing::error!(%error, "a reminder has no words"),
                }
            }
            let outcome = "class teachers are reminded";
            tx.finish_job("sheets_reminder", due, outcome, now).await?;
        }
        tx.commit().await?;
        self.reminded = Some(due);
        Ok(())
    }

    /// Shows how watched words spread: in one message each, edited no faster than every three seconds.
    pub(super) async fn watch(&mut self, now: Millis) -> Result<(), StoreError> {
        for watched in self.store.watched(self.channel).await? {
            if now - watched.shown_at >= EDITED {
                self.look(&watched, now).await?;
            }
        }
        Ok(())
    }

    async fn look(&mut self, watched: &Watched, now: Millis) -> Result<(), StoreError> {
        let today = zone::local(now, self.manner.zone).date();
        let id = watched.announcement_id;
        let mut tx = self.store.transaction().await?;
        let Some((announced, classes)) = tx.announcement(id).await? else {
            return Ok(());
        };
        let begun = announced.send_at.is_none_or(|at| at <= now);
        if !begun && announced.cancelled_at.is_none() {
            // Until then the message offers to stop it.
            return Ok(());
        }
        let of = tx.people_of_classes(&classes, today).await?;
        let heard = tx.heard(id, &of.students).await?;
        let given = given(&tx.answers_to(id).await?);
        let named = self.manner.content == ContentLevel::Full;
        let told = match told(&self.words, &announced, &heard, &given, (named, now)) {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(%error, "a report has no words");
                return Ok(());
            }
        };
        let old = announced.send_at.is_some_and(|at| now - at >= WATCHED);
        let ended = told.ended || old || announced.cancelled_at.is_some();
        if watched.shown.as_deref() == Some(&told.text) && !ended {
            return Ok(());
        }
        let name = reference(&mut self.random);
        let words = self.words.say(
            Language::Russian,
            "teacher.refresh_button",
            &serde_json::Value::Null,
        );
        let choices = serde_json::to_string(&[Choice::Staff(Task::Report(id))]);
        let (Ok(label), Ok(choices)) = (words, choices) else {
            return Ok(());
        };
        let place = (self.channel, watched.chat.as_str());
        tx.keep_screen(&name, place, &choices, now).await?;
        tx.commit().await?;
        let button = Button {
            label,
            data: format!("{name}.0"),
        };
        let screen = Screen {
            text: told.text.clone(),
            buttons: vec![vec![button]],
        };
        let (chat, message) = (&watched.chat, &watched.message);
        let altered = calm(&self.pace, || self.messenger.alter(chat, message, &screen)).await;
        // Whoever deleted the message does not want to watch.
        let gone = matches!(altered, Outcome::Rejected { .. });
        self.store
            .watched_at(watched.id, &told.text, ended || gone, now)
            .await
    }
}
