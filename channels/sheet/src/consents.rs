//! The forms on which families say yes or no to each purpose by itself, each on a side of its own: a consent is a
//! document apart from all others (152-ФЗ art. 9, as of 1 September 2025).

use std::fmt;

use serde::Serialize;

use crate::{Paper, clean::clean};

/// The forms of a class.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Consents {
    /// «Школа № 12»
    pub school: String,
    /// Where families may ask.
    pub phone: Option<String>,
    /// «5 «А»»
    pub class: String,
    /// One for each guardian, student and purpose.
    pub forms: Vec<Form>,
}

/// One form.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Form {
    /// `data`, `sms`, `email` or `messenger`
    pub purpose: String,
    /// «Соколова Ольга Викторовна»
    pub guardian: String,
    /// «Соколова Мария»
    pub student: String,
    /// The number or address that the school knows; where it knows none there is room for one.
    pub address: Option<String>,
}

/// Prints the number of forms only.
impl fmt::Debug for Consents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Consents({})", self.forms.len())
    }
}

/// Prints the purpose only.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Form({})", self.purpose)
    }
}

impl Paper for Consents {
    fn data(&self) -> serde_json::Result<serde_json::Value> {
        let form = |one: &Form| {
            serde_json::json!({
                "purpose": one.purpose,
                "guardian": clean(&one.guardian),
                "student": clean(&one.student),
                "address": one.address.as_deref().map(clean),
            })
        };
        Ok(serde_json::json!({
            "school": clean(&self.school),
            "phone": self.phone.as_deref().map(clean),
            "class": clean(&self.class),
            "forms": self.forms.iter().map(form).collect::<Vec<_>>(),
        }))
    }
}
