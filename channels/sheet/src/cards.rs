//! Cards by which families connect to the bot, to be cut apart: a code that can be typed, and the same as a
//! link in a picture that a phone reads.

use std::fmt;

use serde::Serialize;

use crate::{Paper, clean::clean, picture::picture};

/// The cards of a class.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cards {
    /// «Школа № 12»
    pub school: String,
    /// `@school12_bot`, where it is known.
    pub bot: Option<String>,
    /// The last day on which they let somebody in: «11 декабря 2026».
    pub until: String,
    /// One for each guardian and student.
    pub cards: Vec<Card>,
}

/// One card.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
pub struct Card {
    /// Whom it is for: «Соколова Ольга».
    pub whom: String,
    /// Of whom they will hear: «Соколова Мария, 5 «А»»; none for staff.
    pub of: Option<String>,
    /// The code as it is typed: `KM7E-XA2T`.
    pub code: String,
    /// The link that the picture holds; none where the bot's name is not known.
    pub link: Option<String>,
}

/// Prints the number of cards only: the codes are secrets.
impl fmt::Debug for Cards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cards({})", self.cards.len())
    }
}

/// Prints nothing of it.
impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Card")
    }
}

impl Paper for Cards {
    fn data(&self) -> serde_json::Result<serde_json::Value> {
        let card = |card: &Card| {
            serde_json::json!({
                "whom": clean(&card.whom),
                "of": card.of.as_deref().map(clean),
                "code": clean(&card.code),
                "picture": card.link.as_deref().and_then(picture),
            })
        };
        Ok(serde_json::json!({
            "school": clean(&self.school),
            "bot": self.bot.as_deref().map(clean),
            "until": clean(&self.until),
            "cards": self.cards.iter().map(card).collect::<Vec<_>>(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CARDS, render};

    #[test]
    fn nine_cards_take_two_pages_and_show_their_codes() {
        let card = |at: usize| Card {
            whom: format!("Соколова Ольга Викторовна-Длиннофамильная {at}"),
            of: Some("Соколова Мария, 5 «А»".into()),
            code: "KM7E-XA2T".into(),
            link: Some("https://t.me/school12_bot?start=KM7EXA2T".into()),
        };
        let cards = Cards {
            school: "Школа № 12".into(),
            bot: Some("@school12_bot".into()),
            until: "11 декабря 2026".into(),
            cards: (0..9).map(card).collect(),
        };
        let pdf = render(&cards, CARDS).expect("pages");
        assert_eq!(pdf.pages, 2);
        let nameless = Cards {
            bot: None,
            cards: vec![Card {
                link: None,
                of: None,
                ..card(1)
            }],
            ..cards
        };
        assert_eq!(render(&nameless, CARDS).expect("pages").pages, 1);
    }
}
