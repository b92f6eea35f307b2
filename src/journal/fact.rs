//! A fact: the place in the journal whose content a family is told.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;

/// A place in the journal, as it concerns one student.
///
/// What a family was told is remembered per fact, not per row, so that a mark that is deleted and
/// entered again is the same fact (design §6). What a class is given, such as homework, is a fact
/// of each of its students.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fact {
    /// `student.id`
    pub student_id: i64,
    /// Where in the journal.
    pub place: Place,
}

/// Where in the journal something stands, apart from whom it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// The marks of one lesson.
    Mark {
        /// `subject.id`
        subject_id: i64,
        /// The date of the lesson, not of the entry.
        date: NaiveDate,
        /// `lesson.id`, if the journal says which lesson of the day it was.
        lesson_id: Option<i64>,
    },
    /// Whether somebody was there.
    Attendance {
        /// The day.
        date: NaiveDate,
        /// The lesson's number; 0 is the day.
        number: i64,
    },
    /// What is to be done at home.
    Homework {
        /// `subject.id`
        subject_id: i64,
        /// The day for which it is due, or else on which it was given.
        date: NaiveDate,
    },
    /// A teacher's word about a student.
    Remark {
        /// The day.
        date: NaiveDate,
        /// What kind of word.
        kind: RemarkKind,
        /// `lesson.id`, if it fell in a lesson.
        lesson_id: Option<i64>,
    },
    /// The result of a term.
    TermResult {
        /// `subject.id`
        subject_id: i64,
        /// `term.id`
        term_id: i64,
        /// How final it is.
        stage: Stage,
    },
    /// A word to many.
    Announcement(i64),
    /// That a lesson will not be as planned.
    Lesson(i64),
    /// A test that is announced.
    Test {
        /// `subject.id`
        subject_id: i64,
        /// The day.
        date: NaiveDate,
    },
    /// A meeting, an excursion.
    ClassEvent(i64),
    /// That a week brought nothing.
    Silence {
        /// Its Monday.
        monday: NaiveDate,
    },
    /// How much there is of what a person decided to sum up: `hold.id`.
    Summary(i64),
    /// Which service a family has, and that it is free to choose, at the beginning of a term: `term.id`.
    Notice(i64),
    /// What results may be expected of a term whose end is near: `term.id`.
    Outlook(i64),
    /// That an address of the family fails: `contact.id`. Staff hear of it, families never.
    Contact(i64),
    /// That a student came from another class: `enrolment.id`. Staff hear of it.
    Moved(i64),
    /// That a family on paper has had none: `guardian.id`. Staff hear of it.
    NoPaper(i64),
    /// That a lesson's homework is not in the journal: `lesson.id`. Staff hear of it.
    NoHomework(i64),
    /// That the marks of a test are not in the journal: `test_plan.id`. Staff hear of it.
    NoMarks(i64),
    /// That a provider account is down and another one carries its messages: `lane.id`. Staff hear of it.
    Lane(i64),
    /// That a family asks something, or says that something is wrong: `inquiry.id`. Staff hear of it.
    Inquiry(i64),
    /// That somebody has to look at something: `alarm.id`. Staff hear of it.
    Alarm(i64),
}

macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $variant,)*
        }

        impl $name {
            /// The code in the database.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                }
            }

            /// The one with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// What kind of word a teacher wrote, by the codes of `remark.kind`.
    RemarkKind {
        /// Something was wrong.
        Remark = "remark",
        /// Something was good.
        Praise = "praise",
        /// The teacher asks the family for something.
        Appeal = "appeal",
        /// The student won or finished something.
        Achievement = "achievement",
    }
}

codes! {
    /// How final a term's result is, by the codes of `term_result.stage`.
    Stage {
        /// What is to be expected.
        Forecast = "forecast",
        /// Set before the holidays, and open to change.
        Preliminary = "preliminary",
        /// The result.
        Final = "final",
        /// The result of an exam.
        Exam = "exam",
    }
}

impl Fact {
    /// The marks of one lesson.
    pub fn mark(student_id: i64, subject_id: i64, date: NaiveDate, lesson_id: Option<i64>) -> Self {
        Self {
            student_id,
            place: Place::Mark {
                subject_id,
                date,
                lesson_id,
            },
        }
    }
}

impl Place {
    /// Whether it is the place of one row, which may speak to many students.
    pub fn is_row(self) -> bool {
        matches!(
            self,
            Self::Announcement(_) | Self::ClassEvent(_) | Self::Lesson(_)
        )
    }

    /// The subject, where the place itself names one.
    pub fn subject_id(self) -> Option<i64> {
        match self {
            Self::Mark { subject_id, .. }
            | Self::Homework { subject_id, .. }
            | Self::TermResult { subject_id, .. }
            | Self::Test { subject_id, .. } => Some(subject_id),
            _ => None,
        }
    }

    /// The day, where the place itself names one.
    pub fn date(self) -> Option<NaiveDate> {
        match self {
            Self::Mark { date, .. }
            | Self::Attendance { date, .. }
            | Self::Homework { date, .. }
            | Self::Remark { date, .. }
            | Self::Test { date, .. } => Some(date),
            _ => None,
        }
    }

    /// The lesson, where the place itself names one.
    pub fn lesson_id(self) -> Option<i64> {
        match self {
            Self::Mark { lesson_id, .. } | Self::Remark { lesson_id, .. } => lesson_id,
            Self::Lesson(id) => Some(id),
            _ => None,
        }
    }

    /// The table whose rows stand in this place, or what is said that stands in no row.
    pub fn entity(self) -> &'static str {
        match self {
            Self::Mark { .. } => "mark",
            Self::Attendance { .. } => "attendance",
            Self::Homework { .. } => "homework",
            Self::Remark { .. } => "remark",
            Self::TermResult { .. } => "term_result",
            Self::Announcement(_) => "announcement",
            Self::Lesson(_) => "lesson",
            Self::Test { .. } => "test_plan",
            Self::ClassEvent(_) => "class_event",
            Self::Silence { .. } => "silence",
            Self::Summary(_) => "summary",
            Self::Notice(_) => "service_notice",
            Self::Outlook(_) => "outlook",
            Self::Contact(_) => "contact",
            Self::Moved(_) => "moved",
            Self::NoPaper(_) => "no_paper",
            Self::NoHomework(_) => "no_homework",
            Self::NoMarks(_) => "no_marks",
            Self::Lane(_) => "lane",
            Self::Inquiry(_) => "inquiry",
            Self::Alarm(_) => "alarm",
        }
    }
}

/// Writes the key under which the database keeps the fact: `TABLE/STUDENT/…`, such as
/// `mark/STUDENT/SUBJECT/DATE/LESSON`, with lesson 0 where none is named.
impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.place.entity(), self.student_id)?;
        match self.place {
            Place::Mark {
                subject_id,
                date,
                lesson_id,
            } => write!(f, "{subject_id}/{date}/{}", lesson_id.unwrap_or(0)),
            Place::Attendance { date, number } => write!(f, "{date}/{number}"),
            Place::Homework { subject_id, date } | Place::Test { subject_id, date } => {
                write!(f, "{subject_id}/{date}")
            }
            Place::Remark {
                date,
                kind,
                lesson_id,
            } => write!(f, "{date}/{}/{}", kind.code(), lesson_id.unwrap_or(0)),
            Place::TermResult {
                subject_id,
                term_id,
                stage,
            } => write!(f, "{subject_id}/{term_id}/{}", stage.code()),
            Place::Silence { monday } => write!(f, "{monday}"),
            Place::Announcement(id)
            | Place::Lesson(id)
            | Place::ClassEvent(id)
            | Place::Summary(id)
            | Place::Notice(id)
            | Place::Outlook(id)
            | Place::Contact(id)
            | Place::Moved(id)
            | Place::NoPaper(id)
            | Place::NoHomework(id)
            | Place::NoMarks(id)
            | Place::Lane(id)
            | Place::Inquiry(id)
            | Place::Alarm(id) => write!(f, "{id}"),
        }
    }
}

/// Why a text is no fact's key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("«{0}» is no fact: a mark's key reads mark/STUDENT/SUBJECT/DATE/LESSON")]
pub struct FactError(String);

impl FromStr for Fact {
    type Err = FactError;

    fn from_str(key: &str) -> Result<Self, FactError> {
        let parts: Vec<&str> = key.split('/').collect();
        parse(&parts).ok_or_else(|| FactError(key.to_owned()))
    }
}

fn parse(parts: &[&str]) -> Option<Fact> {
    let (entity, student, rest) = match parts {
        [entity, student, rest @ ..] => (*entity, *student, rest),
        _ => return None,
    };
    let id = |text: &str| text.parse::<i64>().ok();
    let day = |text: &str| text.parse::<NaiveDate>().ok();
    let place = match (entity, rest) {
        ("mark", [subject, date, lesson]) => Place::Mark {
            subject_id: id(subject)?,
            date: day(date)?,
            lesson_id: Some(id(lesson)?).filter(|id| *id != 0),
        },
        ("attendance", [date, number]) => Place::Attendance {
            date: day(date)?,
            number: id(number)?,
        },
        ("homework", [subject, date]) => Place::Homework {
            subject_id: id(subject)?,
            date: day(date)?,
        },
        ("remark", [date, kind, lesson]) => Place::Remark {
            date: day(date)?,
            kind: RemarkKind::from_code(kind)?,
            lesson_id: Some(id(lesson)?).filter(|id| *id != 0),
        },
        ("term_result", [subject, term, stage]) => Place::TermResult {
            subject_id: id(subject)?,
            term_id: id(term)?,
            stage: Stage::from_code(stage)?,
        },
        ("announcement", [one]) => Place::Announcement(id(one)?),
        ("lesson", [one]) => Place::Lesson(id(one)?),
        ("test_plan", [subject, date]) => Place::Test {
            subject_id: id(subject)?,
            date: day(date)?,
        },
        ("class_event", [one]) => Place::ClassEvent(id(one)?),
        ("silence", [one]) => Place::Silence { monday: day(one)? },
        ("summary", [one]) => Place::Summary(id(one)?),
        ("service_notice", [one]) => Place::Notice(id(one)?),
        ("outlook", [one]) => Place::Outlook(id(one)?),
        ("contact", [one]) => Place::Contact(id(one)?),
        ("moved", [one]) => Place::Moved(id(one)?),
        ("no_paper", [one]) => Place::NoPaper(id(one)?),
        ("no_homework", [one]) => Place::NoHomework(id(one)?),
        ("no_marks", [one]) => Place::NoMarks(id(one)?),
        ("lane", [one]) => Place::Lane(id(one)?),
        ("alarm", [one]) => Place::Alarm(id(one)?),
        ("inquiry", [one]) => Place::Inquiry(id(one)?),
        _ => return None,
    };
    Some(Fact {
        student_id: id(student)?,
        place,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_as_its_fact() {
        for key in [
            "mark/7/3/2026-10-14/0",
            "mark/7/3/2026-10-14/91",
            "attendance/7/2026-10-14/2",
            "homework/7/3/2026-10-15",
            "remark/7/2026-10-14/praise/0",
            "remark/7/2026-10-14/remark/91",
            "term_result/7/3/1/final",
            "announcement/7/4",
            "lesson/7/91",
            "test_plan/7/3/2026-10-22",
            "class_event/7/2",
            "silence/7/2026-10-12",
            "summary/7/3",
            "service_notice/7/1",
            "outlook/7/1",
            "moved/7/2",
            "no_paper/7/2",
            "no_homework/0/91",
            "lane/0/2",
            "no_marks/0/4",
            "inquiry/3/4",
        ] {
            let fact: Fact = key.parse().expect("a key");
            assert_eq!(fact.to_string(), key);
        }
        for wrong in [
            "mark/7/3/14.10.2026/0",
            "homework/7",
            "secret/7/1",
            "lesson/7/1/2",
            "",
        ] {
            assert!(wrong.parse::<Fact>().is_err(), "{wrong}");
        }
    }
}
