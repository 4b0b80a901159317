//! When to look next, and how thoroughly.
//!
//! ```text
//!            answered                     tick: Round, by the poll interval
//!   Away ───────────────► Up              poke: Round, at once
//!    ▲ ▲                   │              close look: Glance, with pauses of 10 to 100 ms
//!    │ └───────────────────┤
//!    │       failed        │              tick: Round, when the back-off is over
//!    │                     ▼              poke: Round, at once, but after it the next pause is served in full
//!    └──────────────── Rejected           tick: Round, after `key_retry`; pokes are not heeded, because OctoPrint logs
//!                                         each rejection
//! ```
//!
//! So whatever is wished, a server that does not answer is asked at most twice per pause of its back-off.

use std::time::Duration;

use tokio::time::{self, Instant, Interval, MissedTickBehavior};

use super::Looks;
use super::poke::{Closely, Wish};

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Read everything that is due, and tell it.
    Round,
    /// Read the job alone, and tell it if it has changed.
    Glance,
}

/// See the [module](self).
pub(super) struct Pace {
    ticks: Interval,
    looks: Looks,
    heeded: Wish,
    standing: Standing,
    /// When the last turn began.
    began: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Up,
    Away(Pause),
    Rejected,
}

/// The pause that a server without an answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pause {
    /// A poke may cut it short.
    Open,
    /// The one before was cut short in vain.
    Closed,
}

impl Pace {
    /// The first turn comes within one `interval`, so that a thousand printers do not start in step.
    pub(super) fn new(interval: Duration, looks: Looks) -> Self {
        // `interval_at` panics on zero; the configuration does not let it get here.
        let interval = interval.max(Duration::from_millis(1));
        let now = Instant::now();
        let phase = interval.mul_f64(fastrand::f64());
        let mut ticks = time::interval_at(now + phase, interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Self {
            ticks,
            looks,
            heeded: Wish::default(),
            standing: Standing::Away(Pause::Open),
            began: now,
        }
    }

    /// Waits for the next turn.
    pub(super) async fn next(&mut self) -> Turn {
        let ended = Instant::now();
        loop {
            let glance = self.next_glance(ended);
            let turn = tokio::select! {
                biased;
                _ = self.ticks.tick() => {
                    if let Standing::Away(pause) = &mut self.standing {
                        *pause = Pause::Open;
                    }
                    Some(Turn::Round)
                }
                wish = self.looks.changed() => self.heed(wish),
                () = time::sleep_until(glance.unwrap_or(ended)), if glance.is_some() => Some(Turn::Glance),
            };
            if let Some(turn) = turn {
                self.began = Instant::now();
                return turn;
            }
        }
    }

    /// Somebody waits for the printer: nothing that can wait should come before the next look.
    pub(super) fn is_close(&self) -> bool {
        self.close_look(Instant::now()).is_some()
    }

    /// The server answered.
    pub(super) fn answered(&mut self) {
        self.standing = Standing::Up;
    }

    /// The server did not answer: the next tick is after `pause`.
    pub(super) fn failed(&mut self, pause: Duration) {
        if !matches!(self.standing, Standing::Away(_)) {
            self.standing = Standing::Away(Pause::Open);
        }
        self.ticks.reset_after(pause);
    }

    /// The server rejected the key: the next tick is after `pause`.
    pub(super) fn rejected(&mut self, pause: Duration) {
        self.standing = Standing::Rejected;
        self.ticks.reset_after(pause);
    }

    fn heed(&mut self, wish: Wish) -> Option<Turn> {
        let asked = wish.looks != self.heeded.looks;
        let begins = wish.closely.is_some() && wish.closely != self.heeded.closely;
        self.heeded = wish;
        match &mut self.standing {
            Standing::Up if asked => {
                self.ticks.reset();
                Some(Turn::Round)
            }
            Standing::Away(pause @ Pause::Open) if asked || begins => {
                *pause = Pause::Closed;
                Some(Turn::Round)
            }
            _ => None,
        }
    }

    fn close_look(&self, now: Instant) -> Option<Closely> {
        self.heeded.closely.filter(|closely| now < closely.until)
    }

    /// When to glance again, the last turn having ended at `ended`.
    fn next_glance(&self, ended: Instant) -> Option<Instant> {
        let closely = self.close_look(Instant::now())?;
        if self.standing != Standing::Up {
            return None;
        }
        if self.began < closely.from {
            return Some(ended);
        }
        let pause = pause(ended.saturating_duration_since(closely.from));
        // A slow server is left at least as long in peace as it was busy with us.
        let took = ended.saturating_duration_since(self.began);
        Some(ended + pause.max(took))
    }
}

/// The pause between two glances after so long a close look: a tenth of it, so that whoever waits does not wait much
/// longer than the printer takes.
fn pause(looking: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(100);
    (looking / 10).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::octoprint::Poke;

    const INTERVAL: Duration = Duration::from_secs(2);
    const BACKOFF: Duration = Duration::from_secs(30);

    fn pace() -> (Pace, Poke) {
        let (poke, looks) = Poke::new();
        (Pace::new(INTERVAL, looks), poke)
    }

    async fn next(pace: &mut Pace) -> (Turn, Duration) {
        let before = Instant::now();
        let turn = pace.next().await;
        (turn, before.elapsed())
    }

    /// One that was asked once and answered.
    async fn up() -> (Pace, Poke) {
        let (mut pace, poke) = pace();
        let (turn, waited) = next(&mut pace).await;
        assert_eq!(turn, Turn::Round);
        assert!(waited <= INTERVAL + Duration::from_millis(2));
        pace.answered();
        (pace, poke)
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_wishes_anything() {
        let mut pace = Pace::new(INTERVAL, Looks::default());
        pace.next().await;
        pace.answered();
        for _ in 0..3 {
            let (turn, waited) = next(&mut pace).await;
            assert_eq!(turn, Turn::Round);
            assert!(waited >= INTERVAL - Duration::from_millis(2), "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_poke_makes_one_round_at_once() {
        let (mut pace, poke) = up().await;
        poke.now();
        poke.now();
        assert_eq!(next(&mut pace).await, (Turn::Round, Duration::ZERO));
        let (turn, waited) = next(&mut pace).await;
        assert_eq!(turn, Turn::Round);
        assert!(waited >= INTERVAL, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_look_begins_at_once_and_slows_down() {
        let (mut pace, poke) = up().await;
        let begun = Instant::now();
        poke.closely(begun + Duration::from_secs(5));
        assert_eq!(next(&mut pace).await, (Turn::Glance, Duration::ZERO));
        assert!(pace.is_close());
        let (mut glances, mut longest) = (0, Duration::ZERO);
        loop {
            let (turn, waited) = next(&mut pace).await;
            if begun.elapsed() >= Duration::from_secs(5) {
                break;
            }
            if turn == Turn::Glance {
                glances += 1;
                assert!(waited >= Duration::from_millis(1), "a busy loop");
                // What the clock rounds up included.
                longest = longest.max(waited);
                assert!(
                    waited <= pause(begun.elapsed()) + Duration::from_millis(2),
                    "{waited:?} after {:?}",
                    begun.elapsed()
                );
            }
        }
        assert!((40..=90).contains(&glances), "{glances}");
        assert!(longest >= Duration::from_millis(95), "{longest:?}");
        assert!(!pace.is_close());
    }

    #[tokio::test(start_paused = true)]
    async fn a_close_look_ends_when_told() {
        let (mut pace, poke) = up().await;
        poke.closely(Instant::now() + BACKOFF);
        assert_eq!(pace.next().await, Turn::Glance);
        poke.calmly();
        assert_eq!(pace.next().await, Turn::Round);
        assert!(!pace.is_close());
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_server_gets_as_much_peace_as_it_takes_time() {
        let (mut pace, poke) = up().await;
        poke.closely(Instant::now() + BACKOFF);
        assert_eq!(pace.next().await, Turn::Glance);
        time::advance(Duration::from_millis(300)).await;
        let (turn, waited) = next(&mut pace).await;
        assert_eq!(turn, Turn::Glance);
        assert!(waited >= Duration::from_millis(299), "{waited:?}");
    }

    /// A client that calls methods all the time does not make an OctoPrint that starts slowly start more slowly.
    #[tokio::test(start_paused = true)]
    async fn who_does_not_answer_is_asked_at_most_twice_per_pause() {
        let (mut pace, poke) = up().await;
        let begun = Instant::now();
        let mut turns = 0;
        pace.failed(BACKOFF);
        while begun.elapsed() < BACKOFF * 10 {
            poke.now();
            poke.closely(Instant::now() + BACKOFF);
            tokio::select! {
                turn = pace.next() => {
                    assert_eq!(turn, Turn::Round);
                    turns += 1;
                    pace.failed(BACKOFF);
                }
                () = time::sleep(Duration::from_millis(50)) => {}
            }
        }
        assert!((10..=21).contains(&turns), "{turns}");
        pace.answered();
        poke.closely(Instant::now() + BACKOFF);
        assert_eq!(pace.next().await, Turn::Glance);
    }

    #[tokio::test(start_paused = true)]
    async fn who_rejects_the_key_is_not_poked() {
        let (mut pace, poke) = up().await;
        pace.rejected(BACKOFF);
        poke.now();
        poke.closely(Instant::now() + BACKOFF * 2);
        let (turn, waited) = next(&mut pace).await;
        assert_eq!(turn, Turn::Round);
        assert!(waited >= BACKOFF - Duration::from_millis(2), "{waited:?}");
    }
}
