//! The program that runs or ran last: `Production/ActiveProgram` (40501-1 §8.5).
//!
//! Deprecated since 40501-1 1.02 in favour of JobManagement, still mandatory, and what the umati dashboard colours
//! a machine by.
//!
//! | node | from |
//! |---|---|
//! | Name | the file, by the name it was uploaded under; empty while there is none |
//! | JobIdentifier | JobOrderID of the job; empty for a file that is only selected, and when the order was cleared |
//! | State | [`States::program`] |
//! | NumberInList | constant 0: one program at a time |

use super::operation::current_state;
use super::quality::Quality;
use super::render::Render;
use super::state::{ProgramState, States};
use crate::machine::{Book, Job, JobFile, JobPhase, Machine, Outcome};
use crate::umati::blueprint::Plan;

const PROGRAM: &str = "Production/ActiveProgram";

/// What the active program is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Program<'a> {
    /// No job was seen and no file is selected.
    Nothing,
    /// A file that is selected and was not printed since.
    Selected(&'a JobFile),
    /// The job that is active, or the last one until another file is selected.
    Job(&'a Job),
}

impl<'a> Program<'a> {
    pub(super) fn of(machine: &'a Machine) -> Self {
        let selected = machine.report.as_ref().and_then(|r| r.file.as_ref());
        match (&machine.job, selected) {
            (None, None) => Self::Nothing,
            (None, Some(file)) => Self::Selected(file),
            (Some(job), Some(file)) if job.end().is_some() && is_another(file, job) => {
                Self::Selected(file)
            }
            (Some(job), _) => Self::Job(job),
        }
    }

    /// The state of the program as far as the job tells it; what the printer does may overrule it.
    pub(super) fn resting_state(self) -> ProgramState {
        let Self::Job(job) = self else {
            return ProgramState::Initializing;
        };
        match &job.phase {
            JobPhase::Running => ProgramState::Running,
            JobPhase::Paused(_) => ProgramState::Interrupted,
            JobPhase::Ended { outcome, .. } => match outcome {
                Outcome::Completed => ProgramState::Ended,
                // A print that nobody saw finish is not a finished print.
                Outcome::Cancelled | Outcome::Failed { .. } | Outcome::Unknown { .. } => {
                    ProgramState::Aborted
                }
            },
        }
    }

    fn name(self) -> &'a str {
        match self {
            Self::Nothing => "",
            Self::Selected(file) => &file.display,
            Self::Job(job) => job.file.as_ref().map_or("", |file| &file.display),
        }
    }

    /// JobOrderID of the job: one that JobManagement lists, or none.
    fn job_identifier(self, book: &'a Book) -> &'a str {
        match self {
            Self::Nothing | Self::Selected(_) => "",
            Self::Job(job) => book.of_job(&job.id).map_or("", |order| &order.id.0),
        }
    }
}

fn is_another(file: &JobFile, job: &Job) -> bool {
    job.file
        .as_ref()
        .is_some_and(|printed| !printed.is_same(file))
}

pub(super) fn plan(plan: &mut Plan) {
    plan.include("Production/ActiveProgram/JobIdentifier");
}

pub(super) fn render(out: &mut Render, program: Program, states: &States, book: &Book) {
    let path = |member: &str| format!("{PROGRAM}/{member}");
    let status = states.status;
    out.put(&path("Name"), Quality::with_status(program.name(), status));
    out.put(
        &path("JobIdentifier"),
        Quality::with_status(program.job_identifier(book), status),
    );
    current_state(out, &path("State"), states.program, states);
    out.constant(&path("NumberInList"), || 0u16.into());
}
