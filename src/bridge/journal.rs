//! The log lines of this room: fixed texts, data as fields. Never a key.

use log::{error, info, warn};

use super::BridgeError;
use crate::machine::{JobEvent, MAX_SENSORS, Outcome};

/// A job started, paused, resumed or ended.
pub fn job(machine: &str, event: &JobEvent) {
    match event {
        JobEvent::Started(job) => info!(
            "{machine}: job started id={:?} at={}",
            job.id.0,
            job.start.at()
        ),
        JobEvent::Paused { id, at } => info!("{machine}: job paused id={:?} at={at}", id.0),
        JobEvent::Resumed { id, at } => info!("{machine}: job resumed id={:?} at={at}", id.0),
        JobEvent::Ended(job) => {
            if let Some((at, outcome)) = job.end() {
                let outcome = match outcome {
                    Outcome::Completed => "completed".to_owned(),
                    Outcome::Cancelled => "cancelled".to_owned(),
                    Outcome::Failed { reason } => format!("failed reason={reason:?}"),
                    Outcome::Unknown { why } => format!("unknown why={why:?}"),
                };
                info!(
                    "{machine}: job ended id={:?} at={at} outcome={outcome}",
                    job.id.0
                );
            }
        }
    }
}

/// More sensors than the model takes: the rest is not served.
pub fn too_many_sensors(machine: &str) {
    warn!("{machine}: more than {MAX_SENSORS} temperature sensors; the others are not served");
}

/// Shutdown did not finish in time and was cut short.
pub fn drain_cut_short() {
    error!("shutdown took too long and was cut short");
}

/// Something failed after the bridge had begun to end because of something else.
pub fn failed(error: &BridgeError) {
    error!("{error}");
}
