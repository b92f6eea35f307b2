//! What a load brings for the first time, and what it has no more.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{
    ImportFailure, MarkChange,
    compare::{Difference, Write},
};
use crate::{
    journal::{
        class_name::ClassName,
        fact::Fact,
        import::{Diary, Field, Load, Record, Table},
    },
    store::{
        Store, StoreError,
        rows::{int, parsed, some_int, text},
    },
};

impl<'a> Difference<'a> {
    /// Which classes, and which students, bring facts of a kind for the first time.
    pub(super) async fn find_baselines(
        &mut self,
        store: &Store,
        load: &'a Load,
    ) -> Result<(), StoreError> {
        let rows = sqlx::query("SELECT class_id, student_id, kind FROM baseline")
            .fetch_all(&store.pool)
            .await?;
        let mut classes = BTreeSet::new();
        let mut students = BTreeSet::new();
        for row in &rows {
            let kind = text(row, "kind")?;
            match some_int(row, "student_id")? {
                None => classes.insert((int(row, "class_id")?, kind)),
                Some(student) => students.insert((student, kind)),
            };
        }
        // A diary is a baseline of what it is complete for, and so is a record that no diary names.
        let of_diaries = load.diaries.iter().flat_map(|diary| {
            let class = class_key(load, &diary.class);
            let owner = diary.student.clone();
            diary
                .of
                .iter()
                .map(move |table| (*table, class.clone(), owner.clone()))
        });
        let of_records = load
            .records
            .iter()
            .filter(|record| record.table.is_told())
            .filter_map(|record| {
                let class = match (record.field("class_id"), &record.student) {
                    (Some(Field::Of(_, class)), _) => class.clone(),
                    (_, Some(student)) => class_of(load, student)?,
                    _ => return None,
                };
                Some((record.table, class, record.student.clone()))
            });
        let firsts: BTreeSet<(Table, String, Option<String>)> =
            of_diaries.chain(of_records).collect();
        for (table, class, student) in firsts {
            let kind = table.name().to_owned();
            let id = self.ids.get(&(Table::Class, class.as_str()));
            if id.is_none_or(|id| !classes.contains(&(*id, kind.clone()))) {
                self.new_classes.insert((class.clone(), table));
            }
            let Some(student) = student else { continue };
            let id = self.ids.get(&(Table::Student, student.as_str()));
            if id.is_none_or(|id| !students.contains(&(*id, kind))) {
                self.new_students.insert((student, table), class);
            }
        }
        Ok(())
    }

    /// Whether everybody is taken to know a record: the first of its kind, and the lessons around it.
    pub(super) fn is_known(&self, record: &Record) -> bool {
        match (record.table, &record.student, record.field("class_id")) {
            (Table::Lesson, ..) => true,
            (table, Some(student), _) if table.is_told() => {
                self.new_students.contains_key(&(student.clone(), table))
            }
            (table, None, Some(Field::Of(_, class))) if table.is_told() => {
                self.new_classes.contains(&(class.clone(), table))
            }
            _ => false,
        }
    }

    /// Rows of ours that a complete diary does not have any more.
    pub(super) async fn find_deleted(
        &mut self,
        store: &Store,
        load: &'a Load,
        baseline: bool,
    ) -> Result<(), ImportFailure> {
        for diary in &load.diaries {
            for table in &diary.of {
                self.find_deleted_of(store, load, diary, *table, baseline)
                    .await?;
            }
        }
        Ok(())
    }

    async fn find_deleted_of(
        &mut self,
        store: &Store,
        load: &'a Load,
        diary: &'a Diary,
        table: Table,
        baseline: bool,
    ) -> Result<(), ImportFailure> {
        let class = class_key(load, &diary.class);
        let (owner, id, silent) = match &diary.student {
            Some(student) => (
                "student_id",
                self.ids.get(&(Table::Student, student.as_str())),
                self.new_students.contains_key(&(student.clone(), table)),
            ),
            None => (
                "class_id",
                self.ids.get(&(Table::Class, class.as_str())),
                self.new_classes.contains(&(class.clone(), table)),
            ),
        };
        let Some(id) = id.copied() else {
            return Ok(());
        };
        let silent = silent || baseline;
        let days = match table {
            Table::Homework => "due_on BETWEEN $2 AND $3",
            // A result belongs to a term and not to a day: whoever is asked for results gives all.
            Table::TermResult => "$2 <= $3",
            _ => "date BETWEEN $2 AND $3",
        };
        let sql = format!(
            "SELECT * FROM {} WHERE {owner} = $1 AND {days} AND source_key LIKE $4 || '%'",
            table.name()
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(id)
            .bind(diary.from.to_string())
            .bind(diary.to.to_string())
            .bind(&load.prefix)
            .fetch_all(&store.pool)
            .await?;
        let kept: BTreeSet<i64> = self
            .ids
            .iter()
            .filter(|((of, _), _)| *of == table)
            .map(|(_, id)| *id)
            .collect();
        for row in &rows {
            let row_id = int(row, "id")?;
            if kept.contains(&row_id) {
                continue;
            }
            if !silent && self.only_moved(table, id, row)? {
                continue;
            }
            if table == Table::Mark && !silent {
                let fact = Fact::mark(
                    id,
                    int(row, "subject_id")?,
                    parsed(row, "date")?,
                    some_int(row, "lesson_id")?,
                );
                let old = Some(text(row, "value")?);
                self.marks.push(MarkChange {
                    fact: Some(fact),
                    old,
                    new: None,
                });
            }
            self.push(silent, table, Write::Delete(row_id));
        }
        Ok(())
    }

    /// Whether what goes comes again in the same load under another lesson, as when a system gives its
    /// lessons new numbers or answers another question. Nobody need hear of that: the row takes its new
    /// name in silence.
    fn only_moved(&mut self, table: Table, student: i64, row: &AnyRow) -> Result<bool, StoreError> {
        let columns: &[&str] = match table {
            Table::Mark => &["subject_id", "date", "value"],
            Table::Attendance => &["date", "code"],
            _ => return Ok(false),
        };
        let mut found = None;
        for (at, (of, write)) in self.news.iter().enumerate() {
            let Write::Insert(record) = write else {
                continue;
            };
            let owner = record
                .field("student_id")
                .and_then(|field| self.id_of(field));
            let mut same = *of == table && owner == Some(student);
            for column in columns {
                same = same && self.same(record, column, row)?;
            }
            if same {
                found = Some((at, *record));
                break;
            }
        }
        let Some((at, record)) = found else {
            return Ok(false);
        };
        self.news.remove(at);
        if table == Table::Mark {
            let told = |change: &MarkChange| {
                let same = |text: &Option<String>, column| match record.field(column) {
                    Some(Field::Text(field)) => text.as_ref() == Some(field),
                    _ => false,
                };
                change.old.is_none()
                    && same(&change.new, "value")
                    && change.fact.is_some_and(|fact| fact.student_id == student)
            };
            if let Some(at) = self.marks.iter().position(told) {
                self.marks.remove(at);
            }
        }
        let id = int(row, "id")?;
        self.known.push((table, Write::Rename(id, record)));
        Ok(true)
    }
}

/// The key of a class in a load.
fn class_key(load: &Load, class: &ClassName) -> String {
    format!("{}class/{}", load.prefix, class.plain())
}

/// The key of the class that a load puts a student into.
fn class_of(load: &Load, student: &str) -> Option<String> {
    let of_student = |record: &&Record| {
        record.table == Table::Enrolment
            && matches!(record.field("student_id"), Some(Field::Of(_, key)) if key == student)
    };
    match load.records.iter().find(of_student)?.field("class_id")? {
        Field::Of(_, class) => Some(class.clone()),
        _ => None,
    }
}
