//! What a browser or a monitor may ask.

pub mod health;
