//! `consent import`: a register that was kept on paper or in a spreadsheet, whole or not at all.

use std::{collections::BTreeSet, path::PathBuf};

use chrono::NaiveDate;
use clap::Args;

use super::{Failure, import::file};
use crate::{
    clock::Clock,
    config::Config,
    journal::import::{Answer, ImportError, ImportErrors, Named, read_register},
    store::{ConsentRow, NewConsent, Store, Tie},
    zone,
};

/// The arguments of `consent import`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// A table as CSV or XLSX
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Which column is which: [columns] with "Заголовок" = "guardian"
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Only say what would be added
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(
    store: &Store,
    config: &Config,
    arguments: &Arguments,
) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let table = file(&arguments.path)?;
    let mapping = arguments.mapping.as_ref().map(file).transpose()?;
    let answers = read_register(&table, mapping.as_ref())?;
    let (ties, known) = (store.ties(None).await?, store.consents(None).await?);
    let today = zone::local(now, zone).date();
    let placed = place(&table.name, &answers, &ties, &known, today)?;
    for line in &placed.old {
        eprintln!(
            "{}, line {line}: something newer is registered; left out",
            table.name
        );
    }
    if !arguments.dry_run {
        store.add_consents(&placed.new, now).await?;
    }
    let (new, had) = (placed.new.len(), placed.had);
    match (new, arguments.dry_run) {
        (0, _) => println!("nothing new; {had} answers were registered before"),
        (_, true) => println!("{new} answers would be added, {had} were registered before"),
        (_, false) => println!("{new} answers added, {had} were registered before"),
    }
    Ok(())
}

/// What becomes of the lines of a register.
#[derive(Debug, Default)]
struct Placed {
    /// What is added, in the order of the days on which it was signed: the newest row holds.
    new: Vec<NewConsent>,
    /// How many answers stand in the register already.
    had: usize,
    /// The lines of answers that something newer in the register has overtaken.
    old: Vec<u64>,
}

/// Finds the people of each line, and what of it is new. An older answer must not overrule a newer one, so
/// that a consent which was withdrawn does not come back with the paper by which it was given.
fn place(
    file: &str,
    answers: &[Answer],
    ties: &[Tie],
    known: &[ConsentRow],
    today: NaiveDate,
) -> Result<Placed, ImportErrors> {
    let mut errors = ImportErrors::default();
    let mut placed = Placed::default();
    let mut sorted: Vec<&Answer> = answers.iter().collect();
    sorted.sort_by(|a, b| (&a.signed_on, a.line).cmp(&(&b.signed_on, b.line)));
    for answer in sorted {
        let wrong = |column: &str, value: String, problem: &str, remedy: &str| ImportError {
            row: Some(format!("line {}", answer.line)),
            column: Some(column.to_owned()),
            value: Some(value),
            ..ImportError::whole(file, problem, remedy)
        };
        if let Some(day) = answer
            .signed_on
            .as_ref()
            .filter(|day| **day > today.to_string())
        {
            let remedy = "write the day on which it was signed";
            errors.add(wrong("date", day.clone(), "has not come yet", remedy));
            continue;
        }
        let pair = match pair(answer, ties) {
            Ok(pair) => pair,
            Err((column, value, problem, remedy)) => {
                errors.add(wrong(column, value, problem, remedy));
                continue;
            }
        };
        for &(purpose, state) in &answer.answers {
            let consent = NewConsent {
                guardian_id: pair.0,
                student_id: pair.1,
                purpose,
                state,
                document: answer.document.clone(),
                signed_on: answer.signed_on.clone(),
            };
            if !placed.add(answer.line, consent, known) {
                let said = format!("{} {}", purpose.code(), state.code());
                let problem = "differs from what is registered and has no date";
                let remedy = "write the day on which it was signed";
                errors.add(wrong("date", said, problem, remedy));
            }
        }
    }
    placed.old.dedup();
    if errors.is_empty() {
        Ok(placed)
    } else {
        Err(errors)
    }
}

impl Placed {
    /// Takes an answer in, unless it is known or overtaken. False where nobody can say which of the two,
    /// because it has no date.
    fn add(&mut self, line: u64, consent: NewConsent, known: &[ConsentRow]) -> bool {
        let of_purpose: Vec<&ConsentRow> = known
            .iter()
            .filter(|row| {
                (row.guardian_id, row.student_id) == (consent.guardian_id, consent.student_id)
                    && row.purpose == consent.purpose.code()
            })
            .collect();
        let registered = of_purpose.iter().any(|row| {
            row.state == consent.state.code()
                && row.signed_on == consent.signed_on
                && row.document.as_ref() == Some(&consent.document)
        });
        if registered || self.new.contains(&consent) {
            self.had += 1;
            return true;
        }
        let newest = of_purpose.iter().find(|row| row.holds);
        let differs = newest.is_some_and(|row| row.state != consent.state.code());
        if differs && consent.signed_on.is_none() {
            return false;
        }
        if newest.is_some_and(|row| row.signed_on > consent.signed_on) {
            self.old.push(line);
        } else {
            self.new.push(consent);
        }
        true
    }
}

/// What is wrong with a cell: column, value, problem and remedy.
type Fault = (&'static str, String, &'static str, &'static str);

/// Who answers for whom on this line.
fn pair(answer: &Answer, ties: &[Tie]) -> Result<(i64, i64), Fault> {
    let of_student: Vec<&Tie> = ties
        .iter()
        .filter(|tie| is(&answer.student, &tie.student))
        .filter(|tie| answer.class.is_none() || answer.class == tie.class)
        .collect();
    let name = |named: &Named| format!("{} {}", named.surname, named.given_name);
    if of_student.is_empty() {
        return Err((
            "student",
            name(&answer.student),
            "is no student with a guardian",
            "correct the name, or import the list of people first",
        ));
    }
    let students: BTreeSet<i64> = of_student.iter().map(|tie| tie.student_id).collect();
    let pairs: BTreeSet<(i64, i64)> = of_student
        .iter()
        .filter(|tie| is(&answer.guardian, &tie.guardian))
        .map(|tie| (tie.guardian_id, tie.student_id))
        .collect();
    match (pairs.len(), pairs.first()) {
        (1, Some(pair)) => Ok(*pair),
        (0, _) => Err((
            "guardian",
            name(&answer.guardian),
            "does not answer for this student",
            "correct the name, or record the guardianship first",
        )),
        _ if students.len() > 1 => Err((
            "student",
            name(&answer.student),
            "may be several students",
            "add a column with the class, or write the patronymic",
        )),
        _ => Err((
            "guardian",
            name(&answer.guardian),
            "may be several guardians",
            "write the patronymic, or use vestnik consent add with the id",
        )),
    }
}

/// Whether a name of the register is this person's. A patronymic counts where both have one.
fn is(named: &Named, [surname, given_name, patronymic]: &[Option<String>; 3]) -> bool {
    let bare = |text: &str| text.trim().to_lowercase().replace('ё', "е");
    let same = |a: &str, b: &Option<String>| b.as_ref().is_some_and(|b| bare(a) == bare(b));
    let patronymics = named.patronymic.as_ref().zip(patronymic.as_ref());
    same(&named.surname, surname)
        && same(&named.given_name, given_name)
        && patronymics.is_none_or(|(a, b)| bare(a) == bare(b))
}
