//! What is wrong with a machine right now, as a level: who tells it finds the edges.

use super::{Machine, Timestamp};

/// A condition that an operator should know of, as long as it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    pub kind: AlertKind,
    /// What OctoPrint or the network said; for people.
    pub text: String,
    pub since: Timestamp,
}

/// The kinds of alerts; at most one of each holds at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlertKind {
    /// OctoPrint does not answer.
    Unreachable,
    /// OctoPrint does not accept the API key.
    KeyRejected,
    /// The printer reported an error that is not one of temperature.
    PrinterError,
    /// The firmware stopped because of a temperature (thermal runaway, MINTEMP, MAXTEMP, heating failed).
    ThermalError,
    /// The connection to the printer was lost during a print.
    Disconnected,
}

impl Machine {
    /// The alerts that hold now, each kind at most once.
    pub fn alerts(&self) -> Vec<Alert> {
        Vec::new()
    }
}
