//! `user`: who may look at the board.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, show::only};
use crate::{
    clock::{self, Clock},
    config::Config,
    links::Links,
    secret::Secret,
    store::{NewUser, Store},
    user::{Role, chain, deed::Deed, login, password},
};

/// Who does it, where nobody has logged in.
const HERE: (Option<i64>, &str) = (None, chain::HERE);

/// What is done with who may look at the board.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Let somebody look at the board
    #[command(
        after_help = "Example: vestnik user add a.ivanova --role class_teacher --staff \"Иванова Анна\"\n\
        The password is printed once and has to be changed at the first login, where the second factor is set up, too."
    )]
    Add(New),
    /// List who may look at the board
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Give somebody a new password, and have them set up the second factor anew
    #[command(after_help = "Example: vestnik user reset a.ivanova")]
    Reset {
        /// Whose
        login: String,
        /// Take the password from the first line of a file instead of drawing one
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Let somebody look no more; what they did stays written down
    #[command(after_help = "Example: vestnik user end a.ivanova")]
    End {
        /// Who
        login: String,
    },
}

/// Somebody new.
#[derive(Debug, Args)]
pub(super) struct New {
    /// What they log in with: letters, digits, dots and dashes
    login: String,
    /// What they may see and do
    #[arg(long, value_enum)]
    role: Kind,
    /// Who they are among the staff: an id, a source key, or «Фамилия Имя»; class teachers need it
    #[arg(long, value_name = "WHO", required_if_eq("role", "class_teacher"))]
    staff: Option<String>,
    /// What they are called, where they are nobody of the staff
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The language of their pages
    #[arg(long, value_parser = ["ru", "en"], default_value = "ru")]
    language: String,
    /// Take the password from the first line of a file instead of drawing one
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// What somebody may see and do.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Kind {
    /// Everything
    Admin,
    /// Everything but who may look
    Director,
    /// As the director
    Deputy,
    /// The own classes
    ClassTeacher,
    /// Paper
    Secretary,
}

pub(super) async fn run(store: &Store, config: &Config, action: &Action) -> Result<(), Failure> {
    match action {
        Action::Add(new) => add(store, config, new).await,
        Action::List { json } => list(store, *json).await,
        Action::Reset {
            login,
            password_file,
        } => reset(store, login, password_file.as_ref()).await,
        Action::End { login } => end(store, login).await,
    }
}

async fn add(store: &Store, config: &Config, new: &New) -> Result<(), Failure> {
    let mut random = clock::random();
    if Links::open(config, store.file(), &mut random)?.is_none() {
        return Err(Failure::Usage(
            "there is no key for second factors: set web.link_key_file or database.state_dir"
                .into(),
        ));
    }
    let wrong = || {
        Failure::Usage(format!(
            "login: «{}» is none: write 3 to 40 letters, digits, dots and dashes",
            new.login
        ))
    };
    let login = login(&new.login).ok_or_else(wrong)?;
    let staff = match &new.staff {
        Some(who) => Some(only("member of staff", who, store.find_staff(who).await?)?),
        None => None,
    };
    let name = new
        .name
        .clone()
        .or_else(|| staff.as_ref().map(|one| one.name.clone()));
    let (password, drawn) = chosen(&login, new.password_file.as_ref())?;
    let role = match new.role {
        Kind::Admin => Role::Admin,
        Kind::Director => Role::Director,
        Kind::Deputy => Role::Deputy,
        Kind::ClassTeacher => Role::ClassTeacher,
        Kind::Secretary => Role::Secretary,
    };
    let hash = password::hash(&password, &mut random)?;
    let row = NewUser {
        login: &login,
        name: name.as_deref().unwrap_or(&login),
        role,
        staff_id: staff.map(|one| one.id),
        language: &new.language,
        password: &hash,
    };
    let now = Clock::Wall.now();
    let deed = Deed::AddUser {
        login: &login,
        role: role.code(),
    };
    let mut tx = store.deed(HERE, &deed, now).await?;
    if tx.add_user(&row, now).await?.is_none() {
        return Err(Failure::Usage(format!(
            "{login} may look already: vestnik user reset {login} gives a new password"
        )));
    }
    tx.commit().await?;
    tell(&login, &password, drawn);
    Ok(())
}

/// The password of a file, or one that is drawn, and whether it is.
fn chosen(login: &str, file: Option<&PathBuf>) -> Result<(Secret, bool), Failure> {
    let Some(path) = file else {
        return Ok((password::draw(&mut clock::random()), true));
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("--password-file: {}: {error}", path.display())))?;
    let secret = Secret::new(text.lines().next().unwrap_or_default());
    password::check(&secret, login)
        .map_err(|error| Failure::Usage(format!("--password-file: {error}")))?;
    Ok((secret, false))
}

fn tell(login: &str, password: &Secret, drawn: bool) {
    if drawn {
        println!("{login}  {}", password.reveal());
        eprintln!("This password is shown once. It has to be changed at the first login.");
    } else {
        println!("{login}");
        eprintln!("The password of the file has to be changed at the first login.");
    }
}

async fn list(store: &Store, as_json: bool) -> Result<(), Failure> {
    let users = store.users().await?;
    if as_json {
        let list: Vec<_> = users
            .iter()
            .map(|one| {
                json!({
                    "login": one.login, "name": one.name, "role": one.role.code(),
                    "staff_id": one.staff_id, "language": one.language,
                    "second_factor": one.second.is_some(), "password_given": one.given,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(());
    }
    for one in &users {
        let state = match (one.given, &one.second) {
            (true, _) => "has not logged in yet",
            (false, None) => "without a second factor",
            (false, Some(_)) => "",
        };
        println!(
            "{:<20}  {:<14}  {}  {state}",
            one.login,
            one.role.code(),
            one.name
        );
    }
    if users.is_empty() {
        eprintln!("nobody may look at the board: vestnik user add LOGIN --role admin");
    }
    Ok(())
}

async fn reset(store: &Store, typed: &str, file: Option<&PathBuf>) -> Result<(), Failure> {
    let known = match login(typed) {
        Some(login) => store.known(&login).await?,
        None => None,
    };
    let user = known.ok_or_else(|| nobody(typed))?.user;
    let (password, drawn) = chosen(&user.login, file)?;
    let hash = password::hash(&password, &mut clock::random())?;
    let now = Clock::Wall.now();
    let deed = Deed::ResetUser { login: &user.login };
    let mut tx = store.deed(HERE, &deed, now).await?;
    tx.set_password(user.id, &hash, true, None).await?;
    tx.set_second(user.id, None).await?;
    tx.commit().await?;
    tell(&user.login, &password, drawn);
    Ok(())
}

async fn end(store: &Store, typed: &str) -> Result<(), Failure> {
    let login = login(typed).ok_or_else(|| nobody(typed))?;
    let now = Clock::Wall.now();
    let deed = Deed::EndUser { login: &login };
    let mut tx = store.deed(HERE, &deed, now).await?;
    if !tx.end_user(&login, now).await? {
        return Err(nobody(typed));
    }
    tx.commit().await?;
    eprintln!("{login} may not look at the board any more");
    Ok(())
}

fn nobody(login: &str) -> Failure {
    Failure::Usage(format!(
        "nobody looks at the board as {login}: vestnik user list shows who does"
    ))
}
