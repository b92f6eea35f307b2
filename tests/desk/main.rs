//! Stories of the engine under a clock that the test turns, on both databases.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

#[path = "../support/desk.rs"]
mod desk;
mod engine;
mod events;
mod held;
mod ledger;
mod paper;
mod reconcile;
mod silence;
#[path = "../support/mod.rs"]
mod support;
mod week;
