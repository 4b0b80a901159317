//! What OctoPrint knows of the selected file and of the print of it.

use std::time::Duration;

use super::Printer;
use super::catalogue::Model;
use super::happening::Happening;
use super::run::Run;
use crate::octoprint::simulator::clock::Moment;

/// The selected file. OctoPrint answers differently before anything was ever selected and afterwards.
#[derive(Debug)]
pub(crate) enum Job {
    /// The server is fresh.
    Initial,
    Empty,
    Loaded {
        model: &'static Model,
        user: String,
        work: Work,
    },
}

/// What became of the selected file.
#[derive(Debug)]
pub(crate) enum Work {
    /// Selected, or its print was cancelled: OctoPrint answers the same.
    Untouched,
    Running(Run),
    /// Stays so until another file is selected or this one is started again.
    Done {
        print_time: Duration,
    },
}

/// What became of the earlier prints of a file.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Prints {
    pub success: u32,
    pub failure: u32,
    /// Of all successful prints together.
    total: Duration,
    pub last: Option<LastPrint>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct LastPrint {
    pub at: Moment,
    /// `Some` if it succeeded.
    pub print_time: Option<Duration>,
    /// The last one that succeeded took this long.
    last_success: Option<Duration>,
}

/// `progress` of `/api/job`, where there is any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Progress {
    /// Percent of the bytes.
    pub completion: f64,
    /// Bytes.
    pub file_position: u64,
    pub print_time: Duration,
    pub left: Duration,
    pub left_origin: Option<&'static str>,
}

/// Below this share of the bytes OctoPrint trusts averages and analysis more than what it sees.
const ENOUGH_SEEN: f64 = 0.2;

impl Job {
    pub(super) fn run(&self) -> Option<&Run> {
        match self {
            Self::Loaded {
                work: Work::Running(run),
                ..
            } => Some(run),
            _ => None,
        }
    }

    pub(super) fn run_mut(&mut self) -> Option<&mut Run> {
        match self {
            Self::Loaded {
                work: Work::Running(run),
                ..
            } => Some(run),
            _ => None,
        }
    }
}

impl Prints {
    /// Mean time of the successful prints, in seconds.
    pub(crate) fn average(&self) -> Option<f64> {
        (self.success > 0).then(|| self.total.as_secs_f64() / f64::from(self.success))
    }

    /// Time of the last successful print, in seconds.
    pub(crate) fn last_success(&self) -> Option<f64> {
        Some(self.last?.last_success?.as_secs_f64())
    }

    fn record(&mut self, at: Moment, print_time: Option<Duration>) {
        match print_time {
            Some(time) => {
                self.success += 1;
                self.total += time;
            }
            None => self.failure += 1,
        }
        let last_success = print_time.or(self.last.and_then(|last| last.last_success));
        self.last = Some(LastPrint {
            at,
            print_time,
            last_success,
        });
    }
}

impl Printer {
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    pub(super) fn run(&self) -> Option<&Run> {
        self.job.run()
    }

    pub(crate) fn prints(&self, model: &Model) -> Prints {
        self.prints.get(model.path).copied().unwrap_or_default()
    }

    /// `None` while nothing was printed of the selected file.
    pub(crate) fn progress(&self) -> Option<Progress> {
        let Job::Loaded { model, work, .. } = &self.job else {
            return None;
        };
        match work {
            Work::Untouched => None,
            Work::Done { print_time } => Some(Progress {
                completion: 100.0,
                file_position: model.size,
                print_time: *print_time,
                left: Duration::ZERO,
                left_origin: None,
            }),
            Work::Running(run) => {
                let print_time = run.print_time(self.now);
                let file_position = run.file_position(self.now);
                let share = file_position as f64 / model.size as f64;
                let (left, origin) = self.time_left(model, share, print_time.as_secs_f64());
                Some(Progress {
                    completion: share * 100.0,
                    file_position,
                    print_time,
                    left,
                    left_origin: Some(origin),
                })
            }
        }
    }

    /// As OctoPrint guesses it: from other prints or the analysis at first, then from the bytes.
    fn time_left(&self, model: &Model, share: f64, print_time: f64) -> (Duration, &'static str) {
        let (seconds, origin) = match self.prints(model).average() {
            _ if share >= ENOUGH_SEEN => (print_time / share - print_time, "linear"),
            Some(average) => (average - print_time, "average"),
            None => (model.estimate() - print_time, "analysis"),
        };
        (Duration::from_secs_f64(seconds.max(0.0)), origin)
    }

    /// Selects a file; whatever was known of the one before is gone.
    pub(super) fn load(&mut self, model: &'static Model, user: &str) {
        self.job = Job::Loaded {
            model,
            user: user.to_owned(),
            work: Work::Untouched,
        };
        self.tell(Happening::FileSelected {
            model,
            user: user.to_owned(),
        });
    }

    /// The running print, if any, came to its good end.
    pub(super) fn complete(&mut self) {
        let now = self.now;
        if let Job::Loaded { model, work, .. } = &mut self.job
            && let Work::Running(run) = work
        {
            let print_time = run.print_time(now);
            *work = Work::Done { print_time };
            let prints = self.prints.entry(model.path).or_default();
            prints.record(now, Some(print_time));
        }
    }

    /// The running print, if any, will not be finished.
    pub(super) fn abandon(&mut self) {
        let now = self.now;
        if let Job::Loaded { model, work, .. } = &mut self.job
            && let Work::Running(_) = work
        {
            *work = Work::Untouched;
            self.prints.entry(model.path).or_default().record(now, None);
        }
    }
}
