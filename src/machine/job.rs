//! A print job as the MES understands it: one identity, one true start, exactly one end.

use std::borrow::Cow;

use super::{JobFile, Progress, Timestamp};

/// `octoprint:<origin>/<path>@<start UTC>`; never changes once given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JobId(pub String);

/// A job that has started. Its end, if any, stands in [`JobPhase::Ended`].
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub id: JobId,
    /// `None` while the source has not told the file.
    pub file: Option<JobFile>,
    pub start: JobStart,
    pub phase: JobPhase,
    /// The last progress seen while the job was active; the final one if it was completed.
    pub progress: Progress,
}

impl Job {
    /// When and how the job ended; `None` while it is active.
    pub fn end(&self) -> Option<(Timestamp, &Outcome)> {
        match &self.phase {
            JobPhase::Ended { at, outcome } => Some((*at, outcome)),
            JobPhase::Running | JobPhase::Paused(_) => None,
        }
    }
}

/// When the job started, and how well that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobStart {
    /// We saw the change from idle to printing.
    Seen(Timestamp),
    /// The job ran before we looked, or took another's place unseen: now − print time, a latest possible start
    /// (pauses do not count in print time).
    Reckoned(Timestamp),
}

impl JobStart {
    /// The time itself, however well it is known.
    pub fn at(self) -> Timestamp {
        match self {
            Self::Seen(at) | Self::Reckoned(at) => at,
        }
    }
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq)]
pub enum JobPhase {
    Running,
    /// Paused since.
    Paused(Timestamp),
    Ended {
        at: Timestamp,
        outcome: Outcome,
    },
}

/// How a job ended. Told exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    Cancelled,
    Failed {
        reason: String,
    },
    /// It is over, but nobody saw how (OctoPrint restarted, another print took its place).
    Unknown {
        why: Cow<'static, str>,
    },
}

/// What happened to a job; each start has exactly one end.
#[derive(Debug, Clone, PartialEq)]
pub enum JobEvent {
    Started(Job),
    Paused { id: JobId, at: Timestamp },
    Resumed { id: JobId, at: Timestamp },
    Ended(Job),
}
