//! `history` and `current` of the push socket: state, job, progress and the newest temperatures in one message.

use serde_json::Value;

use super::job::parts;
use super::printer::{flags, sensors};
use super::{Flavour, JobAnswer, PrinterAnswer, count, instant, number, text};
use crate::machine::{Resends, SensorId, TemperatureReport, Timestamp};

/// What such a message told.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::octoprint) struct Told {
    pub job: JobAnswer,
    /// Without temperatures.
    pub printer: PrinterAnswer,
    /// `None` if there is no new sample.
    pub temperatures: Option<TemperatureReport>,
    pub z: Option<f64>,
    pub tool: Option<u8>,
    pub resends: Option<Resends>,
    pub told_at: Option<Timestamp>,
}

pub(in crate::octoprint) fn told(all: &Value) -> Told {
    let state = &all["state"];
    let state_text = text(&state["text"]).unwrap_or_default();
    let error = text(&state["error"]);
    // It was renamed in 2.0.
    let resends = resends(&all["resends"]).or_else(|| resends(&all["health"]));
    Told {
        printer: PrinterAnswer {
            state_text: state_text.clone(),
            flags: flags(&state["flags"]),
            error: error.clone(),
            temperatures: TemperatureReport::NotAsked,
        },
        job: parts(
            state_text,
            error,
            &all["job"],
            &all["progress"],
            // Its imitators have no push socket.
            Flavour::OctoPrint,
        ),
        temperatures: temperatures(&all["temps"], &all["offsets"]),
        z: number(&all["currentZ"]),
        tool: count(&all["currentTool"]).and_then(|tool| u8::try_from(tool).ok()),
        resends,
        told_at: instant(&all["serverTime"]),
    }
}

/// The newest sample, by its place: a clock that is set back does not make old samples new.
fn temperatures(samples: &Value, offsets: &Value) -> Option<TemperatureReport> {
    let sample = samples.as_array()?.last()?;
    let mut sensors = sensors(sample);
    for (id, temperature) in &mut sensors {
        if let SensorId::Tool(_) | SensorId::Bed | SensorId::Chamber = id {
            temperature.offset = number(&offsets[id.to_string()]);
        }
    }
    Some(TemperatureReport::Read {
        sensors,
        sampled: instant(&sample["time"]),
    })
}

fn resends(resends: &Value) -> Option<Resends> {
    Some(Resends {
        count: count(&resends["count"])?,
        transmitted: count(&resends["transmitted"])?,
        ratio: number(&resends["ratio"])?,
    })
}
