//! Instants as the database keeps them.

/// An instant in milliseconds since 1970-01-01 00:00 UTC.
pub type Millis = i64;

/// One second in [`Millis`].
pub const SECOND: Millis = 1_000;
/// One minute in [`Millis`].
pub const MINUTE: Millis = 60 * SECOND;
/// One hour in [`Millis`].
pub const HOUR: Millis = 60 * MINUTE;
/// One day in [`Millis`], where no zone turns its clocks.
pub const DAY: Millis = 24 * HOUR;
