//! What of a machine outlives the process, as the store keeps it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Firmware, Order, OrderId, Tag, Timestamp};

/// Everything that a machine is resumed from.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Saved {
    /// The oldest first.
    pub orders: Vec<Order>,
    pub checkpoint: Checkpoint,
    pub tags: BTreeMap<Tag, WrittenTag>,
}

/// What changes all the time and may be a few seconds old when it is read back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Checkpoint {
    pub counters: Counters,
    /// How far the running print was.
    pub running: Option<Running>,
    /// It is told only when OctoPrint connects to the printer.
    pub firmware: Option<Firmware>,
}

/// What tells, after a restart, whether the print that runs is the one that ran before.
#[derive(Debug, Clone, PartialEq)]
pub struct Running {
    /// The order of the print, whose `job` is not over.
    pub order: OrderId,
    /// Percent of the file.
    pub completion: Option<f64>,
    pub print_time: Option<Duration>,
    pub cancelling: bool,
    pub seen_at: Timestamp,
}

/// A value that a client wrote over the configured one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenTag {
    pub text: String,
    /// What the configuration said then. If it says something else by now, the configuration counts again.
    pub instead_of: Option<String>,
}

/// Observed since the bridge first saw the machine (40001-1 MachineryOperationCounterType).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Counters {
    /// PowerOnDuration: the printer was connected.
    pub power_on: Duration,
    /// OperationDuration: it was printing.
    pub operation: Duration,
    /// OperationCycleCounter: prints that ended, however.
    pub cycles: u64,
    /// PartsProducedInLifetime: prints that were completed.
    pub parts: u64,
}
