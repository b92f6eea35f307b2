//! A family that answers an SMS with «СТОП» gets no further one.

use super::{Engine, EngineError};
use crate::{instant::Millis, store::Lease};

impl Engine {
    /// Takes consents back as their owners asked by SMS, before anything is planned or composed. The
    /// register's own change then calls messages back and sends their notices on another road; the class
    /// teacher gets word.
    pub(super) async fn withdraw(&mut self, lease: &Lease, now: Millis) -> Result<(), EngineError> {
        if !self.work(now).await?.incoming {
            return Ok(());
        }
        let today = self.today(now);
        let Some(mut tx) = self.begin(lease).await? else {
            return Ok(());
        };
        let mut withdrawn = 0;
        for stop in tx.incoming().await? {
            withdrawn += tx.withdraw_sms(&stop, today, now).await?;
        }
        if withdrawn > 0 {
            tx.tell_teachers_of_stops(today, now).await?;
        }
        tx.commit().await?;
        tracing::info!(withdrawn, "consents were taken back by SMS");
        Ok(())
    }
}
