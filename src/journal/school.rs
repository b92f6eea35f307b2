//! The school itself, as its row begins.

use chrono_tz::Tz;

/// What a new school's row is made of. Later the row counts, not this.
#[derive(Debug, Clone)]
pub struct School {
    /// «Школа № 12»
    pub name: String,
    /// «Школа 12»
    pub short_name: Option<String>,
    /// Where families may ask.
    pub phone: Option<String>,
    /// The school's zone.
    pub timezone: Tz,
    /// The language of texts.
    pub language: String,
    /// The policy's name.
    pub policy: String,
}
