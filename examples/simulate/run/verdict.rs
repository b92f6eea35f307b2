//! What is judged when the year is over.

use std::collections::{BTreeMap, BTreeSet};

use super::World;
use crate::{checks, heard, words};

impl World {
    /// All that is judged when the year is over.
    pub(super) async fn judge(&mut self) -> Result<(), String> {
        let now = self.now();
        checks::states(&self.store, now).await?;
        heard::note(&self.store, &mut self.noted).await;
        let hearing = heard::hearing(
            &self.year.school,
            &self.providers,
            &self.hearers,
            &self.printed,
        );
        self.summary.told = heard::lost(
            &self.store,
            &self.year.journal,
            &self.year.school,
            &hearing,
            &self.noted,
            now,
        )
        .await?;
        let shown: BTreeSet<String> = checks::shown(&self.store).await;
        heard::duplicates(&self.providers, &hearing, &self.owners, &shown)?;
        heard::silences(&hearing)?;
        let mut taken = BTreeMap::new();
        let sms = self.providers.log.iter();
        for one in sms.filter(|one| one.lane.starts_with("sms")) {
            let parts = vestnik_sms::parts::count(&one.message.text).parts;
            *taken.entry(one.lane.clone()).or_default() += parts;
        }
        checks::charged(&self.store, &taken).await?;
        self.count();
        Ok(())
    }

    fn count(&mut self) {
        let mut seen = BTreeSet::new();
        let mut digest: u64 = 0xcbf2_9ce4_8422_2325;
        for taken in &self.providers.log {
            if !seen.insert(taken.message.reference.clone()) {
                self.summary.copies += 1;
            }
            if taken.lane.starts_with("sms") {
                self.summary.spare += usize::from(taken.lane == "sms_spare");
                self.summary.sms += 1;
                self.summary.parts +=
                    vestnik_sms::parts::count(&words::without_codes(&taken.message.text)).parts;
            }
            let line = format!(
                "{} {} {} {} {}",
                taken.at,
                taken.lane,
                taken.message.reference,
                taken.message.client_ref,
                taken.message.text
            );
            for byte in line.bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        for printed in &self.printed {
            let line = format!(
                "{} {} {}",
                printed.at,
                printed.reference,
                printed.told.len()
            );
            for byte in line.bytes() {
                digest = (digest ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            }
        }
        self.summary.digest = digest;
        self.summary.taken = self.providers.log.len();
        self.summary.doubtful = self.providers.doubtful.len();
        self.summary.writes = self.year.journal.writes;
        self.summary.families = self.year.school.guardians.len();
    }
}
