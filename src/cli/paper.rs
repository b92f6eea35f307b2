//! `paper`: the register of sheets. Who got one, whose slip came back, and duplicates for those that are spoiled
//! or lost.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use chrono_tz::Tz;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use vestnik_sheet::Pdf;

use super::Failure;
use crate::{
    clock::{self, Clock},
    config::Config,
    family::consent::Purpose,
    instant::Millis,
    journal::class_name::ClassName,
    paper::{
        extract::Extract,
        handout::{Deed, How, TICKS, Tick, code, rows},
        press::Press,
        summary::Asked,
    },
    store::{Entry, Store},
    text::Templates,
    week::Week,
    zone,
};

/// What is done with sheets.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Show the register of a class and week
    #[command(after_help = "Example: vestnik paper list --class 5А --week 2026-W42")]
    List {
        #[command(flatten)]
        of: Of,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Note who got a sheet
    #[command(
        after_help = "Example: vestnik paper hand-out --class 5А --rows \"все, кроме 3 и 7\"\n\
        Rows are numbered as in the register; the others stay as they were."
    )]
    HandOut {
        #[command(flatten)]
        of: Of,
        /// Which rows: «все», «все, кроме 3 и 7», «1, 2, 5-7»
        #[arg(long, value_name = "ROWS")]
        rows: String,
        /// How
        #[arg(long, value_enum, default_value = "student")]
        how: Road,
        /// Who took it, where that was not the student
        #[arg(long, value_name = "WHO")]
        to: Option<String>,
    },
    /// Note who did not get a sheet, and why
    #[command(after_help = "Example: vestnik paper keep --class 5А --rows 3 --because \"болеет\"")]
    Keep {
        #[command(flatten)]
        of: Of,
        /// Which rows
        #[arg(long, value_name = "ROWS")]
        rows: String,
        /// Why
        #[arg(long, value_name = "REASON")]
        because: String,
    },
    /// Note that slips came back signed
    #[command(
        after_help = "Example: vestnik paper slip 5А-06-17-К4 --ticked question\n\
        A signed slip is the surest proof that a family was informed (E4)."
    )]
    Slip {
        /// The codes that stand on them
        #[arg(required = true, value_name = "CODE")]
        codes: Vec<String>,
        /// What else the family ticked
        #[arg(long, value_enum, value_name = "BOX")]
        ticked: Vec<Box>,
    },
    /// Note that no slip is awaited any more
    #[command(after_help = "Example: vestnik paper no-slip 5А-06-17-К4")]
    NoSlip {
        /// The code of the sheet
        #[arg(value_name = "CODE")]
        code: String,
    },
    /// Note that a sheet is lost
    #[command(after_help = "Example: vestnik paper lost 5А-06-17-К4")]
    Lost {
        /// The code of the sheet
        #[arg(value_name = "CODE")]
        code: String,
    },
    /// Make the list from which families are called when nothing electronic works
    #[command(
        after_help = "Example: vestnik paper calls --class 5А --out calls.pdf\n\
        It has the homework to read out, and who to call; who must not hear is not on it."
    )]
    Calls {
        /// The class, as people write it
        #[arg(long)]
        class: ClassName,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make an extract from the journal, of a student or a class, of any weeks
    #[command(
        after_help = "Example: vestnik paper extract --student \"Соколова Мария\" --from 2026-W36 --to 2026-W43 \\\n    \
            --certified --number 14 --out extract.pdf\n\
        It tells nobody anything. --certified leaves room for the director's signature and the seal."
    )]
    Extract(Extracted),
    /// Make a summary of the results of terms, of a student or a class
    #[command(
        after_help = "Example: vestnik paper summary --class 5А --certified --out summary.pdf\n\
        A class has a page for each term of the school year, a student has all terms on one."
    )]
    Summary {
        #[command(flatten)]
        whose: Whose,
        /// To be signed by the director and sealed
        #[arg(long)]
        certified: bool,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Make forms on which families say yes or no, a page for each purpose that they were not asked about
    #[command(
        after_help = "Example: vestnik paper consent-forms --class 5А --purpose sms --out forms.pdf\n\
        What is signed is recorded by `vestnik consent`."
    )]
    ConsentForms {
        #[command(flatten)]
        whose: Whose,
        /// The purposes; all without it
        #[arg(long, value_name = "PURPOSE", value_parser = ["data", "sms", "email", "messenger"])]
        purpose: Vec<String>,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what has not come out of the printer, and why
    #[command(after_help = "Example: vestnik paper queue")]
    Queue,
    /// Say of a run that nobody was sure of that its sheets came out
    #[command(after_help = "Example: vestnik paper came-out 17\n\
        Its families count as told on paper from now on.")]
    CameOut {
        /// The number of the run, as `paper queue` shows it
        run: i64,
    },
    /// Say of a run that nobody was sure of that it did not come out: it is printed again
    #[command(after_help = "Example: vestnik paper again 17")]
    Again {
        /// The number of the run, as `paper queue` shows it
        run: i64,
    },
    /// Print a sheet once more, as it was, marked as a duplicate
    #[command(after_help = "Example: vestnik paper reprint 5А-06-17-К4 --out sheets")]
    Reprint {
        /// The code of the sheet
        #[arg(value_name = "CODE")]
        code: String,
        /// The folder for the file
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// A student or a class.
#[derive(Debug, Args)]
pub(super) struct Whose {
    /// An id, a source key, or «Фамилия Имя»
    #[arg(long, value_name = "WHO", required_unless_present = "class")]
    student: Option<String>,
    /// All students of a class instead
    #[arg(long, conflicts_with = "student")]
    class: Option<ClassName>,
}

/// What is to be extracted.
#[derive(Debug, Args)]
pub(super) struct Extracted {
    #[command(flatten)]
    whose: Whose,
    /// The first week, as in 2026-W36, or one of its days
    #[arg(long)]
    from: Week,
    /// The last week
    #[arg(long)]
    to: Week,
    /// To be signed by the director and sealed
    #[arg(long)]
    certified: bool,
    /// Its number in the school's register
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// For an archive, as PDF/A-2
    #[arg(long)]
    archive: bool,
    /// The file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Which register.
#[derive(Debug, Args)]
pub(super) struct Of {
    /// The class, as people write it
    #[arg(long)]
    class: ClassName,
    /// The week, as in 2026-W42, or one of its days; the last one that was printed without it
    #[arg(long)]
    week: Option<Week>,
}

/// How a family got a sheet.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Road {
    /// The student carried it home
    Student,
    /// Somebody took it
    InPerson,
    /// By post
    Post,
}

/// A box of the slip.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Box {
    /// «Есть вопрос»
    Question,
    /// «Ошибка в записях»
    Mistake,
    /// «Позвоните мне»
    Call,
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let now = Clock::Wall.now();
    let today = zone::local(now, zone).date();
    match action {
        Action::List { of, json } => {
            let register = register(store, of, today).await?;
            print(&register, *json)
        }
        Action::HandOut { of, rows, how, to } => {
            let how = match how {
                Road::Student => How::Student,
                Road::InPerson => How::InPerson,
                Road::Post => How::Post,
            };
            let deed = Deed::HandOut(how, to.clone());
            let of_rows = of_rows(&register(store, of, today).await?, rows)?;
            say(store, &of_rows, &deed).await
        }
        Action::Keep { of, rows, because } => {
            let of_rows = of_rows(&register(store, of, today).await?, rows)?;
            say(store, &of_rows, &Deed::Keep(because.clone())).await
        }
        Action::Slip { codes, ticked } => {
            let mut ticks: BTreeSet<Tick> = BTreeSet::from([Tick::Read]);
            ticks.extend(ticked.iter().map(|one| match one {
                Box::Question => Tick::Question,
                Box::Mistake => Tick::Mistake,
                Box::Call => Tick::Call,
            }));
            let mut sheets = Vec::new();
            for typed in codes {
                sheets.push(with_code(store, typed).await?);
            }
            say(store, &sheets, &Deed::TakeSlip(ticks)).await
        }
        Action::NoSlip { code } => {
            let sheet = with_code(store, code).await?;
            say(store, &[sheet], &Deed::GiveUpSlip).await
        }
        Action::Lost { code } => {
            let sheet = with_code(store, code).await?;
            say(store, &[sheet], &Deed::Lose).await
        }
        Action::Calls { .. }
        | Action::Extract(_)
        | Action::Summary { .. }
        | Action::ConsentForms { .. } => document(store, config, action, (zone, now)).await,
        Action::Queue => queue(store).await,
        Action::CameOut { run } => came_out(store, *run, now).await,
        Action::Again { run } => again(store, *run).await,
        Action::Reprint { code, out } => {
            let sheet = with_code(store, code).await?;
            let mut random = clock::random();
            let press = press(store, config, zone)?;
            let printed = press.reprint(&sheet.code, out, now, &mut random).await;
            let printed = printed?.ok_or_else(|| unknown(code))?;
            println!("{}: {} pages", printed.file.display(), printed.pages);
            Ok(())
        }
    }
}

/// Makes pages of a class or student that tell nobody anything.
async fn document(
    store: &Store,
    config: &Config,
    action: &Action,
    (zone, now): (Tz, Millis),
) -> Result<(), Failure> {
    let today = zone::local(now, zone).date();
    match action {
        Action::Calls { class, out } => {
            let (class, _) = whose(store, None, Some(class), today).await?;
            let pdf = press(store, config, zone)?.calls(class, now).await?;
            write(out, pdf)
        }
        Action::Extract(of) => extract(store, config, of, (zone, now)).await,
        Action::Summary {
            whose,
            certified,
            out,
        } => {
            let (class, student) = whose.found(store, today).await?;
            let asked = Asked {
                class,
                student,
                certified: *certified,
            };
            write(out, press(store, config, zone)?.summary(asked, now).await?)
        }
        Action::ConsentForms {
            whose,
            purpose,
            out,
        } => {
            let whose = whose.found(store, today).await?;
            let named = purpose
                .iter()
                .filter_map(|code| Purpose::from_code(code))
                .collect();
            let purposes = if purpose.is_empty() {
                Purpose::ALL.to_vec()
            } else {
                named
            };
            let pdf = press(store, config, zone)?
                .consents(whose, &purposes, now)
                .await?;
            let nobody =
                "nobody attends the class today, or every guardian has answered for these purposes";
            write_unless(out, pdf, nobody)
        }
        _ => Ok(()),
    }
}

/// Makes an extract.
async fn extract(
    store: &Store,
    config: &Config,
    of: &Extracted,
    (zone, now): (Tz, Millis),
) -> Result<(), Failure> {
    if of.to < of.from {
        return Err(Failure::Usage("--to: is before --from".into()));
    }
    let today = zone::local(now, zone).date();
    let (class, student) = of.whose.found(store, today).await?;
    let asked = Extract {
        class,
        student,
        weeks: (of.from, of.to),
        number: of.number.clone(),
        certified: of.certified,
        archived: of.archive,
    };
    write(
        &of.out,
        press(store, config, zone)?.extract(&asked, now).await?,
    )
}

fn press(store: &Store, config: &Config, zone: Tz) -> Result<Press, Failure> {
    let templates = Templates::load(config.templates.as_deref())?;
    Ok(Press::new(config, store.clone(), templates, zone)?)
}

/// Writes pages about a class's children.
fn write(out: &Path, pdf: Option<Pdf>) -> Result<(), Failure> {
    write_unless(out, pdf, "nobody attends the class today")
}

/// Writes pages about children into a file that only its owner may read, or says why there are none.
fn write_unless(out: &Path, pdf: Option<Pdf>, why: &str) -> Result<(), Failure> {
    let pdf = pdf.ok_or_else(|| Failure::Usage(why.to_owned()))?;
    super::invite::write_private(out, &pdf.bytes)?;
    println!("{}: {} pages", out.display(), pdf.pages);
    Ok(())
}

impl Whose {
    /// The class that is meant, and the student where only one is.
    async fn found(
        &self,
        store: &Store,
        today: chrono::NaiveDate,
    ) -> Result<(i64, Option<i64>), Failure> {
        whose(store, self.student.as_deref(), self.class.as_ref(), today).await
    }
}

/// The class that is meant, and the student where only one is.
async fn whose(
    store: &Store,
    student: Option<&str>,
    class: Option<&ClassName>,
    today: chrono::NaiveDate,
) -> Result<(i64, Option<i64>), Failure> {
    let classes = store.classes(today).await?;
    if let Some(wanted) = class {
        let found = classes.iter().find(|(_, class)| class == wanted);
        let (id, _) = found.ok_or_else(|| super::invite::unknown(wanted, &classes))?;
        return Ok((*id, None));
    }
    let who = student.unwrap_or_default();
    let found = super::show::only("student", who, store.find_students(who).await?)?;
    let class = store.class_of(found.id, today).await?;
    let class = class
        .ok_or_else(|| Failure::Usage(format!("{who} attends no class today: name the class")))?;
    Ok((class, Some(found.id)))
}

/// What has not come out of the printer.
async fn queue(store: &Store) -> Result<(), Failure> {
    for run in store.print_queue().await? {
        let says = run.says.unwrap_or_else(|| match run.job_id {
            Some(_) => "the printer prints it".to_owned(),
            None => "it waits for its turn".to_owned(),
        });
        println!(
            "{:>4}  {}  {}  {}: {says}",
            run.id, run.week, run.class, run.state
        );
    }
    Ok(())
}

/// A person looked: the sheets are there.
async fn came_out(store: &Store, run: i64, now: Millis) -> Result<(), Failure> {
    let runs = store.print_queue().await?;
    let known = runs
        .iter()
        .find(|one| one.id == run && one.state == "unsure");
    store
        .run_came_out(known.ok_or_else(|| sure(run))?, now)
        .await?;
    eprintln!("run {run}: its sheets are printed");
    Ok(())
}

/// A person looked: they are not.
async fn again(store: &Store, run: i64) -> Result<(), Failure> {
    if !store.print_again(run).await? {
        return Err(sure(run));
    }
    eprintln!("run {run} is printed again");
    Ok(())
}

fn sure(run: i64) -> Failure {
    Failure::Usage(format!(
        "there is no run {run} that nobody is sure of; vestnik paper queue shows them"
    ))
}

/// The register that is meant.
async fn register(store: &Store, of: &Of, today: chrono::NaiveDate) -> Result<Vec<Entry>, Failure> {
    let classes = store.classes(today).await?;
    let Some((class, _)) = classes.iter().find(|(_, class)| *class == of.class) else {
        return Err(super::invite::unknown(&of.class, &classes));
    };
    let week = match of.week {
        Some(week) => Some(week),
        None => store.weeks_on_paper(*class).await?.first().copied(),
    };
    let Some(week) = week else {
        return Err(Failure::Usage(format!("{} never had sheets", of.class)));
    };
    let register = store.sheet_register(*class, week).await?;
    if register.is_empty() {
        return Err(Failure::Usage(format!(
            "{} had no sheets in {week}",
            of.class
        )));
    }
    Ok(register)
}

/// The sheets of these rows.
fn of_rows(register: &[Entry], typed: &str) -> Result<Vec<Entry>, Failure> {
    let last = register.iter().map(|one| one.row).max().unwrap_or(0);
    let wanted = rows(typed, last).ok_or_else(|| {
        Failure::Usage(format!(
            "--rows: «{typed}» names no rows of this register, which has {last}; write «все», «все, кроме \
             3 и 7» or «1, 2, 5-7»"
        ))
    })?;
    Ok(register
        .iter()
        .filter(|one| wanted.contains(&one.row))
        .cloned()
        .collect())
}

async fn with_code(store: &Store, typed: &str) -> Result<Entry, Failure> {
    let known = match code(typed) {
        Some(code) => store.sheet_with(&code).await?,
        None => None,
    };
    known.ok_or_else(|| unknown(typed))
}

fn unknown(typed: &str) -> Failure {
    Failure::Usage(format!(
        "no sheet has the code {typed}; it stands on the slip, as 5А-06-17-К4"
    ))
}

/// Says it of all these sheets, or of none.
async fn say(store: &Store, sheets: &[Entry], deed: &Deed) -> Result<(), Failure> {
    let now = Clock::Wall.now();
    for sheet in sheets {
        if let Err(refused) = crate::paper::handout::after(sheet.stand, deed) {
            return Err(Failure::Usage(format!(
                "row {}, {}: {refused}",
                sheet.row, sheet.code
            )));
        }
    }
    for sheet in sheets {
        if let Err(refused) = store.say_of_sheet(sheet.id, deed, None, now).await? {
            return Err(Failure::Usage(format!("{}: {refused}", sheet.code)));
        }
    }
    eprintln!("{} sheets", sheets.len());
    Ok(())
}

fn print(register: &[Entry], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let lines: Vec<serde_json::Value> = register
            .iter()
            .map(|one| {
                json!({
                    "row": one.row, "code": one.code, "number": one.number, "student": one.student,
                    "variant": one.variant, "state": one.stand.code(), "why": one.why,
                    "how": one.how, "to_whom": one.to_whom, "because": one.kept_because,
                    "slip": one.slip, "duplicate": one.duplicate,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&lines)?);
        return Ok(());
    }
    for one in register {
        let mut words = vec![one.stand.code().to_owned()];
        words.extend(one.how.clone());
        words.extend(one.to_whom.clone());
        words.extend(one.kept_because.clone());
        words.extend(one.variant.clone());
        if one.duplicate {
            words.push("duplicate".into());
        }
        let ticked = one.slip.as_deref().unwrap_or_default();
        for (_, code) in TICKS.iter().filter(|(_, code)| *code != "read") {
            if ticked.split(',').any(|known| known == *code) {
                words.push((*code).to_owned());
            }
        }
        println!(
            "{:>3}  {}  {}: {}",
            one.row,
            one.code,
            one.student,
            words.join(", ")
        );
    }
    Ok(())
}
