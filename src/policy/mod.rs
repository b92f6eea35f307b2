//! The policy: what a school's regulation says about informing families, rule by rule, each with its
//! clause. Regulations contradict each other on almost every number, so none stands in the code.

mod rule;

use std::{
    collections::BTreeMap,
    fmt::{self, Write},
};

use serde::Deserialize;

use rule::Rule;
pub use rule::{
    AbsenceAlarm, Certified, Contacts, Corrections, Evidence, HomeworkEntry, Limit, Paper, Period,
    Remarks, ServiceNotice, Share, Switch, TermClosed,
};

use crate::quiet::Quiet;

/// The policies that come with the program, by the names of `config/policies`.
const EMBEDDED: &[(&str, &str)] = &[
    (DEFAULT, include_str!("../../config/policies/default.toml")),
    (
        "natashinskaya",
        include_str!("../../config/policies/natashinskaya.toml"),
    ),
    (
        "natashinskaya-dnevnik",
        include_str!("../../config/policies/natashinskaya-dnevnik.toml"),
    ),
    (
        "niki-hitinskaya",
        include_str!("../../config/policies/niki-hitinskaya.toml"),
    ),
    (
        "pogorelskaya",
        include_str!("../../config/policies/pogorelskaya.toml"),
    ),
    ("tkk", include_str!("../../config/policies/tkk.toml")),
];

/// The policy under all others.
pub const DEFAULT: &str = "default";

macro_rules! policy {
    ($($(#[$of:meta])* $key:ident: $kind:ty = $acted:literal,)*) => {
        /// What holds, in the types that the decisions use.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Policy {
            $($(#[$of])* pub $key: $kind,)*
        }

        /// The rules' names, in the order in which they are shown, and whether this version acts on them.
        pub const RULES: &[(&str, bool)] = &[$((stringify!($key), $acted),)*];

        impl Policy {
            fn read(lines: &BTreeMap<String, Line>, errors: &mut Vec<Wrong>) -> Option<Self> {
                $(let $key = typed::<$kind>(stringify!($key), lines, errors);)*
                Some(Self { $($key: $key?,)* })
            }
        }
    };
}

policy! {
    /// How long a teacher's second thoughts are awaited.
    settling: Period = true,
    /// The quiet hours of whoever named none.
    quiet: Quiet = true,
    /// How many messages an address gets in a day before the rest joins the digest; urgent ones pass.
    daily_cap: Limit = true,
    /// How many new notices of one import, or of one class in ten minutes, are no mishap.
    breaker: Limit = true,
    /// How many facts of one import, or of one class in ten minutes, may vanish without a mishap.
    disappearance: Limit = true,
    /// How old the day of a new entry may be; what is older is held.
    back_dated: Period = true,
    /// What becomes of entries for a term whose results are set.
    term_closed: TermClosed = true,
    /// Whether marks may be corrected without a person's decision.
    corrections: Corrections = true,
    /// The share of a class that makes an absence a question instead of an alarm.
    whole_class_absent: Share = true,
    /// From when on an absence is told on its day.
    absence_alarm: AbsenceAlarm = true,
    /// Which remarks families are told.
    remarks: Remarks = true,
    /// Whether a week without news is told.
    nothing_new: Switch = true,
    /// How soon results of terms and exams must have been told.
    term_results: Period = true,
    /// How long before a term's end its forecast is due.
    forecast: Period = true,
    /// Until when a day's homework has to be in the journal.
    homework_entry: HomeworkEntry = true,
    /// Until when a mark has to be in the journal.
    mark_entry: Period = true,
    /// How often families on paper get a sheet.
    paper: Paper = true,
    /// After how long without paper a family on paper is an alarm.
    paper_alarm: Period = true,
    /// Where an address must come from.
    contacts: Contacts = true,
    /// What is signed and sealed.
    certified: Certified = true,
    /// How often families are told which services there are.
    service_notice: ServiceNotice = true,
    /// How long the register of changed marks and results is kept.
    register_kept: Period = true,
    /// The evidence from which on a family counts as informed.
    informed: Evidence = true,
}

/// One rule of a policy as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The value's text.
    #[serde(rename = "is")]
    pub value: String,
    /// The clause that says so, or why the program chose it.
    pub clause: String,
}

/// A policy with the lines that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Regulation {
    /// Its name: a file of `config/policies`, or the school's own.
    pub name: String,
    /// What it is called.
    pub title: String,
    /// Every rule, those of `default` included.
    pub lines: BTreeMap<String, Line>,
    /// The same in types.
    pub policy: Policy,
}

/// What is wrong with one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The rule.
    pub rule: String,
    /// What is wrong and how to mend it.
    pub problem: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.problem)
    }
}

#[derive(Deserialize)]
struct File {
    title: String,
    #[serde(flatten)]
    lines: BTreeMap<String, Line>,
}

impl Regulation {
    /// The text of a policy that comes with the program.
    pub fn embedded(name: &str) -> Option<&'static str> {
        let found = EMBEDDED.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| *text)
    }

    /// The names of those that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        EMBEDDED.iter().map(|(name, _)| *name)
    }

    /// Reads a policy over `default` and under `overrides`, the school's own values by rule.
    ///
    /// # Errors
    /// Everything that is wrong with it: rules that nobody knows, with the nearest known one, and values
    /// that are not understood, each with the way to write it.
    pub fn read(
        name: &str,
        text: &str,
        overrides: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<Wrong>> {
        let broken = |error: toml::de::Error| {
            vec![Wrong {
                rule: name.to_owned(),
                problem: error.to_string().trim_end().replace('\n', "\n    "),
            }]
        };
        let base: File =
            toml::from_str(Self::embedded(DEFAULT).unwrap_or_default()).map_err(broken)?;
        let file: File = toml::from_str(text).map_err(broken)?;
        let mut errors = Vec::new();
        let mut lines = base.lines;
        let own = overrides.iter().map(|(rule, value)| {
            let line = Line {
                value: value.clone(),
                clause: "[rules] of the configuration".into(),
            };
            (rule.clone(), line)
        });
        for (rule, line) in file.lines.into_iter().chain(own) {
            if known(&rule) {
                lines.insert(rule, line);
            } else {
                let nearest = RULES
                    .iter()
                    .min_by_key(|(known, _)| strsim::damerau_levenshtein(known, &rule))
                    .map_or("", |(known, _)| *known);
                errors.push(Wrong {
                    problem: format!("no such rule; did you mean {nearest}?"),
                    rule,
                });
            }
        }
        let policy = Policy::read(&lines, &mut errors);
        match policy {
            Some(policy) if errors.is_empty() => Ok(Self {
                name: name.to_owned(),
                title: file.title,
                lines,
                policy,
            }),
            _ => Err(errors),
        }
    }

    /// The rules in which two policies differ, in the order in which rules are shown.
    pub fn diff<'a>(&'a self, other: &'a Self) -> Vec<(&'static str, &'a Line, &'a Line)> {
        RULES
            .iter()
            .filter_map(|(rule, _)| Some((*rule, self.lines.get(*rule)?, other.lines.get(*rule)?)))
            .filter(|(_, left, right)| left.value != right.value)
            .collect()
    }

    /// The policy as one text, rule by rule, so that what held on a day can be kept and shown.
    pub fn content(&self) -> String {
        let mut content = String::new();
        for (rule, _) in RULES {
            if let Some(line) = self.lines.get(*rule) {
                // Writing to a String does not fail.
                let _ = writeln!(content, "{rule} = {}  # {}", line.value, line.clause);
            }
        }
        content
    }
}

impl Policy {
    /// The policy named `default`.
    ///
    /// # Errors
    /// None; a test rules them out.
    pub fn defaults() -> Result<Self, Vec<Wrong>> {
        let text = Regulation::embedded(DEFAULT).unwrap_or_default();
        Ok(Regulation::read(DEFAULT, text, &BTreeMap::new())?.policy)
    }
}

fn known(rule: &str) -> bool {
    RULES.iter().any(|(known, _)| *known == rule)
}

fn typed<T: Rule>(
    rule: &str,
    lines: &BTreeMap<String, Line>,
    errors: &mut Vec<Wrong>,
) -> Option<T> {
    let text = lines.get(rule).map_or("", |line| line.value.as_str());
    let value = text.parse().ok();
    if value.is_none() {
        errors.push(Wrong {
            rule: rule.to_owned(),
            problem: format!("«{text}» is not understood: {}", T::HOW),
        });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str) -> Regulation {
        let text = Regulation::embedded(name).expect("a policy");
        Regulation::read(name, text, &BTreeMap::new()).expect("a good policy")
    }

    #[test]
    fn every_policy_is_read_and_each_line_has_its_clause() {
        for name in Regulation::names() {
            let regulation = read(name);
            assert_eq!(regulation.lines.len(), RULES.len(), "{name}");
            for (rule, line) in &regulation.lines {
                assert!(line.clause.len() > 10, "{name}: {rule}");
            }
        }
    }

    #[test]
    fn what_two_schools_do_otherwise_is_shown_with_both_clauses() {
        let (natashinskaya, tkk) = (read("natashinskaya"), read("tkk"));
        let diff = natashinskaya.diff(&tkk);
        let (_, left, right) = diff
            .iter()
            .find(|(rule, ..)| *rule == "corrections")
            .expect("they differ");
        assert_eq!(
            (left.value.as_str(), right.value.as_str()),
            ("14d", "register")
        );
        assert!(right.clause.contains("§2.3.3"), "{}", right.clause);
        assert!(diff.iter().all(|(rule, ..)| *rule != "settling"));
        assert_eq!(tkk.diff(&tkk), []);
    }

    #[test]
    fn a_wrong_rule_is_refused_with_the_nearest_and_a_wrong_value_with_the_way_to_write_it() {
        let text = "title = \"ours\"\nsettlng = { is = \"1h\", clause = \"order 7\" }\n\
                    breaker = { is = \"many\", clause = \"order 7\" }";
        let errors = Regulation::read("ours", text, &BTreeMap::new()).expect_err("wrong");
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            [
                "settlng: no such rule; did you mean settling?",
                "breaker: «many» is not understood: write a number from 1 on, or off"
            ]
        );
        let without = "title = \"ours\"\nbreaker = { is = \"9\" }";
        let errors = Regulation::read("ours", without, &BTreeMap::new()).expect_err("no clause");
        assert!(errors[0].problem.contains("clause"), "{}", errors[0]);
    }

    #[test]
    fn the_schools_own_word_comes_last() {
        let own = BTreeMap::from([("settling".to_owned(), "0s".to_owned())]);
        let text = Regulation::embedded("tkk").expect("a policy");
        let regulation = Regulation::read("tkk", text, &own).expect("a good policy");
        assert_eq!(regulation.policy.settling, Period(0));
        assert_eq!(regulation.policy.corrections, Corrections::Register);
    }
}
