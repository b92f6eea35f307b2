//! Russian in Latin letters, for phones and purses that want it: a part holds 160 of them, and 70 of ours.

/// Small letters; where a pair of letters stands for one, only its first is ever large.
const LETTERS: [(char, &str); 33] = [
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "e"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "shch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
];

/// The text as it leaves: in Latin letters where the account wants them.
pub(crate) fn in_letters(text: &str, latin: bool) -> String {
    if latin {
        transliterated(text)
    } else {
        text.to_owned()
    }
}

/// The text in Latin letters, in the alphabet of GSM wherever it was in Russian letters and signs; what is of
/// another script stays.
pub fn transliterated(text: &str) -> String {
    let mut latin = String::with_capacity(text.len());
    for c in text.chars() {
        // Signs that soften nothing would leave nothing of a word that is only these.
        if matches!(c, 'ь' | 'ъ' | 'Ь' | 'Ъ') && !latin.ends_with(char::is_alphabetic) {
            latin.push('\'');
            continue;
        }
        let small = c.to_lowercase().next().unwrap_or(c);
        let Some((_, letters)) = LETTERS.iter().find(|(letter, _)| *letter == small) else {
            latin.push_str(match c {
                '«' | '»' | '„' | '“' | '”' => "\"",
                '–' | '—' | '‑' | '−' => "-",
                '№' => "No",
                '…' => "...",
                '’' => "'",
                '\u{a0}' | '\u{202f}' | '\u{2009}' => " ",
                other => {
                    latin.push(other);
                    continue;
                }
            });
            continue;
        };
        let mut letters = letters.chars();
        if c == small {
            latin.extend(letters);
        } else {
            latin.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            latin.extend(letters);
        }
    }
    latin
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vestnik_sms::parts::{Alphabet, count};

    use super::*;

    #[test]
    fn russian_fits_into_the_small_alphabet() {
        let text = "Школа № 12. Юля «5 «Щ»» – 14.10: матем 5, подъезд, объём…";
        let latin = transliterated(text);
        assert_eq!(
            latin,
            "Shkola No 12. Yulya \"5 \"Shch\"\" - 14.10: matem 5, podezd, obem..."
        );
        assert_eq!(count(&latin).alphabet, Alphabet::Gsm7);
        assert_eq!(transliterated("буква ь, Ъ"), "bukva ', '");
        assert_eq!(transliterated("Маша 👍 Zoë"), "Masha 👍 Zoë");
    }

    proptest! {
        #[test]
        fn no_russian_letter_is_left_and_no_part_more_is_paid(text in "[а-яёА-ЯЁ0-9 .,:«»–№]{0,300}") {
            let latin = transliterated(&text);
            prop_assert_eq!(count(&latin).alphabet, Alphabet::Gsm7);
            prop_assert!(!latin.chars().any(|c| ('а'..='ё').contains(&c)));
        }
    }
}
