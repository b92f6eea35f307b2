//! A message as a mail.

use std::time::{Duration, SystemTime};

use lettre::{
    Address,
    address::Envelope,
    message::{
        Attachment, Mailbox, Message as Mail, MessageBuilder, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use vestnik_contract::{Button, Fault, Message, Reason};

use crate::{account::Account, marks::Marks};

/// What mails of one kind are kept together by.
const LIST: &str = "vestnik";

/// Builds the mail of a message. It is the same in every attempt, but for the boundaries and the time of
/// the signature: its Message-ID is the message's reference, its date is when the text was composed.
///
/// # Errors
/// The reason why it can be sent to nobody, above all an address that is none.
pub fn mime(message: &Message, account: &Account) -> Result<Mail, Reason> {
    let bad_mail = || Reason::new("bad_mail", "The mail could not be built.", Fault::Message);
    let to: Address = message.address.parse().map_err(|_| {
        Reason::new(
            "bad_address",
            "This is no e-mail address: ask the family for the right one.",
            Fault::Address,
        )
    })?;
    let domain = account.from.email.domain();
    let id = |reference: &str| format!("<{reference}@{domain}>");
    let composed_at = u64::try_from(message.composed_at).unwrap_or_default();
    let mut mail = Mail::builder()
        .from(account.from.clone())
        .to(Mailbox::new(None, to))
        .subject(message.subject.clone().unwrap_or_default())
        .date(SystemTime::UNIX_EPOCH + Duration::from_millis(composed_at))
        .message_id(Some(id(&message.reference)))
        // RFC 3834: no holiday notice comes back to this. Exchange asks for its own word.
        .raw_header(raw("Auto-Submitted", "auto-generated".to_owned()))
        .raw_header(raw("X-Auto-Response-Suppress", "All".to_owned()))
        .raw_header(raw("List-Id", format!("<{LIST}.{domain}>")));
    if let Some(earlier) = &message.follows {
        mail = mail.in_reply_to(id(earlier)).references(id(earlier));
    }
    let marks = account.marker.marks(&message.reference);
    if message.to_family {
        mail = leaving(mail, &marks, message, account);
    }
    if let Some(returns_to) = &marks.returns_to {
        let back = returns_to.parse().map_err(|_| bad_mail())?;
        let to = message.address.parse().map_err(|_| bad_mail())?;
        let envelope = Envelope::new(Some(back), vec![to]).map_err(|_| bad_mail())?;
        mail = mail.envelope(envelope);
    }
    let mut mail = body(mail, message).map_err(|_| bad_mail())?;
    if let Some(signature) = &account.signature {
        signature.sign(&mut mail);
    }
    Ok(mail)
}

/// How a family takes no more mails: by a POST to a page, and by a mail.
fn leaving(
    mail: MessageBuilder,
    marks: &Marks,
    message: &Message,
    account: &Account,
) -> MessageBuilder {
    let by_mail = marks.leave_by_mail.clone().unwrap_or_else(|| {
        let reference = &message.reference;
        format!("{}?subject=unsubscribe%20{reference}", account.from.email)
    });
    let Some(page) = &marks.leave_by_page else {
        return mail.raw_header(raw("List-Unsubscribe", format!("<mailto:{by_mail}>")));
    };
    mail.raw_header(raw(
        "List-Unsubscribe",
        format!("<{page}>, <mailto:{by_mail}>"),
    ))
    .raw_header(raw(
        "List-Unsubscribe-Post",
        "List-Unsubscribe=One-Click".to_owned(),
    ))
}

/// The text in both forms, with what can be followed below it, and beside it the dates that it speaks of
/// and the files that come with it.
fn body(mail: MessageBuilder, message: &Message) -> Result<Mail, lettre::error::Error> {
    let text = linked(&message.text, &message.buttons);
    let both = |html: &String| {
        MultiPart::alternative_plain_html(text.clone(), linked_html(html, &message.buttons))
    };
    if message.calendar.is_none() && message.files.is_empty() {
        return match &message.html {
            Some(html) => mail.multipart(both(html)),
            None => mail.singlepart(SinglePart::plain(text)),
        };
    }
    let parts = match &message.html {
        Some(html) => MultiPart::mixed().multipart(both(html)),
        None => MultiPart::mixed().singlepart(SinglePart::plain(text.clone())),
    };
    let kind =
        |name: &str| ContentType::parse(name).map_err(|_| lettre::error::Error::NonAsciiChars);
    let mut parts = parts;
    if let Some(calendar) = &message.calendar {
        let dates = Attachment::new("dates.ics".to_owned());
        let dates = dates.body(calendar.clone(), kind("text/calendar; charset=utf-8")?);
        parts = parts.singlepart(dates);
    }
    for file in &message.files {
        let attached = Attachment::new(file.name.clone());
        parts = parts.singlepart(attached.body(file.content.to_vec(), kind(&file.mime)?));
    }
    mail.multipart(parts)
}

/// A text with what can be followed below it.
fn linked(text: &str, buttons: &[Vec<Button>]) -> String {
    buttons.iter().flatten().fold(text.to_owned(), |text, one| {
        format!("{}\n\n{}: {}\n", text.trim_end(), one.label, one.data)
    })
}

/// The same in HTML.
fn linked_html(html: &str, buttons: &[Vec<Button>]) -> String {
    let links = buttons.iter().flatten().fold(String::new(), |links, one| {
        let (to, label) = (escaped(&one.data), escaped(&one.label));
        format!("{links}<p><a href=\"{to}\">{label}</a></p>")
    });
    match html.rfind("</body>") {
        Some(end) => format!("{}{links}{}", &html[..end], &html[end..]),
        None => format!("{html}{links}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

#[cfg(test)]
mod tests {
    use mail_parser::MimeHeaders;
    use vestnik_contract::File;

    use super::*;
    use crate::marks::Marker;

    fn message() -> Message {
        Message {
            reference: "0123456789ABCDEF".into(),
            client_ref: 1,
            address: "parent@example.org".into(),
            subject: Some("Школа № 12: Маша, новое в дневнике за 14 октября".into()),
            text: "Математика: 5\n.\nтекст".into(),
            html: Some("<p>Математика: 5</p>".into()),
            calendar: None,
            follows: Some("FEDCBA9876543210".into()),
            replaces: Vec::new(),
            composed_at: 1_791_990_600_000,
            buttons: Vec::new(),
            files: Vec::new(),
            to_family: true,
        }
    }

    fn account() -> Account {
        let from = "Школа № 12 <school@example.org>";
        Account::new("smtp://localhost", None, from, Duration::ZERO).expect("an account")
    }

    fn written(message: &Message) -> String {
        written_by(message, &account())
    }

    fn written_by(message: &Message, account: &Account) -> String {
        let mail = mime(message, account).expect("a mail").formatted();
        String::from_utf8(mail)
            .expect("ASCII")
            .replace("\r\n ", " ")
    }

    #[test]
    fn who_wants_no_more_mails_says_so_by_mail_and_where_there_is_a_page_by_one_post() {
        let plain = written(&message());
        let by_mail = "List-Unsubscribe: <mailto:school@example.org?subject=unsubscribe%200123456789ABCDEF>\r\n";
        assert!(plain.contains(by_mail), "{plain}");
        assert!(!plain.contains("List-Unsubscribe-Post"), "{plain}");
        assert!(plain.contains("List-Id: <vestnik.example.org>"), "{plain}");
        let mut account = account();
        account.marker = Marker::new(|reference| Marks {
            returns_to: Some(format!("bounces+{reference}@example.org")),
            leave_by_page: Some(format!("https://school.example.org/leave/{reference}")),
            leave_by_mail: Some(format!("bounces+X{reference}@example.org")),
        });
        let marked = written_by(&message(), &account);
        for line in [
            "List-Unsubscribe: <https://school.example.org/leave/0123456789ABCDEF>, <mailto:bounces+X0123456789ABCDEF@example.org>\r\n",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            "From: ",
        ] {
            assert!(marked.contains(line), "{line}\n{marked}");
        }
        let mail = mime(&message(), &account).expect("a mail");
        let back = mail.envelope().from().map(ToString::to_string);
        assert_eq!(
            back.as_deref(),
            Some("bounces+0123456789ABCDEF@example.org")
        );
        assert!(!marked.contains("Sender:"), "{marked}");
        let to_staff = Message {
            to_family: false,
            ..message()
        };
        let to_staff = written_by(&to_staff, &account);
        assert!(!to_staff.contains("List-Unsubscribe"), "{to_staff}");
    }

    #[test]
    fn dates_are_attached_beside_both_forms_of_the_text() {
        let dated = Message {
            calendar: Some("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".into()),
            ..message()
        };
        let mail = written(&dated);
        for part in [
            "multipart/mixed",
            "multipart/alternative",
            "text/calendar; charset=utf-8",
            "filename=\"dates.ics\"",
        ] {
            assert!(mail.contains(part), "{part}\n{mail}");
        }
    }

    #[test]
    fn files_are_attached_and_links_stand_below_both_forms() {
        let asks = Message {
            html: Some("<html><body><p>Едем?</p></body></html>".into()),
            buttons: vec![vec![Button {
                label: "Ответить <сразу>".into(),
                data: "https://school.example.org/answer/X?a=1&b=2".into(),
            }]],
            files: vec![File {
                name: "афиша.jpg".into(),
                mime: "image/jpeg".into(),
                content: b"\xff\xd8 picture".as_slice().into(),
            }],
            ..message()
        };
        let mail = mime(&asks, &account()).expect("a mail").formatted();
        let mail = mail_parser::MessageParser::new()
            .parse(&mail)
            .expect("a mail");
        let text = mail.body_text(0).expect("a text");
        assert!(
            text.ends_with("Ответить <сразу>: https://school.example.org/answer/X?a=1&b=2\r\n"),
            "{text}"
        );
        let html = mail.body_html(0).expect("a page");
        assert!(
            html.contains("<a href=\"https://school.example.org/answer/X?a=1&amp;b=2\">Ответить &lt;сразу&gt;</a></p></body>"),
            "{html}"
        );
        let file = mail.attachment(0).expect("a file");
        assert_eq!(file.attachment_name(), Some("афиша.jpg"));
        assert_eq!(file.contents(), b"\xff\xd8 picture");
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
            assert_eq!(
                mime(&bad, &account()).expect_err(address).fault,
                Fault::Address
            );
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
