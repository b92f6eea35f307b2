//! What messages cost, and what is left for them.

use vestnik_sms::parts;

use super::{Account, Engine};
use crate::{
    family::contact::Channel,
    instant::Millis,
    money::{Kopecks, Purse, month},
    store::{Charge, Ready, StoreError, Tx},
};

impl Engine {
    /// The money for the SMS that are about to be composed, at the prices of the preferred gateway; none where a
    /// month is not limited.
    pub(super) async fn purse(
        &self,
        tx: &mut Tx,
        now: Millis,
    ) -> Result<Option<Purse>, StoreError> {
        let account = self.accounts.iter().find(|one| one.channel.costs());
        let Some(account) = account.filter(|_| self.tariff.budget.is_some()) else {
            return Ok(None);
        };
        let spent = tx.spent(&month(self.today(now))).await?;
        Ok(self.tariff.purse(&account.lane, spent))
    }

    /// How many SMS a text to an address makes, 1 by other channels, and what they cost by an account.
    pub(super) fn priced(&self, account: &Account, address: &str, text: &str) -> (i64, Kopecks) {
        if account.channel != Channel::Sms {
            return (1, Kopecks(0));
        }
        let parts = parts::count(text).parts;
        let cost = self.tariff.cost(&account.lane, address, parts);
        (i64::try_from(parts).unwrap_or(i64::MAX), cost)
    }

    /// What the call that hands a message over costs; none by channels that cost nothing.
    pub(super) fn charge(&self, account: &Account, ready: &Ready, now: Millis) -> Option<Charge> {
        let parts = usize::try_from(ready.parts).unwrap_or(1);
        account.channel.costs().then(|| Charge {
            month: month(self.today(now)),
            parts: ready.parts,
            cost: self
                .tariff
                .cost(&account.lane, &ready.message.address, parts),
        })
    }
}
