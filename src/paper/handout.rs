//! What becomes of a sheet after it was printed: handed out, given back, lost. Design §5 names the states; who
//! says what happened is a person, and each word is kept.

use std::{collections::BTreeSet, fmt};

use crate::family::{consent::ConsentState, route::WhyPaper, service::Ground};

/// Where a sheet stands: `sheet.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stand {
    /// It is being printed.
    InRun,
    /// It is printed, and nobody has said what became of it.
    Printed,
    /// The family has it.
    HandedOut,
    /// The family signed the slip and gave it back.
    SlipBack,
    /// The family has it and gave no slip back.
    NoSlip,
    /// The family does not have it, for a reason.
    NotHanded,
    /// It did not come out as it should.
    Spoiled,
    /// A duplicate stands for it.
    Reprinted,
    /// Nobody knows where it is.
    Missing,
}

const STANDS: [(Stand, &str); 9] = [
    (Stand::InRun, "in_run"),
    (Stand::Printed, "printed"),
    (Stand::HandedOut, "handed_out"),
    (Stand::SlipBack, "slip_back"),
    (Stand::NoSlip, "no_slip"),
    (Stand::NotHanded, "not_handed"),
    (Stand::Spoiled, "spoiled"),
    (Stand::Reprinted, "reprinted"),
    (Stand::Missing, "missing"),
];

impl Stand {
    /// `sheet.state`
    pub fn code(self) -> &'static str {
        let known = STANDS.iter().find(|(stand, _)| *stand == self);
        known.map_or("", |(_, code)| code)
    }

    /// The state with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        let known = STANDS.iter().find(|(_, known)| *known == code);
        known.map(|(stand, _)| *stand)
    }
}

/// How a family got its sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The student carried it home.
    Student,
    /// Somebody of the family took it.
    InPerson,
    /// By post.
    Post,
}

impl How {
    /// `sheet.how`
    pub fn code(self) -> &'static str {
        match self {
            Self::Student => "student",
            Self::InPerson => "in_person",
            Self::Post => "post",
        }
    }
}

/// What a family ticks on a slip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tick {
    /// «Ознакомлен(а)»
    Read,
    /// «Есть вопрос»
    Question,
    /// «Ошибка в записях»
    Mistake,
    /// «Позвоните мне»
    Call,
}

impl Tick {
    /// What it asks of the class teacher; nothing where it only says that the sheet was read.
    pub fn asks(self) -> Option<&'static str> {
        match self {
            Self::Read => None,
            Self::Question => Some("есть вопрос"),
            Self::Mistake => Some("ошибка в записях"),
            Self::Call => Some("позвоните мне"),
        }
    }
}

/// The boxes in the order in which the slip has them, by the codes of `sheet.slip`.
pub const TICKS: [(Tick, &str); 4] = [
    (Tick::Read, "read"),
    (Tick::Question, "question"),
    (Tick::Mistake, "mistake"),
    (Tick::Call, "call"),
];

/// `sheet.slip`: «read,question».
pub fn ticks(ticked: &BTreeSet<Tick>) -> String {
    let codes = TICKS.iter().filter(|(tick, _)| ticked.contains(tick));
    let codes: Vec<&str> = codes.map(|(_, code)| *code).collect();
    codes.join(",")
}

/// What a person says of a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// The family got it, so; and who took it, where that was not the student.
    HandOut(How, Option<String>),
    /// It did not, because of this.
    Keep(String),
    /// The slip came back, with these boxes ticked.
    TakeSlip(BTreeSet<Tick>),
    /// No slip came back, and none is awaited any more.
    GiveUpSlip,
    /// It did not come out as it should.
    Spoil(String),
    /// It is lost.
    Lose,
}

/// Why something cannot be said of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is still being printed.
    NotPrinted,
    /// Nobody has handed it out.
    NotHandedOut,
    /// The family has it already.
    HandedOut,
    /// Its slip is signed: that is the proof, and stays.
    Signed,
    /// Another sheet stands for it.
    Replaced,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPrinted => "it has not been printed yet",
            Self::NotHandedOut => "it has not been handed out",
            Self::HandedOut => "the family has it already; a duplicate can be printed",
            Self::Signed => "its signed slip is back, which stays the proof",
            Self::Replaced => "another sheet stands for it",
        })
    }
}

/// Where a sheet stands after that. Said twice it changes nothing.
///
/// # Errors
/// [`Refused`]; then nothing happens.
pub fn after(stand: Stand, deed: &Deed) -> Result<Stand, Refused> {
    match (stand, deed) {
        (Stand::InRun, _) => Err(Refused::NotPrinted),
        (Stand::Spoiled, Deed::Spoil(_)) => Ok(Stand::Spoiled),
        (Stand::Spoiled | Stand::Reprinted, _) => Err(Refused::Replaced),
        // A slip proves that the sheet was there, whatever was noted before.
        (_, Deed::TakeSlip(_)) => Ok(Stand::SlipBack),
        (Stand::SlipBack, _) => Err(Refused::Signed),
        (_, Deed::HandOut(..)) => Ok(Stand::HandedOut),
        (_, Deed::Keep(_)) => Ok(Stand::NotHanded),
        (Stand::HandedOut | Stand::NoSlip, Deed::GiveUpSlip) => Ok(Stand::NoSlip),
        (_, Deed::GiveUpSlip) => Err(Refused::NotHandedOut),
        (Stand::HandedOut | Stand::NoSlip, Deed::Spoil(_)) => Err(Refused::HandedOut),
        (_, Deed::Spoil(_)) => Ok(Stand::Spoiled),
        (_, Deed::Lose) => Ok(Stand::Missing),
    }
}

/// Why a family hears on paper, as the register says it to staff.
pub fn ground(why: Option<WhyPaper>) -> &'static str {
    let Some(why) = why else {
        return "вдобавок к сообщениям";
    };
    match why {
        WhyPaper::Chosen | WhyPaper::Agreed(Ground::Chosen) => "по желанию семьи",
        WhyPaper::Agreed(Ground::Refused) => "отказ от электронной формы",
        WhyPaper::Agreed(Ground::NoAccess) => "нет интернета",
        WhyPaper::NoContact => "нет телефона и почты",
        WhyPaper::Consent(_, ConsentState::Withdrawn) => "согласие отозвано",
        WhyPaper::Consent(..) | WhyPaper::Agreed(Ground::NoConsent) => "нет согласия",
        WhyPaper::Unreachable | WhyPaper::Agreed(Ground::Unreachable) => "нет связи",
        WhyPaper::Failed => "сообщение не дошло",
        WhyPaper::ClosedAddress => "адрес общий с тем, кому сообщать нельзя",
        WhyPaper::NeverByChannel => "семья не хочет сообщений",
        WhyPaper::NoMoney => "кончились деньги на SMS",
    }
}

/// The rows of a register that somebody means: «все», «все, кроме 3 и 7», «1, 2, 5–7», in Russian or
/// English, counted from 1. None for what names a row that is not there, or is no list.
pub fn rows(text: &str, count: usize) -> Option<BTreeSet<usize>> {
    let lower = text.trim().to_lowercase();
    let all = ["все", "all"]
        .iter()
        .find_map(|word| lower.strip_prefix(word));
    let Some(rest) = all else {
        return list(&lower, count);
    };
    let rest = rest.trim_start_matches([',', ' ', '\u{a0}']);
    let mut rows: BTreeSet<usize> = (1..=count).collect();
    if rest.is_empty() {
        return Some(rows);
    }
    let but = ["кроме", "except"]
        .iter()
        .find_map(|word| rest.strip_prefix(word))?;
    for row in list(but, count)? {
        rows.remove(&row);
    }
    Some(rows)
}

/// «1, 2 и 5–7»
fn list(text: &str, count: usize) -> Option<BTreeSet<usize>> {
    let mut rows = BTreeSet::new();
    let spaced = text.replace(['–', '—'], "-").replace(['№', '.'], " ");
    let words = spaced.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'));
    for word in words.filter(|word| !matches!(*word, "" | "и" | "and")) {
        let (from, to) = word.split_once('-').unwrap_or((word, word));
        let (from, to): (usize, usize) = (from.parse().ok()?, to.parse().ok()?);
        if from < 1 || to < from || to > count {
            return None;
        }
        rows.extend(from..=to);
    }
    (!rows.is_empty()).then_some(rows)
}

/// A check code as it was typed or read from its picture: «5б 06 17 к4» is «5Б-06-17-К4». None for what is
/// none.
pub fn code(typed: &str) -> Option<String> {
    let mut parts: Vec<String> = typed
        .trim()
        .to_uppercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(|part| part.chars().map(cyrillic).collect())
        .collect();
    let last: String = parts.pop()?;
    let number = |part: &String| part.chars().all(|c| c.is_ascii_digit());
    let mut letters = last.chars();
    let check = letters.next().is_some_and(char::is_alphabetic)
        && letters.next().is_some_and(|c| c.is_ascii_digit())
        && letters.next().is_none();
    let whole = parts.len() == 3 && number(&parts[1]) && number(&parts[2]) && check;
    whole.then(|| format!("{}-{:0>2}-{:0>2}-{last}", parts[0], parts[1], parts[2]))
}

/// The Cyrillic letter that looks like a Latin one: keyboards are often the wrong way round.
fn cyrillic(letter: char) -> char {
    const ALIKE: [(char, char); 12] = [
        ('A', 'А'),
        ('B', 'В'),
        ('E', 'Е'),
        ('K', 'К'),
        ('M', 'М'),
        ('H', 'Н'),
        ('O', 'О'),
        ('P', 'Р'),
        ('C', 'С'),
        ('T', 'Т'),
        ('Y', 'У'),
        ('X', 'Х'),
    ];
    let alike = ALIKE.iter().find(|(latin, _)| *latin == letter);
    alike.map_or(letter, |(_, own)| *own)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_are_meant_as_people_write_them() {
        let read = |text: &str| rows(text, 7).map(|rows| rows.into_iter().collect::<Vec<_>>());
        assert_eq!(read("все"), Some((1..=7).collect()));
        assert_eq!(read(" Все, кроме 3 и 7 "), Some(vec![1, 2, 4, 5, 6]));
        assert_eq!(read("все кроме 3"), Some(vec![1, 2, 4, 5, 6, 7]));
        assert_eq!(read("all except 1-5"), Some(vec![6, 7]));
        assert_eq!(read("№ 1, 2; 5–7"), Some(vec![1, 2, 5, 6, 7]));
        for wrong in [
            "",
            "кроме 3",
            "все, кроме",
            "8",
            "0",
            "5-2",
            "1-8",
            "третий",
            "все 3",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for typed in ["5Б-06-17-К4", "5б 6 17 k4", " 5Б–06–17–к4. ", "5Б.06.17.К4"] {
            assert_eq!(code(typed).as_deref(), Some("5Б-06-17-К4"), "{typed}");
        }
        for wrong in [
            "",
            "5Б",
            "5Б-06-17",
            "5Б-06-17-44",
            "5Б-06-17-К44",
            "5Б-шесть-17-К4",
            "все",
        ] {
            assert_eq!(code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_slip_is_proof_and_what_is_replaced_is_left_alone() {
        let slip = Deed::TakeSlip(BTreeSet::from([Tick::Read]));
        let hand = Deed::HandOut(How::Student, None);
        assert_eq!(after(Stand::Printed, &hand), Ok(Stand::HandedOut));
        assert_eq!(after(Stand::Printed, &slip), Ok(Stand::SlipBack));
        assert_eq!(
            after(Stand::Missing, &hand),
            Ok(Stand::HandedOut),
            "it was found"
        );
        assert_eq!(after(Stand::SlipBack, &Deed::Lose), Err(Refused::Signed));
        assert_eq!(after(Stand::Reprinted, &slip), Err(Refused::Replaced));
        assert_eq!(after(Stand::InRun, &hand), Err(Refused::NotPrinted));
        assert_eq!(
            after(Stand::Printed, &Deed::GiveUpSlip),
            Err(Refused::NotHandedOut)
        );
        let spoil = Deed::Spoil("замялся".into());
        assert_eq!(after(Stand::HandedOut, &spoil), Err(Refused::HandedOut));
    }

    fn any_deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            Just(Deed::HandOut(How::Student, None)),
            Just(Deed::Keep("болеет".into())),
            Just(Deed::TakeSlip(BTreeSet::from([Tick::Read]))),
            Just(Deed::GiveUpSlip),
            Just(Deed::Spoil("замялся".into())),
            Just(Deed::Lose),
        ]
    }

    proptest! {
        #[test]
        fn proof_is_never_lost_and_what_is_said_twice_changes_nothing(
            at in 0..STANDS.len(), deeds in prop::collection::vec(any_deed(), 0..8),
        ) {
            let mut stand = STANDS[at].0;
            for deed in deeds {
                let before = stand;
                if let Ok(next) = after(before, &deed) {
                    prop_assert_eq!(after(next, &deed), Ok(next));
                    stand = next;
                }
                prop_assert!(before != Stand::SlipBack || stand == Stand::SlipBack);
                prop_assert!(stand != Stand::InRun || before == Stand::InRun);
            }
            prop_assert_eq!(Stand::from_code(stand.code()), Some(stand));
        }
    }
}
