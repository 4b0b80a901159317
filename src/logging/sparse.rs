//! A bound on lines of one kind: so many in each period, and those that are left out are counted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use log::warn;

pub(super) const AT_ONCE: u32 = 30;
const PERIOD: Duration = Duration::from_secs(10);

/// Warnings of one kind.
pub(crate) struct Sparse(Mutex<Lines>);

/// How many were told, and how many were not.
#[derive(Debug, Default)]
pub(super) struct Lines {
    since: Option<Instant>,
    told: u32,
    left_out: u64,
}

impl Sparse {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Lines {
            since: None,
            told: 0,
            left_out: 0,
        }))
    }

    pub(crate) fn warn(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left_out) = lines.next(Instant::now()) {
            warn!("{}", with_count(line, left_out));
        }
    }
}

impl Lines {
    /// Whether a line is told now, and how many were left out before it.
    pub(super) fn next(&mut self, now: Instant) -> Option<u64> {
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

pub(super) fn with_count(line: &str, left_out: u64) -> String {
    match left_out {
        0 => line.to_owned(),
        _ => format!("{line} (and {left_out} more such lines)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_told_in_few_lines_and_counted() {
        let start = Instant::now();
        let mut lines = Lines::default();
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
