//! The kinds of values that rules have, each with the way to write it.

use std::{fmt, str::FromStr, time::Duration};

use chrono::NaiveTime;

use crate::{instant::Millis, quiet::Quiet};

/// A value that a policy's line may have.
pub(super) trait Rule: FromStr {
    /// How it is written, for the error message.
    const HOW: &'static str;
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub Millis);

impl Rule for Period {
    const HOW: &'static str = "write 30s, 15m, 24h, 14d or 5y";
}

impl FromStr for Period {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let period: Duration = humantime::parse_duration(text).map_err(|_| ())?;
        Millis::try_from(period.as_millis())
            .map(Self)
            .map_err(|_| ())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = Duration::from_millis(u64::try_from(self.0).unwrap_or_default());
        humantime::format_duration(period).fmt(f)
    }
}

impl Rule for Quiet {
    const HOW: &'static str = "write 21:00-07:30, or off";
}

/// A number that must not be passed, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub Option<usize>);

impl Limit {
    /// Whether so many are too many.
    pub fn passed_by(self, count: usize) -> bool {
        self.0.is_some_and(|limit| count > limit)
    }
}

impl Rule for Limit {
    const HOW: &'static str = "write a number from 1 on, or off";
}

impl FromStr for Limit {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "off" => Ok(Self(None)),
            number => match number.parse() {
                Ok(0) | Err(_) => Err(()),
                Ok(limit) => Ok(Self(Some(limit))),
            },
        }
    }
}

/// A part of a whole that must be reached, or none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share(pub Option<f64>);

impl Share {
    /// Whether `part` of `whole` reaches it.
    pub fn reached_by(self, part: usize, whole: usize) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a class has no 2^52 students")]
        self.0
            .is_some_and(|share| whole > 0 && part as f64 >= share * whole as f64)
    }
}

impl Rule for Share {
    const HOW: &'static str = "write a share of the class such as 0.8, or off";
}

impl FromStr for Share {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "off" => Ok(Self(None)),
            number => match number.parse::<f64>() {
                Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self(Some(share))),
                _ => Err(()),
            },
        }
    }
}

macro_rules! words {
    ($(#[$of:meta])* $name:ident, $how:literal, $($(#[$says:meta])* $variant:ident = $word:literal,)*) => {
        $(#[$of])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$says])* $variant,)*
        }

        impl Rule for $name {
            const HOW: &'static str = $how;
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(()),
                }
            }
        }
    };
}

words! {
    /// Whether something is done.
    Switch, "write on or off",
    /// It is.
    On = "on",
    /// It is not.
    Off = "off",
}

words! {
    /// From when on an absence is told on its day.
    AbsenceAlarm, "write first_lesson, second_lesson or class_teacher",
    /// From the first lesson that was missed.
    FirstLesson = "first_lesson",
    /// From the second.
    SecondLesson = "second_lesson",
    /// When the class teacher has entered it, or has given it a cause.
    ClassTeacher = "class_teacher",
}

words! {
    /// What becomes of an entry for a term whose results are set.
    TermClosed, "write hold or tell",
    /// A person decides.
    Hold = "hold",
    /// It is told as any other.
    Tell = "tell",
}

words! {
    /// Which remarks families are told.
    Remarks, "write ticked or all",
    /// Those with the teacher's tick.
    Ticked = "ticked",
    /// All.
    All = "all",
}

words! {
    /// How often families on paper get a sheet.
    Paper, "write weekly, fortnightly or monthly",
    /// Each week.
    Weekly = "weekly",
    /// Each second week.
    Fortnightly = "fortnightly",
    /// Each month.
    Monthly = "monthly",
}

impl Paper {
    /// How many weeks a sheet speaks of.
    pub fn weeks(self) -> u64 {
        match self {
            Self::Weekly => 1,
            Self::Fortnightly => 2,
            Self::Monthly => 4,
        }
    }
}

words! {
    /// Where an address must come from.
    Contacts, "write documented or any",
    /// From a paper or an electronic document, or from its owner's own hand.
    Documented = "documented",
    /// From anywhere.
    Any = "any",
}

words! {
    /// What is signed and sealed.
    Certified, "write extracts or all",
    /// What serves as a document.
    Extracts = "extracts",
    /// All that is printed.
    All = "all",
}

words! {
    /// How often families are told which services there are.
    ServiceNotice, "write term or off",
    /// Once a term.
    Term = "term",
    /// Never.
    Off = "off",
}

words! {
    /// How sure it is that a family heard.
    Evidence, "write E0, E1, E2, E3 or E4",
    /// Planned.
    E0 = "E0",
    /// Taken by the provider, or printed.
    E1 = "E1",
    /// Delivered, or handed out.
    E2 = "E2",
    /// Acknowledged.
    E3 = "E3",
    /// Signed on paper.
    E4 = "E4",
}

impl Evidence {
    /// The code in `ledger` and on the pages.
    pub fn code(self) -> &'static str {
        match self {
            Self::E0 => "E0",
            Self::E1 => "E1",
            Self::E2 => "E2",
            Self::E3 => "E3",
            Self::E4 => "E4",
        }
    }
}

/// Whether a mark may be corrected without a person's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrections {
    /// Always.
    Open,
    /// So long after the lesson.
    Window(Period),
    /// Never: it needs an entry in the register of replaced entries (regulation 003 §2.3.4).
    Register,
}

impl Rule for Corrections {
    const HOW: &'static str = "write open, register, or a window such as 14d";
}

impl FromStr for Corrections {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "open" => Ok(Self::Open),
            "register" => Ok(Self::Register),
            window => window.parse().map(Self::Window),
        }
    }
}

/// Until when a day's homework has to be in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeworkEntry {
    /// By this time of the day.
    At(NaiveTime),
    /// So long after the class's last lesson.
    AfterClass(Period),
    /// So long after the school's last lesson.
    AfterSchool(Period),
    /// On the day.
    EndOfDay,
}

impl Rule for HomeworkEntry {
    const HOW: &'static str = "write 17:00, class+3h, school+5h or end_of_day";
}

impl FromStr for HomeworkEntry {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once('+') {
            Some(("class", after)) => after.parse().map(Self::AfterClass),
            Some(("school", after)) => after.parse().map(Self::AfterSchool),
            Some(_) => Err(()),
            None if text == "end_of_day" => Ok(Self::EndOfDay),
            None => NaiveTime::parse_from_str(text, "%H:%M")
                .map(Self::At)
                .map_err(|_| ()),
        }
    }
}
