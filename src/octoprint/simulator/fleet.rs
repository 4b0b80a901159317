//! The simulated printers, and all that is kept about each of them besides its physics.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::handle::Handle;
use super::http::endpoint::{Endpoint, Ledger};
use super::http::fault::{Fault, Scope};
use super::printer::Printer;
use super::{Conduct, Settings, http, printer_name};

/// A number of OctoPrints with a printer each. Costs nothing while nobody asks.
#[derive(Debug)]
pub struct Simulator {
    clock: Clock,
    members: Vec<Arc<Member>>,
}

/// One printer of the fleet.
#[derive(Debug)]
pub(super) struct Member {
    printer: Mutex<Printer>,
    keys: AtomicBool,
    faults: watch::Sender<Vec<(Scope, Fault)>>,
    pub(super) ledger: Ledger,
}

impl Simulator {
    /// Printers that live in real time, `settings.speed` times as fast.
    pub fn new(settings: &Settings) -> Arc<Self> {
        Self::with_clock(settings, Clock::running(settings.speed))
    }

    /// Printers that live by this clock; `settings.speed` means nothing then.
    pub fn with_clock(settings: &Settings, clock: Clock) -> Arc<Self> {
        let members = (1..=settings.printers)
            .map(|number| Arc::new(Member::new(number, settings.seed, settings.conduct)))
            .collect();
        Arc::new(Self { clock, members })
    }

    /// Serves all printers at `http://<listener>/printer-0001/` and so on, until `shutdown`.
    ///
    /// # Errors
    /// None today: errors of single connections end only those.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> std::io::Result<()> {
        http::serve(self, listener, shutdown).await
    }

    /// The controls of a printer, by its number from 1.
    pub fn printer(&self, number: usize) -> Option<Handle> {
        let member = self.members.get(number.checked_sub(1)?)?;
        Some(Handle::new(Arc::clone(member), self.clock.clone()))
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn member(&self, name: &str) -> Option<&Member> {
        let number: usize = name.strip_prefix("printer-")?.parse().ok()?;
        let member = self.members.get(number.checked_sub(1)?)?;
        (printer_name(number) == name).then_some(member)
    }
}

impl Member {
    fn new(number: usize, seed: u64, conduct: Conduct) -> Self {
        Self {
            printer: Mutex::new(Printer::new(number, seed, conduct)),
            keys: AtomicBool::new(true),
            faults: watch::Sender::default(),
            ledger: Ledger::default(),
        }
    }

    /// The printer as it is now.
    pub fn printer(&self, clock: &Clock) -> MutexGuard<'_, Printer> {
        let mut printer = self.printer.lock().unwrap_or_else(PoisonError::into_inner);
        printer.advance(clock.now());
        printer
    }

    pub fn keys_accepted(&self) -> bool {
        self.keys.load(Ordering::Relaxed)
    }

    pub fn accept_keys(&self, accepted: bool) {
        self.keys.store(accepted, Ordering::Relaxed);
    }

    /// The fault that shows at an endpoint, if any; the newest wins.
    pub fn fault(&self, endpoint: Endpoint) -> Option<Fault> {
        newest(&self.faults.borrow(), endpoint).cloned()
    }

    /// Waits until the endpoint no longer hangs.
    pub async fn hang(&self, endpoint: Endpoint) {
        let mut faults = self.faults.subscribe();
        let answers = |faults: &Vec<_>| newest(faults, endpoint) != Some(&Fault::Hang);
        // An error would mean that the sender is gone, which lives as long as `self`.
        let _ = faults.wait_for(answers).await;
    }

    pub fn inject(&self, scope: Scope, fault: Fault) {
        self.faults
            .send_modify(|faults| faults.push((scope, fault)));
    }

    pub fn heal(&self) {
        self.faults.send_modify(Vec::clear);
    }
}

fn newest(faults: &[(Scope, Fault)], endpoint: Endpoint) -> Option<&Fault> {
    let mut newest_first = faults.iter().rev();
    newest_first
        .find(|(scope, _)| scope.covers(endpoint))
        .map(|(_, fault)| fault)
}
