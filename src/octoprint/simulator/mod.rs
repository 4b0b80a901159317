//! An embedded OctoPrint 1.11.8 with lively printers, for the demo and the tests to talk to over real HTTP
//! and WebSockets.
//!
//! [`clock`] gives virtual time, `printer` is the physics and the state machine (pure, seeded, lazy), `member` is one
//! printer with its keys and faults, `fleet` all of them, `http` answers as OctoPrint does, `push` tells by itself,
//! `handle` is how tests interfere.

pub mod clock;
mod fleet;
mod handle;
mod http;
mod member;
mod printer;
mod push;
mod trail;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use clock::Clock;
pub use fleet::Simulator;
pub use handle::Handle;
pub use http::endpoint::Endpoint;
pub use http::fault::Fault;
pub use http::users::{API_KEY, CONTROL_KEY, NO_PERMISSION_KEY, STATUS_KEY};
pub use printer::command::{AfterSelect, Command, PauseAction, Refusal};
pub use printer::state::{PrinterError, State};
pub use push::fault::{Prank, PushFault};

/// What is simulated.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How many printers there are; the first is the showcase.
    pub printers: usize,
    /// How many times faster than real time they live; positive.
    pub speed: f64,
    /// The same seed gives the same lives.
    pub seed: u64,
    pub conduct: Conduct,
}

/// Whether printers do something by their own will.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conduct {
    /// Each follows its own script; commands by hand take precedence.
    Scripted,
    /// They wait for commands, operational and with no file selected.
    Manual,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            printers: 5,
            speed: 1.0,
            seed: 1,
            conduct: Conduct::Scripted,
        }
    }
}

/// The name of a printer, and its path on the simulator; numbers start at 1.
pub fn printer_name(number: usize) -> String {
    format!("printer-{number:04}")
}

/// Simulates printers until `shutdown`.
///
/// # Errors
/// As [`Simulator::serve`].
pub async fn simulate(
    listener: TcpListener,
    settings: &Settings,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    Simulator::new(settings).serve(listener, shutdown).await
}
