//! The simulated printers and their common time.

use std::sync::Arc;

use super::clock::Clock;
use super::handle::Handle;
use super::member::Member;
use super::{Settings, printer_name};

/// A number of OctoPrints with a printer each. Costs nothing while nobody asks or listens.
#[derive(Debug)]
pub struct Simulator {
    clock: Clock,
    members: Vec<Arc<Member>>,
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

    /// The controls of a printer, by its number from 1.
    pub fn printer(&self, number: usize) -> Option<Handle> {
        let member = self.members.get(number.checked_sub(1)?)?;
        Some(Handle::new(Arc::clone(member), self.clock.clone()))
    }

    /// The time that all printers live by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The printer of this name, as [`printer_name`] makes it.
    pub(super) fn member(&self, name: &str) -> Option<&Arc<Member>> {
        let number: usize = name.strip_prefix("printer-")?.parse().ok()?;
        let member = self.members.get(number.checked_sub(1)?)?;
        (printer_name(number) == name).then_some(member)
    }
}
