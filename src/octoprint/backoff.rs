//! Exponential back-off with jitter: the pause before asking a server again that did not answer.
//!
//! The pause doubles from `first` to `cap`; of each, a random part between half and all is taken, so that the
//! printers of a room that lost its switch do not all come back in the same instant.

use std::time::Duration;

/// The pauses between tries. [`Backoff::reset`] at the first success.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    next: Duration,
}

/// Pauses that would make a busy loop or never grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBackoff {
    #[error("the first pause of a back-off must not be zero")]
    Zero,
    #[error("the cap of a back-off ({cap:?}) must not be below its first pause ({first:?})")]
    CapBelowFirst { first: Duration, cap: Duration },
}

impl Backoff {
    /// Between tries to reach a server: one that returns is read again within 8 s (`docs/decisions/0007-return.md`).
    pub const RETURN: Self = Self::seconds(1, 8);
    /// Between tries for something that a server refuses while it answers.
    pub const REFUSAL: Self = Self::seconds(1, 30);
    /// The same where each refusal is a line in the server's log.
    pub const LOGGED_REFUSAL: Self = Self::seconds(1, 600);

    const fn seconds(first: u64, cap: u64) -> Self {
        Self {
            first: Duration::from_secs(first),
            cap: Duration::from_secs(cap),
            next: Duration::from_secs(first),
        }
    }

    /// Pauses that grow from `first` to `cap`.
    ///
    /// # Errors
    /// If `first` is zero or above `cap`.
    pub fn new(first: Duration, cap: Duration) -> Result<Self, InvalidBackoff> {
        if first.is_zero() {
            return Err(InvalidBackoff::Zero);
        }
        if cap < first {
            return Err(InvalidBackoff::CapBelowFirst { first, cap });
        }
        Ok(Self {
            first,
            cap,
            next: first,
        })
    }

    /// The pause to make now; the one after it is up to twice as long.
    pub fn pause(&mut self) -> Duration {
        let whole = self.next;
        self.next = whole.saturating_mul(2).min(self.cap);
        whole.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// It answered: the next failure starts over.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_refused_in_words() {
        let second = Duration::from_secs(1);
        assert_eq!(
            Backoff::new(Duration::ZERO, second)
                .unwrap_err()
                .to_string(),
            "the first pause of a back-off must not be zero"
        );
        assert_eq!(
            Backoff::new(second * 2, second).unwrap_err().to_string(),
            "the cap of a back-off (1s) must not be below its first pause (2s)"
        );
    }

    #[test]
    fn pauses_double_to_the_cap_and_start_over_after_a_success() {
        let mut backoff = Backoff::REFUSAL;
        for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
            let whole = Duration::from_secs(whole);
            let pause = backoff.pause();
            assert!(
                pause >= whole / 2 && pause <= whole,
                "{pause:?} of {whole:?}"
            );
        }
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_secs(1));
    }

    #[test]
    fn two_machines_do_not_come_back_in_step() {
        let pauses = || {
            let mut backoff = Backoff::RETURN;
            (0..8).map(|_| backoff.pause()).collect::<Vec<_>>()
        };
        assert_ne!(pauses(), pauses());
    }
}
