//! The tests that every channel has to pass, as data.
//!
//! A channel's own test starts a server that answers each of these, sends one message and compares
//! the [`Class`] of the outcome. That keeps «what does 502 mean» in one table for all channels.

use crate::{
    classify::{self, SmtpStage},
    outcome::Outcome,
};

/// An [`Outcome`] without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// [`Outcome::Accepted`]
    Accepted,
    /// [`Outcome::Deferred`]
    Deferred,
    /// [`Outcome::Rejected`]
    Rejected,
    /// [`Outcome::InDoubt`]
    InDoubt,
}

impl From<&Outcome> for Class {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Accepted { .. } => Self::Accepted,
            Outcome::Deferred { .. } => Self::Deferred,
            Outcome::Rejected { .. } => Self::Rejected,
            Outcome::InDoubt { .. } => Self::InDoubt,
        }
    }
}

/// Every final HTTP status with the class that an empty body with it has (1xx is never final).
pub fn http_cases() -> impl Iterator<Item = (u16, Class)> {
    (200..600).map(|status| (status, Class::from(&classify::http(status, None))))
}

/// Every negative SMTP reply code that RFC 5321 §4.2.3, RFC 4954 and RFC 1846 name, and two
/// that nobody names, with its class at each stage.
pub fn smtp_cases() -> impl Iterator<Item = (u16, SmtpStage, Class)> {
    const CODES: [u16; 25] = [
        421, 432, 450, 451, 452, 454, 455, 458, 500, 501, 502, 503, 504, 521, 530, 534, 535, 538,
        550, 551, 552, 553, 554, 459, 559,
    ];
    const STAGES: [SmtpStage; 3] = [SmtpStage::Session, SmtpStage::Recipient, SmtpStage::Data];
    CODES.into_iter().flat_map(|code| {
        STAGES.map(|stage| (code, stage, Class::from(&classify::smtp(code, None, stage))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_status_without_a_body_is_a_success() {
        assert!(http_cases().all(|(_, class)| class != Class::Accepted));
    }

    #[test]
    fn the_table_reads_as_the_documents_say() {
        let http = |status| Class::from(&classify::http(status, None));
        assert_eq!(http(400), Class::Rejected);
        assert_eq!(http(401), Class::Deferred);
        assert_eq!(http(429), Class::Deferred);
        assert_eq!(http(500), Class::InDoubt);
        assert_eq!(http(503), Class::Deferred);
        let smtp = |code, stage| Class::from(&classify::smtp(code, None, stage));
        assert_eq!(smtp(450, SmtpStage::Recipient), Class::Deferred);
        assert_eq!(smtp(550, SmtpStage::Recipient), Class::Rejected);
        assert_eq!(
            smtp(535, SmtpStage::Session),
            Class::Deferred,
            "a wrong password kills no address"
        );
        assert_eq!(smtp(554, SmtpStage::Data), Class::Rejected);
    }
}
