//! Virtual time. The simulated world only ever sees a [`Moment`] that is passed in; this is where it comes from.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::sync::watch;

/// Virtual time since the origin of the simulated world.
pub type Moment = Duration;

/// The world is this old when the simulator starts, so that each printer can already be in another phase.
pub const HEAD_START: Duration = Duration::from_secs(15 * 60);

/// Tells the virtual time. Clones share one time.
#[derive(Debug, Clone)]
pub struct Clock {
    /// Wall-clock time at [`HEAD_START`].
    started: DateTime<Utc>,
    speed: f64,
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Running(Instant),
    /// Virtual time since [`HEAD_START`].
    Manual(watch::Sender<Duration>),
}

impl Clock {
    /// Follows the real time, `speed` times as fast, from a thousandth to ten thousand times. A speed that is not a
    /// positive number counts as 1.
    pub fn running(speed: f64) -> Self {
        Self {
            started: Utc::now(),
            speed: if speed > 0.0 {
                speed.clamp(0.001, 10_000.0)
            } else {
                1.0
            },
            source: Source::Running(Instant::now()),
        }
    }

    /// Stands still until it is [advanced](Self::advance).
    pub fn manual() -> Self {
        Self {
            started: Utc::now(),
            speed: 1.0,
            source: Source::Manual(watch::Sender::default()),
        }
    }

    /// Moves a manual clock; a running clock goes its own way.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(elapsed) = &self.source {
            elapsed.send_modify(|elapsed| *elapsed += by);
        }
    }

    /// The virtual time now.
    pub fn now(&self) -> Moment {
        HEAD_START
            + match &self.source {
                Source::Running(since) => since.elapsed().mul_f64(self.speed),
                Source::Manual(elapsed) => *elapsed.borrow(),
            }
    }

    /// Waits until `moment` is reached, which may be at once.
    pub(super) async fn reach(&self, moment: Moment) {
        match &self.source {
            Source::Running(_) => {
                let missing = moment.saturating_sub(self.now());
                tokio::time::sleep(missing.div_f64(self.speed)).await;
            }
            Source::Manual(elapsed) => {
                let reached = |elapsed: &Duration| HEAD_START + *elapsed >= moment;
                // An error would mean that the sender is gone, which lives as long as `self`.
                let _ = elapsed.subscribe().wait_for(reached).await;
            }
        }
    }

    /// The virtual time that passes within a real time.
    pub(super) fn within(&self, real: Duration) -> Duration {
        real.mul_f64(self.speed)
    }

    /// The Unix time, in whole seconds, at which `moment` is or was. Answers carry real time at any speed, because
    /// that is what their readers compare it with.
    pub fn unix_time(&self, moment: Moment) -> i64 {
        self.unix_millis(moment).div_euclid(1000)
    }

    /// As [`Self::unix_time`], in milliseconds.
    pub(super) fn unix_millis(&self, moment: Moment) -> i64 {
        let since_start = (moment.as_secs_f64() - HEAD_START.as_secs_f64()) / self.speed;
        let millis = (since_start * 1000.0).round() as i64;
        self.started.timestamp_millis() + millis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual();
        let before = clock.now();
        assert_eq!(clock.now(), before);
        clock.clone().advance(Duration::from_secs(3));
        assert_eq!(clock.now(), before + Duration::from_secs(3));
        assert_eq!(clock.unix_time(clock.now()) - clock.unix_time(before), 3);
    }

    #[test]
    fn samples_carry_real_time_at_any_speed() {
        let clock = Clock::running(10.0);
        let start = clock.unix_time(HEAD_START);
        assert_eq!(
            clock.unix_time(HEAD_START + Duration::from_secs(100)) - start,
            10
        );
    }

    #[test]
    fn an_impossible_speed_is_made_possible() {
        for speed in [0.0, -3.0, f64::NAN] {
            assert_eq!(Clock::running(speed).speed, 1.0);
        }
        for (wanted, given) in [(1e-300, 0.001), (f64::INFINITY, 10_000.0)] {
            let clock = Clock::running(wanted);
            assert_eq!(clock.speed, given);
            clock.unix_time(clock.now());
        }
    }
}
