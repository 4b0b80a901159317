//! A heater as a first-order system: after each change of its target the temperature follows one exponential.
//!
//! The curve is kept as the list of its pieces, so that any moment of the last ten minutes can be computed exactly
//! and nothing has to run between two requests.

use std::time::Duration;

use crate::octoprint::simulator::clock::Moment;

/// How far back a curve can be read: 300 samples, as OctoPrint keeps them.
pub(super) const MEMORY: Duration = Duration::from_secs(600);

/// A heater is taken as hot when it is this close to its target, °C.
const HOT_WITHIN: f64 = 2.0;

#[derive(Debug, Clone)]
pub(super) struct Heater {
    ambient: f64,
    heating: Duration,
    cooling: Duration,
    /// Never empty, ordered by `since`.
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    since: Moment,
    /// °C at `since`.
    from: f64,
    /// °C; 0 is off.
    target: f64,
}

impl Heater {
    /// Off, and as warm as the room.
    pub(super) fn new(ambient: f64, heating: Duration, cooling: Duration) -> Self {
        let off = Piece {
            since: Moment::ZERO,
            from: ambient,
            target: 0.0,
        };
        Self {
            ambient,
            heating,
            cooling,
            pieces: vec![off],
        }
    }

    /// Sets the target; 0 is off. Moments must not run backwards.
    pub(super) fn set_target(&mut self, at: Moment, target: f64) {
        let piece = Piece {
            since: at,
            from: self.temperature(at),
            target,
        };
        let forgotten = self
            .pieces
            .windows(2)
            .take_while(|pair| pair[1].since + MEMORY < at)
            .count();
        self.pieces.drain(..forgotten);
        self.pieces.push(piece);
    }

    /// °C at a moment within [`MEMORY`].
    pub(super) fn temperature(&self, at: Moment) -> f64 {
        let piece = self.piece(at);
        let (goal, constant) = self.course(piece.from, piece.target);
        let elapsed = at.saturating_sub(piece.since).as_secs_f64();
        goal + (piece.from - goal) * (-elapsed / constant.as_secs_f64()).exp()
    }

    /// The target at a moment within [`MEMORY`], °C; 0 is off.
    pub(super) fn target(&self, at: Moment) -> f64 {
        self.piece(at).target
    }

    /// How long it takes from `at` until it is hot enough to print at `target`.
    pub(super) fn time_to_reach(&self, at: Moment, target: f64) -> Duration {
        let from = self.temperature(at);
        let missing = target - from;
        if target <= 0.0 || missing <= HOT_WITHIN {
            return Duration::ZERO;
        }
        self.heating.mul_f64((missing / HOT_WITHIN).ln())
    }

    fn piece(&self, at: Moment) -> Piece {
        let index = self.pieces.partition_point(|piece| piece.since <= at);
        self.pieces[index.saturating_sub(1)]
    }

    /// Where the temperature tends to, and how fast.
    fn course(&self, from: f64, target: f64) -> (f64, Duration) {
        let goal = if target > 0.0 { target } else { self.ambient };
        if goal > from {
            (goal, self.heating)
        } else {
            (goal, self.cooling)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn heater() -> Heater {
        Heater::new(21.0, seconds(10), seconds(50))
    }

    #[test]
    fn it_approaches_the_target_and_never_passes_it() {
        let mut heater = heater();
        heater.set_target(seconds(5), 200.0);
        let mut last = heater.temperature(seconds(5));
        assert_eq!(last, 21.0);
        for at in 6..120 {
            let now = heater.temperature(seconds(at));
            assert!(now > last && now < 200.0, "{now} after {last}");
            last = now;
        }
        assert!(last > 199.9);
    }

    #[test]
    fn it_is_hot_when_it_said_it_would_be() {
        let mut heater = heater();
        let wait = heater.time_to_reach(seconds(0), 200.0);
        heater.set_target(seconds(0), 200.0);
        assert!((heater.temperature(wait) - 198.0).abs() < 0.001);
        assert_eq!(heater.time_to_reach(seconds(200), 200.0), Duration::ZERO);
        assert_eq!(heater.time_to_reach(seconds(200), 0.0), Duration::ZERO);
    }

    #[test]
    fn it_cools_to_the_room_and_remembers_ten_minutes() {
        let mut heater = heater();
        heater.set_target(seconds(0), 200.0);
        heater.set_target(seconds(300), 0.0);
        assert!(heater.temperature(seconds(100)) > 190.0);
        assert_eq!(heater.target(seconds(299)), 200.0);
        assert!((heater.temperature(seconds(900)) - 21.0).abs() < 0.1);
        for change in 1..1_000 {
            heater.set_target(seconds(1_000 + change), f64::from(change as u32 % 3) * 50.0);
        }
        assert!(heater.pieces.len() < 603, "{} pieces", heater.pieces.len());
    }
}
