//! What of a load is new.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{AssertSqlSafe, any::AnyRow};

use super::{ImportFailure, ImportReport, MarkChange};
use crate::{
    journal::{
        fact::Fact,
        import::{Field, Load, Natural, Record, Table},
    },
    store::{
        Store, StoreError,
        rows::{ids, int, placeholders, some_int, some_text, text},
    },
};

/// One write.
#[derive(Debug)]
pub(super) enum Write<'a> {
    /// A row that is not there.
    Insert(&'a Record),
    /// Columns that differ.
    Update(i64, Vec<(&'static str, &'a Field)>),
    /// A row that is there under another key and in another lesson: all its columns, and its key.
    Rename(i64, &'a Record),
    /// A row that its diary does not have any more.
    Delete(i64),
}

/// Everything that differs, in writing order.
#[derive(Debug, Default)]
pub(super) struct Difference<'a> {
    /// The ids of rows that are there.
    pub(super) ids: HashMap<(Table, &'a str), i64>,
    /// Rows that were recognised under another key.
    pub(super) aliases: Vec<(Table, i64, &'a str)>,
    /// Writes that everybody is taken to know.
    pub(super) known: Vec<(Table, Write<'a>)>,
    /// Writes that may be told.
    pub(super) news: Vec<(Table, Write<'a>)>,
    /// Classes whose facts of a kind come for the first time.
    pub(super) new_classes: BTreeSet<(String, Table)>,
    /// Students whose facts of a kind come for the first time, with their class.
    pub(super) new_students: BTreeMap<(String, Table), String>,
    pub(super) marks: Vec<MarkChange>,
}

impl<'a> Difference<'a> {
    pub(super) async fn find(
        store: &Store,
        load: &'a Load,
        baseline: bool,
    ) -> Result<Self, ImportFailure> {
        let mut this = Self::default();
        for table in Table::ALL {
            let records: Vec<&Record> = load
                .records
                .iter()
                .filter(|record| record.table == table)
                .collect();
            if table == Table::Mark {
                this.find_baselines(store, load).await?;
            }
            this.compare(store, table, &records, baseline).await?;
        }
        this.find_deleted(store, load, baseline).await?;
        Ok(this)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
            && self.news.is_empty()
            && self.aliases.is_empty()
            && self.new_classes.is_empty()
            && self.new_students.is_empty()
    }

    pub(super) fn report(&self) -> ImportReport {
        let mut report = ImportReport {
            marks: self.marks.clone(),
            ..ImportReport::default()
        };
        for (table, write) in self.known.iter().chain(&self.news) {
            let counts = report.counts.entry(*table).or_default();
            counts[match write {
                Write::Insert(_) => 0,
                Write::Update(..) | Write::Rename(..) => 1,
                Write::Delete(_) => 2,
            }] += 1;
        }
        let nameless = |(_, write): &&(Table, Write<'_>)| matches!(write, Write::Insert(record) if record.nameless);
        report.nameless = self.news.iter().chain(&self.known).filter(nameless).count();
        let first = |write: &Write<'_>| !matches!(write, Write::Rename(..));
        for (table, _) in self
            .known
            .iter()
            .filter(|(table, write)| table.is_told() && first(write))
        {
            *report.baseline.entry(*table).or_default() += 1;
        }
        report
    }

    /// The id behind a field, if its row is there.
    pub(super) fn id_of(&self, field: &Field) -> Option<i64> {
        match field {
            Field::Of(table, key) => self.ids.get(&(*table, key.as_str())).copied(),
            Field::Text(_) | Field::Int(_) | Field::Real(_) => None,
        }
    }

    async fn compare(
        &mut self,
        store: &Store,
        table: Table,
        records: &[&'a Record],
        baseline: bool,
    ) -> Result<(), ImportFailure> {
        let columns: BTreeSet<&'static str> = records
            .iter()
            .flat_map(|record| record.fields.iter().map(|(column, _)| *column))
            .collect();
        let there = if table.has_key() {
            self.by_key(store, table, &columns, records).await?
        } else {
            self.by_identity(store, table, &columns, records).await?
        };
        for record in records {
            let row = there.get(record.key.as_str());
            let silent = baseline || self.is_known(record);
            let Some(row) = row else {
                if record.nameless && self.may_be_known(store, records).await? {
                    return Err(ImportFailure::Nameless(record.key.clone()));
                }
                self.note(record, None, silent);
                self.push(silent, table, Write::Insert(record));
                continue;
            };
            let id = int(row, "id")?;
            self.ids.insert((table, record.key.as_str()), id);
            // The register of consents is append-only: a new answer is a new row.
            if table == Table::Consent {
                if !self.same(record, "state", row)? {
                    self.push(silent, table, Write::Insert(record));
                }
                continue;
            }
            let mut differing = Vec::new();
            for (column, field) in &record.fields {
                if !record.nameless
                    && self.matters(record, column)
                    && !self.same(record, column, row)?
                {
                    differing.push((*column, field));
                }
            }
            if !differing.is_empty() {
                let old = if table == Table::Mark {
                    Some(text(row, "value")?)
                } else {
                    None
                };
                if differing.iter().any(|(column, _)| *column == "value") {
                    self.note(record, old, silent);
                }
                self.push(silent, table, Write::Update(id, differing));
            }
        }
        Ok(())
    }

    /// Whether a student without a name may be one of those in the database: then a second row of
    /// the same student would keep the family from hearing anything.
    async fn may_be_known(&self, store: &Store, students: &[&Record]) -> Result<bool, StoreError> {
        let named = sqlx::query("SELECT COUNT(*) AS n FROM student")
            .fetch_one(&store.pool)
            .await?;
        let ours = students.iter().filter(|record| {
            self.ids
                .contains_key(&(Table::Student, record.key.as_str()))
        });
        Ok(int(&named, "n")? > i64::try_from(ours.count()).unwrap_or(i64::MAX))
    }

    /// Whether an import may change this column. A person's decision stands: the name that another
    /// source gave, the day on which a class began, the preset that the family chose.
    fn matters(&self, record: &Record, column: &str) -> bool {
        match (record.table, column) {
            (Table::Enrolment, "from_on")
            | (Table::Guardian, "preset")
            | (Table::Contact, "rank" | "source")
            | (_, "source_key") => false,
            (Table::Student | Table::Guardian | Table::Subject, _) => {
                // A row that was recognised by its name belongs to the source that made it.
                !self
                    .aliases
                    .iter()
                    .any(|(table, _, key)| *table == record.table && *key == record.key.as_str())
            }
            _ => true,
        }
    }

    pub(super) fn same(
        &self,
        record: &Record,
        column: &str,
        row: &AnyRow,
    ) -> Result<bool, StoreError> {
        let Some(field) = record.field(column) else {
            return Ok(true);
        };
        Ok(match field {
            Field::Text(text) => some_text(row, column)?.as_ref() == Some(text),
            Field::Int(number) => some_int(row, column)? == Some(*number),
            Field::Real(number) => {
                let there: Option<f64> = sqlx::Row::try_get(row, column)?;
                there.is_some_and(|there| (there - number).abs() < 1e-9)
            }
            Field::Of(..) => {
                let id = self.id_of(field);
                id.is_some() && some_int(row, column)? == id
            }
        })
    }

    /// Rows by their source key, by an alias, or by what they are.
    async fn by_key(
        &mut self,
        store: &Store,
        table: Table,
        columns: &BTreeSet<&'static str>,
        records: &[&'a Record],
    ) -> Result<HashMap<&'a str, AnyRow>, ImportFailure> {
        let mut there = HashMap::new();
        let list = listed(columns, "t.");
        let name = table.name();
        for batch in records.chunks(500) {
            let marks = placeholders(1, batch.len());
            let sql = format!(
                "SELECT t.id, t.source_key AS found{list} FROM {name} t WHERE t.source_key IN ({marks}) \
                 UNION ALL SELECT t.id, a.source_key AS found{list} FROM {name} t \
                 JOIN alias a ON a.entity = '{name}' AND a.entity_id = t.id WHERE a.source_key IN ({marks})"
            );
            let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            for record in batch {
                query = query.bind(&record.key);
            }
            for row in query.fetch_all(&store.pool).await? {
                let found = text(&row, "found")?;
                if let Some(record) = batch.iter().find(|record| record.key == found) {
                    there.insert(record.key.as_str(), row);
                }
            }
        }
        for record in records {
            if there.contains_key(record.key.as_str()) || record.natural == Natural::Key {
                continue;
            }
            if let Some(id) = self.by_nature(store, record).await? {
                let sql = format!("SELECT t.id{list} FROM {name} t WHERE t.id = $1");
                let row = sqlx::query(AssertSqlSafe(sql))
                    .bind(id)
                    .fetch_one(&store.pool)
                    .await?;
                there.insert(record.key.as_str(), row);
                self.aliases.push((table, id, record.key.as_str()));
            }
        }
        Ok(there)
    }

    /// A row that another source made, or a person typed.
    async fn by_nature(
        &self,
        store: &Store,
        record: &Record,
    ) -> Result<Option<i64>, ImportFailure> {
        let rows = match &record.natural {
            Natural::Key => return Ok(None),
            Natural::Class(class) => sqlx::query(
                "SELECT id FROM class WHERE grade = $1 AND letter = $2 ORDER BY id DESC LIMIT 1",
            )
            .bind(i64::from(class.grade))
            .bind(&class.letter)
            .fetch_all(&store.pool)
            .await?,
            Natural::Subject(name) => {
                sqlx::query("SELECT id FROM subject WHERE name = $1 ORDER BY id LIMIT 1")
                    .bind(name)
                    .fetch_all(&store.pool)
                    .await?
            }
            Natural::Student {
                surname,
                given_name,
                birth_on,
                class,
            } => {
                let class = class.as_ref();
                sqlx::query(
                    "SELECT s.id FROM student s WHERE s.surname = $1 AND s.given_name = $2 \
                     AND (s.birth_on IS NULL OR $3 = '' OR s.birth_on = $3) \
                     AND (NOT EXISTS (SELECT 1 FROM enrolment e WHERE e.student_id = s.id) \
                         OR EXISTS (SELECT 1 FROM enrolment e JOIN class c ON c.id = e.class_id \
                             WHERE e.student_id = s.id AND e.to_on IS NULL AND c.grade = $4 AND c.letter = $5))",
                )
                .bind(surname)
                .bind(given_name)
                .bind(birth_on.as_deref().unwrap_or_default())
                .bind(class.map_or(0, |class| i64::from(class.grade)))
                .bind(class.map_or("", |class| class.letter.as_str()))
                .fetch_all(&store.pool)
                .await?
            }
            Natural::Guardian {
                surname,
                given_name,
                students,
            } => {
                let students: Vec<i64> = students
                    .iter()
                    .filter_map(|key| self.ids.get(&(Table::Student, key.as_str())).copied())
                    .collect();
                sqlx::query(AssertSqlSafe(format!(
                    "SELECT DISTINCT g.id FROM guardian g JOIN guardianship t ON t.guardian_id = g.id \
                     WHERE g.surname = $1 AND g.given_name = $2 AND t.student_id IN ({})",
                    ids(&students)
                )))
                .persistent(false)
                .bind(surname)
                .bind(given_name)
                .fetch_all(&store.pool)
                .await?
            }
        };
        match rows.as_slice() {
            [] => Ok(None),
            [row] => Ok(Some(int(row, "id")?)),
            several => {
                let candidates = several
                    .iter()
                    .map(|row| Ok(int(row, "id")?.to_string()))
                    .collect::<Result<Vec<_>, StoreError>>()?;
                Err(ImportFailure::Ambiguous {
                    what: record.key.clone(),
                    candidates: candidates.join(", "),
                })
            }
        }
    }

    /// Rows that are recognised by what they connect.
    async fn by_identity(
        &self,
        store: &Store,
        table: Table,
        columns: &BTreeSet<&'static str>,
        records: &[&'a Record],
    ) -> Result<HashMap<&'a str, AnyRow>, StoreError> {
        let mut there = HashMap::new();
        let list = listed(columns, "");
        // All others begin with whose row it is.
        let owner = table.identity()[0];
        let owners: BTreeMap<i64, Vec<&'a Record>> = {
            let mut owners: BTreeMap<i64, Vec<&'a Record>> = BTreeMap::new();
            for record in records {
                if let Some(id) = record.field(owner).and_then(|field| self.id_of(field)) {
                    owners.entry(id).or_default().push(record);
                }
            }
            owners
        };
        for batch in owners.keys().copied().collect::<Vec<_>>().chunks(500) {
            let current = if table == Table::Enrolment {
                " AND to_on IS NULL"
            } else {
                ""
            };
            let sql = format!(
                "SELECT id{list} FROM {} WHERE {owner} IN ({}){current} ORDER BY id",
                table.name(),
                ids(batch)
            );
            let rows = sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .fetch_all(&store.pool)
                .await?;
            for row in rows {
                let candidates = owners
                    .get(&int(&row, owner)?)
                    .map_or(&[][..], Vec::as_slice);
                let mut matching = None;
                for record in candidates {
                    let mut same = true;
                    for column in table.identity() {
                        same = same && self.same(record, column, &row)?;
                    }
                    if same {
                        matching = Some(record.key.as_str());
                    }
                }
                if let Some(key) = matching {
                    // The newest wins, as in the register of consents.
                    there.insert(key, row);
                }
            }
        }
        Ok(there)
    }

    fn note(&mut self, record: &Record, old: Option<String>, silent: bool) {
        if record.table != Table::Mark || silent {
            return;
        }
        let value = |column: &str| match record.field(column) {
            Some(Field::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let id = |column: &str| record.field(column).and_then(|field| self.id_of(field));
        let date = value("date").and_then(|date| date.parse().ok());
        let fact = match (id("student_id"), id("subject_id"), date) {
            (Some(student_id), Some(subject_id), Some(date)) => {
                Some(Fact::mark(student_id, subject_id, date, id("lesson_id")))
            }
            _ => None,
        };
        self.marks.push(MarkChange {
            fact,
            old,
            new: value("value"),
        });
    }

    pub(super) fn push(&mut self, silent: bool, table: Table, write: Write<'a>) {
        if silent {
            &mut self.known
        } else {
            &mut self.news
        }
        .push((table, write));
    }
}

/// Columns as they follow the id in a SELECT.
fn listed(columns: &BTreeSet<&'static str>, prefix: &str) -> String {
    let columns: Vec<String> = columns
        .iter()
        .map(|column| format!(", {prefix}{column}"))
        .collect();
    columns.concat()
}
