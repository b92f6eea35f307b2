//! The queue before the printer: one job at a time, booked before the printer hears of it, and never handed over
//! again where an answer was lost.

use rand::Rng;
use vestnik_contract::{Delivery, Outcome};
use vestnik_printer::Printer;

use crate::{
    engine::reference,
    instant::Millis,
    store::{Queued, Store, StoreError},
};

/// The queue before a printer.
#[derive(Debug, Clone)]
pub struct Queue {
    /// The journal.
    pub store: Store,
    /// The printer.
    pub printer: Printer,
}

impl Queue {
    /// Looks after the job that is under way, or hands over the next one. Says whether it is worth
    /// looking again soon.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails; the printer's own trouble is written down, and waits.
    pub async fn round(&self, now: Millis, random: &mut impl Rng) -> Result<bool, StoreError> {
        let queue = self.store.print_queue().await?;
        let waiting = || queue.iter().filter(|run| run.state == "printing");
        // A printer prints one job at a time; another one would be refused as busy.
        let begun = waiting().find(|run| run.job_name.is_some());
        let Some(run) = begun.or_else(|| waiting().next()) else {
            return Ok(false);
        };
        match (&run.job_name, run.job_id) {
            (_, Some(job)) => self.look(run, job, now).await?,
            (Some(name), None) => self.find(run, name).await?,
            (None, None) => return self.hand_over(run, now, random).await,
        }
        Ok(true)
    }

    /// What became of a job.
    async fn look(&self, run: &Queued, job: i64, now: Millis) -> Result<(), StoreError> {
        let job = i32::try_from(job).unwrap_or_default();
        match self.printer.job(job).await {
            Ok(Delivery::Delivered) => {
                self.store.run_came_out(run, now).await?;
                tracing::info!(run = run.id, "sheets came out of the printer");
                Ok(())
            }
            Ok(Delivery::UnderWay { .. }) => {
                let condition = self.printer.condition().await;
                let words = condition.map(|condition| condition.words);
                let says = words.unwrap_or_else(|reason| Some(reason.sentences()));
                self.store.printer_says(run.id, says.as_deref()).await
            }
            Ok(Delivery::Undelivered { reason }) => self.unsure(run, &reason.sentences()).await,
            Ok(Delivery::NotFound) => {
                self.unsure(
                    run,
                    "The printer has forgotten the job: look whether the sheets came out.",
                )
                .await
            }
            Err(reason) => {
                let says = reason.sentences();
                self.store.printer_says(run.id, Some(&says)).await
            }
        }
    }

    /// The answer was lost: the printer may have the job under its name.
    async fn find(&self, run: &Queued, name: &str) -> Result<(), StoreError> {
        match self.printer.find(name).await {
            Ok(Delivery::UnderWay {
                provider_ref: Some(number),
            }) => {
                let job = number.parse().unwrap_or_default();
                self.store.job_taken(run.id, job).await
            }
            Ok(_) => {
                self.unsure(
                    run,
                    "The printer's answer was lost, and it knows no such job: look whether the sheets came out.",
                )
                .await
            }
            Err(reason) => {
                let says = reason.sentences();
                self.store.printer_says(run.id, Some(&says)).await
            }
        }
    }

    /// Hands a run over, once; false where the printer does not take it now.
    async fn hand_over(
        &self,
        run: &Queued,
        now: Millis,
        random: &mut impl Rng,
    ) -> Result<bool, StoreError> {
        let says = match self.printer.condition().await {
            Ok(condition) if condition.blocked => condition.words,
            Ok(_) => None,
            Err(reason) => Some(reason.sentences()),
        };
        if let Some(says) = says {
            self.store.printer_says(run.id, Some(&says)).await?;
            return Ok(false);
        }
        let pdf = match std::fs::read(&run.file) {
            Ok(pdf) => pdf,
            Err(error) => {
                let says = format!("The file of the run cannot be read: {error}.");
                self.store.printer_says(run.id, Some(&says)).await?;
                return Ok(false);
            }
        };
        // No two databases give the same name, so that no old job is taken for this one.
        let name = format!("vestnik {} {}", run.id, reference(random));
        if !self.store.book_job(run.id, &name, now).await? {
            return Ok(true);
        }
        match self.printer.print(&name, &pdf).await {
            Outcome::Accepted { provider_ref } => {
                // A job without a number is looked for by its name in the next round.
                if let Some(job) = provider_ref.and_then(|number| number.parse().ok()) {
                    self.store.job_taken(run.id, job).await?;
                }
                Ok(true)
            }
            Outcome::Deferred { reason, .. } | Outcome::Rejected { reason } => {
                let says = reason.sentences();
                self.store.unbook_job(run.id, &says).await?;
                Ok(false)
            }
            Outcome::InDoubt { reason } => {
                let says = reason.sentences();
                self.store.printer_says(run.id, Some(&says)).await?;
                Ok(true)
            }
        }
    }

    async fn unsure(&self, run: &Queued, why: &str) -> Result<(), StoreError> {
        tracing::warn!(run = run.id, why, "nobody knows whether sheets came out");
        self.store.run_is_unsure(run.id, why).await
    }
}
