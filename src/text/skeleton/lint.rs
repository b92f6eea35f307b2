//! The proof that no template makes an SMS that fits no skeleton: every text of the samples is tried, in every
//! form that frames tell apart.

use std::collections::BTreeMap;

use chrono::Days;

use super::{CHILDREN, Homeless, Skeleton, word_at};
use crate::{
    family::{contact::Channel, preference::Event},
    journal::cell::News,
    text::{
        ContentLevel, Item, Language, Letter, Occasion, StudentNews, TemplateError, Templates,
        abbreviation, in_letters, samples, view::Part,
    },
};

type Files = BTreeMap<&'static str, String>;

/// Of how many children, and how many days of each, the letters are.
const FAMILIES: [(usize, usize); 6] = [(1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (CHILDREN, 1)];

/// In how many forms a piece of news comes.
const FORMS: usize = 4;

/// Tries all SMS of the samples, gives each skeleton an example, and returns what fits none: one text for each
/// template that is to blame.
pub(super) fn lint(
    skeletons: &mut [Skeleton],
    templates: &Templates,
    files: &Files,
    school: &str,
    latin: bool,
) -> Result<Vec<Homeless>, TemplateError> {
    let mut homeless: Vec<Homeless> = Vec::new();
    let letters_of = |text: &str| in_letters(text, latin);
    let mut judge = |sms: &str, suspects: &dyn Fn() -> Result<Suspects, TemplateError>| {
        let sms = letters_of(sms);
        match skeletons.iter_mut().find(|one| one.holds(&sms)) {
            Some(one) if one.example.is_empty() => one.example = sms,
            Some(_) => {}
            None => {
                let reached = skeletons.iter().filter_map(|one| one.reaches(&sms)).max();
                let from = word_at(&sms, reached.unwrap_or_default());
                let (template, line) = suspects()?.blame(files, &from, letters_of);
                if homeless.iter().all(|one| one.template != template) {
                    homeless.push(Homeless {
                        template,
                        line,
                        text: sms,
                        from,
                    });
                }
            }
        }
        Ok::<_, TemplateError>(())
    };
    // Marks are what most SMS tell of, and their example.
    let others = Event::ALL.iter().filter(|event| **event != Event::Mark);
    for &event in [Event::Mark].iter().chain(others) {
        for letter in letters(event, files, school)? {
            let sms = templates.render(Channel::Sms, ContentLevel::Full, &letter)?;
            judge(&sms.text, &|| suspects(templates, &letter, event))?;
        }
    }
    let source = files.get("staff/sample.json").map_or("", String::as_str);
    let staff = || {
        Ok(Suspects {
            templates: vec!["staff/sms.hbs".to_owned()],
            begun: Vec::new(),
        })
    };
    for sms in templates.staff_samples(source, school)? {
        judge(&sms, &staff)?;
    }
    Ok(homeless)
}

/// Which templates made an SMS, the likeliest culprit first.
struct Suspects {
    templates: Vec<String>,
    /// The words by which a fragment begins lines of its own.
    begun: Vec<String>,
}

fn suspects(
    templates: &Templates,
    letter: &Letter,
    event: Event,
) -> Result<Suspects, TemplateError> {
    let language = letter.language;
    let frame = language.file(&format!("frame/{}", Part::Sms.frame()));
    let fragment = language.file(&templates.fragment_of(Part::Sms, language, event));
    let mut begun = Vec::new();
    for item in letter.students.iter().flat_map(|student| &student.items) {
        let text = templates.fragment(Part::Sms, language, item)?;
        let lines = text.trim().lines().skip(1).map(|line| word_at(line, 0));
        begun.extend(lines.filter(|word| !word.is_empty()));
    }
    // Lines are the frame's to make, one for each child.
    let templates = if begun.is_empty() {
        vec![frame, fragment]
    } else {
        vec![fragment]
    };
    Ok(Suspects { templates, begun })
}

impl Suspects {
    /// The template, and its line, that wrote one of the lines of a fragment, or else the word from which on a
    /// text fits no skeleton; what none of them has in these letters is the first one's.
    fn blame(
        &self,
        files: &Files,
        from: &str,
        letters_of: impl Fn(&str) -> String,
    ) -> (String, usize) {
        let words = self.begun.iter().map(String::as_str).chain([from]);
        let words: Vec<String> = words
            .filter(|word| !word.is_empty())
            .map(&letters_of)
            .collect();
        for name in &self.templates {
            let source = files.get(name.as_str()).map_or("", String::as_str);
            for (at, line) in source.lines().enumerate() {
                let line = letters_of(line);
                if words.iter().any(|word| writes(&line, word)) {
                    return (name.clone(), at + 1);
                }
            }
        }
        (self.templates.first().cloned().unwrap_or_default(), 1)
    }
}

/// Whether a line of a template has this word outside its expressions.
fn writes(line: &str, word: &str) -> bool {
    line.split("{{").enumerate().any(|(at, piece)| {
        let fixed = match at {
            0 => piece,
            _ => piece.split_once("}}").map_or("", |(_, behind)| behind),
        };
        fixed.contains(word)
    })
}

/// Letters of this event: new, corrected and withdrawn, with all that may be absent and without, in all
/// languages, by every occasion, of one to four children, and of one day or two; what frames tell apart by
/// occasion they do for one child as for four.
fn letters(event: Event, files: &Files, school: &str) -> Result<Vec<Letter>, TemplateError> {
    let name = format!("{}/sample.json", event.code());
    let source = files.get(name.as_str()).map_or("", String::as_str);
    let sample = samples::read(event, &name, source)?;
    let mut letters = Vec::new();
    for full in [samples::bare(sample.clone()), sample] {
        let students = full.students.iter();
        let items: Vec<Item> = students.flat_map(|one| one.items.clone()).collect();
        for form in 0..FORMS {
            let items: Vec<Item> = items.iter().map(|item| told(item, form)).collect();
            for (children, days) in FAMILIES {
                let occasions = [Occasion::Daily, Occasion::AtOnce, Occasion::Weekly];
                let occasions = &occasions[..if children == 1 { occasions.len() } else { 1 }];
                for language in Language::ALL {
                    for &occasion in occasions {
                        let mut letter = full.clone();
                        letter.language = language;
                        letter.occasion = occasion;
                        school.clone_into(&mut letter.school.short_name);
                        letter.students = family(&items, children, days);
                        letters.push(letter);
                    }
                }
            }
        }
    }
    Ok(letters)
}

/// The piece of news as a new one, as a correction with and without what was right before, and withdrawn.
fn told(item: &Item, form: usize) -> Item {
    let mut item = item.clone();
    if let Some(subject) = &item.subject {
        item.subject = Some(abbreviation(subject).to_owned());
    }
    let (new, old) = match &item.news {
        News::Entered(new) => (new.clone(), new.clone()),
        News::Corrected { old, new } => (new.clone(), old.clone().unwrap_or_else(|| new.clone())),
        News::Withdrawn(old) => {
            let old = old.clone().unwrap_or_else(|| "5".to_owned());
            (old.clone(), old)
        }
    };
    let corrected = |old, new| News::Corrected { old, new };
    item.news = match (item.event, form) {
        // What these are is in their names.
        (Event::MarkCorrected, 0 | 1) => corrected(Some(old), new),
        (Event::MarkCorrected, _) => corrected(None, new),
        (Event::MarkWithdrawn, 0 | 1) => News::Withdrawn(Some(old)),
        (Event::MarkWithdrawn, _) => News::Withdrawn(None),
        (Event::Mark, _) | (_, 0) => News::Entered(new),
        (_, 1) => corrected(Some(old), new),
        (_, 2) => corrected(None, new),
        _ => News::Withdrawn(Some(old)),
    };
    item
}

/// Of whom the first has all of these news, on each of the days, and the others one each.
fn family(items: &[Item], children: usize, days: usize) -> Vec<StudentNews> {
    const NAMES: [&str; CHILDREN] = ["Маша", "Петя", "Анна-Мария", "Али Мамед Гасан оглы"];
    let student = |(at, name): (usize, &&str)| {
        let own: Vec<&Item> = match at {
            0 => items.iter().collect(),
            _ => items.iter().cycle().skip(at).take(1).collect(),
        };
        let days = (0..).take(days).flat_map(|day| {
            own.iter().map(move |&item| {
                let mut item = item.clone();
                item.date = item.date + Days::new(day);
                item
            })
        });
        StudentNews {
            id: 0,
            name: (*name).to_owned(),
            class: Some("5Б".to_owned()),
            items: days.collect(),
            week: None,
        }
    };
    NAMES
        .iter()
        .take(children)
        .enumerate()
        .map(student)
        .collect()
}
