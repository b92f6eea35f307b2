//! How much of what is due one SMS carries: no more words of a child than the texts that operators know, and the
//! most important first, up to a number of parts. Where parts are limited, what does not fit waits for the next
//! digest; where they are not, it leaves with a second SMS at once.

use std::{collections::BTreeMap, fmt};

use vestnik_sms::parts;

use super::{Draft, pack::Member};
use crate::{
    family::{contact::Channel, preference::Event},
    journal::fact::Fact,
    text::{ContentLevel, Templates, WORDS, in_letters},
};

/// How long an SMS may be, and in which words it is measured.
#[derive(Clone)]
pub struct Fitting {
    /// The words.
    pub templates: Templates,
    /// The most parts, if they are limited.
    pub parts: Option<usize>,
    /// Whether it leaves in Latin letters.
    pub latin: bool,
}

/// Prints the limit only.
impl fmt::Debug for Fitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fitting({:?} parts)", self.parts)
    }
}

impl Fitting {
    /// How many of the members, those of one fact side by side, one SMS holds, which has few parts if it is
    /// `limited`; always whole facts, and at least one. `draft` makes the message of some of them.
    pub(super) fn held(
        &self,
        members: &[Member<'_>],
        limited: bool,
        draft: impl Fn(&[Member<'_>]) -> Draft,
    ) -> usize {
        let most = self.parts.filter(|_| limited);
        let holds = |members: &[Member<'_>]| self.holds(&draft(members), most);
        if members.is_empty() || holds(members) {
            return members.len();
        }
        // After how many members a fact ends.
        let mut ends = Vec::new();
        for (at, pair) in members.windows(2).enumerate() {
            if pair[0].due.fact != pair[1].due.fact {
                ends.push(at + 1);
            }
        }
        // A longer message never has fewer parts nor words, so that the boundary can be looked for by halves.
        let held = ends.partition_point(|end| holds(&members[..*end]));
        match held.checked_sub(1) {
            Some(at) => ends[at],
            None => ends.first().copied().unwrap_or(members.len()),
        }
    }

    /// How many SMS the message makes; 1 where its words fail, which they do later, aloud.
    pub fn parts(&self, draft: &Draft) -> usize {
        self.text(draft).map_or(1, |text| parts::count(&text).parts)
    }

    /// Whether the message has no more than `most` parts, and no line of it more words than operators know. One
    /// whose words fail is not measured.
    fn holds(&self, draft: &Draft, most: Option<usize>) -> bool {
        self.text(draft).is_none_or(|text| {
            let few = |line: &str| line.split(' ').count() <= WORDS;
            text.lines().all(few) && most.is_none_or(|most| parts::count(&text).parts <= most)
        })
    }

    /// The words, as they leave.
    fn text(&self, draft: &Draft) -> Option<String> {
        let text = self
            .templates
            .render(Channel::Sms, ContentLevel::Full, &draft.letter);
        Some(in_letters(&text.ok()?.text, self.latin))
    }
}

/// What is told first where not all of it fits, from 0 on: what is needed today or tomorrow, then what the
/// journal has to say, then what can wait.
pub(super) fn importance(event: Event) -> u8 {
    use Event as E;
    match event {
        E::Urgent => 0,
        E::Absence | E::AttendanceCorrected | E::Lateness => 1,
        E::ScheduleChange | E::Test | E::ClassEvent | E::Homework => 2,
        E::MarkCorrected | E::MarkWithdrawn | E::TermResult | E::Exam => 3,
        E::Preliminary | E::Forecast => 4,
        E::Mark => 5,
        E::Remark | E::Appeal => 6,
        E::Announcement | E::Praise | E::Achievement => 7,
        E::Service => 8,
    }
}

/// The members in order of importance; all that tell one fact stay together.
pub(super) fn sort(members: &mut [Member<'_>]) {
    let mut of_fact: BTreeMap<Fact, u8> = BTreeMap::new();
    for Member { due, event, .. } in members.iter() {
        let known = of_fact.entry(due.fact).or_insert(u8::MAX);
        *known = (*known).min(importance(*event));
    }
    members.sort_by_key(|one| {
        let importance = of_fact.get(&one.due.fact).copied();
        (importance, one.due.fact, one.due.guardian_id)
    });
}
