//! DKIM (RFC 6376): that a mail is the school's own, and was not changed on its way.

use std::{fmt, sync::Arc};

use lettre::message::{
    Message as Mail,
    dkim::{
        DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm,
        DkimSigningKey,
    },
    header::HeaderName,
};
use rsa::{
    RsaPrivateKey,
    pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey, LineEnding},
    pkcs8::DecodePrivateKey,
    traits::PublicKeyParts,
};

use crate::account::AccountError;

/// Receivers take no shorter key (RFC 8301 §3.2).
const SHORTEST: usize = 128;

/// What is signed. Content-Type is not among them: lettre writes it with the body, where its signer
/// does not see it. The body itself is signed.
const SIGNED: [&str; 11] = [
    "From",
    "Subject",
    "To",
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
];

/// The signature of a domain.
#[derive(Clone)]
pub struct Signature(Arc<DkimConfig>);

impl Signature {
    /// Reads a private key of RSA as OpenSSL writes it, in PKCS#8 or PKCS#1.
    ///
    /// # Errors
    /// [`AccountError::Dkim`] with what is wrong with it.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Self, AccountError> {
        let key = RsaPrivateKey::from_pkcs8_pem(pem)
            .ok()
            .or_else(|| RsaPrivateKey::from_pkcs1_pem(pem).ok())
            .ok_or(AccountError::Dkim("it is no private key of RSA in PEM"))?;
        if key.size() < SHORTEST {
            return Err(AccountError::Dkim("it has fewer than 1024 bits"));
        }
        let pem = key
            .to_pkcs1_pem(LineEnding::LF)
            .map_err(|_| AccountError::Dkim("it cannot be used"))?;
        let key = DkimSigningKey::new(&pem, DkimSigningAlgorithm::Rsa)
            .map_err(|_| AccountError::Dkim("it cannot be used"))?;
        // Relaxed, because lettre folds the header of the signature anew after it has signed it.
        let relaxed = DkimCanonicalization {
            header: DkimCanonicalizationType::Relaxed,
            body: DkimCanonicalizationType::Relaxed,
        };
        let headers = SIGNED.map(HeaderName::new_from_ascii_str).to_vec();
        Ok(Self(Arc::new(DkimConfig::new(
            selector.to_owned(),
            domain.to_owned(),
            key,
            headers,
            relaxed,
        ))))
    }

    /// Signs a mail that is complete.
    pub(crate) fn sign(&self, mail: &mut Mail) {
        mail.sign(&self.0);
    }
}

/// Prints no key.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature")
    }
}

#[cfg(test)]
mod tests {
    use rsa::pkcs8::EncodePrivateKey;

    use super::*;

    #[test]
    fn both_forms_of_a_key_are_read_and_what_is_none_is_named() {
        let key = RsaPrivateKey::from_pkcs8_pem(include_str!("../tests/data/dkim.pem"));
        let key = key.expect("a key");
        let old = key.to_pkcs1_pem(LineEnding::LF).expect("PEM");
        let new = key.to_pkcs8_pem(LineEnding::LF).expect("PEM");
        assert!(Signature::new("example.org", "vestnik", &old).is_ok());
        assert!(Signature::new("example.org", "vestnik", &new).is_ok());
        for wrong in [
            "",
            "secret",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            let error = Signature::new("example.org", "vestnik", wrong).expect_err(wrong);
            assert!(
                error
                    .to_string()
                    .starts_with("channels.email.dkim_key_file: "),
                "{error}"
            );
            assert!(!error.to_string().contains("secret"));
        }
    }
}
