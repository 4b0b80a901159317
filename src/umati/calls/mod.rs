//! Calls: from the arguments of a method to a request to the machine, and from its outcome to what the caller gets.
//!
//! Pure. [`JobMethod`] names the methods, [`parse()`] checks what a client sent, [`return_status`] and [`responses`]
//! make the outputs. Nothing happens here: the server hands the request to the task that owns the machine.

mod answer;
mod job_method;
mod parse;

pub use answer::{responses, return_status};
pub use job_method::JobMethod;
pub use parse::{ArgumentFault, Call, CallFault, MAX_DOCUMENT, Query, parse};

pub use super::blocks::identification::tag_at;
