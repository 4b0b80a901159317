//! Temperatures: one ProcessValueAMType per sensor in `Monitoring/Process` (40540 §8.7, 40001-2 §8, PA-DIM).
//!
//! | node of a sensor | from |
//! |---|---|
//! | AnalogSignal | the actual temperature, °C |
//! | ProcessValueSetpoint | the target; 0 °C is "heater off" |
//! | TemperatureOffset (vendor) | the offset that OctoPrint adds to a target |
//! | SignalTag | OctoPrint's name: `tool0`, `bed`, `chamber`, `A` |
//! | Category | constant ProcessMonitoring |
//! | Severity | Critical; Info for sensors that only the firmware knows |
//! | EURange | 0..350 °C for tools and firmware sensors, 0..150 °C bed, 0..120 °C chamber |

use opcua::types::{DataTypeId, QualifiedName, ReferenceTypeId, VariableTypeId};

use super::quality::{Limits, View};
use super::render::Render;
use super::shape::{Shape, sensor_name};
use super::units::Unit;
use crate::machine::SensorId;
use crate::umati::blueprint::Plan;
use crate::umati::ids;
use crate::umati::namespaces::{INSTANCES, VENDOR};

const PROCESS: &str = "Monitoring/Process";
const SCALAR: i32 = -1;
/// Enumeration SensorCategory (40540 §11.4).
const PROCESS_MONITORING: i32 = 2;

/// Enumeration SensorSeverity (40540 §11.3).
#[derive(Debug, Clone, Copy)]
enum Severity {
    Info = 0,
    Critical = 1,
}

pub(super) fn plan(plan: &mut Plan, shape: &Shape) {
    for sensor in &shape.sensors {
        let name = sensor_name(sensor);
        let path = format!("{PROCESS}/{name}");
        plan.add_component(
            PROCESS,
            QualifiedName::new(INSTANCES, name),
            ids::PROCESS_VALUE_AM_TYPE,
        )
        .include(&format!("{path}/Severity"))
        .include(&format!("{path}/ProcessValueSetpoint"))
        .narrow(&format!("{path}/AnalogSignal"), DataTypeId::Double, SCALAR)
        .narrow(
            &format!("{path}/ProcessValueSetpoint"),
            DataTypeId::Double,
            SCALAR,
        )
        .add_variable(
            &path,
            QualifiedName::new(VENDOR, "TemperatureOffset"),
            ReferenceTypeId::HasComponent,
            VariableTypeId::AnalogUnitType,
            DataTypeId::Double,
            SCALAR,
        );
    }
}

pub(super) fn render(out: &mut Render, view: &View, shape: &Shape) {
    for sensor in &shape.sensors {
        let value = format!("{PROCESS}/{}", sensor_name(sensor));
        let path = |member: &str| format!("{value}/{member}");
        let limits = limits(sensor);
        let known = view.machine.sensors.get(sensor);
        let received = known.map_or(view.at, |s| s.received);
        let sampled = known.map_or(received, |s| s.sampled);

        let actual = view.temperature(sensor, |t| t.actual, limits);
        let target = view.temperature(sensor, |t| t.target, limits);
        let offset = view.temperature(sensor, |t| t.offset, UNLIMITED);
        out.measured(&path("AnalogSignal"), actual, sampled, received);
        out.measured(&path("ProcessValueSetpoint"), target, sampled, received);
        out.measured(&path("TemperatureOffset"), offset, sampled, received);

        for ranged in ["AnalogSignal", "ProcessValueSetpoint"] {
            out.constant(&path(&format!("{ranged}/EngineeringUnits")), || {
                Unit::Celsius.into()
            });
            out.constant(&path(&format!("{ranged}/EURange")), || limits.into());
        }
        out.constant(&path("TemperatureOffset/EngineeringUnits"), || {
            Unit::Celsius.into()
        });
        out.constant(&path("SignalTag"), || sensor.to_string().into());
        out.constant(&path("Category"), || PROCESS_MONITORING.into());
        out.constant(&path("Severity"), || (severity(sensor) as i32).into());
    }
}

const UNLIMITED: Limits = Limits {
    low: f64::NEG_INFINITY,
    high: f64::INFINITY,
};

fn limits(sensor: &SensorId) -> Limits {
    let high = match sensor {
        SensorId::Tool(_) | SensorId::Extra(_) => 350.0,
        SensorId::Bed => 150.0,
        SensorId::Chamber => 120.0,
    };
    Limits { low: 0.0, high }
}

fn severity(sensor: &SensorId) -> Severity {
    match sensor {
        SensorId::Extra(_) => Severity::Info,
        SensorId::Tool(_) | SensorId::Bed | SensorId::Chamber => Severity::Critical,
    }
}
