//! The informing ledger: for each student, guardian and week how sure it is that they heard, or the
//! reason why not. It is computed from notices, messages, sheets and acknowledgements whenever somebody
//! asks: a copy of it could only be wrong.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, fmt};

use crate::{
    family::contact::Channel,
    journal::{calendar::Calendar, class_name::ClassName},
    policy::Evidence,
    week::Week,
};

macro_rules! reasons {
    ($($(#[$of:meta])* $reason:ident = $code:literal, $words:literal;)*) => {
        /// Why a family is not informed, or why nothing was due.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Why {
            $($(#[$of])* $reason,)*
        }

        impl Why {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            /// The code in `ledger --json`.
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$reason => $code,)*
                }
            }

            /// The same for people.
            pub fn words(self) -> &'static str {
                match self {
                    $(Self::$reason => $words,)*
                }
            }
        }
    };
}

reasons! {
    /// A sheet should have told it, and none did.
    Red = "red", "no sheet told it by the week's end";
    /// The sheet has not come yet.
    Sheet = "sheet", "it waits for the weekly sheet";
    /// A silent week, and the family's sheet was not printed.
    NoSheet = "no_sheet", "no sheet was printed for the week";
    /// A silent week of which nobody was told.
    Untold = "untold", "the week brought nothing, and nobody said so";
    /// A person has to decide.
    Held = "held", "it waits for a person's decision: vestnik held list";
    /// The sheet did not reach the family.
    NotHanded = "not_handed", "the sheet was printed and not handed out";
    /// The sheet is lost.
    Missing = "missing", "the sheet is missing";
    /// The provider has said that it did not arrive.
    Undelivered = "undelivered", "the provider could not deliver it";
    /// The provider never said that it arrived.
    NoReceipt = "no_receipt", "the provider took it and never reported that it arrived";
    /// Nobody knows whether the provider has it.
    InDoubt = "in_doubt", "nobody knows whether the provider took it";
    /// The provider's report is not there yet.
    AwaitsReceipt = "awaits_receipt", "the provider took it; its report that it arrived is awaited";
    /// It is on its way to the provider.
    Sending = "sending", "its message is going out";
    /// It waits for a digest, the night's end or a deadline.
    Window = "window", "it waits for its hour";
    /// A teacher may change their mind.
    Settling = "settling", "it settles: the teacher may still correct it";
    /// The policy asks for more.
    Weak = "weak", "the policy asks for stronger evidence";
    /// The week is not over, and has brought nothing so far.
    Pending = "pending", "nothing so far; the week is not over";
    /// Nothing was due.
    NoNews = "no_news", "nothing was due";
    /// There was no school.
    Holidays = "holidays", "holidays";
    /// The journal says nothing of the student yet, or the school had only begun with it.
    NotStarted = "not_started", "the journal had not begun for the student";
}

/// How far a duty has come, by the codes of `notice.state` and, where it waits, of `notice.waits_for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It settles.
    Settling,
    /// It waits for a digest, the night's end or a deadline.
    Window,
    /// It waits for the sheet.
    Sheet,
    /// It waits for a person.
    Held,
    /// It stands in a message.
    InMessage,
    /// A message has informed of it.
    Informed,
    /// A sheet has told it.
    ToldByPaper,
    /// The week ended before it was told.
    Red,
}

/// What carries a duty: a message, or a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// The channel.
    pub channel: Channel,
    /// `message.state`, or of a sheet `sheet.state`.
    pub state: String,
}

/// A notice that was due in the week. What was merged stands here as what it was merged into; what is
/// closed does not stand here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// How far it has come.
    pub stage: Stage,
    /// `notice.reason`: why it was to be told on paper.
    pub why_paper: Option<String>,
    /// What carries it.
    pub carriers: Vec<Carrier>,
    /// What a person's acknowledgement proves.
    pub acknowledged: Option<Evidence>,
}

/// What a family without a duty in the week was to expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Silence {
    /// Nothing, for this reason.
    Nothing(Why),
    /// The sheet of the week says it: the states of the sheets that were printed for the family.
    OnPaper(Vec<String>),
    /// A message should have said it, and there is none.
    Message,
}

/// What a cell is computed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entries {
    /// What was due.
    pub duties: Vec<Duty>,
    /// What holds where nothing was due.
    pub silence: Silence,
}

/// What the rules of the school and the calendar make of the evidence.
#[derive(Debug, Clone)]
pub struct Measure {
    /// The policy's `informed`.
    pub informed: Evidence,
    /// The channels whose providers report deliveries.
    pub reports: Vec<Channel>,
    /// Whether the week is over.
    pub over: bool,
    /// Whether the weeks are over that the same sheet would speak of.
    pub paper_over: bool,
}

/// What is known of one student, guardian and week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The lowest evidence of what was due; none where nothing was.
    pub evidence: Option<Evidence>,
    /// Whether that is enough. Where nothing was due, nobody need be informed.
    pub informed: bool,
    /// Whether the week ended without it.
    pub red: bool,
    /// Why the evidence is no higher, or why there is none.
    pub why: Option<Why>,
    /// The code of the reason for paper, where paper was the road.
    pub why_paper: Option<String>,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `student.id`
    pub student_id: i64,
    /// «Соколова Мария»
    pub student: String,
    /// `guardian.id`
    pub guardian_id: i64,
    /// «Соколова Ольга»
    pub guardian: String,
    /// The class; none where the school keeps no classes.
    pub class: Option<ClassName>,
    /// The week.
    pub week: Week,
    /// What is known.
    pub cell: Cell,
}

/// A student who attends in a week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pupil {
    /// `student.id`
    pub id: i64,
    /// «Соколова Мария»
    pub name: String,
    /// `class.id` and the class's name; none where the school keeps no classes.
    pub class: Option<(i64, ClassName)>,
}

/// What decides whether a week without news is a silence that families should be told of.
#[derive(Debug, Clone)]
pub struct SchoolWeek {
    /// The week.
    pub week: Week,
    /// When there is school.
    pub calendar: Calendar,
    /// The classes that keep a timetable of lessons.
    pub timetabled: BTreeSet<i64>,
    /// Those of them that have lessons in the week.
    pub with_lessons: BTreeSet<i64>,
    /// Whether the school's first data came before the week began.
    pub begun: bool,
    /// The students of whom the journal knows anything.
    pub known: BTreeSet<i64>,
    /// The students of whom something was said in the week, or is about to be.
    pub spoken_of: BTreeSet<i64>,
}

impl SchoolWeek {
    /// Whether the week was silent for a student.
    ///
    /// # Errors
    /// Why it is no silence.
    pub fn silent(&self, pupil: &Pupil) -> Result<(), Why> {
        let grade = pupil.class.as_ref().map(|(_, name)| i64::from(name.grade));
        let class = pupil.class.as_ref().map(|(id, _)| *id);
        let free = class
            .is_some_and(|id| self.timetabled.contains(&id) && !self.with_lessons.contains(&id));
        match () {
            () if free || !self.calendar.teaches_in(grade, self.week) => Err(Why::Holidays),
            () if !self.begun || !self.known.contains(&pupil.id) => Err(Why::NotStarted),
            () if self.spoken_of.contains(&pupil.id) => Err(Why::NoNews),
            () => Ok(()),
        }
    }
}

/// How much a carrier proves, and why no more.
fn carried(carrier: &Carrier) -> (Evidence, Option<Why>) {
    let evidence = match (carrier.channel, carrier.state.as_str()) {
        (Channel::Paper, "printed") => Evidence::E1,
        (Channel::Paper, "handed_out" | "no_slip") => Evidence::E2,
        (Channel::Paper, "slip_back") => Evidence::E4,
        (Channel::Paper, "not_handed") => return (Evidence::E0, Some(Why::NotHanded)),
        (Channel::Paper, "missing") => return (Evidence::E0, Some(Why::Missing)),
        (Channel::Paper, _) => return (Evidence::E0, Some(Why::Sheet)),
        (_, "accepted") => return (Evidence::E1, Some(Why::AwaitsReceipt)),
        (_, "no_receipt") => return (Evidence::E1, Some(Why::NoReceipt)),
        (_, "delivered") => Evidence::E2,
        (_, "undelivered") => return (Evidence::E0, Some(Why::Undelivered)),
        (_, "in_doubt") => return (Evidence::E0, Some(Why::InDoubt)),
        (_, _) => return (Evidence::E0, Some(Why::Sending)),
    };
    (evidence, None)
}

/// What is known of one duty: whether it is enough, its evidence, and why there is no more.
fn weigh(duty: &Duty, measure: &Measure) -> (bool, Evidence, Option<Why>) {
    let nothing = |why| (measure.informed == Evidence::E0, Evidence::E0, Some(why));
    // A duty that waits again has not been told, whatever was tried.
    let told = match duty.stage {
        Stage::Settling => nothing(Why::Settling),
        Stage::Window => nothing(Why::Window),
        Stage::Sheet => nothing(Why::Sheet),
        Stage::Held => nothing(Why::Held),
        Stage::Red => nothing(Why::Red),
        Stage::InMessage | Stage::Informed | Stage::ToldByPaper => {
            let carriers = duty.carriers.iter().map(|one| {
                let (evidence, why) = carried(one);
                let wanted = match measure.informed {
                    Evidence::E1 if measure.reports.contains(&one.channel) => Evidence::E2,
                    wanted => wanted,
                };
                (evidence >= wanted, evidence, why)
            });
            let best = carriers.max_by_key(|(enough, evidence, why)| {
                (*enough, *evidence, std::cmp::Reverse(*why))
            });
            best.unwrap_or(nothing(Why::Sending))
        }
    };
    let acknowledged = duty.acknowledged.map(|evidence| {
        let evidence = evidence.max(told.1);
        (evidence >= measure.informed, evidence, None)
    });
    match acknowledged.unwrap_or(told) {
        (true, evidence, _) => (true, evidence, None),
        (false, evidence, why) => (false, evidence, why.or(Some(Why::Weak))),
    }
}

impl Measure {
    /// Whether the time is over of somebody who did not hear for this reason.
    fn over_for(&self, why: Option<Why>) -> bool {
        match why {
            Some(Why::Sheet) => self.paper_over,
            _ => self.over,
        }
    }
}

/// Computes one cell. The order of the duties means nothing, and one more duty never raises it.
pub fn cell(entries: &Entries, measure: &Measure) -> Cell {
    let weighed = entries
        .duties
        .iter()
        .map(|duty| (weigh(duty, measure), duty.why_paper.clone()));
    // What is least sure speaks for the week; of equals the one that informs least.
    let lowest = weighed.min_by(|(one, one_paper), (other, other_paper)| {
        let key = |weighed: &(bool, Evidence, Option<Why>)| (weighed.0, weighed.1, weighed.2);
        (key(one), one_paper).cmp(&(key(other), other_paper))
    });
    let Some(((informed, _, why), why_paper)) = lowest else {
        return silent(&entries.silence, measure);
    };
    let evidence = entries.duties.iter().map(|duty| weigh(duty, measure).1);
    Cell {
        evidence: evidence.min(),
        informed,
        red: !informed && measure.over_for(why),
        why_paper: why_paper.filter(|_| matches!(why, Some(Why::Sheet | Why::Red))),
        why,
    }
}

/// A week in which nothing was due.
fn silent(silence: &Silence, measure: &Measure) -> Cell {
    let none = |why, red| Cell {
        evidence: None,
        informed: false,
        red,
        why: Some(why),
        why_paper: None,
    };
    match silence {
        Silence::Nothing(why) => none(*why, false),
        Silence::Message if measure.over => none(Why::Untold, true),
        Silence::Message => none(Why::Pending, false),
        Silence::OnPaper(sheets) if sheets.is_empty() && measure.paper_over => {
            none(Why::NoSheet, true)
        }
        Silence::OnPaper(sheets) if sheets.is_empty() => none(Why::Pending, false),
        Silence::OnPaper(sheets) => {
            let carriers = sheets.iter().map(|state| Carrier {
                channel: Channel::Paper,
                state: state.clone(),
            });
            let sheet = Duty {
                stage: Stage::ToldByPaper,
                why_paper: None,
                carriers: carriers.collect(),
                acknowledged: None,
            };
            let (informed, evidence, why) = weigh(&sheet, measure);
            Cell {
                evidence: Some(evidence),
                informed,
                red: measure.over && !informed,
                why,
                why_paper: None,
            }
        }
    }
}

impl Cell {
    /// The code of the reason in `ledger --json`; none for who is informed.
    pub fn reason(&self) -> Option<&str> {
        match (&self.why, &self.why_paper) {
            (Some(Why::Red | Why::Sheet), Some(code)) => Some(code),
            (why, _) => why.map(Why::code),
        }
    }

    /// Whether something was due, so that the family counts as informed or not.
    pub fn counts(&self) -> bool {
        self.evidence.is_some() || self.red
    }
}

/// The reason as people read it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(why) = self.why else {
            return f.write_str("informed");
        };
        f.write_str(why.words())?;
        match &self.why_paper {
            Some(code) => write!(f, " ({})", paper_words(code)),
            None => Ok(()),
        }
    }
}

/// Why a family hears on paper, from the code that `notice.reason` keeps.
fn paper_words(code: &str) -> String {
    let consent = code.strip_prefix("consent_").and_then(|rest| {
        let (purpose, state) = rest.split_once('_')?;
        let state = match state {
            "not_asked" => "not asked for",
            other => other,
        };
        Some(format!("consent to «{purpose}» is {state}"))
    });
    consent.unwrap_or_else(|| match code {
        "chosen" => "the family chose paper".into(),
        "no_contact" => "no address is known".into(),
        "unreachable" => "every address has failed for good".into(),
        "closed_address" => "the address is shared with a person who must not hear".into(),
        "no_money" => "the month's money for SMS is spent".into(),
        "never_by_channel" => "the family asked for none of its channels".into(),
        other => other.replace('_', " "),
    })
}

/// How many of these lines are informed, and of how many that count.
pub fn share<'a>(lines: impl IntoIterator<Item = &'a Line>) -> (usize, usize) {
    lines
        .into_iter()
        .filter(|line| line.cell.counts())
        .fold((0, 0), |(informed, all), line| {
            (informed + usize::from(line.cell.informed), all + 1)
        })
}
