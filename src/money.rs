//! What SMS cost, and what a month may cost: sums, tariffs, and where the next SMS would stand.

use std::{collections::BTreeMap, fmt, str::FromStr};

use chrono::NaiveDate;
use serde::Serialize;

/// A sum, in kopecks: whole numbers add up without a remainder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Kopecks(pub i64);

/// In roubles: `3.50`.
impl fmt::Display for Kopecks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let sum = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", sum / 100, sum % 100)
    }
}

/// Why a sum, a list of prices or a stop was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not understood")]
pub struct NotUnderstood;

/// Reads roubles: `3`, `3.5` or `3.50`.
impl FromStr for Kopecks {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let (roubles, rest) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit());
        if !digits(roubles) || !digits(rest) || rest.len() > 2 || roubles.len() > 12 {
            return Err(NotUnderstood);
        }
        let roubles: i64 = roubles.parse().map_err(|_| NotUnderstood)?;
        let kopecks: i64 = rest.parse().map_err(|_| NotUnderstood)?;
        let tens = if rest.len() == 1 { 10 } else { 1 };
        Ok(Self(roubles * 100 + kopecks * tens))
    }
}

impl Kopecks {
    /// So many times the sum.
    #[must_use]
    pub fn times(self, count: usize) -> Self {
        Self(
            self.0
                .saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)),
        )
    }

    /// A share of the sum.
    #[must_use]
    pub fn share(self, Percent(share): Percent) -> Self {
        Self(self.0.saturating_mul(i64::from(share)) / 100)
    }

    /// Both sums together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// What one part of an SMS costs with one gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    /// Where no prefix says otherwise.
    pub usual: Kopecks,
    /// By how the number begins, which is how operators are told apart.
    pub by_prefix: ByPrefix,
}

/// Prices by the beginnings of numbers, the longest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByPrefix(Vec<(String, Kopecks)>);

/// Reads `+7900 3.00, +7916 2.80`.
impl FromStr for ByPrefix {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let mut prices = BTreeMap::new();
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let (prefix, price) = one.split_once(char::is_whitespace).ok_or(NotUnderstood)?;
            let digits = prefix.strip_prefix('+').ok_or(NotUnderstood)?;
            if digits.is_empty() || !digits.bytes().all(|one| one.is_ascii_digit()) {
                return Err(NotUnderstood);
            }
            let twice = prices.insert(prefix.to_owned(), price.trim().parse()?);
            if twice.is_some() {
                return Err(NotUnderstood);
            }
        }
        let mut prices: Vec<_> = prices.into_iter().collect();
        prices.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(Self(prices))
    }
}

impl Prices {
    /// What so many parts to a number cost.
    pub fn of(&self, number: &str, parts: usize) -> Kopecks {
        let ByPrefix(by_prefix) = &self.by_prefix;
        let own = by_prefix
            .iter()
            .find(|(prefix, _)| number.starts_with(prefix));
        own.map_or(self.usual, |(_, price)| *price).times(parts)
    }
}

/// What SMS may cost in a calendar month, for all gateways together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The month's sum.
    pub month: Kopecks,
    /// Above this share only what has to be known soon goes by SMS at once.
    pub soft: Percent,
    /// Above this share only alarms do.
    pub hard: Percent,
}

/// A share, of which 100 is the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(pub u16);

/// Reads `80%`.
impl FromStr for Percent {
    type Err = NotUnderstood;

    fn from_str(text: &str) -> Result<Self, NotUnderstood> {
        let number = text.strip_suffix('%').ok_or(NotUnderstood)?;
        number.parse().map(Self).map_err(|_| NotUnderstood)
    }
}

impl Budget {
    /// Where the month stands when so much is spent.
    pub fn stand(&self, spent: Kopecks) -> Stand {
        let above = |Percent(share): Percent| {
            i128::from(spent.0) * 100 > i128::from(self.month.0) * i128::from(share)
        };
        if above(self.hard) {
            Stand::AboveHard
        } else if above(self.soft) {
            Stand::AboveSoft
        } else {
            Stand::Fits
        }
    }
}

/// Where a sum stands in the month's budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// Below both stops.
    Fits,
    /// Above the soft stop.
    AboveSoft,
    /// Above the hard stop.
    AboveHard,
}

impl Stand {
    /// What `vestnik budget` and logs call it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::AboveSoft => "above_soft_stop",
            Self::AboveHard => "above_hard_stop",
        }
    }
}

/// What the school pays and may pay.
#[derive(Debug, Clone, Default)]
pub struct Tariff {
    /// By the gateway's lane.
    pub prices: BTreeMap<String, Prices>,
    /// What a month may cost, if that is limited.
    pub budget: Option<Budget>,
}

impl Tariff {
    /// What so many parts to a number cost by a lane; nothing where no price is known.
    pub fn cost(&self, lane: &str, number: &str, parts: usize) -> Kopecks {
        self.prices
            .get(lane)
            .map_or(Kopecks(0), |prices| prices.of(number, parts))
    }

    /// What is left for the messages that one lane will carry; none where a month is not limited.
    pub fn purse(&self, lane: &str, spent: Kopecks) -> Option<Purse> {
        Some(Purse {
            prices: self.prices.get(lane).cloned().unwrap_or_default(),
            budget: self.budget?,
            spent,
        })
    }
}

/// The money for the messages that are about to be composed.
#[derive(Debug, Clone)]
pub struct Purse {
    /// What they cost.
    pub prices: Prices,
    /// What the month may cost.
    pub budget: Budget,
    /// What is spent, and what the messages cost that have not left yet.
    pub spent: Kopecks,
}

/// The calendar month of a day, as the budget counts: `2026-10`.
pub fn month(day: NaiveDate) -> String {
    day.format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_read_and_written_in_roubles() {
        for (text, kopecks) in [("3", 300), ("3.5", 350), ("3.05", 305), ("0.90", 90)] {
            assert_eq!(text.parse(), Ok(Kopecks(kopecks)), "{text}");
        }
        for text in ["", "3,50", "-1", "3.505", ".5", "3.", "three", "1e3", "+3"] {
            assert_eq!(text.parse::<Kopecks>(), Err(NotUnderstood), "{text}");
        }
        assert_eq!(Kopecks(305).to_string(), "3.05");
        assert_eq!(Kopecks(-50).to_string(), "-0.50");
    }

    #[test]
    fn the_longest_beginning_of_a_number_names_its_price() {
        let prices = Prices {
            usual: Kopecks(400),
            by_prefix: "+79 3.50, +7916 2.80".parse().expect("prices"),
        };
        assert_eq!(prices.of("+79161234567", 2), Kopecks(560));
        assert_eq!(prices.of("+79001234567", 1), Kopecks(350));
        assert_eq!(prices.of("+37560012345", 3), Kopecks(1200));
        for wrong in ["7900 3", "+7900", "+7900 3, +7900 4", "+ 3", "+79a 3"] {
            assert_eq!(wrong.parse::<ByPrefix>(), Err(NotUnderstood), "{wrong}");
        }
    }

    #[test]
    fn a_stop_is_passed_above_its_share_and_not_at_it() {
        let budget = Budget {
            month: Kopecks(100_000),
            soft: Percent(80),
            hard: Percent(100),
        };
        for (spent, stand) in [
            (80_000, Stand::Fits),
            (80_001, Stand::AboveSoft),
            (100_000, Stand::AboveSoft),
            (100_001, Stand::AboveHard),
        ] {
            assert_eq!(budget.stand(Kopecks(spent)), stand, "{spent}");
        }
    }

    #[test]
    fn a_lane_without_a_price_costs_nothing() {
        let tariff = Tariff::default();
        assert_eq!(tariff.cost("sms", "+79001234567", 3), Kopecks(0));
        assert!(tariff.purse("sms", Kopecks(0)).is_none());
    }
}
