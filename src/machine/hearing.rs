//! How what is told at the moment it happens is brought together with what reports show.
//!
//! A report shows that a print runs or does not; only news say which file was started and how a print ended. The two
//! come within moments of each other, in either order, and a report may be older than the news before it. So while
//! the source tells news, a conclusion waits for its other half, no longer than [`PATIENCE`]:
//!
//! ```text
//!   news: started ──┐                  ┌── news: over
//!                   ├─► the job starts ├─► the job ends
//!   seen: it runs ──┘                  └── seen: it does not run
//! ```
//!
//! Half of it alone is enough in the end: a print that is seen running without a word of its start has started, also
//! in the place of another one; one that is not seen any more is judged by what the report says; and one whose start and
//! end were both told was a job although nobody saw it.

use std::time::Duration;

use super::active::{Active, Watch};
use super::tracker::{State, Tracker};
use super::{
    DataSource, Ending, Job, JobEvent, JobFile, JobStart, Report, Timestamp, Trouble, later,
};

/// How long one half of a conclusion waits for the other. OctoPrint sends both within milliseconds, and the next
/// report within half a second (facts: octoprint.md §2.4).
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// What was heard, and not yet brought together with what is seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Hearing {
    ears: Ears,
    /// A print that was told to have started, and was not seen yet.
    announced: Option<Announced>,
    /// Since when the job that runs is not seen any more, or another one is, without a word of it.
    missed: Option<Timestamp>,
    /// The print that ended last, until when a report may lag behind its end.
    tail: Option<(Box<Active>, Timestamp)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ears {
    /// Nobody tells news: reports are all there is.
    #[default]
    Closed,
    Open,
}

#[derive(Debug, Clone)]
pub(super) struct Announced {
    pub file: JobFile,
    pub at: Timestamp,
}

/// How much of a report is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    /// The printer's state alone: the rest is what the report before said.
    State,
}

/// What was told of the end of the job that runs.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub ending: super::Outcome,
    pub print_time: Option<Duration>,
    pub at: Timestamp,
    /// Why it failed is told apart from it, and was not told yet.
    pub lacks_reason: bool,
}

impl Hearing {
    pub(super) fn listen(&mut self, source: &DataSource) {
        self.ears = match source {
            DataSource::Push => Ears::Open,
            DataSource::Poll { .. } => Ears::Closed,
        };
        self.missed = None;
        self.tail = None;
    }

    pub(super) fn lose_sight(&mut self) {
        self.missed = None;
        self.tail = None;
    }

    /// Whether no conclusion is drawn from a report yet.
    pub(super) fn waits(
        &mut self,
        state: &State,
        report: &Report,
        extent: Extent,
        at: Timestamp,
    ) -> bool {
        if self.ears == Ears::Closed {
            return false;
        }
        match (state, report.state.has_active_job()) {
            (State::Active(active), runs) => {
                let is_missed = if runs {
                    // Of the same file again there would be news, and a report may be older than the one before it.
                    // Out of sight there were none, and no later report tells as well that it is another print. With
                    // the state alone, its file is not known yet.
                    let may_lag = active.watch() == Watch::Unbroken
                        && !active.is_other_file(report.file.as_ref());
                    (may_lag || extent == Extent::State) && !active.is_same_print(report)
                } else {
                    active.told().is_none_or(|told| told.lacks_reason)
                };
                is_missed && {
                    let since = *self.missed.get_or_insert(at);
                    extent == Extent::State || at < later(since, PATIENCE)
                }
            }
            (_, false) => false,
            (_, true) => {
                (extent == Extent::State && self.announced.is_none())
                    || self.announced.is_none() && self.is_tail(report, at)
            }
        }
    }

    /// The job is seen running, or its end is concluded: since when it was not seen, if so.
    pub(super) fn seen(&mut self) -> Option<Timestamp> {
        self.missed.take()
    }

    /// A report of the print that has just ended, made before its end.
    fn is_tail(&self, report: &Report, at: Timestamp) -> bool {
        self.tail
            .as_ref()
            .is_some_and(|(ended, until)| at < *until && ended.is_same_print(report))
    }

    pub(super) fn ended(&mut self, active: &Active, at: Timestamp) {
        if self.ears == Ears::Open {
            self.tail = Some((Box::new(active.clone()), later(at, PATIENCE)));
        }
    }

    /// The print that a report of a running job is about, if it was announced.
    pub(super) fn take_announced(&mut self, report: &Report, extent: Extent) -> Option<Announced> {
        let announced = self.announced.take()?;
        // With the state alone, the file is that of the report before.
        let told = report.file.as_ref().filter(|_| extent == Extent::Whole);
        told.is_none_or(|told| told.is_same(&announced.file))
            .then_some(announced)
    }

    /// A print that was announced although no job runs; not if it may still show up.
    pub(super) fn take_unseen(&mut self, at: Timestamp) -> Option<Announced> {
        let is_due = |announced: &Announced| {
            self.ears == Ears::Closed || at >= later(announced.at, PATIENCE)
        };
        self.announced.take_if(|announced| is_due(announced))
    }
}

impl Tracker {
    /// News come from now on, or do not.
    pub(super) fn listen(&mut self, source: &DataSource) {
        self.hearing.listen(source);
    }

    /// A print was started. Told twice, or of the print that runs, it says nothing new.
    pub(super) fn hear_start(&mut self, file: JobFile, at: Timestamp) -> Vec<JobEvent> {
        let mut events = Vec::new();
        self.hearing.tail = None;
        if let State::Active(active) = &self.state {
            let missed = self.hearing.missed;
            let goes_on = active.told().is_none() && missed.is_none();
            if goes_on && !active.is_other_file(Some(&file)) {
                return events;
            }
            events.push(JobEvent::Ended(
                active.as_ref().clone().replaced(missed.unwrap_or(at)),
            ));
            self.state = State::Idle { at };
        }
        self.hearing.missed = None;
        self.hearing.announced = Some(Announced { file, at });
        events
    }

    /// Why the print failed that was told to be over.
    pub(super) fn hear_reason(&mut self, trouble: &Trouble) {
        if let State::Active(active) = &mut self.state {
            active.explain(trouble.text.clone());
        }
    }

    /// A print is over. What is told of another print than the one that runs comes too late and says nothing.
    pub(super) fn hear_end(
        &mut self,
        file: Option<&JobFile>,
        ending: Ending,
        print_time: Option<Duration>,
        trouble: Option<&Trouble>,
        at: Timestamp,
    ) -> Vec<JobEvent> {
        let lacks_reason = ending == Ending::FailedAsTold && trouble.is_none();
        let told = Told {
            ending: ending.outcome(trouble),
            print_time,
            at: self.hearing.missed.unwrap_or(at),
            lacks_reason,
        };
        if let State::Active(active) = &mut self.state {
            if !active.is_other_file(file) {
                active.tell_end(told);
            }
            return Vec::new();
        }
        let announced = self
            .hearing
            .announced
            .take_if(|announced| file.is_none_or(|file| file.is_same(&announced.file)));
        let Some(announced) = announced else {
            return Vec::new();
        };
        let mut events = Vec::new();
        let mut active = self.start(&announced, &Report::default(), &mut events);
        active.tell_end(told);
        self.hearing.ended(&active, at);
        events.push(JobEvent::Ended(active.end_as_told()));
        self.state = State::Idle { at };
        events
    }

    /// The job of a print that was announced; of a report that is about another file, only the state is believed.
    pub(super) fn start(
        &mut self,
        announced: &Announced,
        report: &Report,
        events: &mut Vec<JobEvent>,
    ) -> Box<Active> {
        let mut report = report.clone();
        if !report
            .file
            .as_ref()
            .is_some_and(|told| told.is_same(&announced.file))
        {
            report.file = Some(announced.file.clone());
        }
        let start = JobStart::Seen(announced.at);
        let id = self.names.name(report.file.as_ref(), announced.at);
        Box::new(Active::begin(id, start, &report, announced.at, events))
    }
}

impl Active {
    /// What was told of the end of this job.
    pub(super) fn told(&self) -> Option<&Told> {
        self.told.as_ref()
    }

    /// Why it failed, if that is what lacks.
    pub(super) fn explain(&mut self, reason: String) {
        if let Some(told) = self.told.as_mut().filter(|told| told.lacks_reason) {
            told.lacks_reason = false;
            told.ending = super::Outcome::Failed { reason };
        }
    }

    /// The first word counts: what is told after it is the same in other words.
    fn tell_end(&mut self, told: Told) {
        self.told.get_or_insert(told);
    }

    /// A print that is said to be over and is seen printing for this long is another one than was meant.
    pub(super) fn doubt(&mut self, report: &Report, at: Timestamp) {
        use super::PrinterState as S;
        let prints = matches!(
            report.state,
            S::Printing | S::Paused | S::Pausing | S::Resuming
        );
        self.told
            .take_if(|told| prints && at >= later(told.at, PATIENCE));
    }

    /// The job is over, as it was told.
    pub(super) fn end_as_told(mut self) -> Job {
        match self.told.take() {
            Some(Told {
                ending,
                print_time,
                at,
                lacks_reason: _,
            }) => {
                let progress = &mut self.job.progress;
                progress.print_time = print_time.or(progress.print_time);
                if ending == super::Outcome::Completed {
                    progress.completion = Some(100.0);
                }
                self.end(at, ending)
            }
            None => self.job,
        }
    }
}
