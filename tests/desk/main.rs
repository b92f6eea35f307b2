//! Stories of the engine under a clock that the test turns, on both databases.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

mod absence;
mod acknowledged;
mod admin;
mod alarms;
mod bot;
mod cap;
mod choices;
mod corrections;
mod decided;
#[path = "../support/desk.rs"]
mod desk;
mod engine;
mod events;
mod failover;
mod families;
mod fitting;
mod forms;
mod gateways;
mod handout;
mod held;
mod ladder;
mod language;
mod ledger;
mod mail;
mod money;
mod numbers;
mod paper;
mod polls;
mod printing;
mod quarantine;
mod receipts;
mod reconcile;
mod results;
mod rhythm;
mod roads;
mod school;
mod silence;
mod staff;
mod strange;
#[path = "../support/mod.rs"]
mod support;
#[path = "../support/talk.rs"]
mod talk;
mod teacher;
mod terms;
mod transcripts;
mod traps;
mod urgent;
mod week;
