//! What the machine does: MachineryItemState, MachineryOperationMode and OperationMode (40001-1 §11, 40501-1 §8.4).
//!
//! | node | from |
//! |---|---|
//! | Monitoring/MachineTool/MachineryItemState, also below MachineryBuildingBlocks | [`States::item`] |
//! | Monitoring/MachineTool/MachineryOperationMode, also below MachineryBuildingBlocks | [`States::mode`] |
//! | Monitoring/MachineTool/OperationMode | [`States::operation`] |
//!
//! The two state machines are one node each under two parents, as MachineToolType has them.

use opcua::types::{LocalizedText, ReferenceTypeId};

use super::quality::Quality;
use super::render::Render;
use super::state::{StateValue, States};
use crate::umati::blueprint::Plan;

const BUILDING_BLOCKS: &str = "MachineryBuildingBlocks";
const ITEM_STATE: &str = "Monitoring/MachineTool/MachineryItemState";
const MODE: &str = "Monitoring/MachineTool/MachineryOperationMode";

pub(super) fn plan(plan: &mut Plan) {
    plan.include(BUILDING_BLOCKS);
    for machine in [ITEM_STATE, MODE] {
        plan.include(machine)
            .include(&format!("{machine}/CurrentState/Number"))
            .alias(BUILDING_BLOCKS, machine, ReferenceTypeId::HasAddIn);
    }
}

pub(super) fn render(out: &mut Render, states: &States) {
    current_state(out, ITEM_STATE, states.item, states);
    current_state(out, MODE, states.mode, states);
    out.put(
        "Monitoring/MachineTool/OperationMode",
        Quality::with_status(states.operation as i32, states.status),
    );
}

/// `CurrentState` with `Id` and `Number` of one state machine.
pub(super) fn current_state(out: &mut Render, path: &str, state: impl StateValue, states: &States) {
    let status = states.status;
    let text = LocalizedText::new("en", &state.text());
    let path = format!("{path}/CurrentState");
    out.put(&path, Quality::with_status(text, status));
    out.put(
        &format!("{path}/Id"),
        Quality::with_status(state.id(), status),
    );
    out.put(
        &format!("{path}/Number"),
        Quality::with_status(state.number(), status),
    );
}
