//! How often something may happen: so many times at once, and one more in each period.

use std::time::{Duration, Instant};

/// A bucket of tokens. It knows no clock: times are passed in.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    /// For all of its tokens to come back.
    whole: Duration,
    period: Duration,
    /// When it is full, if nothing more is taken.
    full_at: Instant,
}

impl Bucket {
    /// A full one of so many tokens, each of which comes back after a period.
    pub(super) fn full(tokens: u32, period: Duration, now: Instant) -> Self {
        Self {
            whole: period * tokens,
            period,
            full_at: now,
        }
    }

    /// Takes a token.
    ///
    /// # Errors
    /// There is none; how long until there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.max(now) + self.period;
        let wait = full_at.duration_since(now).saturating_sub(self.whole);
        if wait.is_zero() {
            self.full_at = full_at;
            Ok(())
        } else {
            Err(wait)
        }
    }

    /// Whether there is a token to take.
    pub(super) fn has_one(&self, now: Instant) -> bool {
        self.clone().take(now).is_ok()
    }

    /// Puts a token back that was taken.
    pub(super) fn give_back(&mut self, now: Instant) {
        // What is before now is full all the same.
        self.full_at = self.full_at.checked_sub(self.period).unwrap_or(now);
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(10);

    #[test]
    fn tokens_come_back_one_by_one() {
        let start = Instant::now();
        let mut bucket = Bucket::full(2, PERIOD, start);
        assert_eq!(bucket.take(start), Ok(()));
        assert_eq!(bucket.take(start), Ok(()));
        assert_eq!(bucket.take(start), Err(PERIOD));
        assert_eq!(bucket.take(start + PERIOD / 2), Err(PERIOD / 2));
        assert!(bucket.has_one(start + PERIOD));
        assert_eq!(bucket.take(start + PERIOD), Ok(()));
        assert!(!bucket.has_one(start + PERIOD));
        assert!(!bucket.is_full(start + PERIOD * 2));
        assert!(bucket.is_full(start + PERIOD * 3));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let start = Instant::now();
        let mut bucket = Bucket::full(1, PERIOD, start);
        bucket.take(start).unwrap();
        bucket.give_back(start);
        bucket.give_back(start);
        bucket.take(start).unwrap();
        assert!(!bucket.has_one(start), "never more than there were");
    }
}
