//! The task that shows the bridge's own pulse as the object `UmatiBridge`, on every server.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::server::{Burden, Publisher, SharedInstance, update};
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
        let burdens: Vec<_> = self.publishers.iter().map(Publisher::burden).collect();
        let sum = |part: fn(&Burden) -> usize| {
            let sum: usize = burdens.iter().map(part).sum();
            u32::try_from(sum).unwrap_or(u32::MAX)
        };
        self.status.sessions = sum(|it| it.sessions);
        self.status.monitored_items = sum(|it| it.items);
        self.status.stale_items = sum(|it| it.stale_items);
        self.status.resident_memory = resident_memory();
        let (id, delta) = update(&self.instance, |instance| {
            let delta = (self.mapping).refresh_bridge(instance, &self.status, Utc::now());
            (instance.id().to_owned(), delta)
        });
        for publisher in &self.publishers {
            publisher.publish(&id, &delta);
        }
    }
}

/// In bytes, in whole MiB so that it does not change with every page; from proc(5).
fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    let kib: u64 = resident.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib.div_ceil(1024) << 20)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_this_process_is_known() {
        let bytes = resident_memory().unwrap();
        assert!(bytes > 1 << 20 && bytes.is_multiple_of(1 << 20), "{bytes}");
    }
}
