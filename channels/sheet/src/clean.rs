//! Makes texts fit for paper: what people and importers put into them must not break a page.

use crate::data::Batch;

/// Longer words are given places at which they may be broken, because nothing else can break them.
const LONG_WORD: usize = 24;

/// All texts of a batch, cleaned.
pub(crate) fn batch(mut batch: Batch) -> Batch {
    let mut one = |text: &mut String| *text = clean(text);
    one(&mut batch.school);
    one(&mut batch.class);
    one(&mut batch.week);
    batch.certified.iter_mut().for_each(&mut one);
    batch.phone.iter_mut().for_each(&mut one);
    batch.class_teacher.iter_mut().for_each(&mut one);
    batch.extract.iter_mut().for_each(&mut one);
    for row in &mut batch.register {
        for text in [
            &mut row.code,
            &mut row.student,
            &mut row.copy,
            &mut row.variant,
            &mut row.ground,
        ] {
            one(text);
        }
    }
    for sheet in &mut batch.sheets {
        for text in [&mut sheet.code, &mut sheet.student] {
            one(text);
        }
        sheet.week.iter_mut().for_each(&mut one);
        sheet.for_whom.iter_mut().for_each(&mut one);
        sheet.reason.iter_mut().for_each(&mut one);
        sheet.note.iter_mut().for_each(&mut one);
        sheet.summary.iter_mut().for_each(&mut one);
        sheet.corrections.iter_mut().for_each(&mut one);
        sheet.ahead.iter_mut().for_each(&mut one);
        for subject in &mut sheet.subjects {
            one(&mut subject.name);
            subject.average.iter_mut().for_each(&mut one);
            for mark in &mut subject.marks {
                one(&mut mark.value);
                one(&mut mark.day);
                mark.kind.iter_mut().for_each(&mut one);
            }
        }
        for result in &mut sheet.term_results {
            for text in [&mut result.term, &mut result.subject, &mut result.value] {
                one(text);
            }
        }
        for remark in &mut sheet.remarks {
            one(&mut remark.day);
            one(&mut remark.text);
            remark.subject.iter_mut().for_each(&mut one);
        }
        for homework in &mut sheet.homework {
            for text in [&mut homework.due, &mut homework.subject, &mut homework.text] {
                one(text);
            }
        }
        for word in &mut sheet.announcements {
            word.title.iter_mut().for_each(&mut one);
            one(&mut word.text);
            word.answers.iter_mut().for_each(&mut one);
        }
    }
    batch
}

/// A text on one line, without control characters and the marks that turn the direction of writing,
/// and with places to break in words that no line could hold.
pub(crate) fn clean(text: &str) -> String {
    let bare: String = text
        .chars()
        .filter(|c| !turns_direction(*c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let words: Vec<String> = bare.split_whitespace().map(breakable).collect();
    words.join(" ")
}

fn breakable(word: &str) -> String {
    let mut broken = String::with_capacity(word.len());
    for (at, c) in word.chars().enumerate() {
        if at > 0 && at % LONG_WORD == 0 {
            broken.push('\u{200b}');
        }
        broken.push(c);
    }
    broken
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_and_a_long_word_in_its_column() {
        assert_eq!(clean("№ 5\n\t\u{202e}и\u{0} 6 "), "№ 5 и 6");
        let long = clean(&"я".repeat(60));
        assert_eq!(long.split('\u{200b}').count(), 3);
        assert_eq!(clean("электромагнитное"), "электромагнитное");
    }
}
