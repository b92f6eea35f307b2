//! A program that is nothing but the child, for the tests.

use std::{io, process::ExitCode};

fn main() -> ExitCode {
    if vestnik_sheet::work(io::stdin(), io::stdout(), io::stderr()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
