//! OctoPrint's push interface: one WebSocket a client, on which the server tells by itself what changes.
//!
//! `socket` is the life of one, `client` what its client asked for, `messages` and `events` are what it says,
//! `sessions` who may listen, `fault` how it goes wrong. [`Hub`] is what all sockets of one printer share.
//!
//! A socket sleeps until its printer's next change, until the next message is due or until the bell rings, so that
//! an idle one costs little.

mod client;
mod events;
pub(super) mod fault;
mod messages;
mod sessions;
mod socket;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::trail::{Mark, Trail};
use fault::{Prank, PushFault};
use sessions::Sessions;
pub(super) use sessions::login;
pub(super) use socket::{Visit, attend};

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Hub {
    /// Rung when sockets shall look at their printer and at the faults again.
    bell: watch::Sender<()>,
    /// No socket outlives the era in which it was opened.
    era: watch::Sender<u64>,
    sessions: Mutex<Sessions>,
    faults: Mutex<Vec<PushFault>>,
    pranks: Mutex<Trail<Prank>>,
    open: AtomicUsize,
    frames: AtomicU64,
}

impl Hub {
    pub(super) fn ring(&self) {
        self.bell.send_replace(());
    }

    /// Closes all sockets without a word.
    pub(super) fn cut(&self) {
        self.era.send_modify(|era| *era += 1);
    }

    /// Closes all sockets, and no session is good any more.
    pub(super) fn restart(&self) {
        self.sessions().forget();
        self.cut();
    }

    pub(super) fn inject(&self, fault: PushFault) {
        lock(&self.faults).push(fault);
        self.ring();
    }

    pub(super) fn heal(&self) {
        lock(&self.faults).clear();
        self.ring();
    }

    /// Does something on all sockets, once.
    pub(super) fn play(&self, prank: Prank) {
        lock(&self.pranks).push(prank);
        self.ring();
    }

    /// Sockets open now.
    pub(super) fn sockets(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Messages sent on all sockets together.
    pub(super) fn frames(&self) -> u64 {
        self.frames.load(Ordering::Relaxed)
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        lock(&self.sessions)
    }

    fn faults(&self) -> Vec<PushFault> {
        lock(&self.faults).clone()
    }

    fn pranks(&self, since: &mut Mark) -> Vec<Prank> {
        lock(&self.pranks).follow(since)
    }

    /// Where a new socket begins to take part in pranks.
    fn pranks_so_far(&self) -> Mark {
        lock(&self.pranks).end()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
