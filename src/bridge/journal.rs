//! The log lines of this room: fixed texts, data as fields. Never a key.

use log::{error, info, warn};

use super::BridgeError;
use crate::machine::{JobEvent, MAX_SENSORS, Outcome};
use crate::store::StoreError;

/// A job started, paused, resumed or ended.
pub(super) fn job(machine: &str, event: &JobEvent) {
    match event {
        JobEvent::Started(job) => {
            let (id, at) = (&job.id.0, job.start.at());
            info!("job started: machine={machine}, id={id:?}, at={at}");
        }
        JobEvent::Paused { id, at } => {
            info!("job paused: machine={machine}, id={:?}, at={at}", id.0);
        }
        JobEvent::Resumed { id, at } => {
            info!("job resumed: machine={machine}, id={:?}, at={at}", id.0);
        }
        JobEvent::Ended(job) => {
            if let Some((at, outcome)) = job.end() {
                let (id, outcome) = (&job.id.0, words(outcome));
                info!("job ended: machine={machine}, id={id:?}, at={at}, outcome={outcome}");
            }
        }
    }
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Cancelled => "cancelled".to_owned(),
        Outcome::Failed { reason } => format!("failed, reason={reason:?}"),
        Outcome::Unknown { why } => format!("unknown, why={why:?}"),
    }
}

/// The machine has as many sensors as the model takes; it is told once, before one is left out.
pub(super) fn sensors_full(machine: &str) {
    warn!("further temperature sensors are not served: machine={machine}, sensors={MAX_SENSORS}");
}

/// The store cannot be used; the remedy is part of its words.
pub(super) fn nothing_is_kept(reason: &StoreError) {
    error!("jobs and counters are not kept over the next restart: {reason}");
}

/// Shutdown did not finish in time and was cut short.
pub(super) fn drain_cut_short() {
    error!("shutdown took too long and was cut short");
}

/// Something failed after the bridge had begun to end because of something else.
pub(super) fn failed(error: &BridgeError) {
    error!("{error}");
}
