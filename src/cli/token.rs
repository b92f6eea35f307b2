//! `token`: which programs may use the API.

use clap::Subcommand;
use serde_json::json;

use super::Failure;
use crate::{
    clock::{self, Clock},
    engine::reference,
    store::Store,
    web::api::{SCOPES, hashed},
};

/// What is done with the tokens of programs.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Let a program use the API
    #[command(
        after_help = "Example: vestnik token add ejournal --scope journal.write --scope messages.read\n\
        The token is printed once; only its hash is kept. The description of the API is at /api/v1/openapi.json."
    )]
    Add {
        /// What the program is called
        name: String,
        /// What it may do
        #[arg(long, required = true, value_name = "SCOPE", value_parser = SCOPES)]
        scope: Vec<String>,
    },
    /// List the programs that may use the API
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Let a program use the API no more
    #[command(after_help = "Example: vestnik token end ejournal")]
    End {
        /// What the program is called
        name: String,
    },
}

pub(super) async fn run(store: &Store, action: &Action) -> Result<(), Failure> {
    let now = Clock::Wall.now();
    match action {
        Action::Add { name, scope } => {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            if name.is_empty() || name.len() > 40 || !name.chars().all(plain) {
                return Err(Failure::Usage(format!(
                    "«{name}» is no name: write 1 to 40 letters, digits and dashes"
                )));
            }
            let mut random = clock::random();
            let token = format!("{}{}", reference(&mut random), reference(&mut random));
            let scopes: Vec<&str> = scope.iter().map(String::as_str).collect();
            store.add_token(name, &hashed(&token), &scopes, now).await?;
            println!("{token}");
            eprintln!("This token is shown once.");
        }
        Action::List { json } => {
            let tokens = store.tokens().await?;
            if *json {
                let list: Vec<_> = tokens
                    .iter()
                    .map(|one| json!({ "name": one.name, "scopes": one.scopes }))
                    .collect();
                println!("{}", serde_json::to_string_pretty(&list)?);
            } else {
                for one in &tokens {
                    println!("{:<20}  {}", one.name, one.scopes.join(" "));
                }
            }
        }
        Action::End { name } => {
            if store.end_token(name, now).await? == 0 {
                return Err(Failure::Usage(format!(
                    "no program is called {name}: vestnik token list shows them"
                )));
            }
            eprintln!("{name} may not use the API any more");
        }
    }
    Ok(())
}
