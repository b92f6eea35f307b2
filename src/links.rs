//! What strangers bring back: links and addresses that nobody can guess.
//!
//! Each holds a random name of 80 bits, under which the database knows the rest, and a seal of 80 bits
//! over it (HMAC-SHA-256, cut). What is not sealed by this school's key is turned away before the database
//! is asked. No link holds anything about a person.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;

use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::Sha256;
use vestnik_email::{Marker, Marks};

use crate::{
    bot::code::Code,
    config::Config,
    instant::{Millis, SECOND},
    secret::Secret,
};

/// The letters of names and seals: Crockford's, without those that are mistaken for digits.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many letters a name or a seal has: 80 bits.
const LETTERS: usize = 16;

/// How many digits a time has.
const TIME: usize = 8;

/// What a sealed name is for. A seal for one thing is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Returns,
    Leaving,
    Preferences,
    Invites,
    Pins,
    Hooks,
    Answers,
    Seconds,
}

impl Use {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Returns => b"vestnik returns 1:",
            Self::Leaving => b"vestnik leaving 1:",
            Self::Preferences => b"vestnik preferences 1:",
            Self::Invites => b"vestnik invites 1:",
            Self::Pins => b"vestnik pins 1:",
            Self::Hooks => b"vestnik hooks 1:",
            Self::Answers => b"vestnik answers 1:",
            Self::Seconds => b"vestnik seconds 1:",
        }
    }
}

/// What the address says to which a mail came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// The message with this reference came back, or something about it.
    Back(String),
    /// The reader of the message with this reference wants no more mails.
    ToLeave(String),
}

/// The links of one school.
#[derive(Debug, Clone)]
pub struct Links {
    key: Secret,
    /// Where pages are found from outside, without a slash at the end.
    page: Option<String>,
    /// The mailbox that bounces come to: what stands before and after the `@`.
    mailbox: Option<(String, String)>,
}

impl Links {
    /// Links under this key. `page` is where the daemon's pages are found from outside, `mailbox` the
    /// address that bounces come to.
    pub fn new(key: Secret, page: Option<&str>, mailbox: Option<&str>) -> Self {
        let halves = mailbox.and_then(|address| address.split_once('@'));
        Self {
            key,
            page: page.map(|page| page.trim_end_matches('/').to_owned()),
            mailbox: halves.map(|(local, domain)| (local.to_owned(), domain.to_owned())),
        }
    }

    /// The links of a configuration, with the key that it names or the one beside the database; none where
    /// there is no place for a key.
    ///
    /// # Errors
    /// The file that should hold the key, and what is wrong with it.
    pub fn open(
        config: &Config,
        database: Option<PathBuf>,
        random: &mut impl Rng,
    ) -> anyhow::Result<Option<Arc<Self>>> {
        let mailbox = config
            .email
            .as_ref()
            .and_then(|email| email.bounce_address.as_deref());
        let page = config.public_url.as_deref();
        let beside = |file: PathBuf| {
            let mut name = file.into_os_string();
            name.push(".links");
            PathBuf::from(name)
        };
        let folder = config
            .state
            .as_ref()
            .map(|folder| folder.join("vestnik.links"));
        let key = match (&config.link_key, folder.or_else(|| database.map(beside))) {
            (Some(key), _) => key.clone(),
            (None, Some(path)) => key(&path, random)
                .with_context(|| format!("the key of links: {}", path.display()))?,
            (None, None) => {
                tracing::warn!(
                    "no folder is known for the key of links, so that there are none: set \
                     web.link_key_file or database.state_dir"
                );
                return Ok(None);
            }
        };
        Ok(Some(Arc::new(Self::new(key, page, mailbox))))
    }

    /// What each mail carries.
    pub fn marker(self: Arc<Self>) -> Marker {
        Marker::new(move |reference| {
            let address = |of: Use| {
                let (local, domain) = self.mailbox.as_ref()?;
                Some(format!("{local}+{}@{domain}", self.sealed(of, reference)))
            };
            let page = self.page.as_ref();
            Marks {
                returns_to: address(Use::Returns),
                leave_by_mail: address(Use::Leaving),
                leave_by_page: page
                    .map(|page| format!("{page}/leave/{}", self.sealed(Use::Leaving, reference))),
            }
        })
    }

    /// What an address says that a mail came to; none where it is not one of ours. Mail servers may
    /// change the case of its letters.
    pub fn came(&self, address: &str) -> Option<Came> {
        let (local, domain) = self.mailbox.as_ref()?;
        let (own, rest) = address.trim().trim_matches(['<', '>']).split_once('+')?;
        let (sealed, at) = rest.split_once('@')?;
        if !own.eq_ignore_ascii_case(local) || !at.eq_ignore_ascii_case(domain) {
            return None;
        }
        let sealed = sealed.to_ascii_uppercase();
        let back = self.opened(Use::Returns, &sealed).map(Came::Back);
        back.or_else(|| self.opened(Use::Leaving, &sealed).map(Came::ToLeave))
    }

    /// The reference of the message whose reader follows the link with this end.
    pub fn leaving(&self, sealed: &str) -> Option<String> {
        self.opened(Use::Leaving, sealed)
    }

    /// The link by which the readers of the message with this reference answer what it asks; none where pages
    /// are not found from outside.
    pub fn answers(&self, reference: &str) -> Option<String> {
        let page = self.page.as_ref()?;
        Some(format!(
            "{page}/answer/{}",
            self.sealed(Use::Answers, reference)
        ))
    }

    /// The reference of the message whose readers follow the link with this end.
    pub fn answering(&self, sealed: &str) -> Option<String> {
        self.opened(Use::Answers, sealed)
    }

    /// The link to the page of preferences under this name, until then; none where pages are not found
    /// from outside.
    pub fn preferences(&self, name: &str, expires_at: Millis) -> Option<String> {
        let page = self.page.as_ref()?;
        let text = format!("{name}{:0TIME$X}", expires_at / SECOND);
        Some(format!(
            "{page}/preferences/{}",
            self.sealed(Use::Preferences, &text)
        ))
    }

    /// The name in the end of such a link, if its time is not over.
    pub fn preferring(&self, sealed: &str, now: Millis) -> Option<String> {
        let text = self.opened(Use::Preferences, sealed)?;
        let (name, time) = text.split_at_checked(LETTERS)?;
        let expires_at = i64::from_str_radix(time, 16).ok()?.checked_mul(SECOND)?;
        (now < expires_at).then(|| name.to_owned())
    }

    /// What is kept of an invitation's code: who reads the database cannot let anybody in.
    pub fn invite(&self, code: &Code) -> String {
        let tag = self
            .mac(Use::Invites, code.letters())
            .map(|mac| mac.finalize().into_bytes());
        letters(tag.as_deref().unwrap_or_default())
    }

    /// What is kept of the PIN of a member of staff: without the key all of them are alike.
    pub fn pin(&self, staff: i64, digits: &str) -> String {
        let text = format!("{staff}:{digits}");
        let tag = self
            .mac(Use::Pins, &text)
            .map(|mac| mac.finalize().into_bytes());
        letters(tag.as_deref().unwrap_or_default())
    }

    /// The secret of a second factor that is made from this: who reads the database alone cannot make codes.
    pub fn second(&self, user: i64, made_from: &str) -> [u8; 20] {
        let text = format!("{user}:{made_from}");
        let tag = self
            .mac(Use::Seconds, &text)
            .map(|mac| mac.finalize().into_bytes());
        let mut secret = [0; 20];
        for (to, from) in secret.iter_mut().zip(tag.as_deref().unwrap_or_default()) {
            *to = *from;
        }
        secret
    }

    /// What a messenger says to prove that it brings what people do.
    pub fn hook(&self, messenger: &str) -> String {
        let tag = self
            .mac(Use::Hooks, messenger)
            .map(|mac| mac.finalize().into_bytes());
        letters(tag.as_deref().unwrap_or_default())
    }

    /// Whether somebody said that. The comparison takes the same time for every wrong word.
    pub fn is_hook(&self, messenger: &str, said: &str) -> bool {
        let verified = || {
            let mac = self.mac(Use::Hooks, messenger)?;
            mac.verify_truncated_left(&bytes(said)?).ok()
        };
        said.len() == LETTERS && said.is_ascii() && verified().is_some()
    }

    fn mac(&self, of: Use, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.reveal().as_bytes()).ok()?;
        mac.update(of.label());
        mac.update(text.as_bytes());
        Some(mac)
    }

    fn sealed(&self, of: Use, text: &str) -> String {
        let tag = self.mac(of, text).map(|mac| mac.finalize().into_bytes());
        format!("{text}{}", letters(tag.as_deref().unwrap_or_default()))
    }

    /// The text before a seal that is right. The comparison takes the same time for every wrong one.
    fn opened(&self, of: Use, sealed: &str) -> Option<String> {
        if sealed.len() > 2 * LETTERS + TIME || !sealed.is_ascii() {
            return None;
        }
        let (text, seal) = sealed.split_at_checked(sealed.len().checked_sub(LETTERS)?)?;
        let wanted = if of == Use::Preferences {
            LETTERS + TIME
        } else {
            LETTERS
        };
        if text.len() != wanted {
            return None;
        }
        self.mac(of, text)?
            .verify_truncated_left(&bytes(seal)?)
            .ok()?;
        Some(text.to_owned())
    }
}

/// The first 80 bits in letters.
fn letters(tag: &[u8]) -> String {
    let bits = tag
        .iter()
        .take(10)
        .fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    (0..LETTERS)
        .rev()
        .map(|at| char::from(ALPHABET[usize::try_from(bits >> (5 * at) & 31).unwrap_or(0)]))
        .collect()
}

/// Bytes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn bytes(letters: &str) -> Option<[u8; 10]> {
    let mut bits = 0_u128;
    for letter in letters.bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u128::try_from(value).ok()?;
    }
    bits.to_be_bytes().last_chunk().copied()
}

/// The key in this file, made where there is none yet. Only its owner may read it.
///
/// # Errors
/// What the file system says.
pub fn key(path: &Path, random: &mut impl Rng) -> io::Result<Secret> {
    let new = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match new {
        Ok(mut file) => {
            let mut bytes = [0_u8; 32];
            random.fill_bytes(&mut bytes);
            let text = hex(&bytes);
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(Secret::new(text))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut text = String::new();
            File::open(path)?.read_to_string(&mut text)?;
            let text = text.trim();
            if text.len() < 32 {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "it holds no key of at least 32 characters; remove it, and a new one is made",
                ));
            }
            Ok(Secret::new(text))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const REF: &str = "7XK2M4QZ9R3TB6WA";

    fn links(key: &str) -> Links {
        Links::new(
            Secret::new(key),
            Some("https://school.example.org/"),
            Some("bounces@example.org"),
        )
    }

    #[test]
    fn a_mark_comes_back_in_whatever_case_and_says_what_it_is_for() {
        let marks = Arc::new(links("secret")).marker().marks(REF);
        let back = marks.returns_to.expect("an address");
        assert_eq!(back.len(), "bounces+@example.org".len() + 32);
        assert_eq!(links("secret").came(&back), Some(Came::Back(REF.into())));
        let lower = format!("<{}>", back.to_lowercase());
        assert_eq!(links("secret").came(&lower), Some(Came::Back(REF.into())));
        let leave = marks.leave_by_mail.expect("an address");
        assert_eq!(
            links("secret").came(&leave),
            Some(Came::ToLeave(REF.into()))
        );
        let page = marks.leave_by_page.expect("a page");
        let end = page
            .strip_prefix("https://school.example.org/leave/")
            .expect("a path");
        assert_eq!(links("secret").leaving(end).as_deref(), Some(REF));
        assert_eq!(
            links("secret").preferring(end, 0),
            None,
            "a seal is for one thing"
        );
        let answer = links("secret").answers(REF).expect("a page");
        let sealed = answer.rsplit('/').next().expect("a path");
        assert_eq!(links("secret").answering(sealed).as_deref(), Some(REF));
        assert_eq!(links("secret").answering(end), None);
    }

    #[test]
    fn what_is_forged_or_another_schools_says_nothing() {
        let marks = Arc::new(links("secret")).marker().marks(REF);
        let back = marks.returns_to.expect("an address");
        assert_eq!(links("other").came(&back), None);
        for forged in [
            back.replace("7XK2", "7XK3"),
            back.replace("bounces", "director"),
            back.replace("example.org", "example.com"),
            format!("bounces+{REF}@example.org"),
            "bounces@example.org".into(),
            "bounces+@example.org".into(),
            "bounces+ж@example.org".into(),
        ] {
            assert_eq!(links("secret").came(&forged), None, "{forged}");
        }
    }

    #[test]
    fn a_link_to_preferences_ends_with_its_time() {
        let url = links("secret").preferences(REF, 5_000_000).expect("a link");
        let end = url
            .strip_prefix("https://school.example.org/preferences/")
            .expect("a path");
        assert_eq!(
            links("secret").preferring(end, 4_999_999).as_deref(),
            Some(REF)
        );
        assert_eq!(links("secret").preferring(end, 5_000_000), None);
        let later = end.replacen("00001388", "7FFFFFFF", 1);
        assert_ne!(later, end);
        assert_eq!(links("secret").preferring(&later, 0), None);
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let made = key(&path, &mut StdRng::seed_from_u64(1)).expect("a key");
        assert_eq!(made.reveal().len(), 64);
        let mode = std::fs::metadata(&path)
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = key(&path, &mut StdRng::seed_from_u64(2)).expect("a key");
        assert_eq!(again, made);
        std::fs::write(&path, "short").expect("a file");
        assert!(key(&path, &mut StdRng::seed_from_u64(3)).is_err());
    }

    proptest! {
        #[test]
        fn no_text_opens_and_none_panics(text in "\\PC{0,60}") {
            prop_assert_eq!(links("secret").leaving(&text), None);
            prop_assert_eq!(links("secret").preferring(&text, 0), None);
            prop_assert_eq!(links("secret").came(&text), None);
        }
    }
}
