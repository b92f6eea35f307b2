//! The JSON of the web service, as far as it is read.

use serde::Deserialize;
use serde_json::Value;

/// A student's diary of some days.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DiaryFile {
    pub(super) week_start: String,
    pub(super) week_end: String,
    pub(super) week_days: Vec<Day>,
    pub(super) class_name: Option<String>,
}

/// A day of a diary.
#[derive(Deserialize)]
pub(super) struct Day {
    pub(super) date: String,
    #[serde(default)]
    pub(super) lessons: Vec<Lesson>,
}

/// A lesson of a day.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Lesson {
    pub(super) classmeeting_id: i64,
    pub(super) number: Option<i64>,
    pub(super) room: Option<String>,
    pub(super) start_time: Option<String>,
    pub(super) end_time: Option<String>,
    pub(super) subject_name: String,
    #[serde(default)]
    pub(super) assignments: Vec<Assignment>,
}

/// Homework, or work that may be marked; often both.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Assignment {
    pub(super) id: i64,
    pub(super) type_id: i64,
    #[serde(rename = "assignmentName")]
    pub(super) name: Option<String>,
    pub(super) weight: Option<f64>,
    pub(super) mark: Option<Mark>,
    pub(super) mark_comment: Option<Comment>,
}

/// A mark, or the debt of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mark {
    pub(super) student_id: i64,
    #[serde(rename = "mark")]
    pub(super) value: Option<Value>,
    #[serde(default, rename = "dutyMark")]
    pub(super) debt: bool,
}

/// What the teacher wrote beside a mark.
#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) name: Option<String>,
}

/// A student as the list of diaries names them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Student {
    #[serde(rename = "studentId")]
    pub(super) id: i64,
    pub(super) nick_name: String,
    pub(super) class_name: Option<String>,
}

/// A kind of work.
#[derive(Deserialize)]
pub(super) struct Kind {
    pub(super) id: i64,
    pub(super) name: String,
}

/// A quarter, a half-year or another stretch of the year.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Term {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) start_date: String,
    pub(super) end_date: String,
}
