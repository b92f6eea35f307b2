//! What was done, entry by entry: each holds the hash of the one before it, so that none can be changed or taken out
//! without breaking those after it.

use sha2::{Digest, Sha256};

use crate::{instant::Millis, links::hex};

/// Who does what is done by the command line.
pub const HERE: &str = "command line";

/// What the first entry follows.
pub const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Something that was done.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// `audit.id`
    pub id: i64,
    /// When.
    pub at: Millis,
    /// Who did it: the login, or `command line`.
    pub who: String,
    /// What kind of deed, by the codes of [`Deed`](super::deed::Deed).
    pub deed: String,
    /// What it was about, as a JSON object.
    pub about: String,
    /// The hash of the entry before it.
    pub before: String,
    /// The own hash.
    pub hash: String,
}

/// Prints only what kind of deed it was.
impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Entry({}, {})", self.id, self.deed)
    }
}

/// The hash of an entry that follows `before`. Each part is preceded by its length, so that none runs into the next.
pub fn link(before: &str, at: Millis, who: &str, deed: &str, about: &str) -> String {
    let mut hash = Sha256::new();
    for part in [before, &at.to_string(), who, deed, about] {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

/// The first entry that does not follow from the one before it; none where the chain is whole. They come in their
/// order, from the first one on.
pub fn broken(entries: &[Entry]) -> Option<i64> {
    let mut before = BEGINNING;
    for one in entries {
        if one.before != before || one.hash != link(before, one.at, &one.who, &one.deed, &one.about)
        {
            return Some(one.id);
        }
        before = &one.hash;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(words: &[&str]) -> Vec<Entry> {
        let mut before = BEGINNING.to_owned();
        let entry = |(at, words): (i64, &&str)| {
            let hash = link(&before, at, "admin", "hold.release", words);
            Entry {
                id: at,
                at,
                who: "admin".into(),
                deed: "hold.release".into(),
                about: (*words).to_owned(),
                before: std::mem::replace(&mut before, hash.clone()),
                hash,
            }
        };
        (1..).zip(words).map(entry).collect()
    }

    #[test]
    fn what_was_changed_or_taken_out_breaks_the_chain() {
        let whole = chain(&["a", "b", "c"]);
        assert_eq!(broken(&whole), None);
        let mut changed = whole.clone();
        changed[1].about = "x".into();
        assert_eq!(broken(&changed), Some(2));
        let mut shorter = whole.clone();
        shorter.remove(1);
        assert_eq!(broken(&shorter), Some(3));
        assert_eq!(broken(&[]), None);
        // One part never runs into the next.
        assert_ne!(link("", 1, "ab", "c", ""), link("", 1, "a", "bc", ""));
    }
}
