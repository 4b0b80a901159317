//! The source: one OctoPrint server per machine, asked over its REST interface and listened to on its push socket.
//!
//! ```text
//!  poll ──► api ──► http ──► OctoPrint          poll: what a look consists of; pace: when to look
//!   │ │      │        └ tls, redirect, failure  api:  which request, what its status means
//!   │ │      └ wire: JSON → facts               http: deadline, size limit, no key to another host
//!   │ └► Observation ─► line ─► the machine's queue
//!   └ pace ◄── Poke: somebody waits             push: what OctoPrint tells by itself
//!                                               line: which of poll and push has the word
//!  push ─────► api, Observation ─► line         control: what OctoPrint is made to do
//!  control ──► api                              observe: both side by side
//! ```
//!
//! [`simulator`] is an embedded OctoPrint for the demo and the tests; nothing here uses it.
//!
//! What always holds:
//! * Every round ends in exactly one of report, key rejected and unreachable; nothing a server sends ends the loop.
//! * A command is sent once at most, and never to another server than the configured one.
//! * A field of the wrong type costs that field, never the round (`wire`).
//! * `/api/printer` is only asked while the job's state says that the printer is connected, because OctoPrint writes
//!   a warning to the SD card of its Raspberry Pi for every 409.
//! * The key goes to the configured host only, and into no log line, error text or debug output.

mod api;
mod backoff;
mod control;
mod diagnose;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod http;
mod journal;
mod key;
mod limits;
mod line;
mod listing;
mod observe;
mod pace;
mod poke;
mod poll;
mod push;
mod report;
pub mod simulator;
mod source;
mod state;
mod wire;
mod words;

pub use backoff::{Backoff, InvalidBackoff};
pub use control::Controller;
pub use diagnose::{Diagnosis, diagnose};
pub use http::HttpClients;
pub use key::{ApiKey, InvalidKey};
pub use limits::Limits;
pub use observe::{Observed, observe};
pub use poke::{Looks, Poke};
pub use source::{Purpose, Source, TlsTrust, Way};
