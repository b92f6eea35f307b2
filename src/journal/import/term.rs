//! What people call a quarter, a half-year and the year.

/// The kind, by the codes of `term.kind`, and the number of a term by its name: «II четверть».
pub(super) fn named(name: &str) -> Option<(&'static str, i64)> {
    let name = name.to_lowercase();
    let (_, kind) = [
        ("четверть", "quarter"),
        ("триместр", "trimester"),
        ("полугод", "half_year"),
        ("модуль", "module"),
        ("год", "year"),
    ]
    .into_iter()
    .find(|(word, _)| name.contains(word))?;
    let number = name.split_whitespace().find_map(ordinal).unwrap_or(1);
    Some((kind, number))
}

/// «2», «2-я» or «II», and Cyrillic «ІІ» where somebody had no other key.
fn ordinal(word: &str) -> Option<i64> {
    let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
    let roman = word.replace('і', "i");
    digits.parse().ok().or(match roman.as_str() {
        "i" => Some(1),
        "ii" => Some(2),
        "iii" => Some(3),
        "iv" => Some(4),
        "v" => Some(5),
        "vi" => Some(6),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_is_known_by_its_name() {
        assert_eq!(named("II четверть"), Some(("quarter", 2)));
        assert_eq!(named("1-й триместр"), Some(("trimester", 1)));
        assert_eq!(named("2 полугодие"), Some(("half_year", 2)));
        assert_eq!(named("Год"), Some(("year", 1)));
        assert_eq!(named("Экзамен"), None);
    }
}
