//! Listens to the product's log for what it must not say: no address, no name, no text.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// What addresses, names and texts of the simulated school have in common.
const PERSONAL: [&str; 8] = [
    "+79",
    "7000000",
    "@",
    "Саша",
    "Родитель",
    "Ученик",
    "Предмет",
    "упр.",
];

/// Everything that was logged in a life, as far as it says what it must not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ear(Arc<Mutex<Vec<String>>>);

impl Ear {
    /// Listens to this thread's log until the guard is dropped.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        let ear = Self::default();
        let log = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("vestnik=trace"))
            .with_ansi(false)
            .with_writer(ear.clone())
            .finish();
        (ear, tracing::subscriber::set_default(log))
    }

    /// Whether nothing personal was logged.
    ///
    /// # Errors
    /// The first line that was.
    pub(crate) fn judge(&self) -> Result<(), String> {
        let heard = self.0.lock().unwrap();
        heard.first().map_or(Ok(()), |line| {
            Err(format!("the log says what it must not: {line}"))
        })
    }
}

impl io::Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if PERSONAL.iter().any(|word| line.contains(word)) {
            self.0.lock().unwrap().push(line.trim().to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Ear {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
