//! What runs on the way to the machine: `Identification/SoftwareIdentification` (40501-1 §8.2).
//!
//! | item | from |
//! |---|---|
//! | Bridge | this program, always |
//! | OctoPrint | `/api/version`, once it was read |
//!
//! The firmware of the printer would be a third item; polling does not tell it.

use opcua::types::QualifiedName;

use super::quality::{Quality, View};
use super::render::Render;
use super::shape::Shape;
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::INSTANCES;

const SOFTWARE: &str = "Identification/SoftwareIdentification";
const BRIDGE: &str = "Bridge";
const OCTOPRINT: &str = "OctoPrint";

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    let mut add = |name: &str| {
        plan.add(
            SOFTWARE,
            QualifiedName::new(INSTANCES, name),
            ids::SOFTWARE_IDENTIFICATION_TYPE,
        );
    };
    add(BRIDGE);
    if shape.software {
        add(OCTOPRINT);
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape, bridge_version: &str) {
    item(out, BRIDGE, "umati-bridge", bridge_version);
    let software = view.machine.software.as_ref();
    // A version that was known and is no longer keeps its last value.
    if let Some(version) = software.and_then(|s| s.server.as_deref())
        && shape.software
    {
        item(out, OCTOPRINT, "OctoPrint", version);
    }
}

fn item(out: &mut Render, name: &str, identifier: &str, revision: &str) {
    let path = |member: &str| format!("{SOFTWARE}/{name}/{member}");
    out.constant(&path("Identifier"), || identifier.into());
    out.put(&path("SoftwareRevision"), Quality::Good(revision));
}
