//! The results of terms: of a class, students by subjects, one page a term; or of a student, subjects by terms
//! («сводная ведомость», regulation 000 §2.7).

use std::fmt;

use serde::Serialize;

use crate::{Paper, clean::clean};

/// What is summed up.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// «Школа № 12»
    pub school: String,
    /// «5 «А»»
    pub class: String,
    /// «Иванова Анна Петровна»
    pub class_teacher: Option<String>,
    /// «2026/27»
    pub year: String,
    /// «27 ноября 2026»
    pub day: String,
    /// Where it is signed and sealed: who signs, or nothing where nobody is named.
    pub certified: Option<String>,
    /// Whether a row is a student, whose subjects want turned heads; else it is a subject.
    pub of_class: bool,
    /// One page or more each.
    pub tables: Vec<Table>,
}

/// One table.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Table {
    /// «1-я четверть», or whose results they are: «Соколова Мария».
    pub title: String,
    /// The subjects, or the terms.
    pub columns: Vec<String>,
    /// The students or subjects, with as many values as there are columns; empty where there is none yet.
    pub rows: Vec<(String, Vec<String>)>,
}

/// Prints the number of tables only.
impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Summary({} tables)", self.tables.len())
    }
}

/// Prints nothing of it.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Table")
    }
}

impl Paper for Summary {
    fn data(&self) -> serde_json::Result<serde_json::Value> {
        let all = |texts: &[String]| texts.iter().map(|one| clean(one)).collect::<Vec<_>>();
        let table = |one: &Table| {
            let rows = one.rows.iter().map(
                |(name, values)| serde_json::json!({ "name": clean(name), "values": all(values) }),
            );
            serde_json::json!({
                "title": clean(&one.title),
                "columns": all(&one.columns),
                "rows": rows.collect::<Vec<_>>(),
            })
        };
        Ok(serde_json::json!({
            "school": clean(&self.school),
            "class": clean(&self.class),
            "class_teacher": self.class_teacher.as_deref().map(clean),
            "year": clean(&self.year),
            "day": clean(&self.day),
            "certified": self.certified.as_deref().map(clean),
            "of_class": self.of_class,
            "tables": self.tables.iter().map(table).collect::<Vec<_>>(),
        }))
    }
}
