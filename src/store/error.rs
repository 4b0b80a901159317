//! Why something is not remembered, in words for the operator.

use std::io;
use std::path::PathBuf;

/// What can be wrong with the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It was made by a later version, whose words this one does not know.
    #[error(
        "{path} was written by a newer version (schema {found}, this version knows up to {known}): start that version, \
         or move the file away to begin anew without the jobs in it",
        path = path.display()
    )]
    Newer {
        path: PathBuf,
        found: u32,
        known: u32,
    },
    #[error(
        "{path} is in use by another process: each bridge needs a `state_dir` of its own",
        path = path.display()
    )]
    InUse { path: PathBuf },
    /// Not a store, or one that was damaged.
    #[error(
        "{path} is damaged or not a store of umati-bridge ({reason}): move it away to begin anew without the jobs in \
         it; live data are served meanwhile",
        path = path.display()
    )]
    Damaged { path: PathBuf, reason: String },
    #[error("{path}: {source}", path = path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: std::sync::Arc<io::Error>,
    },
    #[error("nothing is kept: there is no store")]
    Absent,
}

impl StoreError {
    /// Whether the bridge must not run: it would work against another process, or lose what a newer version knows.
    pub fn forbids_start(&self) -> bool {
        matches!(self, Self::Newer { .. } | Self::InUse { .. })
    }
}
