//! Words for a class teacher: whose family cannot be reached, and what to do. They hold no mark.

use super::{ContentLevel, School, Text, view};
use crate::family::contact::{Channel, Health};

/// An address of a family that fails.
#[derive(Clone, PartialEq, Eq)]
pub struct Failing {
    /// «Маша С., 5А»
    pub student: String,
    /// The channel of the address.
    pub channel: Channel,
    /// What experience says of it.
    pub health: Health,
    /// Whether its owner answered with «СТОП», which is no fault of the address.
    pub stopped: bool,
}

/// Prints no name.
impl std::fmt::Debug for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Failing({:?}, {:?})", self.channel, self.health)
    }
}

/// What happened to the address, in a teacher's words.
fn words(failing: &Failing) -> &'static str {
    if failing.stopped {
        return "родители ответили «СТОП», SMS им больше не идут";
    }
    match (failing.health, failing.channel) {
        (Health::Blocked, _) => "родители остановили бота",
        (Health::Complained, _) => "на письма школы пожаловались",
        (Health::Silent | Health::Ok | Health::Soft | Health::Tried, _) => {
            "телефон больше недели не отвечает"
        }
        (Health::Hard, Channel::Sms) => "такого номера телефона нет",
        (Health::Hard, Channel::Email) => "такого адреса почты нет",
        (Health::Hard, Channel::Telegram | Channel::Paper) => "чат с ботом закрыт",
    }
}

/// One message for one teacher.
pub fn to_teacher(
    channel: Channel,
    level: ContentLevel,
    school: &School,
    failing: &[Failing],
) -> Text {
    let plain = |text: String| Text {
        subject: None,
        text,
        html: None,
    };
    let named: Vec<String> = failing
        .iter()
        .map(|one| format!("{}: {}", view::one_line(&one.student), words(one)))
        .collect();
    match channel {
        Channel::Telegram if level != ContentLevel::Full => plain(format!(
            "{}. До некоторых семей вашего класса не доходят сообщения: {}. Список у секретаря, сверьте адреса.",
            view::one_line(&school.name),
            failing.len()
        )),
        Channel::Sms => plain(format!(
            "{}: не доходят сообщения. {}. Сверьте адреса",
            view::one_line(&school.short_name),
            named.join("; ")
        )),
        Channel::Email | Channel::Telegram | Channel::Paper => Text {
            subject: (channel == Channel::Email).then(|| {
                format!(
                    "{}: до семей вашего класса не доходят сообщения",
                    view::one_line(&school.name)
                )
            }),
            text: format!(
                "{}. До этих семей вашего класса не доходят сообщения школы:\n\n– {}\n\n\
                 Пожалуйста, сверьте адрес с семьёй и передайте секретарю. До тех пор новости идут по другому \
                 адресу семьи или на листке недели.",
                view::one_line(&school.name),
                named.join("\n– ")
            ),
            html: None,
        },
    }
}
