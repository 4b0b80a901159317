//! NodeIds of the types, states and folders that the blocks name, as the NodeSets in `nodesets/` number them.
//!
//! Only what is written down in a plan or a value stands here; everything below a type comes from the catalogue.

use opcua::types::NodeId;

use super::namespaces as ns;

/// A numeric NodeId in one of the fixed namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numeric(pub u16, pub u32);

impl From<Numeric> for NodeId {
    fn from(Numeric(namespace, id): Numeric) -> Self {
        NodeId::new(namespace, id)
    }
}

pub(super) const ADDITIVE_MANUFACTURING_TYPE: Numeric = Numeric(ns::ADDITIVE_MANUFACTURING, 1005);
pub(super) const PROCESS_VALUE_AM_TYPE: Numeric = Numeric(ns::ADDITIVE_MANUFACTURING, 1002);
pub(super) const DEVICE_HEALTH_INTERFACE: Numeric = Numeric(ns::DI, 15051);
pub(super) const TOOL_TYPE: Numeric = Numeric(ns::MACHINE_TOOL, 50);
pub(super) const PART_UNLOAD_PROGNOSIS_TYPE: Numeric = Numeric(ns::MACHINE_TOOL, 5);
pub(super) const SOFTWARE_IDENTIFICATION_TYPE: Numeric = Numeric(ns::MACHINE_TOOL, 43);
pub(super) const OCTOPRINT_INTERFACE_TYPE: Numeric = Numeric(ns::VENDOR, 1000);
pub(super) const UMATI_BRIDGE_TYPE: Numeric = Numeric(ns::VENDOR, 1001);
pub(super) const FILAMENT_TYPE: Numeric = Numeric(ns::VENDOR, 1004);

pub(super) const JOB_ORDER_STATUS_EVENT_TYPE: Numeric = Numeric(ns::VENDOR, 1007);
pub(super) const OPERATOR_CONDITION_CLASS_TYPE: Numeric = Numeric(ns::MACHINE_TOOL, 47);
pub(super) const ALERT_TYPE: Numeric = Numeric(ns::MACHINE_TOOL, 39);
