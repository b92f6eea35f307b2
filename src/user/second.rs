//! The second factor: codes that change every thirty seconds (TOTP, RFC 6238), as the apps of phones make them.

use totp_rs::{Builder, Totp};

/// The codes under a secret of 20 bytes, for an app that shows the school and the login. None for a name that no link
/// can hold.
pub fn codes(secret: &[u8; 20], school: &str, login: &str) -> Option<Totp> {
    // A colon parts the two in the link.
    let plain = |text: &str| text.replace(':', " ");
    Builder::new()
        .with_secret(secret.to_vec())
        .with_account_name(plain(login))
        .with_issuer(Some(plain(school)))
        .build()
        .ok()
}

/// The step of a code that is right now, or was or will be within thirty seconds; none for another, and for one of
/// the step `used` or before: a code lets in once (RFC 6238 §5.2).
pub fn step(codes: &Totp, typed: &str, used: i64, seconds: u64) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    let right = codes.check(&digits, seconds)?;
    let step = i64::try_from(right).ok()?;
    (step > used).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_lets_in_once_and_a_wrong_one_never() {
        let codes =
            codes(b"12345678901234567890", "Школа № 12: главная", "ivanova").expect("codes");
        let at = 1_111_111_109;
        let code = codes.generate(at).to_string();
        // RFC 6238, appendix B: 07081804, of which apps show the last six.
        assert_eq!(code, "081804");
        let step_now = step(&codes, "081 804", 0, at).expect("it is right");
        assert!(step(&codes, &code, step_now, at).is_none(), "not twice");
        assert!(step(&codes, &code, 0, at + 25).is_some(), "clocks differ");
        assert!(step(&codes, &code, 0, at + 120).is_none(), "it is old");
        assert!(step(&codes, "081805", 0, at).is_none());
        assert!(step(&codes, "", 0, at).is_none());
    }
}
