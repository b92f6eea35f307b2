//! The skeletons of all SMS: the texts that a school registers with operators, with gaps for what changes.
//!
//! What fits no registered text is billed as advertising, or never arrives.

mod lint;
#[cfg(test)]
mod tests;

use std::{fmt, path::Path};

use super::{
    TemplateError, Templates, files, in_letters,
    view::{self, Part},
};

/// The file of the skeletons, whatever the language of the SMS.
const FILE: &str = "frame/sms.skeletons.txt";

/// How many children one SMS names at most, so that a few skeletons hold all of them.
pub const CHILDREN: usize = 4;

/// How many words one line of an SMS has at most, the name and the day among them: as many as the skeletons that
/// come with the program.
pub const WORDS: usize = 150;

/// How many matters one SMS to a member of staff tells at most, for the same reason.
pub const MATTERS: usize = 6;

/// A skeleton.
#[derive(Debug, Clone)]
pub struct Skeleton {
    /// What it is called.
    pub name: String,
    /// As an operator's form wants it, with the school's name in it.
    pub text: String,
    /// An SMS that fits it; empty where no template makes one.
    pub example: String,
    lines: Vec<Vec<Token>>,
}

/// A text of the templates that fits no skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Homeless {
    /// The template that is to blame.
    pub template: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// The text.
    pub text: String,
    /// From where on it fits none.
    pub from: String,
}

impl fmt::Display for Homeless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "template {}, line {}: it makes «{}», which fits no skeleton",
            self.template,
            self.line,
            self.text.replace('\n', " / ")
        )?;
        if !self.from.is_empty() {
            write!(f, " from «{}» on", self.from)?;
        }
        write!(
            f,
            "; operators take that for advertising. Take the change back, or change {FILE} with it and register \
             the new texts"
        )
    }
}

/// A piece of a line of a skeleton.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// Always the same.
    Fixed(String),
    /// A number of one digit or two.
    Number,
    /// Words, with one space between them.
    Words { least: usize, most: usize },
}

/// The skeletons of a school's SMS, those that come with the program or the ones in `directory`. `latin` says that
/// SMS leave in Latin letters.
///
/// # Errors
/// [`TemplateError`] with file and line.
pub fn skeletons(
    directory: Option<&Path>,
    school: &str,
    latin: bool,
) -> Result<Vec<Skeleton>, TemplateError> {
    let files = files::read(directory)?;
    read(files.get(FILE).map_or("", String::as_str), school, latin)
}

/// What the templates make of their samples that fits none of the skeletons, one text for each template that is to
/// blame; the skeletons get their examples.
///
/// # Errors
/// [`TemplateError`] with file and line.
pub fn homeless(
    skeletons: &mut [Skeleton],
    directory: Option<&Path>,
    school: &str,
    latin: bool,
) -> Result<Vec<Homeless>, TemplateError> {
    let (templates, files) = (Templates::load(directory)?, files::read(directory)?);
    lint::lint(skeletons, &templates, &files, school, latin)
}

/// Reads the file of the skeletons.
fn read(source: &str, school: &str, latin: bool) -> Result<Vec<Skeleton>, TemplateError> {
    let school = Part::Sms.clean(school);
    let mut skeletons: Vec<Skeleton> = Vec::new();
    for (at, line) in source.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let broken = |problem: String| TemplateError::Broken {
            name: FILE.to_owned(),
            line: at + 1,
            problem,
        };
        let (name, text) = line
            .split_once(": ")
            .ok_or_else(|| broken("write a name, a colon, a space and the text".into()))?;
        let skeleton = skeleton(name.trim(), text.trim(), &school, latin).map_err(broken)?;
        if let Some(other) = skeletons
            .iter()
            .find(|other| other.name == skeleton.name || other.text == skeleton.text)
        {
            return Err(broken(format!(
                "{} is the same: names and texts differ",
                other.name
            )));
        }
        skeletons.push(skeleton);
    }
    Ok(skeletons)
}

fn skeleton(name: &str, text: &str, school: &str, latin: bool) -> Result<Skeleton, String> {
    let letters = |text: &str| in_letters(text, latin);
    let lines = text
        .split("\\n")
        .map(|line| tokens(&letters(line), &letters(school)))
        .collect::<Result<_, _>>()?;
    Ok(Skeleton {
        name: name.to_owned(),
        text: letters(&text.replace("{school}", school)).replace("\\n", "\n"),
        example: String::new(),
        lines,
    })
}

fn tokens(line: &str, school: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for (at, piece) in line.split('%').enumerate() {
        let fixed = if at == 0 {
            piece
        } else if let Some(behind) = piece.strip_prefix('d') {
            tokens.push(Token::Number);
            behind
        } else {
            let (words, behind) =
                words(piece).ok_or_else(|| format!("«%{piece}»: write %d or %w{{1,4}}"))?;
            tokens.push(words);
            behind
        };
        if !fixed.is_empty() {
            tokens.push(Token::Fixed(fixed.replace("{school}", school)));
        }
    }
    Ok(tokens)
}

/// «w{1,4}» and what stands behind it.
fn words(piece: &str) -> Option<(Token, &str)> {
    let (numbers, behind) = piece.strip_prefix("w{")?.split_once('}')?;
    let (least, most) = numbers.split_once(',')?;
    let (least, most) = (least.parse().ok()?, most.parse().ok()?);
    (1..=most)
        .contains(&least)
        .then_some((Token::Words { least, most }, behind))
}

impl Skeleton {
    /// Whether an SMS fits it.
    pub fn holds(&self, sms: &str) -> bool {
        self.reaches(sms).is_none()
    }

    /// How many bytes of an SMS fit at most; none where all of it does.
    fn reaches(&self, sms: &str) -> Option<usize> {
        let mut begins = 0;
        let mut lines = sms.split('\n');
        for tokens in &self.lines {
            let Some(line) = lines.next() else {
                return Some(sms.len());
            };
            let mut furthest = 0;
            if !fits(tokens, line, 0, &mut furthest) {
                return Some(begins + furthest);
            }
            begins += line.len() + 1;
        }
        lines.next().map(|_| begins)
    }
}

/// Whether the line fits from `at` on; `furthest` is moved to where it was left.
fn fits(tokens: &[Token], line: &str, at: usize, furthest: &mut usize) -> bool {
    *furthest = at.max(*furthest);
    let Some((token, rest)) = tokens.split_first() else {
        return at == line.len();
    };
    match token {
        Token::Fixed(fixed) => {
            let equal = line[at..].chars().zip(fixed.chars());
            let equal = equal.take_while(|(left, right)| left == right);
            let end = at + equal.map(|(left, _)| left.len_utf8()).sum::<usize>();
            *furthest = end.max(*furthest);
            end - at == fixed.len() && fits(rest, line, end, furthest)
        }
        Token::Number => {
            let digits = line[at..].bytes().take_while(u8::is_ascii_digit).count();
            (1..=digits.min(2))
                .rev()
                .any(|count| fits(rest, line, at + count, furthest))
        }
        Token::Words { least, most } => {
            // What is written against the words ends the last of them before its end.
            let glued =
                matches!(rest.first(), Some(Token::Fixed(fixed)) if !fixed.starts_with(' '));
            let mut begins = at;
            for count in 1..=*most {
                let word = line[begins..].split(' ').next().unwrap_or_default();
                let ends = word.char_indices().map(|(at, c)| at + c.len_utf8());
                let mut ends = ends.filter(|end| glued || *end == word.len());
                if count >= *least && ends.any(|end| fits(rest, line, begins + end, furthest)) {
                    return true;
                }
                begins += word.len();
                *furthest = begins.max(*furthest);
                if word.is_empty() || !line[begins..].starts_with(' ') {
                    return false;
                }
                begins += 1;
            }
            false
        }
    }
}

/// The word at which a text was left.
fn word_at(text: &str, at: usize) -> String {
    let rest = view::one_line(&text[at..]);
    rest.split(' ').next().unwrap_or_default().to_owned()
}
