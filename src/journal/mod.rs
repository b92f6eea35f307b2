//! The journal: which of its rows make a fact that a family may hear, how two states of a fact
//! differ, and how other systems' files are read.
//!
//! This room knows nothing of channels and texts.

pub mod calendar;
pub mod cell;
pub mod class_name;
pub mod entry;
pub mod fact;
pub mod import;
pub mod ingest;
pub mod outlook;
pub mod school;
