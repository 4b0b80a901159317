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
use super::line::Feed;
use super::poke::{Closely, Wish};
use super::source::Rhythm;

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Read everything that is due, and tell it.
    Round,
    /// Read the job alone, and tell it if it has changed.
    Glance,
}

/// See the [module](self). The clock and the wishes meet the [`Rules`] here.
pub(super) struct Pace {
    ticks: Interval,
    rhythm: Rhythm,
    looks: Looks,
    rules: Rules,
}

/// What is decided, without a clock.
#[derive(Debug)]
struct Rules {
    heeded: Wish,
    standing: Standing,
    feed: Feed,
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

/// What a wish leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heeded {
    RoundNow,
    /// Nothing, or glances from now on.
    NoRound,
}

impl Pace {
    /// The first turn comes within one interval, so that a thousand printers do not start in step.
    pub(super) fn new(rhythm: Rhythm, looks: Looks) -> Self {
        let now = Instant::now();
        Self {
            ticks: ticks(now + some_of(rhythm.silent), rhythm.silent),
            rhythm,
            looks,
            rules: Rules::new(now),
        }
    }

    /// OctoPrint tells by itself from now on, or does not any more. Then the next turn comes at once, if it answered
    /// last: what happened since the last word is not known.
    pub(super) fn attend(&mut self, feed: Feed) {
        if self.rules.feed == feed {
            return;
        }
        self.rules.feed = feed;
        // A pause that is being served is served in full.
        if self.rules.standing == Standing::Up {
            let wait = match feed {
                Feed::Telling => some_of(self.interval()),
                Feed::Silent => Duration::ZERO,
            };
            self.ticks = ticks(Instant::now() + wait, self.interval());
        }
    }

    fn interval(&self) -> Duration {
        match self.rules.feed {
            Feed::Telling => self.rhythm.telling,
            Feed::Silent => self.rhythm.silent,
        }
    }

    /// Waits for the next turn.
    pub(super) async fn next(&mut self) -> Turn {
        let ended = Instant::now();
        let turn = loop {
            let glance = self.rules.next_glance(ended, Instant::now());
            tokio::select! {
                biased;
                _ = self.ticks.tick() => {
                    self.rules.ticked();
                    break Turn::Round;
                }
                wish = self.looks.changed() => if self.rules.heed(wish) == Heeded::RoundNow {
                    self.ticks.reset();
                    break Turn::Round;
                },
                () = time::sleep_until(glance.unwrap_or(ended)), if glance.is_some() => break Turn::Glance,
            }
        };
        self.rules.began = Instant::now();
        turn
    }

    /// Somebody waits for the printer: nothing that can wait should come before the next look.
    pub(super) fn is_close(&self) -> bool {
        self.rules.close_look(Instant::now()).is_some()
    }

    /// The server answered.
    pub(super) fn answered(&mut self) {
        if self.rules.standing != Standing::Up {
            self.rules.standing = Standing::Up;
            self.ticks = ticks(Instant::now() + self.interval(), self.interval());
        }
    }

    /// The server did not answer: the next tick is after `pause`.
    pub(super) fn failed(&mut self, pause: Duration) {
        self.rules.failed();
        self.ticks.reset_after(pause);
    }

    /// The server rejected the key: the next tick is after `pause`.
    pub(super) fn rejected(&mut self, pause: Duration) {
        self.rules.standing = Standing::Rejected;
        self.ticks.reset_after(pause);
    }
}

fn ticks(first: Instant, period: Duration) -> Interval {
    // `interval_at` panics on zero; the configuration does not let it get here.
    let mut ticks = time::interval_at(first, period.max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks
}

/// A random part of an interval.
fn some_of(interval: Duration) -> Duration {
    interval.mul_f64(fastrand::f64())
}

impl Rules {
    fn new(now: Instant) -> Self {
        Self {
            heeded: Wish::default(),
            standing: Standing::Away(Pause::Open),
            feed: Feed::Silent,
            began: now,
        }
    }

    /// The pause, if it was one, was served in full.
    fn ticked(&mut self) {
        if let Standing::Away(pause) = &mut self.standing {
            *pause = Pause::Open;
        }
    }

    fn failed(&mut self) {
        if !matches!(self.standing, Standing::Away(_)) {
            self.standing = Standing::Away(Pause::Open);
        }
    }

    fn heed(&mut self, wish: Wish) -> Heeded {
        let asked = wish.looks != self.heeded.looks;
        let begins = wish.closely.is_some() && wish.closely != self.heeded.closely;
        self.heeded = wish;
        match &mut self.standing {
            Standing::Up if asked => Heeded::RoundNow,
            Standing::Away(pause @ Pause::Open) if asked || begins => {
                *pause = Pause::Closed;
                Heeded::RoundNow
            }
            _ => Heeded::NoRound,
        }
    }

    /// Who is told at once has no need to look closely.
    fn close_look(&self, now: Instant) -> Option<Closely> {
        let closely = self.heeded.closely.filter(|closely| now < closely.until);
        closely.filter(|_| self.feed == Feed::Silent)
    }

    /// When to glance again, the last turn having ended at `ended`.
    fn next_glance(&self, ended: Instant, now: Instant) -> Option<Instant> {
        let closely = self.close_look(now)?;
        if self.standing != Standing::Up {
            return None;
        }
        if self.began < closely.from {
            return Some(ended);
        }
        let looking = ended.saturating_duration_since(closely.from);
        let took = ended.saturating_duration_since(self.began);
        Some(ended + pause(looking).max(courtesy(looking, took)))
    }
}

/// The pause between two glances after so long a close look: a hundredth of it, so that whoever waits hardly waits
/// longer than the printer takes.
fn pause(looking: Duration) -> Duration {
    const SHORTEST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(100);
    (looking / 100).clamp(SHORTEST, LONGEST)
}

/// The pause that a slow server gets after so long a close look, a glance having taken so long: it gives us half of its
/// time for a second, and then a quarter. It has a printer to feed.
fn courtesy(looking: Duration, took: Duration) -> Duration {
    const FIRST: Duration = Duration::from_secs(1);
    if looking < FIRST { took } else { took * 3 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn up(now: Instant) -> Rules {
        let mut rules = Rules::new(now);
        rules.standing = Standing::Up;
        rules
    }

    /// A wish for one more look.
    fn look(rules: &Rules) -> Wish {
        Wish {
            looks: rules.heeded.looks + 1,
            ..rules.heeded
        }
    }

    fn closely(from: Instant, lasts: Duration) -> Wish {
        let until = from + lasts;
        Wish {
            looks: 0,
            closely: Some(Closely { from, until }),
        }
    }

    #[test]
    fn nobody_wishes_anything() {
        let now = Instant::now();
        assert_eq!(up(now).next_glance(now, now), None);
    }

    #[test]
    fn a_poke_is_one_round() {
        let mut rules = up(Instant::now());
        let wish = look(&rules);
        assert_eq!(rules.heed(wish), Heeded::RoundNow);
        assert_eq!(rules.heed(wish), Heeded::NoRound);
    }

    /// The times of the glances of a close look at a server that takes so long for each.
    fn glances(lasts: Duration, takes: Duration) -> Vec<Duration> {
        let begun = Instant::now();
        let mut rules = up(begun);
        let from = begun + MS;
        assert_eq!(rules.heed(closely(from, lasts)), Heeded::NoRound);
        let mut glances = Vec::new();
        let mut now = from;
        while let Some(due) = rules.next_glance(now, now) {
            now = now.max(due);
            if now >= from + lasts {
                break;
            }
            glances.push(now - from);
            rules.began = now;
            now += takes;
        }
        glances
    }

    #[test]
    fn a_close_look_begins_at_once_and_slows_down() {
        let glances = glances(Duration::from_secs(20), MS * 3);
        assert_eq!(glances[0], Duration::ZERO);
        for pair in glances.windows(2) {
            let pause = pair[1] - (pair[0] + MS * 3);
            assert!(pause >= MS * 10 && pause <= MS * 100, "{pair:?}");
            assert!(pause <= (pair[1] / 100).max(MS * 10), "{pair:?}");
        }
        let longest = glances.windows(2).map(|pair| pair[1] - pair[0]).max();
        assert!(longest >= Some(MS * 100), "{longest:?}");
        assert!((300..500).contains(&glances.len()), "{}", glances.len());
    }

    #[test]
    fn a_slow_server_gives_half_of_its_time_and_then_a_quarter() {
        let takes = MS * 300;
        for pair in glances(Duration::from_secs(10), takes).windows(2) {
            let ended = pair[0] + takes;
            let courtesy = if ended < MS * 1000 { takes } else { takes * 3 };
            assert_eq!(pair[1] - ended, courtesy, "{pair:?}");
        }
    }

    #[test]
    fn a_close_look_ends_in_time_or_when_told() {
        let now = Instant::now();
        let mut rules = up(now);
        rules.heed(closely(now + MS, MS * 100));
        assert!(rules.next_glance(now + MS * 50, now + MS * 50).is_some());
        assert_eq!(rules.next_glance(now + MS * 101, now + MS * 101), None);
        rules.heed(Wish::default());
        assert_eq!(rules.next_glance(now + MS * 50, now + MS * 50), None);
    }

    /// A client that calls methods all the time does not make an OctoPrint that starts slowly start more slowly.
    #[test]
    fn who_does_not_answer_is_asked_at_most_twice_per_pause() {
        let now = Instant::now();
        let mut rules = up(now);
        rules.failed();
        for _ in 0..5 {
            let wish = look(&rules);
            assert_eq!(rules.heed(wish), Heeded::RoundNow);
            rules.failed();
            for _ in 0..100 {
                let wish = look(&rules);
                assert_eq!(rules.heed(wish), Heeded::NoRound);
            }
            assert_eq!(rules.heed(closely(now, MS * 1000)), Heeded::NoRound);
            assert_eq!(rules.next_glance(now, now), None);
            // The pause is over; nobody answers.
            rules.ticked();
            rules.failed();
        }
        rules.heeded = Wish::default();
        assert_eq!(rules.heed(closely(now, MS * 1000)), Heeded::RoundNow);
        rules.standing = Standing::Up;
        assert!(rules.next_glance(now, now).is_some(), "it is back");
    }

    #[test]
    fn who_rejects_the_key_is_not_poked() {
        let now = Instant::now();
        let mut rules = up(now);
        rules.standing = Standing::Rejected;
        let wish = look(&rules);
        assert_eq!(rules.heed(wish), Heeded::NoRound);
        assert_eq!(rules.heed(closely(now, MS * 1000)), Heeded::NoRound);
        assert_eq!(rules.next_glance(now, now), None);
    }
}
