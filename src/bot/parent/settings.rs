//! How a family wants to hear: everything by buttons.

use chrono::Days;
use serde_json::json;

use super::super::{
    BotError,
    page::{Choice, Page},
    turn::{Reply, Turn},
};
use crate::{
    family::preference::{Event, Preset},
    quiet::Quiet,
    store::{Own, Setting},
    text::Language,
};

/// The presets, with the sentences that name them.
const PRESETS: [(&str, &str); 4] = [
    ("important", "parent.preset_important"),
    ("daily", "parent.preset_daily"),
    ("at_once", "parent.preset_at_once"),
    ("paper", "parent.preset_paper"),
];

/// The kinds of news that a family may choose a time for. Corrections come as what they correct; what is
/// urgent cannot be put off.
const KINDS: [(&str, &[Event]); 7] = [
    (
        "parent.kind_marks",
        &[Event::Mark, Event::MarkCorrected, Event::MarkWithdrawn],
    ),
    ("parent.kind_homework", &[Event::Homework]),
    (
        "parent.kind_attendance",
        &[Event::Absence, Event::Lateness, Event::AttendanceCorrected],
    ),
    (
        "parent.kind_words",
        &[
            Event::Remark,
            Event::Praise,
            Event::Appeal,
            Event::Achievement,
        ],
    ),
    (
        "parent.kind_results",
        &[
            Event::TermResult,
            Event::Preliminary,
            Event::Forecast,
            Event::Exam,
        ],
    ),
    (
        "parent.kind_timetable",
        &[Event::ScheduleChange, Event::Test, Event::ClassEvent],
    ),
    ("parent.kind_announcements", &[Event::Announcement]),
];

/// The times, by `preference.timing`; none is the preset's.
const TIMINGS: [(Option<&str>, &str); 5] = [
    (None, "parent.timing_usual"),
    (Some("at_once"), "parent.timing_at_once"),
    (Some("daily"), "parent.timing_daily"),
    (Some("weekly"), "parent.timing_weekly"),
    (Some("never"), "parent.timing_never"),
];

/// The quiet hours to choose from, by `guardian.quiet`; none is the school's.
const HOURS: [(Option<&str>, &str); 4] = [
    (None, "parent.quiet_usual"),
    (Some("20:00-08:00"), "parent.quiet_early"),
    (Some("22:00-07:00"), "parent.quiet_late"),
    (Some("off"), "parent.quiet_off"),
];

/// The pauses to choose from, in days.
const PAUSES: [(Option<u64>, &str); 4] = [
    (Some(3), "parent.pause_3"),
    (Some(7), "parent.pause_7"),
    (Some(14), "parent.pause_14"),
    (None, "parent.pause_off"),
];

impl Turn<'_> {
    /// The presets to choose from, below this sentence.
    pub(crate) fn presets(&self, sentence: &str) -> Result<Reply, BotError> {
        let mut page = Page::new(self.tell(sentence)?);
        for (code, words) in PRESETS {
            page = page.row(vec![self.button(words, Choice::Preset(code.to_owned()))?]);
        }
        Ok(page.into())
    }

    /// A preset is chosen.
    pub(crate) async fn preset(&mut self, code: &str) -> Result<Reply, BotError> {
        let Some((_, words)) = PRESETS.iter().find(|(known, _)| *known == code) else {
            return self.settings().await;
        };
        self.set(&Setting::Preset(code.to_owned())).await?;
        let quiet = self.quiet_hours_now().await?;
        let (from, to) = hours(quiet);
        let data = json!({
            "preset": self.tell(words)?.to_lowercase(),
            "quiet": quiet != Quiet::Off,
            "quiet_from": from,
            "quiet_to": to,
        });
        let text = self.say("door.done", &data)?;
        Ok(Page::new(text).row(self.back()?).into())
    }

    /// The preset of this chat's guardian, as a family says it.
    pub(super) async fn preset_in_words(&mut self) -> Result<String, BotError> {
        let choices = self.own_choices().await?;
        let named = choices
            .preset
            .as_deref()
            .filter(|code| Preset::from_code(code).is_some())
            .and_then(|code| PRESETS.iter().find(|(known, _)| *known == code));
        let words = named.map_or("parent.preset_usual", |(_, words)| *words);
        Ok(self.tell(words)?.to_lowercase())
    }

    /// The settings as they are.
    pub(crate) async fn settings(&mut self) -> Result<Reply, BotError> {
        if self.owners.guardians.is_empty() {
            return self.home().await;
        }
        let choices = self.own_choices().await?;
        let quiet = self.quiet_hours_now().await?;
        let (from, to) = hours(quiet);
        let paused = choices.paused_to.filter(|day| *day >= self.today);
        let data = json!({
            "preset": self.preset_in_words().await?,
            "quiet_off": quiet == Quiet::Off,
            "quiet_from": from,
            "quiet_to": to,
            "paused_to": paused.map(|day| day.to_string()),
        });
        Ok(Page::new(self.say("parent.settings", &data)?)
            .row(vec![
                self.button("parent.presets_button", Choice::Presets)?,
                self.button("parent.matrix_button", Choice::Matrix)?,
            ])
            .row(vec![
                self.button("parent.quiet_button", Choice::Quiet)?,
                self.button("parent.pauses_button", Choice::Pauses)?,
            ])
            .row(vec![
                self.button("parent.languages_button", Choice::Languages)?,
                self.button("parent.stop_button", Choice::Stop)?,
            ])
            .row(self.back()?)
            .into())
    }

    /// The kinds of news with their times.
    pub(crate) async fn matrix(&mut self) -> Result<Reply, BotError> {
        let Some(guardian) = self.owners.guardians.first().copied() else {
            return self.home().await;
        };
        let timings = self.tx.timings(guardian, self.channel).await?;
        let mut kinds = Vec::new();
        let mut buttons = Vec::new();
        for (at, (words, events)) in KINDS.iter().enumerate() {
            let chosen = events.first().and_then(|event| timings.get(event.code()));
            let named = TIMINGS
                .iter()
                .find(|(code, _)| *code == chosen.map(String::as_str));
            let timing = self.tell(named.map_or("parent.timing_usual", |(_, words)| *words))?;
            let name = self.tell(words)?;
            kinds.push(json!({ "name": name, "timing": timing }));
            buttons.push((name, Choice::Kind(at)));
        }
        let text = self.say("parent.matrix", &json!({ "kinds": kinds }))?;
        let page = buttons
            .into_iter()
            .fold(Page::new(text), |page, button| page.row(vec![button]));
        Ok(page.row(self.back_to_settings()?).into())
    }

    /// The times of one kind.
    pub(crate) fn kind(&self, at: usize) -> Result<Reply, BotError> {
        let Some((words, _)) = KINDS.get(at) else {
            return self.presets("parent.presets");
        };
        let name = self.tell(words)?;
        let mut page = Page::new(self.say("parent.kind", &json!({ "name": name }))?);
        for (code, words) in TIMINGS {
            let choice = Choice::Timing(at, code.map(str::to_owned));
            page = page.row(vec![self.button(words, choice)?]);
        }
        Ok(page.into())
    }

    /// A time of one kind is chosen.
    pub(crate) async fn timing(
        &mut self,
        at: usize,
        timing: Option<&str>,
    ) -> Result<Reply, BotError> {
        let known = TIMINGS.iter().any(|(code, _)| *code == timing);
        if let Some((_, events)) = KINDS.get(at).filter(|_| known) {
            let events = events.iter().map(|event| event.code()).collect();
            let setting = Setting::Timing {
                channel: self.channel,
                events,
                timing: timing.map(str::to_owned),
            };
            self.set(&setting).await?;
        }
        let matrix = self.matrix().await?;
        self.saved(matrix)
    }

    /// The quiet hours to choose from.
    pub(crate) fn quiet(&self) -> Result<Reply, BotError> {
        let mut page = Page::new(self.tell("parent.quiet")?);
        for (hours, words) in HOURS {
            let choice = Choice::QuietHours(hours.map(str::to_owned));
            page = page.row(vec![self.button(words, choice)?]);
        }
        Ok(page.into())
    }

    /// Quiet hours are chosen.
    pub(crate) async fn quiet_hours(&mut self, hours: Option<String>) -> Result<Reply, BotError> {
        if HOURS.iter().any(|(known, _)| *known == hours.as_deref()) {
            self.set(&Setting::Quiet(hours)).await?;
        }
        let settings = self.settings().await?;
        self.saved(settings)
    }

    /// The languages to choose from.
    pub(crate) fn languages(&self) -> Result<Reply, BotError> {
        let mut row = Vec::new();
        for (language, words) in [
            (Language::Russian, "parent.language_ru"),
            (Language::English, "parent.language_en"),
        ] {
            let choice = Choice::Language(language.code().to_owned());
            row.push(self.button(words, choice)?);
        }
        Ok(Page::new(self.tell("parent.languages")?).row(row).into())
    }

    /// A language is chosen.
    pub(crate) async fn speak(&mut self, code: &str) -> Result<Reply, BotError> {
        if let Some(language) = Language::from_code(code) {
            let setting = Setting::Language(language.code().to_owned());
            self.set(&setting).await?;
            self.language = language;
        }
        let settings = self.settings().await?;
        let saved = self.saved(settings)?;
        // Its commands are in the new language from now on.
        Ok(Reply {
            menu: true,
            ..saved
        })
    }

    /// The pauses to choose from.
    pub(crate) fn pauses(&self) -> Result<Reply, BotError> {
        let mut page = Page::new(self.tell("parent.pauses")?);
        for (days, words) in PAUSES {
            page = page.row(vec![self.button(words, Choice::Pause(days))?]);
        }
        Ok(page.into())
    }

    /// A pause is chosen.
    pub(crate) async fn pause(&mut self, days: Option<u64>) -> Result<Reply, BotError> {
        if PAUSES.iter().any(|(known, _)| *known == days) {
            let until = days.map(|days| self.today + Days::new(days));
            self.set(&Setting::PausedTo(until)).await?;
        }
        let settings = self.settings().await?;
        self.saved(settings)
    }

    /// The same reply with the word that it was written down.
    fn saved(&self, reply: Reply) -> Result<Reply, BotError> {
        let alert = Some(self.tell("parent.saved")?);
        Ok(Reply { alert, ..reply })
    }

    fn back_to_settings(&self) -> Result<Vec<(String, Choice)>, BotError> {
        Ok(vec![self.button("parent.back_button", Choice::Settings)?])
    }

    /// Sets something for everybody whose chat this is.
    async fn set(&mut self, setting: &Setting) -> Result<(), BotError> {
        for guardian in self.owners.guardians.clone() {
            self.tx.set_for(guardian, setting, self.now).await?;
        }
        Ok(())
    }

    /// What the chat's first guardian chose.
    async fn own_choices(&mut self) -> Result<Own, BotError> {
        Ok(match self.owners.guardians.first() {
            Some(guardian) => self.tx.own_choices(*guardian).await?,
            None => Own::default(),
        })
    }

    async fn quiet_hours_now(&mut self) -> Result<Quiet, BotError> {
        let own = self.own_choices().await?.quiet;
        let parsed = own.and_then(|hours| hours.parse().ok());
        Ok(parsed.unwrap_or(self.manner.quiet))
    }
}

/// From when to when, as families read it.
fn hours(quiet: Quiet) -> (String, String) {
    match quiet {
        Quiet::Off => (String::new(), String::new()),
        Quiet::Between(from, to) => (
            from.format("%-H:%M").to_string(),
            to.format("%-H:%M").to_string(),
        ),
    }
}
