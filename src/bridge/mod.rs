//! Connects the rooms: one task a machine, one server a port, and the bridge's own pulse.
//!
//! [`start`] does everything that can fail before anything is served, so that a refusal is told once and nothing is
//! left half started; [`Bridge::run`] serves until `shutdown` and drains within a deadline.

mod journal;
mod machine_task;
mod ports;
mod pulse;
mod pulse_task;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, MachineConfig, Tls};
use crate::machine::{Machine, Nameplate, Patience};
use crate::octoprint::{self, ApiKey, HttpClients, Source, TlsTrust};
use crate::server::{self, Identity, Plant, Server, SharedInstance};
use crate::umati::Mapping;

pub use ports::{PortRefused, PortsRefused};

use machine_task::MachineTask;
use pulse::Pulse;
use pulse_task::PulseTask;

/// Observations that may wait for one machine's task; a poll yields at most a handful.
const QUEUE: usize = 16;

/// How long the tasks may take to end before they are cut short.
const DRAIN: Duration = Duration::from_secs(5);

/// A temperature feed that stands still for this many polls is frozen, but never sooner than [`FROZEN_AT_LEAST`]:
/// OctoPrint itself samples every 5 s while the printer is idle.
const FROZEN_POLLS: u32 = 10;
const FROZEN_AT_LEAST: Duration = Duration::from_secs(30);

/// Why the bridge did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Ports(#[from] PortsRefused),
    #[error("the information model cannot be built: {0}")]
    Model(String),
    #[error(transparent)]
    Source(#[from] octoprint::SourceError),
    #[error(transparent)]
    Server(#[from] server::ServerError),
}
