//! `sms-templates`: the texts of all SMS for operators to register, and where that stands with each.

use anyhow::{Context, Result, anyhow};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Subcommand, ValueEnum};
use serde_json::json;
use vestnik_sms::parts;

use super::{Failure, check::Line};
use crate::{
    clock::Clock,
    config::Config,
    instant::Millis,
    providers,
    store::{Registration, Store},
    text::{Homeless, Skeleton, TemplateError, Templates, homeless, skeletons},
    zone,
};

/// What is done with the texts.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List the texts with an example, and where each stands with each operator
    #[command(after_help = "Example: vestnik sms-templates list\n\
        Exit 1 where a template makes an SMS that fits none of the texts. Operators are those of the gateway, or \
        of channels.sms.operators.")]
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Write the texts as a table for an operator's form
    #[command(
        after_help = "Example: vestnik sms-templates export --operator МТС >templates.csv\n\
        With semicolons and a byte order mark, as Excel in a Russian school opens it. What the operator has \
        registered as it stands is left out, unless --all is given."
    )]
    Export {
        /// The operator
        #[arg(long, value_name = "NAME")]
        operator: String,
        /// What is registered, too
        #[arg(long)]
        all: bool,
    },
    /// Write down where the registration of the texts stands with an operator
    #[command(
        after_help = "Example: vestnik sms-templates record --operator МТС --state registered --only one\n\
        Where an operator still knows a text that no SMS fits any more, revoked is said of that one."
    )]
    Record {
        /// The operator
        #[arg(long, value_name = "NAME")]
        operator: String,
        /// Where it stands
        #[arg(long)]
        state: State,
        /// Only this text; all of them without it
        #[arg(long, value_name = "NAME")]
        only: Option<String>,
        /// Since when, as in 2026-11-20; today without it
        #[arg(long, value_name = "DATE")]
        on: Option<NaiveDate>,
    },
}

/// Where a registration stands, by the codes of `sms_template.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    /// It was handed in.
    Submitted,
    /// The operator knows it.
    Registered,
    /// The operator knows it no longer, or never did.
    Revoked,
}

impl State {
    fn code(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Registered => "registered",
            Self::Revoked => "revoked",
        }
    }
}

/// What an operator makes of an SMS that fits a text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing<'a> {
    /// It has never heard of the text.
    Draft,
    /// It was told of this very text.
    Known(&'a Registration),
    /// It was told of another text by this name.
    Changed(&'a Registration),
}

impl<'a> Standing<'a> {
    /// Where a text stands with an operator, by what is written down of all.
    fn of(skeleton: &Skeleton, operator: &str, known: &'a [Registration]) -> Self {
        let with = || known.iter().filter(|row| same(&row.operator, operator));
        if let Some(row) = with().find(|row| row.text == skeleton.text) {
            return Self::Known(row);
        }
        let before = with().filter(|row| row.name == skeleton.name && row.state != "revoked");
        before
            .max_by_key(|row| row.state_at)
            .map_or(Self::Draft, Self::Changed)
    }

    fn registered(&self) -> bool {
        matches!(self, Self::Known(row) if row.state == State::Registered.code())
    }

    /// `draft`, `changed`, or what is written down.
    fn code(&self) -> &'a str {
        match self {
            Self::Draft => "draft",
            Self::Changed(_) => "changed",
            Self::Known(row) => &row.state,
        }
    }

    fn since(&self) -> Option<Millis> {
        match self {
            Self::Draft => None,
            Self::Known(row) | Self::Changed(row) => Some(row.state_at),
        }
    }

    fn words(&self, zone: Tz) -> String {
        match self {
            Self::Draft => "not handed in".to_owned(),
            Self::Known(row) => format!("{} since {}", row.state, day(row.state_at, zone)),
            Self::Changed(row) => format!(
                "changed; {} since {} is: {}",
                row.state,
                day(row.state_at, zone),
                flat(&row.text)
            ),
        }
    }
}

/// All that is asked about: the texts, and what is written down of them.
pub(super) struct Texts {
    school: String,
    latin: bool,
    pub(super) all: Vec<Skeleton>,
    known: Vec<Registration>,
    pub(super) operators: Vec<String>,
}

impl Texts {
    pub(super) async fn read(store: &Store, config: &Config) -> Result<Self> {
        let latin = config.sms.as_ref().is_some_and(|sms| sms.transliterate);
        let seeded = config.school.short_name.as_ref();
        let seeded = seeded.unwrap_or(&config.school.name);
        let school = store.short_name().await?.unwrap_or_else(|| seeded.clone());
        Ok(Self {
            all: skeletons(config.templates.as_deref(), &school, latin)?,
            school,
            latin,
            known: store.registrations().await?,
            operators: config
                .sms
                .as_ref()
                .map_or_else(Vec::new, providers::operators),
        })
    }

    /// Gives the texts their examples, and returns what the templates make that fits none of them.
    fn prove(&mut self, config: &Config) -> Result<Vec<Homeless>, TemplateError> {
        let directory = config.templates.as_deref();
        homeless(&mut self.all, directory, &self.school, self.latin)
    }

    /// The operators who demand a registration, and those of whom something is written down.
    fn asked(&self) -> Vec<&str> {
        let mut asked: Vec<&str> = self.operators.iter().map(String::as_str).collect();
        for row in &self.known {
            if !asked.iter().any(|operator| same(operator, &row.operator)) {
                asked.push(&row.operator);
            }
        }
        asked
    }

    /// An operator as it is spelt here already.
    fn spelt(&self, operator: &str) -> String {
        let operator = operator.trim();
        let mut known = self.asked().into_iter();
        known
            .find(|known| same(known, operator))
            .unwrap_or(operator)
            .to_owned()
    }

    /// What operators still know and no SMS fits any more.
    fn stale(&self) -> impl Iterator<Item = &Registration> {
        self.known
            .iter()
            .filter(|row| row.state != "revoked" && self.all.iter().all(|one| one.text != row.text))
    }

    /// What to do about each operator who demands a registration and has none of some texts.
    fn warnings(&self, zone: Tz) -> Vec<String> {
        let warning = |operator: &String| {
            let mut missing = Vec::new();
            let mut waiting = Vec::new();
            for one in &self.all {
                let standing = Standing::of(one, operator, &self.known);
                let name = &one.name;
                match standing {
                    _ if standing.registered() => {}
                    Standing::Known(row) if row.state == State::Submitted.code() => {
                        waiting.push(format!("{name} since {}", day(row.state_at, zone)));
                    }
                    Standing::Draft => missing.push(name.clone()),
                    Standing::Known(row) => missing.push(format!("{name} ({})", row.state)),
                    Standing::Changed(row) => missing.push(format!(
                        "{name} (changed, its text of {} is another)",
                        day(row.state_at, zone)
                    )),
                }
            }
            let mut words = Vec::new();
            if !missing.is_empty() {
                words.push(format!(
                    "{operator} takes SMS for advertising that fit no registered text, and has not registered {}: \
                     hand in the table of «vestnik sms-templates export --operator {operator}», and write down by \
                     «vestnik sms-templates record» where that stands",
                    missing.join(", ")
                ));
            }
            if !waiting.is_empty() {
                words.push(format!(
                    "{operator} has yet to register {}",
                    waiting.join(", ")
                ));
            }
            words
        };
        self.operators.iter().flat_map(warning).collect()
    }
}

fn same(left: &str, right: &str) -> bool {
    left.to_lowercase() == right.to_lowercase()
}

fn day(at: Millis, zone: Tz) -> String {
    zone::local(at, zone).format("%d.%m.%Y").to_string()
}

/// A text on one line.
fn flat(text: &str) -> String {
    text.replace('\n', " / ")
}

/// What `check` says: whether every SMS fits a text, and which operators do not know the texts.
pub(super) async fn check(config: &Config) -> Vec<Line> {
    const NAME: &str = "sms-templates";
    // What is wrong with the database has been said already.
    let (Some(_), Ok(store)) = (&config.sms, super::open(config).await) else {
        return Vec::new();
    };
    let read = Texts::read(&store, config).await;
    let proved = read.and_then(|mut texts| Ok((texts.prove(config)?, texts)));
    let texts = match proved {
        Ok((homeless, texts)) if homeless.is_empty() => texts,
        Ok((homeless, _)) => {
            let wrong = homeless.iter().map(|one| (NAME, Err(one.to_string())));
            return wrong.collect();
        }
        // So has what is wrong with any template.
        Err(_) if Templates::load(config.templates.as_deref()).is_err() => return Vec::new(),
        Err(error) => return vec![(NAME, Err(crate::app::story(error.as_ref())))],
    };
    let zone = store.school(&config.school).await;
    for warning in texts.warnings(zone.unwrap_or(config.school.timezone)) {
        println!("note  {NAME}: {warning}");
    }
    let words = format!("every SMS fits one of {} texts", texts.all.len());
    vec![(NAME, Ok(words))]
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    let zone = store.school(&config.school).await?;
    let mut texts = Texts::read(store, config).await?;
    match action {
        Action::List { json } => {
            let homeless = texts.prove(config)?;
            if *json {
                println!("{}", as_json(&texts, zone)?);
            } else {
                list(&texts, zone);
            }
            fitting(&homeless)
        }
        Action::Export { operator, all } => {
            fitting(&texts.prove(config)?)?;
            let sender = config.sms.as_ref().and_then(|sms| sms.sender.as_deref());
            let operator = texts.spelt(operator);
            let wanted = texts
                .all
                .iter()
                .filter(|one| *all || !Standing::of(one, &operator, &texts.known).registered());
            let wanted: Vec<&Skeleton> = wanted.collect();
            if wanted.is_empty() {
                eprintln!("{operator} has registered all of them; --all exports them again");
            } else {
                print!("{}", table(&wanted, sender.unwrap_or_default())?);
            }
            Ok(())
        }
        Action::Record {
            operator,
            state,
            only,
            on,
        } => {
            let now = Clock::Wall.now();
            let since = on.map_or(now, |day| zone::instant(day.into(), zone));
            if since > now {
                return Err(Failure::Usage(format!(
                    "--on {}: write down what is so already",
                    day(since, zone)
                )));
            }
            record(
                store,
                &texts,
                &texts.spelt(operator),
                *state,
                only.as_deref(),
                since,
            )
            .await
        }
    }
}

/// An operator must not register texts that the school's SMS do not fit.
fn fitting(homeless: &[Homeless]) -> Result<(), Failure> {
    let wrong: Vec<String> = homeless.iter().map(ToString::to_string).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::Failed(anyhow!("{}", wrong.join("\n  "))))
}

async fn record(
    store: &Store,
    texts: &Texts,
    operator: &str,
    state: State,
    only: Option<&str>,
    since: Millis,
) -> Result<(), Failure> {
    if operator.is_empty() {
        return Err(Failure::Usage("--operator: name one".into()));
    }
    let chosen = texts
        .all
        .iter()
        .filter(|one| only.is_none_or(|only| only == one.name));
    let chosen: Vec<(&str, &str)> = chosen
        .map(|one| (one.name.as_str(), one.text.as_str()))
        .collect();
    // What no SMS fits any more can only be revoked.
    let stale: Vec<(&str, &str)> = texts
        .stale()
        .filter(|row| state == State::Revoked && same(&row.operator, operator))
        .filter(|row| only.is_none_or(|only| only == row.name))
        .map(|row| (row.name.as_str(), row.text.as_str()))
        .collect();
    if chosen.is_empty() && stale.is_empty() {
        let names: Vec<&str> = texts.all.iter().map(|one| one.name.as_str()).collect();
        return Err(Failure::Usage(format!(
            "--only {}: there is no such text; there are {}",
            only.unwrap_or_default(),
            names.join(", ")
        )));
    }
    // A text that was changed is revoked apart from the one in its place.
    let rows = if stale.is_empty() { chosen } else { stale };
    for (name, text) in &rows {
        let registration = Registration {
            operator: operator.to_owned(),
            name: (*name).to_owned(),
            text: (*text).to_owned(),
            state: state.code().to_owned(),
            state_at: since,
        };
        store.register(&registration).await?;
    }
    let names: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    println!("{operator}: {} {}", names.join(", "), state.code());
    Ok(())
}

fn list(texts: &Texts, zone: Tz) {
    for one in &texts.all {
        println!("{}\n  {}", one.name, one.text.replace('\n', "\n  "));
        if !one.example.is_empty() {
            let counted = parts::count(&one.example).parts;
            println!("  for example, {counted} part(s): {}", flat(&one.example));
        }
        for operator in texts.asked() {
            let standing = Standing::of(one, operator, &texts.known);
            println!("  {operator}: {}", standing.words(zone));
        }
        println!();
    }
    for row in texts.stale() {
        println!(
            "no SMS fits it any more, revoke it: {}, {} since {}: {}",
            row.operator,
            row.state,
            day(row.state_at, zone),
            flat(&row.text)
        );
    }
    for warning in texts.warnings(zone) {
        eprintln!("note: {warning}");
    }
    if texts.operators.is_empty() {
        eprintln!(
            "note: no operator is known to demand a registration; name those who do in channels.sms.operators"
        );
    }
}

fn as_json(texts: &Texts, zone: Tz) -> Result<String> {
    let all: Vec<_> = texts
        .all
        .iter()
        .map(|one| {
            let operators = texts.asked().into_iter().map(|operator| {
                let standing = Standing::of(one, operator, &texts.known);
                json!({
                    "operator": operator,
                    "state": standing.code(),
                    "since": standing.since().map(|at| zone::timestamp(at, zone)),
                })
            });
            json!({
                "name": one.name,
                "text": one.text,
                "example": one.example,
                "operators": operators.collect::<Vec<_>>(),
            })
        })
        .collect();
    serde_json::to_string_pretty(&all).context("the texts as JSON")
}

/// The columns that operators' forms ask for. Semicolons and a byte order mark: a Russian Excel opens it by a
/// double click.
fn table(texts: &[&Skeleton], sender: &str) -> Result<String> {
    let mut table = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    table.write_record(["Отправитель", "Тип", "Название", "Шаблон", "Пример"])?;
    for one in texts {
        let row = [sender, "сервисный", &one.name, &one.text, &one.example];
        // What a spreadsheet would take for a formula is given to it as text.
        let row = row.map(|field| match field.chars().next() {
            Some('=' | '+' | '-' | '@' | '\t') => format!("'{field}"),
            _ => field.to_owned(),
        });
        table.write_record(row)?;
    }
    let bytes = table.into_inner().map_err(|error| anyhow!("{error}"))?;
    Ok(format!("\u{feff}{}", String::from_utf8(bytes)?))
}
