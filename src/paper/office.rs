//! The pages of each class mailed to the school's office, where somebody prints them by hand.

use vestnik_contract::{File, Message, Outcome};

use crate::{
    app::Provider,
    engine::reference,
    instant::{DAY, MINUTE, Millis},
    store::{ForOffice, Store, StoreError},
};

/// How long a mail that failed waits.
const AGAIN: Millis = 10 * MINUTE;

/// Pages that are older are no news to the office.
const OLD: Millis = 5 * DAY;

/// Mails pages to the office.
pub struct Office {
    /// Where the runs are.
    pub store: Store,
    /// Who carries mails.
    pub provider: Provider,
    /// The office.
    pub address: String,
}

impl Office {
    /// Mails the pages that the office has not got yet. A mail of which nobody knows whether it was taken is sent once more:
    /// the office sees that it is the same.
    ///
    /// # Errors
    /// [`StoreError`] where the database fails.
    pub async fn round(&self, now: Millis, random: &mut impl rand::Rng) -> Result<(), StoreError> {
        for run in self.store.runs_for_office(now - OLD, now - AGAIN).await? {
            let Ok(content) = tokio::fs::read(&run.file).await else {
                tracing::error!(run = run.id, "the pages for the office cannot be read");
                self.store.office_has(run.id, Some("failed"), now).await?;
                continue;
            };
            let outcome = self
                .provider
                .send_beside(&self.letter(&run, content, now, random))
                .await;
            let state = match &outcome {
                Outcome::Accepted { .. } => Some("sent"),
                Outcome::Rejected { .. } => Some("failed"),
                Outcome::Deferred { .. } | Outcome::InDoubt { .. } => None,
            };
            if let Some(reason) = outcome.reason() {
                tracing::warn!(
                    run = run.id,
                    code = reason.code,
                    why = reason.text,
                    "the office has no pages yet"
                );
            }
            self.store.office_has(run.id, state, now).await?;
        }
        Ok(())
    }

    fn letter(
        &self,
        run: &ForOffice,
        content: Vec<u8>,
        now: Millis,
        random: &mut impl rand::Rng,
    ) -> Message {
        let name = run
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        Message {
            reference: reference(random),
            client_ref: random.next_u32() / 2 + 1,
            address: self.address.clone(),
            subject: Some(format!(
                "Листки {}, неделя {}: {}",
                run.class, run.week, run.sheets
            )),
            text: format!(
                "Листки {}, неделя {}: {}. Сначала реестр выдачи. Напечатайте и передайте классному руководителю.",
                run.class, run.week, run.sheets
            ),
            html: None,
            calendar: None,
            follows: None,
            replaces: Vec::new(),
            composed_at: now,
            buttons: Vec::new(),
            files: vec![File {
                name: name.unwrap_or_else(|| "sheets.pdf".to_owned()),
                mime: "application/pdf".to_owned(),
                content: content.into(),
            }],
            to_family: false,
        }
    }
}
