//! The building blocks of a machine, one file each: what it plans, and what it writes.
//!
//! A block's `plan` says which optional nodes a shape has; its `render` writes every variable that the plan, or the
//! type, brings. Judgements that the blocks share stand beside them: [`state`] (what the machine does), `quality`
//! (how well a value is known), `shape` (which nodes there are). No block knows another's nodes.
//!
//! A node that cannot have data is not created: what only news tell comes into being when they do.

pub mod bridge;
mod counters;
mod health;
pub(super) mod identification;
pub mod jobs;
mod names;
pub(in crate::umati) mod notification;
mod octoprint;
mod operation;
mod process_values;
mod production;
mod quality;
mod render;
mod shape;
mod software;
pub mod state;
mod tools;
mod units;

pub(super) use quality::View;
pub(super) use render::{Pass, Render};
pub(super) use shape::Shape;

use production::Program;
use state::{Situation, States};

use super::blueprint::Plan;
use super::ids;

/// All nodes of a machine of this shape.
pub(super) fn plan(shape: &Shape) -> Plan {
    let mut plan = Plan::new(ids::ADDITIVE_MANUFACTURING_TYPE);
    identification::plan(&mut plan, shape);
    software::plan(&mut plan, shape);
    tools::plan(&mut plan, shape);
    operation::plan(&mut plan);
    counters::plan(&mut plan);
    process_values::plan(&mut plan, shape);
    health::plan(&mut plan, shape);
    notification::plan(&mut plan);
    production::plan(&mut plan);
    jobs::plan(&mut plan, shape);
    octoprint::plan(&mut plan, shape);
    plan
}

/// Writes all variables of a machine of this shape.
pub(super) fn render(out: &mut Render, view: &View, shape: &Shape, bridge: &Identity) {
    let program = Program::of(view.machine);
    let states = States::of(
        Situation::of(view.machine, view.at),
        program.resting_state(),
    );
    identification::render(out, view, shape, &bridge.application_uri);
    software::render(out, view, shape, &bridge.version);
    tools::render(out, view, shape);
    operation::render(out, &states);
    counters::render(out, view);
    process_values::render(out, view, shape);
    health::render(out, view, shape);
    notification::render(out, view);
    production::render(out, program, &states, &view.machine.book);
    jobs::render(out, view, &states, bridge);
    octoprint::render(out, view, shape, &bridge.version);
}

/// The state of the program as the last job left it.
pub(super) fn resting_state(machine: &crate::machine::Machine) -> state::ProgramState {
    Program::of(machine).resting_state()
}

/// Who serves the machines.
#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub application_uri: String,
    pub version: String,
}
