//! A message as a mail.

use std::time::{Duration, SystemTime};

use lettre::{
    Address,
    message::{Mailbox, Message as Mail, MultiPart, SinglePart, header},
};
use vestnik_contract::{Fault, Message, Reason};

/// Builds the mail of a message. It is the same, byte by byte but for the boundaries, in every
/// attempt: its Message-ID is the message's reference, its date is when the text was composed.
///
/// # Errors
/// The reason why it can be sent to nobody, above all an address that is none.
pub fn mime(message: &Message, from: &Mailbox) -> Result<Mail, Reason> {
    let to: Address = message.address.parse().map_err(|_| {
        Reason::new(
            "bad_address",
            "This is no e-mail address: ask the family for the right one.",
            Fault::Address,
        )
    })?;
    let domain = from.email.domain();
    let id = |reference: &str| format!("<{reference}@{domain}>");
    let composed_at = u64::try_from(message.composed_at).unwrap_or_default();
    let mut mail = Mail::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(message.subject.clone().unwrap_or_default())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(composed_at))
        .message_id(Some(id(&message.reference)))
        // RFC 3834: no holiday notice comes back to this.
        .raw_header(header::HeaderValue::new(
            header::HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    if let Some(earlier) = &message.follows {
        mail = mail.in_reply_to(id(earlier)).references(id(earlier));
    }
    let text = message.text.clone();
    match &message.html {
        Some(html) => mail.multipart(MultiPart::alternative_plain_html(text, html.clone())),
        None => mail.singlepart(SinglePart::plain(text)),
    }
    .map_err(|_| Reason::new("bad_mail", "The mail could not be built.", Fault::Message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            reference: "0123456789ABCDEF".into(),
            client_ref: 1,
            address: "parent@example.org".into(),
            subject: Some("Школа № 12: Маша, новое в дневнике за 14 октября".into()),
            text: "Математика: 5\n.\nтекст".into(),
            html: Some("<p>Математика: 5</p>".into()),
            follows: Some("FEDCBA9876543210".into()),
            replaces: Vec::new(),
            composed_at: 1_791_990_600_000,
        }
    }

    fn written(message: &Message) -> String {
        let from = "Школа № 12 <school@example.org>".parse().expect("a sender");
        let mail = mime(message, &from).expect("a mail").formatted();
        String::from_utf8(mail).expect("ASCII")
    }

    #[test]
    fn every_attempt_carries_the_same_name_and_date() {
        let first = written(&message());
        let second = written(&Message {
            client_ref: 2,
            ..message()
        });
        for line in [
            "Message-ID: <0123456789ABCDEF@example.org>",
            "In-Reply-To: <FEDCBA9876543210@example.org>",
            "Auto-Submitted: auto-generated",
            "Date: Wed, 14 Oct 2026 15:10:00 +0000",
        ] {
            assert!(
                first.contains(line) && second.contains(line),
                "{line}\n{first}"
            );
        }
        assert!(first.is_ascii(), "everything else is encoded");
    }

    #[test]
    fn what_is_no_address_is_the_addresss_fault() {
        let from = "school@example.org".parse().expect("a sender");
        for address in [
            "",
            "parent",
            "a b@example.org",
            "parent@",
            "родитель@пример.рф\r\nBcc: x@example.org",
        ] {
            let bad = Message {
                address: address.into(),
                ..message()
            };
            assert_eq!(mime(&bad, &from).expect_err(address).fault, Fault::Address);
        }
    }

    #[test]
    fn a_subject_cannot_smuggle_a_header() {
        let sly = Message {
            subject: Some("x\r\nBcc: all@example.org".into()),
            ..message()
        };
        assert!(!written(&sly).contains("\r\nBcc:"), "{}", written(&sly));
    }
}
