//! Times in order.

use std::time::Duration;

/// Durations of which a share is asked for.
#[derive(Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The time within which this share of them lies, in milliseconds; NaN if there are none.
    pub fn ms(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let time = self.0.get((last as f64 * share) as usize);
        time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
    }

    pub fn median(&self) -> f64 {
        self.ms(0.5)
    }

    pub fn p99(&self) -> f64 {
        self.ms(0.99)
    }

    pub fn max(&self) -> f64 {
        self.ms(1.0)
    }
}

impl Extend<Duration> for Times {
    fn extend<I: IntoIterator<Item = Duration>>(&mut self, times: I) {
        self.0.extend(times);
        self.0.sort();
    }
}
