//! The job that runs: what is remembered of it, and whether a report still speaks of it.

use std::time::Duration;

use super::hearing::Told;
use super::mark::{Mark, is_complete};
use super::{
    Job, JobEvent, JobFile, JobId, JobPhase, JobStart, OrderId, Outcome, PrinterState, Progress,
    Report, Running, Timestamp, later,
};

/// OctoPrint is in the state `Starting` for milliseconds (facts: octoprint.md §0.6), and for seconds where a printer is slow.
const LONGEST_START: Duration = Duration::from_secs(10);

/// What is remembered of the running job from one report to the next.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) job: Job,
    stage: Stage,
    watch: Watch,
    mark: Mark,
    seen_at: Timestamp,
    /// How it ended, if that was told before it was seen.
    pub(super) told: Option<Told>,
}

/// How far the job is on its way through the printer states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Starting,
    /// It was seen in a later state than `Starting`, so `Starting` is the beginning of another print.
    UnderWay,
    /// It was seen cancelling. There is no way back from there: whatever ends it, it was cancelled.
    Cancelling,
    /// One report said "no job" with the progress of a job under way; see [`Verdict::Wait`].
    Contradicted,
}

/// Whether the job was seen in every report since the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Watch {
    Unbroken,
    /// The link was lost since the job was last seen.
    Interrupted,
}

/// What a report without an active job says about the job that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Over(Outcome),
    /// "Ready", but with the progress of a print under way. OctoPrint reads the progress before the state, so a
    /// print that ends in between is reported like this once; the next report tells how it ended.
    Wait,
}

impl Active {
    /// A job that starts with this report.
    ///
    /// The progress of a report that shows the very start may still be that of the print before, so it is not
    /// believed; that of a job that has run for a while is.
    pub(super) fn begin(
        id: JobId,
        start: JobStart,
        report: &Report,
        at: Timestamp,
        events: &mut Vec<JobEvent>,
    ) -> Self {
        let job = Job {
            id,
            file: report.file.clone(),
            start,
            phase: JobPhase::Running,
            progress: Progress::default(),
        };
        events.push(JobEvent::Started(job.clone()));
        let mut active = Self {
            job,
            stage: Stage::Starting,
            watch: Watch::Unbroken,
            mark: Mark::default(),
            seen_at: at,
            told: None,
        };
        active.enter(report.state, at, events);
        if let JobStart::Reckoned(_) = start {
            active.job.progress = report.progress.clone();
            active.mark.note(report.state, &report.progress);
        }
        active
    }

    /// A job that ran when the process ended; what became of it since, nobody saw.
    pub(super) fn resume(job: Job, running: Option<Running>) -> Self {
        let last_seen = match job.phase {
            JobPhase::Paused(at) => at,
            JobPhase::Running | JobPhase::Ended { .. } => job.start.at(),
        };
        let cancelling = running.as_ref().is_some_and(|running| running.cancelling);
        let mark = match &running {
            Some(running) => Mark::new(running.completion, running.print_time),
            None => Mark::new(job.progress.completion, None),
        };
        let made_progress = mark.completion().is_some() || mark.print_time().is_some();
        Self {
            stage: match (cancelling, made_progress) {
                (true, _) => Stage::Cancelling,
                (false, true) => Stage::UnderWay,
                (false, false) => Stage::Starting,
            },
            watch: Watch::Interrupted,
            seen_at: running
                .as_ref()
                .map_or(last_seen, |running| running.seen_at.max(last_seen)),
            mark,
            job,
            told: None,
        }
    }

    /// What tells this print from another one after a restart; of which order it is, the caller knows.
    pub(super) fn checkpoint(&self) -> Running {
        Running {
            order: OrderId(String::new()),
            completion: self.mark.completion(),
            print_time: self.mark.print_time(),
            cancelling: self.stage == Stage::Cancelling,
            seen_at: self.seen_at,
        }
    }

    pub(super) fn job(&self) -> &Job {
        &self.job
    }

    /// Until when the job certainly ran: it was seen running, or its end was told.
    pub(super) fn over_after(&self) -> Timestamp {
        self.told
            .as_ref()
            .map_or(self.seen_at, |told| self.seen_at.max(told.at))
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    pub(super) fn watch(&self) -> Watch {
        self.watch
    }

    /// Out of sight for longer than a start takes: it does not start any more.
    pub(super) fn outlast_start(&mut self, at: Timestamp) {
        let is_long = at >= later(self.job.start.at(), LONGEST_START);
        if self.watch == Watch::Interrupted && self.stage == Stage::Starting && is_long {
            self.stage = Stage::UnderWay;
        }
    }

    pub(super) fn lose_sight(&mut self) {
        self.watch = Watch::Interrupted;
    }

    /// Can a report of an active job be about this job?
    ///
    /// Only what cannot happen to one print counts: another file, starting again, progress going back. How much
    /// time went by does not: an unseen pause, a printer that did not answer for a while and a clock that was set
    /// look the same as a restart, and to end a job that runs is the worse mistake.
    pub(super) fn is_same_print(&self, report: &Report) -> bool {
        !self.starts_again(report)
            && !self.is_other_file(report.file.as_ref())
            && !self.mark.went_back(report)
    }

    /// By the state alone, another print begins.
    pub(super) fn starts_again(&self, report: &Report) -> bool {
        report.state == PrinterState::Starting && self.stage != Stage::Starting
    }

    /// Both files are known and differ. A file that is not told says nothing.
    pub(super) fn is_other_file(&self, told: Option<&JobFile>) -> bool {
        match (&self.job.file, told) {
            (Some(ours), Some(told)) => !ours.is_same(told),
            (None, _) | (_, None) => false,
        }
    }

    /// The job goes on.
    pub(super) fn follow(&mut self, report: &Report, at: Timestamp, events: &mut Vec<JobEvent>) {
        let before = events.len();
        self.enter(report.state, at, events);
        if events.len() > before
            && let Some(told) = &mut self.told
        {
            // It was not over when its end was told.
            told.at = at;
        }
        self.learn_file(report.file.as_ref());
        self.job.progress.clone_from(&report.progress);
        self.mark.note(report.state, &report.progress);
        self.watch = Watch::Unbroken;
        self.seen_at = at;
    }

    /// The file as it is told first, or more of it: news name it without the date and the name that people gave it.
    fn learn_file(&mut self, told: Option<&JobFile>) {
        let knows = self
            .job
            .file
            .as_ref()
            .is_some_and(|ours| ours.date.is_some());
        if !knows && let Some(told) = told {
            self.job.file = Some(told.clone());
        }
    }

    /// The job goes on although a report contradicts itself.
    pub(super) fn wait(&mut self, at: Timestamp) {
        self.stage = Stage::Contradicted;
        self.seen_at = at;
    }

    pub(super) fn end(self, at: Timestamp, outcome: Outcome) -> Job {
        Job {
            phase: JobPhase::Ended { at, outcome },
            ..self.job
        }
    }

    /// The job is over, because another print runs since `at`.
    pub(super) fn replaced(self, at: Timestamp) -> Job {
        if self.told.is_some() {
            return self.end_as_told();
        }
        let outcome = if self.stage == Stage::Cancelling {
            Outcome::Cancelled
        } else if self.mark.completion().is_some_and(is_complete) {
            Outcome::Completed
        } else {
            Outcome::Unknown {
                why: "another print took its place".into(),
            }
        };
        self.end(at, outcome)
    }

    /// The job is over by this report, whose progress is the final one of a job that was completed.
    pub(super) fn end_with(mut self, report: &Report, at: Timestamp, outcome: Outcome) -> Job {
        if outcome == Outcome::Completed {
            self.job.progress.clone_from(&report.progress);
        }
        self.end(at, outcome)
    }

    /// Takes over the printer state. `Pausing` is still running, `Resuming` is running again, and a job that is
    /// cancelled while paused stays paused until it ends.
    fn enter(&mut self, state: PrinterState, at: Timestamp, events: &mut Vec<JobEvent>) {
        self.stage = match (self.stage, state) {
            (Stage::Cancelling, _) | (_, PrinterState::Cancelling) => Stage::Cancelling,
            (Stage::Starting, PrinterState::Starting) => Stage::Starting,
            (Stage::Starting | Stage::UnderWay | Stage::Contradicted, _) => Stage::UnderWay,
        };
        match (&self.job.phase, state) {
            (JobPhase::Running, PrinterState::Paused) => {
                self.job.phase = JobPhase::Paused(at);
                events.push(JobEvent::Paused {
                    id: self.job.id.clone(),
                    at,
                });
            }
            (JobPhase::Paused(_), PrinterState::Paused | PrinterState::Cancelling) => {}
            (JobPhase::Paused(_), _) => {
                self.job.phase = JobPhase::Running;
                events.push(JobEvent::Resumed {
                    id: self.job.id.clone(),
                    at,
                });
            }
            (JobPhase::Running | JobPhase::Ended { .. }, _) => {}
        }
    }
}
