//! The extruders: `Equipment/Tools` (40501-1 §8.3).
//!
//! | node of a tool | from |
//! |---|---|
//! | Identifier, ControlIdentifier1 | OctoPrint's name and number: `tool0`, 0 |
//! | Name | `Extruder 0`, with the nozzle where the printer profile tells it |
//! | ControlIdentifierInterpretation | constant NumberBased |
//! | Locked, ReasonForLocking | constant: OctoPrint locks no tool |
//!
//! NodeVersion of the list is the time at which it last changed.

use opcua::types::{QualifiedName, Variant};

use super::quality::{Quality, View};
use super::render::Render;
use super::shape::{Shape, tool_name};
use crate::machine::SensorId;
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::INSTANCES;

const TOOLS: &str = "Equipment/Tools";
const NODE_VERSION: &str = "Equipment/Tools/NodeVersion";
/// Enumeration ToolManagement (40501-1 §12.10).
const NUMBER_BASED: i32 = 0;
/// Enumeration ToolLocked (40501-1 §12.9): says nothing while the tool is not locked.
const CAPABILITY_UNAVAILABLE: i32 = 0;

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    plan.include(NODE_VERSION);
    for number in &shape.tools {
        let name = tool_name(*number);
        let path = format!("{TOOLS}/{name}");
        plan.add(TOOLS, QualifiedName::new(INSTANCES, name), ids::TOOL_TYPE)
            .include(&format!("{path}/Identifier"))
            .include(&format!("{path}/Name"));
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape) {
    let nozzle = view
        .machine
        .profile
        .as_ref()
        .and_then(|p| p.nozzle_diameter);
    for number in &shape.tools {
        let tool = format!("{TOOLS}/{}", tool_name(*number));
        let path = |member: &str| format!("{tool}/{member}");
        let name = match nozzle {
            Some(diameter) => format!("Extruder {number} ({diameter} mm)"),
            None => format!("Extruder {number}"),
        };
        if out.current(&path("Name")).is_none() {
            // Not written yet: the tool is new to the list. Format: 40540 §6.
            let version = view.at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
            out.put(NODE_VERSION, Quality::Good(version));
        }
        out.put(&path("Name"), Quality::Good(name));
        out.constant(&path("Identifier"), || {
            SensorId::Tool(*number).to_string().into()
        });
        out.constant(&path("ControlIdentifier1"), || u32::from(*number).into());
        out.constant(&path("ControlIdentifierInterpretation"), || {
            NUMBER_BASED.into()
        });
        out.constant(&path("Locked"), || Variant::from(false));
        out.constant(&path("Locked/ReasonForLocking"), || {
            CAPABILITY_UNAVAILABLE.into()
        });
    }
}
