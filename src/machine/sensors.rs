//! Temperature sensors: which there are, and which have data now.
//!
//! A sensor comes into being with its first temperature and never disappears; what the newest report leaves out has
//! no data. A feed whose samples stand still is frozen: the printer does not answer its OctoPrint, which repeats
//! the last sample for minutes before it gives up.

use std::collections::BTreeMap;

use super::{Patience, SensorId, Temperature, TemperatureReport, Timestamp, later};

/// A sensor that reported at least once. It never disappears again; it can only lose its data.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensor {
    pub reading: SensorReading,
    /// The last temperature ever told, kept to serve "last usable value".
    pub last: Temperature,
    /// When `last` was sampled (by OctoPrint's clock if it told, else receive time).
    pub sampled: Timestamp,
    /// When the newest sample of the feed was first received, by our clock.
    pub received: Timestamp,
}

/// Whether a sensor has data now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SensorReading {
    /// In the newest temperature report.
    Present,
    /// Present, but the feed's sample time stands still: the printer does not answer OctoPrint.
    Frozen,
    /// Missing from the newest temperature report.
    Missing,
}

/// A garbled serial line can look like a new sensor; a machine has no more than these.
pub const MAX_SENSORS: usize = 64;

/// The newest sample of the feed. Source time is only compared with source time, ours with ours: the two clocks
/// may differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Feed {
    /// There is no feed, or it does not tell sample times: it cannot be seen to freeze.
    #[default]
    Untimed,
    /// The newest report brought a new sample, at our time `since`.
    Moving { sample: Timestamp, since: Timestamp },
    /// Reports since `since` (our time) repeat the same sample.
    Standing { sample: Timestamp, since: Timestamp },
}

impl Feed {
    /// When the feed counts as frozen unless a new sample comes.
    pub(super) fn freezes_at(self, patience: &Patience) -> Option<Timestamp> {
        match self {
            Self::Untimed | Self::Moving { .. } => None,
            Self::Standing { since, .. } => Some(later(since, patience.frozen_after)),
        }
    }

    /// When the newest sample was first received; `at` where sample times are not told.
    fn received(self, at: Timestamp) -> Timestamp {
        match self {
            Self::Untimed => at,
            Self::Moving { since, .. } | Self::Standing { since, .. } => since,
        }
    }

    fn next(self, told: Option<Timestamp>, at: Timestamp) -> Self {
        match (self, told) {
            (_, None) => Self::Untimed,
            (Self::Moving { sample, since } | Self::Standing { sample, since }, Some(told))
                if told == sample =>
            {
                Self::Standing { sample, since }
            }
            // Any other time is a new sample, an earlier one too: the source's clock was set.
            (_, Some(sample)) => Self::Moving { sample, since: at },
        }
    }
}

/// Takes over the temperatures of a report.
pub(super) fn read(
    sensors: &mut BTreeMap<SensorId, Sensor>,
    feed: &mut Feed,
    report: &TemperatureReport,
    at: Timestamp,
) {
    let (told, sampled) = match report {
        TemperatureReport::NotAsked => {
            *feed = Feed::Untimed;
            return;
        }
        TemperatureReport::Read { sensors, sampled } => (sensors, *sampled),
    };
    // Without temperatures there is nothing that could stand still.
    *feed = feed.next(sampled.filter(|_| !told.is_empty()), at);

    for sensor in sensors.values_mut() {
        sensor.reading = SensorReading::Missing;
    }
    let received = feed.received(at);
    for (id, temperature) in told.iter().filter(|(_, temperature)| has_data(temperature)) {
        let sampled = sampled.unwrap_or(at);
        if let Some(sensor) = sensors.get_mut(id) {
            sensor.reading = SensorReading::Present;
            sensor.last = *temperature;
            sensor.sampled = sensor.sampled.max(sampled);
            sensor.received = received;
        } else if sensors.len() < MAX_SENSORS {
            let sensor = Sensor {
                reading: SensorReading::Present,
                last: *temperature,
                sampled,
                received,
            };
            sensors.insert(id.clone(), sensor);
        }
    }
}

/// Applies that the feed is frozen: what is present is old.
pub(super) fn freeze(sensors: &mut BTreeMap<SensorId, Sensor>) {
    for sensor in sensors.values_mut() {
        if sensor.reading == SensorReading::Present {
            sensor.reading = SensorReading::Frozen;
        }
    }
}

/// A reading with neither actual nor target says no more than a sensor that is left out.
fn has_data(temperature: &Temperature) -> bool {
    temperature.actual.is_some() || temperature.target.is_some()
}
