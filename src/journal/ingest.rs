//! What another program writes into the journal at once: a batch of rows, each under the other program's own key.

use chrono::NaiveDate;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// How many rows a batch has at most.
pub const MOST: usize = 20_000;

/// Rows to be written, all or none.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Marks; one that is known by its key is corrected.
    #[serde(default)]
    pub marks: Vec<MarkRow>,
    /// Absences and latenesses.
    #[serde(default)]
    pub attendance: Vec<AttendanceRow>,
    /// Homework of whole classes.
    #[serde(default)]
    pub homework: Vec<HomeworkRow>,
    /// Words of teachers.
    #[serde(default)]
    pub remarks: Vec<RemarkRow>,
    /// Rows that are not true any more.
    #[serde(default)]
    pub withdrawn: Vec<Withdrawn>,
}

/// A mark.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkRow {
    /// The program's own name of the row.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub key: String,
    /// The student: the id here, or the key of the source that the student was loaded from.
    pub student: String,
    /// The subject: its key, or its name.
    pub subject: String,
    /// The day of the lesson.
    pub date: NaiveDate,
    /// As the teacher entered it.
    #[schema(min_length = 1, max_length = 20, pattern = r"\S")]
    pub value: String,
    /// How much it weighs in the average.
    #[serde(default = "one")]
    #[schema(minimum = 0, maximum = 100)]
    pub weight: f64,
    /// «контрольная»
    #[serde(default)]
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub work_kind: Option<String>,
}

/// That a student was late, or not there.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendanceRow {
    /// The program's own name of the row.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub key: String,
    /// The student.
    pub student: String,
    /// The day.
    pub date: NaiveDate,
    /// The lesson's number; 0 is the whole day.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 20)]
    pub lesson: i64,
    /// How it is called in the journal.
    pub code: AttendanceCode,
}

/// `attendance.code`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttendanceCode {
    /// Not there, for no known reason.
    Absent,
    /// Ill.
    Ill,
    /// Excused.
    Excused,
    /// Not excused.
    Unexcused,
    /// Late.
    Late,
    /// Exempt.
    Exempt,
}

impl AttendanceCode {
    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Ill => "ill",
            Self::Excused => "excused",
            Self::Unexcused => "unexcused",
            Self::Late => "late",
            Self::Exempt => "exempt",
        }
    }
}

/// What a class is to do at home.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeworkRow {
    /// The program's own name of the row.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub key: String,
    /// The class, as people write it: «5А».
    pub class: String,
    /// The subject.
    pub subject: String,
    /// The day of the lesson at which it was given.
    pub assigned_on: NaiveDate,
    /// The day for which it is to be done.
    pub due_on: NaiveDate,
    /// The task.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    pub text: String,
}

/// A teacher's word about a student.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemarkRow {
    /// The program's own name of the row.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub key: String,
    /// The student.
    pub student: String,
    /// The day.
    pub date: NaiveDate,
    /// What kind of word.
    pub kind: RemarkKind,
    /// The word.
    #[schema(min_length = 1, max_length = 2000, pattern = r"\S")]
    pub text: String,
    /// Whether the teacher wants the family to hear of it.
    #[serde(default)]
    pub notify_parents: bool,
}

/// `remark.kind`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemarkKind {
    /// A remark.
    Remark,
    /// Praise.
    Praise,
    /// An appeal to the family.
    Appeal,
    /// An achievement.
    Achievement,
}

impl RemarkKind {
    /// The code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Remark => "remark",
            Self::Praise => "praise",
            Self::Appeal => "appeal",
            Self::Achievement => "achievement",
        }
    }
}

/// A row that is not true any more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    /// What it was.
    pub kind: RowKind,
    /// The program's own name of the row.
    #[schema(min_length = 1, max_length = 100, pattern = r"\S")]
    pub key: String,
}

/// The kinds of rows, by the names of their tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// `mark`
    Mark,
    /// `attendance`
    Attendance,
    /// `homework`
    Homework,
    /// `remark`
    Remark,
}

impl RowKind {
    /// The table.
    pub fn table(self) -> &'static str {
        match self {
            Self::Mark => "mark",
            Self::Attendance => "attendance",
            Self::Homework => "homework",
            Self::Remark => "remark",
        }
    }
}

/// A whole number, however it is written: 2 and 2.0 are the same to JSON Schema.
///
/// # Errors
/// What is none.
pub fn whole<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let number = serde_json::Number::deserialize(from)?;
    let text = number.to_string();
    let bare = text.strip_suffix(".0").unwrap_or(&text);
    bare.parse()
        .map_err(|_| serde::de::Error::custom("is no whole number"))
}

fn one() -> f64 {
    1.0
}

/// A text as it is written down: without blanks around it, and without what no page can show.
pub fn clean(text: &str) -> String {
    let shown = |c: char| if c.is_control() && c != '\n' { ' ' } else { c };
    text.trim().chars().map(shown).collect()
}

/// What is wrong with a row: where it stands (RFC 6901), and what to do about it. It quotes no name and no text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Wrong {
    /// «/marks/17/student»
    pub pointer: String,
    /// What is wrong, and the remedy.
    pub detail: String,
}

impl Wrong {
    /// A fault of the field of a row.
    pub fn new(list: &str, row: usize, field: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: format!("/{list}/{row}/{field}"),
            detail: detail.into(),
        }
    }
}

impl Batch {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.marks.len()
            + self.attendance.len()
            + self.homework.len()
            + self.remarks.len()
            + self.withdrawn.len()
    }

    /// What is wrong with it by itself, before the journal is asked; empty where nothing is.
    pub fn faults(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut check = |list: &str, row: usize, field: &str, text: &str, most: usize| {
            let count = text.trim().chars().count();
            if count == 0 || count > most {
                let detail = format!("has {count} characters: 1 to {most} are allowed");
                wrong.push(Wrong::new(list, row, field, detail));
            }
        };
        for (row, one) in self.marks.iter().enumerate() {
            check("marks", row, "key", &one.key, 100);
            check("marks", row, "value", &one.value, 20);
            if let Some(kind) = &one.work_kind {
                check("marks", row, "work_kind", kind, 100);
            }
        }
        for (row, one) in self.attendance.iter().enumerate() {
            check("attendance", row, "key", &one.key, 100);
        }
        for (row, one) in self.homework.iter().enumerate() {
            check("homework", row, "key", &one.key, 100);
            check("homework", row, "text", &one.text, 2000);
        }
        for (row, one) in self.remarks.iter().enumerate() {
            check("remarks", row, "key", &one.key, 100);
            check("remarks", row, "text", &one.text, 2000);
        }
        for (row, one) in self.withdrawn.iter().enumerate() {
            check("withdrawn", row, "key", &one.key, 100);
        }
        for (row, one) in self.marks.iter().enumerate() {
            if !(0.0..=100.0).contains(&one.weight) {
                wrong.push(Wrong::new(
                    "marks",
                    row,
                    "weight",
                    "is not between 0 and 100",
                ));
            }
        }
        for (row, one) in self.attendance.iter().enumerate() {
            if !(0..=20).contains(&one.lesson) {
                let detail = "is no number of a lesson: 1 to 20, or 0 for the whole day";
                wrong.push(Wrong::new("attendance", row, "lesson", detail));
            }
        }
        wrong
    }

    /// Keys that stand there more than once: nobody could say which of them is meant.
    pub fn twice(&self) -> Vec<Wrong> {
        let mut seen = std::collections::BTreeSet::new();
        let keys = (self
            .marks
            .iter()
            .enumerate()
            .map(|(row, one)| ("marks", row, one.key.as_str())))
        .chain(
            self.attendance
                .iter()
                .enumerate()
                .map(|(row, one)| ("attendance", row, one.key.as_str())),
        )
        .chain(
            self.homework
                .iter()
                .enumerate()
                .map(|(row, one)| ("homework", row, one.key.as_str())),
        )
        .chain(
            self.remarks
                .iter()
                .enumerate()
                .map(|(row, one)| ("remarks", row, one.key.as_str())),
        );
        keys.filter(|(list, _, key)| !seen.insert((*list, *key)))
            .map(|(list, row, _)| Wrong::new(list, row, "key", "stands in this batch twice"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(key: &str, value: &str) -> MarkRow {
        MarkRow {
            key: key.into(),
            student: "1".into(),
            subject: "Математика".into(),
            date: "2026-10-14".parse().expect("a day"),
            value: value.into(),
            weight: 1.0,
            work_kind: None,
        }
    }

    #[test]
    fn what_is_wrong_by_itself_is_named_by_its_place() {
        let batch = Batch {
            marks: vec![mark("a", "5"), mark("a", ""), mark("", &"5".repeat(21))],
            ..Batch::default()
        };
        let places: Vec<String> = batch.faults().into_iter().map(|one| one.pointer).collect();
        assert_eq!(places, ["/marks/1/value", "/marks/2/key", "/marks/2/value"]);
        assert_eq!(batch.twice()[0].pointer, "/marks/1/key");
        assert_eq!(clean(" a\u{0}b\nc "), "a b\nc");
        assert!(Batch::default().faults().is_empty());
        let heavy = Batch {
            marks: vec![MarkRow {
                weight: f64::NAN,
                ..mark("a", "5")
            }],
            ..Batch::default()
        };
        assert_eq!(heavy.faults().len(), 1);
    }
}
