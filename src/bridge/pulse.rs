//! The bridge's own pulse: what tells "the bridge lives" apart from "the printer is off".

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use chrono::DateTime;

use crate::machine::Timestamp;

/// Counters that all machine tasks feed and the bridge object shows.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    online: AtomicU32,
    /// Milliseconds since the epoch of the newest report of any machine; 0 = none yet.
    last_poll: AtomicI64,
}

impl Pulse {
    /// A machine's link came up or went down.
    pub(super) fn machine_turned(&self, online: bool) {
        if online {
            self.online.fetch_add(1, Ordering::Relaxed);
        } else {
            self.online.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A report was received.
    pub(super) fn polled(&self, at: Timestamp) {
        self.last_poll
            .fetch_max(at.timestamp_millis(), Ordering::Relaxed);
    }

    /// Machines whose OctoPrint answers and accepts the key.
    pub(super) fn online(&self) -> u32 {
        self.online.load(Ordering::Relaxed)
    }

    /// When any machine was last read successfully.
    pub(super) fn last_poll(&self) -> Option<Timestamp> {
        match self.last_poll.load(Ordering::Relaxed) {
            0 => None,
            millis => DateTime::from_timestamp_millis(millis),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn machines_come_and_go() {
        let pulse = Pulse::default();
        assert_eq!(pulse.online(), 0);
        pulse.machine_turned(true);
        pulse.machine_turned(true);
        pulse.machine_turned(false);
        assert_eq!(pulse.online(), 1);
    }

    #[test]
    fn the_newest_report_of_any_machine_counts() {
        let pulse = Pulse::default();
        assert_eq!(pulse.last_poll(), None);
        let at = |seconds| Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
        pulse.polled(at(20));
        pulse.polled(at(10));
        assert_eq!(pulse.last_poll(), Some(at(20)));
    }
}
