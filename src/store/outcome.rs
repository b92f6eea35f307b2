//! What became of messages and of the duties they carry.

use sqlx::AssertSqlSafe;
use vestnik_contract::{Outcome, Reason};

use super::{
    StoreError,
    lane::Tx,
    rows::{int, text},
};
use crate::{
    instant::{HOUR, Millis},
    next::{Standing, State},
};

impl Tx {
    /// Notes how an attempt ended, and what it says against its account. False where that is known already.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn finish_attempt(
        &mut self,
        attempt_id: i64,
        outcome: &Outcome,
        blames: Option<&'static str>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let (code, reason, provider_ref, pause) = match outcome {
            Outcome::Accepted { provider_ref } => ("accepted", None, provider_ref.as_ref(), None),
            Outcome::Deferred {
                reason,
                retry_after,
                ..
            } => ("deferred", Some(reason), None, *retry_after),
            Outcome::Rejected { reason } => ("rejected", Some(reason), None, None),
            Outcome::InDoubt { reason } => ("in_doubt", Some(reason), None, None),
        };
        let finished = sqlx::query(
            "UPDATE attempt SET finished_at = $2, outcome = $3, code = $4, detail = $5, \
             provider_ref = $6, retry_after = $7, answer = $8, blames = $9 WHERE id = $1 AND finished_at IS NULL",
        )
        .bind(attempt_id)
        .bind(now)
        .bind(code)
        .bind(reason.map(|reason| reason.code.clone()))
        .bind(reason.map(Reason::sentences))
        .bind(provider_ref.cloned())
        .bind(pause.and_then(|pause| Millis::try_from(pause.as_millis()).ok()))
        .bind(reason.and_then(|reason| reason.answer.clone()))
        .bind(blames)
        .execute(&mut *self.db)
        .await?;
        if finished.rows_affected() == 0 {
            return Ok(false);
        }
        if matches!(outcome, Outcome::Deferred { .. } | Outcome::Rejected { .. }) {
            self.refund(attempt_id).await?;
        }
        Ok(true)
    }

    /// Where a message stands; none where it ended before it left, which nothing raises any more. With
    /// it the instant since when.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn standing(
        &mut self,
        message_id: i64,
    ) -> Result<Option<(Standing, Millis)>, StoreError> {
        let row = sqlx::query(
            "SELECT state, attempts, resent, asked, urgency, state_at FROM message WHERE id = $1",
        )
        .bind(message_id)
        .fetch_optional(&mut *self.db)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let left = int(&row, "attempts")? > 0;
        let Some(state) = State::from_code(&text(&row, "state")?).or(left.then_some(State::Ended))
        else {
            return Ok(None);
        };
        let count = |column| -> Result<u32, StoreError> {
            Ok(u32::try_from(int(&row, column)?).unwrap_or(u32::MAX))
        };
        let standing = Standing {
            state,
            attempts: count("attempts")?,
            resent: int(&row, "resent")? == 1,
            asked: count("asked")?,
            urgent: int(&row, "urgency")? < 2,
        };
        Ok(Some((standing, int(&row, "state_at")?)))
    }

    /// Raises a message to a state by its rank; false where it stands there or higher already.
    /// `look_at` is when its receipt, or the end of its doubt, is due.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn raise(
        &mut self,
        message_id: i64,
        state: State,
        provider_ref: Option<&str>,
        look_at: Option<Millis>,
        reason: Option<&Reason>,
        now: Millis,
    ) -> Result<bool, StoreError> {
        let rank = i64::from(state.rank());
        let raised = sqlx::query(
            "UPDATE message SET state = $2, rank = $3, state_at = $4, reason = $5, \
             provider_ref = COALESCE($6, provider_ref), not_before = COALESCE($7, not_before) \
             WHERE id = $1 AND rank < $3 AND state <> 'delivered'",
        )
        .bind(message_id)
        .bind(state.code())
        .bind(rank)
        .bind(now)
        .bind(reason.map(ToString::to_string))
        .bind(provider_ref)
        .bind(look_at)
        .execute(&mut *self.db)
        .await?;
        Ok(raised.rows_affected() == 1)
    }

    /// Puts a message back to ready for another try.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn retry(
        &mut self,
        message_id: i64,
        at: Millis,
        possible_duplicate: bool,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE message SET state = 'ready', rank = 0, epoch = NULL, not_before = $2, asked = 0, \
             resent = CASE WHEN $3 = 1 THEN 1 ELSE resent END, state_at = $4 \
             WHERE id = $1 AND state IN ('sending', 'in_doubt')",
        )
        .bind(message_id)
        .bind(at)
        .bind(i64::from(possible_duplicate))
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Ends a message that did not inform, by one of the codes `rejected`, `unresolved`, `expired`
    /// and `suppressed`. Its notices look for another road.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn end(
        &mut self,
        message_id: i64,
        state: &'static str,
        reason: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        let ended = sqlx::query(
            "UPDATE message SET state = $2, reason = $3, state_at = $4 \
             WHERE id = $1 AND state IN ('ready', 'sending', 'in_doubt')",
        )
        .bind(message_id)
        .bind(state)
        .bind(reason)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        if ended.rows_affected() == 1 {
            self.return_notices(message_id, now).await?;
        }
        Ok(())
    }

    /// Lets a lane rest. A rest that soon follows another one belongs to the same trouble.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn rest(
        &mut self,
        lane: &str,
        until: Millis,
        why: &str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE lane SET rests_until = $2, rests_because = $3, \
             rests_since = CASE WHEN rests_until < $5 OR rests_since IS NULL THEN $4 ELSE rests_since END \
             WHERE name = $1",
        )
        .bind(lane)
        .bind(until)
        .bind(why)
        .bind(now)
        .bind(now - HOUR)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Remembers what the recipients of a message were told by it. An older message that is
    /// accepted late does not overwrite what a newer one told.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn remember_told(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO told (guardian_id, fact, value, told_at, message_id) \
             SELECT n.guardian_id, n.fact, c.value, $2, c.message_id FROM message_notice c \
             JOIN notice n ON n.id = c.notice_id WHERE c.message_id = $1 AND n.guardian_id IS NOT NULL \
             ON CONFLICT (guardian_id, fact) DO UPDATE SET value = excluded.value, \
             told_at = excluded.told_at, message_id = excluded.message_id \
             WHERE told.message_id IS NULL OR told.message_id <= excluded.message_id",
        )
        .bind(message_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// The recipients of a message are informed of all that it carries, also where its time was over: that it
    /// arrived is more than that nobody knew.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn inform(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notice SET state = 'informed', waits_for = NULL, due_at = NULL, reason = NULL, \
             state_at = $2 WHERE state IN ('in_message', 'waiting', 'settling', 'red') \
             AND id IN (SELECT notice_id FROM message_notice WHERE message_id = $1)",
        )
        .bind(message_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.recheck_changed(message_id, now).await
    }

    /// The recipients of a printed sheet are told of all that it carries.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn tell_by_paper(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notice SET state = 'told_by_paper', waits_for = NULL, due_at = NULL, \
             state_at = $2 WHERE state = 'in_message' \
             AND id IN (SELECT notice_id FROM message_notice WHERE message_id = $1)",
        )
        .bind(message_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.recheck_changed(message_id, now).await
    }

    /// The notices of a message that ended without informing wait for the next road, unless another
    /// message still carries them.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn return_notices(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE notice SET state = 'waiting', waits_for = 'window', due_at = $2, state_at = $2 \
             WHERE state = 'in_message' \
             AND id IN (SELECT notice_id FROM message_notice WHERE message_id = $1) \
             AND NOT EXISTS (SELECT 1 FROM message_notice c JOIN message m ON m.id = c.message_id \
                 WHERE c.notice_id = notice.id AND m.state IN ('ready', 'sending', 'in_doubt', 'accepted'))",
        )
        .bind(message_id)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        self.recheck_changed(message_id, now).await
    }

    /// Has the plan look once more at facts that changed while this message was leaving.
    async fn recheck_changed(&mut self, message_id: i64, now: Millis) -> Result<(), StoreError> {
        const CHANGED: &str =
            "look_again = 1 AND id IN (SELECT notice_id FROM message_notice WHERE message_id = $1)";
        self.recheck(CHANGED, message_id, now).await?;
        sqlx::query(AssertSqlSafe(format!(
            "UPDATE notice SET look_again = 0 WHERE {CHANGED}"
        )))
        .bind(message_id)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Has the plan look once more at the facts of the notices that are `which`, of `$1`.
    pub(super) async fn recheck(
        &mut self,
        which: &'static str,
        of: i64,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO change (entity, entity_id, op, new, written_at) \
             SELECT 'mark', 0, 'recheck', '{{\"fact\":\"' || fact || '\"}}', $2 FROM notice WHERE {which}"
        )))
        .bind(of)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// A chat has become another one: all who own its address have the new one from now on, and whoever
    /// has that already keeps one of the two.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn move_address(&mut self, message_id: i64, address: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE contact SET address = $2 WHERE EXISTS (SELECT 1 FROM message m \
             WHERE m.id = $1 AND m.channel = contact.channel AND m.address = contact.address) \
             AND NOT EXISTS (SELECT 1 FROM contact o WHERE o.guardian_id = contact.guardian_id \
                 AND o.channel = contact.channel AND o.address = $2)",
        )
        .bind(message_id)
        .bind(address)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Notes that an address failed, for all who own it: `health` is a code of `contact.health`.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn blame_address(
        &mut self,
        message_id: i64,
        health: &'static str,
        reason: &Reason,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE contact SET health = $2, health_reason = $3, health_at = $4 WHERE health <> $2 \
             AND EXISTS (SELECT 1 FROM message m JOIN contact own ON own.id = m.contact_id \
                 WHERE m.id = $1 AND own.channel = contact.channel AND own.address = contact.address)",
        )
        .bind(message_id)
        .bind(health)
        .bind(&reason.code)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }

    /// Keeps a later word about a message.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn keep_receipt(
        &mut self,
        lane: &str,
        message_id: i64,
        kind: &'static str,
        now: Millis,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO receipt (lane, message_id, kind, received_at, matched_at) \
             VALUES ($1, $2, $3, $4, $4)",
        )
        .bind(lane)
        .bind(message_id)
        .bind(kind)
        .bind(now)
        .execute(&mut *self.db)
        .await?;
        Ok(())
    }
}
