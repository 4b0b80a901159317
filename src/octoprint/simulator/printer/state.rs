//! The states of OctoPrint 1.11.8, their words and their flags.
//!
//! ```text
//!              connect                                        start
//! Offline ──────────────► Opening ─► Connecting ─► Operational ─────► Starting
//!    ▲                                             ▲  ▲   ▲              ▼      pause
//!    │ unplug, disconnect (from anywhere)          │  │   └─ Finishing ◄─ Printing ─────► Pausing
//!    │                                  Cancelling ┘  │                   ▲                 ▼
//! OfflineAfterError ◄── Error (from anywhere)    ▲    │               Resuming ◄──────── Paused
//!                                                └────┴── cancel (from any of the print states)
//! ```
//!
//! An error on the way to the printer passes over `Error`.

use std::time::Duration;

/// What OctoPrint does with its printer. `Opening`, `Connecting`, `Starting`, `Pausing`, `Resuming`, `Cancelling`,
/// `Finishing` and `Error` end by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Offline,
    Opening,
    Connecting,
    Operational,
    Starting,
    Printing,
    Pausing,
    Paused,
    Resuming,
    Cancelling,
    Finishing,
    Error(PrinterError),
    OfflineAfterError(PrinterError),
}

/// Why the connection to the printer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrinterError {
    /// `error` of `/api/job`.
    pub text: String,
    pub source: ErrorSource,
}

/// Who reported the error; `/api/printer/error` has details only of the firmware's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorSource {
    Firmware,
    Connection,
}

/// The flags of `/api/printer`, without `sdReady`, which is true whenever they can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flags {
    pub cancelling: bool,
    pub closed_or_error: bool,
    pub error: bool,
    pub finishing: bool,
    pub operational: bool,
    pub paused: bool,
    pub pausing: bool,
    pub printing: bool,
    pub ready: bool,
    pub resuming: bool,
}

impl State {
    /// The `state` of `/api/job` and the `text` of `/api/printer`.
    pub fn text(&self) -> &'static str {
        match self {
            Self::Offline => "Offline",
            Self::Opening => "Opening serial connection",
            Self::Connecting => "Connecting",
            Self::Operational => "Operational",
            Self::Starting => "Starting",
            Self::Printing => "Printing",
            Self::Pausing => "Pausing",
            Self::Paused => "Paused",
            Self::Resuming => "Resuming",
            Self::Cancelling => "Cancelling",
            Self::Finishing => "Finishing",
            Self::Error(_) => "Error",
            Self::OfflineAfterError(_) => "Offline after error",
        }
    }

    /// The `state_id` of the push interface, which says no more of a closed connection than that it is closed.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Offline | Self::OfflineAfterError(_) => "OFFLINE",
            Self::Opening => "OPEN_SERIAL",
            Self::Connecting => "CONNECTING",
            Self::Operational => "OPERATIONAL",
            Self::Starting => "STARTING",
            Self::Printing => "PRINTING",
            Self::Pausing => "PAUSING",
            Self::Paused => "PAUSED",
            Self::Resuming => "RESUMING",
            Self::Cancelling => "CANCELLING",
            Self::Finishing => "FINISHING",
            Self::Error(_) => "ERROR",
        }
    }

    /// `/api/connection` has a word of its own for a closed connection.
    pub fn connection_text(&self) -> &'static str {
        match self {
            Self::Offline | Self::OfflineAfterError(_) => "Closed",
            other => other.text(),
        }
    }

    /// The `flags` of `/api/printer`.
    pub fn flags(&self) -> Flags {
        let printing = Flags {
            operational: true,
            printing: true,
            ..Flags::default()
        };
        match self {
            Self::Offline => Flags {
                closed_or_error: true,
                ..Flags::default()
            },
            Self::Opening | Self::Connecting => Flags::default(),
            Self::Operational => Flags {
                operational: true,
                ready: true,
                ..Flags::default()
            },
            Self::Starting | Self::Printing => printing,
            Self::Pausing => Flags {
                pausing: true,
                ..printing
            },
            Self::Paused => Flags {
                operational: true,
                paused: true,
                ..Flags::default()
            },
            Self::Resuming => Flags {
                resuming: true,
                ..printing
            },
            Self::Cancelling => Flags {
                cancelling: true,
                ..printing
            },
            Self::Finishing => Flags {
                finishing: true,
                ..printing
            },
            Self::Error(_) | Self::OfflineAfterError(_) => Flags {
                error: true,
                closed_or_error: true,
                ..Flags::default()
            },
        }
    }

    /// What went wrong, if that is why the printer is where it is.
    pub fn error(&self) -> Option<&PrinterError> {
        match self {
            Self::Error(error) | Self::OfflineAfterError(error) => Some(error),
            _ => None,
        }
    }

    /// How long a passing state lasts, and what follows it.
    pub fn passing(&self) -> Option<(Duration, Self)> {
        let (millis, next) = match self {
            Self::Opening => (400, Self::Connecting),
            Self::Connecting => (800, Self::Operational),
            Self::Starting => (300, Self::Printing),
            Self::Pausing => (700, Self::Paused),
            Self::Resuming => (300, Self::Printing),
            Self::Cancelling => (600, Self::Operational),
            Self::Finishing => (400, Self::Operational),
            Self::Error(error) => (300, Self::OfflineAfterError(error.clone())),
            Self::Offline
            | Self::Operational
            | Self::Printing
            | Self::Paused
            | Self::OfflineAfterError(_) => return None,
        };
        Some((Duration::from_millis(millis), next))
    }
}

impl PrinterError {
    /// An error that the firmware reported, in its words.
    pub fn firmware(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source: ErrorSource::Firmware,
        }
    }

    /// An error on the way to the printer, in OctoPrint's words.
    pub fn connection(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            source: ErrorSource::Connection,
        }
    }

    /// Whether the firmware no longer answered.
    pub fn is_timeout(&self) -> bool {
        self.source == ErrorSource::Connection && self.text.contains("timeouts")
    }

    /// The page of OctoPrint's FAQ that it names for the error, if it knows the error.
    pub fn faq(&self) -> Option<&'static str> {
        [
            ("Thermal Runaway", "firmware-thermal-runaway"),
            ("Heating failed", "firmware-heating-failed"),
            ("MINTEMP", "firmware-mintemp"),
            ("MAXTEMP", "firmware-maxtemp"),
        ]
        .into_iter()
        .find_map(|(words, page)| self.text.contains(words).then_some(page))
    }
}
