//! Stories of the engine under a clock that the test turns, on both databases.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

mod absence;
mod cap;
mod corrections;
#[path = "../support/desk.rs"]
mod desk;
mod engine;
mod events;
mod families;
mod fitting;
mod gateways;
mod held;
mod ladder;
mod ledger;
mod paper;
mod quarantine;
mod reconcile;
mod results;
mod school;
mod silence;
#[path = "../support/mod.rs"]
mod support;
mod traps;
mod week;
