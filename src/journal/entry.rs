//! What a journal row says, whom it says it of, and where it stands: the one reading that serves both
//! the change that was logged and the row that is there now.

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    cell::Cell,
    fact::{Place, RemarkKind, Stage},
};
use crate::{instant::Millis, policy::Remarks};

/// The tables whose rows families are told of.
pub const TOLD: [&str; 9] = [
    "mark",
    "attendance",
    "homework",
    "remark",
    "term_result",
    "announcement",
    "lesson",
    "test_plan",
    "class_event",
];

/// Whom a row concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Audience {
    /// `student.id`
    Student(i64),
    /// `class.id`: who attends it today.
    Class(i64),
    /// `subgroup.id`: who belongs to it today.
    Subgroup(i64),
    /// `announcement.id`: the audience it lists, or else its class, or else the school.
    Listed(i64, Option<i64>),
    /// Everybody who attends the school today.
    School,
}

/// One value that stands in a place, with what is said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The value: a mark, a text, or one of the words below.
    ///
    /// Attendance: `absent`, `ill`, `excused`, `unexcused`, `late` or `late:MINUTES`. Term results:
    /// the mark, `deferred`, `deferred:DATE` or `not_certified`. Lessons: `cancelled`, `moved`,
    /// `moved:DATE` or `substitute:STAFF`.
    pub value: String,
    /// «контрольная»
    pub work_kind: Option<String>,
    /// The teacher's comment on a mark, or who stands in for the teacher of a lesson.
    pub comment: Option<String>,
    /// The same in fewer words, for SMS.
    pub short: Option<String>,
    /// What families can answer, where an announcement asks something.
    pub answers: Vec<String>,
    /// The names of the files that come with an announcement; known of one that stands there now.
    pub files: Option<String>,
    /// When the teacher says that it was entered.
    pub entered_at: Option<Millis>,
    /// Whether it comes from elsewhere with a document, as from a hospital.
    pub external: bool,
    /// Whether the class teacher entered it; known of attendance that stands there now.
    pub by_class_teacher: bool,
    /// When the school had the result of a term or an exam.
    pub received_at: Option<Millis>,
}

impl Entry {
    /// The bag of values that these entries make.
    pub fn cell(entries: &[Self]) -> Cell {
        entries.iter().map(|entry| entry.value.as_str()).collect()
    }
}

/// All that stands in a fact's place now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Content {
    /// The values.
    pub entries: Vec<Entry>,
    /// Whether it must be told at once, even at night.
    pub urgent: bool,
    /// When it may be told at the earliest.
    pub not_before: Option<Millis>,
    /// Whether it has lost its meaning.
    pub over: bool,
}

impl Content {
    /// The bag of values that stand there.
    pub fn cell(&self) -> Cell {
        Entry::cell(&self.entries)
    }

    /// Takes in a further row of the same place.
    pub fn add(&mut self, reading: &Reading) {
        self.entries.extend(reading.entry.clone());
        self.urgent |= reading.urgent;
        self.not_before = self.not_before.max(reading.not_before);
        self.over |= reading.over;
    }
}

/// What a place is called, as far as the journal says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// The subject's name, and its short name.
    pub subject: Option<(String, Option<String>)>,
    /// The day that it is about.
    pub date: Option<NaiveDate>,
    /// The lesson's number.
    pub number: Option<i64>,
    /// The title of an announcement.
    pub title: Option<String>,
    /// The kind of a term, by the codes of `term.kind`, and its number.
    pub term: Option<(String, i64)>,
}

/// A row, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Whom it concerns.
    pub audience: Audience,
    /// Where it stands.
    pub place: Place,
    /// What it says; none while there is nothing to tell, as of a draft or of a remark without the tick.
    pub entry: Option<Entry>,
    /// What a remark without the tick would say.
    pub unticked: Option<Entry>,
    /// Whether it must be told at once, even at night.
    pub urgent: bool,
    /// When it may be told at the earliest.
    pub not_before: Option<Millis>,
    /// Whether it has lost its meaning: the lesson was yesterday, the announcement has run out.
    pub over: bool,
}

impl Reading {
    /// The reading where these remarks are told.
    #[must_use]
    pub fn telling(mut self, remarks: Remarks) -> Self {
        if remarks == Remarks::All {
            self.entry = self.entry.or(self.unticked.take());
        }
        self
    }
}

/// Reads a row of one of the tables [`TOLD`], as the `change` log or a query gives it. None for rows
/// of other tables, and for rows that lack what their table requires.
pub fn read(entity: &str, row: &Value, today: NaiveDate, now: Millis) -> Option<Reading> {
    let row = Row(row);
    match entity {
        "mark" => mark(&row),
        "attendance" => attendance(&row),
        "homework" => homework(&row),
        "remark" => remark(&row),
        "term_result" => term_result(&row),
        "announcement" => announcement(&row, now),
        "lesson" => lesson(&row, today),
        "test_plan" => test_plan(&row, today),
        "class_event" => class_event(&row, today),
        _ => None,
    }
}

fn mark(row: &Row<'_>) -> Option<Reading> {
    let place = Place::Mark {
        subject_id: row.int("subject_id")?,
        date: row.date("date")?,
        lesson_id: row.int("lesson_id"),
    };
    let entry = row.text("value").map(|value| Entry {
        value,
        work_kind: row.text("work_kind"),
        comment: row.text("comment"),
        entered_at: row.int("entered_at"),
        external: row.text("document").is_some(),
        ..Entry::default()
    });
    Some(reading(row.student()?, place, entry))
}

/// An exemption is agreed with the family and no news to it.
fn attendance(row: &Row<'_>) -> Option<Reading> {
    let place = Place::Attendance {
        date: row.date("date")?,
        number: row.int("number").unwrap_or(0),
    };
    let code = row.text("code")?;
    let value = match (code.as_str(), row.int("minutes_late")) {
        ("exempt", _) => None,
        ("late", Some(minutes)) if minutes > 0 => Some(format!("late:{minutes}")),
        _ => Some(code),
    };
    let entry = value.map(|value| Entry {
        value,
        entered_at: row.int("entered_at"),
        by_class_teacher: row.int("by_class_teacher") == Some(1),
        ..Entry::default()
    });
    Some(reading(row.student()?, place, entry))
}

fn homework(row: &Row<'_>) -> Option<Reading> {
    let place = Place::Homework {
        subject_id: row.int("subject_id")?,
        date: row.date("due_on").or_else(|| row.date("assigned_on"))?,
    };
    Some(reading(row.audience()?, place, says(row.text("text"))))
}

/// Parents are told with the tick only (regulation 000 §2.5.11), unless the policy says all.
fn remark(row: &Row<'_>) -> Option<Reading> {
    let place = Place::Remark {
        date: row.date("date")?,
        kind: RemarkKind::from_code(&row.text("kind")?)?,
        lesson_id: row.int("lesson_id"),
    };
    let says = says(row.text("text"));
    let (entry, unticked) = match row.int("notify_parents") {
        Some(1) => (says, None),
        _ => (None, says),
    };
    Some(Reading {
        unticked,
        ..reading(row.student()?, place, entry)
    })
}

fn term_result(row: &Row<'_>) -> Option<Reading> {
    let place = Place::TermResult {
        subject_id: row.int("subject_id")?,
        term_id: row.int("term_id")?,
        stage: Stage::from_code(&row.text("stage")?)?,
    };
    let value = match row.text("status")?.as_str() {
        "set" => row.text("value"),
        "deferred" => Some(match row.date("deferred_to") {
            Some(date) => format!("deferred:{date}"),
            None => "deferred".to_owned(),
        }),
        "not_certified" => Some("not_certified".to_owned()),
        _ => None,
    };
    let entry = value.map(|value| Entry {
        value,
        received_at: row.int("received_at"),
        ..Entry::default()
    });
    Some(reading(row.student()?, place, entry))
}

fn announcement(row: &Row<'_>, now: Millis) -> Option<Reading> {
    let id = row.int("id")?;
    let said = row.text("state").as_deref() == Some("ready") && row.int("cancelled_at").is_none();
    let entry = row.text("text").filter(|_| said).map(|value| Entry {
        value,
        short: row.text("sms_text"),
        answers: answers(row.text("answers").as_deref()),
        files: row.text("files"),
        ..Entry::default()
    });
    let audience = Audience::Listed(id, row.int("class_id"));
    Some(Reading {
        urgent: row.text("urgency").as_deref() == Some("urgent"),
        not_before: row.int("send_at"),
        over: row.int("valid_to").is_some_and(|until| until <= now),
        ..reading(audience, Place::Announcement(id), entry)
    })
}

/// `announcement.answers`: what families can answer, in the order of the buttons.
pub fn answers(json: Option<&str>) -> Vec<String> {
    let read = json.and_then(|json| serde_json::from_str(json).ok());
    read.unwrap_or_default()
}

/// A lesson is told of where it differs from the plan.
fn lesson(row: &Row<'_>, today: NaiveDate) -> Option<Reading> {
    let value = match (row.text("state").as_deref(), row.int("substitute_id")) {
        (Some("cancelled"), _) => Some("cancelled".to_owned()),
        (Some("moved"), _) => Some(match row.date("moved_to") {
            Some(date) => format!("moved:{date}"),
            None => "moved".to_owned(),
        }),
        (_, Some(staff)) => Some(format!("substitute:{staff}")),
        _ => None,
    };
    let entry = value.map(|value| Entry {
        value,
        comment: row.text("substitute"),
        ..Entry::default()
    });
    Some(Reading {
        over: row.date("date")? < today,
        ..reading(row.audience()?, Place::Lesson(row.int("id")?), entry)
    })
}

fn test_plan(row: &Row<'_>, today: NaiveDate) -> Option<Reading> {
    let date = row.date("date")?;
    let place = Place::Test {
        subject_id: row.int("subject_id")?,
        date,
    };
    let kind = row
        .text("kind")
        .unwrap_or_else(|| "контрольная работа".to_owned());
    Some(Reading {
        over: date < today,
        ..reading(row.audience()?, place, says(Some(kind)))
    })
}

/// «18:00, родительское собрание, кабинет 24»
fn class_event(row: &Row<'_>, today: NaiveDate) -> Option<Reading> {
    let text = row.text("text")?;
    let parts = [row.text("starts_at"), Some(text), row.text("place")];
    let value = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let class = row.int("class_id").map(Audience::Class);
    let place = Place::ClassEvent(row.int("id")?);
    Some(Reading {
        over: row.date("date")? < today,
        ..reading(class.unwrap_or(Audience::School), place, says(Some(value)))
    })
}

fn reading(audience: Audience, place: Place, entry: Option<Entry>) -> Reading {
    Reading {
        audience,
        place,
        entry,
        unticked: None,
        urgent: false,
        not_before: None,
        over: false,
    }
}

fn says(value: Option<String>) -> Option<Entry> {
    value.map(|value| Entry {
        value,
        ..Entry::default()
    })
}

/// The columns of a row by name.
struct Row<'a>(&'a Value);

impl Row<'_> {
    fn int(&self, column: &str) -> Option<i64> {
        self.0.get(column)?.as_i64()
    }

    /// A text that says something.
    fn text(&self, column: &str) -> Option<String> {
        let text = self.0.get(column)?.as_str()?;
        (!text.trim().is_empty()).then(|| text.to_owned())
    }

    fn date(&self, column: &str) -> Option<NaiveDate> {
        self.0.get(column)?.as_str()?.parse().ok()
    }

    fn student(&self) -> Option<Audience> {
        self.int("student_id").map(Audience::Student)
    }

    fn audience(&self) -> Option<Audience> {
        let subgroup = || self.int("subgroup_id").map(Audience::Subgroup);
        let class = || self.int("class_id").map(Audience::Class);
        self.student().or_else(subgroup).or_else(class)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 10, 14).expect("a date")
    }

    fn said(entity: &str, row: &Value) -> Option<String> {
        let reading = read(entity, row, today(), 1_000).expect("a row that can be read");
        reading.entry.map(|entry| entry.value)
    }

    #[test]
    fn what_is_not_to_be_told_says_nothing() {
        let remark = |tick: i64| json!({"student_id": 7, "date": "2026-10-14", "kind": "remark", "text": "Шумел", "notify_parents": tick});
        assert_eq!(said("remark", &remark(0)), None, "without the tick");
        assert_eq!(said("remark", &remark(1)).as_deref(), Some("Шумел"));
        let told = |remarks| {
            let reading = read("remark", &remark(0), today(), 0).expect("a row");
            reading.telling(remarks).entry.map(|entry| entry.value)
        };
        assert_eq!(told(Remarks::Ticked), None);
        assert_eq!(told(Remarks::All).as_deref(), Some("Шумел"));
        let exempt = json!({"student_id": 7, "date": "2026-10-14", "number": 2, "code": "exempt"});
        assert_eq!(said("attendance", &exempt), None);
        let pending = json!({"student_id": 7, "subject_id": 3, "term_id": 1, "stage": "final", "status": "pending"});
        assert_eq!(said("term_result", &pending), None);
        let draft = json!({"id": 4, "class_id": 1, "text": "Собрание", "state": "draft", "urgency": "normal"});
        assert_eq!(said("announcement", &draft), None);
        let planned = json!({"id": 9, "class_id": 1, "subject_id": 3, "date": "2026-10-14", "state": "held", "topic": "Дроби"});
        assert_eq!(
            said("lesson", &planned),
            None,
            "a lesson as planned is no news"
        );
    }

    #[test]
    fn each_row_says_its_value_in_its_place() {
        let late = json!({"student_id": 7, "date": "2026-10-14", "number": 2, "code": "late", "minutes_late": 10});
        assert_eq!(said("attendance", &late).as_deref(), Some("late:10"));
        let deferred = json!({"student_id": 7, "subject_id": 3, "term_id": 1, "stage": "final", "status": "deferred", "deferred_to": "2026-11-06"});
        assert_eq!(
            said("term_result", &deferred).as_deref(),
            Some("deferred:2026-11-06")
        );
        let substitute = json!({"id": 9, "class_id": 1, "subject_id": 3, "date": "2026-10-15", "state": "planned", "substitute_id": 5});
        assert_eq!(said("lesson", &substitute).as_deref(), Some("substitute:5"));
        let homework = json!({"class_id": 1, "subject_id": 3, "assigned_on": "2026-10-14", "due_on": "2026-10-15", "text": "№ 214"});
        let reading = read("homework", &homework, today(), 0).expect("a row");
        assert_eq!(reading.audience, Audience::Class(1));
        assert_eq!(
            reading.place,
            Place::Homework {
                subject_id: 3,
                date: today().succ_opt().expect("a day")
            }
        );
        let meeting = json!({"id": 2, "class_id": 1, "date": "2026-10-20", "starts_at": "18:00", "text": "собрание", "place": "кабинет 24"});
        assert_eq!(
            said("class_event", &meeting).as_deref(),
            Some("18:00, собрание, кабинет 24")
        );
    }

    #[test]
    fn what_has_run_out_is_over() {
        let yesterday = json!({"id": 9, "class_id": 1, "date": "2026-10-13", "state": "cancelled"});
        assert!(read("lesson", &yesterday, today(), 0).expect("a row").over);
        let expired = json!({"id": 4, "text": "Собрание", "state": "ready", "valid_to": 999});
        let reading = read("announcement", &expired, today(), 1_000).expect("a row");
        assert!(reading.over);
        assert_eq!(reading.audience, Audience::Listed(4, None));
    }
}
