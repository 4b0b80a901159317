//! The log lines of this room.

use log::{error, info};

use super::StoreError;

/// From now on nothing is kept; said once.
pub(super) fn failing(reason: &StoreError) {
    error!("jobs and counters cannot be stored, live data are served meanwhile: {reason}");
}

/// The store works again, and what waited is kept.
pub(super) fn works_again() {
    info!("jobs and counters are stored again");
}
