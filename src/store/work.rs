//! What waits for a turn: one cheap question, asked outside any transaction, so that a turn with nothing
//! to do costs one statement.

use std::{collections::BTreeMap, sync::LazyLock};

use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    ladder::MESSAGE_OF,
    received::{OPEN, to_messages, to_parts},
    rows::{int, some_int, text},
};
use crate::{instant::Millis, next::RECEIPT_PATIENCE};

/// One row or count for each thing that waits, and one for each instant at which something falls due by itself.
/// Each line is answered by an index of its own.
const WAITS: &str = "\
    SELECT 'unplanned' AS what, '' AS lane, 1 AS number \
        WHERE EXISTS (SELECT 1 FROM change WHERE planned_at IS NULL) \
    UNION ALL SELECT 'due', '', 1 WHERE EXISTS (SELECT 1 FROM notice \
        WHERE state IN ('settling', 'waiting') AND due_at <= $1 AND guardian_id IS NOT NULL) \
    UNION ALL SELECT 'staff_due', '', 1 WHERE EXISTS (SELECT 1 FROM notice \
        WHERE state IN ('settling', 'waiting') AND due_at <= $1 AND staff_id IS NOT NULL) \
    UNION ALL SELECT 'incoming', '', 1 WHERE EXISTS (SELECT 1 FROM incoming WHERE settled_at IS NULL) \
    UNION ALL SELECT 'quarantined', '', 1 WHERE EXISTS (SELECT 1 FROM hold \
        WHERE kind = 'quarantine' AND decided_at IS NULL) \
    UNION ALL SELECT 'paused', '', 1 WHERE EXISTS (SELECT 1 FROM hold \
        WHERE kind = 'pause' AND decided_at IS NULL) \
    UNION ALL SELECT 'ready', lane, COUNT(*) FROM message \
        WHERE state = 'ready' AND not_before <= $1 GROUP BY lane \
    UNION ALL SELECT 'overdue', lane, COUNT(*) FROM message \
        WHERE state IN ('in_doubt', 'accepted') AND not_before <= $1 GROUP BY lane \
    UNION ALL SELECT 'silent', lane, COUNT(*) FROM message \
        WHERE state IN ('in_doubt', 'accepted') AND not_before <= $1 \
        AND state = 'accepted' AND state_at <= $3 GROUP BY lane \
    UNION ALL SELECT 'wake', '', MIN(due_at) FROM notice \
        WHERE state IN ('settling', 'waiting') AND due_at > $1 \
    UNION ALL SELECT 'wake', '', MIN(not_before) FROM message \
        WHERE state = 'ready' AND not_before > $1 \
    UNION ALL SELECT 'wake', '', MIN(not_before) FROM message \
        WHERE state IN ('in_doubt', 'accepted') AND not_before > $1 \
    UNION ALL SELECT 'wake', '', MIN(rests_until) FROM lane WHERE rests_until > $1";

/// The same for receipts that know their message, or can find it: in the ways in which they do.
static WORK: LazyLock<String> = LazyLock::new(|| {
    let known = format!(
        "FROM receipt r WHERE r.matched_at IS NULL AND r.received_at > $2 AND {MESSAGE_OF} IS NOT NULL"
    );
    let found = to_parts().into_iter().chain(to_messages());
    let found = found.map(|joined| format!("{joined} AND {OPEN}"));
    let receipts = std::iter::once(known).chain(found);
    let receipts = receipts.map(|which| format!(" UNION ALL SELECT 'receipts', r.lane, 1 {which}"));
    let receipts: String = receipts.collect();
    format!("{WAITS}{receipts}")
});

/// What waits at one instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "questions that have nothing to do with each other"
)]
pub struct Work {
    /// There are changes that nobody has planned.
    pub unplanned: bool,
    /// The time of a family's notice has come.
    pub due: bool,
    /// The time of a notice to staff has come.
    pub staff_due: bool,
    /// Somebody's text has to be settled.
    pub incoming: bool,
    /// Nothing may be sent because a person has not said yet that this database may.
    pub quarantined: bool,
    /// Nothing may be sent because a person wished so.
    pub paused: bool,
    /// The next instant at which something falls due by itself.
    pub wake_at: Option<Millis>,
    lanes: BTreeMap<String, LaneWork>,
}

/// What waits in one lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LaneWork {
    /// Messages that wait for nothing but a permit.
    pub ready: usize,
    /// Doubts and accepted messages whose answer has been awaited long enough.
    pub overdue: usize,
    /// Those of them that were accepted so long ago that nobody waits for a receipt any more.
    pub silent: usize,
    /// Receipts that nobody has followed, though their message is known.
    pub receipts: usize,
}

impl Work {
    /// What waits in this lane.
    pub fn lane(&self, lane: &str) -> LaneWork {
        self.lanes.get(lane).copied().unwrap_or_default()
    }
}

impl Store {
    /// What waits now, of receipts those that came after `receipts_since`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn work(&self, receipts_since: Millis, now: Millis) -> Result<Work, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(WORK.as_str()))
            .bind(now)
            .bind(receipts_since)
            .bind(now - RECEIPT_PATIENCE)
            .fetch_all(&mut *self.borrow().await?)
            .await?;
        let mut work = Work::default();
        for row in &rows {
            let what = text(row, "what")?;
            if what == "wake" {
                let at = some_int(row, "number")?;
                work.wake_at = [work.wake_at, at].into_iter().flatten().min();
                continue;
            }
            let lane = work.lanes.entry(text(row, "lane")?).or_default();
            let number = usize::try_from(int(row, "number")?).unwrap_or_default();
            match what.as_str() {
                "unplanned" => work.unplanned = true,
                "due" => work.due = true,
                "staff_due" => work.staff_due = true,
                "incoming" => work.incoming = true,
                "quarantined" => work.quarantined = true,
                "paused" => work.paused = true,
                "ready" => lane.ready = number,
                "silent" => lane.silent = number,
                "receipts" => lane.receipts += number,
                _ => lane.overdue = number,
            }
        }
        Ok(work)
    }

    /// Keeps the answer to a call whose lane was lost meanwhile.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_late(
        &self,
        lane: &str,
        message_id: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO receipt (lane, message_id, kind, received_at) VALUES ($1, $2, 'under_way', $3)",
        )
        .bind(lane)
        .bind(message_id)
        .bind(now)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Row;

    use super::*;

    #[tokio::test]
    async fn no_turn_reads_all_messages_to_learn_that_it_has_nothing_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("school.db").display());
        let store = Store::open(&url).await.expect("a database");
        let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", *WORK)))
            .bind(0_i64)
            .bind(0_i64)
            .bind(0_i64)
            .fetch_all(&store.pool)
            .await
            .expect("a plan");
        let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(
            steps.iter().any(|step| step.contains("USING")),
            "{steps:#?}"
        );
        // Of what these hold, all waits.
        let waiting = [
            "change_unplanned",
            "notice_due",
            "incoming_open",
            "hold_open",
            "message_ready",
            "message_followed",
            "receipt_unmatched",
        ];
        for step in &steps {
            let scan = step.starts_with("SCAN");
            let walks_all = scan || step.ends_with("(lane=?)") || step.ends_with("(channel=?)");
            let waiting = waiting.iter().any(|index| step.contains(index));
            assert!(!walks_all || waiting, "{step}\n{steps:#?}");
        }
    }
}
