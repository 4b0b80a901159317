//! The rooms of the bridge, one per stage of the data path:
//! `config` → `octoprint` (observe) → `machine` (understand) → `umati` (name) → `server` (serve).
//!
//! Arrows point one way; `bridge` only connects the rooms and owns their tasks.
#![forbid(unsafe_code)]

pub mod machine;
pub mod server;
pub mod umati;
