//! The status policy: how well a value is known, and which OPC UA status code says so.
//!
//! Pure. A value without data is a status and nothing else, never Good and empty. Codes and their meaning:
//! OPC 10000-8 §6.3 and OPC 10000-4 §7.39.
//!
//! | case | values that depend on the source |
//! |---|---|
//! | nothing was read yet | Bad_WaitingForInitialData |
//! | out of reach for less than `stale_after` | the last value, Uncertain_NoCommunicationLastUsableValue; Bad_NoCommunication if it had none |
//! | out of reach for longer | Bad_NoCommunication |
//! | the printer is closed | Bad_OutOfService |
//! | the printer failed | Bad_DeviceFailure |
//! | a sensor that never reported | Bad_WaitingForInitialData |
//! | a sensor that no longer reports, a value that is not told | Bad_NoData |
//! | outside its EURange | the value, Uncertain_EngineeringUnitsExceeded |
//! | the feed stands still, or temperatures are refused although the printer is connected | the value, Uncertain_LastUsableValue |

use std::time::Duration;

use opcua::types::StatusCode;

use super::state::Activity;
use crate::machine::{
    Freshness, Machine, SensorId, SensorReading, Temperature, TemperatureReport, Timestamp,
};

/// A value and how well it is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quality<T> {
    Good(T),
    /// Usable with a reservation, which the code names.
    Uncertain(T, StatusCode),
    /// There is no value; the code says why.
    Bad(StatusCode),
}

impl<T> Quality<T> {
    /// A value under a status that was decided elsewhere and is not Bad.
    pub fn with_status(value: T, status: StatusCode) -> Self {
        if status.is_good() {
            Self::Good(value)
        } else {
            Self::Uncertain(value, status)
        }
    }

    /// The value, or why there is none.
    pub fn or_bad(value: Option<T>, status: StatusCode) -> Self {
        value.map_or(Self::Bad(status), Self::Good)
    }
}

/// A machine at an instant, with the judgement that all its values share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub machine: &'a Machine,
    pub at: Timestamp,
    pub freshness: Freshness,
    /// Since when what the newest report tells holds, if it is new at `at`: by the clock of the source where it told
    /// that and its clock can be believed.
    pub told_at: Timestamp,
}

/// Limits of a process value, as its EURange tells them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    pub low: f64,
    pub high: f64,
}

impl Limits {
    pub const PERCENT: Self = Self {
        low: 0.0,
        high: 100.0,
    };

    fn judge(self, value: f64) -> Quality<f64> {
        if value < self.low || value > self.high {
            Quality::Uncertain(value, StatusCode::UncertainEngineeringUnitsExceeded)
        } else {
            Quality::Good(value)
        }
    }
}

/// OctoPrint samples every few seconds, and reports twice a second. What lies further back was dated by a clock that
/// lags.
const MAX_AGE: Duration = Duration::from_secs(60);

/// A time by the clock of the source, unless that clock is seen to be wrong: then when it was received.
pub(super) fn believed(told: Timestamp, received: Timestamp) -> Timestamp {
    if told > received || told + MAX_AGE < received {
        received
    } else {
        told
    }
}

fn told_at(machine: &Machine, at: Timestamp) -> Timestamp {
    // What changed later than the report was told otherwise.
    let is_new = machine.reported_at == Some(at);
    let told = machine.report.as_ref().and_then(|report| report.told_at);
    told.filter(|_| is_new)
        .map_or(at, |told| believed(told, at))
}

impl<'a> View<'a> {
    pub(crate) fn new(machine: &'a Machine, at: Timestamp) -> Self {
        Self {
            machine,
            at,
            freshness: machine.freshness(at),
            told_at: told_at(machine, at),
        }
    }

    pub(super) fn activity(&self) -> Option<Activity> {
        self.machine.report.as_ref().map(|r| r.state.into())
    }

    /// A value of the newest report; `None` if the source did not tell it.
    pub(crate) fn told<T>(&self, value: Option<T>) -> Quality<T> {
        self.aged(Quality::or_bad(value, self.missing()))
    }

    /// A value that only a working connection to the printer has; `None` if the source did not tell it.
    pub(crate) fn live<T>(&self, value: Option<T>) -> Quality<T> {
        self.told(value.filter(|_| {
            let activity = self.activity();
            !matches!(activity, Some(Activity::Closed | Activity::Failed))
        }))
    }

    /// A number like [`Self::live`], and its limits.
    pub(crate) fn live_within(&self, value: Option<f64>, limits: Limits) -> Quality<f64> {
        match self.live(value.filter(|value| value.is_finite())) {
            Quality::Good(value) => limits.judge(value),
            doubtful => doubtful,
        }
    }

    /// Why a value is not in the newest report.
    fn missing(&self) -> StatusCode {
        match self.activity() {
            Some(Activity::Closed) => StatusCode::BadOutOfService,
            Some(Activity::Failed) => StatusCode::BadDeviceFailure,
            _ => StatusCode::BadNoData,
        }
    }

    /// One part of a temperature.
    pub(crate) fn temperature(
        &self,
        sensor: &SensorId,
        part: impl Fn(&Temperature) -> Option<f64>,
        limits: Limits,
    ) -> Quality<f64> {
        self.aged(self.live_temperature(sensor, part, limits))
    }

    fn live_temperature(
        &self,
        sensor: &SensorId,
        part: impl Fn(&Temperature) -> Option<f64>,
        limits: Limits,
    ) -> Quality<f64> {
        let asked = self
            .machine
            .report
            .as_ref()
            .is_some_and(|r| r.temperatures != TemperatureReport::NotAsked);
        match self.activity() {
            Some(Activity::Closed) => return Quality::Bad(StatusCode::BadOutOfService),
            Some(Activity::Failed) => return Quality::Bad(StatusCode::BadDeviceFailure),
            // An unknown state is no reason to distrust temperatures that came with it.
            Some(Activity::Unclear) if !asked => {
                return Quality::Bad(StatusCode::BadOutOfService);
            }
            _ => {}
        }
        let Some(sensor) = self.machine.sensors.get(sensor) else {
            return Quality::Bad(StatusCode::BadWaitingForInitialData);
        };
        let value = match part(&sensor.last).filter(|v| v.is_finite()) {
            Some(value) if sensor.reading != SensorReading::Missing => value,
            _ => return Quality::Bad(StatusCode::BadNoData),
        };
        if sensor.reading == SensorReading::Frozen || !asked {
            Quality::Uncertain(value, StatusCode::UncertainLastUsableValue)
        } else {
            limits.judge(value)
        }
    }

    /// What remains of a live value when the source is out of reach.
    fn aged<T>(&self, live: Quality<T>) -> Quality<T> {
        match (self.freshness, live) {
            (Freshness::Live, live) => live,
            (Freshness::Waiting, _) => Quality::Bad(StatusCode::BadWaitingForInitialData),
            (Freshness::Stale, Quality::Good(value) | Quality::Uncertain(value, _)) => {
                Quality::Uncertain(value, StatusCode::UncertainNoCommunicationLastUsableValue)
            }
            (Freshness::Stale | Freshness::Lost, _) => Quality::Bad(StatusCode::BadNoCommunication),
        }
    }
}
