//! The one task that owns a machine: everything that happens to it enters by one queue.
//!
//! The task applies each observation to the pure model, renders the model into the instance that the server reads,
//! and hands the difference to the publisher. It holds the instance's lock only while it renders.

use std::future;
use std::sync::Arc;

use chrono::Utc;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::machine::{Freshness, Link, Machine, Observation, Timestamp};
use crate::octoprint::Observed;
use crate::server::{Publisher, SharedInstance};
use crate::umati::Mapping;

use super::journal;
use super::pulse::Pulse;

/// A machine and the places that its changes go to.
pub struct MachineTask {
    pub machine: Machine,
    pub instance: SharedInstance,
    pub mapping: Arc<Mapping>,
    pub publisher: Publisher,
    pub pulse: Arc<Pulse>,
}

impl MachineTask {
    /// Runs until `shutdown`, or until the source has gone.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Observed>, shutdown: CancellationToken) {
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
            let now_online = matches!(self.machine.link, Link::Up { .. });
            if now_online != online {
                online = now_online;
                self.pulse.machine_turned(online);
            }
            self.render(at);
        }
        if online {
            self.pulse.machine_turned(false);
        }
    }

    fn observe(&mut self, observed: Observed) -> Timestamp {
        let Observed { observation, at } = observed;
        if matches!(observation, Observation::Report(_)) {
            self.pulse.polled(at);
        }
        for event in self.machine.apply(observation, at) {
            journal::job(&self.machine.nameplate.id, &event);
        }
        at
    }

    fn render(&mut self, at: Timestamp) {
        let refreshed = {
            let mut instance = self.instance.write();
            self.mapping.refresh(&mut instance, &self.machine, at)
        };
        match refreshed {
            Ok(delta) => self.publisher.publish(&self.machine.nameplate.id, &delta),
            Err(error) => journal::not_rendered(&self.machine.nameplate.id, &error),
        }
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
