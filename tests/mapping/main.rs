//! A machine as umati nodes: which nodes there are, and what their values say in every situation.

mod complete;
mod docs;
mod identity;
mod shape;
mod states;
mod statuses;
mod support;
mod values;
