//! Summaries of the results of terms, of a class or a student («сводная ведомость», regulation 000 §2.7). They tell
//! nobody anything.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;
use vestnik_sheet::{Pdf, SUMMARY, Summary, Table};

use super::press::{PaperError, Press};
use crate::{instant::Millis, text::words, week::Week, zone};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    /// `class.id`
    pub class: i64,
    /// `student.id`; none for all of the class.
    pub student: Option<i64>,
    /// Whether it is laid out to be signed by the director and sealed.
    pub certified: bool,
}

/// What a result is of, in the order in which columns stand: terms by their end, then the year, then exams.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    /// Whether it is the year's.
    pub whole_year: bool,
    /// Whether it is an exam's.
    pub exam: bool,
    /// `term.ends_on`
    pub ends_on: String,
    /// `term.number`
    pub number: i64,
    /// `term.kind`
    pub kind: String,
}

impl Column {
    fn title(&self) -> String {
        let term = words::term_name(&self.kind, self.number);
        if self.exam {
            format!("{term}, экзамен")
        } else {
            term
        }
    }
}

/// The result of a student in a subject.
#[derive(Clone)]
pub struct Result {
    /// `student.id`
    pub student_id: i64,
    /// The subject's place, name and id.
    pub subject: (i64, String, i64),
    /// Of what.
    pub column: Column,
    /// «4», «н/а», «отс»
    pub value: String,
}

impl Press {
    /// Sets a summary of the year that the class is in. None where nobody attends the class.
    ///
    /// # Errors
    /// [`PaperError`]
    pub async fn summary(
        &self,
        asked: Asked,
        now: Millis,
    ) -> std::result::Result<Option<Pdf>, PaperError> {
        let today = zone::local(now, self.zone).date();
        let week = Week::of(today);
        let mut tx = self.store.snapshot().await?;
        let read = tx.class_week(asked.class, (week, week), today, now).await?;
        let Some((class, mut students)) = read else {
            return Ok(None);
        };
        students.retain(|one| asked.student.is_none_or(|student| student == one.id));
        let ids: Vec<i64> = students.iter().map(|one| one.id).collect();
        let results = tx.results(&ids, class.year_from).await?;
        tx.commit().await?;
        if students.is_empty() {
            return Ok(None);
        }
        let names: Vec<(i64, String)> =
            students.into_iter().map(|one| (one.id, one.name)).collect();
        let summary = Summary {
            school: class.school.name,
            class: class.class,
            class_teacher: class.class_teacher,
            year: format!(
                "{}/{:02}",
                class.year_from.year(),
                (class.year_from.year() + 1) % 100
            ),
            day: format!("{} {}", words::day(today), today.year()),
            certified: asked.certified.then(|| class.director.unwrap_or_default()),
            of_class: asked.student.is_none(),
            tables: match asked.student {
                None => of_class(&names, &results),
                Some(_) => names
                    .iter()
                    .map(|(id, name)| of_student(*id, name, &results))
                    .collect(),
            },
        };
        Ok(Some(self.child.render(&summary, SUMMARY).await?))
    }
}

/// A table for each term: students by subjects. Without any result, one that says so.
fn of_class(students: &[(i64, String)], results: &[Result]) -> Vec<Table> {
    let columns: BTreeSet<&Column> = results.iter().map(|one| &one.column).collect();
    let table = |column: &&Column| {
        let own: Vec<&Result> = results
            .iter()
            .filter(|one| one.column == **column)
            .collect();
        let subjects: BTreeSet<_> = own.iter().map(|one| &one.subject).collect();
        let values: BTreeMap<_, _> = own
            .iter()
            .map(|one| ((one.student_id, &one.subject), one.value.clone()))
            .collect();
        let row = |(id, name): &(i64, String)| {
            let value = |subject: &&(i64, String, i64)| {
                values.get(&(*id, *subject)).cloned().unwrap_or_default()
            };
            (name.clone(), subjects.iter().map(value).collect())
        };
        Table {
            title: column.title(),
            columns: subjects.iter().map(|(_, name, _)| name.clone()).collect(),
            rows: students.iter().map(row).collect(),
        }
    };
    let tables: Vec<Table> = columns.iter().map(table).collect();
    if tables.is_empty() {
        return vec![Table::default()];
    }
    tables
}

/// One table: subjects by terms.
fn of_student(id: i64, name: &str, results: &[Result]) -> Table {
    let own: Vec<&Result> = results.iter().filter(|one| one.student_id == id).collect();
    let columns: BTreeSet<&Column> = own.iter().map(|one| &one.column).collect();
    let subjects: BTreeSet<_> = own.iter().map(|one| &one.subject).collect();
    let row = |subject: &&(i64, String, i64)| {
        let value = |column: &&Column| {
            let found = own
                .iter()
                .find(|one| one.subject == **subject && one.column == **column);
            found.map(|one| one.value.clone()).unwrap_or_default()
        };
        (subject.1.clone(), columns.iter().map(value).collect())
    };
    Table {
        title: name.to_owned(),
        columns: columns.iter().map(|one| one.title()).collect(),
        rows: subjects.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(
        student_id: i64,
        subject: (i64, &str),
        kind: &str,
        number: i64,
        value: &str,
    ) -> Result {
        Result {
            student_id,
            subject: (subject.0, subject.1.to_owned(), subject.0),
            column: Column {
                whole_year: kind == "year",
                exam: false,
                ends_on: format!("2026-1{number}-01"),
                number,
                kind: kind.to_owned(),
            },
            value: value.to_owned(),
        }
    }

    fn results() -> Vec<Result> {
        vec![
            result(1, (2, "Химия"), "quarter", 1, "4"),
            result(1, (1, "Алгебра"), "quarter", 1, "5"),
            result(2, (1, "Алгебра"), "quarter", 1, "н/а"),
            result(1, (1, "Алгебра"), "year", 1, "5"),
            result(1, (1, "Алгебра"), "quarter", 2, "3"),
        ]
    }

    #[test]
    fn a_class_has_a_table_for_each_term_and_every_student_in_it() {
        let students = [
            (1, "Соколова Мария".to_owned()),
            (2, "Титов Пётр".to_owned()),
        ];
        let tables = of_class(&students, &results());
        let titles: Vec<_> = tables.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["1-я четверть", "2-я четверть", "год"]);
        assert_eq!(tables[0].columns, ["Алгебра", "Химия"]);
        assert_eq!(tables[0].rows[0].1, ["5", "4"]);
        assert_eq!(tables[0].rows[1].1, ["н/а", ""]);
        assert_eq!(
            tables[1].rows[1],
            ("Титов Пётр".to_owned(), vec![String::new()])
        );
        assert!(of_class(&students, &[])[0].rows.is_empty());
    }

    #[test]
    fn a_student_has_a_row_for_each_subject() {
        let table = of_student(1, "Соколова Мария", &results());
        assert_eq!(table.columns, ["1-я четверть", "2-я четверть", "год"]);
        assert_eq!(
            table.rows[0],
            (
                "Алгебра".to_owned(),
                ["5", "3", "5"].map(str::to_owned).to_vec()
            )
        );
        assert_eq!(table.rows[1].1, ["4", "", ""]);
    }
}
