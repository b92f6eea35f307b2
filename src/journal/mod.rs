//! The journal: which of its rows make a fact that a family may hear, and how two states of a fact
//! differ.
//!
//! This room knows nothing of families, channels and texts.

pub mod cell;
pub mod class_name;
pub mod fact;
