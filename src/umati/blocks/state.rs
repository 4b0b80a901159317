//! The state table: what an OctoPrint machine does, in the words of four standard states.
//!
//! Pure. One [`Situation`] is one row; [`States`] is what the row says. `docs/mapping.md` publishes the table and a
//! test compares it with this code.
//!
//! Basis: 40001-1 annex: OutOfService + Processing is unscheduled downtime, NotExecuting + Setup engineering,
//! NotExecuting + Processing standby, Executing + Processing productive.

use opcua::types::{NodeId, StatusCode};

use crate::machine::{Freshness, Machine, PrinterState, Timestamp};
use crate::umati::namespaces as ns;

/// What is known of the machine at an instant; the first that applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Situation {
    /// Nothing was read yet.
    NothingRead,
    /// OctoPrint does not answer or rejects the key; what the printer did when it was last read.
    OutOfReach(Activity),
    /// OctoPrint tells what the printer does.
    Known(Activity),
}

/// What the printer does, as far as the standard states can tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// The printer is off, or not connected to its OctoPrint.
    Closed,
    /// An error ended, or is about to end, the connection to the printer.
    Failed,
    /// Ready for a print.
    Idle,
    /// A print starts, runs, resumes or finishes.
    Printing,
    /// The print still runs and is about to pause.
    Pausing,
    Paused,
    /// The print still runs and is about to be given up.
    Cancelling,
    /// A file is copied to the storage of the printer.
    Transferring,
    /// OctoPrint names a state that this version of the bridge does not know.
    Unclear,
}

impl Activity {
    /// Every activity, for tables.
    pub const ALL: [Self; 9] = [
        Self::Closed,
        Self::Failed,
        Self::Idle,
        Self::Printing,
        Self::Pausing,
        Self::Paused,
        Self::Cancelling,
        Self::Transferring,
        Self::Unclear,
    ];
}

impl From<PrinterState> for Activity {
    fn from(state: PrinterState) -> Self {
        match state {
            PrinterState::Offline | PrinterState::Connecting => Self::Closed,
            PrinterState::Error => Self::Failed,
            PrinterState::Operational => Self::Idle,
            PrinterState::Starting
            | PrinterState::Printing
            | PrinterState::Resuming
            | PrinterState::Finishing => Self::Printing,
            PrinterState::Pausing => Self::Pausing,
            PrinterState::Paused => Self::Paused,
            PrinterState::Cancelling => Self::Cancelling,
            PrinterState::Transferring => Self::Transferring,
            PrinterState::Unknown => Self::Unclear,
        }
    }
}

impl Situation {
    /// The situation of a machine at `at`.
    pub fn of(machine: &Machine, at: Timestamp) -> Self {
        let Some(report) = &machine.report else {
            return Self::NothingRead;
        };
        match machine.freshness(at) {
            Freshness::Waiting => Self::NothingRead,
            Freshness::Live => Self::Known(report.state.into()),
            Freshness::Stale | Freshness::Lost => Self::OutOfReach(report.state.into()),
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct States {
    pub item: ItemState,
    pub mode: ModeState,
    pub operation: OperationMode,
    pub program: ProgramState,
    /// Status of all of them; never Bad, because clients colour the machine by these states.
    pub status: StatusCode,
}

impl States {
    /// `resting` is the state of the program as the last job left it, which counts while nothing runs.
    pub fn of(situation: Situation, resting: ProgramState) -> Self {
        let row = |item, mode, operation, program| Self {
            item,
            mode,
            operation,
            program,
            status: StatusCode::Good,
        };
        use {ItemState as I, ModeState as M, OperationMode as O, ProgramState as P};
        let interrupted = row(I::NotExecuting, M::Processing, O::Automatic, P::Interrupted);
        match situation {
            Situation::NothingRead => Self {
                status: StatusCode::UncertainInitialValue,
                ..row(I::NotAvailable, M::None, O::Other, P::Initializing)
            },
            Situation::OutOfReach(last) => Self {
                item: I::NotAvailable,
                mode: M::None,
                status: StatusCode::UncertainNoCommunicationLastUsableValue,
                ..Self::of(Situation::Known(last), resting)
            },
            Situation::Known(activity) => match activity {
                Activity::Closed | Activity::Unclear => {
                    row(I::NotAvailable, M::None, O::Other, resting)
                }
                // The job that it ended is Aborted; one that was over before stays what it was.
                Activity::Failed => row(I::OutOfService, M::Processing, O::Automatic, resting),
                Activity::Idle => row(I::NotExecuting, M::Processing, O::Automatic, resting),
                // A print that is given up while it is paused never runs again.
                Activity::Cancelling if resting == P::Interrupted => interrupted,
                Activity::Printing | Activity::Pausing | Activity::Cancelling => {
                    row(I::Executing, M::Processing, O::Automatic, P::Running)
                }
                Activity::Paused => interrupted,
                Activity::Transferring => row(I::NotExecuting, M::Setup, O::Setup, resting),
            },
        }
    }
}

/// A state of a finite state machine, as `CurrentState` and its properties tell it.
pub trait StateValue: Copy + std::fmt::Debug {
    /// `CurrentState/Id`: the state node of the type.
    fn id(self) -> NodeId;
    /// `CurrentState/Number`.
    fn number(self) -> u32;
    /// `CurrentState`: the browse name of the state, locale `en`.
    fn text(self) -> String {
        format!("{self:?}")
    }
}

/// States of MachineryItemState_StateMachineType (Machinery, i=1002).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemState {
    NotAvailable,
    OutOfService,
    NotExecuting,
    Executing,
}

impl StateValue for ItemState {
    fn id(self) -> NodeId {
        let id: u32 = match self {
            Self::NotAvailable => 5005,
            Self::OutOfService => 5004,
            Self::NotExecuting => 5007,
            Self::Executing => 5006,
        };
        NodeId::new(ns::MACHINERY, id)
    }

    fn number(self) -> u32 {
        self as u32
    }
}

/// States of MachineOperationModeStateMachineType (MachineTool, i=1003), served as MachineryOperationMode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModeState {
    None = 0,
    Setup = 2,
    Processing = 3,
}

impl StateValue for ModeState {
    fn id(self) -> NodeId {
        let id: u32 = match self {
            Self::None => 5059,
            Self::Setup => 5061,
            Self::Processing => 5060,
        };
        NodeId::new(ns::MACHINE_TOOL, id)
    }

    fn number(self) -> u32 {
        self as u32
    }
}

/// Enumeration MachineOperationMode (MachineTool, i=65), as far as an OctoPrint printer shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationMode {
    Automatic = 1,
    Setup = 2,
    Other = 5,
}

/// States of ProductionProgramStateMachineType (MachineTool, i=15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramState {
    Initializing,
    Running,
    Ended,
    Interrupted,
    Aborted,
}

impl StateValue for ProgramState {
    fn id(self) -> NodeId {
        let id: u32 = match self {
            Self::Initializing => 5039,
            Self::Running => 5041,
            Self::Ended => 5038,
            Self::Interrupted => 5040,
            Self::Aborted => 5037,
        };
        NodeId::new(ns::MACHINE_TOOL, id)
    }

    fn number(self) -> u32 {
        self as u32
    }
}
