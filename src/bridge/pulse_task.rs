//! The task that shows the bridge's own pulse as the object `UmatiBridge`, on every server.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::server::{Publisher, SharedInstance, update};
use crate::umati::{BridgeStatus, Mapping};

use super::pulse::Pulse;

/// Often enough to watch a fleet come up, rare enough to cost nothing.
const REFRESH: Duration = Duration::from_secs(1);

pub(super) struct PulseTask {
    pub instance: SharedInstance,
    pub mapping: Arc<Mapping>,
    pub publishers: Vec<Publisher>,
    pub pulse: Arc<Pulse>,
    pub status: BridgeStatus,
}

impl PulseTask {
    /// Runs until `shutdown`.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(REFRESH);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        self.status.machines_online = self.pulse.online();
        self.status.last_poll = self.pulse.last_poll();
        let (id, delta) = update(&self.instance, |instance| {
            let delta = (self.mapping).refresh_bridge(instance, &self.status, Utc::now());
            (instance.id().to_owned(), delta)
        });
        for publisher in &self.publishers {
            publisher.publish(&id, &delta);
        }
    }
}
