//! The command line: data on stdout, talk on stderr; exit 0, 1 failed, 2 wrong usage.

mod announce;
mod budget;
mod check;
mod consent;
mod contacts;
mod held;
mod import;
mod invite;
mod ledger;
mod paper;
mod policy;
mod preferences;
mod reconcile;
mod register;
mod route;
mod serve;
mod sheets;
mod show;
mod sms_templates;
mod talk;
mod token;
mod user;

pub(crate) use route::told_of;

use std::{io::IsTerminal, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::{app::story, config::Config, demo, output, store::Store};

/// What a quarantine asks of a person.
const QUARANTINE: &str = "the database is a restored copy, or another machine sent from it last, so that nothing is \
    sent. Import what it lacks, then see vestnik held list and vestnik held release";

/// Tells every family how their child is doing at school, and keeps the proof.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Cli {
    /// The configuration file; without it vestnik.toml of the working directory, else defaults
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show a sample school's week: sandbox providers, a page, nothing else needed
    #[command(after_help = "Example: vestnik demo --once")]
    Demo {
        /// Where the page listens
        #[arg(long, default_value_t = 8650)]
        port: u16,
        /// Replay the week, print `status --json` and end
        #[arg(long)]
        once: bool,
    },
    /// Run the daemon
    #[command(after_help = "Example: vestnik serve --config /etc/vestnik/vestnik.toml")]
    Serve,
    /// Bring the database to this program's version
    #[command(after_help = "Example: vestnik migrate\nserve and demo migrate by themselves.")]
    Migrate,
    /// Say what is wrong with configuration, texts and providers, and how to mend it
    #[command(after_help = "Example: vestnik check")]
    Check,
    /// Read another system's files into the journal
    #[command(
        after_help = "Example: vestnik import --from netschool diary_*.json types.json --dry-run\n\
        The first diary of a class or a student tells nobody anything: it is what everybody is taken to know."
    )]
    Import(import::Arguments),
    /// Count messages and notices by their states; works while the daemon is down
    #[command(after_help = "Example: vestnik status --json")]
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Tell one message's history, from the journal row to the last receipt
    #[command(after_help = "Example: vestnik explain 7XK2M4QZ9R3TB6WA")]
    Explain {
        /// The message's reference
        #[arg(value_name = "REF")]
        reference: String,
    },
    /// Say who would hear of an event, by what, when and why
    #[command(after_help = "Example: vestnik route --student \"Соколова Мария\" --event mark")]
    Route {
        /// An id, a source key, or «Фамилия Имя»
        #[arg(long, value_name = "WHO")]
        student: String,
        /// mark, mark_corrected, homework, absence, remark, term_result, announcement, urgent and so on
        #[arg(long)]
        event: String,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// ru or en; the school's own without it
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<String>,
    },
    /// Keep the register of consents
    #[command(subcommand)]
    Consent(consent::Action),
    /// Announce something to classes, as a class teacher does in the bot
    #[command(
        after_help = "Example: vestnik announce --class 5А --text \"Собрание 20.10 в 18:00\" --confirm one\n\
        It leaves in a minute, at night in the morning, unless it is urgent."
    )]
    Announce(announce::Arguments),
    /// Make one-time codes by which families and staff connect to the bot
    #[command(after_help = "Example: vestnik invite --class 5А --out cards.pdf\n\
        Each code lets one person in, once. Older codes of the same people let nobody in any more.")]
    Invite(invite::Arguments),
    /// List addresses that are not written to, and take one off that list
    #[command(subcommand)]
    Contacts(contacts::Action),
    /// Make links by which families say how they want to hear, and list what they said
    #[command(subcommand)]
    Preferences(preferences::Action),
    /// Decide about what looks like a mishap and waits
    #[command(subcommand)]
    Held(held::Action),
    /// Show which rules hold, by which clause, and how schools differ
    #[command(subcommand)]
    Policy(policy::Action),
    /// Make the printed sheets of a week, and tell their families by them
    #[command(
        after_help = "Example: vestnik sheets --class 5А --week 2026-W42 --out sheets\n\
        Families hear on paper who chose it, gave no consent or cannot be reached otherwise. What waits \
        for the sheet counts as told when its file lies in the folder."
    )]
    Sheets(sheets::Arguments),
    /// Keep the register of sheets: who got one, whose slip came back, duplicates
    #[command(subcommand)]
    Paper(paper::Action),
    /// Set pages from standard input; the program starts itself so
    #[command(name = "sheet-child", hide = true)]
    SheetChild,
    /// Say what SMS have cost in a month, and what is left
    #[command(after_help = "Example: vestnik budget --month 2026-10\n\
        Prices and budget stand in the configuration, below [channels.sms].")]
    Budget(budget::Arguments),
    /// Say for a week which families were informed, how surely, and why others were not
    #[command(after_help = "Example: vestnik ledger --week 2026-W47 --class 5А\n\
        E0 planned, E1 taken by the provider or printed, E2 delivered or handed out, E3 acknowledged, \
        E4 signed on paper. --csv writes semicolons and a byte order mark, as Excel in a Russian school \
        opens them.")]
    Ledger(ledger::Arguments),
    /// Prove that changes, notices, messages and sheets agree, and name each gap
    #[command(after_help = "Example: vestnik reconcile --json\n\
        Reads only, in one snapshot, and may run beside the daemon. Exit 0 when everything agrees, 1 when \
        there is a gap.")]
    Reconcile {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the texts of all SMS for operators to register, export them, and keep where that stands
    #[command(subcommand)]
    SmsTemplates(sms_templates::Action),
    /// Let programs use the API, list them, and let them use it no more
    #[command(subcommand)]
    Token(token::Action),
    /// Let people look at the board, list them, and let them look no more
    #[command(subcommand)]
    User(user::Action),
    /// Send a test message to an address of your own
    #[command(after_help = "Example: vestnik send-test email admin@example.org")]
    SendTest {
        /// email, sms or telegram
        channel: String,
        /// Where to
        address: String,
    },
}

/// Why a command did not do what it was asked to.
pub(crate) enum Failure {
    /// It was asked the wrong way.
    Usage(String),
    /// It failed.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    if matches!(cli.command, Command::SheetChild) {
        let (input, output, errors) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        return if vestnik_sheet::work(input, output, errors) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => Err(error.into()),
    };
    let printed = output::finish();
    match result {
        Ok(()) => match printed {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("vestnik: the output was lost: {error}");
                ExitCode::FAILURE
            }
        },
        Err(Failure::Usage(problem)) => {
            eprintln!("vestnik: {problem}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            eprintln!("vestnik: {}", story(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    if let Command::Demo { port, once } = cli.command {
        return Ok(demo(port, once).await?);
    }
    let config = Config::load(cli.config.as_deref(), std::env::vars());
    if let Command::Check = cli.command {
        return check::run(config).await;
    }
    let config = config?;
    match cli.command {
        Command::Serve => serve::run(&config).await?,
        Command::Migrate => {
            open(&config).await?.school(&config.school).await?;
            eprintln!("the database is at this program's version");
        }
        Command::Import(arguments) => {
            import::run(&open(&config).await?, &config, &arguments).await?;
        }
        Command::Policy(action) => policy::run(&config, &action).await?,
        Command::Paper(action) => {
            paper::run(&open(&config).await?, &config, &action).await?;
        }
        Command::User(action) => {
            user::run(&open(&config).await?, &config, &action).await?;
        }
        Command::Token(action) => token::run(&open(&config).await?, &action).await?,
        Command::SendTest { channel, address } => {
            check::send_test(&config, &channel, &address).await?;
        }
        other => looked(other, &config).await?,
    }
    Ok(())
}

/// Runs a command that looks into a database of the right version.
async fn looked(command: Command, config: &Config) -> Result<(), Failure> {
    let store = &look(config).await?;
    match command {
        Command::Status { json } => show::status(store, json).await?,
        Command::Explain { reference } => {
            show::explain(store, config, &reference).await?;
        }
        Command::Route {
            student,
            event,
            json,
            language,
        } => {
            let question = route::Question {
                student: &student,
                event: &event,
                language: language.as_deref(),
                json,
            };
            route::run(store, config, &question).await?;
        }
        Command::Consent(action) => {
            consent::run(store, config, &action).await?;
        }
        Command::Announce(arguments) => {
            announce::run(store, config, &arguments).await?;
        }
        Command::Invite(arguments) => {
            invite::run(store, config, &arguments).await?;
        }
        Command::Contacts(action) => {
            contacts::run(store, config, &action).await?;
        }
        Command::Preferences(action) => {
            preferences::run(store, config, &action).await?;
        }
        Command::Held(action) => {
            held::run(store, config, &action).await?;
        }
        Command::Sheets(arguments) => {
            sheets::run(store, config, &arguments).await?;
        }
        Command::Budget(arguments) => {
            budget::run(store, config, &arguments).await?;
        }
        Command::Ledger(arguments) => {
            ledger::run(store, config, &arguments).await?;
        }
        Command::Reconcile { json } => {
            reconcile::run(store, config, json).await?;
        }
        Command::SmsTemplates(action) => {
            sms_templates::run(store, config, &action).await?;
        }
        // The others were answered before.
        _ => {}
    }
    Ok(())
}

/// The demo knows no configuration: it is the same everywhere.
async fn demo(port: u16, once: bool) -> Result<()> {
    let config = Config::defaults()?;
    let port = if once { 0 } else { port };
    let status = demo::run(&config, demo::Options { port, once }, serve::stopped()?).await?;
    if once {
        show::print_status(&status, true)?;
    }
    Ok(())
}

/// Opens the configured database.
pub(crate) async fn open(config: &Config) -> Result<Store> {
    Store::open(config.database.reveal())
        .await
        .context("database.url")
}

/// Opens the configured database only to look into it.
async fn look(config: &Config) -> Result<Store> {
    Store::look(config.database.reveal())
        .await
        .context("database.url")
}

/// Starts logging to stderr.
pub(crate) fn log(config: &Config) -> Result<()> {
    let mut filter = EnvFilter::try_new(&config.log.level).context("log.level")?;
    if !config.log.level.contains("sqlx") {
        // What the database library remarks at «info» is of no use to an administrator.
        filter = filter.add_directive("sqlx=warn".parse()?);
    }
    // The library of SMPP writes whole PDUs: passwords, numbers and texts.
    for target in ["rusmpp=off", "rusmppc=off"] {
        filter = filter.add_directive(target.parse()?);
    }
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    if config.log.json {
        builder.json().init();
    } else {
        builder.init();
    }
    Ok(())
}
