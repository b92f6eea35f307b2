//! What receipts of parts say about a whole text.

/// A part of a text, as far as the whole depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Whether the provider took it, as far as anybody knows.
    pub taken: bool,
    /// Whether a receipt was asked for.
    pub reports: bool,
    /// Whether it arrived; none while nobody says so.
    pub arrived: Option<bool>,
}

/// What the parts say about the whole, by the codes of `receipt.kind`; none where it is not decided.
///
/// A text is delivered when each part that reports is, and failed when one is: half a text informs
/// nobody. A text of which a part was perhaps never taken is never delivered.
pub fn whole(parts: &[Part]) -> Option<&'static str> {
    if parts.iter().any(|part| part.arrived == Some(false)) {
        return Some("undelivered");
    }
    let mut reporting = parts
        .iter()
        .filter(|part| part.reports || part.arrived.is_some())
        .peekable();
    let some = reporting.peek().is_some();
    let all = reporting.all(|part| part.arrived == Some(true));
    (some && all && parts.iter().all(|part| part.taken)).then_some("delivered")
}

/// Whether part of a text arrived and nothing is known against the rest. Some providers report of the
/// first part alone, whatever they were asked.
pub fn some_arrived(parts: &[Part]) -> bool {
    parts.iter().any(|part| part.arrived == Some(true))
        && parts
            .iter()
            .all(|part| part.taken && part.arrived != Some(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(arrived: Option<bool>) -> Part {
        Part {
            taken: true,
            reports: true,
            arrived,
        }
    }

    #[test]
    fn a_text_is_delivered_when_all_its_parts_are() {
        let (yes, no, open) = (part(Some(true)), part(Some(false)), part(None));
        assert_eq!(whole(&[yes, yes, yes]), Some("delivered"));
        assert_eq!(whole(&[yes, open, yes]), None);
        assert_eq!(whole(&[yes, open, no]), Some("undelivered"));
        assert_eq!(whole(&[open, open]), None);
        assert!(some_arrived(&[yes, open, open]));
        assert!(!some_arrived(&[open, open]) && !some_arrived(&[yes, no]));
    }

    #[test]
    fn a_part_that_was_not_asked_need_not_report() {
        let silent = Part {
            reports: false,
            ..part(None)
        };
        assert_eq!(
            whole(&[part(Some(true)), silent, silent]),
            Some("delivered")
        );
        assert_eq!(whole(&[silent, silent]), None);
    }

    #[test]
    fn a_text_that_left_in_part_is_never_delivered() {
        let lost = Part {
            taken: false,
            ..part(None)
        };
        let unasked = Part {
            reports: false,
            ..lost
        };
        assert_eq!(whole(&[part(Some(true)), lost]), None);
        assert_eq!(whole(&[part(Some(true)), unasked]), None);
        assert!(!some_arrived(&[part(Some(true)), lost]));
        assert_eq!(whole(&[part(Some(false)), lost]), Some("undelivered"));
    }
}
