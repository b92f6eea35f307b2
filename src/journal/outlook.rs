//! What results may be expected of a term as its marks stand.

use std::collections::BTreeMap;

/// A mark that counts, as far as an average depends on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    /// The subject's place in the school's order.
    pub position: Option<i64>,
    /// The subject.
    pub subject: String,
    /// Its short name.
    pub short: Option<String>,
    /// As it was entered: «4», «5-», «зач».
    pub entered: String,
    /// What the school counts it as, where that is not what stands there.
    pub counted_as: Option<f64>,
    /// Its weight.
    pub weight: f64,
}

impl Counted {
    /// As a number; none for a mark that is none, such as «зач».
    fn value(&self) -> Option<f64> {
        let entered = self.entered.trim_end_matches(['+', '-']);
        self.counted_as.or_else(|| entered.parse().ok())
    }
}

/// The weighted average of each subject, with full names and with short ones, in the school's order; none where
/// nothing counts.
pub fn outlook(marks: &[Counted]) -> Option<(String, String)> {
    let mut subjects: BTreeMap<(i64, &str), (Option<&str>, f64, f64)> = BTreeMap::new();
    for mark in marks {
        let Some(value) = mark.value() else { continue };
        let place = (mark.position.unwrap_or(i64::MAX), mark.subject.as_str());
        let (_, sum, weights) = subjects
            .entry(place)
            .or_insert((mark.short.as_deref(), 0.0, 0.0));
        *sum += value * mark.weight;
        *weights += mark.weight;
    }
    let averages: Vec<_> = subjects
        .into_iter()
        .filter(|(_, (.., weights))| *weights > 0.0)
        .map(|((_, name), (short, sum, weights))| {
            let average = format!("{:.2}", sum / weights).replace('.', ",");
            let short = short.unwrap_or(name);
            (format!("{name} {average}"), format!("{short} {average}"))
        })
        .collect();
    let (long, short): (Vec<String>, Vec<String>) = averages.into_iter().unzip();
    (!long.is_empty()).then(|| (long.join("; "), short.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_count_words_do_not_and_the_schools_order_holds() {
        let mark = |position, subject: &str, entered: &str, weight| Counted {
            position,
            subject: subject.to_owned(),
            short: (subject == "Алгебра").then(|| "алг".to_owned()),
            entered: entered.to_owned(),
            counted_as: None,
            weight,
        };
        let marks = [
            mark(None, "Физика", "4-", 1.0),
            mark(Some(1), "Алгебра", "5", 1.0),
            mark(Some(1), "Алгебра", "3", 2.0),
            mark(Some(2), "Физкультура", "зач", 1.0),
        ];
        let (long, short) = outlook(&marks).expect("averages");
        assert_eq!(long, "Алгебра 3,67; Физика 4,00");
        assert_eq!(short, "алг 3,67; Физика 4,00");
        assert_eq!(outlook(&marks[3..]), None);
    }
}
