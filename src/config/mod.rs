//! The configuration: what is written in `config.json` → what is valid.
//!
//! ```text
//! bytes ─ files ─► source (syntax) ─ reader (types) ─► written ─ one module for each rule ─► valid
//!                        └───────────────┴─── mistakes, warnings ───┴──────────────► Refused
//! ```
//!
//! Always holds: a [`Config`] needs no further checks; every mistake of a file is told at once, with its place and
//! its remedy; a step that yields nothing has reported why. Depends on no other room, only on `password`.

mod access;
mod api_key;
mod base_url;
mod census;
mod data_source;
mod field;
mod files;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod identity;
pub mod keys;
mod label;
mod login;
mod machine;
mod mistake;
mod reader;
mod secret;
mod settings;
mod source;
mod tls;
mod valid;
mod written;

use std::path::Path;

pub use mistake::{Mistake, Place, Position, Refused, Warning};
pub use secret::Secret;
pub use valid::{
    Config, DataSource, Identification, JobLog, Login, MachineConfig, MesInstance, MesRole,
    Operator, Tls,
};

use files::Folders;
use mistake::Report;
use source::Source;

/// The default port of a machine's OPC UA server, as registered for OPC UA.
pub const DEFAULT_PORT: u16 = 4840;

/// A configuration that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    pub config: Config,
    /// To be shown at every start.
    pub warnings: Vec<Warning>,
}

/// Reads a config file and the secret files that it names.
///
/// # Errors
/// Every mistake in the file, at once.
pub fn load(path: &Path) -> Result<Loaded, Refused> {
    let mut report = Report::default();
    let config = Source::read(path, &mut report)
        .and_then(|source| from_source(&source, &Folders::of(path), &mut report));
    report.conclude(config)
}

fn from_source(source: &Source, folders: &Folders, report: &mut Report) -> Option<Config> {
    let root = source.parse(report)?;
    let file = written::File::read(&root, source, report)?;
    settings::resolve(file, folders, report)
}
