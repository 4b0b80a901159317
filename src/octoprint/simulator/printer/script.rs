//! What a printer does when nobody tells it anything: the next job after a while, sometimes a pause, seldom an abort,
//! a thermal error or an evening off.
//!
//! The script decides one step ahead, whenever the printer enters a state, and only from its own seeded dice: the
//! same seed gives the same life, however often somebody looks.

use std::ops::Range;
use std::time::Duration;

use super::catalogue::{Model, files_for};
use super::hardware::{Hardware, Pace};
use super::run::Run;
use super::state::State;
use crate::octoprint::simulator::clock::Moment;

/// After a command by hand the printer is left alone for this long.
pub(super) const LET_GO: Duration = Duration::from_secs(5 * 60);

/// The next thing the script will do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Act {
    Print(&'static Model),
    Pause,
    Resume,
    Cancel,
    Fail(&'static str),
    SwitchOff,
    Connect,
    /// The time after a command by hand is over.
    TakeOver,
}

#[derive(Debug)]
pub(super) struct Script {
    dice: fastrand::Rng,
    pace: Pace,
    /// Never empty: the catalogue has files for every printer (tested there).
    files: Vec<&'static Model>,
    conduct: Conduct,
    plan: Plan,
    jobs: usize,
    next: Option<(Moment, Act)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Conduct {
    Acting,
    LetGoUntil(Moment),
    Stopped,
}

/// How the current job shall go; shares are of its print time.
#[derive(Debug, Clone, Copy)]
struct Plan {
    pause: Option<(f64, Duration)>,
    ending: Ending,
}

#[derive(Debug, Clone, Copy)]
enum Ending {
    Completes,
    CancelledAt(f64),
    FailsAt(f64, &'static str),
}

const HEATING_FAILED: &str =
    "Heating failed, system stopped! Heater_ID: 0 - Printer halted. kill() called!";
const THERMAL_RUNAWAY: &str =
    "Thermal Runaway, system stopped! Heater_ID: 0 - Printer halted. kill() called!";

const STRAIGHT: Plan = Plan {
    pause: None,
    ending: Ending::Completes,
};

const fn paused(share: f64, seconds: u64) -> Plan {
    Plan {
        pause: Some((share, Duration::from_secs(seconds))),
        ending: Ending::Completes,
    }
}

/// The showcase repeats these, one a job. The first shows a whole life: start, pause, resume, end.
const SHOWCASE: [Plan; 6] = [
    paused(0.6, 6),
    STRAIGHT,
    paused(0.5, 10),
    Plan {
        pause: None,
        ending: Ending::CancelledAt(0.7),
    },
    paused(0.7, 5),
    Plan {
        pause: None,
        ending: Ending::FailsAt(0.65, THERMAL_RUNAWAY),
    },
];

impl Script {
    /// `seed` belongs to this printer alone.
    pub(super) fn new(hardware: &Hardware, seed: u64) -> Self {
        Self {
            dice: fastrand::Rng::with_seed(seed),
            pace: hardware.pace,
            files: files_for(hardware)
                .filter(|model| model.pace == hardware.pace)
                .collect(),
            conduct: Conduct::Acting,
            plan: STRAIGHT,
            jobs: 0,
            next: None,
        }
    }

    /// A random span, for those who set the stage.
    pub(super) fn span(&mut self, seconds: Range<u64>) -> Duration {
        Duration::from_secs(self.dice.u64(seconds))
    }

    /// What comes next, and when.
    pub(super) fn next(&self) -> Option<(Moment, Act)> {
        self.next
    }

    /// The printer entered a state: decide what to do from there.
    pub(super) fn entered(&mut self, now: Moment, state: &State, run: Option<&Run>) {
        self.next = match self.conduct {
            Conduct::Acting => self.decide(now, state, run),
            Conduct::LetGoUntil(until) => Some((until, Act::TakeOver)),
            Conduct::Stopped => None,
        };
    }

    /// Somebody gave a command by hand.
    pub(super) fn let_go(&mut self, now: Moment) {
        if self.conduct != Conduct::Stopped {
            let until = now + LET_GO;
            self.conduct = Conduct::LetGoUntil(until);
            self.next = Some((until, Act::TakeOver));
        }
    }

    /// Does nothing any more.
    pub(super) fn stop(&mut self) {
        self.conduct = Conduct::Stopped;
        self.next = None;
    }

    /// Goes on from wherever the printer is; a job under way is left to run to its end.
    pub(super) fn take_over(&mut self, now: Moment, state: &State, run: Option<&Run>) {
        self.conduct = Conduct::Acting;
        self.plan = STRAIGHT;
        self.entered(now, state, run);
    }

    fn decide(&mut self, now: Moment, state: &State, run: Option<&Run>) -> Option<(Moment, Act)> {
        match state {
            State::Operational => Some(self.after_idling(now)),
            State::Printing => self.during_print(run?),
            State::Paused => {
                let hold = self
                    .plan
                    .pause
                    .take()
                    .map_or(Duration::from_secs(1), |(_, hold)| hold);
                Some((now + hold, Act::Resume))
            }
            State::Offline | State::OfflineAfterError(_) => Some((now + self.rest(), Act::Connect)),
            _ => None,
        }
    }

    fn after_idling(&mut self, now: Moment) -> (Moment, Act) {
        let evening_off = self.pace == Pace::Workshop && self.jobs > 0 && self.one_in(20);
        if evening_off {
            return (now + self.span(20..60), Act::SwitchOff);
        }
        let idle = match self.pace {
            Pace::Showcase => Duration::from_secs(if self.jobs == 0 { 14 } else { 8 }),
            Pace::Workshop => self.span(20..150),
        };
        self.plan = self.draw_plan();
        let model = match self.pace {
            Pace::Showcase => self.files[self.jobs % self.files.len()],
            Pace::Workshop => self.files[self.dice.usize(..self.files.len())],
        };
        self.jobs += 1;
        (now + idle, Act::Print(model))
    }

    fn during_print(&self, run: &Run) -> Option<(Moment, Act)> {
        if let Some((share, _)) = self.plan.pause {
            return Some((run.reaches(share)?, Act::Pause));
        }
        match self.plan.ending {
            Ending::Completes => None,
            Ending::CancelledAt(share) => Some((run.reaches(share)?, Act::Cancel)),
            Ending::FailsAt(share, text) => Some((run.reaches(share)?, Act::Fail(text))),
        }
    }

    fn draw_plan(&mut self) -> Plan {
        if self.pace == Pace::Showcase {
            return SHOWCASE[self.jobs % SHOWCASE.len()];
        }
        let pause = self.one_in(4).then(|| {
            let share = self.share(0.3, 0.6);
            (share, self.span(15..60))
        });
        let ending = match self.dice.u32(..100) {
            0..8 => Ending::CancelledAt(self.share(0.65, 0.95)),
            8..12 => Ending::FailsAt(self.share(0.65, 0.95), THERMAL_RUNAWAY),
            12..14 => Ending::FailsAt(0.62, HEATING_FAILED),
            _ => Ending::Completes,
        };
        Plan { pause, ending }
    }

    /// How long a printer stays away after an error or an evening off.
    fn rest(&mut self) -> Duration {
        match self.pace {
            Pace::Showcase => Duration::from_secs(10),
            Pace::Workshop => self.span(40..150),
        }
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.dice.u32(..n) == 0
    }

    fn share(&mut self, low: f64, high: f64) -> f64 {
        low + self.dice.f64() * (high - low)
    }
}
