//! The sheet from which a school calls families when nothing electronic works: what to read out, and to whom
//! (regulation 000 §2.5.9).

use std::fmt;

use serde::Serialize;

use crate::{Paper, clean::clean};

/// The calls of a class.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// «Школа № 12»
    pub school: String,
    /// «5 «А»»
    pub class: String,
    /// «27 ноября 2026»
    pub day: String,
    /// What is to be read out: homework, tests and changes.
    pub words: Vec<String>,
    /// Whom to call, in the order of the register.
    pub calls: Vec<Call>,
}

/// One family.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Call {
    /// «Соколова Мария»
    pub student: String,
    /// «Соколова Ольга Викторовна»
    pub guardian: String,
    /// The number; nothing where the school has none.
    pub phone: Option<String>,
}

/// Prints the number of calls only.
impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calls({})", self.calls.len())
    }
}

/// Prints nothing of it.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Call")
    }
}

impl Paper for Calls {
    fn data(&self) -> serde_json::Result<serde_json::Value> {
        let call = |one: &Call| {
            serde_json::json!({
                "student": clean(&one.student),
                "guardian": clean(&one.guardian),
                "phone": one.phone.as_deref().map(clean),
            })
        };
        Ok(serde_json::json!({
            "school": clean(&self.school),
            "class": clean(&self.class),
            "day": clean(&self.day),
            "words": self.words.iter().map(|one| clean(one)).collect::<Vec<_>>(),
            "calls": self.calls.iter().map(call).collect::<Vec<_>>(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CALLS, render};

    #[test]
    fn a_class_fits_its_side_and_a_large_one_goes_on() {
        let call = |at: usize| Call {
            student: format!("Соколова Мария {at}"),
            guardian: "Соколова Ольга Викторовна".into(),
            phone: (at > 2).then(|| "+7 900 000-00-11".into()),
        };
        let calls = |count: usize| Calls {
            school: "Школа № 12".into(),
            class: "5 «А»".into(),
            day: "27 ноября 2026".into(),
            words: vec!["пн 30.11. Математика: № 214, 216".into(); 8],
            calls: (0..count).map(call).collect(),
        };
        assert_eq!(render(&calls(25), CALLS).expect("pages").pages, 1);
        assert_eq!(render(&calls(60), CALLS).expect("pages").pages, 2);
    }
}
