//! What the tasks of the machines keep in the store, and when.
//!
//! What happens to orders is kept before anybody is told; counters and the progress of a print are kept now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::time::Instant;

use super::{BridgeError, journal};
use crate::config::Config;
use crate::machine::{Changes, Machine, Refusal, Saved, Timestamp};
use crate::store::{FILE_NAME, Store};

/// What a power cut may take of the counters.
const CHECKPOINT: Duration = Duration::from_secs(30);
/// The disk has this long before the live data go on without it.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a machine that is not configured any more is remembered.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// Opens the store and reads what is known of the configured machines.
///
/// A store that is damaged, or cannot be written, is no reason not to serve: it is told, and nothing is kept.
pub(super) fn open(
    config: &Config,
    now: Timestamp,
) -> Result<(Store, BTreeMap<String, Saved>), BridgeError> {
    let ids: Vec<&str> = config.machines.iter().map(|it| it.id.as_str()).collect();
    let opened = Store::open(&config.state_dir.join(FILE_NAME));
    let loaded = opened.and_then(|store| {
        let before = now.checked_sub_signed(REMEMBERED).unwrap_or(now);
        let saved = store.load(&ids, now, before)?;
        Ok((store, saved))
    });
    match loaded {
        Ok(loaded) => Ok(loaded),
        Err(error) if error.forbids_start() => Err(error.into()),
        Err(error) => {
            journal::nothing_is_kept(&error);
            Ok((Store::absent(), BTreeMap::new()))
        }
    }
}

/// The memory of one machine.
pub(super) struct Memory {
    store: Store,
    kept: Instant,
}

impl Memory {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            kept: Instant::now(),
        }
    }

    /// Keeps what has changed; it is on disk then, unless the disk fails.
    ///
    /// # Errors
    /// [`Refusal::NotStored`], for those who asked for the change. It is tried again later.
    pub(super) async fn keep(
        &mut self,
        machine: &Machine,
        changes: &Changes,
    ) -> Result<(), Refusal> {
        if changes.is_empty() {
            if self.kept.elapsed() >= CHECKPOINT {
                self.note(machine);
            }
            return Ok(());
        }
        self.kept = Instant::now();
        let id = &machine.nameplate.id;
        let commit = self
            .store
            .commit(id, changes, &machine.tags, machine.checkpoint());
        match tokio::time::timeout(PATIENCE, commit).await {
            Ok(Ok(())) => Ok(()),
            // The store itself says once that it fails.
            Ok(Err(_)) | Err(_) => Err(Refusal::NotStored),
        }
    }

    /// Keeps the moment, without waiting.
    pub(super) fn note(&mut self, machine: &Machine) {
        self.kept = Instant::now();
        self.store
            .checkpoint(&machine.nameplate.id, machine.checkpoint());
    }
}
