//! The rooms of the bridge, one per stage of the data path:
//! `config` → `octoprint` (observe) → `machine` (understand) → `umati` (name) → `server` (serve).
//!
//! Arrows point one way; `bridge` only connects the rooms and owns their tasks.
#![forbid(unsafe_code)]
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![warn(unreachable_pub)]

pub mod bridge;
pub mod cli;
pub mod config;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod logging;
pub mod machine;
pub mod octoprint;
pub mod password;
pub mod server;
pub mod store;
pub mod umati;
