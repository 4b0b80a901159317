//! An alert begins, changes or ends: AlertType (40501-1 §8.6.3), an alarm by its fields.
//!
//! There are no condition nodes and nothing can be acknowledged: the fields of a condition are all filled, so that a
//! client that shows alarms shows them, and the facet of Alarms and Conditions is not claimed.

use opcua::types::{DateTime, LocalizedText, NodeId, ObjectTypeId, StatusCode, UAString};

use super::record::{EventRecord, Lineage, Source};
use crate::machine::{Alert, AlertKind, Timestamp};
use crate::umati::ids;
use crate::umati::namespaces::MACHINE_TOOL;

/// Whether an alert holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Active,
    Inactive,
}

/// The event of an alert that holds, or does no longer.
pub(super) fn alert(
    types: &Lineage,
    source: &Source,
    alert: &Alert,
    standing: Standing,
    at: Timestamp,
) -> EventRecord {
    let is_active = standing == Standing::Active;
    let (name, severity) = name(alert.kind);
    let (class, class_name) = class(alert.kind);
    let mut event = EventRecord::new(types, source, at, severity, &alert.text);
    let at: DateTime = at.into();
    let state = |text| LocalizedText::new("en", text);
    let code = alert.reason.as_deref().unwrap_or(name);
    event.put_in(MACHINE_TOOL, "ErrorCode", UAString::from(code));
    event.put("ConditionClassId", class);
    event.put("ConditionClassName", state(class_name));
    event.put("ConditionName", UAString::from(name));
    event.put("BranchId", NodeId::null());
    event.put("Retain", is_active);
    event.put("EnabledState", state("Enabled"));
    event.put("EnabledState/Id", true);
    event.put("Quality", StatusCode::Good);
    event.put("Quality/SourceTimestamp", at);
    event.put("LastSeverity", severity);
    event.put("LastSeverity/SourceTimestamp", at);
    event.put("Comment", LocalizedText::null());
    event.put("Comment/SourceTimestamp", at);
    event.put("ClientUserId", UAString::null());
    event.put("AckedState", state("Acknowledged"));
    event.put("AckedState/Id", true);
    event.put(
        "ActiveState",
        state(if is_active { "Active" } else { "Inactive" }),
    );
    event.put("ActiveState/Id", is_active);
    event.put("InputNode", NodeId::null());
    event.put("SuppressedOrShelved", false);
    event
}

/// ConditionName and severity. The name is the ErrorCode, too, unless OctoPrint told its own.
fn name(kind: AlertKind) -> (&'static str, u16) {
    match kind {
        AlertKind::Unreachable => ("octoprint.unreachable", 500),
        AlertKind::KeyRejected => ("octoprint.key-rejected", 700),
        AlertKind::PrinterError => ("printer.error", 900),
        AlertKind::ThermalError => ("printer.thermal", 900),
        AlertKind::Disconnected => ("printer.disconnected", 600),
        AlertKind::FilamentChange => ("printer.filament-change", 500),
    }
}

/// Whom it concerns: ConditionClassId and its name.
fn class(kind: AlertKind) -> (NodeId, &'static str) {
    match kind {
        AlertKind::FilamentChange => (
            ids::OPERATOR_CONDITION_CLASS_TYPE.into(),
            "OperatorConditionClassType",
        ),
        AlertKind::Unreachable
        | AlertKind::KeyRejected
        | AlertKind::PrinterError
        | AlertKind::ThermalError
        | AlertKind::Disconnected => (
            ObjectTypeId::ProcessConditionClassType.into(),
            "ProcessConditionClassType",
        ),
    }
}
