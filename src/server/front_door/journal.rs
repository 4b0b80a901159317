//! The log lines of the front door: fixed texts, data as fields.
//!
//! Strangers cause these lines, so there is a bound: of each kind, [`AT_ONCE`] in each [`PERIOD`]; what is left out is
//! counted and told with the next line of its kind.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::{debug, warn};

const AT_ONCE: u32 = 30;
const PERIOD: Duration = Duration::from_secs(10);

/// A connection too many, in all or of one address.
pub(super) fn full(address: SocketAddr) {
    static LINES: Sparse = Sparse::new();
    LINES.tell(&format!(
        "a connection is refused, there are too many: from={address}"
    ));
}

/// The listener cannot take connections for the moment.
pub(super) fn not_accepted(reason: &io::Error) {
    static LINES: Sparse = Sparse::new();
    LINES.tell(&format!("connections cannot be accepted: {reason}"));
}

/// The library does not listen any more.
pub(super) fn not_connected(reason: &io::Error) {
    static LINES: Sparse = Sparse::new();
    LINES.tell(&format!("a connection cannot be passed on: {reason}"));
}

/// A message that is not passed on; its connection ends.
pub(super) fn refused(address: SocketAddr, reason: &dyn Display) {
    static LINES: Sparse = Sparse::new();
    LINES.tell(&format!("a connection is ended: from={address}, {reason}"));
}

/// Somebody on this computer has come to the library's own port while a connection was introduced.
pub(super) fn disturbed() {
    static LINES: Sparse = Sparse::new();
    LINES
        .tell("somebody on this computer connects to the inner port, which only this process uses");
}

/// A connection ended as connections do.
pub(super) fn ended(address: SocketAddr, reason: &io::Error) {
    debug!("a connection has ended: from={address}, {reason}");
}

/// The remedy is part of the line.
pub(super) fn few_descriptors(files: usize, connections: usize) {
    warn!(
        "this process may open few files, so it takes few connections at a time: files={files}, \
         connections={connections}; allow it more, with ulimit -n or LimitNOFILE="
    );
}

/// A build that nobody should run but `benches/door`.
pub(super) fn bare() {
    warn!(
        "THIS BUILD IS FOR MEASURING ONLY: with its feature `bare`, everybody on this computer comes past the front \
         door and is let in, whatever they can show"
    );
}

/// Lines of one kind.
struct Sparse(Mutex<Lines>);

struct Lines {
    since: Option<Instant>,
    told: u32,
    left_out: u64,
}

impl Sparse {
    const fn new() -> Self {
        Self(Mutex::new(Lines {
            since: None,
            told: 0,
            left_out: 0,
        }))
    }

    fn tell(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match lines.next(Instant::now()) {
            None => {}
            Some(0) => warn!("{line}"),
            Some(left_out) => warn!("{line} (and {left_out} more such lines)"),
        }
    }
}

impl Lines {
    /// Whether a line is told now, and how many were left out before it.
    fn next(&mut self, now: Instant) -> Option<u64> {
        if self.since.is_none_or(|since| now - since >= PERIOD) {
            self.since = Some(now);
            self.told = 0;
        }
        if self.told < AT_ONCE {
            self.told += 1;
            Some(std::mem::take(&mut self.left_out))
        } else {
            self.left_out += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_few_lines_and_counted() {
        let start = Instant::now();
        let mut lines = Lines {
            since: None,
            told: 0,
            left_out: 0,
        };
        for _ in 0..AT_ONCE {
            assert_eq!(lines.next(start), Some(0));
        }
        for _ in 0..1000 {
            assert_eq!(lines.next(start), None);
        }
        assert_eq!(lines.next(start + PERIOD), Some(1000));
        assert_eq!(lines.next(start + PERIOD), Some(0));
    }
}
