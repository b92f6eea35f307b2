//! Passwords: argon2id, at least twelve characters (RFC 9106; NIST SP 800-63B §3.1.1).

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::{PasswordHash, SaltString},
};
use rand::Rng;

use crate::secret::Secret;

/// How many characters a password has at least.
pub const SHORTEST: usize = 12;

/// How many at most: nobody types more, and hashing it would cost the time of the processor.
pub const LONGEST: usize = 128;

/// What is wrong with a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("a password has at least {SHORTEST} characters")]
    Short,
    /// It is too long.
    #[error("a password has at most {LONGEST} characters")]
    Long,
    /// It says who its owner is, or one character many times.
    #[error("this password is guessed at once: it holds the login, or is one character many times")]
    Plain,
}

/// Whether a password can be taken for this login.
///
/// # Errors
/// [`PasswordError`]
pub fn check(password: &Secret, login: &str) -> Result<(), PasswordError> {
    let text = password.reveal();
    let count = text.chars().count();
    if count < SHORTEST {
        return Err(PasswordError::Short);
    }
    if count > LONGEST {
        return Err(PasswordError::Long);
    }
    let mut letters: Vec<char> = text.to_lowercase().chars().collect();
    letters.sort_unstable();
    letters.dedup();
    if text.to_lowercase().contains(&login.to_lowercase()) || letters.len() < 4 {
        return Err(PasswordError::Plain);
    }
    Ok(())
}

/// What is kept of a password: argon2id with the parameters that RFC 9106 §4 names second, in the PHC format. It takes
/// some tens of milliseconds and 19 MiB.
///
/// # Errors
/// What the library says, which no password of the lengths above makes it say.
pub fn hash(password: &Secret, random: &mut impl Rng) -> anyhow::Result<String> {
    let mut bytes = [0_u8; 16];
    random.fill_bytes(&mut bytes);
    let failed = |error| anyhow::anyhow!("argon2: {error}");
    let salt = SaltString::encode_b64(&bytes).map_err(failed)?;
    let hash = Argon2::default().hash_password(password.reveal().as_bytes(), &salt);
    Ok(hash.map_err(failed)?.to_string())
}

/// Whether it is the password that this was kept of. It takes as long for a wrong one.
pub fn is_right(kept: &str, password: &Secret) -> bool {
    if password.reveal().chars().count() > LONGEST {
        return false;
    }
    let Ok(kept) = PasswordHash::new(kept) else {
        return false;
    };
    let verified = Argon2::default().verify_password(password.reveal().as_bytes(), &kept);
    verified.is_ok()
}

/// The letters of passwords that the program draws: none is mistaken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";

/// A password that is drawn: 80 bits.
pub fn draw(random: &mut impl Rng) -> Secret {
    let mut bytes = [0_u8; 16];
    random.fill_bytes(&mut bytes);
    let letters = bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(byte & 31)]));
    Secret::new(letters.collect::<String>())
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn a_password_is_kept_as_a_hash_that_knows_it_again() {
        let mut random = StdRng::seed_from_u64(7);
        let password = Secret::new("липа-у-школы-12");
        let kept = hash(&password, &mut random).expect("a hash");
        assert!(
            kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{kept}"
        );
        assert!(is_right(&kept, &password));
        assert!(!is_right(&kept, &Secret::new("липа-у-школы-13")));
        assert!(!is_right("no hash", &password));
        assert_ne!(
            kept,
            hash(&password, &mut random).expect("a hash"),
            "the salt differs"
        );
    }

    #[test]
    fn what_is_guessed_at_once_is_not_taken() {
        let judge = |text: &str| check(&Secret::new(text), "ivanova");
        assert_eq!(judge("коротко"), Err(PasswordError::Short));
        assert_eq!(judge(&"длинно".repeat(30)), Err(PasswordError::Long));
        assert_eq!(judge("Ivanova-2026-a"), Err(PasswordError::Plain));
        assert_eq!(judge("aaaaaaaaaaaaaa"), Err(PasswordError::Plain));
        assert_eq!(judge("липа у школы"), Ok(()));
        let drawn = draw(&mut StdRng::seed_from_u64(7));
        assert_eq!(check(&drawn, "ivanova"), Ok(()));
    }
}
