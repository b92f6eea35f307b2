//! Paper: the weekly sheet of the families who hear on paper, with the same content and the same
//! proof.

pub mod alarm;
pub mod calendar;
pub mod calls;
pub mod consents;
pub mod content;
pub mod extract;
pub mod handout;
pub mod office;
pub mod press;
pub mod queue;
pub mod register;
pub mod summary;
