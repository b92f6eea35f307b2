//! The board in a real browser: who is let in, the round of the morning, and what people do there; with scripts and
//! without.

#[path = "../support/browser.rs"]
mod browser;
mod forged;
mod looks;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "not every counterpart is needed here")]
mod program;
mod school;
mod stories;
