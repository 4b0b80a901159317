//! What decides which nodes a machine has. Machines of one shape share one blueprint.
//!
//! Always holds: a shape only grows. A tool or a sensor that stops reporting keeps its nodes and loses its data.

use std::collections::BTreeSet;

use crate::machine::{DataSource, Machine, SensorId};

/// Names of firmware sensors have a few letters; a longer one is noise on the serial line and gets no nodes.
const MAX_SENSOR_NAME: usize = 64;

/// The optional parts that a machine has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Shape {
    /// Extruders, by OctoPrint's number.
    pub tools: BTreeSet<u8>,
    /// Temperatures: what reported at least once, and what the printer profile promises.
    pub sensors: BTreeSet<SensorId>,
    pub nameplate: BTreeSet<NameplatePart>,
    /// OctoPrint told its version.
    pub software: bool,
    /// The key may read the printer profile.
    pub profile: Option<ProfileShape>,
    /// What OctoPrint does not tell when it is asked, and has told by itself.
    pub told: BTreeSet<ToldPart>,
    /// The machine may be controlled, so it has the methods for that.
    pub control: bool,
}

/// Identification that exists only where it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum NameplatePart {
    Model,
    ProductCode,
    YearOfConstruction,
}

/// Facts that only a source knows that tells by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum ToldPart {
    /// Height of the nozzle and cause of an error: every such source can tell them.
    Basics,
    /// The tool in use.
    Tool,
    /// How often lines had to be sent again.
    Resends,
    Firmware,
}

/// What the printer profile told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct ProfileShape {
    pub extruder_count: bool,
    pub heated_bed: bool,
    pub heated_chamber: bool,
    pub volume: bool,
}

impl Shape {
    pub(crate) fn of(machine: &Machine) -> Self {
        let mut shape = Self::default();
        shape.grow(machine);
        shape
    }

    /// Adds what the machine has and the shape lacks.
    pub(crate) fn grow(&mut self, machine: &Machine) {
        self.grow_sensors(machine);
        self.grow_tools(machine);
        self.grow_nameplate(machine);
        self.grow_told(machine);
        self.control |= machine.nameplate.control;
        self.software |= machine
            .software
            .as_ref()
            .is_some_and(|s| s.server.is_some());
        if let Some(profile) = &machine.profile {
            let shape = self.profile.get_or_insert_default();
            shape.extruder_count |= profile.extruder_count.is_some();
            shape.heated_bed |= profile.heated_bed.is_some();
            shape.heated_chamber |= profile.heated_chamber.is_some();
            shape.volume |= profile.volume.is_some();
        }
    }

    fn grow_sensors(&mut self, machine: &Machine) {
        // Material extrusion needs a nozzle, so its temperature can have data before the first is told.
        self.sensors.insert(SensorId::Tool(0));
        let profile = machine.profile.as_ref();
        if profile.and_then(|p| p.heated_bed) == Some(true) {
            self.sensors.insert(SensorId::Bed);
        }
        if profile.and_then(|p| p.heated_chamber) == Some(true) {
            self.sensors.insert(SensorId::Chamber);
        }
        let named = |sensor: &&SensorId| match sensor {
            SensorId::Extra(name) => name.len() <= MAX_SENSOR_NAME,
            _ => true,
        };
        self.sensors
            .extend(machine.sensors.keys().filter(named).cloned());
    }

    /// Every extruder is a tool; several may share one nozzle and thus one temperature.
    fn grow_tools(&mut self, machine: &Machine) {
        let profile = machine.profile.as_ref();
        self.tools
            .extend(0..profile.and_then(|p| p.extruder_count).unwrap_or(1).max(1));
        for sensor in &self.sensors {
            if let SensorId::Tool(n) = sensor {
                self.tools.insert(*n);
            }
        }
        self.tools
            .extend(machine.report.as_ref().and_then(|report| report.tool));
    }

    fn grow_told(&mut self, machine: &Machine) {
        let report = machine.report.as_ref();
        let known = [
            (ToldPart::Basics, machine.source == DataSource::Push),
            (ToldPart::Tool, report.is_some_and(|r| r.tool.is_some())),
            (
                ToldPart::Resends,
                report.is_some_and(|r| r.resends.is_some()),
            ),
            (ToldPart::Firmware, machine.firmware_name().is_some()),
        ];
        let parts = known.into_iter().filter(|(_, known)| *known);
        self.told.extend(parts.map(|(part, _)| part));
    }

    fn grow_nameplate(&mut self, machine: &Machine) {
        let plate = &machine.nameplate;
        let model = machine.profile.as_ref().and_then(|p| p.model.as_ref());
        let known = [
            (
                NameplatePart::Model,
                plate.model.is_some() || model.is_some(),
            ),
            (NameplatePart::ProductCode, plate.product_code.is_some()),
            (
                NameplatePart::YearOfConstruction,
                plate.year_of_construction.is_some(),
            ),
        ];
        let parts = known.into_iter().filter(|(_, known)| *known);
        self.nameplate.extend(parts.map(|(part, _)| part));
    }
}

/// The browse name of a sensor's process value: `Tool0Temperature`, `BedTemperature`, `ATemperature`.
///
/// Letters and digits of a firmware name stay, any other byte becomes `_` and two hex digits, and so does the
/// first byte of a name that would pass for one of our own. Distinct sensors always have distinct names.
pub(super) fn sensor_name(sensor: &SensorId) -> String {
    match sensor {
        SensorId::Tool(n) => format!("Tool{n}Temperature"),
        SensorId::Bed => "BedTemperature".to_owned(),
        SensorId::Chamber => "ChamberTemperature".to_owned(),
        SensorId::Extra(name) => {
            let ours = name == "Bed" || name == "Chamber" || name.starts_with("Tool");
            let mut out = String::with_capacity(name.len() + 11);
            for (position, byte) in name.bytes().enumerate() {
                if byte.is_ascii_alphanumeric() && !(ours && position == 0) {
                    out.push(char::from(byte));
                } else {
                    out.push_str(&format!("_{byte:02X}"));
                }
            }
            out + "Temperature"
        }
    }
}

/// The browse name of a tool: `Tool0`.
pub(super) fn tool_name(number: u8) -> String {
    format!("Tool{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_sensors_never_share_a_name() {
        let names = [
            "A", "a", "W1", "W_1", "W-1", "Bed", "Tool0", "Tool", "Chamber", "Düse", "", "_42ed",
        ];
        let mut seen = BTreeSet::new();
        for sensor in names
            .map(|n| SensorId::Extra(n.to_owned()))
            .into_iter()
            .chain([SensorId::Tool(0), SensorId::Bed, SensorId::Chamber])
        {
            let name = sensor_name(&sensor);
            assert!(!name.contains(['/', ';', ' ']), "{name}");
            assert!(seen.insert(name.clone()), "{name} stands for two sensors");
        }
        assert_eq!(sensor_name(&SensorId::Extra("A".into())), "ATemperature");
        assert_eq!(
            sensor_name(&SensorId::Extra("W-1".into())),
            "W_2D1Temperature"
        );
        assert_eq!(
            sensor_name(&SensorId::Extra("Bed".into())),
            "_42edTemperature"
        );
    }
}
