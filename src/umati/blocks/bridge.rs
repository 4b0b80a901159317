//! The bridge object: tells "the bridge lives" apart from "the printer is off".
//!
//! Type UmatiBridgeType of `nodesets/UmatiBridge.NodeSet2.xml`, below `Objects`; NodeId `UmatiBridge`.

use opcua::types::{ObjectId, ReferenceTypeId, StatusCode};

use super::quality::Quality;
use super::render::{Render, utc};
use crate::machine::Timestamp;
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::VENDOR;

/// Name of the object and first part of its NodeIds. No machine may have this id.
pub const BRIDGE: &str = "UmatiBridge";

/// What the bridge tells of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BridgeStatus {
    pub started: Timestamp,
    /// Configured machines, on all ports.
    pub machines: u32,
    /// Machines whose OctoPrint answers and accepts the key.
    pub machines_online: u32,
    /// The last answer of any OctoPrint; `None` before the first.
    pub last_poll: Option<Timestamp>,
    /// Sessions on all ports.
    pub sessions: u32,
    /// Monitored items of all sessions.
    pub monitored_items: u32,
    /// Items that are gone and still take memory; see `server::Burden`.
    pub stale_items: u32,
    /// Memory of the process in bytes, in whole MiB; `None` where the system does not tell.
    pub resident_memory: Option<u64>,
}

/// The nodes of the bridge object.
pub fn plan() -> Plan {
    let mut plan = Plan::new(ids::UMATI_BRIDGE_TYPE);
    plan.named_in(VENDOR)
        .anchor(ObjectId::ObjectsFolder, ReferenceTypeId::Organizes);
    plan
}

/// Writes all variables of the bridge object.
pub fn render(out: &mut Render, status: &BridgeStatus, version: &str) {
    out.constant("Version", || version.into());
    out.constant("StartTime", || utc(status.started).into());
    out.put("Machines", Quality::Good(status.machines));
    out.put("MachinesOnline", Quality::Good(status.machines_online));
    out.put(
        "LastPoll",
        Quality::or_bad(
            status.last_poll.map(utc),
            StatusCode::BadWaitingForInitialData,
        ),
    );
    out.put("Sessions", Quality::Good(status.sessions));
    out.put("MonitoredItems", Quality::Good(status.monitored_items));
    out.put("StaleItems", Quality::Good(status.stale_items));
    out.put(
        "ResidentMemory",
        Quality::or_bad(status.resident_memory, StatusCode::BadNotSupported),
    );
}
