//! Finds the jobs in a sequence of reports: one start and exactly one end for each, never two at a time.
//!
//! A source reports states, not jobs: it has no job identity, and "ready" is what it says after a print that was
//! completed, cancelled or forgotten. The tracker compares each report with what was known before it.
//!
//! ```text
//!            no job                        link lost
//!   ┌───────────────────────►  Idle  ─────────────────────┐
//!   │                          │  ▲                       ▼
//!   │        job: Started(Seen)│  │no job: Ended      Unwatched ◄── start
//!   │                          ▼  │                    │  │
//!   │                         Active  ◄────────────────┘  │
//!   │                          │  ▲   job: Started(Reckoned)
//!   │                          └──┘                       │
//!   │       same print: Paused, Resumed; another print: Ended, Started
//!   └─────────────────────────────────────────────────────┘
//! ```
//!
//! **Unwatched**: nobody knows what happened up to now, because nothing was read yet or the link was lost while no
//! job ran. A job that is found now has run for a while: its start is reckoned back. A finished print that is found
//! now is history and makes no event.
//!
//! **Idle**: the newest report says that no job runs. A job in the next report started between the two.
//!
//! **Active**: a job runs ([`Active`] says what is remembered of it). It survives the loss of the link untouched:
//! the first report afterwards tells whether it goes on, is over, or was replaced.
//!
//! A printer state that this version does not know changes nothing in any state.

use std::mem;

use super::active::{Active, Verdict};
use super::hearing::{Extent, Hearing};
use super::identity::{JobNames, reckon_start};
use super::resume::last_end;
use super::{Job, JobEvent, JobStart, Outcome, PrinterState, Report, Timestamp};

#[derive(Debug, Clone, Default)]
pub(super) struct Tracker {
    pub(super) state: State,
    pub(super) names: JobNames,
    pub(super) hearing: Hearing,
}

/// What a report led to.
#[derive(Debug, PartialEq)]
pub(super) enum Sight {
    /// It counts, and this happened.
    Counts(Vec<JobEvent>),
    /// It waits for news that explain it; nothing that depends on it may be shown yet.
    Waits,
}

#[derive(Debug, Clone)]
pub(super) enum State {
    Unwatched {
        /// The last time that no job ran: none can have started before it.
        idle_at: Option<Timestamp>,
    },
    Idle {
        at: Timestamp,
    },
    Active(Box<Active>),
}

impl Default for State {
    fn default() -> Self {
        Self::Unwatched { idle_at: None }
    }
}

impl Tracker {
    /// Goes on after a restart, with the job that ran then and all jobs that are remembered.
    pub(super) fn resume<'a>(
        active: Option<Active>,
        jobs: impl Iterator<Item = &'a Job> + Clone,
    ) -> Self {
        Self {
            state: match active {
                Some(active) => State::Active(Box::new(active)),
                None => State::Unwatched {
                    idle_at: last_end(jobs.clone()),
                },
            },
            names: JobNames::after(jobs.map(|job| job.start.at())),
            hearing: Hearing::default(),
        }
    }

    /// What is remembered of the job that runs now.
    pub(super) fn active(&self) -> Option<&Active> {
        match &self.state {
            State::Active(active) => Some(active),
            State::Unwatched { .. } | State::Idle { .. } => None,
        }
    }

    /// The job that runs now.
    pub(super) fn job(&self) -> Option<&Job> {
        self.active().map(Active::job)
    }

    /// The link was lost: from now on anything may happen unseen.
    pub(super) fn lose_sight(&mut self) {
        self.hearing.lose_sight();
        match &mut self.state {
            State::Unwatched { .. } => {}
            State::Idle { at } => self.state = State::Unwatched { idle_at: Some(*at) },
            State::Active(active) => active.lose_sight(),
        }
    }

    /// Draws the conclusions of one report. `at` never runs backwards.
    pub(super) fn see(&mut self, report: &Report, extent: Extent, at: Timestamp) -> Sight {
        let mut events = Vec::new();
        if report.state == PrinterState::Unknown {
            return Sight::Counts(events);
        }
        if let State::Active(active) = &mut self.state {
            active.outlast_start(at);
        }
        if self.hearing.waits(&self.state, report, extent, at) {
            return Sight::Waits;
        }
        let missed = self.hearing.seen();
        let runs = report.state.has_active_job();
        self.state = match mem::take(&mut self.state) {
            State::Active(mut active) if runs => {
                if extent == Extent::Whole {
                    active.doubt(report, at);
                }
                self.follow(active, report, at, &mut events)
            }
            State::Active(active) => self.close(active, report, missed, at, &mut events),
            idle if runs => match (self.hearing.take_announced(report, extent), idle) {
                (Some(announced), _) => State::Active(self.start(&announced, report, &mut events)),
                (None, State::Unwatched { idle_at }) => {
                    let start = reckon_start(at, report.progress.print_time, idle_at);
                    self.begin(JobStart::Reckoned(start), report, at, &mut events)
                }
                (None, _) => self.begin(JobStart::Seen(at), report, at, &mut events),
            },
            _ => match self.hearing.take_unseen(at) {
                Some(announced) => {
                    let active = self.start(&announced, report, &mut events);
                    self.close(active, report, None, at, &mut events)
                }
                None => State::Idle { at },
            },
        };
        Sight::Counts(events)
    }

    fn begin(
        &mut self,
        start: JobStart,
        report: &Report,
        at: Timestamp,
        events: &mut Vec<JobEvent>,
    ) -> State {
        let id = self.names.name(report.file.as_ref(), start.at());
        State::Active(Box::new(Active::begin(id, start, report, at, events)))
    }

    /// A job ran and a job runs: the same one, unless something shows that it cannot be.
    fn follow(
        &mut self,
        mut active: Box<Active>,
        report: &Report,
        at: Timestamp,
        events: &mut Vec<JobEvent>,
    ) -> State {
        if active.is_same_print(report) {
            active.follow(report, at, events);
            return State::Active(active);
        }
        // The old job was over when the new one started, and it ran at least until then.
        let start = reckon_start(at, report.progress.print_time, Some(active.over_after()));
        events.push(JobEvent::Ended(active.replaced(start)));
        self.begin(JobStart::Reckoned(start), report, at, events)
    }

    /// A job ran and none runs: it is over, unless the report is self-contradictory. It was not seen since `missed`.
    fn close(
        &mut self,
        mut active: Box<Active>,
        report: &Report,
        missed: Option<Timestamp>,
        at: Timestamp,
        events: &mut Vec<JobEvent>,
    ) -> State {
        if let Some(told) = active.told() {
            if told.lacks_reason
                && let Verdict::Over(Outcome::Failed { reason }) = active.judge(report)
            {
                active.explain(reason);
            }
            self.hearing.ended(&active, at);
            events.push(JobEvent::Ended(active.end_as_told()));
            return State::Idle { at };
        }
        match active.judge(report) {
            Verdict::Over(outcome) => {
                self.hearing.ended(&active, at);
                let ended = active.end_with(report, missed.unwrap_or(at), outcome);
                events.push(JobEvent::Ended(ended));
                State::Idle { at }
            }
            Verdict::Wait => {
                active.wait(at);
                State::Active(active)
            }
        }
    }
}
