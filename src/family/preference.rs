//! Preferences: event × channel × timing, and the presets that stand for whole patterns.

use crate::family::contact::Channel;

/// What happened, by the codes of `preference.event`. Further events join as their facts do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Event {
    /// A mark was entered.
    Mark,
    /// A mark was replaced.
    MarkCorrected,
    /// A mark was taken back.
    MarkWithdrawn,
}

impl Event {
    /// The code in the database and the folder of its templates.
    pub fn code(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::MarkCorrected => "mark_corrected",
            Self::MarkWithdrawn => "mark_withdrawn",
        }
    }

    /// The event with this code, if this version tells of it.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Mark, Self::MarkCorrected, Self::MarkWithdrawn]
            .into_iter()
            .find(|event| event.code() == code)
    }
}

/// When something is told, once its settling is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Timing {
    /// As soon as quiet hours allow.
    AtOnce,
    /// With the day's digest.
    Daily,
    /// With the week's digest.
    Weekly,
    /// Not on this channel.
    Never,
}

/// A pattern that a family picks instead of filling in a matrix (product.md F1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// «Только важное»: what is important at once, the rest weekly.
    Important,
    /// «Раз в день», the default.
    #[default]
    Daily,
    /// «Сразу».
    AtOnce,
    /// «Бумага».
    Paper,
}

impl Preset {
    /// The preset with this code of `guardian.preset`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "important" => Some(Self::Important),
            "daily" => Some(Self::Daily),
            "at_once" => Some(Self::AtOnce),
            "paper" => Some(Self::Paper),
            _ => None,
        }
    }

    /// When this preset tells of an event; never means on paper only.
    pub fn timing(self, event: Event) -> Timing {
        match (self, event) {
            (Self::Important, Event::Mark | Event::MarkCorrected | Event::MarkWithdrawn) => {
                Timing::Weekly
            }
            (Self::Daily, _) => Timing::Daily,
            (Self::AtOnce, _) => Timing::AtOnce,
            (Self::Paper, _) => Timing::Never,
        }
    }
}

/// One line of a family's own matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// Whose.
    pub guardian_id: i64,
    /// For which event; `None` is `*`, all that have no line of their own.
    pub event: Option<Event>,
    /// On which channel.
    pub channel: Channel,
    /// When.
    pub timing: Timing,
}

/// What a guardian's own matrix says of an event on a channel; none where it says nothing.
pub fn chosen(
    matrix: &[Preference],
    guardian_id: i64,
    event: Event,
    channel: Channel,
) -> Option<Timing> {
    let line = |wanted: Option<Event>| {
        matrix
            .iter()
            .find(|line| {
                line.guardian_id == guardian_id && line.channel == channel && line.event == wanted
            })
            .map(|line| line.timing)
    };
    line(Some(event)).or_else(|| line(None))
}
