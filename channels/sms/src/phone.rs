//! Phone numbers as people in Russia write them, and as the world does (E.164).

/// Why a text is no number that an SMS can go to. The number itself is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// It has letters or other signs that no number has.
    #[error("is no phone number: write it as +7 912 345-67-89")]
    NotANumber,
    /// Too few or too many digits.
    #[error("has {0} digits: a Russian mobile number has 11, as in +7 912 345-67-89")]
    Length(usize),
    /// A Russian number that is no mobile one.
    #[error("is a landline: no SMS can go there, a mobile number begins with +7 9")]
    Landline,
}

/// The number as `+` and digits. «8 (912) 345-67-89», «7912…», «912…» and «+7 912 …» are one.
///
/// Foreign numbers need their `+` and are taken as they are; Kazakhstan's +7 7 counts as mobile.
///
/// # Errors
/// [`PhoneError`] in words for whoever typed it.
pub fn normalise(text: &str) -> Result<String, PhoneError> {
    let bare = text.trim();
    let sign = |c: char| c.is_whitespace() || "()-–—.\u{2011}\u{a0}".contains(c);
    let plus = bare.starts_with('+');
    let body = bare.strip_prefix('+').unwrap_or(bare);
    if !body.chars().all(|c| c.is_ascii_digit() || sign(c)) {
        return Err(PhoneError::NotANumber);
    }
    let digits: String = body.chars().filter(char::is_ascii_digit).collect();
    let russian = match (digits.len(), digits.as_bytes().first()) {
        (0, _) => return Err(PhoneError::NotANumber),
        (11, Some(b'7' | b'8')) if !plus || digits.starts_with('7') => &digits[1..],
        (10, Some(b'9')) if !plus => digits.as_str(),
        (8..=15, _) if plus && !digits.starts_with('7') => return Ok(format!("+{digits}")),
        (length, _) => return Err(PhoneError::Length(length)),
    };
    if russian.starts_with(['9', '7']) {
        Ok(format!("+7{russian}"))
    } else {
        Err(PhoneError::Landline)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_number_is_written_in_many_ways() {
        for text in [
            "+79123456789",
            "8 (912) 345-67-89",
            "7912 345 67 89",
            "912-345-67-89",
            " 8\u{a0}912\u{a0}3456789 ",
        ] {
            assert_eq!(normalise(text), Ok("+79123456789".into()), "{text}");
        }
        assert_eq!(normalise("+49 30 123456"), Ok("+4930123456".into()));
    }

    #[test]
    fn what_no_sms_can_reach_is_refused_in_words() {
        assert_eq!(normalise("8 (343) 215-40-12"), Err(PhoneError::Landline));
        assert_eq!(normalise("912345678"), Err(PhoneError::Length(9)));
        assert_eq!(normalise("нет"), Err(PhoneError::NotANumber));
        assert_eq!(normalise(""), Err(PhoneError::NotANumber));
        assert_eq!(normalise("+7912345678"), Err(PhoneError::Length(10)));
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_normal_stays(text in "\\PC{0,20}") {
            if let Ok(number) = normalise(&text) {
                prop_assert_eq!(normalise(&number), Ok(number.clone()));
            }
        }
    }
}
