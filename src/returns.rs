//! Reads the mailbox to which undeliverable mails come back, for as long as the daemon runs.
//!
//! Which message a mail is about is said by the sealed address that it came to, and nothing else counts.
//! Each mail is kept in the database, with how far the mailbox is read, before the next one is looked at.

use std::time::Duration;

use chrono_tz::Tz;
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vestnik_email::{
    mailbox::{Fetched, Mailbox, MailboxError, Open, Position},
    returned::{self, Verdict},
};

use crate::{
    app::story,
    clock::Clock,
    links::{Came, Links, hex},
    store::{Returned, Store, StoreError},
    zone,
};

/// Servers end an IDLE after half an hour, and routers forget a silent connection sooner.
const IDLE: Duration = Duration::from_mins(9);

/// How often a mailbox that knows no IDLE is looked at.
const POLL: Duration = Duration::from_mins(1);

/// How long to wait before the next try, at first and at most.
const PAUSE: [Duration; 2] = [Duration::from_secs(5), Duration::from_mins(5)];

/// What reads the mailbox.
#[derive(Debug)]
pub struct Returns {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Tells true addresses from forged ones.
    pub links: std::sync::Arc<Links>,
    /// Where it is kept.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
    /// The school's zone.
    pub zone: Tz,
}

/// Why reading stopped.
#[derive(Debug, thiserror::Error)]
enum Interrupted {
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error("what came back could not be kept")]
    Store(#[from] StoreError),
}

impl Returns {
    /// Reads until `stop`. Where the mailbox or the database fails it tries again, ever more rarely; the
    /// mails wait for it.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = PAUSE[0];
        let mut told = false;
        while !stop.is_cancelled() {
            let ended = tokio::select! {
                () = stop.cancelled() => return,
                ended = self.session(&mut pause, &mut told) => ended,
            };
            // One word about an outage is enough; its end is told as well.
            if !told {
                tracing::warn!(
                    error = story(&ended),
                    "the mailbox for bounces is not read; it will be tried again"
                );
                told = true;
            }
            let _ = timeout(pause, stop.cancelled()).await;
            pause = (pause * 2).min(PAUSE[1]);
        }
    }

    async fn session(&self, pause: &mut Duration, told: &mut bool) -> Interrupted {
        let mut open = match self.mailbox.open().await {
            Ok(open) => open,
            Err(error) => return error.into(),
        };
        if std::mem::take(told) {
            tracing::info!("the mailbox for bounces is read again");
        }
        loop {
            if let Err(error) = self.read(&mut open).await {
                return error;
            }
            *pause = PAUSE[0];
            if let Err(error) = open.wait(IDLE, POLL).await {
                return error.into();
            }
        }
    }

    /// Reads all that is new.
    async fn read(&self, open: &mut Open) -> Result<(), Interrupted> {
        let name = self.mailbox.name();
        loop {
            let (validity, last) = self.store.mailbox(&name).await?;
            let position = Position {
                validity: u32::try_from(validity).unwrap_or_default(),
                last: u32::try_from(last).unwrap_or_default(),
            };
            let mails = open.after(position).await?;
            if mails.is_empty() {
                return Ok(());
            }
            for mail in &mails {
                self.keep(&name, mail).await?;
            }
        }
    }

    async fn keep(&self, mailbox: &str, mail: &Fetched) -> Result<(), Interrupted> {
        let returned = look(&mail.raw, &self.links);
        let now = self.clock.now();
        let today = zone::local(now, self.zone).date();
        let position = (
            mailbox,
            i64::from(mail.position.validity),
            i64::from(mail.position.last),
        );
        let ours = self
            .store
            .keep_returned(&returned, position, (today, now))
            .await?;
        if ours {
            tracing::info!(
                message = returned.reference,
                kind = returned.kind,
                status = returned.status,
                "a mail came back"
            );
        }
        Ok(())
    }
}

/// What a mail says that came to the mailbox.
pub fn look(raw: &[u8], links: &Links) -> Returned {
    let mark = hex(&Sha256::digest(raw));
    let unknown = Returned {
        mark,
        kind: "unknown",
        status: None,
        reference: None,
    };
    let Some(mail) = returned::read(raw) else {
        return unknown;
    };
    let came = mail.came_to.iter().find_map(|address| links.came(address));
    let (kind, reference) = match came {
        None => return unknown,
        Some(Came::ToLeave(reference)) => ("leave", reference),
        Some(Came::Back(reference)) => (
            match mail.verdict {
                Verdict::Dead => "dead",
                Verdict::Undelivered => "undelivered",
                Verdict::Refused => "refused",
                Verdict::Delayed => "delayed",
                Verdict::Other => "other",
            },
            reference,
        ),
    };
    Returned {
        kind,
        status: mail.status,
        reference: Some(reference),
        ..unknown
    }
}
