//! What is served over HTTP: the board, whether the daemon is well, its metrics, and what families and providers bring.
//!
//! Only the board names people, to who has logged in. The pages for families name nobody, and are found by a sealed
//! link only.

pub mod api;
pub mod board;
pub mod callbacks;
pub mod family;
pub mod health;
pub mod hook;
pub mod metrics;
pub mod page;
