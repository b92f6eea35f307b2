//! What a message said that did not arrive after all: nobody was told it, and the duty goes on.

use sqlx::AssertSqlSafe;

use super::{
    StoreError,
    lane::Tx,
    notices::OPEN,
    rows::{int, some_int},
};
use crate::instant::Millis;

impl Tx {
    /// The notices of a message that the provider could not deliver wait again, unless another message
    /// informed of them. Nobody was told what it said: where a newer notice of the same fact is open, that
    /// one goes on from what the older one began with; where a newer one informed, nothing is owed.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn reopen_notices(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT n.id, (SELECT MAX(o.id) FROM notice o WHERE o.fact = n.fact \
                 AND (o.guardian_id = n.guardian_id OR o.staff_id = n.staff_id) AND o.id > n.id \
                 AND (o.state IN {OPEN} OR o.state IN ('informed', 'told_by_paper'))) AS newer \
             FROM notice n JOIN message_notice own ON own.notice_id = n.id \
             WHERE own.message_id = $1 AND n.state IN ('informed', 'in_message') \
             AND NOT EXISTS (SELECT 1 FROM message_notice c JOIN message m ON m.id = c.message_id \
                 WHERE c.notice_id = n.id AND m.id <> $1 AND m.state IN \
                 ('ready', 'sending', 'in_doubt', 'accepted', 'no_receipt', 'delivered')) ORDER BY n.id"
        )))
        .bind(message_id)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            let notice_id = int(row, "id")?;
            self.forget_told(notice_id, message_id).await?;
            match some_int(row, "newer")? {
                Some(newer) => self.go_on_from(notice_id, newer, now).await?,
                None => {
                    sqlx::query(
                        "UPDATE notice SET state = 'waiting', waits_for = 'window', due_at = $2, \
                         state_at = $2 WHERE id = $1",
                    )
                    .bind(notice_id)
                    .bind(now)
                    .execute(&mut *self.db)
                    .await?;
                }
            }
        }
        Ok(())
    }

    /// What a message told of a notice was told by nobody: what stood before it holds again.
    async fn forget_told(&mut self, notice_id: i64, message_id: i64) -> Result<(), StoreError> {
        const OF: &str = "message_id = $2 AND EXISTS (SELECT 1 FROM notice n WHERE n.id = $1 \
             AND n.guardian_id = told.guardian_id AND n.fact = told.fact AND n.basis_told =";
        for sql in [
            format!(
                "UPDATE told SET message_id = NULL, value = (SELECT n.basis FROM notice n WHERE n.id = $1) \
                 WHERE {OF} 1)"
            ),
            format!("DELETE FROM told WHERE {OF} 0)"),
        ] {
            sqlx::query(AssertSqlSafe(sql))
                .bind(notice_id)
                .bind(message_id)
                .execute(&mut *self.db)
                .await?;
        }
        Ok(())
    }

    /// A newer notice of the same fact takes over what an older one did not achieve.
    async fn go_on_from(&mut self, older: i64, newer: i64, now: Millis) -> Result<(), StoreError> {
        let open = sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET basis = (SELECT o.basis FROM notice o WHERE o.id = $2), \
             basis_told = (SELECT o.basis_told FROM notice o WHERE o.id = $2) \
             WHERE id = $1 AND state IN {OPEN}"
        )))
        .bind(newer)
        .bind(older)
        .execute(&mut *self.db)
        .await?;
        sqlx::query(
            "UPDATE notice SET state = 'merged', waits_for = NULL, due_at = NULL, merged_into = $2, \
             state_at = $3 WHERE id = $1 OR (merged_into = $1 AND EXISTS \
                 (SELECT 1 FROM notice o WHERE o.id = $1 AND o.fact = notice.fact))",
        )
        .bind(older)
        .bind(newer)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        if open.rows_affected() == 1 {
            self.reconsider(newer, now).await?;
        }
        Ok(())
    }

    /// A message arrived of which it was said that it had not: who got it was told what it said, and the
    /// notice that took over goes on from that.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn told_after_all(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET basis_told = 1, basis = (SELECT c.value FROM message_notice c \
                 JOIN notice o ON o.id = c.notice_id WHERE c.message_id = $1 AND c.value IS NOT NULL \
                 AND o.merged_into = notice.id AND o.fact = notice.fact ORDER BY o.id DESC LIMIT 1) \
             WHERE state IN {OPEN} AND EXISTS (SELECT 1 FROM message_notice c \
                 JOIN notice o ON o.id = c.notice_id WHERE c.message_id = $1 AND c.value IS NOT NULL \
                 AND o.merged_into = notice.id AND o.fact = notice.fact) RETURNING id"
        )))
        .bind(message_id)
        .fetch_all(&mut *self.db)
        .await?;
        for row in &rows {
            self.reconsider(int(row, "id")?, now).await?;
        }
        Ok(())
    }

    /// Has the plan look at an open notice that begins elsewhere now; what was composed of it is called back,
    /// unless it is leaving.
    async fn reconsider(&mut self, notice_id: i64, now: Millis) -> Result<(), StoreError> {
        if !self.recall(notice_id, now).await? {
            return self.look_again(notice_id).await;
        }
        self.recheck("id = $1 AND guardian_id IS NOT NULL", notice_id, now)
            .await
    }
}
