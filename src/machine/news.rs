//! What a source tells by itself, at the moment at which it happens; a [`Report`](super::Report) is what it says when
//! it is asked, or again and again.

use std::time::Duration;

use super::{JobFile, Outcome, PrinterState};

/// One thing that happened at the printer.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// The printer is in another state; all else may still be as the newest report says.
    State {
        state: PrinterState,
        /// The source's own words for it.
        text: String,
    },
    Print(PrintNews),
    /// Something went wrong, whether or not it ends a print or the connection.
    Trouble(Trouble),
    /// The firmware introduced itself.
    Firmware(Firmware),
    /// Somebody has to change the filament (M600).
    FilamentChange,
    /// Another tool is in use.
    Tool(u8),
}

/// The beginning or the end of a print.
#[derive(Debug, Clone, PartialEq)]
pub enum PrintNews {
    Started {
        file: JobFile,
        user: Option<String>,
    },
    Over {
        file: Option<JobFile>,
        ending: Ending,
        /// Time spent printing, without pauses.
        print_time: Option<Duration>,
    },
}

/// How a print ended, as far as its source says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Completed,
    Cancelled,
    /// `None`: for no reason that was told here; a [`Trouble`] before it may tell.
    Failed {
        reason: Option<String>,
    },
    /// For a reason that a [`Trouble`] tells, which may come a moment later: OctoPrint 2.0 tells the end in a thread of its
    /// own.
    FailedAsTold,
}

impl Ending {
    /// The outcome of a job that ended like this, `trouble` being what was told last.
    pub(super) fn outcome(self, trouble: Option<&Trouble>) -> Outcome {
        match self {
            Self::Completed => Outcome::Completed,
            Self::Cancelled => Outcome::Cancelled,
            Self::Failed {
                reason: Some(reason),
            } => Outcome::Failed { reason },
            Self::Failed { reason: None } | Self::FailedAsTold => Outcome::Failed {
                reason: trouble.map_or_else(
                    || "printer disconnected".to_owned(),
                    |trouble| trouble.text.clone(),
                ),
            },
        }
    }
}

/// An error as OctoPrint tells it (event `Error`, facts: octoprint.md §2.8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub text: String,
    /// `firmware`, `resend`, `resend_loop`, `timeout`, `connection`, `start_print`, `autodetect`, …
    pub reason: Option<String>,
}

/// What the firmware says of itself (M115).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Firmware {
    /// Name and version in one text, as the firmware writes it.
    pub name: String,
    pub machine_type: Option<String>,
    pub uuid: Option<String>,
}

/// Which way the facts come in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataSource {
    /// It is asked again and again.
    Poll {
        /// Why it does not tell by itself; `None` if it was not tried or asked to.
        why: Option<String>,
    },
    /// It tells by itself; it is only asked now and then whether it still would.
    Push,
}

impl Default for DataSource {
    fn default() -> Self {
        Self::Poll { why: None }
    }
}
