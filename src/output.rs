//! What commands print. A reader who has read enough, as `head` has, ends nothing but the printing; output
//! that is lost for another reason, such as a full disk, makes the command fail.
//!
//! The macros stand in the place of those of the standard library, which panic where nobody reads on.

use std::{
    fmt::Arguments,
    io::{self, ErrorKind, Write},
    sync::OnceLock,
};

/// Why output was lost, the first time that it was.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// Prints data to stdout.
macro_rules! print {
    ($($words:tt)*) => { $crate::output::data(format_args!($($words)*)) };
}

/// Prints a line of data to stdout.
macro_rules! println {
    () => { print!("\n") };
    ($($words:tt)*) => { print!("{}\n", format_args!($($words)*)) };
}

/// Prints a line of talk to stderr.
macro_rules! eprintln {
    ($($words:tt)*) => { $crate::output::talk(format_args!($($words)*)) };
}

pub(crate) fn data(words: Arguments<'_>) {
    keep(io::stdout().lock().write_fmt(words));
}

/// Talk that nobody hears is no failure.
pub(crate) fn talk(words: Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{words}");
}

/// Brings out what is still under way, and says whether all was printed that somebody wanted to read.
///
/// # Errors
/// Why output was lost.
pub(crate) fn finish() -> Result<(), &'static io::Error> {
    keep(io::stdout().lock().flush());
    LOST.get().map_or(Ok(()), Err)
}

fn keep(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        // The first reason is the one that counts.
        let _ = LOST.set(error);
    }
}
