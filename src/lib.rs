//! vestnik tells families how their children are doing at school.

pub mod config;
pub mod journal;
pub mod text;
