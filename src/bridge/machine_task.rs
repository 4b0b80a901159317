//! The one task that owns a machine: everything that happens to it enters by one queue.
//!
//! The task applies each observation to the pure model, renders the model into the instance that the server reads,
//! and hands the difference to the publisher. It holds the instance's lock only while it renders.

use std::future;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::machine::{Link, MAX_SENSORS, Machine, Observation, Timestamp};
use crate::octoprint::Observed;
use crate::server::{Publisher, SharedInstance, update};
use crate::umati::Mapping;

use super::journal;
use super::pulse::Pulse;

/// A machine and the places that its changes go to.
pub(super) struct MachineTask {
    pub machine: Machine,
    pub instance: SharedInstance,
    pub mapping: Arc<Mapping>,
    pub publisher: Publisher,
    pub pulse: Arc<Pulse>,
}

impl MachineTask {
    /// Runs until `shutdown`, or until the source has gone.
    pub(super) async fn run(
        mut self,
        mut queue: mpsc::Receiver<Observed>,
        shutdown: CancellationToken,
    ) {
        let mut online = false;
        loop {
            let deadline = self.machine.next_deadline(Utc::now());
            let at = tokio::select! {
                () = shutdown.cancelled() => break,
                observed = queue.recv() => match observed {
                    Some(observed) => self.observe(observed),
                    None => break,
                },
                () = sleep_until(deadline) => {
                    let now = Utc::now();
                    self.machine.tick(now);
                    now
                }
            };
            let answers = matches!(self.machine.link, Link::Up { .. });
            if answers != online {
                online = answers;
                self.pulse.machine_turned(online);
            }
            self.render(at);
        }
    }

    fn observe(&mut self, observed: Observed) -> Timestamp {
        let Observed { observation, at } = observed;
        if matches!(observation, Observation::Report(_)) {
            self.pulse.polled(at);
        }
        let sensors = self.machine.sensors.len();
        for event in self.machine.apply(observation, at) {
            journal::job(&self.machine.nameplate.id, &event);
        }
        self.machine.take_changes();
        if sensors < MAX_SENSORS && self.machine.sensors.len() == MAX_SENSORS {
            journal::sensors_full(&self.machine.nameplate.id);
        }
        at
    }

    fn render(&mut self, at: Timestamp) {
        let id = &self.machine.nameplate.id;
        let (before, delta) = update(&self.instance, |instance| {
            let before = Arc::clone(instance.blueprint());
            (before, self.mapping.refresh(instance, &self.machine, at))
        });
        if delta.reshaped {
            self.publisher.model_changed(id, &before);
        }
        self.publisher.publish(id, &delta);
    }
}

/// Sleeps until a wall-clock deadline; for ever if there is none.
async fn sleep_until(deadline: Option<Timestamp>) {
    match deadline {
        Some(at) => {
            let wait = (at - Utc::now()).to_std().unwrap_or_default();
            tokio::time::sleep(wait).await;
        }
        None => future::pending().await,
    }
}
