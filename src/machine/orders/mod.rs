//! The job orders of a machine (OPC 10031-4 V2).
//!
//! [`Book`] holds them; `prints` and `rules` are the two things that change it: what the printer does, and what a MES
//! asks for.

mod apply;
mod book;
mod order;
mod prints;
mod request;
mod rules;

pub use apply::MAX_WAITING_ORDERS;
pub use book::*;
pub use order::*;
pub use request::*;
