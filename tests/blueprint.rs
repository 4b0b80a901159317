//! Blueprints of the real types: what a plan gives, and what a wrong plan is told.

use std::sync::LazyLock;

use opcua::types::NodeId;
use umati_bridge::umati::blueprint::{Blueprint, Plan};
use umati_bridge::umati::catalogue::Catalogue;
use umati_bridge::umati::{namespaces as ns, nodesets};

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(&nodesets::imports().unwrap()));

fn machine() -> Plan {
    Plan::new(NodeId::new(ns::ADDITIVE_MANUFACTURING, 1005u32))
}

fn paths(blueprint: &Blueprint) -> Vec<&str> {
    blueprint.iter().map(|(_, node)| &*node.path).collect()
}

/// OPC 40540 and its base specifications make 18 nodes mandatory.
#[test]
fn a_bare_machine_has_exactly_the_mandatory_nodes() {
    let blueprint = Blueprint::build(&CATALOGUE, &machine()).unwrap();
    let mut found = paths(&blueprint);
    assert_eq!(found.remove(0), "");
    found.sort();
    assert_eq!(
        found,
        [
            "Equipment",
            "Identification",
            "Identification/AMTechnologyIdentifier",
            "Identification/Manufacturer",
            "Identification/ProductInstanceUri",
            "Identification/SerialNumber",
            "Monitoring",
            "Monitoring/MachineTool",
            "Monitoring/MachineTool/OperationMode",
            "Notification",
            "Production",
            "Production/ActiveProgram",
            "Production/ActiveProgram/Name",
            "Production/ActiveProgram/NumberInList",
            "Production/ActiveProgram/State",
            "Production/ActiveProgram/State/CurrentState",
            "Production/ActiveProgram/State/CurrentState/Id",
            "Production/ActiveProgram/State/CurrentState/Number",
        ]
    );
}
