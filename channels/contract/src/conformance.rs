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

/// Every status that SMPP 3.4 §5.1.3 names for an answer to `submit_sm`, and two of operators, with its
/// class.
pub fn smpp_cases() -> impl Iterator<Item = (u32, Class)> {
    let named = [
        0x01..=0x08,
        0x0A..=0x0B,
        0x0D..=0x0F,
        0x11..=0x11,
        0x13..=0x15,
        0x33..=0x34,
        0x40..=0x40,
        0x42..=0x45,
        0x48..=0x51,
        0x53..=0x55,
        0x58..=0x58,
        0x61..=0x67,
        0xC0..=0xC4,
        0xFE..=0xFF,
        0x400..=0x400,
        0x4FF..=0x4FF,
    ];
    named
        .into_iter()
        .flatten()
        .map(|status| (status, Class::from(&classify::smpp(status))))
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
    #[test]
    fn a_status_of_smpp_is_never_a_success_and_a_password_kills_no_number() {
        assert!(smpp_cases().all(|(_, class)| !matches!(class, Class::Accepted | Class::InDoubt)));
        let smpp = |status| Class::from(&classify::smpp(status));
        assert_eq!(smpp(0x0B), Class::Rejected, "no such number");
        assert_eq!(smpp(0x0E), Class::Deferred, "a wrong password");
        assert_eq!(smpp(0x14), Class::Deferred, "a full queue");
        assert_eq!(smpp(0x45), Class::Rejected, "submit_sm failed");
        assert_eq!(smpp(0x58), Class::Deferred, "too fast");
        assert_eq!(smpp(0x0), Class::InDoubt, "an answer that is none");
    }
}
