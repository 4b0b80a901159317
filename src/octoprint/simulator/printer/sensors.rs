//! The temperature sensors of one printer as OctoPrint gets to see them: its heaters, and what a test puts in their
//! place.

use std::collections::BTreeMap;
use std::time::Duration;

use super::hardware::{Bed, Chamber, Hardware};
use super::heater::Heater;
use crate::octoprint::simulator::clock::Moment;

const ROOM_TEMPERATURE: f64 = 21.3;

/// One reading, °C.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    pub actual: Option<f64>,
    /// `Some(0.0)` is "heater off".
    pub target: Option<f64>,
}

/// What the firmware reports instead of the truth.
#[derive(Debug, Clone, Copy)]
enum Replacement {
    Fixed(Reading),
    Missing,
}

#[derive(Debug)]
pub(crate) struct Sensors {
    /// By OctoPrint's key: `tool0`, `bed`, `chamber`.
    heaters: BTreeMap<String, Heater>,
    replacements: BTreeMap<String, Replacement>,
    report: FirmwareReport,
}

/// Whether the firmware reports temperatures at all.
#[derive(Debug, Clone, Copy)]
enum FirmwareReport {
    Given,
    /// OctoPrint then answers 200 with `"temperature": {}`.
    Withheld,
}

impl Sensors {
    pub(crate) fn new(hardware: &Hardware) -> Self {
        let [tool, bed, chamber] = hardware.pace.heating();
        let [tool_cooling, bed_cooling, chamber_cooling] = hardware.pace.cooling();
        let heater = |heating, cooling| Heater::new(ROOM_TEMPERATURE, heating, cooling);
        let mut heaters: BTreeMap<_, _> = (0..hardware.tools)
            .map(|n| (format!("tool{n}"), heater(tool, tool_cooling)))
            .collect();
        if hardware.bed == Bed::Heated {
            heaters.insert("bed".to_owned(), heater(bed, bed_cooling));
        }
        if hardware.chamber == Chamber::Heated {
            heaters.insert("chamber".to_owned(), heater(chamber, chamber_cooling));
        }
        Self {
            heaters,
            replacements: BTreeMap::new(),
            report: FirmwareReport::Given,
        }
    }

    /// Sets the target of a heater; a printer without that heater ignores it, as firmware does.
    pub(crate) fn set_target(&mut self, name: &str, at: Moment, target: f64) {
        if let Some(heater) = self.heaters.get_mut(name) {
            heater.set_target(at, target);
        }
    }

    pub(crate) fn all_off(&mut self, at: Moment) {
        for heater in self.heaters.values_mut() {
            heater.set_target(at, 0.0);
        }
    }

    /// How long tools and bed need to become hot. Nobody waits for a chamber.
    pub(crate) fn time_to_heat(&self, targets: &[(String, f64)], at: Moment) -> Duration {
        targets
            .iter()
            .filter(|(name, _)| name != "chamber")
            .filter_map(|(name, target)| Some(self.heaters.get(name)?.time_to_reach(at, *target)))
            .max()
            .unwrap_or_default()
    }

    /// What the firmware reports at a moment, by OctoPrint's key.
    pub(crate) fn readings(&self, at: Moment) -> BTreeMap<&str, Reading> {
        if matches!(self.report, FirmwareReport::Withheld) {
            return BTreeMap::new();
        }
        let mut readings: BTreeMap<_, _> = self
            .heaters
            .iter()
            .map(|(name, heater)| (name.as_str(), measure(heater, at)))
            .collect();
        for (name, replacement) in &self.replacements {
            match replacement {
                Replacement::Fixed(reading) => readings.insert(name, *reading),
                Replacement::Missing => readings.remove(name.as_str()),
            };
        }
        readings
    }

    /// Reports exactly this for a sensor, which the printer need not have.
    pub(crate) fn replace(&mut self, name: &str, reading: Reading) {
        self.replacements
            .insert(name.to_owned(), Replacement::Fixed(reading));
    }

    /// Leaves a sensor out of the report.
    pub(crate) fn remove(&mut self, name: &str) {
        self.replacements
            .insert(name.to_owned(), Replacement::Missing);
    }

    /// Reports no temperature at all.
    pub(crate) fn withhold(&mut self) {
        self.report = FirmwareReport::Withheld;
    }

    /// Reports the truth again.
    pub(crate) fn restore(&mut self) {
        self.replacements.clear();
        self.report = FirmwareReport::Given;
    }
}

/// A heated sensor is never quite steady. Two decimals, as firmware reports them.
fn measure(heater: &Heater, at: Moment) -> Reading {
    let target = heater.target(at);
    let ripple = if target > 0.0 {
        0.15 * (at.as_secs_f64() * 0.83).sin()
    } else {
        0.0
    };
    let actual = ((heater.temperature(at) + ripple) * 100.0).round() / 100.0;
    Reading {
        actual: Some(actual),
        target: Some(target),
    }
}
