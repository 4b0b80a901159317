//! One printer of the fleet: the printer itself, whether its OctoPrint knows keys, its faults, its push sockets, and
//! what it was asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Conduct;
use super::clock::Clock;
use super::http::endpoint::{Endpoint, Ledger};
use super::http::fault::{Fault, Scope};
use super::printer::Printer;
use super::push::Hub;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Member {
    printer: Mutex<Printer>,
    keys: AtomicBool,
    faults: watch::Sender<Vec<(Scope, Fault)>>,
    pub(super) ledger: Ledger,
    pub(super) push: Hub,
}

impl Member {
    pub(super) fn new(number: usize, seed: u64, conduct: Conduct) -> Self {
        Self {
            printer: Mutex::new(Printer::new(number, seed, conduct)),
            keys: AtomicBool::new(true),
            faults: watch::Sender::default(),
            ledger: Ledger::default(),
            push: Hub::default(),
        }
    }

    /// The printer as it is now.
    pub(super) fn printer(&self, clock: &Clock) -> MutexGuard<'_, Printer> {
        let mut printer = self.printer_unlooked();
        printer.advance(clock.now());
        printer
    }

    /// The printer as somebody saw it last.
    pub(super) fn printer_unlooked(&self) -> MutexGuard<'_, Printer> {
        self.printer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the printer as it is now, and lets its sockets tell of it.
    pub(super) fn act<T>(&self, clock: &Clock, act: impl FnOnce(&mut Printer) -> T) -> T {
        let outcome = act(&mut self.printer(clock));
        self.push.ring();
        outcome
    }

    pub(super) fn keys_accepted(&self) -> bool {
        self.keys.load(Ordering::Relaxed)
    }

    pub(super) fn accept_keys(&self, accepted: bool) {
        self.keys.store(accepted, Ordering::Relaxed);
    }

    /// The fault that shows at an endpoint, if any; the newest wins.
    pub(super) fn fault(&self, endpoint: Endpoint) -> Option<Fault> {
        newest(&self.faults.borrow(), endpoint).cloned()
    }

    /// Waits until the endpoint no longer hangs.
    pub(super) async fn hang(&self, endpoint: Endpoint) {
        let mut faults = self.faults.subscribe();
        let answers = |faults: &Vec<_>| newest(faults, endpoint) != Some(&Fault::Hang);
        // An error would mean that the sender is gone, which lives as long as `self`.
        let _ = faults.wait_for(answers).await;
    }

    pub(super) fn inject(&self, scope: Scope, fault: Fault) {
        let closes = fault == Fault::Close && scope.covers(Endpoint::Push);
        self.faults
            .send_modify(|faults| faults.push((scope, fault)));
        if closes {
            self.push.cut();
        }
        self.push.ring();
    }

    pub(super) fn heal(&self) {
        self.faults.send_modify(Vec::clear);
        self.push.heal();
    }
}

fn newest(faults: &[(Scope, Fault)], endpoint: Endpoint) -> Option<&Fault> {
    let mut newest_first = faults.iter().rev();
    newest_first
        .find(|(scope, _)| scope.covers(endpoint))
        .map(|(_, fault)| fault)
}
