//! How far a print was when last seen, to notice that another one runs instead.
//!
//! The tolerances are wide enough for sources whose parts refresh at different moments, and narrow enough to catch
//! every restart but one within the first two seconds of a print.

use std::time::Duration;

use super::{PrinterState, Progress, Report};

/// Print time is told in whole seconds and may be that of the refresh before.
const PRINT_TIME_JITTER: Duration = Duration::from_secs(2);

/// Percent of the file.
const COMPLETION_JITTER: f64 = 1.0;

/// Percent of the file from which on all of it was printed; 100 but for rounding.
const COMPLETE: f64 = 99.999;

pub(super) fn is_complete(completion: f64) -> bool {
    completion >= COMPLETE
}

/// The last progress told; a part that a report leaves out stays as it was.
#[derive(Debug, Clone, Default)]
pub(super) struct Mark {
    completion: Option<f64>,
    print_time: Option<Duration>,
}

impl Mark {
    pub(super) fn new(completion: Option<f64>, print_time: Option<Duration>) -> Self {
        Self {
            completion,
            print_time,
        }
    }

    pub(super) fn print_time(&self) -> Option<Duration> {
        self.print_time
    }

    pub(super) fn completion(&self) -> Option<f64> {
        self.completion
    }

    /// Notes the progress of a report of the job.
    ///
    /// Print time counts only while printing: OctoPrint lets it run on in a pause and sets it back by the length of
    /// the pause when the print goes on.
    pub(super) fn note(&mut self, state: PrinterState, progress: &Progress) {
        self.completion = progress.completion.or(self.completion);
        if state == PrinterState::Printing {
            self.print_time = progress.print_time.or(self.print_time);
        }
    }

    /// Is the print of this report behind the mark? One print never goes back.
    pub(super) fn went_back(&self, report: &Report) -> bool {
        let completion = match (self.completion, report.progress.completion) {
            (Some(was), Some(is)) => is + COMPLETION_JITTER < was,
            (None, _) | (_, None) => false,
        };
        let print_time = match (self.print_time, report.progress.print_time) {
            (Some(was), Some(is)) => is.saturating_add(PRINT_TIME_JITTER) < was,
            (None, _) | (_, None) => false,
        };
        completion || print_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(completion: Option<f64>, seconds: Option<u64>) -> Report {
        Report {
            state: PrinterState::Printing,
            progress: Progress {
                completion,
                print_time: seconds.map(Duration::from_secs),
                ..Progress::default()
            },
            ..Report::default()
        }
    }

    fn mark(report: &Report) -> Mark {
        let mut mark = Mark::default();
        mark.note(report.state, &report.progress);
        mark
    }

    #[test]
    fn jitter_is_not_going_back() {
        let mark = mark(&at(Some(40.0), Some(100)));
        assert!(!mark.went_back(&at(Some(39.0), Some(98))));
        assert!(mark.went_back(&at(Some(38.9), Some(100))));
        assert!(mark.went_back(&at(Some(40.0), Some(97))));
    }

    #[test]
    fn what_is_not_told_says_nothing_and_is_remembered() {
        let mut mark = mark(&at(Some(40.0), Some(100)));
        let silent = at(None, None);
        assert!(!mark.went_back(&silent));
        mark.note(silent.state, &silent.progress);
        assert!(mark.went_back(&at(Some(3.0), None)));
        assert!(mark.went_back(&at(None, Some(3))));
    }

    #[test]
    fn print_time_that_ran_on_in_a_pause_may_be_set_back() {
        let mut mark = mark(&at(Some(40.0), Some(100)));
        let paused = Report {
            state: PrinterState::Paused,
            ..at(Some(40.0), Some(700))
        };
        mark.note(paused.state, &paused.progress);
        assert!(!mark.went_back(&at(Some(40.0), Some(101))));
    }

    #[test]
    fn nonsense_is_not_going_back() {
        let mark = mark(&at(Some(f64::NAN), Some(u64::MAX)));
        assert!(!mark.went_back(&at(Some(1.0), None)));
        assert!(!mark.went_back(&at(Some(f64::INFINITY), Some(u64::MAX))));
    }
}
