//! A machine as umati nodes: which nodes there are, and what their values say in every situation.

mod agreement;
mod alerts;
#[path = "../tracker/anything.rs"]
mod anything;
mod calls;
mod complete;
mod definitions;
mod docs;
mod identity;
mod jobs;
mod lives;
#[path = "../samples/jobs.rs"]
mod samples;
mod shape;
mod states;
mod statuses;
mod support;
mod told;
mod values;
