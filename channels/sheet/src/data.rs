//! What stands on a sheet. All of it comes as text that is ready to be printed: the template knows no
//! dates, no averages and no journal.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The sheets of one class and week, in the order in which they are handed out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// «Школа № 12»
    pub school: String,
    /// Where families may ask.
    pub phone: Option<String>,
    /// «5 «А»»
    pub class: String,
    /// «Иванова Анна Петровна»
    pub class_teacher: Option<String>,
    /// «12–16 октября 2026»
    pub week: String,
    /// Where sheets are signed and sealed: who signs, or nothing where nobody is named.
    #[serde(default)]
    pub certified: Option<String>,
    /// Whether those are several weeks.
    #[serde(default)]
    pub several: bool,
    /// Whether each sheet begins on a leaf of its own, where the printer prints on both sides: two families
    /// never share a leaf.
    #[serde(default)]
    pub duplex: bool,
    /// The register in which it is noted who got which sheet; empty where none is printed.
    #[serde(default)]
    pub register: Vec<Row>,
    /// Where these are extracts from the journal and no weekly sheets: the number, or nothing.
    #[serde(default)]
    pub extract: Option<String>,
    /// One for each family.
    pub sheets: Vec<Sheet>,
}

/// A row of the register.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The number of the row, by which class teachers name it.
    pub row: usize,
    /// What the slip is recognised by.
    pub code: String,
    /// «Соколова Мария»
    pub student: String,
    /// «1/2», where a student has several households.
    pub copy: String,
    /// «крупный», or nothing for the usual one.
    pub variant: String,
    /// Why it comes on paper.
    pub ground: String,
}

/// The sheet of one student for one household.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sheet {
    /// «Листок № 6»: a missing number is noticed at home.
    pub number: u32,
    /// What the slip is recognised by.
    pub code: String,
    /// The language of its labels: `ru`, `en`, `tt`, `ba` or `sah`; others it says in Russian.
    #[serde(default)]
    pub language: String,
    /// The week in that language, where it is not the school's.
    #[serde(default)]
    pub week: Option<String>,
    /// Whether it is laid out for who sees badly: 16 points at least, one thought to a line, no table.
    #[serde(default)]
    pub large: bool,
    /// Whether it says one thought to a line, without a table.
    #[serde(default)]
    pub plain: bool,
    /// Whether it stands for a sheet that was spoiled or lost.
    #[serde(default)]
    pub duplicate: bool,
    /// «Соколова Мария»
    pub student: String,
    /// «Соколова Ольга Викторовна»
    pub for_whom: Option<String>,
    /// Why it comes on paper, in a sentence.
    pub reason: Option<String>,
    /// The week in a sentence or two.
    pub summary: Vec<String>,
    /// One line each.
    pub subjects: Vec<Subject>,
    /// What was wrong before, and what came late.
    pub corrections: Vec<String>,
    /// Results of a term.
    pub term_results: Vec<TermResult>,
    /// Words of teachers.
    pub remarks: Vec<Remark>,
    /// What is to be done at home.
    pub homework: Vec<Homework>,
    /// Tests, meetings and changes of the timetable.
    pub ahead: Vec<String>,
    /// Words of the school and of the class.
    pub announcements: Vec<Announcement>,
    /// A word of the class teacher.
    pub note: Option<String>,
}

/// A line of the table (regulation 001 §3.8).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// «Русский язык»
    pub name: String,
    /// How many lessons were held, where the journal knows lessons.
    pub lessons: Option<u32>,
    /// The marks of the week, by their days.
    pub marks: Vec<Mark>,
    /// «4,33»
    pub average: Option<String>,
    /// How often the student was late.
    pub late: u32,
    /// How many lessons the student missed.
    pub missed: u32,
}

/// A mark.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// As the teacher entered it.
    pub value: String,
    /// «14.10»
    pub day: String,
    /// «контрольная»
    pub kind: Option<String>,
}

/// The result of a term in one subject.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TermResult {
    /// «Итоги: 1-я четверть»
    pub term: String,
    /// «Русский язык»
    pub subject: String,
    /// «4», «отсрочка до 6 ноября»
    pub value: String,
}

/// A teacher's word.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// «14.10»
    pub day: String,
    /// «Благодарность», or the subject.
    pub subject: Option<String>,
    /// The word.
    pub text: String,
}

/// What is to be done at home.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Homework {
    /// «19.10, пн»
    pub due: String,
    /// «Математика»
    pub subject: String,
    /// The task.
    pub text: String,
}

/// A word to many.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// «Собрание»
    pub title: Option<String>,
    /// The word.
    pub text: String,
    /// What the family can answer: a box to tick for each.
    #[serde(default)]
    pub answers: Vec<String>,
}

/// Prints counts only: the rest is about children.
impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Batch({} sheets)", self.sheets.len())
    }
}

/// Prints the number only.
impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sheet(№ {})", self.number)
    }
}
