//! What comes back: delivery reports (RFC 3464), and what mail servers write that never heard of them.
//!
//! Whether it is about a mail of ours, and which, is said by the address that it came to and by nothing
//! else: everything inside may be forged.

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders};

/// What a mail that came back says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The address does not exist, or takes no mail any more.
    Dead,
    /// It was not delivered; another mail may be.
    Undelivered,
    /// The recipient's server wants no mail from this sender, or not this one.
    Refused,
    /// It was not delivered yet.
    Delayed,
    /// Nothing about a delivery: a holiday notice, a person's answer.
    Other,
}

/// A mail that came back.
#[derive(Clone, PartialEq, Eq)]
pub struct ReturnedMail {
    /// The addresses that it came to, the mail server's own word first.
    pub came_to: Vec<String>,
    /// What it says.
    pub verdict: Verdict,
    /// The status code (RFC 3463) that says so: `5.1.1`.
    pub status: Option<String>,
}

/// Prints no address.
impl std::fmt::Debug for ReturnedMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReturnedMail({:?}, {:?})", self.verdict, self.status)
    }
}

/// A status code.
type Status = (u8, u16, u16);

/// No more of a report's own words is looked at.
const WORDS: usize = 4_000;

/// Where reports begin to quote the mail that they are about.
const QUOTES: [&str; 8] = [
    "--- below this line",
    "this is a copy of",
    "original message headers",
    "исходные заголовки",
    "исходное сообщение",
    "----- original message",
    "return-path:",
    "message-id:",
];

/// How servers say that nobody lives there.
const NOBODY: [&str; 16] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no mailbox here",
    "mailbox not found",
    "mailbox unavailable",
    "does not exist",
    "doesn't exist",
    "invalid recipient",
    "recipient not found",
    "recipientnotfound",
    "recipient address rejected",
    "account is disabled",
    "address couldn't be found",
    "не существует",
    "пользователь не найден",
];

/// How they say that they do not want it.
const UNWANTED: [&str; 6] = [
    "spam",
    "blocked",
    "blacklist",
    "policy",
    "reputation",
    "спам",
];

/// How they say that there is no room.
const FULL: [&str; 5] = [
    "quota",
    "mailbox full",
    "mailbox is full",
    "over limit",
    "переполнен",
];

/// Subjects of reports.
const REPORTS: [&str; 10] = [
    "undeliver",
    "delivery status",
    "delivery failure",
    "delivery has failed",
    "delivery failed",
    "failure notice",
    "returned mail",
    "mail delivery",
    "не доставлено",
    "недоставлен",
];

/// Reads a mail that came to the address for bounces; none where it is no mail.
pub fn read(raw: &[u8]) -> Option<ReturnedMail> {
    let mail = MessageParser::default().parse(raw)?;
    let (verdict, status) = report(&mail).unwrap_or_else(|| guess(&mail));
    Some(ReturnedMail {
        came_to: came_to(&mail),
        verdict,
        status: status.map(|(class, subject, detail)| format!("{class}.{subject}.{detail}")),
    })
}

fn came_to(mail: &Message<'_>) -> Vec<String> {
    let mut addresses = Vec::new();
    for name in [
        "Delivered-To",
        "X-Original-To",
        "Envelope-To",
        "X-Envelope-To",
    ] {
        let raw = mail
            .headers_raw()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        addresses.extend(raw.map(|(_, value)| value.trim().to_owned()));
    }
    for header in [mail.to(), mail.cc()].into_iter().flatten() {
        let own = header.iter().filter_map(|one| one.address());
        addresses.extend(own.map(ToOwned::to_owned));
    }
    addresses
}

fn is(part: &MessagePart<'_>, kind: &str, subtype: &str) -> bool {
    part.content_type().is_some_and(|own| {
        own.ctype().eq_ignore_ascii_case(kind)
            && own
                .subtype()
                .is_some_and(|own| own.eq_ignore_ascii_case(subtype))
    })
}

/// What the machine-readable part says, where there is one.
fn report(mail: &Message<'_>) -> Option<(Verdict, Option<Status>)> {
    let part = mail.parts.iter().find(|part| {
        is(part, "message", "delivery-status") || is(part, "message", "global-delivery-status")
    })?;
    let text = String::from_utf8_lossy(part.contents()).replace("\r\n", "\n");
    // The first group is about the mail, each further one about a recipient.
    let mut found = None;
    for group in text.split("\n\n") {
        let fields = fields(group);
        let field = |name: &str| {
            let own = fields
                .iter()
                .find(|(own, _)| own.eq_ignore_ascii_case(name));
            own.map(|(_, value)| value.as_str())
        };
        let Some(action) = field("Action") else {
            continue;
        };
        let status = field("Status").and_then(status_in);
        let words = field("Diagnostic-Code").unwrap_or_default();
        // Whoever cannot name a status of its own may still quote the other server's.
        let status = match status {
            Some((class, 0, 0)) => status_in(words).filter(|own| own.0 == class).or(status),
            own => own,
        };
        let action = action.split_whitespace().next().unwrap_or_default();
        let verdict = match action.to_ascii_lowercase().as_str() {
            "failed" => judged(status, words),
            "delayed" => Verdict::Delayed,
            _ => Verdict::Other,
        };
        let failed = !matches!(verdict, Verdict::Delayed | Verdict::Other);
        if failed || found.is_none() {
            found = Some((verdict, status));
        }
        if failed {
            break;
        }
    }
    Some(found.unwrap_or((Verdict::Other, None)))
}

/// The fields of a group, unfolded.
fn fields(group: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in group.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':') {
            fields.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    fields
}

/// What a failure means for the address.
fn judged(status: Option<Status>, words: &str) -> Verdict {
    let words = words.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    match status {
        // Given up after days of «later» is no dead address (RFC 3463 §2: a 4 is about the moment).
        Some((5, 1, 7 | 8) | (5, 7, _)) => Verdict::Refused,
        Some((5, 1, _) | (5, 2, 1) | (5, 4, 4)) => Verdict::Dead,
        Some((4, ..) | (5, 2, _)) => Verdict::Undelivered,
        _ if says(&FULL) => Verdict::Undelivered,
        _ if says(&NOBODY) => Verdict::Dead,
        _ if says(&UNWANTED) => Verdict::Refused,
        _ => Verdict::Undelivered,
    }
}

/// A report for people, by its sender, subject and words.
fn guess(mail: &Message<'_>) -> (Verdict, Option<Status>) {
    let other = (Verdict::Other, None);
    if mail
        .parts
        .iter()
        .any(|part| is(part, "message", "disposition-notification"))
    {
        return other;
    }
    let subject = mail.subject().unwrap_or_default().to_lowercase();
    let sender = mail
        .from()
        .and_then(|from| from.first())
        .and_then(|one| one.address())
        .unwrap_or_default()
        .to_lowercase();
    let by_server = ["mailer-daemon@", "postmaster@", "microsoftexchange"]
        .iter()
        .any(|name| sender.starts_with(name));
    let reports = REPORTS.iter().any(|words| subject.contains(words));
    let answered = mail
        .header_raw("Auto-Submitted")
        .is_some_and(|value| value.trim().to_lowercase().starts_with("auto-replied"));
    // A holiday notice may come from nobody, as a report does; it has another subject.
    if !by_server && (answered || !reports) {
        return other;
    }
    let text = mail.body_text(0).unwrap_or_default().to_lowercase();
    let end = QUOTES.iter().filter_map(|quote| text.find(quote)).min();
    let own: String = text[..end.unwrap_or(text.len())]
        .chars()
        .take(WORDS)
        .collect();
    if [
        "delayed",
        "will be retried",
        "not yet been delivered",
        "still being retried",
        "задерж",
    ]
    .iter()
    .any(|words| subject.contains(words) || own.contains(words))
    {
        return (Verdict::Delayed, None);
    }
    let status = status_in(&own);
    let known = |phrases: &[&str]| phrases.iter().any(|phrase| own.contains(phrase));
    if status.is_none() && !known(&NOBODY) && !known(&FULL) && !known(&UNWANTED) && !reports {
        return other;
    }
    (judged(status, &own), status)
}

/// The first status code of a failure in a text.
fn status_in(text: &str) -> Option<Status> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .find_map(|word| {
            let mut numbers = word.trim_matches('.').split('.').map(str::parse::<u16>);
            let status = (
                numbers.next()?.ok()?,
                numbers.next()?.ok()?,
                numbers.next()?.ok()?,
            );
            let class = u8::try_from(status.0)
                .ok()
                .filter(|class| matches!(class, 2 | 4 | 5))?;
            // Four numbers are an address in a network.
            (numbers.next().is_none() && status.1 < 10).then_some((class, status.1, status.2))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str) -> ReturnedMail {
        let path = format!(
            "{}/tests/data/returned/{name}.eml",
            env!("CARGO_MANIFEST_DIR")
        );
        let mail = std::fs::read_to_string(&path)
            .expect("a sample")
            .replace('\n', "\r\n");
        read(mail.as_bytes()).expect("a mail")
    }

    #[test]
    fn each_server_is_understood_in_its_own_way() {
        use Verdict as V;
        for (name, verdict, status) in [
            ("postfix_unknown", V::Dead, Some("5.1.1")),
            ("postfix_full", V::Undelivered, Some("5.2.2")),
            ("postfix_delayed", V::Delayed, Some("4.2.1")),
            ("postfix_given_up", V::Undelivered, Some("4.2.1")),
            ("postfix_refused", V::Refused, Some("5.7.1")),
            ("exchange", V::Dead, Some("5.1.10")),
            ("exchange_old", V::Dead, Some("5.1.1")),
            ("exim", V::Dead, None),
            ("exim_warning", V::Delayed, None),
            ("qmail", V::Dead, Some("5.1.1")),
            ("mailru", V::Dead, Some("5.0.0")),
            ("delivered", V::Other, Some("2.1.5")),
            ("out_of_office", V::Other, None),
            ("vacation_by_nobody", V::Other, None),
            ("read_receipt", V::Other, None),
            ("answer", V::Other, None),
        ] {
            let returned = sample(name);
            assert_eq!(returned.verdict, verdict, "{name}");
            assert_eq!(returned.status.as_deref(), status, "{name}");
            let ours = |address: &String| address.contains("bounces+");
            assert!(returned.came_to.iter().any(ours), "{name}");
        }
    }

    #[test]
    fn a_number_that_is_no_status_is_none() {
        assert_eq!(status_in("#550 5.1.1 RESOLVER"), Some((5, 1, 1)));
        assert_eq!(status_in("(#5.1.1)"), Some((5, 1, 1)));
        for text in ["from 5.1.1.9", "on 14.10.2026", "5.1", "25.5.1", ""] {
            assert_eq!(status_in(text), None, "{text}");
        }
    }
}
