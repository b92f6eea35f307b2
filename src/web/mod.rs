//! What is served over HTTP: whether the daemon is well, its metrics, and the messages by their states.
//!
//! Nobody logs in yet, so nothing here names a person, an address or a text, but for the demo, whose people
//! are invented. The pages for families name nobody, and are found by a sealed link only.

pub mod callbacks;
pub mod family;
pub mod health;
pub mod hook;
pub mod messages;
pub mod metrics;
pub mod page;
