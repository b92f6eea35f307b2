//! A sample school as values: for the demo, which fills it into a database and lives through its week.

mod lessons;
pub mod school;
pub mod week;
