//! What is remembered over a restart: orders and their jobs, counters, written tags, how far the running print was.
//!
//! ```text
//!  machine tasks ──commit, checkpoint──► writer (one thread) ──► file (redb) ──► <state_dir>/store.redb
//!        ▲                                    │
//!        └─────────── durable, or why not ◄───┘
//! ```
//!
//! Always holds: what `commit` has answered Ok for is on disk; a process that is killed at any moment leaves a file
//! that is whole; a file that cannot be written makes commits fail, and never stops the live data.

mod error;
mod file;
mod journal;
mod record;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::machine::{Changes, Checkpoint, Saved, Tag, Timestamp, WrittenTag};

pub use error::StoreError;
use file::File;
use writer::{Job, Writer};

/// The name of the file in the state folder.
pub const FILE_NAME: &str = "store.redb";

/// The store of all machines. Cheap to clone.
#[derive(Clone)]
pub struct Store(Option<Arc<Writer>>);

impl Store {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// Why it cannot be used; it is left as it is.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path)?;
        let writer = Writer::start(file).map_err(|source| StoreError::Io {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self(Some(Arc::new(writer))))
    }

    /// A store that keeps nothing: the bridge serves live data without one.
    pub fn absent() -> Self {
        Self(None)
    }

    /// What is known of these machines, by id. Others that were not asked for since `before` are forgotten.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn load(
        &self,
        machines: &[&str],
        now: Timestamp,
        before: Timestamp,
    ) -> Result<BTreeMap<String, Saved>, StoreError> {
        match &self.0 {
            Some(writer) => writer.file().load(machines, now, before),
            None => Ok(BTreeMap::new()),
        }
    }

    /// Keeps changes; they are on disk when this returns Ok.
    ///
    /// # Errors
    /// If they could not be written. They are tried again with whatever comes next.
    pub async fn commit(
        &self,
        machine: &str,
        changes: &Changes,
        tags: &BTreeMap<Tag, WrittenTag>,
        checkpoint: Checkpoint,
    ) -> Result<(), StoreError> {
        let Some(writer) = &self.0 else {
            return Err(StoreError::Absent);
        };
        let (done, answer) = oneshot::channel();
        writer.submit(Job {
            machine: machine.to_owned(),
            changed: changes.changed.clone(),
            removed: changes.removed.clone(),
            tags: changes.tags.then(|| tags.clone()),
            checkpoint: Some(checkpoint),
            done: Some(done),
        });
        answer.await.unwrap_or(Err(StoreError::Absent))
    }

    /// Keeps the newest checkpoint of a machine with the next commit of anything, or within a few seconds.
    pub fn checkpoint(&self, machine: &str, checkpoint: Checkpoint) {
        if let Some(writer) = &self.0 {
            writer.submit(Job {
                machine: machine.to_owned(),
                changed: Vec::new(),
                removed: Vec::new(),
                tags: None,
                checkpoint: Some(checkpoint),
                done: None,
            });
        }
    }

    /// Writes what still waits. What is handed in afterwards by clones is not kept.
    pub async fn close(&self) {
        if let Some(writer) = &self.0 {
            writer.close().await;
        }
    }
}
