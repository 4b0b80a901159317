//! What the bridge has counted since it first saw the machine: OperationCounters (40001-1 §14, 40501-1 §8.3.9).
//!
//! | node | from |
//! |---|---|
//! | PowerOnDuration | the printer was connected, ms |
//! | OperationDuration | it was printing, ms |
//! | OperationCycleCounter | prints that ended, however |
//! | PartsProducedInLifetime | prints that were completed |
//!
//! One object under two parents, as MachineToolType has it. The durations advance in steps, so that a machine that
//! merely runs is not news each second.

use std::time::Duration;

use opcua::types::{DataTypeId, ReferenceTypeId};

use super::quality::{Quality, View};
use super::render::Render;
use crate::umati::blueprint::Plan;

const COUNTERS: &str = "Monitoring/MachineTool/OperationCounters";
const CYCLES: &str = "Monitoring/MachineTool/OperationCounters/OperationCycleCounter";
const BUILDING_BLOCKS: &str = "MachineryBuildingBlocks";
const SCALAR: i32 = -1;
/// The step of the durations.
const STEP: Duration = Duration::from_secs(10);

pub(super) fn plan(plan: &mut Plan) {
    for member in [
        "PowerOnDuration",
        "OperationDuration",
        "OperationCycleCounter",
        "PartsProducedInLifetime",
    ] {
        plan.include(&path(member));
    }
    plan.narrow(CYCLES, DataTypeId::UInt64, SCALAR).alias(
        BUILDING_BLOCKS,
        COUNTERS,
        ReferenceTypeId::HasAddIn,
    );
}

pub(super) fn render(out: &mut Render, view: &View) {
    let counters = &view.machine.counters;
    out.put(
        &path("PowerOnDuration"),
        Quality::Good(in_steps(counters.power_on)),
    );
    out.put(
        &path("OperationDuration"),
        Quality::Good(in_steps(counters.operation)),
    );
    out.put(CYCLES, Quality::Good(counters.cycles));
    out.put(
        &path("PartsProducedInLifetime"),
        Quality::Good(counters.parts),
    );
}

fn path(member: &str) -> String {
    format!("{COUNTERS}/{member}")
}

/// Milliseconds (OPC 10000-3 §8.13), whole steps.
fn in_steps(duration: Duration) -> f64 {
    let steps = duration.as_secs() / STEP.as_secs();
    (steps * STEP.as_secs()) as f64 * 1000.0
}
