//! What providers, printers and the program said of a failure, for who reads Russian. It is kept in the English of the
//! channels, with what a gateway's file advises behind it; here each known sentence becomes the one that
//! `templates/web/board/said.ru.toml` gives it, and what nobody knows stays as it is.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::text::Language;

/// The sentences, the longest first: one may begin like another.
pub(super) struct Said(Vec<(String, String)>);

impl Said {
    /// The sentences that come with the program.
    pub(super) fn embedded() -> anyhow::Result<Self> {
        let file = include_str!("../../../templates/web/board/said.ru.toml");
        let known: BTreeMap<String, String> =
            toml::from_str(file).context("templates/web/board/said.ru.toml")?;
        let mut known: Vec<_> = known.into_iter().collect();
        known.sort_by_key(|(english, _)| std::cmp::Reverse(english.len()));
        Ok(Self(known))
    }

    /// What was said, in this language.
    pub(super) fn of(&self, language: Language, said: &str) -> String {
        if language != Language::Russian {
            return said.to_owned();
        }
        let mut words: Vec<&str> = Vec::new();
        let mut rest = said.trim();
        while !rest.is_empty() {
            let known = self.0.iter().find(|(english, _)| begins(rest, english));
            let end = if let Some((english, russian)) = known {
                words.push(russian);
                english.len()
            } else {
                let end = rest.find(". ").map_or(rest.len(), |at| at + 1);
                words.push(&rest[..end]);
                end
            };
            rest = rest[end..].trim_start();
        }
        words.join(" ")
    }
}

/// Whether a text begins with these words, and not with longer ones.
fn begins(text: &str, words: &str) -> bool {
    let rest = text.strip_prefix(words);
    rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_said_in_russian_and_the_rest_stays() {
        let said = Said::embedded().expect("sentences");
        let russian = |text| said.of(Language::Russian, text);
        assert_eq!(
            russian("The recipient has blocked the bot. (telegram_blocked)"),
            "Бот заблокирован получателем. (telegram_blocked)"
        );
        assert_eq!(
            russian(
                "No operator delivers to this number. На этот номер SMS не доставляются: уточните его у семьи. (smsc_8)"
            ),
            "На этот номер не доставляет ни один оператор. На этот номер SMS не доставляются: уточните его у семьи. (smsc_8)"
        );
        assert_eq!(
            russian(
                "the channel is out of order: The mail server did not answer in time. (timeout)"
            ),
            "канал не работает: Почтовый сервер не ответил вовремя. (timeout)"
        );
        assert_eq!(
            russian("consent to «sms» is withdrawn"),
            "согласие на SMS: отозвано"
        );
        assert_eq!(
            russian("Somebody else's words. refusedly"),
            "Somebody else's words. refusedly"
        );
        assert_eq!(
            said.of(Language::English, "It was rejected."),
            "It was rejected."
        );
    }
}
