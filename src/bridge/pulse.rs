//! The bridge's own pulse: what tells "the bridge lives" apart from "the printer is off".

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use chrono::DateTime;

use crate::machine::Timestamp;

/// Counters that all machine tasks feed and the bridge object shows.
#[derive(Debug, Default)]
pub struct Pulse {
    online: AtomicU32,
    /// Milliseconds since the epoch of the newest report of any machine; 0 = none yet.
    last_poll: AtomicI64,
}

impl Pulse {
    /// A machine's link came up or went down.
    pub fn machine_turned(&self, online: bool) {
        if online {
            self.online.fetch_add(1, Ordering::Relaxed);
        } else {
            self.online.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A report was received.
    pub fn polled(&self, at: Timestamp) {
        self.last_poll
            .fetch_max(at.timestamp_millis(), Ordering::Relaxed);
    }

    /// Machines whose OctoPrint answers and accepts the key.
    pub fn online(&self) -> u32 {
        self.online.load(Ordering::Relaxed)
    }

    /// When any machine was last read successfully.
    pub fn last_poll(&self) -> Option<Timestamp> {
        match self.last_poll.load(Ordering::Relaxed) {
            0 => None,
            millis => DateTime::from_timestamp_millis(millis),
        }
    }
}
