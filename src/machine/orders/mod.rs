//! The job orders of a machine.

mod apply;
mod book;
mod order;
mod request;

pub use book::*;
pub use order::*;
pub use request::*;
