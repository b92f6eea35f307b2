//! Preferences: event × channel × timing, and the presets that stand for whole patterns.

use crate::{
    family::contact::Channel,
    journal::{
        cell::News,
        fact::{Place, RemarkKind, Stage},
    },
};

macro_rules! events {
    ($($(#[$of:meta])* $variant:ident = $code:literal,)*) => {
        /// What happened, by the codes of `preference.event`, in the order in which a message tells it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Event {
            $($(#[$of])* $variant,)*
        }

        impl Event {
            /// All events that families are told of.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code in the database and the folder of its templates.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }
    };
}

events! {
    /// A word to many that cannot wait.
    Urgent = "urgent",
    /// A word to many.
    Announcement = "announcement",
    /// A lesson will not be as planned.
    ScheduleChange = "schedule_change",
    /// A mark was entered.
    Mark = "mark",
    /// A mark was taken back.
    MarkWithdrawn = "mark_withdrawn",
    /// A mark was replaced.
    MarkCorrected = "mark_corrected",
    /// The student was not there.
    Absence = "absence",
    /// The student was late.
    Lateness = "lateness",
    /// What was said of absence or lateness was wrong, or has a cause now.
    AttendanceCorrected = "attendance_corrected",
    /// Something was good.
    Praise = "praise",
    /// The student won or finished something.
    Achievement = "achievement",
    /// Something was wrong.
    Remark = "remark",
    /// The teacher asks the family for something.
    Appeal = "appeal",
    /// The expected result of a term.
    Forecast = "forecast",
    /// A result set before the holidays.
    Preliminary = "preliminary",
    /// The result of a term.
    TermResult = "term_result",
    /// The result of an exam.
    Exam = "exam",
    /// What is to be done at home.
    Homework = "homework",
    /// A test is announced.
    Test = "test",
    /// A meeting, an excursion.
    ClassEvent = "class_event",
    /// What the school says about the service itself: that a week brought nothing, or how much there is.
    Service = "service",
}

impl Event {
    /// The event with this code, if this version tells of it.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.code() == code)
    }

    /// What news from this place in the journal is told as.
    pub fn of(place: Place, urgent: bool, news: &News) -> Self {
        match (place, news) {
            (Place::Mark { .. }, News::Entered(_)) => Self::Mark,
            (Place::Mark { .. }, News::Corrected { .. }) => Self::MarkCorrected,
            (Place::Mark { .. }, News::Withdrawn(_)) => Self::MarkWithdrawn,
            (Place::Attendance { .. }, News::Entered(value)) if value.starts_with("late") => {
                Self::Lateness
            }
            (Place::Attendance { .. }, News::Entered(_)) => Self::Absence,
            (Place::Attendance { .. }, _) => Self::AttendanceCorrected,
            (Place::Homework { .. }, _) => Self::Homework,
            (Place::Remark { kind, .. }, _) => match kind {
                RemarkKind::Remark => Self::Remark,
                RemarkKind::Praise => Self::Praise,
                RemarkKind::Appeal => Self::Appeal,
                RemarkKind::Achievement => Self::Achievement,
            },
            (Place::TermResult { stage, .. }, _) => match stage {
                Stage::Forecast => Self::Forecast,
                Stage::Preliminary => Self::Preliminary,
                Stage::Final => Self::TermResult,
                Stage::Exam => Self::Exam,
            },
            (Place::Announcement(_), _) if urgent => Self::Urgent,
            (Place::Announcement(_), _) => Self::Announcement,
            (Place::Lesson(_), _) => Self::ScheduleChange,
            (Place::Test { .. }, _) => Self::Test,
            (Place::ClassEvent(_), _) => Self::ClassEvent,
            (Place::Outlook(_), _) => Self::Forecast,
            // Of the last eight staff hear.
            (
                Place::Silence { .. }
                | Place::Summary(_)
                | Place::Notice(_)
                | Place::Contact(_)
                | Place::Moved(_)
                | Place::NoPaper(_)
                | Place::NoHomework(_)
                | Place::NoMarks(_)
                | Place::Lane(_)
                | Place::Inquiry(_)
                | Place::Alarm(_),
                _,
            ) => Self::Service,
        }
    }

    /// The one event by which a notice is routed: a correction outweighs a withdrawal, and that what is
    /// new, because who wants to hear of an error at once must not wait for its company.
    pub fn of_all(place: Place, urgent: bool, news: &[News]) -> Option<Self> {
        let weight = |item: &&News| match item {
            News::Entered(_) => 0,
            News::Withdrawn(_) => 1,
            News::Corrected { .. } => 2,
        };
        news.iter()
            .max_by_key(weight)
            .map(|item| Self::of(place, urgent, item))
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

impl Timing {
    /// The code of `preference.timing`.
    pub fn code(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Never => "never",
        }
    }
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
            (Self::Paper, _) => Timing::Never,
            (Self::AtOnce, _)
            | (_, Event::Urgent)
            | (
                Self::Important,
                Event::Absence
                | Event::AttendanceCorrected
                | Event::TermResult
                | Event::Exam
                | Event::ScheduleChange
                | Event::Appeal,
            ) => Timing::AtOnce,
            // That there is nothing new is no news of the day.
            (_, Event::Service) => Timing::Weekly,
            // A meeting announced on Wednesday for Thursday is no news on Friday.
            (Self::Important, Event::Announcement) | (Self::Daily, _) => Timing::Daily,
            (Self::Important, _) => Timing::Weekly,
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
