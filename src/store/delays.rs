//! How long news took from the journal to the provider.

use super::{
    Store, StoreError,
    rows::{int, some_int},
};
use crate::instant::Millis;

/// A message that a provider took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// `message.urgency`
    pub urgency: i64,
    /// How long it was since the journal's row was written that it told first.
    pub delay: Millis,
}

impl Store {
    /// The messages that providers took from `since` until before `to`. The row of the journal is the oldest of those
    /// that a message tells; what told nothing of the journal does not count.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn taken(&self, since: Millis, to: Millis) -> Result<Vec<Taken>, StoreError> {
        let rows = sqlx::query(
            "SELECT m.urgency, a.finished_at, (SELECT MIN(h.written_at) FROM message_notice c \
             JOIN notice n ON n.id = c.notice_id JOIN change h ON h.id = n.change_id \
             WHERE c.message_id = m.id) AS written_at FROM attempt a JOIN message m ON m.id = a.message_id \
             WHERE a.finished_at >= $1 AND a.finished_at < $2 AND a.outcome = 'accepted'",
        )
        .bind(since)
        .bind(to)
        .fetch_all(&self.pool)
        .await?;
        let mut taken = Vec::new();
        for row in &rows {
            if let Some(written) = some_int(row, "written_at")? {
                taken.push(Taken {
                    urgency: int(row, "urgency")?,
                    delay: (int(row, "finished_at")? - written).max(0),
                });
            }
        }
        Ok(taken)
    }
}
