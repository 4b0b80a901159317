//! A machine as umati nodes: which nodes there are, and what their values say in every situation.

mod agreement;
mod calls;
mod complete;
mod definitions;
mod docs;
mod identity;
mod jobs;
#[path = "../samples/jobs.rs"]
mod samples;
mod shape;
mod states;
mod statuses;
mod support;
mod values;
