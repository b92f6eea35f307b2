//! Proves that the tables agree: each check is a statement that finds what must not be.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};

use super::{
    Store, StoreError,
    lane::Tx,
    rows::{ids, int, some_text, text},
};
use crate::{
    instant::{HOUR, Millis},
    week::Week,
};

/// How many gaps of one check are named.
const SHOWN: usize = 20;

/// How far back the outcomes of changes are compared with the people of today: as long as the log keeps
/// who joined meanwhile, less a day.
const OUTCOMES: Millis = 29 * 24 * HOUR;

/// Something that must hold.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name, for scripts.
    pub name: &'static str,
    /// What a gap means.
    pub words: &'static str,
    /// Which table the ids of its gaps belong to.
    pub table: &'static str,
    /// Finds the ids of the rows that break it; `{now}`, `{today}` and `{week}` are filled in.
    sql: &'static str,
}

/// What a check found.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The check.
    pub check: Check,
    /// How many rows break it.
    pub count: usize,
    /// The ids of the first of them.
    pub ids: Vec<i64>,
}

const fn check(
    name: &'static str,
    words: &'static str,
    table: &'static str,
    sql: &'static str,
) -> Check {
    Check {
        name,
        words,
        table,
        sql,
    }
}

/// All checks, along the road of the data.
pub const CHECKS: &[Check] = &[
    check(
        "mark_without_change",
        "a mark that no change has announced and nobody was told: a trigger is missing or was disabled",
        "mark",
        "SELECT m.id FROM mark m WHERE NOT EXISTS (SELECT 1 FROM change c WHERE c.entity = 'mark' \
         AND c.entity_id = m.id) AND (NOT EXISTS (SELECT 1 FROM baseline b WHERE b.kind = 'mark' \
             AND (b.student_id = m.student_id OR (b.student_id IS NULL AND b.class_id IN \
                 (SELECT e.class_id FROM enrolment e WHERE e.student_id = m.student_id)))) \
         OR EXISTS (SELECT 1 FROM mark o JOIN change c ON c.entity = 'mark' AND c.entity_id = o.id \
             AND c.op = 'insert' WHERE o.student_id = m.student_id AND o.id < m.id)) \
         AND NOT EXISTS (SELECT 1 FROM told t WHERE t.fact = 'mark/' || CAST(m.student_id AS TEXT) \
             || '/' || CAST(m.subject_id AS TEXT) || '/' || m.date || '/' \
             || CAST(COALESCE(m.lesson_id, 0) AS TEXT))",
    ),
    check(
        "change_without_outcome",
        "a planned change that does not say what became of it for each guardian",
        "change",
        "SELECT id FROM change WHERE planned_at IS NOT NULL AND outcome IS NULL",
    ),
    check(
        "notice_without_week",
        "an open notice that belongs to no week, so that the ledger does not see it",
        "notice",
        "SELECT id FROM notice WHERE week IS NULL AND guardian_id IS NOT NULL \
         AND state IN ('settling', 'waiting', 'in_message', 'held')",
    ),
    check(
        "notice_without_hour",
        "a notice that waits for an hour which is not set",
        "notice",
        "SELECT id FROM notice WHERE due_at IS NULL AND (state = 'settling' \
         OR (state = 'waiting' AND waits_for <> 'sheet'))",
    ),
    check(
        "held_without_hold",
        "a held notice about which there is nothing to decide any more",
        "notice",
        "SELECT n.id FROM notice n LEFT JOIN hold h ON h.id = n.hold_id WHERE n.state = 'held' \
         AND (h.id IS NULL OR h.decided_at IS NOT NULL)",
    ),
    check(
        "open_without_right",
        "an open notice for somebody who must not hear of the student",
        "notice",
        "SELECT n.id FROM notice n WHERE n.guardian_id IS NOT NULL AND n.student_id IS NOT NULL \
         AND n.state IN ('settling', 'waiting', 'in_message', 'held') \
         AND NOT EXISTS (SELECT 1 FROM guardianship g WHERE g.guardian_id = n.guardian_id \
             AND g.student_id = n.student_id AND g.rights <> 'deprived' \
             AND NOT ((g.restricted_from IS NOT NULL OR g.restricted_to IS NOT NULL) \
                 AND (g.restricted_from IS NULL OR g.restricted_from <= '{today}') \
                 AND (g.restricted_to IS NULL OR g.restricted_to >= '{today}'))) \
         AND NOT EXISTS (SELECT 1 FROM change c WHERE c.planned_at IS NULL \
             AND c.entity IN ('guardianship', 'guardian'))",
    ),
    check(
        "merged_into_nothing",
        "a notice that was merged into one that is not there",
        "notice",
        "SELECT n.id FROM notice n LEFT JOIN notice i ON i.id = n.merged_into \
         WHERE n.state = 'merged' AND (i.id IS NULL OR i.id = n.id)",
    ),
    check(
        "in_message_without_message",
        "a notice that stands in a message, and no message that has not ended carries it",
        "notice",
        "SELECT n.id FROM notice n WHERE n.state = 'in_message' AND NOT EXISTS \
         (SELECT 1 FROM message_notice c JOIN message m ON m.id = c.message_id \
         WHERE c.notice_id = n.id AND m.state IN ('ready', 'sending', 'in_doubt'))",
    ),
    check(
        "informed_without_message",
        "a notice that counts as told, and no message that was taken carries it",
        "notice",
        "SELECT n.id FROM notice n WHERE n.state = 'informed' AND NOT EXISTS \
         (SELECT 1 FROM message_notice c JOIN message m ON m.id = c.message_id \
         WHERE c.notice_id = n.id AND m.state IN ('accepted', 'no_receipt', 'delivered')) \
         AND NOT EXISTS (SELECT 1 FROM notice o WHERE o.guardian_id = n.guardian_id \
         AND o.fact = n.fact AND o.id > n.id)",
    ),
    check(
        "told_by_paper_without_sheet",
        "a notice that counts as told on paper, and no printed sheet carries it",
        "notice",
        "SELECT n.id FROM notice n WHERE n.state = 'told_by_paper' AND NOT EXISTS \
         (SELECT 1 FROM message_notice c JOIN sheet s ON s.message_id = c.message_id \
         WHERE c.notice_id = n.id AND s.state NOT IN ('ready', 'in_run', 'spoiled'))",
    ),
    check(
        "red_before_its_week_ended",
        "a notice that was given up before its week was over",
        "notice",
        "SELECT id FROM notice WHERE state = 'red' AND week >= '{week}'",
    ),
    check(
        "message_without_notice",
        "a message that is going out and tells nobody anything",
        "message",
        "SELECT m.id FROM message m WHERE m.state IN ('ready', 'sending', 'in_doubt') \
         AND m.channel <> 'paper' AND NOT EXISTS \
         (SELECT 1 FROM message_notice c WHERE c.message_id = m.id)",
    ),
    check(
        "end_without_reason",
        "a message that ended without informing and does not say why",
        "message",
        "SELECT id FROM message WHERE state IN \
         ('rejected', 'unresolved', 'cancelled', 'suppressed', 'expired', 'superseded') \
         AND COALESCE(reason, '') = ''",
    ),
    check(
        "sending_without_attempt",
        "a message that is being sent, and no call is under way",
        "message",
        "SELECT m.id FROM message m WHERE m.state = 'sending' AND m.channel <> 'paper' \
         AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.message_id = m.id AND a.finished_at IS NULL)",
    ),
    check(
        "attempt_without_end",
        "a call that counts as under way, of a message that is not being sent",
        "attempt",
        "SELECT a.id FROM attempt a JOIN message m ON m.id = a.message_id \
         WHERE a.finished_at IS NULL AND m.state <> 'sending'",
    ),
    check(
        "spending_wrong",
        "a month in which an account took another sum than its calls cost together",
        "spending",
        "SELECT s.id FROM spending s WHERE s.cost <> \
         COALESCE((SELECT SUM(a.cost) FROM attempt a WHERE a.spending_id = s.id), 0) \
         OR s.parts <> COALESCE((SELECT SUM(a.parts) FROM attempt a WHERE a.spending_id = s.id), 0)",
    ),
    check(
        "receipt_unmatched",
        "a later word of a provider that belongs to no message after a day",
        "receipt",
        "SELECT id FROM receipt WHERE matched_at IS NULL AND received_at < {now} - 86400000",
    ),
    check(
        "told_otherwise",
        "what a family counts as knowing is not what the newest message said",
        "told",
        "SELECT DISTINCT t.id FROM told t JOIN notice n ON n.guardian_id = t.guardian_id \
         AND n.fact = t.fact JOIN message_notice c ON c.notice_id = n.id \
         JOIN message m ON m.id = c.message_id WHERE m.state IN ('accepted', 'no_receipt', 'delivered') \
         AND (m.id > COALESCE(t.message_id, 0) OR (m.id = t.message_id AND c.value <> t.value))",
    ),
    check(
        "informed_and_not_told",
        "a notice that counts as told, and nothing remembers what was told",
        "notice",
        "SELECT n.id FROM notice n WHERE n.state IN ('informed', 'told_by_paper') \
         AND n.guardian_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM told t \
         WHERE t.guardian_id = n.guardian_id AND t.fact = n.fact)",
    ),
    check(
        "sheet_and_message_differ",
        "a sheet that was printed and its message not, or the other way round",
        "sheet",
        "SELECT s.id FROM sheet s JOIN message m ON m.id = s.message_id \
         WHERE (s.state NOT IN ('ready', 'in_run', 'spoiled') AND m.state <> 'delivered') \
         OR (s.state IN ('ready', 'in_run', 'spoiled') AND m.state = 'delivered')",
    ),
];

impl Store {
    /// Runs all checks in one snapshot. `progress` is told how many are done.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails or holds what cannot be read.
    pub async fn reconcile(
        &self,
        today: NaiveDate,
        now: Millis,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Checked>, StoreError> {
        let mut tx = self.snapshot().await?;
        let mut found = Vec::with_capacity(CHECKS.len());
        for (done, check) in CHECKS.iter().enumerate() {
            progress(done);
            let mut checked = tx.check(*check, today, now).await?;
            if check.name == "change_without_outcome" {
                let silent = tx.incomplete_outcomes(now).await?;
                checked.count += silent.len();
                checked.ids.extend(silent);
                checked.ids.truncate(SHOWN);
            }
            found.push(checked);
        }
        tx.commit().await?;
        Ok(found)
    }
}

impl Tx {
    async fn check(
        &mut self,
        check: Check,
        today: NaiveDate,
        now: Millis,
    ) -> Result<Checked, StoreError> {
        let sql = check
            .sql
            .replace("{now}", &now.to_string())
            .replace("{today}", &today.to_string())
            .replace("{week}", &Week::of(today).to_string());
        let count = sqlx::query(AssertSqlSafe(format!("SELECT COUNT(*) FROM ({sql}) gaps")))
            .persistent(false)
            .fetch_one(&mut *self.db)
            .await?;
        let count: i64 = count.try_get(0)?;
        let mut shown = Vec::new();
        if count > 0 {
            let first = format!("SELECT id FROM ({sql}) gaps ORDER BY id LIMIT {SHOWN}");
            for row in &self.all(first).await? {
                shown.push(int(row, "id")?);
            }
        }
        Ok(Checked {
            check,
            count: usize::try_from(count).unwrap_or_default(),
            ids: shown,
        })
    }

    /// Changes of marks whose outcome leaves out somebody who answered for the student then, or names a
    /// notice that is not there.
    async fn incomplete_outcomes(&mut self, now: Millis) -> Result<Vec<i64>, StoreError> {
        let mut later: BTreeMap<i64, i64> = BTreeMap::new();
        let joined = "SELECT entity_id, MAX(id) AS id FROM change WHERE entity = 'guardianship' \
                      AND op = 'insert' GROUP BY entity_id";
        for row in &self.all(joined.to_owned()).await? {
            later.insert(int(row, "entity_id")?, int(row, "id")?);
        }
        let mut ties: BTreeMap<i64, Vec<(i64, i64)>> = BTreeMap::new();
        let all = "SELECT id, guardian_id, student_id FROM guardianship";
        for row in &self.all(all.to_owned()).await? {
            let since = later.get(&int(row, "id")?).copied().unwrap_or_default();
            let of_student = ties.entry(int(row, "student_id")?).or_default();
            of_student.push((int(row, "guardian_id")?, since));
        }
        let changes = format!(
            "SELECT id, COALESCE(new, old) AS content, outcome FROM change WHERE entity = 'mark' \
             AND op <> 'recheck' AND outcome IS NOT NULL AND planned_at > {} ORDER BY id",
            now - OUTCOMES
        );
        let mut gaps = BTreeSet::new();
        let mut names: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for row in &self.all(changes).await? {
            let id = int(row, "id")?;
            let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
            let content = some_text(row, "content")?.map_or(Value::Null, |text| read(&text));
            let outcome = read(&text(row, "outcome")?);
            let Some(whom) = outcome.as_object() else {
                gaps.insert(id);
                continue;
            };
            if whom.contains_key("none") || whom.contains_key("rerouted") {
                continue;
            }
            let student = content.get("student_id").and_then(Value::as_i64);
            let answered = student.and_then(|student| ties.get(&student));
            let then = answered
                .into_iter()
                .flatten()
                .filter(|(_, since)| *since < id);
            if then
                .map(|(guardian, _)| guardian.to_string())
                .any(|guardian| !whom.contains_key(&guardian))
            {
                gaps.insert(id);
            }
            for one in whom.values() {
                match one.get("notice") {
                    Some(Value::Number(notice)) => {
                        let notice = notice.as_i64().unwrap_or_default();
                        names.entry(notice).or_default().push(id);
                    }
                    Some(_) => {
                        gaps.insert(id);
                    }
                    None => {}
                }
            }
        }
        let named: Vec<i64> = names.keys().copied().collect();
        for batch in named.chunks(1_000) {
            let there = format!("SELECT id FROM notice WHERE id IN ({})", ids(batch));
            for row in &self.all(there).await? {
                names.remove(&int(row, "id")?);
            }
        }
        gaps.extend(names.into_values().flatten());
        Ok(gaps.into_iter().collect())
    }
}
