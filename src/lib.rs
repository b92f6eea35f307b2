//! vestnik tells families how their children are doing at school.
//!
//! The rooms, in the order in which a mark walks through them:
//!
//! 1. [`journal`]: what stands in the journal, and which of it is a fact that a family may hear.
//! 2. [`family`]: who may hear it, by which channel and when.
//! 3. [`plan`]: from a changed fact to the duty to tell somebody.
//! 4. [`breaker`]: what looks like a mishap waits for a person.
//! 5. [`pace`]: what the rules of [`absence`] and of term [`results`] say of a duty's hour.
//! 6. [`mod@compose`]: from duties that are due to one message for one address; [`text`] sets it in
//!    words.
//! 7. [`may_send`]: the last word before a message leaves.
//! 8. [`next`]: from an attempt's outcome to the next step; [`receipt`]: from its parts to the whole;
//!    [`failover`]: from the outcomes of many to the provider account that takes the next.
//!
//! All of these are functions of values: no I/O, no clock, no randomness of their own. [`store`]
//! is the only room with SQL, and [`engine`] joins the two. [`paper`] makes the printed sheets of the
//! families who hear by no other channel.

#[macro_use]
mod output;

pub mod absence;
pub mod alarm;
pub mod announce;
pub mod app;
pub mod backup;
pub mod bot;
pub mod breaker;
pub mod cli;
pub mod clock;
pub mod compose;
pub mod config;
pub mod demo;
pub mod engine;
pub mod entries;
pub mod explain;
pub mod failover;
pub mod family;
pub mod inbox;
pub mod instant;
pub mod journal;
pub mod ledger;
pub mod links;
pub mod may_send;
pub mod money;
pub mod next;
pub mod pace;
pub mod paper;
pub mod plan;
pub mod policy;
pub mod preview;
pub mod providers;
pub mod quarantine;
pub mod quiet;
pub mod receipt;
pub mod results;
pub mod returns;
pub mod sample;
pub mod schedule;
pub mod secret;
pub mod store;
pub mod text;
pub mod user;
pub mod web;
pub mod week;
pub mod zone;
