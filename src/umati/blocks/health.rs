//! How well the machine works: `Monitoring/Health` (40001-1 §11, 40540 §8.3).
//!
//! | node | from |
//! |---|---|
//! | DeviceHealth (IDeviceHealthType, OPC 10000-100 §4.5.4) | FAILURE in error, OFF_SPEC while the printer understands too little, else NORMAL |
//! | SerialResendRatio/AnalogSignal | share of the lines that had to be sent again, %; once it was told |
//! | SignalTag, Category, Severity | constants: `resends`, MachineHealth, Info |
//!
//! Too little is what OctoPrint warns of: a tenth, after a hundred lines. Nobody knows the health of a printer that is
//! closed.

use opcua::types::{DataTypeId, QualifiedName};

use super::quality::{Limits, View};
use super::render::Render;
use super::shape::{Shape, ToldPart};
use super::state::Activity;
use super::units::Unit;
use crate::machine::Resends;
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::INSTANCES;

const HEALTH: &str = "Monitoring/Health";
const DEVICE_HEALTH: &str = "Monitoring/Health/DeviceHealth";
const RESEND_RATIO: &str = "SerialResendRatio";
const SCALAR: i32 = -1;
/// Enumeration SensorCategory (40540 §11.4).
const MACHINE_HEALTH: i32 = 0;
/// Enumeration SensorSeverity (40540 §11.3).
const INFO: i32 = 0;

/// Enumeration DeviceHealthEnumeration (OPC 10000-100 §4.5.4), as far as it is used.
#[derive(Debug, Clone, Copy)]
enum Health {
    Normal = 0,
    Failure = 1,
    OffSpec = 3,
}

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    plan.implement(HEALTH, ids::DEVICE_HEALTH_INTERFACE)
        .include(DEVICE_HEALTH);
    if shape.told.contains(&ToldPart::Resends) {
        let signal = path("AnalogSignal");
        plan.add_component(
            HEALTH,
            QualifiedName::new(INSTANCES, RESEND_RATIO),
            ids::PROCESS_VALUE_AM_TYPE,
        )
        .include(&path("Severity"))
        .narrow(&signal, DataTypeId::Double, SCALAR);
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape) {
    let resends = view.machine.report.as_ref().and_then(|r| r.resends);
    let health = view
        .activity()
        .and_then(|activity| health(activity, resends));
    out.put(DEVICE_HEALTH, view.told(health.map(|health| health as i32)));
    if shape.told.contains(&ToldPart::Resends) {
        let ratio = view.live_within(resends.map(|r| r.ratio), Limits::PERCENT);
        out.put_since(&path("AnalogSignal"), ratio, view.told_at);
        out.constant(&path("AnalogSignal/EngineeringUnits"), || {
            Unit::Percent.into()
        });
        out.constant(&path("AnalogSignal/EURange"), || Limits::PERCENT.into());
        out.constant(&path("SignalTag"), || "resends".into());
        out.constant(&path("Category"), || MACHINE_HEALTH.into());
        out.constant(&path("Severity"), || INFO.into());
    }
}

fn health(activity: Activity, resends: Option<Resends>) -> Option<Health> {
    match activity {
        Activity::Closed | Activity::Unclear => None,
        Activity::Failed => Some(Health::Failure),
        _ if resends.is_some_and(|r| r.transmitted > 100 && r.ratio >= 10.0) => {
            Some(Health::OffSpec)
        }
        _ => Some(Health::Normal),
    }
}

fn path(member: &str) -> String {
    format!("{HEALTH}/{RESEND_RATIO}/{member}")
}
